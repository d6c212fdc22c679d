"""What a provider took for a dispute besides its money, kept with the event that told of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("payment_events", sa.Column("charged_minor", BigInt, server_default=sa.text("0"), nullable=False))


def downgrade() -> None:
    op.drop_column("payment_events", "charged_minor")
