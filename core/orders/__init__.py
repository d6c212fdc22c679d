"""Orders: a purchase from the quote to the codes, by wallet in one step or by a payment in three."""

from core.orders.commands import (
    PendingOrder,
    Settled,
    TooManyHolds,
    TooManyOpen,
    cancel,
    deposit,
    expire,
    place,
    release_lapsed_holds,
    resend,
    reserve,
    reveal,
    settle,
    show_again,
)
from core.orders.numbers import number_of, order_id_of
from core.orders.queries import OrderCard, OrderDetail, Quote, Sold, again, detail, find, find_all, history, movements, quote, sold
from core.orders.refusals import LimitReached, NotForSale, OnceReused, PriceMoved, SoldOut, TooLittleMoney, WrongQuantity
from core.orders.sale import buy
from core.orders.tables import OrderState, RevealCause
from core.orders.views import Parcel, ParcelLine, Receipt

__all__ = [
    "LimitReached",
    "NotForSale",
    "OnceReused",
    "OrderCard",
    "OrderDetail",
    "OrderState",
    "Parcel",
    "ParcelLine",
    "PendingOrder",
    "PriceMoved",
    "Quote",
    "Receipt",
    "RevealCause",
    "Settled",
    "Sold",
    "SoldOut",
    "TooLittleMoney",
    "TooManyHolds",
    "TooManyOpen",
    "WrongQuantity",
    "again",
    "buy",
    "cancel",
    "deposit",
    "detail",
    "expire",
    "find",
    "find_all",
    "history",
    "movements",
    "number_of",
    "order_id_of",
    "place",
    "quote",
    "release_lapsed_holds",
    "resend",
    "reserve",
    "reveal",
    "settle",
    "show_again",
    "sold",
]
