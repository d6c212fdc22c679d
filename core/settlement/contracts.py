"""Contracts: versions that are never changed, only followed, and which of them a sale is shared by."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import journal, supply
from core.catalog import Gone
from core.database import among, now, read, write
from core.settlement.refusals import NoSuchSupplier, NothingToEnd, NotInThePast
from core.settlement.split import FixedCost, Terms, checked, from_json, to_json
from core.settlement.tables import Contract

_CLOCKS = timedelta(minutes=1)  # A contract "from now on" was typed a moment ago.


@dataclass(frozen=True, slots=True)
class ContractView:
    """One version of a contract; without an offer it is for all of the supplier's that have none of their own."""

    id: int
    supplier_id: int
    offer_id: int | None
    version: int
    terms: Terms
    from_at: datetime
    by: str
    at: datetime
    ends: bool = False  # of an offer: it has none of its own from then on; `terms` are those that end


def _view(row: Contract) -> ContractView:
    return ContractView(row.id, row.supplier_id, row.offer_id, row.version, from_json(row.terms), row.from_at, row.by, row.at, row.ends)


@write
def agree(
    session: Session, *, supplier_id: int, terms: Terms, by: str, offer_id: int | None = None, from_at: datetime | None = None
) -> ContractView:
    """The next version of a supplier's contract, or of one of its offers, for what is sold from `from_at` (now) on.

    What was sold before stays shared as it was. Raises TermsWrong, NotInThePast, NoSuchSupplier, OwnSupplier, and Gone
    when the offer is not theirs.
    """
    checked(terms)
    supply.lock_supplier(session, supplier_id)
    if supply.supplier(session, supplier_id) is None:
        raise NoSuchSupplier
    supply.not_own(session, supplier_id, by)
    if offer_id is not None and [place.supplier_id for place in supply.places_of(session, [offer_id])] != [supplier_id]:
        raise Gone
    at, begins = now(session), _begins(session, from_at)
    of = (Contract.supplier_id == supplier_id, Contract.offer_id.is_(None) if offer_id is None else Contract.offer_id == offer_id)
    before = session.scalars(select(Contract).where(*of).order_by(Contract.version.desc()).limit(1)).one_or_none()
    row = Contract(
        supplier_id=supplier_id,
        offer_id=offer_id,
        version=1 if before is None else before.version + 1,
        terms=to_json(terms),
        from_at=begins,
        by=by,
        at=at,
    )
    session.add(row)
    session.flush()
    if offer_id is not None:
        supply.follow_contract(session, offer_id=offer_id, contract_id=row.id)
    journal.record(
        session,
        by=by,
        did="agree-contract",
        about="supplier",
        about_id=supplier_id,
        before={} if before is None else {"version": before.version, "terms": before.terms},
        after={"version": row.version, "terms": row.terms, "from": begins.isoformat(), "offer": offer_id},
    )
    return _view(row)


def _begins(session: Session, from_at: datetime | None) -> datetime:
    """Never before this moment: a sale of the past may be settled after this. Raises NotInThePast."""
    at = now(session)
    if from_at is not None and from_at < at - _CLOCKS:
        raise NotInThePast
    return at if from_at is None or from_at < at else from_at


@write
def end_contract(session: Session, *, offer_id: int, by: str, from_at: datetime | None = None) -> ContractView:
    """An offer has no contract of its own any more: what is sold from `from_at` (now) on is shared by its supplier's.

    What was sold before stays shared as it was, and the offer may have one of its own again later. Raises Gone, OwnSupplier,
    NotInThePast, and NothingToEnd when it has none.
    """
    place = next(iter(supply.places_of(session, [offer_id])), None)
    if place is None:
        raise Gone
    supply.lock_supplier(session, place.supplier_id)
    supply.not_own(session, place.supplier_id, by)
    begins = _begins(session, from_at)
    last = session.scalars(select(Contract).where(Contract.offer_id == offer_id).order_by(Contract.version.desc()).limit(1)).one_or_none()
    if last is None or last.ends:
        raise NothingToEnd
    row = Contract(
        supplier_id=place.supplier_id,
        offer_id=offer_id,
        version=last.version + 1,
        terms=last.terms,
        from_at=begins,
        by=by,
        at=now(session),
        ends=True,
    )
    session.add(row)
    session.flush()
    supply.follow_contract(session, offer_id=offer_id, contract_id=None)
    journal.record(
        session,
        by=by,
        did="end-offer-contract",
        about="supplier",
        about_id=place.supplier_id,
        before={"version": last.version, "terms": last.terms, "offer": offer_id},
        after={"version": row.version, "terms": None, "from": begins.isoformat(), "offer": offer_id},
    )
    return _view(row)


@read
def contracts_of(session: Session, supplier_id: int) -> list[ContractView]:
    """Every version of a supplier's contracts, the newest first."""
    rows = session.scalars(select(Contract).where(Contract.supplier_id == supplier_id).order_by(Contract.id.desc()))
    return [_view(row) for row in rows]


@read
def contract(session: Session, contract_id: int) -> ContractView | None:
    row = session.get(Contract, contract_id)
    return None if row is None else _view(row)


@read
def terms_now(session: Session, *, supplier_id: int, offer_id: int | None = None) -> tuple[ContractView | None, Terms]:
    """The contract by which a sale of this moment would be shared; without one the supplier gets the cost."""
    found = Agreed(session, [supplier_id]).of(supplier_id, offer_id, now(session))
    return found, FixedCost() if found is None else found.terms


class Agreed:
    """The contracts of some suppliers, to be asked for many sales."""

    def __init__(self, session: Session, supplier_ids: Collection[int]) -> None:
        self._found: dict[tuple[int, int | None], list[ContractView]] = {}
        rows = session.scalars(
            select(Contract).where(among(session, Contract.supplier_id, sorted(set(supplier_ids)))).order_by(Contract.version.desc())
        )
        for row in rows:
            self._found.setdefault((row.supplier_id, row.offer_id), []).append(_view(row))

    def of(self, supplier_id: int, offer_id: int | None, at: datetime) -> ContractView | None:
        """The version for a sale of that instant: the offer's own, else the supplier's; None: the cost is the supplier's."""
        for key in ((supplier_id, offer_id), (supplier_id, None)):
            for version in self._found.get(key, ()):
                if version.from_at <= at and not version.ends:
                    return version
                if version.from_at <= at:
                    break  # It has none of its own any more: the supplier's holds.
        return None


@read
def contract_counts(session: Session) -> dict[int, int]:
    """How many versions each supplier's contracts have."""
    rows: Any = session.execute(select(Contract.supplier_id, func.count()).group_by(Contract.supplier_id)).all()
    return {supplier_id: int(count) for supplier_id, count in rows}
