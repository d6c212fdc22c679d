"""A transfer by hand: the payer follows the shop owner's own words, sends a receipt, and a person of the shop says whether it came."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from connectors.settings import SetUpWrong, amount, fee
from core.money import MOST_MINOR, STARS
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

# A person has to open their bank and another person has to look: a day is what both need.
SECONDS_TO_PAY = 24 * 3600
# They are shown in one message together with the amount and the order.
LONGEST_WORDS = 2000
_CURRENCY = re.compile(r"[A-Z]{3}")


class Transfer:
    """Nothing is asked of a machine: whether money came is said by a person of the shop, with one press."""

    name = "transfer"

    def __init__(self, words: str, capabilities: Capabilities) -> None:
        self._words = words
        self._capabilities = capabilities

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    async def create(self, ask: Ask) -> Created:
        """The owner's words, as they are: the screen adds the amount and the order's number."""
        return Created(provider_ref=None, words=self._words)

    async def callback(self, callback: Callback) -> Heard:
        """Nobody reports a transfer at this door."""
        raise NotGenuine

    async def find(self, reference: str, provider_ref: str | None, since: datetime) -> Event | None:
        """Nobody can be asked."""
        return None

    async def refund(self, refund: Refund) -> PaymentState:
        """Declined always: the money is given back by hand, or to the wallet."""
        raise Declined("a transfer is given back by hand")

    async def received(self, since: datetime) -> Sequence[Event]:
        return []

    async def close(self) -> None:
        """There is no connection."""


def methods(calls: TelegramCalls, settings: Mapping[str, str]) -> Sequence[PaymentMethod]:
    """There when SHOP_TRANSFER_WORDS says how to pay; a new line in it may be written as \\n. Raises SetUpWrong."""
    words = settings.get("SHOP_TRANSFER_WORDS", "").replace("\\n", "\n").strip()
    if not words:
        return []
    if len(words) > LONGEST_WORDS:
        raise SetUpWrong(f"SHOP_TRANSFER_WORDS is too long: {LONGEST_WORDS} characters at most.")
    currency = (settings.get("SHOP_TRANSFER_CURRENCY", "").strip() or settings.get("SHOP_CURRENCY", "").strip() or "CNY").upper()
    if not _CURRENCY.fullmatch(currency) or currency == STARS:
        raise SetUpWrong("SHOP_TRANSFER_CURRENCY has to be the three letters of a currency, such as CNY.")
    minimum = amount(settings, "SHOP_TRANSFER_MINIMUM", currency, 1)
    maximum = amount(settings, "SHOP_TRANSFER_MAXIMUM", currency, MOST_MINOR)
    if not 1 <= minimum <= maximum <= MOST_MINOR:
        raise SetUpWrong("SHOP_TRANSFER_MINIMUM has to be more than nothing, and SHOP_TRANSFER_MAXIMUM not less than it.")
    capabilities = Capabilities(
        currency=currency,
        callback=False,
        poll=False,
        refund_full=False,
        refund_partial=False,
        reversible=False,
        minimum_minor=minimum,
        maximum_minor=maximum,
        seconds_to_pay=SECONDS_TO_PAY,
        fee=fee(settings, "SHOP_TRANSFER", currency),
        by_hand=True,
    )
    return [Transfer(words, capabilities)]
