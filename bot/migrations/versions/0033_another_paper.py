"""Another paper of a supplier, sent from the chat: described as a draft, for no document until it is accepted; and cards of sent papers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SENT, _DRAFT = sa.text("state = 'sent'"), sa.text("state = 'draft'")
_FILE = {"file_id": 200, "file_unique_id": 64, "file_kind": 16}
_WHOLE = "state = 'draft' OR (file_id IS NOT NULL AND (document_id IS NOT NULL OR (kind IS NOT NULL AND scope IS NOT NULL)))"


def upgrade() -> None:
    with op.batch_alter_table("document_renewals") as table:
        table.drop_constraint(op.f("ck_document_renewals_over_when_decided"), type_="check")
        table.alter_column("document_id", existing_type=BigInt, nullable=True)
        for name, length in _FILE.items():
            table.alter_column(name, existing_type=sa.String(length), nullable=True)
        table.add_column(sa.Column("supplier_id", BigInt))
        table.add_column(sa.Column("storefront_id", BigInt))
        table.add_column(sa.Column("kind", sa.String(32)))
        table.add_column(sa.Column("scope", sa.String(300)))
        table.add_column(sa.Column("number", sa.String(64)))
        table.add_column(sa.Column("dated", sa.Boolean(), server_default=sa.false(), nullable=False))
        table.add_column(sa.Column("revision", BigInt, server_default=sa.text("0"), nullable=False))
        table.add_column(sa.Column("changed_at", sa.BigInteger()))
        table.create_foreign_key("fk_document_renewals_supplier_id_suppliers", "suppliers", ["supplier_id"], ["id"])
        table.create_foreign_key("fk_document_renewals_storefront_id_storefronts", "storefronts", ["storefront_id"], ["id"])
        table.create_check_constraint("over_when_decided", "(state IN ('draft', 'sent')) = (decided_at IS NULL)")
        table.create_check_constraint("sent_when_whole", _WHOLE)
        table.create_check_constraint("accepted_is_a_document", "state <> 'approved' OR document_id IS NOT NULL")
    for said in ("supplier_id", "storefront_id"):
        op.execute(f"UPDATE document_renewals SET {said} = (SELECT d.{said} FROM documents d WHERE d.id = document_renewals.document_id)")
    op.create_index(
        "uq_document_renewal_draft", "document_renewals", ["supplier_id", "by"], unique=True, postgresql_where=_DRAFT, sqlite_where=_DRAFT
    )
    op.create_index("ix_document_renewals_waiting", "document_renewals", ["supplier_id", "id"], postgresql_where=_SENT, sqlite_where=_SENT)
    op.create_table(
        "document_renewal_cards",
        sa.Column("id", BigInt, nullable=False),
        sa.Column(
            "application_id",
            BigInt,
            sa.ForeignKey("document_renewals.id", name="fk_document_renewal_cards_application_id_document_renewals"),
            nullable=False,
        ),
        sa.Column("version", BigInt, nullable=False),
        sa.Column("chat_id", BigInt, nullable=False),
        sa.Column(
            "customer_id", BigInt, sa.ForeignKey("customers.id", name="fk_document_renewal_cards_customer_id_customers"), nullable=False
        ),
        sa.Column("message_id", BigInt),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_document_renewal_cards"),
        sa.UniqueConstraint("application_id", "version", "chat_id", name="uq_document_renewal_card"),
    )


def downgrade() -> None:
    op.drop_table("document_renewal_cards")
    op.drop_index("ix_document_renewals_waiting", table_name="document_renewals")
    op.drop_index("uq_document_renewal_draft", table_name="document_renewals")
    # An older shop knows newer papers of documents only: drafts and what is for no document are not told of there, the documents stay.
    op.execute("DELETE FROM document_renewals WHERE document_id IS NULL OR kind IS NOT NULL")
    op.execute("UPDATE document_renewals SET state = 'refused' WHERE state = 'taken_back'")
    with op.batch_alter_table("document_renewals") as table:
        for name in ("over_when_decided", "sent_when_whole", "accepted_is_a_document"):
            table.drop_constraint(op.f(f"ck_document_renewals_{name}"), type_="check")
        for name in ("supplier_id_suppliers", "storefront_id_storefronts"):
            table.drop_constraint(f"fk_document_renewals_{name}", type_="foreignkey")
        for name in ("changed_at", "revision", "dated", "number", "scope", "kind", "storefront_id", "supplier_id"):
            table.drop_column(name)
        table.alter_column("document_id", existing_type=BigInt, nullable=False)
        for name, length in _FILE.items():
            table.alter_column(name, existing_type=sa.String(length), nullable=False)
        table.create_check_constraint("over_when_decided", "(state = 'sent') = (decided_at IS NULL)")
