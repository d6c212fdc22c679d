"""The conversations: one file for each, tried in this order."""

from aiogram import Router

from handlers import (
    admin,
    browse,
    buy,
    cases,
    help,
    inline,
    language,
    manage,
    memberships,
    notices,
    orders,
    outdated,
    paying,
    reseller,
    search,
    service,
    stars,
    start,
    supply,
    tasks,
    wallet,
)

__all__ = ["routers"]

BUYERS = (
    reseller,
    supply,
    start,
    buy,
    browse,
    orders,
    cases,
    wallet,
    language,
    help,
    notices,
    paying,
    service,
    tasks,
    memberships,
    inline,
    search,
    outdated,
)
"""Search takes every text and outdated every press: they come last."""


BRANDED = tuple(conversation for conversation in BUYERS if conversation not in (reseller, supply))
"""What there is in a reseller's own bot. Never `stars`: whoever has its token could send invoices of their own from it."""


def branded_routers() -> list[Router]:
    """The conversations of resellers' own bots."""
    return [conversation.router() for conversation in (manage, *BRANDED)]


def routers() -> list[Router]:
    """Every conversation's router, new for each dispatcher; what an earlier one takes, a later one does not see."""
    # Payments before everything: whatever else a payer is in the middle of, what Telegram reports of money is heard.
    return [conversation.router() for conversation in (stars, admin, *BUYERS)]
