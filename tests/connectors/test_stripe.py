"""Stripe Checkout beyond what every method does: exact amounts, what is set wrongly, what Stripe may answer, and signed callbacks."""

from __future__ import annotations

import asyncio
import builtins
import hashlib
import hmac
import json
import logging
import subprocess
import sys
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from connectors.payments import stripe as connector
from connectors.payments.stripe import from_stripe, methods, to_stripe
from connectors.settings import SetUpWrong
from core.money import exponent
from core.ports import Ask, Callback, Declined, DisputeState, Event, NotGenuine, NotSure, PaymentMethod, PaymentState, Refund, TelegramCalls

NO_TELEGRAM = cast(TelegramCalls, None)
KEY, SECRET = "sk_test_51NotARealKeyAtAll", "whsec_notARealSecretAtAll"
MADE = datetime.now(UTC).replace(microsecond=0)
ASK = Ask("41", 1999, "USD", "Steam 20", "One code", 7, MADE + timedelta(minutes=35), MADE)
REFUND = Refund("r:1", "pi_1", "41", "cs_1", 7, 1999, 1999, "USD")

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Script:
    """A server that answers as the test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], dict[str, str]]] = []
        self.replies: list[web.Response | Reply] = []
        self.always: web.Response | None = None
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append((request.method, request.path, form or dict(request.query), dict(request.headers)))
        reply = self.replies.pop(0)
        return reply if isinstance(reply, web.Response) else await reply(request)


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    script = Script()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", script.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    script.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield script
    await runner.cleanup()


def set_up(**more: str) -> PaymentMethod:
    settings = {"KEY": KEY, "WEBHOOK_SECRET": SECRET, "CURRENCY": "USD", **more}
    (method,) = methods(NO_TELEGRAM, {"SHOP_PUBLIC_URL": "https://shop.example"} | {f"SHOP_STRIPE_{n}": v for n, v in settings.items()})
    return method


@pytest.fixture
async def method(script: Script, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PaymentMethod]:
    monkeypatch.setattr(connector, "ANSWER_SECONDS", 0.5)
    method = set_up(URL=script.url)
    yield method
    await method.close()


def session(**more: Any) -> dict[str, Any]:
    return {
        "id": "cs_1",
        "object": "checkout.session",
        "livemode": False,
        "client_reference_id": "41",
        "metadata": {"shop_reference": "41"},
        "amount_total": 1999,
        "currency": "usd",
        "created": int(MADE.timestamp()),
        "status": "open",
        "payment_status": "unpaid",
        "payment_intent": None,
        "url": "https://checkout.stripe.com/c/pay/cs_1",
        **more,
    }


def paid(**more: Any) -> dict[str, Any]:
    charge = {"id": "ch_1", "object": "charge", "created": int(MADE.timestamp()) + 60, "refunded": False}
    intent = {"id": "pi_1", "object": "payment_intent", "status": "succeeded", "latest_charge": charge}
    return session(status="complete", payment_status="paid", payment_intent=intent) | more


def listed(*rows: dict[str, Any], more: bool = False) -> web.Response:
    return web.json_response({"object": "list", "url": "/v1/x", "has_more": more, "data": list(rows)})


def error(status: int, kind: str = "invalid_request_error", **more: Any) -> web.Response:
    return web.json_response({"error": {"type": kind, "message": f"never repeat this: {KEY}", **more}}, status=status)


def signed(about: dict[str, Any], kind: str = "checkout.session.completed", *, age: int = 0, secret: str = SECRET, **more: Any) -> Callback:
    """What Stripe sends, signed after its documentation and not by its library."""
    event = {"id": "evt_1", "object": "event", "type": kind, "livemode": False, "data": {"object": about}, **more}
    body = json.dumps(event).encode()
    at = int(time.time()) - age
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return Callback([], {"stripe-signature": f"t={at},v1={mac}"}, body)


# What is set.


def test_it_is_there_when_a_key_is_set_and_the_library_is_not_loaded_before() -> None:
    assert list(methods(NO_TELEGRAM, {"SHOP_STRIPE_WEBHOOK_SECRET": SECRET})) == []
    assert isinstance(set_up(), PaymentMethod)
    asked = "import sys; from connectors.payments import methods; methods(None, {}); print('stripe' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.strip() == "False"


def test_without_the_library_the_owner_is_told_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    importing = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "stripe":
            raise ModuleNotFoundError(name)
        return importing(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SetUpWrong, match=r"pip install shop\[stripe\]"):
        set_up()


@pytest.mark.parametrize(
    "wrong",
    [
        {"KEY": "pk_test_x"},
        {"KEY": "whsec_x"},
        {"KEY": "sk_test_x\nInjected: 1"},
        {"WEBHOOK_SECRET": KEY},
        {"URL": "http://api.example.com"},
        {"URL": "ftp://api.example.com"},
        {"RETURN_URL": "card_shop_bot"},
        {"CURRENCY": "dollar"},
        {"CURRENCY": "XTR"},
        {"CURRENCY": "LYD"},
        {"MINIMUM": "0"},
        {"MINIMUM": "2", "MAXIMUM": "1"},
        {"MAXIMUM": "10000000000.00"},
        {"FEE_PERCENT": "100"},
    ],
)
def test_what_is_set_wrongly_is_one_sentence_that_names_it_and_holds_no_secret(wrong: dict[str, str]) -> None:
    with pytest.raises(SetUpWrong, match=r"SHOP_STRIPE_\w+ .*\.") as told:
        set_up(**wrong)
    assert KEY not in str(told.value) and SECRET not in str(told.value)


def test_it_reports_by_itself_only_where_it_can_be_heard_and_believed() -> None:
    assert set_up().capabilities.callback
    assert not set_up(WEBHOOK_SECRET="").capabilities.callback
    (alone,) = methods(NO_TELEGRAM, {"SHOP_STRIPE_KEY": KEY, "SHOP_STRIPE_WEBHOOK_SECRET": SECRET})
    assert not alone.capabilities.callback and alone.capabilities.poll and alone.capabilities.currency == "CNY"


@pytest.mark.parametrize(
    ("currency", "least", "most"),
    [
        ("USD", 50, 99_999_999),
        ("GBP", 30, 99_999_999),
        ("JPY", 50, 99_999_999),
        ("ISK", 1, 999_999),
        ("MGA", 100, 9_999_999_900),
        ("KWD", 10, 99_999_999),
    ],
)
def test_the_bounds_are_stripes_in_our_minor_units(currency: str, least: int, most: int) -> None:
    able = set_up(CURRENCY=currency).capabilities
    assert (able.minimum_minor, able.maximum_minor) == (least, most)


# Amounts.


@pytest.mark.parametrize(
    ("minor", "currency", "units"),
    [
        (1999, "USD", 1999),  # 19.99
        (500, "JPY", 500),  # a yen has no hundredth, here and there
        (5, "ISK", 500),  # no decimals in ISO 4217, two at Stripe
        (5, "UGX", 500),
        (500, "MGA", 5),  # two decimals in ISO 4217, none at Stripe
        (501, "MGA", None),
        (5120, "KWD", 5120),  # 5.120
        (5124, "KWD", None),  # Stripe's last digit of three has to be 0
        (17_500, "HUF", 17_500),
        (100, "TWD", 100),
    ],
)
def test_an_amount_is_said_as_stripe_says_it_or_not_at_all(minor: int, currency: str, units: int | None) -> None:
    assert to_stripe(minor, currency) == units
    if units is not None:
        assert from_stripe(units, currency) == minor


def test_what_stripe_could_not_have_charged_is_no_amount() -> None:
    assert from_stripe(505, "ISK") is None


@given(st.integers(1, 10**12), st.sampled_from(["USD", "CNY", "JPY", "ISK", "UGX", "MGA", "KWD", "BHD", "VND", "XAF"]))
def test_an_amount_goes_there_and_back_exactly(minor: int, currency: str) -> None:
    units = to_stripe(minor, currency)
    if units is None:
        assert exponent(currency) == 3 or currency == "MGA"
    else:
        assert from_stripe(units, currency) == minor


async def test_an_amount_that_stripe_cannot_take_is_declined_before_anything_is_asked(script: Script, method: PaymentMethod) -> None:
    with pytest.raises(Declined, match="5124"):
        await method.create(Ask("41", 5124, "KWD", "t", "", 7, MADE))
    with pytest.raises(Declined, match="5124"):
        await method.refund(Refund("r", "pi_1", "41", None, 7, 5124, 9990, "KWD"))
    assert script.asked == []


# Creating.


async def test_a_page_is_asked_for_in_stripes_words(script: Script, method: PaymentMethod) -> None:
    script.replies = [web.json_response(session())]
    created = await method.create(ASK)
    assert (created.provider_ref, created.url) == ("cs_1", "https://checkout.stripe.com/c/pay/cs_1")
    (verb, path, said, headers) = script.asked[0]
    assert (verb, path, headers["Authorization"]) == ("POST", "/v1/checkout/sessions", f"Bearer {KEY}")
    assert said == {
        "mode": "payment",
        "client_reference_id": "41",
        "metadata[shop_reference]": "41",
        "payment_intent_data[metadata][shop_reference]": "41",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "1999",
        "line_items[0][price_data][product_data][name]": "Steam 20",
        "line_items[0][price_data][product_data][description]": "One code",
        "expires_at": str(int(MADE.timestamp()) + 2100),
        "success_url": "https://t.me",
        "cancel_url": "https://t.me",
    }
    assert headers["Idempotency-Key"] == f"shop-pay-41-{int(MADE.timestamp())}"
    assert "telemetry_id" not in headers["X-Stripe-Client-User-Agent"]


@pytest.mark.parametrize(("asked", "got"), [(60, 35 * 60), (3600, 3600), (48 * 3600, 24 * 3600 - 300)])
async def test_a_page_lives_as_long_as_stripe_lets_it(script: Script, method: PaymentMethod, asked: int, got: int) -> None:
    script.replies = [web.json_response(session())]
    await method.create(Ask("41", 100, "USD", " ", " ", 7, MADE + timedelta(seconds=asked), MADE))
    said = script.asked[0][2]
    assert int(said["expires_at"]) - int(MADE.timestamp()) == got
    assert said["line_items[0][price_data][product_data][name]"] == "41"
    assert "line_items[0][price_data][product_data][description]" not in said


async def test_when_the_same_was_asked_in_other_words_before_that_page_is_given_out(script: Script, method: PaymentMethod) -> None:
    other = session(id="cs_0", metadata={"shop_reference": "7"}, client_reference_id="7")
    script.replies = [error(400, "idempotency_error"), listed(other, session())]
    assert (await method.create(ASK)).provider_ref == "cs_1"
    script.replies = [error(400, "idempotency_error"), listed(other)]
    with pytest.raises(NotSure):
        await method.create(ASK)


# What Stripe may answer.


async def hanging(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    raise AssertionError("nobody waits so long")


async def trickling(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(300):
        await response.write(b" ")
        await asyncio.sleep(0.1)
    return response


async def breaking_off(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def without_end(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(400):
        await response.write(b" " * 65536)
    return response


UNSURE: dict[str, Callable[[], web.Response | Reply]] = {
    "500": lambda: error(500, "api_error"),
    "500 as a page": lambda: web.Response(status=500, text="<h1>Oops</h1>"),
    "502": lambda: web.Response(status=502),
    "429": lambda: error(429, code="rate_limit"),
    "409": lambda: error(409, "invalid_request_error", code="idempotency_key_in_use"),
    "no JSON": lambda: web.Response(text="hello"),
    "a list": lambda: web.json_response([1]),
    "a number": lambda: web.json_response(7),
    "null": lambda: web.json_response(None),
    "nothing": lambda: web.json_response({}),
    "not UTF-8": lambda: web.Response(body=b'{"id": "\xff"}', content_type="application/json"),
    "deep": lambda: web.Response(text="[" * 100_000),
    "redirect": lambda: web.Response(status=302, headers={"Location": "https://example.com"}),
    "error as text": lambda: web.json_response({"error": "no"}, status=400),
    "error as a list": lambda: web.json_response({"error": []}, status=400),
    "hanging": lambda: hanging,
    "trickling": lambda: trickling,
    "breaking off": lambda: breaking_off,
    "without end": lambda: without_end,
}


@pytest.mark.parametrize("name", UNSURE)
async def test_what_says_neither_yes_nor_no_is_not_sure(script: Script, method: PaymentMethod, name: str) -> None:
    for call in (
        lambda: method.create(ASK),
        lambda: method.find("41", "cs_1", MADE),
        lambda: method.find("41", None, MADE),
        lambda: method.received(MADE),
        lambda: method.refund(REFUND),
        lambda: method.callback(signed(session())),
        lambda: method.callback(signed({"payment_intent": "pi_1"}, "charge.refunded")),
    ):
        script.replies, script.asked = [UNSURE[name](), UNSURE[name]()], []
        with pytest.raises(NotSure) as told:
            await call()
        # A connection that was kept open and is found closed is opened anew, for a question only.
        most = 2 if (name, script.asked[0][0]) == ("breaking off", "GET") else 1
        assert len(script.asked) <= most, "the shop asks again later, and not in here while the payer waits"
        assert KEY not in "".join(traceback.format_exception(told.value))


async def test_nobody_there_is_not_sure() -> None:
    method = set_up(URL="http://127.0.0.1:9")
    with pytest.raises(NotSure):
        await method.create(ASK)
    await method.close()


@pytest.mark.parametrize(
    "no",
    [
        lambda: error(400, code="amount_too_small", param="line_items"),
        lambda: error(402, "card_error", code="card_declined"),
        lambda: error(404, code="resource_missing"),
    ],
)
async def test_a_no_is_declined_with_its_code_word_and_nothing_secret(
    script: Script, method: PaymentMethod, no: Callable[[], web.Response], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    script.replies = [no()]
    with pytest.raises(Declined, match=r"amount_too_small line_items|card_declined|resource_missing") as told:
        await method.create(ASK)
    script.replies = [listed(), no()]
    with pytest.raises(Declined):
        await method.refund(REFUND)
    assert KEY not in "".join(traceback.format_exception(told.value)) + repr(told.value) + repr(method)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_is_not_taken_ends_an_ask_but_says_nothing_of_money_under_way(
    script: Script, method: PaymentMethod, status: int
) -> None:
    script.replies = [error(status)]
    with pytest.raises(Declined, match="SHOP_STRIPE_KEY"):
        await method.create(ASK)
    # A refund whose answer was lost may have been made with the key that was taken then.
    script.replies = [listed(), error(status)]
    with pytest.raises(NotSure):
        await method.refund(REFUND)
    script.replies = [error(status)]
    with pytest.raises(NotSure):
        await method.find("41", "cs_1", MADE)


# Asking.


async def found(script: Script, method: PaymentMethod, **more: Any) -> Event:
    script.replies = [web.json_response(session() | more)]
    event = await method.find("41", "cs_1", MADE)
    assert event is not None and event.provider_ref == "cs_1"
    return event


async def test_what_a_page_says_becomes_a_state(script: Script, method: PaymentMethod) -> None:
    assert (await found(script, method)).state is PaymentState.PENDING
    assert (await found(script, method, status="expired")).state is PaymentState.EXPIRED
    # Money that takes days is under way while the intent is processing.
    processing = {"id": "pi_1", "status": "processing", "latest_charge": None}
    assert (await found(script, method, status="complete", payment_intent=processing)).state is PaymentState.PENDING
    failed = {"id": "pi_1", "status": "requires_payment_method", "latest_charge": None}
    lost = await found(script, method, status="complete", payment_intent=failed)
    assert (lost.state, lost.key) == (PaymentState.FAILED, "cs_1")
    event = await found(script, method, **paid())
    assert event == Event("pi_1", "41", PaymentState.PAID, 1999, "USD", MADE + timedelta(minutes=1), provider_ref="cs_1")
    back = paid()
    back["payment_intent"]["latest_charge"]["refunded"] = True
    # Only the list of refunds says whether any was made.
    assert (await found(script, method, **back)).state is PaymentState.PAID
    assert (await found(script, method, **paid(currency="isk", amount_total=200_000))).amount_minor == 2000
    assert (await found(script, method, **paid(payment_intent="pi_2"))).key == "pi_2"


@pytest.mark.parametrize(
    "nonsense",
    [
        {"amount_total": None},
        {"amount_total": "1999"},
        {"amount_total": 19.99},
        {"amount_total": -1},
        {"amount_total": True},
        {"amount_total": 10**30},
        {"currency": "isk", "amount_total": 150},
        {"payment_intent": None},
        {"payment_intent": {"id": 7}},
        {"id": "cs 1"},
        {"created": "yesterday"},
        {"created": 10**12 - 1},
        {"object": "charge"},
        {"livemode": True},
    ],
)
async def test_nonsense_is_not_sure(script: Script, method: PaymentMethod, nonsense: dict[str, Any]) -> None:
    script.replies = [web.json_response(paid() | nonsense | ({"payment_intent": "pi_1"} if "created" in nonsense else {}))]
    with pytest.raises(NotSure):
        await method.find("41", "cs_1", MADE)


async def test_another_programs_payments_are_not_ours(script: Script, method: PaymentMethod) -> None:
    strangers = [paid(metadata={}), paid(metadata={"shop_reference": "42"}), paid(client_reference_id=None), paid(client_reference_id="42")]
    for stranger in strangers:
        script.replies = [web.json_response(stranger)]
        assert await method.find("41", "cs_1", MADE) is None
        script.replies = [web.json_response(stranger)]
        assert (await method.callback(signed(stranger))).events == []
    refund = {"id": "re_1", "object": "refund", "status": "succeeded", "amount": 5, "currency": "usd", "created": int(MADE.timestamp())}
    theirs = {"id": "pi_9", "object": "payment_intent", "metadata": {}, "amount_received": 5, "currency": "usd", "livemode": False}
    script.replies = [listed(*strangers), listed(refund | {"payment_intent": theirs}), listed(refund | {"payment_intent": None})]
    assert await method.received(MADE) == []


async def test_an_unknown_page_is_looked_for_and_the_paid_one_counts(script: Script, method: PaymentMethod) -> None:
    stranger = paid(id="cs_9", client_reference_id="9", metadata={"shop_reference": "9"})
    script.replies = [listed(stranger, more=True), listed(session(id="cs_2"), paid())]
    event = await method.find("41", None, MADE)
    assert event is not None and event.state is PaymentState.PAID
    assert script.asked[0][2]["created[gte]"] == str(int(MADE.timestamp()) - 300)
    assert script.asked[1][2]["starting_after"] == "cs_9"
    script.replies = [listed(stranger)]
    assert await method.find("41", None, MADE) is None
    script.replies = [error(404, code="resource_missing")]
    assert await method.find("41", "cs_404", MADE) is None


async def test_a_list_without_end_is_not_sure(script: Script, method: PaymentMethod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "_MOST_PAGES", 3)
    script.replies = [listed(session(id=f"cs_{n}"), more=True) for n in range(3)]
    with pytest.raises(NotSure):
        await method.received(MADE)


async def test_the_list_is_of_money_and_oldest_first(script: Script, method: PaymentMethod) -> None:
    later = paid(id="cs_2", client_reference_id="42", metadata={"shop_reference": "42"})
    later["payment_intent"] = {"id": "pi_2", "latest_charge": {"created": int(MADE.timestamp()) + 90, "refunded": True}}
    before = paid(id="cs_3")
    before["payment_intent"] = {"id": "pi_3", "latest_charge": {"created": int(MADE.timestamp()) - 90, "refunded": False}}
    back = refunded(1999, "re_1", payment_intent="pi_2")
    script.replies = [listed(later, session(status="complete"), paid(), before), listed(back), listed()]
    events = await method.received(MADE)
    assert [(event.key, event.state) for event in events] == [("pi_1", PaymentState.PAID), ("pi_2", PaymentState.REFUNDED)]
    assert script.asked[0][2]["status"] == "complete"


# Callbacks.


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("checkout.session.completed", paid()),
        ("checkout.session.async_payment_succeeded", paid()),
        ("checkout.session.async_payment_failed", session(status="complete", payment_intent="pi_1")),
        ("checkout.session.expired", session(status="expired")),
    ],
)
async def test_what_is_reported_is_asked_for_and_only_that_is_believed(
    script: Script, method: PaymentMethod, kind: str, state: dict[str, Any]
) -> None:
    # The callback claims a thousand times as much.
    claimed = paid(amount_total=1_999_000, client_reference_id="1", metadata={"shop_reference": "1"})
    script.replies = [web.json_response(state)]
    (event,) = (await method.callback(signed(claimed, kind))).events
    assert (event.reference, event.amount_minor, event.currency) == ("41", 1999, "USD")
    expected = {"paid": PaymentState.PAID, "unpaid": PaymentState.FAILED if "failed" in kind else PaymentState.EXPIRED}
    assert event.state is expected[state["payment_status"]]
    assert script.asked[0][1] == "/v1/checkout/sessions/cs_1"


async def test_a_page_that_is_complete_and_not_paid_is_no_money_yet(script: Script, method: PaymentMethod) -> None:
    script.replies = [web.json_response(session(status="complete", payment_intent="pi_1"))]
    assert (await method.callback(signed(paid()))).events == []


async def test_money_given_back_whole_is_reported_under_the_key_of_the_payment(script: Script, method: PaymentMethod) -> None:
    back = paid()
    back["payment_intent"]["latest_charge"] |= {"refunded": True, "amount_refunded": 1999}
    charge = {"id": "ch_1", "object": "charge", "payment_intent": "pi_1"}
    script.replies = [listed(back), listed(refunded(1999, "re_1"))]
    (event,) = (await method.callback(signed(charge, "charge.refunded"))).events
    assert (event.key, event.state, event.reference) == ("pi_1", PaymentState.REFUNDED, "41")
    assert script.asked[0][2]["payment_intent"] == "pi_1"
    # A part of it: the payment stands.
    script.replies = [listed(paid())]
    assert [event.state for event in (await method.callback(signed(charge, "charge.refunded"))).events] == [PaymentState.PAID]
    # Paid without a page of ours.
    script.replies = [listed()]
    assert (await method.callback(signed(charge, "charge.refunded"))).events == []
    assert (await method.callback(signed({"id": "ch_1", "payment_intent": None}, "charge.refunded"))).events == []


async def test_what_is_of_no_use_is_heard_and_nothing_is_asked(script: Script, method: PaymentMethod) -> None:
    for kind in ("payment_intent.succeeded", "customer.created", "", "v2.core.account.updated"):
        assert (await method.callback(signed(paid(), kind))).events == []
    assert script.asked == []


@pytest.mark.parametrize(
    "forged",
    [
        lambda: signed(paid(), age=301),
        lambda: signed(paid(), secret="whsec_another"),
        lambda: signed(paid(), livemode=True),
        lambda: signed(paid(), livemode=None),
        lambda: signed(paid(), object="v2.core.event"),
        lambda: signed(paid(), data=[]),
        lambda: signed(paid(), data={"object": "cs_1"}),
        lambda: signed(paid(id="../../v1/charges")),
        lambda: signed(paid(id=7)),
        lambda: signed({"payment_intent": "pi_1&limit=100"}, "charge.refunded"),
        lambda: Callback([], {}, signed(paid()).body),
        lambda: Callback([], {"stripe-signature": "t=1,v1=ü"}, signed(paid()).body),
        lambda: Callback([], {"stripe-signature": f"t={'9' * 5000},v1=0"}, signed(paid()).body),
        lambda: Callback([], signed(paid()).headers, signed(paid()).body + b" "),
        lambda: Callback([], signed(paid()).headers, b"\xff"),
    ],
)
async def test_what_is_forged_changes_nothing_and_asks_nothing(
    script: Script, method: PaymentMethod, forged: Callable[[], Callback]
) -> None:
    with pytest.raises(NotGenuine) as told:
        await method.callback(forged())
    assert script.asked == [] and SECRET not in "".join(traceback.format_exception(told.value))


async def test_four_minutes_old_is_taken_and_what_stripe_does_not_know_is_not(script: Script, method: PaymentMethod) -> None:
    script.replies = [web.json_response(paid())]
    assert len((await method.callback(signed(paid(), age=240))).events) == 1
    script.replies = [error(404, code="resource_missing")]
    with pytest.raises(NotGenuine):
        await method.callback(signed(paid()))


async def test_without_a_secret_no_callback_is_genuine(script: Script) -> None:
    method = set_up(WEBHOOK_SECRET="", URL=script.url)
    with pytest.raises(NotGenuine):
        await method.callback(signed(paid(), secret=""))


# Giving back.


def one(status: str, once: str = "r:1", **more: Any) -> dict[str, Any]:
    return {"id": "re_1", "object": "refund", "amount": 1999, "status": status, "metadata": {"shop_refund": once}, **more}


@pytest.mark.parametrize(
    ("status", "state"),
    [("succeeded", PaymentState.REFUNDED), ("pending", PaymentState.REFUNDING), ("requires_action", PaymentState.REFUNDING)],
)
async def test_a_refund_is_made_once_and_asked_after(script: Script, method: PaymentMethod, status: str, state: PaymentState) -> None:
    script.replies = [listed(one("succeeded", "r:0")), web.json_response(one(status))]
    assert await method.refund(REFUND) is state
    (_, path, said, headers) = script.asked[1]
    assert path == "/v1/refunds"
    assert said == {"payment_intent": "pi_1", "amount": "1999", "metadata[shop_refund]": "r:1", "metadata[shop_reference]": "41"}
    key = headers["Idempotency-Key"]
    # When it is asked for again it is found in the list, with the state it has now.
    script.replies = [listed(one("succeeded", "r:0"), one("succeeded"))]
    assert await method.refund(REFUND) is PaymentState.REFUNDED
    # The list may be behind: then the key stops it.
    script.replies = [listed(), web.json_response(one(status))]
    assert await method.refund(REFUND) is state
    assert script.asked[-1][3]["Idempotency-Key"] == key
    script.replies = [listed(), web.json_response(one(status, "r:2"))]
    await method.refund(Refund("r:2", "pi_1", "41", "cs_1", 7, 500, 1999, "USD"))
    assert script.asked[-1][3]["Idempotency-Key"] != key and script.asked[-1][2]["amount"] == "500"


@pytest.mark.parametrize("status", ["failed", "canceled"])
async def test_a_refund_that_the_bank_sent_back_is_declined(script: Script, method: PaymentMethod, status: str) -> None:
    script.replies = [listed(one(status))]
    with pytest.raises(Declined):
        await method.refund(REFUND)


async def test_a_refund_of_an_unknown_state_or_of_other_words_is_not_sure(script: Script, method: PaymentMethod) -> None:
    script.replies = [listed(one("elsewhere"))]
    with pytest.raises(NotSure):
        await method.refund(REFUND)
    script.replies = [listed(), error(400, "idempotency_error")]
    with pytest.raises(NotSure):
        await method.refund(REFUND)


async def test_it_can_be_closed_twice(method: PaymentMethod, script: Script) -> None:
    script.replies = [listed() for _ in range(6)]
    before = await method.received(MADE)
    await method.close()
    await method.close()
    assert await method.received(MADE) == before, "and is opened by the next question"


# What becomes of a payment later.


def refunded(amount: int, key: str, at: int = 100, **more: Any) -> dict[str, Any]:
    made = {"id": key, "object": "refund", "status": "succeeded", "amount": amount, "currency": "usd", "metadata": {}}
    return made | {"created": int(MADE.timestamp()) + at, "payment_intent": "pi_1"} | more


def disputed(status: str, *moved: tuple[str, int, int], **more: Any) -> dict[str, Any]:
    at = int(MADE.timestamp()) + 200
    movements = [
        {"id": key, "object": "balance_transaction", "amount": amount, "fee": fee, "currency": "usd", "created": at + number}
        for number, (key, amount, fee) in enumerate(moved)
    ]
    about = {
        "id": "du_1",
        "object": "dispute",
        "amount": 1999,
        "currency": "usd",
        "created": at,
        "payment_intent": "pi_1",
        "charge": "ch_1",
    }
    about |= {"status": status, "reason": "fraudulent", "evidence_details": {"due_by": at + 900_000}, "balance_transactions": movements}
    return about | more


def with_charge(**more: Any) -> dict[str, Any]:
    page = paid()
    page["payment_intent"]["latest_charge"] |= more
    return page


async def test_every_refund_of_a_payment_is_told_by_its_own_key_and_ours_are_known(script: Script, method: PaymentMethod) -> None:
    theirs, ours = refunded(500, "re_2", 300), refunded(400, "re_1", metadata={"shop_refund": "refund-7"})
    under_way = refunded(100, "re_3", status="pending"), refunded(100, "re_4", status="failed")
    script.replies = [listed(with_charge(amount_refunded=900)), listed(theirs, *under_way, ours)]

    (event,) = (await method.callback(signed({"id": "ch_1", "payment_intent": "pi_1"}, "charge.refunded"))).events

    assert (event.key, event.state, event.amount_minor) == ("pi_1", PaymentState.PAID, 1999)
    assert [(one.key, one.amount_minor, one.once) for one in event.given_back] == [("re_1", 400, "refund-7"), ("re_2", 500, None)]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("needs_response", DisputeState.OPEN),
        ("under_review", DisputeState.OPEN),
        ("warning_needs_response", DisputeState.OPEN),
        ("a_word_of_tomorrow", DisputeState.OPEN),
        ("won", DisputeState.WON),
        ("warning_closed", DisputeState.WON),
        ("prevented", DisputeState.WON),
        ("lost", DisputeState.LOST),
    ],
)
@pytest.mark.parametrize("kind", ["created", "updated", "closed", "funds_withdrawn", "funds_reinstated"])
async def test_a_dispute_is_told_as_stripe_shows_it_whatever_the_callback_says(
    script: Script, method: PaymentMethod, kind: str, status: str, state: DisputeState
) -> None:
    shown = disputed(status, ("txn_1", -1999, 1500), ("txn_2", 1999, 0))
    script.replies = [listed(with_charge(disputed=True)), listed(shown)]
    claimed = disputed("lost", ("txn_9", -99_999_999, 1), amount=1)

    (event,) = (await method.callback(signed(claimed, f"charge.dispute.{kind}"))).events

    (dispute,) = event.disputes
    assert (dispute.key, dispute.state, dispute.amount_minor, dispute.reason) == ("du_1", state, 1999, "fraudulent")
    assert [(moved.key, moved.amount_minor, moved.fee_minor) for moved in dispute.movements] == [("txn_1", -1999, 1500), ("txn_2", 1999, 0)]
    assert dispute.due_at is not None and dispute.due_at > MADE


async def test_a_forged_dispute_is_not_believed(script: Script, method: PaymentMethod) -> None:
    for forged in (signed(disputed("lost"), "charge.dispute.closed", secret="whsec_another"), signed(disputed("lost"), age=400)):
        with pytest.raises(NotGenuine):
            await method.callback(forged)
    assert script.asked == []
    # Signed rightly, and Stripe knows of no dispute, or of no payment.
    script.replies = [listed(paid())]
    (event,) = (await method.callback(signed(disputed("lost", ("txn_1", -1999, 0)), "charge.dispute.closed"))).events
    assert (event.state, event.disputes) == (PaymentState.PAID, ())
    script.replies = [listed()]
    assert (await method.callback(signed(disputed("lost"), "charge.dispute.closed"))).events == []
    assert (await method.callback(signed(disputed("lost", payment_intent=None), "charge.dispute.closed"))).events == []


async def test_an_account_in_another_currency_takes_what_is_disputed(script: Script, method: PaymentMethod) -> None:
    moved = {"id": "txn_1", "amount": -1840, "fee": 1500, "currency": "eur", "created": int(MADE.timestamp())}
    script.replies = [web.json_response(with_charge(disputed=True)), listed(disputed("needs_response", balance_transactions=[moved, "?"]))]
    event = await method.find("41", "cs_1", MADE)
    assert event is not None
    [(taken,)] = [one.movements for one in event.disputes]
    assert (taken.amount_minor, taken.fee_minor) == (-1999, 0), "a fee in another currency is not booked"


@pytest.mark.parametrize(
    "nonsense", [{"amount": -1}, {"amount": "5"}, {"currency": "eur"}, {"created": None}, {"id": None}, {"created": 1 << 38}]
)
async def test_what_cannot_be_read_of_a_refund_or_a_dispute_is_left_out_and_the_payment_is_one(
    script: Script, method: PaymentMethod, nonsense: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    for page, row in (
        (with_charge(disputed=True), disputed("lost") | nonsense),
        (with_charge(amount_refunded=5), refunded(5, "re_1") | nonsense),
    ):
        script.replies = [web.json_response(page), listed(row)]
        event = await method.find("41", "cs_1", MADE)
        assert event is not None and (event.key, event.state) == ("pi_1", PaymentState.PAID)
        assert event.given_back == () == event.disputes
        assert "pi_1" in caplog.records[-1].getMessage()
        script.replies = [listed(page), listed(row)]
        charge = {"id": "ch_1", "payment_intent": "pi_1"}
        assert (await method.callback(signed(charge, "charge.refunded"))).events == [event]
    assert KEY not in caplog.text and SECRET not in caplog.text


async def test_one_odd_payment_in_the_list_keeps_no_other_back(script: Script, method: PaymentMethod) -> None:
    def another(number: int, **more: Any) -> dict[str, Any]:
        page = paid(id=f"cs_{number}", client_reference_id=f"{number}", metadata={"shop_reference": f"{number}"}, **more)
        page["payment_intent"] = {"id": f"pi_{number}", "latest_charge": {"created": int(MADE.timestamp()) + number}}
        return page

    pages = [another(42), another(43), another(44, amount_total=-5), another(45)]
    back = [refunded(500, "re_2", payment_intent="pi_42"), refunded(5, "re_3", payment_intent="pi_43", currency="eur")]
    bad = {"id": "pi_9", "metadata": {"shop_reference": "9"}, "amount_received": "much", "livemode": False}
    about = [disputed("lost", payment_intent="pi_42", currency="eur"), disputed("lost", payment_intent=bad)]
    script.replies = [listed(*pages), listed(*back), listed(*about)]

    events = await method.received(MADE)

    assert [(event.key, len(event.given_back), event.disputes) for event in events] == [
        ("pi_42", 1, ()),
        ("pi_43", 0, ()),
        ("pi_45", 0, ()),
    ]


async def test_a_refund_that_is_only_under_way_is_none_and_one_that_failed_is_told_as_such(script: Script, method: PaymentMethod) -> None:
    """The charge says "refunded" from the beginning, and no longer when it failed."""
    charge, row = {"id": "ch_1", "payment_intent": "pi_1"}, refunded(1999, "re_1")
    told = []
    for status, kind, page in (
        ("pending", "charge.refunded", with_charge(amount_refunded=1999, refunded=True)),
        ("requires_action", "refund.updated", with_charge(amount_refunded=1999, refunded=True)),
        ("succeeded", "refund.updated", with_charge(amount_refunded=1999, refunded=True)),
        ("failed", "refund.failed", with_charge(amount_refunded=0)),
    ):
        script.replies = [listed(page), listed(row | {"status": status})]
        (event,) = (await method.callback(signed(row if kind.startswith("refund") else charge, kind))).events
        told.append((event.state, len(event.given_back), [(one.key, one.amount_minor) for one in event.failed_refunds]))
    paid_ = PaymentState.PAID
    assert told == [(paid_, 0, []), (paid_, 0, []), (PaymentState.REFUNDED, 1, []), (paid_, 0, [("re_1", 1999)])]


async def test_a_key_that_may_not_read_disputes_still_finds_and_lists_payments(script: Script, method: PaymentMethod) -> None:
    script.replies = [web.json_response(with_charge(disputed=True)), error(403)]
    event = await method.find("41", "cs_1", MADE)
    assert event is not None and (event.state, event.disputes) == (PaymentState.PAID, ())
    script.replies = [listed(paid()), listed(), error(403)]
    assert [event.key for event in await method.received(MADE)] == ["pi_1"]


async def test_an_old_payment_is_in_the_list_when_something_has_become_of_it(script: Script, method: PaymentMethod) -> None:
    intent = {"id": "pi_1", "object": "payment_intent", "metadata": {"shop_reference": "41"}, "amount_received": 1999, "currency": "usd"}
    intent |= {"livemode": False, "created": int(MADE.timestamp()) - 86_400 * 20}
    script.replies = [listed(), listed(refunded(500, "re_1", payment_intent=intent)), listed(disputed("lost", payment_intent=intent))]
    (event,) = await method.received(MADE)
    assert (event.key, event.reference, event.state, event.amount_minor) == ("pi_1", "41", PaymentState.PAID, 1999)
    assert event.at < MADE and [one.key for one in event.given_back] == ["re_1"]
    assert [one.state for one in event.disputes] == [DisputeState.LOST]
