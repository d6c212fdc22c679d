"""Methods with which a bot answers a press, a pre-checkout or an inline query."""

import re

from aiogram.methods import AnswerCallbackQuery, AnswerInlineQuery, AnswerPreCheckoutQuery
from aiogram.types import InputTextMessageContent

from sandbox import limits
from sandbox.calls import Line, answers
from sandbox.errors import bad_request, not_modelled
from sandbox.keyboards import inline_keyboard
from sandbox.methods.composing import caption_fields, file_of, media_fields, text_fields
from sandbox.store import Json
from sandbox.validation import given, plain


@answers(AnswerCallbackQuery)
async def answer_callback_query(line: Line, call: AnswerCallbackQuery) -> bool:
    if len(call.text or "") > limits.CALLBACK_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    if call.url and not re.fullmatch(r"(https?://|tg://)\S+", call.url):
        raise bad_request("URL_INVALID")
    query = line.world.query("callback_query", line.bot, call.callback_query_id)
    answer = {"text": call.text or "", "show_alert": bool(call.show_alert), "url": call.url or ""}
    if not query.answer.done():
        query.answer.set_result(answer)
        if query.given_up and call.text:
            toast = {"text": call.text, "show_alert": bool(call.show_alert)}
            line.world.events.tell(query.phone.id, "toast", bot=query.peer, **toast)
    return True


@answers(AnswerPreCheckoutQuery)
async def answer_pre_checkout_query(line: Line, call: AnswerPreCheckoutQuery) -> bool:
    if not call.ok and not call.error_message:
        raise bad_request('parameter "error_message" is required when the query is not approved')
    query = line.world.query("pre_checkout_query", line.bot, call.pre_checkout_query_id)
    if not query.answer.done():
        query.answer.set_result({"ok": call.ok, "error_message": call.error_message or ""})
    return True


@answers(AnswerInlineQuery)
async def answer_inline_query(line: Line, call: AnswerInlineQuery) -> bool:
    if len(call.results) > limits.INLINE_RESULTS:
        raise bad_request("RESULTS_TOO_MUCH")
    if len((call.next_offset or "").encode()) > limits.INLINE_OFFSET_BYTES:
        raise bad_request("NEXT_OFFSET_INVALID")
    identifiers = [result.id for result in call.results]
    if any(not 1 <= len(identifier.encode()) <= limits.INLINE_RESULT_ID_BYTES for identifier in identifiers):
        raise bad_request("RESULT_ID_INVALID")
    if len(set(identifiers)) < len(identifiers):
        raise bad_request("RESULT_ID_DUPLICATE")
    if call.button is not None and call.button.start_parameter is not None:
        start = rf"[A-Za-z0-9_-]{{1,{limits.START_PARAMETER}}}"
        if not re.fullmatch(start, call.button.start_parameter):
            raise bad_request("START_PARAM_INVALID")
    query = line.world.query("inline_query", line.bot, call.inline_query_id)
    # The messages are made now, so that a wrong one is refused to the bot and not to the person who picks it.
    messages = {result.id: message_of(line, result) for result in call.results}
    if not query.answer.done():
        answer: Json = {
            "results": [plain(result) for result in call.results],
            "next_offset": call.next_offset or "",
            "messages": messages,
        }
        if call.button is not None:
            answer["button"] = plain(call.button)
        query.answer.set_result(answer)
    return True


def message_of(line: Line, result: AnswerInlineQuery | object) -> Json:
    """The message that an inline result becomes when it is picked."""
    message: Json = {}
    keyboard = inline_keyboard(getattr(result, "reply_markup", None))
    if keyboard:
        message["reply_markup"] = keyboard
    content = getattr(result, "input_message_content", None)
    file_id = getattr(result, "photo_file_id", None) or getattr(result, "document_file_id", None)
    if isinstance(content, InputTextMessageContent):
        message |= text_fields(content.message_text, content.parse_mode, content.entities, given(content.link_preview_options))
    elif content is None and file_id is not None:
        kind = "photo" if hasattr(result, "photo_file_id") else "document"
        caption = getattr(result, "caption", None)
        message |= caption_fields(caption, getattr(result, "parse_mode", None), getattr(result, "caption_entities", None))
        message |= media_fields(file_of(line, file_id, kind))
    else:
        raise not_modelled(f"the inline result {type(result).__name__} without a text message")
    return message
