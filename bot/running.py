"""The running shop: the bot, the courier, the timed jobs and the HTTP doors in one loop, from the start to an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.middlewares.base import NextRequestMiddlewareType
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramNotFound, TelegramRetryAfter, TelegramUnauthorizedError
from aiogram.fsm.storage.base import BaseStorage, DefaultKeyBuilder
from aiogram.fsm.storage.memory import MemoryStorage
from aiogram.methods import Response, TelegramMethod
from aiogram.types import Update, User
from pydantic import ValidationError
from redis.asyncio import Redis

from bot import telegram_json
from bot.asking import REFUNDS_AT_ONCE, Asker
from bot.certifying import AT_ONCE as CERTIFICATES_AT_ONCE
from bot.certifying import LOOK_SECONDS as CERTIFICATE_SECONDS
from bot.certifying import Certifying
from bot.checking_accounts import AccountChecks
from bot.courier import Courier, trouble_of
from bot.dispatcher import make_dispatcher, note_answer
from bot.doing import Doing
from bot.exchanging import LOOK_SECONDS, Exchange, Exchanging, record_fixed
from bot.fleet import Fleet, meet_bot
from bot.intake import Intake
from bot.jobs import Job, Jobs, count_missed, jobs_of
from bot.logs import REDACTION, where
from bot.notifying import Notifier
from bot.pace import LocalPace, Pace, Rates, SharedPace, wait_when_asked
from bot.paying_out import AT_ONCE, pay_out
from bot.polling import Polling
from bot.procuring import Procurer
from bot.reconciling import reconcile
from bot.serving import Serving
from bot.shared_memory import SharedMemory
from bot.storage import ForgivingStorage
from bot.telegram_calls import BotCalls
from bot.uploads import Uploads
from bot.upstream_screens import draw_errand
from bot.voices import Voice, Voices, themed
from connectors.certificates import registers
from connectors.payments import methods
from connectors.payouts import payout_methods
from connectors.reporting import Reporter
from connectors.suppliers import protocols
from connectors.suppliers import upstream as open_upstream
from core import orders, payments, people
from core.database import Shop
from core.ports import PaymentMethod, PayoutMethod
from core.storefronts import Storefront
from handlers import branded_routers
from handlers.admin import imports_finished
from handlers.commands import set_commands, set_description
from papers.studio import Studio
from web.api import ApiDoor
from web.app import NotNow, PaymentDoor, TelegramDoor, make_app
from web.upstreams import SupplyDoor

log = structlog.get_logger()

REQUEST_SECONDS = 30
DRAIN_SECONDS = 9.0  # Whoever stops a process waits about ten before killing it.
WEBHOOK_CONNECTIONS = 40
RECONCILE_SECONDS = 60.0
_DAY = 86_400


class WrongToken(Exception):
    """Telegram does not know the bot's token."""


@dataclass(frozen=True)
class RunPlan:
    """What to run. With `public_url` Telegram delivers to our webhook, without it we poll."""

    token: str = field(repr=False)
    api_base: str
    shop: Shop
    storefront: Storefront
    redis_url: str | None = field(repr=False)
    public_url: str | None
    listen_host: str
    listen_port: int
    with_bot: bool = True  # takes updates
    with_courier: bool = True
    with_jobs: bool = True
    with_web: bool = True
    rates: Rates = field(default_factory=Rates)
    # What the ways to be paid are set up with: names as in the environment.
    payment_settings: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    hold_rules: orders.HoldRules = field(default_factory=orders.HoldRules)
    exchange: Exchange = field(default_factory=Exchange)
    admin_group: int | None = None  # the staff's group, to which applications go too
    api_per_minute: int = 3000  # requests of one key of a reseller
    reports_near: bool = False  # programs of resellers may be in the network around us, and be told by plain http
    reversible_a_day_minor: int | None = None  # what one buyer may pay in a day by ways whose payers can take it back
    # Called when everything runs: who the bot is, and the port of the doors (None without them).
    when_running: Callable[[User, int | None], None] | None = None


