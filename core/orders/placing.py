"""Orders that wait for a payment: placed at the price seen, their codes held while the payer pays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import catalog, fulfilment, inventory, ledger, payments, people, storefronts, supply
from core.database import insert_new, now, write
from core.errors import N_, Refusal
from core.orders.drawing import fields_of, from_shelf, in_turn, shelves_in_turn, suitable, there_are
from core.orders.ending import line_of, lock_order_of
from core.orders.issue import keep_price, within_limit
from core.orders.numbers import number_of
from core.orders.refusals import NotForSale, OnceReused, PaymentDisputed, SoldOut
from core.orders.sale import agreed, once_hash, quoted, too_few_of, with_more
from core.orders.tables import Order, OrderLine, OrderState
from core.ports import Fee

LONGEST_HOLD = 45 * 60.0  # seconds; an order may wait longer for its money, its codes do not
MOST_OPEN = 10  # orders of one buyer that wait for a payment; and as many top-ups


@dataclass(eq=False)
class TooManyOpen(Refusal):
    says: ClassVar[str] = N_("You have {most} orders waiting for payment. Please pay or cancel one first.")

    most: int


@dataclass(eq=False)
class TooManyTopUps(Refusal):
    says: ClassVar[str] = N_("You have {most} top-ups waiting for payment. Please pay or cancel one first.")

    most: int


@dataclass(eq=False)
class TooManyHolds(Refusal):
    says: ClassVar[str] = N_("You have {most} payments under way. Please finish one first.")

    most: int


@dataclass(eq=False)
class HeldByOthers(Refusal):
    says: ClassVar[str] = N_("Others are paying for these right now. Please try again in a few minutes, or pay from your balance.")


@dataclass(eq=False)
class DailyCap(Refusal):
    says: ClassVar[str] = N_("This way you can pay {left} more today. Please choose another way to pay, or pay less.")

    left_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Cap:
    """What one buyer may pay in a day by ways whose payers can take the money back: so much of the shop's currency."""

    providers: tuple[str, ...]
    most_minor: int


@dataclass(frozen=True, slots=True)
class HoldRules:
    """How much unpaid orders may keep: so many at a time of one buyer, and such a share of what there is of one denomination."""

    most_of_buyer: int = 3
    share_percent: int = 50


@dataclass(frozen=True, slots=True)
class PendingOrder:
    """An order that waits for its payment."""

    order_id: int
    number: str
    intent: payments.Intent


