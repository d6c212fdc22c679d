"""What a denomination costs the buyer, and what it costs the shop."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import Message

from core import catalog, pricing, standing, supply
from core.catalog import Gone
from core.money import decimal_text, parse_minor
from core.pricing import Price
from handlers.admin.catalogue import show_sku
from handlers.admin.desk import NOTHING, QUESTIONS, Asked, Desk, NotPositive, Question
from handlers.pieces import lines, paragraphs
from locales import Safe


def router() -> Router:
    """Prices are typed, so there is nothing to press here."""
    return Router(name="admin-prices")


async def _ask_price(desk: Desk, asked: Asked) -> Safe:
    say, currency = desk.speech, desk.storefront.currency
    sku = await desk.shop.read(catalog.sku, asked.id)
    if sku is None:
        raise Gone
    now = (await desk.shop.read(pricing.current, storefront_id=desk.storefront.id, sku_ids=[asked.id])).get(asked.id)
    example = decimal_text(9500, currency)
    return paragraphs(
        say.say("Now: {price}", price=say.price(now.retail_minor, now.currency)) if now else None,
        say.say(
            "Type the price of one “{name}” in {currency}, for example: <i>{example}</i>",
            name=sku.name,
            currency=currency,
            example=example,
        ),
    )


async def _set_price(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    minor = parse_minor(text, desk.storefront.currency)
    if not minor:
        raise NotPositive
    if await desk.shop.read(catalog.sku, asked.id) is None:
        raise Gone
    before = (await desk.shop.read(pricing.current, storefront_id=desk.storefront.id, sku_ids=[asked.id])).get(asked.id)
    await desk.shop.write(
        pricing.set_price,
        storefront_id=desk.storefront.id,
        sku_id=asked.id,
        retail_minor=minor,
        wholesale_minor=None if before is None or before.currency != desk.storefront.currency else before.wholesale_minor,
        currency=desk.storefront.currency,
        by=desk.by,
    )
    await show_sku(message, desk, asked.id)


async def _ask_cost(desk: Desk, asked: Asked) -> Safe:
    say, currency = desk.speech, desk.storefront.currency
    offer = await desk.shop.read(supply.cost_of, asked.id)
    return paragraphs(
        say.say("Now: {price}", price=say.price(offer.cost_minor, offer.cost_currency)) if offer else None,
        say.say(
            "Type what one costs you in {currency}, for example: <i>{example}</i>. Profit is counted from it for sales from now on.",
            currency=currency,
            example=decimal_text(9000, currency),
        ),
    )


async def _set_cost(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    minor = parse_minor(text, desk.storefront.currency)
    if await desk.shop.read(catalog.sku, asked.id) is None:
        raise Gone
    offer = await desk.shop.write(standing.own_offer, storefront=desk.storefront, sku_id=asked.id)
    await desk.shop.write(supply.set_cost, offer_id=offer.id, cost_minor=minor, cost_currency=desk.storefront.currency, by=desk.by)
    await show_sku(message, desk, asked.id)


async def _ask_wholesale(desk: Desk, asked: Asked) -> Safe:
    say, currency = desk.speech, desk.storefront.currency
    now = await _price(desk, asked.id)
    return paragraphs(
        lines(
            say.say("Price: {price}", price=say.price(now.retail_minor, now.currency)),
            say.say("Wholesale: {price}", price=say.price(now.wholesale_minor, now.currency)) if now.wholesale_minor else None,
        ),
        say.say(
            "Type what a reseller pays for one in {currency}, for example: <i>{example}</i>. Send - to let resellers pay the usual price.",
            currency=currency,
            example=decimal_text(max(1, now.retail_minor * 95 // 100), currency),
        ),
    )


async def _price(desk: Desk, sku_id: int) -> Price:
    """The current price, which a wholesale price stands beside; raises Gone."""
    price = (await desk.shop.read(pricing.current, storefront_id=desk.storefront.id, sku_ids=[sku_id])).get(sku_id)
    if price is None:
        raise Gone
    return price


async def _set_wholesale(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    now = await _price(desk, asked.id)
    minor = None if text == NOTHING else parse_minor(text, now.currency)
    if minor == 0:
        raise NotPositive
    await desk.shop.write(
        pricing.set_price,
        storefront_id=desk.storefront.id,
        sku_id=asked.id,
        retail_minor=now.retail_minor,
        wholesale_minor=minor,
        currency=now.currency,
        tiers=now.tiers,
        by=desk.by,
    )
    await show_sku(message, desk, asked.id)


QUESTIONS["sku.whole"] = Question(_ask_wholesale, _set_wholesale, "sku")
QUESTIONS["sku.price"] = Question(_ask_price, _set_price, "sku")
QUESTIONS["sku.cost"] = Question(_ask_cost, _set_cost, "sku")
