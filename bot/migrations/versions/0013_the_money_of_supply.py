"""Contracts and claims of suppliers, what was booked and taken back of them, payouts, and what buyers looked for in vain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OF_ALL = sa.text("offer_id IS NULL")
OF_ONE = sa.text("offer_id IS NOT NULL")
HELD = sa.text("state = 'held'")
UNCOUNTED = sa.text("window_ends_at IS NOT NULL AND NOT counted")
OPEN = sa.text("state IN ('requested', 'approved', 'sending', 'unknown')")
REPLACED = sa.text("outcome = 'replaced'")


def upgrade() -> None:
    op.create_index("ix_cases_replaced", "cases", ["decided_at"], postgresql_where=REPLACED, sqlite_where=REPLACED)
    op.create_table(
        "contracts",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("supplier_id", BigInt, sa.ForeignKey("suppliers.id", name="fk_contracts_supplier_id_suppliers"), nullable=False),
        sa.Column("offer_id", BigInt, sa.ForeignKey("offers.id", name="fk_contracts_offer_id_offers")),
        sa.Column("version", BigInt, nullable=False),
        sa.Column("terms", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_contracts"),
        sa.CheckConstraint("version >= 1", name="version_from_one"),
    )
    op.create_index("uq_contract_of_offer", "contracts", ["offer_id", "version"], unique=True, postgresql_where=OF_ONE, sqlite_where=OF_ONE)
    op.create_index(
        "uq_contract_of_supplier", "contracts", ["supplier_id", "version"], unique=True, postgresql_where=OF_ALL, sqlite_where=OF_ALL
    )
    op.create_table(
        "settlement_runs",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("supplier_id", BigInt, sa.ForeignKey("suppliers.id", name="fk_settlement_runs_supplier_id_suppliers"), nullable=False),
        sa.Column(
            "storefront_id", BigInt, sa.ForeignKey("storefronts.id", name="fk_settlement_runs_storefront_id_storefronts"), nullable=False
        ),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("supplier_minor", BigInt, nullable=False),
        sa.Column("cost_minor", BigInt, nullable=False),
        sa.Column("spread_minor", BigInt, nullable=False),
        sa.Column("commission_minor", BigInt, nullable=False),
        sa.Column("service_minor", BigInt, nullable=False),
        sa.Column("discounts_minor", BigInt, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_settlement_runs"),
    )
    op.create_index("ix_settlement_runs_of_supplier", "settlement_runs", ["supplier_id", "kind", "at"])
    op.create_table(
        "claims",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("order_id", BigInt, sa.ForeignKey("orders.id", name="fk_claims_order_id_orders"), nullable=False),
        sa.Column("seq", BigInt, nullable=False),
        sa.Column("code_id", BigInt, nullable=False),
        sa.Column("offer_id", BigInt, sa.ForeignKey("offers.id", name="fk_claims_offer_id_offers"), nullable=False),
        sa.Column("supplier_id", BigInt, sa.ForeignKey("suppliers.id", name="fk_claims_supplier_id_suppliers"), nullable=False),
        sa.Column("storefront_id", BigInt, sa.ForeignKey("storefronts.id", name="fk_claims_storefront_id_storefronts"), nullable=False),
        sa.Column("contract_id", BigInt, sa.ForeignKey("contracts.id", name="fk_claims_contract_id_contracts")),
        sa.Column("form", sa.String(32), nullable=False),
        sa.Column("units", BigInt, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("price_minor", BigInt, nullable=False),
        sa.Column("cost_minor", BigInt, nullable=False),
        sa.Column("supplier_minor", BigInt, nullable=False),
        sa.Column("spread_minor", BigInt, nullable=False),
        sa.Column("commission_minor", BigInt, nullable=False),
        sa.Column("service_minor", BigInt, nullable=False),
        sa.Column("discounts_minor", BigInt, nullable=False),
        sa.Column("reversed_units", BigInt, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("sold_at", sa.BigInteger(), nullable=False),
        sa.Column("release_at", sa.BigInteger(), nullable=False),
        sa.Column("ask_at", sa.BigInteger(), nullable=False),
        sa.Column("run_id", BigInt, sa.ForeignKey("settlement_runs.id", name="fk_claims_run_id_settlement_runs"), nullable=False),
        sa.Column("release_run_id", BigInt, sa.ForeignKey("settlement_runs.id", name="fk_claims_release_run_id_settlement_runs")),
        sa.Column("bucket", BigInt),
        sa.Column("window_starts_at", sa.BigInteger()),
        sa.Column("window_ends_at", sa.BigInteger()),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_claims"),
        sa.CheckConstraint("supplier_minor + spread_minor + commission_minor + service_minor = price_minor", name="parts_are_the_price"),
        sa.CheckConstraint("units > 0 AND reversed_units >= 0 AND reversed_units <= units", name="reversed_within_units"),
        sa.CheckConstraint("supplier_minor >= 0", name="supplier_not_negative"),
        sa.UniqueConstraint("order_id", "seq", "code_id", name="uq_claim_once"),
    )
    op.create_index("ix_claims_held", "claims", ["ask_at"], postgresql_where=HELD, sqlite_where=HELD)
    op.create_index("ix_claims_of_release", "claims", ["release_run_id"])
    op.create_index("ix_claims_of_run", "claims", ["run_id"])
    op.create_index("ix_claims_of_supplier", "claims", ["supplier_id", "sold_at"])
    op.create_index("ix_claims_uncounted", "claims", ["window_ends_at"], postgresql_where=UNCOUNTED, sqlite_where=UNCOUNTED)
    op.create_table(
        "claim_reversals",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("claim_id", BigInt, sa.ForeignKey("claims.id", name="fk_claim_reversals_claim_id_claims"), nullable=False),
        sa.Column("supplier_id", BigInt, sa.ForeignKey("suppliers.id", name="fk_claim_reversals_supplier_id_suppliers"), nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("before", BigInt, nullable=False),
        sa.Column("units", BigInt, nullable=False),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.Column("cost_minor", BigInt, nullable=False),
        sa.Column("supplier_minor", BigInt, nullable=False),
        sa.Column("spread_minor", BigInt, nullable=False),
        sa.Column("commission_minor", BigInt, nullable=False),
        sa.Column("service_minor", BigInt, nullable=False),
        sa.Column("discounts_minor", BigInt, nullable=False),
        sa.Column("run_id", BigInt, sa.ForeignKey("settlement_runs.id", name="fk_claim_reversals_run_id_settlement_runs"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_claim_reversals"),
        sa.CheckConstraint("units > 0 AND before >= 0", name="units_positive"),
        sa.UniqueConstraint("claim_id", "before", name="uq_reversal_of_units"),
    )
    op.create_index("ix_claim_reversals_of_run", "claim_reversals", ["run_id"])
    op.create_index("ix_claim_reversals_of_supplier", "claim_reversals", ["supplier_id", "at"])
    op.create_table(
        "tier_windows",
        sa.Column(
            "contract_id",
            BigInt,
            sa.ForeignKey("contracts.id", name="fk_tier_windows_contract_id_contracts"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("bucket", BigInt, autoincrement=False, nullable=False),
        sa.Column(
            "storefront_id",
            BigInt,
            sa.ForeignKey("storefronts.id", name="fk_tier_windows_storefront_id_storefronts"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("volume_minor", BigInt, nullable=False),
        sa.Column("charged_minor", BigInt, nullable=False),
        sa.Column("due_minor", BigInt, nullable=False),
        sa.Column("adjusted_minor", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("contract_id", "bucket", "storefront_id", "currency", "starts_at", name="pk_tier_windows"),
    )
    op.create_table(
        "settlement_marks",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("looked_id", BigInt, nullable=False),
        sa.Column("swept_id", BigInt, nullable=False),
        sa.Column("reversed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_settlement_marks"),
    )
    op.create_table(
        "payout_addresses",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("supplier_id", BigInt, sa.ForeignKey("suppliers.id", name="fk_payout_addresses_supplier_id_suppliers"), nullable=False),
        sa.Column("to", sa.String(32), nullable=False),
        sa.Column("words", sa.String(500), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payout_addresses"),
    )
    op.create_index("ix_payout_addresses_of", "payout_addresses", ["supplier_id", "id"])
    op.create_table(
        "payout_rules",
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("least_minor", BigInt, nullable=False),
        sa.Column("two_above_minor", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("currency", name="pk_payout_rules"),
    )
    op.create_table(
        "payouts",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("supplier_id", BigInt, sa.ForeignKey("suppliers.id", name="fk_payouts_supplier_id_suppliers"), nullable=False),
        sa.Column("storefront_id", BigInt, sa.ForeignKey("storefronts.id", name="fk_payouts_storefront_id_storefronts"), nullable=False),
        sa.Column("amount_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("to", sa.String(32), nullable=False),
        sa.Column("words", sa.String(500), nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("approved_by", sa.String(64)),
        sa.Column("second_by", sa.String(64)),
        sa.Column("approved_at", sa.BigInteger()),
        sa.Column("pay_minor", BigInt),
        sa.Column("pay_currency", sa.String(8)),
        sa.Column("rate_id", BigInt),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("tries", BigInt, nullable=False),
        sa.Column("reference", sa.String(200)),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("sent_by", sa.String(64)),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("why", sa.String(300)),
        sa.PrimaryKeyConstraint("id", name="pk_payouts"),
        sa.CheckConstraint("amount_minor > 0", name="amount_positive"),
    )
    op.create_index("ix_payouts_of_supplier", "payouts", ["supplier_id", "id"])
    op.create_index("ix_payouts_open", "payouts", ["due_at"], postgresql_where=OPEN, sqlite_where=OPEN)
    op.create_table(
        "unmet_demand",
        sa.Column("id", BigInt, nullable=False),
        sa.Column(
            "storefront_id", BigInt, sa.ForeignKey("storefronts.id", name="fk_unmet_demand_storefront_id_storefronts"), nullable=False
        ),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("words", sa.String(60), nullable=False),
        sa.Column("sku_id", BigInt, nullable=False),
        sa.Column("who", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_unmet_demand"),
        sa.UniqueConstraint("storefront_id", "day", "words", "sku_id", "who", name="uq_unmet_demand_once"),
    )
    op.create_index("ix_unmet_demand_of_day", "unmet_demand", ["storefront_id", "day"])


def downgrade() -> None:
    for table in (
        "unmet_demand",
        "payouts",
        "payout_rules",
        "payout_addresses",
        "settlement_marks",
        "tier_windows",
        "claim_reversals",
        "claims",
        "settlement_runs",
        "contracts",
    ):
        op.drop_table(table)
    op.drop_index("ix_cases_replaced", "cases")
