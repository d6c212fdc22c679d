"""What is on the shelf, and where one code is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import catalog, insight, inventory, orders, supply
from core.catalog import Gone
from core.errors import N_, Refusal
from core.inventory import CodePlace, Secret
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Desk, Do, Go, Question, ask, do, go
from handlers.admin.sent import deleted, please_delete
from handlers.pieces import bold, lines, paragraphs
from locales import Safe
from papers.codes import CodeLine, Unreadable
from papers.codes_in import read_pasted


def router() -> Router:
    made = Router(name="admin-stock")
    looks = {"stock": overview, "shelf": shelf, "code": code, "void": confirm_void}
    for to, screen in looks.items():
        made.callback_query.register(screen, Go.filter(F.to == to))
    made.callback_query.register(void, Do.filter(F.act == "void"))
    return made


# Looking


async def overview(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Every denomination, the emptiest first."""
    say, page = desk.speech, callback_data.page
    stock = await desk.shop.read(insight.stock)
    rows = []
    for line in stock[page * PAGE : (page + 1) * PAGE]:
        hidden = line.sku.hidden or line.product.hidden
        mark = "🙈" if hidden else "🔴" if not line.left else "🟡" if line.low else "🟢"
        left = say.number(line.left) + ("+" if line.left >= insight.COUNTED else "")
        rows.append([go(f"{mark} {line.product.name} › {line.sku.name} · {left}", "shelf", line.sku.id)])
    rows += [
        desk.pages("stock", 0, page, more=len(stock) > (page + 1) * PAGE),
        [ask(say.label("🔎 Find a code"), "code.find")],
        [desk.home()],
    ]
    text = paragraphs(
        bold(say.label("Stock")),
        say.say("The emptiest shelves stand first.") if stock else say.say("There are no denominations yet."),
    )
    await desk.show(press, text, rows)


async def shelf(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Where the codes of one denomination are."""
    say, sku_id = desk.speech, callback_data.id
    sku = await desk.shop.read(catalog.sku, sku_id)
    if sku is None:
        raise Gone
    offers = await desk.shop.read(supply.ranked, [sku_id])
    places = await desk.shop.read(inventory.places, [offer.id for offer in offers])
    text = paragraphs(
        bold(sku.name),
        lines(
            say.say("On the shelf: {n}", n=say.number(places["available"])),
            say.say("Held for payments under way: {n}", n=say.number(places["held"])),
            say.say("Being imported: {n}", n=say.number(places["staged"])),
            say.say("Sold: {n}", n=say.number(places["sold"])),
            say.say("Void: {n}", n=say.number(places["void"])),
        ),
    )
    rows = [
        [go(say.label("📥 Import codes"), "import", sku_id), ask(say.label("🔎 Find a code"), "code.find")],
        [go(say.label("🧾 Buy more"), "buy-sku", sku_id)],
        [go(say.label("🧾 Deliveries"), "batches", sku_id)],
        [go(say.label("✏️ Edit"), "sku", sku_id), ask(say.label("Low-stock alert"), "sku.low", sku_id)],
        desk.back("stock"),
    ]
    await desk.show(press, text, rows)


# One code


@dataclass(eq=False)
class CodeUnknown(Refusal):
    """Says nothing of what was typed: it may be a code all the same."""

    says: ClassVar[str] = N_("The shop never had this code. A card with number and password is found by both together.")


_PLACES = {
    "staged": N_("It is being imported and not on sale yet."),
    "shelf": N_("It is on the shelf."),
    "held": N_("It is held for a payment under way."),
    "sold": N_("It is sold."),
    "void": N_("It is void: it will never be sold."),
}


async def _ask_code(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(
        "Type the code, as it stood in its list, for example: <i>ABCD-1234</i> or <i>number----password</i>. "
        "I delete your message afterwards."
    )


async def _find_code(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    found: CodePlace | None = None
    for secret in _readings(text):
        found = await desk.shop.read(inventory.find_code, secret)
        if found is not None:
            break
    gone = await deleted(message)
    if not gone:
        await desk.show(message, please_delete(desk.speech))
    if found is None:
        raise CodeUnknown
    await _show_code(message, desk, found)


def _readings(text: str) -> list[Secret]:
    """What a typed code may be: number and password as a list would have them, or all of it as one."""
    readings = []
    try:
        first = next(read_pasted(text), None)
    except Unreadable:
        first = None
    if isinstance(first, CodeLine):
        readings.append(Secret(first.card_no, first.card_pwd))
    return [*readings, Secret(None, text)]


QUESTIONS["code.find"] = Question(_ask_code, _find_code, "stock")


async def code(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    found = await desk.shop.read(inventory.code_place, callback_data.id)
    if found is None:
        raise Gone
    await _show_code(press, desk, found)


async def _show_code(event: Message | CallbackQuery, desk: Desk, found: CodePlace) -> None:
    say, sku = desk.speech, await desk.shop.read(catalog.sku, found.sku_id)
    assert sku is not None, "a code has a denomination"
    number = None if found.order_id is None else orders.number_of(found.order_id)
    text = lines(
        bold(sku.name),
        say.say(_PLACES[found.place]),
        say.say("Order: {number}", number=number) if number else None,
        say.say(
            "It came in batch {batch}, line {line}, from {source}, on {when}.",
            batch=found.batch_id,
            line=found.row,
            source=found.source_name,
            when=say.when(found.brought_at),
        ),
    )
    rows = []
    if found.place == "shelf":
        rows.append([go(say.label("Void this code…"), "void", found.code_id, style="danger")])
    if found.order_id is not None:
        rows.append([go(say.label("Open the order"), "order", found.order_id)])
    rows += [[ask(say.label("🔎 Find another code"), "code.find")], desk.back("shelf", found.sku_id)]
    await desk.show(event, text, rows)


async def confirm_void(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say = desk.speech
    await desk.show(
        press,
        say.say("A void code is taken off the shelf and never sold. This cannot be taken back."),
        [[do(say.label("Void the code"), "void", callback_data.id, style="danger")], desk.back("code", callback_data.id)],
    )


async def void(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    done = await desk.shop.write(inventory.void, code_id=callback_data.id, by=desk.by)
    found = await desk.shop.read(inventory.code_place, callback_data.id)
    if found is None:
        raise Gone
    if done is None:
        await press.answer(desk.speech.label("It is no longer on the shelf, so nothing was changed."), show_alert=True)
    await _show_code(press, desk, found)
