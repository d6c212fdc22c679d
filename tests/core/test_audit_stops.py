"""The audit finds what was sold against a reason, and each reason that should stop an offer and does not."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, text

from core import audit, exposure, onboarding, orders, supply
from core.audit.stops import STOPS
from core.database import Shop
from core.supply import Standing, Stop
from tests.core.listings import alone, listed
from tests.core.props import aside, assert_sound
from tests.stage import Clock, Goods, person, stock

# {offer} was listed, approved and sold twice, hours apart; it rests on a paper, its supplier has a limit, the shop sells nothing at a loss.
DAMAGES = [
    (
        "nothing was sold against a reason not to sell it",
        "UPDATE offer_stops SET lifted_at = NULL, lifted_by = NULL WHERE why = 'paused'",
    ),
    (
        "nothing was sold against a reason not to sell it",
        "UPDATE offer_stops SET lifted_at = (SELECT MAX(placed_at) + 1 FROM orders) WHERE why = 'approval'",
    ),
    ("goods of whom more is owed than the shop wants do not sell", "UPDATE exposure_limits SET most_owed_minor = 8499"),
    ("nothing is sold outside of the days of its offer", "UPDATE offers SET valid_until = {first} - 3600000001 WHERE id = {offer}"),
    ("nothing is sold outside of the days of its offer", "UPDATE offers SET valid_from = {last} + 60000001 WHERE id = {offer}"),
    ("where nothing is sold below its cost, no offer does", "UPDATE offers SET cost_minor = 9501 WHERE id = {offer}"),
    ("where nothing is sold below its cost, no offer does", "UPDATE prices SET wholesale_minor = 8499"),
    (
        "where nothing is sold below its cost, no offer does",
        "INSERT INTO price_tiers (price_id, from_quantity, unit_minor) SELECT id, 2, 8499 FROM prices",
    ),
    ("an offer that waited for the staff was approved by one of them", "DELETE FROM actions WHERE did = 'approve-offer'"),
    ("an offer that waited for the staff was approved by one of them", "UPDATE offer_stops SET lifted_by = 'clock' WHERE why = 'approval'"),
    (
        "an offer that waited for the staff was approved by one of them",
        "INSERT INTO supplier_members (supplier_id, telegram_id, since) SELECT supplier_id, 7001, 1 FROM offers WHERE id = {offer}",
    ),
    ("nothing was sold on a paper that had run out days before", "UPDATE documents SET expires_on = '{five}'"),
]
# What is not wrong, and close to it.
FINE = [
    "UPDATE exposure_limits SET most_owed_minor = 8500",
    "UPDATE offers SET valid_until = {last} - 3600000000 WHERE id = {offer}",
    "UPDATE offers SET valid_from = {first} + 60000000 WHERE id = {offer}",
    "UPDATE offers SET valid_until = 1, changed_at = {last} WHERE id = {offer}",
    "UPDATE offers SET cost_minor = 9500 WHERE id = {offer}",
    "UPDATE documents SET expires_on = '{four}'",
]


async def test_every_damage_to_stops_is_found_by_name(shop: Shop, goods: Goods, clock: Clock, database_url: str) -> None:
    acme, _, offer_id = await listed(shop, goods, standing=Standing.NEW, expires_on=date(2199, 1, 1))
    await alone(shop, goods)
    assert await shop.write(onboarding.approve_offer, offer_id=offer_id, by="telegram:7001")
    await shop.write(
        exposure.set_limit, supplier_id=acme.id, currency="CNY", most_owed_minor=10**6, most_ahead_minor=None, by="telegram:7001"
    )
    await shop.write(supply.set_rule, storefront_id=goods.storefront.id, never_below_cost=True, by="test")
    await stock(shop, offer_id, goods.sku_id, 5)
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    clock.passes(hours=2)
    first = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="first", **goods.terms())
    await shop.write(supply.stop, offer_ids=[offer_id], why=Stop.PAUSED, by="test")
    await shop.write(supply.lift, offer_ids=[offer_id], why=Stop.PAUSED, by="test")
    clock.passes(hours=2)
    last = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="last", **goods.terms())
    await assert_sound(shop)

    async with aside(database_url) as connection:
        placed = "SELECT placed_at FROM orders WHERE id = :id"
        at = {
            name: (await connection.execute(text(placed), {"id": one.order_id})).scalar_one()
            for name, one in {"f": first, "l": last}.items()
        }
    last_day = at["l"] // 86_400_000_000 + date(1970, 1, 1).toordinal()
    facts = {"offer": offer_id, "first": at["f"], "last": at["l"]}
    facts |= {"five": date.fromordinal(last_day - 6).isoformat(), "four": date.fromordinal(last_day - 5).isoformat()}

    def broken(connection: Connection) -> set[str]:
        return {name for name in STOPS if connection.execute(text(audit.CHECKS[name])).first() is not None}

    missed, blamed = [], []
    for check, damage in [*DAMAGES, *[("", fine) for fine in FINE]]:
        async with aside(database_url) as connection:
            changed = await connection.execute(text(damage.format(**facts)))
            assert changed.rowcount > 0, damage
            found = await connection.run_sync(broken)
            await connection.rollback()
        if check and check not in found:
            missed.append((check, damage, found))
        if not check and found:
            blamed.append((damage, found))

    assert missed == [] and blamed == []
    assert {check for check, _ in DAMAGES} == set(STOPS)
