"""Security deposits: what a standing asks for, paid from a member's wallet, and given back by the staff."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import journal, ledger, outbox, people, storefronts, supply
from core.database import now, read, write
from core.ledger import AccountKind, Leg, TransferKind
from core.onboarding.refusals import DepositTooLarge, NothingDue, NotYours
from core.onboarding.tables import DepositState, DepositTerms, SecurityDeposit
from core.supply import Standing

LARGEST = 10**15  # minor units


@dataclass(frozen=True, slots=True)
class DepositView:
    supplier_id: int
    amount_minor: int
    currency: str
    state: DepositState


@read
def deposit_terms(session: Session, *, storefront_id: int) -> dict[Standing, int]:
    """What suppliers of each standing are asked to deposit, in minor units of the storefront's currency; who is not in it, nothing."""
    rows = session.scalars(select(DepositTerms).where(DepositTerms.storefront_id == storefront_id))
    return {row.standing: row.amount_minor for row in rows}


@write
def set_deposit(session: Session, *, storefront_id: int, standing: Standing, amount_minor: int, by: str) -> None:
    """Ask for so much from those who are approved from now on; 0 asks for nothing. Raises DepositTooLarge."""
    currency = storefronts.by_id(session, storefront_id).currency
    if not 0 <= amount_minor <= LARGEST:
        raise DepositTooLarge(most_minor=LARGEST, currency=currency)
    before = deposit_terms(session, storefront_id=storefront_id).get(standing, 0)
    if before == amount_minor:
        return
    session.execute(delete(DepositTerms).where(DepositTerms.storefront_id == storefront_id, DepositTerms.standing == standing))
    if amount_minor:
        session.add(DepositTerms(storefront_id=storefront_id, standing=standing, amount_minor=amount_minor))
    journal.record(
        session,
        by=by,
        did="set-deposit",
        about="storefront",
        about_id=storefront_id,
        before={"standing": standing.value, "deposit_minor": before, "currency": currency},
        after={"standing": standing.value, "deposit_minor": amount_minor, "currency": currency},
    )


def ask(session: Session, *, supplier_id: int, storefront_id: int, standing: Standing, currency: str) -> None:
    """Ask a new supplier for what their standing asks for, if anything. A part of commands."""
    amount_minor = deposit_terms(session, storefront_id=storefront_id).get(standing, 0)
    if amount_minor:
        session.add(
            SecurityDeposit(
                supplier_id=supplier_id,
                amount_minor=amount_minor,
                currency=currency,
                state=DepositState.ASKED,
                round=0,
                changed_at=now(session),
            )
        )


@read
def deposit_of(session: Session, supplier_id: int) -> DepositView | None:
    """What this supplier was asked to deposit, and how that stands; None when nothing ever was."""
    row = session.get(SecurityDeposit, supplier_id)
    return None if row is None else DepositView(row.supplier_id, row.amount_minor, row.currency, row.state)


@read
def deposits(session: Session, *, limit: int = 20) -> list[DepositView]:
    """The deposits that were asked for, what changed last first."""
    rows = session.scalars(select(SecurityDeposit).order_by(SecurityDeposit.changed_at.desc(), SecurityDeposit.supplier_id).limit(limit))
    return [DepositView(row.supplier_id, row.amount_minor, row.currency, row.state) for row in rows]


@read
def ready(session: Session, supplier_id: int) -> bool:
    """May this supplier list anything, as far as the deposit goes: none is asked for, or it is there?"""
    row = session.get(SecurityDeposit, supplier_id)
    return row is None or row.state in (DepositState.PAID, DepositState.WAIVED)


