"""Codes: their secret, and their way from the shelf to an order."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from cryptography.exceptions import InvalidTag
from sqlalchemy import Select, func, not_, select, text, update
from sqlalchemy.orm import Session

from core import journal
from core.database import KeysMissing, among, keys, now, read, tools, write
from core.inventory.tables import Batch, Code

_NOTES = "\x1e"  # Record separator, for the same reason: what is told with a code and makes it no other code stands behind it.
_BETWEEN = "\x1f"  # Unit separator: a reader of codes refuses control characters, so none holds it.


@dataclass(frozen=True, slots=True)
class Secret:
    """A code in clear: a number, a password, or both. Its repr shows nothing."""

    card_no: str | None = field(default=None, repr=False)
    card_pwd: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        assert self.card_no or self.card_pwd, "a code has a number or a password"

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def packed(self) -> str:
        """Both parts as one text, for sealing."""
        return f"{self.card_no or ''}{_BETWEEN}{self.card_pwd or ''}"

    @classmethod
    def unpacked(cls, packed: str) -> Secret:
        number, _, password = packed.partition(_BETWEEN)
        return cls(number or None, password or None)

    def joined(self) -> str:
        """Both parts in a row: what the fingerprint is made of, so that a code split otherwise is the same code."""
        number, password = self.card_no or "", self.card_pwd or ""
        if _NOTES not in number and _NOTES not in password:
            return number + password
        bare = self.bare()
        return f"{bare.card_no or ''}{bare.card_pwd or ''}"

    @classmethod
    def noted(cls, card_no: str | None, card_pwd: str | None, notes: Sequence[str]) -> Secret:
        """A code with what is told with it: an account's attributes, the number of a licence's seats."""
        if not notes:
            return cls(card_no, card_pwd)
        last = _NOTES.join([card_pwd or card_no or "", *notes])
        return cls(card_no, last) if card_pwd else cls(last, None)

    def bare(self) -> Secret:
        """The code without what is told with it."""
        return Secret(*(part.partition(_NOTES)[0] if part else None for part in (self.card_no, self.card_pwd)))

    @property
    def notes(self) -> list[str]:
        """What is told with the code."""
        return (self.card_pwd or self.card_no or "").split(_NOTES)[1:]


def row_identity(aad: str, row: int) -> str:
    """What a code's ciphertext is bound to: its batch and its line."""
    return f"{aad}|{row}"


@read
def opened(session: Session, order_id: int) -> list[tuple[int, Secret]]:
    """The codes of an order in clear with their offers, in the order they were taken. Only for delivery and reveal, which log it.

    What was refunded is not shown any more.
    """
    rows = session.execute(
        select(Code.offer_id, Code.row, Code.ciphertext, Batch.id, Batch.wrapped_key, Batch.wrapping_key_id, Batch.aad)
        .join(Batch, Batch.id == Code.batch_id)
        .where(Code.order_id == order_id, Code.refunded_at.is_(None))
        .order_by(Code.id)
    ).all()
    data_keys = {
        batch_id: keys(session).open_data_key(wrapped, key_id, aad)
        for batch_id, wrapped, key_id, aad in {(r[3], r[4], r[5], r[6]) for r in rows}
    }
    return [
        (offer_id, Secret.unpacked(data_keys[batch_id].open(ciphertext, row_identity(aad, row))))
        for offer_id, row, ciphertext, batch_id, _, _, aad in rows
    ]


@read
def opened_page(session: Session, order_id: int, *, after: int, limit: int) -> list[tuple[int, Secret]]:
    """Up to `limit` codes of an order with ids above `after`, in clear with their ids. Only for a reveal, which logs it."""
    rows = session.execute(
        select(Code.id, Code.row, Code.ciphertext, Batch.id, Batch.wrapped_key, Batch.wrapping_key_id, Batch.aad)
        .join(Batch, Batch.id == Code.batch_id)
        .where(Code.order_id == order_id, Code.refunded_at.is_(None), Code.id > after)
        .order_by(Code.id)
        .limit(limit)
    ).all()
    data_keys = {
        batch_id: keys(session).open_data_key(wrapped, key_id, aad)
        for batch_id, wrapped, key_id, aad in {(r[3], r[4], r[5], r[6]) for r in rows}
    }
    return [
        (code_id, Secret.unpacked(data_keys[batch_id].open(ciphertext, row_identity(aad, row))))
        for code_id, row, ciphertext, batch_id, _, _, aad in rows
    ]


