"""The statement of the books: exact, made of its days, and loud when a table and the ledger disagree."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from core import books, ledger, orders, outbox, payments, people, rates, storefronts
from core.audit import audit
from core.books import MOST_DAYS, SpanWrong, Statement
from core.books.checks import AUDITED
from core.database import Shop
from core.people import Customer
from core.ports import Created, Event, Fee, PaymentState
from core.storefronts import Storefront
from tests.core.ledgers import assert_books
from tests.core.props import aside, consign
from tests.stage import Clock, Goods, numbers, person, put_on_sale

FEE = Fee(basis_points=250, fixed_minor=30, passed_on=True)


class Fixed(Clock):
    """Stands still until it is told to move: half a minute before midnight in Shanghai."""

    def __call__(self) -> datetime:
        return datetime(2030, 3, 1, 15, 59, 30, tzinfo=UTC) + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Fixed()


async def pays(shop: Shop, goods: Goods, buyer: Customer, quantity: int, provider: str, currency: str, *, more: int = 0) -> tuple[int, str]:
    """An order by a provider, paid as asked and something more; gives the order and the payment's key."""
    placed = await shop.write(
        orders.place,
        buyer_id=buyer.id,
        quantity=quantity,
        once=f"books:{next(numbers)}",
        provider=provider,
        pay_currency=currency,
        seconds=900,
        fee=FEE,
        by_task=True,
        **goods.terms(),
    )
    await shop.write(payments.created, intent_id=placed.intent.id, how=Created(f"ref-{placed.intent.id}"), poll=True)
    key = f"paid-{placed.intent.id}"
    amount = placed.intent.amount_minor + more
    event = Event(key, f"{placed.intent.id}", PaymentState.PAID, amount, currency, shop.tools.clock())
    booked = await shop.write(orders.book, storefront_id=goods.storefront.id, provider=provider, event=event)
    assert booked.says == "issued"
    return placed.order_id, key


async def everything_happens(shop: Shop, clock: Clock, goods: Goods) -> Customer:
    """Two days with some of everything: two ways and currencies, a supplier, refunds of each kind, a reversal, gifts, strays."""
    front = goods.storefront
    await shop.write(consign, offer_id=goods.offer_id, cost_minor=6000)
    for base, rate in (("KWD", Fraction(7, 3)), ("JPY", Fraction(5))):
        await shop.write(rates.set_rate, base=base, quote="CNY", rate=rate, source="test")
    buyer = await person(shop, front, money_minor=50_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="wallet", **goods.terms())
    _, yen_key = await pays(shop, goods, buyer, 2, "stripe", "JPY")
    clock.passes(minutes=1)  # It is the next day in Shanghai now.
    by_dinar, _ = await pays(shop, goods, buyer, 3, "transfer", "KWD", more=7)
    codes = [code.code_id for code in await shop.read(orders.codes_sold, by_dinar)]
    await shop.write(orders.refund_codes, order_id=by_dinar, code_ids=codes[:1], reason="one", by="test", once="one")
    await shop.write(orders.refund_to_source, order_id=by_dinar, code_ids=codes[1:2], reason="two", by="test", once="two")
    [due] = await shop.write(orders.refunds_due)
    assert await shop.write(orders.refund_done, refund_id=due.refund_id)
    await shop.write(orders.refund_to_source, order_id=by_dinar, code_ids=codes[2:], reason="three", by="test", once="three")
    [due] = await shop.write(orders.refunds_due)
    assert await shop.write(orders.refund_declined, refund_id=due.refund_id, why="no")
    second, _ = await pays(shop, goods, buyer, 1, "transfer", "KWD")
    await shop.write(orders.refund_to_source, order_id=second, code_ids=None, reason="on its way", by="test", once="four")
    await shop.write(orders.given_back, provider="stripe", event_key=yen_key, customer_id=buyer.id)
    stray = Event("nobody's", "99999999", PaymentState.PAID, 1234, "JPY", shop.tools.clock())
    await shop.write(orders.book, storefront_id=front.id, provider="stripe", event=stray)
    return buyer


