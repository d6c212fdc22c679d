"""The shop that supplies in the crash stories: it stops at any point of an order, misbehaves, and its list is held against ours."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from aiohttp import web
from sqlalchemy import text
from sqlalchemy.orm import Session

from bot.procuring import Procurer
from connectors.suppliers import upstream as open_upstream
from core import catalog, integration, inventory, pricing
from core.database import Shop, read
from core.storefronts import Storefront
from sandbox import Sandbox
from sandbox.gateways import OwnShopUpstream, Pace
from tests.crash.scene import SPEC, Buyer, codes_in, order_of

KEY, SECRET = "sk_crash_stories_of_procuring", "secret-of-the-crash-stories-of-procuring"
ITEM = "test-000050"  # Its codes look like those of the other crash stories.
PRICE_MINOR, COST = 1000, "8.50"
STOCK = 600
FUNDS = Decimal("10000.00")
ANSWER_SECONDS = 1.5  # So long the shop of this story waits for an answer,
STALL_SECONDS = 2.5  # and so long one takes that comes too late.
FAULTS: Sequence[tuple[str, Any]] = (
    ("stall_after_work_seconds", STALL_SECONDS),
    ("slow_seconds", 0.4),
    ("errors_500", 1),
    ("nonsense", True),
    ("says_repeated", True),
    ("partial", True),
    ("no_callback", True),
    ("callback_twice", True),
)
# Where a call can be held: before anything is done, when all is done and nothing was answered, when it is asked what became of an
# order; or its answer is let through.
BEFORE, AFTER, ASKED, ANSWERED = "before", "after", "asked", "answered"


class Wholesaler(OwnShopUpstream):
    """Serves our own protocol, and stops where it is told to."""

    def __init__(self) -> None:
        super().__init__(KEY, SECRET, balance=str(FUNDS), pace=Pace(repeat_after_seconds=(0.1, 0.3, 0.7), answer_seconds=2, hold_seconds=1))
        self.sells(ITEM, "Steam 50 CNY", COST, stock=STOCK)
        self.under_way = 0  # calls about orders that came and were not answered yet
        self.came: Counter[str] = Counter()  # how often each number was ordered
        self._point, self._reached, self._goes_on = "", asyncio.Event(), asyncio.Event()

    def hold(self, point: str) -> tuple[asyncio.Event, asyncio.Event]:
        """The next call that comes to this point sets the first event, and waits for the second."""
        self._point, self._reached, self._goes_on = point, asyncio.Event(), asyncio.Event()
        if point == ASKED:
            self.faults.clear()
            self.faults.next_call_only = True
        if point == ANSWERED:
            self._goes_on.set()
        return self._reached, self._goes_on

    async def is_idle(self) -> bool:
        """Nobody has a call about an order under way."""
        return not self.under_way

    async def _at(self, *points: str) -> None:
        if self._point in points:
            self._point = ""
            self._reached.set()
            await self._goes_on.wait()

    async def _order(self, request: web.Request) -> web.StreamResponse:
        self.under_way += 1
        try:
            self.came[str((await request.json()).get("number"))] += 1
            await self._at(BEFORE)
            answer = await super()._order(request)
            await self._at(AFTER, ANSWERED)
            return answer
        finally:
            self.under_way -= 1

    async def _find(self, request: web.Request) -> web.StreamResponse:
        self.under_way += 1
        try:
            await self._at(ASKED)
            return await super()._find(request)
        finally:
            self.under_way -= 1

    async def misbehaves(self, chance: random.Random, closing: asyncio.Event) -> None:
        """Now this, now that goes wrong once, until the shop is about to close."""
        self.faults.next_call_only = True
        while not closing.is_set():
            # Who waits for a question hears it: a fault would answer it on the way, and the next comes only minutes later.
            if not self.faults.on and self._point != ASKED:
                name, value = chance.choice(FAULTS)
                setattr(self.faults, name, value)
            await asyncio.sleep(chance.uniform(0.1, 0.6))
        self.faults.clear()


async def linked(shop: Shop, storefront: Storefront, wholesaler: Wholesaler) -> str:
    """Everything that it sells is on sale here; the slug of the denomination."""
    procurer, by = Procurer(shop, open_upstream), "test"
    of = await shop.write(
        integration.add_upstream,
        storefront=storefront,
        protocol="own-shop",
        name="The wholesaler",
        settings={"url": wholesaler.url, "key": KEY, "secret": SECRET},
        by=by,
    )
    await procurer.work_off()
    await procurer.close()
    (item,) = await shop.read(integration.items_of, upstream_id=of.id, page=0, size=10)
    sku_id = await shop.write(
        integration.import_item,
        item_id=item.id,
        category_id=None,
        category_name=item.category,
        search="steam",
        storefront=storefront,
        by=by,
    )
    await shop.write(pricing.set_price, storefront_id=storefront.id, sku_id=sku_id, retail_minor=PRICE_MINOR, currency=storefront.currency)
    sku = await shop.read(catalog.sku, sku_id)
    assert sku is not None
    return sku.slug


# The shop's own list


@dataclass(frozen=True)
class Ours:
    """Something that was sold and was to be bought there."""

    order_id: int
    buyer_id: int
    number: str
    state: str
    quantity: int
    got: int
    source_ref: str | None


@dataclass(frozen=True)
class Under:
    """Tasks that are not over: those that somebody has or will take now, and those that are left alone for a while."""

    due: int
    later: int


@read
def under_way(session: Session, at: datetime) -> Under:
    """How much is still to come at this instant."""
    question = text("SELECT lease, next_at FROM tasks WHERE ended_at IS NULL")
    instant = int(at.timestamp() * 1_000_000)
    open_ones = session.execute(question).all()
    later = sum(lease is None and next_at > instant for lease, next_at in open_ones)
    return Under(len(open_ones) - later, later)


@read
def resting(session: Session, at: datetime) -> float:
    """For how many seconds nothing of theirs is for sale: what failed too often hides itself for two hours. Nought when it is."""
    until = session.scalar(text("SELECT max(until) FROM offer_stops WHERE lifted_at IS NULL"))
    return max(0.0, (int(until or 0) - int(at.timestamp() * 1_000_000)) / 1_000_000)


@read
def ours(session: Session) -> list[Ours]:
    """All of them, past the core's own questions."""
    rows = session.execute(
        text(
            "SELECT t.order_id, o.buyer_id, t.number, t.state, t.quantity, t.got, t.source_ref"
            " FROM tasks t JOIN orders o ON o.id = t.order_id ORDER BY t.id"
        )
    )
    return [Ours(*row) for row in rows]


