"""The audit finds each way in which the shop's control over supply may be broken, by its name."""

from __future__ import annotations

from sqlalchemy import Connection, text

from core import audit, blacklist, catalog, inventory, orders, standing
from core.audit.control import CONTROL
from core.database import Shop
from core.ports import CertificateFacts, CertificateState
from core.standing import SwitchOf, TakedownOf
from core.storefronts import Storefront
from tests.core.props import aside, assert_sound
from tests.core.traders import consigned, trader
from tests.stage import person, put_on_sale, stock

_REOPEN = "UPDATE offers SET closed_at = NULL, stopped_at = NULL WHERE id = {offer}"

DAMAGES = [
    ("an offer is closed exactly while it has an open reason to stop", "selling", "UPDATE offers SET closed_at = 1 WHERE id = {offer}"),
    ("an offer is closed exactly while it has an open reason to stop", "switched", _REOPEN),
    ("nothing of a suspended supplier sells", "suspended", _REOPEN),
    ("a supplier is suspended exactly while a suspension says so", "selling", "UPDATE suspensions SET lifted_at = 1, lifted_by = 'x'"),
    ("nothing that is switched off sells", "switched", _REOPEN),
    ("nothing that is switched off sells", "selling", "UPDATE switches SET of = 'platform', of_id = 0 WHERE lifted_at IS NULL"),
    ("a switch that was lifted stops nothing", "switched", "UPDATE switches SET lifted_at = 1, lifted_by = 'x'"),
    ("nothing that a rights-holder objects to sells", "objected", _REOPEN),
    (
        "what a complaint stopped is stopped until it is rejected, and no longer",
        "objected",
        "UPDATE offer_stops SET lifted_at = 1, lifted_by = 'x' WHERE offer_id = {offer}",
    ),
    ("an upheld complaint leaves no offer and no unsold code", "upheld", _REOPEN),
    (
        "an upheld complaint leaves no offer and no unsold code",
        "upheld",
        "UPDATE codes SET void_at = NULL, available = id WHERE offer_id = {offer}",
    ),
    (
        "a blacklisted code that was not sold is void",
        "selling",
        "UPDATE codes SET void_at = NULL, available = id WHERE id IN (SELECT code_id FROM blacklist_hits WHERE place = 'shelf')",
    ),
    (
        "a code that was blacklisted when it was to be sent is sent by nobody but a person",
        "selling",
        "UPDATE orders SET held_until = NULL WHERE held_until IS NOT NULL",
    ),
    ("a checked certificate has the answer that decided it", "selling", "DELETE FROM certificate_answers"),
]


async def test_every_damage_to_control_is_found_by_name(shop: Shop, storefront: Storefront, database_url: str) -> None:
    upper = await shop.write(catalog.add_category, slug="upper", name="Upper")
    inner = await shop.write(catalog.add_category, slug="inner", name="Inner", parent_id=upper)
    goods = {name: await put_on_sale(shop, storefront, count=3) for name in ("selling", "objected", "upheld")}
    goods["switched"] = await put_on_sale(shop, storefront, category_id=inner, count=3)
    acme = await trader(shop)
    offers = {name: each.offer_id for name, each in goods.items()}
    offers["suspended"] = await consigned(shop, goods["selling"], acme.id)
    await shop.write(standing.suspend, supplier_id=acme.id, reason="x", by="test")
    await shop.write(standing.switch_off, of=SwitchOf.CATEGORY, of_id=upper, reason="x", by="test")
    for name in ("objected", "upheld"):
        number = await shop.write(
            standing.register_takedown, of=TakedownOf.SKU, of_id=goods[name].sku_id, who="V", reference="1", evidence="-", by="test"
        )
        if name == "upheld":
            await shop.write(standing.decide_takedown, takedown_id=number, upheld=True, reason="-", by="test")
            while await shop.write(standing.void_upheld):
                pass
    buyer = await person(shop, storefront, money_minor=50_000)
    bought = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **goods["selling"].terms())
    [(_, sold)] = await shop.read(inventory.digests_of_order, bought.order_id)
    [code] = await stock(shop, offers["selling"], goods["selling"].sku_id, 1)
    await blacklist.take_feed(shop, name="f", by="test", lines=[sold.hex(), code])
    while await standing.sweep(shop):
        pass
    await shop.write(orders.hand_over, order_id=bought.order_id, cause=orders.RevealCause.SENT, to_telegram_id=buyer.telegram_id)
    check = await shop.write(standing.want_check, "paper:1", CertificateFacts("A", "B", "C", None))
    await shop.write(standing.decide_check, check_id=check, state=CertificateState.VALID, reason="", by="test")
    await assert_sound(shop)

    def found(connection: Connection, name: str, sql: str) -> bool:
        assert connection.execute(text(sql)).rowcount > 0, sql
        return connection.execute(text(audit.CHECKS[name])).first() is not None

    missed = []
    for name, where, sql in DAMAGES:
        async with aside(database_url) as connection:
            if not await connection.run_sync(found, name, sql.format(offer=offers[where])):
                missed.append((name, sql))
            await connection.rollback()

    assert missed == []
    assert {name for name, *_ in DAMAGES} == set(CONTROL)
    await assert_sound(shop)
