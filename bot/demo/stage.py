"""What stands in the demo's shop before anybody comes: the shelf, and some money for those who have a phone to buy on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from bot.commands.opening import shop_to_write
from bot.demo.people import meet
from bot.demo.supply import BY, SINCE, Behind, DemoClock, connect, set_up_supply
from bot.seed import read_catalogue, seed
from bot.settings import Settings
from core import payments, storefronts
from core.database import Keyring, Shop
from core.storefronts import Storefront
from sandbox import DEFAULT_PHONES, PhoneSpec

CATALOGUE = Path(__file__).with_name("catalogue.yaml")
WITH_MONEY = ("buyer", "second", "reseller")
STARTING_MINOR = 500_00
SUPPORT = "help@card-shop.example"  # an address that nobody can have
REASONS = {"zh-hans": "演示起始余额", "zh-hant": "演示起始餘額", "ru": "Стартовый баланс демонстрации"}


async def set_up(settings: Settings, behind: Behind, keeps: Callable[[str, bytes, str], str], *, new: bool) -> None:
    """Fill the shelf and the purses of a new demo, and give it ten days of past; one that is known is told where its upstream is now.

    `keeps` gives a file to the local Telegram and returns its id there.
    """
    clock = DemoClock()
    clock.back = SINCE if new else timedelta()

    class Past(Shop):
        """Opened at the demo's own time."""

        @classmethod
        async def open(cls, url: str, keys: Keyring, *, holder: str = "shop", clock: Callable[[], datetime] = clock) -> Shop:
            return await super().open(url, keys, holder=holder, clock=clock)

    async with shop_to_write(settings, holder="shop demo", kind=Past, keys_notice=False) as (shop, storefront):
        if new:
            for phone in DEFAULT_PHONES:
                if phone.id in WITH_MONEY:
                    await _give_money(shop, storefront, phone)
            await shop.write(storefronts.rename, storefront_id=storefront.id, support=SUPPORT)
            found = read_catalogue(CATALOGUE.read_text(encoding="utf-8"), CATALOGUE.name)
            await seed(shop, storefront, found, name=CATALOGUE.name, by=BY)
            await set_up_supply(shop, storefront, clock, keeps)
        await connect(shop, storefront, behind)


async def _give_money(shop: Shop, storefront: Storefront, phone: PhoneSpec) -> None:
    """An admin's credit in the books and in the action log. No message tells of it: the first thing anybody sees is the shop."""
    customer = await meet(shop, storefront, phone)
    await shop.write(
        payments.adjust,
        customer_id=customer.id,
        amount_minor=STARTING_MINOR,
        reason=REASONS.get(phone.language_code, "Starting balance of the demo"),
        by=BY,
        once=f"demo-start:{customer.id}",
        tell=False,
    )
