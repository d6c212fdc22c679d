"""`shop run` and `shop worker`."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Mapping
from datetime import timedelta
from fractions import Fraction

import structlog
from aiogram.types import User
from dotenv import dotenv_values

from bot import logs
from bot.commands.opening import shop_to_write
from bot.exchanging import Exchange
from bot.metered import MeteredShop
from bot.running import RunPlan, run
from bot.settings import Settings, SettingsWrong, read_settings
from connectors.rates import rate_source
from connectors.settings import SetUpWrong
from core import orders, people
from core.database import Shop
from core.money import exponent
from core.rates import Rules
from core.storefronts import Storefront
from locales import shop_timezone

log = structlog.get_logger()

_NO_SUCH_PLACE = (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES)

OWNER_LINK = """
Nobody runs this shop yet. Open this link in Telegram: it works once and makes you its owner.
  https://t.me/{bot}?start=own-{word}
"""


async def open_for_business(*, worker: bool) -> None:
    """Run the shop until it is told to stop; as a worker it delivers and does the timed jobs only.

    A worker has HTTP doors when it is given an address of its own for them. Whatever is told, is told in the shop's time zone.
    """
    settings = read_settings()
    token, exchange = settings.token, exchange_of(settings)
    shop_timezone.set(settings.timezone)
    others = [payment_settings().get(name, "").strip() for name in ("SHOP_RATES_KEY", "SHOP_CERTIFICATES_TOKEN")]
    logs.configure(as_json=not sys.stderr.isatty(), hide=[token, *filter(None, others)])
    async with shop_to_write(settings, holder="shop worker" if worker else "shop run", kind=MeteredShop) as (shop, storefront):
        word = None if worker else await _call_in_staff(shop, storefront, settings)

        def when_running(me: User, port: int | None) -> None:
            if word is not None:
                sys.stdout.write(OWNER_LINK.format(bot=me.username, word=word))
                sys.stdout.flush()

        host, port = settings.listen_at
        plan = RunPlan(
            token=token,
            api_base=settings.bot_api,
            shop=shop,
            storefront=storefront,
            redis_url=settings.redis_url,
            public_url=settings.public_url,
            listen_host=host,
            listen_port=port,
            with_bot=not worker,
            with_web=not worker or settings.listen_is_set,
            payment_settings=payment_settings(),
            api_per_minute=settings.api_per_minute,
            reports_near=settings.reports_near,
            reversible_a_day_minor=settings.reversible_a_day * 10 ** exponent(settings.currency),
            exchange=exchange,
            admin_group=settings.admin_group,
            hold_rules=orders.HoldRules(settings.holds_per_buyer, settings.hold_share_percent),
            when_running=when_running,
        )
        try:
            await run(plan)
        except SetUpWrong as wrong:
            raise SettingsWrong(str(wrong)) from None
        except socket.gaierror:
            raise SettingsWrong(f"SHOP_LISTEN is {settings.listen}, and there is no such host here.") from None
        except OSError as trouble:
            if trouble.errno not in _NO_SUCH_PLACE:
                raise
            why = os.strerror(trouble.errno).lower()
            if worker and trouble.errno == errno.EADDRINUSE:
                why += "; each process needs an address of its own"
            raise SettingsWrong(f"SHOP_LISTEN is {settings.listen}, and nothing can be served there: {why}.") from None


def exchange_of(settings: Settings) -> Exchange:
    """Where exchange rates come from; raises SettingsWrong, before anything starts."""
    try:
        source = rate_source(payment_settings())
    except SetUpWrong as wrong:
        raise SettingsWrong(str(wrong)) from None
    rules = Rules(
        timedelta(hours=settings.rates_max_age_hours), Fraction(settings.rates_buffer_percent), Fraction(settings.rates_jump_percent)
    )
    return Exchange(dict(settings.rates), source, rules, settings.rates_refresh_minutes * 60)


def payment_settings() -> Mapping[str, str]:
    """What the ways to be paid are set up with, from the same places as every other setting.

    SHOP_CALLBACK_URL is where providers report to, when that is another address than the one Telegram uses.
    """
    written = {name: value for name, value in dotenv_values(".env").items() if value}
    found = {**written, **os.environ}
    if found.get("SHOP_CALLBACK_URL"):
        found["SHOP_PUBLIC_URL"] = found["SHOP_CALLBACK_URL"].rstrip("/")
    return found


async def _call_in_staff(shop: Shop, storefront: Storefront, settings: Settings) -> str | None:
    """Make the admins of the settings admins; returns the word of an owner's link when nobody runs the shop."""
    await shop.write(people.set_admins_from_settings, storefront_id=storefront.id, telegram_ids=settings.admins)
    staff = await shop.read(people.staff, storefront_id=storefront.id)
    for member in staff:
        if member.customer is None or member.customer.blocked:
            log.warning(
                "admin-out-of-reach",
                telegram_id=member.telegram_id,
                advice="the bot cannot write to them before they have opened it and pressed /start",
            )
    if staff:
        return None
    return await shop.write(people.make_owner_link, storefront_id=storefront.id)