@read
def balances(session: Session) -> dict[int, int]:
    """What each customer has in the wallet."""
    rows = session.execute(text("SELECT c.id, a.balance_minor FROM customers c JOIN accounts a ON a.id = c.wallet_id"))
    return dict(rows.all())


@dataclass(frozen=True)
class Ends:
    """What the comparison counted; everything that must never be is an assertion in it."""

    orders: int
    units: int
    given_back: int  # units that were paid and did not come
    ordered_again: int  # numbers that were ordered there more than once
    repeated: int  # deliveries that came more than once, to the same buyer with the same words


async def compare_lists(shop: Shop, wholesaler: Wholesaler, telegram: Sandbox, buyers: Sequence[Buyer], *, money_minor: int) -> Ends:
    """Hold the wholesaler's list, the shop's and the chats against each other, each way."""
    tasks = await shop.read(ours)
    by_number = {task.number: task for task in tasks}
    by_order = {task.order_id: task for task in tasks}
    assert len(by_number) == len(by_order) == len(tasks), "one source: one task for each order"

    # The wholesaler's own list: each of our numbers once, nobody else's, and paid once.
    times = Counter(bought.number for bought in wholesaler.orders)
    assert not {number: count for number, count in times.items() if count > 1}, "a number is there twice"
    assert set(times) <= set(by_number), "something was bought that nobody sold"
    assert max(wholesaler.handed_out.values()) == 1 and set(wholesaler.handed_out) == set(times), "goods were given twice for one number"
    assert wholesaler.balance == FUNDS - sum((bought.amount for bought in wholesaler.orders), Decimal(0))
    assert all(bought.quantity == by_number[bought.number].quantity for bought in wholesaler.orders), "more was bought than was sold"
    left = set(wholesaler.wares[ITEM].codes)
    assert len(left) + sum(len(bought.codes) for bought in wholesaler.orders) == STOCK

    # What came is what it gave: no unit is lost on the way, and nothing else was paid for.
    codes_of: dict[int, set[str]] = {}
    for task in tasks:
        given = wholesaler.order(task.number).codes if task.number in times else []
        assert task.state == ("done" if given else "failed"), task
        assert task.got == len(given) and (not given or task.source_ref == wholesaler.order(task.number).ref), task
        kept = [secret.card_pwd or secret.card_no or "" for _, secret in await shop.read(inventory.opened, task.order_id)]
        assert sorted(kept) == sorted(given), task
        codes_of[task.order_id] = set(given)
    stand = await shop.read(balances)
    for buyer in buyers:
        got = sum(task.got for task in tasks if task.buyer_id == buyer.customer.id)
        assert stand[buyer.customer.id] == money_minor - PRICE_MINOR * got, "every unit is in the buyer's hands, or its money is"

    # The chats: each order's codes in its buyer's, whole, and in no other.
    came: Counter[int] = Counter()
    for (phone, peer), chat in telegram.world.chats.items():
        assert peer == SPEC.username
        (holder,) = (buyer for buyer in buyers if buyer.phone.phone_id == phone)
        texts: dict[int, str] = {}
        for kept_message in chat.messages.values():
            shown = codes_in(kept_message.message)
            if not shown:
                continue
            order = order_of(kept_message.message)
            assert by_order[order].buyer_id == holder.customer.id, f"codes of order {order} are in the chat of {phone}"
            assert len(shown) == len(set(shown)) and set(shown) == codes_of[order], f"order {order} came with other codes than it has"
            assert texts.setdefault(order, kept_message.message["text"]) == kept_message.message["text"], "a repetition says the same"
            came[order] += 1
        assert all(by_order[order].buyer_id == holder.customer.id for order in holder.paid), (
            "a screen said Paid, and there is no such order"
        )
    assert set(came) == {order for order, codes in codes_of.items() if codes}, "what came is in its buyer's chat"
    return Ends(
        orders=len(tasks),
        units=sum(task.got for task in tasks),
        given_back=sum(task.quantity - task.got for task in tasks),
        ordered_again=sum(count > 1 for count in wholesaler.came.values()),
        repeated=sum(came.values()) - len(came),
    )
