"""/manage: what whoever runs a reseller's own bot does in it – looks at the figures, and writes to its customers."""

from __future__ import annotations

from typing import Annotated

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.filters.state import StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message
from pydantic import Field

from core import brands, promotion
from core.brands import BrandView
from core.catalog import Gone
from core.database import Shop
from core.errors import Refusal
from core.people import Customer
from core.promotion import BroadcastView
from core.storefronts import Storefront
from handlers.brand_words import state_said
from handlers.callbacks import Number
from handlers.conversation import conversation
from handlers.pieces import Row, bold, button, keyboard, lines, paragraphs, plain, show
from handlers.screen import refused
from locales import Safe, Speech

_SPANS = (1, 7, 30)
_MOST = 3500  # characters of a broadcast


class ManagePress(CallbackData, prefix="mgr"):
    """A button of /manage; `id` is a broadcast."""

    act: Annotated[str, Field(pattern=r"^(home|write|send|look|stop)$")]
    id: Number = 0


class Writing(StatesGroup):
    """The next message is what all customers are to read."""

    text = State()


async def manage(message: Message, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech) -> None:
    """The figures of this storefront; for anybody else there is no such command."""
    brand = await shop.read(brands.may_manage, storefront_id=storefront.id, telegram_id=customer.telegram_id)
    if brand is None:
        await message.answer(speech.say("I do not know this command. /help tells what I can do."))
        return
    text, rows = await _home(brand, shop, speech)
    await message.answer(text, reply_markup=keyboard(rows))


async def _home(brand: BrandView, shop: Shop, speech: Speech, said: Safe | None = None) -> tuple[Safe, list[Row]]:
    told: list[Safe] = []
    for days in _SPANS:
        sold = await shop.read(brands.sales, brand.id, days=days)
        told.append(
            speech.say(
                "{span}: {orders} for {sold}, margin {margin}",
                span=speech.many("{n} day", "{n} days", days),
                orders=speech.many("{n} order", "{n} orders", sold.orders),
                sold=speech.price(sold.sold_minor, sold.currency),
                margin=bold(speech.price(sold.margin_minor - sold.taken_minor, sold.currency)),
            )
        )
    text = paragraphs(
        said,
        speech.say("🛠 <b>{name}</b>", name=brand.storefront.name),
        state_said(brand, speech, entitled=await shop.read(brands.is_entitled, brand.id)),
        lines(speech.many("{n} customer", "{n} customers", await shop.read(brands.customers, brand.id)), *told),
        speech.say("Its owner changes prices, products and looks with /mybot in the shop's own bot."),
    )
    rows: list[Row] = [[_to(speech.label("📣 Write to all customers"), "write")]]
    lately = await shop.read(promotion.broadcasts, storefront_id=brand.storefront.id, limit=3)
    rows += [[_to(f"📣 {speech.when(cast.made_at)} · {speech.number(cast.sent)}", "look", cast.id)] for cast in lately]
    rows.append([_to("🔄", "home")])
    return text, rows


def _to(label: str, act: str, id: int = 0, style: str | None = None) -> InlineKeyboardButton:
    return button(label, ManagePress(act=act, id=id), style)


async def pressed(
    press: CallbackQuery,
    callback_data: ManagePress,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    state: FSMContext,
) -> None:
    """Any button of /manage; whoever is not in charge any more reads that it is gone."""
    brand = await shop.read(brands.may_manage, storefront_id=storefront.id, telegram_id=customer.telegram_id)
    if brand is None:
        raise Gone
    match callback_data.act:
        case "write":
            await state.set_state(Writing.text)
            drawn = (
                speech.say("What shall all customers of {name} read? Please type it.", name=bold(storefront.name)),
                [_never_mind(speech)],
            )
        case "send":
            try:
                left = await shop.write(
                    promotion.begin_branded,
                    broadcast_id=callback_data.id,
                    storefront_id=storefront.id,
                    by=f"telegram:{customer.telegram_id}",
                )
                said = None if left is None else speech.many("{n} broadcast is left", "{n} broadcasts are left", left)
                drawn = await _broadcast(callback_data.id, brand, shop, speech, said)
            except Refusal as refusal:
                drawn = await _home(brand, shop, speech, refused(speech, refusal))
        case "look":
            drawn = await _broadcast(callback_data.id, brand, shop, speech)
        case "stop":
            await shop.write(
                promotion.stop, broadcast_id=callback_data.id, storefront_id=storefront.id, by=f"telegram:{customer.telegram_id}"
            )
            drawn = await _broadcast(callback_data.id, brand, shop, speech)
        case _:
            drawn = await _home(brand, shop, speech)
    await show(press, drawn[0], keyboard(drawn[1]))


def _never_mind(speech: Speech) -> Row:
    return [_to(speech.label("✖️ Never mind"), "home")]


async def typed(message: Message, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech, state: FSMContext) -> None:
    """The text of a broadcast: shown before anybody else reads it."""
    brand = await shop.read(brands.may_manage, storefront_id=storefront.id, telegram_id=customer.telegram_id)
    if brand is None:
        await state.clear()
        raise Gone
    text = (message.text or "").strip()
    if not 0 < len(text) <= _MOST:
        said = speech.say("A message has at most {most} characters. Please type a shorter one.", most=speech.number(_MOST))
        await message.answer(said, reply_markup=keyboard([_never_mind(speech)]))
        return
    await state.clear()
    made = await shop.write(promotion.draft, storefront_id=storefront.id, text=text, by=f"telegram:{customer.telegram_id}")
    drawn, rows = await _broadcast(made, brand, shop, speech)
    await message.answer(drawn, reply_markup=keyboard(rows))


async def _broadcast(broadcast_id: int, brand: BrandView, shop: Shop, speech: Speech, said: Safe | None = None) -> tuple[Safe, list[Row]]:
    """The preview of a draft, or how far a broadcast is. Raises Gone."""
    cast = await shop.read(promotion.broadcast, broadcast_id)
    if cast is None or cast.storefront_id != brand.storefront.id:
        raise Gone
    if not cast.begun:
        text = paragraphs(speech.say("This is what your customers will read:"), plain(cast.text, _MOST))
        return text, [[_to(speech.label("📣 Send it to everybody"), "send", cast.id, "primary")], _never_mind(speech)]
    rows: list[Row] = [[_to(speech.label("🔄 Refresh"), "look", cast.id)]]
    if not cast.stopped and (cast.left or not cast.posting_done):
        rows[0].append(_to(speech.label("⏹ Stop"), "stop", cast.id, "danger"))
    rows.append([_to(speech.label("‹ Back"), "home")])
    return paragraphs(said, _how_far(cast, speech), plain(cast.text, _MOST)), rows


def _how_far(cast: BroadcastView, speech: Speech) -> Safe:
    return lines(
        speech.say("<b>Broadcast of {when}</b>", when=speech.when(cast.made_at)),
        speech.say("It was stopped.") if cast.stopped else None,
        speech.say("Posted: {n}", n=speech.number(cast.posted)),
        speech.say("Sent: {n}", n=speech.number(cast.sent)),
        speech.say("Could not be sent: {n}", n=speech.number(cast.parked)),
        speech.say("Left: {n}", n=speech.number(cast.left)),
    )


def router() -> Router:
    """/manage."""
    made = conversation("manage")
    made.message.register(manage, Command("manage"))
    made.message.register(typed, StateFilter(Writing.text), F.text, ~F.text.startswith("/"))
    made.callback_query.register(pressed, ManagePress.filter())
    return made
