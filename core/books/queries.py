"""Asking for a statement: one snapshot, everything of a span, and what in it does not agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import storefronts
from core.books import figures
from core.books.checks import IN_DISPUTE, UNDER_WAY, Difference, bounds, differences
from core.books.rules import MOST_DAYS, SpanWrong
from core.books.views import OWNED, Cost, Flow, Margin, Payments, Pot, Sales, Statement
from core.database import micros, now, read

_NEAR = timedelta(minutes=10)  # Both in one transaction, but each asks the clock.
_ORDER = ("wallet", "gateway", "sales", "revenue", "payable", "escrow", "security", "fees", "refunding", "exchange", "adjustment")

PotKey = tuple[str, str, str]  # kind, label, currency


@read
def today_of(session: Session, *, timezone: str) -> date:
    """Which day it is in a time zone (its IANA name), by the shop's clock."""
    return now(session).astimezone(ZoneInfo(timezone)).date()


@read
def statement(session: Session, storefront_id: int, since: datetime, until: datetime) -> Statement:
    """What happened between two instants (the second not included) of up to a year, and what every account had before and after.

    The ledger is one: the accounts of all storefronts are in it, and in this. Raises SpanWrong. Costs a sum over what was posted
    in the span and since it, whatever lies before.
    """
    if not timedelta(0) < until - since <= timedelta(days=MOST_DAYS + 1):
        raise SpanWrong
    since, until = since.astimezone(UTC), until.astimezone(UTC)  # In a zone, arithmetic is done on its clocks.
    storefront = storefronts.by_id(session, storefront_id)
    asked = bounds(session, since, until)
    near = {"near_since": micros(since - _NEAR), "near_until": micros(until + _NEAR)}
    moved = _rows(session, figures.MOVED, asked)
    pots, in_balance = _pots(session, asked, moved)
    sales, costs = _sold(session, asked | near)
    underway, questioned = _rows(session, UNDER_WAY, {}), _rows(session, IN_DISPUTE, {})
    own = {row["currency"] for row in _rows(session, figures.CURRENCIES, {})}
    made = Statement(
        storefront_id=storefront.id,
        name=storefront.name,
        currency=storefront.currency,
        since=since,
        until=until,
        made_at=now(session),
        sales=sales,
        costs=costs,
        margins=_margins(sales, costs, own, moved),
        payments=_payments(session, asked, moved),
        pots=tuple(pots.values()),
        underway=sum(int(row["n"]) for row in underway),
        underway_minor={row["currency"]: int(row["minor"]) for row in underway},
        questioned=sum(int(row["n"]) for row in questioned),
        questioned_minor={row["currency"]: int(row["minor"]) for row in questioned},
    )
    broken = [*in_balance, *_sums(made), *differences(session, since, until)]
    return replace(made, differences=tuple(broken))


def out_of_balance(session: Session) -> list[Difference]:
    """Where kept balances and roll-ups do not agree with each other, or with what is on its way back, now. A part of questions."""
    return list(_balanced(session, _now(session)))


def _rows(session: Session, question: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in session.execute(text(question), asked).mappings()]


# The ledger


def _now(session: Session) -> dict[PotKey, int]:
    """Credits less debits of each pot at this moment."""
    low = session.execute(text(figures.ROLLED_UP)).scalar_one()
    total: dict[PotKey, int] = defaultdict(int)
    for question, asked in ((figures.KEPT, {}), (figures.FRESH, {"low": int(low)})):
        for row in _rows(session, question, asked):
            total[row["kind"], row["label"], row["currency"]] += int(row["minor"])
    return total


def _balanced(session: Session, total: dict[PotKey, int]) -> Iterator[Difference]:
    """A posting takes from one account what it gives to another: all accounts of a currency together have nothing."""
    rest: dict[str, int] = defaultdict(int)
    aside: dict[str, int] = defaultdict(int)
    for (kind, _, currency), minor in total.items():
        rest[currency] += minor
        if kind == "refunding":
            aside[currency] += minor
    for currency, minor in sorted(rest.items()):
        if minor:
            yield Difference("the wallets have what all other accounts lack", f"currency {currency}", f"the sum of all is {minor}")
    under_way = {row["currency"]: int(row["minor"]) for row in _rows(session, UNDER_WAY, {})}
    for currency in sorted(aside.keys() | under_way):
        if aside[currency] != under_way.get(currency, 0):
            detail = f"set aside {aside[currency]}, wanted {under_way.get(currency, 0)}"
            yield Difference("what is on its way back is set aside for it", f"currency {currency}", detail)


