"""Statements of more movements than are read at once: what came later is added up however much it is, and no line is left out unsaid."""

from __future__ import annotations

from datetime import UTC, timedelta
from importlib import import_module

import pytest

from core import api, ledger, resellers
from core.database import Shop
from core.storefronts import Storefront
from tests.core.props import balance
from tests.programs import ask, key_for, reseller
from tests.stage import Clock, Goods


async def test_what_came_after_the_day_may_be_more_than_a_day_holds(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await reseller(shop, storefront)
    key = await key_for(shop, owner)
    await ask(shop, key, goods, "A-1")
    began, today = clock() - timedelta(hours=1), clock().astimezone(UTC).date()
    before = await balance(shop, owner)
    clock.passes(days=1)
    tomorrow, ended = clock().astimezone(UTC).date(), clock() - timedelta(hours=1)
    for n in range(3):
        await ask(shop, key, goods, f"B-{n}")
    assert await shop.read(ledger.moved_after, account_id=owner.wallet_id, since=ended) == await balance(shop, owner) - before < 0
    monkeypatch.setattr(import_module("core.api.codes"), "MOST_LINES", 2)
    monkeypatch.setattr(import_module("core.resellers.members.statement"), "MOST_ENTRIES", 2)

    said = await shop.read(api.statement, key_id=key.key.id, day=today)
    made = await shop.read(resellers.statement_of_reseller, reseller_id=owner.id, since=began, until=ended)

    assert (said.opening_minor, said.closing_minor, len(said.lines)) == (0, before, 2)
    assert (made.opening_minor, made.closing_minor, len(made.entries)) == (0, before, 2)
    with pytest.raises(api.AsksWrong, match="more than 2 movements"):
        await shop.read(api.statement, key_id=key.key.id, day=tomorrow)
