"""When a source was last asked for a task: it may be ordered again under the same number."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("ordered_at", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("tasks", "ordered_at")
