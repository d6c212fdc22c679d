"""Every order keeps all its parties and each one's share, and the parts always sum to the sale."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import orders, resellers, settlement, supply
from core.database import Shop, read, write
from core.people import Customer
from core.ports import Fee
from core.settlement import Commission, Parties, SpreadShare, Surcharge, TakeRate, Terms, Tier, Window
from core.storefronts import Storefront
from tests.core.ledgers import assert_books
from tests.core.props import assert_sound
from tests.core.supplies import purse, settled, supplied
from tests.core.traders import consigned
from tests.reselling import a_reseller, add_level
from tests.stage import Clock, Goods, person, put_on_sale

FEE = Fee(basis_points=250, fixed_minor=30, passed_on=True)


async def parties(shop: Shop, order_id: int) -> Parties:
    found = await shop.read(settlement.parties_of, order_id)
    assert found is not None
    return found


async def paid_for(shop: Shop, buyer: Customer, goods: Goods, quantity: int, once: str, fee: Fee = FEE) -> int:
    """An order that is paid by a provider in the shop's own currency; returns its id."""
    facts: dict[str, Any] = {"provider": "test", "pay_currency": "CNY", "seconds": 600, "fee": fee}
    placed = await shop.write(orders.place, buyer_id=buyer.id, quantity=quantity, once=once, **facts, **goods.terms())
    await shop.write(
        orders.settle,
        provider="test",
        event_key=once,
        intent_id=placed.intent.id,
        customer_id=buyer.id,
        amount_minor=placed.intent.amount_minor,
        currency="CNY",
    )
    return placed.order_id


@read
def of_the_house(session: Session) -> int:
    """What the books say the shop has of sales and fees: credits less debits of its own accounts."""
    moved = text(
        "SELECT COALESCE(SUM(CASE WHEN c.kind IN ('sales', 'revenue', 'fees') THEN p.amount_minor ELSE 0 END), 0)"
        " - COALESCE(SUM(CASE WHEN d.kind IN ('sales', 'revenue', 'fees') THEN p.amount_minor ELSE 0 END), 0)"
        " FROM postings p JOIN accounts d ON d.id = p.debit_id JOIN accounts c ON c.id = p.credit_id"
    )
    return int(session.execute(moved).scalar_one())


async def equal_the_books(shop: Shop, order_ids: list[int], supplier_ids: list[int]) -> None:
    """Each order's parts are what was paid for it, and all orders' together what every account has."""
    theirs: Counter[int] = Counter(dict.fromkeys(supplier_ids, 0))
    shop_minor = 0
    for order_id in order_ids:
        one = await parties(shop, order_id)
        assert one.total_minor == one.paid_minor + one.borne_minor - one.refunded_minor
        assert all(part.consigned or not part.minor for part in one.suppliers)
        shop_minor += one.shop_minor
        for part in one.suppliers:
            if part.consigned:
                theirs[part.supplier_id] += part.minor
    for supplier_id in supplier_ids:
        held, due, paying = await shop.read(purse, supplier_id)
        assert theirs[supplier_id] == held + due + paying
    assert shop_minor == await shop.read(of_the_house)


@pytest.mark.parametrize("seed", [1, 2])
async def test_any_orders_parts_sum_to_the_sale_and_are_what_the_books_have(
    shop: Shop, storefront: Storefront, clock: Clock, seed: int
) -> None:
    draws, since = Random(seed), clock()
    extra = Surcharge(exclusive_bp=draws.randrange(500))
    terms: list[Terms] = [SpreadShare(draws.randrange(10_000), extra), TakeRate(draws.randrange(3000), extra)]
    of = [await supplied(shop, storefront, terms=one, price_minor=draws.randint(8000, 12_000), count=60) for one in terms]
    own = await put_on_sale(shop, storefront, name="Own")
    # The shop's own goods and another supplier's of one denomination: an order of many is of both.
    mixed = await put_on_sale(shop, storefront, name="Mixed", count=2)
    await consigned(shop, mixed, of[1].supplier_id, count=60, cost_minor=draws.randint(7000, 9400))
    goods, order_ids = [of[0].goods, of[1].goods, own, mixed], []
    for number in range(10):
        buyer = await person(shop, storefront, money_minor=200_000)
        one, quantity = goods[number % 4], draws.randint(1, 4)
        if number % 3:
            made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity, once=f"order-{number}", **one.terms())
            order_ids.append(made.order_id)
        else:
            fee = Fee(draws.randrange(300), draws.randrange(99), passed_on=bool(draws.randrange(2)))
            order_ids.append(await paid_for(shop, buyer, one, quantity, f"order-{number}", fee))
    suppliers = [one.supplier_id for one in of]
    await equal_the_books(shop, order_ids, suppliers)
    for order_id in draws.sample(order_ids, 5):
        codes = [code.code_id for code in await shop.read(orders.codes_sold, order_id)]
        gone = draws.sample(codes, draws.randint(1, len(codes)))
        await shop.write(orders.refund_codes, order_id=order_id, code_ids=gone, reason="test", by="test", once=f"back-{order_id}")
    await equal_the_books(shop, order_ids, suppliers)
    await settled(shop)
    await equal_the_books(shop, order_ids, suppliers)
    await assert_books(shop, since, clock())
    await assert_sound(shop)


