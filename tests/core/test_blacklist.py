"""Codes and people on the blacklist: refused at the door, taken off the shelf, and caught before they are sent."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from core import blacklist, inventory, journal, orders, standing, supply
from core.blacklist import digest_of, digest_of_line
from core.database import Shop
from core.inventory import Secret
from core.orders import Parcel, RevealCause
from tests.core.props import aside, assert_sound
from tests.core.traders import bring
from tests.stage import Goods, person, stock

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


async def listed(shop: Shop, *lines: str) -> blacklist.FeedView:
    return await blacklist.take_feed(shop, name="stolen.txt", by="test", lines=lines)


async def swept(shop: Shop) -> None:
    while await standing.sweep(shop):
        pass


async def test_a_listed_code_is_not_taken_in_whether_the_list_has_it_in_clear_or_as_a_hash(
    shop: Shop, goods: Goods, database_url: str
) -> None:
    hashed = hashlib.sha256(b"GOOD1234AAAA").hexdigest()
    feed = await listed(shop, "BAD-1111-2222\n", f"{hashed}\r\n", "\n", "--- ---", "bad 1111 2222")
    assert (feed.fresh, feed.known, feed.unread) == (2, 1, 1)

    receipt = await bring(shop, goods, ["OK-7777-0001", "bad11112222", "good-1234-aaaa", "OK-7777-0002"])

    assert (receipt.accepted, receipt.blacklisted, receipt.duplicate_in_shop) == (2, [2, 3], [])
    async with aside(database_url) as connection:
        stored = (await connection.execute(text("SELECT mark FROM blacklisted_codes"))).scalars().all()
    assert not {bytes(mark) for mark in stored} & {digest_of("BAD-1111-2222"), bytes.fromhex(hashed)}, "not even the hash is kept as it is"


async def test_what_is_on_the_shelf_or_kept_becomes_void_with_a_trail_and_the_staff_are_told(shop: Shop, goods: Goods) -> None:
    codes = await stock(shop, goods.offer_id, goods.sku_id, 3)
    buyer = await person(shop, goods.storefront)
    placed = await shop.write(
        orders.place,
        buyer_id=buyer.id,
        quantity=2,
        once="kept",
        provider="test",
        pay_currency="CNY",
        seconds=900,
        hold=orders.HoldRules(),
        **goods.terms(),
    )
    parcel = [code for _, code in await shop.read(inventory.unsold_digests, after=0, most=2)]
    lines = [codes[0], parcel[0].hex()]  # One on the shelf, one that is kept for the payer.

    feed = await listed(shop, *lines)
    await swept(shop)

    done = await shop.read(blacklist.feed, feed.id)
    assert done is not None and done.swept_at is not None and done.voided == 2
    assert await shop.read(blacklist.hits_of) == {"shelf": 1, "held": 1}
    places = await shop.read(inventory.places, [goods.offer_id])
    assert (places["available"], places["held"], places["void"]) == (41, 0, 2)
    assert [entry.did for entry in await shop.read(journal.latest, about="code")] == ["void-code"] * 2
    # The payer still gets two, of what is left.
    settled = await shop.write(
        orders.settle, provider="test", event_key="e", intent_id=placed.intent.id, customer_id=buyer.id, amount_minor=19_000, currency="CNY"
    )
    assert settled.issued


async def test_a_code_that_was_on_its_way_in_while_the_list_came_is_found_when_it_is_there(shop: Shop, goods: Goods) -> None:
    batch = await shop.write(inventory.open_batch, offer_id=goods.offer_id, sku_id=goods.sku_id, source_name="test", by="test")
    sealed = list(inventory.seal(shop.tools.keys, batch, [(1, Secret(None, "SLOW-0001")), (2, Secret(None, "SLOW-0002"))]))
    await shop.write(inventory.stage, batch_id=batch.id, offer_id=goods.offer_id, sealed=sealed)
    feed = await listed(shop, "SLOW-0001")
    await swept(shop)
    assert (await shop.read(blacklist.to_sweep)) is not None, "it waits for the import"

    while await shop.write(inventory.publish, batch_id=batch.id):
        pass
    await swept(shop)

    done = await shop.read(blacklist.feed, feed.id)
    assert done is not None and (done.voided, done.swept_at is not None) == (1, True)
    found = await shop.read(inventory.find_code, Secret(None, "SLOW-0001"))
    assert found is not None and found.place == "void"


async def test_a_sold_code_that_was_listed_before_it_was_sent_is_held_for_the_staff_and_sent_when_they_say_so(
    shop: Shop, goods: Goods
) -> None:
    buyer = await person(shop, goods.storefront, money_minor=50_000)
    bought = await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="one", **goods.terms())
    digests = await shop.read(inventory.digests_of_order, bought.order_id)
    await listed(shop, digests[1][1].hex())
    sent: dict[str, Any] = {
        "order_id": bought.order_id,
        "cause": RevealCause.SENT,
        "to_telegram_id": buyer.telegram_id,
        "buyer_id": buyer.id,
    }

    assert await shop.write(orders.hand_over, **sent) is None

    found = await shop.read(orders.detail, order_id=bought.order_id)
    assert found is not None and found.card.held_until is not None
    await assert_sound(shop)
    await shop.write(orders.release, order_id=bought.order_id, by="test")
    parcel = await shop.write(orders.hand_over, **sent)
    assert isinstance(parcel, Parcel), "a person has looked at it"


async def test_what_the_buyer_has_seen_is_shown_again_whatever_is_listed_since(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront, money_minor=50_000)
    bought = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **goods.terms())
    sent: dict[str, Any] = {
        "order_id": bought.order_id,
        "cause": RevealCause.SENT,
        "to_telegram_id": buyer.telegram_id,
        "buyer_id": buyer.id,
    }
    parcel = await shop.write(orders.hand_over, **sent)
    assert isinstance(parcel, Parcel)
    await listed(shop, *(digest.hex() for _, digest in await shop.read(inventory.digests_of_order, bought.order_id)))

    sent["cause"] = RevealCause.SHOWN
    again = await shop.write(orders.hand_over, **sent)
    assert isinstance(again, Parcel)


async def test_a_list_that_is_taken_back_is_in_force_no_more(shop: Shop, goods: Goods) -> None:
    feed = await listed(shop, "BAD-1", "BAD-2")
    assert await shop.write(blacklist.withdraw_feed, feed_id=feed.id, by="test")
    assert not await shop.write(blacklist.withdraw_feed, feed_id=feed.id, by="test")

    assert (await bring(shop, goods, ["BAD-1"])).accepted == 1
    assert await shop.read(blacklist.to_sweep) is None


async def test_a_list_longer_than_a_chunk_is_taken_whole(shop: Shop, goods: Goods) -> None:
    feed = await listed(shop, *(f"LONG-{n:05d}" for n in range(blacklist.CHUNK * 2 + 5)))
    assert (feed.fresh, feed.known, feed.unread) == (blacklist.CHUNK * 2 + 5, 0, 0)
    assert (await bring(shop, goods, ["LONG-02004", "LONG-02005"])).blacklisted == [1]


@pytest.mark.parametrize(
    ("what", "given_as", "asked_as"),
    [
        ("telegram", "7001", " 7001 "),
        ("name", "Acme Games, Ltd.", "ＡＣＭＥ games ltd"),
        ("name", "王小明", "王 小明"),
        ("contact", "@bad_one", "BAD_ONE"),
        ("document", "110101-19900101-001X", "11010119900101001x"),
    ],
)
async def test_a_person_is_known_however_it_is_written_until_they_are_pardoned(shop: Shop, what: str, given_as: str, asked_as: str) -> None:
    number = await shop.write(blacklist.ban_person, what=what, value=given_as, reason="sold used codes", by="test")
    assert await shop.write(blacklist.ban_person, what=what, value=asked_as, reason="again", by="test") == number
    assert await shop.read(blacklist.person_known, what, asked_as) == "sold used codes"
    others = {"telegram", "name", "contact", "document"} - {what}
    assert {await shop.read(blacklist.person_known, other, asked_as) for other in others} == {None}

    assert await shop.write(blacklist.pardon_person, person_id=number, by="test")
    assert not await shop.write(blacklist.pardon_person, person_id=number, by="test")
    assert await shop.read(blacklist.person_known, what, asked_as) is None
    assert await shop.write(blacklist.ban_person, what=what, value=given_as, reason="again", by="test") != number


async def test_nothing_but_separators_is_nobody(shop: Shop) -> None:
    assert await shop.read(blacklist.person_known, "name", " – ") is None


@given(st.text(max_size=600))
def test_a_line_is_a_digest_or_nothing_and_never_breaks(line: str) -> None:
    found = digest_of_line(line)
    assert found is None or len(found) == 32


@given(st.text(alphabet="ABCDEF0123456789", min_size=5, max_size=40))
def test_a_code_and_its_hash_are_the_same_line(code: str) -> None:
    spaced = "-".join(code[at : at + 4] for at in range(0, len(code), 4)).lower()
    assert digest_of_line(f"  {spaced}\n") == digest_of_line(hashlib.sha256(code.encode()).hexdigest().upper())


async def test_the_shops_own_offer_survives_a_stop(shop: Shop, goods: Goods) -> None:
    await shop.write(supply.stop, offer_ids=[goods.offer_id], why=supply.Stop.PAUSED, by="test")
    assert (await shop.write(supply.own_offer, storefront=goods.storefront, sku_id=goods.sku_id)).id == goods.offer_id
