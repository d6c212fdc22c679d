"""An account that its former owner took back, told from the buyer's phone: the promise on the screen, and the reason to complain."""

from __future__ import annotations

from core import aftersale, catalog, fulfilment, inventory
from core.database import Shop
from core.storefronts import Storefront
from handlers import callbacks
from sandbox.phone import labels
from tests.core.props import assert_sound
from tests.handlers.counter import opened
from tests.journeys.test_cases import delivered
from tests.journeys.test_kinds import last_order
from tests.stage import Clock, Goods, put_on_sale


async def account(shop: Shop, storefront: Storefront) -> Goods:
    goods = await put_on_sale(shop, storefront, name="Hero", denomination="Hero 60", price_minor=8000, count=2)
    await shop.write(fulfilment.set_kind, goods.product_id, kind_name="account", by="test")
    found = await shop.read(catalog.product, goods.product_id)
    assert found is not None and found.kind == "account"
    return goods


async def test_its_former_owner_took_it_back_is_a_reason_for_accounts_alone_and_for_as_long_as_promised(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    reclaimed = "Its former owner took it back"
    async with opened(shop, storefront) as counter:
        goods = await put_on_sale(shop, storefront, count=5)
        buyer = await counter.buyer("second", money_minor=100_000)
        screen = await buyer.say(f"/start sku-{goods.sku_id}")
        assert "warranty 3 days" in screen["text"]
        await buyer.press("Pay ¥95.00")
        await buyer.sees("TEST-")
        await delivered(counter)
        await buyer.say("/orders")
        await buyer.press("✅")
        await buyer.press("⚠️ Something is wrong")
        assert reclaimed not in labels(await buyer.sees("What is wrong with it?"))
        order = (await last_order(counter, buyer)).card.order_id
        [(code, _)] = await shop.read(inventory.codes_of, order)
        place = list(aftersale.Reason).index(aftersale.Reason.RECLAIMED)
        for forged in (callbacks.WrongReason, callbacks.Complain):
            answer = await counter.press_forged(buyer, forged(order=order, which=code, reason=place).pack())
            assert answer is not None and "Tell us" not in answer["text"]
        assert await shop.read(aftersale.cases_of, storefront_id=storefront.id) == []

        of = await account(shop, storefront)
        await shop.write(fulfilment.set_term, of.product_id, name="reclaim_days", value=30, by="test")
        screen = await buyer.say(f"/start sku-{of.sku_id}")
        assert "within 30 days" in screen["text"] and "warranty 30 days" in screen["text"]
        await buyer.press("Pay ¥80.00")
        await buyer.sees("✅ Paid ¥80.00")
        await delivered(counter)
        clock.passes(hours=1)
        await shop.write(fulfilment.set_term, of.product_id, name="reclaim_days", value=None, by="test")
        clock.passes(days=29)
        await buyer.say("/orders")
        await buyer.press("✅")
        await buyer.press("⚠️ Something is wrong")
        assert reclaimed in labels(await buyer.sees("What is wrong with it?"))
        await buyer.press(reclaimed)
        await buyer.say("Somebody else is logged in.")
        await buyer.sees("✅ Sent: it is case 1")
        (case,) = await shop.read(aftersale.cases_of, storefront_id=storefront.id)
        assert case.reason is aftersale.Reason.RECLAIMED
        await delivered(counter)
    await assert_sound(shop)
