"""Crypto Pay speaks its protocol: invoices in both kinds of currency, exact amounts as text, and a signature over the raw body."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from sandbox.gateways import CryptoPayGateway, NotPayable, State
from tests.gateways.till import CRYPTO_TOKEN, CryptoTill, Ear


class Clock:
    """The time, as the test says."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def timed(line: aiohttp.ClientSession) -> AsyncIterator[tuple[CryptoTill, Clock]]:
    clock = Clock()
    gateway = CryptoPayGateway(CRYPTO_TOKEN, clock=clock)
    await gateway.start()
    yield CryptoTill(gateway, line), clock
    await gateway.stop()


async def test_an_invoice_in_fiat(crypto: CryptoTill) -> None:
    invoice = await crypto.invoice(accepted_assets="USDT,TON", expires_in=600, allow_comments=False)

    assert (invoice["currency_type"], invoice["fiat"], invoice["amount"], invoice["status"]) == ("fiat", "CNY", "12.5", "active")
    assert invoice["accepted_assets"] == ["USDT", "TON"] and "asset" not in invoice and "paid_at" not in invoice
    assert (invoice["payload"], invoice["description"], invoice["allow_comments"]) == ("A1", "Steam 50", False)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", invoice["created_at"])
    made, ends = (datetime.fromisoformat(invoice[name]) for name in ("created_at", "expiration_date"))
    assert ends - made == timedelta(seconds=600)
    for name in ("bot_invoice_url", "mini_app_invoice_url", "web_app_invoice_url"):
        assert invoice[name].startswith(f"{crypto.gateway.url}/pay/{invoice['hash']}")


async def test_an_invoice_in_crypto(crypto: CryptoTill) -> None:
    asked = {"asset": "TON", "amount": "0.000000001000", "payload": "B1"}
    invoice = (await crypto.call("createInvoice", **asked))["result"]

    assert (invoice["currency_type"], invoice["asset"], invoice["amount"]) == ("crypto", "TON", "0.000000001")
    assert "fiat" not in invoice and "expiration_date" not in invoice
    await crypto.gateway.pay("B1")
    (paid,) = await crypto.invoices(invoice_ids=str(invoice["invoice_id"]))
    assert (paid["status"], paid["fee_asset"]) == ("paid", "TON") and "paid_amount" not in paid


async def test_a_paid_invoice_says_what_was_paid_with(crypto: CryptoTill) -> None:
    await crypto.invoice(accepted_assets="TON")
    await crypto.gateway.pay("A1")

    (row,) = await crypto.invoices(status="paid")
    assert (row["paid_asset"], row["amount"], row["status"]) == ("TON", "12.5", "paid")
    assert isinstance(row["paid_amount"], str)
    assert abs(Decimal(row["paid_amount"]) * Decimal(row["paid_fiat_rate"]) - Decimal("12.50")) < Decimal("0.0001")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"currency_type": "shells"}, "CURRENCY_TYPE_INVALID"),
        ({"fiat": "XXX"}, "FIAT_INVALID"),
        ({"fiat": ""}, "PARAM_FIAT_REQUIRED"),
        ({"amount": 12.5}, "AMOUNT_INVALID"),
        ({"amount": "12,50"}, "AMOUNT_INVALID"),
        ({"amount": "0.00"}, "AMOUNT_INVALID"),
        ({"amount": "-1"}, "AMOUNT_INVALID"),
        ({"amount": "NaN"}, "AMOUNT_INVALID"),
        ({"amount": None}, "PARAM_AMOUNT_REQUIRED"),
        ({"accepted_assets": ["USDT"]}, "ACCEPTED_ASSETS_INVALID"),
        ({"accepted_assets": "USDT,DOGE"}, "ACCEPTED_ASSETS_INVALID"),
        ({"description": "x" * 1025}, "DESCRIPTION_TOO_LONG"),
        ({"payload": "界" * 1366}, "PAYLOAD_TOO_LONG"),
        ({"expires_in": 0}, "EXPIRES_IN_INVALID"),
        ({"expires_in": 2678401}, "EXPIRES_IN_INVALID"),
        ({"expires_in": "soon"}, "EXPIRES_IN_INVALID"),
        ({"allow_comments": "maybe"}, "ALLOW_COMMENTS_INVALID"),
        ({"paid_btn_name": "callback"}, "PARAM_PAID_BTN_URL_REQUIRED"),
        ({"paid_btn_name": "openDoor", "paid_btn_url": "https://t.me/x"}, "PAID_BTN_NAME_INVALID"),
        ({"reference": "A1"}, "PARAM_REFERENCE_UNKNOWN"),
    ],
)
async def test_an_invoice_that_is_wrong_is_refused_by_name(crypto: CryptoTill, changes: dict[str, Any], name: str) -> None:
    asked = {"currency_type": "fiat", "fiat": "CNY", "amount": "12.50", **changes}

    assert await crypto.call("createInvoice", **asked) == {"ok": False, "error": {"code": 400, "name": name}}
    assert crypto.gateway.payments == {}


async def test_the_limits_themselves_are_allowed(crypto: CryptoTill) -> None:
    invoice = await crypto.invoice(description="界" * 1024, payload="x" * 4096, expires_in=2678400, amount="25000")

    assert invoice["amount"] == "25000"


