"""What must be true of service packages; the same kind of questions as in `checks.py`."""

from __future__ import annotations

PACKAGES = {
    "a period of a package was paid for from its owner's wallet, once": """
        SELECT 'subscription ' || x.subscription_id AS about,
            'period ' || x.seq || ': paid ' || x.paid_minor || ', moved ' || x.moved AS detail
        FROM (SELECT s.subscription_id, s.seq, s.paid_minor, COALESCE(SUM(CASE WHEN d.kind = 'wallet' AND d.party_id = u.customer_id
                    AND c.kind = 'revenue' AND c.label = 'packages' THEN p.amount_minor END), 0) AS moved
            FROM subscription_periods s JOIN subscriptions u ON u.id = s.subscription_id
            LEFT JOIN transfers t ON t.key = 'package:' || s.subscription_id || ':' || s.seq AND t.kind = 'package'
            LEFT JOIN postings p ON p.transfer_id = t.id
            LEFT JOIN accounts d ON d.id = p.debit_id LEFT JOIN accounts c ON c.id = p.credit_id
            GROUP BY s.subscription_id, s.seq, s.paid_minor, u.customer_id) AS x
        WHERE x.moved <> x.paid_minor""",
    "what was given back of a package came to its owner's wallet": """
        SELECT 'subscription ' || x.subscription_id AS about,
            'period ' || x.seq || ': ' || x.refunded_minor || ', moved ' || x.moved AS detail
        FROM (SELECT s.subscription_id, s.seq, s.refunded_minor, COALESCE(SUM(CASE WHEN c.kind = 'wallet' AND c.party_id = u.customer_id
                    AND d.kind = 'revenue' AND d.label = 'packages' THEN p.amount_minor END), 0) AS moved
            FROM subscription_periods s JOIN subscriptions u ON u.id = s.subscription_id
            LEFT JOIN transfers t ON t.key = 'package-back:' || s.subscription_id || ':' || s.seq AND t.kind = 'package'
            LEFT JOIN postings p ON p.transfer_id = t.id
            LEFT JOIN accounts d ON d.id = p.debit_id LEFT JOIN accounts c ON c.id = p.credit_id
            GROUP BY s.subscription_id, s.seq, s.refunded_minor, u.customer_id) AS x
        WHERE x.moved <> x.refunded_minor""",
    "what was moved for a package is one of its periods": """
        SELECT t.key AS about, 'no such period' AS detail FROM transfers t WHERE t.kind = 'package' AND NOT EXISTS (
            SELECT 1 FROM subscription_periods s WHERE t.key = 'package:' || s.subscription_id || ':' || s.seq
                OR (t.key = 'package-back:' || s.subscription_id || ':' || s.seq AND s.refunded_minor > 0))""",
    "periods of a package do not overlap, and its end is that of the last": """
        SELECT 'subscription ' || a.subscription_id AS about, 'periods ' || a.seq || ' and ' || b.seq AS detail
        FROM subscription_periods a JOIN subscription_periods b ON b.subscription_id = a.subscription_id AND b.seq > a.seq
        WHERE b.since < a.until
        UNION ALL
        SELECT 'subscription ' || u.id AS about, 'its end is not that of its last period' AS detail FROM subscriptions u
        WHERE u.ended_at IS NULL AND u.until <> (SELECT MAX(s.until) FROM subscription_periods s WHERE s.subscription_id = u.id)""",
    "a package is its owner's storefront's": """
        SELECT 'subscription ' || u.id AS about, 'plan ' || u.plan_id AS detail FROM subscriptions u
        JOIN plans n ON n.id = u.plan_id JOIN customers c ON c.id = u.customer_id WHERE c.storefront_id <> n.storefront_id""",
}
