"""What the staff are told: payments and refunds to be looked at, codes that were not taken, what runs low."""

from __future__ import annotations

from core import catalog, orders, payments, people
from handlers.admin.desk import do
from handlers.means import name_of
from handlers.notes import Note, Said, Wording, coded
from handlers.pieces import bold, full_name, keyboard, lines
from locales import N_

UNVALUED = N_("🔴 A payment of {amount} came in without a rate for its currency, and was not credited. Customer {customer}, payment {key}.")
GIVEN_BACK = N_(
    "🟡 A payment was given back to customer {customer}: {taken} was taken from the balance again, {lost} is lost. Payment {key}."
)


def delivery_refused(note: Note) -> Said:
    """Telegram did not take a delivery: somebody has to write to the buyer."""
    body, speech = note.body, note.speech
    return speech.say(
        "🔴 Telegram did not take the codes of order {number} ({why}). Please look at the order and write to the buyer.",
        number=note.number,
        why=str(body.get("why", "")),
    ), None


def payment_unvalued(note: Note) -> Said:
    """Real money that nobody could value."""
    body, speech = note.body, note.speech
    return speech.say(
        UNVALUED,
        amount=bold(note.price()),
        customer=int(body["customer"]),
        key=note.key,
    ), None


def refund_not_taken(note: Note) -> Said:
    """A provider said no to a refund."""
    body, speech = note.body, note.speech
    return speech.say(
        "🔴 {provider} did not give {amount} of order {number} back ({why}). It was added to the buyer's balance instead.",
        provider=name_of(str(body["method"]), speech),
        amount=bold(note.price()),
        number=note.number,
        why=str(body.get("why", "")),
    ), None


def payment_stray(note: Note) -> Said:
    """Money for a number that is not ours."""
    body, speech = note.body, note.speech
    return speech.say(
        "🔴 {provider} reports a payment of {amount} for a number that is not ours: {key}. Nothing was credited; please look.",
        provider=name_of(str(body["provider"]), speech),
        amount=bold(note.price()),
        key=note.key,
    ), None


def refund_stuck(note: Note) -> Said:
    """A provider says neither yes nor no to a refund."""
    body, speech = note.body, note.speech
    return speech.say(
        "🔴 {provider} does not say whether refund {id} of payment {key} was made. Please look there, and tell the buyer.",
        provider=name_of(str(body["provider"]), speech),
        id=int(body["refund"]),
        key=note.key,
    ), None


def refund_failed(note: Note) -> Said:
    """A refund that was booked as made did not reach the payer after all."""
    body, speech = note.body, note.speech
    facts = {
        "provider": name_of(str(body["provider"]), speech),
        "key": note.key,
        "amount": bold(note.price()),
        "customer": int(body["customer"]),
    }
    if body.get("ours"):
        return speech.say(
            "🔴 {provider} could not give {amount} back after all (payment {key}): the money is in your account there again. "
            "Customer {customer} has not got it: give it again there, or credit their balance.",
            **facts,
        ), None
    return speech.say(
        "🔴 A refund of {amount} made at {provider} itself failed later (payment {key}): the money is in your account there again. "
        "What it took from customer {customer} is still taken: give it again there, or credit their balance.",
        **facts,
    ), None


def stars_rule(note: Note) -> Said:
    """Telegram's rule about other ways to pay, once."""
    body, speech = note.body, note.speech
    return speech.say(
        "ℹ️ Other ways to pay than Stars are switched on: {ways}. Telegram asks that digital goods sold in its apps are "
        "paid in Stars, and may act against bots that do otherwise. Whether and to whom you offer them is your decision.",
        ways=speech.listing([name_of(str(way), speech) for way in body["ways"]]),
    ), None


def payment_given_back(note: Note) -> Said:
    """A provider gave a payment back unasked."""
    body, speech = note.body, note.speech
    return speech.say(
        GIVEN_BACK,
        customer=int(body["customer"]),
        taken=bold(note.price("taken")),
        lost=bold(note.price("lost")),
        key=note.key,
    ), None


async def receipt(note: Note) -> Said:
    """For the staff: somebody says the money is sent, and shows a receipt."""
    body, speech, shop = note.body, note.speech, note.shop
    intent = await shop.read(payments.intent, int(body["intent"]))
    customer = await shop.read(people.by_id, int(body["customer"]))
    assert intent is not None, "a receipt is of an intent"
    said = lines(
        speech.say("🏦 {who} says that {amount} is sent.", who=bold(customer.name), amount=bold(note.price())),
        speech.say("Order {number}", number=coded(orders.number_of(intent.order_id)))
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


def differ(note: Note) -> Said:
    """For the staff: a provider's own list and our books do not agree."""
    body, speech = note.body, note.speech
    currency = str(body["currency"])
    facts = {
        "provider": name_of(str(body["provider"]), speech),
        "key": note.key,
        "ours": bold(speech.price(int(body["ours_minor"]), currency)),
    }
    if body.get("theirs_minor") is None:
        return speech.say("🔴 We have booked {ours} by {provider}, but their list does not have it: payment {key}.", **facts), None
    theirs = bold(speech.price(int(body["theirs_minor"]), currency))
    return speech.say("🔴 {provider} lists {theirs} where we have booked {ours}: payment {key}.", **facts, theirs=theirs), None


def not_booked(note: Note) -> Said:
    """For the staff: what a provider lists could not be booked."""
    body, speech = note.body, note.speech
    return speech.say(
        "🔴 Payment {key} in the list of {provider} could not be booked. It is tried again every minute; the log says why it fails.",
        provider=name_of(str(body["provider"]), speech),
        key=note.key,
    ), None


async def low_stock(note: Note) -> Said:
    """Time to bring in more codes."""
    body, speech, shop = note.body, note.speech, note.shop
    sku = await shop.read(catalog.sku, int(body["sku"]))
    product = await shop.read(catalog.product, sku.product_id) if sku else None
    if sku is None or product is None:
        return speech.say("A denomination that ran low has left the shop since."), None
    left, name = int(body.get("left") or 0), bold(full_name(product, sku, speech))
    if left <= 0:
        return speech.say("🔴 {name} is sold out. Time to bring in more codes.", name=name), None
    return speech.many("🟡 Only {n} code of {name} is left.", "🟡 Only {n} codes of {name} are left.", left, name=name), None


SAYS: dict[str, Wording] = {
    "delivery-refused": delivery_refused,
    "payment-unvalued": payment_unvalued,
    "refund-not-taken": refund_not_taken,
    "payment-stray": payment_stray,
    "refund-stuck": refund_stuck,
    "refund-failed": refund_failed,
    "stars-rule": stars_rule,
    "payment-given-back": payment_given_back,
    "receipt": receipt,
    "books-differ": differ,
    "not-booked": not_booked,
    "low-stock": low_stock,
}
