"""PHP's forms: what it sends is read, and written again byte by byte as it would."""

from __future__ import annotations

from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.php_forms import MOST_DEEP, MOST_FIELDS, Form, NotAForm, flat, read_form, sorted_by_name

# What PHP 8 gives for $_POST and http_build_query, written down from its manual and not from our code.
KNOWN: list[tuple[bytes, Form]] = [
    (b"a=1&b=2", {b"a": b"1", b"b": b"2"}),
    (b"a=%E7%94%B2+%E4%B9%99&b=", {b"a": "甲 乙".encode(), b"b": b""}),
    (b"sku%5Bcolour%5D=red&sku[size]=L", {b"sku": {b"colour": b"red", b"size": b"L"}}),
    (b"a[]=x&a[]=y&a[7]=z&a[]=w", {b"a": {b"0": b"x", b"1": b"y", b"7": b"z", b"8": b"w"}}),
    (b"a[b][c]=1&a[b][d]=2", {b"a": {b"b": {b"c": b"1", b"d": b"2"}}}),
    (b"a=1&a=2&b=3", {b"a": b"2", b"b": b"3"}),
    (b"a=1&a[b]=2", {b"a": {b"b": b"2"}}),
    (b"a[b=1", {b"a[b": b"1"}),
    (b"a.b=1&&c", {b"a.b": b"1", b"c": b""}),
    (b"", {}),
]


@pytest.mark.parametrize(("body", "form"), KNOWN)
def test_forms_are_read_as_php_reads_them(body: bytes, form: Form) -> None:
    assert read_form(body) == form


def test_an_array_is_written_with_brackets_and_sorted_only_at_the_top() -> None:
    form = read_form(b"sku[z]=1&sku[a]=2&num=3&10=x&9=y&Z=4&a=5")
    assert list(flat(sorted_by_name(form))) == [
        (b"9", b"y"),
        (b"10", b"x"),
        (b"Z", b"4"),
        (b"a", b"5"),
        (b"num", b"3"),
        (b"sku[z]", b"1"),
        (b"sku[a]", b"2"),
    ]


@pytest.mark.parametrize("body", [b"a&" * MOST_FIELDS, b"a" + b"[b]" * MOST_DEEP + b"=1", b"a" + b"[b]" * 100_000 + b"=1"])
def test_what_is_too_long_or_too_deep_is_refused(body: bytes) -> None:
    with pytest.raises(NotAForm):
        read_form(body)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_form_or_none_and_nothing_else(body: bytes) -> None:
    try:
        form = read_form(body)
    except NotAForm:
        return
    assert sorted(flat(sorted_by_name(form))) == sorted(flat(form))


NAMES = st.text(st.characters(exclude_characters="[]", exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(st.dictionaries(NAMES, st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=8))
def test_what_was_sent_field_by_field_is_what_is_read(fields: dict[str, str]) -> None:
    body = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in fields.items())
    assert read_form(body.encode()) == {name.encode(): value.encode() for name, value in fields.items()}
