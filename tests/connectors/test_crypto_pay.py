"""Crypto Pay: invoices priced in ordinary money, against a provider that is a real server and misbehaves."""

from __future__ import annotations

import hashlib
import hmac
import json
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.line import Answer
from connectors.payments import crypto_pay
from connectors.payments.crypto_pay import MAINNET, PAGE, CryptoPay
from connectors.settings import SetUpWrong
from core.ports import Ask, Callback, Declined, Event, NotGenuine, NotSure, PaymentMethod, PaymentState, Refund, TelegramCalls
from sandbox.gateways import CryptoPayGateway, Pace
from tests.connectors.door import Door, NobodyAnswers, at_once

TOKEN = "123456:AAzQ-nobody-may-see-this"
HEADER = "crypto-pay-api-signature"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NO_CALLS = cast(TelegramCalls, None)  # The provider is a bot, and is reached over HTTP all the same.

CAREFULLY = settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def made(url: str = "http://127.0.0.1:9", **more: str) -> CryptoPay:
    """The method as the shop makes it."""
    (found,) = crypto_pay.methods(
        NO_CALLS, {"SHOP_CRYPTO_PAY_TOKEN": TOKEN, "SHOP_CRYPTO_PAY_CURRENCY": "CNY", "SHOP_CRYPTO_PAY_URL": url, **more}
    )
    assert isinstance(found, CryptoPay)
    return found


def asked(reference: str = "P1a", minor: int = 950, seconds: float = 900, currency: str = "CNY", made_at: datetime | None = None) -> Ask:
    now = datetime.now(UTC)
    return Ask(reference, minor, currency, "Steam 50", "One code", 7, now + timedelta(seconds=seconds), made_at or now)


def signed(body: bytes, token: str = TOKEN) -> Callback:
    """The protocol's formula, written a second time and not taken from what is tested."""
    secret = hashlib.sha256(token.encode()).digest()
    return Callback([], {HEADER: hmac.digest(secret, body, "sha256").hex()}, body)


def update(**changed: object) -> dict[str, object]:
    """What the provider reports; a field is taken out by None."""
    fields: dict[str, object] = {
        "update_id": 1,
        "update_type": "invoice_paid",
        "request_date": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "payload": {"invoice_id": 1_000_001, "status": "paid", "currency_type": "fiat", "fiat": "CNY", "amount": "9.5", "payload": "P1a"},
        **changed,
    }
    return {name: value for name, value in fields.items() if value is not None}


def as_json(document: object) -> bytes:
    return json.dumps(document).encode()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with Door() as door:
        yield door


@pytest.fixture
async def gateway(door: Door) -> AsyncIterator[CryptoPayGateway]:
    pace = Pace(repeat_after_seconds=(0.05, 0.1, 0.2), hold_seconds=0.2)
    running = CryptoPayGateway(TOKEN, webhook_url=f"{door.url}/pay/crypto-pay", pace=pace)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def method(gateway: CryptoPayGateway, door: Door) -> CryptoPay:
    door.methods["crypto-pay"] = found = made(gateway.url, SHOP_PUBLIC_URL=door.url)
    return found


def told(event: Event) -> tuple[str, PaymentState, int, str]:
    return event.reference, event.state, event.amount_minor, event.currency


# Asking.


async def test_an_invoice_is_priced_in_ordinary_money_and_ends_with_the_time_to_pay(gateway: CryptoPayGateway, method: CryptoPay) -> None:
    ask = asked(minor=123_456)
    created = await method.create(ask)

    invoice = gateway.payments["P1a"]
    assert (invoice.currency_type, invoice.currency, invoice.amount) == ("fiat", "CNY", Decimal("1234.56"))
    assert created.url == f"{gateway.url}/pay/{invoice.key}"
    assert created.provider_ref == invoice.number
    assert invoice.title == "Steam 50"
    assert invoice.expires_at is not None and abs(invoice.expires_at - ask.expires_at) < timedelta(seconds=3)


