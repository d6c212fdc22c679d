"""Looking at the catalogue."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from core.catalog.tables import Category, EarlierTerms, Product, Sku
from core.database import read


@dataclass(frozen=True, slots=True)
class CategoryView:
    id: int
    parent_id: int | None
    slug: str
    name: str
    names: dict[str, str] = field(repr=False)
    icon: str | None
    position: int
    hidden: bool

    def name_in(self, language: str) -> str:
        """The name in this language, or as the shopkeeper wrote it."""
        return self.names.get(language) or self.name


@dataclass(frozen=True, slots=True)
class ProductView:
    id: int
    category_id: int
    slug: str
    kind: str
    name: str
    icon: str | None
    description: str
    redeem: str
    texts: dict[str, Any] = field(repr=False)
    keywords: str
    protect_content: bool
    position: int
    hidden: bool
    sealed: bool = False
    return_hours: int = 24
    warranty_hours: int | None = None
    held: bool = False
    asks: bool = False
    terms: dict[str, Any] = field(default_factory=dict, repr=False)

    def name_in(self, language: str) -> str:
        return self._text(language, "name") or self.name

    def description_in(self, language: str) -> str:
        return self._text(language, "description") or self.description

    def redeem_in(self, language: str) -> str:
        """How and where to redeem."""
        return self._text(language, "redeem") or self.redeem

    def _text(self, language: str, what: str) -> str | None:
        found = self.texts.get(language, {}).get(what)
        return str(found) if found else None


@dataclass(frozen=True, slots=True)
class SkuView:
    """A denomination with its limits; `rules_version` is what a quote carries."""

    id: int
    product_id: int
    slug: str
    name: str
    names: dict[str, str] = field(repr=False)
    face_value_minor: int | None
    face_currency: str | None
    redeem_region: str | None
    min_quantity: int
    max_quantity: int
    max_per_buyer: int | None
    rules_version: int
    low_stock_at: int
    low_stock_told: bool
    position: int
    hidden: bool

    def name_in(self, language: str) -> str:
        return self.names.get(language) or self.name


def _category(row: Category) -> CategoryView:
    return CategoryView(row.id, row.parent_id, row.slug, row.name, row.names, row.icon, row.position, row.hidden_at is not None)


def _product(row: Product) -> ProductView:
    return ProductView(
        row.id,
        row.category_id,
        row.slug,
        row.kind,
        row.name,
        row.icon,
        row.description,
        row.redeem,
        row.texts,
        row.keywords,
        row.protect_content,
        row.position,
        row.hidden_at is not None,
        row.sealed,
        row.return_hours,
        row.warranty_hours,
        row.held,
        row.asks,
        row.terms or {},
    )


def _sku(row: Sku) -> SkuView:
    return SkuView(
        row.id,
        row.product_id,
        row.slug,
        row.name,
        row.names,
        row.face_value_minor,
        row.face_currency,
        row.redeem_region,
        row.min_quantity,
        row.max_quantity,
        row.max_per_buyer,
        row.rules_version,
        row.low_stock_at,
        row.low_stock_told_at is not None,
        row.position,
        row.hidden_at is not None,
    )


@read
def category(session: Session, category_id: int) -> CategoryView | None:
    row = session.get(Category, category_id)
    return None if row is None else _category(row)


@read
def product(session: Session, product_id: int) -> ProductView | None:
    row = session.get(Product, product_id)
    return None if row is None else _product(row)


@read
def sku(session: Session, sku_id: int) -> SkuView | None:
    row = session.get(Sku, sku_id)
    return None if row is None else _sku(row)


@read
def sku_by_slug(session: Session, slug: str) -> SkuView | None:
    row = session.scalars(select(Sku).where(Sku.slug == slug)).one_or_none()
    return None if row is None else _sku(row)


@read
def categories_under(session: Session, parent_id: int | None, *, hidden_too: bool = False) -> list[CategoryView]:
    """The categories right under one, or the top ones, in the shopkeeper's order."""
    question = select(Category).where(Category.parent_id == parent_id if parent_id is not None else Category.parent_id.is_(None))
    if not hidden_too:
        question = question.where(Category.hidden_at.is_(None))
    return [_category(row) for row in session.scalars(question.order_by(Category.position, Category.id))]


@read
def trail(session: Session, category_id: int) -> list[CategoryView]:
    """The way from the top to this category, itself last."""
    way: list[CategoryView] = []
    here: int | None = category_id
    while here is not None and len(way) < 32:
        row = session.get(Category, here)
        if row is None:
            break
        way.append(_category(row))
        here = row.parent_id
    return way[::-1]


