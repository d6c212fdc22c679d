"""What is found by itself about an application, read on the card in the chat of the staff."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import Any

import pytest

from core import blacklist, onboarding, outbox, people, standing
from core.database import Shop
from core.onboarding import CheckKind, Kind, PaperKind, Verdict
from core.people import Customer
from core.storefronts import Storefront
from handlers.admin.application_card import CHECKS, card_drawn
from locales import Speech
from tests.core.joining import applies, decides, in_days, joins, staff
from tests.core.props import assert_sound
from tests.handlers.counter import opened
from tests.handlers.telegram_rules import visible
from tests.stage import Clock, person

LETTER: dict[str, Any] = {"kind": Kind.AUTHORISED, "papers": [PaperKind.AUTHORISATION, PaperKind.IDENTITY]}
_messages = count(1)


@pytest.fixture(autouse=True)
async def sound(shop: Shop) -> AsyncIterator[None]:
    yield
    await assert_sound(shop, sample=3)


@dataclass
class Desk:
    """The shop with one of the staff, who reads the cards in a chat and has approved earlier ones."""

    shop: Shop
    storefront: Storefront
    admin: Customer

    async def somebody(self) -> Customer:
        return await person(self.shop, self.storefront)

    async def supplier(self, **facts: Any) -> int:
        """Somebody who has joined; the supplier's id."""
        return await joins(self.shop, self.storefront, await self.somebody(), self.admin, **facts)

    async def suspended(self, **facts: Any) -> int:
        made = await self.supplier(**facts)
        await self.shop.write(standing.suspend, supplier_id=made, reason="sold used codes", by="test")
        return made

    async def refused(self, **facts: Any) -> int:
        """An application of somebody who was refused; its id."""
        made = await applies(self.shop, await self.somebody(), **facts)
        await decides(self.shop, self.admin, made, Verdict.REFUSE, why="not-you")
        return made

    async def card(self, customer: Customer | None = None, **facts: Any) -> dict[CheckKind, str]:
        """Somebody applies: what the new card in the admin's chat says of each check."""
        made = await applies(self.shop, customer or await self.somebody(), **facts)
        return await self.read(made)

    async def read(self, application_id: int) -> dict[CheckKind, str]:
        number = 1
        while (card := await self.shop.read(onboarding.card, number)) is None or card.application_id != application_id:
            number += 1
        assert card.chat_id == self.admin.telegram_id
        text, _ = await card_drawn(self.shop, card, Speech("en"))
        found: dict[CheckKind, str] = {}
        for line in visible(text).splitlines():
            found |= {what: line for what, label in CHECKS.items() if line[1:].lstrip("\ufe0f ").partition(":")[0] == label}
        return found


@pytest.fixture
async def desk(shop: Shop, storefront: Storefront) -> Desk:
    [admin] = await staff(shop, storefront, 7001)
    return Desk(shop, storefront, admin)


async def test_a_card_about_somebody_unknown_says_that_nothing_was_found(desk: Desk) -> None:
    await desk.supplier(name="Blue Sky", contact="@blue_sky")
    await desk.suspended(name="Red Sky", contact="@red_sky")

    card = await desk.card()

    assert {what: line for what, line in card.items() if line != f"✅ {CHECKS[what]}"} == {}
    assert set(card) == set(CHECKS) - {CheckKind.CERTIFICATE}


async def test_a_name_that_a_supplier_has_is_told_and_that_of_a_suspended_one_fails(desk: Desk) -> None:
    await desk.supplier(name="Blue Sky")
    assert (await desk.card(name="BLUE-sky"))[CheckKind.NAME] == "⚠️ Name: the same as in application 1; called like the supplier Blue Sky"

    await desk.suspended(name="Red Sky")
    card = await desk.card(name="red  sky!")
    assert card[CheckKind.NAME] == "❌ Name: the same as in application 3; called like the suspended supplier Red Sky"


async def test_a_contact_of_a_known_party_is_told_and_that_of_a_suspended_one_fails(desk: Desk) -> None:
    await desk.supplier(contact="@blue_sky")
    assert (await desk.card(contact="@Blue_Sky"))[CheckKind.CONTACT] == "⚠️ Contact: the same as in application 1"

    await desk.suspended(contact="@red_sky")
    assert (await desk.card(contact="@red_sky"))[CheckKind.CONTACT] == "❌ Contact: the same as in application 3"


async def test_a_paper_that_another_supplier_brought_is_told_whether_they_applied_with_it_or_renewed_by_it(
    desk: Desk, clock: Clock
) -> None:
    member = await desk.somebody()
    supplier_id = await joins(
        desk.shop,
        desk.storefront,
        member,
        desk.admin,
        name="Blue Sky",
        files=["first-file"],
        papers=[PaperKind.PURCHASE],
        expires=in_days(desk.shop, 9),
    )
    [paper] = await desk.shop.read(onboarding.documents_of, supplier_id)
    newer: dict[str, Any] = {"document_id": paper.id, "telegram_id": member.telegram_id, "file_id": "f", "file_unique_id": "newer-file"}
    await desk.shop.write(onboarding.renew, file_kind="photo", expires_on=date(2199, 1, 1), once=f"1:{next(_messages)}", **newer)

    copied = await desk.card(files=["first-file"])
    assert copied[CheckKind.SAME_PAPER] == "❌ Papers of others: the same as in application 1; a paper of the supplier Blue Sky"
    assert (await desk.card(files=["newer-file"]))[CheckKind.SAME_PAPER] == "❌ Papers of others: a paper of the supplier Blue Sky"


