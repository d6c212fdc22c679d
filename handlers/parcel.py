"""The codes of an order as messages: hidden until touched, each with a button that copies it; many of them as a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from aiogram import Bot
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup, Message

from core.catalog import ProductKind
from core.inventory import Secret
from core.orders import Parcel, ParcelLine, Seal
from handlers import callbacks
from handlers.pieces import Row, bold, button, clipped, copier, full_name, keyboard, lines, paragraphs, plain, region_name, utf16
from locales import Safe, Speech
from papers.codes_out import codes_csv, codes_txt

AS_TEXT = 10  # codes; more come as a file
TEXT = 4096  # UTF-16 units of a message
CAPTION = 1024
COPIED = 256  # characters that a button can copy
LONGEST_CODE = 1500  # a longer one (a licence text) is easier to keep as a file
CONFETTI = "5046509860389126442"  # Telegram's effect 🎉, for private chats


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to send: a text, or a document with the text as its caption. Holds codes: its repr shows nothing of them."""

    text: str = field(repr=False)
    keyboard: InlineKeyboardMarkup | None = field(default=None, repr=False)
    document: bytes | None = field(default=None, repr=False)
    name: str | None = None
    protect_content: bool = False
    effect: str | None = None
    picture: bool = False  # the document is a picture, shown as one
    file_id: str | None = None  # instead of bytes: a file that Telegram has


def outgoing(parcel: Parcel, speech: Speech, bot_username: str, *, celebrate: bool = True, own: bool = True) -> list[Outgoing]:
    """The messages that hand over an order's codes, in the order to send them; nothing in them exceeds Telegram's limits.

    Buttons for the next step stand under the last one, when it is the reader's `own` order. `celebrate` puts confetti on the first.
    """
    many = sum(len(line.secrets) for line in parcel.lines) > AS_TEXT
    too_long = any(len(part) > LONGEST_CODE for line in parcel.lines for secret in line.secrets for part in _parts(secret))
    messages = list(_files(parcel, speech) if many or too_long else _texts(parcel, speech))
    last = messages[-1]
    under = [*(last.keyboard.inline_keyboard if last.keyboard else []), *(_next_steps(parcel, speech, bot_username) if own else [])]
    messages[-1] = Outgoing(last.text, keyboard(under), last.document, last.name)
    return [
        Outgoing(
            message.text,
            message.keyboard,
            message.document,
            message.name,
            parcel.protect_content,
            CONFETTI if celebrate and index == 0 else None,
        )
        for index, message in enumerate(messages)
    ]


def sealed(seal: Seal, speech: Speech) -> Outgoing:
    """The message that stands for the codes of a sealed order until the buyer opens it; it holds none."""
    said = paragraphs(
        lines(
            speech.many(
                "🎁 {name} · {n} code",
                "🎁 {name} · {n} codes",
                seal.quantity,
                name=bold(clipped(full_name(seal.product, seal.sku, speech), 200)),
            ),
            speech.say("Order {number}", number=Safe(f"<code>{seal.number}</code>")),
        ),
        seal_said(seal, speech),
    )
    return Outgoing(said, keyboard([*seal_buttons(seal, speech), [button(speech.label("🧾 My orders"), callbacks.Orders(fresh=True))]]))


def seal_said(seal: Seal, speech: Speech) -> Safe:
    """What a seal means, and until when the order can be returned."""
    price = bold(speech.price(seal.amount_minor, seal.currency))
    return lines(
        speech.say("🔏 Your order is sealed. Press “Open” and the codes are sent to you."),
        speech.say("Until {when} you can return it unopened and get {price} back.", when=speech.when(seal.until), price=price)
        if seal.returnable
        else speech.say("It can no longer be returned."),
    )


def held_said(until: datetime, speech: Speech) -> Safe:
    """What it means that an order is held, and until when usually."""
    return speech.say(
        "The shop checks this payment before the codes are sent, usually until {when}. You need not do anything; you will be told.",
        when=speech.when(until),
    )


def seal_buttons(seal: Seal, speech: Speech) -> list[Row]:
    """Open, and as long as it can be: return."""
    rows = [[button(speech.label("🔓 Open"), callbacks.Open(id=seal.order_id), "success")]]
    if seal.returnable:
        price = speech.price(seal.amount_minor, seal.currency)
        rows.append([button(speech.label("↩️ Return for {price}", price=price), callbacks.Return(id=seal.order_id))])
    return rows


