"""A buyer's copy of a file: their licence number is written into texts, pictures and plain PDFs; what cannot be marked stays as it is.

Nothing here hides the number: it tells an honest buyer whose copy it is, and the shop where a copy came from.
"""

from __future__ import annotations

import io
import re

from PIL import Image, ImageDraw, UnidentifiedImageError

from papers.pictures import drawable, font_of

MOST_PIXELS = 40_000_000  # a picture that unpacks to more is left as it is
MOST_BYTES = 20_000_000
_TEXTS = ("txt", "md", "srt", "log")
_PICTURES = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP"}
_OBJECT = re.compile(rb"(?<![0-9])([0-9]{1,8}) ([0-9]{1,5}) obj\b")
_PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
_SIZE = re.compile(rb"/Size\s+([0-9]{1,8})")
_ROOT = re.compile(rb"/Root\s+([0-9]{1,8}\s+[0-9]{1,5}\s+R)")
_ID = re.compile(rb"/ID\s*(\[[^\]]{0,200}\])")
_START = re.compile(rb"startxref\s+([0-9]{1,10})\s+%%EOF\s*$")
_ANNOTS = re.compile(rb"/Annots\s*(\[[^\[\]]{0,4000}\]|[0-9]+\s+[0-9]+\s+R)")
_LONGEST_PAGE = 20_000  # bytes of a page's own object


def marked(name: str, content: bytes, words: str) -> bytes | None:
    """The file with these words (a licence and an order number, in ASCII) written into it; None when it is of no kind that can be."""
    assert words.isascii() and words.isprintable(), "what is written stands in every font"
    ending = name.rpartition(".")[2].lower()
    if len(content) > MOST_BYTES:
        return None
    if content.startswith(b"%PDF-"):
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


def _pdf(content: bytes, words: str) -> bytes | None:
    """A note on every page, appended as PDF's own incremental update: what was there stays byte for byte.

    Only PDFs with a plain table of objects: in encrypted and in packed ones the pages cannot be seen from outside.
    """
    start = _START.search(content[-2048:])
    if start is None or not content[int(start[1]) :].lstrip().startswith(b"xref"):
        return None
    trailer = content[content.rfind(b"trailer") :]
    size, root, known_as = _SIZE.search(trailer), _ROOT.search(trailer), _ID.search(trailer)
    if size is None or root is None or b"/Encrypt" in trailer:
        return None
    pages = _pages(content)
    if not pages:
        return None
    sink = io.BytesIO()
    sink.write(content if content.endswith(b"\n") else content + b"\n")
    places: dict[int, tuple[int, int]] = {}
    look, note = int(size[1]), int(size[1]) + 1

    def write(number: int, generation: int, body: bytes) -> None:
        places[number] = (sink.tell(), generation)
        sink.write(b"%d %d obj\n%s\nendobj\n" % (number, generation, body))

    escaped = words.encode().replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
    drawn = b"q 0.45 g BT /F 8 Tf 2 3 Td (%s) Tj ET Q" % escaped
    box = b"[0 0 %d 12]" % (8 * len(words))
    font = b"<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
    form = b"<</Type/XObject/Subtype/Form/BBox%s/Resources%s/Length %d>>\nstream\n%s\nendstream" % (box, font, len(drawn), drawn)
    write(look, 0, form)
    # Printed with the page (4), and locked (128).
    rect = b"[18 12 %d 24]" % (18 + 8 * len(words))
    described = b"<</Type/Annot/Subtype/FreeText/F 132/Rect%s/DA(/F 8 Tf 0.45 g)/Contents(%s)/AP<</N %d 0 R>>>>"
    write(note, 0, described % (rect, escaped, look))
    for number, generation, body in pages:
        write(number, generation, _with_note(body, note))
    table = sink.tell()
    sink.write(b"xref\n")
    for number in sorted(places):
        place, generation = places[number]
        sink.write(b"%d 1\n%010d %05d n \n" % (number, place, generation))
    known = b"/ID" + known_as[1] if known_as else b""
    sink.write(b"trailer\n<</Size %d/Root %s/Prev %d%s>>\nstartxref\n%d\n%%%%EOF\n" % (note + 1, root[1], int(start[1]), known, table))
    return sink.getvalue()


def _pages(content: bytes) -> list[tuple[int, int, bytes]]:
    """The newest form of each page that can be given a note: its number, generation and dictionary."""
    found: dict[int, tuple[int, int, bytes]] = {}
    for place in _OBJECT.finditer(content):
        piece = content[place.end() : place.end() + _LONGEST_PAGE]
        end = piece.find(b"endobj")
        body = piece[:end].strip() if end >= 0 else b""
        number = int(place[1])
        found.pop(number, None)
        if body.startswith(b"<<") and body.endswith(b">>") and _PAGE.search(body) and b"stream" not in body:
            found[number] = (number, int(place[2]), body)
    return list(found.values())


def _with_note(body: bytes, note: int) -> bytes:
    listed = _ANNOTS.search(body)
    if listed is None:
        return b"%s/Annots[%d 0 R]>>" % (body[:-2].rstrip(), note)
    if not listed[1].startswith(b"["):
        return body  # Its list of notes stands elsewhere, and may belong to other pages too.
    return body[: listed.start(1)] + b"%s %d 0 R]" % (listed[1][:-1], note) + body[listed.end(1) :]
