"""The table of errors: stable codes in bands, and for each whether to try again, and whether it is sure that nothing was bought."""

from __future__ import annotations

from dataclasses import dataclass

from core import aftersale, fulfilment, orders
from core.api.refusals import (
    AddressWrong,
    AsksWrong,
    CostsMore,
    DayLimitReached,
    NoReseller,
    NoSuchItem,
    NoSuchKey,
    NoSuchOrder,
    NotAllowed,
    NothingToFetch,
    OtherOrder,
    TooLateToCancel,
    TooManyKeys,
    UrlWrong,
)
from core.catalog import Gone
from core.errors import Refusal


@dataclass(frozen=True, slots=True)
class Band:
    """One error as other programs know it; none of this ever changes."""

    code: int
    name: str
    status: int
    retryable: bool
    final: bool


BAD_REQUEST = Band(1000, "bad_request", 400, False, True)
UNKNOWN_KEY = Band(1001, "unknown_key", 401, False, False)
BAD_SIGNATURE = Band(1002, "bad_signature", 401, True, False)
OLD_TIMESTAMP = Band(1003, "old_timestamp", 401, True, False)
NONCE_SEEN = Band(1004, "nonce_seen", 401, True, False)
NOT_ALLOWED = Band(1005, "not_allowed", 403, False, False)
TOO_MANY_REQUESTS = Band(1006, "too_many_requests", 429, True, False)
UNKNOWN_PATH = Band(1007, "unknown_path", 404, False, True)
UNKNOWN_ITEM = Band(2001, "unknown_item", 404, False, True)
PRICE_TOO_HIGH = Band(2002, "price_too_high", 409, False, True)
BAD_FIELDS = Band(2003, "bad_fields", 400, False, True)
OUT_OF_STOCK = Band(3001, "out_of_stock", 409, True, True)
INSUFFICIENT_BALANCE = Band(4001, "insufficient_balance", 402, True, True)
UNKNOWN_ORDER = Band(5001, "unknown_order", 404, True, False)
OTHER_ORDER = Band(5002, "other_order", 409, False, True)
TOO_LATE = Band(5003, "too_late", 409, False, True)
CASE_REFUSED = Band(6001, "case_refused", 409, False, True)
INTERNAL = Band(9000, "internal", 500, True, False)

BANDS: tuple[Band, ...] = (
    BAD_REQUEST,
    UNKNOWN_KEY,
    BAD_SIGNATURE,
    OLD_TIMESTAMP,
    NONCE_SEEN,
    NOT_ALLOWED,
    TOO_MANY_REQUESTS,
    UNKNOWN_PATH,
    UNKNOWN_ITEM,
    PRICE_TOO_HIGH,
    BAD_FIELDS,
    OUT_OF_STOCK,
    INSUFFICIENT_BALANCE,
    UNKNOWN_ORDER,
    OTHER_ORDER,
    TOO_LATE,
    CASE_REFUSED,
    INTERNAL,
)

_BAND_OF: dict[type[Refusal], Band] = {
    AsksWrong: BAD_REQUEST,
    AddressWrong: BAD_REQUEST,
    UrlWrong: BAD_REQUEST,
    TooManyKeys: BAD_REQUEST,
    NoSuchKey: UNKNOWN_KEY,
    NoReseller: NOT_ALLOWED,
    NotAllowed: NOT_ALLOWED,
    DayLimitReached: NOT_ALLOWED,
    NoSuchItem: UNKNOWN_ITEM,
    Gone: UNKNOWN_ITEM,
    orders.NotForSale: UNKNOWN_ITEM,
    CostsMore: PRICE_TOO_HIGH,
    # The price was asked for in the same moment: whoever repeats the request learns the new one.
    orders.PriceMoved: PRICE_TOO_HIGH,
    orders.WrongQuantity: BAD_REQUEST,
    orders.LimitReached: OUT_OF_STOCK,
    orders.SoldOut: OUT_OF_STOCK,
    orders.TooLittleMoney: INSUFFICIENT_BALANCE,
    fulfilment.FieldWrong: BAD_FIELDS,
    fulfilment.NotAnswered: BAD_FIELDS,
    fulfilment.NotForYourCountry: BAD_FIELDS,
    fulfilment.CountryUnknown: BAD_FIELDS,
    fulfilment.OnlyForSomebodyElse: UNKNOWN_ITEM,
    NoSuchOrder: UNKNOWN_ORDER,
    OtherOrder: OTHER_ORDER,
    orders.OnceReused: OTHER_ORDER,
    TooLateToCancel: TOO_LATE,
    NothingToFetch: TOO_LATE,
    orders.HeldForReview: TOO_LATE,
    aftersale.CodeGone: CASE_REFUSED,
    aftersale.CaseOpen: CASE_REFUSED,
    aftersale.TooLate: CASE_REFUSED,
    aftersale.NotPromised: CASE_REFUSED,
    aftersale.TooManyCases: CASE_REFUSED,
    aftersale.TooMuchSaid: CASE_REFUSED,
    orders.StillSealed: CASE_REFUSED,
}


def band(refusal: Refusal) -> Band:
    """Its place in the table; what has none is internal, and not final."""
    return _BAND_OF.get(type(refusal), INTERNAL)
