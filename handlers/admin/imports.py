"""The way of new codes into the shop: pasted, or in a file."""

from __future__ import annotations

import asyncio
import io
import secrets
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import structlog
from aiogram import F, Router
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramRetryAfter
from aiogram.filters.state import StateFilter
from aiogram.types import BufferedInputFile, CallbackQuery, Message

from core import catalog, fulfilment, inventory, supply
from core.catalog import Gone
from core.errors import N_, Refusal
from core.fulfilment import Kind, Terms
from core.inventory import ImportReceipt, Secret
from handlers.admin.desk import Asking, Desk, Go, go
from handlers.admin.receipts import FIRST, Place, receipt_of, refusals_of, unreadable
from handlers.admin.sent import DOWNLOAD_BYTES, TooBig, deleted, fetched, persistently
from handlers.pieces import Row, keyboard, paragraphs
from handlers.screen import refused
from locales import Safe
from papers.codes import BadLine, Unreadable, Why
from papers.codes_in import read_codes
from papers.codes_out import refused_csv

log = structlog.get_logger()

REPORT_SECONDS = 2.0
_SPLIT_FROM = 3000  # characters: a longer paste has probably been split by the sender's Telegram, and the rest follows


def router() -> Router:
    made = Router(name="admin-imports")
    made.callback_query.register(begin_import, Go.filter(F.to == "import"))
    made.message.register(Imports().codes_sent, StateFilter(Asking.codes), ~F.text.startswith("/"))
    return made


@dataclass(eq=False)
class NotImported(Refusal):
    says: ClassVar[str] = N_("Something went wrong on our side ({mark}). Nothing was imported; please try again.")

    mark: str


_running: set[asyncio.Task[None]] = set()


async def imports_finished() -> None:
    """Wait for the imports under way, before the process ends."""
    while _running:
        await asyncio.gather(*_running, return_exceptions=True)


