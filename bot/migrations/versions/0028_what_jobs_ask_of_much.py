"""Indexes for three more questions of timed jobs: who costs in a currency, which denominations have several sources, what is published."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_OPEN = sa.text("stopped_at IS NULL")


def upgrade() -> None:
    op.create_index("ix_offers_costed", "offers", ["cost_currency", "sku_id"], postgresql_where=_OPEN, sqlite_where=_OPEN)
    op.create_index("ix_sources_of_rank", "sources", ["rank", "sku_id"])
    op.create_index("ix_batches_in_state", "batches", ["state", "id"])


def downgrade() -> None:
    op.drop_index("ix_batches_in_state", table_name="batches")
    op.drop_index("ix_sources_of_rank", table_name="sources")
    op.drop_index("ix_offers_costed", table_name="offers")
