"""What must be true of how suppliers' money is kept: where it goes lies sealed, and no order's settlement is forgotten."""

from __future__ import annotations


def _sealed(table: str) -> str:
    return f"""
        SELECT '{table} ' || id AS about, CASE WHEN words <> '' THEN 'in clear beside what is sealed' ELSE 'a part of it is missing' END
            AS detail FROM {table}
        WHERE (sealed IS NULL) <> (data_key IS NULL) OR (sealed IS NULL) <> (wrapping_key_id IS NULL) OR (sealed IS NULL) = (words = '')"""


SUPPLY_MONEY: dict[str, str] = {
    "where money goes is sealed whole, or waits in clear to be sealed": " UNION ALL ".join(
        _sealed(table) for table in ("payouts", "payout_addresses")
    ),
    "an order that could not be settled has its claims when it is": """
        SELECT 'order ' || k.order_id AS about, k.tries || ' tries, and nothing is claimed' AS detail
        FROM settlement_skips k WHERE k.settled_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM claims c WHERE c.order_id = k.order_id)
            AND EXISTS (SELECT 1 FROM transfers t JOIN postings p ON p.transfer_id = t.id
                JOIN accounts a ON a.id = p.credit_id AND a.kind = 'payable' WHERE t.kind = 'sale' AND t.subject_id = k.order_id)""",
    "a quota in another currency was drawn at a rate of it": """
        SELECT 'order ' || d.order_id AS about, 'offer ' || d.offer_id || ', rate ' || d.rate_id AS detail
        FROM quota_draws d LEFT JOIN quota_contracts q ON q.id = d.quota_id LEFT JOIN rates r ON r.id = d.rate_id AND r.base = q.currency
        WHERE d.rate_id IS NOT NULL AND r.id IS NULL""",
}
