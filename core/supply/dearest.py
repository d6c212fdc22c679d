"""What denominations cost the shop at worst: the dearest of the sources that sell them."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.database import read
from core.supply.proposals import worth_in
from core.supply.tables import Offer as OfferRow


@read
def dearest(session: Session, sku_ids: Collection[int], *, currency: str) -> dict[int, int]:
    """The cost of one unit from the dearest source that sells, in minor units of a currency; what has no rate is passed over."""
    if not sku_ids:
        return {}
    rows = session.execute(
        select(OfferRow.sku_id, OfferRow.cost_currency, func.max(OfferRow.cost_minor))
        .where(OfferRow.sku_id.in_(sku_ids), OfferRow.stopped_at.is_(None), OfferRow.closed_at.is_(None))
        .group_by(OfferRow.sku_id, OfferRow.cost_currency)
    ).all()
    found: dict[int, int] = {}
    for sku_id, cost_currency, minor in rows:
        worth = worth_in(session, minor, cost_currency, currency)
        if worth is not None:
            found[sku_id] = max(worth, found.get(sku_id, 0))
    return found
