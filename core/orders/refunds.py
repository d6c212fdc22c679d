"""Refunds: the money of codes goes back, exact to the minor unit, and so do their cost, their counts and, unseen, the codes themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from core import catalog, coupons, inventory, journal, ledger, outbox, payments, people, storefronts, supply
from core.database import insert_new, now, read, write
from core.errors import N_, Refusal
from core.ledger import AccountKind
from core.orders.costs import Cost, costs
from core.orders.drawing import from_shelf
from core.orders.issue import uncount_purchase
from core.orders.numbers import number_of
from core.orders.outside import turned
from core.orders.refusals import HeldForReview, OnceReused
from core.orders.seals import TakenBack, legacy_return, locked, seal
from core.orders.tables import Order, OrderLine, OrderState, Refund, RefundedCode, RefundState, RefundTo, Reveal
from core.orders.to_source import left_there, move, part_to_source, payment_of, share, tell, whole_coins
from core.payments import IntentState

BUYER = "buyer"  # who returned a sealed order


@dataclass(eq=False)
class NotRefundable(Refusal):
    says: ClassVar[str] = N_("Only an order whose codes were issued can be refunded. Nothing was changed.")


@dataclass(eq=False)
class AlreadyRefunded(Refusal):
    says: ClassVar[str] = N_("This was refunded before. Nothing was changed.")


@dataclass(eq=False)
class NotOfThisOrder(Refusal):
    says: ClassVar[str] = N_("These codes are not of this order. Nothing was changed.")


@dataclass(eq=False)
class NoWayBack(Refusal):
    """The order was not paid through a provider, or the provider has given all of it back."""

    says: ClassVar[str] = N_("This order cannot be refunded to where it was paid from. You can refund it to the balance.")


@dataclass(eq=False)
class OnlyWhole(Refusal):
    says: ClassVar[str] = N_("This payment can only be given back as a whole. You can refund a part of it to the balance.")


@dataclass(eq=False)
class AlreadyOpened(Refusal):
    says: ClassVar[str] = N_("This order has been opened, so it can no longer be returned.")


@dataclass(eq=False)
class TooLateToReturn(Refusal):
    says: ClassVar[str] = N_("The time in which this order could be returned is over. You can still open it.")


@dataclass(frozen=True, slots=True)
class Refunded:
    """What a refund did: `source_minor` of the amount is on its way to where it was paid from, the rest is in the wallet.

    `returned` codes are on the shelf again, `void` ones are not. `repeated`: it was done before, and nothing was done again.
    """

    refund_id: int
    order_id: int
    number: str
    amount_minor: int
    source_minor: int
    currency: str
    state: RefundState
    returned: int
    void: int
    repeated: bool


@dataclass(frozen=True, slots=True)
class SoldCode:
    """A code as the order had it, without what it says: `ordinal` counts from 1; `returned` when it is for sale again."""

    code_id: int
    ordinal: int
    refunded: bool
    returned: bool
    worth_minor: int  # what refunding it alone would give back now; nothing when it was refunded


@dataclass(frozen=True, slots=True)
class RefundView:
    """A refund of an order, for screens."""

    id: int
    amount_minor: int
    source_minor: int
    currency: str
    to: RefundTo
    state: RefundState
    reason: str
    provider: str | None
    made_at: datetime


@write
def refund_codes(
    session: Session,
    *,
    order_id: int,
    code_ids: Collection[int] | None,
    reason: str,
    by: str,
    once: str,
    to: RefundTo = RefundTo.WALLET,
    whole_only: bool = False,
) -> Refunded:
    """Give back the money of these codes of an order (None: of all that have not been refunded), and tell the buyer.

    The parts of an order that are refunded one after the other sum up to exactly what was paid. What the sale credited a
    supplier with is taken back, limits and figures no longer count the codes. Codes nobody can have seen return to the
    shelf, but for what was made for this buyer; the others stay the order's and are void. The same `once` again changes nothing.

    To the source goes what was paid through a provider; the rest, what the wallet paid, goes to the wallet. With
    `whole_only` the provider gives back a payment as a whole or not at all.

    Raises NotRefundable, AlreadyRefunded, NotOfThisOrder, OnceReused; to the source also NoWayBack and OnlyWhole.
    """
    order = locked(session, order_id)
    known = _known(session, order_id, code_ids, once)
    if known is not None:
        return known
    made = _refund(session, order, code_ids=code_ids, reason=reason, by=by, once=once, to=RefundTo(to), whole_only=whole_only)
    journal.record(
        session,
        by=by,
        did="refund",
        about="order",
        about_id=order_id,
        before={"refunded_minor": order.refunded_minor - made.amount_minor},
        after={
            "refunded_minor": order.refunded_minor,
            "refunded_codes": made.returned + made.void,
            "to": to.value,
            "reason": reason[:500],
        },
    )
    return made


@write
def refund_to_source(
    session: Session,
    *,
    order_id: int,
    code_ids: Collection[int] | None,
    reason: str,
    by: str,
    once: str,
    whole_only: bool = False,
) -> Refunded:
    """`refund_codes` to where it was paid from: the money is set aside, and `refunds_due` hands it to who asks the provider."""
    return refund_codes(
        session,
        order_id=order_id,
        code_ids=code_ids,
        reason=reason,
        by=by,
        once=once,
        to=RefundTo.SOURCE,
        whole_only=whole_only,
    )


@write
def return_sealed(session: Session, *, order_id: int, buyer_id: int) -> Refunded:
    """The buyer returns a sealed order unopened: all of its money goes to the wallet, all of its codes to the shelf.

    Once for each order. Raises Gone when it is not theirs, AlreadyRefunded, AlreadyOpened, TooLateToReturn, NotRefundable, and
    HeldForReview: until the shop has looked at it, its money may not become a balance.
    """
    order = locked(session, order_id, buyer_id)
    once = f"return:{order_id}"
    known = _known(session, order_id, None, once)
    if known is not None:
        return known
    if order.held:
        raise HeldForReview
    if order.state is OrderState.ISSUED:
        found = seal(session, order)
        if found is None:
            raise AlreadyOpened
        if not found.returnable:
            raise TooLateToReturn
    return _refund(session, order, code_ids=None, reason="", by=BUYER, once=once, to=RefundTo.WALLET, whole_only=False)


def refund_unsent(session: Session, order: Order, *, by: str) -> Refunded:
    """The provider takes back what a locked order, which nobody has seen, was paid with: it ends, its money is in the wallet to be taken.

    A part of commands. Its codes are for sale again, unless a courier had begun with them.
    """
    return _refund(
        session, order, code_ids=None, reason="", by=by, once=f"unsent:{order.id}", to=RefundTo.WALLET, whole_only=False, says="unsent"
    )


@read
def codes_sold(session: Session, order_id: int) -> list[SoldCode]:
    """The codes of an issued order, in the order they were taken, with what has become of them."""
    order = session.get(Order, order_id)
    if order is None or order.state not in (OrderState.ISSUED, OrderState.REFUNDED):
        return []
    gone = _gone(session, order_id)
    ids = sorted(gone.keys() | {code.id for code in inventory.of_order(session, order_id)})
    alone = 0 if len(gone) == len(ids) else share(order.total_minor, len(gone) + 1, _bought(session, order_id)) - order.refunded_minor
    return [
        SoldCode(code_id, ordinal, code_id in gone, code_id in gone and gone[code_id].returned, 0 if code_id in gone else alone)
        for ordinal, code_id in enumerate(ids, 1)
    ]


@read
def refunds_of(session: Session, order_id: int) -> list[RefundView]:
    """The refunds of an order, oldest first."""
    rows = session.scalars(select(Refund).where(Refund.order_id == order_id).order_by(Refund.id))
    return [RefundView(r.id, r.amount_minor, r.source_minor, r.currency, r.to, r.state, r.reason, r.provider, r.made_at) for r in rows]


# How it is done


def _known(session: Session, order_id: int, code_ids: Collection[int] | None, once: str) -> Refunded | None:
    """The refund of this key, made before; raises OnceReused when it was of something else."""
    row = session.scalars(select(Refund).where(Refund.once == once)).one_or_none()
    if row is None:
        return None
    codes = session.execute(select(RefundedCode.code_id, RefundedCode.returned).where(RefundedCode.refund_id == row.id)).all()
    if row.order_id != order_id or (code_ids is not None and set(code_ids) != {code_id for code_id, _ in codes}):
        raise OnceReused
    returned = sum(back for _, back in codes)
    return _made(row, returned, len(codes) - returned, repeated=True)


def _made(row: Refund, returned: int, void: int, *, repeated: bool) -> Refunded:
    return Refunded(
        row.id,
        row.order_id,
        number_of(row.order_id),
        row.amount_minor,
        row.source_minor,
        row.currency,
        row.state,
        returned,
        void,
        repeated,
    )


def _refund(
    session: Session,
    order: Order,
    *,
    code_ids: Collection[int] | None,
    reason: str,
    by: str,
    once: str,
    to: RefundTo,
    whole_only: bool,
    says: str | None = None,
) -> Refunded:
    """The refund itself, of an order that is locked; `says` names another notice for the buyer than the usual one."""
    if order.state is OrderState.REFUNDED:
        raise AlreadyRefunded
    if order.state is not OrderState.ISSUED:
        raise NotRefundable
    if says is None and _nothing_was_paid(session, order):
        raise TakenBack
    customer = people.by_id(session, order.buyer_id)
    ledger.lock(session, customer.wallet_id)
    left = {code.id: code.offer_id for code in inventory.of_order(session, order.id) if code.refunded_at is None}
    gone = _gone(session, order.id)
    chosen = left if code_ids is None else {code_id: left[code_id] for code_id in sorted(set(code_ids)) if code_id in left}
    if code_ids is not None and len(chosen) < len(set(code_ids)):
        raise AlreadyRefunded if gone.keys() & set(code_ids) else NotOfThisOrder
    if not chosen:
        raise NotOfThisOrder
    # All codes of an order have one price, so that a discount falls to each alike.
    amount = share(order.total_minor, len(gone) + len(chosen), _bought(session, order.id)) - order.refunded_minor
    assert amount >= 0, "what was refunded before was the share of it"
    row = _write_row(session, order, amount, reason=reason, by=by, once=once, to=to, whole_only=whole_only)
    to_shelf = _for_anybody(session, chosen.values()) and _unseen(session, order)
    cost = costs(session, order, chosen)
    _give_money(session, order, row, cost)
    paid, kept = payments.paid_for(session, order_id=order.id), 0
    if paid is not None and amount > row.source_minor:
        # What the payer has from the provider already is not given twice.
        kept = payments.regain(session, intent_id=paid[0].id, most_minor=amount - row.source_minor, once=f"refund:{row.id}")
    _note_codes(session, order, row, chosen, cost, to_shelf=to_shelf)
    taken = inventory.take_back(session, order_id=order.id, code_ids=list(chosen), to_shelf=to_shelf)
    assert taken == len(chosen), "the codes of a locked order stay its own"
    if to_shelf:
        supply.give_back_quota(session, order_id=order.id, returned=Counter(chosen.values()))
        supply.give_back_commitments(session, order_id=order.id, returned=Counter(chosen.values()))
    order.refunded_minor += amount
    if len(chosen) == len(left):
        assert order.refunded_minor == order.total_minor, "the last share is what is left"
        order.state = OrderState.REFUNDED
        coupons.give_back(session, order.id)
        outbox.call_off(session, order_id=order.id, why="refunded")
    _uncount(session, order, chosen)
    turned(session, order.id)
    if says is not None:
        tell(session, order, row, says, amount, row.currency)
    elif row.source_minor:
        tell(session, order, row, "refunding", row.source_minor, row.currency)
    else:
        tell(session, order, row, "returned" if by == BUYER else "refunded", amount - kept, row.currency)
    session.flush()
    return _made(row, len(chosen) if to_shelf else 0, 0 if to_shelf else len(chosen), repeated=False)


def _nothing_was_paid(session: Session, order: Order) -> bool:
    """Has the payer all of the payment again, and the shop lost all of it? What the wallet bore of it the buyer has paid after all."""
    if legacy_return(session, order.id):
        return True
    found = payments.paid_for(session, order_id=order.id)
    if found is None or found[0].state is not IntentState.REFUNDED:
        return False
    of = {"provider": found[0].provider, "event_key": found[1]}
    _, worth = payments.returned_of(session, **of)
    return payments.lost_of(session, **of) >= worth


def _gone(session: Session, order_id: int) -> dict[int, RefundedCode]:
    """The codes of an order that were refunded, by their ids."""
    return {row.code_id: row for row in session.scalars(select(RefundedCode).where(RefundedCode.order_id == order_id))}


def _bought(session: Session, order_id: int) -> int:
    """How many codes the order was issued with."""
    return int(session.scalars(select(func.sum(OrderLine.quantity)).where(OrderLine.order_id == order_id)).one() or 0)


def _for_anybody(session: Session, offer_ids: Collection[int]) -> bool:
    """Do such units lie on a shelf? What was made for this buyer – their membership, their top-up – is nobody else's."""
    skus = [catalog.sku(session, sku_id) for sku_id in {offer.sku_id for offer in supply.offers(session, set(offer_ids))}]
    products = [catalog.product(session, product_id) for product_id in {sku.product_id for sku in skus if sku is not None}]
    return all(product is not None and from_shelf(product) for product in products)


