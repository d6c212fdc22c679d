"""The page where people pay: one for all gateways, in their colours, in English or Chinese, without a script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiohttp import web

if TYPE_CHECKING:
    from sandbox.gateways.base import Payment
    from sandbox.gateways.faults import Faults

FOLDER = Path(__file__).parent / "page"
FILES = {"pay.css": "text/css"}
SHOWN = 100
TELEGRAM = ("t.me", "telegram.me", "telegram.dog")
SIGNS = {
    "CNY": "¥",
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "JP¥",
    "HKD": "HK$",
    "TWD": "NT$",
    "SGD": "S$",
    "KRW": "₩",
    "RUB": "₽",
    "INR": "₹",
}

# Each sentence in English and in Chinese.
WORDS: Final = {
    "amount": ("Was to be paid", "应付金额"),
    "shop": ("Shop", "商户"),
    "goods": ("For", "商品"),
    "number": ("Number", "订单号"),
    "until": ("Pay by", "付款截止"),
    "pay": ("Pay {amount}", "支付 {amount}"),
    "refuse": ("Do not pay", "不支付"),
    "play": ("This is a sandbox. No money moves.", "这是演示环境，不会产生真实扣款。"),
    "open": ("Confirm your payment", "确认付款"),
    "processing": ("Your payment is on its way", "付款处理中"),
    "processing_then": ("Your bank is still working on it.\nYou can go back to the chat.", "银行正在处理，\n您可以返回聊天。"),
    "paid": ("Payment successful", "支付成功"),
    "paid_then": ("You can go back to the chat.\nThe shop is told by itself.", "您可以返回聊天，\n商户会自动收到通知。"),
    "failed": ("Not paid", "未支付"),
    "failed_then": (
        "Nothing was charged.\nYou can go back to the chat and choose another way.",
        "没有扣款。\n您可以返回聊天，换一种方式付款。",
    ),
    "expired": ("This payment has expired", "付款已过期"),
    "expired_then": ("Nothing was charged.\nYou can go back to the chat and order again.", "没有扣款。\n您可以返回聊天，重新下单。"),
    "back": ("Back to the shop", "返回商户"),
    "faults": ("Faults of this gateway", "此网关的故障开关"),
    "faults_on": ("Faults switched on: {n}", "已开启故障：{n}"),
    "give-back": ("Give back the rest, as in the console", "在后台退还余款"),
    "give-half": ("Give back a half, as in the console", "在后台退还一半"),
    "dispute": ("Dispute it, as the payer's bank", "由付款人银行发起拒付"),
    "dispute-won": ("Decide for the shop", "裁定商户胜诉"),
    "dispute-lost": ("Decide for the payer", "裁定付款人胜诉"),
    "error": ("This payment cannot be opened", "无法打开此付款"),
    "all": ("Payments", "付款记录"),
    "none": ("No payment yet. It appears here as soon as the shop asks for one.", "暂无付款。商户发起付款后会显示在这里。"),
    "state_open": ("open", "待付款"),
    "state_processing": ("on its way", "处理中"),
    "state_paid": ("paid", "已付款"),
    "state_failed": ("not paid", "未付款"),
    "state_expired": ("expired", "已过期"),
}


@dataclass(frozen=True)
class Brand:
    """How a gateway looks: its name in both languages, a letter for its sign, and the class of its colours."""

    name: tuple[str, str]
    letter: str
    colours: str


BRANDS = {
    "epay": Brand(("epay", "易支付"), "易", "alipay"),
    "alipay": Brand(("Alipay", "支付宝"), "支", "alipay"),
    "wxpay": Brand(("WeChat Pay", "微信支付"), "微", "wxpay"),
    "qqpay": Brand(("QQ Wallet", "QQ 钱包"), "Q", "qqpay"),
    "crypto-pay": Brand(("Crypto Pay", "Crypto Pay 加密货币"), "C", "crypto-pay"),
    "stripe": Brand(("Pay by card", "银行卡支付"), "S", "stripe"),
    "own-shop": Brand(("A shop that supplies", "货源店铺"), "货", "stripe"),
    "dujiao-next": Brand(("dujiao-next", "独角数卡"), "独", "crypto-pay"),
    "acg-faka": Brand(("acg-faka", "异次元发卡"), "异", "alipay"),
    "topup": Brand(("Direct top-up", "直充接口"), "充", "wxpay"),
}


def is_telegram(address: str) -> bool:
    """Whether an address opens Telegram itself."""
    return (urlsplit(address).hostname or "") in TELEGRAM


def readable(amount: Decimal, currency: str) -> str:
    """An amount as people read it, with two digits unless it has more, or its currency has none."""
    code = currency.upper()
    places = max(0 if code in ("JPY", "KRW", "VND", "CLP") else 2, -int(amount.normalize().as_tuple().exponent))
    text = f"{amount:,.{places}f}"
    return f"{SIGNS[code]}{text}" if code in SIGNS else f"{text} {code}"


def language(request: web.Request) -> int:
    """0 for English, 1 for Chinese: whichever the browser likes better; English when neither."""
    wishes = []
    for place, part in enumerate(request.headers.get("Accept-Language", "").lower().split(",")):
        tag, _, weight = part.strip().partition(";q=")
        # A weight is a preference, not money.
        quality = Decimal(weight) if re.fullmatch(r"[01](\.\d{1,3})?", weight) else Decimal(1)
        if tag.startswith(("en", "zh")) and quality:
            wishes.append((-quality, place, tag))
    return int(bool(wishes) and min(wishes)[2].startswith("zh"))


async def asset(request: web.Request) -> web.StreamResponse:
    """The page's style sheet."""
    name = request.match_info["file"]
    if name not in FILES:
        raise web.HTTPNotFound
    return web.Response(body=(FOLDER / name).read_bytes(), content_type=FILES[name], headers={"Cache-Control": "no-cache"})


