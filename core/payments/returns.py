"""What becomes of a payment after it was paid: parts given back by its provider, disputes, and money that comes back from them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, literal_column, or_, select
from sqlalchemy.orm import Session

from core import ledger, people, storefronts
from core.database import among, insert_new, now, read, write
from core.ledger import AccountKind, Leg, TransferKind
from core.payments.intents import change
from core.payments.queries import key_heard, known_events, paid_first, returned_whole, wallet
from core.payments.tables import Dispute as DisputeRow
from core.payments.tables import Intent as IntentRow
from core.payments.tables import IntentState, PaymentEvent, PaymentReturn
from core.ports import Dispute, DisputeState, Event

_KEY = 150
_REASON = 80


def short(key: str) -> str:
    """A provider's key as it is kept."""
    return key[:_KEY]


@dataclass(frozen=True, slots=True)
class Taken:
    """A part of a payment that went back: of its worth, so much left the wallet and so much is lost; minor units of the shop's currency."""

    worth_minor: int
    taken_minor: int
    lost_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class DisputeView:
    """A dispute for screens."""

    id: int
    provider: str
    key: str
    intent_id: int
    order_id: int | None
    customer_id: int
    amount_minor: int
    currency: str
    reason: str
    state: DisputeState
    due_at: datetime | None
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Paid:
    """How a payment was booked: what was paid with the fee the payer bore, and what came into the wallet."""

    intent_id: int
    amount_minor: int
    currency: str
    fee_minor: int
    worth_minor: int
    wallet_id: int
    house_party_id: int
    customer_id: int
    shop_currency: str


def _paid(session: Session, provider: str, event_key: str, intent: IntentRow) -> _Paid | None:
    """None when nothing was paid under this key, or it was never valued and so is not in the books."""
    event = session.scalars(
        select(PaymentEvent).where(PaymentEvent.provider == provider, PaymentEvent.event_key == event_key, PaymentEvent.kind == "paid")
    ).one_or_none()
    if event is None or event.intent_id != intent.id:
        return None
    customer = people.by_id(session, intent.customer_id)
    storefront = storefronts.by_id(session, customer.storefront_id)
    legs = ledger.legs_of(session, key=f"payment:{provider}:{event_key}")
    worth = sum(leg.amount_minor for leg in legs if leg.credit_id == customer.wallet_id)
    if not legs:
        return None
    fee = sum(leg.amount_minor for leg in legs[1:] if leg.debit_id == legs[0].debit_id)
    return _Paid(
        intent.id,
        event.amount_minor,
        event.currency,
        fee,
        worth,
        customer.wallet_id,
        storefront.party_id,
        customer.id,
        storefront.currency,
    )


@read
def returned_of(session: Session, *, provider: str, event_key: str) -> tuple[int, int]:
    """What the provider has given back of a payment on its own account, and not reinstated: of what was paid, and its worth."""
    amount, worth = session.execute(
        select(
            func.coalesce(func.sum(PaymentReturn.amount_minor - PaymentReturn.back_minor), 0),
            func.coalesce(func.sum(PaymentReturn.worth_minor - PaymentReturn.back_worth_minor), 0),
        ).where(PaymentReturn.provider == provider, PaymentReturn.event_key == event_key)
    ).one()
    return int(amount), int(worth)


@read
def lost_of(session: Session, *, provider: str, event_key: str) -> int:
    """What of a payment the provider has given back and the shop has lost by it, as the wallet did not hold it; the shop's currency."""
    lost = session.scalar(
        select(func.coalesce(func.sum(PaymentReturn.lost_minor - PaymentReturn.regained_minor - PaymentReturn.loss_back_minor), 0)).where(
            PaymentReturn.provider == provider, PaymentReturn.event_key == event_key
        )
    )
    return int(lost or 0)


@dataclass(frozen=True, slots=True)
class Loss:
    """What the shop has lost of one payment, as the wallet did not hold it when its provider took it; the shop's currency."""

    customer_id: int
    order_id: int | None
    paid_at: datetime
    lost_minor: int


