"""Exchange rates as the staff see them: what one unit is worth, where that comes from and how old it is, and setting it by hand."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, ClassVar

from aiogram import F, Router
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from core import rates
from core.catalog import Gone
from core.database import Shop
from core.errors import N_, Refusal
from core.money import STARS
from core.ports import PaymentMethod
from core.rates import JumpSeen, Pair, Quoted
from handlers.admin.desk import QUESTIONS, Asked, Desk, Do, Go, Question, ask, do, go
from handlers.means import name_of
from handlers.pieces import Row, bold, keyboard, lines, paragraphs
from locales import Safe, Speech

SOURCES = {
    rates.STAFF: N_("set by hand"),
    rates.SETTINGS: N_("from the settings"),
    "seed": N_("from the catalogue file"),
}
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_RATE = re.compile(r"\d{1,9}(\.\d{1,12})?", re.ASCII)
_HOURS = 48  # so long an age is told in hours, and then in days


@dataclass(eq=False)
class NotAWorth(Refusal):
    says: ClassVar[str] = N_(
        "“{text}” is not what one {base} can be worth. Please type a number above zero with a point, such as {example}."
    )

    text: str
    base: str
    example: str


def router() -> Router:
    made = Router(name="admin-rates")
    made.callback_query.register(all_rates, Go.filter(F.to == "rates"))
    made.callback_query.register(one_rate, Go.filter(F.to == "rate"))
    made.callback_query.register(taken, Do.filter(F.act == "rate-take"))
    made.callback_query.register(handed_back, Do.filter(F.act == "rate-back"))
    return made


def _asked_in(methods: Mapping[str, PaymentMethod], currency: str) -> dict[str, list[str]]:
    """The currencies that ways to pay ask in, other than the shop's, each with those ways."""
    found: dict[str, list[str]] = {}
    for name, method in methods.items():
        if method.capabilities.currency != currency:
            found.setdefault(method.capabilities.currency, []).append(name)
    return found


async def all_rates(press: CallbackQuery, desk: Desk, methods: Mapping[str, PaymentMethod]) -> None:
    """Every currency that a way to pay asks in, or that ever had a rate."""
    say, quote = desk.speech, desk.storefront.currency
    used = _asked_in(methods, quote)
    pairs = await desk.shop.read(rates.pairs, quote=quote, also=tuple(used))
    text = paragraphs(
        bold(say.label("Exchange rates")),
        *[_told(say, pair, used.get(pair.base, []), desk.shop.tools.clock()) for pair in pairs],
        None if pairs else say.say("No way to pay asks in another currency than the shop's, so no rate is needed."),
    )
    buttons = [go(pair.base, "rate", arg=pair.base) for pair in pairs]
    rows: list[Row] = [buttons[first : first + 4] for first in range(0, len(buttons), 4)]
    rows += [_take(say, pair.jump) for pair in pairs if pair.jump is not None]
    await desk.show(press, text, [*rows, desk.back("settings")])


async def one_rate(press: CallbackQuery, callback_data: Go, desk: Desk, methods: Mapping[str, PaymentMethod]) -> None:
    await _show(press, desk, callback_data.arg, methods)


async def _show(event: Message | CallbackQuery, desk: Desk, base: str, methods: Mapping[str, PaymentMethod] | None = None) -> None:
    """One currency, with what can be done about its rate. Raises Gone."""
    say, pair = desk.speech, await _pair(desk, base)
    used = _asked_in(methods or {}, desk.storefront.currency).get(base, [])
    rows: list[Row] = [] if pair.jump is None else [_take(say, pair.jump)]
    by_hand = [ask(say.label("✏️ Set by hand"), "rate.set", arg=base)]
    if pair.newest is not None and pair.newest.source == rates.STAFF and base != STARS:
        by_hand.append(do(say.label("↩️ Back to the source"), "rate-back", arg=base))
    await desk.show(event, _told(say, pair, used, desk.shop.tools.clock()), [*rows, by_hand, desk.back("rates")])


async def _pair(desk: Desk, base: str) -> Pair:
    if not _CURRENCY.fullmatch(base) or base == desk.storefront.currency:
        raise Gone
    found = await desk.shop.read(rates.pairs, quote=desk.storefront.currency, also=(base,))
    return next(pair for pair in found if pair.base == base)


def _told(say: Speech, pair: Pair, ways: list[str], now: datetime) -> Safe:
    """What stands of one currency."""
    quoted = pair.newest
    asking = say.listing([name_of(way, say) for way in ways])
    if quoted is None or quoted.source == rates.HANDED_BACK:
        facts = [say.say("{base}: there is no rate.", base=bold(pair.base))]
    else:
        facts = [
            say.say(
                "{rate} – {source}, {age}", rate=bold(written(quoted.rate, quoted)), source=_source(say, quoted), age=_age(say, quoted, now)
            )
        ]
        if quoted.market != quoted.rate:
            facts.append(say.say("without the buffer: {rate}", rate=written(quoted.market, quoted)))
        if not pair.holds:
            facts.append(say.say("🔴 Too old: nothing is converted at it."))
        elif quoted.valid_until is not None:
            facts.append(say.say("holds until {when}", when=say.when(quoted.valid_until)))
    if ways:
        sentence = N_("used by: {ways}") if pair.holds else N_("not offered without a rate: {ways}")
        facts.append(say.say(sentence, ways=asking))
    if pair.jump is not None:
        facts.append(
            say.say("🟡 The source says {rate}, which is far from it. Nothing is changed until you take it.", rate=_of_jump(pair.jump))
        )
    return lines(*facts)


