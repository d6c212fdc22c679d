"""Papers as Telegram has them: taking one out of a message, and sending it again."""

from __future__ import annotations

from collections.abc import Sequence

from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, InaccessibleMessage, InputMediaDocument, InputMediaPhoto, Message

from locales import Speech

ALBUM = 10  # in one message of Telegram
_LONGEST_ID = 200


def file_in(message: Message) -> dict[str, str] | None:
    """The ids of a photo, a picture or a PDF in a message; None when there is none."""
    if message.photo:
        largest = message.photo[-1]
        found = {"file_id": largest.file_id, "file_unique_id": largest.file_unique_id, "file_kind": "photo"}
    elif message.document is not None and _is_paper(message.document.mime_type, message.document.file_name):
        found = {"file_id": message.document.file_id, "file_unique_id": message.document.file_unique_id, "file_kind": "document"}
    else:
        return None
    return found if len(found["file_id"]) <= _LONGEST_ID else None


def _is_paper(mime_type: str | None, name: str | None) -> bool:
    return (mime_type or "").startswith("image/") or mime_type == "application/pdf" or (name or "").lower().endswith(".pdf")


async def send_file(press: CallbackQuery, file_id: str | None, kind: str | None, speech: Speech, caption: str | None = None) -> None:
    """One paper as a new message."""
    if file_id is None or not isinstance(press.message, Message | InaccessibleMessage):
        await press.answer(speech.label("There is no picture of this paper."), show_alert=True)
        return
    try:
        if kind == "document":
            await press.message.answer_document(file_id, caption=caption)
        else:
            await press.message.answer_photo(file_id, caption=caption)
    except TelegramBadRequest:  # Telegram forgets files, and a bot with a new token knows none of the old.
        await press.answer(speech.label("Telegram does not have this picture any more."), show_alert=True)


async def send_files(press: CallbackQuery, files: Sequence[tuple[str, str, str]], speech: Speech) -> None:
    """Papers (id, how it is sent, caption) as albums, which Telegram makes of photos or of documents but not of both."""
    if not files or not isinstance(press.message, Message | InaccessibleMessage):
        await press.answer(speech.label("There are no papers."), show_alert=True)
        return
    message = press.message
    try:
        for wanted in ("photo", "document"):
            same = [(file_id, caption) for file_id, kind, caption in files if kind == wanted]
            for start in range(0, len(same), ALBUM):
                part = same[start : start + ALBUM]
                if len(part) == 1:
                    await send_file(press, part[0][0], wanted, speech, part[0][1])
                elif wanted == "photo":
                    await message.answer_media_group([InputMediaPhoto(media=file_id, caption=caption) for file_id, caption in part])
                else:
                    await message.answer_media_group([InputMediaDocument(media=file_id, caption=caption) for file_id, caption in part])
    except TelegramBadRequest:
        await press.answer(speech.label("Telegram does not have all of these papers any more."), show_alert=True)
