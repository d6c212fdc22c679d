"""Changing the catalogue; what a buyer agreed to moves `rules_version`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import journal
from core.catalog.queries import CategoryView, ProductView, SkuView, category, product, sku, trail
from core.catalog.tables import Category, EarlierTerms, Product, ProductKind, Sku
from core.database import now, write
from core.errors import N_, Refusal

_SLUG = 64
MOST_IN_ORDER = 10_000  # codes that one transaction takes off the shelf and one file delivers


@dataclass(eq=False)
class Gone(Refusal):
    says: ClassVar[str] = N_("This is no longer in the shop. Please look again.")


@dataclass(eq=False)
class NotYourOwnBranch(Refusal):
    says: ClassVar[str] = N_("A category cannot be moved into itself. Please choose another place.")


@dataclass(eq=False)
class WrongLimits(Refusal):
    says: ClassVar[str] = N_("The smallest quantity of an order cannot be above the largest one ({least} and {most}).")

    least: int
    most: int


@dataclass(eq=False)
class TooManyInOrder(Refusal):
    says: ClassVar[str] = N_("One order can be of {most} codes at most. Please choose a smaller quantity.")

    most: int


_Table = type[Category] | type[Product] | type[Sku]
_TABLES: dict[str, _Table] = {"category": Category, "product": Product, "sku": Sku}


def _free_slug(session: Session, table: _Table, wanted: str) -> str:
    """The slug, or the first of slug-2, slug-3 … that nothing else has."""
    number, free = 1, wanted[:_SLUG]
    while session.scalar(select(table.id).where(table.slug == free)) is not None:
        number += 1
        tail = f"-{number}"
        free = wanted[: _SLUG - len(tail)] + tail
    return free


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _note_added(session: Session, by: str | None, what: str, row: Category | Product | Sku) -> None:
    if by is not None:
        journal.record(session, by=by, did=f"add-{what}", about=what, about_id=row.id, after={"name": row.name, "slug": row.slug})


# What is read together is recorded together: without its currency nobody knows where the point of a face value stands.
_TOGETHER = ({"face_value_minor", "face_currency"},)


def _note_change(session: Session, by: str | None, what: str, row_id: int, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Record what is different now; a change that changes nothing is no action."""
    differs = {name for name in after if before[name] != after[name]}
    for together in _TOGETHER:
        if differs & together:
            differs |= together
    changed = [name for name in after if name in differs]
    if by is not None and changed:
        journal.record(
            session,
            by=by,
            did=f"change-{what}",
            about=what,
            about_id=row_id,
            before={name: _plain(before[name]) for name in changed},
            after={name: _plain(after[name]) for name in changed},
        )


