"""The audit finds each kind of damage to suppliers' money by name, and nothing where all of it has happened soundly."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import aftersale, audit, orders, settlement
from core.audit.supply_money import SUPPLY_MONEY
from core.database import Shop, write
from core.settlement import Commission, PayTo, SpreadShare, Tier, Window
from core.storefronts import Storefront
from tests.core.harm import Damage, not_found
from tests.core.props import assert_sound
from tests.core.supplies import released, settled, supplied
from tests.stage import Clock, person

DAMAGES = [
    Damage(
        "the parts of a claim are its price",
        "claims",
        "UPDATE claims SET spread_minor = spread_minor + 1 WHERE id = 1",
    ),
    Damage("a claim is of a line as it was sold", "", "UPDATE order_lines SET unit_cost_minor = unit_cost_minor + 1"),
    Damage(
        "the claims of an order sum to the cost that its sale credited their supplier with",
        "",
        "UPDATE postings SET amount_minor = amount_minor + 1 WHERE transfer_id = (SELECT min(id) FROM transfers WHERE key LIKE 'sale:%')",
    ),
    Damage(
        "a claim of a single code is of one that came in another's place",
        "claims",
        "UPDATE claims SET code_id = 7, seq = 0 WHERE id = 1",
    ),
    Damage("nothing is claimed twice", "claims", "INSERT INTO claims SELECT * FROM claims WHERE id = 1"),
    Damage(
        "units of a claim were taken back one after the other, each with its share",
        "",
        "UPDATE claim_reversals SET supplier_minor = supplier_minor - 1",
    ),
    Damage("a run is the sum of its claims", "", "UPDATE settlement_runs SET supplier_minor = supplier_minor + 1 WHERE kind = 'settle'"),
    Damage(
        "a run is the sum of its claims", "", "UPDATE claims SET release_run_id = NULL, state = 'held' WHERE release_run_id IS NOT NULL"
    ),
    Damage(
        "a run moved in the books what it says",
        "",
        "UPDATE postings SET amount_minor = amount_minor + 1 WHERE transfer_id = (SELECT min(id) FROM transfers WHERE key LIKE 'settle:%')",
    ),
    Damage("a run moved in the books what it says", "", "UPDATE transfers SET key = 'lost' || id WHERE key LIKE 'release:%'"),
    Damage("what settlement moved is a run's", "", "UPDATE transfers SET key = 'settle:999999' WHERE key = 'settle:1'"),
    Damage(
        "a claim is released after its time, and by a release",
        "",
        "UPDATE claims SET release_at = release_at + 9999999999999 WHERE release_run_id IS NOT NULL",
    ),
    Damage(
        "a claim is released after its time, and by a release",
        "",
        "UPDATE claims SET release_run_id = NULL WHERE release_run_id IS NOT NULL",
    ),
    Damage(
        "what is due is below zero only when something released was taken back",
        "",
        "UPDATE postings SET amount_minor = 99999999 WHERE transfer_id = (SELECT min(id) FROM transfers WHERE key LIKE 'payout-ask:%')",
    ),
    Damage("a window of volume gave back what it charged too much", "", "UPDATE tier_windows SET adjusted_minor = adjusted_minor + 1"),
    Damage("a window of volume gave back what it charged too much", "", "DELETE FROM tier_windows"),
    Damage("what is on its way to a supplier is their open payouts", "", "UPDATE payouts SET state = 'refused' WHERE state = 'requested'"),
    Damage(
        "a payout left the house exactly when it was sent, once, and was approved",
        "",
        "UPDATE payouts SET state = 'approved' WHERE state = 'sent'",
    ),
    Damage(
        "a payout left the house exactly when it was sent, once, and was approved",
        "",
        "UPDATE payouts SET approved_by = NULL WHERE state = 'sent'",
    ),
    Damage(
        "no payout was approved, or sent by hand, while its supplier was suspended",
        "",
        "INSERT INTO suspensions (supplier_id, reason, by, at) SELECT supplier_id, 'fraud', 'test', approved_at - 1 FROM payouts"
        " WHERE state = 'sent'",
    ),
    Damage(
        "where money goes is sealed whole, or waits in clear to be sealed",
        "",
        "UPDATE payouts SET words = 'Bank 1234' WHERE state = 'sent'",
    ),
    Damage("where money goes is sealed whole, or waits in clear to be sealed", "", "UPDATE payout_addresses SET wrapping_key_id = NULL"),
    Damage(
        "where money goes is sealed whole, or waits in clear to be sealed", "", "UPDATE payouts SET sealed = NULL WHERE state = 'refused'"
    ),
    Damage("an order that could not be settled has its claims when it is", "claims", "UPDATE claims SET order_id = order_id + 999"),
    Damage(
        "a quota in another currency was drawn at a rate of it",
        "quota_draws",
        "INSERT INTO quota_draws (order_id, offer_id, quota_id, quantity, face_minor, given_back, at, rate_id)"
        " VALUES (1, 1, 1, 1, 1, 0, 1, 999999)",
    ),
    Damage("money of payouts is a payout's", "", "UPDATE transfers SET key = 'payout:999999' WHERE key LIKE 'payout:%'"),
]


@write
def was_skipped(session: Session) -> None:
    """The first order could not be worked out once."""
    session.execute(text("INSERT INTO settlement_skips (order_id, why, tries, first_at, next_at) SELECT MIN(id), 'x', 1, 1, 1 FROM orders"))


@pytest.fixture
async def lived(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    """Two suppliers: sales, a code taken back, a window of volume, and payouts asked for, refused and sent."""
    terms = Commission((Tier(0, 1000), Tier(20_000, 500)), window=Window.DAY)
    by_volume = await supplied(shop, storefront, terms=terms, name="Volume")
    shared = await supplied(shop, storefront, terms=SpreadShare(3000), name="Shared")
    buyer = await person(shop, storefront, money_minor=10_000_000)
    for of in (by_volume, shared):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=4, once=f"of-{of.supplier_id}", **of.goods.terms())
    await shop.write(was_skipped)
    await settled(shop)
    made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="back", **shared.goods.terms())
    await settled(shop)
    code, _ = await shop.read(orders.codes_sold, made.order_id)
    await shop.write(aftersale.refund_codes, order_id=made.order_id, code_ids=[code.code_id], reason="t", by="test", once="back")
    await released(shop, clock)
    ids = {"supplier_id": by_volume.supplier_id, "storefront_id": storefront.id}
    await shop.write(settlement.set_address, to=PayTo.WORDS, words="Bank 1234", by=by_volume.by, **ids)
    payouts = [await shop.write(settlement.ask_payout, currency="CNY", by=by_volume.by, amount_minor=10_000, **ids) for _ in range(3)]
    await shop.write(settlement.approve_payout, payout_id=payouts[0].id, by="telegram:1")
    await shop.write(settlement.sent_by_hand, payout_id=payouts[0].id, by="telegram:1", reference="x")
    await shop.write(settlement.refuse_payout, payout_id=payouts[1].id, by="telegram:1")


async def test_every_damage_to_suppliers_money_is_found_by_name(shop: Shop, lived: None, database_url: str) -> None:
    await assert_sound(shop)
    assert await not_found(shop, database_url, DAMAGES) == []
    assert {harm.check for harm in DAMAGES} == audit.SETTLEMENT.keys() | SUPPLY_MONEY.keys()
    await assert_sound(shop)
