"""What a reseller wishes: from which sum on to be asked again, and of what to be told; and the telling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import journal, ledger, outbox, people
from core.database import insert_new, micros, now, read, write
from core.resellers.members.people import NotAllowed, may_of
from core.resellers.members.tables import ResellerWishes

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Wishes:
    """Amounts in minor units of the wallet's currency; None: every purchase is confirmed, and no balance is too low."""

    confirm_above_minor: int | None = None
    low_balance_minor: int | None = None
    restock: bool = True
    maintenance: bool = True


def _view(row: ResellerWishes | None) -> Wishes:
    if row is None:
        return Wishes()
    return Wishes(row.confirm_above_minor, row.low_balance_minor, row.no_restock_at is None, row.no_maintenance_at is None)


@read
def wishes_of(session: Session, reseller_id: int) -> Wishes:
    """What this reseller wishes; of one who never said, everything is confirmed and told."""
    return _view(session.get(ResellerWishes, reseller_id))


@write
def set_wishes(session: Session, *, reseller_id: int, wishes: Wishes, by: int) -> None:
    """From now on it is so. Raises NotAllowed when this person (a Telegram id) is not an owner."""
    if not may_of(session, people.by_id(session, reseller_id), by).owns:
        raise NotAllowed
    session.execute(insert_new(session, ResellerWishes).values(reseller_id=reseller_id))
    row = session.get_one(ResellerWishes, reseller_id, with_for_update=True)
    before, at = _view(row), now(session)
    if before == wishes:
        return
    row.confirm_above_minor, row.low_balance_minor = wishes.confirm_above_minor, wishes.low_balance_minor
    if before.low_balance_minor != wishes.low_balance_minor:
        row.low_told_at = None
    row.no_restock_at = None if wishes.restock else row.no_restock_at or at
    row.no_maintenance_at = None if wishes.maintenance else row.no_maintenance_at or at
    session.flush()
    journal.record(
        session,
        by=f"telegram:{by}",
        did="set-reseller-wishes",
        about="customer",
        about_id=reseller_id,
        before=_recorded(before),
        after=_recorded(wishes),
    )


def _recorded(wishes: Wishes) -> dict[str, Any]:
    return {
        "confirm_above_minor": wishes.confirm_above_minor,
        "low_balance_minor": wishes.low_balance_minor,
        "restock": wishes.restock,
        "maintenance": wishes.maintenance,
    }


@write
def tell_low_balances(session: Session) -> int:
    """Tell resellers whose balance is below what they named, once until there is enough again. Returns how many were told."""
    told = 0
    rows = session.scalars(
        select(ResellerWishes)
        .where(ResellerWishes.low_balance_minor.is_not(None))
        .order_by(ResellerWishes.reseller_id)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        assert row.low_balance_minor is not None, "it was asked for"
        customer = people.by_id(session, row.reseller_id)
        balance = ledger.balance(session, customer.wallet_id)
        if balance >= row.low_balance_minor:
            row.low_told_at = None
        elif row.low_told_at is None and customer.wholesale:
            row.low_told_at = now(session)
            told += outbox.post(
                session,
                topic=outbox.Topic.NOTICE,
                customer_id=customer.id,
                body={"says": "low-balance", "balance_minor": balance, "below_minor": row.low_balance_minor},
                once=f"low-balance:{customer.id}:{micros(row.low_told_at)}",
            )
    session.flush()
    return told


@write
def announce_maintenance(session: Session, *, storefront_id: int, text: str, by: str, once: str) -> int:
    """Tell every reseller who wants to know what the staff say about maintenance; the same `once` tells nobody twice."""
    told, after = 0, 0
    while True:
        page = people.next_customers(session, storefront_id=storefront_id, after=after, limit=_PAGE, resellers_only=True)
        for customer in page:
            if not customer.blocked and wishes_of(session, customer.id).maintenance:
                told += outbox.post(
                    session,
                    topic=outbox.Topic.NOTICE,
                    customer_id=customer.id,
                    body={"says": "maintenance", "text": text[:1000]},
                    once=f"maintenance:{once}:{customer.id}",
                )
        if len(page) < _PAGE:
            break
        after = page[-1].id
    if told:
        journal.record(
            session, by=by, did="announce-maintenance", about="storefront", about_id=storefront_id, after={"text": text[:200], "told": told}
        )
    return told
