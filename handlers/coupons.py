"""Coupons for buyers: the word is typed on the way to the buy screen, and lines there say what it takes off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiogram import F, Router
from aiogram.filters import StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message

from core import coupons, orders
from core.catalog import Gone
from core.coupons import Coupon, CouponRefused
from core.database import Shop
from core.people import Customer
from core.ports import PaymentMethod
from core.pricing import Price, Quote
from core.storefronts import Storefront
from handlers import browse, callbacks
from handlers.browse import Drawn
from handlers.callbacks import Way
from handlers.pieces import Row, bold, button, full_name, keyboard, lines, paragraphs, show
from handlers.screen import refused
from locales import N_, Safe, Speech

# Draws the buy screen of what was chosen (with its coupon, or 0 for none), under a sentence such as a refusal.
Draw = Callable[[Shop, Storefront, Customer, Speech, Mapping[str, PaymentMethod], callbacks.Sku, Safe | None], Awaitable[Drawn]]

_DISCOUNTS = {"coupon": N_("Coupon {word}: −{amount}")}
_REASONS = {
    "coupon-cap": N_("This coupon takes off at most {cap}."),
    "least": N_("A coupon never takes off everything: {least} is left to pay."),
}


class Typing(StatesGroup):
    """The word is all that is typed."""

    coupon = State()


def coupon_row(speech: Speech, chosen: callbacks.Sku, coupon: Coupon | None) -> Row:
    """The row of the buy screen about coupons: "I have a coupon", or the way to the same screen without the one that is used."""
    if coupon is not None:
        return [button(speech.label("✖️ Without “{word}”", word=coupon.word), chosen.model_copy(update={"coupon": 0, "fresh": False}))]
    return [
        button(
            speech.label("🎟 I have a coupon"),
            callbacks.TypeCoupon(id=chosen.id, quantity=chosen.quantity, way=chosen.way, direct=chosen.direct, answers=chosen.answers),
        )
    ]


def tiers_told(price: Price, speech: Speech) -> Safe | None:
    """What larger quantities cost, a line for each; None when all cost the same."""
    told = [
        speech.say("From {n} on: {price} each", n=speech.number(tier.from_quantity), price=speech.price(tier.unit_minor, price.currency))
        for tier in price.tiers
    ]
    return lines(*told) if told else None


def sum_told(quote: Quote, speech: Speech, *, tier: bool = False) -> Safe | None:
    """How the total comes about, a line for each step: the sum, what is taken off and why, the total; None for a plain sum.

    Of a quote on the screen, or of what an order keeps (`OrderDetail.priced`); with `tier`, what the quantity has earned is told too,
    which the buy screen does by its list of tiers. The fee of a way to pay is told where it is chosen.
    """
    if quote.plain:
        return None
    currency = quote.currency
    told: list[Safe] = [sum_line(quote.quantity, quote.unit_minor, quote.goods_minor, currency, speech)]
    earned = next((why.facts for why in quote.reasons if why.says == "tier"), None) if tier else None
    if earned is not None:
        told.append(
            speech.say(
                "{n} or more cost {price} each, instead of {usual}.",
                n=speech.number(int(earned["from_quantity"])),
                price=speech.price(int(earned["unit_minor"]), currency),
                usual=speech.price(int(earned["retail_minor"]), currency),
            )
        )
    for discount in quote.discounts:
        facts = {**discount.facts, "amount": speech.price(discount.amount_minor, currency)}
        told.append(speech.say(_DISCOUNTS[discount.why], **facts))
    told += [speech.say(_REASONS[why.says], **speech.spoken(why.facts)) for why in quote.reasons if why.says in _REASONS]
    if quote.discounts:
        told.append(speech.say("Total: {price}", price=bold(speech.price(quote.total_minor, currency))))
    return lines(*told)


def sum_line(quantity: int, unit_minor: int, sum_minor: int, currency: str, speech: Speech) -> Safe:
    """Quantity times unit price."""
    n, price = speech.number(quantity), speech.price(unit_minor, currency)
    return speech.say("{n} × {price} = {sum}", n=n, price=price, sum=speech.price(sum_minor, currency))


def _chosen(data: Mapping[str, object]) -> callbacks.Sku:
    """What was chosen, as it was kept while the word is typed."""
    return callbacks.Sku.model_validate({"id": 0, "quantity": 0, "way": Way.TOP, "direct": True, **data})


async def type_coupon_pressed(
    press: CallbackQuery,
    callback_data: callbacks.TypeCoupon,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    state: FSMContext,
) -> None:
    """Ask for the word."""
    chosen = callbacks.Sku(
        id=callback_data.id,
        quantity=callback_data.quantity,
        way=callback_data.way,
        direct=callback_data.direct,
        answers=callback_data.answers,
    )
    try:
        quote = await shop.read(orders.quote, storefront_id=storefront.id, customer_id=customer.id, sku_id=chosen.id, quantity=1)
    except Gone as gone:
        await show(press, *browse.lost(speech, gone))
        return
    await state.set_state(Typing.coupon)
    await state.set_data(
        {"id": chosen.id, "quantity": chosen.quantity, "way": chosen.way.value, "direct": chosen.direct, "answers": chosen.answers}
    )
    asked = speech.say(
        "{name}\n\nType the word of your coupon, for example: <i>SPRING10</i>", name=bold(full_name(quote.product, quote.sku, speech))
    )
    await show(press, asked, keyboard([[button(speech.label("⬅️ Back"), chosen)]]))


async def _take_word(
    message: Message,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
    state: FSMContext,
    draw: Draw,
) -> None:
    """The word as text: one that is no coupon is asked again; one that does not hold for this purchase is told why."""
    chosen = _chosen(await state.get_data())
    try:
        coupon = await shop.read(coupons.find, storefront_id=storefront.id, word=message.text or "")
    except CouponRefused as no:
        back = keyboard([[button(speech.label("⬅️ Back"), chosen)]])
        await show(message, paragraphs(refused(speech, no), speech.say("Type the word of your coupon, or go back.")), back)
        return
    await state.clear()
    try:
        quote = await shop.read(
            orders.quote,
            storefront_id=storefront.id,
            customer_id=customer.id,
            sku_id=chosen.id,
            quantity=max(1, chosen.quantity),
            coupon_id=coupon.id,
        )
    except Gone as gone:
        await show(message, *browse.lost(speech, gone))
        return
    no_use = quote.coupon_refused
    chosen = chosen.model_copy(update={"coupon": 0 if no_use else coupon.id})
    said = refused(speech, no_use) if no_use else None
    await show(message, *await draw(shop, storefront, customer, speech, methods, chosen, said))


def listen(router: Router, draw: Draw) -> None:
    """Register this conversation with the router of the buy screen, which `draw` draws."""

    async def coupon_typed(
        message: Message,
        shop: Shop,
        storefront: Storefront,
        customer: Customer,
        speech: Speech,
        methods: Mapping[str, PaymentMethod],
        state: FSMContext,
    ) -> None:
        await _take_word(message, shop, storefront, customer, speech, methods, state, draw)

    router.callback_query.register(type_coupon_pressed, callbacks.TypeCoupon.filter())
    router.message.register(coupon_typed, StateFilter(Typing.coupon), F.text, ~F.text.startswith("/"))
