"""Where the units of one order come from: shelves first, in the order of the ranking, then what sources say they have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy.orm import Session

from core import fulfilment, inventory, ledger, people, supply
from core.catalog import ProductView, SkuView
from core.database import now
from core.errors import Refusal
from core.orders.refusals import SoldOut, WrongQuantity
from core.orders.tables import Passed
from core.supply import Offer, SetAside

# What the shop promises of codes that a source brings on order: what has not come by then is given back.
_BY_MACHINE, _BY_HAND = timedelta(minutes=30), timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Way:
    """How units of one offer reach their buyer when they are not on the shelf: who works on it, and within what time it is promised."""

    lane: str
    promise: timedelta


@dataclass(slots=True)
class Drawn:
    """What was drawn for an order, by offer: codes that are its own now, and units that are to come."""

    taken: dict[int, int] = field(default_factory=dict)
    to_come: dict[int, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(self.taken.values()) + sum(self.to_come.values())

    @property
    def units(self) -> dict[int, int]:
        """All units by offer, whether they are here or to come."""
        both = Drawn(dict(self.taken))
        both.add(Drawn(self.to_come))
        return both.taken

    def add(self, other: Drawn) -> None:
        """What was drawn besides."""
        for mine, more in ((self.taken, other.taken), (self.to_come, other.to_come)):
            for offer_id, count in more.items():
                mine[offer_id] = mine.get(offer_id, 0) + count


def from_shelf(product: ProductView) -> bool:
    """Do units of this product lie on a shelf? What else there is is made when it is bought."""
    return fulfilment.kind(product.kind).from_shelf


def way_of(product: ProductView, offer: Offer) -> Way:
    """Who brings what an offer has besides its shelf: its upstream, or people – the staff for the shop's own, else the supplier."""
    kind = fulfilment.kind(product.kind)
    lane = kind.lane(product.terms, offer.supplier_id, offer.payable_id is None, offer.upstream_id)
    if not kind.from_shelf:
        return Way(lane, kind.promise(product.terms))
    return Way(lane, _BY_MACHINE if offer.upstream_id is not None else _BY_HAND)


def suitable(session: Session, offers: Sequence[Offer], *, quantity: int, country: str | None, currency: str) -> list[Offer]:
    """Those of these offers that may be sold now, in this quantity, to a buyer there, in the same order.

    A supplier is credited in the currency of the sale, so that goods of another's that cost something else are not drawn.
    """
    at = now(session)
    return [offer for offer in offers if unsuitable(offer, at, quantity=quantity, country=country, currency=currency) is None]


def unsuitable(offer: Offer, at: datetime, *, quantity: int, country: str | None, currency: str) -> Passed | None:
    """Why an offer may not be sold at this moment, in this quantity, to a buyer there; None when it may."""
    if not _sells(offer, at, currency):
        return Passed.DATES if _in_its_currency(offer, currency) else Passed.CURRENCY
    if not _takes(offer, quantity):
        return Passed.QUANTITY
    return None if _reaches(offer, country) else Passed.COUNTRY


def _sells(offer: Offer, at: datetime, currency: str) -> bool:
    """Now, in this currency? A job stops what is outside its dates; the sale does not wait for it."""
    return (
        _in_its_currency(offer, currency)
        and (offer.valid_from is None or offer.valid_from <= at)
        and (offer.valid_until is None or offer.valid_until > at)
    )


def _in_its_currency(offer: Offer, currency: str) -> bool:
    return offer.payable_id is None or offer.cost_currency == currency


def _takes(offer: Offer, quantity: int) -> bool:
    return (offer.min_quantity or 0) <= quantity and (offer.max_quantity is None or quantity <= offer.max_quantity)


def _reaches(offer: Offer, country: str | None) -> bool:
    return offer.region is None or offer.region == country


