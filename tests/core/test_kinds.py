"""Every kind of product that lies in the folder keeps the promises of the interface; what buyers type is cleaned or refused."""

from __future__ import annotations

import pkgutil
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import aftersale, api, fulfilment
from core.catalog import ProductKind
from core.database import Shop
from core.errors import Refusal
from core.fulfilment import PATTERNS, Field, FieldWrong, all_kinds, kind
from core.fulfilment import kinds as folder
from core.storefronts import Storefront
from tests.programs import key_for, reseller
from tests.stage import Goods

# The machine of a test run may be busy; how long an example takes says nothing here.
PATIENT = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

SHARED = {"licensed": True}
GOOD: dict[str, dict[str, Any]] = {
    "code": {"countries": {"never": ["cn"]}},
    "topup": {
        "fields": [
            {"name": "account", "title": "Number", "pattern": "phone-cn"},
            {"name": "region", "title": "Region", "choices": ["CN", "HK"]},
        ],
        "validate": True,
        "promise_hours": 6,
    },
    "licence": {"seats": 3, "licensed": True, "licence": "One person each."},
    "account": {"reclaim_days": 30},
    "membership": {"chat_id": -1001234567890, "chat_title": "The club", "days": 30},
    "file": {"file_id": "BQACAgI", "file_name": "book.pdf", "watermark": True, "size": 100},
    "service": {"brief": "Size and colours?", "accept_days": 3},
}
KINDS = sorted(all_kinds())


def good(name: str) -> dict[str, Any]:
    """Terms on which this kind can be sold: an example, or, of a kind without one here, what it says itself."""
    one = kind(name)
    return GOOD.get(name) or {each.name: each.default for each in one.numbers} | {each.name: "Some text." for each in one.texts}


def test_every_kind_that_is_called_by_name_has_its_file_and_every_file_its_kind() -> None:
    assert {str(name) for name in ProductKind} <= set(KINDS)
    assert set(KINDS) == {module.name for module in pkgutil.iter_modules(folder.__path__)}


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_keeps_its_terms_says_its_words_and_knows_who_makes_it(name: str) -> None:
    one = kind(name)
    kept = one.check_terms(good(name))

    assert one.name == name
    assert one.check_terms(kept) == kept
    assert one.check_terms({}) == {}
    assert timedelta(hours=1) <= one.promise(kept) <= timedelta(days=180)
    assert one.asks(kept) or one.from_shelf
    one.ready(kept)
    assert one.against is None or (aftersale.Reason(one.against) and one.warranty(kept) is not None), "a reason comes with a promise"
    for sentence, facts in one.words(kept) + one.words({}):
        assert sentence.format(**facts)
    assert one.lane(kept, 7, True, 3) == "upstream:3"
    assert one.lane(kept, 7, False, None) == ("bot" if one.by_bot else "supplier:7")
    assert one.lane(kept, 7, True, None) == ("bot" if one.by_bot else "staff")
    answered = one.clean(kept, {asked.name: asked.example for asked in one.fields(kept)})
    assert set(answered) == {asked.name for asked in one.fields(kept)}
    assert one.clean(kept, answered) == answered
    assert all(unit.card_no or unit.card_pwd for unit in one.units(kept, None, "KEY"))


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.text(max_size=10),
    st.lists(st.text(max_size=3) | st.fixed_dictionaries({"name": st.text(max_size=5), "title": st.text(max_size=5)}), max_size=3),
    st.dictionaries(st.sampled_from(["only", "never"]), st.lists(st.text(max_size=3), max_size=3)),
)
TERMS = st.sampled_from(
    ["fields", "countries", "seats", "days", "promise_hours", "reclaim_days", "chat_id", "licence", "validate", "for", "x"]
)


@PATIENT
@given(name=st.sampled_from(KINDS), terms=st.dictionaries(TERMS, VALUES, max_size=4))
def test_whatever_terms_are_they_are_kept_or_refused_in_a_sentence(name: str, terms: dict[str, Any]) -> None:
    one = kind(name)
    try:
        kept = one.check_terms(terms)
    except Refusal:
        return  # Anything else would have failed.
    assert one.check_terms(kept) == kept
    one.asks(kept), one.promise(kept), one.words(kept)
    assert (one.warranty(kept) or timedelta(hours=1)) >= timedelta(hours=1)


@PATIENT
@given(
    pattern=st.sampled_from(sorted(PATTERNS)),
    typed=st.text(max_size=400) | st.from_regex(r"[+0-9 ()\-]{5,30}", fullmatch=True) | st.from_regex(r"[\w.]+@[\w.]+", fullmatch=True),
)
def test_what_is_typed_becomes_one_plain_line_or_is_refused_with_an_example(pattern: str, typed: str) -> None:
    asked = Field("account", "Account", {}, pattern)
    try:
        cleaned: str | None = asked.clean(typed)
    except FieldWrong as wrong:
        refusal = wrong
        cleaned = None
    if cleaned is None:
        assert (refusal.field, refusal.example, refusal.name) == ("Account", PATTERNS[pattern].example, "account")
        return
    assert cleaned and len(cleaned) <= 1200 and "\n" not in cleaned and cleaned.isprintable()
    assert asked.clean(cleaned) == cleaned


