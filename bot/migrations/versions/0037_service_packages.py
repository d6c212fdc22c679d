"""Service packages: plans, who has one, and the periods that were paid for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LIVE = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "plans",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("storefront_id", BigInt, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("price_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("days", BigInt, nullable=False),
        sa.Column("own_bot", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("analytics", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("broadcasts", BigInt, nullable=False, server_default=sa.text("0")),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger()),
        sa.CheckConstraint("price_minor > 0", name="price_positive"),
        sa.CheckConstraint("days BETWEEN 1 AND 366", name="a_year_at_most"),
        sa.CheckConstraint("broadcasts >= 0", name="broadcasts_not_negative"),
        sa.CheckConstraint("own_bot OR analytics OR broadcasts > 0", name="unlocks_something"),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("customer_id", BigInt, nullable=False),
        sa.Column("plan_id", BigInt, nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("renews", sa.Boolean(), nullable=False),
        sa.Column("unpaid_since", sa.BigInteger()),
        sa.Column("tried_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("ended_why", sa.String(32)),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_why IS NULL)", name="ended_with_a_reason"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"]),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "uq_subscription_live", "subscriptions", ["customer_id", "plan_id"], unique=True, postgresql_where=LIVE, sqlite_where=LIVE
    )
    op.create_index("ix_subscriptions_due", "subscriptions", ["until"], postgresql_where=LIVE, sqlite_where=LIVE)
    op.create_table(
        "subscription_periods",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("subscription_id", BigInt, nullable=False),
        sa.Column("seq", BigInt, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor", BigInt, nullable=False),
        sa.Column("refunded_minor", BigInt, nullable=False, server_default=sa.text("0")),
        sa.Column("broadcasts", BigInt, nullable=False),
        sa.Column("broadcasts_used", BigInt, nullable=False, server_default=sa.text("0")),
        sa.CheckConstraint("until > since", name="lasts"),
        sa.CheckConstraint("paid_minor > 0 AND refunded_minor BETWEEN 0 AND paid_minor", name="refunded_at_most_paid"),
        sa.CheckConstraint("broadcasts_used BETWEEN 0 AND broadcasts", name="broadcasts_within"),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("subscription_id", "seq", name="uq_period_once"),
    )


def downgrade() -> None:
    op.drop_table("subscription_periods")
    op.drop_index("ix_subscriptions_due", "subscriptions")
    op.drop_index("uq_subscription_live", "subscriptions")
    op.drop_table("subscriptions")
    op.drop_table("plans")
