"""Asking providers, in the background: payments are created there, asked after, and the payer's screen follows."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.types import InlineKeyboardMarkup

from bot.dispatcher import speech_of
from bot.failed_refunds import tell_failed_refunds
from bot.voices import Voices
from core import orders, payments, people, storefronts
from core.database import Shop
from core.orders import Booked
from core.payments import Intent, IntentState
from core.people import Customer
from core.ports import Ask, Callback, Created, Declined, Event, NotSure, PaymentMethod, PaymentState, Withdraws
from core.storefronts import Storefront
from handlers import paying
from handlers.buy import Chosen
from handlers.buy import screen as buy_screen
from web.app import ForeignReply

log = structlog.get_logger()

AT_ONCE = 8  # calls of one kind to one provider
REFUNDS_AT_ONCE = 4
CALL_SECONDS = 20.0
STOP_SECONDS = 2.0  # how long a call that is under way is waited for when the process is to stop
_REST_SECONDS = 1.0
_TRIES_BEFORE_A_PERSON_LOOKS = 8
_PAUSES_SECONDS = (1.0, 3.0)  # between the tries to draw a screen
_PASSES = (TelegramNetworkError, TelegramRetryAfter, TelegramServerError)

assert payments.LEASE.total_seconds() > 2 * CALL_SECONDS, "what is taken is not taken again while its provider is asked"


@dataclass(slots=True)
class _Lane:
    """The calls to one provider that are under way. Payments to be made never wait behind questions, nor any provider behind another."""

    method: PaymentMethod
    creating: set[asyncio.Task[None]] = field(default_factory=set)
    asking: set[asyncio.Task[None]] = field(default_factory=set)
    tidying: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def room(self) -> payments.Room:
        return payments.Room(*(AT_ONCE - len(tasks) for tasks in (self.creating, self.asking, self.tidying)))


class Asker:
    """Works off the intents that are due. Several processes may: an intent is taken for a minute, and every call may be repeated."""

    def __init__(self, shop: Shop, storefront: Storefront, voices: Voices, methods: Mapping[str, PaymentMethod]) -> None:
        self._shop, self._storefront, self._voices, self._every = shop, storefront, voices, methods
        # Stars are asked for by an invoice, and Telegram reports them by itself.
        self._methods = {name: method for name, method in methods.items() if name != "stars"}
        self._lanes = {name: _Lane(method) for name, method in self._methods.items()}
        self._woken = asyncio.Event()
        self._hurry = asyncio.Event()
        self._calls: set[asyncio.Timeout] = set()
        self._turned_at = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether it has looked for work lately."""
        return time.monotonic() - self._turned_at < 3 * CALL_SECONDS

    def wake(self) -> None:
        """Something is due now: every provider that has room is looked after."""
        self._woken.set()

    def hurry(self) -> None:
        """The process is to stop: calls under way have two seconds more. What they have not said by then is asked again."""
        self._hurry.set()
        until = asyncio.get_running_loop().time() + STOP_SECONDS
        for call in self._calls:
            if (when := call.when()) is not None and when > until:
                call.reschedule(until)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; what is under way is finished, or given up within seconds."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._woken.clear()
                if await self._begin():
                    continue
                woken = asyncio.create_task(self._woken.wait())
                await asyncio.wait({woken, stopped}, timeout=_REST_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
        finally:
            stopped.cancel()
            if stop.is_set():
                self.hurry()
            await asyncio.gather(
                *(task for lane in self._lanes.values() for task in (*lane.creating, *lane.asking, *lane.tidying)), return_exceptions=True
            )

    async def _begin(self) -> bool:
        """Take what is due, as much as each provider has room for, and begin it; whether there was anything."""
        self._turned_at = time.monotonic()
        work = await self._shop.write(payments.take_work, rooms={name: lane.room for name, lane in self._lanes.items()})
        for intent in work.to_create:
            self._start(self._lanes[intent.provider].creating, intent, self.ask(intent))
        for intent in work.to_ask:
            self._start(self._lanes[intent.provider].asking, intent, self.ask(intent))
        for intent in work.to_tidy:
            lane = self._lanes[intent.provider]
            self._start(lane.tidying, intent, self._tidy(lane.method, intent))
        return bool(work.to_create or work.to_ask or work.to_tidy)

    def _start(self, among: set[asyncio.Task[None]], intent: Intent, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(self._safely(intent, work))
        among.add(task)

        def over(done: asyncio.Task[None]) -> None:
            if len(among) >= AT_ONCE:
                self.wake()  # Others may have waited for the room.
            among.discard(done)

        task.add_done_callback(over)

    async def _safely(self, intent: Intent, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except Exception as trouble:
            # It is due again when its minute is over.
            log.exception("payment-not-asked", reference=intent.reference, provider=intent.provider, error=type(trouble).__name__)

    @contextlib.asynccontextmanager
    async def _patience(self) -> AsyncIterator[None]:
        """A call to a provider is waited for so long, and not as long when the process is to stop; raises TimeoutError."""
        async with asyncio.timeout(STOP_SECONDS if self._hurry.is_set() else CALL_SECONDS) as call:
            self._calls.add(call)
            try:
                yield
            finally:
                self._calls.discard(call)

    async def ask(self, intent: Intent) -> Booked | None:
        """Create an intent at its provider, or ask what became of it; returns what was booked, None when nothing is known yet."""
        method = self._methods[intent.provider]
        if intent.state is IntentState.CREATED:
            return await self._create(method, intent)
        try:
            async with self._patience():
                event = await method.find(intent.reference, intent.provider_ref, intent.made_at)
        except (NotSure, TimeoutError) as trouble:
            log.info("provider-not-sure", provider=intent.provider, reference=intent.reference, error=type(trouble).__name__)
            event = None
        if event is None or event.state in (PaymentState.PENDING, PaymentState.UNKNOWN, PaymentState.REFUNDING):
            await self._shop.write(payments.ask_again, intent_id=intent.id)
            return None
        return await self.book(intent.provider, event)

    async def book(self, provider: str, event: Event) -> Booked:
        """Act on an event, and let the payer's screen follow."""
        booked = await self._shop.write(orders.book, storefront_id=self._storefront.id, provider=provider, event=event)
        log.info("payment-event", provider=provider, reference=event.reference, state=event.state.value, outcome=booked.says)
        if booked.intent is not None and booked.says != "repeated":
            await self.show(booked.intent.id)
        if booked.intent is not None and event.failed_refunds:
            await tell_failed_refunds(self._shop, self._storefront, provider, booked.intent, event)
        return booked

    def till(self, method: PaymentMethod) -> Callable[[Callback], Awaitable[str]]:
        """The door of a way to be paid: what it hears is booked before the provider is answered.

        What another shop on the same account was paid is answered like what is ours, and not booked: the provider tells each of
        us of everything, and one that is refused repeats it for days and closes the door in the end.
        """

        async def hear(callback: Callback) -> str:
            heard = await method.callback(callback)
            says = [(await self.book(method.name, event)).says for event in heard.events]
            return ForeignReply(heard.reply) if says and set(says) == {"foreign"} else heard.reply

        return hear

    async def give_back(self) -> int:
        """Carry out refunds to where the money came from, at all providers; returns how many were due."""
        return sum(await asyncio.gather(*(self.give_back_by(name) for name in (*self._every, None))))

    async def give_back_by(self, provider: str | None) -> int:
        """The same at one provider, so many at once; None: at those that are switched off. What is under way is asked about again."""
        which: dict[str, Any] = {"but": tuple(self._every)} if provider is None else {"of": provider}
        due = await self._shop.write(orders.refunds_due, most=REFUNDS_AT_ONCE, seconds=1.5 * CALL_SECONDS, **which)
        await asyncio.gather(*(self._give_back_safely(one) for one in due))
        return len(due)

    async def _give_back_safely(self, one: orders.DueRefund) -> None:
        try:
            await self._give_back(one)
        except Exception as trouble:
            # It may have been made: asked again under the same number, it is the same refund. The others are not held up.
            log.warning("refund-not-sure", refund=one.refund_id, provider=one.provider, error=type(trouble).__name__)
            if one.tries >= _TRIES_BEFORE_A_PERSON_LOOKS:
                body = {"says": "refund-stuck", "provider": one.provider, "key": one.asked.event_key, "refund": one.refund_id}
                once = f"refund-stuck:{one.refund_id}"
                await self._shop.write(payments.tell_staff, storefront_id=self._storefront.id, body=body, once=once)

    async def _give_back(self, one: orders.DueRefund) -> None:
        method = self._every.get(one.provider)
        if method is None:
            if one.tries > 1:
                raise NotSure  # It may have been made while the way was still open: nobody but a person can find out.
            await self._shop.write(orders.refund_declined, refund_id=one.refund_id, why="this way to pay is switched off")
            return
        try:
            async with self._patience():
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
        storefront = await self._front(customer)
        speech = speech_of(customer, storefront)
        title = order or speech.label("Top up {amount}", amount=speech.price(intent.worth_minor, intent.worth_currency))
        ask = Ask(
            reference=intent.reference,
            amount_minor=intent.amount_minor,
            currency=intent.currency,
            title=f"{storefront.name} · {title}",
            description=title,
            payer_telegram_id=customer.telegram_id,
            expires_at=intent.expires_at,
            made_at=intent.made_at,
        )
        try:
            async with self._patience():
                how: Created = await method.create(ask)
        except Declined as refusal:
            log.warning("payment-declined", provider=intent.provider, reference=intent.reference, why=str(refusal)[:200])
            await self._offer_another_way(intent)
            return None
        except (NotSure, TimeoutError) as trouble:
            # It may have been created all the same: created again under the same reference, it is the same payment.
            log.warning("payment-not-created-yet", provider=intent.provider, reference=intent.reference, error=type(trouble).__name__)
            if self._shop.tools.clock() >= intent.expires_at:
                await self._shop.write(orders.unpaid, intent_id=intent.id, state=PaymentState.EXPIRED, cause="never created in time")
                await self.show(intent.id)
            else:
                await self._shop.write(payments.ask_again, intent_id=intent.id)
            return None
        await self._shop.write(payments.created, intent_id=intent.id, how=how, poll=method.capabilities.poll)
        await self.show(intent.id)
        return None

    async def _tidy(self, method: PaymentMethod, intent: Intent) -> None:
        """Put away what is left of an ended payment: the link in the chat, and the provider's page where it can be closed."""
        await self.show(intent.id)
        withdrawn = False
        if intent.state in (IntentState.EXPIRED, IntentState.FAILED) and intent.provider_ref and isinstance(method, Withdraws):
            try:
                async with self._patience():
                    await method.withdraw(intent.reference, intent.provider_ref)
                withdrawn = True
            except Declined as refusal:
                # Most likely it was paid at the last moment: that is late money, and is found like all of it, only sooner.
                log.info("payment-not-withdrawn", provider=intent.provider, reference=intent.reference, why=str(refusal)[:200])
                await self._shop.write(payments.ask_again, intent_id=intent.id, soon=True)
            except (NotSure, TimeoutError) as trouble:
                log.info("withdrawal-not-sure", provider=intent.provider, reference=intent.reference, error=type(trouble).__name__)
                return  # Tried again when its minute is over.
        await self._shop.write(payments.tidied, intent_id=intent.id, withdrawn=withdrawn)

    async def show(self, intent_id: int) -> None:
        """Turn the payer's screen into what is so now. A way to pay that cannot be drawn goes out as a new message, once.

        An ended payment is drawn for the last time: from then on the message is the payer's, who may walk on in it.
        """
        intent = await self._shop.read(payments.intent, intent_id)
        if intent is None or intent.provider not in self._methods:
            return
        open_ = intent.state in (IntentState.CREATED, IntentState.PENDING)
        screen = intent.screen_message_id if open_ else await self._shop.write(payments.take_screen, intent_id=intent_id)
        if screen is None and not open_:
            return
        customer = await self._shop.read(people.by_id, intent.customer_id)
        text, markup = await paying.drawn(self._shop, intent, speech_of(customer, await self._front(customer)))
        if screen is not None and await self._edited(intent, customer, screen, text, markup):
            return
        if intent.state is IntentState.PENDING:
            await self._shop.write(payments.send_screen, intent_id=intent_id, instead_of=screen)

    async def _front(self, customer: Customer) -> Storefront:
        """Where this customer buys: the shop's own storefront, or a reseller's."""
        own = customer.storefront_id == self._storefront.id
        return self._storefront if own else await self._shop.read(storefronts.by_id, customer.storefront_id)

    async def _edited(self, intent: Intent, customer: Customer, message_id: int, text: str, markup: InlineKeyboardMarkup | None) -> bool:
        """Whether the message says this now. False: it is gone, too old, or Telegram is out of reach for longer."""
        voice = self._voices.of(customer.storefront_id)
        if voice is None:
            return False
        for pause in (*_PAUSES_SECONDS, None):
            try:
                await voice.bot.edit_message_text(text, chat_id=customer.telegram_id, message_id=message_id, reply_markup=markup)
            except TelegramAPIError as trouble:
                if isinstance(trouble, TelegramBadRequest) and "not modified" in trouble.message:
                    return True
                log.warning("pay-screen-not-drawn", reference=intent.reference, error=type(trouble).__name__)
                if pause is None or not isinstance(trouble, _PASSES):
                    return False
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), pause)
            else:
                return True
        raise AssertionError("unreachable")

    async def _offer_another_way(self, intent: Intent) -> None:
        """The provider has refused to make this payment: it ends, and its screen offers the other ways; else a message tells of it."""
        # Taken before it ends, so that nobody else draws the end of it over what is offered here.
        screen = await self._shop.write(payments.take_screen, intent_id=intent.id)
        ended = await self._shop.write(
            orders.unpaid, intent_id=intent.id, state=PaymentState.FAILED, cause="declined when it was created", tell=False
        )
        customer = await self._shop.read(people.by_id, intent.customer_id)
        storefront = await self._front(customer)
        speech = speech_of(customer, storefront)
        said = speech.say("This way to pay does not work at the moment. Nothing was charged; please choose another.")
        same = None if intent.order_id is None else await self._shop.read(orders.again, order_id=intent.order_id, buyer_id=customer.id)
        left = {name: method for name, method in self._methods.items() if name != intent.provider}
        if same is not None:
            text, markup = await buy_screen(self._shop, storefront, customer, speech, left, Chosen(*same), said)
        else:
            over = await self._shop.read(payments.intent, intent.id)
            assert over is not None, "what was asked is never deleted"
            text, markup = await paying.drawn(self._shop, over, speech, said)
        if (screen is None or not await self._edited(intent, customer, screen, text, markup)) and ended:
            await self._shop.write(orders.tell_unpaid, intent_id=intent.id)
