"""Suppliers apply, are checked, and are decided about: once, by the right people, about what they saw."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import journal, ledger, onboarding, outbox, people, supply
from core.database import Shop
from core.errors import Refusal
from core.ledger import AccountKind
from core.onboarding import (
    ApplicationState,
    ApplicationView,
    CheckKind,
    CheckResult,
    Field,
    Kind,
    PaperField,
    PaperKind,
    Verdict,
)
from core.onboarding.rules import clean, clean_scope, read_date, reviewers_needed, suspicious_words
from core.storefronts import Storefront
from core.supply import Standing
from tests.core.joining import applies, decides, fills_in, joins, staff
from tests.core.props import assert_sound, at_once
from tests.stage import Clock, person

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


async def seen(shop: Shop, application_id: int) -> ApplicationView:
    found = await shop.read(onboarding.application, application_id)
    assert found is not None
    return found


async def checks(shop: Shop, application_id: int) -> dict[CheckKind, CheckResult]:
    return {one.what: one.result for one in (await seen(shop, application_id)).checks}


async def drawn(shop: Shop) -> list[dict[str, Any]]:
    """The cards that wait to be sent or drawn."""
    leased = await shop.write(outbox.lease, worker="w", most=500, seconds=60)
    await shop.write(outbox.end_leases, but="nobody")
    return [one.body for one in leased if one.topic is outbox.Topic.CARD]


async def test_one_press_makes_a_supplier_with_an_account_and_papers(shop: Shop, storefront: Storefront) -> None:
    [admin] = await staff(shop, storefront, 7001)
    ann = await person(shop, storefront)
    application_id = await applies(shop, ann, expires="2199-12-31")

    decided = await decides(shop, admin, application_id)

    assert (decided.state, decided.more_needed) == (ApplicationState.APPROVED, 0)
    [supplier] = await shop.read(supply.suppliers_of, ann.telegram_id)
    assert (supplier.id, supplier.standing, supplier.country) == (decided.supplier_id, Standing.NEW, "DE")
    assert [(one.kind, one.good, one.expires_on) for one in await shop.read(onboarding.documents_of, supplier.id)] == [
        (PaperKind.PURCHASE, True, date(2199, 12, 31)),
        (PaperKind.IDENTITY, True, date(2199, 12, 31)),
    ]
    assert await shop.read(onboarding.ready, supplier.id), "no deposit is asked for"
    account = await shop.write(ledger.open_account, party_id=supplier.id, kind=AccountKind.PAYABLE, currency="CNY")
    assert await shop.read(ledger.house_balance, account) == 0
    logged = await shop.read(journal.latest, about="application", about_id=application_id)
    assert [(one.did, one.by) for one in logged] == [
        ("decide-application", "telegram:7001"),
        ("send-application", f"telegram:{ann.telegram_id}"),
    ]
    with pytest.raises(onboarding.SupplierAlready):
        await shop.write(onboarding.begin, customer_id=ann.id, kind=Kind.CREATOR)


async def test_a_person_has_one_open_application_however_often_they_begin(shop: Shop, storefront: Storefront) -> None:
    ann = await person(shop, storefront)

    made, refused = await at_once([shop.write(onboarding.begin, customer_id=ann.id, kind=kind) for kind in [*Kind] * 3])

    assert len(set(made)) == 1 and not refused


async def test_a_decision_about_a_version_that_was_sent_again_changes_nothing(shop: Shop, storefront: Storefront) -> None:
    [admin, other] = await staff(shop, storefront, 7001, 7002)
    ann = await person(shop, storefront)
    application_id = await applies(shop, ann)
    await decides(shop, admin, application_id, Verdict.SEND_BACK, why="goods")
    about_it: dict[str, Any] = {"application_id": application_id, "customer_id": ann.id}

    with pytest.raises(onboarding.Outdated):
        await decides(shop, other, application_id)
    assert (await seen(shop, application_id)).why == "goods"
    await shop.write(onboarding.put, field=Field.GOODS, text="Only Steam cards", **about_it)
    with pytest.raises(onboarding.Outdated):
        await shop.write(onboarding.send, version=0, **about_it)  # the button of the first time
    assert await shop.write(onboarding.send, version=1, **about_it) == 2

    with pytest.raises(onboarding.Outdated):
        await decides(shop, other, application_id, Verdict.REFUSE, version=1, why="not-now")
    assert (await seen(shop, application_id)).state is ApplicationState.SENT
    assert (await decides(shop, other, application_id, version=2)).supplier_id is not None


async def test_what_is_with_the_shop_cannot_be_changed(shop: Shop, storefront: Storefront) -> None:
    ann = await person(shop, storefront)
    application_id = await applies(shop, ann)
    [paper, _] = (await seen(shop, application_id)).papers

    for change in (
        shop.write(onboarding.put, application_id=application_id, customer_id=ann.id, field=Field.NAME, text="Somebody"),
        shop.write(onboarding.remove_paper, paper_id=paper.id, customer_id=ann.id),
        shop.write(onboarding.describe_paper, paper_id=paper.id, customer_id=ann.id, field=PaperField.SCOPE, text="All"),
        shop.write(onboarding.begin, customer_id=ann.id, kind=Kind.STUDIO),
    ):
        with pytest.raises(onboarding.Waits):
            await change
    assert (await seen(shop, application_id)).papers[0] == paper


async def test_nobody_touches_anothers_application(shop: Shop, storefront: Storefront) -> None:
    ann, bob = await person(shop, storefront), await person(shop, storefront)
    application_id = await fills_in(shop, ann)
    [paper, _] = (await seen(shop, application_id)).papers

    for change in (
        shop.write(onboarding.put, application_id=application_id, customer_id=bob.id, field=Field.NAME, text="Somebody"),
        shop.write(onboarding.remove_paper, paper_id=paper.id, customer_id=bob.id),
        shop.write(onboarding.send, application_id=application_id, customer_id=bob.id, version=0),
        shop.write(onboarding.withdraw, application_id=application_id, customer_id=bob.id, version=0),
    ):
        with pytest.raises(onboarding.NoApplication):
            await change


async def test_a_studio_needs_two_people_and_one_person_pressing_twice_is_one(shop: Shop, storefront: Storefront) -> None:
    [admin, other, third] = await staff(shop, storefront, 7001, 7002, 7003)
    application_id = await applies(shop, await person(shop, storefront), kind=Kind.STUDIO, papers=[PaperKind.WORKS, PaperKind.IDENTITY])

    granted, refused = await at_once([decides(shop, admin, application_id, standing=Standing.CREATOR) for _ in range(4)])

    assert [one.more_needed for one in granted] == [1] and len(refused) == 3
    assert all(isinstance(one, onboarding.AlreadyApproved) for one in refused)
    assert (await seen(shop, application_id)).state is ApplicationState.SENT
    with pytest.raises(Refusal, match="OtherStanding"):
        await decides(shop, other, application_id, standing=Standing.NEW)
    granted, refused = await at_once([decides(shop, one, application_id, standing=Standing.CREATOR) for one in (other, third)])
    assert len(granted) == 1 and isinstance(refused[0], onboarding.Outdated), "two at once are one supplier"
    everybody: list[supply.SupplierView] = await shop.read(supply.all_suppliers)
    assert len(everybody) == 1


async def test_a_member_of_the_staff_does_not_decide_about_their_own_application(shop: Shop, storefront: Storefront) -> None:
    [admin, other] = await staff(shop, storefront, 7001, 7002)
    application_id = await applies(shop, admin)

    for verdict in Verdict:
        with pytest.raises(onboarding.OwnApplication):
            await decides(shop, admin, application_id, verdict)
    assert (await decides(shop, other, application_id)).supplier_id is not None


async def test_papers_are_wanted_and_an_authorised_supplier_without_one_needs_two(shop: Shop, storefront: Storefront) -> None:
    plain = await applies(shop, await person(shop, storefront), papers=[])
    authorised = await applies(shop, await person(shop, storefront), kind=Kind.AUTHORISED, papers=[], legal="company")

    assert (await checks(shop, plain))[CheckKind.MISSING] is CheckResult.WARN
    assert (await checks(shop, authorised))[CheckKind.MISSING] is CheckResult.FAIL
    assert [(await seen(shop, one)).reviewers_needed for one in (plain, authorised)] == [1, 2]


async def test_an_expired_paper_fails_and_one_that_expires_soon_warns(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    gone = await applies(shop, await person(shop, storefront), expires="2020-01-31")
    soon = await applies(shop, await person(shop, storefront), expires=clock().date().isoformat())

    assert (await checks(shop, gone))[CheckKind.EXPIRY] is CheckResult.FAIL and (await seen(shop, gone)).reviewers_needed == 2
    assert (await checks(shop, soon))[CheckKind.EXPIRY] is CheckResult.WARN


async def test_known_people_names_contacts_and_papers_are_found(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    [admin] = await staff(shop, storefront, 7001)
    ann, bob, cid = [await person(shop, storefront) for _ in range(3)]
    first = await applies(shop, ann, files=["the-same", "another"])
    await decides(shop, admin, first, Verdict.REFUSE, why="not-you")
    clock.passes(hours=25)

    again = await applies(shop, ann)
    assert (await checks(shop, again))[CheckKind.PERSON] is CheckResult.WARN
    copied = await applies(
        shop, bob, name=f" ANN  {ann.telegram_id}!", contact=f"@Ann_{ann.telegram_id}", files=["the-same"], papers=[PaperKind.IDENTITY]
    )
    found = await checks(shop, copied)
    assert found[CheckKind.NAME] is CheckResult.WARN
    assert found[CheckKind.CONTACT] is CheckResult.FAIL, "the contact of somebody who was refused"
    assert found[CheckKind.SAME_PAPER] is CheckResult.FAIL
    assert (await seen(shop, copied)).reviewers_needed == 2
    fresh = await applies(shop, cid)
    assert set((await checks(shop, fresh)).values()) == {CheckResult.OK}


async def test_banned_words_fail(shop: Shop, storefront: Storefront) -> None:
    application_id = await applies(shop, await person(shop, storefront), goods="Cracked accounts and 黑卡")

    [found] = [one for one in (await seen(shop, application_id)).checks if one.what is CheckKind.WORDS]
    assert (found.result, found.facts) == (CheckResult.FAIL, {"words": ["cracked", "黑卡"]})


async def test_a_certificate_that_nobody_has_looked_up_authorises_nobody(shop: Shop, storefront: Storefront) -> None:
    [admin] = await staff(shop, storefront, 7001)
    facts: dict[str, Any] = {"kind": Kind.AUTHORISED, "papers": [PaperKind.AUTHORISATION, PaperKind.IDENTITY], "number": "AUTH-1"}
    application_id = await applies(shop, await person(shop, storefront), **facts)

    assert (await checks(shop, application_id))[CheckKind.CERTIFICATE] is CheckResult.PENDING
    with pytest.raises(onboarding.CertificatePending):
        await decides(shop, admin, application_id, standing=Standing.AUTHORISED)
    answer: dict[str, Any] = {"application_id": application_id, "what": CheckKind.CERTIFICATE, "facts": {"register": "Valve"}, "by": "test"}
    assert not await shop.write(onboarding.settle_check, version=2, result=CheckResult.OK, **answer), "of another version"
    assert await shop.write(onboarding.settle_check, version=1, result=CheckResult.OK, **answer)
    assert not await shop.write(onboarding.settle_check, version=1, result=CheckResult.FAIL, **answer), "answered once"
    assert (await decides(shop, admin, application_id, standing=Standing.AUTHORISED)).supplier_id is not None


async def test_a_certificate_that_is_not_genuine_calls_for_a_second_person(shop: Shop, storefront: Storefront) -> None:
    facts: dict[str, Any] = {"kind": Kind.AUTHORISED, "papers": [PaperKind.AUTHORISATION, PaperKind.IDENTITY], "number": "AUTH-2"}
    application_id = await applies(shop, await person(shop, storefront), **facts)
    assert (await seen(shop, application_id)).reviewers_needed == 1

    await shop.write(
        onboarding.settle_check,
        application_id=application_id,
        version=1,
        what=CheckKind.CERTIFICATE,
        result=CheckResult.FAIL,
        facts={},
        by="test",
    )

    assert (await seen(shop, application_id)).reviewers_needed == 2


async def test_a_standing_that_does_not_fit_the_kind_and_a_reason_that_is_none_are_refused(shop: Shop, storefront: Storefront) -> None:
    [admin] = await staff(shop, storefront, 7001)
    application_id = await applies(shop, await person(shop, storefront))

    for standing in (Standing.OWN, Standing.AUTHORISED):
        with pytest.raises(Refusal, match="StandingWrong"):
            await decides(shop, admin, application_id, standing=standing)
    for verdict in (Verdict.REFUSE, Verdict.SEND_BACK):
        with pytest.raises(Refusal, match="ReasonMissing"):
            await decides(shop, admin, application_id, verdict, why=None, why_text="x" * 1001)


async def test_every_reviewer_and_the_group_get_a_card_and_each_change_draws_all_of_them_again(shop: Shop, storefront: Storefront) -> None:
    admins = await staff(shop, storefront, 7001, 7002)
    await shop.write(people.set_admins_from_settings, storefront_id=storefront.id, telegram_ids=[7001, 7002, 7003])  # never wrote to us
    ann = await person(shop, storefront)
    application_id = await applies(shop, ann, group_id=-100_5)

    cards = [one for one in [await shop.read(onboarding.card, number) for number in range(1, 5)] if one is not None]
    assert [(one.chat_id, one.version, one.message_id) for one in cards] == [(7001, 1, None), (7002, 1, None), (-1005, 1, None)]
    assert [body for body in await drawn(shop) if body.get("first")] == [{"card": one.id, "first": True} for one in cards]
    await shop.write(onboarding.card_shown, card_id=cards[0].id, message_id=55)
    await shop.write(onboarding.card_shown, card_id=cards[0].id, message_id=56)
    await decides(shop, admins[1], application_id)

    after = await shop.read(onboarding.card, cards[0].id)
    assert after is not None and after.message_id == 55 and after.revision > cards[0].revision
    assert sorted(body["card"] for body in await drawn(shop) if not body.get("first")) == [one.id for one in cards]


async def test_a_withdrawn_application_is_over_and_another_may_be_begun(shop: Shop, storefront: Storefront) -> None:
    [admin] = await staff(shop, storefront, 7001)
    ann = await person(shop, storefront)
    application_id = await applies(shop, ann)
    await shop.write(onboarding.withdraw, application_id=application_id, customer_id=ann.id, version=1)

    with pytest.raises(onboarding.Outdated):
        await decides(shop, admin, application_id)
    with pytest.raises(onboarding.Outdated):
        await shop.write(onboarding.withdraw, application_id=application_id, customer_id=ann.id, version=1)
    assert await applies(shop, ann) != application_id
    found = await shop.read(onboarding.application_of, ann.telegram_id)
    assert found is not None and found.state is ApplicationState.SENT


async def test_who_was_refused_may_apply_again_a_day_later(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    [admin] = await staff(shop, storefront, 7001)
    ann, ben = await person(shop, storefront), await person(shop, storefront)
    application_id = await applies(shop, ann)
    await decides(shop, admin, application_id, Verdict.REFUSE, why="not-you")
    refused_at = clock()
    clock.passes(hours=23)
    with pytest.raises(onboarding.RefusedLately) as no:
        await applies(shop, ann)
    assert abs(no.value.until - refused_at - timedelta(days=1)) < timedelta(minutes=1)
    await applies(shop, ben)
    clock.passes(hours=2)
    assert await applies(shop, ann) != application_id


async def test_an_unfinished_application_is_not_sent(shop: Shop, storefront: Storefront) -> None:
    ann = await person(shop, storefront)
    application_id = await shop.write(onboarding.begin, customer_id=ann.id, kind=Kind.CREATOR)
    with pytest.raises(onboarding.NotFinished):
        await shop.write(onboarding.send, application_id=application_id, customer_id=ann.id, version=0)
    await fills_in(shop, ann, kind=Kind.CREATOR, papers=[])
    paper: dict[str, Any] = {"file_id": "f", "file_unique_id": "u", "file_kind": "photo", "once": "one"}
    first = await shop.write(onboarding.add_paper, application_id=application_id, customer_id=ann.id, **paper)
    assert await shop.write(onboarding.add_paper, application_id=application_id, customer_id=ann.id, **paper) == first
    with pytest.raises(onboarding.NotFinished):  # what the paper is, nobody knows yet
        await shop.write(onboarding.send, application_id=application_id, customer_id=ann.id, version=0)

    await shop.write(onboarding.remove_paper, paper_id=first, customer_id=ann.id)
    assert await shop.write(onboarding.send, application_id=application_id, customer_id=ann.id, version=0) == 1


async def test_an_application_is_sent_once_however_often_it_is_pressed(shop: Shop, storefront: Storefront) -> None:
    await staff(shop, storefront, 7001)
    ann = await person(shop, storefront)
    application_id = await fills_in(shop, ann)

    sent, refused = await at_once(
        [shop.write(onboarding.send, application_id=application_id, customer_id=ann.id, version=0) for _ in range(5)]
    )

    assert sent == [1] and len(refused) == 4
    assert len([body for body in await drawn(shop) if body.get("first")]) == 1


async def test_approving_and_withdrawing_at_once_ends_as_one_of_the_two(shop: Shop, storefront: Storefront) -> None:
    [admin] = await staff(shop, storefront, 7001)
    for _ in range(4):
        ann = await person(shop, storefront)
        application_id = await applies(shop, ann)
        answers = await asyncio.gather(
            decides(shop, admin, application_id),
            shop.write(onboarding.withdraw, application_id=application_id, customer_id=ann.id, version=1),
            return_exceptions=True,
        )
        assert len([one for one in answers if isinstance(one, onboarding.Outdated)]) == 1
        made = await shop.read(supply.suppliers_of, ann.telegram_id)
        assert bool(made) == ((await seen(shop, application_id)).state is ApplicationState.APPROVED)


async def test_the_list_has_what_waits_the_longest_first(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    [admin] = await staff(shop, storefront, 7001)
    made = []
    for _ in range(3):
        made.append(await applies(shop, await person(shop, storefront)))
        clock.passes(hours=1)
    await fills_in(shop, await person(shop, storefront))  # a draft is nobody's business
    await decides(shop, admin, made[0])

    waiting = await shop.read(onboarding.applications, storefront_id=storefront.id, waiting=True)
    everything = await shop.read(onboarding.applications, storefront_id=storefront.id, waiting=False)

    assert [one.id for one in waiting] == made[1:] and [one.id for one in everything] == made[::-1]
    assert await shop.read(onboarding.how_many_wait, storefront_id=storefront.id) == 2


async def test_a_suspended_suppliers_namesake_is_told(shop: Shop, storefront: Storefront) -> None:
    [admin] = await staff(shop, storefront, 7001)
    await joins(shop, storefront, await person(shop, storefront), admin, name="Blue Sky")
    other = await applies(shop, await person(shop, storefront), name="blue-sky")

    assert (await checks(shop, other))[CheckKind.NAME] is CheckResult.WARN
    await assert_sound(shop)


# The rules, without a database


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("2027-12-31", date(2027, 12, 31)),
        ("2027/1/5", date(2027, 1, 5)),
        (" 2027年12月31日 ", date(2027, 12, 31)),
        ("31.12.2027", date(2027, 12, 31)),
        ("２０２７－１２－３１", date(2027, 12, 31)),
    ],
)
def test_days_are_read_as_people_type_them(said: str, day: date) -> None:
    assert read_date(said) == day


@given(st.text(max_size=40) | st.from_regex(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}", fullmatch=True))
def test_whatever_is_typed_as_a_day_is_a_day_or_refused(said: str) -> None:
    try:
        day = read_date(said)
    except Refusal:
        return
    assert read_date(day.isoformat()) == day


@given(st.sampled_from([Field.NAME, Field.CONTACT, Field.GOODS, Field.COUNTRY]), st.text(max_size=1200))
def test_whatever_is_typed_fits_the_column_or_is_refused(field: Field, said: str) -> None:
    try:
        kept = clean(field, said)
    except Refusal:
        return
    assert "\x00" not in kept and kept == clean(field, kept)
    assert len(kept) <= {Field.NAME: 200, Field.CONTACT: 200, Field.GOODS: 1000, Field.COUNTRY: 2}[field]
    assert clean_scope("Steam")


def test_words_are_found_as_words_and_not_inside_others() -> None:
    assert suspicious_words("CVV shop") == ["cvv"]
    assert suspicious_words("curacvvy uncracked") == []


def test_the_rule_of_two_is_data() -> None:
    fail, ok = (CheckKind.WORDS, CheckResult.FAIL), (CheckKind.WORDS, CheckResult.OK)
    assert [reviewers_needed(kind, None, [ok]) for kind in Kind] == [1, 1, 1, 2]
    assert all(reviewers_needed(kind, None, [fail]) == 2 for kind in Kind)
