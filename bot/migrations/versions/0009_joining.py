"""Applications with papers, checks, decisions and cards; approved papers with renewals; security deposits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "applications",
        sa.Column("id", BigInt, nullable=False),
        sa.Column(
            "storefront_id", BigInt, sa.ForeignKey("storefronts.id", name="fk_applications_storefront_id_storefronts"), nullable=False
        ),
        sa.Column("customer_id", BigInt, sa.ForeignKey("customers.id", name="fk_applications_customer_id_customers"), nullable=False),
        sa.Column("telegram_id", BigInt, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("legal", sa.String(32)),
        sa.Column("name", sa.String(200)),
        sa.Column("contact", sa.String(200)),
        sa.Column("goods", sa.Text()),
        sa.Column("country", sa.String(8)),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("version", BigInt, nullable=False),
        sa.Column("revision", BigInt, nullable=False),
        sa.Column("reviewers_needed", BigInt, nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("decided_at", sa.BigInteger()),
        sa.Column("why", sa.String(32)),
        sa.Column("why_text", sa.Text()),
        sa.Column("supplier_id", BigInt, sa.ForeignKey("suppliers.id", name="fk_applications_supplier_id_suppliers")),
        sa.PrimaryKeyConstraint("id", name="pk_applications"),
        sa.CheckConstraint("(state = 'approved') = (supplier_id IS NOT NULL)", name="approved_makes_a_supplier"),
        sa.CheckConstraint("reviewers_needed IN (1, 2) AND version >= 0", name="one_or_two_reviewers"),
        sa.CheckConstraint("(state IN ('draft', 'sent', 'sent_back')) = (decided_at IS NULL)", name="over_when_decided"),
        sa.UniqueConstraint("supplier_id", name="uq_application_of_supplier"),
    )
    op.create_index("ix_applications_of_person", "applications", ["telegram_id", "id"])
    op.create_index(
        "ix_applications_open",
        "applications",
        ["storefront_id", "state", "id"],
        postgresql_where=sa.text("state IN ('draft', 'sent', 'sent_back')"),
        sqlite_where=sa.text("state IN ('draft', 'sent', 'sent_back')"),
    )
    op.create_index(
        "uq_application_open",
        "applications",
        ["storefront_id", "telegram_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('draft', 'sent', 'sent_back')"),
        sqlite_where=sa.text("state IN ('draft', 'sent', 'sent_back')"),
    )
    op.create_table(
        "application_papers",
        sa.Column("id", BigInt, nullable=False),
        sa.Column(
            "application_id",
            BigInt,
            sa.ForeignKey("applications.id", name="fk_application_papers_application_id_applications"),
            nullable=False,
        ),
        sa.Column("file_id", sa.String(200), nullable=False),
        sa.Column("file_unique_id", sa.String(64), nullable=False),
        sa.Column("file_kind", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(32)),
        sa.Column("scope", sa.String(300)),
        sa.Column("expires_on", sa.Date()),
        sa.Column("dated", sa.Boolean(), nullable=False),
        sa.Column("number", sa.String(64)),
        sa.Column("once", sa.String(64), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_application_papers"),
        sa.UniqueConstraint("application_id", "once", name="uq_application_paper_once"),
    )
    op.create_index("ix_application_papers_file", "application_papers", ["file_unique_id"])
    op.create_index("ix_application_papers_of", "application_papers", ["application_id", "id"])
    op.create_table(
        "application_checks",
        sa.Column("id", BigInt, nullable=False),
        sa.Column(
            "application_id",
            BigInt,
            sa.ForeignKey("applications.id", name="fk_application_checks_application_id_applications"),
            nullable=False,
        ),
        sa.Column("version", BigInt, nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("result", sa.String(32), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("settled_by", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_application_checks"),
        sa.UniqueConstraint("application_id", "version", "what", name="uq_application_check"),
    )
    op.create_table(
        "application_decisions",
        sa.Column("id", BigInt, nullable=False),
        sa.Column(
            "application_id",
            BigInt,
            sa.ForeignKey("applications.id", name="fk_application_decisions_application_id_applications"),
            nullable=False,
        ),
        sa.Column("version", BigInt, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.Column("standing", sa.String(32)),
        sa.Column("why", sa.String(32)),
        sa.Column("why_text", sa.Text()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_application_decisions"),
        sa.CheckConstraint("(verdict = 'approve') = (standing IS NOT NULL)", name="approved_with_a_standing"),
        sa.UniqueConstraint("application_id", "version", "by", name="uq_application_decision"),
    )
    op.create_table(
        "application_cards",
        sa.Column("id", BigInt, nullable=False),
        sa.Column(
            "application_id",
            BigInt,
            sa.ForeignKey("applications.id", name="fk_application_cards_application_id_applications"),
            nullable=False,
        ),
        sa.Column("version", BigInt, nullable=False),
        sa.Column("chat_id", BigInt, nullable=False),
        sa.Column("customer_id", BigInt, sa.ForeignKey("customers.id", name="fk_application_cards_customer_id_customers"), nullable=False),
        sa.Column("message_id", BigInt),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_application_cards"),
        sa.UniqueConstraint("application_id", "version", "chat_id", name="uq_application_card"),
    )
    op.create_table(
        "documents",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("supplier_id", BigInt, sa.ForeignKey("suppliers.id", name="fk_documents_supplier_id_suppliers"), nullable=False),
        sa.Column("storefront_id", BigInt, sa.ForeignKey("storefronts.id", name="fk_documents_storefront_id_storefronts"), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("scope", sa.String(300), nullable=False),
        sa.Column("expires_on", sa.Date()),
        sa.Column("number", sa.String(64)),
        sa.Column("file_id", sa.String(200)),
        sa.Column("file_kind", sa.String(16)),
        sa.Column("file_unique_id", sa.String(64)),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("approved_at", sa.BigInteger(), nullable=False),
        sa.Column("approved_by", sa.String(64), nullable=False),
        sa.Column("reminded", BigInt),
        sa.Column("expired_at", sa.BigInteger()),
        sa.Column("stopped_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sa.CheckConstraint("(state = 'expired') = (expired_at IS NOT NULL)", name="expired_at_some_time"),
        sa.CheckConstraint("stopped_at IS NULL OR state = 'expired'", name="stops_after_it_expired"),
    )
    op.create_index(
        "ix_documents_expiring",
        "documents",
        ["expires_on"],
        postgresql_where=sa.text("expires_on IS NOT NULL"),
        sqlite_where=sa.text("expires_on IS NOT NULL"),
    )
    op.create_index("ix_documents_of_supplier", "documents", ["supplier_id", "id"])
    op.create_table(
        "document_renewals",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("document_id", BigInt, sa.ForeignKey("documents.id", name="fk_document_renewals_document_id_documents"), nullable=False),
        sa.Column("file_id", sa.String(200), nullable=False),
        sa.Column("file_unique_id", sa.String(64), nullable=False),
        sa.Column("file_kind", sa.String(16), nullable=False),
        sa.Column("expires_on", sa.Date()),
        sa.Column("once", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(64)),
        sa.Column("decided_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_document_renewals"),
        sa.CheckConstraint("(state = 'sent') = (decided_at IS NULL)", name="over_when_decided"),
        sa.UniqueConstraint("document_id", "once", name="uq_document_renewal_once"),
    )
    op.create_table(
        "deposit_terms",
        sa.Column(
            "storefront_id", BigInt, sa.ForeignKey("storefronts.id", name="fk_deposit_terms_storefront_id_storefronts"), nullable=False
        ),
        sa.Column("standing", sa.String(32), nullable=False),
        sa.Column("amount_minor", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("storefront_id", "standing", name="pk_deposit_terms"),
        sa.CheckConstraint("amount_minor > 0", name="above_zero"),
    )
    op.create_table(
        "security_deposits",
        sa.Column("supplier_id", BigInt, sa.ForeignKey("suppliers.id", name="fk_security_deposits_supplier_id_suppliers"), nullable=False),
        sa.Column("amount_minor", BigInt, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("round", BigInt, nullable=False),
        sa.Column("payer_id", BigInt, sa.ForeignKey("customers.id", name="fk_security_deposits_payer_id_customers")),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("account_id", BigInt, sa.ForeignKey("accounts.id", name="fk_security_deposits_account_id_accounts")),
        sa.PrimaryKeyConstraint("supplier_id", name="pk_security_deposits"),
        sa.CheckConstraint("amount_minor > 0 AND round >= 0", name="above_zero"),
        sa.CheckConstraint("(state = 'paid') = (payer_id IS NOT NULL)", name="paid_by_somebody"),
    )


def downgrade() -> None:
    op.drop_table("security_deposits")
    op.drop_table("deposit_terms")
    op.drop_table("document_renewals")
    op.drop_table("documents")
    op.drop_table("application_cards")
    op.drop_table("application_decisions")
    op.drop_table("application_checks")
    op.drop_table("application_papers")
    op.drop_table("applications")
