"""Two who change the same row at the same moment: made to happen, not hoped for."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from core import orders
from core.database import Shop
from core.orders import OnceReused, TooLittleMoney
from core.storefronts import Storefront
from tests.core.props import aside, at_once, balance, left
from tests.stage import Goods, person, put_on_sale


@pytest.mark.parametrize("waiting", [1, 3, 8])
@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_a_batch_that_waited_for_a_wallet_reckons_with_what_is_left_in_it(
    shop: Shop, goods: Goods, database: str, database_url: str, waiting: int
) -> None:
    """Another process spends from the wallet while the batch already waits for its row: the batch must see what it left.

    If it reckoned with the balance from before it waited, only the database's own check would stop it, and the whole batch
    would be thrown away (the fixture that reads the log would say so).
    """
    buyer = await person(shop, goods.storefront, money_minor=9500 * 8)
    async with aside(database_url) as other:
        await other.execute(text("UPDATE accounts SET balance_minor = balance_minor - 7 * 9500 WHERE id = :id"), {"id": buyer.wallet_id})
        buying = asyncio.create_task(
            at_once(shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"{n}", **goods.terms()) for n in range(waiting))
        )
        await asyncio.sleep(0.3)
        assert not buying.done(), "the batch waits for the wallet's row"
        await other.commit()
        sold, refused = await buying

    assert len(sold) == 1
    assert all(isinstance(refusal, TooLittleMoney) for refusal in refused)
    assert await balance(shop, buyer) == 0
    assert await left(shop, goods) == 39


@pytest.mark.parametrize("waiting", [1, 3, 8])
@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_money_that_comes_while_a_batch_waits_for_the_wallet_does_not_break_the_batch(
    shop: Shop, goods: Goods, database: str, database_url: str, waiting: int
) -> None:
    """PostgreSQL checks a row's constraints on the version it saw first, before it looks at the one it waited for.

    So a batch that spends what has only just come in would break the floor of a balance that is no longer true, and be
    thrown away whole; the buyers get their cards all the same, but by the slow way and with an error in the log.
    """
    buyer = await person(shop, goods.storefront, money_minor=9500)
    async with aside(database_url) as other:
        await other.execute(text("UPDATE accounts SET balance_minor = balance_minor + 7 * 9500 WHERE id = :id"), {"id": buyer.wallet_id})
        buying = asyncio.create_task(
            at_once(shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"{n}", **goods.terms()) for n in range(waiting))
        )
        await asyncio.sleep(0.3)
        await other.commit()
        sold, refused = await buying

    assert (len(sold), refused) == (waiting, [])
    assert await balance(shop, buyer) == (8 - waiting) * 9500


@pytest.mark.parametrize("quantity", [1, 11])
@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_two_buyers_with_one_key_in_two_processes_at_once_are_one_order_and_one_refusal(
    shop: Shop, storefront: Storefront, database: str, database_url: str, quantity: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody's wallet lock orders them, so the unique key itself decides: the second is refused kindly, not by a broken constraint.

    One card goes by the batch, eleven by the command alone.
    """
    goods = await put_on_sale(shop, storefront, price_minor=1, count=200)
    one, two = [await person(shop, storefront, money_minor=95_000) for _ in range(2)]
    async with Shop.opened(database_url, shop.tools.keys) as other:
        for turn in range(10):
            sold, refused = await at_once(
                [
                    shop.write(orders.buy, buyer_id=one.id, quantity=quantity, once=f"same:{turn}", **goods.terms()),
                    other.write(orders.buy, buyer_id=two.id, quantity=quantity, once=f"same:{turn}", **goods.terms()),
                ]
            )
            assert len(sold) == 1
            assert [type(refusal) for refusal in refused] == [OnceReused]
    caplog.clear()  # The loser's batch is thrown away and run again: that may be logged.


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_one_press_that_reaches_two_processes_is_one_order(
    shop: Shop, goods: Goods, database: str, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A repeated update goes to another worker: both answer with the same order."""
    buyer = await person(shop, goods.storefront, money_minor=95_000)
    async with Shop.opened(database_url, shop.tools.keys) as other:
        for turn in range(10):
            sold, refused = await at_once(
                where.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"same:{turn}", **goods.terms()) for where in (shop, other)
            )
            assert refused == []
            assert len({receipt.order_id for receipt in sold}) == 1
            assert sorted(receipt.repeated for receipt in sold) == [False, True]
    assert await left(shop, goods) == 30
    caplog.clear()  # As above.
