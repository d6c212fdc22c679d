"""The dispatcher: who is writing, in which language, and what happens when a conversation is refused or breaks."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any

import structlog
from aiogram import BaseMiddleware, Bot, Dispatcher, Router
from aiogram.client.session.middlewares.base import NextRequestMiddlewareType
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramForbiddenError
from aiogram.filters import ExceptionTypeFilter
from aiogram.fsm.storage.base import BaseStorage
from aiogram.fsm.storage.memory import DisabledEventIsolation, MemoryStorage
from aiogram.methods import AnswerCallbackQuery, AnswerPreCheckoutQuery, TelegramMethod
from aiogram.types import CallbackQuery, ChatMemberUpdated, ErrorEvent, Message, PreCheckoutQuery, TelegramObject, Update, User

from core import people, storefronts
from core.database import Shop
from core.errors import N_, Refusal
from core.orders import Booked, Cap, HoldRules
from core.payments import Intent
from core.people import Customer
from core.ports import PaymentMethod, UpstreamProtocol
from core.storefronts import Storefront
from handlers import routers
from handlers.screen import refused, refused_plain
from locales import Speech, match
from papers.studio import Studio

log = structlog.get_logger()

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class Acquaint(BaseMiddleware):
    """Gives every conversation the customer and their Speech; a new person is met here."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        user: User | None = data.get("event_from_user")
        if user is None or user.is_bot or (isinstance(event, ChatMemberUpdated) and event.chat.type != "private"):
            # Who walks in and out of a group is no customer by that.
            return await handler(event, data)
        shop: Shop = data["shop"]
        storefront: Storefront = data["storefront"]
        if storefront.house_id is not None:
            # Its owner may just have changed its name in another bot.
            storefront = data["storefront"] = await shop.read(storefronts.by_id, storefront.id)
        customer = await acquaint(shop, storefront, user)
        data["customer"] = customer
        data["speech"] = speech_of(customer, storefront)
        return await handler(event, data)


async def acquaint(shop: Shop, storefront: Storefront, user: User) -> Customer:
    """The customer behind a Telegram user; written only when new or renamed, so that reading stays free of locks."""
    known = await shop.read(people.find, storefront_id=storefront.id, telegram_id=user.id)
    facts = (user.full_name[:200] or str(user.id), user.username, user.language_code)
    if known is not None and (known.name, known.username, known.telegram_language) == facts:
        return known
    return await shop.write(
        people.meet,
        storefront_id=storefront.id,
        telegram_id=user.id,
        name=facts[0],
        username=facts[1],
        telegram_language=facts[2],
        currency=storefront.currency,
    )


def speech_of(customer: Customer, storefront: Storefront) -> Speech:
    """The language a customer chose, or Telegram's, or the shop's."""
    return Speech(customer.language or match(customer.telegram_language, storefront.language))


class AnswerPress(BaseMiddleware):
    """Every press is answered, so that no button keeps turning; a conversation that answers itself is left alone.

    Telegram takes the first answer only: a refusal answers with its own sentence, so nothing is answered before it.
    """

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        answered = _ANSWERED.set([])
        try:
            done = await handler(event, data)
            if isinstance(event, CallbackQuery) and event.id not in _ANSWERED.get([]):
                try:
                    await event.answer()
                except TelegramBadRequest:
                    log.debug("press-answered-late", id=event.id)
        finally:
            _ANSWERED.reset(answered)
        return done


_TOO_LATE = "query is too old"
_ANSWERED: ContextVar[list[str]] = ContextVar("answered presses")


async def note_answer(make_request: NextRequestMiddlewareType[Any], bot: Bot, method: TelegramMethod[Any]) -> Any:
    """A session middleware: remembers which presses a conversation answered itself, so that they are not answered twice.

    Who asked while the shop was down may have waited too long to be answered: that stops nothing of what was asked for.
    """
    if not isinstance(method, AnswerCallbackQuery | AnswerPreCheckoutQuery):
        return await make_request(bot, method)
    if isinstance(method, AnswerCallbackQuery):
        _ANSWERED.get([]).append(method.callback_query_id)
    try:
        return await make_request(bot, method)
    except TelegramBadRequest as trouble:
        if _TOO_LATE not in trouble.message:
            raise
        log.info("answered-too-late", method=method.__api_method__)
        return False


