"""How the action log says what was done to suppliers, switches, complaints, words and lists."""

from __future__ import annotations

from core.errors import N_

ACTIONS = {
    "strike": N_("gave supplier {id} a strike"),
    "lift-strike": N_("took back a strike of supplier {id}"),
    "suspend-supplier": N_("suspended supplier {id}"),
    "unsuspend-supplier": N_("lifted the suspension of supplier {id}"),
    "set-standing": N_("changed the standing of supplier {id}"),
    "set-hold-days": N_("changed the days of hold of supplier {id}"),
    "change-standing-rule": N_("changed what a standing allows"),
    "switch-off": N_("switched off number {id}"),
    "switch-on": N_("switched on number {id}"),
    "register-takedown": N_("registered complaint {id}"),
    "add-to-takedown": N_("added to complaint {id}"),
    "decide-takedown": N_("decided complaint {id}"),
    "ban-word": N_("banned word {id}"),
    "allow-word": N_("allowed word {id} again"),
    "guard-brand": N_("made brand {id} need a paper"),
    "free-brand": N_("made brand {id} free"),
    "add-blacklist": N_("sent list {id} of codes that must not be sold"),
    "withdraw-blacklist": N_("took back list {id}"),
    "ban-person": N_("put entry {id} on the list of people"),
    "pardon-person": N_("took entry {id} off the list of people"),
    "decide-certificate": N_("decided about certificate {id}"),
}

FIELDS = {
    "strikes": N_("open strikes"),
    "suspended": N_("suspended"),
    "standing": N_("standing"),
    "hold_days": N_("days of hold"),
    "most_on_shelf": N_("codes on the shelf at most"),
    "most_offers": N_("offers at most"),
    "classes": N_("classes of source"),
    "approve": N_("new offers wait for the staff"),
    "cases_basis_points": N_("strike from hundredths of a percent"),
    "least_sales": N_("from so many sales"),
    "switched_off": N_("switched off"),
    "offers": N_("offers"),
    "who": N_("by"),
    "reference": N_("reference"),
    "blacklist": N_("list"),
    "fresh": N_("new codes"),
    "known": N_("lines that were known"),
    "unread": N_("lines that could not be read"),
    "what": N_("known by"),
}
