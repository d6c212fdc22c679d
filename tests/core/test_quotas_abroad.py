"""A quota whose face value is in another currency than the sales: drawn in its own, owed in the sale's, at the recorded rate."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from core import catalog, orders, rates, settlement, supply
from core.database import Shop
from core.money import convert_up
from core.settlement import SpreadShare
from core.storefronts import Storefront
from core.supply import NoRateForCost, SourceClass, Standing
from core.supply.foreign import against_us
from tests.core.ledgers import assert_books
from tests.core.props import assert_sound, scalar
from tests.core.supplies import earned, purse, settled
from tests.core.test_foreign_costs import told
from tests.stage import Clock, Goods, person, put_on_sale, stock


async def goods_of_dollars(shop: Shop, storefront: Storefront) -> tuple[Goods, int, int]:
    """Cards of 10.00 dollars, sold at 95.00 yuan, and a supplier with a quota of 25.00 dollars at 15 per cent off."""
    goods = await put_on_sale(shop, storefront, name="PSN", denomination="PSN 10", price_minor=9500, count=0)
    await shop.write(catalog.change_sku, goods.sku_id, face_value_minor=1000, face_currency="USD")
    seller = await shop.write(supply.new_supplier, name="Abroad", standing=Standing.TRUSTED, telegram_id=77)
    await shop.write(settlement.agree, supplier_id=seller.id, terms=SpreadShare(5000), by="test")
    quota: dict[str, Any] = {"currency": "USD", "face_total_minor": 2500, "discount_bp": 1500, "by": "test"}
    return goods, seller.id, await shop.write(supply.new_quota, supplier_id=seller.id, **quota)


def offered(goods: Goods, seller_id: int, quota_id: int) -> dict[str, Any]:
    said = {"cost_minor": 0, "cost_currency": "USD", "source_class": SourceClass.OWN_STOCK, "by": "test"}
    return {"supplier_id": seller_id, "sku_id": goods.sku_id, "quota_id": quota_id, **said}


async def test_it_is_drawn_in_dollars_and_owed_in_yuan_at_the_recorded_rate(
    shop: Shop, storefront: Storefront, clock: Clock, database_url: str
) -> None:
    since = clock()
    await told(shop, clock, "7.20")
    goods, seller_id, quota_id = await goods_of_dollars(shop, storefront)
    made = await shop.write(supply.new_offer, **offered(goods, seller_id, quota_id))
    await stock(shop, made.id, goods.sku_id, 5)
    quoted = await shop.read(rates.latest, base="USD", quote="CNY")
    assert quoted is not None
    cost = convert_up(850, against_us(quoted))
    assert (made.cost_minor, made.cost_currency) == (cost, "CNY") and 6120 < cost < 6300
    terms = goods.terms() | {"rules_version": await scalar(database_url, f"SELECT rules_version FROM skus WHERE id = {goods.sku_id}")}
    buyer = await person(shop, storefront, money_minor=100_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="two", **terms)

    left = await shop.read(supply.quota, quota_id)
    assert left is not None and left.drawn_minor == 2000 and left.left_minor == 500
    assert await scalar(database_url, "SELECT rate_id FROM quota_draws") == quoted.id
    await settled(shop)
    spread = 2 * (9500 - cost)
    held, _, _ = await shop.read(purse, seller_id)
    assert held + await shop.read(earned, storefront, "spread") == 2 * 9500 and held == 2 * cost + spread // 2, "the spread is in yuan"

    clock.passes(hours=1)
    await told(shop, clock, "7.50")
    await shop.write(supply.follow_rates)
    [moved] = await shop.read(supply.offers, [made.id])
    assert moved.cost_minor > cost, "a moved rate makes the next version of the cost, not of the discount"
    assert await scalar(database_url, "SELECT rate_id FROM quota_draws") == quoted.id, "what was drawn keeps its rate"
    await assert_books(shop, since, clock())
    await assert_sound(shop)


async def test_without_a_rate_such_a_quota_is_not_offered(shop: Shop, storefront: Storefront) -> None:
    goods, seller_id, quota_id = await goods_of_dollars(shop, storefront)
    with pytest.raises(NoRateForCost):
        await shop.write(supply.new_offer, **offered(goods, seller_id, quota_id))
    assert await shop.read(supply.offers_of, seller_id) == []


async def test_an_offer_in_yuan_is_put_on_a_quota_in_dollars_and_taken_off(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    await shop.write(rates.take, market={"USD": Fraction(7)}, as_of=clock(), quote="CNY", source="ecb", rules=NO_BUFFER)
    goods, seller_id, quota_id = await goods_of_dollars(shop, storefront)
    made = await shop.write(
        supply.new_offer, **{**offered(goods, seller_id, quota_id), "quota_id": None, "cost_currency": "CNY", "cost_minor": 9000}
    )
    changed = await shop.write(supply.change_offer, offer_id=made.id, quota_id=quota_id, by="test")
    assert (changed.cost_minor, changed.cost_currency, changed.payable_id) == (5950, "CNY", made.payable_id)
    foreign = await shop.read(supply.foreign_cost, made.id)
    assert foreign is not None and (foreign.minor, foreign.currency) == (850, "USD")
    await shop.write(supply.change_offer, offer_id=made.id, clear=["quota_id"], by="test")
    await shop.write(supply.set_cost, offer_id=made.id, cost_minor=9000, cost_currency="CNY", by="test")
    assert await shop.read(supply.foreign_cost, made.id) is None
    await assert_sound(shop)


NO_BUFFER = rates.Rules(timedelta(hours=48), Fraction(0))
