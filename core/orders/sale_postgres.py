"""Many purchases as one PostgreSQL statement, or a few as one statement each; each statement is its own transaction.

This is the declared exception to "no other capability's tables": the hot path is one statement over several of them.
A purchase that cannot simply be sold is answered ALONE: in a batch, "too little" may only mean that a neighbour that
failed was counted, and a code locked elsewhere may come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, TextClause, text

from core.database import ALONE, Alone, Tools, micros
from core.orders.numbers import number_of
from core.orders.views import Receipt

MOST_QUANTITY = 10  # Larger purchases run by themselves: a literal LIMIT for each quantity would be a plan for each.
_BELIEVED = timedelta(seconds=1)  # that the shelves ranked before the one that sells have nothing: what comes back is drawn after that
FEW = 3  # Up to here, one statement for each purchase costs less than the set statement.

# What was agreed, from the versions the buyer saw; a purchase that matches nothing here runs alone and learns why.
# The first ranked source that sells and has something on its shelf is the one; where that one has more to check, the purchase runs alone.
# Each LIMIT 1 pins a look-up by key: a plan made while a table was small must still be right when it has grown.
_AGREED = """
  CROSS JOIN LATERAL (SELECT wallet_id, wholesale, level_id FROM customers WHERE id = u.buyer AND storefront_id = u.storefront LIMIT 1) c
  CROSS JOIN LATERAL (SELECT currency, CASE WHEN c.wholesale AND wholesale_minor < retail_minor THEN wholesale_minor ELSE retail_minor END AS unit
    FROM prices t WHERE id = u.price_id AND storefront_id = u.storefront AND sku_id = u.sku AND until IS NULL AND NOT tiered
      -- The storefront's own row is anybody's; a reseller has to name the best one of theirs, and nobody names another's.
      AND CASE WHEN NOT c.wholesale THEN t.level_id IS NULL AND t.customer_id IS NULL
        WHEN t.customer_id IS NOT NULL THEN t.customer_id = u.buyer AND (t.ends_at IS NULL OR t.ends_at > CAST(:at AS bigint))
        WHEN t.level_id IS NOT NULL AND t.level_id IS DISTINCT FROM c.level_id THEN FALSE
        ELSE NOT EXISTS (SELECT 1 FROM prices b WHERE b.customer_id = u.buyer AND b.sku_id = u.sku AND b.until IS NULL
            AND (b.ends_at IS NULL OR b.ends_at > CAST(:at AS bigint)))
          AND (t.level_id IS NOT NULL OR c.level_id IS NULL OR NOT EXISTS (SELECT 1 FROM prices b
            WHERE b.storefront_id = u.storefront AND b.sku_id = u.sku AND b.level_id = c.level_id AND b.until IS NULL)) END
    LIMIT 1) p
  CROSS JOIN LATERAL (SELECT product_id FROM skus WHERE id = u.sku AND rules_version = u.rules AND hidden_at IS NULL AND max_per_buyer IS NULL
    AND u.qty >= min_quantity AND (u.qty <= max_quantity OR c.wholesale) LIMIT 1) s
  CROSS JOIN LATERAL (SELECT 1 FROM products WHERE id = s.product_id AND hidden_at IS NULL AND NOT held AND NOT asks LIMIT 1) g
  CROSS JOIN LATERAL (SELECT q.offer_id, q.rank, q.version FROM sources q JOIN offers x ON x.id = q.offer_id
    WHERE q.sku_id = u.sku AND q.rank >= u.hint_rank AND x.stopped_at IS NULL AND x.closed_at IS NULL
      AND (x.valid_from IS NULL OR x.valid_from <= CAST(:at AS bigint)) AND (x.valid_until IS NULL OR x.valid_until > CAST(:at AS bigint))
      AND (EXISTS (SELECT 1 FROM codes k WHERE k.offer_id = x.id AND k.available >= CASE WHEN u.hint_offer = x.id THEN u.hint ELSE 0 END)
        OR (x.exclusive_until > CAST(:at AS bigint) AND x.declared > 0))
    ORDER BY q.rank LIMIT 1) r
  CROSS JOIN LATERAL (SELECT * FROM offers WHERE id = r.offer_id AND stopped_at IS NULL AND closed_at IS NULL AND plain
    AND (payable_id IS NULL OR (cost_currency = p.currency AND cost_minor <= p.unit))
    -- Another one that goes first, and has something, may not have been ranked yet.
    AND (SELECT 1 FROM offers e WHERE e.sku_id = u.sku AND NOT e.plain AND e.stopped_at IS NULL AND e.closed_at IS NULL
      AND (e.exclusive_until > CAST(:at AS bigint) OR EXISTS (SELECT 1 FROM commitments m WHERE m.offer_id = e.id AND m.closed_at IS NULL
        AND m.from_at <= CAST(:at AS bigint) AND m.until > CAST(:at AS bigint) AND m.drawn < m.quantity))
      AND (e.declared > 0 OR EXISTS (SELECT 1 FROM codes k WHERE k.offer_id = e.id AND k.available >= 0)) LIMIT 1) IS NULL
    LIMIT 1) o
  CROSS JOIN LATERAL (SELECT sales_account_id FROM storefronts WHERE id = u.storefront AND currency = p.currency LIMIT 1) f
