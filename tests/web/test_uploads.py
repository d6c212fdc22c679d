"""Files of codes come through the one-time door over real HTTP: whole, cut off, twice, too large, of the wrong kind."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from bot.serving import Serving
from bot.uploads import Uploads
from core import audit, catalog, inventory, onboarding, standing, supply
from core.catalog import Gone, ProductKind
from core.catalog.tables import Product
from core.database import Shop, read, write
from core.errors import Refusal
from core.inventory import LinkOver
from core.onboarding import PaperKind
from core.ports import CertificateFacts
from core.storefronts import Storefront
from core.supply import Standing
from core.supply.tables import Offer
from handlers.importing import imports_finished
from handlers.supply.stock import typed_cost, walked
from papers.codes import Limits
from tests.admin.direct import WrittenDown
from tests.stage import person
from tests.supplying import Supplied, supplied
from web import uploads
from web.app import make_app
from web.multipart import FileInForm, NotAForm, boundary_of
from web.uploads import add_upload_door

LIN = 5001
LINES = 20_000
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@dataclass
class Door:
    """The door of a shop, with a client before it and the chat behind it."""

    shop: Shop
    made: Supplied
    client: httpx.AsyncClient
    chat: WrittenDown
    port: int

    async def link(self) -> str:
        """The path of a new link."""
        customer = await person(self.shop, self.made.goods.storefront, LIN)
        word, _ = await self.shop.write(
            supply.make_upload_link, offer_id=self.made.offer_id, telegram_id=LIN, customer_id=customer.id, by=f"telegram:{LIN}"
        )
        return f"/upload/{word}"

    async def result(self, path: str) -> dict[str, object]:
        """What became of the file, when it is over."""
        await imports_finished()
        answer = await self.client.get(f"{path}/result", headers={"accept": "application/json"})
        said: dict[str, object] = answer.json()
        assert said["done"]
        return said

    async def left(self) -> int:
        return (await self.shop.read(inventory.on_shelf, [self.made.offer_id]))[self.made.offer_id]

    def told(self) -> str:
        """Everything that was said in the chat."""
        return "\n".join(str(getattr(call, "text", None) or "") for call in self.chat.calls)


@pytest.fixture
async def door(shop: Shop, storefront: Storefront) -> AsyncIterator[Door]:
    chat = WrittenDown()
    bot = Bot("42:AAnowhere", session=chat, default=DefaultBotProperties(parse_mode="HTML"))
    uploads = Uploads(shop, storefront, bot)
    serving = Serving(make_app(shop, uploads=lambda: uploads), "127.0.0.1", 0)
    await serving.open()
    made = await supplied(shop, storefront, LIN, standing=Standing.CREATOR, papered=False)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{serving.port}", timeout=30) as client:
        yield Door(shop, made, client, chat, serving.port)
    await serving.close()
    await imports_finished()
    report = await shop.read(audit.audit, sample=2)
    assert report.clean, report.violations


def lines_of(count: int, mark: str = "UP") -> bytes:
    return "".join(f"{mark}-{n:07d}-{n * 7919 % 100_003:05d}\n" for n in range(count)).encode()


async def test_a_large_file_comes_in_once_is_told_on_the_page_and_in_the_chat(door: Door) -> None:
    path = await door.link()
    page = await door.client.get(path)
    assert page.status_code == 200 and "Codes for <b>Steam 50</b>" in page.text and 'enctype="multipart/form-data"' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"] and page.headers["cache-control"] == "no-store"
    assert "http://" not in page.text and "https://" not in page.text, "nothing is loaded from elsewhere"

    content = lines_of(LINES) + lines_of(1)
    sent = await door.client.post(
        path,
        content=content,
        headers={"x-file-name": "%E5%8D%A1.txt", "accept": "application/json", "content-type": "application/octet-stream"},
    )
    assert sent.status_code == 202
    result = await door.result(path)

    assert result["good"] and "20,000 codes are on sale" in str(result["html"]) and "1 line is in the list twice" in str(result["html"])
    assert await door.left() == LINES
    assert "20,000 codes are on sale" in door.told() and "UP-0000000" not in door.told()
    [batch] = await door.shop.read(inventory.batches_of, [door.made.offer_id])
    assert (batch.source_name, batch.by, batch.by_link, batch.accepted) == ("卡.txt", f"telegram:{LIN}", True, LINES)

    again = await door.client.post(path, content=b"NEW-0001", headers={"accept": "application/json"})
    assert again.status_code == 410 and "used up or too old" in again.json()["html"]
    assert (await door.client.get(path, follow_redirects=True)).text.count("codes are on sale") == 1
    assert await door.left() == LINES


@on_sqlite
async def test_a_browser_without_scripts_sends_the_form_and_is_led_to_the_result(door: Door) -> None:
    path = await door.link()
    sent = await door.client.post(path, files={"file": ("codes.csv", b"card_no,card_pwd\n6001,pw-1\n6002,pw-2\n")})
    assert (sent.status_code, sent.headers["location"]) == (303, f"{path}/result")
    await imports_finished()
    page = await door.client.get(f"{path}/result")

    assert "2 codes are on sale" in page.text and "<script" not in page.text
    assert await door.left() == 2


@on_sqlite
async def test_what_cannot_be_read_leaves_the_link_good_for_another_file(door: Door) -> None:
    path = await door.link()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("codes.txt", b"A" * 50_000_000)
    for name, content, says in (
        ("codes.pdf", b"%PDF-1.7 whatever", "not a list that I can read"),
        ("codes.zip", archive.getvalue(), "unpacks to more"),
        ("codes.txt", b"\n\n\n", "no codes in it"),
    ):
        sent = await door.client.post(path, files={"file": (name, content)}, headers={"accept": "application/json"})
        assert sent.status_code == 202
        result = await door.result(path)
        assert not result["good"] and result["again"] and says in str(result["html"])
    empty = await door.client.post(path, files={"file": ("codes.txt", b"")}, headers={"accept": "application/json"})
    assert empty.status_code == 400 and "no file in it" in empty.json()["html"]
    nothing = await door.client.post(path, content=b"", headers={"accept": "application/json"})
    assert nothing.status_code == 400
    wrong = await door.client.post(path, content=b"x", headers={"content-type": "multipart/form-data"})
    assert wrong.status_code == 400 and "Try again" in wrong.text
    assert await door.left() == 0

    await door.client.post(path, content=b"GOOD-0001")
    assert (await door.result(path))["good"]
    assert await door.left() == 1


@on_sqlite
async def test_a_file_whose_connection_is_cut_is_not_imported_and_may_be_sent_again(door: Door) -> None:
    path = await door.link()
    _, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n".encode() + lines_of(1000))
    await writer.drain()
    busy = await until_busy(door, path)
    assert busy, "while it comes nobody else sends one"
    writer.close()
    await writer.wait_closed()

    for _ in range(500):
        sent = await door.client.post(path, content=b"WHOLE-0001\n", headers={"accept": "application/json"})
        if sent.status_code == 202:
            break
        assert "on its way" in sent.json()["html"]
        await asyncio.sleep(0.01)
    assert (await door.result(path))["good"]
    assert await door.left() == 1

    # A form that ends before its file does is no whole file either.
    path = await door.link()
    torn = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nTORN-0001\r\n'
    sent = await door.client.post(path, content=torn, headers={"content-type": "multipart/form-data; boundary=b"})
    assert sent.status_code == 400 and "broke off" in sent.text
    assert await door.left() == 1


async def until_busy(door: Door, path: str) -> bool:
    for _ in range(500):
        if "on its way" in (await door.client.get(path)).text:
            return True
        await asyncio.sleep(0.01)
    return False


@on_sqlite
async def test_a_file_that_is_too_large_is_refused_before_it_is_read_or_when_it_turns_out(
    shop: Shop, storefront: Storefront, door: Door
) -> None:
    app = FastAPI()
    small = Uploads(shop, storefront, Bot("42:AAnowhere", session=door.chat), Limits(rows=100))
    add_upload_door(app, lambda: small, most_bytes=1 << 20)
    path = await door.link()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://shop") as client:
        announced = await client.post(path, content=b"x" * (2 << 20))
        assert announced.status_code == 413 and "larger than 1 MB" in announced.text

        async def unannounced() -> AsyncIterator[bytes]:
            for _ in range(40):
                yield b"y" * (1 << 16)

        assert (await client.post(path, content=unannounced())).status_code == 413
        await client.post(path, content=lines_of(101))
        await imports_finished()
        assert "too many lines" in (await client.get(f"{path}/result")).text
        assert (await client.get(path)).status_code == 200, "the link is good for a smaller one"
    assert await door.left() == 0


@on_sqlite
async def test_whoever_guesses_is_turned_away_after_sixty_words_and_closes_the_door_to_nobody(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "minute_now", lambda: 1)  # All of them in one minute, however slow the machine is.
    path = await door.link()
    for number in range(60):
        answer = await door.client.get(f"/upload/guess-{number}", headers={"accept-language": "zh-CN,zh;q=0.9"})
        assert answer.status_code == 410 and 'lang="zh' in answer.text
    assert (await door.client.get("/upload/another")).status_code == 503
    assert (await door.client.post("/upload/another", content=b"x")).status_code == 503

    # A good link works from the same address too: a whole office may stand behind it.
    assert (await door.client.get(path)).status_code == 200
    assert (await door.client.post(path, content=b"GOOD-0001", headers={"accept": "application/json"})).status_code == 202
    assert (await door.result(path))["good"] and await door.left() == 1


@on_sqlite
async def test_a_file_that_drips_gives_its_room_up(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "WHOLE_SECONDS", 0.3)
    path = await door.link()
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n".encode())

    async def drips() -> None:
        while not writer.is_closing():
            writer.write(b"DRIP-0001\n")
            await asyncio.sleep(0.02)

    dripping = asyncio.create_task(drips())
    async with asyncio.timeout(20):
        answer = await reader.read(200)
    dripping.cancel()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400")
    assert (await door.client.get(path)).status_code == 200 and await door.left() == 0


@on_sqlite
async def test_a_link_of_somebody_who_no_longer_acts_for_the_supplier_brings_nothing(door: Door) -> None:
    path = await door.link()
    await door.shop.write(_leaves, door.made.supplier_id)

    assert (await door.client.get(path)).status_code == 410
    sent = await door.client.post(path, content=b"A-0001")
    assert sent.status_code == 410 and "not yours" in sent.text
    assert await door.left() == 0


@write
def _leaves(session: Session, supplier_id: int) -> None:
    session.execute(text("DELETE FROM supplier_members WHERE supplier_id = :id"), {"id": supplier_id})


@on_sqlite
async def test_a_key_for_several_comes_in_only_where_the_offer_has_a_letter_of_authorisation(door: Door) -> None:
    sku = await door.shop.read(catalog.sku, door.made.goods.sku_id)
    assert sku is not None
    await door.shop.write(_is_licence, sku.product_id)
    letter = PaperKind.AUTHORISATION
    papers: list[tuple[PaperKind | None, str | None, int]]
    papers = [(None, None, 1), (PaperKind.PURCHASE, None, 1), (letter, "paper:1", 1), (letter, None, 4)]
    for kind, certificate, left in papers:
        document_id = None
        if kind is not None:
            document_id = await door.shop.write(
                onboarding.add_document,
                supplier_id=door.made.supplier_id,
                storefront_id=door.made.goods.storefront.id,
                kind=kind,
                scope="Keys of Anybody",
                by="test",
            )
        if certificate is not None:
            facts = CertificateFacts("AUTH-1", "Anybody", "Keys", None)
            await door.shop.write(standing.want_check, subject=certificate, facts=facts)
            assert document_id is not None
            await door.shop.write(_is_certified, document_id, certificate)
        await door.shop.write(_rests_on, door.made.offer_id, document_id)
        path = await door.link()
        await door.client.post(path, content=b"ALONE-1;1\nSHARED-1;3\n", headers={"accept": "application/json"})
        said = str((await door.result(path))["html"])
        assert ("without a paper or a switch" in said) == (left == 1)
        assert await door.left() == left


@write
def _is_licence(session: Session, product_id: int) -> None:
    """The shop's own switch allows nothing to a supplier."""
    product = session.get_one(Product, product_id)
    product.kind, product.terms = ProductKind.LICENCE, {"licensed": True}


