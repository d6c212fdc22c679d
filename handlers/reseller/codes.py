"""The link behind which codes wait: opened once, in the private chat of somebody who may buy for that reseller."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.filters import CommandObject, CommandStart
from aiogram.types import Message

from core import orders, outbox, people, resellers
from core.database import Shop
from core.errors import Refusal
from core.people import Customer
from core.storefronts import Storefront
from handlers.conversation import conversation
from handlers.pieces import lines
from handlers.screen import refused
from locales import Safe, Speech

CODES = "codes-"


async def opened(message: Message, command: CommandObject, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech) -> None:
    """The codes come as the next messages; whoever may not have them is told why, and the link stays good for who may."""
    await shop.write(people.come_back, customer_id=customer.id)
    await shop.write(outbox.unpark, customer_id=customer.id)
    word = (command.args or "").removeprefix(CODES)
    try:
        found = await shop.write(resellers.open_codes, storefront_id=storefront.id, word=word[:64], telegram_id=customer.telegram_id)
    except Refusal as refusal:
        await message.answer(refused(speech, refusal))
        return
    if not found:
        await message.answer(speech.say("These codes were sent already. /order with the order's number shows them again."))
        return
    told = [speech.say("Order {number}", number=Safe(f"<code>{orders.number_of(order_id)}</code>")) for order_id in found[:50]]
    await message.answer(lines(speech.say("🔓 Opened. The codes are the next messages."), *told))


def router() -> Router:
    """/start with the word of a link."""
    made = conversation("reseller-codes")
    made.message.register(opened, CommandStart(deep_link=True, magic=F.args.startswith(CODES)))
    return made