"""
_FACTS = """
  p.unit, p.unit * u.qty AS total, p.currency, o.id AS offer, o.cost_minor AS cost, o.cost_currency,
  o.payable_id AS payable, CASE WHEN o.payable_id IS NULL THEN 0 ELSE o.cost_minor * u.qty END AS owed,
  f.sales_account_id AS sales, c.wallet_id AS wallet, CASE WHEN u.hint_offer = o.id THEN u.hint ELSE 0 END AS low,
  r.version AS ranking, r.rank, c.wholesale AS resells, CASE WHEN c.wholesale THEN c.level_id END AS buyer_level
"""
_WRITES = """
ins_orders AS (
  INSERT INTO orders (id, storefront_id, buyer_id, once, once_hash, state, total_minor, currency, paid_by, placed_at, issued_at,
    as_reseller, level_id)
  SELECT order_id, storefront, buyer, once, once_hash, 'issued', total, currency, 'wallet', CAST(:at AS bigint), CAST(:at AS bigint),
    resells, buyer_level FROM sold),
ins_lines AS (
  INSERT INTO order_lines (order_id, seq, sku_id, offer_id, price_id, quantity, unit_price_minor, unit_cost_minor, cost_currency,
    ranking_version)
  SELECT order_id, 1, sku, offer, price_id, qty, unit, cost, cost_currency, ranking FROM sold),
ins_transfers AS (
  INSERT INTO transfers (id, key, kind, subject_id, at)
  SELECT transfer_id, 'sale:' || order_id, 'sale', order_id, CAST(:at AS bigint) FROM sold),
ins_postings AS (
  INSERT INTO postings (transfer_id, seq, debit_id, credit_id, amount_minor, currency)
  SELECT transfer_id, leg.seq, wallet, leg.credit, leg.amount, currency
  FROM sold CROSS JOIN LATERAL (VALUES (1, payable, owed), (2, sales, total - owed)) AS leg(seq, credit, amount) WHERE leg.amount > 0),
ins_outbox AS (
  INSERT INTO outbox (topic, customer_id, order_id, made_at, due_at, attempts)
  SELECT 'delivery', buyer, order_id, CAST(:at AS bigint), CAST(:at AS bigint), 0 FROM sold WHERE outside IS NULL),
ins_outside AS (
  INSERT INTO outside_orders (order_id, customer_id, number, key_id, asked, charged_minor, counted, callback_url, at)
  SELECT order_id, buyer, outside, by_key, asked, total, counted, callback, CAST(:at AS bigint) FROM sold WHERE outside IS NOT NULL)
"""

_SET = text(f"""
WITH req AS MATERIALIZED (
  SELECT u.*, {_FACTS}
  FROM unnest(CAST(:once AS text[]), CAST(:once_hash AS bytea[]), CAST(:storefront AS bigint[]), CAST(:buyer AS bigint[]),
    CAST(:sku AS bigint[]), CAST(:qty AS int[]), CAST(:price_id AS bigint[]), CAST(:rules AS bigint[]),
    CAST(:hint_offer AS bigint[]), CAST(:hint AS bigint[]), CAST(:hint_rank AS bigint[]),
    CAST(:outside AS text[]), CAST(:by_key AS bigint[]), CAST(:asked AS int[]), CAST(:counted AS boolean[]), CAST(:callback AS text[]))
    WITH ORDINALITY AS u(once, once_hash, storefront, buyer, sku, qty, price_id, rules, hint_offer, hint, hint_rank,
      outside, by_key, asked, counted, callback, k)
  {_AGREED}),
known AS MATERIALIZED (
  SELECT r.k, e.id, e.once_hash = r.once_hash AS same, e.total_minor
  FROM req r CROSS JOIN LATERAL (SELECT * FROM orders WHERE once = r.once LIMIT 1) e),
