"""Many purchases in one SQLite transaction: looked up and decided in memory one after the other, written by one statement a table.

This is the declared exception to "no other capability's tables": the hot path is a handful of statements over several of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection

from core.database import ALONE, Alone, Tools, micros
from core.orders.numbers import number_of
from core.orders.views import Receipt

MOST_QUANTITY = 10  # Larger purchases run by themselves.

# Every step of a statement lets go of the interpreter, and has to get it back from a busy event loop: what a whole batch wants to know
# is one answer of one step each.
_TERMS = """
SELECT json_group_array(json_array(p.id, p.storefront_id, p.sku_id, s.rules_version, r.rank, json_array(
  p.retail_minor, p.currency, s.min_quantity, s.max_quantity, o.id, o.cost_minor, o.cost_currency, o.payable_id, f.sales_account_id,
  o.plain AND (o.payable_id IS NULL OR (o.cost_currency = p.currency AND o.cost_minor <= p.retail_minor)),
  COALESCE(o.exclusive_until > :at AND o.declared > 0, 0), r.version, p.wholesale_minor, p.level_id, p.customer_id, p.ends_at,
  NOT o.plain AND (COALESCE(o.exclusive_until > :at, 0) OR EXISTS (SELECT 1 FROM commitments m WHERE m.offer_id = o.id
    AND m.closed_at IS NULL AND m.from_at <= :at AND m.until > :at AND m.drawn < m.quantity)), COALESCE(o.declared, 0))))
FROM json_each(:asked) AS asked
CROSS JOIN prices p ON p.id = json_extract(asked.value, '$[0]')
CROSS JOIN skus s ON s.id = p.sku_id CROSS JOIN products g ON g.id = s.product_id
CROSS JOIN sources r ON r.sku_id = p.sku_id
CROSS JOIN offers o ON o.id = r.offer_id
CROSS JOIN storefronts f ON f.id = p.storefront_id AND f.currency = p.currency
WHERE p.storefront_id = json_extract(asked.value, '$[1]') AND p.sku_id = json_extract(asked.value, '$[2]')
  AND s.rules_version = json_extract(asked.value, '$[3]') AND p.until IS NULL AND NOT p.tiered
  AND s.hidden_at IS NULL AND s.max_per_buyer IS NULL AND g.hidden_at IS NULL AND NOT g.held AND NOT g.asks
  AND o.stopped_at IS NULL AND o.closed_at IS NULL
  AND (o.valid_from IS NULL OR o.valid_from <= :at) AND (o.valid_until IS NULL OR o.valid_until > :at)
"""
_WALLETS = """
SELECT json_group_array(json_array(c.id, c.storefront_id, a.id, a.balance_minor, a.floor_minor, a.currency, c.wholesale, c.level_id))
FROM customers c JOIN accounts a ON a.id = c.wallet_id WHERE c.id IN (SELECT value FROM json_each(:asked))
"""
# What goes before the row that a reseller names: their own price, and before the storefront's that of their level.
_OWN = """
SELECT json_group_array(json_array(p.customer_id, p.sku_id)) FROM json_each(:asked) AS asked
CROSS JOIN prices p ON p.customer_id = json_extract(asked.value, '$[0]') AND p.sku_id = json_extract(asked.value, '$[1]')
WHERE p.until IS NULL AND (p.ends_at IS NULL OR p.ends_at > :at)
"""
_OF_LEVEL = """
SELECT json_group_array(json_array(p.storefront_id, p.sku_id, p.level_id)) FROM json_each(:asked) AS asked
CROSS JOIN prices p ON p.storefront_id = json_extract(asked.value, '$[0]') AND p.sku_id = json_extract(asked.value, '$[1]')
  AND p.level_id = json_extract(asked.value, '$[2]')
