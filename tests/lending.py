"""Props of the tests about credit: a reseller with a line, and the job that works lines."""

from __future__ import annotations

from typing import Any

from core import credit, payments
from core.credit import AskState, Terms, Wanted
from core.database import Shop
from core.people import Customer
from core.storefronts import Storefront
from tests.reselling import a_reseller
from tests.stage import numbers

STAFF, SECOND = "telegram:1", "telegram:2"


async def work_credit(shop: Shop) -> None:
    """What the timed job does."""
    for customer_id in await shop.read(credit.due):
        await shop.write(credit.work, customer_id=customer_id)


async def a_line(
    shop: Shop, storefront: Storefront, *, limit_minor: int = 100_000, terms: Terms | None = None, money_minor: int = 0
) -> Customer:
    """A reseller whom the staff have given this limit."""
    reseller = await a_reseller(shop, storefront, money_minor=money_minor)
    await lend(shop, reseller, limit_minor=limit_minor, terms=terms)
    return reseller


async def lend(shop: Shop, reseller: Customer, *, limit_minor: int, terms: Terms | None = None) -> None:
    """The staff give a reseller this limit, by two of them where it takes two."""
    here: dict[str, Any] = {"customer_id": reseller.id, "storefront_id": reseller.storefront_id}
    made = await shop.write(credit.set_limit, **here, limit_minor=limit_minor, by=STAFF)
    if made.state is AskState.SENT:
        await shop.write(credit.approve_ask, ask_id=made.id, storefront_id=reseller.storefront_id, amount_minor=limit_minor, by=SECOND)
    if terms is not None:
        await shop.write(credit.set_terms, **here, terms=terms, by=STAFF)


async def an_advance(shop: Shop, reseller: Customer, *, amount_minor: int, instalments: int, every_days: int) -> None:
    """An advance asked for and given."""
    asked = await shop.write(
        credit.ask_for,
        customer_id=reseller.id,
        wanted=Wanted.ADVANCE,
        amount_minor=amount_minor,
        instalments=instalments,
        every_days=every_days,
        by=f"telegram:{reseller.telegram_id}",
    )
    for by in (STAFF, SECOND):
        if asked.state is AskState.SENT:
            asked = await shop.write(
                credit.approve_ask, ask_id=asked.id, storefront_id=reseller.storefront_id, amount_minor=amount_minor, by=by
            )


async def spend(shop: Shop, reseller: Customer, amount_minor: int) -> None:
    """So much leaves the wallet, under the guard that every sale is under. Raises TooLittle."""
    facts: dict[str, Any] = {"reason": "goods", "by": "test", "once": f"spend:{next(numbers)}", "tell": False}
    await shop.write(payments.adjust, customer_id=reseller.id, amount_minor=-amount_minor, **facts)
