"""/packages: what the platform sells to resellers by the period, what somebody has, and ending it with what is left given back."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message

from core import packages
from core.errors import Refusal
from core.packages import PlanView, SubscriptionView
from core.resellers import Role
from handlers.package_words import costs, services
from handlers.pieces import Row, bold, button, clipped, keyboard, lines, paragraphs
from handlers.reseller.desk import Desk, PackPress, desk_router, redraw
from handlers.screen import refused
from locales import Safe


async def packages_asked(message: Message, desk: Desk) -> None:
    """The list, with what is had already."""
    desk.need(Role.OWNER)
    text, rows = await _list(desk)
    await message.answer(text, reply_markup=keyboard(rows))


async def _list(desk: Desk, said: Safe | None = None) -> tuple[Safe, list[Row]]:
    speech = desk.speech
    mine = await desk.shop.read(packages.subscriptions_of, desk.reseller.id)
    have = {one.plan.id for one in mine}
    found = [one for one in await desk.shop.read(packages.plans, storefront_id=desk.storefront.id) if one.id not in have]
    rows: list[Row] = [[button(f"✅ {clipped(one.plan.name, 50)}", PackPress(act="mine", id=one.id))] for one in mine]
    rows += [[button(f"{clipped(one.name, 30)} · {costs(one, speech)}", PackPress(act="look", id=one.id))] for one in found]
    text = paragraphs(
        said,
        bold(speech.say("📦 Packages")),
        *(_had(one, desk) for one in mine),
        *(_offered(one, desk) for one in found),
        None if found or mine else speech.say("The shop sells none: everything is yours as it is."),
    )
    return text, rows


def _offered(plan: PlanView, desk: Desk) -> Safe:
    return lines(Safe(" · ").join([bold(plan.name), costs(plan, desk.speech)]), services(plan, desk.speech))


def _had(one: SubscriptionView, desk: Desk) -> Safe:
    speech = desk.speech
    if one.unpaid_since is not None:
        state = speech.say("🔒 not paid since {when}", when=speech.when(one.unpaid_since))
    elif one.renews and one.plan.on_sale:
        state = speech.say("renewed {when}", when=speech.when(one.until))
    else:
        state = speech.say("ends {when}", when=speech.when(one.until))
    left = speech.many("{n} broadcast is left", "{n} broadcasts are left", one.broadcasts_left) if one.plan.broadcasts else None
    return lines(Safe(" · ").join([Safe("✅ ") + bold(one.plan.name), state]), services(one.plan, speech), left)


async def pressed(press: CallbackQuery, callback_data: PackPress, desk: Desk) -> None:
    """Every button of the packages; what is refused is said above the list as it is now."""
    desk.need(Role.OWNER)
    try:
        text, rows = await _after(callback_data, desk)
    except Refusal as refusal:
        text, rows = await _list(desk, refused(desk.speech, refusal))
    await redraw(press, text, rows)


async def _after(data: PackPress, desk: Desk) -> tuple[Safe, list[Row]]:
    speech, shop = desk.speech, desk.shop
    match data.act:
        case "look":
            return await _look(data.id, desk)
        case "buy":
            made = await shop.write(packages.subscribe, customer_id=desk.reseller.id, plan_id=data.id)
            return await _list(
                desk, speech.say("✅ {plan} is yours until {when}.", plan=bold(made.plan.name), when=speech.when(made.until))
            )
        case "mine":
            return await _manage(data.id, desk)
        case "on" | "off":
            await shop.write(packages.set_renewal, subscription_id=data.id, customer_id=desk.reseller.id, renews=data.act == "on")
            return await _manage(data.id, desk)
        case "end":
            return await _sure(data.id, desk)
        case "sure":
            back = await shop.write(packages.end, subscription_id=data.id, customer_id=desk.reseller.id)
            return await _list(desk, speech.say("🏁 It is over. {amount} is back on your balance.", amount=bold(await desk.price(back))))
        case _:
            return await _list(desk)


async def _look(plan_id: int, desk: Desk) -> tuple[Safe, list[Row]]:
    """One that is for sale, to be paid by one press."""
    speech = desk.speech
    plan = await desk.shop.read(packages.plan, plan_id, storefront_id=desk.storefront.id)
    if plan is None or not plan.on_sale:
        raise packages.NotForSale
    price = speech.price(plan.price_minor, plan.currency)
    text = paragraphs(
        _offered(plan, desk),
        speech.say("It is paid from your balance now, and again when each period ends, until you stop it."),
        speech.say("You can end it at any time: the days that have not begun are given back."),
        speech.say("Your balance: {amount}", amount=await desk.price((await desk.wallet()).balance_minor)),
    )
    return text, [[button(speech.label("✅ Pay {price}", price=price), PackPress(act="buy", id=plan.id), "success")], [_back(desk)]]


async def _own(subscription_id: int, desk: Desk) -> SubscriptionView:
    found = await desk.shop.read(packages.subscription, subscription_id)
    if found is None or found.customer_id != desk.reseller.id or found.over:
        raise packages.Over
    return found


async def _manage(subscription_id: int, desk: Desk) -> tuple[Safe, list[Row]]:
    speech, one = desk.speech, await _own(subscription_id, desk)
    renewal = (
        button(speech.label("⏹ Do not renew it"), PackPress(act="off", id=one.id))
        if one.renews
        else button(speech.label("🔁 Renew it by itself"), PackPress(act="on", id=one.id))
    )
    end = button(speech.label("🏁 End it now"), PackPress(act="end", id=one.id), "danger")
    text = paragraphs(_had(one, desk), speech.say("{price}, paid from your balance.", price=costs(one.plan, speech)))
    return text, [[renewal] if one.plan.on_sale else [], [end], [_back(desk)]]


async def _sure(subscription_id: int, desk: Desk) -> tuple[Safe, list[Row]]:
    speech, one = desk.speech, await _own(subscription_id, desk)
    text = speech.say(
        "End {plan} now? What it unlocks stops at once. {amount} comes back: the days that have not begun, less what was used.",
        plan=bold(one.plan.name),
        amount=bold(await desk.price(one.back_minor)),
    )
    return text, [[button(speech.label("🏁 Yes, end it"), PackPress(act="sure", id=one.id), "danger")], [_back(desk)]]


def _back(desk: Desk) -> InlineKeyboardButton:
    return button(desk.speech.label("⬅️ Back"), PackPress(act="list"))


def router() -> Router:
    """/packages and its buttons."""
    made = desk_router("reseller-packages")
    made.message.register(packages_asked, Command("packages"))
    made.callback_query.register(pressed, PackPress.filter())
    return made
