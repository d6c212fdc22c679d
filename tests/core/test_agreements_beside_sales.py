"""Whoever gives back, settles or sets a limit locks what is agreed as a sale does, and sees what has changed while it waited."""

from __future__ import annotations

import asyncio
from fractions import Fraction

import pytest
from sqlalchemy import text

from core import catalog, exposure, inventory, orders, rates, supply
from core.database import Shop
from core.storefronts import Storefront
from core.supply import Offer, Stop
from tests.core.offering import offered, supplier
from tests.core.props import aside, at_once, keeps_turn, place, questions, reserve, scalar, settle, until_waits
from tests.core.test_commitments_on_the_way import promised
from tests.core.test_exposure_bound import limit
from tests.core.way import ask, secrets
from tests.stage import Clock, Goods, person, put_on_sale, stock

# Only PostgreSQL locks rows; SQLite lets one command write at a time.
pytestmark = [pytest.mark.usefixtures("sound_in_the_end"), pytest.mark.parametrize("database", ["postgres"], indirect=True)]

COMMITMENT, OFFER = "SELECT 1 FROM commitments FOR UPDATE", "SELECT 1 FROM offers FOR UPDATE"


def contract(quota_id: int) -> str:
    return f"SELECT 1 FROM quota_contracts WHERE id = {quota_id} FOR UPDATE"


async def with_quotas(shop: Shop, storefront: Storefront) -> tuple[Goods, list[tuple[int, Offer]]]:
    """Goods that two suppliers have on a contract each, the older one first."""
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(9), source="test")
    goods = await put_on_sale(shop, storefront, count=0)
    await shop.write(catalog.change_sku, goods.sku_id, face_value_minor=10_000, face_currency="CNY")
    sku = await shop.read(catalog.sku, goods.sku_id)
    assert sku is not None
    goods.rules_version = sku.rules_version
    agreed = []
    for _ in range(2):
        seller = await supplier(shop)
        facts = {"currency": "CNY", "face_total_minor": 1_000_000, "discount_bp": 1500, "by": "test"}
        quota_id = await shop.write(supply.new_quota, supplier_id=seller, **facts)  # type: ignore[arg-type]
        agreed.append((quota_id, await offered(shop, goods.sku_id, supplier_id=seller, quota_id=quota_id)))
    return goods, agreed


async def test_what_was_held_on_one_contract_and_another_that_sells(shop: Shop, storefront: Storefront, database_url: str) -> None:
    goods, [(first, cheap), (second, kept)] = await with_quotas(shop, storefront)
    await stock(shop, kept.id, goods.sku_id, 1)
    payer = await person(shop, storefront)
    placed = await place(shop, payer, goods, once="held")
    await reserve(shop, payer, placed)
    await stock(shop, cheap.id, goods.sku_id, 5)
    await keeps_turn(database_url, settle(shop, payer, placed, event="paid"), has=contract(first), then=contract(second))


async def test_payments_and_sales_of_two_contracts_at_once(shop: Shop, storefront: Storefront) -> None:
    goods, [(_, cheap), (_, kept)] = await with_quotas(shop, storefront)
    await stock(shop, kept.id, goods.sku_id, 12)
    payers = []
    for number in range(6):
        payer = await person(shop, storefront)
        placed = await place(shop, payer, goods, once=f"held-{number}")
        await reserve(shop, payer, placed)
        payers.append((payer, placed))
    await stock(shop, cheap.id, goods.sku_id, 60)
    buyers = [await person(shop, storefront, money_minor=10_000_000) for _ in range(8)]

    settled, sold = await asyncio.gather(
        at_once(settle(shop, payer, placed, event=f"paid-{placed.order_id}") for payer, placed in payers),
        at_once(shop.write(orders.buy, buyer_id=buyers[n % 8].id, quantity=1, once=f"beside-{n}", **goods.terms()) for n in range(40)),
    )

    assert all(one.issued for one in settled[0]) and (len(settled[0]), len(sold[0]), sold[1]) == (6, 40, [])


async def test_what_is_called_off_came_from_a_shelf_too(shop: Shop, storefront: Storefront, clock: Clock, database_url: str) -> None:
    goods, [(first, shelved), _] = await with_quotas(shop, storefront)
    await stock(shop, shelved.id, goods.sku_id, 1)
    far = await offered(shop, goods.sku_id, declared=50)
    buyer = await person(shop, storefront, money_minor=10_000_000)
    made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="two", **goods.terms())
    await promised(shop, far, clock, 20)
    await shop.write(supply.stop, offer_ids=[shelved.id], why=Stop.PAUSED, by="telegram:1")
    called_off = shop.write(orders.call_off, order_id=made.order_id, by="telegram:1", reason="")
    await keeps_turn(database_url, called_off, has=contract(first), then=COMMITMENT)