def _unseen(session: Session, order: Order) -> bool:
    """Can nobody have seen the codes? Not when a courier has begun to send them, whatever became of it."""
    if session.scalar(select(Reveal.id).where(Reveal.order_id == order.id).limit(1)) is not None:
        return False
    return seal(session, order) is not None or outbox.untried(session, order_id=order.id)


def _write_row(session: Session, order: Order, amount: int, *, reason: str, by: str, once: str, to: RefundTo, whole_only: bool) -> Refund:
    at, paid, part, pay, fee = now(session), None, 0, 0, 0
    if to is RefundTo.SOURCE:
        paid = payment_of(session, order)
        part = min(amount, paid.left_minor) if paid is not None else 0
        if paid is None or part <= 0:
            raise NoWayBack
        part = whole_coins(paid, part)
        pay, fee = part_to_source(paid, part)
        # Where rounding would ask for more than the provider still has, the shop bears the difference in the fee.
        over = max(0, pay - left_there(session, paid))
        fee, pay = max(0, fee - over), pay - over
        if paid.currency == order.currency:
            part = pay - fee  # To the minor unit: what is set aside is what leaves by the gateway.
        if whole_only and pay != paid.amount_minor:
            raise OnlyWhole
        if pay == 0:
            raise NoWayBack  # Less than the smallest coin of the payment's currency.
    refund_id = session.scalars(
        insert_new(session, Refund)
        .values(
            order_id=order.id,
            amount_minor=amount,
            currency=order.currency,
            to=to,
            state=RefundState.REFUNDED if paid is None else RefundState.WANTED,
            reason=reason[:500],
            by=by,
            once=once,
            made_at=at,
            ended_at=at if paid is None else None,
            provider=None if paid is None else paid.provider,
            event_key=None if paid is None else paid.event_key,
            intent_id=None if paid is None else paid.intent_id,
            source_minor=part,
            pay_minor=pay,
            fee_minor=fee,
            pay_currency=None if paid is None else paid.currency,
            due_at=None if paid is None else at,
            tries=0,
        )
        .returning(Refund.id)
    ).one_or_none()
    if refund_id is None:  # A refund of another order took this key a moment ago.
        raise OnceReused
    return session.get_one(Refund, refund_id)


