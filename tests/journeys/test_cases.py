"""Something is wrong with a code: told from the phones of a buyer and of the staff."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core import aftersale, audit, catalog, inventory, ledger, orders, outbox, people
from core.aftersale import Outcome
from core.database import Shop
from core.storefronts import Storefront
from handlers import callbacks
from handlers.admin.desk import Do, Go
from handlers.notices import notice
from locales import Speech, languages
from sandbox.phone import Json, labels
from tests.admin.direct import Chatter, at_the_desk
from tests.admin.staff import did, hire, walks
from tests.handlers.counter import Buyer, Counter, opened
from tests.handlers.telegram_rules import checked, visible
from tests.sandbox.pictures import png
from tests.stage import Clock, Goods, chat_of, person, put_on_sale

# What is in the chat does not depend on the database; what the core does is tested on both in tests/core.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running
    report = await shop.read(audit.audit, sample=3)
    assert report.clean, report.violations


async def buys(counter: Counter, goods: Goods, quantity: int = 1, money_minor: int = 100_000) -> Buyer:
    """A buyer with delivered codes, looking at the order."""
    buyer = await counter.buyer(money_minor=money_minor)
    await buyer.say("/start")
    await counter.shop.write(orders.buy, buyer_id=buyer.customer.id, quantity=quantity, once="one", **goods.terms())
    counter.courier.wake()
    await buyer.sees("TEST-")
    await delivered(counter)
    await buyer.say("/orders")
    await buyer.press("✅")
    return buyer


async def delivered(counter: Counter) -> None:
    """Wait until the courier has written down what it has sent."""
    for _ in range(200):
        if (await counter.shop.read(outbox.waiting)).open == 0:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("something is still to be sent")


async def complains(buyer: Buyer, reason: str = "Already used", words: str = "It says: redeemed.") -> Json:
    await buyer.press("⚠️ Something is wrong")
    await buyer.press(reason)
    return await buyer.say(words)


async def money(counter: Counter, buyer: Buyer) -> int:
    return await counter.shop.read(ledger.balance, buyer.customer.wallet_id)


async def test_a_buyer_complains_with_a_picture_an_admin_asks_the_buyer_answers_and_the_admin_replaces(
    counter: Counter, goods: Goods
) -> None:
    admin = await hire(counter)
    await admin.say("/admin")
    buyer = await buys(counter, goods)
    first = await buyer.sees("TEST-")

    await buyer.press("⚠️ Something is wrong")
    screen = await buyer.sees("What is wrong with it?")
    assert "••••" in screen["text"] and first["text"].split("TEST-")[1][:6] not in screen["text"]
    await buyer.press("Already used")
    await buyer.phone.sends_file("redeemed.png", png(), caption="It says: already redeemed.", kind="photo")
    sent = await buyer.sees("✅ Sent: it is case 1")
    assert "We answer by" in sent["text"]
    await buyer.phone.sends_file("second.png", png(), kind="photo")
    await buyer.sees("The shop has it")

    alert = await admin.sees("complains about a code: case 1")
    assert "It says: already redeemed." in alert["text"] and "Already used or expired" in alert["text"] and "TEST-" not in alert["text"]
    await admin.phone.presses((alert, "🖼 Show the picture"))
    shown = await admin.phone.waits_for(lambda m: "photo" in m)
    assert await admin.phone.download(shown) == png()
    await admin.phone.presses((alert, "🛟 The case"))
    card = await admin.sees("Case 1")
    assert "Revealed 1 time" in card["text"] and "It is the buyer's first case." in card["text"]

    await admin.press("✍️ Answer")
    await admin.say("When did you redeem it?")
    await admin.press("🖼 Ask for a picture")
    question = await buyer.sees("When did you redeem it?")
    assert "The shop answers in case 1" in question["text"]
    await buyer.sees("send a picture (a screenshot)")
    await buyer.phone.presses((question, "✍️ Answer"))
    await buyer.sees("Write to the shop about case 1")
    await buyer.say("Yesterday <evening> & again today.")
    more = await admin.sees("Yesterday <evening> & again today.")

    await admin.phone.presses((more, "🛟 The case"))
    answer = await admin.press("🔁 Replace")
    assert answer is not None and "on its way" in answer["text"]
    await buyer.sees("Case 1 is decided: you get a new code")
    parcel = await buyer.phone.waits_for(lambda m: m["message_id"] > question["message_id"] and "TEST-" in m.get("text", ""))
    assert parcel["text"] != first["text"]
    assert [place for place in [await counter.shop.read(inventory.code_place, 1)] if place is not None and place.place == "void"]
    assert await money(counter, buyer) == 90_500
    assert (await did(counter.shop))[-3:] == ["answer-case", "answer-case", "decide-case"]
    await delivered(counter)


async def test_an_admin_answers_with_a_picture_of_their_own(counter: Counter, goods: Goods) -> None:
    admin = await hire(counter)
    await admin.say("/admin")
    buyer = await buys(counter, goods)
    await complains(buyer)
    alert = await admin.sees("complains about a code")
    await admin.phone.presses((alert, "✍️ Answer"))
    await admin.phone.sends_file("proof.png", png(5, 5), caption="This is what the maker says.", kind="photo")
    await admin.sees("✅ Sent to the buyer.")

    notice = await buyer.sees("This is what the maker says.")
    await buyer.phone.presses((notice, "🖼 Show the picture"))
    assert await buyer.phone.download(await buyer.phone.waits_for(lambda m: "photo" in m)) == png(5, 5)
    await delivered(counter)


async def test_a_refund_by_one_press_gives_the_price_of_that_code_back(counter: Counter, goods: Goods) -> None:
    admin = await hire(counter)
    await admin.say("/admin")
    buyer = await buys(counter, goods, 2)
    await buyer.press("⚠️ Something is wrong")
    choice = await buyer.sees("Which code is it?")
    masked = [label for label in labels(choice) if "••••" in label]
    assert len(masked) == 2 and all(label.startswith("TE") for label in masked)
    await buyer.press(masked[0])
    await buyer.press("not activated")
    await buyer.press("Send without words")
    await buyer.sees("✅ Sent: it is case 1")
    assert await money(counter, buyer) == 81_000

    await walks(admin, "🛟 Cases", "⏳ 1")
    await admin.press("💸 Refund")

    await buyer.sees("the price of the code")
    assert await money(counter, buyer) == 90_500
    stale = await admin.phone.presses((await replayed(counter, admin, Do(act="case-replace", id=1).pack()), "forged"))
    assert stale is not None and "decided already" in stale["text"]
    found = await counter.shop.read(aftersale.case, case_id=1)
    assert found is not None and found.card.outcome is Outcome.REFUNDED
    await delivered(counter)


async def replayed(counter: Counter, who: Buyer, data: str) -> Json:
    """A message with an old button of ours."""
    from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

    markup = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="forged", callback_data=data)]])
    message = await counter.bot.send_message(who.customer.telegram_id, "An old screen", reply_markup=markup)
    return await who.phone.waits_for(lambda m: m["message_id"] == message.message_id)


async def test_of_an_order_of_two_only_the_new_code_is_sent(counter: Counter, goods: Goods) -> None:
    admin = await hire(counter)
    await admin.say("/admin")
    buyer = await buys(counter, goods, 2)
    before = await buyer.sees("2 codes")
    await buyer.press("⚠️ Something is wrong")
    await buyer.press("TE")
    await buyer.press("Already used")
    await buyer.press("Send without words")
    await walks(admin, "🛟 Cases", "⏳ 1", "🔁 Replace")

    parcel = await buyer.phone.waits_for(lambda m: m["message_id"] > before["message_id"] and "TEST-" in m.get("text", ""))

    assert "1 code" in parcel["text"] and parcel["text"].count("TEST-") == 1
    assert parcel["text"].split("TEST-")[1][:6] not in before["text"]
    await delivered(counter)


async def test_a_refusal_tells_the_buyer_why(counter: Counter, goods: Goods) -> None:
    admin = await hire(counter)
    await admin.say("/admin")
    buyer = await buys(counter, goods, 2)
    await buyer.press("⚠️ Something is wrong")
    await buyer.press("TE")
    await buyer.press("Something else")
    await buyer.say("I do not like it.")
    await walks(admin, "🛟 Cases", "⏳ 1", "🚫 Refuse", "1")
    refused = await buyer.sees("we cannot accept the complaint")
    assert "it is valid and unused" in refused["text"]

    await buyer.say("/orders")
    await buyer.press("✅")
    await buyer.press("⚠️ Something is wrong")
    await buyer.press("TE")
    await buyer.press("Already used")
    await buyer.say("But it was used!")
    await walks(admin, "🛟 Cases", "⏳ 2", "🚫 Refuse", "✍️ Another reason")
    await admin.say("You redeemed it <yourself>.")
    assert "You redeemed it <yourself>." in (await buyer.sees("Case 2 is decided"))["text"]
    assert await money(counter, buyer) == 81_000
    await delivered(counter)


async def test_a_buyer_withdraws_and_the_staff_hear_of_it(counter: Counter, goods: Goods) -> None:
    admin = await hire(counter)
    await admin.say("/admin")
    buyer = await buys(counter, goods)
    await complains(buyer)
    await buyer.press("The case")
    await buyer.press("↩️ Withdraw")
    await buyer.sees("Withdraw case 1?")
    await buyer.press("↩️ Yes, withdraw it")
    await buyer.sees("The case is withdrawn.")
    await admin.sees("has withdrawn case 1")

    await buyer.press("🛟 My cases")
    assert any(label.startswith("↩️ 1") for label in await buyer.buttons())
    await buyer.press("🔎 Search")
    missing = await buyer.say("nonsense")
    assert "There is no such case" in missing["text"]
    number = (await counter.shop.read(orders.history, buyer_id=buyer.customer.id))[0].number
    assert "Case 1" in (await buyer.say(number))["text"]
    await delivered(counter)


async def test_after_the_warranty_the_buyer_is_told_until_when_it_was_possible(counter: Counter, goods: Goods, clock: Clock) -> None:
    await counter.shop.write(catalog.change_product, goods.product_id, warranty_hours=1)
    buyer = await buys(counter, goods)
    await buyer.press("⚠️ Something is wrong")
    await buyer.sees("Complaints are possible until")
    clock.passes(hours=2)
    await buyer.press("Already used")
    late = await buyer.sees("We are sorry: complaints about this code were possible until")
    assert "What is wrong" not in late["text"]
    assert await counter.shop.read(aftersale.cases_of, storefront_id=counter.storefront.id) == []


async def test_sold_out_the_admin_is_offered_the_refund(counter: Counter) -> None:
    goods = await put_on_sale(counter.shop, counter.storefront, count=1)
    admin = await hire(counter)
    await admin.say("/admin")
    buyer = await buys(counter, goods)
    await complains(buyer)
    await walks(admin, "🛟 Cases", "⏳ 1")
    answer = await admin.press("🔁 Replace")
    assert answer is not None and "sold out" in answer["text"] and answer["show_alert"]
    assert "A refund is possible" in (await admin.sees("sold out"))["text"]
    await admin.press("💸 Refund")
    await buyer.sees("is refunded")
    assert await money(counter, buyer) == 100_000
    await delivered(counter)


async def test_what_is_neither_words_nor_a_picture_is_asked_for_again_and_a_command_ends_it(counter: Counter, goods: Goods) -> None:
    buyer = await buys(counter, goods)
    await buyer.press("⚠️ Something is wrong")
    await buyer.press("Already used")
    await buyer.phone.sends_file("list.txt", b"nothing to see", kind="document")
    await buyer.sees("We can only read text and pictures here.")
    await buyer.say("/orders")
    assert "found nothing" in (await buyer.say("It does not work"))["text"]
    assert await counter.shop.read(aftersale.cases_of, storefront_id=counter.storefront.id) == []


async def test_a_second_complaint_about_the_same_code_shows_the_case(counter: Counter, goods: Goods) -> None:
    buyer = await buys(counter, goods)
    await complains(buyer)
    await buyer.say("/orders")
    await buyer.press("✅")
    await buyer.press("⚠️ Something is wrong")
    shown = await buyer.sees("Waits for the shop")
    assert "Case 1" in shown["text"] and "It says: redeemed." in shown["text"]


async def test_cases_of_others_are_nobodys_business(counter: Counter, goods: Goods) -> None:
    buyer = await buys(counter, goods)
    await complains(buyer)
    stranger = await counter.buyer("buyer")
    await stranger.say("/start")
    for data in (
        callbacks.Case(id=1),
        callbacks.AnswerCase(id=1),
        callbacks.WithdrawCase(id=1, wanted=True),
        callbacks.Wrong(id=1),
        callbacks.WrongCode(order=1, which=1),
        callbacks.Complain(order=1, which=1, reason=0),
        callbacks.CasePicture(id=1),
    ):
        await counter.press_forged(stranger, data.pack())
    await stranger.say("mine now?")
    seen = " ".join(m.get("text", "") for m in await stranger.phone.messages())
    assert "redeemed" not in seen and "••••" not in seen
    for act in (Go(to="case", id=1), Do(act="case-refund", id=1)):
        answer = await counter.press_forged(stranger, act.pack())
        assert answer is not None and "for the staff" in answer["text"]
    found = await counter.shop.read(aftersale.case, case_id=1)
    assert found is not None and found.card.outcome is None and len(found.entries) == 1
    await delivered(counter)


async def test_the_deadlines_and_the_warranty_are_set_from_the_phone(counter: Counter, goods: Goods) -> None:
    admin = await hire(counter)
    await walks(admin, "🛟 Cases", "⏱ Deadlines", "Our answer")
    await admin.say("2")
    await admin.press("Warranty")
    assert "The warranty lasts 240 hours." in (await admin.say("240"))["text"]
    terms = await counter.shop.read(aftersale.terms, storefront_id=counter.storefront.id)
    assert terms == aftersale.Terms(answer_hours=2, buyer_days=7, warranty_hours=240)
    await walks(admin, "🗂 Catalogue", "Game cards", "Steam", "Warranty")
    assert "Warranty of its own: 12 hours." in (await admin.say("12"))["text"]
    await admin.press("Warranty")
    assert "Warranty of its own" not in (await admin.say("-"))["text"]
    assert (await did(counter.shop))[-4:] == ["change-aftersale", "change-aftersale", "change-product", "change-product"]


WILD = "<b>Ünïcode & 游戏 “cards” 😀</b> "


@pytest.mark.parametrize("language", languages())
async def test_the_wildest_case_fits_every_screen_and_notice_in_every_language(
    shop: Shop, storefront: Storefront, language: str, database: str
) -> None:
    goods = await put_on_sale(shop, storefront, name=(WILD * 10)[:200], denomination=(WILD * 9)[:200])
    desk = await at_the_desk(shop, storefront)
    admin = await shop.read(people.find, storefront_id=storefront.id, telegram_id=7001)
    assert admin is not None
    buyer = await person(shop, storefront, money_minor=100_000)
    for customer in (admin, buyer):
        await shop.write(people.choose_language, customer_id=customer.id, language=language)
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="one", **goods.terms())
    for _ in range(12):
        await shop.write(
            orders.reveal, order_id=receipt.order_id, cause=orders.RevealCause.SHOWN, to_telegram_id=await chat_of(shop, receipt.order_id)
        )
    long = (WILD * 100)[:2000]
    made = []
    for code_id, _ in await shop.read(inventory.codes_of, receipt.order_id):
        opened = await shop.write(
            aftersale.open_case, buyer_id=buyer.id, order_id=receipt.order_id, code_id=code_id, reason=aftersale.Reason.OTHER, text=long
        )
        made.append(opened.case_id)
    terms: dict[str, Any] = {"storefront_id": storefront.id, "by": "telegram:7001"}
    said = {"case_id": made[0], "text": long, "picture": "p", "picture_kind": "photo", **terms}
    entries = [await shop.write(aftersale.shop_says, **said) for _ in range(9)]
    phone = Chatter(shop, storefront, buyer.telegram_id)

    async def walk() -> None:
        for case_id in made:
            for data in (callbacks.Case(id=case_id), callbacks.Case(id=case_id, before=entries[3]), callbacks.WithdrawCase(id=case_id)):
                assert await phone.presses(data)
            for screen in (Go(to="case", id=case_id), Go(to="case", id=case_id, arg=str(entries[3])), Go(to="case-no", id=case_id)):
                assert await desk.presses(screen)
        for look in (callbacks.Cases(), callbacks.Wrong(id=receipt.order_id)):
            assert await phone.presses(look)
        for to in ("cases", "cases-all", "case-terms"):
            assert await desk.presses(Go(to=to))

    await walk()
    await shop.write(aftersale.refuse, case_id=made[0], why_text=long, **terms)
    await shop.write(aftersale.replace, case_id=made[1], **terms)
    await walk()
    for says in ("case-opened", "case-more", "case-overdue", "case-withdrawn", "case-answer", "case-waits", "case-decided"):
        for case_id in made:
            body = {"says": says, "case": case_id, "entry": entries[0]}
            text, keyboard = await notice(body, Speech(language), shop=shop, storefront=storefront)
            assert visible(text)
            checked(keyboard)
