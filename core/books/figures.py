"""The statements that sum a span up, from the ledger and from the tables beside it; changes nothing."""

from __future__ import annotations

from core.books.checks import E, T

# What made a transfer; the keys of transfers are theirs for ever. What is not known here is told by its kind.
_CAUSE = """
    CASE WHEN t.kind = 'sale' AND t.key LIKE 'sale:%' THEN 'sale'
         WHEN t.kind = 'deposit' AND t.key LIKE 'payment:%' THEN 'deposit'
         WHEN t.key LIKE 'given-back:%' THEN 'given-back'
         WHEN t.key LIKE 'returned:%' THEN 'returned'
         WHEN t.key LIKE 'reinstated:%' THEN 'reinstated'
         WHEN t.key LIKE 'regained:%' THEN 'regained'
         WHEN t.key LIKE 'refund:%' THEN 'refund'
         WHEN t.key LIKE 'refund-done:%' THEN 'refund-arrived'
         WHEN t.key LIKE 'refund-declined:%' THEN 'refund-declined'
         WHEN t.key LIKE 'adjust:%' THEN 'adjustment'
         WHEN t.key LIKE 'case:%' THEN 'replacement'
         WHEN t.key LIKE 'security:%' THEN 'deposited'
         WHEN t.key LIKE 'security-back:%' THEN 'deposit-back'
         WHEN t.key LIKE 'settle:%' THEN 'settle'
         WHEN t.key LIKE 'reverse:%' THEN 'reverse'
         WHEN t.key LIKE 'release:%' THEN 'release'
         WHEN t.key LIKE 'tiers:%' THEN 'tiers'
         WHEN t.key LIKE 'payout-ask:%' THEN 'payout-ask'
         WHEN t.key LIKE 'payout-back:%' THEN 'payout-back'
         WHEN t.key LIKE 'payout:%' THEN 'payout'
         WHEN t.key LIKE 'package:%' THEN 'package'
         WHEN t.key LIKE 'package-back:%' THEN 'package-back'
         WHEN t.key LIKE 'margin:%' THEN 'margin'
         WHEN t.key LIKE 'margin-back:%' THEN 'margin-back'
         WHEN t.key LIKE 'margin-lost:%' THEN 'margin-lost'
         WHEN t.key LIKE 'margin-due:%' THEN 'margin-due'
         WHEN t.key LIKE 'margin-out:%' THEN 'margin-out'
         WHEN t.key LIKE 'revenue:%' THEN 'revenue'
         WHEN t.key LIKE 'revenue-back:%' THEN 'revenue-back'
         ELSE t.kind || '-other' END
"""

MOVED = f"""
    SELECT m.cause, d.kind AS from_kind, d.label AS from_label, c.kind AS to_kind, c.label AS to_label, p.currency,
        SUM(p.amount_minor) AS minor
    FROM (SELECT t.id, {_CAUSE} AS cause FROM transfers t WHERE {T}) AS m
    JOIN postings p ON p.transfer_id = m.id JOIN accounts d ON d.id = p.debit_id JOIN accounts c ON c.id = p.credit_id
    GROUP BY m.cause, d.kind, d.label, c.kind, c.label, p.currency
"""

# What came after the span: the few whose instants have to be looked at, and all that is younger.
MOVED_SINCE = """
    SELECT d.kind AS from_kind, d.label AS from_label, c.kind AS to_kind, c.label AS to_label, s.currency, SUM(s.minor) AS minor
    FROM (
        SELECT debit_id, credit_id, currency, SUM(amount_minor) AS minor FROM (
            SELECT p.debit_id, p.credit_id, p.currency, p.amount_minor FROM transfers t JOIN postings p ON p.transfer_id = t.id
            WHERE t.id >= :t_start AND t.id < :t_end AND t.at >= :until
            UNION ALL SELECT p.debit_id, p.credit_id, p.currency, p.amount_minor FROM postings p WHERE p.transfer_id >= :t_end
        ) AS younger GROUP BY debit_id, credit_id, currency
    ) AS s JOIN accounts d ON d.id = s.debit_id JOIN accounts c ON c.id = s.credit_id
    GROUP BY d.kind, d.label, c.kind, c.label, s.currency
"""

