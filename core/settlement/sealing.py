"""Where money goes, at rest: accounts and wallets of suppliers lie sealed, each bound to its row, and open with the shop's keys alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.database import Wrapped, keys, wrap_anew, write
from core.settlement.tables import Payout, PayoutAddress

T = TypeVar("T", Payout, PayoutAddress)

AT_ONCE = 200


def _about(row: Payout | PayoutAddress) -> str:
    """What the words of a row are bound to: moved to another row, or to another supplier's, they do not open."""
    kind = "payout" if isinstance(row, Payout) else "payout-address"
    return f"{kind}-{row.id}-of-{row.supplier_id}"


def seal(session: Session, row: Payout | PayoutAddress, words: str) -> None:
    """A part of commands: the row is written, and these are its words from now on."""
    session.flush()  # Its id is a part of what they are bound to.
    data_key, row.data_key, row.wrapping_key_id = keys(session).new_data_key(_about(row))
    row.sealed, row.words = data_key.seal(words, _about(row)), ""
    session.flush()


def opened(session: Session, row: Payout | PayoutAddress) -> str:
    """The words of a row, for who has to send money there. Raises InvalidTag when they were another row's, and KeysMissing."""
    if row.sealed is None or row.data_key is None or row.wrapping_key_id is None:
        return row.words
    return keys(session).open_data_key(row.data_key, row.wrapping_key_id, _about(row)).open(row.sealed, _about(row))


@write
def seal_words(session: Session, *, most: int = AT_ONCE) -> int:
    """Seal what earlier versions wrote in clear, and empty it there; returns how many rows that was."""
    addresses = _in_clear(session, PayoutAddress, most)
    payouts = _in_clear(session, Payout, most - len(addresses))
    rows: list[Payout | PayoutAddress] = [*addresses, *payouts]
    for row in rows:
        seal(session, row, row.words)
    return len(rows)


def _in_clear(session: Session, table: type[T], most: int) -> Sequence[T]:
    question = select(table).where(table.sealed.is_(None)).order_by(table.id).limit(most)
    return session.scalars(question.with_for_update()).all()


def _stored(row: Payout | PayoutAddress) -> Wrapped | None:
    return None if row.data_key is None or row.wrapping_key_id is None else Wrapped(row.data_key, row.wrapping_key_id, _about(row))


def _put(row: Payout | PayoutAddress, key: bytes, by: str) -> None:
    row.data_key, row.wrapping_key_id = key, by


@write
def rewrap_payouts(session: Session, *, after: int, most: int = 500) -> tuple[int, int | None]:
    """Where payouts went and go, under the shop's newest key; as `inventory.rewrap`."""
    return wrap_anew(session, Payout, key=_stored, put=_put, after=after, most=most)


@write
def rewrap_addresses(session: Session, *, after: int, most: int = 500) -> tuple[int, int | None]:
    """Where suppliers want their money, under the shop's newest key; as `inventory.rewrap`."""
    return wrap_anew(session, PayoutAddress, key=_stored, put=_put, after=after, most=most)
