"""Props of the core's tests: many asks at once, a shop with some of everything, and the audit at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from typing import Any, TypeVar

from sqlalchemy import Engine, event, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.orm import Session

from core import aftersale, audit, catalog, coupons, inventory, ledger, orders, outbox, payments, pricing, rates
from core.database import Shop, write
from core.errors import Refusal
from core.inventory import Secret
from core.ledger import AccountKind, PartyKind
from core.orders import PendingOrder
from core.people import Customer
from core.ports import Dispute, DisputeState, Event, GivenBack, Movement, PaymentState
from core.storefronts import Storefront
from tests.core.damages_of_routing import live_on_the_way
from tests.stage import Clock, Goods, person, put_on_sale, stock

T = TypeVar("T")

STAR_RATE = Fraction(14, 1)  # One Star is worth 14 fen.


async def at_once(asks: Iterable[Awaitable[T]]) -> tuple[list[T], list[Refusal]]:
    """All of them at once: what was granted and what was refused; anything else that goes wrong is raised."""
    granted: list[T] = []
    refused: list[Refusal] = []
    for answer in await asyncio.gather(*asks, return_exceptions=True):
        if isinstance(answer, Refusal):
            refused.append(answer)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            granted.append(answer)
    return granted, refused


async def assert_sound(shop: Shop, *, sample: int = 0) -> audit.Report:
    """The audit finds nothing; returns its report."""
    report = await shop.read(audit.audit, sample=sample)
    assert report.clean, report.violations
    return report


@asynccontextmanager
async def aside(url: str) -> AsyncIterator[AsyncConnection]:
    """A connection of our own to the same database, past the shop; nothing it does is kept unless it commits."""
    parsed = make_url(url)
    driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}[parsed.get_backend_name()]
    engine = create_async_engine(parsed.set(drivername=driver))
    try:
        async with engine.connect() as connection:
            if driver.startswith("sqlite"):
                await connection.exec_driver_sql("PRAGMA busy_timeout=10000")
                await connection.exec_driver_sql("BEGIN")
            yield connection
    finally:
        await engine.dispose()


async def until_waits(other: AsyncConnection, command: asyncio.Task[Any]) -> None:
    """The command has run into what another transaction holds. Of PostgreSQL."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    async with asyncio.timeout(10):
        while not (await other.execute(waiting)).scalar():
            assert not command.done(), "it waits for what the other holds"
            await asyncio.sleep(0.01)
            # What a transaction has seen of the others it sees again until it asks to look anew.
            await other.execute(text("SELECT pg_stat_clear_snapshot()"))


async def keeps_turn(url: str, asks: Coroutine[Any, Any, Any], *, has: str, then: str) -> None:
    """Another has locked what it wants first, and wants something else next: the command that waits for it has not locked that before."""
    async with aside(url) as other:
        await other.execute(text(has))
        command = asyncio.create_task(asks)
        await until_waits(other, command)
        await other.execute(text(f"{then} NOWAIT"))
        await other.rollback()
    await command


