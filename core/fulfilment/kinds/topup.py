"""A top-up straight into the buyer's account elsewhere: the account is asked, perhaps checked at the source, and the result comes later."""

from __future__ import annotations

from typing import Any

from core.errors import N_
from core.fulfilment.fields import Field
from core.fulfilment.kind import Kind, Number, TermMissing, Terms

_ACCOUNT = Field("account", N_("Account to top up"), {}, "uid")


class TopUpKind(Kind):
    name = "topup"
    title = N_("Top-up")
    about = N_("Goes straight into the buyer's account: the buyer is asked for it, and gets a receipt.")
    from_shelf = False
    for_programs = "topup"
    has_fields = True
    numbers = (Number("promise_hours", N_("Hours until it is done"), 1, 24 * 7, 24),)
    switches = (("validate", N_("Ask the source whether the account exists, before paying")),)

    def fields(self, terms: Terms) -> list[Field]:
        """What the shopkeeper asks for; an account by itself when nothing was set, because there is none to top up without."""
        return super().fields(terms) or [_ACCOUNT]

    def words(self, terms: Terms) -> list[tuple[str, dict[str, Any]]]:
        said = [(N_("Straight into your account: you tell us which one before you pay."), dict[str, Any]())]
        said.append((N_("Done within {hours} hours, or your money comes back."), {"hours": self.number(terms, "promise_hours")}))
        return said

    def ready(self, terms: Terms) -> None:
        super().ready(terms)
        if all(one.optional for one in self.fields(terms)):
            raise TermMissing(term=_ACCOUNT.title)


KIND = TopUpKind()
