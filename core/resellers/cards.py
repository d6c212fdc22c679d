"""Cards: the messages that show an application to those who decide. What changes is drawn again on every one of them."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import outbox, people
from core.database import insert_new, now, read, write
from core.resellers.tables import ResellerApplication, ResellerCard
from core.resellers.views import CardView

OF = "reseller"  # what the courier reads off a card's message: whose cards these are


def deal(session: Session, row: ResellerApplication, group_id: int | None) -> None:
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
            insert_new(session, ResellerCard)
            .values(application_id=row.id, version=row.version, chat_id=chat_id, customer_id=customer_id, made_at=now(session))
            .returning(ResellerCard.id)
        ).one_or_none()
        if card_id is not None:
            body = {"of": OF, "card": card_id, "first": True}
            outbox.post(session, topic=outbox.Topic.CARD, customer_id=customer_id, body=body, once=f"reseller-card:{card_id}:new")


def redraw(session: Session, row: ResellerApplication) -> None:
    """Something that cards show has changed: all of them are drawn again, in every chat. A part of commands."""
    row.revision += 1
    row.changed_at = now(session)
    session.flush()
    for card in session.scalars(select(ResellerCard).where(ResellerCard.application_id == row.id).order_by(ResellerCard.id)):
        outbox.post(
            session,
            topic=outbox.Topic.CARD,
            customer_id=card.customer_id,
            body={"of": OF, "card": card.id},
            once=f"reseller-card:{card.id}:{row.revision}",
        )


@read
def card(session: Session, card_id: int) -> CardView | None:
    """This card as it stands."""
    found = session.execute(
        select(ResellerCard, ResellerApplication.revision)
        .join(ResellerApplication, ResellerApplication.id == ResellerCard.application_id)
        .where(ResellerCard.id == card_id)
    ).one_or_none()
    if found is None:
        return None
    row, revision = found
    return CardView(row.id, row.application_id, row.version, row.chat_id, row.customer_id, row.message_id, revision)


@write
def card_shown(session: Session, *, card_id: int, message_id: int) -> None:
    """The card is this message from now on; the first one that arrived stays it."""
    session.execute(update(ResellerCard).where(ResellerCard.id == card_id, ResellerCard.message_id.is_(None)).values(message_id=message_id))
