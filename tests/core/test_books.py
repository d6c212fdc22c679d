"""The statement of the books: exact, made of its days, and loud when a table and the ledger disagree."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from core import aftersale, books, inventory, ledger, orders, outbox, payments, people, rates, storefronts
from core.audit import audit
from core.books import MOST_DAYS, SpanWrong, Statement
from core.books.checks import AUDITED
from core.database import Shop
from core.people import Customer
from core.ports import Created, Dispute, DisputeState, Event, Fee, GivenBack, Movement, PaymentState
from core.storefronts import Storefront
from tests.core.ledgers import assert_books
from tests.core.props import aside, consign
from tests.core.test_cases import dearer, second_source
from tests.stage import Clock, Goods, numbers, person, put_on_sale, stock

FEE = Fee(basis_points=250, fixed_minor=30, passed_on=True)


class Fixed(Clock):
    """Stands still until it is told to move: half a minute before midnight in Shanghai."""

    def __call__(self) -> datetime:
        return datetime(2030, 3, 1, 15, 59, 30, tzinfo=UTC) + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Fixed()


async def pays(
    shop: Shop, goods: Goods, buyer: Customer, quantity: int, provider: str, currency: str, *, more: int = 0, step_minor: int = 1
) -> tuple[int, Event]:
    """An order by a provider, paid as asked and something more; gives the order and the payment."""
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
        step_minor=step_minor,
        **goods.terms(),
    )
    await shop.write(payments.created, intent_id=placed.intent.id, how=Created(f"ref-{placed.intent.id}"), poll=True)
    key = f"paid-{placed.intent.id}"
    amount = placed.intent.amount_minor + more
    event = Event(key, placed.intent.reference, PaymentState.PAID, amount, currency, shop.tools.clock())
    booked = await shop.write(orders.book, storefront_id=goods.storefront.id, provider=provider, event=event)
    assert booked.says == "issued"
    return placed.order_id, event


async def tells(shop: Shop, goods: Goods, provider: str, paid: Event, **since: Any) -> None:
    """The provider lists what has become of a payment."""
    event = replace(paid, **since)
    assert (await shop.write(orders.book, storefront_id=goods.storefront.id, provider=provider, event=event)).says != "repeated"


async def past_the_shop(shop: Shop, clock: Clock, goods: Goods, buyer: Customer, provider: str, currency: str) -> None:
    """One payment given back in two parts; one disputed, refunded meanwhile, and the dispute won; one disputed and lost, of which
    all that came back is kept of a refund."""
    (first, parted), (second, won), (third, lost) = [await pays(shop, goods, buyer, 2, provider, currency) for _ in range(3)]
    for order_id in (first, second, third):
        await shop.write(orders.reveal, order_id=order_id, cause=orders.RevealCause.SENT, to_telegram_id=buyer.telegram_id)
    parts = [GivenBack(f"re-{first}-{n}", amount, clock()) for n, amount in enumerate((parted.amount_minor // 3, 7))]
    asked = Dispute(f"du-{first}", DisputeState.OPEN, parted.amount_minor, "inquiry", clock())
    for upto, disputes in ((1, ()), (2, (asked,))):
        await tells(shop, goods, provider, parted, given_back=tuple(parts[:upto]), disputes=disputes)
    for paid, order_id, state in ((won, second, DisputeState.WON), (lost, third, DisputeState.LOST)):
        amount = paid.amount_minor - 5
        moved = [Movement(f"taken-{order_id}", -amount, clock(), 150)]
        about = Dispute(f"du-{order_id}", DisputeState.OPEN, amount, "fraudulent", clock(), movements=tuple(moved))
        await tells(shop, goods, provider, paid, disputes=(about,))
        if state is DisputeState.WON:
            moved.append(Movement(f"back-{order_id}", amount // 2, clock(), -100))
            moved.append(Movement(f"rest-{order_id}", amount - amount // 2 + 3, clock()))
        await tells(shop, goods, provider, paid, disputes=(replace(about, state=state, movements=tuple(moved)),))
    codes = [code.code_id for code in await shop.read(orders.codes_sold, third)]
    about_third: dict[str, Any] = {"order_id": third, "reason": "x", "by": "test"}
    await shop.write(orders.refund_codes, code_ids=codes[:1], once=f"kept-{third}", **about_third)


async def replacements(shop: Shop, goods: Goods, buyer: Customer) -> None:
    """Three bad codes of a supplier's: a dearer one of another's for the first, whose money is given back as well then, one of the
    same supplier's for the second, and one of the shop's own for the third."""
    faulty = await put_on_sale(shop, goods.storefront, name="Faulty", denomination="Faulty 20", price_minor=2000, count=3)
    await shop.write(consign, offer_id=faulty.offer_id, cost_minor=1500)
    order_id = (await shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once="faulty", **faulty.terms())).order_id
    await shop.write(orders.reveal, order_id=order_id, cause=orders.RevealCause.SENT, to_telegram_id=buyer.telegram_id)
    codes = [code.code_id for code in await shop.read(orders.codes_sold, order_id)]
    second, account = await shop.write(second_source, sku_id=faulty.sku_id, cost_minor=1700)
    for code_id, offer_id, owed in zip(codes, (second, faulty.offer_id, second), (account, None, None), strict=True):
        if offer_id == second:
            await shop.write(dearer, offer_id=second, cost_minor=1700, payable=False, account=owed)
        await stock(shop, offer_id, faulty.sku_id, 1)
        about: dict[str, Any] = {"buyer_id": buyer.id, "order_id": order_id, "reason": aftersale.Reason.USED}
        case = await shop.write(aftersale.open_case, code_id=code_id, **about)
        await shop.write(aftersale.replace, case_id=case.case_id, storefront_id=goods.storefront.id, by="test")
        if owed is not None:
            [new] = [code for code, offer in await shop.read(inventory.codes_of, order_id) if offer == second]
            again = await shop.write(aftersale.open_case, code_id=new, **about)
            await shop.write(aftersale.refund, case_id=again.case_id, storefront_id=goods.storefront.id, by="test")


async def everything_happens(shop: Shop, clock: Clock, goods: Goods) -> list[Customer]:
    """Two days with some of everything: ways and currencies, suppliers, refunds of each kind, a reversal, gifts, strays, parts that
    went back, disputes, codes replaced. Returns the buyers."""
    front = goods.storefront
    await shop.write(consign, offer_id=goods.offer_id, cost_minor=6000)
    for base, rate in (("KWD", Fraction(7, 3)), ("JPY", Fraction(5))):
        await shop.write(rates.set_rate, base=base, quote="CNY", rate=rate, source="test")
    buyer = await person(shop, front, money_minor=50_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="wallet", **goods.terms())
    _, by_yen = await pays(shop, goods, buyer, 2, "stripe", "JPY")
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
    await shop.write(orders.given_back, provider="stripe", event_key=by_yen.key, customer_id=buyer.id)
    unasked: dict[str, Any] = {"provider": "stars", "event_key": "unasked", "customer_id": buyer.id}
    await shop.write(orders.settle, intent_id=None, amount_minor=700, currency=front.currency, **unasked)
    await shop.write(orders.given_back, **unasked)
    stray = Event("nobody's", "99999999", PaymentState.PAID, 1234, "JPY", shop.tools.clock())
    await shop.write(orders.book, storefront_id=front.id, provider="stripe", event=stray)
    other = await person(shop, front, money_minor=11_000)
    await past_the_shop(shop, clock, goods, other, "card", "CNY")
    await past_the_shop(shop, clock, goods, other, "card", "JPY")
    third = await person(shop, front, money_minor=6000)
    await replacements(shop, goods, third)
    return [buyer, other, third]


async def days(shop: Shop, front: Storefront) -> tuple[Statement, Statement, Statement]:
    """The first day, the second, and both."""
    first, second = date(2030, 3, 1), date(2030, 3, 2)
    spans = ((first, first), (second, second), (first, second))
    one, other, both = [await shop.read(books.statement, front.id, *books.span(a, b, "Asia/Shanghai")) for a, b in spans]
    return one, other, both


async def test_two_days_of_everything_equal_the_ledger_and_add_up(shop: Shop, clock: Clock, goods: Goods) -> None:
    buyers = await everything_happens(shop, clock, goods)

    one, other, both = await days(shop, goods.storefront)

    assert one.differences == other.differences == both.differences == ()
    await assert_books(shop, books.span(date(2030, 3, 1), date(2030, 3, 1), "Asia/Shanghai")[0], clock())
    assert [(day.sales[0].orders, day.sales[0].codes, day.sales[0].sales_minor) for day in (one, other, both)] == [
        (2, 4, 38_000),
        (9, 19, 158_000),
        (11, 23, 196_000),
    ]
    refunded = other.sales[0]
    assert (refunded.refunds, refunded.refunded_minor, refunded.to_source_minor) == (8, 78_000, 28_500)
    assert refunded.codes_returned + refunded.codes_void == 9
    [cost] = other.costs
    assert one.costs[0].cost_minor == 24_000 and (cost.cost_minor, cost.back_minor) == (100_500, 49_700)
    assert (cost.replaced, cost.replaced_minor, cost.replaced_back_minor, cost.back_replaced_minor) == (3, 4_900, 4_500, 1_700)
    [margin] = both.margins
    assert margin.minor == 196_000 - 78_000 - 124_500 + 49_700 - 4_900 + 4_500
    earned = both.pot("sales", "CNY")
    assert earned is not None and earned.closing_minor == margin.minor + 1_700, "but for the code of the shop's own, which owes nobody"
    ways = {(way.method, way.currency): way for way in both.payments}
    assert set(ways) == {("stripe", "JPY"), ("transfer", "KWD"), ("card", "CNY"), ("card", "JPY"), ("stars", "CNY")}
    unasked = ways["stars", "CNY"]
    assert (unasked.deposits, unasked.back, unasked.back_minor) == (1, 1, 700)
    yen, dinar = ways["stripe", "JPY"], ways["transfer", "KWD"]
    assert (yen.for_orders, yen.parts, yen.odd, yen.odd_minor) == (1, 1, 1, 1234) and yen.parts_minor == yen.paid_minor
    assert (dinar.for_orders, dinar.refunded) == (2, 1) and dinar.borne_minor > 0 and dinar.kept_minor > 0
    for way in (ways["card", "CNY"], ways["card", "JPY"]):
        each = way.paid_minor // 3
        assert (way.parts, way.parts_minor, way.disputed, way.disputed_minor) == (2, each // 3 + 7, 2, 2 * (each - 5))
        assert (way.put_back, way.put_back_minor, way.charged_minor) == (2, each - 5 + 3, 150 + 150 - 100)
        assert way.lost_minor > way.regained_minor > 9_000
    losses = both.pot("adjustment", "CNY")
    assert losses is not None and losses.out_minor - losses.in_minor == 67_000 + sum(
        way.lost_minor - way.regained_minor for way in both.payments
    )
    assert both.questioned == 2 and both.questioned_minor == {cur: ways["card", cur].paid_minor // 3 for cur in ("CNY", "JPY")}
    assert both.underway == 1 and both.underway_minor == {"CNY": 9_500}
    aside_ = both.pot("refunding", "CNY")
    assert aside_ is not None and aside_.closing_minor == 9_500
    wallet = both.pot("wallet", "CNY")
    assert wallet is not None
    assert wallet.closing_minor == sum([(await shop.read(payments.wallet, buyer.id)).balance_minor for buyer in buyers])
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
    "a part that went back": (
        "UPDATE payment_returns SET amount_minor = amount_minor + 1 WHERE dispute_id IS NULL",
        "what went back past the shop left its gateway, the balance and the losses as noted",
    ),
    "what a part took": (
        "UPDATE payment_returns SET taken_minor = taken_minor + 1, worth_minor = worth_minor + 1",
        "what went back past the shop left its gateway, the balance and the losses as noted",
    ),
    "what a dispute lost": (
        "UPDATE payment_returns SET lost_minor = lost_minor + 1, worth_minor = worth_minor + 1 WHERE dispute_id IS NOT NULL",
        "what went back past the shop left its gateway, the balance and the losses as noted",
    ),
    "what a dispute took": (
        "UPDATE payment_events SET amount_minor = amount_minor + 1 WHERE kind = 'disputed'",
        "what went back past the shop left its gateway, the balance and the losses as noted",
    ),
    "a dispute's fee": (
        "UPDATE payment_events SET charged_minor = charged_minor - 1 WHERE kind = 'disputed'",
        "what went back past the shop left its gateway, the balance and the losses as noted",
    ),
    "a dispute's fee in the ledger": (
        "UPDATE postings SET amount_minor = amount_minor + 1 WHERE amount_minor = 150"
        " AND transfer_id IN (SELECT id FROM transfers WHERE key LIKE 'returned:%')",
        "what went back past the shop left its gateway, the balance and the losses as noted",
    ),
    "a part that became a dispute's": (
        "UPDATE payment_returns SET dispute_id = NULL WHERE dispute_id IS NOT NULL",
        "what went back past the shop left its gateway, the balance and the losses as noted",
    ),
    "a return that is gone": (
        "DELETE FROM payment_returns WHERE dispute_id IS NULL",
        "what went back past the shop left its gateway, the balance and the losses as noted",
    ),
    "a return that moved nothing": (
        "UPDATE transfers SET key = replace(key, 'returned:', 'returned:else:') WHERE key LIKE 'returned:%'",
        "what was reported as gone, or as put back, past the shop is in the ledger",
    ),
    "a dispute won that moved nothing": (
        "UPDATE transfers SET key = replace(key, ':rest', ':else') WHERE key LIKE 'reinstated:%'",
        "what was reported as gone, or as put back, past the shop is in the ledger",
    ),
    "what was put back": (
        "UPDATE payment_events SET amount_minor = amount_minor + 1 WHERE kind = 'reinstated'",
        "what was put back after a dispute came in at its gateway",
    ),
    "a dispute's fee that came back": (
        "UPDATE payment_events SET charged_minor = charged_minor + 1 WHERE charged_minor < 0",
        "what was put back after a dispute came in at its gateway",
    ),
    "a report of what was put back that is gone": (
        "DELETE FROM payment_events WHERE kind = 'reinstated'",
        "what was put back after a dispute came in at its gateway",
    ),
    "the worth of what was put back": (
        "UPDATE payment_returns SET back_worth_minor = back_worth_minor - 1 WHERE back_worth_minor > 0",
        "what came back of a payment is noted with what had gone",
    ),
    "how much was put back": (
        "UPDATE payment_returns SET back_minor = back_minor - 1 WHERE back_minor > 0",
        "what came back of a payment is noted with what had gone",
    ),
    "what was regained": (
        "UPDATE payment_returns SET regained_minor = regained_minor - 1 WHERE regained_minor > 0",
        "what came back of a payment is noted with what had gone",
    ),
    "what was regained by a dispute": (
        "UPDATE payment_returns SET loss_back_minor = loss_back_minor - 1 WHERE loss_back_minor > 0",
        "what came back of a payment is noted with what had gone",
    ),
    "what was kept of a refund": (
        "UPDATE transfers SET key = replace(key, 'refund:', 'refund:999') WHERE key LIKE 'regained:%'",
        "what was kept of a refund, because the payer had it already, is a refund's",
    ),
    "the cost of a refunded code": (
        "UPDATE refunded_codes SET cost_minor = cost_minor + 1",
        "a refunded code takes back the cost that was booked for it",
    ),
    "what a supplier gave back": (
        "UPDATE postings SET amount_minor = amount_minor + 1 WHERE debit_id IN (SELECT id FROM accounts WHERE kind = 'payable')"
        " AND transfer_id IN (SELECT id FROM transfers WHERE key LIKE 'refund:%')",
        "what suppliers gave back for a refund is what was booked for its codes",
    ),
    "what a replacement cost": (
        "UPDATE exchanged_codes SET cost_minor = cost_minor + 1",
        "a replacement moved from supplier to supplier what was booked for the two codes",
    ),
    "what a replacement is told to have cost": (
        "UPDATE cases SET replacement_cost_minor = replacement_cost_minor + 1 WHERE outcome = 'replaced'",
        "a replacement moved from supplier to supplier what was booked for the two codes",
    ),
    "what the supplier of a bad code bears": (
        "UPDATE cases SET frozen_minor = frozen_minor - 1 WHERE outcome = 'replaced'",
        "a replacement moved from supplier to supplier what was booked for the two codes",
    ),
    "what a replacement moved": (
        "UPDATE postings SET amount_minor = amount_minor + 1 WHERE transfer_id IN (SELECT id FROM transfers WHERE key LIKE 'case:%')",
        "a replacement moved from supplier to supplier what was booked for the two codes",
    ),
    "a sale without its order": (
        "UPDATE transfers SET key = 'sale:4711', subject_id = 4711 WHERE key = 'sale:1'",
        "an issued order has its sale",
    ),
}

# Each costs PostgreSQL some tenths of a second: there, one of each kind of check.
ON_BOTH = ("an order's total", "a payment", "a kept balance", "a dispute's fee", "what was regained", "what a replacement cost")


async def test_whatever_row_is_changed_past_the_shop_the_statement_and_the_audit_say_so(shop: Shop, clock: Clock, goods: Goods) -> None:
    await everything_happens(shop, clock, goods)
    since, until = books.span(date(2030, 3, 1), date(2030, 3, 2), "Asia/Shanghai")
    assert (await shop.read(books.statement, goods.storefront.id, since, until)).differences == ()

    missed, sqlite = [], shop.url.get_backend_name() == "sqlite"
    async with aside(shop.url.render_as_string(hide_password=False)) as connection:
        for what, (change, check) in ((what, CORRUPTED[what]) for what in (CORRUPTED if sqlite else ON_BOTH)):

            def look(sync: Connection, change: str = change) -> tuple[set[str], set[str]]:
                with Session(sync, info={"tools": shop.tools}) as session:
                    nested = session.begin_nested()
                    session.connection().exec_driver_sql(change)
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

    # A provider that takes no last digit but 0 is asked for some more, which is nobody's but the shop's.
    _, paid = await pays(shop, goods, buyer, 1, "card", currency, step_minor=10)
    await tells(shop, goods, "card", paid, given_back=(GivenBack("re", paid.amount_minor // 2, clock()),))

    made = await assert_books(shop, clock() - timedelta(days=1), clock(), front.id)

    assert [(one.currency, one.sales_minor, one.refunded_minor) for one in made.sales] == [(currency, price * 4, price)]


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
