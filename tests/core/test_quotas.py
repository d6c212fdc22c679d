"""Discount quotas: the cost follows from them, each sale draws them down, and nobody draws more than there is."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import orders, rates, supply
from core.database import Shop
from core.storefronts import Storefront
from core.supply import Stop
from core.supply.rules import quota_cost, units_left
from tests.core.offering import under_quota
from tests.core.props import STAR_RATE, at_once, place, reserve, settle
from tests.stage import person, put_on_sale, stock

pytestmark = pytest.mark.usefixtures("sound_in_the_end")

MINOR = st.integers(min_value=1, max_value=10**12)


@given(face=MINOR, off=st.integers(min_value=0, max_value=9_999))
def test_a_quota_costs_the_face_value_less_the_discount_to_half_a_minor_unit(face: int, off: int) -> None:
    exact = face * (1 - Fraction(off, 10_000))

    assert abs(quota_cost(face, off) - exact) <= Fraction(1, 2)
    assert 0 <= quota_cost(face, off) <= face
    if exact.denominator == 1:
        assert quota_cost(face, off) == exact


@given(total=MINOR, draws=st.lists(st.tuples(MINOR, st.integers(min_value=1, max_value=500)), max_size=30))
def test_units_drawn_while_they_are_covered_never_exceed_the_total(total: int, draws: list[tuple[int, int]]) -> None:
    drawn = 0
    for face, wanted in draws:
        units = units_left(total_minor=total, drawn_minor=drawn, face_minor=face)
        assert drawn + units * face <= total < drawn + (units + 1) * face
        drawn += min(units, wanted) * face
    assert drawn <= total


async def test_a_sale_draws_the_quota_and_a_return_gives_it_back(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    quota_id, offer = await under_quota(shop, goods, total_minor=50_000)
    await stock(shop, offer.id, goods.sku_id, 10)
    buyer = await person(shop, storefront, money_minor=100_000)
    assert offer.cost_minor == 8_500, "face 100.00 less 15 per cent"

    bought = await shop.write(orders.buy, **goods.terms(), buyer_id=buyer.id, quantity=3, once="three")

    async def drawn() -> int:
        found = await shop.read(supply.quota, quota_id)
        assert found is not None
        return found.drawn_minor

    assert await drawn() == 30_000
    assert await shop.read(supply.left, [goods.sku_id]) == {goods.sku_id: 2}, "as many as the quota covers, whatever lies there"
    with pytest.raises(orders.SoldOut) as refused:
        await shop.write(orders.buy, **goods.terms(), buyer_id=buyer.id, quantity=3, once="too many")
    assert refused.value.left == 2 and await drawn() == 30_000

    await shop.write(orders.refund_codes, order_id=bought.order_id, code_ids=None, reason="test", by="test", once="back")
    assert await drawn() == 0


async def test_what_was_held_while_the_quota_was_drawn_by_others_is_sold_as_far_as_it_covers(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    quota_id, offer = await under_quota(shop, goods, total_minor=30_000)
    await stock(shop, offer.id, goods.sku_id, 10)
    payer, other = [await person(shop, storefront, money_minor=100_000) for _ in range(2)]
    await shop.write(rates.set_rate, base="XTR", quote=storefront.currency, rate=STAR_RATE, source="test")
    order = await place(shop, payer, goods, once="waits", quantity=3)
    await reserve(shop, payer, order)

    await shop.write(orders.buy, **goods.terms(), buyer_id=other.id, quantity=2, once="meanwhile")
    settled = await settle(shop, payer, order, event="paid")

    assert (settled.issued, settled.why) == (True, "issued-partly")
    found = await shop.read(supply.quota, quota_id)
    assert found is not None and found.drawn_minor == 30_000


async def test_a_used_up_quota_stops_its_offer_until_there_is_more(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    quota_id, offer = await under_quota(shop, goods, total_minor=10_000)
    await stock(shop, offer.id, goods.sku_id, 5)
    buyer = await person(shop, storefront, money_minor=100_000)
    await shop.write(orders.buy, **goods.terms(), buyer_id=buyer.id, quantity=1, once="last")

    assert (await shop.write(supply.keep_quotas), await shop.write(supply.keep_quotas)) == (1, 0)
    assert [found.why for found in await shop.read(supply.stops, [offer.id])] == [Stop.QUOTA]
    with pytest.raises(supply.QuotaBelowDrawn):
        await shop.write(supply.change_quota, quota_id=quota_id, face_total_minor=9_999, by="test")

    await shop.write(supply.change_quota, quota_id=quota_id, face_total_minor=20_000, by="test")
    assert await shop.write(supply.keep_quotas) == 1
    await shop.write(orders.buy, **goods.terms(), buyer_id=buyer.id, quantity=1, once="one more")
    await shop.write(supply.change_quota, quota_id=quota_id, face_total_minor=30_000, ended=True, by="test")
    assert await shop.read(supply.left, [goods.sku_id]) == {goods.sku_id: 0}, "an ended quota covers nothing"


async def test_thirty_buyers_at_once_draw_a_quota_of_twelve_exactly(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    quota_id, offer = await under_quota(shop, goods, total_minor=125_000)
    await stock(shop, offer.id, goods.sku_id, 30)
    buyers = [await person(shop, storefront, money_minor=20_000) for _ in range(30)]

    sold, refused = await at_once(
        [shop.write(orders.buy, **goods.terms(), buyer_id=buyer.id, quantity=1, once=f"rush:{buyer.id}") for buyer in buyers]
    )

    found = await shop.read(supply.quota, quota_id)
    assert found is not None and (len(sold), len(refused), found.drawn_minor) == (12, 18, 120_000)
    assert all(isinstance(one, orders.SoldOut) for one in refused)
