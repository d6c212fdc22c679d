"""Commitments: what is promised is set aside and drawn first, counted exactly, and who is short is said when the time is over."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import inventory, journal, orders, people, rates, routing, supply
from core.audit.commitments import COMMITMENTS
from core.audit.explained import EXPLAINED
from core.database import Shop, read
from core.storefronts import Storefront
from core.supply import Precedence, Promise, SourceClass, Standing, Stop
from tests.core.harm import Damage, not_found
from tests.core.offering import offered
from tests.core.props import STAR_RATE, at_once, place, reserve, settle
from tests.core.way import ask, secrets
from tests.stage import Clock, Goods, person, put_on_sale, stock

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


async def committed(shop: Shop, offer_id: int, clock: Clock, *, quantity: int = 5, days: float = 10, **facts: Any) -> int:
    """So many units of an offer are promised by both sides, before all others."""
    said = {"precedence": Precedence.PRIORITY, "promised_by": Promise.BOTH, "by": "telegram:1", **facts}
    return await shop.write(supply.commit, offer_id=offer_id, quantity=quantity, until=clock() + timedelta(days=days), **said)


async def report(shop: Shop, commitment_id: int) -> supply.CommitmentReport:
    [found] = await shop.read(supply.commitment_reports, commitment_id=commitment_id)
    return found


async def bought(shop: Shop, goods: Goods, quantity: int, once: str) -> dict[int, int]:
    """What one order drew, by offer."""
    buyer = await person(shop, goods.storefront, money_minor=10_000_000)
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity, once=once, **goods.terms())
    return await drew(shop, receipt.order_id)


async def seen(shop: Shop, clock: Clock) -> routing.Looked:
    """All news until now has been looked at."""
    looked = routing.Looked()
    for _ in range(3):
        _, looked = await shop.read(routing.look, looked, most=0)
        clock.passes(minutes=1)
    return looked


async def drew(shop: Shop, order_id: int) -> dict[int, int]:
    units: Counter[int] = Counter()
    for line in await shop.read(orders.lines_of, order_id):
        units[line.offer_id] += line.quantity
    return dict(units)


async def test_what_is_set_aside_is_drawn_before_the_cheaper_and_more_by_score(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront, count=20)
    dear = await offered(shop, goods.sku_id, cost_minor=9400)
    await stock(shop, dear.id, goods.sku_id, 20)
    await shop.write(routing.rank, sku_id=goods.sku_id)
    assert (await shop.read(supply.ranked, [goods.sku_id]))[0].id == goods.offer_id, "the shop's own costs nothing"
    kept = await committed(shop, dear.id, clock, quantity=5)
    assert await shop.write(routing.rank, sku_id=goods.sku_id) is not None
    newest = await shop.read(routing.ranking, sku_id=goods.sku_id)
    assert newest is not None and newest.result[0].offer_id == dear.id and newest.reasons == ["commitment"]

    assert await bought(shop, goods, 3, "three") == {dear.id: 3}
    assert await bought(shop, goods, 4, "four") in ({dear.id: 2, goods.offer_id: 2}, {dear.id: 4})
    found = await report(shop, kept)
    assert (found.drawn, found.quantity) == (5, 5)

    assert await shop.write(routing.rank, sku_id=goods.sku_id) is not None
    assert (await shop.read(supply.ranked, [goods.sku_id]))[0].id == goods.offer_id
    assert await bought(shop, goods, 4, "more") == {goods.offer_id: 4}, "nothing is set aside any more"
    assert (await report(shop, kept)).drawn == 5


async def test_the_sale_honours_what_is_set_aside_also_before_it_was_ranked(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront, count=20)
    second = await offered(shop, goods.sku_id)
    await stock(shop, second.id, goods.sku_id, 2)
    await shop.write(supply.declare, offer_id=second.id, quantity=9)
    await committed(shop, second.id, clock, quantity=4)

    assert await bought(shop, goods, 3, "three") == {second.id: 3}, "two from the shelf and one declared, before any other shelf"
    assert await bought(shop, goods, 3, "more") == {second.id: 1, goods.offer_id: 2}


async def test_an_exclusive_commitment_keeps_the_others_out_until_it_is_drawn_or_over(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    goods = await put_on_sale(shop, storefront, count=20)
    alone = await offered(shop, goods.sku_id, priority=0)
    other = await offered(shop, goods.sku_id)
    for offer in (alone, other):
        await stock(shop, offer.id, goods.sku_id, 20)
    await committed(shop, other.id, clock, quantity=9)
    kept = await committed(shop, alone.id, clock, quantity=4, precedence=Precedence.EXCLUSIVE, from_at=clock() + timedelta(days=1))
    await shop.write(routing.rank, sku_id=goods.sku_id)
    assert await bought(shop, goods, 2, "before") == {other.id: 2}, "it has not begun"

    looked = await seen(shop, clock)
    clock.passes(days=1, seconds=1)
    found, _ = await shop.read(routing.look, looked, most=0)
    assert found == [goods.sku_id], "its beginning is found without looking at all"
    await shop.write(routing.rank, sku_id=goods.sku_id)
    newest = await shop.read(routing.ranking, sku_id=goods.sku_id)
    assert newest is not None and newest.reasons == ["exclusive"]
    assert await bought(shop, goods, 3, "alone") == {alone.id: 3}
    looked = await seen(shop, clock)
    clock.passes(days=9)
    found, _ = await shop.read(routing.look, looked, most=0)
    assert found == [goods.sku_id], "and its end, before it is judged"
    await shop.write(routing.rank, sku_id=goods.sku_id)
    assert await bought(shop, goods, 3, "after") == {goods.offer_id: 3}, "its time is over, whether the job has run or not"
    assert (await report(shop, kept)).drawn == 3
    assert await shop.write(supply.judge_commitments) == 2
    view = await shop.read(supply.offer_view, alone.id)
    assert view is not None and view.plain, "the sale may gather it again"


async def test_a_commitment_is_never_overdrawn_by_many_at_once(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    offer = await offered(shop, goods.sku_id)
    await stock(shop, offer.id, goods.sku_id, 20)
    kept = await committed(shop, offer.id, clock, quantity=7)
    buyers = [await person(shop, storefront, money_minor=20_000) for _ in range(12)]

    sold, refused = await at_once(
        [shop.write(orders.buy, **goods.terms(), buyer_id=buyer.id, quantity=1, once=f"rush:{buyer.id}") for buyer in buyers]
    )

    assert (len(sold), refused) == (12, [])
    assert (await report(shop, kept)).drawn == 7


async def test_what_is_held_for_a_payer_is_drawn_when_the_money_comes_and_what_comes_back_may_be_drawn_again(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    goods = await put_on_sale(shop, storefront, count=20)
    second = await offered(shop, goods.sku_id)
    await stock(shop, second.id, goods.sku_id, 5)
    kept = await committed(shop, second.id, clock, quantity=5)
    payer = await person(shop, storefront, money_minor=100_000)
    await shop.write(rates.set_rate, base="XTR", quote=storefront.currency, rate=STAR_RATE, source="test")
    order = await place(shop, payer, goods, once="waits", quantity=3)
    await reserve(shop, payer, order)
    assert await shop.read(inventory.held_by_offer, [second.id, goods.offer_id]) == {second.id: 3}, "held where it is set aside"
    assert (await report(shop, kept)).brought == 5, "what is held was brought, too"
    settled = await settle(shop, payer, order, event="paid")
    assert settled.issued and (await report(shop, kept)).drawn == 3

    await shop.write(orders.refund_codes, order_id=order.order_id, code_ids=None, reason="test", by="test", once="back")

    assert (await report(shop, kept)).drawn == 0


async def test_a_source_that_declares_and_does_not_bring_is_the_one_who_is_short(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront, count=20)
    source = await offered(shop, goods.sku_id, source_class=SourceClass.UPSTREAM, upstream_id=7, declared=6)
    kept = await committed(shop, source.id, clock, quantity=6)
    await shop.write(supply.change_offer, offer_id=goods.offer_id, max_quantity=100, by="test")
    buyer = await person(shop, storefront, money_minor=1_000_000)
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=4, once="four", **goods.terms())
    assert (await report(shop, kept)).drawn == 4
    task = await ask(shop, "upstream:7")
    await shop.write(orders.arrived, task_id=task.id, secrets=secrets("ONE-1"), done=True, cause="only one")

    found = await report(shop, kept)
    assert (found.drawn, found.failed) == (1, 3) and await drew(shop, receipt.order_id) == {source.id: 1, goods.offer_id: 3}
    # Six were declared, one came: two were never asked for, three were asked for and did not come.
    assert (found.brought, found.supplier_short, found.shop_short) == (3, 3, 2)


ENDS = [
    # Promised by, brought, drawn of five; short: supplier, shop.
    (Promise.BOTH, 5, 5, (0, 0)),
    (Promise.BOTH, 4, 3, (1, 1)),
    (Promise.SUPPLIER, 5, 1, (0, 0)),
    (Promise.SUPPLIER, 2, 1, (3, 0)),
    (Promise.SHOP, 2, 2, (0, 0)),
    (Promise.SHOP, 9, 2, (0, 3)),
]


async def test_when_the_time_is_over_who_is_short_is_told_once(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    lin = await person(shop, storefront)
    staff = await person(shop, storefront)
    await shop.write(people.set_admins_from_settings, storefront_id=storefront.id, telegram_ids=[staff.telegram_id])
    made = await shop.write(supply.new_supplier, name="Lin", standing=Standing.TRUSTED, telegram_id=lin.telegram_id)
    several = []
    for promised_by, brought, drawn, short in ENDS:
        goods = await put_on_sale(shop, storefront, count=0)
        offer = await offered(shop, goods.sku_id, supplier_id=made.id)
        await stock(shop, offer.id, goods.sku_id, brought)
        kept = await committed(shop, offer.id, clock, quantity=5, promised_by=promised_by)
        await bought(shop, goods, drawn, f"some of {kept}")
        several.append((kept, offer, goods, drawn, short))
    assert await shop.write(supply.judge_commitments) == 0, "not before its last day is over"

    clock.passes(days=11)
    assert [await shop.write(supply.judge_commitments) for _ in range(2)] == [len(ENDS), 0]

    for kept, offer, goods, drawn, short in several:
        found = await report(shop, kept)
        assert (found.drawn, (found.supplier_short, found.shop_short), found.breach) == (drawn, short, short != (0, 0))
        assert await told(shop, kept) == (sorted([lin.id, staff.id]) if short != (0, 0) else [])
        await stock(shop, offer.id, goods.sku_id, 9)
        assert (await report(shop, kept)).supplier_short == short[0], "what was judged stays so"
        [entry] = await shop.read(journal.latest, about="commitment", about_id=kept, limit=1)
        assert (entry.did, entry.after["supplier_short"], entry.after["shop_short"]) == ("judge-commitment", *short)
    again = await committed(shop, several[0][1].id, clock, quantity=2)
    assert (await report(shop, again)).drawn == 0, "the next one begins at nothing"


@read
def _told(session: Session, once: str) -> list[int]:
    return sorted(session.scalars(text("SELECT customer_id FROM outbox WHERE once LIKE :once"), {"once": f"{once}:%"}))


async def told(shop: Shop, commitment_id: int) -> list[int]:
    """Who was sent the note that it ended in breach."""
    return await shop.read(_told, f"commitment-breach:{commitment_id}")


async def test_what_its_suppliers_own_doing_stops_was_not_brought_and_what_the_shop_stops_was(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    offer = await offered(shop, goods.sku_id)
    await stock(shop, offer.id, goods.sku_id, 5)
    kept = await committed(shop, offer.id, clock, quantity=5)
    for why, ref, short in (
        (Stop.PAUSED, "supplier", (5, 0)),
        (Stop.PAPER, "", (5, 0)),
        (Stop.HIDDEN, "", (5, 0)),
        (Stop.PAUSED, "", (0, 5)),
        (Stop.EXPOSURE, "", (0, 5)),
    ):
        await shop.write(supply.stop, offer_ids=[offer.id], why=why, ref=ref, by="test")
        found = await report(shop, kept)
        assert (found.supplier_short, found.shop_short) == short, why
        await shop.write(supply.lift, offer_ids=[offer.id], why=why, ref=ref, by="test")


async def test_a_supplier_leaves_on_the_shelf_what_they_have_promised(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    lin = await person(shop, storefront)
    made = await shop.write(supply.new_supplier, name="Lin", standing=Standing.TRUSTED, telegram_id=lin.telegram_id)
    offer = await offered(shop, goods.sku_id, supplier_id=made.id)
    await stock(shop, offer.id, goods.sku_id, 8)
    kept = await committed(shop, offer.id, clock, quantity=5, promised_by=Promise.SUPPLIER)
    facts: dict[str, Any] = {"offer_id": offer.id, "telegram_id": lin.telegram_id, "customer_id": lin.id, "by": "test"}

    with pytest.raises(supply.StillPromised) as refused:
        await shop.write(supply.take_stock_back, quantity=4, **facts)
    assert (refused.value.promised, refused.value.free) == (5, 3)
    assert (await shop.write(supply.take_stock_back, quantity=3, **facts)).quantity == 3
    await bought(shop, goods, 2, "two")
    with pytest.raises(supply.StillPromised):
        await shop.write(supply.take_stock_back, quantity=1, **facts)
    assert await shop.write(supply.call_off_commitment, commitment_id=kept, by="telegram:1")
    assert (await shop.write(supply.take_stock_back, quantity=3, **facts)).quantity == 3

    await stock(shop, offer.id, goods.sku_id, 2)
    await committed(shop, offer.id, clock, quantity=5, promised_by=Promise.SHOP)
    assert (await shop.write(supply.take_stock_back, quantity=2, **facts)).quantity == 2, "only the shop has promised"


async def test_what_cannot_be_promised_is_refused_and_changes_nothing(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront, count=1)
    offer = await offered(shop, goods.sku_id)
    [member] = await shop.read(supply.members_of, (await shop.read(supply.offers, [offer.id]))[0].supplier_id)

    with pytest.raises(supply.NobodyElsePromises):
        await committed(shop, goods.offer_id, clock)
    with pytest.raises(supply.OwnSupplier):
        await committed(shop, offer.id, clock, by=f"telegram:{member}")
    wrong: list[dict[str, Any]] = [{"days": -1}, {"days": 1, "from_at": clock() + timedelta(days=2)}]
    for facts in wrong:
        with pytest.raises(supply.CommitmentOver):
            await committed(shop, offer.id, clock, **facts)
    assert await shop.read(supply.commitment_reports) == []
    kept = await committed(shop, offer.id, clock)
    with pytest.raises(supply.AlreadyCommitted):
        await committed(shop, offer.id, clock, quantity=9)
    with pytest.raises(supply.OwnSupplier):
        await shop.write(supply.call_off_commitment, commitment_id=kept, by=f"telegram:{member}")
    assert [await shop.write(supply.call_off_commitment, commitment_id=kept, by="telegram:1") for _ in range(2)] == [True, False]
    found = await report(shop, kept)
    assert found.called_off and not found.breach
    assert [entry.did for entry in await shop.read(journal.latest, about="commitment", about_id=kept)] == ["call-off-commitment", "commit"]
    assert (await shop.read(supply.commitment_reports, offer_id=offer.id)) == [found]


DAMAGES = {
    "a commitment is drawn for what its orders have of it": "UPDATE commitments SET drawn = drawn - 1 WHERE drawn > 0",
    "an order draws no more of a commitment than it has of its offer, while it is in force": "UPDATE commitment_draws SET at = 1",
    "a commitment ends once, when its time is over or it was called off, with who is short of what they promised":  # broken by who is short
    "UPDATE commitments SET shop_short = shop_short + 1 WHERE closed_at IS NOT NULL",
    "a commitment is open exactly while nothing is said of how it ended":  # broken by one half
    "UPDATE commitments SET supplier_short = 0 WHERE closed_at IS NULL",
    "an offer is plain exactly when the shelf is all there is to check": "UPDATE offers SET plain = NOT plain WHERE id IN"
    " (SELECT offer_id FROM commitments WHERE closed_at IS NULL)",
    EXPLAINED: """UPDATE rankings SET weights = '{"cost": 0, "success": 100, "aftersale": 0, "latency": 0, "stock": 0, "region": 0}'""",
}


async def test_every_damage_to_commitments_is_found_by_name(shop: Shop, storefront: Storefront, clock: Clock, database_url: str) -> None:
    goods = await put_on_sale(shop, storefront, count=3)
    offer = await offered(shop, goods.sku_id)
    await stock(shop, offer.id, goods.sku_id, 9)
    await committed(shop, offer.id, clock, quantity=5, days=1)
    await bought(shop, goods, 2, "two")
    clock.passes(days=2)
    assert await shop.write(supply.judge_commitments) == 1
    await committed(shop, offer.id, clock, quantity=5)
    await bought(shop, goods, 2, "two more")
    await shop.write(routing.rank, sku_id=goods.sku_id)

    harms = [Damage(check, "", sql) for check, sql in DAMAGES.items()]
    assert await not_found(shop, database_url, harms) == []
    assert DAMAGES.keys() >= COMMITMENTS.keys()
