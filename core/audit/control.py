"""What must be true of the shop's control over supply: what is suspended, switched off, taken down or blacklisted does not sell."""

from __future__ import annotations

_SELLS = "o.stopped_at IS NULL AND o.closed_at IS NULL"

# Every category with itself and all that is above it.
_ABOVE = """
    WITH RECURSIVE above (category_id, upper_id) AS (
        SELECT id, id FROM categories
        UNION SELECT a.category_id, c.parent_id FROM above a JOIN categories c ON c.id = a.upper_id WHERE c.parent_id IS NOT NULL
    )
"""

CONTROL = {
    "an offer is closed exactly while it has an open reason to stop": """
        SELECT 'offer ' || o.id AS about, CASE WHEN o.closed_at IS NULL THEN 'not closed' ELSE 'closed' END || ', '
            || COUNT(s.id) || ' open reasons' AS detail
        FROM offers o LEFT JOIN offer_stops s ON s.offer_id = o.id AND s.lifted_at IS NULL
        GROUP BY o.id, o.closed_at HAVING (o.closed_at IS NULL) <> (COUNT(s.id) = 0)""",
    "nothing of a suspended supplier sells": f"""
        SELECT 'supplier ' || s.id AS about, 'offer ' || o.id || ' sells' AS detail
        FROM suppliers s JOIN offers o ON o.supplier_id = s.id WHERE s.suspended_at IS NOT NULL AND {_SELLS}""",
    "a supplier is suspended exactly while a suspension says so": """
        SELECT 'supplier ' || s.id AS about, COUNT(x.id) || ' open suspensions' AS detail
        FROM suppliers s LEFT JOIN suspensions x ON x.supplier_id = s.id AND x.lifted_at IS NULL
        GROUP BY s.id, s.suspended_at HAVING (s.suspended_at IS NULL) <> (COUNT(x.id) = 0)""",
    # What is moved under a switch is stopped by a job some seconds later.
    "nothing that is switched off sells": f"""
        SELECT 'switch ' || w.id AS about, 'offer ' || o.id || ' sells' AS detail
        FROM switches w JOIN offers o ON {_SELLS}
        JOIN skus k ON k.id = o.sku_id JOIN products p ON p.id = k.product_id
        WHERE w.lifted_at IS NULL AND (w.of = 'platform' OR (w.of = 'supplier' AND w.of_id = o.supplier_id)
            OR (w.of = 'product' AND w.of_id = p.id)
            OR (w.of = 'category' AND EXISTS (SELECT 1 FROM ({_ABOVE} SELECT * FROM above) AS a
                WHERE a.category_id = p.category_id AND a.upper_id = w.of_id)))""",
    "a switch that was lifted stops nothing": """
        SELECT 'switch ' || w.id AS about, 'offer ' || s.offer_id || ' is still stopped' AS detail
        FROM switches w JOIN offer_stops s ON s.why = 'switched-off' AND s.ref = 'switch:' || w.id AND s.lifted_at IS NULL
        WHERE w.lifted_at IS NOT NULL""",
    # By what the complaint froze; a brand has no column to ask.
    "nothing that a rights-holder objects to sells": f"""
        SELECT 'takedown ' || t.id AS about, 'offer ' || o.id || ' sells' AS detail
        FROM takedowns t JOIN offers o ON {_SELLS} JOIN skus k ON k.id = o.sku_id
        WHERE t.state = 'open' AND ((t.of = 'supplier' AND t.of_id = o.supplier_id) OR (t.of = 'offer' AND t.of_id = o.id)
            OR (t.of = 'sku' AND t.of_id = o.sku_id) OR (t.of = 'product' AND t.of_id = k.product_id))""",
    "what a complaint stopped is stopped until it is rejected, and no longer": """
        SELECT 'takedown ' || t.id AS about, t.state || ', offer ' || s.offer_id AS detail
        FROM takedowns t JOIN offer_stops s ON s.why = 'takedown' AND s.ref = 'takedown:' || t.id
        WHERE (t.state = 'rejected' AND s.lifted_at IS NULL) OR (t.state <> 'rejected' AND s.lifted_at IS NOT NULL)""",
    "an upheld complaint leaves no offer and no unsold code": """
        SELECT 'takedown ' || t.id AS about, 'offer ' || o.id || CASE WHEN o.stopped_at IS NULL THEN ' is not withdrawn'
            ELSE ' has unsold codes' END AS detail
        FROM takedowns t JOIN offer_stops s ON s.why = 'takedown' AND s.ref = 'takedown:' || t.id JOIN offers o ON o.id = s.offer_id
        WHERE t.state = 'upheld' AND (o.stopped_at IS NULL OR (t.voided_at IS NOT NULL AND EXISTS (SELECT 1 FROM codes c
            WHERE c.offer_id = o.id AND c.available IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.id = c.batch_id AND b.published_at > t.voided_at))))""",
    "a blacklisted code that was not sold is void": """
        SELECT 'code ' || h.code_id AS about, h.place || ' when it was found' AS detail
        FROM blacklist_hits h JOIN codes c ON c.id = h.code_id WHERE h.place IN ('shelf', 'held') AND c.void_at IS NULL""",
    "a code that was blacklisted when it was to be sent is sent by nobody but a person": """
        SELECT 'order ' || o.id AS about, 'code ' || h.code_id AS detail
        FROM blacklist_hits h JOIN orders o ON o.id = h.order_id
        WHERE h.place = 'sold' AND o.held_until IS NULL""",
    "a checked certificate has the answer that decided it": """
        SELECT 'certificate ' || c.id AS about, c.state || ' by ' || COALESCE(c.register, 'nobody') AS detail
        FROM certificate_checks c
        WHERE (c.state <> 'pending') <> (c.checked_at IS NOT NULL)
           OR (c.state <> 'pending' AND NOT EXISTS (SELECT 1 FROM certificate_answers a
                WHERE a.check_id = c.id AND a.register = c.register AND a.state = c.state))""",
}
