"""The money of a supplier from the sale to released: shared by contract, taken back exactly, held as long as somebody may complain."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core import aftersale, orders, settlement, supply
from core.database import Shop
from core.settlement import Commission, FixedCost, NotInThePast, SpreadShare, Surcharge, TakeRate, Terms, Tier, Window
from core.storefronts import Storefront
from core.supply import Standing, Stop
from tests.core.ledgers import assert_books
from tests.core.props import assert_sound
from tests.core.supplies import Supplied, earned, give_offer, purse, released, settled, supplied, unshared
from tests.stage import Clock, person, put_on_sale

BY: dict[str, Any] = {"reason": "test", "by": "test"}


async def buy(shop: Shop, storefront: Storefront, of: Supplied, quantity: int, once: str) -> tuple[int, Any]:
    """A buyer with enough money buys so many; returns the order and the buyer."""
    buyer = await person(shop, storefront, money_minor=10_000_000)
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity, once=once, **of.goods.terms())
    return receipt.order_id, buyer


async def total(shop: Shop, of: Supplied) -> int:
    held, due, paying = await shop.read(purse, of.supplier_id)
    return held + due + paying


async def codes(shop: Shop, order_id: int) -> list[int]:
    return [code.code_id for code in await shop.read(orders.codes_sold, order_id) if not code.refunded]


@pytest.mark.parametrize(
    ("terms", "supplier", "label", "shop_gets"),
    [
        (None, 25_500, "spread", 3000),
        (FixedCost(), 25_500, "spread", 3000),
        (SpreadShare(3000), 26_400, "spread", 2100),
        (TakeRate(1000), 25_650, "commission", 2850),
        (Commission((Tier(0, 800),)), 26_220, "commission", 2280),
    ],
)
async def test_a_sale_is_shared_by_its_contract_and_all_of_it_is_somebodys(
    shop: Shop, storefront: Storefront, clock: Clock, terms: Terms | None, supplier: int, label: str, shop_gets: int
) -> None:
    since, of = clock(), await supplied(shop, storefront, terms=terms)
    await buy(shop, storefront, of, 3, "first")
    assert await shop.read(purse, of.supplier_id) == (25_500, 0, 0), "the sale itself credits the cost"

    await settled(shop)

    assert await shop.read(purse, of.supplier_id) == (supplier, 0, 0)
    assert await shop.read(earned, storefront, label) == shop_gets
    assert supplier + shop_gets == 3 * 9500
    assert await shop.read(unshared, storefront) == 0
    await released(shop, clock)
    assert await shop.read(purse, of.supplier_id) == (0, supplier, 0)
    await assert_books(shop, since, clock())
    await assert_sound(shop)


async def test_a_discount_is_the_shops_and_goods_below_cost_too(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    from core import coupons

    since, of = clock(), await supplied(shop, storefront, terms=SpreadShare(5000))
    coupon = await shop.write(coupons.draft, storefront_id=storefront.id, word="HALF", currency="CNY", by="test", basis_points=5000)
    await shop.write(coupons.switch_on, coupon.id, storefront_id=storefront.id, by="test")
    buyer = await person(shop, storefront, money_minor=1_000_000)
    made = await shop.write(orders.buy_with, buyer_id=buyer.id, quantity=3, once="half", coupon_id=coupon.id, **of.goods.terms())
    assert made.paid_minor == 14_250

    await settled(shop)

    assert await shop.read(purse, of.supplier_id) == (27_000, 0, 0)
    assert (await shop.read(earned, storefront, "spread"), await shop.read(earned, storefront, "discounts")) == (1500, -14_250)
    assert await shop.read(unshared, storefront) == 0
    for code_id in await codes(shop, made.order_id):
        await shop.write(orders.refund_codes, order_id=made.order_id, code_ids=[code_id], once=f"back-{code_id}", **BY)
        await settled(shop)
    assert await shop.read(purse, of.supplier_id) == (0, 0, 0)
    assert [await shop.read(earned, storefront, label) for label in ("spread", "discounts")] == [0, 0]
    assert await shop.read(unshared, storefront) == 0
    await assert_books(shop, since, clock())
    await assert_sound(shop)


@pytest.mark.parametrize("late", [False, True], ids=["held", "released"])
async def test_refunds_take_back_exactly_what_their_codes_had_earned(shop: Shop, storefront: Storefront, clock: Clock, late: bool) -> None:
    """30 % of a spread of 0.05 and a surcharge: three units that do not divide."""
    since = clock()
    of = await supplied(shop, storefront, terms=SpreadShare(3333, Surcharge(custom_bp=77)), cost_minor=9001, price_minor=9008)
    order_id, _ = await buy(shop, storefront, of, 3, "three")
    await settled(shop)
    whole = (await shop.read(purse, of.supplier_id))[0]
    if late:
        await released(shop, clock)
        assert await shop.read(purse, of.supplier_id) == (0, whole, 0)
    took = []
    for code_id in await codes(shop, order_id):
        before = await total(shop, of)
        await shop.write(orders.refund_codes, order_id=order_id, code_ids=[code_id], once=f"back-{code_id}", **BY)
        await settled(shop)
        took.append(before - await total(shop, of))
        held, _, _ = await shop.read(purse, of.supplier_id)
        assert held >= 0

    assert sum(took) == whole and max(took) - min(took) <= 1
    assert await shop.read(purse, of.supplier_id) == (0, 0, 0)
    assert await shop.read(earned, storefront, "spread") == 0
    assert await shop.read(unshared, storefront) == 0
    [share] = await shop.read(settlement.who_earns, order_id)
    assert share.reversed_units == 3 and share.supplier_minor == 0
    await assert_books(shop, since, clock())
    await assert_sound(shop)


async def test_what_was_refunded_before_anybody_settled_it_earns_nothing(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    of = await supplied(shop, storefront, terms=SpreadShare(3000))
    order_id, _ = await buy(shop, storefront, of, 2, "two")
    await shop.write(orders.refund_codes, order_id=order_id, code_ids=None, once="all", **BY)

    await settled(shop)

    assert await shop.read(purse, of.supplier_id) == (0, 0, 0)
    assert await shop.read(unshared, storefront) == 0
    await released(shop, clock)
    assert await shop.read(purse, of.supplier_id) == (0, 0, 0)
    await assert_sound(shop)


async def test_settling_twice_and_at_once_claims_nothing_twice(shop: Shop, storefront: Storefront) -> None:
    import asyncio

    of = await supplied(shop, storefront, terms=SpreadShare(3000))
    for number in range(6):
        await buy(shop, storefront, of, 2, f"order-{number}")
    await asyncio.gather(*(shop.write(settlement.settle_now, most=4) for _ in range(8)))
    await settled(shop)
    await settled(shop)

    assert await shop.read(purse, of.supplier_id) == (12 * 8800, 0, 0)
    await assert_sound(shop)


async def test_a_contract_holds_from_its_instant_on(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    of = await supplied(shop, storefront, terms=FixedCost())
    await shop.write(settlement.agree, supplier_id=of.supplier_id, terms=SpreadShare(5000), by="test", from_at=clock() + timedelta(hours=1))
    await buy(shop, storefront, of, 1, "before")
    clock.passes(hours=2)
    await buy(shop, storefront, of, 1, "after")
    # Agreed after the sale and before its settlement: it is not for that sale.
    await shop.write(settlement.agree, supplier_id=of.supplier_id, terms=TakeRate(0), by="test")
    with pytest.raises(NotInThePast):
        await shop.write(settlement.agree, supplier_id=of.supplier_id, terms=TakeRate(0), by="test", from_at=clock() - timedelta(hours=1))
    # One offer of its own goes before all of the supplier's.
    await shop.write(settlement.agree, supplier_id=of.supplier_id, offer_id=of.goods.offer_id, terms=SpreadShare(1000), by="test")
    await buy(shop, storefront, of, 1, "of-its-own")

    await settled(shop)

    assert await shop.read(purse, of.supplier_id) == (8500 + 9000 + 8600, 0, 0)
    versions = await shop.read(settlement.contracts_of, of.supplier_id)
    assert [(one.version, one.offer_id is None) for one in versions] == [(1, False), (3, True), (2, True), (1, True)]
    await assert_sound(shop)


async def test_a_code_of_another_supplier_takes_the_bad_ones_place_and_its_money(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    since = clock()
    bad = await supplied(shop, storefront, terms=SpreadShare(5000), count=2)
    good = await shop.write(supply.new_supplier, name="Good", standing=Standing.TRUSTED, telegram_id=99)
    other = await put_on_sale(shop, storefront, name="Other", count=0)
    from sqlalchemy import text
    from sqlalchemy.orm import Session

    from core.database import write
    from tests.stage import stock

    @write
    def second_source(session: Session) -> None:
        session.execute(text("DELETE FROM sources WHERE offer_id = :offer"), {"offer": other.offer_id})
        facts = {"sku": bad.goods.sku_id, "offer": other.offer_id}
        session.execute(text("UPDATE offers SET sku_id = :sku WHERE id = :offer"), facts)
        session.execute(text("INSERT INTO sources (sku_id, rank, offer_id, version) VALUES (:sku, 2, :offer, 1)"), facts)

    await shop.write(second_source)
    await shop.write(give_offer, offer_id=other.offer_id, supplier_id=good.id, cost_minor=9000, currency="CNY")
    order_id, buyer = await buy(shop, storefront, bad, 2, "two")
    await stock(shop, other.offer_id, bad.goods.sku_id, 3)
    await settled(shop)
    assert await shop.read(purse, bad.supplier_id) == (18_000, 0, 0)
    await shop.write(orders.reveal, order_id=order_id, cause=orders.RevealCause.SENT, to_telegram_id=buyer.telegram_id)
    about: dict[str, Any] = {"buyer_id": buyer.id, "order_id": order_id, "reason": aftersale.Reason.USED}
    first, *_ = await codes(shop, order_id)
    case = await shop.write(aftersale.open_case, code_id=first, **about)
    await shop.write(aftersale.replace, case_id=case.case_id, storefront_id=storefront.id, by="test")

    await settled(shop)

    assert await shop.read(purse, bad.supplier_id) == (9000, 0, 0)
    assert await shop.read(purse, good.id) == (9000, 0, 0)
    assert await shop.read(earned, storefront, "spread") == 500 + 500
    assert await shop.read(unshared, storefront) == 0
    everybody = await shop.read(settlement.parties_of, order_id)
    assert everybody is not None and everybody.total_minor == 19_000 and everybody.shop_minor == 1000
    assert {part.supplier_id: part.minor for part in everybody.suppliers} == {bad.supplier_id: 9000, good.id: 9000}
    # And now everything goes back.
    await shop.write(aftersale.refund_codes, order_id=order_id, code_ids=None, once="all", **BY)
    await settled(shop)
    assert await shop.read(purse, bad.supplier_id) == await shop.read(purse, good.id) == (0, 0, 0)
    assert await shop.read(earned, storefront, "spread") == 0 and await shop.read(unshared, storefront) == 0
    await assert_books(shop, since, clock())
    await assert_sound(shop)


async def test_what_is_questioned_is_not_released(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    of = await supplied(shop, storefront, terms=SpreadShare(3000))
    questioned, buyer = await buy(shop, storefront, of, 2, "questioned")
    await buy(shop, storefront, of, 1, "plain")
    await shop.write(orders.reveal, order_id=questioned, cause=orders.RevealCause.SENT, to_telegram_id=buyer.telegram_id)
    first, _ = await codes(shop, questioned)
    case = await shop.write(aftersale.open_case, buyer_id=buyer.id, order_id=questioned, code_id=first, reason=aftersale.Reason.USED)

    await released(shop, clock)
    assert await shop.read(purse, of.supplier_id) == (17_600, 8800, 0)
    await shop.write(aftersale.refuse, case_id=case.case_id, storefront_id=storefront.id, by="test", why="used")
    await shop.write(supply.stop, offer_ids=[of.goods.offer_id], why=Stop.TAKEDOWN, by="test", ref="takedown:1")
    clock.passes(hours=1)
    await settled(shop)
    assert await shop.read(purse, of.supplier_id) == (17_600, 8800, 0)
    await shop.write(supply.lift, offer_ids=[of.goods.offer_id], why=Stop.TAKEDOWN, by="test", ref="takedown:1")
    clock.passes(hours=1)
    await settled(shop)

    assert await shop.read(purse, of.supplier_id) == (0, 26_400, 0)
    await assert_sound(shop)


async def test_the_longer_of_warranty_and_standing_holds(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    new = await supplied(shop, storefront, standing=Standing.NEW)
    authorised = await supplied(shop, storefront, standing=Standing.AUTHORISED)
    await buy(shop, storefront, new, 1, "new")
    await buy(shop, storefront, authorised, 1, "authorised")
    await released(shop, clock, days=2.9)
    assert await shop.read(purse, authorised.supplier_id) == (8500, 0, 0), "the warranty is three days"
    await released(shop, clock, days=0.2)
    assert await shop.read(purse, authorised.supplier_id) == (0, 8500, 0)
    assert await shop.read(purse, new.supplier_id) == (8500, 0, 0)
    await released(shop, clock, days=11)
    assert await shop.read(purse, new.supplier_id) == (0, 8500, 0)
    await assert_sound(shop)


@pytest.mark.parametrize("marginal", [True, False])
async def test_volume_is_settled_at_the_end_of_its_window_and_again_when_something_went_back(
    shop: Shop, storefront: Storefront, clock: Clock, marginal: bool
) -> None:
    """10 % up to 200.00 and 5 % above, by the day: 4 × 95.00 are 380.00."""
    since = clock()
    terms = Commission((Tier(0, 1000), Tier(20_000, 500)), marginal=marginal, window=Window.DAY)
    of = await supplied(shop, storefront, terms=terms)
    order_id, _ = await buy(shop, storefront, of, 3, "three")
    await buy(shop, storefront, of, 1, "one")
    await settled(shop)
    assert await shop.read(earned, storefront, "commission") == 3800
    assert await shop.read(purse, of.supplier_id) == (34_200, 0, 0), "the base rate is charged while the window is open"

    clock.passes(hours=25)
    await settled(shop)
    due = 2000 + 900 if marginal else 1900
    assert await shop.read(earned, storefront, "commission") == due
    assert await shop.read(purse, of.supplier_id) == (34_200, 3800 - due, 0)
    first, second, _ = await codes(shop, order_id)
    await shop.write(orders.refund_codes, order_id=order_id, code_ids=[first, second], once="two", **BY)
    await settled(shop)

    # 190.00 are left, all of them at 10 %.
    assert await shop.read(earned, storefront, "commission") == 1900
    assert await total(shop, of) == 19_000 - 1900
    await settled(shop)
    assert await shop.read(earned, storefront, "commission") == 1900
    await assert_books(shop, since, clock())
    await assert_sound(shop)
