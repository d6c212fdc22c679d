"""The books: accounts, transfers and postings; insert-only, and balanced because a posting is one row with both sides."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class PartyKind(StrEnum):
    HOUSE = "house"
    CUSTOMER = "customer"
    SUPPLIER = "supplier"


class AccountKind(StrEnum):
    """What an account is for. Wallets and payables are owed by the shop: a credit raises them. Gateways are owned: a debit raises them."""

    WALLET = "wallet"  # what a customer may spend; guarded by a floor
    PAYABLE = "payable"  # what a supplier has earned; summed, because a guarded one would be a hot row of every sale
    SALES = "sales"  # what the shop keeps of each sale
    GATEWAY = "gateway"  # money held at a payment provider
    FEES = "fees"  # what providers keep, less what payers bear of it
    REFUNDING = "refunding"  # what was refunded and is on its way back to where it was paid from
    EXCHANGE = "exchange"  # one per currency; a conversion goes in at one and out at the other
    ADJUSTMENT = "adjustment"  # what admins credit and debit by hand
    ESCROW = "escrow"  # paid for what is still on its way to its buyer
    REVENUE = (
        "revenue"  # what the shop earns, by label: of settled sales spread, commission and service; interest, advertising, data; packages
    )
    SECURITY = "security"  # what suppliers have deposited
    CREDIT = "credit"  # what a customer owes besides a wallet below zero, by label: fees, interest, advance; a debit raises it
    BAD_DEBT = "bad_debt"  # what was owed and is written off
    MARGIN = "margin"  # what a reseller has earned in their own storefront: held, and labelled "due" what may be taken


class TransferKind(StrEnum):
    SALE = "sale"
    DEPOSIT = "deposit"
    ADJUSTMENT = "adjustment"
    REFUND = "refund"
    ESCROW = "escrow"  # into escrow when an order is paid whose goods are on their way, and back when they do not come
    SETTLEMENT = "settlement"  # sales shared by contract, released to their suppliers, and taken back
    PAYOUT = "payout"
    SECURITY = "security"
    REVENUE = "revenue"  # of another stream than sales, booked by hand
    PACKAGE = "package"  # a period of a service package, and what of it is given back
    CREDIT = "credit"  # interest and fees of credit, what pays them, advances, and what is written off
    MARGIN = "margin"  # a reseller's part of a sale in their storefront: earned, taken back, released, and taken into the wallet


class Party(Base):
    """Anybody an account can belong to."""

    __tablename__ = "parties"

    id: Mapped[Id]
    kind: Mapped[PartyKind]


class Account(Base):
    """One pot of one currency of one party."""

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("party_id", "kind", "label", "currency", name="uq_account_of_party"),
        # The target of the composite keys that keep both sides of a posting in one currency.
        UniqueConstraint("id", "currency", name="uq_account_currency"),
        # A balance is kept only where it may run dry, and never falls below its floor.
        CheckConstraint("(balance_minor IS NULL) = (floor_minor IS NULL)", name="guarded_or_summed"),
        CheckConstraint("balance_minor >= floor_minor", name="balance_above_floor"),
    )

    id: Mapped[Id]
    party_id: Mapped[int] = mapped_column(ForeignKey("parties.id"))
    kind: Mapped[AccountKind]
    label: Mapped[str] = mapped_column(String(32))  # which gateway; empty where there is only one
    currency: Mapped[str] = mapped_column(String(8))
    balance_minor: Mapped[int | None]
    floor_minor: Mapped[int | None]
    # Its owner is late: what is paid in stays in, because the floor rises with the balance.
    floor_follows: Mapped[bool] = mapped_column(server_default=false(), default=False)


class Transfer(Base):
    """One movement of money with its cause; its key is its idempotency."""

    __tablename__ = "transfers"
    __table_args__ = (
        UniqueConstraint("key", name="uq_transfer_once"),
        # Sales straight from a wallet name no party: an index entry for each among all past ones of its buyer would dirty a
        # page of its own, which costs a third of the sales a second on a grown SQLite. Their orders know the buyer.
        Index(
            "ix_transfers_of_party",
            "party_id",
            "id",
            postgresql_where=text("party_id IS NOT NULL"),
            sqlite_where=text("party_id IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(200))
    kind: Mapped[TransferKind]
    party_id: Mapped[int | None]  # whose statement shows it; empty when that is the buyer of the order it pays for
    subject_id: Mapped[int | None]  # the order, intent or admin's action it belongs to, by kind
    note: Mapped[str | None] = mapped_column(String(500))
    at: Mapped[datetime]


class Posting(Base):
    """An amount from one account to another: debit and credit in the same row, so that the books cannot be out of balance."""

    __tablename__ = "postings"
    __table_args__ = (
        ForeignKeyConstraint(["debit_id", "currency"], ["accounts.id", "accounts.currency"], name="fk_posting_debit"),
        ForeignKeyConstraint(["credit_id", "currency"], ["accounts.id", "accounts.currency"], name="fk_posting_credit"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("debit_id <> credit_id", name="two_accounts"),
    )

    transfer_id: Mapped[int] = mapped_column(ForeignKey("transfers.id"), primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    debit_id: Mapped[int]
    credit_id: Mapped[int]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))


class Rollup(Base):
    """Sums of a house account's postings up to a transfer, so that reading it stays cheap as the books grow."""

    __tablename__ = "rollups"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    upto_transfer_id: Mapped[int]
    debits_minor: Mapped[int]
    credits_minor: Mapped[int]
    at: Mapped[datetime]
