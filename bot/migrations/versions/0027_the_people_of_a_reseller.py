"""The people and groups of resellers, what they buy by lists, codes that wait sealed, and what resellers wish to be told."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _reseller(table: str) -> sa.Column[Any]:
    key = sa.ForeignKey("customers.id", name=f"fk_{table}_reseller_id_customers")
    return sa.Column("reseller_id", BigInt, key, nullable=False)


def _partial(where: str) -> dict[str, Any]:
    return {"postgresql_where": sa.text(where), "sqlite_where": sa.text(where)}


def upgrade() -> None:
    op.create_table(
        "reseller_members",
        _reseller("reseller_members"),
        sa.Column("telegram_id", BigInt, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("owns", sa.Boolean(), nullable=False),
        sa.Column("buys", sa.Boolean(), nullable=False),
        sa.Column("sees", sa.Boolean(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("reseller_id", "telegram_id", name="pk_reseller_members"),
    )
    op.create_index("ix_reseller_members_of", "reseller_members", ["telegram_id"])
    op.create_table(
        "reseller_groups",
        sa.Column("id", BigInt, nullable=False),
        sa.Column(
            "storefront_id", BigInt, sa.ForeignKey("storefronts.id", name="fk_reseller_groups_storefront_id_storefronts"), nullable=False
        ),
        sa.Column("chat_id", BigInt, nullable=False),
        _reseller("reseller_groups"),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("bound_at", sa.BigInteger(), nullable=False),
        sa.Column("bound_by", BigInt, nullable=False),
        sa.Column("unbound_at", sa.BigInteger()),
        sa.Column("unbound_why", sa.String(40)),
        sa.PrimaryKeyConstraint("id", name="pk_reseller_groups"),
        sa.CheckConstraint("(unbound_at IS NULL) = (unbound_why IS NULL)", name="unbound_for_a_reason"),
    )
    op.create_index(
        "uq_reseller_group_bound", "reseller_groups", ["storefront_id", "chat_id"], unique=True, **_partial("unbound_at IS NULL")
    )
    op.create_index("ix_reseller_groups_of", "reseller_groups", ["reseller_id"])
    op.create_table(
        "reseller_bind_words",
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        _reseller("reseller_bind_words"),
        sa.Column("made_by", BigInt, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("hash", name="pk_reseller_bind_words"),
    )
    op.create_table(
        "reseller_lists",
        sa.Column("id", BigInt, nullable=False),
        _reseller("reseller_lists"),
        sa.Column("made_by", BigInt, nullable=False),
        sa.Column("once", sa.String(120), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("total_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("cancelled_at", sa.BigInteger()),
        sa.Column("done_at", sa.BigInteger()),
        sa.Column("done_by", BigInt),
        sa.Column("results", sa.JSON()),
        sa.PrimaryKeyConstraint("id", name="pk_reseller_lists"),
        sa.UniqueConstraint("once", name="uq_reseller_list_once"),
        sa.CheckConstraint("(results IS NULL) = (done_at IS NULL)", name="done_has_results"),
    )
    op.create_table(
        "reseller_numbers",
        sa.Column("order_id", BigInt, sa.ForeignKey("orders.id", name="fk_reseller_numbers_order_id_orders"), nullable=False),
        _reseller("reseller_numbers"),
        sa.Column("asked", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("order_id", name="pk_reseller_numbers"),
        sa.CheckConstraint("asked > 0", name="asked_positive"),
    )
    op.create_table(
        "reseller_code_links",
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        _reseller("reseller_code_links"),
        sa.Column("orders", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.BigInteger()),
        sa.Column("opened_by", BigInt),
        sa.PrimaryKeyConstraint("hash", name="pk_reseller_code_links"),
        sa.CheckConstraint("(opened_at IS NULL) = (opened_by IS NULL)", name="opened_by_somebody"),
    )
    op.create_table(
        "reseller_wishes",
        _reseller("reseller_wishes"),
        sa.Column("confirm_above_minor", BigInt),
        sa.Column("low_balance_minor", BigInt),
        sa.Column("low_told_at", sa.BigInteger()),
        sa.Column("no_restock_at", sa.BigInteger()),
        sa.Column("no_maintenance_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("reseller_id", name="pk_reseller_wishes"),
        sa.CheckConstraint("confirm_above_minor >= 0", name="confirm_not_negative"),
        sa.CheckConstraint("low_balance_minor > 0", name="low_positive"),
    )
    op.create_index("ix_reseller_wishes_low", "reseller_wishes", ["reseller_id"], **_partial("low_balance_minor IS NOT NULL"))


def downgrade() -> None:
    for table in (
        "reseller_wishes",
        "reseller_code_links",
        "reseller_numbers",
        "reseller_lists",
        "reseller_bind_words",
        "reseller_groups",
        "reseller_members",
    ):
        op.drop_table(table)
