"""Rates have a market rate, an age limit and jumps that wait for a person; a payment knows the smallest coin it was asked in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for name, kind in (
        ("market_numerator", BigInt),
        ("market_denominator", BigInt),
        ("as_of", sa.BigInteger()),
        ("valid_until", sa.BigInteger()),
    ):
        op.add_column("rates", sa.Column(name, kind, nullable=True))
    op.add_column("payment_intents", sa.Column("step_minor", BigInt, server_default="1", nullable=False))
    op.create_table(
        "rate_jumps",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("base", sa.String(length=8), nullable=False),
        sa.Column("quote", sa.String(length=8), nullable=False),
        sa.Column("numerator", BigInt, nullable=False),
        sa.Column("denominator", BigInt, nullable=False),
        sa.Column("market_numerator", BigInt, nullable=False),
        sa.Column("market_denominator", BigInt, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("before_id", BigInt, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("rate_id", BigInt, nullable=True),
        sa.CheckConstraint(
            "numerator > 0 AND denominator > 0 AND market_numerator > 0 AND market_denominator > 0",
            name=op.f("ck_rate_jumps_jump_positive"),
        ),
        sa.ForeignKeyConstraint(["before_id"], ["rates.id"], name=op.f("fk_rate_jumps_before_id_rates")),
        sa.ForeignKeyConstraint(["rate_id"], ["rates.id"], name=op.f("fk_rate_jumps_rate_id_rates")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate_jumps")),
    )
    op.create_index(
        "uq_rate_jump_open",
        "rate_jumps",
        ["base", "quote"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "uq_rate_jump_open",
        table_name="rate_jumps",
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.drop_table("rate_jumps")
    op.drop_column("payment_intents", "step_minor")
    for name in ("valid_until", "as_of", "market_denominator", "market_numerator"):
        op.drop_column("rates", name)