def _pots(session: Session, asked: dict[str, Any], moved: list[dict[str, Any]]) -> tuple[dict[PotKey, Pot], list[Difference]]:
    """Each pot's opening, what came in and went out of it by its cause, and its closing."""
    total = _now(session)
    closing = dict(total)
    for row in _rows(session, figures.MOVED_SINCE, asked):
        closing[_from(row)] = closing.get(_from(row), 0) + int(row["minor"])
        closing[_to(row)] = closing.get(_to(row), 0) - int(row["minor"])
    given: dict[PotKey, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    taken: dict[PotKey, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in moved:
        taken[_from(row)][row["cause"]] += int(row["minor"])
        given[_to(row)][row["cause"]] += int(row["minor"])
    rank = {kind: place for place, kind in enumerate(_ORDER)}
    pots = {}
    for key in sorted(closing, key=lambda key: (rank.get(key[0], len(rank)), key)):
        owned = key[0] in OWNED
        into, out = (taken[key], given[key]) if owned else (given[key], taken[key])
        end = -closing[key] if owned else closing[key]
        pots[key] = Pot(
            *key,
            opening_minor=end - sum(into.values()) + sum(out.values()),
            into=tuple(Flow(cause, minor) for cause, minor in sorted(into.items())),
            out=tuple(Flow(cause, minor) for cause, minor in sorted(out.items())),
            closing_minor=end,
        )
    return pots, list(_balanced(session, total))


def _from(row: dict[str, Any]) -> PotKey:
    return row["from_kind"], row["from_label"], row["currency"]


def _to(row: dict[str, Any]) -> PotKey:
    return row["to_kind"], row["to_label"], row["currency"]


# The tables beside it


def _sold(session: Session, asked: dict[str, Any]) -> tuple[tuple[Sales, ...], tuple[Cost, ...]]:
    sales: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    costs: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in _rows(session, figures.SOLD, asked) + _rows(session, figures.REFUNDS, asked):
        _add(sales[row.pop("currency")], row)
    for row in _rows(session, figures.LINES, asked):
        one = sales[row["currency"]]
        one["codes"] += int(row["codes"])
        one["list_minor"] += int(row["list_minor"])
        one["tiers_minor"] += int(row["list_minor"]) - int(row["goods_minor"])
        costs[row["cost_currency"]]["cost_minor"] += int(row["cost_minor"])
    for row in _rows(session, figures.REFUNDED_CODES, asked):
        sales[row["currency"]]["codes_returned"] += int(row["returned"])
        sales[row["currency"]]["codes_void"] += int(row["codes"]) - int(row["returned"])
        costs[row["cost_currency"]]["back_minor"] += int(row["back_minor"])
        costs[row["cost_currency"]]["back_replaced_minor"] += int(row["back_replaced_minor"])
    for row in _rows(session, figures.REPLACED, asked) + _rows(session, figures.BORNE, asked):
        _add(costs[row.pop("currency")], row)
    return (
        tuple(Sales(currency, **dict(found)) for currency, found in sorted(sales.items())),
        tuple(Cost(currency, **dict(found)) for currency, found in sorted(costs.items()) if any(found.values())),
    )


def _add(found: dict[str, int], row: dict[str, Any]) -> None:
    for name, value in row.items():
        found[name] += int(value)


def _margins(sales: tuple[Sales, ...], costs: tuple[Cost, ...], own: set[str], moved: list[dict[str, Any]]) -> tuple[Margin, ...]:
    """In every currency that was sold in; and what a day without sales cost in a shop's own one is a margin too."""
    margins = {one.currency: one.sales_minor - one.refunded_minor for one in sales}
    for cost in costs:
        if cost.currency in margins or cost.currency in own:
            margins[cost.currency] = margins.get(cost.currency, 0) - cost.spent_minor
    resellers: dict[str, int] = defaultdict(int)
    for row in moved:
        if (row["from_kind"], row["to_kind"]) == ("sales", "margin"):
            resellers[row["currency"]] += int(row["minor"])
        elif (row["from_kind"], row["to_kind"]) == ("margin", "sales"):
            resellers[row["currency"]] -= int(row["minor"])
    return tuple(
        Margin(currency, margins.get(currency, 0) - resellers[currency], resellers[currency])
        for currency in sorted(margins.keys() | resellers.keys())
    )


def _payments(session: Session, asked: dict[str, Any], moved: list[dict[str, Any]]) -> tuple[Payments, ...]:
    ways: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in _rows(session, figures.PAID, asked):
        way, what = ways[row["provider"], row["currency"]], "for_orders" if row["for_order"] else "deposits"
        way[what] += int(row["n"])
        way[f"{what}_minor"] += int(row["minor"])
        way["worth_minor"] += int(row["worth_minor"])
    for what, question in (("back", figures.GIVEN_BACK), ("refunded", figures.SENT_BACK), ("odd", figures.ODD)):
        for row in _rows(session, question, asked):
            way = ways[row["provider"], row["currency"]]
            way[what] += int(row["n"])
            way[f"{what}_minor"] += int(row["minor"])
            way["lost_minor"] += int(row.get("lost_minor", 0))
    for row in _rows(session, figures.RETURNED, asked):
        way, what = ways[row["provider"], row["currency"]], "parts" if row["kind"] == "part-back" else "disputed"
        way[what] += int(row["n"])
        way[f"{what}_minor"] += int(row["minor"])
        way["charged_minor"] += int(row["charged_minor"])
        way["lost_minor"] += int(row["lost_minor"])
    for row in _rows(session, figures.PUT_BACK, asked):
        way = ways[row["provider"], row["currency"]]
        way["put_back"] += int(row["n"])
        way["put_back_minor"] += int(row["minor"])
        way["charged_minor"] += int(row["charged_minor"])
    for row in _rows(session, figures.REGAINED, asked):
        ways[row["provider"], row["currency"]]["regained_minor"] += int(row["regained_minor"])
    for row in moved:
        if row["cause"] == "deposit" and row["from_kind"] == "gateway" and row["to_kind"] == "fees":
            ways[row["from_label"], row["currency"]]["borne_minor"] += int(row["minor"])
        elif row["cause"] == "deposit" and row["from_kind"] == "fees" and row["to_kind"] == "gateway":
            ways[row["to_label"], row["currency"]]["kept_minor"] += int(row["minor"])
    return tuple(Payments(method=method, currency=currency, **found) for (method, currency), found in sorted(ways.items()))


# Both together


def _sums(made: Statement) -> Iterator[Difference]:
    """The figures of the tables, summed, beside the ledger's: what would not be seen line by line is a line that is not there."""
    flows: dict[tuple[str, str, str, bool, str], int] = defaultdict(int)
    for pot in made.pots:
        for ins, one in ((True, pot.into), (False, pot.out)):
            for flow in one:
                if pot.kind == "gateway" and flow.cause in _PAST_THE_SHOP:
                    # The fees of disputes go either way: what is told is what is left of both.
                    flows[pot.kind, pot.label, pot.currency, False, "past-the-shop"] += -flow.minor if ins else flow.minor
                elif pot.kind == "adjustment" and (cause := _LOSSES.get((ins, flow.cause))):
                    flows[pot.kind, pot.label, pot.currency, ins, cause] += flow.minor
                elif pot.kind == "escrow" and flow.cause == "sale":
                    # What was on its way was taken out of the wallet before.
                    flows["wallet", pot.label, pot.currency, ins, flow.cause] += flow.minor
                else:
                    flows[pot.kind, pot.label, pot.currency, ins, flow.cause] += flow.minor
    expected: dict[tuple[str, str, str, bool, str], int] = defaultdict(int)
    for sold in made.sales:
        expected["wallet", "", sold.currency, False, "sale"] += sold.sales_minor
        expected["refunding", "", sold.currency, True, "refund"] += sold.to_source_minor
        expected["wallet", "", sold.currency, True, "refund"] += sold.to_wallet_minor
        if sold.list_minor - sold.tiers_minor - sold.coupons_minor != sold.sales_minor:
            about = f"currency {sold.currency}"
            detail = f"{sold.list_minor} - {sold.tiers_minor} - {sold.coupons_minor}, and not {sold.sales_minor}"
            yield Difference("sales are their list prices less the discounts", about, detail)
    for way in made.payments:
        expected["gateway", way.method, way.currency, True, "deposit"] += way.paid_minor
        expected["gateway", way.method, way.currency, False, "deposit"] += way.kept_minor
        expected["gateway", way.method, way.currency, False, "refund-arrived"] += way.refunded_minor
        expected["gateway", way.method, way.currency, False, "given-back"] += way.back_minor
        gone = way.parts_minor + way.disputed_minor + way.charged_minor - way.put_back_minor
        expected["gateway", way.method, way.currency, False, "past-the-shop"] += gone
        expected["wallet", "", made.currency, True, "deposit"] += way.worth_minor
        expected["adjustment", "", made.currency, False, "lost"] += way.lost_minor
        expected["adjustment", "", made.currency, True, "regained"] += way.regained_minor
    for key in sorted(flows.keys() | expected.keys()):
        kind, label, currency, ins, cause = key
        if (kind, ins, cause) in _LOOKED_AT and flows.get(key, 0) != expected.get(key, 0):
            what = f"{kind} {label} {currency}, {'in' if ins else 'out'} by {cause}".replace("  ", " ")
            yield Difference("the figures are the ledger's", what, f"ledger {flows.get(key, 0)}, tables {expected.get(key, 0)}")


# Pot, in or out, and cause, of which another table tells too.
_LOOKED_AT = {
    ("wallet", False, "sale"),
    ("wallet", True, "refund"),
    ("wallet", True, "deposit"),
    ("refunding", True, "refund"),
    ("gateway", True, "deposit"),
    ("gateway", False, "deposit"),
    ("gateway", False, "refund-arrived"),
    ("gateway", False, "given-back"),
    ("gateway", False, "past-the-shop"),
    ("adjustment", False, "lost"),
    ("adjustment", True, "regained"),
}
_PAST_THE_SHOP = ("returned", "reinstated")
_LOSSES = {
    (False, "given-back"): "lost",
    (False, "returned"): "lost",
    (True, "regained"): "regained",
    (True, "reinstated"): "regained",
}
