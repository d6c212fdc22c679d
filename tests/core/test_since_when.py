"""Figures of a span of time: exact, whatever waited over midnight, and without reading what is older."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from core import ledger, orders, people, rates
from core.database import Shop, read, utc_now, write
from core.ledger.tables import Transfer, TransferKind
from core.orders import Sold
from core.people import Customer
from core.spans import written_between
from core.storefronts import Storefront
from tests.core.props import STAR_RATE, place, questions, reserve, settle
from tests.stage import Clock, Goods, give, person


@write
def write_transfers(session: Session, at: list[datetime]) -> None:
    """One transfer for each instant, with two ids between one and the next that nothing has."""
    session.execute(
        insert(Transfer), [{"id": 10 + 3 * n, "key": f"t{n}", "kind": TransferKind.DEPOSIT, "at": one} for n, one in enumerate(at)]
    )


@read
def transfers_between(session: Session, since: datetime, until: datetime) -> list[datetime]:
    return list(session.scalars(select(Transfer.at).where(written_between(session, Transfer.id, Transfer.at, since, until))))


@read
def plan_of(session: Session, statement: str, parameters: Any) -> str:
    """How the database would answer; PostgreSQL reads a whole small table only when nothing else is possible."""
    if session.get_bind().dialect.name == "sqlite":
        return "\n".join(row[-1] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))
    session.execute(text("SET LOCAL enable_seqscan = off"))
    session.execute(text("SET LOCAL enable_bitmapscan = off"))
    return "\n".join(row[0] for row in session.connection().exec_driver_sql(f"EXPLAIN {statement}", parameters))


async def sold(shop: Shop, storefront: Storefront, since: datetime, hours: float) -> Sold:
    return await shop.read(orders.sold, storefront_id=storefront.id, since=since, until=since + timedelta(hours=hours))


@pytest.fixture
async def buyer(shop: Shop, goods: Goods) -> Customer:
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=STAR_RATE, source="test")
    return await person(shop, goods.storefront, money_minor=1_000_000)


async def test_an_order_counts_when_it_was_issued_though_it_was_placed_the_day_before(
    shop: Shop, goods: Goods, buyer: Customer, clock: Clock
) -> None:
    first_day = utc_now()
    pending = [await place(shop, buyer, goods, once=f"stars {n}") for n in range(2)]
    await reserve(shop, buyer, pending[0])
    await settle(shop, buyer, pending[0], event="paid at once")
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once="wallet", **goods.terms())
    await reserve(shop, buyer, pending[1])
    clock.passes(minutes=10)
    midnight = clock()
    await settle(shop, buyer, pending[1], event="paid after midnight")
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=5, once="wallet, after midnight", **goods.terms())

    before = await sold(shop, goods.storefront, midnight - timedelta(hours=24), 24)
    after = await sold(shop, goods.storefront, midnight, 24)
    later = await sold(shop, goods.storefront, midnight + timedelta(hours=24), 24)
    earlier = await sold(shop, goods.storefront, first_day - timedelta(hours=48), 24)

    assert (before.orders, before.units, before.sales_minor) == (2, 4, 4 * 9500)
    assert (after.orders, after.units, after.sales_minor) == (2, 6, 6 * 9500)
    assert (later.orders, later.units, later.sales_minor) == (earlier.orders, earlier.units, earlier.sales_minor) == (0, 0, 0)


async def test_whatever_was_written_in_a_span_is_found_though_ids_have_gaps_and_clocks_differ(shop: Shop) -> None:
    start = utc_now().replace(microsecond=0) - timedelta(days=30)
    # One each quarter of an hour, and each seventh by a process whose clock is twenty minutes slow.
    at = [start + timedelta(minutes=15 * n - (20 if n % 7 == 0 else 0)) for n in range(500)]
    await shop.write(write_transfers, at)

    for since in (start - timedelta(days=2), start, at[14], at[200], at[210] + timedelta(seconds=1), at[-1], at[-1] + timedelta(days=2)):
        for length in (timedelta(microseconds=1), timedelta(minutes=40), timedelta(days=1), timedelta(days=60)):
            found = await shop.read(transfers_between, since, since + length)
            assert found == [one for one in at if since <= one < since + length], (since, length)


async def test_of_nothing_nothing_is_found(shop: Shop) -> None:
    assert await shop.read(transfers_between, utc_now() - timedelta(days=1), utc_now()) == []


async def test_the_figures_of_a_day_read_no_whole_table(shop: Shop, goods: Goods, buyer: Customer, clock: Clock) -> None:
    await give(shop, buyer, 500)
    for turn in range(3):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=str(turn), **goods.terms())
    since, until = clock() - timedelta(hours=12), clock() + timedelta(hours=12)

    with questions() as asked:
        assert (await sold(shop, goods.storefront, since, 24)).orders == 3
        deposits = await shop.read(ledger.came_in, party_id=goods.storefront.party_id, since=since, until=until)
        assert [deposit.count for deposit in deposits] == [1]
        assert await shop.read(people.joined, storefront_id=goods.storefront.id, since=since, until=until) == 1

    looked = [(statement, parameters) for statement, parameters in asked if statement.lstrip().startswith("SELECT")]
    probes = [statement for statement, _ in looked if " LIMIT " in statement]  # One row by its id.
    assert 8 < len(probes) < 40
    for statement, parameters in looked:
        if statement in probes:
            continue
        plan = await shop.read(plan_of, statement, parameters)
        for table in ("orders", "order_lines", "transfers", "postings", "customers"):
            assert f"Seq Scan on {table}" not in plan and f"SCAN {table}" not in plan, (statement, plan)
