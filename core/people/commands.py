"""Meeting people and remembering what they chose."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core import journal, outbox
from core.database import insert_new, now, write
from core.errors import N_, Refusal
from core.ledger import AccountKind, PartyKind, new_party, open_account
from core.people.countries import COUNTRIES
from core.people.queries import Customer, view
from core.people.tables import CustomerRow, OwnerLink, Role, Staff


@dataclass(eq=False)
class NoSuchCountry(Refusal):
    says: ClassVar[str] = N_("That is no country I know. Please type its two letters, for example: <code>PL</code> for Poland.")


@write
def meet(
    session: Session,
    *,
    storefront_id: int,
    telegram_id: int,
    name: str,
    username: str | None,
    telegram_language: str | None,
    currency: str,
) -> Customer:
    """The customer with this Telegram id, made with an empty wallet at the first sight; the name follows Telegram's."""
    name, username = name[:200] or str(telegram_id), username[:64] if username else None
    telegram_language = telegram_language[:16] if telegram_language else None
    known = select(CustomerRow).where(CustomerRow.storefront_id == storefront_id, CustomerRow.telegram_id == telegram_id)
    row = session.scalars(known).one_or_none()
    if row is None:
        party = new_party(session, PartyKind.CUSTOMER)
        wallet = open_account(session, party_id=party, kind=AccountKind.WALLET, currency=currency, floor_minor=0)
        # Two updates of a new person may arrive at once: the second finds the first's row and leaves its own party unused.
        session.execute(
            insert_new(session, CustomerRow).values(
                id=party,
                storefront_id=storefront_id,
                telegram_id=telegram_id,
                name=name,
                username=username,
                telegram_language=telegram_language,
                wallet_id=wallet,
                joined_at=now(session),
            )
        )
        row = session.scalars(known).one()
    elif (row.name, row.username, row.telegram_language) != (name, username, telegram_language):
        row.name, row.username, row.telegram_language = name, username, telegram_language
        session.flush()
    return view(row)


@write
def choose_language(session: Session, *, customer_id: int, language: str) -> None:
    """Remember the language a customer chose."""
    session.execute(update(CustomerRow).where(CustomerRow.id == customer_id).values(language=language))


@write
def choose_country(session: Session, *, customer_id: int, country: str | None) -> None:
    """Remember where a customer says to be (ISO 3166 letters), or (None) forget it. Raises NoSuchCountry."""
    if country is not None and country not in COUNTRIES:
        raise NoSuchCountry
    session.execute(update(CustomerRow).where(CustomerRow.id == customer_id).values(country=country))


@write
def want_broadcasts(session: Session, *, customer_id: int, wanted: bool) -> None:
    """Opt in or out of broadcasts."""
    session.execute(update(CustomerRow).where(CustomerRow.id == customer_id).values(no_broadcasts_at=None if wanted else now(session)))


@write
def want_price_news(session: Session, *, customer_id: int, wanted: bool) -> None:
    """A reseller wants to be told of changed prices, or not."""
    session.execute(update(CustomerRow).where(CustomerRow.id == customer_id).values(no_price_news_at=None if wanted else now(session)))


@write
def set_wholesale(session: Session, *, storefront_id: int, customer_id: int, wholesale: bool, by: str, quietly: bool = False) -> bool:
    """Make a customer a reseller, who buys at wholesale prices where there are any, or no longer; False when nothing changed.

    They are told, because what they see costs something else from now on; not when it is done `quietly`, by who tells them more.
    False, too, for another storefront's customer.
    """
    row = session.get(CustomerRow, customer_id, with_for_update=True, populate_existing=True)
    if row is None or row.storefront_id != storefront_id or row.wholesale == wholesale:
        return False
    row.wholesale = wholesale
    if not wholesale:
        row.level_id = None  # Nobody but a reseller buys from a price list.
    session.flush()
    before, after = {"wholesale": not wholesale}, {"wholesale": wholesale}
    journal.record(session, by=by, did="set-wholesale", about="customer", about_id=customer_id, before=before, after=after)
    if not quietly:
        outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=customer_id, body={"says": "wholesale", "on": wholesale})
    return True


@write
def set_level(session: Session, *, customer_id: int, level_id: int | None) -> None:
    """From now on a reseller buys from this level's price list, or (None) at wholesale prices. Whoever calls it has told them why."""
    row = session.get_one(CustomerRow, customer_id, with_for_update=True, populate_existing=True)
    assert row.wholesale or level_id is None, "a level is a reseller's"
    row.level_id = level_id
    session.flush()


@write
def block(session: Session, *, customer_id: int, noticed_at: datetime | None = None) -> bool:
    """The customer blocked the bot, as was noticed then (now, without it); False when they have come back since."""
    at = noticed_at or now(session)
    noted = session.execute(
        update(CustomerRow)
        .where(CustomerRow.id == customer_id, CustomerRow.came_back_at.is_(None) | (CustomerRow.came_back_at < at))
        .values(blocked_at=at)
        .returning(CustomerRow.id)
        .execution_options(synchronize_session=False)
    ).first()
    return noted is not None


@write
def come_back(session: Session, *, customer_id: int) -> None:
    """The customer may be written to again."""
    session.execute(update(CustomerRow).where(CustomerRow.id == customer_id).values(blocked_at=None, came_back_at=now(session)))


@write
def set_admins_from_settings(session: Session, *, storefront_id: int, telegram_ids: Iterable[int]) -> None:
    """Make exactly these the admins by settings; owners who claimed the shop by link stay."""
    wanted = set(telegram_ids)
    session.execute(
        delete(Staff).where(Staff.storefront_id == storefront_id, Staff.from_settings.is_(True), Staff.telegram_id.not_in(wanted))
    )
    for telegram_id in sorted(wanted):
        session.execute(
            insert_new(session, Staff).values(
                storefront_id=storefront_id, telegram_id=telegram_id, role=Role.ADMIN, from_settings=True, since=now(session)
            )
        )


@write
def make_owner_link(session: Session, *, storefront_id: int) -> str:
    """The word of a new one-time link; earlier unused ones stop working."""
    word = secrets.token_urlsafe(24)
    session.execute(delete(OwnerLink).where(OwnerLink.storefront_id == storefront_id, OwnerLink.used_by.is_(None)))
    session.add(OwnerLink(hash=_hash(word), storefront_id=storefront_id, made_at=now(session)))
    return word


@write
def claim_ownership(session: Session, *, storefront_id: int, word: str, telegram_id: int) -> bool:
    """Make the first opener of the link the owner; False when the word is unknown or used."""
    claimed = session.execute(
        update(OwnerLink)
        .where(OwnerLink.hash == _hash(word), OwnerLink.storefront_id == storefront_id, OwnerLink.used_by.is_(None))
        .values(used_by=telegram_id)
        .returning(OwnerLink.hash)
        .execution_options(synchronize_session=False)
    ).first()
    if claimed is None:
        return False
    session.execute(delete(Staff).where(Staff.storefront_id == storefront_id, Staff.telegram_id == telegram_id))
    session.add(Staff(storefront_id=storefront_id, telegram_id=telegram_id, role=Role.OWNER, from_settings=False, since=now(session)))
    return True


def _hash(word: str) -> bytes:
    return hashlib.sha256(word.encode()).digest()
