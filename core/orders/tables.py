"""Orders, their lines, what each buyer has bought of limited items, and every showing of codes."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class OrderState(StrEnum):
    PENDING = "pending"  # waits for a payment
    FULFILLING = "fulfilling"  # paid, and what was bought is still on its way: its money is in escrow
    ISSUED = "issued"  # paid, and its codes are the buyer's
    EXPIRED = "expired"  # not paid in time; money that comes late is credited
    CANCELLED = "cancelled"
    REFUNDED = "refunded"  # was issued, and every code of it was refunded


class Passed(StrEnum):
    """Why a source that is ranked before another was passed over."""

    DATES = "dates"  # outside the dates of its offer
    CURRENCY = "currency"  # it is paid in another currency than the sale's
    QUANTITY = "quantity"  # it gives other quantities
    COUNTRY = "country"  # it sells to another country
    STOPPED = "stopped"  # it was stopped a moment before
    QUOTA = "quota"  # its contract covers no more
    ROOM = "room"  # no more may be owed to its supplier
    ASKED = "asked"  # it was asked for these units and did not bring them
    EMPTY = "empty"  # it had nothing
    PROMISED = "promised"  # another is exclusive, or was promised that it goes first


class RefundTo(StrEnum):
    """Where refunded money goes."""

    WALLET = "wallet"
    SOURCE = "source"  # back through the provider that it was paid by


class RefundState(StrEnum):
    """Where a refund stands. One to the wallet is refunded at once; one to the source is wanted until the provider is asked."""

    WANTED = "wanted"
    REFUNDING = "refunding"  # the provider was asked, and is asked again until it says yes or no
    REFUNDED = "refunded"
    DECLINED = "declined"  # the provider said no: the money is in the wallet instead


class RevealCause(StrEnum):
    SENT = "sent"  # the courier began to send it
    SHOWN = "shown"  # the buyer looked again
    RESENT = "resent"  # an admin sent it again
    FETCHED = "fetched"  # a program of the buyer took them by the reseller API


_HELD = text("held_until IS NOT NULL AND released_at IS NULL AND state = 'issued'")


class Order(Base):
    """One purchase by one customer of one storefront."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("once", name="uq_order_once"),
        ForeignKeyConstraint(["buyer_id", "storefront_id"], ["customers.id", "customers.storefront_id"], name="fk_order_buyer"),
        CheckConstraint("total_minor > 0", name="total_positive"),
        CheckConstraint("refunded_minor >= 0 AND refunded_minor <= total_minor", name="refunded_at_most_paid"),
        Index("ix_orders_of_buyer", "buyer_id", "id"),
        Index("ix_orders_held", "held_until", postgresql_where=_HELD, sqlite_where=_HELD),
        Index("ix_orders_pending", "expires_at", postgresql_where=text("state = 'pending'"), sqlite_where=text("state = 'pending'")),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int]
    buyer_id: Mapped[int]
    once: Mapped[str] = mapped_column(String(120))
    once_hash: Mapped[bytes] = mapped_column(LargeBinary(16))  # of the inputs: the same key with other inputs is refused
    state: Mapped[OrderState]
    total_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    paid_by: Mapped[str] = mapped_column(String(16))  # wallet, or the provider
    placed_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    issued_at: Mapped[datetime | None]
    short_by: Mapped[int | None]  # codes that were ordered but could not be had when the money came; not charged
    # The sale's own statements leave out what follows: an order begins without it.
    refunded_minor: Mapped[int] = mapped_column(server_default=text("0"))  # of the total
    return_until: Mapped[datetime | None]  # it was delivered sealed: until then it may be returned unopened
    opened_at: Mapped[datetime | None]  # when the buyer opened what was sealed
    # Its codes are the buyer's, but not sent before a person has released it; until then the staff should have decided.
    held_until: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    released_by: Mapped[str | None] = mapped_column(String(64))
    answers_id: Mapped[int | None]  # what its buyer answered to what its product asks; kept by core/fulfilment
    # As what its buyer bought, as it was then: a reseller, and at which level of core/resellers. Null: before that was kept.
    as_reseller: Mapped[bool | None]
    level_id: Mapped[int | None]

    @property
    def held(self) -> bool:
        """Is it paid, and waits for the staff to look at it?"""
        return self.state in (OrderState.ISSUED, OrderState.FULFILLING) and self.held_until is not None and self.released_at is None


