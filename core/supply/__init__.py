"""Supply: who brings goods, at what cost, and in which order the sale draws from them."""

from core.supply.commands import Offer, own_offer, set_cost, tell_who_waits
from core.supply.controls import (
    OfferPlace,
    every_supplier,
    forbidden,
    offers_in,
    places_of,
    set_hold_days,
    set_standing,
    stopped_by,
    suspend_supplier,
    suspended_suppliers,
    unsuspend_supplier,
    withdraw_for_good,
)
from core.supply.members import SupplierView, add_member, members_of, new_supplier, offers_of, payable, supplier, suppliers_of
from core.supply.queries import cost_of, left, offers, ranked
from core.supply.stops import StopView, lift, lift_ended, stop, stops
from core.supply.tables import SourceClass, Standing, Stop

__all__ = [
    "Offer",
    "OfferPlace",
    "SourceClass",
    "Standing",
    "Stop",
    "StopView",
    "SupplierView",
    "add_member",
    "cost_of",
    "every_supplier",
    "forbidden",
    "left",
    "lift",
    "lift_ended",
    "members_of",
    "new_supplier",
    "offers",
    "offers_in",
    "offers_of",
    "own_offer",
    "payable",
    "places_of",
    "ranked",
    "set_cost",
    "set_hold_days",
    "set_standing",
    "stop",
    "stopped_by",
    "stops",
    "supplier",
    "suppliers_of",
    "suspend_supplier",
    "suspended_suppliers",
    "tell_who_waits",
    "unsuspend_supplier",
    "withdraw_for_good",
]
