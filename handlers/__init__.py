"""The conversations: one file for each, tried in this order."""

from aiogram import Router

from handlers import admin, browse, buy, cases, help, inline, language, notices, orders, outdated, paying, search, stars, start, wallet
from handlers.supply import earnings

__all__ = ["routers"]

BUYERS = (start, earnings, buy, browse, orders, cases, wallet, language, help, notices, paying, inline, search, outdated)
"""Search takes every text and outdated every press: they come last."""


def routers() -> list[Router]:
    """Every conversation's router, new for each dispatcher; what an earlier one takes, a later one does not see."""
    # Payments before everything: whatever else a payer is in the middle of, what Telegram reports of money is heard.
    return [conversation.router() for conversation in (stars, admin, *BUYERS)]