@write
def place(
    session: Session,
    *,
    storefront_id: int,
    buyer_id: int,
    sku_id: int,
    quantity: int,
    price_id: int,
    rules_version: int,
    once: str,
    provider: str,
    pay_currency: str,
    seconds: float,
    fee: Fee = Fee(),
    worth_minor: int | None = None,
    hold: HoldRules | None = None,
    cap: Cap | None = None,
    by_task: bool = False,
    screen_message_id: int | None = None,
    step_minor: int = 1,
    coupon_id: int | None = None,
    reversible: bool = False,
    answers_id: int | None = None,
) -> PendingOrder:
    """An order to be paid by a provider within `seconds`, at the price seen; the same `once` again is the same order.

    `worth_minor` of the total is asked of the provider (all of it without), the rest comes from the wallet when it is paid.
    With `hold` the codes are kept for the payer from now on. Raises what `buy` raises for price, limits and stock, TooManyOpen,
    TooManyHolds, HeldByOthers, DailyCap, and NotForSale when the provider's currency has no rate. A coupon is counted
    from now on, until the order ends unpaid; raises the CouponRefused that says why it does not hold.

    `reversible` says that whoever pays this way can take the money back; raises PaymentDisputed while they do so elsewhere.
    """
    with_coupon = with_more(coupon_id, answers_id)
    wanted = once_hash(storefront_id, buyer_id, sku_id, quantity, price_id, rules_version, provider, *with_coupon)
    customer = people.by_id(session, buyer_id)
    ledger.lock(session, customer.wallet_id)  # Two presses of one buyer take turns.
    before = _placed_before(session, once=once, once_hash=wanted)
    if before is not None:
        return before
    if reversible and payments.in_dispute(session, customer_id=buyer_id):
        raise PaymentDisputed
    deal = agreed(
        session,
        storefront_id=storefront_id,
        buyer=customer,
        sku_id=sku_id,
        quantity=quantity,
        price_id=price_id,
        rules_version=rules_version,
    )
    product = catalog.product(session, deal.sku.product_id)
    assert product is not None, "what is for sale has a product"
    country = people.country_of(session, buyer_id)
    offers = in_turn(session, suitable(session, deal.offers, quantity=quantity, country=country, currency=deal.terms.currency))
    within_limit(session, buyer_id=buyer_id, sku=deal.sku, quantity=quantity)
    quote, coupon = quoted(session, deal, buyer_id=buyer_id, quantity=quantity, coupon_id=coupon_id)
    total = quote.total_minor
    _not_too_many_open(session, buyer_id)
    if cap is not None:
        _within_cap(session, customer_id=buyer_id, provider=provider, worth_minor=worth_minor or total, cap=cap)
    # To be answered now, or nobody could be asked after the money has come. Raises Gone when they are another's.
    fields_of(session, product=product, sku_id=sku_id, buyer_id=buyer_id, answers_id=answers_id)
    left = there_are(session, product, offers, most=quantity)
    if left < quantity:
        raise too_few_of(session, deal, customer, product, quantity=quantity, left=left)
    assert worth_minor is None or 0 < worth_minor <= total, "the wallet pays a part"
    order_id = _record_order(
        session,
        storefront_id=storefront_id,
        buyer=customer,
        once=once,
        once_hash=wanted,
        total_minor=total,
        currency=deal.terms.currency,
        provider=provider,
        seconds=seconds,
        answers_id=answers_id,
    )
    keep_price(session, order_id=order_id, buyer_id=buyer_id, quote=quote, coupon=coupon)
    first = offers[0]
    session.add(
        OrderLine(
            order_id=order_id,
            seq=1,
            sku_id=sku_id,
            offer_id=first.id,
            price_id=price_id,
            quantity=quantity,
            unit_price_minor=deal.terms.unit_minor,
            unit_cost_minor=first.cost_minor,
            cost_currency=first.cost_currency,
            ranking_version=first.version,
        )
    )
    asked = payments.ask(
        session,
        provider=provider,
        pay_currency=pay_currency,
        customer_id=buyer_id,
        worth_minor=worth_minor or total,
        order_id=order_id,
        seconds=seconds,
        fee=fee,
        step_minor=step_minor,
        by_task=by_task,
        screen_message_id=screen_message_id,
        reversible=reversible,
    )
    if asked is None:
        raise NotForSale
    if hold is not None:
        _hold_for_payment(session, order_id=order_id, customer_id=buyer_id, sku_id=sku_id, quantity=quantity, seconds=seconds, rules=hold)
    return PendingOrder(order_id, number_of(order_id), asked)


def _placed_before(session: Session, *, once: str, once_hash: bytes) -> PendingOrder | None:
    """The order that this press has placed already; raises OnceReused when the key was another wish's, or it waits no longer."""
    known = session.scalars(select(Order).where(Order.once == once)).one_or_none()
    if known is None:
        return None
    intent = payments.find_intent(session, order_id=known.id)
    if known.once_hash != once_hash or known.state is not OrderState.PENDING or intent is None:
        raise OnceReused
    return PendingOrder(known.id, number_of(known.id), intent)


def _not_too_many_open(session: Session, buyer_id: int) -> None:
    waiting = session.scalar(select(func.count()).select_from(Order).where(Order.buyer_id == buyer_id, Order.state == OrderState.PENDING))
    if (waiting or 0) >= MOST_OPEN:
        raise TooManyOpen(most=MOST_OPEN)


