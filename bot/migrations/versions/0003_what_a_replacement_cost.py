"""What was booked for a code that came in another's place is kept with its order, where a refund reads it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# A code of the same supplier stands for the earning of the old one; one of another supplier was credited with its own cost.
# What was refunded before keeps the cost that the refund took back.
KNOWN = """
    INSERT INTO exchanged_codes (order_id, code_id, offer_id, cost_minor, cost_currency, payable_id)
    SELECT c.order_id, c.replacement_code_id, c.replacement_offer_id,
        COALESCE(r.cost_minor, CASE WHEN n.payable_id = o.payable_id THEN c.frozen_minor ELSE c.replacement_cost_minor END),
        COALESCE(r.cost_currency, CASE WHEN n.payable_id = o.payable_id THEN c.frozen_currency ELSE c.replacement_cost_currency END),
        n.payable_id
    FROM cases c
    JOIN offers o ON o.id = c.offer_id
    JOIN offers n ON n.id = c.replacement_offer_id
    LEFT JOIN refunded_codes r ON r.order_id = c.order_id AND r.code_id = c.replacement_code_id
    WHERE c.outcome = 'replaced'
"""


def upgrade() -> None:
    op.create_table(
        "exchanged_codes",
        sa.Column("order_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("code_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("offer_id", BigInt, nullable=False),
        sa.Column("cost_minor", BigInt, nullable=False),
        sa.Column("cost_currency", sa.String(length=8), nullable=False),
        sa.Column("payable_id", BigInt, nullable=True),
        sa.CheckConstraint("cost_minor >= 0", name=op.f("ck_exchanged_codes_cost_not_negative")),
        sa.ForeignKeyConstraint(["code_id"], ["codes.id"], name=op.f("fk_exchanged_codes_code_id_codes")),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_exchanged_codes_offer_id_offers")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_exchanged_codes_order_id_orders")),
        sa.ForeignKeyConstraint(["payable_id"], ["accounts.id"], name=op.f("fk_exchanged_codes_payable_id_accounts")),
        sa.PrimaryKeyConstraint("order_id", "code_id", name=op.f("pk_exchanged_codes")),
    )
    op.execute(KNOWN)


def downgrade() -> None:
    op.drop_table("exchanged_codes")
