"""How sources fare with what they are asked for, and the declared-stock rule: one that fails too often hides itself for a while."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.database import insert_new, now, read, write
from core.supply.stops import stop
from core.supply.tables import Offer, OfferOutcome, OfferStop, Stop

LOOKED_BACK = timedelta(days=30)  # for success rates
RULE_WINDOW = timedelta(hours=24)  # for the rule that hides
HIDDEN_FOR = timedelta(hours=2)
_SPAN = timedelta(hours=1)
# The exponents of the rule, as fractions: whole numbers decide exactly, where logarithms would round.
RESERVING, PROVIDING = (2, 5), (1, 5)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How often a source accepted and declined orders, delivered accepted ones in full and did not, and how long delivering took."""

    reserve_ok: int = 0
    reserve_failed: int = 0
    provision_ok: int = 0
    provision_failed: int = 0
    seconds: int = 0


def fails_too_often(*, failed: int, ok: int, exponent: tuple[int, int]) -> bool:
    """The declared-stock rule: log(failed) / log(ok) ≥ p/q, decided as failed^q ≥ ok^p, which is the same in whole numbers.

    The edges, where the logarithms say nothing: a single failure is no pattern, so fewer than two never hide; two or more beside at
    most one success always do.
    """
    assert failed >= 0 and ok >= 0
    if failed < 2:
        return False
    if ok < 2:
        return True
    p, q = exponent
    return bool(failed**q >= ok**p)


@write
def note_outcome(session: Session, *, offer_id: int, reserved: bool, provided: bool | None, seconds: int | None) -> bool:
    """Count what a source made of one order: did it accept it, and if so, did it deliver all of it, and in how many seconds.

    A source that fails too often is hidden for two hours; returns whether it is from now on. What was before that is not held
    against it again.
    """
    at = now(session)
    # The offer's row is the lock: of two who begin an hour at once one adds to the other's.
    # Not its key: rows that refer to it are written meanwhile.
    session.execute(select(Offer.id).where(Offer.id == offer_id).with_for_update(key_share=True))
    hidden_at = _hidden_at(session, offer_id)
    begun_at = session.scalar(select(func.max(OfferOutcome.begun_at)).where(OfferOutcome.offer_id == offer_id))
    if begun_at is None or begun_at <= at - _SPAN or (hidden_at is not None and begun_at <= hidden_at):
        begun_at = at
        session.execute(insert_new(session, OfferOutcome).values(offer_id=offer_id, begun_at=begun_at))
    session.execute(
        update(OfferOutcome)
        .where(OfferOutcome.offer_id == offer_id, OfferOutcome.begun_at == begun_at)
        .values(
            reserve_ok=OfferOutcome.reserve_ok + (1 if reserved else 0),
            reserve_failed=OfferOutcome.reserve_failed + (0 if reserved else 1),
            provision_ok=OfferOutcome.provision_ok + (1 if provided else 0),
            provision_failed=OfferOutcome.provision_failed + (1 if provided is False else 0),
            seconds=OfferOutcome.seconds + (max(0, seconds) if seconds is not None and provided else 0),
        ),
        execution_options={"synchronize_session": False},
    )
    if reserved and provided is not False:
        return False
    since = at - RULE_WINDOW if hidden_at is None else max(at - RULE_WINDOW, hidden_at)
    lately = _sums(session, [offer_id], since)[offer_id]
    if not (
        fails_too_often(failed=lately.reserve_failed, ok=lately.reserve_ok, exponent=RESERVING)
        or fails_too_often(failed=lately.provision_failed, ok=lately.provision_ok, exponent=PROVIDING)
    ):
        return False
    return stop(session, offer_ids=[offer_id], why=Stop.HIDDEN, by="clock", until=at + HIDDEN_FOR) > 0


def _hidden_at(session: Session, offer_id: int) -> datetime | None:
    return session.scalar(
        select(func.max(OfferStop.at)).where(OfferStop.offer_id == offer_id, OfferStop.why == Stop.HIDDEN, OfferStop.ref == "")
    )


def _sums(session: Session, offer_ids: Collection[int], since: datetime) -> dict[int, Outcomes]:
    rows = session.execute(
        select(
            OfferOutcome.offer_id,
            func.sum(OfferOutcome.reserve_ok),
            func.sum(OfferOutcome.reserve_failed),
            func.sum(OfferOutcome.provision_ok),
            func.sum(OfferOutcome.provision_failed),
            func.sum(OfferOutcome.seconds),
        )
        .where(OfferOutcome.offer_id.in_(offer_ids), OfferOutcome.begun_at > since)
        .group_by(OfferOutcome.offer_id)
    ).all()
    found = {row[0]: Outcomes(*(int(value) for value in row[1:])) for row in rows}
    return {offer_id: found.get(offer_id, Outcomes()) for offer_id in offer_ids}


@read
def outcomes(session: Session, offer_ids: Collection[int]) -> dict[int, Outcomes]:
    """How these offers' sources fared in the last thirty days."""
    return _sums(session, offer_ids, now(session) - LOOKED_BACK)
