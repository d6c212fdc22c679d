"""Presses and checkouts that waited for the shop longer than Telegram keeps them open."""

from __future__ import annotations

from bot.running import make_bot
from sandbox import BotSpec, Sandbox

TOKEN = "7000000009:AAlate-answers-of-the-sandbox-only"


async def test_an_answer_that_comes_too_late_stops_nothing_of_what_was_asked_for() -> None:
    """Telegram has given the question up while the shop was down: what the press asked for is done all the same."""
    sandbox = Sandbox(bots=[BotSpec(TOKEN, "late_bot", "Late")], phones=[])
    await sandbox.start()
    try:
        async with make_bot(TOKEN, sandbox.url) as bot:
            assert await bot.answer_callback_query("1234567890", text="Done.") is False
            assert await bot.answer_pre_checkout_query("1234567890", ok=True) is False
    finally:
        await sandbox.stop()
