"""Finding an order or a payment by whatever number somebody has of it."""

from __future__ import annotations

from fractions import Fraction

import pytest

from core import orders, payments, people, rates
from core.database import Shop
from core.orders import OrderDetail
from core.payments import Intent
from core.people import Customer
from core.storefronts import Storefront
from tests.core.props import place, reserve, settle
from tests.stage import Goods, person


@pytest.fixture
async def buyer(shop: Shop, goods: Goods) -> Customer:
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(14), source="test")
    return await person(shop, goods.storefront, money_minor=1_000_000)


async def top_up(shop: Shop, buyer: Customer) -> Intent:
    return await shop.write(orders.deposit, customer_id=buyer.id, worth_minor=700, provider="stars", pay_currency="XTR", seconds=900)


async def numbers(shop: Shop, text: str, buyer: Customer | None = None) -> list[int | str]:
    """What was found: orders by their id, top-ups as `top-up <id>`."""
    found = await shop.read(orders.find_all, text, buyer_id=buyer.id if buyer else None)
    return [one.card.order_id if isinstance(one, OrderDetail) else f"top-up {one.id}" for one in found]


async def test_the_number_of_a_payment_is_not_taken_for_another_orders_id(shop: Shop, goods: Goods, buyer: Customer) -> None:
    one = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="1", **goods.terms())
    for turn in range(2, 4):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=str(turn), **goods.terms())
    pending = await place(shop, buyer, goods, once="stars")
    assert pending.intent.id == one.order_id != pending.order_id

    found = await shop.read(orders.find, str(pending.intent.id))

    assert found is not None and found.card.order_id == pending.order_id
    assert await numbers(shop, f"#{pending.intent.id}", buyer) == [pending.order_id, one.order_id]
    assert await numbers(shop, one.number) == [one.order_id]


async def test_a_top_up_is_found_by_the_providers_number_and_by_ours(shop: Shop, goods: Goods, buyer: Customer) -> None:
    asked, thief = await top_up(shop, buyer), await person(shop, goods.storefront)
    await shop.write(
        orders.settle,
        provider="stars",
        event_key="charge-of-a-top-up",
        intent_id=asked.id,
        customer_id=buyer.id,
        amount_minor=asked.amount_minor,
        currency="XTR",
    )
    for text in ("charge-of-a-top-up", f" {asked.id} "):
        assert await numbers(shop, text) == await numbers(shop, text, buyer) == [f"top-up {asked.id}"]
        assert await numbers(shop, text, thief) == []
        assert await shop.read(orders.find, text) is None


async def test_an_order_is_found_by_what_its_provider_calls_the_payment(shop: Shop, goods: Goods, buyer: Customer) -> None:
    thief = await person(shop, goods.storefront)
    pending = await place(shop, buyer, goods, once="stars")
    await shop.write(payments.give_ref, intent_id=pending.intent.id, provider_ref="777")
    assert await numbers(shop, "777") == await numbers(shop, "777", buyer) == [pending.order_id]
    assert await numbers(shop, "777", thief) == []
    await reserve(shop, buyer, pending)
    await settle(shop, buyer, pending, event="charge-of-it")
    assert await numbers(shop, "charge-of-it") == [pending.order_id]
    assert await numbers(shop, "charge-of-it", thief) == []
    assert await numbers(shop, "c" * 201) == await numbers(shop, "") == []


async def test_a_nul_in_what_is_typed_finds_nothing_and_breaks_nothing(shop: Shop, storefront: Storefront) -> None:
    assert await shop.read(orders.find_all, "A\x00B") == []
    assert await shop.read(people.find_any, storefront_id=storefront.id, text="\x00") == []
