"""A supplier brings codes: pasted, in a file, or by a one-time link for what is too large for the chat."""

from __future__ import annotations

import io
from collections import deque
from typing import BinaryIO

from aiogram import F, Router
from aiogram.filters.state import StateFilter
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message

from core import catalog, insight, supply
from core.catalog import ProductView, SkuView
from core.database import Shop
from core.supply import OfferFacts
from handlers.admin.sent import DOWNLOAD_BYTES, TooBig, fetched
from handlers.importing import Import, begun
from handlers.pieces import Row, clipped, full_name, paragraphs
from handlers.screen import refused
from handlers.supply.allowing import allowed
from handlers.supply.desk import PAGE, Make, See, SupplierDesk, Supplying, make, see, supply_conversation
from locales import Speech

_SPLIT_FROM = 3000  # characters: a longer paste has probably been split by the sender's Telegram, and the rest follows


def router() -> Router:
    made = supply_conversation("supply-uploading")
    made.callback_query.register(bring, See.filter(F.to == "bring"))
    made.callback_query.register(upload, See.filter(F.to == "upload"))
    made.callback_query.register(link, Make.filter(F.act == "link"))
    made.message.register(Uploads().codes_sent, StateFilter(Supplying.codes), ~F.text.startswith("/"))
    return made


