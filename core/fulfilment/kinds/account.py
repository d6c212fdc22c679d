"""An account with its attributes: login and password are the code, what else is known of it is told with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from core.errors import N_
from core.fulfilment.kind import Kind, Number, Terms, Unit

MOST_ATTRIBUTES = 10


class AccountKind(Kind):
    name = "account"
    title = N_("Account")
    about = N_("Login and password, with columns such as region, level or mail: what stands in the first line names them.")
    against = "reclaimed"
    numbers = (Number("reclaim_days", N_("Days of warranty against reclaim by the former owner"), 0, 3650, 0),)

    def warranty(self, terms: Terms) -> timedelta | None:
        """Until when we answer for a former owner who takes the account back."""
        days = self.number(terms, "reclaim_days")
        return timedelta(days=days) if days else None

    def words(self, terms: Terms) -> list[tuple[str, dict[str, Any]]]:
        days = self.number(terms, "reclaim_days")
        if not days:
            return [(N_("No warranty against reclaim by the former owner."), {})]
        return [(N_("If a former owner takes it back within {days} days, we replace it or pay back."), {"days": days})]

    def units(self, terms: Terms, card_no: str | None, card_pwd: str | None, more: Sequence[tuple[str, str]] = ()) -> list[Unit]:
        told = tuple(f"{title}: {said}" for title, said in more[:MOST_ATTRIBUTES] if said)
        return [Unit(card_no, card_pwd, told)]


KIND = AccountKind()
