"""Contracts, what each sale of consigned goods earned whom, the runs that booked it, and payouts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id
from core.settlement.split import Form, Stream


class ClaimState(StrEnum):
    HELD = "held"  # earned; waits for the end of the warranty
    PAYABLE = "payable"  # released: it may be paid out
    REVERSED = "reversed"  # all of its units were taken back


class RunKind(StrEnum):
    """What a run booked; with its number it is the key of its transfer."""

    SETTLE = "settle"
    REVERSE = "reverse"
    RELEASE = "release"
    TIERS = "tiers"


class PayoutState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"  # to be sent
    SENDING = "sending"  # the provider is being asked, or was when somebody pulled the plug
    UNKNOWN = "unknown"  # the provider did not say whether it was sent; it is asked again
    SENT = "sent"  # out of our hands; the supplier has not said that it came
    CONFIRMED = "confirmed"
    REFUSED = "refused"  # the money is the supplier's again


class PayTo(StrEnum):
    """How a supplier is paid."""

    WORDS = "words"  # by hand, to an account or address in their own words
    CRYPTO_PAY = "crypto-pay"


class Contract(Base):
    """One version of how sales are shared; never changed, only followed. Without an offer it is for all of a supplier's."""

    __tablename__ = "contracts"
    __table_args__ = (
        Index(
            "uq_contract_of_supplier",
            "supplier_id",
            "version",
            unique=True,
            postgresql_where=text("offer_id IS NULL"),
            sqlite_where=text("offer_id IS NULL"),
        ),
        Index(
            "uq_contract_of_offer",
            "offer_id",
            "version",
            unique=True,
            postgresql_where=text("offer_id IS NOT NULL"),
            sqlite_where=text("offer_id IS NOT NULL"),
        ),
        CheckConstraint("version >= 1", name="version_from_one"),
    )

    id: Mapped[Id]
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"))
    offer_id: Mapped[int | None] = mapped_column(ForeignKey("offers.id"))
    version: Mapped[int]
    terms: Mapped[dict[str, Any]]
    from_at: Mapped[datetime]  # of sales from then on, until the next version's
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    # Of one offer: from then on it has none of its own, and the supplier's holds again; `terms` are those that end.
    ends: Mapped[bool] = mapped_column(server_default=false())


_HELD = text("state = 'held'")
_UNCOUNTED = text("window_ends_at IS NOT NULL AND NOT counted")


class Claim(Base):
    """What a supplier earned by one line of an order, or by a code that replaced another supplier's, and what the shop did.

    The parts of all units; `reversed_units` of them were taken back since, each its share of every part.
    """

    __tablename__ = "claims"
    __table_args__ = (
        # Nothing is claimed twice, whoever settles at once.
        UniqueConstraint("order_id", "seq", "code_id", name="uq_claim_once"),
        CheckConstraint("units > 0 AND reversed_units >= 0 AND reversed_units <= units", name="reversed_within_units"),
        CheckConstraint(
            "supplier_minor + spread_minor + commission_minor + service_minor = price_minor",
            name="parts_are_the_price",
        ),
        CheckConstraint("supplier_minor >= 0", name="supplier_not_negative"),
        Index("ix_claims_of_supplier", "supplier_id", "sold_at"),
        Index("ix_claims_of_run", "run_id"),
        Index("ix_claims_of_release", "release_run_id"),
        Index("ix_claims_held", "ask_at", postgresql_where=_HELD, sqlite_where=_HELD),
        Index("ix_claims_uncounted", "window_ends_at", postgresql_where=_UNCOUNTED, sqlite_where=_UNCOUNTED),
    )

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    seq: Mapped[int]  # of the order's line; 0: of a code that came in another's place
    code_id: Mapped[int]  # that code; 0: of a line
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"))
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contracts.id"))
    form: Mapped[Form]
    units: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    price_minor: Mapped[int]  # as agreed, before what the shop took off
    cost_minor: Mapped[int]  # what the sale itself credited
    supplier_minor: Mapped[int]
    spread_minor: Mapped[int]
    commission_minor: Mapped[int]
    service_minor: Mapped[int]
    discounts_minor: Mapped[int]  # below zero: given away by the shop
    reversed_units: Mapped[int]
    state: Mapped[ClaimState]
    sold_at: Mapped[datetime]
    release_at: Mapped[datetime]
    ask_at: Mapped[datetime]  # when its release is looked at (again)
    run_id: Mapped[int] = mapped_column(ForeignKey("settlement_runs.id"))
    release_run_id: Mapped[int | None] = mapped_column(ForeignKey("settlement_runs.id"))
    # Of commission by volume: under which number and in which window it counts, and whether it has been counted as it is now.
    bucket: Mapped[int | None]
    window_starts_at: Mapped[datetime | None]
    window_ends_at: Mapped[datetime | None]
    counted: Mapped[bool]


