"""The screen of somebody who waits for an upstream's answer, drawn when it is there."""

from __future__ import annotations

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError

from core.database import Shop
from core.errors import Refusal
from core.integration import Errand, ErrandView, UpstreamView
from core.storefronts import Storefront
from handlers.admin.upstreams import SYNCED, TRIED, drawn
from handlers.pieces import bold, keyboard
from locales import Speech

log = structlog.get_logger()


async def draw_errand(shop: Shop, storefront: Storefront, bot: Bot, errand: ErrandView, of: UpstreamView) -> None:
    """Turn the screen into what is so now. One that is gone is not missed: what came of it stands on the upstream's own screen."""
    if errand.screen is None:
        return
    speech = Speech(errand.language or storefront.language)
    said = None if of.trouble else bold(speech.label(SYNCED if errand.what is Errand.SYNC else TRIED))
    try:
        text, rows = await drawn(shop, storefront, speech, of.id, said)
        chat_id, message_id = errand.screen
        await bot.edit_message_text(text, chat_id=chat_id, message_id=message_id, reply_markup=keyboard(rows))
    except (TelegramAPIError, Refusal) as trouble:
        log.info("errand-not-drawn", upstream=of.id, error=type(trouble).__name__)
