"""The offers of a denomination as the staff see them: each source with its cost, stock and reasons, approved, paused or withdrawn."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import catalog, onboarding, pricing, rates, supply
from core.catalog import Gone, SkuView
from core.database import Shop
from core.errors import N_
from core.supply import ForeignView, OfferView, QuotaView, Stop, StopView
from handlers.admin.desk import PAGE, Desk, Do, Go, ask, do, go
from handlers.buy import CLASSES
from handlers.notes import Note, Said
from handlers.pieces import Row, bold, clipped, face_value, full_name, keyboard, lines, paragraphs
from locales import Safe, Speech

STOPS = {
    Stop.SUSPENDED: N_("its supplier is suspended"),
    Stop.PAPER: N_("the paper it rests on has expired"),
    Stop.TAKEDOWN: N_("a rights-holder objects"),
    Stop.SWITCHED_OFF: N_("it is switched off"),
    Stop.HIDDEN: N_("its source failed too often"),
    Stop.QUOTA: N_("its quota is used up or has ended"),
    Stop.DATES: N_("it is outside its dates"),
    Stop.EXPOSURE: N_("we owe its supplier as much as we want to"),
    Stop.APPROVAL: N_("you have not approved it yet"),
    Stop.PAUSED: N_("it is paused"),
    Stop.RATE: N_("its cost is agreed in a currency that has no rate"),
    Stop.LOSS: N_("it costs more than it sells for"),
}
_BANDS = {
    "cost>wholesale": N_("⚠️ The dearest source costs more than the wholesale price: each sale to a reseller from it is a loss."),
    "cost>retail": N_("⚠️ The dearest source costs more than the price: each sale from it is a loss."),
    "cost>face": N_("⚠️ The dearest source costs more than the face value."),
    "wholesale>retail": N_("⚠️ The wholesale price is above the usual price, so resellers pay the usual one."),
    "wholesale>face": N_("⚠️ The wholesale price is above the face value."),
    "retail>face": N_("⚠️ The price is above the face value: buyers pay more than the card is worth."),
}


def router() -> Router:
    made = Router(name="admin-offers")
    looks: dict[str, Callable[..., Any]] = {"offers": offers, "offer": offer, "offer-drop": before_withdrawing}
    for to, screen in looks.items():
        made.callback_query.register(screen, Go.filter(F.to == to))
    acts: dict[str, Callable[..., Any]] = {"of-ok": approve, "of-pause": pause, "of-resume": resume, "of-drop": withdraw}
    for act, change in acts.items():
        made.callback_query.register(change, Do.filter(F.act == act))
    return made


# Looking


async def named(desk: Desk, sku_id: int) -> tuple[SkuView, str]:
    """A denomination and its name with its product's; raises Gone."""
    return await name_of(desk.shop, desk.speech, sku_id)


async def name_of(shop: Shop, say: Speech, sku_id: int) -> tuple[SkuView, str]:
    sku = await shop.read(catalog.sku, sku_id)
    product = None if sku is None else await shop.read(catalog.product, sku.product_id)
    if sku is None or product is None:
        raise Gone
    return sku, full_name(product, sku, say)


