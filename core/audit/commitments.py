"""What must always be true of commitments: what was drawn of them, and how they ended."""

from __future__ import annotations

COMMITMENTS = {
    "a commitment is drawn for what its orders have of it": """
        SELECT 'commitment ' || c.id AS about,
            'drawn ' || c.drawn || ' of ' || c.quantity || ', by its orders ' || COALESCE(d.units, 0) AS detail
        FROM commitments c
        LEFT JOIN (SELECT commitment_id, SUM(quantity - given_back) AS units FROM commitment_draws GROUP BY commitment_id) AS d
            ON d.commitment_id = c.id
        WHERE c.drawn <> COALESCE(d.units, 0) OR c.drawn < 0 OR c.drawn > c.quantity""",
    "an order draws no more of a commitment than it has of its offer, while it is in force": """
        SELECT 'order ' || order_id AS about, 'commitment ' || commitment_id || ': drew ' || drawn || ', has ' || has AS detail
        FROM (SELECT d.order_id, d.commitment_id, d.at, c.from_at, c.until, c.closed_at, d.quantity - d.given_back AS drawn,
                COALESCE((SELECT SUM(l.quantity) FROM order_lines l JOIN orders o ON o.id = l.order_id
                    AND o.state IN ('issued', 'refunded', 'fulfilling') WHERE l.order_id = d.order_id AND l.offer_id = c.offer_id), 0)
                + (SELECT COUNT(*) FROM exchanged_codes x WHERE x.order_id = d.order_id AND x.offer_id = c.offer_id) AS has
            FROM commitment_draws d JOIN commitments c ON c.id = d.commitment_id) AS draws
        WHERE (drawn > has AND closed_at IS NULL) OR at < from_at OR at >= until""",
    "a commitment ends once, when its time is over or it was called off, with who is short of what they promised": """
        SELECT 'commitment ' || id AS about,
            'drawn ' || drawn || ', brought ' || COALESCE(brought, 0) || ' of ' || quantity
            || ', short: supplier ' || COALESCE(supplier_short, 0) || ', shop ' || COALESCE(shop_short, 0) AS detail
        FROM commitments WHERE closed_at IS NOT NULL AND (brought < drawn OR brought > quantity
            OR (called_off_by IS NULL AND closed_at < until)
            OR supplier_short <> CASE WHEN called_off_by IS NOT NULL OR promised_by = 'shop' THEN 0 ELSE quantity - brought END
            OR shop_short <> CASE WHEN called_off_by IS NOT NULL OR promised_by = 'supplier' THEN 0 ELSE brought - drawn END)""",
    "a commitment is open exactly while nothing is said of how it ended": """
        SELECT 'commitment ' || id AS about, 'half ended' AS detail FROM commitments
        WHERE (closed_at IS NULL) <> (brought IS NULL) OR (closed_at IS NULL) <> (supplier_short IS NULL)
           OR (closed_at IS NULL) <> (shop_short IS NULL) OR (closed_at IS NULL AND called_off_by IS NOT NULL)""",
}
