"""Buying: one screen with how many and how to pay, one press, and the code is the next message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from aiogram import F, Router
from aiogram.filters import StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message

from core import aftersale, fulfilment, insight, inventory, orders, pricing, supply
from core.catalog import Gone
from core.database import Shop
from core.errors import Refusal
from core.money import STARS
from core.orders import Quote, Receipt
from core.people import Customer
from core.ports import PaymentMethod
from core.pricing import PriceLately
from core.showcase import COUNTED
from core.storefronts import Storefront
from core.supply import SourceClass, SourceShown
from handlers import answers, browse, callbacks, coupons, missed
from handlers.browse import Drawn
from handlers.callbacks import Way
from handlers.conversation import conversation
from handlers.means import asked_by, label_of, others, payable
from handlers.pieces import (
    Row,
    bold,
    button,
    clipped,
    face_value,
    full_name,
    keyboard,
    lines,
    paragraphs,
    plain,
    region_name,
    show,
    stock_said,
)
from handlers.receipts import price_told
from handlers.screen import refused, refused_plain
from handlers.typed import whole_number
from locales import N_, Safe, Speech

OFFERED = (1, 2, 5, 10)
CLASSES = {
    SourceClass.OWN_STOCK: N_("own stock"),
    SourceClass.AUTHORISED: N_("authorised source"),
    SourceClass.CREATOR: N_("from its creator"),
    SourceClass.PURCHASED: N_("bought by us"),
    SourceClass.UPSTREAM: N_("partner shop"),
}
STEADY = ((90, N_("very steady")), (75, N_("steady")), (50, N_("with ups and downs")), (0, N_("unsteady")))


class Typing(StatesGroup):
    """The only thing of a purchase that is typed."""

    quantity = State()


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a buyer is looking at, and how they came there."""

    sku_id: int
    quantity: int
    way: Way = Way.TOP
    direct: bool = True
    coupon: int = 0  # its id; 0 for none
    answers: int = 0  # what was said before paying; 0 for nothing

    def screen(self, quantity: int) -> callbacks.Sku:
        """The way to the same screen with a quantity."""
        most = callbacks.LARGEST_QUANTITY
        return callbacks.Sku(
            id=self.sku_id, quantity=min(quantity, most), way=self.way, direct=self.direct, coupon=self.coupon, answers=self.answers
        )

    def button(self, label: str, quantity: int, style: str | None = None) -> Row:
        """A row with the way to the same screen with another quantity."""
        return [button(label, self.screen(quantity), style)]


def chosen_of(data: callbacks.Sku | callbacks.Buy | callbacks.BuyByStars | callbacks.PayBy) -> Chosen:
    """What a button says was chosen."""
    if isinstance(data, callbacks.PayBy):
        return Chosen(data.sku, data.quantity, coupon=data.coupon)
    if isinstance(data, callbacks.Sku):
        return Chosen(data.id, data.quantity, data.way, data.direct, data.coupon, data.answers)
    return Chosen(data.sku, data.quantity, data.way, data.direct, data.coupon)


