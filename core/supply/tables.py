"""Where goods come from: suppliers, their offers of a denomination, and the ranking by which the sale draws."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint, text, true
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id

_WAITS = text("taken_at IS NULL AND dropped_at IS NULL")
_TAKEN = text("taken_at IS NOT NULL")
_ENDING = text("lifted_at IS NULL AND until IS NOT NULL")
_LIFTED = text("lifted_at IS NOT NULL")


class Standing(StrEnum):
    """How far a supplier is trusted: it decides what they may list, how much of it, and how long their money is held."""

    NEW = "new"
    TRUSTED = "trusted"
    AUTHORISED = "authorised"
    CREATOR = "creator"
    OWN = "own"  # the shop itself


class SourceClass(StrEnum):
    """What an offer rests on; buyers are shown it."""

    OWN_STOCK = "own_stock"  # the merchant's own
    AUTHORISED = "authorised"  # a brand's paper stands behind it
    CREATOR = "creator"  # whoever made it sells it
    PURCHASED = "purchased"  # the shop bought it
    UPSTREAM = "upstream"  # another shop delivers it


class Stop(StrEnum):
    """Why an offer does not sell; each cause is lifted by itself, and the offer sells when none is left."""

    SUSPENDED = "suspended"  # its supplier is
    PAPER = "paper"  # the paper it rests on has expired
    TAKEDOWN = "takedown"  # a rights-holder objects
    SWITCHED_OFF = "switched-off"  # a kill switch of the platform, a category or a product
    HIDDEN = "hidden"  # its source failed too often; ends by itself
    QUOTA = "quota"  # its contract is drawn down
    DATES = "dates"  # not yet, or no more, valid
    EXPOSURE = "exposure"  # the shop owes its supplier more than it wants to
    APPROVAL = "approval"  # the staff have not looked at it yet
    PAUSED = "paused"  # its supplier or the staff wish it
    RATE = "rate"  # its cost is agreed in a currency that has no rate
    LOSS = "loss"  # it costs more than it sells for, and the shop has said that it never sells so


_CHANGED = text("changed_at IS NOT NULL")
_OPEN_OFFER = text("stopped_at IS NULL")
_EXCLUSIVE = text("exclusive_until IS NOT NULL")
_NOT_PLAIN = text("NOT plain")


class Supplier(Base):
    """Somebody who brings goods; the shop itself is one. Its id is its party's id."""

    __tablename__ = "suppliers"

    id: Mapped[int] = mapped_column(ForeignKey("parties.id"), primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(200))
    joined_at: Mapped[datetime]
    standing: Mapped[Standing] = mapped_column(server_default=text("'own'"))
    suspended_at: Mapped[datetime | None]  # none of their offers sells, and nothing is paid out to them
    country: Mapped[str | None] = mapped_column(String(8))  # ISO 3166
    hold_days: Mapped[int | None]  # agreed with them: for so long each sale's money is held; null: what their standing says


class Member(Base):
    """A person who acts for a supplier in the chat."""

    __tablename__ = "supplier_members"
    __table_args__ = (Index("ix_supplier_members_of_person", "telegram_id"),)

    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"), primary_key=True, autoincrement=False)
    telegram_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    since: Mapped[datetime]


class CostWish(Base):
    """A supplier asks for a higher cost of an offer; the staff decide, since the price stays what it is."""

    __tablename__ = "cost_wishes"
    __table_args__ = (
        CheckConstraint("wanted_minor > before_minor", name="wants_more"),
        # One open wish of an offer: a new one takes its place.
        Index(
            "uq_cost_wish_open",
            "offer_id",
            unique=True,
            postgresql_where=text("decided_at IS NULL"),
            sqlite_where=text("decided_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))
    before_minor: Mapped[int]
    wanted_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))  # who is told
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(64))
    granted: Mapped[bool | None]  # null: open, or another wish took its place


