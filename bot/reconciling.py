"""Reconciliation: what a provider's own list holds and our books do not is booked, so that a lost report loses no money."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import structlog

from core import orders, payments, people
from core.database import Shop
from core.ports import Event, PaymentMethod, PaymentState
from core.storefronts import Storefront

log = structlog.get_logger()

LOOK_BACK = timedelta(days=3)
# The update about a payment is usually on its way: it is left to tell the buyer, and only what stays away is booked here.
GRACE = timedelta(seconds=60)
_KEYS = 200


async def reconcile(shop: Shop, storefront: Storefront, methods: Mapping[str, PaymentMethod]) -> int:
    """Ask every method that has a list for its payments, and book those that are missing; returns how many were mended.

    Network first, then one command for each event; a repeated event changes nothing.
    """
    now, mended = shop.tools.clock(), 0
    for name, method in methods.items():
        if not method.capabilities.poll:
            continue
        events = [event for event in await method.received(now - LOOK_BACK) if event.at <= now - GRACE]
        for first in range(0, len(events), _KEYS):
            some = events[first : first + _KEYS]
            keys = [key for event in some for key in (event.key, f"{event.key[:180]}:given-back")]
            known = await shop.read(payments.known_events, provider=name, keys=keys)
            for event in some:
                mended += await _mend(shop, storefront, name, event, known)
    return mended


async def _mend(shop: Shop, storefront: Storefront, provider: str, event: Event, known: set[str]) -> int:
    if event.payer_telegram_id is None or event.state not in (PaymentState.PAID, PaymentState.REFUNDED):
        return 0
    booked, reversed_ = event.key in known, f"{event.key[:180]}:given-back" in known
    if event.state is PaymentState.REFUNDED and not booked:
        return 0  # Came and went: there is nothing to give and nothing to take.
    if booked and (event.state is PaymentState.PAID or reversed_):
        return 0
    customer = await shop.read(people.find, storefront_id=storefront.id, telegram_id=event.payer_telegram_id)
    if customer is None:
        customer = await shop.write(
            people.meet,
            storefront_id=storefront.id,
            telegram_id=event.payer_telegram_id,
            name=str(event.payer_telegram_id),
            username=None,
            telegram_language=None,
            currency=storefront.currency,
        )
    if event.state is PaymentState.REFUNDED:
        await shop.write(payments.given_back, provider=provider, event_key=event.key, customer_id=customer.id)
        log.warning("refund-found", provider=provider, intent=event.reference)
        return 1
    reference = event.reference
    settled = await shop.write(
        orders.settle,
        provider=provider,
        event_key=event.key,
        intent_id=int(reference) if reference.isascii() and reference.isdigit() and len(reference) <= 18 else None,
        customer_id=customer.id,
        amount_minor=event.amount_minor,
        currency=event.currency,
    )
    log.warning("payment-found", provider=provider, intent=reference, issued=settled.issued, why=settled.why)
    return 0 if settled.repeated else 1
