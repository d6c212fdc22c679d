"""Orders whose goods are on their way, from the purchase to each of their ends, with a scripted source: money exact at each end."""

from __future__ import annotations

import pytest

from core import fulfilment, orders
from core.database import Shop
from core.fulfilment import TaskState
from core.orders import OrderState
from core.storefronts import Storefront
from tests.core.props import balance
from tests.core.way import another_offer, ask, declared, secrets, state
from tests.stage import Goods, person, put_on_sale

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


@pytest.fixture
async def goods(shop: Shop, storefront: Storefront) -> Goods:
    """Steam 50 for 95.00: two on the shelf, five more at upstream 7, for 80.00 each."""
    made = await put_on_sale(shop, storefront, count=2)
    return made


@pytest.fixture
async def upstream(shop: Shop, goods: Goods) -> int:
    return await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=2, declared=5, upstream_id=7)


async def test_what_the_shelf_has_not_is_ordered_and_the_order_is_issued_when_it_is_there(
    shop: Shop, storefront: Storefront, goods: Goods, upstream: int
) -> None:
    buyer = await person(shop, storefront, money_minor=100_000)
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=4, once="o", **goods.terms())
    assert receipt.due_at is not None
    assert await state(shop, receipt.order_id) is OrderState.FULFILLING
    assert await balance(shop, buyer) == 100_000 - 4 * 9500
    assert await declared(shop, goods, upstream) == 3
    assert await shop.read(fulfilment.lanes) == ["upstream:7"]

    task = await ask(shop, "upstream:7")
    assert task.quantity == 2 and task.most_cost_minor == 9500
    found = await shop.write(
        orders.arrived, task_id=task.id, secrets=secrets("UP-1", "UP-2"), done=True, cause="came", source_ref="r1", unit_cost_minor=7900
    )
    assert found.taken == 2
    assert await state(shop, receipt.order_id) is OrderState.ISSUED
    [after] = await shop.read(fulfilment.tasks_of, receipt.order_id)
    assert (after.state, after.got, after.cost_minor) == (TaskState.DONE, 2, 7900)
    detail = await shop.read(orders.detail, order_id=receipt.order_id)
    assert detail is not None and detail.cost_minor == 2 * 7900
