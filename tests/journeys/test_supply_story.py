"""Supply from end to end, told from the phones: joining, stocking, selling, being paid; and what only another shop has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from bot.jobs import jobs_of
from bot.procuring import Procurer
from connectors.suppliers import protocols
from connectors.suppliers import upstream as open_upstream
from core import catalog, fulfilment, integration, ledger, onboarding, orders, pricing, settlement, supply
from core.database import Shop
from core.fulfilment import TaskState
from core.orders import OrderState
from core.people import Customer
from core.ports import UpstreamAsk
from core.settlement import PayoutState
from core.storefronts import Storefront
from core.supply import SourceClass
from handlers.admin import imports_finished
from handlers.admin.desk import Do, Go
from sandbox.gateways import OwnShopUpstream
from sandbox.phone import labels
from tests.admin.staff import did, hire, walks
from tests.bot.conftest import until
from tests.connectors.suppliers import KEY, QUICK, SECRET
from tests.core.joining import joins
from tests.core.ledgers import assert_books
from tests.core.props import assert_sound
from tests.core.supplies import earned, purse, unshared
from tests.handlers.counter import Buyer, Counter, opened
from tests.sandbox.pictures import png
from tests.stage import Clock, Goods, put_on_sale, stock

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront, clock: Clock) -> AsyncIterator[Counter]:
    since = clock()
    async with opened(shop, storefront) as running:
        running.dispatcher["protocols"] = protocols()
        yield running
        await imports_finished()
    await assert_books(shop, since, clock())
    await assert_sound(shop, sample=3)


async def jobs(counter: Counter) -> None:
    """What the timed jobs would do by now, and everything that they post is delivered."""
    for job in jobs_of(counter.shop):
        while await job.run() >= job.full:
            pass
    counter.courier.wake()


async def last_order(counter: Counter, buyer: Buyer) -> orders.OrderDetail:
    (newest, *_) = await counter.shop.read(orders.history, buyer_id=buyer.customer.id)
    found = await counter.shop.read(orders.detail, order_id=newest.order_id)
    assert found is not None
    return found


async def balance(counter: Counter, buyer: Buyer) -> int:
    return await counter.shop.read(ledger.balance, buyer.customer.wallet_id)


async def buys(buyer: Buyer, goods: Goods, quantity: int, pays: str) -> None:
    """From the product's screen to the receipt, so many of them for exactly this."""
    await buyer.say(f"/start sku-{goods.sku_id}")
    if quantity > 1:
        await buyer.press("✏️ Other")
        await buyer.say(str(quantity))
    await buyer.press(f"Pay {pays}")
    await buyer.sees(f"Paid {pays}")


async def applies(supplier: Buyer, admin: Buyer) -> None:
    """From /supply to the papers, and one press of the admin on the card."""
    await supplier.say("/supply")
    await supplier.press("Merchant with own stock")
    await supplier.press("Person")
    await supplier.say("Chan Chi Ming")
    await supplier.say("@chan_supplies")
    await supplier.say("Steam cards, 10,000 a week")
    await supplier.say("Hong Kong")
    await supplier.phone.sends_file("receipt.png", png(), kind="photo")
    await supplier.sees("What is this paper?")
    await supplier.press("Proof of purchase")
    await supplier.say("Steam")
    await supplier.press("It does not expire")
    await supplier.sees("✅ Noted.")
    await supplier.phone.sends_file("passport.pdf", PDF)
    await supplier.sees("What is this paper?")
    await supplier.press("Identity of the person")
    await supplier.say("Chan Chi Ming")
    await supplier.say("2199-12-31")
    await supplier.press("📋 Look it over")
    await supplier.press("📨 Send it")
    await supplier.sees("📨 Sent. Thank you!")

    card = await admin.sees("📋 Application")
    presses = admin.presses
    await admin.press("✅ Approve as trusted")
    assert admin.presses - presses == 1 and card["text"]
    await supplier.sees("🎉 Welcome!")


