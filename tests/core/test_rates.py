"""Exchange rates: recorded before they are used, too old is none, and a jump waits for a person."""

from __future__ import annotations

import json
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import journal, orders, payments, people, rates
from core.database import Shop, read
from core.money import convert_up
from core.orders import NotForSale
from core.ports import Fee
from core.rates import HANDED_BACK, SETTINGS, STAFF, JumpIsOver, NotByHand, Rules, Taken
from core.rates.rules import fitting
from core.storefronts import Storefront
from tests.core.props import assert_sound, at_once
from tests.stage import Clock, Goods, person

RULES = Rules(timedelta(hours=132), Fraction(1))
USD: dict[str, Any] = {"base": "USD", "quote": "CNY"}

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


async def said(shop: Shop, clock: Clock, rate: Fraction | int, *, base: str = "USD", days_old: float = 0, rules: Rules = RULES) -> Taken:
    """The source says so; minor units of the yuan for one of the base."""
    as_of = clock() - timedelta(days=days_old)
    return await shop.write(rates.take, quote="CNY", source="ecb", market={base: Fraction(rate)}, as_of=as_of, rules=rules)


@read
def told(session: Session) -> list[str]:
    """What the staff were told of rates, oldest first."""
    bodies = session.execute(text("SELECT body FROM outbox WHERE topic = 'alert' ORDER BY id")).scalars()
    return [str((json.loads(body) if isinstance(body, str) else body)["says"]) for body in bodies]


