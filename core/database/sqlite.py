"""SQLite: one writer thread with the only connection that writes, group commit, and read-only connections beside it."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, StaticPool, create_engine, event
from sqlalchemy.orm import Session

from core.database.tools import Tools
from core.database.verbs import Alone, Gathered, Write

log = logging.getLogger(__name__)

_READERS = 4
_GROUP = 128  # Jobs in one commit: enough to pay for the fsync, few enough that the first waits little.
_MANY = 8  # Commands in one group and waiting for the next: with fewer, none waits for another.
_COMING_SECONDS, _QUIET_SECONDS = 0.008, 0.001  # How long a group waits for more at most, and without any.
SYNCHRONOUS = "FULL"  # NORMAL loses acknowledged orders when the power fails.


class TransactionLost(Exception):
    """The database has ended a group's transaction of its own accord, as it does when it cannot read, write or get memory."""


class Closed(Exception):
    """The shop is closed: nothing is written any more."""


@dataclass(slots=True)
class Job:
    """A command that waits for the writer."""

    command: Write[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]  # of that loop
    result: Any = field(default=None)
    trouble: BaseException | None = field(default=None)


def sqlite_path(url: URL) -> Path:
    """The file of a SQLite URL."""
    assert url.database, "a SQLite shop needs a file"
    return Path(url.database)


def read_only_url(url: URL) -> URL:
    """The URL by which everybody but the writer opens the file: it can neither write nor checkpoint."""
    return URL.create("sqlite", database=f"file:{sqlite_path(url).resolve()}", query={"mode": "ro", "uri": "true"})


