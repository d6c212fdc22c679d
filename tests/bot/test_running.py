"""The whole process: from a person's press to the code, by polling and by webhook, and to an orderly end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiogram.types import Update, User
from redis.asyncio import Redis

from bot import running as running_module
from bot.dispatcher import make_dispatcher
from bot.intake import lane_of
from bot.polling import Polling
from bot.running import RunPlan, WrongToken, run, stop_on_signals, webhook_of
from core import orders, outbox, payments, people
from core.database import Shop
from core.storefronts import Storefront
from sandbox import Sandbox
from sandbox.phone import Phone, find_button
from tests.bot.conftest import QUICK, SHOP, TOKEN, on_sqlite, owner_of, until
from tests.bot.test_courier import is_code
from tests.stage import Goods, numbers


class Process:
    """A shop that runs in this test's loop."""

    def __init__(self, task: asyncio.Task[None], stop: asyncio.Event, port: int | None) -> None:
        self.task, self.stop, self.port = task, stop, port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def running(shop: Shop, storefront: Storefront, sandbox: Sandbox, **more: Any) -> AsyncIterator[Process]:
    """A running shop; stopped, and its end awaited, when the block is left."""
    started: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    def when_running(me: User, port: int | None) -> None:
        assert me.username == SHOP.username
        started.set_result(port)

    plan = RunPlan(
        **{
            "token": TOKEN,
            "api_base": sandbox.url,
            "shop": shop,
            "storefront": storefront,
            "redis_url": None,
            "public_url": None,
            "listen_host": "127.0.0.1",
            "listen_port": 0,
            "rates": QUICK,
            "payment_settings": {},
            "when_running": when_running,
            **more,
        }
    )
    stop = asyncio.Event()
    task = asyncio.create_task(run(plan, stop))
    waited: list[asyncio.Future[Any]] = [started, task]
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    try:
        yield Process(task, stop, started.result())
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(params=["polling", "webhook"])
def way(request: pytest.FixtureRequest, free_port: int) -> dict[str, Any]:
    """How updates come in."""
    if request.param == "polling":
        return {}
    return {"public_url": f"http://127.0.0.1:{free_port}", "listen_port": free_port}


@pytest.fixture
async def buyer(sandbox: Sandbox) -> AsyncIterator[Phone]:
    async with Phone(sandbox.url, "second", SHOP.username) as phone:
        yield phone