def _record_order(
    session: Session,
    *,
    storefront_id: int,
    buyer: people.Customer,
    once: str,
    once_hash: bytes,
    total_minor: int,
    currency: str,
    provider: str,
    seconds: float,
    answers_id: int | None,
) -> int:
    """Write down an order that waits for its money, with the answers it was given; raises OnceReused."""
    at = now(session)
    order_id: int | None = session.scalars(
        insert_new(session, Order)
        .values(
            storefront_id=storefront_id,
            buyer_id=buyer.id,
            once=once,
            once_hash=once_hash,
            state=OrderState.PENDING,
            total_minor=total_minor,
            currency=currency,
            paid_by=provider,
            placed_at=at,
            expires_at=at + timedelta(seconds=seconds),
            answers_id=answers_id,
            as_reseller=buyer.wholesale,
            level_id=buyer.level_id if buyer.wholesale else None,
        )
        .returning(Order.id)
    ).one_or_none()
    if order_id is None:  # Another buyer's press had this key at the same moment.
        raise OnceReused
    if answers_id is not None:
        fulfilment.use_answers(session, answers_id=answers_id, order_id=order_id)
    return order_id


def _within_cap(session: Session, *, customer_id: int, provider: str, worth_minor: int, cap: Cap) -> None:
    if provider not in cap.providers:
        return
    paid = payments.asked_lately(session, customer_id=customer_id, providers=cap.providers, hours=24)
    if paid + worth_minor > cap.most_minor:
        currency = storefronts.by_id(session, people.by_id(session, customer_id).storefront_id).currency
        raise DailyCap(left_minor=max(0, cap.most_minor - paid), currency=currency)


