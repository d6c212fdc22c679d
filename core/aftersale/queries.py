"""Cases as their buyer and the staff see them, what may be complained about, and what is frozen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy import case as when
from sqlalchemy.orm import Session

from core import catalog, fulfilment, inventory, orders, outbox, people, storefronts, supply
from core.aftersale.rules import Terms, warranty_ends
from core.aftersale.tables import AftersaleTerms, Case, CaseEntry, CaseState, Outcome, Reason, Side
from core.catalog import ProductView, SkuView
from core.database import among, read
from core.database import now as the_time
from core.orders import OrderCard, OrderDetail, OrderState
from core.spans import written_between

_LONGEST = 200  # characters of what is looked for
_MOST_FOUND = 20
_MOST_LOOKED = 300  # cases whose codes are opened, in memory, to compare their ends
_SHOPS_TURN = (CaseState.OPEN, CaseState.WAITING_SHOP)


@dataclass(frozen=True, slots=True)
class CaseCard:
    """A line of a list of cases; `overdue` when the shop should have answered by `due_at`."""

    id: int
    storefront_id: int
    buyer_id: int
    order_id: int
    order_number: str
    code_id: int
    product: ProductView
    sku: SkuView
    reason: Reason
    state: CaseState
    outcome: Outcome | None
    opened_at: datetime
    due_at: datetime
    overdue: bool
    decided_at: datetime | None
    decided_by: str | None
    why: str | None
    why_text: str | None


@dataclass(frozen=True, slots=True)
class EntryView:
    """Something that was said: `says` names a usual sentence, `picture` is Telegram's file id of a photo or a document.

    Only the bot of the storefront `front_id` knows that file.
    """

    id: int
    case_id: int
    side: Side
    by: str
    says: str | None
    text: str
    picture: str | None
    picture_kind: str | None
    at: datetime
    front_id: int


@dataclass(frozen=True, slots=True)
class Past:
    """How a buyer's other cases stand and ended, by outcome; `open` are undecided."""

    open: int
    ended: dict[Outcome, int]


@dataclass(frozen=True, slots=True)
class CaseDetail:
    """A case with its thread (the newest entries, oldest first; `earlier` when there are more before) and its order's past.

    `masked` are the first and last characters of the code, `replaced_by` those of the code that came for it. `shown` and
    `deliveries` are every time the order's codes left the shop.
    """

    card: CaseCard
    masked: str
    replaced_by: str | None
    entries: list[EntryView]
    earlier: bool
    shown: list[orders.Shown]
    deliveries: list[outbox.Delivery]
    issued_at: datetime | None
    warranty_until: datetime | None
    past: Past
    frozen_minor: int
    frozen_currency: str
    pictures: int  # of the whole thread


@dataclass(frozen=True, slots=True)
class CodeLine:
    """A code of an order that a buyer may complain about: until when (None: it was never sent), and its undecided case."""

    code_id: int
    masked: str
    until: datetime | None
    late: bool
    case_id: int | None