async def screen(
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
    chosen: Chosen,
    said: Safe | None = None,
    *,
    balance_said: bool = False,
) -> Drawn:
    """The buy screen as things are now, under a sentence such as a refusal; a screen that leads back when the goods are gone.

    `balance_said`: the sentence tells the balance already.
    """
    try:
        quote = await shop.read(
            orders.quote,
            storefront_id=storefront.id,
            customer_id=customer.id,
            sku_id=chosen.sku_id,
            quantity=max(1, chosen.quantity),
            ways=[asked_by(method) for method in methods.values()],
            coupon_id=chosen.coupon or None,
        )
        source = await shop.read(supply.source_shown, chosen.sku_id)
        lately = await shop.read(pricing.price_lately, buyer=customer, sku_id=chosen.sku_id)
        own = None if source is None else source.warranty_hours
        warranty = await shop.read(aftersale.warranty_of, storefront_id=storefront.id, product_id=quote.product.id, of_source=own)
    except Gone as gone:
        return browse.lost(speech, gone)
    insight.note_opened(storefront.id, customer.id, quote.product.id)
    _note_lacking(customer, quote, chosen.quantity)
    if quote.coupon_refused is not None:
        said, chosen = said or refused(speech, quote.coupon_refused), replace(chosen, coupon=0)
    rows: list[Row] = []
    can_buy = quote.most >= quote.sku.min_quantity
    walk = await answers.walk_of(shop, customer, speech, quote, chosen.screen(quote.quantity)) if can_buy else None
    if walk is not None and not walk.ready:
        # Nothing is paid before it is known whether, and for which account, it can be had at all.
        rows += walk.rows
    elif can_buy:
        screen_id = callbacks.new_screen()
        if walk is not None:
            chosen = replace(chosen, answers=walk.answers_id)
            rows.append(walk.change)
        # What changes the price stands before the ways to pay it.
        rows.append(_quantities(quote, chosen, speech))
        rows.append([*_another(quote, chosen, speech), *coupons.coupon_row(speech, chosen.screen(quote.quantity), quote.coupon)])
        rows += _ways_to_pay(quote, chosen, speech, screen_id, methods)
    elif quote.left < quote.sku.min_quantity:
        waits = await shop.read(inventory.watching, customer_id=customer.id, sku_id=quote.sku.id)
        rows.append([_bell(quote.sku.id, speech, waits=waits)])
    rows.append(_back(quote, chosen, speech))
    return paragraphs(
        Safe("⚠️ ") + said if said else None,
        _described(
            quote,
            speech,
            source_told(source, warranty, speech),
            lately_told(lately, speech),
            can_buy=can_buy,
            balance_said=balance_said or (walk is not None and not walk.ready),
        ),
        walk.told if walk is not None else None,
    ), keyboard(rows)


def _note_lacking(customer: Customer, quote: Quote, asked: int) -> None:
    """Whoever asks for more than there is, lacks the rest of what they might have."""
    allowed = orders.most_of(customer, quote.sku)
    wanted = min(asked, allowed if quote.still_allowed is None else min(allowed, quote.still_allowed))
    # What is counted up to a bound only is enough for whatever may be bought at once.
    there = quote.left if quote.left < COUNTED else quote.most
    if wanted > there:
        missed.note(customer.storefront_id, customer.id, sku_id=quote.sku.id, units=wanted - there)


def _described(quote: Quote, speech: Speech, source: Safe | None, lately: Safe | None, *, can_buy: bool, balance_said: bool) -> Safe:
    sku, currency = quote.sku, quote.price.currency
    worth = face_value(sku, speech)
    description = quote.product.description_in(speech.language).strip()
    stock = stock_said(quote.left, speech)
    state: Safe | None
    if quote.left < sku.min_quantity:
        state = speech.say("Sold out at the moment.")
    elif not can_buy:
        state = speech.say("You have as many of these as one buyer may have.")
    elif balance_said:
        state = None
    elif quote.short_minor:
        balance, short = speech.price(quote.balance_minor, currency), speech.price(quote.short_minor, currency)
        state = speech.say("Your balance is {balance}: {short} more is needed to pay from it.", balance=balance, short=bold(short))
    else:
        state = speech.say("Your balance is {balance}.", balance=speech.price(quote.balance_minor, currency))
    return paragraphs(
        bold(clipped(full_name(quote.product, sku, speech), 200)),
        plain(description, 800) if description else None,
        answers.words_of(quote.product, speech),
        lines(
            speech.say("Face value: {worth}", worth=worth) if worth else None,
            speech.say("To redeem in: {region}", region=region_name(sku.redeem_region, speech)) if sku.redeem_region else None,
            speech.say("Price: {price} each", price=bold(speech.price(quote.price.retail_minor, currency))),
            lately,
            coupons.tiers_told(quote.price, speech),
            speech.say("In stock: {stock}", stock=stock) if stock else None,
            source,
            speech.many("Limit: {n} for each buyer", "Limit: {n} for each buyer", sku.max_per_buyer)
            if sku.max_per_buyer is not None
            else None,
        ),
        coupons.sum_told(quote.priced, speech) if can_buy else None,
        state,
    )