def _give_money(session: Session, order: Order, row: Refund, cost: Mapping[int, Cost]) -> None:
    """The sale's money backwards: suppliers give back their cost, the shop the rest; to the wallet, and to what is set aside."""
    storefront, wallet_id = storefronts.by_id(session, order.storefront_id), people.by_id(session, order.buyer_id).wallet_id
    owed: dict[int, int] = {}
    for each in cost.values():
        if each.payable_id is not None:
            owed[each.payable_id] = owed.get(each.payable_id, 0) + each.minor
    givers, takers = list(owed.items()), [(wallet_id, row.amount_minor - row.source_minor)]
    if row.source_minor:
        aside = ledger.open_account(session, party_id=storefront.party_id, kind=AccountKind.REFUNDING, currency=row.currency)
        takers.append((aside, row.source_minor))
    # What was sold below its cost came from the shop, and goes back to it.
    over = sum(owed.values()) - row.amount_minor
    if over > 0:
        takers.append((storefront.sales_account_id, over))
    else:
        givers.append((storefront.sales_account_id, -over))
    # Whose wallet it does not touch, does not see it among the movements.
    party = order.buyer_id if row.amount_minor > row.source_minor else storefront.party_id
    move(session, f"refund:{row.once}", party, order.id, [(*leg, row.currency) for leg in _paired(givers, takers)])


