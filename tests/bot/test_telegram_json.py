"""A rich message that somebody forwards costs the shop nothing, however its texts stand in one another."""

from __future__ import annotations

import json
from typing import Any

from aiogram.types import Message, Update
from hypothesis import given
from hypothesis import strategies as st

from bot import telegram_json
from bot.running import make_bot

JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda it: st.lists(it) | st.dictionaries(st.text(), it))


def forwarded(levels: int) -> dict[str, Any]:
    """An update with a rich message, which a person may bring from any chat."""
    text: Any = "x"
    for _ in range(levels):
        text = {"type": "bold", "text": text}
    rich = {"blocks": [{"type": "paragraph", "text": text}]}
    chat = {"id": 5, "type": "private", "first_name": "Ann"}
    message = {"message_id": 7, "date": 1, "chat": chat, "rich_message": rich}
    return {"update_id": 1, "message": {**message, "reply_to_message": dict(message)}}


def test_texts_within_texts_are_not_read_at_all() -> None:
    # Sixteen are allowed; reading six takes aiogram minutes, each more twenty times as long.
    update = Update.model_validate(telegram_json.loads(json.dumps(forwarded(16))))
    assert update.message is not None and update.message.rich_message is None
    assert update.message.reply_to_message is not None and update.message.chat.first_name == "Ann"
    raw = forwarded(16)
    telegram_json.forget_rich(raw)
    assert isinstance(Update.model_validate(raw).message, Message)


def test_the_shops_bot_reads_so() -> None:
    assert make_bot("7000000001:AAnobody", "http://127.0.0.1:1").session.json_loads is telegram_json.loads


@given(JSON)
def test_everything_else_is_read_as_it_stands(found: Any) -> None:
    def holds(one: Any) -> bool:
        if isinstance(one, dict):
            return "rich_message" in one or any(map(holds, one.values()))
        return isinstance(one, list) and any(map(holds, one))

    read = telegram_json.loads(json.dumps(found))
    assert holds(found) or read == found
    assert not holds(read)
