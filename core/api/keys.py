"""Keys of resellers' programs: made with a secret that is shown once, rotated with an overlap, limited, disabled."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import journal, outbox, people, storefronts
from core.api import rules
from core.api.refusals import NoReseller, NoSuchKey, NotAhead, NotAllowed, TooManyKeys
from core.api.tables import ApiDay, ApiKey, Form, Scope
from core.database import keys, micros, now, read, write
from core.people import Customer

_USED_EVERY = timedelta(minutes=1)  # how exactly the last use is known
_FARTHEST = timedelta(days=5 * 366)  # that a key's last day may be away
TELL_AHEAD = (timedelta(days=7), timedelta(days=1))  # of a key's end
TELL_EXPIRED = timedelta(days=1)  # for so long it is worth telling that it has ended


@dataclass(frozen=True, slots=True)
class Key:
    """A key as its owner sees it: nothing of its secret."""

    id: int
    name: str
    label: str
    form: Form
    customer_id: int
    storefront_id: int
    scopes: frozenset[Scope]
    addresses: tuple[str, ...]
    expires_at: datetime | None
    day_limit_minor: int | None
    sandbox: bool
    callback_url: str | None
    made_at: datetime
    disabled_at: datetime | None
    used_at: datetime | None
    used_from: str | None
    old_until: datetime | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made or rotated, with the secret that nobody is ever shown again."""

    key: Key
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenedKey:
    """A key with its secrets in clear, the newest first: for the doors that check signatures, and the worker that signs reports."""

    key: Key
    secrets: tuple[str, ...] = field(repr=False)


def bound_to(name: str) -> str:
    return f"api-key-{name}"


def key_of(row: ApiKey) -> Key:
    """The row as others see it."""
    return Key(
        row.id,
        row.name,
        row.label,
        row.form,
        row.customer_id,
        row.storefront_id,
        frozenset(Scope(each) for each in row.scopes),
        tuple(row.addresses),
        row.expires_at,
        row.day_limit_minor,
        row.sandbox,
        row.callback_url,
        row.made_at,
        row.disabled_at,
        row.used_at,
        row.used_from,
        row.old_until,
    )


def works(session: Session, row: ApiKey) -> bool:
    """Is it neither disabled nor expired?"""
    return row.disabled_at is None and (row.expires_at is None or row.expires_at > now(session))


def allowed(session: Session, key_id: int, scope: Scope) -> tuple[ApiKey, Customer]:
    """The key and its owner, when it may do this now; raises NoSuchKey, and NotAllowed for a scope it lacks or who is no reseller."""
    row = session.get(ApiKey, key_id)
    if row is None or not works(session, row):
        raise NoSuchKey
    owner = people.by_id(session, row.customer_id)
    if scope.value not in row.scopes or not owner.wholesale:
        raise NotAllowed
    return row, owner


def _locked(session: Session, key_id: int, customer_id: int) -> ApiKey:
    row = session.get(ApiKey, key_id, with_for_update=True, populate_existing=True)
    if row is None or row.customer_id != customer_id or row.disabled_at is not None:
        raise NoSuchKey
    return row


def _record(session: Session, row: ApiKey, by: str, did: str, before: dict[str, object] | None, after: dict[str, object] | None) -> None:
    journal.record(session, by=by, did=did, about="api-key", about_id=row.id, before=before, after=after)


@write
def make_key(
    session: Session,
    *,
    customer_id: int,
    by: str,
    label: str = "",
    form: Form = Form.OWN,
    scopes: Collection[Scope] = frozenset(Scope),
    addresses: Sequence[str] = (),
    expires_at: datetime | None = None,
    day_limit_minor: int | None = None,
    sandbox: bool = False,
    callback_url: str | None = None,
) -> NewKey:
    """A key for a reseller's program; its secret is in the answer, and nowhere else in clear.

    Raises NoReseller, TooManyKeys, AddressWrong or UrlWrong.
    """
    customer = people.by_id(session, customer_id)
    if not customer.wholesale:
        raise NoReseller
    open_ = select(func.count()).select_from(ApiKey).where(ApiKey.customer_id == customer_id, ApiKey.disabled_at.is_(None))
    if (session.scalar(open_) or 0) >= rules.MOST_KEYS:
        raise TooManyKeys(most=rules.MOST_KEYS)
    name, secret = f"{'st' if sandbox else 'sk'}_{secrets.token_hex(8)}", secrets.token_urlsafe(32)
    data_key, wrapped, key_id = keys(session).new_data_key(bound_to(name))
    row = ApiKey(
        name=name,
        form=form,
        customer_id=customer_id,
        storefront_id=customer.storefront_id,
        label=label.strip()[:60],
        scopes=sorted(scope.value for scope in scopes),
        addresses=rules.networks(addresses),
        secret=data_key.seal(secret, bound_to(name)),
        data_key=wrapped,
        wrapping_key_id=key_id,
        sandbox=sandbox,
        day_limit_minor=day_limit_minor,
        callback_url=None if callback_url is None else rules.url_checked(callback_url),
        made_at=now(session),
        expires_at=expires_at,
        sequence=0,
    )
    session.add(row)
    session.flush()
    _record(session, row, by, "make-api-key", None, {"name": name, "form": form.value, "scopes": row.scopes, "sandbox": sandbox})
    return NewKey(key_of(row), secret)