def _paired(givers: Sequence[tuple[int, int]], takers: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Who gives how much to whom, in order, when so much is given and taken: (giver, taker, amount)."""
    legs, waiting = [], [list(taker) for taker in takers]
    for giver, amount in givers:
        while amount:
            taker = waiting[0]
            part = min(amount, taker[1])
            if part:
                legs.append((giver, taker[0], part))
            amount, taker[1] = amount - part, taker[1] - part
            if not taker[1]:
                waiting.pop(0)
    return legs


def _note_codes(session: Session, order: Order, row: Refund, chosen: dict[int, int], cost: Mapping[int, Cost], *, to_shelf: bool) -> None:
    session.execute(
        insert(RefundedCode),
        [
            {
                "order_id": order.id,
                "code_id": code_id,
                "refund_id": row.id,
                "offer_id": offer_id,
                "returned": to_shelf,
                "cost_minor": cost[code_id].minor,
                "cost_currency": cost[code_id].currency,
                "cost_back": to_shelf or cost[code_id].payable_id is not None,
            }
            for code_id, offer_id in chosen.items()
        ],
    )


def _uncount(session: Session, order: Order, chosen: dict[int, int]) -> None:
    """The buyer may have as many more of what is limited."""
    skus = {offer.id: offer.sku_id for offer in supply.offers(session, set(chosen.values()))}
    units: dict[int, int] = {}
    for offer_id in chosen.values():
        units[skus[offer_id]] = units.get(skus[offer_id], 0) + 1
    for sku_id, count in units.items():
        uncount_purchase(session, buyer_id=order.buyer_id, sku_id=sku_id, quantity=count)
