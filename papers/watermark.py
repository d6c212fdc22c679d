"""A buyer's copy of a file: their licence number is written into texts, pictures and PDFs; what cannot be marked stays as it is.

Nothing here hides the number: it tells an honest buyer whose copy it is, and the shop where a copy came from.
"""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, UnidentifiedImageError
from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject, NullObject, NumberObject, StreamObject

from papers.pictures import drawable, font_of

MOST_PIXELS = 40_000_000  # a picture that unpacks to more is left as it is
MOST_BYTES = 20_000_000
MOST_PAGES = 2_000
_TEXTS = ("txt", "md", "srt", "log")
_PICTURES = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP"}
_MARK = "/LicenceOfThisCopy"


def marked(name: str, content: bytes, words: str) -> bytes | None:
    """The file with these words (a licence and an order number, in ASCII) written into it; None when it is of no kind that can be."""
    assert words.isascii() and words.isprintable(), "what is written stands in every font"
    ending = name.rpartition(".")[2].lower()
    if len(content) > MOST_BYTES:
        return None
    if is_pdf(content):
        return _pdf(content, words)
    if ending in _PICTURES:
        return _picture(content, _PICTURES[ending], words)
    if ending in _TEXTS:
        return _text(content, words)
    return None


def marked_name(name: str, licence: str) -> str:
    """The file's name with the licence number in it: every copy carries at least that."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}-{licence}.{ending}" if dot and stem else f"{name}-{licence}"


def _text(content: bytes, words: str) -> bytes | None:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            return None
        end = "\r\n" if "\r\n" in text else "\n"
        written = f"{words}{end}{end}{text}{'' if text.endswith(end) else end}{end}{words}{end}"
        return written.encode("utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else encoding.removesuffix("-sig"))
    return None


def _picture(content: bytes, kind: str, words: str) -> bytes | None:
    try:
        with Image.open(io.BytesIO(content)) as opened:
            if opened.width * opened.height > MOST_PIXELS or getattr(opened, "n_frames", 1) > 1:
                return None
            picture = opened.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return None
    size = max(12, min(picture.width, picture.height) // 28)
    face = font_of(size)
    text = drawable(words)
    layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    wide = max(1, int(pen.textlength(text, font=face)))
    # All over it: a corner is cut off in a moment.
    for row, top in enumerate(range(size, picture.height, max(size * 6, picture.height // 4))):
        for left in range(size - (row % 2) * wide // 2, picture.width, wide + size * 6):
            pen.text((left + 1, top + 1), text, font=face, fill=(0, 0, 0, 70))
            pen.text((left, top), text, font=face, fill=(255, 255, 255, 110))
    made = Image.alpha_composite(picture, layer)
    sink = io.BytesIO()
    if kind == "JPEG":
        made.convert("RGB").save(sink, kind, quality=92)
    else:
        made.save(sink, kind)
    return sink.getvalue()


class PdfTrouble(Exception):
    """Why a PDF cannot be marked; the file is then better not sold as one whose copies carry a number."""


class PdfLocked(PdfTrouble):
    """It asks for a password, or forbids changes."""


class PdfBroken(PdfTrouble):
    """Its pages cannot be read."""


class PdfTooLong(PdfTrouble):
    """It has more pages than are marked while a buyer waits."""


def is_pdf(content: bytes) -> bool:
    """Whether it says of itself that it is a PDF, whatever its name."""
    return content[:1024].lstrip().startswith(b"%PDF-")


def try_pdf(content: bytes) -> None:
    """Raises what kept a copy of this PDF from carrying a number."""
    _pdf_marked(content, "LICENCE")


def _pdf(content: bytes, words: str) -> bytes | None:
    try:
        return _pdf_marked(content, words)
    except PdfTrouble:
        return None


def _pdf_marked(content: bytes, words: str) -> bytes:
    """The words at the foot of every page, after its own content, and in what the document says of itself. Raises PdfTrouble."""
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted:
            raise PdfLocked
        writer = PdfWriter(clone_from=reader)
        if not writer.pages:
            raise PdfBroken
        if len(writer.pages) > MOST_PAGES:
            raise PdfTooLong
        begin, mark = writer._add_object(_stream(b"q\n")), writer._add_object(_mark(words))
        for page in writer.pages:
            _put(writer, page, begin, mark)
        writer.add_metadata({"/Licence": words})
        sink = io.BytesIO()
        writer.write(sink)
        return sink.getvalue()
    except (PyPdfError, ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError, OSError, RecursionError) as trouble:
        # Whatever somebody's file does to the reader: it is the file that is wrong.
        raise PdfBroken from trouble


def _stream(body: bytes) -> StreamObject:
    made = StreamObject()
    made.set_data(body)
    return made


def _mark(words: str) -> StreamObject:
    """The words as a drawing of their own, with its font: one for all pages."""
    escaped = words.encode().replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
    made = _stream(b"q 0.45 g BT /F 8 Tf 2 3 Td (%s) Tj ET Q" % escaped)
    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    named = DictionaryObject({NameObject(name): NameObject(value) for name, value in font.items()})
    made[NameObject("/Type")], made[NameObject("/Subtype")] = NameObject("/XObject"), NameObject("/Form")
    made[NameObject("/BBox")] = ArrayObject([NumberObject(side) for side in (0, 0, 8 * len(words), 12)])
    made[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): DictionaryObject({NameObject("/F"): named})})
    return made


def _put(writer: PdfWriter, page: PageObject, begin: IndirectObject, mark: IndirectObject) -> None:
    """The mark over one page, wherever its corner lies; what the page did to its own drawing is undone before."""
    resources = page.get("/Resources", DictionaryObject()).get_object()
    page[NameObject("/Resources")] = resources
    drawings = resources.get("/XObject", DictionaryObject()).get_object()
    resources[NameObject("/XObject")] = drawings
    drawings[NameObject(_MARK)] = mark
    box = page.cropbox
    end = _stream(b"\nQ\nq 1 0 0 1 %.2f %.2f cm %s Do Q\n" % (float(box.left) + 18, float(box.bottom) + 12, _MARK.encode()))
    drawn = page.raw_get("/Contents") if "/Contents" in page else ArrayObject()
    there = drawn.get_object()
    own = list(there) if isinstance(there, ArrayObject) else [] if isinstance(there, NullObject) else [drawn]
    page[NameObject("/Contents")] = ArrayObject([begin, *own, writer._add_object(end)])
