"""What a person does with a phone: writes, sends a file, presses a button, blocks a bot, asks inline."""

import secrets
import time

from sandbox import limits
from sandbox.entities import formatted, units
from sandbox.errors import ApiError, PhoneError
from sandbox.methods.composing import without_reply
from sandbox.rooms import Room, hears, named
from sandbox.stars import pay
from sandbox.state import Bot, Chat, Invoice, Kept, Phone, PhoneSpec
from sandbox.store import Json
from sandbox.world import ROOM, World


def chat_of(world: World, phone: Phone, peer: str) -> tuple[Chat, Bot | None]:
    """The chat with a bot, with another person, or of a group; raises PhoneError 404."""
    room = named(world, phone, peer)
    if room is not None:
        return world.room_chat(room), None
    if peer in world.phones:
        if peer == phone.id:
            raise PhoneError(404, "A phone has no chat with itself.")
        return world.chat(phone, peer), None
    return world.chat(phone, peer), world.bot_named(peer)


def message_in(chat: Chat, message_id: object) -> Kept:
    kept = chat.messages.get(message_id) if isinstance(message_id, int) else None
    if kept is None:
        raise PhoneError(409, "The message is gone.")
    return kept


def write(world: World, phone: Phone, peer: str, message: Json, behind: str = "") -> Json:
    """Puts what the person sends into the chat and tells the bot (or shows it to the other person).

    In a group whoever writes may hide `behind` it (`anonymous`) or behind a `channel`.
    """
    chat, bot = chat_of(world, phone, peer)
    room = named(world, phone, peer)
    if room is not None:
        return write_in(world, phone, room, message, behind)
    if bot is None:
        other = world.phones[peer]
        world.keep(other, world.chat(other, phone.id), {"from": phone.user, **message})
        return world.keep(phone, chat, {"from": phone.user, **message}).message
    if chat.blocked:
        if not str(message.get("text", "")).startswith("/start"):
            raise PhoneError(409, "You have blocked this bot.")
        block(world, phone, bot, blocked=False)
    chat.started = True
    kept = world.keep(phone, chat, {"from": phone.user, **message})
    world.post(bot, "message", kept.message, phone)
    return kept.message


ANONYMOUS: Json = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
CHANNEL: Json = {"id": 136817688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}


def sender_of(phone: Phone, room: Room, behind: str) -> Json:
    """As whom a message appears."""
    if behind == "anonymous":
        return {"from": ANONYMOUS, "sender_chat": room.chat()}
    if behind == "channel":
        return {"from": CHANNEL, "sender_chat": {"id": -1_001_999_999_999, "type": "channel", "title": "A channel"}}
    return {"from": phone.user}


def write_in(world: World, phone: Phone, room: Room, message: Json, behind: str = "") -> Json:
    """Puts what a person says into a group, and tells the bots in it that hear it."""
    if room.type == "channel":
        raise PhoneError(403, "In a channel nobody but its admins writes.")
    kept = world.keep(room, world.room_chat(room), {**sender_of(phone, room, behind), **message})
    for username in room.bots:
        bot = world.bots.get(username)
        if bot is not None and hears(room, bot, kept.message):
            world.post(bot, "message", kept.message, phone)
    return kept.message


def say(world: World, phone: Phone, peer: str, text: str, reply_to: object = None, behind: str = "") -> Json:
    """The person sends a text; raises PhoneError when it is empty, too long, or replies to nothing."""
    chat, _ = chat_of(world, phone, peer)
    read, entities = formatted(text, None, None)
    if not read:
        raise PhoneError(400, "The message is empty.")
    if units(read) > limits.TEXT:
        raise PhoneError(400, f"A message has at most {limits.TEXT} characters.")
    message: Json = {"text": read}
    if entities:
        message["entities"] = entities
    if reply_to is not None:
        message["reply_to_message"] = without_reply(message_in(chat, reply_to).message)
    return write(world, phone, peer, message, behind)


def change_text(world: World, phone: Phone, peer: str, message_id: object, text: str) -> Json:
    """The person edits what they wrote; bots hear of it as an edited message. Raises PhoneError."""
    chat, bot = chat_of(world, phone, peer)
    kept = message_in(chat, message_id)
    if kept.message["from"]["id"] != phone.user_id:
        raise PhoneError(403, "Only what you wrote yourself can be changed.")
    kept.message = {**kept.message, "text": text, "edit_date": int(time.time())}
    world.changed(chat, kept)
    room = named(world, phone, peer)
    heard = [bot] if bot is not None else [world.bots[one] for one in room.bots if one in world.bots] if room is not None else []
    for one in heard:
        if room is None or hears(room, one, kept.message):
            world.post(one, "edited_message", kept.message, phone)
    return kept.message


