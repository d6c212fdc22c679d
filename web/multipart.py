"""The file in a form that a browser sends, taken out while it arrives: bounded memory, whatever the file's size."""

from __future__ import annotations

import re
from email.message import Message

_MOST_HEADERS = 16 * 1024
_MOST_PARTS = 20
_BOUNDARY = re.compile(r"[A-Za-z0-9'()+_,./:=? -]{0,69}[A-Za-z0-9'()+_,./:=?-]", re.ASCII)


class NotAForm(ValueError):
    """This is no form with a file."""


def boundary_of(content_type: str) -> bytes | None:
    """The boundary of a multipart/form-data body; None when the type is another. Raises NotAForm when it has none."""
    said = Message()
    said["content-type"] = content_type[:1000]
    if said.get_content_type() != "multipart/form-data":
        return None
    boundary = said.get_param("boundary")
    if not isinstance(boundary, str) or not _BOUNDARY.fullmatch(boundary):
        raise NotAForm
    return boundary.encode("ascii")


class FileInForm:
    """Fed with the body piece by piece, gives back the content of its first file. `name` is the file's, `complete` when it was whole."""

    def __init__(self, boundary: bytes) -> None:
        self._between = b"\r\n--" + boundary
        # The first boundary stands at the very beginning, so that it is found like the others.
        self._rest = bytearray(b"\r\n")
        self._state = "before"
        self._parts = 0
        self.name: str | None = None
        self.complete = False

    def feed(self, piece: bytes) -> bytes:
        """More of the body has come; returns what of it is the file's. Raises NotAForm."""
        self._rest += piece
        out = bytearray()
        while self._step(out):
            pass
        return bytes(out)

    def _step(self, out: bytearray) -> bool:
        """One step through what has come; False when more is needed."""
        if self._state == "over":
            self._rest.clear()
            return False
        if self._state == "headers":
            return self._headers()
        at = self._rest.find(self._between)
        if at < 0:
            # What may be the beginning of a boundary stays.
            sure = max(0, len(self._rest) - len(self._between) + 1)
            self._content(sure, out)
            return False
        after = at + len(self._between)
        if len(self._rest) < after + 2:
            self._content(at, out)
            return False
        self._content(at, out)
        del self._rest[: len(self._between)]
        if self._state == "file":
            self.complete, self._state = True, "over"
            return True
        self._state = "over" if self._rest.startswith(b"--") else "headers"
        return True

    def _content(self, count: int, out: bytearray) -> None:
        if self._state == "file":
            out += self._rest[:count]
        del self._rest[:count]

    def _headers(self) -> bool:
        end = self._rest.find(b"\r\n\r\n")
        if end < 0:
            if len(self._rest) > _MOST_HEADERS:
                raise NotAForm
            return False
        self._parts += 1
        if self._parts > _MOST_PARTS or end > _MOST_HEADERS:
            raise NotAForm
        head = bytes(self._rest[:end]).decode("utf-8", "replace")
        del self._rest[: end + 4]
        found = re.search(r'content-disposition:[^\r\n]*?;\s*filename="((?:[^"\\\r\n]|\\.)*)"', head, re.IGNORECASE)
        self._state = "file" if found else "other"
        if found:
            self.name = found[1]
        return True
