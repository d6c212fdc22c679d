"""The staff set up the contract of one offer, have an unsettled order tried again, and read in sentences what is in the way."""

from __future__ import annotations

from typing import Any

import pytest

from core import journal, orders, settlement
from core.database import Shop
from core.settlement import EARLIER_TRY, NO_WAY, OLDER_DECLINED, PayTo, SpreadShare, TakeRate, drafts
from core.storefronts import Storefront
from handlers.admin.desk import Do, Go
from handlers.supply.money_words import why_waits
from locales import Speech
from tests.admin.direct import Chatter, at_the_desk
from tests.core.supplies import Supplied, released, settled, supplied
from tests.stage import Clock, person


@pytest.fixture
async def desk(shop: Shop, storefront: Storefront) -> Chatter:
    return await at_the_desk(shop, storefront)


async def test_one_offer_gets_a_contract_of_its_own(shop: Shop, storefront: Storefront, desk: Chatter) -> None:
    of = await supplied(shop, storefront, terms=SpreadShare(3000))
    offer_id = of.goods.offer_id
    await desk.presses(Go(to="contract", id=of.supplier_id))
    assert any(Go(to="con-offers", id=of.supplier_id).pack() == data for data in desk.keyboard())
    await desk.presses(Go(to="con-offers", id=of.supplier_id))
    assert Go(to="con-offer", id=offer_id).pack() in desk.keyboard()
    assert "no contract of its own" in await desk.presses(Go(to="con-offer", id=offer_id))
    assert "cannot be read" in await desk.answers("con-of.take", offer_id, "much")
    said = await desk.says("5")
    assert f"Only of offer {offer_id}" in said and "5%" in said
    agree = next(data for data in desk.keyboard() if "now-" in data)
    # A draft for all of the supplier's goods has the same terms, and is another draft.
    await desk.answers("contract.take", of.supplier_id, "5")
    assert "out of date" in await desk.presses(agree)
    await desk.answers("con-of.take", offer_id, "5")
    assert "version 1" in await desk.presses(agree)

    own, theirs = await shop.read(settlement.contracts_of, of.supplier_id)
    assert (own.offer_id, own.terms, theirs.offer_id, theirs.terms) == (offer_id, TakeRate(500), None, SpreadShare(3000))
    holds, _ = await shop.read(settlement.terms_now, supplier_id=of.supplier_id, offer_id=offer_id)
    assert holds is not None and holds.id == own.id
    for gone in (Go(to="con-offer", id=999_999), Go(to="con-offers", id=999_999)):
        assert await desk.presses(gone)


async def test_an_order_that_could_not_be_settled_is_tried_by_a_button(
    shop: Shop, storefront: Storefront, desk: Chatter, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = await supplied(shop, storefront, terms=SpreadShare(3000))
    buyer = await person(shop, storefront, money_minor=1_000_000)
    order_id = (await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **of.goods.terms())).order_id

    def fails(setting: Any, draft: Any) -> Any:
        raise ArithmeticError("an unforeseen order")

    with monkeypatch.context() as patched:
        patched.setattr(drafts, "_shared", fails)
        await settled(shop)
        assert "not settled" in await desk.presses(Go(to="unsettled"))
        assert "an unforeseen order" in await desk.presses(Go(to="shares", id=order_id))
        await desk.presses(Do(act="settle-now", id=order_id))
        assert await shop.read(settlement.skipped_order, order_id) is not None
    said = await desk.presses(Do(act="settle-now", id=order_id))
    assert "¥88.00" in said
    assert await shop.read(settlement.skipped_orders) == []
    assert "Every order is settled" in await desk.presses(Go(to="unsettled"))
    assert [one.did for one in await shop.read(journal.latest)].count("settle-order") == 2
    assert await desk.presses(Do(act="settle-now", id=999_999))


async def test_what_a_payout_waits_for_is_a_sentence_and_its_providers_words_are_quoted(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    of, speech = await supplied(shop, storefront), Speech("en", timezone="UTC")
    asked = await a_payout(shop, storefront, clock, of)
    await shop.write(settlement.approve_payout, payout_id=asked.id, by="telegram:1")
    for kept, said in (
        (NO_WAY, "There is no way to pay it now."),
        ("there is no way to pay it now", "There is no way to pay it now."),
        (f"{OLDER_DECLINED}NOT_ENOUGH", "The provider says: “NOT_ENOUGH”"),
        (f"{EARLIER_TRY}NOT_ENOUGH", "An earlier try may still arrive"),
        ("502 Bad Gateway", "The provider says: “502 Bad Gateway”"),
    ):
        taken = await shop.write(settlement.take_payout)
        assert taken is not None
        waits = await shop.write(settlement.payout_unknown, payout_id=asked.id, tries=taken.tries, why=kept)
        assert said in str(why_waits(waits, speech))
        clock.passes(hours=2)


async def a_payout(shop: Shop, storefront: Storefront, clock: Clock, of: Supplied) -> settlement.PayoutView:
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=4, once="four", **of.goods.terms())
    await released(shop, clock)
    ids: dict[str, Any] = {"supplier_id": of.supplier_id, "storefront_id": storefront.id, "by": of.by}
    await shop.write(settlement.set_address, to=PayTo.CRYPTO_PAY, words="4711000", **ids)
    return await shop.write(settlement.ask_payout, currency="CNY", amount_minor=10_000, **ids)
