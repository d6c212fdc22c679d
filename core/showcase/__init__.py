"""The showcase: what a buyer sees – shelves, products with their denominations, search – with price and real stock."""

from core.showcase.queries import (
    COUNTED,
    Denomination,
    Front,
    ProductCard,
    ProductPage,
    Shelf,
    denomination,
    front,
    product_page,
    search,
    shelf,
)

__all__ = [
    "COUNTED",
    "Denomination",
    "Front",
    "ProductCard",
    "ProductPage",
    "Shelf",
    "denomination",
    "front",
    "product_page",
    "search",
    "shelf",
]
