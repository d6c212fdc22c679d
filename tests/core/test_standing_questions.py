"""What timed jobs ask for every few seconds: no question reads a whole table of the shop's past, and none starves another."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from bot.jobs import jobs_of
from core import aftersale, fulfilment, inventory, orders, payments, people, pricing, settlement, supply
from core.database import Shop, now, write
from core.fulfilment.tables import JobState, Milestone, ServiceJob
from core.fulfilment.tasks import late
from core.storefronts import Storefront
from tests.core.props import balance, questions
from tests.core.way import another_offer, ask
from tests.stage import Clock, Goods, person, put_on_sale

LOOKING = people.Customer(5, 1, 5, "Ann", None, None, None, 5, blocked=False, wants_broadcasts=True, wholesale=True, level_id=3)
QUESTIONS: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (fulfilment.steps_to_settle, {}),
    (fulfilment.accept_silent, {}),
    (late, {"most": 1}),
    (supply.lift_ended, {}),
    (supply.judge_commitments, {}),
    (settlement.count_windows, {}),
    (inventory.on_shelf, {"offer_ids": [1, 2], "most": 100}),
    (orders.sold_skus, {"after": 1_000_000}),
    (orders.units_lately, {"sku_ids": [1, 2]}),
    (aftersale.bad_codes, {"since_orders": {1: 2, 3: 4}}),
    (fulfilment.follow_stops, {}),
    (supply.skus_costed_in, {"currencies": ["USD"]}),
    (fulfilment.unasked_forbidden, {"most": 5}),
    (fulfilment.unknown_of, {"lane": "upstream:3", "most": 5}),
    (fulfilment.lane_load, {"lane": "upstream:3"}),
    (fulfilment.take_due, {"lane": "upstream:3", "most": 5}),
    (supply.contested_skus, {"after": 3, "most": 5}),
    (inventory.unpublished, {}),
    # These are of people who look at a screen, and as often.
    (pricing.price_lately, {"buyer": LOOKING, "sku_id": 5}),
    (pricing.for_buyer, {"buyer": LOOKING, "sku_ids": [5, 6]}),
    (supply.source_shown, {"sku_id": 5}),
]
DATED: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (fulfilment.delivered_lately, {"lane": "bot", "after": 0, "most": 5}),
    (fulfilment.ended_skus, {}),
    (supply.changed_skus, {"after_offer": 1_000_000}),
    (inventory.stocked_skus, {}),
    (orders.sold_by_offer, {}),
    (aftersale.cases_by_offer, {}),
    (fulfilment.failed_by_offer, {}),
    (payments.gone_back_since, {}),
    (orders.refunded_since, {}),
]


def asked_by_jobs(session: Session) -> list[tuple[str, Any]]:
    """The statements of all these questions, each with its parameters."""
    with questions() as asked:
        for question, said in [*QUESTIONS, *((one, {**said, "since": now(session)}) for one, said in DATED)]:
            question(session, **said)
    assert len(asked) >= len(QUESTIONS) + len(DATED)
    return asked


@write
def plans(session: Session) -> list[str]:
    """How SQLite would answer each, one line for each step."""
    connection = session.connection()
    # The first or the last row by its id is one step, however long the table is: SQLite calls that a scan, too.
    asked = [one for one in asked_by_jobs(session) if not re.search(r"FROM \w+ ORDER BY \w+\.id (ASC|DESC)\s+LIMIT", one[0])]
    return [row[-1] for statement, given in asked for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("storefront")
async def test_no_standing_question_reads_a_whole_table(shop: Shop) -> None:
    steps = await shop.write(plans)
    # What was listed in the question itself, what a subquery has found, and an index of nothing but what is open may be read whole.
    fine = (
        "SCAN anon_",
        "SCAN milestones USING INDEX ix_milestones_open",
        "SCAN tasks USING INDEX ix_tasks_due",
        "SCAN tasks USING INDEX ix_tasks_open",
    )
    assert [step for step in steps if step.startswith("SCAN") and not step.startswith(fine)] == []
    for index in (
        "ix_tasks_open",
        "ix_tasks_promised",
        "ix_offer_stops_ending",
        "ix_claims_uncounted",
        "ix_milestones_looked_at",
        "ix_commitments_ending",
    ):
        assert any(index in step for step in steps), index


@write
def delivered(session: Session, *, goods: Goods, customer_id: int, order_id: int, task_id: int, days: int) -> None:
    """A step of agreed work whose buyer has so many days to look at it, delivered now."""
    at = now(session)
    job = ServiceJob(
        storefront_id=goods.storefront.id,
        customer_id=customer_id,
        sku_id=goods.sku_id,
        lane="staff",
        state=JobState.AGREED,
        brief="A fox",
        accept_days=days,
        made_at=at,
    )
    session.add(job)
    session.flush()
    step = Milestone(job_id=job.id, seq=1, title="A sketch", price_minor=100, currency="CNY", hours=1, sku_id=goods.sku_id)
    step.task_id, step.order_id, step.due_at, step.delivered_at = task_id, order_id, at + timedelta(hours=1), at
    session.add(step)


async def test_steps_with_many_days_to_look_at_do_not_keep_those_with_few_from_being_accepted(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    for upstream, days in ((7, 30), (8, 30), (9, 1)):
        goods = await put_on_sale(shop, storefront, count=0)
        await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=2, declared=5, upstream_id=upstream)
        buyer = await person(shop, storefront, money_minor=100_000)
        receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"o{upstream}", **goods.terms())
        task = await ask(shop, f"upstream:{upstream}")
        await shop.write(delivered, goods=goods, customer_id=buyer.id, order_id=receipt.order_id, task_id=task.id, days=days)
    assert await shop.write(fulfilment.accept_silent, most=1) == 0
    clock.passes(days=2)
    assert await shop.write(fulfilment.accept_silent, most=1) == 1
    assert await shop.write(fulfilment.accept_silent, most=1) == 0
    clock.passes(days=30)
    assert await shop.write(fulfilment.accept_silent) == 2


async def test_every_late_task_is_seen_to_by_the_job_in_a_transaction_of_its_own(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=2, declared=5, upstream_id=7)
    buyer = await person(shop, storefront, money_minor=100_000)
    for n in range(3):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"o{n}", **goods.terms())
    [keep] = [job for job in jobs_of(shop) if job.name == "keep-promises"]
    assert await keep.run() == 0
    clock.passes(days=4)
    assert await keep.run() == 3
    assert await keep.run() == 0
    assert await balance(shop, buyer) == 100_000
