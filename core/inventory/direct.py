"""Codes that come for an order that waits for them: sealed like all others, and never on the shelf."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import blacklist
from core.database import insert_new, keys, now, write
from core.inventory.batches import open_batch, seal
from core.inventory.codes import Secret
from core.inventory.tables import Batch, BatchState, Code


@dataclass(frozen=True, slots=True)
class Direct:
    """What became of codes that came for an order: the ids of those that are its own now; of those that came above what was waited
    for, and are kept void; and how many were refused: others had brought them into the shop before, or they must not be sold."""

    taken: list[int] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    refused: int = 0


@write
def issue_directly(
    session: Session, *, offer_id: int, sku_id: int, order_id: int, secrets: Sequence[Secret], by: str, most: int | None = None
) -> Direct:
    """Seal these codes into a batch of their own and give them to an order; what the same `by` had brought before changes nothing.

    A code that entered the shop before – for anybody, at any time – or is on the blacklist is refused: it is no delivery. At most
    `most` new ones become the order's (all of them without); what came above that is kept void, so that nothing is lost.
    """
    ring = keys(session)
    digests = [blacklist.digest_of(secret.joined()) for secret in secrets]
    listed = blacklist.known_codes(session, digests)
    prints = [ring.fingerprint(secret.joined()) for secret in secrets]
    brought = select(Code.fingerprint, Batch.by).join(Batch, Batch.id == Code.batch_id).where(Code.fingerprint.in_(prints))
    known = {row.fingerprint: row.by for row in session.execute(brought)}
    lines: list[tuple[int, Secret]] = []
    seen: set[bytes] = set()
    refused = 0
    for line, (fingerprint, digest, secret) in enumerate(zip(prints, digests, secrets, strict=True), 1):
        if fingerprint in known:
            refused += known[fingerprint] != by
        elif digest in listed:
            refused += 1
        elif fingerprint not in seen:
            seen.add(fingerprint)
            lines.append((line, secret))
    if not lines:
        return Direct([], [], refused)
    batch, at = open_batch(session, offer_id=offer_id, sku_id=sku_id, source_name="made on order", by=by), now(session)
    taken: list[int] = []
    kept: list[int] = []
    rows = [
        {"offer_id": offer_id, "batch_id": batch.id, "row": sealed.row, "ciphertext": sealed.ciphertext, "fingerprint": sealed.fingerprint}
        for sealed in seal(ring, batch, lines)
    ]
    while rows:
        # Many at once: a supplier's other sales wait until all of these are in.
        given = most is None or len(taken) < most
        count = len(rows) if most is None or not given else most - len(taken)
        now_in, rows = rows[:count], rows[count:]
        place = {"order_id": order_id, "void_at": None} if given else {"order_id": None, "void_at": at}
        ids = session.scalars(insert_new(session, Code).returning(Code.id), [row | place for row in now_in]).all()
        refused += len(now_in) - len(ids)  # Others have brought those in at this very moment.
        (taken if given else kept).extend(sorted(ids))
    row = session.get_one(Batch, batch.id)
    row.accepted, row.state, row.published_at = len(taken) + len(kept), BatchState.PUBLISHED, at
    session.flush()
    return Direct(taken, kept, refused)
