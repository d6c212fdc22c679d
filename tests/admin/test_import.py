"""Codes come in: pasted, in files, malformed, twice, many, and while Telegram is slow or says no."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from core import inventory, supply
from core.database import Shop
from core.inventory import Secret
from handlers.admin import imports_finished
from handlers.admin.desk import Go
from handlers.admin.sent import DOWNLOAD_BYTES
from sandbox.phone import labels
from tests.admin.direct import at_the_desk
from tests.admin.staff import did, walks
from tests.handlers.counter import Buyer, Counter, Json
from tests.stage import Goods, put_on_sale


@pytest.fixture
async def empty(shop: Shop, counter: Counter) -> Goods:
    """Steam 50 without a code."""
    return await put_on_sale(shop, counter.storefront, count=0)


async def to_import(admin: Buyer) -> None:
    await walks(admin, "Stock and codes", "Steam", "Import codes")


async def left(shop: Shop, goods: Goods) -> int:
    return (await shop.read(supply.left, [goods.sku_id]))[goods.sku_id]


def workbook(rows: list[tuple[str, str]]) -> bytes:
    book, content = Workbook(), io.BytesIO()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(content)
    return content.getvalue()


def zipped(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.txt", text)
    return content.getvalue()


FILES = {
    "codes.txt": b"F-0001\nF-0002\n",
    "codes.csv": b"card_no,card_pwd\n60010001,pw-1\n60010002,pw-2\n",
    "codes.xlsx": workbook([("card_no", "card_pwd"), ("70010001", "pw-1"), ("70010002", "pw-2")]),
    "codes.zip": zipped(one="Z-0001\n", two="Z-0002\n"),
    "codes.txt.gz": gzip.compress(b"G-0001\nG-0002\n", mtime=0),
}


async def test_every_kind_of_file_is_read_and_its_message_deleted(counter: Counter, admin: Buyer, empty: Goods) -> None:
    await to_import(admin)
    for number, (name, content) in enumerate(FILES.items(), 1):
        sent = await admin.phone.sends_file(name, content)
        receipt = await receipt_after(admin, sent)

        assert "2 codes are on sale" in receipt["text"], name
        assert sent["message_id"] not in await ids(admin), name
        assert await left(counter.shop, empty) == 2 * number
        await admin.press("Import more")


async def ids(admin: Buyer) -> list[int]:
    return [message["message_id"] for message in await admin.phone.messages()]


async def receipt_after(admin: Buyer, sent: Json) -> Json:
    """What became of the codes in a message."""
    return await admin.phone.waits_for(lambda m: m["message_id"] > sent["message_id"] and "📥 Import more" in labels(m))


async def test_a_receipt_names_every_line_that_did_not_go_in_and_quotes_none(counter: Counter, admin: Buyer, empty: Goods) -> None:
    await to_import(admin)
    await receipt_after(admin, await admin.phone.says("OLD-0001"))
    await admin.press("Import more")

    sent = await admin.phone.sends_file("more.txt", b"NEW-0001\nOLD-0001\nnew 0001\nBAD\x01CODE\nNEW-0002")
    receipt = (await receipt_after(admin, sent))["text"]

    assert "2 codes are on sale" in receipt
    assert "1 line is in the list twice" in receipt
    assert "1 line holds a code that the shop has or had already" in receipt
    assert "1 line could not be read" in receipt
    assert "Line 4: invisible characters inside" in receipt
    assert "Line 3: twice in the list" in receipt
    assert "Line 2: the shop has or had it already" in receipt
    assert not any(code in receipt for code in ("NEW", "OLD", "BAD"))
    assert await left(counter.shop, empty) == 3


async def test_more_than_twenty_refused_lines_come_as_a_document(counter: Counter, admin: Buyer, empty: Goods) -> None:
    await to_import(admin)

    # The first two of three lines have number and password, the third has one of them.
    rows = [f"60010{n:03}----88{n:02}" if n % 3 else f"77{n:03}" for n in range(75)]
    sent = await admin.phone.sends_file("list.txt", "\n".join(rows).encode())
    receipt = await receipt_after(admin, sent)
    document = await admin.phone.waits_for(lambda m: "document" in m and m["from"]["is_bot"])
    lines = (await admin.phone.download(document)).decode("utf-8-sig").splitlines()

    assert "50 codes are on sale" in receipt["text"] and "and 5 more lines, in the document" in receipt["text"]
    assert len(lines) == 26 and lines[25].startswith("Line 73") and "one column is missing" in lines[25]
    assert "77" not in receipt["text"] + "".join(lines)


# How a file is read does not depend on the database.
@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("codes.pdf", b"%PDF-1.7 whatever", "not a list that I can read"),
        ("codes.zip", b"PK\x03\x04 broken", "damaged"),
        ("codes.txt", b"\n\n", "There are no codes in it"),
        ("codes.xlsx", workbook([("card_no", "card_no"), ("1", "2")]), "Two columns claim"),
        ("codes.txt.gz", gzip.compress(b"A-1\nA-2\n", mtime=0)[:-6], "damaged"),
    ],
)
async def test_of_a_file_that_cannot_be_read_nothing_is_imported(
    counter: Counter, admin: Buyer, empty: Goods, name: str, content: bytes, says: str
) -> None:
    await to_import(admin)

    sent = await admin.phone.sends_file(name, content)
    receipt = await receipt_after(admin, sent)

    assert "Nothing was imported" in receipt["text"] and says in receipt["text"]
    assert "please delete it" in receipt["text"] and sent["message_id"] in await ids(admin)
    offers = await counter.shop.read(supply.ranked, [empty.sku_id])
    assert sum((await counter.shop.read(inventory.places, [offer.id for offer in offers])).values()) == 0
    assert "import-codes" not in await did(counter.shop)


async def test_a_file_above_what_a_bot_can_fetch_is_refused_with_advice(shop: Shop, goods: Goods) -> None:
    desk = await at_the_desk(shop, goods.storefront)
    await desk.presses(Go(to="import", id=goods.sku_id))

    said = await desk.sends_document("codes.txt", DOWNLOAD_BYTES + 1)

    assert "20 MB" in said and ".zip" in said
    assert "import-codes" not in (await did(shop))[1:]


async def test_a_file_that_telegram_does_not_give_is_told_and_nothing_is_imported(shop: Shop, goods: Goods) -> None:
    desk = await at_the_desk(shop, goods.storefront)
    desk.session.refuses["getFile"] = "Bad Request: file is temporarily unavailable"
    await desk.presses(Go(to="import", id=goods.sku_id))

    await desk.sends_document("codes.txt", 100)
    await imports_finished()

    said = [getattr(call, "text", None) or "" for call in desk.session.calls]
    assert any("could not be fetched" in text for text in said)


async def test_while_telegram_is_slow_or_busy_the_import_goes_on_and_the_receipt_comes(
    counter: Counter, admin: Buyer, empty: Goods
) -> None:
    await to_import(admin)
    await admin.phone.fault(too_many_requests=3, retry_after=1)

    sent = await admin.phone.says("SLOW-1\nSLOW-2")
    receipt = await receipt_after(admin, sent)

    assert "2 codes are on sale" in receipt["text"]
    assert sent["message_id"] not in await ids(admin)
    counter.sandbox.world.calls.clear()  # The refusals were ordered.


async def test_two_imports_at_once_take_each_code_once(counter: Counter, admin: Buyer, empty: Goods) -> None:
    codes = [f"BOTH-{n:05}" for n in range(1500)]
    await to_import(admin)
    # Long messages come in parts, so the question stays open after one.
    first = await admin.phone.says("\n".join(codes[:350]))
    await admin.phone.says("\n".join(codes[200:550]))
    one = await receipt_after(admin, first)
    # Each message has its receipt; the second one may come to the bot when the first import is over.
    await admin.phone.waits_for(
        lambda m: m["message_id"] > first["message_id"] and m["message_id"] != one["message_id"] and "📥 Import more" in labels(m)
    )
    await imports_finished()

    assert await left(counter.shop, empty) == 550
    assert (await did(counter.shop)).count("import-codes") == 2


async def test_another_press_is_answered_while_codes_come_in(counter: Counter, admin: Buyer, empty: Goods) -> None:
    await to_import(admin)
    await admin.phone.sends_file("codes.txt", "\n".join(f"BUSY-{n:06}" for n in range(20_000)).encode())

    await admin.say("/admin")
    await admin.press("Catalogue and prices")

    assert "Game cards" in " ".join(await admin.buttons())
    assert await left(counter.shop, empty) in (0, 20_000)
    await admin.sees("20,000 codes are on sale")
    assert await left(counter.shop, empty) == 20_000


async def test_the_same_message_that_comes_twice_is_imported_once(counter: Counter, admin: Buyer, empty: Goods) -> None:
    await to_import(admin)
    await admin.phone.fault(duplicate_updates=True)

    sent = await admin.phone.says("TWICE-1\nTWICE-2")
    receipt = await receipt_after(admin, sent)
    await imports_finished()

    assert "2 codes are on sale" in receipt["text"]
    assert (await did(counter.shop)).count("import-codes") == 1


async def test_no_code_is_kept_in_clear_in_the_database_the_log_or_the_chat_state(
    shop: Shop,
    counter: Counter,
    admin: Buyer,
    empty: Goods,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    await to_import(admin)
    caplog.set_level("INFO")

    await receipt_after(admin, await admin.phone.says("VERYSECRET111----VERYSECRET222\nVERYSECRET333\x01"))
    await walks(admin, "Stock and codes", "Find a code")
    await admin.phone.says("VERYSECRET111----VERYSECRET222")
    await admin.sees("It is on the shelf.")

    written = caplog.text + "".join(capsys.readouterr())
    assert "VERYSECRET" not in written
    assert "VERYSECRET" not in str(getattr(counter.dispatcher.storage, "storage", ""))
    for file in list(tmp_path.glob("shop.db*")):  # noqa: ASYNC240
        assert b"VERYSECRET" not in file.read_bytes()


async def test_when_the_message_cannot_be_deleted_the_admin_is_told_to(shop: Shop, goods: Goods) -> None:
    desk = await at_the_desk(shop, goods.storefront)
    desk.session.refuses["deleteMessage"] = "Bad Request: message can't be deleted for everyone"

    await desk.presses(Go(to="import", id=goods.sku_id))
    await desk.says("KEPT-1")
    await imports_finished()

    said = [getattr(call, "text", None) or "" for call in desk.session.calls]
    assert any("Please delete it yourself" in text and "1 code is on sale" in text for text in said)


async def test_a_command_is_never_taken_for_a_code(shop: Shop, goods: Goods) -> None:
    desk = await at_the_desk(shop, goods.storefront)

    await desk.presses(Go(to="import", id=goods.sku_id))
    await desk.says("/start")
    await desk.says("steam")
    await imports_finished()

    assert "import-codes" not in (await did(shop))[1:]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")  # by the phone, not by the shop
async def test_a_hundred_thousand_codes_come_in_one_file_with_progress(counter: Counter, admin: Buyer, empty: Goods) -> None:
    await to_import(admin)
    content = "\n".join(f"{n:012}----{n * 7919 % 10**8:08}" for n in range(100_000)).encode()

    sent = await admin.phone.sends_file("codes.csv", content)
    progress = await admin.phone.waits_for(lambda m: "lines so far" in m.get("text", ""), 60)
    receipt = await admin.phone.waits_for(lambda m: "100,000 codes are on sale" in m.get("text", ""), 150)

    assert progress["message_id"] == receipt["message_id"]
    assert sent["message_id"] not in await ids(admin)
    assert await left(counter.shop, empty) == 100_000
    found = await counter.shop.read(inventory.find_code, Secret("000000099999", f"{99_999 * 7919 % 10**8:08}"))
    assert found is not None and found.row == 100_000


async def test_codes_that_another_import_is_bringing_in_are_named_as_such(shop: Shop, goods: Goods) -> None:
    """They are no duplicates for good: should the other import fail, the lines may be sent again."""
    other = await shop.write(inventory.open_batch, offer_id=goods.offer_id, sku_id=goods.sku_id, source_name="other", by="test")
    sealed = list(inventory.seal(shop.tools.keys, other, [(1, Secret(None, "SHARED-0001"))]))
    await shop.write(inventory.stage, batch_id=other.id, offer_id=goods.offer_id, sealed=sealed)
    desk = await at_the_desk(shop, goods.storefront)

    await desk.presses(Go(to="import", id=goods.sku_id))
    await desk.says("OWN-0001\nSHARED-0001")
    await imports_finished()

    said = [getattr(call, "text", None) or "" for call in desk.session.calls]
    assert any("1 code is on sale" in text and "1 line holds a code that another import is bringing in" in text for text in said)
    assert any("Line 2: another import is bringing it in" in text for text in said)
    assert not any("has or had" in text for text in said)


async def test_an_import_that_breaks_at_the_last_step_is_not_said_to_be_nothing(
    shop: Shop, goods: Goods, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, real = await at_the_desk(shop, goods.storefront), shop.write

    async def write(command: Any, *args: Any, **kwargs: Any) -> Any:
        if command is inventory.publish:
            await real(command, *args, **kwargs, most=1)
            raise ConnectionError("away")
        return await real(command, *args, **kwargs)

    await desk.presses(Go(to="import", id=goods.sku_id))
    with monkeypatch.context() as patched:
        patched.setattr(shop, "write", write)
        await desk.says("LAST-0001\nLAST-0002")
        await imports_finished()

    said = "\n".join(getattr(call, "text", None) or "" for call in desk.session.calls)
    assert "2 codes are checked and are being put on sale" in said
    assert "Nothing was imported" not in said and "are on sale" not in said