WHERE p.until IS NULL
"""
_KNOWN = "SELECT once, id, once_hash, total_minor, currency FROM orders WHERE once IN (SELECT value FROM json_each(?))"
_SHELF = """
SELECT json_group_array(json_array(available, id))
FROM (SELECT id, available FROM codes WHERE offer_id = :offer AND available >= :low ORDER BY available LIMIT :most)
"""
_TAKE = "UPDATE codes SET available = NULL, order_id = given.column1 FROM (VALUES {rows}) AS given WHERE codes.id = given.column2"
_DEBIT = "UPDATE accounts SET balance_minor = given.column1 FROM (VALUES {rows}) AS given WHERE accounts.id = given.column2"
_MOST_ROWS = 64  # in one statement; so many of a table are a statement for each power of two, and no more


@cache
def _of_rows(statement: str, columns: int, rows: int) -> str:
    """The statement with so many rows for its {rows}."""
    row = f"({', '.join('?' * columns)})"
    return statement.format(rows=", ".join([row] * rows))


def _key(ask: dict[str, Any]) -> tuple[int, ...]:
    """What its buyer saw."""
    return ask["price_id"], ask["storefront_id"], ask["sku_id"], ask["rules_version"]


def _buyer(ask: dict[str, Any]) -> tuple[int, int]:
    return ask["buyer_id"], ask["storefront_id"]


class _Batch:
    """What the batch knows and has decided so far: each purchase sees what those before it left."""

    def __init__(self, cursor: Any, asks: Sequence[dict[str, Any]], tools: Tools) -> None:
        self.cursor = cursor
        self.tools = tools
        self.at = micros(tools.clock())
        self.wanted: dict[int, int] = {}
        for ask in asks:
            self.wanted[ask["sku_id"]] = self.wanted.get(ask["sku_id"], 0) + max(0, min(ask["quantity"], MOST_QUANTITY))
        self.terms: dict[tuple[int, ...], list[list[Any]]] = {}
        for *key, _, facts in sorted(self._listed(_TERMS, asked=list({_key(ask) for ask in asks}), at=self.at), key=lambda row: row[4]):
            self.terms.setdefault(tuple(key), []).append(facts)
        buyers = self._listed(_WALLETS, asked=list({ask["buyer_id"] for ask in asks}))
        self.wallets = {(buyer_id, storefront_id): wallet for buyer_id, storefront_id, *wallet in buyers}
        resold = [(ask, wallet) for ask in asks if (wallet := self.wallets.get(_buyer(ask))) is not None and wallet[4]]
        own = list({(ask["buyer_id"], ask["sku_id"]) for ask, _ in resold})
        self.own = set(map(tuple, self._listed(_OWN, asked=own, at=self.at))) if own else set()
        levels = list({(ask["storefront_id"], ask["sku_id"], wallet[5]) for ask, wallet in resold if wallet[5] is not None})
        self.of_level = set(map(tuple, self._listed(_OF_LEVEL, asked=levels))) if levels else set()
        self.shelves: dict[int, list[tuple[int, int]]] = {}  # places and codes
        # What was sold under the keys asked for: before this batch, and in it.
        self.sold = {
            once: (hashed, Receipt(order_id, number_of(order_id), 0, total, currency, repeated=True))
            for once, order_id, hashed, total, currency in cursor.execute(_KNOWN, (json.dumps([ask["once"] for ask in asks]),))
        }
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
        buyer = _buyer(ask)
        wallet = self.wallets.get(buyer)
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
            place, code = shelf.pop()
            self.codes.append((order, code))
            self.tools.low_water[ask["sku_id"]] = (offer, place)
        wallet[1] -= total
        self.debited.add(buyer)
        bought_as = (bool(wallet[4]), wallet[5] if wallet[4] else None)
        paid = ("issued", total, currency, "wallet", at, at)
        self.orders.append((order, ask["storefront_id"], ask["buyer_id"], once, ask["once_hash"], *paid, *bought_as))
        self.lines.append((order, 1, ask["sku_id"], offer, ask["price_id"], quantity, unit, cost, cost_currency, ranking))
        self.transfers.append((transfer, f"sale:{order}", "sale", order, at))
        owed = cost * quantity if payable is not None else 0
        legs = [(wallet[0], payable, owed), (wallet[0], sales, total - owed)]
        self.postings += [
            (transfer, seq, debit, credit, amount, currency)
            for seq, (debit, credit, amount) in enumerate((leg for leg in legs if leg[2] > 0), 1)
        ]
        outside = ask.get("outside")
        if outside is None:
            self.outbox.append(("delivery", ask["buyer_id"], order, at, at, 0))
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
        self._many(
            "INSERT INTO orders (id, storefront_id, buyer_id, once, once_hash, state, total_minor, currency, paid_by, placed_at, issued_at,"
            " as_reseller, level_id) VALUES {rows}",
            self.orders,
        )
        self._many(
            "INSERT INTO order_lines (order_id, seq, sku_id, offer_id, price_id, quantity, unit_price_minor, unit_cost_minor, cost_currency,"
            " ranking_version) VALUES {rows}",
            self.lines,
        )
        self._many(_TAKE, self.codes)
        self._many(_DEBIT, [(wallet[1], wallet[0]) for wallet in map(self.wallets.__getitem__, self.debited)])
        self._many("INSERT INTO transfers (id, key, kind, subject_id, at) VALUES {rows}", self.transfers)
        self._many("INSERT INTO postings (transfer_id, seq, debit_id, credit_id, amount_minor, currency) VALUES {rows}", self.postings)
        self._many("INSERT INTO outbox (topic, customer_id, order_id, made_at, due_at, attempts) VALUES {rows}", self.outbox)
        self._many(
            "INSERT INTO outside_orders (order_id, customer_id, number, key_id, asked, charged_minor, counted, callback_url, at)"
            " VALUES {rows}",
            self.outside,
        )

    def _many(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        """Write so many rows in few steps."""
        done = 0
        while done < len(rows):
            size = min(_MOST_ROWS, 1 << ((len(rows) - done).bit_length() - 1))
            values = [value for row in rows[done : done + size] for value in row]
            self.cursor.execute(_of_rows(statement, len(rows[0]), size), values)
            done += size

    def _listed(self, statement: str, *, asked: list[Any] | None = None, **named: int) -> list[Any]:
        """The one answer of a statement that is a list."""
        values = named if asked is None else {"asked": json.dumps(asked), **named}
        found: list[Any] = json.loads(self.cursor.execute(statement, values).fetchone()[0])
        return found

    def _terms(self, ask: dict[str, Any]) -> Any:
        """The terms with the first ranked source that has something on its shelf, after what the batch has taken so far."""
        rows = self.terms.get(_key(ask), [])
        first = next((row for row in rows if row[16] and (row[17] or self._shelf(ask["sku_id"], row[4]))), None)
        if first is not None:
            return first  # An exclusive one, or one of a commitment; it may not have been ranked yet.
        return next((row for row in rows if row[10] or self._shelf(ask["sku_id"], row[4])), None)

    def _theirs(self, ask: dict[str, Any], party: list[Any], level_id: int | None) -> bool:
        """Is the row that a reseller names the best one of theirs? The storefront's own is anybody's, and nobody names another's."""
        of_level, of_customer, ends_at = party
        if of_customer is not None:
            return bool(of_customer == ask["buyer_id"]) and (ends_at is None or ends_at > self.at)
        if of_level is not None and of_level != level_id:
            return False
        if (ask["buyer_id"], ask["sku_id"]) in self.own:
            return False
        return of_level is not None or (ask["storefront_id"], ask["sku_id"], level_id) not in self.of_level

    def _shelf(self, sku_id: int, offer: int) -> list[tuple[int, int]]:
        """The next codes of this source, last first, as many as the whole batch could want."""
        if offer not in self.shelves:
            hint_offer, mark = self.tools.low_water.get(sku_id, (offer, 0))
            low = mark if hint_offer == offer else 0
            rows = self._listed(_SHELF, offer=offer, low=low, most=self.wanted[sku_id])
            if len(rows) < self.wanted[sku_id] and low:
                # The hint may hide something that came back: look again without it.
                self.tools.low_water.pop(sku_id, None)
                rows = self._listed(_SHELF, offer=offer, low=0, most=self.wanted[sku_id])
            self.shelves[offer] = sorted(rows, reverse=True)
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
