"""A place in a Telegram group or channel until it expires: the bot makes a link for one person, and shows them out in the end."""

from __future__ import annotations

from typing import Any

from core.errors import N_
from core.fulfilment.kind import Kind, NoSuchTerm, Number, TermMissing, Terms, Text


class MembershipKind(Kind):
    name = "membership"
    title = N_("Membership")
    about = N_("A place in a group or channel where this bot is an admin: each buyer gets a link for one person.")
    from_shelf = False
    for_programs = None  # it is made in a chat
    by_bot = True
    numbers = (
        Number("days", N_("Days from joining; 0 for ever"), 0, 3660, 30),
        Number("promise_hours", N_("Hours until the link is there"), 1, 48, 2),
    )
    texts = (Text("chat_title", N_("Name of the chat"), typed=False),)

    def words(self, terms: Terms) -> list[tuple[str, dict[str, Any]]]:
        days = self.number(terms, "days")
        title = str(terms.get("chat_title") or "…")
        if not days:
            return [(N_("A place in “{chat}”, by a link for one person."), {"chat": title})]
        return [(N_("A place in “{chat}” for {days} days from the day you join, by a link for one person."), {"chat": title, "days": days})]

    def ready(self, terms: Terms) -> None:
        super().ready(terms)
        if not terms.get("chat_id"):
            raise TermMissing(term=N_("The group or channel"))

    def _term(self, name: str, value: object) -> object:
        if name != "chat_id":
            return super()._term(name, value)
        # Groups and channels have negative ids at Telegram.
        if not isinstance(value, int) or isinstance(value, bool) or not -(2**52) < value < 0:
            raise NoSuchTerm(term=name)
        return value


KIND = MembershipKind()