@contextmanager
def questions() -> Iterator[list[tuple[str, Any]]]:
    """Everything that the databases are asked meanwhile: each statement with its parameters."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        asked.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def scalar(url: str, question: str) -> Any:
    """One value, asked past the shop."""
    async with aside(url) as connection:
        return (await connection.execute(text(question))).scalar()


async def balance(shop: Shop, customer: Customer) -> int:
    return (await shop.read(payments.wallet, customer.id)).balance_minor


async def left(shop: Shop, goods: Goods) -> int:
    return (await shop.read(inventory.on_shelf, [goods.offer_id]))[goods.offer_id]


@write
def consign(session: Session, *, offer_id: int, cost_minor: int, currency: str = "CNY") -> int:
    """Make an offer's goods somebody else's, who is credited with the cost; returns their account."""
    party = ledger.new_party(session, PartyKind.SUPPLIER)
    account = ledger.open_account(session, party_id=party, kind=AccountKind.PAYABLE, currency=currency)
    session.execute(
        text("UPDATE offers SET payable_id = :account, cost_minor = :cost, cost_currency = :currency WHERE id = :offer"),
        {"account": account, "cost": cost_minor, "currency": currency, "offer": offer_id},
    )
    # It never cost anything else.
    session.execute(text("DELETE FROM offer_costs WHERE offer_id = :offer"), {"offer": offer_id})
    return account


async def place(shop: Shop, buyer: Customer, goods: Goods, *, once: str, quantity: int = 1, seconds: float = 900) -> PendingOrder:
    """An order to be paid in Stars."""
    return await shop.write(
        orders.place,
        buyer_id=buyer.id,
        quantity=quantity,
        once=once,
        provider="stars",
        pay_currency="XTR",
        seconds=seconds,
        **goods.terms(),
    )


async def reserve(shop: Shop, buyer: Customer, order: PendingOrder) -> None:
    await shop.write(
        orders.reserve,
        intent_id=order.intent.id,
        customer_id=buyer.id,
        amount_minor=order.intent.amount_minor,
        currency=order.intent.currency,
        hold_seconds=300,
    )


async def settle(shop: Shop, buyer: Customer, order: PendingOrder, *, event: str, amount: int | None = None) -> orders.Settled:
    """The provider says that it was paid (what was asked, when no other amount is given)."""
    return await shop.write(
        orders.settle,
        provider="stars",
        event_key=event,
        intent_id=order.intent.id,
        customer_id=buyer.id,
        amount_minor=order.intent.amount_minor if amount is None else amount,
        currency="XTR",
    )


@dataclass
class World:
    """A shop in which everything has happened once."""

    goods: Goods
    limited: Goods
    buyer: Customer
    issued: int
    waiting: int
    expired: int
    cancelled: int
    stars: int
    reduced: int
    refunded: int
    held: int
    disputed: int


async def live_reduced(shop: Shop, storefront: Storefront, buyer: Customer) -> int:
    """A purchase by the dozen with a coupon; returns its order."""
    goods = await put_on_sale(shop, storefront, name="By the dozen", denomination="Dozen 5", price_minor=500, count=15)
    tier = pricing.Tier(12, 450)
    price = await shop.write(
        pricing.set_price, storefront_id=storefront.id, sku_id=goods.sku_id, retail_minor=500, currency="CNY", tiers=[tier]
    )
    coupon = await shop.write(coupons.draft, storefront_id=storefront.id, word="HALF", currency="CNY", by="test", basis_points=5000)
    await shop.write(coupons.switch_on, coupon.id, storefront_id=storefront.id, by="test")
    terms = {**goods.terms(), "price_id": price.id}
    receipt = await shop.write(orders.buy_with, buyer_id=buyer.id, quantity=12, once="reduced", coupon_id=coupon.id, **terms)
    assert receipt.paid_minor == 2700
    return receipt.order_id


async def live_refunded(shop: Shop, buyer: Customer, goods: Goods, stars: int, reduced: int) -> int:
    """Refunds of a code that nobody has seen, of one that was shown, of a part with a discount, and of one on the way to its source.

    Returns the order with the first two.
    """
    by: dict[str, Any] = {"reason": "test", "by": "test"}
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once="refunded", **goods.terms())
    unseen, seen, _ = await shop.read(orders.codes_sold, receipt.order_id)
    await shop.write(orders.refund_codes, order_id=receipt.order_id, code_ids=[unseen.code_id], once="unseen", **by)
    await shop.write(orders.reveal, order_id=receipt.order_id, cause=orders.RevealCause.SENT, to_telegram_id=buyer.telegram_id)
    await shop.write(orders.refund_codes, order_id=receipt.order_id, code_ids=[seen.code_id], once="seen", **by)
    back, *_ = await shop.read(orders.codes_sold, stars)
    await shop.write(orders.refund_to_source, order_id=stars, code_ids=[back.code_id], once="back", **by)
    part = await shop.read(orders.codes_sold, reduced)
    await shop.write(orders.refund_codes, order_id=reduced, code_ids=[code.code_id for code in part[:5]], once="part", **by)
    return receipt.order_id


async def live_cases(shop: Shop, storefront: Storefront, buyer: Customer) -> None:
    """Complaints about three codes of a supplier's: one replaced, one refunded, one undecided."""
    goods = await put_on_sale(shop, storefront, name="Faulty", denomination="Faulty 20", price_minor=2000, count=6)
    await shop.write(consign, offer_id=goods.offer_id, cost_minor=1500)
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=4, once="faulty", **goods.terms())
    await shop.write(orders.reveal, order_id=receipt.order_id, cause=orders.RevealCause.SENT, to_telegram_id=buyer.telegram_id)
    about: dict[str, Any] = {"buyer_id": buyer.id, "order_id": receipt.order_id, "reason": aftersale.Reason.USED}
    replaced, refunded, _ = [
        (await shop.write(aftersale.open_case, code_id=code_id, **about)).case_id
        for code_id, _ in await shop.read(inventory.codes_of, receipt.order_id, limit=3)
    ]
    await shop.write(aftersale.replace, case_id=replaced, storefront_id=storefront.id, by="test")
    await shop.write(aftersale.refund, case_id=refunded, storefront_id=storefront.id, by="test")


