"""How many accounts one buyer may have looked up: counted in the database, so that every process counts the same."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from core.database import insert_new, now, write
from core.fulfilment.tables import AccountLook

MOST_AN_HOUR = 10


@write
def may_look_up(session: Session, *, customer_id: int, most: int = MOST_AN_HOUR) -> bool:
    """Whether this buyer may have one more account looked up now; it counts. An hour after the first it begins anew.

    Counted by buyer and by nothing else: an address would be that of many people at once behind a proxy.
    """
    at = now(session)
    made = session.execute(
        insert_new(session, AccountLook).values(customer_id=customer_id, since=at, looked=1).returning(AccountLook.customer_id)
    ).first()
    if made is not None:
        return True
    row = session.get_one(AccountLook, customer_id, with_for_update=True, populate_existing=True)
    if row.since <= at - timedelta(hours=1):
        row.since, row.looked = at, 1
    elif row.looked >= most:
        return False
    else:
        row.looked += 1
    session.flush()
    return True
