"""Supply: who brings goods, at what cost, and in which order the sale draws from them."""

from core.supply.commands import Offer, own_offer, set_cost, tell_who_waits
from core.supply.members import SupplierView, add_member, members_of, new_supplier, offers_of, payable, supplier, suppliers_of
from core.supply.offering import new_offer
from core.supply.queries import cost_of, left, offers, ranked
from core.supply.stocking import (
    IsSuspended,
    NoPaper,
    NotYours,
    OfferFacts,
    OfferOfSku,
    declare,
    make_upload_link,
    offer_of_member,
    offers_of_sku,
    offers_with_facts,
    pause_own,
    take_stock_back,
    to_be_stocked,
)
from core.supply.stops import StopView, lift, lift_ended, stop, stops
from core.supply.tables import SourceClass, Standing, Stop
from core.supply.wishes import WishView, decide_wish, open_wishes, wish, wish_cost

__all__ = [
    "IsSuspended",
    "NoPaper",
    "NotYours",
    "Offer",
    "OfferFacts",
    "OfferOfSku",
    "SourceClass",
    "Standing",
    "Stop",
    "StopView",
    "SupplierView",
    "WishView",
    "add_member",
    "cost_of",
    "decide_wish",
    "declare",
    "left",
    "lift",
    "lift_ended",
    "make_upload_link",
    "members_of",
    "new_offer",
    "new_supplier",
    "offer_of_member",
    "offers",
    "offers_of",
    "offers_of_sku",
    "offers_with_facts",
    "open_wishes",
    "own_offer",
    "pause_own",
    "payable",
    "ranked",
    "set_cost",
    "stop",
    "stops",
    "supplier",
    "suppliers_of",
    "take_stock_back",
    "tell_who_waits",
    "to_be_stocked",
    "wish",
    "wish_cost",
]
