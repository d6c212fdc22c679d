"""Opening the shop for a command: the writer's lock, migrations, keys, storefront – in this order, each failing in one sentence."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

import core.schema  # noqa: F401 - every table, before a Shop is opened
from bot.migrations import CannotMigrate, database_revision, migrate, newest_revision
from bot.settings import Settings
from core import inventory, storefronts
from core.database import KeyFile, Keyring, KeysMissing, Shop, WriterLock
from core.storefronts import Storefront

NEW_KEYS = """
==============================  NEW KEY FILE  ==============================
{path}
Every code in the database is encrypted with the keys in this file.
BACK IT UP NOW, apart from the backups of the database: whoever has both can
read the codes, and without this file nobody ever can, not even you.
============================================================================
"""

NAMES = {"zh-hans": "卡铺", "zh-hant": "卡鋪", "ru": "Магазин карт"}


class Unusable(Exception):
    """The database cannot be used; the message says which, why, and what to do."""


@contextmanager
def usable(settings: Settings) -> Iterator[None]:
    """Turn what a database that is away, full or locked raises into one sentence without a secret."""
    try:
        yield
    except DBAPIError as trouble:
        raise _unusable(settings, trouble.orig or trouble) from None
    except (OSError, TimeoutError) as trouble:
        raise _unusable(settings, trouble) from None


def _unusable(settings: Settings, trouble: BaseException) -> Unusable:
    why = (getattr(trouble, "strerror", None) or str(trouble) or type(trouble).__name__).splitlines()[0].rstrip(".")
    return Unusable(f"The database {settings.database_shown} (SHOP_DATABASE) cannot be used: {why}.")


async def bring_up_to_date(settings: Settings, *, holder: str) -> tuple[str | None, str | None]:
    """Migrate as the only writer; returns the revisions before and after. Raises WriterBusy, CannotMigrate or Unusable."""
    with usable(settings), _alone(settings, holder):
        return await migrate(settings.database_url)


@contextmanager
def _alone(settings: Settings, holder: str) -> Iterator[None]:
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite":
        yield  # PostgreSQL has a lock of its own for it.
        return
    lock = WriterLock(Path(url.database or ""), holder)
    lock.take()
    try:
        yield
    finally:
        lock.release()


async def load_keys(settings: Settings, *, create: bool, notice: bool = True) -> Keyring:
    """The shop's keys. Where there is no file yet, and no code either, it is made with a loud notice, or not when not to `create`.

    Raises KeysMissing when the file is away, unreadable, or another database's.
    """
    file = KeyFile(settings.keys)
    exists = await asyncio.to_thread(file.exists)
    shop = await Shop.open_to_read(settings.database_url, file.load() if exists else Keyring.generate())
    try:
        if exists:
            if not await shop.read(inventory.keys_fit):
                raise KeysMissing(
                    f"The key file {settings.keys} (SHOP_KEYS) does not belong to the database {settings.database_shown}: "
                    "name the file that was made with it."
                )
            return shop.tools.keys
        if await shop.read(inventory.any_codes):
            raise KeysMissing(
                f"The key file {settings.keys} (SHOP_KEYS) is missing, and the database {settings.database_shown} holds codes that "
                "nothing else opens: restore the file from its backup, or name the right one in SHOP_KEYS."
            )
    finally:
        await shop.close()
    return await asyncio.to_thread(_new_keys, file, notice) if create else shop.tools.keys


def _new_keys(file: KeyFile, notice: bool) -> Keyring:
    try:
        keyring = file.create()
    except FileExistsError:
        return file.load()  # Another process was quicker.
    except OSError as trouble:
        raise KeysMissing(f"The key file {file.path} (SHOP_KEYS) cannot be made: {trouble.strerror}.") from None
    if notice:
        sys.stderr.write(NEW_KEYS.format(path=file.path.resolve()))
    return keyring


@asynccontextmanager
async def shop_to_write(
    settings: Settings, *, holder: str, kind: type[Shop] = Shop, keys_notice: bool = True
) -> AsyncIterator[tuple[Shop, Storefront]]:
    """The shop, brought up to date and open, with its storefront; closed at the end. Raises WriterBusy."""
    await bring_up_to_date(settings, holder=holder)
    with usable(settings):
        keyring = await load_keys(settings, create=True, notice=keys_notice)
        shop = await kind.open(settings.database_url, keyring, holder=holder)
    try:
        yield shop, await first_storefront(shop, settings)
    finally:
        await shop.close()


async def first_storefront(shop: Shop, settings: Settings) -> Storefront:
    """The storefront, opened at the very first start with the name, currency and language of the settings."""
    name = NAMES.get(settings.language, "Card shop")
    storefront = await shop.write(storefronts.open_storefront, name=name, currency=settings.currency, language=settings.language)
    if storefront.currency != settings.currency:
        raise Unusable(
            f"SHOP_CURRENCY is {settings.currency}, and the books of this shop are kept in {storefront.currency} since it was opened: "
            f"set SHOP_CURRENCY={storefront.currency}, or name a new database in SHOP_DATABASE."
        )
    return storefront


@asynccontextmanager
async def shop_to_read(settings: Settings) -> AsyncIterator[Shop]:
    """The shop as it is, for questions only: safe beside a running one, changes nothing, makes nothing."""
    with usable(settings):
        revision = await database_revision(settings.database_url)
        if revision is None:
            raise CannotMigrate(f"There is no shop in {settings.database_shown} (SHOP_DATABASE) yet: `shop migrate` makes one.")
        if revision != newest_revision():
            raise CannotMigrate(
                f"The database is at revision {revision} and this version of the shop needs {newest_revision()}: run `shop migrate`."
            )
        shop = await Shop.open_to_read(settings.database_url, await load_keys(settings, create=False))
    try:
        yield shop
    finally:
        await shop.close()
