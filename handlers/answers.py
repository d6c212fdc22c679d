"""What a product asks its buyer before paying: where they are, which account – one question at a time, and nothing is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from aiogram import F, Router
from aiogram.filters import StateFilter
from aiogram.filters.callback_data import CallbackData
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message

from core import catalog, fulfilment, orders, people, supply
from core.catalog import ProductKind, ProductView
from core.database import Shop
from core.errors import Refusal
from core.fulfilment import AnswersView, Field, FieldWrong, Needs
from core.orders import Quote
from core.people import Customer
from core.ports import AccountChecked, PaymentMethod
from core.storefronts import Storefront
from handlers import callbacks
from handlers.browse import Drawn
from handlers.callbacks import Way
from handlers.pieces import Row, bold, button, full_name, keyboard, lines, paragraphs, plain, region_name, show
from handlers.screen import refused
from locales import Safe, Speech

CHOICES_IN_A_ROW = 3
# Asked most often in this trade, in the order of the alphabet of their letters; every other one is typed.
_COUNTRIES = "AU BR CA CN DE ES FR GB HK ID IN IT JP KR KZ MO MY RU SG TH TR TW UA US VN"
OTHER = "ZZ"
_Pressed = TypeVar("_Pressed", bound=CallbackData)


@dataclass(frozen=True, slots=True)
class Asked:
    """An account that a source is asked about, and the screen on which the answer is waited for."""

    answers_id: int
    customer_id: int
    sku_id: int
    lane: str
    said: Mapping[str, str] = field(repr=False)
    chat_id: int
    message_id: int
    chosen: callbacks.Sku


CheckAccount = Callable[[Asked], None]
"""Has a source asked in the background; the answer is put on the screen. Filled by the running process."""


class AnswerTyping(StatesGroup):
    """An answer, or a country, is typed."""

    answer = State()
    country = State()


@dataclass(frozen=True, slots=True)
class Walk:
    """What the buy screen shows of it: `rows` stand in the place of the ways to pay until all is known (`ready`)."""

    ready: bool
    told: Safe | None = None
    rows: Sequence[Row] = ()
    answers_id: int = 0
    change: Row = field(default_factory=list)


def words_of(product: ProductView, speech: Speech) -> Safe | None:
    """What a buyer should know of the kind of product."""
    said = fulfilment.kind(product.kind).words(product.terms)
    return lines(*(Safe("ℹ️ ") + speech.say(sentence, **facts) for sentence, facts in said)) if said else None


async def walk_of(shop: Shop, customer: Customer, speech: Speech, quote: Quote, chosen: callbacks.Sku) -> Walk | None:
    """How far the buyer is with what this product asks; None when it asks nothing."""
    product, sku = quote.product, quote.sku
    asks_nothing = not product.asks and fulfilment.region_differs(sku, customer.country) is None
    # All its sources may be for buyers of some country, whatever the product itself asks.
    if asks_nothing and (customer.country is not None or not await shop.read(supply.sold_by_country, sku.id)):
        return None
    try:
        needs = await shop.read(fulfilment.needs, customer_id=customer.id, sku_id=sku.id)
    except fulfilment.NotForYourCountry as no:
        said = speech.say(
            "This cannot be sold to buyers in {country}. If that is not where you are, please change your country.",
            country=region_name(no.country, speech),
        )
        return Walk(False, said, [[button(speech.label("🌍 Change my country"), callbacks.Kept())]])
    except Refusal as no:
        return Walk(False, refused(speech, no))
    if product.kind == ProductKind.SERVICE and "job" not in product.terms:
        return Walk(False, None, [[button(speech.label("📝 Say what you need"), callbacks.Brief(id=sku.id), "success")]])
    if needs.country_wanted:
        said = speech.say("In which country are you? This is not sold everywhere, and we ask only once.")
        return Walk(False, said, countries(speech, chosen))
    if needs.region_to_confirm is not None:
        said = speech.say(
            "⚠️ This can be redeemed in {region} only, and you are in {country}. Is that what you want?",
            region=bold(region_name(needs.region_to_confirm, speech)),
            country=region_name(customer.country or "", speech),
        )
        return Walk(
            False, said, [[button(speech.label("Yes, I can use it there"), _to(callbacks.RegionKnown, chosen, id=sku.id), "success")]]
        )
    if not needs.fields:
        return Walk(True)
    kept = await shop.read(fulfilment.answers, answers_id=chosen.answers, customer_id=customer.id) if chosen.answers else None
    if kept is not None and kept.complete and kept.order_id is None and kept.sku_id == sku.id:
        told = speech.say("For: {account}", account=bold(speech.listing(kept.shown(needs.fields))))
        change = [button(speech.label("✏️ Change"), _to(callbacks.Ask, chosen, id=sku.id, like=kept.id, afresh=True))]
        return Walk(True, told, answers_id=kept.id, change=change)
    rows: list[Row] = []
    last = await shop.read(fulfilment.last_answers, customer_id=customer.id, product_id=product.id)
    if last is not None:
        account = speech.listing(last.shown(needs.fields))
        if account:
            label = speech.label("Again for {account}", account=account)
            rows.append([button(label, _to(callbacks.Ask, chosen, id=sku.id, like=last.id), "success")])
    asked = speech.listing([one.title_in(speech.language) for one in needs.fields])
    fresh = _to(callbacks.Ask, chosen, id=sku.id, afresh=last is not None)
    rows.append([button(speech.label("✏️ Begin: {asked}", asked=asked), fresh, None if rows else "success")])
    return Walk(False, speech.say("Before you pay, we need to know: {asked}.", asked=asked), rows)


def _to(kind: type[_Pressed], chosen: callbacks.Sku, **more: object) -> _Pressed:
    """A button of that kind that remembers what was chosen."""
    return kind.model_validate({"quantity": chosen.quantity, "way": chosen.way, "direct": chosen.direct, "coupon": chosen.coupon, **more})


Buttoned = callbacks.Ask | callbacks.AskField | callbacks.AnswersRight | callbacks.Country | callbacks.RegionKnown


def _chosen(data: Buttoned, sku_id: int, answers_id: int = 0) -> callbacks.Sku:
    """The buy screen that a button of the walk leads back to."""
    return callbacks.Sku(id=sku_id, quantity=data.quantity, way=data.way, direct=data.direct, coupon=data.coupon, answers=answers_id)


def countries(speech: Speech, chosen: callbacks.Sku | None) -> list[Row]:
    """A button for each country that is often asked for, and one to type another."""

    def of(code: str) -> callbacks.Country:
        return callbacks.Country(code=code) if chosen is None else _country(code, chosen)

    listed = [button(region_name(code, speech), of(code)) for code in _COUNTRIES.split()]
    rows = [listed[first : first + 3] for first in range(0, len(listed), 3)]
    rows.append([button(speech.label("Another country"), of(OTHER))])
    return rows


def _country(code: str, chosen: callbacks.Sku) -> callbacks.Country:
    return callbacks.Country(code=code, id=chosen.id, quantity=chosen.quantity, way=chosen.way, direct=chosen.direct, coupon=chosen.coupon)


# One question after the other


async def ask_pressed(
    press: CallbackQuery, callback_data: callbacks.Ask, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    """Begin, or go on where it was left: what was said already is not asked again."""
    draft = await shop.write(
        fulfilment.begin_answers,
        customer_id=customer.id,
        sku_id=callback_data.id,
        like=callback_data.like or None if not callback_data.afresh else None,
        afresh=callback_data.afresh,
    )
    needs = await shop.read(fulfilment.needs, customer_id=customer.id, sku_id=callback_data.id)
    await _go_on(press, shop, speech, state, needs, draft, _chosen(callback_data, callback_data.id))


def _missing(needs: Needs, draft: AnswersView) -> int | None:
    """The place of the first question that is not answered; an optional one is answered by nothing when it was passed over."""
    return next((place for place, one in enumerate(needs.fields) if one.name not in draft.said), None)


async def _go_on(
    event: CallbackQuery | Message,
    shop: Shop,
    speech: Speech,
    state: FSMContext,
    needs: Needs,
    draft: AnswersView,
    chosen: callbacks.Sku,
    said: Safe | None = None,
) -> None:
    place = _missing(needs, draft)
    if place is not None:
        await _ask_field(event, speech, state, needs, draft, chosen, place, said)
        return
    await state.clear()
    await show(event, *summary(speech, needs, draft, chosen, said))


async def _ask_field(
    event: CallbackQuery | Message,
    speech: Speech,
    state: FSMContext,
    needs: Needs,
    draft: AnswersView,
    chosen: callbacks.Sku,
    place: int,
    said: Safe | None = None,
) -> None:
    one = needs.fields[place]
    carried = {"answers": draft.id, "quantity": chosen.quantity, "way": chosen.way, "direct": chosen.direct, "coupon": chosen.coupon}
    rows: list[Row] = []
    if one.choices:
        listed = [
            button(choice, callbacks.AskField.model_validate({**carried, "which": place, "choice": number}))
            for number, choice in enumerate(one.choices, 1)
        ]
        rows += [listed[first : first + CHOICES_IN_A_ROW] for first in range(0, len(listed), CHOICES_IN_A_ROW)]
    if one.optional:
        rows.append([button(speech.label("Skip"), callbacks.AskField.model_validate({**carried, "which": place, "skip": True}))])
    back: Row = []
    if place:
        back.append(button(speech.label("⬅️ Back"), callbacks.AskField.model_validate({**carried, "which": place - 1})))
    back.append(button(speech.label("✖️ Cancel"), chosen))
    rows.append(back)
    await state.set_state(AnswerTyping.answer)
    await state.set_data({**carried, "way": chosen.way.value, "sku": chosen.id, "name": one.name})
    how = (
        speech.say("Choose one below.")
        if one.choices
        else speech.say("Type it, for example: {example}", example=Safe(f"<code>{plain(one.example)}</code>"))
    )
    heading = bold(full_name(needs.product, needs.sku, speech))
    counted = speech.say("Question {n} of {all}", n=speech.number(place + 1), all=speech.number(len(needs.fields)))
    await show(event, paragraphs(said, lines(heading, counted), bold(one.title_in(speech.language)), how), keyboard(rows))


def summary(
    speech: Speech, needs: Needs, draft: AnswersView, chosen: callbacks.Sku, said: Safe | None = None, *, unchecked: bool = False
) -> Drawn:
    """All that was said, to be looked at once more before it is paid for: in full, because a wrong digit is somebody else's account."""
    told = [
        speech.say("{title}: {answer}", title=one.title_in(speech.language), answer=bold(draft.said[one.name]))
        for one in needs.fields
        if draft.said.get(one.name)
    ]
    carried = {"answers": draft.id, "quantity": chosen.quantity, "way": chosen.way, "direct": chosen.direct, "coupon": chosen.coupon}
    right = callbacks.AnswersRight.model_validate({**carried, "unchecked": unchecked})
    yes = speech.label("Go on all the same") if unchecked else speech.label("✅ Yes, that is right")
    rows: list[Row] = [
        [button(yes, right, "success")],
        [button(speech.label("✏️ Change"), callbacks.AskField.model_validate({**carried, "which": 0}))],
        [button(speech.label("✖️ Cancel"), chosen)],
    ]
    question = speech.say("You are ordering {name} for:", name=bold(full_name(needs.product, needs.sku, speech)))
    return paragraphs(said, question, lines(*told), speech.say("Is that correct?")), keyboard(rows)


