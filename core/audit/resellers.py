"""What must be true of resellers and their prices, each as a question whose every row is a finding."""

from __future__ import annotations

RESELLERS = {
    "a reseller buys at wholesale prices until they end": """
        SELECT 'customer ' || r.customer_id AS about, CASE WHEN r.ended_at IS NULL THEN 'a reseller without their prices'
            ELSE 'ended, and still with their prices' END AS detail
        FROM resellers r JOIN customers c ON c.id = r.customer_id
        WHERE c.wholesale <> (r.ended_at IS NULL) OR r.storefront_id <> c.storefront_id""",
    "a level is a reseller's, and one of their storefront": """
        SELECT 'customer ' || c.id AS about, 'at level ' || c.level_id AS detail
        FROM customers c LEFT JOIN levels v ON v.id = c.level_id AND v.storefront_id = c.storefront_id
        WHERE c.level_id IS NOT NULL AND (v.id IS NULL OR NOT c.wholesale)""",
    "a price of a level or of a reseller is theirs in its storefront": """
        SELECT 'price ' || p.id AS about, CASE WHEN p.level_id IS NOT NULL THEN 'level ' || p.level_id
            ELSE 'customer ' || p.customer_id END AS detail
        FROM prices p LEFT JOIN levels v ON v.id = p.level_id AND v.storefront_id = p.storefront_id
        LEFT JOIN customers c ON c.id = p.customer_id AND c.storefront_id = p.storefront_id
        WHERE p.until IS NULL AND (p.level_id IS NOT NULL AND (v.id IS NULL OR v.closed_at IS NOT NULL)
           OR p.customer_id IS NOT NULL AND (c.id IS NULL OR NOT c.wholesale))""",
    # What was agreed and lowered since follows the shop's own price; it is never above what was agreed.
    "a price of one reseller rests on what was agreed with them": """
        SELECT 'price ' || p.id AS about, 'customer ' || p.customer_id || ' pays ' || p.retail_minor AS detail
        FROM prices p LEFT JOIN contract_prices a ON a.customer_id = p.customer_id AND a.sku_id = p.sku_id AND a.ended_at IS NULL
        WHERE p.until IS NULL AND p.customer_id IS NOT NULL
          AND (a.id IS NULL OR p.retail_minor > a.unit_minor OR COALESCE(p.ends_at, 0) <> COALESCE(a.ends_at, 0))""",
    "nobody has a price above what everybody pays, unless it was meant": """
        SELECT 'price ' || p.id AS about, p.retail_minor || ' where all pay ' || o.retail_minor AS detail
        FROM prices p JOIN prices o ON o.storefront_id = p.storefront_id AND o.sku_id = p.sku_id AND o.until IS NULL
            AND o.level_id IS NULL AND o.customer_id IS NULL
        WHERE p.until IS NULL AND (p.level_id IS NOT NULL OR p.customer_id IS NOT NULL) AND NOT p.dearer
          AND p.retail_minor > o.retail_minor""",
    # The level may have changed since, and the row may be over: but it was a row of a level, or the buyer's own.
    "nobody bought at a price that was another's": """
        SELECT 'order ' || l.order_id AS about, 'price ' || p.id || ' of customer ' || p.customer_id AS detail
        FROM order_lines l JOIN orders o ON o.id = l.order_id JOIN prices p ON p.id = l.price_id
        WHERE p.customer_id IS NOT NULL AND p.customer_id <> o.buyer_id
        UNION ALL
        SELECT 'order ' || l.order_id, 'price ' || p.id || ' of level ' || p.level_id || ', bought by no reseller'
        FROM order_lines l JOIN orders o ON o.id = l.order_id JOIN prices p ON p.id = l.price_id
        LEFT JOIN resellers r ON r.customer_id = o.buyer_id LEFT JOIN customers c ON c.id = o.buyer_id
        WHERE p.level_id IS NOT NULL AND r.customer_id IS NULL AND NOT c.wholesale""",
    "an approved application made a reseller": """
        SELECT 'reseller application ' || a.id AS about, 'customer ' || a.customer_id AS detail
        FROM reseller_applications a LEFT JOIN resellers r ON r.customer_id = a.customer_id
        WHERE a.state = 'approved' AND r.customer_id IS NULL""",
}
