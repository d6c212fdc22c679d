"""epay: three ways to be paid, against a gateway that is a real server and misbehaves."""

from __future__ import annotations

import asyncio
import hashlib
import traceback
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.line import Answer
from connectors.payments import epay
from connectors.payments.epay import CHINA, PAGE, Epay
from connectors.settings import SetUpWrong
from core.ports import Ask, Callback, Declined, NotGenuine, NotSure, PaymentMethod, PaymentState, Refund, TelegramCalls
from sandbox.gateways import EpayGateway, Pace
from tests.connectors.door import Door, NobodyAnswers, at_once

PID, KEY = "1001", "k3yOfTheMerchant-nobody-may-see"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NO_CALLS = cast(TelegramCalls, None)  # epay has nothing to do with Telegram.
FORM = {"content-type": "application/x-www-form-urlencoded"}

CAREFULLY = settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def made(url: str = "http://127.0.0.1:9", **more: str) -> dict[str, Epay]:
    """The ways of a gateway by name, as the shop makes them."""
    found = epay.methods(NO_CALLS, {"SHOP_EPAY_URL": url, "SHOP_EPAY_PID": PID, "SHOP_EPAY_KEY": KEY, **more})
    assert all(isinstance(way, Epay) for way in found)
    return {way.name: cast(Epay, way) for way in found}


def asked(reference: str = "P1a", minor: int = 950, title: str = "Steam 50") -> Ask:
    now = datetime.now(UTC)
    return Ask(reference, minor, "CNY", title, "One code", 7, now + timedelta(minutes=15), now)


def refund_of(reference: str, key: str, minor: int = 950, whole: int = 950) -> Refund:
    return Refund(f"r:{reference}", key, reference, key, 7, minor, whole, "CNY")


def sign(fields: Mapping[str, str], key: str = KEY, joint: str = "") -> str:
    """The protocol's formula, written a second time and not taken from what is tested."""
    pairs = sorted((name, value) for name, value in fields.items() if value != "" and name != "sign" and name != "sign_type")
    text = "&".join("=".join(pair) for pair in pairs)
    return hashlib.md5((text + joint + key).encode()).hexdigest()


def report(**changed: str) -> dict[str, str]:
    """What a gateway reports, rightly signed after the changes; a field is taken out by an empty text."""
    fields = {
        "pid": PID,
        "trade_no": "2026010112000000001",
        "out_trade_no": "P1a",
        "type": "alipay",
        "name": "Steam 50",
        "money": "9.50",
        "trade_status": "TRADE_SUCCESS",
        **changed,
    }
    fields = {name: value for name, value in fields.items() if value}
    return {**fields, "sign": sign(fields), "sign_type": "MD5"}


def by_get(fields: Mapping[str, str] | Sequence[tuple[str, str]]) -> Callback:
    return Callback(list(fields.items()) if isinstance(fields, Mapping) else list(fields), {}, b"")


@pytest.fixture(params=["plain", "ampersand"])
async def gateway(request: pytest.FixtureRequest) -> AsyncIterator[EpayGateway]:
    running = EpayGateway(PID, KEY, request.param, pace=Pace(repeat_after_seconds=(0.05, 0.1, 0.2), hold_seconds=0.2))
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with Door() as door:
        yield door


@pytest.fixture
def ways(gateway: EpayGateway, door: Door, request: pytest.FixtureRequest) -> dict[str, Epay]:
    variant: str = request.node.callspec.params["gateway"]
    found = made(gateway.url, SHOP_EPAY_SIGN=variant, SHOP_PUBLIC_URL=door.url, SHOP_EPAY_MODE="api")
    door.methods |= found
    return found


@pytest.fixture
def alipay(ways: dict[str, Epay]) -> Epay:
    return ways["epay-alipay"]


async def number_of(gateway: EpayGateway, reference: str) -> str:
    return gateway.payments[reference].number


# Asking.


async def test_the_page_is_a_signed_address_and_nobody_is_asked(gateway: EpayGateway, door: Door, request: pytest.FixtureRequest) -> None:
    way = made(gateway.url, SHOP_EPAY_SIGN=request.node.callspec.params["gateway"], SHOP_PUBLIC_URL=door.url)["epay-wxpay"]
    door.methods["epay-wxpay"] = way

    created = await way.create(asked(title="Steam 50 & <best> = 100%"))

    assert not gateway.calls
    assert created == await way.create(asked(title="Steam 50 & <best> = 100%"))
    assert created.url is not None and created.url.startswith(f"{gateway.url}/submit.php?")
    given_out = {name: values[0] for name, values in parse_qs(urlsplit(created.url).query).items()}
    assert given_out["money"] == "9.50"
    assert given_out["notify_url"] == f"{door.url}/pay/epay-wxpay"
    assert given_out["name"] == "Steam 50 best 100"
    assert KEY not in created.url

    async with aiohttp.ClientSession() as browser, browser.get(created.url) as page:
        assert page.status == 200
    assert [payment.reference for payment in gateway.history] == ["P1a"]
    assert gateway.payments["P1a"].way == "wxpay"

    await gateway.pay("P1a")
    await gateway.settled()
    assert [event.amount_minor for event in door.heard] == [950]