def too_few(
    session: Session,
    *,
    product: ProductView,
    sku: SkuView,
    offers: Sequence[Offer],
    quantity: int,
    most: int,
    country: str | None,
    currency: str,
    left: int,
) -> Refusal:
    """Why an order of so many cannot be had, when only `left` of it can: a reason that its buyer can do something about, else SoldOut.

    `offers` are all that sell the denomination, `most` what this buyer may order at once. Sources that have it, and give it in other
    quantities only, are WrongQuantity with the limits of the nearest; those of other countries CountryUnknown or NotForYourCountry.
    """
    if left:
        return SoldOut(left=left, sku_id=sku.id)
    at = now(session)
    here = [offer for offer in offers if _sells(offer, at, currency) and _reaches(offer, country) and not _takes(offer, quantity)]
    ranges = []
    for offer in here:
        least, top = max(sku.min_quantity, offer.min_quantity or 1), min(most, offer.max_quantity or most)
        has = there_are(session, product, [offer], most=max(1, top))
        if least <= min(top, has):
            ranges.append((least - quantity if quantity < least else quantity - min(top, has), least, min(top, has)))
    if ranges:
        _, least, top = min(ranges)
        return WrongQuantity(least=least, most=top)
    abroad = [offer for offer in offers if _sells(offer, at, currency) and not _reaches(offer, country)]
    if there_are(session, product, abroad, most=1):
        return fulfilment.CountryUnknown() if country is None else fulfilment.NotForYourCountry(country=country)
    return SoldOut(left=0, sku_id=sku.id)


def draw(
    session: Session,
    *,
    order_id: int,
    product: ProductView,
    offers: Sequence[Offer],
    quantity: int,
    not_declared: Collection[int] = (),
    uncounted: Mapping[int, int] = MappingProxyType({}),
) -> Drawn:
    """Draw up to so many units for an order: what an exclusive source has, then what is set aside for commitments, then all the others.

    Of each of these the shelves by rank, then what is declared, by rank. What is declared is not drawn from the offers `not_declared`:
    they were asked already. Of an offer with a quota no more is drawn than it covers besides the `uncounted` units that the order has
    of it; its contract stays locked until the quota is drawn down, and a commitment until it is drawn. Of a supplier who may be owed
    only so much, no more is drawn than there is room for, and the room is drawn down with it.
    """
    found, at = Drawn(), now(session)
    covered = supply.lock_quotas(session, [offer.id for offer in offers if offer.quota_id is not None])
    aside = supply.lock_set_aside(session, [offer.id for offer in offers if not offer.plain])
    room = {offer_id: max(0, units - uncounted.get(offer_id, 0)) for offer_id, units in covered.items()}
    fits = supply.units_in_room(session, offers, lock=True)
    if covered or aside or fits:
        # Others may have been waited for, and an offer stopped meanwhile.
        selling = supply.selling(session, [offer.id for offer in offers])
        offers = [offer for offer in offers if offer.id in selling]
    room |= {offer_id: min(units, room.get(offer_id, units)) for offer_id, units in fits.items()}
    reserved = {offer_id: replace(one, left=max(0, one.left - uncounted.get(offer_id, 0))) for offer_id, one in aside.items()}
    for group, at_most in _turns(offers, at, reserved):
        has = found.units
        most_of = {offer.id: min(room.get(offer.id, quantity), at_most.get(offer.id, quantity)) - has.get(offer.id, 0) for offer in group}
        if from_shelf(product) and group:
            ids = [offer.id for offer in group]
            wanted = quantity - found.count
            found.add(Drawn(inventory.take_up_to(session, offer_ids=ids, quantity=wanted, order_id=order_id, most_of=most_of)))
        for offer in group:
            if found.count < quantity and offer.declared and offer.id not in not_declared:
                most = min(quantity - found.count, most_of[offer.id] - found.units.get(offer.id, 0) + has.get(offer.id, 0))
                drawn = supply.draw_declared(session, offer_id=offer.id, most=most) if most > 0 else 0
                if drawn:
                    found.add(Drawn({}, {offer.id: drawn}))
    if fits:
        supply.draw_room(session, offers, found.units)
    return found


