"""The phones' door: people, chats, blocking, inline results, events, payments, and what outlives a restart."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from sandbox import DEFAULT_PHONES, BotSpec, Sandbox
from sandbox.phone import Phone, PhoneRefused
from tests.sandbox.conftest import HASTY, SHOP, TOKEN, Call, Json, Refused
from tests.sandbox.pictures import png

GO = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}, {"text": "Go on", "callback_data": "go-on"}]]}
INVOICE: Json = {
    "title": "T",
    "description": "D",
    "payload": "P",
    "currency": "XTR",
    "prices": [{"label": "Card", "amount": 100}],
}


async def test_five_people_have_phones_and_more_may_come(buyer: Phone) -> None:
    listed = await buyer.ask("GET", "/phones")
    assert [(phone["id"], phone["user"]["language_code"]) for phone in listed["phones"]] == [
        ("buyer", "zh-hans"),
        ("second", "en"),
        ("reseller", "ru"),
        ("supplier", "zh-hant"),
        ("admin", "zh-hans"),
    ]
    assert listed["bots"] == [
        {"id": 7000000001, "username": "card_shop_bot", "name": "Card Shop", "description": "", "short_description": ""}
    ]
    assert len({spec.user_id for spec in DEFAULT_PHONES}) == 5

    added = await buyer.ask(
        "POST", "/phones", json={"id": "third", "title": "Third", "first_name": "Ana", "language_code": "es", "stars": 9}
    )
    assert (added["stars"], added["user"]["language_code"]) == (9, "es")
    for wrong in (
        {"id": "third", "title": "x", "first_name": "y"},
        {"id": "a:b", "title": "x", "first_name": "y"},
        {"id": "fourth"},
    ):
        with pytest.raises(PhoneRefused):
            await buyer.ask("POST", "/phones", json=wrong)
    assert (await buyer.changes(stars=3, language_code="en"))["stars"] == 3
    with pytest.raises(PhoneRefused):
        await buyer.changes(stars=-1)
    async with Phone(buyer.base_url, "nobody") as nobody:
        with pytest.raises(PhoneRefused, match="404"):
            await nobody.messages()


async def test_commands_are_the_narrowest_in_the_persons_language(call: Call, buyer: Phone, second: Phone, met: int) -> None:
    async def names(phone: Phone) -> list[str]:
        return [command["description"] for command in (await phone.chat())["commands"]]

    async def tell(description: str, **where: object) -> None:
        await call("setMyCommands", commands=[{"command": "start", "description": description}], **where)

    await tell("default")
    assert await names(buyer) == ["default"]
    await tell("default zh", language_code="zh")
    assert (await names(buyer), await names(second)) == (["default zh"], ["default"])
    await tell("private", scope={"type": "all_private_chats"})
    assert await names(buyer) == ["private"]
    await tell("only here", scope={"type": "chat", "chat_id": met})
    assert (await names(buyer), await names(second)) == (["only here"], ["private"])
    await call("deleteMyCommands", scope={"type": "chat", "chat_id": met})
    assert await names(buyer) == ["private"]
    assert await call("getMyCommands", scope={"type": "chat", "chat_id": met}) == []
    await call(
        "setChatMenuButton",
        chat_id=met,
        menu_button={"type": "web_app", "text": "Shop", "web_app": {"url": "https://example.org/"}},
    )
    assert (await call("getChatMenuButton", chat_id=met))["text"] == "Shop"
    assert (await call("getChatMenuButton"))["type"] == "commands"


async def test_whole_labels_go_before_parts_and_links_to_the_bot_are_opened(call: Call, buyer: Phone, met: int) -> None:
    await call("sendMessage", chat_id=met, text="Cards", reply_markup=GO)
    await buyer.presses("Go on", wait_seconds=0)
    await buyer.presses("Go", wait_seconds=0)
    with pytest.raises(LookupError, match="'Go on'"):
        await buyer.presses((await buyer.screen(), "Stop"))
    link = {"inline_keyboard": [[{"text": "Buy again", "url": "https://t.me/card_shop_bot?start=again-7"}]]}
    await call("sendMessage", chat_id=met, text="Delivered", reply_markup=link)
    await buyer.presses("Buy")

    updates = await call("getUpdates")
    assert [update.get("callback_query", {}).get("data") for update in updates] == ["go-on", "go", None]
    assert updates[-1]["message"]["text"] == "/start again-7"


async def test_a_press_on_a_button_that_is_gone_is_refused(call: Call, buyer: Phone, met: int) -> None:
    await call("sendMessage", chat_id=met, text="Cards", reply_markup=GO)
    screen = await buyer.screen()
    await call("editMessageReplyMarkup", chat_id=met, message_id=screen["message_id"])
    with pytest.raises(PhoneRefused, match="409: The button is gone"):
        await buyer.presses((screen, "Go"))
    other = {"inline_keyboard": [[{"text": "Something else", "callback_data": "else"}]]}
    await call("editMessageReplyMarkup", chat_id=met, message_id=screen["message_id"], reply_markup=other)
    with pytest.raises(PhoneRefused, match="409: The button is gone"):
        await buyer.presses((screen, "Go"))
    assert await call("getUpdates") == []
    await call("deleteMessage", chat_id=met, message_id=screen["message_id"])
    with pytest.raises(PhoneRefused, match="409: The message is gone"):
        await buyer.presses((screen, "Go"))


async def test_blocking_is_told_and_start_unblocks(call: Call, buyer: Phone, met: int) -> None:
    await buyer.blocks()
    with pytest.raises(PhoneRefused, match="blocked"):
        await buyer.says("hello?")
    await buyer.says("/start")
    updates = await call("getUpdates")
    changes = [update["my_chat_member"]["new_chat_member"]["status"] for update in updates if "my_chat_member" in update]
    assert changes == ["kicked", "member"]
    assert updates[-1]["message"]["text"] == "/start"
    await buyer.clears()
    assert await buyer.messages() == []


async def test_a_payment_the_bot_refuses_or_forgets_moves_nothing(call: Call, buyer: Phone, met: int) -> None:
    await call("sendInvoice", chat_id=met, **INVOICE)
    paying = asyncio.create_task(buyer.pays())
    query = (await call("getUpdates", timeout=5))[0]["pre_checkout_query"]
    with pytest.raises(Refused, match="error_message"):
        await call("answerPreCheckoutQuery", pre_checkout_query_id=query["id"], ok=False)
    await call("answerPreCheckoutQuery", pre_checkout_query_id=query["id"], ok=False, error_message="Sold out")
    assert await paying == {"paid": False, "error": "Sold out"}

    forgotten = await buyer.pays()
    assert not forgotten["paid"]
    assert "BOT_PRECHECKOUT_TIMEOUT" in forgotten["error"]
    late = (await call("getUpdates"))[-1]["pre_checkout_query"]
    with pytest.raises(Refused, match="query is too old"):
        await call("answerPreCheckoutQuery", pre_checkout_query_id=late["id"], ok=True)

    await buyer.changes(stars=99)
    assert "Not enough Stars" in (await buyer.pays())["error"]
    assert await buyer.stars() == 99
    assert (await call("getStarTransactions"))["transactions"] == []


async def test_success_can_be_held_back_and_a_link_can_be_paid(call: Call, buyer: Phone, met: int) -> None:
    link = await call("createInvoiceLink", **INVOICE)
    pay = {"link": link, "skip_success": True}
    paying = asyncio.create_task(buyer.ask("POST", f"{buyer.here}/pay", json=pay))
    update = (await call("getUpdates", timeout=5))[0]
    await call("answerPreCheckoutQuery", pre_checkout_query_id=update["pre_checkout_query"]["id"], ok=True)
    charge = (await paying)["charge_id"]
    assert await call("getUpdates", offset=update["update_id"] + 1) == []
    assert (await call("getStarTransactions"))["transactions"][0]["id"] == charge

    await buyer.succeeds(charge)
    success = (await call("getUpdates"))[0]["message"]["successful_payment"]
    assert (success["telegram_payment_charge_id"], success["invoice_payload"]) == (charge, "P")
    with pytest.raises(PhoneRefused, match="409"):
        await buyer.succeeds(charge)


async def test_star_transactions_come_in_pages(call: Call, buyer: Phone, met: int) -> None:
    await call("sendInvoice", chat_id=met, **INVOICE)
    for _ in range(3):
        paying = asyncio.create_task(buyer.pays())
        update = (await call("getUpdates", offset=-1, timeout=5))[-1]
        while "pre_checkout_query" not in update:
            update = (await call("getUpdates", offset=update["update_id"] + 1, timeout=5))[-1]
        await call("answerPreCheckoutQuery", pre_checkout_query_id=update["pre_checkout_query"]["id"], ok=True)
        await paying
    everything = (await call("getStarTransactions"))["transactions"]
    pages = [(await call("getStarTransactions", offset=offset, limit=2))["transactions"] for offset in (0, 2, 4)]
    assert [len(page) for page in pages] == [2, 1, 0]
    assert pages[0] + pages[1] == everything


async def test_events_are_streamed_and_taken_up_again(call: Call, buyer: Phone, met: int, http: aiohttp.ClientSession) -> None:
    url = f"{buyer.base_url}/phones/buyer/events?bot=card_shop_bot"

    async def piece(stream: aiohttp.ClientResponse) -> tuple[str, Json]:
        async with asyncio.timeout(5):
            while not (line := await stream.content.readline()).startswith(b"id:"):
                pass
            return line.decode().removeprefix("id:").strip(), json.loads((await stream.content.readline()).removeprefix(b"data:"))

    async with http.get(url) as stream:
        assert stream.content_type == "text/event-stream"
        await stream.content.readline()
        sent = await call("sendMessage", chat_id=met, text="one")
        number, event = await piece(stream)
        assert event == {"kind": "message", "bot": "card_shop_bot", "message": sent}
    await call("sendChatAction", chat_id=met, action="typing")
    await call("deleteMessage", chat_id=met, message_id=sent["message_id"])
    await buyer.changes(stars=1)
    async with http.get(url, headers={"Last-Event-ID": number}) as stream:
        missed = [(await piece(stream))[1] for _ in range(3)]
    assert missed[0] == {"kind": "action", "bot": "card_shop_bot", "action": "typing"}
    assert missed[1] == {"kind": "delete", "bot": "card_shop_bot", "message_ids": [sent["message_id"]]}
    assert (missed[2]["kind"], missed[2]["phone"]["stars"]) == ("phone", 1)
    async with http.get(url, headers={"Last-Event-ID": "17"}) as stream:
        assert (await piece(stream))[1] == {"kind": "reload"}


async def test_a_file_is_only_for_those_who_were_shown_it(call: Call, buyer: Phone, second: Phone, met: int) -> None:
    picture = png()
    sent = await buyer.sends_file("page.html", picture, kind="photo")
    assert await buyer.download(sent) == picture
    with pytest.raises(PhoneRefused, match="404"):
        await second.download(sent)
    with pytest.raises(PhoneRefused, match="IMAGE_PROCESS_FAILED"):
        await buyer.sends_file("x.png", b"<script>", kind="photo")


async def test_calls_are_written_down_for_tests(call: Call, buyer: Phone, met: int) -> None:
    await call("sendMessage", chat_id=met, text="one")
    with pytest.raises(Refused):
        await call("sendMessage", chat_id=met)
    calls = (await buyer.ask("GET", "/calls?method=sendMessage"))["calls"]
    assert [(item["ok"], item["error_code"]) for item in calls] == [(True, None), (False, 400)]
    assert calls[0]["parameters"] == {"chat_id": met, "text": "one"}
    assert len((await buyer.ask("GET", "/calls?limit=1"))["calls"]) == 1


async def test_the_page_is_served_and_nothing_outside_of_it(buyer: Phone, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{buyer.base_url}/page/..%2fserver.py") as answer:
        assert answer.status == 404
    async with http.get(f"{buyer.base_url}/page/no-such-file.js") as answer:
        assert answer.status == 404


async def test_a_bot_may_come_while_the_sandbox_runs(sandbox: Sandbox, call: Call) -> None:
    sandbox.add_bot(BotSpec("7000000002:white-label", "second_shop_bot", "Second Shop"))
    async with Phone(sandbox.url, "buyer", "second_shop_bot") as phone:
        await phone.says("/start")
        assert (await phone.person())["bots"] == ["card_shop_bot", "second_shop_bot"]
    assert (await call("getMe", token="7000000002:white-label"))["username"] == "second_shop_bot"
    assert len(await call("getUpdates", token="7000000002:white-label")) == 1
    assert await call("getUpdates") == []


async def test_everything_outlives_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    first = Sandbox(file, [SHOP], patience=HASTY)
    await first.start()
    async with Phone(first.url) as phone, aiohttp.ClientSession() as http:
        await phone.says("/start")
        sent = await phone.sends_file("codes.txt", b"AAAA\n")
        await http.post(f"{first.url}/bot{TOKEN}/sendInvoice", json={"chat_id": 5_100_000_001, **INVOICE})
        await http.post(f"{first.url}/bot{TOKEN}/setMyCommands", json={"commands": [{"command": "start", "description": "Begin"}]})
        await phone.changes(stars=777)
        before = await phone.chat()
    await first.stop()

    second = Sandbox(file, [SHOP], patience=HASTY)
    await second.start()
    try:
        async with Phone(second.url) as phone, aiohttp.ClientSession() as http:
            after = await phone.chat()
            assert {**after, "link": None} == {**before, "link": None}
            assert await phone.download(sent) == b"AAAA\n"
            assert await phone.stars() == 777
            address = f"{second.url}/bot{TOKEN}/getUpdates"
            async with http.get(address) as answer:
                updates = (await answer.json())["result"]
            assert [update["message"]["message_id"] for update in updates] == [1, 2]
            paying = asyncio.create_task(phone.pays())
            async with http.get(address, params={"offset": updates[-1]["update_id"] + 1, "timeout": 5}) as answer:
                fresh = (await answer.json())["result"]
            approve = {"pre_checkout_query_id": fresh[0]["pre_checkout_query"]["id"], "ok": True}
            await http.post(f"{second.url}/bot{TOKEN}/answerPreCheckoutQuery", json=approve)
            assert (await paying)["paid"]
            assert (await phone.says("next"))["message_id"] == 5
    finally:
        await second.stop()


async def test_a_port_that_is_taken_is_an_error_and_nothing_is_left_open(sandbox: Sandbox, tmp_path: Path) -> None:
    other = Sandbox(tmp_path / "state.db")
    with pytest.raises(OSError, match="address already in use"):
        await other.start(int(sandbox.url.rpartition(":")[2]))
    await other.start()
    await other.stop()


async def test_inline_results_with_a_mistake_are_refused_to_the_bot(call: Call, buyer: Phone) -> None:
    asking = asyncio.create_task(buyer.inline("x"))
    query = (await call("getUpdates", timeout=5))[0]["inline_query"]
    good = {"type": "article", "id": "1", "title": "T", "input_message_content": {"message_text": "x"}}
    bad = {**good, "input_message_content": {"message_text": "<b>x", "parse_mode": "HTML"}}
    for results, complaint in (
        ([good, good], "RESULT_ID_DUPLICATE"),
        ([bad], "can't parse entities"),
        ([good] * 51, "RESULTS_TOO_MUCH"),
    ):
        with pytest.raises(Refused, match=complaint):
            await call("answerInlineQuery", inline_query_id=query["id"], results=results)
    assert await asking == []
    with pytest.raises(PhoneRefused, match="no such result"):
        await buyer.sends_inline("1", "second")
