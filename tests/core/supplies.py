"""Props of stories about suppliers' money: a supplier whose goods are on sale, and settlement until it has nothing to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import ledger, settlement, supply
from core.database import Shop, read, write
from core.ledger import AccountKind
from core.settlement import Terms
from core.storefronts import Storefront
from core.supply import Standing
from tests.stage import Clock, Goods, numbers, put_on_sale


@dataclass
class Supplied:
    """A supplier with goods on sale, and who acts for them."""

    supplier_id: int
    telegram_id: int
    goods: Goods

    @property
    def by(self) -> str:
        return f"telegram:{self.telegram_id}"


@write
def give_offer(session: Session, *, offer_id: int, supplier_id: int, cost_minor: int, currency: str) -> None:
    """Make the shop's offer a supplier's, with its goods consigned."""
    account = supply.payable(session, supplier_id=supplier_id, currency=currency)
    session.execute(
        text(
            "UPDATE offers SET supplier_id = :supplier, payable_id = :account, cost_minor = :cost, cost_currency = :currency"
            " WHERE id = :offer"
        ),
        {"supplier": supplier_id, "account": account, "cost": cost_minor, "currency": currency, "offer": offer_id},
    )
    # It never cost anything else.
    session.execute(text("DELETE FROM offer_costs WHERE offer_id = :offer"), {"offer": offer_id})


async def supplied(
    shop: Shop,
    storefront: Storefront,
    *,
    terms: Terms | None = None,
    cost_minor: int = 8500,
    price_minor: int = 9500,
    count: int = 40,
    standing: Standing = Standing.AUTHORISED,
    name: str = "Steam",
) -> Supplied:
    """A supplier with a denomination on sale and a contract."""
    goods = await put_on_sale(shop, storefront, name=name, price_minor=price_minor, count=count)
    telegram_id = 7_000_000 + next(numbers)
    made = await shop.write(supply.new_supplier, name=f"Supplier of {name}", standing=standing, telegram_id=telegram_id)
    currency = storefront.currency
    await shop.write(give_offer, offer_id=goods.offer_id, supplier_id=made.id, cost_minor=cost_minor, currency=currency)
    if terms is not None:
        await shop.write(settlement.agree, supplier_id=made.id, terms=terms, by="test")
    return Supplied(made.id, telegram_id, goods)


async def settled(shop: Shop) -> None:
    """Everything that settlement can do now is done."""
    while await shop.write(settlement.settle_now):
        pass
    while await shop.write(settlement.count_windows):
        pass


async def released(shop: Shop, clock: Clock, *, days: float = 30) -> None:
    """So many days later, everything that was held is payable."""
    await settled(shop)
    clock.passes(seconds=timedelta(days=days).total_seconds())
    await settled(shop)


@read
def purse(session: Session, supplier_id: int, currency: str = "CNY") -> tuple[int, int, int]:
    """What the books say is held, due and on its way to a supplier."""
    held, due, paying = (
        ledger.account_balance(session, party_id=supplier_id, kind=AccountKind.PAYABLE, label=label, currency=currency)
        for label in ("", "due", "paying")
    )
    return held, due, paying


@read
def earned(session: Session, storefront: Storefront, label: str, currency: str = "CNY") -> int:
    """What the books say the shop has earned by a stream."""
    return ledger.account_balance(session, party_id=storefront.party_id, kind=AccountKind.REVENUE, label=label, currency=currency)


@read
def unshared(session: Session, storefront: Storefront, currency: str = "CNY") -> int:
    """What lies in the account that every sale of the shop is booked to."""
    return ledger.account_balance(session, party_id=storefront.party_id, kind=AccountKind.SALES, currency=currency)
