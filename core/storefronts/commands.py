"""Opening and finding storefronts."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import journal
from core.database import now, read, write
from core.ledger import AccountKind, PartyKind, new_party, open_account
from core.storefronts.tables import StorefrontRow

# Without vowels, so that no word comes out.
TAG_LETTERS = "bcdfghjklmnpqrstvwxz"
TAG_LENGTH = 6


@dataclass(frozen=True, slots=True)
class Storefront:
    """A shop as customers see it. `party_id` owns its house accounts.

    `house_id` is set for the storefront of a reseller: the shop's own one behind it, whose staff and accounts it has.
    """

    id: int
    party_id: int
    name: str
    currency: str
    language: str
    sales_account_id: int
    support: str | None
    tag: str = ""
    review_hours: int = 24
    reversible_days: int = 30
    house_id: int | None = None

    @property
    def house(self) -> int:
        """The shop's own storefront: this one, or the one behind it."""
        return self.house_id or self.id


def _view(row: StorefrontRow) -> Storefront:
    return Storefront(
        row.id,
        row.party_id,
        row.name,
        row.currency,
        row.language,
        row.sales_account_id,
        row.support,
        row.tag,
        row.review_hours,
        row.reversible_days,
        row.house_id,
    )


@write
def open_storefront(session: Session, *, name: str, currency: str, language: str) -> Storefront:
    """Open the first storefront, or return it as it is when it is open; its currency never changes, because its books are kept in it."""
    found = first(session)
    if found is not None:
        return found
    party = new_party(session, PartyKind.HOUSE)
    row = StorefrontRow(
        party_id=party,
        name=name,
        currency=currency,
        language=language,
        sales_account_id=open_account(session, party_id=party, kind=AccountKind.SALES, currency=currency),
        opened_at=now(session),
        tag="".join(secrets.choice(TAG_LETTERS) for _ in range(TAG_LENGTH)),
    )
    session.add(row)
    session.flush()
    return _view(row)


@write
def open_branded(session: Session, *, house_id: int, name: str, support: str | None) -> Storefront:
    """A storefront for a reseller's own name. What it sells is paid into the accounts of the shop's own one, in its currency."""
    house = session.get_one(StorefrontRow, house_id)
    assert house.house_id is None, "a reseller's storefront has no others behind it"
    row = StorefrontRow(
        party_id=house.party_id,
        name=name,
        currency=house.currency,
        language=house.language,
        sales_account_id=house.sales_account_id,
        support=support,
        opened_at=now(session),
        tag=house.tag,
        review_hours=house.review_hours,
        reversible_days=house.reversible_days,
        house_id=house.id,
    )
    session.add(row)
    session.flush()
    return _view(row)


@write
def speak(session: Session, *, storefront_id: int, language: str) -> Storefront:
    """The language of whoever speaks none that the shop knows."""
    row = session.get_one(StorefrontRow, storefront_id, with_for_update=True)
    row.language = language
    session.flush()
    return _view(row)


@write
def rename(
    session: Session, *, storefront_id: int, name: str | None = None, support: str | None = None, by: str | None = None
) -> Storefront:
    """Change the name or the support contact (an empty one takes it away)."""
    row = session.get_one(StorefrontRow, storefront_id, with_for_update=True)
    before = {"name": row.name, "support": row.support}
    if name is not None:
        row.name = name
    if support is not None:
        row.support = support or None
    session.flush()
    after = {"name": row.name, "support": row.support}
    if by is not None and before != after:
        journal.record(session, by=by, did="change-storefront", about="storefront", about_id=storefront_id, before=before, after=after)
    return _view(row)


@write
def set_review(
    session: Session, *, storefront_id: int, by: str, review_hours: int | None = None, reversible_days: int | None = None
) -> Storefront:
    """Change within how many hours the staff decide about held orders, and for how many days reversible money counts as such."""
    row = session.get_one(StorefrontRow, storefront_id, with_for_update=True)
    before = {"review_hours": row.review_hours, "reversible_days": row.reversible_days}
    after = {"review_hours": review_hours or row.review_hours, "reversible_days": reversible_days or row.reversible_days}
    row.review_hours, row.reversible_days = after["review_hours"], after["reversible_days"]
    session.flush()
    changed = [name for name in after if after[name] != before[name]]
    if changed:
        journal.record(
            session,
            by=by,
            did="change-storefront",
            about="storefront",
            about_id=storefront_id,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )
    return _view(row)


@read
def first(session: Session) -> Storefront | None:
    """The first storefront, or None before the shop was opened."""
    row = session.scalars(select(StorefrontRow).order_by(StorefrontRow.id).limit(1)).one_or_none()
    return None if row is None else _view(row)


@read
def by_id(session: Session, storefront_id: int) -> Storefront:
    """The storefront of this id."""
    return _view(session.get_one(StorefrontRow, storefront_id))


@read
def all_open(session: Session) -> list[Storefront]:
    """Every storefront of the shop's own, each with its staff; not those of resellers."""
    return [_view(row) for row in session.scalars(select(StorefrontRow).where(StorefrontRow.house_id.is_(None)).order_by(StorefrontRow.id))]


@read
def is_there(session: Session, storefront_id: int) -> bool:
    """Is there a storefront of this id, the shop's own or a reseller's?"""
    return session.get(StorefrontRow, storefront_id) is not None


@read
def with_branded(session: Session, storefront_id: int) -> list[int]:
    """This storefront and those of resellers that it stands behind."""
    rows = session.scalars(select(StorefrontRow.id).where(StorefrontRow.house_id == storefront_id).order_by(StorefrontRow.id))
    return [storefront_id, *rows]


@read
def branded(session: Session, storefront_ids: Collection[int]) -> set[int]:
    """Those of these storefronts that are resellers'."""
    rows = session.scalars(select(StorefrontRow.id).where(StorefrontRow.id.in_(storefront_ids), StorefrontRow.house_id.is_not(None)))
    return set(rows)


@read
def branded_names(session: Session) -> dict[int, tuple[str, str]]:
    """The name and the language of each reseller's storefront."""
    rows = session.execute(select(StorefrontRow.id, StorefrontRow.name, StorefrontRow.language).where(StorefrontRow.house_id.is_not(None)))
    return {row.id: (row.name, row.language) for row in rows}


@read
def tags(session: Session) -> set[str]:
    """What the numbers of this database's payments begin with at their providers."""
    return {tag for tag in session.scalars(select(StorefrontRow.tag)) if tag}
