"""Bringing codes in: sealed outside the transaction, staged in chunks, and put on sale together."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import ClassVar

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, text, update
from sqlalchemy.orm import Session

from core import blacklist, journal
from core.database import DataKey, Keyring, Shop, among, keys, now, read, tools, write
from core.errors import N_, Refusal
from core.inventory.codes import Secret, row_identity
from core.inventory.marks import Marks
from core.inventory.tables import Batch, BatchState, Code

CHUNK = 1000  # Rows in one transaction: the SQLite writer is never held for long.
MOST_CODES = 1 << 20  # in one batch: the bound of a data key
# Signs of life of an import: much rarer than rows are staged, much more often than an import is taken for dead.
_BEAT_SECONDS = 20.0
_ABANDONED_AFTER = timedelta(minutes=2)
_LAST_READING_SECONDS = 5.0
_TRIES = 3

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Refused(Refusal):
    """The batch was put aside whole."""

    says: ClassVar[str] = N_("The file has more than {most} codes. Please split it; nothing was imported.")

    most: int


@dataclass(eq=False)
class PutAside(Refusal):
    """The batch gave no sign of life for so long that it was thrown away, and others may bring its codes in."""

    says: ClassVar[str] = N_("The import stood still for too long and was put aside. Nothing was imported; please try again.")


@dataclass(eq=False)
class Undecided(Refusal):
    """The database went away at the very step that puts codes on sale."""

    says: ClassVar[str] = N_(
        "The database did not answer at the last step. Either all codes are being put on sale or none is: "
        "please look at the stock in some minutes, before you send them again."
    )


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch that takes codes: its identity, and its data key in memory only."""

    id: int
    aad: str
    data_key: DataKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A code ready to be stored: the line it stood in, encrypted, with its fingerprint."""

    row: int
    ciphertext: bytes = field(repr=False)
    fingerprint: bytes = field(repr=False)
    digest: bytes = field(default=b"", repr=False)  # by which the blacklist knows it


@dataclass(frozen=True, slots=True)
class Staged:
    """Lines that were taken, and by their numbers those that were not: the shop has or had the code already, another import is
    bringing it in, or it must not be sold."""

    accepted: int
    duplicates: list[int]
    elsewhere: list[int]
    blacklisted: list[int] = field(default_factory=list)


@dataclass(slots=True)
class ImportReceipt:
    """What became of an import, by line numbers where it was refused.

    `staged_elsewhere` are codes that another import under way holds: should it fail, they may be sent again. Without
    `on_sale`, the last step was interrupted: what was accepted is being put on sale, and a timed job finishes that.
    """

    batch_id: int
    accepted: int = 0
    duplicate_in_file: list[int] = field(default_factory=list)
    duplicate_in_shop: list[int] = field(default_factory=list)
    staged_elsewhere: list[int] = field(default_factory=list)
    on_sale: bool = True
    blacklisted: list[int] = field(default_factory=list)


@write
def open_batch(
    session: Session,
    *,
    offer_id: int,
    sku_id: int,
    source_name: str,
    by: str,
    link_id: int | None = None,
    document_id: int | None = None,
) -> OpenBatch:
    """A new batch with a data key of its own; `link_id` when it comes by a one-time upload link, `document_id` the paper it rests on."""
    aad = f"batch-{secrets.token_hex(12)}"
    data_key, wrapped, key_id = keys(session).new_data_key(aad)
    row = Batch(
        offer_id=offer_id,
        sku_id=sku_id,
        state=BatchState.STAGED,
        source_name=source_name[:200],
        by=by,
        wrapped_key=wrapped,
        wrapping_key_id=key_id,
        aad=aad,
        accepted=0,
        made_at=now(session),
        alive_at=now(session),
        link_id=link_id,
        document_id=document_id,
    )
    session.add(row)
    session.flush()
    return OpenBatch(row.id, aad, data_key)


def seal(keyring: Keyring, batch: OpenBatch, lines: Iterable[tuple[int, Secret]]) -> Iterator[Sealed]:
    """Encrypt and fingerprint (line, secret) pairs: pure work, done outside any transaction."""
    for row, secret in lines:
        joined = secret.joined()
        ciphertext = batch.data_key.seal(secret.packed(), row_identity(batch.aad, row))
        yield Sealed(row, ciphertext, keyring.fingerprint(joined), blacklist.digest_of(joined))


def abandoned(session: Session) -> ColumnElement[bool]:
    """Batches that nobody works on any more, though codes are staged in them."""
    dead_before = now(session) - _ABANDONED_AFTER
    if session.get_bind().dialect.name != "postgresql":
        # One process writes: who staged before it began is not there any more.
        dead_before = max(dead_before, tools(session).opened_at)
    return or_(Batch.state == BatchState.REJECTED, and_(Batch.state == BatchState.STAGED, Batch.alive_at < dead_before))


@write
def beat(session: Session, *, batch_id: int) -> None:
    """A sign of life of an import under way; raises PutAside when it was given up."""
    alive = session.execute(
        update(Batch).where(Batch.id == batch_id, Batch.state == BatchState.STAGED).values(alive_at=now(session)).returning(Batch.id),
        execution_options={"synchronize_session": False},
    ).first()
    if alive is None:
        raise PutAside


@write
def stage(session: Session, *, batch_id: int, offer_id: int, sealed: Sequence[Sealed]) -> Staged:
    """Store sealed codes where nobody can buy them yet; those the shop has or ever had, and those that must not be sold, are named.

    What an abandoned batch left staged is taken over, and that batch is put aside. Raises PutAside when it is this one.
    """
    beat(session, batch_id=batch_id)
    store = _store_on_postgres if session.get_bind().dialect.name == "postgresql" else _store
    kept: set[int] = set()
    listed = blacklist.known_codes(session, [s.digest for s in sealed])
    rest = [s for s in sealed if s.digest not in listed]
    for _ in range(_TRIES):
        if not rest:
            break
        kept |= store(session, batch_id, offer_id, rest)
        rest = [s for s in rest if s.row not in kept]
        if not _freed(session, batch_id, {s.fingerprint for s in rest}):
            break
    stay = _staying(session, batch_id, {s.fingerprint for s in rest})
    elsewhere = [s.row for s in rest if s.fingerprint not in stay]
    if kept:
        session.execute(update(Batch).where(Batch.id == batch_id).values(accepted=Batch.accepted + len(kept)))
    return Staged(len(kept), [s.row for s in rest if s.fingerprint in stay], elsewhere, [s.row for s in sealed if s.digest in listed])


def _freed(session: Session, batch_id: int, fingerprints: Collection[bytes]) -> bool:
    """Throw away what abandoned batches hold of these; True when any of them is free now and may be stored."""
    if not fingerprints:
        return False
    of_these = select(Code.id, Code.batch_id).where(Code.fingerprint.in_(fingerprints))
    held = session.execute(
        of_these.join(Batch, Batch.id == Code.batch_id).where(Code.staged.is_not(None), Code.batch_id != batch_id, abandoned(session))
    ).all()
    if held:
        # Whoever is putting them aside, or has come to life, is waited for: then only what is still abandoned is taken.
        put_aside = _put_aside(session, {batch for _, batch in held})
        session.execute(
            delete(Code).where(among(session, Code.id, [code for code, batch in held if batch in put_aside]), Code.staged.is_not(None)),
            execution_options={"synchronize_session": False},
        )
    return len(session.execute(of_these).all()) < len(fingerprints)


def _put_aside(session: Session, batch_ids: Collection[int]) -> set[int]:
    """Reject those of these batches that are abandoned at the moment when they are locked; returns which."""
    return set(
        session.execute(
            update(Batch)
            .where(among(session, Batch.id, batch_ids), abandoned(session))
            .values(state=BatchState.REJECTED)
            .returning(Batch.id),
            execution_options={"synchronize_session": False},
        ).scalars()
    )


def _staying(session: Session, batch_id: int, fingerprints: Collection[bytes]) -> set[bytes]:
    """Those of these that have come to stay, or are in this batch; the others are in a batch that may yet be put aside."""
    if not fingerprints:
        return set()
    stays = or_(Code.staged.is_(None), Code.batch_id == batch_id, Batch.state == BatchState.PUBLISHING)
    question = select(Code.fingerprint).join(Batch, Batch.id == Code.batch_id).where(Code.fingerprint.in_(fingerprints), stays)
    return set(session.scalars(question))


_STORE = text("""
INSERT INTO codes (offer_id, batch_id, row, staged, ciphertext, fingerprint)
SELECT CAST(:offer_id AS bigint), CAST(:batch_id AS bigint), u.row, 1, u.ciphertext, u.fingerprint
FROM unnest(CAST(:rows AS bigint[]), CAST(:ciphertexts AS bytea[]), CAST(:fingerprints AS bytea[])) AS u(row, ciphertext, fingerprint)
ON CONFLICT (fingerprint) DO NOTHING RETURNING row
""")


def _store_on_postgres(session: Session, batch_id: int, offer_id: int, sealed: Sequence[Sealed]) -> set[int]:
    """One statement with three arrays: a parameter for each value of each row costs five times as much."""
    return set(
        session.execute(
            _STORE,
            {
                "offer_id": offer_id,
                "batch_id": batch_id,
                "rows": [s.row for s in sealed],
                "ciphertexts": [s.ciphertext for s in sealed],
                "fingerprints": [s.fingerprint for s in sealed],
            },
        ).scalars()
    )


def _store(session: Session, batch_id: int, offer_id: int, sealed: Sequence[Sealed]) -> set[int]:
    """Only one connection writes on SQLite, so what is not there now is not there when it is inserted."""
    known = set(session.scalars(select(Code.fingerprint).where(Code.fingerprint.in_([s.fingerprint for s in sealed]))))
    fresh = {s.fingerprint: s for s in reversed(sealed) if s.fingerprint not in known}
    if fresh:
        session.connection().exec_driver_sql(
            "INSERT INTO codes (offer_id, batch_id, row, staged, ciphertext, fingerprint) VALUES (?, ?, ?, 1, ?, ?)",
            [(offer_id, batch_id, s.row, s.ciphertext, s.fingerprint) for s in sorted(fresh.values(), key=lambda s: s.row)],
        )
    return {s.row for s in fresh.values()}


@write
def publish(session: Session, *, batch_id: int, most: int = CHUNK * 2) -> int:
    """Put up to `most` staged codes of a checked batch on the shelf; returns how many are still staged (ten times `most` or more count
    as that many). Call again until it is 0.

    The first call decides that all of it goes on sale, the last one writes the import into the action log. Raises PutAside
    when the batch was given up.
    """
    batch = session.get_one(Batch, batch_id, with_for_update=True)
    if batch.state is BatchState.REJECTED:
        raise PutAside
    if batch.state is BatchState.PUBLISHED:
        return 0
    ids = session.scalars(select(Code.id).where(Code.batch_id == batch_id, Code.staged.is_not(None)).order_by(Code.id).limit(most)).all()
    if ids:
        session.execute(
            update(Code)
            .where(Code.batch_id == batch_id, Code.staged.is_not(None), Code.id <= ids[-1])
            .values(staged=None, available=Code.id),
            execution_options={"synchronize_session": False},
        )
    left = 0
    if len(ids) == most:
        left = _still_staged(session, batch_id, most)
    batch.state = BatchState.PUBLISHING if left else BatchState.PUBLISHED
    batch.published_at = now(session)
    if not left:
        journal.record(
            session,
            by=batch.by,
            did="import-codes",
            about="sku",
            about_id=batch.sku_id,
            after={"batch": batch.id, "accepted": batch.accepted, "source": batch.source_name},
        )
    # Ids are given out when staged: a batch published late may stand before what this process sold last.
    tools(session).low_water.clear()
    tools(session).empty_before.clear()
    return left


def _still_staged(session: Session, batch_id: int, most: int) -> int:
    """How many codes of a batch are still staged. Not counted to the end: each of the many calls would walk through a million."""
    some = select(Code.id).where(Code.batch_id == batch_id, Code.staged.is_not(None)).limit(10 * most).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


@write
def reject(session: Session, *, batch_id: int, most: int = CHUNK * 2) -> int:
    """Throw a staged batch away and free its fingerprints; returns how many rows are left, as `publish` does. Call again until it is 0."""
    batch = session.get_one(Batch, batch_id, with_for_update=True)
    assert batch.state in (BatchState.STAGED, BatchState.REJECTED), "what was on sale is never thrown away"
    batch.state = BatchState.REJECTED
    ids = session.scalars(select(Code.id).where(Code.batch_id == batch_id, Code.staged.is_not(None)).order_by(Code.id).limit(most)).all()
    session.execute(delete(Code).where(among(session, Code.id, ids)), execution_options={"synchronize_session": False})
    return _still_staged(session, batch_id, most) if ids else 0


@write
def reject_unpublished(session: Session, *, batch_id: int) -> int:
    """Throw a batch away unless it is going on sale already; returns how many rows are left. Call again until it is 0."""
    batch = session.get_one(Batch, batch_id, with_for_update=True)
    return reject(session, batch_id=batch_id) if batch.state in (BatchState.STAGED, BatchState.REJECTED) else 0


@read
def ever_brought(session: Session, offer_id: int) -> bool:
    """Has anything ever come to this offer, or does it come just now? What is made on order counts too."""
    return session.scalar(select(Batch.id).where(Batch.offer_id == offer_id, Batch.state != BatchState.REJECTED).limit(1)) is not None


@read
def ever_sold(session: Session, offer_ids: Sequence[int]) -> bool:
    """Is a code of these offers an order's, refunded or not? For what staff decide: it may look at a whole shelf."""
    return session.scalar(select(Code.id).where(Code.offer_id.in_(offer_ids), Code.order_id.is_not(None)).limit(1)) is not None