fresh AS MATERIALIZED (SELECT DISTINCT ON (once) * FROM req r WHERE NOT EXISTS (SELECT 1 FROM known d WHERE d.k = r.k) ORDER BY once, k),
wallets AS MATERIALIZED (
  -- The lesser of the locked row and the snapshot's: PostgreSQL checks the floor on the snapshot's row before it looks at the newest.
  SELECT a.id, LEAST(a.balance_minor - a.floor_minor, (SELECT b.balance_minor - b.floor_minor FROM accounts b WHERE b.id = a.id)) AS room
  FROM accounts a WHERE a.id = ANY (SELECT wallet FROM fresh) ORDER BY a.id FOR UPDATE),
funded AS MATERIALIZED (SELECT f.*, sum(f.total) OVER (PARTITION BY f.wallet ORDER BY f.k) AS running FROM fresh f),
paid AS MATERIALIZED (
  SELECT f.*, sum(f.qty) OVER (PARTITION BY f.offer ORDER BY f.k) AS upto FROM funded f JOIN wallets w ON w.id = f.wallet WHERE f.running <= w.room),
need AS MATERIALIZED (SELECT offer, sum(qty) AS n, min(low) AS low FROM paid GROUP BY offer),
picked AS MATERIALIZED (
  SELECT need.offer, x.id, x.available, row_number() OVER (PARTITION BY need.offer ORDER BY x.available) AS nth
  FROM need CROSS JOIN LATERAL (
    SELECT c.id, c.available FROM codes c WHERE c.offer_id = need.offer AND c.available >= need.low
    ORDER BY c.available LIMIT need.n FOR UPDATE SKIP LOCKED) x),
have AS MATERIALIZED (SELECT offer, count(*) AS n FROM picked GROUP BY offer),
sold AS MATERIALIZED (
  SELECT p.*, nextval('orders_id_seq') AS order_id, nextval('transfers_id_seq') AS transfer_id
  FROM paid p JOIN have h ON h.offer = p.offer WHERE p.upto <= h.n),
given AS MATERIALIZED (
  SELECT x.id, x.available, s.order_id, s.k FROM picked x JOIN sold s ON s.offer = x.offer AND x.nth > s.upto - s.qty AND x.nth <= s.upto),
upd_codes AS (UPDATE codes c SET available = NULL, order_id = g.order_id FROM given g WHERE c.id = g.id),
upd_wallets AS (
  UPDATE accounts a SET balance_minor = a.balance_minor - t.spent
  FROM (SELECT wallet, CAST(sum(total) AS bigint) AS spent FROM sold GROUP BY wallet) t WHERE a.id = t.wallet),
{_WRITES}
SELECT r.k, coalesce(s.order_id, d.id) AS order_id, coalesce(r.total, d.total_minor) AS total, r.currency, d.id IS NOT NULL AS known, d.same,
  p.k IS NOT NULL AND s.k IS NULL AS short, r.offer, r.rank, (SELECT max(g.available) FROM given g WHERE g.k = r.k) AS mark
FROM req r LEFT JOIN sold s ON s.k = r.k LEFT JOIN known d ON d.k = r.k LEFT JOIN paid p ON p.k = r.k
ORDER BY r.k
""")

_ONE = """
WITH req AS MATERIALIZED (
  SELECT u.*, {facts}
  FROM (VALUES (CAST(:once AS text), CAST(:once_hash AS bytea), CAST(:storefront AS bigint), CAST(:buyer AS bigint), CAST(:sku AS bigint),
    {quantity}, CAST(:price_id AS bigint), CAST(:rules AS bigint), CAST(:hint_offer AS bigint), CAST(:hint AS bigint), CAST(:hint_rank AS bigint),
    CAST(:outside AS text), CAST(:by_key AS bigint), CAST(:asked AS int), CAST(:counted AS boolean), CAST(:callback AS text)))
    AS u(once, once_hash, storefront, buyer, sku, qty, price_id, rules, hint_offer, hint, hint_rank, outside, by_key, asked, counted, callback)
  {agreed}),
known AS MATERIALIZED (
  SELECT e.id, e.once_hash = r.once_hash AS same, e.total_minor FROM req r CROSS JOIN LATERAL (SELECT * FROM orders WHERE once = r.once LIMIT 1) e),
funded AS MATERIALIZED (
  -- The wallet before the codes, as everybody locks them: who waits for a code may have the wallet.
  SELECT r.offer, r.low FROM req r JOIN accounts a ON a.id = r.wallet
  WHERE a.balance_minor - r.total >= a.floor_minor AND NOT EXISTS (SELECT 1 FROM known) FOR UPDATE OF a),
picked AS MATERIALIZED (
  SELECT x.id, x.available FROM funded f CROSS JOIN LATERAL (
    SELECT c.id, c.available FROM codes c WHERE c.offer_id = f.offer AND c.available >= f.low
    ORDER BY c.available LIMIT {quantity} FOR UPDATE SKIP LOCKED) x),
