"""What must be true of applications, the papers of suppliers and their deposits; each question returns only what breaks it."""

from __future__ import annotations

JOINING = {
    "an application is approved exactly when as many people approved it as it needs": """
        SELECT 'application ' || a.id AS about, a.state || ', approved by ' || COALESCE(d.n, 0) || ' of ' || a.reviewers_needed AS detail
        FROM applications a
        LEFT JOIN (SELECT application_id, version, COUNT(DISTINCT by) AS n FROM application_decisions WHERE verdict = 'approve'
            GROUP BY application_id, version) AS d ON d.application_id = a.id AND d.version = a.version
        WHERE (a.state = 'approved') <> (COALESCE(d.n, 0) >= a.reviewers_needed)""",
    "a version that was sent back or refused is over": """
        SELECT 'application ' || a.id AS about, a.state || ', of version ' || a.version || ' was said: ' || COALESCE(d.verdict, '-')
            AS detail
        FROM applications a LEFT JOIN application_decisions d
            ON d.application_id = a.id AND d.version = a.version AND d.verdict IN ('send-back', 'refuse')
        WHERE (a.state IN ('sent', 'approved') AND d.id IS NOT NULL) OR (a.state = 'sent_back' AND COALESCE(d.verdict, '') <> 'send-back')
           OR (a.state = 'refused' AND COALESCE(d.verdict, '') <> 'refuse')""",
    "two reviewers are two people, and none of them the applicant": """
        SELECT 'application ' || a.id AS about, d.by || ' decided ' || COUNT(*) || ' times, applied by ' || a.telegram_id AS detail
        FROM application_decisions d JOIN applications a ON a.id = d.application_id
        GROUP BY a.id, a.telegram_id, d.version, d.by HAVING COUNT(*) > 1 OR d.by = 'telegram:' || a.telegram_id""",
    "an approved application made a supplier for whom somebody acts, with an account, and no other did": """
        SELECT 'application ' || a.id AS about, a.state || ', supplier ' || COALESCE(a.supplier_id, 0) AS detail
        FROM applications a LEFT JOIN suppliers s ON s.id = a.supplier_id
        WHERE (a.state = 'approved') <> (s.id IS NOT NULL) OR (s.id IS NOT NULL AND (
            NOT EXISTS (SELECT 1 FROM supplier_members m WHERE m.supplier_id = s.id)
            OR NOT EXISTS (SELECT 1 FROM accounts c WHERE c.party_id = s.id AND c.kind = 'payable' AND c.label = '')))""",
    "an offer rests on a paper of its supplier": """
        SELECT 'offer ' || o.id AS about, 'document ' || o.document_id || ' of supplier ' || COALESCE(d.supplier_id, 0) AS detail
        FROM offers o LEFT JOIN documents d ON d.id = o.document_id
        WHERE o.document_id IS NOT NULL AND (d.id IS NULL OR d.supplier_id <> o.supplier_id)""",
    "what rests on a paper that has stopped it does not sell": """
        SELECT 'offer ' || o.id AS about, 'sells on document ' || d.id AS detail FROM offers o JOIN documents d ON d.id = o.document_id
        WHERE d.stopped_at IS NOT NULL AND o.stopped_at IS NULL AND o.closed_at IS NULL""",
    "a paper stops nothing while it is good": """
        SELECT 'offer ' || s.offer_id AS about, 'stopped by document ' || d.id || ', which is good' AS detail
        FROM offer_stops s JOIN documents d ON s.ref = 'document:' || d.id
        WHERE s.why = 'paper' AND s.lifted_at IS NULL AND d.state = 'good'""",
    "a deposit is on its supplier's account while it is paid, and nothing else is": """
        SELECT 'account ' || a.id AS about, 'has ' || a.balance_minor || ', deposited ' || COALESCE(d.amount_minor, 0) AS detail
        FROM accounts a LEFT JOIN security_deposits d ON d.account_id = a.id AND d.supplier_id = a.party_id AND d.state = 'paid'
            AND d.currency = a.currency
        WHERE a.kind = 'security' AND COALESCE(a.balance_minor, -1) <> COALESCE(d.amount_minor, 0)""",
    "a deposit that is paid has its transfer, and one that was returned has two": """
        SELECT 'supplier ' || d.supplier_id AS about, d.state || ', round ' || d.round || ', ' || COUNT(t.id) || ' transfers' AS detail
        FROM security_deposits d LEFT JOIN transfers t ON t.kind = 'security' AND t.subject_id = d.supplier_id
        GROUP BY d.supplier_id, d.state, d.round
        HAVING COUNT(t.id) <> 2 * d.round - CASE WHEN d.state = 'paid' THEN 1 ELSE 0 END""",
}
