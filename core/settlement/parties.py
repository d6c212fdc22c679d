"""All parties of an order and each one's share: the buyer, the suppliers by their units, the shop, and who carried the payment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import ledger, orders, payments, supply
from core.database import read
from core.settlement.reversing import left_of
from core.settlement.tables import Claim


@dataclass(frozen=True, slots=True)
class SupplierPart:
    """Units of one offer in an order. `minor` is what its supplier has of them now: nothing of goods that are the shop's own.

    Not settled yet, it is the cost, which the sale itself has credited.
    """

    supplier_id: int
    name: str
    offer_id: int
    units: int
    consigned: bool
    minor: int
    currency: str
    settled: bool


@dataclass(frozen=True, slots=True)
class Parties:
    """Who is in an order, and what each has of it, in minor units of `currency`, as it stands after what was refunded.

    `paid_minor` is the price of the goods and `borne_minor` what the payer paid of the provider's fee besides; `provider_minor` is what
    the provider keeps, in `provider_currency`. All parts in the order's currency sum to what was paid less what was refunded.
    """

    order_id: int
    buyer_id: int
    reseller: bool | None  # as the buyer was when they bought; None: before this was kept
    level_id: int | None
    currency: str
    paid_minor: int
    borne_minor: int
    refunded_minor: int
    suppliers: Sequence[SupplierPart]
    shop_minor: int
    provider: str | None
    provider_minor: int
    provider_currency: str

    @property
    def total_minor(self) -> int:
        """What all of them have together, in the order's currency."""
        theirs = sum(part.minor for part in self.suppliers if part.currency == self.currency)
        return theirs + self.shop_minor + (self.provider_minor if self.provider_currency == self.currency else 0)


@read
def parties_of(session: Session, order_id: int) -> Parties | None:
    """Everybody who has a part of an order that was issued; None of any other."""
    lines, bought = orders.sold_lines(session, [order_id]), orders.bought_as(session, order_id)
    found = orders.detail(session, order_id=order_id)
    if not lines or bought is None or found is None:
        return None
    currency, paid = lines[0].currency, payments.paid_for(session, order_id=order_id)
    fee, kept, paid_in, provider = 0, 0, currency, None
    if paid is not None:
        provider, paid_in, fee, kept = paid[0].provider, paid[0].currency, paid[0].fee_minor, paid[0].kept_minor
    same = paid_in == currency
    # The gateway came in at what was paid: what rounding to a whole coin added is borne by the payer too.
    borne = paid[0].amount_minor - paid[0].worth_minor if paid is not None and same else 0
    suppliers = _suppliers(session, order_id, lines)
    theirs = sum(part.minor for part in suppliers if part.currency == currency)
    refunded = found.refunded_minor
    return Parties(
        order_id=order_id,
        buyer_id=bought.buyer_id,
        reseller=bought.reseller,
        level_id=bought.level_id,
        currency=currency,
        paid_minor=lines[0].total_minor,
        borne_minor=borne if same else fee,
        refunded_minor=refunded,
        suppliers=suppliers,
        shop_minor=lines[0].total_minor - refunded - theirs + borne - (kept if same else 0),
        provider=provider,
        provider_minor=kept,
        provider_currency=paid_in,
    )


def _suppliers(session: Session, order_id: int, lines: Sequence[orders.SoldLine]) -> list[SupplierPart]:
    """A part of every line, and of every code that another supplier gave in a bad one's place."""
    claims = {(row.seq, row.code_id): row for row in session.scalars(select(Claim).where(Claim.order_id == order_id).order_by(Claim.id))}
    ids = {line.offer_id for line in lines} | {row.offer_id for row in claims.values()}
    offers = {offer.id: offer for offer in supply.offers(session, sorted(ids))}
    sale = ledger.sales_of(session, [order_id]).get(order_id)
    credited = {} if sale is None else ledger.credits_of(session, [sale]).get(sale, {})
    gone: dict[int, int] = defaultdict(int)
    for code in orders.refunded_codes_of(session, [order_id]):
        gone[code.offer_id] += 1
    parts = []
    for line in lines:
        offer, claim = offers[line.offer_id], claims.pop((line.seq, 0), None)
        theirs = claim is not None or (offer.payable_id is not None and (offer.payable_id in credited or not line.unit_cost_minor))
        minor = 0
        if claim is not None:
            minor = left_of(claim)
        elif theirs:
            back = min(gone[line.offer_id], line.units)
            gone[line.offer_id] -= back
            minor = line.unit_cost_minor * (line.units - back)
        kept_in = claim.currency if claim is not None else line.cost_currency
        parts.append(_part(session, offer, line.units, theirs, minor, kept_in, claim is not None))
    parts += [_part(session, offers[row.offer_id], row.units, True, left_of(row), row.currency, True) for row in claims.values()]
    return parts


def _part(session: Session, offer: supply.Offer, units: int, theirs: bool, minor: int, currency: str, settled: bool) -> SupplierPart:
    of = supply.supplier(session, offer.supplier_id)
    return SupplierPart(offer.supplier_id, "" if of is None else of.name, offer.id, units, theirs, minor, currency, settled)
