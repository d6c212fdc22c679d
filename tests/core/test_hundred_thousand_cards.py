"""B28: 100,000 cards of one supplier sold in one day at 90.00 with cost 85.00 – 500,000.00 of spread, split without a lost minor unit."""

from __future__ import annotations

import csv
import hashlib
import io
import time
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import inventory, orders, settlement
from core.database import Shop, micros, now, write
from core.people import Customer
from core.settlement import SpreadShare
from core.storefronts import Storefront
from handlers.supply.money_words import earnings_csv, earnings_png, earnings_said
from locales import Speech
from papers.pictures import WIDTH
from tests.core.props import assert_sound
from tests.core.supplies import Supplied, earned, purse, settled, supplied, unshared
from tests.stage import Clock, person

CARDS = 100_000
REALLY_SOLD = 2_000  # through the sale itself, ten at a time
PRICE, COST = 9000, 8500
SUPPLIERS_SHARE = 3000  # basis points of the spread


@write
def sell_in_bulk(session: Session, *, of: Supplied, buyer: Customer, sizes: list[int]) -> None:
    """Whole orders of these sizes, row for row what the sale writes, with codes that were on no shelf."""
    at, goods = micros(now(session)), of.goods
    first: dict[str, int] = {
        table: int(session.execute(text(f"SELECT COALESCE(MAX(id), 0) + 1 FROM {table}")).scalar_one())
        for table in ("orders", "transfers", "codes", "batches")
    }
    payable = session.execute(text("SELECT payable_id FROM offers WHERE id = :id"), {"id": goods.offer_id}).scalar_one()
    sales = session.execute(text("SELECT sales_account_id FROM storefronts WHERE id = :id"), {"id": goods.storefront.id}).scalar_one()
    batch, count = session.execute(text("SELECT id, accepted FROM batches WHERE offer_id = :id LIMIT 1"), {"id": goods.offer_id}).one()
    made: dict[str, list[dict[str, Any]]] = {name: [] for name in ("orders", "lines", "transfers", "postings", "codes", "outbox")}
    row = count
    for n, size in enumerate(sizes):
        order, transfer = first["orders"] + n, first["transfers"] + n
        once = f"bulk-{order}"
        made["orders"].append({"id": order, "once": once, "hash": hashlib.md5(once.encode()).digest(), "total": size * PRICE})
        made["lines"].append({"order": order, "quantity": size})
        made["transfers"].append({"id": transfer, "key": f"sale:{order}", "order": order})
        for seq, credit, amount in ((1, payable, size * COST), (2, sales, size * (PRICE - COST))):
            made["postings"].append({"transfer": transfer, "seq": seq, "credit": credit, "amount": amount})
        made["outbox"].append({"order": order})
        for _ in range(size):
            row += 1
            made["codes"].append({"row": row, "order": order, "mark": hashlib.sha256(f"bulk-{row}".encode()).digest()})
    facts = {
        "storefront": goods.storefront.id,
        "buyer": buyer.id,
        "wallet": buyer.wallet_id,
        "offer": goods.offer_id,
        "sku": goods.sku_id,
        "price": goods.price_id,
        "at": at,
        "batch": batch,
    }
    for name, statement in {
        "orders": "INSERT INTO orders (id, storefront_id, buyer_id, once, once_hash, state, total_minor, currency, paid_by,"
        " placed_at, issued_at)"
        " VALUES (:id, :storefront, :buyer, :once, :hash, 'issued', :total, 'CNY', 'wallet', :at, :at)",
        "lines": "INSERT INTO order_lines (order_id, seq, sku_id, offer_id, price_id, quantity, unit_price_minor, unit_cost_minor,"
        " cost_currency)"
        f" VALUES (:order, 1, :sku, :offer, :price, :quantity, {PRICE}, {COST}, 'CNY')",
        "transfers": "INSERT INTO transfers (id, key, kind, subject_id, at) VALUES (:id, :key, 'sale', :order, :at)",
        "postings": "INSERT INTO postings (transfer_id, seq, debit_id, credit_id, amount_minor, currency)"
        " VALUES (:transfer, :seq, :wallet, :credit, :amount, 'CNY')",
        "codes": "INSERT INTO codes (offer_id, batch_id, row, order_id, ciphertext, fingerprint)"
        " VALUES (:offer, :batch, :row, :order, :mark, :mark)",
        "outbox": "INSERT INTO outbox (topic, customer_id, order_id, made_at, due_at, attempts)"
        " VALUES ('delivery', :buyer, :order, :at, :at, 0)",
    }.items():
        wanted = {key: value for key, value in facts.items() if f":{key}" in statement}
        session.execute(text(statement), [{**wanted, **one} for one in made[name]])
    total = sum(sizes) * PRICE
    session.execute(
        text("UPDATE accounts SET balance_minor = balance_minor - :total WHERE id = :id"), {"total": total, "id": buyer.wallet_id}
    )
    session.execute(text("UPDATE batches SET accepted = accepted + :n WHERE id = :id"), {"n": sum(sizes), "id": batch})
    if session.get_bind().dialect.name == "postgresql":
        for table in ("orders", "transfers"):
            session.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT MAX(id) FROM {table}))"))


