"""A database for a shop that starts as it does for a shopkeeper."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.databases import maintain
from tests.stage import numbers


@pytest.fixture
async def bare_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """A database without tables: the shop makes them as it does for a shopkeeper."""
    if database == "sqlite":
        yield f"sqlite:///{tmp_path}/shop.db"
        return
    server: str = request.getfixturevalue("postgres_server")
    name = f"crash_{os.getpid()}_{next(numbers)}"
    await maintain(server, f"CREATE DATABASE {name} TEMPLATE template0")
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    await maintain(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
