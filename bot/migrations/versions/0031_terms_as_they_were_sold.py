"""What a product's kind and terms were until they changed; and money of accounts sold with a longer promise is held as long."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_DAY = 86_400_000_000  # microseconds


def upgrade() -> None:
    op.create_table(
        "earlier_terms",
        sa.Column("id", _BigInt, autoincrement=True, nullable=False),
        sa.Column("product_id", _BigInt, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_earlier_terms"),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name="fk_earlier_terms_product_id_products"),
    )
    op.create_index("ix_earlier_terms_of", "earlier_terms", ["product_id", "until", "id"])
    _hold_what_was_promised()


def _hold_what_was_promised() -> None:
    """Until now the promise against reclaim was a sentence only, and the supplier's money was released before it was over."""
    connection = op.get_bind()
    for product_id, stored in connection.execute(sa.text("SELECT id, terms FROM products WHERE kind = 'account'")).all():
        terms = json.loads(stored) if isinstance(stored, str) else stored
        days = (terms or {}).get("reclaim_days")
        if not isinstance(days, int) or isinstance(days, bool) or days <= 0:
            continue
        connection.execute(
            sa.text(
                "UPDATE claims SET release_at = sold_at + :hold,"
                " ask_at = CASE WHEN ask_at < sold_at + :hold THEN sold_at + :hold ELSE ask_at END"
                " WHERE state = 'held' AND release_at < sold_at + :hold"
                " AND offer_id IN (SELECT o.id FROM offers o JOIN skus s ON s.id = o.sku_id WHERE s.product_id = :product)"
            ).bindparams(sa.bindparam("hold", days * _DAY, sa.BigInteger()), sa.bindparam("product", product_id, sa.BigInteger()))
        )


def downgrade() -> None:
    op.drop_index("ix_earlier_terms_of", table_name="earlier_terms")
    op.drop_table("earlier_terms")
