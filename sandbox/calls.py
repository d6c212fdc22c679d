"""The list of Bot API methods the sandbox knows, and the way a call takes: understood, carried out, written down."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sandbox.errors import ApiError, bad_request, not_modelled
from sandbox.state import Bot
from sandbox.store import Json
from sandbox.validation import METHODS, Method, Upload, Uploads, understood
from sandbox.world import World

M = TypeVar("M", bound=Method)


@dataclass(frozen=True)
class Line:
    """The line on which a call came: whose it is, into which world, and the files that came with it."""

    world: World
    bot: Bot
    uploads: Uploads

    def upload(self, reference: str) -> Upload:
        """The file that an `attach://` names; raises ApiError when it did not come."""
        name = reference.removeprefix("attach://")
        try:
            return self.uploads[name]
        except KeyError:
            raise bad_request(f"file {name!r} is named by attach:// but was not uploaded") from None


KNOWN: dict[str, Callable[[Line, Any], Awaitable[object]]] = {}


def answers(model: type[M]) -> Callable[[Callable[[Line, M], Awaitable[object]]], Callable[[Line, M], Awaitable[object]]]:
    """Registers the function that carries out calls of this method."""

    def register(function: Callable[[Line, M], Awaitable[object]]) -> Callable[[Line, M], Awaitable[object]]:
        KNOWN[model.__api_method__.lower()] = function
        return function

    return register


async def carry_out(world: World, bot: Bot, method: str, fields: Mapping[str, Any], uploads: Uploads) -> object:
    """Does what a bot asks and returns the result as JSON; raises ApiError."""
    model = METHODS.get(method.lower())
    shown: Json = dict(fields)
    error_code: int | None = None
    try:
        if model is None:
            raise ApiError(404, "Not Found: method not found")
        function = KNOWN.get(method.lower())
        if function is None:
            raise not_modelled(f"the method {model.__api_method__}")
        call, shown = understood(model, fields, uploads)
        return await function(Line(world, bot, uploads), call)
    except ApiError as error:
        error_code = error.code
        raise
    finally:
        write_down(world, bot, model.__api_method__ if model else method, shown, error_code)


def write_down(world: World, bot: Bot, method: str, parameters: Json, error_code: int | None) -> None:
    """Notes a call for `GET /calls`; polling is left out, because there is so much of it."""
    if method.lower() != "getupdates":
        world.calls.append(
            {
                "bot": bot.username,
                "method": method,
                "parameters": parameters,
                "ok": error_code is None,
                "error_code": error_code,
                "at": time.time(),
            }
        )
