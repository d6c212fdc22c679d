"""What the shop writes of its own accord: money that came in, goods that are back, news, and alerts for the staff."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any

from aiogram import Router
from aiogram.types import CallbackQuery, InaccessibleMessage, InlineKeyboardMarkup

from core import books, catalog, orders, payments, people, showcase
from core.catalog import Gone
from core.database import Shop
from core.people import Customer
from core.storefronts import Storefront
from handlers import callbacks, cases
from handlers.admin import cases as desk_of_cases
from handlers.admin.desk import do, go
from handlers.conversation import conversation
from handlers.means import name_of
from handlers.parcel import Outgoing
from handlers.pieces import Row, bold, button, full_name, keyboard, lines, paragraphs, plain
from handlers.statement import file_name, statement_png, told
from locales import N_, Safe, Speech

CREDITED = {
    "deposit": N_("✅ {amount} has been added to your balance."),
    "second-payment": N_("Order {order} was paid for already, so this payment of {amount} was added to your balance."),
    "cancelled": N_("Order {order} had been cancelled, so your payment of {amount} was added to your balance."),
    "sold-out": N_("We are sorry: order {order} sold out before your payment came. {amount} was added to your balance instead."),
    "limit": N_("Order {order} would have gone beyond the limit for each buyer. Your {amount} was added to your balance instead."),
    "coupon": N_("The coupon of order {order} was used up before your payment came. {amount} was added to your balance instead."),
    "too-much": N_("You paid {amount} more than was asked for order {order}: it was added to your balance."),
    "too-little": N_("Your payment for order {order} was less than its price. {amount} was added to your balance instead."),
}
CREDITED_OTHERWISE = N_("A payment of {amount} came in and was added to your balance.")


class UnknownNotice(ValueError):
    """Nobody has written down how to say this; the name is in the message."""


UNVALUED = N_("🔴 A payment of {amount} came in without a rate for its currency, and was not credited. Customer {customer}, payment {key}.")
GIVEN_BACK = N_(
    "🟡 A payment was given back to customer {customer}: {taken} was taken from the balance again, {lost} is lost. Payment {key}."
)


async def notice(
    body: Mapping[str, Any], speech: Speech, *, shop: Shop, storefront: Storefront
) -> tuple[Safe, InlineKeyboardMarkup | None]:
    """The text and the buttons of an outbox message that is not a delivery; raises UnknownNotice."""
    match body.get("says"):
        case "credited":
            return _credited(body, speech)
        case "adjusted":
            return _adjusted(body, speech)
        case "restocked":
            return await _restocked(int(body["sku"]), speech, shop, storefront)
        case "broadcast":
            return _news(str(body["text"]), speech)
        case "low-stock":
            return await _low_stock(body, speech, shop)
        case "delivery-refused":
            number = Safe(f"<code>{orders.number_of(int(body['order']))}</code>")
            return speech.say(
                "🔴 Telegram did not take the codes of order {number} ({why}). Please look at the order and write to the buyer.",
                number=number,
                why=str(body.get("why", "")),
            ), None
        case "payment-unvalued":
            return speech.say(
                UNVALUED,
                amount=bold(speech.price(int(body["amount_minor"]), str(body["currency"]))),
                customer=int(body["customer"]),
                key=Safe("<code>") + str(body["key"]) + Safe("</code>"),
            ), None
        case "refunded" | "returned" | "refunding" | "refund-arrived" | "refund-declined":
            return _refunded(body, speech)
        case "refund-not-taken":
            return speech.say(
                "🔴 {provider} did not give {amount} of order {number} back ({why}). It was added to the buyer's balance instead.",
                provider=name_of(str(body["method"]), speech),
                amount=bold(speech.price(int(body["amount_minor"]), str(body["currency"]))),
                number=Safe(f"<code>{orders.number_of(int(body['order']))}</code>"),
                why=str(body.get("why", "")),
            ), None
        case "partly":
            return _partly(body, speech)
        case "unpaid":
            return _unpaid(body, speech)
        case "payment-stray":
            return speech.say(
                "🔴 {provider} reports a payment of {amount} for a number that is not ours: {key}. Nothing was credited; please look.",
                provider=name_of(str(body["provider"]), speech),
                amount=bold(speech.price(int(body["amount_minor"]), str(body["currency"]))),
                key=Safe("<code>") + str(body["key"]) + Safe("</code>"),
            ), None
        case "refund-stuck":
            return speech.say(
                "🔴 {provider} does not say whether refund {id} of payment {key} was made. Please look there, and tell the buyer.",
                provider=name_of(str(body["provider"]), speech),
                id=int(body["refund"]),
                key=Safe("<code>") + str(body["key"]) + Safe("</code>"),
            ), None
        case "books-differ":
            return _differ(body, speech)
        case "stars-rule":
            return speech.say(
                "ℹ️ Other ways to pay than Stars are switched on: {ways}. Telegram asks that digital goods sold in its apps are "
                "paid in Stars, and may act against bots that do otherwise. Whether and to whom you offer them is your decision.",
                ways=speech.listing([name_of(str(way), speech) for way in body["ways"]]),
            ), None
        case "receipt":
            return await _receipt(body, speech, shop)
        case "payment-given-back":
            return speech.say(
                GIVEN_BACK,
                customer=int(body["customer"]),
                taken=bold(speech.price(int(body["taken_minor"]), str(body["currency"]))),
                lost=bold(speech.price(int(body["lost_minor"]), str(body["currency"]))),
                key=Safe("<code>") + str(body["key"]) + Safe("</code>"),
            ), None
        case "case-answer" | "case-decided":
            return await cases.noticed(body, speech, shop)
        case "case-opened" | "case-more" | "case-overdue" | "case-withdrawn":
            return await desk_of_cases.alerted(body, speech, shop)
        case other:
            raise UnknownNotice(f"no words for the notice {other!r}")


async def the_statement(body: Mapping[str, Any], speech: Speech, shop: Shop, storefront: Storefront) -> Outgoing:
    """The statement of a day for an owner: a picture with some lines under it."""
    day = date.fromisoformat(str(body["day"]))
    made = await shop.read(books.statement, storefront.id, *books.span(day, day, speech.timezone))
    content = await asyncio.to_thread(statement_png, made, speech)  # Drawing takes the processor for a moment.
    rows = [[go(speech.label("📒 Books"), "books", arg=f"{day:%Y%m%d}-{day:%Y%m%d}")]]
    return Outgoing(told(made, speech), keyboard(rows), content, file_name(made, speech, "png"), picture=True)


def _shop_or_balance(speech: Speech) -> Row:
    return [
        button(speech.label("👛 My balance"), callbacks.Balance(fresh=True)),
        button(speech.label("🛍 To the shop"), callbacks.Home(fresh=True)),
    ]


def _credited(body: Mapping[str, Any], speech: Speech) -> tuple[Safe, InlineKeyboardMarkup]:
    amount = bold(speech.price(int(body["amount_minor"]), str(body["currency"])))
    order_id = body.get("order")
    rows = [_shop_or_balance(speech)]
    if order_id is None:
        sentence = CREDITED["deposit"] if body.get("why") == "deposit" else CREDITED_OTHERWISE
        said = speech.say(sentence, amount=amount)
    else:
        number = Safe(f"<code>{orders.number_of(int(order_id))}</code>")
        said = speech.say(CREDITED.get(str(body.get("why")), CREDITED_OTHERWISE), order=number, amount=amount)
        rows.insert(0, [button(speech.label("🔁 Order it again"), callbacks.Again(id=int(order_id), fresh=True))])
    return said, keyboard(rows)


def _partly(body: Mapping[str, Any], speech: Speech) -> tuple[Safe, InlineKeyboardMarkup]:
    said = speech.many(
        "Of order {order}, {n} code had sold out before your payment came. Its {amount} is on your balance.",
        "Of order {order}, {n} codes had sold out before your payment came. Their {amount} is on your balance.",
        int(body["missing"]),
        order=Safe(f"<code>{orders.number_of(int(body['order']))}</code>"),
        amount=bold(speech.price(int(body["amount_minor"]), str(body["currency"]))),
    )
    return said, keyboard([_shop_or_balance(speech)])


UNPAID = {
    "expired": N_("The payment of {amount} was not made in time and is over. Nothing was charged."),
    "failed": N_("The payment of {amount} failed. Nothing was charged; please choose another way to pay."),
}


def _unpaid(body: Mapping[str, Any], speech: Speech) -> tuple[Safe, InlineKeyboardMarkup]:
    amount = bold(speech.price(int(body["amount_minor"]), str(body["currency"])))
    rows = [_shop_or_balance(speech)]
    if body.get("order") is not None:
        rows.insert(0, [button(speech.label("🔁 Order it again"), callbacks.Again(id=int(body["order"]), fresh=True))])
    sentence = UNPAID.get(str(body.get("why")), UNPAID["failed"])
    return speech.say(sentence, amount=amount), keyboard(rows)


async def _receipt(body: Mapping[str, Any], speech: Speech, shop: Shop) -> tuple[Safe, InlineKeyboardMarkup | None]:
    """For the staff: somebody says the money is sent, and shows a receipt."""
    intent = await shop.read(payments.intent, int(body["intent"]))
    customer = await shop.read(people.by_id, int(body["customer"]))
    assert intent is not None, "a receipt is of an intent"
    said = lines(
        speech.say("🏦 {who} says that {amount} is sent.", who=bold(customer.name), amount=bold(_price(body, speech))),
        speech.say("Order {number}", number=Safe(f"<code>{orders.number_of(intent.order_id)}</code>"))
        if intent.order_id is not None
        else speech.say("For their balance."),
        speech.say("Please look for the money in your account before you confirm."),
    )
    rows = [
        [do(speech.label("🧾 Show the receipt"), "pay-receipt", intent.id)],
        [
            do(speech.label("✅ The money is there"), "pay-yes", intent.id, style="success"),
            do(speech.label("✖️ There is no money"), "pay-no", intent.id, style="danger"),
        ],
    ]
    return said, keyboard(rows)


def _differ(body: Mapping[str, Any], speech: Speech) -> tuple[Safe, None]:
    """For the staff: a provider's own list and our books do not agree."""
    currency = str(body["currency"])
    facts = {
        "provider": name_of(str(body["provider"]), speech),
        "key": Safe("<code>") + str(body["key"]) + Safe("</code>"),
        "ours": bold(speech.price(int(body["ours_minor"]), currency)),
    }
    if body.get("theirs_minor") is None:
        return speech.say("🔴 We have booked {ours} by {provider}, but their list does not have it: payment {key}.", **facts), None
    theirs = bold(speech.price(int(body["theirs_minor"]), currency))
    return speech.say("🔴 {provider} lists {theirs} where we have booked {ours}: payment {key}.", **facts, theirs=theirs), None


