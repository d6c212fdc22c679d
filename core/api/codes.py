"""The codes of a program's order, fetched in pages and logged first; bad ones reported; the statement of a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.orm import Session

from core import aftersale, ledger, orders, storefronts
from core.aftersale import CaseCard, Reason
from core.api import trials
from core.api.keys import allowed
from core.api.refusals import AsksWrong, NoSuchOrder, NotAllowed, NothingToFetch
from core.api.tables import ApiFetch, Scope
from core.catalog import Gone
from core.database import read, write

_MOST_CODES = 1000  # in one page
MOST_LINES = 50_000  # in the statement of a day


@dataclass(frozen=True, slots=True)
class CodeOf:
    """A code in clear; `id` names it in a complaint."""

    id: int
    card_no: str | None = field(repr=False)
    card_pwd: str | None = field(repr=False)
    notes: Sequence[str] = field(repr=False, default=())


@dataclass(frozen=True, slots=True)
class CodesPage:
    """Some codes of an order, and the id to go on after; None at the end."""

    codes: Sequence[CodeOf]
    after: int | None


@dataclass(frozen=True, slots=True)
class CaseOf:
    """A complaint as the program sees it: `state` is open, answer_wanted, replaced, refunded, refused or withdrawn."""

    id: int
    order_number: str
    ours: str
    code_id: int
    reason: str
    state: str
    opened_at: datetime
    due_at: datetime
    decided_at: datetime | None
    note: str


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A movement of the balance: what came in is positive. `number` is the program's own, `ours` the shop's, of what it belongs to."""

    at: datetime
    kind: str
    amount_minor: int
    balance_minor: int
    number: str
    ours: str


@dataclass(frozen=True, slots=True)
class StatementOf:
    """A day (UTC) of the balance, from the first to the last movement."""

    day: date
    currency: str
    opening_minor: int
    closing_minor: int
    lines: Sequence[StatementLine]


@write
def codes(session: Session, *, key_id: int, order_id: int, after: int = 0, limit: int = 100) -> CodesPage | None:
    """A page of the codes of a program's own order; that they leave is logged before they are answered.

    None when one of them came onto the blacklist meanwhile: the order is held from now on. Raises NoSuchKey, NotAllowed, NoSuchOrder, and
    NothingToFetch while it is not issued or is being looked at.
    """
    row, owner = allowed(session, key_id, Scope.CODES)
    limit = max(1, min(limit, _MOST_CODES))
    if row.sandbox:
        made = list(enumerate(trials.codes(session, row, order_id), 1))
        if not made:
            raise NothingToFetch
        page = [each for each in made if each[0] > after]
        found = [CodeOf(number, None, said) for number, said in page[:limit]]
        return CodesPage(found, found[-1].id if len(page) > limit else None)
    if orders.find_outside(session, customer_id=owner.id, order_id=order_id) is None:
        raise NoSuchOrder
    try:
        fetched = orders.fetch(session, order_id=order_id, buyer_id=owner.id, to_telegram_id=owner.telegram_id, after=after, limit=limit)
    except (orders.HeldForReview, Gone):
        raise NothingToFetch from None
    if fetched is None:
        return None
    these, more, reveal_id = fetched
    session.add(ApiFetch(reveal_id=reveal_id, key_id=key_id, order_id=order_id, after_code=after, codes=len(these)))
    bare = [(one.id, one.secret.bare(), one.secret.notes) for one in these]
    return CodesPage([CodeOf(i, secret.card_no, secret.card_pwd, notes) for i, secret, notes in bare], these[-1].id if more else None)


@write
def report_bad(session: Session, *, key_id: int, number: str, code_id: int, reason: Reason, text: str = "") -> CaseOf:
    """Something is wrong with a code: a case for the staff, as from the chat. Raises NoSuchOrder, and what opening a case refuses."""
    row, owner = allowed(session, key_id, Scope.CASES)
    if row.sandbox:
        raise NotAllowed
    found = _theirs(session, owner.id, number)
    made = aftersale.open_case(session, buyer_id=owner.id, order_id=found.order_id, code_id=code_id, reason=reason, text=text)
    return case(session, key_id=key_id, case_id=made.case_id)


