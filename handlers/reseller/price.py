"""What there is and what it costs a reseller: /price, /stock and /best."""

from __future__ import annotations

from decimal import Decimal

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import BufferedInputFile, Message

from core import resellers
from core.money import decimal_text
from core.resellers import BestSeller, ItemOfReseller
from handlers import missed
from handlers.pieces import clipped, full_name, paragraphs
from handlers.reseller import table
from handlers.reseller.desk import Desk, desk_router
from locales import Safe, Speech
from locales.initials import folded
from papers.tables import csv_table

BANDS = (1000, 500, 100, 50, 20, 10)
LINES = 60  # of a list in the chat; all of it is in the file
NAME = 20  # columns of a name


def band(item: ItemOfReseller) -> str:
    """How many are left, roughly: a competitor learns no more, and a reseller needs no more."""
    if item.left < item.sku.min_quantity:
        return "0"
    return next((f"{least}+" for least in BANDS if item.left >= least), str(item.left) if item.left < 5 else "5+")


def name_of(item: ItemOfReseller, speech: Speech) -> str:
    return full_name(item.product, item.sku, speech)


async def asked(desk: Desk, args: str | None) -> tuple[list[ItemOfReseller], str]:
    """What the word behind a command finds – everything without one –, and the word."""
    word = (args or "").strip()[:100]
    if not word:
        return await desk.shop.read(resellers.items, buyer_id=desk.reseller.id), ""
    found = await desk.shop.read(resellers.find_items, buyer_id=desk.reseller.id, word=word, folded=folded(word))
    if not found:
        missed.note(desk.storefront.id, desk.reseller.id, words=folded(word))
    elif len(found) == 1 and found[0].left < found[0].sku.min_quantity:
        # One denomination was asked for by name, and it is sold out.
        missed.note(desk.storefront.id, desk.reseller.id, sku_id=found[0].sku.id, units=found[0].sku.min_quantity - found[0].left)
    return found, word


def nothing(desk: Desk, word: str, command: str) -> Safe:
    """A word that finds nothing, with an example of what does."""
    speech = desk.speech
    if not word:
        return speech.say("There is nothing for sale at the moment.")
    example = Safe(f"<code>/{command} steam</code>")
    return speech.say(
        "We found nothing for “{text}”. Try a number or fewer letters, for example: {example}", text=clipped(word, 60), example=example
    )


async def price_asked(message: Message, command: CommandObject, desk: Desk) -> None:
    """The reseller's own prices, with those by quantity and the stock."""
    speech = desk.speech
    found, word = await asked(desk, command.args)
    if not found:
        await message.answer(nothing(desk, word, "price"))
        return
    shown = found[:LINES]
    cells = [
        (str(item.sku.id), name_of(item, speech), speech.price(item.price.retail_minor, item.price.currency), band(item)) for item in shown
    ]
    head = (speech.label("No."), speech.label("Item"), speech.label("Price"), speech.label("Stock"))
    notes: dict[int, list[str]] = {}
    for number, item in enumerate(shown):
        told = [f"{tier.from_quantity}+: {speech.price(tier.unit_minor, item.price.currency)}" for tier in item.price.tiers]
        if item.minimum_minor is not None:
            least = speech.price(item.minimum_minor, item.price.currency)
            told.insert(0, speech.label("please ask at least {price}", price=least))
        notes[number] = told
    more = len(found) - len(shown)
    tail = paragraphs(
        speech.many("{n} more is in the file.", "{n} more are in the file.", more) if more else None,
        speech.say("To buy: <code>/buy {number} 5</code>", number=shown[0].sku.id),
    )
    drawn = table.Table(speech.say("🏷 <b>Your prices</b>"), cells, head, right=(0, 2, 3), most=(0, NAME, 0, 0), notes=notes, tail=tail)
    await table.send_tables(message, [drawn])
    if more:
        await message.answer_document(BufferedInputFile(price_list(found, speech), "prices.csv"))


def price_list(found: list[ItemOfReseller], speech: Speech) -> bytes:
    """Every price as a table, a row for each quantity from which it holds."""
    rows = [
        (
            item.sku.id,
            item.sku.slug,
            name_of(item, speech),
            from_quantity,
            Decimal(decimal_text(unit, item.price.currency)),
            item.price.currency,
            "" if item.minimum_minor is None else Decimal(decimal_text(item.minimum_minor, item.price.currency)),
            band(item),
        )
        for item in found
        for from_quantity, unit in ((1, item.price.retail_minor), *((tier.from_quantity, tier.unit_minor) for tier in item.price.tiers))
    ]
    return csv_table(
        ("sku", "short_name", "name", "from_quantity", "price", "currency", "minimum_resale_price", "stock"), rows, speech.timezone
    )


async def stock_asked(message: Message, command: CommandObject, desk: Desk) -> None:
    """How much there is, roughly."""
    speech = desk.speech
    found, word = await asked(desk, command.args)
    if not found:
        await message.answer(nothing(desk, word, "stock"))
        return
    shown = found[: 2 * LINES]
    cells = [(str(item.sku.id), name_of(item, speech), band(item)) for item in shown]
    head = (speech.label("No."), speech.label("Item"), speech.label("Stock"))
    more = len(found) - len(shown)
    tail = speech.many("And {n} more: add a word.", "And {n} more: add a word.", more) if more else None
    drawn = table.Table(speech.say("📦 <b>In stock</b>"), cells, head, right=(0, 2), most=(0, NAME + 6, 0), tail=tail)
    await table.send_tables(message, [drawn])


async def best_asked(message: Message, desk: Desk) -> None:
    """What sells best in the shop, and what of it this reseller does not buy yet."""
    speech = desk.speech
    best, missing = await desk.shop.read(resellers.best_sellers, buyer_id=desk.reseller.id)
    if not best:
        await message.answer(speech.say("Nothing was sold lately that could be compared."))
        return

    def drawn(head: Safe, some: list[BestSeller]) -> table.Table:
        cells = [
            (
                f"{place}.",
                str(one.item.sku.id),
                name_of(one.item, speech),
                speech.price(one.item.price.retail_minor, one.item.price.currency),
            )
            for place, one in enumerate(some, 1)
        ]
        return table.Table(head, cells, right=(0, 1, 3), most=(0, 0, NAME, 0))

    made = [drawn(speech.say("🔥 <b>Sells best in the shop, 30 days</b>"), best)]
    if missing:
        made.append(drawn(speech.say("💡 <b>Of that, you bought none</b>"), missing))
    await table.send_tables(message, made)


def router() -> Router:
    """/price, /stock and /best."""
    made = desk_router("reseller-price")
    made.message.register(price_asked, Command("price"))
    made.message.register(stock_asked, Command("stock"))
    made.message.register(best_asked, Command("best"))
    return made
