"""Supply: who brings goods, at what cost, and in which order the sale draws from them."""

from core.supply.bought import ConsignedGoods, bought_offer, bought_offers, lock_offer, new_vendor, vendors
from core.supply.commands import Offer, own_offer, set_cost, tell_who_waits
from core.supply.declared import AS_MANY_AS_ONE_LIKES, draw_declared, give_back_declared
from core.supply.members import SupplierView, add_member, members_of, new_supplier, offers_of, payable, supplier, suppliers_of
from core.supply.outcomes import Outcomes, fails_too_often, note_outcome, outcomes
from core.supply.queries import cost_of, left, offers, ranked
from core.supply.stops import StopView, lift, lift_ended, stop, stops
from core.supply.tables import SourceClass, Standing, Stop

__all__ = [
    "AS_MANY_AS_ONE_LIKES",
    "ConsignedGoods",
    "Offer",
    "Outcomes",
    "SourceClass",
    "Standing",
    "Stop",
    "StopView",
    "SupplierView",
    "add_member",
    "bought_offer",
    "bought_offers",
    "cost_of",
    "draw_declared",
    "fails_too_often",
    "give_back_declared",
    "left",
    "lift",
    "lift_ended",
    "lock_offer",
    "members_of",
    "new_supplier",
    "new_vendor",
    "note_outcome",
    "offers",
    "offers_of",
    "outcomes",
    "own_offer",
    "payable",
    "ranked",
    "set_cost",
    "stop",
    "stops",
    "supplier",
    "suppliers_of",
    "tell_who_waits",
    "vendors",
]
