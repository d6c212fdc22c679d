"""Whether the sale may gather an offer with others: the one place that derives it from all that stands against it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.supply import rules
from core.supply.commitments.tables import Commitment
from core.supply.tables import Offer as OfferRow
from core.supply.tables import OwedRoom


def limited(session: Session, row: OfferRow) -> bool:
    """Is there a limit to what the supplier of this offer may be owed by its sales?"""
    return row.payable_id is not None and session.get(OwedRoom, (row.supplier_id, row.cost_currency)) is not None


def open_commitment(session: Session, offer_id: int) -> Commitment | None:
    """A part of commands: the commitment of an offer that is not over."""
    return session.scalars(select(Commitment).where(Commitment.offer_id == offer_id, Commitment.closed_at.is_(None))).one_or_none()


def derive_plain(session: Session, row: OfferRow, *, new: bool = False) -> None:
    """A part of commands that hold the offer's row: `plain` as everything that stands on it says; a `new` one has no commitment."""
    row.plain = rules.is_plain(
        min_quantity=row.min_quantity,
        max_quantity=row.max_quantity,
        region=row.region,
        quota_id=row.quota_id,
        exclusive_until=row.exclusive_until,
        limited=limited(session, row),
        committed=not new and open_commitment(session, row.id) is not None,
    )
