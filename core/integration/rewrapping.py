"""The secrets of upstream connections under the shop's newest key; nothing sealed is touched."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.database import Wrapped, wrap_anew, write
from core.integration.tables import Upstream


def _key(row: Upstream) -> Wrapped:
    return Wrapped(row.data_key, row.wrapping_key_id, f"upstream-{row.word}")


def _put(row: Upstream, key: bytes, by: str) -> None:
    row.data_key, row.wrapping_key_id = key, by


@write
def rewrap_upstreams(session: Session, *, after: int, most: int = 500) -> tuple[int, int | None]:
    """Settings of all connections, removed ones too, as `inventory.rewrap`."""
    return wrap_anew(session, Upstream, key=_key, put=_put, after=after, most=most)
