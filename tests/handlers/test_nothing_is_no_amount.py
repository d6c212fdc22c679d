"""Who gets nothing back into the balance is not told of an amount of nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from handlers.notes_on_the_way import less_came, not_coming
from locales import Speech


@pytest.mark.parametrize(("body", "said"), [({"kept_minor": 500}, "back from where you paid"), ({}, "You paid nothing for it.")])
@pytest.mark.parametrize("says", [less_came, not_coming])
def test_no_amount_of_nothing_is_told(says: Any, body: dict[str, int], said: str) -> None:
    body = {"order": 7, "missing": 2, "amount_minor": 0, **body}
    speech = Speech("en", timezone="UTC")
    told, _ = says(SimpleNamespace(body=body, speech=speech, number="A-7", price=lambda: speech.price(0, "CNY")))
    assert said in str(told) and "A-7" in str(told) and "0.00" not in str(told)


def test_an_amount_is_told_with_what_came_back_elsewhere() -> None:
    speech = Speech("en", timezone="UTC")
    body = {"order": 7, "missing": 1, "amount_minor": 500, "kept_minor": 100}
    note: Any = SimpleNamespace(body=body, speech=speech, number="A-7", price=lambda: speech.price(500, "CNY"))
    told, _ = less_came(note)
    assert "5.00" in str(told) and "The rest you have back" in str(told)
