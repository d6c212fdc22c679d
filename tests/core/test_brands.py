"""Storefronts under resellers' own names: prices that follow, margins that add up, and nothing of one that another can reach."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from core import (
    aftersale,
    api,
    brands,
    catalog,
    insight,
    ledger,
    orders,
    outbox,
    packages,
    payments,
    people,
    pricing,
    promotion,
    resellers,
    showcase,
)
from core.audit.brands import BRANDS
from core.brands import BrandView, Markup
from core.catalog import Gone
from core.database import Shop
from core.orders import NotForSale
from core.people import Customer
from core.ports import PaymentState
from core.settlement import TakeRate
from core.storefronts import Storefront
from tests.core.harm import Damage, not_found
from tests.core.ledgers import assert_books
from tests.core.props import aside, assert_sound
from tests.core.supplies import earned, purse, settled, supplied, unshared
from tests.core.test_coming_back import placed, told
from tests.core.test_returns import book, paid_event, show
from tests.reselling import a_reseller
from tests.stage import Clock, Goods, person, put_on_sale

TOKEN = "7000000099:AAbbccddeeffgghhiijjkkllmmnnoopp"


async def opened(shop: Shop, owner: Customer, *, bot_id: int = 7_000_000_099, markup: Markup | None = None) -> BrandView:
    """A reseller's own storefront, with prices."""
    brand = await shop.write(brands.open_brand, owner_id=owner.id, token=TOKEN, bot_id=bot_id, username=f"bot_{bot_id}", name="Star Cards")
    if markup is not None:
        brand = await shop.write(brands.set_markup, brand_id=brand.id, owner_id=owner.id, markup=markup)
    await follow(shop)
    return brand


async def follow(shop: Shop) -> int:
    """What the job does; returns how many prices changed."""
    return sum([await shop.write(brands.price_brand, brand_id=each) for each in await shop.read(brands.to_price, most=100)])


async def prices(shop: Shop, brand: BrandView) -> dict[int, tuple[int, int]]:
    found = await shop.read(pricing.branded, storefront_id=brand.storefront.id)
    return {sku_id: (one.retail_minor, one.house_minor) for sku_id, one in found.items()}


async def buys(shop: Shop, brand: BrandView, goods: Goods, buyer: Customer, quantity: int = 1, once: str = "once") -> int:
    """The order's id."""
    price = (await shop.read(pricing.branded, storefront_id=brand.storefront.id))[goods.sku_id]
    bought = await shop.write(
        orders.buy,
        storefront_id=brand.storefront.id,
        buyer_id=buyer.id,
        sku_id=goods.sku_id,
        quantity=quantity,
        price_id=price.id,
        rules_version=goods.rules_version,
        once=f"{once}:{buyer.id}",
    )
    return bought.order_id


async def money(shop: Shop, customer: Customer) -> int:
    return await shop.read(ledger.balance, customer.wallet_id)


async def refund(shop: Shop, order_id: int, codes: int) -> None:
    sold = [code for code in await shop.read(orders.codes_sold, order_id) if not code.refunded]
    of = [code.code_id for code in sold[:codes]]
    await shop.write(orders.refund_codes, order_id=order_id, code_ids=of, reason="bad", by="test", once=f"r:{order_id}:{of}")


