"""The courier: takes messages from the outbox under a lease and brings them to their chats, in order, at Telegram's pace."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import secrets
import socket
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)

from bot.decks import DECKS
from bot.dispatcher import speech_of
from bot.files import with_files
from bot.logs import where
from bot.pace import knows_429
from bot.voices import Voice, Voices
from core import aftersale, brands, inventory, orders, outbox, payments, people, resellers, storefronts
from core.catalog import Gone
from core.database import Shop
from core.orders import Parcel, RevealCause, Seal
from core.outbox import Leased, Topic
from core.people import Customer
from handlers.commands import set_commands_of_chat
from handlers.notices import notice
from handlers.parcel import Outgoing, outgoing, sealed, send
from handlers.statement import in_the_morning
from handlers.supply.handed_back import taken_back
from locales import Speech, match
from web import metrics

log = structlog.get_logger()

LEASE_SECONDS = 30.0
REQUEST_SECONDS = 12.0  # One call to Telegram; what has less of its lease left than this is given back, not begun.
POLL_SECONDS = 0.5  # How late a message is noticed that another process posted.
MOST_IN_HAND = 64
MOST_IN_LANE = 3  # of one person, in hand at once: a hundred messages to one must not hold up everybody else
BACKOFF_CAP_SECONDS = 300.0
WAIT_FOR_EARLIER_SECONDS = 1.0  # Long enough for what is being written down; then order gives way to arriving at all.
HELD_UP_SECONDS = 5.0  # by a message that cannot be sent now, at most
_REMEMBERED = 2048
_RESELLER_NEWS = {"wholesale", "reseller-application", "reseller-moved"}  # after which somebody may be a reseller, or none any more
_DRAWINGS = 5  # of one card in a row; what changes more often comes with the next message
# Troubles of the line and of Telegram, which the next message would meet as well.
_NOT_OURS = (TelegramAPIError, ClientDecodeError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Held:
    """A leased message in hand, and when its lease ends by this process's own clock."""

    message: Leased
    until: float


class GiveBack(Exception):
    """The message was not sent, and no attempt reached Telegram: another try is due in so many seconds."""

    def __init__(self, after_seconds: float, why: str) -> None:
        super().__init__(why)
        self.after_seconds = after_seconds


class BotAway(Exception):
    """The bot of the customer's storefront does not run: what is for them waits until it has a token again."""


class ReaderAway(Exception):
    """Somebody who was to get a reseller's codes cannot be written to; the reseller can see them with /order."""


