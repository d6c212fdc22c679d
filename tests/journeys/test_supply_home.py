"""The home of a supplier, read whole: the shelf and how long it lasts, today's sales, the money, offers, cases and papers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.jobs import jobs_of
from core import aftersale, inventory, onboarding, orders, settlement, standing, supply
from core.aftersale import Reason
from core.database import Shop
from core.onboarding import PaperKind
from core.settlement import PayTo
from core.storefronts import Storefront
from core.supply import SourceClass
from locales import Speech
from sandbox.phone import Json, labels
from tests.core.props import assert_sound
from tests.core.supplies import released, settled
from tests.handlers.counter import Buyer, Counter, opened
from tests.stage import Clock, Goods, put_on_sale, stock
from tests.supplying import supplied


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running
    await assert_sound(shop, sample=3)


async def run(shop: Shop, *names: str) -> None:
    """What these timed jobs would do by now."""
    for job in [job for job in jobs_of(shop) if job.name in names]:
        while await job.run() >= job.full:
            pass


async def buys(counter: Counter, buyer: Buyer, goods: Goods, quantity: int, once: str) -> int:
    receipt = await counter.shop.write(orders.buy, buyer_id=buyer.customer.id, quantity=quantity, once=once, **goods.terms())
    counter.courier.wake()
    await buyer.sees(receipt.number)
    return receipt.order_id


async def home_of(buyer: Buyer) -> Json:
    """The home, whatever notices come beside it."""
    mine = await buyer.phone.says("/supply")
    return await buyer.phone.waits_for(lambda m: m["message_id"] > mine["message_id"] and "❓ How it works" in labels(m))


def rows(message: Json) -> list[list[str]]:
    return [[button["text"] for button in row] for row in message["reply_markup"]["inline_keyboard"]]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_every_line_of_a_suppliers_home_is_what_the_books_say(counter: Counter, clock: Clock) -> None:
    shop, storefront, speech = counter.shop, counter.storefront, Speech("en")
    clock.passes(hours=(4 - clock().hour) % 24)  # Noon of the shop's day: all that is sold below is of one day.
    lin, emma = await counter.buyer("supplier"), await counter.buyer("second", money_minor=1_000_000)
    await emma.say("/start")
    mine = await supplied(shop, storefront, lin.customer.telegram_id)
    steam = mine.goods
    home = await home_of(lin)
    assert home["text"] == "\n".join(
        ["Cards of Lin", "🏅 Authorised supplier", "", "📦 0 codes on the shelf", "🧾 Nothing sold yet today", "", "📄 1 valid paper"]
    )

    # Forty cards, and ten sold long ago, of which three hundred are paid out.
    by: dict[str, Any] = {"by": f"telegram:{lin.customer.telegram_id}"}
    await stock(shop, mine.offer_id, steam.sku_id, 40)
    await run(shop, "rank-sources")
    await buys(counter, emma, steam, 10, "old")
    await shop.write(
        settlement.set_address,
        supplier_id=mine.supplier_id,
        storefront_id=storefront.id,
        to=PayTo.WORDS,
        words="Bank of Lin, 1234567",
        **by,
    )
    await released(shop, clock, days=21)
    asked: dict[str, Any] = {"supplier_id": mine.supplier_id, "storefront_id": storefront.id, "currency": "CNY", **by}
    paid = await shop.write(settlement.ask_payout, amount_minor=30_000, **asked)
    staff: dict[str, Any] = {"payout_id": paid.id, "by": "telegram:7001"}
    await shop.write(settlement.approve_payout, **staff)
    await shop.write(settlement.sent_by_hand, reference="R-1", **staff)
    await shop.write(settlement.ask_payout, amount_minor=15_000, **asked)

    # Two more offers, one of them paused; and what is sold today, with a complaint about one of it.
    offers = []
    for name, cost, count in (("PSN", 5000, 12), ("Riot", 100, 3)):
        goods = await put_on_sale(shop, storefront, name=name, denomination=f"{name} 10", price_minor=6000, count=0)
        facts: dict[str, Any] = {"supplier_id": mine.supplier_id, "sku_id": goods.sku_id, "source_class": SourceClass.AUTHORISED}
        [paper] = await shop.read(onboarding.documents_of, mine.supplier_id)
        offer = await shop.write(supply.new_offer, cost_minor=cost, cost_currency="CNY", document_id=paper.id, by="test", **facts)
        await stock(shop, offer.id, goods.sku_id, count)
        offers.append((offer.id, goods))
    await shop.write(supply.pause_own, offer_id=offers[1][0], telegram_id=lin.customer.telegram_id, paused=True, **by)
    await run(shop, "rank-sources")
    order_id = await buys(counter, emma, steam, 4, "today")
    await buys(counter, emma, offers[0][1], 2, "also today")
    await settled(shop)
    [(code_id, _), *_] = await shop.read(inventory.codes_of, order_id)
    about: dict[str, Any] = {"buyer_id": emma.customer.id, "order_id": order_id, "code_id": code_id}
    await shop.write(aftersale.open_case, reason=Reason.USED, text="It is used.", **about)
    ends = (clock() + timedelta(days=60)).date()
    scope: dict[str, Any] = {"supplier_id": mine.supplier_id, "storefront_id": storefront.id, "by": "test"}
    await shop.write(onboarding.add_document, kind=PaperKind.PURCHASE, scope="PSN", expires_on=ends, **scope)
    await shop.write(onboarding.add_document, kind=PaperKind.PURCHASE, scope="Riot", expires_on=ends + timedelta(days=9), **scope)

    home = await home_of(lin)
    assert home["text"].split("\n") == [
        "Cards of Lin",
        "🏅 Authorised supplier",
        "",
        # 26 + 10 + 3, at six in fourteen days: what was sold three weeks ago is no pace of now.
        "📦 39 codes on the shelf · lasts 91 days at the pace of the last two weeks",
        "🧾 6 sold today, for ¥440.00",
        "",
        "💰 Held ¥440.00 · to be paid out ¥550.00 · paid ¥300.00",
        "",
        "⏸ 1 offer does not sell at the moment.",
        "🛟 1 open case about your goods.",
        f"📄 3 valid papers, the first until {speech.day(ends)}",
    ]
    assert rows(home) == [
        ["🏷 Offers (3)", "➕ New offer"],
        ["📥 Bring codes", "💰 My earnings"],
        ["🛟 Cases", "🛠 To do"],
        ["📄 Papers", "❓ How it works"],
    ]

    # What does not last is said, what is expired, and what is stopped; a day later nothing is sold today.
    await buys(counter, emma, steam, 25, "nearly all")
    await shop.write(standing.suspend, supplier_id=mine.supplier_id, reason="We look into it", by="test")
    clock.passes(days=1)
    home = await home_of(lin)
    assert "⛔ Your supply is suspended: nothing sells and nothing is paid out until the shop has lifted it." in home["text"]
    assert "📦 14 codes on the shelf · lasts 6 days at" in home["text"] and "🧾 Nothing sold yet today" in home["text"]
    assert "⏸ 3 offers do not sell at the moment." in home["text"]
    clock.passes(days=65)
    await run(shop, "watch-documents")
    home = (await home_of(lin))["text"]
    assert "❌ 1 paper is not valid: please renew it." in home and "📄 2 valid papers, the first until" in home
    assert "📦 14 codes on the shelf\n" in home, "nothing was sold of late: no pace, no days"
