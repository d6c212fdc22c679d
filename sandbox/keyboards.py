"""Keyboards under and below messages: what Telegram checks about their buttons."""

import re

from aiogram.types import (
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)

from sandbox import limits
from sandbox.errors import bad_request, not_modelled
from sandbox.store import Json
from sandbox.validation import plain

Markup = InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove | ForceReply

ACTIONS = (
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
    "disabled",
)
STYLES = {None, "primary", "success", "danger"}
ADDRESS = re.compile(r"(https?://|tg://|ton://)\S+", re.IGNORECASE)
REQUESTS = {"text", "icon_custom_emoji_id", "style", "web_app"}


def inline_keyboard(markup: InlineKeyboardMarkup | None, *, pays: bool = False) -> Json | None:
    """The checked inline keyboard as JSON, None when there is none or it is empty; `pays`: it stands under an invoice."""
    if markup is None:
        return None
    rows = [row for row in markup.inline_keyboard if row]
    check_size(rows)
    for place, button in enumerate(button for row in rows for button in row):
        check_inline(button, first_under_invoice=pays and place == 0)
    if pays and rows and not rows[0][0].pay:
        raise bad_request("the first button of an invoice's keyboard must be a Pay button")
    return {**plain(markup), "inline_keyboard": [[plain(button) for button in row] for row in rows]} if rows else None


def check_size(rows: list[list[InlineKeyboardButton]] | list[list[KeyboardButton]]) -> None:
    if any(len(row) > limits.BUTTONS_IN_A_ROW for row in rows):
        raise bad_request(f"REPLY_MARKUP_TOO_LONG: more than {limits.BUTTONS_IN_A_ROW} buttons in a row")
    if sum(len(row) for row in rows) > limits.BUTTONS:
        raise bad_request(f"REPLY_MARKUP_TOO_LONG: more than {limits.BUTTONS} buttons")


def check_look(button: InlineKeyboardButton | KeyboardButton) -> None:
    if not button.text.strip():
        raise bad_request('can\'t parse keyboard button: field "text" must be non-empty')
    if button.style not in STYLES:
        raise bad_request(f"BUTTON_STYLE_INVALID: {button.style!r} is none of primary, success, danger")


def check_inline(button: InlineKeyboardButton, *, first_under_invoice: bool) -> None:
    check_look(button)
    actions = [name for name in ACTIONS if getattr(button, name) is not None]
    if not actions:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise bad_request(f"can't parse inline keyboard button: exactly one action is allowed, not {' and '.join(actions)}")
    if button.callback_data is not None and not 1 <= len(button.callback_data.encode()) <= limits.CALLBACK_DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    if button.copy_text is not None and not 1 <= len(button.copy_text.text) <= limits.COPY_TEXT:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
    if button.pay is not None and not (button.pay and first_under_invoice):
        raise bad_request("BUTTON_TYPE_INVALID: a Pay button is the first button of an invoice")
    if button.url is not None and not ADDRESS.fullmatch(button.url):
        raise bad_request(f"inline keyboard button URL '{button.url}' is invalid: Wrong HTTP URL")
    if button.web_app is not None and not re.fullmatch(r"https?://\S+", button.web_app.url):
        raise bad_request(f"inline keyboard button Web App URL '{button.web_app.url}' is invalid: Wrong HTTP URL")
    for action in ("login_url", "callback_game"):
        if action in actions:
            raise not_modelled(f"{action} buttons")


def reply_keyboard(markup: ReplyKeyboardMarkup) -> Json:
    """The checked keyboard below a chat as JSON."""
    check_size(markup.keyboard)
    for button in (button for row in markup.keyboard for button in row):
        check_look(button)
        other = button.model_fields_set - REQUESTS
        if any(getattr(button, name) is not None for name in other):
            raise not_modelled(f"{', '.join(sorted(other))} in a reply keyboard")
    placeholder = markup.input_field_placeholder
    if placeholder is not None and not 1 <= len(placeholder) <= limits.INPUT_FIELD_PLACEHOLDER:
        raise bad_request("input field placeholder must be between 1 and 64 characters")
    return plain(markup)
