"""Agreed work that is switched off, taken down, or whose supplier is suspended: nothing moves, and the buyer is not held."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from sqlalchemy import text

from core import aftersale, audit, fulfilment, ledger, orders, standing, supply
from core.audit.stopped_work import STOPPED_WORK
from core.database import Shop
from core.fulfilment import JobState, JobView, MilestoneView, Step
from core.orders import OrderState
from core.people import Customer
from core.standing import SwitchOf, TakedownOf
from core.storefronts import Storefront
from tests.core.ledgers import assert_books
from tests.core.props import aside, assert_sound
from tests.core.supplies import Supplied
from tests.core.test_service import accepted, delivered, designer, told
from tests.stage import Clock, person

Stops = Callable[[Shop, Storefront, Supplied], Coroutine[Any, Any, Callable[[], Coroutine[Any, Any, object]]]]


async def switched(shop: Shop, of: SwitchOf, of_id: int) -> Callable[[], Coroutine[Any, Any, object]]:
    pressed = await shop.write(standing.switch_off, of=of, of_id=of_id, reason="test", by="test")
    return lambda: shop.write(standing.switch_on, switch_id=pressed.id, by="test")


async def off_product(shop: Shop, storefront: Storefront, of: Supplied) -> Callable[[], Coroutine[Any, Any, object]]:
    return await switched(shop, SwitchOf.PRODUCT, of.goods.product_id)


async def off_category(shop: Shop, storefront: Storefront, of: Supplied) -> Callable[[], Coroutine[Any, Any, object]]:
    return await switched(shop, SwitchOf.CATEGORY, of.goods.category_id)


async def off_platform(shop: Shop, storefront: Storefront, of: Supplied) -> Callable[[], Coroutine[Any, Any, object]]:
    return await switched(shop, SwitchOf.PLATFORM, 0)


async def complaint(shop: Shop, of: TakedownOf, of_id: int, brand: str = "") -> Callable[[], Coroutine[Any, Any, object]]:
    terms: dict[str, Any] = {"who": "Fox Ltd", "reference": "F-1", "evidence": "ours", "by": "test"}
    made = await shop.write(standing.register_takedown, of=of, of_id=of_id, brand=brand, **terms)
    return lambda: shop.write(standing.decide_takedown, takedown_id=made, upheld=False, reason="no", by="test")


async def down_product(shop: Shop, storefront: Storefront, of: Supplied) -> Callable[[], Coroutine[Any, Any, object]]:
    return await complaint(shop, TakedownOf.PRODUCT, of.goods.product_id)


async def down_offer(shop: Shop, storefront: Storefront, of: Supplied) -> Callable[[], Coroutine[Any, Any, object]]:
    return await complaint(shop, TakedownOf.OFFER, of.goods.offer_id)


async def down_brand(shop: Shop, storefront: Storefront, of: Supplied) -> Callable[[], Coroutine[Any, Any, object]]:
    return await complaint(shop, TakedownOf.BRAND, 0, brand="Steam")


async def suspended(shop: Shop, storefront: Storefront, of: Supplied) -> Callable[[], Coroutine[Any, Any, object]]:
    await shop.write(standing.suspend, supplier_id=of.supplier_id, reason="test", by="test")
    return lambda: shop.write(standing.unsuspend, supplier_id=of.supplier_id, by="test")


EVERY = [off_product, off_category, off_platform, down_product, down_offer, down_brand, suspended]
TWO = [Step("Drawing", 6_000, 48), Step("Colours", 4_000, 48)]


async def agreed(shop: Shop, of: Supplied, buyer: Customer) -> JobView:
    job = await shop.write(fulfilment.ask_service, customer_id=buyer.id, sku_id=of.goods.sku_id, brief="A fox.")
    job = await shop.write(standing.quote_service, job_id=job.id, steps=TWO, by=of.by)
    return await shop.write(fulfilment.accept_quote, job_id=job.id, customer_id=buyer.id, quote_id=job.quote_id or 0)


async def pay(shop: Shop, job: JobView, step: MilestoneView, once: str) -> int:
    """Buy a step; returns its task, which its worker has taken."""
    buyer_id = job.customer_id
    quote = await shop.read(orders.quote, storefront_id=job.storefront_id, sku_id=step.sku_id, customer_id=buyer_id, quantity=1)
    terms: dict[str, Any] = {"price_id": quote.price.id, "rules_version": quote.sku.rules_version, "once": once}
    paid = await shop.write(orders.buy_for, storefront_id=job.storefront_id, buyer_id=buyer_id, sku_id=step.sku_id, quantity=1, **terms)
    await shop.write(fulfilment.hand_out)
    [task] = await shop.read(fulfilment.tasks_of, paid.order_id)
    return task.id


async def money(shop: Shop, buyer: Customer) -> int:
    return await shop.read(ledger.balance, buyer.wallet_id)


async def settle_steps(shop: Shop) -> None:
    for one in await shop.read(fulfilment.steps_to_settle):
        await shop.write(orders.settle_step, one)


async def the_job(shop: Shop, job: JobView) -> JobView:
    found = await shop.read(fulfilment.job, job_id=job.id)
    assert found is not None
    return found


@pytest.mark.parametrize("stops", EVERY)
async def test_whatever_stops_a_service_stops_what_was_agreed_about_it(
    shop: Shop, storefront: Storefront, clock: Clock, stops: Stops
) -> None:
    since, of = clock(), await designer(shop, storefront)
    buyer = await person(shop, storefront, money_minor=10_000)
    await person(shop, storefront, of.telegram_id)
    job = await agreed(shop, of, buyer)
    task_id = await pay(shop, job, job.milestones[0], "first")
    await shop.write(fulfilment.mine, task_id=task_id, by=of.by)

    await stops(shop, storefront, of)
    assert await shop.write(fulfilment.follow_stops) == 2
    assert await shop.write(fulfilment.follow_stops) == 0

    said = await told(shop)
    assert said.count("service-stopped") == 1 and "service-halted" in said
    with pytest.raises(fulfilment.OfferForbidden):
        await shop.write(fulfilment.deliver_milestone, task_id=task_id, result="a fox", by=of.by)
    assert await money(shop, buyer) == 4_000, "no money moves by itself while somebody works at it"
    off = await shop.write(fulfilment.call_off, job_id=job.id, customer_id=buyer.id, by="buyer")
    await settle_steps(shop)

    assert off.state is JobState.OFF and await money(shop, buyer) == 10_000
    await assert_books(shop, since, clock())
    await assert_sound(shop)


async def test_a_step_that_nobody_began_gives_its_money_back_and_can_be_paid_again_when_the_work_goes_on(
    shop: Shop, storefront: Storefront
) -> None:
    of = await designer(shop, storefront)
    buyer = await person(shop, storefront, money_minor=10_000)
    job = await agreed(shop, of, buyer)
    await pay(shop, job, job.milestones[0], "first")
    lift = await off_product(shop, storefront, of)

    assert await shop.write(orders.fail_forbidden) == 1
    assert await money(shop, buyer) == 10_000
    await shop.write(fulfilment.follow_stops)
    first = (await the_job(shop, job)).milestones[0]
    assert not first.paid and first.stopped_at is not None
    with pytest.raises(orders.NotForSale):
        await pay(shop, job, first, "while stopped")

    await lift()
    await shop.write(fulfilment.follow_stops)
    assert "service-goes-on" in await told(shop)
    task_id = await pay(shop, job, first, "again")
    await shop.write(fulfilment.deliver_milestone, task_id=task_id, result="a fox", by=of.by)
    await shop.write(fulfilment.accept_milestone, milestone_id=first.id, customer_id=buyer.id)
    await settle_steps(shop)
    assert await money(shop, buyer) == 4_000
    await assert_sound(shop)


async def test_what_was_delivered_before_is_not_accepted_while_it_is_stopped_and_its_days_stand_still(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    of = await designer(shop, storefront)
    buyer = await person(shop, storefront, money_minor=10_000)
    step = await delivered(shop, of, buyer)
    mine: dict[str, Any] = {"milestone_id": step.id, "customer_id": buyer.id}
    lift = await off_category(shop, storefront, of)
    await shop.write(fulfilment.follow_stops)

    with pytest.raises(fulfilment.ServiceStopped):
        await shop.write(fulfilment.accept_milestone, **mine)
    with pytest.raises(fulfilment.ServiceStopped):
        await shop.write(aftersale.dispute_step, **mine, text="That is no fox.")
    clock.passes(seconds=30 * 86_400)
    assert await shop.write(fulfilment.accept_silent) == 0, "silence says nothing while it is stopped"
    with pytest.raises(fulfilment.DeliveredWaits):
        await shop.write(fulfilment.call_off, job_id=step.job_id, customer_id=buyer.id, by="buyer")
    assert await money(shop, buyer) == 0

    await lift()
    await shop.write(fulfilment.follow_stops)
    assert await shop.write(fulfilment.accept_silent) == 0, "the days begin where they stood"
    await shop.write(fulfilment.accept_milestone, **mine)
    await settle_steps(shop)
    detail = await shop.read(orders.detail, order_id=step.order_id or 0)
    assert detail is not None and detail.card.state is OrderState.ISSUED
    await assert_sound(shop)


async def test_work_that_a_rights_holder_objects_to_is_given_back_even_when_it_was_delivered(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    since, of = clock(), await designer(shop, storefront)
    buyer = await person(shop, storefront, money_minor=10_000)
    step = await delivered(shop, of, buyer)
    await down_product(shop, storefront, of)

    await shop.write(fulfilment.call_off, job_id=step.job_id, customer_id=buyer.id, by="buyer")
    await settle_steps(shop)

    assert await money(shop, buyer) == 10_000
    await assert_books(shop, since, clock())
    await assert_sound(shop)


async def test_the_work_of_another_supplier_goes_on(shop: Shop, storefront: Storefront) -> None:
    of, other = await designer(shop, storefront), await designer(shop, storefront, name="Fox")
    buyer = await person(shop, storefront, money_minor=20_000)
    job = await accepted(shop, other, buyer)
    await down_product(shop, storefront, of)
    await suspended(shop, storefront, of)

    assert await shop.write(fulfilment.follow_stops) == 0
    task_id = await pay(shop, job, job.milestones[0], "other")
    assert (await shop.write(fulfilment.deliver_milestone, task_id=task_id, result="done", by=other.by)).delivered_at is not None


async def test_an_acceptance_under_a_stop_is_found_by_the_audit(shop: Shop, storefront: Storefront, database_url: str) -> None:
    of = await designer(shop, storefront)
    buyer = await person(shop, storefront, money_minor=10_000)
    step = await delivered(shop, of, buyer)
    await off_product(shop, storefront, of)
    await assert_sound(shop)

    (check,) = STOPPED_WORK
    async with aside(database_url) as connection:
        sql = "UPDATE milestones SET accepted_by = 'buyer', accepted_at = (SELECT MAX(at) + 1 FROM offer_stops) WHERE id = :id"
        await connection.execute(text(sql), {"id": step.id})
        await connection.commit()
    assert check in (await shop.read(audit.audit)).violated
    assert await shop.read(supply.forbidden_skus, [step.sku_id]) == {step.sku_id}