async def begin_import(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """The next message is codes for this denomination."""
    say, sku = desk.speech, await desk.shop.read(catalog.sku, callback_data.id)
    if sku is None:
        raise Gone
    await desk.state.set_state(Asking.codes)
    await desk.state.set_data({"sku": sku.id})
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
        task = asyncio.create_task(Import(desk, message, sku.id, sku.name).run())
        _running.add(task)
        task.add_done_callback(_running.discard)


@dataclass
class Import:
    """One message full of codes on its way into the shop. Codes are in memory only, and no sentence or log holds one."""

    desk: Desk
    message: Message
    sku_id: int
    sku_name: str
    seen: int = 0
    bad: list[BadLine] = field(default_factory=list, repr=False)
    places: list[Place] = field(default_factory=list, repr=False)
    shown: Message | None = field(default=None, repr=False)

    async def run(self) -> None:
        """Import, delete the message, and give the receipt; whatever happens, the admin is told."""
        over = asyncio.Event()
        reporter = asyncio.create_task(self._report(over))
        receipt, refusal = None, None
        try:
            receipt = await self._bring_in()
        except Unreadable as trouble:
            refusal = unreadable(self.desk.speech, trouble)
        except Refusal as trouble:
            refusal = refused(self.desk.speech, trouble)
        except Exception as trouble:
            # Only the kind is logged: the message of an exception may quote what it was about.
            mark = secrets.token_hex(3)
            log.error("import-failed", mark=mark, error=type(trouble).__name__)
            refusal = refused(self.desk.speech, NotImported(mark=mark))
        finally:
            # The last report must not come after the receipt.
            over.set()
            await reporter
        if receipt is not None:
            say, gone = self.desk.speech, await deleted(self.message)
            refusals = refusals_of(say, receipt, self.bad, self.places)
            text = receipt_of(say, self.sku_name, receipt, unread=len(self.bad), refusals=refusals, deleted=gone)
            await self._tell(text, refusals)
        else:
            assert refusal is not None
            kept = self.desk.speech.say("Your message is still there. If it holds codes, please delete it when you no longer need it.")
            await self._tell(paragraphs(refusal, kept), [])

    async def _bring_in(self) -> ImportReceipt:
        document = self.message.document
        if document is not None:
            name, stream = document.file_name or "", await fetched(self.desk.bot, document)
        else:
            name, stream = "", io.BytesIO((self.message.text or "").encode("utf-8", "replace"))
        sku = await self.desk.shop.read(catalog.sku, self.sku_id)
        product = None if sku is None else await self.desk.shop.read(catalog.product, sku.product_id)
        if product is None:
            raise Gone
        offer = await self.desk.shop.write(supply.own_offer, storefront=self.desk.storefront, sku_id=self.sku_id)
        return await inventory.bring_in(
            self.desk.shop,
            offer_id=offer.id,
            sku_id=self.sku_id,
            source_name=name or "pasted",
            by=self.desk.by,
            lines=self._lines(name, stream, fulfilment.kind(product.kind), product.terms),
            progress=self._count,
        )

    def _lines(self, name: str, stream: io.BytesIO, kind: Kind, terms: Terms) -> Iterator[tuple[int, Secret]]:
        # Lines of several files in one archive have the same numbers, so the codes are counted through.
        for found in read_codes(name, stream):
            if isinstance(found, BadLine):
                self.bad.append(found)
            else:
                try:
                    units = kind.units(terms, found.card_no, found.card_pwd, found.more)
                except Refusal:
                    self.bad.append(BadLine(found.line, Why.not_a_whole_number, found.member))
                    continue
                for unit in units:
                    self.places.append((found.member, found.line))
                    yield len(self.places), Secret.noted(unit.card_no, unit.card_pwd, unit.notes)

    async def _count(self, seen: int) -> None:
        self.seen = seen

    async def _report(self, over: asyncio.Event) -> None:
        """A message that tells how far it is; Telegram may be slow or away, the import goes on."""
        told = -1
        while not over.is_set():
            if self.seen != told:
                told = self.seen
                try:
                    await self._show_progress(told)
                except TelegramRetryAfter as busy:
                    await _wait(over, busy.retry_after)
                except TelegramAPIError as trouble:
                    log.info("import-progress-not-shown", error=type(trouble).__name__)
            await _wait(over, REPORT_SECONDS)

    async def _show_progress(self, seen: int) -> None:
        say = self.desk.speech
        if seen:
            text = say.many(
                "Importing into <b>{name}</b>: {n} line so far…",
                "Importing into <b>{name}</b>: {n} lines so far…",
                seen,
                name=self.sku_name,
            )
        else:
            text = say.say("Importing into <b>{name}</b>…", name=self.sku_name)
        if self.shown is None:
            self.shown = await self.message.answer(text)
        else:
            await self.shown.edit_text(text)

    async def _tell(self, text: Safe, refusals: list[tuple[str, str]]) -> None:
        say, markup = self.desk.speech, keyboard(self._ways_on())
        shown, message = self.shown, self.message

        async def edited() -> Message | bool:
            assert shown is not None
            return await shown.edit_text(text, reply_markup=markup)

        async def sent() -> Message | bool:
            return await message.answer(text, reply_markup=markup)

        try:
            try:
                await persistently(edited if shown is not None else sent)
            except TelegramBadRequest:
                await persistently(sent)
            if len(refusals) > FIRST:
                content = refused_csv(refusals, (say.label("line"), say.label("reason")))
                await persistently(lambda: message.answer_document(BufferedInputFile(content, "refused-lines.csv")))
        except TelegramAPIError as trouble:
            log.warning("import-receipt-not-shown", error=type(trouble).__name__)

    def _ways_on(self) -> list[Row]:
        say = self.desk.speech
        return [
            [go(say.label("📥 Import more"), "import", self.sku_id), go(say.label("📦 Stock"), "shelf", self.sku_id)],
            [go(say.label("✏️ Edit"), "sku", self.sku_id), self.desk.home()],
        ]


async def _wait(over: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(over.wait(), seconds)
    except TimeoutError:
        return
