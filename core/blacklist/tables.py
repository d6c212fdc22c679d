"""Lists of codes that must not be sold, where such codes were found, and people the shop does not deal with; hashes only."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class Feed(Base):
    """One list of codes as it came in; what is on the shelf is compared with it once, code by code."""

    __tablename__ = "blacklist_feeds"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(200))
    by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    loaded_at: Mapped[datetime | None]  # all its lines were read
    fresh: Mapped[int]  # lines that were new
    known: Mapped[int]  # lines that were on the list already
    unread: Mapped[int]  # lines that are neither a hash nor a code
    swept_to: Mapped[int]  # codes up to this id were compared
    swept_at: Mapped[datetime | None]  # all were
    voided: Mapped[int]  # codes that were found on the shelf
    withdrawn_at: Mapped[datetime | None]  # a wrong list, taken back


class ListedCode(Base):
    """A code on the blacklist: the HMAC of the SHA-256 of what is normalised, so that nobody without the keys can try codes out."""

    __tablename__ = "blacklisted_codes"
    __table_args__ = (Index("ix_blacklisted_codes_of", "feed_id"),)

    mark: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    feed_id: Mapped[int] = mapped_column(ForeignKey("blacklist_feeds.id"))


class Hit(Base):
    """A code of ours that was found on the blacklist: where it was then. Insert-only."""

    __tablename__ = "blacklist_hits"
    __table_args__ = (UniqueConstraint("code_id", name="uq_blacklist_hit"),)

    id: Mapped[Id]
    code_id: Mapped[int] = mapped_column(ForeignKey("codes.id"))
    place: Mapped[str] = mapped_column(String(16))  # shelf, held, or sold
    order_id: Mapped[int | None]  # sold, and not sent yet
    at: Mapped[datetime]


class BannedPerson(Base):
    """Somebody the shop does not deal with, by one thing that tells them: only its hash is kept, and the reason."""

    __tablename__ = "blacklisted_people"
    __table_args__ = (
        Index(
            "uq_blacklisted_person",
            "what",
            "mark",
            unique=True,
            postgresql_where=text("removed_at IS NULL"),
            sqlite_where=text("removed_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    what: Mapped[str] = mapped_column(String(16))
    mark: Mapped[bytes] = mapped_column(LargeBinary(32))
    hint: Mapped[str] = mapped_column(String(16))  # its last characters, so that the staff can tell two entries apart
    reason: Mapped[str] = mapped_column(String(300))
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    removed_by: Mapped[str | None] = mapped_column(String(64))