# What is in each pot now: balances that are kept, roll-ups, and the postings since those.
KEPT = """
    SELECT kind, label, currency, SUM(minor) AS minor FROM (
        SELECT a.kind, a.label, a.currency, a.balance_minor AS minor FROM accounts a WHERE a.balance_minor IS NOT NULL
        UNION ALL
        SELECT a.kind, a.label, a.currency, COALESCE(r.credits_minor - r.debits_minor, 0)
        FROM accounts a LEFT JOIN rollups r ON r.account_id = a.id WHERE a.balance_minor IS NULL
    ) AS kept GROUP BY kind, label, currency
"""
ROLLED_UP = "SELECT COALESCE(MIN(upto_transfer_id), 0) FROM rollups"
# One sum for each account: an account that was opened after the last roll-up has no posting from before it.
FRESH = """
    SELECT a.kind, a.label, a.currency, SUM(s.minor) AS minor FROM (
        SELECT credit_id AS account_id, SUM(amount_minor) AS minor FROM postings p LEFT JOIN rollups r ON r.account_id = p.credit_id
        WHERE p.transfer_id > :low AND p.transfer_id > COALESCE(r.upto_transfer_id, :low) GROUP BY credit_id
        UNION ALL
        SELECT debit_id, -SUM(amount_minor) FROM postings p LEFT JOIN rollups r ON r.account_id = p.debit_id
        WHERE p.transfer_id > :low AND p.transfer_id > COALESCE(r.upto_transfer_id, :low) GROUP BY debit_id
    ) AS s JOIN accounts a ON a.id = s.account_id WHERE a.balance_minor IS NULL GROUP BY a.kind, a.label, a.currency
"""

SOLD = f"""
    SELECT o.currency, COUNT(*) AS orders, SUM(o.total_minor) AS sales_minor, COALESCE(SUM(k.discount_minor), 0) AS coupons_minor
    FROM transfers t JOIN orders o ON o.id = t.subject_id LEFT JOIN order_prices k ON k.order_id = o.id
    WHERE t.kind = 'sale' AND {T} GROUP BY o.currency
"""
LINES = f"""
    SELECT o.currency, l.cost_currency, SUM(l.quantity) AS codes,
        SUM(l.quantity * CASE WHEN p.wholesale_minor = l.unit_price_minor THEN l.unit_price_minor
            WHEN p.retail_minor > l.unit_price_minor THEN p.retail_minor ELSE l.unit_price_minor END) AS list_minor,
        SUM(l.quantity * l.unit_price_minor) AS goods_minor, SUM(l.quantity * l.unit_cost_minor) AS cost_minor
    FROM transfers t JOIN orders o ON o.id = t.subject_id JOIN order_lines l ON l.order_id = o.id
    LEFT JOIN prices p ON p.id = l.price_id
    WHERE t.kind = 'sale' AND {T} GROUP BY o.currency, l.cost_currency
"""

# A refund belongs to the instant of its transfer; one too small to move anything, to its own.
_REFUNDS = """
    refunds r LEFT JOIN transfers t ON t.key = 'refund:' || r.once
    WHERE r.made_at >= :near_since AND r.made_at < :near_until
      AND COALESCE(t.at, r.made_at) >= :since AND COALESCE(t.at, r.made_at) < :until
"""
REFUNDS = f"""
    SELECT r.currency, COUNT(*) AS refunds, SUM(r.amount_minor) AS refunded_minor, SUM(r.source_minor) AS to_source_minor
    FROM {_REFUNDS} GROUP BY r.currency
"""
REFUNDED_CODES = f"""
    SELECT r.currency, c.cost_currency, SUM(CASE WHEN c.returned THEN 1 ELSE 0 END) AS returned, COUNT(*) AS codes,
        SUM(CASE WHEN c.cost_back THEN c.cost_minor ELSE 0 END) AS back_minor,
        SUM(CASE WHEN c.cost_back AND x.code_id IS NOT NULL THEN c.cost_minor ELSE 0 END) AS back_replaced_minor
    FROM (SELECT r.id, r.currency FROM {_REFUNDS}) AS r JOIN refunded_codes c ON c.refund_id = r.id
    LEFT JOIN exchanged_codes x ON x.order_id = c.order_id AND x.code_id = c.code_id
    GROUP BY r.currency, c.cost_currency
"""