class Readers:
    """Threads that answer questions, each by a connection that can neither write nor checkpoint.

    A question goes to its thread whole: a driver that hands over every statement wakes the event loop a hundred times for the
    screens of one purchase.
    """

    def __init__(self, url: URL, tools: Tools) -> None:
        self._tools = tools
        self._engine = create_engine(
            read_only_url(url),
            pool_size=_READERS,
            max_overflow=0,
            hide_parameters=True,
            connect_args={"check_same_thread": False},
        )
        self._threads = ThreadPoolExecutor(_READERS, "sqlite-reader")

        @event.listens_for(self._engine, "connect")
        def _connected(connection: Any, record: Any) -> None:
            connection.isolation_level = None  # The driver would begin no transaction for a question.
            cursor = connection.cursor()
            for pragma in ("query_only=ON", "busy_timeout=10000", "mmap_size=268435456"):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

        @event.listens_for(self._engine, "begin")
        def _begins(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN")

    async def ask(self, question: Callable[[Session], Any]) -> Any:
        """Answer a question in one snapshot."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, question)

    def _answer(self, question: Callable[[Session], Any]) -> Any:
        with Session(self._engine, expire_on_commit=False, info={"tools": self._tools}) as session:
            return question(session)

    async def close(self) -> None:
        """Finish what was asked, then close the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()


class Writer:
    """The thread that carries out every command: what waits while one group is committed is the next group."""

    def __init__(self, url: URL, tools: Tools) -> None:
        self._path = sqlite_path(url)
        self._tools = tools
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="sqlite-writer", daemon=True)
        self._opened = threading.Event()
        self._trouble: BaseException | None = None
        self._closing = threading.Lock()  # No command comes in behind the last.
        self._closed = False

    def start(self) -> None:
        """Open the connection in the thread; raises what opening raised."""
        self._thread.start()
        self._opened.wait()
        if self._trouble:
            raise self._trouble

    async def carry_out(self, command: Write[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Queue the command and wait for the commit that holds it. Raises Closed."""
        loop = asyncio.get_running_loop()
        job = Job(command, args, kwargs, loop, loop.create_future())
        with self._closing:
            if self._closed:
                raise Closed
            self._jobs.put(job)
        return await job.future

    def stop(self) -> None:
        """Finish what was queued, then close."""
        with self._closing:
            self._closed = True
            self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        try:
            connection = _connect(self._path)
        except BaseException as trouble:
            self._trouble = trouble
            self._opened.set()
            return
        self._opened.set()
        last, callers = False, 0
        while not last:
            first = self._jobs.get()
            if first is None:
                break
            if callers >= _MANY:
                self._await(callers - 1)  # The first is here.
            group = [first]
            while len(group) < _GROUP:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    last = True
                    break
                group.append(job)
            self._commit(connection, group)
            callers = len(group) + self._jobs.qsize()
        connection.exec_driver_sql("PRAGMA optimize")
        connection.close()
        connection.engine.dispose()

    def _await(self, wanted: int) -> None:
        """Let so many come in, or those who come within a moment: the loop that brings them and this thread take turns with the
        interpreter, and each works faster while the other rests.
        """
        until = time.perf_counter() + _COMING_SECONDS
        waiting = self._jobs.qsize()
        while waiting < min(wanted, _GROUP) and time.perf_counter() < until:
            time.sleep(_QUIET_SECONDS)
            before, waiting = waiting, self._jobs.qsize()
            if waiting == before:
                return

    def _commit(self, connection: Connection, group: list[Job]) -> None:
        try:
            with connection.begin():
                self._run(connection, group)
                _still_begun(connection)
        except BaseException as trouble:
            # Begin or commit itself failed (disk full, file gone): nobody's change is there, and everybody is told.
            log.exception("a group of %d commands could not be committed", len(group))
            self._tools.low_water.clear()
            for job in group:
                job.result, job.trouble = None, trouble
        _tell(group)

    def _run(self, connection: Connection, group: list[Job]) -> None:
        gathered: dict[int, list[Job]] = {}
        for job in group:
            if isinstance(job.command, Gathered) and not job.args:
                gathered.setdefault(id(job.command), []).append(job)
        for jobs in gathered.values():
            self._together(connection, jobs)
        for job in group:
            if not (isinstance(job.command, Gathered) and not job.args):
                self._alone(connection, job)

    def _together(self, connection: Connection, jobs: list[Job]) -> None:
        command = jobs[0].command
        assert isinstance(command, Gathered)
        try:
            with connection.begin_nested():
                answers = command.together(connection, [job.kwargs for job in jobs], self._tools)
        except Exception:
            # One of them broke the batch: each runs by itself, so that no neighbour fails with it.
            _still_begun(connection)
            self._tools.low_water.clear()
            log.exception("a batch of %d failed and is run one by one", len(jobs))
            for job in jobs:
                self._alone(connection, job)
            return
        for job, answer in zip(jobs, answers, strict=True):
            if isinstance(answer, Alone):
                self._alone(connection, job)
            elif isinstance(answer, Exception):
                job.trouble = answer
            else:
                job.result = answer

    def _alone(self, connection: Connection, job: Job) -> None:
        session = Session(bind=connection, join_transaction_mode="create_savepoint", expire_on_commit=False, info={"tools": self._tools})
        try:
            with session, session.begin():
                job.result = job.command.run(session, *job.args, **job.kwargs)
        except Exception as trouble:
            _still_begun(connection)
            job.result, job.trouble = None, trouble


def _still_begun(connection: Connection) -> None:
    """Raises TransactionLost when the group's transaction is not there any more.

    After some failures SQLite rolls everything back, and not only the statement. Whatever ran then would be a transaction of its
    own, while what ran before is gone: nothing of the group may be told to be done.
    """
    raw = connection.connection.dbapi_connection
    if raw is None or not raw.in_transaction:
        raise TransactionLost


def _tell(group: list[Job]) -> None:
    """Hand everybody their outcome; each call into an event loop wakes it up, so there is one for all who wait in it."""
    waiting: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in group:
        waiting.setdefault(job.loop, []).append(job)
    for loop, jobs in waiting.items():
        try:
            loop.call_soon_threadsafe(_settle, jobs)
        except RuntimeError:
            log.warning("%d commands were committed after their callers' event loop had closed", len(jobs))


def _settle(jobs: list[Job]) -> None:
    for job in jobs:
        # A caller may have gone away; the command is carried out all the same.
        if not job.future.done():
            if job.trouble is None:
                job.future.set_result(job.result)
            elif isinstance(job.trouble, StopIteration):
                # No future takes one, and whoever comes after in this group is to be told, too.
                job.future.set_exception(RuntimeError("a command has raised StopIteration"))
            else:
                job.future.set_exception(job.trouble)


def _connect(path: Path) -> Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=StaticPool,
        hide_parameters=True,
        connect_args={"check_same_thread": False},
    )
    prepare_connection(engine)
    return engine.connect()


def prepare_connection(engine: Any) -> None:
    """Give every connection of a writing engine its pragmas, and transactions that begin by taking the write lock."""

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={SYNCHRONOUS}",
            "busy_timeout=10000",
            "foreign_keys=ON",
            "cache_size=-65536",
            "mmap_size=268435456",
            "temp_store=MEMORY",
            "wal_autocheckpoint=4000",  # Pages: a page that many sales touched is written back once, not after every few commits.
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begins(connection: Connection) -> None:
        # Two readers that turn into writers cannot wait for each other.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
