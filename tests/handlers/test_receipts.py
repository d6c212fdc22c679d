"""What an order tells of its price and of what was given back, from what it has kept, whatever prices and coupons are today."""

from __future__ import annotations

import re
from typing import Any

import pytest

from core import aftersale, coupons, inventory, orders, outbox, pricing
from core.database import Shop
from core.people import Customer
from core.ports import Fee
from core.storefronts import Storefront
from handlers.receipts import back_told, price_told
from locales import Speech, languages
from tests.stage import Goods, person, put_on_sale

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
ENGLISH = Speech("en")


async def told(shop: Shop, order_id: int, speech: Speech = ENGLISH, *, always: bool = True) -> tuple[list[str], list[str]]:
    """The lines of the price, and those of what was given back, without their marking."""
    detail = await shop.read(orders.detail, order_id=order_id)
    assert detail is not None
    parts = (price_told(detail, speech, always=always), back_told(detail, speech))
    one, two = [[re.sub(r"</?\w+>", "", line) for line in (part or "").splitlines()] for part in parts]
    return one, two


@pytest.fixture
async def buyer(shop: Shop, storefront: Storefront) -> Customer:
    return await person(shop, storefront, money_minor=100_000)


async def test_one_card_at_its_price_says_no_more_than_that(shop: Shop, goods: Goods, buyer: Customer) -> None:
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **goods.terms())

    assert await told(shop, receipt.order_id) == (["Total: ¥95.00", "Paid from the balance: ¥95.00"], [])
    assert await told(shop, receipt.order_id, always=False) == ([], [])


async def test_tier_and_coupon_are_told_as_they_were_when_it_was_bought(shop: Shop, storefront: Storefront, buyer: Customer) -> None:
    goods = await put_on_sale(shop, storefront, price_minor=1000, count=20)
    facts: dict[str, Any] = {"storefront_id": storefront.id, "sku_id": goods.sku_id, "currency": "CNY"}
    price = await shop.write(pricing.set_price, retail_minor=1000, tiers=[pricing.Tier(5, 900)], **facts)
    coupon = await shop.write(coupons.draft, storefront_id=storefront.id, word="TENTH", currency="CNY", by="test", basis_points=1000)
    await shop.write(coupons.switch_on, coupon.id, storefront_id=storefront.id, by="test")
    terms = {**goods.terms(), "price_id": price.id}
    receipt = await shop.write(orders.buy_with, buyer_id=buyer.id, quantity=5, once="five", coupon_id=coupon.id, **terms)
    # Whatever comes afterwards, it was bought as it was.
    await shop.write(pricing.set_price, retail_minor=5000, **facts)
    await shop.write(coupons.switch_off, coupon.id, storefront_id=storefront.id, by="test")

    price_lines = [
        "5 × ¥9.00 = ¥45.00",
        "5 or more cost ¥9.00 each, instead of ¥10.00.",
        "Coupon TENTH: −¥4.50",
        "Total: ¥40.50",
        "Paid from the balance: ¥40.50",
    ]
    assert await told(shop, receipt.order_id) == (price_lines, [])
    codes = [code.code_id for code in await shop.read(orders.codes_sold, receipt.order_id)]
    by: dict[str, Any] = {"order_id": receipt.order_id, "by": "test"}
    await shop.write(orders.refund_codes, code_ids=codes[:1], reason="broken <b>", once="r1", **by)
    await shop.write(orders.refund_codes, code_ids=None, reason="", once="r2", **by)
    assert await told(shop, receipt.order_id) == (
        price_lines,
        [
            "↩️ Given back to the balance: ¥8.10",
            "broken &lt;b&gt;",
            "↩️ Given back to the balance: ¥32.40",
            "Given back altogether: ¥40.50",
        ],
    )


async def test_a_part_from_the_balance_the_fee_and_the_way_back_are_told(shop: Shop, storefront: Storefront, goods: Goods) -> None:
    buyer = await person(shop, storefront, money_minor=5000)
    placed = await shop.write(
        orders.place,
        buyer_id=buyer.id,
        quantity=2,
        once="parts",
        provider="stripe",
        pay_currency="CNY",
        seconds=900,
        worth_minor=14_000,
        fee=Fee(basis_points=300, passed_on=True),
        **goods.terms(),
    )
    intent = placed.intent
    assert (await told(shop, placed.order_id))[0] == ["2 × ¥95.00 = ¥190.00", "Total: ¥190.00"], "nothing is paid yet"
    await shop.write(
        orders.settle,
        provider=intent.provider,
        event_key="event",
        intent_id=intent.id,
        customer_id=buyer.id,
        amount_minor=intent.amount_minor,
        currency=intent.currency,
    )
    paid = (await told(shop, placed.order_id))[0]
    assert paid == [
        "2 × ¥95.00 = ¥190.00",
        "Total: ¥190.00",
        "Paid by Card: ¥144.20, ¥4.20 of it the fee",
        "Paid from the balance: ¥50.00",
    ]

    assert (await told(shop, placed.order_id, always=False))[0] == [paid[0], *paid[2:]]
    [code, _] = [code.code_id for code in await shop.read(orders.codes_sold, placed.order_id)]
    await shop.write(orders.refund_to_source, order_id=placed.order_id, code_ids=[code], reason="", by="test", once="back")
    assert (await told(shop, placed.order_id))[1] == ["⏳ On its way back by Card: ¥95.00"]
    [due] = await shop.write(orders.refunds_due)
    await shop.write(orders.refund_declined, refund_id=due.refund_id, why="no")
    assert (await told(shop, placed.order_id))[1] == ["↩️ Given back to the balance, as Card declined it: ¥95.00"]


async def test_a_replaced_code_and_a_case_are_told_in_every_language(
    shop: Shop, storefront: Storefront, goods: Goods, buyer: Customer
) -> None:
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="two", **goods.terms())
    for message in await shop.write(outbox.lease, worker="w", most=9, seconds=60):
        await shop.write(outbox.done, message_id=message.id, worker="w", sent_message_id=1)
    first, second = [code for code, _ in await shop.read(inventory.codes_of, receipt.order_id)]
    for code in (first, second):
        about: dict[str, Any] = {"buyer_id": buyer.id, "order_id": receipt.order_id, "code_id": code, "reason": aftersale.Reason.USED}
        opened = await shop.write(aftersale.open_case, **about)
        decide = aftersale.replace if code == first else aftersale.refund
        await shop.write(decide, case_id=opened.case_id, storefront_id=storefront.id, by="test")

    assert (await told(shop, receipt.order_id, always=False))[0] == ["2 × ¥95.00 = ¥190.00"], "the amount stands right above"
    assert (await told(shop, receipt.order_id))[1] == [
        "🔁 1 code was replaced.",
        "↩️ Given back to the balance: ¥95.00",
        "Case 2: Already used or expired",
    ]
    for language in languages():
        _, back = await told(shop, receipt.order_id, Speech(language))
        assert len(back) == 3 and "used" not in back[2].split(":")[0], "the reason is said, and not its name in the database"
