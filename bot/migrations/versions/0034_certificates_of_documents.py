"""A document knows the check of its certificate, so that what the register says reaches what rests on it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_CHECKED = sa.text("check_subject IS NOT NULL")


def upgrade() -> None:
    op.add_column("documents", sa.Column("check_subject", sa.String(64)))
    op.create_index("ix_documents_checked", "documents", ["check_subject"], postgresql_where=_CHECKED, sqlite_where=_CHECKED)
    op.create_index("ix_certificate_checks_answered", "certificate_checks", ["checked_at"])
    # Papers of applications became documents with the same file and number; a newer paper since has a file of its own.
    op.execute(
        """UPDATE documents SET check_subject = (SELECT 'paper:' || max(p.id) FROM application_papers p
             JOIN applications a ON a.id = p.application_id
             WHERE a.supplier_id = documents.supplier_id AND p.removed_at IS NULL
               AND p.number = documents.number AND p.file_unique_id = documents.file_unique_id)
           WHERE number IS NOT NULL"""
    )
    op.execute(
        """UPDATE documents SET check_subject = (SELECT 'sent-paper:' || max(r.id) FROM document_renewals r
             WHERE r.document_id = documents.id AND r.state = 'approved' AND r.number = documents.number)
           WHERE number IS NOT NULL AND check_subject IS NULL"""
    )


def downgrade() -> None:
    op.drop_index("ix_certificate_checks_answered", "certificate_checks")
    op.drop_index("ix_documents_checked", "documents")
    op.drop_column("documents", "check_subject")
