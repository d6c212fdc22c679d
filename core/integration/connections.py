"""Connections to upstreams: made, opened when they answer, paused and removed; their secrets are sealed and leave by one door."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import journal, supply
from core.database import keys, now, read, write
from core.integration.errands import errand
from core.integration.refusals import NoSuchUpstream, NotOpen
from core.integration.rules import Markup
from core.integration.tables import Errand, Place, Upstream
from core.storefronts import Storefront
from core.supply import Stop


@dataclass(frozen=True, slots=True)
class UpstreamView:
    """An upstream as the screens and the workers see it; nothing of its secrets."""

    id: int
    storefront_id: int
    supplier_id: int
    name: str
    protocol: str
    place: Place
    settings_version: int
    word: str = field(repr=False)
    trouble: str | None
    balance_minor: int | None
    currency: str | None
    balance_at: datetime | None
    low_balance_minor: int | None
    low_told_at: datetime | None
    failures: int
    open_until: datetime | None
    synced_at: datetime | None
    markup: Markup
    made_at: datetime

    @property
    def lane(self) -> str:
        """Its tasks' lane."""
        return f"upstream:{self.id}"


def view(row: Upstream) -> UpstreamView:
    return UpstreamView(
        row.id,
        row.storefront_id,
        row.supplier_id,
        row.name,
        row.protocol,
        row.place,
        row.settings_version,
        row.word,
        row.trouble,
        row.balance_minor,
        row.currency,
        row.balance_at,
        row.low_balance_minor,
        row.low_told_at,
        row.failures,
        row.open_until,
        row.synced_at,
        Markup(row.markup_points, row.markup_fixed_minor, row.round_to_minor),
        row.made_at,
    )


