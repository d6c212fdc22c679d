"""Costs by version, discount quotas drawn down by sales, rules of prices with proposals, and what resellers are told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WAITS, UNDECIDED, NOT_DONE = sa.text("taken_at IS NULL AND dropped_at IS NULL"), sa.text("decided_at IS NULL"), sa.text("done_at IS NULL")


def upgrade() -> None:
    op.add_column("customers", sa.Column("no_price_news_at", sa.BigInteger()))
    op.create_table(
        "offer_costs",
        sa.Column("offer_id", BigInt, sa.ForeignKey("offers.id", name="fk_offer_costs_offer_id_offers"), nullable=False),
        sa.Column("version", BigInt, nullable=False),
        sa.Column("cost_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.BigInteger()),
        sa.Column("dropped_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("offer_id", "version", name="pk_offer_costs"),
        sa.CheckConstraint("cost_minor >= 0", name="cost_not_negative"),
        sa.CheckConstraint("taken_at IS NULL OR dropped_at IS NULL", name="taken_or_dropped"),
    )
    op.create_index("ix_offer_costs_waiting", "offer_costs", ["from_at"], postgresql_where=WAITS, sqlite_where=WAITS)
    # What an offer costs now is its first version.
    op.execute(
        'INSERT INTO offer_costs (offer_id, version, cost_minor, currency, from_at, "by", made_at, taken_at)'
        " SELECT id, 1, cost_minor, cost_currency, since, 'shop', since, since FROM offers"
    )
    op.create_table(
        "quota_contracts",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("supplier_id", BigInt, sa.ForeignKey("suppliers.id", name="fk_quota_contracts_supplier_id_suppliers"), nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("face_total_minor", BigInt, nullable=False),
        sa.Column("discount_bp", BigInt, nullable=False),
        sa.Column("drawn_minor", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("valid_from", sa.BigInteger()),
        sa.Column("valid_until", sa.BigInteger()),
        sa.Column("document_id", BigInt),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_quota_contracts"),
        sa.CheckConstraint("drawn_minor >= 0 AND drawn_minor <= face_total_minor", name="drawn_within_total"),
        sa.CheckConstraint("discount_bp >= 0 AND discount_bp < 10000", name="discount_leaves_a_cost"),
    )
    op.create_index("ix_quota_contracts_of_supplier", "quota_contracts", ["supplier_id", "id"])
    op.create_table(
        "quota_draws",
        sa.Column("order_id", BigInt, nullable=False),
        sa.Column("offer_id", BigInt, sa.ForeignKey("offers.id", name="fk_quota_draws_offer_id_offers"), nullable=False),
        sa.Column("quota_id", BigInt, sa.ForeignKey("quota_contracts.id", name="fk_quota_draws_quota_id_quota_contracts"), nullable=False),
        sa.Column("quantity", BigInt, nullable=False),
        sa.Column("face_minor", BigInt, nullable=False),
        sa.Column("given_back", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "offer_id", name="pk_quota_draws"),
        sa.CheckConstraint("quantity > 0 AND given_back >= 0 AND given_back <= quantity", name="back_at_most_drawn"),
    )
    op.create_index("ix_quota_draws_of", "quota_draws", ["quota_id"])
    op.create_table(
        "price_rules",
        sa.Column(
            "storefront_id", BigInt, sa.ForeignKey("storefronts.id", name="fk_price_rules_storefront_id_storefronts"), nullable=False
        ),
        sa.Column("least_margin_bp", BigInt, nullable=False),
        sa.Column("never_below_cost", sa.Boolean(), nullable=False),
        sa.Column("told_upto_price_id", BigInt),
        sa.PrimaryKeyConstraint("storefront_id", name="pk_price_rules"),
        sa.CheckConstraint("least_margin_bp >= 0 AND least_margin_bp < 10000", name="margin_of_a_price"),
    )
    op.create_table(
        "repricings",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("offer_id", BigInt, sa.ForeignKey("offers.id", name="fk_repricings_offer_id_offers"), nullable=False),
        sa.Column("sku_id", BigInt, sa.ForeignKey("skus.id", name="fk_repricings_sku_id_skus"), nullable=False),
        sa.Column("storefront_id", BigInt, sa.ForeignKey("storefronts.id", name="fk_repricings_storefront_id_storefronts"), nullable=False),
        sa.Column("price_id", BigInt, sa.ForeignKey("prices.id", name="fk_repricings_price_id_prices"), nullable=False),
        sa.Column("old_cost_minor", BigInt, nullable=False),
        sa.Column("old_cost_currency", sa.String(8), nullable=False),
        sa.Column("cost_minor", BigInt, nullable=False),
        sa.Column("cost_currency", sa.String(8), nullable=False),
        sa.Column("worth_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("least_margin_bp", BigInt, nullable=False),
        sa.Column("retail_minor", BigInt, nullable=False),
        sa.Column("wholesale_minor", BigInt),
        sa.Column("tiers", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger()),
        sa.Column("decided_by", sa.String(64)),
        sa.Column("outcome", sa.String(32)),
        sa.PrimaryKeyConstraint("id", name="pk_repricings"),
        sa.CheckConstraint("(decided_at IS NULL) = (outcome IS NULL)", name="decided_with_outcome"),
    )
    op.create_index(
        "uq_repricing_open", "repricings", ["offer_id", "storefront_id"], unique=True, postgresql_where=UNDECIDED, sqlite_where=UNDECIDED
    )
    op.create_table(
        "price_news",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("storefront_id", BigInt, sa.ForeignKey("storefronts.id", name="fk_price_news_storefront_id_storefronts"), nullable=False),
        sa.Column("after_price_id", BigInt, nullable=False),
        sa.Column("upto_price_id", BigInt, nullable=False),
        sa.Column("upto_customer_id", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("posted", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_price_news"),
        sa.CheckConstraint("after_price_id < upto_price_id", name="tells_something"),
    )
    op.create_index("ix_price_news_open", "price_news", ["id"], postgresql_where=NOT_DONE, sqlite_where=NOT_DONE)
    op.create_table(
        "offer_records",
        sa.Column("offer_id", BigInt, sa.ForeignKey("offers.id", name="fk_offer_records_offer_id_offers"), nullable=False),
        sa.Column("orders", BigInt, nullable=False),
        sa.Column("cases", BigInt, nullable=False),
        sa.Column("undelivered", BigInt, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("offer_id", name="pk_offer_records"),
        sa.CheckConstraint("orders >= 0 AND cases >= 0 AND undelivered >= 0", name="counts_not_negative"),
    )


def downgrade() -> None:
    for table in ("offer_records", "price_news", "repricings", "price_rules", "quota_draws", "quota_contracts", "offer_costs"):
        op.drop_table(table)
    op.drop_column("customers", "no_price_news_at")
