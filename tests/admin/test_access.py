"""Nobody but the staff gets anything done with the staff's buttons."""

from __future__ import annotations

from typing import Any

from aiogram.types import Chat
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import people, pricing
from core.database import Shop, read
from core.schema import metadata
from handlers.admin.desk import QUESTIONS, Do, Go
from tests.admin.direct import Chatter, at_the_desk
from tests.stage import Goods, person

ACTS = [
    "hide", "show", "up", "down", "under", "protect", "sealed", "void", "resend", "adjust", "refund", "cast", "cast-stop", "coupon-on",
    "coupon-off", "coupon-set", "coupon-drop", "nothing",
]  # fmt: skip
SCREENS = [
    "home", "cat", "cat-edit", "prod", "sku", "langs", "pick", "stock", "shelf", "import", "code", "void", "order", "refund", "person",
    "casts", "cast", "today", "log", "settings", "coupons", "coupon", "coupon-for", "nothing",
]  # fmt: skip
ARGS = ["", "category", "product", "sku", "0", "1", "category.1", "product.1", "product.x", "first.1", "sku.1", "zh-hans", "../..", "𝟙"]

ids = st.one_of(st.integers(0, 5), st.integers(0, 2**63 - 1))
ours = st.one_of(
    st.builds(Do, act=st.sampled_from(ACTS), id=ids, arg=st.sampled_from(ARGS)).map(lambda button: button.pack()),
    st.builds(Go, to=st.sampled_from(SCREENS), id=ids, page=st.integers(0, 10**6), arg=st.sampled_from(ARGS)).map(lambda b: b.pack()),
    st.builds(Go, to=st.just("ask"), id=ids, arg=st.sampled_from(sorted(QUESTIONS))).map(lambda button: button.pack()),
)
forged = st.one_of(ours, st.text(min_size=1, max_size=40).map("adm:{}".format), st.text(min_size=1, max_size=40).map("adm!:{}".format))


@read
def everything(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key.columns))]
        for table in metadata.sorted_tables
    }


# Presses are independent of each other, so a failing list is short enough without being shrunk, which takes minutes on a database.
PRESSES = settings(
    max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.reuse, Phase.generate]
)


@PRESSES
@given(presses=st.lists(forged, min_size=5, max_size=25))
async def test_whatever_a_stranger_presses_changes_nothing_and_is_answered_politely(shop: Shop, goods: Goods, presses: list[str]) -> None:
    await person(shop, goods.storefront, telegram_id=55, money_minor=10_000)
    stranger = Chatter(shop, goods.storefront, 55)
    await stranger.says("/start")
    before = await shop.read(everything)

    for data in presses:
        assert await stranger.presses(data) == "This button is for the staff of the shop."
        # A question that was not put is not answered either: what is typed is looked for in the shop.
        await stranger.says("99")

    assert await shop.read(everything) == before


@PRESSES
@given(presses=st.lists(forged, min_size=5, max_size=25))
async def test_whatever_the_staff_presses_is_answered_and_nothing_breaks(shop: Shop, goods: Goods, presses: list[str]) -> None:
    desk = await at_the_desk(shop, goods.storefront)

    for data in presses:
        # Chatter fails on an answer that says something went wrong on our side, and on a screen Telegram would not take.
        assert await desk.presses(data) or desk.session.calls


async def test_a_stranger_who_says_admin_is_told_what_anybody_is_told_of_an_unknown_command(shop: Shop, goods: Goods) -> None:
    stranger = Chatter(shop, goods.storefront, 56)
    await stranger.says("/start")

    admin, unknown = await stranger.says("/admin"), await stranger.says("/admim")

    assert admin.replace("/admin", "/admim") == unknown and "staff" not in admin


async def test_who_is_no_longer_staff_cannot_finish_what_was_begun(shop: Shop, goods: Goods) -> None:
    desk = await at_the_desk(shop, goods.storefront)
    await desk.presses(Go(to="ask", id=goods.sku_id, arg="sku.price"))
    await shop.write(people.set_admins_from_settings, storefront_id=goods.storefront.id, telegram_ids=[])

    await desk.says("1.00")

    price = (await shop.read(pricing.current, storefront_id=goods.storefront.id, sku_ids=[goods.sku_id]))[goods.sku_id]
    assert price.retail_minor == 9500


async def test_in_a_group_the_desk_stays_shut(shop: Shop, goods: Goods) -> None:
    desk = await at_the_desk(shop, goods.storefront)
    desk.chat = Chat(id=-100, type="supergroup", title="Friends")

    assert "What would you like to do?" not in await desk.says("/admin")
    assert await desk.presses(Go(to="today")) == "This button is for the staff of the shop."
