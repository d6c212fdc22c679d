"""Looking after the keys of the codes: whether there are any, whether these keys open them, and giving batches a new wrapping."""

from __future__ import annotations

from collections.abc import Collection

from cryptography.exceptions import InvalidTag
from sqlalchemy import not_, or_, select
from sqlalchemy.orm import Session

from core.database import Wrapped, keys, read, wrap_anew, write
from core.inventory.batches import abandoned
from core.inventory.tables import Batch, Code


@read
def any_codes(session: Session) -> bool:
    """Does the shop hold a code, of whatever state? Then its keys are irreplaceable."""
    return session.scalars(select(Code.id).limit(1)).first() is not None


@read
def known(session: Session, fingerprints: Collection[bytes]) -> set[bytes]:
    """Those of these fingerprints (at most a thousand at once) that would not be taken: their codes have entered the shop, or
    are being imported. What an import that died left behind may come again.
    """
    if not fingerprints:
        return set()
    assert len(fingerprints) <= 1000, "one parameter each"
    taken = or_(Code.staged.is_(None), not_(abandoned(session)))
    question = select(Code.fingerprint).join(Batch, Batch.id == Code.batch_id).where(Code.fingerprint.in_(fingerprints), taken)
    return set(session.scalars(question))


@read
def keys_fit(session: Session) -> bool:
    """Do the shop's keys open the newest batch? False means that they are another shop's. Raises KeysMissing when one is lacking."""
    batch = session.scalars(select(Batch).order_by(Batch.id.desc()).limit(1)).one_or_none()
    if batch is None:
        return True
    try:
        keys(session).open_data_key(batch.wrapped_key, batch.wrapping_key_id, batch.aad)
    except InvalidTag:
        return False
    return True


@write
def rewrap(session: Session, *, after: int, most: int = 500) -> tuple[int, int | None]:
    """Wrap the data keys of up to `most` batches above the id `after` with the newest key; no code is touched.

    Returns how many were wrapped anew, and the id to go on after (None at the end). Raises KeysMissing.
    """

    def put(batch: Batch, key: bytes, by: str) -> None:
        batch.wrapped_key, batch.wrapping_key_id = key, by

    def key(batch: Batch) -> Wrapped:
        return Wrapped(batch.wrapped_key, batch.wrapping_key_id, batch.aad)

    return wrap_anew(session, Batch, key=key, put=put, after=after, most=most)
