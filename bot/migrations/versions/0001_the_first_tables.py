"""The first tables: catalogue, stock, people, books, orders, payments, outbox and the action log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


# Staged, on the shelf, held, sold or void.
ONE_PLACE = (
    "(CASE WHEN staged IS NULL THEN 0 ELSE 1 END) + (CASE WHEN available IS NULL THEN 0 ELSE 1 END)"
    " + (CASE WHEN hold_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN order_id IS NULL THEN 0 ELSE 1 END)"
    " + (CASE WHEN void_at IS NULL THEN 0 ELSE 1 END) = 1"
)


def upgrade() -> None:
    op.create_table(
        "actions",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("did", sa.String(length=64), nullable=False),
        sa.Column("about", sa.String(length=32), nullable=False),
        sa.Column("about_id", BigInt, nullable=False),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_actions")),
    )
    op.create_index("ix_actions_about", "actions", ["about", "about_id"], unique=False)
    op.create_table(
        "categories",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("parent_id", BigInt, nullable=True),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("names", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("icon", sa.String(length=16), nullable=True),
        sa.Column("position", BigInt, nullable=False),
        sa.Column("hidden_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["categories.id"], name=op.f("fk_categories_parent_id_categories")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
        sa.UniqueConstraint("slug", name=op.f("uq_categories_slug")),
    )
    op.create_index("ix_categories_under", "categories", ["parent_id", "position", "id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("topic", sa.String(32), nullable=False),
        sa.Column("customer_id", BigInt, nullable=False),
        sa.Column("order_id", BigInt, nullable=True),
        sa.Column("body", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("once", sa.String(length=120), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.String(length=64), nullable=True),
        sa.Column("attempts", BigInt, nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("parked_at", sa.BigInteger(), nullable=True),
        sa.Column("trouble", sa.String(length=300), nullable=True),
        sa.Column("sent_message_id", BigInt, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("once", name="uq_outbox_once"),
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL AND parked_at IS NULL"),
        sqlite_where=sa.text("done_at IS NULL AND parked_at IS NULL"),
    )
    op.create_index(
        "ix_outbox_of_order",
        "outbox",
        ["order_id"],
        unique=False,
        postgresql_where=sa.text("order_id IS NOT NULL"),
        sqlite_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_index(
        "ix_outbox_parked",
        "outbox",
        ["customer_id"],
        unique=False,
        postgresql_where=sa.text("parked_at IS NOT NULL"),
        sqlite_where=sa.text("parked_at IS NOT NULL"),
    )
    op.create_table(
        "parties",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parties")),
    )
    op.create_table(
        "rates",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("base", sa.String(length=8), nullable=False),
        sa.Column("quote", sa.String(length=8), nullable=False),
        sa.Column("numerator", BigInt, nullable=False),
        sa.Column("denominator", BigInt, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("numerator > 0 AND denominator > 0", name=op.f("ck_rates_rate_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rates")),
    )
    op.create_index("ix_rates_latest", "rates", ["base", "quote", "id"], unique=False)
    op.create_table(
        "transfers",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("party_id", BigInt, nullable=True),
        sa.Column("subject_id", BigInt, nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
        sa.UniqueConstraint("key", name="uq_transfer_once"),
    )
    op.create_index(
        "ix_transfers_of_party",
        "transfers",
        ["party_id", "id"],
        unique=False,
        postgresql_where=sa.text("party_id IS NOT NULL"),
        sqlite_where=sa.text("party_id IS NOT NULL"),
    )
    op.create_table(
        "accounts",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("party_id", BigInt, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("label", sa.String(length=32), nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("balance_minor", BigInt, nullable=True),
        sa.Column("floor_minor", BigInt, nullable=True),
        sa.CheckConstraint("(balance_minor IS NULL) = (floor_minor IS NULL)", name=op.f("ck_accounts_guarded_or_summed")),
        sa.CheckConstraint("balance_minor >= floor_minor", name=op.f("ck_accounts_balance_above_floor")),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_accounts_party_id_parties")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("id", "currency", name="uq_account_currency"),
        sa.UniqueConstraint("party_id", "kind", "label", "currency", name="uq_account_of_party"),
    )
    op.create_table(
        "products",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("category_id", BigInt, nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("icon", sa.String(length=16), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("redeem", sa.Text(), nullable=False),
        sa.Column("texts", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("keywords", sa.Text(), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("protect_content", sa.Boolean(), nullable=False),
        sa.Column("position", BigInt, nullable=False),
        sa.Column("hidden_at", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("return_hours", BigInt, server_default=sa.text("24"), nullable=False),
        sa.Column("warranty_hours", BigInt, nullable=True),
        sa.CheckConstraint("return_hours >= 0", name=op.f("ck_products_return_hours_not_negative")),
        sa.CheckConstraint("warranty_hours IS NULL OR warranty_hours >= 1", name=op.f("ck_products_warranty_above_zero")),
        sa.ForeignKeyConstraint(["category_id"], ["categories.id"], name=op.f("fk_products_category_id_categories")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("slug", name=op.f("uq_products_slug")),
    )
    op.create_index("ix_products_in", "products", ["category_id", "position", "id"], unique=False)
    op.create_table(
        "suppliers",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["parties.id"], name=op.f("fk_suppliers_id_parties")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppliers")),
    )
    op.create_table(
        "postings",
        sa.Column("transfer_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("seq", BigInt, autoincrement=False, nullable=False),
        sa.Column("debit_id", BigInt, nullable=False),
        sa.Column("credit_id", BigInt, nullable=False),
        sa.Column("amount_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_postings_amount_positive")),
        sa.CheckConstraint("debit_id <> credit_id", name=op.f("ck_postings_two_accounts")),
        sa.ForeignKeyConstraint(["credit_id", "currency"], ["accounts.id", "accounts.currency"], name="fk_posting_credit"),
        sa.ForeignKeyConstraint(["debit_id", "currency"], ["accounts.id", "accounts.currency"], name="fk_posting_debit"),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfers.id"], name=op.f("fk_postings_transfer_id_transfers")),
        sa.PrimaryKeyConstraint("transfer_id", "seq", name=op.f("pk_postings")),
    )
    op.create_table(
        "rollups",
        sa.Column("account_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("upto_transfer_id", BigInt, nullable=False),
        sa.Column("debits_minor", BigInt, nullable=False),
        sa.Column("credits_minor", BigInt, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_rollups_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_rollups")),
    )
    op.create_table(
        "skus",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("product_id", BigInt, nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("names", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("face_value_minor", BigInt, nullable=True),
        sa.Column("face_currency", sa.String(length=8), nullable=True),
        sa.Column("redeem_region", sa.String(length=32), nullable=True),
        sa.Column("min_quantity", BigInt, nullable=False),
        sa.Column("max_quantity", BigInt, nullable=False),
        sa.Column("max_per_buyer", BigInt, nullable=True),
        sa.Column("rules_version", BigInt, nullable=False),
        sa.Column("low_stock_at", BigInt, nullable=False),
        sa.Column("low_stock_told_at", sa.BigInteger(), nullable=True),
        sa.Column("position", BigInt, nullable=False),
        sa.Column("hidden_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("max_per_buyer IS NULL OR max_per_buyer >= 1", name=op.f("ck_skus_per_buyer")),
        sa.CheckConstraint("min_quantity >= 1 AND max_quantity >= min_quantity", name=op.f("ck_skus_quantities")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_skus_product_id_products")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skus")),
        sa.UniqueConstraint("slug", name=op.f("uq_skus_slug")),
    )
    op.create_index("ix_skus_of", "skus", ["product_id", "position", "id"], unique=False)
    op.create_table(
        "storefronts",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("party_id", BigInt, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("sales_account_id", BigInt, nullable=False),
        sa.Column("support", sa.String(length=200), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_storefronts_party_id_parties")),
        sa.ForeignKeyConstraint(["sales_account_id"], ["accounts.id"], name=op.f("fk_storefronts_sales_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storefronts")),
    )
    op.create_table(
        "aftersale_terms",
        sa.Column("storefront_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("answer_hours", BigInt, nullable=False),
        sa.Column("buyer_days", BigInt, nullable=False),
        sa.Column("warranty_hours", BigInt, nullable=False),
        sa.CheckConstraint("answer_hours >= 1 AND buyer_days >= 1 AND warranty_hours >= 1", name=op.f("ck_aftersale_terms_above_zero")),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"], name=op.f("fk_aftersale_terms_storefront_id_storefronts")),
        sa.PrimaryKeyConstraint("storefront_id", name=op.f("pk_aftersale_terms")),
    )
    op.create_table(
        "broadcasts",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("storefront_id", BigInt, nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("upto_customer_id", BigInt, nullable=False),
        sa.Column("posted", BigInt, nullable=False),
        sa.Column("posted_at", sa.BigInteger(), nullable=True),
        sa.Column("stopped_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"], name=op.f("fk_broadcasts_storefront_id_storefronts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcasts")),
    )
    op.create_table(
        "coupons",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("storefront_id", BigInt, nullable=False),
        sa.Column("word", sa.String(length=64), nullable=False),
        sa.Column("folded", sa.String(length=64), nullable=False),
        sa.Column("amount_minor", BigInt, nullable=False),
        sa.Column("basis_points", BigInt, nullable=False),
        sa.Column("cap_minor", BigInt, nullable=True),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("minimum_minor", BigInt, nullable=False),
        sa.Column("first_order_only", sa.Boolean(), nullable=False),
        sa.Column("product_id", BigInt, nullable=True),
        sa.Column("sku_id", BigInt, nullable=True),
        sa.Column("limit_total", BigInt, nullable=True),
        sa.Column("limit_per_buyer", BigInt, nullable=True),
        sa.Column("back_on_refund", sa.Boolean(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("used", BigInt, nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("on_at", sa.BigInteger(), nullable=True),
        sa.Column("off_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(amount_minor > 0) <> (basis_points > 0)", name=op.f("ck_coupons_amount_or_percent")),
        sa.CheckConstraint("amount_minor >= 0 AND basis_points >= 0 AND basis_points <= 10000", name=op.f("ck_coupons_cut_not_negative")),
        sa.CheckConstraint("product_id IS NULL OR sku_id IS NULL", name=op.f("ck_coupons_one_scope")),
        sa.CheckConstraint("used >= 0 AND (limit_total IS NULL OR used <= limit_total)", name=op.f("ck_coupons_used_within_limit")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_coupons_product_id_products")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name=op.f("fk_coupons_sku_id_skus")),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"], name=op.f("fk_coupons_storefront_id_storefronts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupons")),
    )
    op.create_index(
        "uq_coupon_word",
        "coupons",
        ["storefront_id", "folded"],
        unique=True,
        postgresql_where=sa.text("off_at IS NULL"),
        sqlite_where=sa.text("off_at IS NULL"),
    )
    op.create_table(
        "customers",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("storefront_id", BigInt, nullable=False),
        sa.Column("telegram_id", BigInt, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=True),
        sa.Column("telegram_language", sa.String(length=16), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.Column("wallet_id", BigInt, nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("blocked_at", sa.BigInteger(), nullable=True),
        sa.Column("came_back_at", sa.BigInteger(), nullable=True),
        sa.Column("no_broadcasts_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["parties.id"], name=op.f("fk_customers_id_parties")),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"], name=op.f("fk_customers_storefront_id_storefronts")),
        sa.ForeignKeyConstraint(["wallet_id"], ["accounts.id"], name=op.f("fk_customers_wallet_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("id", "storefront_id", name="uq_customer_and_storefront"),
        sa.UniqueConstraint("storefront_id", "telegram_id", name="uq_customer_of_storefront"),
    )
    op.create_index(op.f("ix_customers_username"), "customers", ["username"], unique=False)
    op.create_table(
        "holds",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("order_id", BigInt, nullable=False),
        sa.Column("customer_id", BigInt, nullable=False),
        sa.Column("sku_id", BigInt, nullable=False),
        sa.Column("quantity", BigInt, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("lapsed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name=op.f("fk_holds_sku_id_skus")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_index("ix_holds_of_customer", "holds", ["customer_id", "id"], unique=False)
    op.create_index(
        "ix_holds_open",
        "holds",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "uq_hold_of_order",
        "holds",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "offers",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("supplier_id", BigInt, nullable=False),
        sa.Column("sku_id", BigInt, nullable=False),
        sa.Column("cost_minor", BigInt, nullable=False),
        sa.Column("cost_currency", sa.String(length=8), nullable=False),
        sa.Column("payable_id", BigInt, nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("stopped_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("cost_minor >= 0", name=op.f("ck_offers_cost_not_negative")),
        sa.ForeignKeyConstraint(["payable_id"], ["accounts.id"], name=op.f("fk_offers_payable_id_accounts")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name=op.f("fk_offers_sku_id_skus")),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.id"], name=op.f("fk_offers_supplier_id_suppliers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
        sa.UniqueConstraint("id", "sku_id", name="uq_offer_and_sku"),
        sa.UniqueConstraint("supplier_id", "sku_id", name="uq_offer_of_supplier"),
    )
    op.create_table(
        "owner_links",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("storefront_id", BigInt, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("used_by", BigInt, nullable=True),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"], name=op.f("fk_owner_links_storefront_id_storefronts")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_owner_links")),
    )
    op.create_table(
        "prices",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("storefront_id", BigInt, nullable=False),
        sa.Column("sku_id", BigInt, nullable=False),
        sa.Column("retail_minor", BigInt, nullable=False),
        sa.Column("wholesale_minor", BigInt, nullable=True),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("tiered", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("retail_minor > 0", name=op.f("ck_prices_retail_positive")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name=op.f("fk_prices_sku_id_skus")),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"], name=op.f("fk_prices_storefront_id_storefronts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prices")),
    )
    op.create_index(
        "uq_price_current",
        "prices",
        ["storefront_id", "sku_id"],
        unique=True,
        postgresql_where=sa.text("until IS NULL"),
        sqlite_where=sa.text("until IS NULL"),
    )
    op.create_table(
        "staff",
        sa.Column("storefront_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("telegram_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("from_settings", sa.Boolean(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"], name=op.f("fk_staff_storefront_id_storefronts")),
        sa.PrimaryKeyConstraint("storefront_id", "telegram_id", name=op.f("pk_staff")),
    )
    op.create_table(
        "batches",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("offer_id", BigInt, nullable=False),
        sa.Column("sku_id", BigInt, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("source_name", sa.String(length=200), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("wrapping_key_id", sa.String(length=16), nullable=False),
        sa.Column("aad", sa.String(length=64), nullable=False),
        sa.Column("accepted", BigInt, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("alive_at", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_batches_offer_id_offers")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name=op.f("fk_batches_sku_id_skus")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
        sa.UniqueConstraint("aad", name=op.f("uq_batches_aad")),
    )
    op.create_table(
        "coupon_counts",
        sa.Column("coupon_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("customer_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("used", BigInt, nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_coupon_counts_used_not_negative")),
        sa.ForeignKeyConstraint(["coupon_id"], ["coupons.id"], name=op.f("fk_coupon_counts_coupon_id_coupons")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_coupon_counts_customer_id_customers")),
        sa.PrimaryKeyConstraint("coupon_id", "customer_id", name=op.f("pk_coupon_counts")),
    )
    op.create_table(
        "coupon_redemptions",
        sa.Column("order_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("coupon_id", BigInt, nullable=False),
        sa.Column("customer_id", BigInt, nullable=False),
        sa.Column("discount_minor", BigInt, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("discount_minor > 0", name=op.f("ck_coupon_redemptions_discount_positive")),
        sa.ForeignKeyConstraint(["coupon_id"], ["coupons.id"], name=op.f("fk_coupon_redemptions_coupon_id_coupons")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_coupon_redemptions_customer_id_customers")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_coupon_redemptions")),
    )
    op.create_index("ix_coupon_redemptions_by", "coupon_redemptions", ["customer_id"], unique=False)
    op.create_index("ix_coupon_redemptions_of", "coupon_redemptions", ["coupon_id", "order_id"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("storefront_id", BigInt, nullable=False),
        sa.Column("buyer_id", BigInt, nullable=False),
        sa.Column("once", sa.String(length=120), nullable=False),
        sa.Column("once_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("total_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("paid_by", sa.String(length=16), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("issued_at", sa.BigInteger(), nullable=True),
        sa.Column("short_by", BigInt, nullable=True),
        sa.Column("refunded_minor", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("return_until", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("refunded_minor >= 0 AND refunded_minor <= total_minor", name=op.f("ck_orders_refunded_at_most_paid")),
        sa.CheckConstraint("total_minor > 0", name=op.f("ck_orders_total_positive")),
        sa.ForeignKeyConstraint(["buyer_id", "storefront_id"], ["customers.id", "customers.storefront_id"], name="fk_order_buyer"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("once", name="uq_order_once"),
    )
    op.create_index("ix_orders_of_buyer", "orders", ["buyer_id", "id"], unique=False)
    op.create_index(
        "ix_orders_pending",
        "orders",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
        sqlite_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "payment_intents",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("customer_id", BigInt, nullable=False),
        sa.Column("order_id", BigInt, nullable=True),
        sa.Column("amount_minor", BigInt, nullable=False),
        sa.Column("fee_minor", BigInt, nullable=False),
        sa.Column("kept_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("worth_minor", BigInt, nullable=False),
        sa.Column("worth_currency", sa.String(length=8), nullable=False),
        sa.Column("rate_id", BigInt, nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("provider_ref", sa.String(length=200), nullable=True),
        sa.Column("url", sa.String(length=2000), nullable=True),
        sa.Column("qr", sa.String(length=2000), nullable=True),
        sa.Column("words", sa.String(length=2000), nullable=True),
        sa.Column("screen_message_id", BigInt, nullable=True),
        sa.Column("receipt", sa.String(length=200), nullable=True),
        sa.Column("receipt_is_photo", sa.Boolean(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", BigInt, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_intents_amount_positive")),
        sa.CheckConstraint("worth_minor > 0", name=op.f("ck_payment_intents_worth_positive")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_payment_intents_customer_id_customers")),
        sa.ForeignKeyConstraint(["rate_id"], ["rates.id"], name=op.f("fk_payment_intents_rate_id_rates")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_intents")),
    )
    op.create_index(
        "ix_payment_intents_due",
        "payment_intents",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
        sqlite_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index("ix_payment_intents_of_customer", "payment_intents", ["customer_id", "id"], unique=False)
    op.create_index(
        "ix_payment_intents_of_order",
        "payment_intents",
        ["order_id"],
        unique=False,
        postgresql_where=sa.text("order_id IS NOT NULL"),
        sqlite_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_index(
        "ix_payment_intents_open",
        "payment_intents",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('created', 'pending')"),
        sqlite_where=sa.text("state IN ('created', 'pending')"),
    )
    op.create_index("ix_payment_intents_ref", "payment_intents", ["provider_ref"], unique=False)
    op.create_table(
        "price_tiers",
        sa.Column("price_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("from_quantity", BigInt, autoincrement=False, nullable=False),
        sa.Column("unit_minor", BigInt, nullable=False),
        sa.CheckConstraint("from_quantity >= 2", name=op.f("ck_price_tiers_more_than_one")),
        sa.CheckConstraint("unit_minor > 0", name=op.f("ck_price_tiers_unit_positive")),
        sa.ForeignKeyConstraint(["price_id"], ["prices.id"], name=op.f("fk_price_tiers_price_id_prices")),
        sa.PrimaryKeyConstraint("price_id", "from_quantity", name=op.f("pk_price_tiers")),
    )
    op.create_table(
        "purchase_counts",
        sa.Column("customer_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("sku_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("bought", BigInt, nullable=False),
        sa.CheckConstraint("bought >= 0", name=op.f("ck_purchase_counts_bought_not_negative")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_purchase_counts_customer_id_customers")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name=op.f("fk_purchase_counts_sku_id_skus")),
        sa.PrimaryKeyConstraint("customer_id", "sku_id", name=op.f("pk_purchase_counts")),
    )
    op.create_table(
        "sources",
        sa.Column("sku_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("rank", BigInt, autoincrement=False, nullable=False),
        sa.Column("offer_id", BigInt, nullable=False),
        sa.Column("version", BigInt, nullable=False),
        sa.ForeignKeyConstraint(["offer_id", "sku_id"], ["offers.id", "offers.sku_id"], name="fk_source_offer"),
        sa.PrimaryKeyConstraint("sku_id", "rank", name=op.f("pk_sources")),
        sa.UniqueConstraint("offer_id", name="uq_source_offer"),
    )
    op.create_table(
        "watches",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("sku_id", BigInt, nullable=False),
        sa.Column("customer_id", BigInt, nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_watches_customer_id_customers")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name=op.f("fk_watches_sku_id_skus")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watches")),
    )
    op.create_index(
        "uq_watch_waiting",
        "watches",
        ["sku_id", "customer_id"],
        unique=True,
        postgresql_where=sa.text("told_at IS NULL"),
        sqlite_where=sa.text("told_at IS NULL"),
    )
    op.create_table(
        "codes",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("offer_id", BigInt, nullable=False),
        sa.Column("batch_id", BigInt, nullable=False),
        sa.Column("row", BigInt, nullable=False),
        sa.Column("staged", BigInt, nullable=True),
        sa.Column("available", BigInt, nullable=True),
        sa.Column("hold_id", BigInt, nullable=True),
        sa.Column("order_id", BigInt, nullable=True),
        sa.Column("void_at", sa.BigInteger(), nullable=True),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("refunded_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            ONE_PLACE,
            name=op.f("ck_codes_code_is_in_one_place"),
        ),
        sa.CheckConstraint("refunded_at IS NULL OR order_id IS NOT NULL", name=op.f("ck_codes_refunded_of_an_order")),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_codes_batch_id_batches")),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_codes_hold_id_holds")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_codes_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_codes")),
        sa.UniqueConstraint("fingerprint", name="uq_code_enters_once"),
        postgresql_with={"fillfactor": 90},
    )
    op.create_index(
        "ix_codes_of_hold",
        "codes",
        ["hold_id"],
        unique=False,
        postgresql_where=sa.text("hold_id IS NOT NULL"),
        sqlite_where=sa.text("hold_id IS NOT NULL"),
    )
    op.create_index(
        "ix_codes_of_order",
        "codes",
        ["order_id"],
        unique=False,
        postgresql_where=sa.text("order_id IS NOT NULL"),
        sqlite_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_index(
        "ix_codes_on_the_shelf",
        "codes",
        ["offer_id", "available"],
        unique=False,
        postgresql_where=sa.text("available IS NOT NULL"),
        sqlite_where=sa.text("available IS NOT NULL"),
    )
    op.create_index(
        "ix_codes_staged",
        "codes",
        ["batch_id", "id"],
        unique=False,
        postgresql_where=sa.text("staged IS NOT NULL"),
        sqlite_where=sa.text("staged IS NOT NULL"),
    )
    op.create_table(
        "order_lines",
        sa.Column("order_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("seq", BigInt, autoincrement=False, nullable=False),
        sa.Column("sku_id", BigInt, nullable=False),
        sa.Column("offer_id", BigInt, nullable=False),
        sa.Column("price_id", BigInt, nullable=False),
        sa.Column("quantity", BigInt, nullable=False),
        sa.Column("unit_price_minor", BigInt, nullable=False),
        sa.Column("unit_cost_minor", BigInt, nullable=False),
        sa.Column("cost_currency", sa.String(length=8), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_lines_quantity_positive")),
        sa.ForeignKeyConstraint(["offer_id", "sku_id"], ["offers.id", "offers.sku_id"], name="fk_line_offer"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id_orders")),
        sa.ForeignKeyConstraint(["price_id"], ["prices.id"], name=op.f("fk_order_lines_price_id_prices")),
        sa.PrimaryKeyConstraint("order_id", "seq", name=op.f("pk_order_lines")),
    )
    op.create_index("ix_order_lines_of_sku", "order_lines", ["sku_id", "order_id"], unique=False)
    op.create_table(
        "order_prices",
        sa.Column("order_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("quantity", BigInt, nullable=False),
        sa.Column("unit_minor", BigInt, nullable=False),
        sa.Column("tier_from", BigInt, nullable=True),
        sa.Column("discount_minor", BigInt, nullable=False),
        sa.Column("discounts", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("reasons", sa.JSON(none_as_null=True), nullable=False),
        sa.CheckConstraint("discount_minor >= 0 AND quantity > 0", name=op.f("ck_order_prices_discount_not_negative")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_prices_order_id_orders")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_prices")),
    )
    op.create_table(
        "payment_changes",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("intent_id", BigInt, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("cause", sa.String(length=200), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["intent_id"], ["payment_intents.id"], name=op.f("fk_payment_changes_intent_id_payment_intents")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_changes")),
    )
    op.create_index("ix_payment_changes_of", "payment_changes", ["intent_id", "id"], unique=False)
    op.create_table(
        "payment_events",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("event_key", sa.String(length=200), nullable=False),
        sa.Column("intent_id", BigInt, nullable=True),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("amount_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("verdict", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["intent_id"], ["payment_intents.id"], name=op.f("fk_payment_events_intent_id_payment_intents")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_events")),
        sa.UniqueConstraint("provider", "event_key", name="uq_payment_event_once"),
    )
    op.create_index("ix_payment_events_key", "payment_events", ["event_key"], unique=False)
    op.create_index("ix_payment_events_of", "payment_events", ["intent_id"], unique=False)
    op.create_index("ix_payment_events_since", "payment_events", ["provider", "at"], unique=False)
    op.create_table(
        "refunds",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("order_id", BigInt, nullable=False),
        sa.Column("amount_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("to", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("once", sa.String(length=120), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("provider", sa.String(length=16), nullable=True),
        sa.Column("event_key", sa.String(length=200), nullable=True),
        sa.Column("intent_id", BigInt, nullable=True),
        sa.Column("source_minor", BigInt, nullable=False),
        sa.Column("pay_minor", BigInt, nullable=False),
        sa.Column("fee_minor", BigInt, nullable=False),
        sa.Column("pay_currency", sa.String(length=8), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", BigInt, nullable=False),
        sa.CheckConstraint("(\"to\" = 'source') = (provider IS NOT NULL)", name=op.f("ck_refunds_source_has_provider")),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_refunds_amount_not_negative")),
        sa.CheckConstraint("source_minor >= 0 AND source_minor <= amount_minor", name=op.f("ck_refunds_source_within_amount")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_refunds_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("once", name="uq_refund_once"),
    )
    op.create_index(
        "ix_refunds_due",
        "refunds",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
        sqlite_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index("ix_refunds_made", "refunds", ["made_at"], unique=False)
    op.create_index("ix_refunds_of_order", "refunds", ["order_id", "id"], unique=False)
    op.create_index(
        "ix_refunds_of_payment",
        "refunds",
        ["event_key", "provider"],
        unique=False,
        postgresql_where=sa.text("provider IS NOT NULL"),
        sqlite_where=sa.text("provider IS NOT NULL"),
    )
    op.create_table(
        "reveals",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("order_id", BigInt, nullable=False),
        sa.Column("cause", sa.String(32), nullable=False),
        sa.Column("to_telegram_id", BigInt, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_reveals_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reveals")),
    )
    op.create_index("ix_reveals_of_order", "reveals", ["order_id", "id"], unique=False)
    op.create_table(
        "cases",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("storefront_id", BigInt, nullable=False),
        sa.Column("buyer_id", BigInt, nullable=False),
        sa.Column("order_id", BigInt, nullable=False),
        sa.Column("code_id", BigInt, nullable=False),
        sa.Column("offer_id", BigInt, nullable=False),
        sa.Column("sku_id", BigInt, nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("overdue_told_at", sa.BigInteger(), nullable=True),
        sa.Column("frozen_minor", BigInt, nullable=False),
        sa.Column("frozen_currency", sa.String(length=8), nullable=False),
        sa.Column("frozen_party_id", BigInt, nullable=True),
        sa.Column("outcome", sa.String(32), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("why", sa.String(length=32), nullable=True),
        sa.Column("why_text", sa.Text(), nullable=True),
        sa.Column("replacement_code_id", BigInt, nullable=True),
        sa.Column("replacement_offer_id", BigInt, nullable=True),
        sa.Column("replacement_cost_minor", BigInt, nullable=True),
        sa.Column("replacement_cost_currency", sa.String(length=8), nullable=True),
        sa.CheckConstraint(
            "(replacement_code_id IS NOT NULL) = (outcome IS NOT NULL AND outcome = 'replaced')", name=op.f("ck_cases_replaced_by_a_code")
        ),
        sa.CheckConstraint("(state = 'decided') = (outcome IS NOT NULL)", name=op.f("ck_cases_decided_with_outcome")),
        sa.CheckConstraint(
            "(outcome IS NULL) = (decided_at IS NULL) AND (outcome IS NULL) = (decided_by IS NULL)",
            name=op.f("ck_cases_decided_by_somebody"),
        ),
        sa.CheckConstraint(
            "frozen_minor >= 0 AND (frozen_minor = 0 OR frozen_party_id IS NOT NULL)", name=op.f("ck_cases_frozen_is_somebodys")
        ),
        sa.ForeignKeyConstraint(["buyer_id"], ["customers.id"], name=op.f("fk_cases_buyer_id_customers")),
        sa.ForeignKeyConstraint(["code_id"], ["codes.id"], name=op.f("fk_cases_code_id_codes")),
        sa.ForeignKeyConstraint(["frozen_party_id"], ["parties.id"], name=op.f("fk_cases_frozen_party_id_parties")),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_cases_offer_id_offers")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_cases_order_id_orders")),
        sa.ForeignKeyConstraint(["replacement_code_id"], ["codes.id"], name=op.f("fk_cases_replacement_code_id_codes")),
        sa.ForeignKeyConstraint(["replacement_offer_id"], ["offers.id"], name=op.f("fk_cases_replacement_offer_id_offers")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name=op.f("fk_cases_sku_id_skus")),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"], name=op.f("fk_cases_storefront_id_storefronts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
    )
    op.create_index("ix_cases_of_buyer", "cases", ["buyer_id", "id"], unique=False)
    op.create_index("ix_cases_of_order", "cases", ["order_id"], unique=False)
    op.create_index(
        "ix_cases_undecided",
        "cases",
        ["storefront_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("state <> 'decided'"),
        sqlite_where=sa.text("state <> 'decided'"),
    )
    op.create_index(
        "uq_case_open_of_code",
        "cases",
        ["code_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'decided'"),
        sqlite_where=sa.text("state <> 'decided'"),
    )
    op.create_index(
        "uq_case_replacement",
        "cases",
        ["replacement_code_id"],
        unique=True,
        postgresql_where=sa.text("replacement_code_id IS NOT NULL"),
        sqlite_where=sa.text("replacement_code_id IS NOT NULL"),
    )
    op.create_table(
        "refunded_codes",
        sa.Column("order_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("code_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("refund_id", BigInt, nullable=False),
        sa.Column("offer_id", BigInt, nullable=False),
        sa.Column("returned", sa.Boolean(), nullable=False),
        sa.Column("cost_minor", BigInt, nullable=False),
        sa.Column("cost_currency", sa.String(length=8), nullable=False),
        sa.Column("cost_back", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["code_id"], ["codes.id"], name=op.f("fk_refunded_codes_code_id_codes")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_refunded_codes_order_id_orders")),
        sa.ForeignKeyConstraint(["refund_id"], ["refunds.id"], name=op.f("fk_refunded_codes_refund_id_refunds")),
        sa.PrimaryKeyConstraint("order_id", "code_id", name=op.f("pk_refunded_codes")),
    )
    op.create_index("ix_refunded_codes_by", "refunded_codes", ["refund_id"], unique=False)
    op.create_index("ix_refunded_codes_of", "refunded_codes", ["code_id"], unique=False)
    op.create_table(
        "case_entries",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("case_id", BigInt, nullable=False),
        sa.Column("side", sa.String(32), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("says", sa.String(length=32), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("picture", sa.String(length=200), nullable=True),
        sa.Column("picture_kind", sa.String(length=16), nullable=True),
        sa.Column("once", sa.String(length=64), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("says IS NOT NULL OR picture IS NOT NULL OR text <> ''", name=op.f("ck_case_entries_says_something")),
        sa.CheckConstraint("(picture IS NULL) = (picture_kind IS NULL)", name=op.f("ck_case_entries_picture_has_a_kind")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_entries_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_entries")),
    )
    op.create_index("ix_case_entries_of", "case_entries", ["case_id", "id"], unique=False)
    op.create_index(
        "uq_case_entry_once",
        "case_entries",
        ["case_id", "once"],
        unique=True,
        postgresql_where=sa.text("once IS NOT NULL"),
        sqlite_where=sa.text("once IS NOT NULL"),
    )


def downgrade() -> None:
    # Indexes go with their tables; what refers to others goes first.
    for table in (
        "case_entries",
        "refunded_codes",
        "cases",
        "reveals",
        "refunds",
        "payment_events",
        "payment_changes",
        "order_prices",
        "order_lines",
        "codes",
        "watches",
        "sources",
        "purchase_counts",
        "price_tiers",
        "payment_intents",
        "orders",
        "coupon_redemptions",
        "coupon_counts",
        "batches",
        "staff",
        "prices",
        "owner_links",
        "offers",
        "holds",
        "customers",
        "coupons",
        "broadcasts",
        "aftersale_terms",
        "storefronts",
        "skus",
        "rollups",
        "postings",
        "suppliers",
        "products",
        "accounts",
        "transfers",
        "rates",
        "parties",
        "outbox",
        "categories",
        "actions",
    ):
        op.drop_table(table)
