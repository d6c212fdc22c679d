"""Whatever the price, the rate, the fee and the digits of two currencies: the shop gets its price, and no refund exceeds what was paid."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.money import convert_down, exponent, fee_on
from core.orders.to_source import Source, part_to_source, whole_coins
from core.ports import Fee
from core.pricing import to_pay

CURRENCIES = ("CNY", "USD", "JPY", "KWD", "XTR", "CLF")  # none to four digits
STEPS = {"KWD": 10}
worths = st.integers(1, 10**10)
whole_rates = st.builds(Fraction, st.integers(1, 10**9), st.integers(1, 10**9))
fees = st.builds(Fee, st.integers(0, 2000), st.integers(0, 500), st.booleans())


@given(worths, st.sampled_from(CURRENCIES), st.sampled_from(CURRENCIES), whole_rates, fees)
def test_the_shop_never_gets_less_than_its_price_and_asks_for_less_than_one_coin_more(
    worth: int, shop: str, way: str, whole: Fraction, fee: Fee
) -> None:
    # As whole units are said: "1 USD is 7.20 CNY".
    rate = None if shop == way else whole * Fraction(10) ** (exponent(shop) - exponent(way))
    step = STEPS.get(way, 1)

    asked = to_pay(worth, shop, fee=fee, pay_currency=way, rate=rate, step_minor=step)

    exact = Fraction(worth) if rate is None else worth / rate
    assert 0 <= asked.net_minor - exact < 1, "rounded up, by less than one minor unit"
    assert asked.amount_minor % step == 0 and 0 <= asked.amount_minor - asked.net_minor - asked.fee_minor < step
    assert asked.fee_minor == (fee_on(asked.net_minor, fee.basis_points, fee.fixed_minor) if fee.passed_on else 0)
    # What is left of the payment without the fee on top is worth the price, at the same rate.
    left = asked.amount_minor - asked.fee_minor
    assert (left if rate is None else convert_down(left, rate)) >= worth


@given(worths, whole_rates, fees, st.sampled_from([1, 10, 100]), st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_what_goes_back_in_parts_is_whole_coins_never_more_than_was_paid_and_all_of_it_in_the_end(
    worth: int, rate: Fraction, fee: Fee, step: int, shares: list[int]
) -> None:
    asked = to_pay(worth, "CNY", fee=fee, pay_currency="USD", rate=rate, step_minor=step)
    cuts = [worth * sum(shares[:n]) // sum(shares) for n in range(len(shares) + 1)]
    paid, sent = 0, 0
    for before, after in pairwise(cuts):
        source = Source("stripe", "e", 1, asked.amount_minor, asked.fee_minor, "USD", worth, worth - before, step)
        pay, of_fee = part_to_source(source, after - before)
        paid += pay
        sent += of_fee
        assert 0 <= of_fee <= pay
        assert after == worth or pay % step == 0
        assert paid <= asked.amount_minor
        # Never ahead of the share that is due, and behind it by less than a coin and the roundings.
        assert 0 <= Fraction(asked.amount_minor * after, worth) - paid < step + 2

    assert paid == asked.amount_minor and sent <= asked.fee_minor


@given(
    worths,
    st.sampled_from(CURRENCIES),
    st.sampled_from([1, 7, 10, 100]),
    whole_rates,
    fees,
    st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=8),
)
def test_what_cannot_go_back_in_coins_is_not_set_aside_for_it(
    worth: int, shop: str, step: int, rate: Fraction, fee: Fee, shares: list[tuple[int, bool]]
) -> None:
    """Some parts to the source, some to the wallet, in any order: no part is short by a minor unit of the shop's own currency."""
    way = "KWD"
    asked = to_pay(worth, shop, fee=fee, pay_currency=way, rate=None if shop == way else rate, step_minor=step)
    extra = asked.amount_minor - worth if shop == way else asked.fee_minor
    weights = [weight for weight, _ in shares]
    cuts = [worth * sum(weights[:n]) // sum(weights) for n in range(len(shares) + 1)]
    sent = paid = fees_back = 0
    for (before, after), (_, to_source) in zip(pairwise(cuts), shares, strict=True):
        if not to_source or after == before:
            continue
        source = Source("stripe", "e", 1, asked.amount_minor, extra, way, worth, worth - sent, step, shop)
        part = whole_coins(source, after - before)
        pay, of_fee = part_to_source(source, part)
        assert 0 <= part <= after - before and (pay > 0 or part == 0 or step == 1 or shop != way)
        assert 0 <= of_fee <= pay
        assert pay % step == 0 or sent + part == worth
        if shop == way:
            assert pay - of_fee == part, "what is set aside is what leaves"
            assert after - before - part < step, "what goes to the wallet instead is less than a coin"
        sent, paid, fees_back = sent + part, paid + pay, fees_back + of_fee
        assert fees_back <= extra and paid <= asked.amount_minor
    if all(to_source for _, to_source in shares) and step == 1:
        assert paid == asked.amount_minor
