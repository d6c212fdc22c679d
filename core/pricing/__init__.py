"""Prices: one current price of each denomination in each storefront, versioned; and what a purchase at it costs, and why."""

from core.pricing.commands import (
    MOST_TIERS,
    TiersDoNotFall,
    TooManyTiers,
    changes,
    current,
    for_buyer,
    history,
    newest,
    set_price,
    version,
)
from core.pricing.quote import LEAST_MINOR, Cut, Discount, Fact, Price, Quote, Reason, Tier, ToPay, affordable, portion, quote, to_pay

__all__ = [
    "LEAST_MINOR",
    "MOST_TIERS",
    "Cut",
    "Discount",
    "Fact",
    "Price",
    "Quote",
    "Reason",
    "Tier",
    "TiersDoNotFall",
    "ToPay",
    "TooManyTiers",
    "affordable",
    "changes",
    "current",
    "for_buyer",
    "history",
    "newest",
    "portion",
    "quote",
    "set_price",
    "to_pay",
    "version",
]
