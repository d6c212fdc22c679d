"""What is on its way can be held, told late and reversed; codes that arrive, how sources fare, and why they are ranked as they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("tasks", sa.Column("held", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("tasks", sa.Column("ranking_version", BigInt))
    op.add_column("tasks", sa.Column("late_told_at", sa.BigInteger()))
    op.add_column("tasks", sa.Column("reversed_at", sa.BigInteger()))
    op.add_column("orders", sa.Column("answers_id", BigInt))
    op.create_table(
        "arrived_codes",
        sa.Column("order_id", BigInt, sa.ForeignKey("orders.id", name="fk_arrived_codes_order_id_orders"), nullable=False),
        sa.Column("code_id", BigInt, sa.ForeignKey("codes.id", name="fk_arrived_codes_code_id_codes"), nullable=False),
        sa.Column("task_id", BigInt, sa.ForeignKey("tasks.id", name="fk_arrived_codes_task_id_tasks"), nullable=False),
        sa.Column("from_shelf", sa.Boolean(), nullable=False),
        sa.Column("offer_id", BigInt, sa.ForeignKey("offers.id", name="fk_arrived_codes_offer_id_offers"), nullable=False),
        sa.Column("cost_minor", BigInt, nullable=False),
        sa.Column("cost_currency", sa.String(8), nullable=False),
        sa.Column("ranking_version", BigInt),
        sa.PrimaryKeyConstraint("order_id", "code_id", name="pk_arrived_codes"),
        sa.CheckConstraint("cost_minor >= 0", name="cost_not_negative"),
    )
    op.create_index("ix_arrived_codes_of_task", "arrived_codes", ["task_id"])
    op.create_table(
        "offer_outcomes",
        sa.Column("offer_id", BigInt, sa.ForeignKey("offers.id", name="fk_offer_outcomes_offer_id_offers"), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("reserve_ok", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("reserve_failed", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("provision_ok", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("provision_failed", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("seconds", BigInt, server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("offer_id", "begun_at", name="pk_offer_outcomes"),
        sa.CheckConstraint(
            "reserve_ok >= 0 AND reserve_failed >= 0 AND provision_ok >= 0 AND provision_failed >= 0 AND seconds >= 0",
            name="counts_not_negative",
        ),
    )
    op.create_table(
        "routing_weights",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("weights", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_routing_weights"),
    )
    op.create_table(
        "rankings",
        sa.Column("sku_id", BigInt, sa.ForeignKey("skus.id", name="fk_rankings_sku_id_skus"), nullable=False),
        sa.Column("version", BigInt, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("weights", sa.JSON(), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("sku_id", "version", name="pk_rankings"),
    )


def downgrade() -> None:
    op.drop_table("rankings")
    op.drop_table("routing_weights")
    op.drop_table("offer_outcomes")
    op.drop_table("arrived_codes")
    op.drop_column("orders", "answers_id")
    for column in ("reversed_at", "late_told_at", "ranking_version", "held"):
        op.drop_column("tasks", column)
