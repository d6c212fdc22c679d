"""`shop statement`: what a day, or any span of days, has brought; as a table, a spreadsheet and a picture."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.commands.opening import Unusable, shop_to_read, usable
from bot.settings import SettingsWrong, read_settings
from core import books, storefronts
from core.books import MOST_DAYS, Section, SpanWrong, Statement
from core.money import decimal_text
from handlers.statement import period, seal, statement_csv, statement_png, words
from locales import Speech

_HEADS = {
    Section.SALES: "Sales",
    Section.COST: "Cost and margin",
    Section.PAYMENTS: "Payments",
    Section.ACCOUNTS: "Accounts",
    Section.DIFFERENCES: "Differences",
}


async def tell_statement(*, day: str | None, first: str | None, last: str | None, csv: Path | None, png: Path | None) -> int:
    """Print it, and write the files that were asked for; 1 when it does not equal the ledger."""
    settings = read_settings()
    if (day is not None and (first or last)) or (first is None) != (last is None):
        raise SettingsWrong("Name one day by --day, or the first and the last by --from and --to.")
    async with shop_to_read(settings) as shop:
        with usable(settings):
            storefront = await shop.read(storefronts.first)
            if storefront is None:
                raise Unusable("The shop has not been opened yet: `shop run` or `shop seed` opens it.")
            today = await shop.read(books.today_of, timezone=settings.timezone)
            begin = _day(day or first) if day or first else today - timedelta(days=1)
            end = _day(last) if last else begin
            try:
                since, until = books.span(begin, end, settings.timezone)
            except SpanWrong:
                raise SettingsWrong(f"A statement is of a day, or of up to {MOST_DAYS} days from an earlier to a later one.") from None
            made = await shop.read(books.statement, storefront.id, since, until)
    # The files are in the shop's language, the table in this command's.
    speech = Speech(settings.language, settings.timezone)
    for path, content in ((csv, statement_csv), (png, statement_png)):
        if path is not None:
            _write(path, content(made, speech))
    _print(made, Speech("en", settings.timezone))
    return 1 if made.differences else 0


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat((text or "").strip())
    except ValueError:
        raise SettingsWrong(f"“{(text or '')[:40]}” is not a day: please type one like 2030-01-31.") from None


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as trouble:
        raise Unusable(f"The file {path} cannot be written: {trouble.strerror}.") from None


def _print(made: Statement, speech: Speech) -> None:
    console = Console(highlight=False)
    table = Table(title=f"{made.name}: {period(made, speech)}", header_style="bold", title_style="bold")
    for head in ("", "by", "", "number", "amount"):
        table.add_column(head, justify="right" if head in ("number", "amount") else "left")
    section = None
    for line in books.lines(made):
        if line.section is not section:
            table.add_section()
            table.add_row(f"[bold]{_HEADS[line.section]}[/bold]")
            section = line.section
        table.add_row(
            _plain(words(line, speech)),
            _plain(line.label),
            line.currency,
            "" if line.count is None else f"{line.count:,}",
            "" if line.minor is None else decimal_text(line.minor, line.currency),
        )
    console.print(table)
    console.print(seal(made, speech), style="bold red" if made.differences else "bold green")


def _plain(text: str) -> str:
    """The text, with nothing in it that the table takes for markup."""
    return text.replace("[", "\\[")