@write
def pay_deposit(session: Session, *, supplier_id: int, customer_id: int) -> DepositView:
    """Move the deposit from a member's wallet to the supplier's security account; paid already, nothing happens.

    Raises NotYours, NothingDue, and TooLittle when the wallet has less.
    """
    customer = people.by_id(session, customer_id)
    if all(one.id != supplier_id for one in supply.suppliers_of(session, customer.telegram_id)):
        raise NotYours
    row = _locked(session, supplier_id)
    if row.state is DepositState.WAIVED:
        raise NothingDue
    if row.state is not DepositState.PAID:
        before = row.state
        account_id = ledger.open_account(session, party_id=supplier_id, kind=AccountKind.SECURITY, currency=row.currency, floor_minor=0)
        ledger.lock(session, customer.wallet_id)
        there = ledger.balance(session, customer.wallet_id)
        if there < row.amount_minor:
            # Not out of credit: a deposit is the supplier's own money, and comes back as such.
            raise ledger.TooLittle(balance_minor=there, short_minor=row.amount_minor - there, currency=row.currency)
        row.round += 1
        ledger.transfer(
            session,
            key=f"security:{supplier_id}:{row.round}",
            kind=TransferKind.SECURITY,
            party_id=customer_id,
            legs=[Leg(customer.wallet_id, account_id, row.amount_minor, row.currency)],
            subject_id=supplier_id,
        )
        row.state, row.payer_id, row.account_id, row.changed_at = DepositState.PAID, customer_id, account_id, now(session)
        _record(session, row, f"telegram:{customer.telegram_id}", "pay-deposit", before)
    return DepositView(row.supplier_id, row.amount_minor, row.currency, row.state)


@write
def give_deposit_back(session: Session, *, supplier_id: int, by: str) -> DepositView:
    """Return the deposit to the wallet it came from; until it is paid again the supplier lists nothing. Raises NothingDue, OwnSupplier."""
    supply.not_own(session, supplier_id, by)
    row = _locked(session, supplier_id)
    if row.state is not DepositState.PAID:
        raise NothingDue
    assert row.payer_id is not None and row.account_id is not None, "what is paid came from somewhere"
    payer = people.by_id(session, row.payer_id)
    ledger.transfer(
        session,
        key=f"security-back:{supplier_id}:{row.round}",
        kind=TransferKind.SECURITY,
        party_id=payer.id,
        legs=[Leg(row.account_id, payer.wallet_id, row.amount_minor, row.currency)],
        subject_id=supplier_id,
    )
    row.state, row.payer_id, row.changed_at = DepositState.RETURNED, None, now(session)
    _record(session, row, by, "return-deposit", DepositState.PAID)
    outbox.post(
        session,
        topic=outbox.Topic.NOTICE,
        customer_id=payer.id,
        body={"says": "deposit-returned", "supplier": supplier_id, "amount_minor": row.amount_minor, "currency": row.currency},
        once=f"deposit-returned:{supplier_id}:{row.round}",
    )
    return DepositView(row.supplier_id, row.amount_minor, row.currency, row.state)


@write
def waive_deposit(session: Session, *, supplier_id: int, by: str) -> DepositView:
    """Ask this supplier for none after all: they may list without.

    Raises OwnSupplier, and NothingDue when it is paid: that is given back first.
    """
    supply.not_own(session, supplier_id, by)
    row = _locked(session, supplier_id)
    if row.state is DepositState.PAID:
        raise NothingDue
    if row.state is not DepositState.WAIVED:
        before, row.state, row.changed_at = row.state, DepositState.WAIVED, now(session)
        _record(session, row, by, "waive-deposit", before)
    return DepositView(row.supplier_id, row.amount_minor, row.currency, row.state)


def _locked(session: Session, supplier_id: int) -> SecurityDeposit:
    row = session.get(SecurityDeposit, supplier_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NothingDue
    return row


def _record(session: Session, row: SecurityDeposit, by: str, did: str, before: DepositState) -> None:
    session.flush()
    journal.record(
        session,
        by=by,
        did=did,
        about="supplier",
        about_id=row.supplier_id,
        before={"state": before.value},
        after={"state": row.state.value, "deposit_minor": row.amount_minor, "currency": row.currency},
    )