@pytest.mark.parametrize(
    ("pattern", "typed", "cleaned"),
    [
        ("phone-cn", "＋86 138-1234-5678", "13812345678"),
        ("phone-cn", "008613812345678", "13812345678"),
        ("phone", "+7 (912) 345-67-89", "+79123456789"),
        ("digits", "１０００ 23456", "100023456"),
        ("email", " Name@Example.COM ", "Name@example.com"),
        ("uid", "player\u200b_2024", "player_2024"),
        ("free", "a\n b\tc", "a b c"),
    ],
)
def test_people_type_as_they_please(pattern: str, typed: str, cleaned: str) -> None:
    assert Field("x", "X", {}, pattern).clean(typed) == cleaned


@pytest.mark.parametrize(
    ("pattern", "typed"), [("phone-cn", "12812345678"), ("email", "a@b"), ("digits", "12"), ("uid", "a b"), ("free", " ")]
)
def test_what_cannot_be_is_refused(pattern: str, typed: str) -> None:
    with pytest.raises(FieldWrong):
        Field("x", "X", {}, pattern).clean(typed)


def test_a_key_for_five_seats_becomes_five_units_and_its_first_seat_is_the_same_however_many_there_are() -> None:
    from core.inventory import Secret

    five, three = kind("licence").units(SHARED, "KEY-1", "5"), kind("licence").units(SHARED, "KEY-1", "3")
    told = [Secret.noted(unit.card_no, unit.card_pwd, unit.notes) for unit in five]

    assert [secret.notes for secret in told] == [["1/5"], ["2/5"], ["3/5"], ["4/5"], ["5/5"]]
    assert len({secret.joined() for secret in told}) == 5
    assert Secret.noted(three[0].card_no, three[0].card_pwd, three[0].notes).joined() == told[0].joined()
    assert len(kind("licence").units({**SHARED, "seats": 2}, None, "KEY-2")) == 2
    with pytest.raises(fulfilment.TermNotNumber):
        kind("licence").units({}, "KEY-3", "0")
    assert len(kind("licence").units({}, "KEY-4", "1")) == 1, "one person's key needs no right to share it"
    with pytest.raises(fulfilment.NotLicensed):
        kind("licence").units({}, "KEY-4", "2")


def test_an_account_with_other_attributes_is_the_same_account() -> None:
    from core.inventory import Secret

    (first,) = kind("account").units({}, "login", "pass", [("region", "US"), ("level", "30")])
    (second,) = kind("account").units({}, "login", "pass", [("region", "TR")])
    one, other = (Secret.noted(unit.card_no, unit.card_pwd, unit.notes) for unit in (first, second))

    assert one.joined() == other.joined() == "loginpass"
    assert one.notes == ["region: US", "level: 30"] and one.bare() == Secret("login", "pass")
    assert Secret.unpacked(one.packed()) == one


@pytest.mark.parametrize(("answer", "shown"), [("13812345678", "138****5678"), ("name@example.com", "na****@example.com"), ("CN", "CN")])
def test_an_account_is_shown_so_that_only_its_owner_knows_it(answer: str, shown: str) -> None:
    assert fulfilment.masked(answer) == shown


def test_country_rules_are_yes_no_or_ask() -> None:
    only, never = {"countries": {"only": ["CN"]}}, {"countries": {"never": ["CN"]}}
    assert [fulfilment.sold_in(only, where) for where in ("CN", "US", None)] == [True, False, None]
    assert [fulfilment.sold_in(never, where) for where in ("CN", "US", None)] == [False, True, None]
    assert fulfilment.sold_in({}, None) is True


async def test_programs_are_offered_what_can_be_given_to_them_and_nothing_that_is_made_or_agreed_in_a_chat(
    shop: Shop, storefront: Storefront, goods: Goods
) -> None:
    key = await key_for(shop, await reseller(shop, storefront))
    told: dict[str, str | None] = {}
    for name in GOOD:
        await shop.write(fulfilment.set_kind, goods.product_id, kind_name=name, terms=good(name), by="test")
        page = await shop.read(api.items, key_id=key.key.id)
        told[name] = page.items[0].kind if page.items else None
        try:
            await shop.read(api.item, key_id=key.key.id, sku_id=goods.sku_id)
            assert told[name] is not None
        except api.NoSuchItem:
            assert told[name] is None

    shelf = dict.fromkeys(("code", "licence", "account"), "code")
    assert told == {**shelf, "topup": "topup", "membership": None, "file": None, "service": None}
