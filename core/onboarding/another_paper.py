"""Another paper of a supplier: described step by step as a draft that stays, sent, and taken back while it waits."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import journal, people, supply
from core.database import insert_new, now, read, write
from core.onboarding import renewal_cards
from core.onboarding.applying import PaperField
from core.onboarding.checks import want_registered
from core.onboarding.documents import RenewalView, renewal_view
from core.onboarding.refusals import NotFinished, NotYours, Outdated, OverAlready, PapersWait, TextWrong
from core.onboarding.rules import MOST_WAITING, clean_number, clean_scope, read_date
from core.onboarding.tables import DocumentRenewal, PaperKind, RenewalState
from core.supply import IsSuspended, SupplierView


@write
def begin_another(session: Session, *, supplier_id: int, customer_id: int) -> int:
    """Begin another paper of a supplier, or go on with the one that this person has begun; returns its id.

    Raises NotYours, IsSuspended, and PapersWait when enough of theirs are with the shop.
    """
    customer = people.by_id(session, customer_id)
    _may_send(session, supplier_id, customer.telegram_id)
    _room(session, supplier_id)  # Asked before anything is typed; when it is sent, it is asked again.
    by = f"telegram:{customer.telegram_id}"
    session.execute(
        insert_new(session, DocumentRenewal).values(
            supplier_id=supplier_id,
            storefront_id=customer.storefront_id,
            by=by,
            state=RenewalState.DRAFT,
            once="another",
            at=now(session),
            dated=False,
            revision=0,
        )
    )
    draft = (DocumentRenewal.supplier_id == supplier_id, DocumentRenewal.by == by, DocumentRenewal.state == RenewalState.DRAFT)
    row = session.scalars(select(DocumentRenewal).where(*draft).with_for_update()).one()
    row.storefront_id = customer.storefront_id  # whose staff it is sent to
    return row.id


@write
def say_of_another(session: Session, *, paper_id: int, customer_id: int, field: PaperField, text: str) -> None:
    """Say one thing of a draft; an empty text for the expiry is "never", for the number "none".

    Raises NotYours, Outdated when it is no draft any more, TextWrong, DateWrong, OverAlready. Nothing is lost then.
    """
    row = _draft(session, paper_id, customer_id)
    if field is PaperField.KIND:
        row.kind = _kind(text)
    elif field is PaperField.SCOPE:
        row.scope = clean_scope(text)
    elif field is PaperField.NUMBER:
        row.number = clean_number(text) if text else None
    else:
        day = read_date(text) if text else None
        _not_over(session, day)
        row.expires_on, row.dated = day, True
    row.changed_at = now(session)


@write
def keep_file(session: Session, *, paper_id: int, customer_id: int, file_id: str, file_unique_id: str, file_kind: str) -> None:
    """The photo or PDF of a draft, by Telegram's ids; a later one takes its place. Raises NotYours, Outdated."""
    row = _draft(session, paper_id, customer_id)
    row.file_id, row.file_unique_id, row.file_kind = file_id, file_unique_id, file_kind
    row.changed_at = now(session)


@write
def start_again(session: Session, *, paper_id: int, customer_id: int) -> None:
    """Everything that was said of a draft is forgotten. Raises NotYours, Outdated."""
    row = _draft(session, paper_id, customer_id)
    row.kind = row.scope = row.number = row.expires_on = None
    row.file_id = row.file_unique_id = row.file_kind = None
    row.dated, row.changed_at = False, now(session)


@write
def send_another(session: Session, *, paper_id: int, customer_id: int, group_id: int | None = None) -> bool:
    """Send a draft: a card goes to each of the staff and to their group. False when it was sent before, and nothing is sent again.

    Raises NotYours, IsSuspended, NotFinished, OverAlready when its day has passed meanwhile, PapersWait.
    """
    row, customer = _own(session, paper_id, customer_id)
    if row.state is not RenewalState.DRAFT:
        return False
    of = _may_send(session, row.supplier_id, customer.telegram_id)
    # Two of their people at once are one after the other here: what waits is counted as it is then.
    supply.lock_supplier(session, row.supplier_id)
    _room(session, row.supplier_id)
    if not _whole(row):
        raise NotFinished
    _not_over(session, row.expires_on)
    row.state, row.at, row.changed_at = RenewalState.SENT, now(session), now(session)
    session.flush()
    want_registered(session, row, number=row.number, holder=of.name, scope=row.scope or "")
    renewal_cards.deal(session, row, customer.telegram_id, group_id)
    assert row.kind is not None, "what is sent is whole"
    journal.record(
        session,
        by=row.by,
        did="send-paper",
        about="paper",
        about_id=row.id,
        before={"state": RenewalState.DRAFT.value},
        after={
            "state": row.state.value,
            "scope": row.scope,
            "expires_on": None if row.expires_on is None else row.expires_on.isoformat(),
        },
    )
    return True


