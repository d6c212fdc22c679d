"""The limits of the Bot API: the same numbers as python-telegram-bot's, and kept to the last character."""

import json
from typing import Any

import aiohttp
import pytest
from telegram import constants

from sandbox import Sandbox, limits
from tests.sandbox.conftest import TOKEN, Call, Json, Refused

SAME = {
    "TEXT": constants.MessageLimit.MAX_TEXT_LENGTH,
    "CAPTION": constants.MessageLimit.CAPTION_LENGTH,
    "ENTITIES": constants.MessageLimit.MESSAGE_ENTITIES,
    "START_PARAMETER": constants.MessageLimit.DEEP_LINK_LENGTH,
    "CALLBACK_DATA_BYTES": constants.InlineKeyboardButtonLimit.MAX_CALLBACK_DATA,
    "COPY_TEXT": constants.InlineKeyboardButtonLimit.MAX_COPY_TEXT,
    "BUTTONS_IN_A_ROW": constants.InlineKeyboardMarkupLimit.BUTTONS_PER_ROW,
    "BUTTONS": constants.InlineKeyboardMarkupLimit.TOTAL_BUTTON_NUMBER,
    "INPUT_FIELD_PLACEHOLDER": constants.ReplyLimit.MAX_INPUT_FIELD_PLACEHOLDER,
    "CALLBACK_ANSWER": constants.CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH,
    "INVOICE_TITLE": constants.InvoiceLimit.MAX_TITLE_LENGTH,
    "INVOICE_DESCRIPTION": constants.InvoiceLimit.MAX_DESCRIPTION_LENGTH,
    "INVOICE_PAYLOAD_BYTES": constants.InvoiceLimit.MAX_PAYLOAD_LENGTH,
    "INVOICE_STARS": constants.InvoiceLimit.MAX_STAR_COUNT,
    "COMMANDS": constants.BotCommandLimit.MAX_COMMAND_NUMBER,
    "COMMAND": constants.BotCommandLimit.MAX_COMMAND,
    "COMMAND_DESCRIPTION": constants.BotCommandLimit.MAX_DESCRIPTION,
    "BOT_NAME": constants.BotNameLimit.MAX_NAME_LENGTH,
    "BOT_DESCRIPTION": constants.BotDescriptionLimit.MAX_DESCRIPTION_LENGTH,
    "BOT_SHORT_DESCRIPTION": constants.BotDescriptionLimit.MAX_SHORT_DESCRIPTION_LENGTH,
    "MEDIA_GROUP_LEAST": constants.MediaGroupLimit.MIN_MEDIA_LENGTH,
    "MEDIA_GROUP_MOST": constants.MediaGroupLimit.MAX_MEDIA_LENGTH,
    "MESSAGES_AT_ONCE": constants.BulkRequestLimit.MAX_LIMIT,
    "UPDATES_AT_ONCE": constants.PollingLimit.MAX_LIMIT,
    "STAR_TRANSACTIONS_AT_ONCE": constants.StarTransactionsLimit.MAX_LIMIT,
    "INLINE_RESULTS": constants.InlineQueryLimit.RESULTS,
    "INLINE_RESULT_ID_BYTES": constants.InlineQueryResultLimit.MAX_ID_LENGTH,
    "INLINE_QUERY": constants.InlineQueryLimit.MAX_QUERY_LENGTH,
    "INLINE_OFFSET_BYTES": constants.InlineQueryLimit.MAX_OFFSET_LENGTH,
    "WEBHOOK_CONNECTIONS": constants.WebhookLimit.MAX_CONNECTIONS_LIMIT,
    "WEBHOOK_SECRET": constants.WebhookLimit.MAX_SECRET_TOKEN_LENGTH,
    "UPLOAD_BYTES": constants.FileSizeLimit.FILESIZE_UPLOAD,
    "PHOTO_BYTES": constants.FileSizeLimit.PHOTOSIZE_UPLOAD,
    "DOWNLOAD_BYTES": constants.FileSizeLimit.FILESIZE_DOWNLOAD,
}


# Of Bot API 10.1, which python-telegram-bot does not know yet: what core.telegram.org/bots/api#inputrichmessage says.
LATER = {"RICH_TEXT": 32_768, "RICH_BLOCKS": 500, "RICH_COLUMNS": 20}


def test_every_limit_is_the_one_python_telegram_bot_knows() -> None:
    ours = {name: value for name, value in vars(limits).items() if name.isupper()}
    assert ours == {name: int(value) for name, value in SAME.items()} | LATER
    assert not [name for name in vars(constants) if "rich" in name.lower()], "now it knows rich messages, too"


def keys(*rows: list[Json]) -> Json:
    return {"inline_keyboard": list(rows)}


def button(**action: Any) -> Json:
    return {"text": "x", **action}


PRICE = [{"label": "Card", "amount": 10}]
INVOICE: Json = {"title": "T", "description": "D", "payload": "P", "currency": "XTR", "prices": PRICE}
START = "s" * 64


