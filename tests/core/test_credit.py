"""Credit of resellers: how good somebody is, who decides, what may be bought, and what becomes of what is owed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core import credit, orders, outbox, rates, resellers
from core.credit import (
    WEIGHTS,
    AnotherAmount,
    AskedAlready,
    AskIsOver,
    AskState,
    Facts,
    LineState,
    NotASchedule,
    NothingToPay,
    NotThatMuchCredit,
    OwesStill,
    Part,
    SecondPerson,
    Terms,
    TermsWrong,
    Wanted,
    WeightsWrong,
    WrittenOff,
)
from core.credit.rules import rounded, schedule
from core.database import Shop, utc_now
from core.ledger import TooLittle
from core.orders import TooLittleMoney
from core.resellers import May, NoReseller
from core.storefronts import Storefront
from tests.core.ledgers import assert_books
from tests.core.props import STAR_RATE, assert_sound, at_once, place, settle
from tests.lending import SECOND, STAFF, a_line, an_advance, lend, spend, work_credit
from tests.reselling import a_reseller
from tests.stage import Clock, give, person, put_on_sale

pytestmark = pytest.mark.usefixtures("sound_in_the_end")

WEEKLY = Terms(rate_ppm=365_000, overdue_ppm=730_000, late_fee_minor=500, period_days=7, term_days=5, freeze_days=10)


@pytest.fixture(autouse=True)
def noon(clock: Clock) -> None:
    """Every story begins on a noon, so that its days are the calendar's."""
    tomorrow = clock().astimezone(UTC).date() + timedelta(days=1)
    clock.ahead = datetime.combine(tomorrow, datetime.min.time(), UTC) + timedelta(hours=12) - utc_now()


def test_trade_1_by_an_example_that_a_person_can_follow() -> None:
    """They bought in 9 of 12 weeks, for 90,000.00 in 90 days, of which 1,800.00 came back; 4 of 5 invoices in time; 219 days here."""
    facts = Facts(weeks_bought=9, paid_minor=9_000_000, refunded_minor=180_000, invoices=5, in_time=4, age_days=219)
    made = credit.score(facts, WEIGHTS)
    # 9/12 · 30,000 of 100,000 a month · 2% of the 10% that count as nothing · 4/5 · 219/365
    assert made.parts == {Part.CYCLE: 75, Part.TURNOVER: 30, Part.REFUNDS: 80, Part.REPAYMENT: 80, Part.AGE: 60}
    # (15·75 + 30·30 + 20·80 + 25·80 + 10·60) / 100 = 62.25
    assert made.total == 62
    # A month is (90,000 − 1,800) / 3 = 29,400.00; 62% of it is 18,228.00, in whole hundreds 18,200.00.
    assert made.offered_minor == 1_820_000


@pytest.mark.parametrize(
    ("facts", "parts"),
    [
        (Facts(0, 0, 0, 0, 0, 0), [0, 0, 0, 50, 0]),
        (Facts(13, 90_000_000, 0, 3, 3, 9999), [100, 100, 100, 100, 100]),
        (Facts(12, 1000, 1000, 1, 0, 1), [100, 0, 0, 0, 0]),
        (Facts(1, 1000, 1, 3, 2, 364), [8, 0, 99, 66, 99]),
    ],
)
def test_each_part_of_the_score_stays_between_nothing_and_a_hundred(facts: Facts, parts: list[int]) -> None:
    assert list(credit.score(facts, WEIGHTS).parts.values()) == parts


def test_who_has_a_poor_score_is_offered_nothing_and_no_weights_are_no_score() -> None:
    poor = Facts(weeks_bought=1, paid_minor=3_000_000, refunded_minor=300_000, invoices=2, in_time=0, age_days=30)
    assert credit.score(poor, WEIGHTS).offered_minor == 0
    assert credit.score(poor, dict.fromkeys(Part, 0)).total == 0


def test_an_advance_is_cut_so_that_nothing_is_lost() -> None:
    assert schedule(1000, 3) == [334, 333, 333]
    half = credit.PER_YEAR // 2
    assert [rounded(carry) for carry in (half, half + 1, 3 * half, 3 * half - 1, -half, 0)] == [0, 1, 2, 1, 0, 0]


