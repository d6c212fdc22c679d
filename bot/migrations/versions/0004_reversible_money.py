"""Reversible money: orders held for review, disputes, and parts of payments that a provider gave back itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
HELD = "held_until IS NOT NULL AND released_at IS NULL AND state = 'issued'"


def upgrade() -> None:
    # Columns only: SQLite would have to copy a table to give it a new check.
    op.add_column("products", sa.Column("held", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("storefronts", sa.Column("review_hours", BigInt, server_default=sa.text("24"), nullable=False))
    op.add_column("storefronts", sa.Column("reversible_days", BigInt, server_default=sa.text("30"), nullable=False))
    op.add_column("orders", sa.Column("held_until", sa.BigInteger(), nullable=True))
    op.add_column("orders", sa.Column("released_at", sa.BigInteger(), nullable=True))
    op.add_column("orders", sa.Column("released_by", sa.String(length=64), nullable=True))
    op.create_index("ix_orders_held", "orders", ["held_until"], unique=False, postgresql_where=sa.text(HELD), sqlite_where=sa.text(HELD))
    op.add_column("payment_intents", sa.Column("reversible", sa.Boolean(), server_default=sa.false(), nullable=False))
    # The two ways whose payers could take their money back until now.
    op.execute("UPDATE payment_intents SET reversible = true WHERE provider IN ('stripe', 'stars')")
    op.create_table(
        "disputes",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("dispute_key", sa.String(length=150), nullable=False),
        sa.Column("event_key", sa.String(length=200), nullable=False),
        sa.Column("intent_id", BigInt, nullable=False),
        sa.Column("customer_id", BigInt, nullable=False),
        sa.Column("amount_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name=op.f("ck_disputes_closed_when_decided")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_disputes_customer_id_customers")),
        sa.ForeignKeyConstraint(["intent_id"], ["payment_intents.id"], name=op.f("fk_disputes_intent_id_payment_intents")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
        sa.UniqueConstraint("provider", "dispute_key", name="uq_dispute_once"),
    )
    op.create_index("ix_disputes_of", "disputes", ["intent_id"], unique=False)
    op.create_index("ix_disputes_of_customer", "disputes", ["customer_id", "state"], unique=False)
    op.create_table(
        "payment_returns",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("return_key", sa.String(length=150), nullable=False),
        sa.Column("event_key", sa.String(length=200), nullable=False),
        sa.Column("intent_id", BigInt, nullable=False),
        sa.Column("dispute_id", BigInt, nullable=True),
        sa.Column("amount_minor", BigInt, nullable=False),
        sa.Column("fee_minor", BigInt, nullable=False),
        sa.Column("worth_minor", BigInt, nullable=False),
        sa.Column("taken_minor", BigInt, nullable=False),
        sa.Column("lost_minor", BigInt, nullable=False),
        sa.Column("regained_minor", BigInt, nullable=False),
        sa.Column("back_minor", BigInt, nullable=False),
        sa.Column("back_worth_minor", BigInt, nullable=False),
        sa.Column("loss_back_minor", BigInt, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_minor > 0 AND worth_minor = taken_minor + lost_minor", name=op.f("ck_payment_returns_taken_or_lost")),
        sa.CheckConstraint(
            "taken_minor >= 0 AND lost_minor >= 0 AND regained_minor >= 0 AND loss_back_minor >= 0",
            name=op.f("ck_payment_returns_not_negative"),
        ),
        sa.CheckConstraint("regained_minor + loss_back_minor <= lost_minor", name=op.f("ck_payment_returns_regained_at_most_lost")),
        sa.CheckConstraint(
            "back_minor <= amount_minor AND back_worth_minor <= worth_minor", name=op.f("ck_payment_returns_reinstated_at_most_taken")
        ),
        sa.ForeignKeyConstraint(["dispute_id"], ["disputes.id"], name=op.f("fk_payment_returns_dispute_id_disputes")),
        sa.ForeignKeyConstraint(["intent_id"], ["payment_intents.id"], name=op.f("fk_payment_returns_intent_id_payment_intents")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_returns")),
        sa.UniqueConstraint("provider", "return_key", name="uq_return_once"),
    )
    op.create_index("ix_payment_returns_of", "payment_returns", ["intent_id"], unique=False)


def downgrade() -> None:
    op.drop_table("payment_returns")
    op.drop_table("disputes")
    op.drop_column("payment_intents", "reversible")
    op.drop_index("ix_orders_held", table_name="orders")
    for table, column in (
        ("orders", "released_by"),
        ("orders", "released_at"),
        ("orders", "held_until"),
        ("storefronts", "reversible_days"),
        ("storefronts", "review_hours"),
        ("products", "held"),
    ):
        op.drop_column(table, column)
