"""Nobody of the staff decides about a supplier that they act for; somebody else of the staff may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from core import exposure, onboarding, orders, purchasing, settlement, standing, supply
from core.database import Shop
from core.onboarding import CheckKind, CheckResult, OwnApplication
from core.ports import CertificateState
from core.purchasing import CostTier
from core.settlement import FixedCost, PayTo
from core.standing import TakedownOf
from core.storefronts import Storefront
from core.supply import OwnSupplier, SourceClass, Standing, Stop
from tests.core.joining import applies, decides, joins, staff
from tests.core.props import scalar
from tests.core.supplies import Supplied, released, supplied
from tests.stage import Clock, person, put_on_sale

OTHER = "telegram:1"
Act = Callable[[str], Awaitable[Any]]
Made = Callable[[Shop, Storefront, Supplied, Clock], Awaitable[Act]]


def _by(shop: Shop, command: Any, **facts: Any) -> Act:
    return lambda by: shop.write(command, by=by, **facts)


async def a_suspension(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    await shop.write(standing.suspend, supplier_id=of.supplier_id, reason="x", by=OTHER)
    return _by(shop, standing.unsuspend, supplier_id=of.supplier_id)


async def a_strike(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    return _by(shop, standing.lift_strike, strike_id=await shop.write(standing.strike, supplier_id=of.supplier_id, reason="x", by=OTHER))


async def a_standing(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    return _by(shop, standing.set_standing, supplier_id=of.supplier_id, standing=Standing.NEW, reason="x")


async def a_hold(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    return _by(shop, standing.set_hold_days, supplier_id=of.supplier_id, days=1)


async def a_new_offer(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    await shop.write(supply.stop, offer_ids=[of.goods.offer_id], why=Stop.APPROVAL, by="rules")
    return _by(shop, onboarding.approve_offer, offer_id=of.goods.offer_id)


async def a_higher_cost(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    them = await person(shop, storefront, telegram_id=of.telegram_id)
    wishing: dict[str, Any] = {"telegram_id": of.telegram_id, "customer_id": them.id, "by": of.by}
    wish = await shop.write(supply.wish_cost, offer_id=of.goods.offer_id, cost_minor=8600, **wishing)
    assert wish is not None
    return _by(shop, supply.decide_wish, wish_id=wish.id, granted=True)


async def a_contract(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    return _by(shop, settlement.agree, supplier_id=of.supplier_id, terms=FixedCost())


async def a_complaint(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    about: dict[str, Any] = {"of": TakedownOf.OFFER, "of_id": of.goods.offer_id, "who": "W", "reference": "R", "evidence": "E"}
    number = await shop.write(standing.register_takedown, by=OTHER, **about)
    return _by(shop, standing.decide_takedown, takedown_id=number, upheld=False, reason="x")


async def a_limit(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    return _by(shop, exposure.set_limit, supplier_id=of.supplier_id, currency="CNY", most_owed_minor=None, most_ahead_minor=None)


async def a_payout_by_hand(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="two", **of.goods.terms())
    await released(shop, clock)
    ids: dict[str, Any] = {"supplier_id": of.supplier_id, "storefront_id": storefront.id, "by": of.by}
    await shop.write(settlement.set_address, to=PayTo.WORDS, words="Bank 1234", **ids)
    asked = await shop.write(settlement.ask_payout, currency="CNY", **ids)
    await shop.write(settlement.approve_payout, payout_id=asked.id, by=OTHER)
    return _by(shop, settlement.sent_by_hand, payout_id=asked.id, reference="x")


async def a_cost(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    return _by(shop, supply.set_cost, offer_id=of.goods.offer_id, cost_minor=8600, cost_currency="CNY")


async def a_cost_of_tomorrow(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    later: dict[str, Any] = {"offer_id": of.goods.offer_id, "from_at": clock() + timedelta(days=1)}
    await shop.write(supply.set_cost, cost_minor=8000, cost_currency="CNY", by=OTHER, **later)
    return _by(shop, supply.drop_cost, offer_id=of.goods.offer_id, version=1)


async def a_commitment(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    return _by(shop, supply.change_offer, offer_id=of.goods.offer_id, priority=9)


async def another_offer(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    other = await put_on_sale(shop, storefront, name="Other", count=0)
    facts: dict[str, Any] = {"cost_minor": 9000, "cost_currency": "CNY", "source_class": SourceClass.AUTHORISED}
    return _by(shop, supply.new_offer, supplier_id=of.supplier_id, sku_id=other.sku_id, **facts)


async def a_pause(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    await shop.write(supply.pause_offer, offer_id=of.goods.offer_id, by=OTHER)
    return _by(shop, supply.resume_offer, offer_id=of.goods.offer_id)


async def a_quota(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    return _by(shop, supply.new_quota, supplier_id=of.supplier_id, currency="CNY", face_total_minor=100_000, discount_bp=1)


async def a_larger_quota(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    facts: dict[str, Any] = {"supplier_id": of.supplier_id, "currency": "CNY", "face_total_minor": 100_000, "discount_bp": 1}
    return _by(shop, supply.change_quota, quota_id=await shop.write(supply.new_quota, by=OTHER, **facts), face_total_minor=200_000)


async def drafted(shop: Shop, storefront: Storefront, of: Supplied) -> dict[str, Any]:
    other = await put_on_sale(shop, storefront, name="Bought", count=0)
    facts: dict[str, Any] = {"quantity": 10, "tiers": [CostTier(1, 9000)], "currency": "CNY"}
    return {"supplier_id": of.supplier_id, "sku_id": other.sku_id, **facts}


async def a_purchase(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    return _by(shop, purchasing.draft_purchase, **await drafted(shop, storefront, of))


async def a_drafted_purchase(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    made = await shop.write(purchasing.draft_purchase, by=OTHER, **await drafted(shop, storefront, of))
    return _by(shop, purchasing.order_purchase, purchase_id=made.id)


async def an_ordered_purchase(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    made = await shop.write(purchasing.draft_purchase, by=OTHER, **await drafted(shop, storefront, of))
    return _by(shop, purchasing.end_purchase, purchase_id=made.id)


async def a_payout_refused(shop: Shop, storefront: Storefront, of: Supplied, clock: Clock) -> Act:
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="two", **of.goods.terms())
    await released(shop, clock)
    ids: dict[str, Any] = {"supplier_id": of.supplier_id, "storefront_id": storefront.id, "by": of.by}
    await shop.write(settlement.set_address, to=PayTo.WORDS, words="Bank 1234", **ids)
    return _by(shop, settlement.refuse_payout, payout_id=(await shop.write(settlement.ask_payout, currency="CNY", **ids)).id)


@pytest.mark.parametrize(
    "made",
    [
        a_suspension,
        a_strike,
        a_standing,
        a_hold,
        a_new_offer,
        a_higher_cost,
        a_contract,
        a_complaint,
        a_limit,
        a_payout_by_hand,
    ],
)
async def test_somebody_else_decides_about_ones_own_supplier(shop: Shop, storefront: Storefront, clock: Clock, made: Made) -> None:
    of = await supplied(shop, storefront)
    act = await made(shop, storefront, of, clock)
    with pytest.raises(OwnSupplier):
        await act(of.by)
    assert await act(OTHER) is not False, "the refusal has changed nothing"


OF_OFFERS_AND_MONEY: list[Made] = [
    a_payout_refused,
    a_cost,
    a_cost_of_tomorrow,
    a_commitment,
    another_offer,
    a_pause,
    a_quota,
    a_larger_quota,
    a_purchase,
    a_drafted_purchase,
    an_ordered_purchase,
]


async def test_somebody_else_decides_what_ones_own_supplier_sells_for_how_much(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    for made in OF_OFFERS_AND_MONEY:
        of = await supplied(shop, storefront, name=made.__name__)
        act = await made(shop, storefront, of, clock)
        with pytest.raises(OwnSupplier):
            await act(of.by)
        assert await act(OTHER) is not False, made.__name__


async def test_nobody_gives_their_own_deposit_back_nor_waives_it(shop: Shop, storefront: Storefront) -> None:
    [admin] = await staff(shop, storefront, 7001)
    ann = await person(shop, storefront, money_minor=50_000)
    terms: dict[str, Any] = {"storefront_id": storefront.id, "standing": Standing.NEW, "amount_minor": 20_000}
    await shop.write(onboarding.set_deposit, by=OTHER, **terms)
    supplier_id = await joins(shop, storefront, ann, admin)
    ids: dict[str, Any] = {"supplier_id": supplier_id}
    for command in (onboarding.waive_deposit, onboarding.give_deposit_back):
        if command is onboarding.give_deposit_back:
            await shop.write(onboarding.pay_deposit, customer_id=ann.id, **ids)
        with pytest.raises(OwnSupplier):
            await shop.write(command, by=f"telegram:{ann.telegram_id}", **ids)
    await shop.write(onboarding.give_deposit_back, by=OTHER, **ids)
    await shop.write(onboarding.waive_deposit, by=OTHER, **ids)


async def test_nobody_says_that_their_own_certificate_is_genuine(shop: Shop, storefront: Storefront, database_url: str) -> None:
    [admin] = await staff(shop, storefront, 7001)
    ann, ben = await person(shop, storefront), await person(shop, storefront)
    application_id = await applies(shop, ann, number="C-1")
    check_id = int(str(await scalar(database_url, "SELECT max(id) FROM certificate_checks")))

    async def says(telegram_id: int, state: CertificateState) -> None:
        await shop.write(onboarding.decide_certificate, check_id=check_id, state=state, reason="seen", by=f"telegram:{telegram_id}")

    with pytest.raises(OwnApplication):
        await says(ann.telegram_id, CertificateState.VALID)
    itself: dict[str, Any] = {"check_id": check_id, "state": CertificateState.VALID, "reason": "seen"}
    with pytest.raises(OwnSupplier):
        await shop.write(standing.decide_check, by=f"telegram:{ann.telegram_id}", **itself)
    facts: dict[str, Any] = {"what": CheckKind.CERTIFICATE, "result": CheckResult.OK, "facts": {}, "by": f"telegram:{ann.telegram_id}"}
    with pytest.raises(OwnApplication):
        await shop.write(onboarding.settle_check, application_id=application_id, version=1, **facts)
    await says(7001, CertificateState.VALID)
    made = await decides(shop, admin, application_id)
    assert made.supplier_id is not None
    await shop.write(supply.add_member, supplier_id=made.supplier_id, telegram_id=ben.telegram_id)
    with pytest.raises(OwnSupplier):
        await says(ben.telegram_id, CertificateState.INVALID)
    with pytest.raises(OwnSupplier):
        await shop.write(standing.decide_check, by=f"telegram:{ben.telegram_id}", **itself)
    await says(7001, CertificateState.INVALID)


async def test_about_the_shop_itself_everybody_of_the_staff_decides(shop: Shop, storefront: Storefront) -> None:
    of = await supplied(shop, storefront, standing=Standing.OWN)
    agreed = await shop.write(settlement.agree, supplier_id=of.supplier_id, terms=FixedCost(), by=of.by)
    in_force, _ = await shop.read(settlement.terms_now, supplier_id=of.supplier_id)
    assert in_force is not None and (in_force.id, in_force.by) == (agreed.id, of.by)
    await shop.write(supply.set_cost, offer_id=of.goods.offer_id, cost_minor=8600, cost_currency="CNY", by=of.by)


async def test_a_supplier_still_lowers_their_own_cost_in_the_chat(shop: Shop, storefront: Storefront, database_url: str) -> None:
    """What a supplier may do as a supplier is not taken from them because they are also of the staff."""
    of = await supplied(shop, storefront)
    them = await person(shop, storefront, telegram_id=of.telegram_id)
    wishing: dict[str, Any] = {"telegram_id": of.telegram_id, "customer_id": them.id, "by": of.by}
    assert await shop.write(supply.wish_cost, offer_id=of.goods.offer_id, cost_minor=8000, **wishing) is None
    assert await scalar(database_url, f"SELECT cost_minor FROM offers WHERE id = {of.goods.offer_id}") == 8000
