"""Setting a product's kind and terms: checked by the kind, and the sale told whether it has to ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import catalog, inventory, supply
from core.catalog import Gone, ProductView
from core.database import write
from core.errors import N_, Refusal
from core.fulfilment.fields import LONGEST_NAME, FieldsWrong
from core.fulfilment.kind import Terms, all_kinds, kind
from core.fulfilment.tables import Task


@dataclass(eq=False)
class KindIsSold(Refusal):
    """What was sold is refunded, replaced and shown as the kind it was sold as."""

    says: ClassVar[str] = N_("Something of this product was sold already, so its kind stays. Please make a new product of the other kind.")


def _sold(session: Session, product_id: int) -> bool:
    sku_ids = [sku.id for sku in catalog.skus_of(session, [product_id], hidden_too=True)]
    if session.scalar(select(Task.id).where(Task.sku_id.in_(sku_ids)).limit(1)) is not None:
        return True
    return inventory.ever_sold(session, supply.every_offer_of(session, sku_ids))


@write
def set_kind(
    session: Session, product_id: int, *, kind_name: str | None = None, terms: Terms | None = None, by: str | None = None
) -> ProductView:
    """Change a product's kind (then its terms begin anew, but for its country rules), or its terms.

    Raises Gone, KindIsSold, or what the kind's `check_terms` raises.
    """
    known = catalog.product(session, product_id)
    if known is None or (kind_name is not None and kind_name not in all_kinds()):
        raise Gone
    chosen = kind_name if kind_name is not None else known.kind
    if chosen != known.kind and _sold(session, product_id):
        raise KindIsSold
    if terms is None:
        terms = known.terms if chosen == known.kind else {name: value for name, value in known.terms.items() if name == "countries"}
    one = kind(chosen)
    kept = one.check_terms(terms)
    had = {written.name for written in kind(known.kind).fields(known.terms)}
    if any(len(asked.name) > LONGEST_NAME and asked.name not in had for asked in one.fields(kept)):
        raise FieldsWrong
    return catalog.set_kind(session, product_id, kind=chosen, terms=kept, asks=one.asks(kept), by=by)


@write
def set_term(session: Session, product_id: int, *, name: str, value: Any, by: str | None = None) -> ProductView:
    """Change one term of a product, or (None) take it away. Raises what `set_kind` raises."""
    known = catalog.product(session, product_id)
    if known is None:
        raise Gone
    terms = {**known.terms, name: value}
    if value is None:
        del terms[name]
    return set_kind(session, product_id, terms=terms, by=by)
