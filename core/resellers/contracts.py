"""Contract prices (密价): what was agreed with one reseller, until a day or until it is ended."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import journal, outbox, people, pricing, storefronts, supply
from core.database import now, read, write
from core.pricing import MOST_TIERS, NoPriceYet, Price, Tier, TooManyTiers
from core.resellers.levels import touch
from core.resellers.refusals import BelowCost, EndsInThePast, NoReseller, OwnTerms
from core.resellers.tables import ContractPrice, Reseller
from core.resellers.views import ContractView, contract_view


@write
def set_contract(
    session: Session,
    *,
    storefront_id: int,
    customer_id: int,
    sku_id: int,
    unit_minor: int,
    tiers: Collection[Tier] = (),
    ends_at: datetime | None = None,
    dearer: bool = False,
    below_cost: bool = False,
    by: str,
) -> ContractView:
    """What a reseller pays for a denomination from this moment on, in the storefront's currency; they are told.

    Raises NoReseller, OwnTerms, NoPriceYet, TiersDoNotFall, TooManyTiers, EndsInThePast; DearerThanRetail unless `dearer` says it is
    meant so, and BelowCost unless `below_cost` does.
    """
    reseller = _open(session, storefront_id, customer_id, by)
    at = now(session)
    if ends_at is not None and ends_at <= at:
        raise EndsInThePast
    if len(tiers) > MOST_TIERS:
        raise TooManyTiers(most=MOST_TIERS)
    currency = storefronts.by_id(session, storefront_id).currency
    base = pricing.current(session, storefront_id=storefront_id, sku_ids=[sku_id]).get(sku_id)
    if base is None or base.currency != currency:
        raise NoPriceYet
    price = Price(0, sku_id, unit_minor, None, currency, tuple(sorted(tiers)))
    if not dearer:
        # Where the shop's own tiers are lower still, those are paid; only a price that somebody typed is to be dearer by mistake.
        for quantity in (1, *(tier.from_quantity for tier in price.tiers)):
            pricing.refuse_dearer(
                Price(0, sku_id, price.unit_for(quantity), None, currency), Price(0, sku_id, base.unit_for(quantity), None, currency)
            )
    cost = supply.dearest(session, [sku_id], currency=currency).get(sku_id)
    least = min([unit_minor, *(tier.unit_minor for tier in price.tiers)])
    if cost is not None and least < cost and not below_cost:
        raise BelowCost(unit_minor=least, cost_minor=cost, currency=currency)
    before = session.scalars(
        select(ContractPrice)
        .where(ContractPrice.customer_id == customer_id, ContractPrice.sku_id == sku_id, ContractPrice.ended_at.is_(None))
        .with_for_update()
    ).one_or_none()
    # At once, and not when the job gets round to it: it was agreed with a person who looks. Raises TiersDoNotFall.
    pricing.set_customer_price(
        session,
        storefront_id=storefront_id,
        customer_id=customer_id,
        sku_id=sku_id,
        unit_minor=unit_minor,
        currency=currency,
        tiers=price.tiers,
        ends_at=ends_at,
        dearer=dearer,
        by=by,
    )
    if before is not None:
        before.ended_at = at
        session.flush()
    row = ContractPrice(
        storefront_id=storefront_id,
        customer_id=customer_id,
        sku_id=sku_id,
        unit_minor=unit_minor,
        currency=currency,
        tiers={str(tier.from_quantity): tier.unit_minor for tier in price.tiers},
        ends_at=ends_at,
        dearer=dearer,
        below_cost_by=by if below_cost else None,
        by=by,
        made_at=at,
    )
    session.add(row)
    session.flush()
    touch(session, storefront_id)
    _tell(session, reseller.customer_id, row, "set")
    return contract_view(row)


@write
def end_contract(session: Session, *, contract_id: int, storefront_id: int, by: str) -> int:
    """The agreement is over: their level's price holds again, and they are told. Returns whose it was. Raises NoReseller, OwnTerms."""
    row = session.get(ContractPrice, contract_id, with_for_update=True, populate_existing=True)
    if row is None or row.storefront_id != storefront_id or row.ended_at is not None:
        raise NoReseller
    _open(session, storefront_id, row.customer_id, by)
    row.ended_at = now(session)
    session.flush()
    pricing.end_party_prices(session, storefront_id=storefront_id, customer_id=row.customer_id, sku_ids=[row.sku_id])
    facts: dict[str, Any] = {"sku": row.sku_id, "unit_minor": row.unit_minor, "currency": row.currency}
    journal.record(session, by=by, did="end-contract-price", about="customer", about_id=row.customer_id, before=facts, after={})
    _tell(session, row.customer_id, row, "ended")
    return row.customer_id


@write
def end_due_contracts(session: Session, *, most: int = 100) -> int:
    """Agreements whose last instant has passed: their rows are closed, and each reseller is told. Returns how many."""
    pricing.end_due(session, most=most)
    at = now(session)
    rows = session.scalars(
        select(ContractPrice)
        .where(ContractPrice.ended_at.is_(None), ContractPrice.ends_at.is_not(None), ContractPrice.ends_at <= at)
        .order_by(ContractPrice.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.ended_at = row.ends_at
        _tell(session, row.customer_id, row, "ended")
    session.flush()
    return len(rows)


@read
def contracts_of(session: Session, *, customer_id: int) -> list[ContractView]:
    """What is agreed with a reseller, by denomination."""
    rows = session.scalars(
        select(ContractPrice)
        .where(ContractPrice.customer_id == customer_id, ContractPrice.ended_at.is_(None))
        .order_by(ContractPrice.sku_id)
    )
    return [contract_view(row) for row in rows]


@read
def contract(session: Session, contract_id: int) -> ContractView | None:
    """This agreement, while it holds."""
    row = session.get(ContractPrice, contract_id)
    return None if row is None or row.ended_at is not None else contract_view(row)


def end_all(session: Session, *, storefront_id: int, customer_id: int) -> None:
    """A reseller leaves: nothing is agreed with them any more. A part of commands."""
    session.execute(
        update(ContractPrice)
        .where(ContractPrice.customer_id == customer_id, ContractPrice.ended_at.is_(None))
        .values(ended_at=now(session))
        .execution_options(synchronize_session=False)
    )
    pricing.end_party_prices(session, storefront_id=storefront_id, customer_id=customer_id)


def _open(session: Session, storefront_id: int, customer_id: int, by: str) -> Reseller:
    row = session.get(Reseller, customer_id, with_for_update=True, populate_existing=True)
    if row is None or row.storefront_id != storefront_id or row.ended_at is not None:
        raise NoReseller
    if by == f"telegram:{people.by_id(session, customer_id).telegram_id}":
        raise OwnTerms
    return row


def _tell(session: Session, customer_id: int, row: ContractPrice, event: str) -> None:
    body = {"says": "contract-price", "contract": row.id, "event": event}
    outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=customer_id, body=body, once=f"contract-price:{row.id}:{event}")