class Offer(Base):
    """A supplier's offer of a denomination. Owned goods earn the shop the whole price, consigned ones the spread."""

    __tablename__ = "offers"
    __table_args__ = (
        UniqueConstraint("supplier_id", "sku_id", name="uq_offer_of_supplier"),
        UniqueConstraint("id", "sku_id", name="uq_offer_and_sku"),
        CheckConstraint("cost_minor >= 0", name="cost_not_negative"),
        Index("ix_offers_of_sku", "sku_id", "id"),
        Index("ix_offers_changed", "changed_at", postgresql_where=_CHANGED, sqlite_where=_CHANGED),
        Index("ix_offers_exclusive", "exclusive_until", postgresql_where=_EXCLUSIVE, sqlite_where=_EXCLUSIVE),
        Index("ix_offers_not_plain", "sku_id", postgresql_where=_NOT_PLAIN, sqlite_where=_NOT_PLAIN),
        Index("ix_offers_costed", "cost_currency", "sku_id", postgresql_where=_OPEN_OFFER, sqlite_where=_OPEN_OFFER),
    )

    id: Mapped[Id]
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"))
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    cost_minor: Mapped[int]  # cost price of one unit
    cost_currency: Mapped[str] = mapped_column(String(8))
    payable_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))  # consigned: who is credited with the cost; null: owned
    since: Mapped[datetime]
    stopped_at: Mapped[datetime | None]  # withdrawn for good
    source_class: Mapped[SourceClass] = mapped_column(server_default=text("'own_stock'"))
    # Kept with `offer_stops` by the commands that stop and lift: null while no stop is open.
    closed_at: Mapped[datetime | None]
    # False: the sale has more to check or to count than the shelf, so it never gathers such offers with others.
    plain: Mapped[bool] = mapped_column(server_default=true())
    declared: Mapped[int | None]  # how many its source says it has besides those on the shelf; null: only what is on the shelf
    declared_at: Mapped[datetime | None]
    min_quantity: Mapped[int | None]  # in one order
    max_quantity: Mapped[int | None]
    region: Mapped[str | None] = mapped_column(String(8))  # ISO 3166: may be sold to buyers there only
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    priority: Mapped[int] = mapped_column(server_default=text("0"))  # a commitment: the higher is drawn first, whatever its score
    exclusive_until: Mapped[datetime | None]  # until then no other offer of the denomination is drawn while it has stock
    warranty_hours: Mapped[int | None]  # null: the product's
    document_id: Mapped[int | None]  # the approved paper it rests on
    contract_id: Mapped[int | None]  # how its sales are shared; null: its cost is the supplier's, the rest the shop's
    quota_id: Mapped[int | None]  # the discount quota that its sales draw down
    upstream_id: Mapped[int | None]  # the connection by which units are ordered that are not on the shelf
    changed_at: Mapped[datetime | None]  # what it declares, or how it is agreed, changed last: its denomination is ranked anew


class OfferStop(Base):
    """One reason for which an offer does not sell, from when to when, and by whom."""

    __tablename__ = "offer_stops"
    __table_args__ = (
        Index(
            "uq_offer_stop_open",
            "offer_id",
            "why",
            "ref",
            unique=True,
            postgresql_where=text("lifted_at IS NULL"),
            sqlite_where=text("lifted_at IS NULL"),
        ),
        Index("ix_offer_stops_ending", "until", postgresql_where=_ENDING, sqlite_where=_ENDING),
        Index("ix_offer_stops_at", "at"),
        Index("ix_offer_stops_lifted", "lifted_at", postgresql_where=_LIFTED, sqlite_where=_LIFTED),
    )

    id: Mapped[Id]
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))
    why: Mapped[Stop]
    ref: Mapped[str] = mapped_column(String(64))  # what stopped it: "takedown:7"; empty when there can only be one
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    until: Mapped[datetime | None]  # ends by itself
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None] = mapped_column(String(64))


