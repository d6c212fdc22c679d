"""What settlement asks of cases: which codes stand in for which, and which orders somebody complains about."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import people, storefronts
from core.aftersale.tables import Case, CaseState, Outcome
from core.database import among, read


@dataclass(frozen=True, slots=True)
class Replaced:
    """In an order, a code that was given for another one, and when."""

    order_id: int
    old_code_id: int
    new_code_id: int
    old_offer_id: int
    at: datetime


@read
def replaced_codes(session: Session, order_ids: Collection[int]) -> list[Replaced]:
    """The replacements in these orders."""
    rows = session.execute(
        select(Case.order_id, Case.code_id, Case.replacement_code_id, Case.offer_id, Case.decided_at).where(
            among(session, Case.order_id, order_ids), Case.outcome == Outcome.REPLACED
        )
    ).all()
    return [Replaced(order_id, old, new, offer_id, at) for order_id, old, new, offer_id, at in rows if new is not None and at is not None]


@read
def replaced_since(session: Session, since: datetime) -> list[int]:
    """The orders in which a code was replaced since then."""
    replaced = (Case.outcome == Outcome.REPLACED, Case.replacement_code_id.is_not(None), Case.decided_at >= since)
    return list(session.scalars(select(Case.order_id).where(*replaced).distinct()))


@read
def complained_about(session: Session, order_ids: Collection[int]) -> set[int]:
    """Those of these orders that have an undecided case."""
    question = select(Case.order_id).where(among(session, Case.order_id, order_ids), Case.state != CaseState.DECIDED)
    return set(session.scalars(question))


@read
def undecided(session: Session, *, storefront_id: int) -> int:
    """How many cases of a storefront's customers wait for a decision; those of a reseller's are decided by the shop behind it."""
    house_id = storefronts.by_id(session, storefront_id).house
    buyers = session.scalars(select(Case.buyer_id).where(Case.storefront_id == house_id, Case.state != CaseState.DECIDED))
    return sum(people.by_id(session, buyer_id).storefront_id == storefront_id for buyer_id in buyers)


@read
def frozen_by_order(session: Session, party_id: int) -> dict[tuple[int, str], int]:
    """What of a supplier's money its undecided cases freeze: minor units by order and currency."""
    found: dict[tuple[int, str], int] = {}
    for order_id, currency, minor in session.execute(
        select(Case.order_id, Case.frozen_currency, Case.frozen_minor).where(
            Case.frozen_party_id == party_id, Case.state != CaseState.DECIDED, Case.frozen_minor > 0
        )
    ):
        found[order_id, currency] = found.get((order_id, currency), 0) + minor
    return found
