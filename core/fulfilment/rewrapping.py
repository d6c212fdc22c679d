"""What buyers said, what workers were told of it, and links into chats, under the shop's newest key; nothing sealed is touched."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.database import Wrapped, wrap_anew, write
from core.fulfilment.tables import Answers, Membership, Task


def _put_answers(row: Answers, key: bytes, by: str) -> None:
    row.wrapped_key, row.wrapping_key_id = key, by


@write
def rewrap_answers(session: Session, *, after: int, most: int = 500) -> tuple[int, int | None]:
    """Answers of buyers, as `inventory.rewrap`."""

    def key(row: Answers) -> Wrapped:
        return Wrapped(row.wrapped_key, row.wrapping_key_id, row.aad)

    return wrap_anew(session, Answers, key=key, put=_put_answers, after=after, most=most)


# A task's fields and a place's link lie in one piece: the key's name, the wrapped key as hex, and what is sealed, a line each.


def _apart(packed: bytes, about: str) -> Wrapped:
    by, key, _ = packed.split(b"\n", 2)
    return Wrapped(bytes.fromhex(key.decode()), by.decode(), about)


def _together(packed: bytes, key: bytes, by: str) -> bytes:
    return b"\n".join((by.encode(), key.hex().encode(), packed.split(b"\n", 2)[2]))


@write
def rewrap_tasks(session: Session, *, after: int, most: int = 500) -> tuple[int, int | None]:
    """What sources are told for buyers, as `inventory.rewrap`."""

    def key(row: Task) -> Wrapped | None:
        return None if row.fields is None else _apart(row.fields, f"task-{row.number}")

    def put(row: Task, wrapped: bytes, by: str) -> None:
        assert row.fields is not None, "what holds nothing has no key"
        row.fields = _together(row.fields, wrapped, by)

    return wrap_anew(session, Task, key=key, put=put, after=after, most=most, where=(Task.fields.is_not(None),))


@write
def rewrap_memberships(session: Session, *, after: int, most: int = 500) -> tuple[int, int | None]:
    """Links into chats that somebody may still need, as `inventory.rewrap`."""

    def key(row: Membership) -> Wrapped | None:
        return None if row.link is None else _apart(row.link, f"membership-{row.mark}")

    def put(row: Membership, wrapped: bytes, by: str) -> None:
        assert row.link is not None, "what holds nothing has no key"
        row.link = _together(row.link, wrapped, by)

    return wrap_anew(session, Membership, key=key, put=put, after=after, most=most, where=(Membership.link.is_not(None),))
