"""Imports that die, stand still or break at the last step: no code is lost, none enters twice, and what is said is true."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from core import inventory
from core.database import Shop, Write
from core.inventory import ImportReceipt, OpenBatch, Secret
from core.storefronts import Storefront
from tests.conftest import KEYS
from tests.core.props import assert_sound
from tests.stage import Clock, Goods, put_on_sale

FILE = [(row, Secret(f"FILE-{row:05d}")) for row in range(1, 1501)]


@pytest.fixture
async def empty(shop: Shop, storefront: Storefront) -> Goods:
    """A denomination without a code."""
    return await put_on_sale(shop, storefront, count=0)


async def killed(shop: Shop, goods: Goods, lines: list[tuple[int, Secret]]) -> OpenBatch:
    """An import whose process dies after these lines were staged."""
    batch = await shop.write(inventory.open_batch, offer_id=goods.offer_id, sku_id=goods.sku_id, source_name="dies", by="test")
    sealed = list(inventory.seal(shop.tools.keys, batch, lines))
    await shop.write(inventory.stage, batch_id=batch.id, offer_id=goods.offer_id, sealed=sealed)
    return batch


async def bring(shop: Shop, goods: Goods, lines: list[tuple[int, Secret]]) -> ImportReceipt:
    return await inventory.bring_in(shop, offer_id=goods.offer_id, sku_id=goods.sku_id, source_name="again", by="test", lines=iter(lines))


async def shelf(shop: Shop, goods: Goods) -> int:
    return (await shop.read(inventory.on_shelf, [goods.offer_id]))[goods.offer_id]


async def test_the_file_of_a_killed_import_comes_in_whole_when_it_is_sent_again(shop: Shop, empty: Goods, clock: Clock) -> None:
    dead = await killed(shop, empty, FILE[:1000])
    clock.passes(minutes=3)
    prints = [shop.tools.keys.fingerprint(secret.joined()) for _, secret in FILE[:10]]
    assert await shop.read(inventory.known, prints) == set(), "who asks first must not leave these out"

    receipt = await bring(shop, empty, FILE)

    assert (receipt.accepted, receipt.duplicate_in_shop, receipt.staged_elsewhere) == (1500, [], [])
    assert await shelf(shop, empty) == 1500
    assert await shop.read(inventory.known, prints) == set(prints)
    while await shop.write(inventory.reject_abandoned):
        pass
    assert await shelf(shop, empty) == 1500
    with pytest.raises(inventory.PutAside):  # If it was not dead after all, it is told.
        await shop.write(inventory.publish, batch_id=dead.id)
    await assert_sound(shop, sample=3)


async def test_codes_of_an_import_under_way_are_named_as_such_and_left_to_it(shop: Shop, empty: Goods, clock: Clock) -> None:
    living = await killed(shop, empty, FILE[:1000])
    clock.passes(seconds=90)
    sealed = list(inventory.seal(shop.tools.keys, living, FILE[1000:1010]))
    await shop.write(inventory.stage, batch_id=living.id, offer_id=empty.offer_id, sealed=sealed)
    clock.passes(seconds=90)

    receipt = await bring(shop, empty, FILE)

    assert (receipt.accepted, receipt.duplicate_in_shop) == (490, [])
    assert receipt.staged_elsewhere == list(range(1, 1011))
    assert await shop.write(inventory.reject_abandoned) == 0
    assert await shop.write(inventory.publish, batch_id=living.id) == 0
    assert await shelf(shop, empty) == 1500
    assert (await bring(shop, empty, FILE)).duplicate_in_shop == list(range(1, 1501))
    await assert_sound(shop)


async def test_what_an_importer_left_staged_is_thrown_away_after_minutes(shop: Shop, empty: Goods, clock: Clock) -> None:
    await killed(shop, empty, FILE)
    await killed(shop, empty, [])
    clock.passes(seconds=100)
    assert await shop.write(inventory.reject_abandoned) == 0
    clock.passes(seconds=30)
    for _ in range(10):
        await shop.write(inventory.reject_abandoned)
    assert await shop.write(inventory.reject_abandoned) == 0
    assert sum((await shop.read(inventory.places, [empty.offer_id])).values()) == 0
    await assert_sound(shop)


@pytest.mark.parametrize("database", ["sqlite"])
async def test_on_sqlite_whatever_was_staged_before_the_start_is_abandoned(shop: Shop, empty: Goods, database_url: str) -> None:
    """One process writes: who staged it is not there any more, so nobody waits two minutes."""
    await killed(shop, empty, FILE[:1000])
    await shop.close()
    async with Shop.opened(database_url, KEYS, holder="next") as restarted:
        assert (await bring(restarted, empty, FILE)).accepted == 1500


async def test_an_import_that_stood_still_for_too_long_says_that_nothing_was_imported(
    shop: Shop, empty: Goods, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By the shop's clock it stands still; the machine's would say that it lives.
    monkeypatch.setattr("core.inventory.batches._BEAT_SECONDS", 3600.0)

    def lines() -> Iterator[tuple[int, Secret]]:
        for row, secret in FILE:
            if row == 1200:
                assert stored.wait(30), "otherwise storing the first chunk might be a sign of life after these minutes"
                clock.passes(minutes=5)
                asyncio.run_coroutine_threadsafe(shop.write(inventory.reject_abandoned), loop).result()
            yield row, secret

    async def first_is_stored(_: int) -> None:
        stored.set()

    stored = threading.Event()
    loop = asyncio.get_running_loop()
    with pytest.raises(inventory.PutAside):
        await inventory.bring_in(
            shop, offer_id=empty.offer_id, sku_id=empty.sku_id, source_name="slow", by="test", lines=lines(), progress=first_is_stored
        )
    assert sum((await shop.read(inventory.places, [empty.offer_id])).values()) == 0
    assert (await bring(shop, empty, FILE)).accepted == 1500


async def test_an_import_that_reads_slowly_stays_alive(shop: Shop, empty: Goods, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long archive may take minutes before its first line: reading is work, too."""
    monkeypatch.setattr("core.inventory.batches._BEAT_SECONDS", 0.02)

    def lines() -> Iterator[tuple[int, Secret]]:
        for _ in range(6):
            clock.passes(seconds=50)
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0.2), loop).result()
        yield from FILE[:5]

    loop = asyncio.get_running_loop()

    async def throws_away() -> None:
        while not done.is_set():
            await shop.write(inventory.reject_abandoned)
            await asyncio.sleep(0.03)

    done = asyncio.Event()
    job = asyncio.create_task(throws_away())
    try:
        receipt = await inventory.bring_in(shop, offer_id=empty.offer_id, sku_id=empty.sku_id, source_name="slow", by="test", lines=lines())
    finally:
        done.set()
        await job
    assert receipt.accepted == 5 and await shelf(shop, empty) == 5


