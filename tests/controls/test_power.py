"""A power cut takes nothing that was acknowledged, and the same story with less care shows that it would be seen."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from core import storefronts
from core.database import Shop
from core.database.sqlite import SYNCHRONOUS
from tests.conftest import KEYS
from tests.databases import make_tables
from tests.stage import person, put_on_sale


@pytest.fixture
async def base(tmp_path: Path) -> Path:
    """A small shop, closed, all of it in one file."""
    path = tmp_path / "base.db"
    url = f"sqlite:///{path}"
    await make_tables(url)
    async with Shop.opened(url, KEYS, holder="test") as shop:
        front = await shop.write(storefronts.open_storefront, name="Power", currency="CNY", language="en")
        await put_on_sale(shop, front, price_minor=10, count=3000)
        for _ in range(20):
            await person(shop, front, money_minor=10**7)
    assert "base.db-wal" not in os.listdir(tmp_path), "a closed shop is one file"
    return path


async def cuts(base: Path, number: int, synchronous: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.controls.power", str(base), str(number), synchronous, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(out)
    print(found)
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_three_hundred_power_cuts_lose_nothing_and_with_less_care_they_would(base: Path) -> None:
    """FULL, as the shop sets it: each of 300 shops is sound and has all it acknowledged. NORMAL loses, OFF corrupts: the controls."""
    assert SYNCHRONOUS == "FULL"
    careful, (normal, off) = await asyncio.gather(cuts(base, 300, SYNCHRONOUS), both(base))

    assert careful["sound"] == 300
    assert careful["acknowledged"] > 3000, "the power failed in the middle of a trade"
    assert normal.get("lost", 0) > 0 and normal.get("corrupt", 0) == 0
    assert off.get("corrupt", 0) + off.get("unsound", 0) > 0 and off.get("lost", 0) > 0


async def both(base: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    return await cuts(base, 60, "NORMAL"), await cuts(base, 60, "OFF")
