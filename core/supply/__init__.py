"""Supply: who brings goods, at what cost, and in which order the sale draws from them."""

from core.supply.commands import Offer, own_offer, set_cost, tell_who_waits
from core.supply.declared import AS_MANY_AS_ONE_LIKES, draw_declared, give_back_declared
from core.supply.making import ENDLESS, declare, first_supplier, to_be_made
from core.supply.members import SupplierView, add_member, members_of, new_supplier, offers_of, payable, supplier, suppliers_of
from core.supply.outcomes import Outcomes, fails_too_often, note_outcome, outcomes
from core.supply.queries import cost_of, left, offers, ranked
from core.supply.ranking import OfferFacts, facts_of, lock_offers, offered_skus, rank
from core.supply.stops import StopView, lift, lift_ended, stop, stops
from core.supply.tables import SourceClass, Standing, Stop

__all__ = [
    "AS_MANY_AS_ONE_LIKES",
    "ENDLESS",
    "Offer",
    "OfferFacts",
    "Outcomes",
    "SourceClass",
    "Standing",
    "Stop",
    "StopView",
    "SupplierView",
    "add_member",
    "cost_of",
    "declare",
    "draw_declared",
    "facts_of",
    "fails_too_often",
    "first_supplier",
    "give_back_declared",
    "left",
    "lift",
    "lift_ended",
    "lock_offers",
    "members_of",
    "new_supplier",
    "note_outcome",
    "offered_skus",
    "offers",
    "offers_of",
    "outcomes",
    "own_offer",
    "payable",
    "rank",
    "ranked",
    "set_cost",
    "stop",
    "stops",
    "supplier",
    "suppliers_of",
    "tell_who_waits",
    "to_be_made",
]
