"""Whether every kept ranking still explains itself: its result, worked out again from its inputs and weights."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.orm import Session

from core import routing

EXPLAINED = "a ranking is worked out again from what it was made of"


def unexplained(session: Session) -> Iterator[tuple[str, str]]:
    """Rankings whose result is not what their inputs and weights give."""
    for sku_id, version in routing.unexplained(session):
        yield f"sku {sku_id}", f"version {version} says otherwise than its inputs and weights"
