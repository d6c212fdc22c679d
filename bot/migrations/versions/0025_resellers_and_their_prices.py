"""Resellers: their applications, levels and price lists; prices of a level and of one reseller; minimum resale prices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_OWN = sa.text("until IS NULL AND level_id IS NULL AND customer_id IS NULL")
_LEVEL = sa.text("until IS NULL AND level_id IS NOT NULL")
_CUSTOMER = sa.text("until IS NULL AND customer_id IS NOT NULL")
_ENDING = sa.text("until IS NULL AND ends_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("customers", sa.Column("level_id", BigInt))
    op.drop_index("uq_price_current", table_name="prices")
    with op.batch_alter_table("prices") as table:
        table.add_column(sa.Column("level_id", BigInt))
        table.add_column(sa.Column("customer_id", BigInt))
        table.add_column(sa.Column("ends_at", sa.BigInteger()))
        table.add_column(sa.Column("dearer", sa.Boolean(), server_default=sa.false(), nullable=False))
        table.create_foreign_key("fk_prices_customer_id_customers", "customers", ["customer_id"], ["id"])
        table.create_check_constraint("of_one_party", "level_id IS NULL OR customer_id IS NULL")
        table.create_check_constraint("one_price_of_a_party", "(level_id IS NULL AND customer_id IS NULL) OR wholesale_minor IS NULL")
        table.create_check_constraint("only_a_contract_ends", "ends_at IS NULL OR customer_id IS NOT NULL")
    for name, columns, unique, where in (
        ("uq_price_current", ["storefront_id", "sku_id"], True, _OWN),
        ("uq_price_of_level", ["storefront_id", "sku_id", "level_id"], True, _LEVEL),
        ("uq_price_of_customer", ["customer_id", "sku_id"], True, _CUSTOMER),
        ("ix_prices_ending", ["ends_at"], False, _ENDING),
    ):
        op.create_index(name, "prices", columns, unique=unique, postgresql_where=where, sqlite_where=where)
    op.create_table(
        "levels",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("storefront_id", BigInt, nullable=False),
        sa.Column("rank", BigInt, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("from_turnover_minor", BigInt),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger()),
        sa.CheckConstraint("from_turnover_minor IS NULL OR from_turnover_minor >= 0", name="turnover_not_negative"),
        sa.CheckConstraint("rank >= 1", name="rank_above_zero"),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"], name="fk_levels_storefront_id_storefronts"),
        sa.PrimaryKeyConstraint("id", name="pk_levels"),
    )
    op.create_index(
        "uq_level_rank",
        "levels",
        ["storefront_id", "rank"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
        sqlite_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "level_rules",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("level_id", BigInt, nullable=False),
        sa.Column("scope", sa.String(32), nullable=False),
        sa.Column("scope_id", BigInt, nullable=False),
        sa.Column("from_quantity", BigInt, nullable=False),
        sa.Column("how", sa.String(32), nullable=False),
        sa.Column("value", BigInt, nullable=False),
        sa.Column("below_cost_by", sa.String(length=64)),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(scope = 'all') = (scope_id = 0)", name="about_something"),
        sa.CheckConstraint(
            "value >= 0 AND (how <> 'fixed' OR value > 0) AND (how <> 'off_retail' OR value < 10000)", name="leaves_a_price"
        ),
        sa.CheckConstraint("from_quantity >= 1", name="from_one_on"),
        sa.ForeignKeyConstraint(["level_id"], ["levels.id"], name="fk_level_rules_level_id_levels"),
        sa.PrimaryKeyConstraint("id", name="pk_level_rules"),
        sa.UniqueConstraint("level_id", "scope", "scope_id", "from_quantity", name="uq_level_rule"),
    )
    op.create_table(
        "price_lists",
        sa.Column("storefront_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("revision", BigInt, nullable=False),
        sa.Column("done_revision", BigInt, nullable=False),
        sa.Column("done_price_id", BigInt, nullable=False),
        sa.Column("looked_at", sa.BigInteger()),
        sa.Column("window_days", BigInt, server_default=sa.text("30"), nullable=False),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"], name="fk_price_lists_storefront_id_storefronts"),
        sa.PrimaryKeyConstraint("storefront_id", name="pk_price_lists"),
    )
    op.create_table(
        "contract_prices",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("storefront_id", BigInt, nullable=False),
        sa.Column("customer_id", BigInt, nullable=False),
        sa.Column("sku_id", BigInt, nullable=False),
        sa.Column("unit_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("tiers", sa.JSON(), nullable=False),
        sa.Column("ends_at", sa.BigInteger()),
        sa.Column("dearer", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("below_cost_by", sa.String(length=64)),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.CheckConstraint("unit_minor > 0", name="unit_positive"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_contract_prices_customer_id_customers"),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name="fk_contract_prices_sku_id_skus"),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"], name="fk_contract_prices_storefront_id_storefronts"),
        sa.PrimaryKeyConstraint("id", name="pk_contract_prices"),
    )
    op.create_index(
        "uq_contract_price_open",
        "contract_prices",
        ["customer_id", "sku_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "resellers",
        sa.Column("customer_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("storefront_id", BigInt, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("contact", sa.String(length=200)),
        sa.Column("sells", sa.Text()),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("level_since", sa.BigInteger(), nullable=False),
        sa.Column("pinned", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("turnover_minor", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("looked_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("ended_by", sa.String(length=64)),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_resellers_customer_id_customers"),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"], name="fk_resellers_storefront_id_storefronts"),
        sa.PrimaryKeyConstraint("customer_id", name="pk_resellers"),
    )
    op.create_index(
        "ix_resellers_looked_at",
        "resellers",
        ["looked_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "reseller_applications",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("storefront_id", BigInt, nullable=False),
        sa.Column("customer_id", BigInt, nullable=False),
        sa.Column("telegram_id", BigInt, nullable=False),
        sa.Column("legal", sa.String(32)),
        sa.Column("name", sa.String(length=200)),
        sa.Column("contact", sa.String(length=200)),
        sa.Column("sells", sa.Text()),
        sa.Column("volume", sa.String(length=200)),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("version", BigInt, nullable=False),
        sa.Column("revision", BigInt, nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("verdict", sa.String(32)),
        sa.Column("verdict_by", sa.String(length=64)),
        sa.Column("verdict_at", sa.BigInteger()),
        sa.Column("decided_at", sa.BigInteger()),
        sa.Column("why", sa.String(length=32)),
        sa.Column("why_text", sa.Text()),
        sa.Column("level_id", BigInt),
        sa.CheckConstraint("(state IN ('draft', 'sent', 'sent_back')) = (decided_at IS NULL)", name="over_when_decided"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_reseller_applications_customer_id_customers"),
        sa.ForeignKeyConstraint(["level_id"], ["levels.id"], name="fk_reseller_applications_level_id_levels"),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"], name="fk_reseller_applications_storefront_id_storefronts"),
        sa.PrimaryKeyConstraint("id", name="pk_reseller_applications"),
    )
    op.create_index("ix_reseller_applications_of", "reseller_applications", ["customer_id", "id"], unique=False)
    op.create_index("ix_reseller_applications_sent", "reseller_applications", ["storefront_id", "state", "id"], unique=False)
    op.create_index(
        "uq_reseller_application_open",
        "reseller_applications",
        ["customer_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('draft', 'sent', 'sent_back')"),
        sqlite_where=sa.text("state IN ('draft', 'sent', 'sent_back')"),
    )
    op.create_table(
        "reseller_cards",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("application_id", BigInt, nullable=False),
        sa.Column("version", BigInt, nullable=False),
        sa.Column("chat_id", BigInt, nullable=False),
        sa.Column("customer_id", BigInt, nullable=False),
        sa.Column("message_id", BigInt),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["reseller_applications.id"], name="fk_reseller_cards_application_id_reseller_applications"
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_reseller_cards_customer_id_customers"),
        sa.PrimaryKeyConstraint("id", name="pk_reseller_cards"),
        sa.UniqueConstraint("application_id", "version", "chat_id", name="uq_reseller_card"),
    )
    op.create_table(
        "minimum_prices",
        sa.Column("storefront_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("sku_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("unit_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("unit_minor > 0", name="unit_positive"),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name="fk_minimum_prices_sku_id_skus"),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"], name="fk_minimum_prices_storefront_id_storefronts"),
        sa.PrimaryKeyConstraint("storefront_id", "sku_id", name="pk_minimum_prices"),
    )
    op.create_table(
        "undercuts",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("storefront_id", BigInt, nullable=False),
        sa.Column("customer_id", BigInt, nullable=False),
        sa.Column("sku_id", BigInt, nullable=False),
        sa.Column("seen_where", sa.String(length=200), nullable=False),
        sa.Column("asked_minor", BigInt, nullable=False),
        sa.Column("minimum_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("closed_by", sa.String(length=64)),
        sa.CheckConstraint("asked_minor > 0 AND asked_minor < minimum_minor", name="below_the_minimum"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_undercuts_customer_id_customers"),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name="fk_undercuts_sku_id_skus"),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"], name="fk_undercuts_storefront_id_storefronts"),
        sa.PrimaryKeyConstraint("id", name="pk_undercuts"),
    )
    op.create_index(
        "ix_undercuts_open",
        "undercuts",
        ["storefront_id", "id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
        sqlite_where=sa.text("closed_at IS NULL"),
    )


def downgrade() -> None:
    for gone in (
        "undercuts",
        "minimum_prices",
        "reseller_cards",
        "reseller_applications",
        "resellers",
        "contract_prices",
        "price_lists",
        "level_rules",
        "levels",
    ):
        op.drop_table(gone)
    for name in ("ix_prices_ending", "uq_price_of_customer", "uq_price_of_level", "uq_price_current"):
        op.drop_index(name, table_name="prices")
    # Without levels and contracts, their rows are nobody's: orders may name them, so they stay as versions that are over.
    op.execute("UPDATE prices SET until = since WHERE until IS NULL AND (level_id IS NOT NULL OR customer_id IS NOT NULL)")
    with op.batch_alter_table("prices") as table:
        for name in ("only_a_contract_ends", "one_price_of_a_party", "of_one_party"):
            table.drop_constraint(op.f(f"ck_prices_{name}"), type_="check")
        table.drop_constraint("fk_prices_customer_id_customers", type_="foreignkey")
        for column in ("dearer", "ends_at", "customer_id", "level_id"):
            table.drop_column(column)
    where = sa.text("until IS NULL")
    op.create_index("uq_price_current", "prices", ["storefront_id", "sku_id"], unique=True, postgresql_where=where, sqlite_where=where)
    op.drop_column("customers", "level_id")
