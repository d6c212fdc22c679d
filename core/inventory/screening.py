"""Codes that must not be sold after all: what those not sold yet are, for the blacklist, and taking them out for ever."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from core import blacklist
from core.database import among, keys, now, read, tools, write
from core.inventory.codes import Secret, row_identity
from core.inventory.holds import end_hold
from core.inventory.tables import Batch, Code


def _digests(session: Session, which: ColumnElement[bool], most: int | None = None) -> list[tuple[int, bytes]]:
    question = (
        select(Code.id, Code.row, Code.ciphertext, Batch.id, Batch.wrapped_key, Batch.wrapping_key_id, Batch.aad)
        .join(Batch, Batch.id == Code.batch_id)
        .where(which)
        .order_by(Code.id)
    )
    rows = session.execute(question if most is None else question.limit(most)).all()
    data_keys = {
        batch_id: keys(session).open_data_key(wrapped, key_id, aad)
        for batch_id, wrapped, key_id, aad in {(r[3], r[4], r[5], r[6]) for r in rows}
    }
    return [
        (code_id, blacklist.digest_of(Secret.unpacked(data_keys[batch_id].open(ciphertext, row_identity(aad, row))).joined()))
        for code_id, row, ciphertext, batch_id, _, _, aad in rows
    ]


@read
def unsold_digests(session: Session, *, after: int, most: int) -> list[tuple[int, bytes]]:
    """Codes on the shelf or held, with ids above `after`, each with the digest by which the blacklist knows it; never in clear."""
    return _digests(session, (Code.id > after) & or_(Code.available.is_not(None), Code.hold_id.is_not(None)), most)


@read
def digests_of_order(session: Session, order_id: int) -> list[tuple[int, bytes]]:
    """The same of the codes of an order that were not refunded."""
    return _digests(session, (Code.order_id == order_id) & Code.refunded_at.is_(None))


@read
def first_unpublished(session: Session, before: datetime) -> int | None:
    """The lowest id of a code that is still staged in a batch begun before this instant; None when there is none."""
    question = select(func.min(Code.id)).join(Batch, Batch.id == Code.batch_id).where(Code.staged.is_not(None), Batch.made_at < before)
    return session.scalar(question)


@read
def hold_offers(session: Session, hold_id: int) -> set[int]:
    """The offers whose codes a hold keeps."""
    return set(session.scalars(select(Code.offer_id).where(Code.hold_id == hold_id).distinct()))


@write
def void_unsold(session: Session, *, code_ids: Collection[int]) -> dict[int, str]:
    """Take those of these codes that are not sold out for ever; what is held is given up first, all of its hold.

    Returns each code that is void now with where it was: shelf or held. What was sold meanwhile is left as it is.
    """
    if not code_ids:
        return {}
    # Not only a filter: whoever sells or settles at this moment is waited for, and then keeps what they have.
    rows = session.execute(
        select(Code.id, Code.hold_id, Code.available).where(among(session, Code.id, code_ids)).order_by(Code.id).with_for_update()
    ).all()
    held = {code_id for code_id, hold_id, _ in rows if hold_id is not None}
    for hold_id in sorted({hold_id for _, hold_id, _ in rows if hold_id is not None}):
        end_hold(session, hold_id=hold_id, lapsed=False)
    these = held | {code_id for code_id, _, available in rows if available is not None}
    tools(session).low_water.clear()
    gone = session.scalars(
        update(Code)
        .where(among(session, Code.id, these), Code.available.is_not(None))
        .values(available=None, void_at=now(session))
        .returning(Code.id),
        execution_options={"synchronize_session": False},
    ).all()
    return {code_id: "held" if code_id in held else "shelf" for code_id in gone}


@write
def void_offers(session: Session, *, offer_ids: Collection[int], most: int) -> dict[int, int]:
    """Take up to `most` codes of these offers that are not sold out for ever; how many of each offer. Call again until it is empty."""
    voided: dict[int, int] = {}
    for offer_id in sorted(set(offer_ids)):
        room = most - sum(voided.values())
        if room <= 0:
            break
        ids = session.scalars(
            select(Code.id)
            .where(Code.offer_id == offer_id, or_(Code.available.is_not(None), Code.hold_id.is_not(None)))
            .order_by(Code.id)
            .limit(room)
        ).all()
        if n := len(void_unsold(session, code_ids=ids)):
            voided[offer_id] = n
    return voided
