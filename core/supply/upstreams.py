"""The supplier and the offers behind a connection to an upstream: what it has is declared, and ordered when it is sold."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import ledger
from core.database import insert_new, now, read, write
from core.ledger import PartyKind
from core.supply.costs import set_cost
from core.supply.plain import derive_plain
from core.supply.ranking import join_ranking, leave_ranking
from core.supply.tables import Offer as OfferRow
from core.supply.tables import SourceClass, Standing, Supplier


@dataclass(frozen=True, slots=True)
class UpstreamOffer:
    """An offer whose units are ordered from an upstream."""

    id: int
    sku_id: int
    cost_minor: int
    cost_currency: str
    declared: int
    withdrawn: bool


@write
def new_upstream_supplier(session: Session, *, name: str) -> int:
    """The supplier that an upstream is: nobody acts for it in a chat, and it is paid in advance, so nothing is owed to it."""
    party_id = ledger.new_party(session, PartyKind.SUPPLIER)
    session.add(Supplier(id=party_id, name=name[:200], joined_at=now(session), standing=Standing.TRUSTED))
    session.flush()
    return party_id


@write
def upstream_offer(
    session: Session,
    *,
    supplier_id: int,
    sku_id: int,
    upstream_id: int,
    cost_minor: int,
    cost_currency: str,
    declared: int,
    least: int = 1,
    most: int | None = None,
) -> int:
    """The offer of a denomination by an upstream, made at the first call and otherwise opened again; returns its id.

    What limits the quantity of one order is the sale's to check, so such an offer is not plain.
    """
    limits = {"min_quantity": least if least > 1 else None, "max_quantity": most}
    session.execute(
        insert_new(session, OfferRow).values(
            supplier_id=supplier_id,
            sku_id=sku_id,
            cost_minor=0,
            cost_currency=cost_currency,
            since=now(session),
            source_class=SourceClass.UPSTREAM,
            upstream_id=upstream_id,
        )
    )
    offer_id = session.scalars(select(OfferRow.id).where(OfferRow.supplier_id == supplier_id, OfferRow.sku_id == sku_id)).one()
    session.execute(
        update(OfferRow)
        .where(OfferRow.id == offer_id)
        .values(
            upstream_id=upstream_id,
            stopped_at=None,
            declared=declared,
            declared_at=now(session),
            changed_at=now(session),
            **limits,
        )
    )
    row = session.get(OfferRow, offer_id, with_for_update=True, populate_existing=True)
    assert row is not None, "it was just put there"
    derive_plain(session, row)
    session.flush()
    set_cost(session, offer_id=offer_id, cost_minor=cost_minor, cost_currency=cost_currency)
    join_ranking(session, sku_id=sku_id, offer_id=offer_id)  # Last, until the router has looked at it.
    return offer_id


@write
def lock_offer(session: Session, *, offer_id: int) -> None:
    """Nobody else changes this offer until the end of this transaction."""
    session.execute(select(OfferRow.id).where(OfferRow.id == offer_id).with_for_update(key_share=True))


@write
def withdraw_upstream_offer(session: Session, *, offer_id: int) -> None:
    """Nothing more is ordered by this offer; what was sold by it is untouched."""
    row = session.get(OfferRow, offer_id, with_for_update=True, populate_existing=True)
    assert row is not None
    row.declared, row.declared_at = 0, now(session)
    if row.stopped_at is None:
        row.stopped_at = now(session)
        leave_ranking(session, sku_id=row.sku_id, offer_id=offer_id)


@read
def upstream_offers(session: Session, supplier_id: int) -> list[UpstreamOffer]:
    """Every offer of an upstream, withdrawn ones too, the oldest first."""
    rows = session.scalars(select(OfferRow).where(OfferRow.supplier_id == supplier_id).order_by(OfferRow.id))
    return [UpstreamOffer(o.id, o.sku_id, o.cost_minor, o.cost_currency, o.declared or 0, o.stopped_at is not None) for o in rows]