def lock_as_sale(session: Session, *, order_id: int, buyer_id: int, sku_id: int, offer_ids: Collection[int]) -> None:
    """A part of commands: what a sale of this denomination to this buyer locks before it draws, in the same order.

    The wallet, then what is agreed about these offers, about all that sell the denomination and about what the order drew: contracts,
    commitments, and what may be owed. To be called before the row of any of these offers is touched: whoever gives units back, draws
    others instead or pays back would else wait for a sale that waits for them.
    """
    ledger.lock(session, people.by_id(session, buyer_id).wallet_id)
    ranked = supply.ranked(session, [sku_id])
    others = set(offer_ids) - {offer.id for offer in ranked}
    offers = [*ranked, *(supply.offers(session, others) if others else ())]
    supply.lock_contracts(session, {offer.quota_id for offer in offers if offer.quota_id is not None}, order_id=order_id)
    supply.lock_set_aside(session, [offer.id for offer in offers if not offer.plain])
    supply.units_in_room(session, offers, lock=True)


def _turns(offers: Sequence[Offer], at: datetime, aside: Mapping[int, SetAside]) -> list[tuple[list[Offer], Mapping[int, int]]]:
    """Of which of these offers is drawn first, and how many of each in that turn at most; without a number, as many as there are."""
    open_to_all = [offer for offer in offers if not offer.exclusive(at)]
    left = {offer_id: one.left for offer_id, one in aside.items()}
    return [
        ([offer for offer in offers if offer.exclusive(at)], {}),
        ([offer for offer in open_to_all if offer.id in aside and aside[offer.id].exclusive], left),
        ([offer for offer in open_to_all if offer.id in aside and not aside[offer.id].exclusive], left),
        # What goes beyond a commitment is drawn by rank like anything else.
        (open_to_all, {}),
    ]


def shelves_in_turn(session: Session, offers: Sequence[Offer], *, most_of: Mapping[int, int], quantity: int) -> list[inventory.Turn]:
    """The shelves of these offers as a sale of so many would empty them; what sources declare takes its turn, and nothing of a shelf.

    Of an offer in `most_of` no more than that is drawn. What is kept for other payers of a commitment counts as drawn.
    """
    ids = [offer.id for offer in offers]
    there = inventory.on_shelf(session, ids, most=quantity)
    aside = supply.set_aside(session, [offer.id for offer in offers if not offer.plain])
    kept = inventory.held_by_offer(session, list(aside)) if aside else {}
    aside = {offer_id: replace(one, left=max(0, one.left - kept.get(offer_id, 0))) for offer_id, one in aside.items()}
    found, turns = Drawn(), []
    for group, left in _turns(offers, now(session), aside):
        most = {offer.id: min(most_of.get(offer.id, quantity), left.get(offer.id, quantity)) for offer in group}
        for mine, has in ((found.taken, there), (found.to_come, {offer.id: offer.declared or 0 for offer in group})):
            for offer in group:
                more = min(has[offer.id] - mine.get(offer.id, 0), most[offer.id] - found.units.get(offer.id, 0), quantity - found.count)
                mine[offer.id] = mine.get(offer.id, 0) + max(0, more)
        if group:
            turns.append(inventory.Turn([offer.id for offer in group], most, sum(found.taken.values())))
    return turns


def in_turn(session: Session, offers: Sequence[Offer]) -> list[Offer]:
    """These offers as they are drawn from: an exclusive one, then what is set aside for commitments, then the others by rank."""
    aside = supply.set_aside(session, [offer.id for offer in offers if not offer.plain])
    found: dict[int, Offer] = {}
    for group, _ in _turns(offers, now(session), aside):
        found |= {offer.id: offer for offer in group if offer.id not in found}
    return list(found.values())


def there_are(session: Session, product: ProductView, offers: Sequence[Offer], *, most: int) -> int:
    """How many units these offers have, on their shelves and declared, as far as their suppliers may be owed them; up to `most`."""
    shelf = inventory.on_shelf(session, [offer.id for offer in offers], most=most) if from_shelf(product) else {}
    fits = supply.units_in_room(session, offers, lock=False)
    return min(most, sum(min(shelf.get(offer.id, 0) + (offer.declared or 0), fits.get(offer.id, most)) for offer in offers))


def fields_of(session: Session, *, product: ProductView, sku_id: int, buyer_id: int, answers_id: int | None) -> Mapping[str, str]:
    """What the buyer answered to what the product asks, for those who make it.

    Raises what `fulfilment.answers_of` raises: no answers, another's, a country that the product is not sold in.
    """
    if answers_id is None and not product.asks:
        return {}
    return fulfilment.answers_of(session, answers_id, buyer_id, sku_id)