@write
def rotate(session: Session, *, key_id: int, customer_id: int, by: str, overlap: timedelta = rules.OVERLAP) -> NewKey:
    """A new secret under the same name; the one before stays good for the overlap, so that nothing stops meanwhile. Raises NoSuchKey."""
    row = _locked(session, key_id, customer_id)
    secret = secrets.token_urlsafe(32)
    data_key = keys(session).open_data_key(row.data_key, row.wrapping_key_id, bound_to(row.name))
    row.old_secret, row.old_until = row.secret, now(session) + overlap
    row.secret = data_key.seal(secret, bound_to(row.name))
    session.flush()
    _record(session, row, by, "rotate-api-key", None, {"old_until": row.old_until.isoformat(timespec="seconds")})
    return NewKey(key_of(row), secret)


@write
def disable(session: Session, *, key_id: int, customer_id: int, by: str) -> Key:
    """It is good for nothing from now on, and its old secret neither. Safe to repeat. Raises NoSuchKey."""
    row = session.get(ApiKey, key_id, with_for_update=True, populate_existing=True)
    if row is None or row.customer_id != customer_id:
        raise NoSuchKey
    if row.disabled_at is None:
        row.disabled_at, row.old_secret, row.old_until = now(session), None, None
        session.flush()
        _record(session, row, by, "disable-api-key", {"disabled": False}, {"disabled": True})
    return key_of(row)


@write
def allow_addresses(session: Session, *, key_id: int, customer_id: int, addresses: Sequence[str], by: str) -> Key:
    """It works from these addresses and networks alone; from anywhere when there are none. Raises NoSuchKey and AddressWrong."""
    row, wanted = _locked(session, key_id, customer_id), rules.networks(addresses)
    before, row.addresses = list(row.addresses), wanted
    session.flush()
    if before != wanted:
        _record(session, row, by, "set-api-addresses", {"addresses": before}, {"addresses": wanted})
    return key_of(row)


@write
def allow_scopes(session: Session, *, key_id: int, customer_id: int, scopes: Collection[Scope], by: str) -> Key:
    """It may do this and nothing else. Raises NoSuchKey."""
    row, wanted = _locked(session, key_id, customer_id), sorted(scope.value for scope in scopes)
    before, row.scopes = list(row.scopes), wanted
    session.flush()
    if before != wanted:
        _record(session, row, by, "set-api-scopes", {"scopes": before}, {"scopes": wanted})
    return key_of(row)


@write
def set_limit(session: Session, *, key_id: int, customer_id: int, day_limit_minor: int | None, by: str) -> Key:
    """It may spend so much on a day (UTC), counted from when the limit was first set; None: no limit. Raises NoSuchKey."""
    row = _locked(session, key_id, customer_id)
    assert day_limit_minor is None or day_limit_minor > 0, "a limit leaves something"
    before, row.day_limit_minor = row.day_limit_minor, day_limit_minor
    session.flush()
    if before != day_limit_minor:
        currency = _currency(session, row)
        _record(
            session,
            row,
            by,
            "set-api-limit",
            {"limit_minor": before, "currency": currency},
            {"limit_minor": day_limit_minor, "currency": currency},
        )
    return key_of(row)


@write
def set_expiry(session: Session, *, key_id: int, customer_id: int, expires_at: datetime | None, by: str) -> Key:
    """It works until then; None: for ever. Raises NoSuchKey, and NotAhead for a moment that is over or more than five years away."""
    if expires_at is not None and not now(session) < expires_at <= now(session) + _FARTHEST:
        raise NotAhead
    row = _locked(session, key_id, customer_id)
    before, row.expires_at = row.expires_at, expires_at
    session.flush()
    if before != expires_at:
        said = [None if at is None else at.isoformat(timespec="seconds") for at in (before, expires_at)]
        _record(session, row, by, "set-api-expiry", {"expires_at": said[0]}, {"expires_at": said[1]})
    return key_of(row)