async def test_the_score_is_of_what_somebody_bought_and_its_weights_are_the_shops(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront, price_minor=100_000)
    reseller = await a_reseller(shop, storefront)
    for number in range(3):
        await shop.write(orders.buy, buyer_id=reseller.id, quantity=1, once=f"week {number}", **goods.terms())
        clock.passes(days=7)
    found = await shop.read(credit.score_of, reseller.id)
    assert found.parts[Part.CYCLE] == 25 and found.parts[Part.AGE] == 100 * 21 // 365 and found.parts[Part.REFUNDS] == 100
    here: dict[str, Any] = {"storefront_id": storefront.id, "by": STAFF}
    for wrong in ({}, dict.fromkeys(Part, 0), {**WEIGHTS, Part.AGE: 101}):
        with pytest.raises(WeightsWrong):
            await shop.write(credit.set_score_weights, weights=wrong, **here)
    await shop.write(credit.set_score_weights, weights={**dict.fromkeys(Part, 0), Part.REFUNDS: 1}, **here)
    found = await shop.read(credit.score_of, reseller.id)
    assert (found.total, found.offered_minor) == (100, 100_000)


async def test_a_limit_is_asked_for_and_granted_and_the_sale_lends_up_to_it_and_no_further(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, price_minor=10_000)
    reseller = await a_reseller(shop, storefront, money_minor=5_000)
    own = f"telegram:{reseller.telegram_id}"
    facts: dict[str, Any] = {"customer_id": reseller.id, "wanted": Wanted.LINE, "by": own}
    with pytest.raises(NotThatMuchCredit):
        await shop.write(credit.ask_for, amount_minor=credit.MOST_MINOR + 1, **facts)
    asked = await shop.write(credit.ask_for, amount_minor=30_000, **facts)
    with pytest.raises(AskedAlready):
        await shop.write(credit.ask_for, amount_minor=30_000, **facts)
    decide: dict[str, Any] = {"ask_id": asked.id, "storefront_id": storefront.id, "amount_minor": 20_000}
    with pytest.raises(SecondPerson):
        await shop.write(credit.approve_ask, by=own, **decide)
    granted = await shop.write(credit.approve_ask, by=STAFF, **decide)
    assert (granted.state, granted.granted_minor) == (AskState.APPROVED, 20_000)
    with pytest.raises(AskIsOver):
        await shop.write(credit.refuse_ask, ask_id=asked.id, storefront_id=storefront.id, why="no", by=STAFF)

    buys = (shop.write(orders.buy, buyer_id=reseller.id, quantity=1, once=f"buy {n}", **goods.terms()) for n in range(5))
    bought, refused = await at_once(buys)
    assert len(bought) == 2 and {type(no) for no in refused} == {TooLittleMoney}
    line = await shop.read(credit.line_of, reseller.id)
    assert line is not None and (line.owed.total_minor, line.left_minor, line.balance_minor) == (15_000, 5_000, -15_000)
    quote = await shop.read(orders.quote, storefront_id=storefront.id, customer_id=reseller.id, sku_id=goods.sku_id, quantity=1)
    assert (quote.spendable_minor, quote.short_minor) == (5_000, 5_000)


async def test_a_large_limit_takes_two_of_the_staff_who_say_the_same(shop: Shop, storefront: Storefront) -> None:
    reseller = await a_reseller(shop, storefront)
    here: dict[str, Any] = {"customer_id": reseller.id, "storefront_id": storefront.id, "limit_minor": 2_000_000}
    asked = await shop.write(credit.set_limit, by=STAFF, **here)
    assert asked.state is AskState.SENT and await shop.read(credit.line_of, reseller.id) is None
    decide: dict[str, Any] = {"ask_id": asked.id, "storefront_id": storefront.id}
    with pytest.raises(SecondPerson):
        await shop.write(credit.approve_ask, amount_minor=2_000_000, by=STAFF, **decide)
    with pytest.raises(AnotherAmount):
        await shop.write(credit.approve_ask, amount_minor=1_900_000, by=SECOND, **decide)
    made = await shop.write(credit.approve_ask, amount_minor=2_000_000, by=SECOND, **decide)
    assert (made.state, made.approved_by, made.decided_by) == (AskState.APPROVED, STAFF, SECOND)
    # Less of it is one person's word.
    less = await shop.write(credit.set_limit, by=STAFF, **{**here, "limit_minor": 1_500_000})
    assert less.state is AskState.APPROVED
    line = await shop.read(credit.line_of, reseller.id)
    assert line is not None and line.limit_minor == line.left_minor == 1_500_000


