"""What a purchase costs and why: exact in every currency, never negative, and never dearer for a larger discount."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import pricing
from core.database import Shop
from core.money import MOST_MINOR
from core.ports import Fee
from core.pricing import LEAST_MINOR, Cut, Price, Quote, Tier, TiersDoNotFall
from core.storefronts import Storefront
from tests.stage import Goods

AMOUNTS = st.integers(1, 10**9)
PERCENTS = st.integers(0, 10_000)
CUTS = st.builds(Cut, st.just("coupon"), st.integers(0, 10**10), PERCENTS, st.none() | st.integers(0, 10**9))
FEES = st.builds(Fee, st.integers(0, 3_000), st.integers(0, 10_000), st.booleans())


@st.composite
def prices(draw: st.DrawFn) -> Price:
    """Any price with up to six tiers that rise in quantity and fall in price."""
    retail = draw(AMOUNTS)
    quantities = sorted(draw(st.sets(st.integers(2, 500), max_size=6)))
    units = sorted(draw(st.sets(st.integers(1, retail), max_size=6)) - {retail}, reverse=True)
    tiers = tuple(Tier(n, unit) for n, unit in zip(quantities, units, strict=False))
    return Price(1, 2, retail, None, draw(st.sampled_from(["CNY", "JPY", "KWD", "XTR"])), tiers)


def plainly(price_minor: int, currency: str = "CNY", *tiers: tuple[int, int]) -> Price:
    return Price(7, 8, price_minor, None, currency, tuple(Tier(*tier) for tier in tiers))


@given(prices(), st.integers(1, 1000), st.lists(CUTS, max_size=3), st.none() | FEES)
def test_a_quote_adds_up_and_is_never_negative(price: Price, quantity: int, cuts: list[Cut], fee: Fee | None) -> None:
    quote = pricing.quote(price, quantity, cuts=cuts, fee=fee)

    assert quote.goods_minor == quote.unit_minor * quantity
    assert quote.goods_minor - sum(cut.amount_minor for cut in quote.discounts) == quote.total_minor
    assert quote.total_minor >= LEAST_MINOR
    assert all(cut.amount_minor > 0 for cut in quote.discounts)
    assert (quote.payment is None) == (fee is None)
    if quote.payment is not None:
        assert quote.payment.amount_minor == quote.payment.net_minor + quote.fee_minor
        assert quote.payment.net_minor == quote.payment.worth_minor == quote.total_minor
        assert 0 <= quote.payment.kept_minor <= quote.payment.amount_minor
        assert fee is not None and (fee.passed_on or quote.fee_minor == 0)
    assert all(isinstance(n, int) for n in (quote.unit_minor, quote.goods_minor, quote.total_minor, quote.fee_minor))


@given(prices(), st.integers(1, 1000), PERCENTS, PERCENTS, st.none() | st.integers(0, 10**9))
def test_a_larger_percentage_never_costs_more(price: Price, quantity: int, one: int, other: int, cap: int | None) -> None:
    less, more = sorted((one, other))

    dear = pricing.quote(price, quantity, cuts=[Cut("coupon", 0, less, cap)])
    cheap = pricing.quote(price, quantity, cuts=[Cut("coupon", 0, more, cap)])

    assert cheap.total_minor <= dear.total_minor


@given(prices(), st.integers(1, 1000), st.integers(0, 10**10), st.integers(0, 10**10))
def test_a_larger_amount_never_costs_more(price: Price, quantity: int, one: int, other: int) -> None:
    less, more = sorted((one, other))

    assert (
        pricing.quote(price, quantity, cuts=[Cut("coupon", more)]).total_minor
        <= pricing.quote(price, quantity, cuts=[Cut("coupon", less)]).total_minor
        <= pricing.quote(price, quantity).total_minor
    )


@given(prices(), st.integers(1, 1000), FEES, st.integers(0, 3_000), st.integers(0, 10_000))
def test_a_larger_fee_never_costs_less_and_one_that_is_borne_costs_nothing(
    price: Price, quantity: int, fee: Fee, more: int, fixed: int
) -> None:
    larger = Fee(fee.basis_points + more, fee.fixed_minor + fixed, fee.passed_on)

    low, high = (pricing.quote(price, quantity, fee=each).payment for each in (fee, larger))

    assert low is not None and high is not None
    assert low.amount_minor <= high.amount_minor
    if not fee.passed_on:
        assert high.amount_minor == pricing.quote(price, quantity).total_minor


@given(prices(), st.integers(1, 1000))
def test_a_tier_holds_from_its_quantity_on_and_not_one_before(price: Price, quantity: int) -> None:
    for tier in price.tiers:
        assert pricing.quote(price, tier.from_quantity).unit_minor == tier.unit_minor
        assert pricing.quote(price, tier.from_quantity - 1).unit_minor > tier.unit_minor
    unit = pricing.quote(price, quantity).unit_minor
    assert unit == min([price.retail_minor, *(tier.unit_minor for tier in price.tiers if tier.from_quantity <= quantity)])


@given(prices(), st.integers(0, 10**10), st.integers(0, 700))
def test_what_is_affordable_is_paid_by_the_budget_and_nothing_larger_is(price: Price, budget: int, most: int) -> None:
    n = pricing.affordable(price, budget, most)

    assert 0 <= n <= most
    assert n == 0 or pricing.quote(price, n).total_minor <= budget
    assert all(pricing.quote(price, more).total_minor > budget for more in range(n + 1, most + 1))


@given(st.integers(0, MOST_MINOR), st.lists(st.integers(0, 40), min_size=1, max_size=12))
def test_the_portions_of_a_whole_add_up_to_it(amount: int, parts: list[int]) -> None:
    of = sum(parts) or 1
    before, given_out = 0, []
    for units in parts:
        given_out.append(pricing.portion(amount, of=of, before=before, units=units))
        before += units

    assert all(part >= 0 for part in given_out)
    assert sum(given_out) == (amount if sum(parts) else 0)


def test_a_percentage_is_rounded_half_up_to_the_minor_unit() -> None:
    taken = {
        (price, points): pricing.quote(plainly(price), 1, cuts=[Cut("coupon", 0, points)]).discount_minor
        for price, points in ((9500, 1000), (105, 1000), (104, 1000), (9999, 333), (1, 5000))
    }

    # 10.5 fen become 11 and 10.4 become 10; of a single fen half would be all of it, so nothing is taken off.
    assert taken == {(9500, 1000): 950, (105, 1000): 11, (104, 1000): 10, (9999, 333): 333, (1, 5000): 0}


@pytest.mark.parametrize(
    ("currency", "price", "total", "fee"),
    [
        ("JPY", 500, 450, 14),  # ¥500 less 10 % and 2.9 % of ¥450 is ¥13.05, and ¥1 each time
        ("CNY", 9500, 8550, 249),
        ("KWD", 1500, 1350, 40),  # 1.500 dinars: 1.350 and 0.03915 + 0.001
    ],
)
def test_currencies_with_no_two_and_three_digits_come_out_right(currency: str, price: int, total: int, fee: int) -> None:
    quote = pricing.quote(plainly(price, currency), 1, cuts=[Cut("coupon", 0, 1000)], fee=Fee(290, 1, passed_on=True))

    assert (quote.total_minor, quote.fee_minor, quote.currency) == (total, fee, currency)
    assert quote.payment is not None and quote.payment.amount_minor == total + fee


def test_a_fee_in_another_currency_is_of_what_is_paid_there() -> None:
    # One US cent is worth 7.13 fen: 95.00 yuan are 13.33 dollars (13.3239 rounded up), and 2.9 % + 0.30 of that is 0.69.
    quote = pricing.quote(plainly(9500), 1, fee=Fee(290, 30, passed_on=True), pay_currency="USD", rate=Fraction(713, 100))

    assert quote.payment is not None
    assert (quote.payment.currency, quote.payment.net_minor, quote.fee_minor, quote.payment.amount_minor) == ("USD", 1333, 69, 1402)
    assert (quote.total_minor, quote.payment.worth_minor) == (9500, 9500)


def test_nothing_is_converted_without_a_rate() -> None:
    with pytest.raises(AssertionError, match="recorded rate"):
        pricing.quote(plainly(9500), 1, fee=Fee(), pay_currency="USD")


def test_the_fee_is_of_what_the_wallet_does_not_pay() -> None:
    fee = Fee(100, 0, passed_on=True)

    whole = pricing.quote(plainly(10_000), 1, fee=fee)
    part = pricing.quote(plainly(10_000), 1, fee=fee, from_wallet_minor=4_000)
    none = pricing.quote(plainly(10_000), 1, fee=fee, from_wallet_minor=10_000)

    assert (whole.fee_minor, part.fee_minor, none.fee_minor, none.payment) == (100, 60, 0, None)


def test_every_number_has_its_reason_as_data() -> None:
    price = plainly(9500, "CNY", (10, 9400))
    capped = Cut("coupon", 0, 5000, 2_000, {"word": "HALF"})

    quote = pricing.quote(price, 10, cuts=[capped], fee=Fee(100, 0))

    assert [(discount.why, discount.amount_minor, discount.facts["word"]) for discount in quote.discounts] == [("coupon", 2_000, "HALF")]
    assert [(reason.says, dict(reason.facts)) for reason in quote.reasons] == [
        ("tier", {"from_quantity": 10, "unit_minor": 9400, "retail_minor": 9500, "currency": "CNY"}),
        ("coupon-cap", {"cap_minor": 2_000, "currency": "CNY"}),
        ("fee-borne", {"fee_minor": 920, "currency": "CNY"}),
    ]
    assert not quote.plain and pricing.quote(price, 9).plain


def test_a_discount_leaves_something_to_pay_and_says_so() -> None:
    quote: Quote = pricing.quote(plainly(500), 1, cuts=[Cut("coupon", 500)])

    assert (quote.total_minor, quote.discount_minor) == (LEAST_MINOR, 499)
    assert "least" in [reason.says for reason in quote.reasons]


# Tiers in the database


async def set_tiers(shop: Shop, goods: Goods, *tiers: tuple[int, int], retail: int = 9500) -> Price:
    return await shop.write(
        pricing.set_price,
        storefront_id=goods.storefront.id,
        sku_id=goods.sku_id,
        retail_minor=retail,
        currency="CNY",
        tiers=[Tier(*tier) for tier in tiers],
    )


async def test_tiers_are_part_of_the_version_of_a_price(shop: Shop, goods: Goods) -> None:
    first = await set_tiers(shop, goods, (50, 9250), (10, 9400))
    again = await set_tiers(shop, goods, (10, 9400), (50, 9250))
    other = await set_tiers(shop, goods, (10, 9400))

    assert first.id != goods.price_id and again == first and other.id != first.id
    assert [(tier.from_quantity, tier.unit_minor) for tier in first.tiers] == [(10, 9400), (50, 9250)]
    assert await shop.read(pricing.version, first.id) == first
    now = await shop.read(pricing.current, storefront_id=goods.storefront.id, sku_ids=[goods.sku_id])
    assert now == {goods.sku_id: other}


async def test_a_new_price_keeps_the_tiers_it_can_and_refuses_what_would_not_fall(shop: Shop, goods: Goods) -> None:
    await set_tiers(shop, goods, (10, 9400))

    async def set_retail(minor: int) -> Price:
        return await shop.write(
            pricing.set_price, storefront_id=goods.storefront.id, sku_id=goods.sku_id, retail_minor=minor, currency="CNY"
        )

    kept = await set_retail(9600)
    with pytest.raises(TiersDoNotFall) as refused:
        await set_retail(9300)
    with pytest.raises(TiersDoNotFall):
        await set_tiers(shop, goods, (10, 9400), (20, 9400))
    gone = await set_tiers(shop, goods, retail=9300)

    assert (kept.tiers, gone.tiers) == ((Tier(10, 9400),), ())
    assert (refused.value.from_quantity, refused.value.unit_minor, refused.value.before_minor) == (10, 9400, 9300)


async def test_prices_without_tiers_look_for_none(shop: Shop, storefront: Storefront, goods: Goods) -> None:
    plain = await shop.read(pricing.current, storefront_id=storefront.id, sku_ids=[goods.sku_id])

    assert plain[goods.sku_id].tiers == ()
