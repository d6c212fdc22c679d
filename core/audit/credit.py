"""What must be true of credit, each as a question whose every row is a finding."""

from __future__ import annotations


def _beside(label: str) -> str:
    """What each customer owes on the account of this label, from the postings."""
    return f"""SELECT a.party_id AS customer_id, SUM(s.minor) AS minor FROM accounts a JOIN (
            SELECT debit_id AS account_id, amount_minor AS minor FROM postings
            UNION ALL SELECT credit_id, -amount_minor FROM postings) AS s ON s.account_id = a.id
        WHERE a.kind = 'credit' AND a.label = '{label}' GROUP BY a.party_id"""


def _kept(what: str, label: str, table: str, column: str) -> str:
    return f"""
        SELECT 'customer ' || l.customer_id AS about,
            '{what}: kept ' || COALESCE(k.minor, 0) || ', by the postings ' || COALESCE(b.minor, 0) AS detail
        FROM credit_lines l LEFT JOIN ({_beside(label)}) AS b ON b.customer_id = l.customer_id
        LEFT JOIN (SELECT customer_id, SUM({column}) AS minor FROM {table} GROUP BY customer_id) AS k ON k.customer_id = l.customer_id
        WHERE COALESCE(b.minor, 0) <> COALESCE(k.minor, 0)"""


CREDIT = {
    "a wallet falls below zero only with a line of credit": """
        SELECT 'customer ' || c.id AS about, 'has ' || a.balance_minor || ', floor ' || a.floor_minor AS detail
        FROM customers c JOIN accounts a ON a.id = c.wallet_id LEFT JOIN credit_lines l ON l.customer_id = c.id
        WHERE (a.balance_minor < 0 OR a.floor_minor < 0) AND l.customer_id IS NULL""",
    "nobody can fall further than their limit, or than they have": """
        SELECT 'customer ' || l.customer_id AS about, 'limit ' || l.limit_minor || ', floor ' || a.floor_minor AS detail
        FROM credit_lines l JOIN customers c ON c.id = l.customer_id JOIN accounts a ON a.id = c.wallet_id
        WHERE a.floor_minor < -l.limit_minor AND a.floor_minor < a.balance_minor
           OR a.floor_minor < a.balance_minor AND a.floor_minor < 0 AND l.state <> 'open'
           OR a.currency <> l.currency OR l.storefront_id <> c.storefront_id""",
    "fees, interest and advances that are owed are what is kept of them": " UNION ALL ".join(
        (
            _kept("fees", "fees", "credit_invoices", "fee_left_minor"),
            _kept("interest", "interest", "credit_invoices", "interest_left_minor"),
            _kept("advances", "advance", "credit_instalments", "left_minor"),
        )
    ),
    "an account of credit is its line's": """
        SELECT 'account ' || a.id AS about, a.label || ' of party ' || a.party_id AS detail
        FROM accounts a LEFT JOIN credit_lines l ON l.customer_id = a.party_id AND l.currency = a.currency
        WHERE a.kind = 'credit' AND (l.customer_id IS NULL OR a.label NOT IN ('fees', 'interest', 'advance'))""",
    "interest and fees of an invoice were charged once, as it says": """
        SELECT 'invoice ' || i.id AS about, 'says ' || i.interest_minor || ' and ' || i.fee_minor || ', charged '
            || COALESCE(x.interest, 0) || ' and ' || COALESCE(x.fee, 0) AS detail
        FROM credit_invoices i LEFT JOIN (SELECT t.subject_id,
                SUM(CASE WHEN t.key LIKE 'credit-interest:%' THEN p.amount_minor ELSE 0 END) AS interest,
                SUM(CASE WHEN t.key LIKE 'credit-fee:%' THEN p.amount_minor ELSE 0 END) AS fee
            FROM transfers t JOIN postings p ON p.transfer_id = t.id JOIN accounts c ON c.id = p.credit_id
            WHERE t.kind = 'credit' AND c.kind = 'revenue' GROUP BY t.subject_id) AS x ON x.subject_id = i.id
        WHERE i.interest_minor <> COALESCE(x.interest, 0) OR i.fee_minor <> COALESCE(x.fee, 0)""",
    "what was repaid went where it is noted": """
        SELECT 'repayment ' || r.id AS about, 'fees ' || r.fees_minor || ', interest ' || r.interest_minor || ', instalments '
            || r.instalments_minor || '; moved ' || COALESCE(x.fees, 0) || ', ' || COALESCE(x.interest, 0) || ', '
            || COALESCE(x.advance, 0) AS detail
        FROM credit_repayments r LEFT JOIN (SELECT t.subject_id,
                SUM(CASE WHEN c.label = 'fees' THEN p.amount_minor ELSE 0 END) AS fees,
                SUM(CASE WHEN c.label = 'interest' THEN p.amount_minor ELSE 0 END) AS interest,
                SUM(CASE WHEN c.label = 'advance' THEN p.amount_minor ELSE 0 END) AS advance
            FROM transfers t JOIN postings p ON p.transfer_id = t.id
            JOIN accounts c ON c.id = p.credit_id JOIN accounts d ON d.id = p.debit_id
            WHERE t.key LIKE 'credit-repaid:%' AND c.kind = 'credit' AND d.kind = 'wallet' GROUP BY t.subject_id) AS x
            ON x.subject_id = r.id
        WHERE r.fees_minor <> COALESCE(x.fees, 0) OR r.interest_minor <> COALESCE(x.interest, 0)
           OR r.instalments_minor <> COALESCE(x.advance, 0)
           OR r.fees_minor + r.interest_minor + r.instalments_minor + r.principal_minor > r.amount_minor""",
    "an advance is the sum of its instalments, and came into the wallet": """
        SELECT 'advance ' || v.id AS about, v.amount_minor || ', instalments ' || COALESCE(k.minor, 0) || ', paid out '
            || COALESCE(p.amount_minor, 0) AS detail
        FROM credit_advances v
        LEFT JOIN (SELECT advance_id, SUM(amount_minor) AS minor FROM credit_instalments GROUP BY advance_id) AS k ON k.advance_id = v.id
        LEFT JOIN transfers t ON t.key = 'credit-advance:' || v.id LEFT JOIN postings p ON p.transfer_id = t.id
        WHERE v.amount_minor <> COALESCE(k.minor, 0) OR v.amount_minor <> COALESCE(p.amount_minor, 0)""",
    "what was granted, or written off, says by whom": """
        SELECT 'ask ' || id AS about, 'approved by ' || COALESCE(approved_by, 'nobody') AS detail
        FROM credit_asks WHERE state = 'approved' AND (approved_by IS NULL OR decided_by IS NULL OR granted_minor IS NULL)
        UNION ALL
        SELECT 'customer ' || customer_id, 'written off, said by nobody' FROM credit_lines
        WHERE state = 'written_off' AND off_by IS NULL""",
}