class OfferCost(Base):
    """What a unit of an offer costs from an instant on; never changed, only followed by the next version."""

    __tablename__ = "offer_costs"
    __table_args__ = (
        CheckConstraint("cost_minor >= 0", name="cost_not_negative"),
        CheckConstraint("taken_at IS NULL OR dropped_at IS NULL", name="taken_or_dropped"),
        Index("ix_offer_costs_waiting", "from_at", postgresql_where=_WAITS, sqlite_where=_WAITS),
        Index("ix_offer_costs_taken", "taken_at", postgresql_where=_TAKEN, sqlite_where=_TAKEN),
    )

    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"), primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    cost_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    from_at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]  # since then the sale books it; null: it waits for its time
    dropped_at: Mapped[datetime | None]  # taken back before its time came
    # Agreed in another currency than it is booked in: what was agreed, and the rate at which this version was made of it.
    agreed_minor: Mapped[int | None]
    agreed_currency: Mapped[str | None] = mapped_column(String(8))
    rate_id: Mapped[int | None] = mapped_column(ForeignKey("rates.id"))


class ForeignCost(Base):
    """What a unit of an offer costs in the currency it was agreed in, while that is another than the sale's; followed by cost versions."""

    __tablename__ = "foreign_costs"
    __table_args__ = (CheckConstraint("minor >= 0", name="cost_not_negative"),)

    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"), primary_key=True, autoincrement=False)
    minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    rate_id: Mapped[int] = mapped_column(ForeignKey("rates.id"))  # at which the offer's cost was made of it
    at: Mapped[datetime]


class QuotaContract(Base):
    """A supplier lets the shop sell so much face value at a discount; each sale draws it down."""

    __tablename__ = "quota_contracts"
    __table_args__ = (
        CheckConstraint("drawn_minor >= 0 AND drawn_minor <= face_total_minor", name="drawn_within_total"),
        CheckConstraint("discount_bp >= 0 AND discount_bp < 10000", name="discount_leaves_a_cost"),
        Index("ix_quota_contracts_of_supplier", "supplier_id", "id"),
    )

    id: Mapped[Id]
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"))
    currency: Mapped[str] = mapped_column(String(8))  # of the face values, and so of the cost
    face_total_minor: Mapped[int]
    discount_bp: Mapped[int]  # hundredths of a per cent off the face value
    drawn_minor: Mapped[int] = mapped_column(server_default=text("0"))
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    document_id: Mapped[int | None]  # the paper it is written on
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(64))
    ended_at: Mapped[datetime | None]  # draws no more


class QuotaDraw(Base):
    """What one order drew of a quota, and how many of its units came back to the shelf."""

    __tablename__ = "quota_draws"
    __table_args__ = (
        CheckConstraint("quantity > 0 AND given_back >= 0 AND given_back <= quantity", name="back_at_most_drawn"),
        Index("ix_quota_draws_of", "quota_id"),
    )

    order_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"), primary_key=True, autoincrement=False)
    quota_id: Mapped[int] = mapped_column(ForeignKey("quota_contracts.id"))
    quantity: Mapped[int]
    face_minor: Mapped[int]  # of one unit, as it was at the sale
    given_back: Mapped[int] = mapped_column(server_default=text("0"))
    at: Mapped[datetime]
    rate_id: Mapped[int | None]  # at which its cost was converted, when the quota is in another currency than the sale


class PriceRule(Base):
    """What a storefront wants of every price, whatever its offers cost. A storefront without a row has the defaults."""

    __tablename__ = "price_rules"
    __table_args__ = (CheckConstraint("least_margin_bp >= 0 AND least_margin_bp < 10000", name="margin_of_a_price"),)

    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"), primary_key=True, autoincrement=False)
    least_margin_bp: Mapped[int]  # of the price, in hundredths of a per cent
    never_below_cost: Mapped[bool]  # an offer that costs more than what it sells for does not sell
    told_upto_price_id: Mapped[int | None]  # resellers have been told of the prices up to here


class Outcome(StrEnum):
    """What became of a proposed price."""

    TAKEN = "taken"
    OTHER = "other"  # the staff set another
    IGNORED = "ignored"
    FOLLOWED = "followed"  # a newer cost made it out of date
    MOVED = "moved"  # the price was changed before anybody pressed


