"""Asking what the shop owes a supplier and has with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import integration, ledger, orders, purchasing, settlement, supply
from core.database import read
from core.exposure.tables import ExposureLimit


@dataclass(frozen=True, slots=True)
class Exposure:
    """One supplier in one currency, in minor units.

    `owed_minor` is what the shop owes them for sales, paid out or not yet due. `ahead_minor` is what they have of the shop's: ordered and
    not come, prepaid there, and what they owe because refunds came after a payout. `coming_minor` is what orders on their way will owe
    them.
    """

    supplier_id: int
    currency: str
    owed_minor: int
    ahead_minor: int
    most_owed_minor: int | None
    most_ahead_minor: int | None
    coming_minor: int = 0

    @property
    def left_minor(self) -> int | None:
        """How much more the shop may come to owe them; None without a limit, below zero when it owes more than it wants to."""
        return None if self.most_owed_minor is None else self.most_owed_minor - self.owed_minor - self.coming_minor

    @property
    def over(self) -> bool:
        """Does the shop owe them, or will it, as much as it wants to, or more?"""
        return self.left_minor is not None and self.left_minor <= 0


@read
def exposure_of(session: Session, supplier_id: int) -> Sequence[Exposure]:
    """By currency: every one in which there is something, or a limit."""
    limits = {row.currency: row for row in session.scalars(select(ExposureLimit).where(ExposureLimit.supplier_id == supplier_id))}
    ordered = purchasing.ordered_ahead(session, supplier_id=supplier_id)
    prepaid = integration.prepaid_with(session, supplier_id)
    pots = ledger.pots(session, party_id=supplier_id, kind=ledger.AccountKind.PAYABLE)
    offers, found = supply.payable_offers(session, supplier_id), []
    for currency in sorted({*limits, *ordered, *prepaid, *(pot.currency for pot in pots)}):
        has = settlement.balances(session, supplier_id=supplier_id, currency=currency)
        owed = has.held_minor + has.due_minor + has.paying_minor
        ahead = ordered.get(currency, 0) + prepaid.get(currency, 0) + max(0, -owed)
        limit = limits.get(currency)
        most = (None, None) if limit is None else (limit.most_owed_minor, limit.most_ahead_minor)
        if owed or ahead or limit is not None:
            coming = orders.cost_on_its_way(session, offer_ids=offers, currency=currency)
            found.append(Exposure(supplier_id, currency, max(0, owed), ahead, *most, coming))
    return found
