"""Quotes, histories and searches."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from core import catalog, coupons, fulfilment, ledger, outbox, payments, people, pricing, showcase, storefronts, supply
from core.catalog import ProductView, SkuView
from core.coupons import Coupon, CouponRefused
from core.database import listed, now, read
from core.orders.issue import bought, kept_price, never_bought
from core.orders.limits import most_of
from core.orders.numbers import number_of, order_id_of
from core.orders.refunds import RefundView, refunds_of
from core.orders.seals import Seal, seal
from core.orders.tables import ExchangedCode, Order, OrderLine, OrderState, Refund, RefundedCode, Reveal
from core.ports import Fee
from core.pricing import Price
from core.showcase import COUNTED

_PAID_WITHIN = timedelta(minutes=10)  # of being issued: both in one transaction, but each asks the clock
_LONGEST = 200  # characters of a provider's number


@dataclass(frozen=True, slots=True)
class Quote:
    """What buying so many would cost now, and whether it could be done; amounts in minor units of `price.currency`.

    `price.id` and `sku.rules_version` go into the button: the sale compares them. `most` is how many this buyer could
    take at once (limits and stock); `short_minor` is what the wallet lacks, `spendable_minor` what it has with its credit; `by_ways`
    maps the ways to pay that have a rate to what each would be asked for. `priced` tells why it costs that; with a coupon asked for,
    either `coupon` is the one it was made with, or `coupon_refused` says why it was made without.
    """

    product: ProductView
    sku: SkuView
    price: Price
    quantity: int
    total_minor: int
    left: int
    most: int
    still_allowed: int | None
    balance_minor: int
    short_minor: int
    spendable_minor: int
    by_ways: dict[str, Asked]
    priced: pricing.Quote
    coupon: Coupon | None = None
    coupon_refused: CouponRefused | None = None


@dataclass(frozen=True, slots=True)
class WayToPay:
    """A provider as far as a price depends on it."""

    name: str
    currency: str
    fee: Fee
    minimum_minor: int
    step_minor: int = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """What a provider would be asked: `amount_minor` of its currency, worth `worth_minor` of the total; the wallet pays the rest."""

    amount_minor: int
    fee_minor: int
    currency: str
    worth_minor: int


@dataclass(frozen=True, slots=True)
class OrderCard:
    """A line of the history."""

    order_id: int
    number: str
    buyer_id: int
    state: OrderState
    product: ProductView
    sku: SkuView
    quantity: int
    total_minor: int
    currency: str
    paid_by: str
    placed_at: datetime
    held_until: datetime | None = None  # paid, and checked by the shop before it is sent; until then it should be


@dataclass(frozen=True, slots=True)
class OrderDetail:
    """An order with what became of its delivery and how often its codes were shown."""

    card: OrderCard
    issued_at: datetime | None
    expires_at: datetime | None
    deliveries: list[outbox.Delivery]
    reveals: int
    intent: payments.Intent | None
    cost_minor: int
    refunded_minor: int = 0
    seal: Seal | None = None  # of an order that is not opened
    priced: pricing.Quote | None = None  # when it costs something else than its price times its quantity
    unit_minor: int = 0
    short_by: int = 0  # codes that were ordered, could not be had, and were not charged
    refunds: list[RefundView] = field(default_factory=list)  # oldest first
    replaced: int = 0  # codes that came in another's place
    released_by: str | None = None  # who of the staff has looked at it and let it be sent
    due_at: datetime | None = None  # it is on its way, and promised until then


@dataclass(frozen=True, slots=True)
class Line:
    """So many units of an order from one offer at one cost; `ranking_version` tells by which ranking it was chosen."""

    sku_id: int
    offer_id: int
    quantity: int
    unit_cost_minor: int
    cost_currency: str
    ranking_version: int | None


@read
def quote(
    session: Session,
    *,
    storefront_id: int,
    customer_id: int,
    sku_id: int,
    quantity: int,
    ways: Sequence[WayToPay] = (),
    coupon_id: int | None = None,
) -> Quote:
    """Price, limits, stock and wallet for a purchase; raises Gone when the denomination is not in the shop.

    A quantity outside the limits is brought inside them.
    """
    buyer = people.by_id(session, customer_id)
    product, denomination = showcase.denomination(session, storefront_id=storefront_id, sku_id=sku_id, buyer=buyer)
    if product.terms.get("for", customer_id) != customer_id:
        raise catalog.Gone  # Agreed with another buyer.
    sku, price = denomination.sku, denomination.price
    allowed = None if sku.max_per_buyer is None else max(0, sku.max_per_buyer - bought(session, buyer_id=customer_id, sku_id=sku_id))
    limit, left = most_of(buyer, sku), denomination.left
    if left >= COUNTED:
        # Others are told when it is too much; who orders thousands wants to know before.
        left = supply.left(session, [sku_id], most=limit)[sku_id] if buyer.wholesale else max(left, limit)
    most = min(limit, left, limit if allowed is None else allowed)
    quantity = max(sku.min_quantity, min(quantity, max(most, sku.min_quantity)))
    priced = pricing.quote(price, quantity)
    coupon: Coupon | None = None
    refused: CouponRefused | None = None
    if coupon_id is not None:
        try:
            coupon = coupons.check(
                session,
                coupon_id=coupon_id,
                storefront_id=storefront_id,
                customer_id=customer_id,
                product_id=product.id,
                sku_id=sku_id,
                goods_minor=priced.goods_minor,
                currency=price.currency,
                first_order=never_bought(session, customer_id),
            )
            priced = pricing.quote(price, quantity, cuts=[coupon.cut])
        except CouponRefused as why:
            refused = why
    total = priced.total_minor
    wallet = payments.wallet(session, customer_id)
    return Quote(
        product,
        sku,
        price,
        quantity,
        total,
        denomination.left,
        most,
        allowed,
        wallet.balance_minor,
        max(0, total - wallet.spendable_minor),
        wallet.spendable_minor,
        {way.name: asked for way in ways if (asked := _asked(session, way, total, wallet.balance_minor, price.currency))},
        priced,
        coupon,
        refused,
    )


def _asked(session: Session, way: WayToPay, total: int, balance: int, currency: str) -> Asked | None:
    """The rest that the wallet does not hold; the whole when the wallet could pay it all, or the rest is too little for one payment."""
    whole = total if balance <= 0 or balance >= total else total - balance
    for worth in dict.fromkeys((whole, total)):
        price = payments.priced(
            session, worth_minor=worth, currency=currency, pay_currency=way.currency, fee=way.fee, step_minor=way.step_minor
        )
        if price is not None and (price.amount_minor >= way.minimum_minor or worth == total):
            return Asked(price.amount_minor, price.fee_minor, way.currency, worth)
    return None


def cards(session: Session, orders: Sequence[Order]) -> list[OrderCard]:
    """Orders with what they hold, in the given order."""
    lines: dict[int, tuple[int, int]] = {}
    if orders:
        for order_id, sku_id, quantity in session.execute(
            select(OrderLine.order_id, func.min(OrderLine.sku_id), func.sum(OrderLine.quantity))
            .where(OrderLine.order_id.in_([order.id for order in orders]))
            .group_by(OrderLine.order_id)
        ):
            lines[order_id] = (sku_id, int(quantity))
    skus = {sku_id: catalog.sku(session, sku_id) for sku_id, _ in lines.values()}
    products = {sku.product_id: catalog.product(session, sku.product_id) for sku in skus.values() if sku}
    found = []
    for order in orders:
        sku_id, quantity = lines[order.id]
        sku = skus[sku_id]
        assert sku is not None, "what was sold is never deleted"
        product = products[sku.product_id]
        assert product is not None
        found.append(
            OrderCard(
                order.id,
                number_of(order.id),
                order.buyer_id,
                order.state,
                product,
                sku,
                quantity,
                order.total_minor,
                order.currency,
                order.paid_by,
                order.placed_at,
                order.held_until if order.held else None,
            )
        )
    return found


@read
def history(session: Session, *, buyer_id: int, before: int | None = None, limit: int = 5) -> list[OrderCard]:
    """The buyer's orders, newest first; `before` is the id of the last one seen."""
    question = select(Order).where(Order.buyer_id == buyer_id).order_by(Order.id.desc()).limit(limit)
    if before is not None:
        question = question.where(Order.id < before)
    return cards(session, session.scalars(question).all())


