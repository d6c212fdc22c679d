"""What was exclusive when it was sold, which sources an order passed over, the paper of a batch, and what sources took back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("order_lines", sa.Column("exclusive", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("exchanged_codes", sa.Column("exclusive", sa.Boolean(), nullable=False, server_default=sa.false()))
    # What is not settled yet is shared as it would have been.
    op.execute(
        """UPDATE order_lines SET exclusive = TRUE WHERE offer_id IN (SELECT id FROM offers WHERE exclusive_until IS NOT NULL)
             AND EXISTS (SELECT 1 FROM orders o JOIN offers f ON f.id = order_lines.offer_id
               WHERE o.id = order_lines.order_id AND o.issued_at < f.exclusive_until)"""
    )
    op.create_table(
        "passed_offers",
        sa.Column("order_id", BigInt, nullable=False),
        sa.Column("offer_id", BigInt, nullable=False),
        sa.Column("why", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"]),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"]),
        sa.PrimaryKeyConstraint("order_id", "offer_id"),
    )
    op.add_column("batches", sa.Column("document_id", BigInt))
    op.add_column("tasks", sa.Column("reversed_units", BigInt, nullable=False, server_default=sa.text("0")))
    op.execute("UPDATE tasks SET reversed_units = got WHERE reversed_at IS NOT NULL")
    with op.batch_alter_table("tasks") as batch:
        batch.create_check_constraint(
            "reversed_of_got", "reversed_units BETWEEN 0 AND got AND (reversed_units > 0) = (reversed_at IS NOT NULL)"
        )


def downgrade() -> None:
    with op.batch_alter_table("tasks") as batch:
        batch.drop_constraint("reversed_of_got", type_="check")
    op.drop_column("tasks", "reversed_units")
    op.drop_column("batches", "document_id")
    op.drop_table("passed_offers")
    op.drop_column("exchanged_codes", "exclusive")
    op.drop_column("order_lines", "exclusive")