@write
def take_paper_back(session: Session, *, paper_id: int, customer_id: int) -> bool:
    """Whoever acts for the supplier takes back a paper that waits, a newer one or another. False when that was done before.

    Raises NotYours, and Outdated when the staff have decided.
    """
    row, customer = _own(session, paper_id, customer_id)
    if row.state is RenewalState.TAKEN_BACK:
        return False
    if row.state is not RenewalState.SENT:
        raise Outdated
    by = f"telegram:{customer.telegram_id}"
    row.state, row.decided_by, row.decided_at = RenewalState.TAKEN_BACK, by, now(session)
    renewal_cards.redraw(session, row)
    journal.record(
        session,
        by=by,
        did="take-paper-back",
        about="paper",
        about_id=row.id,
        before={"state": RenewalState.SENT.value},
        after={"state": row.state.value},
    )
    return True


@read
def papers_waiting(session: Session, supplier_id: int) -> list[RenewalView]:
    """Papers of a supplier for no document yet that the staff have not looked at, the longest first."""
    waiting = select(DocumentRenewal).where(
        DocumentRenewal.supplier_id == supplier_id,
        DocumentRenewal.state == RenewalState.SENT,
        DocumentRenewal.document_id.is_(None),
    )
    return [renewal_view(session, row) for row in session.scalars(waiting.order_by(DocumentRenewal.id))]


def next_to_say(paper: RenewalView) -> PaperField | None:
    """What is asked next of a draft besides its file; None when all of it is said. A number need not be."""
    if paper.kind is None:
        return PaperField.KIND
    if paper.scope is None:
        return PaperField.SCOPE
    return None if paper.dated else PaperField.EXPIRES


def _may_send(session: Session, supplier_id: int, telegram_id: int) -> SupplierView:
    found = next((one for one in supply.suppliers_of(session, telegram_id) if one.id == supplier_id), None)
    if found is None:
        raise NotYours
    if found.suspended:
        raise IsSuspended
    return found


def _room(session: Session, supplier_id: int) -> None:
    waiting = select(func.count()).where(
        DocumentRenewal.supplier_id == supplier_id,
        DocumentRenewal.state == RenewalState.SENT,
        DocumentRenewal.document_id.is_(None),
    )
    if (session.scalar(waiting) or 0) >= MOST_WAITING:
        raise PapersWait(most=MOST_WAITING)


def _own(session: Session, paper_id: int, customer_id: int) -> tuple[DocumentRenewal, people.Customer]:
    """A paper of a supplier that this person acts for, locked; a draft is its writer's alone."""
    customer = people.by_id(session, customer_id)
    row = session.get(DocumentRenewal, paper_id, with_for_update=True, populate_existing=True)
    if row is None or row.supplier_id not in {one.id for one in supply.suppliers_of(session, customer.telegram_id)}:
        raise NotYours
    if row.state is RenewalState.DRAFT and row.by != f"telegram:{customer.telegram_id}":
        raise NotYours
    return row, customer


def _draft(session: Session, paper_id: int, customer_id: int) -> DocumentRenewal:
    row, _ = _own(session, paper_id, customer_id)
    if row.state is not RenewalState.DRAFT:
        raise Outdated
    return row


def _whole(row: DocumentRenewal) -> bool:
    return row.kind is not None and row.scope is not None and row.file_id is not None and row.dated


def _kind(text: str) -> PaperKind:
    """A forged button may say anything."""
    try:
        return PaperKind(text)
    except ValueError:
        raise TextWrong(least=1, most=max(len(kind) for kind in PaperKind)) from None


def _not_over(session: Session, day: date | None) -> None:
    if day is not None and day < now(session).date():
        raise OverAlready
