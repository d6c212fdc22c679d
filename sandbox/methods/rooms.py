"""Methods about groups and channels: invite links, and showing somebody out."""

import time

from aiogram.methods import BanChatMember, CreateChatInviteLink, RevokeChatInviteLink, UnbanChatMember

from sandbox.calls import Line, answers
from sandbox.errors import bad_request, not_modelled
from sandbox.rooms import known_room, link_shown, moved, new_link
from sandbox.store import Json
from sandbox.validation import given

MEMBER_LIMIT = 99_999
NAME = 32


def _seconds(moment: object) -> int | None:
    """A date as the Bot API takes it over HTTP: seconds."""
    value = given(moment)
    if value is None:
        return None
    return int(value.timestamp()) if hasattr(value, "timestamp") else int(value)


@answers(CreateChatInviteLink)
async def create_chat_invite_link(line: Line, call: CreateChatInviteLink) -> Json:
    room = known_room(line.world, line.bot, call.chat_id, "can_invite_users")
    if call.creates_join_request:
        raise not_modelled("join requests")
    if len(call.name or "") > NAME:
        raise bad_request("INVITE_LINK_NAME_TOO_LONG")
    if call.member_limit is not None and not 0 <= call.member_limit <= MEMBER_LIMIT:
        raise bad_request("USAGE_LIMIT_INVALID")
    expires = _seconds(call.expire_date)
    if expires and expires <= time.time():
        raise bad_request("EXPIRE_DATE_INVALID")
    return new_link(line.world, room, line.bot, name=call.name, expire_date=expires, member_limit=call.member_limit)


@answers(RevokeChatInviteLink)
async def revoke_chat_invite_link(line: Line, call: RevokeChatInviteLink) -> Json:
    room = known_room(line.world, line.bot, call.chat_id, "can_invite_users")
    link = room.links.get(call.invite_link)
    if link is None or link["bot"] != line.bot.username:
        raise bad_request("INVITE_HASH_EXPIRED")
    link["is_revoked"] = True
    line.world.store.put("room", str(room.id), room)
    return link_shown(link)


@answers(BanChatMember)
async def ban_chat_member(line: Line, call: BanChatMember) -> bool:
    room = known_room(line.world, line.bot, call.chat_id, "can_restrict_members")
    phone = line.world.phone_of_user(call.user_id)
    if phone is None:
        raise bad_request("PARTICIPANT_ID_INVALID")
    if room.status(call.user_id) == "creator":
        raise bad_request("can't remove chat owner")
    if room.status(call.user_id) != "kicked":
        moved(line.world, room, phone.user, line.bot.user(), "kicked")
    return True


@answers(UnbanChatMember)
async def unban_chat_member(line: Line, call: UnbanChatMember) -> bool:
    room = known_room(line.world, line.bot, call.chat_id, "can_restrict_members")
    phone = line.world.phone_of_user(call.user_id)
    if phone is None:
        raise bad_request("PARTICIPANT_ID_INVALID")
    status = room.status(call.user_id)
    if status == "creator":
        raise bad_request("can't remove chat owner")
    # Without only_if_banned a member is put out by this, as at Telegram.
    if status == "kicked" or (status == "member" and not given(call.only_if_banned)):
        moved(line.world, room, phone.user, line.bot.user(), "left")
    return True
