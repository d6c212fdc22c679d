"""/buy: one line or a list, previewed with its total, bought once; the codes go to the private chat of whoever pressed."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable

from aiogram import Bot, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message

from core import catalog, orders, resellers
from core.errors import Refusal
from core.orders import NotAll
from core.resellers import AlreadyBought, ItemOfReseller, LineMade, LineView, ListLine, ListMade, ListView, NumberTaken, Role
from handlers import missed
from handlers.pieces import Row, bold, button, full_name, keyboard, paragraphs, within
from handlers.pieces import lines as on_lines
from handlers.reseller import table
from handlers.reseller.arguments import LONGEST_TEXT, BadLines, NotAPurchase, Ordered, TooManyLines, purchase, purchases
from handlers.reseller.desk import CodesPress, Desk, ListPress, desk_router, redraw
from handlers.reseller.price import name_of, nothing
from handlers.screen import refused, refused_plain
from locales import Safe
from locales.initials import folded

MOST_FILE = 4 * LONGEST_TEXT  # bytes
SHOWN = 60  # lines of a list on one screen
NAME = 18


async def buy_asked(message: Message, command: CommandObject, desk: Desk, bot: Bot) -> None:
    """What was typed, pasted or sent as a file: a preview, or – below the reseller's own limit – the purchase itself."""
    desk.need(Role.BUY)
    text = (command.args or "").strip()
    replied = message.reply_to_message
    if message.document is not None:
        text = await _file(message, bot)
    elif not text and replied is not None and replied.document is not None:
        text = await _file(replied, bot)
    if not text:
        await message.answer(_example(desk))
        return
    many = "\n" in text or message.document is not None
    asked = purchases(text) if many else [purchase(text)]
    lines = await _resolved(message, desk, asked)
    if lines is None:
        return
    # The message is the key: however often Telegram brings it, it is one purchase.
    once = f"{desk.storefront.id}:{desk.chat.id}:{message.message_id}"
    view = await desk.shop.write(resellers.draw_list, reseller_id=desk.reseller.id, by=desk.who, once=once, lines=lines)
    if isinstance(view, AlreadyBought):
        await message.answer(*_known(desk, view, lines[0].number or ""))
        return
    _note_lacking(desk, view)
    if len(lines) == 1 and not view.done and not view.confirm and view.whole and view.total_minor <= view.spendable_minor:
        await _at_once(message, desk, view)
        return
    if view.done:
        made = await desk.shop.write(resellers.buy_list, list_id=view.id, reseller_id=desk.reseller.id, by=desk.who, all_or_nothing=True)
        text_, rows = await bought(desk, made)
        await message.answer(text_, reply_markup=keyboard(rows))
        return
    text_, rows = preview(desk, view)
    await message.answer(text_, reply_markup=keyboard(rows))


def _example(desk: Desk) -> Safe:
    speech = desk.speech
    return paragraphs(
        refused(speech, NotAPurchase()),
        speech.say("For several, write each on its own line under /buy, or send a CSV file with /buy under it:"),
        Safe("<pre>/buy\n12,5\n15,2,A-1008</pre>"),
    )


async def _file(message: Message, bot: Bot) -> str:
    """The text of a list that was sent as a file. Raises TooManyLines, or BadLines for what is no text."""
    document = message.document
    assert document is not None, "asked before"
    if (document.file_size or 0) > MOST_FILE:
        raise TooManyLines(lines=resellers.MOST_LINES, units=resellers.MOST_UNITS)
    content = io.BytesIO()
    await bot.download(document, content)
    raw = content.getvalue()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadLines(lines="1")


async def _resolved(message: Message, desk: Desk, asked: list[Ordered]) -> list[ListLine] | None:
    """The lines with the denominations they mean; says so and gives None when a word means none or several."""
    words = [(one.word[:100], folded(one.word[:100])) for one in asked]
    found = await desk.shop.read(resellers.items_by_word, buyer_id=desk.reseller.id, words=words)
    if len(asked) == 1:
        if not found[0]:
            await message.answer(nothing(desk, asked[0].word, "price"))
            return None
        if len(found[0]) > 1:
            await _which(message, desk, found[0], asked[0])
            return None
    unclear = [str(n) for n, some in enumerate(found, 1) if len(some) != 1]
    if unclear:
        shown = ", ".join(unclear[:15]) + (" …" if len(unclear) > 15 else "")
        said = desk.speech.say(
            "I do not know for sure what these lines mean: {lines}. Use the numbers of /price. Nothing was bought.", lines=shown
        )
        await message.answer(said)
        return None
    return [ListLine(some[0].sku.id, one.quantity, one.number) for some, one in zip(found, asked, strict=True)]


