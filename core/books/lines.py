"""A statement as a plain list of lines, each with a code for machines: what a spreadsheet holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from core.books.views import Payments, Pot, Sales, Statement


class Section(StrEnum):
    SALES = "sales"
    COST = "cost"
    PAYMENTS = "payments"
    ACCOUNTS = "accounts"
    DIFFERENCES = "differences"


@dataclass(frozen=True, slots=True)
class Line:
    """One figure. `cause` is what moved it, `label` which way to be paid; a line counts, has an amount, or both.

    Of the section `accounts`, `code` is an account's kind with `.opening`, `.in`, `.out` or `.closing`, and the lines of `.in` and
    `.out` have a cause each.
    """

    section: Section
    code: str
    label: str
    cause: str
    currency: str
    count: int | None
    minor: int | None
    about: str = ""


def lines(made: Statement) -> list[Line]:
    """Every figure of a statement, in the order in which it is read."""
    return [
        *(line for one in made.sales for line in _sales(one)),
        *_cost(made),
        *(line for way in made.payments for line in _payments(way, made.currency)),
        *(Line(Section.PAYMENTS, "under-way", "", "", currency, None, minor) for currency, minor in sorted(made.underway_minor.items())),
        *(Line(Section.PAYMENTS, "in-dispute", "", "", currency, None, minor) for currency, minor in sorted(made.questioned_minor.items())),
        *(line for pot in made.pots for line in _pot(pot)),
        *(Line(Section.DIFFERENCES, "difference", "", "", "", None, None, f"{d.check}: {d.about}: {d.detail}") for d in made.differences),
    ]


def _sales(one: Sales) -> Iterator[Line]:
    for code, count, minor in (
        ("list", one.codes, one.list_minor),
        ("tiers", None, one.tiers_minor),
        ("coupons", None, one.coupons_minor),
        ("sales", one.orders, one.sales_minor),
        ("refunds", one.refunds, one.refunded_minor),
        ("refunds-to-wallets", None, one.to_wallet_minor),
        ("refunds-to-source", None, one.to_source_minor),
        ("codes-returned", one.codes_returned, None),
        ("codes-void", one.codes_void, None),
    ):
        yield Line(Section.SALES, code, "", "", one.currency, count, minor)


def _cost(made: Statement) -> Iterator[Line]:
    for one in made.costs:
        yield Line(Section.COST, "cost", "", "", one.currency, None, one.cost_minor)
        yield Line(Section.COST, "cost-back", "", "", one.currency, None, one.back_minor)
        if one.back_replaced_minor:
            yield Line(Section.COST, "cost-back-replaced", "", "", one.currency, None, one.back_replaced_minor)
        if one.replaced or one.replaced_minor or one.replaced_back_minor:
            yield Line(Section.COST, "replaced", "", "", one.currency, one.replaced, one.replaced_minor)
            yield Line(Section.COST, "replaced-back", "", "", one.currency, None, one.replaced_back_minor)
    for margin in made.margins:
        if margin.resellers_minor:
            yield Line(Section.COST, "resellers", "", "", margin.currency, None, margin.resellers_minor)
        yield Line(Section.COST, "margin", "", "", margin.currency, None, margin.minor)


def _payments(way: Payments, shop_currency: str) -> Iterator[Line]:
    yield Line(Section.PAYMENTS, "for-orders", way.method, "", way.currency, way.for_orders, way.for_orders_minor)
    yield Line(Section.PAYMENTS, "top-ups", way.method, "", way.currency, way.deposits, way.deposits_minor)
    yield Line(Section.PAYMENTS, "worth", way.method, "", shop_currency, None, way.worth_minor)
    yield Line(Section.PAYMENTS, "fee-borne", way.method, "", way.currency, None, way.borne_minor)
    yield Line(Section.PAYMENTS, "fee-kept", way.method, "", way.currency, None, way.kept_minor)
    if way.back:
        yield Line(Section.PAYMENTS, "given-back", way.method, "", way.currency, way.back, way.back_minor)
    if way.parts:
        yield Line(Section.PAYMENTS, "given-back-parts", way.method, "", way.currency, way.parts, way.parts_minor)
    if way.disputed:
        yield Line(Section.PAYMENTS, "disputed", way.method, "", way.currency, way.disputed, way.disputed_minor)
    if way.put_back:
        yield Line(Section.PAYMENTS, "put-back", way.method, "", way.currency, way.put_back, way.put_back_minor)
    if way.disputed or way.put_back:
        yield Line(Section.PAYMENTS, "dispute-fees", way.method, "", way.currency, None, way.charged_minor)
    yield Line(Section.PAYMENTS, "lost", way.method, "", shop_currency, None, way.lost_minor)
    if way.regained_minor:
        yield Line(Section.PAYMENTS, "regained", way.method, "", shop_currency, None, way.regained_minor)
    yield Line(Section.PAYMENTS, "refunded", way.method, "", way.currency, way.refunded, way.refunded_minor)
    if way.odd:
        yield Line(Section.PAYMENTS, "not-credited", way.method, "", way.currency, way.odd, way.odd_minor)


def _pot(pot: Pot) -> Iterator[Line]:
    yield Line(Section.ACCOUNTS, f"{pot.kind}.opening", pot.label, "", pot.currency, None, pot.opening_minor)
    for side, flows in (("in", pot.into), ("out", pot.out)):
        for flow in flows:
            yield Line(Section.ACCOUNTS, f"{pot.kind}.{side}", pot.label, flow.cause, pot.currency, None, flow.minor)
    yield Line(Section.ACCOUNTS, f"{pot.kind}.closing", pot.label, "", pot.currency, None, pot.closing_minor)
