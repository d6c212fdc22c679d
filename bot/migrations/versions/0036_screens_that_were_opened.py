"""Who opened the screen of which product on which day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "screens",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("storefront_id", BigInt, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("customer_id", BigInt, nullable=False),
        sa.Column("product_id", BigInt, nullable=False),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("storefront_id", "day", "customer_id", "product_id", name="uq_screen_of_day"),
    )
    op.create_index("ix_screens_of_day", "screens", ["day"])


def downgrade() -> None:
    op.drop_index("ix_screens_of_day", "screens")
    op.drop_table("screens")
