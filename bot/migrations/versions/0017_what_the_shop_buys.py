"""Purchase orders: what the shop buys for itself, in which parts it came, and what each batch cost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ORDERED = sa.text("state = 'ordered'")


def upgrade() -> None:
    op.create_table(
        "purchase_orders",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("supplier_id", BigInt, sa.ForeignKey("suppliers.id", name="fk_purchase_orders_supplier_id_suppliers"), nullable=False),
        sa.Column("sku_id", BigInt, sa.ForeignKey("skus.id", name="fk_purchase_orders_sku_id_skus"), nullable=False),
        sa.Column("offer_id", BigInt, sa.ForeignKey("offers.id", name="fk_purchase_orders_offer_id_offers"), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("quantity", BigInt, nullable=False),
        sa.Column("received", BigInt, nullable=False),
        sa.Column("tiers", sa.JSON(), nullable=False),
        sa.Column("unit_cost_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("expected_on", sa.Date()),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ordered_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_purchase_orders"),
        sa.CheckConstraint("quantity > 0 AND received >= 0 AND received <= quantity", name="received_at_most_all"),
        sa.CheckConstraint("unit_cost_minor >= 0", name="cost_not_negative"),
    )
    op.create_index("ix_purchase_orders_open", "purchase_orders", ["offer_id", "id"], postgresql_where=ORDERED, sqlite_where=ORDERED)
    op.create_table(
        "purchase_receipts",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("batch_id", BigInt, sa.ForeignKey("batches.id", name="fk_purchase_receipts_batch_id_batches"), nullable=False),
        sa.Column("seq", BigInt, nullable=False),
        sa.Column("purchase_id", BigInt, sa.ForeignKey("purchase_orders.id", name="fk_purchase_receipts_purchase_id_purchase_orders")),
        sa.Column("quantity", BigInt, nullable=False),
        sa.Column("unit_cost_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_purchase_receipts"),
        sa.CheckConstraint("quantity > 0", name="something_came"),
    )
    op.create_index("uq_receipt_of_batch", "purchase_receipts", ["batch_id", "seq"], unique=True)
    op.create_index("ix_purchase_receipts_of", "purchase_receipts", ["purchase_id", "id"])


def downgrade() -> None:
    op.drop_table("purchase_receipts")
    op.drop_table("purchase_orders")
