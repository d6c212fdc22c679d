"""Cards: the messages that show an application to those who decide. What changes is drawn again on every one of them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import outbox, people
from core.database import insert_new, now, read, write
from core.onboarding.tables import Application, ApplicationCard


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


def deal(session: Session, row: Application, group_id: int | None) -> None:
    """A card of this version to each member of the staff who can be written to, and to the group. A part of commands."""
    at = now(session)
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
            insert_new(session, ApplicationCard)
            .values(application_id=row.id, version=row.version, chat_id=chat_id, customer_id=customer_id, made_at=at)
            .returning(ApplicationCard.id)
        ).one_or_none()
        if card_id is not None:
            outbox.post(
                session, topic=outbox.Topic.CARD, customer_id=customer_id, body={"card": card_id, "first": True}, once=f"card:{card_id}:new"
            )


def redraw(session: Session, row: Application) -> None:
    """Something that cards show has changed: all of them are drawn again, in every chat. A part of commands."""
    row.revision += 1
    row.changed_at = now(session)
    session.flush()
    for card in session.scalars(select(ApplicationCard).where(ApplicationCard.application_id == row.id).order_by(ApplicationCard.id)):
        outbox.post(
            session,
            topic=outbox.Topic.CARD,
            customer_id=card.customer_id,
            body={"card": card.id},
            once=f"card:{card.id}:{row.revision}",
        )


@read
def card(session: Session, card_id: int) -> CardView | None:
    """This card as it stands."""
    found = session.execute(
        select(ApplicationCard, Application.revision)
        .join(Application, Application.id == ApplicationCard.application_id)
        .where(ApplicationCard.id == card_id)
    ).one_or_none()
    if found is None:
        return None
    row, revision = found
    return CardView(row.id, row.application_id, row.version, row.chat_id, row.customer_id, row.message_id, revision)


@write
def card_shown(session: Session, *, card_id: int, message_id: int) -> None:
    """The card is this message from now on; the first one that arrived stays it."""
    session.execute(
        update(ApplicationCard).where(ApplicationCard.id == card_id, ApplicationCard.message_id.is_(None)).values(message_id=message_id)
    )
