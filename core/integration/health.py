"""How an upstream fares: what we have there, the alarm when it runs low, and the circuit breaker that lets it rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import payments, supply
from core.database import micros, now, read, write
from core.integration.connections import UpstreamView, locked, selling, view
from core.integration.rules import FAILURES_BEFORE_REST, rest_for
from core.integration.tables import Place, Upstream, UpstreamErrand
from core.ports import Prepaid
from core.supply import Stop

BALANCE_EVERY = timedelta(minutes=10)
SYNC_EVERY = timedelta(minutes=15)
CHANGES_EVERY = timedelta(minutes=1)
AGAIN_AFTER = timedelta(minutes=1)
_LEASE = timedelta(minutes=5)
# The probe decides; this is for a shop in which nobody probes any more.
_LIFTED_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Due:
    """What is due at one upstream besides its tasks: whether its balance, and whether its catalogue is to be asked for."""

    upstream: UpstreamView
    balance: bool
    catalogue: bool
    changes_after: str | None


@dataclass(frozen=True, slots=True)
class Waits:
    """Whether anything is due besides tasks."""

    errands: bool
    upkeep: bool


@read
def anything_due(session: Session) -> Waits:
    """Is there an errand, a balance or a catalogue to be asked for? A question, so that a shop at rest writes nothing."""
    at = now(session)
    errands = select(UpstreamErrand.id).where(UpstreamErrand.ended_at.is_(None), UpstreamErrand.next_at <= at).limit(1)
    upkeep = (
        select(Upstream.id).where(Upstream.place == Place.OPEN, (Upstream.balance_next_at <= at) | (Upstream.sync_next_at <= at)).limit(1)
    )
    return Waits(session.scalar(errands) is not None, session.scalar(upkeep) is not None)


def hidden_ref(upstream_id: int) -> str:
    """By what its breaker's stops are told from others."""
    return f"upstream:{upstream_id}"


@write
def take_due_upkeep(session: Session, *, most: int = 20) -> list[Due]:
    """Upstreams whose balance or catalogue is to be asked for now; they are the caller's for some minutes. A resting one is left alone."""
    at = now(session)
    rows = session.scalars(
        select(Upstream)
        .where(Upstream.place == Place.OPEN, (Upstream.balance_next_at <= at) | (Upstream.sync_next_at <= at))
        .order_by(Upstream.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    found = []
    for row in rows:
        if row.open_until is not None and row.open_until > at:
            # Looked at again when it is probed.
            row.balance_next_at = max(row.balance_next_at, row.open_until)
            row.sync_next_at = max(row.sync_next_at, row.open_until + AGAIN_AFTER)
            continue
        balance = row.balance_next_at <= at or row.open_until is not None
        # One that rested is first asked what we have there: that is the probe.
        catalogue = row.sync_next_at <= at and row.open_until is None
        found.append(Due(view(row), balance, catalogue, row.changes_after))
        if balance:
            row.balance_next_at = at + BALANCE_EVERY
        if catalogue:
            row.sync_next_at = at + _LEASE
    session.flush()
    return found


@write
def balance_seen(session: Session, *, upstream_id: int, prepaid: Prepaid) -> bool:
    """What we have there, as it says itself. True when the staff are told that it runs low: once for each fall."""
    row, at = locked(session, upstream_id), now(session)
    row.balance_minor, row.currency, row.balance_at = prepaid.amount_minor, prepaid.currency, at
    session.flush()
    if row.low_balance_minor is None or prepaid.amount_minor >= row.low_balance_minor:
        row.low_told_at = None
        return False
    if row.low_told_at is not None:
        return False
    row.low_told_at = at
    session.flush()
    body = {
        "says": "upstream-low",
        "upstream": row.id,
        "name": row.name,
        "balance_minor": prepaid.amount_minor,
        "low_minor": row.low_balance_minor,
        "currency": prepaid.currency,
    }
    payments.tell_staff(session, storefront_id=row.storefront_id, body=body, once=f"upstream-low:{row.id}:{micros(at)}")
    return True


@write
def ask_balance_soon(session: Session, *, upstream_id: int) -> None:
    """Something was bought there: its balance is asked for at the next turn."""
    row = locked(session, upstream_id)
    row.balance_next_at = now(session)


@write
def worked(session: Session, *, upstream_id: int) -> bool:
    """It has answered: whatever it said, it is not out of order. True when it rested, and sells again."""
    row = locked(session, upstream_id)
    rested = row.open_until is not None
    if row.failures or rested:
        row.failures, row.open_until, row.opened = 0, None, 0
        session.flush()
    if rested:
        supply.lift(session, offer_ids=selling(session, row), why=Stop.HIDDEN, by="breaker", ref=hidden_ref(row.id))
        row.sync_next_at = now(session)
        _tell(session, row, "upstream-works")
    return rested


@write
def failed(session: Session, *, upstream_id: int, why: str) -> bool:
    """It could not say: a time-out, an error, nonsense. After several in a row it rests and its offers are hidden; True then."""
    row, at = locked(session, upstream_id), now(session)
    row.failures, row.trouble = row.failures + 1, why[:300]
    session.flush()
    probed = row.open_until is not None and row.open_until <= at
    if not probed and (row.open_until is not None or row.failures < FAILURES_BEFORE_REST):
        return False
    first = row.open_until is None
    row.open_until = at + rest_for(row.opened)
    row.balance_next_at = row.open_until
    row.opened += 1
    session.flush()
    offer_ids, ref = selling(session, row), hidden_ref(row.id)
    # A stop that stands keeps its end, so it is taken away first: this rest is longer.
    supply.lift(session, offer_ids=offer_ids, why=Stop.HIDDEN, by="breaker", ref=ref)
    supply.stop(session, offer_ids=offer_ids, why=Stop.HIDDEN, by="breaker", ref=ref, until=row.open_until + _LIFTED_AFTER)
    if first:
        _tell(session, row, "upstream-rests")
    return True


def _tell(session: Session, row: Upstream, says: str) -> None:
    body = {"says": says, "upstream": row.id, "name": row.name, "why": row.trouble or ""}
    payments.tell_staff(session, storefront_id=row.storefront_id, body=body, once=f"{says}:{row.id}:{micros(now(session))}")


@read
def prepaid_with(session: Session, supplier_id: int) -> dict[str, int]:
    """What the shop has prepaid at an upstream that is this supplier, as it last said, in minor units by currency."""
    rows = session.execute(
        select(Upstream.currency, func.sum(Upstream.balance_minor))
        .where(Upstream.supplier_id == supplier_id, Upstream.balance_minor > 0, Upstream.currency.is_not(None))
        .group_by(Upstream.currency)
    )
    return {currency: int(minor or 0) for currency, minor in rows if currency is not None}