class OrderLine(Base):
    """How many of which denomination, from which offer, at which version of the price."""

    __tablename__ = "order_lines"
    __table_args__ = (
        ForeignKeyConstraint(["offer_id", "sku_id"], ["offers.id", "offers.sku_id"], name="fk_line_offer"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index("ix_order_lines_of_sku", "sku_id", "order_id"),
    )

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sku_id: Mapped[int]
    offer_id: Mapped[int]
    price_id: Mapped[int] = mapped_column(ForeignKey("prices.id"))
    quantity: Mapped[int]
    unit_price_minor: Mapped[int]
    unit_cost_minor: Mapped[int]
    cost_currency: Mapped[str] = mapped_column(String(8))
    ranking_version: Mapped[int | None]  # of the sources, by which this offer was chosen
    exclusive: Mapped[bool] = mapped_column(server_default=false())  # its offer was the only one that might sell it, when it was sold


class PassedOffer(Base):
    """A source that was ranked before one that an order was served from, and gave nothing: why. Of sales that had more to look at than
    a shelf; in all others it had nothing on its own.
    """

    __tablename__ = "passed_offers"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True, autoincrement=False)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"), primary_key=True, autoincrement=False)
    why: Mapped[Passed]


class OrderPrice(Base):
    """Why an order costs something else than its price times its quantity: the quote as it was agreed. Most orders have none.

    The fee of a way to pay is not the order's: it is kept with each payment that was asked for.
    """

    __tablename__ = "order_prices"
    __table_args__ = (CheckConstraint("discount_minor >= 0 AND quantity > 0", name="discount_not_negative"),)

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True, autoincrement=False)
    quantity: Mapped[int]  # as it was ordered: what the tier was earned with, also when fewer could be had
    unit_minor: Mapped[int]
    tier_from: Mapped[int | None]
    discount_minor: Mapped[int]  # off the sum of the lines
    discounts: Mapped[list[dict[str, Any]]] = mapped_column(JSON(none_as_null=True))  # why, amount_minor, facts
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSON(none_as_null=True))  # says, facts


class PurchaseCount(Base):
    """How many units a buyer has of a denomination that is limited per buyer; locked together with the wallet."""

    __tablename__ = "purchase_counts"
    __table_args__ = (CheckConstraint("bought >= 0", name="bought_not_negative"),)

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), primary_key=True, autoincrement=False)
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"), primary_key=True, autoincrement=False)
    bought: Mapped[int]


class Reveal(Base):
    """Each time the codes of an order left the database in clear."""

    __tablename__ = "reveals"
    __table_args__ = (Index("ix_reveals_of_order", "order_id", "id"),)

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    cause: Mapped[RevealCause]
    to_telegram_id: Mapped[int]
    at: Mapped[datetime]


