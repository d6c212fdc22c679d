"""Ranking a denomination's sources off the sale's path, and telling afterwards why one was chosen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import aftersale, inventory, journal, orders, rates, storefronts, supply
from core.database import now, read, write
from core.money import convert_up
from core.routing.rules import Inputs, Scored, Weights, magnitude, ranked, why
from core.routing.tables import Ranking, RoutingWeights
from core.supply import OfferFacts

_SHELF_COUNTED = 100  # codes; more is as good as many


@dataclass(frozen=True, slots=True)
class RankingView:
    """A ranking as it was decided: all that it was made of, the result, and why the first stands before the second."""

    sku_id: int
    version: int
    at: datetime
    weights: Weights
    inputs: dict[int, Inputs]
    result: list[Scored]
    reasons: list[str]


@read
def weights(session: Session) -> Weights:
    """The weights in force; the shop's first ones while nobody has set others."""
    row = session.scalars(select(RoutingWeights).order_by(RoutingWeights.id.desc()).limit(1)).one_or_none()
    return Weights() if row is None else Weights.of(row.weights)


@write
def set_weight(session: Session, *, name: str, value: int, by: str) -> Weights:
    """One thing counts so much from now on, from 0 to 100; every denomination is ranked anew by the next run of the job."""
    before = weights(session).data()
    assert name in before and 0 <= value <= 100, "the desk asks for what there is"
    after = {**before, name: value}
    if after != before:
        session.add(RoutingWeights(weights=after, at=now(session), by=by))
        session.flush()
        journal.record(session, by=by, did="set-weights", about="routing", about_id=0, before=before, after=after)
    return Weights.of(after)


def _inputs(session: Session, offers: Sequence[OfferFacts]) -> list[Inputs]:
    """What is known of these offers now."""
    ids, at = [one.id for one in offers], now(session)
    shelves = inventory.on_shelf(session, ids, most=_SHELF_COUNTED)
    fared = supply.outcomes(session, ids)
    sold: dict[int, int] = {}
    bad: dict[int, int] = {}
    for sku_id in sorted({one.sku_id for one in offers}):
        units, since = orders.units_lately(session, sku_id=sku_id)
        sold |= units
        if since is not None:
            bad |= aftersale.bad_codes(session, sku_id=sku_id, since_order=since)
    shop = storefronts.first(session)
    currency = None if shop is None else shop.currency
    found = []
    for one in offers:
        outcome = fared[one.id]
        delivered = outcome.provision_ok
        stock = shelves[one.id] + one.declared
        found.append(
            Inputs(
                offer_id=one.id,
                sells=one.sells,
                exclusive=one.exclusive_until is not None and one.exclusive_until > at,
                priority=one.priority,
                cost_minor=_cost(session, one, currency),
                delivered=delivered,
                failed=outcome.reserve_failed + outcome.provision_failed,
                sold=sold.get(one.id, 0),
                complaints=bad.get(one.id, 0),
                seconds=0 if shelves[one.id] else (outcome.seconds // delivered if delivered else 0),
                stock=magnitude(stock),
                everywhere=one.region is None,
            )
        )
    return found


def _cost(session: Session, one: OfferFacts, currency: str | None) -> int | None:
    if currency is None or one.cost_currency == currency:
        return one.cost_minor
    rate = rates.latest(session, base=one.cost_currency, quote=currency)
    return None if rate is None else convert_up(one.cost_minor, rate.rate)


@read
def stale(session: Session, *, after: int = 0, most: int = 200) -> tuple[list[int], int | None]:
    """Of the next denominations above the id `after`, those whose sources would be ranked otherwise now; and where to go on.

    None instead of that is the end.
    """
    sku_ids = supply.offered_skus(session, after=after, most=most)
    offers = supply.facts_of(session, sku_ids)
    by_sku: dict[int, list[OfferFacts]] = {sku_id: [] for sku_id in sku_ids}
    for one in offers:
        by_sku[one.sku_id].append(one)
    weighed = weights(session)
    found = []
    for sku_id, several in by_sku.items():
        in_force = [one.id for one in sorted((one for one in several if one.rank is not None), key=lambda one: one.rank or 0)]
        if len(several) < 2:
            wanted = [one.id for one in several]  # Nothing to compare.
        else:
            wanted = [scored.offer_id for scored in ranked(_inputs(session, several), weighed)]
        if wanted != in_force:
            found.append(sku_id)
    return found, (sku_ids[-1] if len(sku_ids) == most else None)


@write
def rank(session: Session, *, sku_id: int) -> int | None:
    """Rank a denomination's sources by what is known now; returns the new version, None when the order stays as it is."""
    supply.lock_offers(session, sku_id=sku_id)
    offers = supply.facts_of(session, [sku_id])
    inputs, weighed = _inputs(session, offers), weights(session)
    result = ranked(inputs, weighed)
    version = max(
        session.scalar(select(func.max(Ranking.version)).where(Ranking.sku_id == sku_id)) or 0,
        max((one.version or 0 for one in offers), default=0),
    )
    if not supply.rank(session, sku_id=sku_id, offer_ids=[scored.offer_id for scored in result], version=version + 1):
        return None
    session.add(
        Ranking(
            sku_id=sku_id,
            version=version + 1,
            at=now(session),
            weights=weighed.data(),
            inputs=[one.data() for one in inputs],
            result=[scored.data() for scored in result],
        )
    )
    session.flush()
    return version + 1


def _view(row: Ranking) -> RankingView:
    inputs = {one.offer_id: one for one in map(Inputs.of, row.inputs)}
    result = [Scored(int(one["offer_id"]), int(one["total"]), one["parts"]) for one in row.result]
    return RankingView(row.sku_id, row.version, row.at, Weights.of(row.weights), inputs, result, why(inputs, result))


@read
def ranking(session: Session, *, sku_id: int, version: int | None = None) -> RankingView | None:
    """A ranking of a denomination: of this version, or the newest; None when its order was never decided between several."""
    question = select(Ranking).where(Ranking.sku_id == sku_id).order_by(Ranking.version.desc()).limit(1)
    if version is not None:
        question = question.where(Ranking.version == version)
    row = session.scalars(question).one_or_none()
    return None if row is None else _view(row)


@read
def rankings(session: Session, *, sku_ids: Collection[int] | None = None, limit: int = 10) -> list[RankingView]:
    """The newest rankings, of these denominations or of all."""
    question = select(Ranking).order_by(Ranking.at.desc(), Ranking.sku_id, Ranking.version.desc()).limit(limit)
    if sku_ids is not None:
        question = question.where(Ranking.sku_id.in_(sku_ids))
    return [_view(row) for row in session.scalars(question)]
