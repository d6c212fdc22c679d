"""How the action log says what resellers change about their people, groups and wishes."""

from __future__ import annotations

from core.errors import N_

ACTIONS = {
    "set-reseller-roles": N_("changed the roles of somebody of reseller {id}"),
    "set-reseller-wishes": N_("changed limits and notices of reseller {id}"),
    "announce-maintenance": N_("told the resellers of maintenance"),
    "bind-group": N_("bound a group to reseller {id}"),
    "unbind-group": N_("took a group off reseller {id}"),
    "migrate-group": N_("followed a moved group of reseller {id}"),
}

FIELDS = {
    "telegram_id": N_("Telegram id"),
    "owner": N_("owner"),
    "buy": N_("buys"),
    "see": N_("sees the balance"),
    "chat_id": N_("chat"),
    "title": N_("title"),
    "bound": N_("bound"),
    "confirm_above_minor": N_("confirmed above"),
    "low_balance_minor": N_("low below"),
    "restock": N_("told of stock"),
    "maintenance": N_("told of maintenance"),
    "text": N_("text"),
    "told": N_("told"),
}
