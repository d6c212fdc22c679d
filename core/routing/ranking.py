"""Ranking a denomination's sources off the sale's path, and telling afterwards why one was chosen."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import aftersale, fulfilment, inventory, journal, orders, rates, storefronts, supply
from core.database import now, read, write
from core.money import convert_up
from core.routing.rules import Inputs, Scored, Weights, magnitude, ranked, why
from core.routing.tables import Ranking, RoutingWeights
from core.supply import SourceFacts

_SHELF_COUNTED = 100  # codes; more is as good as many
AT_ONCE = 50  # denominations that are looked at in turn, in one question
_LATE = timedelta(seconds=10)  # a fact may be committed so long after the instant that it bears


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


def _inputs(session: Session, offers: Sequence[SourceFacts]) -> list[Inputs]:
    """What is known of these offers now."""
    ids, at = [one.id for one in offers], now(session)
    shelves = inventory.on_shelf(session, ids, most=_SHELF_COUNTED)
    fared = supply.outcomes(session, ids)
    sold, oldest = orders.units_lately(session, sorted({one.sku_id for one in offers}))
    bad = aftersale.bad_codes(session, oldest)
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
                exclusive=one.committed_alone or (one.exclusive_until is not None and one.exclusive_until > at),
                priority=one.priority,
                cost_minor=_cost(session, one, currency),
                delivered=delivered,
                failed=outcome.reserve_failed + outcome.provision_failed,
                sold=sold.get(one.id, 0),
                complaints=bad.get(one.id, 0),
                seconds=0 if shelves[one.id] else (outcome.seconds // delivered if delivered else 0),
                stock=magnitude(stock),
                everywhere=one.region is None,
                committed=one.committed,
            )
        )
    return found


def _cost(session: Session, one: SourceFacts, currency: str | None) -> int | None:
    if currency is None or one.cost_currency == currency:
        return one.cost_minor
    rate = rates.latest(session, base=one.cost_currency, quote=currency)
    return None if rate is None else convert_up(one.cost_minor, rate.rate)


def _otherwise(session: Session, sku_ids: Collection[int]) -> list[int]:
    """Of these denominations, those whose sources would be ranked otherwise now."""
    of_all = sorted(sku_ids)
    return [found for n in range(0, len(of_all), AT_ONCE) for found in _of_few_otherwise(session, of_all[n : n + AT_ONCE])]


def _of_few_otherwise(session: Session, sku_ids: Sequence[int]) -> list[int]:
    by_sku: dict[int, list[SourceFacts]] = {sku_id: [] for sku_id in sku_ids}
    for one in supply.facts_of(session, sku_ids):
        by_sku[one.sku_id].append(one)
    known = {one.offer_id: one for one in _inputs(session, [one for several in by_sku.values() if len(several) > 1 for one in several])}
    weighed = weights(session)
    found = []
    for sku_id, several in by_sku.items():
        in_force = [one.id for one in sorted((one for one in several if one.rank is not None), key=lambda one: one.rank or 0)]
        if len(several) < 2:
            wanted = [one.id for one in several]  # Nothing to compare.
        else:
            wanted = [scored.offer_id for scored in ranked([known[one.id] for one in several], weighed)]
        if wanted != in_force:
            found.append(sku_id)
    return found


@read
def stale(session: Session, *, after: int = 0, most: int = AT_ONCE) -> tuple[list[int], int | None]:
    """Of the next denominations with several sources above the id `after`, those that would be ranked otherwise; and where to go on.

    None instead of that is the end.
    """
    sku_ids = supply.contested_skus(session, after=after, most=most)
    return _otherwise(session, sku_ids), (sku_ids[-1] if sku_ids and len(sku_ids) == most else None)


@dataclass(frozen=True, slots=True)
class Looked:
    """How far one who looks again and again has come: in a slow round over all, and with the news."""

    after: int = 0
    hurry: bool = False  # the round is to be finished now, since all may have changed
    at: datetime | None = None  # null: never looked
    weights_id: int = 0
    offer_id: int = 0
    # The newest orders at the last look and at the one before: what is committed late has a smaller id than what was seen.
    order_id: int = 0
    order_before_id: int = 0
    rate_id: int = 0


@read
def look(session: Session, looked: Looked, *, most: int = AT_ONCE) -> tuple[list[int], Looked]:
    """Denominations whose sources would be ranked otherwise now, as far as a short look tells; and from where the next one goes on.

    At once: where an offer was stopped or lifted, has a new cost (or its currency a new rate), declares another number, was agreed
    otherwise, was stocked, sold or delivered, or is new. What changes otherwise (a granted complaint) is found in the round, `most`
    at a time. When the weights have changed the round begins anew and is in a hurry.
    """
    weights_id = session.scalar(select(func.max(RoutingWeights.id))) or 0
    anew = looked.at is not None and weights_id != looked.weights_id
    in_turn = supply.contested_skus(session, after=0 if anew else looked.after, most=most)
    more = bool(in_turn) and len(in_turn) == most
    news: set[int] = set()
    if looked.at is not None:
        since = looked.at - _LATE
        news = supply.changed_skus(session, since=since, after_offer=looked.offer_id)
        news |= inventory.stocked_skus(session, since=since) | fulfilment.ended_skus(session, since=since)
        news |= orders.sold_skus(session, after=looked.order_before_id)
        news |= supply.skus_costed_in(session, rates.bases_after(session, looked.rate_id))
    newest = orders.newest(session)
    return _otherwise(session, news.union(in_turn)), Looked(
        after=in_turn[-1] if more else 0,
        hurry=more and (anew or looked.hurry),
        at=now(session),
        weights_id=weights_id,
        offer_id=supply.newest_offer(session),
        order_id=newest,
        order_before_id=looked.order_id if looked.at is not None else newest,
        rate_id=rates.newest(session),
    )


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


def unexplained(session: Session) -> Iterator[tuple[int, int]]:
    """A part of the audit: every kept ranking, as denomination and version, that does not follow from its own inputs and weights."""
    question = select(Ranking).order_by(Ranking.sku_id, Ranking.version).execution_options(yield_per=500)
    for row in session.scalars(question):
        if ranked([Inputs.of(one) for one in row.inputs], Weights.of(row.weights)) != _view(row).result:
            yield row.sku_id, row.version
        session.expunge(row)  # There are many, and none is needed again.
