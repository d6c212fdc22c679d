"""The Shop: `await shop.read(question, …)` and `await shop.write(command, …)`, on either database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import ParamSpec, TypeVar

from sqlalchemy import make_url

from core.database.keys import Keyring
from core.database.lock import WriterLock
from core.database.postgres import Batcher, Pool
from core.database.sqlite import Readers, Writer, sqlite_path
from core.database.tools import Tools, utc_now
from core.database.verbs import Gathered, Read, Write

P = ParamSpec("P")
R = TypeVar("R")


class Shop:
    """The order core, opened on a database. Make one by `async with Shop.opened(…)` or `await Shop.open(…)`."""

    def __init__(self, url: str, keys: Keyring, clock: Callable[[], datetime] = utc_now) -> None:
        self.url = make_url(url)
        self.tools = Tools(keys=keys, clock=clock)
        self._lock: WriterLock | None = None
        self._writer: Writer | None = None
        self._pool: Pool | None = None
        self._batchers: dict[int, Batcher] = {}
        self._readers: Readers | Pool

    @classmethod
    async def open(cls, url: str, keys: Keyring, *, holder: str = "shop", clock: Callable[[], datetime] = utc_now) -> Shop:
        """Open for reading and writing. Raises WriterBusy when another process writes to the SQLite file."""
        shop = cls(url, keys, clock)
        if shop.is_sqlite:
            shop._lock = WriterLock(sqlite_path(shop.url), holder)
            shop._lock.take()
            shop._writer = Writer(shop.url, shop.tools)
            try:
                shop._writer.start()
            except BaseException:
                shop._lock.release()
                raise
        shop._open_readers()
        return shop

    @classmethod
    async def open_to_read(cls, url: str, keys: Keyring, *, clock: Callable[[], datetime] = utc_now) -> Shop:
        """Open for questions only: safe beside a running shop."""
        shop = cls(url, keys, clock)
        shop._open_readers()
        return shop

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str, keys: Keyring, *, holder: str = "shop", clock: Callable[[], datetime] = utc_now) -> AsyncIterator[Shop]:
        """Open, and close at the end."""
        shop = await cls.open(url, keys, holder=holder, clock=clock)
        try:
            yield shop
        finally:
            await shop.close()

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    async def read(self, question: Read[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Ask a question in one snapshot; raises its Refusal."""
        answer: R = await self._readers.ask(lambda session: question.run(session, *args, **kwargs))
        return answer

    async def write(self, command: Write[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Carry a command out in one transaction: when this returns it is committed, when it raises a Refusal nothing was changed."""
        result: R
        if self._writer is not None:
            result = await self._writer.carry_out(command, args, kwargs)
            return result
        assert self._pool is not None and not self.read_only, "this shop was opened to read"
        if isinstance(command, Gathered) and not args:
            batcher = self._batchers.get(id(command))
            if batcher is None:
                batcher = self._batchers[id(command)] = Batcher(command, self.url, self.tools, self._pool)
            result = await batcher.ask(kwargs)
            return result
        result = await self._pool.carry_out(command, args, kwargs)
        return result

    @property
    def read_only(self) -> bool:
        return self.is_sqlite and self._writer is None

    async def close(self) -> None:
        """Finish what was accepted, then close every connection."""
        for batcher in self._batchers.values():
            await batcher.close()
        await self._readers.close()
        if self._writer is not None:
            self._writer.stop()
        if self._lock is not None:
            self._lock.release()

    def _open_readers(self) -> None:
        if self.is_sqlite:
            self._readers = Readers(self.url, self.tools)
        else:
            self._readers = self._pool = Pool(self.url, self.tools)
