"""The arithmetic of rates: whole and minor units, the buffer, and what is too far to be believed."""

from __future__ import annotations

from fractions import Fraction

from core.money import exponent

_MOST = 2**63 - 1  # what a column of the database holds
_NEAR = 2**62


def in_minor(whole: Fraction, base: str, quote: str) -> Fraction:
    """A rate between whole units ("1 USD is 7.20 CNY") as one between minor units: cents to fen."""
    return whole * Fraction(10) ** (exponent(quote) - exponent(base))


def in_whole(minor: Fraction, base: str, quote: str) -> Fraction:
    """A rate between minor units as people say it, between whole ones."""
    return minor * Fraction(10) ** (exponent(base) - exponent(quote))


def buffered(market: Fraction, percent: Fraction) -> Fraction:
    """The rate to convert at: what is asked rises by exactly so many per cent, because the rate may move before the money is ours."""
    return market / (1 + percent / 100)


def fitting(rate: Fraction) -> Fraction:
    """The rate itself where both its numbers fit into the database; else the next below it, so that never too little is asked.

    Real rates have few digits and fit as they are. Raises ValueError for what cannot be a rate.
    """
    if rate <= 0:
        raise ValueError("a rate is positive")
    if rate.numerator <= _MOST and rate.denominator <= _MOST:
        return rate
    denominator = _NEAR // max(1, -(-rate.numerator // rate.denominator))
    numerator = rate.numerator * denominator // rate.denominator if denominator else 0
    if numerator == 0:
        raise ValueError("no currency is worth so much or so little")
    return Fraction(numerator, denominator)


def apart(one: Fraction, other: Fraction) -> Fraction:
    """How far two rates are apart, in per cent of the lower one: 7 and 70 are 900 per cent apart, either way round."""
    return (max(one, other) / min(one, other) - 1) * 100
