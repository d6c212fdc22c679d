"""What must be true of suppliers' money: claims, the runs that booked them, and payouts, each beside the ledger."""

from __future__ import annotations

# What each run of settlement moved, by its transfer: to suppliers (and of it to what is due), and to the shop's revenue.
_MOVED = """
    SELECT r.id, r.kind, r.supplier_minor, r.cost_minor,
        r.spread_minor + r.commission_minor + r.service_minor + r.discounts_minor AS shop_minor,
        COALESCE(SUM(CASE WHEN c.kind = 'payable' THEN p.amount_minor ELSE 0 END)
            - SUM(CASE WHEN d.kind = 'payable' THEN p.amount_minor ELSE 0 END), 0) AS theirs,
        COALESCE(SUM(CASE WHEN c.kind = 'payable' AND c.label = 'due' THEN p.amount_minor ELSE 0 END)
            - SUM(CASE WHEN d.kind = 'payable' AND d.label = 'due' THEN p.amount_minor ELSE 0 END), 0) AS due,
        COALESCE(SUM(CASE WHEN c.kind = 'revenue' THEN p.amount_minor ELSE 0 END)
            - SUM(CASE WHEN d.kind = 'revenue' THEN p.amount_minor ELSE 0 END), 0) AS ours,
        COALESCE(SUM(CASE WHEN (c.kind = 'payable' AND c.party_id <> r.supplier_id) OR (d.kind = 'payable' AND d.party_id <> r.supplier_id)
            OR p.currency <> r.currency THEN 1 ELSE 0 END), 0) AS astray,
        (SELECT MAX(CASE WHEN x.released THEN 1 ELSE 0 END) FROM claim_reversals x WHERE x.run_id = r.id) AS released
    FROM settlement_runs r LEFT JOIN transfers t ON t.key = r.kind || '\\:' || r.id AND t.kind = 'settlement'
    LEFT JOIN postings p ON p.transfer_id = t.id
    LEFT JOIN accounts c ON c.id = p.credit_id LEFT JOIN accounts d ON d.id = p.debit_id
    GROUP BY r.id, r.kind, r.supplier_minor, r.cost_minor, r.spread_minor, r.commission_minor, r.service_minor, r.discounts_minor
"""

# What lies in the pots of each supplier, by label.
_POTS = """
    SELECT a.party_id, a.currency, a.label, SUM(s.minor) AS minor FROM accounts a JOIN (
        SELECT credit_id AS account_id, amount_minor AS minor FROM postings
        UNION ALL SELECT debit_id, -amount_minor FROM postings) AS s ON s.account_id = a.id
    WHERE a.kind = 'payable' GROUP BY a.party_id, a.currency, a.label
"""

