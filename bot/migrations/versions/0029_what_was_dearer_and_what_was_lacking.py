"""What a denomination costs, and cost lately, is found by an index, and unmet demand knows how many units were lacking."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("unmet_demand", sa.Column("units", BigInt, nullable=False, server_default=sa.text("0")))
    op.create_index("ix_prices_in_time", "prices", ["storefront_id", "sku_id", "until"])


def downgrade() -> None:
    op.drop_index("ix_prices_in_time", table_name="prices")
    op.drop_column("unmet_demand", "units")
