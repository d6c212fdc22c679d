"""Codes that their supplier takes back: off the shelf, void here for ever, and handed over as one file, once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from core import journal, outbox
from core.database import among, keys, now, read, tools, write
from core.errors import N_, Refusal
from core.inventory.codes import Secret, row_identity
from core.inventory.tables import Batch, Code, TakeBack, TakenCode

MOST_BACK = 10_000  # in one go: one transaction, and one file that Telegram takes


@dataclass(eq=False)
class NothingOnShelf(Refusal):
    says: ClassVar[str] = N_("There is nothing on the shelf of this offer that could be taken back.")


@dataclass(frozen=True, slots=True)
class TakeBackView:
    """A take-back: how many codes, when, by whom; `handed_at` when the file has been in the chat."""

    id: int
    offer_id: int
    quantity: int
    by: str
    at: datetime
    handed_at: datetime | None


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What is in the file; the codes in memory only."""

    view: TakeBackView
    codes: list[Secret] = field(repr=False)


def _view(row: TakeBack) -> TakeBackView:
    return TakeBackView(row.id, row.offer_id, row.quantity, row.by, row.at, row.handed_at)


@write
def take_off(session: Session, *, offer_id: int, quantity: int, customer_id: int, by: str) -> TakeBackView:
    """Up to `quantity` codes (at most MOST_BACK), the last in first, leave the shelf for ever; the courier brings this customer the file.

    What is held or sold is not touched. Raises NothingOnShelf.
    """
    ids = session.scalars(
        select(Code.id)
        .where(Code.offer_id == offer_id, Code.available.is_not(None))
        .order_by(Code.available.desc())
        .limit(min(quantity, MOST_BACK))
        .with_for_update(skip_locked=True)
    ).all()
    if not ids:
        raise NothingOnShelf
    tools(session).low_water.clear()
    session.execute(
        update(Code).where(among(session, Code.id, ids)).values(available=None, void_at=now(session)),
        execution_options={"synchronize_session": False},
    )
    row = TakeBack(offer_id=offer_id, customer_id=customer_id, by=by, quantity=len(ids), at=now(session))
    session.add(row)
    session.flush()
    session.execute(insert(TakenCode), [{"code_id": code_id, "take_back_id": row.id} for code_id in ids])
    journal.record(
        session,
        by=by,
        did="take-back-codes",
        about="offer",
        about_id=offer_id,
        before={"shelf": len(ids)},
        after={"void": len(ids), "take_back": row.id},
    )
    outbox.post(
        session,
        topic=outbox.Topic.NOTICE,
        customer_id=customer_id,
        body={"says": "taken-back", "take_back": row.id},
        once=f"taken-back:{row.id}",
    )
    return _view(row)


@write
def open_taken_back(session: Session, *, take_back_id: int, customer_id: int, to_telegram_id: int) -> TakenBack | None:
    """The codes of a take-back in clear, for the one who asked and the courier alone; logged before anybody can see them.

    None when the file has been in the chat already, or is somebody else's.
    """
    row = session.get(TakeBack, take_back_id, with_for_update=True)
    if row is None or row.customer_id != customer_id or row.handed_at is not None:
        return None
    row.opened_at = row.opened_at or now(session)
    journal.record(
        session,
        by=row.by,
        did="open-taken-back",
        about="offer",
        about_id=row.offer_id,
        after={"take_back": row.id, "codes": row.quantity, "to": to_telegram_id},
    )
    found = session.execute(
        select(Code.row, Code.ciphertext, Batch.id, Batch.wrapped_key, Batch.wrapping_key_id, Batch.aad)
        .join(TakenCode, TakenCode.code_id == Code.id)
        .join(Batch, Batch.id == Code.batch_id)
        .where(TakenCode.take_back_id == take_back_id)
        .order_by(Code.id)
    ).all()
    data_keys = {
        batch_id: keys(session).open_data_key(wrapped, key_id, aad)
        for batch_id, wrapped, key_id, aad in {(one[2], one[3], one[4], one[5]) for one in found}
    }
    codes = [Secret.unpacked(data_keys[batch_id].open(sealed, row_identity(aad, line))) for line, sealed, batch_id, _, _, aad in found]
    return TakenBack(_view(row), codes)


@write
def handed_back(session: Session, *, take_back_id: int) -> None:
    """The file is in the chat: it is not made again."""
    session.execute(update(TakeBack).where(TakeBack.id == take_back_id, TakeBack.handed_at.is_(None)).values(handed_at=now(session)))


@read
def take_back_view(session: Session, take_back_id: int) -> TakeBackView | None:
    """One take-back, without its codes."""
    row = session.get(TakeBack, take_back_id)
    return None if row is None else _view(row)


@read
def take_backs_of(session: Session, offer_id: int, *, limit: int = 5) -> list[TakeBackView]:
    """The newest take-backs of an offer."""
    rows = session.scalars(select(TakeBack).where(TakeBack.offer_id == offer_id).order_by(TakeBack.id.desc()).limit(limit))
    return [_view(row) for row in rows]
