"""Setting a product's kind and terms: checked by the kind, and the sale told whether it has to ask."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from core import catalog
from core.catalog import Gone, ProductKind, ProductView
from core.database import write
from core.fulfilment.fields import LONGEST_NAME, FieldsWrong
from core.fulfilment.kind import Terms, kind


@write
def set_kind(
    session: Session, product_id: int, *, kind_name: str | None = None, terms: Terms | None = None, by: str | None = None
) -> ProductView:
    """Change a product's kind (then its terms begin anew, but for its country rules), or its terms.

    Raises Gone, or what the kind's `check_terms` raises.
    """
    known = catalog.product(session, product_id)
    if known is None or (kind_name is not None and kind_name not in set(ProductKind)):
        raise Gone
    chosen = ProductKind(kind_name) if kind_name is not None else known.kind
    if terms is None:
        terms = known.terms if chosen is known.kind else {name: value for name, value in known.terms.items() if name == "countries"}
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
