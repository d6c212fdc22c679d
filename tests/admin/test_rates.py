"""Exchange rates at the desk: what the staff see, set by hand, give back, and take after a jump."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from bot.dispatcher import make_dispatcher
from connectors.payments.transfer import Transfer
from core import payments, rates
from core.database import Shop
from core.ports import Capabilities
from core.rates import Rules
from core.storefronts import Storefront
from handlers.admin.desk import Do, Go
from handlers.notices import notice
from locales import Speech
from tests.admin.direct import Chatter, at_the_desk
from tests.stage import Clock

RULES = Rules(timedelta(hours=132), Fraction(1))


@pytest.fixture
async def desk(shop: Shop, storefront: Storefront) -> Chatter:
    chatter = await at_the_desk(shop, storefront)
    ways = {"transfer": Transfer("Bank.", Capabilities("USD", False, False, False, False, False, 1, 10**9, 600, by_hand=True))}
    chatter.dispatcher = make_dispatcher(shop, storefront, ways)
    return chatter


async def said(shop: Shop, storefront: Storefront, clock: Clock, rate: str) -> rates.Taken:
    facts: dict[str, Any] = {"storefront_id": storefront.id, "quote": "CNY", "source": "ecb", "rules": RULES}
    return await shop.write(payments.take_rates, market={"USD": Fraction(rate)}, as_of=clock(), **facts)


async def test_a_rate_is_told_with_and_without_its_buffer_its_source_and_its_age(
    shop: Shop, storefront: Storefront, clock: Clock, desk: Chatter
) -> None:
    await said(shop, storefront, clock, "7.272")
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(9), source=rates.STAFF)
    clock.passes(hours=30)

    text = await desk.presses(Go(to="rates"))

    assert "<b>1 USD = 7.2 CNY</b> – ecb, 30 hours old\nwithout the buffer: 1 USD = 7.272 CNY\nholds until" in text
    assert "used by: Bank transfer" in text
    assert "<b>1 XTR = 0.09 CNY</b> – set by hand" in text
    clock.passes(days=6)
    text = await desk.presses(Go(to="rate", arg="USD"))
    assert "7 days old" in text and "Too old: nothing is converted at it." in text and "not offered without a rate: Bank transfer" in text


async def test_a_way_without_any_rate_is_listed_and_its_rate_is_set_and_given_back(
    shop: Shop, storefront: Storefront, clock: Clock, desk: Chatter
) -> None:
    assert "<b>USD</b>: there is no rate.\nnot offered without a rate: Bank transfer" in await desk.presses(Go(to="rates"))
    assert "Type what one USD is worth in CNY, for example: <i>7.20</i>" in await desk.presses(Go(to="ask", arg="rate.set@USD"))
    for wrong in ("7,20", "0", "-7", "seven", "7.2.0", "1e3"):
        assert f"“{wrong}” is not what one USD can be worth." in await desk.says(wrong)

    assert "<b>1 USD = 7.25 CNY</b> – set by hand, less than an hour old" in await desk.says("７.25")

    assert (await said(shop, storefront, clock, "7.272")).recorded == []
    assert "<b>USD</b>: there is no rate." in await desk.presses(Do(act="rate-back", arg="USD"))
    await said(shop, storefront, clock, "7.272")
    assert "is not set by hand" in await desk.presses(Do(act="rate-back", arg="USD"))
    quoted = await shop.read(rates.latest, base="USD", quote="CNY")
    assert quoted is not None and quoted.source == "ecb"


async def test_a_jump_stands_on_the_screen_and_is_taken_by_one_press(
    shop: Shop, storefront: Storefront, clock: Clock, desk: Chatter
) -> None:
    await said(shop, storefront, clock, "7.272")
    (jump,) = (await said(shop, storefront, clock, "72.72")).jumped

    text = await desk.presses(Go(to="rates"))

    assert "The source says 1 USD = 72.72 CNY, which is far from it." in text and "<b>1 USD = 7.2 CNY</b>" in text
    (take,) = [data for data in desk.keyboard() if data.startswith("adm!:rate-take")]
    assert "<b>1 USD = 72 CNY</b> – ecb" in await desk.presses(take)
    assert "no longer on offer" in await desk.presses(take)
    told, markup = await notice({"says": "rate-jump", "jump": jump.id}, Speech("en"), shop=shop, storefront=storefront)
    assert "ecb now says <b>1 USD = 72.72 CNY</b>; before, it was 1 USD = 7.272 CNY." in told
    assert markup is not None and markup.inline_keyboard[0][0].callback_data == take


@pytest.mark.parametrize("arg", ["", "CNY", "usd", "US", "../..", "USDT"])
async def test_a_forged_currency_is_no_screen_and_changes_nothing(arg: str, shop: Shop, desk: Chatter) -> None:
    await desk.presses(Go(to="rate", arg=arg))
    await desk.presses(Go(to="ask", arg=f"rate.set@{arg}"))
    await desk.says("7.20")
    await desk.presses(Do(act="rate-back", arg=arg))
    await desk.presses(Do(act="rate-take", id=77))

    assert await shop.read(rates.pairs, quote="CNY") == []


async def test_the_staff_read_what_is_missing_and_what_is_too_old(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    facts: dict[str, Any] = {"shop": shop, "storefront": storefront}
    body: dict[str, Any] = {"says": "rate-missing", "base": "USD", "quote": "CNY", "ways": ["stripe", "crypto-pay"]}
    english = Speech("en")

    missing, markup = await notice(body, english, **facts)
    too_old, _ = await notice(body | {"says": "rate-too-old", "as_of": clock().isoformat(), "source": "ecb"}, english, **facts)

    assert "There is no rate of <b>USD</b>, so these ways to pay are not offered: Card and Crypto." in missing
    assert "The rate of <b>USD</b> is too old (of" in too_old
    assert markup is not None and len(markup.inline_keyboard[0]) == 2