def breaking(shop: Shop, monkeypatch: pytest.MonkeyPatch, *, at: int, committed: bool, for_good: bool = False) -> None:
    """The connection breaks at the `at`-th step of the publishing, before or after the step is committed."""
    real, steps = shop.write, [0]

    async def write(command: Write[..., Any], *args: Any, **kwargs: Any) -> Any:
        if for_good and steps[0] >= at:
            raise ConnectionError("still away")
        if command is inventory.publish:
            steps[0] += 1
            kwargs = {**kwargs, "most": 400}
            if steps[0] == at:
                if committed:
                    await real(command, *args, **kwargs)
                raise ConnectionError("away")
        return await real(command, *args, **kwargs)

    monkeypatch.setattr(shop, "write", write)


@pytest.mark.parametrize(("at", "committed"), [(1, True), (2, False), (2, True), (4, True)])
async def test_an_import_that_breaks_while_it_goes_on_sale_says_so(
    shop: Shop, empty: Goods, monkeypatch: pytest.MonkeyPatch, at: int, committed: bool
) -> None:
    """What a job finishes must not be reported as not imported."""
    with monkeypatch.context() as patched:
        breaking(shop, patched, at=at, committed=committed)
        receipt = await bring(shop, empty, [*FILE, (1501, FILE[0][1])])

    assert receipt.on_sale is (at == 4), "the fourth step was the last, so nothing is left to do"
    assert (receipt.accepted, receipt.duplicate_in_file) == (1500, [1501])
    for batch_id in await shop.read(inventory.unpublished):
        while await shop.write(inventory.publish, batch_id=batch_id):
            pass
    assert await shelf(shop, empty) == 1500
    await assert_sound(shop)


async def test_an_import_that_breaks_before_anything_is_on_sale_leaves_nothing(
    shop: Shop, empty: Goods, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        breaking(shop, patched, at=1, committed=False)
        with pytest.raises(ConnectionError):
            await bring(shop, empty, FILE)
    assert sum((await shop.read(inventory.places, [empty.offer_id])).values()) == 0
    assert (await bring(shop, empty, FILE)).accepted == 1500


async def test_when_nobody_can_know_whether_codes_go_on_sale_that_is_said(
    shop: Shop, empty: Goods, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        breaking(shop, patched, at=1, committed=False, for_good=True)
        with pytest.raises(inventory.Undecided):
            await bring(shop, empty, FILE)


async def test_two_imports_of_one_abandoned_file_at_once_take_each_code_once(shop: Shop, empty: Goods, clock: Clock) -> None:
    await killed(shop, empty, FILE[:1000])
    clock.passes(minutes=3)
    receipts = await asyncio.gather(bring(shop, empty, FILE), bring(shop, empty, FILE[::-1]), shop.write(inventory.reject_abandoned))
    one, two, _ = receipts
    assert one.accepted + two.accepted == await shelf(shop, empty) == 1500
    assert sum(len(r.duplicate_in_shop) + len(r.staged_elsewhere) for r in (one, two)) == 1500
    await assert_sound(shop)
