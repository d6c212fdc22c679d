"""The demo's resellers: levels with price lists, a reseller who has risen by one, an agreed price, minimum resale prices, a package."""

from __future__ import annotations

from typing import Any

from bot.demo.names import OWN_BOT
from bot.demo.people import PHONES, meet
from core import brands, catalog, credit, orders, packages, payments, people, pricing, resellers
from core.brands import Markup
from core.credit import Terms
from core.database import Shop
from core.money import parse_minor
from core.pricing import Tier
from core.resellers import How, Scope
from core.storefronts import Storefront

# Name, rank, turnover of thirty days that earns it, and what comes off the retail price.
LENT = "steam-us-20"  # five of it are more than the reseller's balance
LEVELS = (("铜牌 Bronze", 1, "0", 200), ("银牌 Silver", 2, "5000", 400), ("金牌 Gold", 3, "50000", 600))


async def set_up_resellers(shop: Shop, storefront: Storefront, customer_id: int, by: str) -> None:
    """Levels with their price lists, and the reseller's phone at the lowest of them, as commands would have made them."""
    currency, made = storefront.currency, []
    for name, rank, turnover, off_bp in LEVELS:
        level = await shop.write(
            resellers.add_level,
            storefront_id=storefront.id,
            name=name,
            rank=rank,
            from_turnover_minor=parse_minor(turnover, currency),
            by=by,
        )
        await shop.write(
            resellers.set_rule,
            level_id=level.id,
            storefront_id=storefront.id,
            scope=Scope.ALL,
            scope_id=0,
            from_quantity=1,
            how=How.OFF_RETAIL,
            value=off_bp,
            by=by,
        )
        made.append(level)
    await shop.write(resellers.take_in, storefront_id=storefront.id, customer_id=customer_id, by=by)
    await shop.write(resellers.put_at_level, storefront_id=storefront.id, customer_id=customer_id, level_id=made[1].id, pinned=False, by=by)
    sku = await shop.read(catalog.sku_by_slug, "steam-cn-100")
    price = None if sku is None else (await shop.read(pricing.current, storefront_id=storefront.id, sku_ids=[sku.id])).get(sku.id)
    if sku is not None and price is not None:
        agreed = price.retail_minor * 93 // 100
        await shop.write(
            resellers.set_contract,
            storefront_id=storefront.id,
            customer_id=customer_id,
            sku_id=sku.id,
            unit_minor=agreed,
            tiers=[Tier(100, agreed * 99 // 100)],
            below_cost=True,
            by=by,
        )
        await shop.write(
            resellers.set_minimum, storefront_id=storefront.id, sku_id=sku.id, unit_minor=price.retail_minor * 97 // 100, by=by
        )
    await shop.write(
        packages.add_plan, storefront_id=storefront.id, name="Studio", price_minor=2900, days=30, analytics=True, broadcasts=4, by=by
    )
    while (due := await shop.read(resellers.due, storefront_id=storefront.id)) is not None:
        for start in range(0, len(due.sku_ids), resellers.CHUNK):
            await shop.write(resellers.work_in, storefront_id=storefront.id, sku_ids=due.sku_ids[start : start + resellers.CHUNK])
        await shop.write(resellers.worked_through, storefront_id=storefront.id, revision=due.revision, price_id=due.price_id)
    await _lend(shop, storefront, customer_id, by)
    await _own_bot(shop, customer_id)
    assert (await shop.read(people.by_id, customer_id)).level_id == made[1].id, "the reseller's phone has its level"


async def _lend(shop: Shop, storefront: Storefront, customer_id: int, by: str) -> None:
    """A line of credit with an invoice a week, and something that was bought on it."""
    here = {"customer_id": customer_id, "storefront_id": storefront.id}
    await shop.write(credit.set_limit, **here, limit_minor=parse_minor("3000", storefront.currency), by=by)
    await shop.write(credit.set_terms, **here, terms=Terms(late_fee_minor=parse_minor("20", storefront.currency), period_days=7), by=by)
    sku = await shop.read(catalog.sku_by_slug, LENT)
    customer = await shop.read(people.by_id, customer_id)
    price = None if sku is None else (await shop.read(pricing.for_buyer, buyer=customer, sku_ids=[sku.id])).get(sku.id)
    if sku is None or price is None:
        return
    await shop.write(
        orders.buy,
        storefront_id=storefront.id,
        buyer_id=customer_id,
        sku_id=sku.id,
        price_id=price.id,
        rules_version=sku.rules_version,
        quantity=5,
        once=f"demo:credit:{customer_id}",
    )


async def _own_bot(shop: Shop, owner_id: int) -> None:
    """Their own bot, with a name, a welcome and prices of its own, and what it sold lately."""
    token, username, name = OWN_BOT
    brand = await shop.write(
        brands.open_brand, owner_id=owner_id, token=token, bot_id=int(token.partition(":")[0]), username=username, name=name
    )
    mine: dict[str, Any] = {"brand_id": brand.id, "owner_id": owner_id}
    await shop.write(brands.set_markup, **mine, markup=Markup(points=800, step_minor=10))
    await shop.write(
        brands.set_look, **mine, welcome="🌟 秒发卡密，7×24 在线 · Codes in a second, day and night.", support="@star_cards_help"
    )
    await shop.write(brands.price_brand, brand_id=brand.id)
    prices = await shop.read(pricing.branded, storefront_id=brand.storefront.id)
    # Whoever holds the second phone has bought there, and finds the codes when they open that bot.
    customer = await meet(shop, brand.storefront, PHONES["second"])
    for slug, quantity in (("steam-cn-100", 2), (LENT, 1)):
        sku = await shop.read(catalog.sku_by_slug, slug)
        if sku is None or sku.id not in prices:
            continue
        price, once = prices[sku.id], f"demo:own-bot:{sku.id}"
        due = price.retail_minor * quantity
        await shop.write(payments.adjust, customer_id=customer.id, amount_minor=due, reason="demo", by="demo", once=once)
        await shop.write(
            orders.buy,
            storefront_id=brand.storefront.id,
            buyer_id=customer.id,
            sku_id=sku.id,
            price_id=price.id,
            rules_version=sku.rules_version,
            quantity=quantity,
            once=once,
        )
    await shop.write(brands.earn)
