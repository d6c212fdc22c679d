"""What a claim is made of: a sold line, or a code that came in another's place, shared by the contract that held when it was sold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import insert
from sqlalchemy.orm import Session

from core import aftersale, catalog, fulfilment, standing, supply
from core.catalog import ProductKind, ProductView, TermsUntil
from core.database import read
from core.settlement import accounts
from core.settlement.accounts import Amounts
from core.settlement.contracts import Agreed
from core.settlement.runs import add_parts, make_run, post_run
from core.settlement.split import Commission, FixedCost, Label, Parts, Sale, Terms, form_of, parts, window_of
from core.settlement.tables import Claim, ClaimState, RunKind
from core.supply import Consigned, SupplierView

_TOGETHER = timedelta(hours=1)  # within which what is settled at a time was sold


@dataclass(slots=True)
class Draft:
    """A claim to be: of a line, or of a code that came in another's place."""

    order_id: int
    seq: int
    code_id: int
    storefront_id: int
    currency: str
    source: Consigned
    units: int
    price_minor: int
    cost_minor: int
    discount_minor: int
    sold_at: datetime
    placed_at: datetime  # of its order,
    issued_at: datetime  # and its issue: what stood between them was promised
    exclusive: bool  # as it was sold


@read
def hold_days(session: Session, supplier: SupplierView) -> int:
    """For how many days after the sale a supplier's money is held at least: their own number, else their standing's."""
    return supplier.hold_days if supplier.hold_days is not None else standing.rights(session, supplier.standing).hold_days


@dataclass(slots=True)
class _Setting:
    """What has to be known about products and suppliers to write claims, asked once each."""

    session: Session
    agreed: Agreed
    suppliers: dict[int, SupplierView] = field(default_factory=dict)
    goods: dict[int, ProductView] = field(default_factory=dict)
    hours: dict[tuple[int, int], int] = field(default_factory=dict)
    earlier: dict[int, tuple[datetime, list[TermsUntil]]] = field(default_factory=dict)

    def hold(self, draft: Draft) -> timedelta:
        supplier_id = draft.source.supplier_id
        if supplier_id not in self.suppliers:
            found = supply.supplier(self.session, supplier_id)
            assert found is not None, "an offer has its supplier"
            self.suppliers[supplier_id] = found
        product_id = self.good(draft.source.sku_id).id
        hours = draft.source.warranty_hours
        if hours is None:
            key = draft.storefront_id, product_id
            if key not in self.hours:
                self.hours[key] = aftersale.usual_warranty(self.session, storefront_id=draft.storefront_id, product_id=product_id)
            hours = self.hours[key]
        hours = max(hours, self.promised(draft))
        return max(timedelta(hours=hours), timedelta(days=hold_days(self.session, self.suppliers[supplier_id])))

    def promised(self, draft: Draft) -> int:
        """For how many hours its kind promises that it stays good, by the terms on which it was sold."""
        product = self.good(draft.source.sku_id)
        since = fulfilment.first_looked_at(draft.placed_at)
        known = self.earlier.get(product.id)
        if known is None or since < known[0]:
            # Most products have kept their terms, and what is settled together was sold at about the same time.
            since -= _TOGETHER
            known = self.earlier[product.id] = since, catalog.earlier_terms(self.session, product.id, since=since)
        return fulfilment.promised_for(product, known[1], placed_at=draft.placed_at, issued_at=draft.issued_at)

    def good(self, sku_id: int) -> ProductView:
        """The product that this denomination is of."""
        if sku_id not in self.goods:
            sku = catalog.sku(self.session, sku_id)
            product = None if sku is None else catalog.product(self.session, sku.product_id)
            assert product is not None, "what was sold is never deleted"
            self.goods[sku_id] = product
        return self.goods[sku_id]


def write_claims(session: Session, drafts: Sequence[Draft]) -> None:
    """Claims of these, one run for each supplier, storefront and currency, and its transfer."""
    setting = _Setting(session, Agreed(session, {draft.source.supplier_id for draft in drafts})) if drafts else None
    together: dict[tuple[int, int, str], list[Draft]] = defaultdict(list)
    for draft in drafts:
        together[draft.source.supplier_id, draft.storefront_id, draft.currency].append(draft)
    for (supplier_id, storefront_id, currency), some in sorted(together.items()):
        assert setting is not None
        shared = [(draft, *_shared(setting, draft)) for draft in some]
        sums = Amounts()
        for draft, _, _, made in shared:
            add_parts(sums, made, draft.cost_minor)
        run = make_run(session, RunKind.SETTLE, supplier_id, storefront_id, currency, sums)
        session.execute(
            insert(Claim), [_row(setting, draft, contract_id, terms, made, run.id) for draft, contract_id, terms, made in shared]
        )
        till = accounts.sales(session, storefront_id, currency)
        payable = accounts.held(session, supplier_id, currency)
        moves = [(till, accounts.revenue(session, storefront_id, label, currency), sums.shop[label]) for label in Label if sums.shop[label]]
        moves.append((till, payable, sums.supplier - sums.cost))
        post_run(session, run, moves)


def _shared(setting: _Setting, draft: Draft) -> tuple[int | None, Terms, Parts]:
    contract = setting.agreed.of(draft.source.supplier_id, draft.source.offer_id, draft.sold_at)
    terms: Terms = FixedCost() if contract is None else contract.terms
    product = setting.good(draft.source.sku_id)
    sale = Sale(
        units=draft.units,
        price_minor=draft.price_minor,
        cost_minor=draft.cost_minor,
        discount_minor=draft.discount_minor,
        category_id=product.category_id,
        exclusive=draft.exclusive,
        custom=product.kind == ProductKind.SERVICE,
    )
    return None if contract is None else contract.id, terms, parts(sale, terms)


def _row(setting: _Setting, draft: Draft, contract_id: int | None, terms: Terms, made: Parts, run_id: int) -> dict[str, object]:
    release_at = draft.sold_at + setting.hold(draft)
    starts, ends, bucket = None, None, None
    if isinstance(terms, Commission):
        (starts, ends), bucket = window_of(terms, draft.sold_at), terms.bucket(setting.good(draft.source.sku_id).category_id)
    return {
        "order_id": draft.order_id,
        "seq": draft.seq,
        "code_id": draft.code_id,
        "offer_id": draft.source.offer_id,
        "supplier_id": draft.source.supplier_id,
        "storefront_id": draft.storefront_id,
        "contract_id": contract_id,
        "form": form_of(terms),
        "units": draft.units,
        "currency": draft.currency,
        "price_minor": draft.price_minor,
        "cost_minor": draft.cost_minor,
        "supplier_minor": made.supplier_minor,
        **{f"{label}_minor": made.shop[label] for label in Label},
        "reversed_units": 0,
        "state": ClaimState.HELD,
        "sold_at": draft.sold_at,
        "release_at": release_at,
        "ask_at": release_at,
        "run_id": run_id,
        "release_run_id": None,
        "bucket": bucket,
        "window_starts_at": starts,
        "window_ends_at": ends,
        "counted": False,
    }
