"""Credit of resellers: lines, invoices, instalments, repayments, who asked for what; and a floor that rises with the balance."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SENT = sa.text("state = 'sent'")
_UNPAID = sa.text("paid_day IS NULL")
_OF_LINE = "credit_lines.customer_id"


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, BigInt, nullable=nullable)


def upgrade() -> None:
    op.add_column("accounts", sa.Column("floor_follows", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "credit_lines",
        _number("customer_id"),
        _number("storefront_id"),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        *[_number(name) for name in ("limit_minor", "rate_ppm", "overdue_ppm", "late_fee_minor", "period_days", "term_days")],
        *[_number(name) for name in ("freeze_days", "day", "period_from", "carry", "new_minor", "used_minor", "seen_transfer_id")],
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("frozen_by", sa.String(64)),
        sa.Column("frozen_at", sa.BigInteger()),
        sa.Column("off_by", sa.String(64)),
        sa.Column("off_why", sa.String(300)),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"]),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"]),
        sa.PrimaryKeyConstraint("customer_id"),
        sa.CheckConstraint("limit_minor >= 0 AND new_minor >= 0 AND used_minor >= 0", name="amounts_not_negative"),
        sa.CheckConstraint("rate_ppm BETWEEN 0 AND 1000000 AND overdue_ppm BETWEEN rate_ppm AND 2000000", name="rates_in_bounds"),
        sa.CheckConstraint("period_days BETWEEN 1 AND 31 AND term_days BETWEEN 1 AND 90", name="days_in_bounds"),
        sa.CheckConstraint("late_fee_minor >= 0 AND freeze_days >= 0", name="fee_and_freeze_not_negative"),
    )
    op.create_table(
        "credit_invoices",
        _number("id"),
        *[_number(name) for name in ("customer_id", "seq", "from_day", "to_day", "due_day", "used_minor", "principal_minor")],
        *[_number(name) for name in ("interest_minor", "fee_minor", "left_minor", "interest_left_minor", "fee_left_minor")],
        _number("paid_day", nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], [_OF_LINE]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("customer_id", "seq", name="uq_credit_invoice_of"),
        sa.CheckConstraint("left_minor BETWEEN 0 AND principal_minor", name="left_of_principal"),
        sa.CheckConstraint("interest_left_minor BETWEEN 0 AND interest_minor", name="left_of_interest"),
        sa.CheckConstraint("fee_left_minor BETWEEN 0 AND fee_minor", name="left_of_fee"),
        sa.CheckConstraint(
            "(paid_day IS NULL) = (left_minor + interest_left_minor + fee_left_minor > 0)", name="paid_when_nothing_is_left"
        ),
    )
    op.create_index("ix_credit_invoices_unpaid", "credit_invoices", ["due_day"], postgresql_where=_UNPAID, sqlite_where=_UNPAID)
    op.create_table(
        "credit_advances",
        _number("id"),
        _number("customer_id"),
        _number("amount_minor"),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], [_OF_LINE]),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("amount_minor > 0", name="amount_positive"),
    )
    op.create_index("ix_credit_advances_customer_id", "credit_advances", ["customer_id"])
    op.create_table(
        "credit_instalments",
        *[_number(name) for name in ("advance_id", "seq", "customer_id", "due_day", "amount_minor", "left_minor")],
        _number("paid_day", nullable=True),
        sa.ForeignKeyConstraint(["advance_id"], ["credit_advances.id"]),
        sa.ForeignKeyConstraint(["customer_id"], [_OF_LINE]),
        sa.PrimaryKeyConstraint("advance_id", "seq"),
        sa.CheckConstraint("amount_minor > 0 AND left_minor BETWEEN 0 AND amount_minor", name="left_of_amount"),
        sa.CheckConstraint("(paid_day IS NULL) = (left_minor > 0)", name="paid_when_nothing_is_left"),
    )
    op.create_index("ix_credit_instalments_customer_id", "credit_instalments", ["customer_id"])
    op.create_table(
        "credit_repayments",
        _number("id"),
        _number("customer_id"),
        sa.Column("key", sa.String(64), nullable=False),
        *[_number(name) for name in ("amount_minor", "fees_minor", "interest_minor", "instalments_minor", "principal_minor")],
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], [_OF_LINE]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("customer_id", "key", name="uq_credit_repayment_once"),
        sa.CheckConstraint(
            "fees_minor >= 0 AND interest_minor >= 0 AND instalments_minor >= 0 AND principal_minor >= 0", name="parts_not_negative"
        ),
    )
    op.create_table(
        "credit_asks",
        _number("id"),
        _number("storefront_id"),
        _number("customer_id"),
        sa.Column("wanted", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        *[_number(name) for name in ("wanted_minor", "instalments", "every_days", "score")],
        sa.Column("parts", sa.JSON(), nullable=False),
        _number("offered_minor"),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        _number("granted_minor", nullable=True),
        sa.Column("approved_by", sa.String(64)),
        sa.Column("decided_by", sa.String(64)),
        sa.Column("decided_at", sa.BigInteger()),
        sa.Column("why", sa.String(300)),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"]),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("wanted_minor >= 0 AND instalments >= 0", name="wants_something"),
        sa.CheckConstraint("(state = 'sent') = (decided_at IS NULL)", name="over_when_decided"),
    )
    op.create_index("uq_credit_ask_open", "credit_asks", ["customer_id"], unique=True, postgresql_where=_SENT, sqlite_where=_SENT)
    op.create_table(
        "credit_weights",
        _number("storefront_id"),
        sa.Column("part", sa.String(16), nullable=False),
        _number("weight"),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"]),
        sa.PrimaryKeyConstraint("storefront_id", "part"),
        sa.CheckConstraint("weight BETWEEN 0 AND 100", name="weight_in_bounds"),
    )


def downgrade() -> None:
    for table in ("weights", "asks", "repayments", "instalments", "advances", "invoices", "lines"):
        op.drop_table(f"credit_{table}")
    op.drop_column("accounts", "floor_follows")
