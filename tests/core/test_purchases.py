"""The shop buys for itself: at the tier the quantity reaches, received in parts, each batch at its own cost."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from core import audit, inventory, orders, purchasing, supply
from core.audit.purchases import PURCHASES
from core.database import Shop
from core.inventory import Secret
from core.purchasing import CostTier, PurchaseOver, PurchaseState, WrongTiers, reached
from core.storefronts import Storefront
from core.supply import ConsignedGoods, Standing
from tests.core.props import aside, assert_sound, consign
from tests.stage import Goods, person

TIERS = (CostTier(1, 8600), CostTier(1000, 8500), CostTier(5000, 8450))


async def bring(shop: Shop, offer_id: int, sku_id: int, name: str, count: int) -> None:
    secrets = ((row, Secret(None, f"{name}-{row:05}")) for row in range(1, count + 1))
    await inventory.bring_in(shop, offer_id=offer_id, sku_id=sku_id, source_name=name, by="test", lines=secrets)


async def test_a_purchase_order_is_received_in_parts_each_batch_at_its_own_cost(shop: Shop, goods: Goods) -> None:
    seller = await shop.write(supply.new_supplier, name="Card wholesaler", standing=Standing.AUTHORISED, telegram_id=77)
    made = await shop.write(
        purchasing.draft_purchase, supplier_id=seller.id, sku_id=goods.sku_id, quantity=1000, tiers=TIERS, currency="CNY", by="telegram:1"
    )
    assert (made.unit_cost_minor, made.total_minor, made.state) == (8500, 8_500_000, PurchaseState.DRAFT)
    second = await shop.write(
        purchasing.draft_purchase, supplier_id=seller.id, sku_id=goods.sku_id, quantity=5, tiers=TIERS, currency="CNY", by="telegram:1"
    )
    assert second.offer_id == made.offer_id and second.unit_cost_minor == 8600
    for one in (made, second):
        await shop.write(purchasing.order_purchase, purchase_id=one.id, by="telegram:1")
    assert await shop.read(purchasing.ordered_ahead, supplier_id=seller.id) == {"CNY": 8_500_000 + 5 * 8600}

    await bring(shop, made.offer_id, goods.sku_id, "first", 400)
    assert await shop.write(purchasing.receive_purchases) == 1
    assert await shop.write(purchasing.receive_purchases) == 0, "a batch is counted once"
    await bring(shop, made.offer_id, goods.sku_id, "rest", 610)
    assert await shop.write(purchasing.receive_purchases) == 1

    first = await shop.read(purchasing.purchase, made.id)
    other = await shop.read(purchasing.purchase, second.id)
    assert first is not None and other is not None
    assert (first.state, first.received) == (PurchaseState.RECEIVED, 1000)
    assert (other.state, other.received) == (PurchaseState.RECEIVED, 5)
    assert [(cost.quantity, cost.unit_cost_minor) for cost in await shop.read(purchasing.batch_costs, made.id)] == [
        (400, 8500),
        (600, 8500),
    ]
    assert [(cost.quantity, cost.unit_cost_minor) for cost in await shop.read(purchasing.batch_costs, second.id)] == [(5, 8600)]
    assert await shop.read(purchasing.ordered_ahead, supplier_id=seller.id) == {}
    with pytest.raises(PurchaseOver):
        await shop.write(purchasing.end_purchase, purchase_id=made.id, by="telegram:1")


async def test_what_is_bought_belongs_to_the_shop_and_its_seller_is_owed_nothing_by_a_sale(
    shop: Shop, storefront: Storefront, goods: Goods
) -> None:
    seller = await shop.write(supply.new_supplier, name="Card wholesaler", standing=Standing.AUTHORISED, telegram_id=77)
    made = await shop.write(
        purchasing.draft_purchase, supplier_id=seller.id, sku_id=goods.sku_id, quantity=3, tiers=TIERS, currency="CNY", by="telegram:1"
    )
    await shop.write(purchasing.order_purchase, purchase_id=made.id, by="telegram:1")
    await bring(shop, made.offer_id, goods.sku_id, "bought", 3)
    await shop.write(purchasing.receive_purchases)
    buyer = await person(shop, storefront, money_minor=1_000_000)

    # The shop's own forty first, then the three that were bought.
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=43, once="all", **goods.terms())

    assert [cost.sold for cost in await shop.read(purchasing.batch_costs, made.id)] == [3]
    [offer] = await shop.read(supply.offers, [made.offer_id])
    assert offer.payable_id is None
    await assert_sound(shop)


async def test_less_than_was_ordered_is_closed_and_nothing_is_cancelled(shop: Shop, goods: Goods) -> None:
    seller = await shop.write(supply.new_supplier, name="Card wholesaler", standing=Standing.AUTHORISED, telegram_id=77)
    facts: dict[str, Any] = {"supplier_id": seller.id, "sku_id": goods.sku_id, "tiers": TIERS, "currency": "CNY", "by": "telegram:1"}
    nothing = await shop.write(purchasing.draft_purchase, quantity=10, **facts)
    part = await shop.write(purchasing.draft_purchase, quantity=10, **facts)

    assert (await shop.write(purchasing.end_purchase, purchase_id=nothing.id, by="telegram:1")).state is PurchaseState.CANCELLED
    await shop.write(purchasing.order_purchase, purchase_id=part.id, by="telegram:1")
    await bring(shop, part.offer_id, goods.sku_id, "part", 4)
    await shop.write(purchasing.receive_purchases)
    assert (await shop.write(purchasing.end_purchase, purchase_id=part.id, by="telegram:1")).state is PurchaseState.CLOSED
    with pytest.raises(PurchaseOver):
        await shop.write(purchasing.order_purchase, purchase_id=part.id, by="telegram:1")

    await bring(shop, part.offer_id, goods.sku_id, "late", 2)
    assert await shop.write(purchasing.receive_purchases) == 1, "what nobody ordered is received all the same"
    assert [(cost.quantity, cost.purchase_id) for cost in await shop.read(purchasing.batch_costs, part.id)] == [(4, part.id)]


async def test_consigned_goods_are_not_bought_as_well(shop: Shop, goods: Goods, storefront: Storefront) -> None:
    await shop.write(consign, offer_id=goods.offer_id, cost_minor=8500)
    facts: dict[str, Any] = {"sku_id": goods.sku_id, "quantity": 1, "tiers": TIERS, "currency": "CNY", "by": "telegram:1"}
    with pytest.raises(ConsignedGoods):
        await shop.write(purchasing.draft_purchase, supplier_id=storefront.party_id, **facts)


@given(tiers=st.lists(st.tuples(st.integers(-2, 50), st.integers(-2, 50)), max_size=6), quantity=st.integers(1, 100))
def test_tiers_hold_only_when_larger_orders_cost_less_a_unit(tiers: list[tuple[int, int]], quantity: int) -> None:
    made = [CostTier(*tier) for tier in tiers]
    rising = all(a[0] < b[0] and a[1] > b[1] for a, b in pairwise(tiers))
    if tiers and tiers[0][0] == 1 and rising and tiers[-1][1] >= 0:
        assert reached(made, quantity) == min(unit for from_quantity, unit in tiers if from_quantity <= quantity)
    else:
        with pytest.raises(WrongTiers):
            reached(made, quantity)


BROKEN = {
    "a purchase order has received what its batches brought": "UPDATE purchase_orders SET received = received - 1 WHERE received > 1",
    "a purchase order is received when all of it is here": "UPDATE purchase_orders SET ended_at = NULL",
    "a bought batch is counted once, and whole": "UPDATE purchase_receipts SET quantity = quantity + 1",
    "what was bought is owed to nobody when it is sold": (
        "UPDATE offers SET payable_id = (SELECT MIN(id) FROM accounts) WHERE source_class = 'purchased'"
    ),
}


@pytest.mark.parametrize("check", PURCHASES)
async def test_the_audit_sees_a_purchase_that_is_wrong(shop: Shop, goods: Goods, database_url: str, check: str) -> None:
    seller = await shop.write(supply.new_vendor, name="Wholesaler", by="test")
    facts: dict[str, Any] = {"supplier_id": seller.id, "sku_id": goods.sku_id, "tiers": TIERS, "currency": "CNY", "by": "test"}
    made = await shop.write(purchasing.draft_purchase, quantity=3, **facts)
    await shop.write(purchasing.order_purchase, purchase_id=made.id, by="test")
    await bring(shop, made.offer_id, goods.sku_id, "bought", 3)
    await shop.write(purchasing.receive_purchases)
    await assert_sound(shop)

    async with aside(database_url) as connection:
        assert (await connection.execute(text(BROKEN[check]))).rowcount > 0
        await connection.commit()

    assert check in (await shop.read(audit.audit)).violated