class Reversal(Base):
    """Units of a claim that were taken back: their exact share of every part. Insert-only."""

    __tablename__ = "claim_reversals"
    __table_args__ = (
        UniqueConstraint("claim_id", "before", name="uq_reversal_of_units"),
        CheckConstraint("units > 0 AND before >= 0", name="units_positive"),
        Index("ix_claim_reversals_of_run", "run_id"),
        Index("ix_claim_reversals_of_supplier", "supplier_id", "at"),
    )

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"))
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"))
    currency: Mapped[str] = mapped_column(String(8))
    before: Mapped[int]  # how many units of the claim had been taken back
    units: Mapped[int]
    released: Mapped[bool]  # it was taken from what was due
    cost_minor: Mapped[int]
    supplier_minor: Mapped[int]
    spread_minor: Mapped[int]
    commission_minor: Mapped[int]
    service_minor: Mapped[int]
    discounts_minor: Mapped[int]
    run_id: Mapped[int] = mapped_column(ForeignKey("settlement_runs.id"))
    at: Mapped[datetime]


class Run(Base):
    """One booking of many claims of one supplier; the amounts are what its transfer moved, below zero when backwards."""

    __tablename__ = "settlement_runs"
    __table_args__ = (Index("ix_settlement_runs_of_supplier", "supplier_id", "kind", "at"),)

    id: Mapped[Id]
    kind: Mapped[RunKind]
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"))
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    currency: Mapped[str] = mapped_column(String(8))
    supplier_minor: Mapped[int]
    cost_minor: Mapped[int]
    spread_minor: Mapped[int]
    commission_minor: Mapped[int]
    service_minor: Mapped[int]
    discounts_minor: Mapped[int]
    at: Mapped[datetime]


class TierWindow(Base):
    """A window of commission by volume as it was last counted: what was charged, what is due, and what has been given back of it."""

    __tablename__ = "tier_windows"

    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"), primary_key=True, autoincrement=False)
    bucket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"), primary_key=True, autoincrement=False)
    currency: Mapped[str] = mapped_column(String(8), primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime]
    volume_minor: Mapped[int]
    charged_minor: Mapped[int]
    due_minor: Mapped[int]
    adjusted_minor: Mapped[int]  # what was charged less what is due


class Mark(Base):
    """How far settlement has looked; the row is the lock of who settles."""

    __tablename__ = "settlement_marks"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    looked_id: Mapped[int]  # transfers up to this one were looked at once
    swept_id: Mapped[int]  # up to this one nothing can appear any more, and they were looked at again
    reversed_at: Mapped[datetime]  # refunds and replacements until then were looked at


_PLAIN = text("sealed IS NULL")


class PayoutAddress(Base):
    """Where a supplier's money goes; the newest row holds. Nothing of a row changes but how it lies: it is sealed."""

    __tablename__ = "payout_addresses"
    __table_args__ = (
        Index("ix_payout_addresses_of", "supplier_id", "id"),
        Index("ix_payout_addresses_plain", "id", postgresql_where=_PLAIN, sqlite_where=_PLAIN),
    )

    id: Mapped[Id]
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"))
    to: Mapped[PayTo]
    words: Mapped[str] = mapped_column(String(500))  # empty, or in clear in a row of earlier times that is still to be sealed
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    first: Mapped[bool]  # there was none before: nothing to wait for
    # The account in words, or the Telegram id at Crypto Pay; bound to this row and its supplier.
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    data_key: Mapped[bytes | None] = mapped_column(LargeBinary)  # wrapped
    wrapping_key_id: Mapped[str | None] = mapped_column(String(16))


_UNSETTLED = text("settled_at IS NULL")