@read
def unpublished(session: Session) -> list[int]:
    """Batches whose publishing was begun and interrupted: to be finished at the next start."""
    return list(session.scalars(select(Batch.id).where(Batch.state == BatchState.PUBLISHING).order_by(Batch.id)))


@write
def reject_abandoned(session: Session) -> int:
    """Throw away a chunk of what importers that died left staged; returns how many batches it was about."""
    silent = session.scalars(select(Batch.id).where(Batch.state == BatchState.STAGED, abandoned(session)).order_by(Batch.id).limit(5)).all()
    put_aside = _put_aside(session, silent)
    staged_still = select(Code.id).where(Code.batch_id == Batch.id, Code.staged.is_not(None)).exists()
    left = session.scalars(select(Batch.id).where(Batch.state == BatchState.REJECTED, staged_still).order_by(Batch.id).limit(5)).all()
    for batch_id in left:
        reject(session, batch_id=batch_id)
    return len(put_aside.union(left))


@read
def _state(session: Session, batch_id: int) -> BatchState:
    return session.scalars(select(Batch.state).where(Batch.id == batch_id)).one()


async def bring_in(
    shop: Shop,
    *,
    offer_id: int,
    sku_id: int,
    source_name: str,
    by: str,
    lines: Iterator[tuple[int, Secret]],
    progress: Callable[[int], Awaitable[None]] | None = None,
    link_id: int | None = None,
    document_id: int | None = None,
    agree: Callable[[int], Awaitable[None]] | None = None,
) -> ImportReceipt:
    """Import (line, secret) pairs: all that are new go on sale together, or nothing does.

    Reading, encryption and fingerprints run in a thread and outside transactions. `progress` is awaited with the number of
    lines seen, `agree` with that of the new codes just before they go on sale; an error of one of them, or of `lines`, puts the
    whole batch aside. Raises Refused above MOST_CODES lines, PutAside when the import was taken for dead, Undecided when nobody
    can know what became of it; any other error means that nothing was imported.
    """
    batch = await shop.write(
        open_batch, offer_id=offer_id, sku_id=sku_id, source_name=source_name, by=by, link_id=link_id, document_id=document_id
    )
    receipt = ImportReceipt(batch.id)
    seen = Marks()
    lines_seen = 0
    sealing = seal(shop.tools.keys, batch, lines)
    # While a chunk is being stored the next one is read and sealed.
    reading = _read_on(sealing)
    try:
        while chunk := await _next(shop, batch.id, reading):
            reading = _read_on(sealing)
            lines_seen += len(chunk)
            if lines_seen > MOST_CODES:
                raise Refused(most=MOST_CODES)
            fresh = []
            for sealed in chunk:
                if seen.add(sealed.fingerprint):
                    fresh.append(sealed)
                else:
                    receipt.duplicate_in_file.append(sealed.row)
            staged = await shop.write(stage, batch_id=batch.id, offer_id=offer_id, sealed=fresh)
            receipt.accepted += staged.accepted
            receipt.duplicate_in_shop += staged.duplicates
            receipt.staged_elsewhere += staged.elsewhere
            receipt.blacklisted += staged.blacklisted
            if progress is not None:
                await progress(lines_seen)
        if agree is not None:
            await agree(receipt.accepted)
    except BaseException:
        # Whoever gave the lines may close what they are read from: nobody reads on, unless the reading itself has got stuck.
        reading.add_done_callback(_nobody_asks)
        await asyncio.wait({reading}, timeout=_LAST_READING_SECONDS)
        while await shop.write(reject, batch_id=batch.id):
            pass
        raise
    receipt.on_sale = await _put_on_sale(shop, batch.id)
    return receipt


