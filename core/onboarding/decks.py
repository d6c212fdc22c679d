"""Decks: the cards that show one kind of application to those who decide. Suppliers' and resellers' are dealt in the same way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import outbox, people
from core.database import insert_new, now


@dataclass(frozen=True, slots=True)
class CardView:
    """Where a card is, what it shows, and the revision of the application at this moment."""

    id: int
    application_id: int
    version: int
    chat_id: int
    customer_id: int
    message_id: int | None
    revision: int


@dataclass(frozen=True, slots=True)
class Deck:
    """The cards of one kind of application. Its two tables are those of the capability that makes the deck, and `once` is its word
    in the outbox; `says` is what the courier reads off a card's message: whose cards these are.
    """

    applications: Any
    cards: Any
    once: str
    says: dict[str, str] = field(default_factory=dict)

    def deal(self, session: Session, row: Any, group_id: int | None) -> None:
        """A card of this version to each member of the staff who can be written to, and to the group. A part of commands."""
        chats = [
            (member.telegram_id, member.customer.id)
            for member in people.staff(session, storefront_id=row.storefront_id)
            # Who applies does not decide, so there is nothing to press for them.
            if member.customer is not None and member.telegram_id != row.telegram_id
        ]
        if group_id is not None:
            chats.append((group_id, row.customer_id))
        for chat_id, customer_id in chats:
            card_id = session.scalars(
                insert_new(session, self.cards)
                .values(application_id=row.id, version=row.version, chat_id=chat_id, customer_id=customer_id, made_at=now(session))
                .returning(self.cards.id)
            ).one_or_none()
            if card_id is not None:
                self._post(session, card_id, customer_id, "new", first=True)

    def redraw(self, session: Session, row: Any) -> None:
        """Something that cards show has changed: all of them are drawn again, in every chat. A part of commands."""
        row.revision += 1
        row.changed_at = now(session)
        session.flush()
        for card in session.scalars(select(self.cards).where(self.cards.application_id == row.id).order_by(self.cards.id)):
            self._post(session, card.id, card.customer_id, str(row.revision))

    def card(self, session: Session, card_id: int) -> CardView | None:
        """This card as it stands."""
        found = session.execute(
            select(self.cards, self.applications.revision)
            .join(self.applications, self.applications.id == self.cards.application_id)
            .where(self.cards.id == card_id)
        ).one_or_none()
        if found is None:
            return None
        row, revision = found
        return CardView(row.id, row.application_id, row.version, row.chat_id, row.customer_id, row.message_id, revision)

    def shown(self, session: Session, card_id: int, message_id: int) -> None:
        """The card is this message from now on; the first one that arrived stays it."""
        session.execute(update(self.cards).where(self.cards.id == card_id, self.cards.message_id.is_(None)).values(message_id=message_id))

    def _post(self, session: Session, card_id: int, customer_id: int, what: str, **more: bool) -> None:
        body = {**self.says, "card": card_id, **more}
        outbox.post(session, topic=outbox.Topic.CARD, customer_id=customer_id, body=body, once=f"{self.once}:{card_id}:{what}")
