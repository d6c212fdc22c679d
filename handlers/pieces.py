"""Pieces of screens: buttons, headings, and how a denomination is written."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable

from aiogram.filters.callback_data import CallbackData
from aiogram.types import (
    CallbackQuery,
    CopyTextButton,
    DisabledButton,
    InaccessibleMessage,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
)

from core.catalog import CategoryView, ProductView, SkuView
from core.money import exponent
from core.showcase import Denomination
from handlers import screen
from locales import Safe, Speech

TEXT = 4096  # UTF-16 units of a message, without its tags
LABEL = 60  # characters of a button; a longer one is cut on every phone
FEW = 5  # the stock is told from here down
GLOBAL = "GLOBAL"
_TAG = re.compile(r"<(/?)[a-z-]+(?: [^>]*)?>")
_SHORTER = (200, 100, 60, 40, 24, 12)

Row = list[InlineKeyboardButton]


def button(label: str, data: CallbackData, style: str | None = None) -> InlineKeyboardButton:
    """A button that comes back to us; `style` is primary, success or danger."""
    return InlineKeyboardButton(text=clipped(label, LABEL), callback_data=data.pack(), style=style)


def disabled(label: str) -> InlineKeyboardButton:
    """A grey button that does nothing."""
    return InlineKeyboardButton(text=clipped(label, LABEL), disabled=DisabledButton())


def copier(label: str, text: str) -> InlineKeyboardButton:
    """A button that copies a text of at most 256 characters."""
    return InlineKeyboardButton(text=clipped(label, LABEL), copy_text=CopyTextButton(text=text))


def keyboard(rows: Iterable[Row]) -> InlineKeyboardMarkup:
    """The rows that have buttons."""
    return InlineKeyboardMarkup(inline_keyboard=[row for row in rows if row])


def clipped(text: str, most: int) -> str:
    """The text, cut with an ellipsis when it has more characters than that; never blank, which Telegram refuses."""
    text = text.strip() or "–"
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def utf16(text: str) -> int:
    """The length of a text as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def shown_length(text: str) -> int:
    """The length of an HTML text as Telegram counts it: without tags, each entity as what it stands for."""
    return utf16(html.unescape(_TAG.sub("", text)))


def fitting(draw: Callable[[int], Safe], most: int) -> Safe:
    """What `draw` makes of texts of at most `most` characters each, or of shorter ones until a message holds it all."""
    for length in (most, *(shorter for shorter in _SHORTER if shorter < most)):
        drawn = draw(length)
        if shown_length(drawn) <= TEXT:
            return drawn
    return within(drawn)


def within(text: str, most: int = TEXT) -> Safe:
    """The text as far as a message holds it, cut after a whole line outside of tags."""
    if shown_length(text) <= most:
        return Safe(text)
    kept = text.split("\n")
    while kept:
        kept.pop()
        cut = "\n".join(kept)
        # An ending tag counts as one less open.
        still_open = sum(-1 if slash else 1 for slash in _TAG.findall(cut))
        if kept and not still_open and shown_length(cut) + 2 <= most:
            return Safe(f"{cut}\n…")
    words = html.unescape(_TAG.sub("", text))
    while utf16(words) >= most:
        words = words[: min(len(words) - 1, most - 1)]
    return Safe(html.escape(words, quote=False) + "…")


def bold(text: str) -> Safe:
    return Safe(f"<b>{html.escape(text, quote=False)}</b>")


def plain(text: str, most: int = 1000) -> Safe:
    """A text of the shopkeeper's or the buyer's, cut and escaped."""
    return Safe(html.escape(clipped(text, most), quote=False))


def paragraphs(*parts: str | None) -> Safe:
    """The parts that are there, with an empty line between."""
    return Safe("\n\n").join(part for part in parts if part)


def lines(*parts: str | None) -> Safe:
    """The parts that are there, each on its line."""
    return Safe("\n").join(part for part in parts if part)


