"""Recording rates: by hand, from the settings, and from a source, whose jumps a person has to believe."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import ClassVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import journal
from core.database import insert_new, now, write
from core.errors import N_, Refusal
from core.money import STARS
from core.rates.queries import HANDED_BACK, SETTINGS, STAFF, JumpSeen, Quoted, jump_seen, recorded, view
from core.rates.rules import apart, buffered, fitting
from core.rates.tables import Jump, Rate

log = logging.getLogger(__name__)

# A proposal that has moved by less than this is still the same question to the staff.
_SAME_QUESTION = Fraction(5)


@dataclass(eq=False)
class JumpIsOver(Refusal):
    """The rate that was to be taken is decided, too old, or another by now."""

    says: ClassVar[str] = N_(
        "This rate is no longer on offer: it was decided already, or another has come. Please look at the rates again."
    )


@dataclass(eq=False)
class NotByHand(Refusal):
    says: ClassVar[str] = N_("This rate is not set by hand, so there is nothing to give back.")


@dataclass(frozen=True, slots=True)
class Rules:
    """How rates of a source are taken: how long one holds, the buffer, and from how far a change is a jump (both in per cent)."""

    max_age: timedelta
    buffer_percent: Fraction
    jump_percent: Fraction = Fraction(20)


@dataclass(slots=True)
class Taken:
    """What became of a source's rates: recorded now, and those that the staff have to be asked about."""

    recorded: list[Quoted] = field(default_factory=list)
    jumped: list[JumpSeen] = field(default_factory=list)


def _record(
    session: Session,
    *,
    base: str,
    quote: str,
    rate: Fraction,
    source: str,
    market: Fraction | None = None,
    as_of: datetime | None = None,
    valid_until: datetime | None = None,
) -> Quoted:
    assert rate > 0 and base != quote, "a rate is positive and between two currencies"
    _close_jumps(session, base, quote)  # Whoever records a rate has decided.
    rate, market = fitting(rate), None if market is None else fitting(market)
    row = Rate(
        base=base,
        quote=quote,
        numerator=rate.numerator,
        denominator=rate.denominator,
        source=source,
        at=now(session),
        market_numerator=None if market is None else market.numerator,
        market_denominator=None if market is None else market.denominator,
        as_of=as_of,
        valid_until=valid_until,
    )
    session.add(row)
    session.flush()
    return view(row)


def _noted(quoted: Quoted | None) -> dict[str, str]:
    """A rate as the action log keeps it."""
    return {} if quoted is None else {"rate": str(quoted.rate), "base": quoted.base, "quote": quoted.quote}


@write
def set_rate(session: Session, *, base: str, quote: str, rate: Fraction, source: str, by: str | None = None) -> Quoted:
    """Record a rate without an age limit; it is used from now on, earlier ones stay for what used them."""
    before = recorded(session, base=base, quote=quote)
    made = _record(session, base=base, quote=quote, rate=rate, source=source)
    if by is not None:
        journal.record(session, by=by, did="set-rate", about="rate", about_id=made.id, before=_noted(before), after=_noted(made))
    return made


@write
def fix(session: Session, *, quote: str, fixed: Mapping[str, Fraction]) -> list[Quoted]:
    """Record the rates of the settings where they say something new; those that have left the settings end.

    `fixed` maps each base to a rate between minor units. A rate that was set by hand stays until the setting is another.
    """
    made = []
    for base, rate in sorted(fixed.items()):
        newest, written = recorded(session, base=base, quote=quote), recorded(session, base=base, quote=quote, source=SETTINGS)
        unchanged = written is not None and written.rate == fitting(rate)
        if newest is not None and unchanged and newest.source in (SETTINGS, STAFF):
            continue
        made.append(_record(session, base=base, quote=quote, rate=rate, source=SETTINGS))
    of_settings = session.scalars(select(Rate.base).where(Rate.quote == quote, Rate.source == SETTINGS).distinct()).all()
    for base in sorted(set(of_settings) - set(fixed)):
        newest = recorded(session, base=base, quote=quote)
        if newest is not None and newest.source == SETTINGS:
            _end(session, newest)
    return made


def _end(session: Session, quoted: Quoted) -> Quoted:
    """From now on there is no rate, until another is recorded."""
    return _record(session, base=quoted.base, quote=quoted.quote, rate=quoted.rate, source=HANDED_BACK, valid_until=now(session))


