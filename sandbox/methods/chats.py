"""Methods about a chat, its members and files."""

from aiogram.methods import (
    GetChat,
    GetChatMember,
    GetFile,
    GetUserProfilePhotos,
    PinChatMessage,
    SetMessageReaction,
    UnpinChatMessage,
)
from aiogram.types import ReactionTypeEmoji

from sandbox import limits
from sandbox.calls import Line, answers
from sandbox.errors import bad_request, not_modelled
from sandbox.methods.composing import own_message, without_reply
from sandbox.rooms import Room, bot_shown, known_room, member_shown
from sandbox.state import Chat, Phone
from sandbox.store import Json


def known(line: Line, chat_id: int | str) -> tuple[Phone, Chat]:
    """The person and the chat, when the bot has met the person; raises ApiError."""
    phone = line.world.phone_of_user(chat_id) if isinstance(chat_id, int) else None
    if phone is None or not line.world.chat(phone, line.bot.username).started:
        raise bad_request("chat not found")
    return phone, line.world.chat(phone, line.bot.username)


def room_shown(room: Room) -> Json:
    """A group or channel as getChat gives it."""
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    return {**room.chat(), "accent_color_id": 1, "max_reaction_count": 11, "accepted_gift_types": dict.fromkeys(gifts, False)}


def member_of_room(line: Line, chat_id: int, user_id: int) -> Json:
    """Somebody's place in a group or channel; raises ApiError."""
    room = known_room(line.world, line.bot, chat_id)
    if user_id == line.bot.id:
        return bot_shown(room, line.bot)
    phone = line.world.phone_of_user(user_id)
    if phone is None:
        raise bad_request("PARTICIPANT_ID_INVALID")
    return member_shown(phone.user, room.status(user_id))


@answers(GetChat)
async def get_chat(line: Line, call: GetChat) -> Json:
    if isinstance(call.chat_id, int) and call.chat_id in line.world.rooms:
        return room_shown(known_room(line.world, line.bot, call.chat_id))
    phone, chat = known(line, call.chat_id)
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    full: Json = {
        **phone.chat(),
        "accent_color_id": phone.user_id % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }
    if chat.pinned:
        full["pinned_message"] = without_reply(chat.messages[chat.pinned[-1]].message)
    return full


@answers(GetChatMember)
async def get_chat_member(line: Line, call: GetChatMember) -> Json:
    if isinstance(call.chat_id, int) and call.chat_id in line.world.rooms:
        return member_of_room(line, call.chat_id, call.user_id)
    phone, chat = known(line, call.chat_id)
    if call.user_id == line.bot.id:
        if chat.blocked:
            return {"status": "kicked", "user": line.bot.user(), "until_date": 0}
        return {"status": "member", "user": line.bot.user()}
    if call.user_id == phone.user_id:
        return {"status": "member", "user": phone.user}
    raise bad_request("member not found")


@answers(PinChatMessage)
async def pin_chat_message(line: Line, call: PinChatMessage) -> bool:
    phone, chat, kept = own_message(line, call.chat_id, call.message_id, "message to pin not found")
    line.world.chat_open_to(line.bot, call.chat_id)
    if kept.id not in chat.pinned:
        chat.pinned.append(kept.id)
        line.world.keep(phone, chat, {"from": line.bot.user(), "pinned_message": without_reply(kept.message)})
    return True


@answers(UnpinChatMessage)
async def unpin_chat_message(line: Line, call: UnpinChatMessage) -> bool:
    _, chat = line.world.chat_open_to(line.bot, call.chat_id)
    message_id = call.message_id if call.message_id is not None else max(chat.pinned, default=0)
    if message_id not in chat.pinned:
        raise bad_request("message to unpin not found")
    chat.pinned.remove(message_id)
    line.world.keep_chat(chat)
    return True


@answers(SetMessageReaction)
async def set_message_reaction(line: Line, call: SetMessageReaction) -> bool:
    _, chat, kept = own_message(line, call.chat_id, call.message_id, "message to react not found")
    line.world.chat_open_to(line.bot, call.chat_id)
    reactions = call.reaction or []
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    for reaction in reactions:
        if not isinstance(reaction, ReactionTypeEmoji):
            raise not_modelled(f"reactions of type {reaction.type}")
    kept.hidden["reactions"] = [reaction.emoji for reaction in reactions if isinstance(reaction, ReactionTypeEmoji)]
    line.world.changed(chat, kept)
    return True


@answers(GetFile)
async def get_file(line: Line, call: GetFile) -> Json:
    file = line.world.files.of_bot(line.bot.username, call.file_id)
    if file is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if file.size > limits.DOWNLOAD_BYTES:
        raise bad_request("file is too big")
    return {"file_id": file.file_id, "file_unique_id": file.unique_id, "file_size": file.size, "file_path": file.path}


@answers(GetUserProfilePhotos)
async def get_user_profile_photos(line: Line, call: GetUserProfilePhotos) -> Json:
    if line.world.phone_of_user(call.user_id) is None:
        raise bad_request("user not found")
    return {"total_count": 0, "photos": []}