# A replacement belongs to the instant of its transfer; one that moved nothing between suppliers, to its decision.
_REPLACEMENTS = """
    cases c JOIN exchanged_codes x ON x.order_id = c.order_id AND x.code_id = c.replacement_code_id
    LEFT JOIN transfers t ON t.key = 'case:' || c.id || '\\:replaced'
    WHERE c.outcome = 'replaced' AND c.decided_at >= :near_since AND c.decided_at < :near_until
      AND COALESCE(t.at, c.decided_at) >= :since AND COALESCE(t.at, c.decided_at) < :until
"""
REPLACED = f"""
    SELECT x.cost_currency AS currency, COUNT(*) AS replaced, SUM(x.cost_minor) AS replaced_minor
    FROM {_REPLACEMENTS} GROUP BY x.cost_currency
"""
# What had been credited for the bad code is its supplier's to bear.
BORNE = f"""
    SELECT c.frozen_currency AS currency, SUM(c.frozen_minor) AS replaced_back_minor FROM {_REPLACEMENTS} GROUP BY c.frozen_currency
"""
CURRENCIES = "SELECT DISTINCT currency FROM storefronts"

PAID = f"""
    SELECT e.provider, e.currency, CASE WHEN i.order_id IS NULL THEN 0 ELSE 1 END AS for_order, COUNT(*) AS n,
        SUM(e.amount_minor) AS minor,
        SUM((SELECT COALESCE(SUM(p.amount_minor), 0) FROM postings p JOIN accounts a ON a.id = p.credit_id
            WHERE p.transfer_id = t.id AND a.kind = 'wallet')) AS worth_minor
    FROM payment_events e JOIN transfers t ON t.key = 'payment:' || e.provider || ':' || e.event_key
    LEFT JOIN payment_intents i ON i.id = e.intent_id
    WHERE e.kind = 'paid' AND {E} AND {T}
    GROUP BY e.provider, e.currency, CASE WHEN i.order_id IS NULL THEN 0 ELSE 1 END
"""
GIVEN_BACK = f"""
    SELECT e.provider, e.currency, COUNT(*) AS n, SUM(e.amount_minor) AS minor,
        SUM((SELECT COALESCE(SUM(p.amount_minor), 0) FROM postings p JOIN accounts a ON a.id = p.debit_id
            WHERE p.transfer_id = t.id AND a.kind = 'adjustment')) AS lost_minor
    FROM payment_events e
    JOIN transfers t ON t.key = 'given-back:' || e.provider || ':' || substr(e.event_key, 1, length(e.event_key) - length('\\:given-back'))
    WHERE e.kind = 'given-back' AND {E} AND {T} GROUP BY e.provider, e.currency
"""
RETURNED = f"""
    SELECT e.provider, e.currency, e.kind, COUNT(*) AS n, SUM(e.amount_minor) AS minor, SUM(e.charged_minor) AS charged_minor,
        SUM(COALESCE(r.lost_minor, 0)) AS lost_minor
    FROM payment_events e JOIN transfers t ON t.key = 'returned:' || e.provider || ':' || e.event_key
    LEFT JOIN payment_returns r ON r.provider = e.provider AND r.return_key = e.event_key
    WHERE e.kind IN ('part-back', 'disputed') AND {E} AND {T} GROUP BY e.provider, e.currency, e.kind
"""
PUT_BACK = f"""
    SELECT e.provider, e.currency, COUNT(*) AS n, SUM(e.amount_minor) AS minor, SUM(e.charged_minor) AS charged_minor
    FROM payment_events e JOIN transfers t ON t.key = 'reinstated:' || e.provider || ':' || e.event_key
    WHERE e.kind = 'reinstated' AND {E} AND {T} GROUP BY e.provider, e.currency
"""
REGAINED = f"""
    SELECT i.provider, i.currency, SUM(p.amount_minor) AS regained_minor
    FROM transfers t JOIN payment_intents i ON i.id = t.subject_id
    JOIN postings p ON p.transfer_id = t.id JOIN accounts c ON c.id = p.credit_id AND c.kind = 'adjustment'
    WHERE t.kind = 'refund' AND (t.key LIKE 'regained:%' OR t.key LIKE 'reinstated:%') AND {T} GROUP BY i.provider, i.currency
"""
SENT_BACK = f"""
    SELECT r.provider, r.pay_currency AS currency, COUNT(*) AS n, SUM(r.pay_minor) AS minor
    FROM (SELECT t.key, t.subject_id FROM transfers t WHERE t.kind = 'refund' AND t.key LIKE 'refund-done:%' AND {T}) AS d
    JOIN refunds r ON r.order_id = d.subject_id AND d.key = 'refund-done:' || r.id
    GROUP BY r.provider, r.pay_currency
"""
ODD = f"""
    SELECT e.provider, e.currency, COUNT(*) AS n, SUM(e.amount_minor) AS minor FROM payment_events e
    WHERE e.kind = 'paid' AND e.verdict IN ('unvalued', 'stray') AND {E} AND e.at >= :since AND e.at < :until
    GROUP BY e.provider, e.currency
"""
