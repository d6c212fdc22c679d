"""How long a kind's own promise lasts for what was sold: as it stood when it was bought, whatever the shopkeeper has changed since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from core import catalog
from core.catalog import ProductView, TermsUntil
from core.database import read
from core.fulfilment.kind import Terms, kind

# A sale that was under way while the terms changed was agreed to on the earlier ones.
_UNDER_WAY = timedelta(minutes=1)
_HOUR = timedelta(hours=1)


def promised_hours(kind_name: str, terms: Terms) -> int:
    """For how many hours a product of this kind and these terms is promised to stay good; 0 where its kind promises nothing."""
    promise = kind(kind_name).warranty(terms)
    return 0 if promise is None else -(-promise // _HOUR)


def first_looked_at(placed_at: datetime) -> datetime:
    """Terms that ended before this moment were no longer those of an order placed then."""
    return placed_at - _UNDER_WAY


def promised_for(product: ProductView, earlier: Sequence[TermsUntil], *, placed_at: datetime, issued_at: datetime | None) -> int:
    """The longest promise, in hours, that stood at any time from the placing of an order to its issue.

    `earlier` are the product's former terms, the oldest first, with all that ended after `first_looked_at(placed_at)`.
    """
    since, until, stood_from, hours = first_looked_at(placed_at), issued_at or placed_at, None, 0
    for one in (*earlier, None):
        if stood_from is not None and stood_from > until:
            break
        if one is None:
            hours = max(hours, promised_hours(product.kind, product.terms))
        elif one.until > since:
            hours = max(hours, promised_hours(one.kind, one.terms))
        stood_from = None if one is None else one.until
    return hours


@read
def promised_when_sold(session: Session, product: ProductView, *, placed_at: datetime, issued_at: datetime | None) -> int:
    """`promised_for`, of an order for this product; a part of other questions."""
    earlier = catalog.earlier_terms(session, product.id, since=first_looked_at(placed_at))
    return promised_for(product, earlier, placed_at=placed_at, issued_at=issued_at)
