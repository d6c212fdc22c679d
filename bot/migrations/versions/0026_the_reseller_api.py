"""The reseller API: orders that programs make, their keys, what they fetched, what has changed, and what is reported to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "outside_orders",
        sa.Column("order_id", BigInt, sa.ForeignKey("orders.id", name="fk_outside_orders_order_id_orders"), nullable=False),
        sa.Column("customer_id", BigInt, sa.ForeignKey("customers.id", name="fk_outside_orders_customer_id_customers"), nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("key_id", BigInt, nullable=False),
        sa.Column("asked", BigInt, nullable=False),
        sa.Column("charged_minor", BigInt, nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("callback_url", sa.String(500)),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name="pk_outside_orders"),
        sa.CheckConstraint("asked > 0", name="asked_positive"),
        sa.UniqueConstraint("customer_id", "number", name="uq_outside_number"),
    )
    op.create_table(
        "outside_turns",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("order_id", BigInt, sa.ForeignKey("orders.id", name="fk_outside_turns_order_id_orders"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outside_turns"),
    )
    op.create_index("ix_outside_turns_of_order", "outside_turns", ["order_id"])
    op.create_table(
        "api_keys",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("form", sa.String(32), nullable=False),
        sa.Column("customer_id", BigInt, sa.ForeignKey("customers.id", name="fk_api_keys_customer_id_customers"), nullable=False),
        sa.Column("storefront_id", BigInt, sa.ForeignKey("storefronts.id", name="fk_api_keys_storefront_id_storefronts"), nullable=False),
        sa.Column("label", sa.String(60), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("addresses", sa.JSON(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("data_key", sa.LargeBinary(), nullable=False),
        sa.Column("wrapping_key_id", sa.String(32), nullable=False),
        sa.Column("old_secret", sa.LargeBinary()),
        sa.Column("old_until", sa.BigInteger()),
        sa.Column("sandbox", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("day_limit_minor", BigInt),
        sa.Column("callback_url", sa.String(500)),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("disabled_at", sa.BigInteger()),
        sa.Column("used_at", sa.BigInteger()),
        sa.Column("used_from", sa.String(64)),
        sa.Column("sequence", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.CheckConstraint("(old_secret IS NULL) = (old_until IS NULL)", name="old_secret_ends"),
        sa.CheckConstraint("day_limit_minor IS NULL OR day_limit_minor > 0", name="limit_positive"),
        sa.UniqueConstraint("name", name="uq_api_key_name"),
    )
    op.create_index("ix_api_keys_of_customer", "api_keys", ["customer_id"])
    op.create_table(
        "api_days",
        sa.Column("key_id", BigInt, sa.ForeignKey("api_keys.id", name="fk_api_days_key_id_api_keys"), nullable=False),
        sa.Column("day", BigInt, nullable=False),
        sa.Column("spent_minor", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("key_id", "day", name="pk_api_days"),
        sa.CheckConstraint("spent_minor >= 0", name="spent_not_negative"),
    )
    op.create_table(
        "api_fetches",
        sa.Column("reveal_id", BigInt, sa.ForeignKey("reveals.id", name="fk_api_fetches_reveal_id_reveals"), nullable=False),
        sa.Column("key_id", BigInt, sa.ForeignKey("api_keys.id", name="fk_api_fetches_key_id_api_keys"), nullable=False),
        sa.Column("order_id", BigInt, sa.ForeignKey("orders.id", name="fk_api_fetches_order_id_orders"), nullable=False),
        sa.Column("after_code", BigInt, nullable=False),
        sa.Column("codes", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("reveal_id", name="pk_api_fetches"),
    )
    op.create_index("ix_api_fetches_of_order", "api_fetches", ["order_id"])
    op.create_table(
        "api_items",
        sa.Column("storefront_id", BigInt, sa.ForeignKey("storefronts.id", name="fk_api_items_storefront_id_storefronts"), nullable=False),
        sa.Column("sku_id", BigInt, sa.ForeignKey("skus.id", name="fk_api_items_sku_id_skus"), nullable=False),
        sa.Column("price_mark", sa.String(64), nullable=False),
        sa.Column("band", BigInt, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("storefront_id", "sku_id", name="pk_api_items"),
    )
    op.create_table(
        "api_changes",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column(
            "storefront_id", BigInt, sa.ForeignKey("storefronts.id", name="fk_api_changes_storefront_id_storefronts"), nullable=False
        ),
        sa.Column("sku_id", BigInt, sa.ForeignKey("skus.id", name="fk_api_changes_sku_id_skus"), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_api_changes"),
    )
    op.create_index("ix_api_changes_of_storefront", "api_changes", ["storefront_id", "id"])
    op.create_table(
        "api_feeds",
        sa.Column("storefront_id", BigInt, sa.ForeignKey("storefronts.id", name="fk_api_feeds_storefront_id_storefronts"), nullable=False),
        sa.Column("looked_at", sa.BigInteger()),
        sa.Column("reported", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("storefront_id", name="pk_api_feeds"),
    )
    op.create_table(
        "api_reports",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("key_id", BigInt, sa.ForeignKey("api_keys.id", name="fk_api_reports_key_id_api_keys"), nullable=False),
        sa.Column("sequence", BigInt, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("order_id", BigInt),
        sa.Column("sku_id", BigInt),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", BigInt, nullable=False),
        sa.Column("heard_at", sa.BigInteger()),
        sa.Column("dead_at", sa.BigInteger()),
        sa.Column("trouble", sa.String(200)),
        sa.PrimaryKeyConstraint("id", name="pk_api_reports"),
        sa.UniqueConstraint("key_id", "sequence", name="uq_report_sequence"),
    )
    where = sa.text("dead_at IS NOT NULL AND heard_at IS NULL")
    op.create_index("ix_api_reports_dead", "api_reports", ["key_id", "id"], postgresql_where=where, sqlite_where=where)
    where = sa.text("heard_at IS NULL AND dead_at IS NULL")
    op.create_index("ix_api_reports_due", "api_reports", ["due_at"], postgresql_where=where, sqlite_where=where)
    op.create_table(
        "api_trials",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("key_id", BigInt, sa.ForeignKey("api_keys.id", name="fk_api_trials_key_id_api_keys"), nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("wanted", sa.LargeBinary(16), nullable=False),
        sa.Column("sku_id", BigInt, nullable=False),
        sa.Column("quantity", BigInt, nullable=False),
        sa.Column("unit_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("cancelled_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_api_trials"),
        sa.UniqueConstraint("key_id", "number", name="uq_trial_number"),
    )


def downgrade() -> None:
    for table in (
        "api_trials",
        "api_reports",
        "api_feeds",
        "api_changes",
        "api_items",
        "api_fetches",
        "api_days",
        "api_keys",
        "outside_turns",
        "outside_orders",
    ):
        op.drop_table(table)
