"""What the shop writes of its own accord: one table of what there is to say, and the news with their button."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import isawaitable
from typing import Any

from aiogram import Router
from aiogram.types import CallbackQuery, InaccessibleMessage, InlineKeyboardMarkup

from core import catalog, payments, people, showcase, supply
from core.catalog import Gone
from core.database import Shop
from core.people import Customer
from core.storefronts import Storefront
from handlers import (
    brand_words,
    callbacks,
    cases,
    commitment_words,
    memberships,
    notes_of_control,
    notes_of_credit,
    notes_of_money,
    notes_on_the_way,
    notes_to_staff,
    package_words,
    paying,
    service,
    tasks,
)
from handlers.admin import applications, kinds, margins, renewals, reseller_cards, reviews, upstreams
from handlers.admin import batches as desk_of_batches
from handlers.admin import cases as desk_of_cases
from handlers.admin import offers as desk_of_offers
from handlers.admin import payouts as desk_of_payouts
from handlers.admin import rates as desk_of_rates
from handlers.admin import resellers as desk_of_resellers
from handlers.conversation import conversation
from handlers.notes import Note, Said, Wording
from handlers.pieces import bold, button, full_name, keyboard, lines, paragraphs, plain
from handlers.reseller import api as reseller_api
from handlers.reseller import home as reseller_home
from handlers.reseller import limits as limits_of_reseller
from handlers.supply import another_paper, earnings
from handlers.supply import papers as supply_papers
from handlers.supply import start as supply_start
from handlers.supply.desk import see
from locales import Safe, Speech

MOST_CHANGES = 15  # of prices in one message


class UnknownNotice(ValueError):
    """Nobody has written down how to say this; the name is in the message."""


async def notice(body: Mapping[str, Any], speech: Speech, *, shop: Shop, storefront: Storefront) -> Said:
    """The text and the buttons of an outbox message that is not a delivery; raises UnknownNotice."""
    wording = SAYS.get(str(body.get("says")))
    if wording is None:
        raise UnknownNotice(f"no words for the notice {body.get('says')!r}")
    said = wording(Note(body, speech, shop, storefront))
    return await said if isawaitable(said) else said


async def payment(note: Note) -> Said:
    """How to pay, for a payer whose screen could not be turned into it."""
    intent = await note.shop.read(payments.intent, int(note.body["intent"]))
    assert intent is not None, "what was asked is never deleted"
    return await paying.drawn(note.shop, intent, note.speech)


async def of_case(note: Note) -> Said:
    """To the buyer: the shop has answered, waits for an answer, or has decided."""
    return await cases.noticed(note.body, note.speech, note.shop)


async def case_for_staff(note: Note) -> Said:
    """To the staff: a case is new, has more, is overdue, or was withdrawn."""
    return await desk_of_cases.alerted(note.body, note.speech, note.shop)


async def held_order(note: Note) -> Said:
    """To the staff: a paid order waits for them to look at its payment."""
    return await reviews.held_order(note.body, note.speech, note.shop)


async def disputed(note: Note) -> Said:
    """To the staff: the payer's bank wants the money back."""
    return await reviews.disputed(note.body, note.speech, note.shop)


async def part_back(note: Note) -> Said:
    """To the staff: a part of a payment went back without our asking."""
    return await reviews.part_back(note.body, note.speech)


async def of_rates(note: Note) -> Said:
    """To the staff: a rate is missing, too old, or has jumped."""
    return await desk_of_rates.alerted(note.body, note.speech, note.shop)


async def restocked(note: Note) -> Said:
    """Something the buyer waited for is back, or has left the shop."""
    sku_id, speech, shop, storefront = int(note.body["sku"]), note.speech, note.shop, note.storefront
    to_shop = button(speech.label("🛍 To the shop"), callbacks.Home(fresh=True))
    try:
        # A notice from before the last version names nobody, and tells the usual price.
        buyer: Customer | None = None
        if "customer" in note.body:
            buyer = await shop.read(people.by_id, int(note.body["customer"]))
        product, found = await shop.read(showcase.denomination, storefront_id=storefront.id, sku_id=sku_id, buyer=buyer)
    except Gone:
        return speech.say("Something you were waiting for came back, but it has left the shop since."), keyboard([[to_shop]])
    price = speech.price(found.price.retail_minor, found.price.currency)
    name = bold(full_name(product, found.sku, speech))
    said = speech.say("🔔 Good news: {name} is back, for {price}.", name=name, price=price)
    buy = button(speech.label("🛒 Buy it"), callbacks.Sku(id=sku_id, fresh=True), style="success")
    return said, keyboard([[buy], [to_shop]])


