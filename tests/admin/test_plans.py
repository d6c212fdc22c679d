"""Service packages at the desk of the staff: typed on one line, looked at with who has them, and ended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import packages
from core.database import Shop
from core.storefronts import Storefront
from handlers.admin.desk import Do, Go
from handlers.admin.plans import NotTyped, Typed, example, typed
from tests.admin.direct import at_the_desk
from tests.reselling import a_reseller


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Gold; 300.00; 30; bot, pictures, 4", Typed("Gold", 30_000, 30, True, True, 4)),
        ("金牌；３００；30 天；机器人、图表", Typed("金牌", 30_000, 30, True, True, 0)),
        ("Бот; 9.90; 7; бот", Typed("Бот", 990, 7, True, False, 0)),
        ("Letters;1;366;12", Typed("Letters", 100, 366, False, False, 12)),
    ],
)
def test_a_package_is_read_as_people_type_it(text: str, read: Typed) -> None:
    assert typed(text, "CNY") == read


@pytest.mark.parametrize(
    "text",
    [
        *("", "Gold", "Gold; x; 30; bot", "Gold; 0; 30; bot", "Gold; 1; 0; bot", "Gold; 1; 367; bot", "Gold; 1; 30;", "; 1; 30; bot"),
        *("Gold; 1; 30; boat", "Gold; 1; 30; 1001", "Gold; 1; 30; bot; more", "Gold; -1; 30; bot", "Gold; 1; ; bot", "Gold; 1; 30; 0"),
    ],
)
def test_anything_else_is_answered_with_an_example(text: str) -> None:
    with pytest.raises(NotTyped) as refused:
        typed(text, "CNY")
    assert typed(refused.value.example, "CNY").own_bot


@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from(["Gold", ";", "；", "1", "30", "bot", ",", "10.00", "²", "٣"]), max_size=12).map(" ".join)
)
def test_whatever_is_typed_is_a_package_or_refused(text: str) -> None:
    try:
        read = typed(text, "CNY")
    except NotTyped:
        return
    assert read.price_minor > 0 and 1 <= read.days <= 366 and (read.own_bot or read.analytics or read.broadcasts) and read.name


async def test_the_staff_make_look_at_withdraw_and_end_packages(shop: Shop, storefront: Storefront) -> None:
    desk = await at_the_desk(shop, storefront)
    assert "There are none yet." in await desk.presses(Go(to="plans"))
    assert "Gold; 300.00; 30; bot" in await desk.answers("plan.new", 0, "no idea")
    assert "✅ Done." in await desk.answers("plan.new", 0, example("CNY"))
    [plan] = await shop.read(packages.plans, storefront_id=storefront.id)
    ann = await a_reseller(shop, storefront, money_minor=100_000)
    mine = await shop.write(packages.subscribe, customer_id=ann.id, plan_id=plan.id)

    shown = await desk.presses(Go(to="plan", id=plan.id))
    assert "¥300.00 for 30 days" in shown and "1 reseller has it." in shown
    assert "If it ends now, ¥" in await desk.presses(Go(to="plan-one", id=mine.id))
    assert "was given back." in await desk.presses(Do(act="plan-end", id=mine.id))
    assert "Nobody is renewed" in await desk.presses(Go(to="plan-off", id=plan.id))
    assert "✅ Done." in await desk.presses(Do(act="plan-off", id=plan.id))
    assert "It is not sold any more." in await desk.presses(Go(to="plan", id=plan.id))
