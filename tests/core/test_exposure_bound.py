"""How far above its limit a supplier may be owed: not at all by sales, whatever is sold at once, and by what was promised before."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import catalog, exposure, ledger, orders, rates, storefronts, supply
from core.database import Shop, read, write
from core.settlement import SpreadShare
from core.storefronts import Storefront
from core.supply import Stop
from tests.core.offering import offered, supplier
from tests.core.props import aside, assert_sound, at_once, place, reserve, scalar, settle, until_waits
from tests.core.supplies import Supplied, give_offer, purse, settled, supplied
from tests.core.way import ask, secrets
from tests.stage import Goods, person, put_on_sale, stock

STAFF = "telegram:1"


async def limit(shop: Shop, supplier_id: int, most: int | None, currency: str = "CNY") -> None:
    await shop.write(exposure.set_limit, supplier_id=supplier_id, currency=currency, most_owed_minor=most, most_ahead_minor=None, by=STAFF)


async def owed(shop: Shop, supplier_id: int, currency: str = "CNY") -> int:
    held, due, paying = await shop.read(purse, supplier_id, currency)
    return held + due + paying


@read
def plain(session: Session, offer_id: int) -> bool:
    return bool(session.execute(text("SELECT plain FROM offers WHERE id = :id"), {"id": offer_id}).scalar_one())


@write
def second_front(session: Session, *, currency: str) -> Storefront:
    """Another storefront of the house, in another currency."""
    party = ledger.new_party(session, ledger.PartyKind.HOUSE)
    account = ledger.open_account(session, party_id=party, kind=ledger.AccountKind.SALES, currency=currency)
    front = session.scalars(
        text(
            "INSERT INTO storefronts (party_id, name, currency, language, sales_account_id, opened_at, tag)"
            " SELECT :party, 'Abroad', :currency, language, :account, opened_at, 'abroad' FROM storefronts RETURNING id"
        ),
        {"party": party, "currency": currency, "account": account},
    ).one()
    return storefronts.by_id(session, int(front))


async def test_many_sales_at_once_owe_no_more_than_the_limit(shop: Shop, storefront: Storefront) -> None:
    """Room for five of 85.00 and 0.01 more; twelve buyers, and the job that sets the room anew among them: the excess is nothing."""
    of = await supplied(shop, storefront)
    await limit(shop, of.supplier_id, 5 * 8500 + 1)
    buyers = [await person(shop, storefront, money_minor=100_000) for _ in range(12)]

    async def looks() -> None:
        for _ in range(4):
            await shop.write(exposure.keep_limits)

    looking = asyncio.create_task(looks())
    sold, refused = await at_once(
        shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"order-{buyer.id}", **of.goods.terms()) for buyer in buyers
    )
    await looking

    assert len(sold) == 5 and {type(no) for no in refused} <= {orders.SoldOut, orders.NotForSale}
    assert await owed(shop, of.supplier_id) == 5 * 8500, "not one minor unit above the limit"
    await shop.write(exposure.keep_limits)
    assert [one.why for one in await shop.read(supply.stops, [of.goods.offer_id])] == [Stop.EXPOSURE]
    await assert_sound(shop)


async def test_what_there_is_no_room_for_comes_from_the_next_source(shop: Shop, storefront: Storefront, goods: Goods) -> None:
    seller = await supplier(shop)
    theirs = await offered(shop, goods.sku_id, supplier_id=seller)
    await stock(shop, theirs.id, goods.sku_id, 10)
    other = await offered(shop, goods.sku_id, cost_minor=9000)
    await stock(shop, other.id, goods.sku_id, 10)
    await shop.write(supply.withdraw_offer, offer_id=goods.offer_id, by="test")
    await limit(shop, seller, 20_000)
    buyer = await person(shop, storefront, money_minor=1_000_000)

    made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once="three", **goods.terms())
    assert await owed(shop, seller) == 17_000
    lines = await shop.read(orders.sold_lines, [made.order_id])
    assert {line.offer_id: line.units for line in lines} == {theirs.id: 2, other.id: 1}
    await assert_sound(shop)


async def test_one_currency_is_full_and_the_other_sells_on(shop: Shop, storefront: Storefront) -> None:
    abroad = await shop.write(second_front, currency="USD")
    of = await supplied(shop, storefront)
    there = await put_on_sale(shop, abroad, name="Dollar goods", denomination="D 10", price_minor=2000)
    await shop.write(give_offer, offer_id=there.offer_id, supplier_id=of.supplier_id, cost_minor=1500, currency="USD")
    await limit(shop, of.supplier_id, 8500)
    await limit(shop, of.supplier_id, 4000, "USD")
    at_home, over_there = [await person(shop, where, money_minor=100_000) for where in (storefront, abroad)]

    await shop.write(orders.buy, buyer_id=at_home.id, quantity=1, once="yuan", **of.goods.terms())
    await shop.write(exposure.keep_limits)
    with pytest.raises(orders.NotForSale):
        await shop.write(orders.buy, buyer_id=at_home.id, quantity=1, once="yuan again", **of.goods.terms())
    for number in range(2):
        await shop.write(orders.buy, buyer_id=over_there.id, quantity=1, once=f"dollars-{number}", **there.terms())
    with pytest.raises(orders.SoldOut):
        await shop.write(orders.buy, buyer_id=over_there.id, quantity=1, once="dollars again", **there.terms())

    known = {one.currency: (one.owed_minor, one.left_minor, one.over) for one in await shop.read(exposure.exposure_of, of.supplier_id)}
    assert known == {"CNY": (8500, 0, True), "USD": (3000, 1000, False)}
    # More room in one of them is none in the other.
    await limit(shop, of.supplier_id, 6000, "USD")
    await shop.write(orders.buy, buyer_id=over_there.id, quantity=1, once="dollars more", **there.terms())
    with pytest.raises(orders.NotForSale):
        await shop.write(orders.buy, buyer_id=at_home.id, quantity=1, once="yuan still", **of.goods.terms())
    await assert_sound(shop)


async def test_what_payers_hold_when_the_room_ends_is_theirs_and_all_that_is_owed_above_the_limit(
    shop: Shop, storefront: Storefront
) -> None:
    """The bound: a limit of 170.00, two codes of 85.00 held by payers while all of it is sold – 170.00 above, and no more."""
    of = await supplied(shop, storefront)
    await limit(shop, of.supplier_id, 17_000)
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(9), source="test")
    payers = [await person(shop, storefront) for _ in range(2)]
    placed = [await place(shop, payer, of.goods, once=f"held-{payer.id}") for payer in payers]
    for payer, one in zip(payers, placed, strict=True):
        await reserve(shop, payer, one)
    buyer = await person(shop, storefront, money_minor=100_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="all of it", **of.goods.terms())

    for payer, one in zip(payers, placed, strict=True):
        assert (await settle(shop, payer, one, event=f"paid-{payer.id}")).issued
    assert await owed(shop, of.supplier_id) == 17_000 + 2 * 8500
    # Nobody else holds or buys any.
    with pytest.raises(orders.SoldOut):
        await place(shop, await person(shop, storefront), of.goods, once="late")
    with pytest.raises(orders.SoldOut):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="more", **of.goods.terms())
    await shop.write(exposure.keep_limits)
    [known] = await shop.read(exposure.exposure_of, of.supplier_id)
    assert (known.owed_minor, known.left_minor) == (34_000, -17_000)
    await assert_sound(shop)


async def test_what_a_payer_held_takes_its_room_when_it_is_paid(shop: Shop, storefront: Storefront) -> None:
    of = await supplied(shop, storefront)
    await limit(shop, of.supplier_id, 17_000)
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(9), source="test")
    payer, buyer = await person(shop, storefront), await person(shop, storefront, money_minor=100_000)
    placed = await place(shop, payer, of.goods, once="held")
    await reserve(shop, payer, placed)
    await settle(shop, payer, placed, event="paid")
    with pytest.raises(orders.SoldOut):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="two", **of.goods.terms())
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **of.goods.terms())
    assert await owed(shop, of.supplier_id) == 17_000


async def test_goods_on_their_way_have_their_room_until_they_are_owed(shop: Shop, storefront: Storefront, goods: Goods) -> None:
    seller = await supplier(shop)
    theirs = await offered(shop, goods.sku_id, supplier_id=seller, declared=10)
    await shop.write(supply.withdraw_offer, offer_id=goods.offer_id, by="test")
    await limit(shop, seller, 2 * 8500)
    buyer = await person(shop, storefront, money_minor=1_000_000)
    made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="two", **goods.terms())
    assert await owed(shop, seller) == 0, "they have not come"
    await shop.write(exposure.keep_limits)
    [known] = await shop.read(exposure.exposure_of, seller)
    assert (known.owed_minor, known.coming_minor, known.left_minor) == (0, 17_000, 0)
    with pytest.raises(orders.NotForSale):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="three", **goods.terms())

    task = await ask(shop, f"supplier:{seller}")
    await shop.write(orders.arrived, task_id=task.id, secrets=secrets("A-1", "A-2"), done=True, cause="came")
    assert await owed(shop, seller) == 17_000
    [known] = await shop.read(exposure.exposure_of, seller)
    assert (known.owed_minor, known.coming_minor, known.left_minor) == (17_000, 0, 0)
    assert made.due_at is not None and theirs.declared == 10
    await assert_sound(shop)


async def test_what_is_shared_after_the_sale_narrows_the_room(shop: Shop, storefront: Storefront) -> None:
    """The other bound: a supplier's share of the spread is owed when the sale is settled – 5.00 of each of two cards."""
    of = await supplied(shop, storefront, terms=SpreadShare(5000))
    await limit(shop, of.supplier_id, 3 * 8500)
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="two", **of.goods.terms())
    await settled(shop)
    await shop.write(exposure.keep_limits)
    assert await owed(shop, of.supplier_id) == 18_000
    with pytest.raises(orders.NotForSale):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **of.goods.terms())
    # What is taken back makes room again.
    await shop.write(orders.refund_codes, order_id=1, code_ids=None, once="back", reason="test", by="test")
    await settled(shop)
    assert await shop.write(exposure.keep_limits) == 1
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **of.goods.terms())
    await assert_sound(shop)


