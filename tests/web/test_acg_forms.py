"""The texts of the acg-faka protocol: the sign as PHP computes it, and a purchase or a refusal for whatever comes in."""

from __future__ import annotations

import hashlib
from urllib.parse import quote_plus, unquote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.acg_forms import No, Purchase, code_of, genuine, ini, read, read_purchase, sign, sku_of
from web.php_forms import read_form

KEY = "ebIUuv9l1Ld5"


def test_the_sign_is_the_one_php_computes() -> None:
    # md5(urldecode(http_build_query([...]) . "&key=K")) of PHP 8.3, written down from its output: see docs/upstreams.md.
    assert sign(read_form(b"app_id=1001&b=&a=%E7%94%B2+%E4%B9%99"), "K") == "edecac6d21c90ca3c2ddc09bdd8f8fab"


def test_arrays_are_signed_with_their_brackets_and_sign_itself_is_not() -> None:
    body = "shared_code=S1&sku%5Bcolour%5D=red&sku%5Bempty%5D=&num=2&app_id=1&sign=zzz&race="
    text = f"app_id=1&num=2&shared_code=S1&sku[colour]=red&sku[empty]=&key={KEY}"
    assert sign(read_form(body.encode()), KEY) == hashlib.md5(text.encode()).hexdigest()


NAMES = st.text(st.sampled_from("abcxyz_0123456789"), min_size=1, max_size=6).filter(lambda name: name != "sign" and not name.isdigit())
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)


@given(st.dictionaries(NAMES, TEXTS, max_size=8))
def test_whoever_signs_as_the_documentation_says_is_believed_and_with_one_letter_changed_is_not(fields: dict[str, str]) -> None:
    # urldecode(http_build_query(…)), as a shop in another language would write it.
    query = urlencode(sorted((name, value) for name, value in fields.items() if value != ""), quote_via=quote_plus)
    signed = hashlib.md5(unquote_plus(f"{query}&key={KEY}").encode()).hexdigest()
    body = urlencode({**fields, "sign": signed}).encode()
    assert genuine(read_form(body), KEY)
    assert not genuine(read_form(body + b"&zz[q]=1"), KEY)
    assert not genuine(read_form(body), KEY + "x")


def test_a_purchase_is_read_without_the_contact_and_with_the_answers() -> None:
    body = b"shared_code=S17&contact=a%40b.c&num=2&card_id=0&device=0&password=&race=&request_no=R1&account=138&app_id=1&app_key=k&sign=s"
    assert read_purchase(read_form(body)) == Purchase(17, 2, "R1", {"account": "138"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("shared_code=17", "商品不存在"),
        ("shared_code=S0", "商品不存在"),
        ("shared_code=", "商品不存在"),
        ("race=月卡", "商品不存在"),
        ("sku[a]=b", "商品不存在"),
        ("num=0", "购买数量格式错误"),
        ("num=1e3", "购买数量格式错误"),
        ("num=10001", "购买数量格式错误"),
        ("request_no=", "请填写请求编号"),
        ("request_no=甲", "请填写请求编号"),
        ("card_id=5", "该商品不支持预选"),
        ("account[]=5", "请求格式错误"),
        ("num[]=5", "请求格式错误"),
        ("account=%ff", "请求格式错误"),
        ("account=%00", "请求格式错误"),
    ],
)
def test_what_is_wrong_is_said_in_its_own_words(change: str, words: str) -> None:
    with pytest.raises(No) as no:
        read_purchase(read_form(f"shared_code=S17&num=2&request_no=R1&{change}".encode()))
    assert words in no.value.words and no.value.document()["code"] != 200


@given(st.binary(max_size=200) | st.builds(lambda tail: b"shared_code=S17&num=2&request_no=R1&" + tail, st.binary(max_size=100)))
def test_any_bytes_are_a_purchase_or_a_refusal(body: bytes) -> None:
    try:
        form = read(body)
        assert len(sign(form, KEY)) == 32 and not genuine(form, KEY)
        asked = read_purchase(form)
    except No:
        return
    assert asked.sku_id >= 1 and 1 <= asked.quantity <= 10_000 and asked.number.isprintable()


def test_codes_and_configurations_are_written_as_they_write_them() -> None:
    assert sku_of(code_of(17)) == 17
    assert ini(category={}, wholesale={"10": "9.00", "50": "8.50"}) == "[wholesale]\n10=9.00\n50=8.50\n"
