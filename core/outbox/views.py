"""What a courier is handed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.outbox.tables import Topic


@dataclass(frozen=True, slots=True)
class Leased:
    """One message to send before `until`; `attempt` counts from 1."""

    id: int
    topic: Topic
    customer_id: int
    order_id: int | None
    body: dict[str, Any]
    attempt: int
    until: datetime