@given(
    house=st.integers(1, 10**9),
    points=st.integers(0, 100_000),
    added=st.integers(0, 10**6),
    step=st.integers(1, 10**5),
    least=st.none() | st.integers(1, 10**9),
)
def test_a_markup_is_never_below_what_the_reseller_pays_nor_the_minimum_and_always_whole_steps(
    house: int, points: int, added: int, step: int, least: int | None
) -> None:
    asked = Markup(points, added, step).asked(house, least)
    floor = max(house, least or 0, house + (house * points + 5000) // 10_000 + added)
    assert asked >= floor and asked % step == 0 and asked - floor < step


@given(margin=st.integers(0, 10**9), sold=st.integers(1, 10**9), steps=st.lists(st.integers(0, 10**9), max_size=6))
def test_what_is_taken_back_never_falls_and_is_all_of_it_at_the_end(margin: int, sold: int, steps: list[int]) -> None:
    taken = [brands.taken_back(margin, refunded_minor=at, sold_minor=sold) for at in [*sorted(min(step, sold) for step in steps), sold]]
    assert taken == sorted(taken) and taken[-1] == margin and all(0 <= one <= margin for one in taken)


async def test_prices_follow_what_the_reseller_pays_and_the_minimum(shop: Shop, storefront: Storefront, goods: Goods, clock: Clock) -> None:
    ann = await a_reseller(shop, storefront)
    brand = await opened(shop, ann)
    assert await prices(shop, brand) == {goods.sku_id: (10450, 9500)}, "a tenth more than what everybody pays in the shop"

    await shop.write(
        pricing.set_price, storefront_id=storefront.id, sku_id=goods.sku_id, retail_minor=9500, wholesale_minor=9000, currency="CNY"
    )
    assert await follow(shop) == 1
    assert await prices(shop, brand) == {goods.sku_id: (9900, 9000)}
    agreed: dict[str, Any] = {"storefront_id": storefront.id, "customer_id": ann.id, "sku_id": goods.sku_id, "by": "telegram:1"}
    await shop.write(resellers.set_contract, **agreed, unit_minor=8765)
    await shop.write(brands.set_markup, brand_id=brand.id, owner_id=ann.id, markup=Markup(points=1250, added_minor=30, step_minor=50))
    await follow(shop)
    assert await prices(shop, brand) == {goods.sku_id: (9900, 8765)}, "8765 + 12.5 % + 0.30 = 98.91, in steps of 0.50"

    await shop.write(resellers.set_minimum, storefront_id=storefront.id, sku_id=goods.sku_id, unit_minor=10_010, by="test")
    assert await follow(shop) == 0, "a minimum is no price: it is seen at the next look"
    clock.passes(minutes=6)
    assert await follow(shop) == 1
    assert await prices(shop, brand) == {goods.sku_id: (10_050, 8765)}
    assert await follow(shop) == 0
    await assert_sound(shop)


async def test_what_is_hidden_paused_stopped_or_no_longer_paid_for_is_not_for_sale(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock
) -> None:
    ann, other = await a_reseller(shop, storefront, money_minor=50_000), await put_on_sale(shop, storefront, name="Apple")
    brand = await opened(shop, ann)
    buyer = await person(shop, brand.storefront, money_minor=100_000)
    mine: dict[str, Any] = {"brand_id": brand.id, "owner_id": ann.id}
    assert (await prices(shop, brand)).keys() == {goods.sku_id, other.sku_id}

    await shop.write(brands.show_product, **mine, product_id=other.product_id, shown=False)
    await follow(shop)
    assert (await prices(shop, brand)).keys() == {goods.sku_id}
    with pytest.raises(KeyError):
        await buys(shop, brand, other, buyer)
    await shop.write(brands.show_product, **mine, product_id=other.product_id, shown=True)
    await shop.write(catalog.change_product, goods.product_id, hidden=True)
    clock.passes(minutes=6)
    await follow(shop)
    assert (await prices(shop, brand)).keys() == {other.sku_id}

    seen = (await shop.read(pricing.branded, storefront_id=brand.storefront.id))[other.sku_id]
    await shop.write(brands.pause, **mine, paused=True)
    await follow(shop)
    assert await prices(shop, brand) == {}
    terms: dict[str, Any] = {"sku_id": other.sku_id, "quantity": 1, "price_id": seen.id, "rules_version": other.rules_version}
    with pytest.raises(NotForSale):
        await shop.write(orders.buy, storefront_id=brand.storefront.id, buyer_id=buyer.id, once="late", **terms)
    await shop.write(brands.pause, **mine, paused=False)
    assert await follow(shop) == 1

    assert await shop.write(brands.stop, brand_id=brand.id, house_id=storefront.id, why="complaints", by="telegram:1")
    assert not await shop.write(brands.stop, brand_id=brand.id, house_id=storefront.id, why="again", by="telegram:1")
    await follow(shop)
    assert await prices(shop, brand) == {}
    assert await shop.write(brands.stop, brand_id=brand.id, house_id=storefront.id, why=None, by="telegram:1")
    assert await follow(shop) == 1

    plan = await shop.write(packages.add_plan, storefront_id=storefront.id, name="Bot", price_minor=1000, days=30, own_bot=True, by="test")
    clock.passes(minutes=6)
    await follow(shop)
    assert await prices(shop, brand) == {}, "it is sold now, and not paid for"
    with pytest.raises(packages.Locked):
        await shop.write(brands.open_brand, owner_id=ann.id, token=TOKEN, bot_id=5, username="five", name="Five")
    await shop.write(packages.subscribe, customer_id=ann.id, plan_id=plan.id)
    clock.passes(minutes=6)
    assert await follow(shop) == 1
    await shop.write(resellers.end, storefront_id=storefront.id, customer_id=ann.id, by="telegram:1")
    clock.passes(minutes=6)
    await follow(shop)
    assert await prices(shop, brand) == {}, "whoever is no reseller sells nothing on"
    await assert_sound(shop)


async def test_a_margin_is_held_taken_back_released_and_taken_out(shop: Shop, storefront: Storefront, goods: Goods, clock: Clock) -> None:
    ann = await a_reseller(shop, storefront, money_minor=100)
    brand = await opened(shop, ann, markup=Markup(points=1000, step_minor=100))
    buyer = await person(shop, brand.storefront, money_minor=100_000)
    first, second = await buys(shop, brand, goods, buyer, 3, "a"), await buys(shop, brand, goods, buyer, 1, "b")
    assert await money(shop, buyer) == 100_000 - 4 * 10_500
    house = await person(shop, storefront, money_minor=20_000)
    await shop.write(orders.buy, buyer_id=house.id, quantity=1, once="house", **goods.terms())

    assert await shop.write(brands.earn) == 3
    assert await shop.write(brands.earn) == 0
    had = await shop.read(brands.earned, ann.id)
    assert (had.held_minor, had.due_minor, had.currency) == (4000, 0, "CNY")
    with pytest.raises(brands.NothingToTake):
        await shop.write(brands.take_out, owner_id=ann.id)

    await refund(shop, first, 1)
    assert await shop.write(brands.take_back) == 1 and await shop.write(brands.take_back) == 0
    assert (await shop.read(brands.earned, ann.id)).held_minor == 3000
    clock.passes(days=8)
    await shop.write(brands.earn)
    assert await shop.write(brands.release) == 2
    assert await shop.read(brands.earned, ann.id) == brands.Earned(0, 3000, "CNY")
    assert await shop.write(brands.take_out, owner_id=ann.id) == 3000 and await money(shop, ann) == 3100
    with pytest.raises(brands.NothingToTake):
        await shop.write(brands.take_out, owner_id=ann.id)

    await refund(shop, second, 1)
    await shop.write(brands.take_back)
    assert (await shop.read(brands.earned, ann.id)).due_minor == -1000, "owed, out of the next ones"
    with pytest.raises(brands.NothingToTake):
        await shop.write(brands.take_out, owner_id=ann.id)
    sold = await shop.read(brands.sales, brand.id, days=30)
    assert (sold.orders, sold.sold_minor, sold.margin_minor, sold.taken_minor) == (2, 42_000, 4000, 2000)
    assert await shop.read(brands.customers, brand.id) == 1
    await assert_sound(shop)


async def test_an_order_that_is_complained_about_keeps_its_margin_held_and_the_shop_answers(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock
) -> None:
    await shop.write(people.set_admins_from_settings, storefront_id=storefront.id, telegram_ids=[77])
    admin = await person(shop, storefront, 77)
    ann = await a_reseller(shop, storefront)
    brand = await opened(shop, ann)
    buyer = await person(shop, brand.storefront, money_minor=100_000)
    order_id = await buys(shop, brand, goods, buyer)
    await shop.write(brands.earn)
    clock.passes(hours=1)
    [sold] = await shop.read(orders.codes_sold, order_id)
    made = await shop.write(aftersale.open_case, order_id=order_id, code_id=sold.code_id, buyer_id=buyer.id, reason=aftersale.Reason.USED)
    assert [case.id for case in await shop.read(aftersale.queue, storefront_id=storefront.id)] == [made.case_id]
    assert [case.id for case in await shop.read(aftersale.cases_of, storefront_id=brand.storefront.id, buyer_id=buyer.id)] == [made.case_id]
    leased = await shop.write(outbox.lease, worker="w", most=50, seconds=5)
    assert [one.customer_id for one in leased if one.body.get("says") == "case-opened"] == [admin.id]

    clock.passes(days=8)
    await shop.write(brands.release)
    assert (await shop.read(brands.earned, ann.id)).due_minor == 0
    await shop.write(aftersale.refund, case_id=made.case_id, storefront_id=storefront.id, by="telegram:77")
    await shop.write(brands.take_back)
    clock.passes(hours=1)
    await shop.write(brands.release)
    assert await shop.read(brands.earned, ann.id) == brands.Earned(0, 0, "CNY")
    await assert_sound(shop)


async def test_a_token_is_sealed_one_bot_is_one_storefront_and_a_refused_one_is_told_and_replaced(
    shop: Shop, storefront: Storefront, database_url: str
) -> None:
    ann, bob = await a_reseller(shop, storefront), await a_reseller(shop, storefront)
    brand = await opened(shop, ann)
    async with aside(database_url) as connection:
        row = (await connection.execute(text("SELECT token, data_key FROM brands"))).one()
    assert TOKEN.encode() not in row[0] + row[1]
    assert await shop.read(brands.token_of, brand.id) == TOKEN and TOKEN not in repr(brand)
    with pytest.raises(brands.BotTaken):
        await opened(shop, bob)
    nobody = await person(shop, storefront)
    with pytest.raises(brands.OnlyResellers):
        await opened(shop, nobody, bot_id=3)
    both = await asyncio.gather(opened(shop, ann, bot_id=9), opened(shop, bob, bot_id=9), return_exceptions=True)
    assert sorted(isinstance(one, brands.BotTaken) for one in both) == [False, True]

    buyer = await person(shop, brand.storefront)
    await shop.write(outbox.post, topic=outbox.Topic.NOTICE, customer_id=buyer.id, body={"says": "x"})
    [posted] = [one for one in await shop.write(outbox.lease, worker="w", most=99, seconds=5) if one.customer_id == buyer.id]
    assert await shop.write(brands.token_refused, brand_id=brand.id, token_version=1)
    assert not await shop.write(brands.token_refused, brand_id=brand.id, token_version=1)
    await shop.write(outbox.park, message_id=posted.id, worker="w", trouble="no bot")
    told = [one.customer_id for one in await shop.write(outbox.lease, worker="w", most=99, seconds=5)]
    assert told == [ann.id] and brand.id not in await shop.read(brands.running)
    with pytest.raises(brands.AnotherBot):
        await shop.write(brands.replace_token, brand_id=brand.id, owner_id=ann.id, token="8:new", bot_id=8, username="eight")
    with pytest.raises(Gone):
        await shop.write(brands.replace_token, brand_id=brand.id, owner_id=bob.id, token="8:new", bot_id=brand.bot_id, username="b")
    again = await shop.write(
        brands.replace_token, brand_id=brand.id, owner_id=ann.id, token="7000000099:new", bot_id=brand.bot_id, username="star"
    )
    assert again.token_version == 2 and again.refused_at is None and await shop.read(brands.token_of, brand.id) == "7000000099:new"
    assert not await shop.write(brands.token_refused, brand_id=brand.id, token_version=1), "that was the old one"
    assert [one.id for one in await shop.write(outbox.lease, worker="w", most=99, seconds=5)] == [posted.id], "what waited goes out"

    await shop.write(brands.close, brand_id=brand.id, owner_id=ann.id)
    assert await shop.read(brands.token_of, brand.id) == ""
    with pytest.raises(Gone):
        await shop.write(brands.close, brand_id=brand.id, owner_id=ann.id)
    await opened(shop, bob)
    await assert_sound(shop)


async def test_no_storefront_reaches_customers_orders_or_prices_of_another(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock
) -> None:
    ann, bob = await a_reseller(shop, storefront), await a_reseller(shop, storefront)
    one, two = await opened(shop, ann), await opened(shop, bob, bot_id=8, markup=Markup(points=5000))
    buyer = await person(shop, one.storefront, telegram_id=555, money_minor=100_000)
    same = await person(shop, two.storefront, telegram_id=555, money_minor=100)
    assert buyer.id != same.id and await money(shop, same) == 100, "the same person is another customer in another bot"
    order_id = await buys(shop, one, goods, buyer)
    number = orders.number_of(order_id)

    for stranger in (same, await person(shop, storefront, telegram_id=555), bob, ann):
        assert await shop.read(orders.find, number, buyer_id=stranger.id) is None
        assert await shop.read(aftersale.complainable, order_id=order_id, buyer_id=stranger.id) is None
        assert await shop.read(people.one, storefront_id=stranger.storefront_id, customer_id=buyer.id) is None
    foreign = (await shop.read(pricing.branded, storefront_id=one.storefront.id))[goods.sku_id]
    terms: dict[str, Any] = {"sku_id": goods.sku_id, "quantity": 1, "rules_version": goods.rules_version}
    rich = await person(shop, two.storefront, money_minor=100_000)
    with pytest.raises(orders.PriceMoved):
        await shop.write(orders.buy, storefront_id=two.storefront.id, buyer_id=rich.id, price_id=foreign.id, once="f", **terms)
    with pytest.raises(orders.PriceMoved):
        await shop.write(orders.buy, storefront_id=two.storefront.id, buyer_id=rich.id, price_id=goods.price_id, once="g", **terms)
    with pytest.raises(AssertionError):
        await shop.write(orders.buy, storefront_id=one.storefront.id, buyer_id=rich.id, price_id=foreign.id, once="h", **terms)
    # Nor do programs: not even those of the bot's own owner see what its customers bought.
    for owner in (ann, bob):
        scopes = set(api.Scope)
        made = await shop.write(
            api.make_key, customer_id=owner.id, label="Shop", form=api.Form.OWN, scopes=scopes, sandbox=False, by="test"
        )
        assert await shop.read(api.find_order, key_id=made.key.id, order_id=order_id) is None
        with pytest.raises(api.NoSuchOrder):
            await shop.write(api.codes, key_id=made.key.id, order_id=order_id)
    for owner, theirs in ((ann, two), (bob, one)):
        with pytest.raises(Gone):
            await shop.write(brands.rename, brand_id=theirs.id, owner_id=owner.id, name="Mine")
        assert await shop.read(brands.may_manage, storefront_id=theirs.storefront.id, telegram_id=owner.telegram_id) is None
    assert (await shop.read(brands.may_manage, storefront_id=one.storefront.id, telegram_id=ann.telegram_id)) is not None
    await assert_sound(shop)


async def test_a_supplier_shares_in_what_the_shop_gets_and_not_in_the_margin(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    since, of = clock(), await supplied(shop, storefront, terms=TakeRate(1000))
    ann = await a_reseller(shop, storefront)
    brand = await opened(shop, ann, markup=Markup(points=5000))
    buyer = await person(shop, brand.storefront, money_minor=1_000_000)
    order_id = await buys(shop, brand, of.goods, buyer, 3)
    await settled(shop)
    await shop.write(brands.earn)
    # Sold at 142.50, of which 95.00 are the shop's; 90 % of those are the supplier's.
    assert await shop.read(purse, of.supplier_id) == (25_650, 0, 0)
    assert await shop.read(earned, storefront, "commission") == 2850
    assert (await shop.read(brands.earned, ann.id)).held_minor == 3 * 4750
    assert await shop.read(unshared, storefront) == 0
    await assert_books(shop, since, clock())

    await refund(shop, order_id, 1)
    await settled(shop)
    await shop.write(brands.take_back)
    assert await shop.read(purse, of.supplier_id) == (17_100, 0, 0)
    assert (await shop.read(brands.earned, ann.id)).held_minor == 2 * 4750
    await refund(shop, order_id, 2)
    await settled(shop)
    await shop.write(brands.take_back)
    assert await shop.read(purse, of.supplier_id) == (0, 0, 0) and await money(shop, buyer) == 1_000_000
    assert await shop.read(brands.earned, ann.id) == brands.Earned(0, 0, "CNY")
    assert await shop.read(unshared, storefront) == 0
    await assert_sound(shop)


async def test_whoever_is_in_charge_was_put_there_by_the_owner(shop: Shop, storefront: Storefront) -> None:
    ann = await a_reseller(shop, storefront)
    brand = await opened(shop, ann)
    mine: dict[str, Any] = {"brand_id": brand.id, "owner_id": ann.id}
    with pytest.raises(brands.NotACustomerYet):
        await shop.write(brands.put_in_charge, **mine, username="@carl")
    carl = await shop.write(
        people.meet,
        storefront_id=brand.storefront.id,
        telegram_id=31,
        name="Carl",
        username="carl",
        telegram_language="en",
        currency="CNY",
    )
    assert await shop.write(brands.put_in_charge, **mine, username="@Carl") == carl.telegram_id
    assert await shop.read(brands.may_manage, storefront_id=brand.storefront.id, telegram_id=31) is not None
    assert await shop.read(brands.may_manage, storefront_id=storefront.id, telegram_id=31) is None
    await shop.write(brands.take_out_of_charge, **mine, telegram_id=31)
    assert await shop.read(brands.may_manage, storefront_id=brand.storefront.id, telegram_id=31) is None


DAMAGES = [
    Damage(
        "a reseller's storefront is run by a reseller of the shop behind it, and its money is that shop's",
        "storefronts",
        "UPDATE storefronts SET house_id = NULL WHERE house_id IS NOT NULL",
    ),
    Damage(
        "a price has a part of the shop's exactly in a reseller's storefront",
        "prices",
        "UPDATE prices SET house_minor = NULL WHERE house_minor IS NOT NULL",
    ),
    Damage(
        "a margin is what its order was sold for, less the shop's part of its lines",
        "margins",
        "UPDATE margins SET house_minor = house_minor + 1, margin_minor = margin_minor - 1",
    ),
    Damage("a sale in a reseller's storefront has left its margin", "margins", "DELETE FROM margins"),
    Damage("a margin was taken back as its order was refunded", "margins", "UPDATE margins SET taken_minor = taken_minor + 1"),
    Damage(
        "a margin is lost as far as the payment of its order, and of no buyer who lost the shop nothing",
        "margins",
        "UPDATE margins SET lost_minor = 1",
    ),
    Damage("a margin came from the shop's sales to its reseller, and back, as it says", "", "UPDATE margins SET state = 'held'"),
    Damage(
        "what was moved of margins is an order's, or went into its reseller's own wallet",
        "transfers",
        "UPDATE transfers SET kind = 'adjustment' WHERE key LIKE 'margin-out:%'",
    ),
]


async def test_each_damage_to_margins_is_found_by_name(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock, database_url: str
) -> None:
    ann = await a_reseller(shop, storefront)
    brand = await opened(shop, ann)
    buyer = await person(shop, brand.storefront, money_minor=100_000)
    await buys(shop, brand, goods, buyer, 2)
    await shop.write(brands.earn)
    clock.passes(days=8)
    await shop.write(brands.release)
    await shop.write(brands.take_out, owner_id=ann.id)
    await shop.write(payments.adjust, customer_id=buyer.id, amount_minor=1, reason="later", by="test", once="later")
    await assert_sound(shop)
    assert await not_found(shop, database_url, DAMAGES) == []
    assert {harm.check for harm in DAMAGES} == set(BRANDS)


async def test_a_category_of_which_a_storefront_sells_nothing_is_not_on_its_shelves(
    shop: Shop, storefront: Storefront, goods: Goods
) -> None:
    ann, other = await a_reseller(shop, storefront), await put_on_sale(shop, storefront, name="Apple")
    brand = await opened(shop, ann)
    await shop.write(brands.show_product, brand_id=brand.id, owner_id=ann.id, product_id=other.product_id, shown=False)
    await follow(shop)
    for front, wanted in ((storefront, {goods.category_id, other.category_id}), (brand.storefront, {goods.category_id})):
        shelf = await shop.read(showcase.shelf, storefront_id=front.id, category_id=None)
        first = await shop.read(showcase.front, storefront_id=front.id, few=0)
        assert {one.id for one in shelf.categories} == {one.id for one in first.categories} == wanted
    with pytest.raises(Gone):
        await shop.read(showcase.product_page, storefront_id=brand.storefront.id, product_id=other.product_id)


async def test_a_bot_is_not_closed_while_its_customers_have_money_there(shop: Shop, storefront: Storefront, goods: Goods) -> None:
    ann = await a_reseller(shop, storefront)
    brand = await opened(shop, ann)
    buyer = await person(shop, brand.storefront, money_minor=10_500)
    await person(shop, storefront, money_minor=777)
    mine: dict[str, Any] = {"brand_id": brand.id, "owner_id": ann.id}
    with pytest.raises(brands.MoneyThere) as refused:
        await shop.write(brands.close, **mine)
    assert refused.value.amount_minor == 10_500
    await buys(shop, brand, goods, buyer)
    await shop.write(payments.adjust, customer_id=buyer.id, amount_minor=-50, reason="given back", by="test", once="back")
    await shop.write(brands.close, **mine)
    await assert_sound(shop)


async def test_what_is_sold_in_resellers_bots_is_in_the_shops_day_and_not_in_anothers(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock
) -> None:
    ann, since = await a_reseller(shop, storefront), clock()
    one, two = await opened(shop, ann), await opened(shop, ann, bot_id=8)
    await buys(shop, one, goods, await person(shop, one.storefront, money_minor=50_000), 2)
    clock.passes(seconds=1)

    async def sold(storefront_id: int) -> tuple[int, int]:
        found = await shop.read(orders.sold, storefront_id=storefront_id, since=since, until=clock())
        return found.orders, found.sales_minor

    assert await sold(storefront.id) == await sold(one.storefront.id) == (1, 20_900)
    assert await sold(two.storefront.id) == (0, 0)

    await shop.write(brands.earn)
    day = await shop.read(insight.today, storefront.id, timezone="UTC")
    assert (day.sales_minor, day.margins_minor, day.profit_minor) == (20_900, 1900, 19_000 - day.cost_minor)
    other = await shop.read(insight.today, two.storefront.id, timezone="UTC")
    assert (other.sales_minor, other.margins_minor) == (0, 0)


async def test_a_margin_waits_while_what_was_paid_may_go_back_and_is_not_paid_out_when_it_has(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock
) -> None:
    ann = await a_reseller(shop, storefront)
    brand = await opened(shop, ann, markup=Markup(points=1000, step_minor=100))
    price = (await shop.read(pricing.branded, storefront_id=brand.storefront.id))[goods.sku_id]
    there = replace(goods, storefront=brand.storefront, price_id=price.id)
    kept, gone = [await placed(shop, await person(shop, brand.storefront), there) for _ in range(2)]
    for order in (kept, gone):
        assert await told(shop, order, clock) == "issued"
        await show(shop, order.order_id)
    await shop.write(brands.earn)
    clock.passes(days=8)
    await shop.write(brands.release)
    assert await shop.read(brands.earned, ann.id) == brands.Earned(2000, 0, "CNY"), "their banks may still take it back"

    paid_again = paid_event(gone, clock, state=PaymentState.REFUNDED)
    await book(shop, replace(goods, storefront=storefront), paid_again)
    clock.passes(days=31)
    await shop.write(brands.release)
    clock.passes(days=31)
    await shop.write(brands.release)
    await shop.write(brands.take_back)
    assert await shop.read(brands.earned, ann.id) == brands.Earned(0, 1000, "CNY"), "one was taken back, and its code was shown"
    await assert_sound(shop)


async def test_a_bot_is_not_closed_while_somebody_waits_for_an_order(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock
) -> None:
    ann = await a_reseller(shop, storefront)
    brand = await opened(shop, ann)
    price = (await shop.read(pricing.branded, storefront_id=brand.storefront.id))[goods.sku_id]
    there = replace(goods, storefront=brand.storefront, price_id=price.id)
    await placed(shop, await person(shop, brand.storefront), there)
    mine: dict[str, Any] = {"brand_id": brand.id, "owner_id": ann.id}
    with pytest.raises(brands.NotFinished) as refused:
        await shop.write(brands.close, **mine)
    assert refused.value.count == 1
    clock.passes(days=2)
    await shop.write(orders.expire)
    await shop.write(brands.close, **mine)
    await assert_sound(shop)


async def test_a_stopped_bot_writes_to_nobody_and_what_it_was_writing_ends(shop: Shop, storefront: Storefront) -> None:
    ann = await a_reseller(shop, storefront)
    brand = await opened(shop, ann)
    for _ in range(3):
        await person(shop, brand.storefront)
    at: dict[str, Any] = {"storefront_id": brand.storefront.id, "by": "telegram:1"}
    first, second = [await shop.write(promotion.draft, text=text, **at) for text in ("One", "Two")]
    await shop.write(promotion.begin_branded, broadcast_id=first, **at)
    await shop.write(promotion.post_next)

    await shop.write(brands.stop, brand_id=brand.id, house_id=storefront.id, why="A scam", by="test")
    assert await shop.write(promotion.stop_all, **at) == 1
    with pytest.raises(brands.StoppedByShop):
        await shop.write(promotion.begin_branded, broadcast_id=second, **at)

    assert await shop.write(promotion.post_next) == 0
    leased = await shop.write(outbox.lease, worker="w", most=200, seconds=1)
    assert not [one for one in leased if one.topic is outbox.Topic.BROADCAST]
    assert await shop.write(promotion.stop_all, **at) == 0


async def test_whoever_is_in_charge_is_found_by_exactly_their_name(shop: Shop, storefront: Storefront) -> None:
    ann = await a_reseller(shop, storefront)
    brand = await opened(shop, ann)
    meet: dict[str, Any] = {"storefront_id": brand.storefront.id, "telegram_language": "en", "currency": "CNY"}
    for number in range(12):
        await shop.write(people.meet, telegram_id=100 + number, name="max", username=f"max{number:02}", **meet)
    max_himself = await shop.write(people.meet, telegram_id=200, name="M", username="Max", **meet)
    mine: dict[str, Any] = {"brand_id": brand.id, "owner_id": ann.id}
    assert await shop.write(brands.put_in_charge, **mine, username="@max") == max_himself.telegram_id
    assert await shop.write(brands.put_in_charge, **mine, username="105") == 105
    await shop.write(people.meet, telegram_id=300, name="N", username="max", **meet)
    with pytest.raises(brands.SeveralNamed):
        await shop.write(brands.put_in_charge, **mine, username="@max")
    assert await shop.write(brands.put_in_charge, **mine, username="300") == 300
    for nobody in ("", "@", "\x00", "9" * 30, "ma"):
        with pytest.raises(brands.NotACustomerYet):
            await shop.write(brands.put_in_charge, **mine, username=nobody)
