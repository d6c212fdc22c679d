"""Orders of earlier times with several lines of one consigned offer: the books and the audit read each line by itself."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import aftersale, books, orders
from core.database import Shop, write
from core.storefronts import Storefront
from tests.core.ledgers import assert_books
from tests.core.props import assert_sound
from tests.core.supplies import purse, settled, supplied
from tests.stage import Clock, person


@write
def in_two_lines(session: Session, *, order_id: int, first_minor: int, second_minor: int) -> None:
    """One of three units stands in a line of its own, with its own cost; together they cost what was booked."""
    columns = "order_id, sku_id, offer_id, price_id, unit_price_minor, cost_currency"
    session.execute(
        text(
            f"INSERT INTO order_lines ({columns}, seq, quantity, unit_cost_minor) SELECT {columns}, 2, 2, {second_minor} FROM order_lines"
            f" WHERE order_id = {order_id}"
        )
    )
    session.execute(text(f"UPDATE order_lines SET quantity = 1, unit_cost_minor = {first_minor} WHERE order_id = {order_id} AND seq = 1"))


async def test_refunds_of_two_lines_of_one_consigned_offer_agree_with_the_books(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    since, of = clock(), await supplied(shop, storefront)
    buyer = await person(shop, storefront, money_minor=1_000_000)
    made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once="three", **of.goods.terms())
    await shop.write(in_two_lines, order_id=made.order_id, first_minor=8500, second_minor=8500)
    await settled(shop)
    for code in await shop.read(orders.codes_sold, made.order_id):
        await shop.write(
            aftersale.refund_codes, order_id=made.order_id, code_ids=[code.code_id], reason="t", by="test", once=f"back-{code.code_id}"
        )
        await settled(shop)
        await assert_books(shop, since, clock())
        await assert_sound(shop)
    assert await shop.read(purse, of.supplier_id) == (0, 0, 0)


async def test_more_codes_that_take_a_cost_back_than_were_bought_at_it_are_found(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    since, of = clock(), await supplied(shop, storefront)
    buyer = await person(shop, storefront, money_minor=1_000_000)
    made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once="three", **of.goods.terms())
    await shop.write(in_two_lines, order_id=made.order_id, first_minor=8300, second_minor=8600)
    codes = [code.code_id for code in await shop.read(orders.codes_sold, made.order_id)]
    await shop.write(aftersale.refund_codes, order_id=made.order_id, code_ids=codes[:1], reason="t", by="test", once="one")
    await assert_books(shop, since, clock())
    await shop.write(aftersale.refund_codes, order_id=made.order_id, code_ids=codes[1:], reason="t", by="test", once="two")
    found = await shop.read(books.statement, storefront.id, since, clock() + timedelta(seconds=1))
    assert [(one.about, one.detail) for one in found.differences] == [
        (f"order {made.order_id}", f"3 codes of offer {of.goods.offer_id} take back 8300 each")
    ]
