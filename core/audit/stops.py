"""What must be true of offers that may not sell: nothing was sold against a reason, and every reason is really there.

An audit has no clock: a shop's newest order and newest transfer say how late it is at least. Whatever a job keeps is given an hour.
"""

from __future__ import annotations

_HOUR, _MINUTE, _DAY = 3_600_000_000, 60_000_000, 86_400_000_000
_LATE = f"(SELECT MAX(placed_at) FROM orders) - {_HOUR}"

# The number of a paper's last day since 1970, by arithmetic that both databases do alike; days begin in March of year 0.
_PARTS = """
    SELECT id, CAST(SUBSTR(said, 1, 4) AS INTEGER) AS y, CAST(SUBSTR(said, 6, 2) AS INTEGER) AS m, CAST(SUBSTR(said, 9, 2) AS INTEGER) AS d
    FROM (SELECT id, CAST(expires_on AS VARCHAR(10)) AS said FROM documents WHERE expires_on IS NOT NULL) AS days
"""
_LAST_DAYS = f"""
    SELECT id, y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + d - 719469 AS last_day FROM (
        SELECT id, CASE WHEN m > 2 THEN y ELSE y - 1 END AS y, CASE WHEN m > 2 THEN m - 3 ELSE m + 9 END AS m, d FROM ({_PARTS}) AS parts
    ) AS shifted
"""

# What is owed to each supplier now, and what was credited in the hour before the newest transfer: all that time at least the rest was owed.
_OWED = f"""
    SELECT a.party_id, a.currency, SUM(s.minor) AS minor,
        SUM(CASE WHEN s.minor > 0 AND t.at > (SELECT MAX(at) FROM transfers) - {_HOUR} THEN s.minor ELSE 0 END) AS lately
    FROM accounts a JOIN (
        SELECT transfer_id, credit_id AS account_id, amount_minor AS minor FROM postings
        UNION ALL SELECT transfer_id, debit_id, -amount_minor FROM postings) AS s ON s.account_id = a.id
    JOIN transfers t ON t.id = s.transfer_id
    WHERE a.kind = 'payable' AND a.party_id IN (SELECT supplier_id FROM exposure_limits) GROUP BY a.party_id, a.currency
"""

# Every reason by when it began to hold and when it ended, and every sale of an offer that ever had one: one walk through all of them in the
# order of time says how many stood at each sale. A sale of the same minute stands before the stop; the steps of agreed work go on.
_HELD = f"""
    SELECT offer_id, at + {_MINUTE} AS since,
        CASE WHEN until IS NOT NULL AND (lifted_at IS NULL OR until < lifted_at) THEN until ELSE lifted_at END AS over
    FROM offer_stops
    WHERE why IN ('suspended', 'paper', 'takedown', 'switched-off', 'quota', 'dates', 'exposure', 'approval', 'paused', 'loss')
"""
_EVENTS = f"""
    SELECT 0 AS order_id, offer_id, since AS at, 2 AS turn, 1 AS step FROM ({_HELD}) AS held WHERE over IS NULL OR over > since
    UNION ALL SELECT 0, offer_id, over, 0, -1 FROM ({_HELD}) AS held WHERE over > since
    UNION ALL SELECT l.order_id, l.offer_id, r.placed_at, 1, 0 FROM order_lines l JOIN orders r ON r.id = l.order_id
        WHERE l.offer_id IN (SELECT offer_id FROM ({_HELD}) AS held) AND NOT EXISTS (SELECT 1 FROM milestones m WHERE m.order_id = r.id)
"""

_SELLS = "o.stopped_at IS NULL AND o.closed_at IS NULL"