async def _which(message: Message, desk: Desk, found: list[ItemOfReseller], asked: Ordered) -> None:
    speech = desk.speech
    cells = [(str(i.sku.id), name_of(i, speech), speech.price(i.price.retail_minor, i.price.currency)) for i in found[:30]]
    example = Safe(f"<code>/buy {found[0].sku.id} {asked.quantity}</code>")
    tail = speech.say("Say which by its number, for example: {example}", example=example)
    head = speech.say("“{text}” means several:", text=asked.word[:60])
    await table.send_tables(message, [table.Table(head, cells, right=(0, 2), most=(0, 24, 0), tail=tail)])


def _known(desk: Desk, known: AlreadyBought, number: str) -> tuple[Safe]:
    """The same number again is the same order, and it is said."""
    order = Safe(f"<code>{known.number}</code>")
    return (
        desk.speech.say(
            "Your number {number} is order {order} already. Nothing was bought again; /order {order} shows it.", number=number, order=order
        ),
    )


async def _at_once(message: Message, desk: Desk, view: ListView) -> None:
    try:
        made = await desk.shop.write(resellers.buy_list, list_id=view.id, reseller_id=desk.reseller.id, by=desk.who, all_or_nothing=True)
    except NotAll as refusal:
        missed.refused(desk.reseller, refusal.why, view.lines[0].quantity)
        text, rows = preview(desk, view, refused(desk.speech, refusal.why))
    else:
        text, rows = await bought(desk, made)
    await message.answer(text, reply_markup=keyboard(rows))


# The preview


def preview(desk: Desk, view: ListView, said: Safe | None = None) -> tuple[Safe, list[Row]]:
    """What would be bought, what is missing, and what it costs."""
    speech = desk.speech

    def money(minor: int) -> str:
        return speech.price(minor, view.currency)

    short = max(0, view.total_minor - view.spendable_minor)
    if len(view.lines) == 1:
        told = _one(desk, view, view.lines[0])
    else:
        told = _several(desk, view)
    text = paragraphs(
        Safe("⚠️ ") + said if said else None,
        told,
        on_lines(
            speech.say("Total: {amount}", amount=bold(money(view.total_minor))),
            speech.say("As many as there are: {amount}", amount=money(view.can_minor)) if view.can_minor != view.total_minor else None,
            speech.say("Balance: {amount}", amount=money(view.balance_minor)) if desk.may.sees or desk.may.owns else None,
            speech.say("{amount} is missing: /deposit adds it.", amount=bold(money(short))) if short else None,
        ),
    )
    rows: list[Row] = []
    if view.whole and not short:
        label = speech.label("✅ Buy for {amount}", amount=money(view.total_minor))
        rows.append([button(label, ListPress(id=view.id, act="a"), "success")])
    if (len(view.lines) > 1 or not view.whole) and view.can_minor:
        if view.whole and not short:
            rows[0] = [button(speech.label("✅ All or nothing · {amount}", amount=money(view.total_minor)), ListPress(id=view.id, act="a"))]
        label = speech.label("🧺 As many as there are · {amount}", amount=money(view.can_minor))
        rows.append([button(label, ListPress(id=view.id, act="m"))])
    rows.append([button(speech.label("✖️ Cancel"), ListPress(id=view.id, act="x"))])
    return within(text), rows


def _one(desk: Desk, view: ListView, line: LineView) -> Safe:
    speech = desk.speech
    name = speech.label("not for sale") if line.item is None else name_of(line.item, speech)
    return on_lines(
        speech.say("🛒 {name} × {quantity}", name=bold(name), quantity=speech.number(line.quantity)),
        speech.say("{price} each", price=speech.price(line.unit_minor, view.currency)) if line.unit_minor else None,
        speech.say("Your number: {number}", number=line.number) if line.number else None,
        refused(speech, line.why) if line.why is not None else _missing(desk, line),
    )


def _missing(desk: Desk, line: LineView) -> Safe | None:
    if line.can_have >= line.quantity:
        return None
    return desk.speech.say("Only {n} of {wanted} are there.", n=desk.speech.number(line.can_have), wanted=desk.speech.number(line.quantity))


