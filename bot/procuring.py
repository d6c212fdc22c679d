"""Procuring: what was sold and lies with an upstream is ordered there, once, and asked after until it is known what became of it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from bot.logs import REDACTION
from connectors.settings import SetUpWrong
from core import fulfilment, integration, orders, supply
from core.database import Shop
from core.fulfilment import TaskView
from core.integration import Due, Errand, ErrandView, ItemView, Place, UpstreamView
from core.inventory import Secret
from core.ports import (
    AccountChecked,
    Callback,
    Declined,
    NotGenuine,
    NotSure,
    Prepaid,
    TellsChanges,
    UpstreamAsk,
    UpstreamOrder,
    UpstreamShop,
    UpstreamState,
)

log = structlog.get_logger()

Opens = Callable[[str, Mapping[str, str]], UpstreamShop]
"""Opens a connection by a protocol's name and its settings; raises SetUpWrong. `connectors.suppliers.upstream`."""

AT_ONCE = 4  # orders at one upstream
ERRANDS_AT_ONCE = 4
CALL_SECONDS = 40.0  # the slowest protocol delivers while we wait, up to half a minute
LEASE_SECONDS = 180.0
STOP_SECONDS = 2.0
MOST_PAGES = 1000
LOOK_BACK = timedelta(days=3)
LOOKED_AT_ONCE = 20
TRIES_BEFORE_ASKING = 3  # to be told a price, before another source is asked
TRIES_BEFORE_A_PERSON_LOOKS = 8
_REST_SECONDS = 1.0
_AGAIN_SECONDS = (5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
_BY_HAND_SECONDS = 3600.0
_SECRET = frozenset({"key", "secret", "app_key"})  # what no log may hold

assert LEASE_SECONDS > 4 * CALL_SECONDS, "what is taken is not taken again while its upstream is asked"


@dataclass(slots=True)
class _Line:
    """One upstream: its open connection, and the calls to it that are under way. One that hangs holds up no other."""

    shop: UpstreamShop
    version: int
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    errands: set[asyncio.Task[None]] = field(default_factory=set)
    upkeep: set[asyncio.Task[None]] = field(default_factory=set)


class Procurer:
    """Works off the lanes of upstreams. Several processes may: a task is leased, and that it is asked is committed before it is.

    `told` draws the screen of an errand again; it is given what came of it.
    """

    def __init__(
        self,
        shop: Shop,
        opens: Opens,
        *,
        public_url: str = "",
        told: Callable[[ErrandView, UpstreamView], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        self._shop, self._opens, self._public_url, self._told = shop, opens, public_url.rstrip("/"), told
        self._lines: dict[int, _Line] = {}
        self._closed = False
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something is due now."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; what is under way then has two seconds more, and is asked about later."""
        stopped = asyncio.create_task(stop.wait())
        self._closed = False
        try:
            while not stop.is_set():
                self._woken.clear()
                if await self.begin():
                    continue
                woken = asyncio.create_task(self._woken.wait())
                await asyncio.wait({woken, stopped}, timeout=_REST_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
        finally:
            stopped.cancel()
            await self.close()

    async def close(self) -> None:
        """End what is under way and close the connections; who still asks for one is told that there is none."""
        self._closed = True
        under_way = self._under_way()
        if under_way:
            _, late = await asyncio.wait(under_way, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for line in self._lines.values():
            await line.shop.close()
        self._lines.clear()

    async def settled(self) -> None:
        """Wait until nothing is under way: for tests, and for whoever ends the process."""
        while under_way := self._under_way():
            await asyncio.gather(*under_way, return_exceptions=True)

    async def work_off(self) -> None:
        """Take what is due until there is nothing: for tests and the command line."""
        while await self.begin():
            await self.settled()

    async def check_account(self, sku_id: int, fields: Mapping[str, str]) -> AccountChecked | None:
        """Whether an account can be topped up, asked of the upstream of the lane in `fields`; None when it cannot say. Raises NotSure."""
        lane = fields.get("lane", "").partition(":")[2]
        offers = await self._shop.read(supply.ranked, [sku_id])
        offer = next((one for one in offers if lane == str(one.upstream_id)), None)
        item = None if offer is None else await self._shop.read(integration.item_of_offer, offer.id)
        if offer is None or offer.upstream_id is None or item is None:
            return None
        of = await self._shop.read(integration.upstream, offer.upstream_id)
        line = await self._line(of)
        if line is None or not line.shop.can.validates:
            return None
        told = integration.as_they_call_it({name: said for name, said in fields.items() if name != "lane"}, item.fields)
        async with self._asked(of, told):
            return await line.shop.check_account(item.key, told)

    def _under_way(self) -> list[asyncio.Task[None]]:
        return [task for line in self._lines.values() for task in (*line.tasks, *line.errands, *line.upkeep)]

    async def begin(self) -> bool:
        """Take what is due, as much as each upstream has room for; whether there was anything."""
        known = {each.id: each for each in await self._shop.read(integration.upstreams) if each.place is not Place.DRAFT}
        known = {upstream_id: of for upstream_id, of in known.items() if not self._changing(of)}
        waits = await self._shop.read(integration.anything_due)
        began = bool(waits.errands and known) and await self._begin_errands(known)
        due = {int(lane[9:]) for lane in await self._shop.read(fulfilment.lanes) if lane.startswith("upstream:") and lane[9:].isdecimal()}
        for upstream_id in sorted(due & set(known)):
            began = await self._begin_tasks(known[upstream_id]) or began
        if not waits.upkeep:
            return began
        for each in await self._shop.write(integration.take_due_upkeep):
            began = await self._begin_upkeep(each) or began
        return began

    def _changing(self, of: UpstreamView) -> bool:
        """Its settings are others, and calls with the old ones are under way: those are finished first."""
        line = self._lines.get(of.id)
        return line is not None and line.version != of.settings_version and self._busy(line)

    async def _begin_tasks(self, of: UpstreamView) -> bool:
        now = self._shop.tools.clock()
        room = AT_ONCE
        if of.open_until is not None:
            if of.open_until > now:
                return False  # It rests. What was asked of it is asked about afterwards: unknown stays unknown.
            room = 1  # One call decides whether it works again.
        line = await self._line(of)
        if line is None or len(line.tasks) >= room:
            return False
        tasks = await self._shop.write(fulfilment.take_due, lane=of.lane, most=room - len(line.tasks), lease_seconds=LEASE_SECONDS)
        for task in tasks:
            self._start(line.tasks, partial(self._procure, line.shop, of, task), task=task.id)
        return bool(tasks)

    async def _begin_errands(self, known: Mapping[int, UpstreamView]) -> bool:
        errands = await self._shop.write(integration.take_errands, upstream_ids=sorted(known), most=ERRANDS_AT_ONCE)
        for each in errands:
            of = known[each.upstream_id]
            line = await self._line(of)
            among = line.errands if line is not None else set[asyncio.Task[None]]()
            self._start(among, partial(self._run_errand, None if line is None else line.shop, of, each), errand=each.id)
            if line is None:
                await asyncio.gather(*among)
        return bool(errands)

    async def _begin_upkeep(self, due: Due) -> bool:
        line = await self._line(due.upstream)
        if line is None or line.upkeep:
            return False
        self._start(line.upkeep, partial(self._keep_up, line.shop, due), upstream=due.upstream.id)
        return True

    def _start(self, among: set[asyncio.Task[None]], work: Callable[[], Awaitable[None]], **about: int) -> None:
        async def safely() -> None:
            try:
                await work()  # Made when it begins: one that is cut off before has left nothing behind.
            except Exception as trouble:
                # A mistake of ours with one upstream, or in one errand, stops no other, and loses nothing:
                # what was leased comes again when its lease is over; what was asked is asked about, and never ordered anew.
                log.exception("procuring-failed", error=type(trouble).__name__, **about)

        task = asyncio.create_task(safely())
        among.add(task)

        def over(done: asyncio.Task[None]) -> None:
            among.discard(done)
            self.wake()

        task.add_done_callback(over)

    async def _line(self, of: UpstreamView) -> _Line | None:
        """The open connection to it, opened anew when its settings are others; None when they are wrong, or all is being closed."""
        line = self._lines.get(of.id)
        if line is not None and line.version == of.settings_version:
            return line
        if line is not None:
            if self._busy(line):
                return None
            del self._lines[of.id]
            await line.shop.close()
        settings = await self._shop.read(integration.settings_of, of.id)
        # A callback and a turn may have asked at the same moment: the second would open another, and nobody would close the first.
        opened = self._lines.get(of.id)
        if opened is not None:
            return opened if opened.version == of.settings_version else None
        if self._closed:
            return None
        for secret in (of.word, *(value for name, value in settings.items() if name in _SECRET)):
            REDACTION.hide(secret)
        try:
            made = self._opens(of.protocol, settings)
        except SetUpWrong as wrong:
            await self._shop.write(integration.refused, upstream_id=of.id, why=str(wrong))
            return None
        self._lines[of.id] = line = _Line(made, of.settings_version)
        return line

    @staticmethod
    def _busy(line: _Line) -> bool:
        return bool(line.tasks or line.errands or line.upkeep)

    # The calls, and what they say of the upstream's health

    @contextlib.asynccontextmanager
    async def _asked(self, of: UpstreamView, told: Mapping[str, str] | None = None) -> AsyncIterator[None]:
        """A call to an upstream: waited for so long; how it went is counted. Raises NotSure for a time-out too.

        `told` is what the upstream was told of the buyer: its refusals come out without it.
        """
        try:
            async with asyncio.timeout(CALL_SECONDS):
                yield
        except TimeoutError:
            await self._shop.write(integration.failed, upstream_id=of.id, why="no answer in time")
            raise NotSure("no answer in time") from None
        except NotSure as trouble:
            why = _without(str(trouble), told or {})
            await self._shop.write(integration.failed, upstream_id=of.id, why=why)
            raise NotSure(why) from None
        except Declined as refusal:
            # A no is an answer.
            await self._worked(of)
            raise Declined(_without(str(refusal), told or {})) from None
        await self._worked(of)

    async def _worked(self, of: UpstreamView) -> None:
        fresh = await self._shop.read(integration.upstream, of.id)
        if fresh.failures or fresh.open_until is not None:
            await self._shop.write(integration.worked, upstream_id=of.id)

    # One task

    async def _procure(self, shop: UpstreamShop, of: UpstreamView, task: TaskView) -> None:
        """One step of one task: order it, or ask what became of it."""
        log.info("procuring", task=task.id, upstream=of.id, tries=task.tries, asked=task.asked_at is not None)
        if task.asked_at is None:
            await self._order_first(shop, of, task)
        else:
            await self._resolve(shop, of, task)

    async def _order_first(self, shop: UpstreamShop, of: UpstreamView, task: TaskView) -> None:
        """Nobody was asked yet: until `asking` is committed, nothing can have been bought."""
        item = await self._shop.read(integration.item_of_offer, task.offer_id)
        if item is None or of.place is not Place.OPEN:
            await self._failed(task, "no upstream sells this any more")
            return
        if await self._shop.read(supply.forbidden, [task.offer_id]):
            await self._failed(task, "its offer must not be sold")
            return
        try:
            why_not = await self._price_refused(shop, of, task, item)
        except NotSure as trouble:
            if task.tries >= TRIES_BEFORE_ASKING:
                await self._failed(task, f"its price could not be asked: {trouble}")
            else:
                await self._shop.write(
                    fulfilment.wait,
                    task_id=task.id,
                    lease=_lease(task),
                    cause=f"not asked yet: {trouble}"[:300],
                    again_seconds=_again(task),
                )
            return
        except Declined as refusal:
            await self._failed(task, str(refusal))
            return
        if why_not:
            await self._failed(task, why_not)
            return
        if not await self._shop.write(fulfilment.asking, task_id=task.id, lease=_lease(task)):
            return  # Somebody else has it, it is over, or must not be sold since a moment ago.
        try:
            async with self._asked(of, task.fields):
                order = await shop.order(self._ask(of, task, item))
        except Declined as refusal:
            await self._shop.write(integration.ask_balance_soon, upstream_id=of.id)
            await self._failed(task, str(refusal))
            return
        except NotSure as trouble:
            await self._not_sure(of, task, str(trouble))
            return
        await self._take(of, task, order)

    async def _price_refused(self, shop: UpstreamShop, of: UpstreamView, task: TaskView, item: ItemView) -> str:
        """The loss guard: what it costs there now is asked before anything is ordered; a reason not to, or nothing."""
        asked_at = self._shop.tools.clock()
        async with self._asked(of, task.fields):
            told = await shop.item(item.key)
        await self._shop.write(integration.price_seen, upstream_id=of.id, told=told, key=item.key, asked_at=asked_at)
        if told is None or not told.active:
            return "it is sold no more"
        if told.currency != task.cost_currency:
            return f"its price is in {told.currency} now"
        if task.most_cost_minor is not None and told.price_minor > task.most_cost_minor:
            return f"it costs {told.price_minor} now, which is more than {task.most_cost_minor}"
        if told.stock is not None and told.stock < 1:
            return "it is sold out there"
        return ""

    def _ask(self, of: UpstreamView, task: TaskView, item: ItemView) -> UpstreamAsk:
        return UpstreamAsk(
            number=task.number,
            key=item.key,
            quantity=task.quantity,
            most_minor=item.price_minor if task.most_cost_minor is None else task.most_cost_minor,
            currency=task.cost_currency,
            fields=integration.as_they_call_it(task.fields, item.fields),
            callback_url=f"{self._public_url}/supply/{of.word}" if self._public_url else None,
        )

    async def _resolve(self, shop: UpstreamShop, of: UpstreamView, task: TaskView) -> None:
        """It was asked for, and may have been bought: found by its number, or ordered again where the same number is the same order."""
        can = shop.can
        try:
            if can.finds_by_number or task.source_ref is not None:
                async with self._asked(of, task.fields):
                    found = await shop.find(task.number, task.source_ref)
                if found is not None:
                    await self._take(of, task, found)
                    return
                if task.source_ref is not None:
                    # It has given this order a number of its own: that it does not know it now is no answer.
                    await self._not_sure(of, task, "an order that it had taken is not known there")
                    return
            await self._not_found(shop, of, task)
        except (NotSure, Declined) as trouble:
            # A no to a question is no answer to it either.
            await self._not_sure(of, task, str(trouble))

    async def _not_found(self, shop: UpstreamShop, of: UpstreamView, task: TaskView) -> None:
        """It knows nothing of this number, or cannot say. That is final only when so much time has passed, and it can be found at all."""
        can = shop.can
        assert task.asked_at is not None, "what was never asked for is ordered"
        at, final_after = self._shop.tools.clock(), timedelta(seconds=can.final_after_seconds)
        # What was ordered last may still be on its way, however long ago the first order was.
        if can.finds_by_number and at - (task.ordered_at or task.asked_at) >= final_after:
            await self._failed(task, f"its upstream does not know it {can.final_after_seconds} seconds later")
            return
        item = await self._shop.read(integration.item_of_offer, task.offer_id)
        # What can be found is not ordered again for ever: else there would never be a last order that is old enough.
        tried_enough = can.finds_by_number and at - task.asked_at >= final_after
        if not can.repeats or tried_enough or item is None or of.place is not Place.OPEN:
            await self._not_sure(of, task, "it is not known there (yet)" if can.finds_by_number else "it cannot be found by our number")
            return
        # The same number is the same order there, so this cannot buy twice. The lease is asked for again: this call may be slow too.
        forbidden = await self._shop.read(supply.forbidden, [task.offer_id])
        why_not = "its offer must not be sold" if forbidden else await self._price_refused(shop, of, task, item)
        if why_not:
            await self._not_sure(of, task, f"not ordered again: {why_not}")
            return
        if not await self._shop.write(fulfilment.asking, task_id=task.id, lease=_lease(task)):
            return
        try:
            async with self._asked(of, task.fields):
                order = await shop.order(self._ask(of, task, item))
        except Declined as refusal:
            # The first request may still be on its way: a no to the second says nothing about it.
            await self._not_sure(of, task, str(refusal))
            return
        await self._take(of, task, order)

    async def _take(self, of: UpstreamView, task: TaskView, order: UpstreamOrder) -> None:
        """Act on what the upstream says of an order of ours."""
        log.info("upstream-order", task=task.id, upstream=of.id, state=order.state.value, got=order.got, repeated=order.repeated)
        if order.state is UpstreamState.WORKING:
            await self._shop.write(
                fulfilment.wait,
                task_id=task.id,
                lease=_lease(task),
                cause="its upstream works on it",
                again_seconds=self._look_again(task),
                source_ref=order.ref,
            )
            return
        if order.state in (UpstreamState.FAILED, UpstreamState.REVERSED):
            await self._failed(task, _without(order.note, task.fields) or f"its upstream says: {order.state.value}")
            return
        secrets = [Secret(code.card_no, code.card_pwd) for code in order.codes] or _receipts(order)
        units = max(1, order.got or len(secrets))
        if order.currency != task.cost_currency:
            log.warning("upstream-other-currency", task=task.id, upstream=of.id)
        unit_cost = -(-order.amount_minor // units) if order.currency == task.cost_currency else None
        cause = "delivered by its upstream" if order.state is UpstreamState.DONE else f"{order.got} of {task.quantity} delivered"
        await self._shop.write(
            orders.arrived,
            task_id=task.id,
            secrets=secrets,
            done=True,
            cause=cause,
            source_ref=order.ref,
            unit_cost_minor=unit_cost,
        )
        if task.most_cost_minor is not None and unit_cost is not None and unit_cost > task.most_cost_minor:
            await self._shop.write(
                integration.tell_overcharged,
                upstream_id=of.id,
                task_id=task.id,
                charged_minor=order.amount_minor,
                most_minor=task.most_cost_minor * units,
                currency=order.currency,
            )
        await self._shop.write(integration.ask_balance_soon, upstream_id=of.id)

    async def _failed(self, task: TaskView, cause: str) -> None:
        log.info("upstream-failed", task=task.id, cause=cause[:200])
        await self._shop.write(orders.task_failed, task_id=task.id, cause=cause[:300])

    async def _not_sure(self, of: UpstreamView, task: TaskView, cause: str) -> None:
        """Unknown is a state: it is asked about again, ever more seldom, and never bought elsewhere meanwhile."""
        shop = self._lines[of.id].shop
        by_hand = not shop.can.finds_by_number and not shop.can.repeats
        again = _again(task)
        if task.tries >= TRIES_BEFORE_A_PERSON_LOOKS or (by_hand and task.source_ref is None):
            await self._shop.write(integration.tell_unknown, upstream_id=of.id, task_id=task.id, why=cause)
            again = _BY_HAND_SECONDS if by_hand else again
        log.warning("upstream-not-sure", task=task.id, upstream=of.id, tries=task.tries, cause=cause[:200])
        await self._shop.write(fulfilment.not_sure, task_id=task.id, lease=_lease(task), cause=cause[:300], again_seconds=again)

    def _look_again(self, task: TaskView) -> float:
        """After how many seconds an order that is worked on is looked at: soon at first, then as its age goes."""
        age = (self._shop.tools.clock() - (task.asked_at or task.made_at)).total_seconds()
        return min(600.0, max(2.0, age / 4))

    # Errands, balance and catalogue

    async def _run_errand(self, shop: UpstreamShop | None, of: UpstreamView, errand: ErrandView) -> None:
        if shop is not None:
            try:
                if errand.what is Errand.LOOK:
                    await self._look(shop, of, errand.about)
                else:
                    await self._balance(shop, of)
                    if errand.what is Errand.SYNC:
                        await self._sync(shop, of)
            except Declined as refusal:
                await self._shop.write(integration.refused, upstream_id=of.id, why=str(refusal))
            except NotSure as trouble:
                await self._shop.write(integration.refused, upstream_id=of.id, why=str(trouble))
                if errand.what is Errand.LOOK:
                    await self._shop.write(integration.errand_later, errand_id=errand.id, after_seconds=_step(errand.tries))
                    return
        await self._shop.write(integration.errand_done, errand_id=errand.id)
        if self._told is not None and errand.screen is not None:
            await self._told(errand, await self._shop.read(integration.upstream, of.id))

    async def _balance(self, shop: UpstreamShop, of: UpstreamView) -> Prepaid:
        async with self._asked(of):
            prepaid = await shop.prepaid()
        await self._shop.write(integration.answered, upstream_id=of.id, name=prepaid.name)
        await self._shop.write(integration.balance_seen, upstream_id=of.id, prepaid=prepaid)
        return prepaid

    async def _keep_up(self, shop: UpstreamShop, due: Due) -> None:
        """Balance, catalogue or changes, and the slow look at what was delivered."""
        of = due.upstream
        try:
            if due.balance:
                await self._balance(shop, of)
                await self._look_back(shop, of)
            if due.catalogue:
                await self._sync(shop, of, changes_after=due.changes_after)
        except Declined as refusal:
            await self._shop.write(integration.refused, upstream_id=of.id, why=str(refusal))
        except NotSure as trouble:
            log.info("upstream-not-asked", upstream=of.id, error=str(trouble)[:200])

    async def _sync(self, shop: UpstreamShop, of: UpstreamView, *, changes_after: str | None = None) -> None:
        """What has changed since the last mark; without one, or once in a quarter of an hour, the whole catalogue."""
        began = self._shop.tools.clock()
        whole = of.synced_at is None or began - of.synced_at >= timedelta(minutes=15)
        if isinstance(shop, TellsChanges) and changes_after and not whole:
            while True:
                async with self._asked(of):
                    told = await shop.changes(changes_after)
                await self._shop.write(integration.take_notices, upstream_id=of.id, notices=told.notices)
                await self._shop.write(integration.changes_read, upstream_id=of.id, after=told.after)
                changes_after = told.after
                if not told.more:
                    return
        mark: str | None = None
        if isinstance(shop, TellsChanges):
            # The mark is taken before the catalogue is read: what changes meanwhile is told afterwards.
            async with self._asked(of):
                mark = (await shop.changes("")).after
        after: str | None = None
        for _ in range(MOST_PAGES):
            asked_at: datetime = self._shop.tools.clock()
            async with self._asked(of):
                page = await shop.catalogue(after)
            await self._shop.write(integration.take_items, upstream_id=of.id, items=page.items, asked_at=asked_at)
            after = page.after
            if after is None:
                break
        else:
            raise NotSure("a catalogue without end")
        await self._shop.write(
            integration.catalogue_read,
            upstream_id=of.id,
            began_at=began,
            changes_after=mark,
            tells_changes=isinstance(shop, TellsChanges),
        )

    async def _look_back(self, shop: UpstreamShop, of: UpstreamView) -> None:
        """Ask once more about some of what was delivered lately: it may have been taken back since."""
        after, since = await self._shop.read(integration.look_from, of.id), self._shop.tools.clock() - LOOK_BACK
        found = await self._shop.read(fulfilment.delivered_lately, lane=of.lane, since=since, after=after, most=LOOKED_AT_ONCE)
        for task in found:
            await self._look(shop, of, task.number)
        await self._shop.write(integration.looked_after, upstream_id=of.id, task_id=found[-1].id if len(found) == LOOKED_AT_ONCE else 0)

    async def _look(self, shop: UpstreamShop, of: UpstreamView, number: str) -> None:
        """What became since of an order that was delivered."""
        task = await self._shop.read(fulfilment.task_of_number, number)
        if task is None or task.open or not task.got:
            return
        if not shop.can.finds_by_number and task.source_ref is None:
            return
        async with self._asked(of, task.fields):
            found = await shop.find(task.number, task.source_ref)
        units = 0 if found is None else _taken_back(task, found)
        if found is not None and units:
            cause = _without(found.note, task.fields) or f"its upstream took {units} of {task.got} back"
            await self._shop.write(orders.reversed_later, task_id=task.id, units=units, cause=cause)

    # The door

    async def hear(self, word: str, callback: Callback) -> str | None:
        """What came in under a word of ours: only ever a reason to ask. None when the word is nobody's; raises NotGenuine."""
        of = await self._shop.read(integration.by_word, word)
        if of is None:
            return None
        line = await self._line(of)
        if line is None:
            raise NotSure("its settings are being changed")
        if not line.shop.can.callback:
            raise NotGenuine("this protocol has no callbacks")
        heard = await line.shop.callback(callback)
        if heard.notices:
            await self._shop.write(integration.take_notices, upstream_id=of.id, notices=heard.notices)
        if heard.numbers:
            await self._shop.write(integration.heard, upstream_id=of.id, numbers=heard.numbers)
        self.wake()
        return heard.reply


def _lease(task: TaskView) -> str:
    assert task.lease is not None, "who works on a task has leased it"
    return task.lease


def _without(said: str, told: Mapping[str, str]) -> str:
    """What an upstream says, without what it was told of the buyer: neither a log nor a screen repeats an account.

    A number is found however it is grouped, and what was cut off at the end too.
    """
    forms: set[str] = set()
    for value in filter(None, (each.strip() for each in told.values())):
        digits = "".join(c for c in value if c.isdigit())
        forms.add(re.escape(value) if len(value) > 3 else rf"(?<!\w){re.escape(value)}(?!\w)")
        if len(digits) > 3:
            forms.add(r"[\s().+-]*".join(digits))
        forms.update(re.escape(value[:n]) + "$" for n in range(4, len(value)))
    for form in sorted(forms, key=len, reverse=True):
        said = re.sub(form, "•••", said, flags=re.IGNORECASE)
    return said


def _taken_back(task: TaskView, order: UpstreamOrder) -> int:
    """How many units of a task that was delivered its upstream has taken back, by what it now says of the order.

    Some give back money and go on showing all codes, others show fewer codes: whichever says more is believed. One that calls a whole
    delivery a part of it has taken back something, also when it does not say how much.
    """
    if order.state is UpstreamState.REVERSED:
        return task.got
    if order.state not in (UpstreamState.DONE, UpstreamState.PARTLY):
        return 0
    units = max(0, task.got - order.got) if order.got else 0  # One that shows none of what it keeps says nothing by that.
    if task.cost_minor and order.currency == task.cost_currency:
        # A unit's cost was rounded up: what is less than one unit is no unit.
        units = max(units, (task.got * task.cost_minor - order.amount_minor) // task.cost_minor)
    if order.state is UpstreamState.PARTLY and task.got == task.quantity:
        units = max(units, 1)
    return min(units, task.got)


def _step(tries: int) -> float:
    return _AGAIN_SECONDS[min(max(tries, 1), len(_AGAIN_SECONDS)) - 1]


def _again(task: TaskView) -> float:
    return _step(task.tries)


def _receipts(order: UpstreamOrder) -> list[Secret]:
    """What the buyer keeps of units that are no codes: the operator's receipt, one for each."""
    words = order.note or order.ref
    many = order.got > 1
    return [Secret(f"{order.ref}/{n}" if many else order.ref, words if words != order.ref else None) for n in range(1, order.got + 1)]
