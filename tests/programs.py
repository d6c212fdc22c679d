"""Props for tests of the reseller API: a reseller with money and a key, and an order by it."""

from __future__ import annotations

from typing import Any

from core import api, people
from core.api import ApiOrder, NewKey
from core.database import Shop
from core.people import Customer
from core.storefronts import Storefront
from tests.stage import Goods, person

HASH = b"0123456789abcdef"


async def reseller(shop: Shop, storefront: Storefront, money_minor: int = 1_000_000) -> Customer:
    """A customer who is a reseller."""
    customer = await person(shop, storefront, money_minor=money_minor)
    await shop.write(people.set_wholesale, storefront_id=storefront.id, customer_id=customer.id, wholesale=True, by="test")
    return await shop.read(people.by_id, customer.id)


async def key_for(shop: Shop, owner: Customer, **facts: Any) -> NewKey:
    """A key of theirs."""
    return await shop.write(api.make_key, customer_id=owner.id, by="test", **facts)


async def ask(shop: Shop, key: NewKey, goods: Goods, number: str, quantity: int = 1, **facts: Any) -> ApiOrder:
    """An order by it; what is asked is told apart by its hash."""
    facts = {"most_minor": None, "partial": False, "fields": None, "callback_url": None, "request_hash": HASH, **facts}
    return await shop.write(api.order, key_id=key.key.id, number=number, sku_id=goods.sku_id, quantity=quantity, **facts)
