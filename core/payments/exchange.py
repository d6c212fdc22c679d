"""Exchange rates where people have to know of them: a jump that waits, a rate that has become too old, one that was never set."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from fractions import Fraction

from sqlalchemy.orm import Session

from core import rates
from core.database import now, write
from core.payments.staff import tell_staff


@write
def take_rates(
    session: Session,
    *,
    storefront_id: int,
    quote: str,
    source: str,
    market: Mapping[str, Fraction],
    as_of: datetime,
    rules: rates.Rules,
) -> rates.Taken:
    """Record what a source says, as `rates.take` does, and tell the staff of each jump, who take it by one press."""
    taken = rates.take(session, quote=quote, source=source, market=market, as_of=as_of, rules=rules)
    for jump in taken.jumped:
        tell_staff(session, storefront_id=storefront_id, body={"says": "rate-jump", "jump": jump.id}, once=f"rate-jump:{jump.id}")
    return taken


@write
def tell_of_missing_rates(session: Session, *, storefront_id: int, quote: str, ways: Mapping[str, Collection[str]]) -> list[str]:
    """Tell the staff, once each, which currencies have no rate that holds, and which `ways` of each are therefore not offered.

    Returns those currencies. What the staff ended themselves is not told to them.
    """
    missing = []
    for base, names in sorted(ways.items()):
        newest = rates.recorded(session, base=base, quote=quote)
        if newest is not None and newest.holds(now(session)):
            continue
        missing.append(base)
        if newest is not None and newest.source == rates.HANDED_BACK:
            continue
        body = {"says": "rate-missing", "base": base, "quote": quote, "ways": sorted(names)}
        if newest is not None:
            body |= {"says": "rate-too-old", "as_of": newest.as_of.isoformat(), "source": newest.source}
        once = f"rate-missing:{base}:{quote}" if newest is None else f"rate-too-old:{newest.id}"
        tell_staff(session, storefront_id=storefront_id, body=body, once=once)
    return missing
