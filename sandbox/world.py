"""The whole of the sandbox's Telegram in one place: who is there, what they said, and who waits for whose answer."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.errors import PhoneError, bad_request, forbidden
from sandbox.events import Events
from sandbox.faults import Faults
from sandbox.files import Files
from sandbox.rooms import Room, known_room
from sandbox.state import Bot, BotSpec, Charge, Chat, Invoice, Kept, Phone, PhoneSpec, Update
from sandbox.store import Json, Store
from sandbox.updates import Mailbox

if TYPE_CHECKING:
    from sandbox.webhooks import Couriers

MESSAGES_KEPT_PER_CHAT = 5000
CALLS_KEPT = 2000
ROOM = "room"  # the peer in the one chat that all members of a group share


@dataclass(frozen=True)
class Patience:
    """How long Telegram waits, in seconds. Tests shorten it."""

    callback: float = 30
    """After this a callback query is too old to be answered."""
    pre_checkout: float = 10
    inline: float = 10
    webhook_backoff: float = 2
    webhook_backoff_cap: float = 60


@dataclass
class Query:
    """A question to a bot that waits for its answer."""

    id: str
    kind: str
    bot: Bot
    phone: Phone
    until: float
    peer: str = ""
    """The chat on the phone in which it was asked."""
    answer: asyncio.Future[Json] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    given_up: bool = False
    """True once the phone has stopped waiting; a later answer then comes as a toast."""


class World:
    """Bots, phones, chats, files and payments, with the file they are written to."""

    couriers: "Couriers"
    """Set by the server, which carries updates out to webhooks."""

    def __init__(self, state_file: Path | None, patience: Patience) -> None:
        self.patience = patience
        self.store = Store(state_file)
        self.files = Files(self.store)
        self.faults = Faults()
        self.events = Events()
        self.calls: deque[Json] = deque(maxlen=CALLS_KEPT)
        self.bots: dict[str, Bot] = {key: Bot(**row) for key, row in self.store.rows("bot")}
        self.phones: dict[str, Phone] = {key: Phone(**row) for key, row in self.store.rows("phone")}
        self.chats: dict[tuple[str, str], Chat] = {}
        self.rooms: dict[int, Room] = {int(key): Room(**row) for key, row in self.store.rows("room")}
        self.mailboxes = {name: Mailbox(bot, self.store, self.faults) for name, bot in self.bots.items()}
        self.invoice_links = {key: Invoice(**row) for key, row in self.store.rows("invoice")}
        self.charges = {key: Charge(**row) for key, row in self.store.rows("charge")}
        self.inline_messages: dict[str, list[tuple[Chat, Kept]]] = {}
        self._queries: dict[str, Query] = {}
        self._load_chats()
        self._by_token = {bot.token: bot for bot in self.bots.values()}
        self._by_user_id = {phone.user_id: phone for phone in self.phones.values()}

    def _load_chats(self) -> None:
        for _, row in self.store.rows("chat"):
            chat = Chat(**row)
            self.chats[chat.phone, chat.peer] = chat
        for key, row in self.store.rows("message"):
            phone, peer, _ = key.split(":")
            kept = Kept(**row)
            chat = self.chats[phone, peer]
            chat.messages[kept.id] = kept
            self._index(chat, kept)
        for _, row in self.store.rows("update"):
            update = Update(**row)
            self.mailboxes[update.bot].waiting[update.update_id] = update

    # Who is there

    def add_bot(self, spec: BotSpec) -> Bot:
        """Makes a bot known; one that the state file knows by this username keeps its chats and takes the new token."""
        number = spec.id if spec.id is not None else int(spec.token.split(":")[0])
        bot = self.bots.get(spec.username)
        if bot is None:
            bot = Bot(spec.token, number, spec.username, spec.name)
            self.bots[spec.username] = bot
            self.mailboxes[spec.username] = Mailbox(bot, self.store, self.faults)
        self._by_token.pop(bot.token, None)
        bot.token, bot.id, bot.name = spec.token, number, spec.name
        self._by_token[bot.token] = bot
        self.store.put("bot", bot.username, bot)
        for phone in self.phones.values():
            self.tell_phone(phone)
        return bot

    def add_phone(self, spec: PhoneSpec) -> Phone:
        """Gives a person a phone; one that the state file knows stays as it is."""
        if spec.id in self.phones:
            return self.phones[spec.id]
        user_id = spec.user_id or max([5_100_000_100, *self._by_user_id]) + 1
        names = {"last_name": spec.last_name, "username": spec.username}
        user = {
            "id": user_id,
            "is_bot": False,
            "first_name": spec.first_name,
            **{name: value for name, value in names.items() if value},
            "language_code": spec.language_code,
        }
        phone = Phone(spec.id, spec.title, user, spec.stars)
        self.phones[spec.id] = phone
        self._by_user_id[user_id] = phone
        self.tell_phone(phone)
        return phone

    def bot_of_token(self, token: str) -> Bot | None:
        return self._by_token.get(token)

    def phone(self, phone_id: str) -> Phone:
        """The phone of that name; raises PhoneError 404."""
        try:
            return self.phones[phone_id]
        except KeyError:
            raise PhoneError(404, f"There is no phone called {phone_id!r}.") from None

    def bot_named(self, username: str) -> Bot:
        """The bot of that username; raises PhoneError 404."""
        try:
            return self.bots[username]
        except KeyError:
            raise PhoneError(404, f"There is no bot called {username!r}.") from None

    def phone_of_user(self, user_id: int) -> Phone | None:
        return self._by_user_id.get(user_id)

    def phone_shown(self, phone: Phone) -> Json:
        """The phone as the page sees it."""
        rooms = [{"id": str(room.id), "title": room.title, "type": room.type} for room in self.rooms.values() if room.inside(phone)]
        return {"id": phone.id, "title": phone.title, "user": phone.user, "stars": phone.stars, "bots": list(self.bots), "rooms": rooms}

    def tell_phone(self, phone: Phone) -> None:
        """Writes the phone down and tells its page that it changed."""
        self.store.put("phone", phone.id, phone)
        self.events.tell(phone.id, "phone", phone=self.phone_shown(phone))

    def tell_everybody(self, kind: str, **facts: object) -> None:
        for phone in self.phones:
            self.events.tell(phone, kind, **facts)

    # Chats and messages

    def chat(self, phone: Phone, peer: str) -> Chat:
        """The phone's chat with a bot (by username) or another phone (by id)."""
        chat = self.chats.get((phone.id, peer))
        if chat is None:
            chat = self.chats[phone.id, peer] = Chat(phone.id, peer)
        return chat

    def room_chat(self, room: Room) -> Chat:
        """The chat of a group, which every member reads."""
        return self.chats.setdefault((str(room.id), ROOM), Chat(str(room.id), ROOM, started=True))

    def seen_on(self, chat: Chat) -> list[tuple[str, str]]:
        """The phones that show a chat, each with its name there."""
        if chat.peer != ROOM:
            return [(chat.phone, chat.peer)]
        room = self.rooms[int(chat.phone)]
        return [(phone.id, chat.phone) for phone in self.phones.values() if room.inside(phone)]

    def show(self, chat: Chat, kind: str, **facts: object) -> None:
        """Tells the phones that show a chat what became of it."""
        for phone, name in self.seen_on(chat):
            self.events.tell(phone, kind, bot=name, **facts)

    def chat_open_to(self, bot: Bot, chat_id: int | str) -> tuple[Phone | Room, Chat]:
        """The chat a bot wants to write to; raises ApiError when it may not."""
        if chat_id in self.rooms:
            room = known_room(self, bot, chat_id)
            return room, self.room_chat(room)
        phone = self.phone_of_user(chat_id) if isinstance(chat_id, int) else None
        if phone is None:
            raise bad_request("chat not found")
        chat = self.chat(phone, bot.username)
        if not chat.started:
            raise forbidden("bot can't initiate conversation with a user")
        if chat.blocked:
            raise forbidden("bot was blocked by the user")
        return phone, chat

    def keep_chat(self, chat: Chat) -> None:
        self.store.put("chat", f"{chat.phone}:{chat.peer}", chat)

    def keep(self, phone: Phone | Room, chat: Chat, message: Json, hidden: Json | None = None) -> Kept:
        """Puts a message into a chat and shows it on the phone; number, date and chat are given here, the rest by `message`."""
        bot = self.bots.get(chat.peer)
        if bot is not None:
            number, bot.next_message = bot.next_message, bot.next_message + 1
            self.store.put("bot", bot.username, bot)
            where = phone.chat()
        elif isinstance(phone, Room):
            number, phone.next_message = phone.next_message, phone.next_message + 1
            self.store.put("room", str(phone.id), phone)
            where = phone.chat()
        else:
            number = max(chat.messages, default=0) + 1
            where = self.phone(chat.peer).chat()
        kept = Kept({"message_id": number, "date": int(time.time()), "chat": where, **message}, hidden or {})
        chat.messages[number] = kept
        self._index(chat, kept)
        if len(chat.messages) > MESSAGES_KEPT_PER_CHAT:
            self._drop(chat, next(iter(chat.messages)))
        self.keep_chat(chat)
        self._write(chat, kept)
        self.show(chat, "message", message=kept.message)
        return kept

    def _index(self, chat: Chat, kept: Kept) -> None:
        inline = kept.hidden.get("inline_message_id")
        if inline:
            self.inline_messages.setdefault(inline, []).append((chat, kept))

    def _write(self, chat: Chat, kept: Kept) -> None:
        self.store.put("message", f"{chat.phone}:{chat.peer}:{kept.id:012d}", kept)

    def _drop(self, chat: Chat, message_id: int) -> None:
        del chat.messages[message_id]
        self.store.remove("message", f"{chat.phone}:{chat.peer}:{message_id:012d}")

    def changed(self, chat: Chat, kept: Kept) -> None:
        """Writes an edited message down and shows it."""
        self._write(chat, kept)
        self.show(chat, "edit", message=kept.message)

    def delete(self, chat: Chat, message_ids: Iterable[int]) -> None:
        """Takes messages away, on the phone too; ids that are not there are passed over."""
        gone = [message_id for message_id in message_ids if message_id in chat.messages]
        for message_id in gone:
            self._drop(chat, message_id)
        if gone:
            chat.pinned = [message_id for message_id in chat.pinned if message_id not in gone]
            self.keep_chat(chat)
            self.show(chat, "delete", message_ids=gone)

    def post(self, bot: Bot, kind: str, content: Json, phone: Phone) -> None:
        """Queues an update: messages run in one lane per chat, every other kind in a lane of its own per person."""
        said = kind in ("message", "edited_message")
        lane = f"message:{content['chat']['id']}" if said else f"{kind}:{phone.user_id}"
        self.mailboxes[bot.username].post(kind, content, lane)

    # Questions that wait for a bot's answer

    def ask(self, kind: str, bot: Bot, phone: Phone, content: Json, seconds: float, peer: str = "") -> Query:
        """Sends a query to a bot; its answer arrives in `Query.answer` when it comes within these seconds."""
        now = time.monotonic()
        # Looking at the oldest is enough: they are asked in this order, and none waits much longer than another.
        while self._queries and (oldest := next(iter(self._queries.values()))).until < now:
            del self._queries[oldest.id]
        query = Query(str(secrets.randbelow(10**18) + 10**18), kind, bot, phone, now + seconds, peer=peer or bot.username)
        self._queries[query.id] = query
        self.post(bot, kind, {"id": query.id, "from": phone.user, **content}, phone)
        return query

    def query(self, kind: str, bot: Bot, query_id: str) -> Query:
        """The open question; raises ApiError when it is not this bot's, unknown, or too old."""
        query = self._queries.get(query_id)
        if query is None or query.kind != kind or query.bot is not bot or query.until < time.monotonic():
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        return query

    async def answer_to(self, query: Query, wait_seconds: float) -> Json | None:
        """The bot's answer, or None when none came in time."""
        try:
            return await asyncio.wait_for(asyncio.shield(query.answer), wait_seconds)
        except TimeoutError:
            query.given_up = True
            return None
