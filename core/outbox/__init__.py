"""The outbox: messages committed with the change that caused them, leased to couriers until they are sent."""

from core.outbox.commands import (
    break_seal,
    call_off,
    done,
    end_leases,
    hand_to,
    lease,
    park,
    post,
    resend,
    retry,
    unpark,
    unpark_all,
    untried,
    withdraw,
)
from core.outbox.queries import Delivery, Waiting, of_order, unsent, waiting
from core.outbox.tables import Topic
from core.outbox.views import Leased

__all__ = [
    "Delivery",
    "Leased",
    "Topic",
    "Waiting",
    "break_seal",
    "call_off",
    "done",
    "end_leases",
    "hand_to",
    "lease",
    "of_order",
    "park",
    "post",
    "resend",
    "retry",
    "unpark",
    "unpark_all",
    "unsent",
    "untried",
    "waiting",
    "withdraw",
]
