"""What a kind of product is: whether it lies on the shelf, what it asks of a buyer, what it promises, and who does it."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, ClassVar

from core.errors import N_, Refusal
from core.fulfilment.fields import Field, fields_of, plainly, schema_of
from core.people import COUNTRIES

Terms = Mapping[str, Any]
"""What the shopkeeper has set for a product: `products.terms`."""

MOST_COUNTRIES = 100
_LONGEST_TEXT = 1000
_NAME = re.compile(r"[a-z][a-z0-9-]{0,15}")


@dataclass(eq=False)
class NoSuchTerm(Refusal):
    says: ClassVar[str] = N_("“{term}” is nothing that this kind of product knows.")

    term: str


@dataclass(eq=False)
class TermNotNumber(Refusal):
    says: ClassVar[str] = N_("“{term}” must be a whole number from {least} to {most}.")

    term: str
    least: int
    most: int


@dataclass(eq=False)
class TermNotText(Refusal):
    says: ClassVar[str] = N_("“{term}” must be a text of at most {most} characters.")

    term: str
    most: int


@dataclass(eq=False)
class TermMissing(Refusal):
    says: ClassVar[str] = N_("Please set “{term}” first: without it nothing of this kind can be delivered.")

    term: str


@dataclass(eq=False)
class CountriesWrong(Refusal):
    says: ClassVar[str] = N_("Please type countries by two letters each, such as CN TR US.")


@dataclass(eq=False)
class NotLicensed(Refusal):
    """A key for several people comes in, and nothing says that it may be sold so."""

    says: ClassVar[str] = N_("a key for several people, without a paper or a switch that allows it")


@dataclass(frozen=True, slots=True)
class Number:
    """A term that is a whole number; without it the default holds. A `needed` one has no default that would do."""

    name: str
    title: str
    least: int
    most: int
    default: int
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A term that is a text: licence terms, what a brief should say."""

    name: str
    title: str
    needed: bool = False
    typed: bool = True  # False: the bot fills it in (a file's id, a chat's name)


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit as it is brought in: a number, a password, and what is told with it and never makes it another unit."""

    card_no: str | None
    card_pwd: str | None
    notes: Sequence[str] = ()


class Kind:
    """How a kind of product reaches its buyer. Pure: it knows no database; a file in core/fulfilment/kinds holds one as `KIND`."""

    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]  # for the shopkeeper who chooses it
    from_shelf: ClassVar[bool] = True  # its units are brought in; otherwise each is made when it is ordered
    has_fields: ClassVar[bool] = False  # the shopkeeper may ask the buyer for fields
    by_bot: ClassVar[bool] = False  # made by the bot itself
    for_programs: ClassVar[str | None] = "code"  # what the reseller API calls it: code or topup; None where no program can order it
    against: ClassVar[str | None] = None  # a word of aftersale.Reason: what its own `warranty` is about, which others cannot complain of
    numbers: ClassVar[tuple[Number, ...]] = ()
    texts: ClassVar[tuple[Text, ...]] = ()
    switches: ClassVar[tuple[tuple[str, str], ...]] = ()  # terms that are on or off, with their titles

    def fields(self, terms: Terms) -> list[Field]:
        """What the buyer is asked before paying."""
        return fields_of(terms.get("fields")) if self.has_fields else []

    def asks(self, terms: Terms) -> bool:
        """Whether the sale has to ask or check something, or to have something made: then it is never gathered with others."""
        return not self.from_shelf or bool(self.fields(terms)) or bool(terms.get("countries")) or bool(terms.get("for"))

    def clean(self, terms: Terms, answers: Mapping[str, str]) -> dict[str, str]:
        """What the buyer said, as it is kept: only what is asked, each as its pattern wants it. Raises FieldWrong."""
        cleaned = {one.name: one.clean(answers.get(one.name, "")) for one in self.fields(terms)}
        return {name: said for name, said in cleaned.items() if said}

    def number(self, terms: Terms, name: str) -> int:
        """A number of the terms, or its default."""
        known = next(number for number in self.numbers if number.name == name)
        found = terms.get(name)
        return found if isinstance(found, int) and not isinstance(found, bool) else known.default

    def promise(self, terms: Terms) -> timedelta:
        """Until when what is made on order has come; what has not come by then is given back."""
        return (
            timedelta(hours=self.number(terms, "promise_hours"))
            if any(n.name == "promise_hours" for n in self.numbers)
            else timedelta(hours=24)
        )

    def warranty(self, terms: Terms) -> timedelta | None:
        """For how long the kind itself promises that what was bought stays good, whatever shop, product and source say; None: no promise.

        The longer of this and the usual warranty is in force: complaints are in time, and a supplier's money is held, until then.
        """
        return None

    def lane(self, terms: Terms, supplier_id: int, own: bool, upstream_id: int | None) -> str:
        """Who makes it: an upstream shop, the bot itself, the shop's own staff, or a supplier's members by hand."""
        if upstream_id is not None:
            return f"upstream:{upstream_id}"
        if self.by_bot:
            return "bot"
        return "staff" if own else f"supplier:{supplier_id}"

    def words(self, terms: Terms) -> list[tuple[str, dict[str, Any]]]:
        """Sentences for the product's screen, with their facts; a fact called `n` chooses the plural."""
        return []

    def units(self, terms: Terms, card_no: str | None, card_pwd: str | None, more: Sequence[tuple[str, str]] = ()) -> list[Unit]:
        """The units that one line of an import brings in; `more` are its further columns by their headings."""
        return [Unit(card_no, card_pwd)]

    def ready(self, terms: Terms) -> None:
        """Raises TermMissing while something is not set without which nothing can be delivered."""
        needed = [(one.name, one.title) for one in self.numbers if one.needed] + [(one.name, one.title) for one in self.texts if one.needed]
        for name, title in needed:
            if not terms.get(name):
                raise TermMissing(term=title)

    def check_terms(self, terms: Terms) -> dict[str, Any]:
        """The terms as they are kept; raises a Refusal that says what to write. What is needed may still be missing: see `ready`."""
        kept: dict[str, Any] = {}
        for name, value in terms.items():
            if value is None or value in ("", [], {}):
                continue
            kept[name] = self._term(name, value)
        return kept

    def _term(self, name: str, value: object) -> object:
        number = next((one for one in self.numbers if one.name == name), None)
        if number is not None:
            if not isinstance(value, int) or isinstance(value, bool) or not number.least <= value <= number.most:
                raise TermNotNumber(term=number.title, least=number.least, most=number.most)
            return value
        text = next((one for one in self.texts if one.name == name), None)
        if text is not None:
            if not isinstance(value, str) or len(value) > _LONGEST_TEXT or not value.strip():
                raise TermNotText(term=text.title, most=_LONGEST_TEXT)
            return value.strip()
        if any(name == switch for switch, _ in self.switches):
            if not isinstance(value, bool):
                raise NoSuchTerm(term=name)
            return value
        if name == "fields" and self.has_fields:
            return schema_of(fields_of(value))
        if name == "countries":
            return countries_of(value)
        if name in ("for", "job") and isinstance(value, int) and not isinstance(value, bool):
            return value  # Made for one buyer: a milestone of a service.
        raise NoSuchTerm(term=name)


