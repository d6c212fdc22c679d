"""What must not be asked for: tasks of orders that are held, and of offers whose goods must not be sold."""

from __future__ import annotations

from typing import Any

import pytest

from core import fulfilment, orders, standing, supply
from core.database import Shop
from core.fulfilment import TaskState
from core.orders import OrderState
from core.storefronts import Storefront
from core.supply import SourceClass
from tests.core.props import balance
from tests.core.traders import trader
from tests.core.way import another_offer, ask, secrets, state
from tests.stage import person, put_on_sale

SUPPLIER = 8_222_222


async def test_what_is_held_is_taken_by_nobody(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=2, declared=5, consigned=True)
    buyer = await person(shop, storefront, money_minor=100_000)
    made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="o", **goods.terms())
    [task] = await shop.read(fulfilment.tasks_of, made.order_id)
    await shop.write(fulfilment.hand_out)
    await shop.write(orders.hold_back, order_id=made.order_id, why="disputed")

    assert await shop.read(fulfilment.waiting_for_hands) == []
    with pytest.raises(fulfilment.TaskHeld):
        await shop.write(fulfilment.mine, task_id=task.id, by="telegram:9")

    await shop.write(orders.release, order_id=made.order_id, by="telegram:1")
    assert [view.task.id for view in await shop.read(fulfilment.waiting_for_hands)] == [task.id]
    assert (await shop.write(fulfilment.mine, task_id=task.id, by="telegram:9")).taken_by == "telegram:9"


@pytest.mark.parametrize("how", ["suspend", "takedown", "switch"])
async def test_what_must_not_be_sold_is_not_asked_for_and_paid_back(shop: Shop, storefront: Storefront, how: str) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    offer_id = await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=2, declared=5, upstream_id=7)
    buyer = await person(shop, storefront, money_minor=100_000)
    made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="o", **goods.terms())
    assert await shop.write(orders.fail_forbidden) == 0
    if how == "takedown":
        of = standing.TakedownOf.OFFER
        await shop.write(standing.register_takedown, of=of, of_id=offer_id, who="x", reference="r", evidence="e", by="t")
    elif how == "switch":
        await shop.write(standing.switch_off, of=standing.SwitchOf.PLATFORM, of_id=0, reason="r", by="t")
    else:
        [offer] = await shop.read(supply.offers, [offer_id])
        await shop.write(standing.suspend, supplier_id=offer.supplier_id, reason="stolen", by="t")

    [task] = await shop.write(fulfilment.take_due, lane="upstream:7", most=5)
    assert task.lease is not None and not await shop.write(fulfilment.asking, task_id=task.id, lease=task.lease)
    assert await shop.write(orders.fail_forbidden) == 1 and await shop.write(orders.fail_forbidden) == 0
    assert await state(shop, made.order_id) is OrderState.CANCELLED
    assert await balance(shop, buyer) == 100_000


async def test_what_was_asked_for_before_its_offer_was_stopped_is_held_when_it_comes(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    offer_id = await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=2, declared=5, upstream_id=7)
    buyer = await person(shop, storefront, money_minor=100_000)
    made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="o", **goods.terms())
    task = await ask(shop, "upstream:7")
    [offer] = await shop.read(supply.offers, [offer_id])
    await shop.write(standing.suspend, supplier_id=offer.supplier_id, reason="stolen", by="t")

    assert await shop.write(orders.fail_forbidden) == 0, "it may have been bought"
    await shop.write(orders.arrived, task_id=task.id, secrets=secrets("STOLEN"), done=True, cause="came")
    found = await shop.read(orders.review, made.order_id)
    assert found is not None and found.order.card.state is OrderState.ISSUED and found.order.card.held_until is not None
    refunded = await shop.write(orders.refund_held, order_id=made.order_id, by="telegram:1", to_source=False, whole_only=False)
    assert refunded.decided and await balance(shop, buyer) == 100_000


async def test_a_suspended_supplier_takes_nothing_and_what_they_had_taken_is_held(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    acme, by = await trader(shop, telegram_id=SUPPLIER), f"telegram:{SUPPLIER}"
    facts: dict[str, Any] = {"cost_minor": 8500, "cost_currency": "CNY", "source_class": SourceClass.AUTHORISED, "declared": 9}
    await shop.write(supply.new_offer, supplier_id=acme.id, sku_id=goods.sku_id, by="t", **facts)
    buyer = await person(shop, storefront, money_minor=100_000)
    made = [await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=once, **goods.terms()) for once in ("a", "b")]
    [[taken], [free]] = [await shop.read(fulfilment.tasks_of, one.order_id) for one in made]
    await shop.write(fulfilment.mine, task_id=taken.id, by=by)
    await shop.write(standing.suspend, supplier_id=acme.id, reason="stolen codes", by="t")

    with pytest.raises(fulfilment.OfferForbidden):
        await shop.write(fulfilment.mine, task_id=free.id, by=by)
    assert await shop.write(orders.fail_forbidden) == 1
    after = await shop.read(fulfilment.task, free.id)
    assert after is not None and after.state is TaskState.FAILED

    await shop.write(fulfilment.mine, task_id=taken.id, by=by)
    await shop.write(orders.arrived, task_id=taken.id, secrets=secrets("STOLEN"), done=False, cause="by hand")
    found = await shop.read(orders.review, made[0].order_id)
    assert found is not None and found.order.card.held_until is not None