async def test_the_parts_of_one_order_are_everybodys_by_name(shop: Shop, storefront: Storefront) -> None:
    """Two units of a supplier at 85.00 and one of the shop's own, at 95.00 each, paid by a provider at 2.5 % and 0.30."""
    of = await supplied(shop, storefront, terms=TakeRate(1000), count=0)
    goods = await put_on_sale(shop, storefront, name="Mixed", count=1)
    offer_id = await consigned(shop, goods, of.supplier_id, count=5)
    buyer = await person(shop, storefront)
    order_id = await paid_for(shop, buyer, goods, 3, "three")
    before = await parties(shop, order_id)
    assert (before.buyer_id, before.reseller, before.level_id) == (buyer.id, False, None)
    parts = {part.offer_id: (part.name, part.units, part.consigned, part.minor, part.settled) for part in before.suppliers}
    assert parts == {goods.offer_id: ("Test shop", 1, False, 0, False), offer_id: ("Supplier of Steam", 2, True, 17_000, False)}
    assert (before.provider, before.provider_minor, before.borne_minor) == ("test", 761, 743), (
        "they take 2.5 % and 0.30 of all that was paid"
    )
    assert before.shop_minor == 28_500 - 17_000 + 743 - 761

    await settled(shop)
    after = await parties(shop, order_id)
    assert [part.minor for part in after.suppliers if part.settled] == [17_100]
    assert after.shop_minor == 9500 + 1900 + 743 - 761 and after.total_minor == 28_500 + 743
    assert await shop.read(settlement.parties_of, 999_999) is None
    waits = await shop.write(
        orders.place, buyer_id=buyer.id, quantity=1, once="waits", provider="test", pay_currency="CNY", seconds=600, **goods.terms()
    )
    assert await shop.read(settlement.parties_of, waits.order_id) is None, "it is not paid"


@write
def no_more(session: Session, customer_id: int) -> None:
    session.execute(text("UPDATE customers SET wholesale = FALSE, level_id = NULL WHERE id = :id"), {"id": customer_id})


async def test_as_what_the_buyer_bought_is_kept_whoever_they_become(shop: Shop, storefront: Storefront, goods: Goods) -> None:
    silver, gold = await add_level(shop, storefront), await add_level(shop, storefront, rank=2)
    reseller = await a_reseller(shop, storefront, level_id=silver.id)
    plain, levelless = await person(shop, storefront, money_minor=100_000), await a_reseller(shop, storefront)
    terms = goods.terms()

    async def bought(buyer: Customer, once: str, quantity: int = 1) -> int:
        return (await shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity, once=once, **terms)).order_id

    # Gathered with others, many at once, by itself, and paid by a provider: all of them keep it.
    made = [await bought(reseller, "one"), await bought(reseller, "many", 11), await paid_for(shop, reseller, goods, 1, "paid")]
    others = [await bought(plain, "plain"), await bought(levelless, "levelless")]
    at: dict[str, Any] = {"storefront_id": storefront.id, "customer_id": reseller.id, "pinned": False, "by": "telegram:1"}
    await shop.write(resellers.put_at_level, level_id=gold.id, **at)
    later = await bought(reseller, "later")
    await shop.write(no_more, reseller.id)
    last = await bought(reseller, "last")

    kept = [await parties(shop, order_id) for order_id in (*made, *others, later, last)]
    assert [(one.reseller, one.level_id) for one in kept] == [
        *[(True, silver.id)] * 3,
        (False, None),
        (True, None),
        (True, gold.id),
        (False, None),
    ]
    assert {one.buyer_id for one in kept} == {reseller.id, plain.id, levelless.id}


async def test_commission_by_volume_leaves_the_parts_of_an_order_as_they_were_charged(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    """What a window gives back is of all its sales together, and of no single order."""
    of = await supplied(shop, storefront, terms=Commission((Tier(0, 1000), Tier(10_000, 500)), window=Window.DAY))
    buyer = await person(shop, storefront, money_minor=100_000)
    made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once="three", **of.goods.terms())
    clock.passes(days=2)
    await settled(shop)
    one = await parties(shop, made.order_id)
    assert (one.suppliers[0].minor, one.shop_minor, one.total_minor) == (25_650, 2850, 28_500)
    assert (await shop.read(supply.offers, [of.goods.offer_id]))[0].supplier_id == one.suppliers[0].supplier_id
