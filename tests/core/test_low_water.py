"""The low-water mark: a hint that keeps the next code near, and never the reason why somebody gets none."""

from __future__ import annotations

from core import inventory, orders, rates
from core.database import Shop
from core.inventory import Secret
from core.storefronts import Storefront
from tests.core.props import STAR_RATE, assert_sound, at_once, left, place, reserve
from tests.stage import Clock, Goods, person, put_on_sale, stock


async def test_a_misleading_mark_is_dropped_by_the_first_purchase_that_meets_it(shop: Shop, goods: Goods) -> None:
    """Another process sold on, or put back: the mark of this one may lie above everything that is left."""
    buyer = await person(shop, goods.storefront, money_minor=95_000)
    shop.tools.low_water[goods.sku_id] = goods.offer_id, 10**9

    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="a", **goods.terms())

    assert not receipt.repeated
    assert shop.tools.low_water.get(goods.sku_id, (0, 0))[1] < 10**9


async def test_many_buyers_behind_a_misleading_mark_are_all_served(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront, money_minor=9500 * 40)
    shop.tools.low_water[goods.sku_id] = goods.offer_id, 10**9

    sold, refused = await at_once(shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"{n}", **goods.terms()) for n in range(40))

    assert (len(sold), refused) == (40, [])
    assert shop.tools.low_water.get(goods.sku_id, (0, 0))[1] < 10**9
    await assert_sound(shop)


async def test_a_mark_of_another_source_is_not_believed(shop: Shop, goods: Goods) -> None:
    """The ranking moved to another offer: its codes may all be older than what was sold last."""
    buyer = await person(shop, goods.storefront, money_minor=9500)
    shop.tools.low_water[goods.sku_id] = goods.offer_id + 1, 10**9
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="a", **goods.terms())
    assert await left(shop, goods) == 39


async def test_a_batch_staged_early_and_published_late_is_sold(shop: Shop, storefront: Storefront) -> None:
    """Its numbers lie below what was sold in the meantime; the mark must not hide it."""
    goods = await put_on_sale(shop, storefront, count=0)
    early = await shop.write(inventory.open_batch, offer_id=goods.offer_id, sku_id=goods.sku_id, source_name="early", by="test")
    sealed = list(inventory.seal(shop.tools.keys, early, [(n, Secret(f"EARLY-{n}")) for n in range(1, 4)]))
    await shop.write(inventory.stage, batch_id=early.id, offer_id=goods.offer_id, sealed=sealed)
    await stock(shop, goods.offer_id, goods.sku_id, 2)
    buyer = await person(shop, storefront, money_minor=9500 * 5)
    for n in range(2):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"late:{n}", **goods.terms())
    while await shop.write(inventory.publish, batch_id=early.id):
        pass
    for n in range(3):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"early:{n}", **goods.terms())
    assert await left(shop, goods) == 0
    await assert_sound(shop)


async def test_first_in_is_first_out_and_what_comes_back_goes_to_the_tail(shop: Shop, goods: Goods, clock: Clock) -> None:
    """A code that was held and came back waits behind all that never left."""
    buyer = await person(shop, goods.storefront, money_minor=9500 * 40)
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=STAR_RATE, source="test")
    held = await place(shop, buyer, goods, once="held", quantity=3)
    await reserve(shop, buyer, held)
    clock.passes(seconds=301)
    assert await shop.write(orders.release_lapsed_holds) == 1

    order_of_sale = []
    for n in range(40):
        receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"{n}", **goods.terms())
        parcel = await shop.write(
            orders.reveal, order_id=receipt.order_id, cause=orders.RevealCause.SHOWN, to_telegram_id=buyer.telegram_id
        )
        order_of_sale += [secret.joined() for line in parcel.lines for secret in line.secrets]

    came_in = sorted(order_of_sale)  # The codes of a test are numbered as they come in.
    assert order_of_sale == came_in[3:] + came_in[:3]
