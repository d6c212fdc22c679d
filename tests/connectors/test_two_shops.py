"""Two shops of this software: one buys at the other by the connector, over HTTP, at the real doors of both."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from bot.procuring import Procurer
from bot.serving import Serving
from connectors.suppliers import upstream as open_upstream
from connectors.suppliers.own_shop import OwnShop
from core import api, catalog, fulfilment, integration, inventory, orders, pricing, storefronts, supply
from core.api import NewKey
from core.database import Keyring, Shop
from core.orders import OrderState
from core.people import Customer
from core.ports import Declined, NotSure, UpstreamAsk, UpstreamState
from core.storefronts import Storefront
from tests.bot.buying_there import ADMIN
from tests.core.props import assert_sound, balance
from tests.core.way import another_offer
from tests.databases import maintain
from tests.programs import key_for, reseller
from tests.stage import Clock, Goods, numbers, person, put_on_sale
from web.api import ApiDoor, OwnMemory
from web.app import make_app


class Lossy:
    """The road between them: what comes back of the next orders may be lost after the work was done."""

    def __init__(self, app: Any) -> None:
        self.app, self.lose, self.orders = app, 0, 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        ordering = scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == "/api/v1/orders"
        self.orders += ordering
        if not ordering or self.lose <= 0:
            await self.app(scope, receive, send)
            return
        self.lose -= 1

        async def nowhere(message: Any) -> None:
            pass

        await self.app(scope, receive, nowhere)
        await send({"type": "http.response.start", "status": 504, "headers": []})
        await send({"type": "http.response.body", "body": b"gateway time-out"})


@dataclass
class Seller:
    """The shop that supplies: what it sells, the other shop as its reseller, and the address of its doors."""

    shop: Shop
    storefront: Storefront
    goods: Goods
    buyer: Customer
    key: NewKey
    road: Lossy
    url: str

    def connector(self) -> OwnShop:
        return OwnShop(self.url, self.key.key.name, self.key.secret)

    async def sold(self) -> int:
        found = await self.shop.read(orders.history, buyer_id=self.buyer.id, limit=100)
        return len(found)


@pytest.fixture
async def seller(database: str, request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[Seller]:
    """The other shop, on a database of the same kind."""
    if database == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "seller.db")
        url = f"sqlite:///{tmp_path}/seller.db"
    else:
        server, name = request.getfixturevalue("postgres_server"), f"seller_{next(numbers)}"
        await maintain(server, f"CREATE DATABASE {name} TEMPLATE {request.getfixturevalue('postgres_template')} STRATEGY FILE_COPY")
        url = make_url(server).set(database=name).render_as_string(hide_password=False)
    async with Shop.opened(url, Keyring.generate(), holder="seller", clock=clock) as shop:
        front = await shop.write(storefronts.open_storefront, name="Seller", currency="CNY", language="en")
        goods = await put_on_sale(shop, front, price_minor=850, count=20)
        buyer = await reseller(shop, front)
        road = Lossy(make_app(shop, api=ApiDoor(OwnMemory(since=0), key_seconds=0)))
        serving = Serving(road, "127.0.0.1", 0)  # type: ignore[arg-type]
        await serving.open()
        yield Seller(shop, front, goods, buyer, await key_for(shop, buyer), road, f"http://127.0.0.1:{serving.port}")
        await serving.close()
        await assert_sound(shop, sample=3)


@dataclass
class Linked:
    """The shop that buys: a buyer of its own, and the denomination that only the other has."""

    shop: Shop
    procurer: Procurer
    buyer: Customer
    sku_id: int
    offer_id: int

    async def buys(self, quantity: int = 2) -> int:
        sku = await self.shop.read(catalog.sku, self.sku_id)
        price = (await self.shop.read(pricing.current, storefront_id=self.buyer.storefront_id, sku_ids=[self.sku_id]))[self.sku_id]
        assert sku is not None
        terms = {"storefront_id": self.buyer.storefront_id, "sku_id": sku.id, "price_id": price.id, "rules_version": sku.rules_version}
        once = f"buys-{next(numbers)}"
        receipt = await self.shop.write(orders.buy, buyer_id=self.buyer.id, quantity=quantity, once=once, outside=None, **terms)
        return receipt.order_id

    async def state(self, order_id: int) -> tuple[OrderState, int]:
        found = await self.shop.read(orders.detail, order_id=order_id)
        assert found is not None
        codes = await self.shop.read(inventory.of_order, order_id)
        return found.card.state, len(codes)


@pytest.fixture
async def linked(shop: Shop, storefront: Storefront, seller: Seller) -> AsyncIterator[Linked]:
    procurer = Procurer(shop, open_upstream)
    settings = {"url": seller.url, "key": seller.key.key.name, "secret": seller.key.secret}
    of = await shop.write(integration.add_upstream, storefront=storefront, protocol="own-shop", name="Seller", settings=settings, by=ADMIN)
    await procurer.work_off()
    (item,) = await shop.read(integration.items_of, upstream_id=of.id, page=0, size=10)
    into = {"category_id": None, "category_name": item.category, "search": "steam", "storefront": storefront, "by": ADMIN}
    sku_id = await shop.write(integration.import_item, item_id=item.id, **into)  # type: ignore[arg-type]
    await shop.write(pricing.set_price, storefront_id=storefront.id, sku_id=sku_id, retail_minor=1000, currency="CNY")
    link = await shop.read(integration.item, item.id, storefront_id=storefront.id)
    assert link.offer_id is not None
    yield Linked(shop, procurer, await person(shop, storefront, money_minor=100_000), sku_id, link.offer_id)
    await procurer.close()


async def test_one_shop_sells_what_the_other_has(linked: Linked, seller: Seller) -> None:
    order_id = await linked.buys(3)

    await linked.procurer.work_off()

    assert await linked.state(order_id) == (OrderState.ISSUED, 3)
    assert await balance(seller.shop, seller.buyer) == 1_000_000 - 3 * 850
    theirs = [secret.card_pwd for _, secret in await linked.shop.read(inventory.opened, order_id)]
    [sold] = await seller.shop.read(orders.history, buyer_id=seller.buyer.id)
    assert theirs == [secret.card_pwd for _, secret in await seller.shop.read(inventory.opened, sold.order_id)]
    assert {one.cause for one in await seller.shop.read(orders.shown, sold.order_id)} == {orders.RevealCause.FETCHED}


async def test_an_answer_that_is_lost_after_the_work_is_found_and_nothing_is_bought_twice(
    linked: Linked, seller: Seller, clock: Clock
) -> None:
    seller.road.lose = 1
    order_id = await linked.buys()
    await linked.procurer.work_off()
    assert await linked.state(order_id) == (OrderState.FULFILLING, 0)
    assert await seller.sold() == 1

    for _ in range(3):
        clock.passes(minutes=2)
        await linked.procurer.work_off()

    assert await linked.state(order_id) == (OrderState.ISSUED, 2)
    assert (await seller.sold(), await balance(seller.shop, seller.buyer)) == (1, 1_000_000 - 1700)


async def test_fewer_than_wanted_come_and_the_rest_is_paid_back(linked: Linked, seller: Seller) -> None:
    await seller.shop.write(orders.buy, buyer_id=seller.buyer.id, quantity=18, once="others", outside=None, **seller.goods.terms())
    order_id = await linked.buys(3)

    await linked.procurer.work_off()

    assert await linked.state(order_id) == (OrderState.ISSUED, 2)
    assert await balance(linked.shop, linked.buyer) == 100_000 - 2000


async def test_a_price_that_moved_above_what_it_was_sold_for_buys_nothing(linked: Linked, seller: Seller) -> None:
    order_id = await linked.buys()
    await seller.shop.write(
        pricing.set_price, storefront_id=seller.storefront.id, sku_id=seller.goods.sku_id, retail_minor=1001, currency="CNY"
    )

    await linked.procurer.work_off()

    assert await seller.sold() == 0 and await balance(seller.shop, seller.buyer) == 1_000_000
    assert (await linked.state(order_id))[0] in (OrderState.CANCELLED, OrderState.FULFILLING)


async def test_what_the_seller_gives_back_later_is_noticed(linked: Linked, seller: Seller, clock: Clock) -> None:
    order_id = await linked.buys()
    await linked.procurer.work_off()
    [sold] = await seller.shop.read(orders.history, buyer_id=seller.buyer.id)
    await seller.shop.write(orders.refund_codes, order_id=sold.order_id, code_ids=None, reason="", by="test", once="back")

    for _ in range(6):
        clock.passes(hours=6)
        await linked.procurer.work_off()

    [task] = await linked.shop.read(fulfilment.tasks_of, order_id)
    assert task.reversed_at is not None


async def test_changes_of_the_seller_reach_the_buyer(linked: Linked, seller: Seller, clock: Clock) -> None:
    sid = {"storefront_id": seller.storefront.id}
    await seller.shop.write(api.note_changes, **sid)
    clock.passes(minutes=2)
    await linked.procurer.work_off()
    await seller.shop.write(pricing.set_price, **sid, sku_id=seller.goods.sku_id, retail_minor=900, currency="CNY", tiers=None, by=None)
    clock.passes(seconds=5)
    await seller.shop.write(api.note_changes, **sid)
    clock.passes(minutes=2)
    await linked.procurer.work_off()

    [offer] = await linked.shop.read(supply.offers, [linked.offer_id])
    assert offer.cost_minor == 900


# The connector's calls, each against the real doors


async def test_every_call_of_the_connector_is_answered(seller: Seller) -> None:
    there = seller.connector()
    try:
        mine = await there.prepaid()
        assert (mine.amount_minor, mine.currency, mine.name) == (1_000_000, "CNY", seller.buyer.name)
        page = await there.catalogue()
        [item] = page.items
        assert (item.price_minor, item.stock, item.active) == (850, 20, True)
        assert await there.item(item.key) == item and await there.item("nothing") is None
        asked = UpstreamAsk(number="T1", key=item.key, quantity=2, most_minor=850, currency="CNY", fields={}, callback_url=None)
        first = await there.order(asked)
        again = await there.order(asked)
        assert (first.state, len(first.codes), again.repeated, again.codes) == (UpstreamState.DONE, 2, True, first.codes)
        with pytest.raises(Declined):
            await there.order(
                UpstreamAsk(number="T2", key=item.key, quantity=2, most_minor=849, currency="CNY", fields={}, callback_url=None)
            )
        found = await there.find("T1", None)
        assert found is not None and found.codes == first.codes
        assert await there.find("T2", None) is None
        with pytest.raises((Declined, NotSure)):
            await there.cancel("T1", None)
    finally:
        await there.close()
    assert await seller.sold() == 1


async def test_what_comes_later_is_waited_for_or_cancelled(seller: Seller) -> None:
    goods = await put_on_sale(seller.shop, seller.storefront, name="Later", denomination="Later 1", price_minor=100, count=0)
    await seller.shop.write(another_offer, sku_id=goods.sku_id, cost_minor=80, rank=2, declared=5)
    sku = await seller.shop.read(catalog.sku, goods.sku_id)
    assert sku is not None
    there = seller.connector()
    try:
        asked = UpstreamAsk(number="L1", key=sku.slug, quantity=1, most_minor=100, currency="CNY", fields={}, callback_url=None)
        assert (await there.order(asked)).state is UpstreamState.WORKING
        assert await there.cancel("L1", None) is UpstreamState.FAILED
        found = await there.find("L1", None)
        assert found is not None and found.state is UpstreamState.FAILED
    finally:
        await there.close()
    assert await balance(seller.shop, seller.buyer) == 1_000_000


async def test_a_key_that_was_rotated_works_with_both_secrets_and_one_that_is_disabled_with_none(seller: Seller) -> None:
    fresh = await seller.shop.write(api.rotate, key_id=seller.key.key.id, customer_id=seller.buyer.id, by="test")
    old, new = seller.connector(), OwnShop(seller.url, fresh.key.name, fresh.secret)
    try:
        for each in (old, new):
            assert (await each.prepaid()).currency == "CNY"
        await seller.shop.write(api.disable, key_id=fresh.key.id, customer_id=seller.buyer.id, by="test")
        for each in (old, new):
            with pytest.raises(NotSure):
                await each.prepaid()
    finally:
        await old.close()
        await new.close()