SETTLEMENT = {
    "the parts of a claim are its price": """
        SELECT 'claim ' || id AS about, supplier_minor || ' + ' || spread_minor || ' + ' || commission_minor || ' + ' || service_minor
            || ', and not ' || price_minor AS detail
        FROM claims WHERE supplier_minor + spread_minor + commission_minor + service_minor <> price_minor
            OR supplier_minor < 0 OR discounts_minor > 0 OR discounts_minor + price_minor < 0""",
    "a claim is of a line as it was sold": """
        SELECT 'claim ' || k.id AS about, 'order ' || k.order_id || ', line ' || k.seq || ', ' || k.units || ' units' AS detail
        FROM claims k JOIN orders o ON o.id = k.order_id
        LEFT JOIN order_lines l ON l.order_id = k.order_id AND l.seq = k.seq AND l.offer_id = k.offer_id
        LEFT JOIN prices p ON p.id = l.price_id -- in a reseller's storefront the shop's part is shared, and not their margin
        WHERE k.code_id = 0 AND (l.order_id IS NULL OR o.state NOT IN ('issued', 'refunded') OR l.quantity <> k.units
            OR l.unit_cost_minor * l.quantity <> k.cost_minor
            OR (k.currency = o.currency AND COALESCE(p.house_minor, l.unit_price_minor) * l.quantity <> k.price_minor))""",
    "the claims of an order sum to the cost that its sale credited their supplier with": """
        SELECT 'order ' || order_id AS about, 'supplier ' || supplier_id || ': credited less claimed is ' || SUM(n) AS detail FROM (
            SELECT order_id, supplier_id, currency, -cost_minor AS n FROM claims WHERE code_id = 0
            UNION ALL SELECT t.subject_id, a.party_id, p.currency, p.amount_minor FROM transfers t
                JOIN postings p ON p.transfer_id = t.id JOIN accounts a ON a.id = p.credit_id AND a.kind = 'payable'
                WHERE t.kind = 'sale' AND EXISTS (SELECT 1 FROM claims k
                    WHERE k.order_id = t.subject_id AND k.supplier_id = a.party_id AND k.code_id = 0)
        ) AS sides GROUP BY order_id, supplier_id, currency HAVING SUM(n) <> 0""",
    "a claim of a single code is of one that came in another's place": """
        SELECT 'claim ' || k.id AS about, 'order ' || k.order_id || ', code ' || k.code_id AS detail
        FROM claims k LEFT JOIN exchanged_codes x ON x.order_id = k.order_id AND x.code_id = k.code_id AND x.offer_id = k.offer_id
        WHERE k.code_id <> 0 AND (x.code_id IS NULL OR x.cost_minor <> k.cost_minor OR k.units <> 1)""",
    "nothing is claimed twice": """
        SELECT 'order ' || order_id AS about, 'line ' || seq || ', code ' || code_id || ': ' || COUNT(*) || ' claims' AS detail
        FROM claims GROUP BY order_id, seq, code_id HAVING COUNT(*) > 1""",
    "units of a claim were taken back one after the other, each with its share": """
        SELECT 'claim ' || k.id AS about, k.reversed_units || ' of ' || k.units || ' units, by reversals ' || COALESCE(r.n, 0) || ' with '
            || COALESCE(r.supplier_minor, 0) || ' of ' || k.supplier_minor AS detail
        FROM claims k LEFT JOIN (SELECT claim_id, SUM(units) AS n, SUM(supplier_minor) AS supplier_minor,
            SUM(supplier_minor + spread_minor + commission_minor + service_minor) AS all_minor, SUM(cost_minor) AS cost_minor
            FROM claim_reversals GROUP BY claim_id) AS r ON r.claim_id = k.id
        WHERE k.reversed_units <> COALESCE(r.n, 0) OR (k.state = 'reversed') <> (k.reversed_units = k.units)
            OR COALESCE(r.supplier_minor, 0) <> k.supplier_minor * k.reversed_units / k.units
            OR COALESCE(r.cost_minor, 0) <> k.cost_minor / k.units * k.reversed_units
            OR COALESCE(r.all_minor, 0) <> k.price_minor * k.reversed_units / k.units""",
    "a run is the sum of its claims": """
        SELECT 'run ' || r.id AS about, r.kind || ' ' || r.supplier_minor || ' and ' || r.commission_minor || ', its claims '
            || COALESCE(x.supplier_minor, 0) || ' and ' || COALESCE(x.commission_minor, 0) AS detail
        FROM settlement_runs r LEFT JOIN (
            SELECT run_id, SUM(supplier_minor) AS supplier_minor, SUM(cost_minor) AS cost_minor, SUM(spread_minor) AS spread_minor,
                SUM(commission_minor) AS commission_minor, SUM(service_minor) AS service_minor, SUM(discounts_minor) AS discounts_minor
            FROM claims GROUP BY run_id
            UNION ALL SELECT run_id, SUM(supplier_minor), SUM(cost_minor), SUM(spread_minor), SUM(commission_minor), SUM(service_minor),
                SUM(discounts_minor) FROM claim_reversals GROUP BY run_id
            UNION ALL SELECT k.release_run_id, SUM(k.supplier_minor - COALESCE((SELECT SUM(x.supplier_minor) FROM claim_reversals x
                WHERE x.claim_id = k.id AND NOT x.released), 0)), 0, 0, 0, 0, 0
                FROM claims k WHERE k.release_run_id IS NOT NULL GROUP BY k.release_run_id
        ) AS x ON x.run_id = r.id
        WHERE r.kind <> 'tiers' AND (r.supplier_minor <> COALESCE(x.supplier_minor, 0) OR r.cost_minor <> COALESCE(x.cost_minor, 0)
            OR r.spread_minor <> COALESCE(x.spread_minor, 0) OR r.commission_minor <> COALESCE(x.commission_minor, 0)
            OR r.service_minor <> COALESCE(x.service_minor, 0) OR r.discounts_minor <> COALESCE(x.discounts_minor, 0))""",
    "a run moved in the books what it says": f"""
        SELECT 'run ' || id AS about, kind || ' ' || supplier_minor || ' less ' || cost_minor || ' and ' || shop_minor || ', booked '
            || theirs || ', due ' || due || ', revenue ' || ours AS detail
        FROM ({_MOVED}) AS m
        WHERE astray > 0
           OR theirs <> CASE kind WHEN 'settle' THEN supplier_minor - cost_minor WHEN 'reverse' THEN cost_minor - supplier_minor
                WHEN 'tiers' THEN supplier_minor ELSE 0 END
           OR due <> CASE kind WHEN 'settle' THEN 0 WHEN 'reverse' THEN CASE WHEN released = 1 THEN -supplier_minor ELSE 0 END
                ELSE supplier_minor END
           OR ours <> CASE kind WHEN 'reverse' THEN -shop_minor ELSE shop_minor END""",
    "what settlement moved is a run's": """
        SELECT key AS about, 'no run says so' AS detail FROM (SELECT key FROM transfers WHERE kind = 'settlement'
            EXCEPT SELECT kind || '\\:' || id FROM settlement_runs) AS unexplained""",
    "a claim is released after its time, and by a release": """
        SELECT 'claim ' || k.id AS about, k.state || ', to be released at ' || k.release_at || ', run at ' || COALESCE(r.at, 0) AS detail
        FROM claims k LEFT JOIN settlement_runs r ON r.id = k.release_run_id
        WHERE (k.state = 'payable' AND r.id IS NULL) OR (k.state = 'held' AND k.release_run_id IS NOT NULL)
            OR (r.id IS NOT NULL AND (r.kind <> 'release' OR r.at < k.release_at OR r.supplier_id <> k.supplier_id))""",
    "what is due is below zero only when something released was taken back": f"""
        SELECT 'supplier ' || q.party_id AS about, q.minor || ' ' || q.currency AS detail FROM ({_POTS}) AS q
        WHERE q.label = 'due' AND q.minor < 0 AND NOT EXISTS (SELECT 1 FROM claim_reversals r
            WHERE r.supplier_id = q.party_id AND r.currency = q.currency AND r.released)
          AND NOT EXISTS (SELECT 1 FROM settlement_runs r WHERE r.supplier_id = q.party_id AND r.currency = q.currency
            AND r.kind = 'tiers' AND r.supplier_minor < 0)""",
    "a window of volume gave back what it charged too much": """
        SELECT 'contract ' || contract_id AS about, 'charged ' || charged_minor || ', due ' || due_minor || ', gave back ' || adjusted_minor
            AS detail FROM tier_windows WHERE charged_minor - due_minor <> adjusted_minor
        UNION ALL SELECT 'supplier ' || supplier_id, currency || ': windows less runs is ' || SUM(minor) FROM (
            SELECT c.supplier_id, w.currency, w.adjusted_minor AS minor FROM tier_windows w JOIN contracts c ON c.id = w.contract_id
            UNION ALL SELECT supplier_id, currency, -supplier_minor FROM settlement_runs WHERE kind = 'tiers'
        ) AS sides GROUP BY supplier_id, currency HAVING SUM(minor) <> 0""",
    "what is on its way to a supplier is their open payouts": f"""
        SELECT 'supplier ' || party_id AS about, currency || ': set aside less open is ' || SUM(minor) AS detail FROM (
            SELECT party_id, currency, minor FROM ({_POTS}) AS q WHERE label = 'paying'
            UNION ALL SELECT supplier_id, currency, -amount_minor FROM payouts
                WHERE state IN ('requested', 'approved', 'sending', 'unknown')
        ) AS sides GROUP BY party_id, currency HAVING SUM(minor) <> 0""",
    "a payout left the house exactly when it was sent, once, and was approved": """
        SELECT 'payout ' || y.id AS about, y.state || ', ' || y.amount_minor || ', booked ' || y.gone || ' and back ' || y.back AS detail
        FROM (SELECT q.id, q.state, q.amount_minor, q.approved_by,
            COALESCE((SELECT SUM(p.amount_minor) FROM transfers t JOIN postings p ON p.transfer_id = t.id
                JOIN accounts d ON d.id = p.debit_id AND d.kind = 'payable' AND d.label = 'paying' AND d.party_id = q.supplier_id
                WHERE t.key = 'payout\\:' || q.id AND t.kind = 'payout'), 0) AS gone,
            COALESCE((SELECT SUM(p.amount_minor) FROM transfers t JOIN postings p ON p.transfer_id = t.id
                JOIN accounts c ON c.id = p.credit_id AND c.kind = 'payable' AND c.label = 'due' AND c.party_id = q.supplier_id
                WHERE t.key = 'payout-back\\:' || q.id AND t.kind = 'payout'), 0) AS back,
            COALESCE((SELECT SUM(p.amount_minor) FROM transfers t JOIN postings p ON p.transfer_id = t.id
                JOIN accounts d ON d.id = p.debit_id AND d.kind = 'payable' AND d.label = 'due' AND d.party_id = q.supplier_id
                WHERE t.key = 'payout-gone\\:' || q.id AND t.kind = 'payout'), 0) AS again
            FROM payouts q) AS y
        WHERE y.gone <> CASE WHEN y.state IN ('sent', 'confirmed') THEN y.amount_minor ELSE 0 END
           OR y.back - y.again <> CASE WHEN y.state = 'refused' THEN y.amount_minor ELSE 0 END
           OR (y.state NOT IN ('requested', 'refused') AND y.approved_by IS NULL)""",
    # What a provider sends may be begun before and known to be sent only later.
    "no payout was approved, or sent by hand, while its supplier was suspended": """
        SELECT 'payout ' || q.id AS about, 'suspension ' || s.id AS detail
        FROM payouts q JOIN suspensions s ON s.supplier_id = q.supplier_id
        WHERE (s.at < q.approved_at AND (s.lifted_at IS NULL OR s.lifted_at > q.approved_at))
            OR (q."to" = 'words' AND s.at < q.sent_at AND (s.lifted_at IS NULL OR s.lifted_at > q.sent_at))""",
    "money of payouts is a payout's": """
        SELECT key AS about, 'no payout says so' AS detail FROM (SELECT key FROM transfers WHERE kind = 'payout'
            EXCEPT SELECT 'payout-ask\\:' || id FROM payouts EXCEPT SELECT 'payout-back\\:' || id FROM payouts
            EXCEPT SELECT 'payout-gone\\:' || id FROM payouts EXCEPT SELECT 'payout\\:' || id FROM payouts) AS unexplained""",
}
