"""How the action log says what was promised, called off and judged."""

from __future__ import annotations

from core.errors import N_

ACTIONS = {
    "commit": N_("made commitment {id}"),
    "call-off-commitment": N_("called off commitment {id}"),
    "judge-commitment": N_("judged commitment {id}, whose time was over"),
}

FIELDS = {
    "offer": N_("offer"),
    "precedence": N_("drawn"),
    "promised_by": N_("promised by"),
    "drawn": N_("units drawn"),
    "brought": N_("units brought"),
    "supplier_short": N_("short of the supplier"),
    "shop_short": N_("short of the shop"),
    "open": N_("open"),
}

VALUES = {
    ("commit", "exclusive"): N_("alone"),
    ("commit", "priority"): N_("before all others"),
    ("commit", "supplier"): N_("the supplier"),
    ("commit", "shop"): N_("the shop"),
    ("commit", "both"): N_("both"),
}
