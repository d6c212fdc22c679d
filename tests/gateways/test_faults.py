"""Every switch does what it says, at every gateway; and nothing else."""

import asyncio
import time
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import aiohttp
import pytest

from sandbox.gateways import EpayGateway, Faults, NotPayable, State
from tests.gateways.till import PRICE, CryptoTill, Ear, Till


async def paid(till: Till, reference: str = "A1") -> None:
    """Asks, pays, and waits until everything is said."""
    await till.create(reference)
    await till.gateway.pay(reference)
    await till.gateway.settled()


async def known(till: Till) -> None:
    """Waits until the gateway has done what was asked."""
    async with asyncio.timeout(3):
        # The gateway tells nobody: it is looked at.
        while not till.gateway.payments:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_without_faults_a_payment_is_reported_once_and_truly(till: Till, ear: Ear) -> None:
    await paid(till)

    (heard,) = ear.heard
    assert till.genuine(heard) and till.told(heard) == "A1"
    assert till.stated(heard) == (PRICE, "CNY") == (await till.ask("A1"))[1:]
    assert till.gateway.payments["A1"].state is State.PAID and till.gateway.payments["A1"].paid == PRICE


async def test_a_report_is_repeated_until_it_is_heard(till: Till, ear: Ear) -> None:
    ear.answers = [(500, "no"), (302, "success"), (200, "success")]
    await paid(till)

    assert len(ear.heard) == 3 and all(map(till.genuine, ear.heard))
    assert [sent.heard for sent in till.gateway.sent] == [False, False, True]


async def test_a_report_is_given_up_after_its_last_repetition_and_can_be_sent_again_by_hand(till: Till, ear: Ear) -> None:
    ear.answers = [(500, "no")]
    await paid(till)
    assert len(ear.heard) == 4

    ear.answers = [(200, "success")]
    await till.gateway.resend("A1")
    await till.gateway.settled()
    assert len(ear.heard) == 5 and till.genuine(ear.heard[-1])


async def test_a_shop_that_is_away_is_called_again(till: Till, ear: Ear) -> None:
    await till.create("A1")
    await ear.stop()
    await till.gateway.pay("A1")
    await till.gateway.settled()

    assert [sent.status for sent in till.gateway.sent] == [None] * 4
    await ear.start()


async def test_no_callback(till: Till, ear: Ear) -> None:
    till.gateway.faults.no_callback = True
    await paid(till)

    assert ear.heard == [] and (await till.ask("A1"))[0]


async def test_callback_twice(till: Till, ear: Ear) -> None:
    till.gateway.faults.callback_twice = True
    await paid(till)

    assert len(ear.heard) == 2 and all(map(till.genuine, ear.heard))


async def test_out_of_order(till: Till, ear: Ear) -> None:
    till.gateway.faults.out_of_order = True
    await till.create("A1")
    await till.create("A2")
    await till.gateway.pay("A1")
    await till.gateway.pay("A2")
    await till.gateway.settled()

    assert [till.told(heard) for heard in ear.heard] == ["A2", "A1"]


async def test_a_report_that_nobody_overtakes_is_not_lost(till: Till, ear: Ear) -> None:
    till.gateway.faults.out_of_order = True
    began = time.monotonic()
    await paid(till)

    assert len(ear.heard) == 1 and time.monotonic() - began >= 0.25


async def test_late_seconds(till: Till, ear: Ear) -> None:
    till.gateway.faults.late_seconds = 0.2
    await till.create("A1")
    paid_at = datetime.now(UTC)
    await till.gateway.pay("A1")
    assert (await till.ask("A1"))[0]

    await till.gateway.settled()
    assert len(ear.heard) == 1 and till.gateway.sent[0].at - paid_at >= timedelta(seconds=0.2)


async def test_wrong_amount(till: Till, ear: Ear) -> None:
    till.gateway.faults.wrong_amount = True
    await paid(till)

    (heard,) = ear.heard
    assert till.genuine(heard) and till.stated(heard)[0] == Decimal("0.01")
    assert await till.ask("A1") == (True, PRICE, "CNY")
    till.gateway.faults.lies_in_answers = True
    assert await till.ask("A1") == (True, Decimal("0.01"), "CNY")


async def test_wrong_currency(till: Till, ear: Ear) -> None:
    till.gateway.faults.wrong_currency = True
    await paid(till)

    (heard,) = ear.heard
    other = "CNY" if "wrong_currency" in till.gateway.without_faults else "USD"
    assert till.genuine(heard) and till.stated(heard) == (PRICE, other)
    assert (await till.ask("A1"))[2] == "CNY"
    till.gateway.faults.lies_in_answers = True
    assert (await till.ask("A1"))[2] == other


async def test_only_epay_has_no_word_for_a_currency(till: Till) -> None:
    assert till.gateway.without_faults == ({"wrong_currency"} if isinstance(till.gateway, EpayGateway) else set())


