"""Groups and channels: who is in them, by which link they came, and what bots hear of it. Every member's phone shows it."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.errors import ApiError, PhoneError, bad_request
from sandbox.state import Bot, Phone, Row
from sandbox.store import Json

if TYPE_CHECKING:
    from sandbox.world import World

FIRST_ID = -1_002_000_000_001
FIRST_GROUP = -4_000_000_001
LINK = "https://t.me/+"
RIGHTS = (
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_send_welcome_messages",
)


@dataclass
class Room(Row):
    """A group or channel. `members` are statuses by user id; `links` are invite links by their address.

    `bots` are the rights of each bot that is an admin, by username; one without any is a plain member, and hears commands and replies only.
    """

    id: int
    type: str
    title: str
    owner: str  # a phone
    members: dict[str, str] = field(default_factory=dict)
    bots: dict[str, list[str]] = field(default_factory=dict)
    links: dict[str, Json] = field(default_factory=dict)
    next_message: int = 1
    moved_to: int | None = None  # a group that has become a supergroup

    def chat(self) -> Json:
        return {"id": self.id, "type": self.type, "title": self.title}

    def inside(self, phone: Phone) -> bool:
        return self.status(phone.user_id) in ("creator", "member")

    def status(self, user_id: int) -> str:
        return self.members.get(str(user_id), "left")


def member_shown(user: Json, status: str) -> Json:
    """A ChatMember as bots see it."""
    shown: Json = {"status": status, "user": user}
    if status == "kicked":
        shown["until_date"] = 0
    if status == "creator":
        shown["is_anonymous"] = False
    return shown


def bot_shown(room: Room, bot: Bot) -> Json:
    rights = room.bots.get(bot.username)
    if rights is None:
        return member_shown(bot.user(), "left")
    if not rights:
        return member_shown(bot.user(), "member")
    return {**member_shown(bot.user(), "administrator"), **{name: name in rights for name in RIGHTS}}


def open_room(world: World, phone: Phone, title: str, kind: str) -> Room:
    """A person makes a group or channel of their own; raises PhoneError."""
    if kind not in ("group", "supergroup", "channel") or not 0 < len(title) <= 128:
        raise PhoneError(400, "A room has a title and is a group, a supergroup or a channel.")
    room = Room(_next_id(world, kind), kind, title, phone.id, {str(phone.user_id): "creator"})
    world.rooms[room.id] = room
    world.store.put("room", str(room.id), room)
    world.tell_phone(phone)
    return room


def _next_id(world: World, kind: str) -> int:
    """Groups that are not supergroups have shorter ids."""
    alike = [known - 1 for known in world.rooms if (known > FIRST_ID + 1_000_000_000) == (kind == "group")]
    return min([FIRST_GROUP if kind == "group" else FIRST_ID, *alike])


def room_of(world: World, room_id: object) -> Room:
    room = world.rooms.get(room_id) if isinstance(room_id, int) else None
    if room is None:
        raise PhoneError(404, "There is no such room.")
    return room


def make_admin(world: World, phone: Phone, room: Room, bot: Bot, rights: list[str], *, member: bool = False) -> None:
    """The owner puts a bot into the room as an admin with these rights or a plain member, or puts it out; the bot hears of it."""
    if phone.id != room.owner:
        raise PhoneError(403, "Only its owner may do that.")
    old = bot_shown(room, bot)
    if rights:
        room.bots[bot.username] = ["can_manage_chat", *[right for right in rights if right in RIGHTS]]
    elif member:
        room.bots[bot.username] = []
    else:
        room.bots.pop(bot.username, None)
    world.store.put("room", str(room.id), room)
    change = {"chat": room.chat(), "from": phone.user, "date": int(time.time())}
    world.post(bot, "my_chat_member", {**change, "old_chat_member": old, "new_chat_member": bot_shown(room, bot)}, phone)


def moved(world: World, room: Room, user: Json, by: Json, status: str, link: Json | None = None) -> None:
    """Somebody's status changed: every bot that is an admin there hears of it."""
    old = member_shown(user, room.status(int(user["id"])))
    if status == "left":
        room.members.pop(str(user["id"]), None)
    else:
        room.members[str(user["id"])] = status
    world.store.put("room", str(room.id), room)
    change: Json = {"chat": room.chat(), "from": by, "date": int(time.time()), "old_chat_member": old}
    change["new_chat_member"] = member_shown(user, status)
    if link is not None:
        change["invite_link"] = link
    phone = world.phone_of_user(int(user["id"]))
    if phone is not None:
        world.tell_phone(phone)
    for username, rights in room.bots.items():
        if rights and username in world.bots and phone is not None:
            world.post(world.bots[username], "chat_member", change, phone)


