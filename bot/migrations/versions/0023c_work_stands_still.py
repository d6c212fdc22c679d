"""Agreed work stands still while what it is about must not be sold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023c"
down_revision = "0022"
branch_labels = None
depends_on = None

_OPEN = sa.text("accepted_at IS NULL AND ended_at IS NULL")


def upgrade() -> None:
    op.add_column("milestones", sa.Column("stopped_at", sa.BigInteger(), nullable=True))
    op.create_index("ix_milestones_open", "milestones", ["job_id"], postgresql_where=_OPEN, sqlite_where=_OPEN)
    op.create_index("ix_service_jobs_of_sku", "service_jobs", ["sku_id"])


def downgrade() -> None:
    op.drop_index("ix_service_jobs_of_sku", table_name="service_jobs")
    op.drop_index("ix_milestones_open", table_name="milestones")
    op.drop_column("milestones", "stopped_at")
