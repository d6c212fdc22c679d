"""The door for bots: `/bot<token>/<method>` and `/file/bot<token>/<path>`, in JSON, form or multipart."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from sandbox import limits
from sandbox.calls import carry_out, write_down
from sandbox.errors import ApiError, ConnectionCut
from sandbox.state import Bot
from sandbox.store import Json
from sandbox.validation import Upload, Uploads
from sandbox.world import World


class BotDoor:
    """Answers bots, with the faults that are switched on."""

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[web.RouteDef]:
        return [
            web.route("*", "/bot{token}/{method}", self.call),
            web.get("/file/bot{token}/{path:.+}", self.download),
        ]

    async def call(self, request: web.Request) -> web.StreamResponse:
        """One call of a method."""
        polls = request.match_info["method"].lower() == "getupdates"
        try:
            self.check_line()
            bot = self.bot(request)
            fields, uploads = await parameters(request)
            if not polls:
                await self.suffer(bot, request.match_info["method"], dict(fields))
            answer = await carry_out(self.world, bot, request.match_info["method"], fields, uploads)
            self.check_line()
            if not polls and self.world.faults.cut_after():
                self.told()
                raise ConnectionCut
        except ConnectionCut:
            return cut(request)
        except ApiError as error:
            headers = {"Retry-After": str(error.parameters["retry_after"])} if "retry_after" in error.parameters else None
            return web.json_response(error.body(), status=error.code, headers=headers)
        return web.json_response({"ok": True, "result": answer})

    def check_line(self) -> None:
        if self.world.faults.offline:
            raise ConnectionCut

    async def suffer(self, bot: Bot, method: str, fields: Json) -> None:
        """The faults that come before a call is carried out."""
        faults = self.world.faults
        if faults.slow_ms:
            await asyncio.sleep(faults.slow_ms / 1000)
            self.check_line()
        if faults.too_many_requests or faults.server_errors:
            try:
                faults.refuse()
            except ApiError as error:
                write_down(self.world, bot, method, fields, error.code)
                raise
            finally:
                self.told()

    def told(self) -> None:
        self.world.tell_everybody("faults", faults=self.world.faults.row())

    def bot(self, request: web.Request) -> Bot:
        bot = self.world.bot_of_token(request.match_info["token"])
        if bot is None:
            raise ApiError(401, "Unauthorized")
        return bot

    async def download(self, request: web.Request) -> web.StreamResponse:
        """The bytes of a file that `getFile` has named."""
        try:
            self.check_line()
            bot = self.bot(request)
            await self.suffer(bot, "file", {})
            file = self.world.files.at(bot.username, request.match_info["path"])
            if file is None or file.size > limits.DOWNLOAD_BYTES:
                raise ApiError(404, "Not Found")
        except ConnectionCut:
            return cut(request)
        except ApiError as error:
            return web.json_response(error.body(), status=error.code)
        return web.Response(body=self.world.files.body(file), content_type="application/octet-stream")


def cut(request: web.Request) -> web.StreamResponse:
    """Drops the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def parameters(request: web.Request) -> tuple[Mapping[str, Any], Uploads]:
    """A call's parameters (from the address and the body) and its files; raises ApiError when the body cannot be read."""
    fields: dict[str, Any] = dict(request.query)
    uploads: Uploads = {}
    try:
        if request.content_type == "application/json":
            text = await request.text()
            body = json.loads(text) if text else {}
            if not isinstance(body, dict):
                raise ApiError(400, "Bad Request: object expected as JSON")
            fields.update(body)
        elif request.can_read_body:
            for name, value in (await request.post()).items():
                if isinstance(value, web.FileField):
                    uploads[name] = Upload(value.filename, value.file.read(), value.content_type)
                else:
                    fields[name] = value if isinstance(value, str) else bytes(value).decode()
    except (json.JSONDecodeError, UnicodeDecodeError, ValueError):
        raise ApiError(400, "Bad Request: the body cannot be read") from None
    except web.HTTPRequestEntityTooLarge:
        raise ApiError(413, "Request Entity Too Large") from None
    return fields, uploads