def titled(icon: str | None, name: str) -> str:
    """A name behind its icon."""
    return f"{icon} {name}" if icon else name


def category_name(category: CategoryView, speech: Speech) -> str:
    return titled(category.icon or "📁", category.name_in(speech.language))


def product_name(product: ProductView, speech: Speech) -> str:
    return titled(product.icon, product.name_in(speech.language))


def full_name(product: ProductView, sku: SkuView, speech: Speech) -> str:
    """The denomination with its product, unless its name begins with the product's already."""
    name, whole = sku.name_in(speech.language), product.name_in(speech.language)
    return name if name.casefold().startswith(whole.casefold()) else f"{whole} · {name}"


def flag(region: str | None) -> str:
    """The flag of a country, a globe for everywhere, nothing when it is not said."""
    if not region:
        return ""
    if len(region) == 2 and region.isascii() and region.isalpha() and region.upper() != "EU":
        return "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in region.upper())
    return "🇪🇺" if region.upper() == "EU" else "🌐"


def region_name(region: str, speech: Speech) -> str:
    """Flag and name of where a code can be redeemed."""
    name = speech.label("worldwide") if region.upper() == GLOBAL else speech.region(region)
    return f"{flag(region)} {name}"


def face_value(sku: SkuView, speech: Speech) -> str | None:
    """What the card is worth where it is redeemed, or None when nobody says so."""
    if sku.face_value_minor is None or sku.face_currency is None:
        return None
    return speech.price(sku.face_value_minor, sku.face_currency)


def _named_after_its_worth(name: str, sku: SkuView) -> bool:
    """Whether the name tells the face value: "Steam 50" need not say ¥50.00 again."""
    if sku.face_value_minor is None or sku.face_currency is None:
        return True
    whole, rest = divmod(sku.face_value_minor, 10 ** exponent(sku.face_currency))
    return rest == 0 and str(whole) in name.replace(",", "").replace(" ", "")


def stock_said(left: int, speech: Speech) -> str | None:
    """How many are left, when they are few."""
    # NOTE: Stock of a denomination, when only few are left.
    return speech.label_many("{n} left", "{n} left", left) if 0 < left <= FEW else None


def denomination_label(
    name: str, denomination: Denomination, speech: Speech, *, icon: str | None = None, product: str | None = None
) -> str:
    """What is written on the button of a denomination: region, name, face value, price, and the stock when it is low.

    `product` stands last, as far as there is room: a narrow phone cuts the end.
    """
    sku = denomination.sku
    worth = face_value(sku, speech)
    shown = [titled(icon, f"{flag(sku.redeem_region)} {name}".strip())]
    if worth is not None and not _named_after_its_worth(name, sku):
        shown.append(worth)
    if denomination.sold_out:
        shown.append(speech.label("sold out"))
    else:
        shown.append(speech.price(denomination.price.retail_minor, denomination.price.currency))
        shown += [said for said in [stock_said(denomination.left, speech)] if said]
    # The name gives way: price and stock are what a press agrees to.
    over = len(" · ".join(shown)) - LABEL
    if over > 0:
        shown[0] = clipped(shown[0], max(12, len(shown[0]) - over))
    room = LABEL - len(" · ".join(shown)) - len(" · ")
    if product is not None and room >= 5:
        shown.append(clipped(product, room))
    return " · ".join(shown)


async def show(
    event: Message | CallbackQuery, text: str, markup: InlineKeyboardMarkup | None = None, *, fresh: bool = False
) -> Message | None:
    """Turn the pressed screen into this one; `fresh` sends a new message and leaves the pressed one as it is.

    Returns the message that shows it now; None when Telegram does not say where it was pressed.
    """
    if fresh and isinstance(event, CallbackQuery):
        if isinstance(event.message, Message | InaccessibleMessage):
            return await event.message.answer(text, reply_markup=markup)
        return None
    return await screen.show(event, text, markup)
