"""The feed of changes: each item is compared with how it was; another price, band of stock or activity is written down."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import catalog, people, pricing, supply
from core.api import rules
from core.api.goods import changes_of, for_programs
from core.api.reports import add_report
from core.api.tables import ApiChange, ApiFeed, ApiItem, ApiKey, ApiReport, ReportKind, Scope
from core.database import insert_new, now, read, write

_EVERY = timedelta(seconds=3)
_PAGE = 500
_REPORTED = 200  # changes at once
_COUNTED = 101  # the highest band begins there


@read
def feeds(session: Session) -> list[int]:
    """The storefronts that resellers have keys for."""
    return list(session.scalars(select(ApiKey.storefront_id).where(ApiKey.disabled_at.is_(None)).distinct()))


@write
def note_changes(session: Session, *, storefront_id: int) -> int:
    """Write down what has changed since somebody looked, and report it to the keys that want that; returns how many changes.

    Looks at most every few seconds, whoever asks: several processes may. Changes come in the order of their ids.
    """
    session.execute(insert_new(session, ApiFeed).values(storefront_id=storefront_id, reported=0))
    feed = session.scalars(select(ApiFeed).where(ApiFeed.storefront_id == storefront_id).with_for_update(skip_locked=True)).one_or_none()
    at = now(session)
    if feed is None or (feed.looked_at is not None and feed.looked_at <= at < feed.looked_at + _EVERY):
        return 0
    feed.looked_at = at
    seen = {row.sku_id: row for row in session.scalars(select(ApiItem).where(ApiItem.storefront_id == storefront_id))}
    current: dict[int, tuple[str, int, bool]] = {}
    after, visible = 0, dict[int, bool]()
    while True:
        skus = catalog.skus_page(session, after=after, limit=_PAGE)
        if not skus:
            break
        after = skus[-1].id
        ids = [sku.id for sku in skus]
        marks = pricing.marks(session, storefront_id=storefront_id, sku_ids=ids)
        left = supply.left(session, ids, most=_COUNTED)
        products = catalog.products_of(session, {sku.product_id for sku in skus})
        for sku in skus:
            product = products[sku.product_id]
            if product.category_id not in visible:
                way = catalog.trail(session, product.category_id)
                visible[product.category_id] = bool(way) and not any(step.hidden for step in way)
            if for_programs(product):
                active = visible[product.category_id] and sku.id in marks
                current[sku.id] = (marks.get(sku.id, ""), rules.band_of(left[sku.id]) if active else 0, active)
    changed = 0
    for sku_id in sorted(seen.keys() | current.keys()):
        row = seen.get(sku_id)
        mark, band, active = current.get(sku_id, ("", 0, False))
        if row is None and not active:
            continue
        if row is not None and (not active if not row.active else (row.price_mark, row.band, row.active) == (mark, band, active)):
            continue
        change = ApiChange(storefront_id=storefront_id, sku_id=sku_id, active=active, at=at)
        session.add(change)
        session.flush()
        if row is None:
            session.add(ApiItem(storefront_id=storefront_id, sku_id=sku_id, price_mark=mark, band=band, active=active, version=change.id))
        else:
            row.price_mark, row.band, row.active, row.version = mark, band, active, change.id
        changed += 1
    session.flush()
    _report(session, feed)
    return changed


def _report(session: Session, feed: ApiFeed) -> None:
    """What has changed, to each key that has an address for it; a key's report of the same item that nobody tried yet says it already."""
    rows = session.execute(
        select(ApiChange.id, ApiChange.sku_id)
        .where(ApiChange.storefront_id == feed.storefront_id, ApiChange.id > feed.reported)
        .order_by(ApiChange.id)
        .limit(_REPORTED)
    ).all()
    if not rows:
        return
    first = feed.reported == 0  # Everything is new then, and read as a catalogue.
    feed.reported = rows[-1][0]
    session.flush()
    if first:
        return
    versions = {sku_id: version for version, sku_id in rows}
    keys = session.scalars(
        select(ApiKey)
        .where(
            ApiKey.storefront_id == feed.storefront_id,
            ApiKey.disabled_at.is_(None),
            ApiKey.callback_url.is_not(None),
            ApiKey.sandbox.is_(False),
        )
        .order_by(ApiKey.id)
    )
    for key in keys:
        owner = people.by_id(session, key.customer_id)
        if Scope.READ.value not in key.scopes or not owner.wholesale or key.callback_url is None:
            continue
        waiting = {
            report.sku_id: report
            for report in session.scalars(
                select(ApiReport).where(
                    ApiReport.key_id == key.id,
                    ApiReport.kind == ReportKind.ITEM,
                    ApiReport.heard_at.is_(None),
                    ApiReport.dead_at.is_(None),
                    ApiReport.tries == 0,
                    ApiReport.sku_id.in_(versions),
                )
            )
        }
        for change in changes_of(session, owner, versions):
            body = {
                "key": change.key,
                "version": change.version,
                "unit_minor": change.unit_minor,
                "currency": change.currency,
                "stock": change.stock,
                "active": change.active,
            }
            if change.sku_id in waiting:
                waiting[change.sku_id].body = body
            else:
                add_report(session, key, kind=ReportKind.ITEM, url=key.callback_url, body=body, sku_id=change.sku_id)
    session.flush()
