"""Showing the codes of an order: each time is logged before anybody sees them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import catalog, inventory, journal, outbox, supply
from core.catalog import Gone
from core.database import now, read, write
from core.orders.numbers import number_of
from core.orders.refusals import HeldForReview
from core.orders.tables import Order, OrderState, Reveal, RevealCause
from core.orders.views import Parcel, ParcelLine


@dataclass(frozen=True, slots=True)
class Shown:
    """One time the codes of an order left the shop in clear: sent first, looked at again, or sent again by the staff."""

    cause: RevealCause
    to_telegram_id: int
    at: datetime


@read
def shown(session: Session, order_id: int) -> list[Shown]:
    """Each time the codes of an order left the shop, oldest first: the evidence that they were delivered."""
    rows = session.execute(select(Reveal.cause, Reveal.to_telegram_id, Reveal.at).where(Reveal.order_id == order_id).order_by(Reveal.id))
    return [Shown(cause, to, at) for cause, to, at in rows]


@write
def reveal(session: Session, *, order_id: int, cause: RevealCause, to_telegram_id: int, buyer_id: int | None = None) -> Parcel:
    """The codes of an issued order in clear; logged before anybody sees them. Raises Gone when it is not this buyer's, and
    HeldForReview when the staff have not released it: every road on which codes leave leads through here.
    """
    order = session.get(Order, order_id)
    if order is None or order.state is not OrderState.ISSUED or (buyer_id is not None and order.buyer_id != buyer_id):
        raise Gone
    if order.held:
        raise HeldForReview
    session.add(Reveal(order_id=order_id, cause=cause, to_telegram_id=to_telegram_id, at=now(session)))
    opened = inventory.opened(session, order_id)
    # By the offers and not by the lines: what came as a replacement may be from a source that no line names.
    sku_of_offer = {offer.id: offer.sku_id for offer in supply.offers(session, {offer_id for offer_id, _ in opened})}
    secrets: dict[int, list[inventory.Secret]] = {}
    for offer_id, secret in opened:
        secrets.setdefault(sku_of_offer[offer_id], []).append(secret)
    lines = []
    for sku_id, codes in secrets.items():
        sku = catalog.sku(session, sku_id)
        assert sku is not None
        product = catalog.product(session, sku.product_id)
        assert product is not None
        lines.append(ParcelLine(product, sku, codes))
    return Parcel(order_id, number_of(order_id), order.buyer_id, lines)


@write
def show_again(session: Session, *, order_id: int, buyer_id: int) -> bool:
    """The buyer wants to see the codes of their order again: posted like every delivery, and logged as shown when it is sent.

    False when a delivery is under way anyway. Raises Gone when it is not their issued order, HeldForReview when it is held.
    """
    order = session.get(Order, order_id, with_for_update=True)
    if order is None or order.buyer_id != buyer_id or order.state is not OrderState.ISSUED:
        raise Gone
    if order.held:
        raise HeldForReview
    return outbox.resend(session, order_id=order_id, customer_id=buyer_id, cause=RevealCause.SHOWN)


@write
def resend(session: Session, *, order_id: int, by: str) -> bool:
    """An admin sends an issued order's codes again, to its buyer and nobody else; False when a delivery is under way anyway.

    Raises Gone, and HeldForReview when it is held: it is released first.
    """
    order = session.get(Order, order_id, with_for_update=True)
    if order is None or order.state is not OrderState.ISSUED:
        raise Gone
    if order.held:
        raise HeldForReview
    posted = outbox.resend(session, order_id=order_id, customer_id=order.buyer_id, cause=RevealCause.RESENT)
    journal.record(session, by=by, did="resend", about="order", about_id=order_id, after={"posted": posted})
    return posted