@read
def detail(session: Session, *, order_id: int, buyer_id: int | None = None) -> OrderDetail | None:
    """One order; with a buyer given, only theirs (another's is not there)."""
    order = session.get(Order, order_id)
    if order is None or (buyer_id is not None and order.buyer_id != buyer_id):
        return None
    return OrderDetail(
        cards(session, [order])[0],
        order.issued_at,
        order.expires_at,
        outbox.of_order(session, order_id=order_id),
        session.scalar(select(func.count()).select_from(Reveal).where(Reveal.order_id == order_id)) or 0,
        payments.find_intent(session, order_id=order_id),
        int(
            session.scalar(
                select(func.coalesce(func.sum(OrderLine.unit_cost_minor * OrderLine.quantity), 0)).where(OrderLine.order_id == order_id)
            )
            or 0
        ),
        refunded_minor=order.refunded_minor,
        seal=seal(session, order),
        priced=kept_price(session, order),
        unit_minor=session.scalars(select(OrderLine.unit_price_minor).where(OrderLine.order_id == order_id).limit(1)).one(),
        short_by=order.short_by or 0,
        refunds=refunds_of(session, order_id) if order.issued_at is not None else [],
        replaced=session.scalar(select(func.count()).select_from(ExchangedCode).where(ExchangedCode.order_id == order_id)) or 0,
        released_by=order.released_by,
        due_at=max((task.due_at for task in fulfilment.tasks_of(session, order_id) if task.open), default=None)
        if order.state is OrderState.FULFILLING
        else None,
    )


