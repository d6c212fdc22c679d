"""Timed jobs: what becomes due by itself. They may run in several processes at once; one that fails stops no other."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from core import (
    aftersale,
    api,
    blacklist,
    books,
    brands,
    credit,
    exposure,
    insight,
    inventory,
    ledger,
    onboarding,
    orders,
    outbox,
    packages,
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
from core.database import Shop, Write
from handlers import missed
from locales import shop_timezone
from web import metrics

log = structlog.get_logger()

MOST = 100  # worked off in one transaction, so that no job keeps buyers waiting
# Messages to many are posted only while fewer than this wait in the outbox, and so many at once: codes that are sold in
# between are then never far from the front.
CALM, FEW = 24, 24
NOT_AGAIN = 1 << 30  # `full` of a job that has done everything when it returns
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
    noted, timezone = missed.take(), shop_timezone.get()
    counted = [await shop.write(settlement.count_missed, storefront_id=of, missed=some, timezone=timezone) for of, some in noted.items()]
    return sum(counted)


async def price_brands(shop: Shop) -> int:
    """Prices of resellers' storefronts after what they pay has changed; each storefront in its own transaction."""
    due = await shop.read(brands.to_price, most=FEW)
    for brand_id in due:
        await shop.write(brands.price_brand, brand_id=brand_id)
    return len(due)


async def count_opened(shop: Shop) -> int:
    """Whose screens of products were opened, as far as this process has drawn them."""
    counted, timezone = 0, shop_timezone.get()
    while noted := insight.take_opened():
        for of, some in noted.items():
            counted += await shop.write(insight.count_opened, storefront_id=of, opened=some, timezone=timezone)
    return counted


async def finish_publishing(shop: Shop) -> int:
    """Batches whose publishing was interrupted go on sale to their end."""
    batches = await shop.read(inventory.unpublished)
    for batch_id in batches:
        while await shop.write(inventory.publish, batch_id=batch_id):
            pass
    return len(batches)


async def when_calm(shop: Shop, post: Callable[[], Awaitable[int]]) -> int:
    if (await shop.read(outbox.waiting)).open >= CALM:
        return 0
    return await post()


def tell_who_waits(shop: Shop) -> Awaitable[int]:
    return when_calm(shop, lambda: shop.write(supply.tell_who_waits, most=FEW))


def post_price_news(shop: Shop) -> Awaitable[int]:
    return when_calm(shop, lambda: shop.write(supply.post_price_news, most=FEW))


def post_broadcasts(shop: Shop) -> Awaitable[int]:
    return when_calm(shop, lambda: shop.write(promotion.post_next, most=FEW))


async def post_statements(shop: Shop) -> int:
    """Yesterday's statement of each storefront, in the morning of the shop's time zone."""
    timezone = shop_timezone.get()
    opened = await shop.read(storefronts.all_open)
    return sum([await shop.write(books.post_daily, storefront_id=front.id, timezone=timezone) for front in opened])


class Ranking:
    """Denominations whose sources would be drawn from in another order now are ranked anew; looked at off the sale's path."""

    def __init__(self, shop: Shop) -> None:
        self._shop, self._looked = shop, routing.Looked()

    async def __call__(self) -> int:
        changed = 0
        while True:
            found, so_far = await self._shop.read(routing.look, self._looked)
            for sku_id in found:
                changed += await self._shop.write(routing.rank, sku_id=sku_id) is not None
            self._looked = so_far  # Not before all were ranked: what fails is looked at again.
            if not self._looked.hurry:
                return changed


async def one_by_one(shop: Shop, command: Write[..., int]) -> int:
    """Each in its own transaction: it locks its order and its buyer's wallet, and others lock several of them in their own order."""
    did = 0
    for _ in range(MOST):
        found = await shop.write(command, most=1)
        did += found
        if not found:
            break
    return did


async def work_price_lists_in(shop: Shop) -> int:
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


async def work_credit(shop: Shop) -> int:
    """What resellers paid is shared out, their days are closed, periods end in invoices: each line in its own transaction."""
    lines = await shop.read(credit.due)
    for customer_id in lines:
        await shop.write(credit.work, customer_id=customer_id)
    return len(lines)


async def take_resellers_in(shop: Shop) -> int:
    """Who buys at wholesale prices from before there were levels has a place among the resellers."""
    for front in await shop.read(storefronts.all_open):
        after = 0
        while after := await shop.write(resellers.adopt, storefront_id=front.id, after=after):
            pass
    return 0


