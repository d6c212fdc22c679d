"""A person with a phone for tests and scripts: finds buttons by what is written on them, waits without sleeping."""

import asyncio
import io
import json
import mimetypes
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import aiohttp

from sandbox.rich import told

Json = dict[str, Any]
T = TypeVar("T")
Button = str | tuple[Json, str]

WAIT_SECONDS = 10.0
GONE = "The button is gone."
ENDLESS = aiohttp.ClientTimeout(total=None)


class PhoneRefused(Exception):
    """The sandbox did not let the person do it; says why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(f"{status}: {sentence}")
        self.status = status
        self.sentence = sentence


class Phone:
    """One person's phone with one bot's chat open.

    Use it as `async with Phone(sandbox.url, "buyer", "card_shop_bot") as phone`, or call `close` at the end.
    """

    def __init__(self, base_url: str, phone_id: str = "buyer", bot_username: str = "card_shop_bot") -> None:
        self.base_url = base_url.rstrip("/")
        self.phone_id = phone_id
        self.bot_username = bot_username
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None

    @property
    def http(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60), read_bufsize=2**20)
        return self._http

    async def ask(self, method: str, path: str, **what: Any) -> Json:
        """One call of the phone's door; raises PhoneRefused."""
        async with self.http.request(method, f"{self.base_url}{path}", **what) as answer:
            body: Json = await answer.json()
            if answer.status >= 400:
                raise PhoneRefused(answer.status, str(body.get("error")))
            return body

    @property
    def here(self) -> str:
        return f"/phones/{quote(self.phone_id)}/chats/{quote(self.bot_username)}"

    # Looking

    async def chat(self) -> Json:
        """The whole chat: messages, commands, reply_keyboard, started, blocked, link."""
        return await self.ask("GET", self.here)

    async def messages(self) -> list[Json]:
        """The messages in the chat, oldest first."""
        return [_read(message) for message in (await self.chat())["messages"]]

    async def last(self) -> Json:
        """The newest message."""
        return (await self.messages())[-1]

    async def screen(self) -> Json:
        """The newest message that has an inline keyboard; raises LookupError when there is none."""
        for message in reversed(await self.messages()):
            if "inline_keyboard" in message.get("reply_markup", {}):
                return message
        raise LookupError("there is no message with a keyboard")

    async def person(self) -> Json:
        """The phone itself: user, stars and so on."""
        phones: list[Json] = (await self.ask("GET", "/phones"))["phones"]
        return next(phone for phone in phones if phone["id"] == self.phone_id)

    async def stars(self) -> int:
        return int((await self.person())["stars"])

    async def download(self, message: Json) -> bytes:
        """The bytes of the document or photo in a message."""
        file = message["document"] if "document" in message else message["photo"][-1]
        async with self.http.get(f"{self.base_url}/phones/{quote(self.phone_id)}/files/{file['file_id']}") as answer:
            if answer.status >= 400:
                raise PhoneRefused(answer.status, str((await answer.json()).get("error")))
            return await answer.read()

    # Doing

    async def says(self, text: str, reply_to: int | None = None, behind: str = "") -> Json:
        """Sends a text and gives the message; in a room one may hide `behind` it (`anonymous`) or behind a `channel`."""
        body: Json = {"text": text} if reply_to is None else {"text": text, "reply_to": reply_to}
        if behind:
            body["behind"] = behind
        message: Json = (await self.ask("POST", f"{self.here}/text", json=body))["message"]
        return message

    async def sends_file(self, name: str, body: bytes, caption: str = "", kind: str = "document") -> Json:
        """Sends a file (`kind` is `document` or `photo`) and gives the message."""
        form = aiohttp.FormData()
        mime_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        form.add_field("file", io.BytesIO(body), filename=name, content_type=mime_type)
        form.add_field("caption", caption)
        form.add_field("as", kind)
        message: Json = (await self.ask("POST", f"{self.here}/file", data=form))["message"]
        return message

    async def presses(self, button: Button, wait_seconds: float = 15) -> Json | None:
        """Presses the button of that label, in the given message or in the newest that has it; gives the bot's answer.

        Waits up to ten seconds for a button that is not there yet. A whole label goes before the beginning of one, and that
        before a part of one. A link to the bot itself is opened (`/start …` is sent) and a Pay button is paid.
        """
        if isinstance(button, tuple):
            message, label = button
            place = find_button(message, label)
            if place is None:
                raise LookupError(f"the message has no button {label!r}, only {labels(message)}")
            return await self._presses(message, place, wait_seconds)
        message, place = await self._finds(button)
        try:
            return await self._presses(message, place, wait_seconds)
        except PhoneRefused as refused:
            if refused.sentence != GONE:
                raise
        # The bot changed the screen between the look and the press; a person would look again.
        return await self._presses(*await self._finds(button), wait_seconds)

    async def _presses(self, message: Json, place: tuple[int, int], wait_seconds: float) -> Json | None:
        row, column = place
        pressed = message["reply_markup"]["inline_keyboard"][row][column]
        if "url" in pressed and pressed["url"].startswith(f"https://t.me/{self.bot_username}?start="):
            await self.says("/start " + pressed["url"].partition("?start=")[2])
            return None
        if "pay" in pressed:
            return await self.pays(message)
        where = {"message_id": message["message_id"], "row": row, "column": column, "label": pressed["text"]}
        body = {**where, "wait_seconds": wait_seconds}
        answer: Json | None = (await self.ask("POST", f"{self.here}/press", json=body))["answer"]
        return answer

    async def _finds(self, label: str) -> tuple[Json, tuple[int, int]]:
        seen: list[str] = []

        def newest(messages: list[Json]) -> tuple[Json, tuple[int, int]] | None:
            seen.extend(text for message in messages for text in labels(message))
            for message in reversed(messages):
                place = find_button(message, label)
                if place is not None:
                    return message, place
            return None

        try:
            return await self._until(newest, WAIT_SECONDS)
        except TimeoutError:
            raise LookupError(f"no message has a button {label!r}, only {seen}") from None

    async def pays(self, message: Json | None = None, *, skip_success: bool = False) -> Json:
        """Pays the invoice (the newest one when none is given): `{"paid", "charge_id"}` or `{"paid": False, "error"}`."""
        if message is None:
            message = await self.waits_for(lambda shown: "invoice" in shown)
        body: Json = {"message_id": message["message_id"]}
        if skip_success:
            body["skip_success"] = True
        return await self.ask("POST", f"{self.here}/pay", json=body)

    async def succeeds(self, charge_id: str) -> None:
        """Lets a payment's message go that `skip_success` held back."""
        await self.ask("POST", f"/phones/{quote(self.phone_id)}/payments/{quote(charge_id)}/succeed", json={})

    async def blocks(self, blocked: bool = True) -> None:  # `blocks(False)` reads well enough.
        await self.ask("POST", f"{self.here}/block", json={"blocked": blocked})

    async def clears(self) -> None:
        await self.ask("POST", f"{self.here}/clear", json={})

    async def opens_room(self, title: str, kind: str = "supergroup") -> int:
        """Makes a group (or a `channel`) of one's own and gives its id."""
        made = await self.ask("POST", f"/phones/{quote(self.phone_id)}/rooms", json={"title": title, "type": kind})
        return int(made["room"]["id"])

    async def makes_admin(self, room: int, rights: list[str] | None = None) -> None:
        """Puts the bot into a room of one's own as an admin; without `rights` with those to invite and to put out, with none out of it."""
        body: Json = {"bot": self.bot_username} if rights is None else {"bot": self.bot_username, "rights": rights}
        await self.ask("POST", f"/phones/{quote(self.phone_id)}/rooms/{room}/admin", json=body)

    async def adds_bot(self, room: int, bot_username: str) -> None:
        """Puts a bot into a room of one's own as a member that is no admin."""
        await self.ask("POST", f"/phones/{quote(self.phone_id)}/rooms/{room}/admin", json={"bot": bot_username, "member": True})

    async def brings(self, room: int, phone_id: str) -> None:
        """Brings somebody into a room of one's own."""
        await self.ask("POST", f"/phones/{quote(self.phone_id)}/rooms/{room}/add", json={"phone": phone_id})

    async def migrates(self, room: int) -> int:
        """Makes a supergroup of one's group; gives its new id."""
        return int((await self.ask("POST", f"/phones/{quote(self.phone_id)}/rooms/{room}/migrate", json={}))["room"]["id"])

    async def edits(self, message_id: int, text: str) -> Json:
        """Changes what one wrote."""
        changed: Json = (await self.ask("POST", f"{self.here}/edit", json={"message_id": message_id, "text": text}))["message"]
        return changed

    async def joins(self, link: str) -> Json:
        """Follows an invite link; raises PhoneRefused when it admits nobody any more."""
        return await self.ask("POST", f"/phones/{quote(self.phone_id)}/join", json={"link": link})

    async def status_in(self, room: int) -> str:
        """What one is in a room: member, left, kicked, creator."""
        return str((await self.ask("GET", f"/phones/{quote(self.phone_id)}/rooms/{room}"))["status"])

    async def changes(self, **facts: Any) -> Json:
        """Changes language_code, stars or first_name of the person."""
        return await self.ask("PATCH", f"/phones/{quote(self.phone_id)}", json=facts)

    async def inline(self, query: str, offset: str = "") -> list[Json]:
        """What the bot offers for `@bot query`."""
        body = {"bot": self.bot_username, "query": query, "offset": offset}
        results: list[Json] = (await self.ask("POST", f"/phones/{quote(self.phone_id)}/inline", json=body))["results"]
        return results

    async def sends_inline(self, result_id: str, to: str) -> Json:
        """Sends one of the last inline results to another phone or a bot."""
        body = {"bot": self.bot_username, "result_id": result_id, "to": to}
        message: Json = (await self.ask("POST", f"/phones/{quote(self.phone_id)}/inline/send", json=body))["message"]
        return message

    async def fault(self, **switches: Any) -> Json:
        """Switches faults on or off, for everybody."""
        return await self.ask("PATCH", "/faults", json=switches)

    # Waiting

    async def waits_for(self, wanted: Callable[[Json], bool], timeout: float = WAIT_SECONDS) -> Json:  # noqa: ASYNC109
        """The newest message for which `wanted` is true, as soon as there is one; a TimeoutError shows the chat's end."""
        shown: list[Json] = []

        def newest(messages: list[Json]) -> Json | None:
            shown[:] = [*shown, *messages][-5:]
            return next((message for message in reversed(messages) if wanted(message)), None)

        try:
            return await self._until(newest, timeout)
        except TimeoutError:
            texts = [message.get("text") or message.get("caption") or sorted(message) for message in shown]
            raise TimeoutError(f"nothing like it within {timeout} s; the chat ends with {texts}") from None

    async def _until(self, look: Callable[[list[Json]], T | None], seconds: float) -> T:
        """Looks at the whole chat once, and then at each message that comes or changes."""
        address = f"{self.base_url}/phones/{quote(self.phone_id)}/events?bot={quote(self.bot_username)}"
        looked = False
        async with asyncio.timeout(seconds), self.http.get(address, timeout=ENDLESS) as stream:
            if stream.status >= 400:
                raise PhoneRefused(stream.status, str((await stream.json()).get("error")))
            while line := await stream.content.readline():
                if not looked:
                    # The first line says that the stream is open: nothing is missed between this look and the stream.
                    looked = True
                    found = look(await self.messages())
                elif line.startswith(b"data:"):
                    event = json.loads(line.removeprefix(b"data:"))
                    found = look([_read(event["message"])]) if event["kind"] in ("message", "edit") else None
                else:
                    continue
                if found is not None:
                    return found
        raise ConnectionError("the sandbox closed the stream of events")


def _read(message: Json) -> Json:
    """The message as whoever holds the phone reads it: of a rich one, its words are its text."""
    return {**message, "text": told(message)} if "rich_message" in message else message


def labels(message: Json) -> list[str]:
    """What is written on the buttons under a message."""
    return [button["text"] for row in message.get("reply_markup", {}).get("inline_keyboard", []) for button in row]


def find_button(message: Json, label: str) -> tuple[int, int] | None:
    """Row and column of the button: a whole label goes before the beginning of one, and that before a part of one."""
    places = [
        (button["text"], (row, column))
        for row, buttons in enumerate(message.get("reply_markup", {}).get("inline_keyboard", []))
        for column, button in enumerate(buttons)
    ]
    for fits in (str.__eq__, str.startswith, str.__contains__):
        for text, place in places:
            if fits(text, label):
                return place
    return None
