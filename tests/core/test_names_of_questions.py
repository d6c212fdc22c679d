"""What an upstream asks under a name that no button can carry is asked all the same, and told under its own name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core import catalog, fulfilment, integration
from core.database import Shop
from core.ports import ItemKind, UpstreamField, UpstreamItem
from core.storefronts import Storefront
from tests.stage import Clock, person, put_on_sale

LONG = "the_number_of_the_account_that_is_to_be_topped_up_in_full"
NAMES = [LONG, "充值账号", "q-0123456789abcdef", "account", "two words"]


@given(names=st.lists(st.text(min_size=1, max_size=200), unique=True, max_size=8))
def test_every_name_has_one_of_ours_that_leads_back_to_it(names: list[str]) -> None:
    asked = [UpstreamField(name, name) for name in names]
    ours = [integration.own_name(name) for name in names]
    assert len(set(ours)) == len(names)
    assert all(len(name) <= fulfilment.LONGEST_NAME for name in ours)
    fulfilment.schema_of(fulfilment.fields_of([{"name": name, "title": "Question"} for name in ours]))
    said = dict(zip(ours, map(str, range(len(names))), strict=True))
    assert integration.as_they_call_it(said, asked) == dict(zip(names, said.values(), strict=True))


async def test_all_of_an_upstreams_questions_are_asked_of_the_buyer(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    like = await put_on_sale(shop, storefront, count=0)
    of = await shop.write(
        integration.add_upstream, storefront=storefront, protocol="topup", name="There", settings={"url": "x"}, by="telegram:1"
    )
    await shop.write(integration.answered, upstream_id=of.id, name="There")
    asked = [UpstreamField(name, name * 5) for name in NAMES]
    told = UpstreamItem("k", "Top-up", "Phones", 800, "CNY", 7, active=True, kind=ItemKind.TOPUP, fields=asked)
    await shop.write(integration.take_items, upstream_id=of.id, items=[told], asked_at=clock())
    (item,) = await shop.read(integration.items_of, upstream_id=of.id, page=0, size=5)
    sku_id = await shop.write(
        integration.import_item,
        item_id=item.id,
        category_id=like.category_id,
        category_name="",
        search="",
        storefront=storefront,
        by="telegram:1",
    )
    buyer = await person(shop, storefront)

    needs = await shop.read(fulfilment.needs, customer_id=buyer.id, sku_id=sku_id)

    assert [one.name for one in needs.fields] == [integration.own_name(name) for name in NAMES]
    said = {one.name: str(n) for n, one in enumerate(needs.fields)}
    assert list(integration.as_they_call_it(said, item.fields)) == NAMES
    sku = await shop.read(catalog.sku, sku_id)
    assert sku is not None and needs.validates
