"""Marked copies: every PDF a shop may sell carries the number on every page, and one that cannot says why before it is sold."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject, NumberObject

from papers.watermark import PdfBroken, PdfLocked, PdfTooLong, marked, try_pdf

WORDS = "L7-1-ABCDEFGH / 2026-000123"


def page_saying(writer: PdfWriter, text: str) -> PageObject:
    page = writer.add_blank_page(300, 400)
    stream = DecodedStreamObject()
    # It moves and scales without putting that back, as some programs do.
    stream.set_data(b"0.1 0 0 0.1 500 500 cm BT /F1 120 Tf (%s) Tj ET" % text.encode())
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Courier"),
        }
    )
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})})
    page[NameObject("/Contents")] = writer._add_object(stream)
    return page


def book(*, packed: bool = False, password: str = "", pages: int = 3) -> bytes:
    writer = PdfWriter()
    for number in range(pages):
        page_saying(writer, f"Page {number + 1}")
    if password:
        writer.encrypt(password)
    if packed:
        writer.compress_identical_objects()
    sink = io.BytesIO()
    writer.write(sink)
    return xref_stream(sink.getvalue()) if packed else sink.getvalue()


def xref_stream(plain: bytes) -> bytes:
    """The same document with all its objects packed away and a cross-reference stream in place of the table (PDF 1.5)."""
    reader = PdfReader(io.BytesIO(plain))
    ids = sorted(number for number in reader.xref[0] if number)
    out, places = io.BytesIO(), dict[int, tuple[int, int, int]]()
    out.write(b"%PDF-1.5\n")
    packed, streams = list[tuple[int, bytes]](), list[tuple[int, bytes]]()
    for number in ids:
        sink = io.BytesIO()
        found = reader.get_object(number)
        assert found is not None
        found.write_to_stream(sink)
        (streams if b"stream" in sink.getvalue() else packed).append((number, sink.getvalue()))
    size = max(ids) + 3
    for number, body in streams:
        places[number] = (1, out.tell(), 0)
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    head, rest = b"", b""
    for index, (number, body) in enumerate(packed):
        head += b"%d %d " % (number, len(rest))
        rest += body + b"\n"
        places[number] = (2, size - 2, index)
    places[size - 2] = (1, out.tell(), 0)
    data = head + rest
    out.write(
        b"%d 0 obj\n<</Type/ObjStm/N %d/First %d/Length %d>>\nstream\n%s\nendstream\nendobj\n"
        % (size - 2, len(packed), len(head), len(data), data)
    )
    start = out.tell()
    places[size - 1], places[0] = (1, start, 0), (0, 0, 65535)
    table = b"".join(
        bytes([kind]) + a.to_bytes(4, "big") + b.to_bytes(2, "big") for kind, a, b in (places.get(n, (0, 0, 0)) for n in range(size))
    )
    root = reader.trailer.raw_get("/Root").idnum
    facts = b"<</Type/XRef/Size %d/W[1 4 2]/Root %d 0 R/Length %d>>" % (size, root, len(table))
    out.write(b"%d 0 obj\n%s\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (size - 1, facts, table, start))
    return out.getvalue()


@pytest.mark.parametrize("packed", [False, True])
def test_every_page_carries_the_number_and_keeps_its_own_words(packed: bool) -> None:
    original = book(packed=packed)
    assert (b"/XRef" in original) is packed
    made = marked("book.pdf", original, WORDS)
    assert made is not None
    reader = PdfReader(io.BytesIO(made), strict=True)
    assert len(reader.pages) == 3
    for number, page in enumerate(reader.pages, 1):
        text = page.extract_text()
        assert WORDS in text and f"Page {number}" in text
    assert reader.metadata is not None and str(reader.metadata["/Licence"]) == WORDS
    try_pdf(original)


def test_the_mark_lies_at_the_foot_of_the_page_whatever_the_page_did_to_its_drawing() -> None:
    writer = PdfWriter()
    page = page_saying(writer, "moved")
    page.mediabox = page.cropbox = ArrayObject([NumberObject(side) for side in (100, 200, 400, 600)])
    sink = io.BytesIO()
    writer.write(sink)
    made = marked("a.pdf", sink.getvalue(), WORDS)
    assert made is not None
    placed = PdfReader(io.BytesIO(made)).pages[0].get_contents()
    assert placed is not None and b"1 0 0 1 118" in placed.get_data() and b"212" in placed.get_data()


def test_words_with_brackets_stand_as_they_are() -> None:
    made = marked("a.pdf", book(pages=1), r"L(1)\2 / )(")
    assert made is not None
    assert r"L(1)\2 / )(" in PdfReader(io.BytesIO(made)).pages[0].extract_text()


def test_a_locked_a_broken_and_an_endless_pdf_say_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PdfLocked):
        try_pdf(book(password="secret"))
    for broken in (b"%PDF-1.7\nnothing", book()[:200], b"%PDF-1.4\n%%EOF"):
        with pytest.raises(PdfBroken):
            try_pdf(broken)
        assert marked("a.pdf", broken, WORDS) is None
    monkeypatch.setattr("papers.watermark.MOST_PAGES", 2)
    with pytest.raises(PdfTooLong):
        try_pdf(book())


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 3000), piece=st.binary(max_size=12))
def test_whatever_is_done_to_a_pdf_it_is_marked_or_refused_and_nothing_else(cut: int, piece: bytes) -> None:
    original = book(pages=1)
    made = marked("a.pdf", original[:cut] + piece + original[cut + len(piece) :], WORDS)
    assert made is None or WORDS.encode() in made or len(PdfReader(io.BytesIO(made)).pages) > 0


def test_pictures_and_texts_are_marked_and_other_files_are_not() -> None:
    sink = io.BytesIO()
    Image.new("RGB", (200, 200), "white").save(sink, "PNG")
    assert marked("a.png", sink.getvalue(), WORDS) not in (None, sink.getvalue())
    assert marked("a.txt", "你好".encode("gb18030"), WORDS) is not None
    assert marked("a.zip", b"PK\x03\x04", WORDS) is None
