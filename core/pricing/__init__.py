"""Prices: one current price of each denomination in each storefront, versioned."""

from core.pricing.commands import Price, current, set_price

__all__ = ["Price", "current", "set_price"]
