"""Reconciliation: what a provider's own list holds and our books do not is booked, and what differs is told to the staff."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.failed_refunds import tell_failed_refunds
from core import orders, payments, people
from core.database import Shop
from core.ports import Event, NotSure, PaymentMethod, PaymentState
from core.storefronts import Storefront

log = structlog.get_logger()

LOOK_BACK = timedelta(days=3)
# The report of a payment is usually on its way: it is left to do its work, and only what stays away is booked here.
GRACE = timedelta(seconds=60)
_KEYS = 200
_LIST_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Difference:
    """A payment on which a provider and our books do not agree; amounts in minor units, None where it is not in the list."""

    key: str
    reference: str | None
    ours_minor: int | None
    theirs_minor: int | None
    currency: str


@dataclass(slots=True)
class Reconciled:
    """What comparing with one provider's list has shown. `sure` is False when the provider could not say."""

    provider: str
    sure: bool = True
    matched: int = 0
    mended: list[str] = field(default_factory=list)  # "reference: outcome"
    foreign: int = 0  # payments of another shop on the same account
    failed: int = 0  # listed, and they could not be booked: the staff were told
    differences: list[Difference] = field(default_factory=list)


async def reconcile(shop: Shop, storefront: Storefront, methods: Mapping[str, PaymentMethod]) -> int:
    """Compare with every provider's list and mend what is missing; returns how many payments were mended."""
    return sum(len(done.mended) for done in await compared(shop, storefront, methods))


async def compared(shop: Shop, storefront: Storefront, methods: Mapping[str, PaymentMethod]) -> list[Reconciled]:
    """Ask every method that has a list for its payments, book those that are missing, and tell the staff of differences, once.

    Network first, then one command for each event; a repeated event changes nothing.
    """

    async def safely(name: str, method: PaymentMethod) -> Reconciled:
        try:
            return await _with(shop, storefront, name, method)
        except Exception as trouble:
            # One provider's trouble is not another's.
            log.exception("not-reconciled", provider=name, error=type(trouble).__name__)
            return Reconciled(name, sure=False)

    # All at once: one that takes its time is waited for, and keeps no other waiting.
    return await asyncio.gather(*(safely(name, method) for name, method in methods.items() if method.capabilities.poll))


async def _with(shop: Shop, storefront: Storefront, provider: str, method: PaymentMethod) -> Reconciled:
    now, done = shop.tools.clock(), Reconciled(provider)
    since = now - LOOK_BACK
    try:
        async with asyncio.timeout(_LIST_SECONDS):
            listed = await method.received(since)
    except (NotSure, TimeoutError):
        log.warning("provider-has-no-list-now", provider=provider)
        done.sure = False
        return done
    theirs = [event for event in listed if event.at <= now - GRACE]
    for first in range(0, len(theirs), _KEYS):
        some = theirs[first : first + _KEYS]
        # What another shop on the same account has asked for is neither missing here nor wrong.
        foreign = await shop.read(payments.foreign, [event.reference for event in some])
        done.foreign += sum(event.reference in foreign for event in some)
        some = [event for event in some if event.reference not in foreign]
        keys = [key for event in some for key in (event.key, payments.key_of_return(event.key))]
        known = await shop.read(payments.known_events, provider=provider, keys=keys)
        for event in some:
            try:
                outcome = await _mend(shop, storefront, provider, event, known)
            except Exception as trouble:
                # One that cannot be booked keeps no other waiting; without a database the next sentence fails, too.
                log.exception("not-booked", provider=provider, reference=event.reference, error=type(trouble).__name__)
                done.failed += 1
                told = {"says": "not-booked", "provider": provider, "key": event.key}
                await shop.write(payments.tell_staff, storefront_id=storefront.id, body=told, once=f"not-booked:{provider}:{event.key}")
                continue
            if outcome is not None:
                done.mended.append(f"{event.reference}: {outcome}")
    if done.foreign:
        log.info("payments-of-another-shop", provider=provider, payments=done.foreign)
    await _compare(shop, provider, listed, now, done)
    for difference in done.differences:
        log.error(
            "books-differ", provider=provider, reference=difference.reference, ours=difference.ours_minor, theirs=difference.theirs_minor
        )
        body = {
            "says": "books-differ",
            "provider": provider,
            "key": difference.key,
            "ours_minor": difference.ours_minor,
            "theirs_minor": difference.theirs_minor,
            "currency": difference.currency,
        }
        once = f"books-differ:{provider}:{difference.key}"
        await shop.write(payments.tell_staff, storefront_id=storefront.id, body=body, once=once)
    return done