STOPS: dict[str, str] = {
    "nothing was sold against a reason not to sell it": f"""
        SELECT 'order ' || order_id AS about, 'offer ' || offer_id || ' had ' || open || ' reasons not to sell' AS detail FROM (
            SELECT order_id, offer_id, turn, SUM(step) OVER (PARTITION BY offer_id ORDER BY at, turn) AS open FROM ({_EVENTS}) AS events
        ) AS told WHERE turn = 1 AND open > 0""",
    "goods of whom more is owed than the shop wants do not sell": f"""
        SELECT 'supplier ' || x.supplier_id AS about, 'offer ' || o.id || ' sells, owed ' || w.minor || ', limit '
            || x.most_owed_minor AS detail
        FROM exposure_limits x JOIN ({_OWED}) AS w ON w.party_id = x.supplier_id AND w.currency = x.currency
        JOIN offers o ON o.supplier_id = x.supplier_id AND o.cost_currency = x.currency AND o.payable_id IS NOT NULL AND {_SELLS}
        WHERE w.minor - w.lately > x.most_owed_minor AND x.at < (SELECT MAX(at) FROM transfers) - {_HOUR}
          AND o.since < (SELECT MAX(at) FROM transfers) - {_HOUR}""",
    "nothing is sold outside of the days of its offer": f"""
        SELECT 'order ' || r.id AS about, 'offer ' || o.id || ' is valid from ' || COALESCE(o.valid_from, 0) || ' until '
            || COALESCE(o.valid_until, 0) AS detail
        FROM offers o JOIN order_lines l ON l.offer_id = o.id JOIN orders r ON r.id = l.order_id
        WHERE (r.placed_at > o.valid_until + {_HOUR} OR r.placed_at < o.valid_from - {_MINUTE})
          -- The days may have been others then.
          AND r.placed_at > COALESCE(o.changed_at, o.since) AND NOT EXISTS (SELECT 1 FROM milestones m WHERE m.order_id = r.id)""",
    "where nothing is sold below its cost, no offer does": f"""
        SELECT 'offer ' || o.id AS about, 'costs ' || o.cost_minor || ', price ' || p.id || ' of storefront ' || p.storefront_id AS detail
        FROM price_rules u JOIN prices p ON p.storefront_id = u.storefront_id AND p.until IS NULL AND p.level_id IS NULL
            AND p.customer_id IS NULL
        JOIN offers o ON o.sku_id = p.sku_id AND o.cost_currency = p.currency AND {_SELLS}
        WHERE u.never_below_cost AND (o.cost_minor > p.retail_minor OR o.cost_minor > p.wholesale_minor
            OR EXISTS (SELECT 1 FROM price_tiers t WHERE t.price_id = p.id AND t.unit_minor < o.cost_minor))
          AND p.since < {_LATE} AND o.since < {_LATE}
          AND NOT EXISTS (SELECT 1 FROM offer_costs c WHERE c.offer_id = o.id AND c.taken_at >= {_LATE})
          AND NOT EXISTS (SELECT 1 FROM actions a WHERE a.did = 'set-price-rule' AND a.about = 'storefront'
            AND a.about_id = u.storefront_id AND a.at >= {_LATE})""",
    "an offer that waited for the staff was approved by one of them": """
        SELECT 'offer ' || s.offer_id AS about, 'sells by the word of ' || COALESCE(s.lifted_by, 'nobody') AS detail
        FROM offer_stops s JOIN offers o ON o.id = s.offer_id
        WHERE s.why = 'approval' AND s.lifted_at IS NOT NULL AND (
            NOT EXISTS (SELECT 1 FROM actions a WHERE a.did = 'approve-offer' AND a.about = 'offer' AND a.about_id = s.offer_id
                AND a.by = s.lifted_by AND a.at >= s.at)
            OR EXISTS (SELECT 1 FROM supplier_members m WHERE m.supplier_id = o.supplier_id AND s.lifted_by = 'telegram:' || m.telegram_id
                AND m.since <= s.lifted_at))""",
    # Three days of grace, the day that is running, and one in which the job comes by.
    "nothing was sold on a paper that had run out days before": f"""
        SELECT 'order ' || r.id AS about, 'offer ' || o.id || ' rests on document ' || d.id || ', good until ' || d.expires_on AS detail
        FROM documents d JOIN ({_LAST_DAYS}) AS x ON x.id = d.id JOIN offers o ON o.document_id = d.id
        JOIN order_lines l ON l.offer_id = o.id JOIN orders r ON r.id = l.order_id
        WHERE r.placed_at / {_DAY} > x.last_day + 5 AND r.placed_at > COALESCE(o.changed_at, o.since)
          AND NOT EXISTS (SELECT 1 FROM milestones m WHERE m.order_id = r.id)""",
}
