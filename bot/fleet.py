"""Resellers' own bots, all in one process: opened when they are there, let go when they are not, and none harmed by another.

They share the HTTP session and the dispatcher; each has its own pace, its own updates in hand, and an opaque address with a secret of
its own. The secret is made from the shop's keys: whoever has a bot's token cannot pretend to be Telegram.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.exceptions import TelegramNotFound, TelegramUnauthorizedError
from aiogram.utils.token import TokenValidationError

from bot.courier import trouble_of
from bot.intake import Intake
from bot.logs import REDACTION
from bot.pace import Pace
from bot.polling import Polling
from bot.voices import Voice, Voices
from core import brands
from core.brands import BrandView, Running, Style, TelegramSilent, TokenRefused
from core.database import Shop
from core.errors import Refusal
from core.ports import BotIdentity
from handlers.commands import set_branded_commands, set_description
from web.app import TelegramDoor

log = structlog.get_logger()

LOOK_SECONDS = 1.0  # how late a new bot is noticed
AGAIN_SECONDS = 60.0  # after which a bot that could not be opened is tried again
SETTING_UP_AT_ONCE = 8  # calls that set webhooks and menus: hundreds of bots may come with one start
WEBHOOK_CONNECTIONS = 10
WATCH_SECONDS = 300.0  # how often it is asked whether a webhook is still ours: nothing comes from a bot whose token was revoked
_PAUSES_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)


@dataclass
class Member:
    """A running bot of a reseller."""

    brand: BrandView
    voice: Voice
    intake: Intake | None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    introducing: asyncio.Task[None] | None = None
    introduced: str | None = None  # what its menu in Telegram is being made for, or was


class Fleet:
    """Keeps the bots of resellers running. With a dispatcher it takes their updates; without one they only speak."""

    def __init__(
        self,
        shop: Shop,
        voices: Voices,
        pace_of: Callable[[Bot], Pace],
        *,
        dispatcher: Dispatcher | None = None,
        public_url: str | None = None,
        doors: dict[str, TelegramDoor] | None = None,
        by_webhook: Callable[[Bot, Intake], Callable[[dict[str, Any]], Awaitable[None]]] | None = None,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self._shop, self._voices, self._pace_of = shop, voices, pace_of
        self._dispatcher, self._public_url, self._doors, self._by_webhook = dispatcher, public_url, doors, by_webhook
        self._after = after
        self._used = dispatcher.resolve_used_update_types() if dispatcher is not None else []
        self._members: dict[int, Member] = {}
        self._not_before: dict[int, float] = {}  # brands that could not be opened, and when they are tried again
        self._refused: set[int] = set()  # storefronts whose tokens Telegram does not know
        self._room = asyncio.Semaphore(SETTING_UP_AT_ONCE)
        self._woken = asyncio.Event()
        voices.refused = self.refused

    @property
    def members(self) -> dict[int, Member]:
        """The running bots, by their brands."""
        return self._members

    def wake(self) -> None:
        """Something has changed: look now."""
        self._woken.set()

    def refused(self, storefront_id: int, bot: Bot) -> None:
        """Telegram does not know this bot's token any more; written down at the next look. What was an older token's says nothing."""
        voice = self._voices.branded.get(storefront_id)
        if voice is None or voice.bot is not bot:
            return
        self._refused.add(storefront_id)
        self._woken.set()

    async def run(self, stop: asyncio.Event, drain_seconds: float = 4.0) -> None:
        """Look after them until `stop` is set; then all end together, within the time."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._woken.clear()
                try:
                    await self.look()
                except Exception as trouble:  # The database is away for a moment: the bots that run go on.
                    log.warning("fleet-not-looked", error=type(trouble).__name__)
                woken = asyncio.create_task(self._woken.wait())
                await asyncio.wait({woken, stopped}, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
        finally:
            stopped.cancel()
            # What they posted last is still to be delivered: they are heard no more, and speak on.
            members, self._members = list(self._members.values()), {}
            await asyncio.gather(*(self._quiet(member, drain_seconds) for member in members))

    async def look(self) -> None:
        """Open the bots that are new or have another token, and let those go that are closed or refused."""
        refused, self._refused = self._refused, set()
        for member in [each for each in self._members.values() if each.brand.storefront.id in refused]:
            if await self._shop.write(brands.token_refused, brand_id=member.brand.id, token_version=member.brand.token_version):
                log.warning("brand-token-refused", brand=member.brand.id)
        wanted = await self._shop.read(brands.running)
        for brand_id, member in list(self._members.items()):
            known = wanted.get(brand_id)
            if known is None or known.token_version != member.brand.token_version:
                await self._let_go(member, 1.0)
            else:
                self._dress(member.voice.bot, known.style)
                self._introduce(member, known)
        for brand_id in sorted(wanted.keys() - self._members.keys()):
            if self._not_before.get(brand_id, 0.0) > time.monotonic():
                continue
            try:
                brand = await self._shop.read(brands.brand, brand_id)
                if brand is not None:
                    await self._open(brand, wanted[brand_id])
                self._not_before.pop(brand_id, None)
            except Exception:  # Of any kind: one bot's trouble keeps no other from being opened.
                log.exception("brand-not-opened", brand=brand_id)
                self._not_before[brand_id] = time.monotonic() + AGAIN_SECONDS

    async def _open(self, brand: BrandView, known: Running) -> None:
        token = await self._shop.read(brands.token_of, brand.id)
        try:
            bot = Bot(token, session=self._voices.house.bot.session, default=DefaultBotProperties(parse_mode="HTML"))
        except TokenValidationError:
            await self._shop.write(brands.token_refused, brand_id=brand.id, token_version=brand.token_version)
            return
        for secret in (token, token.partition(":")[2]):
            REDACTION.hide(secret)
        intake = None
        if self._dispatcher is not None:
            intake = Intake(self._dispatcher, bot, self._after, given={"storefront": brand.storefront})
        member = Member(brand, Voice(bot, brand.username, self._pace_of(bot)), intake)
        self._members[brand.id] = member
        self._voices.branded[brand.storefront.id] = member.voice
        self._dress(bot, brand.style)
        if intake is not None:
            member.tasks.append(asyncio.create_task(self._take_updates(member, intake), name=f"brand-{brand.id}"))
            self._introduce(member, known)

    def _dress(self, bot: Bot, style: Style) -> None:
        if style is Style.PLAIN:
            self._voices.styles.pop(bot.id, None)
        else:
            self._voices.styles[bot.id] = style.value

    async def _let_go(self, member: Member, drain_seconds: float) -> None:
        """It is not to run any more."""
        self._members.pop(member.brand.id, None)
        self._voices.branded.pop(member.brand.storefront.id, None)
        await self._quiet(member, drain_seconds)

    async def _quiet(self, member: Member, drain_seconds: float) -> None:
        """Take no more updates of it; what is in hand is finished, in the time that there is."""
        if self._doors is not None:
            self._doors.pop(member.brand.word, None)
        member.stop.set()
        if member.intake is not None:
            await member.intake.drain(drain_seconds)
        tasks = [*member.tasks, *([] if member.introducing is None else [member.introducing])]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=drain_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _take_updates(self, member: Member, intake: Intake) -> None:
        bot = member.voice.bot
        if self._public_url is None or self._doors is None or self._by_webhook is None:
            if await self._until_done(member, lambda: bot.delete_webhook(drop_pending_updates=False), "brand-webhook-not-deleted"):

                async def shared() -> None:
                    await self._tell_shared(member)
                    await bot.delete_webhook(drop_pending_updates=False)

                refused = partial(self.refused, member.brand.storefront.id, bot)
                await Polling(bot, intake, self._used, refused=refused, shared=shared).run(member.stop, 1.0)
            return
        word, secret = member.brand.word, secret_of(self._shop, member.brand)
        REDACTION.hide(secret)
        self._doors[word] = TelegramDoor(secret, self._by_webhook(bot, intake))
        url = f"{self._public_url.rstrip('/')}/telegram/{word}"

        async def take() -> None:
            await bot.set_webhook(
                url,
                secret_token=secret,
                allowed_updates=self._used,
                max_connections=WEBHOOK_CONNECTIONS,
                drop_pending_updates=False,
            )

        async def look() -> None:
            if (await bot.get_webhook_info()).url != url:
                await self._tell_shared(member)
                await take()

        going = await self._until_done(member, take, "brand-webhook-not-set")
        while going and not member.stop.is_set():
            try:
                await asyncio.wait_for(member.stop.wait(), WATCH_SECONDS * random.uniform(0.8, 1.2))
            except TimeoutError:
                going = await self._until_done(member, look, "brand-webhook-not-seen")

    async def _tell_shared(self, member: Member) -> None:
        """Another program uses the bot's token, too: what it takes never comes here. Its owner alone can end that."""
        log.warning("brand-shared", brand=member.brand.id)
        await self._shop.write(brands.shared, brand_id=member.brand.id, token_version=member.brand.token_version)

    def _introduce(self, member: Member, known: Running) -> None:
        """Its menu and what an empty chat says: made once, and again when its name or language has changed."""
        if member.intake is None or member.introduced == known.says:
            return
        before, member.introduced = member.introducing, known.says
        if before is not None:
            before.cancel()
        if known.introduced != known.says or before is not None:
            name = f"brand-{member.brand.id}-menu"
            member.introducing = asyncio.create_task(self._set_menu(member, known.says, before), name=name)

    async def _set_menu(self, member: Member, says: str, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])

        async def introduce() -> None:
            brand = await self._shop.read(brands.brand, member.brand.id)
            assert brand is not None, "brands stay in the books"
            await set_branded_commands(member.voice.bot, brand.storefront)
            await set_description(member.voice.bot, brand.storefront)
            await self._shop.write(brands.introduced, brand_id=member.brand.id, says=says)

        await self._until_done(member, introduce, "brand-menu-not-set")

    async def _until_done(self, member: Member, call: Callable[[], Awaitable[object]], complaint: str) -> bool:
        """Make a call until it succeeds; False when the bot was let go before, or its token is refused."""
        tries = 0
        while not member.stop.is_set():
            try:
                async with self._room:
                    await call()
                return True
            except (TelegramUnauthorizedError, TelegramNotFound):
                self.refused(member.brand.storefront.id, member.voice.bot)
                return False
            except Exception as trouble:
                after = _PAUSES_SECONDS[min(tries, len(_PAUSES_SECONDS) - 1)] * random.uniform(0.5, 1)
                tries += 1
                log.warning(complaint, brand=member.brand.id, error=trouble_of(trouble), times=tries)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(member.stop.wait(), after)
        return False


def secret_of(shop: Shop, brand: BrandView) -> str:
    """What Telegram says at this bot's address, so that it is known to be Telegram. All processes of the shop agree on it."""
    return shop.tools.keys.fingerprint(f"webhook {brand.word} {brand.token_version}").hex()[:48]


async def meet_bot(token: str, *, house: Bot) -> BotIdentity:
    """Whose token this is, as Telegram says. Raises TokenRefused, TelegramSilent; BotTaken for the shop's own bot."""
    REDACTION.hide(token)
    try:
        bot = Bot(token, session=house.session)
    except TokenValidationError:
        raise TokenRefused from None
    try:
        async with asyncio.timeout(10):
            me = await bot.get_me()
    except (TelegramUnauthorizedError, TelegramNotFound):
        raise TokenRefused from None
    except Refusal:
        raise
    except Exception as trouble:
        log.warning("token-not-asked", error=trouble_of(trouble))
        raise TelegramSilent from trouble
    if me.id == house.id:
        raise brands.BotTaken(username=me.username or "")
    return BotIdentity(me.id, me.username or "", me.full_name)
