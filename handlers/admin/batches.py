"""Deliveries of codes: who brought them, what became of them, and voiding what is unsold; and suppliers who ask for a higher cost."""

from __future__ import annotations

from dataclasses import asdict

from aiogram import F, Router
from aiogram.types import CallbackQuery

from core import catalog, inventory, people, supply
from core.catalog import Gone
from core.inventory import BatchView
from handlers.admin.batch_file import PLACES, send_batch
from handlers.admin.desk import PAGE, Desk, Do, Go, do, go, id_in
from handlers.notes import Note, Said
from handlers.pieces import Row, bold, full_name, keyboard, lines, paragraphs, plain
from locales import Safe, Speech


def router() -> Router:
    made = Router(name="admin-batches")
    looks = {"batches": batches, "batch": batch, "batchvoid": confirm_void, "wishes": wishes}
    for to, screen in looks.items():
        made.callback_query.register(screen, Go.filter(F.to == to))
    made.callback_query.register(void, Do.filter(F.act == "batchvoid"))
    made.callback_query.register(export, Do.filter(F.act == "batchfile"))
    made.callback_query.register(grant, Do.filter(F.act == "cost.yes"))
    made.callback_query.register(refuse, Do.filter(F.act == "cost.no"))
    return made


# Batches


async def _who(desk: Desk, one: BatchView) -> str:
    """The name of whoever brought it, where they are known here."""
    scheme, _, number = one.by.partition(":")
    if scheme == "telegram" and number.isdigit():
        known = await desk.shop.read(people.find, storefront_id=desk.storefront.id, telegram_id=int(number))
        if known is not None:
            return known.name
    return one.by


