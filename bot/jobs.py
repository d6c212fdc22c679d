"""Timed jobs: what becomes due by itself. They may run in several processes at once; one that fails stops no other."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from core import (
    aftersale,
    blacklist,
    books,
    exposure,
    insight,
    inventory,
    ledger,
    onboarding,
    orders,
    outbox,
    payments,
    promotion,
    purchasing,
    resellers,
    routing,
    settlement,
    standing,
    storefronts,
    supply,
)
from core.database import Shop
from handlers import missed
from locales import shop_timezone
from web import metrics

log = structlog.get_logger()

MOST = 100  # worked off in one transaction, so that no job keeps buyers waiting
# Messages to many are posted only while fewer than this wait in the outbox, and so many at once: codes that are sold in
# between are then never far from the front.
CALM, FEW = 24, 24
BACKOFF_CAP_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Job:
    """`run` works off what is due and returns how much that was; when it was `full` or more, it is run again at once."""

    name: str
    every_seconds: float
    run: Callable[[], Awaitable[int]]
    full: int = MOST


@dataclass(slots=True)
class Course:
    """How a job has fared in this process."""

    failures: int = 0  # in a row
    done_at: float | None = field(default=None)  # monotonic


class Jobs:
    """Runs each job by itself, at its own interval; a failing one is tried again later and later."""

    def __init__(self, jobs: Sequence[Job], wake: Callable[[], None] = lambda: None) -> None:
        self._jobs = jobs
        self._wake = wake  # Most jobs post messages: the courier looks at once.
        self.courses = {job.name: Course() for job in jobs}

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; a transaction that is under way is finished."""
        await asyncio.gather(*(self._repeat(job, stop) for job in self._jobs))

    async def _repeat(self, job: Job, stop: asyncio.Event) -> None:
        # Not all at once at the start, nor in step with other processes.
        await _rest(stop, random.uniform(0, min(job.every_seconds, 2.0)))
        while not stop.is_set():
            await _rest(stop, await self.once(job))

    async def once(self, job: Job) -> float:
        """Run a job once, whatever happens; returns after how many seconds it should run again."""
        course = self.courses[job.name]
        try:
            worked_off = await job.run()
        except Exception:
            course.failures += 1
            after = min(BACKOFF_CAP_SECONDS, max(1.0, job.every_seconds) * 2.0 ** min(course.failures, 8)) * random.uniform(0.5, 1)
            metrics.JOB_RUNS.labels(job.name, "failed").inc()
            log.exception("job-failed", job=job.name, failures=course.failures, again_after_seconds=round(after, 1))
            return after
        if course.failures:
            log.info("job-works-again", job=job.name, failures=course.failures)
        course.failures, course.done_at = 0, time.monotonic()
        metrics.JOB_RUNS.labels(job.name, "done").inc()
        metrics.JOB_LAST_DONE.labels(job.name).set_to_current_time()
        if worked_off:
            metrics.JOB_ITEMS.labels(job.name).inc(worked_off)
            self._wake()
        return 0.0 if worked_off >= job.full else job.every_seconds * random.uniform(0.9, 1.1)


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def count_missed(shop: Shop) -> int:
    """What people looked for in vain, as far as this process has heard of it."""
    noted = missed.take()
    return sum([await shop.write(settlement.count_missed, storefront_id=of, missed=some) for of, some in noted.items()])