@pytest.mark.parametrize(("minor", "money"), [(1, "0.01"), (10, "0.10"), (100, "1.00"), (123_456, "1234.56")])
async def test_money_has_exactly_two_digits(minor: int, money: str) -> None:
    created = await made()["epay-alipay"].create(asked(minor=minor))
    assert created.url is not None
    assert dict(parse_qsl(urlsplit(created.url).query))["money"] == money


@pytest.mark.parametrize("joint", ["", "&key="])
async def test_the_sign_is_the_protocols_formula(joint: str) -> None:
    way = made(SHOP_EPAY_SIGN="ampersand" if joint else "plain")["epay-qqpay"]
    created = await way.create(asked(title="充值卡 50 元"))
    assert created.url is not None
    fields = dict(parse_qsl(urlsplit(created.url).query))
    assert fields["sign"] == sign(fields, joint=joint)
    assert fields["sign_type"] == "MD5"


async def test_without_a_public_address_the_gateway_reports_to_nobody_and_is_asked(
    gateway: EpayGateway, request: pytest.FixtureRequest
) -> None:
    way = made(gateway.url, SHOP_EPAY_SIGN=request.node.callspec.params["gateway"], SHOP_EPAY_MODE="api")["epay-alipay"]
    assert not way.capabilities.callback and way.capabilities.poll
    await way.create(asked())
    await gateway.pay("P1a")
    found = await way.find("P1a", None, LONG_AGO)
    assert found is not None and found.state is PaymentState.PAID
    await way.close()


async def test_the_api_gives_an_address_and_a_qr_code_and_asking_twice_makes_one_payment(gateway: EpayGateway, alipay: Epay) -> None:
    first = await alipay.create(asked())
    second = await alipay.create(asked())

    assert first == second
    assert first.url == f"{gateway.url}/pay/{await number_of(gateway, 'P1a')}"
    assert first.qr == f"{first.url}?qr=1"
    assert first.provider_ref == await number_of(gateway, "P1a")
    assert len(gateway.history) == 1


async def test_a_call_that_timed_out_after_the_work_is_asked_again_and_made_once(gateway: EpayGateway, ways: dict[str, Epay]) -> None:
    hasty = Epay(ways["epay-alipay"]._merchant, "alipay", seconds=0.3)
    gateway.faults.stall_after_work_seconds = 1
    with pytest.raises(NotSure):
        await hasty.create(asked())
    gateway.faults.clear()

    created = await hasty.create(asked())

    assert created.url and len(gateway.history) == 1
    await hasty.close()


async def test_an_answer_of_500_is_not_sure(gateway: EpayGateway, alipay: Epay) -> None:
    gateway.faults.errors_500 = 3
    with pytest.raises(NotSure):
        await alipay.create(asked())
    with pytest.raises(NotSure):
        await alipay.find("P1a", None, LONG_AGO)
    with pytest.raises(NotSure):
        await alipay.received(LONG_AGO)
    assert await alipay.find("P1a", None, LONG_AGO) is None


async def test_a_gateway_that_refuses_declines_without_saying_the_key(gateway: EpayGateway, request: pytest.FixtureRequest) -> None:
    variant = request.node.callspec.params["gateway"]
    other = "plain" if variant == "ampersand" else "ampersand"
    way = made(gateway.url, SHOP_EPAY_SIGN=other, SHOP_EPAY_MODE="api")["epay-alipay"]
    with pytest.raises(Declined) as caught:
        await way.create(asked())
    assert "签名" in str(caught.value)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    await way.close()


async def test_a_wrong_key_declines_instead_of_keeping_the_payer_waiting(gateway: EpayGateway) -> None:
    way = made(gateway.url, SHOP_EPAY_KEY="another", SHOP_EPAY_MODE="api")["epay-alipay"]
    with pytest.raises(Declined):
        await way.create(asked())
    with pytest.raises(NotSure):
        await way.find("P1a", None, LONG_AGO)
    await way.close()


async def test_an_order_the_gateway_has_already_is_paid_at_its_page(gateway: EpayGateway, alipay: Epay) -> None:
    await alipay.create(asked(minor=950))
    # This gateway says no to the same number with another amount; the order is there and can be paid.
    created = await alipay.create(asked(minor=951))
    assert created.provider_ref == await number_of(gateway, "P1a")
    assert created.url is not None and "/submit.php?" in created.url


# Being told.