@pytest.mark.parametrize(
    ("method", "fits", "too_much", "complaint"),
    [
        ("sendMessage", {"text": "a" * 4096}, {"text": "a" * 4097}, "message is too long"),
        ("sendMessage", {"text": "😀" * 2048}, {"text": "😀" * 2049}, "message is too long"),
        (
            "sendMessage",
            {"text": f"<b>{'a' * 4096}</b>", "parse_mode": "HTML"},
            {"text": "<b> </b>", "parse_mode": "HTML"},
            "message text is empty",
        ),
        ("sendMessage", {"text": " a "}, {"text": " \n "}, "message text is empty"),
        ("sendMessage", {"text": "a"}, {}, "message text is empty"),
        ("sendMessage", {"text": "a"}, {"text": 7}, "can't parse text"),
        ("sendMessage", {"text": "a"}, {"text": "a", "parse_mode": "BBCode"}, "unsupported parse_mode"),
        ("sendMessage", {"text": "a"}, {"text": "a", "reply_parameters": {"message_id": 77}}, "message to be replied not found"),
        ("button", button(callback_data="ж" * 32), button(callback_data="ж" * 32 + "a"), "BUTTON_DATA_INVALID"),
        ("button", button(callback_data="a"), button(callback_data=""), "BUTTON_DATA_INVALID"),
        ("button", button(copy_text={"text": "a" * 256}), button(copy_text={"text": "a" * 257}), "BUTTON_COPY_TEXT_INVALID"),
        ("button", button(url="https://t.me/x?start=y"), button(url="javascript:alert(1)"), "Wrong HTTP URL"),
        ("button", button(disabled={}), button(), "Text buttons are unallowed in the inline keyboard"),
        ("button", button(callback_data="a"), button(callback_data="a", url="https://x.y"), "exactly one action"),
        ("button", button(callback_data="a"), button(callback_data="a", disabled={}), "exactly one action"),
        ("button", button(callback_data="a", style="danger"), button(callback_data="a", style="red"), "BUTTON_STYLE_INVALID"),
        (
            "button",
            button(callback_data="a"),
            button(callback_data="a", colour="red"),
            'unknown field "reply_markup.inline_keyboard.colour"',
        ),
        (
            "button",
            button(callback_data="a"),
            {"callback_data": "a"},
            "can't parse reply_markup: inline_keyboard.0.0.text: Field required",
        ),
        ("button", button(callback_data="a"), button(pay=True), "BUTTON_TYPE_INVALID"),
        ("row", [button(callback_data="a")] * 8, [button(callback_data="a")] * 9, "REPLY_MARKUP_TOO_LONG"),
        ("rows", [[button(callback_data="a")]] * 100, [[button(callback_data="a")]] * 101, "REPLY_MARKUP_TOO_LONG"),
        ("sendInvoice", {"title": "t" * 32}, {"title": "t" * 33}, "INVOICE_TITLE_INVALID"),
        ("sendInvoice", {"description": "d" * 255}, {"description": "d" * 256}, "INVOICE_DESCRIPTION_INVALID"),
        ("sendInvoice", {"payload": "ж" * 64}, {"payload": "ж" * 64 + "a"}, "INVOICE_PAYLOAD_INVALID"),
        ("sendInvoice", {"prices": PRICE}, {"prices": PRICE * 2}, "STARS_INVOICE_INVALID"),
        ("sendInvoice", {"prices": PRICE}, {"prices": [{"label": "x", "amount": 0}]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ("sendInvoice", {"provider_token": ""}, {"provider_token": "1:TEST"}, "PAYMENT_PROVIDER_INVALID"),
        ("sendInvoice", {"start_parameter": START}, {"start_parameter": START + "s"}, "START_PARAM_INVALID"),
        ("sendInvoice", {"start_parameter": "a-b_c"}, {"start_parameter": "a b"}, "START_PARAM_INVALID"),
        ("sendInvoice", {"is_flexible": False}, {"is_flexible": True}, "STARS_INVOICE_INVALID"),
        ("setMyCommands", ["a" * 32], ["a" * 33], "BOT_COMMAND_INVALID"),
        ("setMyCommands", ["start_1"], ["Start"], "BOT_COMMAND_INVALID"),
        ("setMyCommands", [f"c{n}" for n in range(100)], [f"c{n}" for n in range(101)], "BOT_COMMANDS_TOO_MUCH"),
        ("setMyName", {"name": "n" * 64}, {"name": "n" * 65}, "at most 64"),
        ("setMyDescription", {"description": "n" * 512}, {"description": "n" * 513}, "at most 512"),
        ("setMyShortDescription", {"short_description": "n" * 120}, {"short_description": "n" * 121}, "at most 120"),
        ("sendChatAction", {"action": "typing"}, {"action": "dancing"}, "wrong parameter action"),
        (
            "deleteMessages",
            {"message_ids": list(range(1, 101))},
            {"message_ids": list(range(1, 102))},
            "message identifiers are expected",
        ),
        ("getStarTransactions", {"limit": 100}, {"limit": 101}, "LIMIT_INVALID"),
    ],
)
async def test_what_fits_is_taken_and_one_more_is_refused(
    call: Call, met: int, method: str, fits: Any, too_much: Any, complaint: str
) -> None:
    def whole(part: Any) -> tuple[str, Json]:
        match method:
            case "button":
                return "sendMessage", {"chat_id": met, "text": "x", "reply_markup": keys([part])}
            case "row":
                return "sendMessage", {"chat_id": met, "text": "x", "reply_markup": keys(part)}
            case "rows":
                return "sendMessage", {"chat_id": met, "text": "x", "reply_markup": keys(*part)}
            case "sendInvoice":
                return method, {"chat_id": met, **INVOICE, **part}
            case "setMyCommands":
                return method, {"commands": [{"command": name, "description": "d"} for name in part]}
            case "sendMessage" | "sendChatAction" | "deleteMessages":
                return method, {"chat_id": met, **part}
        return method, part

    name, parameters = whole(fits)
    await call(name, **parameters)
    name, parameters = whole(too_much)
    with pytest.raises(Refused) as refused:
        await call(name, **parameters)
    assert refused.value.code == 400
    assert complaint in refused.value.description


async def test_a_caption_and_an_answer_have_their_own_limits(call: Call, met: int, sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    async def send(caption: str) -> Json:
        form = aiohttp.FormData({"chat_id": str(met), "caption": caption, "document": "attach://file"})
        form.add_field("file", b"body", filename="a.txt")
        async with http.post(f"{sandbox.url}/bot{TOKEN}/sendDocument", data=form) as answer:
            body: Json = await answer.json()
            return body

    assert (await send("c" * 1024))["ok"]
    assert (await send("c" * 1025))["description"] == "Bad Request: message caption is too long"
    with pytest.raises(Refused, match="MESSAGE_TOO_LONG"):
        await call("answerCallbackQuery", callback_query_id="1", text="a" * 201)


async def test_an_edit_that_changes_nothing_or_finds_nothing_is_refused(call: Call, met: int) -> None:
    keyboard = keys([button(callback_data="a")])
    sent = await call("sendMessage", chat_id=met, text="<b>a</b>", parse_mode="HTML", reply_markup=keyboard)
    where = {"chat_id": met, "message_id": sent["message_id"]}
    for again in (
        {"text": "<b>a</b>", "parse_mode": "HTML"},
        {"text": "a", "entities": [{"type": "bold", "offset": 0, "length": 1}]},
    ):
        with pytest.raises(Refused, match="message is not modified"):
            await call("editMessageText", **where, **again, reply_markup=keyboard)
    with pytest.raises(Refused, match="message is not modified"):
        await call("editMessageReplyMarkup", **where, reply_markup=keyboard)
    await call("editMessageReplyMarkup", **where)
    with pytest.raises(Refused, match="message to edit not found"):
        await call("editMessageText", chat_id=met, message_id=999, text="x")
    with pytest.raises(Refused, match="message can't be edited"):
        await call("editMessageText", chat_id=met, message_id=1, text="x")
    with pytest.raises(Refused, match="there is no caption in the message to edit"):
        await call("editMessageCaption", **where, caption="x")


async def test_a_file_larger_than_twenty_megabytes_cannot_be_fetched(call: Call, sandbox: Sandbox, met: int) -> None:
    for size, fetched in ((limits.DOWNLOAD_BYTES, True), (limits.DOWNLOAD_BYTES + 1, False)):
        file = sandbox.world.files.keep("card_shop_bot", "big.bin", b"0" * size, "document")
        if fetched:
            assert (await call("getFile", file_id=file.file_id))["file_size"] == size
        else:
            with pytest.raises(Refused, match="file is too big"):
                await call("getFile", file_id=file.file_id)


async def test_parameters_arrive_as_json_form_query_and_multipart(met: int, sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    url = f"{sandbox.url}/bot{TOKEN}/sendMessage"
    plain = {
        "chat_id": str(met),
        "text": "123",
        "disable_notification": "true",
        "reply_markup": json.dumps(keys([button(callback_data="a")])),
    }
    multipart = aiohttp.MultipartWriter("form-data")
    for name, value in plain.items():
        multipart.append(value).set_content_disposition("form-data", name=name)
    for way in (
        {"json": plain},
        {"json": {**plain, "chat_id": met, "disable_notification": True}},
        {"data": plain},
        {"params": plain},
        {"data": multipart},
    ):
        async with http.post(url, **way) as answer:
            body = await answer.json()
        assert body["ok"], body
        assert body["result"]["text"] == "123"
        assert body["result"]["reply_markup"] == keys([button(callback_data="a")])


async def test_a_wrong_token_and_a_wrong_method_are_told_apart(call: Call) -> None:
    with pytest.raises(Refused, match="401 Unauthorized"):
        await call("getMe", token="1:wrong")
    with pytest.raises(Refused, match="404 Not Found: method not found"):
        await call("sendGold")
    assert (await call("GETME"))["id"] == 7000000001
