"""Kill switches: one press, and nothing of the platform, a category, a product or a supplier sells until it is lifted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import catalog, fulfilment, journal, supply
from core.catalog import Gone
from core.database import insert_new, now, read, write
from core.standing.suppliers import tell_all_staff, tell_members
from core.standing.tables import Switch, SwitchOf
from core.supply import Stop


@dataclass(frozen=True, slots=True)
class SwitchView:
    """A switch that is pressed; `of_id` is 0 for the platform."""

    id: int
    of: SwitchOf
    of_id: int
    reason: str
    by: str
    at: datetime


def _view(row: Switch) -> SwitchView:
    return SwitchView(row.id, row.of, row.of_id, row.reason, row.by, row.at)


def ref_of(switch_id: int) -> str:
    """What the stops of a switch are told apart by."""
    return f"switch:{switch_id}"


def offers_under(session: Session, of: SwitchOf, of_id: int) -> Sequence[int]:
    """The offers that a switch stops now; raises Gone when there is nothing of this id."""
    if of is SwitchOf.PLATFORM:
        return supply.offers_in(session, None)
    if of is SwitchOf.SUPPLIER:
        if supply.supplier(session, of_id) is None:
            raise Gone
        return supply.offers_of(session, of_id)
    if of is SwitchOf.PRODUCT:
        if catalog.product(session, of_id) is None:
            raise Gone
        product_ids = [of_id]
    else:
        if catalog.category(session, of_id) is None:
            raise Gone
        product_ids = [
            product.id for below in _with_all_below(session, of_id) for product in catalog.products_in(session, below, hidden_too=True)
        ]
    return with_steps(session, [sku.id for sku in catalog.skus_of(session, product_ids, hidden_too=True)])


def with_steps(session: Session, sku_ids: Sequence[int]) -> Sequence[int]:
    """The offers of these denominations, and of the steps of work that was quoted for one of them."""
    return supply.offers_in(session, [*sku_ids, *fulfilment.steps_sold_for(session, sku_ids)])


def _with_all_below(session: Session, category_id: int) -> list[int]:
    found = [category_id]
    for here in found:  # Grows while it is walked; a tree has no circles.
        found += [below.id for below in catalog.categories_under(session, here, hidden_too=True) if below.id not in found]
    return found


@read
def under(session: Session, *, of: SwitchOf, of_id: int) -> int:
    """How many offers a switch would stop; raises Gone when there is nothing of this id."""
    return len(offers_under(session, of, of_id))


@write
def switch_off(session: Session, *, of: SwitchOf, of_id: int, reason: str, by: str) -> SwitchView:
    """Nothing under this sells from this transaction on, and money that still comes in for it is credited. Again: the same switch.

    Raises Gone.
    """
    of_id = 0 if of is SwitchOf.PLATFORM else of_id
    offer_ids = offers_under(session, of, of_id)
    made = session.execute(
        insert_new(session, Switch).values(of=of, of_id=of_id, reason=reason[:300], by=by, at=now(session)).returning(Switch.id)
    ).first()
    row = session.scalars(select(Switch).where(Switch.of == of, Switch.of_id == of_id, Switch.lifted_at.is_(None))).one()
    supply.stop(session, offer_ids=offer_ids, why=Stop.SWITCHED_OFF, ref=ref_of(row.id), by=by)
    if made is not None:
        journal.record(
            session,
            by=by,
            did="switch-off",
            about=of.value,
            about_id=of_id,
            before={"switched_off": None},
            after={"switched_off": of.value, "reason": row.reason, "offers": len(offer_ids)},
        )
        body = {"says": "switched-off", "of": of.value, "of_id": of_id, "reason": row.reason, "offers": len(offer_ids)}
        tell_all_staff(session, body=body, once=f"switch:{row.id}")
        for supplier_id in {place.supplier_id for place in supply.places_of(session, offer_ids)}:
            tell_members(session, supplier_id=supplier_id, body=body, once=f"switch:{row.id}:{supplier_id}")
    return _view(row)


@write
def switch_on(session: Session, *, switch_id: int, by: str) -> bool:
    """A switch is lifted: exactly what it stopped, and nothing else stops, sells again. False when it was not pressed."""
    row = session.get(Switch, switch_id, with_for_update=True)
    if row is None or row.lifted_at is not None:
        return False
    row.lifted_at, row.lifted_by = now(session), by
    session.flush()
    ref = ref_of(switch_id)
    stopped = supply.stopped_by(session, why=Stop.SWITCHED_OFF, ref=ref)
    supply.lift(session, offer_ids=stopped, why=Stop.SWITCHED_OFF, ref=ref, by=by)
    journal.record(
        session,
        by=by,
        did="switch-on",
        about=row.of.value,
        about_id=row.of_id,
        before={"switched_off": row.of.value, "reason": row.reason},
        after={"switched_off": None, "offers": len(stopped)},
    )
    return True


@read
def switches(session: Session) -> list[SwitchView]:
    """The switches that are pressed, oldest first."""
    return [_view(row) for row in session.scalars(select(Switch).where(Switch.lifted_at.is_(None)).order_by(Switch.id))]


@read
def switch(session: Session, *, of: SwitchOf, of_id: int) -> SwitchView | None:
    """The switch of exactly this, when it is pressed."""
    row = session.scalars(select(Switch).where(Switch.of == of, Switch.of_id == of_id, Switch.lifted_at.is_(None))).one_or_none()
    return None if row is None else _view(row)


@read
def switches_over(session: Session, *, supplier_id: int, sku_id: int) -> list[SwitchView]:
    """The pressed switches that an offer of this supplier of this denomination is under."""
    pressed = switches(session)
    if not pressed:
        return []
    over = {(SwitchOf.PLATFORM, 0), (SwitchOf.SUPPLIER, supplier_id)}
    sku = catalog.sku(session, sku_id)
    product = None if sku is None else catalog.product(session, sku.product_id)
    if product is not None:
        over.add((SwitchOf.PRODUCT, product.id))
        over |= {(SwitchOf.CATEGORY, one.id) for one in catalog.trail(session, product.category_id)}
    return [one for one in pressed if (one.of, one.of_id) in over]