async def days(shop: Shop, front: Storefront) -> tuple[Statement, Statement, Statement]:
    """The first day, the second, and both."""
    first, second = date(2030, 3, 1), date(2030, 3, 2)
    spans = ((first, first), (second, second), (first, second))
    one, other, both = [await shop.read(books.statement, front.id, *books.span(a, b, "Asia/Shanghai")) for a, b in spans]
    return one, other, both


async def test_two_days_of_everything_equal_the_ledger_and_add_up(shop: Shop, clock: Clock, goods: Goods) -> None:
    buyer = await everything_happens(shop, clock, goods)

    one, other, both = await days(shop, goods.storefront)

    assert one.differences == other.differences == both.differences == ()
    await assert_books(shop, books.span(date(2030, 3, 1), date(2030, 3, 1), "Asia/Shanghai")[0], clock())
    assert [(day.sales[0].orders, day.sales[0].codes, day.sales[0].sales_minor) for day in (one, other, both)] == [
        (2, 4, 38_000),
        (2, 4, 38_000),
        (4, 8, 76_000),
    ]
    refunded = other.sales[0]
    assert (refunded.refunds, refunded.refunded_minor, refunded.to_source_minor) == (4, 38_000, 28_500)
    assert refunded.codes_returned + refunded.codes_void == 4
    assert one.costs[0].cost_minor == 24_000 and other.costs[0].back_minor == 24_000
    assert [margin.minor for margin in both.margins] == [76_000 - 38_000 - 48_000 + 24_000]
    ways = {(way.method, way.currency): way for way in both.payments}
    assert set(ways) == {("stripe", "JPY"), ("transfer", "KWD")}
    yen, dinar = ways["stripe", "JPY"], ways["transfer", "KWD"]
    assert (yen.for_orders, yen.back, yen.odd, yen.odd_minor) == (1, 1, 1, 1234) and yen.back_minor == yen.paid_minor
    assert (dinar.for_orders, dinar.refunded) == (2, 1) and dinar.borne_minor > 0 and dinar.kept_minor > 0
    assert both.underway == 1 and both.underway_minor == {"CNY": 9_500}
    aside_ = both.pot("refunding", "CNY")
    assert aside_ is not None and aside_.closing_minor == 9_500
    wallet = both.pot("wallet", "CNY")
    assert wallet is not None and wallet.closing_minor == (await shop.read(payments.wallet, buyer.id)).balance_minor
    assert (await shop.read(audit)).clean


async def test_roll_ups_change_no_figure(shop: Shop, clock: Clock, goods: Goods) -> None:
    await everything_happens(shop, clock, goods)
    before = await days(shop, goods.storefront)
    clock.passes(hours=1)
    assert await shop.write(ledger.roll_up, most=3) > 0
    halfway = await days(shop, goods.storefront)
    while await shop.write(ledger.roll_up):
        pass
    after = await days(shop, goods.storefront)

    for one, two, three in zip(before, halfway, after, strict=True):
        assert one.pots == two.pots == three.pots and one.sales == two.sales == three.sales
        assert two.differences == three.differences == ()


