"""`shop migrate` and `shop rotate-keys`."""

from __future__ import annotations

import asyncio

from bot.commands.opening import bring_up_to_date, shop_to_write
from bot.commands.sealed import wrap_all
from bot.settings import read_settings
from core import journal
from core.database import KeyFile


async def bring_tables() -> None:
    """Make the tables or bring them up to date; says from which revision to which."""
    settings = read_settings()
    before, after = await bring_up_to_date(settings, holder="shop migrate")
    if before == after:
        print(f"{settings.database_shown} is up to date (revision {after}).")
    elif before is None:
        print(f"Made the tables in {settings.database_shown} (revision {after}).")
    else:
        print(f"Brought {settings.database_shown} from revision {before} to {after}.")


async def rotate(*, rewrap_only: bool) -> int:
    """A new wrapping key, then all that is sealed under it; on PostgreSQL the second step waits until every process has the new file."""
    settings = read_settings()
    file = KeyFile(settings.keys)
    async with shop_to_write(settings, holder="shop rotate-keys") as (shop, storefront):
        if not rewrap_only:
            # The old keys stay in the file: a backup of the database must remain readable.
            shop.tools.keys = shop.tools.keys.rotated()
            await asyncio.to_thread(file.replace, shop.tools.keys)
            newest = shop.tools.keys.newest_wrapping
            print(f"{settings.keys} has a new wrapping key, {newest}. Please back the file up now.")
            await shop.write(
                journal.record,
                by="command-line",
                did="rotate-keys",
                about="storefront",
                about_id=storefront.id,
                after={"wrapping_key": newest},
            )
            if not shop.is_sqlite:
                print("Restart every process of the shop with the new file, then run `shop rotate-keys --rewrap`.")
                return 0
        wrapped = await wrap_all(shop)
        print(f"Wrapped {wrapped.pop('batches')} batches anew; no code was touched.")
        told = [f"{count} {called}" for called, count in wrapped.items() if count]
        if told:
            print(f"Wrapped anew besides: {', '.join(told)}.")
    return 0
