"""The last step of every order, whatever it was paid by: codes to the order, money to the accounts, the delivery to the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import case, insert, select, update
from sqlalchemy.orm import Session

from core import coupons, ledger, outbox, pricing
from core.catalog import SkuView
from core.coupons import Coupon
from core.database import insert_new, now
from core.ledger import Leg, TransferKind
from core.orders.refusals import LimitReached
from core.orders.tables import Order, OrderLine, OrderPrice, OrderState, PurchaseCount
from core.pricing import Discount, Quote, Reason, Tier
from core.storefronts import Storefront
from core.supply import Offer


@dataclass(frozen=True, slots=True)
class Terms:
    """What a buyer agreed to: a price version and its unit price in minor units of `currency`."""

    price_id: int
    unit_minor: int
    currency: str


def never_bought(session: Session, buyer_id: int) -> bool:
    """This buyer has no order that was issued: their next is their first. One that was refunded was their first all the same."""
    these = (OrderState.FULFILLING, OrderState.ISSUED, OrderState.REFUNDED)
    return session.scalars(select(Order.id).where(Order.buyer_id == buyer_id, Order.state.in_(these)).limit(1)).first() is None


def keep_price(session: Session, *, order_id: int, buyer_id: int, quote: Quote, coupon: Coupon | None) -> None:
    """Keep with a new order why it costs something else than its price times its quantity, and count its coupon's use.

    Writes nothing for a plain quote. Raises CouponUsedUp or CouponUsedByYou.
    """
    if coupon is not None and quote.discount_minor:
        coupons.redeem(session, coupon=coupon, order_id=order_id, customer_id=buyer_id, discount_minor=quote.discount_minor)
    if quote.plain:
        return
    session.execute(
        insert(OrderPrice).values(
            order_id=order_id,
            quantity=quote.quantity,
            unit_minor=quote.unit_minor,
            tier_from=None if quote.tier is None else quote.tier.from_quantity,
            discount_minor=quote.discount_minor,
            discounts=[{"why": cut.why, "amount_minor": cut.amount_minor, "facts": dict(cut.facts)} for cut in quote.discounts],
            # The fee is not the order's but each payment's, which keeps it itself.
            reasons=[{"says": why.says, "facts": dict(why.facts)} for why in quote.reasons if not why.says.startswith("fee")],
        )
    )


def kept_price(session: Session, order: Order) -> Quote | None:
    """The quote that was kept with an order, without a payment's fee; None when it costs its price times its quantity."""
    row = session.get(OrderPrice, order.id)
    if row is None:
        return None
    price_id = session.scalars(select(OrderLine.price_id).where(OrderLine.order_id == order.id).limit(1)).one()
    tier = None if row.tier_from is None else Tier(row.tier_from, row.unit_minor)
    goods = row.unit_minor * (row.quantity - (order.short_by or 0))
    return Quote(
        price_id,
        row.quantity - (order.short_by or 0),
        row.unit_minor,
        tier,
        goods,
        tuple(Discount(cut["why"], cut["amount_minor"], cut["facts"]) for cut in row.discounts),
        goods - row.discount_minor,
        order.currency,
        reasons=tuple(Reason(why["says"], why["facts"]) for why in row.reasons),
    )


def due_for(session: Session, order: Order, *, unit_minor: int, ordered: int, given: int) -> int:
    """What is charged when only `given` of the `ordered` codes can be had: the discount is brought down in proportion.

    Writes what the order keeps of its price; the order's total is the caller's to change. What is not charged is the total less this.
    """
    assert 0 < given <= ordered
    row = session.get(OrderPrice, order.id)
    if given == ordered or row is None or not row.discount_minor:
        return order.total_minor if given == ordered else unit_minor * given
    discounts = [{**cut, "amount_minor": pricing.portion(cut["amount_minor"], of=ordered, before=0, units=given)} for cut in row.discounts]
    row.discounts = [cut for cut in discounts if cut["amount_minor"]]
    row.discount_minor = sum(cut["amount_minor"] for cut in row.discounts)
    session.flush()
    coupons.reduce(session, order_id=order.id, discount_minor=row.discount_minor)
    return unit_minor * given - row.discount_minor


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


def uncount_purchase(session: Session, *, buyer_id: int, sku_id: int, quantity: int) -> None:
    """The buyer may have as many more of what is limited."""
    session.execute(
        update(PurchaseCount)
        .where(PurchaseCount.customer_id == buyer_id, PurchaseCount.sku_id == sku_id)
        # Some of them may have been bought while there was no limit, and were not counted.
        .values(bought=case((PurchaseCount.bought > quantity, PurchaseCount.bought - quantity), else_=0)),
        execution_options={"synchronize_session": False},
    )


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
                "ranking_version": offers[offer_id].version,
                "exclusive": offers[offer_id].exclusive(now(session)),
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
    total_minor: int | None = None,
) -> None:
    """Debit the wallet with the price; credit the owners of consigned goods with the cost and the shop with the rest.

    `total_minor` is what the buyer pays when it is less than unit price × quantity: a discount is the shop's, its suppliers get
    their cost all the same.
    """
    legs: list[Leg] = []
    units = terms.unit_minor * sum(taken.values())
    total = units if total_minor is None else total_minor
    assert 0 < total <= units, "a discount leaves something to pay"
    discount = units - total
    for offer_id, quantity in taken.items():
        offer, price = offers[offer_id], terms.unit_minor * quantity
        borne = min(discount, price)
        discount, price = discount - borne, price - borne
        cost = offer.cost_minor * quantity if offer.payable_id is not None else 0
        if offer.payable_id is not None and cost > 0:
            if price > 0:
                legs.append(Leg(wallet_id, offer.payable_id, min(cost, price), terms.currency))
            if cost > price:  # Sold below cost: the shop pays the difference.
                legs.append(Leg(storefront.sales_account_id, offer.payable_id, cost - price, terms.currency))
        if price > cost:
            legs.append(Leg(wallet_id, storefront.sales_account_id, price - cost, terms.currency))
    ledger.transfer(session, key=f"sale:{order_id}", kind=TransferKind.SALE, party_id=buyer_id, legs=legs, subject_id=order_id)


def send(session: Session, *, order_id: int, buyer_id: int) -> None:
    """Post the delivery: the one road by which a code leaves."""
    outbox.post(session, topic=outbox.Topic.DELIVERY, customer_id=buyer_id, order_id=order_id)
