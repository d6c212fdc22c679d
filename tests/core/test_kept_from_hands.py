"""What must not be asked for: tasks of orders that are held, and of offers whose goods must not be sold."""

from __future__ import annotations

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
