"""Working rules and contracts into price rows: only what has changed gets a new version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import pricing
from core.database import now, read, write
from core.pricing import NoPriceYet, PartyPrice, Price
from core.resellers.levels import facts_of
from core.resellers.rules import Facts, Rule, expand
from core.resellers.tables import ContractPrice, Level, LevelRule, PriceList
from core.resellers.views import tiers_of

SWEEP = timedelta(minutes=10)  # costs and the catalogue leave no mark here: everything is looked through once in a while
CHUNK = 50  # denominations worked into prices in one transaction, so that no sale waits long


@dataclass(frozen=True, slots=True)
class Due:
    """What a storefront's prices are behind by: nothing when `sku_ids` is empty. The rest is for `worked_through`."""

    sku_ids: tuple[int, ...]
    revision: int
    price_id: int


@read
def due(session: Session, *, storefront_id: int) -> Due | None:
    """Which denominations have a level's or a reseller's price that is not what rules and contracts say; None when nothing has moved.

    Asks for two numbers while nothing has changed; else it looks through all that is priced. Changes nothing.
    """
    row = session.get(PriceList, storefront_id)
    if row is None:
        return None
    newest = pricing.newest(session, storefront_id=storefront_id)
    swept = row.looked_at is not None and row.looked_at + SWEEP > now(session)
    if swept and (row.done_revision, row.done_price_id) == (row.revision, newest):
        return None
    return Due(tuple(_behind(session, storefront_id, None)), row.revision, newest)


@write
def work_in(session: Session, *, storefront_id: int, sku_ids: Sequence[int]) -> int:
    """Give these denominations the prices that rules and contracts say now; returns how many rows are new or ended."""
    return sum(_bring(session, storefront_id, sku_id) for sku_id in _behind(session, storefront_id, list(sku_ids)))


@write
def worked_through(session: Session, *, storefront_id: int, revision: int, price_id: int) -> None:
    """Everything up to this revision and this version of a price is in the rows."""
    row = session.get_one(PriceList, storefront_id, with_for_update=True, populate_existing=True)
    row.done_revision, row.done_price_id, row.looked_at = revision, price_id, now(session)
    session.flush()


@dataclass(frozen=True, slots=True)
class _Wanted:
    price: Price
    contract: ContractPrice | None


def _rules(session: Session, storefront_id: int) -> dict[int, list[Rule]]:
    rows = session.execute(
        select(LevelRule)
        .join(Level, Level.id == LevelRule.level_id)
        .where(Level.storefront_id == storefront_id, Level.closed_at.is_(None))
        .order_by(LevelRule.id)
    ).scalars()
    found: dict[int, list[Rule]] = {}
    for row in rows:
        found.setdefault(row.level_id, []).append(
            Rule(row.scope, row.scope_id, row.from_quantity, row.how, row.value, row.below_cost_by is not None)
        )
    return found


def _wanted(session: Session, storefront_id: int, facts: Sequence[Facts]) -> dict[tuple[int, int | None, int | None], _Wanted]:
    """What the rows should be: by denomination, level and customer."""
    rules = _rules(session, storefront_id)
    by_id = {one.sku_id: one for one in facts}
    found: dict[tuple[int, int | None, int | None], _Wanted] = {}
    for one in facts:
        for level_id, theirs in rules.items():
            price = expand(theirs, one)
            if price is not None:
                found[(one.sku_id, level_id, None)] = _Wanted(price, None)
    at = now(session)
    contracts = session.scalars(
        select(ContractPrice)
        .where(ContractPrice.storefront_id == storefront_id, ContractPrice.ended_at.is_(None))
        .order_by(ContractPrice.id)
    )
    for row in contracts:
        known = by_id.get(row.sku_id)
        if known is None or row.currency != known.base.currency or (row.ends_at is not None and row.ends_at <= at):
            continue
        price = Price(0, row.sku_id, row.unit_minor, None, row.currency, tiers_of(row.tiers))
        found[(row.sku_id, None, row.customer_id)] = _Wanted(price if row.dearer else price.capped(known.base), row)
    return found


def _same(wanted: _Wanted, now_: PartyPrice) -> bool:
    price, contract = now_.price, wanted.contract
    as_agreed = contract is None or (contract.ends_at, contract.dearer) == (now_.ends_at, now_.dearer)
    return as_agreed and (price.retail_minor, price.currency, price.tiers) == (
        wanted.price.retail_minor,
        wanted.price.currency,
        wanted.price.tiers,
    )


def _behind(session: Session, storefront_id: int, sku_ids: list[int] | None) -> list[int]:
    facts = facts_of(session, storefront_id=storefront_id, sku_ids=sku_ids)
    wanted = _wanted(session, storefront_id, facts)
    rows = pricing.of_parties(session, storefront_id=storefront_id, sku_ids=sku_ids)
    there = {(one.price.sku_id, one.level_id, one.customer_id): one for one in rows}
    behind = {key[0] for key, one in wanted.items() if key not in there or not _same(one, there[key])}
    # A row that nobody wants any more ends; that of a denomination that is hidden for now stays as it was.
    shown = {one.sku_id for one in facts}
    behind |= {key[0] for key in there if key not in wanted and key[0] in shown}
    return sorted(behind)


def _bring(session: Session, storefront_id: int, sku_id: int) -> int:
    wanted = _wanted(session, storefront_id, facts_of(session, storefront_id=storefront_id, sku_ids=[sku_id]))
    there = {(one.level_id, one.customer_id): one for one in pricing.of_parties(session, storefront_id=storefront_id, sku_ids=[sku_id])}
    changed = 0
    for (_, level_id, customer_id), one in wanted.items():
        known = there.get((level_id, customer_id))
        if known is not None and _same(one, known):
            continue
        try:
            if level_id is not None:
                pricing.set_level_price(
                    session,
                    storefront_id=storefront_id,
                    level_id=level_id,
                    sku_id=sku_id,
                    unit_minor=one.price.retail_minor,
                    currency=one.price.currency,
                    tiers=one.price.tiers,
                )
            elif customer_id is not None and one.contract is not None:
                pricing.set_customer_price(
                    session,
                    storefront_id=storefront_id,
                    customer_id=customer_id,
                    sku_id=sku_id,
                    unit_minor=one.price.retail_minor,
                    currency=one.price.currency,
                    tiers=one.price.tiers,
                    ends_at=one.contract.ends_at,
                    dearer=one.contract.dearer,
                )
        except NoPriceYet:
            continue  # The storefront's price went a moment ago; the next look sees it.
        changed += 1
    for level_id, customer_id in there:
        if (sku_id, level_id, customer_id) not in wanted:
            changed += pricing.end_party_prices(
                session, storefront_id=storefront_id, level_id=level_id, customer_id=customer_id, sku_ids=[sku_id]
            )
    return changed
