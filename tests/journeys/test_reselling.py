"""Becoming a reseller and buying as one: told from the phones of the applicant and of the staff."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core import audit, payments, people, resellers
from core.database import Shop
from core.resellers import How, Scope
from core.storefronts import Storefront
from handlers.admin.reseller_cards import ReviewReseller
from sandbox.phone import labels
from tests.handlers.counter import Buyer, Counter, opened
from tests.reselling import add_level, work_in
from tests.stage import Goods, give


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running
    report = await shop.read(audit.audit, sample=3)
    assert report.clean, report.violations


async def staff_of(counter: Counter) -> Buyer:
    admin = await counter.buyer("admin")
    await counter.shop.write(
        people.set_admins_from_settings, storefront_id=counter.storefront.id, telegram_ids=[admin.customer.telegram_id]
    )
    await admin.say("/admin")
    return admin


async def applies(ann: Buyer) -> None:
    await ann.say("/reseller")
    await ann.press("📝 Apply")
    await ann.sees("company or as a person")
    await ann.press("Company")
    await ann.sees("the name of your shop")
    assert "How do we reach you" in (await ann.say("Blue <Sky> & Co"))["text"]
    assert "is not a contact" in (await ann.say("over there"))["text"]
    assert "What do you sell, and where" in (await ann.say("@bluesky"))["text"]


async def test_applied_approved_by_one_press_and_bought_at_the_levels_price(counter: Counter, goods: Goods) -> None:
    shop, storefront = counter.shop, counter.storefront
    admin, ann = await staff_of(counter), await counter.buyer()
    silver = await add_level(shop, storefront, rank=1, from_turnover_minor=100_000)
    await add_level(shop, storefront, rank=2, from_turnover_minor=1_000_000)
    await shop.write(
        resellers.set_rule, level_id=silver.id, storefront_id=storefront.id, scope=Scope.ALL, scope_id=0, from_quantity=1,
        how=How.OFF_RETAIL, value=1000, by="telegram:1",
    )  # fmt: skip
    await work_in(shop, storefront)

    await applies(ann)
    assert "Answered: 3 of 5" in (await ann.say("/reseller"))["text"], "a draft is kept"
    await ann.press("▶️ Continue")
    await ann.sees("What do you sell, and where")
    await ann.say("Steam cards on bluesky.example")
    await ann.say("2,000 cards a month")
    screen = await ann.sees("Is everything right?")
    assert "Blue <Sky> & Co" in screen["text"] and "Expected volume: 2,000 cards a month" in screen["text"]
    await ann.press("📨 Send it")
    assert "is with the shop since" in (await ann.sees("📨 Sent. Thank you!"))["text"]

    card = await admin.sees("Application 1: reseller")
    assert "✅ Nothing was noticed." in card["text"] and "✅ Approve as Level 1" in labels(card)
    await counter.press_forged(ann, ReviewReseller(act="yes", id=1, version=1, arg=str(silver.id)).pack())
    assert not (await shop.read(people.by_id, ann.customer.id)).wholesale, "the applicant's own press does nothing"
    await counter.press_forged(admin, ReviewReseller(act="yes", id=1, version=9, arg=str(silver.id)).pack())
    assert not (await shop.read(people.by_id, ann.customer.id)).wholesale, "a card that never was does nothing"
    await admin.phone.presses((card, "✅ Approve as Level 1"))
    await ann.sees("🎉 Welcome! You are a reseller of this shop now.")
    await counter.press_forged(admin, ReviewReseller(act="no", id=1, version=1, arg="not-now").pack())
    assert (await shop.read(people.by_id, ann.customer.id)).level_id == silver.id, "a second word changes nothing"

    home = await ann.say("/reseller")
    assert "Your level: Level 1" in home["text"] and "To Level 2: ¥10,000.00 more" in home["text"]
    await ann.press("🏷 My prices")
    assert "¥85.50" in (await ann.sees("🏷 My prices"))["text"]
    await give(shop, ann.customer, 20_000)
    await ann.say("/start sku-" + str(goods.sku_id))
    await ann.press("Pay")
    await ann.sees("Your code")
    assert (await shop.read(payments.wallet, ann.customer.id)).balance_minor == 20_000 - 8550


async def test_an_application_is_sent_back_with_a_sentence_and_can_be_withdrawn(counter: Counter) -> None:
    admin, ann = await staff_of(counter), await counter.buyer()
    await applies(ann)
    await ann.say("Cards")
    assert "Please type a text" not in (await ann.say("A few"))["text"]
    await ann.press("📨 Send it")
    await ann.sees("📨 Sent. Thank you!")
    card = await admin.sees("Application 1: reseller")
    await admin.phone.presses((card, "↩️ Send back"))
    reasons = await admin.sees("Why is application 1 sent back?")
    await admin.phone.presses((reasons, "1"))
    await ann.sees("Please say more exactly what you sell")
    await ann.press("✏️ Change it")
    await ann.sees("Please change something and send it again")
    await ann.press("↩️ Withdraw")
    await ann.sees("Withdraw your application?")
    await ann.press("↩️ Yes, withdraw it")
    await ann.sees("Your application 1 is withdrawn.")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_typed_reason_reaches_the_applicant_and_one_that_comes_too_late_ends_the_question(counter: Counter) -> None:
    admin, ann = await staff_of(counter), await counter.buyer()
    await applies(ann)
    await ann.say("Cards of Steam")
    await ann.say("A few")
    await ann.press("📨 Send it")
    card = await admin.sees("Application 1: reseller")
    await admin.phone.presses((card, "↩️ Send back"))
    await admin.phone.presses((await admin.sees("Why is application 1 sent back?"), "✍️ Another reason"))
    await admin.sees("Type what the applicant should change in application 1.")
    assert "Sent back. The applicant is told." in (await admin.say("Which <regions>, please?"))["text"]
    assert "Which <regions>, please?" in (await ann.sees("Please change something and send it again"))["text"]

    await ann.press("✏️ Change it")
    await ann.press("📋 Look it over")
    await ann.press("📨 Send it")
    await ann.sees("📨 Sent. Thank you!")
    newer = await admin.phone.waits_for(lambda m: "Application 1: reseller" in m["text"] and m["message_id"] > card["message_id"])
    await admin.phone.presses((newer, "🚫 Refuse"))
    await admin.phone.presses((await admin.sees("Why is application 1 refused?"), "✍️ Another reason"))
    await admin.sees("Type why application 1 is refused.")
    await ann.press("↩️ Withdraw")
    await ann.press("↩️ Yes, withdraw it")
    await ann.sees("Your application 1 is withdrawn.")
    late = await admin.say("No shop of yours can be seen.")
    assert "📋 Applications" in labels(late) and "Type why" not in late["text"]
    await admin.press("📋 Applications")
    await admin.sees("No application waits.")
    assert "Refused" not in (await admin.say("And again."))["text"], "the question is over"
