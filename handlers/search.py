"""Whatever else is typed: an order number finds the order, anything else looks through the shop."""

from __future__ import annotations

from collections.abc import Mapping

from aiogram import F, Router
from aiogram.types import Message

from core import orders, showcase
from core.database import Shop
from core.people import Customer
from core.ports import PaymentMethod
from core.storefronts import Storefront
from handlers import browse, buy, callbacks, missed
from handlers import orders as history
from handlers.callbacks import Way
from handlers.conversation import conversation
from handlers.pieces import button, clipped, keyboard, show
from locales import Speech
from locales.initials import folded

MOST = 20  # products on a screen of results
LONGEST_QUERY = 100
NOT_TEXT = {"photo", "sticker", "voice", "video", "video_note", "audio", "document", "animation", "location", "contact"}


async def searched(
    message: Message,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
) -> None:
    """Show what was found: the order, the one product itself, or a list."""
    text = (message.text or "").strip()
    if _may_be_a_number_of_ours(text) and await history.found(message, text, shop, customer, speech):
        return
    words = folded(text[:LONGEST_QUERY])
    cards = await shop.read(showcase.search, storefront_id=storefront.id, folded=words, limit=MOST + 1, buyer=customer) if words else []
    to_shop = button(speech.label("🛍 To the shop"), callbacks.Home())
    if not cards:
        missed.note(storefront.id, customer.id, words=words)
        said = speech.say("We found nothing for “{text}”. Try fewer letters, or look around:", text=clipped(text, 60))
        await show(message, said, keyboard([[to_shop]]))
    elif len(cards) == 1 and len(cards[0].denominations) == 1:
        chosen = buy.Chosen(cards[0].denominations[0].sku.id, 0)
        await show(message, *await buy.screen(shop, storefront, customer, speech, methods, chosen))
    elif len(cards) == 1:
        await show(message, *await browse.product(shop, storefront, speech, cards[0].product.id, Way.CATEGORY, buyer=customer))
    else:
        shown = cards[:MOST]
        if len(cards) > MOST:
            said = speech.say("“{text}” finds more than fits here. Type another word to narrow it down.", text=clipped(text, 60))
        else:
            said = speech.many("“{text}” finds {n} product:", "“{text}” finds {n} products:", len(cards), text=clipped(text, 60))
        await show(message, said, keyboard([*(browse.product_row(card, Way.CATEGORY, speech) for card in shown), [to_shop]]))


def _may_be_a_number_of_ours(text: str) -> bool:
    """An order number, or a provider's long one; a short number such as 50 is a face value and not an order."""
    return orders.order_id_of(text) is not None or text.startswith("#") or (len(text) >= 16 and len(text.split()) == 1)


async def unknown_command(message: Message, speech: Speech) -> None:
    said = speech.say("We do not know this command. /start opens the shop, /help says how it works.")
    await show(message, said, keyboard([[button(speech.label("🛍 To the shop"), callbacks.Home())]]))


async def not_text(message: Message, speech: Speech) -> None:
    """A picture, a sticker, a voice message: answered, so that nobody waits."""
    said = speech.say("We can only read text here. Type what you are looking for, or open the shop:")
    await show(message, said, keyboard([[button(speech.label("🛍 To the shop"), callbacks.Home())]]))


def router() -> Router:
    """Text that nobody else has taken."""
    router = conversation("search")
    router.message.register(unknown_command, F.text.startswith("/"))
    router.message.register(searched, F.text)
    router.message.register(not_text, F.content_type.in_(NOT_TEXT))
    return router