def _price(body: Mapping[str, Any], speech: Speech) -> str:
    return speech.price(int(body["amount_minor"]), str(body["currency"]))


REFUNDED = {
    "refunded": N_("↩️ {amount} of order {order} was refunded: it is in your balance."),
    "returned": N_("↩️ Order {order} was returned unopened. {amount} is in your balance again."),
    "refunding": N_("↩️ {amount} of order {order} is on its way back to you by {method}. We will tell you when it is done."),
    "refund-arrived": N_("✅ {method} has given {amount} of order {order} back to you."),
    "refund-declined": N_("{method} could not give {amount} of order {order} back, so it was added to your balance."),
}


def _refunded(body: Mapping[str, Any], speech: Speech) -> tuple[Safe, InlineKeyboardMarkup]:
    """Money of an order that was given back, with the reason when there is one."""
    says, order_id = str(body["says"]), int(body["order"])
    said = speech.say(
        REFUNDED[says],
        amount=bold(speech.price(int(body["amount_minor"]), str(body["currency"]))),
        order=Safe(f"<code>{orders.number_of(order_id)}</code>"),
        method=name_of(str(body["method"]), speech) if body.get("method") else "",
    )
    rest = int(body.get("rest_minor") or 0)
    more = None
    if says == "refunding" and rest:
        amount = bold(speech.price(rest, str(body["rest_currency"])))
        more = speech.say("The other {amount} was paid from your balance and is there again.", amount=amount)
    reason = str(body.get("reason") or "").strip() if says in ("refunded", "refunding") else ""
    return paragraphs(said, more, plain(reason, 500) if reason else None), keyboard([_shop_or_balance(speech)])


