"""The shared API of acg-faka as text: its sign, its envelope and its words, a purchase as it is sent, goods as they are shown."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from web.php_forms import Form, NotAForm, flat, read_form, sorted_by_name

DONE, REFUSED = 200, 0

# Its own words: shops of that software, and others that buy there, know a refusal by them and by nothing else.
NO_MERCHANT: Final = "商户ID不存在"
WRONG_SIGN: Final = "密钥错误"
NO_GOODS: Final = "商品不存在"
NOT_SOLD: Final = "当前商品已停售"
SOLD_OUT: Final = "库存不足"
NO_MONEY: Final = "余额不足"
NO_ORDER: Final = "订单不存在"
NO_DRAFTS: Final = "该商品不支持预选"
OTHER_ORDER: Final = "请求编号已存在，且内容不同"
WRONG_FORM: Final = "请求格式错误"
BUSY: Final = "请求过于频繁，请稍后再试"
TROUBLE: Final = "系统繁忙，结果未知，请用原编号重试"

# What a purchase says besides the answers to the questions of its goods.
_OWN_NAMES: Final = frozenset(
    {"app_id", "app_key", "sign", "shared_code", "contact", "num", "card_id", "device", "password", "race", "request_no", "sku"}
)
MOST_QUANTITY = 10_000
_NUMBER = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)


class No(Exception):
    """A refusal in the protocol's own words."""

    def __init__(self, words: str, status: int = 200) -> None:
        super().__init__(words)
        self.words, self.status = words, status

    def document(self) -> dict[str, object]:
        return {"code": REFUSED, "msg": self.words, "data": None}


def sign(form: Form, key: str) -> str:
    """Lower-case hex of MD5 over what PHP's http_build_query makes of the fields by name, undone from its encoding, and the key.

    MD5 over a text with the key at its end is no proof against whoever can choose the text; the protocol has nothing better, nor a time.
    """
    said = {name: value for name, value in form.items() if name != b"sign" and value != b""}
    text = b"&".join(name + b"=" + value for name, value in flat(sorted_by_name(said))) + b"&key=" + key.encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def genuine(form: Form, key: str) -> bool:
    """Whether the form is signed with this key. Compared in constant time."""
    given = form.get(b"sign")
    return isinstance(given, bytes) and hmac.compare_digest(sign(form, key).encode(), given)


def read(body: bytes) -> Form:
    """The form in a body. Raises No."""
    try:
        return read_form(body)
    except NotAForm:
        raise No(WRONG_FORM) from None


def word(form: Form, *names: str, most: int = 200) -> str:
    """The first of these fields that is there, as text; empty when there is none. Raises No for what is no text."""
    for name in names:
        value = form.get(name.encode())
        if value is not None:
            return _text(value, most)
    return ""


def _text(value: object, most: int) -> str:
    if not isinstance(value, bytes) or len(value) > 4 * most:
        raise No(WRONG_FORM)
    try:
        text = value.decode("utf-8")
    except ValueError:
        raise No(WRONG_FORM) from None
    if len(text) > most or "\x00" in text:
        raise No(WRONG_FORM)
    return text


def code_of(sku_id: int) -> str:
    """The docking code of a denomination: the same for as long as it is sold, whatever it is called."""
    return f"S{sku_id}"


def sku_of(code: str) -> int:
    """The denomination of a docking code. Raises No for what is none."""
    found = re.fullmatch(r"S([1-9][0-9]{0,17})", code, re.ASCII)
    if found is None:
        raise No(NO_GOODS)
    return int(found[1])


def wanted(form: Form, *names: str) -> int:
    """The denomination that a form is about. Goods have no races here: each denomination has a code of its own. Raises No."""
    sku_id = sku_of(word(form, *names))
    if word(form, "race") or form.get(b"sku") not in (None, b""):
        raise No(NO_GOODS)
    return sku_id


def count(form: Form, name: str = "num") -> int:
    """How many. Raises No."""
    text = word(form, name, most=20)
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text, re.ASCII) or int(text) > MOST_QUANTITY:
        raise No("购买数量格式错误")
    return int(text)


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase as it was sent; `number` is the buyer's own."""

    sku_id: int
    quantity: int
    number: str
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_purchase(form: Form) -> Purchase:
    """What a trade asks for. Raises No; contact and password of the buyer's buyer are nobody's business here, and are not kept."""
    sku_id, quantity, number = wanted(form, "shared_code"), count(form), word(form, "request_no", most=64)
    if not _NUMBER.fullmatch(number):
        # Without a number a repeated request would be a second purchase.
        raise No("请填写请求编号 request_no（1–64 个英文字母、数字或符号）")
    if word(form, "card_id") not in ("", "0"):
        raise No(NO_DRAFTS)
    fields: dict[str, str] = {}
    for name, value in form.items():
        said = _text(name, 64)
        if said not in _OWN_NAMES:
            fields[said] = _text(value, 1000)
    return Purchase(sku_id, quantity, number, fields)


def done(data: object) -> dict[str, object]:
    """The envelope of a good answer."""
    return {"code": DONE, "msg": "success", "data": data}


def ini(**sections: Mapping[str, str]) -> str:
    """The configuration of goods, as they write it: sections with one pair a line; those without any are left out."""
    return "".join(f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in pairs.items()) for name, pairs in sections.items() if pairs)
