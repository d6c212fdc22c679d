"""Complaints of rights-holders: registered step by step, decided once, and kept with everything that was said about them."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.exceptions import TelegramAPIError
from aiogram.types import BufferedInputFile, CallbackQuery, Message

from core import catalog, standing, supply
from core.catalog import Gone
from core.errors import N_
from core.standing import StepView, TakedownOf, TakedownState, TakedownView
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Desk, Do, Go, NotFound, Question, ask, do, go, number_between, short_enough
from handlers.pieces import Row, bold, full_name, lines, paragraphs, plain, titled
from locales import NN_, Safe, Speech
from locales.initials import folded

_EVIDENCE = 3000
_SHOWN = 8  # steps of a trail on the screen; all of it is in the document
_HIGHEST = 10**15
_STOPS = NN_("This stops {n} offer at once.", "This stops {n} offers at once.")

STATES = {
    TakedownState.OPEN: N_("🔴 open"),
    TakedownState.UPHELD: N_("⛔ upheld"),
    TakedownState.REJECTED: N_("✅ rejected"),
}
DID = {
    "registered": N_("registered"),
    "added": N_("added"),
    "upheld": N_("upheld"),
    "rejected": N_("rejected"),
    "voided": N_("unsold codes are void"),
}


def router() -> Router:
    made = Router(name="admin-takedowns")
    made.callback_query.register(listed, Go.filter(F.to == "takedowns"))
    made.callback_query.register(looked_at, Go.filter(F.to == "takedown"))
    made.callback_query.register(begin, Go.filter(F.to == "td-new"))
    made.callback_query.register(denominations, Go.filter(F.to == "td-skus"))
    made.callback_query.register(export, Do.filter(F.act == "td-export"))
    return made


# Looking


async def listed(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Complaints, open ones first."""
    say, page = desk.speech, callback_data.page
    found = await desk.shop.read(standing.takedowns, offset=page * PAGE, limit=PAGE + 1)
    rows: list[Row] = [[go(f"{say.label(STATES[one.state])} · {one.who} · {one.reference}", "takedown", one.id)] for one in found[:PAGE]]
    rows.append([go(say.label("⚖️ New complaint"), "td-new", style="primary")])
    rows.append(desk.pages("takedowns", 0, page, more=len(found) > PAGE))
    rows.append(desk.back("supply"))
    text = paragraphs(
        bold(say.label("Complaints of rights-holders")),
        say.say("While one is open, nothing it is about sells or is listed, and its money is not paid out."),
        None if found else say.say("There are none yet."),
    )
    await desk.show(press, text, rows)


async def _of(desk: Desk, takedown_id: int) -> TakedownView:
    found = await desk.shop.read(standing.takedown, takedown_id)
    if found is None:
        raise Gone
    return found


