"""What registers say of a certificate reaches the card and only for papers that count; what staff list rests on papers as well."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core import audit, onboarding, orders, standing, supply
from core.database import Shop
from core.onboarding import CheckKind, CheckResult, Kind, PaperField, PaperKind, Verdict
from core.people import Customer
from core.ports import CertificateAnswer, CertificateState
from core.storefronts import Storefront
from core.supply import NoPaper, SourceClass, Standing, Stop
from tests.core.joining import decides, fills_in, joins, staff
from tests.core.listings import alone, listed, lists, paper
from tests.core.props import scalar
from tests.core.traders import trader
from tests.stage import Clock, Goods, numbers, person, stock

LETTER: dict[str, Any] = {"kind": Kind.AUTHORISED, "papers": [PaperKind.IDENTITY]}
WITH_LETTER: dict[str, Any] = {"kind": Kind.AUTHORISED, "papers": [PaperKind.AUTHORISATION]}


async def letter(shop: Shop, applicant: Customer, application_id: int, number: str) -> int:
    """A brand's letter with this number, put into a draft."""
    paper_id = await shop.write(
        onboarding.add_paper,
        application_id=application_id,
        customer_id=applicant.id,
        file_id=f"file-{number}",
        file_unique_id=f"unique-{number}",
        file_kind="photo",
        once=f"{next(numbers)}",
    )
    said = {PaperField.KIND: "authorisation", PaperField.SCOPE: "Steam", PaperField.EXPIRES: "", PaperField.NUMBER: number}
    for what, text in said.items():
        await shop.write(onboarding.describe_paper, paper_id=paper_id, customer_id=applicant.id, field=what, text=text)
    return paper_id


async def register_says(shop: Shop, said: dict[str, CertificateState]) -> int:
    """The register answers for these numbers, and what it said is brought to the cards; returns to how many."""
    for one in await shop.read(standing.checks):
        if one.facts.number in said and one.state is CertificateState.PENDING:
            answer = CertificateAnswer(said[one.facts.number], {})
            await shop.write(standing.note_check, check_id=one.id, register="file", answer=answer)
    return await shop.write(onboarding.take_certificates)


async def certificate(shop: Shop, application_id: int) -> CheckResult:
    view = await shop.read(onboarding.application, application_id)
    assert view is not None
    return next(one.result for one in view.checks if one.what is CheckKind.CERTIFICATE)


@pytest.mark.parametrize(
    ("state", "result"),
    [(CertificateState.VALID, CheckResult.OK), (CertificateState.INVALID, CheckResult.FAIL), (None, CheckResult.PENDING)],
)
async def test_what_the_register_says_stands_on_the_card(
    shop: Shop, storefront: Storefront, state: CertificateState | None, result: CheckResult
) -> None:
    ann = await person(shop, storefront)
    application_id = await fills_in(shop, ann, **LETTER)
    await letter(shop, ann, application_id, "AUTH-1")
    await letter(shop, ann, application_id, "AUTH-2")
    await shop.write(onboarding.send, application_id=application_id, customer_id=ann.id, version=0)

    assert await register_says(shop, {"AUTH-1": CertificateState.VALID}) == 0, "the other one was not answered for"
    assert await certificate(shop, application_id) is CheckResult.PENDING
    assert await register_says(shop, {} if state is None else {"AUTH-2": state}) == (state is not None)
    assert await certificate(shop, application_id) is result


async def test_a_paper_that_was_taken_out_is_waited_for_no_longer(shop: Shop, storefront: Storefront) -> None:
    ann = await person(shop, storefront)
    application_id = await fills_in(shop, ann, **LETTER)
    wrong = await letter(shop, ann, application_id, "TYPO-1")
    await shop.write(onboarding.remove_paper, paper_id=wrong, customer_id=ann.id)
    await letter(shop, ann, application_id, "GOOD-1")
    await shop.write(onboarding.send, application_id=application_id, customer_id=ann.id, version=0)

    assert await register_says(shop, {"GOOD-1": CertificateState.VALID}) == 1
    assert await certificate(shop, application_id) is CheckResult.OK