@write
def take(session: Session, *, quote: str, source: str, market: Mapping[str, Fraction], as_of: datetime, rules: Rules) -> Taken:
    """Record what a source says of each base (a rate between minor units), with the buffer taken off and until it is too old.

    Not taken: what was set by hand or in the settings, what is recorded already or older than that, and what is too old from
    the beginning; nor what cannot be a rate. A jump is kept for the staff to decide.
    """
    taken, at, valid_until = Taken(), now(session), as_of + rules.max_age
    for base, said in sorted(market.items()):
        newest = recorded(session, base=base, quote=quote)
        if valid_until <= at or (newest is not None and newest.source in (STAFF, SETTINGS)):
            continue
        try:
            rate, plain = fitting(buffered(said, rules.buffer_percent)), fitting(said)
        except ValueError as absurd:  # A figure that no currency is worth: the others of this fetch hold all the same.
            log.warning("rate not taken: %s in %s from %s: %s", base, quote, source, absurd)
            continue
        said_before = newest is not None and (newest.rate, newest.as_of, newest.valid_until) == (rate, as_of, valid_until)
        # A source that is asked at two places may say yesterday's after today's.
        older = newest is not None and as_of < newest.as_of
        if newest is not None and newest.source == source and (said_before or older):
            continue
        known = recorded(session, base=base, quote=quote, but=(STAFF, HANDED_BACK)) or recorded(session, base=base, quote=quote)
        if known is not None and apart(known.market, plain) > rules.jump_percent:
            jump = _ask_about(session, known, rate=rate, market=plain, source=source, as_of=as_of, valid_until=valid_until)
            if jump is not None:
                taken.jumped.append(jump)
            continue
        taken.recorded.append(
            _record(session, base=base, quote=quote, rate=rate, source=source, market=plain, as_of=as_of, valid_until=valid_until)
        )
    return taken


def _ask_about(
    session: Session, known: Quoted, *, rate: Fraction, market: Fraction, source: str, as_of: datetime, valid_until: datetime
) -> JumpSeen | None:
    """Put a jump before the staff; None when about the same is before them already."""
    open_ = session.scalars(select(Jump).where(Jump.base == known.base, Jump.quote == known.quote, Jump.ended_at.is_(None))).one_or_none()
    if open_ is not None:
        seen = jump_seen(open_)
        if apart(seen.market, market) <= _SAME_QUESTION and seen.valid_until > now(session):
            return None
        _close_jumps(session, known.base, known.quote)
    made = session.scalars(
        insert_new(session, Jump)
        .values(
            base=known.base,
            quote=known.quote,
            numerator=rate.numerator,
            denominator=rate.denominator,
            market_numerator=market.numerator,
            market_denominator=market.denominator,
            source=source,
            as_of=as_of,
            valid_until=valid_until,
            before_id=known.id,
            at=now(session),
        )
        .returning(Jump.id)
    ).one_or_none()
    return None if made is None else jump_seen(session.get_one(Jump, made))


def _close_jumps(session: Session, base: str, quote: str) -> None:
    session.execute(update(Jump).where(Jump.base == base, Jump.quote == quote, Jump.ended_at.is_(None)).values(ended_at=now(session)))


@write
def take_jump(session: Session, *, jump_id: int, quote: str, by: str) -> Quoted:
    """The staff believe a jump: it is recorded as the source said it. Of two who press, one takes it; raises JumpIsOver."""
    row = session.get(Jump, jump_id, with_for_update=True)
    if row is None or row.quote != quote or row.ended_at is not None or row.valid_until <= now(session):
        raise JumpIsOver
    before, seen = recorded(session, base=row.base, quote=row.quote), jump_seen(row)
    if before is not None and (before.source in (STAFF, SETTINGS) or before.at > row.at):
        raise JumpIsOver  # Recorded by another process in the moment in which the source was asked.
    made = _record(
        session,
        base=row.base,
        quote=row.quote,
        rate=seen.rate,
        source=row.source,
        market=seen.market,
        as_of=row.as_of,
        valid_until=row.valid_until,
    )
    row.ended_at, row.rate_id = now(session), made.id
    after = {**_noted(made), "source": made.source}
    journal.record(session, by=by, did="take-rate", about="rate", about_id=made.id, before=_noted(before), after=after)
    return made


@write
def hand_back(session: Session, *, base: str, quote: str, by: str) -> Quoted:
    """What was set by hand ends. What the settings or the source last said holds again, if it is not too old; else there is no rate
    until the source is asked again, which is soon. Raises NotByHand.
    """
    newest = recorded(session, base=base, quote=quote)
    if newest is None or newest.source != STAFF or base == STARS:
        raise NotByHand
    known = recorded(session, base=base, quote=quote, but=(STAFF,))
    if known is not None and known.holds(now(session)):
        made = _record(
            session,
            base=base,
            quote=quote,
            rate=known.rate,
            source=known.source,
            market=known.market,
            as_of=known.as_of,
            valid_until=known.valid_until,
        )
    else:
        made = _end(session, newest)
    after = {**_noted(made), "source": made.source} if made.source != HANDED_BACK else {"rate": ""}
    journal.record(session, by=by, did="hand-back-rate", about="rate", about_id=made.id, before=_noted(newest), after=after)
    return made