async def cost_wish(note: Note) -> Said:
    """To the staff: a supplier wants more for each code."""
    return await desk_of_batches.cost_wish(note)


async def cost_wish_decided(note: Note) -> Said:
    """To the supplier: what the shop says to a higher cost."""
    speech, wish = note.speech, await note.shop.read(supply.wish, int(note.body["wish"]))
    assert wish is not None, "what was asked is never deleted"
    wanted = bold(speech.price(wish.wanted_minor, wish.currency))
    if wish.granted:
        said = speech.say("✅ The shop agrees: your codes cost {cost} each from now on.", cost=wanted)
    else:
        said = speech.say("The shop does not agree to {cost} each. The old cost stays; you can ask for another.", cost=wanted)
    return said, keyboard([[see(speech.label("🏷 The offer"), "offer", wish.offer_id)]])


def reseller(note: Note) -> Said:
    """The shop has made a customer a reseller, or no longer: the prices they see are others from now on."""
    speech, to_shop = note.speech, button(note.speech.label("🛍 To the shop"), callbacks.Home(fresh=True))
    if note.body.get("on"):
        said = speech.say("🤝 From now on you buy at wholesale prices, wherever there are any. You will be told when they change.")
    else:
        said = speech.say("From now on you buy at the usual prices again. Screens from before may show others.")
    return said, keyboard([[to_shop]])


async def prices_changed(note: Note) -> Said:
    """To a reseller: what costs something else than before, with the way out of such messages."""
    speech, shop = note.speech, note.shop
    reader = note.body.get("customer")
    found = await shop.read(supply.price_changes, int(note.body["news"]), customer_id=None if reader is None else int(reader))
    told: list[Safe] = []
    for change in found[:MOST_CHANGES]:
        sku = await shop.read(catalog.sku, change.sku_id)
        product = None if sku is None else await shop.read(catalog.product, sku.product_id)
        if sku is None or product is None or sku.hidden or product.hidden:
            continue
        name = full_name(product, sku, speech)
        old, new = (speech.price(price.retail_minor, price.currency) for price in (change.before, change.now))
        if old != new:
            told.append(speech.say("• {name}: {old} → {new}", name=name, old=old, new=bold(new)))
        else:
            told.append(speech.say("• {name}: new prices by quantity", name=name))
    if not told:
        return speech.say("Prices have changed for a moment, and are as they were."), _under_prices(speech, wanted=True)
    more = len(found) - MOST_CHANGES
    said = paragraphs(
        speech.say("📈 Your prices have changed:"),
        lines(*told),
        speech.many("And {n} more.", "And {n} more.", more) if more > 0 else None,
    )
    return said, _under_prices(speech, wanted=True)


def _under_prices(speech: Speech, *, wanted: bool) -> InlineKeyboardMarkup:
    if wanted:
        choice = button(speech.label("🔕 Do not tell me of prices"), callbacks.PriceNews(wanted=False))
    else:
        choice = button(speech.label("🔔 Tell me of prices again"), callbacks.PriceNews(wanted=True))
    return keyboard([[button(speech.label("🛍 To the shop"), callbacks.Home(fresh=True))], [choice]])


async def choose_price_news(
    press: CallbackQuery, callback_data: callbacks.PriceNews, shop: Shop, customer: Customer, speech: Speech
) -> None:
    """Opt out of news of prices, or in again; what was told stays to be read."""
    await shop.write(people.want_price_news, customer_id=customer.id, wanted=callback_data.wanted)
    if callback_data.wanted:
        await press.answer(speech.label("You will be told when your prices change."))
    else:
        await press.answer(speech.label("Done. You will not be told of prices any more."))
    if press.message is not None and not isinstance(press.message, InaccessibleMessage):
        await press.message.edit_reply_markup(reply_markup=_under_prices(speech, wanted=callback_data.wanted))


