"""Limits of what is owed to a supplier, and of what they have of the shop's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "exposure_limits",
        sa.Column("supplier_id", BigInt, sa.ForeignKey("suppliers.id", name="fk_exposure_limits_supplier_id_suppliers"), nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("most_owed_minor", BigInt),
        sa.Column("most_ahead_minor", BigInt),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("supplier_id", "currency", name="pk_exposure_limits"),
        sa.CheckConstraint("most_owed_minor IS NULL OR most_owed_minor >= 0", name="owed_not_negative"),
        sa.CheckConstraint("most_ahead_minor IS NULL OR most_ahead_minor >= 0", name="ahead_not_negative"),
    )


def downgrade() -> None:
    op.drop_table("exposure_limits")
