"""Our numbers at providers: the tag of this database and the number of the payment, such as `kdwbtz105`.

Two shops on one account of a provider count from 1 each; the tag tells whose number 105 it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import storefronts
from core.database import read
from core.payments.queries import Intent, view
from core.payments.tables import Intent as IntentRow

# Six letters and at most 19 digits: every provider takes up to 32 letters and digits, and gives them back as they were.
_TAGGED = re.compile(rf"([{storefronts.TAG_LETTERS}]{{{storefronts.TAG_LENGTH}}})([1-9][0-9]{{0,17}})", re.ASCII)
_BARE = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


def reference_of(tag: str, intent_id: int) -> str:
    """What a payment of the database with this tag is called at its provider."""
    return f"{tag}{intent_id}"


def _parts(reference: str) -> tuple[str, int] | None:
    """Tag (empty for those asked before there were tags) and number; None for what no shop of this kind has written."""
    if _BARE.fullmatch(reference):
        return "", int(reference)
    tagged = _TAGGED.fullmatch(reference)
    return None if tagged is None else (tagged[1], int(tagged[2]))


@read
def by_reference(session: Session, reference: str) -> Intent | None:
    """The payment that goes by this name at its provider; a number under another tag than its own is not it."""
    parts = _parts(reference)
    row = None if parts is None else session.get(IntentRow, parts[1])
    found = None if row is None else view(row)
    return found if found is not None and found.reference == reference else None


@read
def foreign(session: Session, references: Collection[str]) -> set[str]:
    """Those of these references that another database has tagged: they are another shop's, or this one's before it began anew."""
    tagged = {reference: parts[0] for reference in references if (parts := _parts(reference)) is not None and parts[0]}
    if not tagged:
        return set()
    ours = storefronts.tags(session)
    # What is written in our own books is ours, whatever the tag is today.
    return {reference for reference, tag in tagged.items() if tag not in ours and by_reference(session, reference) is None}


@read
def references(session: Session, intent_ids: Collection[int]) -> dict[int, str]:
    """What these payments (some hundreds at most) are called at their providers."""
    rows = session.scalars(select(IntentRow).where(IntentRow.id.in_(intent_ids)))
    return {row.id: view(row).reference for row in rows}
