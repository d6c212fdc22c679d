"""An account that its former owner takes back: what its kind promised at the sale holds, for the buyer and the supplier's money."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import aftersale, audit, catalog, fulfilment, inventory, orders, supply
from core.aftersale import NotPromised, Reason, TooLate
from core.audit.promises import HELD_AS_PROMISED, PROMISES
from core.catalog import ProductView, TermsUntil
from core.database import Shop, write
from core.people import Customer
from core.settlement import SpreadShare
from core.storefronts import Storefront
from tests.core.ledgers import assert_books
from tests.core.props import aside, assert_sound, balance
from tests.core.supplies import Supplied, give_offer, purse, settled, supplied
from tests.core.test_cases import deliver
from tests.stage import Clock, person, put_on_sale, stock

BY: dict[str, Any] = {"by": "telegram:7001"}


@dataclass
class Sold:
    """An account of a supplier, sold and delivered; its price is 95.00 and its supplier's part 86.00."""

    shop: Shop
    storefront: Storefront
    of: Supplied
    buyer: Customer
    order_id: int
    codes: list[int]

    async def complains(self, code_id: int, reason: Reason = Reason.RECLAIMED) -> int:
        made = await self.shop.write(
            aftersale.open_case, buyer_id=self.buyer.id, order_id=self.order_id, code_id=code_id, reason=reason, text="Locked out."
        )
        return made.case_id

    async def refunds(self, case_id: int) -> None:
        await self.shop.write(aftersale.refund, case_id=case_id, storefront_id=self.storefront.id, **BY)
        await settled(self.shop)

    async def purse(self) -> tuple[int, int, int]:
        """What the supplier has held, due, and on its way."""
        return await self.shop.read(purse, self.of.supplier_id)

    async def promises(self, days: int | None) -> None:
        await self.shop.write(fulfilment.set_term, self.of.goods.product_id, name="reclaim_days", value=days, **BY)

    async def offered(self) -> Collection[Reason]:
        found = await self.shop.read(aftersale.complainable, order_id=self.order_id, buyer_id=self.buyer.id)
        assert found is not None
        return found.reasons


async def sold(
    shop: Shop, storefront: Storefront, *, days: int | None = 30, quantity: int = 2, own_hours: int | None = None, count: int = 40
) -> Sold:
    of = await supplied(shop, storefront, terms=SpreadShare(1000), count=count)
    terms = {} if days is None else {"reclaim_days": days}
    await shop.write(fulfilment.set_kind, of.goods.product_id, kind_name="account", terms=terms, **BY)
    if own_hours is not None:
        await shop.write(supply.change_offer, offer_id=of.goods.offer_id, warranty_hours=own_hours, **BY)
    sku = await shop.read(catalog.sku, of.goods.sku_id)
    assert sku is not None
    buyer = await person(shop, storefront, money_minor=1_000_000)
    bought = {**of.goods.terms(), "rules_version": sku.rules_version}
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity, once="account", **bought)
    await deliver(shop)
    await settled(shop)
    codes = [code_id for code_id, _ in await shop.read(inventory.codes_of, receipt.order_id)]
    return Sold(shop, storefront, of, buyer, receipt.order_id, codes)


@pytest.fixture
async def since(shop: Shop, storefront: Storefront, clock: Clock) -> AsyncIterator[datetime]:
    """Whatever a story does, the books are equal to the ledger in the end and the audit finds nothing."""
    began = clock()
    yield began
    await assert_books(shop, began, clock())
    await assert_sound(shop)


@pytest.mark.parametrize("own_hours", [None, 48], ids=["", "its source gives two days"])
async def test_for_as_long_as_it_is_promised_it_is_complained_about_paid_back_and_taken_from_its_supplier(
    shop: Shop, storefront: Storefront, clock: Clock, since: datetime, own_hours: int | None
) -> None:
    one = await sold(shop, storefront, quantity=3, own_hours=own_hours)
    assert await one.purse() == (25_800, 0, 0)
    clock.passes(days=20)
    await settled(shop)
    assert await one.purse() == (25_800, 0, 0), "the usual warranty of three days is over, and nothing is released"

    await one.refunds(await one.complains(one.codes[0]))

    assert await one.purse() == (17_200, 0, 0)
    assert await balance(shop, one.buyer) == 1_000_000 - 2 * 9500
    clock.passes(days=9)
    await settled(shop)
    assert await one.purse() == (17_200, 0, 0), "on the 29th day it is still held"
    await one.refunds(await one.complains(one.codes[1]))
    assert await one.purse() == (8600, 0, 0)
    assert await balance(shop, one.buyer) == 1_000_000 - 9500

    clock.passes(days=1, seconds=1)
    await settled(shop)
    assert await one.purse() == (0, 8600, 0), "after the 30th day it is payable"
    with pytest.raises(TooLate) as refused:
        await one.complains(one.codes[2])
    assert timedelta(0) < refused.value.until - since - timedelta(days=30) < timedelta(minutes=5) and "{until}" in refused.value.says
    assert await balance(shop, one.buyer) == 1_000_000 - 9500


