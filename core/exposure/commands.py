"""Setting limits, and keeping to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import journal, purchasing, standing, supply
from core.catalog import Gone
from core.database import now, write
from core.errors import N_, Refusal
from core.exposure.queries import exposure_of
from core.exposure.tables import ExposureLimit
from core.purchasing import CostTier, PurchaseView
from core.supply import Stop


@dataclass(eq=False)
class TooExposed(Refusal):
    says: ClassVar[str] = N_(
        "With this order {name} would have {would} of the shop's, and the limit is {most}. "
        "Please wait until something has come, or raise the limit. Nothing was ordered."
    )

    name: str
    would_minor: int
    most_minor: int
    currency: str


@write
def set_limit(
    session: Session, *, supplier_id: int, currency: str, most_owed_minor: int | None, most_ahead_minor: int | None, by: str
) -> None:
    """How much may be owed to a supplier, and how much they may have of the shop's; None sets no limit. Raises Gone, OwnSupplier."""
    if supply.supplier(session, supplier_id) is None:
        raise Gone
    supply.not_own(session, supplier_id, by)
    supply.lock_supplier(session, supplier_id)  # Limits of two currencies set at once take turns: each keeps to both.
    row = session.get(ExposureLimit, (supplier_id, currency), with_for_update=True)
    before = {} if row is None else {"owed_minor": row.most_owed_minor, "ahead_minor": row.most_ahead_minor, "currency": currency}
    if row is None:
        row = ExposureLimit(supplier_id=supplier_id, currency=currency)
        session.add(row)
    row.most_owed_minor, row.most_ahead_minor, row.by, row.at = most_owed_minor, most_ahead_minor, by[:64], now(session)
    session.flush()
    after = {"owed_minor": most_owed_minor, "ahead_minor": most_ahead_minor, "currency": currency}
    if after != before:
        journal.record(session, by=by, did="set-exposure", about="supplier", about_id=supplier_id, before=before, after=after)
    _keep(session, supplier_id)


@write
def keep_limits(session: Session) -> int:
    """Say anew how much more each supplier with a limit may be owed, by the books.

    The sale draws that down by itself, so that nobody is owed more whatever is sold at once. Offers of which not one more unit may be
    sold are stopped, so that nobody is shown them, and let sell again when there is room; returns how many changed.
    """
    suppliers = session.scalars(select(ExposureLimit.supplier_id).distinct().order_by(ExposureLimit.supplier_id)).all()
    return sum(_keep(session, supplier_id) for supplier_id in suppliers)


def _keep(session: Session, supplier_id: int) -> int:
    """Say anew how much more may be sold of theirs, from the books, and stop what there is no room for."""
    supply.lock_supplier(session, supplier_id)
    locked = set()
    # Read anew with the supplier locked: who sets a limit meanwhile has set it before this looks, or waits.
    theirs = select(ExposureLimit).where(ExposureLimit.supplier_id == supplier_id).order_by(ExposureLimit.currency)
    for row in session.scalars(theirs.with_for_update().execution_options(populate_existing=True)).all():
        if row.most_owed_minor is None:
            supply.drop_room(session, supplier_id=supplier_id, currency=row.currency)
        else:
            supply.lock_room(session, supplier_id=supplier_id, currency=row.currency)
            locked.add(row.currency)
    # Looked at with the rooms locked: what was sold before is in the books, and what is sold after draws from what is set here.
    left = {one.currency: one.left_minor for one in exposure_of(session, supplier_id) if one.left_minor is not None}
    for currency in locked & left.keys():
        supply.set_room(session, supplier_id=supplier_id, currency=currency, left_minor=left[currency])
    mine = supply.offers(session, supply.offers_of(session, supplier_id))
    stopped = {one.offer_id for one in supply.stops(session, [offer.id for offer in mine]) if one.why is Stop.EXPOSURE}
    shall = {
        offer.id for offer in mine if offer.payable_id is not None and left.get(offer.cost_currency, offer.cost_minor) < offer.cost_minor
    }
    changed = supply.stop(session, offer_ids=shall - stopped, why=Stop.EXPOSURE, by="clock")
    return changed + supply.lift(session, offer_ids=stopped - shall, why=Stop.EXPOSURE, by="clock")


@write
def draft_purchase(
    session: Session, *, supplier_id: int, sku_id: int, quantity: int, tiers: Sequence[CostTier], currency: str, by: str
) -> PurchaseView:
    """Draft a purchase as `purchasing.draft_purchase`; its offer is under every switch and complaint from its first moment on.

    Raises what that raises, and what `standing.may_go_on` raises.
    """
    standing.may_go_on(session, supplier_id=supplier_id, sku_id=sku_id)
    made = purchasing.draft_purchase(
        session, supplier_id=supplier_id, sku_id=sku_id, quantity=quantity, tiers=tiers, currency=currency, by=by
    )
    standing.hold_to_rules(session, offer_ids=[made.offer_id])
    return made


@write
def order_purchase(session: Session, *, purchase_id: int, by: str) -> PurchaseView:
    """Order from a supplier, within the limit of what they may have of the shop's. Raises Gone, TooExposed, and PurchaseOver.

    Of who is suspended nothing is ordered, and nothing that must not be sold: raises what `standing.may_go_on` raises.
    """
    asked = purchasing.purchase(session, purchase_id)
    if asked is None:
        raise Gone
    standing.may_go_on(session, supplier_id=asked.supplier_id, sku_id=asked.sku_id)
    supply.lock_supplier(session, asked.supplier_id)  # Two orders at once count each other.
    known = next((one for one in exposure_of(session, asked.supplier_id) if one.currency == asked.currency), None)
    if known is not None and known.most_ahead_minor is not None and known.ahead_minor + asked.total_minor > known.most_ahead_minor:
        raise TooExposed(
            name=asked.supplier,
            would_minor=known.ahead_minor + asked.total_minor,
            most_minor=known.most_ahead_minor,
            currency=asked.currency,
        )
    return purchasing.order_purchase(session, purchase_id=purchase_id, by=by)