async def test_who_works_for_a_reseller_decides_nothing_about_their_credit(shop: Shop, storefront: Storefront) -> None:
    reseller = await a_reseller(shop, storefront)
    role: dict[str, Any] = {"reseller_id": reseller.id, "by": reseller.telegram_id, "may": May(owns=False, buys=True, sees=True)}
    await person(shop, storefront, telegram_id=1)
    await shop.write(resellers.set_roles, telegram_id=1, **role)
    here: dict[str, Any] = {"customer_id": reseller.id, "storefront_id": storefront.id}
    with pytest.raises(SecondPerson):
        await shop.write(credit.set_limit, by=STAFF, limit_minor=1000, **here)
    assert (await shop.write(credit.set_limit, by=SECOND, limit_minor=1000, **here)).state is AskState.APPROVED
    with pytest.raises(SecondPerson):
        await shop.write(credit.freeze, by=STAFF, **here)


async def test_small_advances_that_are_a_large_one_together_take_two(shop: Shop, storefront: Storefront) -> None:
    reseller = await a_line(shop, storefront)
    own = f"telegram:{reseller.telegram_id}"
    asks: dict[str, Any] = {"customer_id": reseller.id, "wanted": Wanted.ADVANCE, "amount_minor": 600_000, "every_days": 30, "by": own}
    with pytest.raises(NotASchedule):
        await shop.write(credit.ask_for, instalments=25, **asks)
    states = []
    for _ in range(2):
        asked = await shop.write(credit.ask_for, instalments=3, **asks)
        decide: dict[str, Any] = {"ask_id": asked.id, "storefront_id": storefront.id, "amount_minor": 600_000}
        states.append((await shop.write(credit.approve_ask, by=STAFF, **decide)).state)
    assert states == [AskState.APPROVED, AskState.SENT]


