"""The calls to Telegram that paying in Stars needs, made with aiogram."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import LabeledPrice, StarTransaction, TransactionPartnerUser

from core.money import STARS
from core.ports import Ask, Event, PaymentState

TITLE, DESCRIPTION, PAYLOAD_BYTES, START_PARAMETER = 32, 255, 128, 64
PAGE = 100


class BotCalls:
    """Fills `core.ports.TelegramCalls` with a running bot."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        # Telegram's list of transactions only grows at its end: what was older than a moment may be left out next time.
        self._passed: tuple[int, datetime] = (0, datetime.min.replace(tzinfo=UTC))

    async def send_invoice(self, ask: Ask) -> int:
        """Send the invoice of a payment in Stars; raises what Telegram answers (aiogram's TelegramAPIError)."""
        assert 1 <= len(ask.reference.encode()) <= PAYLOAD_BYTES, "a reference fits Telegram's payload"
        title = _clipped(ask.title, TITLE) or ask.reference[:TITLE]
        message = await self._bot.send_invoice(
            chat_id=ask.payer_telegram_id,
            title=title,
            description=_clipped(ask.description, DESCRIPTION) or title,
            payload=ask.reference,
            provider_token="",
            currency=STARS,
            prices=[LabeledPrice(label=title, amount=ask.amount_minor)],
            # Without it a forwarded invoice could be paid by others.
            start_parameter=re.sub(r"[^A-Za-z0-9_-]", "-", f"pay-{ask.reference}")[:START_PARAMETER],
        )
        return message.message_id

    async def refund_stars(self, telegram_id: int, charge_id: str) -> bool:
        """Give the Stars of a charge back; True also when that was done before, False when Telegram refuses."""
        try:
            return await self._bot.refund_star_payment(user_id=telegram_id, telegram_payment_charge_id=charge_id)
        except TelegramBadRequest as reason:
            if "CHARGE_ALREADY_REFUNDED" in reason.message:
                return True
            if "CHARGE" in reason.message or "BALANCE" in reason.message:
                return False
            raise

    async def star_payments(self, since: datetime) -> Sequence[Event]:
        """Payments for invoices since then, oldest first; one that was given back is REFUNDED."""
        offset, before = self._passed
        if since < before:
            offset = 0
        events: dict[str, Event] = {}
        while True:
            page = (await self._bot.get_star_transactions(offset=offset, limit=PAGE)).transactions
            for transaction in page:
                _count(events, transaction, since)
            if len(page) < PAGE:
                return list(events.values())
            offset += PAGE
            if page[-1].date < since:
                self._passed = (offset, page[-1].date)


def _count(events: dict[str, Event], transaction: StarTransaction, since: datetime) -> None:
    payer, refunded = transaction.source, transaction.receiver
    if isinstance(refunded, TransactionPartnerUser) and transaction.id in events:
        events[transaction.id] = replace(events[transaction.id], state=PaymentState.REFUNDED)
    if isinstance(payer, TransactionPartnerUser) and payer.invoice_payload and transaction.date >= since:
        events[transaction.id] = Event(
            key=transaction.id,
            reference=payer.invoice_payload,
            state=PaymentState.PAID,
            amount_minor=transaction.amount,
            currency=STARS,
            at=transaction.date,
            payer_telegram_id=payer.user.id,
        )


def _clipped(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