async def test_what_is_called_off_drew_a_contract_that_its_offer_has_no_more(shop: Shop, storefront: Storefront, database_url: str) -> None:
    goods, [(first, declares), _] = await with_quotas(shop, storefront)
    await shop.write(supply.declare, offer_id=declares.id, quantity=50)
    buyer = await person(shop, storefront, money_minor=10_000_000)
    made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="two", **goods.terms())
    async with aside(database_url) as other:
        await other.execute(text(f"UPDATE offers SET quota_id = NULL, plain = TRUE WHERE id = {declares.id}"))
        await other.commit()
    called_off = shop.write(orders.call_off, order_id=made.order_id, by="telegram:1", reason="")
    await keeps_turn(database_url, called_off, has=contract(first), then=OFFER)


async def test_a_commitment_that_is_over_and_not_judged(shop: Shop, storefront: Storefront, clock: Clock, database_url: str) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    far = await offered(shop, goods.sku_id, declared=50)
    await promised(shop, far, clock, 20)
    buyer = await person(shop, storefront, money_minor=10_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="two", **goods.terms())
    clock.passes(days=10)
    # Who judges it has it first, and its offer next.
    await keeps_turn(database_url, shop.write(orders.keep_promises, most=1), has=COMMITMENT, then=OFFER)


async def test_limits_of_one_supplier_in_two_currencies(shop: Shop, storefront: Storefront, database_url: str) -> None:
    seller = await supplier(shop)
    for currency in ("CNY", "USD"):
        await limit(shop, seller, 1000, currency)
    one_setting = f"SELECT 1 FROM suppliers WHERE id = {seller} FOR UPDATE"
    await keeps_turn(database_url, limit(shop, seller, 2000, "USD"), has=one_setting, then="SELECT 1 FROM exposure_limits FOR UPDATE")
    await asyncio.gather(*(limit(shop, seller, 3000 + n, currency) for n in range(4) for currency in ("USD", "CNY")))
    await shop.write(exposure.keep_limits)


async def test_a_purchase_by_itself_has_the_wallet_before_its_code(shop: Shop, storefront: Storefront, database_url: str) -> None:
    goods = await put_on_sale(shop, storefront, count=3)
    buyer = await person(shop, storefront, money_minor=10_000_000)
    wallet = f"SELECT 1 FROM accounts WHERE id = {buyer.wallet_id} FOR UPDATE"
    bought = shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **goods.terms())
    await keeps_turn(database_url, bought, has=wallet, then="SELECT 1 FROM codes FOR UPDATE")


@pytest.mark.parametrize("way", ["held", "drawn", "bought"])
async def test_what_is_taken_down_while_a_sale_waits_is_not_sold(shop: Shop, storefront: Storefront, database_url: str, way: str) -> None:
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(9), source="test")
    goods = await put_on_sale(shop, storefront, count=0)
    seller = await supplier(shop)
    offer = await offered(shop, goods.sku_id, supplier_id=seller)
    await stock(shop, offer.id, goods.sku_id, 5)
    await limit(shop, seller, 1_000_000)
    buyer = await person(shop, storefront, money_minor=10_000_000)
    if way == "bought":
        asks = shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **goods.terms())
    else:
        placed = await place(shop, buyer, goods, once="placed")
        if way == "held":
            await reserve(shop, buyer, placed)
        asks = settle(shop, buyer, placed, event="paid")  # type: ignore[assignment]
    async with aside(database_url) as other:
        await other.execute(text("SELECT 1 FROM owed_rooms FOR UPDATE"))
        command = asyncio.create_task(asks)
        await until_waits(other, command)
        await shop.write(supply.stop, offer_ids=[offer.id], why=Stop.TAKEDOWN, by="telegram:1")
        await other.rollback()
    if way == "bought":
        with pytest.raises(orders.SoldOut):
            await command
    else:
        await command
    assert await scalar(database_url, "SELECT count(*) FROM outbox WHERE topic = 'delivery'") == 0


async def test_many_codes_that_arrive_are_in_by_few_statements(shop: Shop, storefront: Storefront) -> None:
    """A supplier's other sales wait meanwhile."""
    goods = await put_on_sale(shop, storefront, count=0)
    seller = await supplier(shop)
    await offered(shop, goods.sku_id, supplier_id=seller, declared=5000)
    await shop.write(catalog.change_sku, goods.sku_id, max_quantity=5000)
    sku = await shop.read(catalog.sku, goods.sku_id)
    assert sku is not None
    goods.rules_version = sku.rules_version
    buyer = await person(shop, storefront, money_minor=100_000_000)
    made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=300, once="many", **goods.terms())
    task = await ask(shop, f"supplier:{seller}")
    with questions() as asked:
        brought = secrets(*(f"C-{n}" for n in range(310)))
        came = await shop.write(orders.arrived, task_id=task.id, secrets=brought, done=True, cause="brought")
    assert (came.taken, came.late, came.refused) == (300, 10, 0)
    assert sum(statement.startswith("INSERT INTO codes") for statement, _ in asked) <= 4, "not one by one"
    codes = await shop.read(inventory.of_order, made.order_id)
    assert len(codes) == 300
