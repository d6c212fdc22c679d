"""One-time upload links of suppliers, the batches that came by them, and codes that were taken back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN_WISH = sa.text("decided_at IS NULL")


def upgrade() -> None:
    op.add_column("batches", sa.Column("link_id", BigInt))
    op.create_table(
        "upload_links",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("word_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("supplier_id", BigInt, nullable=False),
        sa.Column("offer_id", BigInt, nullable=False),
        sa.Column("customer_id", BigInt, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", BigInt, nullable=False),
        sa.Column("used_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("batch_id", BigInt),
        sa.CheckConstraint("batch_id IS NULL OR ended_at IS NOT NULL", name="batch_ends_it"),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.id"], name="fk_upload_links_supplier_id_suppliers"),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name="fk_upload_links_offer_id_offers"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_upload_links_customer_id_customers"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_upload_links_batch_id_batches"),
        sa.PrimaryKeyConstraint("id", name="pk_upload_links"),
        sa.UniqueConstraint("word_hash", name="uq_upload_link_word"),
    )
    op.create_index("ix_upload_links_of_supplier", "upload_links", ["supplier_id", "made_at"])
    op.create_table(
        "take_backs",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("offer_id", BigInt, nullable=False),
        sa.Column("customer_id", BigInt, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("quantity", BigInt, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.BigInteger()),
        sa.Column("handed_at", sa.BigInteger()),
        sa.CheckConstraint("quantity > 0", name="quantity_positive"),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name="fk_take_backs_offer_id_offers"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_take_backs_customer_id_customers"),
        sa.PrimaryKeyConstraint("id", name="pk_take_backs"),
    )
    op.create_index("ix_take_backs_of_offer", "take_backs", ["offer_id", "id"])
    op.create_table(
        "taken_codes",
        sa.Column("code_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("take_back_id", BigInt, nullable=False),
        sa.ForeignKeyConstraint(["code_id"], ["codes.id"], name="fk_taken_codes_code_id_codes"),
        sa.ForeignKeyConstraint(["take_back_id"], ["take_backs.id"], name="fk_taken_codes_take_back_id_take_backs"),
        sa.PrimaryKeyConstraint("code_id", name="pk_taken_codes"),
    )
    op.create_index("ix_taken_codes_with", "taken_codes", ["take_back_id", "code_id"])
    op.create_table(
        "cost_wishes",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("offer_id", BigInt, nullable=False),
        sa.Column("before_minor", BigInt, nullable=False),
        sa.Column("wanted_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("customer_id", BigInt, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger()),
        sa.Column("decided_by", sa.String(64)),
        sa.Column("granted", sa.Boolean()),
        sa.CheckConstraint("wanted_minor > before_minor", name="wants_more"),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name="fk_cost_wishes_offer_id_offers"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_cost_wishes_customer_id_customers"),
        sa.PrimaryKeyConstraint("id", name="pk_cost_wishes"),
    )
    op.create_index("uq_cost_wish_open", "cost_wishes", ["offer_id"], unique=True, postgresql_where=OPEN_WISH, sqlite_where=OPEN_WISH)


def downgrade() -> None:
    op.drop_table("cost_wishes")
    op.drop_table("taken_codes")
    op.drop_table("take_backs")
    op.drop_table("upload_links")
    op.drop_column("batches", "link_id")
