"""Service packages at the desk of the staff: made, looked at, withdrawn, and ended for somebody."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import ClassVar

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import packages, people
from core.catalog import Gone
from core.errors import N_, Refusal
from core.money import NotAnAmount, decimal_text, parse_minor
from core.packages import PlanView
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Desk, Do, Go, Question, ask, do, go
from handlers.package_words import costs, services
from handlers.pieces import Row, bold, clipped, lines, paragraphs
from handlers.typed import whole_number
from locales import Safe

_BOT = ("bot", "机器人", "機器人", "бот")
_PICTURES = ("pictures", "analytics", "图表", "圖表", "картинки", "аналитика")
_PARTS = re.compile(r"[;；]")
_MOST_BROADCASTS = 1000


@dataclass(eq=False)
class NotTyped(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a package. Please type something such as {example}")

    text: str
    example: str


@dataclass(frozen=True, slots=True)
class Typed:
    """A package as it was typed; price in minor units."""

    name: str
    price_minor: int
    days: int
    own_bot: bool
    analytics: bool
    broadcasts: int


def example(currency: str) -> str:
    return f"Gold; {decimal_text(30_000, currency)}; 30; bot, pictures, 4"


def typed(text: str, currency: str) -> Typed:
    """Name; price; days; what it unlocks: bot, pictures, and a number of broadcasts. Raises NotTyped."""
    wrong = NotTyped(text=text[:60], example=example(currency))
    parts = [part.strip() for part in _PARTS.split(unicodedata.normalize("NFKC", text))]
    if len(parts) != 4 or not parts[0]:
        raise wrong
    try:
        price = parse_minor(parts[1], currency)
    except NotAnAmount:
        raise wrong from None
    days = whole_number(parts[2].split(" ")[0]) if parts[2] else None
    bot = pictures = False
    broadcasts = 0
    words = [word for word in re.split(r"[,、\s]+", parts[3].casefold()) if word]
    for word in words:
        number = whole_number(word)
        if word in _BOT:
            bot = True
        elif word in _PICTURES:
            pictures = True
        elif number is not None and 1 <= number <= _MOST_BROADCASTS:
            broadcasts = number
        else:
            raise wrong
    if price <= 0 or days is None or not 1 <= days <= 366 or not words:
        raise wrong
    return Typed(parts[0][:60], price, days, bot, pictures, broadcasts)


async def listed(press: CallbackQuery, desk: Desk) -> None:
    await show_list(press, desk)


async def show_list(event: Message | CallbackQuery, desk: Desk, said: Safe | None = None) -> None:
    """Every package, the withdrawn ones last."""
    say = desk.speech
    found = await desk.shop.read(packages.plans, storefront_id=desk.storefront.id, withdrawn_too=True)
    rows: list[Row] = []
    for one in found[:40]:
        mark = "📦" if one.on_sale else "⏹"
        rows.append([go(f"{mark} {clipped(one.name, 30)} · {say.number(one.subscribers)}", "plan", one.id)])
    rows += [[ask(say.label("➕ New package"), "plan.new", style="primary")], desk.back("resellers")]
    text = paragraphs(
        said,
        bold(say.say("📦 Service packages")),
        say.say("What resellers pay for by the period. A service that is in no package is free for every reseller."),
        None if found else say.say("There are none yet."),
    )
    await desk.show(event, text, rows)


async def _plan(desk: Desk, plan_id: int) -> PlanView:
    found = await desk.shop.read(packages.plan, plan_id, storefront_id=desk.storefront.id)
    if found is None:
        raise Gone
    return found


async def looked_at(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """One package with who has it."""
    say, one, page = desk.speech, await _plan(desk, callback_data.id), callback_data.page
    found = await desk.shop.read(packages.subscribers, plan_id=one.id, offset=page * PAGE, limit=PAGE + 1)
    rows: list[Row] = []
    for theirs in found[:PAGE]:
        who = await desk.shop.read(people.by_id, theirs.customer_id)
        mark = "🔒" if theirs.unpaid_since is not None else "✅" if theirs.renews else "⏳"
        rows.append([go(f"{mark} {clipped(who.name, 30)} · {say.day(theirs.until)}", "plan-one", theirs.id)])
    rows.append(desk.pages("plan", one.id, page, len(found) > PAGE))
    if one.on_sale:
        rows.append([go(say.label("⏹ Sell it no more"), "plan-off", one.id)])
    rows.append(desk.back("plans"))
    text = paragraphs(
        lines(bold(one.name), costs(one, say), services(one, say)),
        None if one.on_sale else say.say("It is not sold any more. Who has it keeps it to the end of what is paid."),
        say.many("{n} reseller has it.", "{n} resellers have it.", one.subscribers),
    )
    await desk.show(press, text, rows)


async def off_asked(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say, one = desk.speech, await _plan(desk, callback_data.id)
    text = say.say("Sell {plan} no more? Nobody is renewed; who has it keeps it to the end of what is paid.", plan=bold(one.name))
    await desk.show(press, text, [[do(say.label("⏹ Yes, sell it no more"), "plan-off", one.id, style="danger")], desk.back("plan", one.id)])


async def off(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(packages.withdraw_plan, plan_id=callback_data.id, storefront_id=desk.storefront.id, by=desk.by)
    await show_list(press, desk, desk.speech.say("✅ Done."))


async def one_asked(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Somebody's subscription, with what would come back."""
    say, found = desk.speech, await desk.shop.read(packages.subscription, callback_data.id)
    if found is None or found.over or found.plan.storefront_id != desk.storefront.id:
        raise Gone
    who = await desk.shop.read(people.by_id, found.customer_id)
    text = paragraphs(
        lines(bold(who.name), Safe(" · ").join([bold(found.plan.name), costs(found.plan, say)])),
        lines(
            say.say("Paid until: {when}", when=say.when(found.until)),
            say.say("It could not be renewed: the balance does not reach for it.") if found.unpaid_since is not None else None,
            say.say("If it ends now, {amount} is given back.", amount=say.price(found.back_minor, found.plan.currency)),
        ),
    )
    rows: list[Row] = [
        [do(say.label("🏁 End it and give back what is left"), "plan-end", found.id, style="danger")],
        [go(say.label("🤝 The reseller"), "rsone", found.customer_id)],
        desk.back("plan", found.plan.id),
    ]
    await desk.show(press, text, rows)


