"""Another paper that a supplier sends from the chat: described, sent, warned of, accepted, refused or taken back."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import blacklist, journal, onboarding, outbox, people, standing, supply
from core.audit.papers import PAPERS
from core.database import Shop
from core.errors import Refusal
from core.onboarding import CheckKind, CheckResult, DocumentState, PaperField, PaperKind, RenewalState
from core.people import Customer
from core.ports import CertificateState
from core.storefronts import Storefront
from core.supply import SourceClass, Standing
from tests.core.harm import Damage, not_found
from tests.core.joining import applies, in_days, joins, staff
from tests.core.props import at_once
from tests.core.sending import GROUP, describes, sends
from tests.stage import Clock, person, put_on_sale

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


async def supplier(shop: Shop, storefront: Storefront, *, name: str = "Lin", as_: Standing = Standing.NEW) -> tuple[int, Customer]:
    """A supplier with no paper at all, and the person who acts for it."""
    lin = await person(shop, storefront)
    made = await shop.write(supply.new_supplier, name=name, standing=as_, telegram_id=lin.telegram_id)
    return made.id, lin


async def decides(shop: Shop, storefront: Storefront, by: Customer, paper_id: int, *, approved: bool = True) -> onboarding.RenewalView:
    facts: dict[str, Any] = {"storefront_id": storefront.id, "telegram_id": by.telegram_id, "approved": approved}
    return await shop.write(onboarding.decide_renewal, renewal_id=paper_id, **facts)


async def posted(shop: Shop) -> list[tuple[outbox.Topic, int, dict[str, Any]]]:
    """What waits to be sent about papers, and to whom; it is sent then."""
    leased = await shop.write(outbox.lease, worker="w", most=500, seconds=60)
    for one in leased:
        await shop.write(outbox.done, message_id=one.id, worker="w")
    return [(one.topic, one.customer_id, dict(one.body)) for one in leased if "paper" in (one.body.get("says"), one.body.get("of"))]


async def found(shop: Shop, paper_id: int) -> dict[CheckKind, CheckResult]:
    view = await shop.read(onboarding.renewal, paper_id)
    assert view is not None
    return {one.what: one.result for one in view.findings}


async def test_a_first_paper_becomes_a_document_on_which_an_offer_rests_and_which_expires_and_is_renewed(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    [admin] = await staff(shop, storefront, 7001)
    supplier_id, lin = await supplier(shop, storefront)
    goods = await put_on_sale(shop, storefront, count=0)
    offer: dict[str, Any] = {"storefront_id": storefront.id, "supplier_id": supplier_id, "sku_id": goods.sku_id, "cost_minor": 100}
    offer |= {"cost_currency": "CNY", "source_class": SourceClass.OWN_STOCK, "by": f"telegram:{lin.telegram_id}"}
    with pytest.raises(supply.NoPaper):
        await shop.write(onboarding.list_offer, document_id=None, **offer)
    await posted(shop)

    day = in_days(shop, 40)
    paper_id = await sends(shop, supplier_id, lin, scope="Steam <cards>", expires=day)
    assert not await shop.write(onboarding.send_another, paper_id=paper_id, customer_id=lin.id, group_id=GROUP), "pressed twice, sent once"
    cards = await posted(shop)
    assert [(topic, to) for topic, to, _ in cards] == [(outbox.Topic.CARD, admin.id), (outbox.Topic.CARD, lin.id)]
    read = [await shop.read(onboarding.renewal_card, int(body["card"])) for _, _, body in cards]
    assert [one.chat_id for one in read if one is not None] == [admin.telegram_id, GROUP]
    assert await found(shop, paper_id) == dict.fromkeys(
        (CheckKind.PERSON, CheckKind.SAME_PAPER, CheckKind.EXPIRY, CheckKind.WORDS), CheckResult.OK
    )
    [waits] = await shop.read(onboarding.papers_waiting, supplier_id)
    assert (waits.id, waits.another, waits.document) == (paper_id, True, None)
    assert await shop.read(onboarding.documents_of, supplier_id) == []

    decided = await decides(shop, storefront, admin, paper_id)
    with pytest.raises(onboarding.Outdated):
        await decides(shop, storefront, admin, paper_id, approved=False)
    assert decided.state is RenewalState.APPROVED and await shop.read(onboarding.papers_waiting, supplier_id) == []
    [document] = await shop.read(onboarding.documents_of, supplier_id)
    assert (document.kind, document.scope, document.file_id, document.good) == (
        PaperKind.PURCHASE,
        "Steam <cards>",
        decided.file_id,
        True,
    )
    assert document.expires_on == date.fromisoformat(day)
    told = await posted(shop)
    assert [body for topic, to, body in told if topic is outbox.Topic.NOTICE and to == lin.id] == [
        {"says": "paper", "paper": paper_id, "event": "approved"}
    ]
    assert len([1 for topic, _, _ in told if topic is outbox.Topic.CARD]) == 2, "the decision is drawn on every card"
    listed = await shop.write(onboarding.list_offer, document_id=document.id, **offer)
    [resting] = await shop.read(supply.offers_with_facts, supplier_id)
    assert (resting.id, resting.document_id) == (listed.offer.id, document.id)

    clock.passes(days=44)
    await shop.write(onboarding.watch_documents)
    after = await shop.read(onboarding.document, document.id)
    assert after is not None and after.state is DocumentState.EXPIRED
    newer: dict[str, Any] = {"document_id": document.id, "telegram_id": lin.telegram_id, "file_id": "n", "file_unique_id": "n"}
    renewal = await shop.write(onboarding.renew, file_kind="photo", expires_on=date(2199, 1, 1), once="1:2", **newer)
    await decides(shop, storefront, admin, renewal)
    after = await shop.read(onboarding.document, document.id)
    assert after is not None and after.good

    entries = {one.did: one for one in await shop.read(journal.latest, about="paper")}
    assert entries["send-paper"].before == {"state": "draft"}
    assert entries["send-paper"].after == {"state": "sent", "scope": "Steam <cards>", "expires_on": day}
    assert entries["decide-paper"].before == {"state": "sent"}
    assert entries["decide-paper"].after == {"state": "approved", "document_id": document.id}


async def test_a_draft_is_kept_whatever_is_typed_wrongly_and_beginning_again_goes_on_with_it(shop: Shop, storefront: Storefront) -> None:
    supplier_id, lin = await supplier(shop, storefront)
    await staff(shop, storefront, 7001)
    paper_id = await describes(shop, supplier_id, lin, scope="PlayStation", expires="2199-12-31")
    own: dict[str, Any] = {"paper_id": paper_id, "customer_id": lin.id}
    kept = await shop.read(onboarding.renewal, paper_id)

    for field, typed, refusal in (
        (PaperField.KIND, "forged", "TextWrong"),
        (PaperField.SCOPE, "x", "TextWrong"),
        (PaperField.SCOPE, "x" * 301, "TextWrong"),
        (PaperField.NUMBER, "!", "TextWrong"),
        (PaperField.EXPIRES, "next year", "DateWrong"),
        (PaperField.EXPIRES, in_days(shop, -1), "OverAlready"),
    ):
        with pytest.raises(Refusal, match=refusal):
            await shop.write(onboarding.say_of_another, field=field, text=typed, **own)
    assert await shop.read(onboarding.renewal, paper_id) == kept
    assert await shop.write(onboarding.begin_another, supplier_id=supplier_id, customer_id=lin.id) == paper_id
    assert await shop.read(onboarding.renewal, paper_id) == kept

    await shop.write(onboarding.start_again, **own)
    empty = await shop.read(onboarding.renewal, paper_id)
    assert empty is not None and (empty.kind, empty.scope, empty.file_id, empty.dated, empty.expires_on) == (None, None, None, False, None)
    with pytest.raises(onboarding.NotFinished):
        await shop.write(onboarding.send_another, **own)
    assert onboarding.next_to_say(empty) is PaperField.KIND


async def test_a_day_that_has_passed_since_it_was_typed_is_asked_for_again(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    supplier_id, lin = await supplier(shop, storefront)
    paper_id = await describes(shop, supplier_id, lin, expires=in_days(shop, 1))
    clock.passes(days=2)
    with pytest.raises(onboarding.OverAlready):
        await shop.write(onboarding.send_another, paper_id=paper_id, customer_id=lin.id)
    own: dict[str, Any] = {"paper_id": paper_id, "customer_id": lin.id}
    await shop.write(onboarding.say_of_another, field=PaperField.EXPIRES, text=in_days(shop, 1), **own)
    assert await shop.write(onboarding.send_another, **own)
    clock.passes(days=2)
    assert (await found(shop, paper_id))[CheckKind.EXPIRY] is CheckResult.FAIL, "it waited for too long"


async def test_only_who_acts_for_the_supplier_sends_and_a_suspended_one_cannot(shop: Shop, storefront: Storefront) -> None:
    supplier_id, lin = await supplier(shop, storefront)
    stranger, colleague = await person(shop, storefront), await person(shop, storefront)
    await shop.write(supply.add_member, supplier_id=supplier_id, telegram_id=colleague.telegram_id)
    paper_id = await describes(shop, supplier_id, lin)

    with pytest.raises(onboarding.NotYours):
        await shop.write(onboarding.begin_another, supplier_id=supplier_id, customer_id=stranger.id)
    for other in (stranger, colleague):
        own: dict[str, Any] = {"paper_id": paper_id, "customer_id": other.id}
        tried: list[tuple[Any, dict[str, Any]]] = [
            (onboarding.say_of_another, {"field": PaperField.SCOPE, "text": "Riot"}),
            (onboarding.keep_file, {"file_id": "f", "file_unique_id": "f", "file_kind": "photo"}),
            (onboarding.start_again, {}),
            (onboarding.send_another, {}),
            (onboarding.take_paper_back, {}),
        ]
        for command, facts in tried:
            with pytest.raises(onboarding.NotYours):
                await shop.write(command, **own, **facts)

    await shop.write(standing.suspend, supplier_id=supplier_id, reason="used codes", by="test")
    with pytest.raises(supply.IsSuspended):
        await shop.write(onboarding.send_another, paper_id=paper_id, customer_id=lin.id)
    with pytest.raises(supply.IsSuspended):
        await shop.write(onboarding.begin_another, supplier_id=supplier_id, customer_id=lin.id)
    await shop.write(standing.unsuspend, supplier_id=supplier_id, by="test")
    assert await shop.write(onboarding.send_another, paper_id=paper_id, customer_id=lin.id)


async def test_five_papers_wait_at_most_and_one_that_is_taken_back_makes_room(shop: Shop, storefront: Storefront) -> None:
    [admin] = await staff(shop, storefront, 7001)
    supplier_id, lin = await supplier(shop, storefront)
    mate = await person(shop, storefront)
    await shop.write(supply.add_member, supplier_id=supplier_id, telegram_id=mate.telegram_id)
    waiting = [await sends(shop, supplier_id, lin) for _ in range(onboarding.MOST_WAITING - 1)]
    drafts = [(await describes(shop, supplier_id, one), one) for one in (lin, mate)]

    done, refused = await at_once([shop.write(onboarding.send_another, paper_id=paper_id, customer_id=one.id) for paper_id, one in drafts])
    assert done == [True] and isinstance(refused[0], onboarding.PapersWait)
    with pytest.raises(onboarding.PapersWait):
        await shop.write(onboarding.begin_another, supplier_id=supplier_id, customer_id=lin.id)

    taken: dict[str, Any] = {"paper_id": waiting[0], "customer_id": mate.id}
    assert await shop.write(onboarding.take_paper_back, **taken)
    assert not await shop.write(onboarding.take_paper_back, **taken), "pressed twice"
    assert not await shop.write(onboarding.send_another, paper_id=waiting[0], customer_id=lin.id), "a late press sends nothing"
    with pytest.raises(onboarding.Outdated):
        await decides(shop, storefront, admin, waiting[0])
    await shop.write(onboarding.begin_another, supplier_id=supplier_id, customer_id=lin.id)
    [back] = [one for one in await shop.read(journal.latest, about="paper") if one.did == "take-paper-back"]
    assert (back.by, back.before, back.after) == (f"telegram:{mate.telegram_id}", {"state": "sent"}, {"state": "taken_back"})

    await decides(shop, storefront, admin, waiting[1], approved=False)
    with pytest.raises(onboarding.Outdated):
        await shop.write(onboarding.take_paper_back, paper_id=waiting[1], customer_id=lin.id)
    assert await shop.read(onboarding.documents_of, supplier_id) == []


async def test_a_newer_paper_can_be_taken_back_too_and_another_be_sent(shop: Shop, storefront: Storefront) -> None:
    [admin] = await staff(shop, storefront, 7001)
    lin = await person(shop, storefront)
    supplier_id = await joins(shop, storefront, lin, admin, papers=[PaperKind.PURCHASE], expires=in_days(shop, 9))
    [document] = await shop.read(onboarding.documents_of, supplier_id)
    newer: dict[str, Any] = {"document_id": document.id, "telegram_id": lin.telegram_id, "file_id": "f", "file_unique_id": "u"}
    newer |= {"file_kind": "photo", "expires_on": None}
    first = await shop.write(onboarding.renew, once="1:1", group_id=GROUP, **newer)
    assert {body["of"] for _, _, body in await posted(shop) if "of" in body} == {"paper"}

    assert await shop.write(onboarding.take_paper_back, paper_id=first, customer_id=lin.id)
    after = await shop.read(onboarding.document, document.id)
    assert after is not None and after.waits is None and after.expires_on == document.expires_on
    second = await shop.write(onboarding.renew, once="1:2", **newer)
    assert second != first


async def test_staff_who_act_for_the_supplier_decide_nothing_nor_do_those_of_another_shop(shop: Shop, storefront: Storefront) -> None:
    [admin, boss] = await staff(shop, storefront, 7001, 7002)
    supplier_id, lin = await supplier(shop, storefront)
    await shop.write(supply.add_member, supplier_id=supplier_id, telegram_id=boss.telegram_id)
    paper_id = await sends(shop, supplier_id, lin)

    with pytest.raises(onboarding.OwnApplication):
        await decides(shop, storefront, boss, paper_id)
    with pytest.raises(onboarding.Outdated):
        await shop.write(onboarding.decide_renewal, renewal_id=paper_id, storefront_id=99, telegram_id=admin.telegram_id, approved=True)
    draft = await describes(shop, supplier_id, lin)
    with pytest.raises(onboarding.Outdated):
        await decides(shop, storefront, admin, draft)
    done, late = await at_once([decides(shop, storefront, admin, paper_id, approved=one) for one in (True, False)])
    assert len(done) == 1 and isinstance(late[0], onboarding.Outdated)


async def test_what_is_known_of_a_paper_is_told_to_the_staff(shop: Shop, storefront: Storefront) -> None:
    await staff(shop, storefront, 7001)
    supplier_id, lin = await supplier(shop, storefront, name="Blue Sky")
    other_id, bob = await supplier(shop, storefront, name="Red Sky")
    letter: dict[str, Any] = {"kind": PaperKind.AUTHORISATION}
    await shop.write(blacklist.ban_person, what="document", value="AUTH-13", reason="forged letters", by="test")
    await shop.write(standing.ban_word, word="casino", reason="no gambling", by="test")
    await shop.write(standing.guard_brand, brand="Nintendo", by="test")
    await sends(shop, other_id, bob, file="theirs", number="AUTH 7", **letter)

    copied = await sends(shop, supplier_id, lin, file="theirs", expires=in_days(shop, 20))
    seen = await found(shop, copied)
    assert (seen[CheckKind.SAME_PAPER], seen[CheckKind.EXPIRY]) == (CheckResult.FAIL, CheckResult.WARN)
    numbered = await sends(shop, supplier_id, lin, number="auth-7", scope="Nintendo cards", **letter)
    seen = await found(shop, numbered)
    assert (seen[CheckKind.SAME_PAPER], seen[CheckKind.WORDS]) == (CheckResult.WARN, CheckResult.WARN)
    assert seen[CheckKind.CERTIFICATE] is CheckResult.PENDING
    [check] = [one for one in await shop.read(standing.checks) if one.facts.number == "auth-7"]
    assert (check.facts.holder, check.facts.scope) == ("Blue Sky", "Nintendo cards")
    with pytest.raises(supply.OwnSupplier):
        await shop.write(
            onboarding.decide_certificate, check_id=check.id, state=CertificateState.VALID, reason="", by=f"telegram:{lin.telegram_id}"
        )
    for state, result in ((CertificateState.VALID, CheckResult.OK), (CertificateState.INVALID, CheckResult.FAIL)):
        await shop.write(onboarding.decide_certificate, check_id=check.id, state=state, reason="", by="telegram:7001")
        assert (await found(shop, numbered))[CheckKind.CERTIFICATE] is result
    listed = await sends(shop, supplier_id, lin, number="auth 13", scope="C A S I N O", **letter)
    seen = await found(shop, listed)
    assert (seen[CheckKind.SAME_PAPER], seen[CheckKind.WORDS]) == (CheckResult.FAIL, CheckResult.FAIL)
    await shop.write(blacklist.ban_person, what="name", value="blue sky", reason="left with the money", by="test")
    assert (await found(shop, listed))[CheckKind.PERSON] is CheckResult.FAIL

    # And whoever applies with a paper that waits elsewhere is told of, too.
    application = await shop.read(onboarding.application, await applies(shop, await person(shop, storefront), files=["theirs"]))
    assert application is not None
    assert {one.what: one.result for one in application.checks}[CheckKind.SAME_PAPER] is CheckResult.FAIL


async def test_what_a_colleague_has_brought_for_the_same_supplier_is_nobody_elses(shop: Shop, storefront: Storefront) -> None:
    [admin] = await staff(shop, storefront, 7001)
    ann, mate = await person(shop, storefront), await person(shop, storefront)
    supplier_id = await joins(shop, storefront, ann, admin, papers=[PaperKind.PURCHASE], files=["ours"])
    await shop.write(supply.add_member, supplier_id=supplier_id, telegram_id=mate.telegram_id)

    assert (await found(shop, await sends(shop, supplier_id, mate, file="ours")))[CheckKind.SAME_PAPER] is CheckResult.OK


@given(field=st.sampled_from(PaperField), typed=st.text(max_size=400))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_whatever_is_typed_is_kept_clean_or_refused_in_a_sentence(
    shop: Shop, storefront: Storefront, field: PaperField, typed: str
) -> None:
    customer = await shop.read(people.find, storefront_id=storefront.id, telegram_id=55)
    if customer is None:
        customer = await person(shop, storefront, 55)
        await shop.write(supply.new_supplier, name="Lin", standing=Standing.NEW, telegram_id=55)
    [mine] = await shop.read(supply.suppliers_of, 55)
    paper_id = await shop.write(onboarding.begin_another, supplier_id=mine.id, customer_id=customer.id)
    before = await shop.read(onboarding.renewal, paper_id)
    try:
        await shop.write(onboarding.say_of_another, paper_id=paper_id, customer_id=customer.id, field=field, text=typed)
    except Refusal:
        assert await shop.read(onboarding.renewal, paper_id) == before
    after = await shop.read(onboarding.renewal, paper_id)
    assert after is not None and len(after.scope or "") <= 300 and len(after.number or "") <= 64
    assert after.state is RenewalState.DRAFT


# Paper 1 is accepted and is document 1, 2 and 3 wait, 4 is a newer one for document 1.
DAMAGES = [
    Damage("a paper that was sent is of the supplier and the shop of its document", "document_renewals", sql)
    for sql in (
        "UPDATE document_renewals SET supplier_id = 77 WHERE id = 1",
        "UPDATE document_renewals SET storefront_id = NULL WHERE id = 2",
        "UPDATE document_renewals SET document_id = 77 WHERE id = 4",
    )
]
DAMAGES += [
    Damage(
        "another paper is a document exactly when it was accepted, one of its own, and as it was described",
        "document_renewals documents",
        sql,
    )
    for sql in (
        "UPDATE document_renewals SET document_id = 1 WHERE id = 2",
        "UPDATE document_renewals SET document_id = NULL WHERE id = 1",
        "UPDATE document_renewals SET document_id = NULL WHERE id = 4",
        "UPDATE document_renewals SET state = 'approved', document_id = 1 WHERE id = 2",
        "UPDATE documents SET scope = 'everything' WHERE id = 1",
        "UPDATE documents SET number = 'AUTH-1' WHERE id = 1",
    )
]
DAMAGES += [
    Damage("a paper that was sent is whole", "document_renewals", "UPDATE document_renewals SET file_id = NULL WHERE id = 2"),
    Damage("a paper that was sent is whole", "document_renewals", "UPDATE document_renewals SET scope = NULL WHERE id = 2"),
    Damage(
        "whoever sent a paper did not decide about it", "document_renewals", "UPDATE document_renewals SET decided_by = by WHERE id = 1"
    ),
    Damage(
        "of a supplier no more other papers wait than may, and of a document one newer one",
        "document_renewals",
        "INSERT INTO document_renewals SELECT * FROM document_renewals WHERE id = 4",
    ),
    Damage(
        "of a supplier no more other papers wait than may, and of a document one newer one",
        "document_renewals",
        "INSERT INTO document_renewals SELECT a.* FROM document_renewals a, document_renewals b WHERE a.id IN (2, 3) AND b.id IN (2, 3)",
    ),
]


async def test_the_audit_finds_each_damage_of_sent_papers(shop: Shop, storefront: Storefront, database_url: str) -> None:
    [admin] = await staff(shop, storefront, 7001)
    supplier_id, lin = await supplier(shop, storefront)
    first, *_ = [await sends(shop, supplier_id, lin) for _ in range(3)]
    decided = await decides(shop, storefront, admin, first)
    assert decided.document is not None
    newer: dict[str, Any] = {"document_id": decided.document.id, "telegram_id": lin.telegram_id, "file_id": "f", "file_unique_id": "u"}
    last = await shop.write(onboarding.renew, file_kind="photo", expires_on=None, once="1:1", **newer)
    assert (first, decided.document.id, last) == (1, 1, 4)

    assert await not_found(shop, database_url, DAMAGES) == []
    assert {one.check for one in DAMAGES} == set(PAPERS)
