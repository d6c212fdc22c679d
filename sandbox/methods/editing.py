"""Methods that change or take away messages which are already there."""

import time
from collections.abc import Iterable

from aiogram.methods import (
    DeleteMessage,
    DeleteMessages,
    EditMessageCaption,
    EditMessageMedia,
    EditMessageReplyMarkup,
    EditMessageText,
)
from aiogram.types import InlineKeyboardMarkup, InputMediaDocument, InputMediaPhoto

from sandbox import limits
from sandbox.calls import Line, answers
from sandbox.errors import bad_request, not_modelled
from sandbox.keyboards import inline_keyboard
from sandbox.methods.composing import caption_fields, chat_with, file_of, media_fields, own_message, text_fields
from sandbox.methods.sending import look
from sandbox.state import Chat, Kept
from sandbox.store import Json
from sandbox.validation import given

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content "
    "and reply markup of the message"
)
DELETABLE_SECONDS = 48 * 3600

Edit = EditMessageText | EditMessageCaption | EditMessageMedia | EditMessageReplyMarkup


def found(line: Line, call: Edit) -> list[tuple[Chat, Kept]]:
    """The message to edit, in every chat where it is shown; raises ApiError when the bot cannot edit it."""
    if call.inline_message_id is not None:
        places = line.world.inline_messages.get(call.inline_message_id, [])
        places = [(chat, kept) for chat, kept in places if chat.messages.get(kept.id) is kept and kept.hidden["bot"] == line.bot.username]
        if not places:
            raise bad_request("MESSAGE_ID_INVALID")
        return places
    _, chat, kept = own_message(line, call.chat_id, call.message_id, "message to edit not found")
    if kept.message.get("from", {}).get("id") != line.bot.id:
        raise bad_request("message can't be edited")
    return [(chat, kept)]


def edited(line: Line, call: Edit, places: list[tuple[Chat, Kept]], replaced: Iterable[str], content: Json) -> Json | bool:
    """Replaces the named fields by the new content, and the keyboard by the call's; raises ApiError when nothing changes."""
    _, first = places[0]
    markup: InlineKeyboardMarkup | None = call.reply_markup
    keyboard = inline_keyboard(markup, pays="invoice" in first.message)
    kept_fields = {name: value for name, value in first.message.items() if name not in {*replaced, "reply_markup", "edit_date"}}
    after = {**kept_fields, **content}
    if keyboard:
        after["reply_markup"] = keyboard
    if after == {name: value for name, value in first.message.items() if name != "edit_date"}:
        raise bad_request(NOT_MODIFIED)
    after["edit_date"] = int(time.time())
    for chat, kept in places:
        # Each chat has its own number and date for the same inline message.
        own = {name: kept.message[name] for name in ("message_id", "date", "chat")}
        kept.message = {**after, **own}
        line.world.changed(chat, kept)
    return True if call.inline_message_id is not None else first.message


@answers(EditMessageText)
async def edit_message_text(line: Line, call: EditMessageText) -> Json | bool:
    places = found(line, call)
    if "text" not in places[0][1].message:
        raise bad_request("there is no text in the message to edit")
    content = text_fields(call.text, call.parse_mode, call.entities, call.link_preview_options)
    return edited(line, call, places, ("text", "entities", "link_preview_options"), content)


@answers(EditMessageCaption)
async def edit_message_caption(line: Line, call: EditMessageCaption) -> Json | bool:
    places = found(line, call)
    if not {"photo", "document"} & places[0][1].message.keys():
        raise bad_request("there is no caption in the message to edit")
    content = caption_fields(call.caption, call.parse_mode, call.caption_entities) | look(given(call.show_caption_above_media), None)
    return edited(line, call, places, ("caption", "caption_entities", "show_caption_above_media"), content)


@answers(EditMessageMedia)
async def edit_message_media(line: Line, call: EditMessageMedia) -> Json | bool:
    places = found(line, call)
    if "invoice" in places[0][1].message:
        raise bad_request("message can't be edited")
    media = call.media
    if not isinstance(media, InputMediaPhoto | InputMediaDocument):
        raise not_modelled(f"editing a message into {media.type}")
    content = caption_fields(media.caption, media.parse_mode, media.caption_entities)
    if isinstance(media, InputMediaPhoto):
        content |= look(given(media.show_caption_above_media), media.has_spoiler)
    content |= media_fields(file_of(line, media.media, "photo" if isinstance(media, InputMediaPhoto) else "document"))
    replaced = (
        *("text", "entities", "link_preview_options", "photo", "document"),
        *("caption", "caption_entities", "show_caption_above_media", "has_media_spoiler"),
    )
    return edited(line, call, places, replaced, content)


@answers(EditMessageReplyMarkup)
async def edit_message_reply_markup(line: Line, call: EditMessageReplyMarkup) -> Json | bool:
    return edited(line, call, found(line, call), (), {})


def may_delete(line: Line, chat_id: int | str, kept: Kept) -> bool:
    """In a group a bot takes away what others said only with the right to."""
    room = line.world.rooms.get(chat_id) if isinstance(chat_id, int) else None
    own = kept.message.get("from", {}).get("id") == line.bot.id
    return room is None or own or "can_delete_messages" in room.bots.get(line.bot.username, [])


@answers(DeleteMessage)
async def delete_message(line: Line, call: DeleteMessage) -> bool:
    _, chat, kept = own_message(line, call.chat_id, call.message_id, "message to delete not found")
    if kept.message["date"] < time.time() - DELETABLE_SECONDS:
        raise bad_request("message can't be deleted for everyone")
    if not may_delete(line, call.chat_id, kept):
        raise bad_request("message can't be deleted")
    line.world.delete(chat, [kept.id])
    return True


@answers(DeleteMessages)
async def delete_messages(line: Line, call: DeleteMessages) -> bool:
    if not 1 <= len(call.message_ids) <= limits.MESSAGES_AT_ONCE:
        raise bad_request(f"1 to {limits.MESSAGES_AT_ONCE} message identifiers are expected")
    _, chat = chat_with(line, call.chat_id)
    theirs = [message_id for message_id in call.message_ids if message_id in chat.messages]
    line.world.delete(chat, [message_id for message_id in theirs if may_delete(line, call.chat_id, chat.messages[message_id])])
    return True