@pytest.fixture
def slow_handlers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Every message is worked on until `go` is set; `begun` and `ended` hold their texts."""
    state: dict[str, Any] = {"go": asyncio.Event(), "begun": [], "ended": []}

    def make(*args: Any, **more: Any) -> Any:
        dispatcher = make_dispatcher(*args, **more)

        async def wait(handler: Callable[[Any, Any], Awaitable[Any]], event: Any, data: dict[str, Any]) -> Any:
            state["begun"].append(event.text)
            await state["go"].wait()
            answer = await handler(event, data)
            state["ended"].append(event.text)
            return answer

        dispatcher.message.outer_middleware(wait)
        return dispatcher

    monkeypatch.setattr(running_module, "make_dispatcher", make)
    return state


async def begun(state: dict[str, Any], count: int) -> None:
    async def so_many() -> bool:
        return len(state["begun"]) >= count

    await until(so_many)


async def test_from_start_to_the_code(shop: Shop, goods: Goods, sandbox: Sandbox, buyer: Phone, way: dict[str, Any]) -> None:
    customer = await owner_of(buyer, shop, goods.storefront, 9500)
    async with running(shop, goods.storefront, sandbox, **way):
        await buyer.says("/start sku-" + str(goods.sku_id))
        await buyer.presses("Pay")
        await buyer.waits_for(is_code)
    assert (await shop.read(payments.wallet, customer.id)).balance_minor == 0
    waiting = await shop.read(outbox.waiting)
    assert waiting.open == 0


async def test_blocked_then_started_again_gets_the_code(shop: Shop, goods: Goods, sandbox: Sandbox, buyer: Phone) -> None:
    customer = await owner_of(buyer, shop, goods.storefront, 9500)
    async with running(shop, goods.storefront, sandbox):
        await buyer.says("/start")
        await buyer.blocks()
        await shop.write(orders.buy, buyer_id=customer.id, quantity=1, once=f"r{next(numbers)}", **goods.terms())

        async def parked() -> bool:
            # Both: the first /start may be handled after the block, and is forgotten when the next message is refused.
            return (await shop.read(outbox.waiting)).parked >= 1 and (await shop.read(people.by_id, customer.id)).blocked

        await until(parked)
        await buyer.blocks(False)
        await buyer.says("/start")
        await buyer.waits_for(is_code)

        async def all_sent() -> bool:
            waiting = await shop.read(outbox.waiting)
            return not waiting.parked and not waiting.open

        await until(all_sent)
    assert len([message for message in await buyer.messages() if is_code(message)]) == 1
    assert not (await shop.read(people.by_id, customer.id)).blocked


@on_sqlite
async def test_a_screen_that_telegram_puts_off_for_a_moment_comes_all_the_same(
    shop: Shop, goods: Goods, sandbox: Sandbox, buyer: Phone
) -> None:
    async with running(shop, goods.storefront, sandbox, with_courier=False, with_jobs=False):
        await buyer.says("/help")
        await buyer.waits_for(lambda message: message["from"]["is_bot"])
        await buyer.clears()
        await buyer.fault(too_many_requests=1, retry_after=1)
        await buyer.says("/help")
        answer = await buyer.waits_for(lambda message: message["from"]["is_bot"])
        assert "went wrong" not in answer["text"]


@on_sqlite
async def test_an_update_that_comes_twice_is_handled_once(
    shop: Shop, goods: Goods, sandbox: Sandbox, buyer: Phone, slow_handlers: dict[str, Any], way: dict[str, Any]
) -> None:
    await buyer.fault(duplicate_updates=True)
    async with running(shop, goods.storefront, sandbox, **way):
        await buyer.says("one")
        await begun(slow_handlers, 1)
        slow_handlers["go"].set()
        await buyer.waits_for(lambda message: message["from"]["is_bot"])
    assert slow_handlers["begun"] == slow_handlers["ended"] == ["one"]


@on_sqlite
async def test_one_chat_is_answered_in_order_and_does_not_hold_up_another(
    shop: Shop, goods: Goods, sandbox: Sandbox, buyer: Phone, way: dict[str, Any], slow_handlers: dict[str, Any]
) -> None:
    async with running(shop, goods.storefront, sandbox, **way), Phone(sandbox.url, "buyer", SHOP.username) as other:
        await buyer.says("first")
        await buyer.says("second")
        await begun(slow_handlers, 1)
        await other.says("another chat")
        await begun(slow_handlers, 2)
        await asyncio.sleep(0.3)
        assert slow_handlers["begun"] == ["first", "another chat"]
        slow_handlers["go"].set()
        await begun(slow_handlers, 3)
    assert [text for text in slow_handlers["ended"] if text != "another chat"] == ["first", "second"]


@on_sqlite
async def test_stopping_finishes_the_update_in_hand(
    shop: Shop, goods: Goods, sandbox: Sandbox, buyer: Phone, way: dict[str, Any], slow_handlers: dict[str, Any]
) -> None:
    async with running(shop, goods.storefront, sandbox, **way) as process:
        await buyer.says("/help")
        await begun(slow_handlers, 1)
        process.stop.set()
        await asyncio.sleep(0.2)
        slow_handlers["go"].set()
    assert slow_handlers["ended"] == ["/help"]
    assert (await buyer.last())["from"]["is_bot"]
    assert not sandbox.world.mailboxes[SHOP.username].waiting


@on_sqlite
async def test_what_cannot_be_finished_is_redelivered_to_the_next_process(
    shop: Shop,
    goods: Goods,
    sandbox: Sandbox,
    buyer: Phone,
    way: dict[str, Any],
    slow_handlers: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running_module, "DRAIN_SECONDS", 4.5)
    async with running(shop, goods.storefront, sandbox, **way) as process:
        await buyer.says("/help")
        await begun(slow_handlers, 1)
        process.stop.set()
    assert slow_handlers["ended"] == []
    assert len(sandbox.world.mailboxes[SHOP.username].waiting) == 1

    slow_handlers["go"].set()
    async with running(shop, goods.storefront, sandbox, **way):
        await buyer.waits_for(lambda message: message["from"]["is_bot"])
    assert slow_handlers["ended"] == ["/help"]


@on_sqlite
async def test_a_slow_update_does_not_keep_new_ones_from_being_fetched_nor_is_it_confirmed_before_its_end(
    shop: Shop, goods: Goods, sandbox: Sandbox, buyer: Phone, slow_handlers: dict[str, Any]
) -> None:
    async with running(shop, goods.storefront, sandbox), Phone(sandbox.url, "buyer", SHOP.username) as other:
        await buyer.says("slow")
        await begun(slow_handlers, 1)
        for number in range(5):
            await other.says(f"quick {number}")
        await begun(slow_handlers, 2)
        waiting = sandbox.world.mailboxes[SHOP.username].waiting
        assert "slow" in [update.content.get("text") for update in waiting.values()]
        slow_handlers["go"].set()
        await begun(slow_handlers, 6)

        async def all_confirmed() -> bool:
            return not waiting

        await until(all_confirmed)


@on_sqlite
async def test_two_pollers_of_one_bot_wait_politely(
    shop: Shop, goods: Goods, sandbox: Sandbox, buyer: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch, waits = Polling._fetch, list[float]()
    turned_away = asyncio.Event()

    async def watched(polling: Polling) -> float:
        troubles = polling._troubles
        after = await fetch(polling)
        if polling._troubles > troubles:
            waits.append(after)
            turned_away.set()
        return after

    async def is_helped() -> int:
        """How many answers a question brings."""
        await buyer.clears()
        await buyer.says("/help")
        await buyer.waits_for(lambda message: message["from"]["is_bot"])
        return len([message for message in await buyer.messages() if message["from"]["is_bot"]])

    monkeypatch.setattr(Polling, "_fetch", watched)
    async with running(shop, goods.storefront, sandbox, with_courier=False, with_jobs=False, with_web=False):
        async with running(shop, goods.storefront, sandbox, with_courier=False, with_jobs=False, with_web=False):
            await asyncio.wait_for(turned_away.wait(), 10)
            assert await is_helped() == 1
        assert await is_helped() == 1, "the first goes on when the second has gone"
    assert waits and all(2 <= after <= 5 for after in waits), "who is turned away does not fight for it"


@on_sqlite
async def test_webhook_and_polling_may_be_changed_for_each_other(
    shop: Shop, goods: Goods, sandbox: Sandbox, buyer: Phone, free_port: int
) -> None:
    webhook = {"public_url": f"http://127.0.0.1:{free_port}", "listen_port": free_port}
    for way in (webhook, {}, webhook):
        await buyer.clears()
        async with running(shop, goods.storefront, sandbox, **way):
            await buyer.says("/help")
            await buyer.waits_for(lambda message: message["from"]["is_bot"])
            assert len([message for message in await buyer.messages() if message["from"]["is_bot"]]) == 1
            hook = sandbox.world.mailboxes[SHOP.username].bot.webhook
            assert (hook is not None) is bool(way), "Telegram knows which way it is"


@on_sqlite
async def test_the_webhook_lets_in_telegram_alone(shop: Shop, goods: Goods, sandbox: Sandbox, free_port: int) -> None:
    address, secret = webhook_of(TOKEN)
    assert TOKEN.split(":")[1] not in address + secret
    plan = {"public_url": f"http://127.0.0.1:{free_port}", "listen_port": free_port}
    async with running(shop, goods.storefront, sandbox, **plan) as process, aiohttp.ClientSession() as http:
        for headers, status in (({}, 403), ({"X-Telegram-Bot-Api-Secret-Token": "x" + secret}, 403)):
            async with http.post(f"{process.url}/telegram/{address}", json={"update_id": 1}, headers=headers) as answer:
                assert answer.status == status
        right = {"X-Telegram-Bot-Api-Secret-Token": secret}
        async with http.post(f"{process.url}/telegram/{address}", json={"update_id": 1, "newer_kind": {}}, headers=right) as answer:
            assert answer.status == 200
        async with http.post(f"{process.url}/telegram/{address}", json={"update_id": 2, "message": 5}, headers=right) as answer:
            assert answer.status == 200, "it would block its lane for a day"


async def test_a_worker_alone_delivers_and_answers_for_its_health(shop: Shop, goods: Goods, sandbox: Sandbox, buyer: Phone) -> None:
    customer = await owner_of(buyer, shop, goods.storefront, 9500)
    await buyer.says("/start")
    async with running(shop, goods.storefront, sandbox, with_bot=False) as process, aiohttp.ClientSession() as http:
        await shop.write(orders.buy, buyer_id=customer.id, quantity=1, once=f"w{next(numbers)}", **goods.terms())
        await buyer.waits_for(is_code)
        async with http.get(f"{process.url}/ready") as answer:
            assert answer.status == 200
            assert (await answer.json())["parts"] == {"database": True, "courier": True, "asker": True, "bot": True}
    assert len(sandbox.world.mailboxes[SHOP.username].waiting) == 1, "it takes no updates"


@on_sqlite
async def test_telegram_out_of_reach_is_waited_for(shop: Shop, goods: Goods, sandbox: Sandbox, buyer: Phone, free_port: int) -> None:
    await buyer.fault(offline=True)
    starting = running(shop, goods.storefront, sandbox, listen_port=free_port)
    entering = asyncio.create_task(starting.__aenter__())
    async with aiohttp.ClientSession() as http:

        async def lives() -> bool:
            try:
                async with http.get(f"http://127.0.0.1:{free_port}/health") as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

        await until(lives)
        async with http.get(f"http://127.0.0.1:{free_port}/ready") as answer:
            assert answer.status == 503
    await buyer.fault(offline=False)
    await entering
    await starting.__aexit__(None, None, None)


@on_sqlite
async def test_a_token_that_telegram_does_not_know_is_said_at_once(shop: Shop, goods: Goods, sandbox: Sandbox) -> None:
    with pytest.raises(WrongToken):
        async with running(shop, goods.storefront, sandbox, token="7000000009:AAnobody-knows-this-one"):
            pass


@on_sqlite
async def test_what_a_person_is_typing_is_remembered_by_every_process_and_apart_for_each_bot(
    shop: Shop, goods: Goods, sandbox: Sandbox, buyer: Phone, valkey: str
) -> None:
    async with running(shop, goods.storefront, sandbox, redis_url=valkey), Redis.from_url(valkey) as redis:
        await redis.flushdb()
        await buyer.says(f"/start sku-{goods.sku_id}")
        await buyer.presses("Other")

        async def remembered() -> bool:
            keys = [key async for key in redis.scan_iter("shop:fsm:*")]
            return bool(keys) and all(b"7000000001" in key for key in keys)

        await until(remembered)
    async with running(shop, goods.storefront, sandbox, redis_url=valkey), Redis.from_url(valkey) as redis:
        await buyer.says("3")
        screen = await buyer.waits_for(lambda message: "285.00" in str(message))
        assert find_button(screen, "Pay") is not None, "three of them are on the screen now"

        async def forgotten() -> bool:
            return not [key async for key in redis.scan_iter("shop:fsm:*:state")]

        await until(forgotten)
        await buyer.says("4")
        await buyer.says("/help")
        await buyer.waits_for(lambda message: message["from"]["is_bot"] and message["message_id"] > screen["message_id"])
        assert not any("380.00" in str(message) for message in await buyer.messages()), "what was asked is answered, and asked no more"


def test_pre_checkouts_have_a_lane_of_their_own() -> None:
    person = {"id": 5, "is_bot": False, "first_name": "A"}
    chat = {"id": 5, "type": "private"}
    message = Update.model_validate({"update_id": 1, "message": {"message_id": 1, "date": 1, "chat": chat, "from": person}})
    press = Update.model_validate({"update_id": 2, "callback_query": {"id": "1", "from": person, "chat_instance": "1", "data": "x"}})
    pay = Update.model_validate(
        {
            "update_id": 3,
            "pre_checkout_query": {"id": "1", "from": person, "currency": "XTR", "total_amount": 1, "invoice_payload": "1"},
        }
    )
    assert len({lane_of(message), lane_of(press), lane_of(pay)}) == 3


async def test_the_first_signal_asks_for_an_orderly_end_and_a_second_one_is_left_to_the_system() -> None:
    loop = asyncio.get_running_loop()
    stop = stop_on_signals()
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(stop.wait(), 5)
        assert not loop.remove_signal_handler(signal.SIGTERM), "it has been taken off already"
    finally:
        loop.remove_signal_handler(signal.SIGINT)
