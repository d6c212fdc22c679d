"""What a rights-holder's complaint holds stays held, by whatever road somebody comes, until it is released; then it sells as before."""

from __future__ import annotations

from typing import Any

import pytest

from core import onboarding, orders, standing, supply
from core.database import Shop
from core.standing import TakedownOf
from core.supply import Stop
from tests.core.listings import alone, listed, lists, paper
from tests.core.props import assert_sound
from tests.core.traders import trader
from tests.stage import Clock, Goods, person, stock


async def jobs(shop: Shop) -> None:
    """Whatever lifts stops by itself has come by."""
    for job in (supply.lift_ended, supply.keep_dates, supply.keep_quotas, supply.guard_losses, onboarding.watch_documents):
        await shop.write(job)
    while await shop.write(standing.void_upheld):
        pass


@pytest.mark.parametrize("about", [TakedownOf.OFFER, TakedownOf.SKU, TakedownOf.PRODUCT, TakedownOf.SUPPLIER, TakedownOf.BRAND])
async def test_what_a_complaint_holds_is_sold_to_nobody_until_it_is_released_and_to_everybody_then(
    shop: Shop, goods: Goods, clock: Clock, about: TakedownOf
) -> None:
    acme, _, offer_id = await listed(shop, goods)
    await alone(shop, goods)
    await stock(shop, offer_id, goods.sku_id, 5)
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    asks: dict[str, Any] = {"buyer_id": buyer.id, **goods.terms()}
    pays: dict[str, Any] = {"provider": "test", "pay_currency": "CNY", "seconds": 3600, "hold": orders.HoldRules()}
    placed = await shop.write(orders.place, quantity=2, once="kept", **asks, **pays)
    of_id = {
        TakedownOf.OFFER: offer_id,
        TakedownOf.SKU: goods.sku_id,
        TakedownOf.PRODUCT: goods.product_id,
        TakedownOf.SUPPLIER: acme.id,
        TakedownOf.BRAND: 0,
    }[about]
    filed: dict[str, Any] = {
        "of": about,
        "of_id": of_id,
        "brand": "Steam" if about is TakedownOf.BRAND else "",
        "who": "Valve",
        "by": "test",
    }
    first = await shop.write(standing.register_takedown, reference="V-1", evidence="Not theirs.", **filed)
    second = await shop.write(standing.register_takedown, reference="V-2", evidence="Nor are these.", **filed)

    async def nobody_buys(mark: str) -> None:
        assert {one.why for one in await shop.read(supply.stops, [offer_id])} == {Stop.TAKEDOWN}
        assert await shop.read(supply.ranked, [goods.sku_id]) == []
        for refused in (
            shop.write(orders.buy, quantity=1, once=f"buy-{mark}", **asks),
            shop.write(orders.place, quantity=1, once=f"place-{mark}", **asks, **pays),
            shop.write(
                orders.reserve, intent_id=placed.intent.id, customer_id=buyer.id, amount_minor=19_000, currency="CNY", hold_seconds=60
            ),
        ):
            with pytest.raises(orders.NotForSale):
                await refused
        with pytest.raises(standing.TakenDown):
            await shop.read(onboarding.may_stock, supplier=acme, sku_id=goods.sku_id, quantity=1)
        [member] = await shop.read(supply.members_of, acme.id)
        with pytest.raises(supply.ObjectedTo):
            await shop.write(
                supply.take_stock_back, offer_id=offer_id, telegram_id=member, customer_id=buyer.id, quantity=1, by=f"telegram:{member}"
            )
        await assert_sound(shop)

    await nobody_buys("at once")
    clock.passes(minutes=20)
    await jobs(shop)
    await nobody_buys("by time")
    assert await shop.write(standing.decide_takedown, takedown_id=first, upheld=False, reason="A contract.", by="test")
    await nobody_buys("by one of two")

    assert await shop.write(standing.decide_takedown, takedown_id=second, upheld=False, reason="The same.", by="test")
    assert await shop.read(supply.stops, [offer_id]) == []
    await shop.write(orders.reserve, intent_id=placed.intent.id, customer_id=buyer.id, amount_minor=19_000, currency="CNY", hold_seconds=60)
    bought = await shop.write(orders.buy, quantity=3, once="after", **asks)
    assert bought.order_id
    await shop.read(onboarding.may_stock, supplier=acme, sku_id=goods.sku_id, quantity=1)
    await assert_sound(shop)


async def test_another_reason_still_stops_what_a_rejected_complaint_lets_go(shop: Shop, goods: Goods) -> None:
    acme, _, offer_id = await listed(shop, goods)
    await alone(shop, goods)
    await stock(shop, offer_id, goods.sku_id, 1)
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    filed: dict[str, Any] = {"of": TakedownOf.OFFER, "of_id": offer_id, "who": "Valve", "reference": "V", "evidence": "-", "by": "test"}
    number = await shop.write(standing.register_takedown, **filed)
    await shop.write(standing.suspend, supplier_id=acme.id, reason="sold used codes", by="test")
    await shop.write(standing.decide_takedown, takedown_id=number, upheld=False, reason="-", by="test")

    assert [one.why for one in await shop.read(supply.stops, [offer_id])] == [Stop.SUSPENDED]
    with pytest.raises(orders.NotForSale):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="still", **goods.terms())
    await assert_sound(shop)


async def test_nothing_is_listed_beside_what_a_complaint_holds(shop: Shop, goods: Goods) -> None:
    filed: dict[str, Any] = {"of": TakedownOf.SKU, "of_id": goods.sku_id, "who": "Valve", "reference": "V", "evidence": "-", "by": "test"}
    number = await shop.write(standing.register_takedown, **filed)
    other = await trader(shop, name="Other")
    document_id = await paper(shop, goods, other.id)

    with pytest.raises(standing.TakenDown):
        await lists(shop, goods, other.id, document_id)
    await shop.write(standing.decide_takedown, takedown_id=number, upheld=False, reason="-", by="test")
    assert not (await lists(shop, goods, other.id, document_id)).waits
    await assert_sound(shop)
