"""A place in a chat that the bot could not end is tried again later."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("memberships", sa.Column("next_try_at", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("memberships", "next_try_at")
