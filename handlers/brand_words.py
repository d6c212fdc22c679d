"""How resellers' own bots are told of: their state, their markup, and a markup as people type it."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from core.brands import MOST_ADDED_MINOR, MOST_POINTS, BrandView, Markup, NotAMarkup
from core.money import NotAnAmount, parse_minor
from handlers.notes import Note, Said, Wording
from handlers.pieces import paragraphs, plain
from locales import Safe, Speech

_PERCENT = re.compile(r"(?<![\d.,])(\d{1,4}(?:[.,]\d{1,2})?)\s*%")


def state_said(brand: BrandView, speech: Speech, *, entitled: bool) -> Safe:
    """Whether it is open, and if not, why and what to do."""
    if brand.refused_at is not None:
        return speech.say("🔑 Telegram does not know its token any more: please send me the new one.")
    if brand.stopped_at is not None:
        return speech.say("⛔️ stopped by the shop: {why}", why=plain(brand.stopped_why or "–", 300))
    if not entitled:
        return speech.say("🔒 nothing is for sale: its package is not paid. /packages shows them.")
    if brand.paused_at is not None:
        return speech.say("⏸ paused by you: nothing is for sale, and who has bought is served")
    return speech.say("🟢 open")


def markup_said(markup: Markup, currency: str, speech: Speech) -> Safe:
    """What is added, in words that follow "what you pay"."""
    parts = []
    if markup.points or not markup.added_minor:
        parts.append(f"+ {speech.number(Decimal(markup.points) / 100)}%")
    if markup.added_minor:
        parts.append(f"+ {speech.price(markup.added_minor, currency)}")
    said = Safe(" ".join(parts))
    if markup.step_minor > 1:
        return speech.say("{added}, rounded up to {step}", added=said, step=speech.price(markup.step_minor, currency))
    return said


def markup_typed(text: str, currency: str) -> tuple[int, int]:
    """Hundredths of a per cent, and minor units: "12.5%", "0.50", "10% + 0.50". Raises NotAMarkup."""
    plain_text = unicodedata.normalize("NFKC", text).strip().lstrip("+").strip()
    points = added = 0
    rest = plain_text
    found = _PERCENT.search(plain_text)
    if found is not None:
        points = int(Decimal(found[1].replace(",", ".")) * 100)
        rest = (plain_text[: found.start()] + " " + plain_text[found.end() :]).replace("+", " ").strip()
    if rest:
        try:
            added = parse_minor(rest, currency)
        except NotAnAmount:
            raise NotAMarkup from None
    if not plain_text or not (0 <= points <= MOST_POINTS and 0 <= added <= MOST_ADDED_MINOR):
        raise NotAMarkup
    return points, added


def refused(note: Note) -> Said:
    """Telegram does not know the token of a bot any more."""
    speech, body = note.speech, note.body
    said = paragraphs(
        speech.say("🔑 Telegram does not know the token of @{username} any more, so it does not answer.", username=str(body["username"])),
        speech.say("Its customers' codes wait and nothing is lost. Please send me its new token: /mybot"),
    )
    return said, None


def shared(note: Note) -> Said:
    """Another program uses the token of a bot."""
    name = str(note.body["username"])
    said = paragraphs(
        note.speech.say("⚠️ Another program uses @{username}, too: what it takes of what customers write never gets here.", username=name),
        note.speech.say("Please stop it. If you do not know it, make a new token at @BotFather and send it to me: /mybot, 🔑 New token."),
    )
    return said, None


def stopped(note: Note) -> Said:
    """The shop has stopped a bot, or lets it go on."""
    speech, body = note.speech, note.body
    name = str(body["username"])
    if body["on"]:
        return speech.say("▶️ The shop lets @{username} sell again.", username=name), None
    why = plain(str(body["why"]), 300)
    return speech.say("⛔️ The shop has stopped @{username}: {why}. Who has bought there is served.", username=name, why=why), None


SAYS: dict[str, Wording] = {"brand-refused": refused, "brand-shared": shared, "brand-stopped": stopped}
