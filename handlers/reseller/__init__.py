"""The reseller's side: joining by /reseller, their home, and commands that answer in one message, in private and in groups."""

from __future__ import annotations

from aiogram import Router

from handlers.reseller import (
    analytics,
    api,
    applying,
    balance,
    buying,
    codes,
    credit,
    groups,
    home,
    limits,
    members,
    orders,
    own_bot,
    packages,
    price,
    statement,
)

__all__ = ["router"]


def router() -> Router:
    """Everything that applicants, resellers and their people ask for, in the order in which it is tried."""
    made = Router(name="reseller")
    parts = (
        home,
        applying,
        api,
        codes,
        groups,
        balance,
        price,
        buying,
        orders,
        statement,
        analytics,
        limits,
        credit,
        members,
        packages,
        own_bot,
    )
    made.include_routers(*[part.router() for part in parts])
    return made
