"""A list of codes on its way into the shop, whoever brings it: progress in one message, all or nothing, and a receipt at the end."""

from __future__ import annotations

import asyncio
import secrets
from array import array
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, BinaryIO, ClassVar, overload

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramRetryAfter
from aiogram.types import BufferedInputFile, Message

from core import catalog, fulfilment, inventory, onboarding, supply
from core.catalog import Gone
from core.database import Shop
from core.errors import N_, Refusal
from core.fulfilment import Kind, Terms, Unit
from core.inventory import ImportReceipt, Secret
from handlers.admin.receipts import FIRST, MOST_LISTED, Place, receipt_of, refusals_of, refused_in_all, unreadable
from handlers.admin.sent import deleted, persistently
from handlers.pieces import Row, keyboard, paragraphs
from handlers.screen import refused
from locales import Safe, Speech
from papers.codes import BadLine, CodeLine, Limits, Unreadable, Why
from papers.codes_in import read_codes
from papers.codes_out import refused_csv

log = structlog.get_logger()

REPORT_SECONDS = 2.0


@dataclass(eq=False)
class NotImported(Refusal):
    says: ClassVar[str] = N_("Something went wrong on our side ({mark}). Nothing was imported; please try again.")

    mark: str


_running: set[asyncio.Task[Any]] = set()


def begun(work: Awaitable[Any]) -> asyncio.Task[Any]:
    """Run an import beside everything else; `imports_finished` waits for it."""
    task = asyncio.ensure_future(work)
    _running.add(task)
    task.add_done_callback(_running.discard)
    return task


async def imports_finished() -> None:
    """Wait for the imports under way, before the process ends."""
    while _running:
        await asyncio.gather(*_running, return_exceptions=True)


class Places(Sequence[Place]):
    """Where each code stood, file and line, in a few bytes a code: a list of a million codes is no burden."""

    def __init__(self) -> None:
        self._lines = array("Q")
        self._starts: list[int] = []
        self._members: list[str | None] = []

    def append(self, member: str | None, line: int) -> None:
        if not self._members or self._members[-1] != member:
            self._starts.append(len(self._lines))
            self._members.append(member)
        self._lines.append(line)

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, at: int) -> Place: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Place]: ...
    def __getitem__(self, at: int | slice) -> Place | Sequence[Place]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        line = self._lines[at]
        return self._members[bisect_right(self._starts, at % len(self._lines)) - 1], line


@dataclass(frozen=True)
class Came:
    """What became of an import: its receipt, or None with the reason in `text`; `text` is what the person was told."""

    receipt: ImportReceipt | None
    text: Safe
    refused: int = 0  # lines that did not go in
    undecided: bool = False  # nobody can know whether its codes are going on sale