async def test_the_coins_are_the_settings(gateway: CryptoPayGateway) -> None:
    method = made(gateway.url, SHOP_CRYPTO_PAY_ASSETS=" usdt, TON")
    await method.create(asked())
    assert gateway.payments["P1a"].accepted == ("USDT", "TON")
    await method.close()


async def test_asking_twice_makes_one_invoice(gateway: CryptoPayGateway, method: CryptoPay) -> None:
    first = await method.create(asked())
    assert await method.create(asked()) == first
    assert len(gateway.history) == 1
    await gateway.pay("P1a")
    assert await method.create(asked()) == first
    assert len(gateway.history) == 1


async def test_a_call_that_timed_out_after_the_work_makes_no_second_invoice(gateway: CryptoPayGateway) -> None:
    hasty = CryptoPay(TOKEN, "CNY", url=gateway.url, seconds=0.3)
    looked = hasty._items

    async def look_then_break(query: Mapping[str, str]) -> Any:
        found = await looked(query)
        gateway.faults.stall_after_work_seconds = 1
        return found

    hasty._items = look_then_break  # type: ignore[method-assign]  # The network breaks between two calls of one method.
    with pytest.raises(NotSure):
        await hasty.create(asked())
    gateway.faults.clear()
    hasty._items = looked  # type: ignore[method-assign]  # And is whole again.
    assert len(gateway.history) == 1

    created = await hasty.create(asked())

    assert created.provider_ref == gateway.history[0].number
    assert len(gateway.history) == 1
    await hasty.close()


async def test_an_invoice_is_found_among_many_newer_ones(gateway: CryptoPayGateway, method: CryptoPay) -> None:
    made_at = datetime.now(UTC)
    first = await method.create(asked("first", made_at=made_at))
    other = gateway.history[0]
    for at in range(PAGE * 2):  # Straight into its books: that many calls would only take time.
        gateway._all.append(
            type(other)(**{**vars(other), "reference": f"P{at}", "number": str(2_000_000 + at), "shown": {"payload": f"P{at}"}})
        )

    assert await method.create(asked("first", made_at=made_at)) == first
    found = await method.find("first", None, made_at)
    assert found is not None and found.key == first.provider_ref
    assert await method.find("nobody's", None, made_at) is None


async def test_an_expired_invoice_is_not_given_out_again(gateway: CryptoPayGateway, method: CryptoPay) -> None:
    first = await method.create(asked())
    await gateway.fail("P1a")
    second = await method.create(asked())
    assert second.provider_ref != first.provider_ref

    found = await method.find("P1a", None, LONG_AGO)
    assert found is not None and (found.key, found.state) == (second.provider_ref, PaymentState.PENDING)


async def test_when_the_time_is_over_nothing_is_asked_for(gateway: CryptoPayGateway, method: CryptoPay) -> None:
    with pytest.raises(Declined):
        await method.create(asked(seconds=-1))
    assert not gateway.calls


async def test_a_wrong_token_declines_and_is_not_shown(gateway: CryptoPayGateway) -> None:
    wrong = "999999:another-nobody-may-see"
    method = CryptoPay(wrong, "CNY", url=gateway.url)
    with pytest.raises(Declined) as caught:
        await method.create(asked())
    with pytest.raises(NotSure):
        await method.find("P1a", None, LONG_AGO)
    assert "UNAUTHORIZED" in str(caught.value)
    assert wrong not in "".join(traceback.format_exception(caught.value)) + repr(method)
    await method.close()


async def test_what_the_provider_refuses_is_declined(gateway: CryptoPayGateway) -> None:
    method = made(gateway.url, SHOP_CRYPTO_PAY_ASSETS="DOGEX")
    with pytest.raises(Declined, match="ACCEPTED_ASSETS_INVALID"):
        await method.create(asked())
    await method.close()


async def test_an_answer_of_500_is_not_sure(gateway: CryptoPayGateway, method: CryptoPay) -> None:
    gateway.faults.errors_500 = 3
    with pytest.raises(NotSure):
        await method.create(asked())
    with pytest.raises(NotSure):
        await method.find("P1a", "1000001", LONG_AGO)
    with pytest.raises(NotSure):
        await method.received(LONG_AGO)
    assert not gateway.history
    assert await method.find("P1a", "1000001", LONG_AGO) is None


