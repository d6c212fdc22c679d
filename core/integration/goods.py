"""What upstreams sell, as they last said, and the items that are offers of ours. What the shop itself says is never touched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import catalog, fulfilment, journal, payments, pricing, rates, standing, supply
from core.catalog import Gone, ProductKind
from core.database import insert_new, micros, now, read, write
from core.errors import Refusal
from core.integration.connections import locked, view
from core.integration.health import CHANGES_EVERY, SYNC_EVERY
from core.integration.names import own_name
from core.integration.refusals import AlreadyLinked, NeedsRate, NoSuchUpstream, NotOpen, NotSoldThere, NotThisKind, SourceTwice
from core.integration.rules import Markup, newer
from core.integration.tables import Place, Upstream, UpstreamItem
from core.money import convert_up
from core.ports import ItemKind, ItemNotice, UpstreamField
from core.ports import UpstreamItem as Told
from core.storefronts import Storefront

KINDS = {ItemKind.CODE: ProductKind.CODE, ItemKind.MANUAL: ProductKind.CODE, ItemKind.TOPUP: ProductKind.TOPUP}


@dataclass(frozen=True, slots=True)
class ItemView:
    """One thing an upstream sells; `offer_id` when it is an offer of ours."""

    id: int
    upstream_id: int
    key: str
    title: str
    category: str
    price_minor: int
    currency: str
    stock: int | None
    active: bool
    kind: ItemKind
    fields: Sequence[UpstreamField]
    least: int
    most: int | None
    description: str
    gone: bool
    offer_id: int | None


@dataclass(frozen=True, slots=True)
class Taken:
    """What a part of a catalogue brought."""

    new: int = 0
    changed: int = 0


def _item(row: UpstreamItem) -> ItemView:
    fields = [UpstreamField(**each) for each in json.loads(row.fields)]
    return ItemView(
        row.id,
        row.upstream_id,
        row.key,
        row.title,
        row.category,
        row.price_minor,
        row.currency,
        row.stock,
        row.active,
        ItemKind(row.kind),
        fields,
        row.least,
        row.most,
        row.description,
        row.gone_at is not None,
        row.offer_id,
    )


def _fields(told: Told) -> str:
    return json.dumps(
        [{"name": f.name, "title": f.title, "required": f.required, "pattern": f.pattern, "choices": list(f.choices)} for f in told.fields],
        ensure_ascii=False,
    )


@write
def take_items(session: Session, *, upstream_id: int, items: Sequence[Told], asked_at: datetime) -> Taken:
    """A part of the catalogue as it was when it was asked for. What is older than what we know of a price changes nothing."""
    if not items:
        return Taken()
    at = now(session)
    unique = {told.key: told for told in items if told.price_minor >= 0 and len(told.key) <= 128}
    known = {
        row.key: row
        for row in session.scalars(
            select(UpstreamItem).where(UpstreamItem.upstream_id == upstream_id, UpstreamItem.key.in_(unique)).with_for_update()
        )
    }
    new = changed = 0
    for told in unique.values():
        row = known.get(told.key)
        facts: dict[str, object] = {
            "title": told.title[:200],
            "category": told.category[:200],
            "kind": told.kind.value,
            "fields": _fields(told),
            "least": told.least,
            "most": told.most,
            "description": told.description,
        }
        value: dict[str, object] = {
            "price_minor": told.price_minor,
            "currency": told.currency,
            "stock": None if told.stock is None else max(0, told.stock),
            "active": told.active,
            "version": told.version[:64],
            "as_of": asked_at,
        }
        if row is None:
            made = session.execute(
                insert_new(session, UpstreamItem)
                .values(upstream_id=upstream_id, key=told.key, seen_at=at, **facts, **value)
                .returning(UpstreamItem.id)
            ).first()
            new += made is not None
            continue
        row.seen_at = at
        back = row.gone_at is not None
        row.gone_at = None
        for name, fact in facts.items():
            setattr(row, name, fact)
        if newer(told.version, asked_at, than=row.version, of=row.as_of) or back:
            before = (row.price_minor, row.currency, row.stock, row.active)
            for name, fact in value.items():
                setattr(row, name, fact)
            changed += back or before != (row.price_minor, row.currency, row.stock, row.active)
            session.flush()
            _follow(session, row)
    return Taken(new, changed)


@write
def take_notices(session: Session, *, upstream_id: int, notices: Sequence[ItemNotice]) -> int:
    """Changes of price and stock, in whatever order they come; what is older than what we know changes nothing. How many counted."""
    counted, at = 0, now(session)
    for notice in notices:
        row = session.scalars(
            select(UpstreamItem).where(UpstreamItem.upstream_id == upstream_id, UpstreamItem.key == notice.key).with_for_update()
        ).one_or_none()
        if row is None or not newer(notice.version, at, than=row.version, of=row.as_of):
            continue
        if notice.price_minor is not None and notice.currency is not None:
            row.price_minor, row.currency = notice.price_minor, notice.currency
        if notice.stock is not None:
            row.stock = None if notice.stock >= supply.AS_MANY_AS_ONE_LIKES else max(0, notice.stock)
        if notice.active is not None:
            row.active = notice.active
        row.version, row.as_of = notice.version[:64], at
        session.flush()
        _follow(session, row)
        counted += 1
    return counted


@write
def price_seen(session: Session, *, upstream_id: int, told: Told | None, key: str, asked_at: datetime) -> None:
    """One item as it was when somebody asked before ordering; None: it is sold no more."""
    if told is not None:
        take_items(session, upstream_id=upstream_id, items=[told], asked_at=asked_at)
        return
    row = session.scalars(
        select(UpstreamItem).where(UpstreamItem.upstream_id == upstream_id, UpstreamItem.key == key).with_for_update()
    ).one_or_none()
    if row is not None and row.as_of < asked_at and row.active:
        row.active, row.as_of = False, asked_at
        session.flush()
        _follow(session, row)


def _follow(session: Session, row: UpstreamItem) -> None:
    """The offer of a linked item says what the upstream says: how many, and at what cost. Nothing else of ours is touched."""
    if row.offer_id is None:
        return
    offer = supply.offers(session, [row.offer_id])[0]
    there = supply.AS_MANY_AS_ONE_LIKES if row.stock is None else row.stock
    if row.active and row.gone_at is None:
        if there < supply.AS_MANY_AS_ONE_LIKES:
            # What is sold and not yet asked for is still counted there.
            there = max(0, there - fulfilment.not_asked_for(session, [row.offer_id])[row.offer_id])
    else:
        there = 0
    supply.declare(session, offer_id=row.offer_id, quantity=there)
    if (offer.cost_minor, offer.cost_currency) != (row.price_minor, row.currency):
        supply.set_cost(
            session, offer_id=row.offer_id, cost_minor=row.price_minor, cost_currency=row.currency, by=f"upstream:{row.upstream_id}"
        )


@write
def catalogue_read(session: Session, *, upstream_id: int, began_at: datetime, changes_after: str | None, tells_changes: bool) -> int:
    """The whole catalogue was read since then: what was not in it is gone, and its offers have nothing. Returns how many went."""
    row, at = locked(session, upstream_id), now(session)
    gone = session.scalars(
        select(UpstreamItem)
        .where(UpstreamItem.upstream_id == upstream_id, UpstreamItem.seen_at < began_at, UpstreamItem.gone_at.is_(None))
        .order_by(UpstreamItem.id)
        .with_for_update()
    ).all()
    linked = 0
    for item in gone:
        item.gone_at = at
        session.flush()
        linked += item.offer_id is not None
        _follow(session, item)
    row.synced_at, row.trouble = at, None
    row.changes_after = changes_after
    row.sync_next_at = at + (CHANGES_EVERY if tells_changes else SYNC_EVERY)
    session.flush()
    if linked:
        body = {"says": "upstream-gone", "upstream": row.id, "name": row.name, "n": linked}
        payments.tell_staff(session, storefront_id=row.storefront_id, body=body, once=f"upstream-gone:{row.id}:{micros(at)}")
    return len(gone)


@write
def changes_read(session: Session, *, upstream_id: int, after: str) -> None:
    """What has changed since the last mark was taken; from this mark on it is asked next."""
    row = locked(session, upstream_id)
    row.changes_after, row.sync_next_at = after[:400], now(session) + CHANGES_EVERY


@read
def items_of(session: Session, *, upstream_id: int, page: int, size: int, word: str = "", linked: bool | None = None) -> list[ItemView]:
    """A page of a catalogue by category and title; one more than `size` when there is another page."""
    question = select(UpstreamItem).where(UpstreamItem.upstream_id == upstream_id)
    if word:
        like = f"%{word.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        question = question.where(UpstreamItem.title.ilike(like, escape="!") | UpstreamItem.category.ilike(like, escape="!"))
    if linked is not None:
        question = question.where(UpstreamItem.offer_id.is_not(None) if linked else UpstreamItem.offer_id.is_(None))
    question = question.order_by(UpstreamItem.category, UpstreamItem.title, UpstreamItem.id).offset(page * size).limit(size + 1)
    return [_item(row) for row in session.scalars(question)]


@read
def counts_of(session: Session, upstream_id: int) -> tuple[int, int]:
    """How many things it sells, and how many of them are offers of ours."""
    there = select(func.count(), func.count(UpstreamItem.offer_id)).where(
        UpstreamItem.upstream_id == upstream_id, UpstreamItem.gone_at.is_(None)
    )
    total, linked = session.execute(there).one()
    return int(total), int(linked)


@read
def item(session: Session, item_id: int, *, storefront_id: int) -> ItemView:
    """One thing of an upstream of this storefront; raises NoSuchUpstream."""
    return _item(_own_item(session, item_id, storefront_id)[0])


def _own_item(session: Session, item_id: int, storefront_id: int, *, lock: bool = False) -> tuple[UpstreamItem, Upstream]:
    row = session.get(UpstreamItem, item_id, with_for_update=lock, populate_existing=lock)
    of = None if row is None else session.get(Upstream, row.upstream_id)
    if row is None or of is None or of.storefront_id != storefront_id or of.place is Place.REMOVED:
        raise NoSuchUpstream
    return row, of


@read
def item_of_offer(session: Session, offer_id: int) -> ItemView | None:
    """What is ordered when this offer is sold; None when it is linked no more."""
    row = session.scalars(select(UpstreamItem).where(UpstreamItem.offer_id == offer_id)).one_or_none()
    return None if row is None else _item(row)


@write
def link_item(session: Session, *, item_id: int, sku_id: int, storefront: Storefront, by: str) -> int:
    """What an upstream sells becomes an offer of this denomination; returns the offer's id.

    Raises NoSuchUpstream, NotOpen, NotSoldThere, AlreadyLinked, SourceTwice, NotThisKind, and Gone when there is no such denomination.
    """
    row, of = _own_item(session, item_id, storefront.id, lock=True)
    if of.place is Place.TRYING:
        raise NotOpen
    if row.offer_id is not None:
        raise AlreadyLinked
    if row.gone_at is not None:
        raise NotSoldThere
    sku = catalog.sku(session, sku_id)
    product = None if sku is None else catalog.product(session, sku.product_id)
    if sku is None or product is None:
        raise Gone
    if (product.kind == ProductKind.TOPUP) != (row.kind == ItemKind.TOPUP):
        raise NotThisKind
    there = supply.AS_MANY_AS_ONE_LIKES if row.stock is None else row.stock
    offer_id = supply.upstream_offer(
        session,
        supplier_id=of.supplier_id,
        sku_id=sku_id,
        upstream_id=of.id,
        cost_minor=row.price_minor,
        cost_currency=row.currency,
        declared=there if row.active else 0,
        least=row.least,
        most=row.most,
    )
    if session.scalar(select(UpstreamItem.id).where(UpstreamItem.offer_id == offer_id)) is not None:
        raise SourceTwice
    row.offer_id, row.linked_at = offer_id, now(session)
    session.flush()
    if of.place is Place.PAUSED:
        supply.stop(session, offer_ids=[offer_id], why=supply.Stop.PAUSED, by=by, ref=f"upstream:{of.id}")
    # Under every switch and complaint from its first moment on.
    standing.hold_to_rules(session, offer_ids=[offer_id])
    journal.record(
        session,
        by=by,
        did="link-item",
        about="upstream",
        about_id=of.id,
        before={"sku": None},
        after={"item": row.key, "sku": sku_id, "offer": offer_id, "cost_minor": row.price_minor, "currency": row.currency},
    )
    return offer_id


@write
def import_item(
    session: Session,
    *,
    item_id: int,
    category_id: int | None,
    category_name: str,
    search: str,
    storefront: Storefront,
    by: str,
    markup: Markup | None = None,
) -> int:
    """A new product with one denomination, sold at cost and markup; returns the denomination's id.

    Without `category_id` a new category of that name is made. `search` is what the product is found by. What the shop edits afterwards
    is never overwritten. Raises what `link_item` raises, and NeedsRate when it costs another currency that has no rate.
    """
    row, of = _own_item(session, item_id, storefront.id, lock=True)
    if row.offer_id is not None:
        raise AlreadyLinked
    if row.gone_at is not None:
        raise NotSoldThere
    cost = row.price_minor
    if row.currency != storefront.currency:
        quoted = rates.latest(session, base=row.currency, quote=storefront.currency)
        if quoted is None:
            raise NeedsRate(base=row.currency)
        cost = convert_up(cost, quoted.rate)
    retail = (markup or view(of).markup).retail(cost)
    slug = f"up{of.id}-{row.id}"
    if category_id is None:
        category_id = catalog.add_category(session, slug=slug, name=(category_name or of.name)[:100], number_slug=True, by=by)
    elif catalog.category(session, category_id) is None:
        raise Gone
    product_id = catalog.add_product(
        session,
        category_id=category_id,
        slug=slug,
        name=row.title[:100],
        search=search,
        kind=KINDS[ItemKind(row.kind)],
        description=row.description[:1500],
        number_slug=True,
        by=by,
    )
    if ItemKind(row.kind) is ItemKind.TOPUP:
        _ask_of_buyers(session, product_id, _item(row).fields, by)
    sku_id = catalog.add_sku(
        session,
        product_id=product_id,
        slug=slug,
        name=row.title[:100],
        min_quantity=max(1, row.least),
        max_quantity=min(catalog.MOST_IN_ORDER, max(row.least, row.most or 100)),
        number_slug=True,
        by=by,
    )
    pricing.set_price(session, storefront_id=storefront.id, sku_id=sku_id, retail_minor=retail, currency=storefront.currency, by=by)
    link_item(session, item_id=item_id, sku_id=sku_id, storefront=storefront, by=by)
    return sku_id


def _ask_of_buyers(session: Session, product_id: int, fields: Sequence[UpstreamField], by: str) -> None:
    """What the upstream wants to know is asked of the buyer; what it asks in a way the shop does not know, the staff set by hand.

    Its regular expressions are not run: a stranger's could hang. Whether the account is right, it says itself before anything is paid.
    """
    asked = [
        {
            "name": own_name(one.name),
            "title": (one.title or one.name)[:60],
            "pattern": "free",
            "choices": list(one.choices)[: fulfilment.MOST_CHOICES],
            "optional": not one.required,
        }
        for one in fields[: fulfilment.MOST_FIELDS]
    ]
    try:
        fulfilment.set_kind(session, product_id, terms={"fields": asked, "validate": True}, by=by)
    except Refusal:
        fulfilment.set_kind(session, product_id, terms={"validate": True}, by=by)


@write
def unlink_item(session: Session, *, item_id: int, storefront: Storefront, by: str) -> None:
    """Nothing more of this is sold; the product stays with whatever else supplies it. What was asked is still asked about."""
    row, of = _own_item(session, item_id, storefront.id, lock=True)
    if row.offer_id is None:
        return
    offer_id = row.offer_id
    supply.withdraw_upstream_offer(session, offer_id=offer_id)
    session.execute(update(UpstreamItem).where(UpstreamItem.id == item_id).values(offer_id=None, linked_at=None))
    session.flush()
    journal.record(
        session,
        by=by,
        did="unlink-item",
        about="upstream",
        about_id=of.id,
        before={"item": row.key, "offer": offer_id},
        after={"offer": None},
    )
