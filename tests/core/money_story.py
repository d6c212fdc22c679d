"""A story of payments that keeps its own account of the money, apart from the core's books, and holds the two against each other."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import orders, payments, rates, storefronts
from core.database import Shop, Write, read, write
from core.errors import Refusal
from core.orders import HoldRules, OrderState, PendingOrder, RefundTo
from core.payments import IntentState
from core.people import Customer
from core.ports import Created, Event, Fee, PaymentState
from tests.core.props import assert_sound
from tests.stage import Clock, Goods, numbers, person, put_on_sale, stock

PRICE_MINOR, SEED_MINOR, CODES = 3333, 5000, 20
USD_RATE = Fraction(713, 100)  # a price that is no whole number of cents: what rounding leaves has to be somewhere
HOW = ["exact", "exact", "less", "least", "more", "again", "second"]
DOLLARS = "stripe"
YUAN = "crypto-pay"
STEP = st.one_of(
    st.tuples(st.just("place"), st.integers(0, 2), st.integers(1, 4), st.sampled_from([YUAN, DOLLARS]), st.integers(0, 2)),
    st.tuples(st.just("deposit"), st.integers(0, 2), st.integers(1, 20_000), st.sampled_from([YUAN, DOLLARS])),
    st.tuples(st.just("created"), st.integers(0, 20)),
    st.tuples(st.just("paid"), st.integers(0, 20), st.sampled_from(HOW)),
    st.tuples(st.just("said"), st.integers(0, 20), st.sampled_from([PaymentState.EXPIRED, PaymentState.FAILED])),
    st.tuples(st.just("given-back"), st.integers(0, 20)),
    st.tuples(st.just("forged"), st.integers(1, 10**6), st.sampled_from([YUAN, DOLLARS])),
    st.tuples(st.just("cancel"), st.integers(0, 20)),
    st.tuples(st.just("refund"), st.integers(0, 20), st.booleans(), st.booleans()),
    st.tuples(st.just("answer"), st.sampled_from(["yes", "no", "nothing", "yes-unheard"])),
    st.tuples(st.just("buy"), st.integers(0, 2), st.integers(1, 3)),
    st.tuples(st.just("later"), st.sampled_from([30, 600, 4000])),
    st.tuples(st.just("jobs")),
    # The machine dies in the middle of what comes next: its transaction is rolled back, and it is done again.
    st.tuples(st.just("crash")),
)
STORIES = st.lists(STEP, min_size=4, max_size=30)
FEES = st.sampled_from([Fee(), Fee(200, 30, True), Fee(290, 30, False)])


class Died(Exception):
    """The machine went dark before the transaction was committed."""


@write
def cut_off(session: Session, *, work: Write[Any, Any], facts: dict[str, Any]) -> None:
    """All of a command, and then no commit."""
    work(session, **facts)
    session.flush()
    raise Died


@read
def codes_of(session: Session, order_id: int) -> int:
    """The goods themselves: how many codes are an order's and were not refunded."""
    question = text("SELECT COUNT(*) FROM codes WHERE order_id = :order AND refunded_at IS NULL")
    return int(session.execute(question, {"order": order_id}).scalar_one())


@read
def posted(session: Session) -> dict[tuple[str, str, str], int]:
    """What was posted to every account, past the core's own questions; wallets by their customer."""
    sums: Counter[tuple[str, str, str]] = Counter()
    question = """
        SELECT a.kind, CASE WHEN a.kind = 'wallet' THEN CAST(a.party_id AS TEXT) ELSE a.label END, a.currency,
            COALESCE((SELECT SUM(amount_minor) FROM postings WHERE credit_id = a.id), 0)
            - COALESCE((SELECT SUM(amount_minor) FROM postings WHERE debit_id = a.id), 0)
        FROM accounts a"""
    for kind, label, currency, total in session.execute(text(question)):
        sums[(kind, label, currency)] += int(total)
    return dict(sums)


@read
def given_back_events(session: Session) -> set[str]:
    return set(session.scalars(text("SELECT event_key FROM payment_events WHERE kind = 'given-back'")))


@read
def sold_orders(session: Session) -> set[int]:
    return set(session.scalars(text("SELECT subject_id FROM transfers WHERE kind = 'sale'")))


def share(part: int, of: int, whole: int) -> int:
    """So much of `of` as `part` is of `whole`, rounded down."""
    return of * part // whole


