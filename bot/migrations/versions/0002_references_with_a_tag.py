"""Numbers at providers carry a tag of the database; payments that were ended are put away."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import context, op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TAG_LETTERS = "bcdfghjklmnpqrstvwxz"


def upgrade() -> None:
    op.add_column("payment_intents", sa.Column("reference", sa.String(length=32), nullable=True))
    op.add_column("payment_intents", sa.Column("tidy_at", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_payment_intents_tidy",
        "payment_intents",
        ["provider", "tidy_at"],
        unique=False,
        postgresql_where=sa.text("tidy_at IS NOT NULL"),
        sqlite_where=sa.text("tidy_at IS NOT NULL"),
    )
    op.add_column("storefronts", sa.Column("tag", sa.String(length=8), server_default=sa.text("''"), nullable=False))
    if context.is_offline_mode():
        return  # A script cannot roll dice for each database: without a tag, payments go by their bare numbers as before.
    storefronts = sa.table("storefronts", sa.column("id", sa.BigInteger()), sa.column("tag", sa.String()))
    here = op.get_bind()
    for number in here.scalars(sa.select(storefronts.c.id)).all():
        tag = "".join(secrets.choice(TAG_LETTERS) for _ in range(6))
        here.execute(sa.update(storefronts).where(storefronts.c.id == number).values(tag=tag))


def downgrade() -> None:
    op.drop_column("storefronts", "tag")
    op.drop_index("ix_payment_intents_tidy", table_name="payment_intents")
    op.drop_column("payment_intents", "tidy_at")
    op.drop_column("payment_intents", "reference")
