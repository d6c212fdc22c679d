"""What of a margin is lost with the money that its order was paid with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOVED_BACK = sa.text("kind IN ('part-back', 'disputed', 'reinstated')")


def upgrade() -> None:
    with op.batch_alter_table("margins") as margins:
        margins.add_column(sa.Column("lost_minor", BigInt, nullable=False, server_default=sa.text("0")))
        margins.drop_constraint("taken_at_most_all", type_="check")
        margins.create_check_constraint(
            "taken_at_most_all", "taken_minor >= 0 AND lost_minor >= 0 AND taken_minor + lost_minor <= margin_minor"
        )
    # What was lost before is looked for once: from the first margin on.
    op.execute("UPDATE margin_marks SET reversed_at = (SELECT MIN(sold_at) FROM margins) WHERE EXISTS (SELECT 1 FROM margins)")
    op.create_index("ix_payment_events_back", "payment_events", ["at"], postgresql_where=_MOVED_BACK, sqlite_where=_MOVED_BACK)


def downgrade() -> None:
    op.drop_index("ix_payment_events_back", "payment_events")
    with op.batch_alter_table("margins") as margins:
        margins.drop_constraint("taken_at_most_all", type_="check")
        margins.create_check_constraint("taken_at_most_all", "taken_minor BETWEEN 0 AND margin_minor")
        margins.drop_column("lost_minor")