async def test_a_payment_is_heard_once_it_is_asked_for(gateway: EpayGateway, door: Door, ways: dict[str, Epay]) -> None:
    for way in ways.values():
        await way.create(asked(f"P-{way.name}"))
    gateway.calls.clear()
    for way in ways.values():
        await gateway.pay(f"P-{way.name}")
    await gateway.settled()

    assert sorted(event.reference for event in door.heard) == ["P-epay-alipay", "P-epay-qqpay", "P-epay-wxpay"]
    for event in door.heard:
        assert (event.state, event.amount_minor, event.currency) == (PaymentState.PAID, 950, "CNY")
        assert event.key == event.provider_ref == gateway.payments[event.reference].number
        assert abs(event.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert list(gateway.calls) == ["GET /api.php"] * 3
    assert [(sent.status, sent.answer) for sent in gateway.sent] == [(200, "success")] * 3


async def test_a_report_that_never_comes_is_found_by_asking(gateway: EpayGateway, door: Door, alipay: Epay) -> None:
    gateway.faults.no_callback = True
    created = await alipay.create(asked())
    before = await alipay.find("P1a", created.provider_ref, LONG_AGO)
    await gateway.pay("P1a")
    await gateway.settled()
    after = await alipay.find("P1a", created.provider_ref, LONG_AGO)

    assert not door.came
    assert before is not None and before.state is PaymentState.PENDING
    assert after is not None and (after.state, after.amount_minor) == (PaymentState.PAID, 950)
    assert before.key == after.key
    assert await alipay.find("P1a", None, LONG_AGO) == after


async def test_a_report_that_comes_twice_has_one_key(gateway: EpayGateway, door: Door, alipay: Epay) -> None:
    gateway.faults.callback_twice = True
    await alipay.create(asked())
    await gateway.pay("P1a")
    await gateway.settled()
    await gateway.resend("P1a")
    await gateway.settled()

    assert len(door.heard) == 4
    assert len({(event.key, event.amount_minor, event.state) for event in door.heard}) == 1


async def test_reports_out_of_order_are_each_about_their_own_payment(gateway: EpayGateway, door: Door, alipay: Epay) -> None:
    gateway.faults.out_of_order = True
    await alipay.create(asked("first"))
    await alipay.create(asked("second", 700))
    await gateway.pay("first")
    await gateway.pay("second")
    await gateway.settled()

    assert [(event.reference, event.amount_minor) for event in door.heard] == [("second", 700), ("first", 950)]


async def test_a_signed_report_of_a_wrong_amount_books_what_the_gateway_says_when_asked(
    gateway: EpayGateway, door: Door, alipay: Epay
) -> None:
    gateway.faults.wrong_amount = True  # Reported: 0.01, genuinely signed.
    await alipay.create(asked())
    await gateway.pay("P1a")
    await gateway.settled()

    assert dict(door.came[0].query)["money"] == "0.01"
    assert [event.amount_minor for event in door.heard] == [950]


@pytest.mark.parametrize(("paid", "minor"), [("0.01", 1), ("9.49", 949), ("20.00", 2000)])
async def test_another_amount_than_asked_is_booked_as_what_came(
    gateway: EpayGateway, door: Door, alipay: Epay, paid: str, minor: int
) -> None:
    await alipay.create(asked())
    await gateway.pay("P1a", paid)
    await gateway.settled()
    assert [event.amount_minor for event in door.heard] == [minor]


async def test_a_report_with_a_wrong_sign_is_refused_and_the_payment_is_found_by_asking(
    gateway: EpayGateway, door: Door, alipay: Epay
) -> None:
    gateway.faults.wrong_sign = True
    await alipay.create(asked())
    await gateway.pay("P1a")
    await gateway.settled()

    assert door.refused == 4 and not door.heard
    found = await alipay.find("P1a", None, LONG_AGO)
    assert found is not None and found.state is PaymentState.PAID


async def test_while_the_gateway_cannot_confirm_nothing_is_acknowledged_and_the_repetition_is_heard(
    gateway: EpayGateway, door: Door, alipay: Epay
) -> None:
    await alipay.create(asked())
    gateway.faults.errors_500 = 2
    await gateway.pay("P1a")
    await gateway.settled()

    assert [sent.status for sent in gateway.sent] == [503, 503, 200]
    assert door.unsure == 2 and len(door.heard) == 1


async def test_a_genuine_report_that_the_gateway_itself_denies_is_not_money(gateway: EpayGateway, door: Door, alipay: Epay) -> None:
    """Somebody has the key: the signed report is right in every letter, and nobody has paid."""
    variant = "&key=" if alipay._merchant.joint else ""
    await alipay.create(asked())
    fields = {name: value for name, value in report(trade_no=await number_of(gateway, "P1a")).items() if name not in ("sign", "sign_type")}
    with pytest.raises(NotSure):
        await alipay.callback(by_get({**fields, "sign": sign(fields, joint=variant), "sign_type": "MD5"}))

    fields["out_trade_no"], fields["trade_no"] = "P-unknown", "2026"
    with pytest.raises(NotGenuine):
        await alipay.callback(by_get({**fields, "sign": sign(fields, joint=variant), "sign_type": "MD5"}))


async def test_a_number_of_another_order_is_not_sure(gateway: EpayGateway, alipay: Epay) -> None:
    await alipay.create(asked("mine"))
    await alipay.create(asked("cheap", 1))
    await gateway.pay("cheap")
    with pytest.raises(NotSure):
        await alipay.find("mine", await number_of(gateway, "cheap"), LONG_AGO)


async def test_a_report_as_a_form_is_heard_too(gateway: EpayGateway, door: Door, alipay: Epay) -> None:
    gateway.faults.no_callback = True
    await alipay.create(asked())
    await gateway.pay("P1a")
    fields = {
        name: value
        for name, value in report(trade_no=await number_of(gateway, "P1a"), name="充值 + 卡").items()
        if name not in ("sign", "sign_type")
    }
    fields |= {"sign": sign(fields, joint=alipay._merchant.joint), "sign_type": "MD5"}

    heard = await alipay.callback(
        Callback([], {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}, urlencode(fields).encode())
    )

    assert heard.reply == "success"
    assert [event.reference for event in heard.events] == ["P1a"]


@pytest.mark.parametrize("status", ["WAIT_BUYER_PAY", "TRADE_CLOSED", "TRADE_FINISHED", "trade_success"])
async def test_another_genuine_status_is_acknowledged_and_is_no_event(status: str) -> None:
    heard = await made()["epay-alipay"].callback(by_get(report(trade_status=status)))
    assert (list(heard.events), heard.reply) == ([], "success")


# A thousand forged or malformed reports of each way: none is believed, none is another error, and nobody is asked about one.

_texts = st.one_of(
    st.text(max_size=40),
    st.text(st.characters(codec=None), max_size=10),  # with lone surrogates
    st.sampled_from(
        [
            "",
            "\x00",
            "P1a\x00",
            "9.50\n",
            "٩.٥٠",
            "９.５０",
            "NaN",
            "-9.50",
            "+9.50",
            "9.5e1",
            "1" * 400,
            "09.50",
            "9.505",
            "9,50",
            ".5",
            "9.",
        ]
    ),
    st.sampled_from(['{"a": {"b": [1, 2, {"c": null}]}}', "[[[[]]]]", "' OR 1=1 --", "../../etc/passwd", "%00", "\u202e", "\ud800"]),
)
_money_like = st.from_regex(r"\A(?:0|[1-9][0-9]{0,9})(?:\.[0-9]{1,2})?\Z")


@st.composite
def wrongly_signed(draw: st.DrawFn) -> Callback:
    """Everything is right but the sign."""
    fields = report()
    wrong = st.one_of(
        _texts,
        st.text("0123456789abcdef", min_size=32, max_size=32),
        st.sampled_from(
            [
                sign(fields).upper(),
                sign(fields, joint="&key="),
                sign(fields, key=""),
                sign(fields, key="another"),
                sign(fields)[:-1],
                sign(fields) + " ",
            ]
        ),
    )
    given_sign = draw(wrong.filter(lambda text: text != fields["sign"]))
    return by_get({**fields, "sign": given_sign})


@st.composite
def changed_after_signing(draw: st.DrawFn) -> Callback:
    """One field was changed, added or taken away after the gateway had signed."""
    fields = report()
    name = draw(st.sampled_from([name for name in fields if name not in ("sign", "sign_type")]))
    how = draw(st.sampled_from(["change", "remove", "add"]))
    if how == "remove":
        return by_get({key: value for key, value in fields.items() if key != name})
    if how == "add":
        extra = draw(st.text(min_size=1, max_size=10).filter(lambda key: key not in fields))
        return by_get({**fields, extra: draw(_texts.filter(bool))})
    value = draw(st.one_of(_texts, _money_like).filter(lambda text: text != fields[name]))
    return by_get({**fields, name: value})


@st.composite
def signed_nonsense(draw: st.DrawFn) -> Callback:
    """Somebody has the key, or the gateway is broken: rightly signed, and not what a report may be."""
    name = draw(st.sampled_from(["pid", "out_trade_no", "trade_no", "money"]))
    plain = st.text(max_size=40).filter(lambda text: text.encode("utf-8", "ignore").decode() == text)
    rules: dict[str, Callable[[str], bool]] = {
        "pid": lambda text: text == PID,
        "out_trade_no": lambda text: text.isascii() and text.replace("_", "").replace("-", "").isalnum() and len(text) <= 64,
        "trade_no": lambda text: text.isascii() and text.isprintable() and " " not in text and 0 < len(text) <= 64,
        "money": lambda text: text.isascii() and text.replace(".", "", 1).isdigit(),
    }
    right = rules[name]
    huge = st.integers(min_value=10**11).map(str)
    special = st.sampled_from(["", "\x00", "٩", "９", "9.505", "09.50", "9.", ".5", "1e2", "x" * 65, "P 1", "P1\n", "单号", '{"a": 1}'])
    value = draw(
        st.one_of(plain, special, huge if name == "money" else special).filter(
            lambda text: (name == "money" and len(text) > 11) or not right(text)
        )
    )
    if draw(st.booleans()):
        fields = report(**{name: value})
        return by_get(fields)
    return Callback([], FORM, urlencode(report(**{name: value}), errors="replace").encode())


@st.composite
def named_twice(draw: st.DrawFn) -> Callback:
    """A name is given more than once, in the query or once in the query and once in the body; PHP and others take different ones."""
    fields = report()
    name = draw(st.sampled_from(list(fields)))
    value = draw(st.one_of(st.just(fields[name]), _texts))
    pairs = list(fields.items())
    if draw(st.booleans()):
        pairs.insert(draw(st.integers(0, len(pairs))), (name, value))
        return by_get(pairs)
    return Callback(pairs, FORM, urlencode([(name, value)], errors="replace").encode())


@st.composite
def of_another_kind(draw: st.DrawFn) -> Callback:
    """Another kind of sign, or none."""
    fields = report()
    kind = draw(_texts.filter(lambda text: text != "MD5"))
    missing = draw(st.sampled_from(["", "sign", "sign_type"]))
    if missing:
        return by_get({name: value for name, value in fields.items() if name != missing})
    return by_get({**fields, "sign_type": kind})


_bodies = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [
            b"\xff\xfe",
            b"pid=%ff",
            b"pid=%",
            b"&" * 500,
            b"a=1&" * 100,
            b"a" * 20_000,
            b'{"pid": 1001, "money": {"a": [1]}}',
            b"[" * 5000,
            b"pid=1001\x00",
            b"=",
        ]
    ),
)
anything = st.builds(
    Callback,
    st.lists(st.tuples(st.one_of(st.sampled_from(list(report())), _texts), _texts), max_size=80),
    st.dictionaries(st.sampled_from(["content-type", "host", "x"]), st.one_of(_texts, st.just(FORM["content-type"]))),
    _bodies,
)