@read
def losses_of(session: Session, customer_ids: Collection[int]) -> list[Loss]:
    """The payments of these customers of which something has ever gone back, oldest first; nothing is lost of one that was reinstated."""
    lost = func.sum(PaymentReturn.lost_minor - PaymentReturn.regained_minor - PaymentReturn.loss_back_minor)
    rows = session.execute(
        select(IntentRow.customer_id, IntentRow.order_id, PaymentEvent.at, lost)
        .join(PaymentReturn, PaymentReturn.intent_id == IntentRow.id)
        .join(PaymentEvent, and_(PaymentEvent.provider == PaymentReturn.provider, PaymentEvent.event_key == PaymentReturn.event_key))
        .where(among(session, IntentRow.customer_id, customer_ids))
        .group_by(IntentRow.customer_id, IntentRow.order_id, PaymentEvent.id, PaymentEvent.at)
        .order_by(PaymentEvent.id)
    )
    return [Loss(customer_id, order_id, at, int(minor)) for customer_id, order_id, at, minor in rows]


@read
def gone_back_since(session: Session, since: datetime) -> set[int]:
    """The customers of whose payments something went back, or was put back, since then."""
    # In the words of its index, or it is not seen that this is all in it.
    moved = PaymentEvent.kind.in_([literal_column(f"'{kind}'") for kind in ("part-back", "disputed", "reinstated")])
    events = session.scalars(select(PaymentEvent.intent_id).where(moved, PaymentEvent.at >= since))
    intents = {intent_id for intent_id in events if intent_id is not None}
    return set(session.scalars(select(IntentRow.customer_id).where(among(session, IntentRow.id, intents))))


@read
def going_back(session: Session, *, provider: str, event_key: str, intent_id: int, amount_minor: int) -> int | None:
    """What the next `amount_minor` of a payment are worth, that its provider gives back; None when nothing of it is in the books."""
    paid = _paid(session, provider, event_key, session.get_one(IntentRow, intent_id))
    if paid is None:
        return None
    before, worth_before = returned_of(session, provider=provider, event_key=event_key)
    return _worth(paid, amount_minor, before, worth_before)


