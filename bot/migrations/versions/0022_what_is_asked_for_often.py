"""Indexes for what timed jobs ask for every few seconds: none of these questions grows with the shop's past."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

INDEXES: list[tuple[str, str, list[str], str | None]] = [
    ("ix_offer_stops_ending", "offer_stops", ["until"], "lifted_at IS NULL AND until IS NOT NULL"),
    ("ix_offer_stops_at", "offer_stops", ["at"], None),
    ("ix_offer_stops_lifted", "offer_stops", ["lifted_at"], "lifted_at IS NOT NULL"),
    ("ix_offer_costs_taken", "offer_costs", ["taken_at"], "taken_at IS NOT NULL"),
    ("ix_batches_published", "batches", ["published_at"], "published_at IS NOT NULL"),
    ("ix_cases_of_sku", "cases", ["sku_id", "order_id"], None),
    ("ix_tasks_open", "tasks", ["kind", "id"], "ended_at IS NULL"),
    ("ix_tasks_promised", "tasks", ["due_at", "id"], "ended_at IS NULL AND late_told_at IS NULL"),
    ("ix_tasks_ended", "tasks", ["ended_at"], "ended_at IS NOT NULL"),
    ("ix_tasks_ended_of_lane", "tasks", ["lane", "ended_at"], "ended_at IS NOT NULL"),
    ("ix_milestones_looked_at", "milestones", ["delivered_at"], "delivered_at IS NOT NULL AND accepted_at IS NULL AND ended_at IS NULL"),
]


def upgrade() -> None:
    for name, table, columns, where in INDEXES:
        partial = None if where is None else sa.text(where)
        op.create_index(name, table, columns, postgresql_where=partial, sqlite_where=partial)


def downgrade() -> None:
    for name, table, _, _ in reversed(INDEXES):
        op.drop_index(name, table_name=table)
