"""What becomes of a reseller's margin when the money of its sale goes back past the shop: lost with it, there again with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core import aftersale, books, brands, orders, payments, pricing
from core.brands import BrandView, Markup
from core.database import Shop
from core.people import Customer
from core.ports import DisputeState
from core.storefronts import Storefront
from tests.core.harm import Damage, not_found
from tests.core.props import assert_sound
from tests.core.test_brands import buys, opened, refund
from tests.core.test_coming_back import back, disputed, placed, told, topped_up
from tests.core.test_returns import show
from tests.reselling import a_reseller
from tests.stage import Clock, Goods, person

PRICE, MARGIN = 10_500, 1000


async def a_brand(shop: Shop, storefront: Storefront) -> tuple[Customer, BrandView]:
    ann = await a_reseller(shop, storefront)
    return ann, await opened(shop, ann, markup=Markup(points=1000, step_minor=100))


async def in_it(shop: Shop, brand: BrandView, goods: Goods) -> Goods:
    price = (await shop.read(pricing.branded, storefront_id=brand.storefront.id))[goods.sku_id]
    return replace(goods, storefront=brand.storefront, price_id=price.id)


async def has(shop: Shop, owner: Customer) -> tuple[int, int]:
    """What is held, and what may be taken."""
    await shop.write(brands.earn)
    await shop.write(brands.take_back)
    found = await shop.read(brands.earned, owner.id)
    return found.held_minor, found.due_minor


async def test_a_released_margin_goes_with_a_lost_payment_and_is_there_again_when_that_is(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock, database_url: str
) -> None:
    ann, brand = await a_brand(shop, storefront)
    order = await placed(shop, await person(shop, brand.storefront), await in_it(shop, brand, goods))
    assert await told(shop, order, clock) == "issued"
    await show(shop, order.order_id)
    assert await has(shop, ann) == (MARGIN, 0)
    clock.passes(days=40)
    await shop.write(brands.release)
    assert await has(shop, ann) == (0, MARGIN)

    await told(shop, order, clock, disputes=(disputed(clock, DisputeState.OPEN, ("out", -PRICE, 0), amount=PRICE),))
    for _ in range(2):
        assert await has(shop, ann) == (0, 0), "the bank took it, a month later"
    clock.passes(hours=2)
    await payments_go_on(shop, storefront)
    await assert_sound(shop)
    check = "a margin is lost as far as the payment of its order, and of no buyer who lost the shop nothing"
    harm = Damage(check, "margins", "UPDATE margins SET lost_minor = lost_minor - 1")
    assert await not_found(shop, database_url, [harm]) == []

    moved = ("out", -PRICE, 0), ("in", PRICE, 0)
    await told(shop, order, clock, disputes=(disputed(clock, DisputeState.WON, *moved, amount=PRICE),))
    assert await has(shop, ann) == (0, MARGIN), "the shop has won"
    await told(shop, order, clock, given_back=(back("re", PRICE // 2, clock),), disputes=(disputed(clock, DisputeState.WON, *moved),))
    assert await has(shop, ann) == (0, MARGIN - MARGIN // 2)
    assert await shop.write(brands.take_out, owner_id=ann.id) == MARGIN - MARGIN // 2
    clock.passes(hours=2)
    await payments_go_on(shop, storefront)
    await assert_sound(shop)


async def payments_go_on(shop: Shop, storefront: Storefront) -> None:
    """The audit's "an hour ago" is an hour before the last transfer."""
    someone = await person(shop, storefront)
    await shop.write(payments.adjust, customer_id=someone.id, amount_minor=1, reason="later", by="test", once=f"later{someone.id}")


