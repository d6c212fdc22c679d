"""Faults on demand, each of them as a bot and its buyers feel it."""

import asyncio
import time

import aiohttp
import pytest

from sandbox import Sandbox
from sandbox.phone import Phone, PhoneRefused
from tests.sandbox.conftest import SHOP, Call, Refused


async def test_too_many_requests_says_when_to_come_back(call: Call, buyer: Phone, met: int) -> None:
    await buyer.fault(too_many_requests=2, retry_after=7)
    for _ in range(2):
        with pytest.raises(Refused, match="429 Too Many Requests: retry after 7") as refused:
            await call("sendMessage", chat_id=met, text="x")
        assert refused.value.parameters == {"retry_after": 7}
    await call("sendMessage", chat_id=met, text="third")

    assert [message["text"] for message in await buyer.messages()] == ["/start", "third"]
    calls = (await buyer.ask("GET", "/calls?method=sendMessage"))["calls"]
    assert [item["error_code"] for item in calls] == [429, 429, None]


async def test_server_errors_carry_nothing_out(call: Call, buyer: Phone, met: int) -> None:
    await buyer.fault(server_errors=1)
    with pytest.raises(Refused, match="502 Bad Gateway"):
        await call("sendMessage", chat_id=met, text="lost")
    assert len(await buyer.messages()) == 1


async def test_a_connection_cut_after_the_commit_leaves_the_message_in_the_chat(call: Call, buyer: Phone, met: int) -> None:
    await buyer.fault(drop_after_commit=1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await call("sendMessage", chat_id=met, text="sent all the same")
    assert (await buyer.last())["text"] == "sent all the same"
    assert (await buyer.fault())["drop_after_commit"] == 0


async def test_offline_drops_calls_and_waiting_polls(call: Call, buyer: Phone, sandbox: Sandbox) -> None:
    polling = asyncio.create_task(call("getUpdates", timeout=20))
    await sandbox.world.mailboxes[SHOP.username].polled.wait()
    await buyer.fault(offline=True)

    with pytest.raises(aiohttp.ClientConnectionError):
        await asyncio.wait_for(polling, 5)
    with pytest.raises(aiohttp.ClientConnectionError):
        await call("getMe")
    await buyer.says("while you were away")
    await buyer.fault(offline=False)
    assert [update["message"]["text"] for update in await call("getUpdates")] == ["while you were away"]


async def test_slow_makes_every_call_wait(call: Call, buyer: Phone) -> None:
    await buyer.fault(slow_ms=200)
    began = time.monotonic()
    await call("getMe")
    assert time.monotonic() - began >= 0.2


async def test_duplicate_updates_come_twice_with_the_same_number(call: Call, buyer: Phone) -> None:
    await buyer.fault(duplicate_updates=True)
    await buyer.says("again")
    updates = await call("getUpdates")
    assert len(updates) == 2
    assert updates[0] == updates[1]


@pytest.mark.parametrize("wrong", [{"gremlins": 1}, {"slow_ms": "much"}, {"offline": 1}, {"server_errors": -1}])
async def test_a_fault_that_makes_no_sense_changes_nothing(buyer: Phone, wrong: dict[str, object]) -> None:
    before = await buyer.fault()
    with pytest.raises(PhoneRefused):
        await buyer.fault(**{"retry_after": 9, **wrong})
    assert await buyer.fault() == before


async def test_the_host_is_asked_to_crash_its_bot(buyer: Phone) -> None:
    with pytest.raises(PhoneRefused) as refused:
        await buyer.ask("POST", "/faults/crash", json={})
    assert refused.value.status == 501

    crashes = []

    async def crash() -> bool:
        crashes.append(time.monotonic())
        return True

    host = Sandbox(bots=[SHOP], on_crash=crash)
    await host.start()
    async with Phone(host.url) as phone:
        assert await phone.ask("POST", "/faults/crash", json={}) == {"crashed": True}
    await host.stop()
    assert len(crashes) == 1


async def test_an_old_press_is_too_old_to_be_answered(call: Call, buyer: Phone, met: int, sandbox: Sandbox) -> None:
    await call("sendMessage", chat_id=met, text="Cards", reply_markup={"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]})
    await buyer.presses("Go", wait_seconds=0)
    query = (await call("getUpdates"))[0]["callback_query"]["id"]
    await asyncio.sleep(sandbox.world.patience.callback)
    for wrong in (query, "1"):
        with pytest.raises(Refused, match="query is too old and response timeout expired or query ID is invalid"):
            await call("answerCallbackQuery", callback_query_id=wrong)


async def test_an_answer_after_the_phone_gave_up_comes_as_a_toast(call: Call, buyer: Phone, met: int, http: aiohttp.ClientSession) -> None:
    await call("sendMessage", chat_id=met, text="Cards", reply_markup={"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]})
    assert await buyer.presses("Go", wait_seconds=0.05) is None
    query = (await call("getUpdates"))[0]["callback_query"]["id"]
    async with http.get(f"{buyer.base_url}/phones/buyer/events", headers={"Accept": "text/event-stream"}) as stream:
        assert await stream.content.readline() == b": here\n"
        await call("answerCallbackQuery", callback_query_id=query, text="late")
        async with asyncio.timeout(5):
            while b"toast" not in (line := await stream.content.readline()):
                pass
    assert b'"text": "late"' in line