async def field_pressed(
    press: CallbackQuery, callback_data: callbacks.AskField, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    """A choice, a question passed over, or a question asked again."""
    draft = await shop.read(fulfilment.answers, answers_id=callback_data.answers, customer_id=customer.id)
    if draft is None or draft.complete:
        raise fulfilment.NotAnswered
    needs = await shop.read(fulfilment.needs, customer_id=customer.id, sku_id=draft.sku_id)
    chosen = _chosen(callback_data, draft.sku_id)
    if callback_data.which >= len(needs.fields):
        raise fulfilment.NotAnswered
    one = needs.fields[callback_data.which]
    if callback_data.skip and one.optional:
        draft = await shop.write(fulfilment.answer, answers_id=draft.id, customer_id=customer.id, name=one.name, typed="")
    elif 0 < callback_data.choice <= len(one.choices):
        choice = one.choices[callback_data.choice - 1]
        draft = await shop.write(fulfilment.answer, answers_id=draft.id, customer_id=customer.id, name=one.name, typed=choice)
    else:
        await _ask_field(press, speech, state, needs, draft, chosen, callback_data.which)
        return
    await _go_on(press, shop, speech, state, needs, draft, chosen)


async def answer_typed(message: Message, shop: Shop, customer: Customer, speech: Speech, state: FSMContext) -> None:
    """An answer as text: what cannot be is said with an example, and the next text is taken for another try."""
    kept = await state.get_data()
    draft = await shop.read(fulfilment.answers, answers_id=int(kept.get("answers", 0)), customer_id=customer.id)
    if draft is None or draft.complete:
        await state.clear()
        await show(
            message, refused(speech, fulfilment.NotAnswered()), keyboard([[button(speech.label("🛍 To the shop"), callbacks.Home())]])
        )
        return
    needs = await shop.read(fulfilment.needs, customer_id=customer.id, sku_id=draft.sku_id)
    chosen = callbacks.Sku(
        id=draft.sku_id,
        quantity=int(kept.get("quantity", 0)),
        way=Way(kept.get("way", Way.TOP.value)),
        direct=bool(kept.get("direct", True)),
        coupon=int(kept.get("coupon", 0)),
    )
    name = str(kept.get("name"))
    place = next((place for place, one in enumerate(needs.fields) if one.name == name), None)
    if place is None:  # The shop asks otherwise by now.
        await _go_on(message, shop, speech, state, needs, draft, chosen)
        return
    try:
        draft = await shop.write(fulfilment.answer, answers_id=draft.id, customer_id=customer.id, name=name, typed=message.text or "")
    except FieldWrong as wrong:
        await _ask_field(message, speech, state, needs, draft, chosen, place, wrong_said(wrong, needs.fields[place], speech))
        return
    await _go_on(message, shop, speech, state, needs, draft, chosen)


def wrong_said(wrong: FieldWrong, one: Field, speech: Speech) -> Safe:
    """What is wrong with an answer, with the field as the buyer reads it."""
    return Safe("⚠️ ") + speech.say(wrong.says, field=one.title_in(speech.language), example=wrong.example)


Draw = Callable[
    [Shop, Storefront, Customer, Speech, Mapping[str, PaymentMethod], callbacks.Sku, Safe | None],
    Awaitable[Drawn],
]


async def right_pressed(
    press: CallbackQuery,
    callback_data: callbacks.AnswersRight,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
    check_account: CheckAccount | None,
    draw: Draw,
) -> None:
    """It is right: then it can be paid for – where the source can be asked whether there is such an account, after that."""
    draft = await shop.read(fulfilment.answers, answers_id=callback_data.answers, customer_id=customer.id)
    if draft is None:
        raise fulfilment.NotAnswered
    needs = await shop.read(fulfilment.needs, customer_id=customer.id, sku_id=draft.sku_id)
    chosen = _chosen(callback_data, draft.sku_id)
    if needs.validates and not draft.complete and not callback_data.unchecked and draft.checked is None:
        lane = await shop.read(orders.first_lane, sku_id=draft.sku_id)
        message = press.message
        if check_account is None or lane is None or message is None:
            await show(press, *summary(speech, needs, draft, chosen, not_checked(speech), unchecked=True))
            return
        waiting = keyboard([[button(speech.label("🔄 Look again"), callback_data)], [button(speech.label("✖️ Cancel"), chosen)]])
        shown = await show(press, speech.say("⏳ Checking the account…"), waiting)
        screen = message.message_id if shown is None else shown.message_id
        check_account(Asked(draft.id, customer.id, draft.sku_id, lane, draft.said, message.chat.id, screen, chosen))
        return
    try:
        await shop.write(fulfilment.confirm_answers, answers_id=draft.id, customer_id=customer.id)
    except FieldWrong as wrong:
        one = next(one for one in needs.fields if one.name == wrong.name)
        await show(press, *summary(speech, needs, draft, chosen, wrong_said(wrong, one, speech)))
        return
    await show(press, *await draw(shop, storefront, customer, speech, methods, chosen.model_copy(update={"answers": draft.id}), None))


def not_checked(speech: Speech) -> Safe:
    return speech.say("⚠️ The account could not be checked right now. You can go on, if you are sure that it is right.")


async def checked(shop: Shop, speech: Speech, asked: Asked, found: AccountChecked | None) -> Drawn | None:
    """The screen after the source was asked about an account; None when the buyer has gone on meanwhile."""
    draft = await shop.read(fulfilment.answers, answers_id=asked.answers_id, customer_id=asked.customer_id)
    if draft is None or draft.complete or draft.said != asked.said:
        return None
    needs = await shop.read(fulfilment.needs, customer_id=asked.customer_id, sku_id=asked.sku_id)
    if found is None:
        return summary(speech, needs, draft, asked.chosen, not_checked(speech), unchecked=True)
    if not found.good:
        note = speech.say("⚠️ There is no such account, we are told. Please look at it again.")
        return summary(speech, needs, draft, asked.chosen, note)
    await shop.write(fulfilment.note_checked, answers_id=draft.id, customer_id=asked.customer_id, shown=found.shown or "✓")
    note = (
        speech.say("✅ The account was found: {name}", name=bold(found.shown)) if found.shown else speech.say("✅ The account was found.")
    )
    return summary(speech, needs, draft, asked.chosen, note)


# Where they are


async def country_pressed(
    press: CallbackQuery,
    callback_data: callbacks.Country,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
    state: FSMContext,
    draw: Draw,
) -> None:
    """The country was chosen, or is to be typed."""
    if callback_data.code == OTHER:
        await state.set_state(AnswerTyping.country)
        await state.set_data(callback_data.model_dump(mode="json"))
        back = callbacks.Kept() if not callback_data.id else _chosen(callback_data, callback_data.id)
        asked = speech.say("Type the two letters of your country, for example: <code>PL</code> for Poland.")
        await show(press, asked, keyboard([[button(speech.label("⬅️ Back"), back)]]))
        return
    await shop.write(people.choose_country, customer_id=customer.id, country=callback_data.code)
    await _after_country(press, callback_data, shop, storefront, customer, speech, methods, draw)


async def country_typed(
    message: Message,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
    state: FSMContext,
    draw: Draw,
) -> None:
    kept = callbacks.Country.model_validate({**await state.get_data(), "code": OTHER})
    code = fulfilment.plainly(message.text or "").upper()
    if code not in people.COUNTRIES:
        said = speech.say(people.NoSuchCountry.says)
        back = callbacks.Kept() if not kept.id else _chosen(kept, kept.id)
        await show(message, said, keyboard([[button(speech.label("⬅️ Back"), back)]]))
        return
    await state.clear()
    await shop.write(people.choose_country, customer_id=customer.id, country=code)
    await _after_country(message, kept, shop, storefront, customer, speech, methods, draw)


async def _after_country(
    event: CallbackQuery | Message,
    data: callbacks.Country,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
    draw: Draw,
) -> None:
    customer = await shop.read(people.by_id, customer.id)
    if data.id:
        await show(event, *await draw(shop, storefront, customer, speech, methods, _chosen(data, data.id), None))
    else:
        await show(event, *await kept_screen(shop, customer, speech))


async def region_known(
    press: CallbackQuery,
    callback_data: callbacks.RegionKnown,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
    draw: Draw,
) -> None:
    await shop.write(fulfilment.confirm_region, customer_id=customer.id, sku_id=callback_data.id)
    await show(press, *await draw(shop, storefront, customer, speech, methods, _chosen(callback_data, callback_data.id), None))


# What is kept


async def kept_screen(shop: Shop, customer: Customer, speech: Speech, said: Safe | None = None) -> Drawn:
    """The buyer's country, and what they said before paying, with a way to have it forgotten."""
    kept = await shop.read(fulfilment.kept_answers, customer_id=customer.id)
    products = await shop.read(catalog.products_of, [one.product_id for one in kept])
    told: list[Safe] = []
    rows: list[Row] = []
    for one in kept:
        product = products[one.product_id]
        fields = fulfilment.kind(product.kind).fields(product.terms)
        name = product.name_in(speech.language)
        told.append(speech.say("{name}: {account}", name=bold(name), account=speech.listing(one.shown(fields)) or "–"))
        rows.append([button(speech.label("🗑 Forget: {name}", name=name), callbacks.Forget(id=one.product_id))])
    if len(kept) > 1:
        rows.append([button(speech.label("🗑 Forget all of it"), callbacks.Forget())])
    rows.append([button(speech.label("🌍 Change my country"), callbacks.Country(code=OTHER))])
    rows.append([button(speech.label("🛍 To the shop"), callbacks.Home())])
    where = (
        speech.say("Your country: {country}", country=bold(region_name(customer.country, speech)))
        if customer.country
        else speech.say("You have not told us your country; it is asked only where it matters.")
    )
    about = speech.say("What you told us for your orders, kept encrypted:") if told else speech.say("We keep no accounts of yours.")
    return paragraphs(said, where, lines(about, *told)), keyboard(rows)


async def kept_pressed(press: CallbackQuery, shop: Shop, customer: Customer, speech: Speech) -> None:
    await show(press, *await kept_screen(shop, customer, speech))


async def forget_pressed(press: CallbackQuery, callback_data: callbacks.Forget, shop: Shop, customer: Customer, speech: Speech) -> None:
    await shop.write(fulfilment.forget_answers, customer_id=customer.id, product_id=callback_data.id or None)
    await show(press, *await kept_screen(shop, customer, speech, speech.say("Forgotten.")))


def listen(router: Router, draw: Draw) -> None:
    """Register this conversation with the router of the buy screen, which `draw` draws."""

    async def right(
        press: CallbackQuery,
        callback_data: callbacks.AnswersRight,
        shop: Shop,
        storefront: Storefront,
        customer: Customer,
        speech: Speech,
        methods: Mapping[str, PaymentMethod],
        check_account: CheckAccount | None = None,
    ) -> None:
        await right_pressed(press, callback_data, shop, storefront, customer, speech, methods, check_account, draw)

    async def country(
        press: CallbackQuery,
        callback_data: callbacks.Country,
        shop: Shop,
        storefront: Storefront,
        customer: Customer,
        speech: Speech,
        methods: Mapping[str, PaymentMethod],
        state: FSMContext,
    ) -> None:
        await country_pressed(press, callback_data, shop, storefront, customer, speech, methods, state, draw)

    async def typed_country(
        message: Message,
        shop: Shop,
        storefront: Storefront,
        customer: Customer,
        speech: Speech,
        methods: Mapping[str, PaymentMethod],
        state: FSMContext,
    ) -> None:
        await country_typed(message, shop, storefront, customer, speech, methods, state, draw)

    async def region(
        press: CallbackQuery,
        callback_data: callbacks.RegionKnown,
        shop: Shop,
        storefront: Storefront,
        customer: Customer,
        speech: Speech,
        methods: Mapping[str, PaymentMethod],
    ) -> None:
        await region_known(press, callback_data, shop, storefront, customer, speech, methods, draw)

    router.callback_query.register(ask_pressed, callbacks.Ask.filter())
    router.callback_query.register(field_pressed, callbacks.AskField.filter())
    router.callback_query.register(right, callbacks.AnswersRight.filter())
    router.callback_query.register(country, callbacks.Country.filter())
    router.callback_query.register(region, callbacks.RegionKnown.filter())
    router.callback_query.register(kept_pressed, callbacks.Kept.filter())
    router.callback_query.register(forget_pressed, callbacks.Forget.filter())
    router.message.register(answer_typed, StateFilter(AnswerTyping.answer), F.text, ~F.text.startswith("/"))
    router.message.register(typed_country, StateFilter(AnswerTyping.country), F.text, ~F.text.startswith("/"))
