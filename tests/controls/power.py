"""Power cuts, simulated: a disk that keeps only what was synced, under the shop's own sale on SQLite.

`python -m tests.controls.power BASE CUTS SYNCHRONOUS` sells from copies of the shop BASE on a file system of our own. At a
random write the power fails: what was synced is there, and of what was written since, each write is there, torn at a sector,
or lost, in any order. Then the copy is opened by the ordinary SQLite and examined. One JSON line says what was found.

Differs from the running shop in two things: SQLite is the one that comes with apsw (only it lets us be the disk), and the
lock is held exclusively, because the shared memory of the write-ahead log is no part of the disk.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw
from sqlalchemy import create_engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

import core.schema  # noqa: F401 - all tables
from core import orders
from core.audit import examine
from core.database import Keyring, Tools
from core.orders import Receipt

SECTOR = 512


class PowerCut(Exception):
    """The machine is dark: from now on nothing reaches the disk."""


@dataclass
class Platter:
    """One file: what is surely on it, and what was written since the last sync (offset and bytes, or a new length)."""

    durable: bytearray
    pending: list[tuple[int, bytes] | int] = field(default_factory=list)

    def settle(self, operations: list[tuple[int, bytes] | int]) -> None:
        """Write these for good."""
        for operation in operations:
            if isinstance(operation, int):
                del self.durable[operation:]
                self.durable.extend(bytes(operation - len(self.durable)))
            else:
                offset, data = operation
                self.durable.extend(bytes(max(0, offset + len(data) - len(self.durable))))
                self.durable[offset : offset + len(data)] = data

    def after_a_cut(self, chance: random.Random) -> bytes:
        """What is found when the power is back."""
        fate = chance.choice(["nothing more", "all of it", "some of it"])
        survived: list[tuple[int, bytes] | int] = []
        if fate == "all of it":
            survived = self.pending
        elif fate == "some of it":
            for operation in self.pending:
                if chance.random() < 0.5:
                    if not isinstance(operation, int) and chance.random() < 0.5:
                        offset, data = operation
                        operation = offset, data[: SECTOR * chance.randrange(1 + len(data) // SECTOR)]
                    survived.append(operation)
            chance.shuffle(survived)
        self.settle(survived)
        return bytes(self.durable)


class Machine:
    """The disk's files by name, and when the power fails."""

    def __init__(self) -> None:
        self.platters: dict[str, Platter] = {}
        self.writes_left = 0
        self.dark = False

    def counts_a_write(self) -> None:
        self.writes_left -= 1
        if self.writes_left <= 0:
            self.dark = True
        self.must_be_on()

    def must_be_on(self) -> None:
        if self.dark:
            raise PowerCut


MACHINE = Machine()


class DiskFile(apsw.VFSFile):
    """A file of SQLite's whose writes are remembered until they are synced."""

    def __init__(self, name: Any, flags: list[int]) -> None:
        self.name = name.filename() if isinstance(name, apsw.URIFilename) else name
        super().__init__("", name, flags)
        if self.name not in MACHINE.platters:
            MACHINE.platters[self.name] = Platter(bytearray(Path(self.name).read_bytes()))

    def xWrite(self, data: bytes, offset: int) -> None:
        MACHINE.must_be_on()
        MACHINE.platters[self.name].pending.append((offset, bytes(data)))
        super().xWrite(data, offset)
        MACHINE.counts_a_write()

    def xTruncate(self, newsize: int) -> None:
        MACHINE.must_be_on()
        MACHINE.platters[self.name].pending.append(newsize)
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:
        MACHINE.must_be_on()
        super().xSync(flags)
        platter = MACHINE.platters[self.name]
        platter.settle(platter.pending)
        platter.pending.clear()
        MACHINE.counts_a_write()