SOMETHING_BROKE = N_("Something went wrong on our side ({mark}). Nothing was lost; please try again.")


PAYMENT_WAITS = N_(
    "Your payment has arrived, but it could not be booked yet ({mark}). Please do not pay again: it is booked by itself within minutes."
)


async def refusal(event: ErrorEvent, shop: Shop, storefront: Storefront) -> None:
    """A refusal nobody turned into a screen: said where the person looks."""
    assert isinstance(event.exception, Refusal)
    speech = await _speech_for(event.update, shop, storefront)
    await _tell(event.update, refused(speech, event.exception), refused_plain(speech, event.exception))


async def breakage(event: ErrorEvent, shop: Shop, storefront: Storefront) -> None:
    """A mistake of ours: logged with a mark that the person sees too; never with what they typed."""
    mark = secrets.token_hex(3)
    blocked = isinstance(event.exception, TelegramForbiddenError)
    if not blocked:  # First: a press can be answered for a few seconds only, and a log may be slow.
        speech = await _speech_for(event.update, shop, storefront)
        has_paid = event.update.message is not None and event.update.message.successful_payment is not None
        sentence = PAYMENT_WAITS if has_paid else SOMETHING_BROKE
        await _tell(event.update, speech.say(sentence, mark=mark), speech.label(sentence, mark=mark))
    log.error(
        "handler-failed",
        mark=mark,
        update=event.update.update_id,
        kind=event.update.event_type,
        error=type(event.exception).__name__,
        exc_info=None if blocked else event.exception,
    )


async def _speech_for(update: Update, shop: Shop, storefront: Storefront) -> Speech:
    """The language of whoever sent the update; the database may be what broke, so the shop's own language serves without it."""
    user: User | None = getattr(update.event, "from_user", None)
    if user is None:
        return Speech(match(storefront.language, storefront.language))
    try:
        known = await shop.read(people.find, storefront_id=storefront.id, telegram_id=user.id)
    except Exception as trouble:  # Whatever it is, it must not hide what is being told.
        log.warning("language-not-read", error=type(trouble).__name__)
        known = None
    return speech_of(known, storefront) if known else Speech(match(user.language_code, storefront.language))


async def _tell(update: Update, text: str, plain: str) -> None:
    try:
        match update.event:
            case CallbackQuery() as press:
                await press.answer(plain[:200], show_alert=True)
            case PreCheckoutQuery() as checkout:
                await checkout.answer(ok=False, error_message=plain)
            case Message() as message:
                await message.answer(text)
            case _:
                pass
    except TelegramAPIError as trouble:
        log.warning("could-not-tell", error=str(trouble))


async def _asks_nobody(intent: Intent) -> Booked | None:
    return None


def make_dispatcher(
    shop: Shop,
    storefront: Storefront,
    methods: Mapping[str, PaymentMethod],
    storage: BaseStorage | None = None,
    *,
    hold_rules: HoldRules = HoldRules(),
    cap: Cap | None = None,
    wake_asker: Callable[[], None] = lambda: None,
    ask_now: Callable[[Intent], Awaitable[Booked | None]] = _asks_nobody,
    protocols: Mapping[str, UpstreamProtocol] | None = None,
    studio: Studio | None = None,
    conversations: Callable[[], list[Router]] = routers,
    **more: Any,
) -> Dispatcher:
    """A dispatcher with every conversation, or with these; what is given is handed to each handler by name.

    `wake_asker` says that a provider is to be asked something now, in the background; `ask_now` asks about one payment. Without a
    `studio` there are words where there would be pictures of the last days.
    """
    dispatcher = Dispatcher(storage=storage or MemoryStorage(), events_isolation=DisabledEventIsolation())
    dispatcher.workflow_data.update(
        shop=shop,
        storefront=storefront,
        methods=methods,
        hold_rules=hold_rules,
        cap=cap,
        wake_asker=wake_asker,
        ask_now=ask_now,
        protocols=protocols or {},
        studio=studio,
        **more,
    )
    for observer in dispatcher.observers.values():
        if observer.event_name not in ("error", "update"):
            observer.outer_middleware(Acquaint())
    dispatcher.callback_query.outer_middleware(AnswerPress())
    dispatcher.errors.register(refusal, ExceptionTypeFilter(Refusal))
    dispatcher.errors.register(breakage)
    dispatcher.include_routers(*conversations())
    return dispatcher