async def test_a_paper_that_was_sent_instead_of_an_expired_one_authorises(shop: Shop, storefront: Storefront) -> None:
    [admin] = await staff(shop, storefront, 7001)
    ann = await person(shop, storefront)
    application_id = await fills_in(shop, ann, **LETTER)
    old = await letter(shop, ann, application_id, "OLD-1")
    await shop.write(onboarding.send, application_id=application_id, customer_id=ann.id, version=0)
    await register_says(shop, {"OLD-1": CertificateState.EXPIRED})
    assert await certificate(shop, application_id) is CheckResult.FAIL
    await decides(shop, admin, application_id, Verdict.SEND_BACK)
    await shop.write(onboarding.remove_paper, paper_id=old, customer_id=ann.id)
    await letter(shop, ann, application_id, "NEW-1")
    await shop.write(onboarding.send, application_id=application_id, customer_id=ann.id, version=1)
    await register_says(shop, {"NEW-1": CertificateState.VALID})

    assert (await decides(shop, admin, application_id, version=2, standing=Standing.AUTHORISED)).supplier_id is not None


@pytest.mark.parametrize(("result", "state"), [(CheckResult.OK, CertificateState.VALID), (CheckResult.FAIL, CertificateState.INVALID)])
async def test_what_a_person_says_on_the_card_is_kept_with_the_certificate(
    shop: Shop, storefront: Storefront, result: CheckResult, state: CertificateState
) -> None:
    ann = await person(shop, storefront)
    application_id = await fills_in(shop, ann, **LETTER)
    await letter(shop, ann, application_id, "AUTH-1")
    await shop.write(onboarding.send, application_id=application_id, customer_id=ann.id, version=0)
    said: dict[str, Any] = {"what": CheckKind.CERTIFICATE, "result": result, "facts": {}, "by": "telegram:7001"}
    assert await shop.write(onboarding.settle_check, application_id=application_id, version=1, **said)

    [kept] = await shop.read(standing.checks)
    assert (kept.state, kept.register, kept.answers[-1].by) == (state, "manual", "telegram:7001")
    assert await register_says(shop, {"AUTH-1": CertificateState.EXPIRED}) == 0, "a person's word stands"


async def test_what_was_stopped_by_a_former_paper_sells_on_a_good_one(shop: Shop, goods: Goods, clock: Clock) -> None:
    await alone(shop, goods)
    made, _, offer_id = await listed(shop, goods, expires_on=(clock() + timedelta(days=2)).date())
    await stock(shop, offer_id, goods.sku_id, 3)
    clock.passes(days=9)
    for _ in range(2):
        await shop.write(onboarding.watch_documents)
    assert [one.why for one in await shop.read(supply.stops, [offer_id])] == [Stop.PAPER]
    await shop.write(supply.withdraw_offer, offer_id=offer_id, by="test")

    assert (await lists(shop, goods, made.id, await paper(shop, goods, made.id))).offer.id == offer_id
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **goods.terms())
    assert (await shop.read(audit.audit)).clean


async def test_nothing_is_listed_or_brought_before_the_deposit_is_paid(shop: Shop, goods: Goods) -> None:
    front = goods.storefront
    [admin] = await staff(shop, front, 7001)
    await shop.write(onboarding.set_deposit, storefront_id=front.id, standing=Standing.NEW, amount_minor=50_000, by="telegram:7001")
    late = await joins(shop, front, await person(shop, front), admin)
    [theirs] = await shop.read(onboarding.papers_for_listing, late)
    found = await shop.read(supply.supplier, late)
    assert found is not None
    of: dict[str, Any] = {"supplier": found, "sku_id": goods.sku_id}

    with pytest.raises(onboarding.DepositFirst):
        await shop.read(onboarding.may_list, **of)
    with pytest.raises(onboarding.DepositFirst):
        await shop.read(onboarding.may_stock, **of, quantity=1)
    with pytest.raises(onboarding.DepositFirst):
        await lists(shop, goods, late, theirs.id)
    with pytest.raises(onboarding.DepositFirst):
        await offers_for(shop, goods, late, theirs.id, SourceClass.OWN_STOCK)
    await shop.write(onboarding.waive_deposit, supplier_id=late, by="telegram:7001")
    await shop.read(onboarding.may_list, **of)
    await lists(shop, goods, late, theirs.id)
    await shop.read(onboarding.may_stock, **of, quantity=1)


