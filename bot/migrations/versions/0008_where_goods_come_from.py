"""Suppliers with a standing and members, offers with all they may say, reasons for which they stop, and what is on its way to its buyer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN_STOP, OPEN_TASK = sa.text("lifted_at IS NULL"), sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.add_column("suppliers", sa.Column("standing", sa.String(32), server_default=sa.text("'own'"), nullable=False))
    op.add_column("suppliers", sa.Column("suspended_at", sa.BigInteger()))
    op.add_column("suppliers", sa.Column("country", sa.String(8)))
    op.add_column("suppliers", sa.Column("hold_days", BigInt))
    op.create_table(
        "supplier_members",
        sa.Column("supplier_id", BigInt, sa.ForeignKey("suppliers.id", name="fk_supplier_members_supplier_id_suppliers"), nullable=False),
        sa.Column("telegram_id", BigInt, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("supplier_id", "telegram_id", name="pk_supplier_members"),
    )
    op.create_index("ix_supplier_members_of_person", "supplier_members", ["telegram_id"])
    for column in (
        sa.Column("source_class", sa.String(32), server_default=sa.text("'own_stock'"), nullable=False),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("plain", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("declared", BigInt),
        sa.Column("declared_at", sa.BigInteger()),
        sa.Column("min_quantity", BigInt),
        sa.Column("max_quantity", BigInt),
        sa.Column("region", sa.String(8)),
        sa.Column("valid_from", sa.BigInteger()),
        sa.Column("valid_until", sa.BigInteger()),
        sa.Column("priority", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("exclusive_until", sa.BigInteger()),
        sa.Column("warranty_hours", BigInt),
        sa.Column("document_id", BigInt),
        sa.Column("contract_id", BigInt),
        sa.Column("quota_id", BigInt),
        sa.Column("upstream_id", BigInt),
    ):
        op.add_column("offers", column)
    op.create_index("ix_offers_of_sku", "offers", ["sku_id", "id"])
    op.create_table(
        "offer_stops",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("offer_id", BigInt, sa.ForeignKey("offers.id", name="fk_offer_stops_offer_id_offers"), nullable=False),
        sa.Column("why", sa.String(32), nullable=False),
        sa.Column("ref", sa.String(64), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger()),
        sa.Column("lifted_at", sa.BigInteger()),
        sa.Column("lifted_by", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_offer_stops"),
    )
    op.create_index(
        "uq_offer_stop_open", "offer_stops", ["offer_id", "why", "ref"], unique=True, postgresql_where=OPEN_STOP, sqlite_where=OPEN_STOP
    )
    op.add_column("products", sa.Column("asks", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("products", sa.Column("terms", sa.JSON()))
    op.add_column("customers", sa.Column("wholesale", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("customers", sa.Column("country", sa.String(8)))
    op.add_column("order_lines", sa.Column("ranking_version", BigInt))
    op.create_table(
        "tasks",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("order_id", BigInt, sa.ForeignKey("orders.id", name="fk_tasks_order_id_orders"), nullable=False),
        sa.Column("sku_id", BigInt, sa.ForeignKey("skus.id", name="fk_tasks_sku_id_skus"), nullable=False),
        sa.Column("offer_id", BigInt, sa.ForeignKey("offers.id", name="fk_tasks_offer_id_offers"), nullable=False),
        sa.Column("quantity", BigInt, nullable=False),
        sa.Column("got", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("lane", sa.String(32), nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("fields", sa.LargeBinary()),
        sa.Column("most_cost_minor", BigInt),
        sa.Column("cost_minor", BigInt),
        sa.Column("cost_currency", sa.String(8), nullable=False),
        sa.Column("source_ref", sa.String(200)),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.String(64)),
        sa.Column("tries", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("asked_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("why", sa.String(300)),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("number", name="uq_task_number"),
        sa.CheckConstraint("quantity > 0 AND got >= 0 AND got <= quantity", name="got_at_most_all"),
        sa.CheckConstraint("(state IN ('done', 'failed')) = (ended_at IS NOT NULL)", name="ended_when_over"),
    )
    op.create_index("ix_tasks_of_order", "tasks", ["order_id", "id"])
    op.create_index("ix_tasks_due", "tasks", ["lane", "next_at"], postgresql_where=OPEN_TASK, sqlite_where=OPEN_TASK)
    op.create_table(
        "task_steps",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("task_id", BigInt, sa.ForeignKey("tasks.id", name="fk_task_steps_task_id_tasks"), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("cause", sa.String(300), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_task_steps"),
    )
    op.create_index("ix_task_steps_of", "task_steps", ["task_id", "id"])


def downgrade() -> None:
    op.drop_table("task_steps")
    op.drop_table("tasks")
    op.drop_column("order_lines", "ranking_version")
    for column in ("country", "wholesale"):
        op.drop_column("customers", column)
    for column in ("terms", "asks"):
        op.drop_column("products", column)
    op.drop_table("offer_stops")
    op.drop_index("ix_offers_of_sku", "offers")
    for column in (
        "upstream_id",
        "quota_id",
        "contract_id",
        "document_id",
        "warranty_hours",
        "exclusive_until",
        "priority",
        "valid_until",
        "valid_from",
        "region",
        "max_quantity",
        "min_quantity",
        "declared_at",
        "declared",
        "plain",
        "closed_at",
        "source_class",
    ):
        op.drop_column("offers", column)
    op.drop_table("supplier_members")
    for column in ("hold_days", "country", "suspended_at", "standing"):
        op.drop_column("suppliers", column)