def jobs_of(shop: Shop) -> list[Job]:
    """Every timed job of the shop: its name, every how many seconds it looks, what it does, and how much of that makes it look again."""

    def job(name: str, every_seconds: float, command: Write[..., int], *, full: int = MOST, **facts: int) -> Job:
        """One command is the whole job."""
        return Job(name, every_seconds, lambda: shop.write(command, **facts), full)

    return [
        Job("rank-sources", 3, Ranking(shop), full=NOT_AGAIN),
        job("lift-ended-stops", 15, supply.lift_ended, most=MOST),
        Job("keep-promises", 10, partial(one_by_one, shop, orders.keep_promises)),
        Job("end-forbidden-tasks", 5, partial(one_by_one, shop, orders.fail_forbidden)),
        job("expire-orders", 5, orders.expire, most=MOST),
        job("remind-of-held-orders", 60, orders.remind_held, most=MOST),
        job("release-lapsed-holds", 5, orders.release_lapsed_holds, most=MOST),
        job("expire-deposits", 15, payments.expire_deposits, most=MOST),
        Job("tell-who-waits", 2, partial(tell_who_waits, shop), full=FEW),
        Job("post-broadcasts", 0.5, partial(post_broadcasts, shop)),
        job("remind-of-cases", 60, aftersale.remind_overdue, most=MOST),
        job("remind-silent-buyers", 60, aftersale.remind_silent, most=MOST),
        job("close-silent-cases", 60, aftersale.close_silent, most=MOST),
        job("close-refunded-cases", 60, aftersale.close_gone, most=MOST),
        job("take-certificates", 5, onboarding.take_certificates, most=MOST),
        job("follow-certificates", 30, onboarding.follow_certificates, full=NOT_AGAIN),
        job("watch-documents", 300, onboarding.watch_documents, most=MOST),
        job("take-costs", 5, supply.take_costs, most=MOST),
        job("keep-dates-of-offers", 5, supply.keep_dates, most=MOST),
        job("judge-commitments", 30, supply.judge_commitments, most=MOST),
        job("keep-quotas", 5, supply.keep_quotas, most=MOST),
        job("keep-from-losses", 30, supply.guard_losses, full=NOT_AGAIN),
        Job("count-opened-screens", 10, partial(count_opened, shop), full=NOT_AGAIN),
        job("forget-opened-screens", 600, insight.forget_opened, full=5000),
        job("count-sources", 600, insight.count_sources, full=NOT_AGAIN),
        Job("tell-changed-prices", 2, partial(post_price_news, shop), full=FEW),
        Job("price-own-bots", 1, partial(price_brands, shop), full=FEW),
        job("earn-margins", 20, brands.earn, most=MOST),
        job("take-margins-back", 30, brands.take_back, full=NOT_AGAIN),
        job("release-margins", 60, brands.release, most=MOST),
        job("renew-packages", 20, packages.renew_due, full=50),
        job("tell-ending-packages", 600, packages.tell_ending, full=NOT_AGAIN),
        job("tell-ending-keys", 600, api.tell_expiring, full=NOT_AGAIN),
        job("tell-low-balances", 30, resellers.tell_low_balances, full=NOT_AGAIN),
        job("alert-low-stock", 20, insight.alert_low_stock, full=20),
        Job("finish-publishing", 30, partial(finish_publishing, shop), full=NOT_AGAIN),
        job("reject-abandoned-imports", 60, inventory.reject_abandoned, full=1),
        job("keep-exposure-limits", 30, exposure.keep_limits, full=NOT_AGAIN),
        job("follow-rates", 30, supply.follow_rates, most=MOST),
        job("receive-purchases", 5, purchasing.receive_purchases, most=MOST),
        Job("post-statements", 60, partial(post_statements, shop)),
        job("settle-sales", 20, settlement.settle, most=MOST),
        job("take-back-settled", 30, settlement.take_back, full=NOT_AGAIN),
        job("settle-skipped", 60, settlement.settle_skipped, full=20),
        job("release-settled", 60, settlement.release, most=MOST),
        job("count-volume", 300, settlement.count_windows, full=20),
        job("seal-payout-words", 60, settlement.seal_words, most=MOST),
        job("forget-unmet-demand", 3600, settlement.forget_demand, full=NOT_AGAIN),
        job("hold-to-rules", 10, standing.hold_to_rules, full=NOT_AGAIN),
        job("give-strikes", 3600, standing.give_strikes, full=NOT_AGAIN),
        Job("sweep-blacklist", 15, lambda: standing.sweep(shop), full=blacklist.CHUNK),
        job("void-taken-down", 15, standing.void_upheld, full=1),
        Job("work-price-lists-in", 3, partial(work_price_lists_in, shop), full=NOT_AGAIN),
        job("review-levels", 60, resellers.review_levels, most=FEW, full=FEW),
        Job("work-credit", 3, partial(work_credit, shop), full=NOT_AGAIN),
        job("end-contract-prices", 15, resellers.end_due_contracts, most=MOST),
        Job("take-resellers-in", 600, partial(take_resellers_in, shop), full=NOT_AGAIN),
        job("roll-up-books", 60, ledger.roll_up, full=50_000),
    ]
