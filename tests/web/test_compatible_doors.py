"""The compatible doors, proven by our own connectors of the same protocols over HTTP: what those tests of a fake, this does of the shop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from core import api, catalog, ledger, people, pricing
from core.database import Shop
from core.ports import Callback, Declined, ItemKind, NotSure, UpstreamAsk, UpstreamOrder, UpstreamShop, UpstreamState
from core.pricing import Tier
from core.storefronts import Storefront
from tests.bot.buying_there import trading
from tests.core.ledgers import assert_books
from tests.core.props import assert_sound
from tests.programs import key_for, reseller
from tests.stage import Clock, Goods, numbers, put_on_sale
from tests.web.compatible import SHORT, Doors, doors_of

BY = "test"
PROTOCOLS = ("dujiao-next", "acg-faka")
# For what does not depend on the database.
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
of_each = pytest.mark.parametrize("protocol", PROTOCOLS)


@pytest.fixture
async def doors(shop: Shop, storefront: Storefront) -> AsyncIterator[Doors]:
    async with doors_of(shop, storefront) as opened:
        yield opened


def connector(doors: Doors, protocol: str, seconds: float = 15.0) -> UpstreamShop:
    return doors.dujiao_connector(seconds) if protocol == "dujiao-next" else doors.acg_connector(seconds)


def key_of(protocol: str, goods: Goods) -> str:
    return f"{goods.product_id}:{goods.sku_id}" if protocol == "dujiao-next" else f"S{goods.sku_id}"


def ask(protocol: str, goods: Goods, quantity: int = 2, number: str = "") -> UpstreamAsk:
    return UpstreamAsk(number or f"T{next(numbers):08d}", key_of(protocol, goods), quantity, 10**9, "CNY")


async def cheaper(shop: Shop, goods: Goods, minor: int, *tiers: Tier) -> None:
    await shop.write(
        pricing.set_price,
        storefront_id=goods.storefront.id,
        sku_id=goods.sku_id,
        retail_minor=9500,
        currency="CNY",
        wholesale_minor=minor,
        tiers=tiers,
    )


async def balance(doors: Doors) -> int:
    return await doors.shop.read(ledger.balance, doors.reseller.wallet_id)


def words(order: UpstreamOrder) -> list[str]:
    return [str(code.card_pwd or code.card_no) for code in order.codes]


@of_each
async def test_balance_catalogue_and_prices_are_the_reseller_s_own(doors: Doors, goods: Goods, protocol: str) -> None:
    await cheaper(doors.shop, goods, 9000)
    other = await put_on_sale(doors.shop, doors.storefront, name="PSN", denomination="PSN 100", price_minor=7, count=0)
    gone = await put_on_sale(doors.shop, doors.storefront, name="Old", denomination="Old 1")
    await doors.shop.write(catalog.change_product, gone.product_id, by=BY, hidden=True)
    shop = connector(doors, protocol)

    prepaid, page = await shop.prepaid(), await shop.catalogue()

    assert (prepaid.amount_minor, prepaid.currency, prepaid.name) == (1_000_000, "CNY", doors.storefront.name)
    items = {item.key: item for item in page.items}
    assert set(items) == {key_of(protocol, goods), key_of(protocol, other)}
    assert (items[key_of(protocol, goods)].price_minor, items[key_of(protocol, goods)].stock) == (9000, 40)
    assert "Steam" in items[key_of(protocol, goods)].title and items[key_of(protocol, goods)].category == "Game cards"
    assert (items[key_of(protocol, other)].price_minor, items[key_of(protocol, other)].stock) == (7, 0)
    one = await shop.item(key_of(protocol, goods))
    assert one is not None and (one.price_minor, one.stock, one.active) == (9000, 40, True)
    assert await shop.item(key_of(protocol, gone)) is None
    await shop.close()


@on_sqlite
async def test_a_long_catalogue_comes_in_pages_without_a_gap(doors: Doors) -> None:
    category = await doors.shop.write(catalog.add_category, slug="many", name="Many")
    made = [
        await put_on_sale(doors.shop, doors.storefront, name=f"Card {n}", denomination=f"Card {n}", count=0, category_id=category)
        for n in range(101)
    ]
    shop = doors.dujiao_connector()
    first = await shop.catalogue()
    assert first.after is not None and len(first.items) == 100
    second = await shop.catalogue(first.after)
    assert second.after is None
    assert [item.key for item in (*first.items, *second.items)] == [key_of("dujiao-next", goods) for goods in made]
    await shop.close()


@of_each
async def test_an_order_brings_its_codes_and_the_same_number_brings_the_same_ones(
    doors: Doors, goods: Goods, clock: Clock, protocol: str
) -> None:
    since = clock() - timedelta(days=1)
    await cheaper(doors.shop, goods, 9000, Tier(10, 8500))
    shop, asked = connector(doors, protocol), ask(protocol, goods)

    first = await shop.order(asked)
    again = await shop.order(asked)

    assert (first.state, first.amount_minor, first.currency, first.got) == (UpstreamState.DONE, 18_000, "CNY", 2)
    assert (again.ref, words(again)) == (first.ref, words(first)) and len(set(words(first))) == 2
    assert all(code.startswith("TEST-") for code in words(first))
    assert await balance(doors) == 1_000_000 - 18_000
    # A larger order earns the tier.
    many = await shop.order(ask(protocol, goods, 10))
    assert (many.amount_minor, len(set(words(many)))) == (85_000, 10)
    if protocol == "acg-faka":
        found = await shop.find(asked.number, None)
        assert found is not None and words(found) == words(first)
    await shop.close()
    await assert_sound(doors.shop)
    await assert_books(doors.shop, since, clock(), doors.storefront.id)


@of_each
async def test_an_answer_that_was_lost_after_the_work_is_found_and_bought_once(doors: Doors, goods: Goods, protocol: str) -> None:
    hasty, asked = connector(doors, protocol, SHORT), ask(protocol, goods)
    if protocol == "dujiao-next":
        await hasty.prepaid()
    doors.line.silent = True
    with pytest.raises(NotSure):
        await hasty.order(asked)
    await doors.line.worked.wait()
    doors.line.silent = False

    patient = connector(doors, protocol)
    found = await patient.find(asked.number, None) if patient.can.finds_by_number else await patient.order(asked)

    assert found is not None and found.state is UpstreamState.DONE and found.got == 2
    assert await balance(doors) == 1_000_000 - 2 * await doors.unit(goods)
    await hasty.close()
    await patient.close()


@of_each
async def test_ten_at_once_under_one_number_are_one_order(doors: Doors, goods: Goods, protocol: str) -> None:
    shop, asked = connector(doors, protocol), ask(protocol, goods)
    answers = await asyncio.gather(*(shop.order(asked) for _ in range(10)), return_exceptions=True)
    found = [answer for answer in answers if isinstance(answer, UpstreamOrder)]
    # Whoever was not told is unsure, and asks again.
    assert all(isinstance(answer, UpstreamOrder | NotSure) for answer in answers), answers
    found.append(await shop.order(asked))
    assert len({(order.ref, *words(order)) for order in found}) == 1
    assert await balance(doors) == 1_000_000 - 2 * await doors.unit(goods)
    await shop.close()


@of_each
async def test_another_order_under_a_used_number_is_refused_and_one_number_holds_for_both_doors(
    doors: Doors, goods: Goods, protocol: str
) -> None:
    shop, asked = connector(doors, protocol), ask(protocol, goods)
    await shop.order(asked)
    with pytest.raises((Declined, NotSure)):
        await shop.order(ask(protocol, goods, 3, asked.number))
    other = PROTOCOLS[1 - PROTOCOLS.index(protocol)]
    there = connector(doors, other)
    # The same goods under the same number: one order for ever, by whichever key.
    assert (await there.order(ask(other, goods, 2, asked.number))).got == 2
    assert await balance(doors) == 1_000_000 - 2 * await doors.unit(goods)
    await shop.close()
    await there.close()


@of_each
async def test_too_many_too_dear_and_gone_are_refused_for_sure_and_nothing_is_charged(doors: Doors, goods: Goods, protocol: str) -> None:
    shop = connector(doors, protocol)
    empty = await put_on_sale(doors.shop, doors.storefront, name="Empty", denomination="Empty 1", count=1)
    dear = await put_on_sale(doors.shop, doors.storefront, name="Dear", denomination="Dear 1", price_minor=900_000, count=3)
    for asked in (ask(protocol, empty, 2), ask(protocol, dear, 2), ask(protocol, goods, 501), ask(protocol, goods, 10_001)):
        with pytest.raises(Declined):
            await shop.order(asked)
    await doors.shop.write(catalog.change_product, goods.product_id, by=BY, hidden=True)
    with pytest.raises(Declined):
        await shop.order(ask(protocol, goods))
    assert await balance(doors) == 1_000_000
    # What was refused used up no number: when there are enough, the same number buys.
    again = ask(protocol, empty, 1, "N-1")
    assert (await shop.order(again)).got == 1
    await shop.close()


@on_sqlite
@of_each
async def test_a_price_that_moved_is_seen_before_the_order_and_charged_as_it_is(doors: Doors, goods: Goods, protocol: str) -> None:
    shop = connector(doors, protocol)
    await cheaper(doors.shop, goods, 9000)
    seen = await shop.item(key_of(protocol, goods))
    await cheaper(doors.shop, goods, 9200)
    asked = await shop.item(key_of(protocol, goods))
    assert seen is not None and asked is not None and (seen.price_minor, asked.price_minor) == (9000, 9200)
    assert (await shop.order(ask(protocol, goods, 1))).amount_minor == 9200
    await shop.close()


async def test_what_comes_from_an_upstream_is_waited_for_or_asked_for_again(shop: Shop, storefront: Storefront) -> None:
    async with trading(shop, storefront) as trade, doors_of(shop, storefront, wait_seconds=0.05) as doors:
        sku = await shop.read(catalog.sku, trade.sku_id)
        assert sku is not None
        goods = Goods(storefront, 0, sku.product_id, sku.id, trade.offer_id, 0, sku.rules_version)
        dujiao, acg = doors.dujiao_connector(), doors.acg_connector()

        one, two = ask("dujiao-next", goods), ask("acg-faka", goods)
        first, second = await dujiao.order(one), await acg.order(two)

        assert (first.state, second.state) == (UpstreamState.WORKING, UpstreamState.WORKING)
        assert (list(first.codes), list(second.codes), first.amount_minor) == ([], [], 2 * await doors.unit(goods))
        await trade.procurer.work_off()
        done, found = await dujiao.find("", first.ref), await acg.find(two.number, None)
        assert done is not None and found is not None
        assert (done.state, found.state) == (UpstreamState.DONE, UpstreamState.DONE)
        assert {*words(done), *words(found)} == {code for order in trade.fake.orders for code in order.codes}
        await dujiao.close()
        await acg.close()


async def test_what_comes_from_an_upstream_within_its_clients_patience_is_in_the_answer_itself(shop: Shop, storefront: Storefront) -> None:
    async with trading(shop, storefront) as trade, doors_of(shop, storefront, wait_seconds=30) as doors:
        sku = await shop.read(catalog.sku, trade.sku_id)
        assert sku is not None
        acg = doors.acg_connector()
        goods = Goods(storefront, 0, sku.product_id, sku.id, trade.offer_id, 0, sku.rules_version)
        buying = asyncio.create_task(acg.order(ask("acg-faka", goods, 1)))
        while not trade.fake.orders:
            await trade.procurer.work_off()
        order = await buying
        assert (order.state, words(order)) == (UpstreamState.DONE, trade.fake.orders[0].codes)
        await acg.close()


@of_each
async def test_what_asks_for_an_account_is_asked_through_the_doors_and_brings_its_receipt(
    shop: Shop, storefront: Storefront, protocol: str
) -> None:
    async with trading(shop, storefront, "topup") as trade, doors_of(shop, storefront, wait_seconds=0.02) as doors:
        sku = await shop.read(catalog.sku, trade.sku_id)
        assert sku is not None
        goods = Goods(storefront, 0, sku.product_id, sku.id, trade.offer_id, 0, sku.rules_version)
        there = connector(doors, protocol)
        item = await there.item(key_of(protocol, goods))
        assert item is not None and item.kind is ItemKind.MANUAL
        if protocol == "dujiao-next":
            assert [field.name for field in item.fields] == ["account"]
        asked = ask(protocol, goods, 1)
        with pytest.raises(Declined):
            await there.order(asked)  # without the account
        with pytest.raises(Declined):
            await there.order(replace(asked, fields={"account": "13800001111", "colour": "red"}))
        told = replace(asked, fields={"account": "13800001111"})
        first = await there.order(told)
        assert first.state is UpstreamState.WORKING
        await trade.procurer.work_off()
        bought = trade.fake.orders[0]
        trade.fake.finish(bought.number)
        letter = trade.fake._callback(bought)
        assert letter is not None
        heard = Callback((), {name.lower(): value for name, value in letter.headers.items()}, letter.body)
        await trade.procurer.hear(trade.of.word, heard)
        await trade.procurer.work_off()
        again = await there.order(told)
        # What they show their buyer is the operator's receipt.
        assert (again.state, again.ref, len(again.codes)) == (UpstreamState.DONE, first.ref, 1)
        assert bought.ref in (again.codes[0].card_pwd or "")
        assert (bought.fields, len(trade.fake.orders)) == ({"account": "13800001111"}, 1)
        await there.close()


async def test_an_order_that_nobody_was_asked_for_is_cancelled_with_all_its_money_and_a_delivered_one_is_not(
    shop: Shop, storefront: Storefront
) -> None:
    async with trading(shop, storefront) as trade, doors_of(shop, storefront, wait_seconds=0.02) as doors:
        sku = await shop.read(catalog.sku, trade.sku_id)
        assert sku is not None
        goods = Goods(storefront, 0, sku.product_id, sku.id, trade.offer_id, 0, sku.rules_version)
        dujiao = doors.dujiao_connector()
        order = await dujiao.order(ask("dujiao-next", goods))
        assert await balance(doors) == 1_000_000 - 2 * await doors.unit(goods)

        assert await dujiao.cancel("", order.ref) is UpstreamState.FAILED
        assert await dujiao.cancel("", order.ref) is UpstreamState.FAILED

        assert await balance(doors) == 1_000_000
        looked = await dujiao.find("", order.ref)
        assert looked is not None and looked.state is UpstreamState.FAILED
        # At the other door it has no other word than that there is no such order, and the same number buys nothing any more.
        acg, asked = doors.acg_connector(), ask("acg-faka", goods)
        assert (await acg.order(asked)).state is UpstreamState.WORKING
        await shop.write(api.cancel, key_id=doors.acg.key.id, number=asked.number)
        assert await acg.find(asked.number, None) is None
        with pytest.raises(Declined):
            await acg.order(asked)
        assert await balance(doors) == 1_000_000
        await acg.close()
        delivered = await dujiao.order(ask("dujiao-next", goods))
        await trade.procurer.work_off()
        with pytest.raises(Declined):
            await dujiao.cancel("", delivered.ref)
        await dujiao.close()


@on_sqlite
@of_each
async def test_who_may_not_is_kept_out(doors: Doors, goods: Goods, protocol: str) -> None:
    shop, asked = connector(doors, protocol), ask(protocol, goods)
    order = await shop.order(asked)
    stranger = await reseller(doors.shop, doors.storefront)
    theirs = await key_for(doors.shop, stranger, form=api.Form.DUJIAO if protocol == "dujiao-next" else api.Form.ACG)
    mine = (doors.dujiao, doors.acg)
    doors.dujiao = doors.acg = theirs
    other = connector(doors, protocol)
    # Another reseller sees nothing of it, and has the number for themselves.
    if protocol == "dujiao-next":
        assert await other.find("", order.ref) is None
        with pytest.raises(Declined):
            await other.cancel("", order.ref)
    else:
        assert await other.find(asked.number, None) is None and await other.find(order.ref, None) is None
    assert not {*words(await other.order(asked))} & {*words(order)}
    # A key of the other door's form is unknown at this one.
    doors.dujiao, doors.acg = mine[1], mine[0]
    wrong = connector(doors, protocol)
    with pytest.raises(Declined):
        await wrong.prepaid()
    doors.dujiao, doors.acg = mine
    this = mine[PROTOCOLS.index(protocol)].key
    await doors.shop.write(api.allow_addresses, key_id=this.id, customer_id=doors.reseller.id, addresses=["203.0.113.7"], by=BY)
    with pytest.raises((Declined, NotSure)):
        await shop.prepaid()
    await doors.shop.write(api.allow_addresses, key_id=this.id, customer_id=doors.reseller.id, addresses=["127.0.0.0/8"], by=BY)
    await shop.prepaid()
    await doors.shop.write(api.allow_scopes, key_id=this.id, customer_id=doors.reseller.id, scopes=[api.Scope.READ], by=BY)
    with pytest.raises((Declined, NotSure)):
        await shop.order(ask(protocol, goods))
    await doors.shop.write(people.set_wholesale, storefront_id=doors.storefront.id, customer_id=doors.reseller.id, wholesale=False, by=BY)
    with pytest.raises((Declined, NotSure)):
        await shop.prepaid()
    await doors.shop.write(api.disable, key_id=this.id, customer_id=doors.reseller.id, by=BY)
    with pytest.raises((Declined, NotSure)):
        await shop.prepaid()
    for each in (shop, other, wrong):
        await each.close()


@on_sqlite
@of_each
async def test_a_limit_for_the_day_holds_here_too(doors: Doors, goods: Goods, protocol: str) -> None:
    unit, this = await doors.unit(goods), (doors.dujiao, doors.acg)[PROTOCOLS.index(protocol)].key
    await doors.shop.write(api.set_limit, key_id=this.id, customer_id=doors.reseller.id, day_limit_minor=3 * unit, by=BY)
    shop = connector(doors, protocol)
    assert (await shop.order(ask(protocol, goods, 2))).got == 2
    with pytest.raises(Declined):
        await shop.order(ask(protocol, goods, 2))
    assert (await shop.order(ask(protocol, goods, 1))).got == 1
    await shop.close()


@on_sqlite
@of_each
async def test_what_a_sandbox_key_orders_ends_as_its_number_says(doors: Doors, goods: Goods, protocol: str) -> None:
    form = api.Form.DUJIAO if protocol == "dujiao-next" else api.Form.ACG
    doors.dujiao = doors.acg = await key_for(doors.shop, doors.reseller, form=form, sandbox=True)
    shop = connector(doors, protocol)
    order = await shop.order(ask(protocol, goods, 2, "try-1"))
    assert (order.state, order.got) == (UpstreamState.DONE, 2) and words(order)[0].startswith("SANDBOX-")
    with pytest.raises(Declined):
        await shop.order(ask(protocol, goods, 2, "try-2-out-of-stock"))
    with pytest.raises(NotSure):
        await shop.order(ask(protocol, goods, 2, "try-3-error"))
    assert (await shop.order(ask(protocol, goods, 2, "try-3-error"))).got == 2
    assert await balance(doors) == 1_000_000
    await shop.close()
