"""How what is asked, chosen and decided of a reseller's application is called, for applicants and staff alike."""

from __future__ import annotations

from core.onboarding import Legal
from core.resellers import ApplicationView, Asked
from handlers.pieces import plain
from handlers.supply.words import LEGALS
from locales import N_, Safe, Speech

FIELDS = {
    Asked.LEGAL: N_("Company or person"),
    Asked.NAME: N_("Name"),
    Asked.CONTACT: N_("Contact"),
    Asked.SELLS: N_("Sells what, and where"),
    Asked.VOLUME: N_("Expected volume"),
}
QUESTIONS = {
    Asked.LEGAL: N_("Do you sell as a company or as a person?"),
    Asked.NAME: N_("What is your name, or the name of your shop? For example: <i>Blue Sky Cards</i>"),
    Asked.CONTACT: N_("How do we reach you outside this chat? For example: <i>@bluesky_sales</i> or <i>sales@bluesky.example</i>"),
    Asked.SELLS: N_(
        "What do you sell, and where? For example: <i>Steam and PlayStation cards, on bluesky.example and in a group of 3,000</i>"
    ),
    Asked.VOLUME: N_("About how much would you buy from us? For example: <i>2,000 cards a month</i>"),
}
# What is said to the applicant; the staff choose by number, or type a reason of their own.
SEND_BACK = {
    "where": N_("Please say more exactly what you sell, and where we can see it."),
    "contact": N_("We could not reach you at the contact you gave. Please check it."),
    "volume": N_("Please say more exactly how much you would buy."),
}
REFUSE = {
    "not-now": N_("We are not taking new resellers at the moment."),
    "too-small": N_("For so little, the usual prices by quantity are the right ones."),
    "not-you": N_("We do not want to work together. Thank you for asking."),
}
_REASONS = {**SEND_BACK, **REFUSE}


def reason_of(why: str | None, why_text: str | None, speech: Speech, most: int = 1000) -> Safe | None:
    """Why something was sent back or refused, in the reader's language when it is a usual reason."""
    if why_text:
        return plain(why_text, most)
    return speech.say(_REASONS[why]) if why in _REASONS else None


def value_of(found: ApplicationView, asked: Asked, speech: Speech, most: int = 500) -> Safe | None:
    """The answer to a question in the reader's language; None while there is none."""
    value = getattr(found, asked.value)
    if value is None:
        return None
    return speech.say(LEGALS[value]) if isinstance(value, Legal) else plain(value, most)
