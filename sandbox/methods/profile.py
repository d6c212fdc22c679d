"""Methods about the bot itself: its name, descriptions, commands and menu button."""

import re

from aiogram.methods import (
    Close,
    DeleteMyCommands,
    GetChatMenuButton,
    GetMe,
    GetMyCommands,
    GetMyDescription,
    GetMyName,
    GetMyShortDescription,
    LogOut,
    SetChatMenuButton,
    SetMyCommands,
    SetMyDescription,
    SetMyName,
    SetMyShortDescription,
)
from aiogram.types import BotCommandScopeChat, BotCommandScopeChatAdministrators, BotCommandScopeChatMember

from sandbox import limits
from sandbox.calls import Line, answers
from sandbox.errors import bad_request, not_modelled
from sandbox.state import Bot, Phone
from sandbox.store import Json
from sandbox.validation import plain


def language_of(code: str | None) -> str:
    """A checked two-letter language, or "" for all; raises ApiError."""
    if code and not re.fullmatch(r"[a-z]{2,3}", code):
        raise bad_request("LANG_CODE_INVALID: a two-letter ISO 639-1 code is expected")
    return code or ""


def scope_of(line: Line, scope: object) -> str:
    if isinstance(scope, BotCommandScopeChatMember | BotCommandScopeChatAdministrators):
        raise not_modelled("command scopes of groups")
    if isinstance(scope, BotCommandScopeChat):
        chat_id = scope.chat_id
        if not isinstance(chat_id, int) or (chat_id not in line.world.rooms and line.world.phone_of_user(chat_id) is None):
            raise bad_request("chat not found")
        return f"chat:{scope.chat_id}"
    return "default" if scope is None else str(getattr(scope, "type", "default"))


def commands_for(bot: Bot, phone: Phone) -> list[Json]:
    """The commands this person sees: the narrowest scope first, in each the person's language first."""
    language = str(phone.user.get("language_code", "")).split("-")[0]
    for scope in (f"chat:{phone.user_id}", "all_private_chats", "default"):
        for spoken in (language, ""):
            commands = bot.commands.get(scope, {}).get(spoken)
            if commands:
                return commands
    return []


def keep(line: Line) -> bool:
    line.world.store.put("bot", line.bot.username, line.bot)
    return True


@answers(GetMe)
async def get_me(line: Line, call: GetMe) -> Json:
    return {
        **line.bot.user(),
        "can_join_groups": False,
        "can_read_all_group_messages": False,
        "supports_inline_queries": True,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


@answers(LogOut)
async def log_out(line: Line, call: LogOut) -> bool:
    return True


@answers(Close)
async def close(line: Line, call: Close) -> bool:
    return True


@answers(SetMyCommands)
async def set_my_commands(line: Line, call: SetMyCommands) -> bool:
    if len(call.commands) > limits.COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in call.commands:
        if not re.fullmatch(rf"[a-z0-9_]{{1,{limits.COMMAND}}}", command.command.removeprefix("/")):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(command.description) <= limits.COMMAND_DESCRIPTION:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    scope, language = scope_of(line, call.scope), language_of(call.language_code)
    line.bot.commands.setdefault(scope, {})[language] = [
        {"command": command.command.removeprefix("/"), "description": command.description} for command in call.commands
    ]
    return tell_commands(line)


@answers(DeleteMyCommands)
async def delete_my_commands(line: Line, call: DeleteMyCommands) -> bool:
    line.bot.commands.get(scope_of(line, call.scope), {}).pop(language_of(call.language_code), None)
    return tell_commands(line)


@answers(GetMyCommands)
async def get_my_commands(line: Line, call: GetMyCommands) -> list[Json]:
    return line.bot.commands.get(scope_of(line, call.scope), {}).get(language_of(call.language_code), [])


def tell_commands(line: Line) -> bool:
    for phone in line.world.phones.values():
        line.world.events.tell(phone.id, "commands", bot=line.bot.username, commands=commands_for(line.bot, phone))
    return keep(line)


def set_in(line: Line, texts: dict[str, str], text: str | None, language: str, most: int) -> bool:
    if len(text or "") > most:
        raise bad_request(f"the text is too long: at most {most} characters are allowed")
    if text:
        texts[language] = text
    else:
        texts.pop(language, None)
    return keep(line)


def text_in(texts: dict[str, str], language_code: str | None, otherwise: str = "") -> str:
    return texts.get(language_of(language_code)) or texts.get("") or otherwise


@answers(SetMyName)
async def set_my_name(line: Line, call: SetMyName) -> bool:
    return set_in(line, line.bot.names, call.name, language_of(call.language_code), limits.BOT_NAME)


@answers(GetMyName)
async def get_my_name(line: Line, call: GetMyName) -> Json:
    return {"name": text_in(line.bot.names, call.language_code, line.bot.name)}


@answers(SetMyDescription)
async def set_my_description(line: Line, call: SetMyDescription) -> bool:
    texts = line.bot.descriptions
    return set_in(line, texts, call.description, language_of(call.language_code), limits.BOT_DESCRIPTION)


@answers(GetMyDescription)
async def get_my_description(line: Line, call: GetMyDescription) -> Json:
    return {"description": text_in(line.bot.descriptions, call.language_code)}


@answers(SetMyShortDescription)
async def set_my_short_description(line: Line, call: SetMyShortDescription) -> bool:
    texts = line.bot.short_descriptions
    return set_in(line, texts, call.short_description, language_of(call.language_code), limits.BOT_SHORT_DESCRIPTION)


@answers(GetMyShortDescription)
async def get_my_short_description(line: Line, call: GetMyShortDescription) -> Json:
    return {"short_description": text_in(line.bot.short_descriptions, call.language_code)}


@answers(SetChatMenuButton)
async def set_chat_menu_button(line: Line, call: SetChatMenuButton) -> bool:
    if call.chat_id is not None and line.world.phone_of_user(call.chat_id) is None:
        raise bad_request("chat not found")
    place = "" if call.chat_id is None else str(call.chat_id)
    line.bot.menu_buttons[place] = {"type": "default"} if call.menu_button is None else plain(call.menu_button)
    return keep(line)


@answers(GetChatMenuButton)
async def get_chat_menu_button(line: Line, call: GetChatMenuButton) -> Json:
    buttons = line.bot.menu_buttons
    place = "" if call.chat_id is None else str(call.chat_id)
    return buttons.get(place) or buttons.get("") or {"type": "commands" if line.bot.commands else "default"}
