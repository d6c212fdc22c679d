"""Rich messages: what Telegram takes is kept as it came and read as a person reads it; the rest is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import limits
from sandbox.phone import Phone
from sandbox.validation import MOST_FORMS
from tests.sandbox.conftest import Call, Json, Refused


def cell(text: Any, align: str = "left", **more: Any) -> Json:
    return {"text": text, "align": align, "valign": "top", **more}


TABLE: Json = {
    "type": "table",
    "is_striped": True,
    "cells": [[cell("Item", is_header=True), cell("Price", "right", is_header=True)], [cell("Steam 50"), cell("¥95.00", "right")]],
}
HEADING: Json = {"type": "paragraph", "text": ["🏷 ", {"type": "bold", "text": "Prices"}, {"type": "code", "text": "/buy 1"}]}


async def test_a_table_comes_as_it_was_sent_and_is_read_line_by_line(call: Call, buyer: Phone, met: int) -> None:
    keys = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    sent = await call("sendRichMessage", chat_id=met, rich_message={"blocks": [HEADING, TABLE]}, reply_markup=keys)
    assert sent["rich_message"]["blocks"] == [HEADING, TABLE] and "text" not in sent, "the bot gets what Telegram gives"
    read = await buyer.last()
    assert read["text"] == "🏷 Prices/buy 1\nItem Price\nSteam 50 ¥95.00"
    await buyer.presses((read, "Go"), wait_seconds=0)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({}, "exactly one of html, markdown and blocks"),
        ({"html": "<p>x</p>", "blocks": [HEADING]}, "exactly one of html, markdown and blocks"),
        ({"html": "<p>x</p>"}, "not modelled|does not"),
        ({"blocks": []}, "empty"),
        ({"blocks": [{"type": "paragraph", "text": ""}]}, "empty"),
        ({"blocks": [{"type": "divider"}, {"type": "nothing"}]}, "nothing"),
        ({"blocks": [{"type": "pre", "text": "x"}]}, "pre"),
        ({"blocks": [{"type": "paragraph", "text": {"type": "url", "text": "x", "url": "https://example.com"}}]}, "url"),
        ({"blocks": [{"type": "table", "cells": [[cell("x")] * (limits.RICH_COLUMNS + 1)]}]}, "WIDE"),
        ({"blocks": [{"type": "table", "cells": [[cell("x", colspan=limits.RICH_COLUMNS)], [cell("x")] * 3]}] * 170}, "BLOCKS"),
        ({"blocks": [{"type": "paragraph", "text": "x" * (limits.RICH_TEXT + 1)}]}, "too long"),
        ({"blocks": [{"type": "paragraph", "text": "x", "colour": "red"}]}, "colour"),
    ],
)
async def test_what_telegram_does_not_take_is_refused(call: Call, met: int, asked: Json, why: str) -> None:
    with pytest.raises(Refused, match=why):
        await call("sendRichMessage", chat_id=met, rich_message=asked)


async def test_forms_within_forms_go_only_so_deep(call: Call, met: int) -> None:
    def deep(levels: int) -> Json:
        text: Any = "x"
        for _ in range(levels):
            text = [{"type": "bold", "text": text}]
        return {"blocks": [{"type": "paragraph", "text": text}, {"type": "table", "cells": [[cell(text)]]}]}

    await call("sendRichMessage", chat_id=met, rich_message=deep(2))
    for levels in (MOST_FORMS + 1, 16, 200):
        with pytest.raises(Refused, match="forms in one another"):
            await call("sendRichMessage", chat_id=met, rich_message=deep(levels))
