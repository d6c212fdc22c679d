"""Making a commitment, calling it off, reporting on it, and judging it when its last day is over."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import inventory, journal, outbox, people, storefronts
from core.catalog import Gone
from core.database import now, read, write
from core.errors import N_, Refusal
from core.supply.commitments.rules import Judged, judged
from core.supply.commitments.tables import Commitment, Precedence, Promise
from core.supply.members import members_of, not_own
from core.supply.plain import derive_plain, open_commitment
from core.supply.stops import StopView, stops
from core.supply.tables import Offer as OfferRow
from core.supply.tables import Standing, Stop, Supplier

MOST_PROMISED = 10**9  # units
# What lies on an offer that sells no more by its supplier's own doing was not brought to be drawn.
_THEIR_DOING = (Stop.SUSPENDED, Stop.PAPER, Stop.TAKEDOWN, Stop.HIDDEN)


@dataclass(eq=False)
class AlreadyCommitted(Refusal):
    says: ClassVar[str] = N_("This offer has an open commitment already. Please call that one off first. Nothing was changed.")


@dataclass(eq=False)
class CommitmentOver(Refusal):
    says: ClassVar[str] = N_("The last day of a commitment must come after its first, and not be over. Nothing was changed.")


@dataclass(eq=False)
class NobodyElsePromises(Refusal):
    says: ClassVar[str] = N_("These goods are the shop's own: there is nobody who could promise them to it. Nothing was changed.")


@dataclass(frozen=True, slots=True)
class CommitmentReport:
    """Who has promised how much until when, how much was drawn and brought, what is short and by whom; as of now, or as it ended.

    All in units. While it is open `supplier_short` and `shop_short` are what would be short if it ended now.
    """

    id: int
    offer_id: int
    sku_id: int
    supplier_id: int
    supplier_name: str
    precedence: Precedence
    promised_by: Promise
    quantity: int
    drawn: int
    failed: int
    brought: int
    supplier_short: int
    shop_short: int
    from_at: datetime
    until: datetime
    made_at: datetime
    closed_at: datetime | None
    called_off: bool

    @property
    def breach(self) -> bool:
        """Has it ended with less than was promised?"""
        return self.closed_at is not None and (self.supplier_short > 0 or self.shop_short > 0)


@write
def commit(
    session: Session,
    *,
    offer_id: int,
    precedence: Precedence,
    promised_by: Promise,
    quantity: int,
    until: datetime,
    from_at: datetime | None = None,
    by: str,
) -> int:
    """So many units of an offer are promised from `from_at` (now, without) to `until`; returns the commitment's id.

    From then on they are set aside: the router puts the offer first and the sale draws from it before all others, or alone, until so
    many are drawn or the time is over. Its supplier is told. Raises Gone, OwnSupplier, NobodyElsePromises, AlreadyCommitted,
    CommitmentOver.
    """
    assert 0 < quantity <= MOST_PROMISED, "a number of units"
    row = session.get(OfferRow, offer_id, with_for_update=True, populate_existing=True)
    if row is None or row.stopped_at is not None:
        raise Gone
    not_own(session, row.supplier_id, by)
    if session.get_one(Supplier, row.supplier_id).standing is Standing.OWN:
        raise NobodyElsePromises
    if open_commitment(session, offer_id) is not None:
        raise AlreadyCommitted
    at = now(session)
    if until <= max(at, from_at or at):
        raise CommitmentOver
    made = Commitment(
        offer_id=offer_id,
        precedence=precedence,
        promised_by=promised_by,
        quantity=quantity,
        drawn=0,
        failed=0,
        from_at=from_at or at,
        until=until,
        made_at=at,
        made_by=by[:64],
    )
    session.add(made)
    session.flush()
    row.changed_at = at
    derive_plain(session, row)
    session.flush()
    said = {
        "offer": offer_id,
        "precedence": precedence.value,
        "promised_by": promised_by.value,
        "quantity": quantity,
        "from": made.from_at.isoformat(),
        "valid_until": until.isoformat(),
    }
    journal.record(session, by=by, did="commit", about="commitment", about_id=made.id, after=said)
    _tell_supplier(session, row.supplier_id, {"says": "committed", "commitment": made.id}, once=f"committed:{made.id}")
    return made.id


@write
def call_off_commitment(session: Session, *, commitment_id: int, by: str) -> bool:
    """A commitment ends now, by agreement and with nobody short; False when it was over already. Its supplier is told.

    Raises Gone, OwnSupplier.
    """
    found = session.get(Commitment, commitment_id)
    if found is None:
        raise Gone
    supplier_id = session.get_one(OfferRow, found.offer_id).supplier_id
    not_own(session, supplier_id, by)
    row = session.get_one(Commitment, commitment_id, with_for_update=True, populate_existing=True)
    if row.closed_at is not None:
        return False
    _close(session, row, Judged(_now_judged(session, [row])[row.id].brought, 0, 0), called_off_by=by)
    journal.record(
        session,
        by=by,
        did="call-off-commitment",
        about="commitment",
        about_id=commitment_id,
        before={"open": True, "drawn": row.drawn, "quantity": row.quantity},
        after={"open": False, "drawn": row.drawn, "quantity": row.quantity},
    )
    _tell_supplier(session, supplier_id, {"says": "commitment-off", "commitment": row.id}, once=f"commitment-off:{row.id}")
    return True


def _close(session: Session, row: Commitment, ended: Judged, *, called_off_by: str | None = None) -> None:
    """It is over, as it is judged; what was set aside is nobody's any more. The commitment is locked before its offer, as in the sale."""
    at = now(session)
    row.closed_at, row.called_off_by = at, None if called_off_by is None else called_off_by[:64]
    row.brought, row.supplier_short, row.shop_short = ended.brought, ended.supplier_short, ended.shop_short
    session.flush()
    offer = session.get_one(OfferRow, row.offer_id, with_for_update=True, populate_existing=True)
    offer.changed_at = at
    derive_plain(session, offer)
    session.flush()


