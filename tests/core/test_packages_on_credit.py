"""A service package is paid on credit as goods are, and what is given back of it takes the purchase back."""

from __future__ import annotations

from core import credit, packages
from core.database import Shop
from core.packages import Service
from core.storefronts import Storefront
from tests.core.props import assert_sound
from tests.lending import a_line, work_credit
from tests.stage import Clock, give

PRICE = 30_000


async def test_a_package_is_bought_on_credit_given_back_and_locked_when_late(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    reseller = await a_line(shop, storefront, limit_minor=100_000)
    facts = {"storefront_id": storefront.id, "name": "Gold", "price_minor": PRICE, "days": 30, "by": "test"}
    plan = await shop.write(packages.add_plan, **facts, analytics=True)  # type: ignore[arg-type]
    mine = await shop.write(packages.subscribe, customer_id=reseller.id, plan_id=plan.id)
    await work_credit(shop)
    line = await shop.read(credit.line_of, reseller.id)
    assert line is not None and line.owed.principal_minor == PRICE
    await assert_sound(shop)

    clock.passes(days=10, hours=1)
    back = await shop.write(packages.end, subscription_id=mine.id, customer_id=reseller.id)
    await work_credit(shop)
    line = await shop.read(credit.line_of, reseller.id)
    assert line is not None and line.owed.principal_minor == PRICE - back
    await assert_sound(shop)

    await shop.write(packages.subscribe, customer_id=reseller.id, plan_id=plan.id)
    for _ in range(3):
        clock.passes(days=15)
        await work_credit(shop)
        await shop.write(packages.renew_due)
    await assert_sound(shop)
    assert not await shop.read(packages.unlocked, reseller.id, Service.ANALYTICS), "late: nothing more is sold on credit"
    await give(shop, reseller, 10 * PRICE)
    await work_credit(shop)
    await assert_sound(shop)
