"""What an application must say, which papers each kind should have, and when two people have to look; nothing here asks a database."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from core.onboarding.refusals import ContactWrong, CountryWrong, DateWrong, TextWrong
from core.onboarding.tables import CheckKind, CheckResult, Kind, Legal, PaperKind
from core.supply import Standing

MOST_PAPERS = 12
MOST_WAITING = 5  # papers of one supplier, besides newer ones, that the staff have not looked at
SOON = timedelta(days=30)  # a paper that expires within so long is worth a word
REMIND = (30, 7, 1)  # days before a paper expires
GRACE_DAYS = 3  # an expired paper stops new listings at once, and sales so many days later
LONGEST_REASON = 1000


class Field(StrEnum):
    """What is asked, in this order."""

    KIND = "kind"
    LEGAL = "legal"
    NAME = "name"
    CONTACT = "contact"
    GOODS = "goods"
    COUNTRY = "country"


LONGEST = {Field.NAME: 200, Field.CONTACT: 200, Field.GOODS: 1000}
SHORTEST = {Field.NAME: 2, Field.CONTACT: 3, Field.GOODS: 3}
MOST_SCOPE, MOST_NUMBER = 300, 64

# Any one paper of each group is enough.
NEEDED: dict[Kind, tuple[frozenset[PaperKind], ...]] = {
    Kind.AUTHORISED: (frozenset({PaperKind.AUTHORISATION}),),
    Kind.OWN_STOCK: (frozenset({PaperKind.PURCHASE}),),
    Kind.CREATOR: (frozenset({PaperKind.WORKS}),),
    Kind.STUDIO: (frozenset({PaperKind.WORKS, PaperKind.AUTHORISATION}),),
}
NEEDED_OF: dict[Legal, frozenset[PaperKind]] = {
    Legal.COMPANY: frozenset({PaperKind.REGISTRATION}),
    Legal.PERSON: frozenset({PaperKind.IDENTITY}),
}

# As what each kind may be approved, the likeliest first.
STANDINGS: dict[Kind, tuple[Standing, ...]] = {
    Kind.AUTHORISED: (Standing.AUTHORISED, Standing.NEW, Standing.TRUSTED),
    Kind.OWN_STOCK: (Standing.NEW, Standing.TRUSTED),
    Kind.CREATOR: (Standing.CREATOR, Standing.NEW),
    Kind.STUDIO: (Standing.CREATOR, Standing.NEW, Standing.TRUSTED),
}


@dataclass(frozen=True, slots=True)
class Risk:
    """When a second person has to approve; whatever is None is not looked at."""

    kind: Kind | None = None
    legal: Legal | None = None
    check: CheckKind | None = None
    results: frozenset[CheckResult] | None = None


# The rule itself, as data: one that fits is enough.
TWO_LOOK_AT = (
    Risk(kind=Kind.STUDIO),
    Risk(kind=Kind.AUTHORISED, legal=Legal.COMPANY, check=CheckKind.MISSING, results=frozenset({CheckResult.WARN, CheckResult.FAIL})),
    Risk(results=frozenset({CheckResult.FAIL})),
)

# Words that no honest application has; the shop's own list of banned words and brands comes on top.
SUSPICIOUS = (
    "carding",
    "cvv",
    "cracked",
    "stolen",
    "hacked",
    "keygen",
    "money laundering",
    "黑卡",
    "盗刷",
    "盗号",
    "洗钱",
    "краденые",
    "взлом",
)


def reviewers_needed(kind: Kind, legal: Legal | None, checks: Collection[tuple[CheckKind, CheckResult]]) -> int:
    """How many different people have to approve: one, or two when a rule of `TWO_LOOK_AT` fits."""
    for risk in TWO_LOOK_AT:
        if risk.kind not in (None, kind) or risk.legal not in (None, legal):
            continue
        if risk.results is None or any(risk.check in (None, what) and result in risk.results for what, result in checks):
            return 2
    return 1


def missing(kind: Kind, legal: Legal, papers: Collection[PaperKind]) -> list[frozenset[PaperKind]]:
    """The groups of papers of which there is none."""
    return [group for group in (*NEEDED[kind], NEEDED_OF[legal]) if not group & set(papers)]


def plain(text: str) -> str:
    """A typed text without what nobody types: control characters, and blanks around."""
    return "".join(c for c in unicodedata.normalize("NFC", text) if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs")).strip()


def folded(text: str) -> str:
    """A text by which two are taken for the same: without case, width, blanks and punctuation."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def clean(field: Field, text: str) -> str:
    """A typed answer as it is kept; raises a refusal that says what to type."""
    said = plain(text)
    if field is Field.COUNTRY:
        code = unicodedata.normalize("NFKC", said).upper()
        if not re.fullmatch(r"[A-Z]{2}", code, re.ASCII):
            raise CountryWrong(text=said[:40])
        return code
    if not SHORTEST[field] <= len(said) <= LONGEST[field] or not folded(said):
        raise TextWrong(least=SHORTEST[field], most=LONGEST[field])
    if field is Field.CONTACT and not _reaches(said):
        raise ContactWrong(text=said[:40])
    return said


def _reaches(contact: str) -> bool:
    """Is there something in it by which a person can be reached: @name, e-mail, link, or a number to call?"""
    return bool(re.search(r"@\w{3,}|[^@\s]+@[^@\s]+\.\w+|(?:https?://|t\.me/|www\.)\S+|(?:\d[\s().-]?){5,}", contact))


def clean_scope(text: str) -> str:
    """What a paper covers; raises TextWrong."""
    said = plain(text)
    if not 2 <= len(said) <= MOST_SCOPE or not folded(said):
        raise TextWrong(least=2, most=MOST_SCOPE)
    return said


def clean_number(text: str) -> str:
    """A certificate's number as its register writes it; raises TextWrong."""
    said = " ".join(plain(text).split())
    if not 2 <= len(said) <= MOST_NUMBER or not folded(said):
        raise TextWrong(least=2, most=MOST_NUMBER)
    return said


_YEAR_FIRST = re.compile(r"(\d{4})\s*[-./年]\s*(\d{1,2})\s*[-./月]\s*(\d{1,2})\s*日?")
_DAY_FIRST = re.compile(r"(\d{1,2})\s*\.\s*(\d{1,2})\s*\.\s*(\d{4})")


def read_date(text: str) -> date:
    """A day as people type it: 2027-12-31, 2027/12/31, 2027年12月31日, 31.12.2027. Raises DateWrong."""
    said = unicodedata.normalize("NFKC", text).strip()
    parts = None
    if found := _YEAR_FIRST.fullmatch(said):
        parts = int(found[1]), int(found[2]), int(found[3])
    elif found := _DAY_FIRST.fullmatch(said):
        parts = int(found[3]), int(found[2]), int(found[1])
    if parts is None:
        raise DateWrong(text=plain(text)[:40])
    try:
        day = date(*parts)
    except ValueError:
        raise DateWrong(text=plain(text)[:40]) from None
    if not 2000 <= day.year <= 2199:
        raise DateWrong(text=plain(text)[:40])
    return day


def suspicious_words(text: str) -> list[str]:
    """The words of `SUSPICIOUS` that stand in a text, however they are written."""
    said = unicodedata.normalize("NFKC", text).casefold()
    return [word for word in SUSPICIOUS if re.search(rf"(?<![a-zа-я]){re.escape(word)}(?![a-zа-я])", said)]