@read
def tree(session: Session) -> list[tuple[int, CategoryView]]:
    """Every category, hidden ones too, with its depth, in the order in which a tree is drawn."""
    under: dict[int | None, list[CategoryView]] = {}
    for row in session.scalars(select(Category).order_by(Category.position, Category.id)):
        under.setdefault(row.parent_id, []).append(_category(row))
    drawn: list[tuple[int, CategoryView]] = []
    waiting = [(0, found) for found in reversed(under.get(None, []))]
    while waiting:
        depth, here = waiting.pop()
        drawn.append((depth, here))
        waiting += [(depth + 1, found) for found in reversed(under.get(here.id, []))]
    return drawn


@read
def products_in(session: Session, category_id: int, *, hidden_too: bool = False) -> list[ProductView]:
    """The products right in a category, in the shopkeeper's order."""
    question = select(Product).where(Product.category_id == category_id)
    if not hidden_too:
        question = question.where(Product.hidden_at.is_(None))
    return [_product(row) for row in session.scalars(question.order_by(Product.position, Product.id))]


@read
def skus_of(session: Session, product_ids: Collection[int], *, hidden_too: bool = False) -> list[SkuView]:
    """The denominations of these products, product by product, in the shopkeeper's order."""
    if not product_ids:
        return []
    question = select(Sku).where(Sku.product_id.in_(product_ids))
    if not hidden_too:
        question = question.where(Sku.hidden_at.is_(None))
    return [_sku(row) for row in session.scalars(question.order_by(Sku.product_id, Sku.position, Sku.id))]


@read
def search_products(session: Session, folded: str, *, offset: int = 0, limit: int = 20) -> list[ProductView]:
    """Visible products whose names, keywords or initials hold every one of the words (folded as the index is)."""
    words = folded.split()[:6]
    if not words:
        return []
    question = (
        select(Product)
        .join(Category, Category.id == Product.category_id)
        .where(
            and_(*[Product.search.contains(word[:40], autoescape=True) for word in words]),
            Product.hidden_at.is_(None),
            Category.hidden_at.is_(None),
        )
        .order_by(Product.position, Product.id)
        .offset(offset)
        .limit(limit)
    )
    return [_product(row) for row in session.scalars(question)]


@read
def skus_to_watch(session: Session, *, after: int, limit: int) -> list[SkuView]:
    """Visible denominations that have an alert level, in id order: the pages of the low-stock job."""
    rows = session.scalars(select(Sku).where(Sku.id > after, Sku.hidden_at.is_(None), Sku.low_stock_at > 0).order_by(Sku.id).limit(limit))
    return [_sku(row) for row in rows]


@read
def all_skus(session: Session, *, hidden_too: bool = False) -> list[SkuView]:
    """Every denomination whose product is visible too, in id order; with `hidden_too` really every one."""
    question = select(Sku).join(Product, Product.id == Sku.product_id).order_by(Sku.id)
    if not hidden_too:
        question = question.where(Sku.hidden_at.is_(None), Product.hidden_at.is_(None))
    return [_sku(row) for row in session.scalars(question)]


@read
def skus_page(session: Session, *, after: int, limit: int) -> list[SkuView]:
    """Visible denominations of visible products with ids above `after`, in id order: a page of the whole catalogue."""
    rows = session.scalars(
        select(Sku)
        .join(Product, Product.id == Sku.product_id)
        .where(Sku.id > after, Sku.hidden_at.is_(None), Product.hidden_at.is_(None))
        .order_by(Sku.id)
        .limit(limit)
    )
    return [_sku(row) for row in rows]


@read
def skus_called(session: Session, sku_ids: Collection[int]) -> dict[int, SkuView]:
    """These denominations by their ids."""
    if not sku_ids:
        return {}
    return {row.id: _sku(row) for row in session.scalars(select(Sku).where(Sku.id.in_(sku_ids)))}


@read
def products_of(session: Session, product_ids: Collection[int]) -> dict[int, ProductView]:
    """These products by their ids."""
    if not product_ids:
        return {}
    return {row.id: _product(row) for row in session.scalars(select(Product).where(Product.id.in_(product_ids)))}


@read
def products_of_kind(session: Session, kind: str) -> list[ProductView]:
    """Products of this kind, in the order they were made; not those that were made for a single buyer."""
    rows = session.scalars(select(Product).where(Product.kind == kind).order_by(Product.id))
    return [view for view in map(_product, rows) if "for" not in view.terms]


@dataclass(frozen=True, slots=True)
class TermsUntil:
    """What a product's kind and terms were until they were changed."""

    kind: str
    terms: dict[str, Any] = field(repr=False)
    until: datetime


@read
def earlier_terms(session: Session, product_id: int, *, since: datetime) -> list[TermsUntil]:
    """The kinds and terms of this product that ended after an instant, the oldest first; those of now are the product's own."""
    rows = session.scalars(
        select(EarlierTerms)
        .where(EarlierTerms.product_id == product_id, EarlierTerms.until > since)
        .order_by(EarlierTerms.until, EarlierTerms.id)
    )
    return [TermsUntil(row.kind, row.terms or {}, row.until) for row in rows]
