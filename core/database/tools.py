"""What a command may use besides its Session: the clock, the keys, and the hints of this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from core.database.keys import Keyring


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Tools:
    """Handed to every Session of a Shop as `session.info["tools"]`."""

    keys: Keyring
    clock: Callable[[], datetime] = utc_now
    # Denomination → (offer, a sort number below which nothing of it is left): only ever a hint, dropped when it misleads.
    low_water: dict[int, tuple[int, int]] = field(default_factory=dict)
    # Denomination → (rank, since when): sources ranked before it had nothing on their shelves then; believed for a moment, and only a hint.
    empty_before: dict[int, tuple[int, datetime]] = field(default_factory=dict)
    # What a capability remembers for a moment, by a name of its own: only ever hints, too.
    remembered: dict[str, dict[Any, Any]] = field(default_factory=dict)
    opened_at: datetime = field(init=False)  # by this process: what only one process may do is done by nobody since before

    def __post_init__(self) -> None:
        self.opened_at = self.clock()


def tools(session: Session) -> Tools:
    """The tools of the Shop that this Session belongs to."""
    found: Tools = session.info["tools"]
    return found


def now(session: Session) -> datetime:
    """The Shop's time (a test may move it)."""
    return tools(session).clock()


def keys(session: Session) -> Keyring:
    """The Shop's encryption keys."""
    return tools(session).keys
