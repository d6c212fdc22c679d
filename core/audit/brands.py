"""What must be true of resellers' storefronts and their margins; the same kind of questions as in `checks.py`."""

from __future__ import annotations

_HOUR_AGO = "(SELECT MAX(at) FROM transfers) - 3600000000"

_MOVED = """
    SELECT t.key, t.kind, t.subject_id, p.amount_minor, d.kind AS from_kind, d.label AS from_label, d.party_id AS from_party,
        c.kind AS to_kind, c.label AS to_label, c.party_id AS to_party
    FROM transfers t JOIN postings p ON p.transfer_id = t.id JOIN accounts d ON d.id = p.debit_id JOIN accounts c ON c.id = p.credit_id
    WHERE t.kind = 'margin'
"""

BRANDS = {
    "a reseller's storefront is run by a reseller of the shop behind it, and its money is that shop's": """
        SELECT 'brand ' || b.id AS about, 'storefront ' || f.id || ' behind ' || COALESCE(f.house_id, 0) AS detail
        FROM brands b JOIN storefronts f ON f.id = b.storefront_id LEFT JOIN storefronts h ON h.id = b.house_id
        LEFT JOIN customers c ON c.id = b.owner_id
        WHERE COALESCE(f.house_id, 0) <> b.house_id OR h.house_id IS NOT NULL OR c.storefront_id <> b.house_id OR f.party_id <> h.party_id
           OR f.sales_account_id <> h.sales_account_id OR f.currency <> h.currency
        UNION ALL
        SELECT 'storefront ' || f.id, 'a reseller''s, and nobody''s bot' FROM storefronts f
        WHERE f.house_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM brands b WHERE b.storefront_id = f.id)""",
    "a price has a part of the shop's exactly in a reseller's storefront": """
        SELECT 'price ' || p.id AS about, 'in storefront ' || f.id AS detail FROM prices p JOIN storefronts f ON f.id = p.storefront_id
        WHERE (p.house_minor IS NOT NULL) <> (f.house_id IS NOT NULL) OR (f.house_id IS NOT NULL AND p.tiered)""",
    "a margin is what its order was sold for, less the shop's part of its lines": """
        SELECT 'order ' || m.order_id AS about, 'sold ' || m.sold_minor || ' of ' || o.total_minor || ', the shop''s ' || m.house_minor
            || ' of ' || x.house AS detail
        FROM margins m JOIN orders o ON o.id = m.order_id JOIN brands b ON b.id = m.brand_id
        JOIN (SELECT l.order_id, SUM(l.quantity * p.house_minor) AS house FROM order_lines l JOIN prices p ON p.id = l.price_id
            GROUP BY l.order_id) AS x ON x.order_id = m.order_id
        WHERE o.storefront_id <> b.storefront_id OR m.sold_minor <> o.total_minor OR m.currency <> o.currency
           OR m.house_minor <> CASE WHEN x.house < o.total_minor THEN x.house ELSE o.total_minor END""",
    "a sale in a reseller's storefront has left its margin": f"""
        SELECT 'order ' || o.id AS about, 'no margin' AS detail FROM brands b JOIN orders o ON o.storefront_id = b.storefront_id
        JOIN transfers t ON t.key = 'sale:' || o.id
        WHERE t.at < {_HOUR_AGO} AND NOT EXISTS (SELECT 1 FROM margins m WHERE m.order_id = o.id)""",
    "a margin was taken back as its order was refunded": f"""
        SELECT 'order ' || m.order_id AS about, 'taken ' || m.taken_minor || ' of ' || m.margin_minor || ', refunded ' || o.refunded_minor
            AS detail
        FROM margins m JOIN orders o ON o.id = m.order_id
        WHERE m.taken_minor > m.margin_minor * o.refunded_minor / o.total_minor
           OR (m.taken_minor < m.margin_minor * o.refunded_minor / o.total_minor
               AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.order_id = o.id AND r.made_at >= {_HOUR_AGO}))""",
    "a margin is lost as far as the payment of its order, and of no buyer who lost the shop nothing": f"""
        SELECT 'order ' || x.order_id AS about,
            'lost ' || x.lost_minor || ' of ' || x.margin_minor || ', of the payment ' || x.minor AS detail
        FROM (
            SELECT m.order_id, m.lost_minor, m.taken_minor, m.margin_minor, o.total_minor, o.refunded_minor, o.buyer_id, (
                SELECT COALESCE(SUM(r.lost_minor - r.regained_minor - r.loss_back_minor), 0) FROM payment_returns r
                JOIN payment_intents i ON i.id = r.intent_id WHERE i.order_id = m.order_id) AS minor
            FROM margins m JOIN orders o ON o.id = m.order_id) AS x
        WHERE ((x.lost_minor < x.margin_minor * CASE WHEN x.refunded_minor + x.minor < x.total_minor THEN x.refunded_minor + x.minor
                ELSE x.total_minor END / x.total_minor - x.taken_minor)
            OR (x.lost_minor > 0 AND NOT EXISTS (SELECT 1 FROM payment_returns r JOIN payment_intents i ON i.id = r.intent_id
                WHERE i.customer_id = x.buyer_id AND r.lost_minor > r.regained_minor + r.loss_back_minor)))
            AND NOT EXISTS (SELECT 1 FROM payment_events e JOIN payment_intents i ON i.id = e.intent_id
                WHERE i.customer_id = x.buyer_id AND e.kind IN ('part-back', 'disputed', 'reinstated') AND e.at >= {_HOUR_AGO})
            AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.order_id = x.order_id AND r.made_at >= {_HOUR_AGO})""",
    "a margin came from the shop's sales to its reseller, and back, as it says": f"""
        SELECT 'order ' || m.order_id AS about, 'margin ' || m.margin_minor || ', taken ' || m.taken_minor || ', lost ' || m.lost_minor
            || ', moved ' || x.came
            || ' and ' || x.back || ' and ' || x.lost || ', held ' || x.held || ', released ' || x.due AS detail
        FROM margins m JOIN brands b ON b.id = m.brand_id LEFT JOIN (
            SELECT v.subject_id,
                SUM(CASE WHEN v.key = 'margin:' || v.subject_id AND v.from_kind = 'sales' AND v.to_kind = 'margin' AND v.to_label = ''
                    THEN v.amount_minor ELSE 0 END) AS came,
                SUM(CASE WHEN v.key LIKE 'margin-back:%' AND v.from_kind = 'margin' AND v.to_kind = 'sales'
                    THEN v.amount_minor ELSE 0 END) AS back,
                SUM(CASE WHEN v.key NOT LIKE 'margin-lost:%' THEN 0 WHEN v.from_kind = 'margin' AND v.to_kind = 'sales' THEN v.amount_minor
                    WHEN v.from_kind = 'sales' AND v.to_kind = 'margin' THEN -v.amount_minor ELSE 0 END) AS lost,
                SUM(CASE WHEN v.to_kind = 'margin' AND v.to_label = '' THEN v.amount_minor ELSE 0 END)
                    - SUM(CASE WHEN v.from_kind = 'margin' AND v.from_label = '' THEN v.amount_minor ELSE 0 END) AS held,
                SUM(CASE WHEN v.to_kind = 'margin' AND v.to_label = 'due' THEN v.amount_minor ELSE 0 END)
                    - SUM(CASE WHEN v.from_kind = 'margin' AND v.from_label = 'due' THEN v.amount_minor ELSE 0 END) AS due,
                MIN(CASE WHEN v.from_kind = 'margin' THEN v.from_party ELSE v.to_party END) AS least,
                MAX(CASE WHEN v.from_kind = 'margin' THEN v.from_party ELSE v.to_party END) AS most
            FROM ({_MOVED}) AS v WHERE v.key NOT LIKE 'margin-out:%' GROUP BY v.subject_id) AS x ON x.subject_id = m.order_id
        WHERE COALESCE(x.came, 0) <> m.margin_minor OR COALESCE(x.back, 0) <> m.taken_minor
           OR COALESCE(x.lost, 0) <> m.lost_minor
           OR (m.state = 'held' AND COALESCE(x.due, 0) <> 0) OR (m.state = 'released' AND COALESCE(x.held, 0) <> 0)
           OR COALESCE(x.least, b.owner_id) <> b.owner_id
           OR COALESCE(x.most, b.owner_id) <> b.owner_id""",
    "what was moved of margins is an order's, or went into its reseller's own wallet": f"""
        SELECT v.key AS about, v.from_kind || ' to ' || v.to_kind AS detail FROM ({_MOVED}) AS v
        WHERE CASE WHEN v.key LIKE 'margin-out:%'
            THEN NOT (v.from_kind = 'margin' AND v.from_label = 'due' AND v.to_kind = 'wallet' AND v.from_party = v.to_party)
            ELSE NOT EXISTS (SELECT 1 FROM margins m WHERE m.order_id = v.subject_id AND (v.key = 'margin:' || m.order_id
                OR v.key = 'margin-due:' || m.order_id OR v.key LIKE 'margin-back:' || m.order_id || ':%'
                OR v.key LIKE 'margin-lost:' || m.order_id || ':%')) END
        UNION ALL
        SELECT 'transfer ' || t.id, 'moves margins, and is of another kind' FROM transfers t JOIN postings p ON p.transfer_id = t.id
        JOIN accounts a ON a.id IN (p.debit_id, p.credit_id) WHERE a.kind = 'margin' AND t.kind <> 'margin'""",
}