async def batches(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """What was brought in of a denomination, the newest first; `arg` is the id to go on after."""
    say, sku = desk.speech, await desk.shop.read(catalog.sku, callback_data.id)
    if sku is None:
        raise Gone
    before = id_in(callback_data.arg)
    offers = {offer.id: offer for offer in await desk.shop.read(supply.offers_of_sku, sku.id)}
    found = await desk.shop.read(inventory.batches_of, list(offers), before=before, limit=PAGE + 1)
    rows: list[Row] = []
    for one in found[:PAGE]:
        label = say.label_many(
            "{when} · {n} · {supplier}",
            "{when} · {n} · {supplier}",
            one.accepted,
            when=say.day(one.made_at),
            supplier=offers[one.offer_id].supplier_name,
        )
        rows.append([go(label, "batch", one.id)])
    if len(found) > PAGE:
        rows.append([go("▶", "batches", sku.id, arg=str(found[PAGE - 1].id))])
    rows.append(desk.back("shelf", sku.id))
    text = paragraphs(
        bold(say.say("Deliveries of {name}", name=sku.name)),
        None if found else say.say("Nothing was brought in yet."),
    )
    await desk.show(press, text, rows)


async def batch(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _show_batch(press, desk, callback_data.id)


async def _show_batch(press: CallbackQuery, desk: Desk, batch_id: int, said: Safe | None = None) -> None:
    say = desk.speech
    one = await desk.shop.read(inventory.batch, batch_id)
    if one is None:
        raise Gone
    sku = await desk.shop.read(catalog.sku, one.sku_id)
    assert sku is not None, "a batch has a denomination"
    offers = {offer.id: offer for offer in await desk.shop.read(supply.offers_of_sku, one.sku_id)}
    places = await desk.shop.read(inventory.batch_places, batch_id)
    text = paragraphs(
        said,
        bold(say.say("Delivery {number} of {name}", number=batch_id, name=sku.name)),
        lines(
            say.say("Supplier: {name}", name=plain(offers[one.offer_id].supplier_name, 200)),
            say.say("Brought by {who}, on {when}", who=plain(await _who(desk, one), 100), when=say.when(one.made_at)),
            say.say("From {file}, by an upload link", file=plain(one.source_name, 100))
            if one.by_link
            else say.say("From {file}", file=plain(one.source_name, 100)),
        ),
        lines(
            say.say("On the shelf: {n}", n=say.number(places.available)),
            say.say("Held for payments under way: {n}", n=say.number(places.held)) if places.held else None,
            say.say("Being imported: {n}", n=say.number(places.staged)) if places.staged else None,
            say.say("Sold: {n}", n=say.number(places.sold)),
            say.say("Void: {n}", n=say.number(places.void)),
        ),
    )
    rows: list[Row] = [[do(say.label("💾 As a file"), "batchfile", batch_id)]]
    if places.available:
        rows.append([go(say.label("Void what is unsold…"), "batchvoid", batch_id, style="danger")])
    rows.append(desk.back("batches", one.sku_id))
    await desk.show(press, text, rows)


async def export(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """All that is known of a delivery, as a file, for whoever has to account for it."""
    say, one = desk.speech, await desk.shop.read(inventory.batch, callback_data.id)
    if one is None:
        raise Gone
    await press.answer(say.label("The file is being made…"))
    sku = await desk.shop.read(catalog.sku, one.sku_id)
    product = None if sku is None else await desk.shop.read(catalog.product, sku.product_id)
    assert sku is not None and product is not None, "a batch has a denomination"
    places = await desk.shop.read(inventory.batch_places, one.id)
    offers = {offer.id: offer for offer in await desk.shop.read(supply.offers_of_sku, one.sku_id)}
    facts = [
        (say.label("Delivery"), one.id),
        (say.label("Denomination"), full_name(product, sku, say)),
        (say.label("Supplier"), offers[one.offer_id].supplier_name),
        (say.label("Brought by"), await _who(desk, one)),
        (say.label("Brought at"), one.made_at),
        (say.label("From"), one.source_name),
        (say.label("By an upload link"), say.label("yes") if one.by_link else say.label("no")),
        (say.label("Codes"), one.accepted),
        *((say.label(PLACES[name]), count) for name, count in asdict(places).items()),
    ]
    if not await send_batch(press, desk, one, facts):
        said = say.say("Telegram did not take the file. Please press the button again in a minute.")
        await desk.show(press, said, [desk.back("batch", one.id)])


async def confirm_void(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say = desk.speech
    places = await desk.shop.read(inventory.batch_places, callback_data.id)
    text = say.many(
        "{n} unsold code is taken off the shelf and never sold. This cannot be taken back.",
        "{n} unsold codes are taken off the shelf and never sold. This cannot be taken back.",
        places.available,
    )
    rows = [[do(say.label("Void them"), "batchvoid", callback_data.id, style="danger")], desk.back("batch", callback_data.id)]
    await desk.show(press, text, rows)


async def void(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """Chunk by chunk: nobody waits for a large batch."""
    if await desk.shop.read(inventory.batch, callback_data.id) is None:
        raise Gone
    gone, more = 0, True
    while more:
        count, more = await desk.shop.write(inventory.void_batch, batch_id=callback_data.id, by=desk.by)
        gone += count
    await _show_batch(press, desk, callback_data.id, desk.speech.many("{n} code is void now.", "{n} codes are void now.", gone))


# Wishes for a higher cost


def _answers(say: Speech, wish_id: int) -> Row:
    return [
        do(say.label("✅ Agree"), "cost.yes", wish_id, style="success"),
        do(say.label("✖️ Refuse"), "cost.no", wish_id),
    ]


async def wishes(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """The oldest open wish with its answers; the next comes when it is answered."""
    say = desk.speech
    found = await desk.shop.read(supply.open_wishes, limit=1)
    if not found:
        await desk.show(press, say.say("No supplier asks for another cost."), [desk.back("supply")])
        return
    note = Note({"wish": found[0].id}, say, desk.shop, desk.storefront)
    text, _ = await cost_wish(note)
    await desk.show(press, text, [_answers(say, found[0].id), desk.back("supply")])


async def grant(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await _decide(press, desk, callback_data.id, granted=True)


async def refuse(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await _decide(press, desk, callback_data.id, granted=False)


async def _decide(press: CallbackQuery, desk: Desk, wish_id: int, *, granted: bool) -> None:
    say = desk.speech
    if not await desk.shop.write(supply.decide_wish, wish_id=wish_id, granted=granted, by=desk.by):
        await press.answer(say.label("It is no longer open, or the cost is another by now. Nothing was changed."), show_alert=True)
        return
    said = say.say("✅ The new cost holds. The supplier is told.") if granted else say.say("The old cost stays. The supplier is told.")
    await desk.show(press, said, [[go(say.label("💱 Cost wishes"), "wishes"), desk.home()]])


async def cost_wish(note: Note) -> Said:
    """To the staff: a supplier wants more for each code."""
    say, wish = note.speech, await note.shop.read(supply.wish, int(note.body["wish"]))
    assert wish is not None, "what was asked is never deleted"
    sku = await note.shop.read(catalog.sku, wish.sku_id)
    supplier = await note.shop.read(supply.supplier, wish.supplier_id)
    assert sku is not None and supplier is not None, "an offer has both"
    product = await note.shop.read(catalog.product, sku.product_id)
    assert product is not None, "a denomination has a product"
    text = say.say(
        "💱 {supplier} asks {wanted} instead of {before} for each {name}. What was sold keeps its cost.",
        supplier=supplier.name,
        wanted=bold(say.price(wish.wanted_minor, wish.currency)),
        before=say.price(wish.before_minor, wish.currency),
        name=full_name(product, sku, say),
    )
    return text, keyboard([_answers(say, wish.id)]) if wish.decided_at is None else None
