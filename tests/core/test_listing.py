"""On which papers goods may be listed, brought in and sold: good ones, of the supplier, of the offer itself."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from core import journal, onboarding, orders, standing, supply
from core.database import Shop
from core.onboarding import Kind, PaperKind, PaperOver, WorksMissing
from core.standing import BrandGuarded
from core.supply import NoPaper, SourceClass, Standing, Stop, SupplierView
from tests.core.joining import applies, decides, staff
from tests.core.listings import alone, listed, lists, paper
from tests.core.traders import trader
from tests.stage import Clock, Goods, person, put_on_sale, stock

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


async def brings(shop: Shop, goods: Goods, by: SupplierView) -> None:
    """Raises what stands against bringing codes in."""
    await shop.read(onboarding.may_stock, supplier=by, sku_id=goods.sku_id, quantity=1)


async def may_be_listed(shop: Shop, goods: Goods, by: SupplierView) -> None:
    await shop.read(onboarding.may_list, supplier=by, sku_id=goods.sku_id)


async def test_goods_are_listed_on_a_good_paper_of_ones_own_and_on_no_other(shop: Shop, goods: Goods, clock: Clock) -> None:
    acme, other = await trader(shop), await trader(shop, name="Other")
    today = clock().date()
    bad = {
        "none": None,
        "unknown": 999,
        "of another": await paper(shop, goods, other.id),
        "run out": await paper(shop, goods, acme.id, expires_on=today - timedelta(days=1)),
        "about a person": await paper(shop, goods, acme.id, kind=PaperKind.IDENTITY),
        "about a company": await paper(shop, goods, acme.id, kind=PaperKind.REGISTRATION),
    }

    with pytest.raises(NoPaper):
        await may_be_listed(shop, goods, acme)
    for document_id in bad.values():
        with pytest.raises(NoPaper):
            await lists(shop, goods, acme.id, document_id)
    assert await shop.read(supply.offers_of, acme.id) == []

    last_day = await paper(shop, goods, acme.id, expires_on=today)
    await may_be_listed(shop, goods, acme)
    made = await lists(shop, goods, acme.id, last_day)
    [facts] = await shop.read(supply.offers_with_facts, acme.id)
    assert (facts.id, facts.document_id, made.waits) == (made.offer.id, last_day, False)


async def test_a_paper_that_has_run_out_stops_new_listings_and_new_codes_at_once_and_sales_days_later(
    shop: Shop, goods: Goods, clock: Clock
) -> None:
    acme, document_id, offer_id = await listed(shop, goods, expires_on=clock().date() + timedelta(days=1))
    await alone(shop, goods)
    await stock(shop, offer_id, goods.sku_id, 5)
    other = await put_on_sale(shop, goods.storefront, name="Riot", count=0, category_id=goods.category_id)
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    await brings(shop, goods, acme)

    clock.passes(days=2)
    # The day itself says so, before any job has come by.
    with pytest.raises(NoPaper):
        await lists(shop, other, acme.id, document_id)
    with pytest.raises(NoPaper):
        await may_be_listed(shop, other, acme)
    with pytest.raises(PaperOver):
        await brings(shop, goods, acme)
    await shop.write(onboarding.watch_documents)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="in the days of grace", **goods.terms())
    with pytest.raises(PaperOver):
        await brings(shop, goods, acme)

    clock.passes(days=3)
    await shop.write(onboarding.watch_documents)
    with pytest.raises(orders.NotForSale):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="too late", **goods.terms())
    assert [one.why for one in await shop.read(supply.stops, [offer_id])] == [Stop.PAPER]


async def test_another_good_paper_does_not_stand_in_for_the_offers_own(shop: Shop, goods: Goods, clock: Clock) -> None:
    acme, document_id, _ = await listed(shop, goods, expires_on=clock().date())
    another = await paper(shop, goods, acme.id, scope="Riot points")
    other = await put_on_sale(shop, goods.storefront, name="Riot", count=0, category_id=goods.category_id)
    await lists(shop, other, acme.id, another)

    clock.passes(days=1)
    with pytest.raises(PaperOver):
        await brings(shop, goods, acme)
    await brings(shop, other, acme)

    [admin] = await staff(shop, goods.storefront, 7001)
    [member] = await shop.read(supply.members_of, acme.id)
    sent: dict[str, Any] = {"file_id": "f", "file_unique_id": "u", "file_kind": "photo", "once": "1:1"}
    renewal = await shop.write(onboarding.renew, document_id=document_id, telegram_id=member, expires_on=date(2199, 1, 1), **sent)
    with pytest.raises(PaperOver):
        await brings(shop, goods, acme)
    facts: dict[str, Any] = {"renewal_id": renewal, "storefront_id": goods.storefront.id, "telegram_id": admin.telegram_id}
    await shop.write(onboarding.decide_renewal, approved=True, **facts)
    await brings(shop, goods, acme)


async def test_an_offer_without_a_paper_takes_nothing_in_whatever_other_papers_there_are(shop: Shop, goods: Goods) -> None:
    acme = await trader(shop)
    await paper(shop, goods, acme.id)
    facts: dict[str, Any] = {"cost_minor": 8500, "cost_currency": "CNY", "source_class": SourceClass.OWN_STOCK, "by": "test"}
    await shop.write(supply.new_offer, supplier_id=acme.id, sku_id=goods.sku_id, **facts)

    with pytest.raises(NoPaper):
        await brings(shop, goods, acme)


async def test_a_creator_lists_on_the_proof_of_their_works_and_its_expiry_stops_them_as_everybody(
    shop: Shop, goods: Goods, clock: Clock
) -> None:
    studio = await trader(shop, name="Studio", standing=Standing.CREATOR)
    receipt = await paper(shop, goods, studio.id)
    made: dict[str, Any] = {"source_class": SourceClass.CREATOR}
    with pytest.raises(NoPaper):
        await may_be_listed(shop, goods, studio)
    for document_id in (None, receipt):
        with pytest.raises(NoPaper):
            await lists(shop, goods, studio.id, document_id, **made)

    works = await paper(shop, goods, studio.id, kind=PaperKind.WORKS, expires_on=clock().date())
    await may_be_listed(shop, goods, studio)
    await lists(shop, goods, studio.id, works, **made)
    [facts] = await shop.read(supply.offers_with_facts, studio.id)
    assert facts.document_id == works
    await brings(shop, goods, studio)
    clock.passes(days=1)
    with pytest.raises(PaperOver):
        await brings(shop, goods, studio)


async def test_nobody_is_approved_as_creator_without_a_paper_on_which_works_may_rest(shop: Shop, goods: Goods) -> None:
    [admin] = await staff(shop, goods.storefront, 7001)
    bare = await applies(shop, await person(shop, goods.storefront), kind=Kind.CREATOR, papers=[PaperKind.IDENTITY, PaperKind.PURCHASE])
    with pytest.raises(WorksMissing):
        await decides(shop, admin, bare, standing=Standing.CREATOR)

    proven = await applies(shop, await person(shop, goods.storefront), kind=Kind.CREATOR, papers=[PaperKind.WORKS])
    decided = await decides(shop, admin, proven, standing=Standing.CREATOR)
    assert decided.supplier_id is not None
    [works] = await shop.read(onboarding.papers_for_listing, decided.supplier_id)
    assert (works.kind, works.scope) == (PaperKind.WORKS, "Steam")


async def test_a_new_suppliers_offer_sells_when_the_staff_have_approved_it(shop: Shop, goods: Goods) -> None:
    acme = await trader(shop, standing=Standing.NEW)
    made = await lists(shop, goods, acme.id, await paper(shop, goods, acme.id))
    await alone(shop, goods)
    await stock(shop, made.offer.id, goods.sku_id, 3)
    buyer = await person(shop, goods.storefront, money_minor=100_000)

    assert made.waits and [one.why for one in await shop.read(supply.stops, [made.offer.id])] == [Stop.APPROVAL]
    with pytest.raises(orders.NotForSale):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="before", **goods.terms())
    [member] = await shop.read(supply.members_of, acme.id)
    with pytest.raises(supply.OwnSupplier):
        await shop.write(onboarding.approve_offer, offer_id=made.offer.id, by=f"telegram:{member}")
    assert await shop.write(onboarding.approve_offer, offer_id=made.offer.id, by="telegram:7001")
    assert not await shop.write(onboarding.approve_offer, offer_id=made.offer.id, by="telegram:7002")
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="after", **goods.terms())
    assert [one.by for one in await shop.read(journal.latest, about="offer") if one.did == "approve-offer"] == ["telegram:7001"]


async def test_a_guarded_brand_is_listed_on_a_paper_that_names_it_and_on_no_other_of_theirs(shop: Shop, goods: Goods) -> None:
    await shop.write(standing.guard_brand, brand="Steam", by="test")
    acme = await trader(shop, standing=Standing.AUTHORISED)
    vague = await paper(shop, goods, acme.id, scope="All goods")
    naming = await paper(shop, goods, acme.id, scope="Steam wallets")
    with pytest.raises(BrandGuarded):
        await lists(shop, goods, acme.id, vague)
    assert (await lists(shop, goods, acme.id, naming)).offer.id