async def test_what_is_complained_about_on_the_last_day_stays_held_until_it_is_decided(
    shop: Shop, storefront: Storefront, clock: Clock, since: datetime
) -> None:
    one = await sold(shop, storefront)
    clock.passes(days=29, hours=23)
    case_id = await one.complains(one.codes[0])
    clock.passes(days=3)
    await settled(shop)
    assert (await one.purse())[1] <= 8600 and sum(await one.purse()) == 17_200

    await one.refunds(case_id)
    clock.passes(hours=1)
    await settled(shop)

    assert await one.purse() == (0, 8600, 0)


async def test_an_account_that_came_for_another_is_promised_as_long_from_then_on(
    shop: Shop, storefront: Storefront, clock: Clock, since: datetime
) -> None:
    one = await sold(shop, storefront, quantity=1)
    clock.passes(days=25)
    case_id = await one.complains(one.codes[0])
    await shop.write(aftersale.replace, case_id=case_id, storefront_id=storefront.id, **BY)
    await deliver(shop)
    await one.promises(None)
    [(came, _)] = await shop.read(inventory.codes_of, one.order_id)
    assert came != one.codes[0]
    clock.passes(days=29)

    await one.refunds(await one.complains(came))

    assert await balance(shop, one.buyer) == 1_000_000 and sum(await one.purse()) == 0


@pytest.mark.parametrize("after", [None, 1], ids=["taken away", "shortened"])
async def test_what_was_sold_keeps_the_promise_it_was_sold_with(
    shop: Shop, storefront: Storefront, clock: Clock, since: datetime, after: int | None
) -> None:
    one = await sold(shop, storefront)
    clock.passes(hours=2)
    await one.promises(after)
    assert await shop.read(aftersale.warranty_of, storefront_id=storefront.id, product_id=one.of.goods.product_id) == 72
    clock.passes(days=29)
    await settled(shop)
    assert await one.purse() == (17_200, 0, 0) and Reason.RECLAIMED in await one.offered()
    await one.refunds(await one.complains(one.codes[0]))
    assert await one.purse() == (8600, 0, 0)


async def test_settlement_that_comes_late_holds_by_the_terms_of_the_sale_and_not_by_todays(
    shop: Shop, storefront: Storefront, clock: Clock, since: datetime
) -> None:
    of = await supplied(shop, storefront)
    await shop.write(fulfilment.set_kind, of.goods.product_id, kind_name="account", terms={"reclaim_days": 30}, **BY)
    once = 0

    async def buys() -> None:
        nonlocal once
        once += 1
        sku = await shop.read(catalog.sku, of.goods.sku_id)
        assert sku is not None
        buyer = await person(shop, storefront, money_minor=10_000)
        bought = {**of.goods.terms(), "rules_version": sku.rules_version}
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"o{once}", **bought)

    await buys()
    clock.passes(hours=2)
    await shop.write(fulfilment.set_term, of.goods.product_id, name="reclaim_days", value=10, **BY)
    clock.passes(minutes=2)
    await buys()
    clock.passes(hours=2)
    await shop.write(fulfilment.set_term, of.goods.product_id, name="reclaim_days", value=60, **BY)
    clock.passes(hours=2)
    await settled(shop)
    released = []
    for _ in range(31):
        clock.passes(days=1)
        await settled(shop)
        released.append((await shop.read(purse, of.supplier_id))[1])
    assert [released.count(due) for due in (0, 8500, 17_000)] == [9, 20, 2]


async def test_nobody_complains_of_what_was_not_promised(shop: Shop, storefront: Storefront, clock: Clock, since: datetime) -> None:
    one = await sold(shop, storefront, days=None)
    assert list(await one.offered()) == [reason for reason in Reason if reason is not Reason.RECLAIMED]
    with pytest.raises(NotPromised):
        await one.complains(one.codes[0])
    clock.passes(hours=1)
    await one.promises(30)
    with pytest.raises(NotPromised):
        await one.complains(one.codes[0])
    clock.passes(days=4)
    await settled(shop)
    assert await one.purse() == (0, 17_200, 0), "what was promised later was not sold"


async def test_a_longer_warranty_of_the_product_is_not_shortened_by_its_kinds(
    shop: Shop, storefront: Storefront, clock: Clock, since: datetime
) -> None:
    one = await sold(shop, storefront, days=2, own_hours=24 * 10)
    clock.passes(days=9)
    await settled(shop)
    assert await one.purse() == (17_200, 0, 0)
    await one.complains(one.codes[0], Reason.WRONG_CODE)
    shown: dict[str, Any] = {"storefront_id": storefront.id, "product_id": one.of.goods.product_id}
    assert await shop.read(aftersale.warranty_of, of_source=240, **shown) == 240
    assert await shop.read(aftersale.warranty_of, of_source=24, **shown) == 48
    assert await shop.read(aftersale.warranty_of, **shown) == 72