class Courier:
    """Sends what the outbox holds, each message in its person's own lane. Several may run, here and elsewhere.

    A message is marked after it was sent, so a crash in between repeats the same message to the same person. Nothing is
    ever given up: what cannot be sent now is tried again, and what a person cannot receive is parked until they are back.
    """

    def __init__(self, shop: Shop, voices: Voices) -> None:
        self.worker = f"{socket.gethostname()[:24]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._shop, self._voices = shop, voices
        self._lanes: dict[int, deque[Held]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_hand = 0
        # Order: what was put off by this courier comes again before what was posted to the same person later.
        self._not_before: dict[int, float] = {}
        self._put_off: dict[int, tuple[int, float]] = {}  # message → its person, and until when later ones wait for it
        # Parts of a message that are in the chat already, so that a try after a failure goes on with the next part.
        self._sent: OrderedDict[int, list[int]] = OrderedDict()
        self._woken = asyncio.Event()
        self._draining = asyncio.Event()
        self._beat = time.monotonic()

    def wake(self) -> None:
        """Something may have been posted: look now."""
        self._woken.set()

    @property
    def alive(self) -> bool:
        """Whether it has looked into the outbox lately, and the outbox has answered."""
        return time.monotonic() - self._beat < 15

    async def run(self, stop: asyncio.Event, drain_seconds: float = 8.0) -> None:
        """Deliver until `stop` is set; then finish what is being sent and give the rest back, within `drain_seconds`."""
        watch = asyncio.create_task(self._watch(stop))
        try:
            if self._shop.is_sqlite:
                # One process writes to the file, and this is it: whoever held a lease is dead.
                await self._shop.write(outbox.end_leases, but=self.worker)
            while not stop.is_set():
                self._woken.clear()
                room = MOST_IN_HAND - self._in_hand
                if room > 0:
                    found = await self._lease(room)
                    if found == room:
                        continue
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), POLL_SECONDS)
        finally:
            self._draining.set()
            watch.cancel()
            if self._tasks:
                _, late = await asyncio.wait(self._tasks, timeout=drain_seconds)
                for task in late:
                    task.cancel()  # Its lease ends by time.
                await asyncio.gather(*late, return_exceptions=True)

    async def _watch(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._draining.set()
        self._woken.set()

    async def _lease(self, room: int) -> int:
        began = time.monotonic()
        try:
            leased = await self._shop.write(outbox.lease, worker=self.worker, most=room, seconds=LEASE_SECONDS)
        except Exception:
            log.exception("outbox-not-read")
            await asyncio.sleep(1)
            return 0
        self._beat = time.monotonic()
        put_off = [(message, self._take(Held(message, began + LEASE_SECONDS))) for message in leased]
        await asyncio.gather(*(self._give_back(message, at, "behind others") for message, at in put_off if at is not None))
        return len(leased)

    def _take(self, held: Held) -> float | None:
        """Put the message at the end of its person's lane; or the moment (monotonic) before which it is not to come again."""
        person, now = held.message.customer_id, time.monotonic()
        was_put_off = self._put_off.pop(held.message.id, None) is not None
        if any(earlier < held.message.id and of == person and now < until for earlier, (of, until) in self._put_off.items()):
            # Writing down takes its time: what was put off to come first may be due a moment later than this.
            return self._behind(held.message, now)
        if self._not_before.get(person, 0.0) <= now:
            self._not_before.pop(person, None)
        elif not was_put_off:
            return self._behind(held.message, now)
        lane = self._lanes.get(person)
        if lane is not None and len(lane) >= MOST_IN_LANE:
            # They come again one by one, as fast as the chat takes them.
            return self._behind(held.message, now, 1 / self._voices.house.pace.rates.chat)
        self._in_hand += 1
        if lane is not None:
            lane.append(held)
            return None
        self._lanes[person] = deque([held])
        task = asyncio.create_task(self._walk(person), name=f"delivery-{held.message.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return None

    def _behind(self, message: Leased, at: float, gap: float = 0.02) -> float:
        """A moment for the message behind everything of its person that was put off, and not before `at`."""
        at = max(at, self._not_before.get(message.customer_id, 0.0)) + gap
        self._not_before[message.customer_id] = at
        self._put_off[message.id] = message.customer_id, at + WAIT_FOR_EARLIER_SECONDS
        if len(self._put_off) > _REMEMBERED:
            # Other workers may have taken them: then only the order of some later messages is left to chance.
            self._put_off.clear()
            self._not_before.clear()
        return at

    async def _walk(self, person: int) -> None:
        """Send what is in the lane, one after the other; when one must wait, those behind it wait with it."""
        lane = self._lanes[person]
        knows_429.set(True)
        try:
            while lane:
                again_at = await self._deliver(lane[0])
                lane.popleft()
                self._in_hand -= 1
                self._woken.set()
                if again_at is not None:
                    behind = [(held.message, self._behind(held.message, again_at)) for held in lane]
                    self._in_hand -= len(lane)
                    lane.clear()
                    for message, at in behind:
                        await self._give_back(message, at, "the one before it waits")
        finally:
            self._in_hand -= len(lane)
            del self._lanes[person]
            # A message may have been put off because this lane was full.
            self._woken.set()

    async def _deliver(self, held: Held) -> float | None:
        """Send one message and write down what became of it; the moment at which it is tried again, or None when it is over."""
        message = held.message
        topic, began = message.topic.value, self._shop.tools.clock()
        voice: Voice | None = None
        try:
            customer = await self._shop.read(people.by_id, message.customer_id)
            voice = await self._voice(customer)
            if message.topic is Topic.CARD:
                sent_message_id = await self._draw_card(held, customer, voice)
            else:
                sent_message_id = await self._send(held, customer, voice)
        except GiveBack as reason:
            at = self._behind(message, time.monotonic() + reason.after_seconds, 0)
            await self._give_back(message, at, str(reason))
            return at
        except TelegramRetryAfter as reason:
            metrics.TOO_MANY_REQUESTS.inc()
            await (voice or self._voices.house).pace.pause(reason.retry_after)
            return await self._retry(message, reason.retry_after + random.random() * 0.2, reason)
        except TelegramForbiddenError as reason:
            # A group that has turned the bot out says nothing about the person in whose lane its cards travel.
            if message.topic is not Topic.CARD and not await self._blocked(customer, began):
                # They came back while this was on its way: what was refused then is welcome now.
                return await self._retry(message, 0.0, reason)
            await self._park(message, reason)
        except (ReaderAway, BotAway) as reason:
            await self._park(message, reason)
        except (TelegramBadRequest, TelegramEntityTooLarge, TelegramMigrateToChat, Gone) as reason:
            # Trying the same again would end the same: a person looks at it, or it goes out when the buyer is back.
            log.error("delivery-refused", message=message.id, topic=topic, error=trouble_of(reason))
            await self._park(message, reason)
            await self._tell_staff(message, customer, reason)
        except Exception as reason:
            if isinstance(reason, TelegramUnauthorizedError):
                if voice is not None and voice is not self._voices.house:
                    # Nobody else's trouble. Not parked at once: its owner may have brought another token just now, and what was parked
                    # then has been taken up again already. The next try finds the new bot, or that there is none.
                    self._voices.refused(customer.storefront_id, voice.bot)
                    at = self._behind(message, time.monotonic() + 2.0, 0)
                    await self._give_back(message, at, trouble_of(reason))
                    return at
                log.critical("bot-token-refused", error=trouble_of(reason))
            return await self._retry(message, _backoff(message.attempt), reason)
        else:
            await self._done(message, sent_message_id)
            metrics.DELIVERIES.labels(topic, "sent").inc()
        self._sent.pop(message.id, None)
        return None

    async def _voice(self, customer: Customer) -> Voice:
        """Who speaks to this customer; raises BotAway, or GiveBack when their bot has only not been opened here yet."""
        voice = self._voices.of(customer.storefront_id)
        if voice is not None:
            return voice
        brand = await self._shop.read(brands.brand_of, customer.storefront_id)
        if brand is None or brand.closed or brand.refused_at is not None:
            raise BotAway("the bot of this storefront does not run")
        raise GiveBack(2.0, "the bot of this storefront is not open yet")

    async def _tell_staff(self, message: Leased, customer: Customer, reason: Exception) -> None:
        """A buyer has paid and Telegram takes the codes from nobody: a person has to look."""
        if message.topic is not Topic.DELIVERY or message.order_id is None:
            return
        body = {"says": "delivery-refused", "order": message.order_id, "customer": customer.id, "why": trouble_of(reason)[:200]}
        await self._shop.write(payments.tell_staff, storefront_id=customer.storefront_id, body=body, once=f"delivery-refused:{message.id}")

    async def _send(self, held: Held, customer: Customer, voice: Voice) -> int | None:
        """Bring the message into the chat, part by part; returns the id of its first part there."""
        message = held.message
        if message.topic is Topic.BROADCAST and not customer.wants_broadcasts:
            return None  # Opted out since it was posted.
        reader = await self._reader(message, customer)
        await self._turn(held, reader.telegram_id, voice)
        began = time.monotonic()
        reader, parts = await self._parts_for(message, customer, reader, voice)
        sent = self._sent.setdefault(message.id, [])
        while len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)
        for number, part in enumerate(parts[len(sent) :]):
            if number or reader.id != customer.id:
                await self._turn(held, reader.telegram_id, voice)
            tried = self._shop.tools.clock()
            try:
                sent.append(await self._bring(voice, reader.telegram_id, part))
            except TelegramForbiddenError as reason:
                if reader.id == customer.id:
                    raise
                # Somebody of a reseller has shut their chat: that says nothing about the reseller, whose message it stays.
                if not await self._blocked(reader, tried):
                    raise GiveBack(0, "its reader has just come back") from reason
                raise ReaderAway(trouble_of(reason)) from reason
        metrics.DELIVERY_SECONDS.labels(message.topic.value).observe(time.monotonic() - began)
        if sent and message.body.get("says") == "taken-back":
            # It is made once: from now on nobody gets these codes from us again.
            await self._shop.write(inventory.handed_back, take_back_id=int(message.body["take_back"]))
        if sent and message.topic is Topic.NOTICE and message.body.get("says") in _RESELLER_NEWS:
            # Who becomes a reseller finds the commands of one in the menu, and who is none any more does not.
            storefront = await self._shop.read(storefronts.by_id, customer.storefront_id)
            staff = await self._shop.read(people.is_staff, storefront_id=storefront.id, telegram_id=customer.telegram_id)
            spoken = speech_of(customer, storefront)
            await set_commands_of_chat(voice.bot, customer.telegram_id, spoken, staff=staff, reseller=customer.wholesale)
        if sent and message.topic is Topic.NOTICE and message.body.get("says") == "payment":
            # From now on this message follows the payment: it must not ask for money when that is over.
            await self._shop.write(payments.shown_in, intent_id=int(message.body["intent"]), message_id=sent[0])
        return sent[0] if sent else None

    async def _reader(self, message: Leased, customer: Customer) -> Customer:
        """In whose chat the message belongs: its customer's, or somebody's of theirs for whom it was bought."""
        to = message.body.get("to") if message.topic is Topic.DELIVERY else None
        return customer if to is None else await self._shop.read(people.by_id, int(to))

    async def _parts_for(self, message: Leased, customer: Customer, reader: Customer, voice: Voice) -> tuple[Customer, list[Outgoing]]:
        """The parts, and who reads them: whoever may not have codes any more does not get them, and the buyer does."""
        if reader.id == customer.id and "to" not in message.body:
            return customer, await self._parts(message, customer, voice)
        assert message.order_id is not None, "a delivery names its order"
        brought = await self._shop.write(
            resellers.hand_over,
            order_id=message.order_id,
            cause=RevealCause(message.body.get("cause", RevealCause.SENT)),
            buyer_id=customer.id,
            to_customer_id=reader.id,
        )
        if brought.what is None:
            return brought.to, []
        speech = speech_of(brought.to, await self._shop.read(storefronts.by_id, customer.storefront_id))
        if isinstance(brought.what, Seal):
            return brought.to, [sealed(brought.what, speech)]
        own = brought.to.id == customer.id
        messages = outgoing(brought.what, speech, voice.username, celebrate=not message.body.get("again"), own=own)
        return brought.to, await self._with_files(voice, brought.what, messages, speech)

    async def _draw_card(self, held: Held, customer: Customer, voice: Voice) -> int | None:
        """Send a card, or draw the one that is in the chat again; a card that was deleted there is left alone.

        Drawn until nothing has changed meanwhile, so that of two workers the later picture stays, whoever is slower.
        """
        body = held.message.body
        deck = DECKS[str(body.get("of", "supplier"))]
        for _ in range(_DRAWINGS):
            card = await deck.read(self._shop, int(body["card"]))
            if card is None or (card.message_id is None and not body.get("first")):
                return None  # Whoever sends it draws it as it is then.
            await self._turn(held, card.chat_id, voice)
            storefront = await self._shop.read(storefronts.by_id, customer.storefront_id)
            in_group = card.chat_id != customer.telegram_id
            speech = Speech(match(storefront.language, storefront.language)) if in_group else speech_of(customer, storefront)
            text, keyboard = await deck.drawn(self._shop, card.id, speech)
            if card.message_id is None:
                message_id = await self._bring(voice, card.chat_id, Outgoing(text, keyboard))
                await deck.shown(self._shop, card.id, message_id)
            else:
                message_id = card.message_id
                try:
                    async with asyncio.timeout(REQUEST_SECONDS):
                        await voice.bot.edit_message_text(text, chat_id=card.chat_id, message_id=message_id, reply_markup=keyboard)
                except TelegramBadRequest as reason:
                    if "not modified" not in reason.message:
                        log.info("card-not-drawn", card=card.id, error=trouble_of(reason))
            after = await deck.read(self._shop, card.id)
            if after is None or after.revision == card.revision:
                break
        return message_id

    async def _parts(self, message: Leased, customer: Customer, voice: Voice) -> list[Outgoing]:
        storefront = await self._shop.read(storefronts.by_id, customer.storefront_id)
        speech = speech_of(customer, storefront)
        if message.body.get("says") == "statement" and message.topic is Topic.ALERT:
            return [await in_the_morning(message.body, speech, self._shop, storefront)]
        if message.body.get("says") == "taken-back" and message.topic is Topic.NOTICE:
            return await taken_back(message.body, speech, self._shop, customer)
        if message.topic is not Topic.DELIVERY:
            text, keyboard = await notice(message.body, speech, shop=self._shop, storefront=storefront)
            return [Outgoing(text, keyboard)]
        assert message.order_id is not None, "a delivery names its order"
        again = bool(message.body.get("again"))
        if "case" in message.body:  # Only the new code, and not the others of its order once more.
            new = await self._shop.write(
                aftersale.parcel, case_id=int(message.body["case"]), to_telegram_id=customer.telegram_id, buyer_id=customer.id
            )
            return await self._with_files(voice, new, outgoing(new, speech, voice.username, celebrate=False), speech)
        # Logged as revealed before anybody can see it.
        brought = await self._shop.write(
            orders.hand_over,
            order_id=message.order_id,
            cause=RevealCause(message.body.get("cause", RevealCause.SENT)),
            to_telegram_id=customer.telegram_id,
            buyer_id=customer.id,
        )
        if brought is None:
            return []  # Everything was refunded while this was on its way.
        if isinstance(brought, Seal):
            return [sealed(brought, speech)]
        messages = outgoing(brought, speech, voice.username, celebrate=not again)
        return await self._with_files(voice, brought, messages, speech)

    async def _with_files(self, voice: Voice, parcel: Parcel, messages: list[Outgoing], speech: Speech) -> list[Outgoing]:
        # Files were given to the shop's own bot, and no other knows them.
        return await with_files(self._voices.house.bot, parcel, messages, speech, known=voice is self._voices.house)

    async def _bring(self, voice: Voice, chat_id: int, part: Outgoing) -> int:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                return (await send(voice.bot, chat_id, part)).message_id
        except TelegramBadRequest as reason:
            if part.effect is None or "effect" not in reason.message.lower():
                raise
            # Telegram changes which effects there are; codes do not wait for confetti.
            return await self._bring(voice, chat_id, replace(part, effect=None))

    async def _turn(self, held: Held, chat_id: int, voice: Voice) -> None:
        """Wait for a turn; raises GiveBack when it would come too late for the lease, or the courier is to stop."""
        while True:
            if self._draining.is_set():
                raise GiveBack(0, "the courier stops")
            taken, seconds = await voice.pace.ask(chat_id, yielding=held.message.topic is Topic.BROADCAST)
            if time.monotonic() + seconds + REQUEST_SECONDS > held.until:
                raise GiveBack(seconds, "no turn within the lease")
            if seconds > 0:
                try:
                    await asyncio.wait_for(self._draining.wait(), seconds)
                except TimeoutError:
                    pass
                else:
                    raise GiveBack(0, "the courier stops")
            if taken:
                return

    async def _done(self, message: Leased, sent_message_id: int | None) -> None:
        """Mark it as sent. Tried hard: a message that is not marked is sent again."""
        for attempt in range(1, 6):
            try:
                await self._shop.write(outbox.done, message_id=message.id, worker=self.worker, sent_message_id=sent_message_id)
                return
            except Exception:
                log.exception("delivery-not-marked", message=message.id, attempt=attempt)
                await asyncio.sleep(0.2 * attempt)

    async def _retry(self, message: Leased, after_seconds: float, reason: Exception) -> float:
        now = time.monotonic()
        # Those behind it wait too, so that they keep their order, but not for long: a code must not wait for a broken notice.
        hold = now + (min(after_seconds, HELD_UP_SECONDS) if isinstance(reason, _NOT_OURS) else 0)
        self._not_before[message.customer_id] = max(hold, self._not_before.get(message.customer_id, 0.0))
        waited_for = hold + WAIT_FOR_EARLIER_SECONDS if isinstance(reason, _NOT_OURS) else now
        self._put_off[message.id] = message.customer_id, waited_for
        metrics.DELIVERIES.labels(message.topic.value, "retried").inc()
        log.warning(
            "delivery-retried",
            message=message.id,
            topic=message.topic.value,
            attempt=message.attempt,
            after_seconds=round(after_seconds, 1),
            error=trouble_of(reason),
            where=where(reason),
        )
        await self._write_down(
            lambda: self._shop.write(
                outbox.retry,
                message_id=message.id,
                worker=self.worker,
                after_seconds=after_seconds,
                trouble=trouble_of(reason),
            )
        )
        return hold

    async def _blocked(self, customer: Customer, began: datetime) -> bool:
        """Write down that the customer has blocked the bot; False when they have opened the chat since this began.

        Before anything is parked: were it parked first, a /start in between would be forgotten by the block that follows.
        """
        try:
            return await self._shop.write(people.block, customer_id=customer.id, noticed_at=began)
        except Exception:
            log.exception("block-not-written-down")
            return True

    async def _park(self, message: Leased, reason: Exception) -> None:
        metrics.DELIVERIES.labels(message.topic.value, "parked").inc()
        log.info("delivery-parked", message=message.id, topic=message.topic.value, error=trouble_of(reason))
        await self._write_down(lambda: self._shop.write(outbox.park, message_id=message.id, worker=self.worker, trouble=trouble_of(reason)))

    async def _give_back(self, message: Leased, at: float, why: str) -> None:
        after_seconds = 0 if self._draining.is_set() else max(0.0, at - time.monotonic())
        await self._write_down(
            lambda: self._shop.write(
                outbox.retry, message_id=message.id, worker=self.worker, after_seconds=after_seconds, trouble=why, sent=False
            )
        )

    async def _write_down(self, change: Callable[[], Awaitable[None]]) -> None:
        """What cannot be written down now corrects itself: the lease ends by time and the message is tried again."""
        try:
            await change()
        except Exception:
            log.exception("delivery-not-written-down")


def _backoff(attempt: int) -> float:
    """1, 2, 4 … seconds up to five minutes, each made shorter by up to a half so that not all come back at once."""
    return float(min(BACKOFF_CAP_SECONDS, 2.0 ** min(attempt - 1, 10)) * random.uniform(0.5, 1.0))


def trouble_of(reason: Exception) -> str:
    """What went wrong, without anything that could be a part of the message."""
    if isinstance(reason, TelegramBadRequest | TelegramForbiddenError | TelegramRetryAfter):
        return re.sub(r"[\"“'].*[\"”']", "“…”", reason.message)[:200]
    return type(reason).__name__
