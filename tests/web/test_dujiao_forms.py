"""The texts of the dujiao-next protocol: whatever comes in is an order or a refusal in its own words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.dujiao_forms import STATUS, AskedOrder, No, claimed, page_of, public_address, read_order, signature, stock_words

GOOD = {"sku_id": 7, "quantity": 2, "downstream_order_no": "A-001"}


def test_the_signature_is_the_one_written_in_its_documentation() -> None:
    # The worked example of docs/upstreams.md, computed by hand with another program.
    assert (
        signature("c0ffee", "POST", "/api/v1/upstream/ping", "1700000000", b"")
        == "b16b2f2ead572b851b1846d4c5e669cdd8c26eab8d7e643f7e588c3cb1d68a8c"
    )


def test_an_order_is_read_with_everything_the_documentation_names() -> None:
    body = {**GOOD, "manual_form_data": {"account": "138", "n": 5}, "trace_id": "t", "callback_url": "https://a.example.com/api/v1/x"}
    assert read_order(json.dumps(body).encode()) == AskedOrder(
        7, 2, "A-001", "https://a.example.com/api/v1/x", {"account": "138", "n": "5"}
    )


def test_the_trace_and_the_callback_make_no_other_order_but_quantity_and_answers_do() -> None:
    def hash_of(**more: Any) -> bytes:
        return read_order(json.dumps({**GOOD, **more}).encode()).hash()

    assert hash_of() == hash_of(trace_id="2", callback_url="https://b.example.com/")
    assert len({hash_of(), hash_of(quantity=3), hash_of(sku_id=8), hash_of(manual_form_data={"a": "1"})}) == 4


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"quantity": 0}, "bad_request"),
        ({"quantity": True}, "bad_request"),
        ({"quantity": 2.0}, "bad_request"),
        ({"quantity": "2"}, "bad_request"),
        ({"quantity": 10**30}, "bad_request"),
        ({"sku_id": None}, "bad_request"),
        ({"sku_id": -1}, "sku_unavailable"),
        ({"sku_id": 2**63}, "sku_unavailable"),
        ({"downstream_order_no": 5}, "bad_request"),
        ({"downstream_order_no": "a" * 65}, "bad_request"),
        ({"downstream_order_no": "a\nb"}, "bad_request"),
        ({"downstream_order_no": "\ud800"}, "bad_request"),
        ({"manual_form_data": []}, "bad_request"),
        ({"manual_form_data": {"a": ["b"]}}, "bad_request"),
        ({"manual_form_data": {"a": "\x00"}}, "bad_request"),
        ({"callback_url": "http://127.0.0.1/x"}, "invalid_callback_url"),
        ({"callback_url": 5}, "invalid_callback_url"),
    ],
)
def test_what_is_wrong_is_named_in_its_own_words(change: dict[str, Any], code: str) -> None:
    with pytest.raises(No) as no:
        read_order(json.dumps({**GOOD, **change}).encode())
    assert no.value.code == code and no.value.document()["ok"] is False


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"sku_id": 1, "sku_id": 2, "quantity": 1}'])
def test_nonsense_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(No) as no:
        read_order(body)
    assert no.value.code == "bad_request"


WORDS = st.text(max_size=10)
JSON = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | WORDS
    | st.lists(WORDS, max_size=3)
    | st.dictionaries(WORDS, WORDS | st.integers(), max_size=3)
)


@given(
    st.binary(max_size=200)
    | st.fixed_dictionaries(
        {},
        optional={
            name: JSON | st.just(good)
            for name, good in {**GOOD, "manual_form_data": {"a": "b"}, "callback_url": "https://a.example.com"}.items()
        },
    ).map(lambda document: json.dumps(document).encode())
)
def test_any_bytes_are_an_order_or_a_refusal(body: bytes) -> None:
    try:
        asked = read_order(body)
    except No as no:
        found = no.code
    else:
        found = ""
    if found:
        assert found in STATUS
        return
    assert 1 <= asked.quantity <= 10_000 and asked.sku_id >= 1 and len(asked.number) <= 64
    assert asked.callback_url is None or public_address(asked.callback_url)


@given(st.dictionaries(st.sampled_from(["dujiao-next-api-key", "dujiao-next-timestamp", "dujiao-next-signature"]), st.text(max_size=80)))
def test_any_headers_claim_a_key_or_are_refused(headers: dict[str, str]) -> None:
    try:
        name, status = claimed(headers, 1_700_000_000), 0
    except No as no:
        name, status = "", no.status
    assert 0 < len(name) <= 64 or status == 401


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("https://a.example.com/api/v1/upstream/callback", True),
        ("http://8.8.8.8:8080/x?y=1", True),
        ("https://[2606:4700::1111]/", True),
        ("https://localhost/", False),
        ("https://intranet/", False),
        ("http://10.0.0.1/", False),
        ("http://169.254.169.254/latest", False),
        ("http://[::1]/", False),
        ("http://127.1/", False),
        ("http://2130706433/", False),
        ("http://0x7f.1/", False),
        ("http://metadata.internal/", False),
        ("http://a.localhost./", False),
        ("ftp://a.example.com/", False),
        ("https://a:b@a.example.com/", False),
        ("https://a.example.com:99999/", False),
        ("https://exämple.com/", False),
        ("//a.example.com/", False),
        ("https://", False),
    ],
)
def test_only_public_addresses_are_told_of_an_order(text: str, public: bool) -> None:
    assert public_address(text) is public


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_none(text: str) -> None:
    assert public_address(text) in (True, False)
    assert public_address(f"https://{text}") in (True, False)


def test_stock_and_pages_are_in_its_bounds() -> None:
    assert [stock_words(left) for left in (None, 0, 1, 20, 21)] == [
        ("unlimited", -1),
        ("out_of_stock", 0),
        ("low_stock", 1),
        ("low_stock", 20),
        ("in_stock", 21),
    ]
    assert page_of({}) == (1, 20) and page_of({"page": "0", "page_size": "1000"}) == (1, 100)
    assert page_of({"page": "x", "page_size": "-1"}) == (1, 20)
