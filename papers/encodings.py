"""Telling in which encoding a merchant's list is written, and what is no text at all."""

import codecs
import io
from collections.abc import Callable
from itertools import chain
from typing import BinaryIO

from papers.codes import Fault, Meter, Unreadable

GZ = b"\x1f\x8b"

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CHUNK = 64 * 1024
_NO_TEXT = (
    b"%PDF-",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",
    b"\x7fELF",
    b"SQLite format 3\x00",
    b"PK\x07\x08",
    b"Rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x0b\x0c\x1a")) + b"\x7f"

Open = Callable[[], io.BufferedIOBase | BinaryIO]
"""Opens the same bytes from their start, as often as asked: once to learn the encoding, once to read."""


def encoding_of(opened: Open, meter: Meter | None) -> str:
    """Read everything once to learn the encoding and how far it expands; refuses what is not text."""
    with opened() as file:
        head = file.read(_CHUNK)
        _refuse_known_formats(head, file)
        if meter:
            meter.add(len(head))
        utf16 = _utf16(head)
        if utf16:
            _count_utf16(file, head, utf16, meter)
            return utf16
        return _utf8_or_gb18030(file, head, meter)


def _refuse_known_formats(head: bytes, file: io.BufferedIOBase | BinaryIO) -> None:
    if head.startswith(_OLE):
        # A workbook with a password is an old-style file around an encrypted one; without it, it is a workbook of before 2007.
        mark = "EncryptedPackage".encode("utf-16-le")
        tail, found = head, mark in head
        while not found and (chunk := file.read(_CHUNK)):
            tail = tail[-len(mark) :] + chunk
            found = mark in tail
        raise Unreadable(Fault.encrypted_archive if found else Fault.unknown_format)
    if head.startswith(GZ) or head[257:262] == b"ustar":
        raise Unreadable(Fault.nested_archive)  # A gz is read where it stands alone, so this one is inside another archive.
    if head.startswith(_NO_TEXT):
        raise Unreadable(Fault.unknown_format)


def _utf16(head: bytes) -> str | None:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None if head.startswith(codecs.BOM_UTF32_LE) else "utf-16"
    even, odd = head[0::2], head[1::2]
    if len(head) >= 4:
        if not even.count(0) and 2 * odd.count(0) > len(odd):
            return "utf-16-le"
        if not odd.count(0) and 2 * even.count(0) > len(even):
            return "utf-16-be"
    return None


def _count_utf16(file: io.BufferedIOBase | BinaryIO, head: bytes, encoding: str, meter: Meter | None) -> None:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    damage = _Damage()
    for chunk in chain([head], iter(lambda: file.read(_CHUNK), b"")):
        if meter and chunk is not head:
            meter.add(len(chunk))
        text = decoder.decode(chunk)
        damage.add(len(text), text.count("\ufffd") + text.count("\x00"))
    damage.add(0, len(decoder.decode(b"", True)))
    damage.judge()


class _Damage:
    """How much of a file is no text at all: a few broken lines are refused one by one, a picture as a whole."""

    def __init__(self) -> None:
        self.chars = self.broken = 0

    def add(self, chars: int, broken: int) -> None:
        self.chars += chars
        self.broken += broken

    def judge(self) -> None:
        if self.broken > max(8, self.chars // 10):
            raise Unreadable(Fault.not_text)


def _utf8_or_gb18030(file: io.BufferedIOBase | BinaryIO, head: bytes, meter: Meter | None) -> str:
    utf8 = codecs.getincrementaldecoder("utf-8-sig")("replace")
    gb18030 = codecs.getincrementaldecoder("gb18030")("replace")
    as_utf8, as_gb18030 = _Damage(), _Damage()
    controls = wide = 0
    for chunk in chain([head], iter(lambda: file.read(_CHUNK), b"")):
        if meter and chunk is not head:
            meter.add(len(chunk))
        controls += len(chunk) - len(chunk.translate(None, _CONTROLS))
        if chunk.isascii() and not utf8.getstate()[0] and not gb18030.getstate()[0]:
            as_utf8.add(len(chunk), 0)
            as_gb18030.add(len(chunk), 0)
            continue
        text = utf8.decode(chunk)
        broken = text.count("\ufffd")
        wide += len(text) - len(text.encode("ascii", "ignore")) - broken
        as_utf8.add(len(text), broken)
        text = gb18030.decode(chunk)
        as_gb18030.add(len(text), text.count("\ufffd"))
    as_utf8.add(0, len(utf8.decode(b"", True)))
    as_gb18030.add(0, len(gb18030.decode(b"", True)))
    # One broken byte in a long UTF-8 file must not turn all of it into Chinese nonsense.
    better, encoding = (
        (as_utf8, "utf-8-sig") if 4 * as_utf8.broken <= wide or as_utf8.broken <= as_gb18030.broken else (as_gb18030, "gb18030")
    )
    better.add(0, controls)
    better.judge()
    return encoding
