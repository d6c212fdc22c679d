"""Commitments where units come another way than straight from the shelf: another source's failure, what is called off, a replacement."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest

from core import aftersale, inventory, orders, rates, supply
from core.aftersale import Reason
from core.database import Shop
from core.storefronts import Storefront
from core.supply import Offer, Precedence, Promise, SourceClass
from tests.core.offering import offered
from tests.core.props import place, reserve, settle
from tests.core.way import ask
from tests.stage import Clock, Goods, person, put_on_sale, stock

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


async def promised(shop: Shop, offer: Offer, clock: Clock, quantity: int, precedence: Precedence = Precedence.PRIORITY) -> int:
    until = clock() + timedelta(days=9)
    facts = {"precedence": precedence, "promised_by": Promise.BOTH, "quantity": quantity, "until": until, "by": "telegram:1"}
    return await shop.write(supply.commit, offer_id=offer.id, **facts)  # type: ignore[arg-type]


async def counted(shop: Shop, commitment_id: int) -> tuple[int, int]:
    """How many were drawn, and how many not brought."""
    [found] = await shop.read(supply.commitment_reports, commitment_id=commitment_id)
    return found.drawn, found.failed


async def two(shop: Shop, storefront: Storefront, clock: Clock, *, declares: int) -> tuple[Goods, int, int]:
    """Goods that an upstream shop has alone as long as it has any, and somebody's shelf; returns both commitments."""
    goods = await put_on_sale(shop, storefront, count=0)
    far = await offered(shop, goods.sku_id, source_class=SourceClass.UPSTREAM, upstream_id=7, declared=declares)
    near = await offered(shop, goods.sku_id)
    await stock(shop, near.id, goods.sku_id, 5)
    return goods, await promised(shop, far, clock, 9, Precedence.EXCLUSIVE), await promised(shop, near, clock, 9)


async def test_what_stands_in_for_a_source_that_failed_counts_for_its_own_commitment(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    goods, far, near = await two(shop, storefront, clock, declares=6)
    buyer = await person(shop, storefront, money_minor=100_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=4, once="four", **goods.terms())
    assert (await counted(shop, far), await counted(shop, near)) == ((4, 0), (0, 0))

    task = await ask(shop, "upstream:7")
    await shop.write(orders.task_failed, task_id=task.id, cause="declined")

    assert (await counted(shop, far), await counted(shop, near)) == ((0, 4), (4, 0))


async def test_what_is_called_off_before_anybody_was_asked_may_be_drawn_again_and_nobody_failed(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    goods, far, near = await two(shop, storefront, clock, declares=3)
    buyer = await person(shop, storefront, money_minor=100_000)
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=4, once="four", **goods.terms())
    assert (await counted(shop, far), await counted(shop, near)) == ((3, 0), (1, 0))

    assert await shop.write(orders.call_off, order_id=receipt.order_id, by="telegram:1", reason="") == 4

    assert (await counted(shop, far), await counted(shop, near)) == ((0, 0), (0, 0))


async def test_a_code_that_replaces_another_sources_counts_too(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront, count=1)
    buyer = await person(shop, storefront, money_minor=100_000)
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **goods.terms())
    await shop.write(orders.reveal, order_id=receipt.order_id, cause=orders.RevealCause.SENT, to_telegram_id=buyer.telegram_id)
    [code] = await shop.read(orders.codes_sold, receipt.order_id)
    near = await offered(shop, goods.sku_id)
    await stock(shop, near.id, goods.sku_id, 2)
    kept = await promised(shop, near, clock, 5)
    case = await shop.write(aftersale.open_case, buyer_id=buyer.id, order_id=receipt.order_id, code_id=code.code_id, reason=Reason.USED)

    await shop.write(aftersale.replace, case_id=case.case_id, storefront_id=storefront.id, by="test")

    assert await counted(shop, kept) == (1, 0)