@pytest.mark.parametrize("name", ["epay-alipay", "epay-wxpay", "epay-qqpay"])
def test_a_thousand_forged_or_malformed_reports_are_refused_before_anybody_is_asked(name: str) -> None:
    way = made(SHOP_PUBLIC_URL="https://shop.example")[name]
    way._line = cast(Any, NobodyAnswers())

    @CAREFULLY
    @given(st.one_of(wrongly_signed(), changed_after_signing(), signed_nonsense(), named_twice(), of_another_kind(), anything))
    def refused(callback: Callback) -> None:
        with pytest.raises(NotGenuine):
            at_once(way, callback)

    refused()


def test_the_report_that_the_forgeries_are_made_of_is_genuine() -> None:
    """Otherwise they would be refused for another reason than the one they are about."""
    way = made()["epay-alipay"]
    way._line = cast(Any, NobodyAnswers())
    with pytest.raises(AssertionError, match="the provider was asked"):
        at_once(way, by_get(report()))


# Giving back.


@pytest.mark.parametrize("status_of_refunded", [1, 2])
async def test_a_payment_is_given_back_once_however_often_it_is_asked(status_of_refunded: int) -> None:
    gateway = EpayGateway(PID, KEY, status_of_refunded=status_of_refunded)
    await gateway.start()
    way = made(gateway.url, SHOP_EPAY_MODE="api")["epay-alipay"]
    hasty = Epay(way._merchant, "alipay", seconds=0.3)
    await way.create(asked())
    await gateway.pay("P1a")
    refund = refund_of("P1a", await number_of(gateway, "P1a"))

    gateway.faults.stall_after_work_seconds = 1
    with pytest.raises(NotSure):
        await hasty.refund(refund)
    gateway.faults.clear()
    # The look before a refund stalled, or the refund itself: in both cases it is asked again.
    states = [await way.refund(refund), await way.refund(refund)]

    assert states == [PaymentState.REFUNDED] * 2
    assert [str(back) for back in gateway.payments["P1a"].refunds] == ["9.50"]
    found = await way.find("P1a", None, LONG_AGO)
    assert found is not None and found.state is (PaymentState.REFUNDED if status_of_refunded == 2 else PaymentState.PAID)
    await hasty.close()
    await way.close()
    await gateway.stop()