async def test_a_source_s_rate_is_recorded_with_the_market_s_and_the_buyer_is_asked_the_buffer_more(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    taken = await said(shop, clock, Fraction("7.2"))

    quoted = await shop.read(rates.latest, **USD)
    assert quoted is not None and taken.recorded == [quoted]
    assert (quoted.market, quoted.rate, quoted.source) == (Fraction("7.2"), Fraction("7.2") / Fraction("1.01"), "ecb")
    # 7.20 yuan are a dollar by the market, and a dollar and a cent with one per cent.
    price = await shop.read(payments.priced, worth_minor=720, currency="CNY", pay_currency="USD", fee=Fee())
    assert price is not None and (price.amount_minor, price.rate_id) == (101, quoted.id)


async def test_a_rate_that_is_too_old_is_no_rate_and_what_was_asked_before_stays_as_it_was(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    await said(shop, clock, 7)
    terms: dict[str, Any] = {"buyer_id": buyer.id, "quantity": 1, "provider": "stripe", "pay_currency": "USD", "seconds": 86_400 * 30}
    asked = await shop.write(orders.place, once="early", **terms, **goods.terms())

    clock.passes(hours=133)

    assert await shop.read(rates.latest, **USD) is None
    with pytest.raises(NotForSale):
        await shop.write(orders.place, once="late", **terms, **goods.terms())
    facts: dict[str, Any] = {"provider": "stripe", "pay_currency": "USD", "seconds": 600}
    with pytest.raises(NotForSale):
        await shop.write(orders.deposit, customer_id=buyer.id, worth_minor=100, **facts)
    way = orders.WayToPay("stripe", "USD", Fee(), 1)
    quote = await shop.read(
        orders.quote, storefront_id=goods.storefront.id, customer_id=buyer.id, sku_id=goods.sku_id, quantity=1, ways=[way]
    )
    assert quote.by_ways == {}
    # The money of the early payment is worth what it was asked for.
    settled = await shop.write(
        orders.settle,
        provider="stripe",
        event_key="paid",
        intent_id=asked.intent.id,
        customer_id=buyer.id,
        amount_minor=asked.intent.amount_minor,
        currency="USD",
    )
    assert settled.issued
    # Money that nobody asked for has no rate any more.
    await shop.write(
        payments.judge, provider="stripe", event_key="unasked", intent_id=None, customer_id=buyer.id, amount_minor=500, currency="USD"
    )
    assert (await shop.read(payments.wallet, buyer.id)).balance_minor == 0


async def test_a_jump_is_not_taken_until_somebody_presses_once(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    await said(shop, clock, 7)

    first, again = await said(shop, clock, 70), await said(shop, clock, 70)

    assert (first.recorded, len(first.jumped), again.jumped, again.recorded) == ([], 1, [], [])
    quoted = await shop.read(rates.latest, **USD)
    assert quoted is not None and quoted.market == 7
    press: dict[str, Any] = {"jump_id": first.jumped[0].id, "quote": "CNY"}
    done, refused = await at_once([shop.write(rates.take_jump, **press, by=f"telegram:{n}") for n in (1, 2)])
    assert len(done) == 1 and [type(refusal) for refusal in refused] == [JumpIsOver]
    assert done[0].market == 70 and await shop.read(rates.latest, **USD) == done[0]
    # From there on the source goes on by itself.
    assert len((await said(shop, clock, 71)).recorded) == 1


@pytest.mark.parametrize(
    ("to", "jumps"), [(Fraction("8.40"), False), (Fraction("8.41"), True), (Fraction("5.83"), True), (Fraction("5.84"), False)]
)
async def test_a_fifth_more_or_less_is_a_change_and_more_than_that_a_jump(
    to: Fraction, jumps: bool, shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    await said(shop, clock, 7)

    assert bool((await said(shop, clock, to)).jumped) is jumps


async def test_a_jump_that_comes_back_is_no_question_any_more_and_an_old_one_cannot_be_taken(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    await said(shop, clock, 7)
    jump = (await said(shop, clock, 70)).jumped[0]
    await said(shop, clock, Fraction("7.1"))
    with pytest.raises(JumpIsOver):
        await shop.write(rates.take_jump, jump_id=jump.id, quote="CNY", by="test")
    other = (await said(shop, clock, 700)).jumped[0]

    clock.passes(hours=133)

    with pytest.raises(JumpIsOver):
        await shop.write(rates.take_jump, jump_id=other.id, quote="CNY", by="test")
    # What is too old is asked about anew, with the new figure.
    assert [jump.market for jump in (await said(shop, clock, 700)).jumped] == [700]


@pytest.mark.parametrize("how", ["set by hand", "set by hand and given back", "fixed in the settings"])
async def test_a_jump_that_was_asked_before_the_staff_set_the_rate_is_taken_no_more(
    shop: Shop, storefront: Storefront, clock: Clock, how: str
) -> None:
    await said(shop, clock, 7)
    clock.passes(hours=1)
    jump = (await said(shop, clock, 70)).jumped[0]

    if how == "fixed in the settings":
        await shop.write(rates.fix, quote="CNY", fixed={"USD": Fraction(8)})
    else:
        await shop.write(rates.set_rate, **USD, rate=Fraction(8), source=STAFF, by="telegram:1")
    if how == "set by hand and given back":
        await shop.write(rates.hand_back, **USD, by="telegram:1")
    before = await shop.read(rates.recorded, **USD)
    clock.passes(hours=24)

    with pytest.raises(JumpIsOver):
        await shop.write(rates.take_jump, jump_id=jump.id, quote="CNY", by="telegram:2")
    assert await shop.read(rates.recorded, **USD) == before
    assert [pair.jump for pair in await shop.read(rates.pairs, quote="CNY")] == [None]


async def test_a_figure_that_cannot_be_a_rate_keeps_no_other_back(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    market = {"AUD": Fraction(5), "VES": Fraction(1, 10**25), "USD": Fraction(7), "XAU": Fraction(10**30), "ZWL": Fraction(-1)}

    taken = await shop.write(rates.take, quote="CNY", source="ecb", market=market, as_of=clock(), rules=RULES)

    assert [(quoted.base, quoted.market) for quoted in taken.recorded] == [("AUD", Fraction(5)), ("USD", Fraction(7))]
    assert taken.jumped == []


async def test_a_jump_that_moves_on_is_a_new_question(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    await said(shop, clock, 7)
    first = (await said(shop, clock, 10)).jumped[0]

    near, far = await said(shop, clock, Fraction("10.4")), await said(shop, clock, 12)

    assert near.jumped == [] and [jump.market for jump in far.jumped] == [12]
    with pytest.raises(JumpIsOver):
        await shop.write(rates.take_jump, jump_id=first.id, quote="CNY", by="test")


async def test_two_processes_that_see_one_jump_ask_one_question(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    await said(shop, clock, 7)

    taken, refused = await at_once([said(shop, clock, 70), said(shop, clock, 70), said(shop, clock, 70)])

    assert refused == [] and sum(len(each.jumped) for each in taken) == 1


async def test_what_is_old_or_said_already_is_not_recorded_again(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    as_of = clock()
    facts: dict[str, Any] = {"quote": "CNY", "source": "ecb", "rules": RULES}
    assert (await shop.write(rates.take, market={"USD": Fraction(7)}, as_of=as_of, **facts)).recorded
    assert not (await shop.write(rates.take, market={"USD": Fraction(7)}, as_of=as_of, **facts)).recorded
    assert not (await shop.write(rates.take, market={"USD": Fraction("7.1")}, as_of=as_of - timedelta(days=1), **facts)).recorded
    assert not (await shop.write(rates.take, market={"EUR": Fraction(8)}, as_of=as_of - timedelta(hours=132), **facts)).recorded
    # The same figure of another day is news: it holds for longer.
    clock.passes(days=1)
    assert (await shop.write(rates.take, market={"USD": Fraction(7)}, as_of=as_of + timedelta(days=1), **facts)).recorded
    quoted = await shop.read(rates.latest, **USD)
    assert quoted is not None and quoted.valid_until == as_of + timedelta(days=1, hours=132)


async def test_by_hand_holds_against_the_source_until_it_is_given_back(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    await said(shop, clock, 7)
    await shop.write(rates.set_rate, **USD, rate=Fraction(8), source=STAFF, by="test")

    assert (await said(shop, clock, Fraction("7.1"))).recorded == []
    by_hand = await shop.read(rates.latest, **USD)
    assert by_hand is not None and by_hand.rate == 8 and by_hand.valid_until is None
    back = await shop.write(rates.hand_back, **USD, by="test")
    # The source's own last rate holds still.
    assert back.source == "ecb" and back.market == 7
    with pytest.raises(NotByHand):
        await shop.write(rates.hand_back, **USD, by="test")
    entries = await shop.read(journal.latest, limit=5)
    assert [entry.did for entry in entries] == ["hand-back-rate", "set-rate"]


async def test_what_is_given_back_when_the_source_is_too_old_is_no_rate_until_it_is_asked(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    await said(shop, clock, 7)
    await shop.write(rates.set_rate, **USD, rate=Fraction(8), source=STAFF, by="test")
    clock.passes(days=10)

    ended = await shop.write(rates.hand_back, **USD, by="test")

    assert ended.source == HANDED_BACK and await shop.read(rates.latest, **USD) is None
    await said(shop, clock, Fraction("7.3"))
    quoted = await shop.read(rates.latest, **USD)
    assert quoted is not None and quoted.market == Fraction("7.3")


async def test_stars_cannot_be_given_back_because_nobody_else_says_what_they_are_worth(shop: Shop, storefront: Storefront) -> None:
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(9), source=STAFF, by="test")

    with pytest.raises(NotByHand):
        await shop.write(rates.hand_back, base="XTR", quote="CNY", by="test")


async def test_the_settings_are_recorded_where_they_are_new_and_end_when_they_are_taken_out(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    async def start(**fixed: Fraction | int) -> list[str]:
        made = await shop.write(rates.fix, quote="CNY", fixed={base: Fraction(rate) for base, rate in fixed.items()})
        return [quoted.base for quoted in made]

    await said(shop, clock, 7)
    assert await start(USD=8, EUR=9) == ["EUR", "USD"]
    assert await start(USD=8, EUR=9) == []
    clock.passes(days=400)
    quoted = await shop.read(rates.latest, **USD)
    assert quoted is not None and (quoted.rate, quoted.source) == (Fraction(8), SETTINGS), "a fixed rate has no age"
    assert (await said(shop, clock, 7)).recorded == [], "and wins over the source"
    await shop.write(rates.set_rate, **USD, rate=Fraction(10), source=STAFF, by="test")
    assert await start(USD=8, EUR=9) == [], "set by hand since, and the setting is the same"
    assert await start(USD=11, EUR=9) == ["USD"], "another setting is another rate"
    assert await start(USD=11) == []
    assert await shop.read(rates.latest, base="EUR", quote="CNY") is None
    assert await start() == []
    assert len((await said(shop, clock, Fraction("11.5"))).recorded) == 1, "now the source may"


async def test_the_staff_are_told_once_of_what_is_missing_or_too_old(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    await shop.write(people.set_admins_from_settings, storefront_id=storefront.id, telegram_ids=[7001])
    await person(shop, storefront, 7001)
    ask: dict[str, Any] = {"storefront_id": storefront.id, "quote": "CNY", "ways": {"USD": ["stripe"]}}

    assert await shop.write(payments.tell_of_missing_rates, **ask) == ["USD"]
    assert await shop.write(payments.tell_of_missing_rates, **ask) == ["USD"]
    assert await shop.read(told) == ["rate-missing"]
    await said(shop, clock, 7)
    assert await shop.write(payments.tell_of_missing_rates, **ask) == []
    clock.passes(days=6)
    for _ in range(3):
        assert await shop.write(payments.tell_of_missing_rates, **ask) == ["USD"]
    assert await shop.read(told) == ["rate-missing", "rate-too-old"]
    facts: dict[str, Any] = {"storefront_id": storefront.id, "quote": "CNY", "source": "ecb", "rules": RULES}
    await shop.write(payments.take_rates, market={"USD": Fraction(70)}, as_of=clock(), **facts)
    await shop.write(payments.take_rates, market={"USD": Fraction(70)}, as_of=clock(), **facts)
    assert await shop.read(told) == ["rate-missing", "rate-too-old", "rate-jump"]


async def test_the_audit_of_a_shop_with_rates_of_every_kind_is_clean(shop: Shop, goods: Goods, clock: Clock) -> None:
    await said(shop, clock, 7)
    await shop.write(rates.set_rate, base="JPY", quote="CNY", rate=Fraction("4.85"), source=STAFF)

    assert (await assert_sound(shop)).clean


whole = st.builds(Fraction, st.integers(1, 10**14), st.integers(1, 10**12))


@given(whole, st.fractions(min_value=0, max_value=50, max_denominator=10_000))
def test_the_buffer_never_lowers_what_is_asked_and_the_numbers_fit_the_database(market: Fraction, percent: Fraction) -> None:
    rate = fitting(rates.buffered(market, percent))

    assert 0 < rate.numerator < 2**63 and 0 < rate.denominator < 2**63
    assert rate <= rates.buffered(market, percent) <= market
    assert convert_up(12_345, 1 / rate) >= convert_up(12_345, 1 / market)


@given(st.integers(1, 10**40), st.integers(1, 10**40))
def test_what_does_not_fit_is_rounded_down_by_next_to_nothing_or_refused(numerator: int, denominator: int) -> None:
    rate = Fraction(numerator, denominator)
    try:
        kept = fitting(rate)
    except ValueError:
        assert rate > 2**61 or rate < Fraction(1, 2**61)
        return

    assert kept <= rate
    assert rate - kept <= Fraction(max(1, -(-numerator // denominator)) + 1, 2**61)
