"""The books in the chat: days by button and by typing, the picture, the spreadsheet, and the switch of the morning post."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from aiogram.methods import SendDocument, SendPhoto
from aiogram.types import BufferedInputFile

from core import books, orders
from core.books import Payments
from core.database import Shop
from core.money import decimal_text
from handlers.admin.books import NotDays, days_typed
from handlers.admin.desk import Do, Go
from handlers.statement import COLUMNS, sheet, statement_csv, statement_png, told
from locales import Speech
from papers.pictures import drawable
from tests.admin.direct import Chatter, at_the_desk
from tests.admin.staff import walks
from tests.handlers.counter import Buyer, Counter
from tests.stage import Clock, Goods, person

LANGUAGES = ("en", "zh-hans", "zh-hant", "ru")


@pytest.fixture
async def desk(shop: Shop, goods: Goods) -> Chatter:
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once="bought", **goods.terms())
    return await at_the_desk(shop, goods.storefront)


async def test_the_books_show_a_day_by_button_and_any_days_by_typing(shop: Shop, desk: Chatter) -> None:
    day = await shop.read(books.today_of, timezone="Asia/Shanghai")

    shown = await desk.presses(Go(to="books"))
    assert "Sales: <b>¥285.00</b>" in shown and "Orders: 1" in shown and "Equal to the ledger" in shown
    assert f"adm:books-png:0:0:{day:%Y%m%d}-{day:%Y%m%d}" in desk.keyboard()
    before = day - timedelta(days=1)
    assert "Sales: <b>¥0.00</b>" in await desk.presses(Go(to="books", arg=f"{before:%Y%m%d}-{before:%Y%m%d}"))
    assert "Sales: <b>¥285.00</b>" in await desk.answers("books.days", 0, f"{before.isoformat()} – {day.isoformat()}")


async def test_what_is_no_day_is_refused_in_a_sentence_and_asked_again(desk: Chatter) -> None:
    for text, says in (
        ("yesterday", "is not a day"),
        ("2026-02-30", "is not a day"),
        ("2026-03-02 2026-03-01", "from an earlier to a later one"),
        ("2024-01-01 2026-01-01", "at most 366 days"),
    ):
        assert says in await desk.answers("books.days", 0, text)
    assert "A statement covers one day" in await desk.presses(Go(to="books", arg="20260231-20260231"))
    assert "A statement covers one day" in await desk.presses(Go(to="books", arg="nonsense"))


def test_days_are_typed_in_many_ways() -> None:
    day, last = date(2026, 11, 1), date(2026, 11, 21)
    for text in ("2026-11-01", "2026.11.1", " 2026/11/01 ", "2026年11月1日", "２０２６-11-01"):
        assert days_typed(text, last) == (day, day)
    for text in ("2026-11-01 2026-11-21", "2026-11-01 – 2026-11-21", "2026-11-01..2026-11-21", "2026年11月1日至2026年11月21日"):
        assert days_typed(text, last) == (day, last)
    with pytest.raises(NotDays):
        days_typed("11-21", last)


async def test_picture_and_spreadsheet_come_as_files(shop: Shop, desk: Chatter) -> None:
    day = await shop.read(books.today_of, timezone="Asia/Shanghai")
    span = f"{day:%Y%m%d}-{day:%Y%m%d}"

    await desk.presses(Go(to="books-png", arg=span))
    [photo] = [call for call in desk.session.calls if isinstance(call, SendPhoto)]
    await desk.presses(Go(to="books-csv", arg=span))
    [document] = [call for call in desk.session.calls if isinstance(call, SendDocument)]

    assert isinstance(photo.photo, BufferedInputFile) and photo.photo.data.startswith(b"\x89PNG")
    assert isinstance(document.document, BufferedInputFile)
    assert document.document.filename == f"statement-{day.isoformat()}.csv"
    assert b",sales,sales,,,CNY,1,285.00," in document.document.data


async def test_the_spreadsheet_read_back_is_the_statement_in_every_language(shop: Shop, goods: Goods, desk: Chatter) -> None:
    day = await shop.read(books.today_of, timezone="Asia/Shanghai")
    made = await shop.read(books.statement, goods.storefront.id, *books.span(day, day, "Asia/Shanghai"))
    for language in LANGUAGES:
        rows = list(csv.DictReader(io.StringIO(statement_csv(made, Speech(language)).decode("utf-8-sig"))))
        assert tuple(rows[0]) == COLUMNS
        lines = books.lines(made)
        assert len(rows) == len(lines)
        for row, line in zip(rows, lines, strict=True):
            assert (row["from"], row["to"], row["section"], row["code"]) == (day.isoformat(), day.isoformat(), line.section, line.code)
            assert line.minor is None or Decimal(row["amount"]) == Decimal(decimal_text(line.minor, line.currency))
            assert row["words"]
        wallet = {row["code"]: Decimal(row["amount"]) for row in rows if row["code"].startswith("wallet.")}
        assert wallet["wallet.opening"] + wallet["wallet.in"] - wallet["wallet.out"] == wallet["wallet.closing"] == Decimal("715.00")


async def test_the_picture_and_the_text_are_made_in_every_language(shop: Shop, goods: Goods, desk: Chatter) -> None:
    day = await shop.read(books.today_of, timezone="Asia/Shanghai")
    made = await shop.read(books.statement, goods.storefront.id, *books.span(day, day, "Asia/Shanghai"))
    for language in LANGUAGES:
        speech = Speech(language)
        said = sheet(made, speech)
        for row in [*said.headline, *(row for card in said.cards for row in card.rows)]:
            assert drawable(row.label) and drawable(row.value).replace("★", "⭐") == row.value
        assert statement_png(made, speech).startswith(b"\x89PNG")
        assert len(told(made, speech)) < 1024, "it stands under a picture"


async def test_the_picture_begins_with_what_matters_and_has_no_line_that_is_nothing(shop: Shop, goods: Goods, desk: Chatter) -> None:
    day = await shop.read(books.today_of, timezone="Asia/Shanghai")
    made = await shop.read(books.statement, goods.storefront.id, *books.span(day, day, "Asia/Shanghai"))
    said = sheet(made, Speech("en"))

    assert [row.label for row in said.headline] == ["Sales less refunds", "Margin before fees", "Orders", "Codes", "Balances of customers"]
    assert [card.title for card in said.cards] == ["Sales · CNY", "Balances of customers · CNY", "Other accounts"]
    assert [row.value for card in said.cards for row in card.rows if "0.00" in row.value.split("¥")] == []

    way = Payments("stripe", "CNY", 1, 9500, disputed=1, disputed_minor=9000, charged_minor=1500, lost_minor=7, regained_minor=3)
    bad = sheet(replace(made, payments=(way,), questioned_minor={"CNY": 9500}), Speech("en"))
    assert [card.title for card in bad.cards][:3] == ["Paid in", "Sales · CNY", "What went back"] and bad.cards[0].tiles
    assert [(row.label, row.value) for row in bad.cards[2].rows] == [
        ("In dispute at this moment", "¥95.00"),
        ("Card: Taken by disputes", "-¥90.00"),
        ("Card: Fees of disputes", "-¥15.00"),
        ("Card: Lost of what went back", "-¥0.07"),
        ("Card: Of losses, there again", "¥0.03"),
    ]


async def test_a_currency_whose_sign_cannot_be_drawn_stands_there_by_its_code(shop: Shop, goods: Goods, desk: Chatter) -> None:
    day = await shop.read(books.today_of, timezone="Asia/Shanghai")
    made = await shop.read(books.statement, goods.storefront.id, *books.span(day, day, "Asia/Shanghai"))
    in_roubles = replace(made, currency="RUB", sales=(replace(made.sales[0], currency="RUB"),))

    assert "₽" in told(in_roubles, Speech("ru"))
    assert sheet(in_roubles, Speech("ru")).headline[0].value.split() == ["285,00", "RUB"]


async def test_the_morning_post_is_switched_in_the_settings(shop: Shop, goods: Goods, desk: Chatter) -> None:
    assert "Each morning the owners get" in await desk.presses(Go(to="settings"))
    assert "No statement is sent" in await desk.presses(Do(act="statement", arg="off"))
    assert not await shop.read(books.daily_wanted, storefront_id=goods.storefront.id)
    assert "Each morning the owners get" in await desk.presses(Do(act="statement", arg="on"))


async def test_the_statement_of_yesterday_arrives_as_a_picture(
    shop: Shop, clock: Clock, counter: Counter, admin: Buyer, goods: Goods
) -> None:
    buyer = await counter.buyer("second", money_minor=100_000)
    await buyer.say("/start")
    await admin.say("/admin")
    await shop.write(orders.buy, buyer_id=buyer.customer.id, quantity=2, once="bought", **goods.terms())
    local = clock().astimezone(ZoneInfo("Asia/Shanghai"))
    clock.passes(hours=24 + 9 - local.hour)

    posted = await shop.write(books.post_daily, storefront_id=goods.storefront.id, timezone="Asia/Shanghai")
    counter.courier.wake()

    assert posted == 1
    seen = await admin.sees("Sales: ¥190.00")
    assert seen["photo"] and "Orders: 1" in seen["caption"]
    await walks(admin, "📒 Books", "📄 Spreadsheet")
    assert (await admin.sees("📒"))["document"]["file_name"].endswith(".csv")
