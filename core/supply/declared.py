"""What sources say they have besides the shelf: counted down by the sale, and back when nothing came of it."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import journal
from core.database import now, write
from core.supply.tables import Offer

AS_MANY_AS_ONE_LIKES = 10**9  # declared by who can make any number: never counted


@write
def declare(session: Session, *, offer_id: int, quantity: int | None, by: str | None = None) -> bool:
    """An offer's source says how many it has, or can make, besides the shelf; None: only what is on the shelf. False when it was so."""
    offer = session.get_one(Offer, offer_id, with_for_update=True, populate_existing=True)
    if by is not None and offer.declared != quantity:
        before, after = {"declared": offer.declared}, {"declared": quantity}
        journal.record(session, by=by, did="declare", about="offer", about_id=offer.id, before=before, after=after)
    at = now(session)
    changed, offer.declared, offer.declared_at = offer.declared != quantity, quantity, at
    if changed:
        offer.changed_at = at
    session.flush()
    return changed


@write
def draw_declared(session: Session, *, offer_id: int, most: int) -> int:
    """Take up to `most` units of what an offer's source has, so that nobody else is promised them; returns how many it had.

    The row is the guard: it never falls below zero, and two sales of the last units take turns.
    """
    assert most > 0, "who draws wants something"
    declared = session.scalar(select(Offer.declared).where(Offer.id == offer_id).with_for_update())
    if declared is None or declared >= AS_MANY_AS_ONE_LIKES:
        return 0 if declared is None else most
    drawn = min(most, declared)
    if drawn:
        session.execute(
            update(Offer).where(Offer.id == offer_id).values(declared=Offer.declared - drawn),
            execution_options={"synchronize_session": False},
        )
    return drawn


@write
def give_back_declared(session: Session, *, offer_id: int, quantity: int) -> None:
    """So many units were drawn and will not be had from it after all: others may be promised them. What is not counted stays so."""
    session.execute(
        update(Offer)
        .where(Offer.id == offer_id, Offer.declared.is_not(None), Offer.declared < AS_MANY_AS_ONE_LIKES)
        .values(declared=Offer.declared + quantity),
        execution_options={"synchronize_session": False},
    )