def _seen(row: Category | Product | Sku, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


_CATEGORY_FACTS = ("name", "names", "icon", "parent_id", "hidden_at")
_PRODUCT_FACTS = (
    "category_id",
    "name",
    "icon",
    "description",
    "redeem",
    "texts",
    "keywords",
    "protect_content",
    "sealed",
    "return_hours",
    "warranty_hours",
    "held",
    "hidden_at",
)
_SKU_FACTS = (
    "name",
    "names",
    "face_value_minor",
    "face_currency",
    "redeem_region",
    "min_quantity",
    "max_quantity",
    "max_per_buyer",
    "low_stock_at",
    "hidden_at",
)


def _check_limits(least: int, most: int) -> None:
    if not 1 <= least <= most:
        raise WrongLimits(least=least, most=most)
    if most > MOST_IN_ORDER:
        raise TooManyInOrder(most=MOST_IN_ORDER)


def _next_position(session: Session, column: Any, *where: Any) -> int:
    return int(session.scalar(select(func.coalesce(func.max(column), 0)).where(*where)) or 0) + 10


@write
def add_category(
    session: Session,
    *,
    slug: str,
    name: str,
    parent_id: int | None = None,
    names: dict[str, str] | None = None,
    icon: str | None = None,
    number_slug: bool = False,
    by: str | None = None,
) -> int:
    """A new category at the end of its parent; returns its id.

    `number_slug` adds a number to a slug that is taken; `by` names the member of the staff for the action log.
    """
    same = Category.parent_id == parent_id if parent_id is not None else Category.parent_id.is_(None)
    row = Category(
        parent_id=parent_id,
        slug=_free_slug(session, Category, slug) if number_slug else slug[:_SLUG],
        name=name,
        names=names or {},
        icon=icon,
        position=_next_position(session, Category.position, same),
    )
    session.add(row)
    session.flush()
    _note_added(session, by, "category", row)
    return row.id


@write
def change_category(
    session: Session,
    category_id: int,
    *,
    name: str | None = None,
    names: dict[str, str] | None = None,
    icon: str | None = None,
    parent_id: int | Literal["same"] | None = "same",
    hidden: bool | None = None,
    by: str | None = None,
) -> CategoryView:
    """Change what is given; raises Gone, or NotYourOwnBranch when it would hang under itself."""
    row = session.get(Category, category_id, with_for_update=True)
    if row is None:
        raise Gone
    before = _seen(row, _CATEGORY_FACTS)
    if name is not None:
        row.name = name
    if names is not None:
        row.names = names
    if icon is not None:
        row.icon = icon or None
    if parent_id != "same":
        if parent_id is not None and any(step.id == category_id for step in trail(session, parent_id)):
            raise NotYourOwnBranch
        row.parent_id = parent_id
    if hidden is not None and hidden != (row.hidden_at is not None):
        row.hidden_at = now(session) if hidden else None
    session.flush()
    _note_change(session, by, "category", category_id, before, _seen(row, _CATEGORY_FACTS))
    found = category(session, category_id)
    assert found is not None
    return found


@write
def add_product(
    session: Session,
    *,
    category_id: int,
    slug: str,
    name: str,
    search: str,
    kind: str = ProductKind.CODE,
    icon: str | None = None,
    description: str = "",
    redeem: str = "",
    texts: dict[str, Any] | None = None,
    keywords: str = "",
    protect_content: bool = False,
    sealed: bool = False,
    return_hours: int = 24,
    number_slug: bool = False,
    by: str | None = None,
) -> int:
    """A new product at the end of its category; `search` holds its folded names, keywords and initials. Returns its id."""
    row = Product(
        category_id=category_id,
        slug=_free_slug(session, Product, slug) if number_slug else slug[:_SLUG],
        kind=kind,
        name=name,
        icon=icon,
        description=description,
        redeem=redeem,
        texts=texts or {},
        keywords=keywords,
        search=search,
        protect_content=protect_content,
        sealed=sealed,
        return_hours=return_hours,
        position=_next_position(session, Product.position, Product.category_id == category_id),
    )
    session.add(row)
    session.flush()
    _note_added(session, by, "product", row)
    return row.id


@write
def change_product(
    session: Session,
    product_id: int,
    *,
    category_id: int | None = None,
    name: str | None = None,
    search: str | None = None,
    icon: str | None = None,
    description: str | None = None,
    redeem: str | None = None,
    texts: dict[str, Any] | None = None,
    keywords: str | None = None,
    protect_content: bool | None = None,
    sealed: bool | None = None,
    return_hours: int | None = None,
    warranty_hours: int | Literal["same"] | None = "same",
    held: bool | None = None,
    hidden: bool | None = None,
    by: str | None = None,
) -> ProductView:
    """Change what is given; hiding a product moves the rules of its denominations, so that open screens cannot sell it.

    So does a change of what may be returned, or is held for review: a buyer agreed to it.
    """
    row = session.get(Product, product_id, with_for_update=True)
    if row is None:
        raise Gone
    before = _seen(row, _PRODUCT_FACTS)
    given = {
        "category_id": category_id,
        "name": name,
        "search": search,
        "icon": icon,
        "description": description,
        "redeem": redeem,
        "texts": texts,
        "keywords": keywords,
        "protect_content": protect_content,
        "sealed": sealed,
        "return_hours": return_hours,
        "held": held,
    }
    for what, value in given.items():
        if value is not None:
            setattr(row, what, value)
    if warranty_hours != "same":
        row.warranty_hours = warranty_hours
    moved = any(getattr(row, what) != before[what] for what in ("sealed", "return_hours", "held"))
    if hidden is not None and hidden != (row.hidden_at is not None):
        row.hidden_at, moved = now(session) if hidden else None, True
    if moved:
        session.execute(update(Sku).where(Sku.product_id == product_id).values(rules_version=Sku.rules_version + 1))
    session.flush()
    _note_change(session, by, "product", product_id, before, _seen(row, _PRODUCT_FACTS))
    found = product(session, product_id)
    assert found is not None
    return found


@write
def set_kind(session: Session, product_id: int, *, kind: str, terms: dict[str, Any], asks: bool, by: str | None = None) -> ProductView:
    """What kind of product it is, on which terms, and whether the sale asks its buyer; raises Gone.

    `core/fulfilment` checks the terms and says whether they ask: shopkeepers' changes go through `fulfilment.set_kind`. The rules of
    its denominations move, so that a screen drawn before cannot sell on other terms; what was sold keeps those it was sold on
    (`earlier_terms`).
    """
    row = session.get(Product, product_id, with_for_update=True)
    if row is None:
        raise Gone
    before = {"kind": str(row.kind), "terms": row.terms or {}}
    after = {"kind": str(kind), "terms": terms}
    if before != after:
        session.add(EarlierTerms(product_id=product_id, kind=row.kind, terms=row.terms, until=now(session)))
    row.kind, row.terms, row.asks = str(kind), terms or None, asks
    session.execute(update(Sku).where(Sku.product_id == product_id).values(rules_version=Sku.rules_version + 1))
    session.flush()
    if by is not None and before != after:
        journal.record(session, by=by, did="set-kind", about="product", about_id=product_id, before=before, after=after)
    found = product(session, product_id)
    assert found is not None
    return found


@write
def add_sku(
    session: Session,
    *,
    product_id: int,
    slug: str,
    name: str,
    names: dict[str, str] | None = None,
    face_value_minor: int | None = None,
    face_currency: str | None = None,
    redeem_region: str | None = None,
    min_quantity: int = 1,
    max_quantity: int = 100,
    max_per_buyer: int | None = None,
    low_stock_at: int = 0,
    number_slug: bool = False,
    by: str | None = None,
) -> int:
    """A new denomination at the end of its product; returns its id. It can be bought once it has a price and stock.

    Raises WrongLimits and TooManyInOrder as `change_sku` does.
    """
    _check_limits(min_quantity, max_quantity)
    row = Sku(
        product_id=product_id,
        slug=_free_slug(session, Sku, slug) if number_slug else slug[:_SLUG],
        name=name,
        names=names or {},
        face_value_minor=face_value_minor,
        face_currency=face_currency,
        redeem_region=redeem_region,
        min_quantity=min_quantity,
        max_quantity=max_quantity,
        max_per_buyer=max_per_buyer,
        rules_version=1,
        low_stock_at=low_stock_at,
        position=_next_position(session, Sku.position, Sku.product_id == product_id),
    )
    session.add(row)
    session.flush()
    _note_added(session, by, "sku", row)
    return row.id


@write
def change_sku(
    session: Session,
    sku_id: int,
    *,
    name: str | None = None,
    names: dict[str, str] | None = None,
    face_value_minor: int | None = None,
    face_currency: str | None = None,
    redeem_region: str | None = None,
    min_quantity: int | None = None,
    max_quantity: int | None = None,
    max_per_buyer: int | Literal["same"] | None = "same",
    low_stock_at: int | None = None,
    hidden: bool | None = None,
    clear: Collection[Literal["face_value", "redeem_region"]] = (),
    by: str | None = None,
) -> SkuView:
    """Change what is given; the rules version moves, so that a buyer who saw the old rules is asked again.

    Raises Gone, WrongLimits when the smallest quantity would be above the largest, and TooManyInOrder when the largest would be
    above MOST_IN_ORDER.
    """
    row = session.get(Sku, sku_id, with_for_update=True)
    if row is None:
        raise Gone
    before = _seen(row, _SKU_FACTS)
    given = {
        "name": name,
        "names": names,
        "face_value_minor": face_value_minor,
        "face_currency": face_currency,
        "redeem_region": redeem_region,
        "min_quantity": min_quantity,
        "max_quantity": max_quantity,
        "low_stock_at": low_stock_at,
    }
    for what, value in given.items():
        if value is not None:
            setattr(row, what, value)
    _check_limits(row.min_quantity, row.max_quantity)
    if "face_value" in clear:
        row.face_value_minor = row.face_currency = None
    if "redeem_region" in clear:
        row.redeem_region = None
    if max_per_buyer != "same":
        row.max_per_buyer = max_per_buyer
    if low_stock_at is not None:
        row.low_stock_told_at = None
    if hidden is not None and hidden != (row.hidden_at is not None):
        row.hidden_at = now(session) if hidden else None
    row.rules_version += 1
    session.flush()
    _note_change(session, by, "sku", sku_id, before, _seen(row, _SKU_FACTS))
    found = sku(session, sku_id)
    assert found is not None
    return found


@write
def translate(
    session: Session,
    *,
    what: Literal["category", "product", "sku"],
    id: int,
    language: str,
    part: Literal["name", "description", "redeem"],
    text: str | None,
    search: str | None = None,
    by: str | None = None,
) -> None:
    """Say one text in one language, or (None) no longer differently; only products have more than a name. Raises Gone.

    `search` is the product's new search line, since it holds the names of all languages.
    """
    assert what == "product" or part == "name", "categories and denominations have a name only"
    row = session.get(_TABLES[what], id, with_for_update=True)
    if row is None:
        raise Gone
    assert isinstance(row, Category | Product | Sku)
    facts = {"category": _CATEGORY_FACTS, "product": _PRODUCT_FACTS, "sku": _SKU_FACTS}[what]
    before = _seen(row, facts)
    if isinstance(row, Product):
        mine = {name: said for name, said in row.texts.get(language, {}).items() if name != part}
        if text:
            mine[part] = text
        others = {name: texts for name, texts in row.texts.items() if name != language}
        row.texts = {**others, language: mine} if mine else others
        if search is not None:
            row.search = search
    else:
        names = {name: said for name, said in row.names.items() if name != language}
        row.names = {**names, language: text} if text else names
    session.flush()
    _note_change(session, by, what, id, before, _seen(row, facts))


@write
def low_stock_told(session: Session, sku_id: int, *, told: bool) -> bool:
    """Remember that the admins know of the low stock, or that it is no longer low; False when it was so already."""
    known = Sku.low_stock_told_at.is_(None) if told else Sku.low_stock_told_at.is_not(None)
    changed = session.scalars(
        update(Sku).where(Sku.id == sku_id, known).values(low_stock_told_at=now(session) if told else None).returning(Sku.id),
        execution_options={"synchronize_session": False},
    ).one_or_none()
    return changed is not None


@write
def move(session: Session, *, what: Literal["category", "product", "sku"], id: int, by: Literal[-1, 1], who: str | None = None) -> bool:
    """Swap places with the neighbour before (−1) or after (+1); False when there is none. `who` is for the action log."""
    row = session.get(_TABLES[what], id)
    if row is None:
        raise Gone
    siblings: Iterable[Category | Product | Sku]
    if isinstance(row, Category):
        same = Category.parent_id == row.parent_id if row.parent_id is not None else Category.parent_id.is_(None)
        siblings = session.scalars(select(Category).where(same))
    elif isinstance(row, Product):
        siblings = session.scalars(select(Product).where(Product.category_id == row.category_id))
    else:
        assert isinstance(row, Sku)
        siblings = session.scalars(select(Sku).where(Sku.product_id == row.product_id))
    ordered = sorted(siblings, key=lambda sibling: (sibling.position, sibling.id))
    here = [sibling.id for sibling in ordered].index(id)
    there = here + by
    if not 0 <= there < len(ordered):
        return False
    ordered[here], ordered[there] = ordered[there], ordered[here]
    for number, sibling in enumerate(ordered, 1):
        sibling.position = number * 10
    if who is not None:
        journal.record(
            session,
            by=who,
            did=f"move-{what}",
            about=what,
            about_id=id,
            before={"place": here + 1},
            after={"place": there + 1},
        )
    return True
