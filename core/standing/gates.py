"""The two gates of supply: may this supplier list that, and may they put so much of it on the shelf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy.orm import Session

from core import catalog, inventory, supply
from core.catalog import Gone
from core.database import read
from core.errors import N_, Refusal
from core.standing.rules import folded
from core.standing.suppliers import rights
from core.standing.switches import switches_over
from core.standing.takedowns import frozen_by
from core.standing.words import brands_in, found_in
from core.supply import SourceClass, Standing


@dataclass(eq=False)
class Suspended(Refusal):
    says: ClassVar[str] = N_("This supplier is suspended, so nothing can be listed or stocked. The shop says what is needed to lift that.")


@dataclass(eq=False)
class TooManyOffers(Refusal):
    says: ClassVar[str] = N_("At this standing a supplier may have {most} offers. Please withdraw one first, or ask the shop for more.")

    most: int


@dataclass(eq=False)
class TooManyCodes(Refusal):
    says: ClassVar[str] = N_(
        "At this standing a supplier may have {most} codes on the shelf, and there is room for {room} more. Please bring in fewer."
    )

    most: int
    room: int


@dataclass(eq=False)
class ClassNotAllowed(Refusal):
    """`source_class` is the value of a SourceClass."""

    says: ClassVar[str] = N_("At this standing goods of this kind of source may not be listed. Please ask the shop what is needed.")

    source_class: str


@dataclass(eq=False)
class BannedWords(Refusal):
    says: ClassVar[str] = N_("The shop does not allow this to be written: {words}. Please change the text.")

    words: str


@dataclass(eq=False)
class BrandGuarded(Refusal):
    says: ClassVar[str] = N_("{brand} may be listed by authorised suppliers only, on an approved paper that names the brand.")

    brand: str


@dataclass(eq=False)
class SwitchedOff(Refusal):
    says: ClassVar[str] = N_("This is switched off at the moment: it can be listed when the shop has switched it on again.")


@dataclass(eq=False)
class TakenDown(Refusal):
    says: ClassVar[str] = N_("A rights-holder has objected to this, so nothing can be listed or stocked until that is decided.")


@read
def may_list(
    session: Session,
    *,
    supplier_id: int,
    sku_id: int,
    source_class: SourceClass | None = None,
    name: str = "",
    scope: str = "",
) -> None:
    """Let a supplier list a denomination, or raise why not: Suspended, SwitchedOff, TakenDown, ClassNotAllowed, TooManyOffers,
    BannedWords, BrandGuarded.

    `name` is everything the supplier has written about it; `scope` what the approved paper covers on which it rests. Raises Gone.
    """
    found, sku = supply.supplier(session, supplier_id), catalog.sku(session, sku_id)
    product = None if sku is None else catalog.product(session, sku.product_id)
    if found is None or sku is None or product is None:
        raise Gone
    may_go_on(session, supplier_id=supplier_id, sku_id=sku_id)
    allowed = rights(session, found.standing)
    if source_class is not None and source_class not in allowed.classes:
        raise ClassNotAllowed(source_class=source_class.value)
    if len(supply.offers_of(session, supplier_id)) >= allowed.most_offers:
        raise TooManyOffers(most=allowed.most_offers)
    if found.standing is Standing.OWN:
        return
    if words := found_in(session, name):
        raise BannedWords(words=", ".join(one.word for one in words))
    for brand in brands_in(session, f"{product.name} {sku.name} {product.keywords} {name}"):
        if found.standing is not Standing.AUTHORISED or folded(brand) not in folded(scope):
            raise BrandGuarded(brand=brand)


@read
def may_stock(session: Session, *, supplier_id: int, sku_id: int, quantity: int) -> None:
    """Let a supplier put so many more codes on the shelf, or raise why not: Suspended, SwitchedOff, TakenDown, TooManyCodes; Gone."""
    found = supply.supplier(session, supplier_id)
    if found is None:
        raise Gone
    may_go_on(session, supplier_id=supplier_id, sku_id=sku_id)
    most = rights(session, found.standing).most_on_shelf
    room = most
    for offer_id in supply.offers_of(session, supplier_id):
        # Counted only as far as it matters: a shelf may be long.
        room -= inventory.on_shelf(session, [offer_id], most=max(0, room) + 1)[offer_id]
        if room < quantity:
            raise TooManyCodes(most=most, room=max(0, room))
    if room < quantity:
        raise TooManyCodes(most=most, room=max(0, room))


@read
def may_go_on(session: Session, *, supplier_id: int, sku_id: int) -> None:
    """Let a supplier sell what is listed, or raise why not: Suspended, SwitchedOff, TakenDown."""
    found = supply.supplier(session, supplier_id)
    if found is not None and found.suspended:
        raise Suspended
    if switches_over(session, supplier_id=supplier_id, sku_id=sku_id):
        raise SwitchedOff
    if frozen_by(session, supplier_id=supplier_id, sku_id=sku_id):
        raise TakenDown