def _adjusted(body: Mapping[str, Any], speech: Speech) -> tuple[Safe, InlineKeyboardMarkup]:
    amount_minor, currency = int(body["amount_minor"]), str(body["currency"])
    amount, balance = bold(speech.price(abs(amount_minor), currency)), speech.price(int(body["balance_minor"]), currency)
    if amount_minor > 0:
        said = speech.say("✅ The shop has added {amount} to your balance, which is now {balance}.", amount=amount, balance=balance)
    else:
        said = speech.say("The shop has taken {amount} from your balance, which is now {balance}.", amount=amount, balance=balance)
    reason = str(body.get("reason") or "").strip()
    return paragraphs(said, plain(reason, 500) if reason else None), keyboard([_shop_or_balance(speech)])


async def _restocked(sku_id: int, speech: Speech, shop: Shop, storefront: Storefront) -> tuple[Safe, InlineKeyboardMarkup]:
    to_shop = button(speech.label("🛍 To the shop"), callbacks.Home(fresh=True))
    try:
        product, found = await shop.read(showcase.denomination, storefront_id=storefront.id, sku_id=sku_id)
    except Gone:
        return speech.say("Something you were waiting for came back, but it has left the shop since."), keyboard([[to_shop]])
    price = speech.price(found.price.retail_minor, found.price.currency)
    name = bold(full_name(product, found.sku, speech))
    said = speech.say("🔔 Good news: {name} is back, for {price}.", name=name, price=price)
    buy = button(speech.label("🛒 Buy it"), callbacks.Sku(id=sku_id, fresh=True), style="success")
    return said, keyboard([[buy], [to_shop]])