@dataclass
class Import:
    """One list of codes on its way into the shop. Codes are in memory only, and no sentence or log holds one.

    `offer` makes sure of the offer just before anything is written, and may refuse; `fetch` gives the list, which is read from
    its start and closed. With `masks`, the document of refused lines shows the ends of the sender's own codes.
    """

    shop: Shop
    speech: Speech
    bot: Bot
    chat_id: int
    by: str
    sku_id: int
    sku_name: str
    offer: Callable[[], Awaitable[int]]
    name: str
    fetch: Callable[[], Awaitable[BinaryIO]]
    ways_on: list[Row]
    message: Message | None = field(default=None, repr=False)  # that held the codes: it is deleted when they are in
    limits: Limits = field(default_factory=Limits)
    masks: bool = False
    link_id: int | None = None
    agree: Callable[[int], Awaitable[None]] | None = None  # asked with how many are new, just before they go on sale
    counting: Callable[[int], None] | None = None  # told how many lines were seen
    seen: int = 0
    bad: list[BadLine] = field(default_factory=list, repr=False)  # as many as are listed
    unread: int = 0  # all of them
    places: Places = field(default_factory=Places, repr=False)
    shown: Message | None = field(default=None, repr=False)
    kind: Kind | None = field(default=None, repr=False)
    terms: Terms = field(default_factory=dict, repr=False)

    async def run(self) -> Came:
        """Import, delete the message, and give the receipt; whatever happens, the person is told."""
        over = asyncio.Event()
        reporter = asyncio.create_task(self._report(over))
        receipt, refusal, stream, undecided = None, None, None, False
        try:
            stream = await self.fetch()
            receipt = await self._bring_in(stream)
        except Unreadable as trouble:
            refusal = unreadable(self.speech, trouble)
        except Refusal as trouble:
            refusal, undecided = refused(self.speech, trouble), isinstance(trouble, inventory.Undecided)
        except Exception as trouble:
            # Whatever it was, the person has to be told. Only the kind is logged: the message of an exception may quote what it was about.
            mark = secrets.token_hex(3)
            log.error("import-failed", mark=mark, error=type(trouble).__name__)
            refusal = refused(self.speech, NotImported(mark=mark))
        finally:
            # The last report must not come after the receipt.
            over.set()
            await reporter
        try:
            if receipt is not None:
                assert stream is not None
                return await self._received(receipt, stream)
        finally:
            if stream is not None:
                stream.close()
        assert refusal is not None
        kept = self.speech.say("Your message is still there. If it holds codes, please delete it when you no longer need it.")
        text = paragraphs(refusal, kept) if self.message is not None else refusal
        await self._tell(text, [])
        return Came(None, refusal, undecided=undecided)

    async def _received(self, receipt: ImportReceipt, stream: BinaryIO) -> Came:
        gone = await deleted(self.message) if self.message is not None else True
        refusals = await asyncio.to_thread(refusals_of, self.speech, receipt, self.bad, self.places, MOST_LISTED)
        text = receipt_of(self.speech, self.sku_name, receipt, unread=self.unread, refusals=refusals, deleted=gone)
        shown: list[tuple[str, ...]] = list(refusals)
        if self.masks and refusals:
            masks = await asyncio.to_thread(self._masks, receipt, stream)
            shown = [(*one, masks.get(number, "")) for number, one in zip(self._numbers(receipt), shown, strict=False)]
        await self._tell(text, shown)
        return Came(receipt, text, refused_in_all(receipt, self.unread))

    def _numbers(self, receipt: ImportReceipt) -> Iterator[int]:
        """Which code each line of the refusals is about, in their order; 0 for lines that were none."""
        yield from (0 for _ in self.bad)
        # Every list of a receipt is of codes that did not go in, and they are told in this order.
        for of in fields(receipt):
            numbers = getattr(receipt, of.name)
            if isinstance(numbers, list):
                yield from numbers

    def _masks(self, receipt: ImportReceipt, stream: BinaryIO) -> dict[int, str]:
        """The ends of the codes that did not go in: the list is read once more, so that no code had to be kept."""
        wanted: Collection[int] = {number for number, _ in zip(self._numbers(receipt), range(MOST_LISTED), strict=False) if number}
        found: dict[int, str] = {}
        number = 0
        for one in read_codes(self.name, stream, self.limits) if wanted else ():
            if isinstance(one, BadLine):
                continue
            try:
                units = self._units(one)
            except Refusal:
                continue
            for _ in units:
                number += 1
                if number in wanted:
                    found[number] = inventory.mask(one.card_no or one.card_pwd or "")
        return found

    async def _bring_in(self, stream: BinaryIO) -> ImportReceipt:
        sku = await self.shop.read(catalog.sku, self.sku_id)
        product = None if sku is None else await self.shop.read(catalog.product, sku.product_id)
        if product is None:
            raise Gone
        offer_id = await self.offer()
        self.kind, self.terms = fulfilment.kind(product.kind), product.terms
        offer = await self.shop.read(supply.offer_view, offer_id)
        if any(name == "licensed" for name, _ in self.kind.switches):
            self.terms = await self._licensed(offer)
        return await inventory.bring_in(
            self.shop,
            offer_id=offer_id,
            sku_id=self.sku_id,
            source_name=self.name or "pasted",
            by=self.by,
            lines=self._lines(stream),
            progress=self._count,
            link_id=self.link_id,
            document_id=None if offer is None else offer.document_id,
            agree=self.agree,
        )

    async def _licensed(self, offer: supply.OfferView | None) -> Mapping[str, Any]:
        """The terms with a supplier's right to sell one key to several: the paper of their offer says it, and never the shop's switch."""
        if offer is None or offer.own:
            return self.terms
        paper = None if offer.document_id is None else await self.shop.read(onboarding.document, offer.document_id)
        authorised = paper is not None and paper.good and paper.proven and paper.kind is onboarding.PaperKind.AUTHORISATION
        return {**self.terms, "licensed": authorised}

    def _lines(self, stream: BinaryIO) -> Iterator[tuple[int, Secret]]:
        # Lines of several files in one archive have the same numbers, so the codes are counted through.
        for found in read_codes(self.name, stream, self.limits):
            if isinstance(found, BadLine):
                self._refuse(found)
                continue
            try:
                units = self._units(found)
            except Refusal as refusal:
                why = Why.not_licensed if isinstance(refusal, fulfilment.NotLicensed) else Why.not_a_whole_number
                self._refuse(BadLine(found.line, why, found.member))
                continue
            for unit in units:
                self.places.append(found.member, found.line)
                yield len(self.places), Secret.noted(unit.card_no, unit.card_pwd, unit.notes)

    def _refuse(self, line: BadLine) -> None:
        self.unread += 1
        if len(self.bad) < MOST_LISTED:
            self.bad.append(line)

    def _units(self, line: CodeLine) -> Sequence[Unit]:
        """What a line is of: one code, as a rule; a licence key is of as many units as it has seats. Raises the kind's refusal."""
        assert self.kind is not None, "known before the list is read"
        return self.kind.units(self.terms, line.card_no, line.card_pwd, line.more)

    async def _count(self, seen: int) -> None:
        self.seen = seen
        if self.counting is not None:
            self.counting(seen)

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
        say = self.speech
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
            self.shown = await self.bot.send_message(self.chat_id, text)
        else:
            await self.shown.edit_text(text)

    async def _tell(self, text: Safe, refusals: Sequence[Iterable[str]]) -> None:
        say, markup, shown = self.speech, keyboard(self.ways_on), self.shown

        async def edited() -> Message | bool:
            assert shown is not None
            return await shown.edit_text(text, reply_markup=markup)

        async def sent() -> Message | bool:
            return await self.bot.send_message(self.chat_id, text, reply_markup=markup)

        try:
            try:
                await persistently(edited if shown is not None else sent)
            except TelegramBadRequest:
                await persistently(sent)
            if refusals and (self.masks or len(refusals) > FIRST):
                header = (say.label("line"), say.label("reason"), *([say.label("ends of the code")] if self.masks else []))
                content = await asyncio.to_thread(refused_csv, [tuple(one) for one in refusals], header)
                document = BufferedInputFile(content, "refused-lines.csv")
                await persistently(lambda: self.bot.send_document(self.chat_id, document))
        except TelegramAPIError as trouble:
            log.warning("import-receipt-not-shown", error=type(trouble).__name__)


async def _wait(over: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(over.wait(), seconds)
    except TimeoutError:
        return