async def test_what_was_lost_of_a_top_up_is_lost_of_what_was_bought_with_it_and_of_nothing_before(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock
) -> None:
    ann, brand = await a_brand(shop, storefront)
    buyer = await person(shop, brand.storefront, money_minor=PRICE)
    before = await buys(shop, brand, goods, buyer, once="before")
    clock.passes(hours=1)
    paid = await topped_up(shop, buyer, clock, 2 * PRICE)
    clock.passes(minutes=1)
    first = await buys(shop, brand, goods, buyer, once="first")
    await shop.write(orders.release, order_id=first, by="test")
    clock.passes(minutes=1)
    second = await buys(shop, brand, goods, buyer, once="second")
    await shop.write(orders.release, order_id=second, by="test")
    for order_id in (first, second):
        await show(shop, order_id)
    assert await has(shop, ann) == (3 * MARGIN, 0)

    await told(shop, paid, clock, given_back=(back("part", PRICE + PRICE // 2, clock),))
    assert await has(shop, ann) == (3 * MARGIN - MARGIN - MARGIN // 2, 0)
    every = await shop.read(orders.lost_of_branded, [buyer.id])
    assert every == {before: 0, first: PRICE, second: PRICE // 2}

    await refund(shop, second, 1)
    refunded = await shop.read(orders.lost_of_branded, [buyer.id])
    assert refunded[second] == 0 and (await has(shop, ann))[0] == MARGIN
    assert await has(shop, ann) == (MARGIN, 0)
    clock.passes(hours=2)
    await payments_go_on(shop, storefront)
    await assert_sound(shop)


async def test_a_loss_that_is_known_before_the_margin_is_booked_comes_with_it(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock
) -> None:
    ann, brand = await a_brand(shop, storefront)
    order = await placed(shop, await person(shop, brand.storefront), await in_it(shop, brand, goods))
    await told(shop, order, clock)
    await show(shop, order.order_id)
    await told(shop, order, clock, given_back=(back("re", PRICE, clock),))
    assert await has(shop, ann) == (0, 0)
    clock.passes(days=60)
    await shop.write(brands.release)
    assert await has(shop, ann) == (0, 0)
    await assert_sound(shop)


async def test_a_refund_of_what_was_lost_while_margins_are_looked_at_takes_no_more_than_all(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, brand = await a_brand(shop, storefront)
    buyer = await person(shop, brand.storefront)
    paid = await topped_up(shop, buyer, clock, PRICE)
    order = await buys(shop, brand, goods, buyer, once="one")
    await told(shop, paid, clock, given_back=(back("part", PRICE, clock),))
    before = await shop.read(orders.lost_of_branded, [buyer.id])
    assert before == {order: PRICE}
    await refund(shop, order, 1)
    with monkeypatch.context() as patch:
        patch.setattr(orders, "lost_of_branded", lambda _session, _buyers: before)  # as it was a moment ago
        assert await has(shop, ann) == (0, 0)
    assert await has(shop, ann) == (0, 0)
    assert (await shop.read(orders.lost_of_branded, [buyer.id]))[order] == 0
    await assert_sound(shop)


async def test_the_books_count_resellers_margins_as_theirs(shop: Shop, storefront: Storefront, goods: Goods, clock: Clock) -> None:
    _, brand = await a_brand(shop, storefront)
    since = clock()
    sold = await buys(shop, brand, goods, await person(shop, brand.storefront, money_minor=50_000), 2)
    await shop.write(brands.earn)
    clock.passes(seconds=1)
    made = await shop.read(books.statement, storefront.id, since, clock())
    [margin], spent = made.margins, sum(cost.cost_minor for cost in made.costs)
    assert (margin.resellers_minor, margin.minor) == (2 * MARGIN, 2 * PRICE - 2 * MARGIN - spent)
    line = next(line for line in books.lines(made) if line.code == "resellers")
    assert (line.minor, line.currency) == (2 * MARGIN, "CNY")

    clock.passes(days=1)
    since = clock()
    await refund(shop, sold, 2)
    await shop.write(brands.take_back)
    clock.passes(seconds=1)
    made = await shop.read(books.statement, storefront.id, since, clock())
    assert made.margins[0].resellers_minor == -2 * MARGIN and not made.differences


async def test_a_bot_is_not_closed_while_a_complaint_is_undecided(shop: Shop, storefront: Storefront, goods: Goods, clock: Clock) -> None:
    ann, brand = await a_brand(shop, storefront)
    buyer = await person(shop, brand.storefront, money_minor=PRICE)
    order_id = await buys(shop, brand, goods, buyer)
    clock.passes(hours=1)
    [sold] = await shop.read(orders.codes_sold, order_id)
    made = await shop.write(aftersale.open_case, order_id=order_id, code_id=sold.code_id, buyer_id=buyer.id, reason=aftersale.Reason.USED)
    with pytest.raises(brands.NotFinished) as refused:
        await shop.write(brands.close, brand_id=brand.id, owner_id=ann.id)
    assert refused.value.count == 1
    await shop.write(aftersale.refuse, case_id=made.case_id, storefront_id=storefront.id, by="test", why_text="It was fine")
    await shop.write(brands.close, brand_id=brand.id, owner_id=ann.id)


async def test_the_file_of_an_older_banner_is_not_written_over_a_newer_ones(shop: Shop, storefront: Storefront) -> None:
    ann, brand = await a_brand(shop, storefront)
    mine = {"brand_id": brand.id, "owner_id": ann.id}
    await shop.write(brands.set_banner, **mine, picture=b"old")
    await shop.write(brands.set_banner, **mine, picture=b"new")
    await shop.write(brands.banner_sent, brand_id=brand.id, picture=b"old", banner_id="file-of-old")
    assert await shop.read(brands.banner, brand.id) == (b"new", None)
    await shop.write(brands.banner_sent, brand_id=brand.id, picture=b"new", banner_id="file-of-new")
    assert await shop.read(brands.banner, brand.id) == (b"new", "file-of-new")
