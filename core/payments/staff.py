"""Telling the staff about money that needs a person."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from core import outbox, people, storefronts
from core.database import write


@write
def tell_staff(session: Session, *, storefront_id: int, body: dict[str, Any], once: str) -> int:
    """Post an alert to each member of the staff who can be written to; the same `once` is told once. Returns to how many.

    A reseller's storefront has no staff of its own here: what happens in it is told to those of the shop behind it.
    """
    house_id = storefronts.by_id(session, storefront_id).house
    reached = [member.customer.id for member in people.staff(session, storefront_id=house_id) if member.customer is not None]
    for customer_id in reached:
        outbox.post(session, topic=outbox.Topic.ALERT, customer_id=customer_id, body=body, once=f"{once[:100]}:{customer_id}")
    return len(reached)
