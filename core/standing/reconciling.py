"""Keeping offers to the rules: what was made or moved later under a switch, a complaint or a suspension is stopped too."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from core import supply
from core.database import write
from core.standing.switches import offers_under, switches
from core.standing.switches import ref_of as ref_of_switch
from core.standing.takedowns import offers_about, open_takedowns
from core.standing.takedowns import ref_of as ref_of_takedown
from core.storefronts import Storefront
from core.supply import Offer, Stop


@write
def hold_to_rules(session: Session, *, offer_ids: Collection[int] | None = None) -> int:
    """Stop the offers that a switch, a complaint or a suspension is about and that it does not stop yet; returns how many.

    Of these offers, or of all: then what was moved out from under a switch sells again.
    """
    changed = 0
    for one in switches(session):
        ref = ref_of_switch(one.id)
        wanted, have = set(offers_under(session, one.of, one.of_id)), set(supply.stopped_by(session, why=Stop.SWITCHED_OFF, ref=ref))
        changed += supply.stop(session, offer_ids=_of(wanted - have, offer_ids), why=Stop.SWITCHED_OFF, ref=ref, by="clock")
        if offer_ids is None:
            # Withdrawn offers are under nothing, and stay stopped until the switch is lifted: they do not sell anyway.
            moved = {place.id for place in supply.places_of(session, have - wanted)} & set(supply.offers_in(session, None))
            changed += supply.lift(session, offer_ids=moved, why=Stop.SWITCHED_OFF, ref=ref, by="clock")
    for complaint in open_takedowns(session):
        ref = ref_of_takedown(complaint.id)
        wanted = set(offers_about(session, complaint.of, complaint.of_id, complaint.brand))
        missing = _of(wanted - set(complaint.offer_ids), offer_ids)
        changed += supply.stop(session, offer_ids=missing, why=Stop.TAKEDOWN, ref=ref, by="clock")
    for supplier_id in supply.suspended_suppliers(session):
        have = set(supply.stopped_by(session, why=Stop.SUSPENDED, supplier_id=supplier_id))
        missing = _of(set(supply.offers_of(session, supplier_id)) - have, offer_ids)
        changed += supply.stop(session, offer_ids=missing, why=Stop.SUSPENDED, by="clock")
    return changed


def _of(found: set[int], offer_ids: Collection[int] | None) -> set[int]:
    return found if offer_ids is None else found & set(offer_ids)


@write
def own_offer(session: Session, *, storefront: Storefront, sku_id: int) -> Offer:
    """The shop's own offer of a denomination, as supply makes it; under a pressed switch or a complaint it is stopped at once."""
    offer = supply.own_offer(session, storefront=storefront, sku_id=sku_id)
    hold_to_rules(session, offer_ids=[offer.id])
    return offer