def _read_on(sealing: Iterator[Sealed]) -> asyncio.Task[list[Sealed]]:
    """Read and seal the next chunk in a thread."""

    async def read_on() -> list[Sealed]:
        return await asyncio.to_thread(lambda: list(islice(sealing, CHUNK)))

    return asyncio.create_task(read_on())


def _nobody_asks(reading: asyncio.Task[list[Sealed]]) -> None:
    """What was read in vain, or went wrong then, is of no interest any more."""
    if not reading.cancelled():
        reading.exception()


async def _next(shop: Shop, batch_id: int, reading: asyncio.Task[list[Sealed]]) -> list[Sealed]:
    """The chunk that is being read, with signs of life while that takes long."""
    while not (await asyncio.wait({reading}, timeout=_BEAT_SECONDS))[0]:
        await shop.write(beat, batch_id=batch_id)
    return reading.result()


async def _put_on_sale(shop: Shop, batch_id: int) -> bool:
    """Publish a batch to its end; False when that was begun and broke off: then a timed job goes on with it.

    An error means that nothing of it goes on sale, except Undecided.
    """
    try:
        while await shop.write(publish, batch_id=batch_id):
            pass
    except PutAside:
        raise
    except Exception as trouble:
        log.warning("the publishing of batch %d broke off: %s", batch_id, type(trouble).__name__)
        try:
            state = await shop.read(_state, batch_id)
            if state is BatchState.STAGED:
                # What broke off may yet be committed: only the row, locked, knows.
                while await shop.write(reject_unpublished, batch_id=batch_id):
                    pass
                state = await shop.read(_state, batch_id)
        except Exception:
            raise Undecided from trouble
        if state is BatchState.REJECTED:
            raise
        return state is BatchState.PUBLISHED
    return True
