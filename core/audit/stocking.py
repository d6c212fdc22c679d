"""What must be true of what suppliers bring in and take back; the same kind of questions as in `checks.py`."""

from __future__ import annotations

STOCKING = {
    # A paper may expire later, and an offer may get another one: only having none at all is wrong.
    "a supplier's batch rests on a paper": """
        SELECT 'batch ' || b.id AS about, 'offer ' || o.id || ' of supplier ' || s.id || ' (' || s.standing || ') has no paper' AS detail
        FROM batches b JOIN offers o ON o.id = b.offer_id JOIN suppliers s ON s.id = o.supplier_id
        WHERE o.document_id IS NULL AND s.standing NOT IN ('own', 'creator') AND b.state <> 'rejected' AND b.accepted > 0
          AND o.upstream_id IS NULL
          -- What the shop bought is its own, and what was made for an order came by its task.
          AND o.payable_id IS NOT NULL AND b.by NOT LIKE 'task:%'
          -- What the staff bring in for somebody is theirs to answer for.
          AND EXISTS (SELECT 1 FROM supplier_members m WHERE m.supplier_id = s.id AND b.by = 'telegram:' || m.telegram_id)""",
    "an upload link is used once": """
        SELECT 'upload link ' || l.id AS about, COUNT(*) || ' batches came by it, the last is ' || MAX(b.id) AS detail
        FROM upload_links l JOIN batches b ON b.link_id = l.id AND b.state IN ('publishing', 'published')
        GROUP BY l.id HAVING COUNT(*) > 1""",
    "what came by an upload link is of its offer": """
        SELECT 'upload link ' || l.id AS about, 'is for offer ' || l.offer_id || ', batch ' || b.id || ' is of ' || b.offer_id AS detail
        FROM upload_links l JOIN batches b ON b.link_id = l.id OR b.id = l.batch_id
        WHERE b.offer_id <> l.offer_id OR (l.batch_id = b.id AND (b.link_id IS NULL OR b.link_id <> l.id))""",
    "an upload link is its offer's supplier's": """
        SELECT 'upload link ' || l.id AS about, 'supplier ' || l.supplier_id || ', offer ' || l.offer_id AS detail
        FROM upload_links l LEFT JOIN offers o ON o.id = l.offer_id WHERE o.id IS NULL OR o.supplier_id <> l.supplier_id""",
    "a code that was taken back is void": """
        SELECT 'code ' || t.code_id AS about, 'left with take-back ' || t.take_back_id || ' and is not void' AS detail
        FROM taken_codes t LEFT JOIN codes c ON c.id = t.code_id WHERE c.void_at IS NULL""",
    "a take-back has its codes": """
        SELECT 'take-back ' || b.id AS about, 'of ' || b.quantity || ', has ' || COALESCE(t.n, 0) AS detail
        FROM take_backs b LEFT JOIN (SELECT k.take_back_id, c.offer_id, COUNT(*) AS n FROM taken_codes k JOIN codes c ON c.id = k.code_id
            GROUP BY k.take_back_id, c.offer_id) AS t ON t.take_back_id = b.id AND t.offer_id = b.offer_id
        WHERE COALESCE(t.n, 0) <> b.quantity""",
}