def _several(desk: Desk, view: ListView) -> Safe:
    speech = desk.speech
    cells, notes = [], []
    for number, line in enumerate(view.lines, 1):
        name = "–" if line.item is None else name_of(line.item, speech)
        cells.append((f"{number}.", name, f"×{line.quantity}", speech.price(line.total_minor, view.currency)))
        if line.known is not None:
            notes.append(speech.say("Line {n}: bought before, order {order}.", n=number, order=line.known.number))
        elif line.why is not None:
            notes.append(speech.say("Line {n}: {why}", n=number, why=refused(speech, line.why)))
        elif line.can_have < line.quantity:
            notes.append(speech.say("Line {n}: only {there} there.", n=number, there=speech.number(line.can_have)))
    drawn = table.rows_of(cells, right=(0, 2, 3), most=(0, NAME, 0, 0))
    more = len(drawn) - SHOWN
    head = speech.many("🛒 <b>{n} line</b>", "🛒 <b>{n} lines</b>", len(view.lines))
    (text, *_) = table.messages(head, drawn[:SHOWN])
    return on_lines(
        text,
        speech.many("And {n} more line.", "And {n} more lines.", more) if more > 0 else None,
        *notes[:20],
        speech.many("And {n} more line with a remark.", "And {n} more lines with a remark.", len(notes) - 20) if len(notes) > 20 else None,
    )


# What became of it


async def bought(desk: Desk, made: ListMade) -> tuple[Safe, list[Row]]:
    """What was bought, line by line; never a code."""
    speech = desk.speech
    money = speech.price(made.paid_minor, made.currency)
    count = sum(line.got for line in made.lines if not line.repeated)
    told = [await _told(desk, line, number, alone=len(made.lines) == 1) for number, line in enumerate(made.lines, 1)]
    first = (
        speech.say("This was bought before; nothing was bought again.")
        if made.repeated
        else speech.many("✅ {n} code for {price}.", "✅ {n} codes for {price}.", count, price=bold(money))
        if count
        else speech.say("Nothing was bought.")
    )
    rows: list[Row] = []
    where: Safe | None = None
    if made.word is not None:
        name = bold(desk.customer.name[:60])
        where = speech.say(
            "🔒 {name} has not opened a chat with me yet, so the codes stay sealed. Whoever may buy can open them:", name=name
        )
        rows.append([InlineKeyboardButton(text=speech.label("🔓 Open the codes"), url=await desk.link(f"codes-{made.word}"))])
    elif count and not made.repeated and any(not line.on_its_way for line in made.lines if line.got):
        if desk.in_group:
            where = speech.say("The codes are in the private chat of {name}.", name=bold(desk.customer.name[:60]))
        else:
            where = speech.say("The codes are the next message.")
    if any(line.on_its_way for line in made.lines):
        where = on_lines(where, speech.say("What is on its way comes to {name}.", name=desk.reseller.name))
    return within(paragraphs(first, on_lines(*told[:SHOWN]), where)), rows


async def _told(desk: Desk, line: LineMade, number: int, *, alone: bool) -> Safe:
    speech = desk.speech
    before = Safe("") if alone else Safe(f"{number}. ")
    sku = await desk.shop.read(catalog.sku, line.sku_id)
    product = None if sku is None else await desk.shop.read(catalog.product, sku.product_id)
    name = "–" if sku is None or product is None else full_name(product, sku, speech)
    if line.order_id is None:
        why = speech.say(line.says or NotAPurchase.says, **speech.spoken(line.facts))
        return before + speech.say("✖️ {name}: {why}", name=name[:60], why=why)
    order = Safe(f"<code>{orders.number_of(line.order_id)}</code>")
    own = Safe(" · ") + Safe(f"<code>{line.number}</code>") if line.number else Safe("")
    if line.repeated:
        return before + speech.say("↩️ {name}: bought before, order {order}", name=name[:60], order=order) + own
    if line.got < line.quantity:
        return (
            before + speech.say("🟡 {name} × {got} of {n}, order {order}", name=name[:60], got=line.got, n=line.quantity, order=order) + own
        )
    return before + speech.say("{name} × {n}, order {order}", name=name[:60], n=line.got, order=order) + own


def _note_lacking(desk: Desk, view: ListView) -> None:
    """What was asked for and is not there is noted for those who could bring it."""
    _note(
        desk,
        [
            (line.item.sku.id, line.quantity - line.can_have)
            for line in view.lines
            if line.item is not None and line.why is None and line.known is None
        ],
    )


