"""What is set aside: the part of the sale that draws a commitment down, and gives back what comes back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.database import now, read, write
from core.supply.commitments.tables import Commitment, CommitmentDraw, Precedence, Promise
from core.supply.tables import Offer as OfferRow


@dataclass(frozen=True, slots=True)
class SetAside:
    """What a commitment in force gives an offer: so many units are drawn from it first, before all others or alone."""

    commitment_id: int
    left: int
    exclusive: bool
    by_supplier: bool  # its supplier has promised them, and leaves them there


@read
def set_aside(session: Session, offer_ids: Collection[int]) -> dict[int, SetAside]:
    """Of these offers, those with units left of a commitment that is in force now."""
    return _set_aside(session, offer_ids, lock=False)


def lock_set_aside(session: Session, offer_ids: Collection[int]) -> dict[int, SetAside]:
    """A part of commands: `set_aside`, with the commitments locked, so that it stays true until this transaction ends.

    All that are not judged yet are locked, also those not in force: what an order drew of one may come back to it.
    """
    return _set_aside(session, offer_ids, lock=True)


def _set_aside(session: Session, offer_ids: Collection[int], *, lock: bool) -> dict[int, SetAside]:
    if not offer_ids:
        return {}
    at = now(session)
    question = select(Commitment).where(Commitment.offer_id.in_(offer_ids), Commitment.closed_at.is_(None)).order_by(Commitment.id)
    if lock:
        question = question.with_for_update()
    rows = session.scalars(question.execution_options(populate_existing=True))
    return {
        row.offer_id: SetAside(
            row.id, row.quantity - row.drawn, row.precedence is Precedence.EXCLUSIVE, row.promised_by is not Promise.SHOP
        )
        for row in rows
        if row.from_at <= at < row.until and row.drawn < row.quantity
    }


def draw_commitments(session: Session, *, order_id: int, units: Mapping[int, int]) -> dict[int, int]:
    """A part of the sale: count what an order draws of these offers towards their commitments, as far as units of those are left.

    By a guarded update each. Returns how many of each offer were counted; what goes beyond a commitment is sold like anything else.
    """
    counted = {}
    for offer_id, aside in lock_set_aside(session, [offer_id for offer_id, count in units.items() if count]).items():
        n = min(units[offer_id], aside.left)
        drawn = session.execute(
            update(Commitment)
            .where(Commitment.id == aside.commitment_id, Commitment.drawn + n <= Commitment.quantity)
            .values(drawn=Commitment.drawn + n)
            .returning(Commitment.id)
            .execution_options(synchronize_session=False)
        ).first()
        assert drawn is not None, "its row is locked since it was looked what is left of it"
        before = session.get(CommitmentDraw, (aside.commitment_id, order_id), with_for_update=True, populate_existing=True)
        if before is not None:
            before.quantity += n  # More of it, in the place of what another source did not bring.
        else:
            session.add(CommitmentDraw(commitment_id=aside.commitment_id, order_id=order_id, quantity=n, at=now(session)))
        session.flush()
        counted[offer_id] = n
        if n == aside.left:
            _to_be_ranked(session, offer_id)  # Nothing is set aside any more: it stands where its score puts it.
    return counted


@write
def give_back_commitments(session: Session, *, order_id: int, returned: Mapping[int, int], failed: bool = False) -> int:
    """Units of an order came back, by offer: what they drew of an open commitment may be drawn once more. Returns how many.

    `failed`: its source was asked for them and did not bring them, which its report says. A commitment that is over stays as it ended.
    """
    found = session.execute(
        select(Commitment.id, Commitment.offer_id)
        .join(CommitmentDraw, CommitmentDraw.commitment_id == Commitment.id)
        .where(CommitmentDraw.order_id == order_id, Commitment.offer_id.in_(returned), Commitment.closed_at.is_(None))
        .order_by(Commitment.id)
    ).all()
    back = 0
    for commitment_id, offer_id in found:
        row = session.get_one(Commitment, commitment_id, with_for_update=True, populate_existing=True)
        draw = session.get_one(CommitmentDraw, (commitment_id, order_id), populate_existing=True)
        units = min(returned[offer_id], draw.quantity - draw.given_back)
        if row.closed_at is not None or not units:
            continue
        if row.drawn == row.quantity:
            _to_be_ranked(session, offer_id)
        draw.given_back += units
        row.drawn -= units
        row.failed += units if failed else 0
        back += units
    session.flush()
    return back


def _to_be_ranked(session: Session, offer_id: int) -> None:
    session.execute(
        update(OfferRow).where(OfferRow.id == offer_id).values(changed_at=now(session)), execution_options={"synchronize_session": False}
    )
