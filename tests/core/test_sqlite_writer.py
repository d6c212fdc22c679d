"""The one thread that writes on SQLite: whatever becomes of one command, its neighbours are told the truth."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from core.database import Keyring, Tools
from core.database.sqlite import Closed, TransactionLost, Writer
from core.database.verbs import Write

Does = Callable[..., Coroutine[Any, Any, Any]]


def make(session: Session) -> None:
    session.execute(text("CREATE TABLE things (id INTEGER PRIMARY KEY, content BLOB)"))


def add(session: Session, number: int, size: int = 10) -> int:
    session.execute(text("INSERT INTO things VALUES (:number, zeroblob(:size))"), {"number": number, "size": size})
    return number


def limit(session: Session, pages: int) -> None:
    session.execute(text(f"PRAGMA max_page_count={pages}"))


def every(session: Session) -> list[int]:
    return list(session.scalars(text("SELECT id FROM things ORDER BY id")))


def finds_nothing(session: Session) -> None:
    raise StopIteration


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    made = Writer(make_url(f"sqlite:///{tmp_path}/one.db"), Tools(Keyring.generate()))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def does(writer: Writer) -> Does:
    async def carry_out(command: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.wait_for(writer.carry_out(Write(command), args, {}), 10)

    return carry_out


async def together(does: Does, *commands: tuple[Any, ...]) -> list[Any]:
    """In one group: they wait while the thread is held by another."""
    held, begun = threading.Event(), threading.Event()

    def hold(session: Session) -> None:
        begun.set()
        held.wait(10)

    first = asyncio.create_task(does(hold))
    await asyncio.to_thread(begun.wait, 10)
    tasks = [asyncio.create_task(does(*command)) for command in commands]
    await asyncio.sleep(0)
    held.set()
    await first
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_command_that_fails_takes_no_other_with_it(does: Does) -> None:
    await does(make)
    told = await together(does, (add, 1), (add, 1), (add, 2))
    assert (told[0], told[2]) == (1, 2) and isinstance(told[1], Exception)
    assert await does(every) == [1, 2]


async def test_when_sqlite_rolls_a_whole_group_back_nobody_is_told_that_it_is_done(does: Does, caplog: pytest.LogCaptureFixture) -> None:
    """A full disk, a page that cannot be read, no memory: then the transaction is gone, and not only the statement."""
    await does(make)
    await does(limit, 6)
    told = await together(does, (add, 1), (add, 2), (add, 3, 200_000), (add, 4), (add, 5))
    assert all(isinstance(one, TransactionLost) for one in told), told
    assert await does(every) == []
    await does(limit, 10_000)
    assert await together(does, (add, 1), (add, 3, 200_000)) == [1, 3], "and it works again"
    assert await does(every) == [1, 3]
    assert [record.getMessage() for record in caplog.records] == ["a group of 5 commands could not be committed"]
    caplog.clear()


async def test_a_command_that_raises_what_no_future_takes_keeps_nobody_waiting(does: Does) -> None:
    await does(make)
    told = await together(does, (add, 1), (finds_nothing,), (add, 2), (add, 3))
    assert (told[0], *told[2:]) == (1, 2, 3) and isinstance(told[1], RuntimeError)
    assert await does(every) == [1, 2, 3]


async def test_many_who_come_again_and_again_are_each_carried_out_once(does: Does) -> None:
    """A group waits for those who are under way, and never for those who are not."""
    await does(make)

    async def one(start: int) -> None:
        for number in range(start, start + 20):
            assert await does(add, number) == number

    await asyncio.gather(*(one(100 * person) for person in range(1, 30)))
    assert len(await does(every)) == 29 * 20
    assert await does(add, 1) == 1, "nobody else comes"


async def test_whoever_comes_after_the_end_is_told_at_once(tmp_path: Path) -> None:
    writer = Writer(make_url(f"sqlite:///{tmp_path}/one.db"), Tools(Keyring.generate()))
    writer.start()
    await writer.carry_out(Write(make), (), {})
    writer.stop()
    with pytest.raises(Closed):
        await asyncio.wait_for(writer.carry_out(Write(add), (1,), {}), 5)