async def offers_and_stocks(supplier: Buyer) -> None:
    """An offer of Steam 100 at 85.00 on the approved paper, and ten thousand codes in the chat."""
    await supplier.press("🏭 My supply")
    for label in ("New offer", "Game cards", "Steam", "Steam 100"):
        await supplier.press(label)
    # Of the two papers one says who the person is; only the other is about goods, so nothing is asked.
    said = await supplier.say("85")
    assert "Your offer is made" in said["text"] and "Cost: ¥85.00 each" in said["text"] and "Paper: number 1" in said["text"]
    await supplier.press("Bring codes")
    codes = "\n".join(f"CHAN-{n:05d}-{n * 7919 % 100_000:05d}" for n in range(10_000))
    sent = await supplier.phone.sends_file("codes.txt", codes.encode())
    receipt = await supplier.phone.waits_for(lambda m: m["message_id"] > sent["message_id"] and "📥 Bring more" in labels(m))
    assert "10,000 codes are on sale" in receipt["text"]


async def brings_cheaper(counter: Counter, reviewer: Customer, goods: Goods, count: int) -> int:
    """Another supplier: new to the shop, 84.00 a code, approved; returns their number."""
    shop, mei = counter.shop, await counter.buyer("buyer")
    await mei.say("/start")
    supplier_id = await joins(shop, counter.storefront, mei.customer, reviewer, name="Mei Cards")
    paper, *_ = await shop.read(onboarding.papers_for_listing, supplier_id)
    listed = await shop.write(
        onboarding.list_offer,
        storefront_id=counter.storefront.id,
        supplier_id=supplier_id,
        cost_minor=8400,
        cost_currency="CNY",
        sku_id=goods.sku_id,
        source_class=SourceClass.OWN_STOCK,
        document_id=paper.id,
        by="test",
    )
    assert listed.waits, "new suppliers' offers are looked at first"
    await stock(shop, listed.offer.id, goods.sku_id, count)
    return supplier_id


