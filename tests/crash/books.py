"""What the tables say, read past the core's own questions, and held against what buyers have in their chats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.database import Keyring, Shop, read
from sandbox import Sandbox
from tests.crash.scene import SPEC, Buyer, Line, codes_in, order_of


@dataclass(frozen=True)
class Delivery:
    """The message that hands over an order's codes."""

    customer_id: int
    attempts: int
    is_done: bool
    sent_message_id: int | None


@dataclass(frozen=True)
class Books:
    """Orders, charges, codes and deliveries as they stand."""

    buyer_of: dict[int, int]  # issued orders
    total_of: dict[int, int]
    not_issued: int
    charges: list[tuple[int, int, int]]  # the order, the wallet and the amount of each sale
    codes_of: dict[int, set[bytes]]  # fingerprints
    codes_left: int
    deliveries: dict[int, list[Delivery]]
    balance_of: dict[int, int]  # by customer


@read
def books(session: Session) -> Books:
    """All of them in one snapshot."""
    orders = session.execute(text("SELECT id, buyer_id, total_minor, state FROM orders")).all()
    issued = [(number, buyer, total) for number, buyer, total, state in orders if state == "issued"]
    sales = session.execute(
        text(
            "SELECT t.subject_id, p.debit_id, p.amount_minor FROM transfers t"
            " LEFT JOIN postings p ON p.transfer_id = t.id WHERE t.kind = 'sale'"
        )
    )
    codes_of: dict[int, set[bytes]] = {}
    left = 0
    for fingerprint, order in session.execute(text("SELECT fingerprint, order_id FROM codes")):
        if order is None:
            left += 1
        else:
            codes_of.setdefault(order, set()).add(bytes(fingerprint))
    deliveries: dict[int, list[Delivery]] = {}
    question = "SELECT order_id, customer_id, attempts, done_at IS NOT NULL, sent_message_id FROM outbox WHERE topic = 'delivery'"
    for order, customer, attempts, is_done, sent in session.execute(text(question)):
        deliveries.setdefault(order, []).append(Delivery(customer, attempts, bool(is_done), sent))
    wallets = session.execute(text("SELECT c.id, a.balance_minor FROM customers c JOIN accounts a ON a.id = c.wallet_id"))
    return Books(
        {number: buyer for number, buyer, _ in issued},
        {number: total for number, _, total in issued},
        len(orders) - len(issued),
        [(order, wallet, amount) for order, wallet, amount in sales],
        codes_of,
        left,
        deliveries,
        dict(wallets.all()),
    )


@read
def issued(session: Session) -> list[int]:
    """The orders that have been issued and not been refunded."""
    return list(session.scalars(text("SELECT id FROM orders WHERE state = 'issued'")))


@dataclass(frozen=True)
class Found:
    """What the comparison counted; everything that must never be is an assertion in it."""

    orders: int
    codes: int
    seen_paid: int
    repeated: int  # deliveries that came more than once, to the same buyer with the same words


async def compare(
    shop: Shop, keys: Keyring, telegram: Sandbox, line: Line, buyers: Sequence[Buyer], *, codes: list[str], money_minor: int
) -> Found:
    """Hold the chats against the books, each way."""
    stand = await shop.read(books)
    by_customer = {buyer.customer.id: buyer for buyer in buyers}
    wallets = {buyer.customer.wallet_id: buyer.customer.id for buyer in buyers}
    print_of = {code: keys.fingerprint(code) for code in codes}
    order_with = {fingerprint: order for order, prints in stand.codes_of.items() for fingerprint in prints}

    # Money and goods: each order was charged once and whole, to its buyer, and has its codes; nothing else was charged.
    assert stand.not_issued == 0
    assert sorted(stand.charges) == sorted(
        (order, by_customer[buyer].customer.wallet_id, stand.total_of[order]) for order, buyer in stand.buyer_of.items()
    )
    spent: Counter[int] = Counter()
    for _, wallet, amount in stand.charges:
        spent[wallets[wallet]] += amount
    assert stand.balance_of == {buyer.customer.id: money_minor - spent[buyer.customer.id] for buyer in buyers}
    assert set(stand.codes_of) == set(stand.buyer_of)
    assert stand.codes_left + sum(map(len, stand.codes_of.values())) == len(codes) == len(set(print_of.values()))

    # What was acknowledged is true.
    for buyer in buyers:
        theirs = [order for order, customer in stand.buyer_of.items() if customer == buyer.customer.id]
        assert len(theirs) <= len(line.pressed.get(buyer.phone.phone_id, ())), "a Pay button is one order, however often it is pressed"
        assert all(stand.buyer_of.get(order) == buyer.customer.id for order in buyer.paid), "a screen said Paid, and there is no such order"

    # What was charged is in the right chat, whole; no code is in another.
    came: Counter[int] = Counter()
    for (phone, peer), chat in telegram.world.chats.items():
        assert peer == SPEC.username
        (holder,) = (buyer for buyer in buyers if buyer.phone.phone_id == phone)
        texts: dict[int, str] = {}
        for kept in chat.messages.values():
            shown = codes_in(kept.message)
            if not shown:
                continue
            order = order_of(kept.message)
            assert stand.buyer_of[order] == holder.customer.id, f"codes of order {order} are in the chat of {phone}"
            assert len(shown) == len(set(shown))
            assert {print_of[code] for code in shown} == stand.codes_of[order], f"order {order} came with other codes than it has"
            assert all(order_with[print_of[code]] == order for code in shown)
            assert texts.setdefault(order, kept.message["text"]) == kept.message["text"], "a repetition says the same"
            came[order] += 1
    assert set(came) == set(stand.buyer_of), "every charged order is in its buyer's chat"
    for order, buyer_id in stand.buyer_of.items():
        (delivery,) = stand.deliveries.pop(order)
        assert delivery.customer_id == buyer_id and delivery.is_done
        assert came[order] <= delivery.attempts, f"order {order} came more often than it was tried"
    assert not stand.deliveries, "a delivery of no order"
    return Found(len(stand.buyer_of), len(order_with), sum(len(buyer.paid) for buyer in buyers), sum(came.values()) - len(came))
