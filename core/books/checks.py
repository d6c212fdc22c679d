"""Do the tables of orders, refunds, payments and cases say what the ledger says? Each question returns only what does not agree.

Plain SQL over every table, on purpose, as in the audit: who reads the books through the commands that wrote them shares their
mistakes. A thing belongs to the instant of its transfer, so that each is in one span, whatever its own row's clock said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import column, table, text
from sqlalchemy.orm import Session

from core.database import Instant, micros
from core.money import convert_down
from core.spans import ids_around

_LISTED = 20  # of each check; all are counted
_ISSUED_WITHIN = timedelta(days=8)  # of being placed, but for very late money, which the audit looks at
_LAST = 1 << 62

# The transfers of a span, the events and orders that may be theirs, and what has no transfer by its own instant.
T = "t.id >= :t_start AND t.id < :t_end AND t.at >= :since AND t.at < :until"
E = "e.id >= :e_start AND e.id < :e_end"

# What payers bore, as booked: in the shop's own currency, what rounding to a whole coin added is in it.
_BORNE = "CASE WHEN i.currency = i.worth_currency THEN i.amount_minor - i.worth_minor ELSE i.fee_minor END"

# The payments of which something went back past the shop, or came back, in the span.
_TOUCHED = f"""(SELECT t.subject_id FROM transfers t
    WHERE t.kind = 'refund' AND (t.key LIKE 'returned:%' OR t.key LIKE 'reinstated:%' OR t.key LIKE 'regained:%') AND {T})"""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something on which the ledger and another table do not agree: what should be true, what it is about, and what is there."""

    check: str
    about: str
    detail: str


def bounds(session: Session, since: datetime | None, until: datetime | None) -> dict[str, Any]:
    """What the statements of this module and of `figures` are asked with; without instants, all of time."""
    if since is None or until is None:
        ids = {f"{name}_{end}": bound for name in "teo" for end, bound in (("start", 0), ("end", _LAST))}
        return {**ids, "since": -_LAST, "until": _LAST}
    # Arithmetic in a zone is done on its clocks: in UTC an hour is an hour.
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    asked: dict[str, Any] = {"since": micros(since), "until": micros(until)}
    for name, of, at, begins in (
        ("t", "transfers", "at", since),
        ("e", "payment_events", "at", since),
        ("o", "orders", "placed_at", since - _ISSUED_WITHIN),
    ):
        rows = table(of, column("id"), column(at, Instant))
        asked[f"{name}_start"], asked[f"{name}_end"] = ids_around(session, rows.c.id, rows.c[at], begins, until)
    return asked


