"""The reseller's side: commands that answer in one message, in private and in groups of a reseller's people."""

from __future__ import annotations

from aiogram import Router

from handlers.reseller import balance, buying, codes, groups, limits, members, orders, price, statement

__all__ = ["router"]


def router() -> Router:
    """Everything that resellers and their people ask for, in the order in which it is tried."""
    made = Router(name="reseller")
    parts = (codes, groups, balance, price, buying, orders, statement, limits, members)
    made.include_routers(*[part.router() for part in parts])
    return made
