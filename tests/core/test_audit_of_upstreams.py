"""The audit finds each kind of damage to upstreams by name, and nothing in a sound shop."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import text

from core import audit, integration, supply
from core.audit.upstreams import UPSTREAMS
from core.database import Shop
from core.ports import UpstreamItem
from core.storefronts import Storefront
from tests.core.props import aside
from tests.stage import Clock, Goods, put_on_sale


@dataclass(frozen=True)
class Damage:
    check: str
    sql: str


DAMAGES = [
    Damage("a linked item is an offer of its own upstream", "UPDATE offers SET upstream_id = NULL WHERE upstream_id IS NOT NULL"),
    Damage("an offer of an upstream that sells has its item there", "UPDATE upstream_items SET offer_id = NULL"),
    Damage(
        "an offer of an upstream costs what its item costs there",
        "UPDATE offers SET cost_minor = cost_minor + 1 WHERE upstream_id IS NOT NULL",
    ),
    Damage("what an upstream sells no more is declared by nobody", "UPDATE upstream_items SET gone_at = 1"),
    Damage(
        "goods of an upstream are paid in advance, so nothing is owed for them",
        "UPDATE offers SET payable_id = (SELECT MIN(id) FROM accounts) WHERE upstream_id IS NOT NULL",
    ),
    Damage("a paused or removed upstream sells nothing", "UPDATE upstreams SET place = 'paused'"),
    Damage("a resting upstream has failed", "UPDATE upstreams SET open_until = 1"),
    Damage(
        "an order at an upstream is of an upstream",
        "INSERT INTO tasks (order_id, sku_id, offer_id, quantity, got, kind, lane, number, state, cost_currency, made_at, due_at, next_at,"
        " tries) SELECT 1, sku_id, id, 1, 0, 'code', 'staff', 'T1', 'wanted', 'CNY', 1, 1, 1, 0 FROM offers WHERE upstream_id IS NOT NULL",
    ),
]


@pytest.fixture
async def linked(shop: Shop, storefront: Storefront, clock: Clock) -> Goods:
    goods = await put_on_sale(shop, storefront, count=1)
    of = await shop.write(
        integration.add_upstream, storefront=storefront, protocol="own-shop", name="There", settings={"url": "x"}, by="telegram:1"
    )
    await shop.write(integration.answered, upstream_id=of.id, name="There")
    told = UpstreamItem("k", "Steam", "Cards", 800, "CNY", 7, active=True)
    await shop.write(integration.take_items, upstream_id=of.id, items=[told], asked_at=clock())
    (item,) = await shop.read(integration.items_of, upstream_id=of.id, page=0, size=5)
    await shop.write(integration.link_item, item_id=item.id, sku_id=goods.sku_id, storefront=storefront, by="telegram:1")
    assert (await shop.read(supply.left, [goods.sku_id]))[goods.sku_id] == 8
    return goods


def test_every_check_has_its_damage() -> None:
    assert {harm.check for harm in DAMAGES} == set(UPSTREAMS)


async def test_every_damage_is_found_by_name(shop: Shop, linked: Goods, database_url: str) -> None:
    report = await shop.read(audit.audit)
    assert report.clean, report.violations
    for harm in DAMAGES:
        async with aside(database_url) as connection:
            # The intruder goes past the guards, and nothing of it is kept.
            if "tasks" in harm.sql and database_url.startswith("postgresql"):
                await connection.exec_driver_sql("ALTER TABLE tasks DROP CONSTRAINT fk_tasks_order_id_orders")
            changed = await connection.execute(text(harm.sql))
            assert changed.rowcount > 0, harm.check
            found = (await connection.execute(text(UPSTREAMS[harm.check]))).all()
            assert found, f"“{harm.check}” was not found"
            others = [
                name for name, question in UPSTREAMS.items() if name != harm.check and (await connection.execute(text(question))).all()
            ]
            assert others == [], f"“{harm.check}” was also taken for {others}"
            await connection.rollback()
