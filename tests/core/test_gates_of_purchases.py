"""What is bought passes the same gates as what is listed, and what a source may cost is known in its own currency."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import audit, exposure, integration, orders, rates, standing, supply
from core.database import Shop, read
from core.ports import UpstreamItem
from core.purchasing import CostTier
from core.standing import SwitchOf
from core.storefronts import Storefront
from tests.core.traders import trader
from tests.core.way import another_offer
from tests.stage import Clock, Goods, person, put_on_sale

pytestmark = pytest.mark.usefixtures("sound_in_the_end")
STAFF = "telegram:1"


def asked(supplier_id: int, goods: Goods) -> dict[str, Any]:
    return {
        "supplier_id": supplier_id,
        "sku_id": goods.sku_id,
        "quantity": 10,
        "tiers": [CostTier(1, 8500)],
        "currency": "CNY",
        "by": STAFF,
    }


async def test_of_a_suspended_supplier_nothing_is_bought(shop: Shop, goods: Goods) -> None:
    acme = await trader(shop)
    made = await shop.write(exposure.draft_purchase, **asked(acme.id, goods))
    await shop.write(standing.suspend, supplier_id=acme.id, reason="t", by=STAFF)

    with pytest.raises(standing.Suspended):
        await shop.write(exposure.draft_purchase, **asked(acme.id, goods))
    with pytest.raises(standing.Suspended):
        await shop.write(exposure.order_purchase, purchase_id=made.id, by=STAFF)

    await shop.write(standing.unsuspend, supplier_id=acme.id, by=STAFF)
    await shop.write(exposure.order_purchase, purchase_id=made.id, by=STAFF)


async def test_what_is_switched_off_is_not_bought(shop: Shop, goods: Goods) -> None:
    vendor = await shop.write(supply.new_vendor, name="Card Wholesale", by=STAFF)
    made = await shop.write(exposure.draft_purchase, **asked(vendor.id, goods))
    await shop.write(standing.switch_off, of=SwitchOf.PRODUCT, of_id=goods.product_id, reason="t", by=STAFF)

    with pytest.raises(standing.SwitchedOff):
        await shop.write(exposure.draft_purchase, **asked(vendor.id, goods))
    with pytest.raises(standing.SwitchedOff):
        await shop.write(exposure.order_purchase, purchase_id=made.id, by=STAFF)


@read
def most_cost(session: Session, order_id: int) -> int:
    return int(session.execute(text("SELECT most_cost_minor FROM tasks WHERE order_id = :id"), {"id": order_id}).scalar_one())


@pytest.mark.parametrize(
    ("price_minor", "rate", "most"),
    [
        (6000, 7, 857),  # 60.00 CNY is 8.57 USD: a cost above it would be a loss
        (9500, 7, 1357),  # far above a tenth more than 8.50
        (5000, 7, 850),  # sold at a loss that was agreed: not a cent more
        (6000, None, 935),  # without a rate a tenth more
    ],
)
async def test_what_a_source_may_cost_in_its_own_currency_is_what_the_unit_is_sold_for(
    shop: Shop, storefront: Storefront, price_minor: int, rate: int | None, most: int
) -> None:
    if rate is not None:
        await shop.write(rates.set_rate, base="USD", quote="CNY", rate=rates.in_minor(Fraction(rate), "USD", "CNY"), source="test")
    goods = await put_on_sale(shop, storefront, price_minor=price_minor, count=0)
    await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=850, rank=2, declared=5, upstream_id=7, currency="USD")
    buyer = await person(shop, storefront, money_minor=100_000)

    made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **goods.terms())

    assert await shop.read(most_cost, made.order_id) == most
    assert (await shop.read(audit.audit)).clean


async def test_what_an_upstream_sells_is_under_every_switch_from_its_first_moment(shop: Shop, goods: Goods, clock: Clock) -> None:
    of = await shop.write(
        integration.add_upstream, storefront=goods.storefront, protocol="own-shop", name="There", settings={"url": "x"}, by=STAFF
    )
    await shop.write(integration.answered, upstream_id=of.id, name="There")
    told = [UpstreamItem(key, "Steam", "Cards", 800, "CNY", 7, active=True) for key in ("linked", "imported")]
    await shop.write(integration.take_items, upstream_id=of.id, items=told, asked_at=clock())
    items = {item.key: item.id for item in await shop.read(integration.items_of, upstream_id=of.id, page=0, size=5)}
    await shop.write(standing.switch_off, of=SwitchOf.PLATFORM, of_id=0, reason="t", by=STAFF)
    into = {"storefront": goods.storefront, "by": STAFF}

    linked = await shop.write(integration.link_item, item_id=items["linked"], sku_id=goods.sku_id, **into)  # type: ignore[arg-type]
    new: dict[str, Any] = {"category_id": None, "category_name": "Cards", "search": "steam", **into}
    sku_id = await shop.write(integration.import_item, item_id=items["imported"], **new)

    offers = {linked, *(offer.id for offer in await shop.read(supply.offers_of_sku, sku_id))}
    assert len(offers) == 2 and await shop.read(supply.forbidden, offers) == offers