def link_shown(link: Json) -> Json:
    """A ChatInviteLink as Telegram gives it: not how often it was used."""
    return {name: value for name, value in link.items() if name not in ("used", "bot")}


def new_link(world: World, room: Room, bot: Bot, *, name: str | None, expire_date: int | None, member_limit: int | None) -> Json:
    address = LINK + secrets.token_urlsafe(12)
    link: Json = {
        "invite_link": address,
        "creator": bot.user(),
        "creates_join_request": False,
        "is_primary": False,
        "is_revoked": False,
        "used": 0,
        "bot": bot.username,
        **{key: value for key, value in (("name", name), ("expire_date", expire_date), ("member_limit", member_limit)) if value},
    }
    room.links[address] = link
    world.store.put("room", str(room.id), room)
    return link_shown(link)


def join(world: World, phone: Phone, address: str) -> Room:
    """A person follows an invite link; raises PhoneError when it admits nobody any more, or them never again."""
    room = next((known for known in world.rooms.values() if address in known.links), None)
    if room is None:
        raise PhoneError(404, "This invite link is not valid.")
    link = room.links[address]
    over = link["is_revoked"] or link.get("expire_date", time.time() + 1) <= time.time() or link["used"] >= link.get("member_limit", 99999)
    if over or room.status(phone.user_id) == "kicked":
        raise PhoneError(409, "This invite link has expired.")
    if room.status(phone.user_id) == "left":
        link["used"] += 1
        moved(world, room, phone.user, phone.user, "member", link_shown(link))
    return room


def add(world: World, phone: Phone, room: Room, other: Phone) -> None:
    """The owner puts another person into the group; raises PhoneError."""
    if phone.id != room.owner:
        raise PhoneError(403, "Only its owner may do that.")
    if not room.inside(other):
        moved(world, room, other.user, phone.user, "member")


def named(world: World, phone: Phone, peer: str) -> Room | None:
    """The group of this number that a phone shows; None when it is no number. Raises PhoneError 404."""
    if not peer.removeprefix("-").isdecimal():
        return None
    room = world.rooms.get(int(peer))
    if room is None or not room.inside(phone):
        raise PhoneError(404, "This phone shows no such group.")
    return room


def hears(room: Room, bot: Bot, message: Json) -> bool:
    """Whether a bot hears what a person says in a group: an admin everything, a plain member commands and replies to itself."""
    rights = room.bots.get(bot.username)
    if rights is None:
        return False
    if "migrate_to_chat_id" in message or "migrate_from_chat_id" in message:
        return True
    first = str(message.get("text") or message.get("caption") or "").split(maxsplit=1)
    command, _, called = (first[0] if first else "").partition("@")
    replied = message.get("reply_to_message", {}).get("from", {}).get("id") == bot.id
    return bool(rights) or replied or (command.startswith("/") and called in ("", bot.username))


def leave(world: World, phone: Phone, room: Room) -> None:
    if room.status(phone.user_id) == "member":
        moved(world, room, phone.user, phone.user, "left")


def known_room(world: World, bot: Bot, chat_id: int | str, right: str | None = None) -> Room:
    """The room in which a bot acts; raises ApiError when it is none, or the bot may not do that there."""
    room = world.rooms.get(chat_id) if isinstance(chat_id, int) else None
    if room is None:
        raise bad_request("chat not found")
    if room.moved_to is not None:
        raise ApiError(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=room.moved_to)
    rights = room.bots.get(bot.username)
    if rights is None:
        raise ApiError(403, "Forbidden: bot is not a member of the " + ("channel" if room.type == "channel" else "supergroup") + " chat")
    if right is not None and right not in rights:
        what = "manage chat invite link" if right == "can_invite_users" else "restrict/unrestrict chat member"
        raise bad_request(f"not enough rights to {what}")
    return room


def migrate(world: World, phone: Phone, room: Room) -> Room:
    """The owner's group becomes a supergroup under another id, as Telegram does it by itself; raises PhoneError."""
    if phone.id != room.owner or room.type != "group" or room.moved_to is not None:
        raise PhoneError(409, "Only a group's owner can make it a supergroup, once.")
    new = Room(_next_id(world, "supergroup"), "supergroup", room.title, room.owner, dict(room.members), dict(room.bots))
    world.rooms[new.id] = new
    for one, other, name in ((room, new, "migrate_to_chat_id"), (new, room, "migrate_from_chat_id")):
        kept = world.keep(one, world.room_chat(one), {"from": phone.user, name: other.id})
        for username in one.bots:
            if username in world.bots:
                world.post(world.bots[username], "message", kept.message, phone)
    room.moved_to = new.id
    for one in (room, new):
        world.store.put("room", str(one.id), one)
    world.tell_phone(phone)
    return new