async def test_only_sales_of_who_has_a_limit_look_at_it(shop: Shop, storefront: Storefront, goods: Goods) -> None:
    """An offer that is plain is sold with others in one statement, as before; so is one whose limit is only of what is ahead."""
    of: Supplied = await supplied(shop, storefront)
    assert await shop.read(plain, of.goods.offer_id)
    await shop.write(exposure.set_limit, supplier_id=of.supplier_id, currency="CNY", most_owed_minor=None, most_ahead_minor=5, by=STAFF)
    await limit(shop, of.supplier_id, 100, "USD")
    assert await shop.read(plain, of.goods.offer_id), "neither what is ahead nor another currency is the sale's"
    await limit(shop, of.supplier_id, 100_000)
    assert not await shop.read(plain, of.goods.offer_id)
    facts: dict[str, Any] = {"supplier_id": of.supplier_id}
    later = await offered(shop, goods.sku_id, **facts)
    assert not await shop.read(plain, later.id), "what they offer later has the same limit"
    await shop.write(supply.change_offer, offer_id=later.id, by="test", priority=3)
    assert not await shop.read(plain, later.id)
    assert await shop.read(plain, goods.offer_id), "the shop's own goods owe nobody"

    await limit(shop, of.supplier_id, None)
    assert await shop.read(plain, of.goods.offer_id) and await shop.read(plain, later.id)
    await assert_sound(shop)


