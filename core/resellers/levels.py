"""Levels of resellers and the lines of their price lists; each change asks for the prices to be worked out anew."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import catalog, journal, pricing, storefronts, supply
from core.database import insert_new, now, read, write
from core.pricing import Price
from core.resellers.refusals import BelowCost, NoLevel, RankTaken, RuleWrong, TooManyLevels, TooManyRules, TurnoverOutOfOrder
from core.resellers.rules import Facts, Rule, unit_by
from core.resellers.tables import How, Level, LevelRule, PriceList, Scope
from core.resellers.views import LevelView, RuleView, level_view, rule_view

MOST_LEVELS = 8
MOST_RULES = 200  # lines of one price list
MOST_QUANTITIES = 10  # different quantities in one price list
HIGHEST_RANK = 99


@read
def levels(session: Session, *, storefront_id: int) -> list[LevelView]:
    """The levels of a storefront, the best first."""
    return _levels(session, storefront_id)


def _levels(session: Session, storefront_id: int) -> list[LevelView]:
    rows = session.scalars(select(Level).where(Level.storefront_id == storefront_id, Level.closed_at.is_(None)).order_by(Level.rank.desc()))
    return [level_view(row) for row in rows]


@read
def level(session: Session, level_id: int) -> LevelView | None:
    """This level, also one that is closed."""
    row = session.get(Level, level_id)
    return None if row is None else level_view(row)


@read
def rules_of(session: Session, *, level_id: int) -> list[RuleView]:
    """The lines of a level's price list: what is about more first, and by quantity."""
    rows = session.scalars(select(LevelRule).where(LevelRule.level_id == level_id))
    order = list(Scope)
    return sorted((rule_view(row) for row in rows), key=lambda one: (order.index(one.scope), one.scope_id, one.from_quantity))


@write
def add_level(session: Session, *, storefront_id: int, name: str, rank: int, from_turnover_minor: int | None, by: str) -> LevelView:
    """A new level, with an empty price list. Raises RankTaken, TurnoverOutOfOrder or TooManyLevels."""
    _list_row(session, storefront_id)
    known = _levels(session, storefront_id)
    if len(known) >= MOST_LEVELS:
        raise TooManyLevels(most=MOST_LEVELS)
    _fits(session, storefront_id, known, rank, from_turnover_minor)
    row = Level(storefront_id=storefront_id, rank=rank, name=name, from_turnover_minor=from_turnover_minor, made_at=now(session))
    session.add(row)
    session.flush()
    _record(session, by, "add-level", row, {})
    return level_view(row)


@write
def change_level(
    session: Session, *, level_id: int, storefront_id: int, name: str, rank: int, from_turnover_minor: int | None, by: str
) -> None:
    """Its name, rank and the turnover that earns it. Raises NoLevel, RankTaken or TurnoverOutOfOrder."""
    _list_row(session, storefront_id)
    row = _locked(session, level_id, storefront_id)
    _fits(session, storefront_id, [one for one in _levels(session, storefront_id) if one.id != level_id], rank, from_turnover_minor)
    before = _facts(row)
    row.name, row.rank, row.from_turnover_minor = name, rank, from_turnover_minor
    session.flush()
    if before != _facts(row):
        _record(session, by, "change-level", row, before)


@write
def close_level(session: Session, *, level_id: int, storefront_id: int, by: str) -> None:
    """Nobody comes to this level any more; its prices end, and the job moves its resellers to the level that they earn. Raises NoLevel."""
    row = _locked(session, level_id, storefront_id)
    before = _facts(row)
    row.closed_at = now(session)
    session.flush()
    pricing.end_party_prices(session, storefront_id=storefront_id, level_id=level_id)
    touch(session, storefront_id)
    journal.record(session, by=by, did="close-level", about="level", about_id=level_id, before=before, after={})