@read
def find_all(session: Session, text: str, *, buyer_id: int | None = None) -> list[OrderDetail | payments.Intent]:
    """Everything that this is a number of, the likeliest first: our order number, the provider's number of a payment, our number
    of a payment with its tag or without, the order's id. A payment stands for its order; a top-up, which has none, for itself.
    With a buyer given, only theirs.
    """
    plain = text.replace("\x00", " ").strip().lstrip("#")  # PostgreSQL holds no NUL, and refuses to look for one.
    number = int(plain) if plain.isascii() and plain.isdigit() and len(plain) <= 18 else None
    intents: list[payments.Intent | None] = []
    if 0 < len(plain) <= _LONGEST:
        intents.append(payments.find_intent(session, event_key=plain, customer_id=buyer_id))
        intents.append(payments.find_intent(session, provider_ref=plain, customer_id=buyer_id))
    by_name = payments.by_reference(session, plain.lower())
    intents.append(by_name if by_name and buyer_id in (None, by_name.customer_id) else None)
    if number is not None:
        by_number = payments.intent(session, number)
        intents.append(by_number if by_number and buyer_id in (None, by_number.customer_id) else None)
    likely: list[int | payments.Intent | None] = [order_id_of(plain)]
    likely += [intent.order_id or intent for intent in intents if intent is not None]
    likely.append(number)
    found: list[OrderDetail | payments.Intent] = []
    for which in dict.fromkeys(likely):
        one = detail(session, order_id=which, buyer_id=buyer_id) if isinstance(which, int) else which
        if one is not None:
            found.append(one)
    return found


@read
def find(session: Session, text: str, *, buyer_id: int | None = None) -> OrderDetail | None:
    """The likeliest order that this is a number of; see `find_all`, which tells of top-ups too."""
    return next((one for one in find_all(session, text, buyer_id=buyer_id) if isinstance(one, OrderDetail)), None)


@dataclass(frozen=True, slots=True)
class Sold:
    """What a storefront sold in a span of time, less what it refunded in that span; costs by their currency, all in minor units.

    A refund takes a code's cost away when it is for sale again or its supplier bears it; what the shop owned and cannot sell
    again stays a cost. `refunded_minor` is already taken from the sales.
    """

    orders: int
    units: int
    sales_minor: int
    cost_minor: dict[str, int]
    refunded_minor: int = 0


@read
def unfinished(session: Session, storefront_id: int) -> int:
    """Orders of a storefront whose buyers wait for something: being paid, on their way, or looked at before they are sent."""
    waits = or_(
        (Order.state == OrderState.PENDING) & (Order.expires_at > now(session)),
        Order.state == OrderState.FULFILLING,
        (Order.state == OrderState.ISSUED) & Order.held_until.is_not(None) & Order.released_at.is_(None),
    )
    return session.scalar(select(func.count()).select_from(Order).where(Order.storefront_id == storefront_id, waits)) or 0


_PAID_FOR = (OrderState.ISSUED, OrderState.REFUNDED)


