"""Storefronts: each has its own name, currency, customers and prices."""

from core.storefronts.commands import (
    TAG_LENGTH,
    TAG_LETTERS,
    Storefront,
    all_open,
    branded,
    branded_names,
    by_id,
    first,
    is_there,
    open_branded,
    open_storefront,
    rename,
    set_review,
    speak,
    tags,
    with_branded,
)

__all__ = [
    "TAG_LENGTH",
    "TAG_LETTERS",
    "Storefront",
    "all_open",
    "branded",
    "branded_names",
    "by_id",
    "first",
    "is_there",
    "open_branded",
    "open_storefront",
    "rename",
    "set_review",
    "speak",
    "tags",
    "with_branded",
]
