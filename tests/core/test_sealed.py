"""Sealed orders: the codes wait for their buyer, who opens them or gives them back, never both."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from core import audit, catalog, inventory, journal, ledger, orders, outbox
from core.catalog import Gone
from core.database import Shop
from core.orders import AlreadyOpened, AlreadyRefunded, OrderState, Parcel, Seal, StillSealed, TooLateToReturn
from core.people import Customer
from core.storefronts import Storefront
from tests.core.props import at_once, balance, left
from tests.stage import Clock, Goods, person, put_on_sale

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


@pytest.fixture
async def sealed(shop: Shop, storefront: Storefront) -> Goods:
    """A denomination that is sold sealed, to be returned within two hours."""
    goods = await put_on_sale(shop, storefront, price_minor=1000, count=20)
    await shop.write(catalog.change_product, goods.product_id, sealed=True, return_hours=2)
    sku = await shop.read(catalog.sku, goods.sku_id)
    assert sku is not None
    goods.rules_version = sku.rules_version
    return goods


async def bought(shop: Shop, buyer: Customer, goods: Goods, quantity: int = 1, once: str = "one") -> int:
    return (await shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity, once=once, **goods.terms())).order_id


async def hand_over(shop: Shop, buyer: Customer, order_id: int) -> Parcel | Seal | None:
    """What a courier would bring now."""
    return await shop.write(
        orders.hand_over, order_id=order_id, cause=orders.RevealCause.SENT, to_telegram_id=buyer.telegram_id, buyer_id=buyer.id
    )


async def brought(shop: Shop, buyer: Customer) -> list[Parcel | Seal | None]:
    """All that a courier brings to this buyer."""
    due = [m for m in await shop.write(outbox.lease, worker="w", most=99, seconds=60) if m.topic is outbox.Topic.DELIVERY]
    things = []
    for message in due:
        assert message.order_id is not None
        if message.customer_id == buyer.id:
            things.append(await hand_over(shop, buyer, message.order_id))
            await shop.write(outbox.done, message_id=message.id, worker="w", sent_message_id=1)
    return things


async def test_a_sealed_order_brings_no_code_until_its_buyer_opens_it(shop: Shop, sealed: Goods) -> None:
    buyer = await person(shop, sealed.storefront, money_minor=10_000)
    order_id = await bought(shop, buyer, sealed, 2)

    [seal] = await brought(shop, buyer)

    assert isinstance(seal, Seal) and (seal.quantity, seal.amount_minor, seal.returnable) == (2, 2000, True)
    with pytest.raises(StillSealed):
        await shop.write(orders.reveal, order_id=order_id, cause=orders.RevealCause.SHOWN, to_telegram_id=1)
    detail = await shop.read(orders.detail, order_id=order_id)
    assert detail is not None and detail.reveals == 0 and detail.seal == seal
    assert await shop.write(orders.show_again, order_id=order_id, buyer_id=buyer.id), "the seal is shown again, not the codes"
    assert isinstance((await brought(shop, buyer))[0], Seal)

    assert await shop.write(orders.open_sealed, order_id=order_id, buyer_id=buyer.id)

    [parcel] = await brought(shop, buyer)
    assert isinstance(parcel, Parcel) and len(parcel.lines[0].secrets) == 2
    detail = await shop.read(orders.detail, order_id=order_id)
    assert detail is not None and detail.reveals == 1 and detail.seal is None
    assert not await shop.write(orders.open_sealed, order_id=order_id, buyer_id=buyer.id), "opened once"
    assert await brought(shop, buyer) == []


async def test_opened_before_the_first_message_went_out_the_codes_come_once(shop: Shop, sealed: Goods) -> None:
    buyer = await person(shop, sealed.storefront, money_minor=10_000)
    order_id = await bought(shop, buyer, sealed)

    await shop.write(orders.open_sealed, order_id=order_id, buyer_id=buyer.id)

    [parcel] = await brought(shop, buyer)
    assert isinstance(parcel, Parcel)


async def test_unopened_it_goes_back_whole_with_all_of_its_money(shop: Shop, sealed: Goods) -> None:
    buyer = await person(shop, sealed.storefront, money_minor=10_000)
    order_id = await bought(shop, buyer, sealed, 3)
    await brought(shop, buyer)
    assert await left(shop, sealed) == 17

    made = await shop.write(orders.return_sealed, order_id=order_id, buyer_id=buyer.id)
    again = await shop.write(orders.return_sealed, order_id=order_id, buyer_id=buyer.id)

    assert (made.amount_minor, made.returned, made.void) == (3000, 3, 0), "though its message was sent: it held no code"
    assert (again.repeated, again.refund_id) == (True, made.refund_id)
    assert (await balance(shop, buyer), await left(shop, sealed)) == (10_000, 20)
    with pytest.raises(Gone):
        await shop.write(orders.open_sealed, order_id=order_id, buyer_id=buyer.id)
    assert await hand_over(shop, buyer, order_id) is None
    assert await shop.read(journal.latest, about="order") == [], "the log is of the staff"


async def test_only_the_buyer_opens_and_returns(shop: Shop, sealed: Goods) -> None:
    buyer, other = [await person(shop, sealed.storefront, money_minor=10_000) for _ in range(2)]
    order_id = await bought(shop, buyer, sealed)
    for which in (order_id, 999):
        with pytest.raises(Gone):
            await shop.write(orders.open_sealed, order_id=which, buyer_id=other.id)
        with pytest.raises(Gone):
            await shop.write(orders.return_sealed, order_id=which, buyer_id=other.id)


async def test_after_its_time_it_can_be_opened_but_not_returned(shop: Shop, sealed: Goods, clock: Clock) -> None:
    buyer = await person(shop, sealed.storefront, money_minor=10_000)
    order_id = await bought(shop, buyer, sealed)
    clock.passes(hours=2, seconds=1)

    with pytest.raises(TooLateToReturn):
        await shop.write(orders.return_sealed, order_id=order_id, buyer_id=buyer.id)

    seal = await shop.read(orders.seal_of, order_id)
    assert seal is not None and not seal.returnable
    assert await shop.write(orders.open_sealed, order_id=order_id, buyer_id=buyer.id)
    with pytest.raises(AlreadyOpened):
        await shop.write(orders.return_sealed, order_id=order_id, buyer_id=buyer.id)


async def test_what_the_buyer_was_told_holds_whatever_becomes_of_the_product(shop: Shop, sealed: Goods, clock: Clock) -> None:
    buyer = await person(shop, sealed.storefront, money_minor=10_000)
    order_id = await bought(shop, buyer, sealed)
    [told] = await brought(shop, buyer)
    assert isinstance(told, Seal)

    await shop.write(catalog.change_product, sealed.product_id, sealed=False, return_hours=0)

    seal = await shop.read(orders.seal_of, order_id)
    assert seal is not None and (seal.until, seal.returnable) == (told.until, True)
    clock.passes(hours=1)
    assert (await shop.write(orders.return_sealed, order_id=order_id, buyer_id=buyer.id)).amount_minor == 1000


async def test_codes_that_were_shown_are_not_sealed_again_when_the_product_is(shop: Shop, goods: Goods) -> None:
    """Otherwise whoever has read the codes could return them."""
    buyer = await person(shop, goods.storefront, money_minor=95_000)
    order_id = await bought(shop, buyer, goods)
    [parcel] = await brought(shop, buyer)
    assert isinstance(parcel, Parcel)

    await shop.write(catalog.change_product, goods.product_id, sealed=True)

    assert await shop.read(orders.seal_of, order_id) is None
    with pytest.raises(AlreadyOpened):
        await shop.write(orders.return_sealed, order_id=order_id, buyer_id=buyer.id)


async def test_selling_sealed_is_a_part_of_what_a_buyer_agrees_to(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront, money_minor=95_000)
    await shop.write(catalog.change_product, goods.product_id, sealed=True)

    with pytest.raises(orders.PriceMoved):
        await bought(shop, buyer, goods)


async def test_an_admin_refunds_a_part_of_a_sealed_order_and_the_rest_stays_sealed(shop: Shop, sealed: Goods) -> None:
    buyer = await person(shop, sealed.storefront, money_minor=10_000)
    order_id = await bought(shop, buyer, sealed, 3)
    await brought(shop, buyer)
    codes = [code.code_id for code in await shop.read(orders.codes_sold, order_id)]

    made = await shop.write(orders.refund_codes, order_id=order_id, code_ids=codes[:1], reason="x", by="telegram:1", once="r")

    assert (made.returned, made.void) == (1, 0)
    seal = await shop.read(orders.seal_of, order_id)
    assert seal is not None and (seal.quantity, seal.amount_minor) == (2, 2000)
    assert (await shop.write(orders.return_sealed, order_id=order_id, buyer_id=buyer.id)).amount_minor == 2000
    with pytest.raises(AlreadyRefunded):
        await shop.write(orders.refund_codes, order_id=order_id, code_ids=None, reason="x", by="telegram:1", once="again")


async def test_opening_and_returning_at_the_same_moment_exactly_one_wins(shop: Shop, storefront: Storefront, database_url: str) -> None:
    """Fifty times, from two processes where the database allows two, and with a courier that looks at the same time."""
    goods = await put_on_sale(shop, storefront, price_minor=1000, count=50)
    await shop.write(catalog.change_product, goods.product_id, sealed=True, return_hours=2)
    goods.rules_version += 1
    buyer = await person(shop, storefront, money_minor=50_000)
    ways: Counter[str] = Counter()
    other = shop if shop.is_sqlite else await Shop.open(database_url, shop.tools.keys, clock=shop.tools.clock)
    try:
        for turn in range(50):
            order_id = await bought(shop, buyer, goods, once=f"{turn}")
            opening = shop.write(orders.open_sealed, order_id=order_id, buyer_id=buyer.id)
            returning = other.write(orders.return_sealed, order_id=order_id, buyer_id=buyer.id)
            pair = [opening, returning] if turn % 2 else [returning, opening]
            (won, refused), seen = await asyncio.gather(at_once(pair), hand_over(shop, buyer, order_id))
            assert len(won) == len(refused) == 1
            detail = await shop.read(orders.detail, order_id=order_id)
            assert detail is not None
            if won[0] is True:
                assert isinstance(refused[0], AlreadyOpened) and detail.card.state is OrderState.ISSUED
                assert isinstance(await hand_over(shop, buyer, order_id), Parcel)
            else:
                assert isinstance(refused[0], Gone) and detail.card.state is OrderState.REFUNDED
                assert not isinstance(seen, Parcel) and detail.reveals == 0, "nobody has seen what is for sale again"
            ways["opened" if won[0] is True else "returned"] += 1
    finally:
        if other is not shop:
            await other.close()

    assert await balance(shop, buyer) == 50_000 - 1000 * ways["opened"]
    assert await left(shop, goods) == 50 - ways["opened"]
    assert ways["opened"] and ways["returned"], "both were tried in both orders"
    assert await shop.read(ledger.house_balance, storefront.sales_account_id) == 1000 * ways["opened"]


async def test_the_place_of_a_returned_code_is_the_shelf(shop: Shop, sealed: Goods) -> None:
    buyer = await person(shop, sealed.storefront, money_minor=10_000)
    order_id = await bought(shop, buyer, sealed)
    [code] = await shop.read(orders.codes_sold, order_id)
    await shop.write(orders.return_sealed, order_id=order_id, buyer_id=buyer.id)

    place = await shop.read(inventory.code_place, code.code_id)

    assert place is not None and (place.place, place.order_id) == ("shelf", None)
    assert (await shop.read(audit.audit)).clean
