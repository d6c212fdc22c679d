"""Resellers see and pay the wholesale price: gathered with others, alone, with tiers, with a coupon, and by a provider."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import orders, people, pricing, rates, showcase
from core.database import Shop
from core.people import Customer
from core.pricing import Price, Tier
from core.storefronts import Storefront
from tests.core.ledgers import assert_books
from tests.core.props import STAR_RATE, place, settle
from tests.stage import Clock, Goods, person, put_on_sale

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


async def on_sale(shop: Shop, storefront: Storefront, *, wholesale_minor: int | None = 9000, tiers: Any = ()) -> Goods:
    goods = await put_on_sale(shop, storefront)
    price = await shop.write(
        pricing.set_price,
        storefront_id=storefront.id,
        sku_id=goods.sku_id,
        retail_minor=9500,
        wholesale_minor=wholesale_minor,
        currency="CNY",
        tiers=tiers,
    )
    goods.price_id = price.id
    return goods


async def reseller(shop: Shop, storefront: Storefront) -> Customer:
    customer = await person(shop, storefront, money_minor=1_000_000)
    assert await shop.write(people.set_wholesale, storefront_id=storefront.id, customer_id=customer.id, wholesale=True, by="test")
    return await shop.read(people.by_id, customer.id)


async def paid(shop: Shop, goods: Goods, buyer: Customer, *, quantity: int = 1, once: str = "") -> int:
    """What the sale charges; the screen says the same."""
    shown = await shop.read(orders.quote, storefront_id=goods.storefront.id, customer_id=buyer.id, sku_id=goods.sku_id, quantity=quantity)
    receipt = await shop.write(orders.buy, **goods.terms(), buyer_id=buyer.id, quantity=quantity, once=once or f"{buyer.id}:{quantity}")
    assert shown.total_minor == receipt.paid_minor
    return receipt.paid_minor


async def test_buyers_and_resellers_in_one_batch_pay_each_their_price(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    since = clock()
    goods = await on_sale(shop, storefront)
    buyers = [await reseller(shop, storefront) if n % 2 else await person(shop, storefront, money_minor=20_000) for n in range(8)]

    receipts = await asyncio.gather(
        *(shop.write(orders.buy, **goods.terms(), buyer_id=buyer.id, quantity=1, once=f"batch:{buyer.id}") for buyer in buyers)
    )

    assert [receipt.paid_minor for receipt in receipts] == [9500, 9000] * 4
    statement = await assert_books(shop, since, clock())
    assert [one.tiers_minor for one in statement.sales] == [0], "wholesale is a price, and not a discount"


@pytest.mark.parametrize(("quantity", "unit"), [(1, 9000), (9, 9000), (10, 8800), (20, 8800)])
async def test_a_reseller_pays_the_lower_of_wholesale_and_the_tier(shop: Shop, storefront: Storefront, quantity: int, unit: int) -> None:
    goods = await on_sale(shop, storefront, tiers=[Tier(2, 9300), Tier(10, 8800)])

    assert await paid(shop, goods, await reseller(shop, storefront), quantity=quantity) == quantity * unit


async def test_alone_and_large_a_reseller_pays_the_same(shop: Shop, storefront: Storefront) -> None:
    goods = await on_sale(shop, storefront)

    assert await paid(shop, goods, await reseller(shop, storefront), quantity=30) == 30 * 9000


@pytest.mark.parametrize("wholesale_minor", [None, 9500, 9900])
async def test_where_wholesale_is_not_lower_a_reseller_pays_what_all_pay(
    shop: Shop, storefront: Storefront, wholesale_minor: int | None
) -> None:
    goods = await on_sale(shop, storefront, wholesale_minor=wholesale_minor)

    assert await paid(shop, goods, await reseller(shop, storefront)) == 9500


async def test_a_reseller_who_pays_by_a_provider_is_asked_for_the_wholesale_price(shop: Shop, storefront: Storefront) -> None:
    goods = await on_sale(shop, storefront)
    await shop.write(rates.set_rate, base="XTR", quote=storefront.currency, rate=STAR_RATE, source="test")
    buyer = await reseller(shop, storefront)

    order = await place(shop, buyer, goods, once="stars", quantity=2)
    settled = await settle(shop, buyer, order, event="paid")

    found = await shop.read(orders.detail, order_id=order.order_id)
    assert settled.issued and found is not None and found.card.total_minor == 18_000


async def test_the_shelves_show_a_reseller_what_they_pay_and_the_flag_ends_it(shop: Shop, storefront: Storefront) -> None:
    goods = await on_sale(shop, storefront)
    buyer = await reseller(shop, storefront)

    async def shown(to: people.Customer | None) -> int:
        page = await shop.read(showcase.product_page, storefront_id=storefront.id, product_id=goods.product_id, buyer=to)
        return page.card.from_minor

    assert (await shown(None), await shown(buyer)) == (9500, 9000)
    off: dict[str, Any] = {"storefront_id": storefront.id, "customer_id": buyer.id, "wholesale": False, "by": "test"}
    assert await shop.write(people.set_wholesale, **off)
    assert not await shop.write(people.set_wholesale, **off), "nothing changed"
    assert await paid(shop, goods, buyer) == 9500


PRICES = st.builds(
    lambda retail, wholesale, cuts: Price(
        1,
        1,
        retail,
        wholesale,
        "CNY",
        tuple(Tier(n + 2, unit) for n, unit in enumerate(sorted({max(1, retail - cut) for cut in cuts} - {retail}, reverse=True))),
    ),
    st.integers(min_value=2, max_value=10**9),
    st.none() | st.integers(min_value=1, max_value=10**9),
    st.lists(st.integers(min_value=1, max_value=10**9), max_size=5),
)


@given(price=PRICES, quantity=st.integers(min_value=1, max_value=20))
def test_a_reseller_never_pays_more_than_anybody_else_nor_more_than_wholesale(price: Price, quantity: int) -> None:
    usual, theirs = price.unit_for(quantity), price.wholesale().unit_for(quantity)

    assert theirs == min(usual, usual if price.wholesale_minor is None else price.wholesale_minor)
    assert price.wholesale().wholesale() == price.wholesale()
