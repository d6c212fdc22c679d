"""Reports over real HTTP: signed so that our own connector believes them, repeated, parked; and never sent into the network around us."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from bot.notifying import Notifier
from connectors.reporting import NotHeard, Reporter, outside
from connectors.suppliers.own_shop import OwnShop
from core import api, pricing
from core.api import NewKey
from core.database import Shop
from core.ports import Callback, UpstreamHeard
from core.storefronts import Storefront
from tests.core.way import another_offer
from tests.programs import ask, key_for, reseller
from tests.stage import Clock, Goods, put_on_sale


class Listener:
    """A program that listens, or does not."""

    def __init__(self) -> None:
        self.status, self.came = 200, list[Callback]()
        self.url = ""

    async def hears(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.came.append(Callback([], headers, await request.read(), request.path))
        return web.Response(status=self.status, headers={"Location": "/elsewhere"} if self.status == 302 else None)


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    made, app = Listener(), web.Application()
    app.router.add_post("/{word}", made.hears)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/word"
    yield made
    await runner.cleanup()


@pytest.fixture
async def key(shop: Shop, storefront: Storefront, listener: Listener) -> NewKey:
    return await key_for(shop, await reseller(shop, storefront), callback_url=listener.url)


@pytest.fixture
async def notifier(shop: Shop) -> AsyncIterator[Notifier]:
    reporter = Reporter(near=True)
    yield Notifier(shop, reporter)
    await reporter.close()


async def believed(key: NewKey, came: Callback) -> UpstreamHeard:
    """As the connector of the other shop reads it."""
    there = OwnShop("https://shop.example", key.key.name, key.secret)
    try:
        return await there.callback(came)
    finally:
        await there.close()


async def test_what_changes_is_told_signed_and_until_it_is_heard(
    shop: Shop, storefront: Storefront, key: NewKey, goods: Goods, listener: Listener, notifier: Notifier, clock: Clock
) -> None:
    later = await put_on_sale(shop, storefront, name="Later", denomination="Later 1", price_minor=100, count=0)
    await shop.write(another_offer, sku_id=later.sku_id, cost_minor=80, rank=2, declared=5)
    await ask(shop, key, later, "A-1")
    await shop.write(api.cancel, key_id=key.key.id, number="A-1")
    assert await shop.write(api.report_orders) == 1
    for listener.status in (500, 404, 302, 201):
        assert await notifier.send_due() == 1
        assert await notifier.send_due() == 0  # It rests.
        clock.passes(hours=1)
    listener.status = 200
    assert await notifier.send_due() == 1
    clock.passes(hours=7)
    assert await notifier.send_due() == 0

    assert len(listener.came) == 5
    said = [json.loads(one.body) for one in listener.came]
    assert {(one["event"], one["sequence"], one["order"]["number"], one["order"]["state"]) for one in said} == {
        (said[0]["event"], 1, "A-1", "failed")
    }
    assert (await believed(key, listener.came[-1])).numbers == ["A-1"]
    # Each try is signed anew.
    assert len({one.headers["shop-nonce"] for one in listener.came}) == 5


async def test_news_of_goods_is_believed_by_the_connector(
    shop: Shop, storefront: Storefront, key: NewKey, goods: Goods, listener: Listener, notifier: Notifier, clock: Clock
) -> None:
    await notifier.note_changes()
    clock.passes(seconds=5)
    await shop.write(pricing.set_price, storefront_id=storefront.id, sku_id=goods.sku_id, retail_minor=9600, currency="CNY")
    assert await notifier.note_changes() == 1
    assert await notifier.send_due() == 1

    [notice] = (await believed(key, listener.came[0])).notices
    assert (notice.price_minor, notice.stock, notice.active) == (9600, 40, True)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://[::1]/x",
        "https://10.1.2.3/x",
        "https://192.168.1.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[64:ff9b::7f00:1]/x",
        "https://2130706433/x",
        "https://0.0.0.0/x",
        "http://1.1.1.1/x",
        "https:///x",
        "nonsense",
    ],
)
async def test_nothing_is_sent_into_the_network_around_us(url: str) -> None:
    reporter = Reporter(seconds=2)
    try:
        with pytest.raises(NotHeard) as trouble:
            await reporter.post(url, {}, b"{}")
    finally:
        await reporter.close()
    assert "//" not in str(trouble.value)


CLOSED = (
    "::1",
    "::",
    "::127.0.0.1",  # IPv4 in the old way
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::101:101",  # a house's own translation
    "100::1",
    "2001::1",  # Teredo
    "2001:0:53aa:64c:0:0:fefe:fefe",  # Teredo of 1.1.1.1
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:101:101::1",  # 6to4 of 1.1.1.1
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "192.88.99.1",
    "198.18.0.1",
    "203.0.113.1",
    "240.0.0.1",
)
OPEN = ("1.1.1.1", "::ffff:1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001::1", "64:ff9b::101:101")


def test_every_special_range_of_ipv6_is_closed() -> None:
    assert [each for each in CLOSED if outside(each)] == []
    assert [each for each in OPEN if not outside(each)] == []


@given(st.ip_addresses(v=4))
def test_an_address_is_outside_exactly_when_it_is_everybodys(address: Any) -> None:
    relay = str(address).startswith("192.88.99.")
    assert outside(str(address)) == (address.is_global and not address.is_multicast and not relay)
    assert outside(f"::ffff:{address}") == outside(f"64:ff9b::{address}") == outside(str(address))
    assert not outside(f"::{address}")


@given(st.ip_addresses(v=6))
def test_what_python_calls_private_is_never_outside(address: Any) -> None:
    assert not outside(str(address)) or not (address.is_private or address.is_multicast or address.is_link_local or address.is_site_local)


class Names:
    """Resolves names as it is told to."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = answers, 0

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        self.asked += 1
        found = []
        for each in self.answers:
            of = socket.AF_INET6 if ":" in each else socket.AF_INET
            found.append(ResolveResult(hostname=host, host=each, port=port, family=of, proto=0, flags=socket.AI_NUMERICHOST))
        return found

    async def close(self) -> None: ...


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.7", "::1", "fd00::7", "fe80::1", "64:ff9b::7f00:1", "2002:7f00:1::", "fec0::1"])
async def test_a_name_is_asked_once_and_one_address_inside_closes_all_of_them(inside: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Any] = []

    async def connected(*args: Any, addr_infos: Sequence[Any], **more: Any) -> Any:
        tried.extend(info[4][0] for info in addr_infos)
        raise OSError("not in a test")

    monkeypatch.setattr("aiohttp.connector.aiohappyeyeballs.start_connection", connected)
    for answers, why in ((("1.1.1.1", inside), "its address is not on the open internet"), (("1.1.1.1", "1.0.0.1"), "no connection")):
        names, reporter = Names(*answers), Reporter(seconds=5)
        monkeypatch.setattr("connectors.reporting.aiohttp.ThreadedResolver", lambda names=names: names)
        with pytest.raises(NotHeard, match=why):
            await reporter.post("https://shop.example/word", {}, b"{}")
        await reporter.close()
        assert names.asked == 1, "what was checked is what is connected to"
    assert set(tried) == {"1.1.1.1", "1.0.0.1"}


@given(st.text(max_size=40).filter(lambda text: not re.fullmatch(r"[0-9a-fA-F:.%]*", text)))
def test_what_is_no_address_is_not_outside(text: str) -> None:
    assert not outside(text)
