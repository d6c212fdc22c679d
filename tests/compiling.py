"""What SQLAlchemy makes of a statement is kept for the whole run: a test opens a database of its own, and would compile everything anew."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

_kept: LRUCache[Any, Any] = LRUCache(5000)


def _same(dialect: DefaultDialect, other: object) -> bool:
    # All servers of a run are of one version, and all engines of a driver are made with the same settings.
    return type(dialect) is type(other)


def _hash(dialect: DefaultDialect) -> int:
    return hash(type(dialect))


def keep_compiled() -> None:
    """From now on every engine finds the statements that an engine before it has compiled for the same driver."""
    DefaultDialect.__eq__ = _same  # type: ignore[assignment]
    DefaultDialect.__hash__ = _hash  # type: ignore[method-assign, assignment]

    @event.listens_for(Engine, "engine_connect")
    def _connected(connection: Any) -> None:
        connection.engine._compiled_cache = _kept
