"""What all sent messages have in common: where to, in reply to what, with which keyboard, text and files."""

from dataclasses import dataclass, field
from typing import Protocol

from aiogram.types import (
    ForceReply,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    MessageEntity,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    ReplyParameters,
)

from sandbox import limits
from sandbox.calls import Line
from sandbox.entities import formatted, units
from sandbox.errors import ApiError, bad_request, not_modelled
from sandbox.keyboards import Markup, inline_keyboard, reply_keyboard
from sandbox.rooms import Room
from sandbox.state import Chat, Kept, Phone, StoredFile
from sandbox.store import Json
from sandbox.validation import given, plain


class Sent(Protocol):
    """A call that sends a message. Every one has these; the others are read where they exist."""

    @property
    def chat_id(self) -> int | str: ...


@dataclass
class Draft:
    """A message on its way: checked, but in no chat yet."""

    phone: Phone | Room
    chat: Chat
    message: Json = field(default_factory=dict)
    hidden: Json = field(default_factory=dict)
    keyboard_below: Json | None = None
    removes_keyboard: bool = False

    def put(self, line: Line) -> Json:
        """Puts it into the chat and returns the message as the bot gets it."""
        if self.keyboard_below is not None or self.removes_keyboard:
            self.chat.reply_keyboard = self.keyboard_below
            line.world.show(self.chat, "reply_keyboard", reply_keyboard=self.keyboard_below)
        return line.world.keep(self.phone, self.chat, {"from": line.bot.user(), **self.message}, self.hidden).message


def draft(line: Line, call: Sent, *, pays: bool = False) -> Draft:
    """A message with everything but its content; raises ApiError when the chat, the reply or the keyboard is wrong."""
    phone, chat = line.world.chat_open_to(line.bot, call.chat_id)
    made = Draft(phone, chat)
    markup: Markup | None = getattr(call, "reply_markup", None)
    if isinstance(markup, InlineKeyboardMarkup):
        keyboard = inline_keyboard(markup, pays=pays)
        if keyboard:
            made.message["reply_markup"] = keyboard
    elif isinstance(markup, ReplyKeyboardMarkup):
        made.keyboard_below = reply_keyboard(markup)
    elif isinstance(markup, ReplyKeyboardRemove):
        made.removes_keyboard = True
    else:
        assert markup is None or isinstance(markup, ForceReply)
    if given(getattr(call, "protect_content", None)):
        made.message["has_protected_content"] = True
    effect = getattr(call, "message_effect_id", None)
    if effect:
        if not effect.isdigit():
            raise bad_request("EFFECT_ID_INVALID")
        made.message["effect_id"] = effect
    reply: ReplyParameters | None = getattr(call, "reply_parameters", None)
    old_style = getattr(call, "reply_to_message_id", None)
    if reply is None and old_style is not None:
        reply = ReplyParameters(message_id=old_style, allow_sending_without_reply=getattr(call, "allow_sending_without_reply", None))
    if reply is not None:
        replied = replied_to(phone, chat, reply)
        if replied is not None:
            made.message["reply_to_message"] = replied
    return made


def replied_to(phone: Phone | Room, chat: Chat, reply: ReplyParameters) -> Json | None:
    if reply.chat_id is not None and str(reply.chat_id) != str(phone.chat()["id"]):
        raise not_modelled("replies to messages of another chat")
    kept = None if reply.message_id is None else chat.messages.get(reply.message_id)
    if kept is None:
        if given(reply.allow_sending_without_reply):
            return None
        raise bad_request("message to be replied not found")
    return without_reply(kept.message)


def without_reply(message: Json) -> Json:
    """A message as it is shown inside another: without the one it replies to."""
    return {name: value for name, value in message.items() if name != "reply_to_message"}


def text_fields(
    text: str | None, parse_mode: object, entities: list[MessageEntity] | None, preview: LinkPreviewOptions | object | None = None
) -> Json:
    """A message's text with entities, within the limits; raises ApiError."""
    mode = given(parse_mode)
    read, found = formatted(text or "", None if mode is None else str(mode), [plain(entity) for entity in entities or []])
    if not read:
        raise bad_request("message text is empty")
    if units(read) > limits.TEXT:
        raise bad_request("message is too long")
    fields: Json = {"text": read}
    if found:
        fields["entities"] = found
    if isinstance(preview, LinkPreviewOptions):
        fields["link_preview_options"] = plain(preview)
    return fields


def caption_fields(caption: str | None, parse_mode: object, entities: list[MessageEntity] | None) -> Json:
    """A caption with entities, within the limits; nothing when there is none."""
    mode = given(parse_mode)
    read, found = formatted(caption or "", None if mode is None else str(mode), [plain(entity) for entity in entities or []])
    if units(read) > limits.CAPTION:
        raise bad_request("message caption is too long")
    fields: Json = {}
    if read:
        fields["caption"] = read
        if found:
            fields["caption_entities"] = found
    return fields


def file_of(line: Line, reference: str | InputFile, kind: str) -> StoredFile:
    """The file a call names: uploaded with it, or known by its id; raises ApiError."""
    assert isinstance(reference, str), "over HTTP a file is always named by a string"
    if reference.startswith("attach://"):
        upload = line.upload(reference)
        if len(upload.body) > limits.UPLOAD_BYTES:
            raise ApiError(413, "Request Entity Too Large")
        return line.world.files.keep(line.bot.username, upload.name, upload.body, kind, upload.mime_type)
    if reference.startswith(("http://", "https://")):
        # The sandbox never goes out to the network.
        raise bad_request("failed to get HTTP URL content")
    file = line.world.files.of_bot(line.bot.username, reference)
    if file is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if file.kind != kind:
        raise bad_request(f"can't use file of type {file.kind.capitalize()} as {kind.capitalize()}")
    return file


def media_fields(file: StoredFile) -> Json:
    return {"photo": file.photo()} if file.kind == "photo" else {"document": file.document()}


def chat_with(line: Line, chat_id: int | str) -> tuple[Phone | Room, Chat]:
    """A chat of the bot, whoever has blocked it; raises ApiError when there is none."""
    if chat_id in line.world.rooms:
        return line.world.chat_open_to(line.bot, chat_id)
    phone = line.world.phone_of_user(chat_id) if isinstance(chat_id, int) else None
    if phone is None:
        raise bad_request("chat not found")
    return phone, line.world.chat(phone, line.bot.username)


def own_message(line: Line, chat_id: int | str | None, message_id: int | None, missing: str) -> tuple[Phone | Room, Chat, Kept]:
    """A message in a chat of the bot; raises ApiError with the words given when it is not there."""
    if chat_id is None or message_id is None:
        raise bad_request("message identifier is not specified")
    phone, chat = chat_with(line, chat_id)
    kept = chat.messages.get(message_id)
    if kept is None:
        raise bad_request(missing)
    return phone, chat, kept
