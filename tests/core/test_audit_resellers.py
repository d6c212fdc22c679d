"""The audit finds each kind of damage to resellers and their prices by name, and nothing in a sound shop."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from core import audit, orders, pricing, resellers
from core.audit.resellers import RESELLERS
from core.database import Shop
from core.onboarding import Verdict
from core.resellers import Asked, How, Scope
from core.storefronts import Storefront
from tests.core.props import aside
from tests.reselling import a_reseller, add_level, work_in
from tests.stage import Goods, person, put_on_sale

DAMAGES = [
    ("a reseller buys at wholesale prices until they end", "UPDATE resellers SET ended_at = 1"),
    ("a level is a reseller's, and one of their storefront", "UPDATE customers SET level_id = 77 WHERE level_id IS NOT NULL"),
    ("a price of a level or of a reseller is theirs in its storefront", "UPDATE levels SET closed_at = 1"),
    ("a price of one reseller rests on what was agreed with them", "UPDATE contract_prices SET unit_minor = 1"),
    (
        "nobody has a price above what everybody pays, unless it was meant",
        "UPDATE prices SET retail_minor = 99999 WHERE level_id IS NOT NULL AND until IS NULL",
    ),
    (
        "nobody bought at a price that was another's",
        "UPDATE order_lines SET price_id = (SELECT id FROM prices WHERE customer_id IS NOT NULL)"
        " WHERE order_id IN (SELECT id FROM orders WHERE once = 'by-nobody')",
    ),
    (
        "nobody bought at a price that was another's",
        "UPDATE order_lines SET price_id = (SELECT MIN(id) FROM prices WHERE level_id IS NOT NULL)"
        " WHERE order_id IN (SELECT id FROM orders WHERE once = 'by-nobody')",
    ),
    (
        "an approved application made a reseller",
        "UPDATE reseller_applications SET state = 'approved', decided_at = 1,"
        " customer_id = (SELECT buyer_id FROM orders WHERE once = 'by-nobody')",
    ),
]


@pytest.fixture
async def sold(shop: Shop, storefront: Storefront) -> Goods:
    """A level with a price, a reseller with an agreement, an approved applicant, and somebody who just buys."""
    goods = await put_on_sale(shop, storefront)
    level = await add_level(shop, storefront)
    await shop.write(
        resellers.set_rule,
        level_id=level.id,
        storefront_id=storefront.id,
        scope=Scope.ALL,
        scope_id=0,
        from_quantity=1,
        how=How.OFF_RETAIL,
        value=500,
        by="telegram:1",
    )
    buyer, nobody = await a_reseller(shop, storefront, level_id=level.id), await person(shop, storefront, money_minor=20_000)
    await shop.write(
        resellers.set_contract, storefront_id=storefront.id, customer_id=buyer.id, sku_id=goods.sku_id, unit_minor=8800, by="telegram:1"
    )
    await work_in(shop, storefront)
    applicant = await person(shop, storefront)
    number = await shop.write(resellers.begin, customer_id=applicant.id)
    answers = {Asked.LEGAL: "person", Asked.NAME: "Ann", Asked.CONTACT: "@ann_blue", Asked.SELLS: "Cards", Asked.VOLUME: "Few"}
    for asked, said in answers.items():
        await shop.write(resellers.put, application_id=number, customer_id=applicant.id, asked=asked, text=said)
    await shop.write(resellers.send, application_id=number, customer_id=applicant.id, version=0)
    await shop.write(
        resellers.decide, application_id=number, storefront_id=storefront.id, version=1, telegram_id=1, verdict=Verdict.APPROVE
    )
    await shop.write(orders.buy, buyer_id=nobody.id, quantity=1, once="by-nobody", **goods.terms())
    own = (await shop.read(pricing.for_buyer, buyer=buyer, sku_ids=[goods.sku_id]))[goods.sku_id]
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="by-reseller", **{**goods.terms(), "price_id": own.id})
    return goods


def test_every_check_has_its_damage() -> None:
    assert {name for name, _ in DAMAGES} == set(RESELLERS)


async def test_every_damage_is_found_by_name(shop: Shop, sold: Goods, database_url: str) -> None:
    report = await shop.read(audit.audit)
    assert report.clean, report.violations
    for name, harm in DAMAGES:
        async with aside(database_url) as connection:
            # The intruder goes past the guards, and nothing of it is kept.
            changed = await connection.execute(text(harm))
            assert changed.rowcount > 0, name
            found = (await connection.execute(text(RESELLERS[name]))).all()
            assert found, f"“{name}” was not found"
            await connection.rollback()
