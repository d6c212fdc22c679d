"""Props for goods that are made on order: offers of several sources, and a scripted worker in the place of the real one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import fulfilment, ledger, orders, supply
from core.database import Shop, micros, now, write
from core.fulfilment import TaskView
from core.inventory import Secret
from core.ledger import AccountKind, PartyKind
from tests.stage import Goods


@write
def another_offer(
    session: Session,
    *,
    sku_id: int,
    cost_minor: int,
    rank: int,
    declared: int | None = None,
    upstream_id: int | None = None,
    consigned: bool = False,
    currency: str = "CNY",
) -> int:
    """One more source of a denomination at this rank; what it declares is brought by its upstream, or by its people."""
    party = ledger.new_party(session, PartyKind.SUPPLIER)
    at = micros(now(session))
    payable = ledger.open_account(session, party_id=party, kind=AccountKind.PAYABLE, currency=currency) if consigned else None
    session.execute(
        text("INSERT INTO suppliers (id, name, joined_at, standing) VALUES (:id, 'Source', :at, 'trusted')"), {"id": party, "at": at}
    )
    offer_id = session.scalars(
        text(
            "INSERT INTO offers (supplier_id, sku_id, cost_minor, cost_currency, payable_id, since, declared, upstream_id)"
            " VALUES (:party, :sku, :cost, :currency, :payable, :at, :declared, :upstream) RETURNING id"
        ),
        {
            "party": party,
            "sku": sku_id,
            "cost": cost_minor,
            "currency": currency,
            "payable": payable,
            "at": at,
            "declared": declared,
            "upstream": upstream_id,
        },
    ).one()
    session.execute(
        text("INSERT INTO sources (sku_id, rank, offer_id, version) VALUES (:sku, :rank, :offer, 1)"),
        {"sku": sku_id, "rank": rank, "offer": offer_id},
    )
    return int(offer_id)


async def ask(shop: Shop, lane: str) -> TaskView:
    """A worker takes the one due task of a lane and says that it asks its source."""
    [task] = await shop.write(fulfilment.take_due, lane=lane, most=5)
    assert task.lease is not None
    assert await shop.write(fulfilment.asking, task_id=task.id, lease=task.lease)
    return task


def secrets(*codes: str) -> list[Secret]:
    return [Secret(None, code) for code in codes]


async def declared(shop: Shop, goods: Goods, offer_id: int) -> int | None:
    return next(offer.declared for offer in await shop.read(supply.offers, [offer_id]) if offer.sku_id == goods.sku_id)


async def state(shop: Shop, order_id: int) -> orders.OrderState:
    found = await shop.read(orders.detail, order_id=order_id)
    assert found is not None
    return found.card.state


__all__ = ["Any", "another_offer", "ask", "declared", "secrets", "state", "timedelta"]
