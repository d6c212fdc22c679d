"""One code of an order by itself: as it may be shown to a clerk, and exchanged for another from the shelf."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.database import among, keys, now, read, write
from core.inventory.codes import Secret, pick, row_identity
from core.inventory.tables import Batch, Code


@dataclass(frozen=True, slots=True)
class Exchanged:
    """The code that took another's place in an order, and the offer it came from."""

    code_id: int
    offer_id: int


def mask(text: str) -> str:
    """The first and last characters of a code; never more than half of it."""
    shown = min(2, len(text) // 4)
    return f"{text[:shown]}••••{text[len(text) - shown :]}" if shown else "••••"


@read
def masked(session: Session, code_ids: Collection[int]) -> dict[int, str]:
    """First and last characters of these codes (of the number, where there is one), enough to tell them apart and no more."""
    return {code_id: mask(secret.card_no or secret.card_pwd or "") for code_id, secret in _opened(session, code_ids).items()}


@read
def ending(session: Session, code_ids: Collection[int], text: str) -> set[int]:
    """Those of these codes that end with this text, as `masked` shows them or longer; at least two characters, however they are written."""
    end = text.strip().lstrip("•.…*").casefold()
    if len(end) < 2:
        return set()
    return {
        code_id
        for code_id, secret in _opened(session, code_ids).items()
        if any(part.casefold().endswith(end) for part in (secret.card_no, secret.card_pwd) if part)
    }


@read
def one_opened(session: Session, code_id: int) -> Secret | None:
    """One code in clear. Only for a delivery, which logs it."""
    return _opened(session, [code_id]).get(code_id)


def _opened(session: Session, code_ids: Collection[int]) -> dict[int, Secret]:
    rows = session.execute(
        select(Code.id, Code.row, Code.ciphertext, Batch.wrapped_key, Batch.wrapping_key_id, Batch.aad)
        .join(Batch, Batch.id == Code.batch_id)
        .where(among(session, Code.id, code_ids))
    ).all()
    ring = keys(session)
    return {
        code_id: Secret.unpacked(ring.open_data_key(wrapped, key_id, aad).open(ciphertext, row_identity(aad, row)))
        for code_id, row, ciphertext, wrapped, key_id, aad in rows
    }


@read
def codes_of(
    session: Session, order_id: int, *, code_id: int | None = None, skip: int = 0, limit: int | None = None
) -> list[tuple[int, int]]:
    """The codes an order still has – refunded ones are not its own any more – with their offers, in the order they were delivered.

    With `code_id` only that one, if it is there.
    """
    question = select(Code.id, Code.offer_id).where(Code.order_id == order_id, Code.refunded_at.is_(None)).order_by(Code.id).offset(skip)
    if code_id is not None:
        question = question.where(Code.id == code_id)
    return [(found, offer_id) for found, offer_id in session.execute(question if limit is None else question.limit(limit))]


@read
def still_sold(session: Session, code_ids: Collection[int]) -> set[int]:
    """Those of these codes that are in an order and were not refunded."""
    return set(
        session.scalars(select(Code.id).where(among(session, Code.id, code_ids), Code.order_id.is_not(None), Code.refunded_at.is_(None)))
    )


def lock_sold(session: Session, *, code_id: int, order_id: int) -> int | None:
    """Lock a code of an order until the end of this transaction; its offer, or None when the order has it no more. A part of commands."""
    return session.scalars(
        select(Code.offer_id).where(Code.id == code_id, Code.order_id == order_id, Code.refunded_at.is_(None)).with_for_update()
    ).one_or_none()


@write
def exchange(session: Session, *, order_id: int, code_id: int, offer_ids: Sequence[int]) -> Exchanged | None:
    """Give an order another code for one that it has, from the first of these offers that has any; the old code is void for ever.

    None when all of them are sold out; then nothing is changed. The code must be locked by `lock_sold`.
    """
    picked = pick(session, offer_ids=offer_ids, quantity=1)
    if not picked:
        return None
    [(offer_id, [new_id])] = picked.items()
    for which, place in (
        (code_id, {"order_id": None, "void_at": now(session)}),
        (new_id, {"available": None, "order_id": order_id}),
    ):
        session.execute(update(Code).where(Code.id == which).values(**place), execution_options={"synchronize_session": False})
    return Exchanged(new_id, offer_id)
