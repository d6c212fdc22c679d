"""A question sees one state, however many statements it takes, and a command all or nothing."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.database import Shop, read, write
from core.storefronts import Storefront
from tests.core.props import scalar
from tests.stage import person


async def test_a_question_of_two_statements_sees_one_state(shop: Shop, storefront: Storefront) -> None:
    """Somebody joins between the two: a screen that counts and lists must not contradict itself."""
    await person(shop, storefront)
    between, done = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    @read
    def twice(session: Session) -> tuple[int, int]:
        first = session.execute(text("SELECT count(*) FROM customers")).scalar_one()
        loop.call_soon_threadsafe(between.set)  # A question may be answered in a thread.
        session.execute(text(waits)).scalar_one()
        return first, session.execute(text("SELECT count(*) FROM customers")).scalar_one()

    # A statement that takes a while, so that the change is committed before the second count begins.
    waits = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT max(i) FROM n"
        if shop.is_sqlite
        else "SELECT 1 FROM pg_sleep(0.5)"
    )

    async def joins() -> None:
        await between.wait()
        await person(shop, storefront)
        done.set()

    joining = asyncio.create_task(joins())
    first, second = await shop.read(twice)
    assert done.is_set(), "the change was committed while the question was being asked"
    await joining
    assert (first, second) == (1, 1)
    assert await scalar(shop.url.render_as_string(hide_password=False), "SELECT count(*) FROM customers") == 2


async def test_a_question_cannot_change_anything_on_sqlite(shop: Shop, storefront: Storefront) -> None:
    """Whoever marks a command as a question by mistake is told by the database."""

    @read
    def sly(session: Session) -> None:
        session.execute(text("UPDATE storefronts SET name = 'mine'"))

    if shop.is_sqlite:
        with pytest.raises(Exception, match="readonly"):
            await shop.read(sly)
    else:
        await shop.read(sly)  # PostgreSQL's questions share the pool; what they changed is never committed.
    assert await scalar(shop.url.render_as_string(hide_password=False), "SELECT name FROM storefronts") == "Test shop"


async def test_a_command_that_breaks_in_the_middle_leaves_nothing_and_hurts_no_neighbour(shop: Shop, storefront: Storefront) -> None:
    """Commands that wait share a commit on SQLite: each has its own savepoint in it."""

    @write
    def breaks(session: Session) -> None:
        session.execute(text("UPDATE storefronts SET name = 'half done'"))
        raise RuntimeError("in the middle")

    answers = await asyncio.gather(
        *(shop.write(breaks) if n % 3 == 0 else person(shop, storefront) for n in range(12)), return_exceptions=True
    )

    assert [isinstance(a, RuntimeError) for a in answers] == [n % 3 == 0 for n in range(12)]
    url = shop.url.render_as_string(hide_password=False)
    assert await scalar(url, "SELECT count(*) FROM customers") == 8
    assert await scalar(url, "SELECT name FROM storefronts") == "Test shop"
