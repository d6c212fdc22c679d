"""How each source has done in the last months: counted from orders, cases and tasks, off the sale's path."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from core import aftersale, fulfilment, orders, supply
from core.database import now, write

LATELY = timedelta(days=90)


@write
def count_sources(session: Session) -> int:
    """Count anew what the stability of each source is computed from; returns of how many offers there was anything to count."""
    since = now(session) - LATELY
    sold = orders.sold_by_offer(session, since=since)
    cases = aftersale.cases_by_offer(session, since=since)
    failed = fulfilment.failed_by_offer(session, since=since)
    records = {
        # A case may be about an order of before; it never counts for more than there were orders.
        offer_id: supply.Record(
            orders=sold.get(offer_id, 0) + failed.get(offer_id, 0),
            cases=min(cases.get(offer_id, 0), sold.get(offer_id, 0)),
            undelivered=failed.get(offer_id, 0),
        )
        for offer_id in sold.keys() | failed.keys()
    }
    return supply.note_records(session, records)
