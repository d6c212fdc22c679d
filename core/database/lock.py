"""On SQLite one process writes: an operating-system lock beside the database file, which also says who holds it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class WriterBusy(Exception):
    """Another process writes to this SQLite file; the message says which, and what to do."""


class WriterLock:
    """Held from `take` to `release`; the kernel gives it back when the process dies, however it dies."""

    def __init__(self, database: Path, holder: str) -> None:
        self.path = database.with_name(database.name + ".lock")
        self.holder = holder
        self._handle: int | None = None

    def take(self) -> None:
        """Take the lock or raise WriterBusy at once."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            who = os.read(handle, 200).decode(errors="replace").strip() or "another process"
            os.close(handle)
            raise WriterBusy(
                f"{who} is writing to this SQLite database, and only one process may: stop it first, "
                "or set SHOP_DATABASE to PostgreSQL to run several."
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"`{self.holder}` (process {os.getpid()})".encode(), 0)
        self._handle = handle

    def release(self) -> None:
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None