@read
def unopenable(session: Session, code_ids: Sequence[int]) -> list[int]:
    """Those of these codes that do not open with the shop's keys, or are not the code their fingerprint says; shows none."""
    rows = session.execute(
        select(Code.id, Code.row, Code.ciphertext, Code.fingerprint, Batch.wrapped_key, Batch.wrapping_key_id, Batch.aad)
        .join(Batch, Batch.id == Code.batch_id)
        .where(among(session, Code.id, code_ids))
        .order_by(Code.id)
    ).all()
    keyring, shut = keys(session), []
    for code_id, row, ciphertext, fingerprint, wrapped, key_id, aad in rows:
        try:
            packed = keyring.open_data_key(wrapped, key_id, aad).open(ciphertext, row_identity(aad, row))
            fits = keyring.fingerprint(Secret.unpacked(packed).joined()) == fingerprint
        except (InvalidTag, KeysMissing):
            fits = False
        if not fits:
            shut.append(code_id)
    return shut


@write
def take(
    session: Session, *, offer_ids: Sequence[int], quantity: int, order_id: int, most_of: Mapping[int, int] | None = None
) -> dict[int, int]:
    """Take codes off the shelf for an order, offer by offer in this order; returns how many of each offer.

    Takes all or nothing: an empty answer means that there are too few, counting those that others hold locked at the
    moment – they are waited for. Of an offer in `most_of` no more than that are taken.
    """
    picked = pick(session, offer_ids=offer_ids, quantity=quantity, most_of=most_of)
    if sum(map(len, picked.values())) < quantity:
        return {}
    for ids in picked.values():
        session.execute(
            update(Code).where(among(session, Code.id, ids)).values(available=None, order_id=order_id),
            execution_options={"synchronize_session": False},
        )
    return {offer_id: len(ids) for offer_id, ids in picked.items()}


@write
def take_up_to(
    session: Session, *, offer_ids: Sequence[int], quantity: int, order_id: int, most_of: Mapping[int, int] | None = None
) -> dict[int, int]:
    """The same, but as many as there are when there are too few; returns how many of each offer."""
    picked = pick(session, offer_ids=offer_ids, quantity=quantity, most_of=most_of) if quantity else {}
    for ids in picked.values():
        session.execute(
            update(Code).where(among(session, Code.id, ids)).values(available=None, order_id=order_id),
            execution_options={"synchronize_session": False},
        )
    return {offer_id: len(ids) for offer_id, ids in picked.items()}


def pick(
    session: Session,
    *,
    offer_ids: Sequence[int],
    quantity: int,
    most_of: Mapping[int, int] | None = None,
    picked: dict[int, list[int]] | None = None,
) -> dict[int, list[int]]:
    """Lock up to `quantity` codes of these offers, drawing in this order: first what nobody else is looking at, then waiting.

    What is `picked` already counts as picked, and more is added to it.
    """
    picked = {} if picked is None else picked
    have = {code_id for ids in picked.values() for code_id in ids}
    for waiting in (False, True):
        for offer_id in offer_ids:
            most = quantity if most_of is None else most_of.get(offer_id, quantity)
            while (room := min(quantity - len(have), most - len(picked.get(offer_id, ())))) > 0:
                question = (
                    select(Code.id)
                    .where(Code.offer_id == offer_id, Code.available.is_not(None), not_(among(session, Code.id, have)))
                    .order_by(Code.available)
                    .limit(room)
                    .with_for_update(skip_locked=not waiting)
                )
                ids = session.scalars(question).all()
                if not ids:
                    break
                picked.setdefault(offer_id, []).extend(ids)
                have.update(ids)
        if len(have) >= quantity:
            break
    return picked


