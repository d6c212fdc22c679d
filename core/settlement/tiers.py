"""Commission by volume: when a window is over, what was charged too much over it is given to the supplier, exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from core.database import now, read, write
from core.settlement import accounts
from core.settlement.contracts import contract
from core.settlement.split import Commission, Label, commission_due
from core.settlement.tables import Claim, Contract, Reversal, Run, RunKind, TierWindow

# Word for word as the partial index has it: SQLite would not know `counted IS 0` for the same.
_UNCOUNTED = text("NOT claims.counted")


@dataclass(frozen=True, slots=True)
class Counted:
    """A window of commission by volume as it was last counted, in minor units."""

    supplier_id: int
    contract_id: int
    bucket: int
    currency: str
    starts_at: datetime
    ends_at: datetime
    volume_minor: int
    charged_minor: int
    due_minor: int


@write
def count_windows(session: Session, *, most: int = 20) -> int:
    """Settle the windows that are over and have claims that were not counted, or changed since; returns how many.

    What was taken back after a window's end changes its volume: it is counted again, and only the difference is booked.
    """
    key = (Claim.contract_id, Claim.bucket, Claim.storefront_id, Claim.currency, Claim.window_starts_at, Claim.window_ends_at)
    waiting = session.execute(
        select(*key).where(Claim.window_ends_at <= now(session), _UNCOUNTED).group_by(*key).order_by(*key).limit(most)
    ).all()
    for contract_id, bucket, storefront_id, currency, starts_at, ends_at in waiting:
        assert contract_id is not None and bucket is not None and starts_at is not None and ends_at is not None
        _count(session, contract_id, bucket, storefront_id, currency, starts_at, ends_at)
    return len(waiting)


def _count(
    session: Session, contract_id: int, bucket: int, storefront_id: int, currency: str, starts_at: datetime, ends_at: datetime
) -> None:
    agreed = contract(session, contract_id)
    assert agreed is not None and isinstance(agreed.terms, Commission), "a window is of a commission"
    # The contract's row is the lock of its windows.
    session.execute(select(Contract.id).where(Contract.id == contract_id).with_for_update())
    these = (
        Claim.contract_id == contract_id,
        Claim.bucket == bucket,
        Claim.storefront_id == storefront_id,
        Claim.currency == currency,
        Claim.window_starts_at == starts_at,
    )
    session.execute(select(Claim.id).where(*these, _UNCOUNTED).with_for_update())
    price, charged = session.execute(
        select(func.coalesce(func.sum(Claim.price_minor), 0), func.coalesce(func.sum(Claim.commission_minor), 0)).where(*these)
    ).one()
    gone, back = session.execute(
        select(
            func.coalesce(func.sum(Reversal.supplier_minor + Reversal.commission_minor + Reversal.service_minor), 0),
            func.coalesce(func.sum(Reversal.commission_minor), 0),
        )
        .join(Claim, Claim.id == Reversal.claim_id)
        .where(*these)
    ).one()
    volume, kept = int(price) - int(gone), int(charged) - int(back)
    due = commission_due(volume, agreed.terms.rates(bucket or None), marginal=agreed.terms.marginal)
    row = session.get(TierWindow, (contract_id, bucket, storefront_id, currency, starts_at), populate_existing=True)
    if row is None:
        row = TierWindow(
            contract_id=contract_id,
            bucket=bucket,
            storefront_id=storefront_id,
            currency=currency,
            starts_at=starts_at,
            ends_at=ends_at,
            adjusted_minor=0,
        )
        session.add(row)
    more = kept - due - row.adjusted_minor
    row.volume_minor, row.charged_minor, row.due_minor, row.adjusted_minor = volume, kept, due, kept - due
    session.execute(update(Claim).where(*these).values(counted=True), execution_options={"synchronize_session": False})
    if more:
        run = Run(
            kind=RunKind.TIERS,
            supplier_id=agreed.supplier_id,
            storefront_id=storefront_id,
            currency=currency,
            supplier_minor=more,
            cost_minor=0,
            spread_minor=0,
            commission_minor=-more,
            service_minor=0,
            discounts_minor=0,
            at=now(session),
        )
        session.add(run)
        session.flush()
        earned = accounts.revenue(session, storefront_id, Label.COMMISSION, currency)
        due_account = accounts.due(session, agreed.supplier_id, currency)
        moved = accounts.legs([(earned, due_account, more)], currency)
        accounts.post(session, key=f"{run.kind.value}:{run.id}", storefront_id=storefront_id, subject_id=run.id, moved=moved)
    session.flush()


@read
def windows_of(session: Session, supplier_id: int, *, limit: int = 12) -> Sequence[Counted]:
    """The supplier's windows that were counted, the newest first."""
    rows = session.execute(
        select(TierWindow, Contract.supplier_id)
        .join(Contract, Contract.id == TierWindow.contract_id)
        .where(Contract.supplier_id == supplier_id)
        .order_by(TierWindow.starts_at.desc(), TierWindow.bucket)
        .limit(limit)
    ).all()
    return [
        Counted(
            of, row.contract_id, row.bucket, row.currency, row.starts_at, row.ends_at, row.volume_minor, row.charged_minor, row.due_minor
        )
        for row, of in rows
    ]
