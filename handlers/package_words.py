"""How service packages are put into words, for the staff and for resellers; and what is told of them unasked."""

from __future__ import annotations

from aiogram.types import InlineKeyboardMarkup

from core.database import instant
from core.packages import Ended, PlanView, Service
from handlers.notes import Note, Said, Wording
from handlers.pieces import bold, button, keyboard, lines, paragraphs
from handlers.reseller.desk import PackPress
from locales import N_, Speech

SERVICES = {Service.OWN_BOT: N_("your own bot"), Service.ANALYTICS: N_("pictures of your figures")}
_ENDED = {
    Ended.STOPPED: N_("🏁 Your package {plan} is over, as you wished."),
    Ended.UNPAID: N_("🔒 Your package {plan} is over: it could not be paid."),
    Ended.WITHDRAWN: N_("🏁 Your package {plan} is over: it is not sold any more."),
    Ended.BY_STAFF: N_("🏁 The shop has ended your package {plan}."),
}


def services(plan: PlanView, speech: Speech) -> str:
    """What a package unlocks."""
    has = [speech.label(SERVICES[one]) for one in plan.unlocks if one in SERVICES]
    if plan.broadcasts:
        has.append(speech.label_many("{n} broadcast", "{n} broadcasts", plan.broadcasts))
    return speech.listing(has)


def costs(plan: PlanView, speech: Speech) -> str:
    """Its price for its period."""
    return speech.label_many("{price} for {n} day", "{price} for {n} days", plan.days, price=speech.price(plan.price_minor, plan.currency))


def _mine(speech: Speech) -> InlineKeyboardMarkup:
    return keyboard([[button(speech.label("📦 My packages"), PackPress(act="list"))]])


def ends(note: Note) -> Said:
    """To the owner: a period ends soon."""
    speech, body = note.speech, note.body
    facts = {"plan": bold(str(body["plan"])), "when": speech.when(instant(int(body["until"])))}
    if not body["renews"]:
        return speech.say("⏳ Your package {plan} ends {when}, and is not renewed.", **facts), _mine(speech)
    said = speech.say("🔁 Your package {plan} is renewed {when} for {price}.", **facts, price=note.price())
    lacks = int(body["short_minor"])
    lacking = speech.say("Your balance is {amount} short of it. /deposit adds money.", amount=bold(note.price("short"))) if lacks else None
    return paragraphs(said, lacking), _mine(speech)


def unpaid(note: Note) -> Said:
    """To the owner: the balance does not reach for the next period."""
    speech, body = note.speech, note.body
    return paragraphs(
        speech.say(
            "🔒 Your package {plan} could not be renewed: {amount} is missing.", plan=bold(str(body["plan"])), amount=note.price("short")
        ),
        speech.say(
            "What it unlocks stands still until then. We try again every hour until {when}; /deposit adds money.",
            when=speech.when(instant(int(body["until"]))),
        ),
    ), _mine(speech)


def ended(note: Note) -> Said:
    """To the owner: it is over, and what was given back."""
    speech, body = note.speech, note.body
    back = int(body["back_minor"])
    return lines(
        speech.say(_ENDED[Ended(str(body["why"]))], plan=bold(str(body["plan"]))),
        speech.say("{amount} for the days that are left is on your balance.", amount=bold(note.price("back"))) if back else None,
    ), _mine(speech)


SAYS: dict[str, Wording] = {"package-ends": ends, "package-unpaid": unpaid, "package-ended": ended}
