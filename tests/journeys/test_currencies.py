"""Shops and ways to pay without cents, with thousandths, and in Stars: asked, paid, booked, refunded and told to the unit."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

import pytest

from bot.dispatcher import make_dispatcher
from connectors.payments import stripe
from connectors.payments.transfer import Transfer
from core import orders, payments, rates, storefronts
from core.database import Shop
from core.ledger import TransferKind
from core.money import decimal_text
from core.ports import Ask, Capabilities, PaymentMethod, PaymentState, TelegramCalls
from core.storefronts import Storefront
from handlers import callbacks
from locales import Speech
from sandbox.gateways import StripeGateway
from tests.admin.direct import Chatter
from tests.core.props import assert_sound, balance, place, settle
from tests.stage import person, put_on_sale

KEY, SECRET = "sk_test_of_the_currencies", "whsec_of_the_currencies"


@pytest.fixture
async def gateway() -> AsyncIterator[StripeGateway]:
    made = StripeGateway(KEY, SECRET)
    await made.start()
    yield made
    await made.stop()


@dataclass(frozen=True)
class Case:
    """A shop, a way to pay, what one unit of that is worth, the price of one code, and what three of them ask with 3 % on top."""

    shop: str
    way: str
    worth: str | None
    price_minor: int
    asked: str
    fee: str
    refunds: tuple[str, str]  # of one code, and of the other two


CASES = {
    # 4,500 yen at 151.37 are 29.7284…, so 29.73 dollars, and 0.89 on top.
    "a shop in yen paid in dollars": Case("JPY", "USD", "151.37", 1500, "30.62", "0.89", ("10.20", "20.42")),
    # At 492.35 they are 9.1398…, so 9.140 dinars, and 0.274 on top: 9.414, which Stripe takes as 9.420.
    "a shop in yen paid in dinars": Case("JPY", "KWD", "492.35", 1500, "9.420", "0.274", ("3.130", "6.290")),
    # 12.375 dinars at 0.002031 are 6093.05…, so 6,094 yen, and 183 on top.
    "a shop in dinars paid in yen": Case("KWD", "JPY", "0.002031", 4125, "6277", "183", ("2092", "4185")),
    # 12.375 and 0.371 are 12.746, which Stripe takes as 12.750.
    "a shop in dinars paid in dinars": Case("KWD", "KWD", None, 4125, "12.750", "0.371", ("4.250", "8.500")),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_card_pays_to_the_unit_and_gets_all_of_it_back_code_by_code(case: Case, shop: Shop, gateway: StripeGateway) -> None:
    settings = {"SHOP_STRIPE_KEY": KEY, "SHOP_STRIPE_URL": gateway.url, "SHOP_STRIPE_CURRENCY": case.way}
    more = {"SHOP_STRIPE_FEE_PERCENT": "3", "SHOP_STRIPE_FEE_PASSED_ON": "yes"}
    (method,) = stripe.methods(cast(TelegramCalls, None), settings | more)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(method.close)
        await paid_and_given_back(case, shop, gateway, method)


async def paid_and_given_back(case: Case, shop: Shop, gateway: StripeGateway, method: PaymentMethod) -> None:
    front = await shop.write(storefronts.open_storefront, name="Shop", currency=case.shop, language="en")
    if case.worth is not None:
        rate = rates.in_minor(Fraction(case.worth), case.way, case.shop)
        await shop.write(rates.set_rate, base=case.way, quote=case.shop, rate=rate, source=rates.SETTINGS)
    can = method.capabilities
    goods = await put_on_sale(shop, front, price_minor=case.price_minor, count=5)
    buyer = await person(shop, front)
    placed = await shop.write(
        orders.place,
        buyer_id=buyer.id,
        quantity=3,
        once="three",
        provider="stripe",
        pay_currency=can.currency,
        seconds=can.seconds_to_pay,
        fee=can.fee,
        step_minor=can.step_minor,
        **goods.terms(),
    )
    intent = placed.intent
    assert (decimal_text(intent.amount_minor, case.way), decimal_text(intent.fee_minor, case.way)) == (case.asked, case.fee)

    ask = Ask(intent.reference, intent.amount_minor, intent.currency, "Cards", "", buyer.telegram_id, intent.expires_at, intent.made_at)
    created = await method.create(ask)
    await shop.write(payments.created, intent_id=intent.id, how=created, poll=True)
    assert gateway.payments[intent.reference].amount == Decimal(case.asked)
    await gateway.pay(intent.reference)
    event = await method.find(intent.reference, created.provider_ref, intent.made_at)
    assert event is not None and (event.amount_minor, event.currency) == (intent.amount_minor, case.way)
    booked = await shop.write(orders.book, storefront_id=front.id, provider="stripe", event=event)
    assert booked.says == "issued" and await balance(shop, buyer) == 0

    codes = [code.code_id for code in await shop.read(orders.codes_sold, placed.order_id)]
    given = []
    for once, some in (("one", codes[:1]), ("two", codes[1:])):
        await shop.write(orders.refund_to_source, order_id=placed.order_id, code_ids=some, once=once, reason="test", by="test")
        (due,) = await shop.write(orders.refunds_due)
        assert await method.refund(due.asked) is PaymentState.REFUNDED
        assert await shop.write(orders.refund_done, refund_id=due.refund_id)
        given.append(decimal_text(due.asked.amount_minor, case.way))
        await assert_sound(shop)

    assert tuple(given) == case.refunds
    assert gateway.payments[intent.reference].refunded == Decimal(case.asked), "all that was paid, and no more"
    assert await balance(shop, buyer) == 0


async def test_a_shop_in_dinars_is_paid_in_stars_and_refunds_to_the_balance(shop: Shop) -> None:
    front = await shop.write(storefronts.open_storefront, name="Shop", currency="KWD", language="en")
    await shop.write(rates.set_rate, base="XTR", quote="KWD", rate=rates.in_minor(Fraction("0.0041"), "XTR", "KWD"), source=rates.STAFF)
    goods = await put_on_sale(shop, front, price_minor=1255, count=5)
    buyer = await person(shop, front)

    placed = await place(shop, buyer, goods, once="stars", quantity=3)

    # 3.765 dinars at 0.0041 are 918.3 Stars.
    assert (placed.intent.worth_minor, placed.intent.amount_minor, placed.intent.currency) == (3765, 919, "XTR")
    assert (await settle(shop, buyer, placed, event="paid")).issued
    code, *_ = await shop.read(orders.codes_sold, placed.order_id)
    await shop.write(orders.refund_codes, order_id=placed.order_id, code_ids=[code.code_id], once="one", reason="test", by="test")
    assert await balance(shop, buyer) == 1255
    english = Speech("en")
    told = [(english.price(entry.amount_minor, entry.currency), entry.kind) for entry in await shop.read(orders.movements, buyer.id)]
    assert told == [
        ("KWD\xa01.255", TransferKind.REFUND),
        ("-KWD\xa03.765", TransferKind.SALE),
        ("KWD\xa03.765", TransferKind.DEPOSIT),
    ]
    # Half of what was asked is half of its worth, rounded down to the thousandth.
    half = await place(shop, buyer, goods, once="half")
    assert (await settle(shop, buyer, half, event="half", amount=half.intent.amount_minor // 2)).why == "too-little"
    assert await balance(shop, buyer) == 1255 + 1255 * (half.intent.amount_minor // 2) // half.intent.amount_minor
    await assert_sound(shop)


def by_hand(currency: str) -> PaymentMethod:
    return Transfer("To our bank.", Capabilities(currency, False, False, False, False, False, 1, 10**12, 86_400, by_hand=True))


async def counter(shop: Shop, front: Storefront, methods: Mapping[str, PaymentMethod]) -> Chatter:
    chatter = Chatter(shop, front, 8001)
    chatter.dispatcher = make_dispatcher(shop, front, methods)
    await chatter.says("/start")
    return chatter


@pytest.mark.parametrize(
    ("currency", "typed", "shown", "in_dollars"),
    [
        ("JPY", "1000", "JP¥1,000", "$6.61"),
        ("JPY", "１，０００", "JP¥1,000", "$6.61"),
        ("KWD", "1.250", "KWD\xa01.250", "$4.07"),
        ("KWD", "1.25", "KWD\xa01.250", "$4.07"),
        ("KWD", "7", "KWD\xa07.000", "$22.77"),
    ],
)
async def test_an_amount_is_typed_as_its_currency_is_written(currency: str, typed: str, shown: str, in_dollars: str, shop: Shop) -> None:
    front = await shop.write(storefronts.open_storefront, name="Shop", currency=currency, language="en")
    worth = {"JPY": "151.37", "KWD": "0.3075"}[currency]
    await shop.write(rates.set_rate, base="USD", quote=currency, rate=rates.in_minor(Fraction(worth), "USD", currency), source=rates.STAFF)
    chatter = await counter(shop, front, {"transfer": by_hand("USD")})

    await chatter.presses(callbacks.TypeAmount())
    said = await chatter.says(typed)

    assert f"How would you like to pay for <b>{shown}</b>?" in said
    markup: Any = next(call for call in reversed(chatter.session.calls) if getattr(call, "reply_markup", None)).reply_markup
    assert markup.inline_keyboard[0][0].text.endswith(in_dollars)


@pytest.mark.parametrize(("currency", "typed", "example"), [("JPY", "1.5", "95"), ("KWD", "1.2505", "95.000"), ("KWD", "1,5", "95.000")])
async def test_an_amount_with_more_digits_than_its_currency_is_refused_and_may_be_typed_again(
    currency: str, typed: str, example: str, shop: Shop
) -> None:
    front = await shop.write(storefronts.open_storefront, name="Shop", currency=currency, language="en")
    chatter = await counter(shop, front, {"transfer": by_hand(currency)})
    await chatter.presses(callbacks.TypeAmount())

    assert f"“{typed}” is not an amount. Please type a number such as {example}." in await chatter.says(typed)
    assert "How would you like to pay" in await chatter.says("30")


async def test_a_way_without_a_rate_is_not_offered_for_a_deposit_nor_for_a_purchase(shop: Shop) -> None:
    front = await shop.write(storefronts.open_storefront, name="Shop", currency="JPY", language="en")
    goods = await put_on_sale(shop, front, price_minor=1500)
    chatter = await counter(shop, front, {"transfer": by_hand("USD")})

    said = await chatter.presses(callbacks.TopUpBy(worth=1000, means=callbacks.means("transfer")))

    assert "This way to pay is not open at the moment." in said and "One payment can be" not in said
    await chatter.presses(callbacks.Sku(id=goods.sku_id))
    assert not any(data.startswith(f"{callbacks.PayBy.__prefix__}:") for data in chatter.keyboard())
    await shop.write(rates.set_rate, base="USD", quote="JPY", rate=Fraction("1.5137"), source=rates.STAFF)
    await chatter.presses(callbacks.Sku(id=goods.sku_id))
    prefix = callbacks.PayBy.__prefix__
    assert any(data.startswith(f"{prefix}:") for data in chatter.keyboard())
