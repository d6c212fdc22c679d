"""A run: what one posting of settlement moves for one supplier, storefront and currency."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.database import now
from core.settlement import accounts
from core.settlement.accounts import Amounts
from core.settlement.split import Label, Parts
from core.settlement.tables import Run, RunKind


def add_parts(sums: Amounts, made: Parts, cost_minor: int) -> None:
    """Add the parts of one claim, and what the sale has credited already, to the sums of its run."""
    sums.supplier += made.supplier_minor
    sums.cost += cost_minor
    for label in Label:
        sums.shop[label] += made.shop[label]


def make_run(session: Session, kind: RunKind, supplier_id: int, storefront_id: int, currency: str, sums: Amounts) -> Run:
    """Write down a run of these sums; it has its number."""
    run = Run(
        kind=kind,
        supplier_id=supplier_id,
        storefront_id=storefront_id,
        currency=currency,
        supplier_minor=sums.supplier,
        cost_minor=sums.cost,
        spread_minor=sums.shop[Label.SPREAD],
        commission_minor=sums.shop[Label.COMMISSION],
        service_minor=sums.shop[Label.SERVICE],
        discounts_minor=sums.shop[Label.DISCOUNTS],
        at=now(session),
    )
    session.add(run)
    session.flush()
    return run


def post_run(session: Session, run: Run, moves: list[tuple[int, int, int]]) -> None:
    """Post what a run moves, as (from account, to account, minor units), in one transfer."""
    accounts.post(
        session,
        key=f"{run.kind.value}:{run.id}",
        storefront_id=run.storefront_id,
        subject_id=run.id,
        moved=accounts.legs(moves, run.currency),
    )