def lately_told(lately: PriceLately | None, speech: Speech) -> Safe | None:
    """One line: between what the price has moved of late, and since when it is as it is; None when it has not."""
    if lately is None:
        return None
    return speech.say(
        "Last 30 days: {lowest} to {highest}, today's price since {day}",
        lowest=speech.price(lately.lowest_minor, lately.currency),
        highest=speech.price(lately.highest_minor, lately.currency),
        day=speech.day(lately.since),
    )


def source_told(source: SourceShown | None, hours: int, speech: Speech) -> Safe | None:
    """One line: what the next unit's source rests on, the warranty in `hours`, and how steady it was; None when nothing sells."""
    if source is None:
        return None
    days = hours // 24
    told = [
        speech.label(CLASSES[source.source_class]),
        speech.label_many("warranty {n} hour", "warranty {n} hours", hours)
        if hours % 24 or days < 3
        else speech.label_many("warranty {n} day", "warranty {n} days", days),
    ]
    if source.stability is None:
        told.append(speech.label("new source"))
    else:
        word = next(word for least, word in STEADY if source.stability >= least)
        told.append(speech.label("{word} ({score} of 100)", word=speech.label(word), score=speech.number(source.stability)))
    return speech.say("Source: {facts}", facts=" · ".join(told))


def _quantities(quote: Quote, chosen: Chosen, speech: Speech) -> Row:
    """The usual quantities that can be had, the chosen one marked."""
    row: Row = []
    for n in _offered(quote):
        is_chosen = n == quote.quantity
        row += chosen.button(f"• {speech.number(n)} •" if is_chosen else speech.number(n), n, "primary" if is_chosen else None)
    return row


def _offered(quote: Quote) -> list[int]:
    least, most = quote.sku.min_quantity, quote.most
    if least >= most:
        return []
    return sorted({n for n in (*OFFERED, least, quote.quantity) if least <= n <= most})[:6]


def _another(quote: Quote, chosen: Chosen, speech: Speech) -> Row:
    """A quantity to be typed, when there are others than those offered."""
    offered = _offered(quote)
    if not offered or len(offered) == quote.most - quote.sku.min_quantity + 1:
        return []
    typed = {"id": chosen.sku_id, "way": chosen.way, "direct": chosen.direct, "coupon": chosen.coupon, "answers": chosen.answers}
    return [button(speech.label("✏️ Other"), callbacks.TypeQuantity.model_validate(typed))]


def _ways_to_pay(quote: Quote, chosen: Chosen, speech: Speech, screen_id: str, methods: Mapping[str, PaymentMethod]) -> list[Row]:
    stars = methods.get("stars")
    seen = {
        "sku": quote.sku.id,
        "price": quote.price.id,
        "rules": quote.sku.rules_version,
        "quantity": quote.quantity,
        "screen": screen_id,
        "way": chosen.way,
        "direct": chosen.direct,
        "coupon": chosen.coupon,
    }
    total = speech.price(quote.total_minor, quote.price.currency)
    pay = speech.label_many("Pay {price} · {n} card", "Pay {price} · {n} cards", quote.quantity, price=total)
    enough = quote.short_minor == 0
    style = "success" if enough else None
    if chosen.answers:
        seen["answers"] = chosen.answers
    by_wallet = callbacks.BuyFor.model_validate(seen) if chosen.answers else callbacks.Buy.model_validate(seen)
    rows: list[Row] = [[button(pay, by_wallet, style)]]
    asked = None if stars is None else quote.by_ways.get(stars.name)
    if stars is not None and asked is not None and payable(stars, asked.amount_minor):
        by_stars = button(
            speech.label("Pay with Stars · {price}", price=speech.price(asked.amount_minor, STARS)),
            callbacks.StarsFor.model_validate(seen) if chosen.answers else callbacks.BuyByStars.model_validate(seen),
            None if enough else "success",
        )
        rows.append([by_stars])
    rows += _by_others(quote, chosen, speech, screen_id, methods)
    if len(rows) > 1 and not enough:
        short = speech.price(quote.short_minor, quote.price.currency)
        rows.append([button(speech.label("Top up {amount}", amount=short), callbacks.TopUp(worth=quote.short_minor))])
    # Without the coupon, whose smallest purchase fewer may not reach: with it, it can only be less.
    affordable = pricing.affordable(quote.price, quote.spendable_minor, quote.quantity - 1)
    if not enough and quote.coupon is None and affordable >= quote.sku.min_quantity:
        price = speech.price(pricing.quote(quote.price, affordable).total_minor, quote.price.currency)
        rows.append(chosen.button(speech.label_many("Take {n} for {price}", "Take {n} for {price}", affordable, price=price), affordable))
    return rows


