"""A Speech says things in one language: sentences with their facts, prices, numbers, dates and lists."""

import copy
import html
import logging
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Self, SupportsIndex
from zoneinfo import ZoneInfo

from babel import dates, lists, numbers
from babel.messages.catalog import Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from locales.sentences import BrokenSentence, filled, placeholders, without_tags
from locales.tongues import CATALOGUE, HERE, SOURCE_LANGUAGE, babel_locale

log = logging.getLogger("locales")

STARS = "XTR"

shop_timezone = ContextVar("shop_timezone", default="Asia/Shanghai")
"""The time zone (its IANA name) of a Speech that is given none: set once, before what speaks is begun; tasks inherit it."""

# How many digits the minor unit has (ISO 4217). CLDR, which Babel follows, gives some currencies fewer digits than their minor
# unit has, and an amount divided by the wrong power of ten is a wrong amount. A test holds this table to that of core/money.py.
_EXPONENTS = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
            STARS,
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}

# CLDR calls a yuan CN¥ wherever a yen is ¥. Here ¥ is always the yuan, in every language, and the yen is never mistaken for it.
_SYMBOLS = {"CNY": "¥", "JPY": "JP¥"}


def N_(sentence: str) -> str:
    """Mark a sentence that is said elsewhere, so that it reaches the catalogues."""
    return sentence


def NN_(singular: str, plural: str) -> tuple[str, str]:
    """Mark a sentence with a number that is said elsewhere: `speech.many(*marked, n)`."""
    return singular, plural


class Safe(str):
    """Text that is HTML already: as a fact of a sentence it is not escaped again. `+` and `join` escape what is not Safe."""

    __slots__ = ()

    def __add__(self, other: str) -> "Safe":
        return Safe(str(self) + escaped(other))

    def __radd__(self, other: str) -> "Safe":
        return Safe(escaped(other) + str(self))

    def __mul__(self, times: SupportsIndex) -> "Safe":
        return Safe(str(self) * times)

    def join(self, parts: Iterable[str]) -> "Safe":
        """The parts with this text between them."""
        return Safe(str(self).join(escaped(part) for part in parts))


def escaped(fact: object) -> str:
    """The fact as HTML text."""
    return str(fact) if isinstance(fact, Safe) else html.escape(str(fact), quote=False)


def _plain(fact: object) -> str:
    return html.unescape(without_tags(fact)) if isinstance(fact, Safe) else str(fact)


@lru_cache
def catalogue(language: str, folder: Path = HERE) -> NullTranslations:
    """The translations of a language, compiled in memory once; without a readable file the source language is said."""
    path = next((path for path in folder.glob(f"*/{CATALOGUE}") if path.parts[-3].replace("_", "-").lower() == language), None)
    if path is None:
        if language != SOURCE_LANGUAGE:
            log.error("There is no catalogue for the language %s.", language)
        return NullTranslations()
    try:
        with path.open("rb") as file:
            messages = read_po(file, locale=str(babel_locale(language)), abort_invalid=True)
    except (PoFileError, ValueError) as error:
        log.error("The catalogue of %s cannot be read: %s", language, error)
        return NullTranslations()
    for message in list(messages):
        if message.id and not _is_complete(message):
            messages.delete(message.id, message.context)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return GNUTranslations(compiled)


def _is_complete(message: Message) -> bool:
    forms = message.string if isinstance(message.string, (tuple, list)) else [message.string]
    return bool(forms) and all(forms)


@lru_cache(maxsize=4096)
def _fits(language: str, translated: str, source: str, spare: frozenset[str]) -> bool:
    """Whether a translation has the placeholders of its source (`spare` ones may be left out); says so in the log, once."""
    try:
        there, wanted = placeholders(translated), placeholders(source)
    except BrokenSentence:
        there, wanted = frozenset(), frozenset("?")
    if there <= wanted and wanted - there <= spare:
        return True
    log.error("The %s translation of %r has other placeholders; the source sentence is said instead.", language, source)
    return False


