"""The statement of a wallet: every movement once, in order, page by page, though sales are found by their orders."""

from __future__ import annotations

from core import ledger, orders
from core.database import Shop
from core.ledger import TransferKind
from tests.stage import Goods, give, person, stock


async def test_pages_hold_every_movement_once_newest_first(shop: Shop, goods: Goods) -> None:
    buyer, other = await person(shop, goods.storefront), await person(shop, goods.storefront, money_minor=100_000)
    await stock(shop, goods.offer_id, goods.sku_id, 20)
    expected: list[tuple[TransferKind, int]] = []
    for turn in range(6):
        await give(shop, buyer, 20_000 + turn)
        expected.append((TransferKind.DEPOSIT, 20_000 + turn))
        for once in range(turn % 3):
            bought = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"b:{turn}:{once}", **goods.terms())
            expected.append((TransferKind.SALE, -bought.paid_minor))
        await shop.write(orders.buy, buyer_id=other.id, quantity=1, once=f"o:{turn}", **goods.terms())
    for size in (1, 2, 5, 50):
        seen: list[ledger.Entry] = []
        while page := await shop.read(orders.movements, buyer.id, before=seen[-1].transfer_id if seen else None, limit=size):
            seen += page
        assert [(entry.kind, entry.amount_minor) for entry in reversed(seen)] == expected, size
