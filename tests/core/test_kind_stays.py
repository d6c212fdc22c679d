"""What was sold keeps the kind it was sold as, and what an upstream still owes is never a supplier's on consignment."""

from __future__ import annotations

import pytest

from core import catalog, fulfilment, integration, orders, supply
from core.database import Shop
from core.fulfilment import KindIsSold
from core.ports import UpstreamItem
from core.storefronts import Storefront
from core.supply import SourceClass
from tests.core.props import assert_sound
from tests.stage import Clock, person, put_on_sale


async def test_the_kind_of_a_product_stays_as_soon_as_something_of_it_was_sold(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=3)
    await shop.write(fulfilment.set_kind, goods.product_id, kind_name="account", by="test")
    await shop.write(fulfilment.set_kind, goods.product_id, kind_name="code", by="test")
    buyer = await person(shop, storefront, money_minor=100_000)
    fresh = goods.terms() | {
        "rules_version": (
            await shop.read(orders.quote, storefront_id=storefront.id, sku_id=goods.sku_id, customer_id=buyer.id, quantity=1)
        ).sku.rules_version
    }
    bought = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="o", **fresh)

    assert bought.order_id
    with pytest.raises(KindIsSold):
        await shop.write(fulfilment.set_kind, goods.product_id, kind_name="account", by="test")
    await shop.write(fulfilment.set_kind, goods.product_id, kind_name="code", by="test")
    product = await shop.read(catalog.product, goods.product_id)
    assert product is not None and product.kind == "code"
    await assert_sound(shop)


async def test_an_upstreams_offer_that_was_withdrawn_is_not_taken_up_on_consignment(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    of = await shop.write(
        integration.add_upstream, storefront=storefront, protocol="own-shop", name="There", settings={"url": "x"}, by="telegram:1"
    )
    await shop.write(integration.answered, upstream_id=of.id, name="There")
    told = UpstreamItem("k", "Steam", "Cards", 800, "CNY", 7, active=True)
    await shop.write(integration.take_items, upstream_id=of.id, items=[told], asked_at=clock())
    (item,) = await shop.read(integration.items_of, upstream_id=of.id, page=0, size=5)
    offer_id = await shop.write(integration.link_item, item_id=item.id, sku_id=goods.sku_id, storefront=storefront, by="telegram:1")
    buyer = await person(shop, storefront, money_minor=100_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="o", **goods.terms())
    (place,) = await shop.read(supply.places_of, [offer_id])

    await shop.write(integration.unlink_item, item_id=item.id, storefront=storefront, by="telegram:1")
    with pytest.raises(supply.StaysOwned):
        await shop.write(
            supply.new_offer,
            supplier_id=place.supplier_id,
            sku_id=goods.sku_id,
            cost_minor=800,
            cost_currency="CNY",
            source_class=SourceClass.OWN_STOCK,
            by="test",
        )
    await assert_sound(shop)
