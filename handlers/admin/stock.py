"""What is on the shelf, where one code is, and the way of new codes into the shop: pasted, or in a file."""

from __future__ import annotations

import asyncio
import io
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

import structlog
from aiogram import Bot, F, Router
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.filters.state import StateFilter
from aiogram.types import BufferedInputFile, CallbackQuery, Document, Message

from core import catalog, insight, inventory, orders, supply
from core.catalog import Gone
from core.errors import N_, Refusal
from core.inventory import CodePlace, ImportReceipt, Secret
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Asking, Desk, Do, Go, Question, ask, do, go
from handlers.pieces import Row, bold, keyboard, lines, paragraphs, plain
from handlers.screen import refused
from locales import NN_, Safe, Speech
from papers.codes import BadLine, CodeLine, Fault, Unreadable, Why
from papers.codes_in import read_codes, read_pasted
from papers.codes_out import refused_csv

log = structlog.get_logger()

T = TypeVar("T")

DOWNLOAD_BYTES = 20_000_000  # what Telegram lets a bot fetch
REPORT_SECONDS = 2.0
FIRST = 20  # refused lines told in the receipt; all of them stand in the document
_SPLIT_FROM = 3000  # characters: a longer paste has probably been split by the sender's Telegram, and the rest follows


def router() -> Router:
    made = Router(name="admin-stock")
    looks = {"stock": overview, "shelf": shelf, "import": begin_import, "code": code, "void": confirm_void}
    for to, screen in looks.items():
        made.callback_query.register(screen, Go.filter(F.to == to))
    made.callback_query.register(void, Do.filter(F.act == "void"))
    made.message.register(Imports().codes_sent, StateFilter(Asking.codes), ~F.text.startswith("/"))
    return made


# Looking


