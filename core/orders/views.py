"""Orders as data for screens and deliveries."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from core.catalog import ProductView, SkuView
from core.inventory import Secret


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was bought; `repeated` says that this very order was made before and nothing was done again."""

    order_id: int
    number: str
    quantity: int
    paid_minor: int
    currency: str
    repeated: bool
    held: bool = False  # paid with money that can be taken back: it is sent when the staff have released it
    due_at: datetime | None = None  # it is on its way, and promised until then


@dataclass(frozen=True, slots=True)
class Outside:
    """What is kept of an order that a program of its buyer makes: their number, by which key, and the hash of what they asked for.

    The hash stands in the place of what the buyer saw: the same number with another hash is another order, and refused.
    """

    number: str
    key_id: int
    asked: int
    wanted: bytes
    callback_url: str | None = None
    counted: bool = False  # against the key's limit of the day


@dataclass(frozen=True, slots=True)
class ParcelLine:
    """Codes of one denomination, in clear."""

    product: ProductView
    sku: SkuView
    secrets: list[Secret] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Parcel:
    """An order's codes on their way to the buyer."""

    order_id: int
    number: str
    buyer_id: int
    lines: list[ParcelLine]

    @property
    def protect_content(self) -> bool:
        return any(line.product.protect_content for line in self.lines)
