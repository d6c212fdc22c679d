"""Resellers' own bots at the desk of the staff: looked at, stopped with a reason, and their customers served as all others are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import aftersale, brands, orders, outbox
from core.aftersale import Reason
from core.brands import NotAMarkup
from core.database import Shop
from core.money import decimal_text
from core.storefronts import Storefront
from handlers.admin.desk import Do, Go
from handlers.brand_words import markup_typed
from tests.admin.direct import at_the_desk
from tests.core.test_brands import buys, opened, prices
from tests.reselling import a_reseller
from tests.stage import Clock, Goods, person


async def told(shop: Shop, says: str) -> list[dict[str, Any]]:
    return [one.body for one in await shop.write(outbox.lease, worker="w", most=200, seconds=1) if one.body.get("says") == says]


async def test_the_staff_look_at_bots_and_stop_one_with_a_reason(shop: Shop, storefront: Storefront, goods: Goods) -> None:
    desk = await at_the_desk(shop, storefront)
    assert "There are none yet." in await desk.presses(Go(to="ownbots"))
    ann = await a_reseller(shop, storefront)
    brand = await opened(shop, ann)
    assert "There are none yet." not in await desk.presses(Go(to="ownbots"))
    shown = await desk.presses(Go(to="ownbot", id=brand.id))
    assert "🟢 open" in shown and "what the reseller pays <b>" not in shown and "+ 10%" in shown

    assert "⛔️ stopped by the shop: Too many complaints" in await desk.answers("ownbot.stop", brand.id, "Too many complaints")
    assert await prices(shop, brand) == {}
    assert [(one["on"], one["why"]) for one in await told(shop, "brand-stopped")] == [(False, "Too many complaints")]
    assert "🟢 open" in await desk.presses(Do(act="ownbot-on", id=brand.id))
    assert (await prices(shop, brand)).keys() == {goods.sku_id}
    await shop.write(brands.close, brand_id=brand.id, owner_id=ann.id)
    assert "🟢 open" not in await desk.presses(Go(to="ownbot", id=brand.id))
    assert "There are none yet." in await desk.presses(Go(to="ownbots"))


async def test_customers_of_a_resellers_bot_are_served_by_the_shops_staff(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock
) -> None:
    desk = await at_the_desk(shop, storefront)
    ann = await a_reseller(shop, storefront)
    brand = await opened(shop, ann)
    buyer = await person(shop, brand.storefront, money_minor=50_000)
    order_id = await buys(shop, brand, goods, buyer)
    number = orders.number_of(order_id)
    clock.passes(hours=1)
    [sold] = await shop.read(orders.codes_sold, order_id)
    made = await shop.write(aftersale.open_case, order_id=order_id, code_id=sold.code_id, buyer_id=buyer.id, reason=Reason.USED)

    assert number in await desk.presses(Go(to="order", id=order_id))
    assert f"Person {buyer.telegram_id}" in await desk.presses(Go(to="person", id=buyer.id))
    assert number in await desk.presses(Go(to="case", id=made.case_id))
    # Of another shop in the same database nothing is seen.
    assert await shop.read(brands.served, storefront_id=brand.storefront.id, customer_id=ann.id) is None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("12.5%", (1250, 0)),
        ("12,5 %", (1250, 0)),
        ("１０％", (1000, 0)),
        ("0.50", (0, 50)),
        ("+ 10% + 0.50", (1000, 50)),
        ("¥0.50 + 10%", (1000, 50)),
        ("0%", (0, 0)),
    ],
)
def test_a_markup_is_read_as_people_type_it(text: str, read: tuple[int, int]) -> None:
    assert markup_typed(text, "CNY") == read


@pytest.mark.parametrize("text", ["", "lots", "-5%", "1001%", "10001%", "1.10001%", "10% + lots", "%", "0.505", "10% 20%"])
def test_anything_else_is_no_markup(text: str) -> None:
    with pytest.raises(NotAMarkup):
        markup_typed(text, "CNY")


@given(st.integers(0, 100_000), st.integers(0, 10**6))
def test_a_markup_that_was_typed_is_the_one_that_is_meant(points: int, added: int) -> None:
    assert markup_typed(f"{decimal_text(points, 'CNY')}% + {decimal_text(added, 'CNY')}", "CNY") == (points, added)


@given(st.text(max_size=40))
def test_whatever_is_typed_is_a_markup_or_refused(text: str) -> None:
    try:
        points, added = markup_typed(text, "CNY")
    except NotAMarkup:
        return
    assert 0 <= points <= 100_000 and 0 <= added <= 10**9
