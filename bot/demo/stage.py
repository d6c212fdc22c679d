"""What stands in the demo's shop before anybody comes: the shelf, and some money for those who have a phone to buy on."""

from __future__ import annotations

from pathlib import Path

from bot.commands.opening import shop_to_write
from bot.seed import read_catalogue, seed
from bot.settings import Settings
from core import journal, payments, people, storefronts
from core.database import Shop
from core.storefronts import Storefront
from sandbox import DEFAULT_PHONES, PhoneSpec

CATALOGUE = Path(__file__).with_name("catalogue.yaml")
WITH_MONEY = ("buyer", "second", "reseller")
STARTING_MINOR = 500_00
SUPPORT = "help@card-shop.example"  # an address that nobody can have
REASONS = {"zh-hans": "演示起始余额", "zh-hant": "演示起始餘額", "ru": "Стартовый баланс демонстрации"}


def telegram_id(phone: PhoneSpec) -> int:
    """The Telegram id of a phone of the demo."""
    assert phone.user_id is not None, "the demo's people have ids of their own"
    return phone.user_id


async def set_up(settings: Settings) -> bool:
    """Fill the shelf and the purses of a new demo; True when it was new. One that was interrupted is finished."""
    async with shop_to_write(settings, holder="shop demo", keys_notice=False) as (shop, storefront):
        done = await shop.read(journal.latest, about="storefront", about_id=storefront.id, limit=100)
        if any(entry.did == "seed" for entry in done):
            return False
        for phone in DEFAULT_PHONES:
            if phone.id in WITH_MONEY:
                await _give_money(shop, storefront, phone)
        await shop.write(storefronts.rename, storefront_id=storefront.id, support=SUPPORT)
        # Last, because its entry in the action log is what says that all of it is done.
        found = read_catalogue(CATALOGUE.read_text(encoding="utf-8"), CATALOGUE.name)
        await seed(shop, storefront, found, name=CATALOGUE.name, by="demo")
        return True


async def _give_money(shop: Shop, storefront: Storefront, phone: PhoneSpec) -> None:
    """An admin's credit in the books and in the action log. No message tells of it: the first thing anybody sees is the shop."""
    customer = await shop.write(
        people.meet,
        storefront_id=storefront.id,
        telegram_id=telegram_id(phone),
        name=" ".join(filter(None, (phone.first_name, phone.last_name))),
        username=phone.username,
        telegram_language=phone.language_code,
        currency=storefront.currency,
    )
    await shop.write(
        payments.adjust,
        customer_id=customer.id,
        amount_minor=STARTING_MINOR,
        reason=REASONS.get(phone.language_code, "Starting balance of the demo"),
        by="demo",
        once=f"demo-start:{customer.id}",
        tell=False,
    )