async def test_a_paper_with_anothers_number_is_told_and_one_of_a_suspended_supplier_fails(desk: Desk) -> None:
    await desk.supplier(number="AUTH 77/1", name="Blue Sky", papers=[PaperKind.PURCHASE])
    known = await desk.card(**LETTER, number="auth-771")
    assert known[CheckKind.SAME_PAPER] == "⚠️ Papers of others: the same as in application 1; a paper of the supplier Blue Sky"

    made = await desk.suspended(name="Red Sky", papers=[PaperKind.PURCHASE])
    by_hand: dict[str, Any] = {"kind": PaperKind.AUTHORISATION, "scope": "Steam", "number": "OF-3", "by": "test"}
    await desk.shop.write(onboarding.add_document, supplier_id=made, storefront_id=desk.storefront.id, **by_hand)
    assert (await desk.card(number="of 3"))[CheckKind.SAME_PAPER] == "❌ Papers of others: a paper of the suspended supplier Red Sky"

    refused = await desk.refused(number="NO-4")
    card = await desk.card(number="no4")
    assert card[CheckKind.SAME_PAPER] == f"❌ Papers of others: refused before: {refused}; the same as in application {refused}"


async def test_a_paper_whose_number_or_whose_holder_is_on_the_blacklist_fails(desk: Desk) -> None:
    await desk.shop.write(blacklist.ban_person, what="document", value="AUTH-13", reason="forged letters", by="test")
    card = await desk.card(**LETTER, number="auth 13")
    assert card[CheckKind.SAME_PAPER] == "❌ Papers of others: forged letters"
    assert card[CheckKind.CERTIFICATE].startswith("⏳ Certificate: auth 13")

    holder = await desk.somebody()
    first = await applies(desk.shop, holder, number="AUTH-14")
    await desk.shop.write(blacklist.ban_person, what="telegram", value=str(holder.telegram_id), reason="left with the money", by="test")
    card = await desk.card(number="auth 14")
    assert card[CheckKind.SAME_PAPER] == f"❌ Papers of others: left with the money; the same as in application {first}"


async def test_their_own_papers_of_an_earlier_time_are_nothing_to_be_told(desk: Desk) -> None:
    ann = await desk.somebody()
    first = await applies(desk.shop, ann, number="AUTH-15", files=["mine"])
    await desk.shop.write(onboarding.withdraw, application_id=first, customer_id=ann.id, version=1)

    assert (await desk.card(ann, number="AUTH-15", files=["mine"]))[CheckKind.SAME_PAPER] == "✅ Papers of others"


@pytest.mark.parametrize("what", ["telegram", "name", "contact"])
async def test_whoever_is_on_the_blacklist_fails_with_the_reason(desk: Desk, what: str) -> None:
    ann = await desk.somebody()
    value = {"telegram": str(ann.telegram_id), "name": "Ann Blue", "contact": "@ann_blue"}[what]
    await desk.shop.write(blacklist.ban_person, what=what, value=value, reason="sold used codes", by="test")

    card = await desk.card(ann, name="ann BLUE", contact="@Ann_Blue")

    assert card[CheckKind.PERSON] == "❌ Person: sold used codes"


async def test_an_expired_paper_and_one_that_expires_soon_are_told_with_their_day(desk: Desk) -> None:
    gone = await desk.card(expires="2020-01-31")
    soon = await desk.card(expires=in_days(desk.shop, 30))
    later = await desk.card(expires=in_days(desk.shop, 31))

    assert gone[CheckKind.EXPIRY].startswith("❌ Validity of papers: ") and "2020" in gone[CheckKind.EXPIRY]
    assert soon[CheckKind.EXPIRY].startswith("⚠️ Validity of papers: ")
    assert later[CheckKind.EXPIRY] == "✅ Validity of papers"


async def test_banned_words_of_the_house_and_of_the_staff_fail_and_a_guarded_brand_is_told(desk: Desk) -> None:
    await desk.shop.write(standing.ban_word, word="casino", reason="no gambling", by="test")
    await desk.shop.write(standing.guard_brand, brand="Nintendo", by="test")

    banned = await desk.card(goods="Cracked accounts, C A S I N O chips")
    assert banned[CheckKind.WORDS] == "❌ Banned words: cracked, casino (no gambling)"
    assert (await desk.card(contact="casino@example.com"))[CheckKind.WORDS] == "❌ Banned words: casino (no gambling)"
    guarded = await desk.card(goods="Nintendo eShop cards")
    assert guarded[CheckKind.WORDS] == "⚠️ Banned words: only for authorised suppliers: Nintendo"
    letter = await desk.card(**LETTER, goods="Nintendo eShop cards")
    assert letter[CheckKind.WORDS] == "✅ Banned words"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_the_warning_is_in_the_chat_of_the_staff_and_calls_for_a_second_person(desk: Desk) -> None:
    await desk.suspended(name="Red Sky", files=["their-paper"])
    for told in await desk.shop.write(outbox.lease, worker="w", most=500, seconds=60):
        await desk.shop.write(outbox.done, message_id=told.id, worker="w")  # to people without a phone
    async with opened(desk.shop, desk.storefront) as counter:
        boss, ann = await counter.buyer("admin"), await counter.buyer()
        await desk.shop.write(people.set_admins_from_settings, storefront_id=desk.storefront.id, telegram_ids=[boss.customer.telegram_id])
        await boss.say("/admin")
        await ann.say("/start")
        made = await applies(desk.shop, ann.customer, name="Red Sky", files=["their-paper"])
        counter.courier.wake()

        card = await boss.sees(f"📋 Application {made}")
        assert "❌ Name: the same as in application 1; called like the suspended supplier Red Sky" in card["text"]
        assert "❌ Papers of others: the same as in application 1; a paper of the suspended supplier Red Sky" in card["text"]
        assert "Two different people have to approve this one." in card["text"]
        await boss.phone.presses((card, "✅ Approve as new"))
        await boss.sees("One more reviewer has to approve, another person than the first.")
