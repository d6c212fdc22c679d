"""What suppliers may, strikes and suspensions, banned words and brands, takedowns, kill switches, checked certificates, the blacklist."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "blacklist_feeds",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("loaded_at", sa.BigInteger()),
        sa.Column("fresh", BigInt, nullable=False),
        sa.Column("known", BigInt, nullable=False),
        sa.Column("unread", BigInt, nullable=False),
        sa.Column("swept_to", BigInt, nullable=False),
        sa.Column("swept_at", sa.BigInteger()),
        sa.Column("voided", BigInt, nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_blacklist_feeds"),
    )
    op.create_table(
        "blacklisted_codes",
        sa.Column("mark", sa.LargeBinary(32), nullable=False),
        sa.Column(
            "feed_id", BigInt, sa.ForeignKey("blacklist_feeds.id", name="fk_blacklisted_codes_feed_id_blacklist_feeds"), nullable=False
        ),
        sa.PrimaryKeyConstraint("mark", name="pk_blacklisted_codes"),
    )
    op.create_index("ix_blacklisted_codes_of", "blacklisted_codes", ["feed_id"])
    op.create_table(
        "blacklist_hits",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("code_id", BigInt, sa.ForeignKey("codes.id", name="fk_blacklist_hits_code_id_codes"), nullable=False),
        sa.Column("place", sa.String(16), nullable=False),
        sa.Column("order_id", BigInt),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("code_id", name="uq_blacklist_hit"),
        sa.PrimaryKeyConstraint("id", name="pk_blacklist_hits"),
    )
    op.create_table(
        "blacklisted_people",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("mark", sa.LargeBinary(32), nullable=False),
        sa.Column("hint", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger()),
        sa.Column("removed_by", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_blacklisted_people"),
    )
    op.create_index(
        "uq_blacklisted_person",
        "blacklisted_people",
        ["what", "mark"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
        sqlite_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "standing_rules",
        sa.Column("standing", sa.String(32), nullable=False),
        sa.Column("hold_days", BigInt, nullable=False),
        sa.Column("most_on_shelf", BigInt, nullable=False),
        sa.Column("most_offers", BigInt, nullable=False),
        sa.Column("classes", sa.JSON(), nullable=False),
        sa.Column("approve", sa.Boolean(), nullable=False),
        sa.Column("cases_basis_points", BigInt, nullable=False),
        sa.Column("least_sales", BigInt, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("standing", name="pk_standing_rules"),
        sa.CheckConstraint("hold_days >= 0 AND most_on_shelf >= 0 AND most_offers >= 0", name="not_negative"),
        sa.CheckConstraint("cases_basis_points BETWEEN 0 AND 10000 AND least_sales >= 1", name="strikes"),
    )
    op.create_table(
        "strikes",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("supplier_id", BigInt, sa.ForeignKey("suppliers.id", name="fk_strikes_supplier_id_suppliers"), nullable=False),
        sa.Column("why", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("lifted_at", sa.BigInteger()),
        sa.Column("lifted_by", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_strikes"),
    )
    op.create_index("ix_strikes_of", "strikes", ["supplier_id", "expires_at"])
    op.create_table(
        "suspensions",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("supplier_id", BigInt, sa.ForeignKey("suppliers.id", name="fk_suspensions_supplier_id_suppliers"), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("lifted_at", sa.BigInteger()),
        sa.Column("lifted_by", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_suspensions"),
    )
    op.create_index(
        "uq_suspension_open",
        "suspensions",
        ["supplier_id"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
        sqlite_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "banned_words",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("word", sa.String(100), nullable=False),
        sa.Column("folded", sa.String(200), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger()),
        sa.Column("removed_by", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_banned_words"),
    )
    op.create_index(
        "uq_banned_word",
        "banned_words",
        ["folded"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
        sqlite_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "brand_rules",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("brand", sa.String(100), nullable=False),
        sa.Column("folded", sa.String(200), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger()),
        sa.Column("removed_by", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_brand_rules"),
    )
    op.create_index(
        "uq_brand_rule",
        "brand_rules",
        ["folded"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
        sqlite_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "takedowns",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("of", sa.String(32), nullable=False),
        sa.Column("of_id", BigInt, nullable=False),
        sa.Column("brand", sa.String(100), nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("reference", sa.String(200), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger()),
        sa.Column("decided_by", sa.String(64)),
        sa.Column("voided", BigInt, nullable=False),
        sa.Column("voided_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_takedowns"),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided_when_over"),
    )
    op.create_index(
        "ix_takedowns_open", "takedowns", ["id"], postgresql_where=sa.text("state = 'open'"), sqlite_where=sa.text("state = 'open'")
    )
    op.create_table(
        "takedown_steps",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("takedown_id", BigInt, sa.ForeignKey("takedowns.id", name="fk_takedown_steps_takedown_id_takedowns"), nullable=False),
        sa.Column("did", sa.String(32), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_takedown_steps"),
    )
    op.create_index("ix_takedown_steps_of", "takedown_steps", ["takedown_id", "id"])
    op.create_table(
        "switches",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("of", sa.String(32), nullable=False),
        sa.Column("of_id", BigInt, nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("lifted_at", sa.BigInteger()),
        sa.Column("lifted_by", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_switches"),
    )
    op.create_index(
        "uq_switch_open",
        "switches",
        ["of", "of_id"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
        sqlite_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "certificate_checks",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("number", sa.String(200), nullable=False),
        sa.Column("holder", sa.String(200), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("expires_on", sa.String(10)),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("register", sa.String(16)),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", sa.BigInteger()),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("tries", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_certificate_checks"),
    )
    op.create_index(
        "ix_certificate_checks_due",
        "certificate_checks",
        ["next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
        sqlite_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index("ix_certificate_checks_of", "certificate_checks", ["subject", "id"])
    op.create_table(
        "certificate_answers",
        sa.Column("id", BigInt, nullable=False),
        sa.Column(
            "check_id",
            BigInt,
            sa.ForeignKey("certificate_checks.id", name="fk_certificate_answers_check_id_certificate_checks"),
            nullable=False,
        ),
        sa.Column("register", sa.String(16), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_certificate_answers"),
    )
    op.create_index("ix_certificate_answers_of", "certificate_answers", ["check_id", "id"])


def downgrade() -> None:
    op.drop_table("certificate_answers")
    op.drop_table("certificate_checks")
    op.drop_table("switches")
    op.drop_table("takedown_steps")
    op.drop_table("takedowns")
    op.drop_table("brand_rules")
    op.drop_table("banned_words")
    op.drop_table("suspensions")
    op.drop_table("strikes")
    op.drop_table("standing_rules")
    op.drop_table("blacklisted_people")
    op.drop_table("blacklist_hits")
    op.drop_table("blacklisted_codes")
    op.drop_table("blacklist_feeds")