@dataclass(frozen=True, slots=True)
class Complainable:
    """The codes of a delivered order, one page of them, and what may be wrong with each."""

    order: OrderCard
    codes: list[CodeLine]
    more: bool
    reasons: Sequence[Reason] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How many cases wait for the shop, how many of them for too long, and how many wait for their buyers."""

    waiting: int
    overdue: int
    with_buyers: int


@read
def terms(session: Session, *, storefront_id: int) -> Terms:
    """The storefront's deadlines; a reseller's has those of the shop behind it."""
    row = session.get(AftersaleTerms, storefronts.by_id(session, storefront_id).house)
    return Terms() if row is None else Terms(row.answer_hours, row.buyer_days, row.warranty_hours)


@read
def usual_warranty(session: Session, *, storefront_id: int, product_id: int) -> int:
    """The warranty, in hours from the first sending, that the product or the storefront gives, without what its kind promises."""
    product = catalog.product(session, product_id)
    if product is not None and product.warranty_hours is not None:
        return product.warranty_hours
    return terms(session, storefront_id=storefront_id).warranty_hours


@read
def warranty_of(session: Session, *, storefront_id: int, product_id: int, of_source: int | None = None) -> int:
    """For how many hours after its first sending a code of this product, bought now, may be complained about.

    That is what its source says, or else the product, or else the storefront; and what the kind promises, when that is longer.
    """
    usual = of_source or usual_warranty(session, storefront_id=storefront_id, product_id=product_id)
    product = catalog.product(session, product_id)
    return usual if product is None else max(usual, fulfilment.promised_hours(product.kind, product.terms))


def reasons_for(session: Session, found: OrderDetail) -> tuple[Reason, ...]:
    """What may be wrong with what was bought: the usual reasons, and the one its kind has promised against. A part of commands."""
    against = fulfilment.kind(found.card.product.kind).against
    promised = against is not None and _promised(session, found) > 0
    of_kinds = {kind.against for kind in fulfilment.all_kinds().values()}
    return tuple(reason for reason in Reason if reason not in of_kinds or (promised and reason == against))


def _promised(session: Session, found: OrderDetail) -> int:
    return fulfilment.promised_when_sold(session, found.card.product, placed_at=found.card.placed_at, issued_at=found.issued_at)


def warranty_ends_of(session: Session, found: OrderDetail, code_id: int) -> datetime | None:
    """Until when a complaint about a code of this order is in time; None when it was never sent. A part of commands."""
    return _ends(session, found, [code_id])[code_id]


def _ends(session: Session, found: OrderDetail, code_ids: Collection[int]) -> dict[int, datetime | None]:
    hours = found.card.product.warranty_hours
    if hours is None:
        hours = terms(session, storefront_id=_storefront_of(session, found)).warranty_hours
    sent = [delivery.done_at for delivery in found.deliveries]
    if orders.is_outside(session, found.card.order_id):
        # Nothing of it is sent to a chat: it was delivered when a program first fetched it.
        sent = [one.at for one in orders.shown(session, found.card.order_id)]
    promised = _promised(session, found)
    first = warranty_ends(sent, max(hours, promised))
    # A code that came as a replacement has a warranty of its own, from the decision on.
    came: dict[int | None, datetime | None] = dict(
        session.execute(select(Case.replacement_code_id, Case.decided_at).where(Case.replacement_code_id.in_(code_ids))).all()
    )
    # A source may promise another warranty for what is its own.
    offer_of = {code.id: code.offer_id for code in inventory.of_order(session, found.card.order_id) if code.id in set(code_ids)}
    own = {offer.id: offer.warranty_hours for offer in supply.offers(session, set(offer_of.values()))}
    ends = {}
    for code_id in code_ids:
        theirs = own.get(offer_of.get(code_id, 0))
        if code_id in came:
            ends[code_id] = warranty_ends([came[code_id]], max(theirs or hours, promised))
        elif theirs is not None:
            ends[code_id] = warranty_ends(sent, max(theirs, promised))
        else:
            ends[code_id] = first
    return ends


def _storefront_of(session: Session, found: OrderDetail) -> int:
    return people.by_id(session, found.card.buyer_id).storefront_id


@read
def complainable(
    session: Session, *, order_id: int, buyer_id: int, code_id: int | None = None, page: int = 0, limit: int = 8
) -> Complainable | None:
    """The codes of the buyer's own delivered order, masked: a page of them, or one. None when there is no such order or it is sealed."""
    found = orders.detail(session, order_id=order_id, buyer_id=buyer_id)
    if found is None or found.card.state is not OrderState.ISSUED or page > 10_000 or orders.seal_of(session, order_id) is not None:
        return None
    codes = inventory.codes_of(session, order_id, code_id=code_id, skip=page * limit, limit=limit + 1)
    shown = [found_id for found_id, _ in codes[:limit]]
    masks, ends, at = inventory.masked(session, shown), _ends(session, found, shown), the_time(session)
    undecided: dict[int, int] = dict(
        session.execute(select(Case.code_id, Case.id).where(Case.code_id.in_(shown), Case.state != CaseState.DECIDED)).all()
    )
    lines = []
    for each in shown:
        until = ends[each]
        lines.append(CodeLine(each, masks[each], until, until is not None and until <= at, undecided.get(each)))
    return Complainable(found.card, lines, len(codes) > limit, reasons_for(session, found))


