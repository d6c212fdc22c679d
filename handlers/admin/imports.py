"""The way of new codes into the shop: pasted, or in a file."""

from __future__ import annotations

import io
from collections import deque
from typing import BinaryIO

from aiogram import F, Router
from aiogram.filters.state import StateFilter
from aiogram.types import CallbackQuery, Message

from core import catalog, standing, supply
from core.catalog import Gone
from handlers.admin.desk import Asking, Desk, Go, go, id_in
from handlers.admin.sent import DOWNLOAD_BYTES, TooBig, fetched
from handlers.importing import Import, begun, imports_finished
from handlers.pieces import paragraphs
from handlers.screen import refused

__all__ = ["imports_finished", "router"]

_SPLIT_FROM = 3000  # characters: a longer paste has probably been split by the sender's Telegram, and the rest follows


def router() -> Router:
    made = Router(name="admin-imports")
    made.callback_query.register(begin_import, Go.filter(F.to == "import"))
    made.message.register(Imports().codes_sent, StateFilter(Asking.codes), ~F.text.startswith("/"))
    return made


async def begin_import(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """The next message is codes for this denomination."""
    say, sku = desk.speech, await desk.shop.read(catalog.sku, callback_data.id)
    if sku is None:
        raise Gone
    await desk.state.set_state(Asking.codes)
    # What was bought lies on the shelf of whom it was bought from.
    await desk.state.set_data({"sku": sku.id, "offer": id_in(callback_data.arg)})
    text = paragraphs(
        say.say("Codes for <b>{name}</b>", name=sku.name),
        say.say("Paste them, one on each line, or send a file: .txt, .csv, .xlsx, or one of these in .zip or .gz, up to 20 MB."),
        say.say(
            "A card with number and password goes on one line, for example:\n<code>{example}</code>",
            example="60012345678----8812-7731",
        ),
        say.say("Your message is deleted when the codes are in."),
    )
    await desk.show(press, text, [[go(say.label("Cancel"), "shelf", sku.id)]])


class Imports:
    """What has been sent to be imported; one for each dispatcher."""

    def __init__(self) -> None:
        # Telegram may send an update again: the same message is imported once.
        self._taken: deque[tuple[int, int]] = deque(maxlen=1000)

    async def codes_sent(self, message: Message, desk: Desk) -> None:
        """Codes have come: checked here, and imported beside everything else that the admin does."""
        say = desk.speech
        data = await desk.state.get_data()
        sku = await desk.shop.read(catalog.sku, int(data.get("sku", 0)))
        if sku is None:
            await desk.state.clear()
            raise Gone
        cancel = [[go(say.label("Cancel"), "shelf", sku.id)]]
        if message.document is None and not message.text:
            await desk.show(message, say.say("Please paste the codes as text, or send them as a file."), cancel)
            return
        if message.document is not None and (message.document.file_size or 0) > DOWNLOAD_BYTES:
            await desk.show(message, refused(say, TooBig()), cancel)
            return
        this = (message.chat.id, message.message_id)
        if this in self._taken:
            return
        self._taken.append(this)
        if message.media_group_id is None and len(message.text or "") < _SPLIT_FROM:
            await desk.state.clear()
        begun(_import(desk, message, sku.id, sku.name, data.get("offer")).run())


def _import(desk: Desk, message: Message, sku_id: int, sku_name: str, bought: int | None) -> Import:
    """One message full of codes, into the offer of what was bought, or the shop's own."""
    say, document = desk.speech, message.document

    async def offer() -> int:
        if bought is not None:
            if bought not in await desk.shop.read(supply.bought_offers):
                raise Gone
            return bought
        return (await desk.shop.write(standing.own_offer, storefront=desk.storefront, sku_id=sku_id)).id

    async def fetch() -> BinaryIO:
        if document is not None:
            return await fetched(desk.bot, document)
        return io.BytesIO((message.text or "").encode("utf-8", "replace"))

    ways_on = [
        [go(say.label("📥 Import more"), "import", sku_id), go(say.label("📦 Stock"), "shelf", sku_id)],
        [go(say.label("✏️ Edit"), "sku", sku_id), desk.home()],
    ]
    return Import(
        shop=desk.shop,
        speech=say,
        bot=desk.bot,
        chat_id=message.chat.id,
        by=desk.by,
        sku_id=sku_id,
        sku_name=sku_name,
        offer=offer,
        name=(document.file_name or "") if document is not None else "",
        fetch=fetch,
        ways_on=ways_on,
        message=message,
    )
