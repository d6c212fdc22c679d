"""What must be true of how money is earned: by contracts that held, of parties that are known, and by streams that were booked."""

from __future__ import annotations

_CLOCKS_DIFFER = 2_000_000  # microseconds: an order and a contract of the same moment may be of two processes

EARNING: dict[str, str] = {
    "what ends is a contract of one offer that there was": """
        SELECT 'contract ' || k.id AS about, 'offer ' || COALESCE(k.offer_id, 0) || ', version ' || k.version || ' ends nothing' AS detail
        FROM contracts k WHERE k.ends AND NOT EXISTS (SELECT 1 FROM contracts b
            WHERE b.offer_id = k.offer_id AND b.version = k.version - 1 AND b.supplier_id = k.supplier_id AND NOT b.ends)""",
    "a claim is shared by a contract that held when it was sold": f"""
        SELECT 'claim ' || m.id AS about, 'contract ' || m.contract_id || ' of supplier ' || COALESCE(k.supplier_id, 0) AS detail
        FROM claims m LEFT JOIN contracts k ON k.id = m.contract_id
        WHERE m.contract_id IS NOT NULL AND (k.id IS NULL OR k.supplier_id <> m.supplier_id OR k.ends
            OR (k.offer_id IS NOT NULL AND k.offer_id <> m.offer_id) OR k.from_at > m.sold_at
            OR EXISTS (SELECT 1 FROM contracts n WHERE n.supplier_id = k.supplier_id AND n.version > k.version
                AND COALESCE(n.offer_id, 0) = COALESCE(k.offer_id, 0) AND n.from_at < m.sold_at - {_CLOCKS_DIFFER}))""",
    "what was booked by hand is in the books, and what was taken back too": """
        SELECT 'entry ' || e.id AS about, e.stream || ' ' || e.amount_minor || ' ' || e.currency || ', and nothing moved' AS detail
        FROM revenue_entries e WHERE NOT EXISTS (SELECT 1 FROM transfers t WHERE t.key = 'revenue:' || e.id AND t.kind = 'revenue')
            OR (e.back_at IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM transfers t WHERE t.key = 'revenue-back:' || e.id AND t.kind = 'revenue'))""",
    "who may be owed only so much has a room that sales draw down, and nobody else has": """
        SELECT 'supplier ' || x.supplier_id AS about, x.currency || ': ' || SUM(x.n) || ' more limits than rooms' AS detail FROM (
            SELECT supplier_id, currency, 1 AS n FROM exposure_limits WHERE most_owed_minor IS NOT NULL
            UNION ALL SELECT supplier_id, currency, -1 FROM owed_rooms
        ) AS x GROUP BY x.supplier_id, x.currency HAVING SUM(x.n) <> 0""",
    "who bought at a level bought as a reseller": """
        SELECT 'order ' || o.id AS about, 'level ' || o.level_id AS detail FROM orders o LEFT JOIN levels v ON v.id = o.level_id
        WHERE o.level_id IS NOT NULL AND (o.as_reseller IS NULL OR NOT o.as_reseller OR v.id IS NULL)""",
    "interest, advertising and data are earned by what was booked, and sales by what they are shared into": """
        SELECT 'account ' || a.id AS about, a.label || ': ' || t.kind || ' ' || t.key AS detail
        FROM (SELECT debit_id AS account_id, transfer_id FROM postings UNION ALL SELECT credit_id, transfer_id FROM postings) AS p
        JOIN accounts a ON a.id = p.account_id JOIN transfers t ON t.id = p.transfer_id
        WHERE a.kind = 'revenue' AND ((a.label IN ('spread', 'commission', 'service', 'discounts')) <> (t.kind = 'settlement')
            OR (a.label = 'packages') <> (t.kind = 'package')
            OR a.label NOT IN ('spread', 'commission', 'service', 'discounts', 'interest', 'advertising', 'data', 'packages'))""",
}
