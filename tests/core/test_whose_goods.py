"""What the shop has bought is the shop's, and what a rights-holder objects to goes nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from core import audit, inventory, standing, supply
from core.database import Shop, Write
from core.inventory import Secret
from core.standing import TakedownOf
from core.storefronts import Storefront
from core.supply import NotYours, ObjectedTo, SourceClass, StaysOwned
from tests.core.traders import theirs_alone, trader
from tests.stage import person, put_on_sale, stock

LIN = 8_123_456
OFFERED: dict[str, Any] = {"cost_minor": 8500, "cost_currency": "CNY", "source_class": SourceClass.AUTHORISED, "by": "test"}


async def test_what_the_shop_bought_of_a_supplier_is_not_theirs_to_take_back_to_pause_or_to_declare(
    shop: Shop, storefront: Storefront
) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    acme = await trader(shop, telegram_id=LIN)
    bought = await shop.write(supply.bought_offer, supplier_id=acme.id, sku_id=goods.sku_id, cost_minor=8000, cost_currency="CNY")
    await stock(shop, bought, goods.sku_id, 5)
    lin = await person(shop, storefront, LIN)
    doing: dict[str, Any] = {"offer_id": bought, "telegram_id": LIN, "by": f"telegram:{LIN}"}

    assert await shop.read(supply.offers_with_facts, acme.id) == []
    wants: list[tuple[Write[..., Any], dict[str, Any]]] = [
        (supply.take_stock_back, {"customer_id": lin.id, "quantity": 5}),
        (supply.pause_own, {"paused": True}),
        (supply.declare_own, {"quantity": 100}),
    ]
    for command, more in wants:
        with pytest.raises(NotYours):
            await shop.write(command, **doing, **more)

    assert await shop.read(inventory.on_shelf, [bought]) == {bought: 5}
    [offer] = [one for one in await shop.read(supply.offer_views, sku_id=goods.sku_id) if one.id == bought]
    assert offer.sells and offer.declared is None


async def test_codes_that_a_rights_holder_objects_to_are_not_taken_back_until_that_is_decided(shop: Shop, storefront: Storefront) -> None:
    acme = await trader(shop, telegram_id=LIN)
    goods = await theirs_alone(shop, storefront, acme.id, count=5)
    lin = await person(shop, storefront, LIN)
    taking: dict[str, Any] = {
        "offer_id": goods.offer_id,
        "telegram_id": LIN,
        "customer_id": lin.id,
        "quantity": 5,
        "by": f"telegram:{LIN}",
    }
    takedown = await shop.write(
        standing.register_takedown, of=TakedownOf.OFFER, of_id=goods.offer_id, who="Brand", reference="r", evidence="e", by="telegram:1"
    )
    with pytest.raises(ObjectedTo):
        await shop.write(supply.take_stock_back, **taking)
    assert await shop.read(inventory.on_shelf, [goods.offer_id]) == {goods.offer_id: 5}

    await shop.write(supply.lift, offer_ids=[goods.offer_id], why=supply.Stop.TAKEDOWN, ref=f"takedown:{takedown}", by="telegram:1")
    assert (await shop.write(supply.take_stock_back, **taking)).quantity == 5


async def test_what_the_shop_bought_does_not_become_the_suppliers_by_offering_it_anew(shop: Shop, storefront: Storefront) -> None:
    acme = await trader(shop, telegram_id=LIN)
    first, second = [await put_on_sale(shop, storefront, count=0) for _ in range(2)]
    bought = await shop.write(supply.bought_offer, supplier_id=acme.id, sku_id=first.sku_id, cost_minor=8000, cost_currency="CNY")
    from_upstream = await shop.write(
        supply.new_offer, sku_id=second.sku_id, **OFFERED | {"supplier_id": acme.id, "source_class": SourceClass.UPSTREAM}
    )
    await stock(shop, from_upstream.id, second.sku_id, 5)

    for offer_id, goods in ((bought, first), (from_upstream.id, second)):
        await shop.write(supply.withdraw_offer, offer_id=offer_id, by="test")
        with pytest.raises(StaysOwned):
            await shop.write(supply.new_offer, sku_id=goods.sku_id, **OFFERED | {"supplier_id": acme.id})
        view = await shop.read(supply.offer_view, offer_id)
        assert view is not None and view.owned and view.withdrawn_at is not None

    again = await shop.write(
        supply.new_offer, sku_id=second.sku_id, **OFFERED | {"supplier_id": acme.id, "source_class": SourceClass.UPSTREAM}
    )
    assert again.id == from_upstream.id and again.payable_id is None, "it may be the shop's own again"


async def test_an_offer_that_never_had_a_code_may_be_offered_anew_on_consignment(shop: Shop, storefront: Storefront) -> None:
    acme = await trader(shop, telegram_id=LIN)
    goods = await put_on_sale(shop, storefront, count=0)
    mistaken = await shop.write(
        supply.new_offer, sku_id=goods.sku_id, **OFFERED | {"supplier_id": acme.id, "source_class": SourceClass.UPSTREAM}
    )
    await shop.write(supply.withdraw_offer, offer_id=mistaken.id, by="test")
    right = await shop.write(supply.new_offer, sku_id=goods.sku_id, **OFFERED | {"supplier_id": acme.id})
    assert right.id == mistaken.id and right.payable_id is not None


async def test_the_audit_asks_no_paper_of_a_supplier_for_what_the_shop_bought(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    acme = await trader(shop, telegram_id=LIN)
    bought = await shop.write(supply.bought_offer, supplier_id=acme.id, sku_id=goods.sku_id, cost_minor=8000, cost_currency="CNY")
    # Who acts for the supplier may be of the staff as well.
    lines = ((row, Secret(None, code)) for row, code in enumerate(["B-0001", "B-0002"], 1))
    await inventory.bring_in(shop, offer_id=bought, sku_id=goods.sku_id, source_name="f", by=f"telegram:{LIN}", lines=lines)

    assert (await shop.read(audit.audit, sample=0)).clean
