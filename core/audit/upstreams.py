"""What must always be true of upstreams: what they sell and our offers of it agree, and a resting one sells nothing."""

from __future__ import annotations

UPSTREAMS: dict[str, str] = {
    "a linked item is an offer of its own upstream": """
        SELECT 'item ' || i.id AS about, 'offer ' || i.offer_id || ' is of upstream ' || COALESCE(o.upstream_id, 0) AS detail
        FROM upstream_items i JOIN upstreams u ON u.id = i.upstream_id LEFT JOIN offers o ON o.id = i.offer_id
        WHERE i.offer_id IS NOT NULL
          AND (o.id IS NULL OR o.upstream_id IS NULL OR o.upstream_id <> i.upstream_id OR o.supplier_id <> u.supplier_id)""",
    "an offer of an upstream that sells has its item there": """
        SELECT 'offer ' || o.id AS about, 'of upstream ' || o.upstream_id || ', of no item' AS detail
        FROM offers o JOIN upstreams u ON u.id = o.upstream_id
        WHERE o.stopped_at IS NULL AND NOT EXISTS (SELECT 1 FROM upstream_items i WHERE i.offer_id = o.id)""",
    "an offer of an upstream costs what its item costs there": """
        SELECT 'offer ' || o.id AS about,
            o.cost_minor || ' ' || o.cost_currency || ', there ' || i.price_minor || ' ' || i.currency AS detail
        FROM upstream_items i JOIN offers o ON o.id = i.offer_id
        WHERE o.stopped_at IS NULL AND (o.cost_minor <> i.price_minor OR o.cost_currency <> i.currency)""",
    "what an upstream sells no more is declared by nobody": """
        SELECT 'offer ' || o.id AS about, 'declares ' || o.declared || ' of what is gone' AS detail
        FROM upstream_items i JOIN offers o ON o.id = i.offer_id
        WHERE o.stopped_at IS NULL AND o.declared > 0 AND i.gone_at IS NOT NULL""",
    "goods of an upstream are paid in advance, so nothing is owed for them": """
        SELECT 'offer ' || o.id AS about, 'credits account ' || o.payable_id AS detail
        FROM offers o JOIN upstreams u ON u.id = o.upstream_id WHERE o.payable_id IS NOT NULL""",
    "a paused or removed upstream sells nothing": """
        SELECT 'offer ' || o.id AS about, 'sells, and upstream ' || u.id || ' is ' || u.place AS detail
        FROM offers o JOIN upstreams u ON u.id = o.upstream_id
        WHERE u.place IN ('paused', 'removed') AND o.stopped_at IS NULL AND o.closed_at IS NULL""",
    "a resting upstream has failed": """
        SELECT 'upstream ' || id AS about, 'rests after ' || failures || ' failures' AS detail
        FROM upstreams WHERE open_until IS NOT NULL AND failures = 0""",
    "an order at an upstream is of an upstream": """
        SELECT 'task ' || t.id AS about, t.lane AS detail FROM tasks t JOIN offers o ON o.id = t.offer_id
        JOIN upstreams u ON u.id = o.upstream_id
        WHERE t.lane <> 'upstream:' || u.id""",
}
