"""The sandbox through aiogram, the library the shop runs on."""

import asyncio

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.methods import SendDice, SendMessage
from aiogram.types import (
    BufferedInputFile,
    CopyTextButton,
    DisabledButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    KeyboardButton,
    LabeledPrice,
    LinkPreviewOptions,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    ReplyParameters,
)

from sandbox.phone import Phone, PhoneRefused
from tests.sandbox.pictures import png

BUY = InlineKeyboardMarkup(
    inline_keyboard=[
        [
            InlineKeyboardButton(text="Buy", callback_data="buy:1", style="success"),
            InlineKeyboardButton(text="Sold out", disabled=DisabledButton()),
        ],
        [InlineKeyboardButton(text="Copy", copy_text=CopyTextButton(text="AAAA-BBBB"))],
    ]
)


async def test_the_bot_knows_itself(with_aiogram: Bot) -> None:
    me = await with_aiogram.get_me()

    assert (me.id, me.username, me.first_name, me.is_bot) == (7000000001, "card_shop_bot", "Card Shop", True)
    assert me.supports_inline_queries


async def test_a_formatted_message_with_a_keyboard_is_pressed_edited_and_answered(with_aiogram: Bot, buyer: Phone) -> None:
    await buyer.says("/start sku-7")
    first = (await with_aiogram.get_updates(timeout=5))[0]
    assert first.message is not None
    assert first.message.text == "/start sku-7"
    assert first.message.from_user is not None
    assert first.message.from_user.language_code == "zh-hans"

    sent = await with_aiogram.send_message(
        first.message.chat.id,
        "<b>Steam</b> 😀 <tg-spoiler>AAAA-BBBB</tg-spoiler>",
        parse_mode="HTML",
        reply_markup=BUY,
        protect_content=True,
        message_effect_id="5046509860389126442",
        link_preview_options=LinkPreviewOptions(is_disabled=True),
        reply_parameters=ReplyParameters(message_id=first.message.message_id),
    )
    assert sent.html_text == "<b>Steam</b> 😀 <tg-spoiler>AAAA-BBBB</tg-spoiler>"
    assert sent.has_protected_content
    assert sent.reply_to_message is not None
    assert sent.effect_id == "5046509860389126442"
    with pytest.raises(PhoneRefused, match="disabled"):
        await buyer.presses("Sold out")

    press = asyncio.create_task(buyer.presses("Buy"))
    update = (await with_aiogram.get_updates(offset=first.update_id + 1, timeout=5))[0]
    assert update.callback_query is not None
    assert update.callback_query.data == "buy:1"
    edited = await with_aiogram.edit_message_text("Paid.", chat_id=sent.chat.id, message_id=sent.message_id)
    assert await with_aiogram.answer_callback_query(update.callback_query.id, "Thank you", show_alert=True)

    assert await press == {"text": "Thank you", "show_alert": True, "url": ""}
    assert not isinstance(edited, bool)
    assert edited.text == "Paid."
    assert (await buyer.last())["text"] == "Paid."
    assert "reply_markup" not in await buyer.last()


async def test_an_invoice_is_paid_twice_and_refunded_once(with_aiogram: Bot, buyer: Phone, met: int) -> None:
    await with_aiogram.send_invoice(
        met,
        title="Steam 50",
        description="One card",
        payload="order:1",
        currency="XTR",
        prices=[LabeledPrice(label="Card", amount=120)],
        provider_token="",
        start_parameter="order-1",
    )
    charges = []
    offset = None
    for _ in range(2):
        paying = asyncio.create_task(buyer.pays())
        query = (await with_aiogram.get_updates(offset=offset, timeout=5))[0]
        assert query.pre_checkout_query is not None
        assert (query.pre_checkout_query.total_amount, query.pre_checkout_query.invoice_payload) == (120, "order:1")
        await with_aiogram.answer_pre_checkout_query(query.pre_checkout_query.id, ok=True)
        assert (await paying)["paid"]
        success = (await with_aiogram.get_updates(offset=query.update_id + 1, timeout=5))[0]
        assert success.message is not None
        assert success.message.successful_payment is not None
        charges.append(success.message.successful_payment.telegram_payment_charge_id)
        offset = success.update_id + 1
    assert len(set(charges)) == 2
    assert await buyer.stars() == 5000 - 240

    assert await with_aiogram.refund_star_payment(5_100_000_001, charges[0])
    with pytest.raises(TelegramBadRequest, match="CHARGE_ALREADY_REFUNDED"):
        await with_aiogram.refund_star_payment(5_100_000_001, charges[0])

    refunded = (await with_aiogram.get_updates(offset=offset, timeout=5))[0]
    assert refunded.message is not None
    assert refunded.message.refunded_payment is not None
    transactions = (await with_aiogram.get_star_transactions()).transactions
    assert [(item.id, item.source is None) for item in transactions] == [
        (charges[0], False),
        (charges[1], False),
        (charges[0], True),
    ]
    assert (await with_aiogram.get_my_star_balance()).amount == 120
    assert await buyer.stars() == 5000 - 120