def countries_of(value: object) -> dict[str, list[str]]:
    """Country rules: `{"only": […]}` or `{"never": […]}`, in ISO 3166 letters; raises CountriesWrong."""
    if not isinstance(value, dict) or set(value) - {"only", "never"} or len(value) != 1:
        raise CountriesWrong
    ((how, listed),) = value.items()
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_COUNTRIES:
        raise CountriesWrong
    codes = [plainly(code).upper() if isinstance(code, str) else "" for code in listed]
    if any(code not in COUNTRIES for code in codes):
        raise CountriesWrong
    return {how: sorted(set(codes))}


def sold_in(terms: Terms, country: str | None) -> bool | None:
    """Whether the terms let buyers of this country buy; None when a rule stands and the country is not known."""
    rules = terms.get("countries")
    if not isinstance(rules, Mapping) or not rules:
        return True
    if country not in COUNTRIES:
        return None  # Also what was once typed and is no country: they are asked again.
    return country in rules["only"] if "only" in rules else country not in rules.get("never", ())


@cache
def all_kinds() -> Mapping[str, Kind]:
    """Every kind there is, by its name: each is a file in core/fulfilment/kinds."""
    folder = importlib.import_module("core.fulfilment.kinds")
    found: dict[str, Kind] = {}
    for module in pkgutil.iter_modules(folder.__path__):
        one: Kind = importlib.import_module(f"{folder.__name__}.{module.name}").KIND
        assert one.name not in found, "a kind has one file"
        assert _NAME.fullmatch(one.name), "a kind's name stands in buttons and in narrow columns"
        found[one.name] = one
    return found


def kind(name: str) -> Kind:
    """The kind of this name; a name without a file is a mistake of ours."""
    return all_kinds()[str(name)]
