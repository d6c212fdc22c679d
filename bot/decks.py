"""Cards that are drawn again when what they show has changed: whose they are, how they are read, and how they are drawn."""

from __future__ import annotations

from typing import Protocol

from aiogram.types import InlineKeyboardMarkup

from core import onboarding, resellers
from core.database import Shop
from handlers.admin import renewals, reseller_cards
from handlers.admin.application_card import card_drawn
from locales import Safe, Speech


class Card(Protocol):
    """Where a card is, and the revision of what it shows."""

    @property
    def id(self) -> int: ...

    @property
    def chat_id(self) -> int: ...

    @property
    def message_id(self) -> int | None: ...

    @property
    def revision(self) -> int: ...


class Deck(Protocol):
    """All cards of one kind."""

    async def read(self, shop: Shop, card_id: int) -> Card | None:
        """This card as it stands; None when there is none."""

    async def drawn(self, shop: Shop, card_id: int, speech: Speech) -> tuple[Safe, InlineKeyboardMarkup | None]:
        """What it says at this moment."""

    async def shown(self, shop: Shop, card_id: int, message_id: int) -> None:
        """It is this message from now on."""


class OfSuppliers:
    """Applications of suppliers."""

    async def read(self, shop: Shop, card_id: int) -> Card | None:
        return await shop.read(onboarding.card, card_id)

    async def drawn(self, shop: Shop, card_id: int, speech: Speech) -> tuple[Safe, InlineKeyboardMarkup | None]:
        card = await shop.read(onboarding.card, card_id)
        assert card is not None, "a card is never taken away"
        return await card_drawn(shop, card, speech)

    async def shown(self, shop: Shop, card_id: int, message_id: int) -> None:
        await shop.write(onboarding.card_shown, card_id=card_id, message_id=message_id)


class OfResellers:
    """Applications of resellers."""

    async def read(self, shop: Shop, card_id: int) -> Card | None:
        return await shop.read(resellers.card, card_id)

    async def drawn(self, shop: Shop, card_id: int, speech: Speech) -> tuple[Safe, InlineKeyboardMarkup | None]:
        card = await shop.read(resellers.card, card_id)
        assert card is not None, "a card is never taken away"
        return await reseller_cards.card_drawn(shop, card, speech)

    async def shown(self, shop: Shop, card_id: int, message_id: int) -> None:
        await shop.write(resellers.card_shown, card_id=card_id, message_id=message_id)


class OfPapers:
    """Papers that suppliers sent from the chat."""

    async def read(self, shop: Shop, card_id: int) -> Card | None:
        return await shop.read(onboarding.renewal_card, card_id)

    async def drawn(self, shop: Shop, card_id: int, speech: Speech) -> tuple[Safe, InlineKeyboardMarkup | None]:
        card = await shop.read(onboarding.renewal_card, card_id)
        assert card is not None, "a card is never taken away"
        return await renewals.card_drawn(shop, card.application_id, speech)

    async def shown(self, shop: Shop, card_id: int, message_id: int) -> None:
        await shop.write(onboarding.renewal_card_shown, card_id=card_id, message_id=message_id)


DECKS: dict[str, Deck] = {"supplier": OfSuppliers(), "reseller": OfResellers(), "paper": OfPapers()}
"""By the word `of` in a card's message; those of suppliers' applications have none."""