def _worth(paid: _Paid, amount_minor: int, before_minor: int, worth_before_minor: int) -> int:
    """Taken cumulatively, so that the parts add up to what the whole was worth."""
    worth = max(0, -(-paid.worth_minor * (before_minor + amount_minor) // paid.amount_minor) - worth_before_minor)
    return min(worth, amount_minor) if paid.currency == paid.shop_currency else worth


@read
def heard_whole(session: Session, *, provider: str, event_key: str) -> bool:
    """Has the provider said that all of a payment went back, while it was not clear whether that was our refund?"""
    return bool(known_events(session, provider=provider, keys=[key_heard(event_key)]))


@write
def hear_whole(session: Session, *, provider: str, event_key: str, intent_id: int) -> None:
    """Write down that it said so: when it declines our refund later, it has given the money back without us."""
    paid = _paid(session, provider, event_key, session.get_one(IntentRow, intent_id))
    if paid is not None:
        _heard(session, provider, key_heard(event_key), intent_id, "heard", paid.amount_minor, paid.currency)


@write
def take_back(
    session: Session,
    *,
    provider: str,
    event_key: str,
    intent_id: int,
    key: str,
    amount_minor: int,
    fee_minor: int = 0,
    dispute_id: int | None = None,
) -> Taken | None:
    """The provider gave `amount_minor` of a payment back, or took it for a dispute: its worth leaves the wallet as far as it is there.

    Once for each key; what the wallet does not hold is booked as a loss, and `fee_minor` as what the provider charges besides. Parts
    are taken cumulatively, so that they add up to what the whole was worth. None when it was booked before, or nothing was paid.
    """
    assert amount_minor > 0, "something went back"
    intent = session.get_one(IntentRow, intent_id, with_for_update=True)
    paid = _paid(session, provider, event_key, intent)
    kind = "disputed" if dispute_id else "part-back"
    if paid is None or not _heard(session, provider, key, intent_id, kind, amount_minor, paid.currency, fee_minor):
        return None
    before, worth_before = returned_of(session, provider=provider, event_key=event_key)
    after = before + amount_minor
    worth = _worth(paid, amount_minor, before, worth_before)
    if paid.currency == paid.shop_currency:
        fee = amount_minor - worth
    else:
        fee = min(amount_minor, paid.fee_minor * after // paid.amount_minor - paid.fee_minor * before // paid.amount_minor)
    ledger.lock(session, paid.wallet_id)
    taken = max(0, min(worth, wallet(session, paid.customer_id).balance_minor))
    _move(session, f"returned:{provider}:{short(key)}", paid, taken, worth - taken, amount_minor, fee, fee_minor, out=True)
    session.add(
        PaymentReturn(
            provider=provider,
            return_key=short(key),
            event_key=event_key,
            intent_id=intent_id,
            dispute_id=dispute_id,
            amount_minor=amount_minor,
            fee_minor=fee,
            worth_minor=worth,
            taken_minor=taken,
            lost_minor=worth - taken,
            regained_minor=0,
            back_minor=0,
            back_worth_minor=0,
            loss_back_minor=0,
            at=now(session),
        )
    )
    session.flush()
    whole = dispute_id is None and after >= paid.amount_minor and intent.state is IntentState.PAID
    if whole and paid_first(session, intent_id=intent.id) == event_key:
        change(session, intent, IntentState.REFUNDED, f"given back by the provider: {event_key}")
    return Taken(worth, taken, worth - taken, paid.shop_currency)


@write
def reinstate(
    session: Session, *, provider: str, event_key: str, intent_id: int, key: str, amount_minor: int, dispute_id: int, fee_minor: int = 0
) -> Taken | None:
    """The provider put back what a dispute had taken: to the wallet what it gave, to the shop what it had lost; once for each key.

    More than was taken is the shop's, as a fee it gets back. None when it was booked before, or the dispute had taken nothing.
    """
    assert amount_minor > 0, "something came back"
    intent = session.get_one(IntentRow, intent_id, with_for_update=True)
    paid = _paid(session, provider, event_key, intent)
    rows = session.scalars(select(PaymentReturn).where(PaymentReturn.dispute_id == dispute_id).order_by(PaymentReturn.id)).all()
    if paid is None or not rows or not _heard(session, provider, key, intent_id, "reinstated", amount_minor, paid.currency, fee_minor):
        return None
    ledger.lock(session, paid.wallet_id)
    left, fees, worths, losses = amount_minor, 0, 0, 0
    for row in rows:
        part = min(left, row.amount_minor - row.back_minor)
        if not part:
            continue
        whole = row.back_minor + part == row.amount_minor
        worth = row.worth_minor * (row.back_minor + part) // row.amount_minor - row.back_worth_minor
        fee = row.fee_minor * (row.back_minor + part) // row.amount_minor - row.fee_minor * row.back_minor // row.amount_minor
        if paid.currency == paid.shop_currency:
            fee = part - worth
        to_loss = min(worth, row.lost_minor - row.regained_minor - row.loss_back_minor)
        assert not whole or row.back_worth_minor + worth == row.worth_minor, "the whole of it came back"
        row.back_minor, row.back_worth_minor, row.loss_back_minor = (
            row.back_minor + part,
            row.back_worth_minor + worth,
            row.loss_back_minor + to_loss,
        )
        left, fees, worths, losses = left - part, fees + fee, worths + worth, losses + to_loss
    came = amount_minor - left
    _move(session, f"reinstated:{provider}:{short(key)}", paid, worths - losses, losses, came, fees, fee_minor - left, out=False)
    session.flush()
    return Taken(worths, worths - losses, losses, paid.shop_currency)


def _heard(
    session: Session, provider: str, key: str, intent_id: int, kind: str, amount_minor: int, currency: str, charged_minor: int = 0
) -> bool:
    """Write the event down; False when it was before."""
    fresh = session.execute(
        insert_new(session, PaymentEvent)
        .values(
            provider=provider,
            event_key=short(key),
            intent_id=intent_id,
            kind=kind,
            amount_minor=amount_minor,
            currency=currency,
            verdict="booked",
            at=now(session),
            charged_minor=charged_minor,
        )
        .returning(PaymentEvent.id)
    ).first()
    return fresh is not None


def _move(
    session: Session,
    key: str,
    paid: _Paid,
    wallet_minor: int,
    loss_minor: int,
    amount_minor: int,
    fee_minor: int,
    charged_minor: int,
    *,
    out: bool,
) -> None:
    """The legs of a payment backwards (`out`), or forwards again, for one part of it; besides, what the provider charges."""
    house, provider = paid.house_party_id, key.split(":")[1]

    def account(kind: AccountKind, currency: str, label: str = "") -> int:
        return ledger.open_account(session, party_id=house, kind=kind, currency=currency, label=label)

    gateway = account(AccountKind.GATEWAY, paid.currency, provider)
    legs: list[tuple[int, int, int, str]] = []
    here = gateway
    if paid.currency != paid.shop_currency:
        here = account(AccountKind.EXCHANGE, paid.shop_currency)
        legs.append((account(AccountKind.EXCHANGE, paid.currency), gateway, amount_minor - fee_minor, paid.currency))
    legs.append((paid.wallet_id, here, wallet_minor, paid.shop_currency))
    if loss_minor:
        legs.append((account(AccountKind.ADJUSTMENT, paid.shop_currency), here, loss_minor, paid.shop_currency))
    fees = account(AccountKind.FEES, paid.currency) if fee_minor or charged_minor else 0
    legs.append((fees, gateway, fee_minor, paid.currency))
    moved = [
        Leg(debit, credit, amount, currency) if out else Leg(credit, debit, amount, currency)
        for debit, credit, amount, currency in legs
        if amount
    ]
    if charged_minor:
        debit, credit = (fees, gateway) if charged_minor > 0 else (gateway, fees)
        moved.append(Leg(debit, credit, abs(charged_minor), paid.currency))
    if moved:
        ledger.transfer(session, key=key, kind=TransferKind.REFUND, party_id=paid.customer_id, legs=moved, subject_id=paid.intent_id)


@write
def regain(session: Session, *, intent_id: int, most_minor: int, once: str) -> int:
    """Of a refund into the wallet, keep what the payer has from the provider already, and the shop had booked as lost; returns how much."""
    rows = session.scalars(
        select(PaymentReturn).where(PaymentReturn.intent_id == intent_id).order_by(PaymentReturn.id).with_for_update()
    ).all()
    intent = session.get_one(IntentRow, intent_id)
    customer = people.by_id(session, intent.customer_id)
    storefront = storefronts.by_id(session, customer.storefront_id)
    ledger.lock(session, customer.wallet_id)
    left = most = max(0, min(most_minor, wallet(session, customer.id).balance_minor))
    for row in rows:
        part = min(left, row.lost_minor - row.regained_minor - row.loss_back_minor)
        row.regained_minor += part
        left -= part
    if most > left:
        loss = ledger.open_account(session, party_id=storefront.party_id, kind=AccountKind.ADJUSTMENT, currency=storefront.currency)
        legs = [Leg(customer.wallet_id, loss, most - left, storefront.currency)]
        ledger.transfer(session, key=f"regained:{once}", kind=TransferKind.REFUND, party_id=customer.id, legs=legs, subject_id=intent_id)
    session.flush()
    return most - left


@dataclass(frozen=True, slots=True)
class Noted:
    """A dispute as it is known now; `opened` and `closed` say what is new about it."""

    id: int
    opened: bool
    closed: bool


@write
def note_dispute(session: Session, *, provider: str, event_key: str, intent_id: int, currency: str, dispute: Dispute) -> Noted:
    """Write down how a dispute stands; one that was decided stays so, whatever is heard late."""
    intent, at = session.get_one(IntentRow, intent_id, with_for_update=True), now(session)
    is_open = dispute.state is DisputeState.OPEN
    fresh = session.execute(
        insert_new(session, DisputeRow)
        .values(
            provider=provider,
            dispute_key=short(dispute.key),
            event_key=event_key,
            intent_id=intent_id,
            customer_id=intent.customer_id,
            amount_minor=dispute.amount_minor,
            currency=currency,
            reason=dispute.reason[:_REASON],
            state=dispute.state,
            due_at=dispute.due_at,
            opened_at=dispute.at,
            closed_at=None if is_open else at,
        )
        .returning(DisputeRow.id)
    ).first()
    if fresh is not None:
        return Noted(int(fresh[0]), opened=True, closed=not is_open)
    row = session.scalars(
        select(DisputeRow).where(DisputeRow.provider == provider, DisputeRow.dispute_key == short(dispute.key)).with_for_update()
    ).one()
    closes = row.state is DisputeState.OPEN and not is_open
    if row.state is DisputeState.OPEN:
        row.due_at = dispute.due_at or row.due_at
    if closes:
        row.state, row.closed_at = dispute.state, at
    session.flush()
    return Noted(row.id, opened=False, closed=closes)


def _dispute(row: DisputeRow, order_id: int | None) -> DisputeView:
    return DisputeView(
        row.id,
        row.provider,
        row.dispute_key,
        row.intent_id,
        order_id,
        row.customer_id,
        row.amount_minor,
        row.currency,
        row.reason,
        row.state,
        row.due_at,
        row.opened_at,
        row.closed_at,
    )


@read
def dispute(session: Session, dispute_id: int) -> DisputeView | None:
    """One dispute."""
    row = session.get(DisputeRow, dispute_id)
    return None if row is None else _dispute(row, session.get_one(IntentRow, row.intent_id).order_id)


@read
def disputes_of(session: Session, *, customer_id: int | None = None, order_id: int | None = None) -> list[DisputeView]:
    """The disputes of a customer or about an order, oldest first."""
    question = select(DisputeRow, IntentRow.order_id).join(IntentRow, IntentRow.id == DisputeRow.intent_id).order_by(DisputeRow.id)
    if customer_id is not None:
        question = question.where(DisputeRow.customer_id == customer_id)
    if order_id is not None:
        question = question.where(IntentRow.order_id == order_id)
    return [_dispute(row, order) for row, order in session.execute(question)]


@read
def in_dispute(session: Session, *, customer_id: int) -> bool:
    """Does a bank decide just now about a payment of this customer?"""
    found = select(DisputeRow.id).where(DisputeRow.customer_id == customer_id, DisputeRow.state == DisputeState.OPEN)
    return session.scalar(found.limit(1)) is not None


@dataclass(frozen=True, slots=True)
class Reversible:
    """Money that came by a way whose payer can take it back, worth so much of the shop's currency."""

    intent_id: int
    order_id: int | None
    worth_minor: int


@read
def reversible_money(session: Session, *, customer_id: int, since: datetime) -> list[Reversible]:
    """What came from this customer by reversible ways since then, or is in dispute, oldest first; what the provider took is in it."""
    disputed = select(DisputeRow.intent_id).where(DisputeRow.customer_id == customer_id, DisputeRow.state == DisputeState.OPEN)
    rows = session.execute(
        select(IntentRow, PaymentEvent.amount_minor, PaymentEvent.currency)
        .join(PaymentEvent, PaymentEvent.intent_id == IntentRow.id)
        .where(
            IntentRow.customer_id == customer_id,
            IntentRow.reversible.is_(True),
            PaymentEvent.kind == "paid",
            or_(PaymentEvent.at >= since, IntentRow.id.in_(disputed)),
        )
        .order_by(PaymentEvent.id)
    )
    return [
        # Rounded up: a minor unit more is looked at, not less.
        Reversible(
            row.id, row.order_id, row.worth_minor if amount == row.amount_minor else -(-row.worth_minor * amount // row.amount_minor)
        )
        for row, amount, currency in rows
        if currency == row.currency
    ]


@read
def has_news(session: Session, *, provider: str, event: Event) -> bool:
    """Does a provider's list say something of a payment that is not in the books: a part given back, a dispute, its money, its end?"""
    keys: set[str] = set()
    # Of what never came into the books nothing goes, and of what went back as a whole no part.
    if _in_books(session, provider, event.key):
        parts = [one.key for one in event.given_back if one.once is None]
        parts += [moved.key for dispute in event.disputes for moved in dispute.movements if moved.amount_minor < 0]
        if not returned_whole(session, provider=provider, event_key=event.key):
            keys |= {short(key) for key in parts}
        for dispute in event.disputes:
            taken = {short(moved.key) for moved in dispute.movements if moved.amount_minor < 0}
            # What comes back where nothing was taken is not booked.
            if keys & taken or _took(session, provider, dispute):
                keys |= {short(moved.key) for moved in dispute.movements if moved.amount_minor > 0}
    if keys - known_events(session, provider=provider, keys=keys):
        return True
    found = select(DisputeRow.state).where(DisputeRow.provider == provider)
    for one in event.disputes:
        state = session.scalar(found.where(DisputeRow.dispute_key == short(one.key)))
        if state is None or (state is DisputeState.OPEN and one.state is not DisputeState.OPEN):
            return True
    return False


def _in_books(session: Session, provider: str, event_key: str) -> bool:
    """Did this payment come into the books for one of our intents?"""
    asked = select(PaymentEvent.intent_id).where(
        PaymentEvent.provider == provider, PaymentEvent.event_key == event_key, PaymentEvent.kind == "paid"
    )
    intent_id = session.scalar(asked)
    return intent_id is not None and _paid(session, provider, event_key, session.get_one(IntentRow, intent_id)) is not None


def _took(session: Session, provider: str, dispute: Dispute) -> bool:
    """Has this dispute taken money, by the books?"""
    taken = (
        select(PaymentReturn.id)
        .join(DisputeRow, DisputeRow.id == PaymentReturn.dispute_id)
        .where(DisputeRow.provider == provider, DisputeRow.dispute_key == short(dispute.key))
    )
    return session.scalar(taken.limit(1)) is not None