def send_file(world: World, phone: Phone, bot_name: str, *, name: str, body: bytes, mime_type: str | None, caption: str, kind: str) -> Json:
    """The person sends a document or a photo to a bot; raises PhoneError."""
    room = named(world, phone, bot_name)
    bot = world.bot_named(bot_name if room is None else next(iter(room.bots), ""))
    if kind not in ("document", "photo"):
        raise PhoneError(400, "A file is sent as document or as photo.")
    read, entities = formatted(caption, None, None)
    if units(read) > limits.CAPTION:
        raise PhoneError(400, f"A caption has at most {limits.CAPTION} characters.")
    try:
        file = world.files.keep(bot.username, name, body, kind, mime_type)
    except ApiError as error:
        raise PhoneError(error.code, error.description) from None
    message: Json = {"photo": file.photo()} if kind == "photo" else {"document": file.document()}
    if read:
        message["caption"] = read
    if entities:
        message["caption_entities"] = entities
    return write(world, phone, bot_name, message)


async def press(
    world: World, phone: Phone, peer: str, *, message_id: object, row: object, column: object, label: object, wait_seconds: float
) -> Json | None:
    """The person presses a callback button; gives the bot's answer, or None when none came in time.

    Raises PhoneError 409 when the button is gone or disabled.
    """
    chat, _ = chat_of(world, phone, peer)
    kept = message_in(chat, message_id)
    rows = kept.message.get("reply_markup", {}).get("inline_keyboard", [])
    if not (isinstance(row, int) and isinstance(column, int) and 0 <= row < len(rows) and 0 <= column < len(rows[row])):
        raise PhoneError(409, "The button is gone.")
    button = rows[row][column]
    if label is not None and button["text"] != label:
        raise PhoneError(409, "The button is gone.")
    if "disabled" in button:
        raise PhoneError(409, "The button is disabled.")
    if "callback_data" not in button:
        raise PhoneError(409, "Only a callback button is pressed this way.")
    room = named(world, phone, peer)
    content: Json = {"chat_instance": str((phone.user_id if room is None else -room.id) * 31 + 7), "data": button["callback_data"]}
    inline = kept.hidden.get("inline_message_id")
    if inline:
        bot = world.bot_named(kept.hidden["bot"])
        content["inline_message_id"] = inline
    else:
        bot = world.bot_named(peer if room is None else str(kept.message["from"].get("username")))
        content["message"] = kept.message
    query = world.ask("callback_query", bot, phone, content, world.patience.callback, peer)
    query.given_up = wait_seconds <= 0
    if query.given_up:
        return None
    answer = await world.answer_to(query, wait_seconds)
    if answer is not None and not any(answer.values()):
        return {"text": "", "show_alert": False, "url": ""}
    return answer


async def pay_here(world: World, phone: Phone, bot_name: str, message_id: object, link: object, *, skip_success: bool) -> Json:
    """The person pays an invoice message or link; raises PhoneError when it is no invoice."""
    bot = world.bot_named(bot_name)
    if isinstance(link, str):
        invoice = world.invoice_links.get(link)
        if invoice is None or invoice.bot != bot.username:
            raise PhoneError(404, "There is no such invoice.")
    else:
        kept = message_in(world.chat(phone, bot_name), message_id)
        if "invoice" not in kept.hidden:
            raise PhoneError(409, "This message is not an invoice.")
        invoice = Invoice(**kept.hidden["invoice"])
    return await pay(world, phone, bot, invoice, skip_success=skip_success)


def block(world: World, phone: Phone, bot: Bot, *, blocked: bool) -> None:
    """The person blocks or unblocks a bot, which the bot hears as `my_chat_member`."""
    chat = world.chat(phone, bot.username)
    if chat.blocked == blocked:
        return
    chat.blocked = blocked
    world.keep_chat(chat)
    inside: Json = {"status": "member", "user": bot.user()}
    outside: Json = {"status": "kicked", "user": bot.user(), "until_date": 0}
    old, new = (inside, outside) if blocked else (outside, inside)
    change = {"chat": phone.chat(), "from": phone.user, "date": int(time.time()), "old_chat_member": old, "new_chat_member": new}
    world.post(bot, "my_chat_member", change, phone)


