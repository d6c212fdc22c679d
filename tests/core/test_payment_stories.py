"""Random stories of paying, giving back, disputing, reviewing and refunding: no money appears, none is lost, to the minor unit."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from core.database import Shop
from core.ports import Fee
from tests.conftest import KEYS
from tests.core.money_story import DOLLARS, FEES, STORIES, YUAN, play
from tests.databases import maintain
from tests.stage import Clock, numbers

SETTINGS = settings(deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate, Phase.shrink))
# One of everything: what random stories seldom reach is told each time.
EVERYTHING: list[tuple[Any, ...]] = [
    ("place", 0, 3, DOLLARS, 1),
    ("crash",),
    ("paid", 0, "more"),
    ("paid", 0, "second"),
    ("refund", 0, False, True),
    ("answer", "yes-unheard"),
    ("later", 600),
    ("crash",),
    ("answer", "yes"),
    ("refund", 0, False, True),
    ("answer", "no"),
    ("refund", 0, True, True),
    ("answer", "yes"),
    ("place", 1, 2, YUAN, 0),
    ("later", 4000),
    ("jobs",),
    ("paid", 1, "exact"),
    ("paid", 1, "again"),
    ("given-back", 1),
    ("deposit", 2, 777, DOLLARS),
    ("paid", 2, "least"),
    ("place", 2, 2, YUAN, 1),
    ("cancel", 3),
    ("paid", 3, "exact"),
    ("buy", 2, 2),
    ("forged", 5, YUAN),
    ("place", 1, 2, DOLLARS, 0),
    ("created", 4),
    ("paid", 4, "exact"),
    ("refund", 3, False, False),
    ("deposit", 2, 500, YUAN),
    ("paid", 5, "least"),  # with a fee on top it is worth less than the smallest coin
    ("given-back", 5),
]
# What happens after money came, past us: in the provider's console, at the payer's bank, and with the staff.
AFTERWARDS: list[tuple[Any, ...]] = [
    ("place", 0, 2, DOLLARS, 0),
    ("paid", 0, "exact"),  # held; half of it goes back, and the staff give the rest to the balance
    ("crash",),
    ("console", 0, 0, 450),
    ("heard-again", 0, 0),
    ("review", 0, "to-balance"),
    ("place", 1, 2, YUAN, 0),
    ("paid", 1, "exact"),  # released, sent, and then taken by the bank, which gives a half again, and then all
    ("paid", 1, "second"),
    ("review", 1, "release"),
    ("sent", True),
    ("later", 600),
    ("crash",),
    ("sent", False),
    ("disputed", 1, 0, "opened"),
    ("disputed", 1, 0, "taken"),
    ("disputed", 1, 0, "half"),
    ("crash",),
    ("disputed", 1, 0, "won-and-charge"),
    ("heard-again", 1, 0),
    ("console", 1, 1, 10**9),  # the one of two that was too much
    ("refund", 1, False, False),  # which does not stand in the way of the other
    ("place", 2, 3, DOLLARS, 0),
    ("paid", 2, "exact"),  # all of it goes back before anybody has seen a code
    ("given-back", 2),
    ("place", 2, 1, DOLLARS, 1),
    ("paid", 3, "more"),
    ("review", 3, "release"),
    ("sent", False),  # seen, and lost by a dispute
    ("disputed", 3, 0, "lost"),
    ("refund", 3, True, False),  # what the shop had lost stays the shop's
    ("deposit", 0, 9000, YUAN),
    ("paid", 4, "exact"),
    ("buy", 0, 3),  # held: its money is a top-up, which goes back
    ("console", 4, 0, 2000),
    ("place", 1, 2, YUAN, 0),
    ("paid", 5, "exact"),
    ("review", 5, "release"),
    ("sent", False),
    ("console", 5, 0, 10**9),  # seen: it is lost
    ("place", 1, 1, DOLLARS, 0),
    ("paid", 6, "exact"),
    ("disputed", 6, 0, "opened"),
    ("place", 2, 2, DOLLARS, 0),
    ("paid", 7, "exact"),
    ("refund", 6, False, True),
    ("answer", "yes-unheard"),
    ("heard-again", 7, 0),  # the provider lists what we asked for, too
    ("later", 600),
    ("answer", "yes"),
    ("console", 7, 0, 10**9),
    ("place", 0, 1, YUAN, 0),
    ("paid", 8, "exact"),
    ("review", 7, "to-source"),
    ("answer", "yes"),
]


def run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner() as runner:
        runner.run(work)


@settings(SETTINGS, max_examples=12)
@given(fee=FEES, held=st.booleans(), steps=STORIES)
@example(fee=Fee(200, 30, True), held=False, steps=EVERYTHING)
@example(fee=Fee(290, 30, False), held=False, steps=EVERYTHING)
@example(fee=Fee(200, 30, True), held=True, steps=AFTERWARDS)
@example(fee=Fee(290, 30, False), held=False, steps=AFTERWARDS)
def test_stories_on_sqlite(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, fee: Fee, held: bool, steps: list[tuple[Any, ...]]
) -> None:
    file = tmp_path_factory.mktemp("story") / "shop.db"
    shutil.copy(sqlite_template, file)
    clock = Clock()

    async def story() -> None:
        async with Shop.opened(f"sqlite:///{file}", KEYS, clock=clock) as shop:
            ends = await play(shop, clock, fee, steps, held=held)
            assert steps != EVERYTHING or set(ends) >= {"delivered", "credited", "refunded", "given-back"}
            assert not held or steps != AFTERWARDS or set(ends) == {"delivered", "held", "lost", "refunded", "given-back", "credited"}

    run(story())


@settings(SETTINGS, max_examples=3)
@given(fee=FEES, held=st.booleans(), steps=STORIES)
@example(fee=Fee(200, 30, True), held=False, steps=EVERYTHING)
@example(fee=Fee(200, 30, True), held=True, steps=AFTERWARDS)
def test_stories_on_postgres(postgres_server: str, postgres_template: str, fee: Fee, held: bool, steps: list[tuple[Any, ...]]) -> None:
    name, clock = f"story_{os.getpid()}_{next(numbers)}", Clock()

    async def story() -> None:
        await maintain(postgres_server, f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
        try:
            url = make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
            async with Shop.opened(url, KEYS, clock=clock) as shop:
                await play(shop, clock, fee, steps, held=held)
        finally:
            await maintain(postgres_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    run(story())
