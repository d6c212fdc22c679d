"""PostgreSQL: a pool for ordinary commands, and a batcher that runs what waits as one statement."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session

from core.database.tools import Tools
from core.database.verbs import Alone, Gathered, Write

log = logging.getLogger(__name__)

_BATCH = 128
_TRIES = 6
_POOL = 8
_UNIQUE = "23505"
_RETRIED = {"40001", "40P01"}  # serialization failure, deadlock: nothing was done, so it may be done again

_SAFETY = {"idle_in_transaction_session_timeout": "60s", "lock_timeout": "20s", "application_name": "shop", "jit": "off"}
# The set statement has one good plan: nested loops over indexes, whatever the statistics of the moment say.
SALE_SETTINGS = {
    **_SAFETY,
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}


def engine(url: URL, settings: dict[str, str], size: int, **more: Any) -> AsyncEngine:
    """An engine whose connections have these server settings."""
    return create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        pool_size=size,
        max_overflow=0,
        pool_timeout=60,
        pool_pre_ping=True,
        hide_parameters=True,  # An exception never shows what a statement was given: it may be a code.
        connect_args={"server_settings": settings, "timeout": 15, "command_timeout": 60},
        **more,
    )


class Pool:
    """Ordinary commands and questions, each in its own transaction."""

    def __init__(self, url: URL, tools: Tools) -> None:
        self.engine = engine(url, _SAFETY, _POOL)
        self.sessions = async_sessionmaker(self.engine, expire_on_commit=False, info={"tools": tools})
        # The same pool; a question of several statements sees one state.
        asked_of = self.engine.execution_options(isolation_level="REPEATABLE READ")
        self._snapshots = async_sessionmaker(asked_of, expire_on_commit=False, info={"tools": tools})

    async def ask(self, question: Callable[[Session], Any]) -> Any:
        """Answer a question in one snapshot."""
        async with self._snapshots() as session:
            return await session.run_sync(question)

    async def carry_out(self, command: Write[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the command in one transaction; what the database undid by itself is tried again, a bounded number of times."""
        for attempt in range(1, _TRIES + 1):
            try:
                async with self.sessions() as session, session.begin():
                    return await session.run_sync(lambda s: command.run(s, *args, **kwargs))
            except DBAPIError as trouble:
                if attempt == _TRIES or _sqlstate(trouble) not in _RETRIED:
                    raise
                await asyncio.sleep(0.01 * attempt)
        raise AssertionError("unreachable")

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


class Batcher:
    """Group commit for one gathered command: what arrives while a batch is being written is the next batch."""

    def __init__(self, command: Gathered[..., Any], url: URL, tools: Tools, pool: Pool) -> None:
        self._command = command
        self._tools = tools
        self._pool = pool
        self._waiting: deque[tuple[dict[str, Any], asyncio.Future[Any]]] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        # Autocommit: the statement is the transaction.
        self._engine = engine(url, SALE_SETTINGS, 1, isolation_level="AUTOCOMMIT")
        self._alone: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(_POOL - 2)  # Refused ones that run again leave connections for questions.
        self._task = asyncio.create_task(self._work(), name=f"batcher-{getattr(command, '__name__', 'command')}")

    async def ask(self, kwargs: dict[str, Any]) -> Any:
        """Wait for the batch that holds this one; raises its Refusal."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((kwargs, future))
        self._wake.set()
        return await future

    async def close(self) -> None:
        """Finish what waits, then close."""
        self._closing = True
        self._wake.set()
        await self._task
        await asyncio.gather(*self._alone, return_exceptions=True)
        await self._engine.dispose()

    async def _work(self) -> None:
        connection: AsyncConnection | None = None
        while True:
            while not self._waiting:
                if self._closing:
                    if connection is not None:
                        await connection.close()
                    return
                self._wake.clear()
                await self._wake.wait()
            batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            asks = [kwargs for kwargs, _ in batch]
            try:
                if connection is None:
                    connection = await self._engine.connect()
                answers = await connection.run_sync(self._command.together, asks, self._tools)
                assert len(answers) == len(asks), "a batch answers each of its asks"
            except Exception as trouble:
                # Whether the batch was committed may be unknown: each runs by itself, and its key tells.
                if _sqlstate(trouble) == _UNIQUE:
                    log.info("a repeated command reached two processes at once; a batch of %d is run one by one", len(batch))
                else:
                    log.exception("a batch of %d failed and is run one by one", len(batch))
                await self._drop(connection)
                connection = None
                for kwargs, future in batch:
                    self._run_alone(kwargs, future)
                continue
            for (kwargs, future), answer in zip(batch, answers, strict=True):
                if isinstance(answer, Alone):
                    self._run_alone(kwargs, future)
                elif not future.done():
                    if isinstance(answer, Exception):
                        future.set_exception(answer)
                    else:
                        future.set_result(answer)

    async def _drop(self, connection: AsyncConnection | None) -> None:
        if connection is not None:
            try:
                await connection.invalidate()
                await connection.close()
            except Exception:
                log.warning("a broken connection could not be closed", exc_info=True)

    def _run_alone(self, kwargs: dict[str, Any], future: asyncio.Future[Any]) -> None:
        async def run() -> None:
            try:
                async with self._room:
                    result = await self._pool.carry_out(self._command, (), kwargs)
            except BaseException as trouble:
                if not future.done():
                    future.set_exception(trouble)
            else:
                if not future.done():
                    future.set_result(result)

        task = asyncio.create_task(run())
        self._alone.add(task)
        task.add_done_callback(self._alone.discard)


def _sqlstate(trouble: BaseException) -> str | None:
    """PostgreSQL's code of an error, if it is one of the database's."""
    return getattr(trouble.orig, "sqlstate", None) if isinstance(trouble, DBAPIError) else None
