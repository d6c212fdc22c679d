"""/mybot: a reseller's own bot – its token, name, look, prices and products, who runs it, and the margin it has earned."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramAPIError
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.filters.state import StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message
from pydantic import Field

from core import brands, catalog, insight, packages, people
from core.brands import BrandView, Markup, Style
from core.catalog import Gone
from core.database import Shop
from core.errors import Refusal
from core.packages import Service
from core.people import Customer
from core.ports import MeetsBots
from core.storefronts import Storefront
from handlers import courses
from handlers.brand_words import markup_said, markup_typed, state_said
from handlers.callbacks import Number
from handlers.conversation import conversation
from handlers.pieces import Row, bold, button, clipped, keyboard, lines, paragraphs, plain, show
from handlers.screen import refused
from locales import N_, Safe, Speech, languages, own_name
from papers.studio import Studio

_PAGE = 8  # products on a screen
_STEPS_MINOR = (1, 10, 50, 100)
_POINTS = (500, 1000, 1500, 2000, 3000)


class BotPress(CallbackData, prefix="rkb"):
    """A button of /mybot: what to do, with which bot; `arg` is a product, a page, a person, a step, a place in a list."""

    act: Annotated[str, Field(pattern=r"^[a-z]{1,8}$")]
    id: Number = 0
    arg: Number = 0


class BotTyping(StatesGroup):
    """The next message is a token, a name, or whatever was asked for."""

    answer = State()


QUESTIONS = {
    "token": N_("Please send me the token of the bot. @BotFather gives one for /newbot. I delete your message at once."),
    "retoken": N_("Please send me the bot's new token. @BotFather shows it for /token. I delete your message at once."),
    "name": N_("What shall the shop be called? Please type its name."),
    "welcome": N_("What shall everybody read who opens the bot? Please type it, or - for nothing."),
    "banner": N_("Please send me a picture that everybody sees who opens the bot, or - for none."),
    "support": N_("Whom shall your customers write to? Please type a contact such as @yourname, or - for nobody."),
    "markup": N_("How much more shall your customers pay than you? Please type for example 12.5%, or 0.50, or 10% + 0.50"),
    "people": N_("Who shall run this bot with you? They open it and press START first; then please type their @username."),
}


@dataclass(eq=False)
class NoPicture(Refusal):
    says: ClassVar[str] = N_("This is no picture. Please send a photo, or - for none.")


@dataclass
class _Desk:
    """Who acts, and with what."""

    shop: Shop
    storefront: Storefront
    customer: Customer
    speech: Speech
    meet_bot: MeetsBots

    def mine(self, brand_id: int) -> dict[str, Any]:
        """Whose bot is changed: every command checks that it is theirs."""
        return {"brand_id": brand_id, "owner_id": self.customer.id}

    async def brand(self, brand_id: int) -> BrandView:
        """Their own living bot. Raises Gone."""
        found = await self.shop.read(brands.brand, brand_id)
        if found is None or found.owner_id != self.customer.id or found.closed:
            raise Gone
        return found


def router() -> Router:
    made = conversation("reseller-own-bot")
    made.message.register(asked, Command("mybot"))
    made.message.register(typed, StateFilter(BotTyping.answer), F.text, ~F.text.startswith("/"))
    made.message.register(pictured, StateFilter(BotTyping.answer), F.photo)
    made.message.register(stray_token, StateFilter(None), F.text.func(brands.has_token))
    made.callback_query.register(course_pressed, BotPress.filter(F.act == "course"))
    made.callback_query.register(pressed, BotPress.filter())
    return made


async def asked(message: Message, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech, meet_bot: MeetsBots) -> None:
    """/mybot: the bots there are, or how to have one."""
    desk = _Desk(shop, storefront, customer, speech, meet_bot)
    if not await _may_look(desk):
        await show(message, refused(speech, brands.OnlyResellers()), keyboard([]))
        return
    await show(message, *_drawn(await _home(desk)))


async def _may_look(desk: _Desk) -> bool:
    """A reseller; and who was one, while they have a bot or money of one: that stays theirs, and its customers are still served."""
    if desk.customer.wholesale:
        return True
    if await desk.shop.read(brands.brands_of, desk.customer.id):
        return True
    money = await desk.shop.read(brands.earned, desk.customer.id)
    return bool(money.held_minor or money.due_minor)


def _drawn(screen: tuple[Safe, list[Row]]) -> tuple[Safe, Any]:
    text, rows = screen
    return text, keyboard(rows)


def _to(label: str, act: str, id: int = 0, arg: int = 0, style: str | None = None) -> InlineKeyboardButton:
    return button(label, BotPress(act=act, id=id, arg=arg), style)


async def _home(desk: _Desk, said: Safe | None = None) -> tuple[Safe, list[Row]]:
    """Their bots, and what they have earned."""
    speech = desk.speech
    mine = await desk.shop.read(brands.brands_of, desk.customer.id)
    money = await desk.shop.read(brands.earned, desk.customer.id)
    rows: list[Row] = [[_to(f"🤖 {clipped(one.storefront.name, 40)}", "look", one.id)] for one in mine]
    if not mine:
        text = paragraphs(
            said,
            speech.say("🤖 <b>Your own bot</b>"),
            speech.say("Sell under your own name: your shop, your prices, your customers. We deliver, and you keep what you add."),
            speech.say(
                "1. Open @BotFather, send /newbot and choose a name.\n2. Send me the token that it gives you.\n3. Your shop is open."
            ),
            speech.say("The token is kept encrypted, and your message with it is deleted."),
        )
        rows.append([_to(speech.label("🔑 Send a token"), "new", style="primary")])
        if not (money.held_minor or money.due_minor):
            return text, rows
    else:
        text = paragraphs(said, speech.say("🤖 <b>Your own bots</b>"), *[await _line(one, desk) for one in mine])
        rows.append([_to(speech.label("➕ Another bot"), "new")])
    text = paragraphs(
        text,
        lines(
            speech.say("💰 Margin to take: {amount}", amount=bold(speech.price(money.due_minor, money.currency))),
            speech.say(
                "held for {days} days after each sale: {amount}",
                days=brands.HELD.days,
                amount=speech.price(money.held_minor, money.currency),
            ),
        ),
    )
    if money.due_minor > 0:
        rows.append([_to(speech.label("💰 Take {amount}", amount=speech.price(money.due_minor, money.currency)), "take", style="success")])
    return text, rows


async def _line(brand: BrandView, desk: _Desk) -> Safe:
    entitled = await desk.shop.read(brands.is_entitled, brand.id)
    return lines(
        Safe(" · ").join([bold(brand.storefront.name), Safe(f"@{brand.username}")]), state_said(brand, desk.speech, entitled=entitled)
    )


async def _look(brand_id: int, desk: _Desk, said: Safe | None = None) -> tuple[Safe, list[Row]]:
    """One bot with everything that can be changed about it."""
    speech, brand = desk.speech, await desk.brand(brand_id)
    sold = await desk.shop.read(brands.sales, brand_id, days=30)
    people_there = await desk.shop.read(brands.customers, brand_id)
    hidden = await desk.shop.read(brands.hidden_products, brand_id)
    priced = await desk.shop.read(brands.how_many_priced, brand_id)
    currency = brand.storefront.currency
    text = paragraphs(
        said,
        await _line(brand, desk),
        lines(
            speech.many("{n} customer", "{n} customers", people_there),
            speech.say(
                "In 30 days: {orders} for {sold}, your margin {margin}",
                orders=speech.many("{n} order", "{n} orders", sold.orders),
                sold=speech.price(sold.sold_minor, currency),
                margin=bold(speech.price(sold.margin_minor - sold.taken_minor, currency)),
            ),
        ),
        lines(
            speech.say("📈 Prices: what you pay {markup}", markup=bold(markup_said(brand.markup, currency, speech))),
            speech.many("📦 {n} denomination for sale", "📦 {n} denominations for sale", priced),
            speech.many("{n} product is hidden", "{n} products are hidden", len(hidden)) if hidden else None,
        ),
        speech.say("👋 Welcome: “{text}”", text=plain(brand.welcome, 200)) if brand.welcome else None,
        speech.say("💬 Contact: {support}", support=plain(brand.storefront.support, 100))
        if brand.storefront.support
        else speech.say("💬 No contact is named yet."),
    )
    rows: list[Row] = [
        [InlineKeyboardButton(text=speech.label("🛍 Open @{username}", username=brand.username), url=f"https://t.me/{brand.username}")],
        [_to(speech.label("✏️ Name"), "name", brand_id), _to(speech.label("👋 Welcome"), "welcome", brand_id)],
        [_to(speech.label("💬 Contact"), "support", brand_id), _to(speech.label("🖼 Banner"), "banner", brand_id)],
        [_to(speech.label("📊 Pictures"), "course", brand_id, 30), _to(speech.label("👥 People"), "people", brand_id)],
        [_to(speech.label("📈 Prices"), "prices", brand_id), _to(speech.label("📦 Products"), "goods", brand_id)],
        [_to(speech.label("🌐 Language"), "langs", brand_id), _to(speech.label("🎨 Buttons"), "style", brand_id)],
    ]
    if brand.paused_at is None:
        rows.append([_to(speech.label("⏸ Pause"), "pause", brand_id), _to(speech.label("🔑 New token"), "retoken", brand_id)])
    else:
        rows.append(
            [_to(speech.label("▶️ Open again"), "resume", brand_id, style="success"), _to(speech.label("🔑 New token"), "retoken", brand_id)]
        )
    rows.append([_to(speech.label("🏁 Close for good"), "close", brand_id)])
    rows.append([_to(speech.label("‹ My bots"), "home")])
    return text, rows


async def _prices(brand_id: int, desk: _Desk, said: Safe | None = None) -> tuple[Safe, list[Row]]:
    """The markup, with its usual values as buttons and an example."""
    speech, brand = desk.speech, await desk.brand(brand_id)
    currency, markup = brand.storefront.currency, brand.markup
    example = 10_000
    text = paragraphs(
        said,
        speech.say("📈 <b>Prices of {name}</b>", name=brand.storefront.name),
        speech.say("Your customers pay what you pay {markup}.", markup=bold(markup_said(markup, currency, speech))),
        speech.say(
            "What costs you {house} costs them {price}.",
            house=speech.price(example, currency),
            price=bold(speech.price(markup.asked(example), currency)),
        ),
        speech.say("Never less than what you pay, nor than the shop's minimum. Prices follow the shop's by themselves, within seconds."),
    )
    rows: list[Row] = [
        [
            _to(("✅ " if markup.points == points and not markup.added_minor else "") + f"{points / 100:g}%", "points", brand_id, points)
            for points in _POINTS
        ],
        [_to(speech.label("✏️ Type another one"), "markup", brand_id)],
        [
            _to(
                ("✅ " if markup.step_minor == step else "") + speech.label("to {step}", step=speech.price(step, currency)),
                "step",
                brand_id,
                step,
            )
            for step in _STEPS_MINOR
        ],
        [_back(brand_id, desk)],
    ]
    return text, rows


async def _goods(brand_id: int, desk: _Desk, page: int = 0) -> tuple[Safe, list[Row]]:
    """The products, each with whether it is sold there."""
    speech, brand = desk.speech, await desk.brand(brand_id)
    hidden = await desk.shop.read(brands.hidden_products, brand_id)
    known: list[catalog.ProductView] = []
    for _, category in await desk.shop.read(catalog.tree):
        inside = await desk.shop.read(catalog.products_in, category.id)
        known += inside
    pages = max(1, -(-len(known) // _PAGE))
    page = min(page, pages - 1)
    rows: list[Row] = []
    for product in known[page * _PAGE : (page + 1) * _PAGE]:
        off = product.id in hidden
        label = f"{'▫️' if off else '✅'} {clipped(product.name_in(speech.language), 50)}"
        rows.append([_to(label, "showp" if off else "hidep", brand_id, product.id)])
    turn: Row = []
    if page:
        turn.append(_to("‹", "goods", brand_id, page - 1))
    if page + 1 < pages:
        turn.append(_to("›", "goods", brand_id, page + 1))
    if turn:
        rows.append(turn)
    rows.append([_back(brand_id, desk)])
    text = paragraphs(
        speech.say("📦 <b>What {name} sells</b>", name=brand.storefront.name),
        speech.say("Press a product to take it out of your shop, or to put it back. What we add later is sold there too."),
    )
    return text, rows


async def _people(brand_id: int, desk: _Desk, said: Safe | None = None) -> tuple[Safe, list[Row]]:
    """Who may open /manage in the bot."""
    speech, brand = desk.speech, await desk.brand(brand_id)
    rows: list[Row] = []
    for telegram_id in await desk.shop.read(brands.admins, brand_id):
        called = await desk.shop.read(people.called, telegram_id=telegram_id) or str(telegram_id)
        rows.append([_to(f"✖️ {clipped(called, 50)}", "outp", brand_id, telegram_id)])
    rows.append([_to(speech.label("➕ Add somebody"), "addp", brand_id)])
    rows.append([_back(brand_id, desk)])
    text = paragraphs(
        said,
        speech.say("👥 <b>Who runs {name}</b>", name=brand.storefront.name),
        speech.say(
            "You, and whom you add: they see the figures with /manage in the bot, and can write to its customers. "
            "Press one to take them out."
        ),
    )
    return text, rows


def _back(brand_id: int, desk: _Desk) -> InlineKeyboardButton:
    return _to(desk.speech.label("‹ Back"), "look", brand_id)


async def _langs(brand_id: int, desk: _Desk) -> tuple[Safe, list[Row]]:
    brand = await desk.brand(brand_id)
    rows: list[Row] = [
        [_to(("✅ " if one == brand.storefront.language else "") + own_name(one), "lang", brand_id, place)]
        for place, one in enumerate(sorted(languages()))
    ]
    rows.append([_back(brand_id, desk)])
    text = desk.speech.say("🌐 Everybody reads their own language. Which one do those read whose language we do not speak?")
    return text, rows


async def _styles(brand_id: int, desk: _Desk) -> tuple[Safe, list[Row]]:
    brand, speech = await desk.brand(brand_id), desk.speech
    names = {Style.PLAIN: speech.label("plain"), Style.BLUE: speech.label("blue"), Style.GREEN: speech.label("green")}
    rows: list[Row] = []
    for place, style in enumerate(Style):
        told = ("✅ " if style is brand.style else "") + names[style]
        rows.append([_to(told, "styled", brand_id, place, None if style is Style.PLAIN else style.value)])
    rows.append([_back(brand_id, desk)])
    return speech.say("🎨 How shall the buttons of your shop look?"), rows


async def _close(brand_id: int, desk: _Desk) -> tuple[Safe, list[Row]]:
    """Asked once more: it is for good."""
    brand, speech = await desk.brand(brand_id), desk.speech
    text = paragraphs(
        speech.say("🏁 Close @{username} for good?", username=brand.username),
        speech.say(
            "It stops answering, and we forget its token. Its customers cannot open their orders there any more. Your margin stays yours."
        ),
    )
    return text, [[_to(speech.label("🏁 Yes, close it"), "closed", brand_id, style="danger")], [_back(brand_id, desk)]]


async def pressed(
    press: CallbackQuery,
    callback_data: BotPress,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    state: FSMContext,
    meet_bot: MeetsBots,
) -> None:
    """Any button of these screens; what is refused is said above the list."""
    desk = _Desk(shop, storefront, customer, speech, meet_bot)
    try:
        if not customer.wholesale and (callback_data.act == "new" or not await _may_look(desk)):
            raise brands.OnlyResellers
        if callback_data.act in ASKS:
            await _ask(press, callback_data, desk, state)
            return
        drawn = await ACTS.get(callback_data.act, _to_home)(callback_data, desk)
    except Refusal as refusal:
        drawn = await _home(desk, refused(speech, refusal)) if await _may_look(desk) else (refused(speech, refusal), [])
    await show(press, *_drawn(drawn))


ASKS = {
    "banner": "banner",
    "new": "token",
    "retoken": "retoken",
    "name": "name",
    "welcome": "welcome",
    "support": "support",
    "markup": "markup",
    "addp": "people",
}
"""Acts that ask for something typed, and their questions."""


async def _ask(press: CallbackQuery, data: BotPress, desk: _Desk, state: FSMContext) -> None:
    """Ask for what is to be typed next."""
    if data.act != "new":
        await desk.brand(data.id)
    question = ASKS[data.act]
    await state.set_state(BotTyping.answer)
    await state.set_data({"what": question, "brand": data.id})
    back = _to(desk.speech.label("✖️ Never mind"), "look" if data.id else "home", data.id)
    await show(press, desk.speech.say(QUESTIONS[question]), keyboard([[back]]))


async def stray_token(message: Message, speech: Speech) -> None:
    """A bot's token that nobody has asked for: neither looked for in the shop, nor repeated, nor kept."""
    try:
        await message.delete()
    except TelegramAPIError:
        said = speech.say("🔑 That is a bot's secret token. Please delete your message. To open a bot of your own, send /mybot first.")
    else:
        said = speech.say("🔑 That was a bot's secret token, so I have deleted your message. To open a bot of your own, send /mybot first.")
    await message.answer(said)