async def reprice(note: Note) -> Said:
    """To the staff: a cost leaves too little of a price, and another price is proposed."""
    return await margins.alerted(note.body, note.speech, note.shop)


def news(note: Note) -> Said:
    """A broadcast, with the way out of it."""
    text, speech = str(note.body["text"]), note.speech
    return plain(text, 4000), _under_news(speech, wanted=True)


def _under_news(speech: Speech, *, wanted: bool) -> InlineKeyboardMarkup:
    if wanted:
        choice = button(speech.label("🔕 No more news, please"), callbacks.News(wanted=False))
    else:
        choice = button(speech.label("🔔 Send me news again"), callbacks.News(wanted=True))
    return keyboard([[button(speech.label("🛍 To the shop"), callbacks.Home(fresh=True))], [choice]])


SAYS: dict[str, Wording] = {
    **notes_of_money.SAYS,
    **notes_to_staff.SAYS,
    **applications.SAYS,
    **renewals.SAYS,
    **supply_start.SAYS,
    **reseller_api.SAYS,
    **supply_papers.SAYS,
    **another_paper.SAYS,
    **tasks.SAYS,
    **service.SAYS,
    **memberships.SAYS,
    **kinds.SAYS,
    **notes_on_the_way.SAYS,
    **upstreams.SAYS,
    **notes_of_control.SAYS,
    **notes_of_credit.SAYS,
    **limits_of_reseller.SAYS,
    **package_words.SAYS,
    **brand_words.SAYS,
    **commitment_words.SAYS,
    "offer-waits": desk_of_offers.offer_waits,
    **dict.fromkeys(("case-answer", "case-waits", "case-decided"), of_case),
    **dict.fromkeys(("case-opened", "case-more", "case-overdue", "case-withdrawn"), case_for_staff),
    "payment": payment,
    **dict.fromkeys(("rate-missing", "rate-too-old", "rate-jump"), of_rates),
    "held-order": held_order,
    "dispute": disputed,
    "payment-part-back": part_back,
    **dict.fromkeys(("payout-asked", "payout-declined", "payout-stuck", "payout-gone"), desk_of_payouts.alerted),
    **dict.fromkeys(("payout-sent", "payout-refused", "payout-address"), earnings.told),
    "restocked": restocked,
    "cost-wish": cost_wish,
    "cost-wish-decided": cost_wish_decided,
    "broadcast": news,
    "wholesale": reseller,
    "reseller-application": reseller_home.noticed,
    "reseller-withdrawn": reseller_cards.withdrawn,
    "reseller-moved": desk_of_resellers.moved,
    "level-changed": reseller_home.level_changed,
    "contract-price": reseller_home.contract_told,
    "undercut": reseller_home.undercut_told,
    "prices-changed": prices_changed,
    "reprice": reprice,
}
"""Everything that is said, by its name in the outbox message."""


async def choose_news(press: CallbackQuery, callback_data: callbacks.News, shop: Shop, customer: Customer, speech: Speech) -> None:
    """Opt out of broadcasts, or in again; the news themselves stay to be read."""
    await shop.write(people.want_broadcasts, customer_id=customer.id, wanted=callback_data.wanted)
    if callback_data.wanted:
        await press.answer(speech.label("Good to have you back: you will get our news."))
    else:
        await press.answer(speech.label("Done. You will only hear from us about your own orders."))
    if press.message is not None and not isinstance(press.message, InaccessibleMessage):
        await press.message.edit_reply_markup(reply_markup=_under_news(speech, wanted=callback_data.wanted))


def router() -> Router:
    """The button under the news."""
    router = conversation("notices")
    router.callback_query.register(choose_news, callbacks.News.filter())
    router.callback_query.register(choose_price_news, callbacks.PriceNews.filter())
    return router