@pytest.mark.parametrize("status_of_refunded", [1, 2])
async def test_a_refund_whose_answer_was_lost_is_not_made_again(status_of_refunded: int) -> None:
    gateway = EpayGateway(PID, KEY, status_of_refunded=status_of_refunded)
    await gateway.start()
    way = made(gateway.url, SHOP_EPAY_MODE="api")["epay-alipay"]
    hasty = Epay(way._merchant, "alipay", seconds=0.3)
    await way.create(asked())
    await gateway.pay("P1a")
    refund = refund_of("P1a", await number_of(gateway, "P1a"))

    # The look answers in time and the refund does not: the fault is switched on between the two.
    looked = hasty._look

    async def look_then_break(reference: str, number: str | None) -> Any:
        found = await looked(reference, number)
        gateway.faults.stall_after_work_seconds = 1
        return found

    hasty._look = look_then_break  # type: ignore[method-assign]  # The network breaks between two calls of one method.
    with pytest.raises(NotSure):
        await hasty.refund(refund)
    gateway.faults.clear()
    assert [str(back) for back in gateway.payments["P1a"].refunds] == ["9.50"]

    assert await way.refund(refund) is PaymentState.REFUNDED
    assert [str(back) for back in gateway.payments["P1a"].refunds] == ["9.50"]
    await hasty.close()
    await way.close()
    await gateway.stop()


