"""Telegram Stars as a way to be paid, with a real bot in the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramForbiddenError
from telegram import constants

from bot import telegram_calls
from bot.telegram_calls import BotCalls
from connectors.payments import methods
from connectors.payments.stars import MOST, Stars
from core.money import STARS
from core.ports import Ask, Declined, PaymentMethod, PaymentState, Refund
from sandbox import BotSpec, Sandbox, limits
from sandbox.phone import Phone
from tests.line import Line

TOKEN = "7000000001:AAtests-of-stars"
SHOP = BotSpec(TOKEN, "card_shop_bot", "Card Shop")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    running = Sandbox(bots=[SHOP])
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[Bot]:
    async with Bot(TOKEN, session=Line(sandbox.url)) as bot:
        yield bot


@pytest.fixture
def stars(bot: Bot) -> Stars:
    return Stars(BotCalls(bot))


@pytest.fixture
async def phone(sandbox: Sandbox, bot: Bot) -> AsyncIterator[Phone]:
    async with Phone(sandbox.url, "buyer", SHOP.username) as phone:
        await phone.says("/start")
        await bot.get_updates(offset=(await bot.get_updates())[-1].update_id + 1)
        yield phone


async def asked_of(phone: Phone, reference: str, amount: int = 50, title: str = "Steam 50", description: str = "One code") -> Ask:
    payer = int((await phone.person())["user"]["id"])
    return Ask(reference, amount, STARS, title, description, payer, datetime.now(UTC) + timedelta(minutes=15))


async def pays(phone: Phone, bot: Bot) -> str:
    """The payer pays the newest invoice and the bot lets it through; the charge's id."""
    paying = asyncio.create_task(phone.pays(await phone.last()))
    offset = None
    while not paying.done():
        for update in await bot.get_updates(offset=offset, timeout=1):
            offset = update.update_id + 1
            if update.pre_checkout_query:
                await bot.answer_pre_checkout_query(update.pre_checkout_query.id, ok=True)
    paid = await paying
    assert paid["paid"]
    await bot.get_updates(offset=offset)
    return str(paid["charge_id"])


def test_it_is_found_by_being_in_its_folder(bot: Bot) -> None:
    found = methods(BotCalls(bot), {})
    assert isinstance(found["stars"], PaymentMethod)
    assert found["stars"].capabilities.currency == STARS


async def test_an_invoice_carries_the_reference_and_can_be_paid_by_nobody_else(stars: Stars, phone: Phone) -> None:
    created = await stars.create(await asked_of(phone, "41"))
    invoice = (await phone.last())["invoice"]
    assert created.message_id == (await phone.last())["message_id"]
    assert (invoice["currency"], invoice["total_amount"], invoice["start_parameter"]) == (STARS, 50, "pay-41")


async def test_texts_of_any_length_make_an_invoice(stars: Stars, phone: Phone) -> None:
    await stars.create(await asked_of(phone, "1", title="长" * 80, description="长" * 800))
    invoice = (await phone.last())["invoice"]
    assert len(invoice["title"]) == 32 and len(invoice["description"]) == 255
    await stars.create(await asked_of(phone, "2", title=" ", description=""))
    assert (await phone.last())["invoice"]["title"] == "2"


async def test_more_than_an_invoice_may_ask_for_is_our_mistake(stars: Stars, phone: Phone) -> None:
    assert stars.capabilities.maximum_minor == MOST <= limits.INVOICE_STARS
    with pytest.raises(AssertionError):
        await stars.create(await asked_of(phone, "1", amount=MOST + 1))


def test_the_limits_are_those_of_the_second_opinion() -> None:
    assert telegram_calls.TITLE == constants.InvoiceLimit.MAX_TITLE_LENGTH
    assert telegram_calls.DESCRIPTION == constants.InvoiceLimit.MAX_DESCRIPTION_LENGTH
    assert telegram_calls.PAYLOAD_BYTES == constants.InvoiceLimit.MAX_PAYLOAD_LENGTH


def refund_of(charge: str, payer: int) -> Refund:
    return Refund(f"r:{charge}", charge, "77", None, payer, 50, 50, STARS)


async def test_a_payment_is_found_by_its_reference_and_given_back_once(stars: Stars, phone: Phone, bot: Bot) -> None:
    before = await phone.stars()
    await stars.create(await asked_of(phone, "77"))
    assert await stars.find("77", None, LONG_AGO) is None
    charge = await pays(phone, bot)

    event = await stars.find("77", None, LONG_AGO)
    assert event is not None
    assert (event.key, event.state, event.amount_minor, event.currency) == (charge, PaymentState.PAID, 50, STARS)
    payer = int((await phone.person())["user"]["id"])
    assert await stars.refund(refund_of(charge, payer)) is PaymentState.REFUNDED
    assert await stars.refund(refund_of(charge, payer)) is PaymentState.REFUNDED
    assert await phone.stars() == before
    assert [event.state for event in await stars.received(LONG_AGO)] == [PaymentState.REFUNDED]
    with pytest.raises(Declined):
        await stars.refund(refund_of("no-such-charge", payer))


async def test_a_long_list_is_read_to_its_end_and_its_old_pages_only_once(
    stars: Stars, phone: Phone, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telegram_calls, "PAGE", 2)
    for number in range(5):
        await stars.create(await asked_of(phone, f"r{number}"))
        await pays(phone, bot)
    assert [event.reference for event in await stars.received(LONG_AGO)] == [f"r{number}" for number in range(5)]
    later = datetime.now(UTC) + timedelta(hours=1)
    for _ in range(2):
        assert await stars.received(later) == []
    assert len(await stars.received(LONG_AGO)) == 5
    calls = (await phone.ask("GET", "/calls?method=getStarTransactions&limit=50"))["calls"]
    offsets = [call["parameters"].get("offset") or 0 for call in calls]
    assert [int(offset) for offset in offsets] == [0, 2, 4, 0, 2, 4, 4, 0, 2, 4]


async def test_who_blocked_the_bot_cannot_be_asked(stars: Stars, phone: Phone) -> None:
    await phone.blocks()
    with pytest.raises(TelegramForbiddenError):
        await stars.create(await asked_of(phone, "1"))
