"""Writing a broadcast, starting it, posting it in chunks, and stopping it."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import brands, journal, outbox, packages, people
from core.catalog import Gone
from core.database import now, write
from core.promotion.queries import DRAFT, once_prefix
from core.promotion.tables import Broadcast


@write
def draft(session: Session, *, storefront_id: int, text: str, by: str) -> int:
    """Keep a plain text for a preview; nobody is written to before `begin`. Returns its id."""
    row = Broadcast(storefront_id=storefront_id, by=by, text=text, made_at=now(session), upto_customer_id=DRAFT, posted=0)
    session.add(row)
    session.flush()
    return row.id


@write
def begin(session: Session, *, broadcast_id: int, storefront_id: int, by: str) -> bool:
    """Let the job write it to everybody who wants broadcasts; False when it was begun before. Raises Gone."""
    row = session.get(Broadcast, broadcast_id)
    if row is None or row.storefront_id != storefront_id:
        raise Gone
    begun = session.scalars(
        update(Broadcast)
        .where(Broadcast.id == broadcast_id, Broadcast.upto_customer_id == DRAFT)
        .values(upto_customer_id=0)
        .returning(Broadcast.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if begun is None:
        return False
    journal.record(session, by=by, did="begin-broadcast", about="broadcast", about_id=broadcast_id, after={"text": row.text})
    return True


@write
def begin_branded(session: Session, *, broadcast_id: int, storefront_id: int, by: str) -> int | None:
    """The same in a reseller's storefront: it uses up one broadcast of its owner's package. Returns how many are left, None where
    broadcasts are not sold, or it was begun before. Raises Gone, brands.StoppedByShop, packages.Locked, packages.NoneLeft: then nothing is
    sent.
    """
    brand = brands.brand_of(session, storefront_id)
    if brand is None or brand.closed:
        raise Gone
    if brand.stopped_at is not None:
        raise brands.StoppedByShop
    if not begin(session, broadcast_id=broadcast_id, storefront_id=storefront_id, by=by):
        return None
    return packages.use_broadcast(session, customer_id=brand.owner_id)


@write
def stop(session: Session, *, broadcast_id: int, storefront_id: int, by: str) -> bool:
    """Write it to nobody more, and take back what is not sent yet; False when it was stopped before. Raises Gone."""
    row = session.get(Broadcast, broadcast_id, with_for_update=True)
    if row is None or row.storefront_id != storefront_id:
        raise Gone
    if row.stopped_at is not None:
        return False
    withdrawn = outbox.withdraw(session, topic=outbox.Topic.BROADCAST, once_prefix=once_prefix(broadcast_id))
    before = {"posted": row.posted}
    row.stopped_at = now(session)
    row.posted -= withdrawn
    journal.record(
        session,
        by=by,
        did="stop-broadcast",
        about="broadcast",
        about_id=broadcast_id,
        before=before,
        after={"posted": row.posted, "taken_back": withdrawn},
    )
    return True


@write
def stop_all(session: Session, *, storefront_id: int, by: str) -> int:
    """Stop every broadcast of a storefront that is under way or not all sent; returns how many that were."""
    under_way = session.scalars(
        select(Broadcast.id)
        .where(Broadcast.storefront_id == storefront_id, Broadcast.stopped_at.is_(None), Broadcast.upto_customer_id != DRAFT)
        .order_by(Broadcast.id)
    ).all()
    return sum(stop(session, broadcast_id=one, storefront_id=storefront_id, by=by) for one in under_way)


@write
def post_next(session: Session, *, most: int = 200) -> int:
    """Post the next chunk of the oldest broadcast under way to the outbox; call again until it is 0.

    Looks at up to `most` customers and passes over those who opted out or blocked the bot. Returns how many it looked at,
    and 1 for a broadcast that it only found to be finished. Several processes may do this at once: a broadcast is one
    process's for a chunk, and each customer is posted to once.
    """
    row = session.scalars(
        select(Broadcast)
        .where(Broadcast.posted_at.is_(None), Broadcast.stopped_at.is_(None), Broadcast.upto_customer_id != DRAFT)
        .order_by(Broadcast.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return 0
    page = people.next_customers(session, storefront_id=row.storefront_id, after=row.upto_customer_id, limit=most)
    for customer in page:
        if customer.blocked or not customer.wants_broadcasts:
            continue
        posted = outbox.post(
            session,
            topic=outbox.Topic.BROADCAST,
            customer_id=customer.id,
            body={"says": "broadcast", "broadcast": row.id, "text": row.text},
            once=f"{once_prefix(row.id)}{customer.id}",
        )
        row.posted += posted
    if page:
        row.upto_customer_id = page[-1].id
    if len(page) < most:
        row.posted_at = now(session)
    return max(1, len(page))