async def test_what_was_never_paid_or_is_unknown_or_only_a_part_is_declined(gateway: EpayGateway, alipay: Epay) -> None:
    await alipay.create(asked())
    number = await number_of(gateway, "P1a")
    with pytest.raises(Declined, match="未支付"):
        await alipay.refund(refund_of("P1a", number))
    with pytest.raises(Declined):
        await alipay.refund(refund_of("P-unknown", "123"))
    await gateway.pay("P1a")
    with pytest.raises(Declined):
        await alipay.refund(refund_of("P1a", number, minor=1))
    assert not gateway.payments["P1a"].refunds


# The gateway's own list.


async def test_the_list_has_the_payments_of_this_way_oldest_first_and_reads_every_page(door: Door) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    clock = [now - timedelta(days=9)]
    gateway = EpayGateway(PID, KEY, clock=lambda: clock[0], status_of_refunded=2)
    await gateway.start()
    ways = made(gateway.url, SHOP_EPAY_MODE="api")
    wanted: list[str] = []
    for at in range(PAGE * 2 + 30):
        clock[0] += timedelta(minutes=1)
        way = ways["epay-wxpay" if at % 5 == 4 else "epay-alipay"]
        await way.create(asked(f"P{at}"))
        if at % 7:
            await gateway.pay(f"P{at}")
            if at % 5 != 4:
                wanted.append(f"P{at}")
    back = wanted[3]
    await ways["epay-alipay"].refund(refund_of(back, await number_of(gateway, back)))

    listed = await ways["epay-alipay"].received(now - timedelta(days=30))
    assert [event.reference for event in listed] == wanted
    assert {event.reference: event.state for event in listed}[back] is PaymentState.REFUNDED
    assert all(event.amount_minor == 950 for event in listed)
    assert len(await ways["epay-wxpay"].received(now - timedelta(days=30))) + len(wanted) == sum(1 for p in gateway.history if p.paid)

    half = gateway.payments["P60"].made_at
    assert [event.reference for event in await ways["epay-alipay"].received(half)] == [w for w in wanted if int(w[1:]) >= 60]

    clock[0] = now
    await ways["epay-alipay"].create(asked("new"))
    await gateway.pay("new")
    gateway.calls.clear()
    assert [event.reference for event in await ways["epay-alipay"].received(now - timedelta(hours=1))] == ["new"]
    assert len(gateway.calls) <= 3
    for way in ways.values():
        await way.close()
    await gateway.stop()


# What other gateways answer, which the one in the sandbox does not.


class Answering(Epay):
    """A way whose gateway answers what it is told to, the address and the form aside."""

    def __init__(self, *answers: Mapping[str, Any]) -> None:
        super().__init__(made(SHOP_EPAY_MODE="api")["epay-alipay"]._merchant, "alipay")
        self.asked: list[dict[str, str]] = []
        waiting = list(answers)

        class Script:
            async def get(_self, path: str, query: Mapping[str, str] | None = None) -> Any:
                self.asked.append(dict(query or {}))
                return Answer(200, waiting.pop(0))

            async def post(_self, path: str, *, query: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None) -> Any:
                self.asked.append({**(query or {}), **(form or {})})
                return Answer(200, waiting.pop(0))

        self._line = cast(Any, Script())


def row(**changed: object) -> dict[str, object]:
    return {
        "code": 1,
        "trade_no": "2026",
        "out_trade_no": "P1a",
        "type": "alipay",
        "pid": 1001,
        "addtime": "2026-01-01 12:00:00",
        "endtime": "2026-01-01 12:01:00",
        "money": "9.50",
        "status": 1,
        **changed,
    }


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("1", PaymentState.PAID),
        (1, PaymentState.PAID),
        (0, PaymentState.PENDING),
        ("0", PaymentState.PENDING),
        (2, PaymentState.REFUNDED),
        (3, PaymentState.UNKNOWN),
    ],
)
async def test_numbers_and_texts_mean_the_same_as_php_writes_both(status: object, state: PaymentState) -> None:
    event = await Answering(row(status=status, code="1", pid="1001", trade_no=2026, money=9)).find("P1a", None, LONG_AGO)
    assert event is not None
    assert (event.state, event.key, event.amount_minor) == (state, "2026", 900)


