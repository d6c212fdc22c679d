"""The commands of `shop`, what they take, and what they say when they cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.loading import loading

app = typer.Typer(
    name="shop",
    help="A Telegram shop for codes: game cards, top-ups, licences, memberships. Settings: SHOP_… in the environment or in .env.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables would show codes and tokens.
    pretty_exceptions_enable=False,
)


def _finish(work: Coroutine[Any, Any, int | None]) -> None:
    """Run to the end; what the work returns is the exit status."""
    raise typer.Exit(asyncio.run(work) or 0)


def _settings_are_there() -> None:
    """Said before the bot's libraries are loaded, which takes seconds."""
    from bot.settings import read_settings

    _ = read_settings().token


@app.command()
def demo(
    reset: Annotated[bool, typer.Option("--reset", help="Throw the demo's data away and begin anew.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the page listens on 127.0.0.1; 0 takes any free port.")] = 8081,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the page's address only.")] = False,
) -> None:
    """Try the shop without Telegram: a local Telegram, the real bot, a full shelf, and one page with phones to buy on."""
    from bot.demo.supervisor import Demo

    raise typer.Exit(Demo(Path("data/demo"), port=port, browser=not no_browser).run(reset=reset))


@app.command()
def run() -> None:
    """Open the shop: polling without SHOP_PUBLIC_URL, webhook with it; serves the HTTP doors and delivers."""
    _settings_are_there()
    with loading():
        from bot.commands.running import open_for_business

    _finish(open_for_business(worker=False))


@app.command()
def worker() -> None:
    """Deliver and do the timed jobs only, beside other processes (PostgreSQL)."""
    _settings_are_there()
    with loading():
        from bot.commands.running import open_for_business

    _finish(open_for_business(worker=True))


@app.command("migrate")
def migrate_() -> None:
    """Make the tables, or bring them up to date."""
    from bot.commands.upkeep import bring_tables

    _finish(bring_tables())


@app.command()
def seed(
    file: Annotated[Path | None, typer.Argument(help="A catalogue in YAML; without it the demo's.", show_default=False)] = None,
) -> None:
    """Bring a catalogue and its codes in. The same file again changes nothing; a changed one changes what differs."""
    from bot.commands.stocking import seed_catalogue

    _finish(seed_catalogue(file))


@app.command("import-codes")
def import_codes(
    sku: Annotated[str, typer.Argument(help="The denomination's slug, such as steam-cn-50.")],
    file: Annotated[Path, typer.Argument(help=".txt, .csv or .xlsx, or one of these in .zip or .gz.")],
) -> None:
    """Put codes from a file on sale, all together; says what was accepted and which lines were not."""
    from bot.commands.stocking import import_file

    _finish(import_file(sku, file))


@app.command()
def audit(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check every promise about money, codes, orders and messages. Changes nothing; exits 1 when one is broken."""
    from bot.commands.auditing import check_promises

    _finish(check_promises(as_json=as_json))


@app.command()
def statement(
    day: Annotated[str | None, typer.Option(help="One day, like 2030-01-31. Without days: yesterday.", show_default=False)] = None,
    first: Annotated[str | None, typer.Option("--from", help="The first of several days.", show_default=False)] = None,
    last: Annotated[str | None, typer.Option("--to", help="The last of them.", show_default=False)] = None,
    csv: Annotated[Path | None, typer.Option(help="Write every line into this file.", show_default=False)] = None,
    png: Annotated[Path | None, typer.Option(help="Draw it into this file.", show_default=False)] = None,
) -> None:
    """Say what a day brought – sales, cost, fees, refunds, accounts –, equal to the ledger; exits 1 when it is not."""
    from bot.commands.stating import tell_statement

    _finish(tell_statement(day=day, first=first, last=last, csv=csv, png=png))


@app.command()
def reconcile() -> None:
    """Ask every payment provider now, book what is missing, and say what differs; exits 1 when something does."""
    _settings_are_there()
    from bot.commands.reconciling import reconcile_now

    _finish(reconcile_now())


@app.command("rotate-keys")
def rotate_keys(
    rewrap: Annotated[bool, typer.Option("--rewrap", help="No new key: only wrap what is still under an old one.")] = False,
) -> None:
    """Make a new wrapping key and put every batch under it; codes are not touched. Back the key file up afterwards."""
    from bot.commands.upkeep import rotate

    _finish(rotate(rewrap_only=rewrap))
