"""The line to a provider: HTTP with a time-out, bounded answers, JSON without floats, and nothing secret in what it says of a failure."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from connectors.settings import SetUpWrong, needed
from core.money import MOST_MINOR, exponent
from core.ports import NotSure

SECONDS = 10.0
MOST_BYTES = 1 << 20
CONNECTIONS = 10
_CHUNK_BYTES = 1 << 16

# What is said of a request that may be repeated, or of a server that is not itself: neither a yes nor a no.
_NOT_AN_ANSWER = frozenset({408, 421, 425, 429})

_AMOUNT = re.compile(r"(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,8})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered, with a status from 200 to 499 and a JSON object; numbers in it are int or Decimal."""

    status: int
    document: Mapping[str, Any]


class Line:
    """Requests to one provider over one session, which is made when it is first needed.

    `who` is the provider's name in messages; `base` its address. Headers may hold secrets: they are shown nowhere.
    """

    def __init__(
        self, who: str, base: str, *, headers: Mapping[str, str] | None = None, seconds: float = SECONDS, most_bytes: int = MOST_BYTES
    ) -> None:
        self._who = who
        self._base = URL(base.rstrip("/") + "/")
        self._headers = dict(headers or {})
        self._timeout = aiohttp.ClientTimeout(total=seconds)
        self._most_bytes = most_bytes
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """Ask. Raises NotSure for a time-out, a lost connection, 5xx, a redirection, or what is not a JSON object."""
        return await self._send("GET", path, params=query)

    async def get_file(self, path: str) -> bytes:
        """A file that is no JSON. Raises NotSure also for every status but 200."""
        status, body = await self._fetched("GET", path)
        if status != 200:
            self._unsure(f"status {status}")
        return body

    async def post(
        self,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        document: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Send a form or a JSON document. After NotSure it may have been done, or not."""
        assert form is None or document is None, "a body is either a form or a document"
        return await self._send("POST", path, params=query, data=form, json=document)

    def path_of(self, path: str, query: Sequence[tuple[str, str]] = ()) -> str:
        """The path and query of a request as they are sent, for what signs them."""
        asked = f"?{urlencode(query)}" if query else ""
        return f"{self._base.raw_path}{path}{asked}"

    async def signed(self, verb: str, path_and_query: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Send exactly these bytes to what `path_of` gave: they are signed. After NotSure it may have been done, or not."""
        to = URL(f"{self._base.origin()}{path_and_query}", encoded=True)
        return await self._send(verb, path_and_query, to=to, headers=headers, data=body or None)

    async def close(self) -> None:
        """Close the connections; whatever is asked afterwards is not sure."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _send(self, verb: str, path: str, **parts: Any) -> Answer:
        status, body = await self._fetched(verb, path, **parts)
        document, trouble = None, ""
        try:
            document = read_json(body)
        except ValueError as error:
            trouble = type(error).__name__
        if document is None:
            self._unsure(trouble)
        return Answer(status, document)

    async def _fetched(self, verb: str, path: str, *, to: URL | None = None, **parts: Any) -> tuple[int, bytes]:
        answer: tuple[int, bytes] | None = None
        trouble = ""
        # Raised below and not in here: an error of the library holds the address, and with some providers a secret is part of it.
        try:
            # No redirection is followed: the secret is for this provider alone.
            async with self._open().request(
                verb, to or self._base.joinpath(path), allow_redirects=False, timeout=self._timeout, **parts
            ) as response:
                if not 200 <= response.status < 500 or 300 <= response.status < 400 or response.status in _NOT_AN_ANSWER:
                    trouble = f"status {response.status}"
                else:
                    answer = response.status, await self._body(response)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            trouble = type(error).__name__
        if answer is None:
            self._unsure(trouble)
        return answer

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            self._unsure("the line is closed")
        if self._session is None:
            # No cookies, no proxy and no .netrc from the surroundings.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self._headers,
                trust_env=False,
            )
        return self._session

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        while chunk := await response.content.read(_CHUNK_BYTES):
            body += chunk
            if len(body) > self._most_bytes:
                response.close()
                self._unsure("an answer without end")
        return bytes(body)

    def _unsure(self, trouble: str) -> NoReturn:
        raise NotSure(f"{self._who}: {trouble}")


def read_json(body: bytes) -> Mapping[str, Any]:
    """The JSON object in a body, with Decimal for every number with a point.

    Raises ValueError for anything else, also when a name is given twice.
    """
    try:
        document = json.loads(body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_once_each)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("not an object")
    return document


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def minor_of(value: object, currency: str) -> int | None:
    """Minor units of an amount as a machine writes it ("12.50", 12, 12.5); None when it is not one, to the last digit."""
    # Never through a format: a number such as 1e999999999 would be written out.
    text = value if isinstance(value, str) else str(value) if type(value) in (int, Decimal) else ""
    if not _AMOUNT.fullmatch(text):
        return None
    minor = Decimal(text).scaleb(exponent(currency))
    if minor != minor.to_integral_value() or minor > MOST_MINOR:
        return None
    return int(minor)


def address(settings: Mapping[str, str], name: str, default: str = "") -> str:
    """A provider's address from the settings. Raises SetUpWrong; plain http is for this machine and the network around it only."""
    text = settings.get(name, "").strip() or default or needed(settings, name)
    wrong = SetUpWrong(f"{name} is not an address: write it like https://pay.example.com, without ? or #.")
    try:
        url = URL(text)
    except ValueError:
        raise wrong from None
    if url.scheme not in ("http", "https") or not url.host or url.query_string or url.fragment or url.user or url.password:
        raise wrong
    if url.scheme == "http" and not _near(url.host):
        raise SetUpWrong(f"{name} has to begin with https:// – over plain http everybody on the way reads the key.")
    return text.rstrip("/")


def _near(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".test"))
