"""Keys of resellers' programs, what each may spend a day, what they fetched, what has changed for them, and what is reported to them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class Scope(StrEnum):
    """What a key may do."""

    READ = "read"
    ORDER = "order"
    CODES = "codes"
    CASES = "cases"
    STATEMENT = "statement"


class Form(StrEnum):
    """How requests by a key are signed, and through which door they come."""

    OWN = "own"  # HMAC-SHA256, docs/reseller-api.md
    MD5 = "md5"  # the same door, for shops that can only do this
    DUJIAO = "dujiao"
    ACG = "acg"


class ReportKind(StrEnum):
    ORDER = "order"
    ITEM = "item"


class ApiKey(Base):
    """A key that a reseller's program signs with. Its secret is sealed under a data key of its own, and shown once."""

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("name", name="uq_api_key_name"),
        CheckConstraint("day_limit_minor IS NULL OR day_limit_minor > 0", name="limit_positive"),
        CheckConstraint("(old_secret IS NULL) = (old_until IS NULL)", name="old_secret_ends"),
        Index("ix_api_keys_of_customer", "customer_id"),
    )

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(64))
    form: Mapped[Form]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    label: Mapped[str] = mapped_column(String(60))  # what its owner calls it
    scopes: Mapped[list[str]]
    addresses: Mapped[list[str]]  # networks; none: from anywhere
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    data_key: Mapped[bytes] = mapped_column(LargeBinary)
    wrapping_key_id: Mapped[str] = mapped_column(String(32))
    old_secret: Mapped[bytes | None] = mapped_column(LargeBinary)  # still good for a while after a rotation
    old_until: Mapped[datetime | None]
    sandbox: Mapped[bool] = mapped_column(server_default=false())
    day_limit_minor: Mapped[int | None]
    callback_url: Mapped[str | None] = mapped_column(String(500))  # for news of goods, and of orders that name no address
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    used_from: Mapped[str | None] = mapped_column(String(64))
    sequence: Mapped[int]  # of the last report


class ApiDay(Base):
    """What a key with a limit has spent on a day (UTC); the row is the lock."""

    __tablename__ = "api_days"
    __table_args__ = (CheckConstraint("spent_minor >= 0", name="spent_not_negative"),)

    key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"), primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # since 1970
    spent_minor: Mapped[int]


class ApiFetch(Base):
    """By which key codes were fetched; one row for each entry that this made in the log of reveals."""

    __tablename__ = "api_fetches"
    __table_args__ = (Index("ix_api_fetches_of_order", "order_id"),)

    reveal_id: Mapped[int] = mapped_column(ForeignKey("reveals.id"), primary_key=True, autoincrement=False)
    key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    after_code: Mapped[int]
    codes: Mapped[int]


class ApiItem(Base):
    """How an item was when it was last looked at, so that a change is noticed; `version` is its newest change."""

    __tablename__ = "api_items"

    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"), primary_key=True, autoincrement=False)
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"), primary_key=True, autoincrement=False)
    price_mark: Mapped[str] = mapped_column(String(64))
    band: Mapped[int]  # of the stock: the least number of it
    active: Mapped[bool]
    version: Mapped[int]


class ApiChange(Base):
    """One change of an item's price, stock or activity. Insert-only; its id is the item's version from then on."""

    __tablename__ = "api_changes"
    __table_args__ = (Index("ix_api_changes_of_storefront", "storefront_id", "id"),)

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    active: Mapped[bool]
    at: Mapped[datetime]


class ApiFeed(Base):
    """The feed of a storefront; whoever looks for changes holds the row, so that they come in the order of their ids."""

    __tablename__ = "api_feeds"

    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"), primary_key=True, autoincrement=False)
    looked_at: Mapped[datetime | None]
    reported: Mapped[int]  # changes up to this one were reported to the keys that want them


_DUE = text("heard_at IS NULL AND dead_at IS NULL")
_DEAD = text("dead_at IS NOT NULL AND heard_at IS NULL")


class ApiReport(Base):
    """Something to be told to a program: kept until it was heard, or nobody listens any more."""

    __tablename__ = "api_reports"
    __table_args__ = (
        UniqueConstraint("key_id", "sequence", name="uq_report_sequence"),
        Index("ix_api_reports_due", "due_at", postgresql_where=_DUE, sqlite_where=_DUE),
        Index("ix_api_reports_dead", "key_id", "id", postgresql_where=_DEAD, sqlite_where=_DEAD),
    )

    id: Mapped[Id]
    key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"))
    sequence: Mapped[int]
    kind: Mapped[ReportKind]
    order_id: Mapped[int | None]
    sku_id: Mapped[int | None]
    url: Mapped[str] = mapped_column(String(500))
    body: Mapped[dict[str, Any]]
    made_at: Mapped[datetime]
    due_at: Mapped[datetime]  # also the end of a lease
    tries: Mapped[int]
    heard_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    trouble: Mapped[str | None] = mapped_column(String(200))


class ApiTrial(Base):
    """An order by a sandbox key: nothing was sold; what becomes of it is written in its number."""

    __tablename__ = "api_trials"
    __table_args__ = (UniqueConstraint("key_id", "number", name="uq_trial_number"),)

    id: Mapped[Id]
    key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"))
    number: Mapped[str] = mapped_column(String(64))
    wanted: Mapped[bytes] = mapped_column(LargeBinary(16))
    sku_id: Mapped[int]
    quantity: Mapped[int]
    unit_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]
