"""Whatever is typed behind a reseller's command is understood or refused in words, and a table fits wherever it is shown."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar, cast

import pytest
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramForbiddenError, TelegramNotFound
from aiogram.methods import SendRichMessage
from aiogram.types import InputRichBlockParagraph, InputRichMessage, Message, RichTextBold
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.errors import Refusal
from core.resellers import MOST_LINES, MOST_UNITS
from handlers.pieces import TEXT, shown_length
from handlers.reseller import table
from handlers.reseller.arguments import MOST_DAYS, MOST_OF_LINE, BadLines, Ordered, TooManyLines, days, purchase, purchases
from handlers.reseller.desk import CodesPress, ListPress, MembersPress, RolePress, StatementPress, WishPress
from locales import Safe, Speech

T = TypeVar("T")
TODAY = date(2030, 5, 17)
ANY = st.text(max_size=300)
LIKELY = st.text(alphabet="0123456789 ,;\t\n\"'xX十百-年月日./–~，AZaz\u3000\x00", max_size=120)


def refused_or(parse: Callable[[], T]) -> T | str:
    """What the parser makes of it, or the sentence that it refuses it with."""
    speech = Speech("ru")
    try:
        return parse()
    except Refusal as refusal:
        return str(speech.say(refusal.says, **speech.spoken(refusal.facts())))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("12 5", Ordered("12", 5, None)),
        ("12 5 A-1007", Ordered("12", 5, "A-1007")),
        ("steam-50,３", Ordered("steam-50", 3, None)),
        ("12；十二", Ordered("12", 12, None)),
        ("12\tx5\tB/2", Ordered("12", 5, "B/2")),
        ('"steam 50" 2', Ordered("steam 50", 2, None)),
        ("12,5,", Ordered("12", 5, None)),
    ],
)
def test_a_purchase_as_people_type_it(typed: str, meant: Ordered) -> None:
    assert purchase(typed) == meant


@pytest.mark.parametrize("typed", ["", "12", "12 0", "12 -1", "12 10001", "12 5 a b", "12,,5", "12 five", "12 5 " + "a" * 65, "12 5 номер"])
def test_what_is_no_purchase_is_refused(typed: str) -> None:
    with pytest.raises(Refusal):
        purchase(typed)


@given(ANY | LIKELY)
def test_any_text_is_a_purchase_or_a_sentence(text: str) -> None:
    meant = refused_or(lambda: purchase(text))
    if isinstance(meant, str):
        return
    assert meant.word and 1 <= meant.quantity <= MOST_OF_LINE and (meant.number is None or 0 < len(meant.number) <= 64)


@given(ANY | LIKELY)
def test_any_text_is_a_list_or_a_sentence(text: str) -> None:
    found = refused_or(lambda: purchases(text))
    if isinstance(found, str):
        return
    assert 0 < len(found) <= MOST_LINES and sum(one.quantity for one in found) <= MOST_UNITS


def test_a_list_has_bounds_and_names_its_bad_lines() -> None:
    assert len(purchases("\ufeffSKU,quantity\n\n" + "\n".join(f"{n},1" for n in range(1, 201)))) == 200
    for text in ("\n".join(f"{n},1" for n in range(201)), "1,10000\n2,10000\n3,1", "1,1\n" * 20_000):
        with pytest.raises(TooManyLines):
            purchases(text)
    with pytest.raises(BadLines) as bad:
        purchases("1,1\n\nnonsense\n2,x\n")
    assert bad.value.lines == "3, 4"


@given(ANY | LIKELY)
def test_any_text_is_a_span_of_days_or_a_sentence(text: str) -> None:
    try:
        first, last = days(text, TODAY)
    except Refusal:
        return
    assert first <= last and (last - first).days < MOST_DAYS


@pytest.mark.parametrize(
    ("typed", "first", "last"),
    [
        ("", date(2030, 5, 11), TODAY),
        ("30", date(2030, 4, 18), TODAY),
        ("2030-05-01 2030-05-03", date(2030, 5, 1), date(2030, 5, 3)),
        ("2030年5月3日 2030/5/1", date(2030, 5, 1), date(2030, 5, 3)),
        ("1.5.2030–3.5.2030", date(2030, 5, 1), date(2030, 5, 3)),
        ("2030-05-02", date(2030, 5, 2), date(2030, 5, 2)),
    ],
)
def test_days_as_people_type_them(typed: str, first: date, last: date) -> None:
    assert days(typed, TODAY) == (first, last)


@given(st.lists(st.tuples(ANY, st.text(alphabet="蒸汽卡abc 1é\u0301", max_size=60), st.text(max_size=20)), max_size=120))
def test_a_table_stands_in_columns_and_fits_its_messages(cells: list[tuple[str, str, str]]) -> None:
    drawn = table.rows_of(cells, right=(2,), most=(12, 20, 10))
    assert len(drawn) == len(cells) and all(table.width(line) <= 12 + 20 + 10 + 2 for line in drawn)
    assert not any("\n" in line for line in drawn)
    texts = table.messages(Safe("head"), drawn, Safe("tail"))
    assert all(0 < shown_length(text) <= TEXT for text in texts)
    assert sum(text.count("<pre>") for text in texts) == sum(text.count("</pre>") for text in texts)


def test_wide_characters_are_two_columns() -> None:
    assert table.rows_of([("蒸汽", "1"), ("Steam", "22")], right=(1,)) == ["蒸汽   1", "Steam 22"]
    assert table.shortened("蒸汽钱包充值卡", 7) == "蒸汽…卡"
    assert table.shortened("Код пополнения Steam · 50 ¥", 20).endswith("· 50 ¥"), "what tells denominations apart stays"


@given(st.text(max_size=64))
def test_forged_buttons_do_not_parse_or_mean_something_of_ours(data: str) -> None:
    for kind in (CodesPress, ListPress, MembersPress, RolePress, StatementPress, WishPress):
        try:
            made = kind.unpack(data)
        except (ValueError, TypeError, ValidationError):
            continue
        assert len(made.pack().encode()) <= 64


def test_the_longest_buttons_fit() -> None:
    most = 2**63 - 1
    for made in (
        ListPress(id=most, act="a"),
        CodesPress(order=most),
        RolePress(who=most, act="o"),
        StatementPress(first=most, last=most, form="xlsx"),
        WishPress(what="restock", amount=most),
    ):
        assert len(made.pack().encode()) <= 64


TABLES = [
    table.Table(Safe("🏷 <b>A &amp; B</b>"), [("1", "Steam <50>"), ("2", "蒸汽")], ("No.", "Item"), right=(0,), notes={0: ["20+: ¥9"]}),
    table.Table(Safe("more"), [("3", "x")], tail=Safe("To buy: <code>/buy 1 5</code>")),
]


class Told:
    """A chat that takes some kinds of messages, and writes down what it took."""

    def __init__(self, trouble: TelegramAPIError | None = None) -> None:
        self.trouble, self.rich, self.plain = trouble, list[InputRichMessage](), list[str]()

    async def answer_rich(self, rich_message: InputRichMessage, **more: Any) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.rich.append(rich_message)

    async def answer(self, text: str, **more: Any) -> None:
        self.plain.append(text)


async def test_tables_are_one_rich_message_and_text_where_it_is_not_taken() -> None:
    chat = Told()
    await table.send_tables(cast(Message, chat), TABLES)
    [sent] = chat.rich
    assert chat.plain == [] and sent.blocks is not None and len(sent.blocks) == 5
    first = sent.blocks[0]
    assert isinstance(first, InputRichBlockParagraph) and first.text == ["🏷 ", RichTextBold(text="A & B")]

    method = SendRichMessage(chat_id=1, rich_message=sent)
    for trouble in (TelegramBadRequest(method, "Bad Request: RICH_MESSAGE_INVALID"), TelegramNotFound(method, "Not Found")):
        chat = Told(trouble)
        await table.send_tables(cast(Message, chat), TABLES)
        [text] = chat.plain
        assert "<pre>No. Item\n  1 Steam &lt;50&gt;\n    20+: ¥9\n  2 蒸汽</pre>" in text and "/buy 1 5" in text
    with pytest.raises(TelegramForbiddenError):
        await table.send_tables(cast(Message, Told(TelegramForbiddenError(method, "blocked"))), TABLES)


async def test_tables_that_are_too_long_for_one_message_are_text() -> None:
    for rows in ([("x",)] * 600, [("x" * 190,)] * 200):
        chat = Told()
        await table.send_tables(cast(Message, chat), [table.Table(Safe("many"), rows)])
        assert chat.rich == [] and chat.plain and all(len(text) <= 4200 for text in chat.plain)


@given(st.text(), st.text())
def test_a_text_within_tags_is_told_as_it_was(outer: str, inner: str) -> None:
    def words(text: Any) -> str:
        return text if isinstance(text, str) else "".join(map(words, text)) if isinstance(text, list) else words(text.text)

    assert words(table.rich(Safe(f"{html.escape(outer)}<b>{html.escape(inner)}<code>x</code></b>"))) == f"{outer}{inner}x"