@pytest.mark.slow
async def test_a_hundred_thousand_cards_of_one_day_are_split_to_the_minor_unit(
    shop: Shop, storefront: Storefront, clock: Clock, database: str
) -> None:
    of = await supplied(shop, storefront, terms=SpreadShare(SUPPLIERS_SHARE), cost_minor=COST, price_minor=PRICE, count=REALLY_SOLD)
    buyer = await person(shop, storefront, money_minor=CARDS * PRICE)
    some: list[int] = []
    for number in range(REALLY_SOLD // 10):
        made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=10, once=f"real-{number}", **of.goods.terms())
        some.append(made.order_id)
    left = CARDS - REALLY_SOLD
    sizes: list[int] = []
    while left:
        sizes.append(min(left, 1 + len(sizes) % 10))
        left -= sizes[-1]
    await shop.write(sell_in_bulk, of=of, buyer=buyer, sizes=sizes)

    began = time.perf_counter()
    await settled(shop)
    took = time.perf_counter() - began

    # 5.00 of 100,000 cards: 500,000.00, of which 30 % are the supplier's.
    spread, theirs = CARDS * (PRICE - COST), 15_000_000
    assert spread == 50_000_000
    assert await shop.read(purse, of.supplier_id) == (CARDS * COST + theirs, 0, 0)
    assert await shop.read(earned, storefront, "spread") == spread - theirs
    assert await shop.read(unshared, storefront) == 0

    today = clock().date()
    began = time.perf_counter()
    statement = await shop.read(settlement.earnings, supplier_id=of.supplier_id, currency="CNY", first=today, last=today, timezone="UTC")
    speech = Speech("en")
    said, table, picture = earnings_said(statement, speech), earnings_csv(statement, speech), earnings_png(statement, speech)
    made_in = time.perf_counter() - began
    print(f"\n{database}: {CARDS} cards in {len(sizes) + len(some)} orders settled in {took:.1f} s, statement in {made_in:.3f} s")
    assert made_in < 5
    assert "¥8,500,000.00</b> · 100,000 units" in said and "¥150,000.00" in said
    rows = {(row["day"], row["stream"]): row["amount"] for row in csv.DictReader(io.StringIO(table.decode("utf-8-sig")))}
    assert (rows[today.isoformat(), "sales"], rows["", "spread"], rows["", "earned"]) == ("8500000.00", "150000.00", "8650000.00")
    assert Image.open(io.BytesIO(picture)).width == WIDTH
    assert (statement.total.units, statement.total.sales_minor, statement.total.spread_minor) == (CARDS, CARDS * COST, theirs)
    assert statement.balances.held_minor == statement.total.earned_minor and statement.balances.settling_minor == 0

    # Fourteen units of the orders that were really sold go back, one order whole.
    for order_id, count in ((some[0], 10), (some[1], 3), (some[2], 1)):
        codes = [code_id for code_id, _ in await shop.read(inventory.codes_of, order_id, limit=count)]
        await shop.write(orders.refund_codes, order_id=order_id, code_ids=codes, reason="test", by="test", once=f"back-{order_id}")
    await settled(shop)
    assert await shop.read(purse, of.supplier_id) == ((CARDS - 14) * (COST + 150), 0, 0)
    assert await shop.read(earned, storefront, "spread") == (CARDS - 14) * 350
    assert await shop.read(unshared, storefront) == 0
    await assert_sound(shop)
