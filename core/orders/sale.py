"""The sale by wallet: one command for both databases; by itself here, many together in sale_postgres and sale_sqlite."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from core import catalog, coupons, fulfilment, ledger, people, pricing, storefronts, supply
from core.catalog import ProductView, SkuView
from core.coupons import Coupon
from core.database import Alone, Gathered, Tools, insert_new, now, write
from core.errors import Refusal
from core.orders import sale_postgres, sale_sqlite
from core.orders.drawing import draw, fields_of, suitable, too_few
from core.orders.fulfilling import begin
from core.orders.holding import hold_back, must_hold
from core.orders.issue import Terms, count_purchase, keep_price, move_money, never_bought, send, write_lines
from core.orders.limits import most_of
from core.orders.numbers import number_of
from core.orders.outside import keep_outside
from core.orders.passing import keep_passed
from core.orders.refusals import NotForSale, OnceReused, PriceMoved, SoldOut, TooLittleMoney, WrongQuantity
from core.orders.tables import Order, OrderState
from core.orders.views import Outside, Receipt
from core.people import Customer
from core.pricing import Price, Quote
from core.storefronts import Storefront
from core.supply import Offer


@dataclass(frozen=True, slots=True)
class Deal:
    """What is sold on which terms, and from where, in the order of the ranking."""

    storefront: Storefront
    sku: SkuView
    terms: Terms
    offers: list[Offer]
    price: Price


def with_more(coupon_id: int | None, answers_id: int | None) -> tuple[object, ...]:
    """What the key of an order covers besides its terms, of those that have more."""
    return (*(() if coupon_id is None else (coupon_id,)), *(() if answers_id is None else ("answers", answers_id)))


def too_few_of(session: Session, deal: Deal, customer: Customer, product: ProductView, *, quantity: int, left: int) -> Refusal:
    """Why this buyer cannot have so many of a deal, when only `left` of them can be had."""
    return too_few(
        session,
        product=product,
        sku=deal.sku,
        offers=deal.offers,
        quantity=quantity,
        most=most_of(customer, deal.sku),
        country=people.country_of(session, customer.id),
        currency=deal.terms.currency,
        left=left,
    )


def once_hash(*inputs: object) -> bytes:
    """Sixteen bytes over the inputs of a command: the same key with other inputs is recognised."""
    return hashlib.blake2b("|".join(map(str, inputs)).encode(), digest_size=16).digest()


def agreed(
    session: Session, *, storefront_id: int, buyer: people.Customer, sku_id: int, quantity: int, price_id: int, rules_version: int
) -> Deal:
    """Compare what the buyer saw with what is true now; raises NotForSale, PriceMoved or WrongQuantity.

    The price is this buyer's: the version that they saw must be the one that is theirs now.
    """
    sku = catalog.sku(session, sku_id)
    storefront = storefronts.by_id(session, storefront_id)
    price = pricing.for_buyer(session, buyer=buyer, sku_ids=[sku_id]).get(sku_id)
    offers = supply.ranked(session, [sku_id])
    if sku is None or sku.hidden or price is None or not offers or price.currency != storefront.currency:
        raise NotForSale
    product = catalog.product(session, sku.product_id)
    if product is None or product.hidden:
        raise NotForSale
    if price.id != price_id or sku.rules_version != rules_version:
        raise PriceMoved
    most = most_of(buyer, sku)
    if not sku.min_quantity <= quantity <= most:
        raise WrongQuantity(least=sku.min_quantity, most=most)
    return Deal(storefront, sku, Terms(price.id, price.unit_for(quantity), price.currency), offers, price)


def quoted(session: Session, deal: Deal, *, buyer_id: int, quantity: int, coupon_id: int | None) -> tuple[Quote, Coupon | None]:
    """What the deal costs this buyer, with the coupon if there is one; raises the CouponRefused that says why it does not hold.

    To be asked with the buyer's wallet locked: whether this is their first order, and how often they used the coupon, stays true.
    """
    plain = pricing.quote(deal.price, quantity)
    if coupon_id is None:
        return plain, None
    coupon = coupons.check(
        session,
        coupon_id=coupon_id,
        storefront_id=deal.storefront.id,
        customer_id=buyer_id,
        product_id=deal.sku.product_id,
        sku_id=deal.sku.id,
        goods_minor=plain.goods_minor,
        currency=plain.currency,
        first_order=never_bought(session, buyer_id),
    )
    return pricing.quote(deal.price, quantity, cuts=[coupon.cut]), coupon


def _buy(
    session: Session,
    *,
    storefront_id: int,
    buyer_id: int,
    sku_id: int,
    quantity: int,
    price_id: int,
    rules_version: int,
    once: str,
    outside: Outside | None = None,
) -> Receipt:
    """Buy by wallet: compare the quote, take the codes, move the money, record the order and post the delivery, all or nothing.

    `price_id` and `rules_version` are what the buyer saw. The same `once` with the same inputs is the same order, with
    other inputs OnceReused. What comes from `outside` is kept as such in the same transaction, and no delivery is posted: its codes
    are fetched. Raises PriceMoved, NotForSale, WrongQuantity, LimitReached, SoldOut or TooLittleMoney, and
    CountryUnknown or NotForYourCountry when all that there is may be sold elsewhere only.
    """
    return _sell(
        session,
        storefront_id=storefront_id,
        buyer_id=buyer_id,
        sku_id=sku_id,
        quantity=quantity,
        price_id=price_id,
        rules_version=rules_version,
        once=once,
        outside=outside,
    )


@write
def buy_with(
    session: Session,
    *,
    storefront_id: int,
    buyer_id: int,
    sku_id: int,
    quantity: int,
    price_id: int,
    rules_version: int,
    once: str,
    coupon_id: int,
) -> Receipt:
    """The same with a coupon, which is counted in the same transaction; never gathered with others.

    A coupon's terms never change, so its id is what the buyer saw. Raises what `buy` raises, and the CouponRefused that says why
    the coupon does not hold: then nothing was bought, and nothing of the coupon is used.
    """
    return _sell(
        session,
        storefront_id=storefront_id,
        buyer_id=buyer_id,
        sku_id=sku_id,
        quantity=quantity,
        price_id=price_id,
        rules_version=rules_version,
        once=once,
        coupon_id=coupon_id,
    )


@write
def buy_for(
    session: Session,
    *,
    storefront_id: int,
    buyer_id: int,
    sku_id: int,
    quantity: int,
    price_id: int,
    rules_version: int,
    once: str,
    answers_id: int | None = None,
    coupon_id: int | None = None,
    outside: Outside | None = None,
) -> Receipt:
    """The same for a product that asks its buyer something: `answers_id` is what they answered; never gathered with others.

    Raises what `buy` and `buy_with` raise, and Gone when it is not their answer.
    """
    return _sell(
        session,
        storefront_id=storefront_id,
        buyer_id=buyer_id,
        sku_id=sku_id,
        quantity=quantity,
        price_id=price_id,
        rules_version=rules_version,
        once=once,
        coupon_id=coupon_id,
        answers_id=answers_id,
        outside=outside,
    )


def _sell(
    session: Session,
    *,
    storefront_id: int,
    buyer_id: int,
    sku_id: int,
    quantity: int,
    price_id: int,
    rules_version: int,
    once: str,
    coupon_id: int | None = None,
    answers_id: int | None = None,
    outside: Outside | None = None,
) -> Receipt:
    """All of them: what `buy`, `buy_with` and `buy_for` promise."""
    with_coupon = with_more(coupon_id, answers_id)
    wanted = once_hash(storefront_id, buyer_id, sku_id, quantity, price_id, rules_version, "wallet", *with_coupon)
    if outside is not None:
        wanted = outside.wanted
    customer = people.by_id(session, buyer_id)
    assert customer.storefront_id == storefront_id, "a customer buys in their own storefront"
    ledger.lock(session, customer.wallet_id)  # Presses of one buyer take turns, so that the key is looked up after the first has it.
    known = session.execute(select(Order.id, Order.once_hash, Order.total_minor, Order.currency).where(Order.once == once)).one_or_none()
    if known is not None:
        if known.once_hash != wanted:
            raise OnceReused
        return Receipt(known.id, number_of(known.id), quantity, known.total_minor, known.currency, repeated=True)
    deal = agreed(
        session,
        storefront_id=storefront_id,
        buyer=customer,
        sku_id=sku_id,
        quantity=quantity,
        price_id=price_id,
        rules_version=rules_version,
    )
    quote, coupon = quoted(session, deal, buyer_id=buyer_id, quantity=quantity, coupon_id=coupon_id)
    total = quote.total_minor
    balance = ledger.balance(session, customer.wallet_id)
    product = catalog.product(session, deal.sku.product_id)
    assert product is not None, "what is for sale has a product"
    said = fields_of(session, product=product, sku_id=sku_id, buyer_id=buyer_id, answers_id=answers_id)
    held = must_hold(session, product=product, total_minor=total, customer=customer, storefront=deal.storefront, reversible=False)
    count_purchase(session, buyer_id=buyer_id, sku=deal.sku, quantity=quantity)
    order_id = _record_order(session, deal, customer, once=once, once_hash=wanted, total_minor=total, answers_id=answers_id)
    if outside is not None:
        keep_outside(session, order_id=order_id, buyer_id=buyer_id, outside=outside, total_minor=total)
    # Before the codes: who comes too late for a coupon must not have kept codes from others meanwhile.
    keep_price(session, order_id=order_id, buyer_id=buyer_id, quote=quote, coupon=coupon)
    country = people.country_of(session, buyer_id)
    offers = suitable(session, deal.offers, quantity=quantity, country=country, currency=deal.terms.currency)
    drawn = draw(session, order_id=order_id, product=product, offers=offers, quantity=quantity)
    if drawn.count < quantity:
        raise too_few_of(session, deal, customer, product, quantity=quantity, left=drawn.count)
    if not supply.draw_quotas(session, order_id=order_id, units=drawn.units):
        raise SoldOut(left=0, sku_id=sku_id)
    supply.draw_commitments(session, order_id=order_id, units=drawn.units)
    keep_passed(
        session, order_id=order_id, ranked=deal.offers, drawn=drawn, quantity=quantity, country=country, currency=deal.terms.currency
    )
    by_id = {offer.id: offer for offer in offers}
    due_at: datetime | None = None
    try:
        if drawn.to_come:
            due_at = begin(
                session,
                session.get_one(Order, order_id),
                storefront=deal.storefront,
                customer=customer,
                product=product,
                terms=deal.terms,
                offers=by_id,
                drawn=drawn,
                sku_id=sku_id,
                fields=said,
                total_minor=total,
                held=held,
            )
        else:
            write_lines(session, order_id=order_id, terms=deal.terms, sku_id=sku_id, offers=by_id, taken=drawn.taken)
            move_money(
                session,
                order_id=order_id,
                storefront=deal.storefront,
                buyer_id=buyer_id,
                wallet_id=customer.wallet_id,
                terms=deal.terms,
                offers=by_id,
                taken=drawn.taken,
                total_minor=total,
            )
    except ledger.TooLittle as short:
        raise TooLittleMoney(balance_minor=balance, short_minor=short.short_minor, currency=short.currency) from None
    if held:
        hold_back(session, order_id=order_id)
    elif due_at is None and outside is None:
        send(session, order_id=order_id, buyer_id=buyer_id)
    return Receipt(order_id, number_of(order_id), quantity, total, deal.terms.currency, repeated=False, held=held, due_at=due_at)


def _record_order(
    session: Session, deal: Deal, buyer: Customer, *, once: str, once_hash: bytes, total_minor: int, answers_id: int | None
) -> int:
    """Write down an order that is paid from the wallet, with the answers it was given. Raises OnceReused."""
    at = now(session)
    order_id: int | None = session.execute(
        insert_new(session, Order)
        .values(
            storefront_id=deal.storefront.id,
            buyer_id=buyer.id,
            once=once,
            once_hash=once_hash,
            state=OrderState.ISSUED,
            total_minor=total_minor,
            currency=deal.terms.currency,
            paid_by="wallet",
            placed_at=at,
            issued_at=at,
            answers_id=answers_id,
            as_reseller=buyer.wholesale,
            level_id=buyer.level_id if buyer.wholesale else None,
        )
        .returning(Order.id)
    ).scalar_one_or_none()
    if order_id is None:
        raise OnceReused  # Another buyer's order took this key a moment ago: keys name their buyer, so this is no press of theirs.
    if answers_id is not None:
        fulfilment.use_answers(session, answers_id=answers_id, order_id=order_id)
    return order_id


def _together(connection: Connection, asks: Sequence[dict[str, Any]], tools: Tools) -> list[Receipt | Refusal | Alone]:
    """Many waiting purchases in one go; whoever cannot simply be sold to is answered ALONE and run by itself."""
    hashed = [
        {
            **ask,
            "once_hash": ask["outside"].wanted
            if ask.get("outside") is not None
            else once_hash(
                ask["storefront_id"],
                ask["buyer_id"],
                ask["sku_id"],
                ask["quantity"],
                ask["price_id"],
                ask["rules_version"],
                "wallet",
            ),
        }
        for ask in asks
    ]
    way = sale_postgres if connection.dialect.name == "postgresql" else sale_sqlite
    return list(way.sell(connection, hashed, tools))


buy = Gathered(_buy, _together)
