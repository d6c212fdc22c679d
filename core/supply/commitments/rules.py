"""The arithmetic of a commitment: what was brought of it, what is short, and who is short of what they promised. No database."""

from __future__ import annotations

from dataclasses import dataclass

from core.supply.commitments.tables import Promise


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a promised quantity, in units: brought at most the quantity, and who is short by how much."""

    brought: int
    supplier_short: int
    shop_short: int

    @property
    def breach(self) -> bool:
        return self.supplier_short > 0 or self.shop_short > 0


def judged(*, quantity: int, drawn: int, failed: int, shelf: int, declared: int, promised_by: Promise) -> Judged:
    """Compare a promise with what was done: units drawn, units on the shelf, and units that the source declares.

    Brought is what was drawn and what is there to be drawn. Of what is declared, as many are not believed as the source was asked for
    and did not bring. The supplier is short of what was not brought, the shop of what was brought and not drawn; each only of what
    they promised themselves.
    """
    assert min(quantity, drawn, failed, shelf, declared) >= 0, "nothing is counted below nothing"
    brought = min(quantity, drawn + shelf + max(0, declared - failed))
    return Judged(
        brought,
        quantity - brought if promised_by is not Promise.SHOP else 0,
        brought - drawn if promised_by is not Promise.SUPPLIER else 0,
    )