async def run(plan: RunPlan, stop: asyncio.Event | None = None) -> None:
    """Run until `stop` is set (without one: until SIGTERM or SIGINT); then drain, within ten seconds.

    Draining: no new update is taken in, those in hand are finished, what they posted is delivered, and the rest is given
    back – unanswered updates to Telegram, leases to the outbox. Telegram out of reach is waited for. Raises WrongToken when it
    does not know the token, and OSError when the doors' address cannot be had.
    """
    if plan.public_url is not None and plan.with_bot and not plan.with_web:
        raise ValueError("a webhook needs the HTTP doors")
    stop = stop or stop_on_signals()
    for secret in (plan.token, plan.token.partition(":")[2]):
        REDACTION.hide(secret)
    await Running(plan, stop).run()


def stop_on_signals() -> asyncio.Event:
    """An event that the first SIGTERM or SIGINT sets; the second one ends the process at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def asked(number: signal.Signals) -> None:
        log.info("stopping", signal=number.name)
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked, number)
    return stop


def make_bot(token: str, api_base: str) -> Bot:
    """The shop's bot: one session, HTML everywhere."""
    # All bots of the process share it, and each that polls keeps a connection: their paces bound the rest.
    session = AiohttpSession(api=TelegramAPIServer.from_base(api_base), json_loads=telegram_json.loads, timeout=REQUEST_SECONDS, limit=0)
    session.middleware(keep_answer_type)
    session.middleware(note_answer)
    session.middleware(wait_when_asked)
    return Bot(token, session=session, default=DefaultBotProperties(parse_mode="HTML"))


_ANSWER_TYPES: set[Any] = set()


async def keep_answer_type(make_request: NextRequestMiddlewareType[Any], bot: Bot, method: TelegramMethod[Any]) -> Any:
    """A session middleware: pydantic forgets a parametrised model nobody holds, and building it anew takes a fifth of a call."""
    _ANSWER_TYPES.add(Response[method.__returning__])  # type: ignore[name-defined]  # One for each kind of answer: a few dozen.
    return await make_request(bot, method)


def webhook_of(token: str) -> tuple[str, str]:
    """The opaque id in the webhook's address, and its secret: made from the token, so that all processes of a bot agree."""
    made = [hmac.new(token.encode(), what, hashlib.sha256).hexdigest()[:48] for what in (b"webhook-address", b"webhook-secret")]
    return made[0], made[1]


