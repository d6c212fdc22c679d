"""What must be true of what kinds of products promise: complaints are about promises, and money is held as long as they last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import catalog, fulfilment
from core.catalog import ProductView, TermsUntil
from core.database import instant
from core.fulfilment import Kind


def _names(kinds: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in kinds) or "''"


_AGAINST = sorted({(kind.against, name) for name, kind in fulfilment.all_kinds().items() if kind.against is not None})
_PROMISING = [name for name, kind in fulfilment.all_kinds().items() if type(kind).warranty is not Kind.warranty]

PROMISES = {
    "nobody complains of what only other kinds of products promise against": f"""
        SELECT 'case ' || c.id AS about, c.reason || ' of a ' || p.kind AS detail
        FROM cases c JOIN skus s ON s.id = c.sku_id JOIN products p ON p.id = s.product_id
        WHERE c.reason IN ({_names([reason for reason, _ in _AGAINST])})
          AND c.reason || ' ' || p.kind NOT IN ({_names([f"{reason} {name}" for reason, name in _AGAINST])})""",
}

HELD_AS_PROMISED = "a supplier's money is held as long as what was sold is promised to stay good"

_HELD = f"""
    SELECT c.id, c.release_at, c.sold_at, o.placed_at, o.issued_at, p.id AS product_id
    FROM claims c JOIN orders o ON o.id = c.order_id JOIN offers f ON f.id = c.offer_id
    JOIN skus s ON s.id = f.sku_id JOIN products p ON p.id = s.product_id
    WHERE c.state = 'held' AND o.issued_at IS NOT NULL AND p.kind IN ({_names(_PROMISING)}) ORDER BY c.id
"""


def shortly_held(session: Session) -> Iterator[tuple[str, str]]:
    """Claims that would be paid out before the promise is over that stood when they were sold; a kind alone can say how long that is."""
    known: dict[int, tuple[ProductView, list[TermsUntil]]] = {}
    for row in session.execute(text(_HELD)).all():
        if row.product_id not in known:
            product = catalog.product(session, row.product_id)
            assert product is not None, "it was joined"
            known[row.product_id] = product, catalog.earlier_terms(session, row.product_id, since=instant(0))
        product, earlier = known[row.product_id]
        placed_at, issued_at = instant(row.placed_at), instant(row.issued_at)
        hours = fulfilment.promised_for(product, earlier, placed_at=placed_at, issued_at=issued_at)
        if instant(row.release_at) < instant(row.sold_at) + timedelta(hours=hours):
            yield f"claim {row.id}", f"is held until {instant(row.release_at):%Y-%m-%d %H:%M}, and promised for {hours} hours"
