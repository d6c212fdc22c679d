"""What must be true of the papers that suppliers send from the chat; each question returns only what breaks it."""

from __future__ import annotations

PAPERS = {
    "a paper that was sent is of the supplier and the shop of its document": """
        SELECT 'paper ' || r.id AS about, 'of supplier ' || COALESCE(r.supplier_id, 0) || ', shop ' || COALESCE(r.storefront_id, 0)
            || '; document ' || COALESCE(r.document_id, 0) || ' of supplier ' || COALESCE(d.supplier_id, 0) AS detail
        FROM document_renewals r LEFT JOIN documents d ON d.id = r.document_id
        WHERE r.supplier_id IS NULL OR r.storefront_id IS NULL OR (r.document_id IS NOT NULL
            AND (d.id IS NULL OR d.supplier_id <> r.supplier_id OR d.storefront_id <> r.storefront_id))""",
    "another paper is a document exactly when it was accepted, one of its own, and as it was described": """
        SELECT 'paper ' || r.id AS about, r.state || ', document ' || COALESCE(r.document_id, 0) || ', made by ' || COALESCE(o.n, 0)
            AS detail
        FROM document_renewals r LEFT JOIN documents d ON d.id = r.document_id
        LEFT JOIN (SELECT document_id, COUNT(*) AS n FROM document_renewals WHERE kind IS NOT NULL GROUP BY document_id) AS o
            ON o.document_id = r.document_id
        WHERE (r.kind IS NOT NULL AND ((r.state = 'approved') <> (d.id IS NOT NULL) OR COALESCE(o.n, 1) > 1
            OR d.kind <> r.kind OR d.scope <> r.scope OR (d.id IS NOT NULL AND COALESCE(d.number, '') <> COALESCE(r.number, ''))))
           OR (r.kind IS NULL AND r.state <> 'draft' AND d.id IS NULL)""",
    "a paper that was sent is whole": """
        SELECT 'paper ' || id AS about, state || ', ' || COALESCE(kind, '-') || ', ' || COALESCE(file_id, 'no file') AS detail
        FROM document_renewals WHERE state <> 'draft'
            AND (file_id IS NULL OR file_kind IS NULL OR (kind IS NOT NULL AND (scope IS NULL OR NOT dated)))""",
    "whoever sent a paper did not decide about it": """
        SELECT 'paper ' || id AS about, state || ' by ' || decided_by AS detail
        FROM document_renewals WHERE state IN ('approved', 'refused') AND decided_by = by""",
    "of a supplier no more other papers wait than may, and of a document one newer one": """
        SELECT 'supplier ' || supplier_id AS about, COUNT(*) || ' wait for document ' || COALESCE(document_id, 0) AS detail
        FROM document_renewals WHERE state = 'sent'
        GROUP BY supplier_id, document_id HAVING COUNT(*) > CASE WHEN document_id IS NULL THEN 5 ELSE 1 END""",
}