def _fits(session: Session, storefront_id: int, others: list[LevelView], rank: int, from_turnover_minor: int | None) -> None:
    assert 1 <= rank <= HIGHEST_RANK, "ranks are typed between bounds"
    for one in others:
        if one.rank == rank:
            raise RankTaken(rank=rank, name=one.name)
        if one.from_turnover_minor is None or from_turnover_minor is None:
            continue
        if (one.rank < rank) != (one.from_turnover_minor < from_turnover_minor):
            currency = storefronts.by_id(session, storefront_id).currency
            raise TurnoverOutOfOrder(name=one.name, turnover_minor=one.from_turnover_minor, currency=currency)


def _locked(session: Session, level_id: int, storefront_id: int) -> Level:
    row = session.get(Level, level_id, with_for_update=True, populate_existing=True)
    if row is None or row.storefront_id != storefront_id or row.closed_at is not None:
        raise NoLevel
    return row


def _facts(row: Level) -> dict[str, Any]:
    return {"name": row.name, "rank": row.rank} | ({} if row.from_turnover_minor is None else {"turnover_minor": row.from_turnover_minor})


def _record(session: Session, by: str, did: str, row: Level, before: dict[str, Any]) -> None:
    journal.record(session, by=by, did=did, about="level", about_id=row.id, before=before, after=_facts(row))


# Lines of the price list


@write
def set_rule(
    session: Session,
    *,
    level_id: int,
    storefront_id: int,
    scope: Scope,
    scope_id: int,
    from_quantity: int,
    how: How,
    value: int,
    below_cost: bool = False,
    by: str,
) -> RuleView:
    """A line of a price list, or what the one about the same thing and quantity says from now on; the prices follow by themselves.

    `value` is minor units of the storefront's currency for a fixed price, else hundredths of a per cent. Raises NoLevel, RuleWrong,
    TooManyRules, and BelowCost when a line about one denomination is less than it costs the shop, unless `below_cost` confirms that.
    """
    assert from_quantity >= 1 and value >= 0, "what is typed is checked before"
    _locked(session, level_id, storefront_id)
    if how is How.FIXED and (scope is not Scope.SKU or value == 0):
        raise RuleWrong  # One price for different things would be nobody's price.
    if how is How.OFF_RETAIL and value >= 10_000:
        raise RuleWrong
    if not _there(session, scope, scope_id):
        raise RuleWrong
    row = session.scalars(
        select(LevelRule)
        .where(
            LevelRule.level_id == level_id,
            LevelRule.scope == scope,
            LevelRule.scope_id == scope_id,
            LevelRule.from_quantity == from_quantity,
        )
        .with_for_update()
    ).one_or_none()
    rules = session.scalars(select(LevelRule).where(LevelRule.level_id == level_id)).all()
    if row is None and (len(rules) >= MOST_RULES or len({1, from_quantity, *(one.from_quantity for one in rules)}) > MOST_QUANTITIES):
        raise TooManyRules(most=MOST_RULES, quantities=MOST_QUANTITIES)
    if not below_cost:
        _above_cost(session, storefront_id, Rule(scope, scope_id, from_quantity, how, value))
    before = {} if row is None else _rule_facts(row)
    if row is None:
        row = LevelRule(level_id=level_id, scope=scope, scope_id=scope_id, from_quantity=from_quantity, made_at=now(session))
        session.add(row)
    row.how, row.value, row.below_cost_by = how, value, by if below_cost else None
    session.flush()
    after = _rule_facts(row)
    if before != after:
        touch(session, storefront_id)
        journal.record(session, by=by, did="set-level-rule", about="level", about_id=level_id, before=before, after=after)
    return rule_view(row)


