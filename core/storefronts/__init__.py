"""Storefronts: each has its own name, currency, customers and prices."""

from core.storefronts.commands import (
    TAG_LENGTH,
    TAG_LETTERS,
    Storefront,
    all_open,
    by_id,
    first,
    open_storefront,
    rename,
    set_review,
    tags,
)

__all__ = ["TAG_LENGTH", "TAG_LETTERS", "Storefront", "all_open", "by_id", "first", "open_storefront", "rename", "set_review", "tags"]