def _whose(storefront_id: int, buyer_id: int | None) -> ColumnElement[bool]:
    """A buyer's own, or all that the staff of a storefront answer: those behind resellers' storefronts among them."""
    return Case.storefront_id == storefront_id if buyer_id is None else Case.buyer_id == buyer_id


@read
def cases_of(
    session: Session,
    *,
    storefront_id: int,
    buyer_id: int | None = None,
    order_id: int | None = None,
    before: int | None = None,
    limit: int = 6,
) -> list[CaseCard]:
    """Cases, newest first: of a buyer, of an order, or of all; `before` is the id of the last one seen."""
    question = select(Case).where(_whose(storefront_id, buyer_id)).order_by(Case.id.desc()).limit(limit)
    if order_id is not None:
        question = question.where(Case.order_id == order_id)
    if before is not None:
        question = question.where(Case.id < before)
    return _cards(session, session.scalars(question).all())


@read
def find(session: Session, text: str, *, storefront_id: int, buyer_id: int | None = None) -> list[CaseCard]:
    """The cases that these words are about, the likeliest first; with a buyer given, only theirs.

    A case's number; an order's or a payment's number; a whole code, or its end (of the newest cases); a part of the name of what was
    bought, in any language.
    """
    words = text.replace("\x00", " ").strip()
    if not words or len(words) > _LONGEST:
        return []
    mine = [_whose(storefront_id, buyer_id)]
    number = words.lstrip("#")
    found: dict[int, Case] = {}

    def take(which: ColumnElement[bool]) -> None:
        for row in session.scalars(select(Case).where(*mine, which).order_by(Case.id.desc()).limit(_MOST_FOUND)):
            found.setdefault(row.id, row)

    if number.isascii() and number.isdigit() and len(number) <= 18:
        take(Case.id == int(number))
    order = orders.find(session, words, buyer_id=buyer_id)
    if order is not None:
        take(Case.order_id == order.card.order_id)
    newest = session.execute(
        select(Case.id, Case.code_id, Case.replacement_code_id, Case.sku_id).where(*mine).order_by(Case.id.desc()).limit(_MOST_LOOKED)
    ).all()
    codes = inventory.ending(session, {code for row in newest for code in row[1:3] if code is not None}, words)
    whole = inventory.find_code(session, inventory.Secret(words))
    if whole is not None:
        codes.add(whole.code_id)
    if codes:
        take(or_(among(session, Case.code_id, codes), Case.replacement_code_id.in_(codes)))
    named = [sku_id for sku_id in {row.sku_id for row in newest} if len(words) > 1 and _is_called(session, sku_id, words)]
    if named:
        take(among(session, Case.sku_id, named))
    return _cards(session, list(found.values())[:_MOST_FOUND])


def _is_called(session: Session, sku_id: int, words: str) -> bool:
    """Whether these words stand in the name of the denomination or its product, in any language."""
    sku = catalog.sku(session, sku_id)
    product = None if sku is None else catalog.product(session, sku.product_id)
    if sku is None or product is None:
        return False
    languages = {"", *product.texts, *sku.names}
    called = (f"{product.name_in(language)} {sku.name_in(language)}" for language in languages)
    return any(words.casefold() in name.casefold() for name in called)


