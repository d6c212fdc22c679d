"""What is told of credit: to resellers, what was decided, what is due and what is late; to the staff, what they have to decide."""

from __future__ import annotations

from core import credit, people
from core.credit import AskState, Wanted, date_of
from handlers.admin.desk import do, go
from handlers.credit_words import money, score_said, wanted_said
from handlers.notes import Note, Said, Wording
from handlers.pieces import Row, bold, button, clipped, keyboard, paragraphs, plain
from handlers.reseller.credit import CreditPress
from locales import Safe, Speech


def _see(speech: Speech) -> Row:
    return [button(speech.label("💳 My credit"), CreditPress(act="home"))]


def _day(note: Note) -> str:
    return note.speech.day(date_of(int(note.body["due"])))


def limit(note: Note) -> Said:
    speech = note.speech
    return speech.say("💳 Your limit of credit is now {amount}.", amount=bold(note.price())), keyboard([_see(speech)])


def advance(note: Note) -> Said:
    speech = note.speech
    said = speech.many(
        "💳 {amount} was added to your balance in advance. You pay it back in {n} part, the first by {day}.",
        "💳 {amount} was added to your balance in advance. You pay it back in {n} parts, the first by {day}.",
        int(note.body["instalments"]),
        amount=bold(note.price()),
        day=_day(note),
    )
    return said, keyboard([_see(speech)])


def refused(note: Note) -> Said:
    speech, why = note.speech, plain(str(note.body["why"]), 300)
    if note.body["wanted"] == Wanted.ADVANCE.value:
        return speech.say("🚫 The advance you asked for was refused: {why}", why=why), keyboard([_see(speech)])
    return speech.say("🚫 The limit you asked for was refused: {why}", why=why), keyboard([_see(speech)])


def invoice(note: Note) -> Said:
    speech = note.speech
    said = speech.say(
        "🧾 Your credit invoice: {amount}, of it interest {interest}. Please pay by {day}.",
        amount=bold(note.price()),
        interest=note.price("interest"),
        day=bold(_day(note)),
    )
    return said, keyboard([_see(speech)])


def reminder(note: Note) -> Said:
    speech, late = note.speech, int(note.body["late"])
    facts = {"amount": bold(note.price()), "day": bold(_day(note))}
    if late > 0:
        said = speech.say("⚠️ {amount} was due on {day} and is late. Until it is paid, nothing is bought on credit: /deposit", **facts)
    else:
        said = speech.say("⏰ {amount} of your credit is due by {day}: /deposit", **facts)
    return said, keyboard([_see(speech)])


def frozen(note: Note) -> Said:
    speech = note.speech
    if note.body["by_hand"]:
        return speech.say("❄️ The shop has frozen your credit. What is owed stays due; ask the shop about it."), keyboard([_see(speech)])
    return speech.say("❄️ Your credit is frozen, because something is late for too long. Pay it, then ask the shop."), keyboard(
        [_see(speech)]
    )


def unfrozen(note: Note) -> Said:
    return note.speech.say("💳 Your credit is open again."), keyboard([_see(note.speech)])


def terms(note: Note) -> Said:
    return note.speech.say("💳 The terms of your credit have changed. /credit shows them."), keyboard([_see(note.speech)])


def written_off(note: Note) -> Said:
    return note.speech.say("✖️ The shop has written {amount} of your credit off, and ended it.", amount=bold(note.price())), None


# To the staff


async def _who(note: Note, customer_id: int) -> Safe:
    customer = await note.shop.read(people.by_id, customer_id)
    return bold(clipped(customer.name, 60))


async def asked(note: Note) -> Said:
    """Somebody asks for credit: their score, and the decision inline."""
    speech = note.speech
    found = await note.shop.read(credit.ask, int(note.body["ask"]))
    assert found is not None, "what is asked for is never deleted"
    said = paragraphs(
        speech.say("💳 {who} asks for credit: {what}", who=await _who(note, found.customer_id), what=wanted_said(found, speech)),
        score_said(found.score, found.parts, None, speech),
        speech.say("By the formula: {amount}", amount=bold(money(found.offered_minor, found, speech))),
        speech.say(
            "A first person has approved {amount}; a second one has to.", amount=bold(money(found.granted_minor or 0, found, speech))
        )
        if found.approved_by is not None and found.state is AskState.SENT
        else None,
    )
    rows: list[Row] = []
    if found.state is AskState.SENT:
        wanted = speech.label("✅ Grant {amount}", amount=money(found.granted_minor or found.wanted_minor, found, speech))
        rows.append([do(wanted, "crwant", found.id, style="success")])
    rows.append([go(speech.label("🔎 Look at it"), "crask", found.id)])
    return said, keyboard(rows)


async def froze(note: Note) -> Said:
    """A line was frozen by itself."""
    speech, customer_id = note.speech, int(note.body["customer"])
    said = speech.say("❄️ The credit of {who} is frozen: something is late for too long.", who=await _who(note, customer_id))
    return said, keyboard([[go(speech.label("🔎 Look at it"), "crone", customer_id)]])


async def off_asked(note: Note) -> Said:
    """One of the staff wants to write off; a second one has to."""
    speech, customer_id = note.speech, int(note.body["customer"])
    who = await _who(note, customer_id)
    said = speech.say(
        "✖️ {amount} of {who} is to be written off. A second person of the staff has to say so.", who=who, amount=bold(note.price())
    )
    return said, keyboard([[go(speech.label("🔎 Look at it"), "crone", customer_id)]])


SAYS: dict[str, Wording] = {
    "credit-limit": limit,
    "credit-advance": advance,
    "credit-refused": refused,
    "credit-invoice": invoice,
    "credit-reminder": reminder,
    "credit-frozen": frozen,
    "credit-unfrozen": unfrozen,
    "credit-terms": terms,
    "credit-written-off": written_off,
    "credit-asked": asked,
    "credit-second": asked,
    "credit-froze": froze,
    "credit-off-asked": off_asked,
}
