"""What a picture says about its size, for each kind of picture Telegram takes."""

import struct

import pytest

from sandbox.files import picture_size
from tests.sandbox.pictures import png

JPEG = b"\xff\xd8" + b"\xff\xe0\x00\x04ab" + b"\xff\xc4\x00\x03x" + b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", 20, 30) + b"\x03"
GIF = b"GIF89a" + struct.pack("<HH", 30, 20)
WEBP = b"RIFF\x00\x00\x00\x00WEBP"
SIZE_OF_X = (29).to_bytes(3, "little") + (19).to_bytes(3, "little")


@pytest.mark.parametrize(
    "body",
    [
        png(30, 20),
        JPEG,
        GIF,
        WEBP + b"VP8X" + bytes(8) + SIZE_OF_X,
        WEBP + b"VP8L" + bytes(4) + b"\x2f" + (29 | 19 << 14).to_bytes(4, "little") + bytes(5),
        WEBP + b"VP8 " + bytes(10) + struct.pack("<HH", 30, 20),
    ],
)
def test_the_size_is_read_from_the_first_bytes(body: bytes) -> None:
    assert picture_size(body) == (30, 20)


@pytest.mark.parametrize("body", [b"", b"<svg>", b"\x89PNG\r\n\x1a\n", b"GIF89a", JPEG[:8], b"\xff\xd8" + bytes(20), png(0, 0)])
def test_what_is_no_whole_picture_has_no_size(body: bytes) -> None:
    assert picture_size(body) is None