@read
def pictures(session: Session, *, case_id: int, buyer_id: int | None = None, storefront_id: int | None = None) -> list[EntryView]:
    """Every picture of a case, oldest first; with a buyer or storefront, only of theirs."""
    row = session.get(Case, case_id)
    if row is None or (buyer_id is not None and row.buyer_id != buyer_id) or storefront_id not in (None, row.storefront_id):
        return []
    rows = session.scalars(select(CaseEntry).where(CaseEntry.case_id == case_id, CaseEntry.picture.is_not(None)).order_by(CaseEntry.id))
    return [_entry(session, each) for each in rows]


@read
def queue(session: Session, *, storefront_id: int, page: int = 0, limit: int = 10) -> list[CaseCard]:
    """Undecided cases: those the shop should answer, the longest overdue first, then those that wait for their buyers."""
    rows = session.scalars(
        select(Case)
        .where(Case.storefront_id == storefront_id, Case.state != CaseState.DECIDED)
        .order_by(when((Case.state.in_(_SHOPS_TURN), 0), else_=1), Case.due_at, Case.id)
        .offset(min(page, 10_000) * limit)
        .limit(limit)
    ).all()
    return _cards(session, rows)


@read
def standing(session: Session, *, storefront_id: int) -> Standing:
    """How much there is to do."""
    at = the_time(session)
    waiting, overdue, total = session.execute(
        select(
            func.coalesce(func.sum(when((Case.state.in_(_SHOPS_TURN), 1), else_=0)), 0),
            func.coalesce(func.sum(when((Case.state.in_(_SHOPS_TURN) & (Case.due_at <= at), 1), else_=0)), 0),
            func.count(),
        ).where(Case.storefront_id == storefront_id, Case.state != CaseState.DECIDED)
    ).one()
    return Standing(int(waiting), int(overdue), total - int(waiting))


@read
def case(
    session: Session,
    *,
    case_id: int,
    buyer_id: int | None = None,
    storefront_id: int | None = None,
    before: int | None = None,
    last: int = 6,
) -> CaseDetail | None:
    """One case with the `last` entries older than the entry `before` (None: the newest); with a buyer or storefront, only theirs."""
    row = session.get(Case, case_id)
    if row is None or (buyer_id is not None and row.buyer_id != buyer_id) or storefront_id not in (None, row.storefront_id):
        return None
    found = orders.detail(session, order_id=row.order_id)
    assert found is not None, "a case names an order that exists"
    said = select(CaseEntry).where(CaseEntry.case_id == case_id).order_by(CaseEntry.id.desc()).limit(last + 1)
    if before is not None:
        said = said.where(CaseEntry.id < before)
    newest_first = session.scalars(said).all()
    codes = [row.code_id] + ([row.replacement_code_id] if row.replacement_code_id is not None else [])
    masks = inventory.masked(session, codes)
    counted = session.execute(
        select(Case.outcome, func.count()).where(Case.buyer_id == row.buyer_id, Case.id != case_id).group_by(Case.outcome)
    ).all()
    return CaseDetail(
        _cards(session, [row])[0],
        masks[row.code_id],
        None if row.replacement_code_id is None else masks[row.replacement_code_id],
        [_entry(session, e) for e in reversed(newest_first[:last])],
        len(newest_first) > last,
        orders.shown(session, row.order_id),
        found.deliveries,
        found.issued_at,
        warranty_ends_of(session, found, row.code_id),
        Past(
            sum(n for outcome, n in counted if outcome is None),
            {outcome: n for outcome, n in counted if outcome is not None},
        ),
        row.frozen_minor if row.outcome is None else 0,
        row.frozen_currency,
        session.scalar(select(func.count()).select_from(CaseEntry).where(CaseEntry.case_id == case_id, CaseEntry.picture.is_not(None)))
        or 0,
    )


@read
def entry(session: Session, entry_id: int, *, buyer_id: int | None = None, storefront_id: int | None = None) -> EntryView | None:
    """One entry; with a buyer or storefront given, only of their cases."""
    found = session.get(CaseEntry, entry_id)
    if found is None:
        return None
    row = session.get_one(Case, found.case_id)
    if (buyer_id is not None and row.buyer_id != buyer_id) or storefront_id not in (None, row.storefront_id):
        return None
    return _entry(session, found)