@write
def _is_certified(session: Session, document_id: int, subject: str) -> None:
    """The register is asked about this paper."""
    session.execute(text("UPDATE documents SET check_subject = :subject WHERE id = :id"), {"subject": subject, "id": document_id})


@write
def _rests_on(session: Session, offer_id: int, document_id: int | None) -> None:
    session.get_one(Offer, offer_id).document_id = document_id


@on_sqlite
async def test_the_word_is_kept_as_a_hash_only(door: Door) -> None:
    path = await door.link()
    word = path.rpartition("/")[2]
    with pytest.raises(LinkOver):
        await door.shop.read(inventory.link, word + "x")
    kept = await door.shop.read(_everything)
    assert word not in kept and len(word) >= 32


@read
def _everything(session: Session) -> str:
    return repr(session.execute(text("SELECT * FROM upload_links")).all()) + repr(session.execute(text("SELECT * FROM actions")).all())


# What is parsed


@given(
    st.binary(max_size=300),
    st.lists(st.integers(1, 40), max_size=30),
    st.binary(max_size=60),
)
def test_a_file_comes_out_of_its_form_whatever_the_pieces(content: bytes, cuts: list[int], other: bytes) -> None:
    boundary = b"----a-boundary-that-is-in-no-file"
    body = (
        b"--"
        + boundary
        + b'\r\nContent-Disposition: form-data; name="note"\r\n\r\n'
        + other
        + b"\r\n--"
        + boundary
        + b'\r\nContent-Disposition: form-data; name="file"; filename="\xe5\x8d\xa1.txt"\r\nContent-Type: text/plain\r\n\r\n'
        + content
        + b"\r\n--"
        + boundary
        + b"--\r\n"
    )
    form, out, at = FileInForm(boundary), b"", 0
    for cut in [*cuts, len(body)]:
        out += form.feed(body[at : at + cut])
        at += cut

    assert (out, form.name, form.complete) == (content, "卡.txt", True)


