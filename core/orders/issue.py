"""The last step of every order, whatever it was paid by: codes to the order, money to the accounts, the delivery to the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from core import inventory, ledger, outbox
from core.catalog import SkuView
from core.database import insert_new
from core.ledger import Leg, TransferKind
from core.orders.refusals import LimitReached
from core.orders.tables import OrderLine, PurchaseCount
from core.storefronts import Storefront
from core.supply import Offer


@dataclass(frozen=True, slots=True)
class Terms:
    """What a buyer agreed to: a price version and its unit price in minor units of `currency`."""

    price_id: int
    unit_minor: int
    currency: str


def count_purchase(session: Session, *, buyer_id: int, sku: SkuView, quantity: int) -> None:
    """Count a limited purchase, or raise LimitReached; the counter row is the lock."""
    if sku.max_per_buyer is None:
        return
    session.execute(insert_new(session, PurchaseCount).values(customer_id=buyer_id, sku_id=sku.id, bought=0))
    counted = session.execute(
        update(PurchaseCount)
        .where(
            PurchaseCount.customer_id == buyer_id,
            PurchaseCount.sku_id == sku.id,
            PurchaseCount.bought + quantity <= sku.max_per_buyer,
        )
        .values(bought=PurchaseCount.bought + quantity)
        .returning(PurchaseCount.bought),
        execution_options={"synchronize_session": False},
    ).first()
    if counted is None:
        raise LimitReached(most=sku.max_per_buyer, still=max(0, sku.max_per_buyer - bought(session, buyer_id=buyer_id, sku_id=sku.id)))


def within_limit(session: Session, *, buyer_id: int, sku: SkuView, quantity: int) -> None:
    """Raise LimitReached when so many more would be too many; counts nothing, so that nobody pays for what cannot be issued."""
    if sku.max_per_buyer is None:
        return
    still = max(0, sku.max_per_buyer - bought(session, buyer_id=buyer_id, sku_id=sku.id))
    if quantity > still:
        raise LimitReached(most=sku.max_per_buyer, still=still)


def bought(session: Session, *, buyer_id: int, sku_id: int) -> int:
    """How many of a limited denomination a buyer has."""
    return session.scalar(select(PurchaseCount.bought).where(PurchaseCount.customer_id == buyer_id, PurchaseCount.sku_id == sku_id)) or 0


def write_lines(
    session: Session, *, order_id: int, terms: Terms, sku_id: int, offers: Mapping[int, Offer], taken: Mapping[int, int]
) -> None:
    """One line for each offer that codes were taken from."""
    session.execute(
        insert(OrderLine),
        [
            {
                "order_id": order_id,
                "seq": seq,
                "sku_id": sku_id,
                "offer_id": offer_id,
                "price_id": terms.price_id,
                "quantity": quantity,
                "unit_price_minor": terms.unit_minor,
                "unit_cost_minor": offers[offer_id].cost_minor,
                "cost_currency": offers[offer_id].cost_currency,
            }
            for seq, (offer_id, quantity) in enumerate(taken.items(), 1)
        ],
    )


def move_money(
    session: Session,
    *,
    order_id: int,
    storefront: Storefront,
    buyer_id: int,
    wallet_id: int,
    terms: Terms,
    offers: Mapping[int, Offer],
    taken: Mapping[int, int],
) -> None:
    """Debit the wallet with the price; credit the owners of consigned goods with the cost and the shop with the rest."""
    legs: list[Leg] = []
    for offer_id, quantity in taken.items():
        offer, price = offers[offer_id], terms.unit_minor * quantity
        cost = offer.cost_minor * quantity if offer.payable_id is not None else 0
        if offer.payable_id is not None and cost > 0:
            legs.append(Leg(wallet_id, offer.payable_id, min(cost, price), terms.currency))
            if cost > price:  # Sold below cost: the shop pays the difference.
                legs.append(Leg(storefront.sales_account_id, offer.payable_id, cost - price, terms.currency))
        if price > cost:
            legs.append(Leg(wallet_id, storefront.sales_account_id, price - cost, terms.currency))
    ledger.transfer(session, key=f"sale:{order_id}", kind=TransferKind.SALE, party_id=buyer_id, legs=legs, subject_id=order_id)


def send(session: Session, *, order_id: int, buyer_id: int) -> None:
    """Post the delivery: the one road by which a code leaves."""
    outbox.post(session, topic=outbox.Topic.DELIVERY, customer_id=buyer_id, order_id=order_id)


def take_codes(session: Session, *, order_id: int, offers: Sequence[Offer], quantity: int) -> dict[int, int]:
    """Take the codes in the order of the ranking; empty when there are too few."""
    return inventory.take(session, offer_ids=[offer.id for offer in offers], quantity=quantity, order_id=order_id)
