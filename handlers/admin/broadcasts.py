"""One text to every customer who wants it: typed, looked at, confirmed, watched, and stopped when need be."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import promotion
from core.catalog import Gone
from core.promotion import BroadcastView
from handlers.admin.desk import QUESTIONS, Asked, Desk, Do, Go, Question, ask, do, go, short_enough
from handlers.pieces import Row, bold, clipped, lines, paragraphs, plain
from locales import Safe

_MOST = 3500  # characters, so that the text and the button to opt out fit one message


def router() -> Router:
    made = Router(name="admin-broadcasts")
    made.callback_query.register(listed, Go.filter(F.to == "casts"))
    made.callback_query.register(watched, Go.filter(F.to == "cast"))
    made.callback_query.register(begin, Do.filter(F.act == "cast"))
    made.callback_query.register(stop, Do.filter(F.act == "cast-stop"))
    return made


async def listed(press: CallbackQuery, desk: Desk) -> None:
    say = desk.speech
    sent = await desk.shop.read(promotion.broadcasts, storefront_id=desk.storefront.id)
    rows: list[Row] = [[ask(say.label("✍️ New broadcast"), "cast.text", style="primary")]]
    rows += [[go(f"{_mark(cast)} {say.when(cast.made_at)} · {clipped(cast.text, 30)}", "cast", cast.id)] for cast in sent]
    rows.append([desk.home()])
    text = paragraphs(
        bold(say.label("Broadcasts")),
        say.say("A broadcast goes to every customer who has not opted out."),
    )
    await desk.show(press, text, rows)


def _mark(cast: BroadcastView) -> str:
    return "⏹" if cast.stopped else "✅" if cast.posting_done and not cast.left else "⏳"


async def _ask_text(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type the message, for example: <i>New: Steam cards from Turkey.</i>")


async def _take_text(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    short_enough(text, _MOST)
    made = await desk.shop.write(promotion.draft, storefront_id=desk.storefront.id, text=text, by=desk.by)
    await _show(message, desk, made)


QUESTIONS["cast.text"] = Question(_ask_text, _take_text, "casts")


async def watched(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _show(press, desk, callback_data.id)


async def _show(event: Message | CallbackQuery, desk: Desk, broadcast_id: int) -> None:
    """The preview of a draft, or how far a broadcast is."""
    say, cast = desk.speech, await desk.shop.read(promotion.broadcast, broadcast_id)
    if cast is None or cast.storefront_id != desk.storefront.id:
        raise Gone
    if not cast.begun:
        text = paragraphs(say.say("This is what your customers will read:"), plain(cast.text, _MOST))
        rows: list[Row] = [
            [do(say.label("📣 Send it to everybody"), "cast", cast.id, style="primary")],
            [ask(say.label("✍️ Write it anew"), "cast.text"), go(say.label("Cancel"), "casts")],
        ]
        await desk.show(event, text, rows)
        return
    if cast.stopped:
        state = say.say("It was stopped.")
    elif not cast.posting_done:
        state = say.say("It is being handed to the couriers.")
    elif cast.left:
        state = say.say("It is being sent.")
    else:
        state = say.say("It is sent.")
    text = paragraphs(
        lines(say.say("<b>Broadcast of {when}</b>", when=say.when(cast.made_at)), state),
        lines(
            say.say("Posted: {n}", n=say.number(cast.posted)),
            say.say("Sent: {n}", n=say.number(cast.sent)),
            say.say("Could not be sent: {n}", n=say.number(cast.parked)),
            say.say("Left: {n}", n=say.number(cast.left)),
        ),
        plain(cast.text, _MOST),
    )
    rows = [[go(say.label("🔄 Refresh"), "cast", cast.id)]]
    if not cast.stopped and (cast.left or not cast.posting_done):
        rows[0].append(do(say.label("⏹ Stop"), "cast-stop", cast.id, style="danger"))
    rows.append(desk.back("casts"))
    await desk.show(event, text, rows)


async def begin(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(promotion.begin, broadcast_id=callback_data.id, storefront_id=desk.storefront.id, by=desk.by)
    await _show(press, desk, callback_data.id)


async def stop(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(promotion.stop, broadcast_id=callback_data.id, storefront_id=desk.storefront.id, by=desk.by)
    await _show(press, desk, callback_data.id)
