"""Buying for the shop's own account: ordered with the supplier's quantity tiers, received in parts, each batch with its own cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import inventory, journal, supply
from core.catalog import Gone
from core.database import now, write
from core.errors import N_, Refusal
from core.purchasing.queries import PurchaseView, viewed
from core.purchasing.rules import CostTier, reached
from core.purchasing.tables import Purchase, PurchaseReceipt, PurchaseState

LARGEST = 1_000_000  # units in one purchase order


@dataclass(eq=False)
class PurchaseOver(Refusal):
    says: ClassVar[str] = N_("This purchase order has moved on meanwhile. Nothing was changed; please look at it again.")


@write
def draft_purchase(
    session: Session,
    *,
    supplier_id: int,
    sku_id: int,
    quantity: int,
    tiers: Sequence[CostTier],
    currency: str,
    by: str,
    expected_on: date | None = None,
    note: str = "",
) -> PurchaseView:
    """A purchase order that is not sent yet; the unit cost is that of the tier which the quantity reaches.

    What comes belongs to the shop: nobody is credited when it is sold. Raises OwnSupplier, WrongTiers, and ConsignedGoods.
    """
    assert 0 < quantity <= LARGEST
    supply.not_own(session, supplier_id, by)
    unit = reached(tiers, quantity)
    offer_id = supply.bought_offer(session, supplier_id=supplier_id, sku_id=sku_id, cost_minor=unit, cost_currency=currency)
    row = Purchase(
        supplier_id=supplier_id,
        sku_id=sku_id,
        offer_id=offer_id,
        state=PurchaseState.DRAFT,
        quantity=quantity,
        received=0,
        tiers=[{"from_quantity": tier.from_quantity, "unit_minor": tier.unit_minor} for tier in tiers],
        unit_cost_minor=unit,
        currency=currency,
        expected_on=expected_on,
        note=note[:500],
        by=by,
        made_at=now(session),
    )
    session.add(row)
    session.flush()
    after = {"supplier": supplier_id, "sku_id": sku_id, "quantity": quantity, "cost_minor": unit, "currency": currency}
    journal.record(session, by=by, did="draft-purchase", about="purchase", about_id=row.id, after=after)
    return viewed(session, row)


@write
def order_purchase(session: Session, *, purchase_id: int, by: str) -> PurchaseView:
    """It is ordered from the supplier now. Raises Gone, OwnSupplier, PurchaseOver."""
    _not_theirs(session, purchase_id, by)
    row = _moved(session, purchase_id, PurchaseState.DRAFT, PurchaseState.ORDERED)
    row.ordered_at = now(session)
    journal.record(session, by=by, did="order-purchase", about="purchase", about_id=row.id, after={"state": row.state.value})
    return viewed(session, row)


@write
def end_purchase(session: Session, *, purchase_id: int, by: str) -> PurchaseView:
    """Nothing (more) will come: cancelled when nothing came, closed when a part did. Raises Gone, OwnSupplier, PurchaseOver."""
    _not_theirs(session, purchase_id, by)
    row = session.get_one(Purchase, purchase_id, with_for_update=True)
    if row.state not in (PurchaseState.DRAFT, PurchaseState.ORDERED):
        raise PurchaseOver
    row.state = PurchaseState.CLOSED if row.received else PurchaseState.CANCELLED
    row.ended_at = now(session)
    session.flush()
    after = {"state": row.state.value, "received": row.received}
    journal.record(session, by=by, did="end-purchase", about="purchase", about_id=row.id, after=after)
    return viewed(session, row)


def _not_theirs(session: Session, purchase_id: int, by: str) -> None:
    """What the shop buys of a supplier, nobody decides who acts for them. Raises Gone, OwnSupplier."""
    row = session.get(Purchase, purchase_id)
    if row is None:
        raise Gone
    supply.not_own(session, row.supplier_id, by)


def _moved(session: Session, purchase_id: int, before: PurchaseState, after: PurchaseState) -> Purchase:
    row = session.get_one(Purchase, purchase_id, with_for_update=True)
    if row.state is not before:
        raise PurchaseOver
    row.state = after
    session.flush()
    return row


@write
def receive_purchases(session: Session, *, most: int = 100) -> int:
    """Write down for which purchase orders the batches of bought offers came, the oldest order first; returns how many batches.

    What is more than was ordered is received for nobody's order, at the cost of the offer. A batch is counted once.
    """
    bought = supply.bought_offers(session)
    counted = 0
    for batch in inventory.published_batches(session, offer_ids=bought, unless=select(PurchaseReceipt.batch_id), most=most):
        # The offer's row is the lock: two processes do not count one batch for two orders.
        cost_minor, currency = supply.locked_cost(session, batch.offer_id)
        if session.scalar(select(PurchaseReceipt.id).where(PurchaseReceipt.batch_id == batch.id).limit(1)) is not None:
            continue
        left, seq = batch.accepted, 0
        open_orders = session.scalars(
            select(Purchase)
            .where(Purchase.offer_id == batch.offer_id, Purchase.state == PurchaseState.ORDERED)
            .order_by(Purchase.id)
            .with_for_update()
        ).all()
        for row in open_orders:
            part = min(left, row.quantity - row.received)
            if not part:
                break
            seq, left = seq + 1, left - part
            session.add(_receipt(session, batch.id, seq, row.id, part, row.unit_cost_minor, row.currency))
            row.received += part
            if row.received == row.quantity:
                row.state, row.ended_at = PurchaseState.RECEIVED, now(session)
            session.flush()
        if left:
            session.add(_receipt(session, batch.id, seq + 1, None, left, cost_minor, currency))
            session.flush()
        counted += 1
    return counted


def _receipt(
    session: Session, batch_id: int, seq: int, purchase_id: int | None, quantity: int, unit_cost_minor: int, currency: str
) -> PurchaseReceipt:
    return PurchaseReceipt(
        batch_id=batch_id,
        seq=seq,
        purchase_id=purchase_id,
        quantity=quantity,
        unit_cost_minor=unit_cost_minor,
        currency=currency,
        at=now(session),
    )
