"""What libraries work out again and again is kept for the whole run: how a statement is compiled, and what a handler wants to be given.

A test opens a database of its own, and a dispatcher of its own, and would wait for all of it anew.
"""

from __future__ import annotations

import inspect
from types import CodeType
from typing import Any

from aiogram.dispatcher.event.handler import CallableObject
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


_wanted: dict[tuple[CodeType, bool], tuple[bool, set[str], bool]] = {}
_look = CallableObject.__post_init__


def _look_once(handler: CallableObject) -> None:
    callback = inspect.unwrap(handler.callback)
    method = inspect.ismethod(callback)
    code = getattr(callback.__func__ if method else callback, "__code__", None)
    if code is None:
        _look(handler)
    elif (known := _wanted.get((code, method))) is not None:
        handler.awaitable, handler.params, handler.varkw = known
    else:
        _look(handler)
        _wanted[code, method] = handler.awaitable, handler.params, handler.varkw


def keep_signatures() -> None:
    """From now on a dispatcher asks once for each function, and not for each handler, which parameters it has."""
    CallableObject.__post_init__ = _look_once  # type: ignore[method-assign, assignment]
