"""Costs agreed in another currency than the sale's, and the rate at which each version of a cost was made of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "foreign_costs",
        sa.Column("offer_id", BigInt, sa.ForeignKey("offers.id", name="fk_foreign_costs_offer_id_offers"), nullable=False),
        sa.Column("minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("rate_id", BigInt, sa.ForeignKey("rates.id", name="fk_foreign_costs_rate_id_rates"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("offer_id", name="pk_foreign_costs"),
        sa.CheckConstraint("minor >= 0", name="cost_not_negative"),
    )
    with op.batch_alter_table("offer_costs") as table:
        table.add_column(sa.Column("agreed_minor", BigInt))
        table.add_column(sa.Column("agreed_currency", sa.String(8)))
        table.add_column(sa.Column("rate_id", BigInt))
        table.create_foreign_key("fk_offer_costs_rate_id_rates", "rates", ["rate_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("offer_costs") as table:
        table.drop_constraint("fk_offer_costs_rate_id_rates", type_="foreignkey")
        for column in ("rate_id", "agreed_currency", "agreed_minor"):
            table.drop_column(column)
    op.drop_table("foreign_costs")
