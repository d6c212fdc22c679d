"""Updates carried to a webhook: secret, lanes, repetition, and answers that are method calls."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from sandbox.phone import Phone
from tests.sandbox.conftest import Call, Json, Refused

Answer = Callable[[Json], Awaitable[web.StreamResponse]]


class Hook:
    """A bot's web server that writes down what arrives and answers as it is told."""

    def __init__(self) -> None:
        self.updates: list[Json] = []
        self.secrets: list[str | None] = []
        self.news = asyncio.Condition()
        self.answer: Answer = self.fine
        self.url = ""

    async def fine(self, update: Json) -> web.StreamResponse:
        return web.Response()

    async def take(self, request: web.Request) -> web.StreamResponse:
        update = await request.json()
        async with self.news:
            self.updates.append(update)
            self.secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
            self.news.notify_all()
        return await self.answer(update)

    async def has(self, wanted: Callable[[], bool]) -> None:
        async with self.news, asyncio.timeout(5):
            await self.news.wait_for(wanted)

    def texts(self) -> list[str]:
        return [update["message"]["text"] for update in self.updates if "message" in update]


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    hook = Hook()
    app = web.Application()
    app.router.add_post("/hook", hook.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield hook
    await runner.cleanup()


async def nothing_pending(call: Call) -> None:
    async with asyncio.timeout(5):
        while (await call("getWebhookInfo"))["pending_update_count"]:  # noqa: ASYNC110  # Only the Bot API's own door is used here.
            await asyncio.sleep(0.01)


async def test_updates_arrive_with_the_secret_also_those_from_before(call: Call, buyer: Phone, hook: Hook) -> None:
    await buyer.says("before")
    await call("setWebhook", url=hook.url, secret_token="s3cret_-", max_connections=3)
    await buyer.says("after")

    await hook.has(lambda: len(hook.updates) == 2)
    assert hook.texts() == ["before", "after"]
    assert hook.secrets == ["s3cret_-", "s3cret_-"]
    await nothing_pending(call)
    info = await call("getWebhookInfo")
    assert (info["url"], info["max_connections"]) == (hook.url, 3)


async def test_a_refused_update_comes_again_before_the_next_of_its_chat(call: Call, buyer: Phone, second: Phone, hook: Hook) -> None:
    refusals = iter([500, 503, 404])

    async def grudging(update: Json) -> web.StreamResponse:
        if update.get("message", {}).get("text") == "stuck":
            return web.Response(status=next(refusals, 200))
        return web.Response()

    hook.answer = grudging
    await call("setWebhook", url=hook.url)
    await buyer.says("stuck")
    await buyer.says("behind")
    await second.says("another chat")

    await hook.has(lambda: "behind" in hook.texts() and "another chat" in hook.texts())
    assert [text for text in hook.texts() if text != "another chat"] == ["stuck"] * 4 + ["behind"]
    # The other chat did not wait for the repetitions.
    assert hook.texts().index("another chat") < hook.texts().index("behind")
    info = await call("getWebhookInfo")
    assert info["last_error_message"] == "Wrong response from the webhook: 404 Not Found"


async def test_a_press_does_not_wait_for_a_message_of_the_same_person(call: Call, buyer: Phone, hook: Hook, met: int) -> None:
    await call("sendMessage", chat_id=met, text="Cards", reply_markup={"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]})
    gate = asyncio.Event()

    async def slow_with_messages(update: Json) -> web.StreamResponse:
        if "message" in update:
            await gate.wait()
        return web.Response()

    hook.answer = slow_with_messages
    await call("setWebhook", url=hook.url)
    await buyer.says("slow")
    await buyer.says("waits for slow")
    await buyer.presses("Go", wait_seconds=0)
    await buyer.presses("Go", wait_seconds=0)

    await hook.has(lambda: sum("callback_query" in update for update in hook.updates) == 2)
    assert hook.texts() == ["slow"]
    gate.set()
    await hook.has(lambda: hook.texts() == ["slow", "waits for slow"])


@pytest.mark.parametrize("form", ["json", "multipart"])
async def test_the_answer_of_a_webhook_is_carried_out_as_a_call(call: Call, buyer: Phone, hook: Hook, form: str) -> None:
    async def replying(update: Json) -> web.StreamResponse:
        reply = {
            "method": "sendMessage",
            "chat_id": str(update["message"]["chat"]["id"]),
            "text": "<b>Hi</b>",
            "parse_mode": "HTML",
        }
        if form == "json":
            return web.json_response(reply)
        writer = aiohttp.MultipartWriter("form-data")
        for name, value in reply.items():
            writer.append(value).set_content_disposition("form-data", name=name)
        return web.Response(body=writer)

    hook.answer = replying
    await call("setWebhook", url=hook.url)
    await buyer.says("/start")

    message = await buyer.waits_for(lambda shown: shown.get("text") == "Hi")
    assert message["entities"] == [{"type": "bold", "offset": 0, "length": 2}]


async def test_a_removed_webhook_leaves_the_updates_to_polling(call: Call, buyer: Phone, hook: Hook) -> None:
    async def broken(update: Json) -> web.StreamResponse:
        return web.Response(status=500)

    hook.answer = broken
    await call("setWebhook", url=hook.url)
    await buyer.says("keep me")
    await hook.has(lambda: len(hook.updates) >= 2)
    await call("deleteWebhook")

    assert [update["message"]["text"] for update in await call("getUpdates")] == ["keep me"]


async def test_duplicates_arrive_twice_with_the_same_number(call: Call, buyer: Phone, hook: Hook) -> None:
    await call("setWebhook", url=hook.url)
    await buyer.fault(duplicate_updates=True)
    await buyer.says("again")

    await hook.has(lambda: len(hook.updates) == 2)
    assert hook.updates[0] == hook.updates[1]


@pytest.mark.parametrize("wrong", [{"url": "ftp://x"}, {"secret_token": "no spaces"}, {"max_connections": 101}])
async def test_a_webhook_that_makes_no_sense_is_refused(call: Call, hook: Hook, wrong: Json) -> None:
    with pytest.raises(Refused, match="400 Bad Request"):
        await call("setWebhook", **{"url": hook.url, **wrong})
