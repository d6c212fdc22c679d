"""Service packages: paid by the period, renewed by itself, locked when unpaid, and given back by the day."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import ledger, packages
from core.audit.packages import PACKAGES
from core.catalog import Gone
from core.database import Shop, write
from core.ledger import TooLittle
from core.packages import Ended, Locked, NoneLeft, NotAPlan, NotForSale, Over, PlanView, Service
from core.people import Customer
from core.storefronts import Storefront
from tests.core.harm import Damage, not_found
from tests.core.props import assert_sound
from tests.reselling import a_reseller
from tests.stage import Clock, give

DAY = timedelta(days=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def sold(shop: Shop, storefront: Storefront, **terms: Any) -> PlanView:
    facts: dict[str, Any] = {"name": "Gold", "price_minor": 3000, "days": 30, "own_bot": True, "analytics": True, "broadcasts": 2, **terms}
    return await shop.write(packages.add_plan, storefront_id=storefront.id, by="test", **facts)


async def has(shop: Shop, customer: Customer) -> int:
    return await shop.read(ledger.balance, customer.wallet_id)


async def told(shop: Shop, says: str) -> list[dict[str, Any]]:
    def found(session: Session) -> list[dict[str, Any]]:
        rows = session.execute(text("SELECT body FROM outbox WHERE body IS NOT NULL ORDER BY id")).scalars()
        bodies = [json.loads(row) if isinstance(row, str) else row for row in rows]
        return [body for body in bodies if body.get("says") == says]

    return await shop.write(write(found))


async def test_what_is_not_sold_everybody_has_and_what_is_sold_only_who_pays(shop: Shop, storefront: Storefront) -> None:
    ann = await a_reseller(shop, storefront, money_minor=10_000)
    assert await shop.read(packages.unlocked, ann.id, Service.ANALYTICS)
    plan = await sold(shop, storefront, own_bot=False, broadcasts=0)
    assert not await shop.read(packages.unlocked, ann.id, Service.ANALYTICS)
    assert await shop.read(packages.unlocked, ann.id, Service.OWN_BOT), "nobody sells it"
    with pytest.raises(Locked):
        await shop.read(packages.need, ann.id, Service.ANALYTICS)

    mine = await shop.write(packages.subscribe, customer_id=ann.id, plan_id=plan.id)
    assert mine.renews and await has(shop, ann) == 7000 and await shop.read(packages.unlocked, ann.id, Service.ANALYTICS)
    with pytest.raises(packages.HasIt):
        await shop.write(packages.subscribe, customer_id=ann.id, plan_id=plan.id)
    assert await has(shop, ann) == 7000
    await assert_sound(shop)


async def test_without_the_money_nothing_is_had_and_nothing_is_taken(shop: Shop, storefront: Storefront) -> None:
    ann, plan = await a_reseller(shop, storefront, money_minor=2999), await sold(shop, storefront)
    with pytest.raises(TooLittle):
        await shop.write(packages.subscribe, customer_id=ann.id, plan_id=plan.id)
    assert await shop.read(packages.subscriptions_of, ann.id) == [] and await has(shop, ann) == 2999
    await assert_sound(shop)


async def test_it_is_renewed_by_itself_without_a_gap_and_told_before(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    ann, plan = await a_reseller(shop, storefront, money_minor=6500), await sold(shop, storefront)
    mine = await shop.write(packages.subscribe, customer_id=ann.id, plan_id=plan.id)
    assert await shop.write(packages.tell_ending) == 0
    clock.passes(days=28)
    assert await shop.write(packages.tell_ending) == 1 and await shop.write(packages.tell_ending) == 0
    [note] = await told(shop, "package-ends")
    assert note["renews"] and note["short_minor"] == 0
    clock.passes(days=2, seconds=5)
    assert await shop.read(packages.unlocked, ann.id, Service.OWN_BOT), "the job comes in a moment"
    assert await shop.write(packages.renew_due) == 1 and await shop.write(packages.renew_due) == 0
    [now] = await shop.read(packages.subscriptions_of, ann.id)
    assert now.until == mine.until + 30 * DAY and await has(shop, ann) == 500
    clock.passes(days=28)
    await shop.write(packages.tell_ending)
    assert (await told(shop, "package-ends"))[-1]["short_minor"] == 2500
    await assert_sound(shop)


async def test_what_cannot_be_paid_is_locked_tried_again_and_ended(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    ann, bob = await a_reseller(shop, storefront, money_minor=3000), await a_reseller(shop, storefront, money_minor=3000)
    plan = await sold(shop, storefront)
    for one in (ann, bob):
        await shop.write(packages.subscribe, customer_id=one.id, plan_id=plan.id)
    clock.passes(days=30, seconds=1)
    assert await shop.write(packages.renew_due) == 2
    assert await shop.write(packages.renew_due) == 0, "not before an hour has passed"
    assert not await shop.read(packages.unlocked, ann.id, Service.OWN_BOT)
    assert len(await told(shop, "package-unpaid")) == 2
    await give(shop, bob, 3000)
    clock.passes(hours=2)
    assert await shop.write(packages.renew_due) == 2
    assert await shop.read(packages.unlocked, bob.id, Service.OWN_BOT) and not await shop.read(packages.unlocked, ann.id, Service.OWN_BOT)
    [again] = await shop.read(packages.subscriptions_of, bob.id)
    assert abs(again.until - (clock() + 30 * DAY)) < timedelta(minutes=1), "what was locked is not paid for"
    clock.passes(days=3)
    await shop.write(packages.renew_due)
    assert await shop.read(packages.subscriptions_of, ann.id) == []
    [ended] = await told(shop, "package-ended")
    assert ended["why"] == Ended.UNPAID and len(await told(shop, "package-unpaid")) == 2
    await give(shop, ann, 3000)
    await shop.write(packages.subscribe, customer_id=ann.id, plan_id=plan.id)
    await assert_sound(shop)


async def test_what_is_left_is_given_back_by_the_day(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    ann, plan = await a_reseller(shop, storefront, money_minor=3000), await sold(shop, storefront)
    mine = await shop.write(packages.subscribe, customer_id=ann.id, plan_id=plan.id)
    clock.passes(days=10, hours=1)
    [seen] = await shop.read(packages.subscriptions_of, ann.id)
    assert seen.back_minor == 1900, "nineteen days have not begun"
    with pytest.raises(Gone):
        await shop.write(packages.end, subscription_id=mine.id, customer_id=ann.id + 1)
    assert await shop.write(packages.end, subscription_id=mine.id, customer_id=ann.id) == 1900
    assert await has(shop, ann) == 1900 and not await shop.read(packages.unlocked, ann.id, Service.OWN_BOT)
    with pytest.raises(Over):
        await shop.write(packages.end, subscription_id=mine.id, customer_id=ann.id)
    with pytest.raises(Over):
        await shop.write(packages.set_renewal, subscription_id=mine.id, customer_id=ann.id, renews=True)
    assert await has(shop, ann) == 1900
    await assert_sound(shop)


async def test_the_staff_may_end_it_and_its_owner_is_told(shop: Shop, storefront: Storefront) -> None:
    ann, plan = await a_reseller(shop, storefront, money_minor=3000), await sold(shop, storefront)
    mine = await shop.write(packages.subscribe, customer_id=ann.id, plan_id=plan.id)
    with pytest.raises(Gone):
        await shop.write(packages.end, subscription_id=mine.id, storefront_id=storefront.id + 1, by="telegram:1")
    back = await shop.write(packages.end, subscription_id=mine.id, storefront_id=storefront.id, by="telegram:1")
    assert back in (2900, 3000) and [note["back_minor"] for note in await told(shop, "package-ended")] == [back]
    await assert_sound(shop)


async def test_a_withdrawn_package_lasts_as_long_as_it_is_paid(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    ann, plan = await a_reseller(shop, storefront, money_minor=9000), await sold(shop, storefront)
    other = await sold(shop, storefront, name="Silver", price_minor=1000, own_bot=True, analytics=False, broadcasts=0)
    mine = await shop.write(packages.subscribe, customer_id=ann.id, plan_id=plan.id)
    assert await shop.write(packages.withdraw_plan, plan_id=plan.id, storefront_id=storefront.id, by="telegram:1")
    assert not await shop.write(packages.withdraw_plan, plan_id=plan.id, storefront_id=storefront.id, by="telegram:1")
    with pytest.raises(NotForSale):
        await shop.write(packages.subscribe, customer_id=ann.id, plan_id=plan.id)
    assert [one.id for one in await shop.read(packages.plans, storefront_id=storefront.id)] == [other.id]
    assert await shop.read(packages.unlocked, ann.id, Service.OWN_BOT)
    clock.passes(days=30, seconds=1)
    await shop.write(packages.renew_due)
    found = await shop.read(packages.subscription, mine.id)
    assert found is not None and found.ended_why is Ended.WITHDRAWN and await has(shop, ann) == 6000
    await assert_sound(shop)


async def test_broadcasts_are_used_up_and_lower_what_comes_back(shop: Shop, storefront: Storefront) -> None:
    ann = await a_reseller(shop, storefront, money_minor=9000)
    assert await shop.write(packages.use_broadcast, customer_id=ann.id) is None, "nobody sells them"
    plan = await sold(shop, storefront)
    with pytest.raises(Locked):
        await shop.write(packages.use_broadcast, customer_id=ann.id)
    mine = await shop.write(packages.subscribe, customer_id=ann.id, plan_id=plan.id)
    more = await sold(shop, storefront, name="Ten more", own_bot=False, analytics=False, broadcasts=1)
    await shop.write(packages.subscribe, customer_id=ann.id, plan_id=more.id)
    assert [await shop.write(packages.use_broadcast, customer_id=ann.id) for _ in range(3)] == [2, 1, 0]
    with pytest.raises(NoneLeft):
        await shop.write(packages.use_broadcast, customer_id=ann.id)
    assert await shop.write(packages.end, subscription_id=mine.id, customer_id=ann.id) == 0, "all of them were used"
    await assert_sound(shop)


async def test_a_package_of_nothing_or_for_nothing_is_refused(shop: Shop, storefront: Storefront) -> None:
    for wrong in (
        {"name": " \x00 "},
        {"price_minor": 0},
        {"days": 0},
        {"days": 367},
        {"own_bot": False, "analytics": False, "broadcasts": 0},
        {"broadcasts": -1},
    ):
        with pytest.raises(NotAPlan):
            await sold(shop, storefront, **wrong)


async def test_who_subscribes_many_times_at_once_pays_once(shop: Shop, storefront: Storefront) -> None:
    ann, plan = await a_reseller(shop, storefront, money_minor=9000), await sold(shop, storefront)
    did = await asyncio.gather(
        *(shop.write(packages.subscribe, customer_id=ann.id, plan_id=plan.id) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(one, packages.SubscriptionView) for one in did) == 1, did
    assert all(isinstance(one, packages.SubscriptionView | packages.HasIt) for one in did), did
    assert await has(shop, ann) == 6000
    await assert_sound(shop)


DAMAGES = [
    Damage(
        "a period of a package was paid for from its owner's wallet, once",
        "",
        "UPDATE subscription_periods SET paid_minor = paid_minor + 1",
    ),
    Damage("what was given back of a package came to its owner's wallet", "", "UPDATE subscription_periods SET refunded_minor = 1"),
    Damage("what was moved for a package is one of its periods", "", "UPDATE subscription_periods SET seq = seq + 9"),
    Damage("periods of a package do not overlap, and its end is that of the last", "", "UPDATE subscriptions SET until = until + 1"),
    Damage("a package is its owner's storefront's", "plans", "UPDATE plans SET storefront_id = storefront_id + 1"),
]


async def test_each_damage_to_packages_is_found_by_name(shop: Shop, storefront: Storefront, database_url: str) -> None:
    ann, plan = await a_reseller(shop, storefront, money_minor=9000), await sold(shop, storefront)
    await shop.write(packages.subscribe, customer_id=ann.id, plan_id=plan.id)
    await assert_sound(shop)
    assert await not_found(shop, database_url, DAMAGES) == []
    assert {harm.check for harm in DAMAGES} == set(PACKAGES)


@given(
    st.integers(1, 10**9),
    st.integers(1, 366),
    st.integers(-86_400, 400 * 86_400),
    st.integers(0, 50).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
)
def test_never_more_comes_back_than_was_paid_and_less_the_later(paid: int, days: int, after: int, use: tuple[int, int]) -> None:
    broadcasts, used = use
    at, until = NOON + timedelta(seconds=after), NOON + days * DAY

    def back(at: datetime, used: int) -> int:
        return packages.given_back(paid, NOON, until, at, broadcasts=broadcasts, used=used)

    now = back(at, used)
    assert 0 <= now <= paid and back(at + DAY, used) <= now and (used == 0 or back(at, used - 1) >= now)
    assert back(NOON, 0) == paid and back(until, 0) == 0
    if not broadcasts and after >= 0:
        whole = max(0, (until - at) // DAY)
        assert now == paid * whole // days
