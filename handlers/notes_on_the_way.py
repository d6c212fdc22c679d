"""What is said of orders whose goods are on their way: to their buyers, and to the staff who have to look."""

from __future__ import annotations

from core import orders
from core.database import instant
from handlers import callbacks
from handlers.admin.desk import go
from handlers.notes import Note, Said, Wording, shop_or_balance
from handlers.pieces import bold, button, keyboard, lines
from locales import N_


def on_its_way(note: Note) -> Said:
    """Paid, and not on the shelf: until when it is promised."""
    speech = note.speech
    said = speech.say(
        "🚚 Order {order} is paid and on its way: it comes by {when} at the latest, or you get your money back.",
        order=note.number,
        when=speech.when(instant(int(note.body["due"]))),
    )
    return said, keyboard([[button(speech.label("🧾 My orders"), callbacks.Orders(fresh=True))]])


def still_coming(note: Note) -> Said:
    """The promise is over, and the source has not said what became of it."""
    speech = note.speech
    said = speech.say(
        "🚚 Sorry, order {order} takes longer than we promised. We keep asking for it, and the shop has been told. "
        "What does not come is given back to you.",
        order=note.number,
    )
    return said, keyboard([[button(speech.label("🧾 My orders"), callbacks.Orders(fresh=True))]])


def less_came(note: Note) -> Said:
    """A part will not come."""
    speech, n = note.speech, int(note.body["missing"])
    if int(note.body["amount_minor"]):
        said = speech.many(
            "Sorry, {n} piece of order {order} could not be had. {amount} is in your balance again.",
            "Sorry, {n} pieces of order {order} could not be had. {amount} is in your balance again.",
            n,
            order=note.number,
            amount=bold(note.price()),
        )
        rest = speech.say("The rest you have back from where you paid.") if note.body.get("kept_minor") else None
    else:
        said = speech.many(
            "Sorry, {n} piece of order {order} could not be had.",
            "Sorry, {n} pieces of order {order} could not be had.",
            n,
            order=note.number,
        )
        # Zero is no amount to be told: either the payer has the money already, or they had paid nothing for it.
        kept = note.body.get("kept_minor")
        rest = speech.say("You have the money back from where you paid.") if kept else speech.say("You paid nothing for it.")
    said = lines(said, rest)
    return said, keyboard([shop_or_balance(speech)])


def not_coming(note: Note) -> Said:
    """Nothing will come."""
    speech = note.speech
    if not int(note.body["amount_minor"]):
        said = lines(
            speech.say("Sorry, order {order} could not be delivered.", order=note.number),
            speech.say("You have the money back from where you paid.")
            if note.body.get("kept_minor")
            else speech.say("You paid nothing for it."),
        )
    elif note.body.get("kept_minor"):
        said = speech.say(
            "Sorry, order {order} could not be delivered. {amount} is in your balance again; the rest you have back from where you paid.",
            order=note.number,
            amount=bold(note.price()),
        )
    else:
        said = speech.say(
            "Sorry, order {order} could not be delivered. All of it, {amount}, is in your balance again.",
            order=note.number,
            amount=bold(note.price()),
        )
    again = button(speech.label("🔁 Order it again"), callbacks.Again(id=int(note.body["order"]), fresh=True))
    return said, keyboard([[again], shop_or_balance(speech)])


_TASK = {
    "late": N_("🟡 Order {order}: {n} pieces are late, and its source does not say what became of them. The buyer has been told."),
    "codes-refused": N_("🔴 Order {order}: {n} codes that a source delivered had been in the shop before. They count as not delivered."),
    "codes-late": N_("🟡 Order {order}: {n} codes came when they were not waited for any more. They are kept and not for sale."),
    "unsettled": N_("🔴 Order {order}: what its suppliers are owed could not be worked out. Only this order waits; please look at it."),
    "source-reversed": N_("🔴 Order {order}: its source has taken {n} codes back after the buyer got them. Please ask the buyer."),
}


async def task(note: Note) -> Said:
    """To the staff: a source has done something that a person should look at."""
    body, speech = note.body, note.speech
    said = speech.say(_TASK[str(body["what"])], order=note.number, n=speech.number(int(body["count"])))
    found = await note.shop.read(orders.on_its_way, int(body["order"]))
    rows = [[go(speech.label("🚚 Look at it"), "on-way", int(body["order"]))]] if found else []
    if body["what"] == "unsettled":
        rows = [[go(speech.label("📜 Who earns what"), "shares", int(body["order"]))]]
    return said, keyboard(rows)


SAYS: dict[str, Wording] = {
    "on-its-way": on_its_way,
    "still-coming": still_coming,
    "less-came": less_came,
    "not-coming": not_coming,
    "task": task,
}
