"""Shops that supply us, at the desk: connected, watched, browsed, linked and imported from; and orders that a person has to decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from aiogram import Dispatcher, F, Router
from aiogram.types import CallbackQuery, InaccessibleMessage, Message

from core import catalog, fulfilment, integration, orders
from core.catalog import Gone
from core.database import Shop
from core.errors import N_, Refusal
from core.integration import ItemView, Markup, Place, UpstreamView
from core.inventory import Secret
from core.money import parse_minor
from core.ports import ItemKind, UpstreamProtocol, UpstreamSetting
from core.storefronts import Storefront
from handlers.admin import log
from handlers.admin.desk import NOTHING, PAGE, QUESTIONS, Asked, Desk, Do, Go, Question, TooLong, ask, do, go, id_in, short_enough
from handlers.admin.sent import deleted
from handlers.notes import Note, Said, Wording, coded
from handlers.pieces import Row, bold, keyboard, lines, paragraphs, plain
from locales import Safe, Speech
from locales.initials import folded
from locales.searchable import search_text

LONG = 300  # characters of a setting
MOST_CODES = 1000
MOST_POINTS = 100_000  # 1000 %

PLACES = {
    Place.DRAFT: N_("not finished"),
    Place.TRYING: N_("has not answered yet"),
    Place.OPEN: N_("open"),
    Place.PAUSED: N_("paused"),
}
KINDS = {ItemKind.CODE: N_("codes"), ItemKind.TOPUP: N_("top-up"), ItemKind.MANUAL: N_("delivered by a person there")}
ASKING = N_("Asking the upstream…")
TRIED = N_("✅ It answers, and knows us.")
SYNCED = N_("✅ Its catalogue is here.")


@dataclass(eq=False)
class NotPercent(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a number of per cent. Please type a number from 0 to 1000, such as 12.5.")

    text: str


@dataclass(eq=False)
class NotAChoice(Refusal):
    says: ClassVar[str] = N_("Please type one of these: {choices}.")

    choices: str


@dataclass(eq=False)
class NoCodes(Refusal):
    says: ClassVar[str] = N_("Please send what you bought, one code on each line: at most {most}.")

    most: int


# Looking


async def every(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """All upstreams with how they fare."""
    say = desk.speech
    found = await desk.shop.read(integration.upstreams, storefront_id=desk.storefront.id)
    now = desk.shop.tools.clock()
    rows: list[Row] = [[go(f"{_mark(each, now)} {each.name}", "up", each.id)] for each in found[callback_data.page * PAGE :][:PAGE]]
    rows.append(desk.pages("ups", 0, callback_data.page, more=len(found) > (callback_data.page + 1) * PAGE))
    rows.append([go(say.label("➕ Connect a shop"), "up-new")])
    text = paragraphs(
        bold(say.label("Upstream shops")),
        say.say("What they have is sold here, and bought there when a buyer has paid.")
        if found
        else say.say("None is connected yet. What another shop has can be sold here without a stock of your own."),
    )
    await desk.show(press, text, [*rows, desk.back("supply")])


def _mark(of: UpstreamView, now: object) -> str:
    if of.place is Place.PAUSED:
        return "⏸"
    if of.place is not Place.OPEN:
        return "⚪"
    if of.open_until is not None:
        return "🔴"
    return "🟡" if of.failures or of.low_told_at is not None or of.trouble else "🟢"


async def choose_protocol(press: CallbackQuery, desk: Desk, protocols: Mapping[str, UpstreamProtocol]) -> None:
    say = desk.speech
    rows: list[Row] = [[do(say.label(each.title), "up-proto", arg=name)] for name, each in protocols.items()]
    await desk.show(press, say.say("Which software does the other shop run?"), [*rows, desk.back("ups")])


async def proto(press: CallbackQuery, callback_data: Do, desk: Desk, protocols: Mapping[str, UpstreamProtocol]) -> None:
    """A protocol is chosen: its settings are asked one by one."""
    protocol = protocols.get(callback_data.arg)
    if protocol is None:
        raise Gone
    made = await desk.shop.write(
        integration.draft_upstream, storefront=desk.storefront, protocol=protocol.name, name=desk.speech.label(protocol.title), by=desk.by
    )
    await desk.ask(press, "upstream.name", made.id)


async def one(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _show(press, desk, callback_data.id)


async def _show(event: Message | CallbackQuery, desk: Desk, upstream_id: int, said: Safe | None = None) -> None:
    text, rows = await drawn(desk.shop, desk.storefront, desk.speech, upstream_id, said)
    await desk.show(event, text, rows)


async def drawn(shop: Shop, storefront: Storefront, say: Speech, upstream_id: int, said: Safe | None = None) -> tuple[Safe, list[Row]]:
    """One upstream: what we have there, how it fares, and what can be done. Raises NoSuchUpstream."""
    of = await shop.read(integration.upstream, upstream_id, storefront_id=storefront.id)
    total, linked = await shop.read(integration.counts_of, of.id)
    load = await shop.read(fulfilment.lane_load, of.lane)
    markup = of.markup
    facts = lines(
        say.say("State: {state}", state=bold(say.label(PLACES[of.place]))),
        say.say("🔴 It rests until {when}, because it did not answer. Its offers are hidden meanwhile.", when=say.when(of.open_until))
        if of.open_until is not None
        else None,
        say.say("It last said: {why}", why=plain(of.trouble, 200)) if of.trouble else None,
        say.say("Balance there: {amount} ({when})", amount=bold(say.price(of.balance_minor, of.currency)), when=say.when(of.balance_at))
        if of.balance_minor is not None and of.currency is not None and of.balance_at is not None
        else None,
        say.say("You are told when it is below {amount}.", amount=say.price(of.low_balance_minor, of.currency))
        if of.low_balance_minor is not None and of.currency is not None
        else None,
        say.say("It sells {total} things; {linked} of them are sold here.", total=say.number(total), linked=say.number(linked))
        if of.synced_at is not None
        else None,
        say.say("Catalogue read: {when}", when=say.when(of.synced_at)) if of.synced_at is not None else None,
        say.say("Under way: {open}; outcome not known: {unknown}", open=say.number(load.open), unknown=say.number(load.unknown)),
        say.say(
            "Markup on import: {percent} % + {fixed}, rounded up to {step}",
            percent=_percent(markup.points),
            fixed=say.price(markup.fixed_minor, storefront.currency),
            step=say.price(markup.step_minor, storefront.currency),
        ),
    )
    rows: list[Row] = []
    if of.place is Place.DRAFT:
        rows.append([ask(say.label("✏️ Go on with its settings"), "upstream.name", of.id)])
    else:
        rows.append([do(say.label("🔄 Try it"), "up-try", of.id)])
        rows.append([do(say.label("📥 Read its catalogue"), "up-sync", of.id)])
        rows.append([go(say.label("🛍 What it sells"), "up-items", of.id)])
        if load.unknown:
            rows.append([go(say.label("❓ Outcome not known"), "up-unk", of.id)])
        rows.append([ask(say.label("🔔 Low balance"), "upstream.low", of.id), go(say.label("🏷 Markup"), "up-mark", of.id)])
        row = [go(say.label("🔑 Settings"), "up-set", of.id)]
        if of.place is Place.OPEN:
            row.append(do(say.label("⏸ Pause"), "up-pause", of.id))
        elif of.place is Place.PAUSED:
            row.append(do(say.label("▶️ Go on"), "up-go", of.id))
        rows.append(row)
    rows.append([go(say.label("🗑 Remove"), "up-del", of.id)])
    rows.append([go(say.label("‹ Back"), "ups"), go(say.label("Admin menu"), "home")])
    return paragraphs(said, bold(of.name), facts), rows


def _percent(points: int) -> str:
    text = f"{Decimal(points) / 100:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# What the background does


def _screen(press: CallbackQuery) -> tuple[int, int] | None:
    message = press.message
    return None if message is None or isinstance(message, InaccessibleMessage) else (message.chat.id, message.message_id)


async def try_now(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """Ask it in the background; this screen says what came of it."""
    await _own(desk, callback_data.id)
    await desk.shop.write(
        integration.try_upstream, upstream_id=callback_data.id, by=desk.by, screen=_screen(press), language=desk.speech.language
    )
    await press.answer(desk.speech.label(ASKING))


async def sync_now(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await _own(desk, callback_data.id)
    await desk.shop.write(
        integration.errand,
        upstream_id=callback_data.id,
        what=integration.Errand.SYNC,
        screen=_screen(press),
        language=desk.speech.language,
    )
    await press.answer(desk.speech.label(ASKING))


async def _own(desk: Desk, upstream_id: int) -> UpstreamView:
    """One of this storefront; raises NoSuchUpstream."""
    return await desk.shop.read(integration.upstream, upstream_id, storefront_id=desk.storefront.id)


async def changed(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """Paused, resumed or removed."""
    await _own(desk, callback_data.id)
    command = {
        "up-pause": integration.pause_upstream,
        "up-go": integration.resume_upstream,
        "up-remove": integration.remove_upstream,
    }[callback_data.act]
    after = await desk.shop.write(command, upstream_id=callback_data.id, by=desk.by)
    if after.place is Place.REMOVED:
        await every(press, Go(to="ups"), desk)
    else:
        await _show(press, desk, callback_data.id)


async def confirm_remove(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    of, say = await _own(desk, callback_data.id), desk.speech
    text = say.say(
        "Remove {name}? Nothing more of it is sold. Orders that are under way are still asked about until they are known.",
        name=bold(of.name),
    )
    await desk.show(press, text, [[do(say.label("🗑 Yes, remove it"), "up-remove", of.id, style="danger")], desk.back("up", of.id)])


# Settings


def _protocols(desk: Desk) -> Mapping[str, UpstreamProtocol]:
    """The protocols that are here, as the running shop handed them out."""
    here = desk.router
    while here.parent_router is not None:
        here = here.parent_router
    found = here.workflow_data.get("protocols", {}) if isinstance(here, Dispatcher) else {}
    assert isinstance(found, Mapping)
    return found


async def _setting(desk: Desk, asked: Asked) -> tuple[UpstreamView, UpstreamSetting]:
    of = await _own(desk, asked.id)
    protocol = _protocols(desk).get(of.protocol)
    found = next((setting for setting in (protocol.settings if protocol else ()) if setting.name == asked.arg), None)
    if found is None:
        raise Gone
    return of, found


async def _ask_setting(desk: Desk, asked: Asked) -> Safe:
    say, (_, setting) = desk.speech, await _setting(desk, asked)
    return paragraphs(
        say.say("{title}, for example: {example}", title=bold(say.label(setting.title)), example=coded(setting.example)),
        say.say("Send - to leave it as it is.") if setting.optional else None,
        say.say("Your message is deleted as soon as it is read.") if setting.secret else None,
    )


async def _take_setting(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    of, setting = await _setting(desk, asked)
    gone = await deleted(message) if setting.secret else True
    if setting.choices and text.lower() not in (*setting.choices, *([NOTHING] if setting.optional else [])):
        raise NotAChoice(choices=", ".join(setting.choices))
    if not (setting.optional and text == NOTHING):
        short_enough(text, LONG)
        await desk.shop.write(integration.say_settings, upstream_id=of.id, settings={setting.name: text}, by=desk.by)
    if not gone:
        await desk.show(message, desk.speech.say("⚠️ I may not delete your message with the secret. Please delete it yourself."))
    await _ask_next(message, desk, of, after=setting.name)


async def _ask_next(message: Message, desk: Desk, of: UpstreamView, after: str | None = None) -> None:
    """The next setting that a new connection lacks; when there is none, it is tried."""
    protocol = _protocols(desk).get(of.protocol)
    if protocol is None:
        raise Gone
    names = [setting.name for setting in protocol.settings]
    if of.place is Place.DRAFT:
        rest = names[names.index(after) + 1 :] if after in names else names
        if rest:
            await desk.ask(message, "upstream.set", of.id, rest[0])
            return
        said = await desk.shop.read(integration.settings_said, of.id)
        missing = next((setting.name for setting in protocol.settings if not setting.optional and setting.name not in said), None)
        if missing is not None:
            await desk.ask(message, "upstream.set", of.id, missing)
            return
    sent = await message.answer(desk.speech.say(ASKING))
    await desk.shop.write(
        integration.try_upstream, upstream_id=of.id, by=desk.by, screen=(sent.chat.id, sent.message_id), language=desk.speech.language
    )


async def settings(press: CallbackQuery, callback_data: Go, desk: Desk, protocols: Mapping[str, UpstreamProtocol]) -> None:
    """Each setting can be said anew; none is shown."""
    of, say = await _own(desk, callback_data.id), desk.speech
    protocol = protocols.get(of.protocol)
    if protocol is None:
        raise Gone
    rows: list[Row] = [[ask(say.label(setting.title), "upstream.set", of.id, arg=setting.name)] for setting in protocol.settings]
    await desk.show(press, say.say("Which setting is another now? It is tried at once."), [*rows, desk.back("up", of.id)])


async def _ask_name(desk: Desk, asked: Asked) -> Safe:
    await _own(desk, asked.id)
    return desk.speech.say("How do you call this shop? Buyers do not see it. For example: <i>Card wholesale</i>")


async def _take_name(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    of = await _own(desk, asked.id)
    await desk.shop.write(integration.rename_upstream, upstream_id=of.id, name=short_enough(text, 100), by=desk.by)
    await _ask_next(message, desk, of)


# Its balance and the markup


async def _ask_low(desk: Desk, asked: Asked) -> Safe:
    of = await _own(desk, asked.id)
    return desk.speech.say(
        "Below which balance there are you told? Type an amount in {currency}, for example: <i>500</i>. Send - for never.",
        currency=of.currency or desk.storefront.currency,
    )


async def _take_low(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    of = await _own(desk, asked.id)
    low = None if text == NOTHING else parse_minor(text, of.currency or desk.storefront.currency)
    await desk.shop.write(integration.set_low_balance, upstream_id=of.id, low_balance_minor=low, by=desk.by)
    await _show(message, desk, of.id)


async def markup(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    of, say = await _own(desk, callback_data.id), desk.speech
    rows: list[Row] = [
        [ask(say.label("Per cent"), "upstream.pct", of.id), ask(say.label("Fixed amount"), "upstream.fix", of.id)],
        [ask(say.label("Round up to"), "upstream.step", of.id)],
    ]
    text = say.say("What is imported is sold for what it costs, plus so many per cent and a fixed amount, rounded up.")
    await desk.show(press, text, [*rows, desk.back("up", of.id)])


def _markup_question(which: str, prompt: str) -> Question:
    async def says(desk: Desk, asked: Asked) -> Safe:
        await _own(desk, asked.id)
        return desk.speech.say(prompt, currency=desk.storefront.currency) if "{currency}" in prompt else desk.speech.say(prompt)

    async def take(desk: Desk, message: Message, asked: Asked, text: str) -> None:
        of = await _own(desk, asked.id)
        now = of.markup
        points = _points(text) if which == "pct" else now.points
        fixed = parse_minor(text, desk.storefront.currency) if which == "fix" else now.fixed_minor
        step = max(1, parse_minor(text, desk.storefront.currency)) if which == "step" else now.step_minor
        await desk.shop.write(integration.set_markup, upstream_id=of.id, markup=Markup(points, fixed, step), by=desk.by)
        await _show(message, desk, of.id)

    return Question(says, take, "up-mark")


def _points(text: str) -> int:
    """Hundredths of a per cent; raises NotPercent."""
    try:
        minor = parse_minor(text.rstrip("%％ "), "CNY")
    except Refusal:
        raise NotPercent(text=text[:40]) from None
    if minor > MOST_POINTS:
        raise NotPercent(text=text[:40])
    return minor


# What it sells


async def items(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _show_items(press, desk, callback_data.id, callback_data.page, callback_data.arg)


async def _show_items(event: Message | CallbackQuery, desk: Desk, upstream_id: int, page: int, word: str) -> None:
    of, say = await _own(desk, upstream_id), desk.speech
    found = await desk.shop.read(integration.items_of, upstream_id=of.id, page=page, size=PAGE, word=word)
    rows: list[Row] = [
        [go(f"{_sign(each)} {each.title} · {say.price(each.price_minor, each.currency)}", "up-item", each.id)] for each in found[:PAGE]
    ]
    rows.append(desk.pages("up-items", of.id, page, more=len(found) > PAGE, arg=word))
    rows.append([ask(say.label("🔎 Search"), "upstream.find", of.id)])
    text = paragraphs(
        bold(of.name),
        say.say("✅ is sold here already, ⚫ cannot be had now.") if found else say.say("Nothing was found. Has its catalogue been read?"),
    )
    await desk.show(event, text, [*rows, desk.back("up", of.id)])


def _sign(each: ItemView) -> str:
    if each.offer_id is not None:
        return "✅"
    return "⚫" if each.gone or not each.active or each.stock == 0 else "▫️"


async def _ask_word(desk: Desk, asked: Asked) -> Safe:
    await _own(desk, asked.id)
    return desk.speech.say("Type a word of what you look for, for example: <i>Steam</i>")


async def _take_word(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    # A button holds 32 bytes of it.
    word = text.encode()[:24].decode(errors="ignore").replace(":", " ").strip()
    await _show_items(message, desk, asked.id, 0, word)


async def item(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _show_item(press, desk, callback_data.id)


async def _show_item(event: Message | CallbackQuery, desk: Desk, item_id: int, said: Safe | None = None) -> None:
    say = desk.speech
    found = await desk.shop.read(integration.item, item_id, storefront_id=desk.storefront.id)
    of = await _own(desk, found.upstream_id)
    same = found.currency == desk.storefront.currency
    text = paragraphs(
        said,
        lines(
            bold(found.title),
            say.say("Category there: {name}", name=found.category) if found.category else None,
            say.say("Costs {price} ({kind})", price=bold(say.price(found.price_minor, found.currency)), kind=say.label(KINDS[found.kind])),
            say.say("There: {n}", n=say.number(found.stock) if found.stock is not None else say.label("as many as one likes")),
            say.say("With the markup: {price}", price=say.price(of.markup.retail(found.price_minor), found.currency)) if same else None,
            say.say("It is sold there no more.") if found.gone or not found.active else None,
            say.say("It is sold here.") if found.offer_id is not None else None,
        ),
        plain(found.description, 500) if found.description else None,
    )
    rows: list[Row] = []
    if found.offer_id is not None:
        rows.append([do(say.label("✖️ Sell it no more"), "up-unlink", found.id, style="danger")])
    elif not found.gone:
        rows.append([go(say.label("➕ Sell it as something new"), "up-cat", found.id)])
        rows.append([ask(say.label("🔗 One more source of something"), "upstream.link", found.id)])
    rows.append([go(say.label("‹ Back"), "up-items", found.upstream_id), desk.home()])
    await desk.show(event, text, rows)


async def categories(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Where the new product is to stand."""
    say = desk.speech
    found = await desk.shop.read(integration.item, callback_data.id, storefront_id=desk.storefront.id)
    there = await _all_categories(desk)
    page = callback_data.page
    rows: list[Row] = [[do(name, "up-import", found.id, arg=str(id))] for id, name in there[page * PAGE : (page + 1) * PAGE]]
    rows.append(desk.pages("up-cat", found.id, page, more=len(there) > (page + 1) * PAGE))
    rows.append([do(say.label("➕ New category: {name}", name=found.category or found.title), "up-import", found.id, arg="new")])
    await desk.show(press, say.say("In which category is it to stand?"), [*rows, desk.back("up-item", found.id)])


