"""Every screen and every act of the staff's and the suppliers' desks is pressed for with ids and pages that nobody was given."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.dispatcher import make_dispatcher
from core.database import Shop
from core.storefronts import Storefront
from handlers.admin.desk import Do, Go
from handlers.callbacks import LARGEST_ID, LARGEST_SHORT
from handlers.supply.desk import Make, See
from handlers.supply.earnings import Earn
from tests.core.joining import staff
from tests.handlers.recorder import Person, breakages, recording_bot
from tests.supplying import supplied

ME = 70_090
Kinds = Go | Do | See | Make | Earn
HANDLERS = Path(__file__).parents[2] / "handlers"


def screens(folder: str) -> set[str]:
    """Whatever could be the name of a screen in a desk's modules."""
    told = "".join(path.read_text() for path in (HANDLERS / folder).glob("*.py"))
    return set(re.findall(r'"([a-z][\w$-]{1,11})"', told))


def forged(kind: type[Kinds], to: str, id: int) -> Kinds:
    arg = "x" if id == LARGEST_ID else "9" * 25
    if kind is Earn:
        return Earn(to=to[:8], id=id)
    if kind is Do or kind is Make:
        return kind(act=to, id=id, arg=arg)
    assert kind is Go or kind is See
    return kind(to=to, id=id, page=0 if id == LARGEST_ID else LARGEST_SHORT, arg=arg)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", [Go, Do, See, Make, Earn])
async def test_whatever_is_forged_is_answered(shop: Shop, storefront: Storefront, kind: type[Kinds]) -> None:
    if kind in (Go, Do):
        await staff(shop, storefront, ME)
    else:
        await supplied(shop, storefront, telegram_id=ME)
    bot, _ = recording_bot()
    dispatcher = make_dispatcher(shop, storefront, {})
    broken, me = breakages(dispatcher), Person(dispatcher, bot, ME)
    found = screens("admin" if kind in (Go, Do) else "supply")
    assert {"home", "offers"} <= found
    broke = []
    for to in sorted(found):
        for id in (1, LARGEST_ID):
            await me.presses(forged(kind, to, id).pack())
            if broken:
                broke.append((to, id, broken.pop()))
    assert broke == []