def clear(world: World, phone: Phone, peer: str) -> None:
    """Empties the chat on this phone; the bot is not told."""
    chat, _ = chat_of(world, phone, peer)
    if chat.peer == ROOM:
        raise PhoneError(403, "A group's messages are everybody's.")
    world.delete(chat, list(chat.messages))


class Inline:
    """Inline queries of all phones, and the last results each phone may pick from."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._answers: dict[tuple[str, str], tuple[str, Json]] = {}

    async def ask(self, phone: Phone, bot: Bot, text: str, offset: str) -> Json:
        """Asks the bot; empty results when it did not answer in time."""
        if len(text) > limits.INLINE_QUERY:
            raise PhoneError(400, f"An inline query has at most {limits.INLINE_QUERY} characters.")
        content = {"query": text, "offset": offset, "chat_type": "sender"}
        seconds = self.world.patience.inline
        answer = await self.world.answer_to(self.world.ask("inline_query", bot, phone, content, seconds), seconds)
        if answer is None:
            return {"results": []}
        messages = answer["messages"]
        earlier = self._answers.get((phone.id, bot.username))
        if offset and earlier is not None:
            messages = {**earlier[1], **messages}
        self._answers[phone.id, bot.username] = (text, messages)
        return {name: value for name, value in answer.items() if name != "messages"}

    def send(self, phone: Phone, bot: Bot, result_id: str, to: str) -> Json:
        """Sends a picked result to a person or a bot's chat, and tells its bot so; raises PhoneError."""
        text, messages = self._answers.get((phone.id, bot.username), ("", {}))
        if result_id not in messages:
            raise PhoneError(404, "There is no such result; ask again.")
        chat, peer_bot = chat_of(self.world, phone, to)
        chosen: Json = {"result_id": result_id, "from": phone.user, "query": text}
        hidden: Json = {"bot": bot.username}
        # Telegram gives out an id to edit by only for messages with a keyboard.
        if "reply_markup" in messages[result_id]:
            hidden["inline_message_id"] = chosen["inline_message_id"] = secrets.token_urlsafe(20)
        message = {"from": phone.user, "via_bot": bot.user(), **messages[result_id]}
        kept = self.world.keep(phone, chat, message, hidden)
        if peer_bot is not None:
            chat.started = True
            self.world.post(peer_bot, "message", kept.message, phone)
        else:
            other = self.world.phones[to]
            self.world.keep(other, self.world.chat(other, phone.id), message, dict(hidden))
        self.world.post(bot, "chosen_inline_result", chosen, phone)
        return kept.message


def phone_added(world: World, body: Json) -> Phone:
    """A new person with a phone; raises PhoneError when the description makes no sense or the id is taken."""
    known = {"id", "title", "first_name", "username", "language_code", "stars"}
    if set(body) - known or not {"id", "title", "first_name"} <= set(body):
        raise PhoneError(400, "A phone needs id, title and first_name, and may have username, language_code and stars.")
    if not isinstance(body["id"], str) or not body["id"].replace("-", "").replace("_", "").isalnum() or not body["id"].isascii():
        raise PhoneError(400, "A phone's id is made of letters, digits, - and _.")
    if body["id"] in world.phones or body["id"] in world.bots:
        raise PhoneError(409, f"The id {body['id']!r} is taken.")
    check_person(body)
    return world.add_phone(PhoneSpec(**body))


def check_person(body: Json) -> None:
    for name, value in body.items():
        if name == "stars":
            if type(value) is not int or value < 0:
                raise PhoneError(400, "Stars are a whole number, not negative.")
        elif not isinstance(value, str) or not value:
            raise PhoneError(400, f"{name} must be a text.")


def phone_changed(world: World, phone: Phone, body: Json) -> None:
    """Changes language, Stars or name of a person; raises PhoneError."""
    if set(body) - {"language_code", "stars", "first_name"}:
        raise PhoneError(400, "Only language_code, stars and first_name can be changed.")
    check_person(body)
    if "stars" in body:
        phone.stars = body["stars"]
    # A new object, because updates under way show the person as they were.
    phone.user = {**phone.user, **{name: body[name] for name in ("language_code", "first_name") if name in body}}
    world.tell_phone(phone)