async def offers(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    if callback_data.id:
        await show_offers(press, desk, callback_data.id, callback_data.page)
    else:
        await _denominations(press, desk, callback_data.page)


async def _denominations(press: CallbackQuery, desk: Desk, page: int) -> None:
    """Every denomination, to look at its offers."""
    say = desk.speech
    skus = await desk.shop.read(catalog.all_skus, hidden_too=True)
    shown = skus[page * PAGE : (page + 1) * PAGE]
    rows: list[Row] = []
    for sku in shown:
        _, name = await named(desk, sku.id)
        rows.append([go(name, "offers", sku.id)])
    rows.append(desk.pages("offers", 0, page, more=len(skus) > (page + 1) * PAGE))
    rows.append(desk.back("supply"))
    text = say.say("Of which denomination?") if shown else say.say("There is no denomination yet.")
    await desk.show(press, paragraphs(bold(say.label("🏷 Offers")), text), rows)


async def show_offers(event: Message | CallbackQuery, desk: Desk, sku_id: int, page: int = 0) -> None:
    """The offers of a denomination in the order in which the sale draws from them, a page of them."""
    say = desk.speech
    sku, name = await named(desk, sku_id)
    every = await desk.shop.read(supply.offer_views, sku_id=sku_id)
    views = every[page * PAGE : (page + 1) * PAGE]
    price = (await desk.shop.read(pricing.current, storefront_id=desk.storefront.id, sku_ids=[sku_id])).get(sku_id)
    text = paragraphs(
        bold(name),
        lines(*_prices(say, sku, price), *[say.say(_BANDS[band]) for band in await _bands(desk, sku_id)]),
        *[_in_short(say, view, price) for view in views],
        None if every else say.say("Nobody offers it yet."),
    )
    rows: list[Row] = [[go(f"{view.rank or '–'} · {clipped(view.supplier_name, 40)}", "offer", view.id)] for view in views]
    rows.append(desk.pages("offers", sku_id, page, more=len(every) > (page + 1) * PAGE))
    rows.append([go(say.label("➕ New offer"), "offer-by", sku_id), go(say.label("📈 Price history"), "price-hist", sku_id)])
    rows.append(desk.back("sku", sku_id))
    await desk.show(event, text, rows)


async def _bands(desk: Desk, sku_id: int) -> list[str]:
    return await desk.shop.read(supply.bands, storefront_id=desk.storefront.id, sku_id=sku_id)


def _prices(say: Speech, sku: SkuView, price: pricing.Price | None) -> list[Safe]:
    """Face value, price and wholesale price, each by itself."""
    worth = face_value(sku, say)
    told = [say.say("Face value: {worth}", worth=worth)] if worth else []
    if price is None:
        return [*told, say.say("It has no price, so nobody can buy it yet.")]
    told.append(say.say("Price: {price}", price=say.price(price.retail_minor, price.currency)))
    if price.wholesale_minor is not None:
        told.append(say.say("Wholesale: {price}", price=say.price(price.wholesale_minor, price.currency)))
    return told


def _margin(say: Speech, view: OfferView, price: pricing.Price | None) -> str | None:
    """What is left of the price, when both are in one currency."""
    if price is None or price.currency != view.cost_currency:
        return None
    return say.percent(Decimal(supply.margin_bp(price.retail_minor, view.cost_minor)) / 10_000)


def _in_short(say: Speech, view: OfferView, price: pricing.Price | None) -> Safe:
    margin = _margin(say, view, price)
    facts = {"cost": say.price(view.cost_minor, view.cost_currency), "stock": _stock(say, view)}
    return lines(
        Safe(f"{view.rank or '–'}. ") + bold(view.supplier_name),
        say.say("Cost {cost}, margin {margin} · {stock}", margin=margin, **facts) if margin else say.say("Cost {cost} · {stock}", **facts),
        _why_not(say, view),
    )


def _stock(say: Speech, view: OfferView) -> str:
    on_shelf = say.label("{n} in stock", n=say.number(view.on_shelf))
    if view.declared is None:
        return on_shelf
    if view.declared >= supply.MOST_UNITS:
        return say.label("{stock}, and as many as one likes", stock=on_shelf)
    return say.label("{stock}, {n} declared", stock=on_shelf, n=say.number(view.declared))


def _why_not(say: Speech, view: OfferView) -> Safe | None:
    """Why it does not sell, in words; None when it does."""
    if view.withdrawn_at is not None:
        return say.say("⏹ Withdrawn.")
    if not view.stops:
        return None
    return say.say("⏸ Does not sell: {reasons}.", reasons=say.listing([_reason(say, found) for found in view.stops]))


def _reason(say: Speech, found: StopView) -> str:
    word = say.label(STOPS[found.why])
    return say.label("{reason} (until {when})", reason=word, when=say.when(found.until)) if found.until else word


async def offer(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_offer(press, desk, callback_data.id)


async def offer_of(desk: Desk, offer_id: int) -> OfferView:
    """An offer; raises Gone."""
    view = await desk.shop.read(supply.offer_view, offer_id)
    if view is None:
        raise Gone
    return view


async def show_offer(event: Message | CallbackQuery, desk: Desk, offer_id: int) -> None:
    say, view = desk.speech, await offer_of(desk, offer_id)
    _, name = await named(desk, view.sku_id)
    price = (await desk.shop.read(pricing.current, storefront_id=desk.storefront.id, sku_ids=[view.sku_id])).get(view.sku_id)
    steady = await desk.shop.read(supply.stability_of, offer_id)
    text = paragraphs(
        bold(f"{view.supplier_name} › {name}"),
        lines(
            say.say("Class: {word}", word=say.label(CLASSES[view.source_class])),
            say.say("The goods are ours: a sale owes nobody anything.")
            if view.owned
            else say.say("The goods are consigned: each sale credits the supplier with the cost."),
            _why_not(say, view) or say.say("▶️ Sells, at place {rank}.", rank=view.rank or "–"),
        ),
        lines(
            say.say("Cost: {cost}", cost=say.price(view.cost_minor, view.cost_currency)),
            _agreed_abroad(say, await desk.shop.read(supply.foreign_cost, view.id), view.cost_currency),
            *[
                say.say("From {when} on: {cost}", when=say.when(cost.from_at), cost=say.price(cost.cost_minor, cost.currency))
                for cost in view.waiting_costs
            ],
            say.say("Margin: {margin}", margin=margin) if (margin := _margin(say, view, price)) else None,
            say.say("Stock: {stock}", stock=_stock(say, view)),
            quota_line(say, view.quota) if view.quota else None,
        ),
        lines(*_facts(say, view)),
        say.say("Stability: {score} of 100", score=say.number(steady)) if steady is not None else say.say("Stability: a new source"),
    )
    await desk.show(event, text, _offer_rows(say, view, desk))


def _agreed_abroad(say: Speech, foreign: ForeignView | None, sale: str) -> Safe | None:
    """What was agreed in another currency, and the rate at which it is booked, our buffer in it."""
    if foreign is None:
        return None
    worth = Context(prec=6).divide(*map(Decimal, rates.in_whole(foreign.rate, foreign.currency, sale).as_integer_ratio()))
    return say.say(
        "Agreed: {cost}, booked at {rate}",
        cost=say.price(foreign.minor, foreign.currency),
        rate=f"1 {foreign.currency} = {worth.normalize():f} {sale}",
    )


def _facts(say: Speech, view: OfferView) -> list[Safe]:
    """What is said of an offer besides its cost, as far as it is said."""
    return [
        told
        for told in (
            say.say("From {n} in one order on", n=say.number(view.min_quantity)) if view.min_quantity else None,
            say.say("Up to {n} in one order", n=say.number(view.max_quantity)) if view.max_quantity else None,
            say.say("Only for buyers in: {region}", region=say.region(view.region)) if view.region else None,
            say.say("Valid from: {when}", when=say.when(view.valid_from)) if view.valid_from else None,
            say.say("Valid until: {when}", when=say.when(view.valid_until)) if view.valid_until else None,
            say.say("Drawn before all others until: {when}", when=say.when(view.exclusive_until)) if view.exclusive_until else None,
            say.say("Priority: {n}", n=say.number(view.priority)) if view.priority else None,
            say.many("Warranty: {n} hour", "Warranty: {n} hours", view.warranty_hours) if view.warranty_hours else None,
            say.say("Rests on document {n}", n=view.document_id) if view.document_id else None,
            say.say("Contract {n}", n=view.contract_id) if view.contract_id else None,
        )
        if told
    ]


def _offer_rows(say: Speech, view: OfferView, desk: Desk) -> list[Row]:
    back: Row = [go(say.label("‹ Back"), "offers", view.sku_id), desk.home()]
    if view.withdrawn_at is not None:
        return [[go(say.label("Costs"), "offer-costs", view.id)], back]
    paused = any(found.why is Stop.PAUSED for found in view.stops)
    pausing = do(say.label("▶️ Resume"), "of-resume", view.id, style="success") if paused else do(say.label("⏸ Pause"), "of-pause", view.id)
    quota_row = go(say.label("Quota"), "quota", view.quota.id) if view.quota else go(say.label("Put under a quota"), "offer-quota", view.id)
    waits = any(found.why is Stop.APPROVAL for found in view.stops)
    return [
        [do(say.label("✅ Approve"), "of-ok", view.id, style="success")] if waits else [],
        [ask(say.label("Cost"), "offer.cost", view.id), go(say.label("Costs"), "offer-costs", view.id)],
        [ask(say.label("Declared stock"), "offer.stock", view.id), quota_row],
        [ask(say.label("Smallest order"), "offer.min", view.id), ask(say.label("Largest order"), "offer.max", view.id)],
        [ask(say.label("Country of buyers"), "offer.land", view.id), ask(say.label("Warranty"), "offer.warr", view.id)],
        [ask(say.label("First day"), "offer.from", view.id), ask(say.label("Last day"), "offer.until", view.id)],
        [ask(say.label("Priority"), "offer.prio", view.id), ask(say.label("Exclusive until"), "offer.excl", view.id)],
        [go(say.label("What it rests on"), "offer-what", view.id), go(say.label("📜 Contract"), "con-offer", view.id)],
        [go(say.label("🤝 Commitments"), "commits", view.id)],
        [pausing, go(say.label("⏹ Withdraw"), "offer-drop", view.id, style="danger")],
        back,
    ]


def quota_line(say: Speech, found: QuotaView) -> Safe:
    return say.say(
        "Quota {id}: {left} of {total} face value left, {off} off",
        id=found.id,
        left=say.price(found.left_minor, found.currency),
        total=say.price(found.face_total_minor, found.currency),
        off=say.percent(Decimal(found.discount_bp) / 10_000),
    )


# Pausing and withdrawing


async def approve(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """A new offer of a supplier whose standing asks for a look."""
    if not await desk.shop.write(onboarding.approve_offer, offer_id=callback_data.id, by=desk.by):
        await press.answer(desk.speech.label("It did not wait for you any more."), show_alert=True)
    await show_offer(press, desk, callback_data.id)


async def offer_waits(note: Note) -> Said:
    """To the staff: a supplier has made an offer that sells when they have looked at it."""
    speech, view = note.speech, await note.shop.read(supply.offer_view, int(note.body["offer"]))
    if view is None or view.withdrawn_at is not None:
        return speech.say("An offer that waited for you is gone."), None
    _, name = await name_of(note.shop, speech, view.sku_id)
    said = speech.say(
        "🏷 {supplier} offers {name} at {cost}. It sells when you have approved it.",
        supplier=bold(view.supplier_name),
        name=bold(name),
        cost=speech.price(view.cost_minor, view.cost_currency),
    )
    rows = [[do(speech.label("✅ Approve"), "of-ok", view.id, style="success"), go(speech.label("Open the offer"), "offer", view.id)]]
    return said, keyboard(rows)


async def pause(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(supply.pause_offer, offer_id=callback_data.id, by=desk.by)
    await show_offer(press, desk, callback_data.id)


async def resume(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(supply.resume_offer, offer_id=callback_data.id, by=desk.by)
    await show_offer(press, desk, callback_data.id)


async def before_withdrawing(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say, view = desk.speech, await offer_of(desk, callback_data.id)
    text = paragraphs(
        bold(view.supplier_name),
        say.many(
            "Withdraw this offer? {n} code on its shelf will not be sold any more.",
            "Withdraw this offer? {n} codes on its shelf will not be sold any more.",
            view.on_shelf,
        ),
    )
    rows = [[do(say.label("⏹ Withdraw"), "of-drop", view.id, style="danger")], [go(say.label("Cancel"), "offer", view.id)]]
    await desk.show(press, text, rows)


async def withdraw(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(supply.withdraw_offer, offer_id=callback_data.id, by=desk.by)
    await show_offer(press, desk, callback_data.id)