class Refund(Base):
    """Money of an order that was given back, once for each `once`; insert-only but for the way to the source."""

    __tablename__ = "refunds"
    __table_args__ = (
        UniqueConstraint("once", name="uq_refund_once"),
        CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
        CheckConstraint("source_minor >= 0 AND source_minor <= amount_minor", name="source_within_amount"),
        CheckConstraint("(\"to\" = 'source') = (provider IS NOT NULL)", name="source_has_provider"),
        Index("ix_refunds_of_order", "order_id", "id"),
        Index("ix_refunds_made", "made_at"),
        Index("ix_refunds_due", "due_at", postgresql_where=text("due_at IS NOT NULL"), sqlite_where=text("due_at IS NOT NULL")),
        Index(
            "ix_refunds_of_payment",
            "event_key",
            "provider",
            postgresql_where=text("provider IS NOT NULL"),
            sqlite_where=text("provider IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    amount_minor: Mapped[int]  # of the order's total and currency; nothing when a code's share rounds down to nothing
    currency: Mapped[str] = mapped_column(String(8))
    to: Mapped[RefundTo]
    state: Mapped[RefundState]
    reason: Mapped[str] = mapped_column(String(500))
    by: Mapped[str] = mapped_column(String(64))
    once: Mapped[str] = mapped_column(String(120))
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    # Only of a refund to the source:
    provider: Mapped[str | None] = mapped_column(String(16))
    event_key: Mapped[str | None] = mapped_column(String(200))  # of the payment
    intent_id: Mapped[int | None]
    source_minor: Mapped[int]  # how much of the amount goes to the source; what was not paid through it goes to the wallet
    pay_minor: Mapped[int]  # the same as the payer sees it: in the payment's currency, with its share of the fee
    fee_minor: Mapped[int]  # that share
    pay_currency: Mapped[str | None] = mapped_column(String(8))
    due_at: Mapped[datetime | None]  # when the provider is to be asked (again)
    tries: Mapped[int]


class RefundedCode(Base):
    """A code that was refunded, and what it had cost; what was returned is for sale again and may come here with another order."""

    __tablename__ = "refunded_codes"
    __table_args__ = (Index("ix_refunded_codes_of", "code_id"), Index("ix_refunded_codes_by", "refund_id"))

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True, autoincrement=False)
    code_id: Mapped[int] = mapped_column(ForeignKey("codes.id"), primary_key=True, autoincrement=False)
    refund_id: Mapped[int] = mapped_column(ForeignKey("refunds.id"))
    offer_id: Mapped[int]
    returned: Mapped[bool]  # to the shelf; else it is void
    cost_minor: Mapped[int]
    cost_currency: Mapped[str] = mapped_column(String(8))
    cost_back: Mapped[bool]  # the cost is not the shop's loss: it is for sale again, or its supplier bears it


class ExchangedCode(Base):
    """A code that came to an order in place of one that was complained about, and the cost that was booked for it then."""

    __tablename__ = "exchanged_codes"
    __table_args__ = (CheckConstraint("cost_minor >= 0", name="cost_not_negative"),)

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True, autoincrement=False)
    code_id: Mapped[int] = mapped_column(ForeignKey("codes.id"), primary_key=True, autoincrement=False)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))
    cost_minor: Mapped[int]
    cost_currency: Mapped[str] = mapped_column(String(8))
    payable_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))  # the supplier's account that was credited with it
    exclusive: Mapped[bool] = mapped_column(server_default=false())  # as its offer was then


class ArrivedCode(Base):
    """A code that came to an order after it was paid: by a task, or from another source's shelf in the place of one that failed."""

    __tablename__ = "arrived_codes"
    __table_args__ = (CheckConstraint("cost_minor >= 0", name="cost_not_negative"), Index("ix_arrived_codes_of_task", "task_id"))

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True, autoincrement=False)
    code_id: Mapped[int] = mapped_column(ForeignKey("codes.id"), primary_key=True, autoincrement=False)
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"))  # that brought it, or in whose place it came
    from_shelf: Mapped[bool]
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))
    cost_minor: Mapped[int]  # of this unit, as it is booked when the order is over
    cost_currency: Mapped[str] = mapped_column(String(8))
    ranking_version: Mapped[int | None]


class OutsideOrder(Base):
    """An order that a program of its buyer made, by a number of its own for ever. Its codes are fetched, and never sent to the chat."""

    __tablename__ = "outside_orders"
    __table_args__ = (
        UniqueConstraint("customer_id", "number", name="uq_outside_number"),
        CheckConstraint("asked > 0", name="asked_positive"),
    )

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True, autoincrement=False)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    number: Mapped[str] = mapped_column(String(64))  # theirs
    key_id: Mapped[int]  # of core/api: by which key it was ordered
    asked: Mapped[int]  # units; fewer may have been sold
    charged_minor: Mapped[int]  # when it was sold; the order knows what is left of it
    counted: Mapped[bool]  # against the key's limit of the day
    callback_url: Mapped[str | None] = mapped_column(String(500))
    at: Mapped[datetime]


class OutsideTurn(Base):
    """Something has changed about such an order since it was answered; whoever reports it takes the row away."""

    __tablename__ = "outside_turns"
    __table_args__ = (Index("ix_outside_turns_of_order", "order_id"),)

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    at: Mapped[datetime]
