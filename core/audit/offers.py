"""What must always be true of offers, their ranking, their costs, their quotas, and what was proposed because of them."""

from __future__ import annotations

# Codes of an order's offer that nobody had seen, and that lie on the shelf again.
_RETURNED = """(SELECT COUNT(*) FROM refunded_codes r LEFT JOIN exchanged_codes x ON x.order_id = r.order_id AND x.code_id = r.code_id
                    WHERE r.order_id = d.order_id AND r.offer_id = d.offer_id AND r.returned AND x.code_id IS NULL)"""

OFFERS = {
    "an offer stands in the ranking until it is withdrawn": """
        SELECT 'offer ' || o.id AS about, COUNT(s.offer_id) || ' places' AS detail
        FROM offers o LEFT JOIN sources s ON s.offer_id = o.id AND s.sku_id = o.sku_id
        GROUP BY o.id, o.stopped_at HAVING COUNT(s.offer_id) <> CASE WHEN o.stopped_at IS NULL THEN 1 ELSE 0 END""",
    "a ranking has no gaps, and one version": """
        SELECT 'sku ' || sku_id AS about, COUNT(*) || ' offers at ranks ' || MIN(rank) || ' to ' || MAX(rank) AS detail
        FROM sources GROUP BY sku_id
        HAVING MIN(rank) <> 1 OR MAX(rank) <> COUNT(*) OR MIN(version) <> MAX(version)""",
    "an offer is closed exactly while something stops it": """
        SELECT 'offer ' || o.id AS about, COUNT(s.id) || ' open stops' AS detail
        FROM offers o LEFT JOIN offer_stops s ON s.offer_id = o.id AND s.lifted_at IS NULL
        GROUP BY o.id, o.closed_at HAVING (COUNT(s.id) > 0) <> (o.closed_at IS NOT NULL)""",
    "an offer is plain exactly when the shelf is all there is to check": """
        SELECT 'offer ' || id AS about, 'says otherwise' AS detail FROM offers
        WHERE plain <>
            (min_quantity IS NULL AND max_quantity IS NULL AND region IS NULL AND quota_id IS NULL AND exclusive_until IS NULL
            AND NOT (payable_id IS NOT NULL AND EXISTS (SELECT 1 FROM owed_rooms r
                WHERE r.supplier_id = offers.supplier_id AND r.currency = offers.cost_currency))
            AND NOT EXISTS (SELECT 1 FROM commitments c WHERE c.offer_id = offers.id AND c.closed_at IS NULL))""",
    # One that has never had a version was made before there were any, or by hand.
    "an offer costs what its newest version in force says": """
        SELECT 'offer ' || o.id AS about,
            'costs ' || o.cost_minor || ' ' || o.cost_currency || ', version ' || c.version || ' says ' || c.cost_minor AS detail
        FROM offers o JOIN offer_costs c ON c.offer_id = o.id AND c.taken_at IS NOT NULL
        WHERE (o.cost_minor <> c.cost_minor OR o.cost_currency <> c.currency) AND NOT EXISTS (
            SELECT 1 FROM offer_costs n WHERE n.offer_id = c.offer_id AND n.taken_at IS NOT NULL
            AND (n.taken_at > c.taken_at OR (n.taken_at = c.taken_at AND n.version > c.version)))""",
    "consigned goods credit their supplier in the currency of the cost": """
        SELECT 'offer ' || o.id AS about, 'account ' || o.payable_id AS detail
        FROM offers o LEFT JOIN accounts a ON a.id = o.payable_id
        WHERE o.payable_id IS NOT NULL AND (a.id IS NULL OR a.kind <> 'payable' OR a.currency <> o.cost_currency)""",
    "a quota is drawn for what its orders have": """
        SELECT 'quota ' || q.id AS about, 'drawn ' || q.drawn_minor || ', by its orders ' || COALESCE(d.worth, 0) AS detail
        FROM quota_contracts q
        LEFT JOIN (SELECT quota_id, SUM((quantity - given_back) * face_minor) AS worth FROM quota_draws GROUP BY quota_id) AS d
            ON d.quota_id = q.id
        WHERE q.drawn_minor <> COALESCE(d.worth, 0) OR q.drawn_minor < 0 OR q.drawn_minor > q.face_total_minor""",
    "a quota is drawn by an order for the units that it has": f"""
        SELECT 'order ' || order_id AS about, 'drew for ' || drawn || ', has ' || has || ', exchanged for ' || brought AS detail
        FROM (SELECT d.order_id, d.quantity - d.given_back AS drawn,
                COALESCE((SELECT SUM(l.quantity) FROM order_lines l WHERE l.order_id = d.order_id AND l.offer_id = d.offer_id
                    AND o.state IN ('fulfilling', 'issued', 'refunded')), 0) - {_RETURNED} AS has,
                (SELECT COUNT(*) FROM exchanged_codes x WHERE x.order_id = d.order_id AND x.offer_id = d.offer_id) AS brought
            FROM quota_draws d JOIN orders o ON o.id = d.order_id) AS draws
        -- A code that came in place of another's draws too; it may be the first of its offer that does.
        WHERE drawn > has + brought OR (drawn < has AND brought = 0)""",
    "what came back, and what a source did not bring, may be drawn again, and nothing else": f"""
        SELECT 'order ' || order_id AS about, 'offer ' || offer_id || ': given back ' || given_back || ', came back ' || back AS detail
        FROM (SELECT d.order_id, d.offer_id, d.given_back, {_RETURNED} + COALESCE((SELECT SUM(k.quantity - k.got) FROM tasks k
                WHERE k.order_id = d.order_id AND k.offer_id = d.offer_id AND k.ended_at IS NOT NULL), 0) AS back
            -- Of an order that was called off as a whole all came back.
            FROM quota_draws d JOIN orders o ON o.id = d.order_id AND o.state <> 'cancelled') AS draws
        WHERE given_back <> back""",
    "an open proposal is about the cost that holds": """
        SELECT 'repricing ' || r.id AS about, 'for ' || r.cost_minor || ', the offer costs ' || o.cost_minor AS detail
        FROM repricings r JOIN offers o ON o.id = r.offer_id
        WHERE r.decided_at IS NULL AND (r.cost_minor <> o.cost_minor OR r.cost_currency <> o.cost_currency)""",
}
