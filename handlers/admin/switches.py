"""Kill switches: what is pressed, lifting it, and stopping the shop, a category, a product or a supplier with one confirmed press."""

from __future__ import annotations

import secrets

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import catalog, standing, supply
from core.catalog import Gone
from core.standing import SwitchOf
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Desk, Do, Go, NotFound, Question, ask, do, go, short_enough
from handlers.pieces import Row, bold, lines, paragraphs, titled
from locales import NN_, Safe
from locales.initials import folded

REASON = 300
_STOPS = NN_("This stops {n} offer at once.", "This stops {n} offers at once.")


def router() -> Router:
    made = Router(name="admin-switches")
    made.callback_query.register(listed, Go.filter(F.to == "switches"))
    made.callback_query.register(categories, Go.filter(F.to == "sw-cats"))
    made.callback_query.register(switch_off, Do.filter(F.act == "switch-off"))
    made.callback_query.register(switch_on, Do.filter(F.act == "switch-on"))
    return made


async def listed(press: CallbackQuery, desk: Desk) -> None:
    await show_switches(press, desk)


async def show_switches(event: Message | CallbackQuery, desk: Desk) -> None:
    """The switches that are pressed, each with its reason and a button to lift it, and what can be switched off."""
    say, pressed = desk.speech, await desk.shop.read(standing.switches)
    said, rows = [], []
    for one in pressed:
        name = await named(desk, one.of, one.of_id)
        said.append(
            lines(
                say.say("🔴 <b>{name}</b> is switched off since {when}.", name=name, when=say.when(one.at)),
                say.say("Reason: {reason}", reason=one.reason or "–"),
            )
        )
        rows.append([do(say.label("🟢 Switch on again: {name}", name=name), "switch-on", one.id)])
    if not any(one.of is SwitchOf.PLATFORM for one in pressed):
        rows.append([ask(say.label("🛑 The whole shop"), "switch.off", arg=SwitchOf.PLATFORM.value, style="danger")])
    rows.append([go(say.label("📁 A category"), "sw-cats"), ask(say.label("🎁 A product"), "switch.product")])
    rows.append([go(say.label("🏭 A supplier"), "suppliers")])
    rows.append(desk.back("supply"))
    text = paragraphs(
        bold(say.label("Switches")),
        say.say(
            "What is switched off does not sell from that moment on, and money that still comes in for it goes to the buyer's balance."
        ),
        *said,
        None if said else say.say("🟢 Everything is on."),
    )
    await desk.show(event, text, rows)


async def named(desk: Desk, of: SwitchOf, of_id: int) -> str:
    """What a switch is of, by its name; raises Gone."""
    if of is SwitchOf.PLATFORM:
        return desk.speech.label("The whole shop")
    if of is SwitchOf.CATEGORY:
        category = await desk.shop.read(catalog.category, of_id)
        if category is not None:
            return titled(category.icon or "📁", category.name)
    elif of is SwitchOf.PRODUCT:
        product = await desk.shop.read(catalog.product, of_id)
        if product is not None:
            return titled(product.icon, product.name)
    else:
        supplier = await desk.shop.read(supply.supplier, of_id)
        if supplier is not None:
            return supplier.name
    raise Gone


async def categories(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Every category, one page after the other."""
    say, page = desk.speech, callback_data.page
    drawn = await desk.shop.read(catalog.tree)
    rows: list[Row] = [
        [ask("  " * depth + titled(one.icon or "📁", one.name), "switch.off", one.id, arg=SwitchOf.CATEGORY.value)]
        for depth, one in drawn[page * PAGE : (page + 1) * PAGE]
    ]
    rows.append(desk.pages("sw-cats", 0, page, more=len(drawn) > (page + 1) * PAGE))
    rows.append(desk.back("switches"))
    await desk.show(press, say.say("Which category shall be switched off, with all that is below it?"), rows)


def _of(arg: str) -> SwitchOf:
    """What a button says is to be switched; raises Gone."""
    if arg not in {one.value for one in SwitchOf}:
        raise Gone
    return SwitchOf(arg)


# The reason, the confirmation, the press


async def _ask_off(desk: Desk, asked: Asked) -> Safe:
    say, of = desk.speech, _of(asked.arg)
    name = await named(desk, of, asked.id)
    return paragraphs(
        say.say("<b>{name}</b> is to be switched off. Nothing happens before you confirm.", name=name),
        say.say("Please type the reason in one line."),
    )


async def _take_off(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    say, of, reason = desk.speech, _of(asked.arg), short_enough(text, REASON)
    name = await named(desk, of, asked.id)
    under = await desk.shop.read(standing.under, of=of, of_id=asked.id)
    screen = secrets.token_hex(4)
    await desk.state.set_data({"screen": screen, "of": of.value, "of_id": asked.id, "reason": reason})
    rows: list[Row] = [
        [do(say.label("🛑 Yes, switch it off"), "switch-off", asked.id, arg=screen, style="danger")],
        [go(say.label("Cancel"), "switches")],
    ]
    said = paragraphs(say.say("Switch <b>{name}</b> off?", name=name), say.many(*_STOPS, under), say.say("Reason: {reason}", reason=reason))
    await desk.show(message, said, rows)


QUESTIONS["switch.off"] = Question(_ask_off, _take_off, "switches")


async def switch_off(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """The confirmation; one from an older screen does nothing."""
    data = await desk.state.get_data()
    if data.get("screen") != callback_data.arg or data.get("of_id") != callback_data.id or "of" not in data:
        await press.answer(
            desk.speech.label("This confirmation is out of date. Please look again and begin anew if needed."), show_alert=True
        )
        await show_switches(press, desk)
        return
    await desk.state.clear()
    await desk.shop.write(standing.switch_off, of=_of(str(data["of"])), of_id=callback_data.id, reason=str(data["reason"]), by=desk.by)
    await press.answer(desk.speech.label("It is switched off."))
    await show_switches(press, desk)


async def switch_on(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    done = await desk.shop.write(standing.switch_on, switch_id=callback_data.id, by=desk.by)
    await press.answer(desk.speech.label("It is switched on again.") if done else desk.speech.label("It was switched on already."))
    await show_switches(press, desk)


async def _ask_product(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type a part of the name of the product, for example: <i>steam</i>.")


async def _take_product(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    found = await desk.shop.read(catalog.search_products, folded(text), limit=PAGE)
    if not found:
        raise NotFound(text=text[:40])
    rows: list[Row] = [[ask(titled(one.icon, one.name), "switch.off", one.id, arg=SwitchOf.PRODUCT.value)] for one in found]
    rows.append(desk.back("switches"))
    await desk.show(message, desk.speech.say("Which of these shall be switched off?"), rows)


QUESTIONS["switch.product"] = Question(_ask_product, _take_product, "switches")