async def test_files_go_up_and_down(with_aiogram: Bot, buyer: Phone, met: int) -> None:
    codes = "\n".join(f"CODE-{number}" for number in range(1000)).encode()
    sent = await with_aiogram.send_document(met, BufferedInputFile(codes, "卡密.txt"), caption="<b>1000</b> codes", parse_mode="HTML")
    assert sent.document is not None
    assert sent.document.file_name == "卡密.txt"
    assert await buyer.download(await buyer.last()) == codes

    await buyer.sends_file("import.csv", b"a,b\n1,2\n", "for SKU 7")
    message = (await with_aiogram.get_updates(timeout=5))[0].message
    assert message is not None
    assert message.caption == "for SKU 7"
    assert message.document is not None
    body = await with_aiogram.download(message.document)
    assert body is not None
    assert body.read() == b"a,b\n1,2\n"

    again = await with_aiogram.send_document(met, sent.document.file_id)
    assert again.document == sent.document


async def test_albums_and_pictures_are_shown_and_changed(with_aiogram: Bot, buyer: Phone, met: int) -> None:
    photo = await with_aiogram.send_photo(met, BufferedInputFile(png(30, 20), "qr.png"), caption="Pay here")
    assert photo.photo is not None
    assert (photo.photo[-1].width, photo.photo[-1].height) == (30, 20)
    album = await with_aiogram.send_media_group(
        met,
        [
            InputMediaDocument(media=BufferedInputFile(b"one", "1.txt")),
            InputMediaDocument(media=BufferedInputFile(b"two", "2.txt"), caption="two"),
        ],
    )
    assert len({message.media_group_id for message in album}) == 1
    assert await buyer.download((await buyer.messages())[-2]) == b"one"

    media = InputMediaPhoto(media=BufferedInputFile(png(5, 5), "new.png"), caption="Now here")
    edited = await with_aiogram.edit_message_media(media, chat_id=met, message_id=photo.message_id, reply_markup=BUY)
    assert not isinstance(edited, bool)
    assert edited.caption == "Now here"
    captioned = await with_aiogram.edit_message_caption(chat_id=met, message_id=photo.message_id, caption="Paid")
    assert not isinstance(captioned, bool)
    assert captioned.caption == "Paid"
    assert captioned.reply_markup is None
    with pytest.raises(TelegramBadRequest, match="IMAGE_PROCESS_FAILED"):
        await with_aiogram.send_photo(met, BufferedInputFile(b"not a picture", "qr.png"))


async def test_messages_are_forwarded_copied_pinned_and_deleted(with_aiogram: Bot, buyer: Phone, second: Phone, met: int) -> None:
    other = (await second.says("/start"))["chat"]["id"]
    sent = await with_aiogram.send_message(met, "<i>News</i>", parse_mode="HTML")
    forwarded = await with_aiogram.forward_message(other, met, sent.message_id)
    copied = await with_aiogram.copy_message(other, met, sent.message_id)
    assert forwarded.forward_origin is not None
    assert [message["text"] for message in (await second.messages())[1:]] == ["News", "News"]

    assert await with_aiogram.pin_chat_message(other, copied.message_id)
    pinned = (await with_aiogram.get_chat(other)).pinned_message
    assert pinned is not None
    assert pinned.message_id == copied.message_id
    assert await with_aiogram.unpin_chat_message(other)

    assert await with_aiogram.delete_message(met, sent.message_id)
    assert await with_aiogram.delete_messages(other, [forwarded.message_id, copied.message_id, 999])
    assert [message.get("text") for message in await buyer.messages()] == ["/start"]
    with pytest.raises(TelegramBadRequest, match="message to delete not found"):
        await with_aiogram.delete_message(met, sent.message_id)

    secret = await with_aiogram.send_message(met, "code", protect_content=True)
    with pytest.raises(TelegramBadRequest, match="message can't be forwarded"):
        await with_aiogram.forward_message(other, met, secret.message_id)


async def test_a_reply_keyboard_stays_until_it_is_removed(with_aiogram: Bot, buyer: Phone, met: int) -> None:
    keyboard = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="Cards"), KeyboardButton(text="Orders")]], resize_keyboard=True)
    await with_aiogram.send_message(met, "Choose", reply_markup=keyboard)
    await with_aiogram.send_message(met, "More")
    assert (await buyer.chat())["reply_keyboard"]["keyboard"][0][1]["text"] == "Orders"
    await with_aiogram.send_message(met, "Bye", reply_markup=ReplyKeyboardRemove())
    assert (await buyer.chat())["reply_keyboard"] is None


async def test_a_method_or_parameter_that_is_not_modelled_says_so_loudly(with_aiogram: Bot, met: int) -> None:
    with pytest.raises(Exception, match="the sandbox does not model the method sendDice"):
        await with_aiogram(SendDice(chat_id=met))
    with pytest.raises(Exception, match="the sandbox does not model message_thread_id in sendMessage"):
        await with_aiogram.send_message(met, "x", message_thread_id=3)
    with pytest.raises(TelegramBadRequest, match='unknown parameter "colour" of sendMessage'):
        await with_aiogram(SendMessage(chat_id=met, text="x", colour="red"))


async def test_strangers_and_blockers_cannot_be_written_to(with_aiogram: Bot, buyer: Phone) -> None:
    with pytest.raises(TelegramForbiddenError, match="bot can't initiate conversation with a user"):
        await with_aiogram.send_message(5_100_000_001, "hello")
    await buyer.says("/start")
    await with_aiogram.send_message(5_100_000_001, "hello")
    await buyer.blocks()
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await with_aiogram.send_message(5_100_000_001, "hello")
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await with_aiogram.send_message(12345, "hello")
