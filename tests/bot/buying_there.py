"""Props of procuring: a shop with an upstream behind it, over HTTP, and buyers of what the upstream has."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from bot.procuring import Procurer
from connectors.suppliers import upstream as open_upstream
from core import audit, catalog, fulfilment, integration, inventory, orders, pricing, supply
from core.database import Shop, read
from core.fulfilment import TaskView
from core.integration import UpstreamView
from core.people import Customer
from core.storefronts import Storefront
from sandbox.gateways import Upstream
from sandbox.gateways.upstream import WORKING, Bought
from tests.connectors.suppliers import STANDS, Stand, stocked
from tests.core.props import aside
from tests.stage import numbers, person

ADMIN = "telegram:7001"


@dataclass
class Trade:
    """One upstream, linked: what it sells is on sale here for 10.00 and costs 8.50 there."""

    shop: Shop
    storefront: Storefront
    stand: Stand
    fake: Upstream
    procurer: Procurer
    of: UpstreamView
    sku_id: int
    offer_id: int

    async def buys(self, buyer: Customer, quantity: int = 2) -> TaskView:
        """Somebody buys; the task that came of it."""
        sku = await self.shop.read(catalog.sku, self.sku_id)
        price = (await self.shop.read(pricing.current, storefront_id=self.storefront.id, sku_ids=[self.sku_id]))[self.sku_id]
        assert sku is not None
        bought: dict[str, Any] = {
            "buyer_id": buyer.id,
            "quantity": quantity,
            "once": f"buys-{next(numbers)}",
            "storefront_id": self.storefront.id,
            "sku_id": self.sku_id,
            "price_id": price.id,
            "rules_version": sku.rules_version,
        }
        if said := self.stand.fields():
            answers = await self.shop.write(fulfilment.answer_at_once, customer_id=buyer.id, sku_id=self.sku_id, said=said)
            receipt = await self.shop.write(orders.buy_for, answers_id=answers.id, **bought)
        else:
            receipt = await self.shop.write(orders.buy, **bought)
        (task,) = await self.shop.read(fulfilment.tasks_of, receipt.order_id)
        return task

    async def buyer(self) -> Customer:
        return await person(self.shop, self.storefront, money_minor=100_000)

    async def task(self, task: TaskView) -> TaskView:
        found = await self.shop.read(fulfilment.task, task.id)
        assert found is not None
        return found

    async def codes(self, task: TaskView) -> list[str]:
        """What the order has of codes, in clear."""
        return [secret.card_pwd or secret.card_no or "" for _, secret in await self.shop.read(inventory.opened, task.order_id)]

    def finishes(self, task: TaskView) -> None:
        """What takes its time there, as a top-up does, is done now; what nobody ordered, or is done, stays as it is."""
        if any(bought.number == task.number and bought.state == WORKING for bought in self.fake.orders):
            self.fake.finish(task.number)

    async def declared(self) -> int:
        return (await self.shop.read(_declared, self.offer_id)) or 0

    def another(self) -> Procurer:
        """One more process that works."""
        return Procurer(self.shop, open_upstream)


def given(bought: Bought) -> list[str]:
    """What the upstream gave for an order, as the buyer gets it: its codes, or the receipt of a top-up for each unit."""
    return bought.codes or [bought.note] * bought.got


async def told(shop: Shop) -> list[str]:
    """What the staff were told, oldest first."""
    async with aside(shop.url.render_as_string(hide_password=False)) as connection:
        rows = (await connection.execute(text("SELECT body FROM outbox WHERE topic = 'alert' ORDER BY id"))).scalars().all()
    bodies = [json.loads(body) if isinstance(body, str) else body for body in rows]
    return [str(body.get("what", body["says"])) for body in bodies]


async def sound(shop: Shop) -> None:
    """The audit finds nothing about codes, offers, tasks and upstreams; about money in escrow the stories of the orders speak."""
    report = await shop.read(audit.audit, sample=3)
    found = [each for each in report.violations if "wallet" not in each.check and "sale" not in each.check]
    assert found == []


@read
def _declared(session: Session, offer_id: int) -> int | None:
    return supply.offers(session, [offer_id])[0].declared


@asynccontextmanager
async def trading(shop: Shop, storefront: Storefront, protocol: str = "own-shop", *, stock: int = 20) -> AsyncIterator[Trade]:
    """A shop that has linked everything its upstream sells."""
    stand = STANDS[protocol]
    fake = stocked(stand, stock)
    await fake.start()
    procurer = Procurer(shop, open_upstream)
    try:
        of = await shop.write(
            integration.add_upstream,
            storefront=storefront,
            protocol=protocol,
            name="Their shop",
            settings=stand.settings(fake.url),
            by=ADMIN,
        )
        await procurer.work_off()
        (item,) = await shop.read(integration.items_of, upstream_id=of.id, page=0, size=10)
        sku_id = await shop.write(
            integration.import_item,
            item_id=item.id,
            category_id=None,
            category_name=item.category,
            search="steam",
            storefront=storefront,
            by=ADMIN,
        )
        await shop.write(pricing.set_price, storefront_id=storefront.id, sku_id=sku_id, retail_minor=1000, currency=storefront.currency)
        linked = await shop.read(integration.item, item.id, storefront_id=storefront.id)
        assert linked.offer_id is not None
        yield Trade(shop, storefront, stand, fake, procurer, of, sku_id, linked.offer_id)
    finally:
        await procurer.close()
        await fake.stop()
