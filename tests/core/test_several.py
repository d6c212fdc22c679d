"""Several purchases in one transaction, one number one order, and codes that go to the people of a reseller."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import inventory, ledger, orders, outbox, people, resellers
from core.audit.resellers_people import RESELLERS_PEOPLE
from core.catalog import Gone
from core.database import Shop, utc_now, write
from core.errors import Refusal
from core.orders import NotAll, RevealCause
from core.people import Customer
from core.resellers import AlreadyBought, LinkOfCodesOver, ListGone, ListLine, ListView, May, NotAllowed, NumberTaken, Wishes
from core.storefronts import Storefront
from tests.core.ledgers import assert_books
from tests.core.props import assert_sound
from tests.stage import Clock, Goods, person, put_on_sale, stock

EVER: dict[str, Any] = {"since": utc_now() - timedelta(days=1), "until": utc_now() + timedelta(days=30)}


async def reseller_of(shop: Shop, storefront: Storefront, money_minor: int = 10_000_000) -> Customer:
    customer = await person(shop, storefront, money_minor=money_minor)
    await shop.write(people.set_wholesale, storefront_id=storefront.id, customer_id=customer.id, wholesale=True, by="test")
    await shop.write(people.come_back, customer_id=customer.id)
    return await shop.read(people.by_id, customer.id)


async def member_of(shop: Shop, storefront: Storefront, reseller: Customer, may: May, *, opened: bool = True) -> Customer:
    member = await person(shop, storefront)
    if opened:
        await shop.write(people.come_back, customer_id=member.id)
    await shop.write(resellers.set_roles, reseller_id=reseller.id, telegram_id=member.telegram_id, may=may, by=reseller.telegram_id)
    return member


async def drawn(shop: Shop, reseller: Customer, *lines: ListLine, by: int | None = None, once: str = "m:1") -> ListView:
    made = await shop.write(resellers.draw_list, reseller_id=reseller.id, by=by or reseller.telegram_id, once=once, lines=lines)
    assert isinstance(made, ListView)
    return made


async def test_a_list_is_bought_once_and_each_line_is_an_order(shop: Shop, storefront: Storefront) -> None:
    reseller = await reseller_of(shop, storefront)
    one, two = await put_on_sale(shop, storefront), await put_on_sale(shop, storefront, price_minor=5000)
    view = await drawn(shop, reseller, ListLine(one.sku_id, 3), ListLine(two.sku_id, 2, "mine-1"))
    assert view.total_minor == 3 * 9500 + 2 * 5000 and view.whole

    again = await drawn(shop, reseller, ListLine(one.sku_id, 3), ListLine(two.sku_id, 2, "mine-1"))
    assert again.id == view.id
    buy: dict[str, Any] = {"list_id": view.id, "reseller_id": reseller.id, "by": reseller.telegram_id, "all_or_nothing": True}
    first, second = await asyncio.gather(shop.write(resellers.buy_list, **buy), shop.write(resellers.buy_list, **buy))
    assert sorted([first.repeated, second.repeated]) == [False, True]
    assert [line.order_id for line in first.lines] == [line.order_id for line in second.lines]
    assert await shop.read(ledger.balance, reseller.wallet_id) == 10_000_000 - view.total_minor
    bought = await shop.read(orders.history, buyer_id=reseller.id)
    assert len(bought) == 2
    found = await shop.read(orders.by_number, buyer_id=reseller.id, number="mine-1")
    assert found is not None and found.order_id == first.lines[1].order_id
    await assert_books(shop, **EVER)
    await assert_sound(shop)


async def test_all_or_nothing_is_really_nothing(shop: Shop, storefront: Storefront) -> None:
    reseller = await reseller_of(shop, storefront)
    one, two = await put_on_sale(shop, storefront), await put_on_sale(shop, storefront, count=1)
    view = await drawn(shop, reseller, ListLine(one.sku_id, 3), ListLine(two.sku_id, 2))
    assert not view.whole and view.can_minor == 4 * 9500
    with pytest.raises(NotAll) as refused:
        await shop.write(resellers.buy_list, list_id=view.id, reseller_id=reseller.id, by=reseller.telegram_id, all_or_nothing=True)
    assert refused.value.line == 2 and isinstance(refused.value.why, orders.SoldOut)
    assert await shop.read(ledger.balance, reseller.wallet_id) == 10_000_000
    assert await shop.read(orders.history, buyer_id=reseller.id) == []

    made = await shop.write(resellers.buy_list, list_id=view.id, reseller_id=reseller.id, by=reseller.telegram_id, all_or_nothing=False)
    assert [line.got for line in made.lines] == [3, 1] and made.paid_minor == 4 * 9500
    assert await shop.read(inventory.watching, customer_id=reseller.id, sku_id=two.sku_id)
    await assert_books(shop, **EVER)
    await assert_sound(shop)


async def test_a_line_without_money_is_told_and_the_others_are_bought(shop: Shop, storefront: Storefront) -> None:
    reseller = await reseller_of(shop, storefront, money_minor=12_000)
    one, two = await put_on_sale(shop, storefront), await put_on_sale(shop, storefront, price_minor=5000)
    view = await drawn(shop, reseller, ListLine(one.sku_id, 1), ListLine(two.sku_id, 1), ListLine(two.sku_id, 1))
    made = await shop.write(resellers.buy_list, list_id=view.id, reseller_id=reseller.id, by=reseller.telegram_id, all_or_nothing=False)
    assert [line.got for line in made.lines] == [1, 0, 0]
    assert made.lines[1].says == orders.TooLittleMoney.says and made.lines[1].facts["short_minor"] == 2500
    await assert_sound(shop)


async def test_the_same_number_is_the_same_order(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    reseller = await reseller_of(shop, storefront)
    one, two = await put_on_sale(shop, storefront), await put_on_sale(shop, storefront)
    view = await drawn(shop, reseller, ListLine(one.sku_id, 2, "A-7"))
    made = await shop.write(resellers.buy_list, list_id=view.id, reseller_id=reseller.id, by=reseller.telegram_id, all_or_nothing=True)
    known = await shop.write(
        resellers.draw_list, reseller_id=reseller.id, by=reseller.telegram_id, once="m:2", lines=[ListLine(one.sku_id, 2, "A-7")]
    )
    assert isinstance(known, AlreadyBought) and known.order_id == made.lines[0].order_id
    for other in (ListLine(two.sku_id, 2, "A-7"), ListLine(one.sku_id, 1, "A-7")):
        with pytest.raises(NumberTaken):
            await shop.write(resellers.draw_list, reseller_id=reseller.id, by=reseller.telegram_id, once="m:3", lines=[other])
    # In a list with others it is told as bought before, and costs nothing again.
    mixed = await drawn(shop, reseller, ListLine(one.sku_id, 2, "A-7"), ListLine(two.sku_id, 1), once="m:4")
    assert mixed.total_minor == 9500
    both = await shop.write(resellers.buy_list, list_id=mixed.id, reseller_id=reseller.id, by=reseller.telegram_id, all_or_nothing=True)
    assert both.lines[0].repeated and both.paid_minor == 9500
    clock.passes(minutes=31)
    old = await drawn(shop, reseller, ListLine(two.sku_id, 1), once="m:5")
    clock.passes(minutes=31)
    with pytest.raises(ListGone):
        await shop.write(resellers.buy_list, list_id=old.id, reseller_id=reseller.id, by=reseller.telegram_id, all_or_nothing=True)
    await assert_sound(shop)


async def test_a_member_buys_by_role_and_gets_the_codes_or_a_seal(shop: Shop, storefront: Storefront) -> None:
    reseller = await reseller_of(shop, storefront)
    goods = await put_on_sale(shop, storefront)
    seer = await member_of(shop, storefront, reseller, May(sees=True))
    buyer = await member_of(shop, storefront, reseller, May(buys=True), opened=False)
    stranger = await person(shop, storefront)
    line = ListLine(goods.sku_id, 1)
    for nobody in (seer, stranger):
        with pytest.raises(NotAllowed):
            await shop.write(resellers.draw_list, reseller_id=reseller.id, by=nobody.telegram_id, once="x", lines=[line])
    view = await drawn(shop, reseller, line, by=buyer.telegram_id)
    made = await shop.write(resellers.buy_list, list_id=view.id, reseller_id=reseller.id, by=buyer.telegram_id, all_or_nothing=True)
    assert made.word is not None and made.to_telegram_id == buyer.telegram_id
    order_id = made.lines[0].order_id
    assert order_id is not None
    # It waits, whoever of them comes back.
    await shop.write(outbox.unpark, customer_id=reseller.id)
    delivery = (await shop.read(outbox.of_order, order_id=order_id))[-1]
    assert delivery.parked_at is not None

    open_: dict[str, Any] = {"storefront_id": storefront.id, "word": made.word}
    for nobody in (seer, stranger):
        with pytest.raises(NotAllowed):
            await shop.write(resellers.open_codes, **open_, telegram_id=nobody.telegram_id)
    with pytest.raises(LinkOfCodesOver):
        await shop.write(resellers.open_codes, storefront_id=storefront.id, word="no-such", telegram_id=buyer.telegram_id)
    assert await shop.write(resellers.open_codes, **open_, telegram_id=buyer.telegram_id) == [order_id]
    with pytest.raises(LinkOfCodesOver):
        await shop.write(resellers.open_codes, **open_, telegram_id=buyer.telegram_id)

    brought = await shop.write(
        resellers.hand_over, order_id=order_id, cause=RevealCause.SENT, buyer_id=reseller.id, to_customer_id=buyer.id
    )
    assert brought.to.id == buyer.id
    # The role is gone: from now on they are the reseller's own.
    await shop.write(resellers.set_roles, reseller_id=reseller.id, telegram_id=buyer.telegram_id, may=May(), by=reseller.telegram_id)
    after = await shop.write(resellers.hand_over, order_id=order_id, cause=RevealCause.SHOWN, buyer_id=reseller.id, to_customer_id=buyer.id)
    assert after.to.id == reseller.id
    with pytest.raises(NotAllowed):
        await shop.write(resellers.show_codes, reseller_id=reseller.id, order_id=order_id, by=buyer.telegram_id)
    with pytest.raises(Gone):
        await shop.write(resellers.hand_over, order_id=order_id, cause=RevealCause.SHOWN, buyer_id=stranger.id, to_customer_id=buyer.id)
    logged = await shop.read(orders.shown, order_id)
    assert [one.to_telegram_id for one in logged] == [buyer.telegram_id, reseller.telegram_id]
    await assert_sound(shop)


async def test_two_who_ask_for_the_same_codes_at_once_get_them_once(shop: Shop, storefront: Storefront) -> None:
    reseller = await reseller_of(shop, storefront)
    goods = await put_on_sale(shop, storefront)
    members = [await member_of(shop, storefront, reseller, May(buys=True), opened=True) for _ in range(4)]
    lines = [ListLine(goods.sku_id, 1) for _ in range(6)]
    view = await drawn(shop, reseller, *lines, by=members[0].telegram_id)
    made = await shop.write(resellers.buy_list, list_id=view.id, reseller_id=reseller.id, by=members[0].telegram_id, all_or_nothing=True)
    for line in made.lines:
        assert line.order_id is not None
        await shop.write(outbox.call_off, order_id=line.order_id, why="it was delivered")
        asked = (shop.write(resellers.show_codes, reseller_id=reseller.id, order_id=line.order_id, by=one.telegram_id) for one in members)
        assert await asyncio.gather(*asked) == [None] * 4
        waiting = [one for one in await shop.read(outbox.of_order, order_id=line.order_id) if one.done_at is None]
        assert len(waiting) == 1
    await assert_sound(shop)


DAMAGES = {
    "codes were shown to their buyer, or to somebody of theirs": "UPDATE reveals SET to_telegram_id = 666",
    "a group is bound to a customer of its storefront": "UPDATE reseller_groups SET reseller_id = (SELECT MIN(id) FROM customers) - 1",
    "a list that was bought tells what became of each line": "UPDATE reseller_lists SET done_by = NULL",
    "an order of a list is its reseller's": "UPDATE orders SET once = 'list:000000000099:0' WHERE once LIKE 'list:%'",
    "a number of a reseller's own is their order": "UPDATE orders SET once = 'mine' WHERE once LIKE 'api:%'",
    "codes behind a link were opened by who may see them": "UPDATE reseller_code_links SET opened_by = 666",
}


async def test_the_audit_finds_each_damage_by_name(shop: Shop, storefront: Storefront) -> None:
    reseller = await reseller_of(shop, storefront)
    goods = await put_on_sale(shop, storefront)
    buyer = await member_of(shop, storefront, reseller, May(buys=True), opened=False)
    await shop.write(resellers.bind_group, reseller_id=reseller.id, chat_id=-7, title="Desk", by=reseller.telegram_id)
    view = await drawn(shop, reseller, ListLine(goods.sku_id, 1), ListLine(goods.sku_id, 1, "N-1"), by=buyer.telegram_id)
    made = await shop.write(resellers.buy_list, list_id=view.id, reseller_id=reseller.id, by=buyer.telegram_id, all_or_nothing=True)
    assert made.word is not None and made.lines[0].order_id is not None
    await shop.write(resellers.open_codes, storefront_id=storefront.id, word=made.word, telegram_id=buyer.telegram_id)
    await shop.write(
        resellers.hand_over,
        order_id=made.lines[0].order_id,
        cause=RevealCause.SENT,
        buyer_id=reseller.id,
        to_customer_id=buyer.id,
    )
    await assert_sound(shop)
    assert set(RESELLERS_PEOPLE) - set(DAMAGES) == {"a group is one reseller's at a time"}  # An index of the database keeps that.
    for check, sql in DAMAGES.items():
        assert check in await damaged(shop, sql)


@write
def _damage(session: Session, sql: str) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL session_replication_role = replica"))
    else:
        session.execute(text("PRAGMA defer_foreign_keys = ON"))
    session.execute(text(sql))
    session.flush()
    raise _Undo([row for name, question in RESELLERS_PEOPLE.items() for row in [(name, session.execute(text(question)).all())] if row[1]])


class _Undo(Refusal):
    def __init__(self, found: list[Any]) -> None:
        super().__init__()
        self.found = found


async def damaged(shop: Shop, sql: str) -> set[str]:
    """The checks that find something once this was done, which is undone again."""
    with pytest.raises(_Undo) as undone:
        await shop.write(_damage, sql)
    return {name for name, _ in undone.value.found}


async def test_a_demoted_reseller_has_no_people_any_more(shop: Shop, storefront: Storefront) -> None:
    reseller = await reseller_of(shop, storefront)
    member = await member_of(shop, storefront, reseller, May(owns=True))
    seats = await shop.read(resellers.seats_of, storefront_id=storefront.id, telegram_id=member.telegram_id)
    assert [seat.reseller.id for seat in seats] == [reseller.id] and seats[0].may.owns
    await shop.write(people.set_wholesale, storefront_id=storefront.id, customer_id=reseller.id, wholesale=False, by="test")
    assert await shop.read(resellers.seats_of, storefront_id=storefront.id, telegram_id=member.telegram_id) == []


async def test_a_group_is_bound_by_its_owner_moved_by_telegram_and_left(shop: Shop, storefront: Storefront) -> None:
    reseller, other = await reseller_of(shop, storefront), await reseller_of(shop, storefront)
    member = await member_of(shop, storefront, reseller, May(buys=True, sees=True))
    with pytest.raises(NotAllowed):
        await shop.write(resellers.bind_group, reseller_id=reseller.id, chat_id=-7, title="Desk", by=member.telegram_id)
    bound = await shop.write(resellers.bind_group, reseller_id=reseller.id, chat_id=-7, title="Desk", by=reseller.telegram_id)
    again = await shop.write(resellers.bind_group, reseller_id=reseller.id, chat_id=-7, title="Desk", by=reseller.telegram_id)
    assert again.id == bound.id
    with pytest.raises(resellers.BoundElsewhere):
        await shop.write(resellers.bind_group, reseller_id=other.id, chat_id=-7, title="Theirs", by=other.telegram_id)
    assert await shop.write(resellers.migrate_group, storefront_id=storefront.id, chat_id=-7, new_chat_id=-1007)
    assert not await shop.write(resellers.migrate_group, storefront_id=storefront.id, chat_id=-7, new_chat_id=-1007)
    seats = await shop.read(resellers.seats_of, storefront_id=storefront.id, telegram_id=member.telegram_id, chat_id=-1007)
    assert seats[0].may == May(buys=True, sees=True)
    assert await shop.read(resellers.seats_of, storefront_id=storefront.id, telegram_id=member.telegram_id, chat_id=-7) == []
    with pytest.raises(NotAllowed):
        await shop.write(resellers.unbind_group, storefront_id=storefront.id, chat_id=-1007, by=other.telegram_id)
    assert await shop.write(resellers.group_was_left, storefront_id=storefront.id, chat_id=-1007)
    word = await shop.write(resellers.make_bind_word, reseller_id=other.id, by=other.telegram_id)
    use: dict[str, Any] = {"storefront_id": storefront.id, "word": word, "chat_id": -9, "title": "T"}
    with pytest.raises(NotAllowed):
        await shop.write(resellers.use_bind_word, **use, by=reseller.telegram_id)
    assert await shop.write(resellers.use_bind_word, **use, by=other.telegram_id) is not None
    assert await shop.write(resellers.use_bind_word, **use, by=other.telegram_id) is None
    await assert_sound(shop)


async def test_a_low_balance_is_told_once_until_there_is_enough(shop: Shop, storefront: Storefront) -> None:
    reseller = await reseller_of(shop, storefront, money_minor=10_000)
    goods = await put_on_sale(shop, storefront)
    wishes = Wishes(low_balance_minor=5_000)
    await shop.write(resellers.set_wishes, reseller_id=reseller.id, wishes=wishes, by=reseller.telegram_id)
    assert await shop.write(resellers.tell_low_balances) == 0
    view = await drawn(shop, reseller, ListLine(goods.sku_id, 1))
    await shop.write(resellers.buy_list, list_id=view.id, reseller_id=reseller.id, by=reseller.telegram_id, all_or_nothing=True)
    assert [await shop.write(resellers.tell_low_balances) for _ in range(2)] == [1, 0]


async def test_a_statement_begins_and_ends_with_what_there_was(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    reseller = await reseller_of(shop, storefront, money_minor=100_000)
    goods = await put_on_sale(shop, storefront, count=0)
    await stock(shop, goods.offer_id, goods.sku_id, 30)
    clock.passes(days=2)
    began = clock()
    for n in range(3):
        view = await drawn(shop, reseller, ListLine(goods.sku_id, n + 1), once=f"m:{n}")
        await shop.write(resellers.buy_list, list_id=view.id, reseller_id=reseller.id, by=reseller.telegram_id, all_or_nothing=True)
    clock.passes(minutes=1)
    ended = clock()
    clock.passes(days=1)
    view = await drawn(shop, reseller, ListLine(goods.sku_id, 1), once="m:later")
    await shop.write(resellers.buy_list, list_id=view.id, reseller_id=reseller.id, by=reseller.telegram_id, all_or_nothing=True)
    made = await shop.read(resellers.statement_of_reseller, reseller_id=reseller.id, since=began, until=ended)
    assert [entry.amount_minor for entry in made.entries] == [-9500, -19000, -28500]
    assert (made.opening_minor, made.closing_minor) == (100_000, 43_000)


async def test_best_sellers_and_what_this_reseller_has_not_bought(shop: Shop, storefront: Storefront) -> None:
    reseller, other = await reseller_of(shop, storefront), await reseller_of(shop, storefront)
    one, two = await put_on_sale(shop, storefront), await put_on_sale(shop, storefront)

    async def buys(who: Customer, goods: Goods, n: int) -> None:
        view = await drawn(shop, who, ListLine(goods.sku_id, n), once=f"{who.id}:{goods.sku_id}")
        await shop.write(resellers.buy_list, list_id=view.id, reseller_id=who.id, by=who.telegram_id, all_or_nothing=True)

    await buys(other, one, 5)
    await buys(other, two, 7)
    await buys(reseller, one, 1)
    best, missing = await shop.read(resellers.best_sellers, buyer_id=reseller.id)
    assert [(item.item.sku.id, item.units) for item in best] == [(two.sku_id, 7), (one.sku_id, 6)]
    assert [item.item.sku.id for item in missing] == [two.sku_id]
