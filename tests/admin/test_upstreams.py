"""Upstream shops at the desk: connected, watched, browsed, imported from and linked; and what is forged or typed wrongly does nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import pytest
from aiogram.methods import DeleteMessage, EditMessageText
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.dispatcher import make_dispatcher
from bot.procuring import Procurer
from bot.upstream_screens import draw_errand
from connectors.suppliers import protocols
from connectors.suppliers import upstream as open_upstream
from core import catalog, integration, journal, pricing, supply
from core.database import Shop
from core.errors import Refusal
from core.fulfilment import TaskState
from core.integration import Place
from core.storefronts import Storefront
from handlers.admin.desk import Do, Go
from handlers.admin.log import ACTIONS
from handlers.admin.upstreams import _points
from handlers.notices import notice
from locales import Speech
from sandbox.gateways import Upstream
from tests.admin.direct import Chatter, at_the_desk
from tests.bot.buying_there import trading
from tests.connectors.suppliers import KEY, SECRET, STANDS, stocked
from tests.stage import Clock, Goods

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@dataclass
class Office:
    """A member of the staff, an upstream to be connected, and the background that asks it."""

    desk: Chatter
    fake: Upstream
    procurer: Procurer
    shop: Shop
    storefront: Storefront

    async def background(self) -> str:
        """Everything that was asked for is asked; gives what screens were turned into."""
        self.desk.session.calls.clear()
        await self.procurer.work_off()
        return "\n".join(str(call.text) for call in self.desk.session.calls if isinstance(call, EditMessageText))

    async def connects(self) -> int:
        """All the way from the menu to an open upstream; returns its number."""
        await self.desk.presses(Go(to="up-new"))
        await self.desk.presses(Do(act="up-proto", arg="own-shop"))
        for answer in ("Wholesale", self.fake.url, KEY, SECRET):
            await self.desk.says(answer)
        await self.background()
        (of,) = await self.shop.read(integration.upstreams, storefront_id=self.storefront.id)
        await self.background()
        return of.id


@pytest.fixture
async def office(shop: Shop, storefront: Storefront) -> AsyncIterator[Office]:
    desk = await at_the_desk(shop, storefront)
    desk.dispatcher = make_dispatcher(shop, storefront, {}, protocols=protocols())
    fake = stocked(STANDS["own-shop"])
    await fake.start()
    procurer = Procurer(shop, open_upstream, told=partial(draw_errand, shop, storefront, desk.bot))
    yield Office(desk, fake, procurer, shop, storefront)
    await procurer.close()
    await fake.stop()


async def test_a_shop_is_connected_by_answering_and_tried_in_the_background(office: Office) -> None:
    desk = office.desk
    assert "None is connected yet" in await desk.presses(Go(to="ups"))
    assert "Which software" in await desk.presses(Go(to="up-new"))
    assert {data.rpartition(":")[2] for data in desk.keyboard() if "up-proto" in data} == set(protocols())
    assert "How do you call this shop?" in await desk.presses(Do(act="up-proto", arg="own-shop"))
    assert "<b>Address of the shop</b>" in await desk.says("Wholesale")
    assert "<b>Key</b>" in await desk.says(office.fake.url)
    said = await desk.says(KEY)
    assert "<b>Secret</b>" in said and "deleted as soon as it is read" in said
    said = await desk.says(SECRET)
    assert "Asking the upstream" in said
    assert any(isinstance(call, DeleteMessage) for call in desk.session.calls)
    assert SECRET not in said and office.fake.calls.count("GET /api/v1/me") == 0, "no conversation waits for a network"

    told = await office.background()

    assert "It answers, and knows us." in told and "State: <b>open</b>" in told and "¥10,000.00" in told
    (of,) = await office.shop.read(integration.upstreams, storefront_id=office.storefront.id)
    assert (of.place, of.name, of.balance_minor) == (Place.OPEN, "Wholesale", 1_000_000)
    logged = await office.shop.read(journal.latest, limit=100)
    assert SECRET not in str(logged)


async def test_a_wrong_secret_or_address_is_said_and_can_be_corrected(office: Office) -> None:
    desk = office.desk
    await desk.presses(Do(act="up-proto", arg="own-shop"))
    for answer in ("Wholesale", "http://shop.example.com", KEY, "wrong-secret"):
        await desk.says(answer)
    assert "has to begin with https://" in await office.background()
    (of,) = await office.shop.read(integration.upstreams, storefront_id=office.storefront.id)
    await desk.answers("upstream.set", of.id, office.fake.url, "url")
    told = await office.background()
    assert "bad_signature" in told and "wrong-secret" not in told
    await desk.presses(Go(to="up-set", id=of.id))
    await desk.answers("upstream.set", of.id, SECRET, "secret")
    assert "It answers, and knows us." in await office.background()


async def test_what_it_sells_is_imported_with_a_markup_and_linked_to_what_there_is(office: Office, goods: Goods) -> None:
    desk, shop, of = office.desk, office.shop, await office.connects()
    office.fake.sells("steam-100", "Steam 100 CNY", "17.05", stock=3)
    await desk.presses(Do(act="up-sync", id=of))
    assert "Its catalogue is here." in await office.background()
    for key, typed in (("upstream.pct", "10%"), ("upstream.fix", "0.20"), ("upstream.step", "0.50")):
        said = await desk.answers(key, of, typed)
    assert "Markup on import: 10 % + ¥0.20, rounded up to ¥0.50" in said
    said = await desk.presses(Go(to="up-items", id=of))
    found = {item.key: item for item in await shop.read(integration.items_of, upstream_id=of, page=0, size=10)}
    assert "Steam" in await desk.answers("upstream.find", of, "steam") or len(desk.keyboard()) > 2
    said = await desk.presses(Go(to="up-item", id=found["steam-50"].id))
    assert "Costs <b>¥8.50</b> (codes)" in said and "With the markup: ¥10.00" in said and "There: 20" in said
    assert "In which category" in await desk.presses(Go(to="up-cat", id=found["steam-50"].id))
    new = next(data for data in desk.keyboard() if data.endswith(":new"))

    assert "It is on sale." in await desk.presses(new)

    assert "in the shop already" in await desk.presses(new)
    item = await shop.read(integration.item, found["steam-50"].id, storefront_id=office.storefront.id)
    assert item.offer_id is not None
    (offer,) = await shop.read(supply.offers, [item.offer_id])
    price = await shop.read(pricing.current, storefront_id=office.storefront.id, sku_ids=[offer.sku_id])
    assert (price[offer.sku_id].retail_minor, offer.cost_minor, offer.declared) == (1000, 850, 20)
    sku = await shop.read(catalog.sku, offer.sku_id)
    assert sku is not None and sku.name == "Steam 50 CNY"

    assert "Which of these?" in await desk.answers("upstream.link", found["steam-100"].id, "steam")
    link = next(data for data in desk.keyboard() if data.startswith("adm!:up-link") and data.endswith(f":{goods.sku_id}"))
    assert "one more source now" in await desk.presses(link)
    assert (await shop.read(supply.left, [goods.sku_id]))[goods.sku_id] == 43
    assert "Sell it no more" in str(desk.session.calls)
    await desk.presses(Do(act="up-unlink", id=found["steam-100"].id))
    assert (await shop.read(supply.left, [goods.sku_id]))[goods.sku_id] == 40
    await desk.presses(link)
    assert (await shop.read(supply.left, [goods.sku_id]))[goods.sku_id] == 43, "what was sold no more can be sold again"


async def test_it_is_paused_goes_on_and_is_removed_and_each_is_in_the_log(office: Office) -> None:
    desk, of = office.desk, await office.connects()
    assert "State: <b>paused</b>" in await desk.presses(Do(act="up-pause", id=of))
    assert "State: <b>open</b>" in await desk.presses(Do(act="up-go", id=of))
    assert "You are told when it is below ¥500.00" in await desk.answers("upstream.low", of, "500")
    assert "below" not in await desk.answers("upstream.low", of, "-")
    assert "Remove <b>Wholesale</b>?" in await desk.presses(Go(to="up-del", id=of))
    assert "None is connected yet" in await desk.presses(Do(act="up-remove", id=of))
    assert "no longer here" in await desk.presses(Go(to="up", id=of))
    did = {entry.did for entry in await office.shop.read(journal.latest, limit=100)}
    assert (
        {"add-upstream", "change-upstream", "rename-upstream", "pause-upstream", "resume-upstream", "remove-upstream"}
        <= did
        <= set(ACTIONS)
    )
    assert "upstream" in await desk.presses(Go(to="log"))


async def test_what_nobody_knows_is_decided_by_a_person(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    async with trading(shop, storefront, "acg-faka") as trade:
        desk = await at_the_desk(shop, storefront)
        await shop.write(integration.say_settings, upstream_id=trade.of.id, settings={"finds": "no"}, by="telegram:7001")
        first, second = await trade.buys(await trade.buyer(), 2), await trade.buys(await trade.buyer(), 1)
        trade.fake.faults.says_repeated = True
        await trade.procurer.work_off()
        assert "outcome not known: 2" in await desk.presses(Go(to="up", id=trade.of.id))
        await desk.presses(Go(to="up-unk", id=trade.of.id))
        assert first.number in await desk.presses(Go(to="up-task", id=first.id))
        codes = trade.fake.order(first.number).codes
        assert "at most" in await desk.answers("upstream.codes", first.id, "X" * 5000)
        assert not any(isinstance(call, DeleteMessage) for call in desk.session.calls), "what was refused is not lost"
        said = await desk.answers("upstream.codes", first.id, "\n".join(codes))
        assert "2 codes were taken" in said and any(isinstance(call, DeleteMessage) for call in desk.session.calls)
        assert "Is it certain" in await desk.presses(Go(to="up-not", id=second.id))
        assert "Noted." in await desk.presses(Do(act="up-no", id=second.id))
        assert "decided already" in await desk.presses(Do(act="up-no", id=second.id))
        assert "decided already" in await desk.presses(Go(to="ask", id=first.id, arg="upstream.codes"))
        assert ((await trade.task(first)).state, (await trade.task(second)).state) == (TaskState.DONE, TaskState.FAILED)
        assert await trade.codes(first) == codes


@ON_SQLITE
async def test_forged_buttons_and_wrong_answers_change_nothing(office: Office) -> None:
    desk, of = office.desk, await office.connects()
    before = await office.shop.read(journal.latest, limit=1000)
    for to in ("up", "up-del", "up-set", "up-mark", "up-items", "up-item", "up-cat", "up-unk", "up-task", "up-not"):
        await desk.presses(Go(to=to, id=999_999))
    for act in ("up-try", "up-sync", "up-pause", "up-go", "up-remove", "up-import", "up-link", "up-unlink", "up-no"):
        await desk.presses(Do(act=act, id=999_999, arg="../../etc"))
        await desk.presses(Do(act=act, id=999_999, arg="7"))
    await desk.presses(Do(act="up-proto", arg="no-such-protocol"))
    await desk.presses(Go(to="ask", id=of, arg="upstream.set@nothing"))
    for key, typed in (("upstream.pct", "lots"), ("upstream.pct", "1001"), ("upstream.low", "much"), ("upstream.step", "-1")):
        assert "Please type" in await desk.answers(key, of, typed), key
        await desk.presses(Go(to="home"))
    after = await office.shop.read(journal.latest, limit=1000)
    assert after == before


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=30))
def test_any_text_is_so_many_per_cent_or_refused(typed: str) -> None:
    try:
        points = _points(typed)
    except Refusal:
        return
    assert 0 <= points <= 100_000


@ON_SQLITE
async def test_everything_that_is_told_has_words(office: Office) -> None:
    facts = {"upstream": 1, "name": "<There>", "why": "no <b>answer</b>", "task": 7, "n": 2, "currency": "CNY"}
    amounts = {"balance_minor": 1, "low_minor": 2, "amount_minor": 3, "most_minor": 4}
    for says in ("low", "rests", "works", "gone", "overcharged", "unknown"):
        said, markup = await notice(
            {"says": f"upstream-{says}", **facts, **amounts}, Speech("en"), shop=office.shop, storefront=office.storefront
        )
        assert "&lt;There&gt;" in said and "no <b>answer" not in said and markup is not None
