"""What must always be true of what the shop buys for itself."""

from __future__ import annotations

PURCHASES = {
    "a purchase order has received what its batches brought": """
        SELECT 'purchase ' || p.id AS about, 'says ' || p.received || ', batches brought ' || COALESCE(r.n, 0) AS detail
        FROM purchase_orders p LEFT JOIN (SELECT purchase_id, SUM(quantity) AS n FROM purchase_receipts GROUP BY purchase_id) AS r
            ON r.purchase_id = p.id
        WHERE p.received <> COALESCE(r.n, 0)""",
    "a purchase order is received when all of it is here": """
        SELECT 'purchase ' || id AS about, state || ', ' || received || ' of ' || quantity AS detail FROM purchase_orders
        WHERE (state = 'received') <> (received = quantity) OR (state IN ('received', 'closed', 'cancelled')) <> (ended_at IS NOT NULL)
           OR (state IN ('draft', 'cancelled') AND received > 0)""",
    "a bought batch is counted once, and whole": """
        SELECT 'batch ' || b.id AS about, b.accepted || ' came, ' || r.n || ' were counted' AS detail
        FROM (SELECT batch_id, SUM(quantity) AS n FROM purchase_receipts GROUP BY batch_id) AS r JOIN batches b ON b.id = r.batch_id
        WHERE b.accepted <> r.n""",
    "what was bought is owed to nobody when it is sold": """
        SELECT 'offer ' || o.id AS about, 'is bought, and credits account ' || o.payable_id AS detail
        FROM offers o WHERE o.source_class = 'purchased' AND o.payable_id IS NOT NULL""",
}