async def live_rates(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    """A source's rate, and a jump of it that somebody believed."""
    facts: dict[str, Any] = {"quote": storefront.currency, "source": "ecb", "rules": rates.Rules(timedelta(hours=132), Fraction(1))}
    await shop.write(rates.take, market={"USD": Fraction(7)}, as_of=clock(), **facts)
    taken = await shop.write(rates.take, market={"USD": Fraction(9)}, as_of=clock(), **facts)
    await shop.write(rates.take_jump, jump_id=taken.jumped[0].id, quote=storefront.currency, by="test")


async def live_reversed(shop: Shop, storefront: Storefront, buyer: Customer, clock: Clock) -> tuple[int, int]:
    """Two orders by card, both held: one waits, one was released, given back in part, disputed and won. Returns them."""
    goods = await put_on_sale(shop, storefront, name="Reviewed", denomination="Reviewed 20", price_minor=2000, count=5)
    await shop.write(catalog.change_product, goods.product_id, held=True)
    goods.rules_version += 1
    by_card: dict[str, Any] = {"provider": "card", "pay_currency": storefront.currency, "seconds": 600, "reversible": True}
    made = []
    for number in range(2):
        order = await shop.write(orders.place, buyer_id=buyer.id, quantity=1, once=f"card-{number}", **by_card, **goods.terms())
        event = Event(f"card-{number}", order.intent.reference, PaymentState.PAID, 2000, storefront.currency, clock())
        assert (await shop.write(orders.book, storefront_id=storefront.id, provider="card", event=event)).says == "issued"
        made.append((order.order_id, event))
    (held, _), (disputed, paid) = made
    await shop.write(orders.release, order_id=disputed, by="test")
    await shop.write(orders.reveal, order_id=disputed, cause=orders.RevealCause.SENT, to_telegram_id=buyer.telegram_id)
    moved = Movement("taken", -1500, clock(), 150), Movement("back", 1500, clock())
    dispute = Dispute("dispute", DisputeState.WON, 1500, "fraudulent", clock(), movements=moved)
    event = replace(paid, given_back=(GivenBack("part", 500, clock()),), disputes=(dispute,))
    await shop.write(orders.book, storefront_id=storefront.id, provider="card", event=event)
    return held, disputed


async def live(shop: Shop, storefront: Storefront, clock: Clock) -> World:
    """Sales by wallet and by Stars, consigned and limited goods, holds, expiry, odd payments, a roll-up, messages of each kind."""
    await shop.write(rates.set_rate, base="XTR", quote=storefront.currency, rate=STAR_RATE, source="test")
    await live_rates(shop, storefront, clock)
    goods = await put_on_sale(shop, storefront, count=30)
    limited = await put_on_sale(shop, storefront, name="Limited", denomination="Limited 10", max_per_buyer=3, count=10)
    consigned = await put_on_sale(shop, storefront, name="Consigned", denomination="Consigned 20", price_minor=2000, count=5)
    await shop.write(consign, offer_id=consigned.offer_id, cost_minor=1500)
    buyer = await person(shop, storefront, money_minor=500_000)

    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="wallet", **goods.terms())
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="limited", **limited.terms())
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="consigned", **consigned.terms())
    reduced = await live_reduced(shop, storefront, buyer)
    expired = await place(shop, buyer, goods, once="expired", seconds=60)
    await reserve(shop, buyer, expired)
    clock.passes(seconds=61)
    await shop.write(orders.expire)
    clock.passes(minutes=11)
    assert await shop.write(ledger.roll_up) > 0
    stars = await place(shop, buyer, goods, once="stars", quantity=3)
    await reserve(shop, buyer, stars)
    assert (await settle(shop, buyer, stars, event="exact")).issued
    cancelled = await place(shop, buyer, goods, once="cancelled")
    await shop.write(orders.cancel, order_id=cancelled.order_id, buyer_id=buyer.id)
    waiting = await place(shop, buyer, goods, once="waiting", quantity=2)
    await reserve(shop, buyer, waiting)
    partly = await place(shop, buyer, goods, once="partly")
    await settle(shop, buyer, partly, event="half", amount=partly.intent.amount_minor // 2)
    deposit = await shop.write(
        orders.deposit, customer_id=buyer.id, worth_minor=7000, provider="bank", pay_currency=storefront.currency, seconds=600
    )
    for key, intent_id, amount, currency in (
        ("d1", deposit.id, deposit.amount_minor, storefront.currency),
        ("unasked", None, 1234, storefront.currency),
        ("unasked-stars", None, 7, "XTR"),
    ):
        await shop.write(
            orders.settle,
            provider="bank",
            event_key=key,
            intent_id=intent_id,
            customer_id=buyer.id,
            amount_minor=amount,
            currency=currency,
        )

    staged = await shop.write(inventory.open_batch, offer_id=goods.offer_id, sku_id=goods.sku_id, source_name="not yet", by="test")
    sealed = list(inventory.seal(shop.tools.keys, staged, [(1, Secret("S-1")), (2, Secret("S-2", "pin"))]))
    await shop.write(inventory.stage, batch_id=staged.id, offer_id=goods.offer_id, sealed=sealed)
    rejected = await shop.write(inventory.open_batch, offer_id=goods.offer_id, sku_id=goods.sku_id, source_name="bad", by="test")
    sealed = list(inventory.seal(shop.tools.keys, rejected, [(1, Secret("R-1"))]))
    await shop.write(inventory.stage, batch_id=rejected.id, offer_id=goods.offer_id, sealed=sealed)
    await shop.write(inventory.reject, batch_id=rejected.id)
    await stock(shop, goods.offer_id, goods.sku_id, 5)
    shelf = await scalar(shop.url.render_as_string(hide_password=False), "SELECT max(id) FROM codes WHERE available IS NOT NULL")
    assert await shop.write(inventory.void, code_id=shelf) == goods.offer_id

    first, second, _ = await shop.write(outbox.lease, worker="w", most=3, seconds=60)
    await shop.write(outbox.done, message_id=first.id, worker="w", sent_message_id=5)
    await shop.write(outbox.park, message_id=second.id, worker="w", trouble="blocked")
    refunded = await live_refunded(shop, buyer, goods, stars.order_id, reduced)
    await live_cases(shop, storefront, buyer)
    held, disputed = await live_reversed(shop, storefront, buyer, clock)
    await live_on_the_way(shop, storefront, buyer)
    return World(
        goods,
        limited,
        buyer,
        receipt.order_id,
        waiting.order_id,
        expired.order_id,
        cancelled.order_id,
        stars.order_id,
        reduced,
        refunded,
        held,
        disputed,
    )
