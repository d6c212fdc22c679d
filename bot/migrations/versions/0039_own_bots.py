"""Resellers' own bots: storefronts under their names, prices with the shop's part, and margins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LIVE = sa.text("closed_at IS NULL")
_HELD = sa.text("state = 'held'")


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, BigInt, nullable=nullable)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def upgrade() -> None:
    with op.batch_alter_table("storefronts") as storefronts:
        storefronts.add_column(_number("house_id", nullable=True))
        storefronts.create_foreign_key("fk_storefronts_house_id_storefronts", "storefronts", ["house_id"], ["id"])
    with op.batch_alter_table("prices") as prices:
        prices.add_column(_number("house_minor", nullable=True))
        prices.create_check_constraint("house_within_retail", "house_minor IS NULL OR house_minor BETWEEN 1 AND retail_minor")
    op.create_table(
        "brands",
        *[_number(name) for name in ("id", "storefront_id", "house_id", "owner_id", "bot_id")],
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("word", sa.String(64), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("data_key", sa.LargeBinary(), nullable=False),
        sa.Column("wrapping_key_id", sa.String(16), nullable=False),
        sa.Column("token_version", BigInt, nullable=False, server_default=sa.text("1")),
        sa.Column("welcome", sa.String(500)),
        sa.Column("banner", sa.LargeBinary()),
        sa.Column("banner_id", sa.String(200)),
        sa.Column("style", sa.String(32), nullable=False, server_default=sa.text("'plain'")),
        *[_number(name) for name in ("markup_points", "markup_minor", "step_minor")],
        sa.Column("introduced", sa.String(300)),
        sa.Column("priced_upto", BigInt, nullable=False, server_default=sa.text("0")),
        _instant("priced_at", nullable=True),
        _instant("opened_at"),
        _instant("paused_at", nullable=True),
        _instant("stopped_at", nullable=True),
        sa.Column("stopped_by", sa.String(64)),
        sa.Column("stopped_why", sa.String(300)),
        _instant("refused_at", nullable=True),
        _instant("closed_at", nullable=True),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefronts.id"]),
        sa.ForeignKeyConstraint(["house_id"], ["storefronts.id"]),
        sa.ForeignKeyConstraint(["owner_id"], ["customers.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("storefront_id", name="uq_brand_of_storefront"),
        sa.UniqueConstraint("word", name="uq_brand_word"),
        sa.CheckConstraint("markup_points BETWEEN 0 AND 100000 AND markup_minor >= 0 AND step_minor >= 1", name="markup_in_bounds"),
        sa.CheckConstraint("(stopped_at IS NULL) = (stopped_by IS NULL)", name="stopped_by_somebody"),
    )
    op.create_index("uq_brand_bot", "brands", ["bot_id"], unique=True, postgresql_where=_LIVE, sqlite_where=_LIVE)
    op.create_index("ix_brands_of", "brands", ["owner_id", "id"])
    op.create_table(
        "brand_hidden",
        *[_number(name) for name in ("brand_id", "product_id")],
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"]),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"]),
        sa.PrimaryKeyConstraint("brand_id", "product_id"),
    )
    op.create_table(
        "brand_admins",
        *[_number(name) for name in ("brand_id", "telegram_id")],
        _instant("since"),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"]),
        sa.PrimaryKeyConstraint("brand_id", "telegram_id"),
    )
    op.create_table(
        "margins",
        *[_number(name) for name in ("order_id", "brand_id", "sold_minor", "house_minor", "margin_minor")],
        sa.Column("taken_minor", BigInt, nullable=False, server_default=sa.text("0")),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        _instant("sold_at"),
        _instant("release_at"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"]),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"]),
        sa.PrimaryKeyConstraint("order_id"),
        sa.CheckConstraint("margin_minor = sold_minor - house_minor AND margin_minor >= 0", name="margin_is_the_rest"),
        sa.CheckConstraint("taken_minor BETWEEN 0 AND margin_minor", name="taken_at_most_all"),
    )
    op.create_index("ix_margins_of", "margins", ["brand_id", "order_id"])
    op.create_index("ix_margins_held", "margins", ["release_at"], postgresql_where=_HELD, sqlite_where=_HELD)
    op.create_table(
        "margin_marks",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        *[_number(name) for name in ("looked_id", "swept_id")],
        _instant("reversed_at"),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    for table in ("margin_marks", "margins", "brand_admins", "brand_hidden", "brands"):
        op.drop_table(table)
    with op.batch_alter_table("prices") as prices:
        prices.drop_constraint("house_within_retail", type_="check")
        prices.drop_column("house_minor")
    with op.batch_alter_table("storefronts") as storefronts:
        storefronts.drop_constraint("fk_storefronts_house_id_storefronts", type_="foreignkey")
        storefronts.drop_column("house_id")
