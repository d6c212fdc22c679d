"""The accounts that settlement moves money between, and the legs of one booking."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from core import ledger, storefronts
from core.ledger import AccountKind, Leg, TransferKind
from core.settlement.split import Label

DUE = "due"  # released: the supplier may ask for it
PAYING = "paying"  # asked for, and not out of the house yet


@dataclass(slots=True)
class Amounts:
    """Sums of parts in minor units."""

    supplier: int = 0
    cost: int = 0
    shop: dict[Label, int] = field(default_factory=lambda: dict.fromkeys(Label, 0))


def held(session: Session, supplier_id: int, currency: str) -> int:
    return ledger.open_account(session, party_id=supplier_id, kind=AccountKind.PAYABLE, currency=currency)


def due(session: Session, supplier_id: int, currency: str) -> int:
    return ledger.open_account(session, party_id=supplier_id, kind=AccountKind.PAYABLE, label=DUE, currency=currency)


def paying(session: Session, supplier_id: int, currency: str) -> int:
    return ledger.open_account(session, party_id=supplier_id, kind=AccountKind.PAYABLE, label=PAYING, currency=currency)


def sales(session: Session, storefront_id: int, currency: str) -> int:
    """What the shop keeps of sales, in a currency."""
    party_id = storefronts.by_id(session, storefront_id).party_id
    return ledger.open_account(session, party_id=party_id, kind=AccountKind.SALES, currency=currency)


def revenue(session: Session, storefront_id: int, label: str, currency: str) -> int:
    """What the shop has earned by one stream."""
    party_id = storefronts.by_id(session, storefront_id).party_id
    return ledger.open_account(session, party_id=party_id, kind=AccountKind.REVENUE, label=label, currency=currency)


def legs(moves: list[tuple[int, int, int]], currency: str) -> list[Leg]:
    """Each (from, to, amount) that moves something; an amount below zero moves the other way."""
    return [
        Leg(from_id, to_id, minor, currency) if minor > 0 else Leg(to_id, from_id, -minor, currency)
        for from_id, to_id, minor in moves
        if minor
    ]


def post(session: Session, *, key: str, storefront_id: int, subject_id: int, moved: list[Leg]) -> None:
    """Book it once under its key; what moves nothing is no transfer."""
    if moved:
        party_id = storefronts.by_id(session, storefront_id).party_id
        ledger.transfer(session, key=key, kind=TransferKind.SETTLEMENT, party_id=party_id, legs=moved, subject_id=subject_id)