@pytest.mark.parametrize("lie", ["wrong_amount", "wrong_currency"])
async def test_an_invoice_other_than_asked_for_is_not_given_out(gateway: CryptoPayGateway, method: CryptoPay, lie: str) -> None:
    setattr(gateway.faults, lie, True)
    gateway.faults.lies_in_answers = True
    with pytest.raises(NotSure):
        await method.create(asked())
    with pytest.raises(NotSure):
        await method.create(asked())
    assert len(gateway.history) == 1


# Being told.


async def test_a_payment_is_heard_once_the_invoice_is_asked_for(gateway: CryptoPayGateway, door: Door, method: CryptoPay) -> None:
    created = await method.create(asked())
    gateway.calls.clear()
    await gateway.pay("P1a")
    await gateway.settled()

    (event,) = door.heard
    assert told(event) == ("P1a", PaymentState.PAID, 950, "CNY")
    assert event.key == event.provider_ref == created.provider_ref
    assert abs(event.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert list(gateway.calls) == ["GET /api/getInvoices"]
    assert [sent.status for sent in gateway.sent] == [200]


async def test_a_report_that_never_comes_is_found_by_asking(gateway: CryptoPayGateway, door: Door, method: CryptoPay) -> None:
    gateway.faults.no_callback = True
    created = await method.create(asked())
    before = await method.find("P1a", created.provider_ref, LONG_AGO)
    await gateway.pay("P1a")
    after = await method.find("P1a", created.provider_ref, LONG_AGO)
    await gateway.settled()

    assert not door.came
    # An invoice that can be paid is not one that was paid.
    assert before is not None and before.state is PaymentState.PENDING
    assert after is not None and told(after) == ("P1a", PaymentState.PAID, 950, "CNY")
    assert await method.find("P1a", None, LONG_AGO) == after


async def test_an_invoice_nobody_paid_expires(gateway: CryptoPayGateway, method: CryptoPay) -> None:
    created = await method.create(asked())
    await gateway.fail("P1a")
    found = await method.find("P1a", created.provider_ref, LONG_AGO)
    assert found is not None and found.state is PaymentState.EXPIRED


async def test_a_report_that_comes_twice_has_one_key(gateway: CryptoPayGateway, door: Door, method: CryptoPay) -> None:
    gateway.faults.callback_twice = True
    await method.create(asked())
    await gateway.pay("P1a")
    await gateway.settled()
    await gateway.resend("P1a")
    await gateway.settled()

    assert len(door.heard) == 4
    assert len(set(door.heard)) == 1


async def test_reports_out_of_order_are_each_about_their_own_invoice(gateway: CryptoPayGateway, door: Door, method: CryptoPay) -> None:
    gateway.faults.out_of_order = True
    await method.create(asked("first"))
    await method.create(asked("second", 700))
    await gateway.pay("first")
    await gateway.pay("second")
    await gateway.settled()
    assert [(event.reference, event.amount_minor) for event in door.heard] == [("second", 700), ("first", 950)]


@pytest.mark.parametrize("fault", ["wrong_amount", "wrong_currency"])
async def test_a_signed_report_that_lies_books_what_the_invoice_says(
    gateway: CryptoPayGateway, door: Door, method: CryptoPay, fault: str
) -> None:
    setattr(gateway.faults, fault, True)
    await method.create(asked())
    await gateway.pay("P1a")
    await gateway.settled()

    stated = json.loads(door.came[0].body)["payload"]
    assert (stated["amount"], stated["fiat"]) != ("9.5", "CNY")
    assert [told(event) for event in door.heard] == [("P1a", PaymentState.PAID, 950, "CNY")]


@pytest.mark.parametrize(("fault", "shown"), [("wrong_amount", (1, "CNY")), ("wrong_currency", (950, "USD"))])
async def test_what_the_invoice_itself_says_is_booked_even_when_it_is_not_what_was_asked(
    gateway: CryptoPayGateway, door: Door, method: CryptoPay, fault: str, shown: tuple[int, str]
) -> None:
    """The core compares: a cent is not taken for 9.50, and dollars are not taken for yuan."""
    await method.create(asked())
    setattr(gateway.faults, fault, True)
    gateway.faults.lies_in_answers = True
    await gateway.pay("P1a")
    await gateway.settled()
    assert [(event.amount_minor, event.currency) for event in door.heard] == [shown]


async def test_a_report_with_a_wrong_signature_is_refused_and_found_by_asking(
    gateway: CryptoPayGateway, door: Door, method: CryptoPay
) -> None:
    gateway.faults.wrong_sign = True
    await method.create(asked())
    await gateway.pay("P1a")
    await gateway.settled()

    assert door.refused == 4 and not door.heard
    found = await method.find("P1a", None, LONG_AGO)
    assert found is not None and found.state is PaymentState.PAID


async def test_while_the_provider_cannot_confirm_nothing_is_acknowledged(gateway: CryptoPayGateway, door: Door, method: CryptoPay) -> None:
    await method.create(asked())
    gateway.faults.errors_500 = 2
    await gateway.pay("P1a")
    await gateway.settled()
    assert [sent.status for sent in gateway.sent] == [503, 503, 200]
    assert len(door.heard) == 1


async def test_a_genuine_report_about_an_unpaid_or_unknown_invoice_is_not_money(gateway: CryptoPayGateway, method: CryptoPay) -> None:
    """Somebody has the token: the report is right in every letter, and nobody has paid."""
    created = await method.create(asked())
    with pytest.raises(NotSure):
        await method.callback(signed(as_json(update(payload={"invoice_id": int(created.provider_ref or 0), "status": "paid"}))))
    with pytest.raises(NotGenuine):
        await method.callback(signed(as_json(update(payload={"invoice_id": 77, "status": "paid"}))))


async def test_an_invoice_of_the_same_app_made_elsewhere_is_acknowledged_and_no_event(gateway: CryptoPayGateway, method: CryptoPay) -> None:
    """A no, again and again, would make the provider switch the reports off."""
    await method._line.post("api/createInvoice", document={"asset": "TON", "amount": "1.5"})
    (invoice,) = gateway.history
    await gateway.pay(invoice.number)
    heard = await method.callback(signed(as_json(update(payload={"invoice_id": int(invoice.number)}))))
    assert not heard.events
    assert await method.received(LONG_AGO) == []


async def test_an_update_of_another_kind_is_acknowledged_and_no_event() -> None:
    method = made()
    method._line = cast(Any, NobodyAnswers())
    assert not at_once(method, signed(as_json(update(update_type="invoice_swapped")))).events


async def test_a_number_of_another_invoice_is_not_sure(gateway: CryptoPayGateway, method: CryptoPay) -> None:
    await method.create(asked("mine"))
    cheap = await method.create(asked("cheap", 1))
    await gateway.pay("cheap")
    with pytest.raises(NotSure):
        await method.find("mine", cheap.provider_ref, LONG_AGO)


# A thousand forged or malformed reports: none is believed, none is another error, and nobody is asked about one.

_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20), st.sampled_from(["\x00", "٩", "９.５", "-1", "1e999999999"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=12,
)
_texts = st.one_of(st.text(max_size=70), st.text(st.characters(codec=None), max_size=10), st.sampled_from(["", "\x00", "\ud800", "0" * 64]))


@st.composite
def wrongly_signed(draw: st.DrawFn) -> Callback:
    """Everything is right but the signature."""
    body = as_json(update())
    right = signed(body).headers[HEADER]
    wrong = st.one_of(
        _texts,
        st.text("0123456789abcdef", min_size=64, max_size=64),
        st.sampled_from(
            [
                right.upper(),
                right + " ",
                right[:-1],
                signed(body, "another").headers[HEADER],
                signed(body + b" ").headers[HEADER],
                hmac.digest(TOKEN.encode(), body, "sha256").hex(),  # the token itself as the key
                hashlib.sha256(body).hexdigest(),
            ]
        ),
    )
    if draw(st.booleans()):
        return Callback([], {HEADER: draw(wrong.filter(lambda text: text != right))}, body)
    return Callback([(HEADER, right)], {draw(st.sampled_from(["x-signature", "signature", "crypto-pay-api-token"])): right}, body)


@st.composite
def changed_after_signing(draw: st.DrawFn) -> Callback:
    """Another body, under the signature of a genuine one: other JSON, the same JSON written otherwise, or a byte more or less."""
    document = update()
    body = as_json(document)
    rewritten = [
        json.dumps(document, indent=1).encode(),
        json.dumps(document, separators=(",", ":")).encode(),
        body + b"\n",
        body[:-1],
        b"",
    ]
    name = draw(st.sampled_from(list(document)))
    other = st.one_of(st.sampled_from(rewritten), st.binary(max_size=80), _json.map(lambda value: as_json({**document, name: value})))
    return Callback([], signed(body).headers, draw(other.filter(lambda changed: changed != body)))


_dates = st.one_of(
    _json.filter(lambda value: not isinstance(value, str) or not value[:4].isdigit()),
    st.floats(86_460, 10**9).map(lambda seconds: (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()),
    st.floats(86_460, 10**9).map(lambda seconds: (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()),
    st.just(datetime.now(UTC).replace(tzinfo=None).isoformat()),
    st.sampled_from(["2026-13-45T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "yesterday", "", "\x00", "1e400"]),
)
_numbers = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=20).filter(lambda text: not (text.isascii() and text.isdigit())),
    st.integers(max_value=0),
    st.integers(min_value=1 << 63),
    st.sampled_from(["", "0", "-1", "٩", "１", "1.0", "1e3", " 1", "1\x00", "9" * 30, [1], {"invoice_id": 1}, {}]),
)


@st.composite
def signed_nonsense(draw: st.DrawFn) -> Callback:
    """Somebody has the token, or the provider is broken: rightly signed, and not what a report may be."""
    malformed: list[Callable[[], bytes]] = [
        lambda: draw(st.binary(max_size=80)),
        lambda: as_json(draw(_json.filter(lambda value: not isinstance(value, dict) or "request_date" not in value))),
        lambda: as_json(update(request_date=draw(_dates))),
        lambda: as_json(update(payload=draw(_json.filter(lambda value: not isinstance(value, dict) or "invoice_id" not in value)))),
        lambda: as_json(update(payload={"invoice_id": draw(_numbers), "status": "paid"})),
        lambda: as_json(update())[:-1] + b', "update_id": 2}',
        lambda: as_json(update()).replace(b'"9.5"', b"NaN"),
        lambda: as_json(update()).replace(b"1000001", b"9" * 5000),
        lambda: as_json(update()).replace(b"1000001", b"1000001.0"),
        lambda: as_json(update()).replace(b"P1a", b"\xff"),
        lambda: b"[" * draw(st.integers(1, 60_000)),
        lambda: b'{"a":' * draw(st.integers(2_000, 9_000)),
        lambda: b" " * 70_000,
        lambda: as_json(update()).decode().encode("utf-16"),
    ]
    return signed(draw(st.sampled_from(malformed))())


anything = st.builds(
    Callback,
    st.lists(st.tuples(_texts, _texts), max_size=5),
    st.dictionaries(st.one_of(st.just(HEADER), _texts), _texts, max_size=4),
    st.binary(max_size=200),
)


def test_a_thousand_forged_or_malformed_reports_are_refused_before_anybody_is_asked() -> None:
    method = made(SHOP_PUBLIC_URL="https://shop.example")
    method._line = cast(Any, NobodyAnswers())

    @CAREFULLY
    @given(st.one_of(wrongly_signed(), changed_after_signing(), signed_nonsense(), anything))
    def refused(callback: Callback) -> None:
        with pytest.raises(NotGenuine):
            at_once(method, callback)

    refused()


@pytest.mark.parametrize("hours", [-23.9, 0, 23.9])
def test_the_report_that_the_forgeries_are_made_of_is_genuine(hours: float) -> None:
    """Otherwise they would be refused for another reason than the one they are about."""
    method = made()
    method._line = cast(Any, NobodyAnswers())
    date = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
    with pytest.raises(AssertionError, match="the provider was asked"):
        at_once(method, signed(as_json(update(request_date=date))))


# Giving back, and the provider's own list.


async def test_money_is_never_given_back_by_the_provider() -> None:
    method = made()
    assert not method.capabilities.refund_full and not method.capabilities.refund_partial
    with pytest.raises(Declined):
        await method.refund(Refund("r", "1000001", "P1a", "1000001", 7, 950, 950, "CNY"))


async def test_the_list_has_what_was_paid_since_then_oldest_first_and_reads_every_page(door: Door) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    clock = [now - timedelta(days=9)]
    gateway = CryptoPayGateway(TOKEN, clock=lambda: clock[0])
    await gateway.start()
    method = made(gateway.url)
    await method.create(asked("P0"))
    pattern = gateway.history[0]
    gateway._all.clear()
    wanted: list[str] = []
    for at in range(PAGE * 2 + 30):
        clock[0] += timedelta(minutes=1)
        own = {
            "reference": f"P{at}",
            "number": str(2_000_000 + at),
            "made_at": clock[0],
            "shown": {"payload": f"P{at}"},
            "expires_at": None,
        }
        gateway._all.append(type(pattern)(**{**vars(pattern), **own}))
        if at % 7:
            await gateway.pay(f"P{at}")
            wanted.append(f"P{at}")

    listed = await method.received(now - timedelta(days=30))
    assert [event.reference for event in listed] == wanted
    assert all(told(event)[1:] == (PaymentState.PAID, 950, "CNY") for event in listed)
    assert [event.reference for event in await method.received(gateway.payments["P60"].made_at)] == [w for w in wanted if int(w[1:]) >= 60]

    gateway.calls.clear()
    assert await method.received(now - timedelta(hours=1)) == []
    assert len(gateway.calls) == 1
    await method.close()
    await gateway.stop()


# What the provider might answer, and the one in the sandbox does not.


class Answering(CryptoPay):
    """A method whose provider answers what it is told to."""

    def __init__(self, *answers: Mapping[str, Any]) -> None:
        super().__init__(TOKEN, "CNY")
        waiting = list(answers)

        class Script:
            async def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
                return Answer(200, waiting.pop(0))

            async def post(self, path: str, *, document: Mapping[str, Any] | None = None) -> Answer:
                return Answer(200, waiting.pop(0))

        self._line = cast(Any, Script())


def invoice(**changed: object) -> dict[str, object]:
    return {
        "invoice_id": 5,
        "status": "paid",
        "currency_type": "fiat",
        "fiat": "CNY",
        "amount": "9.5",
        "payload": "P1a",
        "bot_invoice_url": "https://t.me/CryptoBot?start=IVx",
        "created_at": "2026-01-01T12:00:00.123Z",
        "paid_at": "2026-01-01T12:05:00Z",
        **changed,
    }


def items(*invoices: object) -> dict[str, object]:
    return {"ok": True, "result": {"items": list(invoices)}}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"ok": False, "error": {"code": 401, "name": "UNAUTHORIZED"}},
        {"ok": 1, "result": {"items": []}},
        {"ok": True},
        {"ok": True, "result": {"items": None}},
        {"ok": True, "result": "x"},
        items(None),
        items(["x"]),
        items(invoice(invoice_id="5")),
        items(invoice(invoice_id=True)),
        items(invoice(status="refunded")),
        items(invoice(status=None)),
        items(invoice(currency_type="crypto", asset="TON")),
        items(invoice(fiat=None)),
        items(invoice(fiat="yuan")),
        items(invoice(amount=None)),
        items(invoice(amount="0")),
        items(invoice(amount="-9.5")),
        items(invoice(amount="9.505")),
        items(invoice(amount=Decimal("1e999999999"))),
        items(invoice(paid_at=None)),
        items(invoice(paid_at="2026-01-01")),
        items(invoice(payload="another")),
        items(invoice(payload=None)),
    ],
)
async def test_nonsense_is_not_sure(answer: Mapping[str, Any]) -> None:
    with pytest.raises(NotSure):
        await Answering(answer).find("P1a", "5", LONG_AGO)