def _theirs(session: Session, customer_id: int, number: str) -> orders.OutsideView:
    found = orders.find_outside(session, customer_id=customer_id, number=number)
    if found is None and orders.find_in_chat(session, customer_id=customer_id, number=number) is not None:
        raise NoSuchOrder  # One of theirs that was bought in the chat, and not another that we happen to call so.
    ours = None if found is not None else orders.order_id_of(number)
    if ours is not None:
        found = orders.find_outside(session, customer_id=customer_id, order_id=ours)
    if found is None:
        raise NoSuchOrder
    return found[0]


@read
def case(session: Session, *, key_id: int, case_id: int) -> CaseOf:
    """One complaint about an order of a program. Raises NoSuchOrder."""
    _, owner = allowed(session, key_id, Scope.CASES)
    found = aftersale.case(session, case_id=case_id, buyer_id=owner.id)
    numbers = {} if found is None else orders.outside_among(session, [found.card.order_id])
    if found is None or found.card.order_id not in numbers:
        raise NoSuchOrder
    return _case(found.card, numbers[found.card.order_id])


@read
def cases(session: Session, *, key_id: int, before: int | None = None, limit: int = 50) -> tuple[list[CaseOf], int | None]:
    """Complaints about orders of programs, the newest first, and the id to go on before; None at the end."""
    _, owner = allowed(session, key_id, Scope.CASES)
    cards = aftersale.cases_of(session, storefront_id=owner.storefront_id, buyer_id=owner.id, before=before, limit=limit + 1)
    page = cards[:limit]
    numbers = orders.outside_among(session, [card.order_id for card in page])
    return [_case(card, numbers[card.order_id]) for card in page if card.order_id in numbers], page[-1].id if len(cards) > limit else None


def _case(card: CaseCard, number: str) -> CaseOf:
    if card.outcome is not None:
        state = card.outcome.value
    else:
        state = "answer_wanted" if card.state is aftersale.CaseState.WAITING_BUYER else "open"
    return CaseOf(
        card.id,
        number,
        card.order_number,
        card.code_id,
        card.reason.value,
        state,
        card.opened_at,
        card.due_at,
        card.decided_at,
        card.why_text or card.why or "",
    )


@read
def statement(session: Session, *, key_id: int, day: date) -> StatementOf:
    """All movements of the owner's balance on a day (UTC), with the balance after each.

    Raises NoSuchKey, NotAllowed, and AsksWrong for a day of more than MOST_LINES: a part of a statement would pass for the whole.
    """
    _, owner = allowed(session, key_id, Scope.STATEMENT)
    since = datetime.combine(day, time(), UTC)
    until = since + timedelta(days=1)
    entries = ledger.between(session, account_id=owner.wallet_id, since=since, until=until, limit=MOST_LINES + 1)
    if len(entries) > MOST_LINES:
        raise AsksWrong(what=f"day has more than {MOST_LINES} movements, which is more than a statement holds")
    closing = ledger.balance(session, owner.wallet_id) - ledger.moved_after(session, account_id=owner.wallet_id, since=until)
    balance = opening = closing - sum(entry.amount_minor for entry in entries)
    about = {entry.subject_id for entry in entries if entry.subject_id is not None and _of_order(entry)}
    numbers = orders.outside_among(session, about)
    lines = []
    for entry in entries:
        balance += entry.amount_minor
        of_order = entry.subject_id if _of_order(entry) else None
        number = numbers.get(of_order, "") if of_order is not None else ""
        ours = orders.number_of(of_order) if of_order else ""
        lines.append(StatementLine(entry.at, entry.kind.value, entry.amount_minor, balance, number, ours))
    return StatementOf(day, storefronts.by_id(session, owner.storefront_id).currency, opening, closing, lines)


_ABOUT_ORDERS = (ledger.TransferKind.SALE, ledger.TransferKind.REFUND, ledger.TransferKind.ESCROW)


def _of_order(entry: ledger.Entry) -> bool:
    return entry.kind in _ABOUT_ORDERS


@read
def order_of_number(session: Session, *, key_id: int, number: str) -> int:
    """Our id of the order of either number. Raises NoSuchOrder."""
    row, owner = allowed(session, key_id, Scope.CODES)
    if row.sandbox:
        found = trials.find(session, row, number=number, order_id=None)
        if found is None:
            raise NoSuchOrder
        return found.order_id
    return _theirs(session, owner.id, number).order_id
