"""Controls: a settlement that is wrong by a minor unit, claims twice or forgets, told the same story, which must notice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from core import aftersale, audit, orders, settlement
from core.database import Shop
from core.settlement import SpreadShare, Surcharge, accounts, claims, drafts, split
from core.storefronts import Storefront
from tests.conftest import KEYS
from tests.core.supplies import Supplied, earned, purse, settled, supplied, unshared
from tests.stage import Clock, person

SHARE, EXTRA, PRICE, COST = 3333, 77, 9008, 9001


def independently(units: int, gone: int) -> tuple[int, int]:
    """What the supplier has of a line, by fractions and written a second time; and what is left of its price."""
    price, cost = units * PRICE, units * COST
    shop = Fraction((price - cost) * (10_000 - SHARE), 10_000)
    spread = int(shop + Fraction(1, 2))
    whole = price - spread
    left = whole - whole * gone // units
    return left, price * (units - gone) // units


async def story(shop: Shop, storefront: Storefront, clock: Clock) -> list[str]:
    """Sales, refunds before and after release, and what is wrong in the end: by an independent calculation, and by the audit."""
    of = await supplied(shop, storefront, terms=SpreadShare(SHARE, Surcharge(custom_bp=EXTRA)), cost_minor=COST, price_minor=PRICE)
    buyer = await person(shop, storefront, money_minor=10_000_000)
    lines: dict[int, list[int]] = {}
    for number, units in enumerate((3, 7, 1, 5)):
        made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=units, once=f"o{number}", **of.goods.terms())
        lines[made.order_id] = [units, 0]
    first, second, *_ = lines
    await back(shop, lines, first, 1)
    await settled(shop)
    await back(shop, lines, second, 3)
    await settled(shop)
    clock.passes(days=30)
    await settled(shop)
    await back(shop, lines, second, 2)
    await settled(shop)
    await settled(shop)
    return await wrong(shop, storefront, of, lines)


async def back(shop: Shop, lines: dict[int, list[int]], order_id: int, count: int) -> None:
    codes = [code.code_id for code in await shop.read(orders.codes_sold, order_id) if not code.refunded][:count]
    lines[order_id][1] += count
    await shop.write(
        aftersale.refund_codes, order_id=order_id, code_ids=codes, reason="t", by="t", once=f"back-{order_id}-{lines[order_id][1]}"
    )


async def wrong(shop: Shop, storefront: Storefront, of: Supplied, lines: dict[int, list[int]]) -> list[str]:
    found = []
    theirs = sum(independently(units, gone)[0] for units, gone in lines.values())
    held, due, paying = await shop.read(purse, of.supplier_id)
    if (held, due, paying) != (0, theirs, 0):
        found.append(f"the supplier has {held}, {due} and {paying} instead of {theirs}")
    ours = await shop.read(earned, storefront, "spread") + await shop.read(unshared, storefront)
    paid = sum(independently(units, gone)[1] for units, gone in lines.values())
    if ours != paid - theirs:
        found.append(f"the shop has {ours} instead of {paid - theirs}")
    report = await shop.read(audit.audit)
    found += list(report.violated)
    statement = await shop.read(settlement.balances, supplier_id=of.supplier_id, currency="CNY")
    if statement.settling_minor:
        found.append("the statement is not the ledger")
    return found


def half_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shop's part is rounded down."""
    monkeypatch.setattr(split, "half_up", lambda minor, bp: minor * bp // 10_000)


def unit_by_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each unit taken back is worth the same rounded part."""
    monkeypatch.setattr(split, "upto", lambda minor, units, first: minor // units * first)


def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refunds are never looked at."""
    monkeypatch.setattr(claims, "look_again", lambda session, order_ids: 0)


def overlooks_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first sale of each run is taken for settled, and is not."""
    plain = claims._claim

    def but_one(session: Any, sold: dict[int, int]) -> None:
        plain(session, {order_id: sold[order_id] for order_id in sorted(sold)[1:]})

    monkeypatch.setattr(claims, "_claim", but_one)


def too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is held: the claim says when, and the release does not listen."""
    from datetime import timedelta

    plain = drafts._row

    def early(*given: Any) -> dict[str, Any]:
        row: dict[str, Any] = plain(*given)
        return row | {"ask_at": row["sold_at"], "release_at": row["release_at"] + timedelta(days=90)}

    monkeypatch.setattr(drafts, "_row", early)


def keeps_the_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minor unit of each run is left where it was."""
    plain = accounts.legs

    def short(moves: list[tuple[int, int, int]], currency: str) -> Any:
        return plain([(one, other, minor - 1 if minor > 1 else minor) for one, other, minor in moves], currency)

    monkeypatch.setattr(accounts, "legs", short)


WRONG = [half_down, unit_by_unit, forgetful, overlooks_an_order, too_early, keeps_the_change]


async def told(tmp_path: Path, template: Path) -> list[str]:
    from core import storefronts

    path, clock = tmp_path / "shop.db", Clock()
    shutil.copy(template, path)
    async with Shop.opened(f"sqlite:///{path}", KEYS, holder="tests", clock=clock) as shop:
        storefront = await shop.write(storefronts.open_storefront, name="Test", currency="CNY", language="en")
        return await story(shop, storefront, clock)


async def test_the_right_settlement_tells_the_story_soundly(tmp_path: Path, sqlite_template: Path) -> None:
    assert await told(tmp_path, sqlite_template) == []


@pytest.mark.parametrize("break_it", WRONG, ids=lambda wrong: wrong.__name__)
async def test_a_wrong_one_is_noticed(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch, break_it: Callable[[pytest.MonkeyPatch], None]
) -> None:
    break_it(monkeypatch)
    assert await told(tmp_path, sqlite_template) != []
