"""Payments: what was asked of a provider, what it reported, and the money of a customer's wallet."""

from core.payments.commands import (
    Credited,
    NotPayable,
    adjust,
    ask,
    check,
    close_intents_of,
    credit,
    expire_deposits,
    give_ref,
    given_back,
    judge,
    keep_open,
    tell_staff,
)
from core.payments.queries import Intent, Wallet, find_intent, intent, known_events, wallet
from core.payments.tables import IntentState

__all__ = [
    "Credited",
    "Intent",
    "IntentState",
    "NotPayable",
    "Wallet",
    "adjust",
    "ask",
    "check",
    "close_intents_of",
    "credit",
    "expire_deposits",
    "find_intent",
    "give_ref",
    "given_back",
    "intent",
    "judge",
    "keep_open",
    "known_events",
    "tell_staff",
    "wallet",
]
