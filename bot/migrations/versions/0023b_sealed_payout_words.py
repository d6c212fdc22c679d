"""Accounts of suppliers lie sealed beside the plain words, which a job empties; whose paper a certificate check is about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023b"
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


def downgrade() -> None:
    op.drop_column("certificate_checks", "brought_by")
    for table in ("payouts", "payout_addresses"):
        op.drop_index(f"ix_{table}_plain", table_name=table)
        for column in ("wrapping_key_id", "data_key", "sealed"):
            op.drop_column(table, column)