async def test_what_was_held_of_an_offer_that_stopped_draws_room_too(shop: Shop, storefront: Storefront) -> None:
    """A limit of 170.00: one code is held by a payer when its offer is stopped, and of other goods one more is sold, not two."""
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(9), source="test")
    of = await supplied(shop, storefront)
    other = await put_on_sale(shop, storefront, name="Other goods", denomination="O 10", price_minor=9500)
    await shop.write(give_offer, offer_id=other.offer_id, supplier_id=of.supplier_id, cost_minor=8500, currency="CNY")
    await limit(shop, of.supplier_id, 17_000)
    payer = await person(shop, storefront)
    placed = await place(shop, payer, of.goods, once="held")
    await reserve(shop, payer, placed)
    await shop.write(supply.stop, offer_ids=[of.goods.offer_id], why=Stop.PAUSED, by=STAFF)
    assert (await settle(shop, payer, placed, event="paid")).issued

    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="fits", **other.terms())
    with pytest.raises(orders.SoldOut):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="does not", **other.terms())
    assert await owed(shop, of.supplier_id) == 17_000
    await assert_sound(shop)


async def test_a_payment_that_buys_nothing_gives_the_room_back(shop: Shop, storefront: Storefront) -> None:
    """Room for two, one for each buyer: who has had theirs before their payment came leaves the second for the next."""
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(9), source="test")
    of = await supplied(shop, storefront)
    await shop.write(catalog.change_sku, of.goods.sku_id, max_per_buyer=1)
    await limit(shop, of.supplier_id, 17_000)
    payer = await person(shop, storefront, money_minor=100_000)
    sku = await shop.read(catalog.sku, of.goods.sku_id)
    assert sku is not None
    of.goods.rules_version = sku.rules_version
    placed = await place(shop, payer, of.goods, once="late")
    await shop.write(orders.buy, buyer_id=payer.id, quantity=1, once="theirs", **of.goods.terms())
    assert (await settle(shop, payer, placed, event="paid")).why == "limit"

    buyer = await person(shop, storefront, money_minor=100_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="next", **of.goods.terms())
    assert await owed(shop, of.supplier_id) == 17_000
    await assert_sound(shop)


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_a_limit_that_is_removed_while_the_clock_looks_leaves_no_room_behind(
    shop: Shop, storefront: Storefront, database_url: str
) -> None:
    of = await supplied(shop, storefront)
    await limit(shop, of.supplier_id, 17_000)
    async with aside(database_url) as staff:
        await staff.execute(text("UPDATE exposure_limits SET most_owed_minor = NULL"))
        await staff.execute(text("DELETE FROM owed_rooms"))
        looking = asyncio.create_task(shop.write(exposure.keep_limits))
        await until_waits(staff, looking)
        await staff.commit()
    await looking

    assert await scalar(database_url, "SELECT count(*) FROM owed_rooms") == 0
    buyer = await person(shop, storefront, money_minor=100_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **of.goods.terms())
