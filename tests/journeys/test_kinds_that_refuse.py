"""Kinds of products when something refuses: a chat, a file, a message that cannot be deleted, a service that is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.doing import Doing
from core import catalog, fulfilment, outbox, standing
from core.database import Shop
from core.standing import SwitchOf
from core.storefronts import Storefront
from handlers.admin.desk import Do
from handlers.callbacks import Job
from sandbox.phone import labels
from tests.core.props import assert_sound
from tests.handlers.counter import Buyer, Counter, opened
from tests.journeys.test_kinds import _base36, agreed, balance, hired, last_order, made_on_order, works
from tests.papers.test_watermark import book
from tests.stage import Clock, Goods


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running
    await assert_sound(shop)


async def club(counter: Counter, admin: Buyer) -> tuple[Goods, int]:
    """A place in a group for thirty days."""
    room = await admin.phone.opens_room("The club")
    await admin.phone.makes_admin(room)
    return await made_on_order(counter, "membership", {"days": 30, "chat_id": room, "chat_title": "The club"}, "Club"), room


async def buys(buyer: Buyer, goods: Goods) -> None:
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("Pay")
    await buyer.sees("✅ Paid")


async def link_of(buyer: Buyer) -> str:
    parcel = await buyer.phone.waits_for(lambda m: any(label.startswith("🚪") for label in labels(m)))
    return next(str(b["url"]) for row in parcel["reply_markup"]["inline_keyboard"] for b in row if b["text"].startswith("🚪"))


def refused(counter: Counter, method: str) -> int:
    """How often Telegram refused this; that was meant, and is forgotten."""
    calls = counter.sandbox.world.calls
    found = [call for call in calls if call["method"] == method and not call["ok"]]
    for call in found:
        calls.remove(call)
    return len(found)


async def said_to(phone: Any, text: str) -> int:
    """In how many messages this stands."""
    return sum(text in (message.get("text") or "") for message in (await phone.chat())["messages"])


async def test_a_bot_that_is_no_admin_tells_the_staff_once_and_makes_the_link_when_that_is_mended(counter: Counter, clock: Clock) -> None:
    admin, buyer = await hired(counter), await counter.buyer("second", money_minor=20_000)
    goods, room = await club(counter, admin)
    await admin.phone.makes_admin(room, [])
    await buys(buyer, goods)

    await works(counter)
    await admin.sees("The bot cannot make what order")
    await works(counter)
    clock.passes(minutes=16)
    await works(counter)
    assert refused(counter, "createChatInviteLink") == 2, "looked at again after a quarter of an hour, not before"
    assert await said_to(admin.phone, "The bot cannot make what order") == 1

    await admin.phone.makes_admin(room)
    clock.passes(minutes=16)
    await works(counter)
    await buyer.phone.joins(await link_of(buyer))
    assert await buyer.phone.status_in(room) == "member"


async def test_telegrams_wish_for_a_pause_only_makes_it_later(counter: Counter, clock: Clock) -> None:
    admin, buyer = await hired(counter), await counter.buyer("second", money_minor=20_000)
    goods, _ = await club(counter, admin)
    await buys(buyer, goods)
    async with asyncio.timeout(10):
        while (await counter.shop.read(outbox.waiting)).open:  # noqa: ASYNC110 - the courier tells nobody that it is idle.
            await asyncio.sleep(0.01)
    await buyer.phone.fault(too_many_requests=1, retry_after=20)
    doing = Doing(counter.shop, counter.bot)
    assert await doing.run() == 1
    assert await doing.run() == 0, "not before the pause is over"
    assert refused(counter, "createChatInviteLink") == 1
    detail = await last_order(counter, buyer)
    [task] = await counter.shop.read(fulfilment.tasks_of, detail.card.order_id)
    assert (await counter.shop.read(fulfilment.steps_of, [task.id]))[-1].cause == "Telegram wants a pause"
    clock.passes(seconds=21)
    await works(counter)
    assert await link_of(buyer)
    assert await said_to(admin.phone, "The bot cannot make") == 0, "nobody has to do anything about it"


async def test_who_cannot_be_put_out_stays_until_the_bot_may_and_the_staff_hear_of_it_once(counter: Counter, clock: Clock) -> None:
    admin, buyer = await hired(counter), await counter.buyer("second", money_minor=20_000)
    goods, room = await club(counter, admin)
    await buys(buyer, goods)
    await works(counter)
    await buyer.phone.joins(await link_of(buyer))
    await buyer.sees("You have joined.")
    await admin.phone.makes_admin(room, ["can_invite_users"])
    clock.passes(days=31)

    for _ in range(3):
        await works(counter)
        clock.passes(minutes=16)
    await admin.sees("The bot cannot make what order")
    assert await buyer.phone.status_in(room) == "member"
    assert refused(counter, "banChatMember") == 3
    assert await said_to(admin.phone, "The bot cannot make what order") == 1

    await admin.phone.makes_admin(room)
    await works(counter)
    assert await buyer.phone.status_in(room) == "left"
    await buyer.sees("Your membership is over.")


async def test_an_admin_of_the_chat_is_not_put_out_and_their_place_is_over(counter: Counter, clock: Clock) -> None:
    admin = await hired(counter)
    goods, room = await club(counter, admin)
    owner = await counter.buyer("admin", money_minor=20_000)
    await buys(owner, goods)
    await works(counter)
    counter.sandbox.world.rooms[room].members.pop(str(owner.customer.telegram_id))
    await owner.phone.joins(await link_of(owner))
    await owner.sees("You have joined.")
    counter.sandbox.world.rooms[room].members[str(owner.customer.telegram_id)] = "creator"
    clock.passes(days=31)
    await works(counter)
    assert await owner.phone.status_in(room) == "creator" and refused(counter, "banChatMember") == 1
    assert await counter.shop.read(fulfilment.memberships_over, most=5) == []


async def test_a_message_with_codes_that_cannot_be_deleted_is_said_to_whoever_sent_it(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, buyer = await hired(counter), await counter.buyer("second", money_minor=10_000)
    goods = await made_on_order(counter, "code", {}, "Card")
    await buys(buyer, goods)
    await works(counter)
    await admin.sees("To be done: Card")
    await admin.press("🖐 I take it")
    await admin.press("✅ Done")
    monkeypatch.setattr("sandbox.methods.editing.DELETABLE_SECONDS", -10)  # Telegram's own refusal of what is too old.
    await admin.phone.says("CARD-7731-SECRET")
    await admin.sees("I may not delete your message with the codes. Please delete it yourself.")
    await buyer.sees("CARD-7731-SECRET")
    assert refused(counter, "deleteMessage") == 1


async def test_a_pdf_that_cannot_be_marked_is_refused_before_it_is_sold(counter: Counter) -> None:
    admin, buyer = await hired(counter), await counter.buyer("second", money_minor=20_000)
    goods = await made_on_order(counter, "file", {"watermark": True, "licence": "⭐" * 990}, "Book " + "长" * 60)
    await admin.say("/admin")
    await counter.press_forged(admin, f"adm:ask:{_base36(goods.product_id)}:0:kind.file")
    await admin.sees("Send the file into this chat")
    for name, content, why in (("a.pdf", book(password="x"), "locked with a password"), ("b.pdf", book()[:300], "cannot be read")):
        await admin.phone.sends_file(name, content)
        await admin.sees(why)
    await admin.phone.sends_file("book.pdf", book(packed=True))
    await admin.sees("Every buyer gets a copy")

    await buys(buyer, goods)
    await works(counter)
    copy = await buyer.phone.waits_for(lambda m: "document" in m)
    number = (await last_order(counter, buyer)).card.number
    assert number.encode() in await buyer.phone.download(copy)
    await buyer.sees("⭐" * 990)
    assert "⭐" not in copy["caption"], "too long for a caption, it comes by itself"


async def test_the_switch_that_marks_copies_looks_at_the_file_that_is_there(counter: Counter) -> None:
    admin = await hired(counter)
    goods = await made_on_order(counter, "file", {}, "Book")
    await admin.say("/admin")
    await counter.press_forged(admin, f"adm:ask:{_base36(goods.product_id)}:0:kind.file")
    await admin.sees("Send the file into this chat")
    await admin.phone.sends_file("locked.pdf", book(password="x"))
    await admin.sees("Every buyer gets a copy")
    await counter.press_forged(admin, Do(act="kind-switch", id=goods.product_id, arg="watermark").pack())
    assert any("locked with a password" in str(call["parameters"].get("text")) for call in counter.sandbox.world.calls)
    product = await counter.shop.read(catalog.product, goods.product_id)
    assert product is not None and not product.terms.get("watermark")


async def test_a_buyer_reads_that_agreed_work_is_stopped_and_takes_the_money_back(counter: Counter) -> None:
    admin, buyer = await hired(counter), await counter.buyer("second", money_minor=10_000)
    job = await agreed(counter, admin, buyer)
    await admin.press("🖐 I take it")
    await counter.shop.write(standing.switch_off, of=SwitchOf.PLATFORM, of_id=0, reason="test", by="test")
    await works(counter)

    await buyer.sees("is stopped by the shop since")
    await admin.sees("Please do nothing for it")
    await counter.press_forged(buyer, Job(id=job.id, act="O").pack())
    await buyer.sees("Called off.")
    assert await balance(buyer, counter) == 10_000
