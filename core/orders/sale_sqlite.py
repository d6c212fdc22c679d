"""Many purchases in one SQLite transaction: looked up and decided in memory one after the other, written by one statement a table.

This is the declared exception to "no other capability's tables": the hot path is a handful of statements over several of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from core.database import ALONE, Alone, Tools, micros
from core.orders.numbers import number_of
from core.orders.views import Receipt

MOST_QUANTITY = 10  # Larger purchases run by themselves.

_TERMS = """
SELECT p.retail_minor, p.currency, s.min_quantity, s.max_quantity, o.id, o.cost_minor, o.cost_currency, o.payable_id, f.sales_account_id,
  o.plain AND (o.payable_id IS NULL OR (o.cost_currency = p.currency AND o.cost_minor <= p.retail_minor)) AS simple,
  COALESCE(o.exclusive_until > :at AND o.declared > 0, 0) AS first_of_all, r.version, p.wholesale_minor,
  p.level_id, p.customer_id, p.ends_at,
  NOT o.plain AND (COALESCE(o.exclusive_until > :at, 0) OR EXISTS (SELECT 1 FROM commitments m WHERE m.offer_id = o.id
    AND m.closed_at IS NULL AND m.from_at <= :at AND m.until > :at AND m.drawn < m.quantity)) AS goes_first, COALESCE(o.declared, 0)
FROM prices p
JOIN skus s ON s.id = p.sku_id JOIN products g ON g.id = s.product_id
JOIN sources r ON r.sku_id = p.sku_id
JOIN offers o ON o.id = r.offer_id
JOIN storefronts f ON f.id = p.storefront_id AND f.currency = p.currency
WHERE p.id = :price AND p.storefront_id = :storefront AND p.sku_id = :sku AND p.until IS NULL AND NOT p.tiered
  AND s.rules_version = :rules AND s.hidden_at IS NULL AND s.max_per_buyer IS NULL AND g.hidden_at IS NULL AND NOT g.held AND NOT g.asks
  AND o.stopped_at IS NULL AND o.closed_at IS NULL
  AND (o.valid_from IS NULL OR o.valid_from <= :at) AND (o.valid_until IS NULL OR o.valid_until > :at)