def test_the_longest_promise_between_the_placing_and_the_issue_of_an_order_is_its_promise(clock: Clock) -> None:
    at = clock()
    hour = timedelta(hours=1)

    def days(reclaim: int) -> dict[str, Any]:
        return {"reclaim_days": reclaim} if reclaim else {}

    product = replace(_PRODUCT, terms=days(1))
    earlier = [TermsUntil("account", days(n), at + place * hour) for n, place in ((40, 0), (5, 10), (20, 20))]

    def promised(placed: float, issued: float | None = None) -> int:
        since = at + placed * hour
        known = [each for each in earlier if each.until > fulfilment.first_looked_at(since)]
        until = None if issued is None else at + issued * hour
        of_all = fulfilment.promised_for(product, earlier, placed_at=since, issued_at=until)
        assert of_all == fulfilment.promised_for(product, known, placed_at=since, issued_at=until), "what ended long before says nothing"
        return of_all // 24

    assert [promised(placed) for placed in (-1, 0.01, 0.1, 9.9, 11, 19, 21)] == [40, 40, 5, 5, 20, 20, 1]
    assert promised(9, 11) == 20 and promised(-5, 21) == 40 and promised(15, 30) == 20 and promised(21, 90) == 1
    assert fulfilment.promised_for(product, [], placed_at=at, issued_at=at) == 24


_PRODUCT = ProductView(1, 1, "a", "account", "A", None, "", "", {}, "", False, 1, False)


async def test_the_audit_finds_money_that_is_held_too_shortly_and_complaints_about_no_promise(
    shop: Shop, storefront: Storefront, clock: Clock, database_url: str
) -> None:
    one = await sold(shop, storefront)
    await one.complains(one.codes[0])
    await assert_sound(shop)
    clock.passes(hours=1)
    await one.promises(2)
    await assert_sound(shop)
    (reclaimed,) = PROMISES
    for check, harm in (
        (HELD_AS_PROMISED, "UPDATE claims SET release_at = release_at - 1"),
        (HELD_AS_PROMISED, "UPDATE earlier_terms SET terms = '{\"reclaim_days\": 31}'"),
        (reclaimed, "UPDATE products SET kind = 'code'"),
    ):
        async with aside(database_url) as connection:
            assert (await connection.execute(text(harm))).rowcount > 0

            def examined(sync: Any) -> audit.Report:
                with Session(sync, info={"tools": shop.tools}) as session:
                    return audit.examine(session)

            report = await connection.run_sync(examined)
            await connection.rollback()
        assert check in report.violated, harm
    await assert_sound(shop)


@write
def _second_source(session: Session, *, sku_id: int, offer_id: int) -> None:
    """An offer of another product's becomes the next source of this denomination."""
    session.execute(text("DELETE FROM sources WHERE offer_id = :offer"), {"offer": offer_id})
    session.execute(text("UPDATE offers SET sku_id = :sku WHERE id = :offer"), {"sku": sku_id, "offer": offer_id})
    session.execute(
        text("INSERT INTO sources (sku_id, rank, offer_id, version) VALUES (:sku, 2, :offer, 1)"), {"sku": sku_id, "offer": offer_id}
    )


async def test_an_account_of_another_supplier_that_came_for_a_bad_one_is_paid_when_its_own_promise_is_over(
    shop: Shop, storefront: Storefront, clock: Clock, since: datetime
) -> None:
    one = await sold(shop, storefront, quantity=1, count=1)
    good = await shop.write(supply.new_supplier, name="Good", standing=supply.Standing.AUTHORISED, telegram_id=99)
    other = await put_on_sale(shop, storefront, name="Other", count=0)
    await shop.write(_second_source, sku_id=one.of.goods.sku_id, offer_id=other.offer_id)
    await shop.write(give_offer, offer_id=other.offer_id, supplier_id=good.id, cost_minor=9000, currency="CNY")
    await stock(shop, other.offer_id, one.of.goods.sku_id, 1)
    clock.passes(days=10)
    await one.promises(None)
    clock.passes(days=10)
    case_id = await one.complains(one.codes[0])
    await shop.write(aftersale.replace, case_id=case_id, storefront_id=storefront.id, **BY)
    await settled(shop)
    assert (await one.purse(), await shop.read(purse, good.id)) == ((0, 0, 0), (9000, 0, 0))

    clock.passes(days=29)
    await settled(shop)
    assert await shop.read(purse, good.id) == (9000, 0, 0), "what was sold was promised for 30 days, from its coming on"
    clock.passes(days=1, hours=1)
    await settled(shop)
    assert await shop.read(purse, good.id) == (0, 9000, 0)
