"""What must be true of orders on their way, of their tasks and money, and of the rankings by which sources were chosen."""

from __future__ import annotations

# What is in escrow for each order: paid in, less given back, less taken by its sale.
_ESCROWED = """
    SELECT t.subject_id AS order_id,
        SUM(CASE WHEN c.kind = 'escrow' THEN p.amount_minor ELSE 0 END)
            - SUM(CASE WHEN d.kind = 'escrow' THEN p.amount_minor ELSE 0 END) AS minor
    FROM postings p JOIN transfers t ON t.id = p.transfer_id
    JOIN accounts c ON c.id = p.credit_id JOIN accounts d ON d.id = p.debit_id
    WHERE c.kind = 'escrow' OR d.kind = 'escrow' GROUP BY t.subject_id
"""

ROUTING = {
    "what is in escrow is the total of the orders on their way, each its own": f"""
        SELECT 'order ' || COALESCE(order_id, 0) AS about, 'its total on its way less what is in escrow is ' || SUM(n) AS detail FROM (
            SELECT id AS order_id, total_minor AS n FROM orders WHERE state = 'fulfilling'
            UNION ALL SELECT order_id, -minor FROM ({_ESCROWED}) AS kept
        ) AS sides GROUP BY order_id HAVING SUM(n) <> 0""",
    "money goes into escrow under its order's key, out of its buyer's wallet, and comes back to it": """
        SELECT 'transfer ' || t.id AS about, t.key AS detail FROM transfers t LEFT JOIN orders o ON o.id = t.subject_id
        LEFT JOIN customers w ON w.id = o.buyer_id
        WHERE t.kind = 'escrow' AND (o.id IS NULL OR COALESCE(t.party_id, 0) <> o.buyer_id
            OR (t.key <> 'escrow:' || o.id AND NOT EXISTS (
                SELECT 1 FROM tasks k WHERE k.order_id = o.id AND t.key = 'escrow-back:' || k.id AND k.ended_at IS NOT NULL))
            OR EXISTS (SELECT 1 FROM postings p JOIN accounts d ON d.id = p.debit_id JOIN accounts c ON c.id = p.credit_id
                WHERE p.transfer_id = t.id AND CASE WHEN t.key = 'escrow:' || o.id
                    THEN d.id <> w.wallet_id OR c.kind <> 'escrow' ELSE c.id <> w.wallet_id OR d.kind <> 'escrow' END))""",
    "an order is on its way exactly while one of its tasks is open": """
        SELECT 'order ' || o.id AS about, o.state || ' with ' || COUNT(k.id) || ' open tasks' AS detail
        FROM orders o LEFT JOIN tasks k ON k.order_id = o.id AND k.ended_at IS NULL
        WHERE o.state = 'fulfilling' OR k.id IS NOT NULL
        GROUP BY o.id, o.state HAVING (o.state = 'fulfilling') <> (COUNT(k.id) > 0)""",
    "an order on its way has the codes its lines name, but for what its tasks are to bring": """
        SELECT 'order ' || order_id AS about, 'offer ' || offer_id || ': bought less there and to come is ' || SUM(n) AS detail FROM (
            SELECT l.order_id, l.offer_id, l.quantity AS n FROM order_lines l JOIN orders o ON o.id = l.order_id AND o.state = 'fulfilling'
            UNION ALL SELECT c.order_id, c.offer_id, -1 FROM codes c JOIN orders o ON o.id = c.order_id AND o.state = 'fulfilling'
            UNION ALL SELECT k.order_id, k.offer_id, -(k.quantity - k.got) FROM tasks k WHERE k.ended_at IS NULL
        ) AS sides GROUP BY order_id, offer_id HAVING SUM(n) <> 0""",
    "a task has brought as many codes as it says": """
        SELECT 'task ' || task_id AS about, 'said less brought is ' || SUM(n) AS detail FROM (
            SELECT id AS task_id, got AS n FROM tasks UNION ALL SELECT task_id, -1 FROM arrived_codes WHERE NOT from_shelf
        ) AS sides GROUP BY task_id HAVING SUM(n) <> 0""",
    "what arrived is of its task's order, and of its own offer": """
        SELECT 'code ' || a.code_id AS about, 'order ' || a.order_id || ', task ' || a.task_id AS detail FROM arrived_codes a
        LEFT JOIN tasks k ON k.id = a.task_id AND k.order_id = a.order_id LEFT JOIN codes c ON c.id = a.code_id AND c.offer_id = a.offer_id
        WHERE k.id IS NULL OR c.id IS NULL OR (NOT a.from_shelf AND a.offer_id <> k.offer_id)
           -- What was refunded unseen is for sale again, and what was replaced is void.
           OR (COALESCE(c.order_id, 0) <> a.order_id
            AND NOT EXISTS (SELECT 1 FROM refunded_codes r WHERE r.code_id = a.code_id AND r.order_id = a.order_id)
            AND NOT EXISTS (SELECT 1 FROM cases x WHERE x.code_id = a.code_id AND x.order_id = a.order_id))""",
    "a task is of its offer's denomination, and is over when it has brought all": """
        SELECT 'task ' || k.id AS about, k.state || ', ' || k.got || ' of ' || k.quantity AS detail
        FROM tasks k LEFT JOIN offers f ON f.id = k.offer_id AND f.sku_id = k.sku_id
        WHERE f.id IS NULL OR (k.got = k.quantity AND k.ended_at IS NULL) OR (k.state = 'done' AND k.got = 0)
           OR (k.state IN ('asked', 'unknown') AND k.asked_at IS NULL) OR (k.held AND k.asked_at IS NOT NULL)""",
    "nothing of what was held for the staff was asked for": """
        SELECT 'task ' || k.id AS about, 'order ' || k.order_id AS detail FROM tasks k JOIN orders o ON o.id = k.order_id
        WHERE k.ended_at IS NULL AND k.asked_at IS NULL AND o.state = 'fulfilling'
          AND k.held <> (o.held_until IS NOT NULL AND o.released_at IS NULL)""",
    "the sources of a denomination are ranked from one on, all by one decision": """
        SELECT 'sku ' || sku_id AS about, COUNT(*) || ' sources, the last is ' || MAX(rank) || ', versions ' || MIN(version) || ' to '
            || MAX(version) AS detail
        FROM sources GROUP BY sku_id HAVING MIN(rank) <> 1 OR MAX(rank) <> COUNT(*) OR MIN(version) <> MAX(version)""",
    # The first order of a denomination's sources is nobody's decision: there was but one.
    "a ranking that is in force, or by which something was sold, is kept with its reasons": """
        SELECT 'sku ' || u.sku_id AS about, 'version ' || u.version AS detail FROM (
            SELECT sku_id, version FROM sources UNION SELECT sku_id, ranking_version FROM order_lines WHERE ranking_version IS NOT NULL
            UNION SELECT sku_id, ranking_version FROM tasks WHERE ranking_version IS NOT NULL
        ) AS u LEFT JOIN rankings r ON r.sku_id = u.sku_id AND r.version = u.version
        WHERE r.sku_id IS NULL AND u.version <> 1""",
    "what is declared is never below nothing": """
        SELECT 'offer ' || id AS about, 'declared ' || declared AS detail FROM offers WHERE declared < 0""",
}
