"""Cards: the messages that show an application to those who decide. What changes is drawn again on every one of them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.database import read, write
from core.onboarding.decks import CardView, Deck
from core.onboarding.tables import Application, ApplicationCard

DECK = Deck(Application, ApplicationCard, once="card")
deal, redraw = DECK.deal, DECK.redraw


@read
def card(session: Session, card_id: int) -> CardView | None:
    """This card as it stands."""
    return DECK.card(session, card_id)


@write
def card_shown(session: Session, *, card_id: int, message_id: int) -> None:
    """The card is this message from now on; the first one that arrived stays it."""
    DECK.shown(session, card_id, message_id)
