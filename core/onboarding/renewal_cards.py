"""Cards of papers that suppliers send from the chat: each of the staff has one, the group too, and a decision is drawn on all of them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from core import people
from core.database import read, write
from core.onboarding.decks import CardView, Deck
from core.onboarding.tables import DocumentRenewal, DocumentRenewalCard

DECK = Deck(DocumentRenewal, DocumentRenewalCard, once="paper-card", says={"of": "paper"})
redraw = DECK.redraw


@dataclass(frozen=True, slots=True)
class _Sent:
    """What a deck asks of what it deals; a paper is sent once, so there is one version."""

    id: int
    storefront_id: int
    telegram_id: int
    customer_id: int
    version: int = 1


def deal(session: Session, row: DocumentRenewal, telegram_id: int, group_id: int | None) -> None:
    """A card to each of the staff but whoever sent the paper, and to the group. A part of commands."""
    sender = people.find(session, storefront_id=row.storefront_id, telegram_id=telegram_id)
    # What goes to the group travels in the sender's lane.
    lane = 0 if sender is None else sender.id
    DECK.deal(session, _Sent(row.id, row.storefront_id, telegram_id, lane), None if sender is None else group_id)


@read
def renewal_card(session: Session, card_id: int) -> CardView | None:
    """This card as it stands."""
    return DECK.card(session, card_id)


@write
def renewal_card_shown(session: Session, *, card_id: int, message_id: int) -> None:
    """The card is this message from now on; the first one that arrived stays it."""
    DECK.shown(session, card_id, message_id)
