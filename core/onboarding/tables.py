"""Applications with their papers, checks, decisions and cards; and the approved papers and deposits of suppliers."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id
from core.supply import Standing


class Kind(StrEnum):
    """As what somebody applies."""

    AUTHORISED = "authorised"  # a brand lets them sell its goods
    OWN_STOCK = "own_stock"  # they sell what they have bought
    CREATOR = "creator"  # they sell what they make
    STUDIO = "studio"  # several creators under one name


class Legal(StrEnum):
    COMPANY = "company"
    PERSON = "person"


class ApplicationState(StrEnum):
    DRAFT = "draft"
    SENT = "sent"
    SENT_BACK = "sent_back"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class PaperKind(StrEnum):
    AUTHORISATION = "authorisation"  # a brand's letter
    REGISTRATION = "registration"  # of a company
    IDENTITY = "identity"  # of a person
    PURCHASE = "purchase"  # proof of where goods were bought
    WORKS = "works"  # proof that they made it
    OTHER = "other"


class CheckKind(StrEnum):
    """What is looked at when an application is sent."""

    PERSON = "person"  # is it somebody known, banned or suspended
    NAME = "name"
    CONTACT = "contact"
    SAME_PAPER = "same-paper"  # another's paper
    MISSING = "missing"  # papers that this kind should have
    EXPIRY = "expiry"
    WORDS = "words"
    CERTIFICATE = "certificate"


class CheckResult(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    PENDING = "pending"  # nobody has answered yet, which is never an approval


class Verdict(StrEnum):
    APPROVE = "approve"
    SEND_BACK = "send-back"
    REFUSE = "refuse"


class DocumentState(StrEnum):
    GOOD = "good"
    EXPIRED = "expired"


class RenewalState(StrEnum):
    SENT = "sent"
    APPROVED = "approved"
    REFUSED = "refused"
    DRAFT = "draft"  # of another paper: a newer one is sent at once
    TAKEN_BACK = "taken_back"


class DepositState(StrEnum):
    ASKED = "asked"
    PAID = "paid"
    RETURNED = "returned"
    WAIVED = "waived"


OPEN = (ApplicationState.DRAFT, ApplicationState.SENT, ApplicationState.SENT_BACK)
_OPEN = text("state IN ('draft', 'sent', 'sent_back')")


class Application(Base):
    """Somebody wants to bring goods. Each sending moves the version, which every button and decision names."""

    __tablename__ = "applications"
    __table_args__ = (
        # A person has one at a time, whatever they press on how many phones.
        Index("uq_application_open", "storefront_id", "telegram_id", unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN),
        CheckConstraint("(state = 'approved') = (supplier_id IS NOT NULL)", name="approved_makes_a_supplier"),
        CheckConstraint("(state IN ('draft', 'sent', 'sent_back')) = (decided_at IS NULL)", name="over_when_decided"),
        CheckConstraint("reviewers_needed IN (1, 2) AND version >= 0", name="one_or_two_reviewers"),
        Index("ix_applications_of_person", "telegram_id", "id"),
        Index("ix_applications_open", "storefront_id", "state", "id", postgresql_where=_OPEN, sqlite_where=_OPEN),
        UniqueConstraint("supplier_id", name="uq_application_of_supplier"),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    telegram_id: Mapped[int]
    kind: Mapped[Kind]
    legal: Mapped[Legal | None]
    name: Mapped[str | None] = mapped_column(String(200))
    contact: Mapped[str | None] = mapped_column(String(200))
    goods: Mapped[str | None] = mapped_column(Text)
    country: Mapped[str | None] = mapped_column(String(8))  # ISO 3166
    state: Mapped[ApplicationState]
    version: Mapped[int]  # how often it was sent
    revision: Mapped[int]  # moves with everything that its cards show
    reviewers_needed: Mapped[int]
    began_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    why: Mapped[str | None] = mapped_column(String(32))  # of the last sending back or refusal: a usual reason
    why_text: Mapped[str | None] = mapped_column(Text)  # or a typed one
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("suppliers.id"))


class ApplicationPaper(Base):
    """A photo or document as Telegram keeps it. One without a scope is not described yet."""

    __tablename__ = "application_papers"
    __table_args__ = (
        # The same message, delivered twice, is one paper.
        UniqueConstraint("application_id", "once", name="uq_application_paper_once"),
        Index("ix_application_papers_of", "application_id", "id"),
        Index("ix_application_papers_file", "file_unique_id"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("applications.id"))
    file_id: Mapped[str] = mapped_column(String(200))
    file_unique_id: Mapped[str] = mapped_column(String(64))
    file_kind: Mapped[str] = mapped_column(String(16))  # photo or document: Telegram sends each by its own call
    kind: Mapped[PaperKind | None]
    scope: Mapped[str | None] = mapped_column(String(300))  # brands or goods it covers
    expires_on: Mapped[date | None] = mapped_column(Date)  # its last day
    dated: Mapped[bool]  # whether the expiry was said: none is an answer too
    number: Mapped[str | None] = mapped_column(String(64))  # of a certificate, for its register
    once: Mapped[str] = mapped_column(String(64))
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class ApplicationCheck(Base):
    """What was found when a version was sent. `facts` are ids and words, for the people who decide."""

    __tablename__ = "application_checks"
    __table_args__ = (UniqueConstraint("application_id", "version", "what", name="uq_application_check"),)

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("applications.id"))
    version: Mapped[int]
    what: Mapped[CheckKind]
    result: Mapped[CheckResult]
    facts: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    settled_by: Mapped[str | None] = mapped_column(String(64))  # who answered what was pending


class ApplicationDecision(Base):
    """What one reviewer said of one version; insert-only."""

    __tablename__ = "application_decisions"
    __table_args__ = (
        # Two reviewers are two people.
        UniqueConstraint("application_id", "version", "by", name="uq_application_decision"),
        CheckConstraint("(verdict = 'approve') = (standing IS NOT NULL)", name="approved_with_a_standing"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("applications.id"))
    version: Mapped[int]
    by: Mapped[str] = mapped_column(String(64))  # telegram:123
    verdict: Mapped[Verdict]
    standing: Mapped[Standing | None]
    why: Mapped[str | None] = mapped_column(String(32))
    why_text: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]


class ApplicationCard(Base):
    """A message that shows a version of an application to one reviewer, or to the group of all."""

    __tablename__ = "application_cards"
    __table_args__ = (UniqueConstraint("application_id", "version", "chat_id", name="uq_application_card"),)

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("applications.id"))
    version: Mapped[int]
    chat_id: Mapped[int]
    customer_id: Mapped[int] = mapped_column(
        ForeignKey("customers.id")
    )  # in whose lane it travels: the reader's, of a group's the applicant's
    message_id: Mapped[int | None]  # until it is sent there is none
    made_at: Mapped[datetime]


class Document(Base):
    """An approved paper of a supplier; offers rest on it. A renewal changes it in place, so what rests on it stays."""

    __tablename__ = "documents"
    __table_args__ = (
        Index("ix_documents_of_supplier", "supplier_id", "id"),
        Index(
            "ix_documents_expiring",
            "expires_on",
            postgresql_where=text("expires_on IS NOT NULL"),
            sqlite_where=text("expires_on IS NOT NULL"),
        ),
        Index(
            "ix_documents_checked",
            "check_subject",
            postgresql_where=text("check_subject IS NOT NULL"),
            sqlite_where=text("check_subject IS NOT NULL"),
        ),
        CheckConstraint("(state = 'expired') = (expired_at IS NOT NULL)", name="expired_at_some_time"),
        CheckConstraint("stopped_at IS NULL OR state = 'expired'", name="stops_after_it_expired"),
    )

    id: Mapped[Id]
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"))
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    kind: Mapped[PaperKind]
    scope: Mapped[str] = mapped_column(String(300))
    expires_on: Mapped[date | None] = mapped_column(Date)  # its last day, in UTC
    number: Mapped[str | None] = mapped_column(String(64))
    file_id: Mapped[str | None] = mapped_column(String(200))  # none: the staff saw it on paper
    file_kind: Mapped[str | None] = mapped_column(String(16))
    file_unique_id: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[DocumentState]
    approved_at: Mapped[datetime]
    approved_by: Mapped[str] = mapped_column(String(64))
    reminded: Mapped[int | None]  # of how many days before, the last time
    expired_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]  # what rests on it sells no more since
    check_subject: Mapped[str | None] = mapped_column(String(64))  # by what the check of its certificate is found; none: it has none


_SENT, _DRAFT = text("state = 'sent'"), text("state = 'draft'")


class DocumentRenewal(Base):
    """A paper that a supplier sent from the chat: a newer one for a document, or another one, for no document yet.

    Another one says itself what it is; accepted, it becomes a document. A newer one says that by the document that it is for.
    """

    __tablename__ = "document_renewals"
    __table_args__ = (
        UniqueConstraint("document_id", "once", name="uq_document_renewal_once"),
        CheckConstraint("(state IN ('draft', 'sent')) = (decided_at IS NULL)", name="over_when_decided"),
        CheckConstraint(
            "state = 'draft' OR (file_id IS NOT NULL AND (document_id IS NOT NULL OR (kind IS NOT NULL AND scope IS NOT NULL)))",
            name="sent_when_whole",
        ),
        CheckConstraint("state <> 'approved' OR document_id IS NOT NULL", name="accepted_is_a_document"),
        # A person describes one at a time, whatever they press on how many phones.
        Index("uq_document_renewal_draft", "supplier_id", "by", unique=True, postgresql_where=_DRAFT, sqlite_where=_DRAFT),
        Index("ix_document_renewals_waiting", "supplier_id", "id", postgresql_where=_SENT, sqlite_where=_SENT),
    )

    id: Mapped[Id]
    document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id"))  # none: another paper, not accepted yet
    file_id: Mapped[str | None] = mapped_column(String(200))
    file_unique_id: Mapped[str | None] = mapped_column(String(64))
    file_kind: Mapped[str | None] = mapped_column(String(16))
    expires_on: Mapped[date | None] = mapped_column(Date)
    once: Mapped[str] = mapped_column(String(64))
    state: Mapped[RenewalState]
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None]
    # These two came later, and every row has them.
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"), nullable=True)
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"), nullable=True)
    kind: Mapped[PaperKind | None]  # this and what follows: of another paper
    scope: Mapped[str | None] = mapped_column(String(300))
    number: Mapped[str | None] = mapped_column(String(64))
    dated: Mapped[bool] = mapped_column(server_default=false())  # whether the expiry was said: none is an answer too
    revision: Mapped[int] = mapped_column(server_default=text("0"))  # moves with everything that its cards show
    changed_at: Mapped[datetime | None]


class DocumentRenewalCard(Base):
    """A message that shows a sent paper to one of the staff, or to the group of all; a deck calls what it shows an application."""

    __tablename__ = "document_renewal_cards"
    __table_args__ = (UniqueConstraint("application_id", "version", "chat_id", name="uq_document_renewal_card"),)

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("document_renewals.id"))
    version: Mapped[int]  # a paper is sent once: always 1
    chat_id: Mapped[int]
    customer_id: Mapped[int] = mapped_column(
        ForeignKey("customers.id")
    )  # in whose lane it travels: the reader's, of a group's the sender's
    message_id: Mapped[int | None]  # until it is sent there is none
    made_at: Mapped[datetime]


class DepositTerms(Base):
    """What a storefront asks suppliers of a standing to deposit; no row: nothing."""

    __tablename__ = "deposit_terms"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="above_zero"),)

    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"), primary_key=True, autoincrement=False)
    standing: Mapped[Standing] = mapped_column(primary_key=True)
    amount_minor: Mapped[int]  # in the storefront's currency


class SecurityDeposit(Base):
    """What a supplier was asked to deposit, and what became of it."""

    __tablename__ = "security_deposits"
    __table_args__ = (
        CheckConstraint("amount_minor > 0 AND round >= 0", name="above_zero"),
        CheckConstraint("(state = 'paid') = (payer_id IS NOT NULL)", name="paid_by_somebody"),
    )

    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"), primary_key=True, autoincrement=False)
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    state: Mapped[DepositState]
    round: Mapped[int]  # how often it was paid: each payment has a transfer of its own
    payer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))  # whose wallet it came from, and goes back to
    changed_at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
