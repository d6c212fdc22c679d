"""What was made for one buyer is nobody else's, and a code comes in another's place only from where that buyer may have it."""

from __future__ import annotations

from typing import Any

import pytest

from core import aftersale, audit, catalog, fulfilment, inventory, orders, supply
from core.aftersale import MadeForBuyer, NothingToReplace, Reason
from core.database import Shop
from core.people import Customer
from core.storefronts import Storefront
from tests.core.traders import consigned, trader
from tests.core.way import secrets
from tests.stage import Goods, chat_of, person, put_on_sale

BY: dict[str, Any] = {"reason": "test", "by": "test"}


async def memberships(shop: Shop, storefront: Storefront) -> Goods:
    """Places in a group, each made when it is bought."""
    goods = await put_on_sale(shop, storefront, count=0)
    sku = await shop.read(catalog.sku, goods.sku_id)
    assert sku is not None
    await shop.write(fulfilment.set_kind, sku.product_id, kind_name="membership", terms={"chat_id": -1001, "days": 30}, by="test")
    sku = await shop.read(catalog.sku, goods.sku_id)
    assert sku is not None
    goods.rules_version = sku.rules_version
    await shop.write(supply.to_be_made, storefront=storefront, sku_id=goods.sku_id, declared=10)
    return goods


async def made_for(shop: Shop, goods: Goods, buyer: Customer, link: str) -> int:
    """An order whose unit was made; its id."""
    order = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=link, **goods.terms())
    [task] = await shop.read(fulfilment.tasks_of, order.order_id)
    await shop.write(orders.arrived, task_id=task.id, secrets=secrets(link), done=True, cause="test")
    return order.order_id


async def complained(shop: Shop, order_id: int, buyer: Customer) -> int:
    """A case about the only code of an order that was shown."""
    await shop.write(orders.reveal, order_id=order_id, cause=orders.RevealCause.SHOWN, to_telegram_id=await chat_of(shop, order_id))
    [code] = await shop.read(orders.codes_sold, order_id)
    case = await shop.write(aftersale.open_case, order_id=order_id, code_id=code.code_id, buyer_id=buyer.id, reason=Reason.USED)
    return case.case_id


async def test_what_was_made_for_one_buyer_is_void_when_it_is_refunded_and_replaces_nothing(shop: Shop, storefront: Storefront) -> None:
    goods = await memberships(shop, storefront)
    ann, bob = [await person(shop, storefront, money_minor=100_000) for _ in range(2)]
    of_bob = await made_for(shop, goods, bob, "LINK-OF-BOB")
    of_ann = await made_for(shop, goods, ann, "LINK-OF-ANN")

    refunded = await shop.write(orders.refund_codes, order_id=of_ann, code_ids=None, once="ann", **BY)
    assert (refunded.returned, refunded.void) == (0, 1)
    offers = [offer.id for offer in await shop.read(supply.ranked, [goods.sku_id])]
    assert set((await shop.read(inventory.on_shelf, offers)).values()) == {0}

    case_id = await complained(shop, of_bob, bob)
    with pytest.raises(MadeForBuyer):
        await shop.write(aftersale.replace, case_id=case_id, storefront_id=storefront.id, by="test")
    assert [secret.joined() for _, secret in await shop.read(inventory.opened, of_bob)] == ["LINK-OF-BOB"]
    assert (await shop.read(audit.audit, sample=0)).clean


async def test_a_code_comes_in_anothers_place_only_from_where_the_buyer_may_have_it(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=1)
    acme = await trader(shop)
    turkish = await consigned(shop, goods, acme.id, count=2)
    await shop.write(supply.change_offer, offer_id=turkish, region="TR", by="test")
    buyer = await person(shop, storefront, money_minor=100_000)
    order = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **goods.terms())
    case_id = await complained(shop, order.order_id, buyer)
    replacing: dict[str, Any] = {"case_id": case_id, "storefront_id": storefront.id, "by": "test"}

    with pytest.raises(NothingToReplace):
        await shop.write(aftersale.replace, **replacing)
    await shop.write(supply.change_offer, offer_id=turkish, clear=["region"], min_quantity=2, by="test")
    with pytest.raises(NothingToReplace):
        await shop.write(aftersale.replace, **replacing)
    await shop.write(supply.change_offer, offer_id=turkish, clear=["min_quantity"], by="test")
    await shop.write(aftersale.replace, **replacing)
    assert [code.offer_id for code in await shop.read(inventory.of_order, order.order_id)] == [turkish]


async def test_a_code_in_anothers_place_draws_the_quota_of_its_offer_and_none_comes_when_that_is_used_up(
    shop: Shop, storefront: Storefront
) -> None:
    goods = await put_on_sale(shop, storefront, count=2)
    await shop.write(catalog.change_sku, goods.sku_id, face_value_minor=10_000, face_currency="CNY")
    sku = await shop.read(catalog.sku, goods.sku_id)
    assert sku is not None
    goods.rules_version = sku.rules_version
    acme = await trader(shop)
    theirs = await consigned(shop, goods, acme.id, count=3)
    quota_id = await shop.write(supply.new_quota, supplier_id=acme.id, currency="CNY", face_total_minor=15_000, discount_bp=1500, by="test")
    await shop.write(supply.change_offer, offer_id=theirs, quota_id=quota_id, by="test")
    buyer = await person(shop, storefront, money_minor=100_000)
    bought, cases = [], []
    for once in ("one", "two"):
        order = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=once, **goods.terms())
        bought.append(order.order_id)
        cases.append(await complained(shop, order.order_id, buyer))

    await shop.write(aftersale.replace, case_id=cases[0], storefront_id=storefront.id, by="test")
    drawn = await shop.read(supply.quota, quota_id)
    assert drawn is not None and drawn.drawn_minor == 10_000
    with pytest.raises(NothingToReplace):
        await shop.write(aftersale.replace, case_id=cases[1], storefront_id=storefront.id, by="test")

    # Who brought a bad code brings a good one for it: that draws nothing more.
    again = await complained(shop, bought[0], buyer)
    await shop.write(aftersale.replace, case_id=again, storefront_id=storefront.id, by="test")
    drawn = await shop.read(supply.quota, quota_id)
    assert drawn is not None and drawn.drawn_minor == 10_000
    assert (await shop.read(audit.audit, sample=0)).clean