class Speech:
    """One person's language and time zone (without one, the shop's). Cheap to make: catalogues are shared.

    What `say` and `many` return is HTML for a message, with all facts escaped that are not `Safe`. `label` and `label_many`
    return plain text for buttons, alerts, file names and command descriptions. Facts that are numbers are said as they stand:
    give them through `number`, `price`, `when` … to have them formatted. A translation that does not fit its sentence never
    breaks a screen: the source sentence is said, and the log tells it once. A fact that was not given is our mistake: KeyError.
    """

    __slots__ = ("_catalogue", "_locale", "_zone", "language", "timezone")

    def __init__(self, language: str, timezone: str | None = None, folder: Path = HERE) -> None:
        self.language, self.timezone = language, timezone or shop_timezone.get()
        self._locale = babel_locale(language)
        self._zone: tzinfo = ZoneInfo(self.timezone)
        self._catalogue = catalogue(language, folder)

    def within(self, timezone: str) -> Self:
        """The same language in another time zone."""
        other = copy.copy(self)
        other.timezone, other._zone = timezone, ZoneInfo(timezone)
        return other

    def say(self, msgid: str, /, **facts: object) -> Safe:
        """A sentence of a message, as HTML."""
        return Safe(filled(self._sentence(msgid), {name: escaped(fact) for name, fact in facts.items()}))

    def label(self, msgid: str, /, **facts: object) -> str:
        """A sentence of a button, an alert or a name, as plain text."""
        return filled(self._sentence(msgid), {name: _plain(fact) for name, fact in facts.items()})

    def many(self, singular: str, plural: str, n: int, /, **facts: object) -> Safe:
        """A sentence with a number in it, as HTML; `{n}` is the number, formatted."""
        said = {name: escaped(fact) for name, fact in facts.items()}
        return Safe(filled(self._counted(singular, plural, n), said | {"n": self.number(n)}))

    def label_many(self, singular: str, plural: str, n: int, /, **facts: object) -> str:
        """A sentence with a number in it, as plain text."""
        said = {name: _plain(fact) for name, fact in facts.items()}
        return filled(self._counted(singular, plural, n), said | {"n": self.number(n)})

    def _sentence(self, msgid: str) -> str:
        translated = self._catalogue.gettext(msgid) if msgid else msgid
        return translated if translated is msgid or _fits(self.language, translated, msgid, frozenset()) else msgid

    def _counted(self, singular: str, plural: str, n: int) -> str:
        source = singular if n == 1 else plural
        translated = self._catalogue.ngettext(singular, plural, abs(n))
        # "One card" need not repeat its number; every other name must be there.
        spare = frozenset({"n"}) | (placeholders(plural) - placeholders(singular))
        return translated if translated in (singular, plural) or _fits(self.language, translated, plural, spare) else source

    def spoken(self, facts: Mapping[str, object]) -> dict[str, object]:
        """The facts of a refusal, ready to be said: `balance_minor` beside a `currency` becomes the price `balance`."""
        currency = facts.get("currency")
        ready: dict[str, object] = {}
        for name, fact in facts.items():
            if name.endswith("_minor") and isinstance(fact, int) and isinstance(currency, str):
                ready[name.removesuffix("_minor")] = self.price(fact, currency)
            else:
                ready[name] = fact
        return ready

    def price(self, minor: int, currency: str) -> str:
        """An amount of minor units of a currency: 9500 CNY is ¥95.00 in English, 1234 JPY JP¥1,234, 1234 XTR ⭐ 1,234."""
        if currency == STARS:
            return f"⭐ {self.number(minor)}"
        places = _EXPONENTS.get(currency, 2)
        pattern = copy.copy(self._locale.currency_formats["standard"])
        pattern.frac_prec = (places, places)
        said: str = pattern.apply(Decimal(minor).scaleb(-places), self._locale)
        symbol = _SYMBOLS.get(currency) or numbers.get_currency_symbol(currency, self._locale)
        return _spaced(said.replace("¤", symbol))

    def number(self, n: int | Decimal) -> str:
        """A number with its separators; decimals stay as many as they are."""
        return numbers.format_decimal(n, locale=self._locale, decimal_quantization=False)

    def percent(self, ratio: Decimal | int) -> str:
        """A ratio in percent, with at most two decimals: Decimal("0.0725") is 7.25%."""
        pattern = copy.copy(self._locale.percent_formats[None])
        pattern.frac_prec = (0, 2)
        said: str = pattern.apply(Decimal(ratio), self._locale)
        return said

    def when(self, moment: datetime) -> str:
        """A moment as date and time of day in the person's time zone; raises ValueError when it does not know its own zone."""
        if moment.tzinfo is None:
            raise ValueError("A moment without a time zone cannot be told to anybody.")
        local = moment.astimezone(self._zone)
        time_of_day = dates.format_skeleton("Hm", local, tzinfo=self._zone, locale=self._locale)
        joined = self._locale.datetime_formats["medium"]
        return str(joined).replace("'", "").format(time_of_day, self.day(local))

    def midnight(self, day: date) -> datetime:
        """The moment at which a day begins for the person."""
        return datetime.combine(day, time(), self._zone)

    def day(self, day: date) -> str:
        """A date; of a moment with a time zone, the date that it is for the person."""
        if isinstance(day, datetime) and day.tzinfo is not None:
            day = day.astimezone(self._zone).date()
        return dates.format_date(day, "medium", locale=self._locale)

    def short_day(self, day: date) -> str:
        """A day of this year or the last, as short as it can be written."""
        said: str = dates.format_skeleton("Md", day, locale=self._locale)
        return said

    def region(self, code: str) -> str:
        """The name of a country or region by its ISO 3166 code; a code that is not known is said as it stands."""
        return str(self._locale.territories.get(code.upper(), code))

    def listing(self, items: Iterable[str]) -> str:
        """The items as one text such as "a, b and c"; Safe when one of the items is, with the others escaped."""
        given = list(items)
        if self._locale.language == "zh":  # CLDR's 和 before the last item reads ill between anything but single words.
            return (Safe("、") if any(isinstance(item, Safe) for item in given) else "、").join(given)
        if any(isinstance(item, Safe) for item in given):
            return Safe(lists.format_list([escaped(item) for item in given], locale=self._locale))
        return lists.format_list(given, locale=self._locale)


def _spaced(price: str) -> str:
    """A no-break space between a currency of letters and the number, as CLDR asks and Babel leaves out: KWD 1.500."""
    for index in range(1, len(price)):
        left, right = price[index - 1], price[index]
        if (left.isalpha() and right.isdigit()) or (left.isdigit() and right.isalpha()):
            return f"{price[:index]}\u00a0{price[index:]}"
    return price
