"""Supply: who brings goods, at what cost, and in which order the sale draws from them."""

from core.supply.commands import Offer, own_offer, set_cost, tell_who_waits
from core.supply.for_settlement import (
    Consigned,
    consigned,
    follow_contract,
    lock_supplier,
    payable_offers,
    supplier_names,
    suspended,
    taken_down,
)
from core.supply.members import SupplierView, add_member, members_of, new_supplier, offers_of, payable, supplier, suppliers_of
from core.supply.queries import cost_of, left, offers, ranked
from core.supply.stops import StopView, lift, lift_ended, stop, stops
from core.supply.tables import SourceClass, Standing, Stop

__all__ = [
    "Consigned",
    "Offer",
    "SourceClass",
    "Standing",
    "Stop",
    "StopView",
    "SupplierView",
    "add_member",
    "consigned",
    "cost_of",
    "follow_contract",
    "left",
    "lift",
    "lift_ended",
    "lock_supplier",
    "members_of",
    "new_supplier",
    "offers",
    "offers_of",
    "own_offer",
    "payable",
    "payable_offers",
    "ranked",
    "set_cost",
    "stop",
    "stops",
    "supplier",
    "supplier_names",
    "suppliers_of",
    "suspended",
    "taken_down",
    "tell_who_waits",
]
