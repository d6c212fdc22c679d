"""Callbacks to shops of dujiao-next: our own connector believes them, and they hold nothing that is not said."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

import pytest

from bot.notifying import Notifier
from connectors.reporting import NotHeard
from connectors.suppliers.dujiao_next import DujiaoNext
from core import api, pricing
from core.api import Form, Key, NewKey
from core.database import Shop
from core.ports import Callback, NotGenuine
from core.storefronts import Storefront
from tests.bot.buying_there import trading
from tests.programs import HASH, key_for, reseller
from tests.stage import Goods

URL = "https://a-site.example.com/api/v1/upstream/callback"


class Postbox:
    """Everything that was posted; while it is `shut`, nobody hears."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, Mapping[str, str], bytes]] = []
        self.shut = False

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        self.letters.append((url, headers, body))
        if self.shut:
            raise NotHeard("no answer in time")


async def order(shop: Shop, key: Key, sku_id: int, number: str, url: str | None = URL) -> api.ApiOrder:
    return await shop.write(
        api.order,
        key_id=key.id,
        number=number,
        sku_id=sku_id,
        quantity=2,
        most_minor=None,
        partial=False,
        fields=None,
        callback_url=url,
        request_hash=HASH,
    )


def told(key: NewKey, letter: tuple[str, Mapping[str, str], bytes]) -> Callback:
    """As it arrives at the address."""
    _, headers, body = letter
    return Callback([], {name.lower(): value for name, value in headers.items()}, body, "/api/v1/upstream/callback")


async def test_a_delivery_is_told_once_in_the_documented_form_and_without_codes(shop: Shop, storefront: Storefront) -> None:
    async with trading(shop, storefront) as trade:
        owner = await reseller(shop, storefront)
        key = await key_for(shop, owner, form=Form.DUJIAO)
        post = Postbox()
        notifier = Notifier(shop, post)
        made = await order(shop, key.key, trade.sku_id, "A-1")
        await trade.procurer.work_off()
        await shop.write(api.report_orders)
        await notifier.send_due()

        (letter,) = post.letters
        facts = json.loads(letter[2])
        assert letter[0] == URL
        assert {name: value for name, value in facts.items() if name != "timestamp"} == {
            "event": "order.status",
            "order_id": made.order_id,
            "order_no": made.ours,
            "downstream_order_no": "A-1",
            "status": "delivered",
        }
        assert not any(code.encode() in letter[2] for bought in trade.fake.orders for code in bought.codes)
        buyer = DujiaoNext("https://shop.example", key.key.name, key.secret)
        heard = await buyer.callback(told(key, letter))
        assert (list(heard.numbers), json.loads(heard.reply)["ok"]) == (["A-1"], True)
        forged = told(key, letter)
        with pytest.raises(NotGenuine):
            await buyer.callback(dataclasses.replace(forged, body=forged.body.replace(b"delivered", b"canceled")))
        await notifier.send_due()
        assert len(post.letters) == 1
        await buyer.close()


async def test_what_was_not_heard_is_told_again_and_what_that_protocol_does_not_know_is_not_told(
    shop: Shop, storefront: Storefront, goods: Goods
) -> None:
    owner = await reseller(shop, storefront)
    key = await key_for(shop, owner, form=Form.DUJIAO, callback_url=URL)
    acg = await key_for(shop, owner, form=Form.ACG, callback_url=URL)
    post = Postbox()
    notifier = Notifier(shop, post)
    await notifier.note_changes()
    await shop.write(pricing.set_price, storefront_id=storefront.id, sku_id=goods.sku_id, retail_minor=9600, currency="CNY")
    await order(shop, acg.key, goods.sku_id, "C-1")
    await order(shop, key.key, goods.sku_id, "P-1", "http://a-site.example.com/cb")
    await order(shop, key.key, goods.sku_id, "~" + "a" * 63)
    await shop.write(api.report_orders)
    await notifier.note_changes()
    post.shut = True
    await notifier.send_due()

    # One to the address with https; the one without a number of its own is told by ours.
    facts = [json.loads(body) for _, _, body in post.letters]
    assert [(each["downstream_order_no"], each["status"]) for each in facts] == [("", "delivered")]
    waiting = await shop.read(api.reports_of, key.key.id)
    assert (waiting.waiting, waiting.dead) == (len(facts), 0)
