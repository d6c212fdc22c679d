"""What is to be done by hand is listed whole, a page at a time, the nearest promise first."""

from __future__ import annotations

import pytest
from aiogram.types import InlineKeyboardMarkup

from bot.dispatcher import make_dispatcher
from core import orders, supply
from core.database import Shop
from core.storefronts import Storefront
from handlers import callbacks
from tests.core.joining import staff
from tests.handlers.recorder import Person, breakages, recording_bot
from tests.stage import Clock, person, put_on_sale

ME = 70_080


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_the_pages_of_tasks_have_each_of_them_once(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    await staff(shop, storefront, ME)
    goods = await put_on_sale(shop, storefront, count=0)
    await shop.write(supply.declare, offer_id=goods.offer_id, quantity=supply.AS_MANY_AS_ONE_LIKES)
    buyer = await person(shop, storefront, money_minor=10_000_000)
    made = []
    for number in range(45):
        made.append(await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"task-{number}", **goods.terms()))
        clock.passes(seconds=1)
    bot, said = recording_bot()
    dispatcher = make_dispatcher(shop, storefront, {})
    broken, me = breakages(dispatcher), Person(dispatcher, bot, ME)

    async def shown(data: str) -> tuple[list[str], dict[str, str]]:
        """The orders on a page, and the buttons that turn it."""
        await me.presses(data)
        assert not broken, broken
        [markup] = [found for one in said.taken() if isinstance(found := getattr(one, "reply_markup", None), InlineKeyboardMarkup)]
        buttons = [one for row in markup.inline_keyboard for one in row]
        return (
            [one.text.rpartition(" · ")[2] for one in buttons if one.text.startswith("🆕")],
            {one.text: one.callback_data or "" for one in buttons if one.text in "◀▶"},
        )

    listed, turning = await shown(callbacks.Tasks().pack())
    assert len(listed) == 20 and turning.keys() == {"▶"}
    second, turning = await shown(turning["▶"])
    assert len(second) == 20 and turning.keys() == {"◀", "▶"}
    last, turning = await shown(turning["▶"])
    assert len(last) == 5 and turning.keys() == {"◀"}
    assert listed + second + last == [one.number for one in made]
    nothing, turning = await shown(callbacks.Tasks(page=callbacks.LARGEST_SHORT).pack())
    assert nothing == [] and turning.keys() == {"◀"}, "a forged page has a way back"