async def bring(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    """For which offer are the codes?"""
    desk, say, page = supplier_desk, supplier_desk.speech, callback_data.page
    chosen = await desk.supplier(callback_data.id)
    here = await desk.shop.read(insight.supplier_home, chosen.id, timezone=say.timezone)
    rows: list[Row] = [
        [see(f"{full_name(line.product, line.sku, say)} · {say.number(line.shelf)}", "upload", line.facts.id)]
        for line in here.lines[page * PAGE : (page + 1) * PAGE]
    ]
    rows.append(desk.pages("bring", chosen.id, page, more=len(here.lines) > (page + 1) * PAGE))
    rows.append([see(say.label("➕ New offer"), "new", chosen.id), desk.home(chosen.id)])
    text = (
        say.say("For which offer are the codes?")
        if here.lines
        else say.say("You have no offers yet. Make the first one: it takes a minute.")
    )
    await desk.show(press, text, rows)


async def things_of(shop: Shop, facts: OfferFacts) -> tuple[ProductView, SkuView]:
    """The product and the denomination of an offer."""
    sku = await shop.read(catalog.sku, facts.sku_id)
    assert sku is not None, "an offer has a denomination"
    product = await shop.read(catalog.product, sku.product_id)
    assert product is not None, "a denomination has a product"
    return product, sku


async def to_be_stocked(desk: SupplierDesk, offer_id: int, quantity: int = 0) -> OfferFacts:
    """The offer, when codes may be brought to it now; raises the refusal that says why not."""
    facts = await desk.shop.read(supply.to_be_stocked, offer_id=offer_id, telegram_id=desk.who)
    await allowed(desk.shop, await desk.supplier(facts.supplier_id), facts.sku_id, quantity)
    return facts


async def upload(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    """The next message is codes for this offer."""
    desk, say = supplier_desk, supplier_desk.speech
    facts = await to_be_stocked(desk, callback_data.id)
    product, sku = await things_of(desk.shop, facts)
    await desk.state.set_state(Supplying.codes)
    await desk.state.set_data({"offer": facts.id})
    text = paragraphs(
        say.say("Codes for <b>{name}</b>", name=full_name(product, sku, say)),
        say.say("Paste them, one on each line, or send a file: .txt, .csv, .xlsx, or one of these in .zip or .gz, up to 20 MB."),
        say.say(
            "A card with number and password goes on one line, for example:\n<code>{example}</code>",
            example="60012345678----8812-7731",
        ),
        say.say("Your message is deleted when the codes are in."),
    )
    rows: list[Row] = []
    if desk.upload_address is not None:
        rows.append([make(say.label("🔗 Larger? Upload by a link"), "link", facts.id)])
    rows.append([see(say.label("Cancel"), "offer", facts.id)])
    await desk.show(press, text, rows)


async def link(press: CallbackQuery, callback_data: Make, supplier_desk: SupplierDesk) -> None:
    """A one-time address for one file of up to a million lines."""
    desk, say = supplier_desk, supplier_desk.speech
    facts = await to_be_stocked(desk, callback_data.id)
    if desk.upload_address is None:
        await press.answer(say.label("There is no upload page here. Please send the file in the chat."), show_alert=True)
        return
    product, sku = await things_of(desk.shop, facts)
    word, made = await desk.shop.write(
        supply.make_upload_link, offer_id=facts.id, telegram_id=desk.who, customer_id=desk.customer.id, by=desk.by
    )
    address = f"{desk.upload_address.rstrip('/')}/upload/{word}"
    text = paragraphs(
        say.say("Upload codes for <b>{name}</b>", name=full_name(product, sku, say)),
        say.say("One file of up to a million lines: .txt, .csv, .xlsx, or these in .zip or .gz, up to 512 MB."),
        say.say("<code>{address}</code>", address=address),
        say.say(
            "The link works once, until {when}. Whoever has it can upload in your name, so keep it to yourself.",
            when=say.when(made.expires_at),
        ),
    )
    rows: list[Row] = [[see(say.label("‹ Back"), "offer", facts.id), desk.home(facts.supplier_id)]]
    if address.startswith("https://"):
        # Telegram opens other addresses only when they are typed or copied.
        rows.insert(0, [InlineKeyboardButton(text=clipped(say.label("Open the upload page"), 60), url=address)])
    await desk.show(press, text, rows)


def ways_on(say: Speech, facts: OfferFacts) -> list[Row]:
    """What stands under a receipt."""
    return [
        [see(say.label("📥 Bring more"), "upload", facts.id), see(say.label("🏷 The offer"), "offer", facts.id)],
        [see(say.label("🏭 My supply"), "home", facts.supplier_id)],
    ]


class Uploads:
    """What has been sent to be imported; one for each dispatcher."""

    def __init__(self) -> None:
        # Telegram may send an update again: the same message is imported once.
        self._taken: deque[tuple[int, int]] = deque(maxlen=1000)

    async def codes_sent(self, message: Message, supplier_desk: SupplierDesk) -> None:
        """Codes have come: checked here, and imported beside everything else that the supplier does."""
        desk, say = supplier_desk, supplier_desk.speech
        data = await desk.state.get_data()
        facts = await to_be_stocked(desk, int(data.get("offer", 0)))
        cancel: list[Row] = [[see(say.label("Cancel"), "offer", facts.id)]]
        if message.document is None and not message.text:
            await desk.show(message, say.say("Please paste the codes as text, or send them as a file."), cancel)
            return
        if message.document is not None and (message.document.file_size or 0) > DOWNLOAD_BYTES:
            if desk.upload_address is not None:
                cancel.insert(0, [make(say.label("🔗 Larger? Upload by a link"), "link", facts.id)])
            await desk.show(message, refused(say, TooBig()), cancel)
            return
        this = (message.chat.id, message.message_id)
        if this in self._taken:
            return
        self._taken.append(this)
        if message.media_group_id is None and len(message.text or "") < _SPLIT_FROM:
            await desk.state.clear()
        product, sku = await things_of(desk.shop, facts)
        begun(_import(desk, message, facts, full_name(product, sku, say)).run())


def _import(desk: SupplierDesk, message: Message, facts: OfferFacts, name: str) -> Import:
    """One message full of codes, into the supplier's offer."""
    document = message.document

    async def offer() -> int:
        # Once more: fetching may have taken a while.
        return (await to_be_stocked(desk, facts.id)).id

    async def agree(quantity: int) -> None:
        # A long list takes minutes: whoever was suspended meanwhile, or brings more than they may, sells nothing of it.
        await to_be_stocked(desk, facts.id, quantity)

    async def fetch() -> BinaryIO:
        if document is not None:
            return await fetched(desk.bot, document)
        return io.BytesIO((message.text or "").encode("utf-8", "replace"))

    return Import(
        shop=desk.shop,
        speech=desk.speech,
        bot=desk.bot,
        chat_id=message.chat.id,
        by=desk.by,
        sku_id=facts.sku_id,
        sku_name=name,
        offer=offer,
        name=(document.file_name or "") if document is not None else "",
        fetch=fetch,
        ways_on=ways_on(desk.speech, facts),
        message=message,
        masks=True,
        agree=agree,
    )
