"""Random stories of asking, paying, reporting, giving back, expiring and refunding: no money appears, none is lost, to the minor unit."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from sqlalchemy import make_url

from core.database import Shop
from core.ports import Fee
from tests.conftest import KEYS, maintain
from tests.core.money_story import DOLLARS, FEES, STORIES, YUAN, play
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


def run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner() as runner:
        runner.run(work)


@settings(SETTINGS, max_examples=40)
@given(fee=FEES, steps=STORIES)
@example(fee=Fee(200, 30, True), steps=EVERYTHING)
@example(fee=Fee(290, 30, False), steps=EVERYTHING)
def test_stories_on_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, fee: Fee, steps: list[tuple[Any, ...]]) -> None:
    file = tmp_path_factory.mktemp("story") / "shop.db"
    shutil.copy(sqlite_template, file)
    clock = Clock()

    async def story() -> None:
        async with Shop.opened(f"sqlite:///{file}", KEYS, clock=clock) as shop:
            ends = await play(shop, clock, fee, steps)
            assert steps != EVERYTHING or set(ends) == {"delivered", "credited", "refunded"}

    run(story())


@settings(SETTINGS, max_examples=8)
@given(fee=FEES, steps=STORIES)
@example(fee=Fee(200, 30, True), steps=EVERYTHING)
def test_stories_on_postgres(postgres_server: str, postgres_template: str, fee: Fee, steps: list[tuple[Any, ...]]) -> None:
    name, clock = f"story_{os.getpid()}_{next(numbers)}", Clock()

    async def story() -> None:
        await maintain(postgres_server, f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
        try:
            url = make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
            async with Shop.opened(url, KEYS, clock=clock) as shop:
                await play(shop, clock, fee, steps)
        finally:
            await maintain(postgres_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    run(story())
