"""The secrets of resellers' keys under the shop's newest key; nothing sealed is touched."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.api.keys import bound_to
from core.api.tables import ApiKey
from core.database import Wrapped, wrap_anew, write


def _key(row: ApiKey) -> Wrapped:
    return Wrapped(row.data_key, row.wrapping_key_id, bound_to(row.name))


def _put(row: ApiKey, key: bytes, by: str) -> None:
    row.data_key, row.wrapping_key_id = key, by


@write
def rewrap_keys(session: Session, *, after: int, most: int = 500) -> tuple[int, int | None]:
    """Secrets of all keys, disabled ones too, as `inventory.rewrap`."""
    return wrap_anew(session, ApiKey, key=_key, put=_put, after=after, most=most)
