"""The people who act for suppliers in the chat, and the offers and accounts a supplier has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import ledger
from core.database import insert_new, now, read, write
from core.errors import N_, Refusal
from core.ledger import AccountKind, PartyKind
from core.supply.tables import Member, Standing, Supplier
from core.supply.tables import Offer as OfferRow


@dataclass(eq=False)
class OwnSupplier(Refusal):
    says: ClassVar[str] = N_("This is about your own supplier: somebody else of the staff decides.")


@dataclass(frozen=True, slots=True)
class SupplierView:
    """A supplier as everybody's commands see it."""

    id: int
    name: str
    standing: Standing
    suspended: bool
    country: str | None
    hold_days: int | None
    joined_at: datetime


def _view(row: Supplier) -> SupplierView:
    return SupplierView(row.id, row.name, row.standing, row.suspended_at is not None, row.country, row.hold_days, row.joined_at)


@write
def new_supplier(session: Session, *, name: str, standing: Standing, telegram_id: int, country: str | None = None) -> SupplierView:
    """Somebody begins to bring goods; the person is its first member."""
    party_id = ledger.new_party(session, PartyKind.SUPPLIER)
    row = Supplier(id=party_id, name=name, joined_at=now(session), standing=standing, country=country)
    session.add(row)
    session.flush()
    add_member(session, supplier_id=party_id, telegram_id=telegram_id)
    return _view(row)


@write
def add_member(session: Session, *, supplier_id: int, telegram_id: int) -> None:
    """One more person acts for a supplier; nothing changes when they did."""
    session.execute(insert_new(session, Member).values(supplier_id=supplier_id, telegram_id=telegram_id, since=now(session)))


@read
def supplier(session: Session, supplier_id: int) -> SupplierView | None:
    """This supplier, None when there is none."""
    row = session.get(Supplier, supplier_id)
    return None if row is None else _view(row)


@read
def suppliers_of(session: Session, telegram_id: int) -> Sequence[SupplierView]:
    """The suppliers this person acts for, the first joined first."""
    rows = session.scalars(
        select(Supplier).join(Member, Member.supplier_id == Supplier.id).where(Member.telegram_id == telegram_id).order_by(Supplier.id)
    )
    return [_view(row) for row in rows]


@read
def members_of(session: Session, supplier_id: int) -> Sequence[int]:
    """The Telegram ids of the people who act for a supplier."""
    return session.scalars(select(Member.telegram_id).where(Member.supplier_id == supplier_id).order_by(Member.telegram_id)).all()


@read
def not_own(session: Session, supplier_id: int, by: str) -> None:
    """Nobody of the staff decides about a supplier that they act for, besides the shop itself. `by` as in the action log.

    Raises OwnSupplier.
    """
    found = session.get(Supplier, supplier_id)
    if found is None or found.standing is Standing.OWN:
        return
    if by in {f"telegram:{telegram_id}" for telegram_id in members_of(session, supplier_id)}:
        raise OwnSupplier


@read
def not_of_suppliers(session: Session, by: str) -> None:
    """What holds for all suppliers is nothing that somebody who acts for one of them decides. `by` as in the action log.

    Raises OwnSupplier.
    """
    number = by.removeprefix("telegram:")
    acts_for = suppliers_of(session, int(number)) if number.isdecimal() else ()
    if any(one.standing is not Standing.OWN for one in acts_for):
        raise OwnSupplier


@read
def not_own_offer(session: Session, offer_id: int, by: str) -> None:
    """`not_own` of the supplier of an offer; nothing is said of one that is not there. Raises OwnSupplier."""
    supplier_id = session.scalar(select(OfferRow.supplier_id).where(OfferRow.id == offer_id))
    if supplier_id is not None:
        not_own(session, supplier_id, by)


@read
def offers_of(session: Session, supplier_id: int) -> Sequence[int]:
    """The ids of a supplier's offers that are not withdrawn, the oldest first."""
    return session.scalars(
        select(OfferRow.id).where(OfferRow.supplier_id == supplier_id, OfferRow.stopped_at.is_(None)).order_by(OfferRow.id)
    ).all()


@write
def payable(session: Session, *, supplier_id: int, currency: str) -> int:
    """The account that each sale of a supplier's consigned goods credits, opened if it is not: what is earned and still held."""
    return ledger.open_account(session, party_id=supplier_id, kind=AccountKind.PAYABLE, currency=currency)