def _by_others(quote: Quote, chosen: Chosen, speech: Speech, screen_id: str, methods: Mapping[str, PaymentMethod]) -> list[Row]:
    """A button for each other way; what the balance holds is taken off the price on it."""
    drawn: Row = []
    for method in others(methods):
        asked = quote.by_ways.get(method.name)
        if asked is None or not payable(method, asked.amount_minor):
            continue
        seen = {
            "sku": quote.sku.id,
            "price": quote.price.id,
            "rules": quote.sku.rules_version,
            "quantity": quote.quantity,
            "screen": screen_id,
            "means": callbacks.means(method.name),
            "coupon": chosen.coupon,
            "answers": chosen.answers,
        }
        data = callbacks.PayFor.model_validate(seen) if chosen.answers else callbacks.PayBy.model_validate(seen)
        drawn.append(button(f"{label_of(method.name, speech)} · {speech.price(asked.amount_minor, asked.currency)}", data))
    return [drawn[first : first + 2] for first in range(0, len(drawn), 2)]


def _bell(sku_id: int, speech: Speech, *, waits: bool) -> InlineKeyboardButton:
    if waits:
        return button(speech.label("🔕 Do not tell me any more"), callbacks.Watch(id=sku_id, wanted=False, redraw=True))
    return button(speech.label("🔔 Tell me when it is back"), callbacks.Watch(id=sku_id, redraw=True), "primary")


def _back(quote: Quote, chosen: Chosen, speech: Speech) -> Row:
    """Back to where the buyer came from."""
    if not chosen.direct:
        return [
            button(speech.label("⬅️ Back"), callbacks.Product(id=quote.product.id, way=chosen.way)),
            button(speech.label("🛍 To the shop"), callbacks.Home()),
        ]
    return browse.back_from_product(quote.product.category_id, chosen.way, speech)


GONE_MEANWHILE = N_("Somebody was faster: this has just sold out. Nothing was charged.")


def explained(refusal: Refusal, speech: Speech) -> Safe:
    """A refusal in words; nothing left at all is said more kindly than "only 0 left"."""
    if isinstance(refusal, orders.SoldOut) and refusal.left == 0:
        return speech.say(GONE_MEANWHILE)
    return refused(speech, refusal)


def explained_plain(refusal: Refusal, speech: Speech) -> str:
    """The same for an alert or at the checkout."""
    if isinstance(refusal, orders.SoldOut) and refusal.left == 0:
        return speech.label(GONE_MEANWHILE)
    return refused_plain(speech, refusal)


async def paid(shop: Shop, customer: Customer, receipt: Receipt, speech: Speech) -> Drawn:
    """The screen after a purchase: what was paid, and how it came about where that is more than one price."""
    if receipt.held:
        said = speech.say(
            "✅ Paid {price}. The shop checks this payment before the codes are sent.",
            price=bold(speech.price(receipt.paid_minor, receipt.currency)),
        )
        return said, keyboard(after_buying(receipt.order_id, speech))
    if receipt.due_at is not None:
        said = speech.say(
            "✅ Paid {price}. It is on its way and comes by {when} at the latest, or you get your money back.",
            price=bold(speech.price(receipt.paid_minor, receipt.currency)),
            when=speech.when(receipt.due_at),
        )
        return said, keyboard(after_buying(receipt.order_id, speech))
    said = speech.many(
        "✅ Paid {price}. Your code is the next message.",
        "✅ Paid {price}. Your {n} codes are the next message.",
        receipt.quantity,
        price=bold(speech.price(receipt.paid_minor, receipt.currency)),
    )
    detail = await shop.read(orders.detail, order_id=receipt.order_id, buyer_id=customer.id)
    why = price_told(detail, speech, always=False) if detail is not None else None
    return paragraphs(said, why), keyboard(after_buying(receipt.order_id, speech))


