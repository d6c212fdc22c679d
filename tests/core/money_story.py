"""A story of payments that keeps its own account of the money, apart from the core's books, and holds the two against each other."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import catalog, orders, outbox, payments, rates, storefronts
from core.database import Shop, Write, read, write
from core.errors import Refusal
from core.orders import HoldRules, OrderState, Parcel, PendingOrder, RefundTo, RevealCause
from core.payments import IntentState
from core.people import Customer
from core.ports import Created, Dispute, DisputeState, Event, Fee, GivenBack, Movement, PaymentState
from tests.core.props import assert_sound
from tests.stage import Clock, Goods, chat_of, numbers, person, put_on_sale, stock

PRICE_MINOR, SEED_MINOR, CODES = 3333, 5000, 20
USD_RATE = Fraction(713, 100)  # a price that is no whole number of cents: what rounding leaves has to be somewhere
HOW = ["exact", "exact", "less", "least", "more", "again", "second"]
DOLLARS = "stripe"
YUAN = "crypto-pay"
CHARGE_MINOR = 150  # what a provider takes besides for a dispute
TOLD = ["opened", "taken", "half", "won", "won-and-charge", "lost"]
STEP = st.one_of(
    st.tuples(st.just("place"), st.integers(0, 2), st.integers(1, 4), st.sampled_from([YUAN, DOLLARS]), st.integers(0, 2)),
    st.tuples(st.just("deposit"), st.integers(0, 2), st.integers(1, 20_000), st.sampled_from([YUAN, DOLLARS])),
    st.tuples(st.just("created"), st.integers(0, 20)),
    st.tuples(st.just("paid"), st.integers(0, 20), st.sampled_from(HOW)),
    st.tuples(st.just("said"), st.integers(0, 20), st.sampled_from([PaymentState.EXPIRED, PaymentState.FAILED])),
    st.tuples(st.just("given-back"), st.integers(0, 20)),
    st.tuples(st.just("console"), st.integers(0, 20), st.integers(0, 1), st.sampled_from([1, 450, 2000, 10**9])),
    st.tuples(st.just("disputed"), st.integers(0, 20), st.integers(0, 1), st.sampled_from(TOLD)),
    st.tuples(st.just("disputed"), st.integers(0, 20), st.integers(0, 1), st.sampled_from(TOLD)),
    st.tuples(st.just("heard-again"), st.integers(0, 20), st.integers(0, 1)),
    st.tuples(st.just("sent"), st.booleans()),
    st.tuples(st.just("review"), st.integers(0, 20), st.sampled_from(["release", "to-balance", "to-source"])),
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


@dataclass(frozen=True)
class Evidence:
    """What the tables say of the ends of payments, past the core's own questions."""

    sold: set[int]  # orders
    shown: set[int]
    held: set[int]
    given_back: Counter[str]  # by payment: what its provider has given back unasked, or has for a dispute
    asked_back: Counter[str]  # and what it gave back because we asked
    on_shelf: int


@read
def evidence(session: Session) -> Evidence:
    def numbers_of(question: str) -> set[int]:
        return set(session.scalars(text(question)))

    back: Counter[str] = Counter()
    returns = "SELECT event_key, amount_minor - back_minor FROM payment_returns"
    whole = "SELECT event_key, amount_minor FROM payment_events WHERE kind = 'given-back'"
    for key, amount in [*session.execute(text(returns)), *session.execute(text(whole))]:
        back[key.removesuffix(":given-back")] += amount
    ours: Counter[str] = Counter()
    for key, amount in session.execute(text("SELECT event_key, pay_minor FROM refunds WHERE provider IS NOT NULL AND state = 'refunded'")):
        ours[key] += amount
    return Evidence(
        numbers_of("SELECT subject_id FROM transfers WHERE kind = 'sale'"),
        numbers_of("SELECT order_id FROM reveals"),
        numbers_of("SELECT id FROM orders WHERE state = 'issued' AND held_until IS NOT NULL AND released_at IS NULL"),
        back,
        ours,
        int(session.execute(text("SELECT COUNT(*) FROM codes WHERE available IS NOT NULL OR hold_id IS NOT NULL")).scalar_one()),
    )


