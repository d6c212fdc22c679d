"""Work by agreement: a brief, a quote with milestones, and for each milestone an order whose money waits until it is accepted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.errors import N_
from core.fulfilment.kind import Kind, Number, Terms, Text


class ServiceKind(Kind):
    name = "service"
    title = N_("Service")
    about = N_("Work by agreement: the buyer says what is wanted, you quote milestones, each is paid and accepted by itself.")
    from_shelf = False
    for_programs = None  # it is agreed in a chat
    numbers = (
        Number("accept_days", N_("Days after which delivered work counts as accepted"), 1, 30, 5),
        Number("promise_hours", N_("Hours for a milestone when the quote says nothing"), 1, 24 * 90, 24 * 7),
    )
    texts = (Text("brief", N_("What the buyer should tell you")),)

    def promise(self, terms: Terms) -> timedelta:
        """The work, and the time for the buyer to look at it: what is not accepted or disputed by then has been accepted by silence."""
        return super().promise(terms) + timedelta(days=self.number(terms, "accept_days") + 1)

    def words(self, terms: Terms) -> list[tuple[str, dict[str, Any]]]:
        days = self.number(terms, "accept_days")
        return [
            (N_("Tell us what you need; you get a price for each step, and pay step by step."), {}),
            (N_("The money of a step waits until you accept it, or {days} days after it was delivered."), {"days": days}),
        ]


KIND = ServiceKind()
