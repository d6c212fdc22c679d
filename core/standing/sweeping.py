"""Comparing the shelf with a blacklist that came in: what matches is void, with a trail, and the staff are told."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from core import blacklist, inventory, journal
from core.blacklist import FeedView
from core.database import Shop, write
from core.standing.suppliers import tell_all_staff


async def sweep(shop: Shop) -> int:
    """Compare the next codes that are not sold yet with the blacklist; returns how many were compared (0: nothing is to be done).

    Opening codes is work without a transaction; what is found becomes void in one. A list is done when all that was on its way
    into the shop while it came in is there, and was compared as well.
    """
    feed = await shop.read(blacklist.to_sweep)
    if feed is None:
        return 0
    page = await shop.read(inventory.unsold_digests, after=feed.swept_to, most=blacklist.CHUNK)
    known = await shop.read(blacklist.known_codes, [digest for _, digest in page])
    to = page[-1][0] if page else feed.swept_to
    done = len(page) < blacklist.CHUNK
    if done and feed.loaded_at is not None:
        on_its_way = await shop.read(inventory.first_unpublished, feed.loaded_at)
        if on_its_way is not None:
            # Their import did not see the list: they are compared when they are on the shelf.
            to, done = min(to, on_its_way - 1), False
    await shop.write(void_listed, feed=feed, code_ids=[code_id for code_id, digest in page if digest in known], to=to, done=done)
    return len(page)


@write
def void_listed(session: Session, *, feed: FeedView, code_ids: Collection[int], to: int, done: bool) -> int:
    """These codes are on the blacklist: those that are still unsold are void from now on. Returns how many."""
    gone = inventory.void_unsold(session, code_ids=code_ids)
    for place in sorted(set(gone.values())):
        blacklist.note_hits(session, code_ids=[code_id for code_id, was in gone.items() if was == place], place=place)
    for code_id, place in sorted(gone.items()):
        journal.record(
            session,
            by="blacklist",
            did="void-code",
            about="code",
            about_id=code_id,
            before={"place": place},
            after={"place": "void", "blacklist": feed.id},
        )
    after = blacklist.swept(session, feed_id=feed.id, to=to, voided=len(gone), done=done)
    if after is not None and done:
        body = {"says": "blacklist-swept", "feed": feed.id, "name": after.name, "fresh": after.fresh, "voided": after.voided}
        tell_all_staff(session, body=body, once=f"blacklist:{feed.id}")
    return len(gone)