def share(part: int, of: int, whole: int) -> int:
    """So much of `of` as `part` is of `whole`, rounded down."""
    return of * part // whole


@dataclass
class Gone:
    """A part of a payment that its provider gave back past us, or took for a dispute; `lost_minor` of its worth was no longer there."""

    amount_minor: int
    worth_minor: int
    fee_minor: int
    lost_minor: int
    back_minor: int = 0  # reinstated
    worth_back_minor: int = 0

    @property
    def left_minor(self) -> int:
        return self.amount_minor - self.back_minor


@dataclass
class Came:
    """A payment as the provider has it; `back_minor` is what it has given back because we asked, in its own currency."""

    key: str
    amount_minor: int
    worth_minor: int
    fee_minor: int
    back_minor: int = 0
    sent_minor: int = 0  # of its worth: what is on its way back or was given back because we asked
    asked_minor: int = 0  # and in its own currency
    returned: bool = False  # reported as given back, unasked
    gone: list[Gone] = field(default_factory=list)
    console: list[GivenBack] = field(default_factory=list)  # as the provider lists them, ours among them
    dispute: Dispute | None = None
    taken: Gone | None = None  # for the dispute

    @property
    def gone_minor(self) -> int:
        """What has gone past us, and has not come back."""
        return sum(part.left_minor for part in self.gone)

    @property
    def gone_worth(self) -> int:
        return sum(part.worth_minor - part.worth_back_minor for part in self.gone)

    @property
    def there_minor(self) -> int:
        """What its provider still has of it."""
        return self.amount_minor - self.gone_minor - self.back_minor

    @property
    def in_dispute(self) -> bool:
        return self.dispute is not None and self.dispute.state is DisputeState.OPEN


@dataclass
class Asked:
    """A payment that was asked for, and what came of it."""

    intent: payments.Intent
    buyer: Customer
    fee: Fee
    came: list[Came] = field(default_factory=list)
    lost: list[Gone] = field(default_factory=list)  # what went past us of any of it, in this order


@dataclass
class Sold:
    """An order whose codes are somebody's."""

    order_id: int
    buyer: Customer
    asked: Asked | None  # by what it was paid, if not from the wallet alone
    count: int
    held: bool
    refunded: int = 0
    shelved: int = 0  # of the refunded: for sale again
    shown: bool = False
    begun: bool = False  # a courier had it in hand

    @property
    def left(self) -> int:
        return self.count - self.refunded


@dataclass
class Way:
    """A refund on its way to its source, in the story's own account."""

    asked: Asked
    source_minor: int
    pay_minor: int
    fee_minor: int
    handed: bool = False  # to who asks the provider
    made: bool = False  # the provider has done it, whether we have heard so or not