def _source(say: Speech, quoted: Quoted) -> str:
    return say.label(SOURCES[quoted.source]) if quoted.source in SOURCES else quoted.source


def _age(say: Speech, quoted: Quoted, now: datetime) -> Safe:
    hours = max(0, (now - quoted.as_of) // timedelta(hours=1))
    if hours == 0:
        return say.say("less than an hour old")
    if hours < _HOURS:
        return say.many("{n} hour old", "{n} hours old", hours)
    return say.many("{n} day old", "{n} days old", hours // 24)


def written(minor: Fraction, of: Quoted | JumpSeen) -> str:
    """A rate as it is said between whole units, to six digits: 1 USD = 7.2 CNY."""
    whole = rates.in_whole(minor, of.base, of.quote)
    return f"1 {of.base} = {Context(prec=6).divide(Decimal(whole.numerator), Decimal(whole.denominator)).normalize():f} {of.quote}"


def _of_jump(jump: JumpSeen) -> str:
    return written(jump.market, jump)


def _take(say: Speech, jump: JumpSeen) -> Row:
    return [do(say.label("✅ Take {rate}", rate=_of_jump(jump)), "rate-take", jump.id, style="success")]


async def taken(press: CallbackQuery, callback_data: Do, desk: Desk, methods: Mapping[str, PaymentMethod]) -> None:
    """One press believes a jump; the first of two who press decides."""
    made = await desk.shop.write(rates.take_jump, jump_id=callback_data.id, quote=desk.storefront.currency, by=desk.by)
    await _show(press, desk, made.base, methods)


async def handed_back(press: CallbackQuery, callback_data: Do, desk: Desk, methods: Mapping[str, PaymentMethod]) -> None:
    """What was set by hand ends; the background asks the source within seconds, if its last rate does not hold any more."""
    await _pair(desk, callback_data.arg)
    await desk.shop.write(rates.hand_back, base=callback_data.arg, quote=desk.storefront.currency, by=desk.by)
    await _show(press, desk, callback_data.arg, methods)


def _example(pair: Pair) -> str:
    if pair.newest is None:
        return "7.20"
    return written(pair.newest.rate, pair.newest).split()[3]


async def _ask_rate(desk: Desk, asked: Asked) -> Safe:
    pair = await _pair(desk, asked.arg)
    return desk.speech.say(
        "Type what one {base} is worth in {currency}, for example: <i>{example}</i>. It holds until you set another or give it back.",
        base=asked.arg,
        currency=desk.storefront.currency,
        example=_example(pair),
    )


async def _set_rate(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    pair, quote = await _pair(desk, asked.arg), desk.storefront.currency
    plain = unicodedata.normalize("NFKC", text).replace(" ", "")
    if not _RATE.fullmatch(plain) or not Decimal(plain):
        raise NotAWorth(text=text[:40], base=pair.base, example=_example(pair))
    rate = rates.in_minor(Fraction(plain), pair.base, quote)
    await desk.shop.write(rates.set_rate, base=pair.base, quote=quote, rate=rate, source=rates.STAFF, by=desk.by)
    await _show(message, desk, pair.base)


async def alerted(body: Mapping[str, Any], speech: Speech, shop: Shop) -> tuple[Safe, InlineKeyboardMarkup | None]:
    """What the staff are told of rates: one that is missing, one that is too old, one that has jumped."""
    if body["says"] == "rate-jump":
        jump, before = await shop.read(rates.jump, int(body["jump"]))
        said = speech.say(
            "🟡 {source} now says {rate}; before, it was {before}. Nothing was changed. Is it right?",
            source=jump.source,
            rate=bold(_of_jump(jump)),
            before=written(before.market, before),
        )
        return said, keyboard([_take(speech, jump), [go(speech.label("💱 Rates"), "rates")]])
    base, ways = str(body["base"]), speech.listing([name_of(str(way), speech) for way in body["ways"]])
    if body["says"] == "rate-too-old":
        said = speech.say(
            "🔴 The rate of {base} is too old (of {when}), so these ways to pay are not offered: {ways}. "
            "They come back by themselves with a new rate; you can also set one by hand.",
            base=bold(base),
            when=speech.when(datetime.fromisoformat(str(body["as_of"]))),
            ways=ways,
        )
    else:
        said = speech.say("🔴 There is no rate of {base}, so these ways to pay are not offered: {ways}.", base=bold(base), ways=ways)
    return paragraphs(said), keyboard([[go(speech.label("💱 Rates"), "rates"), ask(speech.label("✏️ Set by hand"), "rate.set", arg=base)]])


QUESTIONS["rate.set"] = Question(_ask_rate, _set_rate, "rates")
