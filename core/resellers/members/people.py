"""Who acts for a reseller: roles, groups, and the seat in which somebody gives a command."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import journal, people
from core.database import insert_new, now, read, write
from core.errors import N_, Refusal
from core.people import Customer
from core.resellers.members.tables import ResellerBindWord, ResellerGroup, ResellerMember

MOST_MEMBERS = 50
WORD_HOURS = 24


class Role(StrEnum):
    """What a member may do; each by itself."""

    OWNER = "owner"
    BUY = "buy"
    SEE = "see"


@dataclass(frozen=True, slots=True)
class May:
    """What somebody may do for a reseller."""

    owns: bool = False
    buys: bool = False
    sees: bool = False

    @property
    def anything(self) -> bool:
        return self.owns or self.buys or self.sees

    def role(self, role: Role) -> bool:
        """An owner may everything."""
        return self.owns or (role is Role.BUY and self.buys) or (role is Role.SEE and self.sees)


@dataclass(eq=False)
class NotAMember(Refusal):
    says: ClassVar[str] = N_("You have no role at this reseller. Its owner can give you one with /members.")


@dataclass(eq=False)
class NotAllowed(Refusal):
    says: ClassVar[str] = N_("Your role does not allow this. The owner can give you another one with /members.")


@dataclass(eq=False)
class BoundElsewhere(Refusal):
    says: ClassVar[str] = N_("This group belongs to another reseller. They have to type /unbind here first.")


@dataclass(eq=False)
class TooManyMembers(Refusal):
    says: ClassVar[str] = N_("There can be at most {most} people with a role. Take one away first.")

    most: int


@dataclass(frozen=True, slots=True)
class MemberView:
    """Somebody with a role, or who once had one."""

    telegram_id: int
    name: str
    may: May


@dataclass(frozen=True, slots=True)
class GroupView:
    """A bound group."""

    id: int
    chat_id: int
    title: str
    reseller_id: int
    bound_at: datetime


@dataclass(frozen=True, slots=True)
class Seat:
    """For whom somebody acts – the account that pays – and what they may do."""

    reseller: Customer
    may: May


def may_of(session: Session, reseller: Customer, telegram_id: int) -> May:
    """What this person may do for the reseller as things are now; nothing for one who is no reseller any more."""
    if not reseller.wholesale:
        return May()
    if telegram_id == reseller.telegram_id:
        return May(owns=True, buys=True, sees=True)
    row = session.get(ResellerMember, (reseller.id, telegram_id))
    return May() if row is None else May(row.owns, row.buys, row.sees)


@read
def seats_of(session: Session, *, storefront_id: int, telegram_id: int, chat_id: int | None = None) -> list[Seat]:
    """For whom this person can act: in a group (`chat_id`) for the one it is bound to, whatever they may there; else for
    themselves as a reseller, or for those of whom they are a member.
    """
    if chat_id is not None:
        group = _bound(session, storefront_id, chat_id)
        if group is None:
            return []
        reseller = people.by_id(session, group.reseller_id)
        return [Seat(reseller, may_of(session, reseller, telegram_id))]
    own = people.find(session, storefront_id=storefront_id, telegram_id=telegram_id)
    if own is not None and own.wholesale:
        return [Seat(own, may_of(session, own, telegram_id))]
    rows = session.scalars(select(ResellerMember).where(ResellerMember.telegram_id == telegram_id).order_by(ResellerMember.reseller_id))
    resellers = [people.by_id(session, row.reseller_id) for row in rows]
    seats = [Seat(reseller, may_of(session, reseller, telegram_id)) for reseller in resellers if reseller.storefront_id == storefront_id]
    return [seat for seat in seats if seat.may.anything]


@read
def members_of_reseller(session: Session, reseller_id: int) -> list[MemberView]:
    """Everybody with a role, in the order in which they got one."""
    rows = session.scalars(
        select(ResellerMember).where(ResellerMember.reseller_id == reseller_id).order_by(ResellerMember.since, ResellerMember.telegram_id)
    )
    views = [MemberView(row.telegram_id, row.name, May(row.owns, row.buys, row.sees)) for row in rows]
    return [view for view in views if view.may.anything]


@write
def set_roles(session: Session, *, reseller_id: int, telegram_id: int, may: May, by: int) -> MemberView:
    """Give somebody these roles and no others; without any they are no member any more. Raises NotAllowed, TooManyMembers.

    `by` and `telegram_id` are Telegram ids; the person must have written to the bot somewhere before, so that they have a name.
    """
    reseller = people.by_id(session, reseller_id)
    if not may_of(session, reseller, by).owns or telegram_id == reseller.telegram_id:
        raise NotAllowed
    known = people.find(session, storefront_id=reseller.storefront_id, telegram_id=telegram_id)
    name = known.name if known is not None else None
    row = session.get(ResellerMember, (reseller_id, telegram_id), with_for_update=True)
    if row is None:
        if name is None:
            raise NotAMember
        held = select(func.count()).select_from(ResellerMember).where(ResellerMember.reseller_id == reseller_id)
        if (session.scalar(held.where(ResellerMember.owns | ResellerMember.buys | ResellerMember.sees)) or 0) >= MOST_MEMBERS:
            raise TooManyMembers(most=MOST_MEMBERS)
        at = now(session)
        row = ResellerMember(
            reseller_id=reseller_id,
            telegram_id=telegram_id,
            name=name,
            owns=False,
            buys=False,
            sees=False,
            since=at,
            changed_at=at,
            changed_by=by,
        )
        session.add(row)
    before = May(row.owns, row.buys, row.sees)
    if before != may:
        row.owns, row.buys, row.sees = may.owns, may.buys, may.sees
        row.changed_at, row.changed_by = now(session), by
        journal.record(
            session,
            by=f"telegram:{by}",
            did="set-reseller-roles",
            about="customer",
            about_id=reseller_id,
            before={"telegram_id": telegram_id, **_recorded(before)},
            after={"telegram_id": telegram_id, **_recorded(may)},
        )
    session.flush()
    return MemberView(telegram_id, row.name, may)


def _recorded(may: May) -> dict[str, bool]:
    return {"owner": may.owns, "buy": may.buys, "see": may.sees}


# Groups


def _bound(session: Session, storefront_id: int, chat_id: int, *, lock: bool = False) -> ResellerGroup | None:
    question = select(ResellerGroup).where(
        ResellerGroup.storefront_id == storefront_id, ResellerGroup.chat_id == chat_id, ResellerGroup.unbound_at.is_(None)
    )
    return session.scalars(question.with_for_update() if lock else question).one_or_none()


def _view(row: ResellerGroup) -> GroupView:
    return GroupView(row.id, row.chat_id, row.title, row.reseller_id, row.bound_at)


@read
def group_of(session: Session, *, storefront_id: int, chat_id: int) -> GroupView | None:
    """The group of this chat, when it is bound."""
    row = _bound(session, storefront_id, chat_id)
    return None if row is None else _view(row)


@read
def groups_of(session: Session, reseller_id: int) -> list[GroupView]:
    """The groups that are bound to a reseller, the oldest first."""
    rows = session.scalars(
        select(ResellerGroup).where(ResellerGroup.reseller_id == reseller_id, ResellerGroup.unbound_at.is_(None)).order_by(ResellerGroup.id)
    )
    return [_view(row) for row in rows]


@write
def bind_group(session: Session, *, reseller_id: int, chat_id: int, title: str, by: int) -> GroupView:
    """From now on this chat is the reseller's; again is the same. Raises NotAllowed and BoundElsewhere."""
    reseller = people.by_id(session, reseller_id)
    if not may_of(session, reseller, by).owns:
        raise NotAllowed
    row = _bound(session, reseller.storefront_id, chat_id, lock=True)
    if row is None:
        session.execute(
            insert_new(session, ResellerGroup).values(
                storefront_id=reseller.storefront_id,
                chat_id=chat_id,
                reseller_id=reseller_id,
                title=title[:200] or str(chat_id),
                bound_at=now(session),
                bound_by=by,
            )
        )
        row = _bound(session, reseller.storefront_id, chat_id)
        assert row is not None, "it was bound, if not by us"
        if row.reseller_id == reseller_id:
            _note(session, row, by=f"telegram:{by}", did="bind-group")
    if row.reseller_id != reseller_id:
        raise BoundElsewhere
    return _view(row)