async def _compare(shop: Shop, provider: str, theirs: Sequence[Event], asked_at: datetime, done: Reconciled) -> None:
    """Ours beside theirs, by the event's key; at both edges of the window, its end being when they were asked, neither is complete."""
    listed = {event.key: event for event in theirs}
    if not listed:
        return  # A provider without a list, or nothing was paid.
    ours = await shop.read(payments.paid_events, provider=provider, since=asked_at - LOOK_BACK + timedelta(hours=1))
    differing = []
    for event in ours:
        known = listed.get(event.key)
        if known is not None and (known.amount_minor, known.currency) == (event.amount_minor, event.currency):
            done.matched += 1
        elif event.at <= asked_at - GRACE:  # What was booked while the list was on its way cannot be in it.
            differing.append((event, None if known is None else known.amount_minor))
    names = await shop.read(payments.references, [event.intent_id for event, _ in differing if event.intent_id is not None])
    for event, theirs_minor in differing:
        reference = None if event.intent_id is None else names[event.intent_id]
        done.differences.append(Difference(event.key, reference, event.amount_minor, theirs_minor, event.currency))


async def _mend(shop: Shop, storefront: Storefront, provider: str, event: Event, known: set[str]) -> str | None:
    """Book what is missing; None when nothing was."""
    if event.state not in (PaymentState.PAID, PaymentState.REFUNDED):
        return None
    booked, reversed_ = event.key in known, payments.key_of_return(event.key) in known
    if booked and event.failed_refunds and (intent := await shop.read(payments.by_reference, event.reference)) is not None:
        await tell_failed_refunds(shop, storefront, provider, intent, event)
    if booked and (event.given_back or event.disputes):
        # What has become of it since is listed one by one, and each is booked by its own key.
        if not await shop.read(payments.has_news, provider=provider, event=event):
            return None
        done = await shop.write(orders.book, storefront_id=storefront.id, provider=provider, event=event)
        if done.says == "repeated":
            return None
        log.warning("return-found", provider=provider, intent=event.reference, outcome=done.says)
        return done.says
    if event.state is PaymentState.REFUNDED and not booked:
        return None  # Came and went: there is nothing to give and nothing to take.
    if booked and (event.state is PaymentState.PAID or reversed_):
        return None
    if event.payer_telegram_id is None:
        done = await shop.write(orders.book, storefront_id=storefront.id, provider=provider, event=event)
        if done.says == "repeated":
            return None  # Such as the report of a refund that we asked for.
        log.warning("payment-found", provider=provider, reference=event.reference, outcome=done.says)
        return done.says
    return await _mend_of_payer(shop, storefront, provider, event, event.payer_telegram_id)


async def _mend_of_payer(shop: Shop, storefront: Storefront, provider: str, event: Event, telegram_id: int) -> str | None:
    """The provider knows who paid: it is theirs, whatever the number on it."""
    customer = await shop.read(people.find, storefront_id=storefront.id, telegram_id=telegram_id)
    if customer is None:
        customer = await shop.write(
            people.meet,
            storefront_id=storefront.id,
            telegram_id=telegram_id,
            name=str(telegram_id),
            username=None,
            telegram_language=None,
            currency=storefront.currency,
        )
    if event.state is PaymentState.REFUNDED:
        if await shop.write(orders.given_back, provider=provider, event_key=event.key, customer_id=customer.id) is None:
            return None
        log.warning("refund-found", provider=provider, reference=event.reference)
        return "given-back"
    intent = await shop.read(payments.by_reference, event.reference)
    settled = await shop.write(
        orders.settle,
        provider=provider,
        event_key=event.key,
        intent_id=None if intent is None else intent.id,
        customer_id=customer.id,
        amount_minor=event.amount_minor,
        currency=event.currency,
    )
    log.warning("payment-found", provider=provider, reference=event.reference, issued=settled.issued, why=settled.why)
    return None if settled.repeated else settled.why
