"""How what is done about resellers is called in the action log."""

from __future__ import annotations

from locales import N_

ACTIONS = {
    "send-reseller": N_("sent application {id} as a reseller"),
    "withdraw-reseller": N_("withdrew application {id} as a reseller"),
    "decide-reseller": N_("decided about application {id} of a reseller"),
    "add-level": N_("made level {id} of resellers"),
    "change-level": N_("changed level {id} of resellers"),
    "close-level": N_("closed level {id} of resellers"),
    "set-level-rule": N_("set a line of the price list of level {id}"),
    "drop-level-rule": N_("took a line out of the price list of level {id}"),
    "set-window": N_("changed over how many days turnover is counted"),
    "set-level": N_("changed the level of reseller {id}"),
    "set-level-price": N_("set what a level pays for denomination {id}"),
    "set-contract-price": N_("agreed a reseller's price for denomination {id}"),
    "end-contract-price": N_("ended an agreed price of reseller {id}"),
    "set-minimum": N_("changed the minimum resale price of denomination {id}"),
    "note-undercut": N_("noted that reseller {id} asks too little"),
    "add-plan": N_("put service package {id} on sale"),
    "withdraw-plan": N_("took service package {id} off sale"),
    "end-subscription": N_("ended a service package of reseller {id}"),
    "open-brand": N_("reseller {id} opened their own bot"),
    "close-brand": N_("reseller {id} closed their own bot"),
    "stop-brand": N_("stopped a bot of reseller {id}"),
    "resume-brand": N_("let a bot of reseller {id} sell again"),
    "close-undercut": N_("settled that reseller {id} asked too little"),
}
FIELDS = {
    "rank": N_("rank"),
    "turnover_minor": N_("turnover"),
    "of": N_("about number"),
    "from_quantity": N_("from quantity"),
    "how": N_("how"),
    "value": N_("value"),
    "below_cost": N_("may be under cost"),
    "days": N_("days"),
    "level": N_("level"),
    "pinned": N_("kept there"),
    "unit_minor": N_("price"),
    "until": N_("until"),
    "customer": N_("customer"),
    "dearer": N_("dearer than for all: meant so"),
    "asked_minor": N_("asked"),
    "undercut": N_("number of the note"),
    "broadcasts": N_("broadcasts"),
    "username": N_("bot"),
    "price_minor": N_("price"),
}
CURRENCY_OF = {"price_minor": "currency", "unit_minor": "currency", "asked_minor": "currency", "turnover_minor": ""}