class Repricing(Base):
    """A cost has left too little of a price: the price proposed to the staff, and what they decided."""

    __tablename__ = "repricings"
    __table_args__ = (
        CheckConstraint("(decided_at IS NULL) = (outcome IS NULL)", name="decided_with_outcome"),
        Index(
            "uq_repricing_open",
            "offer_id",
            "storefront_id",
            unique=True,
            postgresql_where=text("decided_at IS NULL"),
            sqlite_where=text("decided_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    price_id: Mapped[int] = mapped_column(ForeignKey("prices.id"))  # the version that leaves too little
    old_cost_minor: Mapped[int]
    old_cost_currency: Mapped[str] = mapped_column(String(8))
    cost_minor: Mapped[int]
    cost_currency: Mapped[str] = mapped_column(String(8))
    worth_minor: Mapped[int]  # the new cost in the price's currency
    currency: Mapped[str] = mapped_column(String(8))
    least_margin_bp: Mapped[int]
    retail_minor: Mapped[int]  # proposed
    wholesale_minor: Mapped[int | None]  # proposed
    tiers: Mapped[dict[str, Any]]  # proposed: unit prices by the quantity they begin at
    made_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(64))
    outcome: Mapped[Outcome | None]


class PriceNews(Base):
    """A round of messages to resellers: which versions of prices it tells, and how far it has come."""

    __tablename__ = "price_news"
    __table_args__ = (
        Index("ix_price_news_open", "id", postgresql_where=text("done_at IS NULL"), sqlite_where=text("done_at IS NULL")),
        CheckConstraint("after_price_id < upto_price_id", name="tells_something"),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    after_price_id: Mapped[int]
    upto_price_id: Mapped[int]
    upto_customer_id: Mapped[int] = mapped_column(server_default=text("0"))
    posted: Mapped[int] = mapped_column(server_default=text("0"))
    made_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class OfferRecord(Base):
    """How a source has done lately, counted off the sale's path: what its stability is computed from."""

    __tablename__ = "offer_records"
    __table_args__ = (CheckConstraint("orders >= 0 AND cases >= 0 AND undelivered >= 0", name="counts_not_negative"),)

    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"), primary_key=True, autoincrement=False)
    orders: Mapped[int]
    cases: Mapped[int]  # of these orders, how many were complained about with reason, or might have been
    undelivered: Mapped[int]  # how many could not be handed over
    at: Mapped[datetime]


class Source(Base):
    """The ranking: which offer the sale draws from first. Worked out off the path, one versioned row per rank."""

    __tablename__ = "sources"
    __table_args__ = (
        ForeignKeyConstraint(["offer_id", "sku_id"], ["offers.id", "offers.sku_id"], name="fk_source_offer"),
        UniqueConstraint("offer_id", name="uq_source_offer"),
        Index("ix_sources_of_rank", "rank", "sku_id"),
    )

    sku_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rank: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # 1 is drawn first
    offer_id: Mapped[int]
    version: Mapped[int]


class OfferOutcome(Base):
    """What became of units that an offer's source was asked for in some hour: the ground of its success rate, and of hiding it."""

    __tablename__ = "offer_outcomes"
    __table_args__ = (
        CheckConstraint(
            "reserve_ok >= 0 AND reserve_failed >= 0 AND provision_ok >= 0 AND provision_failed >= 0 AND seconds >= 0",
            name="counts_not_negative",
        ),
    )

    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"), primary_key=True, autoincrement=False)
    begun_at: Mapped[datetime] = mapped_column(primary_key=True, autoincrement=False)
    reserve_ok: Mapped[int] = mapped_column(server_default=text("0"))  # orders that the source accepted
    reserve_failed: Mapped[int] = mapped_column(server_default=text("0"))  # and those it declined
    provision_ok: Mapped[int] = mapped_column(server_default=text("0"))  # accepted orders that it delivered in full
    provision_failed: Mapped[int] = mapped_column(server_default=text("0"))  # and those it did not
    seconds: Mapped[int] = mapped_column(server_default=text("0"))  # that the delivered ones took, together


class OwedRoom(Base):
    """How much more the shop may come to owe a supplier in a currency; only of those who have a limit. Kept by core/exposure."""

    __tablename__ = "owed_rooms"

    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"), primary_key=True, autoincrement=False)
    currency: Mapped[str] = mapped_column(String(8), primary_key=True)
    left_minor: Mapped[int]  # drawn down by each sale, and set anew from the books; below zero when more is owed than there should be
