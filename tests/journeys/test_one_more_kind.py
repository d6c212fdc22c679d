"""A kind of product that is one new file: chosen by the shopkeeper, sold, made, complained about and told to programs, by that alone."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from core import api
from core.database import Shop
from core.fulfilment import all_kinds, kinds
from core.orders import OrderState
from core.storefronts import Storefront
from tests.admin.staff import hire, walks
from tests.core.props import assert_sound
from tests.handlers.counter import Counter, opened
from tests.journeys.test_cases import delivered
from tests.journeys.test_kinds import last_order, works
from tests.programs import key_for, reseller
from tests.stage import Clock, put_on_sale

FILE = '''
"""A song that somebody records for the buyer."""

from datetime import timedelta

from core.fulfilment.fields import Field
from core.fulfilment.kind import Kind, Number


class SongKind(Kind):
    name = "song"
    title = "Song"
    about = "Somebody sings it for the buyer."
    from_shelf = False
    for_programs = "topup"
    numbers = (Number("good_days", "Days for which it is sung again", 0, 100, 6),)

    def fields(self, terms):
        return [Field("name", "Who is sung to", {}, "free")]

    def warranty(self, terms):
        return timedelta(days=self.number(terms, "good_days"))

    def words(self, terms):
        return [("If it does not please you within {days} days, it is sung again.", {"days": self.number(terms, "good_days")})]


KIND = SongKind()
'''


@pytest.fixture
def song(tmp_path: Path) -> Iterator[None]:
    """The file lies in the folder of kinds, as another part of it."""
    (tmp_path / "song.py").write_text(FILE, encoding="utf-8")
    kinds.__path__.append(str(tmp_path))
    all_kinds.cache_clear()
    yield
    kinds.__path__.remove(str(tmp_path))
    sys.modules.pop("core.fulfilment.kinds.song", None)
    all_kinds.cache_clear()


@pytest.fixture
async def counter(song: None, shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running
    await assert_sound(shop)


async def test_a_kind_that_is_one_file_is_chosen_sold_made_and_complained_about(counter: Counter, clock: Clock) -> None:
    goods = await put_on_sale(counter.shop, counter.storefront, name="Serenade", count=0, price_minor=5000)
    admin = await hire(counter)
    await admin.say("/admin")
    await walks(admin, "🗂 Catalogue", "Game cards", "Serenade", "Kind", "Another kind", "Song")
    await admin.press("🛠 We make it ourselves")
    await admin.press("Days for which it is sung again")
    await admin.say("8")

    buyer = await counter.buyer("second", money_minor=20_000)
    screen = await buyer.say(f"/start sku-{goods.sku_id}")
    assert "sung again" in screen["text"] and "warranty 8 days" in screen["text"]
    await buyer.press("✏️ Begin")
    await buyer.say("Xiaoming")
    await buyer.press("✅ Yes")
    await buyer.press("Pay ¥50.00")
    await buyer.sees("✅ Paid ¥50.00")
    await works(counter)
    await admin.sees("To be done")
    await admin.press("🖐 I take it")
    await admin.press("👁 Show what the buyer said")
    assert "Xiaoming" in (await admin.sees("Who is sung to"))["text"]
    await admin.press("✅ Done")
    await admin.say("song-8812")
    await buyer.sees("song-8812")
    assert (await last_order(counter, buyer)).card.state is OrderState.ISSUED
    await delivered(counter)

    clock.passes(days=7)
    await buyer.say("/orders")
    await buyer.press("✅")
    await buyer.press("⚠️ Something is wrong")
    assert "Complaints are possible until" in (await buyer.sees("What is wrong with it?"))["text"]
    await buyer.press("Something else")
    await buyer.press("Send without words")
    await buyer.sees("✅ Sent: it is case 1")
    await delivered(counter)

    key = await key_for(counter.shop, await reseller(counter.shop, counter.storefront))
    told = await counter.shop.read(api.item, key_id=key.key.id, sku_id=goods.sku_id)
    assert told.kind == "topup" and [field.name for field in told.fields] == ["name"]
