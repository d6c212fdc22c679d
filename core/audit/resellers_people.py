"""What must be true of the people of resellers, their groups and what they were shown; the same kind of questions as in `checks.py`."""

from __future__ import annotations

RESELLERS_PEOPLE = {
    # The most important one: a code is seen by who bought it, and by whom they let.
    "codes were shown to their buyer, or to somebody of theirs": """
        SELECT 'order ' || r.order_id AS about, 'shown to ' || r.to_telegram_id || ', bought by customer ' || o.buyer_id AS detail
        FROM reveals r JOIN orders o ON o.id = r.order_id JOIN customers c ON c.id = o.buyer_id
        WHERE r.to_telegram_id <> c.telegram_id
          AND NOT EXISTS (SELECT 1 FROM reseller_members m WHERE m.reseller_id = o.buyer_id AND m.telegram_id = r.to_telegram_id)""",
    "a group is one reseller's at a time": """
        SELECT 'chat ' || chat_id AS about, COUNT(*) || ' resellers' AS detail
        FROM reseller_groups WHERE unbound_at IS NULL GROUP BY storefront_id, chat_id HAVING COUNT(*) > 1""",
    "a group is bound to a customer of its storefront": """
        SELECT 'group ' || g.id AS about, 'reseller ' || g.reseller_id AS detail
        FROM reseller_groups g LEFT JOIN customers c ON c.id = g.reseller_id AND c.storefront_id = g.storefront_id WHERE c.id IS NULL""",
    "a list that was bought tells what became of each line": """
        SELECT 'list ' || id AS about, 'done by ' || COALESCE(done_by, 0) AS detail FROM reseller_lists
        WHERE (done_at IS NULL) <> (done_by IS NULL) OR (done_at IS NULL) <> (results IS NULL)
           OR (done_at IS NOT NULL AND cancelled_at IS NOT NULL)""",
    "an order of a list is its reseller's": """
        SELECT 'order ' || o.id AS about, 'key ' || o.once || ', bought by ' || o.buyer_id AS detail
        FROM orders o LEFT JOIN reseller_lists l ON l.id = CAST(SUBSTR(o.once, 6, 12) AS BIGINT)
        WHERE o.once LIKE 'list:%' AND (l.id IS NULL OR l.reseller_id <> o.buyer_id OR l.done_at IS NULL)""",
    "a number of a reseller's own is their order": """
        SELECT 'order ' || n.order_id AS about, 'number of reseller ' || n.reseller_id || ', bought by ' || o.buyer_id AS detail
        FROM reseller_numbers n JOIN orders o ON o.id = n.order_id
        WHERE o.buyer_id <> n.reseller_id OR o.once NOT LIKE 'api:' || n.reseller_id || ':%'""",
    "codes behind a link were opened by who may see them": """
        SELECT 'link of reseller ' || l.reseller_id AS about, 'opened by ' || l.opened_by AS detail
        FROM reseller_code_links l JOIN customers c ON c.id = l.reseller_id
        WHERE l.opened_by IS NOT NULL AND l.opened_by <> c.telegram_id
          AND NOT EXISTS (SELECT 1 FROM reseller_members m WHERE m.reseller_id = l.reseller_id AND m.telegram_id = l.opened_by)""",
}