async def send(bot: Bot, chat_id: int, message: Outgoing) -> Message:
    """Send one of them; raises what Telegram answers."""
    if message.document is not None and message.picture:
        photo = BufferedInputFile(message.document, message.name or "picture.png")
        return await bot.send_photo(chat_id, photo, caption=message.text, reply_markup=message.keyboard)
    if message.document is not None or message.file_id is not None:
        kept = message.file_id or ""
        return await bot.send_document(
            chat_id,
            kept if message.document is None else BufferedInputFile(message.document, message.name or "codes.txt"),
            caption=message.text,
            reply_markup=message.keyboard,
            protect_content=message.protect_content,
            message_effect_id=message.effect,
        )
    return await bot.send_message(
        chat_id,
        message.text,
        reply_markup=message.keyboard,
        protect_content=message.protect_content,
        message_effect_id=message.effect,
    )


def _parts(secret: Secret) -> list[str]:
    bare = secret.bare()
    return [part for part in (bare.card_no, bare.card_pwd) if part]


def _told(secret: Secret) -> tuple[str | None, str | None]:
    """Number and password for a file, with what is told of the code behind them."""
    bare, notes = secret.bare(), secret.notes
    if not notes:
        return bare.card_no, bare.card_pwd
    told = " · ".join([bare.card_pwd or bare.card_no or "", *notes])
    return (bare.card_no, told) if bare.card_pwd else (told, None)


def _next_steps(parcel: Parcel, speech: Speech, bot_username: str) -> list[Row]:
    product = parcel.lines[0].product
    link = f"https://t.me/{bot_username}?start=p-{product.id}"
    share = "https://t.me/share/url?" + urlencode({"url": link, "text": product.name_in(speech.language)})
    return [
        [
            button(speech.label("🔁 Buy again"), callbacks.Again(id=parcel.order_id, fresh=True)),
            button(speech.label("🧾 My orders"), callbacks.Orders(fresh=True)),
        ],
        [InlineKeyboardButton(text=speech.label("Tell a friend"), url=share)],
    ]


def _heading(parcel: Parcel, speech: Speech, line: ParcelLine) -> Safe:
    region = line.sku.redeem_region
    return lines(
        speech.many(
            "🎁 {name} · {n} code",
            "🎁 {name} · {n} codes",
            len(line.secrets),
            name=bold(clipped(full_name(line.product, line.sku, speech), 200)),
        ),
        speech.say("Order {number}", number=Safe(f"<code>{parcel.number}</code>")),
        speech.say("To redeem in: {region}", region=region_name(region, speech)) if region else None,
    )


def _redeeming(line: ParcelLine, speech: Speech) -> str:
    return line.product.redeem_in(speech.language).strip()


@dataclass(frozen=True, slots=True)
class _Block:
    """A part of a text that is not torn apart, with its buttons; a `tight` one stands right under another."""

    text: Safe
    row: Row
    tight: bool = False


def _texts(parcel: Parcel, speech: Speech) -> Iterator[Outgoing]:
    """Texts, as few as hold everything; a code and its buttons stay together."""
    blocks: list[_Block] = []
    for line in parcel.lines:
        blocks.append(_Block(_heading(parcel, speech, line), []))
        for number, secret in enumerate(line.secrets, 1):
            tight = len(_parts(secret)) == 1
            blocks.append(_Block(_code(secret, speech, number, line), _copiers(secret, speech, number, line), tight))
        for index, piece in enumerate(_cut(_redeeming(line, speech), 2000)):
            blocks.append(_Block(_how(piece, speech, first=index == 0), []))
    text, taken = Safe(""), list[_Block]()
    for block in blocks:
        longer = _joined(text, block, taken)
        if taken and utf16(longer) > TEXT:
            yield Outgoing(text, _under(taken))
            longer, taken = block.text, []
        text = longer
        taken.append(block)
    yield Outgoing(text, _under(taken))