@write
def set_label(session: Session, *, key_id: int, customer_id: int, label: str, by: str) -> Key:
    """Its owner calls it so from now on. Raises NoSuchKey."""
    row = _locked(session, key_id, customer_id)
    before, row.label = row.label, " ".join(label.split())[:60]
    session.flush()
    if before != row.label:
        _record(session, row, by, "set-api-label", {"label": before}, {"label": row.label})
    return key_of(row)


@write
def set_callback(session: Session, *, key_id: int, customer_id: int, callback_url: str | None, by: str) -> Key:
    """News of goods, and of orders that name no address, go there; None: nowhere. Raises NoSuchKey and UrlWrong."""
    row = _locked(session, key_id, customer_id)
    before, row.callback_url = row.callback_url, None if callback_url is None else rules.url_checked(callback_url)
    session.flush()
    if before != row.callback_url:
        # The address may hold a word that nobody else should know.
        _record(session, row, by, "set-api-callback", {"set": before is not None}, {"set": row.callback_url is not None})
    return key_of(row)


def _currency(session: Session, row: ApiKey) -> str:
    return storefronts.by_id(session, row.storefront_id).currency


@read
def keys_of(session: Session, customer_id: int) -> list[Key]:
    """A reseller's keys that are not disabled, in the order they were made."""
    rows = session.scalars(select(ApiKey).where(ApiKey.customer_id == customer_id, ApiKey.disabled_at.is_(None)).order_by(ApiKey.id))
    return [key_of(row) for row in rows]


@read
def one_key(session: Session, *, key_id: int, customer_id: int) -> Key:
    """One of them, also when it is disabled. Raises NoSuchKey."""
    row = session.get(ApiKey, key_id)
    if row is None or row.customer_id != customer_id:
        raise NoSuchKey
    return key_of(row)


@read
def spent_today(session: Session, key_id: int) -> int:
    """What a key with a limit has spent today (UTC), in minor units of its storefront's currency."""
    row = session.get(ApiDay, (key_id, rules.day_of(now(session))))
    return 0 if row is None else row.spent_minor


@read
def find_key(session: Session, name: str) -> OpenedKey | None:
    """A key by its name, with its secrets in clear; None when there is none, or it is disabled or expired. Only for the doors."""
    row = session.scalars(select(ApiKey).where(ApiKey.name == name)).one_or_none()
    return None if row is None or not works(session, row) else opened(session, row)


def opened(session: Session, row: ApiKey) -> OpenedKey:
    """The key with its secrets in clear."""
    data_key = keys(session).open_data_key(row.data_key, row.wrapping_key_id, bound_to(row.name))
    found = [data_key.open(row.secret, bound_to(row.name))]
    if row.old_secret is not None and row.old_until is not None and row.old_until > now(session):
        found.append(data_key.open(row.old_secret, bound_to(row.name)))
    return OpenedKey(key_of(row), tuple(found))


@write
def note_use(session: Session, *, key_id: int, address: str) -> None:
    """A good request came by it, from there; kept to the minute."""
    at = now(session)
    session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.used_at.is_(None) | (ApiKey.used_at < at - _USED_EVERY) | (ApiKey.used_from != address[:64]))
        .values(used_at=at, used_from=address[:64])
    )


@write
def tell_expiring(session: Session) -> int:
    """Owners hear a week and a day before a key of theirs ends by itself, and when it has, each once. Returns how many notices."""
    at = now(session)
    rows = session.scalars(
        select(ApiKey)
        .where(ApiKey.disabled_at.is_(None), ApiKey.expires_at > at - TELL_EXPIRED, ApiKey.expires_at <= at + TELL_AHEAD[0])
        .order_by(ApiKey.id)
    )
    told = 0
    for row in rows:
        assert row.expires_at is not None
        left = row.expires_at - at
        stage = sum(left <= ahead for ahead in (*TELL_AHEAD, timedelta(0)))
        body = {"says": "api-key-ends", "key": row.label or row.name, "until": micros(row.expires_at), "over": left <= timedelta(0)}
        # Another last day is told anew.
        once = f"api-key-ends:{row.id}:{micros(row.expires_at)}:{stage}"
        told += outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=row.customer_id, body=body, once=once)
    return told
