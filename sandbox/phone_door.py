"""The door for phones: what the web page and the tests say, as docs/sandbox.md describes it."""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

from sandbox import acts, rooms, stars
from sandbox.errors import ConnectionCut, PhoneError
from sandbox.methods.profile import commands_for
from sandbox.state import DEFAULT_PHONES, Phone
from sandbox.store import Json
from sandbox.world import World

PAGE = Path(__file__).parent / "page"
MESSAGES_SHOWN = 200
DEFAULT_WAIT_SECONDS = 15

Crash = Callable[[], Awaitable[object] | object]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def refusals(request: web.Request, handler: Answer) -> web.StreamResponse:
    """Turns a PhoneError into its status and sentence."""
    try:
        return await handler(request)
    except PhoneError as error:
        return web.json_response({"error": error.sentence}, status=error.status)


class PhoneDoor:
    """Answers phones. `on_crash` is what the host does when somebody asks to crash the bot."""

    def __init__(self, world: World, on_crash: Crash | None) -> None:
        self.world = world
        self.on_crash = on_crash
        self.inline = acts.Inline(world)

    def routes(self) -> list[web.RouteDef]:
        chat = "/phones/{phone}/chats/{bot}"
        return [
            web.get("/", self.page),
            web.get("/page/{path:.+}", self.page),
            web.get("/phones", self.phones),
            web.post("/phones", self.add_phone),
            web.patch("/phones/{phone}", self.change_phone),
            web.get(chat, self.chat),
            web.post(chat + "/text", self.text),
            web.post(chat + "/file", self.file),
            web.post(chat + "/edit", self.edit),
            web.post(chat + "/press", self.press),
            web.post(chat + "/pay", self.pay),
            web.post(chat + "/block", self.block),
            web.post(chat + "/clear", self.clear),
            web.post("/phones/{phone}/payments/{charge}/succeed", self.succeed),
            web.post("/phones/{phone}/inline", self.ask_inline),
            web.post("/phones/{phone}/inline/send", self.send_inline),
            web.post("/phones/{phone}/rooms", self.open_room),
            web.post("/phones/{phone}/rooms/{room}/admin", self.room_admin),
            web.post("/phones/{phone}/rooms/{room}/add", self.room_add),
            web.post("/phones/{phone}/rooms/{room}/migrate", self.room_migrates),
            web.get("/phones/{phone}/rooms/{room}", self.room),
            web.post("/phones/{phone}/join", self.join),
            web.post("/phones/{phone}/rooms/{room}/leave", self.leave),
            web.get("/phones/{phone}/files/{file}", self.download),
            web.get("/phones/{phone}/events", self.events),
            web.get("/faults", self.faults),
            web.patch("/faults", self.change_faults),
            web.post("/faults/crash", self.crash),
            web.get("/calls", self.calls),
        ]

    def of(self, request: web.Request) -> Phone:
        return self.world.phone(request.match_info["phone"])

    async def page(self, request: web.Request) -> web.StreamResponse:
        file = (PAGE / request.match_info.get("path", "index.html")).resolve()
        if not file.is_relative_to(PAGE.resolve()) or not file.is_file():
            raise PhoneError(404, "There is no such page.")
        return web.FileResponse(file, headers={"Cache-Control": "no-cache"})

    async def phones(self, request: web.Request) -> web.Response:
        bots = [
            {
                "id": bot.id,
                "username": bot.username,
                "name": bot.names.get("") or bot.name,
                "description": first(bot.descriptions),
                "short_description": first(bot.short_descriptions),
            }
            for bot in self.world.bots.values()
        ]
        # Known people first, in the order they are introduced in, then who came later: the same after every restart.
        order = {spec.id: place for place, spec in enumerate(DEFAULT_PHONES)}
        known = sorted(self.world.phones.values(), key=lambda phone: (order.get(phone.id, len(order)), phone.user_id))
        phones = [self.world.phone_shown(phone) for phone in known]
        return web.json_response({"bots": bots, "phones": phones, "faults": self.world.faults.row()})

    async def add_phone(self, request: web.Request) -> web.Response:
        phone = acts.phone_added(self.world, await body_of(request))
        return web.json_response(self.world.phone_shown(phone))

    async def change_phone(self, request: web.Request) -> web.Response:
        phone = self.of(request)
        acts.phone_changed(self.world, phone, await body_of(request))
        for bot in self.world.bots.values():
            self.world.events.tell(phone.id, "commands", bot=bot.username, commands=commands_for(bot, phone))
        return web.json_response(self.world.phone_shown(phone))

    async def chat(self, request: web.Request) -> web.Response:
        phone, peer = self.of(request), request.match_info["bot"]
        chat, bot = acts.chat_of(self.world, phone, peer)
        host = f"{request.scheme}://{request.host}"
        return web.json_response(
            {
                "messages": [kept.message for kept in list(chat.messages.values())[-MESSAGES_SHOWN:]],
                "commands": [] if bot is None else commands_for(bot, phone),
                "reply_keyboard": chat.reply_keyboard,
                "started": chat.started or bot is None,
                "blocked": chat.blocked,
                "link": f"{host}/?phone={quote(phone.id)}&bot={quote(peer)}",
            }
        )

    async def text(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        where = self.of(request), request.match_info["bot"]
        message = acts.say(self.world, *where, str(body.get("text", "")), body.get("reply_to"), str(body.get("behind", "")))
        return web.json_response({"message": message})

    async def edit(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        where = self.of(request), request.match_info["bot"]
        return web.json_response({"message": acts.change_text(self.world, *where, body.get("message_id"), str(body.get("text", "")))})

    async def file(self, request: web.Request) -> web.Response:
        phone = self.of(request)
        try:
            form = await request.post()
        except ValueError:
            raise PhoneError(400, "The form cannot be read.") from None
        file = form.get("file")
        if not isinstance(file, web.FileField):
            raise PhoneError(400, "The form has no file.")
        caption, kind = str(form.get("caption", "")), str(form.get("as", "document"))
        sent = acts.send_file(
            self.world,
            phone,
            request.match_info["bot"],
            name=file.filename,
            body=file.file.read(),
            mime_type=file.content_type,
            caption=caption,
            kind=kind,
        )
        return web.json_response({"message": sent})

    async def press(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        wait = body.get("wait_seconds", DEFAULT_WAIT_SECONDS)
        if isinstance(wait, bool) or not isinstance(wait, int | float):
            raise PhoneError(400, "wait_seconds must be a number.")
        answer = await acts.press(
            self.world,
            self.of(request),
            request.match_info["bot"],
            message_id=body.get("message_id"),
            row=body.get("row"),
            column=body.get("column"),
            label=body.get("label"),
            wait_seconds=wait,
        )
        return web.json_response({"answer": answer})

    async def pay(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        what = (body.get("message_id"), body.get("link"))
        skip = bool(body.get("skip_success"))
        return web.json_response(await acts.pay_here(self.world, self.of(request), request.match_info["bot"], *what, skip_success=skip))

    async def succeed(self, request: web.Request) -> web.Response:
        stars.succeed(self.world, self.of(request), request.match_info["charge"])
        return web.json_response({})

    async def block(self, request: web.Request) -> web.Response:
        blocked = (await body_of(request)).get("blocked")
        if not isinstance(blocked, bool):
            raise PhoneError(400, "blocked must be true or false.")
        acts.block(self.world, self.of(request), self.world.bot_named(request.match_info["bot"]), blocked=blocked)
        return web.json_response({})

    async def clear(self, request: web.Request) -> web.Response:
        acts.clear(self.world, self.of(request), request.match_info["bot"])
        return web.json_response({})

    async def ask_inline(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        bot = self.world.bot_named(str(body.get("bot")))
        return web.json_response(await self.inline.ask(self.of(request), bot, str(body.get("query", "")), str(body.get("offset", ""))))

    async def send_inline(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        bot = self.world.bot_named(str(body.get("bot")))
        message = self.inline.send(self.of(request), bot, str(body.get("result_id")), str(body.get("to")))
        return web.json_response({"message": message})

    async def open_room(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        room = rooms.open_room(self.world, self.of(request), str(body.get("title", "")), str(body.get("type", "supergroup")))
        return web.json_response({"room": room.chat()})

    def room_named(self, request: web.Request) -> rooms.Room:
        named = request.match_info["room"]
        return rooms.room_of(self.world, int(named) if named.removeprefix("-").isdigit() else None)

    async def room_admin(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        rights = body.get("rights", ["can_invite_users", "can_restrict_members"])
        if not isinstance(rights, list):
            raise PhoneError(400, "rights must be a list.")
        bot = self.world.bot_named(str(body.get("bot")))
        member = body.get("member", False) is True
        named = [] if member else [str(right) for right in rights]
        rooms.make_admin(self.world, self.of(request), self.room_named(request), bot, named, member=member)
        return web.json_response({})

    async def room_add(self, request: web.Request) -> web.Response:
        other = self.world.phone(str((await body_of(request)).get("phone", "")))
        rooms.add(self.world, self.of(request), self.room_named(request), other)
        return web.json_response({})

    async def room_migrates(self, request: web.Request) -> web.Response:
        room = rooms.migrate(self.world, self.of(request), self.room_named(request))
        return web.json_response({"room": room.chat()})

    async def room(self, request: web.Request) -> web.Response:
        room = self.room_named(request)
        return web.json_response({"room": room.chat(), "status": room.status(self.of(request).user_id)})

    async def join(self, request: web.Request) -> web.Response:
        room = rooms.join(self.world, self.of(request), str((await body_of(request)).get("link", "")))
        return web.json_response({"room": room.chat()})

    async def leave(self, request: web.Request) -> web.Response:
        rooms.leave(self.world, self.of(request), self.room_named(request))
        return web.json_response({})

    async def download(self, request: web.Request) -> web.Response:
        phone = self.of(request)
        file = self.world.files.get(request.match_info["file"])
        if file is None or not self.saw(phone, file.file_id):
            raise PhoneError(404, "This phone has no such file.")
        name = f"attachment; filename*=UTF-8''{quote(file.name)}"
        # Only pictures are shown in place; anything else might be a page with a script.
        headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "inline" if file.kind == "photo" else name}
        headers["Content-Type"] = file.mime_type
        return web.Response(body=self.world.files.body(file), headers=headers)

    def saw(self, phone: Phone, file_id: str) -> bool:
        """Whether the file was shown on this phone."""
        for chat in self.world.chats.values():
            if any(shown == phone.id for shown, _ in self.world.seen_on(chat)):
                for kept in chat.messages.values():
                    shown = [kept.message.get("document", {}), *kept.message.get("photo", [])]
                    if any(item.get("file_id") == file_id for item in shown):
                        return True
        return False

    async def events(self, request: web.Request) -> web.StreamResponse:
        phone = self.of(request)
        last = request.headers.get("Last-Event-ID", "")
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        with suppress(ConnectionResetError):
            await self.tell(stream, request, phone, last)
        return stream

    async def tell(self, stream: web.StreamResponse, request: web.Request, phone: Phone, last: str) -> None:
        only = request.query.get("bot")
        await stream.prepare(request)
        async for piece in self.world.events.listen(phone.id, int(last) if last.isdigit() else None):
            if piece is None:
                await stream.write(b": here\n\n")
            elif only is None or piece[1].get("bot", only) == only:
                await stream.write(f"id: {piece[0]}\ndata: {json.dumps(piece[1], ensure_ascii=False)}\n\n".encode())

    async def faults(self, request: web.Request) -> web.Response:
        return web.json_response(self.world.faults.row())

    async def change_faults(self, request: web.Request) -> web.Response:
        self.world.faults.change(await body_of(request))
        if self.world.faults.offline:
            for mailbox in self.world.mailboxes.values():
                mailbox.interrupt(ConnectionCut())
        self.world.tell_everybody("faults", faults=self.world.faults.row())
        return web.json_response(self.world.faults.row())

    async def crash(self, request: web.Request) -> web.Response:
        if self.on_crash is None:
            raise PhoneError(501, "There is no bot here that could be crashed.")
        crashed = self.on_crash()
        if isinstance(crashed, Awaitable):
            crashed = await crashed
        return web.json_response({"crashed": crashed is None or bool(crashed)})

    async def calls(self, request: web.Request) -> web.Response:
        method, limit = request.query.get("method"), request.query.get("limit", "50")
        if not limit.isdigit() or int(limit) < 1:
            raise PhoneError(400, "limit must be a whole number from 1.")
        calls = [call for call in self.world.calls if method is None or call["method"].lower() == method.lower()]
        return web.json_response({"calls": calls[-int(limit) :]})


def first(texts: dict[str, str]) -> str:
    """The text for all languages, or the first there is."""
    return texts.get("") or next(iter(texts.values()), "")


async def body_of(request: web.Request) -> Json:
    """The JSON object in the body; raises PhoneError."""
    try:
        body: Any = json.loads(await request.text() or "{}")
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise PhoneError(400, "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise PhoneError(400, "The body must be a JSON object.")
    return body
