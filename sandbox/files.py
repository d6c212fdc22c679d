"""File bodies: in a folder beside the state file, or in memory; and what a picture says about its own size."""

import mimetypes
import secrets
import struct
from pathlib import Path

from sandbox import limits
from sandbox.errors import ApiError, bad_request
from sandbox.state import StoredFile
from sandbox.store import Store

PICTURES = {b"\x89P": "image/png", b"GI": "image/gif", b"\xff\xd8": "image/jpeg", b"RI": "image/webp"}


def picture_size(body: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF, JPEG or WebP picture; None when it is none."""
    if body.startswith(b"\x89PNG\r\n\x1a\n") and len(body) >= 24:
        width, height = struct.unpack(">II", body[16:24])
    elif body[:6] in (b"GIF87a", b"GIF89a") and len(body) >= 10:
        width, height = struct.unpack("<HH", body[6:10])
    elif body.startswith(b"\xff\xd8"):
        return _jpeg_size(body)
    elif body[:4] == b"RIFF" and body[8:12] == b"WEBP" and len(body) >= 30:
        width, height = _webp_size(body)
    else:
        return None
    return (width, height) if width and height else None


def _jpeg_size(body: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(body):
        if body[at] != 0xFF:
            return None
        marker = body[at + 1]
        # The frames that carry a size are C0 to CF, except three markers that only look like them.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", body[at + 5 : at + 9])
            return (width, height) if width and height else None
        at += 2 + int(struct.unpack(">H", body[at + 2 : at + 4])[0])
    return None


def _webp_size(body: bytes) -> tuple[int, int]:
    kind = body[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[24:27], "little"), 1 + int.from_bytes(body[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return struct.unpack("<H", body[26:28])[0] & 0x3FFF, struct.unpack("<H", body[28:30])[0] & 0x3FFF


class Files:
    """All files by their id. A bot only knows the files of its own chats."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder: Path | None = None if store.file is None else store.file.with_name(store.file.name + ".files")
        self._bodies: dict[str, bytes] = {}
        self._files = {key: StoredFile(**row) for key, row in store.rows("file")}
        self._by_path = {(file.bot, file.path): file for file in self._files.values()}
        if self._folder is not None:
            self._folder.mkdir(exist_ok=True)

    def keep(self, bot: str, name: str, body: bytes, kind: str, mime_type: str | None = None) -> StoredFile:
        """Stores a file (`kind` is `document` or `photo`) for a bot's chats; raises ApiError when Telegram would not take it."""
        if len(body) == 0:
            raise bad_request("file must be non-empty")
        width, height = 0, 0
        if kind == "photo":
            if len(body) > limits.PHOTO_BYTES:
                raise ApiError(413, "Request Entity Too Large")
            size = picture_size(body)
            if size is None:
                raise bad_request("IMAGE_PROCESS_FAILED")
            width, height = size
            # The bytes say what the picture is; a name or type that says otherwise might be a page with a script.
            mime_type = PICTURES[body[:2]]
        file_id = ("P" if kind == "photo" else "D") + secrets.token_urlsafe(32)
        name = name.replace("/", "_").replace("\\", "_") or kind
        guessed = mime_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        suffix = Path(name).suffix if kind == "document" else ".jpg"
        path = f"{kind}s/file_{len(self._files)}{suffix if suffix.isascii() else ''}"
        file = StoredFile(file_id, bot, path, name, guessed, len(body), kind, width, height)
        if self._folder is None:
            self._bodies[file_id] = body
        else:
            (self._folder / file_id).write_bytes(body)
        self._files[file_id] = file
        self._by_path[bot, path] = file
        self._store.put("file", file_id, file)
        return file

    def of_bot(self, bot: str, file_id: str) -> StoredFile | None:
        """The file, when this bot may use it."""
        file = self._files.get(file_id)
        return file if file is not None and file.bot == bot else None

    def get(self, file_id: str) -> StoredFile | None:
        return self._files.get(file_id)

    def at(self, bot: str, path: str) -> StoredFile | None:
        return self._by_path.get((bot, path))

    def body(self, file: StoredFile) -> bytes:
        if self._folder is None:
            return self._bodies[file.file_id]
        return (self._folder / file.file_id).read_bytes()
