"""What is on the shelf: low stock is told once, and a code is found by typing it, and voided."""

from __future__ import annotations

import asyncio

from core import catalog, insight, inventory, orders, outbox, people, supply
from core.database import Shop
from core.inventory import Secret
from core.outbox import Topic
from handlers.admin.desk import Do, Go
from tests.admin.direct import at_the_desk
from tests.stage import Goods, person, put_on_sale, stock


async def alerts(shop: Shop) -> list[tuple[int, dict[str, object]]]:
    """Every alert that waits, taken out of the outbox."""
    leased = await shop.write(outbox.lease, worker="test", most=100, seconds=60)
    for message in leased:
        await shop.write(outbox.done, message_id=message.id, worker="test")
    return [(message.customer_id, message.body) for message in leased if message.topic is Topic.ALERT]


async def test_low_stock_is_told_once_to_each_of_the_staff_and_again_after_a_restock(shop: Shop, goods: Goods) -> None:
    first = await person(shop, goods.storefront, telegram_id=61)
    second = await person(shop, goods.storefront, telegram_id=62)
    buyer = await person(shop, goods.storefront, money_minor=10_000_000)
    await shop.write(people.set_admins_from_settings, storefront_id=goods.storefront.id, telegram_ids=[61, 62, 63])
    await shop.write(catalog.change_sku, goods.sku_id, low_stock_at=5)
    sku = await shop.read(catalog.sku, goods.sku_id)
    assert sku is not None
    terms = goods.terms() | {"rules_version": sku.rules_version}

    assert await shop.write(insight.alert_low_stock) == 0
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=35, once="most", **terms)
    assert await shop.write(insight.alert_low_stock) == 1
    assert await shop.write(insight.alert_low_stock) == 0
    told = await alerts(shop)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="more", **terms)
    assert await shop.write(insight.alert_low_stock) == 0
    await stock(shop, goods.offer_id, goods.sku_id, 40)
    assert await shop.write(insight.alert_low_stock) == 0
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=40, once="again", **terms)
    assert await shop.write(insight.alert_low_stock) == 1

    # Admin 63 has never pressed /start: the bot cannot write to them.
    assert told == [(admin.id, {"says": "low-stock", "sku": goods.sku_id, "left": 5}) for admin in (first, second)]
    assert [body["left"] for _, body in await alerts(shop)] == [4, 4]


async def test_two_jobs_at_once_tell_of_low_stock_once(shop: Shop, goods: Goods) -> None:
    await person(shop, goods.storefront, telegram_id=61)
    await shop.write(people.set_admins_from_settings, storefront_id=goods.storefront.id, telegram_ids=[61])
    await shop.write(catalog.change_sku, goods.sku_id, low_stock_at=100)

    told = await asyncio.gather(*[shop.write(insight.alert_low_stock) for _ in range(6)])

    assert sum(told) == 1
    assert len(await alerts(shop)) == 1


async def test_while_nobody_can_be_told_the_alert_is_kept(shop: Shop, goods: Goods) -> None:
    await shop.write(catalog.change_sku, goods.sku_id, low_stock_at=100)
    await shop.write(people.set_admins_from_settings, storefront_id=goods.storefront.id, telegram_ids=[61])
    assert await shop.write(insight.alert_low_stock) == 0

    await person(shop, goods.storefront, telegram_id=61)

    assert await shop.write(insight.alert_low_stock) == 1


async def test_a_code_is_found_by_typing_it_and_taken_off_the_shelf_once(shop: Shop, goods: Goods) -> None:
    code, other = await stock(shop, goods.offer_id, goods.sku_id, 2)
    desk = await at_the_desk(shop, goods.storefront)

    found = await desk.answers("code.find", 0, f" {code.lower()} ")
    place = await shop.read(inventory.find_code, Secret(None, code))
    assert place is not None
    done = await desk.presses(Do(act="void", id=place.code_id))
    again = await desk.presses(Do(act="void", id=place.code_id))

    assert "It is on the shelf." in found and "batch" in found and code not in found
    assert "It is void" in done
    assert "no longer on the shelf" in again
    assert await shop.read(supply.left, [goods.sku_id]) == {goods.sku_id: 41}
    untouched = await shop.read(inventory.find_code, Secret(None, other))
    assert untouched is not None and untouched.place == "shelf"


async def test_a_sold_code_leads_to_its_order_and_cannot_be_voided(shop: Shop, goods: Goods) -> None:
    alone = await put_on_sale(shop, goods.storefront, name="Alone", denomination="Alone 1", count=0)
    (code,) = await stock(shop, alone.offer_id, alone.sku_id, 1)
    buyer = await person(shop, goods.storefront, money_minor=10_000)
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **alone.terms())
    desk = await at_the_desk(shop, goods.storefront)

    found = await desk.answers("code.find", 0, code)
    buttons = desk.keyboard()
    place = await shop.read(inventory.find_code, Secret(None, code))
    assert place is not None
    await desk.presses(Do(act="void", id=place.code_id))

    assert "It is sold." in found and receipt.number in found
    assert Go(to="order", id=receipt.order_id).pack() in buttons
    assert not any(data.startswith("adm:void") for data in buttons)
    still = await shop.read(inventory.code_place, place.code_id)
    assert still is not None and still.place == "sold" and still.order_id == receipt.order_id


async def test_what_the_shop_never_had_is_said_without_repeating_it(shop: Shop, goods: Goods) -> None:
    desk = await at_the_desk(shop, goods.storefront)

    said = await desk.answers("code.find", 0, "SOMEBODY-ELSES-CODE")

    assert "The shop never had this code" in said and "SOMEBODY" not in said


async def test_the_shelf_shows_every_place_and_the_overview_the_emptiest_first(shop: Shop, goods: Goods) -> None:
    await put_on_sale(shop, goods.storefront, name="Bare", denomination="Bare 1", count=0)
    desk = await at_the_desk(shop, goods.storefront)

    shelf = await desk.presses(Go(to="shelf", id=goods.sku_id))
    await desk.presses(Go(to="stock"))

    assert "On the shelf: 40" in shelf and "Sold: 0" in shelf and "Void: 0" in shelf
    assert desk.keyboard()[0] != Go(to="shelf", id=goods.sku_id).pack()
    assert desk.keyboard()[1] == Go(to="shelf", id=goods.sku_id).pack()