class Disk(apsw.VFS):
    def __init__(self) -> None:
        super().__init__("power", "")

    def xOpen(self, name: Any, flags: list[int]) -> DiskFile:
        return DiskFile(name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        MACHINE.must_be_on()
        MACHINE.platters.pop(filename, None)
        super().xDelete(filename, syncdir)


@dataclass
class Story:
    """One run of the shop until the power fails: what it acknowledged."""

    path: Path
    synchronous: str
    chance: random.Random
    acknowledged: dict[str, int] = field(default_factory=dict)

    def sell_until_dark(self, goods: dict[str, int], buyers: list[int]) -> None:
        MACHINE.platters.clear()
        MACHINE.dark, MACHINE.writes_left = False, self.chance.randrange(5, 900)
        connection = None
        try:
            connection = apsw.Connection(str(self.path), vfs="power")
            checkpoint = self.chance.choice([5, 20, 100, 1000])
            for pragma in (
                "locking_mode=EXCLUSIVE",
                "journal_mode=WAL",
                f"synchronous={self.synchronous}",
                "foreign_keys=ON",
                f"wal_autocheckpoint={checkpoint}",
            ):
                connection.execute(f"PRAGMA {pragma}")
            # What the sale asks of SQLAlchemy's connection: a cursor of the driver, and which database this is.
            shop = SimpleNamespace(connection=connection, dialect=SimpleNamespace(name="sqlite"))
            tools = Tools(keys=Keyring.generate())
            numbers = count()
            while True:
                asks: list[dict[str, Any]] = [
                    {**goods, "buyer_id": self.chance.choice(buyers), "quantity": self.chance.randint(1, 3), "once": f"k{next(numbers)}"}
                    for _ in range(self.chance.randint(1, 8))
                ]
                connection.execute("BEGIN IMMEDIATE")
                answers = orders.buy.together(shop, asks, tools)  # type: ignore[arg-type]  # As much of a connection as the sale asks for.
                connection.execute("COMMIT")
                sold: dict[str, int] = {
                    ask["once"]: answer.order_id for ask, answer in zip(asks, answers, strict=True) if isinstance(answer, Receipt)
                }
                assert sold, "there is stock and money for the whole story"
                self.acknowledged |= sold
        except (PowerCut, apsw.Error):
            assert MACHINE.dark, "nothing but the power fails"
        finally:
            if connection is not None:
                with contextlib.suppress(PowerCut, apsw.Error):
                    connection.close(True)

    def power_returns(self) -> None:
        for name, platter in MACHINE.platters.items():
            if not name.endswith("-shm"):
                Path(name).write_bytes(platter.after_a_cut(self.chance))
        Path(f"{self.path}-shm").unlink(missing_ok=True)

    def found(self) -> str:
        """What the cut did: nothing, or lost, unsound or corrupt."""
        try:
            with contextlib.closing(sqlite3.connect(self.path)) as connection:
                if connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                    return "corrupt"
                kept = dict(connection.execute("SELECT once, id FROM orders WHERE state = 'issued'"))
            engine = create_engine(f"sqlite:///{self.path}")
            with Session(engine) as session:
                clean = examine(session).clean
            engine.dispose()
        except (sqlite3.DatabaseError, DatabaseError):
            return "corrupt"
        if any(kept.get(key) != order for key, order in self.acknowledged.items()):
            return "lost"
        return "sound" if clean else "unsound"


def cut(base: Path, cuts: int, synchronous: str) -> dict[str, Any]:
    """So many power cuts; how many shops were found in which state, and how many sales they had acknowledged."""
    disk = Disk()  # Registered while it lives.
    with contextlib.closing(sqlite3.connect(base)) as connection:
        names = "storefront_id", "sku_id", "price_id", "rules_version"
        row = connection.execute(
            "SELECT p.storefront_id, p.sku_id, p.id, s.rules_version FROM prices p JOIN skus s ON s.id = p.sku_id"
        ).fetchone()
        buyers = [buyer for (buyer,) in connection.execute("SELECT id FROM customers")]
    result: Counter[str] = Counter()
    acknowledged = 0
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        for number in range(cuts):
            path = Path(folder) / f"{number}.db"
            shutil.copy(base, path)
            story = Story(path, synchronous, random.Random(number))
            story.sell_until_dark(dict(zip(names, row, strict=True)), buyers)
            story.power_returns()
            result[story.found()] += 1
            acknowledged += len(story.acknowledged)
            for file in Path(folder).iterdir():
                file.unlink()
    del disk
    return {"synchronous": synchronous, "cuts": cuts, "acknowledged": acknowledged, **result}


if __name__ == "__main__":
    print(json.dumps(cut(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])))
