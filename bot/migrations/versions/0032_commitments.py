"""Commitments: a quantity of an offer promised until a day, what was drawn of it, and how it ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = sa.text("closed_at IS NULL")
_NOT_PLAIN = sa.text("NOT plain")


def upgrade() -> None:
    op.create_table(
        "commitments",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("offer_id", BigInt, sa.ForeignKey("offers.id", name="fk_commitments_offer_id_offers"), nullable=False),
        sa.Column("precedence", sa.String(32), nullable=False),
        sa.Column("promised_by", sa.String(32), nullable=False),
        sa.Column("quantity", BigInt, nullable=False),
        sa.Column("drawn", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("failed", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("called_off_by", sa.String(64)),
        sa.Column("brought", BigInt),
        sa.Column("supplier_short", BigInt),
        sa.Column("shop_short", BigInt),
        sa.PrimaryKeyConstraint("id", name="pk_commitments"),
        sa.CheckConstraint("drawn >= 0 AND drawn <= quantity", name="drawn_within_quantity"),
        sa.CheckConstraint("from_at < until", name="begins_before_it_ends"),
        sa.CheckConstraint("failed >= 0", name="failed_not_negative"),
        sa.CheckConstraint("(closed_at IS NULL) = (brought IS NULL)", name="closed_with_what_was_brought"),
    )
    op.create_index("uq_commitment_open", "commitments", ["offer_id"], unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN)
    op.create_index("ix_commitments_of_offer", "commitments", ["offer_id", "id"])
    op.create_index("ix_commitments_beginning", "commitments", ["from_at"], postgresql_where=_OPEN, sqlite_where=_OPEN)
    op.create_index("ix_commitments_ending", "commitments", ["until"], postgresql_where=_OPEN, sqlite_where=_OPEN)
    op.create_table(
        "commitment_draws",
        sa.Column(
            "commitment_id", BigInt, sa.ForeignKey("commitments.id", name="fk_commitment_draws_commitment_id_commitments"), nullable=False
        ),
        sa.Column("order_id", BigInt, nullable=False),
        sa.Column("quantity", BigInt, nullable=False),
        sa.Column("given_back", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("commitment_id", "order_id", name="pk_commitment_draws"),
        sa.CheckConstraint("quantity > 0 AND given_back >= 0 AND given_back <= quantity", name="back_at_most_drawn"),
    )

    # Whether one of several sources goes before the one that is ranked first: asked by every sale.
    op.create_index("ix_offers_not_plain", "offers", ["sku_id"], postgresql_where=_NOT_PLAIN, sqlite_where=_NOT_PLAIN)


def downgrade() -> None:
    op.drop_index("ix_offers_not_plain", table_name="offers")
    op.drop_table("commitment_draws")
    op.drop_table("commitments")