async def drawn_from(counter: Counter, buyer: Buyer) -> dict[int, int]:
    """How many units of a buyer's last order came from each offer."""
    order = await last_order(counter, buyer)
    return {line.offer_id: line.quantity for line in await counter.shop.read(orders.lines_of, order.card.order_id)}


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)], indirect=True)
async def test_a_supplier_joins_stocks_sells_and_is_paid_to_the_last_fen(counter: Counter, clock: Clock) -> None:
    shop, storefront = counter.shop, counter.storefront
    goods = await put_on_sale(shop, storefront, denomination="Steam 100", count=0)
    admin, chan = await hire(counter), await counter.buyer("supplier")
    await admin.say("/admin")
    emma, ivan = await counter.buyer("second", money_minor=200_000), await counter.buyer("reseller", money_minor=100_000)
    await ivan.say("/start")

    await applies(chan, admin)
    await offers_and_stocks(chan)
    [mine] = await shop.read(supply.suppliers_of, chan.customer.telegram_id)
    [chans] = await shop.read(supply.offers_with_facts, mine.id)
    cheaper = await brings_cheaper(counter, admin.customer, goods, 12)
    [meis] = await shop.read(supply.offers_with_facts, cheaper)
    counter.courier.wake()
    await admin.sees("It sells when you have approved it.")
    await admin.press("✅ Approve")

    # The desk: a wholesale price, a reseller, and a contract with the first supplier, three tenths of the spread.
    await asked(counter, admin, "sku.whole", goods.sku_id, "90")
    await counter.press_forged(admin, Do(act="wholesale", id=ivan.customer.id, arg="1").pack())
    await ivan.sees("From now on you buy at wholesale prices")
    await walks(admin, "Supply", "📜 Contracts", "Chan Chi Ming", "Share of the spread")
    assert "¥88.00" in (await admin.say("30"))["text"]
    await admin.press("✅ From now on")
    await jobs(counter)

    # The cheapest is drawn from first; who is suspended sells nothing; who runs out is followed by the other.
    await buys(emma, goods, 1, "¥95.00")
    assert await drawn_from(counter, emma) == {meis.id: 1}
    await asked(counter, admin, "supplier.suspend", cheaper, "We look into it")
    await buys(ivan, goods, 3, "¥270.00")
    assert await drawn_from(counter, ivan) == {chans.id: 3}
    await counter.press_forged(admin, Do(act="unsuspend", id=cheaper).pack())
    await jobs(counter)
    await buys(emma, goods, 13, "¥1,235.00")
    assert await drawn_from(counter, emma) == {meis.id: 11, chans.id: 2}
    assert (await balance(counter, emma), await balance(counter, ivan)) == (200_000 - 9500 - 123_500, 100_000 - 27_000)
    order = await last_order(counter, emma)
    await admin.say("/admin")
    await counter.press_forged(admin, Go(to="why-source", id=order.card.order_id).pack())
    why = await admin.sees("Why these sources")
    assert "11 from Mei Cards" in why["text"] and "2 from Chan Chi Ming" in why["text"] and "First because: low cost" in why["text"]
    assert why["text"].count("of 1000") == 3, "each source once: both, and the shop itself, which has none"

    # 3 at 90.00 and 2 at 95.00, each at 85.00 and three tenths of what is above it; the other has its cost.
    await jobs(counter)
    chan_minor = 3 * (8500 + 150) + 2 * (8500 + 300)
    mei_minor, paid_minor = 12 * 8400, 9500 + 27_000 + 123_500
    assert chan_minor == 43_550
    assert await shop.read(purse, mine.id) == (chan_minor, 0, 0)
    assert await shop.read(purse, cheaper) == (mei_minor, 0, 0)
    assert await shop.read(earned, storefront, "spread") == paid_minor - chan_minor - mei_minor == 15_650
    assert await shop.read(unshared, storefront) == 0
    home = (await chan.say("/supply"))["text"]
    assert "9,995 codes on the shelf" in home and "Held ¥435.50 · to be paid out ¥0.00 · paid ¥0.00" in home
    await chan.press("💰 My earnings")
    shown = (await chan.screen())["text"]
    assert "¥425.00" in shown and "¥10.50" in shown and "¥435.50" in shown, "cost, share of the spread, and both"

    # Held for the seven days of who is trusted, and not an hour less.
    clock.passes(days=6, hours=23)
    await jobs(counter)
    assert await shop.read(purse, mine.id) == (chan_minor, 0, 0)
    clock.passes(hours=2)
    await jobs(counter)
    assert await shop.read(purse, mine.id) == (0, chan_minor, 0)
    assert await shop.read(purse, cheaper) == (mei_minor, 0, 0), "the new supplier's fourteen days are not over"

    # Asked for, approved, sent by hand, arrived.
    await chan.say("/earnings")
    await chan.press("💸 Ask for a payout")
    await chan.press("🏦 A bank account or address, in words")
    await chan.say("HSBC Hong Kong, 012-345678, Chan Chi Ming")
    await chan.press("‹ Back")
    await chan.press("💸 Ask for a payout")
    await chan.press("All of it: ¥435.50")
    await chan.sees("You have asked for ¥435.50")
    counter.courier.wake()
    await admin.sees("asks for a payout of ¥435.50")
    await admin.press("✅ Approve")
    await admin.press("💸 It is sent")
    await admin.say("HSBC-7781")
    await chan.sees("💸 Your payout of ¥435.50 is sent.")
    await chan.say("/earnings")
    await chan.press("🧾 Payouts")
    await chan.press("✅ ¥435.50 has arrived")
    await chan.sees("¥435.50, arrived")
    assert await shop.read(purse, mine.id) == (0, 0, 0)
    [payout] = await shop.read(settlement.payouts_of, mine.id)
    assert (payout.state, payout.amount_minor, payout.reference) == (PayoutState.CONFIRMED, chan_minor, "HSBC-7781")
    assert "Held ¥0.00 · to be paid out ¥0.00 · paid ¥435.50" in (await chan.say("/supply"))["text"]
    assert {
        "send-application",
        "decide-application",
        "approve-offer",
        "agree-contract",
        "suspend-supplier",
        "ask-payout",
        "confirm-payout",
    } <= set(await did(shop))


async def asked(counter: Counter, admin: Buyer, key: str, about: int, answer: str) -> None:
    """A question of the desk is put, and answered."""
    await counter.press_forged(admin, Go(to="ask", id=about, arg=key).pack())
    await admin.say(answer)


# What only another shop has


@dataclass
class Elsewhere:
    """Another shop that sells one thing, connected and imported by the admin, and the background that asks it."""

    counter: Counter
    fake: OwnShopUpstream
    procurer: Procurer
    goods: Goods

    async def works(self) -> None:
        await self.procurer.work_off()
        self.counter.courier.wake()


