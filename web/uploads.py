"""The door for large files of codes: a one-time address, a page to drop a file on, and the file streamed to where it is read."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import IO, ClassVar, Protocol
from urllib.parse import unquote

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.requests import ClientDisconnect

from core.errors import N_, Refusal
from locales import Safe, Speech, match
from web import upload_page
from web.multipart import FileInForm, NotAForm, boundary_of

log = structlog.get_logger()

FILE_BYTES = 512 << 20
_AROUND_FILE = 64 * 1024  # what a form may have besides the file
_WRITE_BYTES = 1 << 20  # gathered before a thread writes them
SILENT_SECONDS = 60.0  # without a byte the sender is gone
MOST_AT_ONCE = 4  # files that arrive at a process at the same time
WHOLE_SECONDS = 30 * 60.0  # for all of a file: one that drips does not hold a room for ever
GUESSES_A_MINUTE = 60  # words that are no link, from one address; a good link is answered all the same
ADDRESSES = 10_000  # that are remembered for their guesses


@dataclass(eq=False)
class TooLarge(Refusal):
    says: ClassVar[str] = N_("The file is larger than {megabytes} MB. Please split it, or pack it as .zip or .gz.")

    megabytes: int


@dataclass(eq=False)
class NoFile(Refusal):
    says: ClassVar[str] = N_("There was no file in it. Please choose one and send it again.")


@dataclass(eq=False)
class CutOff(Refusal):
    says: ClassVar[str] = N_("The connection broke off. Nothing was imported; please try again.")


@dataclass(eq=False)
class TooBusy(Refusal):
    says: ClassVar[str] = N_("Many files are coming in at the moment. Please try again in a minute; your link stays good.")


@dataclass(frozen=True, slots=True)
class Welcome:
    """What the page says: in whose language, for which goods, until when."""

    speech: Speech
    name: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Course:
    """How an import stands: `html` is None while it goes on; `again` when the same link may be used once more."""

    speech: Speech
    said: str
    html: Safe | None = None
    good: bool = False
    again: bool = False


def minute_now() -> int:
    """The minute in which wrong words are counted together."""
    return int(time.monotonic() // 60)


class Receiving(Protocol):
    """A file that is on its way: nobody else can send one by the same link meanwhile."""

    speech: Speech

    async def broke_off(self) -> None:
        """It did not arrive: the link is good again."""
        ...

    async def arrived(self, name: str, file: IO[bytes]) -> None:
        """It is here, and is imported from now on beside everything else; the file is closed at the end."""
        ...


class UploadDoor(Protocol):
    """Who knows the links. Both methods raise a Refusal for a link that is not good (any more)."""

    async def welcome(self, word: str) -> Welcome: ...

    async def take(self, word: str) -> Receiving: ...

    def course(self, word: str) -> Course | None:
        """How the import by this link stands, when this process knows."""
        ...


class _Guesses:
    """How often words that are no link came from an address, in the running minute."""

    def __init__(self) -> None:
        self._minute, self._from = 0, Counter[str]()

    def another(self, request: Request) -> bool:
        """Count one more; whether there were too many from there already."""
        minute = minute_now()
        if minute != self._minute or len(self._from) > ADDRESSES:
            self._minute, self._from = minute, Counter()
        address = request.client.host if request.client is not None else ""
        self._from[address] += 1
        return self._from[address] > GUESSES_A_MINUTE


def add_upload_door(app: FastAPI, door: Callable[[], UploadDoor | None], *, most_bytes: int = FILE_BYTES) -> None:
    """Serve `/upload/{word}`; `door` gives None as long as nobody can say which links there are."""
    guesses, room = _Guesses(), asyncio.Semaphore(MOST_AT_ONCE)

    @app.get("/upload/{word}")
    async def page(word: str, request: Request) -> Response:
        """The form; or the result, when a file has come by this link."""
        opened = door()
        if opened is None:
            return _refused(request, _speech(request), TooBusy(), 503)
        course = opened.course(word)
        if course is not None and not course.again:
            return _see_result(request)
        try:
            welcome = await opened.welcome(word)
        except Refusal as refusal:
            if guesses.another(request):
                return _refused(request, _speech(request), TooBusy(), 503)
            return _refused(request, _speech(request), refusal, 410)
        nonce, say = secrets.token_urlsafe(12), welcome.speech
        return _html(upload_page.form(say, name=welcome.name, until=say.when(welcome.until), path=request.url.path, nonce=nonce), nonce)

    @app.get("/upload/{word}/result")
    async def result(word: str, request: Request) -> Response:
        """How far it is, and what became of it."""
        opened = door()
        course = opened.course(word) if opened is not None else None
        if course is None:
            speech = _speech(request)
            html = speech.say("Please look into your chat with the shop: what became of the file is told there.")
            course = Course(speech, "", html)
        if _wants_json(request):
            html_said = None if course.html is None else upload_page.broken(course.html)
            return _json(
                {"done": html_said is not None, "said": course.said, "html": html_said, "good": course.good, "again": course.again}
            )
        nonce = secrets.token_urlsafe(12)
        if course.html is None:
            return _html(upload_page.going_on(course.speech, course.said, nonce=nonce), nonce)
        back = request.url.path.removesuffix("/result") if course.again else None
        return _html(upload_page.told(course.speech, course.html, good=course.good, again=back, nonce=nonce), nonce)

    @app.post("/upload/{word}")
    async def upload(word: str, request: Request) -> Response:
        """One file, in a form or as it is; answered when it has arrived, and read afterwards."""
        opened, say = door(), _speech(request)
        if opened is None or room.locked():
            return _refused(request, say, TooBusy(), 503, again=True)
        announced = request.headers.get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced) > most_bytes + _AROUND_FILE:
            return _refused(request, say, TooLarge(megabytes=most_bytes >> 20), 413, again=True)
        async with room:
            try:
                receiving = await opened.take(word)
            except Refusal as refusal:
                if guesses.another(request):
                    return _refused(request, say, TooBusy(), 503)
                return _refused(request, say, refusal, 410)
            return await _receive(request, receiving, most_bytes)


async def _receive(request: Request, receiving: Receiving, most_bytes: int) -> Response:
    # Without a name and for its owner only: whatever ends this process, no file stays behind.
    file = await asyncio.to_thread(tempfile.TemporaryFile)
    handed_over = False
    try:
        name = await _into(file, request, most_bytes)
        await receiving.arrived(name, file)
        handed_over = True
    except Refusal as refusal:
        status = 413 if isinstance(refusal, TooLarge) else 400
        answer = _refused(request, receiving.speech, refusal, status, again=True)
        if isinstance(refusal, CutOff):
            answer.headers["Connection"] = "close"  # What still drips is not waited for.
        return answer
    finally:
        if not handed_over:
            file.close()
            # Also when the server gives the request up: the link is good again.
            await asyncio.shield(receiving.broke_off())
    if _wants_json(request):
        return _json({"done": False}, 202)
    return _see_result(request)


async def _into(file: IO[bytes], request: Request, most_bytes: int) -> str:
    """Write what is sent into the file, in bounded memory; its name. Raises TooLarge, NoFile, CutOff."""
    try:
        boundary = boundary_of(request.headers.get("content-type", ""))
    except NotAForm:
        raise NoFile from None
    form = FileInForm(boundary) if boundary is not None else None
    taken, gathered = 0, bytearray()
    came = 0
    try:
        async for piece in _pieces(request):
            came += len(piece)
            content = piece if form is None else form.feed(piece)
            taken += len(content)
            if taken > most_bytes or came > most_bytes + _AROUND_FILE:
                raise TooLarge(megabytes=most_bytes >> 20)
            gathered += content
            if len(gathered) >= _WRITE_BYTES:
                await asyncio.to_thread(file.write, bytes(gathered))
                gathered.clear()
        await asyncio.to_thread(file.write, bytes(gathered))
        await asyncio.to_thread(file.flush)
    except NotAForm:
        raise NoFile from None
    except (ClientDisconnect, TimeoutError):
        raise CutOff from None
    except OSError as trouble:
        log.error("upload-not-written", error=type(trouble).__name__, errno=trouble.errno)
        raise TooBusy from None
    if form is not None and not form.complete:
        raise NoFile if form.name is None else CutOff
    if not taken:
        raise NoFile
    if form is not None:
        return _file_name(form.name or "")
    return _file_name(unquote(request.headers.get("x-file-name", "")[:2000]))


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """What is sent, as it comes. Raises TimeoutError for a sender that is silent for long, or takes too long for all of it."""
    stream, last = request.stream(), time.monotonic() + WHOLE_SECONDS
    while True:
        async with asyncio.timeout(min(SILENT_SECONDS, last - time.monotonic())):
            piece = await anext(stream, None)
        if piece is None:
            return
        yield piece


def _file_name(given: str) -> str:
    """The last part of a name, without what cannot be seen: it is shown, and never a path."""
    last = given.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable())[-120:]


def _speech(request: Request) -> Speech:
    """The language of a browser whose link says nothing."""
    first = request.headers.get("accept-language", "").split(",")[0].split(";")[0].strip()
    return Speech(match(first[:20] or None, "en"))


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _refused(request: Request, speech: Speech, refusal: Refusal, status: int, *, again: bool = False) -> Response:
    html = speech.say(refusal.says, **speech.spoken(refusal.facts()))
    if _wants_json(request):
        return _json({"done": True, "html": upload_page.broken(html), "good": False, "again": again}, status)
    nonce = secrets.token_urlsafe(12)
    back = request.url.path if again else None
    return _html(upload_page.told(speech, html, good=False, again=back, nonce=nonce), nonce, status)


def _see_result(request: Request) -> Response:
    return RedirectResponse(f"{request.url.path}/result", status_code=303, headers=_GUARDED)


_GUARDED = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


def _html(text: str, nonce: str, status: int = 200) -> Response:
    rules = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(text, status, {**_GUARDED, "Content-Security-Policy": rules})


def _json(content: dict[str, object], status: int = 200) -> Response:
    return JSONResponse(content, status, _GUARDED)


__all__ = [
    "Course",
    "Receiving",
    "UploadDoor",
    "Welcome",
    "add_upload_door",
]
