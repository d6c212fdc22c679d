"""Finding resellers' storefronts, as others see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import ledger, packages, people, pricing, storefronts
from core.brands.rules import Markup
from core.brands.tables import Brand, BrandAdmin, BrandHidden, Margin, Style
from core.database import keys, now, read
from core.ledger import AccountKind, TransferKind
from core.packages import Service
from core.storefronts import Storefront

DUE = "due"  # the label of what may be taken
_LEFT = Margin.margin_minor - Margin.taken_minor - Margin.lost_minor
_PAID_WITHIN = timedelta(hours=1)  # before or after what the order says


@dataclass(frozen=True, slots=True)
class BrandView:
    """A reseller's own bot with its storefront. `word` is its opaque address for Telegram; the token is not among it."""

    id: int
    storefront: Storefront
    owner_id: int
    bot_id: int
    username: str
    word: str = field(repr=False)
    token_version: int
    welcome: str | None
    has_banner: bool
    style: Style
    markup: Markup
    opened_at: datetime
    paused_at: datetime | None
    stopped_at: datetime | None
    stopped_why: str | None
    refused_at: datetime | None
    closed_at: datetime | None

    @property
    def closed(self) -> bool:
        return self.closed_at is not None


@dataclass(frozen=True, slots=True)
class Running:
    """What of a bot that is to answer may change while it runs. Its menu in Telegram says its name in its languages: it is to be made
    for `says`, and was last made for `introduced`.
    """

    token_version: int
    style: Style
    says: str
    introduced: str | None


@dataclass(frozen=True, slots=True)
class Earned:
    """What a reseller has of margins, in minor units of the storefront's currency: still held, and to be taken (below zero: owed)."""

    held_minor: int
    due_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Sales:
    """What a storefront sold in a time: orders, what customers paid, and what of it is the reseller's; less what was refunded."""

    orders: int
    sold_minor: int
    margin_minor: int
    taken_minor: int
    currency: str


def about(word: str) -> str:
    """What a token is sealed for."""
    return f"brand-{word}"


def view(session: Session, row: Brand) -> BrandView:
    """The row as others see it."""
    return BrandView(
        row.id,
        storefronts.by_id(session, row.storefront_id),
        row.owner_id,
        row.bot_id,
        row.username,
        row.word,
        row.token_version,
        row.welcome,
        row.banner is not None,
        row.style,
        Markup(row.markup_points, row.markup_minor, row.step_minor),
        row.opened_at,
        row.paused_at,
        row.stopped_at,
        row.stopped_why,
        row.refused_at,
        row.closed_at,
    )


def entitled(session: Session, row: Brand) -> bool:
    """Is its owner a reseller, and is their own bot paid for where that is sold?"""
    return people.by_id(session, row.owner_id).wholesale and packages.unlocked(session, row.owner_id, Service.OWN_BOT)


def sells(session: Session, row: Brand) -> bool:
    """Is anything for sale in it now? Whoever bought before is served in any case."""
    return row.closed_at is None and row.paused_at is None and row.stopped_at is None and entitled(session, row)


@read
def brand(session: Session, brand_id: int) -> BrandView | None:
    """One storefront by its brand's id, also a closed one."""
    row = session.get(Brand, brand_id)
    return None if row is None else view(session, row)


@read
def brand_of(session: Session, storefront_id: int) -> BrandView | None:
    """The brand of a reseller's storefront; None for the shop's own."""
    row = session.scalars(select(Brand).where(Brand.storefront_id == storefront_id)).one_or_none()
    return None if row is None else view(session, row)


@read
def is_entitled(session: Session, brand_id: int) -> bool:
    """Is its owner a reseller still, and is their own bot paid for where that is sold?"""
    return entitled(session, session.get_one(Brand, brand_id))


@read
def brands_of(session: Session, owner_id: int) -> Sequence[BrandView]:
    """A reseller's own bots that are not closed, oldest first."""
    rows = session.scalars(select(Brand).where(Brand.owner_id == owner_id, Brand.closed_at.is_(None)).order_by(Brand.id))
    return [view(session, row) for row in rows]


@read
def of_house(session: Session, storefront_id: int, *, offset: int = 0, limit: int = 10) -> Sequence[BrandView]:
    """The resellers' storefronts that this one stands behind and that are not closed, the newest first."""
    question = select(Brand).where(Brand.closed_at.is_(None), Brand.house_id == storefront_id).order_by(Brand.id.desc())
    return [view(session, row) for row in session.scalars(question.offset(offset).limit(limit))]


