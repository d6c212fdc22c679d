"""What must be true of orders that programs make: each has its number, what it cost was counted, and what was fetched was logged."""

from __future__ import annotations

API = {
    "an order that a program made is kept under its number, by a key of its buyer": """
        SELECT 'order ' || x.order_id AS about, 'number ' || x.number || ' of customer ' || x.customer_id AS detail
        FROM outside_orders x LEFT JOIN orders o ON o.id = x.order_id AND o.buyer_id = x.customer_id
            AND o.once = 'api:' || x.customer_id || ':' || x.number
        LEFT JOIN api_keys k ON k.id = x.key_id AND k.customer_id = x.customer_id AND k.storefront_id = o.storefront_id
        WHERE o.id IS NULL OR k.id IS NULL OR k.sandbox
        UNION ALL
        SELECT 'order ' || o.id, 'of a number of its buyer (' || o.once || '), and no number is kept' FROM orders o
        WHERE o.once LIKE 'api:%' AND NOT EXISTS (SELECT 1 FROM outside_orders x WHERE x.order_id = o.id)
            AND NOT EXISTS (SELECT 1 FROM reseller_numbers n WHERE n.order_id = o.id)""",
    "a number of a reseller is one order": """
        SELECT 'customer ' || customer_id AS about, COUNT(*) || ' orders of the number ' || number AS detail
        FROM outside_orders GROUP BY customer_id, number HAVING COUNT(*) > 1""",
    "codes of a program's order are not sent to a chat unasked": """
        SELECT 'order ' || m.order_id AS about, 'message ' || m.id AS detail
        FROM outbox m JOIN outside_orders x ON x.order_id = m.order_id WHERE m.topic = 'delivery' AND m.body IS NULL""",
    "a key has spent of its day what its orders cost": """
        SELECT 'key ' || key_id AS about, 'day ' || day || ': counted less its orders is ' || SUM(minor) AS detail FROM (
            SELECT key_id, day, spent_minor AS minor FROM api_days
            UNION ALL SELECT key_id, at / 86400000000, -charged_minor FROM outside_orders WHERE counted
        ) AS sides GROUP BY key_id, day HAVING SUM(minor) <> 0""",
    "what a program's order was charged is what it cost when it was sold": """
        SELECT 'order ' || x.order_id AS about, 'charged ' || x.charged_minor || ', costs ' || o.total_minor AS detail
        FROM outside_orders x JOIN orders o ON o.id = x.order_id
        WHERE o.total_minor > x.charged_minor
           OR (o.state IN ('issued', 'refunded') AND o.short_by IS NULL AND o.total_minor <> x.charged_minor)""",
    "codes were fetched by a key of their buyer, and the log says so": """
        SELECT 'reveal ' || r.id AS about, 'order ' || r.order_id || ', fetched by nobody' AS detail
        FROM reveals r LEFT JOIN api_fetches f ON f.reveal_id = r.id AND f.order_id = r.order_id
        WHERE r.cause = 'fetched' AND f.reveal_id IS NULL
        UNION ALL
        SELECT 'fetch ' || f.reveal_id, 'order ' || f.order_id || ' by key ' || f.key_id
        FROM api_fetches f LEFT JOIN reveals r ON r.id = f.reveal_id AND r.cause = 'fetched' AND r.order_id = f.order_id
        LEFT JOIN outside_orders x ON x.order_id = f.order_id LEFT JOIN api_keys k ON k.id = f.key_id AND k.customer_id = x.customer_id
        WHERE r.id IS NULL OR x.order_id IS NULL OR k.id IS NULL""",
    "an item's version is its newest change": """
        SELECT 'item ' || i.sku_id AS about, 'version ' || i.version || ', its newest change is ' || COALESCE(MAX(c.id), 0) AS detail
        FROM api_items i LEFT JOIN api_changes c ON c.storefront_id = i.storefront_id AND c.sku_id = i.sku_id
        GROUP BY i.storefront_id, i.sku_id, i.version HAVING i.version <> COALESCE(MAX(c.id), 0)""",
    "reports are numbered by their key, and end once": """
        SELECT 'report ' || r.id AS about, 'number ' || r.sequence || ' of key ' || r.key_id AS detail
        FROM api_reports r LEFT JOIN api_keys k ON k.id = r.key_id
        WHERE k.id IS NULL OR r.sequence > k.sequence OR (r.heard_at IS NOT NULL AND r.dead_at IS NOT NULL)
           OR (r.kind = 'order') <> (r.order_id IS NOT NULL) OR (r.kind = 'item') <> (r.sku_id IS NOT NULL)""",
    "what is to be reported is of an order that a program made": """
        SELECT 'turn ' || t.id AS about, 'order ' || t.order_id || ', which no program made' AS detail
        FROM outside_turns t LEFT JOIN outside_orders x ON x.order_id = t.order_id WHERE x.order_id IS NULL""",
}
