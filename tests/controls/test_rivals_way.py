"""Controls: ways to sell and to keep books that are wrong, put through the same stories, which must notice."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.orm import Session

from core import ledger, orders, outbox
from core.audit import audit
from core.database import Shop, now, write
from core.inventory.tables import Code
from core.ledger import Leg, TransferKind
from core.orders.refusals import SoldOut
from core.orders.tables import Order, OrderLine, OrderState
from tests.core.props import aside, at_once
from tests.stage import Goods, person


@write
def buy_the_rivals_way(session: Session, *, goods: Goods, buyer_id: int, wallet_id: int, once: str) -> int:
    """SELECT a free code, then UPDATE it by its id: read-then-update, as it is found in several shops. Returns the order."""
    code = session.execute(
        text("SELECT id FROM codes WHERE offer_id = :offer AND available IS NOT NULL ORDER BY id LIMIT 1"), {"offer": goods.offer_id}
    ).scalar_one_or_none()
    if code is None:
        raise SoldOut(left=0, sku_id=goods.sku_id)
    at = now(session)
    order = Order(
        storefront_id=goods.storefront.id,
        buyer_id=buyer_id,
        once=once,
        once_hash=b"",
        state=OrderState.ISSUED,
        total_minor=9500,
        currency="CNY",
        paid_by="wallet",
        placed_at=at,
        issued_at=at,
    )
    session.add(order)
    session.flush()
    session.execute(
        insert(OrderLine).values(
            order_id=order.id,
            seq=1,
            sku_id=goods.sku_id,
            offer_id=goods.offer_id,
            price_id=goods.price_id,
            quantity=1,
            unit_price_minor=9500,
            unit_cost_minor=0,
            cost_currency="CNY",
        )
    )
    session.execute(update(Code).where(Code.id == code).values(available=None, order_id=order.id))
    ledger.transfer(
        session,
        key=f"sale:{order.id}",
        kind=TransferKind.SALE,
        party_id=buyer_id,
        legs=[Leg(wallet_id, goods.storefront.sales_account_id, 9500, "CNY")],
        subject_id=order.id,
    )
    outbox.post(session, topic=outbox.Topic.DELIVERY, customer_id=buyer_id, order_id=order.id)
    return order.id


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_the_rivals_way_oversells_in_the_same_story(shop: Shop, goods: Goods, database: str) -> None:
    """Two hundred buyers on forty codes, sold by read-then-update: more are charged than there are codes, and the audit names them."""
    buyers = await asyncio.gather(*(person(shop, goods.storefront, money_minor=9500) for _ in range(200)))

    sold, refused = await at_once(
        shop.write(buy_the_rivals_way, goods=goods, buyer_id=buyer.id, wallet_id=buyer.wallet_id, once=f"buy:{buyer.id}")
        for buyer in buyers
    )

    assert len(sold) + len(refused) == 200
    assert len(sold) > 40, "the race did not happen: then the story above proves nothing"
    report = await shop.read(audit)
    assert report.violated["an issued order has the codes its lines name, and no other order has any"] == len(sold) - 40


async def test_a_posting_removed_by_hand_is_found(shop: Shop, goods: Goods, database_url: str) -> None:
    """Who takes a row out of the books behind the shop's back is found by the sums, on both databases."""
    buyer = await person(shop, goods.storefront, money_minor=95_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="a", **goods.terms())
    assert (await shop.read(audit)).clean

    async with aside(database_url) as connection:
        gone = await connection.execute(text("DELETE FROM postings WHERE transfer_id = (SELECT max(id) FROM transfers)"))
        assert gone.rowcount == 1
        await connection.commit()

    report = await shop.read(audit)
    assert set(report.violated) == {
        "a guarded balance is the sum of its postings",
        "a transfer has postings",
        "a sale takes the order's total from its buyer's wallet",
        "the wallets have what all other accounts lack",
    }
    assert any(v.about == f"account {buyer.wallet_id}" and "keeps 76000" in v.detail for v in report.violations)


async def test_a_balance_written_by_hand_is_found(shop: Shop, goods: Goods, database_url: str) -> None:
    """A generous hand in the database: the balance no longer follows from the books."""
    buyer = await person(shop, goods.storefront, money_minor=100)
    async with aside(database_url) as connection:
        await connection.execute(text("UPDATE accounts SET balance_minor = 1000000 WHERE id = :id"), {"id": buyer.wallet_id})
        await connection.commit()
    assert set((await shop.read(audit)).violated) == {
        "a guarded balance is the sum of its postings",
        "the wallets have what all other accounts lack",
    }
