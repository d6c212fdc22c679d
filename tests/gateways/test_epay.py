"""The epay gateway speaks its protocol: what it accepts, what it says, and how it signs."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from sandbox.gateways import EpayGateway, Pace, State
from sandbox.gateways.epay import signature
from tests.gateways.till import EPAY_KEY, PID, Ear, EpayTill


@pytest.mark.parametrize(
    ("variant", "expected"), [("plain", "fcd4912055c6534201d1760dd559de95"), ("ampersand", "62c749d3ce26d5b00950cbf1770d4d2b")]
)
def test_a_signature_is_the_one_that_md5sum_gives(variant: str, expected: str) -> None:
    fields = {
        "type": "alipay", "pid": "1001", "out_trade_no": "20160806151343349", "notify_url": "http://127.0.0.1:1/n",
        "name": "VIP会员", "money": "1.00", "param": "", "sign": "anything", "sign_type": "MD5",
    }  # fmt: skip
    assert signature(fields, EPAY_KEY, variant) == expected


async def test_mapi_creates_a_payment_and_says_where_it_is_paid(epay: EpayTill) -> None:
    answer = await epay.mapi(type="wxpay")

    assert answer["code"] == 1 and answer["msg"] == "success"
    assert answer["payurl"] == f"{epay.gateway.url}/pay/{answer['trade_no']}" and answer["qrcode"].startswith(epay.gateway.url)
    payment = epay.gateway.payments["A1"]
    assert (payment.number, payment.amount, payment.way, payment.title) == (answer["trade_no"], Decimal("12.50"), "wxpay", "Steam 50 点卡")


@pytest.mark.parametrize("verb", ["GET", "POST"])
async def test_submit_creates_a_payment_and_leads_to_its_page(epay: EpayTill, verb: str) -> None:
    form: dict[str, Any] = {"params" if verb == "GET" else "data": epay.form()}
    async with epay.line.request(verb, f"{epay.gateway.url}/submit.php", **form, allow_redirects=False) as response:
        assert response.status == 303
        assert response.headers["Location"] == f"/pay/{epay.gateway.payments['A1'].number}"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"pid": "1002"}, "商户ID"),
        ({"type": "bitcoin"}, "支付方式"),
        ({"out_trade_no": ""}, "out_trade_no"),
        ({"out_trade_no": "A 1"}, "out_trade_no"),
        ({"notify_url": ""}, "notify_url"),
        ({"notify_url": "ftp://127.0.0.1/"}, "notify_url"),
        ({"name": ""}, "name"),
        ({"clientip": ""}, "clientip"),
        ({"money": "0.00"}, "金额"),
        ({"money": "-1"}, "金额"),
        ({"money": "1.005"}, "金额"),
        ({"money": "1e2"}, "金额"),
        ({"money": "１.00"}, "金额"),
    ],
)
async def test_mapi_refuses_what_is_wrong(epay: EpayTill, changes: dict[str, str], says: str) -> None:
    answer = await epay.mapi(**changes)

    assert answer["code"] == -1 and says in answer["msg"] and epay.gateway.payments == {}


async def test_a_form_that_was_changed_after_signing_is_refused(epay: EpayTill) -> None:
    for name, value in (("money", "0.01"), ("sign", "0" * 32), ("sign", ""), ("sign_type", "RSA")):
        async with epay.line.post(f"{epay.gateway.url}/mapi.php", data=epay.form() | {name: value}) as response:
            assert (await response.json())["code"] == -1
        async with epay.line.get(f"{epay.gateway.url}/submit.php", params=epay.form() | {name: value}) as response:
            assert "签名" in await response.text()
    assert epay.gateway.payments == {}


async def test_the_other_variant_of_the_signature(line: aiohttp.ClientSession, ear: Ear) -> None:
    gateway = EpayGateway(PID, EPAY_KEY, sign="ampersand", pace=Pace(()))
    await gateway.start()
    plain, till = EpayTill(gateway, line, ear), EpayTill(gateway, line, ear, "&key=")
    assert (await plain.mapi())["code"] == -1
    assert (await till.mapi())["code"] == 1
    await gateway.pay("A1")
    await gateway.settled()
    await gateway.stop()

    assert till.genuine(ear.heard[0]) and not plain.genuine(ear.heard[0])


async def test_the_same_number_again_is_the_same_payment_unless_the_money_is_another(epay: EpayTill) -> None:
    first = await epay.mapi()
    assert await epay.mapi(type="qqpay", name="Another name") == first
    assert epay.gateway.payments["A1"].way == "qqpay"
    assert (await epay.mapi(money="12.51"))["code"] == -1
    assert (await epay.mapi(money="12.5"))["trade_no"] == first["trade_no"]
    assert len(epay.gateway.history) == 1


async def test_a_query_finds_a_payment_by_either_number(epay: EpayTill) -> None:
    number = (await epay.mapi(param="x=1&y"))["trade_no"]
    row = await epay.api("order", trade_no=number)
    assert row == await epay.api("order", out_trade_no="A1")
    assert (row["code"], row["status"], row["money"], row["type"], row["pid"]) == (1, 0, "12.50", "alipay", 1001)
    assert (row["name"], row["param"], row["endtime"]) == ("Steam 50 点卡", "x=1&y", None)
    china = datetime.now(UTC) + timedelta(hours=8)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row["addtime"])
    assert abs(datetime.fromisoformat(row["addtime"]).replace(tzinfo=UTC) - china) < timedelta(seconds=10)

    await epay.gateway.pay("A1")
    paid = await epay.api("order", out_trade_no="A1")
    assert paid["status"] == 1 and paid["endtime"] >= row["addtime"]


async def test_a_query_needs_the_key_and_a_number_that_is_known(epay: EpayTill) -> None:
    await epay.mapi()
    assert (await epay.api("order", out_trade_no="A1", key="wrong"))["code"] == -3
    assert (await epay.api("order", out_trade_no="A1", pid="1002"))["code"] == -3
    assert (await epay.api("order", out_trade_no="A2"))["code"] == -1
    assert (await epay.api("order"))["code"] == -4
    assert (await epay.api("settle"))["code"] == -5


async def test_the_list_is_newest_first_and_by_the_page(epay: EpayTill) -> None:
    for number in range(5):
        await epay.mapi(out_trade_no=f"A{number}")

    assert [row["out_trade_no"] for row in (await epay.api("orders", limit="2"))["data"]] == ["A4", "A3"]
    assert [row["out_trade_no"] for row in (await epay.api("orders", limit="2", page="3"))["data"]] == ["A0"]
    assert [row["out_trade_no"] for row in (await epay.api("orders"))["data"]] == ["A4", "A3", "A2", "A1", "A0"]
    assert (await epay.api("orders", page="9"))["data"] == []
    assert (await epay.api("orders", key="wrong"))["code"] == -3


async def test_a_report_is_a_get_with_what_the_protocol_names(epay: EpayTill, ear: Ear) -> None:
    number = (await epay.mapi(param="a b+c", notify_url=f"{ear.url}/pay/epay-alipay?x=1"))["trade_no"]
    await epay.gateway.pay("A1")
    await epay.gateway.settled()

    (heard,) = ear.heard
    assert (heard.method, heard.path, heard.body) == ("GET", "/pay/epay-alipay", b"")
    query = dict(heard.query)
    assert query.pop("x") == "1" and epay.sign(query) == query.pop("sign")
    assert query == {
        "pid": PID, "trade_no": number, "out_trade_no": "A1", "type": "alipay", "name": "Steam 50 点卡", "money": "12.50",
        "trade_status": "TRADE_SUCCESS", "param": "a b+c", "sign_type": "MD5",
    }  # fmt: skip


async def test_only_the_word_success_is_an_answer(epay: EpayTill, ear: Ear) -> None:
    ear.answers = [(200, "OK"), (200, "success\n"), (200, "SUCCESS"), (200, "success")]
    await epay.mapi()
    await epay.gateway.pay("A1")
    await epay.gateway.settled()

    assert [sent.heard for sent in epay.gateway.sent] == [False, False, False, True]


async def test_refunds_in_parts_and_never_more_than_was_paid(epay: EpayTill) -> None:
    number = (await epay.mapi())["trade_no"]
    assert (await epay.refund(out_trade_no="A1", money="1.00"))["code"] == -1
    await epay.gateway.pay("A1")
    for wrong in ({"money": "12.51"}, {"money": ""}, {"money": "0"}, {"key": "wrong"}, {"out_trade_no": "A2"}):
        assert (await epay.refund(**{"out_trade_no": "A1", "money": "1.00", **wrong}))["code"] < 0
    assert (await epay.api("refund", out_trade_no="A1", money="1.00"))["code"] == -4

    assert (await epay.refund(trade_no=number, money="2.50"))["code"] == 1
    assert (await epay.refund(out_trade_no="A1", money="10.01"))["code"] == -1
    assert (await epay.refund(out_trade_no="A1", money="10.00"))["code"] == 1
    assert (await epay.refund(out_trade_no="A1", money="0.01"))["code"] == -1
    assert epay.gateway.payments["A1"].refunded == Decimal("12.50")
    assert (await epay.api("order", out_trade_no="A1"))["status"] == 1


async def test_money_that_comes_after_do_not_pay_is_money_all_the_same(epay: EpayTill, ear: Ear) -> None:
    await epay.mapi()
    await epay.gateway.fail("A1")
    assert epay.gateway.payments["A1"].state is State.FAILED and ear.heard == []
    await epay.gateway.pay("A1")
    await epay.gateway.settled()

    assert len(ear.heard) == 1 and (await epay.ask("A1"))[0]


async def test_the_payer_is_led_back_with_a_signed_address(epay: EpayTill) -> None:
    address = (await epay.mapi(return_url=f"{epay.ear.url}/thanks?shop=1"))["payurl"]
    async with epay.line.post(address, data={"wish": "pay"}, allow_redirects=False) as response:
        onward = urlsplit(response.headers["Location"])

    query = {name: values[0] for name, values in parse_qs(onward.query).items()}
    assert (response.status, onward.path, query.pop("shop")) == (303, "/thanks", "1")
    assert epay.sign(query) == query["sign"] and query["trade_status"] == "TRADE_SUCCESS"
