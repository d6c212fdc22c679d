"""Asking providers, in the background: payments are created there, asked after, and the payer's screen follows."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError

from bot.dispatcher import speech_of
from core import orders, payments, people
from core.database import Shop
from core.orders import Booked
from core.payments import Intent, IntentState
from core.ports import Ask, Callback, Created, Declined, Event, NotSure, PaymentMethod, PaymentState
from core.storefronts import Storefront
from handlers import paying
from handlers.buy import Chosen
from handlers.buy import screen as buy_screen

log = structlog.get_logger()

AT_ONCE = 16
CALL_SECONDS = 20.0
_REST_SECONDS = 1.0
_TRIES_BEFORE_A_PERSON_LOOKS = 8


@contextlib.contextmanager
def _only_logged(intent: Intent) -> Iterator[None]:
    try:
        yield
    except TelegramAPIError as trouble:
        log.warning("pay-screen-not-drawn", intent=intent.id, error=type(trouble).__name__)


class Asker:
    """Works off the intents that are due. Several processes may: an intent is taken for a minute, and every call may be repeated."""

    def __init__(self, shop: Shop, storefront: Storefront, bot: Bot, methods: Mapping[str, PaymentMethod]) -> None:
        self._shop, self._storefront, self._bot, self._every = shop, storefront, bot, methods
        # Stars are asked for by an invoice, and Telegram reports them by itself.
        self._methods = {name: method for name, method in methods.items() if name != "stars"}
        self._woken = asyncio.Event()
        self._turned_at = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether it has looked for work lately."""
        return time.monotonic() - self._turned_at < 3 * CALL_SECONDS

    def wake(self) -> None:
        """Something is due now."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; what is under way is finished."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._woken.clear()
                if await self.work_off():
                    continue
                woken = asyncio.create_task(self._woken.wait())
                await asyncio.wait({woken, stopped}, timeout=_REST_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
        finally:
            stopped.cancel()

    async def work_off(self) -> int:
        """Ask about everything that is due, so many at once; returns how many were."""
        self._turned_at = time.monotonic()
        due = await self._shop.write(payments.due, providers=list(self._methods), most=AT_ONCE)
        await asyncio.gather(*(self._safely(intent) for intent in due))
        return len(due)

    async def _safely(self, intent: Intent) -> None:
        try:
            await self.ask(intent)
        except Exception as trouble:
            # It is due again when its minute is over.
            log.exception("payment-not-asked", intent=intent.id, provider=intent.provider, error=type(trouble).__name__)

    async def ask(self, intent: Intent) -> Booked | None:
        """Create an intent at its provider, or ask what became of it; returns what was booked, None when nothing is known yet."""
        method = self._methods[intent.provider]
        if intent.state is IntentState.CREATED:
            return await self._create(method, intent)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                event = await method.find(f"{intent.id}", intent.provider_ref, intent.made_at)
        except (NotSure, TimeoutError) as trouble:
            log.info("provider-not-sure", provider=intent.provider, intent=intent.id, error=type(trouble).__name__)
            event = None
        if event is None or event.state in (PaymentState.PENDING, PaymentState.UNKNOWN, PaymentState.REFUNDING):
            await self._shop.write(payments.ask_again, intent_id=intent.id)
            return None
        return await self.book(intent.provider, event)

    async def book(self, provider: str, event: Event) -> Booked:
        """Act on an event, and let the payer's screen follow."""
        booked = await self._shop.write(orders.book, storefront_id=self._storefront.id, provider=provider, event=event)
        log.info("payment-event", provider=provider, intent=event.reference, state=event.state.value, outcome=booked.says)
        if booked.intent is not None and booked.says != "repeated":
            await self.show(booked.intent.id)
        return booked

    def till(self, method: PaymentMethod) -> Callable[[Callback], Awaitable[str]]:
        """The door of a way to be paid: what it hears is booked before the provider is answered."""

        async def hear(callback: Callback) -> str:
            heard = await method.callback(callback)
            for event in heard.events:
                await self.book(method.name, event)
            return heard.reply

        return hear

    async def give_back(self) -> int:
        """Carry out refunds to where the money came from; returns how many were due. What is under way is asked about again."""
        due = await self._shop.write(orders.refunds_due, most=10, seconds=30)
        for one in due:
            try:
                await self._give_back(one)
            except Exception as trouble:
                # It may have been made: asked again under the same number, it is the same refund. The others are not held up.
                log.warning("refund-not-sure", refund=one.refund_id, provider=one.provider, error=type(trouble).__name__)
                if one.tries >= _TRIES_BEFORE_A_PERSON_LOOKS:
                    body = {"says": "refund-stuck", "provider": one.provider, "key": one.asked.event_key, "refund": one.refund_id}
                    once = f"refund-stuck:{one.refund_id}"
                    await self._shop.write(payments.tell_staff, storefront_id=self._storefront.id, body=body, once=once)
        return len(due)

    async def _give_back(self, one: orders.DueRefund) -> None:
        method = self._every.get(one.provider)
        if method is None:
            if one.tries > 1:
                raise NotSure  # It may have been made while the way was still open: nobody but a person can find out.
            await self._shop.write(orders.refund_declined, refund_id=one.refund_id, why="this way to pay is switched off")
            return
        try:
            async with asyncio.timeout(CALL_SECONDS):
                state = await method.refund(one.asked)
        except Declined as refusal:
            log.warning("refund-declined", refund=one.refund_id, provider=one.provider)
            await self._shop.write(orders.refund_declined, refund_id=one.refund_id, why=str(refusal)[:200])
            return
        log.info("refund-asked", refund=one.refund_id, provider=one.provider, state=state.value)
        if state is PaymentState.REFUNDED:
            await self._shop.write(orders.refund_done, refund_id=one.refund_id)

    async def _create(self, method: PaymentMethod, intent: Intent) -> Booked | None:
        order = None if intent.order_id is None else orders.number_of(intent.order_id)
        customer = await self._shop.read(people.by_id, intent.customer_id)
        speech = speech_of(customer, self._storefront)
        title = order or speech.label("Top up {amount}", amount=speech.price(intent.worth_minor, intent.worth_currency))
        ask = Ask(
            reference=f"{intent.id}",
            amount_minor=intent.amount_minor,
            currency=intent.currency,
            title=f"{self._storefront.name} · {title}",
            description=title,
            payer_telegram_id=customer.telegram_id,
            expires_at=intent.expires_at,
            made_at=intent.made_at,
        )
        try:
            async with asyncio.timeout(CALL_SECONDS):
                how: Created = await method.create(ask)
        except Declined as refusal:
            log.warning("payment-declined", provider=intent.provider, intent=intent.id, why=str(refusal)[:200])
            await self._shop.write(
                orders.unpaid, intent_id=intent.id, state=PaymentState.FAILED, cause="declined when it was created", tell=False
            )
            await self._offer_another_way(intent)
            return None
        except (NotSure, TimeoutError) as trouble:
            # It may have been created all the same: created again under the same reference, it is the same payment.
            log.warning("payment-not-created-yet", provider=intent.provider, intent=intent.id, error=type(trouble).__name__)
            if self._shop.tools.clock() >= intent.expires_at:
                await self._shop.write(orders.unpaid, intent_id=intent.id, state=PaymentState.EXPIRED, cause="never created in time")
                await self.show(intent.id)
            else:
                await self._shop.write(payments.ask_again, intent_id=intent.id)
            return None
        await self._shop.write(payments.created, intent_id=intent.id, how=how, poll=method.capabilities.poll)
        await self.show(intent.id)
        return None

    async def show(self, intent_id: int) -> None:
        """Turn the payer's screen into what is so now; it is a courtesy, so Telegram's troubles are only logged."""
        intent = await self._shop.read(payments.intent, intent_id)
        if intent is None or intent.screen_message_id is None:
            return
        customer = await self._shop.read(people.by_id, intent.customer_id)
        text, markup = await paying.drawn(self._shop, intent, speech_of(customer, self._storefront))
        with _only_logged(intent):
            await self._bot.edit_message_text(text, chat_id=customer.telegram_id, message_id=intent.screen_message_id, reply_markup=markup)

    async def _offer_another_way(self, intent: Intent) -> None:
        customer = await self._shop.read(people.by_id, intent.customer_id)
        speech = speech_of(customer, self._storefront)
        said = speech.say("This way to pay does not work at the moment. Nothing was charged; please choose another.")
        same = None if intent.order_id is None else await self._shop.read(orders.again, order_id=intent.order_id, buyer_id=customer.id)
        if intent.screen_message_id is None:
            return
        left = {name: method for name, method in self._methods.items() if name != intent.provider}
        if same is not None:
            text, markup = await buy_screen(self._shop, self._storefront, customer, speech, left, Chosen(*same), said)
        else:
            text, markup = await paying.drawn(self._shop, intent, speech, said)
        with _only_logged(intent):
            await self._bot.edit_message_text(text, chat_id=customer.telegram_id, message_id=intent.screen_message_id, reply_markup=markup)