@write
def drop_rule(session: Session, *, rule_id: int, storefront_id: int, by: str) -> int:
    """Take a line out of its price list; returns the level's id. Raises NoLevel when it is gone already."""
    row = session.get(LevelRule, rule_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NoLevel
    _locked(session, row.level_id, storefront_id)
    level_id, before = row.level_id, _rule_facts(row)
    session.delete(row)
    session.flush()
    touch(session, storefront_id)
    journal.record(session, by=by, did="drop-level-rule", about="level", about_id=level_id, before=before, after={})
    return level_id


def _rule_facts(row: LevelRule) -> dict[str, Any]:
    said: dict[str, Any] = {"scope": row.scope.value, "from_quantity": row.from_quantity, "how": row.how.value, "value": row.value}
    if row.scope is not Scope.ALL:
        said["of"] = row.scope_id
    return said | ({"below_cost": True} if row.below_cost_by else {})


def _there(session: Session, scope: Scope, scope_id: int) -> bool:
    if scope is Scope.ALL:
        return scope_id == 0
    if scope is Scope.CATEGORY:
        return catalog.category(session, scope_id) is not None
    if scope is Scope.PRODUCT:
        return catalog.product(session, scope_id) is not None
    return catalog.sku(session, scope_id) is not None


def _above_cost(session: Session, storefront_id: int, rule: Rule) -> None:
    """Raises BelowCost when a line about one denomination would sell it at a loss.

    A line about more is taken: where it would be a loss, the cost is asked.
    """
    if rule.scope is not Scope.SKU:
        return
    for facts in facts_of(session, storefront_id=storefront_id, sku_ids=[rule.scope_id]):
        unit = unit_by(rule, facts)
        if unit is not None and facts.cost_minor is not None and unit < facts.cost_minor:
            raise BelowCost(unit_minor=unit, cost_minor=facts.cost_minor, currency=facts.base.currency)


# What rules ask of denominations, and the mark that something has changed


def facts_of(session: Session, *, storefront_id: int, sku_ids: list[int] | None = None) -> list[Facts]:
    """What rules ask of these denominations, or of all that are shown and have a price; in the order of their ids."""
    currency = storefronts.by_id(session, storefront_id).currency
    skus = [one for one in catalog.all_skus(session) if sku_ids is None or one.id in set(sku_ids)]
    prices: dict[int, Price] = pricing.current(session, storefront_id=storefront_id, sku_ids=[one.id for one in skus])
    costs = supply.dearest(session, [one.id for one in skus], currency=currency)
    products = catalog.products_of(session, {one.product_id for one in skus})
    ways: dict[int, tuple[int, ...]] = {}
    found = []
    for one in sorted(skus, key=lambda one: one.id):
        price = prices.get(one.id)
        if price is None or price.currency != currency:
            continue
        category_id = products[one.product_id].category_id
        if category_id not in ways:
            ways[category_id] = tuple(step.id for step in reversed(catalog.trail(session, category_id)))
        found.append(Facts(one.id, one.product_id, ways[category_id], price, costs.get(one.id)))
    return found


def _list_row(session: Session, storefront_id: int) -> PriceList:
    """The row of a storefront's lists, locked; made at the first call."""
    session.execute(insert_new(session, PriceList).values(storefront_id=storefront_id, revision=0, done_revision=0, done_price_id=0))
    return session.get_one(PriceList, storefront_id, with_for_update=True, populate_existing=True)


def touch(session: Session, storefront_id: int) -> None:
    """Something that prices are made from has changed: the job works them out anew. A part of commands."""
    _list_row(session, storefront_id)
    session.execute(update(PriceList).where(PriceList.storefront_id == storefront_id).values(revision=PriceList.revision + 1))
    session.flush()


@read
def window_days(session: Session, *, storefront_id: int) -> int:
    """Over how many days the turnover of resellers is counted."""
    return session.scalar(select(PriceList.window_days).where(PriceList.storefront_id == storefront_id)) or 30


@write
def set_window(session: Session, *, storefront_id: int, days: int, by: str) -> None:
    """Count the turnover of resellers over so many days, 1 to 366."""
    assert 1 <= days <= 366, "what is typed is checked before"
    row = _list_row(session, storefront_id)
    before = row.window_days
    row.window_days = days
    session.flush()
    if before != days:
        journal.record(
            session, by=by, did="set-window", about="storefront", about_id=storefront_id, before={"days": before}, after={"days": days}
        )


@read
def how_many_in(session: Session, *, storefront_id: int) -> int:
    """How many levels a storefront has."""
    question = select(func.count()).select_from(Level).where(Level.storefront_id == storefront_id, Level.closed_at.is_(None))
    return session.scalar(question) or 0
