"""What a notice is made of: an outbox message that is not a delivery, and everything needed to put it into words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiogram.types import InlineKeyboardMarkup

from core import orders
from core.database import Shop
from core.storefronts import Storefront
from handlers import callbacks
from handlers.pieces import Row, button
from locales import Safe, Speech

Said = tuple[Safe, InlineKeyboardMarkup | None]
"""The text and the buttons under it."""


@dataclass(frozen=True, slots=True)
class Note:
    """A message to be worded: its facts, the reader's language, and where to look up what the facts name."""

    body: Mapping[str, Any]
    speech: Speech
    shop: Shop
    storefront: Storefront

    def price(self, of: str = "amount") -> str:
        """The amount of the fact `{of}_minor`, in the body's currency."""
        return self.speech.price(int(self.body[f"{of}_minor"]), str(self.body["currency"]))

    @property
    def number(self) -> Safe:
        """The number of the order that the note is about, to be copied by a touch."""
        return coded(orders.number_of(int(self.body["order"])))

    @property
    def key(self) -> Safe:
        """The provider's number of the payment, to be copied by a touch."""
        return coded(str(self.body["key"]))


Wording = Callable[[Note], Said | Awaitable[Said]]
"""How one kind of note is said; it is in the table `SAYS` of its module, by its name."""


def coded(text: str) -> Safe:
    return Safe("<code>") + text + Safe("</code>")


def shop_or_balance(speech: Speech) -> Row:
    """The way on from a note about money."""
    return [
        button(speech.label("👛 My balance"), callbacks.Balance(fresh=True)),
        button(speech.label("🛍 To the shop"), callbacks.Home(fresh=True)),
    ]
