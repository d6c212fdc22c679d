"""Money in against money out: the gateways' own books and the chats on one side, the shop's tables on the other, to the minor unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.database import Keyring, Shop, read
from core.money import fee_on
from sandbox import Sandbox
from tests.crash.scene import SPEC, Buyer, codes_in, order_of
from tests.crash.tills import Came

TABLES = {
    "intents": "SELECT id, reference, provider, customer_id, order_id, amount_minor, fee_minor, currency, worth_minor, state"
    " FROM payment_intents",
    "events": "SELECT provider, event_key, intent_id, kind, amount_minor, currency, verdict FROM payment_events",
    "orders": "SELECT id, buyer_id, state, total_minor, refunded_minor, paid_by FROM orders",
    "sales": "SELECT subject_id AS order_id FROM transfers WHERE kind = 'sale'",
    "refunds": 'SELECT id, order_id, "to", state, amount_minor, source_minor, provider, event_key, pay_minor, fee_minor, pay_currency'
    " FROM refunds",
    "codes": "SELECT id, fingerprint, order_id, available, hold_id, refunded_at FROM codes",
    "refunded_codes": "SELECT order_id, code_id, returned FROM refunded_codes",
    "replaced": "SELECT order_id, code_id FROM cases WHERE outcome = 'replaced'",
    "accounts": "SELECT a.party_id, a.kind, a.label, a.currency,"
    " COALESCE((SELECT SUM(amount_minor) FROM postings WHERE credit_id = a.id), 0)"
    " - COALESCE((SELECT SUM(amount_minor) FROM postings WHERE debit_id = a.id), 0) AS total FROM accounts a",
}


@read
def tables(session: Session) -> dict[str, list[Any]]:
    """The rows as they are, in one snapshot, past the core's own questions."""
    return {name: list(session.execute(text(question)).all()) for name, question in TABLES.items()}


@dataclass(frozen=True)
class Terms:
    """What was agreed beforehand: the price of a code, what each buyer began with, and the fee of each way to pay."""

    price_minor: int
    seeds: Mapping[int, int]  # by customer
    fees: Mapping[str, tuple[int, int]]  # by provider: hundredths of a per cent, and each time; the payer bears them


@dataclass(frozen=True)
class Ends:
    """How many paid intents ended in what, and the rest that the comparison counted."""

    delivered: int
    credited: int
    refunded: int
    payments: int
    given_back: int
    codes: int


def chats_of(telegram: Sandbox, buyers: Sequence[Buyer]) -> dict[int, dict[int, set[str]]]:
    """What everybody was ever given: buyer → order → the codes that their chat shows for it. No code is in two chats."""
    shown: dict[int, dict[int, set[str]]] = {}
    whose: dict[str, int] = {}
    holders = {buyer.phone.phone_id: buyer.customer.id for buyer in buyers}
    for (phone, peer), chat in telegram.world.chats.items():
        assert peer == SPEC.username
        for kept in chat.messages.values():
            for code in codes_in(kept.message):
                assert phone in holders, f"codes are in the chat of {phone}"
                holder = holders[phone]
                assert whose.setdefault(code, holder) == holder, f"{code} is in two chats"
                shown.setdefault(holder, {}).setdefault(order_of(kept.message), set()).add(code)
    return shown


def worth_of(came: Came, intent: Any) -> int:
    """What a payment is worth to the buyer, as agreed when it was asked for: all of it, or its share, rounded down."""
    return int(
        intent.worth_minor if came.amount_minor == intent.amount_minor else came.amount_minor * intent.worth_minor // came.asked_minor
    )