CORRUPTED = {
    "an order's total": (
        "UPDATE orders SET total_minor = total_minor + 1 WHERE id = (SELECT MIN(id) FROM orders)",
        "a sale takes its order's total from its buyer's wallet",
    ),
    "a line": ("UPDATE order_lines SET quantity = quantity + 1 WHERE order_id = 1", "a sold order is its lines less its discounts"),
    "a payment": (
        "UPDATE payment_events SET amount_minor = amount_minor + 1 WHERE verdict = 'credited' AND kind = 'paid'",
        "a payment came in at its gateway as it was reported, with its fee",
    ),
    "a fee": (
        "UPDATE payment_intents SET kept_minor = kept_minor + 1",
        "a payment came in at its gateway as it was reported, with its fee",
    ),
    "a payment that is gone": ("DELETE FROM payment_events WHERE kind = 'paid'", "a deposit is the credit of a reported event"),
    "a payment that came from nowhere": (
        "UPDATE transfers SET key = 'payment:stripe:else' WHERE id = (SELECT MIN(id) FROM transfers WHERE kind = 'deposit')",
        "a credited payment that is worth something is in the ledger",
    ),
    "what was given back": (
        "UPDATE payment_events SET amount_minor = amount_minor + 1 WHERE kind = 'given-back'",
        "what a provider gave back left its gateway",
    ),
    "a reversal that is gone": (
        "DELETE FROM payment_events WHERE kind = 'given-back'",
        "what was taken back from a wallet was reported by a provider",
    ),
    "a refund": (
        "UPDATE refunds SET amount_minor = amount_minor + 1 WHERE once = 'one'",
        "a refund moved its amount, and set its part for the source aside",
    ),
    "a refund that moved nothing": ("UPDATE refunds SET once = 'else' WHERE once = 'one'", "a refund of money is in the ledger"),
    "a refund that arrived": (
        "UPDATE refunds SET pay_minor = pay_minor + 1 WHERE state = 'refunded' AND provider IS NOT NULL",
        "a refund that arrived left what was set aside, and its gateway",
    ),
    "a refund that was declined": (
        "UPDATE refunds SET source_minor = source_minor - 1, amount_minor = amount_minor - 1 WHERE state = 'declined'",
        "a refund that was declined is in the wallet",
    ),
    "an end that never was": (
        "UPDATE transfers SET key = 'refund-done:999' WHERE key LIKE 'refund-done%'",
        "an end of a refund in the ledger is a refund's",
    ),
    "a refund that ended without money": (
        "UPDATE transfers SET key = 'refund-done:999' WHERE key LIKE 'refund-done%'",
        "a refund that is over is in the ledger",
    ),
    "a refund on its way": (
        "UPDATE refunds SET source_minor = source_minor - 1 WHERE state IN ('wanted', 'refunding')",
        "what is on its way back is set aside for it",
    ),
    "a kept balance": (
        "UPDATE accounts SET balance_minor = balance_minor + 1 WHERE kind = 'wallet'",
        "the wallets have what all other accounts lack",
    ),
    "a posting": (
        "UPDATE postings SET amount_minor = amount_minor + 1 WHERE transfer_id = (SELECT MIN(id) FROM transfers WHERE kind = 'sale')"
        " AND seq = 1",
        "a sale takes its order's total from its buyer's wallet",
    ),
    "a sale without its order": (
        "UPDATE transfers SET key = 'sale:4711', subject_id = 4711 WHERE key = 'sale:1'",
        "an issued order has its sale",
    ),
}


async def test_whatever_row_is_changed_past_the_shop_the_statement_and_the_audit_say_so(shop: Shop, clock: Clock, goods: Goods) -> None:
    await everything_happens(shop, clock, goods)
    since, until = books.span(date(2030, 3, 1), date(2030, 3, 2), "Asia/Shanghai")
    assert (await shop.read(books.statement, goods.storefront.id, since, until)).differences == ()

    missed = []
    async with aside(shop.url.render_as_string(hide_password=False)) as connection:
        for what, (change, check) in CORRUPTED.items():

            def look(sync: Connection, change: str = change) -> tuple[set[str], set[str]]:
                with Session(sync, info={"tools": shop.tools}) as session:
                    nested = session.begin_nested()
                    session.execute(text(change))
                    made = books.statement(session, goods.storefront.id, since, until)
                    ever = {one.check for one in [*books.differences(session), *books.out_of_balance(session)]}
                    nested.rollback()
                    return {one.check for one in made.differences}, ever

            said, ever = await connection.run_sync(look)
            if check not in said or not (check in ever or check in AUDITED):
                missed.append((what, said, ever))
        await connection.rollback()
    assert missed == []


@pytest.mark.parametrize(
    ("timezone", "day", "hours"),
    [
        ("Asia/Shanghai", date(2030, 3, 1), 24),
        ("Europe/Berlin", date(2030, 3, 31), 23),
        ("Europe/Berlin", date(2030, 10, 27), 25),
        ("America/New_York", date(2030, 3, 10), 23),
        ("Africa/Cairo", date(2026, 4, 24), 23),  # Clocks skip midnight itself.
        ("Asia/Kathmandu", date(2030, 1, 1), 24),
    ],
)
def test_a_day_is_as_long_as_its_clocks_say_and_the_next_begins_where_it_ends(timezone: str, day: date, hours: int) -> None:
    since, until = books.span(day, day, timezone)

    assert until - since == timedelta(hours=hours)
    assert since.astimezone(ZoneInfo(timezone)).date() == day
    assert (since - timedelta(microseconds=1)).astimezone(ZoneInfo(timezone)).date() == day - timedelta(days=1)
    assert books.span(day + timedelta(days=1), day + timedelta(days=1), timezone)[0] == until


