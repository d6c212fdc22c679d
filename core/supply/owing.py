"""How much more of a supplier's goods may be sold before the shop owes them as much as it wants to: a room that the sale draws down.

A supplier without a limit has no row here, and their sales neither look nor lock. One with a limit has offers that are not plain: their
sales are not gathered with others, and take turns at the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Select, select, tuple_, update
from sqlalchemy.orm import Session

from core.database import insert_new, write
from core.supply.plain import derive_plain
from core.supply.queries import Offer
from core.supply.tables import Offer as OfferRow
from core.supply.tables import OwedRoom


@write
def lock_room(session: Session, *, supplier_id: int, currency: str) -> None:
    """Sales that would owe this supplier more wait from now on, until this transaction sets how much more there may be.

    What was sold before is in the books then. To be called by who sets limits; makes the row, with no room.
    """
    session.execute(insert_new(session, OwedRoom).values(supplier_id=supplier_id, currency=currency, left_minor=0))
    session.execute(_rows([(supplier_id, currency)]).with_for_update())
    _derive_all(session, supplier_id, currency)


@write
def set_room(session: Session, *, supplier_id: int, currency: str, left_minor: int) -> None:
    """So much more may be owed to this supplier by new sales. After `lock_room`."""
    session.execute(
        update(OwedRoom).where(OwedRoom.supplier_id == supplier_id, OwedRoom.currency == currency).values(left_minor=left_minor),
        execution_options={"synchronize_session": False},
    )


@write
def drop_room(session: Session, *, supplier_id: int, currency: str) -> None:
    """There is no limit any more to what this supplier may be owed."""
    row = session.get(OwedRoom, (supplier_id, currency), with_for_update=True)
    if row is not None:
        session.delete(row)
        session.flush()
        _derive_all(session, supplier_id, currency)


def _derive_all(session: Session, supplier_id: int, currency: str) -> None:
    theirs = select(OfferRow).where(
        OfferRow.supplier_id == supplier_id, OfferRow.cost_currency == currency, OfferRow.payable_id.is_not(None)
    )
    # Not their keys: rows that refer to an offer are written meanwhile, by who may be waiting for a sale that waits for this room.
    mine = theirs.order_by(OfferRow.id).with_for_update(key_share=True).execution_options(populate_existing=True)
    for row in session.scalars(mine):
        derive_plain(session, row)
    session.flush()


def _rows(keys: Sequence[tuple[int, str]]) -> Select[OwedRoom]:
    question = select(OwedRoom).where(tuple_(OwedRoom.supplier_id, OwedRoom.currency).in_(keys))
    return question.order_by(OwedRoom.supplier_id, OwedRoom.currency).execution_options(populate_existing=True)


def _may_be_limited(offers: Iterable[Offer]) -> list[Offer]:
    """Those that owe somebody something with each sale, and are not plain: nothing is asked about all others."""
    return [offer for offer in offers if offer.payable_id is not None and offer.cost_minor > 0 and not offer.plain]


def units_in_room(session: Session, offers: Iterable[Offer], *, lock: bool) -> dict[int, int]:
    """A part of the sale: how many units of each offer there is room for; those without a limit are not in the answer.

    With `lock` it stays true until this transaction ends.
    """
    asked = _may_be_limited(offers)
    if not asked:
        return {}
    question = _rows(sorted({(offer.supplier_id, offer.cost_currency) for offer in asked}))
    if lock:
        question = question.with_for_update()
    rooms = {(row.supplier_id, row.currency): row.left_minor for row in session.scalars(question)}
    return {
        offer.id: max(0, rooms[offer.supplier_id, offer.cost_currency]) // offer.cost_minor
        for offer in asked
        if (offer.supplier_id, offer.cost_currency) in rooms
    }


def draw_room(session: Session, offers: Iterable[Offer], units: Mapping[int, int]) -> None:
    """A part of the sale: so many units of these offers will be owed.

    What was promised to a payer before goes through whatever is left, so that the room may be below nothing.
    """
    for offer in sorted(_may_be_limited(offers), key=lambda one: (one.supplier_id, one.cost_currency)):
        if units.get(offer.id):
            session.execute(
                update(OwedRoom)
                .where(OwedRoom.supplier_id == offer.supplier_id, OwedRoom.currency == offer.cost_currency)
                .values(left_minor=OwedRoom.left_minor - offer.cost_minor * units[offer.id]),
                execution_options={"synchronize_session": False},
            )


def give_back_room(session: Session, offers: Iterable[Offer], units: Mapping[int, int]) -> None:
    """A part of the sale: so many units of these offers will not be owed after all."""
    draw_room(session, offers, {offer_id: -count for offer_id, count in units.items()})
