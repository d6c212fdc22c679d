"""Payouts by a provider that is a real server and misbehaves: whatever happens to an answer or to us, money is sent once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.paying_out import pay_out
from connectors.payouts import payout_methods
from connectors.payouts.crypto_pay import CryptoPayouts
from core import audit, orders, people, settlement
from core.database import Shop
from core.ports import Declined, PaidOut, PayoutAsk
from core.settlement import PayoutState, PayoutView, PayTo, SpreadShare
from core.storefronts import Storefront
from sandbox.gateways import CryptoPayGateway
from tests.bot.buying_there import told
from tests.core.props import assert_sound
from tests.core.supplies import Supplied, purse, released, supplied
from tests.stage import Clock, person

TOKEN = "123456:AAzQ-nobody-may-see-this"
COIN = "USDT"


@pytest.fixture
async def gateway() -> AsyncIterator[CryptoPayGateway]:
    made = CryptoPayGateway(TOKEN)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def method(gateway: CryptoPayGateway) -> AsyncIterator[CryptoPayouts]:
    made = CryptoPayouts(TOKEN, COIN, url=gateway.url, seconds=0.5)
    yield made
    await made.close()


@pytest.fixture
async def of(shop: Shop, storefront: Storefront, clock: Clock) -> Supplied:
    """A supplier with 880.00 due, who is paid in a coin."""
    made = await supplied(shop, storefront, terms=SpreadShare(3000))
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=10, once="ten", **made.goods.terms())
    await released(shop, clock)
    facts: dict[str, Any] = {"supplier_id": made.supplier_id, "storefront_id": storefront.id, "by": made.by}
    await shop.write(settlement.set_address, to=PayTo.CRYPTO_PAY, words="4711000", **facts)
    return made


async def approved(shop: Shop, storefront: Storefront, of: Supplied) -> PayoutView:
    from fractions import Fraction

    from core import rates

    await shop.write(rates.set_rate, base=COIN, quote="CNY", rate=Fraction(7), source="test")
    asked = await shop.write(
        settlement.ask_payout, supplier_id=of.supplier_id, storefront_id=storefront.id, currency="CNY", by=of.by, amount_minor=70_000
    )
    return await shop.write(settlement.approve_payout, payout_id=asked.id, by="telegram:1", pay_currency=COIN)


async def state_of(shop: Shop, payout_id: int) -> PayoutState:
    found = await shop.read(settlement.payout, payout_id)
    assert found is not None
    return found.state


async def test_a_payout_is_sent_and_booked(
    shop: Shop, storefront: Storefront, of: Supplied, gateway: CryptoPayGateway, method: CryptoPayouts
) -> None:
    made = await approved(shop, storefront, of)
    assert await pay_out(shop, {method.name: method}) == 1 and await pay_out(shop, {method.name: method}) == 0

    [sent] = gateway.transfers
    assert (sent["user_id"], sent["asset"], sent["amount"], sent["spend_id"]) == (4711000, COIN, "100", made.number)
    assert await state_of(shop, made.id) is PayoutState.CONFIRMED
    assert await shop.read(purse, of.supplier_id) == (0, 18_000, 0)
    await assert_sound(shop)


async def test_what_was_sent_and_not_answered_is_found_and_not_sent_again(
    shop: Shop, storefront: Storefront, clock: Clock, of: Supplied, gateway: CryptoPayGateway, method: CryptoPayouts
) -> None:
    made = await approved(shop, storefront, of)
    gateway.faults.stall_after_work_seconds = 2
    await pay_out(shop, {method.name: method})
    assert await state_of(shop, made.id) is PayoutState.UNKNOWN and len(gateway.transfers) == 1
    assert await shop.read(purse, of.supplier_id) == (0, 18_000, 70_000), "unknown is not failed"
    await assert_sound(shop)

    gateway.faults.clear()
    assert await pay_out(shop, {method.name: method}) == 0, "not at once"
    clock.passes(minutes=10)
    await pay_out(shop, {method.name: method})
    assert await state_of(shop, made.id) is PayoutState.CONFIRMED and len(gateway.transfers) == 1
    await assert_sound(shop)


async def test_a_process_killed_between_sent_and_noted_sends_nothing_twice(
    shop: Shop, storefront: Storefront, clock: Clock, of: Supplied, gateway: CryptoPayGateway, method: CryptoPayouts
) -> None:
    made = await approved(shop, storefront, of)

    class Killed(BaseException):
        pass

    class Dying(CryptoPayouts):
        async def send(self, ask: PayoutAsk) -> PaidOut:
            await method.send(ask)
            raise Killed

    dying = Dying(TOKEN, COIN, url=gateway.url)
    with pytest.raises(Killed):
        await pay_out(shop, {method.name: dying})
    await dying.close()
    assert await state_of(shop, made.id) is PayoutState.SENDING and len(gateway.transfers) == 1
    await assert_sound(shop)

    clock.passes(minutes=10)
    await asyncio.gather(*(pay_out(shop, {method.name: method}) for _ in range(4)))
    assert await state_of(shop, made.id) is PayoutState.CONFIRMED and len(gateway.transfers) == 1
    await assert_sound(shop)


async def test_killed_before_anything_was_sent_it_is_sent_once_under_the_same_number(
    shop: Shop, storefront: Storefront, clock: Clock, of: Supplied, gateway: CryptoPayGateway, method: CryptoPayouts
) -> None:
    made = await approved(shop, storefront, of)
    assert await shop.write(settlement.take_payout) is not None  # … and nobody ever hears of that process again.
    clock.passes(minutes=10)
    await pay_out(shop, {method.name: method})

    assert [sent["spend_id"] for sent in gateway.transfers] == [made.number]
    assert await state_of(shop, made.id) is PayoutState.CONFIRMED
    await assert_sound(shop)


async def test_errors_of_the_provider_are_no_answer(
    shop: Shop, storefront: Storefront, clock: Clock, of: Supplied, gateway: CryptoPayGateway, method: CryptoPayouts
) -> None:
    made = await approved(shop, storefront, of)
    gateway.faults.errors_500 = 3
    for _ in range(3):
        await pay_out(shop, {method.name: method})
        clock.passes(hours=1)
    assert gateway.transfers == [] and await state_of(shop, made.id) is PayoutState.UNKNOWN
    await pay_out(shop, {method.name: method})
    assert len(gateway.transfers) == 1 and await state_of(shop, made.id) is PayoutState.CONFIRMED
    await assert_sound(shop)


async def test_a_sure_no_makes_the_money_due_again(
    shop: Shop, storefront: Storefront, of: Supplied, gateway: CryptoPayGateway, method: CryptoPayouts
) -> None:
    from decimal import Decimal

    made = await approved(shop, storefront, of)
    gateway.balance[COIN] = Decimal(1)
    await pay_out(shop, {method.name: method})

    assert await state_of(shop, made.id) is PayoutState.REFUSED
    assert await shop.read(purse, of.supplier_id) == (0, 88_000, 0)
    await assert_sound(shop)


async def test_the_method_says_no_or_that_it_is_not_sure(gateway: CryptoPayGateway, method: CryptoPayouts) -> None:
    ask = PayoutAsk("payout-1", "4711000", 1234, COIN)
    assert await method.find("payout-1") is None
    first = await method.send(ask)
    assert await method.send(ask) == first == await method.find("payout-1") and len(gateway.transfers) == 1
    with pytest.raises(Declined):
        await method.send(PayoutAsk("payout-2", "not a number", 1234, COIN))
    assert payout_methods({}) == {}
    assert [*payout_methods({"SHOP_CRYPTO_PAY_TOKEN": TOKEN, "SHOP_CRYPTO_PAY_PAYOUTS": "usdt"})] == ["crypto-pay"]


async def test_an_old_no_takes_nothing_back_from_a_later_try(shop: Shop, storefront: Storefront, clock: Clock, of: Supplied) -> None:
    made = await approved(shop, storefront, of)
    first = await shop.write(settlement.take_payout)  # asked, slowly
    clock.passes(seconds=45)
    second = await shop.write(settlement.take_payout)
    assert first is not None and second is not None and first.id == second.id
    old = await shop.write(settlement.payout_declined, payout_id=made.id, tries=first.tries, why="not enough coins")
    assert old.state is PayoutState.SENDING and "not enough coins" in (old.why or "")
    assert (await shop.write(settlement.payout_unknown, payout_id=made.id, tries=first.tries, why="?")).state is PayoutState.SENDING
    assert (await shop.write(settlement.payout_done, payout_id=made.id, reference="tr-1")).state is PayoutState.CONFIRMED
    assert await shop.read(purse, of.supplier_id) == (0, 18_000, 0)


async def test_what_was_given_up_and_is_gone_all_the_same_is_booked_as_paid(shop: Shop, storefront: Storefront, of: Supplied) -> None:
    made = await approved(shop, storefront, of)
    await shop.write(people.set_admins_from_settings, storefront_id=storefront.id, telegram_ids=[7001])
    await person(shop, storefront, 7001)
    taken = await shop.write(settlement.take_payout)
    assert taken is not None
    given_up = await shop.write(settlement.payout_declined, payout_id=made.id, tries=taken.tries, why="no")
    assert given_up.state is PayoutState.REFUSED and await shop.read(purse, of.supplier_id) == (0, 88_000, 0)
    for _ in range(2):
        after = await shop.write(settlement.payout_done, payout_id=made.id, reference="tr-1")
        assert after.state is PayoutState.CONFIRMED and after.reference == "tr-1"
        assert await shop.read(purse, of.supplier_id) == (0, 18_000, 0)
    assert (await told(shop)).count("payout-gone") == 1
    report = await shop.read(audit.audit, sample=0)
    assert [one for one in report.violations if "payout" in one.check] == []


async def test_what_cannot_be_paid_now_can_be_refused(shop: Shop, storefront: Storefront, clock: Clock, of: Supplied) -> None:
    made = await approved(shop, storefront, of)
    other = CryptoPayouts(TOKEN, "TON", url="http://127.0.0.1:9")
    try:
        for _ in range(3):
            assert await pay_out(shop, {other.name: other}) == 1 and await pay_out(shop, {other.name: other}) == 0
            clock.passes(minutes=2)
    finally:
        await other.close()
    waits = await shop.read(settlement.payout, made.id)
    assert waits is not None and (waits.state, waits.tries) == (PayoutState.APPROVED, 0)
    refused = await shop.write(settlement.refuse_payout, payout_id=made.id, by="telegram:1")
    assert refused.state is PayoutState.REFUSED and await shop.read(purse, of.supplier_id) == (0, 88_000, 0)
