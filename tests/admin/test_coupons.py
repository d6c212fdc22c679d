"""A shopkeeper makes a coupon step by step, sees how it is used, and gives larger quantities a lower price."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiogram.methods import EditMessageText, SendMessage
from aiogram.types import InlineKeyboardMarkup
from hypothesis import given
from hypothesis import strategies as st

from core import catalog, coupons, journal, orders, pricing
from core.coupons import Coupon
from core.database import Shop
from core.money import NotAnAmount, decimal_text
from core.pricing import Tier
from core.storefronts import Storefront
from handlers.admin.coupons import NotADay, NotTiers, day_typed, tiers_typed
from handlers.admin.desk import Do, Go, NotPositive
from tests.admin.direct import Chatter, at_the_desk
from tests.stage import Goods, person


@pytest.fixture
async def desk(shop: Shop, storefront: Storefront) -> Chatter:
    return await at_the_desk(shop, storefront)


def labels(desk: Chatter) -> list[str]:
    """The buttons of the newest screen."""
    for call in reversed(desk.session.calls):
        markup: Any = getattr(call, "reply_markup", None)
        if isinstance(call, SendMessage | EditMessageText) and isinstance(markup, InlineKeyboardMarkup):
            return [button.text for row in markup.inline_keyboard for button in row]
    return []


async def press(desk: Chatter, label: str) -> str:
    """Press the button of the newest screen that says so."""
    for call in reversed(desk.session.calls):
        markup: Any = getattr(call, "reply_markup", None)
        if isinstance(markup, InlineKeyboardMarkup):
            [data] = [button.callback_data for row in markup.inline_keyboard for button in row if label in button.text]
            assert data is not None
            return await desk.presses(data)
    raise AssertionError("no screen")


async def only(shop: Shop, storefront: Storefront) -> Coupon:
    [found] = await shop.read(coupons.coupons, storefront_id=storefront.id)
    return found


async def test_a_coupon_is_made_in_steps_switched_on_used_and_switched_off(shop: Shop, desk: Chatter, goods: Goods) -> None:
    assert "There are none yet." in await desk.presses(Go(to="coupons"))
    assert "for example: <i>SPRING10</i>" in await press(desk, "New coupon")
    assert "Type what “Spring10” takes off" in await desk.says("Spring10")
    draft = await desk.says("10%")
    assert "A draft" in draft and "Takes off: −10%" in draft and "For: everything" in draft and "Ends: never" in draft

    for button, answer, told in (
        ("At most", "20", "At most: ¥20.00"),
        ("Smallest purchase", "100", "From a purchase of: ¥100.00"),
        ("Uses in all", "40", "Uses in all: 40"),
        ("Uses of each buyer", "2", "Uses of each buyer: 2"),
        ("First day", "2020-02-29", "Begins: Feb 29, 2020"),
        ("Last day", "2199-12-31", "Ends: Dec 31, 2199, 23:59"),
    ):
        await press(desk, button)
        assert told in await desk.says(answer), button
    assert "For a first order only." in await press(desk, "⬜ First order only")
    assert "For a first order only." not in await press(desk, "☑️ First order only")
    assert "After a whole refund it can be used again." in await press(desk, "⬜ Again after a refund")
    on = await press(desk, "Switch it on")
    assert "It is on." in on and "Used by 0 orders" in on

    found = await only(shop, goods.storefront)
    assert (found.word, found.basis_points, found.cap_minor, found.minimum_minor) == ("Spring10", 1000, 2000, 10_000)
    assert (found.limit_total, found.limit_per_buyer, found.back_on_refund, found.first_order_only) == (40, 2, True, False)
    # In the time zone of the staff, Asia/Shanghai; a last day ends when it is over.
    assert found.starts_at == datetime(2020, 2, 28, 16, tzinfo=UTC)
    assert found.expires_at == datetime(2199, 12, 31, 16, tzinfo=UTC) - timedelta(microseconds=1)
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    await shop.write(orders.buy_with, buyer_id=buyer.id, quantity=3, once="one", coupon_id=found.id, **goods.terms())

    used = await desk.presses(Go(to="coupon", id=found.id))
    assert "Used by 1 order" in used and "Of 1 buyer" in used and "Taken off in all: ¥20.00" in used
    assert "It is off." in await press(desk, "Switch it off")
    listed = await desk.presses(Go(to="coupons"))
    assert "Coupons" in listed and "⏹ Spring10 · −10% · 1 / 40" in labels(desk)
    by_staff = [entry.did for entry in await shop.read(journal.latest, limit=9) if entry.by == "telegram:7001"]
    assert by_staff == ["switch-off-coupon", "switch-on-coupon"]


async def test_the_log_tells_a_coupon_as_people_read_it(shop: Shop, desk: Chatter, goods: Goods) -> None:
    await desk.answers("coupon.value", 0, "5", "SPRING")
    made = await only(shop, goods.storefront)
    await desk.answers("coupon.min", made.id, "100")
    await desk.answers("coupon.ends", made.id, "2199-12-31 18:00")
    await desk.presses(Do(act="coupon-on", id=made.id))
    await desk.answers("sku.tiers", goods.sku_id, "10: 94, 50: 92.50")

    said = await desk.presses(Go(to="log"))

    for line in (
        f"switched coupon {made.id} on",
        "word: SPRING",
        "takes off: ¥5.00",
        "smallest purchase: ¥100.00",
        "ends: Dec 31, 2199, 18:00",
        "prices by quantity: 10: ¥94.00; 50: ¥92.50",
    ):
        assert line in said, line


async def test_a_coupon_is_for_a_product_or_one_denomination_of_it(shop: Shop, desk: Chatter, goods: Goods) -> None:
    await desk.answers("coupon.value", 0, "5", "SPRING")
    made = await only(shop, goods.storefront)

    assert "Nothing was found for “psn”" in await desk.answers("coupon.for", made.id, "psn")
    assert "Which of these" in await desk.says("ste")
    assert "Which of “Steam”" in await press(desk, "Steam")
    assert "For: Steam\n" in await press(desk, "All of it")
    assert (await only(shop, goods.storefront)).product_id == goods.product_id
    await desk.answers("coupon.for", made.id, "steam")
    await press(desk, "Steam")
    assert "For: Steam 50" in await press(desk, "Steam 50")
    after = await only(shop, goods.storefront)
    assert (after.product_id, after.sku_id) == (None, goods.sku_id)
    assert "For: everything" in await desk.answers("coupon.for", made.id, "-")


async def test_what_is_typed_wrong_is_said_and_asked_again(shop: Shop, desk: Chatter, goods: Goods) -> None:
    await desk.answers("coupon.value", 0, "5", "SPRING")
    made = await only(shop, goods.storefront)

    for key, text, told in (
        ("coupon.word", "no", "A coupon is a word of 3 to 24 letters and digits"),
        ("coupon.word", "ten % off!", "A coupon is a word of 3 to 24 letters and digits"),
        ("coupon.word", "5pring", "“5pring” looks like the coupon “SPRING”"),
        ("coupon.min", "0", "The amount must be above zero."),
        ("coupon.min", "much", "is not an amount"),
        ("coupon.total", "0", "from 1 to 1000000"),
        ("coupon.ends", "tomorrow", "“tomorrow” is not a day"),
        ("coupon.starts", "2025-02-30", "“2025-02-30” is not a day"),
        ("coupon.starts", "9999-12-31 99:00", "is not a day"),
        ("coupon.ends", "9999-12-31", "is not a day"),
    ):
        said = await desk.answers(key, made.id, text)
        assert told in said and "Type" in said, key
    for text in ("0", "0%", "100%", "99.999%", "-5%", "ten", "5 %%"):
        said = await desk.answers("coupon.value", 0, text, "SUMMER")
        assert "is neither an amount" in said or "is not an amount" in said, text
    assert await only(shop, goods.storefront) == made


async def test_a_coupon_that_is_on_is_neither_changed_nor_thrown_away(shop: Shop, desk: Chatter, goods: Goods) -> None:
    await desk.answers("coupon.value", 0, "5", "SPRING")
    made = await only(shop, goods.storefront)
    await desk.presses(Do(act="coupon-on", id=made.id))

    stays = "what was promised stays as it is"
    assert stays in await desk.answers("coupon.total", made.id, "7")
    assert stays in await desk.presses(Do(act="coupon-set", id=made.id, arg="first.1"))
    assert stays in await desk.presses(Do(act="coupon-drop", id=made.id))
    assert (await only(shop, goods.storefront)).limit_total is None


async def test_a_draft_is_thrown_away_and_its_word_is_free(shop: Shop, desk: Chatter, goods: Goods) -> None:
    await desk.answers("coupon.value", 0, "5", "SPRING")
    made = await only(shop, goods.storefront)

    assert "There are none yet." in await desk.presses(Do(act="coupon-drop", id=made.id))
    assert "Takes off: −¥6.00" in await desk.answers("coupon.value", 0, "6", "SPRING")


async def test_prices_by_quantity_are_typed_shown_and_taken_away(shop: Shop, desk: Chatter, goods: Goods) -> None:
    said = await desk.answers("sku.tiers", goods.sku_id, "10: 94.00, 50: 92.50")
    assert "From 10 on: ¥94.00 each" in said and "From 50 on: ¥92.50 each" in said
    price = (await shop.read(pricing.current, storefront_id=goods.storefront.id, sku_ids=[goods.sku_id]))[goods.sku_id]
    assert price.tiers == (Tier(10, 9400), Tier(50, 9250))

    told = "From 10 on, one would cost ¥94.00: that is not less than ¥93.00 for fewer."
    assert told in await desk.answers("sku.price", goods.sku_id, "93")
    assert "not less than ¥92.50" in await desk.answers("sku.tiers", goods.sku_id, "10: 92.50, 20: 93")
    assert "is not a list" in await desk.answers("sku.tiers", goods.sku_id, "ten for 94")
    assert "From 10 on" not in await desk.answers("sku.tiers", goods.sku_id, "-")
    sku = await shop.read(catalog.sku, goods.sku_id)
    assert sku is not None and sku.rules_version == goods.rules_version


PAIRS = st.lists(st.tuples(st.integers(2, 99_999), st.integers(1, 10**8)), min_size=1, max_size=6)


@given(PAIRS, st.sampled_from(["CNY", "JPY", "KWD"]), st.sampled_from([", ", "\n", "; ", " ", " ,\n"]), st.sampled_from([":", "：", " = "]))
def test_any_list_of_prices_is_read_as_it_was_meant(pairs: list[tuple[int, int]], currency: str, between: str, equals: str) -> None:
    typed = between.join(f"{quantity}{equals}{decimal_text(unit, currency)}" for quantity, unit in pairs)

    assert tiers_typed(typed, currency) == [Tier(*pair) for pair in pairs]


@given(st.text(max_size=30) | st.text("0123456789:=,;. -\n１２：－", max_size=20))
def test_any_other_text_is_refused_in_words(text: str) -> None:
    with contextlib.suppress(NotTiers, NotAnAmount, NotPositive):
        assert all(tier.from_quantity >= 2 and tier.unit_minor > 0 for tier in tiers_typed(text, "CNY"))
    with contextlib.suppress(NotADay):
        assert day_typed(text, "Asia/Shanghai", ends=True).tzinfo is not None
