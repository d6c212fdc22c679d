"""Joining as a supplier: told from the phones of an applicant and of the staff."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiogram.methods import AnswerCallbackQuery, EditMessageText, SendMessage
from aiogram.types import CallbackQuery, Chat, Message, Update, User

from bot.courier import Courier
from bot.dispatcher import make_dispatcher
from core import audit, ledger, onboarding, outbox, people, supply
from core.database import Shop
from core.onboarding import ApplicationState, ApplicationView, Kind, PaperKind, Verdict
from core.storefronts import Storefront
from core.supply import Standing
from handlers.admin.application_card import Review, card_drawn
from handlers.admin.desk import Do
from handlers.notices import notice
from handlers.supply import buttons
from locales import Speech, languages
from sandbox.phone import labels
from tests.admin.direct import Chatter, at_the_desk
from tests.admin.staff import did
from tests.core.joining import applies, decides, fills_in, in_days, joins, staff
from tests.handlers.counter import Buyer, Counter, opened
from tests.handlers.recorder import recording_bot
from tests.handlers.telegram_rules import checked, visible
from tests.sandbox.pictures import png
from tests.speaking import speaking
from tests.stage import Clock, give, person

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
_numbers = itertools.count(10_000)


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running
    report = await shop.read(audit.audit, sample=3)
    assert report.clean, report.violations


async def two_admins(counter: Counter) -> tuple[Buyer, Buyer]:
    """Two of the staff with open chats."""
    first, second = await counter.buyer("admin"), await counter.buyer("supplier")
    await counter.shop.write(
        people.set_admins_from_settings,
        storefront_id=counter.storefront.id,
        telegram_ids=[first.customer.telegram_id, second.customer.telegram_id],
    )
    for one in (first, second):
        await one.say("/admin")
    return first, second


async def applicant(counter: Counter) -> Buyer:
    """Somebody who has opened the chat."""
    ann = await counter.buyer()
    await ann.say("/start")
    return ann


async def delivered(counter: Counter) -> None:
    """Wait until the courier has written down what it has sent."""
    counter.courier.wake()
    for _ in range(200):
        if (await counter.shop.read(outbox.waiting)).open == 0:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("something is still to be sent")


async def of(counter: Counter, who: Buyer) -> ApplicationView:
    found = await counter.shop.read(onboarding.application_of, who.customer.telegram_id)
    assert found is not None
    return found


async def answers(ann: Buyer, *, contact: str = "@ann_blue") -> None:
    """From the first screen to the papers."""
    await ann.say("/supply")
    await ann.press("Merchant with own stock")
    await ann.sees("Do you sell as a company")
    await ann.press("Person")
    await ann.sees("What is your name")
    assert "How do we reach you" in (await ann.say("Ann <Blue> & Co"))["text"]
    assert "What would you like to sell" in (await ann.say(contact))["text"]
    assert "In which country" in (await ann.say("Steam cards, 200 a week"))["text"]
    assert "Send a photo or a PDF now" in (await ann.say("Germany"))["text"]


async def sends_papers(ann: Buyer) -> None:
    """A photo that does not expire, and a PDF that does."""
    await ann.phone.sends_file("receipt.png", png(), kind="photo")
    await ann.sees("What is this paper?")
    await ann.press("Proof of purchase")
    await ann.sees("Which brands or goods")
    await ann.say("Steam & <PlayStation>")
    await ann.press("It does not expire")
    await ann.sees("✅ Noted.")
    await ann.phone.sends_file("passport.pdf", PDF)
    await ann.sees("The paper is here.")
    await ann.press("Identity of the person")
    await ann.sees("Which brands or goods")
    await ann.say("Ann")
    assert "is not a date" in (await ann.say("next year"))["text"]
    assert "Identity of the person · Ann · until" in (await ann.say("2199-12-31"))["text"]


async def test_applied_sent_back_changed_and_approved_by_one_press_and_the_other_card_tells_it(counter: Counter) -> None:
    admin, other = await two_admins(counter)
    ann = await counter.buyer()
    await answers(ann)
    await sends_papers(ann)
    await ann.press("📋 Look it over")
    screen = await ann.sees("Is everything right?")
    assert "Ann <Blue> & Co" in screen["text"] and "Country: Germany" in screen["text"]
    await ann.press("📨 Send it")
    assert "is with the shop since" in (await ann.sees("📨 Sent. Thank you!"))["text"]

    card, twin = await admin.sees("📋 Application 1"), await other.sees("📋 Application 1")
    assert "✅ Banned words" in card["text"] and "⏳ Waits for a decision." in card["text"]
    assert "Goods: Steam cards, 200 a week" in card["text"] and "Papers (2)" in " ".join(labels(card))
    await admin.phone.presses((card, "📎 Papers"))
    photo = await admin.phone.waits_for(lambda m: "photo" in m)
    assert await admin.phone.download(photo) == png() and "Steam & <PlayStation>" in photo["caption"]
    assert await admin.phone.download(await admin.phone.waits_for(lambda m: "document" in m)) == PDF

    await admin.phone.presses((card, "↩️ Send back"))
    reasons = await admin.sees("Why is application 1 sent back?")
    assert "3. A paper has expired." in reasons["text"]
    await admin.phone.presses((reasons, "✍️ Another reason"))
    await admin.sees("Type what the applicant should change")
    assert "Sent back. The applicant changes it." in (await admin.say("Which <regions>, please?"))["text"]
    told = await other.phone.waits_for(lambda m: m["message_id"] == twin["message_id"] and "sent it back" in m["text"])
    assert "Which <regions>, please?" in told["text"] and not any("Approve" in label for label in labels(told))
    news = await ann.sees("Please change something and send it again.")
    assert "Which <regions>, please?" in news["text"]

    await ann.phone.presses((news, "✏️ Change it"))
    await ann.sees("Next: look it over and send it.")
    await ann.press("📋 Look it over")
    await ann.press("✏️ Goods")
    assert "So far: Steam cards, 200 a week" in (await ann.sees("What would you like to sell"))["text"]
    assert "✅ Changed." in (await ann.say("Steam cards of Germany, 200 a week"))["text"]
    await ann.press("📨 Send it")
    await ann.sees("📨 Sent. Thank you!")

    newer = await other.sees("sent for the 2. time")
    await delivered(counter)
    old = await admin.phone.waits_for(lambda m: m["message_id"] == card["message_id"])
    assert "The newer card is below" in old["text"] and not labels(old)
    mine = await admin.sees("sent for the 2. time")
    answer = await other.phone.presses((newer, "✅ Approve as new"))
    assert answer is not None and answer["text"] == "Approved. The supplier is told."
    live = await admin.phone.waits_for(lambda m: m["message_id"] == mine["message_id"] and "✅ Approved." in m["text"])
    assert f"{(await of(counter, ann)).supplier_id}" in live["text"] and "approved it as new" in live["text"]
    assert not any("Approve" in label or "Refuse" in label for label in labels(live))
    await ann.sees("🎉 Welcome!")
    await ann.press("🏭 My supply")
    home = await ann.sees("on the shelf")
    assert "Ann <Blue> & Co" in home["text"] and "New supplier" in home["text"]
    assert (await did(counter.shop)) == ["send-application", "decide-application", "send-application", "decide-application"]
    await delivered(counter)


async def test_an_outdated_card_is_harmless_and_shows_what_is_so_now(counter: Counter) -> None:
    admin, _ = await two_admins(counter)
    ann = await applicant(counter)
    application_id = await applies(counter.shop, ann.customer)
    counter.courier.wake()
    await admin.sees("📋 Application 1")
    await counter.shop.write(onboarding.withdraw, application_id=application_id, customer_id=ann.customer.id, version=1)

    for press in (
        Review(act="yes", id=application_id, version=1, arg="new"),
        Review(act="no", id=application_id, version=1, arg="not-now"),
        Review(act="back", id=application_id, version=0, arg="goods"),
        Review(act="yes", id=application_id, version=1, arg="own"),
        Review(act="yes", id=application_id, version=1, arg="king"),
        Review(act="nonsense", id=application_id, version=1),
        Review(act="settle", id=application_id, version=1, arg="ok-words"),
        Review(act="look", id=2**63 - 1, version=1),
    ):
        answer = await counter.press_forged(admin, press.pack())
        assert answer is not None and answer["show_alert"], press
    assert (await of(counter, ann)).state is ApplicationState.WITHDRAWN
    await admin.sees("Withdrawn by the applicant.")
    await delivered(counter)


async def test_two_admins_approve_a_studio_and_the_first_ones_word_is_on_the_others_card(counter: Counter) -> None:
    admin, other = await two_admins(counter)
    ann = await applicant(counter)
    await applies(counter.shop, ann.customer, kind=Kind.STUDIO, papers=[PaperKind.WORKS, PaperKind.IDENTITY])
    counter.courier.wake()
    card = await admin.sees("Two different people have to approve this one.")
    twin = await other.sees("📋 Application 1")

    await admin.phone.presses((card, "✅ Approve as creator"))
    again = await admin.phone.waits_for(lambda m: m["message_id"] == card["message_id"] and "One more reviewer" in m["text"])
    answer = await admin.phone.presses((again, "✅ Approve as creator"))
    assert answer is not None and "A second person has to look" in answer["text"]
    await ann.sees("One of two reviewers has approved")
    halfway = await other.phone.waits_for(lambda m: m["message_id"] == twin["message_id"] and "approved it as creator" in m["text"])
    assert [label for label in labels(halfway) if label.startswith("✅")] == ["✅ Approve as creator"], "one standing is left to agree on"

    await other.phone.presses((halfway, "✅ Approve as creator"))
    both = await admin.phone.waits_for(lambda m: m["message_id"] == card["message_id"] and "✅ Approved." in m["text"])
    assert both["text"].count("approved it as creator") == 2
    [supplier] = await counter.shop.read(supply.suppliers_of, ann.customer.telegram_id)
    assert supplier.standing is Standing.CREATOR
    await delivered(counter)


async def test_a_draft_waits_for_days_and_the_walk_goes_on_where_it_stopped(counter: Counter, clock: Clock) -> None:
    ann = await applicant(counter)
    await ann.say("/supply")
    await ann.press("Creator")
    await ann.press("Company")
    await ann.sees("What is your name")
    assert "2 to 200 characters" in (await ann.say("x"))["text"]
    await ann.say("Blue Sky Games")
    assert "is not a contact" in (await ann.say("somewhere"))["text"]
    clock.passes(days=9)

    assert "Answered: 3 of 6" in (await ann.say("/supply"))["text"]
    await ann.press("▶️ Continue")
    await ann.sees("How do we reach you")
    await ann.say("sales@blue.example")
    await ann.say("Our own games")
    assert "is not a country" in (await ann.say("Atlantis"))["text"]
    assert "Send a photo or a PDF now" in (await ann.say("中国"))["text"]
    assert "Please send the paper as a photo or as a PDF." in (await ann.say("here it is"))["text"]
    await ann.phone.sends_file("letter.png", png(), kind="photo")
    await ann.sees("What is this paper?")
    assert "Papers: 1" in (await ann.say("/supply"))["text"]
    await ann.press("▶️ Continue")
    await ann.press("Proof that the work is yours")
    await ann.say("Our own games")
    await ann.press("It does not expire")
    await ann.press("1. Proof that the work is yours")
    await ann.press("🗑 Take it out")
    await ann.sees("The paper is taken out.")
    await ann.press("📋 Look it over")
    await ann.press("📨 Send it")
    assert "with the shop" in (await ann.sees("📨 Sent."))["text"]
    await ann.press("↩️ Withdraw")
    await ann.press("↩️ Yes, withdraw it")
    await ann.sees("is withdrawn")
    assert (await of(counter, ann)).state is ApplicationState.WITHDRAWN


async def test_an_authorisation_asks_for_its_number_and_the_staff_look_it_up(counter: Counter) -> None:
    admin, _ = await two_admins(counter)
    ann = await applicant(counter)
    await fills_in(counter.shop, ann.customer, kind=Kind.AUTHORISED, papers=[PaperKind.IDENTITY])
    await ann.say("/supply")
    await ann.press("📋 Look it over")
    await ann.press("📎 Papers (1)")
    assert "Letter of authorisation" in (await ann.sees("The shop looks for these:"))["text"]
    await ann.phone.sends_file("letter.pdf", PDF)
    await ann.sees("What is this paper?")
    await ann.press("Letter of authorisation")
    await ann.say("Steam")
    await ann.say("2199-12-31")
    await ann.say("AUTH-2027-001234")
    await ann.press("📋 Look it over")
    await ann.press("📨 Send it")
    card = await admin.sees("no register has answered yet")
    assert "⏳ Certificate: AUTH-2027-001234" in card["text"]

    answer = await admin.phone.presses((card, "✅ Approve as authorised"))
    assert answer is not None and "not confirmed yet" in answer["text"]
    await admin.press("☑️ Checklist")
    await admin.sees("Look the number up at its register")
    await admin.press("✅ Certificate: genuine")
    await admin.sees("✅ Certificate: AUTH-2027-001234; looked up by hand")
    await admin.press("✅ Approve as authorised")
    await ann.sees("🎉 Welcome!")
    await delivered(counter)


async def test_a_deposit_is_paid_by_one_press_and_given_back_by_the_staff(counter: Counter) -> None:
    admin, _ = await two_admins(counter)
    ann = await applicant(counter)
    await admin.say("/admin")
    await admin.press("🏭 Supply")
    await admin.press("🔐 Deposits")
    await admin.press("✏️ new")
    await admin.sees("Type what suppliers with the standing")
    assert "new: ¥500.00" in (await admin.say("500"))["text"]
    application_id = await applies(counter.shop, ann.customer)
    counter.courier.wake()
    await admin.sees("📋 Application 1")
    await admin.press("✅ Approve as new")
    supplier_id = (await of(counter, ann)).supplier_id
    assert supplier_id is not None and application_id == 1
    await ann.sees("The shop asks for a deposit first")

    assert "Please top up first" in (await ann.say("/supply"))["text"]
    await give(counter.shop, ann.customer, 60_000)
    await ann.say("/supply")
    await ann.press("🔐 Deposit ¥500.00")
    await ann.sees("on the shelf")
    answer = await counter.press_forged(ann, buttons.PayDeposit(supplier=supplier_id).pack())
    assert answer is not None and await counter.shop.read(ledger.balance, ann.customer.wallet_id) == 10_000, "once"
    assert "security deposit" in (await ann.say("/balance"))["text"]

    await admin.say("/admin")
    await admin.press("🏭 Supply")
    await admin.press("🔐 Deposits")
    await admin.press(f"Ann {ann.customer.telegram_id}")
    await admin.press("🔓 Give it back")
    await admin.press("🔓 Give it back")  # It is asked once more.
    await ann.sees("Your security deposit of ¥500.00 is on your balance again.")
    assert await counter.shop.read(ledger.balance, ann.customer.wallet_id) == 60_000
    assert not await counter.shop.read(onboarding.ready, supplier_id)
    await delivered(counter)


async def test_a_newer_paper_is_sent_and_accepted_by_one_press(counter: Counter, clock: Clock) -> None:
    admin, other = await two_admins(counter)
    ann = await applicant(counter)
    supplier_id = await joins(
        counter.shop, counter.storefront, ann.customer, admin.customer, papers=[PaperKind.PURCHASE], expires=in_days(counter.shop, 7)
    )
    assert await counter.shop.write(onboarding.watch_documents) == 1
    counter.courier.wake()
    warning = await ann.sees("A paper of yours is valid until")
    await admin.sees("expires.")

    await ann.phone.presses((warning, "🔄 Renew it"))
    await ann.sees("Send the newer paper")
    assert "Please send the paper as a photo" in (await ann.say("soon"))["text"]
    await ann.phone.sends_file("newer.pdf", PDF)
    await ann.sees("Until which day is it valid?")
    assert "no shorter than the one it replaces" in (await ann.say(in_days(counter.shop, 1)))["text"]
    await ann.press("It does not expire")
    await ann.sees("📨 Sent. The shop looks at it")
    asked, twin = await admin.sees("has sent a newer paper"), await other.sees("has sent a newer paper")
    await admin.phone.presses((asked, "🖼 Show it"))
    assert await admin.phone.download(await admin.phone.waits_for(lambda m: "document" in m)) == PDF
    await admin.phone.presses((asked, "✅ Accept it"))
    await ann.sees("Your newer paper is accepted")
    await other.sees("has accepted it.")
    [no] = [button["callback_data"] for row in twin["reply_markup"]["inline_keyboard"] for button in row if button["text"] == "🚫 Do not"]
    answer = await counter.press_forged(other, no)  # as if it had been pressed a moment earlier
    assert answer is not None and "moved on since" in answer["text"]
    [paper] = await counter.shop.read(onboarding.documents_of, supplier_id)
    assert paper.good and paper.expires_on is None
    await delivered(counter)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_strangers_press_nothing_of_a_card_or_of_anothers_application(counter: Counter) -> None:
    admin, _ = await two_admins(counter)
    ann, bob = await applicant(counter), await counter.buyer("buyer")
    supplier_id = await joins(counter.shop, counter.storefront, ann.customer, admin.customer)
    cid = await person(counter.shop, counter.storefront)
    application_id = await applies(counter.shop, cid)
    sent = await counter.shop.read(onboarding.application, application_id)
    assert sent is not None
    [paper, _] = sent.papers
    [document, _] = await counter.shop.read(onboarding.documents_of, supplier_id)
    await bob.say("/supply")

    for act in ("yes", "no", "back", "look", "papers", "checks", "settle", "nos", "backs", "?"):
        answer = await counter.press_forged(bob, Review(act=act, id=application_id, version=1, arg="new").pack())
        assert answer is not None and "for the staff" in answer["text"], act
    assert "for the staff" in str(await counter.press_forged(bob, Do(act="paper-yes", id=1).pack()))
    assert "for the staff" in str(await counter.press_forged(bob, "apr:cut"))
    for data in (
        buttons.Summary(id=application_id),
        buttons.Continue(id=application_id),
        buttons.Papers(id=application_id),
        buttons.Send(id=application_id, version=1),
        buttons.Answer(id=application_id, field=onboarding.Field.NAME),
        buttons.Choose(id=application_id, field=onboarding.Field.LEGAL, value="company"),
        buttons.Withdraw(id=application_id, version=1, sure=True),
        buttons.Paper(id=paper.id),
        buttons.ShowPaper(id=paper.id),
        buttons.RemovePaper(id=paper.id),
        buttons.PaperIs(id=paper.id, kind=PaperKind.OTHER),
        buttons.NothingToSay(id=paper.id, field=onboarding.PaperField.SCOPE),
        buttons.AskPaper(id=paper.id, field=onboarding.PaperField.SCOPE),
        buttons.Documents(supplier=supplier_id),
        buttons.ShowDocument(id=document.id),
        buttons.Renew(id=document.id),
        buttons.NeverExpires(id=document.id),
        buttons.PayDeposit(supplier=supplier_id),
    ):
        await counter.press_forged(bob, data.pack())
    after = await counter.shop.read(onboarding.application, application_id)
    assert after is not None and (after.state, len(after.papers), after.version) == (ApplicationState.SENT, 2, 1)
    assert not any("photo" in message for message in await bob.phone.messages())
    await delivered(counter)


# The group: the sandbox has none, so these are told to a bot that writes down


async def test_the_group_gets_a_card_on_which_only_the_staff_decide(shop: Shop, storefront: Storefront) -> None:
    group = -1_001_234
    [admin] = await staff(shop, storefront, 7001)
    ann, stranger = await person(shop, storefront), await person(shop, storefront)
    bot, said = recording_bot()
    dispatcher = make_dispatcher(shop, storefront, {}, admin_group=group)
    application_id = await applies(shop, ann, group_id=group)
    await _couriers_round(shop, bot)
    [card] = [one for one in said.taken() if isinstance(one, SendMessage) and one.chat_id == group]
    assert "Application 1" in str(card.text)

    async def presses(telegram_id: int, chat_id: int, act: str, arg: str) -> list[Any]:
        under = Message(message_id=next(_numbers), date=datetime.now(UTC), chat=Chat(id=chat_id, type="supergroup"), text="the card")
        user = User(id=telegram_id, is_bot=False, first_name="Ann", language_code="ru")
        data = Review(act=act, id=application_id, version=1, arg=arg).pack()
        press = CallbackQuery(id=str(next(_numbers)), from_user=user, chat_instance="1", message=under, data=data)
        await dispatcher.feed_update(bot, Update(update_id=next(_numbers), callback_query=press))
        return said.taken()

    for who, where in ((stranger.telegram_id, group), (ann.telegram_id, group), (admin.telegram_id, -5)):
        answer, *_ = await presses(who, where, "yes", "new")
        assert isinstance(answer, AnswerCallbackQuery) and answer.show_alert
    drawn = [one for one in await presses(admin.telegram_id, group, "nos", "") if isinstance(one, EditMessageText)]
    assert "The applicant reads the sentence" in str(drawn[0].text), "in the shop's language"
    keyboard = drawn[0].reply_markup
    assert keyboard is not None and not any("Another reason" in b.text for row in keyboard.inline_keyboard for b in row), (
        "groups hear no text"
    )
    await presses(admin.telegram_id, group, "yes", "new")

    assert await shop.read(supply.suppliers_of, ann.telegram_id)
    await _couriers_round(shop, bot)
    edited = [one for one in said.taken() if isinstance(one, EditMessageText)]
    assert sorted(int(one.chat_id or 0) for one in edited) == [group, 7001]
    assert all("✅ <b>Approved.</b>" in str(one.text) or "Одобр" in str(one.text) for one in edited)


async def _couriers_round(shop: Shop, bot: Any) -> None:
    """A courier works until nothing is due."""
    courier, stop = Courier(shop, speaking(bot)), asyncio.Event()
    running = asyncio.create_task(courier.run(stop))
    for _ in range(300):
        if (await shop.read(outbox.waiting)).open == 0:
            break
        await asyncio.sleep(0.01)
    stop.set()
    await running
    assert (await shop.read(outbox.waiting)).open == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_card_that_was_deleted_in_its_chat_stops_nothing(shop: Shop, storefront: Storefront) -> None:
    [admin] = await staff(shop, storefront, 7001)
    application_id = await applies(shop, await person(shop, storefront))
    chatter = Chatter(shop, storefront, 7001)
    await _couriers_round(shop, chatter.bot)
    chatter.session.refuses["editMessageText"] = "Bad Request: message to edit not found"

    await decides(shop, admin, application_id)
    await _couriers_round(shop, chatter.bot)

    assert (await shop.read(outbox.waiting)).parked == 0


# Every screen in every language


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_cards_and_notices_are_within_telegrams_limits_in_every_language(shop: Shop, storefront: Storefront) -> None:
    wild = "<b>Ünïcode & 游戏 “cards” 😀</b> "
    [admin, other] = await staff(shop, storefront, 7001, 7002)
    first = await applies(shop, await person(shop, storefront), name=(wild * 9)[:200].strip(), goods=(wild * 30)[:999].strip())
    await decides(shop, admin, first, Verdict.SEND_BACK, why=None, why_text=(wild * 30)[:999])
    ann = await person(shop, storefront)
    facts: dict[str, Any] = {"kind": Kind.AUTHORISED, "papers": [*PaperKind, *PaperKind], "legal": "company", "number": "N" * 60}
    second = await applies(shop, ann, expires="2020-01-01", goods="CVV", **facts)
    await decides(shop, admin, second)
    decided = await decides(shop, other, second)
    assert decided.supplier_id is not None
    [document, *_] = await shop.read(onboarding.documents_of, decided.supplier_id)
    file: dict[str, Any] = {"file_id": "f", "file_unique_id": "u", "file_kind": "photo", "once": "1"}
    renewal = await shop.write(onboarding.renew, document_id=document.id, telegram_id=ann.telegram_id, expires_on=None, **file)
    gone = 10**12
    said_of_papers = ("expires", "expired", "stopped", "renewal-approved", "renewal-refused")
    bodies: list[dict[str, Any]] = [
        *(
            {"says": "application", "application": first, "event": one}
            for one in ("half-approved", "sent_back", "refused", "approved", "?")
        ),
        *({"says": "application", "application": second, "event": one} for one in ("approved", "sent_back")),
        {"says": "application", "application": gone, "event": "approved"},
        {"says": "application-withdrawn", "application": first},
        {"says": "deposit-returned", "supplier": 1, "amount_minor": 5, "currency": "CNY"},
        {"says": "document-renewal", "renewal": renewal},
        {"says": "document-renewal", "renewal": gone},
        {"says": "document", "document": gone, "event": "expired"},
        {"says": "document-staff", "document": gone, "event": "expired"},
    ]
    for says in ("document", "document-staff"):
        bodies += [{"says": says, "document": document.id, "event": event, "expires_on": "2027-12-31"} for event in said_of_papers]
    for language in languages():
        for body in bodies:
            text, keyboard = await notice(body, Speech(language), shop=shop, storefront=storefront)
            assert visible(text)
            checked(keyboard)
        for number in range(1, 5):
            card = await shop.read(onboarding.card, number)
            assert card is not None
            text, keyboard = await card_drawn(shop, card, Speech(language))
            assert visible(text)
            checked(keyboard)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_the_staff_walk_over_every_button_of_applications(shop: Shop, storefront: Storefront) -> None:
    desk = await at_the_desk(shop, storefront)
    await applies(shop, await person(shop, storefront), kind=Kind.AUTHORISED, papers=[PaperKind.AUTHORISATION], number="AUTH-1")
    await desk.says("/admin")
    seen: set[str] = set()
    wanted = ["adm:supply"]
    while wanted:
        data = next(iter(wanted))
        wanted.remove(data)
        seen.add(data)
        if data.startswith("adm:ask"):
            continue
        await desk.presses(data if data.count(":") > 2 else "adm:supply:0:0:")
        wanted += [
            one
            for one in desk.keyboard()
            if one not in seen
            and one not in wanted
            and one.startswith(("adm:app", "adm:deposit", "apr:look", "apr:checks", "apr:nos", "apr:backs", "apr:settle"))
        ]
    assert any(one.startswith("adm:app:1") for one in seen) and any(one.startswith("apr:settle") for one in seen)