@pytest.fixture
async def elsewhere(counter: Counter) -> AsyncIterator[Elsewhere]:
    """Connected by answering in the chat, imported by two presses, priced by typing."""
    fake = OwnShopUpstream(KEY, SECRET, title="Cards of the East", pace=QUICK)
    fake.sells("psn-20", "PSN 20", "88.00", stock=5, category="Game cards")
    procurer = Procurer(counter.shop, open_upstream)
    async with AsyncExitStack() as ending:
        await fake.start()
        ending.push_async_callback(fake.stop)
        ending.push_async_callback(procurer.close)
        yield Elsewhere(counter, fake, procurer, await imported(counter, fake, procurer))


async def imported(counter: Counter, fake: OwnShopUpstream, procurer: Procurer) -> Goods:
    """The other shop's one thing, for sale here."""
    shop, storefront = counter.shop, counter.storefront
    admin = await hire(counter)
    await walks(admin, "Supply", "🔌 Upstream shops", "➕ Connect a shop")
    await admin.press("A shop of this software")
    for answer in ("East", fake.url, KEY):
        await admin.say(answer)
    await admin.say(SECRET)
    await admin.sees("Asking the upstream")
    # The screen is there first: what is asked in the background tells its outcome on it.
    await until(lambda: _asked_for(shop))
    await procurer.work_off()
    [of] = await shop.read(integration.upstreams, storefront_id=storefront.id)
    await procurer.work_off()
    [item] = await shop.read(integration.items_of, upstream_id=of.id, page=0, size=10)
    sku_id = await shop.write(
        integration.import_item, item_id=item.id, category_id=None, category_name="", search="psn", storefront=storefront, by="test"
    )
    price = await shop.write(pricing.set_price, storefront_id=storefront.id, sku_id=sku_id, retail_minor=9500, currency="CNY")
    sku = await shop.read(catalog.sku, sku_id)
    linked = await shop.read(integration.item, item.id, storefront_id=storefront.id)
    assert sku is not None and linked.offer_id is not None
    return Goods(storefront, 0, sku.product_id, sku_id, linked.offer_id, price.id, sku.rules_version)


async def _asked_for(shop: Shop) -> bool:
    return (await shop.read(integration.anything_due)).errands


async def test_what_only_another_shop_has_is_bought_there_and_delivered(counter: Counter, elsewhere: Elsewhere) -> None:
    emma = await counter.buyer("second", money_minor=100_000)

    await buys(emma, elsewhere.goods, 2, "¥190.00")
    assert (await last_order(counter, emma)).card.state is OrderState.FULFILLING
    assert not elsewhere.fake.orders, "no conversation waits for a network"
    await elsewhere.works()

    [there] = elsewhere.fake.orders
    for code in there.codes:
        await emma.sees(code)
    order = await last_order(counter, emma)
    assert order.card.state is OrderState.ISSUED and order.cost_minor == 2 * 8800
    assert await balance(counter, emma) == 100_000 - 19_000
    assert elsewhere.fake.balance == Decimal("10000.00") - 176


async def test_an_upstream_that_answers_too_late_is_bought_from_once_and_delivers_once(
    counter: Counter, elsewhere: Elsewhere, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    emma = await counter.buyer("second", money_minor=100_000)
    await buys(emma, elsewhere.goods, 2, "¥190.00")
    real = Procurer._ask

    def then_it_is_late(self: Procurer, *args: Any) -> UpstreamAsk:
        """The fault is switched on between the price and the order."""
        elsewhere.fake.faults.choose(["nonsense"], next_call_only=True)
        return real(self, *args)

    with monkeypatch.context() as patched:
        patched.setattr(Procurer, "_ask", then_it_is_late)
        await elsewhere.works()
    [there] = elsewhere.fake.orders
    [task] = await counter.shop.read(fulfilment.tasks_of, (await last_order(counter, emma)).card.order_id)
    assert task.state is TaskState.UNKNOWN and there.state == "done"
    assert (await last_order(counter, emma)).card.state is OrderState.FULFILLING

    clock.passes(minutes=2)
    await elsewhere.works()

    for code in there.codes:
        await emma.sees(code)
    clock.passes(minutes=20)
    await elsewhere.works()
    await jobs(counter)
    assert len(elsewhere.fake.orders) == 1 and elsewhere.fake.handed_out == {there.number: 1}
    order = await last_order(counter, emma)
    assert order.card.state is OrderState.ISSUED and len(order.deliveries) == 1
    assert await balance(counter, emma) == 100_000 - 19_000