def _news(text: str, speech: Speech) -> tuple[Safe, InlineKeyboardMarkup]:
    return plain(text, 4000), _under_news(speech, wanted=True)


def _under_news(speech: Speech, *, wanted: bool) -> InlineKeyboardMarkup:
    if wanted:
        choice = button(speech.label("🔕 No more news, please"), callbacks.News(wanted=False))
    else:
        choice = button(speech.label("🔔 Send me news again"), callbacks.News(wanted=True))
    return keyboard([[button(speech.label("🛍 To the shop"), callbacks.Home(fresh=True))], [choice]])


async def _low_stock(body: Mapping[str, Any], speech: Speech, shop: Shop) -> tuple[Safe, InlineKeyboardMarkup | None]:
    sku = await shop.read(catalog.sku, int(body["sku"]))
    product = await shop.read(catalog.product, sku.product_id) if sku else None
    if sku is None or product is None:
        return speech.say("A denomination that ran low has left the shop since."), None
    left, name = int(body.get("left") or 0), bold(full_name(product, sku, speech))
    if left <= 0:
        return speech.say("🔴 {name} is sold out. Time to bring in more codes.", name=name), None
    return speech.many("🟡 Only {n} code of {name} is left.", "🟡 Only {n} codes of {name} are left.", left, name=name), None


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
    return router
