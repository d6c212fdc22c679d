"""How much may come by a link, and what it costs: exactly so many lines, a list of refusals that ends, memory that follows no file."""

from __future__ import annotations

import csv
import gc
import io
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib import import_module
from typing import IO, cast

import pytest
from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.methods import SendDocument
from aiogram.types import BufferedInputFile
from sqlalchemy import text
from sqlalchemy.orm import Session

from bot.uploads import LIMITS, Uploads
from core import audit, inventory, supply
from core.database import Shop, read
from core.inventory.batches import MOST_CODES
from core.storefronts import Storefront
from handlers.importing import imports_finished
from papers.codes import Limits
from tests.admin.direct import WrittenDown
from tests.stage import person
from tests.supplying import Supplied, supplied

LIN = 5001
MOST = 1_000
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@dataclass
class Behind:
    """What stands behind the upload page: files that have arrived, and the chat."""

    shop: Shop
    made: Supplied
    uploads: Uploads
    chat: WrittenDown
    bot: Bot

    async def word(self) -> str:
        customer = await person(self.shop, self.made.goods.storefront, LIN)
        word, _ = await self.shop.write(
            supply.make_upload_link, offer_id=self.made.offer_id, telegram_id=LIN, customer_id=customer.id, by=f"telegram:{LIN}"
        )
        return word

    async def brings(self, word: str, file: IO[bytes]) -> tuple[bool, bool, str]:
        """Whether it is good, whether the link may be used again, and what the page says."""
        coming = await self.uploads.take(word)
        await coming.arrived("codes.txt", file)
        await imports_finished()
        course = self.uploads.course(word)
        assert course is not None and course.html is not None
        return course.good, course.again, str(course.html)

    async def left(self) -> int:
        return (await self.shop.read(inventory.on_shelf, [self.made.offer_id], most=10**6))[self.made.offer_id]

    def refused(self) -> list[list[str]]:
        """The rows of the list of refused lines that came into the chat, with the header."""
        [document] = [call.document for call in self.chat.calls if isinstance(call, SendDocument)]
        content = cast(BufferedInputFile, document).data.decode("utf-8-sig")
        return list(csv.reader(io.StringIO(content)))


@pytest.fixture
async def behind(shop: Shop, storefront: Storefront) -> AsyncIterator[Behind]:
    chat = WrittenDown()
    bot = Bot("42:AAnowhere", session=chat, default=DefaultBotProperties(parse_mode="HTML"))
    made = await supplied(shop, storefront, LIN)
    yield Behind(shop, made, Uploads(shop, storefront, bot, Limits(rows=MOST)), chat, bot)
    report = await shop.read(audit.audit, sample=2)
    assert report.clean, report.violations


def lines_of(count: int, mark: str = "UP") -> IO[bytes]:
    """A file of so many codes, as it has arrived."""
    return io.BytesIO(b"".join(f"{mark}-{number:07d}-{number * 7919 % 100_003:05d}\n".encode() for number in range(count)))


@read
def kept(session: Session) -> int:
    """How many codes the shop has, wherever they are."""
    return int(session.execute(text("SELECT COUNT(*) FROM codes")).scalar_one())


async def test_exactly_as_many_lines_as_are_allowed_come_in_and_of_one_more_nothing_is_kept(behind: Behind) -> None:
    word = await behind.word()
    good, again, said = await behind.brings(word, lines_of(MOST + 1))
    assert (good, again) == (False, True), "the link is good for a shorter list"
    assert "too many lines" in said and "split" in said.lower(), said
    assert await behind.left() == 0
    assert await behind.shop.read(inventory.batches_of, [behind.made.offer_id]) == []
    assert await behind.shop.read(kept) == 0, "staged codes are gone, too"

    good, again, said = await behind.brings(word, lines_of(MOST))
    assert (good, again) == (True, False) and "1,000 codes are on sale" in said
    assert await behind.left() == MOST


def test_a_million_lines_are_what_a_link_takes() -> None:
    assert LIMITS.rows == 1_000_000 and LIMITS.lines > LIMITS.rows
    assert LIMITS.rows <= MOST_CODES, "whatever is read can be brought in"


@on_sqlite
async def test_a_list_of_refusals_ends_and_the_receipt_still_counts_all_of_them(behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    listed, bad, twice = 50, 40, 70
    monkeypatch.setattr(import_module("handlers.importing"), "MOST_LISTED", listed)
    monkeypatch.setattr(import_module("handlers.admin.receipts"), "MOST_LISTED", listed)
    word = await behind.word()
    malformed = "".join(f"BAD\x07-{number}\n" for number in range(bad))
    good = "".join(f"OK-{number:04d}\n" for number in range(twice))

    fine, _, said = await behind.brings(word, io.BytesIO((malformed + good + good).encode()))

    assert fine and f"{twice} codes are on sale" in said
    assert f"{twice} lines are in the list twice" in said and f"{bad} lines" in said, said
    assert await behind.left() == twice
    header, *rows = behind.refused()
    assert len(rows) == listed and len(header) == 3
    # Malformed lines come first, since somebody must mend them; nothing of theirs is shown.
    assert [row[0] for row in rows[:bad]] == [f"Line {number}" for number in range(1, bad + 1)]
    assert {row[2] for row in rows[:bad]} == {""}
    assert [row[2] for row in rows[bad:]] == [inventory.mask(f"OK-{number:04d}") for number in range(listed - bad)]


@pytest.mark.slow
@on_sqlite
async def test_what_is_held_in_memory_does_not_follow_the_size_of_the_file(behind: Behind, storefront: Storefront) -> None:
    """Eight thousand lines more cost a fingerprint and a place each, and none of the codes themselves."""
    behind.uploads = Uploads(behind.shop, storefront, behind.bot)  # with the limits of the running shop
    few, many = 2_000, 10_000
    peaks: list[int] = []
    seldom = gc.get_threshold()
    for count in (few, few, many):  # The first warms up what is made once.
        word, file = await behind.word(), lines_of(count, mark=f"M{len(peaks)}")
        gc.collect()
        gc.set_threshold(700, 10, 10)  # as the running program: what is garbage is not counted
        tracemalloc.start()
        try:
            good, _, said = await behind.brings(word, file)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
            gc.set_threshold(*seldom)
        assert good, said

    assert (peaks[2] - peaks[1]) / (many - few) < 100, f"{peaks} bytes"
