"""Our numbers at providers: tagged, so that two shops on one account never take each other's money."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import orders, payments, storefronts
from core.database import Shop, write
from core.orders import OrderDetail
from core.people import Customer
from core.ports import Event, PaymentState
from core.storefronts import Storefront
from tests.core.props import assert_sound, balance
from tests.stage import Clock, Goods, person

ANOTHERS = "bbbbbb"


@write
def past_the_shop(session: Session, *, statement: str) -> None:
    session.execute(text(statement))


async def deposit(shop: Shop, buyer: Customer) -> payments.Intent:
    return await shop.write(
        orders.deposit, customer_id=buyer.id, worth_minor=700, provider="stripe", pay_currency="CNY", seconds=900, by_task=True
    )


async def book(shop: Shop, storefront: Storefront, reference: str, clock: Clock, *, ago: timedelta = timedelta()) -> str:
    event = Event(f"paid-{reference}", reference, PaymentState.PAID, 700, "CNY", clock() - ago)
    booked: orders.Booked = await shop.write(orders.book, storefront_id=storefront.id, provider="stripe", event=event)
    return booked.says


async def known(shop: Shop, reference: str) -> bool:
    found = await shop.read(payments.known_events, provider="stripe", keys=[f"paid-{reference}"])
    return len(found) == 1


async def forget_the_tag(shop: Shop, intent_id: int) -> None:
    """As the payments are that were asked before there were tags."""
    await shop.write(past_the_shop, statement=f"UPDATE payment_intents SET reference = NULL WHERE id = {intent_id}")


async def test_every_database_has_a_tag_of_its_own_and_its_payments_carry_it(shop: Shop, storefront: Storefront) -> None:
    assert re.fullmatch("[bcdfghjklmnpqrstvwxz]{6}", storefront.tag)
    again = await shop.write(storefronts.open_storefront, name="Another", currency="CNY", language="en")
    assert again.tag == storefront.tag
    buyer = await person(shop, storefront)
    asked = await deposit(shop, buyer)

    assert asked.reference == f"{storefront.tag}{asked.id}"
    found = await shop.read(payments.by_reference, asked.reference)
    assert found is not None and found.id == asked.id


async def test_money_under_another_tag_is_left_alone_and_not_even_written_down(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    buyer = await person(shop, storefront)
    asked = await deposit(shop, buyer)
    theirs = f"{ANOTHERS}{asked.id}"

    assert await book(shop, storefront, theirs, clock) == "foreign"
    assert not await known(shop, theirs)
    assert await balance(shop, buyer) == 0
    assert await book(shop, storefront, asked.reference, clock) == "deposit"
    assert await balance(shop, buyer) == 700
    await assert_sound(shop)


@pytest.mark.parametrize("made", ["{tag}999999", "{id}", "0{id}", "BBBBBB{id}", "{tag}0{id}", "{tag}", "", "shop-{id}"])
async def test_money_for_a_number_of_ours_that_is_none_is_a_stray(shop: Shop, storefront: Storefront, clock: Clock, made: str) -> None:
    buyer = await person(shop, storefront)
    asked = await deposit(shop, buyer)
    reference = made.format(tag=storefront.tag, id=asked.id)

    assert await book(shop, storefront, reference, clock) == "stray"
    assert await known(shop, reference)
    assert await balance(shop, buyer) == 0
    await assert_sound(shop)


async def test_a_payment_that_was_asked_before_there_were_tags_is_found_under_its_bare_number(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    buyer = await person(shop, storefront)
    asked = await deposit(shop, buyer)
    await forget_the_tag(shop, asked.id)

    assert await book(shop, storefront, f"{storefront.tag}{asked.id}", clock) == "stray"
    assert await book(shop, storefront, f"{asked.id}", clock) == "deposit"
    assert await balance(shop, buyer) == 700
    await assert_sound(shop)


async def test_a_clock_that_is_hours_behind_does_not_make_a_stray_of_a_tagged_payment(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    """A gateway that writes its times without a zone is eight hours behind when it is not in China."""
    buyer = await person(shop, storefront)
    tagged, bare = await deposit(shop, buyer), await deposit(shop, buyer)
    await forget_the_tag(shop, bare.id)

    assert await book(shop, storefront, tagged.reference, clock, ago=timedelta(hours=8)) == "deposit"
    assert await book(shop, storefront, f"{bare.id}", clock, ago=timedelta(hours=8)) == "stray", "it may be another shop's"


async def test_the_staff_find_a_payment_by_what_its_provider_calls_it(shop: Shop, storefront: Storefront, goods: Goods) -> None:
    buyer = await person(shop, storefront)
    asked = await deposit(shop, buyer)
    for typed in (asked.reference, f" #{asked.reference.upper()} ", f"{asked.id}"):
        [found] = await shop.read(orders.find_all, typed)
        assert not isinstance(found, OrderDetail) and found.id == asked.id
    assert await shop.read(orders.find_all, f"{ANOTHERS}{asked.id}") == []


async def test_all_that_is_foreign_in_a_list_is_known_at_once(shop: Shop, storefront: Storefront) -> None:
    buyer = await person(shop, storefront)
    asked = await deposit(shop, buyer)
    listed = [asked.reference, f"{asked.id}", "another program's", f"{ANOTHERS}1", f"{storefront.tag}999", ""]

    assert await shop.read(payments.foreign, listed) == {f"{ANOTHERS}1"}
    # Were the tag ever to change, what was asked under the old one is still ours.
    await shop.write(past_the_shop, statement=f"UPDATE storefronts SET tag = '{ANOTHERS}'")
    assert await shop.read(payments.foreign, [asked.reference, f"{storefront.tag}999"]) == {f"{storefront.tag}999"}
