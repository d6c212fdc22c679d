"""How what is asked, chosen and decided of an application is called, for applicants and staff alike."""

from __future__ import annotations

import unicodedata
from datetime import date
from functools import lru_cache

from core.onboarding import ApplicationView, Field, Kind, Legal, PaperKind, PaperView, RenewalView
from core.supply import Standing
from handlers.pieces import clipped, plain
from locales import N_, Safe, Speech, languages

KINDS = {
    Kind.AUTHORISED: N_("Authorised supplier"),
    Kind.OWN_STOCK: N_("Merchant with own stock"),
    Kind.CREATOR: N_("Creator"),
    Kind.STUDIO: N_("Studio"),
}
KINDS_SAID = {
    Kind.AUTHORISED: N_("<b>Authorised supplier</b>: a brand lets you sell its goods, and you have its letter."),
    Kind.OWN_STOCK: N_("<b>Merchant with own stock</b>: you sell what you have bought."),
    Kind.CREATOR: N_("<b>Creator</b>: you sell what you make yourself."),
    Kind.STUDIO: N_("<b>Studio</b>: several creators under one name."),
}
LEGALS = {Legal.COMPANY: N_("Company"), Legal.PERSON: N_("Person")}
STANDINGS = {
    Standing.AUTHORISED: N_("authorised"),
    Standing.TRUSTED: N_("trusted"),
    Standing.NEW: N_("new"),
    Standing.CREATOR: N_("creator"),
    Standing.OWN: N_("the shop itself"),
}
PAPERS = {
    PaperKind.AUTHORISATION: N_("Letter of authorisation"),
    PaperKind.REGISTRATION: N_("Registration of the company"),
    PaperKind.IDENTITY: N_("Identity of the person"),
    PaperKind.PURCHASE: N_("Proof of purchase"),
    PaperKind.WORKS: N_("Proof that the work is yours"),
    PaperKind.OTHER: N_("Another paper"),
}
FIELDS = {
    Field.KIND: N_("Applies as"),
    Field.LEGAL: N_("Company or person"),
    Field.NAME: N_("Name"),
    Field.CONTACT: N_("Contact"),
    Field.GOODS: N_("Goods"),
    Field.COUNTRY: N_("Country"),
}
QUESTIONS = {
    Field.KIND: N_("As what would you like to sell here?"),
    Field.LEGAL: N_("Do you sell as a company or as a person?"),
    Field.NAME: N_("What is your name, or your company's? Type it as it stands on your papers, for example: <i>Blue Sky Games Ltd.</i>"),
    Field.CONTACT: N_("How do we reach you outside this chat? For example: <i>@bluesky_sales</i> or <i>sales@bluesky.example</i>"),
    Field.GOODS: N_("What would you like to sell, and about how much of it? For example: <i>Steam cards of 50 and 100, 2,000 a week</i>"),
    Field.COUNTRY: N_("In which country are you? Type its name or its two letters, for example: <i>Germany</i> or <i>DE</i>"),
}
# What is said to the applicant; the staff choose by number, or type a reason of their own.
SEND_BACK = {
    "unreadable": N_("A paper cannot be read. Please send a clearer picture of it."),
    "missing": N_("A paper is missing. Please look at the list of papers and add it."),
    "expired": N_("A paper has expired. Please send one that is valid."),
    "goods": N_("Please say more exactly what you want to sell, and where it comes from."),
    "contact": N_("We could not reach you at the contact you gave. Please check it."),
}
REFUSE = {
    "not-now": N_("We are not taking new suppliers of these goods at the moment."),
    "not-confirmed": N_("We could not confirm your papers."),
    "not-here": N_("Goods of this kind are not sold in this shop."),
    "not-you": N_("We do not want to work together. Thank you for asking."),
}
_REASONS = {**SEND_BACK, **REFUSE}
_ALSO = {
    "usa": "US", "america": "US", "сша": "US", "美國": "US", "uk": "GB", "england": "GB", "англия": "GB", "英国": "GB", "uae": "AE",
    "korea": "KR", "корея": "KR", "hong kong": "HK", "hongkong": "HK", "香港": "HK", "гонконг": "HK", "macau": "MO", "macao": "MO",
    "澳门": "MO", "澳門": "MO", "макао": "MO", "臺灣": "TW", "中国大陆": "CN", "中國大陸": "CN",
}  # fmt: skip
_NO_COUNTRIES = {"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO", "CP", "DG", "CQ", "AC", "TA", "IC", "EA"}


def reason_of(why: str | None, why_text: str | None, speech: Speech, most: int = 1000) -> Safe | None:
    """Why something was sent back or refused, in the reader's language when it is a usual reason."""
    if why_text:
        return plain(why_text, most)
    return speech.say(_REASONS[why]) if why in _REASONS else None


def until(day: date | None, speech: Speech) -> str:
    """The last day of a paper."""
    return speech.label("until {day}", day=speech.day(day)) if day is not None else speech.label("no last day")


def paper_line(paper: PaperView, speech: Speech, most: int = 100) -> Safe:
    """A paper in one line: what it is, what it covers, until when, and its number."""
    said = [plain(speech.label(PAPERS[paper.kind]) if paper.kind else speech.label("A new paper"))]
    if paper.scope:
        said.append(plain(paper.scope, most))
    if paper.next is None:
        said.append(plain(until(paper.expires_on, speech)))
    else:
        said.append(speech.say("not described yet"))
    if paper.number:
        said.append(speech.say("No. {number}", number=clipped(paper.number, max(most, 24))))
    return Safe(" · ").join(said)


def sent_paper_line(paper: RenewalView, speech: Speech, most: int = 100) -> Safe:
    """A paper that was sent from the chat, or a draft of one, in one line: as much as was said of it."""
    said = [plain(speech.label(PAPERS[paper.kind]) if paper.kind else speech.label("A new paper"))]
    if paper.scope:
        said.append(plain(paper.scope, most))
    if paper.dated:
        said.append(plain(until(paper.expires_on, speech)))
    if paper.number:
        said.append(speech.say("No. {number}", number=clipped(paper.number, max(most, 24))))
    return Safe(" · ").join(said)


def value_of(application: ApplicationView, field: Field, speech: Speech, most: int = 1000) -> Safe | None:
    """The answer to a field in the reader's language; None while there is none."""
    if field is Field.KIND:
        return speech.say(KINDS[application.kind])
    if field is Field.LEGAL:
        return speech.say(LEGALS[application.legal]) if application.legal else None
    if field is Field.COUNTRY:
        return plain(speech.region(application.country)) if application.country else None
    said = {Field.NAME: application.name, Field.CONTACT: application.contact, Field.GOODS: application.goods}[field]
    return plain(said, most) if said else None


@lru_cache
def _countries(language: str) -> dict[str, str]:
    """Names of countries in a language, and their codes."""
    speech, letters = Speech(language), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    codes = [first + second for first in letters for second in letters]
    known = {code: speech.region(code) for code in codes if code not in _NO_COUNTRIES}
    return {name.casefold(): code for code, name in known.items() if name != code}


def country_code(text: str) -> str:
    """The two letters of a country whose name was typed in any of the shop's languages; what is not found stays as it was typed."""
    said = unicodedata.normalize("NFKC", text).strip()
    if len(said) == 2 and said.isascii():
        known = said.upper() in set(_countries("en").values())
        return said.upper() if known else _ALSO.get(said.casefold(), f"{said}?")
    for language in languages():
        if (code := _countries(language).get(said.casefold())) is not None:
            return code
    return _ALSO.get(said.casefold(), said)
