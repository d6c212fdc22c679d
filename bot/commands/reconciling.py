"""`shop reconcile`: ask every provider now, book what is missing, and print what was found and done."""

from __future__ import annotations

import asyncio
import sys

from rich.console import Console
from rich.table import Table

from bot.asking import Asker
from bot.commands.opening import shop_to_write
from bot.commands.running import payment_settings
from bot.pace import LocalPace
from bot.reconciling import Reconciled, compared
from bot.running import make_bot
from bot.settings import SettingsWrong, read_settings
from bot.telegram_calls import BotCalls
from bot.voices import Voice, Voices
from connectors.payments import methods
from connectors.settings import SetUpWrong
from core import payments
from core.payments import Intent


async def reconcile_now() -> int:
    """Returns 1 when books and lists differ or a provider could not say, else 0."""
    settings = read_settings()
    async with shop_to_write(settings, holder="shop reconcile") as (shop, storefront), make_bot(settings.token, settings.bot_api) as bot:
        try:
            ways = methods(BotCalls(bot), payment_settings())
        except SetUpWrong as wrong:
            raise SettingsWrong(str(wrong)) from None
        try:
            me = await bot.me()
            asker = Asker(shop, storefront, Voices(Voice(bot, me.username or "", LocalPace()), storefront.id), ways)
            # Everything that waits is asked about once, whether its time has come or not; no provider waits for another.
            waiting: dict[str, list[Intent]] = {}
            for intent in await shop.read(payments.waiting, providers=[name for name in ways if name != "stars"]):
                waiting.setdefault(intent.provider, []).append(intent)

            async def ask_about(those: list[Intent]) -> int:
                return sum([await asker.ask(intent) is not None for intent in those])

            asked = sum(map(len, waiting.values()))
            found = sum(await asyncio.gather(*map(ask_about, waiting.values())))
            done = await compared(shop, storefront, ways)
        finally:
            for way in ways.values():
                await way.close()
    _print(asked, found, done)
    return 1 if any(one.differences or not one.sure for one in done) else 0


def _print(asked: int, found: int, done: list[Reconciled]) -> None:
    table = Table(title=f"{asked} open payments asked about, {found} known to their provider")
    for head in ("provider", "its list", "matched", "booked now", "differ"):
        table.add_column(head)
    for one in done:
        table.add_row(
            one.provider,
            "read" if one.sure else "not to be had now",
            str(one.matched),
            "\n".join(one.mended) or "0",
            "\n".join(f"{d.key}: ours {d.ours_minor}, theirs {d.theirs_minor} {d.currency}" for d in one.differences) or "0",
        )
    Console(file=sys.stdout).print(table)