@pytest.mark.parametrize("amount", ["9.5", "9.50", "9.50000000", Decimal("9.5")])
async def test_amounts_are_read_to_the_cent(amount: object) -> None:
    event = await Answering(items(invoice(amount=amount))).find("P1a", "5", LONG_AGO)
    assert event is not None and event.amount_minor == 950
    assert event.at == datetime(2026, 1, 1, 12, 5, tzinfo=UTC)


@pytest.mark.parametrize("number", ["", "x", "0", "-5", "５", "5\n", "9" * 40])
async def test_a_number_that_is_none_is_unknown(number: str) -> None:
    assert await Answering().find("P1a", number, LONG_AGO) is None


async def test_the_paid_one_of_two_invoices_counts() -> None:
    two = items(invoice(invoice_id=9, status="active"), invoice(invoice_id=8, status="expired"), invoice(invoice_id=7))
    event = await Answering(two).find("P1a", None, LONG_AGO)
    assert event is not None and (event.key, event.state) == ("7", PaymentState.PAID)


@pytest.mark.parametrize("url", [None, "", "javascript:alert(1)", 5])
async def test_an_invoice_without_an_address_is_not_sure(url: object) -> None:
    with pytest.raises(NotSure):
        await Answering(items(), {"ok": True, "result": invoice(status="active", bot_invoice_url=url)}).create(asked())