async def typed(
    message: Message,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    state: FSMContext,
    meet_bot: MeetsBots,
) -> None:
    """What was asked for; what is not understood is asked for again, and nothing is lost."""
    desk = _Desk(shop, storefront, customer, speech, meet_bot)
    known = await state.get_data()
    what, brand_id = str(known.get("what", "")), int(known.get("brand", 0))
    text = message.text or ""
    if what in ("token", "retoken"):
        # Whatever it is: a secret does not stay in a chat.
        with contextlib.suppress(TelegramAPIError):
            await message.delete()
    try:
        drawn = await ANSWERS[what](text, brand_id, desk)
    except Gone as gone:
        await state.clear()
        drawn = await _home(desk, refused(speech, gone))
    except Refusal as refusal:
        back = _to(speech.label("✖️ Never mind"), "look" if brand_id else "home", brand_id)
        await message.answer(refused(speech, refusal), reply_markup=keyboard([[back]]))
        return
    await state.clear()
    answer, markup = _drawn(drawn)
    await message.answer(answer, reply_markup=markup)


async def pictured(
    message: Message,
    bot: Bot,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    state: FSMContext,
    meet_bot: MeetsBots,
) -> None:
    """A banner, when one was asked for: the largest form of the photo that is small enough."""
    desk = _Desk(shop, storefront, customer, speech, meet_bot)
    known = await state.get_data()
    brand_id = int(known.get("brand", 0))
    back = keyboard([[_to(speech.label("✖️ Never mind"), "look" if brand_id else "home", brand_id)]])
    if known.get("what") != "banner":
        await message.answer(speech.say("Please type it as a text."), reply_markup=back)
        return
    fits = [one for one in message.photo or () if (one.file_size or 0) <= brands.MOST_BANNER_BYTES]
    try:
        if not fits:
            raise brands.TooLarge(kib=brands.MOST_BANNER_BYTES // 1024)
        sink = await bot.download(fits[-1])
        assert sink is not None, "it was given no other place"
        await shop.write(brands.set_banner, **desk.mine(brand_id), picture=sink.read())
    except Refusal as refusal:
        await message.answer(refused(speech, refusal), reply_markup=back)
        return
    await state.clear()
    text, markup = _drawn(await _look(brand_id, desk))
    await message.answer(text, reply_markup=markup)


async def course_pressed(
    press: CallbackQuery,
    callback_data: BotPress,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    meet_bot: MeetsBots,
    studio: Studio | None = None,
) -> None:
    """How the last days went there, as a picture: sales by day and by product, from the screen to the payment, margin."""
    desk = _Desk(shop, storefront, customer, speech, meet_bot)
    brand = await desk.brand(callback_data.id)
    await shop.read(packages.need, customer.id, Service.ANALYTICS)
    days = callback_data.arg if callback_data.arg in insight.DAYS else 30
    course = await shop.read(insight.course_of_brand, brand.id, days=days, timezone=speech.timezone)
    row = courses.days_row(days, speech, insight.DAYS, lambda label, one: _to(label, "course", brand.id, one))
    drawn = courses.chart(course, speech, brand.storefront.name, of_storefront=True)
    if isinstance(press.message, Message):
        await courses.send(press.message, courses.told(course, speech, brand.storefront.name), drawn, studio, speech, [row])


Drawing = tuple[Safe, list[Row]]


async def _opened(text: str, brand_id: int, desk: _Desk) -> Drawing:
    token = brands.as_token(text)
    who = await desk.meet_bot(token)
    made = await desk.shop.write(
        brands.open_brand, owner_id=desk.customer.id, token=token, bot_id=who.bot_id, username=who.username, name=who.name
    )
    await desk.shop.write(brands.price_brand, brand_id=made.id)
    return await _look(
        made.id, desk, desk.speech.say("🎉 {name} is open: @{username}", name=bold(made.storefront.name), username=made.username)
    )


async def _retoken(text: str, brand_id: int, desk: _Desk) -> Drawing:
    token = brands.as_token(text)
    who = await desk.meet_bot(token)
    await desk.shop.write(brands.replace_token, **desk.mine(brand_id), token=token, bot_id=who.bot_id, username=who.username)
    return await _look(brand_id, desk, desk.speech.say("✅ The bot has its new token, and answers again."))


async def _named(text: str, brand_id: int, desk: _Desk) -> Drawing:
    await desk.shop.write(brands.rename, **desk.mine(brand_id), name=text)
    return await _look(brand_id, desk)


def _or_nothing(text: str) -> str:
    return "" if text.strip() in ("-", "–", "—") else text


async def _welcomed(text: str, brand_id: int, desk: _Desk) -> Drawing:
    await desk.shop.write(brands.set_look, **desk.mine(brand_id), welcome=_or_nothing(text))
    return await _look(brand_id, desk)


async def _supported(text: str, brand_id: int, desk: _Desk) -> Drawing:
    await desk.shop.write(brands.set_look, **desk.mine(brand_id), support=_or_nothing(text))
    return await _look(brand_id, desk)


async def _no_banner(text: str, brand_id: int, desk: _Desk) -> Drawing:
    if _or_nothing(text):
        raise NoPicture
    await desk.shop.write(brands.set_banner, **desk.mine(brand_id), picture=None)
    return await _look(brand_id, desk)


async def _marked_up(text: str, brand_id: int, desk: _Desk) -> Drawing:
    brand = await desk.brand(brand_id)
    points, added = markup_typed(text, brand.storefront.currency)
    return await _set_markup(brand, desk, Markup(points, added, brand.markup.step_minor))


async def _joined(text: str, brand_id: int, desk: _Desk) -> Drawing:
    await desk.shop.write(brands.put_in_charge, **desk.mine(brand_id), username=text)
    return await _people(brand_id, desk, desk.speech.say("✅ They can open /manage in the bot now."))


ANSWERS: dict[str, Callable[[str, int, _Desk], Awaitable[Drawing]]] = {
    "token": _opened,
    "retoken": _retoken,
    "name": _named,
    "welcome": _welcomed,
    "support": _supported,
    "banner": _no_banner,
    "markup": _marked_up,
    "people": _joined,
}


async def _set_markup(brand: BrandView, desk: _Desk, markup: Markup) -> Drawing:
    await desk.shop.write(brands.set_markup, **desk.mine(brand.id), markup=markup)
    await desk.shop.write(brands.price_brand, brand_id=brand.id)
    return await _prices(brand.id, desk)


async def _to_home(data: BotPress, desk: _Desk) -> Drawing:
    return await _home(desk)


async def _to_look(data: BotPress, desk: _Desk) -> Drawing:
    return await _look(data.id, desk)


async def _to_prices(data: BotPress, desk: _Desk) -> Drawing:
    return await _prices(data.id, desk)


async def _points(data: BotPress, desk: _Desk) -> Drawing:
    brand = await desk.brand(data.id)
    return await _set_markup(brand, desk, Markup(data.arg, 0, brand.markup.step_minor))


async def _step(data: BotPress, desk: _Desk) -> Drawing:
    brand = await desk.brand(data.id)
    return await _set_markup(brand, desk, Markup(brand.markup.points, brand.markup.added_minor, data.arg))


async def _to_goods(data: BotPress, desk: _Desk) -> Drawing:
    return await _goods(data.id, desk, data.arg)


async def _shown(data: BotPress, desk: _Desk, *, shown: bool) -> Drawing:
    if await desk.shop.read(catalog.product, data.arg) is None:
        raise Gone
    await desk.shop.write(brands.show_product, **desk.mine(data.id), product_id=data.arg, shown=shown)
    await desk.shop.write(brands.price_brand, brand_id=data.id)
    return await _goods(data.id, desk, await _page_of(data.arg, desk))


async def _page_of(product_id: int, desk: _Desk) -> int:
    place = 0
    for _, category in await desk.shop.read(catalog.tree):
        for product in await desk.shop.read(catalog.products_in, category.id):
            if product.id == product_id:
                return place // _PAGE
            place += 1
    return 0


async def _show_product(data: BotPress, desk: _Desk) -> Drawing:
    return await _shown(data, desk, shown=True)


async def _hide_product(data: BotPress, desk: _Desk) -> Drawing:
    return await _shown(data, desk, shown=False)


async def _to_people(data: BotPress, desk: _Desk) -> Drawing:
    return await _people(data.id, desk)


async def _out(data: BotPress, desk: _Desk) -> Drawing:
    await desk.shop.write(brands.take_out_of_charge, **desk.mine(data.id), telegram_id=data.arg)
    return await _people(data.id, desk)


async def _to_langs(data: BotPress, desk: _Desk) -> Drawing:
    return await _langs(data.id, desk)


async def _lang(data: BotPress, desk: _Desk) -> Drawing:
    known = sorted(languages())
    if data.arg < len(known):
        await desk.shop.write(brands.set_look, **desk.mine(data.id), language=known[data.arg])
    return await _langs(data.id, desk)


async def _to_styles(data: BotPress, desk: _Desk) -> Drawing:
    return await _styles(data.id, desk)


async def _styled(data: BotPress, desk: _Desk) -> Drawing:
    known = list(Style)
    if data.arg < len(known):
        await desk.shop.write(brands.set_look, **desk.mine(data.id), style=known[data.arg])
    return await _styles(data.id, desk)


async def _paused(data: BotPress, desk: _Desk) -> Drawing:
    await desk.shop.write(brands.pause, **desk.mine(data.id), paused=data.act == "pause")
    await desk.shop.write(brands.price_brand, brand_id=data.id)
    return await _look(data.id, desk)


async def _to_close(data: BotPress, desk: _Desk) -> Drawing:
    return await _close(data.id, desk)


async def _closed(data: BotPress, desk: _Desk) -> Drawing:
    brand = await desk.brand(data.id)
    await desk.shop.write(brands.close, **desk.mine(data.id))
    await desk.shop.write(brands.price_brand, brand_id=data.id)
    return await _home(desk, desk.speech.say("🏁 @{username} is closed.", username=brand.username))


async def _take(data: BotPress, desk: _Desk) -> Drawing:
    money = await desk.shop.read(brands.earned, desk.customer.id)
    taken = await desk.shop.write(brands.take_out, owner_id=desk.customer.id)
    said = desk.speech.say("✅ {amount} is on your balance now.", amount=bold(desk.speech.price(taken, money.currency)))
    return await _home(desk, said)


ACTS: dict[str, Callable[[BotPress, _Desk], Awaitable[Drawing]]] = {
    "home": _to_home,
    "look": _to_look,
    "prices": _to_prices,
    "points": _points,
    "step": _step,
    "goods": _to_goods,
    "showp": _show_product,
    "hidep": _hide_product,
    "people": _to_people,
    "outp": _out,
    "langs": _to_langs,
    "lang": _lang,
    "style": _to_styles,
    "styled": _styled,
    "pause": _paused,
    "resume": _paused,
    "close": _to_close,
    "closed": _closed,
    "take": _take,
}