async def test_the_time_is_chinas() -> None:
    event = await Answering(row()).find("P1a", None, LONG_AGO)
    assert event is not None
    assert event.at == datetime(2026, 1, 1, 12, 1, tzinfo=CHINA) == datetime(2026, 1, 1, 4, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "answer",
    [
        {"code": -3, "msg": "商户密钥错误"},
        {"code": -3, "msg": "商户ID不存在"},
        {"code": -1, "msg": "系统繁忙"},
        {"code": 0, "msg": ""},
        {},
        {"code": None},
        {"code": True, **{n: v for n, v in row().items() if n != "code"}},
        row(out_trade_no="another"),
        row(pid=1002),
        row(status=9),
        row(status=None),
        row(status=True),
        row(money=None),
        row(money="0.00"),
        row(money="9.505"),
        row(money="9,50"),
        row(money={"amount": "9.50"}),
        row(trade_no=""),
        row(trade_no=None),
        row(trade_no=["2026"]),
        row(trade_no="x" * 300),
    ],
)
async def test_nonsense_and_troubles_of_the_account_say_nothing_about_an_order(answer: Mapping[str, Any]) -> None:
    with pytest.raises(NotSure) as caught:
        await Answering(answer).find("P1a", None, LONG_AGO)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("words", ["订单号不存在", "订单不存在", "Order not found", "order does not exist", "该订单未找到"])
async def test_an_order_that_the_gateway_does_not_know_is_none(words: str) -> None:
    assert await Answering({"code": -1, "msg": words}).find("P1a", None, LONG_AGO) is None


async def test_a_gateway_that_repeats_the_key_does_not_bring_it_into_the_log() -> None:
    with pytest.raises(NotSure) as caught:
        await Answering({"code": -3, "msg": f"key {KEY}\nis wrong"}).find("P1a", None, LONG_AGO)
    assert KEY not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "url", "qr"),
    [
        ({"payurl": "https://g.example/p/1"}, "https://g.example/p/1", None),
        ({"qrcode": "https://qr.alipay.com/x"}, "https://qr.alipay.com/x", None),
        ({"qrcode": "weixin://wxpay/bizpayurl?pr=x"}, None, "weixin://wxpay/bizpayurl?pr=x"),
        ({"urlscheme": "weixin://dl/business/?t=x"}, None, "weixin://dl/business/?t=x"),
        ({"payurl": "https://g.example/p/1", "qrcode": "weixin://wxpay/x"}, "https://g.example/p/1", "weixin://wxpay/x"),
        ({"payurl": "javascript:alert(1)", "qrcode": "https://qr.alipay.com/x"}, "https://qr.alipay.com/x", None),
    ],
)
async def test_whatever_the_gateway_gives_to_pay_by_becomes_a_button_or_a_qr_code(
    given: Mapping[str, Any], url: str | None, qr: str | None
) -> None:
    created = await Answering({"code": 1, "trade_no": "2026", **given}).create(asked())
    assert (created.url, created.qr, created.provider_ref) == (url, qr, "2026")


@pytest.mark.parametrize("answer", [{"code": 1, "trade_no": "2026"}, {"code": 1, "payurl": "javascript:alert(1)"}, {}, {"msg": "<br />"}])
async def test_an_order_that_cannot_be_paid_is_not_sure(answer: Mapping[str, Any]) -> None:
    with pytest.raises(NotSure):
        await Answering(answer).create(asked())


@pytest.mark.parametrize(
    ("answer", "after", "state"),
    [
        ({"code": 1, "msg": "succ"}, None, PaymentState.REFUNDED),
        ({"code": 0, "msg": "退款成功！退款金额￥9.50"}, row(status=2), PaymentState.REFUNDED),
        ({"code": 0, "msg": "退款成功！退款金额￥9.50"}, row(status=1), NotSure),
        ({"code": 0, "msg": "refund compatibility endpoint is currently unsupported"}, row(status=1), Declined),
        ({"code": -2, "msg": "商户未开启订单退款API接口"}, row(status=1), Declined),
        ({"code": -1, "msg": "订单已退款"}, None, PaymentState.REFUNDED),
        ({}, row(status=2), PaymentState.REFUNDED),
    ],
)
async def test_what_gateways_say_to_a_refund(
    answer: Mapping[str, Any], after: Mapping[str, Any] | None, state: PaymentState | type[Exception]
) -> None:
    way = Answering(row(), answer, *([after] if after is not None else []))
    if isinstance(state, PaymentState):
        assert await way.refund(refund_of("P1a", "2026")) is state
    else:
        with pytest.raises(state):
            await way.refund(refund_of("P1a", "2026"))
    sent = way.asked[1]
    assert (sent["act"], sent["trade_no"], sent["money"]) == ("refund", "2026", "9.50")