def _joined(text: Safe, block: _Block, taken: list[_Block]) -> Safe:
    if not taken:
        return block.text
    return Safe("\n" if block.tight and taken[-1].tight else "\n\n").join([text, block.text])


def _under(blocks: list[_Block]) -> InlineKeyboardMarkup | None:
    """The buttons of the blocks; where each has one, two share a row."""
    rows = [block.row for block in blocks if block.row]
    if len(rows) > 1 and all(len(row) == 1 for row in rows):
        singles = [one for row in rows for one in row]
        rows = [singles[start : start + 2] for start in range(0, len(singles), 2)]
    return keyboard(rows) if rows else None


def _how(piece: str, speech: Speech, *, first: bool) -> Safe:
    said = plain(piece, 2000)
    return speech.say("<b>How to redeem</b>\n{how}", how=said) if first else said


def _hidden(text: str) -> Safe:
    return Safe(f"<tg-spoiler>{plain(text, LONGEST_CODE)}</tg-spoiler>")


def _code(secret: Secret, speech: Speech, number: int, line: ParcelLine) -> Safe:
    parts, notes = _parts(secret), secret.notes
    if line.product.kind == ProductKind.LICENCE and len(parts) == 2 and notes:
        # What stands beside a licence's key is which of its seats this is.
        said = lines(_hidden(parts[0]), speech.say("Your seat: {seat}", seat=notes[0]))
    elif len(parts) == 2:
        said = lines(
            speech.say("Card number: {code}", code=_hidden(parts[0])),
            speech.say("Password: {code}", code=_hidden(parts[1])),
            *(_hidden(note) for note in notes),
        )
    else:
        said = lines(_hidden(parts[0]), *(plain(note) for note in notes))
    return said if len(line.secrets) == 1 else Safe(f"{number}. ") + said


def _copiers(secret: Secret, speech: Speech, number: int, line: ParcelLine) -> Row:
    several = len(line.secrets) > 1
    row: Row = []
    parts = _parts(secret)
    if line.product.kind == ProductKind.MEMBERSHIP and parts[0].startswith("https://t.me/"):
        return [InlineKeyboardButton(text=speech.label("🚪 Join {n}", n=number) if several else speech.label("🚪 Join"), url=parts[0])]
    if len(parts) == 2 and line.product.kind != ProductKind.LICENCE:
        labels = [
            (speech.label("📋 Copy number {n}", n=number) if several else speech.label("📋 Copy number"), parts[0]),
            (speech.label("📋 Copy password {n}", n=number) if several else speech.label("📋 Copy password"), parts[1]),
        ]
    else:
        labels = [(speech.label("📋 Copy {n}", n=number) if several else speech.label("📋 Copy"), parts[0])]
    for label, text in labels:
        if utf16(text) <= COPIED:
            row.append(copier(label, text))
    return row


def _files(parcel: Parcel, speech: Speech) -> Iterator[Outgoing]:
    """A .txt of each denomination, a .csv too where codes have number and password; how to redeem comes first when it is long."""
    for index, line in enumerate(parcel.lines, 1):
        stem = f"codes-{parcel.number}" + (f"-{index}" if len(parcel.lines) > 1 else "")
        heading, redeem = _heading(parcel, speech, line), _redeeming(line, speech)
        caption = paragraphs(heading, _how(redeem, speech, first=True)) if 0 < len(redeem) <= CAPTION else heading
        if len(redeem) > CAPTION or utf16(caption) > CAPTION:
            caption = heading
            for number, piece in enumerate(_cut(redeem, 2000)):
                yield Outgoing(_how(piece, speech, first=number == 0))
        codes = [_told(secret) for secret in line.secrets]
        yield Outgoing(caption, document=codes_txt(codes), name=f"{stem}.txt")
        if any(number and password for number, password in codes):
            yield Outgoing(speech.say("The same codes as a table."), document=codes_csv(codes), name=f"{stem}.csv")


def _cut(text: str, most: int) -> list[str]:
    """A long text in pieces, cut between words where there are any."""
    pieces = []
    while text := text.strip():
        piece = text[:most]
        if len(text) > most and (blank := re.search(r"\s\S*$", piece)) and blank.start() > most // 2:
            piece = piece[: blank.start()]
        pieces.append(piece)
        text = text[len(piece) :]
    return pieces