@dataclass
class Story:
    """A shop, and the story's own account of what came in, what is whose, and what went out."""

    shop: Shop
    clock: Clock
    goods: Goods
    buyers: list[Customer]
    fee: Fee
    held: bool = False  # the product is looked at before it is sent
    asked: list[Asked] = field(default_factory=list)
    sold: dict[int, Sold] = field(default_factory=dict)
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

    async def goods_left(self, order_id: int | None, buyer: Customer, asked: Asked | None = None) -> int:
        """Codes that have just become somebody's: their price leaves the wallet."""
        if order_id is None or order_id in self.sold:
            return 0
        count = await self.shop.read(codes_of, order_id)
        if count:
            # Who pays reversibly is looked at; whether a balance is, depends on where it came from, which is told elsewhere.
            held = self.held if asked else order_id in (await self.shop.read(evidence)).held
            assert self.held or not held
            self.sold[order_id] = Sold(order_id, buyer, asked, count, held)
            self.accounts[self.wallet(buyer)] -= count * PRICE_MINOR
            self.moves("sales", count * PRICE_MINOR)
        return count

    def gives_up(self, order: Sold, count: int, part: int = 0) -> None:
        """So many codes of an order are refunded: `part` of their price is set aside for the source, the rest is in the wallet."""
        value = count * PRICE_MINOR
        order.refunded += count
        if not order.shown and not order.begun:
            order.shelved += count
        order.held = order.held and order.left > 0
        self.moves("sales", -value)
        self.moves("refunding", part)
        self.accounts[self.wallet(order.buyer)] += value - part
        if order.asked is not None:
            self.keeps(order.asked, value - part)

    def keeps(self, asked: Asked, most: int) -> None:
        """Of money that goes into a wallet for a payment, the shop keeps what it had lost by that payment."""
        for gone in asked.lost:
            part = min(most, gone.lost_minor, max(0, self.accounts[self.wallet(asked.buyer)]))
            gone.lost_minor -= part
            most -= part
            self.accounts[self.wallet(asked.buyer)] -= part
            self.moves("adjustment", part)

    def undoes(self, asked: Asked, came: Came, amount: int) -> None:
        """Before so much goes back: what was paid with it ends, or waits for the staff, as long as nobody has seen it."""
        order = self.sold.get(asked.intent.order_id or 0)
        if order is not None and order.left and came is asked.came[0]:
            if not order.shown:
                ours = sum(way.pay_minor for way in self.ways.values() if way.asked is asked and not way.made)
                if came.gone_minor + amount + ours + came.back_minor >= came.amount_minor:
                    self.gives_up(order, order.left)
                else:
                    order.held = True
            return
        worth = max(0, -(-came.worth_minor * (came.gone_minor + amount) // came.amount_minor) - came.gone_worth)
        worth = min(worth, amount) if asked.intent.currency == "CNY" else worth
        worth -= sum(way.source_minor for way in self.ways.values() if way.asked is asked and not way.made)
        for held in sorted(self.sold.values(), key=lambda one: -one.order_id):
            if held.held and held.buyer == asked.buyer and self.accounts[self.wallet(asked.buyer)] < worth:
                self.gives_up(held, held.left)

    def goes_back(self, asked: Asked, came: Came, amount: int, charged: int = 0) -> Gone:
        """So much of a payment went back past us: with what has gone before, its share of the worth, rounded up, leaves the wallet."""
        self.undoes(asked, came, amount)
        currency, before = asked.intent.currency, came.gone_minor
        worth = max(0, -(-came.worth_minor * (before + amount) // came.amount_minor) - came.gone_worth)
        fee = share(before + amount, came.fee_minor, came.amount_minor) - share(before, came.fee_minor, came.amount_minor)
        if currency == "CNY":
            worth = min(worth, amount)
            fee = amount - worth
        taken = max(0, min(worth, self.accounts[self.wallet(asked.buyer)]))
        self.accounts[self.wallet(asked.buyer)] -= taken
        self.moves("adjustment", taken - worth)  # The shop's loss.
        self.moves("gateway", amount + charged, currency, asked.intent.provider)
        self.moves("fees", -fee - charged, currency)
        if currency != "CNY":
            self.moves("exchange", fee - amount, currency)
            self.moves("exchange", worth)
        gone = Gone(amount, worth, fee, worth - taken)
        came.gone.append(gone)
        asked.lost.append(gone)
        return gone

    def comes_again(self, asked: Asked, gone: Gone, amount: int) -> None:
        """A bank gives again what it took: first what the shop had lost by it, then the payer's; what is over is a charge given again."""
        currency, part = asked.intent.currency, min(amount, gone.left_minor)
        after = gone.back_minor + part
        worth = share(after, gone.worth_minor, gone.amount_minor) - gone.worth_back_minor
        fee = share(after, gone.fee_minor, gone.amount_minor) - share(gone.back_minor, gone.fee_minor, gone.amount_minor)
        if currency == "CNY":
            fee = part - worth
        regained = min(worth, gone.lost_minor)
        gone.lost_minor -= regained
        gone.back_minor, gone.worth_back_minor = after, gone.worth_back_minor + worth
        self.accounts[self.wallet(asked.buyer)] += worth - regained
        self.moves("adjustment", regained)
        self.moves("gateway", -amount, currency, asked.intent.provider)
        self.moves("fees", fee + amount - part, currency)
        if currency != "CNY":
            self.moves("exchange", part - fee, currency)
            self.moves("exchange", -worth)

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
            reversible=True,
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
            reversible=True,
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
        assert booked.settled.issued == bool(await self.goods_left(asked.intent.order_id, asked.buyer, asked))

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
        booked = await self._book(asked, came.key, PaymentState.REFUNDED, came.amount_minor)
        if came.returned or not came.there_minor:
            assert booked.says == "repeated"
            return
        if came.there_minor < came.amount_minor and not came.worth_minor:
            return
        assert booked.says == "given-back"
        came.returned = True
        self.goes_back(asked, came, came.there_minor)  # All of it, or the rest.

    def _listed(self, which: int, place: int) -> tuple[Asked, Came] | None:
        """A payment of which its provider has still something to tell."""
        asked = self.asked[which % len(self.asked)] if self.asked else None
        if asked is None or not asked.came:
            return None
        came = asked.came[place % len(asked.came)]
        # What is worth less than the smallest coin is not followed after it was paid.
        return None if came.returned or not came.worth_minor else (asked, came)

    async def _console(self, which: int, place: int, amount: int) -> None:
        """Somebody gives a part of it back in the provider's own console."""
        if (found := self._listed(which, place)) is None:
            return
        asked, came = found
        amount = min(amount, came.there_minor)
        if amount <= 0 or came.in_dispute:
            return
        came.console.append(GivenBack(f"re-{came.key}-{len(came.console)}", amount, self.clock()))
        self.goes_back(asked, came, amount)
        assert await self._tells(asked, came) == "part-given-back"

    async def _disputed(self, which: int, place: int, how: str) -> None:
        """The payer's bank opens, takes, gives again, decides; in any order, as far as it can."""
        found = self._listed(which, place)
        if found is None or (found[1].dispute is not None and not found[1].in_dispute):
            return
        asked, came = found
        opened = came.dispute is None
        key = f"du-{came.key}"
        old = came.dispute or Dispute(key, DisputeState.OPEN, came.amount_minor, "fraudulent", self.clock())
        moved = list(old.movements)
        if how in ("taken", "lost") and came.taken is None and came.there_minor > 0:
            moved.append(Movement(f"{key}-taken", -came.there_minor, self.clock(), CHARGE_MINOR))
            came.taken = self.goes_back(asked, came, came.there_minor, CHARGE_MINOR)
        elif how in ("half", "won", "won-and-charge") and came.taken is not None and came.taken.left_minor:
            left = came.taken.left_minor
            amount = {"half": -(-left // 2), "won": left}.get(how, left + CHARGE_MINOR)
            moved.append(Movement(f"{key}-back-{len(moved)}", amount, self.clock()))
            self.comes_again(asked, came.taken, amount)
        state = {"won": DisputeState.WON, "won-and-charge": DisputeState.WON, "lost": DisputeState.LOST}.get(how, DisputeState.OPEN)
        came.dispute = replace(old, state=state, movements=tuple(moved))
        order = self.sold.get(asked.intent.order_id or 0)
        if opened and came.in_dispute and order is not None and order.left and not order.shown:
            order.held = True
        says = await self._tells(asked, came)
        assert (says == "repeated") == (not opened and came.dispute == old)

    async def _heard_again(self, which: int, place: int) -> None:
        if (found := self._listed(which, place)) is not None:
            assert await self._tells(*found) == "repeated"

    async def _tells(self, asked: Asked, came: Came) -> str:
        """The provider lists all that has become of a payment."""
        booked = await self._book(
            asked,
            came.key,
            PaymentState.PAID,
            came.amount_minor,
            given_back=tuple(came.console),
            disputes=() if came.dispute is None else (came.dispute,),
        )
        return booked.says

    async def _sent(self, dies: bool) -> None:
        """A courier takes all that is to be sent in hand, and hands it over unless it dies before."""
        for message in await self.write(outbox.lease, worker="courier", most=500, seconds=60):
            if message.topic is not outbox.Topic.DELIVERY:
                continue
            order = self.sold[message.order_id]
            order.begun = True
            if dies:
                continue
            parcel = await self.write(
                orders.hand_over, order_id=order.order_id, cause=RevealCause.SENT, to_telegram_id=await chat_of(self.shop, order.order_id)
            )
            assert isinstance(parcel, Parcel) == (order.left > 0 and not order.held), "what is held or refunded is not handed over"
            if parcel is not None:
                assert sum(len(line.secrets) for line in parcel.lines) == order.left
                order.shown = True
            await self.write(outbox.done, message_id=message.id, worker="courier", sent_message_id=1)

    async def _review(self, which: int, how: str) -> None:
        """The staff decide about an order that is held: it is sent, or its money goes back."""
        if not self.sold:
            return
        order = list(self.sold.values())[which % len(self.sold)]
        if how == "release":
            done = await self.write(orders.release, order_id=order.order_id, by="test")
            assert done.decided == order.held
            order.held = False
            return
        done = await self.write(orders.refund_held, order_id=order.order_id, by="test", to_source=how == "to-source", whole_only=False)
        assert done.decided == order.held
        if done.refund is not None:
            in_dispute = any(came.in_dispute for asked in self.asked for came in asked.came if asked.buyer == order.buyer)
            self.books_refund(order, order.left, done.refund, to_source=how == "to-source" and not in_dispute, or_wallet=True)

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
        if not self.sold:
            return
        order = list(self.sold.values())[which % len(self.sold)]
        codes = [code.code_id for code in await self.shop.read(orders.codes_sold, order.order_id) if not code.refunded]
        made = await self.write(
            orders.refund_codes,
            order_id=order.order_id,
            code_ids=None if whole else codes[:1],
            reason="story",
            by="test",
            once=f"story-refund:{next(numbers)}",
            to=RefundTo.SOURCE if to_source else RefundTo.WALLET,
        )
        self.books_refund(order, order.left if whole else 1, made, to_source=to_source)

    def books_refund(self, order: Sold, count: int, made: orders.Refunded, *, to_source: bool, or_wallet: bool = False) -> None:
        """A refund that the shop makes; to the source goes what is left there, in shares of what was paid that sum up to all of it."""
        value, part = count * PRICE_MINOR, 0
        if to_source and order.asked is not None:
            first = order.asked.came[0]
            done = min(first.worth_minor, first.sent_minor + first.gone_worth)
            part = min(value, first.worth_minor - done)
            net = first.amount_minor - first.fee_minor
            fee = share(done + part, first.fee_minor, first.worth_minor) - share(done, first.fee_minor, first.worth_minor)
            pay = share(done + part, net, first.worth_minor) - share(done, net, first.worth_minor) + fee
            over = max(0, pay - (first.amount_minor - first.asked_minor - first.gone_minor))
            fee, pay = max(0, fee - over), pay - over
            if part and pay:
                first.sent_minor += part
                first.asked_minor += pay
                self.ways[made.refund_id] = Way(order.asked, part, pay, fee)
            else:
                part = 0
        assert part or or_wallet or not to_source, "what cannot go back is refused"
        assert (made.amount_minor, made.source_minor) == (value, part)
        self.gives_up(order, count, part)

    async def _answer(self, says: str) -> None:
        """Refunds are handed to the provider: it says yes or no, or nothing is heard of it – though it may have been done."""
        for due in await self.write(orders.refunds_due, most=10, seconds=30):
            way = self.ways[due.refund_id]
            first, intent = way.asked.came[0], way.asked.intent
            way.handed = True
            assert (due.asked.amount_minor, due.asked.event_key) == (way.pay_minor, first.key)
            if not way.made and (says == "no" or first.returned or first.there_minor < way.pay_minor):
                del self.ways[due.refund_id]
                await self.write(orders.refund_declined, refund_id=due.refund_id, why="the provider says no")
                first.sent_minor -= way.source_minor
                first.asked_minor -= way.pay_minor
                self.moves("refunding", -way.source_minor)
                self.accounts[self.wallet(way.asked.buyer)] += way.source_minor
                self.keeps(way.asked, way.source_minor)
                continue
            if says == "nothing" and not way.made:
                continue
            if not way.made:
                way.made = True
                first.back_minor += way.pay_minor
                first.console.append(GivenBack(f"re-{first.key}-{len(first.console)}", way.pay_minor, self.clock(), due.asked.once))
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
        assert await self.goods_left(receipt.order_id, who) == quantity

    async def _later(self, seconds: int) -> None:
        self.clock.passes(seconds=seconds)

    async def _jobs(self) -> None:
        await self.write(orders.release_lapsed_holds)
        await self.write(orders.expire)
        await self.write(payments.expire_deposits, most=100)

    async def _book(self, asked: Asked, key: str, state: PaymentState, amount: int, **lists: Any) -> orders.Booked:
        event = Event(key, asked.intent.reference, state, amount, asked.intent.currency, self.clock(), **lists)
        try:
            booked: orders.Booked = await self.write(
                orders.book, storefront_id=self.goods.storefront.id, provider=asked.intent.provider, event=event
            )
        except Refusal as refusal:
            raise AssertionError(f"what a provider tells is never refused: {refusal!r}") from refusal
        return booked

    # What must be true at every end.

    async def ends(self) -> Counter[str]:
        """Nothing waits for ever, the money and the codes are where the story says, and every payment has ended in one way."""
        await self._later(4000)
        await self._jobs()
        await self._sent(dies=False)
        await assert_sound(self.shop)
        for asked in self.asked:
            intent = await self.shop.read(payments.intent, asked.intent.id)
            assert intent is not None
            assert (intent.state in (IntentState.PAID, IntentState.REFUNDED)) == bool(asked.came)
            assert intent.state not in (IntentState.CREATED, IntentState.PENDING), "nothing waits for ever"
            if intent.order_id is not None:
                detail = await self.shop.read(orders.detail, order_id=intent.order_id)
                assert detail is not None and detail.card.state is not OrderState.PENDING
            if asked.came and (first := asked.came[0]).worth_minor:
                # Only then is nothing more given for it: a second payment that goes back is no reason.
                by_itself = sum(one.left_minor for one in first.gone if one is not first.taken)
                over = first.returned or by_itself == first.amount_minor
                assert intent.state is IntentState.REFUNDED or by_itself < first.amount_minor
                assert over or intent.state is IntentState.PAID
            steps = await self.shop.read(payments.steps, asked.intent.id)
            assert steps and steps[0].cause == "asked", "every change has its cause"
        await self._money_is_where_the_story_says()
        return await self._each_payment_ended_in_one_way()

    async def _money_is_where_the_story_says(self) -> None:
        """Money in = codes out + balances + money on its way + fees and exchange, account by account, to the minor unit."""
        found = await self.shop.read(posted)
        differ = {
            key: (found.get(key, 0), self.accounts[key]) for key in {*found, *self.accounts} if found.get(key, 0) != self.accounts[key]
        }
        assert not differ, f"by the postings, and by the story: {differ}"
        for currency in {key[2] for key in found}:
            assert sum(amount for key, amount in found.items() if key[2] == currency) == 0
        assert self.accounts[("refunding", "", "CNY")] == sum(way.source_minor for way in self.ways.values())
        # The goods themselves: sold, and not refunded; what nobody had seen is for sale again.
        for order_id, order in self.sold.items():
            assert await self.shop.read(codes_of, order_id) == order.left
        seen = await self.shop.read(evidence)
        assert seen.sold == set(self.sold)
        assert seen.on_shelf == CODES - sum(order.count - order.shelved for order in self.sold.values())
        assert seen.held == {order_id for order_id, order in self.sold.items() if order.held}
        assert seen.shown == {order_id for order_id, order in self.sold.items() if order.shown}

    async def _each_payment_ended_in_one_way(self) -> Counter[str]:
        """Each told by evidence of its own, so that none could be two of them, or nothing; and as the story has it."""
        seen = await self.shop.read(evidence)
        ends: Counter[str] = Counter()
        for asked in self.asked:
            for place, came in enumerate(asked.came):
                order_id = asked.intent.order_id or 0
                bought = place == 0 and order_id in seen.sold
                theirs = await self.shop.read(codes_of, order_id) if bought else 0
                by_provider = seen.given_back[came.key] == came.amount_minor
                all_back = seen.given_back[came.key] + seen.asked_back[came.key] == came.amount_minor
                held, shown = order_id in seen.held, order_id in seen.shown
                is_now = {
                    "delivered": theirs > 0 and shown and not held and not all_back,
                    "held": theirs > 0 and held,
                    "lost": theirs > 0 and shown and not held and all_back,  # seen, and paid with nothing any more
                    "refunded": bought and theirs == 0 and not by_provider,
                    "given-back": theirs == 0 and by_provider,
                    "credited": not bought and not by_provider,
                }
                end = next((name for name, so in is_now.items() if so), None)
                assert end is not None and sum(is_now.values()) == 1, f"{came} ended in {is_now}"
                assert end == self.end_of(asked, came), f"{came} ended in {end}"
                ends[end] += 1
        assert ends.total() == sum(len(asked.came) for asked in self.asked)
        return ends

    def end_of(self, asked: Asked, came: Came) -> str:
        """In what a payment has ended, as the story has it."""
        order = self.sold.get(asked.intent.order_id or 0) if came is asked.came[0] else None
        gone = came.gone_minor == came.amount_minor
        if order is None or not order.left:
            return "given-back" if gone else "credited" if order is None else "refunded"
        if order.held:
            return "held"
        booked = came.back_minor - sum(way.pay_minor for way in self.ways.values() if way.asked is asked and way.made)
        return "lost" if gone or came.gone_minor + booked == came.amount_minor else "delivered"


def _fee(amount_minor: int, fee: Fee) -> int:
    """So many hundredths of a per cent, half a unit rounded up, and so much each time."""
    whole = Fraction(amount_minor * fee.basis_points, 10_000) + Fraction(1, 2)
    return whole.numerator // whole.denominator + fee.fixed_minor


def _kept(asked: Asked, amount_minor: int) -> int:
    """What the provider keeps of so much: the part that falls to it of what it keeps of the whole, and no more than that."""
    whole = asked.intent.amount_minor
    most = min(whole, _fee(whole, asked.fee))
    return min(most, share(amount_minor, most, whole))


async def play(shop: Shop, clock: Clock, fee: Fee, steps: list[tuple[Any, ...]], *, held: bool = False) -> Counter[str]:
    """Tell a story to a new shop, whose product is `held` for review or not; returns in what its payments ended."""
    storefront = await shop.write(storefronts.open_storefront, name="Story", currency="CNY", language="en")
    await shop.write(rates.set_rate, base="USD", quote="CNY", rate=USD_RATE, source="test")
    goods = await put_on_sale(shop, storefront, price_minor=PRICE_MINOR, count=0)
    await stock(shop, goods.offer_id, goods.sku_id, CODES)
    if held:
        await shop.write(catalog.change_product, goods.product_id, held=True)
        goods.rules_version += 1
    buyers = [await person(shop, storefront, money_minor=SEED_MINOR) for _ in range(3)]
    story = Story(shop, clock, goods, buyers, fee, held)
    for buyer in buyers:
        story.accounts[story.wallet(buyer)] += SEED_MINOR
        story.moves("adjustment", -SEED_MINOR)
    for step in steps:
        await story.do(step)
    return await story.ends()
