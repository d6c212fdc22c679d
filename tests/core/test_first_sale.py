"""The shortest story: money in, a code out."""

from core import inventory, orders
from core.database import Shop
from tests.stage import Goods, person


async def test_a_purchase_takes_one_code_and_the_price(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront, money_minor=9500)

    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="a", **goods.terms())

    assert receipt.paid_minor == 9500
    assert (await shop.read(inventory.on_shelf, [goods.offer_id]))[goods.offer_id] == 39