class Running:
    """One process of the shop."""

    def __init__(self, plan: RunPlan, stop: asyncio.Event) -> None:
        self._plan, self._stop = plan, stop
        self._parts: dict[str, Callable[[], bool]] = {}
        self._telegram: dict[str, TelegramDoor] = {}
        self._tills: dict[str, PaymentDoor] = {}
        self._uploads: Uploads | None = None
        self._supply = SupplyDoor()
        self._api = ApiDoor(per_minute=plan.api_per_minute)

    async def run(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            doors = await self._open_doors(stack) if self._plan.with_web else None
            redis = await stack.enter_async_context(_redis(self._plan.redis_url))
            if redis is not None:
                self._api.memory = shared = SharedMemory(redis)
                await shared.begin()
            bot = await stack.enter_async_context(make_bot(self._plan.token, self._plan.api_base))
            me = await self._meet(bot)
            if me is not None:
                await self._work(bot, me, redis, doors)

    async def _open_doors(self, stack: contextlib.AsyncExitStack) -> Serving:
        # Open from the first moment: whoever watches over the process sees that it lives, and that it is not ready yet.
        self._parts["bot"] = lambda: False
        app = make_app(
            self._plan.shop,
            telegram=self._telegram,
            payments=self._tills,
            uploads=lambda: None if self._stop.is_set() else self._uploads,
            supply=self._supply,
            api=self._api,
            alive=self._at_work,
        )
        serving = Serving(app, self._plan.listen_host, self._plan.listen_port)
        await serving.open()
        stack.push_async_callback(serving.close)
        return serving

    def _at_work(self) -> dict[str, bool]:
        return {name: at() for name, at in self._parts.items()}

    async def _meet(self, bot: Bot) -> User | None:
        """Who the bot is; asked until Telegram can be reached. None when it is to stop before that."""
        answer: User | None = await self._until_done(bot.me, "telegram-not-reached")
        return answer

    async def _work(self, bot: Bot, me: User, redis: Redis | None, doors: Serving | None) -> None:
        plan, stop = self._plan, self._stop
        assert me.username is not None, "every bot has a username"

        def pace_of(bot: Bot) -> Pace:
            return LocalPace(plan.rates) if redis is None else SharedPace(redis, bot.id, plan.rates)

        voices = Voices(Voice(bot, me.username, pace_of(bot)), plan.storefront.id)
        bot.session.middleware(themed(voices.styles))
        courier = Courier(plan.shop, voices)
        couriers_stop = asyncio.Event()
        accepted = methods(BotCalls(bot), plan.payment_settings)
        paying = payout_methods(plan.payment_settings)
        certifying = Certifying(plan.shop, registers(plan.payment_settings))
        await record_fixed(plan.shop, plan.storefront, plan.exchange)
        asker = Asker(plan.shop, plan.storefront, voices, accepted)
        procurer = Procurer(
            plan.shop,
            open_upstream,
            public_url=plan.payment_settings.get("SHOP_PUBLIC_URL", "") or plan.public_url or "",
            told=partial(draw_errand, plan.shop, plan.storefront, bot),
        )
        reporter = Reporter(near=plan.reports_near)
        account_checks = AccountChecks({"upstream": procurer.check_account})
        studio = Studio()
        own: list[asyncio.Task[None]] = []
        delivering: asyncio.Task[None] | None = None

        def begin(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
            task = asyncio.create_task(work)
            task.add_done_callback(self._stop_when_failed)
            return task

        if plan.with_courier:
            self._parts["courier"] = lambda: courier.alive
            delivering = begin(self._kept_up("courier", lambda: courier.run(couriers_stop, 4), couriers_stop))
            own.append(begin(self._kept_up("asker", lambda: asker.run(stop), stop)))
            self._parts["asker"] = lambda: asker.alive
            own.append(begin(self._kept_up("procurer", lambda: procurer.run(stop), stop)))
        if plan.with_web:
            self._uploads = Uploads(plan.shop, plan.storefront, bot)
            self._tills.update({name: asker.till(method) for name, method in accepted.items() if method.capabilities.callback})
            self._supply.hears = procurer.hear
        if plan.with_jobs:
            certificates = Job("check-certificates", CERTIFICATE_SECONDS, certifying.run, full=CERTIFICATES_AT_ONCE)
            of_money = self._jobs_of_providers(accepted, paying, asker)
            programs = Notifier(plan.shop, reporter).jobs()
            jobs = Jobs([*jobs_of(plan.shop), *of_money, *Doing(plan.shop, bot).jobs(), *programs, certificates], courier.wake)
            own.append(begin(self._kept_up("jobs", lambda: jobs.run(stop), stop)))
        intake: Intake | None = None
        branded: Dispatcher | None = None
        if plan.with_bot:
            storage = _storage(redis)
            dispatcher = make_dispatcher(
                plan.shop,
                plan.storefront,
                accepted,
                storage,
                hold_rules=plan.hold_rules,
                cap=self._cap(accepted),
                wake_asker=asker.wake,
                ask_now=asker.ask,
                admin_group=plan.admin_group,
                upload_address=self._upload_address(doors),
                protocols=protocols(),
                studio=studio,
                check_account=partial(account_checks.begin, voices=voices, shop=plan.shop),
                payout_coins={name: way.currency for name, way in paying.items()},
                meet_bot=partial(meet_bot, house=bot),
                fetch_file=voices.fetch,
            )
            intake = Intake(dispatcher, bot, after=courier.wake)
            own.append(begin(self._until_stopped(self._introduce(bot))))
            own.append(begin(self._take_updates(bot, dispatcher, intake)))
            # Stars that are paid in a bot belong to whoever owns it: there, they would not be the shop's.
            branded = make_dispatcher(
                plan.shop,
                plan.storefront,
                {name: way for name, way in accepted.items() if name != "stars"},
                storage,
                hold_rules=plan.hold_rules,
                cap=self._cap(accepted),
                wake_asker=asker.wake,
                ask_now=asker.ask,
                check_account=partial(account_checks.begin, voices=voices, shop=plan.shop),
                fetch_file=voices.fetch,
                conversations=branded_routers,
            )
        if plan.with_bot or plan.with_courier:
            fleet = Fleet(
                plan.shop,
                voices,
                pace_of,
                dispatcher=branded,
                public_url=plan.public_url,
                doors=self._telegram,
                by_webhook=self._by_webhook,
                after=courier.wake,
            )
            own.append(begin(self._kept_up("fleet", lambda: fleet.run(stop), stop)))
        self._parts["bot"] = lambda: not stop.is_set()
        log.info("running", bot=me.username, webhook=plan.public_url is not None, port=doors.port if doors else None)
        if plan.when_running is not None:
            plan.when_running(me, doors.port if doors else None)
        try:
            await stop.wait()
        finally:
            stop.set()
            asker.hurry()
            await self._drain(intake, own)
            # Last, so that what was bought in the last moment is delivered too.
            couriers_stop.set()
            if delivering is not None:
                await delivering
            for method in accepted.values():
                await method.close()
            for payout_method in paying.values():
                await payout_method.close()
            await certifying.close()
            await reporter.close()
            await studio.close()
            if plan.exchange.source is not None:
                await plan.exchange.source.close()
            log.info("stopped")
        for task in own:
            if not task.cancelled():
                task.result()

    def _jobs_of_providers(self, accepted: Mapping[str, PaymentMethod], paying: Mapping[str, PayoutMethod], asker: Asker) -> list[Job]:
        """What has to be asked of those who move money, and told of them. Each by itself: one that takes its time holds up no other."""
        plan = self._plan
        jobs = [
            Job(f"reconcile-{name}", RECONCILE_SECONDS, partial(reconcile, plan.shop, plan.storefront, {name: method}))
            for name, method in accepted.items()
            if method.capabilities.poll
        ]
        jobs += [Job(f"give-back-{name}", 5, partial(asker.give_back_by, name), full=REFUNDS_AT_ONCE) for name in accepted]
        jobs.append(Job("give-back-switched-off", 5, partial(asker.give_back_by, None), full=REFUNDS_AT_ONCE))
        others = [name for name in accepted if name != "stars"]
        if others:
            log.warning("telegram-wants-stars", ways=others, rule="https://core.telegram.org/bots/payments-stars")
            jobs.append(Job("tell-the-rule", 60, lambda: self._tell_the_rule(others)))
        if paying:
            jobs.append(Job("pay-out", 5, partial(pay_out, plan.shop, paying), full=AT_ONCE))
        jobs.append(Job("exchange-rates", LOOK_SECONDS, Exchanging(plan.shop, plan.storefront, plan.exchange, accepted).run))
        jobs.append(Job("count-unmet-demand", 15, partial(count_missed, plan.shop)))
        return jobs

    async def _drain(self, intake: Intake | None, own: Collection[asyncio.Task[None]]) -> None:
        """Finish what is in hand, in the time that there is; what is late is dropped."""
        if intake is not None and self._plan.public_url is not None:  # Polling drains by itself, and confirms what it has drained.
            await intake.drain(DRAIN_SECONDS - 4)
        if own:
            _, late = await asyncio.wait(own, timeout=DRAIN_SECONDS - 2)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        # An import that is under way is finished or put aside whole while there is time; a killed one is cleaned up by a job.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(imports_finished(), DRAIN_SECONDS - 4)

    def _upload_address(self, doors: Serving | None) -> str | None:
        """Where suppliers upload large files: the address that payment providers report to, or the doors' own in a demo."""
        public = self._plan.payment_settings.get("SHOP_PUBLIC_URL") or self._plan.public_url
        if public is not None or doors is None:
            return public
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self._plan.listen_host, self._plan.listen_host)
        return f"http://{f'[{host}]' if ':' in host else host}:{doors.port}"

    async def _tell_the_rule(self, others: list[str]) -> int:
        """To each of the staff once: digital goods sold inside Telegram have to be paid in Stars, and the owner decides what that means."""
        body = {"says": "stars-rule", "ways": others}
        await self._plan.shop.write(payments.tell_staff, storefront_id=self._plan.storefront.id, body=body, once="stars-rule")
        return 0

    def _cap(self, accepted: Mapping[str, PaymentMethod]) -> orders.Cap | None:
        if self._plan.reversible_a_day_minor is None:
            return None
        # Stars are given back by Telegram itself and rarely; the invoice's own maximum bounds them.
        return orders.Cap(
            tuple(name for name, way in accepted.items() if way.capabilities.reversible and name != "stars"),
            self._plan.reversible_a_day_minor,
        )

    def _stop_when_failed(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._stop.set()

    async def _take_updates(self, bot: Bot, dispatcher: Dispatcher, intake: Intake) -> None:
        used = dispatcher.resolve_used_update_types()
        if self._plan.public_url is None:
            # While a webhook is set Telegram refuses to be polled; nothing that waits there is dropped.
            if await self._until_done(lambda: bot.delete_webhook(drop_pending_updates=False), "webhook-not-deleted") is None:
                return
            polling = Polling(bot, intake, used)
            self._parts["polling"] = lambda: polling.alive
            await self._kept_up("polling", lambda: polling.run(self._stop, DRAIN_SECONDS - 4), self._stop)
            return
        address, secret = webhook_of(self._plan.token)
        REDACTION.hide(secret)
        REDACTION.hide(address)
        self._telegram[address] = TelegramDoor(secret, self._by_webhook(bot, intake))
        url = f"{self._plan.public_url.rstrip('/')}/telegram/{address}"
        self._parts["webhook"] = lambda: False
        is_set = await self._until_done(
            lambda: bot.set_webhook(
                url,
                secret_token=secret,
                allowed_updates=used,
                max_connections=WEBHOOK_CONNECTIONS,
                drop_pending_updates=False,
            ),
            "webhook-not-set",
        )
        self._parts["webhook"] = lambda: bool(is_set)

    def _by_webhook(self, bot: Bot, intake: Intake) -> Callable[[dict[str, Any]], Awaitable[None]]:
        async def handle(raw: dict[str, Any]) -> None:
            if self._stop.is_set() or intake.full:
                raise NotNow
            try:
                telegram_json.forget_rich(raw)
                update = Update.model_validate(raw, context={"bot": bot})
            except ValidationError as trouble:
                # It is from Telegram, and would come again and again before everything else of its lane.
                log.error("update-not-understood", update=raw["update_id"], errors=trouble.error_count())
                return
            task = intake.take(update)
            await asyncio.wait([task])
            if task.cancelled():
                raise NotNow

        return handle

    async def _introduce(self, bot: Bot) -> None:
        """Set the menu of commands and what an empty chat says, once."""
        staff = await self._plan.shop.read(people.staff, storefront_id=self._plan.storefront.id)

        async def introduce() -> bool:
            await set_commands(bot, self._plan.storefront, staff)
            await set_description(bot, self._plan.storefront)
            return True

        await self._until_done(introduce, "commands-not-set")

    async def _until_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Work that is dropped when the process stops."""
        task, stopped = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if task.done():
            await task
        else:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _until_done(self, call: Callable[[], Awaitable[Any]], complaint: str) -> Any:
        """Make a call to Telegram until it succeeds; None when it is to stop before that. Raises WrongToken."""
        tries = 0
        while not self._stop.is_set():
            try:
                return await call()
            except (TelegramUnauthorizedError, TelegramNotFound) as refused:
                raise WrongToken("Telegram does not know this bot's token, or the address of the Bot API is wrong.") from refused
            except Exception as trouble:
                tries += 1
                after = min(30.0, 0.5 * 2.0 ** min(tries, 6)) * random.uniform(0.5, 1)
                if isinstance(trouble, TelegramRetryAfter):
                    after = trouble.retry_after
                log.warning(complaint, error=trouble_of(trouble), where=where(trouble), times=tries)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), after)
        return None

    async def _kept_up(self, name: str, work: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
        """A part of the process that is begun again when a mistake of ours ends it."""
        falls = 0
        while True:
            try:
                await work()
            except Exception:
                falls += 1
                log.exception("part-fell", part=name, falls=falls)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), min(30.0, 2.0 ** min(falls, 5)))
            if stop.is_set():
                return


@contextlib.asynccontextmanager
async def _redis(url: str | None) -> AsyncIterator[Redis | None]:
    if url is None:
        yield None
        return
    redis = Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        yield redis
    finally:
        await redis.aclose()


def _storage(redis: Redis | None) -> BaseStorage:
    if redis is None:
        return MemoryStorage()
    # With the bot's id in the key: one person types to several bots.
    keys = DefaultKeyBuilder(prefix="shop:fsm", with_bot_id=True, with_destiny=True)
    return ForgivingStorage(redis, key_builder=keys, state_ttl=_DAY, data_ttl=_DAY)
