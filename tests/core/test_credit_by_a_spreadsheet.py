"""Whatever is bought, paid and waited for, what is owed is what a spreadsheet says that was written without looking at the shop."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import credit
from core.credit import Terms
from core.database import Shop, utc_now
from core.ledger import TooLittle
from core.storefronts import Storefront
from tests.core.props import assert_sound
from tests.lending import a_line, spend
from tests.stage import Clock, give

UNIT_MINOR = 937
LIMIT_MINOR = 60_000


@dataclass
class Bill:
    """A row of the sheet: what an invoice has still open."""

    due: int
    goods: int
    interest: int
    fee: int = 0

    @property
    def open(self) -> int:
        return self.goods + self.interest + self.fee


@dataclass
class Spreadsheet:
    """One reseller's credit, day by day, with fractions."""

    terms: Terms
    wallet: int = 0
    day: int = 0
    unbilled: int = 0
    accrued: Fraction = Fraction(0)
    bills: list[Bill] = field(default_factory=list)
    frozen: bool = False

    @property
    def interest(self) -> int:
        return sum(bill.interest for bill in self.bills)

    @property
    def fees(self) -> int:
        return sum(bill.fee for bill in self.bills)

    @property
    def outstanding(self) -> int:
        return max(0, -self.wallet) + self.interest + self.fees

    @property
    def late(self) -> bool:
        return any(bill.open and bill.due < self.day for bill in self.bills)

    def may_buy(self, amount: int) -> bool:
        lowest = 0 if self.late or self.frozen else -max(0, LIMIT_MINOR - self.interest - self.fees)
        return self.wallet - amount >= min(lowest, self.wallet)

    def buy(self, amount: int) -> None:
        before = max(0, -self.wallet)
        self.wallet -= amount
        self.unbilled += max(0, -self.wallet) - before

    def pay(self, amount: int) -> None:
        left, before = amount, max(0, -self.wallet)
        for what in ("fee", "interest"):
            for bill in self.bills:
                part = min(left, getattr(bill, what))
                setattr(bill, what, getattr(bill, what) - part)
                left -= part
        self.wallet += left
        lessened = before - max(0, -self.wallet)
        for bill in self.bills:
            part = min(lessened, bill.goods)
            bill.goods -= part
            lessened -= part
        self.unbilled -= lessened

    def end_of_day(self) -> None:
        overdue = sum(bill.goods for bill in self.bills if bill.due < self.day)
        rest = max(0, -self.wallet) - overdue
        for amount, ppm in ((rest, self.terms.rate_ppm), (overdue, self.terms.overdue_ppm)):
            self.accrued += Fraction(amount * ppm, 365 * 1_000_000)
        if self.wallet > 0 and any(bill.open and bill.due <= self.day for bill in self.bills):
            there = self.wallet
            self.wallet = 0
            self.pay(there)
        old = list(self.bills)
        if (self.day + 1) % self.terms.period_days == 0:
            interest = round(self.accrued)  # Python's own, which takes a half to the even one
            self.accrued -= interest
            if interest or self.unbilled:
                self.bills.append(Bill(self.day + self.terms.term_days, self.unbilled, interest))
                self.unbilled = 0
        for bill in old:
            if bill.due == self.day and bill.open:
                bill.fee += self.terms.late_fee_minor
        self.day += 1
        since = min((bill.due for bill in self.bills if bill.open), default=self.day)
        if self.terms.freeze_days and self.day - since > self.terms.freeze_days:
            self.frozen = True


BOUGHT = st.tuples(st.just("buy"), st.integers(1, 60))
PAID = st.tuples(st.just("pay"), st.integers(1, 70_000))
WAITED = st.tuples(st.just("wait"), st.integers(1, 9))
PAID_LATE = st.tuples(st.just("wait-and-pay"), st.integers(1, 9), st.integers(1, 70_000))
TERMS = st.builds(
    Terms,
    rate_ppm=st.integers(0, 400_000),
    overdue_ppm=st.integers(400_000, 800_000),
    late_fee_minor=st.sampled_from([0, 500]),
    period_days=st.integers(1, 10),
    term_days=st.integers(1, 8),
    freeze_days=st.sampled_from([0, 6]),
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(terms=TERMS, story=st.lists(st.one_of(BOUGHT, BOUGHT, PAID, WAITED, PAID_LATE), min_size=4, max_size=14))
async def test_for_any_purchases_repayments_and_days_what_is_owed_is_what_a_spreadsheet_computes(
    shop: Shop, storefront: Storefront, clock: Clock, terms: Terms, story: list[tuple[str, int] | tuple[str, int, int]]
) -> None:
    # Each story has its own reseller, and begins on the same noon.
    noon = datetime.combine(clock().astimezone(UTC).date() + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=12)
    clock.ahead = noon - utc_now()
    reseller = await a_line(shop, storefront, limit_minor=LIMIT_MINOR, terms=terms)
    sheet = Spreadsheet(terms)
    for step in story:
        if step[0] == "buy":
            amount = step[1] * UNIT_MINOR
            try:
                await spend(shop, reseller, amount)
                assert sheet.may_buy(amount), "sold more than the spreadsheet lends"
                sheet.buy(amount)
            except TooLittle:
                assert not sheet.may_buy(amount), "refused what the spreadsheet lends"
        elif step[0] == "pay":
            await give(shop, reseller, step[1])
            sheet.pay(step[1])
        else:
            clock.passes(days=step[1])
            for _ in range(step[1]):
                sheet.end_of_day()
            if step[0] == "wait-and-pay":  # The job has not looked since days, and finds the payment after them.
                await give(shop, reseller, step[-1])
                sheet.pay(step[-1])
        await shop.write(credit.work, customer_id=reseller.id)
        line = await shop.read(credit.line_of, reseller.id)
        assert line is not None
        owed = line.owed
        assert (owed.principal_minor, owed.interest_minor, owed.fees_minor) == (max(0, -sheet.wallet), sheet.interest, sheet.fees)
        assert (owed.total_minor, owed.accrued_minor) == (sheet.outstanding, max(0, round(sheet.accrued)))
        assert (line.balance_minor, line.state is credit.LineState.FROZEN) == (sheet.wallet, sheet.frozen)
        assert [item.open_minor for item in line.due] == [bill.open for bill in sheet.bills if bill.open]
    await assert_sound(shop)
