"""The buttons of joining fit Telegram's 64 bytes and come back as they were; whatever is pressed or typed in the walk is answered."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any

import pytest
from aiogram.filters.callback_data import CallbackData
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.dispatcher import make_dispatcher
from core import onboarding
from core.database import Shop
from core.onboarding import ApplicationState, Field, Kind, PaperField, PaperKind
from core.storefronts import Storefront
from handlers import callbacks
from handlers.admin.application_card import Review
from handlers.callbacks import LARGEST_ID, LARGEST_SHORT
from handlers.supply import buttons
from handlers.supply.words import country_code
from tests.core.joining import applies, fills_in
from tests.handlers.recorder import Person, breakages, recording_bot
from tests.stage import person

CLASSES = [
    found for _, found in inspect.getmembers(buttons, inspect.isclass) if issubclass(found, CallbackData) and found is not CallbackData
]
IDS = st.integers(0, LARGEST_ID) | st.just(LARGEST_ID) | st.integers(0, 3)
WORDS: dict[tuple[type[CallbackData], str], st.SearchStrategy[Any]] = {
    (buttons.Begin, "kind"): st.sampled_from(Kind),
    (buttons.Answer, "field"): st.sampled_from(Field),
    (buttons.Choose, "field"): st.sampled_from(Field),
    (buttons.Choose, "value"): st.sampled_from([*Kind, "company", "person", "x"]),
    (buttons.PaperIs, "kind"): st.sampled_from(PaperKind),
    (buttons.AskPaper, "field"): st.sampled_from(PaperField),
    (buttons.NothingToSay, "field"): st.sampled_from(PaperField),
    (buttons.AnotherIs, "kind"): st.sampled_from(PaperKind),
    (buttons.AnotherNothing, "field"): st.sampled_from(PaperField),
}
NAMED: dict[str, st.SearchStrategy[Any]] = {
    "version": st.integers(0, LARGEST_SHORT) | st.integers(0, 2),
    "fresh": st.booleans(),
    "sure": st.just(value=False),  # what is withdrawn is gone, and the rest is to be pressed too
}


def drawn(kind: type[CallbackData]) -> st.SearchStrategy[CallbackData]:
    return st.builds(kind, **{name: WORDS.get((kind, name), NAMED.get(name, IDS)) for name in kind.model_fields})


@pytest.mark.parametrize("kind", CLASSES)
@given(data=st.data())
def test_a_button_fits_and_comes_back_as_it_was(kind: type[CallbackData], data: st.DataObject) -> None:
    made = data.draw(drawn(kind))

    packed = made.pack()

    assert len(packed.encode()) <= 64 and kind.unpack(packed) == made


@given(act=st.sampled_from(["yes", "settle"]), id=IDS, version=NAMED["version"], arg=st.sampled_from(["authorised", "fail-certificate"]))
def test_a_cards_button_fits_and_comes_back_as_it_was(act: str, id: int, version: int, arg: str) -> None:
    made = Review(act=act, id=id, version=version, arg=arg)

    assert len(made.pack().encode()) <= 64 and Review.unpack(made.pack()) == made


@pytest.mark.parametrize("kind", [*CLASSES, Review])
@given(rest=st.text(max_size=60))
def test_nothing_else_is_taken_for_a_button(kind: type[CallbackData], rest: str) -> None:
    with contextlib.suppress(ValueError, TypeError):
        taken = kind.unpack(f"{kind.__prefix__}:{rest}")
        assert kind.unpack(taken.pack()) == taken


def test_no_two_buttons_begin_alike() -> None:
    others = [getattr(found, "__prefix__", "") for _, found in inspect.getmembers(callbacks, inspect.isclass)]
    ours: list[type[CallbackData]] = [*CLASSES, Review]
    prefixes = [kind.__prefix__ for kind in ours]
    assert len(set(prefixes)) == len(prefixes) and not set(prefixes) & set(others)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
async def test_whatever_is_pressed_and_typed_is_answered_and_sends_nothing_of_anothers(
    shop: Shop, storefront: Storefront, data: st.DataObject
) -> None:
    bot, said = recording_bot()
    dispatcher = make_dispatcher(shop, storefront, {})
    broken = breakages(dispatcher)
    known = await shop.read(onboarding.application, 1)
    if known is None:
        await applies(shop, await person(shop, storefront, 70))
        await fills_in(shop, await person(shop, storefront, 88))
    bob = Person(dispatcher, bot, 88)
    for kind in CLASSES:
        await bob.presses(data.draw(drawn(kind)).pack())
        assert said.taken(), kind
        await bob.says(data.draw(st.text(min_size=1, max_size=50)))
        said.taken()
        if broken:
            raise broken[0]
    theirs = await shop.read(onboarding.application, 1)
    assert theirs is not None and (theirs.state, theirs.version, len(theirs.papers)) == (ApplicationState.SENT, 1, 2)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("de", "DE"),
        ("Germany", "DE"),
        ("中国", "CN"),
        ("Россия", "RU"),
        ("UK", "GB"),
        ("usa", "US"),
        ("德國", "DE"),
        ("香港", "HK"),
        ("Hong Kong", "HK"),
        ("Atlantis", "Atlantis"),
    ],
)
def test_countries_are_known_by_their_names_in_every_language(said: str, code: str) -> None:
    assert country_code(said) == code


@given(st.text(max_size=60))
def test_whatever_is_typed_as_a_country_is_one_or_is_refused_later(said: str) -> None:
    code = country_code(said)
    assert code.isascii() or code == code.strip()
