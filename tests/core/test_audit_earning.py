"""The audit finds each kind of damage to who earns what by name, and nothing where all of it has happened soundly."""

from __future__ import annotations

from typing import Any

import pytest

from core import exposure, orders, settlement
from core.audit.earning import EARNING
from core.database import Shop
from core.settlement import SpreadShare, Stream, TakeRate
from core.storefronts import Storefront
from tests.core.harm import Damage, not_found
from tests.core.props import assert_sound
from tests.core.supplies import settled, supplied
from tests.stage import Clock, person

BOOKED = "revenue that was booked by hand came to the stream it was booked for, or was taken back from it"
ENDS, HELD, HAND, ROOMS, LEVEL, STREAMS = EARNING
DAMAGES = [
    Damage(ENDS, "", "UPDATE contracts SET offer_id = NULL, version = 99 WHERE ends"),
    Damage(ENDS, "", "DELETE FROM contracts WHERE offer_id IS NOT NULL AND NOT ends AND id NOT IN (SELECT contract_id FROM claims)"),
    Damage(HELD, "", "UPDATE claims SET contract_id = (SELECT MIN(id) FROM contracts WHERE ends)"),
    Damage(HELD, "", "UPDATE contracts SET supplier_id = 1 WHERE offer_id IS NULL"),
    Damage(HELD, "", "UPDATE contracts SET from_at = from_at + 9999999999999"),
    Damage(
        HELD,
        "",
        "INSERT INTO contracts (supplier_id, version, terms, from_at, by, at, ends) SELECT supplier_id, 9, terms, from_at, by, at, ends"
        " FROM contracts WHERE id = (SELECT MIN(contract_id) FROM claims)",
    ),
    Damage(HAND, "", "UPDATE transfers SET key = 'lost' || id WHERE key LIKE 'revenue:%'"),
    Damage(HAND, "", "UPDATE transfers SET key = 'lost' || id WHERE key LIKE 'revenue-back:%'"),
    Damage(ROOMS, "", "DELETE FROM owed_rooms"),
    Damage(ROOMS, "", "UPDATE exposure_limits SET most_owed_minor = NULL"),
    Damage(LEVEL, "", "UPDATE orders SET level_id = 999"),
    Damage(LEVEL, "", "UPDATE orders SET level_id = 1, as_reseller = NULL"),
    Damage(STREAMS, "", "UPDATE accounts SET label = 'gifts' WHERE label = 'data'"),
    Damage(STREAMS, "", "UPDATE transfers SET kind = 'settlement' WHERE key LIKE 'revenue:%'"),
    Damage(BOOKED, "", "UPDATE revenue_entries SET amount_minor = amount_minor + 1"),
    Damage(BOOKED, "", "UPDATE revenue_entries SET stream = 'interest'"),
    Damage(BOOKED, "", "UPDATE revenue_entries SET back_at = NULL, back_by = NULL WHERE back_at IS NOT NULL"),
]


@pytest.fixture
async def lived(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    """Sales under two contracts, one of which ended; two entries of revenue, one of them taken back."""
    of = await supplied(shop, storefront, terms=SpreadShare(3000))
    buyer = await person(shop, storefront, money_minor=1_000_000)
    clock.passes(seconds=10)
    about: dict[str, Any] = {"supplier_id": of.supplier_id, "offer_id": of.goods.offer_id}
    await shop.write(settlement.agree, terms=TakeRate(1000), by="test", **about)
    clock.passes(seconds=10)
    await shop.write(settlement.end_contract, offer_id=of.goods.offer_id, by="test")
    clock.passes(seconds=10)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="two", **of.goods.terms())
    await settled(shop)
    limit: dict[str, Any] = {"most_owed_minor": 100_000, "most_ahead_minor": None, "currency": "CNY", "by": "test"}
    await shop.write(exposure.set_limit, supplier_id=of.supplier_id, **limit)
    entries = []
    for number, stream in enumerate((Stream.ADVERTISING, Stream.DATA)):
        entries.append(
            await shop.write(
                settlement.book_revenue,
                storefront_id=storefront.id,
                stream=stream,
                amount_minor=100,
                currency="CNY",
                note="x",
                by="test",
                once=f"{number}",
            )
        )
    await shop.write(settlement.take_back_revenue, entry_id=entries[1].id, storefront_id=storefront.id, by="test", why="x")


async def test_every_damage_to_who_earns_what_is_found_by_name(shop: Shop, lived: None, database_url: str) -> None:
    await assert_sound(shop)
    assert await not_found(shop, database_url, DAMAGES) == []
    assert {harm.check for harm in DAMAGES} == {*EARNING, BOOKED}
    await assert_sound(shop)
