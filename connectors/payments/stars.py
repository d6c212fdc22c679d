"""Telegram Stars: the way to be paid that every bot has, without any account elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from core.money import STARS
from core.ports import (
    Ask,
    Callback,
    Capabilities,
    Created,
    Declined,
    Event,
    Heard,
    NotGenuine,
    PaymentMethod,
    PaymentState,
    Refund,
    TelegramCalls,
)

# Telegram's bounds of one invoice, in Stars.
LEAST, MOST = 1, 10_000
SECONDS_TO_PAY = 900


class Stars:
    """Invoices in Stars, sent into the payer's chat; Telegram reports the payment as an update to the bot."""

    name = "stars"

    def __init__(self, calls: TelegramCalls) -> None:
        self._calls = calls

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            currency=STARS,
            callback=True,
            poll=True,
            refund_full=True,
            refund_partial=False,
            reversible=True,
            minimum_minor=LEAST,
            maximum_minor=MOST,
            seconds_to_pay=SECONDS_TO_PAY,
        )

    async def create(self, ask: Ask) -> Created:
        """Send the invoice. Repeated, it sends one more: of all invoices with one reference only one is let through to be paid."""
        assert ask.currency == STARS and LEAST <= ask.amount_minor <= MOST, "the screens obey the capabilities"
        return Created(provider_ref=None, message_id=await self._calls.send_invoice(ask))

    async def callback(self, callback: Callback) -> Heard:
        """Telegram reports Stars by updates to the bot, never at this door."""
        raise NotGenuine

    async def find(self, reference: str, provider_ref: str | None, since: datetime) -> Event | None:
        """The payment of this reference in Telegram's list; the first one, when it was paid more than once."""
        return next((event for event in await self._calls.star_payments(since) if event.reference == reference), None)

    async def refund(self, refund: Refund) -> PaymentState:
        """Give all Stars of a payment back; the amount must be the whole of it. Declined when Telegram does not agree."""
        if refund.amount_minor != refund.whole_minor:
            raise Declined("Stars are given back whole")
        if not await self._calls.refund_stars(refund.payer_telegram_id, refund.event_key):
            raise Declined("Telegram refuses to give these Stars back")
        return PaymentState.REFUNDED

    async def received(self, since: datetime) -> Sequence[Event]:
        return await self._calls.star_payments(since)

    async def close(self) -> None:
        """The bot's own connection is the bot's to close."""


def methods(calls: TelegramCalls, settings: Mapping[str, str]) -> Sequence[PaymentMethod]:
    """Always there: Telegram asks for Stars when digital goods are sold."""
    return [Stars(calls)]