def after_buying(order_id: int, speech: Speech) -> list[Row]:
    """The next steps under a paid screen."""
    return [
        [button(speech.label("🔁 Buy again"), callbacks.Again(id=order_id))],
        [button(speech.label("🧾 My orders"), callbacks.Orders()), button(speech.label("🛍 To the shop"), callbacks.Home())],
    ]


async def sku_pressed(
    press: CallbackQuery,
    callback_data: callbacks.Sku,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
) -> None:
    drawn = await screen(shop, storefront, customer, speech, methods, chosen_of(callback_data))
    await show(press, *drawn, fresh=callback_data.fresh)


async def buy_pressed(
    press: CallbackQuery,
    callback_data: callbacks.Buy,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
    answers_id: int = 0,
) -> None:
    """The purchase. A refusal keeps what was chosen and draws the screen again with the ways on."""
    facts: dict[str, Any] = {
        "storefront_id": storefront.id,
        "buyer_id": customer.id,
        "sku_id": callback_data.sku,
        "quantity": callback_data.quantity,
        "price_id": callback_data.price,
        "rules_version": callback_data.rules,
        "once": f"{storefront.id}:{customer.id}:{callback_data.screen}",
    }
    try:
        if answers_id:
            receipt = await shop.write(orders.buy_for, answers_id=answers_id, coupon_id=callback_data.coupon or None, **facts)
        elif callback_data.coupon:
            receipt = await shop.write(orders.buy_with, coupon_id=callback_data.coupon, **facts)
        else:
            receipt = await shop.write(orders.buy, **facts)
    except Refusal as refusal:
        missed.refused(customer, refusal, callback_data.quantity)
        await press.answer(explained_plain(refusal, speech))
        drawn = await screen(
            shop,
            storefront,
            customer,
            speech,
            methods,
            replace(chosen_of(callback_data), answers=answers_id),
            explained(refusal, speech),
            balance_said=isinstance(refusal, orders.TooLittleMoney),
        )
        await show(press, *drawn)
    else:
        await show(press, *await paid(shop, customer, receipt, speech))


async def buy_for_pressed(
    press: CallbackQuery,
    callback_data: callbacks.BuyFor,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
) -> None:
    """The same for what asked its buyer."""
    data = await plainly_bought(shop, customer, callback_data, callbacks.Buy)
    await buy_pressed(press, data, shop, storefront, customer, speech, methods, answers_id=callback_data.answers)


Bought = TypeVar("Bought", callbacks.Buy, callbacks.BuyByStars, callbacks.PayBy)


async def plainly_bought(
    shop: Shop, customer: Customer, data: callbacks.BuyFor | callbacks.StarsFor | callbacks.PayFor, kind: type[Bought]
) -> Bought:
    """The button with the denomination that its answers are about; raises NotAnswered when they are not this buyer's."""
    kept = await shop.read(fulfilment.answers, answers_id=data.answers, customer_id=customer.id)
    if kept is None:
        raise fulfilment.NotAnswered
    return kind.model_validate({**data.model_dump(exclude={"answers"}), "sku": kept.sku_id})


async def watch_pressed(
    press: CallbackQuery,
    callback_data: callbacks.Watch,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
) -> None:
    """Put a buyer on the list of those who wait, or take them off; only for what is in the shop."""
    try:
        quote = await shop.read(orders.quote, storefront_id=storefront.id, customer_id=customer.id, sku_id=callback_data.id, quantity=1)
    except Gone as gone:
        await show(press, *browse.lost(speech, gone))
        return
    if callback_data.wanted:
        # An old button of what is back long since asks for nothing that is not there.
        _note_lacking(customer, quote, quote.sku.min_quantity)
    if not callback_data.wanted:
        await shop.write(inventory.unwatch, customer_id=customer.id, sku_id=callback_data.id)
        await press.answer(speech.label("All right, we will not write about it."))
    elif await shop.write(inventory.watch, customer_id=customer.id, sku_id=callback_data.id):
        await press.answer(speech.label("Noted: we will write to you as soon as it is back."))
    else:
        await press.answer(speech.label("You are on the list already. We will write as soon as it is back."))
    if callback_data.redraw:
        await show(press, *await screen(shop, storefront, customer, speech, methods, Chosen(callback_data.id, 0)))


