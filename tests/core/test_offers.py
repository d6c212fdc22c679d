"""Offers of suppliers: made, changed, paused, withdrawn; their costs by version; the ranking stays whole."""

from __future__ import annotations

import pytest

from core import journal, supply
from core.database import Shop
from core.storefronts import Storefront
from core.supply import Offer, SourceClass, Standing
from tests.stage import put_on_sale

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


async def consigned(shop: Shop, sku_id: int, *, cost_minor: int = 8500, name: str = "Bright Cards", telegram_id: int = 77) -> Offer:
    """A supplier's own offer of a denomination."""
    supplier = await shop.write(supply.new_supplier, name=name, standing=Standing.TRUSTED, telegram_id=telegram_id)
    return await shop.write(
        supply.new_offer,
        supplier_id=supplier.id,
        sku_id=sku_id,
        cost_minor=cost_minor,
        cost_currency="CNY",
        source_class=SourceClass.AUTHORISED,
        by="test",
    )


async def test_an_offer_of_a_supplier_joins_the_ranking_at_its_end_and_is_consigned(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront)

    offer = await consigned(shop, goods.sku_id)

    first, second = await shop.read(supply.offer_views, sku_id=goods.sku_id)
    assert (first.id, first.rank, first.owned, first.own) == (goods.offer_id, 1, True, True)
    assert (second.id, second.rank, second.owned, second.own, second.sells, second.plain) == (offer.id, 2, False, False, True, True)
    assert [entry.did for entry in await shop.read(journal.latest, about="offer", about_id=offer.id)] == ["new-offer"]
