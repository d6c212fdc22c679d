"""A contract of one offer can end; the rule by which a payout was asked for is kept with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029e"
down_revision = "0028"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("contracts", sa.Column("ends", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("payouts", sa.Column("two_above_minor", BigInt, nullable=True))


def downgrade() -> None:
    op.drop_column("payouts", "two_above_minor")
    op.drop_column("contracts", "ends")
