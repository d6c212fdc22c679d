"""Resellers' own bots at the desk of the staff: which there are, what they sell, and stopping one."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import brands, people, promotion
from core.brands import BrandView
from core.catalog import Gone
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Desk, Do, Go, Question, ask, do, go, short_enough
from handlers.brand_words import markup_said, state_said
from handlers.pieces import Row, bold, clipped, lines, paragraphs
from locales import Safe

_MOST = 300  # characters of a reason


async def listed(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """The newest first."""
    say, page = desk.speech, callback_data.page
    found = await desk.shop.read(brands.of_house, desk.storefront.id, offset=page * PAGE, limit=PAGE + 1)
    rows: list[Row] = [[go(f"{_mark(one)} {clipped(one.storefront.name, 30)} · @{one.username}", "ownbot", one.id)] for one in found[:PAGE]]
    rows.append(desk.pages("ownbots", 0, page, len(found) > PAGE))
    rows.append(desk.back("resellers"))
    text = paragraphs(
        bold(say.say("🤖 Bots of resellers")),
        say.say("They sell the shop's goods under their own names. What they sell is delivered, and its complaints are answered, by you."),
        None if found else say.say("There are none yet."),
    )
    await desk.show(press, text, rows)


def _mark(one: BrandView) -> str:
    return "🔑" if one.refused_at else "⛔️" if one.stopped_at else "⏸" if one.paused_at else "🟢"


async def _brand(desk: Desk, brand_id: int) -> BrandView:
    found = await desk.shop.read(brands.brand, brand_id)
    if found is None or found.closed or found.storefront.house_id != desk.storefront.id:
        raise Gone
    return found


async def looked_at(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _show(press, desk, callback_data.id)


async def _show(event: CallbackQuery | Message, desk: Desk, brand_id: int) -> None:
    """One bot with its owner and what it sold."""
    say, one = desk.speech, await _brand(desk, brand_id)
    owner = await desk.shop.read(people.by_id, one.owner_id)
    sold = await desk.shop.read(brands.sales, brand_id, days=30)
    text = paragraphs(
        lines(
            Safe(" · ").join([bold(one.storefront.name), Safe(f"@{one.username}")]),
            state_said(one, say, entitled=await desk.shop.read(brands.is_entitled, brand_id)),
        ),
        lines(
            say.many("{n} customer", "{n} customers", await desk.shop.read(brands.customers, brand_id)),
            say.say(
                "In 30 days: {orders} for {sold}, margin {margin}",
                orders=say.many("{n} order", "{n} orders", sold.orders),
                sold=say.price(sold.sold_minor, sold.currency),
                margin=say.price(sold.margin_minor - sold.taken_minor, sold.currency),
            ),
            say.say("Prices: what the reseller pays {markup}", markup=markup_said(one.markup, sold.currency, say)),
        ),
    )
    if one.stopped_at is None:
        act = [ask(say.label("⛔️ Stop it"), "ownbot.stop", one.id, style="danger")]
    else:
        act = [do(say.label("▶️ Let it sell again"), "ownbot-on", one.id, style="success")]
    await desk.show(event, text, [act, [go(f"🤝 {clipped(owner.name, 40)}", "rsone", owner.id)], desk.back("ownbots")])


async def _ask_why(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Why is it stopped? The reseller reads it. Nothing is for sale there then, and who has bought is served.")


async def _take_why(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    short_enough(text, _MOST)
    await desk.shop.write(brands.stop, brand_id=asked.id, house_id=desk.storefront.id, why=text, by=desk.by)
    await desk.shop.write(brands.price_brand, brand_id=asked.id)
    one = await desk.shop.read(brands.brand, asked.id)
    if one is not None:
        # What its reseller was just writing to everybody is not sent either.
        await desk.shop.write(promotion.stop_all, storefront_id=one.storefront.id, by=desk.by)
    await _show(message, desk, asked.id)


QUESTIONS["ownbot.stop"] = Question(_ask_why, _take_why, "ownbot")


async def resume(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(brands.stop, brand_id=callback_data.id, house_id=desk.storefront.id, why=None, by=desk.by)
    await desk.shop.write(brands.price_brand, brand_id=callback_data.id)
    await _show(press, desk, callback_data.id)


def router() -> Router:
    made = Router(name="admin-own-bots")
    made.callback_query.register(listed, Go.filter(F.to == "ownbots"))
    made.callback_query.register(looked_at, Go.filter(F.to == "ownbot"))
    made.callback_query.register(resume, Do.filter(F.act == "ownbot-on"))
    return made