@write
def make_bind_word(session: Session, *, reseller_id: int, by: int) -> str:
    """The word of a link that binds the group to which the bot is added by it: once, within a day. Raises NotAllowed."""
    if not may_of(session, people.by_id(session, reseller_id), by).owns:
        raise NotAllowed
    word = secrets.token_urlsafe(18)
    session.add(ResellerBindWord(hash=hashed(word), reseller_id=reseller_id, made_by=by, until=now(session) + timedelta(hours=WORD_HOURS)))
    return word


@write
def use_bind_word(session: Session, *, storefront_id: int, word: str, chat_id: int, title: str, by: int) -> GroupView | None:
    """Bind this chat by the word; None when it is unknown, used or too old. Raises NotAllowed when `by` may not, BoundElsewhere."""
    row = session.get(ResellerBindWord, hashed(word), with_for_update=True)
    if row is None or row.used_at is not None or row.until <= now(session):
        return None
    reseller = people.by_id(session, row.reseller_id)
    if reseller.storefront_id != storefront_id:
        return None
    bound = bind_group(session, reseller_id=row.reseller_id, chat_id=chat_id, title=title, by=by)
    row.used_at = now(session)
    return bound


@write
def unbind_group(session: Session, *, storefront_id: int, chat_id: int, by: int) -> bool:
    """The chat is nobody's any more; False when it was nobody's. Raises NotAllowed."""
    row = _bound(session, storefront_id, chat_id, lock=True)
    if row is None:
        return False
    if not may_of(session, people.by_id(session, row.reseller_id), by).owns:
        raise NotAllowed
    _unbind(session, row, why="owner", by=f"telegram:{by}")
    return True


