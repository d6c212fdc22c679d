"""What the sandbox remembers: bots, people with phones, their chats, messages, files, updates and payments."""

from dataclasses import dataclass, field
from dataclasses import fields as fields_of
from typing import Any

from sandbox.store import Json


@dataclass(frozen=True)
class BotSpec:
    """A bot to be known from the start; its id is the number before the colon of its token unless given."""

    token: str
    username: str
    name: str
    id: int | None = None


@dataclass(frozen=True)
class PhoneSpec:
    """A person with a phone; `id` is the phone's name in addresses, `stars` the Stars it can pay with."""

    id: str
    title: str
    first_name: str
    username: str | None = None
    language_code: str = "en"
    stars: int = 5000
    last_name: str | None = None
    user_id: int | None = None


DEFAULT_PHONES = (
    PhoneSpec("buyer", "Buyer", "小林", "xiaolin_88", "zh-hans", user_id=5_100_000_001),
    PhoneSpec("second", "Second buyer", "Emma", "emma_clark", "en", last_name="Clark", user_id=5_100_000_002),
    PhoneSpec("reseller", "Reseller", "Иван", "ivan_resells", "ru", last_name="Петров", user_id=5_100_000_003),
    PhoneSpec("supplier", "Supplier", "陳志明", "chan_supplies", "zh-hant", user_id=5_100_000_004),
    PhoneSpec("admin", "Admin", "王老板", "boss_wang", "zh-hans", user_id=5_100_000_005),
)


class Row:
    """A record whose row is simply its fields."""

    def row(self) -> Json:
        return {field.name: getattr(self, field.name) for field in fields_of(self)}  # type: ignore[arg-type]  # Every subclass is a dataclass.


@dataclass
class Bot(Row):
    """A bot account and everything BotFather and the bot itself have set."""

    token: str
    id: int
    username: str
    name: str
    names: dict[str, str] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    short_descriptions: dict[str, str] = field(default_factory=dict)
    commands: dict[str, dict[str, list[Json]]] = field(default_factory=dict)
    """By scope ("default", "all_private_chats", "chat:5100000001" …), then by language ("" for all)."""
    menu_buttons: dict[str, Json] = field(default_factory=dict)
    webhook: Json | None = None
    allowed_updates: list[str] | None = None
    next_update: int = 100_000_001
    next_message: int = 1
    stars: int = 0

    def user(self) -> Json:
        return {"id": self.id, "is_bot": True, "first_name": self.names.get("") or self.name, "username": self.username}


@dataclass
class Phone(Row):
    """A person and the Stars on their account."""

    id: str
    title: str
    user: Json
    stars: int

    @property
    def user_id(self) -> int:
        return int(self.user["id"])

    def chat(self) -> Json:
        """The private chat with this person, as a bot sees it."""
        names = ("first_name", "last_name", "username")
        return {"id": self.user_id, "type": "private", **{name: self.user[name] for name in names if name in self.user}}


@dataclass
class Kept(Row):
    """One message in a chat; `hidden` is what Telegram knows and does not show: an invoice's payload, an inline message's id.

    An edit puts a new message in the place of the old, so that what is already on its way to a bot or a phone stays as it was.
    """

    message: Json
    hidden: Json = field(default_factory=dict)

    @property
    def id(self) -> int:
        return int(self.message["message_id"])


@dataclass
class Chat(Row):
    """One phone's chat with a bot, or with another phone."""

    phone: str
    peer: str
    started: bool = False
    blocked: bool = False
    reply_keyboard: Json | None = None
    pinned: list[int] = field(default_factory=list)
    messages: dict[int, Kept] = field(default_factory=dict)

    def row(self) -> Json:
        # Messages are rows of their own, so that a long chat is not written again with each of them.
        return {**super().row(), "messages": {}}


@dataclass
class Update(Row):
    """One update on its way to a bot; only one of a lane is under way at a time."""

    bot: str
    update_id: int
    kind: str
    lane: str
    expires_at: float
    content: Json

    def body(self) -> Json:
        return {"update_id": self.update_id, self.kind: self.content}


@dataclass
class Invoice(Row):
    """What an invoice message or link asks for."""

    bot: str
    title: str
    description: str
    payload: str
    total_amount: int
    start_parameter: str = ""

    def shown(self) -> Json:
        return {
            "title": self.title,
            "description": self.description,
            "start_parameter": self.start_parameter,
            "currency": "XTR",
            "total_amount": self.total_amount,
        }


@dataclass
class Charge(Row):
    """Stars that have moved from a phone to a bot."""

    id: str
    bot: str
    phone: str
    amount: int
    payload: str
    at: int
    held_back: bool = False
    """True while the payment's message waits for somebody to let it go."""
    refunded_at: int | None = None


@dataclass
class StoredFile(Row):
    """A file a bot or a phone has sent; its bytes lie with the other bodies."""

    file_id: str
    bot: str
    path: str
    name: str
    mime_type: str
    size: int
    kind: str
    width: int = 0
    height: int = 0

    @property
    def unique_id(self) -> str:
        return "U" + self.file_id[-15:]

    def document(self) -> Json:
        return {
            "file_id": self.file_id,
            "file_unique_id": self.unique_id,
            "file_name": self.name,
            "mime_type": self.mime_type,
            "file_size": self.size,
        }

    def photo(self) -> list[Json]:
        sizes: dict[str, Any] = {"width": self.width, "height": self.height, "file_size": self.size}
        return [{"file_id": self.file_id, "file_unique_id": self.unique_id, **sizes}]
