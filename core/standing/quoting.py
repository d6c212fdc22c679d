"""Quoting work by agreement past the gates: what may not be listed may not be quoted either."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from core import fulfilment, storefronts, supply
from core.catalog import Gone
from core.database import write
from core.fulfilment import JobView, Step
from core.standing.gates import BannedWords, SwitchedOff, may_go_on
from core.standing.reconciling import hold_to_rules
from core.standing.words import found_in


@write
def quote_service(session: Session, *, job_id: int, steps: Sequence[Step], by: str) -> JobView:
    """Quote a brief as fulfilment does, if the rules let whoever does it sell that now; otherwise nothing is changed.

    Raises what `fulfilment.quote_service` raises, and Suspended, SwitchedOff, TakenDown and BannedWords.
    """
    job = fulfilment.job(session, job_id=job_id)
    if job is None:
        raise Gone
    supplier_id = fulfilment.supplier_of(job.lane)
    of = storefronts.by_id(session, job.storefront_id).party_id if supplier_id is None else supplier_id
    may_go_on(session, supplier_id=of, sku_id=job.sku_id)
    if supplier_id is not None and (words := found_in(session, "\n".join(step.title for step in steps))):
        raise BannedWords(words=", ".join(one.word for one in words))
    quoted = fulfilment.quote_service(session, job_id=job_id, steps=steps, by=by)
    offers = supply.offers_in(session, [step.sku_id for step in quoted.milestones])
    if hold_to_rules(session, offer_ids=offers):
        raise SwitchedOff  # A quote that nobody can pay for is none.
    return quoted
