"""Storefronts: each has its own name, currency, customers and prices."""

from core.storefronts.commands import Storefront, all_open, by_id, first, open_storefront, rename, set_review

__all__ = ["Storefront", "all_open", "by_id", "first", "open_storefront", "rename", "set_review"]
