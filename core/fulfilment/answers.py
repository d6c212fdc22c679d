"""What buyers said before paying: kept encrypted, offered again, used by one order, and forgotten on a word."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import catalog, people, supply
from core.catalog import Gone, ProductView, SkuView
from core.database import keys, now, read, write
from core.errors import N_, Refusal
from core.fulfilment.fields import Field, masked
from core.fulfilment.kind import kind, sold_in
from core.fulfilment.tables import Answers, Task

GLOBAL = "GLOBAL"
_UNPAID = timedelta(days=3)  # longer no order waits for its payment


@dataclass(eq=False)
class NotForYourCountry(Refusal):
    """A country rule of the product stands against this buyer."""

    says: ClassVar[str] = N_(
        "This cannot be sold to buyers in {country}. If that is not where you are, please change your country in the settings."
    )

    country: str


@dataclass(eq=False)
class CountryUnknown(Refusal):
    says: ClassVar[str] = N_("Please tell us your country first: this is not sold everywhere.")


@dataclass(eq=False)
class NotAnswered(Refusal):
    """The sale has to know something of the buyer that they have not said, or no longer."""

    says: ClassVar[str] = N_("Please answer the questions about this order once more.")


@dataclass(eq=False)
class OnlyForSomebodyElse(Refusal):
    says: ClassVar[str] = N_("This was agreed with another buyer.")


@dataclass(frozen=True, slots=True)
class AnswersView:
    """What a buyer has said so far for a denomination; its repr shows nothing of it."""

    id: int
    customer_id: int
    sku_id: int
    product_id: int
    said: Mapping[str, str] = field(repr=False)
    checked: str | None = field(repr=False)
    region: str | None
    complete: bool
    order_id: int | None
    made_at: datetime

    def shown(self, fields: Sequence[Field]) -> list[str]:
        """The answers as their owner recognises them, masked where they were typed."""
        return [self.said[one.name] if one.choices else masked(self.said[one.name]) for one in fields if one.name in self.said]


@dataclass(frozen=True, slots=True)
class Needs:
    """What must still be known before a buyer can pay for a denomination."""

    product: ProductView
    sku: SkuView
    fields: Sequence[Field]
    country_wanted: bool  # a rule stands, and nobody has asked them yet
    region_to_confirm: str | None  # it is redeemed elsewhere than where they are, and they have not said that this is meant
    validates: bool  # the source can be asked about the account before it is paid for

    @property
    def questions(self) -> bool:
        return bool(self.fields) or self.country_wanted or self.region_to_confirm is not None


def _seal(session: Session, row: Answers, said: Mapping[str, str]) -> None:
    data_key = keys(session).open_data_key(row.wrapped_key, row.wrapping_key_id, row.aad)
    row.sealed = data_key.seal(json.dumps(dict(said), ensure_ascii=False), row.aad)


def _open(session: Session, row: Answers) -> dict[str, str]:
    if row.sealed is None:
        return {}
    data_key = keys(session).open_data_key(row.wrapped_key, row.wrapping_key_id, row.aad)
    said: dict[str, str] = json.loads(data_key.open(row.sealed, row.aad))
    return said


def _view(session: Session, row: Answers) -> AnswersView:
    complete = row.said_at is not None and row.sealed is not None and row.forgotten_at is None
    return AnswersView(
        id=row.id,
        customer_id=row.customer_id,
        sku_id=row.sku_id,
        product_id=row.product_id,
        said=_open(session, row),
        checked=row.checked,
        region=row.region,
        complete=complete,
        order_id=row.order_id,
        made_at=row.made_at,
    )


def _goods(session: Session, sku_id: int) -> tuple[ProductView, SkuView]:
    sku = catalog.sku(session, sku_id)
    product = None if sku is None else catalog.product(session, sku.product_id)
    if sku is None or product is None:
        raise Gone
    return product, sku


def region_differs(sku: SkuView, country: str | None) -> str | None:
    """Where the denomination is redeemed, when that is not where the buyer is; None when it fits or nobody knows."""
    region = (sku.redeem_region or "").upper()
    if not region or region in (GLOBAL, country) or country is None:
        return None
    return sku.redeem_region


@read
def needs(session: Session, *, customer_id: int, sku_id: int) -> Needs:
    """What is to be asked of this buyer. Raises Gone, NotForYourCountry, and OnlyForSomebodyElse."""
    product, sku = _goods(session, sku_id)
    customer = people.by_id(session, customer_id)
    _only_for(product, customer_id)
    one = kind(product.kind)
    fits = sold_in(product.terms, customer.country)
    if fits is False:
        raise NotForYourCountry(country=customer.country or "")
    region = region_differs(sku, customer.country)
    if region is not None and _confirmed(session, customer_id, sku_id, region):
        region = None
    return Needs(
        product,
        sku,
        one.fields(product.terms),
        # Where nobody has asked them yet, and all sources are for some country.
        country_wanted=fits is None or (customer.country is None and supply.sold_by_country(session, sku_id)),
        region_to_confirm=region,
        validates=bool(product.terms.get("validate")),
    )


def _only_for(product: ProductView, customer_id: int) -> None:
    if product.terms.get("for") not in (None, customer_id):
        raise OnlyForSomebodyElse


def _confirmed(session: Session, customer_id: int, sku_id: int, region: str) -> bool:
    found = session.scalar(
        select(Answers.id).where(Answers.customer_id == customer_id, Answers.sku_id == sku_id, Answers.region == region).limit(1)
    )
    return found is not None


@read
def answers(session: Session, *, answers_id: int, customer_id: int) -> AnswersView | None:
    """What this buyer said; None when these are not theirs."""
    row = session.get(Answers, answers_id)
    return None if row is None or row.customer_id != customer_id else _view(session, row)


@read
def answers_of(session: Session, answers_id: int | None, customer_id: int, sku_id: int) -> dict[str, str]:
    """What the sale needs of its buyer, checked against the product as it is now; empty when it only had to check.

    To be asked in the transaction that sells. Raises NotForYourCountry, CountryUnknown, OnlyForSomebodyElse, FieldWrong, and NotAnswered
    when answers are missing, not theirs, of another denomination, not confirmed, forgotten, or used by another order.
    """
    wanted = needs(session, customer_id=customer_id, sku_id=sku_id)
    if wanted.country_wanted:
        raise CountryUnknown
    if answers_id is None:
        if wanted.fields:
            raise NotAnswered
        return {}
    row = session.get(Answers, answers_id)
    if row is None or row.customer_id != customer_id or row.sku_id != sku_id or row.said_at is None:
        raise NotAnswered
    if row.sealed is None or row.order_id is not None or row.forgotten_at is not None:
        raise NotAnswered
    return kind(wanted.product.kind).clean(wanted.product.terms, _open(session, row))


@read
def said_for(session: Session, order_id: int) -> dict[str, str]:
    """What the buyer of an order said before it was paid: as it was checked then, whatever the product asks since."""
    row = session.scalars(select(Answers).where(Answers.order_id == order_id)).one_or_none()
    return {} if row is None else _open(session, row)


@write
def use_answers(session: Session, *, answers_id: int, order_id: int) -> None:
    """These answers are this order's; raises NotAnswered when they are another's. Safe to repeat for the same order."""
    used = session.execute(
        update(Answers)
        .where(Answers.id == answers_id, Answers.order_id.is_(None) | (Answers.order_id == order_id), Answers.said_at.is_not(None))
        .values(order_id=order_id)
        .returning(Answers.id)
        .execution_options(synchronize_session=False)
    ).first()
    if used is None:
        raise NotAnswered


@write
def begin_answers(session: Session, *, customer_id: int, sku_id: int, like: int | None = None, afresh: bool = False) -> AnswersView:
    """A draft for this denomination: the one that was begun and not finished, or a new one.

    `like`: with what the buyer said another time. `afresh`: with nothing in it. Raises Gone.
    """
    product, _ = _goods(session, sku_id)
    row = session.scalars(
        select(Answers)
        .where(Answers.customer_id == customer_id, Answers.sku_id == sku_id, Answers.said_at.is_(None), Answers.forgotten_at.is_(None))
        .order_by(Answers.id.desc())
        .limit(1)
        .with_for_update()
    ).one_or_none()
    if row is None:
        aad = f"answers-{secrets.token_hex(12)}"
        _, wrapped, key_id = keys(session).new_data_key(aad)
        row = Answers(
            customer_id=customer_id,
            sku_id=sku_id,
            product_id=product.id,
            aad=aad,
            wrapped_key=wrapped,
            wrapping_key_id=key_id,
            made_at=now(session),
        )
        _seal(session, row, {})
        session.add(row)
        session.flush()
    if afresh:
        _seal(session, row, {})
        row.checked = None
    other = session.get(Answers, like) if like is not None else None
    if other is not None and other.customer_id == customer_id and other.product_id == product.id and other.sealed is not None:
        known = {one.name for one in kind(product.kind).fields(product.terms)}
        _seal(session, row, {name: said for name, said in _open(session, other).items() if name in known})
        row.checked = other.checked
    session.flush()
    return _view(session, row)


def _draft(session: Session, answers_id: int, customer_id: int) -> tuple[Answers, ProductView]:
    row = session.get(Answers, answers_id, with_for_update=True)
    if row is None or row.customer_id != customer_id or row.said_at is not None or row.sealed is None:
        raise NotAnswered
    product = catalog.product(session, row.product_id)
    if product is None:
        raise Gone
    return row, product


@write
def answer(session: Session, *, answers_id: int, customer_id: int, name: str, typed: str) -> AnswersView:
    """One answer of a draft. Raises FieldWrong, then nothing of the draft was changed; NotAnswered when it is no draft any more."""
    row, product = _draft(session, answers_id, customer_id)
    asked = next((one for one in kind(product.kind).fields(product.terms) if one.name == name), None)
    if asked is None:
        raise NotAnswered
    said = {**_open(session, row), name: asked.clean(typed)}
    _seal(session, row, said)
    row.checked = None
    session.flush()
    return _view(session, row)


@write
def answer_at_once(session: Session, *, customer_id: int, sku_id: int, said: Mapping[str, str]) -> AnswersView:
    """All answers at once and confirmed, as a program of the buyer gives them; a draft of theirs in the chat stays as it is.

    Raises Gone, NotAnswered for a field that nobody asks, and FieldWrong.
    """
    product, _ = _goods(session, sku_id)
    one, aad = kind(product.kind), f"answers-{secrets.token_hex(12)}"
    if said.keys() - {asked.name for asked in one.fields(product.terms)}:
        raise NotAnswered
    _, wrapped, key_id = keys(session).new_data_key(aad)
    row = Answers(
        customer_id=customer_id,
        sku_id=sku_id,
        product_id=product.id,
        aad=aad,
        wrapped_key=wrapped,
        wrapping_key_id=key_id,
        made_at=now(session),
        said_at=now(session),
    )
    _seal(session, row, one.clean(product.terms, said))
    session.add(row)
    session.flush()
    return _view(session, row)


@write
def note_checked(session: Session, *, answers_id: int, customer_id: int, shown: str | None) -> None:
    """What the source said of the account, while the draft is one."""
    row = session.get(Answers, answers_id)
    if row is not None and row.customer_id == customer_id and row.said_at is None:
        row.checked = (shown or "")[:300] or None


@write
def confirm_answers(session: Session, *, answers_id: int, customer_id: int) -> AnswersView:
    """The buyer says that it is right: from now on it can be paid for. Raises FieldWrong for what is missing, and NotAnswered."""
    row = session.get(Answers, answers_id, with_for_update=True)
    if row is not None and row.customer_id == customer_id and row.said_at is not None and row.sealed is not None:
        return _view(session, row)  # Pressed twice.
    row, product = _draft(session, answers_id, customer_id)
    _seal(session, row, kind(product.kind).clean(product.terms, _open(session, row)))
    row.said_at = now(session)
    session.flush()
    return _view(session, row)


@write
def confirm_region(session: Session, *, customer_id: int, sku_id: int) -> None:
    """The buyer knows that the denomination is redeemed elsewhere than where they are."""
    _, sku = _goods(session, sku_id)
    if sku.redeem_region is None or _confirmed(session, customer_id, sku_id, sku.redeem_region):
        return
    draft = begin_answers(session, customer_id=customer_id, sku_id=sku_id)
    session.get_one(Answers, draft.id).region = sku.redeem_region


@read
def last_answers(session: Session, *, customer_id: int, product_id: int) -> AnswersView | None:
    """What this buyer said the last time for this product, to be offered again."""
    row = session.scalars(
        select(Answers)
        .where(
            Answers.customer_id == customer_id,
            Answers.product_id == product_id,
            Answers.said_at.is_not(None),
            Answers.sealed.is_not(None),
            Answers.forgotten_at.is_(None),
        )
        .order_by(Answers.said_at.desc(), Answers.id.desc())
        .limit(1)
    ).one_or_none()
    view = None if row is None else _view(session, row)
    return view if view is not None and view.said else None


@read
def kept_answers(session: Session, *, customer_id: int, limit: int = 10) -> list[AnswersView]:
    """What is kept of a buyer, newest first, one for each product."""
    rows = session.scalars(
        select(Answers)
        .where(
            Answers.customer_id == customer_id,
            Answers.sealed.is_not(None),
            Answers.said_at.is_not(None),
            Answers.forgotten_at.is_(None),
        )
        .order_by(Answers.id.desc())
        .limit(200)
    )
    found: dict[int, AnswersView] = {}
    for row in rows:
        if row.product_id not in found and len(found) < limit:
            view = _view(session, row)
            if view.said:
                found[row.product_id] = view
    return list(found.values())


@write
def forget_answers(session: Session, *, customer_id: int, product_id: int | None = None) -> int:
    """Forget what this buyer said (of one product, or of all); returns how many times it was.

    What is on its way keeps its own copy until it has come: the one who does it must know the account.
    """
    at = now(session)
    rows = session.execute(
        update(Answers)
        .where(
            Answers.customer_id == customer_id,
            Answers.forgotten_at.is_(None),
            *([] if product_id is None else [Answers.product_id == product_id]),
        )
        .values(checked=None, forgotten_at=at)
        .returning(Answers.id)
        .execution_options(synchronize_session=False)
    ).all()
    wipe_forgotten(session)
    return len(rows)


@write
def wipe_forgotten(session: Session) -> int:
    """Take away for good what is to be forgotten; what an unpaid order may still need, when its time to be paid is over.

    Returns how many it was.
    """
    needed = (
        Answers.order_id.is_not(None)
        & (Answers.made_at > now(session) - _UNPAID)
        & ~select(Task.id).where(Task.order_id == Answers.order_id).exists()
    )
    wiped = session.execute(
        update(Answers)
        .where(Answers.forgotten_at.is_not(None), Answers.sealed.is_not(None), ~needed)
        .values(sealed=None)
        .returning(Answers.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(wiped)