async def test_what_fails_after_a_commitment_was_called_off_leaves_its_books_sound(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    """The draws of what is over stay as they were; the audit, which looks in the end, does not take that for a mistake."""
    goods = await put_on_sale(shop, storefront, count=1)
    far = await offered(shop, goods.sku_id, source_class=SourceClass.UPSTREAM, upstream_id=7, declared=6)
    kept = await promised(shop, far, clock, 9, Precedence.EXCLUSIVE)
    buyer = await person(shop, storefront, money_minor=100_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once="three", **goods.terms())
    task = await ask(shop, "upstream:7")
    await shop.write(supply.call_off_commitment, commitment_id=kept, by="telegram:1")

    await shop.write(orders.task_failed, task_id=task.id, cause="declined")

    assert (await counted(shop, kept))[0] == 3


async def test_an_upstream_that_is_linked_again_still_has_its_commitment(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront, count=5)
    upstream = await shop.write(supply.new_upstream_supplier, name="Up")
    linked = {"supplier_id": upstream, "sku_id": goods.sku_id, "upstream_id": 7, "cost_minor": 9000, "cost_currency": "CNY", "declared": 9}
    offer_id = await shop.write(supply.upstream_offer, **linked)  # type: ignore[arg-type]
    [offer] = await shop.read(supply.offers, [offer_id])
    kept = await promised(shop, offer, clock, 5, Precedence.EXCLUSIVE)
    await shop.write(supply.withdraw_upstream_offer, offer_id=offer_id)
    assert await shop.write(supply.upstream_offer, **linked) == offer_id  # type: ignore[arg-type]

    buyer = await person(shop, storefront, money_minor=100_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **goods.terms())

    assert (await counted(shop, kept))[0] == 1


async def test_what_is_kept_for_a_payer_is_drawn_as_the_sale_draws_it(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    """One unit of the dearer source is promised: one is kept of it, and the others come from the cheaper one."""
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(9), source="test")
    goods = await put_on_sale(shop, storefront, count=20)
    dear = await offered(shop, goods.sku_id, cost_minor=9400)
    await stock(shop, dear.id, goods.sku_id, 20)
    kept = await promised(shop, dear, clock, 1)
    payer = await person(shop, storefront)
    placed = await place(shop, payer, goods, once="held", quantity=5)
    await reserve(shop, payer, placed)

    assert (await settle(shop, payer, placed, event="paid")).issued

    lines = await shop.read(orders.sold_lines, [placed.order_id])
    assert {line.offer_id: line.units for line in lines} == {dear.id: 1, goods.offer_id: 4}
    assert await counted(shop, kept) == (1, 0)


async def test_nothing_is_kept_of_a_shelf_while_an_exclusive_source_declares_enough(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(9), source="test")
    goods, far, near = await two(shop, storefront, clock, declares=6)
    few, many = await person(shop, storefront), await person(shop, storefront)
    held = {}
    for payer, quantity in ((few, 2), (many, 8)):
        placed = await place(shop, payer, goods, once=f"held-{quantity}", quantity=quantity)
        await reserve(shop, payer, placed)
        held[quantity] = await shop.read(inventory.held_of, goods.sku_id)
        await settle(shop, payer, placed, event=f"paid-{quantity}")
        assert await shop.read(inventory.held_of, goods.sku_id) == 0
    assert held == {2: 0, 8: 4}
    assert (await counted(shop, far), await counted(shop, near)) == ((6, 0), (4, 0))


async def test_one_unit_that_is_promised_is_kept_for_one_payer(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(9), source="test")
    goods = await put_on_sale(shop, storefront, count=20)
    dear = await offered(shop, goods.sku_id, cost_minor=9400)
    await stock(shop, dear.id, goods.sku_id, 20)
    await promised(shop, dear, clock, 1)
    waiting = []
    for number in range(3):
        payer = await person(shop, storefront)
        placed = await place(shop, payer, goods, once=f"held-{number}")
        await reserve(shop, payer, placed)
        waiting.append((payer, placed))
    units = 0
    for payer, placed in waiting:
        assert (await settle(shop, payer, placed, event=f"paid-{placed.order_id}")).issued
        units += sum(line.units for line in await shop.read(orders.sold_lines, [placed.order_id]) if line.offer_id == dear.id)
    assert units == 1
