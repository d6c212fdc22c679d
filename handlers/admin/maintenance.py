"""/maintenance: the staff tell every reseller who wants to know that something will not work for a while."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import Message

from core import resellers
from handlers.admin.desk import Desk

LONGEST = 1000


async def maintenance_asked(message: Message, command: CommandObject, desk: Desk) -> None:
    """What stands behind the command is told; the message is the key, so that it is told once however often it arrives."""
    speech, text = desk.speech, (command.args or "").strip()
    if not 0 < len(text) <= LONGEST:
        said = speech.say("Type what the resellers are to know: <code>/maintenance Tonight from 3 to 4 top-ups will wait.</code>")
        await desk.show(message, said)
        return
    told = await desk.shop.write(
        resellers.announce_maintenance,
        storefront_id=desk.storefront.id,
        text=text,
        by=desk.by,
        once=f"{message.chat.id}:{message.message_id}",
    )
    await desk.show(message, speech.many("{n} reseller is told.", "{n} resellers are told.", told))


def router() -> Router:
    """/maintenance."""
    made = Router(name="maintenance")
    made.message.register(maintenance_asked, Command("maintenance"))
    return made
