"""What the core's tests watch besides their own story."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Literal

import pytest

from core.database import Shop
from tests.core.props import assert_sound

_PHASES: tuple[Literal["setup", "call"], ...] = ("setup", "call")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory: whether a commit survives a power cut is told in tests/crash, and waiting for a disk tells nothing more here."""
    with tempfile.TemporaryDirectory(prefix="shop-core-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def quiet_database(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A batch that fails is run one by one and nobody notices but the log: no test of ours may break one."""
    yield
    broken = [
        record.getMessage()
        for phase in _PHASES
        for record in caplog.get_records(phase)
        if record.name.startswith("core.database") and record.levelno >= logging.ERROR
    ]
    assert broken == []


@pytest.fixture
async def sound_in_the_end(shop: Shop) -> AsyncIterator[None]:
    """Whatever the test does to the shop, the audit finds nothing afterwards."""
    yield
    await assert_sound(shop, sample=3)