def test_what_is_no_span_of_days_is_refused() -> None:
    day = date(2030, 1, 31)
    for first, last in ((day, date(2030, 1, 30)), (day, day + timedelta(days=MOST_DAYS)), (date(1, 1, 1), date(1, 1, 1))):
        with pytest.raises(SpanWrong):
            books.span(first, last, "Asia/Shanghai")
    assert books.span(date(2028, 1, 1), date(2028, 12, 31), "UTC")


async def test_an_order_belongs_to_the_day_of_the_shops_clocks(shop: Shop, clock: Clock, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront, money_minor=50_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="before midnight", **goods.terms())
    clock.passes(seconds=30)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="at midnight", **goods.terms())

    async def codes(timezone: str) -> list[int]:
        found = []
        for day in (date(2030, 3, 1), date(2030, 3, 2)):
            made = await shop.read(books.statement, goods.storefront.id, *books.span(day, day, timezone))
            found.append(sum(one.codes for one in made.sales))
        return found

    assert await codes("Asia/Shanghai") == [1, 2]
    assert await codes("Europe/Berlin") == [3, 0]


@pytest.mark.parametrize(("currency", "price"), [("JPY", 950), ("KWD", 9_505)])
async def test_a_shop_in_a_currency_without_digits_or_with_three_is_exact(shop: Shop, clock: Clock, currency: str, price: int) -> None:
    front = await shop.write(storefronts.open_storefront, name="Other", currency=currency, language="en")
    goods = await put_on_sale(shop, front, price_minor=price)
    buyer = await person(shop, front, money_minor=price * 5)
    bought = await shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once="x", **goods.terms())
    codes = [code.code_id for code in await shop.read(orders.codes_sold, bought.order_id)]
    await shop.write(orders.refund_codes, order_id=bought.order_id, code_ids=codes[:1], reason="", by="test", once="r")

    made = await assert_books(shop, clock() - timedelta(days=1), clock(), front.id)

    assert [(one.currency, one.sales_minor, one.refunded_minor) for one in made.sales] == [(currency, price * 3, price)]


# The morning post


async def test_each_owner_gets_yesterdays_statement_once_in_the_morning(shop: Shop, clock: Clock, goods: Goods) -> None:
    boss, helper = await person(shop, goods.storefront, 501, money_minor=100), await person(shop, goods.storefront, 502)
    ids = [501, 502]
    await shop.write(people.set_admins_from_settings, storefront_id=goods.storefront.id, telegram_ids=ids)

    async def post() -> int:
        return await shop.write(books.post_daily, storefront_id=goods.storefront.id, timezone="Asia/Shanghai")

    assert await post() == 0, "it is nearly midnight, and the day before had nothing"
    clock.passes(hours=7)
    assert await post() == 0, "it is not yet eight"
    clock.passes(hours=2)
    assert [await post() for _ in range(3)] == [2, 0, 0], "there is no owner, so all of the staff get it"
    clock.passes(hours=20)
    assert await post() == 0, "it is night again"
    clock.passes(hours=5)
    assert await post() == 2
    await shop.write(books.want_daily, storefront_id=goods.storefront.id, wanted=False, by="test")
    clock.passes(days=1)
    assert await post() == 0
    await shop.write(books.want_daily, storefront_id=goods.storefront.id, wanted=True, by="test")
    assert await post() == 0, "it begins with the next morning"
    clock.passes(days=2)
    assert await post() == 2, "and the days between are not made up for"
    told = await shop.write(outbox.lease, worker="w", most=99, seconds=60)
    said = [(one.customer_id, one.body["day"]) for one in told if one.body.get("says") == "statement"]
    assert sorted(said) == sorted((who.id, day) for who in (boss, helper) for day in ("2030-03-01", "2030-03-02", "2030-03-05"))