class Skipped(Base):
    """An order that settlement could not work out: the others do not wait for it, and it is tried again, ever more seldom."""

    __tablename__ = "settlement_skips"
    __table_args__ = (
        CheckConstraint("tries >= 1", name="was_tried"),
        Index("ix_settlement_skips_due", "next_at", postgresql_where=_UNSETTLED, sqlite_where=_UNSETTLED),
    )

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True, autoincrement=False)
    why: Mapped[str] = mapped_column(String(300))  # what went wrong, for whoever mends it
    tries: Mapped[int]
    first_at: Mapped[datetime]
    next_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class PayoutRule(Base):
    """What is asked of payouts in a currency, where it differs from the house's."""

    __tablename__ = "payout_rules"

    currency: Mapped[str] = mapped_column(String(8), primary_key=True)
    least_minor: Mapped[int]
    two_above_minor: Mapped[int]  # above it, two of the staff approve


_OPEN = text("state IN ('requested', 'approved', 'sending', 'unknown')")


class Payout(Base):
    """Money on its way to a supplier. Its number at the provider is ours and the same for ever, so that it is never paid twice."""

    __tablename__ = "payouts"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index("ix_payouts_of_supplier", "supplier_id", "id"),
        Index("ix_payouts_open", "due_at", postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index("ix_payouts_plain", "id", postgresql_where=_PLAIN, sqlite_where=_PLAIN),
    )

    id: Mapped[Id]
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"))
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    state: Mapped[PayoutState]
    to: Mapped[PayTo]
    words: Mapped[str] = mapped_column(String(500))  # as in `PayoutAddress`
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime]
    approved_by: Mapped[str | None] = mapped_column(String(64))
    second_by: Mapped[str | None] = mapped_column(String(64))
    approved_at: Mapped[datetime | None]
    # What is really sent, when that is another currency; at a recorded rate.
    pay_minor: Mapped[int | None]
    pay_currency: Mapped[str | None] = mapped_column(String(8))
    rate_id: Mapped[int | None]
    due_at: Mapped[datetime | None]  # when the provider is to be asked (again)
    tries: Mapped[int]
    reference: Mapped[str | None] = mapped_column(String(200))  # the bank's or the provider's own
    sent_at: Mapped[datetime | None]
    sent_by: Mapped[str | None] = mapped_column(String(64))
    ended_at: Mapped[datetime | None]
    why: Mapped[str | None] = mapped_column(String(300))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    data_key: Mapped[bytes | None] = mapped_column(LargeBinary)  # wrapped
    wrapping_key_id: Mapped[str | None] = mapped_column(String(16))
    two_above_minor: Mapped[int | None]  # the rule when it was asked for; null: it was asked for before that was kept


class RevenueEntry(Base):
    """What the shop has earned by another stream than sales, as somebody of the staff has booked it; taken back once at most."""

    __tablename__ = "revenue_entries"
    __table_args__ = (
        UniqueConstraint("once", name="uq_revenue_entry_once"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("(back_at IS NULL) = (back_by IS NULL)", name="taken_back_by_somebody"),
        Index("ix_revenue_entries_of", "storefront_id", "id"),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    stream: Mapped[Stream]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    note: Mapped[str] = mapped_column(String(300))  # what it was for, and where it came from
    once: Mapped[str] = mapped_column(String(120))
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    back_at: Mapped[datetime | None]  # it was a mistake, or was paid back
    back_by: Mapped[str | None] = mapped_column(String(64))
    back_why: Mapped[str | None] = mapped_column(String(300))


class Demand(Base):
    """What people of a storefront looked for and did not get, by day; who it was is only known as far as to count people."""

    __tablename__ = "unmet_demand"
    __table_args__ = (
        UniqueConstraint("storefront_id", "day", "words", "sku_id", "who", name="uq_unmet_demand_once"),
        Index("ix_unmet_demand_of_day", "storefront_id", "day"),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    day: Mapped[str] = mapped_column(String(10))
    words: Mapped[str] = mapped_column(String(60))  # of a search that found nothing; empty: a denomination that was sold out
    sku_id: Mapped[int]  # 0: a search
    who: Mapped[str] = mapped_column(String(16))  # a keyed hash that changes every month: counts people and names nobody
    # How many more of it than there were, the most they asked for that day; 0 for a search.
    units: Mapped[int] = mapped_column(server_default=text("0"), default=0)
