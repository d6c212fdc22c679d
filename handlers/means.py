"""The ways to pay as people call them, and what is asked by each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core import orders, payments
from core.database import Shop
from core.money import STARS
from core.ports import PaymentMethod
from handlers import callbacks
from locales import N_, Safe, Speech

NAMES = {
    "epay-alipay": N_("Alipay"),
    "epay-wxpay": N_("WeChat Pay"),
    "epay-qqpay": N_("QQ Wallet"),
    "stripe": N_("Card"),
    "crypto-pay": N_("Crypto"),
    "transfer": N_("Bank transfer"),
    "stars": N_("Stars"),
}
ICONS = {"epay-alipay": "🔵", "epay-wxpay": "🟢", "epay-qqpay": "🐧", "crypto-pay": "💎", "stripe": "💳", "transfer": "🏦", "stars": "⭐"}


def name_of(provider: str, speech: Speech) -> str:
    """A way to pay as people call it."""
    return speech.label(NAMES[provider]) if provider in NAMES else provider


def label_of(provider: str, speech: Speech) -> str:
    """The same behind its sign, for a button."""
    return f"{ICONS.get(provider, '💳')} {name_of(provider, speech)}"


def method_of(means: str, methods: Mapping[str, PaymentMethod]) -> PaymentMethod | None:
    """The way that a button means."""
    return next((method for name, method in methods.items() if callbacks.means(name) == means), None)


def asked_by(method: PaymentMethod) -> orders.WayToPay:
    """What a price needs to know of a way to pay."""
    can = method.capabilities
    return orders.WayToPay(method.name, can.currency, can.fee, can.minimum_minor, can.step_minor)


async def asked_for(shop: Shop, method: PaymentMethod, amounts_minor: Sequence[int], currency: str) -> list[tuple[int, int]]:
    """What a way to pay would ask for each of these amounts of the shop's currency: pairs, in order; empty while it has no rate."""
    can = method.capabilities
    return await shop.read(
        payments.asked_for,
        amounts_minor=amounts_minor,
        currency=currency,
        pay_currency=can.currency,
        fee=can.fee,
        step_minor=can.step_minor,
    )


def others(methods: Mapping[str, PaymentMethod]) -> list[PaymentMethod]:
    """The ways that are no invoice of Telegram's, the usual ones first."""
    usual = {name: place for place, name in enumerate(NAMES)}
    found = [method for method in methods.values() if method.capabilities.currency != STARS]
    return sorted(found, key=lambda method: (usual.get(method.name, len(usual)), method.name))


def payable(method: PaymentMethod, amount_minor: int) -> bool:
    """Whether one payment by this method can be so much."""
    return method.capabilities.minimum_minor <= amount_minor <= method.capabilities.maximum_minor


def closed(speech: Speech) -> Safe:
    """A way that is switched off, or has no rate for its currency."""
    return speech.say("This way to pay is not open at the moment. Please choose another.")


def bounds(method: PaymentMethod, speech: Speech) -> Safe:
    """What one payment by this method can be, in words."""
    return speech.say(
        "One payment can be from {least} to {most}. Please choose another amount.",
        least=speech.price(method.capabilities.minimum_minor, method.capabilities.currency),
        most=speech.price(method.capabilities.maximum_minor, method.capabilities.currency),
    )