@given(st.binary(max_size=400), st.integers(1, 50))
def test_whatever_comes_as_a_form_gives_bytes_or_is_none(body: bytes, size: int) -> None:
    form = FileInForm(b"b")
    try:
        out = b"".join(form.feed(body[at : at + size]) for at in range(0, len(body), size))
    except NotAForm:
        return
    assert len(out) <= len(body)


@given(st.text(max_size=100))
def test_a_type_gives_a_boundary_or_none_or_is_refused(said: str) -> None:
    try:
        found = boundary_of(f"multipart/form-data; boundary={said}")
    except NotAForm:
        return
    assert found is None or 1 <= len(found) <= 70


@given(st.text(max_size=40))
def test_what_is_typed_as_a_cost_is_an_amount_or_refused_in_a_sentence(said: str) -> None:
    try:
        minor, currency = typed_cost(said, "CNY")
    except Refusal:
        return
    assert minor > 0 and len(currency) == 3 and currency.isupper()


@pytest.mark.parametrize(
    ("said", "minor", "currency"),
    [("85", 8500, "CNY"), ("８５．５", 8550, "CNY"), ("12.50 USD", 1250, "USD"), ("usd 12", 1200, "USD"), ("1,200 JPY", 1200, "JPY")],
)
def test_a_cost_is_typed_with_or_without_a_currency(said: str, minor: int, currency: str) -> None:
    assert typed_cost(said, "CNY") == (minor, currency)


@given(st.text(max_size=40))
def test_what_a_button_of_the_walk_carries_is_read_or_gone(arg: str) -> None:
    try:
        supplier_id, _, paper_id = walked(arg)
    except Gone:
        return
    assert supplier_id >= 0 and (paper_id is None or paper_id >= 0)
