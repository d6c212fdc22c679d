"""Resellers: their applications, levels and price lists; prices of a level and of one reseller; minimum resale prices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023e"
down_revision = "0022"
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


def downgrade() -> None:
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
