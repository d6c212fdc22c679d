"""Kinds of products, told from the phones: a top-up done by hand, a place in a group, a file with its licence, work in two steps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

import pytest

from bot.checking_accounts import AccountChecks
from bot.doing import Doing
from core import catalog, fulfilment, ledger, orders, people, supply
from core.database import Shop
from core.orders import OrderState
from core.ports import AccountChecked
from core.storefronts import Storefront
from sandbox.phone import PhoneRefused, labels
from tests.core.props import assert_sound
from tests.handlers.counter import Buyer, Counter, opened
from tests.speaking import speaking
from tests.stage import Clock, Goods, put_on_sale

# What is in the chat does not depend on the database; what the core does is tested on both in tests/core.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running
    await assert_sound(shop)


async def made_on_order(counter: Counter, kind: str, terms: Mapping[str, Any], name: str = "Thing", price_minor: int = 5000) -> Goods:
    """A product of a kind that the shop makes itself."""
    goods = await put_on_sale(counter.shop, counter.storefront, name=name, denomination=f"{name} 1", count=0, price_minor=price_minor)
    await counter.shop.write(fulfilment.set_kind, goods.product_id, kind_name=kind, terms=terms, by="test")
    await counter.shop.write(supply.declare, offer_id=goods.offer_id, quantity=supply.AS_MANY_AS_ONE_LIKES)
    return goods


async def hired(counter: Counter) -> Buyer:
    admin = await counter.buyer("admin")
    await counter.shop.write(
        people.set_admins_from_settings, storefront_id=counter.storefront.id, telegram_ids=[admin.customer.telegram_id]
    )
    await admin.say("/start")
    return admin


async def works(counter: Counter) -> None:
    """What the timed jobs would do by now."""
    doing = Doing(counter.shop, counter.bot)
    for job in doing.jobs():
        await job.run()
    counter.courier.wake()


async def balance(buyer: Buyer, counter: Counter) -> int:
    return await counter.shop.read(ledger.balance, buyer.customer.wallet_id)


async def last_order(counter: Counter, buyer: Buyer) -> orders.OrderDetail:
    (newest, *_) = await counter.shop.read(orders.history, buyer_id=buyer.customer.id)
    found = await counter.shop.read(orders.detail, order_id=newest.order_id)
    assert found is not None
    return found


TOPUP = {
    "fields": [
        {"name": "account", "title": "Mobile number", "pattern": "phone-cn"},
        {"name": "region", "title": "Region", "choices": ["CN", "HK"]},
    ]
}


async def test_a_top_up_is_asked_for_bought_and_done_by_the_first_hand_that_takes_it(counter: Counter) -> None:
    goods = await made_on_order(counter, "topup", TOPUP, "Diamonds")
    admin, buyer = await hired(counter), await counter.buyer("second", money_minor=20_000)
    await buyer.say(f"/start sku-{goods.sku_id}")

    await buyer.press("✏️ Begin")
    wrong = await buyer.say("12")
    assert "does not look right" in wrong["text"] and "13812345678" in wrong["text"]
    assert await balance(buyer, counter) == 20_000
    await buyer.say("+86 138-1234-5678")
    await buyer.press("HK")
    summary = await buyer.sees("Is that correct?")
    assert "13812345678" in summary["text"] and "HK" in summary["text"]
    await buyer.press("✅ Yes")
    screen = await buyer.sees("For: ")
    assert "138****5678" in screen["text"] and "13812345678" not in screen["text"]
    await buyer.press("Pay ¥50.00")
    await buyer.sees("✅ Paid ¥50.00")
    assert (await last_order(counter, buyer)).card.state is OrderState.FULFILLING

    await works(counter)
    card = await admin.sees("To be done")
    assert "13812345678" not in card["text"]
    await admin.press("🖐 I take it")
    await admin.press("👁 Show what the buyer said")
    assert "13812345678" in (await admin.sees("Mobile number"))["text"]
    await admin.press("✅ Done")
    done = await admin.say("100 diamonds, receipt 8812")
    assert "The buyer has it." in done["text"]
    parcel = await buyer.sees("receipt 8812")
    assert (await last_order(counter, buyer)).card.state is OrderState.ISSUED
    assert parcel["text"]

    # Outdated: the card that was told first still has its button, and it does nothing.
    await admin.press("🛠 All tasks")
    again = await counter.press_forged(admin, f"tk:{_base36(1)}:d:0:0")
    assert again is not None
    # The next time the account is offered again, and can be forgotten.
    await buyer.say(f"/start sku-{goods.sku_id}")
    assert any(label.startswith("Again for 138****5678") for label in await buyer.buttons())
    await buyer.say("/language")
    await buyer.press("🌍 My country")
    await buyer.press("🗑 Forget")
    await buyer.sees("Forgotten.")
    await buyer.say(f"/start sku-{goods.sku_id}")
    assert not any(label.startswith("Again for") for label in await buyer.buttons())


def _base36(number: int) -> str:
    from handlers.callbacks import shortened

    return shortened(number)


async def test_a_task_that_cannot_be_done_gives_the_money_back(counter: Counter) -> None:
    goods = await made_on_order(counter, "topup", {}, "Points")
    admin, buyer = await hired(counter), await counter.buyer("second", money_minor=5000)
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("✏️ Begin")
    await buyer.say("player_1")
    await buyer.press("✅ Yes")
    await buyer.press("Pay ¥50.00")
    await buyer.sees("✅ Paid ¥50.00")
    await works(counter)
    await admin.sees("To be done")
    await admin.press("✖️ Cannot be done")
    await admin.press("The account does not exist")
    await admin.sees("Noted.")

    assert await balance(buyer, counter) == 5000
    assert (await last_order(counter, buyer)).card.state is OrderState.CANCELLED


@pytest.mark.parametrize(
    ("answer", "said", "pays"),
    [
        (AccountChecked(True, "S***n"), "The account was found: S***n", "✅ Yes"),
        (AccountChecked(False, "", "unknown"), "There is no such account", None),
        (None, "could not be checked", "Go on all the same"),
    ],
)
async def test_the_source_is_asked_about_the_account_before_it_is_paid_for(
    counter: Counter, answer: AccountChecked | None, said: str, pays: str | None
) -> None:
    goods = await made_on_order(counter, "topup", {**TOPUP, "validate": True}, "Diamonds")
    seen: list[Mapping[str, str]] = []

    async def check(sku_id: int, fields: Mapping[str, str]) -> AccountChecked | None:
        seen.append(fields)
        return answer

    checks = AccountChecks({"staff": check})
    counter.dispatcher["check_account"] = partial(checks.begin, voices=speaking(counter.bot), shop=counter.shop)
    buyer = await counter.buyer("second", money_minor=5000)
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("✏️ Begin")
    await buyer.say("13812345678")
    await buyer.press("CN")
    await buyer.sees("Is that correct?")
    await buyer.press("✅ Yes")
    await buyer.sees(said)
    assert seen == [{"account": "13812345678", "region": "CN"}]
    if pays is not None:
        await buyer.press(pays)
        await buyer.press("Pay ¥50.00")
        await buyer.sees("✅ Paid ¥50.00")


async def test_a_country_is_asked_once_and_a_rule_says_no_before_anything_is_paid(counter: Counter) -> None:
    goods = await put_on_sale(counter.shop, counter.storefront, name="Card", denomination="Card 10")
    await counter.shop.write(fulfilment.set_term, goods.product_id, name="countries", value={"never": ["US"]}, by="test")
    buyer = await counter.buyer("second", money_minor=20_000)
    await buyer.say(f"/start sku-{goods.sku_id}")
    assert not any(label.startswith("Pay") for label in await buyer.buttons())

    await buyer.press("🇺🇸")
    refused = await buyer.sees("cannot be sold to buyers in")
    assert not any(label.startswith("Pay") for label in labels(refused))
    await buyer.press("🌍 Change my country")
    await buyer.press("🌍 Change my country")
    assert "no country I know" in (await buyer.say("Atlantis"))["text"]
    await buyer.say("pl")
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("Pay")
    await buyer.sees("TEST-")


async def test_where_it_is_redeemed_is_confirmed_by_a_buyer_who_is_elsewhere(counter: Counter) -> None:
    goods = await put_on_sale(counter.shop, counter.storefront, name="Card", denomination="Card 10")
    await counter.shop.write(catalog.change_sku, goods.sku_id, redeem_region="TR")
    buyer = await counter.buyer("second", money_minor=20_000)
    await counter.shop.write(people.choose_country, customer_id=buyer.customer.id, country="CN")
    await buyer.say(f"/start sku-{goods.sku_id}")
    assert not any(label.startswith("Pay") for label in await buyer.buttons())
    await buyer.press("Yes, I can use it there")
    await buyer.press("Pay")
    await buyer.sees("TEST-")


async def test_a_place_in_a_group_is_bought_joined_and_over(counter: Counter, clock: Clock) -> None:
    admin, buyer = await hired(counter), await counter.buyer("second", money_minor=20_000)
    goods = await made_on_order(counter, "membership", {"days": 30}, "Club")
    room = await admin.phone.opens_room("The club")
    await admin.phone.makes_admin(room)
    await admin.sees("I am an admin of “The club” now.")
    await admin.press("Club")
    await admin.sees("Buyers get links into this chat.")

    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("Pay")
    await buyer.sees("✅ Paid")
    await works(counter)
    parcel = await buyer.phone.waits_for(lambda m: any(label.startswith("🚪") for label in labels(m)))
    link = next(b["url"] for row in parcel["reply_markup"]["inline_keyboard"] for b in row if b["text"].startswith("🚪"))
    await buyer.phone.joins(link)
    await buyer.sees("You have joined.")
    assert await buyer.phone.status_in(room) == "member"
    stranger = await counter.buyer("reseller")
    with pytest.raises(PhoneRefused, match="expired"):
        await stranger.phone.joins(link)

    # Bought again while inside: the time is added, nobody is shown out.
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("Pay")
    await works(counter)
    await buyer.sees("renewed")
    clock.passes(days=31)
    await works(counter)
    assert await buyer.phone.status_in(room) == "member"
    clock.passes(days=31)
    await works(counter)
    await buyer.sees("Your membership is over.")
    assert await buyer.phone.status_in(room) == "left"


async def test_a_link_that_somebody_else_used_is_told(counter: Counter) -> None:
    admin, buyer = await hired(counter), await counter.buyer("second", money_minor=20_000)
    room = await admin.phone.opens_room("The channel", "channel")
    await admin.phone.makes_admin(room)
    goods = await made_on_order(counter, "membership", {"days": 0, "chat_id": room, "chat_title": "The channel"}, "Club")
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("Pay")
    await works(counter)
    parcel = await buyer.phone.waits_for(lambda m: any(label.startswith("🚪") for label in labels(m)))
    link = next(b["url"] for row in parcel["reply_markup"]["inline_keyboard"] for b in row if b["text"].startswith("🚪"))
    stranger = await counter.buyer("reseller")
    await stranger.phone.joins(link)
    await buyer.sees("used by somebody else")


async def test_a_file_arrives_with_a_licence_number_and_the_order_written_into_it(counter: Counter) -> None:
    admin, buyer = await hired(counter), await counter.buyer("second", money_minor=20_000)
    goods = await made_on_order(counter, "file", {"watermark": True, "licence": "For one person."}, "Book")
    await admin.say("/admin")
    await counter.press_forged(admin, f"adm:ask:{_base36(goods.product_id)}:0:kind.file")
    await admin.sees("Send the file into this chat")
    await admin.phone.sends_file("book.txt", b"Chapter one.\n")
    await admin.sees("Every buyer gets a copy")

    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("Pay")
    await works(counter)
    copy = await buyer.phone.waits_for(lambda m: "document" in m)
    body = (await buyer.phone.download(copy)).decode()
    number = (await last_order(counter, buyer)).card.number
    assert "Chapter one." in body and number in body and "For one person." in copy["caption"]
    licence = next(word for word in body.split() if word.startswith("L") and "-" in word)
    assert licence in copy["document"]["file_name"] and licence in (await buyer.sees(licence))["text"]


async def test_work_in_two_steps_is_quoted_paid_delivered_and_accepted(counter: Counter, clock: Clock) -> None:
    admin, buyer = await hired(counter), await counter.buyer("second", money_minor=100_000)
    goods = await made_on_order(counter, "service", {"brief": "Which colours?", "accept_days": 3}, "Logo")
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("📝 Say what you need")
    await buyer.say("A fox, red on white, until Friday.")
    await buyer.sees("Sent. You will get a quote here.")

    await admin.sees("A fox, red on white")
    await admin.press("💬 Quote it")
    assert "For example" in (await admin.say("a hundred or so"))["text"]
    await admin.say("Deposit and sketch; 100; 3\nFinished logo; 200; 7")
    await buyer.sees("Here is your quote")
    await buyer.press("🤝 Accept the quote")
    await buyer.press("Pay ¥100.00")
    await buyer.sees("✅ Paid ¥100.00")
    await works(counter)
    card = await admin.sees("Step 1: Deposit and sketch")
    await admin.press("🖐 I take it")
    await admin.press("✅ Done")
    await admin.say("files.example/sketch")
    await buyer.sees("files.example/sketch")
    first = await last_order(counter, buyer)
    assert first.card.state is OrderState.FULFILLING and card["text"]
    await buyer.press("✅ Accept step 1")
    await buyer.sees("Accepted. Thank you!")
    assert (await last_order(counter, buyer)).card.state is OrderState.ISSUED

    await buyer.press("Pay step 2")
    await buyer.press("Pay ¥200.00")
    await buyer.sees("✅ Paid ¥200.00")
    await works(counter)
    await admin.sees("Step 2: Finished logo")
    await admin.press("🖐 I take it")
    await admin.press("✅ Done")
    await admin.say("files.example/logo")
    await buyer.sees("files.example/logo")
    clock.passes(days=4)
    await works(counter)
    await buyer.sees("All steps are accepted")
    assert (await last_order(counter, buyer)).card.state is OrderState.ISSUED
    assert await balance(buyer, counter) == 70_000


async def agreed(counter: Counter, admin: Buyer, buyer: Buyer) -> fulfilment.JobView:
    """Work in one step of 100.00 and a day, quoted, accepted and paid; its card is with the staff."""
    goods = await made_on_order(counter, "service", {}, "Logo")
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("📝 Say what you need")
    await buyer.say("A fox.")
    await admin.sees("A fox.")
    await admin.press("💬 Quote it")
    await admin.say("All of it; 100; 1")
    await buyer.sees("Here is your quote")
    await buyer.press("🤝 Accept the quote")
    await buyer.press("Pay ¥100.00")
    await buyer.sees("✅ Paid ¥100.00")
    await works(counter)
    await admin.sees("Step 1: All of it")
    return (await counter.shop.read(fulfilment.jobs_of, customer_id=buyer.customer.id))[0]


async def test_a_paid_step_is_called_off_and_given_back_only_when_it_is_late(counter: Counter, clock: Clock) -> None:
    admin, buyer = await hired(counter), await counter.buyer("second", money_minor=10_000)
    job = await agreed(counter, admin, buyer)
    with pytest.raises(fulfilment.NotYetLate):
        await counter.shop.write(fulfilment.call_off, job_id=job.id, customer_id=buyer.customer.id, by="buyer")
    assert await balance(buyer, counter) == 0

    clock.passes(days=2)
    await counter.press_forged(buyer, f"sv:{_base36(job.id)}:O:0")
    await buyer.sees("Called off.")
    assert await balance(buyer, counter) == 10_000


async def test_a_dispute_about_delivered_work_opens_a_case_about_its_order(counter: Counter) -> None:
    admin, buyer = await hired(counter), await counter.buyer("second", money_minor=10_000)
    await agreed(counter, admin, buyer)
    await admin.press("🖐 I take it")
    await admin.press("✅ Done")
    await admin.say("files.example/nothing")
    await buyer.sees("files.example/nothing")
    await buyer.press("⚠️ Something is wrong with it")
    await buyer.sees("What is wrong with step 1?")
    assert (await last_order(counter, buyer)).card.state is OrderState.FULFILLING, "who stops here has lost nothing"
    await buyer.say("There is nothing in it.")
    await buyer.sees("it is case")

    assert (await last_order(counter, buyer)).card.state is OrderState.ISSUED


async def test_codes_that_are_typed_for_a_task_do_not_stay_in_the_chat(counter: Counter) -> None:
    admin, buyer = await hired(counter), await counter.buyer("second", money_minor=10_000)
    goods = await made_on_order(counter, "code", {}, "Card")
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("Pay ¥50.00")
    await buyer.sees("✅ Paid ¥50.00")
    await works(counter)
    await admin.sees("To be done: Card")
    await admin.press("🖐 I take it")
    await admin.press("✅ Done")
    await admin.say("CARD-7731-SECRET")
    await buyer.sees("CARD-7731-SECRET")
    assert [call["ok"] for call in counter.sandbox.world.calls if call["method"] == "deleteMessage"] == [True]
