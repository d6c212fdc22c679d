"""What the product screen tells of its source and its price, from the phone: how steady, how the price has moved, for this buyer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.jobs import jobs_of
from core import orders, people, pricing, supply
from core.database import Shop
from core.pricing import PriceLately
from core.storefronts import Storefront
from core.supply import SourceClass, SourceShown
from handlers.buy import STEADY, lately_told, source_told
from locales import Speech, languages
from tests.handlers.counter import Counter, opened
from tests.stage import Clock, Goods


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running


async def counted(shop: Shop) -> None:
    [job] = [job for job in jobs_of(shop) if job.name == "count-sources"]
    assert await job.run()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_the_screen_says_how_steady_the_source_was(counter: Counter, goods: Goods, clock: Clock) -> None:
    shop, buyer = counter.shop, await counter.buyer()
    new = (await buyer.say(f"/start sku-{goods.sku_id}"))["text"]
    assert "Source: own stock · warranty 3 days · new source\n" in new

    other = await counter.buyer("buyer", money_minor=20 * 9500)
    await other.say("/start")
    for n in range(20):
        await shop.write(orders.buy, buyer_id=other.customer.id, quantity=1, once=f"o{n}", **goods.terms())
    await counted(shop)
    steady = (await buyer.say(f"/start sku-{goods.sku_id}"))["text"]
    assert "Source: own stock · warranty 3 days · very steady (90 of 100)\n" in steady

    clock.passes(days=45)
    await counted(shop)
    assert "very steady (95 of 100)\n" in (await buyer.say(f"/start sku-{goods.sku_id}"))["text"], "half of ninety days old"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_the_screen_says_how_the_price_has_moved(counter: Counter, goods: Goods, clock: Clock) -> None:
    shop, buyer, reseller = counter.shop, await counter.buyer(), await counter.buyer("reseller")
    await reseller.say("/start")
    of: dict[str, Any] = {"storefront_id": counter.storefront.id, "sku_id": goods.sku_id}
    await shop.write(people.set_wholesale, storefront_id=counter.storefront.id, customer_id=reseller.customer.id, wholesale=True, by="test")
    assert "Last 30 days" not in (await buyer.say(f"/start sku-{goods.sku_id}"))["text"]

    clock.passes(days=9)
    await shop.write(pricing.set_price, **of, retail_minor=9900, wholesale_minor=9000, currency="CNY")
    clock.passes(days=2)
    await shop.write(pricing.set_price, **of, retail_minor=9700, wholesale_minor=9000, currency="CNY")
    since = Speech("en").day(clock())
    clock.passes(days=3)
    shown = (await buyer.say(f"/start sku-{goods.sku_id}"))["text"]
    assert f"Price: ¥97.00 each\nLast 30 days: ¥95.00 to ¥99.00, today's price since {since}\n" in shown
    wholesale = (await reseller.say(f"/start sku-{goods.sku_id}"))["text"]
    assert "Last 30 days: ¥90.00 to ¥95.00, today's price since " in wholesale and since not in wholesale, "theirs has held for longer"

    clock.passes(days=31)
    for one in (buyer, reseller):
        assert "Last 30 days" not in (await one.say(f"/start sku-{goods.sku_id}"))["text"], "there is no change to tell any more"


@pytest.mark.parametrize(
    ("stability", "word"),
    [(100, "very steady"), (90, "very steady"), (89, "steady"), (75, "steady"), (74, "with ups and downs"), (50, "with ups and downs"),
     (49, "unsteady"), (0, "unsteady")],
)  # fmt: skip
def test_every_score_has_its_word(stability: int, word: str) -> None:
    said = source_told(SourceShown(1, SourceClass.AUTHORISED, None, stability), 72, Speech("en"))
    assert said == f"Source: authorised source · warranty 3 days · {word} ({stability} of 100)"


@pytest.mark.parametrize("language", languages())
def test_the_words_are_the_buyers_own(language: str, clock: Clock) -> None:
    speech = Speech(language)
    words = {speech.label(word) for _, word in STEADY} | {speech.label("new source")}
    assert len(words) == len(STEADY) + 1, "no two are alike"
    for source_class in SourceClass:
        said = source_told(SourceShown(1, source_class, 12, 80), 72, speech)
        assert said is not None and speech.label("steady") in said and "80" in said
        assert language == "en" or "steady" not in said
    assert source_told(None, 72, speech) is None
    moved = lately_told(PriceLately(9000, 9900, 9500, "CNY", clock()), speech)
    assert moved is not None and all(speech.price(minor, "CNY") in moved for minor in (9000, 9900)) and speech.day(clock()) in moved


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_the_source_told_is_that_of_the_next_unit(shop: Shop, goods: Goods) -> None:
    assert (await shop.read(supply.source_shown, goods.sku_id)).offer_id == goods.offer_id  # type: ignore[union-attr]
    assert await shop.read(supply.source_shown, 10**6) is None