@write
def judge_commitments(session: Session, *, most: int = 100) -> int:
    """Commitments whose last day is over are judged and closed; returns how many.

    One that ends in breach is told to the staff and to its supplier, once: what is judged is never judged again.
    """
    rows = session.scalars(
        select(Commitment)
        .where(Commitment.closed_at.is_(None), Commitment.until <= now(session))
        .order_by(Commitment.until, Commitment.id)
        .limit(most)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    found = _now_judged(session, rows)
    for row in rows:
        ended = found[row.id]
        _close(session, row, ended)
        short = {"drawn": row.drawn, "brought": ended.brought, "supplier_short": ended.supplier_short, "shop_short": ended.shop_short}
        journal.record(session, by="clock", did="judge-commitment", about="commitment", about_id=row.id, after=short)
        if ended.breach:
            body = {"says": "commitment-breach", "commitment": row.id}
            supplier_id = session.get_one(OfferRow, row.offer_id).supplier_id
            _tell_supplier(session, supplier_id, body, once=f"commitment-breach:{row.id}")
            _tell_staff(session, {**body, "for": "staff"}, once=f"commitment-breach:{row.id}")
    return len(rows)


def _now_judged(session: Session, rows: Collection[Commitment]) -> dict[int, Judged]:
    """How these commitments would end now, by their ids."""
    if not rows:
        return {}
    ids = [row.offer_id for row in rows]
    shelves, held = inventory.on_shelf(session, ids), inventory.held_by_offer(session, ids)
    offers = {offer.id: offer for offer in session.scalars(select(OfferRow).where(OfferRow.id.in_(ids)))}
    kept_back = {found.offer_id for found in stops(session, ids) if _their_doing(found)}
    found = {}
    for row in rows:
        there = row.offer_id not in kept_back
        found[row.id] = judged(
            quantity=row.quantity,
            drawn=row.drawn,
            failed=row.failed,
            # What a payer has on hold was brought, too.
            shelf=shelves[row.offer_id] + held.get(row.offer_id, 0) if there else 0,
            declared=(offers[row.offer_id].declared or 0) if there else 0,
            promised_by=row.promised_by,
        )
    return found


def _their_doing(found: StopView) -> bool:
    return found.why in _THEIR_DOING or (found.why is Stop.PAUSED and found.ref == "supplier")


# Reporting


@read
def commitment_reports(
    session: Session, *, commitment_id: int | None = None, offer_id: int | None = None, supplier_id: int | None = None, limit: int = 50
) -> list[CommitmentReport]:
    """The report of a commitment, or of those of an offer or a supplier (of all, without any): open ones first, then the newest."""
    question = (
        select(Commitment, OfferRow, Supplier.name)
        .join(OfferRow, OfferRow.id == Commitment.offer_id)
        .join(Supplier, Supplier.id == OfferRow.supplier_id)
        .order_by(Commitment.closed_at.is_not(None), Commitment.id.desc())
        .limit(limit)
    )
    if commitment_id is not None:
        question = question.where(Commitment.id == commitment_id)
    if offer_id is not None:
        question = question.where(Commitment.offer_id == offer_id)
    if supplier_id is not None:
        question = question.where(OfferRow.supplier_id == supplier_id)
    rows = session.execute(question).all()
    running = _now_judged(session, [row for row, _, _ in rows if row.closed_at is None])
    return [_report(row, offer, name, running.get(row.id)) for row, offer, name in rows]


def _report(row: Commitment, offer: OfferRow, name: str, running: Judged | None) -> CommitmentReport:
    ended = running or Judged(row.brought or 0, row.supplier_short or 0, row.shop_short or 0)
    return CommitmentReport(
        row.id,
        row.offer_id,
        offer.sku_id,
        offer.supplier_id,
        name,
        row.precedence,
        row.promised_by,
        row.quantity,
        row.drawn,
        row.failed,
        ended.brought,
        ended.supplier_short,
        ended.shop_short,
        row.from_at,
        row.until,
        row.made_at,
        row.closed_at,
        row.called_off_by is not None,
    )


# Telling


def _tell_supplier(session: Session, supplier_id: int, body: dict[str, Any], *, once: str) -> None:
    """A notice to each person who acts for a supplier and has a chat with the shop."""
    for front in storefronts.all_open(session):
        for telegram_id in members_of(session, supplier_id):
            customer = people.find(session, storefront_id=front.id, telegram_id=telegram_id)
            if customer is not None:
                outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=customer.id, body=body, once=f"{once}:{customer.id}")


def _tell_staff(session: Session, body: dict[str, Any], *, once: str) -> None:
    """An alert to the staff of every storefront."""
    for front in storefronts.all_open(session):
        for member in people.staff(session, storefront_id=front.id):
            if member.customer is not None:
                to = member.customer.id
                outbox.post(session, topic=outbox.Topic.ALERT, customer_id=to, body=body, once=f"{once}:staff:{to}")