async def offers_for(shop: Shop, goods: Goods, supplier_id: int, document_id: int | None, source_class: SourceClass) -> supply.Offer:
    return await shop.write(
        onboarding.offer_for,
        supplier_id=supplier_id,
        sku_id=goods.sku_id,
        cost_minor=8500,
        cost_currency="CNY",
        source_class=source_class,
        document_id=document_id,
        by="telegram:1",
    )


async def test_the_staff_list_a_suppliers_goods_on_their_papers_and_as_their_standing_allows(shop: Shop, goods: Goods) -> None:
    acme = await trader(shop, standing=Standing.NEW)
    with pytest.raises(NoPaper):
        await offers_for(shop, goods, acme.id, None, SourceClass.OWN_STOCK)
    document_id = await paper(shop, goods, acme.id)
    with pytest.raises(standing.ClassNotAllowed):
        await offers_for(shop, goods, acme.id, document_id, SourceClass.AUTHORISED)
    assert await shop.read(supply.offers_of, acme.id) == []

    made = await offers_for(shop, goods, acme.id, document_id, SourceClass.OWN_STOCK)

    view = await shop.read(supply.offer_view, made.id)
    assert view is not None and view.document_id == document_id and await shop.read(supply.stops, [made.id]) == []
    await shop.read(onboarding.may_stock, supplier=acme, sku_id=goods.sku_id, quantity=1)
    # What the shop has bought is its own, whoever brings it.
    vendor = await shop.write(supply.new_vendor, name="Card Wholesale", by="telegram:1")
    assert (await offers_for(shop, goods, vendor.id, None, SourceClass.PURCHASED)).payable_id is None


async def test_what_an_offer_rests_on_is_changed_within_the_same_bounds(shop: Shop, goods: Goods, clock: Clock) -> None:
    acme, first, offer_id = await listed(shop, goods, standing=Standing.NEW, expires_on=(clock() + timedelta(days=2)).date())
    other = await trader(shop, name="Other")
    asked: dict[str, Any] = {"offer_id": offer_id, "by": "telegram:1"}
    with pytest.raises(standing.ClassNotAllowed):
        await shop.write(onboarding.rest_on, **asked, source_class=SourceClass.AUTHORISED)
    with pytest.raises(NoPaper):
        await shop.write(onboarding.rest_on, **asked, document_id=await paper(shop, goods, other.id))
    clock.passes(days=9)
    for _ in range(2):
        await shop.write(onboarding.watch_documents)
    with pytest.raises(NoPaper):
        await shop.write(onboarding.rest_on, **asked, document_id=first)

    second = await paper(shop, goods, acme.id)
    await shop.write(onboarding.rest_on, **asked, document_id=second)

    view = await shop.read(supply.offer_view, offer_id)
    assert view is not None and view.document_id == second
    assert Stop.PAPER not in {one.why for one in await shop.read(supply.stops, [offer_id])}
    assert (await shop.read(audit.audit)).clean


async def joined_with_letter(shop: Shop, storefront: Storefront, number: str = "AUTH-1") -> int:
    """A supplier who was approved as new while the register had not answered for their letter; their id."""
    [admin] = await staff(shop, storefront, 7001)
    return await joins(shop, storefront, await person(shop, storefront), admin, **WITH_LETTER, number=number)


async def test_a_letter_authorises_nothing_before_its_certificate_is_confirmed(shop: Shop, goods: Goods) -> None:
    supplier_id = await joined_with_letter(shop, goods.storefront)
    [found] = await shop.read(onboarding.papers_for_listing, supplier_id)
    assert found.good and not found.proven
    await shop.write(standing.set_standing, supplier_id=supplier_id, standing=Standing.AUTHORISED, reason="t", by="telegram:7001")
    with pytest.raises(onboarding.PaperUnproven):
        await lists(shop, goods, supplier_id, found.id, source_class=SourceClass.AUTHORISED)
    own = (await lists(shop, goods, supplier_id, found.id)).offer.id
    with pytest.raises(onboarding.PaperUnproven):
        await shop.write(onboarding.rest_on, offer_id=own, source_class=SourceClass.AUTHORISED, by="telegram:1")
    await shop.write(supply.withdraw_offer, offer_id=own, by="test")

    await register_says(shop, {"AUTH-1": CertificateState.VALID})
    [found] = await shop.read(onboarding.papers_for_listing, supplier_id)
    assert found.proven
    await lists(shop, goods, supplier_id, found.id, source_class=SourceClass.AUTHORISED)