def part_of(came: Came, whole_minor: int) -> int:
    """A part of what was asked, as it falls to what was paid; of too much, no more."""
    return min(whole_minor, came.amount_minor * whole_minor // came.asked_minor)


async def compare_money(
    shop: Shop, keys: Keyring, telegram: Sandbox, buyers: Sequence[Buyer], books: Collection[Came], codes: Collection[str], terms: Terms
) -> Ends:
    """Hold the gateways' books and the chats against the tables, each way; whatever must never be is an assertion."""
    rows = await shop.read(tables)
    # A bank knows a transfer by what the payer's button says, our number; a gateway by the name it was asked under.
    asked_as = {f"{one.id}" if one.provider == "transfer" else one.reference: one for one in rows["intents"]}
    assert len(asked_as) == len(rows["intents"])
    by_order = {order.id: order for order in rows["orders"]}
    by_key = {(came.provider, came.key): came for came in books}
    assert len(by_key) == len(books)

    # Every payment at a gateway is in our books once, as it is there; and ours are all there.
    paid = {(event.provider, event.event_key): event for event in rows["events"] if event.kind == "paid"}
    assert set(paid) == set(by_key), set(paid) ^ set(by_key)
    for key, came in by_key.items():
        event, intent = paid[key], asked_as[came.reference]
        assert (event.amount_minor, event.currency, event.intent_id) == (came.amount_minor, came.currency, intent.id)
        assert (intent.amount_minor, intent.currency, intent.provider) == (came.asked_minor, came.currency, came.provider)
        assert event.verdict == "credited"
    # While a refund of ours is on its way its provider may be heard to have made it: that is written down, and moves nothing.
    assert {event.kind for event in rows["events"]} <= {"paid", "heard"}, "nobody gave anything back unasked"

    # Every refund at a gateway is one of ours, and every one of ours that is done was made there, once.
    done: dict[tuple[str, str], list[int]] = {}
    for refund in rows["refunds"]:
        assert refund.state in ("refunded", "declined"), f"refund {refund.id} is {refund.state}"
        if refund.provider is not None and refund.state == "refunded":
            done.setdefault((refund.provider, refund.event_key), []).append(refund.pay_minor)
    theirs = {key: sorted(came.back) for key, came in by_key.items() if came.back}
    assert theirs == {key: sorted(amounts) for key, amounts in done.items()}

    given = _codes_are_where_they_belong(rows, keys, telegram, buyers, codes)
    _accounts_are_what_moved(rows, by_key, asked_as, given, terms)
    ends = _ends(rows, by_key, asked_as, by_order, given)
    return Ends(
        ends["delivered"], ends["credited"], ends["refunded"], len(books), sum(len(back) for back in theirs.values()), sum(given.values())
    )


def _codes_are_where_they_belong(
    rows: Mapping[str, list[Any]], keys: Keyring, telegram: Sandbox, buyers: Sequence[Buyer], codes: Collection[str]
) -> Counter[int]:
    """Chats against codes, each way. Returns how many codes each order has left its buyer."""
    id_of = {bytes(code.fingerprint): code.id for code in rows["codes"]}
    assert len(id_of) == len(codes) == len({keys.fingerprint(code) for code in codes})
    buyer_of = {order.id: order.buyer_id for order in rows["orders"]}
    has: dict[int, set[int]] = {}  # what an order's chat has to show
    may: dict[int, set[int]] = {}  # and what it may: a void code was perhaps sent before it became void
    for code in rows["codes"]:
        if code.order_id is not None:
            may.setdefault(code.order_id, set()).add(code.id)
            if code.refunded_at is None:
                has.setdefault(code.order_id, set()).add(code.id)
    for order, code_id, returned in rows["refunded_codes"]:
        if not returned:
            may.setdefault(order, set()).add(code_id)
    for order, code_id in rows["replaced"]:
        may.setdefault(order, set()).add(code_id)
    shown = chats_of(telegram, buyers)
    seen = {
        order: {id_of[keys.fingerprint(code)] for code in found}
        for holder, orders in shown.items()
        for order, found in orders.items()
        if buyer_of[order] == holder
    }
    assert sum(len(orders) for orders in shown.values()) == len(seen), "codes of an order are in another's chat"
    for order, found in seen.items():
        assert found <= may.get(order, set()), f"order {order} came with codes that are not its own"
    for order, found in has.items():
        assert found <= seen.get(order, set()), f"codes of order {order} never came"
    return Counter({order: len(found) for order, found in has.items()})


def _accounts_are_what_moved(
    rows: Mapping[str, list[Any]],
    by_key: Mapping[tuple[str, str], Came],
    asked_as: Mapping[str, Any],
    given: Counter[int],
    terms: Terms,
) -> None:
    """Every account, worked out anew from what gateways, chats and people say, is the sum of its postings."""
    wallets, house = Counter(terms.seeds), Counter({("adjustment", "", "CNY"): -sum(terms.seeds.values())})
    for came in by_key.values():
        intent = asked_as[came.reference]
        points, each = terms.fees.get(came.provider, (0, 0))
        net = came.asked_minor - intent.fee_minor
        assert intent.fee_minor == fee_on(net, points, each), "the payer was asked for the fee that was set"
        worth, fee, kept = worth_of(came, intent), part_of(came, intent.fee_minor), part_of(came, fee_on(came.asked_minor, points, each))
        wallets[intent.customer_id] += worth
        house[("gateway", came.provider, came.currency)] -= came.amount_minor - kept
        house[("fees", "", came.currency)] += fee - kept
        if came.currency == "CNY":
            assert worth == came.amount_minor - fee
        else:
            house[("exchange", "", came.currency)] += came.amount_minor - fee
            house[("exchange", "", "CNY")] -= worth
    for refund in rows["refunds"]:
        if refund.provider is None or refund.state != "refunded":
            continue
        house[("gateway", refund.provider, refund.pay_currency)] += refund.pay_minor
        house[("fees", "", refund.pay_currency)] -= refund.fee_minor
        if refund.pay_currency != "CNY":
            house[("exchange", "", refund.pay_currency)] -= refund.pay_minor - refund.fee_minor
            house[("exchange", "", "CNY")] += refund.source_minor
        else:
            assert refund.pay_minor - refund.fee_minor == refund.source_minor
    to_source: Counter[int] = Counter()
    for refund in rows["refunds"]:
        if refund.provider is not None and refund.state == "refunded":
            to_source[refund.order_id] += refund.source_minor
    # The value of what people have: so many codes at the price of one. What went back by a gateway is no longer anybody's here.
    for order in rows["orders"]:
        worth = given[order.id] * terms.price_minor
        wallets[order.buyer_id] -= worth + to_source[order.id]
        house[("sales", "", "CNY")] += worth

    found_wallets: Counter[int] = Counter()
    found_house: Counter[tuple[str, str, str]] = Counter()
    for account in rows["accounts"]:
        if account.kind == "wallet":
            assert account.currency == "CNY" and account.total >= 0
            found_wallets[account.party_id] += account.total
        else:
            found_house[(account.kind, account.label, account.currency)] += account.total
    assert +found_wallets == +wallets
    differ = {key: (found_house[key], house[key]) for key in {*found_house, *house} if found_house[key] != house[key]}
    assert not differ, f"by the postings, and by what moved: {differ}"
    for currency in {key[2] for key in found_house}:
        total = sum(amount for key, amount in found_house.items() if key[2] == currency)
        assert total + (sum(found_wallets.values()) if currency == "CNY" else 0) == 0, f"the books in {currency} are out by {total}"


def _ends(
    rows: Mapping[str, list[Any]],
    by_key: Mapping[tuple[str, str], Came],
    asked_as: Mapping[str, Any],
    by_order: Mapping[int, Any],
    given: Counter[int],
) -> Counter[str]:
    """In what each intent that was paid has ended: exactly one of three, each told from its own evidence."""
    sold = Counter(row.order_id for row in rows["sales"])
    back: Counter[int] = Counter()
    for refund in rows["refunds"]:
        back[refund.order_id] += refund.amount_minor
    ends: Counter[str] = Counter()
    for name in {came.reference for came in by_key.values()}:
        order = by_order.get(asked_as[name].order_id)
        assert asked_as[name].state == "paid"
        is_now = {
            # In the buyer's chat, and theirs to keep:
            "delivered": order is not None and given[order.id] > 0,
            # Sold, and every minor unit of it went back:
            "refunded": order is not None and sold[order.id] == 1 and back[order.id] == order.total_minor,
            # Never sold: it stayed in the wallet, which the accounts have shown.
            "credited": order is None or sold[order.id] == 0,
        }
        assert sum(is_now.values()) == 1, f"payment {name} ended in {is_now}"
        ends.update(name for name, so in is_now.items() if so)
    return ends