async def _all_categories(desk: Desk) -> list[tuple[int, str]]:
    """Every category with its way."""
    found: list[tuple[int, str]] = []
    way: list[str] = []
    for depth, each in await desk.shop.read(catalog.tree):
        way[depth:] = [each.name]
        found.append((each.id, " › ".join(way)))
    return found


async def import_pressed(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """A new product with one denomination, at cost and markup."""
    category_id = id_in(callback_data.arg)
    if category_id is None and callback_data.arg != "new":
        raise Gone
    found = await desk.shop.read(integration.item, callback_data.id, storefront_id=desk.storefront.id)
    await desk.shop.write(
        integration.import_item,
        item_id=found.id,
        category_id=category_id,
        category_name=found.category or found.title,
        search=search_text(found.title, found.category),
        storefront=desk.storefront,
        by=desk.by,
    )
    await _show_item(press, desk, found.id, desk.speech.say("✅ It is on sale. Its name and price are yours to change under 🗂 Catalogue."))


async def _ask_link(desk: Desk, asked: Asked) -> Safe:
    await desk.shop.read(integration.item, asked.id, storefront_id=desk.storefront.id)
    return desk.speech.say("Which product of yours does it supply too? Type a word of its name, for example: <i>Steam</i>")


async def _take_link(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    say = desk.speech
    found = await desk.shop.read(integration.item, asked.id, storefront_id=desk.storefront.id)
    products = await desk.shop.read(catalog.search_products, folded(text[:100]), limit=PAGE)
    skus = await desk.shop.read(catalog.skus_of, [product.id for product in products], hidden_too=True)
    names = {product.id: product.name for product in products}
    rows: list[Row] = [[do(f"{names[sku.product_id]} › {sku.name}", "up-link", found.id, arg=str(sku.id))] for sku in skus[:20]]
    rows.append([ask(say.label("🔎 Search again"), "upstream.link", found.id)])
    said = (
        say.say("Which of these?")
        if skus
        else say.say("Nothing was found for “{text}”. Please check it and type it again.", text=text[:40])
    )
    await desk.show(message, said, [*rows, desk.back("up-item", found.id)])


async def link_pressed(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    sku_id = id_in(callback_data.arg)
    if sku_id is None:
        raise Gone
    await desk.shop.write(integration.link_item, item_id=callback_data.id, sku_id=sku_id, storefront=desk.storefront, by=desk.by)
    await _show_item(press, desk, callback_data.id, desk.speech.say("✅ It is one more source now."))


async def unlink_pressed(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(integration.unlink_item, item_id=callback_data.id, storefront=desk.storefront, by=desk.by)
    await _show_item(press, desk, callback_data.id)


# Orders whose outcome nobody knows


async def unknown(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    of, say = await _own(desk, callback_data.id), desk.speech
    found = await desk.shop.read(fulfilment.unknown_of, of.lane, most=PAGE)
    tasks = [task for task in [await desk.shop.read(fulfilment.task, task_id) for task_id in found] if task is not None]
    rows: list[Row] = [[go(f"{orders.number_of(task.order_id)} · {task.number}", "up-task", task.id)] for task in tasks]
    text = say.say("What became of these orders there is not known. They are asked about by themselves, and never bought twice.")
    await desk.show(press, text, [*rows, desk.back("up", of.id)])


async def task(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """One order to be looked up at the upstream by a person."""
    say = desk.speech
    found, of = await desk.shop.read(integration.unknown_task, callback_data.id, storefront_id=desk.storefront.id)
    steps = await desk.shop.read(fulfilment.steps_of, [found.id])
    text = paragraphs(
        lines(
            say.say("Order {number}", number=coded(orders.number_of(found.order_id))),
            say.say("Our number at {name}: {number}", name=of.name, number=coded(found.number)),
            say.say("{n} pieces were asked for {when}.", n=say.number(found.quantity), when=say.when(found.asked_at))
            if found.asked_at is not None
            else None,
        ),
        lines(*(say.say("• {when}: {cause}", when=say.when(step.at), cause=step.cause) for step in steps[-5:])),
        say.say("Look at the upstream's own list of orders. Was it bought there?"),
    )
    rows: list[Row] = [
        [ask(say.label("✅ Yes: here are the codes"), "upstream.codes", found.id)],
        [go(say.label("✖️ No, it was not bought"), "up-not", found.id)],
        desk.back("up-unk", of.id),
    ]
    await desk.show(press, text, rows)


async def confirm_not(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say = desk.speech
    found, _ = await desk.shop.read(integration.unknown_task, callback_data.id, storefront_id=desk.storefront.id)
    text = say.say("Is it certain that {number} was not bought? It is then bought elsewhere, or paid back.", number=coded(found.number))
    await desk.show(
        press, text, [[do(say.label("✖️ It was not bought"), "up-no", found.id, style="danger")], desk.back("up-task", found.id)]
    )


async def not_bought(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(integration.was_not_bought, task_id=callback_data.id, storefront_id=desk.storefront.id, by=desk.by)
    await desk.show(press, desk.speech.say("Noted. It is bought elsewhere, or the buyer has the money back."), [desk.back("ups")])


async def _ask_codes(desk: Desk, asked: Asked) -> Safe:
    await desk.shop.read(integration.unknown_task, asked.id, storefront_id=desk.storefront.id)
    return desk.speech.say("Send the codes that were bought, one on each line. Your message is deleted as soon as it is read.")


async def _take_codes(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    codes = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if not 0 < len(codes) <= MOST_CODES or any(not code.isprintable() for code in codes):
        raise NoCodes(most=MOST_CODES)
    if any(len(code) > LONG for code in codes):
        raise TooLong(most=LONG)
    taken = await desk.shop.write(
        integration.was_bought,
        task_id=asked.id,
        secrets=[Secret(None, code) for code in codes],
        storefront_id=desk.storefront.id,
        by=desk.by,
    )
    # Only what was taken is deleted: refused codes would be lost otherwise.
    gone = await deleted(message)
    said = desk.speech.many("{n} code was taken; it goes to its buyer.", "{n} codes were taken; they go to their buyer.", taken)
    warned = None if gone else desk.speech.say("⚠️ I may not delete your message with the codes. Please delete it yourself.")
    await desk.show(message, paragraphs(said, warned), [desk.back("ups")])


# What the staff are told


def alerted(note: Note) -> Said:
    """An upstream runs low, rests, works again, lost goods we sell, charged too much, or cannot say."""
    body, say = note.body, note.speech
    name, upstream_id = bold(str(body["name"])), int(body["upstream"])
    rows: list[Row] = [[go(say.label("🔌 The upstream"), "up", upstream_id)]]
    match str(body["says"]):
        case "upstream-low":
            said = say.say(
                "🟡 Your balance at {name} is {balance}, below {low}. Please top it up there.",
                name=name,
                balance=bold(note.price("balance")),
                low=note.price("low"),
            )
        case "upstream-rests":
            said = say.say(
                "🔴 {name} does not answer ({why}). It is left alone for a while, and what it supplies is hidden. It comes back by itself.",
                name=name,
                why=str(body["why"])[:150],
            )
        case "upstream-works":
            said = say.say("🟢 {name} answers again; what it supplies is on sale.", name=name)
        case "upstream-gone":
            said = say.many(
                "🟡 {name} sells {n} thing no more that you sold from it.",
                "🟡 {name} sells {n} things no more that you sold from it.",
                int(body["n"]),
                name=name,
            )
        case "upstream-overcharged":
            said = say.say(
                "🟡 {name} took {amount} for an order, more than the {most} allowed. The goods are delivered; please look at its price.",
                name=name,
                amount=bold(note.price()),
                most=note.price("most"),
            )
        case _:
            said = say.say(
                "🔴 {name} cannot say whether an order was bought ({why}). Please look there, and decide.",
                name=name,
                why=str(body["why"])[:150],
            )
            rows.insert(0, [go(say.label("❓ Look at it"), "up-task", int(body["task"]))])
    return said, keyboard(rows)


SAYS: dict[str, Wording] = dict.fromkeys(
    ("upstream-low", "upstream-rests", "upstream-works", "upstream-gone", "upstream-overcharged", "upstream-unknown"), alerted
)

QUESTIONS |= {
    "upstream.name": Question(_ask_name, _take_name, "up"),
    "upstream.set": Question(_ask_setting, _take_setting, "up"),
    "upstream.low": Question(_ask_low, _take_low, "up"),
    "upstream.pct": _markup_question("pct", N_("How many per cent on top? For example: <i>12.5</i>")),
    "upstream.fix": _markup_question("fix", N_("Which fixed amount on top, in {currency}? For example: <i>0.50</i>")),
    "upstream.step": _markup_question("step", N_("Up to which amount in {currency} are prices rounded? For example: <i>0.10</i>")),
    "upstream.find": Question(_ask_word, _take_word, "up-items"),
    "upstream.link": Question(_ask_link, _take_link, "up-item"),
    "upstream.codes": Question(_ask_codes, _take_codes, "up-task"),
}


log.ACTIONS |= {
    "add-upstream": N_("connected upstream {id}"),
    "change-upstream": N_("changed the settings of upstream {id}"),
    "rename-upstream": N_("renamed upstream {id}"),
    "pause-upstream": N_("paused upstream {id}"),
    "resume-upstream": N_("let upstream {id} go on"),
    "remove-upstream": N_("removed upstream {id}"),
    "set-markup": N_("set the markup of upstream {id}"),
    "set-low-balance": N_("set the low balance of upstream {id}"),
    "link-item": N_("put something of upstream {id} on sale"),
    "unlink-item": N_("took something of upstream {id} off sale"),
    "decide-unknown": N_("decided an order at upstream {id}"),
}
log.FIELDS |= {
    "protocol": N_("software"),
    "settings": N_("settings"),
    "points": N_("hundredths of a per cent"),
    "fixed_minor": N_("fixed amount"),
    "step_minor": N_("rounded up to"),
    "low_minor": N_("low balance"),
    "item": N_("item there"),
    "sku": N_("denomination"),
    "offer": N_("offer"),
    "task": N_("order there"),
    "bought": N_("it was bought"),
    "units": N_("pieces"),
}


def router() -> Router:
    """Upstream shops, what they sell, and what is not known of orders there."""
    made = Router(name="admin-upstreams")
    looks: dict[str, Callable[..., Any]] = {
        "ups": every,
        "up": one,
        "up-new": choose_protocol,
        "up-del": confirm_remove,
        "up-set": settings,
        "up-mark": markup,
        "up-items": items,
        "up-item": item,
        "up-cat": categories,
        "up-unk": unknown,
        "up-task": task,
        "up-not": confirm_not,
    }
    for to, screen in looks.items():
        made.callback_query.register(screen, Go.filter(F.to == to))
    acts: dict[str, Callable[..., Any]] = {
        "up-proto": proto,
        "up-try": try_now,
        "up-sync": sync_now,
        "up-pause": changed,
        "up-go": changed,
        "up-remove": changed,
        "up-import": import_pressed,
        "up-link": link_pressed,
        "up-unlink": unlink_pressed,
        "up-no": not_bought,
    }
    for act, deed in acts.items():
        made.callback_query.register(deed, Do.filter(F.act == act))
    return made
