"""What buyers say before paying, tasks in people's hands, places in Telegram chats, and work by agreement with its steps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("over_at IS NULL")


def _to(table: str, column: str, other: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(column, BigInt, sa.ForeignKey(f"{other}.id", name=f"fk_{table}_{column}_{other}"), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "answers",
        sa.Column("id", BigInt, nullable=False),
        _to("answers", "customer_id", "customers"),
        _to("answers", "sku_id", "skus"),
        _to("answers", "product_id", "products"),
        sa.Column("aad", sa.String(64), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("wrapping_key_id", sa.String(16), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("checked", sa.String(300)),
        sa.Column("region", sa.String(32)),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("said_at", sa.BigInteger()),
        _to("answers", "order_id", "orders", nullable=True),
        sa.Column("forgotten_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_answers"),
        sa.UniqueConstraint("order_id", name="uq_answers_of_order"),
        sa.CheckConstraint("order_id IS NULL OR said_at IS NOT NULL", name="used_when_said"),
    )
    op.create_index("ix_answers_of_customer", "answers", ["customer_id", "sku_id", "id"])
    op.create_table(
        "task_hands",
        _to("task_hands", "task_id", "tasks"),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
        sa.Column("reminded_at", sa.BigInteger()),
        sa.Column("taken_by", sa.String(64)),
        sa.Column("taken_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("task_id", name="pk_task_hands"),
    )
    op.create_table(
        "memberships",
        sa.Column("id", BigInt, nullable=False),
        _to("memberships", "task_id", "tasks"),
        _to("memberships", "order_id", "orders"),
        sa.Column("seq", BigInt, nullable=False),
        _to("memberships", "customer_id", "customers"),
        sa.Column("chat_id", BigInt, nullable=False),
        sa.Column("days", BigInt, nullable=False),
        sa.Column("mark", sa.String(32), nullable=False),
        sa.Column("link", sa.LargeBinary()),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("joined_by", BigInt),
        sa.Column("joined_at", sa.BigInteger()),
        sa.Column("ends_at", sa.BigInteger()),
        sa.Column("extended_by", BigInt),
        sa.Column("over_at", sa.BigInteger()),
        sa.Column("why", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_memberships"),
        sa.UniqueConstraint("task_id", "seq", name="uq_membership_of_task"),
        sa.UniqueConstraint("mark", name="uq_membership_mark"),
        sa.CheckConstraint("(joined_at IS NULL) = (joined_by IS NULL)", name="joined_by_somebody"),
    )
    op.create_index("ix_memberships_over", "memberships", ["ends_at"], postgresql_where=OPEN, sqlite_where=OPEN)
    op.create_index("ix_memberships_of_customer", "memberships", ["customer_id", "chat_id"])
    op.create_table(
        "service_jobs",
        sa.Column("id", BigInt, nullable=False),
        _to("service_jobs", "storefront_id", "storefronts"),
        _to("service_jobs", "customer_id", "customers"),
        _to("service_jobs", "sku_id", "skus"),
        sa.Column("lane", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("brief", sa.Text(), nullable=False),
        _to("service_jobs", "product_id", "products", nullable=True),
        sa.Column("accept_days", BigInt, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("quoted_at", sa.BigInteger()),
        sa.Column("quoted_by", sa.String(64)),
        sa.Column("agreed_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("why", sa.String(300)),
        sa.PrimaryKeyConstraint("id", name="pk_service_jobs"),
        sa.CheckConstraint("(state IN ('done', 'off')) = (ended_at IS NOT NULL)", name="ended_when_over"),
    )
    op.create_index("ix_service_jobs_of_customer", "service_jobs", ["customer_id", "id"])
    op.create_table(
        "milestones",
        sa.Column("id", BigInt, nullable=False),
        _to("milestones", "job_id", "service_jobs"),
        sa.Column("seq", BigInt, nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("price_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("hours", BigInt, nullable=False),
        _to("milestones", "sku_id", "skus"),
        _to("milestones", "task_id", "tasks", nullable=True),
        _to("milestones", "order_id", "orders", nullable=True),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("result", sa.Text()),
        sa.Column("delivered_at", sa.BigInteger()),
        sa.Column("accepted_at", sa.BigInteger()),
        sa.Column("accepted_by", sa.String(16)),
        sa.Column("ended_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_milestones"),
        sa.UniqueConstraint("job_id", "seq", name="uq_milestone_of_job"),
        sa.UniqueConstraint("sku_id", name="uq_milestone_sku"),
        sa.UniqueConstraint("task_id", name="uq_milestone_task"),
        sa.CheckConstraint("price_minor > 0 AND hours > 0", name="price_and_time"),
        sa.CheckConstraint("delivered_at IS NULL OR task_id IS NOT NULL", name="delivered_when_ordered"),
        sa.CheckConstraint("accepted_at IS NULL OR delivered_at IS NOT NULL", name="accepted_when_delivered"),
    )


def downgrade() -> None:
    for table in ("milestones", "service_jobs", "memberships", "task_hands", "answers"):
        op.drop_table(table)
