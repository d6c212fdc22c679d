"""The new code of a case on its way to the buyer."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from core import inventory, orders
from core.aftersale.tables import Case
from core.catalog import Gone
from core.database import write
from core.orders import Parcel, RevealCause


@write
def parcel(session: Session, *, case_id: int, to_telegram_id: int, buyer_id: int, cause: RevealCause = RevealCause.SENT) -> Parcel:
    """The replacement in clear and nothing else of its order; logged, as a reveal of the order, before anybody sees it.

    Raises Gone when it is not this buyer's, was itself replaced or refunded since, or its payment went back or is disputed.
    """
    row = session.get(Case, case_id)
    if row is None or row.buyer_id != buyer_id or row.replacement_code_id is None:
        raise Gone
    if orders.taken_back(session, row.order_id) or orders.in_question(session, row.order_id):
        raise Gone  # It waits, parked: when the dispute is decided for the shop, it can be sent again.
    if row.replacement_code_id not in inventory.still_sold(session, [row.replacement_code_id]):
        raise Gone
    whole = orders.reveal(session, order_id=row.order_id, cause=cause, to_telegram_id=to_telegram_id, buyer_id=buyer_id)
    new = inventory.one_opened(session, row.replacement_code_id)
    lines = [replace(line, secrets=[secret for secret in line.secrets if secret == new]) for line in whole.lines]
    return replace(whole, lines=[line for line in lines if line.secrets])
