"""The state file: every record of the sandbox as one row of JSON, written behind within a twentieth of a second."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

Json = dict[str, Any]

WRITE_AFTER_SECONDS = 0.05


class Record(Protocol):
    """Something that can be written down as JSON."""

    def row(self) -> Json: ...


class Store:
    """Rows by kind and key, in SQLite, or nowhere when there is no file.

    Writes are gathered and committed together; `close` writes what is left. A power cut may lose the last twentieth of a second,
    never half a record.
    """

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self._waiting: dict[tuple[str, str], Record | None] = {}
        self._task: asyncio.Task[None] | None = None
        self._connection: sqlite3.Connection | None = None
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            # Rows are written from one worker thread at a time, so sharing the connection is safe.
            self._connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS records (kind TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, key))"
            )

    def rows(self, kind: str) -> Iterator[tuple[str, Json]]:
        """All rows of a kind, as they were when the sandbox stopped, in the order of their keys."""
        if self._connection is not None:
            for key, body in self._connection.execute("SELECT key, body FROM records WHERE kind = ? ORDER BY key", (kind,)):
                yield key, json.loads(body)

    def put(self, kind: str, key: str, record: Record) -> None:
        """Writes the record down soon, as it is then."""
        self._later(kind, key, record)

    def remove(self, kind: str, key: str) -> None:
        self._later(kind, key, None)

    def _later(self, kind: str, key: str, record: Record | None) -> None:
        if self._connection is None:
            return
        self._waiting[kind, key] = record
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._write_soon())

    async def _write_soon(self) -> None:
        while self._waiting:
            await asyncio.sleep(WRITE_AFTER_SECONDS)
            await asyncio.to_thread(self._write, self._taken())

    def _taken(self) -> list[tuple[str, str, str | None]]:
        # JSON is made here, on the loop, because a record may change while the thread writes.
        rows = [
            (kind, key, None if record is None else json.dumps(record.row(), ensure_ascii=False))
            for (kind, key), record in self._waiting.items()
        ]
        self._waiting.clear()
        return rows

    def _write(self, rows: list[tuple[str, str, str | None]]) -> None:
        assert self._connection is not None
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for kind, key, body in rows:
                if body is None:
                    self._connection.execute("DELETE FROM records WHERE kind = ? AND key = ?", (kind, key))
                else:
                    self._connection.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", (kind, key, body))
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    async def close(self) -> None:
        """Writes what is waiting and lets the file go."""
        if self._connection is None:
            return
        if self._task is not None:
            await self._task
        if self._waiting:
            self._write(self._taken())
        self._connection.close()
        self._connection = None
