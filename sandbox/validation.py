"""Every call of a bot held against the Bot API's own schema, for which aiogram's method models stand."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin

import aiogram.methods
from aiogram.client.default import Default
from aiogram.methods import TelegramMethod
from aiogram.types import ForceReply, InlineKeyboardMarkup, ReplyKeyboardMarkup, ReplyKeyboardRemove
from pydantic import BaseModel, ValidationError

from sandbox.errors import ApiError, bad_request, not_modelled
from sandbox.store import Json

Method = TelegramMethod[Any]

# Known to the Bot API, but what they ask for does not exist here: business accounts, topics, ephemeral messages …
NOT_MODELLED = {
    "business_connection_id",
    "direct_messages_topic_id",
    "ephemeral_message_parameters",
    "message_thread_id",
    "receiver_user_id",
    "rich_message",
    "subscription_period",
    "suggested_post_parameters",
    "certificate",
}

MOST_FORMS = 3
# … but for what one method is all about.
MODELLED = {"sendRichMessage": {"rich_message"}}

MARKUPS: dict[str, type[BaseModel]] = {
    "inline_keyboard": InlineKeyboardMarkup,
    "keyboard": ReplyKeyboardMarkup,
    "remove_keyboard": ReplyKeyboardRemove,
    "force_reply": ForceReply,
}


@dataclass
class Upload:
    """A file that came with a call."""

    name: str
    body: bytes
    mime_type: str | None


Uploads = dict[str, Upload]

METHODS: dict[str, type[Method]] = {
    model.__api_method__.lower(): model
    for model in vars(aiogram.methods).values()
    # The base of them all is among them, and is no method.
    if isinstance(model, type) and issubclass(model, TelegramMethod) and model is not TelegramMethod
}


def leaves(annotation: Any) -> set[Any]:
    """The alternatives of a type, without None."""
    if get_origin(annotation) in (Union, UnionType):
        return set().union(*(leaves(part) for part in get_args(annotation)))
    return {annotation} - {type(None), Default}


@cache
def readers(model: type[Method]) -> dict[str, str]:
    """How each parameter is written in a form: as `text`, as a `chat` (number or @name), or as `json`."""
    kinds = {}
    for name, field in model.model_fields.items():
        types = leaves(field.annotation)
        if types == {int, str}:
            kinds[field.alias or name] = "chat"
        else:
            kinds[field.alias or name] = "text" if str in types else "json"
    return kinds


def read(name: str, kind: str, value: Any) -> Any:
    """One parameter as it came, in JSON or in a form, as a JSON value."""
    if not isinstance(value, str) or kind == "text":
        return value
    if kind == "chat":
        return int(value) if re.fullmatch(r"-?\d{1,19}", value) else value
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        raise bad_request(f"can't parse {name}: it must be JSON or a number, not {value[:40]!r}") from None


def stranger(value: object, path: str) -> str | None:
    """The path of the first field that the schema does not know, if there is one."""
    if isinstance(value, BaseModel):
        for name in value.model_extra or {}:
            return f"{path}.{name}".lstrip(".")
        for name in value.model_fields_set:
            found = stranger(getattr(value, name), f"{path}.{name}")
            if found:
                return found
    elif isinstance(value, list):
        for item in value:
            found = stranger(item, path)
            if found:
                return found
    return None


def understood(model: type[Method], fields: Mapping[str, Any], uploads: Uploads) -> tuple[Method, Json]:
    """The call as a checked model, and its parameters as plain JSON.

    Raises ApiError that names what is unknown, missing or of the wrong type.
    """
    kinds = readers(model)
    parameters: Json = {}
    for name, value in fields.items():
        if name not in kinds:
            raise bad_request(f'unknown parameter "{name}" of {model.__api_method__}')
        if value is not None:
            parameters[name] = read(name, kinds[name], value)
    for name in uploads:
        # A file may be sent in a part that is named like its parameter; then no attach:// points to it.
        if name in kinds and name not in parameters:
            parameters[name] = f"attach://{name}"
    for name in sorted(NOT_MODELLED & parameters.keys() - MODELLED.get(model.__api_method__, set())):
        raise not_modelled(f"{name} in {model.__api_method__}")
    if deeper(parameters.get("rich_message"), MOST_FORMS):
        # The models try two dozen forms at each level, and a call of a few more would take years.
        raise not_modelled(f"texts with more than {MOST_FORMS} forms in one another")
    try:
        call = model.model_validate({**parameters, **markup_in(parameters)})
    except ValidationError as error:
        raise wrong(model, error) from None
    unknown = stranger(call, "")
    if unknown:
        raise bad_request(f'unknown field "{unknown}" in {model.__api_method__}')
    return call, parameters


def markup_in(parameters: Json) -> Json:
    """The call's keyboard as the type that its fields name; the others would take it too, and complain of the wrong thing."""
    markup = parameters.get("reply_markup")
    if isinstance(markup, dict):
        for name, kind in MARKUPS.items():
            if name in markup:
                try:
                    return {"reply_markup": kind.model_validate(markup)}
                except ValidationError as error:
                    first = error.errors(include_url=False, include_input=False)[0]
                    raise bad_request(f"can't parse reply_markup: {place(first['loc'])}: {first['msg']}") from None
        raise bad_request(f"can't parse reply_markup: it has none of {', '.join(MARKUPS)}")
    return {}


def deeper(value: Any, most: int) -> bool:
    """Do forms of rich texts stand in one another more than so many times?"""
    if isinstance(value, list):
        return any(deeper(item, most) for item in value)
    if not isinstance(value, dict):
        return False
    left = most - 1 if isinstance(value.get("type"), str) and "cells" not in value and "blocks" not in value else most
    return left < -1 or any(deeper(item, left) for item in value.values())


def place(location: tuple[int | str, ...]) -> str:
    """Where in an object something is wrong, without the names of the alternatives that pydantic tried."""
    return ".".join(str(part) for part in location if isinstance(part, int) or re.fullmatch(r"[a-z_]+", part))


def wrong(model: type[Method], error: ValidationError) -> ApiError:
    """The first complaint of the schema in words like Telegram's."""
    first = error.errors(include_url=False, include_input=False)[0]
    name = str(first["loc"][0])
    if first["type"] == "missing" and len(first["loc"]) == 1:
        if name == "text":
            return bad_request("message text is empty")
        return bad_request(f'{name} is empty: parameter "{name}" of {model.__api_method__} is required')
    return bad_request(f"can't parse {name}: {place(first['loc'])}: {first['msg']}")


def given(value: Any) -> Any:
    """A parameter's value, or None when the caller left it to a default."""
    return None if isinstance(value, Default) else value


def plain(model: BaseModel) -> Json:
    """A checked object as the JSON it came as."""
    return model.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
