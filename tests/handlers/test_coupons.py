"""A buyer types a coupon: it goes into the screen's buttons, or they are told why it does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from aiogram import Router

from core import coupons, orders, pricing
from core.coupons import Coupon
from core.database import Shop, utc_now
from core.people import Customer
from core.ports import PaymentMethod
from core.pricing import Tier
from core.storefronts import Storefront
from handlers import buy, callbacks
from handlers import coupons as conversation
from handlers.browse import Drawn
from handlers.callbacks import Way
from handlers.pieces import keyboard
from locales import Safe, Speech
from tests.admin.direct import Chatter
from tests.stage import Goods, person

SAY = Speech("en")


async def coupon(shop: Shop, storefront: Storefront, word: str = "Spring10", **terms: Any) -> Coupon:
    """A coupon that is on."""
    made = await shop.write(coupons.draft, storefront_id=storefront.id, word=word, currency="CNY", by="test", basis_points=1000)
    await shop.write(coupons.change, made.id, storefront_id=storefront.id, terms=terms)
    await shop.write(coupons.switch_on, made.id, storefront_id=storefront.id, by="test")
    return made


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[callbacks.Sku, str | None]]:
    """Every drawing of the buy screen that this conversation asks for."""
    asked: list[tuple[callbacks.Sku, str | None]] = []
    usual = buy.router

    async def draw(
        shop: Shop,
        storefront: Storefront,
        customer: Customer,
        speech: Speech,
        methods: Mapping[str, PaymentMethod],
        chosen: callbacks.Sku,
        said: Safe | None,
    ) -> Drawn:
        asked.append((chosen, said))
        return Safe("The buy screen"), keyboard([conversation.coupon_row(speech, chosen, None)])

    def router() -> Router:
        whole = Router(name="with coupons")
        first = Router(name="coupons")
        conversation.listen(first, draw)
        whole.include_routers(first, usual())
        return whole

    monkeypatch.setattr(buy, "router", router)
    return asked


async def chat(shop: Shop, goods: Goods) -> Chatter:
    await person(shop, goods.storefront, telegram_id=77)
    return Chatter(shop, goods.storefront, 77)


def typing(goods: Goods, quantity: int = 2) -> callbacks.TypeCoupon:
    return callbacks.TypeCoupon(id=goods.sku_id, quantity=quantity, way=Way.CATEGORY, direct=False)


async def test_a_coupon_that_is_typed_goes_into_the_buttons_of_the_same_screen(
    shop: Shop, goods: Goods, drawn: list[tuple[callbacks.Sku, str | None]]
) -> None:
    spring = await coupon(shop, goods.storefront)
    buyer = await chat(shop, goods)

    asked = await buyer.presses(typing(goods))
    shown = await buyer.says("sprıng l0")

    assert "Type the word of your coupon" in asked
    assert shown == "The buy screen"
    assert drawn == [(callbacks.Sku(id=goods.sku_id, quantity=2, way=Way.CATEGORY, direct=False, coupon=spring.id), None)]


async def test_a_word_that_is_no_coupon_is_asked_again_and_back_leads_back(
    shop: Shop, goods: Goods, drawn: list[tuple[callbacks.Sku, str | None]]
) -> None:
    spring = await coupon(shop, goods.storefront)
    buyer = await chat(shop, goods)
    await buyer.presses(typing(goods))

    for word in ("<b>", "autumn", "🎁"):
        said = await buyer.says(word)
        assert "There is no coupon" in said and "or go back" in said
    assert callbacks.Sku(id=goods.sku_id, quantity=2, way=Way.CATEGORY, direct=False).pack() in buyer.keyboard()
    await buyer.says("spring10")

    assert [chosen.coupon for chosen, _ in drawn] == [spring.id]


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ({"minimum_minor": 19_001}, "needs a purchase of at least ¥190.01; this one is ¥190.00"),
        ({"starts_at": utc_now() + timedelta(days=1)}, "cannot be used yet"),
        ({"sku_id": "other"}, "is for other goods"),
        ({"first_order_only": True}, "for a first order only"),
        ({"limit_total": 1}, "is used up"),
        ({"limit_per_buyer": 1}, "as often as one buyer may (1)"),
    ],
    ids=["little", "early", "other", "first", "used up", "used"],
)
async def test_a_coupon_that_does_not_hold_says_why_over_the_screen_without_it(
    shop: Shop, goods: Goods, drawn: list[tuple[callbacks.Sku, str | None]], terms: dict[str, Any], told: str
) -> None:
    from tests.stage import put_on_sale

    if terms.get("sku_id") == "other":
        terms = {"sku_id": (await put_on_sale(shop, goods.storefront, name="Other", denomination="O 1")).sku_id}
    made = await coupon(shop, goods.storefront, **({"limit_per_buyer": None} | terms))
    buyer = await chat(shop, goods)
    customer = await person(shop, goods.storefront, telegram_id=77, money_minor=50_000)
    if {"first_order_only", "limit_total", "limit_per_buyer"} & terms.keys():
        with_it = {"coupon_id": made.id} if "first_order_only" not in terms else {}
        command: Any = orders.buy_with if with_it else orders.buy
        await shop.write(command, buyer_id=customer.id, quantity=1, once="before", **goods.terms(), **with_it)

    await buyer.presses(typing(goods))
    await buyer.says("SPRING10")

    [(chosen, said)] = drawn
    assert chosen.coupon == 0 and chosen.quantity == 2
    assert said is not None and told in said


def test_the_steps_to_the_total_are_told_line_by_line() -> None:
    price = pricing.Price(1, 2, 9500, None, "CNY", (Tier(10, 9400), Tier(50, 9250)))
    cut = pricing.Cut("coupon", 0, 5000, 2_000, {"word": "HALF & half"})

    told = conversation.sum_told(pricing.quote(price, 10, cuts=[cut]), SAY)

    assert told is not None
    assert told.split("\n") == [
        "10 × ¥94.00 = ¥940.00",
        "Coupon HALF &amp; half: −¥20.00",
        "This coupon takes off at most ¥20.00.",
        "Total: <b>¥920.00</b>",
    ]
    assert conversation.sum_told(pricing.quote(price, 9), SAY) is None
    assert conversation.tiers_told(price, SAY) == "From 10 on: ¥94.00 each\nFrom 50 on: ¥92.50 each"


def test_the_row_offers_to_type_one_or_to_go_without() -> None:
    chosen = callbacks.Sku(id=5, quantity=2, coupon=9)
    used = Coupon(
        9, 1, "SPRING", 0, 1000, None, "CNY", 0, False, None, None, None, 1, False, None, None, 0, True, False
    )  # fmt: skip

    [offer], [without] = conversation.coupon_row(SAY, chosen, None), conversation.coupon_row(SAY, chosen, used)

    assert (offer.text, offer.callback_data) == ("🎟 I have a coupon", "v:5:2:t:1:0")
    assert without.text == "✖️ Without “SPRING”"
    assert without.callback_data is not None and callbacks.Sku.unpack(without.callback_data).coupon == 0
