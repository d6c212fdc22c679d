"""What Telegram would say to a message: the sandbox's own checks, asked directly."""

from __future__ import annotations

from aiogram.types import InlineKeyboardMarkup

from sandbox import limits
from sandbox.entities import read_html, units
from sandbox.keyboards import inline_keyboard


def visible(text: str, most: int = limits.TEXT) -> str:
    """The text without its tags; fails when Telegram would refuse it."""
    seen, entities = read_html(text)
    assert seen.strip(), "an empty message"
    assert units(seen) <= most, f"{units(seen)} units"
    assert len(entities) <= limits.ENTITIES
    return seen


def checked(keyboard: InlineKeyboardMarkup | None, longest_label: int = 64) -> list[str]:
    """The labels; fails when Telegram would refuse the keyboard, or a label is too long to be read."""
    inline_keyboard(keyboard)
    labels = [button.text for row in keyboard.inline_keyboard for button in row] if keyboard else []
    for label in labels:
        assert len(label) <= longest_label, label
    return labels
