"""Whatever comes to the door of upstream shops from the street: nothing of it is believed, nothing breaks."""

from __future__ import annotations

import random

import pytest
from httpx import ASGITransport, AsyncClient

from core import fulfilment
from core.database import Shop
from core.fulfilment import TaskState
from core.storefronts import Storefront
from tests.bot.buying_there import trading
from web.app import make_app
from web.upstreams import SupplyDoor

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@ON_SQLITE
async def test_hundreds_of_forged_reports_change_nothing_and_a_genuine_one_is_only_a_reason_to_ask(
    shop: Shop, storefront: Storefront
) -> None:
    async with trading(shop, storefront) as trade:
        app = make_app(shop, supply=SupplyDoor(trade.procurer.hear))
        trade.fake.by_hand = True
        task = await trade.buys(await trade.buyer(), 1)
        await trade.procurer.work_off()
        letter = trade.fake._callback(trade.fake.order(task.number))
        assert letter is not None
        before, chance = await shop.read(fulfilment.steps_of, [task.id]), random.Random(3)
        async with AsyncClient(transport=ASGITransport(app=app), base_url="https://shop.example") as street:
            for turn in range(500):
                headers, body, word = dict(letter.headers), letter.body, trade.of.word
                match turn % 5:
                    case 0:
                        word, expected = f"{chance.getrandbits(190):048x}", 404
                    case 1:
                        headers["Shop-Signature"], expected = f"{chance.getrandbits(256):064x}", 400
                    case 2:
                        body, expected = bytes(chance.randrange(256) for _ in range(chance.randrange(200))), 400
                    case 3:
                        headers["Shop-Timestamp"], expected = str(chance.randrange(10**10)), 400
                    case _:
                        headers, expected = {"Content-Type": "application/json"}, 400
                answer = await street.post(f"/supply/{word}", content=body, headers=headers)
                assert answer.status_code == expected, turn
                assert trade.of.word not in answer.text
            assert await shop.read(fulfilment.steps_of, [task.id]) == before
            for _ in range(3):
                answer = await street.post(f"/supply/{trade.of.word}", content=letter.body, headers=letter.headers)
                assert (answer.status_code, answer.text) == (200, "ok")
            assert (await street.get(f"/supply/{trade.of.word}")).status_code == 405
        await trade.procurer.work_off()
        assert (await trade.task(task)).state is TaskState.ASKED
        trade.fake.finish(task.number)
        async with AsyncClient(transport=ASGITransport(app=app), base_url="https://shop.example") as street:
            await street.post(f"/supply/{trade.of.word}", content=letter.body, headers=letter.headers)
        await trade.procurer.work_off()
        assert (await trade.task(task)).state is TaskState.DONE


@ON_SQLITE
async def test_before_the_shop_runs_nobody_is_there(shop: Shop) -> None:
    async with AsyncClient(transport=ASGITransport(app=make_app(shop)), base_url="https://shop.example") as street:
        assert (await street.post("/supply/anything", content=b"{}")).status_code == 404