async def end(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    back = await desk.shop.write(packages.end, subscription_id=callback_data.id, storefront_id=desk.storefront.id, by=desk.by)
    given = desk.speech.price(back, desk.storefront.currency)
    await show_list(press, desk, desk.speech.say("🏁 It is over, and {amount} was given back.", amount=bold(given)))


async def _ask_new(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(
        "Type its name, its price, its days, and what it unlocks – bot, pictures, and a number of broadcasts –, for example: "
        "<i>{example}</i>",
        example=example(desk.storefront.currency),
    )


async def _take_new(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    one = typed(text, desk.storefront.currency)
    await desk.shop.write(
        packages.add_plan,
        storefront_id=desk.storefront.id,
        name=one.name,
        price_minor=one.price_minor,
        days=one.days,
        own_bot=one.own_bot,
        analytics=one.analytics,
        broadcasts=one.broadcasts,
        by=desk.by,
    )
    await show_list(message, desk, desk.speech.say("✅ Done."))


QUESTIONS["plan.new"] = Question(_ask_new, _take_new, "plans")


def router() -> Router:
    made = Router(name="admin-plans")
    for to, shown in (("plans", listed), ("plan", looked_at), ("plan-off", off_asked), ("plan-one", one_asked)):
        made.callback_query.register(shown, Go.filter(F.to == to))
    made.callback_query.register(off, Do.filter(F.act == "plan-off"))
    made.callback_query.register(end, Do.filter(F.act == "plan-end"))
    return made
