"""A shop with goods on their way, and what an intruder does to them: (check, tables whose guards are lost first, statement)."""

from __future__ import annotations

from core import orders
from core.database import Shop
from core.people import Customer
from core.storefronts import Storefront
from tests.core.way import another_offer, ask, secrets
from tests.stage import put_on_sale

DAMAGES: list[tuple[str, str, str]] = [
    (
        "what is in escrow is the total of the orders on their way, each its own",
        "",
        "UPDATE orders SET total_minor = total_minor + 1 WHERE state = 'fulfilling'",
    ),
    (
        "money goes into escrow under its order's key, out of its buyer's wallet, and comes back to it",
        "",
        "UPDATE transfers SET party_id = NULL WHERE kind = 'escrow'",
    ),
    (
        "an order is on its way exactly while one of its tasks is open",
        "",
        "UPDATE tasks SET state = 'failed', ended_at = 1 WHERE ended_at IS NULL",
    ),
    (
        "an order on its way has the codes its lines name, but for what its tasks are to bring",
        "",
        "UPDATE order_lines SET quantity = quantity + 1 WHERE order_id IN (SELECT id FROM orders WHERE state = 'fulfilling')",
    ),
    ("a task has brought as many codes as it says", "", "UPDATE tasks SET got = got - 1 WHERE state = 'done'"),
    (
        "what arrived is of its task's order, and of its own offer",
        "",
        "UPDATE arrived_codes SET offer_id = (SELECT MIN(id) FROM offers)",
    ),
    (
        "a task is of its offer's denomination, and is over when it has brought all",
        "",
        "UPDATE tasks SET sku_id = (SELECT MIN(id) FROM skus)",
    ),
    ("nothing of what was held for the staff was asked for", "", "UPDATE tasks SET held = true WHERE ended_at IS NULL"),
    ("the sources of a denomination are ranked from one on, all by one decision", "", "UPDATE sources SET rank = rank + 5"),
    (
        "a ranking that is in force, or by which something was sold, is kept with its reasons",
        "",
        "UPDATE sources SET version = 99",
    ),
    ("what is declared is never below nothing", "", "UPDATE offers SET declared = -1"),
]


async def live_on_the_way(shop: Shop, storefront: Storefront, buyer: Customer) -> tuple[int, int]:
    """One order came by a task, another waits for its own; returns both."""
    goods = await put_on_sale(shop, storefront, name="On order", denomination="On order 30", price_minor=3000, count=1)
    await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=2500, rank=2, declared=9, upstream_id=7, consigned=True)
    came = await shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once="on-order", **goods.terms())
    task = await ask(shop, "upstream:7")
    await shop.write(orders.arrived, task_id=task.id, secrets=secrets("WAY-1", "WAY-2"), done=True, cause="came")
    waits = await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="on-order-too", **goods.terms())
    return came.order_id, waits.order_id
