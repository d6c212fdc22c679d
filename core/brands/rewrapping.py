"""The tokens of resellers' bots under the shop's newest key; nothing sealed is touched."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.brands.queries import about
from core.brands.tables import Brand
from core.database import Wrapped, wrap_anew, write


def _key(row: Brand) -> Wrapped:
    return Wrapped(row.data_key, row.wrapping_key_id, about(row.word))


def _put(row: Brand, key: bytes, by: str) -> None:
    row.data_key, row.wrapping_key_id = key, by


@write
def rewrap_tokens(session: Session, *, after: int, most: int = 500) -> tuple[int, int | None]:
    """Tokens of all bots, closed ones too, as `inventory.rewrap`."""
    return wrap_anew(session, Brand, key=_key, put=_put, after=after, most=most)
