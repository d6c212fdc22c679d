"""A supplier without a paper sends one from the phone, and lists an offer on it when the staff have accepted it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiogram.methods import AnswerCallbackQuery, EditMessageText, SendMessage
from aiogram.types import CallbackQuery, Chat, Message, Update, User

from bot.dispatcher import make_dispatcher
from core import audit, catalog, onboarding, supply
from core.database import Shop
from core.onboarding import PaperKind, RenewalState
from core.storefronts import Storefront
from core.supply import Standing
from handlers.admin.desk import Do
from handlers.supply import buttons
from sandbox.phone import labels
from tests.core.joining import in_days, staff
from tests.core.sending import sends
from tests.handlers.counter import Buyer, Counter, opened
from tests.handlers.recorder import recording_bot
from tests.journeys.test_joining import PDF, _couriers_round, delivered, two_admins
from tests.stage import person, put_on_sale

_numbers = itertools.count(20_000)


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running
    report = await shop.read(audit.audit, sample=3)
    assert report.clean, report.violations


async def paperless(counter: Counter) -> tuple[Buyer, int]:
    """Somebody who acts for a supplier that was approved without a paper."""
    lin = await counter.buyer()
    made = await counter.shop.write(supply.new_supplier, name="Lin & Co", standing=Standing.TRUSTED, telegram_id=lin.customer.telegram_id)
    return lin, made.id


async def test_a_first_paper_goes_from_the_phone_through_approval_to_a_listed_offer(counter: Counter) -> None:
    admin, other = await two_admins(counter)
    lin, supplier_id = await paperless(counter)
    cards = await counter.shop.write(catalog.add_category, slug="cards", name="Cards")
    await put_on_sale(counter.shop, counter.storefront, name="Steam", denomination="Steam 50", price_minor=9500, count=0, category_id=cards)

    await lin.say("/supply")
    await lin.press("📄 Papers")
    await lin.sees("There are no papers yet.")
    await lin.press("➕ Another paper")
    await lin.sees("What is this paper?")
    assert "Please press what it is." in (await lin.say("a receipt"))["text"]
    await lin.press("Letter of authorisation")
    await lin.sees("Which brands or goods")
    assert "Please type a text of 2 to 300 characters." in (await lin.say("?"))["text"]
    assert "Send the paper now" in (await lin.say("Steam & <PSN>"))["text"]
    assert "Please send the paper as a photo or as a PDF." in (await lin.say("soon"))["text"]
    # They walk away, and whatever they press meanwhile: it goes on where it stopped.
    await lin.say("/balance")
    await lin.say("/supply")
    await lin.press("📄 Papers")
    await lin.press("➕ Another paper")
    assert "Steam & <PSN>" in (await lin.sees("Send the paper now"))["text"]
    await lin.phone.sends_file("letter.pdf", PDF)
    await lin.sees("Until which day is it valid?")
    assert "is not a date" in (await lin.say("next year"))["text"]
    assert "That day has passed." in (await lin.say(in_days(counter.shop, -1)))["text"]
    assert "number of the certificate" in (await lin.say("2199-12-31"))["text"]
    assert "Is everything right?" in (await lin.say("AUTH-1"))["text"]
    whole = await lin.sees("Is everything right?")
    assert "Letter of authorisation · Steam & <PSN> · until" in whole["text"] and "No. AUTH-1" in whole["text"]
    await lin.press("📨 Send it to the shop")
    await lin.sees("📨 Sent. The shop looks at it")
    [sent] = await counter.shop.read(onboarding.papers_waiting, supplier_id)
    await counter.press_forged(lin, buttons.SendAnother(id=sent.id).pack())
    assert await counter.shop.read(onboarding.papers_waiting, supplier_id) == [sent], "pressed twice, sent once"

    card, twin = await admin.sees("Lin & Co has sent another paper."), await other.sees("has sent another paper.")
    assert "Steam & <PSN>" in card["text"] and "✅ Papers of others" in card["text"] and "⏳ Certificate: AUTH-1" in card["text"]
    await admin.phone.presses((card, "🖼 Show it"))
    assert await admin.phone.download(await admin.phone.waits_for(lambda m: "document" in m)) == PDF
    await admin.phone.presses((card, "✅ Accept it"))
    await other.sees("has accepted it.")
    assert labels(await other.phone.waits_for(lambda m: m["message_id"] == twin["message_id"])) == [], "its buttons are gone"
    answer = await counter.press_forged(other, Do(act="paper-no", id=sent.id).pack())
    assert answer is not None and "moved on since" in answer["text"]

    assert "Your offers can rest on it from now on." in (await lin.sees("✅ Your paper is accepted"))["text"]
    await lin.press("➕ New offer")
    await lin.press("Cards")
    await lin.press("Steam")
    await lin.press("Steam 50")
    await lin.sees("cost")
    await lin.say("85")
    [offer] = await counter.shop.read(supply.offers_with_facts, supplier_id)
    [document] = await counter.shop.read(onboarding.documents_of, supplier_id)
    assert (offer.document_id, document.number, document.kind) == (document.id, "AUTH-1", PaperKind.AUTHORISATION)
    await delivered(counter)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_what_waits_is_looked_at_taken_back_described_anew_and_refused(counter: Counter) -> None:
    admin, _ = await two_admins(counter)
    lin, supplier_id = await paperless(counter)
    await lin.say("/supply")
    first = await sends(counter.shop, supplier_id, lin.customer, scope="Riot", group_id=None)
    counter.courier.wake()
    card = await admin.sees("has sent another paper.")
    await lin.press("📄 Papers")
    assert "1. ⏳ Proof of purchase · Riot" in (await lin.sees("Your papers"))["text"]
    await lin.press("⏳ With the shop: 1")
    await lin.sees("not looked at yet")
    await lin.press("↩️ Take it back")
    await lin.sees("↩️ Taken back.")
    await admin.sees("↩️ The supplier has taken it back.")
    assert card["text"].splitlines()[0] == "📄 Lin & Co has sent another paper."
    answer = await counter.press_forged(lin, buttons.TakePaperBack(id=first).pack())
    assert answer is not None

    await lin.press("⬅️ Papers")
    await lin.press("➕ Another paper")
    # A picture that comes early is kept.
    await lin.phone.sends_file("invoice.pdf", PDF)
    await lin.sees("✅ The paper is here.")
    await lin.press("Proof of purchase")
    await lin.say("Razer Gold")
    await lin.press("It does not expire")
    await lin.sees("Is everything right?")
    await lin.press("🔁 Start again")
    await lin.sees("What is this paper?")
    draft = await counter.shop.read(onboarding.renewal, first + 1)
    assert draft is not None and (draft.state, draft.scope, draft.file_id) == (RenewalState.DRAFT, None, None)
    await lin.press("Another paper")
    await lin.sees("Which brands or goods")
    await lin.say("Razer Gold")
    await lin.phone.sends_file("invoice.pdf", PDF)
    await lin.press("It does not expire")
    await lin.press("📨 Send it to the shop")
    card = await admin.phone.waits_for(lambda m: "Razer Gold" in m.get("text", ""))
    await admin.phone.presses((card, "🚫 Do not"))
    await lin.sees("🚫 Your paper was not accepted")
    assert await counter.shop.read(onboarding.documents_of, supplier_id) == []
    await delivered(counter)


async def test_the_group_decides_about_a_paper_and_only_the_staff_in_it(shop: Shop, storefront: Storefront) -> None:
    group = -1_001_234
    [admin] = await staff(shop, storefront, 7001)
    lin, stranger = await person(shop, storefront), await person(shop, storefront)
    made = await shop.write(supply.new_supplier, name="Lin", standing=Standing.NEW, telegram_id=lin.telegram_id)
    bot, said = recording_bot()
    dispatcher = make_dispatcher(shop, storefront, {}, admin_group=group)
    paper_id = await sends(shop, made.id, lin)
    await _couriers_round(shop, bot)
    [card] = [one for one in said.taken() if isinstance(one, SendMessage) and one.chat_id == group]
    assert "has sent another paper" in str(card.text)

    async def presses(telegram_id: int, chat_id: int) -> list[Any]:
        under = Message(message_id=next(_numbers), date=datetime.now(UTC), chat=Chat(id=chat_id, type="supergroup"), text="the card")
        user = User(id=telegram_id, is_bot=False, first_name="Ann", language_code="ru")
        press = CallbackQuery(
            id=str(next(_numbers)), from_user=user, chat_instance="1", message=under, data=Do(act="paper-yes", id=paper_id).pack()
        )
        await dispatcher.feed_update(bot, Update(update_id=next(_numbers), callback_query=press))
        return said.taken()

    for who, where in ((stranger.telegram_id, group), (lin.telegram_id, group), (admin.telegram_id, -5)):
        answer, *_ = await presses(who, where)
        assert isinstance(answer, AnswerCallbackQuery) and answer.show_alert
    assert await shop.read(onboarding.documents_of, made.id) == []
    [drawn] = [one for one in await presses(admin.telegram_id, group) if isinstance(one, EditMessageText)]
    assert "has accepted it." in str(drawn.text), "in the shop's language"
    [document] = await shop.read(onboarding.documents_of, made.id)
    assert document.good
    await _couriers_round(shop, bot)
    edited = [one for one in said.taken() if isinstance(one, EditMessageText)]
    assert sorted(int(one.chat_id or 0) for one in edited) == [group, 7001]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_of_anothers_paper_nothing_is_shown_or_changed(counter: Counter) -> None:
    await two_admins(counter)
    lin, supplier_id = await paperless(counter)
    stranger = await counter.buyer("admin")
    paper_id = await sends(counter.shop, supplier_id, lin.customer, group_id=None)
    draft = await counter.shop.write(onboarding.begin_another, supplier_id=supplier_id, customer_id=lin.customer.id)
    await counter.shop.write(supply.new_supplier, name="Bob", standing=Standing.NEW, telegram_id=stranger.customer.telegram_id)
    before = [await counter.shop.read(onboarding.renewal, one) for one in (paper_id, draft)]
    for data in (
        buttons.AnotherPaper(supplier=supplier_id),
        buttons.AnotherIs(id=draft, kind=PaperKind.OTHER),
        buttons.AnotherNothing(id=draft, field=onboarding.PaperField.EXPIRES),
        buttons.SendAnother(id=draft),
        buttons.StartAgain(id=draft),
        buttons.WaitingPaper(id=paper_id),
        buttons.ShowSent(id=paper_id),
        buttons.TakePaperBack(id=paper_id),
    ):
        await counter.press_forged(stranger, data.pack())
    assert [await counter.shop.read(onboarding.renewal, one) for one in (paper_id, draft)] == before
    assert not any("photo" in message for message in await stranger.phone.messages())