# Setting up.


def test_it_is_there_when_its_settings_are() -> None:
    assert list(crypto_pay.methods(NO_CALLS, {"SHOP_CRYPTO_PAY_CURRENCY": "CNY", "SHOP_PUBLIC_URL": "https://shop.example"})) == []
    (method,) = crypto_pay.methods(NO_CALLS, {"SHOP_CRYPTO_PAY_TOKEN": TOKEN, "SHOP_CRYPTO_PAY_CURRENCY": "usd"})
    assert isinstance(method, PaymentMethod)
    assert (method.name, method.capabilities.currency, method.capabilities.callback) == ("crypto-pay", "USD", False)
    assert str(cast(CryptoPay, method)._line._base) == f"{MAINNET}/"
    assert made(SHOP_PUBLIC_URL="https://shop.example").capabilities.callback


def test_limits_and_fee_are_the_settings() -> None:
    capabilities = made(SHOP_CRYPTO_PAY_MINIMUM="5", SHOP_CRYPTO_PAY_MAXIMUM="700", SHOP_CRYPTO_PAY_FEE_PERCENT="3").capabilities
    assert (capabilities.minimum_minor, capabilities.maximum_minor, capabilities.fee.basis_points) == (500, 70_000, 300)
    assert not capabilities.reversible


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHOP_CRYPTO_PAY_TOKEN", "two words"),
        ("SHOP_CRYPTO_PAY_CURRENCY", ""),
        ("SHOP_CRYPTO_PAY_CURRENCY", "USDT"),
        ("SHOP_CRYPTO_PAY_CURRENCY", "JPY"),
        ("SHOP_CRYPTO_PAY_ASSETS", "USDT;TON"),
        ("SHOP_CRYPTO_PAY_URL", "http://pay.crypt.bot"),
        ("SHOP_CRYPTO_PAY_URL", "pay.crypt.bot"),
        ("SHOP_CRYPTO_PAY_MINIMUM", "0"),
        ("SHOP_CRYPTO_PAY_MINIMUM", "99999999"),
        ("SHOP_CRYPTO_PAY_FEE_FIXED", "0.001"),
    ],
)
def test_a_wrong_setting_is_named_and_never_shown(name: str, value: str) -> None:
    with pytest.raises(SetUpWrong) as caught:
        made(**{name: value})
    assert name in str(caught.value)
    assert TOKEN not in str(caught.value) and "two words" not in str(caught.value)
