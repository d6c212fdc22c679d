"""Props of the tests: a clock that can be moved, goods on sale, people with money."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core import catalog, inventory, orders, payments, people, pricing, supply
from core.database import Shop, utc_now
from core.people import Customer
from core.storefronts import Storefront

numbers = itertools.count(1)


class Clock:
    """The shop's time: the real one, plus what a test adds."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead

    def passes(self, **duration: float) -> None:
        self.ahead += timedelta(**duration)


@dataclass
class Goods:
    """One denomination on sale."""

    storefront: Storefront
    category_id: int
    product_id: int
    sku_id: int
    offer_id: int
    price_id: int
    rules_version: int

    def terms(self) -> dict[str, Any]:
        """What a button of it carries."""
        return {
            "storefront_id": self.storefront.id,
            "sku_id": self.sku_id,
            "price_id": self.price_id,
            "rules_version": self.rules_version,
        }


async def stock(shop: Shop, offer_id: int, sku_id: int, count: int) -> list[str]:
    """Bring in so many new codes; returns them."""
    codes = [f"TEST-{next(numbers):06d}-{os.urandom(4).hex().upper()}" for _ in range(count)]
    lines = ((row, inventory.Secret(None, code)) for row, code in enumerate(codes, 1))
    receipt = await inventory.bring_in(shop, offer_id=offer_id, sku_id=sku_id, source_name="test", by="test", lines=lines)
    assert receipt.accepted == count
    return codes


async def put_on_sale(
    shop: Shop,
    storefront: Storefront,
    *,
    name: str = "Steam",
    denomination: str = "Steam 50",
    price_minor: int = 9500,
    count: int = 40,
    max_quantity: int = 500,
    max_per_buyer: int | None = None,
    category_id: int | None = None,
    product_id: int | None = None,
) -> Goods:
    """A category, a product and a denomination with a price and codes."""
    mark = next(numbers)
    if category_id is None:
        category_id = await shop.write(catalog.add_category, slug=f"cards-{mark}", name="Game cards")
    if product_id is None:
        product_id = await shop.write(
            catalog.add_product,
            category_id=category_id,
            slug=f"product-{mark}",
            name=name,
            search=name.lower(),
            redeem="store.example/redeem",
        )
    sku_id = await shop.write(
        catalog.add_sku,
        product_id=product_id,
        slug=f"sku-{mark}",
        name=denomination,
        max_quantity=max_quantity,
        max_per_buyer=max_per_buyer,
    )
    price = await shop.write(
        pricing.set_price, storefront_id=storefront.id, sku_id=sku_id, retail_minor=price_minor, currency=storefront.currency
    )
    offer = await shop.write(supply.own_offer, storefront=storefront, sku_id=sku_id)
    if count:
        await stock(shop, offer.id, sku_id, count)
    sku = await shop.read(catalog.sku, sku_id)
    assert sku is not None
    return Goods(storefront, category_id, product_id, sku_id, offer.id, price.id, sku.rules_version)


async def person(shop: Shop, storefront: Storefront, telegram_id: int | None = None, money_minor: int = 0) -> Customer:
    """A customer with so much in the wallet."""
    telegram_id = telegram_id or 1_000_000 + next(numbers)
    customer = await shop.write(
        people.meet,
        storefront_id=storefront.id,
        telegram_id=telegram_id,
        name=f"Person {telegram_id}",
        username=None,
        telegram_language="en",
        currency=storefront.currency,
    )
    if money_minor:
        await shop.write(
            payments.adjust,
            customer_id=customer.id,
            amount_minor=money_minor,
            reason="test",
            by="test",
            once=f"seed:{customer.id}",
        )
    return customer


async def give(shop: Shop, customer: Customer, money_minor: int) -> None:
    """Put money into a wallet without telling: as a payment by an imaginary gateway."""
    await shop.write(
        payments.judge,
        provider="test",
        event_key=f"give:{customer.id}:{next(numbers)}",
        intent_id=None,
        customer_id=customer.id,
        amount_minor=money_minor,
        currency="CNY",
    )


async def chat_of(shop: Shop, order_id: int) -> int:
    """Where the codes of an order may be shown: the chat of whoever bought it."""
    return (await shop.read(people.by_id, await shop.read(orders.buyer_of, order_id))).telegram_id
