"""Stripe's way of writing nested parameters in a form, and the errors it answers with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

Params = dict[str, object]

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")
DEEPEST = 8


class Wrong(Exception):
    """An error in the shape that Stripe gives it; `says` is for the developer of the shop."""

    def __init__(self, says: str, *, param: str = "", code: str = "", status: int = 400, kind: str = "invalid_request_error") -> None:
        super().__init__(says)
        self.status = status
        self.row: dict[str, object] = {"message": says, "type": kind}
        if param:
            self.row["param"] = param
        if code:
            self.row["code"] = code


def nested(pairs: Iterable[tuple[str, str]]) -> Params:
    """`a[b][0]=c` becomes {"a": {"b": {"0": "c"}}}: what Stripe calls arrays are hashes by their position here."""
    whole: Params = {}
    for written, value in pairs:
        match = _NAME.fullmatch(written)
        if match is None:
            raise Wrong("Invalid request: a parameter's name cannot be read.")
        path = [match[1], *_PART.findall(match[2])]
        if len(path) > DEEPEST:
            raise Wrong("Invalid request: the parameters are nested too deeply.")
        place = whole
        for part in path[:-1]:
            inner = place.setdefault(part or str(len(place)), {})
            if not isinstance(inner, dict):
                raise Wrong("Invalid request: a parameter is both a value and a hash.", param=path[0])
            place = inner
        place[path[-1] or str(len(place))] = value
    return whole


def only(params: Mapping[str, object], known: Iterable[str], within: str = "") -> None:
    """Raises when there is a parameter that is not known."""
    for name in params:
        if name not in known:
            full = f"{within}[{name}]" if within else name
            raise Wrong(f"Received unknown parameter: {full}", param=full, code="parameter_unknown")


def text(params: Mapping[str, object], name: str, within: str = "", *, needed: bool = False, longest: int = 5000) -> str:
    """A parameter that is a text; empty when it is not there."""
    full = f"{within}[{name}]" if within else name
    value = params.get(name, "")
    if not isinstance(value, str):
        raise Wrong(f"Invalid string: {full}", param=full)
    if needed and not value:
        raise Wrong(f"Missing required param: {full}.", param=full, code="parameter_missing")
    if len(value) > longest:
        raise Wrong(f"Invalid string: {full}; must be at most {longest} characters", param=full)
    return value


def whole(params: Mapping[str, object], name: str, within: str = "") -> int | None:
    """A parameter that is a whole number; None when it is not there."""
    full = f"{within}[{name}]" if within else name
    value = params.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,12}", value):
        raise Wrong(f"Invalid integer: {full}", param=full, code="parameter_invalid_integer")
    return int(value)


def inner(params: Mapping[str, object], name: str, within: str = "") -> Params:
    """A parameter that is a hash; empty when it is not there."""
    value = params.get(name, {})
    if not isinstance(value, dict):
        full = f"{within}[{name}]" if within else name
        raise Wrong(f"Invalid object: {full}", param=full)
    return value


def metadata(params: Mapping[str, object], within: str = "") -> dict[str, str]:
    """Up to 50 notes of the shop's own: names up to 40 characters, values up to 500."""
    notes = inner(params, "metadata", within)
    if len(notes) > 50:
        raise Wrong("Metadata can have at most 50 keys.", param="metadata")
    found = {}
    for name in notes:
        if len(name) > 40:
            raise Wrong("Metadata keys can have up to 40 characters.", param="metadata")
        found[name] = text(notes, name, "metadata", longest=500)
    return found


def strings(params: Mapping[str, object], name: str) -> list[str]:
    """A parameter that is a list of texts."""
    return [value for value in inner(params, name).values() if isinstance(value, str)]
