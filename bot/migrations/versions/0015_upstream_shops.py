"""Connections to upstream shops with their sealed secrets, what those sell, and what the background asks of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "upstreams",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("storefront_id", BigInt, sa.ForeignKey("storefronts.id", name="fk_upstreams_storefront_id_storefronts"), nullable=False),
        sa.Column("supplier_id", BigInt, sa.ForeignKey("suppliers.id", name="fk_upstreams_supplier_id_suppliers"), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("protocol", sa.String(16), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=False),
        sa.Column("data_key", sa.LargeBinary(), nullable=False),
        sa.Column("wrapping_key_id", sa.String(16), nullable=False),
        sa.Column("settings_version", BigInt, nullable=False),
        sa.Column("word", sa.String(64), nullable=False),
        sa.Column("place", sa.String(32), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("trouble", sa.String(300)),
        sa.Column("balance_minor", BigInt),
        sa.Column("currency", sa.String(8)),
        sa.Column("balance_at", sa.BigInteger()),
        sa.Column("balance_next_at", sa.BigInteger(), nullable=False),
        sa.Column("low_balance_minor", BigInt),
        sa.Column("low_told_at", sa.BigInteger()),
        sa.Column("failures", BigInt, nullable=False),
        sa.Column("open_until", sa.BigInteger()),
        sa.Column("opened", BigInt, nullable=False),
        sa.Column("sync_next_at", sa.BigInteger(), nullable=False),
        sa.Column("synced_at", sa.BigInteger()),
        sa.Column("changes_after", sa.String(400)),
        sa.Column("looked_after", BigInt, nullable=False),
        sa.Column("markup_points", BigInt, nullable=False),
        sa.Column("markup_fixed_minor", BigInt, nullable=False),
        sa.Column("round_to_minor", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_upstreams"),
        sa.UniqueConstraint("supplier_id", name="uq_upstream_supplier"),
        sa.CheckConstraint("failures >= 0", name="failures_not_negative"),
        sa.CheckConstraint("(balance_minor IS NULL) = (balance_at IS NULL)", name="balance_with_its_time"),
        sa.UniqueConstraint("word", name="uq_upstream_word"),
    )
    op.create_table(
        "upstream_items",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("upstream_id", BigInt, sa.ForeignKey("upstreams.id", name="fk_upstream_items_upstream_id_upstreams"), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("category", sa.String(200), nullable=False),
        sa.Column("price_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("stock", BigInt),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("least", BigInt, nullable=False),
        sa.Column("most", BigInt),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("gone_at", sa.BigInteger()),
        sa.Column("offer_id", BigInt, sa.ForeignKey("offers.id", name="fk_upstream_items_offer_id_offers")),
        sa.Column("linked_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_upstream_items"),
        sa.CheckConstraint("price_minor >= 0 AND (stock IS NULL OR stock >= 0)", name="price_and_stock"),
        sa.UniqueConstraint("offer_id", name="uq_upstream_item_offer"),
        sa.UniqueConstraint("upstream_id", "key", name="uq_upstream_item"),
    )
    op.create_index("ix_upstream_items_browsed", "upstream_items", ["upstream_id", "category", "title", "id"])
    op.create_table(
        "upstream_errands",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("upstream_id", BigInt, sa.ForeignKey("upstreams.id", name="fk_upstream_errands_upstream_id_upstreams"), nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("about", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", BigInt, nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("chat_id", BigInt),
        sa.Column("message_id", BigInt),
        sa.Column("language", sa.String(16)),
        sa.PrimaryKeyConstraint("id", name="pk_upstream_errands"),
    )
    op.create_index("ix_upstream_errands_due", "upstream_errands", ["next_at"], postgresql_where=OPEN, sqlite_where=OPEN)
    op.create_index(
        "uq_upstream_errand_open",
        "upstream_errands",
        ["upstream_id", "what", "about"],
        unique=True,
        postgresql_where=OPEN,
        sqlite_where=OPEN,
    )


def downgrade() -> None:
    op.drop_table("upstream_errands")
    op.drop_table("upstream_items")
    op.drop_table("upstreams")