@read
def sold(session: Session, *, storefront_id: int, since: datetime, until: datetime) -> Sold:
    """Orders issued, and codes refunded, between two instants (the second not included); orders may have been placed long before.

    They are found by the transfers that paid them, because those of a day stand together. What was sold in the storefronts of resellers
    is the shop's business, too.
    """
    fronts = storefronts.with_branded(session, storefront_id)
    near = {"since": since - _PAID_WITHIN, "until": until + _PAID_WITHIN}
    these = (
        Order.id.in_(ledger.causes(session, kind=ledger.TransferKind.SALE, **near)),
        Order.storefront_id.in_(fronts),
        Order.state.in_(_PAID_FOR),
        Order.issued_at >= since,
        Order.issued_at < until,
    )
    count, sales = session.execute(select(func.count(), func.coalesce(func.sum(Order.total_minor), 0)).where(*these)).one()
    lines = session.execute(
        select(OrderLine.cost_currency, func.sum(OrderLine.quantity), func.sum(OrderLine.quantity * OrderLine.unit_cost_minor))
        .join(Order, Order.id == OrderLine.order_id)
        .where(*these)
        .group_by(OrderLine.cost_currency)
    ).all()
    units, costs = sum(int(n) for _, n, _ in lines), {currency: int(cost) for currency, _, cost in lines}
    back = (Order.storefront_id.in_(fronts), Refund.made_at >= since, Refund.made_at < until)
    refunded = session.scalar(select(func.coalesce(func.sum(Refund.amount_minor), 0)).join(Order, Order.id == Refund.order_id).where(*back))
    last = aliased(Refund)
    # An order is undone by the refund of its last code.
    undone = session.scalar(
        select(func.count())
        .select_from(Refund)
        .join(Order, Order.id == Refund.order_id)
        .where(*back, Order.state == OrderState.REFUNDED, ~exists().where(last.order_id == Refund.order_id, last.id > Refund.id))
    )
    for currency, n, cost in session.execute(
        select(
            RefundedCode.cost_currency,
            func.count(),
            func.sum(case((RefundedCode.cost_back.is_(True), RefundedCode.cost_minor), else_=0)),
        )
        .join(Refund, Refund.id == RefundedCode.refund_id)
        .join(Order, Order.id == Refund.order_id)
        .where(*back)
        .group_by(RefundedCode.cost_currency)
    ):
        units, costs[currency] = units - n, costs.get(currency, 0) - int(cost)
    return Sold(count - (undone or 0), units, int(sales) - int(refunded or 0), costs, int(refunded or 0))


@read
def again(session: Session, *, order_id: int, buyer_id: int) -> tuple[int, int] | None:
    """The denomination and quantity of a buyer's order, to buy it again."""
    found = detail(session, order_id=order_id, buyer_id=buyer_id)
    return None if found is None else (found.card.sku.id, found.card.quantity)


@read
def movements(session: Session, customer_id: int, *, before: int | None = None, limit: int = 10) -> Sequence[ledger.Entry]:
    """The newest movements of the customer's wallet, newest first; `before` is the transfer id of the last line seen."""
    return ledger.statement(
        session,
        party_id=customer_id,
        account_id=people.by_id(session, customer_id).wallet_id,
        bought=select(Order.id).where(Order.buyer_id == customer_id, Order.state.in_(_PAID_FOR)),
        before=before,
        limit=limit,
    )


_LATELY = 1000  # lines: how far a source's record of units goes back


@read
def units_lately(session: Session, sku_ids: Collection[int]) -> tuple[dict[int, int], dict[int, int]]:
    """How many units of each offer are in the last lines of these denominations, and the oldest order among them by denomination.

    A denomination without an order is in neither.
    """
    wanted = listed(session, sku_ids).c.value
    far = aliased(OrderLine)
    begin = select(far.order_id).where(far.sku_id == wanted).order_by(far.order_id.desc()).limit(1).offset(_LATELY - 1).scalar_subquery()
    rows = session.execute(
        select(OrderLine.sku_id, OrderLine.offer_id, func.sum(OrderLine.quantity), func.min(OrderLine.order_id))
        .where(OrderLine.sku_id == wanted, OrderLine.order_id >= func.coalesce(begin, 0))
        .group_by(OrderLine.sku_id, OrderLine.offer_id)
    ).all()
    oldest: dict[int, int] = {}
    for sku_id, _, _, first in rows:
        oldest[sku_id] = min(first, oldest.get(sku_id, first))
    return {offer_id: int(units) for _, offer_id, units, _ in rows}, oldest


@read
def sold_skus(session: Session, *, after: int) -> set[int]:
    """The denominations of orders above this id."""
    # Without DISTINCT: it would have SQLite read every line there ever was, in the order of the denominations.
    return set(session.scalars(select(OrderLine.sku_id).where(OrderLine.order_id > after)))


@read
def newest(session: Session) -> int:
    """The id of the newest order, 0 when there is none."""
    return session.scalar(select(func.max(Order.id))) or 0


@read
def lines_of(session: Session, order_id: int) -> list[Line]:
    """The lines of an order: how many came from which offer, and by which ranking of the sources it was chosen."""
    rows = session.scalars(select(OrderLine).where(OrderLine.order_id == order_id).order_by(OrderLine.seq))
    return [Line(row.sku_id, row.offer_id, row.quantity, row.unit_cost_minor, row.cost_currency, row.ranking_version) for row in rows]
