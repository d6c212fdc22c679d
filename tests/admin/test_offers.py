"""The staff make an offer, change and pause it, draw up a quota, and decide about a price that a cost has made too low."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import orders, people, pricing, supply
from core.database import Shop
from core.errors import Refusal
from core.storefronts import Storefront
from core.supply import SourceClass, Standing
from handlers.admin.desk import Do, Go
from handlers.admin.offer_facts import NotACost, cost_typed
from handlers.admin.quotas import NotAQuota, quota_typed
from handlers.notices import notice
from handlers.supply.stock import walk
from handlers.typed import percent_typed
from locales import Speech
from tests.admin.direct import Chatter, at_the_desk
from tests.core.listings import paper
from tests.core.offering import offered, supplier
from tests.stage import Goods

AUTHORISED = SourceClass.AUTHORISED


@pytest.fixture
async def desk(shop: Shop, storefront: Storefront) -> Chatter:
    return await at_the_desk(shop, storefront)


async def pressed(desk: Chatter, beginning: str) -> str:
    """Press the button of the newest screen whose data begins so."""
    return await desk.presses(next(data for data in desk.keyboard() if data.startswith(beginning)))


async def test_an_offer_is_made_by_buttons_and_read_with_all_its_facts(shop: Shop, desk: Chatter, goods: Goods) -> None:
    supplier = await shop.write(supply.new_supplier, name="Bright Cards", standing=Standing.AUTHORISED, telegram_id=42)

    assert "Of which denomination?" in await desk.presses(Go(to="offers"))
    assert "Price: ¥95.00" in await pressed(desk, f"adm:offers:{goods.sku_id}")
    assert "Who offers it?" in await pressed(desk, "adm:offer-by")
    assert "What does the offer rest on?" in await desk.presses(Go(to="offer-class", id=goods.sku_id, arg=str(supplier.id)))
    assert "They have no approved paper" in await desk.presses(Go(to="offer-paper", id=goods.sku_id, arg=walk(supplier.id, AUTHORISED)))
    await paper(shop, goods, supplier.id)
    assert "Which of their papers" in await desk.presses(Go(to="offer-paper", id=goods.sku_id, arg=walk(supplier.id, AUTHORISED)))
    assert "Type what one costs" in await pressed(desk, "adm:ask:")
    made = await desk.says("85")

    for line in ("Bright Cards", "authorised source", "consigned", "Cost: ¥85.00", "Margin: 10.52%", "Sells, at place 2", "a new source"):
        assert line in made, line
    offer_id = (await shop.read(supply.offer_views, supplier_id=supplier.id))[0].id
    assert "What does the offer rest on?" in await desk.presses(Go(to="offer-what", id=offer_id))
    assert "Rests on document 1" in await pressed(desk, "adm!:of-paper")
    assert "is not a cost" in await desk.answers("offer.cost", offer_id, "cheap indeed very")
    assert "waits" in (await desk.says("86 from 2199-01-31")) or "From Jan 31, 2199" in await desk.presses(Go(to="offer", id=offer_id))
    assert "Does not sell: it is paused" in await desk.presses(Do(act="of-pause", id=offer_id))
    assert "Sells, at place 2" in await desk.presses(Do(act="of-resume", id=offer_id))
    assert "cannot be above" in (await desk.answers("offer.min", offer_id, "9") + await desk.answers("offer.max", offer_id, "8"))
    await desk.presses(Go(to="home"))
    assert "Withdraw this offer?" in await desk.presses(Go(to="offer-drop", id=offer_id))
    assert "Withdrawn" in await pressed(desk, "adm!:of-drop")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_many_offers_of_a_denomination_come_ten_a_page(shop: Shop, desk: Chatter, goods: Goods) -> None:
    for n in range(12):
        await offered(shop, goods.sku_id, supplier_id=await supplier(shop, f"{n} " + "长" * 70))

    first = await desk.presses(Go(to="offers", id=goods.sku_id))
    assert first.count("长长长") >= 9 and sum(data.startswith("adm:offer:") for data in desk.keyboard()) == 10
    second = await desk.presses(Go(to="offers", id=goods.sku_id, page=1))
    assert sum(data.startswith("adm:offer:") for data in desk.keyboard()) == 3 and "Nobody offers it" not in second


async def test_a_quota_is_typed_and_its_offer_costs_what_it_says(shop: Shop, desk: Chatter, goods: Goods) -> None:
    supplier = await shop.write(supply.new_supplier, name="Bright Cards", standing=Standing.AUTHORISED, telegram_id=42)
    await desk.answers("sku.face", goods.sku_id, "100 CNY")
    await desk.answers("offer.new", goods.sku_id, "90", walk(supplier.id, AUTHORISED, await paper(shop, goods, supplier.id)))
    [offer] = await shop.read(supply.offer_views, supplier_id=supplier.id)

    assert "no quota contract yet" in await desk.presses(Go(to="offer-quota", id=offer.id))
    assert "is not a quota" in await desk.answers("quota.new", supplier.id, "much")
    assert "¥1,000.00 of ¥1,000.00 face value left, 15% off" in await desk.says("1000 CNY 15%")
    await desk.presses(Go(to="offer-quota", id=offer.id))
    assert "Cost: ¥85.00" in await pressed(desk, "adm!:of-quota")
    assert "follows from its quota" in await desk.answers("offer.cost", offer.id, "80")


async def test_a_proposed_price_is_taken_by_the_first_press(shop: Shop, desk: Chatter, goods: Goods) -> None:
    supplier = await shop.write(supply.new_supplier, name="Bright Cards", standing=Standing.AUTHORISED, telegram_id=42)
    await desk.answers("offer.new", goods.sku_id, "85", walk(supplier.id, AUTHORISED, await paper(shop, goods, supplier.id)))
    [offer] = await shop.read(supply.offer_views, supplier_id=supplier.id)
    await desk.answers("offer.cost", offer.id, "94.50")
    [found] = await shop.read(supply.repricings, storefront_id=goods.storefront.id)

    card, _ = await notice({"says": "reprice", "repricing": found.id}, Speech("en"), shop=shop, storefront=goods.storefront)
    assert "Cost: ¥85.00 → <b>¥94.50</b>" in card and "Price: ¥95.00 → <b>¥96.50</b>" in card
    assert "¥95.00 → ¥96.50" in str(desk.session.calls) or "too little" in await desk.presses(Go(to="reprices"))
    assert "was taken" in await desk.presses(Do(act="rp-take", id=found.id))
    assert "decided before" in await desk.presses(Do(act="rp-skip", id=found.id))

    price = (await shop.read(pricing.current, storefront_id=goods.storefront.id, sku_ids=[goods.sku_id]))[goods.sku_id]
    assert price.retail_minor == 9650
    assert "no longer in the shop" in await desk.presses(Do(act="rp-take", id=4711))


async def test_a_reseller_is_made_by_a_press_and_reads_and_pays_wholesale(shop: Shop, desk: Chatter, goods: Goods) -> None:
    buyer = Chatter(shop, goods.storefront, 8101)
    await buyer.says("/start")
    known = await shop.read(people.find, storefront_id=goods.storefront.id, telegram_id=8101)
    assert known is not None

    assert "Wholesale: ¥90.00" in await desk.answers("sku.whole", goods.sku_id, "90")
    assert "A reseller" in await desk.presses(Do(act="wholesale", id=known.id, arg="1"))
    await desk.answers("sku.price", goods.sku_id, "96")
    assert "Price: ¥96.00" in await desk.presses(Go(to="offers", id=goods.sku_id))

    assert "¥90.00" in await buyer.says("/start")
    shown = await buyer.says("steam")
    assert "¥90.00" in shown and "Source: own stock · warranty" in shown and "new source" in shown
    quote = await shop.read(orders.quote, storefront_id=goods.storefront.id, customer_id=known.id, sku_id=goods.sku_id, quantity=2)
    assert quote.total_minor == 18_000


async def test_the_smallest_margin_and_the_guard_are_set_in_sentences(shop: Shop, desk: Chatter, storefront: Storefront) -> None:
    assert "less than <b>2%</b>" in await desk.presses(Go(to="price-rule"))
    assert "is not a margin" in await desk.answers("rule.margin", 0, "99")
    assert "less than <b>3.5%</b>" in await desk.says("3.5%")
    assert "Nothing is sold below its cost" in await desk.presses(Do(act="rule-loss", arg="1"))
    assert (await shop.read(supply.rule_of, storefront.id)).never_below_cost


@given(text=st.text(max_size=40))
def test_whatever_is_typed_is_a_cost_a_quota_a_margin_or_refused_in_a_sentence(text: str) -> None:
    with contextlib.suppress(Refusal):
        minor, currency, _ = cost_typed(text, "CNY", "UTC")
        assert minor >= 0 and len(currency) == 3
    with contextlib.suppress(Refusal):
        minor, currency, off = quota_typed(text)
        assert minor > 0 and len(currency) == 3 and 0 <= off < 10_000
    margin = percent_typed(text, most=90)
    assert margin is None or 0 <= margin <= 9_000


def test_costs_and_quotas_are_typed_as_people_write_them() -> None:
    assert cost_typed("85", "CNY", "UTC")[:2] == (8500, "CNY")
    assert cost_typed("12.5 USD", "CNY", "UTC") == (1250, "USD", None)
    minor, _, day = cost_typed("86.00 from 2027-01-31", "CNY", "UTC")
    assert minor == 8600 and day is not None and day.date().isoformat() == "2027-01-31"
    assert cost_typed("86 2027-01-31 18:00", "CNY", "UTC")[2] == day + timedelta(hours=18)
    assert quota_typed("100,000 cny 12.5%") == (10_000_000, "CNY", 1250)
    for wrong in ("", "85 from", "85 from tomorrow"):
        with pytest.raises(NotACost):
            cost_typed(wrong, "CNY", "UTC")
    for wrong in ("", "100", "100 CNY", "0 CNY 5%", "100 CNY 100%"):
        with pytest.raises(NotAQuota):
            quota_typed(wrong)
