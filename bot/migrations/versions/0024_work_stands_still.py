"""Agreed work stands still while what it is about must not be sold; an offer knows when it was changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_CHANGED = sa.text("changed_at IS NOT NULL")
_EXCLUSIVE = sa.text("exclusive_until IS NOT NULL")
_OPEN = sa.text("accepted_at IS NULL AND ended_at IS NULL")


def upgrade() -> None:
    op.add_column("milestones", sa.Column("stopped_at", sa.BigInteger(), nullable=True))
    op.create_index("ix_milestones_open", "milestones", ["job_id"], postgresql_where=_OPEN, sqlite_where=_OPEN)
    op.create_index("ix_service_jobs_of_sku", "service_jobs", ["sku_id"])
    op.add_column("offers", sa.Column("changed_at", sa.BigInteger(), nullable=True))
    op.create_index("ix_offers_changed", "offers", ["changed_at"], postgresql_where=_CHANGED, sqlite_where=_CHANGED)
    op.create_index("ix_offers_exclusive", "offers", ["exclusive_until"], postgresql_where=_EXCLUSIVE, sqlite_where=_EXCLUSIVE)

    op.create_table(
        "account_looks",
        sa.Column("customer_id", BigInt, sa.ForeignKey("customers.id"), primary_key=True, autoincrement=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("looked", BigInt, nullable=False),
        sa.CheckConstraint("looked > 0", name="looked_at_least_once"),
    )


def downgrade() -> None:
    op.drop_table("account_looks")
    op.drop_index("ix_offers_exclusive", table_name="offers")
    op.drop_index("ix_offers_changed", table_name="offers")
    op.drop_column("offers", "changed_at")
    op.drop_index("ix_service_jobs_of_sku", table_name="service_jobs")
    op.drop_index("ix_milestones_open", table_name="milestones")
    op.drop_column("milestones", "stopped_at")
