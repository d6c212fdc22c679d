"""The same through python-telegram-bot, the second opinion."""

import asyncio

import pytest
from telegram import Bot, CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup, LabeledPrice
from telegram.error import BadRequest, Forbidden

from sandbox.phone import Phone


async def test_the_bot_knows_itself(with_ptb: Bot) -> None:
    me = await with_ptb.get_me()

    assert (me.id, me.username, me.first_name, me.is_bot) == (7000000001, "card_shop_bot", "Card Shop", True)


async def test_a_formatted_message_with_a_keyboard_is_pressed_edited_and_answered(with_ptb: Bot, buyer: Phone) -> None:
    await buyer.says("/start sku-7")
    first = (await with_ptb.get_updates(timeout=5))[0]
    assert first.message is not None
    assert first.message.text == "/start sku-7"
    keyboard = InlineKeyboardMarkup(
        [
            [InlineKeyboardButton("Buy", callback_data="buy:1")],
            [InlineKeyboardButton("Copy", copy_text=CopyTextButton("AAAA-BBBB"))],
        ]
    )
    sent = await with_ptb.send_message(
        first.message.chat.id,
        "<b>Steam</b> 😀 <tg-spoiler>AAAA-BBBB</tg-spoiler>",
        parse_mode="HTML",
        reply_markup=keyboard,
        protect_content=True,
        reply_to_message_id=first.message.message_id,
    )
    assert sent.text_html == '<b>Steam</b> 😀 <span class="tg-spoiler">AAAA-BBBB</span>'
    assert sent.reply_to_message is not None
    assert sent.api_kwargs == {}

    press = asyncio.create_task(buyer.presses("Buy"))
    update = (await with_ptb.get_updates(offset=first.update_id + 1, timeout=5))[0]
    assert update.callback_query is not None
    assert update.callback_query.data == "buy:1"
    edited = await with_ptb.edit_message_text("Paid.", chat_id=sent.chat.id, message_id=sent.message_id)
    assert await with_ptb.answer_callback_query(update.callback_query.id, "Thank you", show_alert=True)

    assert await press == {"text": "Thank you", "show_alert": True, "url": ""}
    assert not isinstance(edited, bool)
    assert edited.text == "Paid."
    assert (await buyer.last())["text"] == "Paid."


async def test_an_invoice_is_paid_and_refunded(with_ptb: Bot, buyer: Phone, met: int) -> None:
    price = [LabeledPrice("Card", 120)]
    await with_ptb.send_invoice(met, "Steam 50", "One card", "order:1", "XTR", price, provider_token="", start_parameter="order-1")
    paying = asyncio.create_task(buyer.pays())
    query = (await with_ptb.get_updates(timeout=5))[0]
    assert query.pre_checkout_query is not None
    assert query.pre_checkout_query.total_amount == 120
    await with_ptb.answer_pre_checkout_query(query.pre_checkout_query.id, ok=True)
    assert (await paying)["paid"]
    success = (await with_ptb.get_updates(offset=query.update_id + 1, timeout=5))[0]
    assert success.message is not None
    assert success.message.successful_payment is not None
    charge = success.message.successful_payment.telegram_payment_charge_id

    assert await with_ptb.refund_star_payment(5_100_000_001, charge)
    with pytest.raises(BadRequest, match=r"(?i)charge_already_refunded"):
        await with_ptb.refund_star_payment(5_100_000_001, charge)

    transactions = (await with_ptb.get_star_transactions()).transactions
    assert [(item.id, item.amount, item.source is None) for item in transactions] == [(charge, 120, False), (charge, 120, True)]
    assert (await with_ptb.get_my_star_balance()).amount == 0
    assert await buyer.stars() == 5000


async def test_files_go_up_and_down(with_ptb: Bot, buyer: Phone, met: int) -> None:
    sent = await with_ptb.send_document(met, b"CODE-1\nCODE-2\n", filename="codes.txt", caption="two codes")
    assert sent.document is not None
    assert sent.document.file_name == "codes.txt"
    assert await buyer.download(await buyer.last()) == b"CODE-1\nCODE-2\n"

    await buyer.sends_file("import.csv", b"a,b\n1,2\n")
    message = (await with_ptb.get_updates(timeout=5))[0].message
    assert message is not None
    assert message.document is not None
    file = await message.document.get_file()
    assert bytes(await file.download_as_bytearray()) == b"a,b\n1,2\n"


async def test_profile_commands_and_refusals_read_the_same(with_ptb: Bot, buyer: Phone) -> None:
    assert await with_ptb.set_my_commands([("start", "Begin"), ("orders", "My orders")])
    assert [command.command for command in await with_ptb.get_my_commands()] == ["start", "orders"]
    assert await with_ptb.set_my_description("A shop", language_code="en")
    assert (await with_ptb.get_my_description("en")).description == "A shop"
    assert (await with_ptb.get_webhook_info()).url == ""
    with pytest.raises(Forbidden, match="bot can't initiate conversation"):
        await with_ptb.send_message(5_100_000_001, "hello")
    await buyer.says("/start")
    with pytest.raises(BadRequest, match=r"(?i)can't parse entities: can't find end tag"):
        await with_ptb.send_message(5_100_000_001, "<b>hello", parse_mode="HTML")
    assert (await with_ptb.get_chat(5_100_000_001)).first_name == "小林"