async def test_a_certificate_that_is_not_genuine_stops_what_rests_on_its_paper_until_a_person_says_it_is(shop: Shop, goods: Goods) -> None:
    await alone(shop, goods)
    supplier_id = await joined_with_letter(shop, goods.storefront)
    [found] = await shop.read(onboarding.papers_for_listing, supplier_id)
    offer_id = (await lists(shop, goods, supplier_id, found.id)).offer.id
    await shop.write(onboarding.approve_offer, offer_id=offer_id, by="telegram:7001")
    await stock(shop, offer_id, goods.sku_id, 2)
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="before", **goods.terms())

    await register_says(shop, {"AUTH-1": CertificateState.INVALID})
    assert await shop.read(onboarding.papers_for_listing, supplier_id) == []
    assert await shop.write(onboarding.follow_certificates) == 1 and await shop.write(onboarding.follow_certificates) == 0
    with pytest.raises(orders.NotForSale):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="after", **goods.terms())
    assert (await shop.read(audit.audit)).clean

    [check] = await shop.read(standing.checks)
    assert await shop.write(standing.decide_check, check_id=check.id, state=CertificateState.VALID, reason="seen", by="telegram:7001")
    assert await shop.write(onboarding.follow_certificates) == 1
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="again", **goods.terms())
    assert (await shop.read(audit.audit)).clean


async def test_the_newer_paper_of_a_letter_is_asked_about_too(shop: Shop, goods: Goods) -> None:
    front = goods.storefront
    supplier_id = await joined_with_letter(shop, front)
    await register_says(shop, {"AUTH-1": CertificateState.VALID})
    [found] = await shop.read(onboarding.papers_for_listing, supplier_id)
    [member] = await shop.read(supply.members_of, supplier_id)
    newer = await shop.write(
        onboarding.renew,
        document_id=found.id,
        telegram_id=member,
        file_id="newer",
        file_unique_id="newer",
        file_kind="photo",
        expires_on=None,
        once="newer",
    )
    assert [one.state for one in await shop.read(standing.checks)] == [CertificateState.PENDING, CertificateState.VALID]
    await shop.write(onboarding.decide_renewal, renewal_id=newer, storefront_id=front.id, telegram_id=7001, approved=True)
    assert not (await shop.read(onboarding.papers_for_listing, supplier_id))[0].proven

    await register_says(shop, {"AUTH-1": CertificateState.EXPIRED})
    assert await shop.write(onboarding.follow_certificates) == 1
    assert await shop.read(onboarding.papers_for_listing, supplier_id) == []


async def test_the_card_of_a_paper_that_waits_is_drawn_again_when_its_certificate_is_answered(
    shop: Shop, goods: Goods, database_url: str
) -> None:
    front = goods.storefront
    supplier_id = await joined_with_letter(shop, front)
    [found] = await shop.read(onboarding.papers_for_listing, supplier_id)
    [member] = await shop.read(supply.members_of, supplier_id)
    newer: dict[str, Any] = {"document_id": found.id, "telegram_id": member, "file_id": "newer", "file_unique_id": "newer", "once": "newer"}
    await shop.write(onboarding.renew, file_kind="photo", expires_on=None, **newer)
    cards = "SELECT count(*) FROM outbox WHERE topic = 'card'"
    before = await scalar(database_url, cards)
    assert before and await shop.write(onboarding.follow_certificates) == 0 and await scalar(database_url, cards) == before

    await register_says(shop, {"AUTH-1": CertificateState.VALID})

    assert await shop.write(onboarding.follow_certificates) == 1 and await shop.write(onboarding.follow_certificates) == 0
    assert await scalar(database_url, cards) > before
