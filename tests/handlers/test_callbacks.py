"""What the buttons carry fits Telegram's 64 bytes, comes back as it was, and nothing else is taken for it."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any

import pytest
from aiogram.filters.callback_data import CallbackData
from hypothesis import given
from hypothesis import strategies as st
from telegram.constants import InlineKeyboardButtonLimit

from handlers import callbacks
from handlers.callbacks import LARGEST_ID, LARGEST_QUANTITY, LARGEST_SHORT, Way, new_screen

CLASSES = [
    found for _, found in inspect.getmembers(callbacks, inspect.isclass) if issubclass(found, CallbackData) and found is not CallbackData
]
IDS = st.integers(0, LARGEST_ID) | st.just(LARGEST_ID)
SHORT = st.integers(0, LARGEST_SHORT) | st.just(LARGEST_SHORT)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "quantity": st.integers(0, LARGEST_QUANTITY) | st.just(LARGEST_QUANTITY),
    "rules": SHORT,
    "page": SHORT,
    "coupon": SHORT,
    "way": st.sampled_from(Way),
    "means": st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=3),
    "screen": st.builds(new_screen),
    "code": st.sampled_from(["en", "zh-hans", "zh-hant", "ru"]),
    "which": SHORT,
    "choice": SHORT,
    "arg": SHORT,
    **dict.fromkeys(("fresh", "direct", "wanted", "redraw", "sure", "afresh", "skip", "unchecked"), st.booleans()),
}


def drawn(kind: type[CallbackData]) -> st.SearchStrategy[CallbackData]:
    own = {(callbacks.Country, "code"): ["CN", "ZZ"], (callbacks.Job, "act"): list("laoO"), (callbacks.Step, "act"): list("aw")}
    own |= {(callbacks.Task, "act"): list("ltsdnN"), (callbacks.Quoting, "act"): list("lqn")}
    return st.builds(
        kind, **{name: st.sampled_from(own[kind, name]) if (kind, name) in own else VALUES.get(name, IDS) for name in kind.model_fields}
    )


def test_every_kind_of_button_is_here() -> None:
    assert callbacks.Buy in CLASSES and len(CLASSES) >= 20
    assert len({kind.__prefix__ for kind in CLASSES}) == len(CLASSES)


@pytest.mark.parametrize("kind", CLASSES)
@given(data=st.data())
def test_a_button_fits_with_the_largest_ids_and_comes_back_as_it_was(kind: type[CallbackData], data: st.DataObject) -> None:
    button = data.draw(drawn(kind))
    packed = button.pack()
    assert len(packed.encode()) <= InlineKeyboardButtonLimit.MAX_CALLBACK_DATA
    assert kind.unpack(packed) == button


def test_the_largest_purchases_fit() -> None:
    seen = {
        "sku": LARGEST_ID,
        "price": LARGEST_ID,
        "rules": LARGEST_SHORT,
        "page": LARGEST_SHORT,
        "quantity": LARGEST_QUANTITY,
        "screen": new_screen(),
        "coupon": LARGEST_SHORT,
    }
    largest = [
        callbacks.Buy.model_validate({**seen, "way": Way.SPREAD, "direct": True}),
        callbacks.BuyByStars.model_validate({**seen, "way": Way.SPREAD, "direct": True}),
        callbacks.PayBy.model_validate({**seen, "means": callbacks.means("epay-alipay")}),
    ]
    assert max(len(button.pack().encode()) for button in largest) <= 64


@pytest.mark.parametrize("kind", CLASSES)
@given(tail=st.text(max_size=60) | st.lists(st.text("0123456789abcxyz-_:٣９ \n", max_size=14), max_size=8).map(":".join))
def test_what_is_not_such_a_button_is_refused_and_never_breaks(kind: type[CallbackData], tail: str) -> None:
    # What aiogram's filter takes for "not mine" are exactly these two.
    with contextlib.suppress(ValueError, TypeError):
        taken = kind.unpack(f"{kind.__prefix__}:{tail}")
        for name in taken.model_fields_set & {"id", "sku", "price", "rules", "before", "worth"}:
            assert 0 <= getattr(taken, name) <= LARGEST_ID


def test_two_drawings_of_a_screen_have_two_names() -> None:
    assert len({new_screen() for _ in range(1000)}) == 1000