ORDER BY r.rank
"""
_WALLET = """
SELECT a.id, a.balance_minor, a.floor_minor, a.currency, c.wholesale, c.level_id FROM customers c JOIN accounts a ON a.id = c.wallet_id
WHERE c.id = ? AND c.storefront_id = ?
"""
# What goes before the row that a reseller names: their own price, and before the storefront's that of their level.
_BETTER = """
SELECT 1 FROM prices WHERE customer_id = ? AND sku_id = ? AND until IS NULL AND (ends_at IS NULL OR ends_at > ?)
UNION ALL SELECT 1 FROM prices WHERE storefront_id = ? AND sku_id = ? AND level_id = ? AND until IS NULL
"""
_KNOWN = "SELECT id, once_hash, total_minor, currency FROM orders WHERE once = ?"
_SHELF = "SELECT id, available FROM codes WHERE offer_id = ? AND available >= ? ORDER BY available LIMIT ?"


class _Batch:
    """What the batch knows and has decided so far: each purchase sees what those before it left."""

    def __init__(self, cursor: Any, asks: Sequence[dict[str, Any]], tools: Tools) -> None:
        self.cursor = cursor
        self.tools = tools
        self.at = micros(tools.clock())
        self.wanted: dict[int, int] = {}
        for ask in asks:
            self.wanted[ask["sku_id"]] = self.wanted.get(ask["sku_id"], 0) + max(0, min(ask["quantity"], MOST_QUANTITY))
        self.terms: dict[tuple[int, int, int, int], list[Any]] = {}
        self.best: dict[tuple[int, int, int | None], bool] = {}
        self.wallets: dict[tuple[int, int], list[Any] | None] = {}
        self.shelves: dict[int, list[tuple[int, int]]] = {}
        self.sold: dict[str, tuple[bytes, Receipt]] = {}
        self.order_id = cursor.execute("SELECT coalesce(max(id), 0) FROM orders").fetchone()[0]
        self.transfer_id = cursor.execute("SELECT coalesce(max(id), 0) FROM transfers").fetchone()[0]
        self.orders: list[tuple[Any, ...]] = []
        self.lines: list[tuple[Any, ...]] = []
        self.codes: list[tuple[int, int]] = []
        self.transfers: list[tuple[Any, ...]] = []
        self.postings: list[tuple[Any, ...]] = []
        self.outbox: list[tuple[Any, ...]] = []
        self.outside: list[tuple[Any, ...]] = []
        self.debited: set[tuple[int, int]] = set()

    def decide(self, ask: dict[str, Any]) -> Receipt | Alone:
        quantity, once = ask["quantity"], ask["once"]
        known = self.sold.get(once)
        if known is None and (row := self.cursor.execute(_KNOWN, (once,)).fetchone()):
            known = row[1], Receipt(row[0], number_of(row[0]), quantity, row[2], row[3], repeated=True)
        if known is not None:
            same = known[0] == ask["once_hash"]
            receipt = known[1]
            return Receipt(receipt.order_id, receipt.number, quantity, receipt.paid_minor, receipt.currency, True) if same else ALONE
        terms = self._terms(ask)
        if terms is None or not terms[2] <= quantity <= MOST_QUANTITY:
            return ALONE
        unit, currency, _, most, offer, cost, cost_currency, payable, sales, simple, _, ranking, wholesale, *party = terms[:16]
        if not simple:
            return ALONE
        buyer = (ask["buyer_id"], ask["storefront_id"])
        wallet = self._wallet(buyer)
        if wallet is None:
            return ALONE
        if not wallet[4]:
            if quantity > most or party[0] is not None or party[1] is not None:
                return ALONE
        elif not self._theirs(ask, party, wallet[5]):
            return ALONE
        if wallet[4] and wholesale is not None and wholesale < unit:
            unit = wholesale  # A reseller's price is of the same version.
            if payable is not None and cost > unit:
                return ALONE
        total = unit * quantity
        if wallet[3] != currency or wallet[1] - total < wallet[2]:
            return ALONE
        shelf = self._shelf(ask["sku_id"], offer)
        if len(shelf) < quantity:
            return ALONE
        self.order_id += 1
        self.transfer_id += 1
        order, transfer, at = self.order_id, self.transfer_id, self.at
        for _ in range(quantity):
            code, place = shelf.pop()
            self.codes.append((order, code))
            self.tools.low_water[ask["sku_id"]] = (offer, place)
        wallet[1] -= total
        self.debited.add(buyer)
        bought_as = (bool(wallet[4]), wallet[5] if wallet[4] else None)
        self.orders.append((order, ask["storefront_id"], ask["buyer_id"], once, ask["once_hash"], total, currency, at, at, *bought_as))
        self.lines.append((order, ask["sku_id"], offer, ask["price_id"], quantity, unit, cost, cost_currency, ranking))
        self.transfers.append((transfer, f"sale:{order}", order, at))
        owed = cost * quantity if payable is not None else 0
        legs = [(wallet[0], payable, owed), (wallet[0], sales, total - owed)]
        self.postings += [
            (transfer, seq, debit, credit, amount, currency)
            for seq, (debit, credit, amount) in enumerate((leg for leg in legs if leg[2] > 0), 1)
        ]
        outside = ask.get("outside")
        if outside is None:
            self.outbox.append((ask["buyer_id"], order, at, at))
        else:
            kept = (outside.number, outside.key_id, outside.asked, total, outside.counted, outside.callback_url)
            self.outside.append((order, ask["buyer_id"], *kept, at))
        receipt = Receipt(order, number_of(order), quantity, total, currency, repeated=False)
        self.sold[once] = ask["once_hash"], receipt
        return receipt

    def write(self) -> None:
        """Everything decided, table by table."""
        if not self.orders:
            return
        many = self.cursor.executemany
        many(
            "INSERT INTO orders (id, storefront_id, buyer_id, once, once_hash, state, total_minor, currency, paid_by, placed_at, issued_at,"
            " as_reseller, level_id) VALUES (?, ?, ?, ?, ?, 'issued', ?, ?, 'wallet', ?, ?, ?, ?)",
            self.orders,
        )
        many(
            "INSERT INTO order_lines (order_id, seq, sku_id, offer_id, price_id, quantity, unit_price_minor, unit_cost_minor, cost_currency,"
            " ranking_version) VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?)",
            self.lines,
        )
        many("UPDATE codes SET available = NULL, order_id = ? WHERE id = ?", self.codes)
        many(
            "UPDATE accounts SET balance_minor = ? WHERE id = ?",
            [(wallet[1], wallet[0]) for wallet in map(self.wallets.__getitem__, self.debited) if wallet],
        )
        many(
            "INSERT INTO transfers (id, key, kind, subject_id, at) VALUES (?, ?, 'sale', ?, ?)",
            self.transfers,
        )
        many(
            "INSERT INTO postings (transfer_id, seq, debit_id, credit_id, amount_minor, currency) VALUES (?, ?, ?, ?, ?, ?)",
            self.postings,
        )
        many(
            "INSERT INTO outbox (topic, customer_id, order_id, made_at, due_at, attempts) VALUES ('delivery', ?, ?, ?, ?, 0)",
            self.outbox,
        )
        if self.outside:
            many(
                "INSERT INTO outside_orders (order_id, customer_id, number, key_id, asked, charged_minor, counted, callback_url, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                self.outside,
            )

    def _terms(self, ask: dict[str, Any]) -> Any:
        """The terms with the first ranked source that has something on its shelf, after what the batch has taken so far."""
        key = (ask["price_id"], ask["storefront_id"], ask["sku_id"], ask["rules_version"])
        if key not in self.terms:
            named = dict(zip(("price", "storefront", "sku", "rules"), key, strict=True))
            self.terms[key] = self.cursor.execute(_TERMS, {"at": self.at, **named}).fetchall()
        first = next((row for row in self.terms[key] if row[16] and (row[17] or self._shelf(ask["sku_id"], row[4]))), None)
        if first is not None:
            return first  # An exclusive one, or one of a commitment; it may not have been ranked yet.
        return next((row for row in self.terms[key] if row[10] or self._shelf(ask["sku_id"], row[4])), None)

    def _theirs(self, ask: dict[str, Any], party: list[Any], level_id: int | None) -> bool:
        """Is the row that a reseller names the best one of theirs? The storefront's own is anybody's, and nobody names another's."""
        of_level, of_customer, ends_at = party
        if of_customer is not None:
            return bool(of_customer == ask["buyer_id"]) and (ends_at is None or ends_at > self.at)
        if of_level is not None and of_level != level_id:
            return False
        key = (ask["buyer_id"], ask["sku_id"], of_level)
        if key not in self.best:
            looked_for = level_id if of_level is None else None
            better = (ask["buyer_id"], ask["sku_id"], self.at, ask["storefront_id"], ask["sku_id"], looked_for)
            self.best[key] = self.cursor.execute(_BETTER, better).fetchone() is None
        return self.best[key]

    def _wallet(self, buyer: tuple[int, int]) -> list[Any] | None:
        if buyer not in self.wallets:
            row = self.cursor.execute(_WALLET, buyer).fetchone()
            self.wallets[buyer] = list(row) if row else None
        return self.wallets[buyer]

    def _shelf(self, sku_id: int, offer: int) -> list[tuple[int, int]]:
        """The next codes of this source, last first, as many as the whole batch could want."""
        if offer not in self.shelves:
            hint_offer, mark = self.tools.low_water.get(sku_id, (offer, 0))
            low = mark if hint_offer == offer else 0
            rows = self.cursor.execute(_SHELF, (offer, low, self.wanted[sku_id])).fetchall()
            if len(rows) < self.wanted[sku_id] and low:
                # The hint may hide something that came back: look again without it.
                self.tools.low_water.pop(sku_id, None)
                rows = self.cursor.execute(_SHELF, (offer, 0, self.wanted[sku_id])).fetchall()
            self.shelves[offer] = rows[::-1]
        return self.shelves[offer]


def sell(connection: Connection, asks: Sequence[dict[str, Any]], tools: Tools) -> list[Receipt | Alone]:
    """Decide each purchase in turn, then write them all; the outcome is that of the same purchases one after the other."""
    cursor = connection.connection.cursor()
    try:
        batch = _Batch(cursor, asks, tools)
        answers = [batch.decide(ask) for ask in asks]
        batch.write()
    except BaseException:
        tools.low_water.clear()
        raise
    finally:
        cursor.close()
    return answers
