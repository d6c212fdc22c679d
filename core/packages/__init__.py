"""Packages: services of the platform that resellers pay for by the period – their own bot, pictures of their figures, broadcasts."""

from core.packages.commands import (
    AHEAD,
    GRACE,
    LABEL,
    add_plan,
    end,
    renew_due,
    set_renewal,
    subscribe,
    tell_ending,
    use_broadcast,
    withdraw_plan,
)
from core.packages.queries import (
    PlanView,
    SubscriptionView,
    is_sold,
    need,
    plan,
    plans,
    subscribers,
    subscription,
    subscriptions_of,
    unlocked,
)
from core.packages.refusals import HasIt, Locked, NoneLeft, NotAPlan, NotForSale, Over
from core.packages.rules import given_back
from core.packages.tables import Ended, Service

__all__ = [
    "AHEAD",
    "GRACE",
    "LABEL",
    "Ended",
    "HasIt",
    "Locked",
    "NoneLeft",
    "NotAPlan",
    "NotForSale",
    "Over",
    "PlanView",
    "Service",
    "SubscriptionView",
    "add_plan",
    "end",
    "given_back",
    "is_sold",
    "need",
    "plan",
    "plans",
    "renew_due",
    "set_renewal",
    "subscribe",
    "subscribers",
    "subscription",
    "subscriptions_of",
    "tell_ending",
    "unlocked",
    "use_broadcast",
    "withdraw_plan",
]
