"""What buyers are told of their money: what came in, what was not paid, and what was given back."""

from __future__ import annotations

from core import orders
from handlers import callbacks
from handlers.cases import refund_reason
from handlers.means import name_of
from handlers.notes import Note, Said, Wording, shop_or_balance
from handlers.pieces import bold, button, keyboard, paragraphs, plain
from locales import N_

CREDITED = {
    "deposit": N_("✅ {amount} has been added to your balance."),
    "second-payment": N_("Order {order} was paid for already, so this payment of {amount} was added to your balance."),
    "cancelled": N_("Order {order} had been cancelled, so your payment of {amount} was added to your balance."),
    "sold-out": N_("We are sorry: order {order} sold out before your payment came. {amount} was added to your balance instead."),
    "limit": N_("Order {order} would have gone beyond the limit for each buyer. Your {amount} was added to your balance instead."),
    "answers": N_("Order {order} cannot be delivered as it was ordered. Your {amount} was added to your balance instead."),
    "coupon": N_("The coupon of order {order} was used up before your payment came. {amount} was added to your balance instead."),
    "too-much": N_("You paid {amount} more than was asked for order {order}: it was added to your balance."),
    "reinstated": N_("The dispute about the payment of order {order} is over: {amount} was added to your balance again."),
    "too-little": N_("Your payment for order {order} was less than its price. {amount} was added to your balance instead."),
}
CREDITED_OTHERWISE = N_("A payment of {amount} came in and was added to your balance.")


def credited(note: Note) -> Said:
    """Money that came in and is on the balance, with the reason why it did not pay an order."""
    body, speech = note.body, note.speech
    amount = bold(note.price())
    order_id = body.get("order")
    rows = [shop_or_balance(speech)]
    if order_id is None:
        sentence = CREDITED["deposit"] if body.get("why") == "deposit" else CREDITED_OTHERWISE
        said = speech.say(sentence, amount=amount)
    else:
        said = speech.say(CREDITED.get(str(body.get("why")), CREDITED_OTHERWISE), order=note.number, amount=amount)
        rows.insert(0, [button(speech.label("🔁 Order it again"), callbacks.Again(id=int(order_id), fresh=True))])
    return said, keyboard(rows)


def partly(note: Note) -> Said:
    """Fewer codes could be had than were paid."""
    body, speech = note.body, note.speech
    said = speech.many(
        "Of order {order}, {n} code had sold out before your payment came. Its {amount} is on your balance.",
        "Of order {order}, {n} codes had sold out before your payment came. Their {amount} is on your balance.",
        int(body["missing"]),
        order=note.number,
        amount=bold(note.price()),
    )
    return said, keyboard([shop_or_balance(speech)])


HELD = {
    "returned": N_("🔎 Something is to be cleared up about the payment of order {order}. Its codes are sent as soon as that is done."),
    "disputed": N_("🔎 The payment of order {order} is disputed, so its codes are not sent before that is cleared up."),
    "overdue": N_("🔎 Sorry, checking the payment of order {order} takes longer. The shop has been reminded."),
}
HELD_FIRST = N_("🔎 Order {order} is paid, and being checked by the shop: usually until {when}. The codes come by themselves.")


async def held(note: Note) -> Said:
    """It is paid, and sent when the shop has looked at it."""
    body, speech = note.body, note.speech
    found = await note.shop.read(orders.detail, order_id=int(body["order"]))
    until = None if found is None else found.card.held_until
    rows = [[button(speech.label("🧾 My orders"), callbacks.Orders(fresh=True))]]
    if until is None:  # Decided before this went out; what became of it is told by itself.
        return speech.say("🔎 The payment of order {order} was checked by the shop.", order=note.number), keyboard(rows)
    sentence = HELD.get(str(body.get("why")), HELD_FIRST)
    return speech.say(sentence, order=note.number, when=speech.when(until)), keyboard(rows)


def unsent(note: Note) -> Said:
    """The payment went back to the payer before anything was sent, so the order is over."""
    speech = note.speech
    said = speech.say(
        "↩️ The payment of order {order} was given back to its payer, so the order is over. Nothing was sent.", order=note.number
    )
    return said, keyboard([shop_or_balance(speech)])


UNPAID = {
    "expired": N_("The payment of {amount} was not made in time and is over. Nothing was charged."),
    "failed": N_("The payment of {amount} failed. Nothing was charged; please choose another way to pay."),
}


def unpaid(note: Note) -> Said:
    """A payment that ended without money."""
    body, speech = note.body, note.speech
    amount = bold(note.price())
    rows = [shop_or_balance(speech)]
    if body.get("order") is not None:
        rows.insert(0, [button(speech.label("🔁 Order it again"), callbacks.Again(id=int(body["order"]), fresh=True))])
    sentence = UNPAID.get(str(body.get("why")), UNPAID["failed"])
    return speech.say(sentence, amount=amount), keyboard(rows)


REFUNDED = {
    "refunded": N_("↩️ {amount} of order {order} was refunded: it is in your balance."),
    "returned": N_("↩️ Order {order} was returned unopened. {amount} is in your balance again."),
    "refunding": N_("↩️ {amount} of order {order} is on its way back to you by {method}. We will tell you when it is done."),
    "refund-arrived": N_("✅ {method} has given {amount} of order {order} back to you."),
    "refund-declined": N_("{method} could not give {amount} of order {order} back, so it was added to your balance."),
}


def refunded(note: Note) -> Said:
    """Money of an order that was given back, with the reason when there is one."""
    body, speech = note.body, note.speech
    says = str(body["says"])
    said = speech.say(
        REFUNDED[says],
        amount=bold(note.price()),
        order=note.number,
        method=name_of(str(body["method"]), speech) if body.get("method") else "",
    )
    rest = int(body.get("rest_minor") or 0)
    more = None
    if says == "refunding" and rest:
        amount = bold(speech.price(rest, str(body["rest_currency"])))
        more = speech.say("The other {amount} was paid from your balance and is there again.", amount=amount)
    reason = refund_reason(str(body.get("reason") or ""), speech, 500) if says in ("refunded", "refunding") else None
    return paragraphs(said, more, reason), keyboard([shop_or_balance(speech)])


def adjusted(note: Note) -> Said:
    """The staff changed the balance by hand."""
    body, speech = note.body, note.speech
    amount_minor, currency = int(body["amount_minor"]), str(body["currency"])
    amount, balance = bold(speech.price(abs(amount_minor), currency)), speech.price(int(body["balance_minor"]), currency)
    if amount_minor > 0:
        said = speech.say("✅ The shop has added {amount} to your balance, which is now {balance}.", amount=amount, balance=balance)
    else:
        said = speech.say("The shop has taken {amount} from your balance, which is now {balance}.", amount=amount, balance=balance)
    reason = str(body.get("reason") or "").strip()
    return paragraphs(said, plain(reason, 500) if reason else None), keyboard([shop_or_balance(speech)])


SAYS: dict[str, Wording] = {
    "credited": credited,
    "adjusted": adjusted,
    "partly": partly,
    "unpaid": unpaid,
    "held": held,
    "unsent": unsent,
    **dict.fromkeys(REFUNDED, refunded),
}
