"""Whether the owners get the statement of each day in the morning after."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "daily_statements",
        sa.Column("storefront_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("wanted", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("posted", sa.String(length=10), nullable=True),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"], name=op.f("fk_daily_statements_storefront_id_storefronts")),
        sa.PrimaryKeyConstraint("storefront_id", name=op.f("pk_daily_statements")),
    )


def downgrade() -> None:
    op.drop_table("daily_statements")