CHECKS: dict[str, str] = {
    "a sale takes its order's total from its buyer's wallet": f"""
        SELECT 'transfer ' || t.id AS about,
            'order ' || COALESCE(t.subject_id, 0) || ': ' || COALESCE(o.state, 'is not there') || ', total ' || COALESCE(o.total_minor, 0)
            || ', charged ' || COALESCE(SUM(p.amount_minor), 0) AS detail
        FROM transfers t LEFT JOIN orders o ON o.id = t.subject_id LEFT JOIN customers c ON c.id = o.buyer_id
        LEFT JOIN postings p ON p.transfer_id = t.id AND p.currency = o.currency
            AND p.debit_id = CASE WHEN EXISTS (SELECT 1 FROM transfers x WHERE x.key = 'escrow:' || o.id)
                THEN (SELECT a.id FROM accounts a JOIN storefronts f ON f.party_id = a.party_id
                    WHERE f.id = o.storefront_id AND a.kind = 'escrow' AND a.currency = o.currency)
                ELSE c.wallet_id END
        WHERE t.kind = 'sale' AND {T} GROUP BY t.id, t.subject_id, o.id, o.state, o.total_minor
        HAVING o.id IS NULL OR o.state NOT IN ('issued', 'refunded') OR COALESCE(SUM(p.amount_minor), 0) <> o.total_minor""",
    "a sold order is its lines less its discounts": f"""
        SELECT 'order ' || o.id AS about, 'total ' || o.total_minor || ', lines ' || COALESCE(SUM(l.quantity * l.unit_price_minor), 0)
            || ', discounts ' || COALESCE(k.discount_minor, 0) AS detail
        FROM transfers t JOIN orders o ON o.id = t.subject_id LEFT JOIN order_lines l ON l.order_id = o.id
        LEFT JOIN order_prices k ON k.order_id = o.id
        WHERE t.kind = 'sale' AND {T} GROUP BY o.id, o.total_minor, k.discount_minor
        HAVING COALESCE(SUM(l.quantity * l.unit_price_minor), 0) - COALESCE(k.discount_minor, 0) <> o.total_minor""",
    "an issued order has its sale": """
        SELECT 'order ' || o.id AS about, o.state || ', and no sale' AS detail FROM orders o
        WHERE o.id >= :o_start AND o.id < :o_end AND o.issued_at >= :since AND o.issued_at < :until
          AND o.state IN ('issued', 'refunded') AND NOT EXISTS (SELECT 1 FROM transfers t WHERE t.key = 'sale:' || o.id)""",
    "a payment came in at its gateway as it was reported, with its fee": f"""
        SELECT 'event ' || x.id AS about, x.provider || ' ' || x.event_key || ': reported ' || x.reported || ' ' || x.currency
            || ', at the gateway ' || x.came || ', fee ' || x.borne || ', kept ' || x.kept AS detail
        FROM (SELECT e.id, e.provider, e.event_key, e.currency, e.amount_minor AS reported, i.amount_minor AS asked, {_BORNE} AS fee_minor,
                i.kept_minor, i.worth_minor, i.currency AS asked_in,
                SUM(CASE WHEN d.kind = 'gateway' AND d.label = e.provider AND d.currency = e.currency THEN p.amount_minor ELSE 0 END)
                    AS came,
                SUM(CASE WHEN c.kind = 'fees' THEN p.amount_minor ELSE 0 END) AS borne,
                SUM(CASE WHEN d.kind = 'fees' THEN p.amount_minor ELSE 0 END) AS kept,
                SUM(CASE WHEN c.kind = 'wallet' THEN p.amount_minor ELSE 0 END) AS credited
            FROM payment_events e JOIN transfers t ON t.key = 'payment:' || e.provider || ':' || e.event_key
            JOIN postings p ON p.transfer_id = t.id JOIN accounts d ON d.id = p.debit_id JOIN accounts c ON c.id = p.credit_id
            LEFT JOIN payment_intents i ON i.id = e.intent_id
            WHERE e.kind = 'paid' AND {E} AND {T}
            GROUP BY e.id, e.provider, e.event_key, e.currency, e.amount_minor, i.amount_minor, i.fee_minor, i.kept_minor,
                i.worth_minor, i.currency, i.worth_currency) AS x
        WHERE x.came <> x.reported OR (x.asked = x.reported AND x.asked_in = x.currency
            AND (x.borne <> x.fee_minor OR x.kept <> x.kept_minor OR x.credited <> x.worth_minor))""",
    "a deposit is the credit of a reported event": f"""
        SELECT key AS about, 'no event of a provider says so' AS detail FROM (
            SELECT t.key FROM transfers t WHERE t.kind = 'deposit' AND {T}
            EXCEPT SELECT 'payment:' || e.provider || ':' || e.event_key FROM payment_events e
            WHERE e.kind = 'paid' AND e.verdict = 'credited' AND {E}) AS unexplained""",
    "what a provider gave back left its gateway": f"""
        SELECT 'event ' || x.id AS about, x.provider || ' ' || x.original || ': given back ' || x.reported || ', left the gateway '
            || x.went AS detail
        FROM (SELECT e.id, e.provider, e.original, e.amount_minor AS reported, COALESCE((
                SELECT SUM(p.amount_minor) FROM transfers t JOIN postings p ON p.transfer_id = t.id JOIN accounts c ON c.id = p.credit_id
                WHERE t.key = 'given-back:' || e.provider || ':' || e.original
                  AND c.kind = 'gateway' AND c.label = e.provider AND c.currency = e.currency), 0) AS went
            FROM (SELECT e.*, substr(e.event_key, 1, length(e.event_key) - length('\\:given-back')) AS original FROM payment_events e
                WHERE e.kind = 'given-back' AND length(e.event_key) < 190 AND {E} AND e.at >= :since AND e.at < :until) AS e
            WHERE EXISTS (SELECT 1 FROM transfers t WHERE t.key = 'payment:' || e.provider || ':' || e.original)) AS x
        WHERE x.went <> x.reported""",
    "what was taken back from a wallet was reported by a provider": f"""
        SELECT key AS about, 'no event of a provider says so' AS detail FROM (
            SELECT t.key FROM transfers t WHERE t.key LIKE 'given-back:%' AND length(t.key) < 180 AND {T}
            EXCEPT SELECT 'given-back:' || e.provider || ':' || substr(e.event_key, 1, length(e.event_key) - length('\\:given-back'))
            FROM payment_events e WHERE e.kind = 'given-back' AND {E}) AS unexplained""",
    "a refund moved its amount, and set its part for the source aside": f"""
        SELECT x.key AS about, 'refund of ' || COALESCE(r.amount_minor, 0) || ' (' || COALESCE(r.source_minor, 0)
            || ' to the source), moved ' || x.moved || ' (' || x.aside || ')' AS detail
        FROM (SELECT t.key, substr(t.key, length('refund:') + 1) AS once,
                SUM(CASE WHEN c.kind IN ('wallet', 'refunding') THEN p.amount_minor ELSE 0 END) AS moved,
                SUM(CASE WHEN c.kind = 'refunding' THEN p.amount_minor ELSE 0 END) AS aside
            FROM transfers t JOIN postings p ON p.transfer_id = t.id JOIN accounts c ON c.id = p.credit_id
            WHERE t.key LIKE 'refund:%' AND {T} GROUP BY t.key) AS x
        LEFT JOIN refunds r ON r.once = x.once
        WHERE r.id IS NULL OR r.amount_minor <> x.moved OR r.source_minor <> x.aside""",
    "a refund of money is in the ledger": """
        SELECT 'refund ' || r.id AS about, r.amount_minor || ' ' || r.currency || ', and nothing moved' AS detail FROM refunds r
        WHERE r.made_at >= :since AND r.made_at < :until AND r.amount_minor > 0
          AND NOT EXISTS (SELECT 1 FROM transfers t WHERE t.key = 'refund:' || r.once)""",
    "a refund that arrived left what was set aside, and its gateway": f"""
        SELECT 'refund ' || x.id AS about, x.state || ': ' || x.source_minor || ' set aside, ' || x.freed || ' of it moved; '
            || x.pay_minor || ' ' || x.pay_currency || ' to be paid, ' || x.paid || ' left the gateway' AS detail
        FROM (SELECT r.id, r.state, r.source_minor, r.pay_minor, r.pay_currency,
                SUM(CASE WHEN d.kind = 'refunding' THEN p.amount_minor ELSE 0 END) AS freed,
                SUM(CASE WHEN c.kind = 'gateway' AND c.label = r.provider AND c.currency = r.pay_currency
                    THEN p.amount_minor ELSE 0 END) AS paid
            FROM transfers t JOIN refunds r ON t.key = 'refund-done:' || r.id
            JOIN postings p ON p.transfer_id = t.id JOIN accounts d ON d.id = p.debit_id JOIN accounts c ON c.id = p.credit_id
            WHERE t.subject_id = r.order_id AND t.kind = 'refund' AND t.key LIKE 'refund-done:%' AND {T}
            GROUP BY r.id, r.state, r.source_minor, r.pay_minor, r.pay_currency) AS x
        WHERE x.state <> 'refunded' OR x.freed <> x.source_minor OR x.paid <> x.pay_minor""",
    "a refund that was declined is in the wallet": f"""
        SELECT 'refund ' || x.id AS about, x.state || ': ' || x.source_minor || ' set aside, ' || x.freed || ' of it moved' AS detail
        FROM (SELECT r.id, r.state, r.source_minor,
                SUM(CASE WHEN d.kind = 'refunding' AND c.kind = 'wallet' THEN p.amount_minor ELSE 0 END) AS freed
            FROM transfers t JOIN refunds r ON t.key = 'refund-declined:' || r.id
            JOIN postings p ON p.transfer_id = t.id JOIN accounts d ON d.id = p.debit_id JOIN accounts c ON c.id = p.credit_id
            WHERE t.subject_id = r.order_id AND t.kind = 'refund' AND t.key LIKE 'refund-declined:%' AND {T}
            GROUP BY r.id, r.state, r.source_minor) AS x
        WHERE x.state <> 'declined' OR x.freed <> x.source_minor""",
    "a refund that is over is in the ledger": """
        SELECT 'refund ' || r.id AS about, r.state || ', and nothing moved' AS detail FROM refunds r
        WHERE r.ended_at >= :since AND r.ended_at < :until AND r.source_minor > 0 AND r.state IN ('refunded', 'declined')
          AND NOT EXISTS (SELECT 1 FROM transfers t
            WHERE t.key = CASE WHEN r.state = 'refunded' THEN 'refund-done:' ELSE 'refund-declined:' END || r.id)""",
    "an end of a refund in the ledger is a refund's": f"""
        SELECT x.key AS about, 'no refund of order ' || COALESCE(x.subject_id, 0) || ' has it' AS detail FROM (
            SELECT t.key, t.subject_id FROM transfers t
            WHERE (t.key LIKE 'refund-done:%' OR t.key LIKE 'refund-declined:%') AND {T}) AS x
        WHERE NOT EXISTS (SELECT 1 FROM refunds r
            WHERE r.order_id = x.subject_id AND x.key IN ('refund-done:' || r.id, 'refund-declined:' || r.id))""",
    "an adjustment by hand is between a wallet and the shop": f"""
        SELECT x.key AS about, x.n || ' postings, ' || x.right_ones || ' of them between a wallet and the adjustments' AS detail FROM (
            SELECT t.key, COUNT(*) AS n, SUM(CASE WHEN (d.kind = 'wallet' AND c.kind = 'adjustment')
                OR (d.kind = 'adjustment' AND c.kind = 'wallet') THEN 1 ELSE 0 END) AS right_ones
            FROM transfers t JOIN postings p ON p.transfer_id = t.id
            JOIN accounts d ON d.id = p.debit_id JOIN accounts c ON c.id = p.credit_id
            WHERE t.key LIKE 'adjust:%' AND {T} GROUP BY t.key) AS x
        WHERE x.n <> x.right_ones OR x.n <> 1""",
    "revenue that was booked by hand came to the stream it was booked for, or was taken back from it": f"""
        SELECT x.key AS about, COALESCE(e.stream, 'no entry') || ': booked ' || COALESCE(e.amount_minor, 0) || ', moved ' || x.minor
            || ' by ' || x.label AS detail
        FROM (SELECT t.key, t.subject_id, MIN(p.currency) AS currency,
                MIN(CASE WHEN c.kind = 'revenue' THEN c.label WHEN d.kind = 'revenue' THEN d.label ELSE '' END) AS label,
                SUM(CASE WHEN d.kind = 'gateway' AND c.kind = 'revenue' THEN p.amount_minor
                    WHEN d.kind = 'revenue' AND c.kind = 'gateway' THEN -p.amount_minor ELSE 0 END) AS minor
            FROM transfers t JOIN postings p ON p.transfer_id = t.id
            JOIN accounts d ON d.id = p.debit_id JOIN accounts c ON c.id = p.credit_id
            WHERE t.kind = 'revenue' AND {T} GROUP BY t.key, t.subject_id) AS x
        LEFT JOIN revenue_entries e ON e.id = x.subject_id
            AND (x.key = 'revenue:' || e.id OR (x.key = 'revenue-back:' || e.id AND e.back_at IS NOT NULL))
        WHERE e.id IS NULL OR e.stream <> x.label OR e.currency <> x.currency
           OR x.minor <> CASE WHEN x.key LIKE 'revenue-back:%' THEN -e.amount_minor ELSE e.amount_minor END""",
    "what went back past the shop left its gateway, the balance and the losses as noted": f"""
        SELECT x.key AS about, COALESCE(x.kind, 'not reported') || ' ' || COALESCE(x.reported, 0) || ', charged ' || COALESCE(x.charged, 0)
            || ', noted ' || COALESCE(x.amount_minor, 0) || ' (' || COALESCE(x.taken_minor, 0) || ' taken, ' || COALESCE(x.lost_minor, 0)
            || ' lost); left the gateway ' || x.went || ', the balance ' || x.taken || ', lost ' || x.lost || ', fees ' || x.fees AS detail
        FROM (SELECT t.key, r.amount_minor, r.fee_minor, r.taken_minor, r.lost_minor, r.dispute_id, e.kind, e.amount_minor AS reported,
                e.charged_minor AS charged,
                SUM(CASE WHEN c.kind = 'gateway' AND c.label = e.provider AND c.currency = e.currency THEN p.amount_minor ELSE 0 END)
                    - SUM(CASE WHEN d.kind = 'gateway' AND d.label = e.provider AND d.currency = e.currency
                        THEN p.amount_minor ELSE 0 END) AS went,
                SUM(CASE WHEN d.kind = 'fees' THEN p.amount_minor ELSE 0 END)
                    - SUM(CASE WHEN c.kind = 'fees' THEN p.amount_minor ELSE 0 END) AS fees,
                SUM(CASE WHEN d.kind = 'wallet' THEN p.amount_minor ELSE 0 END) AS taken,
                SUM(CASE WHEN d.kind = 'adjustment' THEN p.amount_minor ELSE 0 END) AS lost
            FROM transfers t JOIN postings p ON p.transfer_id = t.id
            JOIN accounts d ON d.id = p.debit_id JOIN accounts c ON c.id = p.credit_id
            LEFT JOIN payment_returns r ON r.intent_id = t.subject_id AND t.key = 'returned:' || r.provider || ':' || r.return_key
            LEFT JOIN payment_events e ON e.intent_id = t.subject_id AND t.key = 'returned:' || e.provider || ':' || e.event_key
                AND e.kind IN ('part-back', 'disputed')
            WHERE t.kind = 'refund' AND t.key LIKE 'returned:%' AND {T}
            GROUP BY t.key, r.id, r.amount_minor, r.fee_minor, r.taken_minor, r.lost_minor, r.dispute_id, e.id, e.kind, e.amount_minor,
                e.charged_minor) AS x
        WHERE x.amount_minor IS NULL OR x.reported IS NULL OR x.amount_minor <> x.reported OR x.went <> x.reported + x.charged
           OR x.fees <> x.fee_minor + x.charged OR x.taken <> x.taken_minor OR x.lost <> x.lost_minor
           OR (x.kind = 'disputed') <> (x.dispute_id IS NOT NULL) OR (x.kind = 'part-back' AND x.charged <> 0)""",
    "what was put back after a dispute came in at its gateway": f"""
        SELECT x.key AS about, 'reported ' || COALESCE(x.reported, 0) || ', charged ' || COALESCE(x.charged, 0) || ', came in ' || x.came
            AS detail
        FROM (SELECT t.key, e.amount_minor AS reported, e.charged_minor AS charged,
                SUM(CASE WHEN d.kind = 'gateway' AND d.label = e.provider AND d.currency = e.currency THEN p.amount_minor ELSE 0 END)
                    - SUM(CASE WHEN c.kind = 'gateway' AND c.label = e.provider AND c.currency = e.currency
                        THEN p.amount_minor ELSE 0 END) AS came
            FROM transfers t JOIN postings p ON p.transfer_id = t.id
            JOIN accounts d ON d.id = p.debit_id JOIN accounts c ON c.id = p.credit_id
            LEFT JOIN payment_events e ON e.intent_id = t.subject_id AND t.key = 'reinstated:' || e.provider || ':' || e.event_key
                AND e.kind = 'reinstated'
            WHERE t.kind = 'refund' AND t.key LIKE 'reinstated:%' AND {T} GROUP BY t.key, e.id, e.amount_minor, e.charged_minor) AS x
        WHERE x.reported IS NULL OR x.came <> x.reported - x.charged""",
    "what was reported as gone, or as put back, past the shop is in the ledger": f"""
        SELECT 'event ' || e.id AS about, e.kind || ': ' || e.amount_minor || ' ' || e.currency || ', and nothing moved' AS detail
        FROM payment_events e
        WHERE e.kind IN ('part-back', 'disputed', 'reinstated') AND {E} AND e.at >= :since AND e.at < :until
          AND NOT EXISTS (SELECT 1 FROM transfers t WHERE t.key = CASE WHEN e.kind = 'reinstated' THEN 'reinstated:' ELSE 'returned:' END
            || e.provider || ':' || e.event_key)
        UNION ALL
        SELECT 'return ' || r.id, r.amount_minor || ', and nothing moved' FROM payment_returns r
        WHERE r.at >= :since AND r.at < :until
          AND NOT EXISTS (SELECT 1 FROM transfers t WHERE t.key = 'returned:' || r.provider || ':' || r.return_key)""",
    # Kept with each return as a sum, so it is compared with all that ever came back of its payment.
    "what came back of a payment is noted with what had gone": f"""
        SELECT 'intent ' || x.intent_id AS about, 'noted less booked: worth ' || x.worth || ', lost ' || x.lost || ', amount ' || x.amount
            AS detail
        FROM (SELECT y.intent_id, SUM(y.worth) AS worth, SUM(y.lost) AS lost, SUM(y.amount) AS amount, MAX(y.whole) AS whole FROM (
            SELECT r.intent_id, r.back_worth_minor AS worth, r.regained_minor + r.loss_back_minor AS lost, r.back_minor AS amount,
                CASE WHEN r.back_minor = r.amount_minor THEN 1 ELSE 0 END AS whole
            FROM payment_returns r WHERE r.intent_id IN {_TOUCHED}
            UNION ALL
            SELECT e.intent_id, 0, 0, -e.amount_minor, 0 FROM payment_events e
            WHERE e.kind = 'reinstated' AND e.intent_id IN {_TOUCHED}
            UNION ALL
            SELECT e.intent_id, -p.amount_minor, CASE WHEN c.kind = 'adjustment' THEN -p.amount_minor ELSE 0 END, 0, 0
            FROM payment_events e JOIN transfers t ON t.key = 'reinstated:' || e.provider || ':' || e.event_key
            JOIN postings p ON p.transfer_id = t.id JOIN accounts c ON c.id = p.credit_id
            WHERE e.kind = 'reinstated' AND c.kind IN ('wallet', 'adjustment') AND e.intent_id IN {_TOUCHED}
            UNION ALL
            SELECT i.id, 0, -p.amount_minor, 0, 0
            FROM payment_intents i JOIN refunds r ON r.order_id = i.order_id
            JOIN transfers t ON t.key IN ('regained:refund:' || r.id, 'regained:declined:' || r.id) AND t.subject_id = i.id
            JOIN postings p ON p.transfer_id = t.id JOIN accounts c ON c.id = p.credit_id
            WHERE c.kind = 'adjustment' AND i.id IN {_TOUCHED}
            UNION ALL
            SELECT i.id, 0, -p.amount_minor, 0, 0
            FROM payment_intents i JOIN tasks k ON k.order_id = i.order_id
            JOIN transfers t ON t.key = 'regained:escrow-back:' || k.id AND t.subject_id = i.id
            JOIN postings p ON p.transfer_id = t.id JOIN accounts c ON c.id = p.credit_id
            WHERE c.kind = 'adjustment' AND i.id IN {_TOUCHED}) AS y GROUP BY y.intent_id) AS x
        WHERE x.worth <> 0 OR x.lost <> 0 OR x.amount > 0 OR (x.amount < 0 AND x.whole = 0)""",
    "what was kept of a refund, because the payer had it already, is a refund's": f"""
        SELECT x.key AS about, 'moved ' || x.moved || ', ' || x.kept || ' of it from a wallet to the losses' AS detail
        FROM (SELECT t.key, t.subject_id, SUM(p.amount_minor) AS moved,
                SUM(CASE WHEN d.kind = 'wallet' AND c.kind = 'adjustment' THEN p.amount_minor ELSE 0 END) AS kept
            FROM transfers t JOIN postings p ON p.transfer_id = t.id
            JOIN accounts d ON d.id = p.debit_id JOIN accounts c ON c.id = p.credit_id
            WHERE t.kind = 'refund' AND t.key LIKE 'regained:%' AND {T} GROUP BY t.key, t.subject_id) AS x
        WHERE x.moved <> x.kept OR (NOT EXISTS (SELECT 1 FROM payment_intents i JOIN refunds r ON r.order_id = i.order_id
                WHERE i.id = x.subject_id AND x.key IN ('regained:refund:' || r.id, 'regained:declined:' || r.id)
                    AND x.kept <= r.amount_minor)
            AND NOT EXISTS (SELECT 1 FROM payment_intents i JOIN tasks k ON k.order_id = i.order_id
                JOIN transfers b ON b.key = 'escrow-back:' || k.id JOIN postings q ON q.transfer_id = b.id
                WHERE i.id = x.subject_id AND x.key = 'regained:escrow-back:' || k.id AND x.kept <= q.amount_minor))
        """,
    "a refunded code takes back the cost that was booked for it": f"""
        SELECT 'order ' || c.order_id AS about, 'code ' || c.code_id || ' takes back ' || c.cost_minor || ', booked ' || COALESCE(
            x.cost_minor, (SELECT MIN(l.unit_cost_minor) FROM order_lines l WHERE l.order_id = c.order_id AND l.offer_id = c.offer_id), 0)
            AS detail
        FROM (SELECT substr(t.key, length('refund:') + 1) AS once FROM transfers t
            WHERE t.kind = 'refund' AND t.key LIKE 'refund:%' AND {T}) AS m
        JOIN refunds r ON r.once = m.once JOIN refunded_codes c ON c.refund_id = r.id
        LEFT JOIN exchanged_codes x ON x.order_id = c.order_id AND x.code_id = c.code_id
        WHERE (x.code_id IS NOT NULL AND (x.cost_minor <> c.cost_minor OR x.cost_currency <> c.cost_currency))
           OR (x.code_id IS NULL AND NOT EXISTS (SELECT 1 FROM order_lines l WHERE l.order_id = c.order_id AND l.offer_id = c.offer_id
               AND l.unit_cost_minor = c.cost_minor AND l.cost_currency = c.cost_currency))
        -- Several lines may be of one offer: of each cost no more is taken back than was bought at it.
        UNION ALL SELECT 'order ' || b.order_id, b.n || ' codes of offer ' || b.offer_id || ' take back ' || b.cost_minor || ' each'
        FROM (SELECT c.order_id, c.offer_id, c.cost_minor, COUNT(*) AS n FROM refunded_codes c
            WHERE c.order_id IN (SELECT r.order_id FROM transfers t JOIN refunds r ON t.key = 'refund:' || r.once
                WHERE t.kind = 'refund' AND {T})
              AND NOT EXISTS (SELECT 1 FROM exchanged_codes x WHERE x.order_id = c.order_id AND x.code_id = c.code_id)
            GROUP BY c.order_id, c.offer_id, c.cost_minor) AS b
        WHERE b.n > (SELECT SUM(l.quantity) FROM order_lines l
            WHERE l.order_id = b.order_id AND l.offer_id = b.offer_id AND l.unit_cost_minor = b.cost_minor)""",
    "what suppliers gave back for a refund is what was booked for its codes": f"""
        SELECT y.key AS about, 'booked ' || y.booked || ', given back ' || y.given AS detail
        FROM (SELECT m.key, m.given, COALESCE((SELECT SUM(CASE
                    WHEN x.code_id IS NOT NULL THEN CASE WHEN x.payable_id IS NULL THEN 0 ELSE x.cost_minor END
                    -- Goods that became a supplier's after they were sold are not theirs to pay for.
                    WHEN c.cost_currency = r.currency AND EXISTS (SELECT 1 FROM transfers s JOIN postings q ON q.transfer_id = s.id
                        WHERE s.key = 'sale:' || r.order_id AND q.credit_id = o.payable_id)
                      -- Of which of its offer's lines a code is, is known by its cost.
                      AND EXISTS (SELECT 1 FROM order_lines l WHERE l.order_id = c.order_id AND l.offer_id = c.offer_id
                        AND l.unit_cost_minor = c.cost_minor AND l.cost_currency = c.cost_currency) THEN c.cost_minor
                    ELSE 0 END)
                FROM refunded_codes c LEFT JOIN exchanged_codes x ON x.order_id = c.order_id AND x.code_id = c.code_id
                LEFT JOIN offers o ON o.id = c.offer_id WHERE c.refund_id = r.id), 0) AS booked
            FROM (SELECT t.key, substr(t.key, length('refund:') + 1) AS once,
                    SUM(CASE WHEN d.kind = 'payable' THEN p.amount_minor ELSE 0 END) AS given
                FROM transfers t JOIN postings p ON p.transfer_id = t.id JOIN accounts d ON d.id = p.debit_id
                WHERE t.kind = 'refund' AND t.key LIKE 'refund:%' AND {T} GROUP BY t.key) AS m
            JOIN refunds r ON r.once = m.once) AS y
        WHERE y.booked <> y.given""",
    "a replacement moved from supplier to supplier what was booked for the two codes": """
        SELECT 'case ' || y.id AS about, 'cost ' || COALESCE(y.cost_minor, 0) || ', told ' || COALESCE(y.told_minor, 0) || ', bad one '
            || y.frozen_minor || '; given back ' || y.back || ', credited ' || y.credited AS detail
        FROM (SELECT c.id, c.frozen_minor, c.replacement_cost_minor AS told_minor, x.cost_minor, x.payable_id,
                CASE WHEN n.party_id = c.frozen_party_id AND c.frozen_minor > 0 THEN 1 ELSE 0 END AS same,
                CASE WHEN x.cost_currency = c.replacement_cost_currency THEN 1 ELSE 0 END AS told_right,
                COALESCE((SELECT SUM(p.amount_minor) FROM transfers t JOIN postings p ON p.transfer_id = t.id
                    JOIN accounts a ON a.id = p.debit_id AND a.kind = 'payable' WHERE t.key = 'case:' || c.id || '\\:replaced'), 0) AS back,
                COALESCE((SELECT SUM(p.amount_minor) FROM transfers t JOIN postings p ON p.transfer_id = t.id
                    JOIN accounts a ON a.id = p.credit_id AND a.kind = 'payable' WHERE t.key = 'case:' || c.id || '\\:replaced'), 0)
                    AS credited
            FROM cases c LEFT JOIN exchanged_codes x ON x.order_id = c.order_id AND x.code_id = c.replacement_code_id
            LEFT JOIN accounts n ON n.id = x.payable_id
            WHERE c.outcome = 'replaced' AND c.decided_at >= :since AND c.decided_at < :until) AS y
        WHERE y.cost_minor IS NULL OR y.told_right = 0 OR y.cost_minor <> y.told_minor
           OR y.back <> CASE WHEN y.same = 1 THEN 0 ELSE y.frozen_minor END
           OR y.credited <> CASE WHEN y.same = 1 OR y.payable_id IS NULL THEN 0 ELSE y.cost_minor END
           OR (y.same = 1 AND y.cost_minor <> y.frozen_minor)""",
    "money that moved for a replaced code is its case's": f"""
        SELECT x.key AS about, 'case ' || COALESCE(x.subject_id, 0) || ' did not end so' AS detail FROM (
            SELECT t.key, t.subject_id FROM transfers t WHERE t.key LIKE 'case:%\\:replaced' AND {T}) AS x
        WHERE NOT EXISTS (SELECT 1 FROM cases c WHERE c.id = x.subject_id AND c.outcome = 'replaced')""",
}

