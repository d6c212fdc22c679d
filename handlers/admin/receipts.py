"""What became of an import, in sentences: how many codes came in, and every line that did not, where it stood and why."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice

from core.errors import N_
from core.inventory import ImportReceipt
from handlers.admin.sent import please_delete
from handlers.pieces import bold, lines, paragraphs, plain
from locales import NN_, Safe, Speech
from papers.codes import BadLine, Fault, Unreadable, Why

MOST_LISTED = 100_000  # refused lines in the document: Telegram takes no larger one, and nobody reads it
FIRST = 20  # refused lines told in the receipt; more of them stand in the document

Place = tuple[str | None, int]
"""Where a line stood: the file in an archive (None outside one), and the line in it."""

_FAULTS = {
    Fault.unknown_format: N_("This is not a list that I can read. Please send .txt, .csv or .xlsx, or one of them in .zip or .gz."),
    Fault.encrypted_archive: N_("The archive has a password. Please send it without one."),
    Fault.nested_archive: N_("There is an archive inside the archive. Please pack the list itself."),
    Fault.outside_name: N_("A file in the archive has a path outside of it in its name. Please pack the plain list and send it again."),
    Fault.too_big: N_("The file is too big. Please split it."),
    Fault.too_many_members: N_("The archive has too many files. Please send fewer at a time."),
    Fault.expands_too_far: N_("The file unpacks to more than I may read. Please split it."),
    Fault.too_many_rows: N_("The list has too many lines. Please split it."),
    Fault.header_unclear: N_("Two columns claim to be the number or the password. Please name one card_no and one card_pwd."),
    Fault.not_text: N_("The file is not text in UTF-8, GB18030 or UTF-16. Please save it as UTF-8."),
    Fault.empty: N_("There are no codes in it."),
    Fault.damaged: N_("The file is damaged. Please send it again."),
}

_WHYS = {
    Why.empty_column: N_("number or password is missing"),
    Why.missing_column: N_("one column is missing"),
    Why.too_many_columns: N_("too many columns"),
    Why.too_long: N_("too long"),
    Why.control_characters: N_("invisible characters inside"),
    Why.not_text: N_("not text"),
    Why.broken_quotes: N_("broken quotation marks"),
    Why.missing_label: N_("without a label"),
    Why.above_header: N_("above the header"),
    Why.formula: N_("a formula"),
    Why.date: N_("a date"),
    Why.number_lost_digits: N_("a number that has lost digits; format the column as text"),
    Why.not_a_whole_number: N_("not a whole number"),
    Why.not_licensed: N_("a key for several people, without a paper or a switch that allows it"),
    Why.not_a_code: N_("not a code"),
}

_DUPLICATE_IN_FILE = N_("twice in the list")
_DUPLICATE_IN_SHOP = N_("the shop has or had it already")
_STAGED_ELSEWHERE = N_("another import is bringing it in")
_BLACKLISTED = N_("on the list of codes that must not be sold")


def unreadable(speech: Speech, trouble: Unreadable) -> Safe:
    return lines(
        bold(speech.label("Nothing was imported.")),
        speech.say("File: {file}", file=plain(trouble.member, 200)) if trouble.member else None,
        speech.say(_FAULTS[trouble.why]),
    )


def receipt_of(
    say: Speech, sku_name: str, receipt: ImportReceipt, *, unread: int, refusals: Sequence[tuple[str, str]], deleted: bool
) -> Safe:
    """The receipt: how many codes came in, how many lines did not, and the first of `refusals`; `unread` lines were malformed."""
    first = [say.say("{line}: {why}", line=line, why=why) for line, why in refusals[:FIRST]]
    all_of = refused_in_all(receipt, unread)
    more = all_of - len(first)
    # A longer document than Telegram takes is cut, and says so.
    listed = say.say("The document names the first {n} of them.", n=say.number(MOST_LISTED)) if all_of > MOST_LISTED else None
    return paragraphs(
        say.say("Import into <b>{name}</b>", name=sku_name),
        lines(*_counts(say, receipt, unread)),
        lines(*first, say.many("and {n} more line, in the document", "and {n} more lines, in the document", more) if more else None, listed)
        if first
        else None,
        None if deleted else please_delete(say),
    )


def _counts(say: Speech, receipt: ImportReceipt, unread: int) -> list[Safe]:
    came_in = (
        NN_("✅ {n} code is on sale.", "✅ {n} codes are on sale.")
        if receipt.on_sale
        else NN_(
            "⏳ {n} code is checked and is being put on sale; that takes some minutes more. Please do not send it again.",
            "⏳ {n} codes are checked and are being put on sale; that takes some minutes more. Please do not send them again.",
        )
    )
    did_not = [
        (
            len(receipt.duplicate_in_file),
            NN_("{n} line is in the list twice; it was taken once.", "{n} lines are in the list twice; each was taken once."),
        ),
        (
            len(receipt.duplicate_in_shop),
            NN_("{n} line holds a code that the shop has or had already.", "{n} lines hold codes that the shop has or had already."),
        ),
        (
            len(receipt.staged_elsewhere),
            NN_(
                "{n} line holds a code that another import is bringing in; should that one fail, send the line again in some minutes.",
                "{n} lines hold codes that another import is bringing in; should that one fail, send the lines again in some minutes.",
            ),
        ),
        (
            len(receipt.blacklisted),
            NN_(
                "⛔ {n} line holds a code that is on the blacklist; it was not taken.",
                "⛔ {n} lines hold codes that are on the blacklist; they were not taken.",
            ),
        ),
        (unread, NN_("{n} line could not be read.", "{n} lines could not be read.")),
    ]
    return [say.many(*came_in, receipt.accepted), *[say.many(*sentence, n) for n, sentence in did_not if n]]


def refused_in_all(receipt: ImportReceipt, unread: int) -> int:
    """How many lines did not go in, `unread` malformed ones among them."""
    return unread + sum(len(numbers) for numbers, _ in _lists(receipt))


def _lists(receipt: ImportReceipt) -> tuple[tuple[list[int], str], ...]:
    return (
        (receipt.duplicate_in_file, _DUPLICATE_IN_FILE),
        (receipt.duplicate_in_shop, _DUPLICATE_IN_SHOP),
        (receipt.staged_elsewhere, _STAGED_ELSEWHERE),
        (receipt.blacklisted, _BLACKLISTED),
    )


def refusals_of(
    say: Speech, receipt: ImportReceipt, bad: Sequence[BadLine], places: Sequence[Place], most: int = MOST_LISTED
) -> list[tuple[str, str]]:
    """The first `most` lines that did not go in, where they stood and why; never what they held. `places` are those of the codes, in order.

    Malformed lines come first: they are what somebody must mend.
    """
    unread = ((line.member, line.line, _WHYS[line.why]) for line in bad)
    known = ((*places[number - 1], why) for numbers, why in _lists(receipt) for number in numbers)
    return [(_said(say, member, line), say.label(why)) for member, line, why in islice(chain(unread, known), most)]


def _said(say: Speech, member: str | None, line: int) -> str:
    if member is None:
        return say.label("Line {line}", line=say.number(line))
    return say.label("{file}, line {line}", file=member, line=say.number(line))