@dataclass
class Came:
    """A payment as the provider has it; `back_minor` is what it has given back because we asked, in its own currency."""

    key: str
    amount_minor: int
    worth_minor: int
    fee_minor: int
    back_minor: int = 0
    sent_minor: int = 0  # of its worth: what is on its way back or was given back because we asked
    returned: bool = False  # by the provider, unasked


@dataclass
class Asked:
    """A payment that was asked for, and what came of it."""

    intent: payments.Intent
    buyer: Customer
    fee: Fee
    came: list[Came] = field(default_factory=list)


@dataclass
class Way:
    """A refund on its way to its source, in the story's own account."""

    asked: Asked
    source_minor: int
    pay_minor: int
    fee_minor: int
    made: bool = False  # the provider has done it, whether we have heard so or not


@dataclass
class Story:
    """A shop, and the story's own account of what came in, what is whose, and what went out."""

    shop: Shop
    clock: Clock
    goods: Goods
    buyers: list[Customer]
    fee: Fee
    asked: list[Asked] = field(default_factory=list)
    bought: list[tuple[int, Customer]] = field(default_factory=list)
    sold: dict[int, int] = field(default_factory=dict)  # order → codes it was issued with
    refunded: Counter[int] = field(default_factory=Counter)  # order → codes of it that were refunded
    ways: dict[int, Way] = field(default_factory=dict)
    accounts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    dies: bool = False

    # The story's own account.

    def moves(self, kind: str, amount_minor: int, currency: str = "CNY", label: str = "") -> None:
        self.accounts[(kind, label, currency)] += amount_minor

    def wallet(self, buyer: Customer) -> tuple[str, str, str]:
        return "wallet", f"{buyer.id}", "CNY"

    def pays_in(self, asked: Asked, key: str, amount: int) -> Came:
        """A payment that came, booked by the rules as they are written, not as they are coded."""
        intent = asked.intent
        worth = share(amount, intent.worth_minor, intent.amount_minor)
        net = intent.worth_minor if intent.currency == "CNY" else -(-intent.worth_minor * USD_RATE.denominator // USD_RATE.numerator)
        on_top = _fee(net, asked.fee) if asked.fee.passed_on else 0
        assert intent.amount_minor == net + on_top, "what is asked is the price, and the fee on top"
        kept = _kept(asked, amount)
        # Who pays more than was asked bears no more of a fee.
        fee = amount - worth if intent.currency == "CNY" else min(on_top, share(amount, on_top, intent.amount_minor))
        self.accounts[self.wallet(asked.buyer)] += worth
        self.moves("gateway", kept - amount, intent.currency, intent.provider)
        self.moves("fees", fee - kept, intent.currency)
        if intent.currency != "CNY":
            self.moves("exchange", amount - fee, intent.currency)
            self.moves("exchange", -worth)
        came = Came(key, amount, worth, fee)
        asked.came.append(came)
        return came

    async def goods_left(self, order_id: int | None, buyer: Customer) -> int:
        """Codes that have just become somebody's: their price leaves the wallet."""
        if order_id is None or order_id in self.sold:
            return 0
        count = await self.shop.read(codes_of, order_id)
        if count:
            self.sold[order_id] = count
            self.accounts[self.wallet(buyer)] -= count * PRICE_MINOR
            self.moves("sales", count * PRICE_MINOR)
        return count

    # What happens.

    async def do(self, step: tuple[Any, ...]) -> None:
        what, *facts = step
        if what == "crash":
            self.dies = True
            return
        with contextlib.suppress(Refusal):  # Said to somebody, and nothing was changed: the end of the story shows it.
            await getattr(self, "_" + what.replace("-", "_"))(*facts)
        self.dies = False

    async def write(self, command: Write[Any, Any], **facts: Any) -> Any:
        if self.dies:
            self.dies = False
            with pytest.raises((Died, Refusal)):
                await self.shop.write(cut_off, work=command, facts=facts)
        return await self.shop.write(command, **facts)

    async def _place(self, buyer: int, quantity: int, provider: str, from_wallet: int) -> None:
        who = self.buyers[buyer]
        total = quantity * PRICE_MINOR
        placed: PendingOrder = await self.write(
            orders.place,
            buyer_id=who.id,
            quantity=quantity,
            once=f"story:{next(numbers)}",
            provider=provider,
            pay_currency="USD" if provider == DOLLARS else "CNY",
            seconds=1800,
            fee=self.fee,
            hold=HoldRules(),
            by_task=True,
            worth_minor=total - min(from_wallet * 1111, total - 1),
            **self.goods.terms(),
        )
        self.asked.append(Asked(placed.intent, who, self.fee))

    async def _deposit(self, buyer: int, worth: int, provider: str) -> None:
        intent = await self.write(
            orders.deposit,
            customer_id=self.buyers[buyer].id,
            worth_minor=worth,
            provider=provider,
            pay_currency="USD" if provider == DOLLARS else "CNY",
            seconds=1800,
            fee=self.fee,
            by_task=True,
        )
        self.asked.append(Asked(intent, self.buyers[buyer], self.fee))

    async def _created(self, which: int) -> None:
        if self.asked:
            asked = self.asked[which % len(self.asked)]
            await self.write(payments.created, intent_id=asked.intent.id, how=Created(f"ref-{asked.intent.id}"), poll=True)

    async def _paid(self, which: int, how: str) -> None:
        if not self.asked:
            return
        asked = self.asked[which % len(self.asked)]
        due = asked.intent.amount_minor
        if how == "again" and asked.came:
            [*_, last] = asked.came
            booked = await self._book(asked, last.key, PaymentState.PAID, last.amount_minor)
            assert booked.says == "repeated"
            return
        key = f"pay-{asked.intent.id}-{len(asked.came)}"
        if asked.came and how != "second":
            key = asked.came[0].key
            assert (await self._book(asked, key, PaymentState.PAID, due)).says == "repeated"
            return
        amount = {"less": max(1, due // 2), "least": 1, "more": due + 77}.get(how, due)
        booked = await self._book(asked, key, PaymentState.PAID, amount)
        came = self.pays_in(asked, key, amount)
        assert booked.settled is not None and booked.settled.credited_minor == came.worth_minor
        assert booked.settled.issued == bool(await self.goods_left(asked.intent.order_id, asked.buyer))

    async def _said(self, which: int, state: PaymentState) -> None:
        if self.asked:
            asked = self.asked[which % len(self.asked)]
            await self._book(asked, f"end-{asked.intent.id}", state, asked.intent.amount_minor)

    async def _given_back(self, which: int) -> None:
        """The provider gives a payment back: the report of what we asked for is no news, what nobody asked for leaves the wallet."""
        if not self.asked:
            return
        asked = self.asked[which % len(self.asked)]
        if not asked.came or any(way.asked is asked for way in self.ways.values()):
            return
        [*_, came] = asked.came
        if came.back_minor and came.back_minor < came.amount_minor:
            return  # Providers report a whole.
        booked = await self._book(asked, came.key, PaymentState.REFUNDED, came.amount_minor)
        if came.back_minor or came.returned:
            assert booked.says == "repeated"
            return
        assert booked.says == "given-back"
        came.returned = True
        taken = max(0, min(came.worth_minor, self.accounts[self.wallet(asked.buyer)]))
        self.accounts[self.wallet(asked.buyer)] -= taken
        self.moves("adjustment", taken - came.worth_minor)  # The shop's loss.
        kept = share(
            came.amount_minor, min(asked.intent.amount_minor, _fee(asked.intent.amount_minor, asked.fee)), asked.intent.amount_minor
        )
        self.moves("gateway", came.amount_minor - kept, asked.intent.currency, asked.intent.provider)
        self.moves("fees", kept - came.fee_minor, asked.intent.currency)
        if asked.intent.currency != "CNY":
            self.moves("exchange", came.fee_minor - came.amount_minor, asked.intent.currency)
            self.moves("exchange", came.worth_minor)

    async def _forged(self, number: int, provider: str) -> None:
        """Money for a number that is not ours is nobody's."""
        event = Event(f"stray-{number}", f"{10**12 + number}", PaymentState.PAID, 9500, "CNY", self.clock())
        booked = await self.write(orders.book, storefront_id=self.goods.storefront.id, provider=provider, event=event)
        assert booked.says in ("stray", "repeated")
        if self.asked:
            # A true number, by a way that was not asked: it is not that payment.
            event = Event(f"stray-{number}", self.asked[0].intent.reference, PaymentState.PAID, 9500, "CNY", self.clock())
            booked = await self.write(orders.book, storefront_id=self.goods.storefront.id, provider="epay-alipay", event=event)
            assert booked.says in ("stray", "repeated")

    async def _cancel(self, which: int) -> None:
        if self.asked and (asked := self.asked[which % len(self.asked)]).intent.order_id is not None:
            await self.write(orders.cancel, order_id=asked.intent.order_id, buyer_id=asked.buyer.id)

    async def _refund(self, which: int, whole: bool, to_source: bool) -> None:
        """All of an order, or one code of it, to the wallet or to where it was paid from."""
        paid = [(asked.intent.order_id, asked.buyer, asked) for asked in self.asked if asked.intent.order_id is not None]
        both = [*paid, *((order, buyer, None) for order, buyer in self.bought)]
        if not both:
            return
        order_id, buyer, asked = both[which % len(both)]
        assert order_id is not None
        codes = [code.code_id for code in await self.shop.read(orders.codes_sold, order_id) if not code.refunded]
        made = await self.write(
            orders.refund_codes,
            order_id=order_id,
            code_ids=None if whole else codes[:1],
            reason="story",
            by="test",
            once=f"story-refund:{next(numbers)}",
            to=RefundTo.SOURCE if to_source else RefundTo.WALLET,
        )
        count = self.sold[order_id] - self.refunded[order_id] if whole else 1
        self.refunded[order_id] += count
        value, part = count * PRICE_MINOR, 0
        if to_source:
            assert asked is not None
            first = asked.came[0]
            part = min(value, first.worth_minor - first.sent_minor)
            net = first.amount_minor - first.fee_minor
            before, after = first.sent_minor, first.sent_minor + part
            fee = share(after, first.fee_minor, first.worth_minor) - share(before, first.fee_minor, first.worth_minor)
            pay = share(after, net, first.worth_minor) - share(before, net, first.worth_minor) + fee
            first.sent_minor = after
            self.ways[made.refund_id] = Way(asked, part, pay, fee)
        assert (made.amount_minor, made.source_minor) == (value, part)
        self.moves("sales", -value)
        self.moves("refunding", part)
        self.accounts[self.wallet(buyer)] += value - part

    async def _answer(self, says: str) -> None:
        """Refunds are handed to the provider: it says yes or no, or nothing is heard of it – though it may have been done."""
        for due in await self.write(orders.refunds_due, most=10, seconds=30):
            way = self.ways[due.refund_id]
            first, intent = way.asked.came[0], way.asked.intent
            assert (due.asked.amount_minor, due.asked.event_key) == (way.pay_minor, first.key)
            if not way.made and (says == "no" or first.returned):
                await self.write(orders.refund_declined, refund_id=due.refund_id, why="the provider says no")
                first.sent_minor -= way.source_minor
                self.moves("refunding", -way.source_minor)
                self.accounts[self.wallet(way.asked.buyer)] += way.source_minor
                del self.ways[due.refund_id]
                continue
            if says == "nothing" and not way.made:
                continue
            if not way.made:
                way.made = True
                first.back_minor += way.pay_minor
                assert first.back_minor <= first.amount_minor, "never more than was paid"
            if says == "yes-unheard":
                continue
            assert await self.write(orders.refund_done, refund_id=due.refund_id)
            assert not await self.shop.write(orders.refund_done, refund_id=due.refund_id)
            self.moves("refunding", -way.source_minor)
            self.moves("gateway", way.pay_minor, intent.currency, intent.provider)
            self.moves("fees", -way.fee_minor, intent.currency)
            if intent.currency != "CNY":
                self.moves("exchange", way.fee_minor - way.pay_minor, intent.currency)
                self.moves("exchange", way.source_minor)
            del self.ways[due.refund_id]

    async def _buy(self, buyer: int, quantity: int) -> None:
        who = self.buyers[buyer]
        receipt = await self.shop.write(orders.buy, buyer_id=who.id, quantity=quantity, once=f"story:{next(numbers)}", **self.goods.terms())
        self.bought.append((receipt.order_id, who))
        assert await self.goods_left(receipt.order_id, who) == quantity

    async def _later(self, seconds: int) -> None:
        self.clock.passes(seconds=seconds)

    async def _jobs(self) -> None:
        await self.write(orders.release_lapsed_holds)
        await self.write(orders.expire)
        await self.write(payments.expire_deposits, most=100)

    async def _book(self, asked: Asked, key: str, state: PaymentState, amount: int) -> orders.Booked:
        event = Event(key, asked.intent.reference, state, amount, asked.intent.currency, self.clock())
        booked: orders.Booked = await self.write(
            orders.book, storefront_id=self.goods.storefront.id, provider=asked.intent.provider, event=event
        )
        return booked

    # What must be true at every end.

    async def ends(self) -> Counter[str]:
        """Nothing waits for ever, the money is where the story says it is, and every payment has ended in one of three."""
        await self._later(4000)
        await self._jobs()
        await assert_sound(self.shop)
        for asked in self.asked:
            intent = await self.shop.read(payments.intent, asked.intent.id)
            assert intent is not None
            assert (intent.state in (IntentState.PAID, IntentState.REFUNDED)) == bool(asked.came)
            assert intent.state not in (IntentState.CREATED, IntentState.PENDING), "nothing waits for ever"
            if intent.order_id is not None:
                detail = await self.shop.read(orders.detail, order_id=intent.order_id)
                assert detail is not None and detail.card.state is not OrderState.PENDING
            steps = await self.shop.read(payments.steps, asked.intent.id)
            assert steps and steps[0].cause == "asked", "every change has its cause"
        await self._money_is_where_the_story_says()
        return await self._each_payment_ended_in_one_of_three()

    async def _money_is_where_the_story_says(self) -> None:
        """Money in = codes out + balances + money on its way + fees and exchange, account by account, to the minor unit."""
        found = await self.shop.read(posted)
        differ = {
            key: (found.get(key, 0), self.accounts[key]) for key in {*found, *self.accounts} if found.get(key, 0) != self.accounts[key]
        }
        assert not differ, f"by the postings, and by the story: {differ}"
        for currency in {key[2] for key in found}:
            assert sum(amount for key, amount in found.items() if key[2] == currency) == 0
        # The goods themselves: sold, and not refunded.
        for order_id, count in self.sold.items():
            assert await self.shop.read(codes_of, order_id) == count - self.refunded[order_id]

    async def _each_payment_ended_in_one_of_three(self) -> Counter[str]:
        """Each told by evidence of its own, so that none could be two of them, or nothing."""
        returned, sold = await self.shop.read(given_back_events), await self.shop.read(sold_orders)
        ends: Counter[str] = Counter()
        for asked in self.asked:
            for place, came in enumerate(asked.came):
                order_id = asked.intent.order_id
                bought = place == 0 and order_id in sold
                theirs = await self.shop.read(codes_of, order_id) if order_id is not None and bought else 0
                reversed_ = any(came.key in key for key in returned)
                is_now = {
                    "delivered": bought and theirs > 0 and not reversed_,
                    "refunded": reversed_ or (bought and theirs == 0),
                    "credited": not bought and not reversed_,
                }
                assert sum(is_now.values()) == 1, f"{came} ended in {is_now}"
                assert is_now["refunded"] == (came.returned or (bought and self.refunded[order_id or 0] == self.sold[order_id or 0]))
                ends.update(name for name, so in is_now.items() if so)
        assert ends.total() == sum(len(asked.came) for asked in self.asked)
        return ends


def _fee(amount_minor: int, fee: Fee) -> int:
    """So many hundredths of a per cent, half a unit rounded up, and so much each time."""
    whole = Fraction(amount_minor * fee.basis_points, 10_000) + Fraction(1, 2)
    return whole.numerator // whole.denominator + fee.fixed_minor


def _kept(asked: Asked, amount_minor: int) -> int:
    """What the provider keeps of so much: the part that falls to it of what it keeps of the whole, and no more than that."""
    whole = asked.intent.amount_minor
    most = min(whole, _fee(whole, asked.fee))
    return min(most, share(amount_minor, most, whole))


async def play(shop: Shop, clock: Clock, fee: Fee, steps: list[tuple[Any, ...]]) -> Counter[str]:
    """Tell a story to a new shop; returns in what its payments ended."""
    storefront = await shop.write(storefronts.open_storefront, name="Story", currency="CNY", language="en")
    await shop.write(rates.set_rate, base="USD", quote="CNY", rate=USD_RATE, source="test")
    goods = await put_on_sale(shop, storefront, price_minor=PRICE_MINOR, count=0)
    await stock(shop, goods.offer_id, goods.sku_id, CODES)
    buyers = [await person(shop, storefront, money_minor=SEED_MINOR) for _ in range(3)]
    story = Story(shop, clock, goods, buyers, fee)
    for buyer in buyers:
        story.accounts[story.wallet(buyer)] += SEED_MINOR
        story.moves("adjustment", -SEED_MINOR)
    for step in steps:
        await story.do(step)
    return await story.ends()
