"""Forms as PHP reads and writes them: `sku[a]=b` is an array, and a query is built of one again, byte by byte."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cmp_to_key
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

MOST_FIELDS = 200
MOST_DEEP = 5

Value: TypeAlias = "bytes | dict[bytes, Value]"
Form: TypeAlias = dict[bytes, Value]


class NotAForm(ValueError):
    """These bytes are no form: too many fields, or nested too deeply."""


def read_form(body: bytes) -> Form:
    """The fields of a body of type application/x-www-form-urlencoded; a name given twice keeps its place and its last value.

    Raises NotAForm. Names are kept as they were sent: PHP would write a point as an underscore, but whoever signed them did not.
    """
    if body.count(b"&") >= MOST_FIELDS:
        raise NotAForm
    form: Form = {}
    for part in body.split(b"&"):
        if not part:
            continue
        name, _, value = part.partition(b"=")
        _put(form, _path(_decoded(name)), _decoded(value))
    return form


def flat(form: Form) -> Iterator[tuple[bytes, bytes]]:
    """The fields in their order, with the names that PHP's http_build_query gives them."""
    waiting: list[tuple[bytes, Value]] = list(reversed(form.items()))
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(name + b"[" + key + b"]", inner) for key, inner in reversed(value.items())]
        else:
            yield name, value


def sorted_by_name(form: Form) -> Form:
    """As PHP's ksort: whole numbers by size, everything else by bytes. What is inside an array stays as it is."""
    return {name: form[name] for name in sorted(form, key=cmp_to_key(_compared))}


def _compared(a: bytes, b: bytes) -> int:
    if _whole(a) and _whole(b):
        return (int(a) > int(b)) - (int(a) < int(b))
    return (a > b) - (a < b)


def _whole(name: bytes) -> bool:
    """Whether PHP takes such a name of an array for a number."""
    digits = name.removeprefix(b"-")
    return digits.isdigit() and len(digits) <= 18 and (digits == b"0" or not digits.startswith(b"0")) and name != b"-0"


def _decoded(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _path(name: bytes) -> list[bytes]:
    """`sku[a][b]` is sku, a, b; an empty bracket is the next number. A bracket that is not closed belongs to the name."""
    base, opened, rest = name.partition(b"[")
    if not opened or not base or b"]" not in rest:
        return [name]
    path, rest = [base], opened + rest
    while rest.startswith(b"[") and b"]" in rest:
        inner, _, rest = rest[1:].partition(b"]")
        path.append(inner)
    if len(path) > MOST_DEEP:
        raise NotAForm
    return path


def _put(form: Form, path: list[bytes], value: bytes) -> None:
    here = form
    for depth, name in enumerate(path):
        if depth and not name:
            name = b"%d" % (1 + max((int(key) for key in here if _whole(key)), default=-1))
        if depth == len(path) - 1:
            here[name] = value
            return
        inner = here.get(name)
        if not isinstance(inner, dict):
            inner = here[name] = {}
        here = inner