def show(
    request: web.Request,
    payment: Payment,
    brand: Brand,
    shop: str,
    onward: str,
    faults: Faults,
    desk: Sequence[tuple[str, str]] = (),
) -> web.Response:
    """The page of one payment, as it stands."""
    tongue = language(request)
    state = payment.state.value
    amount = readable(payment.sum, payment.currency)
    rows = [("shop", shop), ("goods", payment.title), ("number", payment.reference)]
    if state == "open" and payment.expires_at is not None:
        rows.append(("until", f"{payment.expires_at:%m-%d %H:%M} UTC"))
    details = "".join(f"<div><dt>{_say(word, tongue)}</dt><dd>{escape(text)}</dd></div>" for word, text in rows)
    if state == "open":
        label = escape(WORDS["pay"][tongue].replace("{amount}", amount))
        acts = (
            f'<form method="post" action="/pay/{escape(payment.key)}">'
            f'<button class="pay" name="wish" value="pay">{label}</button>'
            f'<button class="refuse" name="wish" value="refuse">{_say("refuse", tongue)}</button></form>'
        )
    else:
        acts = f'<p class="then">{_say(f"{state}_then", tongue)}</p>'
        if state in ("paid", "processing") and onward:
            acts += f'<a class="pay" href="{escape(onward)}" rel="noreferrer">{_say("back", tongue)}</a>'
    if desk:
        wishes = "".join(f'<button class="refuse" name="wish" value="{escape(wish)}">{_say(word, tongue)}</button>' for wish, word in desk)
        acts += f'<form method="post" action="/pay/{escape(payment.key)}">{wishes}</form>'
    main = (
        f'<p class="state"><span class="mark {state}" aria-hidden="true"></span>{_say(state, tongue)}</p>'
        f'<p class="amount"><span class="label">{_say("amount", tongue)}</span>'
        f'<strong class="{"long" if len(amount) > 11 else ""}">{escape(amount)}</strong></p><dl>{details}</dl>{acts}'
    )
    return whole(tongue, brand, f"{WORDS[state][tongue]} · {amount}", main, state, onward, faults)


def notice(request: web.Request, says: str) -> web.Response:
    """A page that says why there is nothing to pay."""
    tongue = language(request)
    main = f'<p class="state"><span class="mark failed" aria-hidden="true"></span>{_say("error", tongue)}</p>'
    main += f'<p class="then">{escape(says)}</p>'
    return whole(tongue, BRANDS["epay"], WORDS["error"][tongue], main, "failed", "")


def overview(request: web.Request, brand: Brand, shop: str, payments: Sequence[Payment], faults: Faults) -> web.Response:
    """All payments of a gateway, newest first: for the person who plays the payer."""
    tongue = language(request)
    items = "".join(
        f'<li><a href="/pay/{escape(payment.key)}">'
        f'<span class="what">{escape(payment.title)}<small>{escape(payment.reference)}</small></span>'
        f'<span class="sum">{escape(readable(payment.sum, payment.currency))}'
        f'<small class="{payment.state.value}">{_say(f"state_{payment.state.value}", tongue)}</small></span></a></li>'
        for payment in payments[:SHOWN]
    )
    main = f'<p class="state">{_say("all", tongue)}</p>' + (f"<ul>{items}</ul>" if items else f'<p class="then">{_say("none", tongue)}</p>')
    return whole(tongue, brand, f"{WORDS['all'][tongue]} · {shop}", main, "list", "", faults)


def _say(word: str, tongue: int) -> str:
    return escape(WORDS[word][tongue])


def way_to_faults(tongue: int, faults: Faults | None) -> str:
    """The link to the panel of faults, which says how many are on; nothing where no gateway stands behind the page."""
    if faults is None:
        return ""
    on = len(faults.on)
    words = WORDS["faults_on" if on else "faults"][tongue].replace("{n}", str(on))
    return f' <a class="faults{" on" if on else ""}" href="/faults">{escape(words)}</a>'


def whole(tongue: int, brand: Brand, title: str, main: str, state: str, onward: str = "", faults: Faults | None = None) -> web.Response:
    """A page of a gateway round its main part."""
    template = Template((FOLDER / "pay.html").read_text(encoding="utf-8"))
    text = template.substitute(
        lang=("en", "zh-Hans")[tongue],
        title=escape(title),
        colours=brand.colours,
        state=state,
        letter=escape(brand.letter),
        brand=escape(brand.name[tongue]),
        main=main,
        play=_say("play", tongue) + way_to_faults(tongue, faults),
    )
    # A browser refuses to follow a form to another site unless that site is named.
    parts = urlsplit(onward)
    forms = f"'self' {parts.scheme}://{parts.netloc}" if re.fullmatch(r"[\w.:\[\]-]+", parts.netloc) else "'self'"
    policy = f"default-src 'none'; style-src 'self'; img-src data:; form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Vary": "Accept-Language"}
    return web.Response(text=text, content_type="text/html", headers=headers)