def _hold_for_payment(
    session: Session, *, order_id: int, customer_id: int, sku_id: int, quantity: int, seconds: float, rules: HoldRules
) -> inventory.HoldView | None:
    """Hold the codes of an order, but for those that a source is to bring: None when all are.

    Raises TooManyHolds, HeldByOthers or SoldOut.
    """
    existing = inventory.open_hold(session, order_id)
    if existing is not None:
        return existing
    sku = catalog.sku(session, sku_id)
    product = None if sku is None else catalog.product(session, sku.product_id)
    assert product is not None, "what was ordered is never deleted"
    currency = storefronts.by_id(session, people.by_id(session, customer_id).storefront_id).currency
    country = people.country_of(session, customer_id)
    offers = suitable(session, supply.ranked(session, [sku_id]), quantity=quantity, country=country, currency=currency)
    if there_are(session, product, offers, most=quantity) < quantity:
        raise SoldOut(left=there_are(session, product, offers, most=quantity), sku_id=sku_id)
    covered = supply.covered(session, [offer.id for offer in offers if offer.quota_id is not None])
    covered |= {offer_id: min(n, covered.get(offer_id, n)) for offer_id, n in supply.units_in_room(session, offers, lock=False).items()}
    turns = shelves_in_turn(session, offers, most_of=covered, quantity=quantity) if from_shelf(product) else []
    if not turns or not turns[-1].quantity:
        return None
    if inventory.open_holds_of(session, customer_id) >= rules.most_of_buyer:
        raise TooManyHolds(most=rules.most_of_buyer)
    held = inventory.held_of(session, sku_id)
    # Unpaid orders may keep only a share of what there is, or anybody could empty the shop without paying.
    least_left = -(-((held + quantity) * 100 - rules.share_percent * held) // rules.share_percent)
    if (held or quantity > 1) and supply.left(session, [sku_id], most=least_left)[sku_id] < least_left:
        raise HeldByOthers
    kept = inventory.hold(
        session,
        order_id=order_id,
        customer_id=customer_id,
        sku_id=sku_id,
        turns=turns,
        # Who often lets holds lapse gets shorter ones.
        seconds=min(seconds, LONGEST_HOLD) / (1 + min(3, inventory.lapses(session, customer_id))),
    )
    if kept is None and there_are(session, product, offers, most=quantity) < quantity:
        raise SoldOut(left=there_are(session, product, offers, most=quantity), sku_id=sku_id)
    return kept


@write
def deposit(
    session: Session,
    *,
    customer_id: int,
    worth_minor: int,
    provider: str,
    pay_currency: str,
    seconds: float,
    fee: Fee = Fee(),
    by_task: bool = False,
    screen_message_id: int | None = None,
    step_minor: int = 1,
    cap: Cap | None = None,
    reversible: bool = False,
) -> payments.Intent:
    """A payment into the wallet worth so much of the shop's currency.

    `reversible` as in `place`. Raises TooManyTopUps, PaymentDisputed, DailyCap, and NotForSale when there is no rate.
    """
    ledger.lock(session, people.by_id(session, customer_id).wallet_id)  # Two presses of one buyer take turns.
    if len(payments.open_deposits(session, customer_id)) >= MOST_OPEN:
        raise TooManyTopUps(most=MOST_OPEN)
    if reversible and payments.in_dispute(session, customer_id=customer_id):
        raise PaymentDisputed
    if cap is not None:
        _within_cap(session, customer_id=customer_id, provider=provider, worth_minor=worth_minor, cap=cap)
    asked = payments.ask(
        session,
        provider=provider,
        pay_currency=pay_currency,
        customer_id=customer_id,
        worth_minor=worth_minor,
        order_id=None,
        seconds=seconds,
        fee=fee,
        step_minor=step_minor,
        by_task=by_task,
        screen_message_id=screen_message_id,
        reversible=reversible,
    )
    if asked is None:
        raise NotForSale
    return asked


@write
def reserve(
    session: Session,
    *,
    intent_id: int,
    customer_id: int,
    amount_minor: int,
    currency: str,
    hold_seconds: float,
    rules: HoldRules = HoldRules(share_percent=100),
) -> payments.Intent:
    """Just before money moves: check whose it is and how much, and hold the codes. Safe to repeat.

    Raises NotPayable, NotForSale, LimitReached, SoldOut, TooManyHolds, HeldByOthers or PaymentDisputed: then the payment must be refused.
    """
    lock_order_of(session, intent_id)
    intent = payments.check(session, intent_id=intent_id, customer_id=customer_id, amount_minor=amount_minor, currency=currency)
    if intent.reversible and payments.in_dispute(session, customer_id=customer_id):
        raise PaymentDisputed
    if intent.order_id is None:
        return intent
    order = session.get(Order, intent.order_id, with_for_update=True)
    if order is None or order.state is not OrderState.PENDING or (order.expires_at and order.expires_at <= now(session)):
        raise payments.NotPayable
    part = order.total_minor - intent.worth_minor
    if part > 0 and payments.wallet(session, customer_id).balance_minor < part:
        # The wallet was to pay a part, and has been spent since: what would come in could only be credited.
        raise payments.NotPayable
    line = line_of(session, order.id)
    sku = catalog.sku(session, line.sku_id)
    assert sku is not None, "what was ordered is never deleted"
    within_limit(session, buyer_id=customer_id, sku=sku, quantity=line.quantity)
    held = _hold_for_payment(
        session,
        order_id=order.id,
        customer_id=customer_id,
        sku_id=line.sku_id,
        quantity=line.quantity,
        seconds=hold_seconds,
        rules=rules,
    )
    if held is not None and supply.forbidden(session, inventory.hold_offers(session, held.id)):
        raise NotForSale  # Kept before it was stopped: no money may come in for it any more.
    if held is not None and order.expires_at is not None and held.expires_at > order.expires_at:
        # The payer has confirmed: the order must not end, and give the codes away, before the hold does.
        order.expires_at = held.expires_at
        payments.keep_open(session, intent_id=intent_id, until=held.expires_at)
    return intent