async def test_wrong_sign(till: Till, ear: Ear) -> None:
    till.gateway.faults.wrong_sign = True
    ear.answers = [(400, "not genuine")]
    await paid(till)

    assert len(ear.heard) == 4 and not any(map(till.genuine, ear.heard))


async def test_wrong_sign_of_the_next_call_only(till: Till, ear: Ear) -> None:
    till.gateway.faults.wrong_sign = till.gateway.faults.next_call_only = True
    ear.answers = [(400, "not genuine"), (200, "success")]
    await paid(till)

    assert [till.genuine(heard) for heard in ear.heard] == [False, True]


async def test_no_callback_of_the_next_payment_only(till: Till, ear: Ear) -> None:
    till.gateway.faults.no_callback = till.gateway.faults.next_call_only = True
    await paid(till)
    await paid(till, "A2")

    assert [till.told(heard) for heard in ear.heard] == ["A2"]


async def test_errors_500_do_nothing_and_are_counted(till: Till) -> None:
    till.gateway.faults.errors_500 = 2
    for _ in range(2):
        with pytest.raises(OSError):
            await till.create("A1")
    assert till.gateway.payments == {}

    await till.create("A1")
    assert list(till.gateway.payments) == ["A1"]


async def test_a_stalled_call_is_carried_out_before_it_is_answered(till: Till) -> None:
    till.gateway.faults.stall_after_work_seconds = 0.3
    till.gateway.faults.next_call_only = True
    began = time.monotonic()
    calling = asyncio.create_task(till.create("A1"))
    await known(till)
    assert not calling.done()

    await calling
    assert time.monotonic() - began >= 0.3
    assert till.gateway.faults.stall_after_work_seconds == 0 and (await till.ask("A1"))[0] is False


async def test_a_caller_who_does_not_wait_for_a_stalled_answer_has_had_his_will(till: Till) -> None:
    till.gateway.faults.stall_after_work_seconds = 30
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(till.create("A1"), 0.15)

    till.gateway.faults.clear()
    assert till.gateway.faults == Faults()
    assert await till.ask("A1") == (False, PRICE, "CNY")


async def test_a_stop_does_not_wait_for_a_stalled_answer(crypto: CryptoTill) -> None:
    crypto.gateway.faults.stall_after_work_seconds = 30
    calling = asyncio.create_task(crypto.create("A1"))
    await known(crypto)
    began = time.monotonic()
    await crypto.gateway.stop()

    assert time.monotonic() - began < 20
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await calling
    await crypto.gateway.start()
    assert list(crypto.gateway.payments) == ["A1"]


async def test_another_amount_is_paid_reported_and_in_the_books(till: Till, ear: Ear) -> None:
    await till.create("A1")
    await till.gateway.pay("A1", "7.25")
    await till.gateway.settled()

    assert till.stated(ear.heard[0]) == (Decimal("7.25"), "CNY") == (await till.ask("A1"))[1:]


async def test_who_pays_nothing_or_twice_or_what_nobody_asked_for_is_told(till: Till, ear: Ear) -> None:
    await till.create("A1")
    for wrong in ("0", "-1", "NaN", "much"):
        with pytest.raises(ValueError):
            await till.gateway.pay("A1", wrong)
    with pytest.raises(TypeError):
        await till.gateway.pay("A1", 12.5)  # type: ignore[arg-type]  # A float is what is refused here.
    with pytest.raises(LookupError):
        await till.gateway.pay("A2")
    with pytest.raises(LookupError):
        await till.gateway.resend("A1")
    await till.gateway.pay("A1")
    for again in (till.gateway.pay, till.gateway.fail):
        with pytest.raises(NotPayable):
            await again("A1")
    await till.gateway.settled()
    assert len(ear.heard) == 1


async def test_who_does_not_pay_leaves_it_unpaid(till: Till) -> None:
    await till.create("A1")
    await till.gateway.fail("A1")

    assert (await till.ask("A1"))[0] is False and till.gateway.payments["A1"].paid is None


async def test_no_secret_is_shown_by_a_gateway(till: Till, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    await paid(till)

    shown = f"{till.gateway!r} {till.gateway.faults} {till.gateway.payments} {till.gateway.calls} {till.gateway.sent}"
    mine = "".join(record.getMessage() for record in caplog.records if record.name.startswith(("sandbox", "aiohttp")))
    for secret in ("89unJUB8HZ54", "AAtest-of-the-gateway", "sk_test_of", "whsec_of"):
        assert secret not in shown + mine


def test_every_switch_is_tried_here() -> None:
    with open(__file__, encoding="utf-8") as source:
        text = source.read()
    assert [field.name for field in fields(Faults) if f"faults.{field.name}" not in text] == []
