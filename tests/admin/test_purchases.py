"""The staff buy for the shop: a purchase order from the shelf, its codes brought in, its batches with their cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import inventory, purchasing, supply
from core.database import Shop
from core.errors import Refusal
from core.purchasing import CostTier, PurchaseState
from handlers.admin import imports_finished
from handlers.admin.desk import Go
from handlers.admin.purchases import LARGEST, read_purchase
from tests.admin.direct import at_the_desk
from tests.stage import Goods


async def test_codes_that_were_bought_come_in_for_their_purchase_order(shop: Shop, goods: Goods) -> None:
    desk = await at_the_desk(shop, goods.storefront)
    assert "Buy more" in str(await desk.presses(Go(to="shelf", id=goods.sku_id))) or "adm:buy-sku" in " ".join(desk.keyboard())
    await desk.presses(Go(to="buy-from", id=goods.sku_id))
    asked = await desk.answers("buy.who", goods.sku_id, "Card Wholesale Ltd.")
    assert "1=86.00" in asked, "the name is followed by the next question"
    shown = await desk.says("2 1=86.00 2=85.00")
    assert "Card Wholesale Ltd." in shown and "not ordered yet" in shown and "¥170.00" in shown

    [made] = await shop.read(purchasing.purchases)
    shown = await desk.presses(next(data for data in desk.keyboard() if data.startswith("adm!:buy-order")))
    assert "ordered" in shown
    await desk.presses(next(data for data in desk.keyboard() if data.startswith("adm:import")))
    await desk.says("BOUGHT-1\nBOUGHT-2")
    await imports_finished()
    assert await shop.write(purchasing.receive_purchases) == 1

    shown = await desk.presses(Go(to="buy", id=made.id))
    assert "all of it is here" in shown and "2 at ¥85.00, 0 sold" in shown
    assert (await shop.read(inventory.on_shelf, [made.offer_id])) == {made.offer_id: 2}
    assert (await shop.read(purchasing.purchases))[0].state is PurchaseState.RECEIVED
    assert (await shop.read(supply.left, [goods.sku_id])) == {goods.sku_id: 42}


@pytest.mark.parametrize(
    "text", ["", "ten", "0 85", "-5 85", "1000", "1000 85 USD EUR x", "1000 2=85.00", "1000 1=85 10=86", "1000 1=85.001"]
)
async def test_what_is_no_purchase_is_answered_with_an_example_and_changes_nothing(shop: Shop, goods: Goods, text: str) -> None:
    with pytest.raises(Refusal):
        read_purchase(text, "CNY")


def test_a_purchase_is_read_as_people_write_it() -> None:
    assert read_purchase("1000 85.00", "CNY") == (1000, [CostTier(1, 8500)], "CNY")
    assert read_purchase("１０００ 85 usd", "CNY") == (1000, [CostTier(1, 8500)], "USD")
    assert read_purchase("5000 1=86.00 1000=85.00", "CNY") == (5000, [CostTier(1, 8600), CostTier(1000, 8500)], "CNY")


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_purchase_or_a_refusal(text: str) -> None:
    try:
        quantity, tiers, _ = read_purchase(text, "CNY")
    except Refusal:
        return
    assert 0 < quantity <= LARGEST and tiers[0].from_quantity == 1
