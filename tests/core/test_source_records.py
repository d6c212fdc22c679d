"""How steady a source was is counted from what became of its orders, and is what a buyer of the next unit is shown."""

from __future__ import annotations

from typing import Any

import pytest

from bot.jobs import jobs_of
from core import aftersale, insight, inventory, orders, supply
from core.aftersale import Reason
from core.database import Shop
from core.storefronts import Storefront
from core.supply import Record
from tests.core.test_cases import deliver
from tests.core.way import another_offer, ask
from tests.stage import Clock, Goods, person, put_on_sale

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


async def count(shop: Shop) -> int:
    """What the timed job does."""
    [job] = [job for job in jobs_of(shop) if job.name == "count-sources"]
    return await job.run()


async def sells(shop: Shop, goods: Goods, count: int, once: str = "o") -> list[tuple[int, int]]:
    """So many orders of one unit, delivered: each with its code."""
    buyer = await person(shop, goods.storefront, money_minor=count * 9500)
    found = []
    for n in range(count):
        receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"{once}{n}", **goods.terms())
        await deliver(shop)
        [(code_id, _)] = await shop.read(inventory.codes_of, receipt.order_id)
        found.append((receipt.order_id, code_id))
    return found


async def test_orders_and_the_cases_about_them_are_counted_by_source(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods, other = await put_on_sale(shop, storefront), await put_on_sale(shop, storefront, name="Riot", count=3)
    assert await count(shop) == 0
    assert await shop.read(supply.stability_of, goods.offer_id) is None
    sold, [(riot, _), *_] = await sells(shop, goods, 22), await sells(shop, other, 2, "r")
    by: dict[str, Any] = {"storefront_id": storefront.id, "by": "test"}
    cases = []
    for order_id, code_id in sold[:4]:
        detail = await shop.read(orders.detail, order_id=order_id)
        assert detail is not None
        facts: dict[str, Any] = {
            "buyer_id": detail.card.buyer_id,
            "order_id": order_id,
            "code_id": code_id,
            "reason": Reason.USED,
            "text": "It is used.",
        }
        cases.append((await shop.write(aftersale.open_case, **facts)).case_id)
    # Lost, undecided; refused and withdrawn do not count.
    await shop.write(aftersale.refund, case_id=cases[0], **by)
    await shop.write(aftersale.refuse, case_id=cases[2], why_text="It works.", **by)
    buyer_id = (await shop.read(orders.detail, order_id=sold[3][0])).card.buyer_id  # type: ignore[union-attr]
    await shop.write(aftersale.withdraw, case_id=cases[3], buyer_id=buyer_id)

    assert await count(shop) == 2
    assert await shop.read(supply.record_of, goods.offer_id) == Record(22, 2, 0)
    assert await shop.read(supply.record_of, other.offer_id) == Record(2, 0, 0)
    # 70 × (22 − 20) / 22 for cases, 20 for what was handed over, and nothing yet for its age.
    assert await shop.read(supply.stability_of, goods.offer_id) == 26
    assert await shop.read(supply.stability_of, other.offer_id) is None, "too few orders to say"
    shown = await shop.read(supply.source_shown, goods.sku_id)
    assert shown is not None and (shown.offer_id, shown.stability) == (goods.offer_id, 26)

    clock.passes(days=91)
    assert await count(shop) == 0, "what is longer ago than the record looks back is forgotten"
    assert await shop.read(supply.stability_of, goods.offer_id) is None
    assert riot


async def test_what_a_source_could_not_make_counts_against_it(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    upstream = await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=2, declared=50, upstream_id=7)
    buyer = await person(shop, storefront, money_minor=9500)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="o", **goods.terms())
    task = await ask(shop, "upstream:7")
    assert await shop.write(orders.task_failed, task_id=task.id, cause="they have none")
    assert await shop.write(insight.count_sources) == 1
    assert await shop.read(supply.record_of, upstream) == Record(1, 0, 1)
