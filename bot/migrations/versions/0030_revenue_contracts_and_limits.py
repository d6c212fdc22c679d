"""A contract of one offer can end, payouts keep their rule, revenue that is no sale is booked, and limits of what is owed bind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("orders", sa.Column("as_reseller", sa.Boolean(), nullable=True))
    op.add_column("orders", sa.Column("level_id", BigInt, nullable=True))
    op.add_column("contracts", sa.Column("ends", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("payouts", sa.Column("two_above_minor", BigInt, nullable=True))
    op.create_table(
        "revenue_entries",
        sa.Column("id", BigInt, nullable=False),
        sa.Column(
            "storefront_id", BigInt, sa.ForeignKey("storefronts.id", name="fk_revenue_entries_storefront_id_storefronts"), nullable=False
        ),
        sa.Column("stream", sa.String(32), nullable=False),
        sa.Column("amount_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("note", sa.String(300), nullable=False),
        sa.Column("once", sa.String(120), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("back_at", sa.BigInteger()),
        sa.Column("back_by", sa.String(64)),
        sa.Column("back_why", sa.String(300)),
        sa.PrimaryKeyConstraint("id", name="pk_revenue_entries"),
        sa.UniqueConstraint("once", name="uq_revenue_entry_once"),
        sa.CheckConstraint("amount_minor > 0", name="amount_positive"),
        sa.CheckConstraint("(back_at IS NULL) = (back_by IS NULL)", name="taken_back_by_somebody"),
    )
    op.create_index("ix_revenue_entries_of", "revenue_entries", ["storefront_id", "id"])
    op.create_table(
        "owed_rooms",
        sa.Column("supplier_id", BigInt, sa.ForeignKey("suppliers.id", name="fk_owed_rooms_supplier_id_suppliers"), nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("left_minor", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("supplier_id", "currency", name="pk_owed_rooms"),
    )
    # No room before the job has looked at the books, which it does within half a minute: rather nothing is sold than too much.
    op.execute(
        "INSERT INTO owed_rooms (supplier_id, currency, left_minor) SELECT supplier_id, currency, 0 FROM exposure_limits"
        " WHERE most_owed_minor IS NOT NULL"
    )
    op.execute(
        "UPDATE offers SET plain = FALSE WHERE payable_id IS NOT NULL AND EXISTS (SELECT 1 FROM owed_rooms r"
        " WHERE r.supplier_id = offers.supplier_id AND r.currency = offers.cost_currency)"
    )


def downgrade() -> None:
    op.execute(
        "UPDATE offers SET plain = TRUE WHERE min_quantity IS NULL AND max_quantity IS NULL AND region IS NULL AND quota_id IS NULL"
        " AND exclusive_until IS NULL"
    )
    op.drop_table("owed_rooms")
    op.drop_table("revenue_entries")
    op.drop_column("payouts", "two_above_minor")
    op.drop_column("contracts", "ends")
    op.drop_column("orders", "level_id")
    op.drop_column("orders", "as_reseller")
