"""Methods that put new messages into a chat."""

import secrets

from aiogram.methods import (
    CopyMessage,
    ForwardMessage,
    SendChatAction,
    SendDocument,
    SendInvoice,
    SendMediaGroup,
    SendMessage,
    SendPhoto,
    SendRichMessage,
)
from aiogram.types import InputMediaDocument, InputMediaPhoto

from sandbox import limits
from sandbox.calls import Line, answers
from sandbox.errors import bad_request, not_modelled
from sandbox.methods.composing import caption_fields, draft, file_of, media_fields, own_message, text_fields
from sandbox.rich import rich_message
from sandbox.stars import invoice_asked
from sandbox.state import Kept
from sandbox.store import Json
from sandbox.validation import given

ACTIONS = {
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
}
CONTENT = (
    "text",
    "entities",
    "link_preview_options",
    "photo",
    "document",
    "caption",
    "caption_entities",
    "show_caption_above_media",
    "has_media_spoiler",
)


@answers(SendMessage)
async def send_message(line: Line, call: SendMessage) -> Json:
    made = draft(line, call)
    made.message |= text_fields(call.text, call.parse_mode, call.entities, call.link_preview_options)
    return made.put(line)


@answers(SendRichMessage)
async def send_rich_message(line: Line, call: SendRichMessage) -> Json:
    made = draft(line, call)
    made.message["rich_message"] = rich_message(call.rich_message)
    return made.put(line)


@answers(SendPhoto)
async def send_photo(line: Line, call: SendPhoto) -> Json:
    made = draft(line, call)
    made.message |= caption_fields(call.caption, call.parse_mode, call.caption_entities)
    made.message |= look(given(call.show_caption_above_media), call.has_spoiler)
    made.message |= media_fields(file_of(line, call.photo, "photo"))
    return made.put(line)


@answers(SendDocument)
async def send_document(line: Line, call: SendDocument) -> Json:
    made = draft(line, call)
    made.message |= caption_fields(call.caption, call.parse_mode, call.caption_entities)
    made.message |= media_fields(file_of(line, call.document, "document"))
    return made.put(line)


def look(above: bool | None, spoiler: bool | None) -> Json:
    shown: Json = {}
    if above:
        shown["show_caption_above_media"] = True
    if spoiler:
        shown["has_media_spoiler"] = True
    return shown


@answers(SendMediaGroup)
async def send_media_group(line: Line, call: SendMediaGroup) -> list[Json]:
    if not limits.MEDIA_GROUP_LEAST <= len(call.media) <= limits.MEDIA_GROUP_MOST:
        raise bad_request(f"an album has {limits.MEDIA_GROUP_LEAST} to {limits.MEDIA_GROUP_MOST} items")
    if len({item.type for item in call.media}) > 1:
        raise bad_request("document can't be mixed with other media types")
    drafts = []
    group = str(secrets.randbelow(10**17) + 10**16)
    for item in call.media:
        if not isinstance(item, InputMediaPhoto | InputMediaDocument):
            raise not_modelled(f"{item.type} in an album")
        made = draft(line, call)
        made.message["media_group_id"] = group
        made.message |= caption_fields(item.caption, item.parse_mode, item.caption_entities)
        if isinstance(item, InputMediaPhoto):
            made.message |= look(given(item.show_caption_above_media), item.has_spoiler)
        made.message |= media_fields(file_of(line, item.media, "photo" if isinstance(item, InputMediaPhoto) else "document"))
        drafts.append(made)
    # All are checked before the first is shown: an album comes whole or not at all.
    return [made.put(line) for made in drafts]


@answers(SendInvoice)
async def send_invoice(line: Line, call: SendInvoice) -> Json:
    invoice = invoice_asked(line.bot, call)
    made = draft(line, call, pays=True)
    button = {"text": f"Pay ⭐️{invoice.total_amount}", "pay": True}
    made.message.setdefault("reply_markup", {"inline_keyboard": [[button]]})
    made.message["invoice"] = invoice.shown()
    made.hidden["invoice"] = invoice.row()
    return made.put(line)


@answers(SendChatAction)
async def send_chat_action(line: Line, call: SendChatAction) -> bool:
    if call.action not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    _, chat = line.world.chat_open_to(line.bot, call.chat_id)
    line.world.show(chat, "action", action=call.action)
    return True


@answers(ForwardMessage)
async def forward_message(line: Line, call: ForwardMessage) -> Json:
    kept = source(line, call, "forward")
    made = draft(line, call)
    if not any(name in kept.message for name in (*CONTENT, "invoice")):
        raise bad_request("message can't be forwarded")
    made.message |= {name: kept.message[name] for name in (*CONTENT, "invoice", "reply_markup") if name in kept.message}
    made.message["forward_origin"] = {"type": "user", "date": kept.message["date"], "sender_user": kept.message["from"]}
    if "invoice" in kept.hidden:
        made.hidden["invoice"] = kept.hidden["invoice"]
    return made.put(line)


@answers(CopyMessage)
async def copy_message(line: Line, call: CopyMessage) -> Json:
    kept = source(line, call, "copy")
    made = draft(line, call)
    content = {name: kept.message[name] for name in CONTENT if name in kept.message}
    if not content:
        raise bad_request("message can't be copied")
    if call.caption is not None and "text" not in content:
        content.pop("caption_entities", None)
        content.pop("caption", None)
        content |= caption_fields(call.caption, call.parse_mode, call.caption_entities)
    made.message |= content
    return {"message_id": made.put(line)["message_id"]}


def source(line: Line, call: ForwardMessage | CopyMessage, verb: str) -> Kept:
    _, _, kept = own_message(line, call.from_chat_id, call.message_id, f"message to {verb} not found")
    if kept.message.get("has_protected_content"):
        raise bad_request(f"message can't be {'copied' if verb == 'copy' else 'forwarded'}")
    return kept
