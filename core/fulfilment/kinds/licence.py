"""A licence: a key that several may use is brought in once and sold seat by seat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.errors import N_
from core.fulfilment.kind import Kind, NotLicensed, Number, TermNotNumber, Terms, Text, Unit

MOST_SEATS = 1000


class LicenceKind(Kind):
    name = "licence"
    title = N_("Licence")
    about = N_("A key for several seats: bring it in as KEY;5 and five buyers get one seat each.")
    numbers = (Number("seats", N_("Seats of a key that does not say how many"), 1, MOST_SEATS, 1),)
    switches = (("licensed", N_("I may sell one key to several people")),)
    texts = (Text("licence", N_("Licence terms, shown to buyers")),)

    def words(self, terms: Terms) -> list[tuple[str, dict[str, Any]]]:
        said: list[tuple[str, dict[str, Any]]] = [(N_("One seat of a licence: others may use the same key on seats of their own."), {})]
        if terms.get("licence"):
            said.append((N_("Licence terms: {terms}"), {"terms": str(terms["licence"])}))
        return said

    def units(self, terms: Terms, card_no: str | None, card_pwd: str | None, more: Sequence[tuple[str, str]] = ()) -> list[Unit]:
        """A seat for each that the line says after the key, or that the terms say.

        Raises TermNotNumber for too many, and NotLicensed for more than one where nothing says that this key may be sold so.
        """
        key, said = card_no or card_pwd, card_pwd if card_no else None
        if said is not None and not (said.isascii() and said.isdigit()):
            key, said = f"{card_no} {card_pwd}", None  # A key in two parts, not a key and a number of seats.
        seats = int(said[:9]) if said else self.number(terms, "seats")
        if not 1 <= seats <= MOST_SEATS:
            raise TermNotNumber(term=N_("Seats"), least=1, most=MOST_SEATS)
        if seats > 1 and terms.get("licensed") is not True:
            raise NotLicensed
        # How many seats there are is told, and is no part of what makes the seat: the same key brought in again with
        # another number has no seat 1 a second time.
        return [Unit(key, f"seat {seat}", (f"{seat}/{seats}",)) for seat in range(1, seats + 1)]


KIND = LicenceKind()
