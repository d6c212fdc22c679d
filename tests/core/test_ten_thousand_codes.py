"""A reseller buys ten thousand codes in one order, whatever the limit for others, and they come as a file."""

from __future__ import annotations

import pytest

from core import orders
from core.database import Shop
from core.orders import Parcel, RevealCause
from core.storefronts import Storefront
from handlers.parcel import outgoing
from locales import Speech
from tests.core.props import assert_sound
from tests.reselling import a_reseller
from tests.stage import person, put_on_sale

MANY = 10_000


async def test_ten_thousand_codes_are_one_order_and_one_file(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=MANY + 1, price_minor=1, max_quantity=10)
    buyer, anybody = await a_reseller(shop, storefront, money_minor=2 * MANY), await person(shop, storefront, money_minor=100)
    seen = {"storefront_id": storefront.id, "customer_id": buyer.id, "sku_id": goods.sku_id}
    assert (await shop.read(orders.quote, **seen, quantity=20_000)).quantity == MANY  # type: ignore[arg-type]

    with pytest.raises(orders.WrongQuantity):
        await shop.write(orders.buy, buyer_id=anybody.id, quantity=11, once="anybody", **goods.terms())
    with pytest.raises(orders.WrongQuantity):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=MANY + 1, once="too-many", **goods.terms())
    bought = await shop.write(orders.buy, buyer_id=buyer.id, quantity=MANY, once="many", **goods.terms())

    parcel = await shop.write(
        orders.hand_over, order_id=bought.order_id, cause=RevealCause.SENT, to_telegram_id=buyer.telegram_id, buyer_id=buyer.id
    )
    assert isinstance(parcel, Parcel)
    [message] = outgoing(parcel, Speech("en"), "shop_bot")
    assert message.document is not None and len(message.document) < 1 << 20
    assert len({line for line in message.document.decode("utf-8-sig").splitlines() if line.startswith("TEST-")}) == MANY
    await assert_sound(shop)


async def test_how_much_one_buyer_may_have_holds_for_resellers_too(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, max_quantity=10, max_per_buyer=12)
    buyer = await a_reseller(shop, storefront)

    await shop.write(orders.buy, buyer_id=buyer.id, quantity=12, once="all", **goods.terms())
    with pytest.raises(orders.LimitReached):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="more", **goods.terms())
