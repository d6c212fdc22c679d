"""Accounts of suppliers lie sealed beside the plain words, which a job empties; whose paper a certificate check is about;
orders that settlement could not work out; at which rate a quota was drawn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PLAIN = "sealed IS NULL"


def upgrade() -> None:
    for table in ("payout_addresses", "payouts"):
        op.add_column(table, sa.Column("sealed", sa.LargeBinary()))
        op.add_column(table, sa.Column("data_key", sa.LargeBinary()))
        op.add_column(table, sa.Column("wrapping_key_id", sa.String(16)))
        op.create_index(f"ix_{table}_plain", table, ["id"], postgresql_where=sa.text(PLAIN), sqlite_where=sa.text(PLAIN))
    op.add_column("certificate_checks", sa.Column("brought_by", BigInt))
    op.execute(
        "UPDATE certificate_checks SET brought_by = (SELECT a.telegram_id FROM application_papers p"
        " JOIN applications a ON a.id = p.application_id WHERE 'paper:' || p.id = certificate_checks.subject)"
    )
    op.add_column("quota_draws", sa.Column("rate_id", BigInt))
    op.create_table(
        "settlement_skips",
        sa.Column("order_id", BigInt, sa.ForeignKey("orders.id", name="fk_settlement_skips_order_id_orders"), nullable=False),
        sa.Column("why", sa.String(300), nullable=False),
        sa.Column("tries", BigInt, nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("order_id", name="pk_settlement_skips"),
        sa.CheckConstraint("tries >= 1", name="was_tried"),
    )
    unsettled = sa.text("settled_at IS NULL")
    op.create_index("ix_settlement_skips_due", "settlement_skips", ["next_at"], postgresql_where=unsettled, sqlite_where=unsettled)


def downgrade() -> None:
    op.drop_table("settlement_skips")
    op.drop_column("quota_draws", "rate_id")
    op.drop_column("certificate_checks", "brought_by")
    for table in ("payouts", "payout_addresses"):
        op.drop_index(f"ix_{table}_plain", table_name=table)
        for column in ("wrapping_key_id", "data_key", "sealed"):
            op.drop_column(table, column)