@write
def take_held(session: Session, *, hold_id: int, order_id: int) -> dict[int, int]:
    """Give the codes of a hold to its order; returns how many of each offer."""
    rows = session.execute(
        update(Code).where(Code.hold_id == hold_id).values(hold_id=None, order_id=order_id).returning(Code.offer_id),
        execution_options={"synchronize_session": False},
    ).scalars()
    taken: dict[int, int] = {}
    for offer_id in rows:
        taken[offer_id] = taken.get(offer_id, 0) + 1
    return taken


@write
def return_to_shelf(session: Session, *, hold_id: int) -> int:
    """Put held codes back at the tail of their shelves; returns how many."""
    return _put_at_tail(session, select(Code.id, Code.offer_id).where(Code.hold_id == hold_id).order_by(Code.id))


@write
def put_back(session: Session, *, order_id: int) -> int:
    """Put codes back that were given to an order in this very transaction, before anybody could see them; returns how many."""
    return _put_at_tail(session, select(Code.id, Code.offer_id).where(Code.order_id == order_id).order_by(Code.id))


@dataclass(frozen=True, slots=True)
class OrderCode:
    """A code of an order, without what it says; `refunded_at` when the buyer has its money back."""

    id: int
    offer_id: int
    refunded_at: datetime | None


@read
def of_order(session: Session, order_id: int) -> list[OrderCode]:
    """The codes that are an order's, in the order they were taken."""
    rows = session.execute(select(Code.id, Code.offer_id, Code.refunded_at).where(Code.order_id == order_id).order_by(Code.id))
    return [OrderCode(code_id, offer_id, refunded_at) for code_id, offer_id, refunded_at in rows]


@write
def take_back(session: Session, *, order_id: int, code_ids: Collection[int], to_shelf: bool) -> int:
    """Codes of an order that are refunded: back to the tail of their shelves, or void where they are. Returns how many.

    To the shelf only what nobody can have seen. What is void stays its order's, and is never shown or sold again.
    """
    these = (Code.order_id == order_id, Code.refunded_at.is_(None), among(session, Code.id, code_ids))
    if to_shelf:
        return _put_at_tail(session, select(Code.id, Code.offer_id).where(*these).order_by(Code.id))
    gone = session.scalars(
        update(Code).where(*these).values(refunded_at=now(session)).returning(Code.id),
        execution_options={"synchronize_session": False},
    )
    return len(gone.all())


def _put_at_tail(session: Session, question: Select[int, int]) -> int:
    tools(session).empty_before.clear()  # What comes back to the first ranked shelf is drawn from it at once.
    codes = session.execute(question).all()
    numbers = _tail(session, {offer_id for _, offer_id in codes})
    for code_id, _ in codes:
        session.execute(
            update(Code).where(Code.id == code_id).values(hold_id=None, order_id=None, available=next(numbers)),
            execution_options={"synchronize_session": False},
        )
    return len(codes)


def _tail(session: Session, offer_ids: Collection[int]) -> Iterator[int]:
    """Sort numbers behind everything on the shelves of these offers, rising; found by the index, however long the shelves are."""
    if session.get_bind().dialect.name == "postgresql":
        # The sequence of ids gives out the numbers of new codes too, so one order holds for all.
        while True:
            yield int(session.execute(text("SELECT nextval('codes_id_seq')")).scalar_one())
    last = session.scalar(select(func.max(Code.id))) or 0
    for offer_id in offer_ids:
        highest = select(func.max(Code.available)).where(Code.offer_id == offer_id, Code.available.is_not(None))
        last = max(last, session.scalar(highest) or 0)
    yield from count(last + 1)


@write
def void(session: Session, *, code_id: int, by: str | None = None) -> int | None:
    """Take a code off the shelf for ever; returns its offer, or None when it was not on the shelf (sold, held, void already)."""
    tools(session).low_water.clear()
    offer_id = session.scalars(
        update(Code)
        .where(Code.id == code_id, Code.available.is_not(None))
        .values(available=None, void_at=now(session))
        .returning(Code.offer_id),
        execution_options={"synchronize_session": False},
    ).one_or_none()
    if offer_id is not None and by is not None:
        journal.record(session, by=by, did="void-code", about="code", about_id=code_id, before={"place": "shelf"}, after={"place": "void"})
    return offer_id