async def test_what_was_given_back_before_is_not_asked_for_again() -> None:
    way = Answering(row(status=2))
    assert await way.refund(refund_of("P1a", "2026")) is PaymentState.REFUNDED
    assert [sent["act"] for sent in way.asked] == ["order"]


async def test_a_list_by_rows_with_shorter_pages_is_read_to_its_end() -> None:
    """Newer gateways count rows and may give fewer than asked for; older ones count pages; some know neither and repeat the first."""
    rows = [row(trade_no=str(at), addtime="2026-01-02 12:00:00", endtime="2026-01-02 12:00:00") for at in range(50, 0, -1)]
    by_rows = Answering(*({"code": 1, "data": rows[at : at + 20]} for at in (0, 20, 40)), {"code": 1, "data": None})
    assert len(await by_rows.received(datetime(2026, 1, 2, tzinfo=UTC))) == 50
    assert [sent["offset"] for sent in by_rows.asked] == ["0", "20", "40", "50"]

    repeating = Answering(*({"code": 1, "data": rows} for _ in range(2)))
    assert len(await repeating.received(datetime(2026, 1, 2, tzinfo=UTC))) == 50


@pytest.mark.parametrize(
    "answer", [{"code": -5, "msg": "No Act!"}, {"code": 1, "data": "x"}, {"code": 1, "data": ["x"]}, {"code": 1, "data": [row(money="x")]}]
)
async def test_a_list_that_is_none_is_not_sure(answer: Mapping[str, Any]) -> None:
    with pytest.raises(NotSure):
        await Answering(answer).received(LONG_AGO)


# Setting up.


def test_it_is_there_when_its_settings_are() -> None:
    assert list(epay.methods(NO_CALLS, {"SHOP_PUBLIC_URL": "https://shop.example", "SHOP_EPAY_FEE_PERCENT": "2"})) == []
    assert list(made()) == ["epay-alipay", "epay-wxpay", "epay-qqpay"]
    assert list(made(SHOP_EPAY_WAYS=" wxpay, alipay")) == ["epay-alipay", "epay-wxpay"]
    for way in made().values():
        assert isinstance(way, PaymentMethod)
        assert len(way.name) <= 16
        assert KEY not in repr(way) + repr(way._merchant)


def test_limits_and_fee_are_the_settings() -> None:
    way = made(
        SHOP_EPAY_MINIMUM="1.50",
        SHOP_EPAY_MAXIMUM="2000",
        SHOP_EPAY_FEE_PERCENT="0.6",
        SHOP_EPAY_FEE_FIXED="0.10",
        SHOP_EPAY_FEE_PASSED_ON="yes",
    )
    capabilities = way["epay-alipay"].capabilities
    assert (capabilities.minimum_minor, capabilities.maximum_minor) == (150, 200_000)
    assert (capabilities.fee.basis_points, capabilities.fee.fixed_minor, capabilities.fee.passed_on) == (60, 10, True)
    assert (capabilities.currency, capabilities.refund_full, capabilities.refund_partial) == ("CNY", True, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHOP_EPAY_URL", ""),
        ("SHOP_EPAY_URL", "http://pay.example.com"),
        ("SHOP_EPAY_PID", ""),
        ("SHOP_EPAY_PID", "10 01"),
        ("SHOP_EPAY_KEY", " "),
        ("SHOP_EPAY_SIGN", "rsa"),
        ("SHOP_EPAY_MODE", "web"),
        ("SHOP_EPAY_WAYS", "alipay,bank"),
        ("SHOP_EPAY_WAYS", ","),
        ("SHOP_EPAY_CURRENCY", "JPY"),
        ("SHOP_EPAY_CURRENCY", "yuan"),
        ("SHOP_EPAY_MINIMUM", "0"),
        ("SHOP_EPAY_MINIMUM", "99999999"),
        ("SHOP_EPAY_MAXIMUM", "1.005"),
        ("SHOP_EPAY_FEE_PERCENT", "much"),
    ],
)
def test_a_wrong_setting_is_named_and_never_shown(name: str, value: str) -> None:
    with pytest.raises(SetUpWrong) as caught:
        made(**{name: value})
    assert name in str(caught.value) or name == "SHOP_EPAY_MINIMUM"
    assert KEY not in str(caught.value)


async def test_many_at_once_share_few_connections(gateway: EpayGateway, alipay: Epay) -> None:
    await asyncio.gather(*(alipay.create(asked(f"P{at}")) for at in range(40)))
    assert len(gateway.payments) == 40
