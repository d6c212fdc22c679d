"""The arithmetic of price lists and levels: which rule is whose, what a unit costs by it, and which level a turnover earns. No database.

A price list is expanded for one denomination at a time. At each quantity at which a rule or the shop's own price changes, the rule that
holds is the one about the most specific thing – denomination, product, nearest category, everything –, and of those about the same thing
the one of the greatest quantity that the order reaches. It says a unit price; that is not under cost unless somebody has confirmed
it, never above what everybody pays, and never above what a smaller order pays for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.pricing import Price, Tier
from core.resellers.tables import How, Scope

WHOLE = 10_000  # a hundred per cent, in hundredths of a per cent


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a price list; `value` is minor units for a fixed price, else hundredths of a per cent."""

    scope: Scope
    scope_id: int
    from_quantity: int
    how: How
    value: int
    below_cost: bool = False  # confirmed by a person


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules ask of a denomination; `category_ids` go from the nearest up to the top, the cost is in the price's currency."""

    sku_id: int
    product_id: int
    category_ids: tuple[int, ...]
    base: Price  # the storefront's own, with retail, wholesale and tiers
    cost_minor: int | None


def expand(rules: Sequence[Rule], facts: Facts) -> Price | None:
    """What a level pays for a denomination by its price list; None when no rule is about it. The id is nobody's."""
    about = [(weight, rule) for rule in rules if (weight := _weight(rule, facts)) is not None]
    if not about:
        return None
    base = facts.base
    starts = sorted({1, *(rule.from_quantity for _, rule in about), *(tier.from_quantity for tier in base.tiers)})
    units: list[int] = []
    for quantity in starts:
        unit = _unit(about, facts, quantity)
        units.append(min([unit, base.unit_for(quantity), *units[-1:]]))
    tiers = tuple(Tier(start, unit) for start, unit, before in zip(starts[1:], units[1:], units, strict=False) if unit < before)
    return Price(0, facts.sku_id, units[0], None, base.currency, tiers)


def _weight(rule: Rule, facts: Facts) -> int | None:
    """How specific a rule is to a denomination: more is nearer; None when it is about something else."""
    if rule.scope is Scope.ALL:
        return 0
    if rule.scope is Scope.CATEGORY:
        return 1_000 - facts.category_ids.index(rule.scope_id) if rule.scope_id in facts.category_ids else None
    if rule.scope is Scope.PRODUCT:
        return 2_000 if rule.scope_id == facts.product_id else None
    return 3_000 if rule.scope_id == facts.sku_id else None


def _unit(about: Sequence[tuple[int, Rule]], facts: Facts, quantity: int) -> int:
    """The unit price at a quantity by the rule that holds there; by wholesale, where none holds yet or it cannot be said."""
    usual = facts.base.wholesale().unit_for(quantity)
    reached = [(weight, rule.from_quantity, rule) for weight, rule in about if rule.from_quantity <= quantity]
    if not reached:
        return usual
    rule = max(reached, key=lambda one: one[:2])[2]
    unit = unit_by(rule, facts)
    if unit is None:
        return usual
    return unit if rule.below_cost or facts.cost_minor is None else max(unit, facts.cost_minor)


def unit_by(rule: Rule, facts: Facts) -> int | None:
    """What a rule says for one unit, half up to the minor unit, and never nothing; None when its base is not known."""
    if rule.how is How.FIXED:
        return rule.value
    if rule.how is How.OFF_RETAIL:
        return max(1, _part(facts.base.retail_minor, WHOLE - rule.value))
    if rule.how is How.OVER_COST:
        return None if not facts.cost_minor else max(1, _part(facts.cost_minor, WHOLE + rule.value))
    return max(1, _part(facts.base.wholesale().retail_minor, WHOLE + rule.value))


def _part(minor: int, basis_points: int) -> int:
    return (minor * basis_points + WHOLE // 2) // WHOLE


@dataclass(frozen=True, slots=True)
class Step:
    """A level as promotion sees it."""

    level_id: int
    rank: int
    from_turnover_minor: int | None


def earned(steps: Sequence[Step], turnover_minor: int) -> Step | None:
    """The highest level that a turnover earns by itself; None when it earns none."""
    reached = [step for step in steps if step.from_turnover_minor is not None and step.from_turnover_minor <= turnover_minor]
    return max(reached, key=lambda step: step.rank, default=None)


def following(steps: Sequence[Step], rank: int) -> Step | None:
    """The next level above a rank that can be earned."""
    above = [step for step in steps if step.from_turnover_minor is not None and step.rank > rank]
    return min(above, key=lambda step: step.rank, default=None)


def moves_to(steps: Sequence[Step], level_id: int | None, turnover_minor: int, *, settled: bool) -> tuple[bool, int | None]:
    """Does a reseller at this level move, and where to (None: to none)? Up at once; down only when `settled`, which is a whole window
    after they came to their level, so that whoever was just put there has time to buy. A level that only the staff give is never left.
    """
    by_id = {step.level_id: step for step in steps}
    here = by_id.get(level_id) if level_id is not None else None
    if here is not None and here.from_turnover_minor is None:
        return False, level_id
    found = earned(steps, turnover_minor)
    rank_here, rank_found = (here.rank if here else 0), (found.rank if found else 0)
    if rank_found > rank_here or (rank_found < rank_here and settled) or (here is None and level_id is not None):
        return True, None if found is None else found.level_id
    return False, level_id
