"""A supplier's offers: the list, one of them with its shelf and what to bring when, new ones, and what may be changed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import ClassVar

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import catalog, insight, inventory, onboarding, payments, supply
from core.catalog import Gone
from core.errors import N_, Refusal
from core.insight import Advice, OfferLine, OfferPage, Restock
from core.money import decimal_text, parse_minor
from core.supply import NoPaper, SourceClass, Stop, SupplierView
from handlers.admin.desk import NOTHING, NotPositive, number_between
from handlers.callbacks import shortened
from handlers.pieces import Row, bold, category_name, full_name, lines, paragraphs, plain, product_name
from handlers.supply.allowing import allowed, classes_of, papers_of
from handlers.supply.desk import PAGE, QUESTIONS, Asked, Make, Question, See, SupplierDesk, make, see, supply_conversation
from locales import Safe, Speech

EXAMPLE_MINOR = 8500
_AS_MANY = 10**9
_CODE = re.compile(r"[A-Z]{3}", re.ASCII)
_SHORT = re.compile(r"[0-9a-z]{1,13}", re.ASCII)


def router() -> Router:
    made = supply_conversation("supply-stock")
    looks = {
        "offers": offers,
        "offer": offer,
        "new": new,
        "newc": new_in_category,
        "newp": new_of_product,
        "news": new_of_sku,
        "newk": new_of_class,
        "newd": new_on_paper,
        "cost": ask_cost,
        "declare": ask_declared,
        "back": ask_back,
        "pause": confirm_pause,
        "batches": batches,
    }
    for to, screen in looks.items():
        made.callback_query.register(screen, See.filter(F.to == to))
    made.callback_query.register(pause, Make.filter(F.act == "pause"))
    made.callback_query.register(resume, Make.filter(F.act == "resume"))
    return made


@dataclass(eq=False)
class NotACost(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a cost. Please type what one code costs, such as {example}, with another currency: {other}.")

    text: str
    example: str
    other: str


def typed_cost(text: str, currency: str) -> tuple[int, str]:
    """What one unit costs, in minor units, and in which currency: "85", "85.00", "12 USD", "usd 12"; raises NotACost, NotPositive."""
    said = unicodedata.normalize("NFKC", text).strip().upper()
    words = said.split()
    given = currency
    for at in (0, -1):
        if len(words) > 1 and _CODE.fullmatch(words[at]):
            given = words.pop(at)
            break
    try:
        minor = parse_minor(" ".join(words), given)
    except Refusal:
        raise NotACost(text=text[:40], example=decimal_text(EXAMPLE_MINOR, currency), other="12.50 USD") from None
    if not minor:
        raise NotPositive
    return minor, given


# Looking


async def offers(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    """Every offer, with what is left and for how long."""
    desk, say, page = supplier_desk, supplier_desk.speech, callback_data.page
    chosen = await desk.supplier(callback_data.id)
    here = await desk.shop.read(insight.supplier_home, chosen.id, timezone=say.timezone)
    rows: list[Row] = [[see(_listed(say, line), "offer", line.facts.id)] for line in here.lines[page * PAGE : (page + 1) * PAGE]]
    rows += [
        desk.pages("offers", chosen.id, page, more=len(here.lines) > (page + 1) * PAGE),
        [see(say.label("➕ New offer"), "new", chosen.id), desk.home(chosen.id)],
    ]
    text = paragraphs(
        bold(say.say("Your offers")),
        say.say("🟢 sells, 🟡 lasts for three days or less, 🔴 is empty, ⏸ does not sell.")
        if here.lines
        else say.say("You have no offers yet. Make the first one: it takes a minute."),
    )
    await desk.show(press, text, rows)


def _listed(say: Speech, line: OfferLine) -> str:
    low = line.days_left is not None and line.days_left <= 3
    mark = "⏸" if line.facts.closed else "🔴" if not line.shelf else "🟡" if low else "🟢"
    return f"{mark} {full_name(line.product, line.sku, say)} · {say.number(line.shelf)}"


async def offer(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    await show_offer(press, supplier_desk, callback_data.id)


async def show_offer(event: Message | CallbackQuery, desk: SupplierDesk, offer_id: int, said: Safe | None = None) -> None:
    """All about one offer; `said` stands above it."""
    say = desk.speech
    here = await desk.shop.read(insight.offer_page, offer_id=offer_id, telegram_id=desk.who)
    wishes = await desk.shop.read(supply.open_wishes, offer_id=offer_id)
    facts, line = here.line.facts, here.line
    wish = wishes[0] if wishes else None
    text = paragraphs(
        said,
        bold(full_name(line.product, line.sku, say)),
        lines(*[say.say("⛔ {why}", why=say.label(_STOPS[one.why])) for one in here.stops]) if here.stops else say.say("🟢 It sells."),
        lines(
            say.say("Cost: {cost} each", cost=say.price(facts.cost_minor, facts.cost_currency)),
            say.say("Asked for: {cost} each, the shop has not answered yet", cost=say.price(wish.wanted_minor, wish.currency))
            if wish
            else None,
            say.say("Source: {source}", source=say.label(_CLASSES[facts.source_class])),
            say.say("Paper: number {number}", number=facts.document_id) if facts.document_id is not None else None,
        ),
        lines(*_places(say, here)),
        lines(
            say.many(
                "The oldest code on the shelf came in {n} day ago.",
                "The oldest code on the shelf came in {n} days ago.",
                here.age_days,
            )
            if here.age_days is not None
            else None,
            advised(say, here.advice),
        ),
    )
    paused = any(one.why is Stop.PAUSED and one.ref == "supplier" for one in here.stops)
    objected = any(one.why is Stop.TAKEDOWN for one in here.stops)
    rows: list[Row] = [
        [see(say.label("📥 Bring codes"), "upload", offer_id, style="primary"), see(say.label("🧾 Deliveries"), "batches", offer_id)],
        [see(say.label("💱 Change the cost"), "cost", offer_id), see(say.label("🔢 Declare more"), "declare", offer_id)],
        [
            make(say.label("▶️ Sell again"), "resume", offer_id) if paused else see(say.label("⏸ Pause"), "pause", offer_id),
            *([] if objected else [see(say.label("↩️ Take codes back"), "back", offer_id)]),
        ],
        [see(say.label("‹ Back"), "offers", facts.supplier_id), desk.home(facts.supplier_id)],
    ]
    await desk.show(event, text, rows)


_STOPS = {
    Stop.SUSPENDED: N_("It does not sell: your supply is suspended."),
    Stop.PAPER: N_("It does not sell: the paper it rests on has expired. Please send a new one."),
    Stop.TAKEDOWN: N_("It does not sell: a rights-holder objects. The shop looks into it."),
    Stop.SWITCHED_OFF: N_("It does not sell: the shop has switched such goods off."),
    Stop.HIDDEN: N_("It does not sell for a while: it failed too often. It comes back by itself."),
    Stop.QUOTA: N_("It does not sell: its quota is used up."),
    Stop.DATES: N_("It does not sell on these dates."),
    Stop.EXPOSURE: N_("It does not sell: the shop owes you as much as it may. It goes on when you are paid."),
    Stop.APPROVAL: N_("The shop has not looked at it yet."),
    Stop.RATE: N_("It does not sell: there is no exchange rate for its currency at the moment."),
    Stop.LOSS: N_("It does not sell: it costs more than the shop sells it for."),
    Stop.PAUSED: N_("It is paused."),
}

_CLASSES = {
    SourceClass.OWN_STOCK: N_("the merchant's own stock"),
    SourceClass.AUTHORISED: N_("authorised by the brand"),
    SourceClass.CREATOR: N_("from its creator"),
    SourceClass.PURCHASED: N_("bought by the shop"),
    SourceClass.UPSTREAM: N_("delivered by another shop"),
}


def _places(say: Speech, here: OfferPage) -> list[Safe | None]:
    places, facts = here.places, here.line.facts
    declared = None
    if facts.declared is not None:
        many = say.label("as many as are asked for") if facts.declared >= _AS_MANY else say.number(facts.declared)
        declared = say.say("Declared besides: {n}", n=many)
    return [
        say.say("On the shelf: {n}", n=say.number(places["available"])),
        say.say("Held for payments under way: {n}", n=say.number(places["held"])) if places["held"] else None,
        say.say("Being imported: {n}", n=say.number(places["staged"])) if places["staged"] else None,
        say.say("Sold: {n}", n=say.number(places["sold"])),
        say.say("Void: {n}", n=say.number(places["void"])) if places["void"] else None,
        declared,
    ]


def advised(say: Speech, advice: Advice) -> Safe:
    """What to bring and when, in one sentence."""
    bring, days = say.number(advice.bring), say.number(advice.days_left or 0)
    match advice.what:
        case Restock.EMPTY:
            return say.say("📉 Nothing is left, and buyers ask for it. Bring about {bring} now.", bring=bring)
        case Restock.NOW:
            return say.say(
                "📉 At this pace it is empty in {days} days, before your next delivery (about every {lead} days). Bring about {bring} now.",
                days=days,
                lead=advice.lead_days,
                bring=bring,
            )
        case Restock.SOON:
            return say.say("📦 It lasts for {days} days more. Bring about {bring} with your next delivery.", days=days, bring=bring)
        case Restock.ENOUGH:
            return say.say("✅ It lasts for {days} days more; there is nothing to do.", days=days)
        case Restock.SLOW:
            return say.say("🐢 It lasts for {days} days at this pace. Bring no more for now.", days=days)
        case Restock.UNASKED:
            return say.say("Nothing was sold of it in the last two weeks.")


async def batches(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    """What was brought to an offer, and what went back."""
    desk, say = supplier_desk, supplier_desk.speech
    here = await desk.shop.read(insight.offer_page, offer_id=callback_data.id, telegram_id=desk.who)
    told = [
        say.many(
            "📥 {when}: {n} code from {file}",
            "📥 {when}: {n} codes from {file}",
            one.accepted,
            when=say.when(one.made_at),
            file=plain(one.source_name, 60),
        )
        for one in here.batches
    ]
    back = [
        say.many("↩️ {when}: {n} code taken back", "↩️ {when}: {n} codes taken back", one.quantity, when=say.when(one.at))
        for one in here.taken_back
    ]
    text = paragraphs(
        bold(full_name(here.line.product, here.line.sku, say)),
        lines(*told) if told else say.say("Nothing was brought in yet."),
        lines(*back) if back else None,
    )
    await desk.show(press, text, [[see(say.label("‹ Back"), "offer", callback_data.id), desk.home(here.line.facts.supplier_id)]])


# A new offer: category, product, denomination, what the goods are, the paper, the cost


def walk(supplier_id: int, kind: SourceClass | None = None, paper_id: int | None = None) -> str:
    """What the buttons of the walk carry besides the id of what was chosen last."""
    parts = [shortened(supplier_id), *([kind.value[:2]] if kind else []), *([shortened(paper_id)] if paper_id is not None else [])]
    return ".".join(parts)


def walked(arg: str) -> tuple[int, SourceClass | None, int | None]:
    """Supplier, source class and paper that a button carries; raises Gone for what no button of ours says."""
    parts = arg.split(".")
    if not 1 <= len(parts) <= 3 or not all(_SHORT.fullmatch(part) for part in parts):
        raise Gone
    kind = None
    if len(parts) > 1:
        kind = next((one for one in SourceClass if one.value[:2] == parts[1]), None)
        if kind is None:
            raise Gone
    return int(parts[0], 36), kind, int(parts[2], 36) if len(parts) > 2 else None


async def new(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    """The categories of the shop."""
    chosen = await supplier_desk.supplier(callback_data.id)
    await _categories(press, supplier_desk, chosen, None)


async def _walker(desk: SupplierDesk, arg: str) -> tuple[SupplierView, SourceClass | None, int | None]:
    supplier_id, kind, paper_id = walked(arg)
    return await desk.supplier(supplier_id), kind, paper_id


async def new_in_category(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    chosen, _, _ = await _walker(supplier_desk, callback_data.arg)
    await _categories(press, supplier_desk, chosen, callback_data.id, callback_data.page)


async def _categories(press: CallbackQuery, desk: SupplierDesk, chosen: SupplierView, category_id: int | None, page: int = 0) -> None:
    say, arg = desk.speech, walk(chosen.id)
    under = await desk.shop.read(catalog.categories_under, category_id)
    products = [] if category_id is None else await desk.shop.read(catalog.products_in, category_id)
    every = [see(category_name(one, say), "newc", one.id, arg=arg) for one in under]
    every += [see(product_name(one, say), "newp", one.id, arg=arg) for one in products]
    rows: list[Row] = [[one] for one in every[page * PAGE : (page + 1) * PAGE]]
    rows.append(desk.pages("newc", category_id or 0, page, more=len(every) > (page + 1) * PAGE, arg=arg))
    rows.append([see(say.label("‹ Back"), "new", chosen.id) if category_id else desk.home(chosen.id)])
    text = paragraphs(
        bold(say.say("A new offer")),
        say.say("What do you sell? Choose it from what the shop has. Is it not there? Please write to the shop, and they will add it."),
    )
    await desk.show(press, text, rows)


async def new_of_product(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    """The denominations of a product; those that are offered already lead to the offer."""
    desk, say = supplier_desk, supplier_desk.speech
    chosen, _, _ = await _walker(desk, callback_data.arg)
    product = await desk.shop.read(catalog.product, callback_data.id)
    if product is None or product.hidden:
        raise Gone
    skus = await desk.shop.read(catalog.skus_of, [product.id])
    mine = {one.sku_id: one.id for one in await desk.shop.read(supply.offers_with_facts, chosen.id)}
    page = callback_data.page
    rows: list[Row] = []
    for sku in skus[page * PAGE : (page + 1) * PAGE]:
        if sku.id in mine:
            rows.append([see(f"✓ {sku.name_in(say.language)}", "offer", mine[sku.id])])
        else:
            rows.append([see(sku.name_in(say.language), "news", sku.id, arg=callback_data.arg)])
    rows.append(desk.pages("newp", product.id, page, more=len(skus) > (page + 1) * PAGE, arg=callback_data.arg))
    rows.append([see(say.label("‹ Back"), "newc", product.category_id, arg=callback_data.arg)])
    text = paragraphs(bold(product_name(product, say)), say.say("Which denomination? ✓ marks those you offer already."))
    await desk.show(press, text, rows)


async def new_of_sku(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    """What the goods are, when there is a choice."""
    desk, say = supplier_desk, supplier_desk.speech
    chosen, _, _ = await _walker(desk, callback_data.arg)
    await allowed(desk.shop, chosen, callback_data.id, None)
    kinds = await classes_of(desk.shop, chosen)
    if len(kinds) == 1:
        await _paper(press, desk, chosen, callback_data.id, kinds[0])
        return
    rows: list[Row] = [[see(say.label(_CLASSES[kind]), "newk", callback_data.id, arg=walk(chosen.id, kind))] for kind in kinds]
    rows.append([desk.home(chosen.id)])
    await desk.show(press, say.say("What are your goods? Buyers see it, and it must be what your paper says."), rows)


async def new_of_class(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    chosen, kind, _ = await _walker(supplier_desk, callback_data.arg)
    if kind is None or kind not in await classes_of(supplier_desk.shop, chosen):
        raise Gone
    await _paper(press, supplier_desk, chosen, callback_data.id, kind)


async def _paper(press: CallbackQuery, desk: SupplierDesk, chosen: SupplierView, sku_id: int, kind: SourceClass) -> None:
    """The paper that the offer rests on: none is needed, there is one, or it is chosen."""
    say = desk.speech
    if not onboarding.needs_paper(chosen.standing):
        await desk.ask(press, "new.cost", sku_id, walk(chosen.id, kind))
        return
    papers = await papers_of(desk.shop, chosen)
    if not papers:
        raise NoPaper
    if len(papers) == 1:
        await desk.ask(press, "new.cost", sku_id, walk(chosen.id, kind, papers[0].id))
        return
    rows: list[Row] = [[see(f"📄 {paper.scope}", "newd", sku_id, arg=walk(chosen.id, kind, paper.id))] for paper in papers[:20]]
    rows.append([desk.home(chosen.id)])
    await desk.show(press, say.say("Which of your papers do these goods rest on?"), rows)


async def new_on_paper(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    await _walker(supplier_desk, callback_data.arg)
    await supplier_desk.ask(press, "new.cost", callback_data.id, callback_data.arg)


async def _ask_new_cost(desk: SupplierDesk, asked: Asked) -> Safe:
    sku = await desk.shop.read(catalog.sku, asked.id)
    if sku is None:
        raise Gone
    currency = desk.storefront.currency
    return desk.speech.say(
        "What does one <b>{name}</b> cost? Type it in {currency}, such as <i>{example}</i>, or with another currency: <i>{other}</i>",
        name=sku.name_in(desk.speech.language),
        currency=currency,
        example=decimal_text(EXAMPLE_MINOR, currency),
        other="12.50 USD",
    )


async def _take_new_cost(desk: SupplierDesk, message: Message, asked: Asked, text: str) -> None:
    chosen, kind, paper_id = await _walker(desk, asked.arg)
    minor, currency = typed_cost(text, desk.storefront.currency)
    sku = await desk.shop.read(catalog.sku, asked.id)
    if kind is None or kind not in await classes_of(desk.shop, chosen) or sku is None or sku.hidden:
        raise Gone
    await allowed(desk.shop, chosen, asked.id, None)
    if onboarding.needs_paper(chosen.standing):
        # It may have expired since it was chosen, and a button can be made up.
        if paper_id not in {paper.id for paper in await papers_of(desk.shop, chosen)}:
            raise NoPaper
    else:
        paper_id = None
    mine = {one.sku_id: one.id for one in await desk.shop.read(supply.offers_with_facts, chosen.id)}
    if sku.id in mine:
        await show_offer(message, desk, mine[sku.id], desk.speech.say("You offer this already."))
        return
    listed = await desk.shop.write(
        onboarding.list_offer,
        storefront_id=desk.storefront.id,
        supplier_id=chosen.id,
        sku_id=sku.id,
        cost_minor=minor,
        cost_currency=currency,
        source_class=kind,
        document_id=paper_id,
        by=desk.by,
    )
    said = desk.speech.say("✅ Your offer is made. Now bring the codes, and it sells.")
    if listed.waits:
        said = desk.speech.say("✅ Your offer is made. The shop looks at it first; bring the codes meanwhile, and it sells when they have.")
    await show_offer(message, desk, listed.offer.id, said)


QUESTIONS["new.cost"] = Question(_ask_new_cost, _take_new_cost, "home")


# Changing an offer


async def ask_cost(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    await supplier_desk.ask(press, "cost", callback_data.id)


async def _agreed(desk: SupplierDesk, offer_id: int) -> tuple[int, str]:
    """What a code costs as it was agreed, which may be in another currency than it is booked in. Raises NotYours."""
    facts = await desk.shop.read(supply.offer_of_member, offer_id=offer_id, telegram_id=desk.who)
    foreign = await desk.shop.read(supply.foreign_cost, offer_id)
    return (facts.cost_minor, facts.cost_currency) if foreign is None else (foreign.minor, foreign.currency)


async def _ask_cost(desk: SupplierDesk, asked: Asked) -> Safe:
    cost_minor, currency = await _agreed(desk, asked.id)
    return paragraphs(
        desk.speech.say(
            "A code costs {cost} now. What shall it cost? Type it in {currency}, for example <i>{example}</i>",
            cost=desk.speech.price(cost_minor, currency),
            currency=currency,
            example=decimal_text(cost_minor, currency),
        ),
        desk.speech.say(
            "A lower cost holds at once. A higher one goes to the shop, and holds when they agree; what is sold keeps its cost."
        ),
    )


async def _take_cost(desk: SupplierDesk, message: Message, asked: Asked, text: str) -> None:
    cost_minor, agreed = await _agreed(desk, asked.id)
    minor, currency = typed_cost(text, agreed)
    if currency != agreed:
        raise NotACost(text=text[:40], example=decimal_text(cost_minor, agreed), other=agreed)
    wish = await desk.shop.write(
        supply.wish_cost, offer_id=asked.id, telegram_id=desk.who, customer_id=desk.customer.id, cost_minor=minor, by=desk.by
    )
    if wish is None:
        await show_offer(message, desk, asked.id, desk.speech.say("✅ The new cost holds from now on."))
        return
    # By itself: the wish stands in the staff's list also when nobody can be told now.
    await desk.shop.write(
        payments.tell_staff, storefront_id=desk.storefront.id, body={"says": "cost-wish", "wish": wish.id}, once=f"cost-wish-made:{wish.id}"
    )
    await show_offer(
        message, desk, asked.id, desk.speech.say("The shop is asked, and you are told what they say. Until then the old cost holds.")
    )


QUESTIONS["cost"] = Question(_ask_cost, _take_cost, "offer")


async def ask_declared(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    await supplier_desk.ask(press, "declare", callback_data.id)


async def _ask_declared(desk: SupplierDesk, asked: Asked) -> Safe:
    await desk.shop.read(supply.offer_of_member, offer_id=asked.id, telegram_id=desk.who)
    return desk.speech.say(
        "How many can you deliver besides what is on the shelf? Type a number, for example <i>200</i>, or {nothing} for none. "
        "What you declare is sold, and you must deliver it.",
        nothing=NOTHING,
    )


async def _take_declared(desk: SupplierDesk, message: Message, asked: Asked, text: str) -> None:
    quantity = None if text == NOTHING else number_between(text, 0, 1_000_000)
    await desk.shop.write(supply.declare_own, offer_id=asked.id, telegram_id=desk.who, quantity=quantity, by=desk.by)
    await show_offer(message, desk, asked.id, desk.speech.say("✅ Noted."))


QUESTIONS["declare"] = Question(_ask_declared, _take_declared, "offer")


async def confirm_pause(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    desk, say = supplier_desk, supplier_desk.speech
    await desk.shop.read(supply.offer_of_member, offer_id=callback_data.id, telegram_id=desk.who)
    text = say.say("A paused offer is not sold until you let it sell again. Its codes stay where they are.")
    await desk.show(
        press, text, [[make(say.label("⏸ Pause"), "pause", callback_data.id), see(say.label("Cancel"), "offer", callback_data.id)]]
    )


async def pause(press: CallbackQuery, callback_data: Make, supplier_desk: SupplierDesk) -> None:
    await supplier_desk.shop.write(
        supply.pause_own, offer_id=callback_data.id, telegram_id=supplier_desk.who, paused=True, by=supplier_desk.by
    )
    await show_offer(press, supplier_desk, callback_data.id)


async def resume(press: CallbackQuery, callback_data: Make, supplier_desk: SupplierDesk) -> None:
    await supplier_desk.shop.write(
        supply.pause_own, offer_id=callback_data.id, telegram_id=supplier_desk.who, paused=False, by=supplier_desk.by
    )
    await show_offer(press, supplier_desk, callback_data.id)


async def ask_back(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    await supplier_desk.ask(press, "back", callback_data.id)


async def _ask_back(desk: SupplierDesk, asked: Asked) -> Safe:
    here = await desk.shop.read(insight.offer_page, offer_id=asked.id, telegram_id=desk.who)
    return desk.speech.say(
        "{left} unsold codes of <b>{name}</b> are on the shelf. How many do you take back? Type a number, at most {most}. "
        "They leave the shop for good and come to you here as one file, once; the newest go first.",
        left=desk.speech.number(here.places["available"]),
        name=full_name(here.line.product, here.line.sku, desk.speech),
        most=desk.speech.number(inventory.MOST_BACK),
    )


async def _take_back(desk: SupplierDesk, message: Message, asked: Asked, text: str) -> None:
    quantity = number_between(text, 1, inventory.MOST_BACK)
    taken = await desk.shop.write(
        supply.take_stock_back, offer_id=asked.id, telegram_id=desk.who, customer_id=desk.customer.id, quantity=quantity, by=desk.by
    )
    said = desk.speech.many(
        "↩️ {n} code is off the shelf. The file is your next message; keep it well, it comes once.",
        "↩️ {n} codes are off the shelf. The file is your next message; keep it well, it comes once.",
        taken.quantity,
    )
    await show_offer(message, desk, asked.id, said)


QUESTIONS["back"] = Question(_ask_back, _take_back, "offer")