async def test_the_token_is_needed_and_the_method_has_to_exist(crypto: CryptoTill) -> None:
    assert (await crypto.call("getMe", token="13377:wrong"))["error"] == {"code": 401, "name": "UNAUTHORIZED"}
    assert (await crypto.call("getEverything"))["error"] == {"code": 405, "name": "METHOD_NOT_FOUND"}
    assert (await crypto.call("getMe"))["result"]["payment_processing_bot_username"] == "CryptoBot"


async def test_invoices_are_found_by_number_status_and_place(crypto: CryptoTill) -> None:
    numbers = [(await crypto.invoice(payload=f"A{place}"))["invoice_id"] for place in range(4)]
    await crypto.gateway.pay("A2")

    assert [row["invoice_id"] for row in await crypto.invoices()] == numbers[::-1]
    assert [row["payload"] for row in await crypto.invoices(status="paid")] == ["A2"]
    assert [row["payload"] for row in await crypto.invoices(status="active", offset=1, count=1)] == ["A1"]
    assert [row["payload"] for row in await crypto.invoices(invoice_ids=f"{numbers[0]},{numbers[3]}")] == ["A3", "A0"]
    assert await crypto.invoices(fiat="USD") == []
    for wrong in ({"status": "late"}, {"count": 1001}, {"count": 0}, {"offset": -1}, {"invoice_ids": "A1"}, {"page": 2}):
        assert (await crypto.call("getInvoices", **wrong))["error"]["code"] == 400


async def test_questions_may_be_asked_by_get_and_by_form(crypto: CryptoTill) -> None:
    number = (await crypto.invoice())["invoice_id"]
    headers = {"Crypto-Pay-API-Token": CRYPTO_TOKEN}
    address = f"{crypto.gateway.url}/api/getInvoices"
    async with crypto.line.get(address, params={"invoice_ids": str(number)}, headers=headers) as response:
        assert len((await response.json())["result"]["items"]) == 1
    async with crypto.line.post(address, data={"count": "1"}, headers=headers) as response:
        assert len((await response.json())["result"]["items"]) == 1
    async with crypto.line.post(address, data=b"{", headers=headers | {"Content-Type": "application/json"}) as response:
        assert response.status == 400


async def test_an_invoice_expires_and_then_cannot_be_paid(timed: tuple[CryptoTill, Clock]) -> None:
    crypto, clock = timed
    await crypto.invoice(expires_in=60)
    clock.now += timedelta(seconds=59)
    assert (await crypto.invoices())[0]["status"] == "active"
    clock.now += timedelta(seconds=1)

    assert (await crypto.invoices())[0]["status"] == "expired"
    with pytest.raises(NotPayable):
        await crypto.gateway.pay("A1")


async def test_a_deleted_invoice_is_gone_and_a_paid_one_stays(crypto: CryptoTill) -> None:
    first, second = [(await crypto.invoice(payload=payload))["invoice_id"] for payload in ("A1", "A2")]
    await crypto.gateway.pay("A2")

    assert await crypto.call("deleteInvoice", invoice_id=first) == {"ok": True, "result": True}
    assert (await crypto.call("deleteInvoice", invoice_id=first))["error"]["name"] == "INVOICE_NOT_FOUND"
    assert (await crypto.call("deleteInvoice", invoice_id=second))["ok"] is False
    assert [row["invoice_id"] for row in await crypto.invoices()] == [second]


async def test_the_webhook_is_what_the_protocol_says(crypto: CryptoTill, ear: Ear) -> None:
    number = (await crypto.invoice())["invoice_id"]
    ear.answers = [(500, ""), (200, "")]
    await crypto.gateway.pay("A1")
    await crypto.gateway.settled()

    first, again = ear.heard
    assert (first.method, first.path) == ("POST", "/pay/crypto-pay") and crypto.genuine(first) and crypto.genuine(again)
    update = first.json()
    assert set(update) == {"update_id", "update_type", "request_date", "payload"} and update["update_type"] == "invoice_paid"
    assert update["update_id"] == again.json()["update_id"]
    assert update["payload"] == (await crypto.invoices(invoice_ids=str(number)))[0]


async def test_without_an_address_nothing_is_sent_and_it_can_be_given_later(crypto: CryptoTill, ear: Ear) -> None:
    address, crypto.gateway.webhook_url = crypto.gateway.webhook_url, None
    await crypto.create("A1")
    await crypto.gateway.pay("A1")
    crypto.gateway.webhook_url = address
    await crypto.create("A2")
    await crypto.gateway.pay("A2")
    await crypto.gateway.settled()

    assert [crypto.told(heard) for heard in ear.heard] == ["A2"]


async def test_two_invoices_of_one_reference_are_both_remembered(crypto: CryptoTill) -> None:
    first = (await crypto.invoice())["invoice_id"]
    second = (await crypto.invoice())["invoice_id"]
    assert crypto.gateway.payments["A1"].number == str(second)
    await crypto.gateway.pay(str(first))

    assert [payment.state for payment in crypto.gateway.history] == [State.PAID, State.OPEN]
