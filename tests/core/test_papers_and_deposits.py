"""Papers of suppliers expire, stop what rests on them and are renewed; deposits move once and come back."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from core import audit, journal, ledger, onboarding, orders, outbox, supply
from core.audit.joining import JOINING
from core.database import Shop
from core.errors import Refusal
from core.onboarding import DepositState, DocumentState, PaperKind, RenewalState, Verdict
from core.storefronts import Storefront
from core.supply import Standing
from tests.core.joining import applies, decides, in_days, joins, staff
from tests.core.ledgers import assert_books
from tests.core.props import aside, at_once, balance
from tests.stage import Clock, Goods, give, person

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


async def said(shop: Shop) -> list[str]:
    """The notices about papers that wait to be sent."""
    leased = await shop.write(outbox.lease, worker="w", most=500, seconds=60)
    for one in leased:
        await shop.write(outbox.done, message_id=one.id, worker="w")
    return sorted(f"{one.body['says']} {one.body['event']}" for one in leased if str(one.body.get("says")).startswith("document"))


async def rest(url: str, offer_id: int, document_id: int, supplier_id: int) -> None:
    """An offer that rests on a paper, of its supplier."""
    async with aside(url) as connection:
        change = "UPDATE offers SET document_id = :document, supplier_id = :supplier WHERE id = :offer"
        await connection.execute(text(change), {"document": document_id, "supplier": supplier_id, "offer": offer_id})
        await connection.commit()


async def test_a_paper_is_reminded_of_expires_and_stops_sales_until_it_is_renewed(
    shop: Shop, goods: Goods, clock: Clock, database_url: str
) -> None:
    [admin, other] = await staff(shop, goods.storefront, 7001, 7002)
    ann = await person(shop, goods.storefront)
    supplier_id = await joins(shop, goods.storefront, ann, admin, papers=[PaperKind.PURCHASE], expires=in_days(shop, 40))
    [paper] = await shop.read(onboarding.documents_of, supplier_id)
    await rest(database_url, goods.offer_id, paper.id, supplier_id)
    await said(shop)

    assert await shop.write(onboarding.watch_documents) == 0
    told = []
    for days in (10, 22, 1, 6, 1, 1):  # 30, 8, 7, 1, 0 left, and over
        clock.passes(days=days)
        await shop.write(onboarding.watch_documents)
        assert await shop.write(onboarding.watch_documents) == 0, "each step once"
        told.append(await said(shop))
    both = ["document expires", "document-staff expires", "document-staff expires"]
    over = ["document expired", "document-staff expired", "document-staff expired"]
    assert told == [both, [], both, both, [], over]
    after = await shop.read(onboarding.document, paper.id)
    assert after is not None and not after.good and after.state is DocumentState.EXPIRED
    assert [one.id for one in await shop.read(supply.ranked, [goods.sku_id])] == [goods.offer_id], "sales go on for some days"

    clock.passes(days=3)
    assert await shop.write(onboarding.watch_documents) == 1
    assert await said(shop) == ["document stopped", "document-staff stopped", "document-staff stopped"]
    assert await shop.read(supply.ranked, [goods.sku_id]) == []
    assert [one.ref for one in await shop.read(supply.stops, [goods.offer_id])] == [f"document:{paper.id}"]
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    with pytest.raises(Refusal):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="stopped", **goods.terms())

    newer: dict[str, Any] = {"document_id": paper.id, "telegram_id": ann.telegram_id, "file_id": "f", "file_unique_id": "u"}
    newer |= {"file_kind": "document", "expires_on": date(2199, 1, 1), "once": "1:2"}
    renewal_id = await shop.write(onboarding.renew, **newer)
    assert await shop.write(onboarding.renew, **newer) == renewal_id, "the same message again"
    with pytest.raises(Refusal, match="RenewalWaits"):
        await shop.write(onboarding.renew, **{**newer, "once": "1:3"})
    decision: dict[str, Any] = {"renewal_id": renewal_id, "storefront_id": goods.storefront.id}
    granted, refused = await at_once(
        [shop.write(onboarding.decide_renewal, telegram_id=one.telegram_id, approved=True, **decision) for one in (admin, other)]
    )
    assert len(granted) == 1 and isinstance(refused[0], onboarding.Outdated)
    assert granted[0].state is RenewalState.APPROVED and granted[0].document is not None and granted[0].document.good
    assert [one.id for one in await shop.read(supply.ranked, [goods.sku_id])] == [goods.offer_id], "a renewed paper lifts what it stopped"
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="again", **goods.terms())
    assert await shop.write(onboarding.watch_documents) == 0


async def test_a_newer_paper_that_is_refused_changes_nothing_and_a_supplier_decides_nothing(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    [admin, boss] = await staff(shop, storefront, 7001, 7002)
    supplier_id = await joins(shop, storefront, boss, admin, papers=[PaperKind.PURCHASE], expires=in_days(shop, 2))
    [paper] = await shop.read(onboarding.documents_of, supplier_id)
    newer: dict[str, Any] = {"document_id": paper.id, "file_id": "f", "file_unique_id": "u", "file_kind": "photo", "once": "1:2"}

    with pytest.raises(onboarding.NotYours):
        await shop.write(onboarding.renew, telegram_id=admin.telegram_id, expires_on=None, **newer)
    for day in (clock().date(), date(2020, 1, 1), paper.expires_on):
        with pytest.raises(Refusal, match="NotLater"):
            await shop.write(onboarding.renew, telegram_id=boss.telegram_id, expires_on=day, **newer)
    renewal_id = await shop.write(onboarding.renew, telegram_id=boss.telegram_id, expires_on=None, **newer)
    decision: dict[str, Any] = {"renewal_id": renewal_id, "storefront_id": storefront.id}
    with pytest.raises(onboarding.OwnApplication):
        await shop.write(onboarding.decide_renewal, telegram_id=boss.telegram_id, approved=True, **decision)
    await shop.write(onboarding.decide_renewal, telegram_id=admin.telegram_id, approved=False, **decision)

    after = await shop.read(onboarding.document, paper.id)
    assert after is not None and (after.expires_on, after.waits) == (paper.expires_on, None)


async def test_a_paper_seen_by_hand_is_filed(shop: Shop, storefront: Storefront) -> None:
    [admin] = await staff(shop, storefront, 7001)
    supplier_id = await joins(shop, storefront, await person(shop, storefront), admin, papers=[])

    made = await shop.write(
        onboarding.add_document,
        supplier_id=supplier_id,
        storefront_id=storefront.id,
        kind=PaperKind.OTHER,
        scope="A contract on paper",
        by="telegram:7001",
    )

    found = await shop.read(onboarding.document, made)
    assert found is not None and found.good and found.file_id is None
    [entry] = await shop.read(journal.latest, about="supplier", about_id=supplier_id)
    assert entry.did == "add-document"


async def test_a_deposit_is_paid_once_kept_apart_and_given_back(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    since = clock()
    [admin] = await staff(shop, storefront, 7001)
    await shop.write(onboarding.set_deposit, storefront_id=storefront.id, standing=Standing.NEW, amount_minor=50_000, by="telegram:7001")
    ann = await person(shop, storefront)
    supplier_id = await joins(shop, storefront, ann, admin)
    pays: dict[str, Any] = {"supplier_id": supplier_id, "customer_id": ann.id}

    assert not await shop.read(onboarding.ready, supplier_id)
    with pytest.raises(ledger.TooLittle):
        await shop.write(onboarding.pay_deposit, **pays)
    await give(shop, ann, 70_000)
    paid, refused = await at_once([shop.write(onboarding.pay_deposit, **pays) for _ in range(4)])
    assert len(paid) == 4 and not refused
    assert await balance(shop, ann) == 20_000 and await shop.read(onboarding.ready, supplier_id)
    stranger = await person(shop, storefront, money_minor=90_000)
    with pytest.raises(onboarding.NotYours):
        await shop.write(onboarding.pay_deposit, supplier_id=supplier_id, customer_id=stranger.id)
    with pytest.raises(Refusal, match="NothingDue"):
        await shop.write(onboarding.waive_deposit, supplier_id=supplier_id, by="telegram:7001")

    back, refused = await at_once([shop.write(onboarding.give_deposit_back, supplier_id=supplier_id, by="telegram:7001") for _ in range(3)])
    assert len(back) == 1 and len(refused) == 2
    assert await balance(shop, ann) == 70_000 and not await shop.read(onboarding.ready, supplier_id)
    await shop.write(onboarding.pay_deposit, **pays)
    assert await balance(shop, ann) == 20_000, "it may be paid again"
    await assert_books(shop, since, clock())
    did = [(one.did, one.after["state"]) for one in await shop.read(journal.latest, about="supplier", about_id=supplier_id)]
    assert did == [("pay-deposit", "paid"), ("return-deposit", "returned"), ("pay-deposit", "paid")]


async def test_a_deposit_that_is_asked_for_no_more_lets_them_list(shop: Shop, storefront: Storefront) -> None:
    [admin] = await staff(shop, storefront, 7001)
    for amount in (50_000, 60_000, 60_000):
        await shop.write(
            onboarding.set_deposit, storefront_id=storefront.id, standing=Standing.NEW, amount_minor=amount, by="telegram:7001"
        )
    supplier_id = await joins(shop, storefront, await person(shop, storefront), admin)
    await shop.write(onboarding.waive_deposit, supplier_id=supplier_id, by="telegram:7001")

    found = await shop.read(onboarding.deposit_of, supplier_id)
    assert found is not None and (found.state, found.amount_minor) == (DepositState.WAIVED, 60_000)
    assert await shop.read(onboarding.ready, supplier_id)
    await shop.write(onboarding.set_deposit, storefront_id=storefront.id, standing=Standing.NEW, amount_minor=0, by="telegram:7001")
    assert await shop.read(onboarding.deposit_terms, storefront_id=storefront.id) == {}
    assert len([one for one in await shop.read(journal.latest, about="storefront") if one.did == "set-deposit"]) == 3
    with pytest.raises(Refusal, match="DepositTooLarge"):
        await shop.write(onboarding.set_deposit, storefront_id=storefront.id, standing=Standing.NEW, amount_minor=-1, by="t")


# Application 1 is approved, application 2 refused; supplier's paper 1 has expired and stopped offer 1; the deposit is paid.
DAMAGES = [
    ("an application is approved exactly when as many people approved it as it needs", "UPDATE applications SET reviewers_needed = 2"),
    (
        "an application is approved exactly when as many people approved it as it needs",
        "UPDATE application_decisions SET verdict = 'approve', standing = 'new' WHERE application_id = 2",
    ),
    ("a version that was sent back or refused is over", "UPDATE applications SET state = 'sent', decided_at = NULL WHERE id = 2"),
    ("a version that was sent back or refused is over", "UPDATE application_decisions SET verdict = 'send-back' WHERE application_id = 2"),
    (
        "two reviewers are two people, and none of them the applicant",
        "UPDATE application_decisions SET by = (SELECT 'telegram:' || a.telegram_id FROM applications a"
        " WHERE a.id = application_decisions.application_id)",
    ),
    ("an approved application made a supplier for whom somebody acts, with an account, and no other did", "DELETE FROM supplier_members"),
    ("an offer rests on a paper of its supplier", "UPDATE offers SET document_id = 77"),
    ("what rests on a paper that has stopped it does not sell", "UPDATE offers SET closed_at = NULL"),
    (
        "a paper stops nothing while it is good",
        "UPDATE documents SET state = 'good', expired_at = NULL, stopped_at = NULL",
    ),
    (
        "a deposit is on its supplier's account while it is paid, and nothing else is",
        "UPDATE security_deposits SET amount_minor = amount_minor + 1",
    ),
    (
        "a deposit is on its supplier's account while it is paid, and nothing else is",
        "UPDATE accounts SET balance_minor = balance_minor + 1 WHERE kind = 'security'",
    ),
    ("a deposit that is paid has its transfer, and one that was returned has two", "UPDATE security_deposits SET round = round + 1"),
]


async def test_the_audit_finds_each_damage_of_joining(shop: Shop, goods: Goods, clock: Clock, database_url: str) -> None:
    """Each in a transaction of its own that is never committed."""
    [admin] = await staff(shop, goods.storefront, 7001)
    await shop.write(onboarding.set_deposit, storefront_id=goods.storefront.id, standing=Standing.NEW, amount_minor=5, by="t")
    ann = await person(shop, goods.storefront, money_minor=50)
    supplier_id = await joins(shop, goods.storefront, ann, admin, papers=[PaperKind.PURCHASE], expires=in_days(shop, 2))
    await shop.write(onboarding.pay_deposit, supplier_id=supplier_id, customer_id=ann.id)
    [paper] = await shop.read(onboarding.documents_of, supplier_id)
    await rest(database_url, goods.offer_id, paper.id, supplier_id)
    clock.passes(days=9)
    assert await shop.write(onboarding.watch_documents) == 1
    refused = await applies(shop, await person(shop, goods.storefront))
    await decides(shop, admin, refused, Verdict.REFUSE)
    assert (await shop.read(audit.audit)).clean

    missed = []
    for check, damage in DAMAGES:
        async with aside(database_url) as connection:
            for statement in damage.split(";"):
                changed = await connection.execute(text(statement))
            assert changed.rowcount > 0, damage
            report = await connection.run_sync(lambda beside: _examined(beside, shop))
            await connection.rollback()
        if check not in report.violated:
            missed.append((check, report.violated))

    assert missed == []
    assert {check for check, _ in DAMAGES} == set(JOINING)


def _examined(connection: Connection, shop: Shop) -> audit.Report:
    with Session(connection, info={"tools": shop.tools}) as session:
        return audit.examine(session)
