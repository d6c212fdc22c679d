"""The admin's side, in the chat: behind /admin, for the staff of the storefront and nobody else."""

from __future__ import annotations

from aiogram import F, Router

from handlers.admin import (
    applications,
    batches,
    blacklist,
    books,
    broadcasts,
    cases,
    catalogue,
    certificates,
    commitments,
    contracts,
    coupons,
    credit,
    deposits,
    exposure,
    fields,
    figures,
    finding,
    home,
    imports,
    kinds,
    log,
    maintenance,
    margins,
    offer_facts,
    offers,
    orders,
    own_bots,
    payments,
    payouts,
    people,
    plans,
    prices,
    purchases,
    quotas,
    rates,
    refunds,
    renewals,
    reseller_cards,
    resellers,
    reviews,
    routing,
    settings,
    stock,
    streams,
    suppliers,
    supply,
    switches,
    takedowns,
    upstreams,
    words,
)
from handlers.admin.desk import AtTheDesk, SaysNo, WalkingAway, is_ours, not_staff
from handlers.admin.imports import imports_finished

__all__ = ["imports_finished", "router"]


def router() -> Router:
    """Everything the staff can do; lets through what is not for it. To be tried before every other conversation."""
    made = Router(name="admin")
    desk = Router(name="desk")
    desk.message.filter(AtTheDesk())
    desk.callback_query.filter(AtTheDesk())
    desk.message.middleware(SaysNo())
    desk.callback_query.middleware(SaysNo())
    desk.callback_query.middleware(WalkingAway())
    parts = (
        applications,
        deposits,
        cases,  # before what takes every answer: here a picture may be one
        kinds,  # before it too: a file, or a forwarded message
        maintenance,
        home,
        stock,
        batches,
        imports,
        catalogue,
        fields,
        prices,
        coupons,
        orders,
        refunds,
        reviews,
        payments,
        finding,
        people,
        broadcasts,
        figures,
        books,
        streams,
        log,
        settings,
        rates,
        supply,
        purchases,
        offers,
        offer_facts,
        quotas,
        commitments,
        margins,
        routing,
        upstreams,
        contracts,
        payouts,
        suppliers,
        exposure,
        switches,
        takedowns,
        words,
        blacklist,
        certificates,
        reseller_cards,
        resellers,
        own_bots,
        plans,
        credit,
    )
    # A router's own handlers go before those of the routers in it, so what is to come last stands in a router too.
    no_more, forged = Router(name="admin-out-of-date"), Router(name="admin-not-staff")
    no_more.callback_query.register(home.out_of_date)
    forged.callback_query.register(not_staff, F.data.func(is_ours))
    desk.include_routers(*[part.router() for part in parts], no_more)
    made.include_routers(applications.cards(), reseller_cards.cards(), renewals.cards(), desk, forged)
    return made