@read
def running(session: Session) -> dict[int, Running]:
    """The bots that are to answer, by their brands."""
    rows = session.execute(
        select(Brand.id, Brand.storefront_id, Brand.token_version, Brand.style, Brand.introduced).where(
            Brand.closed_at.is_(None), Brand.refused_at.is_(None)
        )
    ).all()
    called = storefronts.branded_names(session)
    return {row.id: Running(row.token_version, row.style, "{}|{}".format(*called[row.storefront_id]), row.introduced) for row in rows}


@read
def margins_of(session: Session, *, house_id: int, since: datetime, until: datetime) -> int:
    """What of the sales of a span in the storefronts of a house's resellers is theirs, less what went back with refunds."""
    # By the transfers that paid, because those of a day stand together.
    paid = ledger.causes(session, kind=TransferKind.SALE, since=since - _PAID_WITHIN, until=until + _PAID_WITHIN)
    question = select(func.coalesce(func.sum(_LEFT), 0)).join(Brand, Brand.id == Margin.brand_id)
    span = (Margin.sold_at >= since, Margin.sold_at < until)
    return int(session.scalar(question.where(Margin.order_id.in_(paid), Brand.house_id == house_id, *span)) or 0)


@read
def token_of(session: Session, brand_id: int) -> str:
    """A bot's token in clear: for the process that runs it, and nobody else."""
    row = session.get_one(Brand, brand_id)
    data_key = keys(session).open_data_key(row.data_key, row.wrapping_key_id, about(row.word))
    return data_key.open(row.token, about(row.word))


@read
def hidden_products(session: Session, brand_id: int) -> set[int]:
    """The products that a storefront does not sell."""
    return set(session.scalars(select(BrandHidden.product_id).where(BrandHidden.brand_id == brand_id)))


@read
def banner(session: Session, brand_id: int) -> tuple[bytes, str | None] | None:
    """The picture that everybody sees who opens the bot, and its id in Telegram once it was sent; None when there is none."""
    row = session.get_one(Brand, brand_id)
    return None if row.banner is None else (row.banner, row.banner_id)


@read
def margins_since(session: Session, brand_id: int, since: datetime) -> dict[int, int]:
    """What is left of the margin of each order that was issued since then, in minor units, by order."""
    rows = session.execute(select(Margin.order_id, _LEFT).where(Margin.brand_id == brand_id, Margin.sold_at >= since))
    return {order_id: int(minor) for order_id, minor in rows}


@read
def how_many_priced(session: Session, brand_id: int) -> int:
    """How many denominations are for sale in a storefront."""
    return len(pricing.branded(session, storefront_id=session.get_one(Brand, brand_id).storefront_id))


@read
def admins(session: Session, brand_id: int) -> list[int]:
    """Whom the owner has put in charge, by their Telegram ids."""
    return list(session.scalars(select(BrandAdmin.telegram_id).where(BrandAdmin.brand_id == brand_id).order_by(BrandAdmin.since)))


@read
def may_manage(session: Session, *, storefront_id: int, telegram_id: int) -> BrandView | None:
    """The brand of a storefront, when this person is in charge of it."""
    found = brand_of(session, storefront_id)
    if found is None or found.closed:
        return None
    if people.by_id(session, found.owner_id).telegram_id == telegram_id or telegram_id in admins(session, found.id):
        return found
    return None


@read
def served(session: Session, *, storefront_id: int, customer_id: int) -> people.Customer | None:
    """The customer of this id, when they are this storefront's or one's of a reseller behind which it stands."""
    known = people.these(session, [customer_id]).get(customer_id)
    return known if known is not None and storefronts.by_id(session, known.storefront_id).house == storefront_id else None


@read
def earned(session: Session, owner_id: int) -> Earned:
    """A reseller's margins of all their storefronts."""
    currency = storefronts.by_id(session, people.by_id(session, owner_id).storefront_id).currency
    found = {
        label: ledger.account_balance(session, party_id=owner_id, kind=AccountKind.MARGIN, currency=currency, label=label)
        for label in ("", DUE)
    }
    return Earned(found[""], found[DUE], currency)


@read
def sales(session: Session, brand_id: int, *, days: int) -> Sales:
    """What a storefront sold in the last so many days, as far as it was counted."""
    row = session.get_one(Brand, brand_id)
    since = now(session) - timedelta(days=days)
    count, sold, margin, taken = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(Margin.sold_minor), 0),
            func.coalesce(func.sum(Margin.margin_minor), 0),
            func.coalesce(func.sum(Margin.taken_minor + Margin.lost_minor), 0),
        ).where(Margin.brand_id == brand_id, Margin.sold_at >= since)
    ).one()
    currency = storefronts.by_id(session, row.storefront_id).currency
    return Sales(int(count), int(sold), int(margin), int(taken), currency)


@read
def customers(session: Session, brand_id: int) -> int:
    """How many people have opened a storefront's bot."""
    row = session.get_one(Brand, brand_id)
    return people.how_many(session, storefront_id=row.storefront_id)