def _note_refused(desk: Desk, made: ListMade) -> None:
    """The same for what others took between the preview and the press."""
    short = [line for line in made.lines if not line.repeated and (line.says == orders.SoldOut.says or 0 < line.got < line.quantity)]
    _note(desk, [(line.sku_id, line.quantity - max(line.got, int(line.facts.get("left", 0)))) for line in short])


def _note(desk: Desk, lacking: Iterable[tuple[int, int]]) -> None:
    """Units by denomination; the lines of one are one wish."""
    units: Counter[int] = Counter()
    for sku_id, n in lacking:
        units[sku_id] += n
    for sku_id, n in units.items():
        if n:
            missed.note(desk.storefront.id, desk.reseller.id, sku_id=sku_id, units=n)


async def list_pressed(press: CallbackQuery, callback_data: ListPress, desk: Desk) -> None:
    """Buy it, or do not; a second press is the same purchase."""
    desk.need(Role.BUY)
    speech, reseller_id = desk.speech, desk.reseller.id
    if callback_data.act == "x":
        gone = await desk.shop.write(resellers.cancel_list, list_id=callback_data.id, reseller_id=reseller_id, by=desk.who)
        if gone:
            await redraw(press, speech.say("Cancelled. Nothing was bought."), [])
        else:
            await press.answer(speech.label("This was bought already, or is not known here."), show_alert=True)
        return
    try:
        made = await desk.shop.write(
            resellers.buy_list, list_id=callback_data.id, reseller_id=reseller_id, by=desk.who, all_or_nothing=callback_data.act == "a"
        )
    except NotAll as refusal:
        view = await desk.shop.read(resellers.list_of, list_id=callback_data.id, reseller_id=reseller_id)
        if view is None:
            raise
        _note_lacking(desk, view)
        if isinstance(refusal.why, orders.PriceMoved):
            # The same lines at today's prices, to be looked at and pressed once more.
            again = [ListLine(line.item.sku.id, line.quantity, line.number) for line in view.lines if line.item is not None]
            once = f"again:{view.id}:{press.id}"
            if len(again) == len(view.lines):
                new = await desk.shop.write(resellers.draw_list, reseller_id=reseller_id, by=desk.who, once=once, lines=again)
                view = new if isinstance(new, ListView) else view
        said = paragraphs(_why(desk, refusal, alone=len(view.lines) == 1), speech.say("Nothing was bought."))
        text, rows = preview(desk, view, said)
        await redraw(press, text, rows)
        await press.answer(refused_plain(speech, refusal.why), show_alert=True)
        return
    if made.repeated:
        # The screen that tells it stays: it may have the only way to sealed codes.
        await press.answer(speech.label("This was bought before; nothing was bought again."), show_alert=True)
        return
    _note_refused(desk, made)
    text, rows = await bought(desk, made)
    await redraw(press, text, rows)


def _why(desk: Desk, refusal: NotAll, *, alone: bool) -> Safe:
    why: Refusal = refusal.why
    said = refused(desk.speech, why)
    if isinstance(why, NumberTaken) or not alone:
        return desk.speech.say("Line {n}: {why}", n=refusal.line, why=said)
    return said


async def codes_pressed(press: CallbackQuery, callback_data: CodesPress, desk: Desk) -> None:
    """The codes of an order once more, in the private chat of whoever presses."""
    speech = desk.speech
    word = await desk.shop.write(resellers.show_codes, reseller_id=desk.reseller.id, order_id=callback_data.order, by=desk.who)
    if word is None:
        await press.answer(speech.label("They come into your private chat with me."), show_alert=desk.in_group)
        return
    await press.answer(speech.label("Please open the private chat with me first."))
    if press.message is not None:
        open_ = InlineKeyboardButton(text=speech.label("🔓 Open the codes"), url=await desk.link(f"codes-{word}"))
        said = speech.say("🔒 {name}, open the chat with me to get the codes:", name=bold(desk.customer.name[:60]))
        await press.message.answer(said, reply_markup=keyboard([[open_]]))


def router() -> Router:
    """/buy and the buttons under its previews."""
    made = desk_router("reseller-buying")
    made.message.register(buy_asked, Command("buy"))
    made.callback_query.register(list_pressed, ListPress.filter())
    made.callback_query.register(codes_pressed, CodesPress.filter())
    return made