async def overview(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Every denomination, the emptiest first."""
    say, page = desk.speech, callback_data.page
    stock = await desk.shop.read(insight.stock)
    rows = []
    for line in stock[page * PAGE : (page + 1) * PAGE]:
        hidden = line.sku.hidden or line.product.hidden
        mark = "🙈" if hidden else "🔴" if not line.left else "🟡" if line.low else "🟢"
        left = say.number(line.left) + ("+" if line.left >= insight.COUNTED else "")
        rows.append([go(f"{mark} {line.product.name} › {line.sku.name} · {left}", "shelf", line.sku.id)])
    rows += [
        desk.pages("stock", 0, page, more=len(stock) > (page + 1) * PAGE),
        [ask(say.label("🔎 Find a code"), "code.find")],
        [desk.home()],
    ]
    text = paragraphs(
        bold(say.label("Stock")),
        say.say("The emptiest shelves stand first.") if stock else say.say("There are no denominations yet."),
    )
    await desk.show(press, text, rows)


async def shelf(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Where the codes of one denomination are."""
    say, sku_id = desk.speech, callback_data.id
    sku = await desk.shop.read(catalog.sku, sku_id)
    if sku is None:
        raise Gone
    offers = await desk.shop.read(supply.ranked, [sku_id])
    places = await desk.shop.read(inventory.places, [offer.id for offer in offers])
    text = paragraphs(
        bold(sku.name),
        lines(
            say.say("On the shelf: {n}", n=say.number(places["available"])),
            say.say("Held for payments under way: {n}", n=say.number(places["held"])),
            say.say("Being imported: {n}", n=say.number(places["staged"])),
            say.say("Sold: {n}", n=say.number(places["sold"])),
            say.say("Void: {n}", n=say.number(places["void"])),
        ),
    )
    rows = [
        [go(say.label("📥 Import codes"), "import", sku_id), ask(say.label("🔎 Find a code"), "code.find")],
        [go(say.label("✏️ Edit"), "sku", sku_id), ask(say.label("Low-stock alert"), "sku.low", sku_id)],
        desk.back("stock"),
    ]
    await desk.show(press, text, rows)


# One code


@dataclass(eq=False)
class CodeUnknown(Refusal):
    """Says nothing of what was typed: it may be a code all the same."""

    says: ClassVar[str] = N_("The shop never had this code. A card with number and password is found by both together.")


_PLACES = {
    "staged": N_("It is being imported and not on sale yet."),
    "shelf": N_("It is on the shelf."),
    "held": N_("It is held for a payment under way."),
    "sold": N_("It is sold."),
    "void": N_("It is void: it will never be sold."),
}


async def _ask_code(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(
        "Type the code, as it stood in its list, for example: <i>ABCD-1234</i> or <i>number----password</i>. "
        "I delete your message afterwards."
    )


async def _find_code(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    found: CodePlace | None = None
    for secret in _readings(text):
        found = await desk.shop.read(inventory.find_code, secret)
        if found is not None:
            break
    gone = await _deleted(message)
    if not gone:
        await desk.show(message, _please_delete(desk.speech))
    if found is None:
        raise CodeUnknown
    await _show_code(message, desk, found)


def _readings(text: str) -> list[Secret]:
    """What a typed code may be: number and password as a list would have them, or all of it as one."""
    readings = []
    try:
        first = next(read_pasted(text), None)
    except Unreadable:
        first = None
    if isinstance(first, CodeLine):
        readings.append(Secret(first.card_no, first.card_pwd))
    return [*readings, Secret(None, text)]


QUESTIONS["code.find"] = Question(_ask_code, _find_code, "stock")


async def code(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    found = await desk.shop.read(inventory.code_place, callback_data.id)
    if found is None:
        raise Gone
    await _show_code(press, desk, found)


async def _show_code(event: Message | CallbackQuery, desk: Desk, found: CodePlace) -> None:
    say, sku = desk.speech, await desk.shop.read(catalog.sku, found.sku_id)
    assert sku is not None, "a code has a denomination"
    number = None if found.order_id is None else orders.number_of(found.order_id)
    text = lines(
        bold(sku.name),
        say.say(_PLACES[found.place]),
        say.say("Order: {number}", number=number) if number else None,
        say.say(
            "It came in batch {batch}, line {line}, from {source}, on {when}.",
            batch=found.batch_id,
            line=found.row,
            source=found.source_name,
            when=say.when(found.brought_at),
        ),
    )
    rows = []
    if found.place == "shelf":
        rows.append([go(say.label("Void this code…"), "void", found.code_id, style="danger")])
    if found.order_id is not None:
        rows.append([go(say.label("Open the order"), "order", found.order_id)])
    rows += [[ask(say.label("🔎 Find another code"), "code.find")], desk.back("shelf", found.sku_id)]
    await desk.show(event, text, rows)


async def confirm_void(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say = desk.speech
    await desk.show(
        press,
        say.say("A void code is taken off the shelf and never sold. This cannot be taken back."),
        [[do(say.label("Void the code"), "void", callback_data.id, style="danger")], desk.back("code", callback_data.id)],
    )


async def void(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    done = await desk.shop.write(inventory.void, code_id=callback_data.id, by=desk.by)
    found = await desk.shop.read(inventory.code_place, callback_data.id)
    if found is None:
        raise Gone
    if done is None:
        await press.answer(desk.speech.label("It is no longer on the shelf, so nothing was changed."), show_alert=True)
    await _show_code(press, desk, found)


# Bringing codes in


@dataclass(eq=False)
class TooBig(Refusal):
    says: ClassVar[str] = N_("Telegram lets a bot fetch files up to 20 MB only. Please send the file as .zip or .gz, or split it.")


@dataclass(eq=False)
class NotFetched(Refusal):
    says: ClassVar[str] = N_("The file could not be fetched from Telegram. Nothing was imported; please send it again.")


@dataclass(eq=False)
class NotImported(Refusal):
    says: ClassVar[str] = N_("Something went wrong on our side ({mark}). Nothing was imported; please try again.")

    mark: str


_FAULTS = {
    Fault.unknown_format: N_("This is not a list that I can read. Please send .txt, .csv or .xlsx, or one of them in .zip or .gz."),
    Fault.encrypted_archive: N_("The archive has a password. Please send it without one."),
    Fault.nested_archive: N_("There is an archive inside the archive. Please pack the list itself."),
    Fault.too_big: N_("The file is too big. Please split it."),
    Fault.too_many_members: N_("The archive has too many files. Please send fewer at a time."),
    Fault.expands_too_far: N_("The file unpacks to more than I may read. Please split it."),
    Fault.too_many_rows: N_("The list has too many lines. Please split it."),
    Fault.header_unclear: N_("Two columns claim to be the number or the password. Please name one card_no and one card_pwd."),
    Fault.not_text: N_("The file is not text in UTF-8, GB18030 or UTF-16. Please save it as UTF-8."),
    Fault.empty: N_("There are no codes in it."),
    Fault.damaged: N_("The file is damaged. Please send it again."),
}

_WHYS = {
    Why.empty_column: N_("number or password is missing"),
    Why.missing_column: N_("one column is missing"),
    Why.too_many_columns: N_("too many columns"),
    Why.too_long: N_("too long"),
    Why.control_characters: N_("invisible characters inside"),
    Why.not_text: N_("not text"),
    Why.broken_quotes: N_("broken quotation marks"),
    Why.missing_label: N_("without a label"),
    Why.above_header: N_("above the header"),
    Why.formula: N_("a formula"),
    Why.date: N_("a date"),
    Why.number_lost_digits: N_("a number that has lost digits; format the column as text"),
    Why.not_a_whole_number: N_("not a whole number"),
    Why.not_a_code: N_("not a code"),
}

_DUPLICATE_IN_FILE = N_("twice in the list")
_DUPLICATE_IN_SHOP = N_("the shop has or had it already")
_STAGED_ELSEWHERE = N_("another import is bringing it in")

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
    places: list[tuple[str | None, int]] = field(default_factory=list, repr=False)
    shown: Message | None = field(default=None, repr=False)

    async def run(self) -> None:
        """Import, delete the message, and give the receipt; whatever happens, the admin is told."""
        over = asyncio.Event()
        reporter = asyncio.create_task(self._report(over))
        receipt, refusal = None, None
        try:
            receipt = await self._bring_in()
        except Unreadable as trouble:
            refusal = _unreadable(self.desk.speech, trouble)
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
            await self._tell(self._receipt(receipt, deleted=await _deleted(self.message)), receipt)
        else:
            assert refusal is not None
            kept = self.desk.speech.say("Your message is still there. If it holds codes, please delete it when you no longer need it.")
            await self._tell(paragraphs(refusal, kept), None)

    async def _bring_in(self) -> ImportReceipt:
        document = self.message.document
        if document is not None:
            name, stream = document.file_name or "", await _fetched(self.desk.bot, document)
        else:
            name, stream = "", io.BytesIO((self.message.text or "").encode("utf-8", "replace"))
        offer = await self.desk.shop.write(supply.own_offer, storefront=self.desk.storefront, sku_id=self.sku_id)
        return await inventory.bring_in(
            self.desk.shop,
            offer_id=offer.id,
            sku_id=self.sku_id,
            source_name=name or "pasted",
            by=self.desk.by,
            lines=self._lines(name, stream),
            progress=self._count,
        )

    def _lines(self, name: str, stream: io.BytesIO) -> Iterator[tuple[int, Secret]]:
        # Lines of several files in one archive have the same numbers, so the codes are counted through.
        for found in read_codes(name, stream):
            if isinstance(found, BadLine):
                self.bad.append(found)
            else:
                self.places.append((found.member, found.line))
                yield len(self.places), Secret(found.card_no, found.card_pwd)

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

    def _receipt(self, receipt: ImportReceipt, *, deleted: bool) -> Safe:
        say = self.desk.speech
        counts = [
            (
                receipt.accepted,
                NN_("✅ {n} code is on sale.", "✅ {n} codes are on sale.")
                if receipt.on_sale
                else NN_(
                    "⏳ {n} code is checked and is being put on sale; that takes some minutes more. Please do not send it again.",
                    "⏳ {n} codes are checked and are being put on sale; that takes some minutes more. Please do not send them again.",
                ),
            ),
            (
                len(receipt.duplicate_in_file),
                NN_("{n} line is in the list twice; it was taken once.", "{n} lines are in the list twice; each was taken once."),
            ),
            (
                len(receipt.duplicate_in_shop),
                NN_("{n} line holds a code that the shop has or had already.", "{n} lines hold codes that the shop has or had already."),
            ),
            (
                len(receipt.staged_elsewhere),
                NN_(
                    "{n} line holds a code that another import is bringing in; should that one fail, send the line again in some minutes.",
                    "{n} lines hold codes that another import is bringing in; should that one fail, send the lines again in some minutes.",
                ),
            ),
            (len(self.bad), NN_("{n} line could not be read.", "{n} lines could not be read.")),
        ]
        refusals = self._refusals(receipt)
        first = [say.say("{line}: {why}", line=line, why=why) for line, why in refusals[:FIRST]]
        more = len(refusals) - len(first)
        return paragraphs(
            say.say("Import into <b>{name}</b>", name=self.sku_name),
            lines(*[say.many(*sentence, n) for n, sentence in counts if n or sentence is counts[0][1]]),
            lines(*first, say.many("and {n} more line, in the document", "and {n} more lines, in the document", more) if more else None)
            if first
            else None,
            None if deleted else _please_delete(say),
        )

    def _refusals(self, receipt: ImportReceipt) -> list[tuple[str, str]]:
        """Every line that did not go in, where it stood and why; never what it held."""
        say = self.desk.speech
        found = [(bad.member, bad.line, _WHYS[bad.why]) for bad in self.bad]
        for numbers, why in (
            (receipt.duplicate_in_file, _DUPLICATE_IN_FILE),
            (receipt.duplicate_in_shop, _DUPLICATE_IN_SHOP),
            (receipt.staged_elsewhere, _STAGED_ELSEWHERE),
        ):
            found += [(*self.places[number - 1], why) for number in numbers]
        # Malformed lines first: they are what somebody must mend.
        return [(self._place(member, line), say.label(why)) for member, line, why in found]

    def _place(self, member: str | None, line: int) -> str:
        say = self.desk.speech
        if member is None:
            return say.label("Line {line}", line=say.number(line))
        return say.label("{file}, line {line}", file=member, line=say.number(line))

    async def _tell(self, text: Safe, receipt: ImportReceipt | None) -> None:
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
            refusals = [] if receipt is None else self._refusals(receipt)
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


def _unreadable(speech: Speech, trouble: Unreadable) -> Safe:
    return lines(
        bold(speech.label("Nothing was imported.")),
        speech.say("File: {file}", file=plain(trouble.member, 200)) if trouble.member else None,
        speech.say(_FAULTS[trouble.why]),
    )


def _please_delete(speech: Speech) -> Safe:
    return speech.say("⚠️ I may not delete your message with the codes. Please delete it yourself.")


async def _deleted(message: Message) -> bool:
    """Delete a message that held codes; False when Telegram does not let us."""
    try:
        return bool(await persistently(message.delete))
    except TelegramBadRequest as trouble:
        return "not found" in trouble.message  # Somebody was faster.
    except TelegramAPIError:
        return False


class _Bounded(io.BytesIO):
    """Memory that takes so many bytes and no more; the file is never on a disk."""

    def write(self, content: bytes, /) -> int:  # type: ignore[override]
        if self.tell() + len(content) > DOWNLOAD_BYTES:
            raise TooBig
        return super().write(content)


async def _fetched(bot: Bot, document: Document) -> io.BytesIO:
    """The document's content in memory; raises TooBig and NotFetched."""
    for last in (False, False, True):
        sink = _Bounded()
        try:
            await bot.download(document, destination=sink, timeout=120)
        except TooBig:
            raise
        except TelegramBadRequest as trouble:
            raise (TooBig() if "too big" in trouble.message else NotFetched()) from None
        except Exception as trouble:
            # The HTTP client has many ways to lose a connection; the kind is enough for the log.
            log.info("file-not-fetched", error=type(trouble).__name__)
            if last:
                raise NotFetched from None
            await asyncio.sleep(1)
        else:
            return sink
    raise AssertionError("unreachable")


async def _wait(over: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(over.wait(), seconds)
    except TimeoutError:
        return


async def persistently(call: Callable[[], Awaitable[T]]) -> T:
    """Call Telegram until it answers, a bounded number of times; raises what it answers when that is a no."""
    for pause in (1, 2, 4, 8, 16, 30, 60):
        try:
            return await call()
        except TelegramEntityTooLarge:
            raise
        except TelegramRetryAfter as busy:
            await asyncio.sleep(min(busy.retry_after, 120))
        except (TelegramNetworkError, TelegramServerError):
            await asyncio.sleep(pause)
    return await call()
