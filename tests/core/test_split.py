"""How a sale is shared: the parts are always the sale, whatever the terms, and units taken back one by one are the line again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.money import decimal_text, exponent
from core.settlement import (
    Commission,
    FixedCost,
    Label,
    Parts,
    Sale,
    SpreadShare,
    Surcharge,
    TakeRate,
    Terms,
    TermsWrong,
    Tier,
    Window,
    commission_due,
    from_json,
    of_units,
    parts,
    to_json,
    window_of,
)

SHARES = st.integers(0, 5000)
SURCHARGES = st.builds(Surcharge, SHARES.map(lambda bp: bp // 2), SHARES.map(lambda bp: bp // 2))


@st.composite
def tiers(draw: Any) -> tuple[Tier, ...]:
    steps = sorted(draw(st.sets(st.integers(1, 10**9), max_size=4)))
    rates = sorted(draw(st.lists(SHARES, min_size=len(steps) + 1, max_size=len(steps) + 1)), reverse=True)
    return tuple(Tier(step, bp) for step, bp in zip([0, *steps], rates, strict=True))


TERMS: st.SearchStrategy[Terms] = st.one_of(
    st.builds(FixedCost, SURCHARGES),
    st.builds(SpreadShare, st.integers(0, 10_000), SURCHARGES),
    st.builds(TakeRate, SHARES, SURCHARGES),
    st.builds(
        Commission,
        tiers(),
        st.dictionaries(st.integers(1, 9), tiers(), max_size=3),
        st.booleans(),
        st.sampled_from(Window),
        st.dates(date(2020, 1, 1), date(2030, 1, 28)).filter(lambda day: day.day <= 28),
        st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Moscow"]),
        SURCHARGES,
    ),
)


@st.composite
def sales(draw: Any) -> Sale:
    """A line in any currency: yen, yuan and dinars are minor units alike; below cost, and with more or less of it given away."""
    units = draw(st.integers(1, 500))
    price = units * draw(st.integers(0, 10**7))
    return Sale(
        units=units,
        price_minor=price,
        cost_minor=units * draw(st.integers(0, 10**7)),
        discount_minor=draw(st.integers(0, price)),
        category_id=draw(st.none() | st.integers(1, 9)),
        exclusive=draw(st.booleans()),
        custom=draw(st.booleans()),
    )


@given(sales(), TERMS)
@settings(max_examples=100, deadline=None)
def test_the_parts_are_always_the_sale(sale: Sale, terms: Terms) -> None:
    made = parts(sale, terms)

    assert made.total_minor == sale.paid_minor
    assert made.supplier_minor >= 0
    assert made.shop[Label.SERVICE] >= 0 and made.shop[Label.COMMISSION] >= 0
    assert made.shop[Label.DISCOUNTS] == -sale.discount_minor
    undiscounted = parts(replace(sale, discount_minor=0), terms)
    assert undiscounted.supplier_minor == made.supplier_minor, "a discount is the shop's"


@given(sales(), TERMS)
@settings(max_examples=100, deadline=None)
def test_what_the_shop_takes_is_exact_but_for_half_a_minor_unit_of_each_part(sale: Sale, terms: Terms) -> None:
    made, spread = parts(sale, terms), sale.price_minor - sale.cost_minor
    extra = terms.surcharge.exclusive_bp * sale.exclusive + terms.surcharge.custom_bp * sale.custom
    exact = Fraction(sale.price_minor * extra, 10_000)
    match terms:
        case FixedCost():
            exact += spread
        case SpreadShare(supplier_bp=bp):
            exact += Fraction(spread * (10_000 - bp), 10_000) if spread > 0 else spread
        case TakeRate(bp=bp):
            exact += Fraction(sale.price_minor * bp, 10_000)
        case Commission():
            exact += Fraction(sale.price_minor * terms.rates(sale.category_id)[0].bp, 10_000)
    taken = made.shop[Label.SPREAD] + made.shop[Label.COMMISSION] + made.shop[Label.SERVICE]
    if made.supplier_minor:  # Else there was no more to take.
        assert abs(taken - exact) <= 1
        assert taken >= exact - 1


@given(sales(), TERMS, st.data())
@settings(max_examples=100, deadline=None)
def test_units_taken_back_one_after_the_other_are_the_line_again(sale: Sale, terms: Terms, data: st.DataObject) -> None:
    whole, before, supplier = parts(sale, terms), 0, 0
    shop = dict.fromkeys(Label, 0)
    while before < sale.units:
        count = data.draw(st.integers(1, sale.units - before))
        gone: Parts = of_units(whole, sale.units, before=before, count=count)
        assert 0 <= gone.supplier_minor <= whole.supplier_minor
        # Of what they were sold for nothing is left over, whatever was taken back before.
        assert gone.total_minor - gone.shop[Label.DISCOUNTS] == sale.price_minor // sale.units * count
        before, supplier = before + count, supplier + gone.supplier_minor
        shop = {label: shop[label] + gone.shop[label] for label in Label}

    assert (supplier, shop) == (whole.supplier_minor, dict(whole.shop))


@given(TERMS)
@settings(max_examples=100, deadline=None)
def test_terms_are_kept_as_they_are(terms: Terms) -> None:
    assert from_json(to_json(terms)) == terms


_NAMES = ["form", "bp", "supplier_bp", "tiers", "by_category", "marginal", "window", "resets_on", "timezone", "surcharge"]
_WORDS = st.sampled_from(["fixed", "spread", "take", "commission", "month", "UTC", "2024-01-01"])
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner | _WORDS, max_size=8),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(_NAMES), _ANYTHING | _WORDS, max_size=8))
@settings(max_examples=100, deadline=None)
def test_whatever_else_is_kept_is_refused_in_one_way(kept: Any) -> None:
    try:
        terms = from_json(kept)
    except TermsWrong:
        return
    assert from_json(to_json(terms)) == terms


@pytest.mark.parametrize(
    ("terms", "supplier", "spread", "commission"),
    [
        (FixedCost(), "85.00", "10.00", "0.00"),
        (SpreadShare(3000), "88.00", "7.00", "0.00"),
        (TakeRate(500), "90.25", "0.00", "4.75"),
        (Commission((Tier(0, 800), Tier(100_000, 500))), "87.40", "0.00", "7.60"),
    ],
)
def test_of_a_card_of_face_100_at_cost_85_and_retail_95(terms: Terms, supplier: str, spread: str, commission: str) -> None:
    made = parts(Sale(1, 9500, 8500), terms)

    said = [decimal_text(minor, "CNY") for minor in (made.supplier_minor, made.shop[Label.SPREAD], made.shop[Label.COMMISSION])]
    assert said == [supplier, spread, commission]


def test_half_a_minor_unit_is_the_shops() -> None:
    """Of a spread of 0.05 the supplier's 30 % are 0.015 and the shop's 70 % 0.035, which is rounded to 0.04."""
    made = parts(Sale(1, 9005, 9000), SpreadShare(3000))

    assert (made.supplier_minor, made.shop[Label.SPREAD]) == (9001, 4)


def test_yen_and_dinars_have_minor_units_of_their_own() -> None:
    yen, dinars = parts(Sale(3, 3 * 95, 3 * 85), SpreadShare(3000)), parts(Sale(3, 3 * 95_000, 3 * 85_000), SpreadShare(3000))

    assert exponent("JPY") == 0 and yen.supplier_minor == 264 and yen.shop[Label.SPREAD] == 21
    assert decimal_text(dinars.supplier_minor, "KWD") == "264.000" and decimal_text(dinars.shop[Label.SPREAD], "KWD") == "21.000"


def test_below_cost_the_shop_bears_the_loss() -> None:
    made = parts(Sale(2, 16_000, 17_000), SpreadShare(3000))

    assert made.supplier_minor == 17_000 and made.shop[Label.SPREAD] == -1000


@pytest.mark.parametrize(
    "terms",
    [
        SpreadShare(10_001),
        TakeRate(-1),
        TakeRate(9000, Surcharge(1001, 0)),
        Commission(()),
        Commission((Tier(1, 100),)),
        Commission((Tier(0, 100), Tier(5, 200))),
        Commission((Tier(0, 100), Tier(0, 50))),
        Commission((Tier(0, 100),), resets_on=date(2024, 1, 31)),
        Commission((Tier(0, 100),), timezone="Mars/Olympus"),
    ],
)
def test_terms_that_cannot_be_are_refused(terms: Terms) -> None:
    with pytest.raises(TermsWrong):
        from_json(to_json(terms))


def test_descending_tiers_by_the_margin_and_by_the_whole_volume() -> None:
    steps = (Tier(0, 800), Tier(1_000_000, 500), Tier(5_000_000, 300))

    # 8 % of 10,000.00, 5 % of the 40,000.00 above, 3 % of the 10,000.00 above that.
    assert commission_due(6_000_000, steps, marginal=True) == 80_000 + 200_000 + 30_000
    assert commission_due(6_000_000, steps, marginal=False) == 180_000
    assert commission_due(999_999, steps, marginal=True) == commission_due(999_999, steps, marginal=False) == 80_000


@given(tiers(), st.integers(0, 10**10), st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_by_the_margin_more_volume_never_costs_less(steps: tuple[Tier, ...], volume: int, more: int) -> None:
    assert commission_due(volume + more, steps, marginal=True) >= commission_due(volume, steps, marginal=True)
    assert commission_due(volume, steps, marginal=True) >= commission_due(volume, steps, marginal=False)


@given(
    st.sampled_from(Window),
    st.dates(date(2020, 1, 1), date(2030, 1, 28)).filter(lambda day: day.day <= 28),
    st.integers(0, 8_000_000).map(lambda minutes: datetime(2019, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)),
)
@settings(max_examples=100, deadline=None)
def test_every_instant_is_in_one_window_and_windows_follow_each_other(window: Window, anchor: date, at: datetime) -> None:
    terms = Commission((Tier(0, 100),), window=window, resets_on=anchor, timezone="Asia/Shanghai")
    starts, ends = window_of(terms, at)

    assert starts <= at < ends
    assert window_of(terms, starts) == (starts, ends)
    assert window_of(terms, ends)[0] == ends


def test_a_quarter_begins_on_its_day() -> None:
    terms = Commission((Tier(0, 100),), window=Window.QUARTER, resets_on=date(2026, 2, 15))

    assert window_of(terms, datetime(2026, 5, 14, 23, tzinfo=UTC)) == (datetime(2026, 2, 15, tzinfo=UTC), datetime(2026, 5, 15, tzinfo=UTC))