@read
def frozen(session: Session, party_id: int) -> dict[str, int]:
    """What must not be paid out to this supplier until its cases are decided: minor units by currency."""
    rows = session.execute(
        select(Case.frozen_currency, func.sum(Case.frozen_minor))
        .where(Case.frozen_party_id == party_id, Case.state != CaseState.DECIDED, Case.frozen_minor > 0)
        .group_by(Case.frozen_currency)
    ).all()
    return {currency: int(minor) for currency, minor in rows}


def _entry(session: Session, row: CaseEntry) -> EntryView:
    of = session.get_one(Case, row.case_id)
    front_id = of.storefront_id if row.side is Side.SHOP else people.by_id(session, of.buyer_id).storefront_id
    return EntryView(row.id, row.case_id, row.side, row.by, row.says, row.text, row.picture, row.picture_kind, row.at, front_id)


def _cards(session: Session, rows: Sequence[Case]) -> list[CaseCard]:
    at, cards = the_time(session), []
    skus = {sku_id: catalog.sku(session, sku_id) for sku_id in {row.sku_id for row in rows}}
    products = {sku.product_id: catalog.product(session, sku.product_id) for sku in skus.values() if sku}
    for row in rows:
        sku = skus[row.sku_id]
        assert sku is not None, "what was sold is never deleted"
        product = products[sku.product_id]
        assert product is not None
        cards.append(
            CaseCard(
                row.id,
                row.storefront_id,
                row.buyer_id,
                row.order_id,
                orders.number_of(row.order_id),
                row.code_id,
                product,
                sku,
                row.reason,
                row.state,
                row.outcome,
                row.opened_at,
                row.due_at,
                row.state in _SHOPS_TURN and row.due_at <= at,
                row.decided_at,
                row.decided_by,
                row.why,
                row.why_text,
            )
        )
    return cards


@read
def cases_by_offer(session: Session, *, since: datetime) -> dict[int, int]:
    """Of how many orders since then each offer's codes were complained about; complaints that were refused or withdrawn do not count."""
    rows = session.execute(
        select(Case.offer_id, func.count(Case.order_id.distinct()))
        .where(
            written_between(session, Case.id, Case.opened_at, since, the_time(session)),
            or_(Case.outcome.is_(None), Case.outcome.in_((Outcome.REPLACED, Outcome.REFUNDED))),
        )
        .group_by(Case.offer_id)
    )
    return {offer_id: int(n) for offer_id, n in rows}


@read
def bad_codes(session: Session, since_orders: Mapping[int, int]) -> dict[int, int]:
    """How many codes of each offer turned out bad, by denomination of orders from this id on: they were replaced or refunded."""
    if not since_orders:
        return {}
    rows = session.execute(
        select(Case.offer_id, func.count())
        .where(
            or_(*(and_(Case.sku_id == sku_id, Case.order_id >= since) for sku_id, since in sorted(since_orders.items()))),
            Case.outcome.in_((Outcome.REPLACED, Outcome.REFUNDED)),
        )
        .group_by(Case.offer_id)
    ).all()
    return {offer_id: int(count) for offer_id, count in rows}


@dataclass(frozen=True, slots=True)
class CodeCase:
    """A complaint about one code, without who made it."""

    case_id: int
    code_id: int
    reason: Reason
    opened_at: datetime
    outcome: Outcome | None


@read
def cases_of_codes(session: Session, *, sku_id: int, code_ids: Collection[int]) -> list[CodeCase]:
    """The complaints about these codes, which are of one denomination, the oldest first."""
    rows = session.execute(
        select(Case.id, Case.code_id, Case.reason, Case.opened_at, Case.outcome)
        .where(Case.sku_id == sku_id, among(session, Case.code_id, code_ids))
        .order_by(Case.id)
    )
    return [CodeCase(*row) for row in rows]