@write
def group_was_left(session: Session, *, storefront_id: int, chat_id: int) -> bool:
    """The bot was put out of the chat: it is nobody's any more. False when it was nobody's."""
    row = _bound(session, storefront_id, chat_id, lock=True)
    if row is None:
        return False
    _unbind(session, row, why="put out", by="telegram")
    return True


@write
def migrate_group(session: Session, *, storefront_id: int, chat_id: int, new_chat_id: int) -> bool:
    """Telegram has made a supergroup of the group, under another id; False when it was not bound, or is known by the new id."""
    row = _bound(session, storefront_id, chat_id, lock=True)
    if row is None or _bound(session, storefront_id, new_chat_id) is not None:
        return False
    before, row.chat_id = row.chat_id, new_chat_id
    session.flush()
    _note(session, row, by="telegram", did="migrate-group", before={"chat_id": before})
    return True


def _unbind(session: Session, row: ResellerGroup, *, why: str, by: str) -> None:
    row.unbound_at, row.unbound_why = now(session), why
    session.flush()
    _note(session, row, by=by, did="unbind-group")


def _note(session: Session, row: ResellerGroup, *, by: str, did: str, before: dict[str, int] | None = None) -> None:
    after = {"chat_id": row.chat_id, "title": row.title, "bound": row.unbound_at is None}
    journal.record(session, by=by, did=did, about="customer", about_id=row.reseller_id, before=before or {}, after=after)


def hashed(word: str) -> bytes:
    """What is kept of a word."""
    return hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()
