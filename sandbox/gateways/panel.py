"""The panel on which a person makes a gateway misbehave, and reads what the shop should then do; without a script."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from html import escape
from typing import TYPE_CHECKING, Final

from aiohttp import web

from sandbox.gateways import page

if TYPE_CHECKING:
    from sandbox.gateways.faults import Faults

Texts = Mapping[str, tuple[tuple[str, str], tuple[str, str]]]

NEXT, ALWAYS = "next", "always"
WHEN = (NEXT, ALWAYS)

# Each in English and in Chinese: what the gateway does, and what the shop should then do.
FAULTS: Final[Texts] = {
    "no_callback": (
        ("It never reports", "The shop asks by itself within seconds, or at once when the buyer presses “I have paid”."),
        ("不发送回调", "商店会在几秒内主动查询；买家点“我已付款”时立即查询。"),
    ),
    "callback_twice": (
        ("It reports twice at the same moment", "The order is issued once, and nothing is credited twice."),
        ("同时回调两次", "订单只发货一次，不会重复入账。"),
    ),
    "out_of_order": (
        ("Its report waits until a later one has overtaken it", "Each payment is booked for itself; the order of reports is of no matter."),
        ("回调乱序：后发的先到", "每笔付款各自入账，先后顺序不影响结果。"),
    ),
    "late_seconds": (
        ("It reports 20 seconds late", "The shop asks meanwhile and issues the order; the late report changes nothing."),
        ("回调迟到 20 秒", "商店在此期间已查询并发货，迟到的回调不再改变任何东西。"),
    ),
    "wrong_amount": (
        ("It reports another amount, genuinely signed", "The gateway is asked before anything is booked, and its answer counts."),
        ("回调金额错误（签名有效）", "入账前先向网关查询，以查询结果为准。"),
    ),
    "wrong_currency": (
        ("It reports another currency, genuinely signed", "The gateway is asked before anything is booked, and its answer counts."),
        ("回调币种错误（签名有效）", "入账前先向网关查询，以查询结果为准。"),
    ),
    "lies_in_answers": (
        (
            "Its answers lie too: choose it with another amount or currency, and “always”",
            "Too little is credited and nothing issued; too much issues and credits the rest; another currency goes by its rate.",
        ),
        (
            "查询结果也报错：与上面的金额或币种错误一起选，并选“一直”",
            "少付：入余额，不发货；多付：发货，差额入余额；其他币种：按汇率入余额。",
        ),
    ),
    "wrong_sign": (
        ("It signs with another secret", "The report is answered 400 and changes nothing; the shop asks the gateway instead."),
        ("回调签名错误", "商店回复 400，不作任何更改，改为主动查询网关。"),
    ),
    "errors_500": (
        ("Its API answers 500 and does nothing", "Unknown is not failed: the buyer waits, and the shop asks again, ever more seldom."),
        ("接口返回 500，什么也不做", "“未知”不等于“失败”：买家稍候，商店会再次查询，间隔逐渐加长。"),
    ),
    "stall_after_work_seconds": (
        (
            "Its API does the work, and answers 30 seconds later",
            "The shop stops waiting and asks again under the same number: one payment.",
        ),
        ("接口已处理，但 30 秒后才应答", "商店超时后用同一编号重试，只会有一笔付款。"),
    ),
}
WORDS: Final = {
    "title": ("Faults of this gateway", "网关故障"),
    "what": (
        "Choose what goes wrong, then pay in the chat and watch what the shop does.",
        "选择要模拟的故障，然后在聊天中付款，观察商店如何处理。",
    ),
    "when": ("How often", "次数"),
    NEXT: ("Only the next time", "仅下一次"),
    ALWAYS: ("Always, until switched off", "一直，直到关闭"),
    "which": ("What goes wrong", "故障"),
    "shop": ("The shop:", "商店："),
    "on": ("on", "已开启"),
    "switch": ("Switch these on", "开启所选故障"),
    "clear": ("Everything as it should be", "全部恢复正常"),
    "none_on": ("No fault is on.", "当前没有故障。"),
    "some_on": ("Faults switched on: {n}", "已开启故障：{n}"),
    "back": ("Payments", "付款记录"),
}


def offered(without: Collection[str], texts: Texts = FAULTS) -> list[str]:
    """The switches of a gateway whose protocol has no room for some."""
    return [name for name in texts if name not in without]


def show(request: web.Request, brand: page.Brand, faults: Faults, without: Collection[str], texts: Texts = FAULTS) -> web.Response:
    """The panel as the switches stand; `texts` are what there is to switch."""
    tongue = page.language(request)

    def say(word: str) -> str:
        return escape(WORDS[word][tongue])

    on = faults.on
    items = "".join(_switch(name, texts[name], tongue, on=name in on, word=say("on"), shop=say("shop")) for name in offered(without, texts))
    once = faults.next_call_only or not on
    when = "".join(
        f'<label class="when"><input type="radio" name="when" value="{value}"{_checked((value == NEXT) == once)}>'
        f"<span>{say(value)}</span></label>"
        for value in WHEN
    )
    state = say("some_on").replace("{n}", str(len(on))) if on else say("none_on")
    clear = f'<button class="refuse" name="wish" value="clear">{say("clear")}</button>' if on else ""
    main = (
        f'<p class="state">{say("title")}</p><p class="then">{say("what")}</p>'
        f'<p class="standing{" on" if on else ""}" role="status">{state}</p>'
        f'<form method="post" action="/faults"><fieldset><legend>{say("which")}</legend>{items}</fieldset>'
        f"<fieldset><legend>{say('when')}</legend>{when}</fieldset>"
        f'<button class="pay" name="wish" value="switch">{say("switch")}</button>{clear}</form>'
        f'<p class="back"><a href="/">{say("back")}</a></p>'
    )
    return page.whole(tongue, brand, WORDS["title"][tongue], main, "panel")


def _switch(name: str, texts: tuple[tuple[str, str], tuple[str, str]], tongue: int, *, on: bool, word: str, shop: str) -> str:
    does, then = (escape(text) for text in texts[tongue])
    mark = f' <em class="on">{word}</em>' if on else ""
    return (
        f'<label class="fault"><input type="checkbox" name="fault" value="{name}" aria-describedby="then-{name}"{_checked(on)}>'
        f'<span><b>{does}</b>{mark}<small id="then-{name}"><i>{shop}</i> {then}</small></span></label>'
    )


def _checked(yes: bool) -> str:
    return " checked" if yes else ""
