"""Changing the books: parties, accounts, transfers, roll-ups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from sqlalchemy import case, func, insert, or_, select, update
from sqlalchemy.orm import Session

from core.database import insert_new, now, write
from core.errors import N_, Refusal
from core.ledger.queries import Leg
from core.ledger.tables import Account, AccountKind, Party, PartyKind, Posting, Rollup, Transfer, TransferKind

# A transfer whose id lies below another's may commit later; none takes longer than the databases' time-outs allow.
_SETTLED_AFTER = timedelta(minutes=10)


@dataclass(eq=False)
class TooLittle(Refusal):
    """A guarded account would fall below its floor."""

    says: ClassVar[str] = N_("The balance is {balance}; {short} more is needed.")

    balance_minor: int
    short_minor: int
    currency: str


@dataclass(eq=False)
class KeyReused(Refusal):
    says: ClassVar[str] = N_("This was already done with other details. Nothing was changed.")


@dataclass(frozen=True, slots=True)
class Transferred:
    id: int
    repeated: bool


@write
def new_party(session: Session, kind: PartyKind) -> int:
    """Somebody new who may have accounts; returns the id."""
    party = Party(kind=kind)
    session.add(party)
    session.flush()
    return party.id


@write
def open_account(
    session: Session, *, party_id: int, kind: AccountKind, currency: str, label: str = "", floor_minor: int | None = None
) -> int:
    """The party's account of this kind and currency, opened if it is not; with a floor it is guarded and never falls below it."""
    session.execute(
        insert_new(session, Account).values(
            party_id=party_id,
            kind=kind,
            label=label,
            currency=currency,
            floor_minor=floor_minor,
            balance_minor=None if floor_minor is None else 0,
        )
    )
    found = session.scalars(
        select(Account.id).where(Account.party_id == party_id, Account.kind == kind, Account.label == label, Account.currency == currency)
    ).one()
    return found


@write
def transfer(
    session: Session,
    *,
    key: str,
    kind: TransferKind,
    party_id: int,
    legs: Sequence[Leg],
    subject_id: int | None = None,
    note: str | None = None,
) -> Transferred:
    """Move money once: the same key with the same legs again changes nothing, with other legs raises KeyReused.

    Raises TooLittle when a guarded account would fall below its floor.
    """
    assert legs and all(leg.amount_minor > 0 for leg in legs), "a transfer moves something"
    made = session.execute(
        insert_new(session, Transfer)
        .values(key=key, kind=kind, party_id=party_id, subject_id=subject_id, note=note, at=now(session))
        .returning(Transfer.id)
    ).scalar_one_or_none()
    if made is None:
        first = session.scalars(select(Transfer.id).where(Transfer.key == key)).one()
        posted = session.execute(
            select(Posting.debit_id, Posting.credit_id, Posting.amount_minor, Posting.currency)
            .where(Posting.transfer_id == first)
            .order_by(Posting.seq)
        ).all()
        if [tuple(row) for row in posted] != [(leg.debit_id, leg.credit_id, leg.amount_minor, leg.currency) for leg in legs]:
            raise KeyReused
        return Transferred(first, repeated=True)
    _move_guarded(session, legs)
    session.execute(
        insert(Posting),
        [
            {
                "transfer_id": made,
                "seq": seq,
                "debit_id": leg.debit_id,
                "credit_id": leg.credit_id,
                "amount_minor": leg.amount_minor,
                "currency": leg.currency,
            }
            for seq, leg in enumerate(legs, 1)
        ],
    )
    return Transferred(made, repeated=False)


def _move_guarded(session: Session, legs: Sequence[Leg]) -> None:
    """Change the kept balances, locking in id order so that two transfers cannot wait for each other."""
    change: dict[int, int] = defaultdict(int)
    for leg in legs:
        change[leg.debit_id] -= leg.amount_minor
        change[leg.credit_id] += leg.amount_minor
    guarded = session.execute(
        select(Account.id, Account.balance_minor, Account.floor_minor, Account.currency)
        .where(Account.id.in_(change), Account.floor_minor.is_not(None))
        .order_by(Account.id)
        .with_for_update()
    ).all()
    for account_id, balance_minor, floor_minor, currency in guarded:
        assert balance_minor is not None and floor_minor is not None
        after = balance_minor + change[account_id]
        if change[account_id] < 0 and after < floor_minor:
            raise TooLittle(balance_minor=balance_minor, short_minor=floor_minor - after, currency=currency)
        session.execute(
            update(Account).where(Account.id == account_id).values(balance_minor=Account.balance_minor + change[account_id]),
            execution_options={"synchronize_session": False},
        )


@write
def roll_up(session: Session, *, most: int = 50_000) -> int:
    """Sum old postings of every unguarded account into its roll-up; returns how many transfers were covered.

    Only transfers older than any transaction can be are covered, because ids are given out before commits.
    """
    # One process at a time: what two of them summed from the same point would be counted twice. Postings do not wait for this lock.
    unguarded = select(Account.id).where(Account.floor_minor.is_(None)).order_by(Account.id)
    session.scalar(unguarded.limit(1).with_for_update(key_share=True))
    done = session.scalar(select(func.max(Rollup.upto_transfer_id))) or 0
    upto = session.scalar(
        select(func.max(Transfer.id)).where(Transfer.id > done, Transfer.id <= done + most, Transfer.at < now(session) - _SETTLED_AFTER)
    )
    if upto is None:
        return 0
    accounts = session.scalars(unguarded).all()
    covered = Posting.transfer_id.between(done + 1, upto)
    sums: dict[int, list[int]] = {account_id: [0, 0] for account_id in accounts}
    for side, column in ((0, Posting.debit_id), (1, Posting.credit_id)):
        for account_id, total in session.execute(select(column, func.sum(Posting.amount_minor)).where(covered).group_by(column)):
            if account_id in sums:
                sums[account_id][side] = int(total)
    for account_id, (debits, credits) in sums.items():
        changed = session.execute(
            update(Rollup)
            .where(Rollup.account_id == account_id)
            .values(
                upto_transfer_id=upto,
                debits_minor=Rollup.debits_minor + debits,
                credits_minor=Rollup.credits_minor + credits,
                at=now(session),
            )
            .returning(Rollup.account_id)
        ).first()
        if changed is None:
            debits_before, credits_before = _sums_upto(session, account_id, done)
            session.add(
                Rollup(
                    account_id=account_id,
                    upto_transfer_id=upto,
                    debits_minor=debits + debits_before,
                    credits_minor=credits + credits_before,
                    at=now(session),
                )
            )
    return upto - done


def _sums_upto(session: Session, account_id: int, upto: int) -> tuple[int, int]:
    """Debits and credits of an account that was opened after the last roll-up began (usually none)."""
    if upto == 0:
        return 0, 0
    row = session.execute(
        select(
            func.coalesce(func.sum(case((Posting.debit_id == account_id, Posting.amount_minor), else_=0)), 0),
            func.coalesce(func.sum(case((Posting.credit_id == account_id, Posting.amount_minor), else_=0)), 0),
        ).where(Posting.transfer_id <= upto, or_(Posting.debit_id == account_id, Posting.credit_id == account_id))
    ).one()
    return int(row[0]), int(row[1])