def jobs_of(shop: Shop) -> list[Job]:
    """Every timed job of the shop."""

    async def finish_publishing() -> int:
        """Batches whose publishing was interrupted go on sale to their end."""
        batches = await shop.read(inventory.unpublished)
        for batch_id in batches:
            while await shop.write(inventory.publish, batch_id=batch_id):
                pass
        return len(batches)

    async def when_calm(post: Callable[[], Awaitable[int]]) -> int:
        if (await shop.read(outbox.waiting)).open >= CALM:
            return 0
        return await post()

    def tell_who_waits() -> Awaitable[int]:
        return when_calm(lambda: shop.write(supply.tell_who_waits, most=FEW))

    def post_price_news() -> Awaitable[int]:
        return when_calm(lambda: shop.write(supply.post_price_news, most=FEW))

    def post_broadcasts() -> Awaitable[int]:
        return when_calm(lambda: shop.write(promotion.post_next, most=FEW))

    async def post_statements() -> int:
        """Yesterday's statement of each storefront, in the morning of the shop's time zone."""
        timezone = shop_timezone.get()
        opened = await shop.read(storefronts.all_open)
        return sum([await shop.write(books.post_daily, storefront_id=front.id, timezone=timezone) for front in opened])

    looked = routing.Looked()

    async def rank_sources() -> int:
        """Denominations whose sources would be drawn from in another order now are ranked anew; looked at off the sale's path."""
        nonlocal looked
        changed = 0
        while True:
            found, so_far = await shop.read(routing.look, looked)
            for sku_id in found:
                changed += await shop.write(routing.rank, sku_id=sku_id) is not None
            looked = so_far  # Not before all were ranked: what fails is looked at again.
            if not looked.hurry:
                return changed

    async def keep_promises() -> int:
        """Each in its own transaction: it locks its order, and others lock several by their ids."""
        kept = 0
        for _ in range(MOST):
            found = await shop.write(orders.keep_promises, most=1)
            kept += found
            if not found:
                break
        return kept

    async def work_price_lists_in() -> int:
        """Rules, contracts and prices that moved are in the rows of levels and resellers."""
        changed = 0
        for front in await shop.read(storefronts.all_open):
            due = await shop.read(resellers.due, storefront_id=front.id)
            if due is None:
                continue
            for start in range(0, len(due.sku_ids), resellers.CHUNK):
                changed += await shop.write(resellers.work_in, storefront_id=front.id, sku_ids=due.sku_ids[start : start + resellers.CHUNK])
            await shop.write(resellers.worked_through, storefront_id=front.id, revision=due.revision, price_id=due.price_id)
        return changed

    async def take_resellers_in() -> int:
        """Who buys at wholesale prices from before there were levels has a place among the resellers."""
        for front in await shop.read(storefronts.all_open):
            after = 0
            while after := await shop.write(resellers.adopt, storefront_id=front.id, after=after):
                pass
        return 0

    return [
        Job("rank-sources", 3, rank_sources, full=1 << 30),
        Job("lift-ended-stops", 15, lambda: shop.write(supply.lift_ended, most=MOST)),
        Job("keep-promises", 10, keep_promises),
        Job("end-forbidden-tasks", 5, lambda: shop.write(orders.fail_forbidden), full=20),
        Job("expire-orders", 5, lambda: shop.write(orders.expire, most=MOST)),
        Job("remind-of-held-orders", 60, lambda: shop.write(orders.remind_held, most=MOST)),
        Job("release-lapsed-holds", 5, lambda: shop.write(orders.release_lapsed_holds, most=MOST)),
        Job("expire-deposits", 15, lambda: shop.write(payments.expire_deposits, most=MOST)),
        Job("tell-who-waits", 2, tell_who_waits, full=FEW),
        Job("post-broadcasts", 0.5, post_broadcasts),
        Job("remind-of-cases", 60, lambda: shop.write(aftersale.remind_overdue, most=MOST)),
        Job("remind-silent-buyers", 60, lambda: shop.write(aftersale.remind_silent, most=MOST)),
        Job("close-silent-cases", 60, lambda: shop.write(aftersale.close_silent, most=MOST)),
        Job("close-refunded-cases", 60, lambda: shop.write(aftersale.close_gone, most=MOST)),
        Job("take-certificates", 5, lambda: shop.write(onboarding.take_certificates, most=MOST)),
        Job("watch-documents", 300, lambda: shop.write(onboarding.watch_documents, most=MOST)),
        Job("take-costs", 5, lambda: shop.write(supply.take_costs, most=MOST)),
        Job("keep-dates-of-offers", 5, lambda: shop.write(supply.keep_dates, most=MOST)),
        Job("judge-commitments", 30, lambda: shop.write(supply.judge_commitments, most=MOST)),
        Job("keep-quotas", 5, lambda: shop.write(supply.keep_quotas, most=MOST)),
        Job("keep-from-losses", 30, lambda: shop.write(supply.guard_losses), full=1 << 30),
        Job("count-sources", 600, lambda: shop.write(insight.count_sources), full=1 << 30),
        Job("tell-changed-prices", 2, post_price_news, full=FEW),
        Job("tell-low-balances", 30, lambda: shop.write(resellers.tell_low_balances), full=1 << 30),
        Job("alert-low-stock", 20, lambda: shop.write(insight.alert_low_stock), full=20),
        Job("finish-publishing", 30, finish_publishing, full=1 << 30),
        Job("reject-abandoned-imports", 60, lambda: shop.write(inventory.reject_abandoned), full=1),
        Job("keep-exposure-limits", 30, lambda: shop.write(exposure.keep_limits), full=1 << 30),
        Job("follow-rates", 30, lambda: shop.write(supply.follow_rates, most=MOST)),
        Job("receive-purchases", 5, lambda: shop.write(purchasing.receive_purchases, most=MOST)),
        Job("post-statements", 60, post_statements),
        Job("settle-sales", 20, lambda: shop.write(settlement.settle, most=MOST), full=MOST),
        Job("take-back-settled", 30, lambda: shop.write(settlement.take_back), full=1 << 30),
        Job("settle-skipped", 60, lambda: shop.write(settlement.settle_skipped), full=20),
        Job("release-settled", 60, lambda: shop.write(settlement.release, most=MOST), full=MOST),
        Job("count-volume", 300, lambda: shop.write(settlement.count_windows), full=20),
        Job("seal-payout-words", 60, lambda: shop.write(settlement.seal_words, most=MOST)),
        Job("forget-unmet-demand", 3600, lambda: shop.write(settlement.forget_demand), full=1 << 30),
        Job("hold-to-rules", 10, lambda: shop.write(standing.hold_to_rules), full=1 << 30),
        Job("give-strikes", 3600, lambda: shop.write(standing.give_strikes), full=1 << 30),
        Job("sweep-blacklist", 15, lambda: standing.sweep(shop), full=blacklist.CHUNK),
        Job("void-taken-down", 15, lambda: shop.write(standing.void_upheld), full=1),
        Job("work-price-lists-in", 3, work_price_lists_in, full=1 << 30),
        Job("review-levels", 60, lambda: shop.write(resellers.review_levels, most=FEW), full=FEW),
        Job("end-contract-prices", 15, lambda: shop.write(resellers.end_due_contracts, most=MOST)),
        Job("take-resellers-in", 600, take_resellers_in, full=1 << 30),
        Job("roll-up-books", 60, lambda: shop.write(ledger.roll_up), full=50_000),
    ]