async def looked_at(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_takedown(press, desk, callback_data.id)


async def show_takedown(event: Message | CallbackQuery, desk: Desk, takedown_id: int) -> None:
    """One complaint with the newest of its trail, and what can be decided."""
    say, found = desk.speech, await _of(desk, takedown_id)
    text = paragraphs(
        bold(say.label("Complaint {id}", id=found.id)),
        lines(
            say.say("State: {state}", state=say.label(STATES[found.state])),
            say.say("By: {who}", who=found.who),
            say.say("Reference: {reference}", reference=found.reference),
            say.say("About: {what}", what=await about(desk, found.of, found.of_id, found.brand)),
            say.many("{n} offer is stopped by it", "{n} offers are stopped by it", len(found.offer_ids)),
            say.many("{n} unsold code became void", "{n} unsold codes became void", found.voided) if found.voided else None,
        ),
        lines(*(_line(say, step) for step in found.steps[-_SHOWN:])),
    )
    rows: list[Row] = [[ask(say.label("📝 Add to it"), "takedown.add", found.id), do(say.label("💾 As a file"), "td-export", found.id)]]
    if found.state is TakedownState.OPEN:
        rows.append(
            [
                ask(say.label("⛔ Uphold"), "takedown.uphold", found.id, style="danger"),
                ask(say.label("✅ Reject"), "takedown.reject", found.id, style="success"),
            ]
        )
    rows.append(desk.back("takedowns"))
    await desk.show(event, text, rows)


def _line(say: Speech, step: StepView) -> Safe:
    head = say.say("• {when}, {did}", when=say.when(step.at), did=say.label(DID.get(step.did, step.did)))
    return lines(head, plain(step.said, 300) if step.said else None)


async def about(desk: Desk, of: TakedownOf, of_id: int, brand: str) -> str:
    """What a complaint is about, by its name."""
    say = desk.speech
    if of is TakedownOf.BRAND:
        return say.label("the brand {brand}", brand=brand)
    if of is TakedownOf.SUPPLIER:
        supplier = await desk.shop.read(supply.supplier, of_id)
        return say.label("the supplier {name}", name=supplier.name) if supplier is not None else f"{of_id}"
    if of is TakedownOf.OFFER:
        places = await desk.shop.read(supply.places_of, [of_id])
        if not places:
            return f"{of_id}"
        supplier = await desk.shop.read(supply.supplier, places[0].supplier_id)
        name = await _sku_name(desk, places[0].sku_id)
        return say.label("offer {id}: {name} of {supplier}", id=of_id, name=name, supplier=supplier.name if supplier is not None else "–")
    if of is TakedownOf.SKU:
        return await _sku_name(desk, of_id)
    product = await desk.shop.read(catalog.product, of_id)
    return titled(product.icon, product.name) if product is not None else f"{of_id}"


async def _sku_name(desk: Desk, sku_id: int) -> str:
    sku = await desk.shop.read(catalog.sku, sku_id)
    product = None if sku is None else await desk.shop.read(catalog.product, sku.product_id)
    return f"{sku_id}" if sku is None or product is None else full_name(product, sku, desk.speech)


async def export(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """The whole trail as a text file."""
    say, found = desk.speech, await _of(desk, callback_data.id)
    content = "\n".join(
        [
            say.label("Complaint {id}", id=found.id),
            say.label("State: {state}", state=say.label(STATES[found.state])),
            say.label("By: {who}", who=found.who),
            say.label("Reference: {reference}", reference=found.reference),
            say.label("About: {what}", what=await about(desk, found.of, found.of_id, found.brand)),
            say.label("Offers: {ids}", ids=", ".join(map(str, found.offer_ids)) or "–"),
            "",
            *(f"{step.at.isoformat(timespec='seconds')} {step.by} {step.did}\n{step.said}\n" for step in found.steps),
        ]
    )
    await press.answer()
    if press.message is None:
        return
    file = BufferedInputFile(content.encode("utf-8"), f"complaint-{found.id}.txt")
    try:
        await desk.bot.send_document(press.message.chat.id, file)
    except TelegramAPIError:
        await desk.show(
            press, say.say("Telegram did not take the file. Please press the button again in a minute."), [desk.back("takedowns")]
        )


# Registering


async def begin(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """What the complaint is about; from a supplier's screen that is known."""
    say = desk.speech
    rows: list[Row] = []
    if callback_data.arg == TakedownOf.SUPPLIER.value:
        rows.append([ask(say.label("All of this supplier"), "takedown.file", callback_data.id, arg=TakedownOf.SUPPLIER.value)])
        offers = await desk.shop.read(supply.offers_of, callback_data.id)
        page = callback_data.page
        for place in await desk.shop.read(supply.places_of, offers[page * PAGE : (page + 1) * PAGE]):
            name = await _sku_name(desk, place.sku_id)
            rows.append([ask(say.label("Only {name}", name=name), "takedown.file", place.id, arg=TakedownOf.OFFER.value)])
        rows.append(desk.pages("td-new", callback_data.id, page, more=len(offers) > (page + 1) * PAGE, arg=callback_data.arg))
        rows.append(desk.back("supplier", callback_data.id))
    else:
        rows.append([ask(say.label("™️ A brand"), "takedown.brand"), ask(say.label("🎁 A product"), "takedown.goods")])
        rows.append([go(say.label("🏭 A supplier"), "suppliers")])
        rows.append([ask(say.label("🏷 An offer, by number"), "takedown.offer")])
        rows.append(desk.back("takedowns"))
    await desk.show(press, say.say("What is the complaint about?"), rows)


async def _ask_brand(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type the brand. Every product with it in its name is stopped, for example: <i>Steam</i>.")


async def _take_brand(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await desk.ask(message, "takedown.file", 0, f"{TakedownOf.BRAND.value}.{short_enough(text, 100)}")


async def _ask_goods(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type a part of the name of the product, for example: <i>steam</i>.")


async def _take_goods(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    found = await desk.shop.read(catalog.search_products, folded(text), limit=PAGE)
    if not found:
        raise NotFound(text=text[:40])
    rows: list[Row] = [[go(titled(one.icon, one.name), "td-skus", one.id)] for one in found]
    rows.append(desk.back("td-new"))
    await desk.show(message, desk.speech.say("Which of these is it about?"), rows)


async def denominations(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """All of a product, or one of its denominations."""
    say, page = desk.speech, callback_data.page
    product = await desk.shop.read(catalog.product, callback_data.id)
    if product is None:
        raise Gone
    skus = await desk.shop.read(catalog.skus_of, [product.id], hidden_too=True)
    rows: list[Row] = [[ask(say.label("All of it"), "takedown.file", product.id, arg=TakedownOf.PRODUCT.value)]]
    rows += [[ask(sku.name, "takedown.file", sku.id, arg=TakedownOf.SKU.value)] for sku in skus[page * PAGE : (page + 1) * PAGE]]
    rows.append(desk.pages("td-skus", product.id, page, more=len(skus) > (page + 1) * PAGE))
    rows.append(desk.back("td-new"))
    await desk.show(press, say.say("Which of “{name}” is it about?", name=product.name), rows)


async def _ask_offer(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type the number of the offer, for example: <i>12</i>.")


async def _take_offer(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    offer_id = number_between(text, 1, _HIGHEST)
    if not await desk.shop.read(supply.places_of, [offer_id]):
        raise NotFound(text=text[:40])
    await desk.ask(message, "takedown.file", offer_id, TakedownOf.OFFER.value)


def _target(asked: Asked) -> tuple[TakedownOf, str]:
    """What a question is about: `brand.Steam`, or `product`; raises Gone."""
    name, _, brand = asked.arg.partition(".")
    if name not in {one.value for one in TakedownOf} or (name == TakedownOf.BRAND.value) != bool(brand):
        raise Gone
    return TakedownOf(name), brand


async def _ask_file(desk: Desk, asked: Asked) -> Safe:
    say, (of, brand) = desk.speech, _target(asked)
    count = await desk.shop.read(standing.about_how_many, of=of, of_id=asked.id, brand=brand)
    return paragraphs(
        say.say("A complaint about {what}.", what=bold(await about(desk, of, asked.id, brand))),
        say.many(*_STOPS, count),
        say.say(
            "Type at least three lines: who complains, their reference, and what they say. For example:\n<code>{example}</code>",
            example="Valve Corporation\nDMCA-2026-118\nThese codes were bought with stolen cards.",
        ),
    )


async def _take_file(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    of, brand = _target(asked)
    who, _, rest = text.partition("\n")
    reference, _, evidence = rest.partition("\n")
    if not (who.strip() and reference.strip() and evidence.strip()):
        raise standing.IncompleteComplaint
    number = await desk.shop.write(
        standing.register_takedown,
        of=of,
        of_id=asked.id,
        brand=brand,
        who=short_enough(who.strip(), 200),
        reference=short_enough(reference.strip(), 200),
        evidence=short_enough(evidence.strip(), _EVIDENCE),
        by=desk.by,
    )
    await show_takedown(message, desk, number)


QUESTIONS["takedown.brand"] = Question(_ask_brand, _take_brand, "td-new")
QUESTIONS["takedown.goods"] = Question(_ask_goods, _take_goods, "td-new")
QUESTIONS["takedown.offer"] = Question(_ask_offer, _take_offer, "td-new")
QUESTIONS["takedown.file"] = Question(_ask_file, _take_file, "takedowns")


# Deciding


async def _ask_add(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(
        "Type what is to be kept with complaint {id}: an answer of the supplier, a letter, what you have found.", id=asked.id
    )


async def _take_add(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await desk.shop.write(standing.add_to_takedown, takedown_id=asked.id, said=short_enough(text, _EVIDENCE), by=desk.by)
    await show_takedown(message, desk, asked.id)


def _decision(upheld: bool, sentence: str) -> Question:
    async def says(desk: Desk, asked: Asked) -> Safe:
        found = await _of(desk, asked.id)
        return paragraphs(
            desk.speech.say(sentence, id=found.id, n=desk.speech.number(len(found.offer_ids))),
            desk.speech.say("Please type the reason in one line."),
        )

    async def take(desk: Desk, message: Message, asked: Asked, text: str) -> None:
        reason = short_enough(text, _EVIDENCE)
        done = await desk.shop.write(standing.decide_takedown, takedown_id=asked.id, upheld=upheld, reason=reason, by=desk.by)
        if not done:
            await desk.show(message, desk.speech.say("This was decided already."), [desk.back("takedown", asked.id)])
            return
        await show_takedown(message, desk, asked.id)

    return Question(says, take, "takedown")


QUESTIONS["takedown.add"] = Question(_ask_add, _take_add, "takedown")
QUESTIONS["takedown.uphold"] = _decision(
    True, N_("Uphold complaint {id}? Its offers ({n}) are withdrawn for good, and their unsold codes become void.")
)
QUESTIONS["takedown.reject"] = _decision(False, N_("Reject complaint {id}? Its offers ({n}) sell again, unless something else stops them."))
