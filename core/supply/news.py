"""Telling resellers of changed prices: a round for all changes together, posted page by page while nothing else waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import outbox, people, pricing, storefronts
from core.database import now, read, write
from core.pricing import Price
from core.supply.proposals import rule_row
from core.supply.tables import PriceNews, PriceRule

QUIET = timedelta(minutes=5)  # who is changing prices may change more: the round begins when they are done
ROUND = timedelta(hours=1)  # nobody is told more often
MOST_CHANGES = 500  # of one round


@dataclass(frozen=True, slots=True)
class PriceChange:
    """What a reseller pays for one of a denomination, before and now."""

    sku_id: int
    before: Price
    now: Price


@write
def post_price_news(session: Session, *, most: int = 24) -> int:
    """Post the next page of the round under way, or begin one where prices have changed; call again until it is 0.

    Passes over resellers who do not want it, and those who blocked the bot. Returns how many customers it looked at, and 1 for
    a round that it only began or ended. Several processes may do this at once.
    """
    row = session.scalars(
        select(PriceNews).where(PriceNews.done_at.is_(None)).order_by(PriceNews.id).limit(1).with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return sum(_begin(session, storefront.id) for storefront in storefronts.all_open(session))
    page = people.next_customers(session, storefront_id=row.storefront_id, after=row.upto_customer_id, limit=most, resellers_only=True)
    for customer in page:
        # Each is told of their own prices: those of their level, and those agreed with them alone.
        silent = customer.blocked or not customer.wants_price_news
        if not silent and _changes_for(session, customer, row.after_price_id, row.upto_price_id):
            row.posted += outbox.post(
                session,
                topic=outbox.Topic.NOTICE,
                customer_id=customer.id,
                body={"says": "prices-changed", "news": row.id, "customer": customer.id},
                once=f"price-news:{row.id}:{customer.id}",
            )
    if page:
        row.upto_customer_id = page[-1].id
    if len(page) < most:
        row.done_at = now(session)
    session.flush()
    return max(1, len(page))


def _begin(session: Session, storefront_id: int) -> bool:
    """Begin a round when prices have changed since the last and are quiet now; prices of before the first look are told to nobody."""
    at = now(session)
    newest = pricing.newest(session, storefront_id=storefront_id, before=at - QUIET)
    told = session.get(PriceRule, storefront_id)
    if told is not None and told.told_upto_price_id is not None and told.told_upto_price_id >= newest:
        return False
    rule_row(session, storefront_id)
    rule = session.get_one(PriceRule, storefront_id, with_for_update=True, populate_existing=True)
    after = rule.told_upto_price_id
    if after is None:
        rule.told_upto_price_id = newest
        session.flush()
        return False
    last = session.scalar(select(func.max(PriceNews.made_at)).where(PriceNews.storefront_id == storefront_id))
    still_changing = pricing.newest(session, storefront_id=storefront_id) != newest
    if newest <= after or still_changing or (last is not None and last + ROUND > at):
        return False
    rule.told_upto_price_id = newest
    session.flush()
    if not _changes(session, storefront_id, after, newest) and not pricing.parties_moved(
        session, storefront_id=storefront_id, after=after, upto=newest
    ):
        return False
    session.add(
        PriceNews(storefront_id=storefront_id, after_price_id=after, upto_price_id=newest, upto_customer_id=0, posted=0, made_at=at)
    )
    session.flush()
    return True


def _changes(session: Session, storefront_id: int, after: int, upto: int) -> list[PriceChange]:
    found = []
    for before, current in pricing.changes(session, storefront_id=storefront_id, after=after, upto=upto, most=MOST_CHANGES):
        if before is None or current is None:
            continue
        old, new = before.wholesale(), current.wholesale()
        if _other(old, new):
            found.append(PriceChange(new.sku_id, old, new))
    return found


def _other(old: Price, new: Price) -> bool:
    return (old.retail_minor, old.currency, old.tiers) != (new.retail_minor, new.currency, new.tiers)


def _changes_for(session: Session, buyer: people.Customer, after: int, upto: int) -> list[PriceChange]:
    moved = pricing.changes_for(session, buyer=buyer, after=after, upto=upto, most=MOST_CHANGES)
    return [
        PriceChange(current.sku_id, before, current)
        for before, current in moved
        if before is not None and current is not None and _other(before, current)
    ]


@read
def price_changes(session: Session, news_id: int, *, customer_id: int | None = None) -> list[PriceChange]:
    """What a round tells this reseller: the denominations that cost them something else now than before it.

    Without one, what it tells those who buy at wholesale prices.
    """
    row = session.get(PriceNews, news_id)
    if row is None:
        return []
    if customer_id is None:
        return _changes(session, row.storefront_id, row.after_price_id, row.upto_price_id)
    return _changes_for(session, people.by_id(session, customer_id), row.after_price_id, row.upto_price_id)