def locked(session: Session, upstream_id: int) -> Upstream:
    """The row, locked; raises NoSuchUpstream."""
    row = session.get(Upstream, upstream_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NoSuchUpstream
    return row


def _about(word: str) -> str:
    return f"upstream-{word}"


@write
def draft_upstream(session: Session, *, storefront: Storefront, protocol: str, name: str, by: str) -> UpstreamView:
    """A new connection whose settings are still to be said; its secrets lie sealed here from the first one on, and nowhere else."""
    word = secrets.token_urlsafe(24)
    data_key, wrapped, key_id = keys(session).new_data_key(_about(word))
    at = now(session)
    row = Upstream(
        storefront_id=storefront.id,
        supplier_id=supply.new_upstream_supplier(session, name=name),
        name=name[:100],
        protocol=protocol,
        settings=data_key.seal("{}", _about(word)),
        data_key=wrapped,
        wrapping_key_id=key_id,
        settings_version=0,
        word=word,
        place=Place.DRAFT,
        made_at=at,
        balance_next_at=at,
        failures=0,
        opened=0,
        sync_next_at=at,
        looked_after=0,
        markup_points=1000,
        markup_fixed_minor=0,
        round_to_minor=1,
    )
    session.add(row)
    session.flush()
    journal.record(session, by=by, did="add-upstream", about="upstream", about_id=row.id, after={"name": row.name, "protocol": protocol})
    return view(row)


@write
def say_settings(session: Session, *, upstream_id: int, settings: Mapping[str, str], by: str) -> UpstreamView:
    """Some of its settings are these from now on, sealed under a new key. What they say is not in the log."""
    row = locked(session, upstream_id)
    known = {**settings_of(session, upstream_id), **settings}
    data_key, row.data_key, row.wrapping_key_id = keys(session).new_data_key(_about(row.word))
    row.settings = data_key.seal(json.dumps(known, ensure_ascii=False), _about(row.word))
    row.settings_version += 1
    session.flush()
    journal.record(
        session,
        by=by,
        did="change-upstream",
        about="upstream",
        about_id=row.id,
        before={"settings": []},
        after={"settings": sorted(settings)},
    )
    return view(row)


@write
def try_upstream(
    session: Session, *, upstream_id: int, by: str, screen: tuple[int, int] | None = None, language: str | None = None
) -> UpstreamView:
    """Its settings are complete: whether it answers and knows us is asked in the background, and said on the screen."""
    row = locked(session, upstream_id)
    if row.place is Place.REMOVED:
        raise NoSuchUpstream
    if row.place is Place.DRAFT:
        row.place = Place.TRYING
    row.trouble = None
    session.flush()
    errand(session, upstream_id=row.id, what=Errand.TRY, screen=screen, language=language)
    return view(row)


@write
def add_upstream(
    session: Session,
    *,
    storefront: Storefront,
    protocol: str,
    name: str,
    settings: Mapping[str, str],
    by: str,
    screen: tuple[int, int] | None = None,
    language: str | None = None,
) -> UpstreamView:
    """All of it at once, for who knows the settings: a connection that is tried in the background."""
    made = draft_upstream(session, storefront=storefront, protocol=protocol, name=name, by=by)
    say_settings(session, upstream_id=made.id, settings=settings, by=by)
    return try_upstream(session, upstream_id=made.id, by=by, screen=screen, language=language)


@write
def rename_upstream(session: Session, *, upstream_id: int, name: str, by: str) -> UpstreamView:
    """The staff call it so from now on."""
    row = locked(session, upstream_id)
    before, row.name = row.name, name[:100]
    session.flush()
    if before != row.name:
        journal.record(
            session, by=by, did="rename-upstream", about="upstream", about_id=row.id, before={"name": before}, after={"name": row.name}
        )
    return view(row)


@read
def settings_said(session: Session, upstream_id: int) -> frozenset[str]:
    """Which of its settings were said, by name; not what they are."""
    return frozenset(settings_of(session, upstream_id))


@read
def settings_of(session: Session, upstream_id: int) -> Mapping[str, str]:
    """What its connector is told, in clear: for the worker that opens it and nobody else. Raises NoSuchUpstream."""
    row = session.get(Upstream, upstream_id)
    if row is None:
        raise NoSuchUpstream
    data_key = keys(session).open_data_key(row.data_key, row.wrapping_key_id, _about(row.word))
    found: dict[str, str] = json.loads(data_key.open(row.settings, _about(row.word)))
    return found


@read
def upstream(session: Session, upstream_id: int, *, storefront_id: int | None = None) -> UpstreamView:
    """One of them; raises NoSuchUpstream, also for one of another storefront or that was removed when a storefront asks."""
    row = session.get(Upstream, upstream_id)
    if row is None or (storefront_id is not None and (row.storefront_id != storefront_id or row.place is Place.REMOVED)):
        raise NoSuchUpstream
    return view(row)


@read
def upstreams(session: Session, *, storefront_id: int | None = None) -> Sequence[UpstreamView]:
    """All that were not removed, of one storefront or of all; the removed ones too when none is named, for what was asked of them."""
    question = select(Upstream).order_by(Upstream.id)
    if storefront_id is not None:
        question = question.where(Upstream.storefront_id == storefront_id, Upstream.place != Place.REMOVED)
    return [view(row) for row in session.scalars(question)]


@read
def by_word(session: Session, word: str) -> UpstreamView | None:
    """Whose callbacks come in under this word; None when nobody's."""
    row = session.scalars(select(Upstream).where(Upstream.word == word)).one_or_none()
    return None if row is None else view(row)


@write
def answered(session: Session, *, upstream_id: int, name: str) -> UpstreamView:
    """It answers and knows us: it is open from now on, unless the staff paused or removed it."""
    row = locked(session, upstream_id)
    row.trouble = None
    if row.place is Place.TRYING:
        row.place = Place.OPEN
        row.sync_next_at = row.balance_next_at = now(session)
    if not row.name and name:
        row.name = name[:100]
    session.flush()
    return view(row)


@write
def refused(session: Session, *, upstream_id: int, why: str) -> UpstreamView:
    """It says no to us, or its settings are wrong: said on its screen."""
    row = locked(session, upstream_id)
    row.trouble = why[:300]
    session.flush()
    return view(row)


def _stop_ref(upstream_id: int) -> str:
    return f"upstream:{upstream_id}"


def selling(session: Session, row: Upstream) -> list[int]:
    """The offers by which it sells."""
    return [offer.id for offer in supply.upstream_offers(session, row.supplier_id) if not offer.withdrawn]


def _moved(session: Session, row: Upstream, to: Place, did: str, by: str) -> UpstreamView:
    before = row.place
    row.place = to
    session.flush()
    journal.record(session, by=by, did=did, about="upstream", about_id=row.id, before={"state": before.value}, after={"state": to.value})
    return view(row)


@write
def pause_upstream(session: Session, *, upstream_id: int, by: str) -> UpstreamView:
    """Its offers do not sell and nothing new is asked of it; what was asked is still asked about. Raises NotOpen."""
    row = locked(session, upstream_id)
    if row.place is Place.PAUSED:
        return view(row)
    if row.place is not Place.OPEN:
        raise NotOpen
    supply.stop(session, offer_ids=selling(session, row), why=Stop.PAUSED, by=by, ref=_stop_ref(row.id))
    return _moved(session, row, Place.PAUSED, "pause-upstream", by)


@write
def resume_upstream(session: Session, *, upstream_id: int, by: str) -> UpstreamView:
    """It sells again. Raises NotOpen."""
    row = locked(session, upstream_id)
    if row.place is Place.OPEN:
        return view(row)
    if row.place is not Place.PAUSED:
        raise NotOpen
    supply.lift(session, offer_ids=selling(session, row), why=Stop.PAUSED, by=by, ref=_stop_ref(row.id))
    row.sync_next_at = row.balance_next_at = now(session)
    return _moved(session, row, Place.OPEN, "resume-upstream", by)


@write
def remove_upstream(session: Session, *, upstream_id: int, by: str) -> UpstreamView:
    """Its offers are withdrawn for good; what was asked of it is still asked about until it is known."""
    row = locked(session, upstream_id)
    if row.place is Place.REMOVED:
        return view(row)
    for offer_id in selling(session, row):
        supply.withdraw_upstream_offer(session, offer_id=offer_id)
    return _moved(session, row, Place.REMOVED, "remove-upstream", by)


@write
def set_markup(session: Session, *, upstream_id: int, markup: Markup, by: str) -> UpstreamView:
    """How retail prices of what is imported from now on are made."""
    row = locked(session, upstream_id)
    before = {"points": row.markup_points, "fixed_minor": row.markup_fixed_minor, "step_minor": row.round_to_minor}
    row.markup_points, row.markup_fixed_minor, row.round_to_minor = markup.points, markup.fixed_minor, markup.step_minor
    session.flush()
    after = {"points": markup.points, "fixed_minor": markup.fixed_minor, "step_minor": markup.step_minor}
    journal.record(session, by=by, did="set-markup", about="upstream", about_id=row.id, before=before, after=after)
    return view(row)


@write
def set_low_balance(session: Session, *, upstream_id: int, low_balance_minor: int | None, by: str) -> UpstreamView:
    """Below so much the staff are told; None: never."""
    row = locked(session, upstream_id)
    before, row.low_balance_minor, row.low_told_at = row.low_balance_minor, low_balance_minor, None
    row.balance_next_at = now(session)
    session.flush()
    journal.record(
        session,
        by=by,
        did="set-low-balance",
        about="upstream",
        about_id=row.id,
        before={"low_minor": before, "currency": row.currency},
        after={"low_minor": low_balance_minor, "currency": row.currency},
    )
    return view(row)
