"""Revenue of other streams than sales – interest, advertising, data –, booked by hand, each on an account of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import journal, ledger, storefronts
from core.catalog import Gone
from core.database import insert_new, now, read, write
from core.ledger import AccountKind, Leg, Pot, TransferKind
from core.settlement import accounts
from core.settlement.refusals import NotPositive, TakenBackBefore
from core.settlement.split import Stream
from core.settlement.tables import RevenueEntry

BY_HAND = "bank"  # the label of the account it comes to: the one that payouts by hand leave by
LONGEST_NOTE = 300


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry of revenue that was booked by hand, in minor units."""

    id: int
    storefront_id: int
    stream: Stream
    amount_minor: int
    currency: str
    note: str
    by: str
    at: datetime
    back_at: datetime | None
    back_by: str | None
    back_why: str | None


def _view(row: RevenueEntry) -> EntryView:
    return EntryView(
        row.id,
        row.storefront_id,
        row.stream,
        row.amount_minor,
        row.currency,
        row.note,
        row.by,
        row.at,
        row.back_at,
        row.back_by,
        row.back_why,
    )


def _plain(text: str) -> str:
    return " ".join(text.replace("\x00", " ").split())[:LONGEST_NOTE]


@write
def book_revenue(
    session: Session, *, storefront_id: int, stream: Stream, amount_minor: int, currency: str, note: str, by: str, once: str
) -> EntryView:
    """So much came to the shop's bank for something that is no sale; the same `once` again is the same entry. Raises NotPositive."""
    if amount_minor <= 0:
        raise NotPositive
    made = session.scalar(
        insert_new(session, RevenueEntry)
        .values(
            storefront_id=storefront_id,
            stream=stream,
            amount_minor=amount_minor,
            currency=currency,
            note=_plain(note),
            once=once,
            by=by[:64],
            at=now(session),
        )
        .returning(RevenueEntry.id)
    )
    row = session.scalars(select(RevenueEntry).where(RevenueEntry.once == once)).one()
    if made is not None:
        bank, earned = _accounts(session, row)
        _post(session, row, f"revenue:{row.id}", Leg(bank, earned, amount_minor, currency))
        _record(session, row, by, "book-revenue", {})
    return _view(row)


@write
def take_back_revenue(session: Session, *, entry_id: int, storefront_id: int, by: str, why: str) -> EntryView:
    """An entry was a mistake, or was paid back: exactly the same goes the other way. Raises Gone or TakenBackBefore."""
    row = session.get(RevenueEntry, entry_id, with_for_update=True, populate_existing=True)
    if row is None or row.storefront_id != storefront_id:
        raise Gone
    if row.back_at is not None:
        raise TakenBackBefore
    row.back_at, row.back_by, row.back_why = now(session), by[:64], _plain(why)
    session.flush()
    bank, earned = _accounts(session, row)
    _post(session, row, f"revenue-back:{row.id}", Leg(earned, bank, row.amount_minor, row.currency))
    _record(session, row, by, "take-back-revenue", {"taken_back": False})
    return _view(row)


def _accounts(session: Session, row: RevenueEntry) -> tuple[int, int]:
    """Where the money of an entry is, and the revenue account of its stream."""
    party_id = storefronts.by_id(session, row.storefront_id).party_id
    bank = ledger.open_account(session, party_id=party_id, kind=AccountKind.GATEWAY, label=BY_HAND, currency=row.currency)
    return bank, accounts.revenue(session, row.storefront_id, row.stream, row.currency)


def _post(session: Session, row: RevenueEntry, key: str, leg: Leg) -> None:
    party_id = storefronts.by_id(session, row.storefront_id).party_id
    ledger.transfer(session, key=key, kind=TransferKind.REVENUE, party_id=party_id, legs=[leg], subject_id=row.id, note=row.note)


def _record(session: Session, row: RevenueEntry, by: str, did: str, before: dict[str, object]) -> None:
    after: dict[str, object] = {"stream": row.stream.value, "amount_minor": row.amount_minor, "currency": row.currency, "note": row.note}
    if row.back_at is not None:
        after |= {"taken_back": True, "why": row.back_why}
    journal.record(
        session, by=by, did=did, about="storefront", about_id=row.storefront_id, before=before, after={"booking": row.id, **after}
    )


@read
def revenue_entry(session: Session, *, entry_id: int, storefront_id: int) -> EntryView | None:
    """One entry of this storefront, None when there is none."""
    row = session.get(RevenueEntry, entry_id)
    return None if row is None or row.storefront_id != storefront_id else _view(row)


@read
def revenue_entries(session: Session, *, storefront_id: int, offset: int = 0, limit: int = 10) -> Sequence[EntryView]:
    """What was booked by hand, the newest first."""
    question = select(RevenueEntry).where(RevenueEntry.storefront_id == storefront_id).order_by(RevenueEntry.id.desc())
    return [_view(row) for row in session.scalars(question.offset(offset).limit(limit))]


@read
def revenue_by_stream(session: Session, *, storefront_id: int) -> Sequence[Pot]:
    """What the books say the shop has earned in all, each stream and currency by itself."""
    return ledger.pots(session, party_id=storefronts.by_id(session, storefront_id).party_id, kind=AccountKind.REVENUE)