async def test_from_an_invoice_to_lateness_fee_freeze_and_back(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    since = clock()
    goods = await put_on_sale(shop, storefront, price_minor=36_500)
    reseller = await a_line(shop, storefront, limit_minor=100_000, terms=WEEKLY)
    await shop.write(orders.buy, buyer_id=reseller.id, quantity=2, once="two", **goods.terms())
    clock.passes(days=7)
    await work_credit(shop)
    [invoice] = await shop.read(credit.invoices_of, customer_id=reseller.id)
    # 73,000 at 36.5% a year is 73 a day.
    assert (invoice.used_minor, invoice.principal_minor, invoice.interest_minor) == (73_000, 73_000, 7 * 73)
    assert (invoice.due_on - invoice.last_on).days == 5
    line = await shop.read(credit.line_of, reseller.id)
    assert line is not None and line.left_minor == 100_000 - 73_000 - 511

    clock.passes(days=5)
    await work_credit(shop)
    line = await shop.read(credit.line_of, reseller.id)
    assert line is not None and (line.late_days, line.late_minor, line.left_minor) == (1, 73_000 + 511 + 500, 0)
    with pytest.raises(TooLittleMoney):
        await shop.write(orders.buy, buyer_id=reseller.id, quantity=1, once="late", **goods.terms())
    # What is paid in while something is late cannot be spent before it has served that, not even before the job has looked.
    await give(shop, reseller, 40_000)
    with pytest.raises(TooLittleMoney):
        await shop.write(orders.buy, buyer_id=reseller.id, quantity=1, once="late too", **goods.terms())
    await work_credit(shop)
    [paid] = await shop.read(credit.repayments_of, customer_id=reseller.id)
    assert (paid.fees_minor, paid.interest_minor, paid.principal_minor) == (500, 511, 40_000 - 1_011)
    with pytest.raises(OwesStill):
        await shop.write(credit.ask_for, customer_id=reseller.id, wanted=Wanted.LINE, amount_minor=1, by=f"telegram:{reseller.telegram_id}")
    clock.passes(days=11)
    await work_credit(shop)
    line = await shop.read(credit.line_of, reseller.id)
    assert line is not None and line.state is LineState.FROZEN
    await give(shop, reseller, 200_000)
    await work_credit(shop)
    line = await shop.read(credit.line_of, reseller.id)
    assert line is not None and (line.late_days, line.left_minor, line.state) == (0, 0, LineState.FROZEN)
    here: dict[str, Any] = {"customer_id": reseller.id, "storefront_id": storefront.id, "by": STAFF}
    assert await shop.write(credit.unfreeze, **here) and not await shop.write(credit.unfreeze, **here)
    line = await shop.read(credit.line_of, reseller.id)
    assert line is not None and line.left_minor == 100_000 - line.owed.interest_minor - line.owed.fees_minor
    statement = await assert_books(shop, since, clock())
    earned = statement.pot("revenue", "CNY", "interest")
    assert earned is not None and earned.closing_minor >= 1_011
    told = {message.get("says") for message in await posted(shop, reseller.id)}
    assert {"credit-limit", "credit-terms", "credit-invoice", "credit-reminder", "credit-frozen", "credit-unfrozen"} <= told


async def posted(shop: Shop, customer_id: int) -> list[dict[str, object]]:
    leased = await shop.write(outbox.lease, worker="test", most=500, seconds=60)
    return [message.body or {} for message in leased if message.customer_id == customer_id]


async def test_a_job_that_slept_for_weeks_makes_what_it_would_have_made_day_by_day(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    awake, asleep = await a_line(shop, storefront, terms=WEEKLY), await a_line(shop, storefront, terms=WEEKLY)
    for one in (awake, asleep):
        await spend(shop, one, 33_333)
    for _ in range(30):
        clock.passes(days=1)
        await shop.write(credit.work, customer_id=awake.id)
    assert await shop.write(credit.work, customer_id=asleep.id) == 30
    assert await shop.write(credit.work, customer_id=asleep.id) == 0
    left, right = [await shop.read(credit.line_of, one.id) for one in (awake, asleep)]
    assert left is not None and right is not None and left.owed == right.owed and left.due == right.due


async def test_an_advance_comes_into_the_wallet_and_back_by_its_schedule(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    reseller = await a_line(shop, storefront, limit_minor=0, terms=WEEKLY)
    await an_advance(shop, reseller, amount_minor=100_000, instalments=4, every_days=7)
    line = await shop.read(credit.line_of, reseller.id)
    assert line is not None and (line.balance_minor, line.owed.advance_minor, line.left_minor) == (100_000, 100_000, 0)
    assert [item.open_minor for item in line.due] == [25_000] * 4
    await spend(shop, reseller, 70_000)
    clock.passes(days=8)
    await work_credit(shop)  # 30,000 were there on the day the first one was due, and paid the first week's interest of 700 before it.
    line = await shop.read(credit.line_of, reseller.id)
    assert line is not None and (line.balance_minor, line.owed.advance_minor) == (4_300, 75_000)
    clock.passes(days=7)
    await work_credit(shop)
    line = await shop.read(credit.line_of, reseller.id)
    assert line is not None and line.balance_minor == 0 and line.late_days == 1
    await give(shop, reseller, 30_000)
    await work_credit(shop)
    line = await shop.read(credit.line_of, reseller.id)
    assert line is not None and line.late_days == 0


async def test_what_is_owed_is_written_off_by_two_and_ends_the_line(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    since = clock()
    reseller = await a_line(shop, storefront, terms=WEEKLY)
    await spend(shop, reseller, 50_000)
    clock.passes(days=20)
    await work_credit(shop)
    here: dict[str, Any] = {"customer_id": reseller.id, "storefront_id": storefront.id}
    with pytest.raises(SecondPerson):
        await shop.write(credit.write_off, by=f"telegram:{reseller.telegram_id}", **here)
    assert await shop.write(credit.write_off, by=STAFF, why="gone", **here) is None
    with pytest.raises(SecondPerson):
        await shop.write(credit.write_off, by=STAFF, **here)
    lost = await shop.write(credit.write_off, by=SECOND, **here)
    assert lost is not None and lost > 50_000
    for command in (credit.freeze, credit.unfreeze):
        with pytest.raises(WrittenOff):
            await shop.write(command, by=STAFF, **here)
    line = await shop.read(credit.line_of, reseller.id)
    assert line is not None and (line.owed.total_minor, line.left_minor, line.balance_minor) == (0, 0, 0)
    statement = await assert_books(shop, since, clock())
    bad = statement.pot("bad_debt", "CNY", "")
    assert bad is not None and bad.closing_minor == -lost
    clock.passes(days=40)
    await work_credit(shop)
    assert await shop.read(credit.due) == []


async def test_a_balance_pays_what_is_owed_when_its_owner_says_so(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    reseller = await a_line(shop, storefront, terms=WEEKLY)
    mine: dict[str, Any] = {"customer_id": reseller.id, "by": f"telegram:{reseller.telegram_id}"}
    with pytest.raises(NothingToPay):
        await shop.write(credit.pay_from_balance, **mine)
    await spend(shop, reseller, 36_500)
    clock.passes(days=6)
    await give(shop, reseller, 60_000)  # before there is an invoice: the interest comes later
    clock.passes(days=1)
    await work_credit(shop)
    assert await shop.write(credit.pay_from_balance, **mine) > 0
    line = await shop.read(credit.line_of, reseller.id)
    assert line is not None and line.owed.total_minor == 0 and line.due == []


async def test_a_refund_takes_a_purchase_back_and_is_no_repayment(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront, price_minor=36_500)
    reseller = await a_line(shop, storefront, terms=WEEKLY)
    first = await shop.write(orders.buy, buyer_id=reseller.id, quantity=1, once="billed", **goods.terms())
    clock.passes(days=7)
    await work_credit(shop)
    second = await shop.write(orders.buy, buyer_id=reseller.id, quantity=1, once="new", **goods.terms())
    for order, left in ((second, 36_500), (first, 0)):
        back: dict[str, Any] = {
            "order_id": order.order_id,
            "code_ids": None,
            "reason": "bad",
            "by": STAFF,
            "once": f"back:{order.order_id}",
        }
        await shop.write(orders.refund_codes, **back)
        await work_credit(shop)
        clock.passes(days=1)
        await work_credit(shop)
        line = await shop.read(credit.line_of, reseller.id)
        assert line is not None and line.owed.principal_minor == left
        assert [item.open_minor for item in line.due] == [left + 7 * 36 + 4]  # 255.5, a half to the even one
    assert await shop.read(credit.repayments_of, customer_id=reseller.id) == []


async def test_a_payment_for_an_order_buys_it_however_late_its_buyer_is(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront, price_minor=14_000)
    reseller = await a_line(shop, storefront, terms=WEEKLY)
    await spend(shop, reseller, 20_000)
    clock.passes(days=14)
    await work_credit(shop)
    before = await shop.read(credit.line_of, reseller.id)
    assert before is not None and before.late_days
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=STAR_RATE, source="test")
    pending = await place(shop, reseller, goods, once="by stars")
    assert (await settle(shop, reseller, pending, event="paid")).issued
    await work_credit(shop)
    after = await shop.read(credit.line_of, reseller.id)
    assert after is not None and after.owed == before.owed and await shop.read(credit.repayments_of, customer_id=reseller.id) == []


async def test_two_workers_at_once_do_everything_once(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    reseller = await a_line(shop, storefront, terms=WEEKLY)
    await spend(shop, reseller, 50_000)
    clock.passes(days=15)
    await give(shop, reseller, 30_000)
    closed, refused = await at_once(shop.write(credit.work, customer_id=reseller.id) for _ in range(4))
    assert sorted(closed) == [0, 0, 0, 15] and refused == []
    [paid] = await shop.read(credit.repayments_of, customer_id=reseller.id)
    newest, oldest = await shop.read(credit.invoices_of, customer_id=reseller.id)
    assert paid.total_minor == 30_000 and newest.seq == 2 and oldest.fee_minor == 500


async def test_an_invoice_can_be_made_before_its_day(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    reseller = await a_line(shop, storefront, terms=WEEKLY)
    here: dict[str, Any] = {"customer_id": reseller.id, "storefront_id": storefront.id, "by": STAFF}
    with pytest.raises(NothingToPay):
        await shop.write(credit.invoice_now, **here)
    await spend(shop, reseller, 36_500)
    clock.passes(days=2)
    await shop.write(credit.invoice_now, **here)
    with pytest.raises(NothingToPay):
        await shop.write(credit.invoice_now, **here)
    [invoice] = await shop.read(credit.invoices_of, customer_id=reseller.id)
    assert (invoice.principal_minor, invoice.interest_minor) == (36_500, 73)
    clock.passes(days=8)
    await work_credit(shop)
    newest, _ = await shop.read(credit.invoices_of, customer_id=reseller.id)
    assert (newest.first_on - invoice.last_on).days == 1 and newest.interest_minor > 0 == newest.principal_minor


async def test_who_is_no_reseller_any_more_buys_nothing_on_credit(shop: Shop, storefront: Storefront) -> None:
    reseller = await a_line(shop, storefront)
    await shop.write(resellers.end, storefront_id=storefront.id, customer_id=reseller.id, by=STAFF)
    await work_credit(shop)
    with pytest.raises(TooLittle):
        await spend(shop, reseller, 1)
    with pytest.raises(NoReseller):
        await lend(shop, reseller, limit_minor=1000)
    stranger = await person(shop, storefront)
    with pytest.raises(NoReseller):
        await shop.write(credit.ask_for, customer_id=stranger.id, wanted=Wanted.LINE, amount_minor=1, by="telegram:9")


async def test_terms_stay_within_what_can_be(shop: Shop, storefront: Storefront) -> None:
    reseller = await a_line(shop, storefront)
    here: dict[str, Any] = {"customer_id": reseller.id, "storefront_id": storefront.id, "by": STAFF}
    for wrong in (Terms(rate_ppm=1_000_001), Terms(overdue_ppm=1), Terms(period_days=0), Terms(term_days=0), Terms(late_fee_minor=-1)):
        with pytest.raises(TermsWrong):
            await shop.write(credit.set_terms, terms=wrong, **here)
    await assert_sound(shop)