debited AS (
  UPDATE accounts a SET balance_minor = a.balance_minor - r.total FROM req r
  WHERE a.id = r.wallet AND a.balance_minor - r.total >= a.floor_minor AND (SELECT count(*) FROM picked) = {quantity}
  RETURNING a.id),
sold AS MATERIALIZED (
  SELECT r.*, nextval('orders_id_seq') AS order_id, nextval('transfers_id_seq') AS transfer_id FROM req r, debited),
upd_codes AS (UPDATE codes c SET available = NULL, order_id = s.order_id FROM picked x, sold s WHERE c.id = x.id),
{writes}
SELECT 1 AS k, coalesce((SELECT order_id FROM sold), d.id) AS order_id, coalesce(d.total_minor, r.total) AS total, r.currency,
  d.id IS NOT NULL AS known, d.same, EXISTS (SELECT 1 FROM funded) AND (SELECT count(*) FROM picked) < {quantity} AS short, r.offer, r.rank, (SELECT max(available) FROM picked) AS mark
FROM req r LEFT JOIN known d ON true
"""


@cache
def one(quantity: int) -> TextClause:
    """The statement for one purchase; the quantity is literal, because a bound LIMIT is planned anew or badly."""
    return text(_ONE.format(facts=_FACTS, agreed=_AGREED, writes=_WRITES, quantity=quantity))


def sell(connection: Connection, asks: Sequence[dict[str, Any]], tools: Tools) -> list[Receipt | Alone]:
    """Sell what can simply be sold; the connection is in autocommit, so when this returns it is committed."""
    answers: list[Receipt | Alone] = [ALONE] * len(asks)
    small = [n for n, ask in enumerate(asks) if 1 <= ask["quantity"] <= MOST_QUANTITY]
    at = micros(tools.clock())
    if len(small) <= FEW:
        for n in small:
            row = connection.execute(one(asks[n]["quantity"]), {**_facts(asks[n], tools), "at": at}).one_or_none()
            if row is not None:
                answers[n] = _answer(asks[n], row, tools)
            else:
                _forget(asks[n]["sku_id"], tools)  # The hints may hide the only shelf that has something.
        return answers
    columns: dict[str, list[Any]] = {}
    for n in small:
        for name, value in {**_facts(asks[n], tools), "qty": asks[n]["quantity"]}.items():
            columns.setdefault(name, []).append(value)
    for row in connection.execute(_SET, {**columns, "at": at}).all():
        n = small[row.k - 1]
        answers[n] = _answer(asks[n], row, tools)
    for n in small:
        if answers[n] is ALONE:
            _forget(asks[n]["sku_id"], tools)
    return answers


def _forget(sku_id: int, tools: Tools) -> None:
    tools.low_water.pop(sku_id, None)
    tools.empty_before.pop(sku_id, None)


def _facts(ask: dict[str, Any], tools: Tools) -> dict[str, Any]:
    hint_offer, hint = tools.low_water.get(ask["sku_id"], (0, 0))
    hint_rank, since = tools.empty_before.get(ask["sku_id"], (1, tools.opened_at))
    if hint_rank > 1 and not since <= tools.clock() < since + _BELIEVED:
        # Sold-out shelves leave many dead entries in their index: looked at once in a while, and not at each sale.
        tools.empty_before.pop(ask["sku_id"])
        hint_rank = 1
    outside = ask.get("outside")
    return {
        "outside": None if outside is None else outside.number,
        "by_key": None if outside is None else outside.key_id,
        "asked": None if outside is None else outside.asked,
        "counted": False if outside is None else outside.counted,
        "callback": None if outside is None else outside.callback_url,
        "once": ask["once"],
        "once_hash": ask["once_hash"],
        "storefront": ask["storefront_id"],
        "buyer": ask["buyer_id"],
        "sku": ask["sku_id"],
        "price_id": ask["price_id"],
        "rules": ask["rules_version"],
        "hint_offer": hint_offer,
        "hint": hint,
        "hint_rank": hint_rank,
    }


def _answer(ask: dict[str, Any], row: Any, tools: Tools) -> Receipt | Alone:
    if row.order_id is None:
        if row.short:
            # Too few were found above the mark: it may hide what came back, so the next look is without it.
            _forget(ask["sku_id"], tools)
        return ALONE
    if row.known:
        return Receipt(row.order_id, number_of(row.order_id), ask["quantity"], row.total, row.currency, True) if row.same else ALONE
    tools.low_water[ask["sku_id"]] = (row.offer, row.mark)
    if tools.empty_before.get(ask["sku_id"], (1,))[0] != row.rank:
        tools.empty_before[ask["sku_id"]] = (row.rank, tools.clock())
    return Receipt(row.order_id, number_of(row.order_id), ask["quantity"], row.total, row.currency, repeated=False)
