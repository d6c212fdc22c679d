"""Cases about codes: who may complain and until when, what is frozen, and that each case is decided once, whatever happens at once."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import aftersale, audit, catalog, inventory, journal, ledger, orders, outbox, people, rates
from core.aftersale import (
    CaseDecided,
    CaseOpen,
    CaseState,
    CodeGone,
    NothingToReplace,
    NothingToSay,
    Outcome,
    Reason,
    Side,
    TooLate,
    TooManyCases,
)
from core.catalog import Gone
from core.database import Shop, write
from core.errors import Refusal
from core.ledger import AccountKind, PartyKind
from core.orders import RevealCause
from core.people import Customer
from core.storefronts import Storefront
from tests.core.props import STAR_RATE, aside, at_once, balance, consign, left, place, scalar, settle
from tests.stage import Clock, Goods, chat_of, person, put_on_sale, stock

BY = "telegram:7001"


# Whatever a test does, the audit finds nothing afterwards.
pytestmark = pytest.mark.usefixtures("sound_in_the_end")


@pytest.fixture
async def admin(shop: Shop, storefront: Storefront) -> Customer:
    """A member of the staff who can be written to."""
    await shop.write(people.set_admins_from_settings, storefront_id=storefront.id, telegram_ids=[7001])
    return await person(shop, storefront, 7001)


@pytest.fixture
async def buyer(shop: Shop, storefront: Storefront) -> Customer:
    return await person(shop, storefront, money_minor=500_000)


async def bought(shop: Shop, buyer: Customer, goods: Goods, quantity: int = 1, once: str = "one") -> tuple[int, list[int]]:
    """A delivered order: its id and its codes."""
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity, once=once, **goods.terms())
    await deliver(shop)
    return receipt.order_id, [code_id for code_id, _ in await shop.read(inventory.codes_of, receipt.order_id)]


async def deliver(shop: Shop) -> list[outbox.Leased]:
    """What a courier does, without Telegram: codes are revealed before they are sent. Gives what was sent."""
    sent: list[outbox.Leased] = []
    while leased := await shop.write(outbox.lease, worker="test", most=50, seconds=60):
        for message in leased:
            if message.topic is outbox.Topic.DELIVERY and message.order_id is not None:
                cause = RevealCause(message.body.get("cause", "sent"))
                await shop.write(
                    orders.reveal, order_id=message.order_id, cause=cause, to_telegram_id=await chat_of(shop, message.order_id)
                )
            await shop.write(outbox.done, message_id=message.id, worker="test")
        sent += leased
    return sent


async def complain(shop: Shop, buyer: Customer, order_id: int, code_id: int, **more: Any) -> int:
    facts = {"reason": Reason.USED, "text": "It says: already redeemed.", **more}
    return (await shop.write(aftersale.open_case, buyer_id=buyer.id, order_id=order_id, code_id=code_id, **facts)).case_id


def decision(case_id: int, storefront: Storefront, by: str = BY) -> dict[str, Any]:
    return {"case_id": case_id, "storefront_id": storefront.id, "by": by}


async def seen(shop: Shop, case_id: int) -> aftersale.CaseDetail:
    found = await shop.read(aftersale.case, case_id=case_id)
    assert found is not None
    return found


# Complaining


async def test_a_complaint_tells_the_staff_and_shows_them_the_code_by_its_ends_only(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer, admin: Customer
) -> None:
    order_id, [code] = await bought(shop, buyer, goods)
    case_id = await complain(shop, buyer, order_id, code, picture="AgACpicture", picture_kind="photo", once="88:5")

    found = await seen(shop, case_id)
    [told] = [m for m in await deliver(shop) if m.topic is outbox.Topic.ALERT]
    [(_, secret)] = await shop.read(inventory.opened, order_id)
    clear = secret.joined()

    assert (told.customer_id, told.body) == (admin.id, {"says": "case-opened", "case": case_id})
    assert found.card.state is CaseState.OPEN and found.card.reason is Reason.USED and not found.card.overdue
    assert found.masked == f"{clear[:2]}••••{clear[-2:]}"
    assert [(e.side, e.text, e.picture, e.picture_kind) for e in found.entries] == [
        (Side.BUYER, "It says: already redeemed.", "AgACpicture", "photo")
    ]
    assert found.entries[0].by == f"telegram:{buyer.telegram_id}"
    assert [shown.cause for shown in found.shown] == [RevealCause.SENT] and len(found.deliveries) == 1


@pytest.mark.parametrize(
    ("clear", "masked"), [("", "••••"), ("AB", "••••"), ("ABCD", "A••••D"), ("ABCDEFGH", "AB••••GH"), ("A" * 40 + "Z", "AA••••AZ")]
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_mask_never_shows_more_than_half_of_a_code(clear: str, masked: str, shop: Shop) -> None:
    assert inventory.mask(clear) == masked


async def test_one_code_has_one_open_case_however_many_press_at_once(shop: Shop, goods: Goods, buyer: Customer, admin: Customer) -> None:
    order_id, [first, second] = await bought(shop, buyer, goods, 2)

    opened, refused = await at_once(complain(shop, buyer, order_id, first) for _ in range(8))

    assert len(opened) == 1 and {type(r) for r in refused} == {CaseOpen}
    assert all(isinstance(r, CaseOpen) and r.case_id == opened[0] for r in refused)
    assert await complain(shop, buyer, order_id, second) != opened[0]


async def test_the_database_itself_lets_no_second_case_of_a_code_in(shop: Shop, goods: Goods, buyer: Customer, database_url: str) -> None:
    order_id, [code] = await bought(shop, buyer, goods)
    await complain(shop, buyer, order_id, code)
    async with aside(database_url) as connection:
        columns = (
            "storefront_id, buyer_id, order_id, code_id, offer_id, sku_id, reason, state, opened_at, due_at, frozen_minor, frozen_currency"
        )
        with pytest.raises(IntegrityError):
            await connection.execute(text(f"INSERT INTO cases ({columns}) SELECT {columns} FROM cases"))


async def test_nobody_complains_about_anothers_order_or_a_code_of_another_order(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer
) -> None:
    other = await person(shop, storefront, money_minor=100_000)
    order_id, [code] = await bought(shop, buyer, goods)
    theirs, [their_code] = await bought(shop, other, goods, once="theirs")

    with pytest.raises(Gone):
        await complain(shop, other, order_id, code)
    with pytest.raises(CodeGone):
        await complain(shop, other, theirs, code)
    case_id = await complain(shop, other, theirs, their_code)
    for act in (
        shop.write(aftersale.withdraw, case_id=case_id, buyer_id=buyer.id),
        shop.write(aftersale.buyer_says, case_id=case_id, buyer_id=buyer.id, text="mine"),
    ):
        with pytest.raises(Gone):
            await act
    assert await shop.read(aftersale.case, case_id=case_id, buyer_id=buyer.id) is None
    assert await shop.read(aftersale.complainable, order_id=order_id, buyer_id=other.id) is None


async def test_an_order_that_waits_for_its_payment_has_nothing_to_complain_about(shop: Shop, goods: Goods, buyer: Customer) -> None:
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(14), source="test")
    pending = await place(shop, buyer, goods, once="p")
    with pytest.raises(Gone):
        await complain(shop, buyer, pending.order_id, 1)
    assert await shop.read(aftersale.complainable, order_id=pending.order_id, buyer_id=buyer.id) is None


async def test_after_the_warranty_a_complaint_is_refused_with_the_date(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer, clock: Clock
) -> None:
    order_id, [code] = await bought(shop, buyer, goods)
    found = await shop.read(aftersale.complainable, order_id=order_id, buyer_id=buyer.id)
    assert found is not None and found.codes[0].until is not None and not found.codes[0].late
    clock.passes(hours=72, seconds=1)

    with pytest.raises(TooLate) as refused:
        await complain(shop, buyer, order_id, code)

    assert refused.value.until == found.codes[0].until
    await shop.write(catalog.change_product, goods.product_id, warranty_hours=100)
    await complain(shop, buyer, order_id, code)
    assert await shop.read(aftersale.warranty_of, storefront_id=storefront.id, product_id=goods.product_id) == 100
    await shop.write(catalog.change_product, goods.product_id, warranty_hours=None)
    assert await shop.read(aftersale.warranty_of, storefront_id=storefront.id, product_id=goods.product_id) == 72
    await shop.write(aftersale.set_terms, storefront_id=storefront.id, by=BY, warranty_hours=24)
    assert await shop.read(aftersale.warranty_of, storefront_id=storefront.id, product_id=goods.product_id) == 24


async def test_the_warranty_begins_when_the_codes_were_sent_and_not_before(shop: Shop, goods: Goods, buyer: Customer, clock: Clock) -> None:
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="late", **goods.terms())
    clock.passes(days=30)
    [(code, _)] = await shop.read(inventory.codes_of, receipt.order_id)

    case_id = await complain(shop, buyer, receipt.order_id, code, reason=Reason.OTHER, text="It never came.")
    assert (await seen(shop, case_id)).card.state is CaseState.OPEN


async def test_a_sealed_order_is_opened_or_returned_but_not_complained_about(shop: Shop, goods: Goods, buyer: Customer) -> None:
    await shop.write(catalog.change_product, goods.product_id, sealed=True)
    sku = await shop.read(catalog.sku, goods.sku_id)
    assert sku is not None
    terms = {**goods.terms(), "rules_version": sku.rules_version}
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="sealed", **terms)
    [(code, _)] = await shop.read(inventory.codes_of, receipt.order_id)

    with pytest.raises(orders.StillSealed):
        await complain(shop, buyer, receipt.order_id, code)


async def test_a_buyer_has_at_most_twenty_open_cases(shop: Shop, goods: Goods, buyer: Customer) -> None:
    order_id, codes = await bought(shop, buyer, goods, 22)

    opened, refused = await at_once(complain(shop, buyer, order_id, code) for code in codes)

    assert len(opened) == 20 and {type(r) for r in refused} == {TooManyCases}


async def test_the_codes_of_a_large_order_are_shown_in_pages(shop: Shop, goods: Goods, buyer: Customer) -> None:
    order_id, codes = await bought(shop, buyer, goods, 20)
    case_id = await complain(shop, buyer, order_id, codes[9])

    pages = [await shop.read(aftersale.complainable, order_id=order_id, buyer_id=buyer.id, page=page) for page in range(4)]

    assert [(len(p.codes), p.more) for p in pages if p is not None] == [(8, True), (8, True), (4, False), (0, False)]
    lines = [line for p in pages if p is not None for line in p.codes]
    assert [line.code_id for line in lines] == codes
    assert [line.case_id for line in lines if line.case_id] == [case_id]


# Talking


async def test_each_message_is_kept_with_who_and_when_and_reaches_the_other_side_once(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer, admin: Customer
) -> None:
    order_id, [code] = await bought(shop, buyer, goods)
    case_id = await complain(shop, buyer, order_id, code, text="")
    await deliver(shop)

    asked = await shop.write(aftersale.ask_picture, **decision(case_id, storefront))
    assert await shop.write(aftersale.ask_picture, **decision(case_id, storefront)) == asked, "a second press asks nothing twice"
    assert (await seen(shop, case_id)).card.state is CaseState.WAITING_BUYER
    for _ in range(2):  # Telegram delivers it twice.
        await shop.write(
            aftersale.buyer_says, case_id=case_id, buyer_id=buyer.id, text="Here.", picture="pic", picture_kind="photo", once="88:9"
        )
    assert (await seen(shop, case_id)).card.state is CaseState.WAITING_SHOP
    await shop.write(aftersale.shop_says, **decision(case_id, storefront), text="Thank you.")

    found = await seen(shop, case_id)
    assert [(e.side, e.says, e.text, e.picture) for e in found.entries] == [
        (Side.SHOP, "ask-picture", "", None),
        (Side.BUYER, None, "Here.", "pic"),
        (Side.SHOP, None, "Thank you.", None),
    ]
    told = [(m.topic, m.customer_id, m.body["says"]) for m in await deliver(shop)]
    assert told == [
        (outbox.Topic.NOTICE, buyer.id, "case-answer"),
        (outbox.Topic.ALERT, admin.id, "case-more"),
        (outbox.Topic.NOTICE, buyer.id, "case-answer"),
    ]
    answered = [e for e in await shop.read(journal.latest, about="case", about_id=case_id) if e.did == "answer-case"]
    assert len(answered) == 2 and {e.by for e in answered} == {BY}


@pytest.mark.parametrize("text", ["", "  \n", "x" * 2001])
async def test_nothing_and_far_too_much_are_refused(shop: Shop, goods: Goods, buyer: Customer, text: str) -> None:
    order_id, [code] = await bought(shop, buyer, goods)
    case_id = await complain(shop, buyer, order_id, code)

    with pytest.raises(NothingToSay):
        await shop.write(aftersale.buyer_says, case_id=case_id, buyer_id=buyer.id, text=text)


async def test_a_nul_in_a_complaint_is_no_reason_to_break(shop: Shop, goods: Goods, buyer: Customer) -> None:
    order_id, [code] = await bought(shop, buyer, goods)

    assert (await seen(shop, await complain(shop, buyer, order_id, code, text="a\x00b"))).entries[0].text == "a b"


# Deciding


async def test_a_replacement_takes_one_code_voids_the_old_one_and_is_sent_by_the_outbox(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer
) -> None:
    order_id, [bad, good] = await bought(shop, buyer, goods, 2)
    before = {secret.joined() for _, secret in await shop.read(inventory.opened, order_id)}
    paid = await balance(shop, buyer)
    case_id = await complain(shop, buyer, order_id, bad)

    made = await shop.write(aftersale.replace, **decision(case_id, storefront))

    assert made.outcome is Outcome.REPLACED and await left(shop, goods) == 37 and await balance(shop, buyer) == paid
    old = await shop.read(inventory.code_place, bad)
    assert old is not None and old.place == "void"
    after = await shop.read(inventory.codes_of, order_id)
    assert len(after) == 2 and good in [code_id for code_id, _ in after]
    parcel = await shop.write(aftersale.parcel, case_id=case_id, to_telegram_id=buyer.telegram_id, buyer_id=buyer.id)
    [line] = parcel.lines
    [secret] = line.secrets
    assert secret.joined() not in before, "only what is new is sent"
    sent = await deliver(shop)
    assert [(m.order_id, m.body["case"]) for m in sent if m.topic is outbox.Topic.DELIVERY] == [(order_id, case_id)]
    assert [m.body["says"] for m in sent if m.topic is outbox.Topic.NOTICE] == ["case-decided"]
    found = await seen(shop, case_id)
    assert found.replaced_by is not None and len(found.shown) == 3, "sent, sent for the case, and sent again by this test's courier"
    with pytest.raises(Gone):
        await shop.write(aftersale.parcel, case_id=case_id, to_telegram_id=1, buyer_id=buyer.id + 1)


async def test_what_came_as_a_replacement_has_a_warranty_of_its_own_and_can_be_complained_about(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer, clock: Clock
) -> None:
    order_id, [code] = await bought(shop, buyer, goods)
    case_id = await complain(shop, buyer, order_id, code)
    clock.passes(hours=71)
    await shop.write(aftersale.replace, **decision(case_id, storefront))
    clock.passes(hours=71)
    [(new, _)] = await shop.read(inventory.codes_of, order_id)

    again = await complain(shop, buyer, order_id, new)
    await shop.write(aftersale.replace, **decision(again, storefront))
    [(newest, _)] = await shop.read(inventory.codes_of, order_id)
    last = await complain(shop, buyer, order_id, newest)
    await shop.write(aftersale.refund, **decision(last, storefront))

    assert (await seen(shop, last)).past == aftersale.Past(0, {Outcome.REPLACED: 2})
    assert await balance(shop, buyer) == 500_000
    with pytest.raises(Gone):
        await complain(shop, buyer, order_id, code)


async def test_sold_out_a_replacement_is_refused_and_the_refund_still_works(shop: Shop, storefront: Storefront, buyer: Customer) -> None:
    goods = await put_on_sale(shop, storefront, count=1)
    order_id, [code] = await bought(shop, buyer, goods)
    case_id = await complain(shop, buyer, order_id, code)

    with pytest.raises(NothingToReplace):
        await shop.write(aftersale.replace, **decision(case_id, storefront))
    assert (await seen(shop, case_id)).card.state is CaseState.OPEN
    await shop.write(aftersale.refund, **decision(case_id, storefront))

    assert (await seen(shop, case_id)).card.outcome is Outcome.REFUNDED
    assert await balance(shop, buyer) == 500_000


async def test_a_refund_of_one_code_gives_back_its_price_and_voids_it(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer
) -> None:
    order_id, [bad, _] = await bought(shop, buyer, goods, 2)
    case_id = await complain(shop, buyer, order_id, bad)

    await shop.write(aftersale.refund, **decision(case_id, storefront))

    assert await balance(shop, buyer) == 500_000 - 9500
    assert await left(shop, goods) == 38, "what the buyer may have seen is never sold again"
    assert [e.after["outcome"] for e in await shop.read(journal.latest, about="case", about_id=case_id)] == ["refunded"]


@pytest.mark.parametrize("reason", [{"why": "works"}, {"why_text": "We tried it: it works."}])
async def test_a_refusal_has_a_reason_and_ends_the_case(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer, reason: dict[str, str]
) -> None:
    order_id, [code] = await bought(shop, buyer, goods)
    case_id = await complain(shop, buyer, order_id, code)

    terms: dict[str, Any] = {**decision(case_id, storefront), **reason}
    await shop.write(aftersale.refuse, **terms)

    found = (await seen(shop, case_id)).card
    assert (found.state, found.outcome, found.decided_by) == (CaseState.DECIDED, Outcome.REFUSED, BY)
    assert {"why": found.why, "why_text": found.why_text} == {"why": None, "why_text": None} | reason
    for late in (
        shop.write(aftersale.buyer_says, case_id=case_id, buyer_id=buyer.id, text="But!"),
        shop.write(aftersale.shop_says, **decision(case_id, storefront), text="No."),
        shop.write(aftersale.withdraw, case_id=case_id, buyer_id=buyer.id),
        shop.write(aftersale.refund, **decision(case_id, storefront)),
    ):
        with pytest.raises(CaseDecided):
            await late
    assert await complain(shop, buyer, order_id, code) != case_id, "with something new to say, a buyer may complain again"


async def test_two_admins_at_once_make_one_decision(shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer) -> None:
    for turn in range(6):
        order_id, [code, _] = await bought(shop, buyer, goods, 2, once=f"turn:{turn}")
        case_id = await complain(shop, buyer, order_id, code)
        stock_before, money_before = await left(shop, goods), await balance(shop, buyer)

        one, two = decision(case_id, storefront, "telegram:1"), decision(case_id, storefront, "telegram:2")
        decided, refused = await at_once(
            [
                shop.write(aftersale.replace, **one),
                shop.write(aftersale.refund, **two),
                shop.write(aftersale.replace, **two),
                shop.write(aftersale.refund, **one),
                shop.write(aftersale.refuse, **one, why="works"),
            ]
        )

        assert len(decided) == 1 and [type(r) for r in refused] == [CaseDecided] * 4
        outcome = decided[0].outcome
        assert stock_before - await left(shop, goods) == (outcome is Outcome.REPLACED)
        assert await balance(shop, buyer) - money_before == (9500 if outcome is Outcome.REFUNDED else 0)
        assert [e.did for e in await shop.read(journal.latest, about="case", about_id=case_id)] == ["decide-case"]


async def test_the_last_code_replaces_one_of_two_complaints_at_once(shop: Shop, storefront: Storefront, buyer: Customer) -> None:
    goods = await put_on_sale(shop, storefront, count=3)
    order_id, codes = await bought(shop, buyer, goods, 2)
    cases = [await complain(shop, buyer, order_id, code) for code in codes]

    decided, refused = await at_once(shop.write(aftersale.replace, **decision(case_id, storefront)) for case_id in cases)

    assert len(decided) == 1 and [type(r) for r in refused] == [NothingToReplace]
    assert await left(shop, goods) == 0


async def test_a_withdrawal_and_a_decision_at_once_are_one_end(shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer) -> None:
    order_id, [code] = await bought(shop, buyer, goods)
    case_id = await complain(shop, buyer, order_id, code)

    ended = await asyncio.gather(
        shop.write(aftersale.withdraw, case_id=case_id, buyer_id=buyer.id),
        shop.write(aftersale.replace, **decision(case_id, storefront)),
        return_exceptions=True,
    )

    assert [type(e) for e in ended].count(CaseDecided) == 1


async def test_a_replacement_and_a_refund_of_the_whole_order_at_once_come_out_one_after_the_other(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer
) -> None:
    for turn in range(6):
        order_id, [code, _] = await bought(shop, buyer, goods, 2, once=f"whole:{turn}")
        case_id = await complain(shop, buyer, order_id, code)

        replacing = shop.write(aftersale.replace, **decision(case_id, storefront))
        refunding = shop.write(orders.refund_codes, order_id=order_id, code_ids=None, reason="all", by=BY, once=f"all:{turn}")
        for answer in await asyncio.gather(replacing, refunding, return_exceptions=True):
            assert not isinstance(answer, BaseException)

        assert await balance(shop, buyer) == 500_000
        assert (await seen(shop, case_id)).card.outcome in (Outcome.REPLACED, Outcome.REFUNDED)
        assert await shop.read(inventory.codes_of, order_id) == []


async def test_what_was_refunded_elsewhere_ends_its_case(shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer) -> None:
    order_id, codes = await bought(shop, buyer, goods, 3)
    first, second, third = [await complain(shop, buyer, order_id, code) for code in codes]
    await shop.write(orders.refund_codes, order_id=order_id, code_ids=codes[:2], reason="by hand", by=BY, once="by hand")

    assert (await shop.write(aftersale.replace, **decision(first, storefront))).outcome is Outcome.REFUNDED
    assert await shop.write(aftersale.close_gone, most=1) == 1

    assert (await seen(shop, second)).card.outcome is Outcome.REFUNDED
    assert (await seen(shop, third)).card.outcome is None
    assert await balance(shop, buyer) == 500_000 - 9500


# Time


async def test_the_staff_are_reminded_once_of_each_deadline(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer, admin: Customer, clock: Clock
) -> None:
    order_id, [code] = await bought(shop, buyer, goods)
    case_id = await complain(shop, buyer, order_id, code)
    await deliver(shop)
    assert await shop.write(aftersale.remind_overdue) == 0
    clock.passes(hours=24, seconds=1)

    assert [await shop.write(aftersale.remind_overdue) for _ in range(3)] == [1, 0, 0]
    assert (await shop.read(aftersale.standing, storefront_id=storefront.id)) == aftersale.Standing(1, 1, 0)
    assert [m.body for m in await deliver(shop)] == [{"says": "case-overdue", "case": case_id}]
    await shop.write(aftersale.shop_says, **decision(case_id, storefront), text="We look.")
    await shop.write(aftersale.buyer_says, case_id=case_id, buyer_id=buyer.id, text="Well?")
    await deliver(shop)
    clock.passes(hours=24, seconds=1)
    assert await shop.write(aftersale.remind_overdue) == 1
    assert len(await deliver(shop)) == 1


async def test_the_staff_are_reminded_again_each_day_until_they_answer(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer, admin: Customer, clock: Clock
) -> None:
    order_id, [code] = await bought(shop, buyer, goods)
    case_id = await complain(shop, buyer, order_id, code)
    await deliver(shop)
    clock.passes(hours=25)
    assert await shop.write(aftersale.remind_overdue) == 1
    for _ in range(2):
        clock.passes(hours=23)
        assert await shop.write(aftersale.remind_overdue) == 0
        clock.passes(hours=1, seconds=1)
        assert sum(await asyncio.gather(*(shop.write(aftersale.remind_overdue) for _ in range(3)))) == 1
    assert [m.body["says"] for m in await deliver(shop)] == ["case-overdue"] * 3
    await shop.write(aftersale.refuse, **decision(case_id, storefront), why="works")
    clock.passes(days=2)
    assert await shop.write(aftersale.remind_overdue) == 0


async def test_a_silent_buyer_is_told_once_before_the_case_is_closed(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer, clock: Clock
) -> None:
    order_id, [code] = await bought(shop, buyer, goods)
    case_id = await complain(shop, buyer, order_id, code)
    await shop.write(aftersale.ask_picture, **decision(case_id, storefront))
    await deliver(shop)
    clock.passes(days=6)
    assert await shop.write(aftersale.remind_silent) == 0
    clock.passes(hours=13)
    assert [await shop.write(aftersale.remind_silent) for _ in range(2)] == [1, 0]
    [told] = await deliver(shop)
    assert (told.customer_id, told.body) == (buyer.id, {"says": "case-waits", "case": case_id})

    await shop.write(aftersale.buyer_says, case_id=case_id, buyer_id=buyer.id, text="I am here.")
    clock.passes(hours=24, seconds=1)
    assert await shop.write(aftersale.close_silent) == 0
    assert await shop.write(aftersale.remind_overdue) == 1, "now the shop is late"


async def test_the_deadlines_are_the_shops_own(shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer, clock: Clock) -> None:
    await shop.write(aftersale.set_terms, storefront_id=storefront.id, by=BY, answer_hours=2, buyer_days=1)
    assert await shop.read(aftersale.terms, storefront_id=storefront.id) == aftersale.Terms(2, 1, 72)
    order_id, [code] = await bought(shop, buyer, goods)
    case_id = await complain(shop, buyer, order_id, code)
    clock.passes(hours=2, seconds=1)
    assert await shop.write(aftersale.remind_overdue) == 1
    await shop.write(aftersale.shop_says, **decision(case_id, storefront), text="A picture?")
    clock.passes(hours=23)
    assert await shop.write(aftersale.close_silent) == 0
    clock.passes(hours=1, seconds=1)
    assert await shop.write(aftersale.close_silent) == 1


async def test_a_case_whose_buyer_is_silent_is_withdrawn_with_notice(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer, clock: Clock
) -> None:
    order_id, [code] = await bought(shop, buyer, goods)
    case_id = await complain(shop, buyer, order_id, code)
    clock.passes(days=30)
    assert await shop.write(aftersale.close_silent) == 0, "the shop's own silence never closes a case"
    await shop.write(aftersale.ask_picture, **decision(case_id, storefront))
    await deliver(shop)
    clock.passes(days=7, seconds=1)

    closed = await asyncio.gather(*(shop.write(aftersale.close_silent) for _ in range(4)))

    assert sum(closed) == 1
    found = (await seen(shop, case_id)).card
    assert (found.outcome, found.decided_by) == (Outcome.WITHDRAWN, "time")
    assert [m.body for m in await deliver(shop)] == [{"says": "case-decided", "case": case_id}]


# Lists


async def test_the_queue_shows_the_longest_overdue_first_and_buyers_turns_last(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer, clock: Clock
) -> None:
    order_id, codes = await bought(shop, buyer, goods, 4)
    made = []
    for code in codes:
        made.append(await complain(shop, buyer, order_id, code))
        clock.passes(hours=10)
    await shop.write(aftersale.shop_says, **decision(made[0], storefront), text="?")
    await shop.write(aftersale.refuse, **decision(made[3], storefront), why="works")

    found = await shop.read(aftersale.queue, storefront_id=storefront.id)

    assert [(card.id, card.overdue) for card in found] == [(made[1], True), (made[2], False), (made[0], False)]
    assert await shop.read(aftersale.standing, storefront_id=storefront.id) == aftersale.Standing(2, 1, 1)
    assert [c.id for c in await shop.read(aftersale.queue, storefront_id=storefront.id, page=1, limit=2)] == [made[0]]


async def test_cases_are_listed_in_pages_and_found_by_the_orders_number(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer
) -> None:
    first, one = await bought(shop, buyer, goods, 1, once="first")
    second, two = await bought(shop, buyer, goods, 2, once="second")
    made = [await complain(shop, buyer, first, one[0])] + [await complain(shop, buyer, second, code) for code in two]
    other = await person(shop, storefront)

    newest = await shop.read(aftersale.cases_of, storefront_id=storefront.id, buyer_id=buyer.id, limit=2)
    older = await shop.read(aftersale.cases_of, storefront_id=storefront.id, buyer_id=buyer.id, before=newest[-1].id)
    assert [c.id for c in (*newest, *older)] == made[::-1]
    by_number = await shop.read(aftersale.find, orders.number_of(second), storefront_id=storefront.id, buyer_id=buyer.id)
    assert [c.id for c in by_number] == made[:0:-1]
    assert await shop.read(aftersale.find, orders.number_of(second), storefront_id=storefront.id, buyer_id=other.id) == []
    assert await shop.read(aftersale.find, "nonsense", storefront_id=storefront.id) == []


async def test_cases_are_found_by_number_by_the_code_or_its_end_and_by_what_was_bought(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer
) -> None:
    other = await person(shop, storefront, money_minor=100_000)
    order_id, [first, second] = await bought(shop, buyer, goods, 2)
    case_id = await complain(shop, buyer, order_id, first)
    more = await complain(shop, buyer, order_id, second)
    [clear, another] = [secret.joined() for _, secret in await shop.read(inventory.opened, order_id)]

    async def found(text: str, who: Customer | None = buyer) -> list[int]:
        by = {} if who is None else {"buyer_id": who.id}
        return [card.id for card in await shop.read(aftersale.find, text, storefront_id=storefront.id, **by)]

    assert case_id in await found(f"#{case_id}") and await found(f"#{case_id + 9999}") == []
    assert await found(clear) == [case_id] and await found(another.lower()) == [more]
    assert await found("••••" + clear[-6:]) == [case_id]
    assert await found("steam", None) == [more, case_id] and await found("s") == []
    sku = await shop.read(catalog.sku, goods.sku_id)
    assert sku is not None and await found(sku.name) == [more, case_id]
    for words in (f"#{case_id}", clear, clear[-6:], "steam", orders.number_of(order_id)):
        assert await found(words, other) == [], "another's case is not there"
    for words in ("", " ", "\x00", "•", "x" * 5000, "%", "' OR 1=1", "9" * 30):
        assert await found(words) == []

    await shop.write(aftersale.replace, **decision(case_id, storefront))
    [new] = [s.joined() for _, s in await shop.read(inventory.opened, order_id) if s.joined() not in (clear, another)]
    assert await found(new) == [case_id], "by the new code too"


async def test_pictures_of_one_album_are_kept_and_told_once(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer, admin: Customer
) -> None:
    order_id, [code] = await bought(shop, buyer, goods)
    case_id = await complain(shop, buyer, order_id, code)
    await deliver(shop)
    for n, kind in enumerate(("photo", "photo", "document")):
        await shop.write(aftersale.buyer_says, case_id=case_id, buyer_id=buyer.id, picture=f"p{n}", picture_kind=kind, quiet=n > 0)

    assert [m.body["says"] for m in await deliver(shop)] == ["case-more"]
    found = await shop.read(aftersale.pictures, case_id=case_id, buyer_id=buyer.id)
    assert [(e.picture, e.picture_kind) for e in found] == [("p0", "photo"), ("p1", "photo"), ("p2", "document")]
    assert (await seen(shop, case_id)).pictures == 3
    stranger = await person(shop, storefront)
    assert await shop.read(aftersale.pictures, case_id=case_id, buyer_id=stranger.id) == []


# Money of suppliers


async def test_the_staffs_refund_of_a_code_decides_its_case_in_the_same_step(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer
) -> None:
    order_id, [bad, fine, third] = await bought(shop, buyer, goods, 3)
    case_id, other = await complain(shop, buyer, order_id, bad), await complain(shop, buyer, order_id, third)
    facts: dict[str, Any] = {"order_id": order_id, "reason": "does not work", "by": BY}

    await shop.write(aftersale.refund_codes, code_ids=[fine], once="one", **facts)
    assert (await seen(shop, case_id)).card.outcome is None, "that code is another"
    for _ in range(2):  # The same confirmation, pressed twice.
        await shop.write(aftersale.refund_codes, code_ids=[bad], once="two", **facts)

    decided = (await seen(shop, case_id)).card
    assert (decided.outcome, decided.decided_by) == (Outcome.REFUNDED, BY)
    assert (await seen(shop, other)).card.outcome is None and await balance(shop, buyer) == 500_000 - 9500
    entries = [e.did for e in await shop.read(journal.latest, about="case", about_id=case_id)]
    assert entries == ["decide-case"]
    with pytest.raises(CodeGone):
        await complain(shop, buyer, order_id, fine)
    await shop.write(aftersale.refund_codes, code_ids=None, once="rest", **facts)
    assert (await seen(shop, other)).card.outcome is Outcome.REFUNDED
    assert await shop.write(aftersale.close_gone) == 0
    with pytest.raises(Gone):
        await complain(shop, buyer, order_id, third)


async def test_a_decision_and_the_staffs_refund_of_the_order_at_once_are_one_end(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer
) -> None:
    for n in range(4):
        order_id, [code] = await bought(shop, buyer, goods, once=f"race-{n}")
        case_id = await complain(shop, buyer, order_id, code)
        facts: dict[str, Any] = {"order_id": order_id, "reason": "x", "by": BY, "code_ids": None}
        ended = await asyncio.gather(
            shop.write(aftersale.refund, **decision(case_id, storefront)),
            shop.write(aftersale.refund_codes, once=f"desk-{n}", **facts),
            shop.write(aftersale.replace, **decision(case_id, storefront)),
            return_exceptions=True,
        )
        assert [e for e in ended if isinstance(e, BaseException) and not isinstance(e, Refusal)] == []
        assert (await seen(shop, case_id)).card.outcome in (Outcome.REFUNDED, Outcome.REPLACED)
    await shop.write(aftersale.close_gone)


async def test_what_a_supplier_earned_by_the_code_is_frozen_until_it_is_decided(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer
) -> None:
    consigned = await put_on_sale(shop, storefront, name="Consigned", denomination="Consigned 20", price_minor=2000, count=5)
    account = await shop.write(consign, offer_id=consigned.offer_id, cost_minor=1500)
    party = await shop.read(ledger.party_of, account)
    order_id, [bad, worse, _] = await bought(shop, buyer, consigned, 3)
    owned, [code] = await bought(shop, buyer, goods, once="owned")
    assert await shop.read(aftersale.frozen, party) == {}

    first, second = await complain(shop, buyer, order_id, bad), await complain(shop, buyer, order_id, worse)
    await complain(shop, buyer, owned, code)
    assert await shop.read(aftersale.frozen, party) == {"CNY": 3000}
    assert (await seen(shop, first)).frozen_minor == 1500
    await shop.write(aftersale.replace, **decision(first, storefront))
    assert await shop.read(aftersale.frozen, party) == {"CNY": 1500}
    assert await shop.read(ledger.house_balance, account) == 4500, "who brought a bad code brings a good one for it"
    await shop.write(aftersale.refund, **decision(second, storefront))

    assert await shop.read(aftersale.frozen, party) == {}
    assert await shop.read(ledger.house_balance, account) == 3000


async def test_a_code_of_another_source_stands_in_when_the_same_one_is_sold_out(
    shop: Shop, storefront: Storefront, buyer: Customer
) -> None:
    goods = await put_on_sale(shop, storefront, name="Consigned", denomination="Consigned 20", price_minor=2000, count=2)
    account = await shop.write(consign, offer_id=goods.offer_id, cost_minor=1500)
    second, other = await shop.write(second_source, sku_id=goods.sku_id, cost_minor=1700)
    await stock(shop, second, goods.sku_id, 1)
    order_id, [bad, _] = await bought(shop, buyer, goods, 2)
    case_id = await complain(shop, buyer, order_id, bad)

    await shop.write(aftersale.replace, **decision(case_id, storefront))

    assert [offer for _, offer in await shop.read(inventory.codes_of, order_id)] == [goods.offer_id, second]
    assert await shop.read(ledger.house_balance, account) == 1500, "who brought the bad code is not paid for it"
    assert await shop.read(ledger.house_balance, other) == 1700
    assert await shop.read(ledger.house_balance, storefront.sales_account_id) == 2 * 2000 - 1500 - 1700
    parcel = await shop.write(aftersale.parcel, case_id=case_id, to_telegram_id=buyer.telegram_id, buyer_id=buyer.id)
    assert len(parcel.lines) == 1 and len(parcel.lines[0].secrets) == 1
    [new] = [code_id for code_id, offer in await shop.read(inventory.codes_of, order_id) if offer == second]
    again = await complain(shop, buyer, order_id, new)
    assert (await seen(shop, again)).frozen_minor == 1700
    await shop.write(aftersale.refund, **decision(again, storefront))
    assert await shop.read(ledger.house_balance, other) == 0


async def test_a_refund_of_a_replaced_code_takes_back_exactly_the_cost_that_was_booked(
    shop: Shop, storefront: Storefront, buyer: Customer, database_url: str
) -> None:
    goods = await put_on_sale(shop, storefront, name="Consigned", denomination="Consigned 20", price_minor=2000, count=2)
    account = await shop.write(consign, offer_id=goods.offer_id, cost_minor=1500)
    second, other = await shop.write(second_source, sku_id=goods.sku_id, cost_minor=1700)
    await stock(shop, second, goods.sku_id, 1)
    order_id, [bad, _] = await bought(shop, buyer, goods, 2)
    await shop.write(aftersale.replace, **decision(await complain(shop, buyer, order_id, bad), storefront))
    assert await shop.read(ledger.house_balance, other) == 1700
    # What the suppliers ask today is not what was booked then.
    await shop.write(dearer, offer_id=second, cost_minor=1999)
    await shop.write(dearer, offer_id=goods.offer_id, cost_minor=1)
    [new] = [code_id for code_id, offer in await shop.read(inventory.codes_of, order_id) if offer == second]

    case_id = await complain(shop, buyer, order_id, new)
    assert (await seen(shop, case_id)).frozen_minor == 1700
    await shop.write(aftersale.refund, **decision(case_id, storefront))

    assert (await shop.read(ledger.house_balance, other), await shop.read(ledger.house_balance, account)) == (0, 1500)
    assert await shop.read(ledger.house_balance, storefront.sales_account_id) == 2000 - 1500
    assert await scalar(database_url, f"SELECT cost_minor FROM refunded_codes WHERE code_id = {new}") == 1700


async def test_a_replacement_of_the_same_supplier_stands_for_the_old_codes_cost_whatever_it_costs_today(
    shop: Shop, storefront: Storefront, buyer: Customer
) -> None:
    goods = await put_on_sale(shop, storefront, name="Consigned", denomination="Consigned 20", price_minor=2000, count=3)
    account = await shop.write(consign, offer_id=goods.offer_id, cost_minor=1500)
    order_id, [bad] = await bought(shop, buyer, goods)
    await shop.write(dearer, offer_id=goods.offer_id, cost_minor=1900)

    await shop.write(aftersale.replace, **decision(await complain(shop, buyer, order_id, bad), storefront))
    [(new, _)] = await shop.read(inventory.codes_of, order_id)
    again = await complain(shop, buyer, order_id, new)
    assert (await seen(shop, again)).frozen_minor == 1500, "nobody was credited with more"
    await shop.write(orders.refund_codes, order_id=order_id, code_ids=None, reason="whole", by=BY, once="whole")

    assert await shop.read(ledger.house_balance, account) == 0
    assert await shop.read(ledger.house_balance, storefront.sales_account_id) == 0
    assert await shop.write(aftersale.close_gone) == 1


async def test_a_replacement_from_the_shops_own_goods_pays_no_supplier_and_a_refund_takes_nothing_from_one(
    shop: Shop, storefront: Storefront, buyer: Customer
) -> None:
    goods = await put_on_sale(shop, storefront, name="Consigned", denomination="Consigned 20", price_minor=2000, count=1)
    account = await shop.write(consign, offer_id=goods.offer_id, cost_minor=1500)
    second, other = await shop.write(second_source, sku_id=goods.sku_id, cost_minor=1700)
    await shop.write(dearer, offer_id=second, cost_minor=1700, payable=False)
    await stock(shop, second, goods.sku_id, 1)
    order_id, [bad] = await bought(shop, buyer, goods)
    await shop.write(aftersale.replace, **decision(await complain(shop, buyer, order_id, bad), storefront))
    assert await shop.read(ledger.house_balance, account) == 0
    # Whoever the goods belong to from now on, this code was the shop's.
    await shop.write(dearer, offer_id=second, cost_minor=1700, payable=True, account=other)

    [(new, _)] = await shop.read(inventory.codes_of, order_id)
    case_id = await complain(shop, buyer, order_id, new)
    assert (await seen(shop, case_id)).frozen_minor == 0
    await shop.write(aftersale.refund, **decision(case_id, storefront))
    assert (await shop.read(ledger.house_balance, other), await balance(shop, buyer)) == (0, 500_000)


@write
def dearer(session: Session, *, offer_id: int, cost_minor: int, payable: bool = True, account: int | None = None) -> None:
    """What an offer costs from now on, and whether anybody is owed for it."""
    session.execute(text("UPDATE offers SET cost_minor = :cost WHERE id = :offer"), {"cost": cost_minor, "offer": offer_id})
    session.execute(text("DELETE FROM offer_costs WHERE offer_id = :offer"), {"offer": offer_id})
    if not payable or account is not None:
        session.execute(text("UPDATE offers SET payable_id = :account WHERE id = :offer"), {"account": account, "offer": offer_id})


async def test_nothing_more_is_given_for_an_order_whose_payment_was_taken_back(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer
) -> None:
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=STAR_RATE, source="test")
    payer = await person(shop, storefront)
    pending = await place(shop, payer, goods, once="stars")
    await settle(shop, payer, pending, event="charge-1")
    await deliver(shop)
    [(code, _)] = await shop.read(inventory.codes_of, pending.order_id)
    case_id = await complain(shop, payer, pending.order_id, code)
    await shop.write(orders.given_back, provider="stars", event_key="charge-1", customer_id=payer.id)

    for decide in (aftersale.replace, aftersale.refund):
        with pytest.raises(orders.TakenBack):
            await shop.write(decide, **decision(case_id, storefront))

    assert (await seen(shop, case_id)).card.outcome is None and await left(shop, goods) == 39
    await shop.write(aftersale.refuse, **decision(case_id, storefront), why="given-back")


@write
def second_source(session: Session, *, sku_id: int, cost_minor: int) -> tuple[int, int]:
    """Another supplier's consigned offer of a denomination, ranked behind; returns it and the supplier's account."""
    party = ledger.new_party(session, PartyKind.SUPPLIER)
    account = ledger.open_account(session, party_id=party, kind=AccountKind.PAYABLE, currency="CNY")
    session.execute(text("INSERT INTO suppliers (id, name, joined_at) VALUES (:party, 'Second', 0)"), {"party": party})
    offer = session.execute(
        text(
            "INSERT INTO offers (supplier_id, sku_id, cost_minor, cost_currency, payable_id, since)"
            " VALUES (:party, :sku, :cost, 'CNY', :account, 0) RETURNING id"
        ),
        {"party": party, "sku": sku_id, "cost": cost_minor, "account": account},
    ).scalar_one()
    session.execute(
        text("INSERT INTO sources (sku_id, rank, offer_id, version) VALUES (:sku, 2, :offer, 1)"), {"sku": sku_id, "offer": offer}
    )
    return offer, account


# The audit


@pytest.mark.parametrize(
    ("check", "sql"),
    [
        ("an undecided case freezes what its code's supplier was credited with", "UPDATE cases SET frozen_minor = 1"),
        (
            "an undecided case is about a code that its order has, or had until it was refunded",
            "UPDATE cases SET code_id = (SELECT MIN(id) FROM codes WHERE available IS NOT NULL)",
        ),
    ],
)
async def test_the_audit_finds_what_is_wrong_with_an_undecided_case(
    shop: Shop, storefront: Storefront, buyer: Customer, database_url: str, check: str, sql: str
) -> None:
    goods = await put_on_sale(shop, storefront, price_minor=2000, count=5)
    await shop.write(consign, offer_id=goods.offer_id, cost_minor=1500)
    order_id, [code] = await bought(shop, buyer, goods)
    await complain(shop, buyer, order_id, code)
    async with aside(database_url) as connection:
        await connection.execute(text(sql))
        report = await connection.run_sync(lambda c: audit.examine(Session(c)))

    assert set(report.violated) == {check}


async def test_the_counts_of_the_audit_name_the_cases(shop: Shop, goods: Goods, buyer: Customer) -> None:
    order_id, [code] = await bought(shop, buyer, goods)
    await complain(shop, buyer, order_id, code)

    counts = (await shop.read(audit.audit)).counts

    assert (counts["cases"], counts["cases undecided"]) == (1, 1)


async def test_no_code_is_in_anything_a_case_writes_down(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer, admin: Customer, database_url: str
) -> None:
    [clear] = await stock(shop, goods.offer_id, goods.sku_id, 1)
    order_id, codes = await bought(shop, buyer, goods, 40)
    case_id = await complain(shop, buyer, order_id, codes[0])
    await shop.write(aftersale.replace, **decision(case_id, storefront))
    [(_, secret)] = [(o, s) for o, s in await shop.read(inventory.opened, order_id) if s.joined() == clear]

    written = str(await scalar(database_url, "SELECT count(*) FROM outbox"))
    for question in (
        "SELECT coalesce(max(CAST(body AS TEXT)), '') FROM outbox WHERE CAST(body AS TEXT) LIKE '%TEST-%'",
        "SELECT coalesce(max(CAST(after AS TEXT)), '') FROM actions WHERE CAST(after AS TEXT) LIKE '%TEST-%'",
    ):
        assert await scalar(database_url, question) == "", written
    assert clear not in repr(await seen(shop, case_id)) and "***" in repr(secret)
