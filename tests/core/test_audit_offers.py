"""The audit finds what is wrong with offers, rankings, costs and quotas by name, in a shop that has one of each."""

from __future__ import annotations

from core import orders, supply
from core.audit.offers import OFFERS
from core.database import Shop
from core.storefronts import Storefront
from tests.core.harm import Damage, not_found
from tests.core.offering import offered, under_quota
from tests.core.props import assert_sound
from tests.stage import person, put_on_sale, stock

DAMAGES = {
    "an offer stands in the ranking until it is withdrawn": "DELETE FROM sources WHERE rank = 2",
    "a ranking has no gaps, and one version": "UPDATE sources SET version = version + 1 WHERE rank = 2",
    "an offer is closed exactly while something stops it": "UPDATE offers SET closed_at = 1 WHERE closed_at IS NULL",
    "an offer is plain exactly when the shelf is all there is to check": "UPDATE offers SET min_quantity = 2 WHERE plain",
    "an offer costs what its newest version in force says": "UPDATE offers SET cost_minor = cost_minor + 1",
    "consigned goods credit their supplier in the currency of the cost":  # broken by a change of the cost alone
    "UPDATE offers SET cost_currency = 'USD' WHERE payable_id IS NOT NULL",
    "a quota is drawn for what its orders have": "UPDATE quota_contracts SET drawn_minor = drawn_minor - 1",
    "a quota is drawn by an order for the units that it has": "UPDATE quota_draws SET quantity = quantity + 1",
    "what came back, and what a source did not bring, may be drawn again, and nothing else":  # broken by a unit that is still out
    "UPDATE quota_draws SET given_back = given_back + 1 WHERE given_back = 0",
    "an open proposal is about the cost that holds": "UPDATE repricings SET cost_minor = cost_minor + 1 WHERE decided_at IS NULL",
}


async def test_every_damage_to_offers_is_found_by_name(shop: Shop, storefront: Storefront, database_url: str) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    _, offer = await under_quota(shop, goods, total_minor=100_000)
    await stock(shop, offer.id, goods.sku_id, 9)
    buyer = await person(shop, storefront, money_minor=200_000)
    kept, returned = [await shop.write(orders.buy, **goods.terms(), buyer_id=buyer.id, quantity=n, once=f"drawn:{n}") for n in (2, 3)]
    assert kept.order_id != returned.order_id
    await shop.write(orders.refund_codes, order_id=returned.order_id, code_ids=None, reason="test", by="test", once="back")
    dear = await put_on_sale(shop, storefront)
    rising = await offered(shop, dear.sku_id)
    await shop.write(supply.set_cost, offer_id=rising.id, cost_minor=9450, cost_currency="CNY", by="test")
    await shop.write(supply.pause_offer, offer_id=rising.id, by="test")
    await assert_sound(shop)

    harms = [Damage(check, "", sql) for check, sql in DAMAGES.items()]
    assert await not_found(shop, database_url, harms) == []
    assert DAMAGES.keys() == OFFERS.keys()
