"""Why an order was not served from a source that is ranked better: kept when it is sold, for who asks later."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import inventory, supply
from core.database import insert_new, now, read
from core.orders.drawing import Drawn, unsuitable
from core.orders.tables import Passed, PassedOffer
from core.supply import Offer


def keep_passed(
    session: Session,
    *,
    order_id: int,
    ranked: Sequence[Offer],
    drawn: Drawn,
    quantity: int,
    country: str | None,
    currency: str,
    asked: Collection[int] = (),
) -> None:
    """A part of the sale: keep why those of the ranked offers gave nothing that stand before the last one drawn from.

    `asked` were asked for these units before. Asks and writes nothing when the first ranked ones were drawn from.
    """
    last = max((nth for nth, offer in enumerate(ranked) if offer.id in drawn.units), default=0)
    passed = [offer for offer in ranked[:last] if offer.id not in drawn.units]
    if not passed:
        return
    ids, at = [offer.id for offer in passed], now(session)
    selling, shelf = supply.selling(session, ids), inventory.on_shelf(session, ids, most=1)
    covered, room = supply.covered(session, ids), supply.units_in_room(session, passed, lock=False)
    for offer in passed:
        why = unsuitable(offer, at, quantity=quantity, country=country, currency=currency)
        if why is None:
            has = shelf[offer.id] or (0 if offer.id in asked else offer.declared or 0)
            if offer.id not in selling:
                why = Passed.STOPPED
            elif not covered.get(offer.id, 1):
                why = Passed.QUOTA
            elif not room.get(offer.id, 1):
                why = Passed.ROOM
            elif offer.id in asked and not has:
                why = Passed.ASKED
            else:
                why = Passed.PROMISED if has else Passed.EMPTY
        session.execute(insert_new(session, PassedOffer).values(order_id=order_id, offer_id=offer.id, why=why))


@read
def passed_over(session: Session, order_id: int) -> dict[int, Passed]:
    """Why an order was not served from better-ranked offers, by offer; of sales off the shelf alone nothing was kept."""
    rows = session.execute(select(PassedOffer.offer_id, PassedOffer.why).where(PassedOffer.order_id == order_id))
    return dict(rows.all())
