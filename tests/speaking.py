"""Voices of the tests: the shop's own bot, which speaks for the first storefront."""

from __future__ import annotations

from aiogram import Bot

from bot.pace import LocalPace, Pace, Rates
from bot.voices import Voice, Voices

QUICK = Rates(everybody=1000, everybody_burst=100, chat=1000, chat_burst=100)
FIRST = 1  # the id of the first storefront of a new database


def speaking(bot: Bot, pace: Pace | None = None, username: str = "card_shop_bot") -> Voices:
    """This bot for the shop's own storefront."""
    return Voices(Voice(bot, username, pace or LocalPace(QUICK)), FIRST)