# Which of them `shop audit` asks in other words already.
AUDITED = frozenset(
    {
        "a sale takes its order's total from its buyer's wallet",
        "a sold order is its lines less its discounts",
        "an issued order has its sale",
    }
)

# Credited by their verdict, and in no account: right only when they are worth nothing.
_UNBOOKED = f"""
    SELECT e.id, e.provider, e.event_key, e.amount_minor, e.currency, i.amount_minor AS asked_minor, i.worth_minor
    FROM payment_events e LEFT JOIN payment_intents i ON i.id = e.intent_id
    WHERE e.kind = 'paid' AND e.verdict = 'credited' AND {E} AND e.at >= :since AND e.at < :until
      AND NOT EXISTS (SELECT 1 FROM transfers t WHERE t.key = 'payment:' || e.provider || ':' || e.event_key)
    ORDER BY e.id
"""
BOOKED = "a credited payment that is worth something is in the ledger"

UNDER_WAY = (
    "SELECT currency, COUNT(*) AS n, SUM(source_minor) AS minor FROM refunds WHERE state IN ('wanted', 'refunding') GROUP BY currency"
)
IN_DISPUTE = "SELECT currency, COUNT(*) AS n, SUM(amount_minor) AS minor FROM disputes WHERE state = 'open' GROUP BY currency"


def found(session: Session, asked: dict[str, Any], *, but: frozenset[str] = frozenset()) -> Iterator[Difference]:
    """The differences among what these bounds name, at most some of each check."""
    for name, question in CHECKS.items():
        if name in but:
            continue
        rows = session.execute(text(f"SELECT about, detail FROM ({question}) AS broken ORDER BY about LIMIT {_LISTED}"), asked)
        yield from (Difference(name, row.about, row.detail) for row in rows)
    for row in session.execute(text(_UNBOOKED), asked):
        # What came without an intent is valued by a rate, which the audit works out.
        if row.asked_minor is not None and convert_down(row.amount_minor, Fraction(row.worth_minor, row.asked_minor)) > 0:
            yield Difference(BOOKED, f"event {row.id}", f"{row.provider} {row.event_key}: {row.amount_minor} {row.currency}")


def differences(session: Session, since: datetime | None = None, until: datetime | None = None) -> list[Difference]:
    """Where the ledger and the tables of orders, refunds, payments and cases disagree, in a span, or ever. A part of questions.

    Without a span, what the audit asks by itself is left out.
    """
    asked = bounds(session, since, until)
    return list(found(session, asked, but=AUDITED if since is None else frozenset()))