async def type_quantity_pressed(
    press: CallbackQuery,
    callback_data: callbacks.TypeQuantity,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    state: FSMContext,
) -> None:
    """Ask for a quantity to be typed."""
    chosen = Chosen(callback_data.id, 0, callback_data.way, callback_data.direct, callback_data.coupon, callback_data.answers)
    try:
        quote = await shop.read(orders.quote, storefront_id=storefront.id, customer_id=customer.id, sku_id=chosen.sku_id, quantity=1)
    except Gone as gone:
        await show(press, *browse.lost(speech, gone))
        return
    await state.set_state(Typing.quantity)
    await state.set_data(
        {"sku": chosen.sku_id, "way": chosen.way.value, "direct": chosen.direct, "coupon": chosen.coupon, "answers": chosen.answers}
    )
    asked = speech.say(
        "{name}\n\nHow many would you like? Type a number from {least} to {most}.",
        name=bold(full_name(quote.product, quote.sku, speech)),
        least=speech.number(quote.sku.min_quantity),
        most=speech.number(max(quote.most, quote.sku.min_quantity)),
    )
    await show(press, asked, keyboard([chosen.button(speech.label("⬅️ Back"), 0)]))


async def quantity_typed(
    message: Message,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
    state: FSMContext,
) -> None:
    """The quantity as text: what cannot be is said, and the next text is taken for another try."""
    kept = await state.get_data()
    way, direct = Way(kept.get("way", Way.TOP.value)), bool(kept.get("direct", True))
    chosen = Chosen(int(kept.get("sku", 0)), 0, way, direct, int(kept.get("coupon", 0)), int(kept.get("answers", 0)))
    try:
        quote = await shop.read(orders.quote, storefront_id=storefront.id, customer_id=customer.id, sku_id=chosen.sku_id, quantity=1)
    except Gone as gone:
        await state.clear()
        await show(message, *browse.lost(speech, gone))
        return
    typed = whole_number(message.text or "")
    least, most = quote.sku.min_quantity, quote.most
    _note_lacking(customer, quote, typed or 0)
    if most >= least and (typed is None or not least <= typed <= most):
        bounds = {"least": speech.number(least), "most": speech.number(most)}
        if typed is None:
            said = speech.say("That is not a number I understand. Please type one from {least} to {most}, such as {least}.", **bounds)
        else:
            said = speech.say("You can take from {least} to {most} of these right now. Please type another number.", **bounds)
        await show(message, said, keyboard([chosen.button(speech.label("⬅️ Back"), 0)]))
        return
    await state.clear()
    wanted = replace(chosen, quantity=typed or 0)
    await show(message, *await screen(shop, storefront, customer, speech, methods, wanted))


async def _with_coupon(
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
    chosen: callbacks.Sku,
    said: Safe | None,
) -> Drawn:
    """The screen after a coupon was typed, or what is asked before paying was said."""
    return await screen(shop, storefront, customer, speech, methods, chosen_of(chosen), said)


def router() -> Router:
    """The buy screen, the purchase, and the list of those who wait."""
    router = conversation("buy")
    coupons.listen(router, _with_coupon)
    answers.listen(router, _with_coupon)
    router.callback_query.register(buy_for_pressed, callbacks.BuyFor.filter())
    router.callback_query.register(buy_pressed, callbacks.Buy.filter())
    router.callback_query.register(sku_pressed, callbacks.Sku.filter())
    router.callback_query.register(type_quantity_pressed, callbacks.TypeQuantity.filter())
    router.callback_query.register(watch_pressed, callbacks.Watch.filter())
    router.message.register(quantity_typed, StateFilter(Typing.quantity), F.text, ~F.text.startswith("/"))
    return router
