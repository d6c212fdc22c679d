"""What must be true of kinds of products: answers, places in chats, work in steps. Written as `checks` are."""

from __future__ import annotations

from core import fulfilment

_MADE_ON_ORDER = ", ".join(f"'{name}'" for name, kind in fulfilment.all_kinds().items() if not kind.from_shelf)

KINDS = {
    "what has to be made or asked is never sold with others": f"""
        SELECT 'product ' || id AS about, 'kind ' || kind || ' does not ask' AS detail
        FROM products WHERE kind IN ({_MADE_ON_ORDER}) AND NOT asks""",
    "answers are one order's, which names them, and its buyer's": """
        SELECT 'answers ' || a.id AS about,
            'of order ' || a.order_id || ', which names ' || COALESCE(CAST(o.answers_id AS VARCHAR), 'none') AS detail
        FROM answers a JOIN orders o ON o.id = a.order_id
        WHERE o.answers_id IS NULL OR o.answers_id <> a.id OR o.buyer_id <> a.customer_id
        UNION ALL
        SELECT 'order ' || o.id, 'names answers ' || o.answers_id || ', which are not its own'
        FROM orders o LEFT JOIN answers a ON a.id = o.answers_id
        WHERE o.answers_id IS NOT NULL AND (a.id IS NULL OR a.order_id IS NULL OR a.order_id <> o.id)""",
    "nobody stays in a chat when their time is over": """
        SELECT 'membership ' || m.id AS about, 'ended a day before the newest order, and is not over' AS detail
        FROM memberships m
        WHERE m.over_at IS NULL AND m.ends_at + 86400000000 < (SELECT MAX(placed_at) FROM orders)""",
    "a place in a chat is of its order's buyer and its task": """
        SELECT 'membership ' || m.id AS about, 'order ' || m.order_id || ', task ' || m.task_id AS detail
        FROM memberships m LEFT JOIN orders o ON o.id = m.order_id LEFT JOIN tasks t ON t.id = m.task_id
        WHERE o.id IS NULL OR t.id IS NULL OR o.buyer_id <> m.customer_id OR t.order_id <> m.order_id OR m.seq > t.quantity""",
    "a step of work is paid by an order of its own, of its buyer": """
        SELECT 'milestone ' || s.id AS about, 'order ' || o.id || ' of buyer ' || o.buyer_id AS detail
        FROM milestones s JOIN orders o ON o.id = s.order_id
        LEFT JOIN service_jobs j ON j.id = s.job_id LEFT JOIN tasks t ON t.id = s.task_id
        WHERE j.id IS NULL OR o.buyer_id <> j.customer_id OR t.id IS NULL OR t.order_id <> o.id OR t.sku_id <> s.sku_id""",
    "a step's money is earned only when the step was accepted": """
        SELECT 'milestone ' || s.id AS about, 'its order is ' || o.state || ', and nobody accepted it' AS detail
        FROM milestones s JOIN orders o ON o.id = s.order_id WHERE o.state = 'issued' AND s.accepted_at IS NULL
        UNION ALL
        SELECT 'milestone ' || s.id, 'accepted, and its order is ' || o.state
        FROM milestones s JOIN orders o ON o.id = s.order_id
        WHERE s.accepted_at IS NOT NULL AND o.state IN ('pending', 'cancelled', 'expired')""",
    "work is done when every step of its quote was accepted": """
        SELECT 'job ' || j.id AS about, 'is ' || j.state AS detail FROM service_jobs j
        WHERE j.state = 'done' AND (NOT EXISTS (SELECT 1 FROM milestones s WHERE s.job_id = j.id AND s.seq > 0)
            OR EXISTS (SELECT 1 FROM milestones s WHERE s.job_id = j.id AND s.seq > 0 AND s.accepted_at IS NULL))""",
}
