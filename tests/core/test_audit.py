"""The audit finds each kind of damage by name, nothing in a sound shop, and never cries wolf beside writers."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from core import audit, inventory, orders
from core.audit import queries
from core.audit.api import API
from core.audit.brands import BRANDS
from core.audit.commitments import COMMITMENTS
from core.audit.control import CONTROL
from core.audit.credit import CREDIT
from core.audit.earning import EARNING
from core.audit.joining import JOINING
from core.audit.offers import OFFERS
from core.audit.packages import PACKAGES
from core.audit.papers import PAPERS
from core.audit.promises import PROMISES
from core.audit.purchases import PURCHASES
from core.audit.queries import ASKED, BALANCE, KEYS_FIT, MARKET, WORTH
from core.audit.resellers import RESELLERS
from core.audit.resellers_people import RESELLERS_PEOPLE
from core.audit.settlement import SETTLEMENT
from core.audit.stocking import STOCKING
from core.audit.stopped_work import STOPPED_WORK
from core.audit.stops import STOPS
from core.audit.supply_money import SUPPLY_MONEY
from core.audit.upstreams import UPSTREAMS
from core.database import Keyring, Shop
from core.storefronts import Storefront
from tests.core import damages_of_routing
from tests.core.damages_of_kinds import KIND_DAMAGES
from tests.core.harm import Damage, not_found
from tests.core.props import aside, assert_sound, at_once, live
from tests.stage import Clock, Goods, person, put_on_sale, stock

DAMAGES = [
    Damage(
        "a guarded balance is the sum of its postings",
        "",
        "UPDATE accounts SET balance_minor = balance_minor + 1 WHERE id = (SELECT wallet_id FROM customers)",
    ),
    Damage(
        "a guarded balance is not below its floor",
        "accounts",
        "UPDATE accounts SET floor_minor = balance_minor + 1 WHERE kind = 'wallet'",
    ),
    Damage(
        "an account keeps a balance exactly when it has a floor",
        "accounts",
        "UPDATE accounts SET floor_minor = NULL WHERE kind = 'wallet'",
    ),
    Damage(
        "a wallet is guarded, its customer's, and in the storefront's currency",
        "",
        "UPDATE accounts SET party_id = (SELECT party_id FROM storefronts) WHERE kind = 'wallet'",
    ),
    Damage(
        "a transfer has postings",
        "",
        "DELETE FROM postings WHERE transfer_id = (SELECT id FROM transfers WHERE key = 'payment:bank:d1')",
    ),
    Damage(
        "a transfer's key is its own",
        "transfers",
        "UPDATE transfers SET key = 'twice' WHERE kind = 'deposit'",
    ),
    Damage(
        "a posting moves a positive amount between two accounts of its currency",
        "postings",
        "UPDATE postings SET currency = 'XTR' WHERE transfer_id = (SELECT id FROM transfers WHERE key = 'payment:bank:d1')",
    ),
    Damage(
        "a posting belongs to a transfer",
        "transfers postings",
        "UPDATE postings SET transfer_id = 999999 WHERE transfer_id = (SELECT id FROM transfers WHERE key = 'payment:bank:d1')",
    ),
    Damage(
        "a roll-up is the sum of the postings up to its mark",
        "",
        "UPDATE rollups SET credits_minor = credits_minor + 1 WHERE credits_minor > 0",
    ),
    Damage(
        "a code is in exactly one place",
        "codes",
        "UPDATE codes SET available = id WHERE id = (SELECT min(id) FROM codes WHERE order_id IS NOT NULL)",
    ),
    Damage(
        "a code's fingerprint is its own",
        "codes",
        "UPDATE codes SET fingerprint = (SELECT fingerprint FROM codes WHERE id = 1) WHERE id = 2",
    ),
    Damage(
        "a code lies with the offer of its batch",
        "",
        "UPDATE codes SET offer_id = offer_id + 1 WHERE id = (SELECT min(id) FROM codes WHERE available IS NOT NULL)",
    ),
    Damage(
        "a batch has the codes it accepted",
        "",
        "DELETE FROM codes WHERE id = (SELECT min(id) FROM codes WHERE available IS NOT NULL"
        " AND id NOT IN (SELECT code_id FROM refunded_codes))",
    ),
    Damage(
        "a batch is on sale whole or not at all",
        "",
        "UPDATE codes SET staged = NULL, available = id WHERE id = (SELECT min(id) FROM codes WHERE staged IS NOT NULL)",
    ),
    Damage(
        "an open hold holds what it promised, of its denomination",
        "",
        "UPDATE codes SET hold_id = NULL, available = id WHERE id = (SELECT min(id) FROM codes WHERE hold_id IS NOT NULL)",
    ),
    Damage(
        "a hold that ended holds nothing",
        "",
        "UPDATE holds SET ended_at = 1 WHERE ended_at IS NULL",
    ),
    Damage(
        "a held code has its hold",
        "codes",
        "UPDATE codes SET hold_id = 999999 WHERE hold_id IS NOT NULL",
    ),
    Damage(
        "an open hold is for an order that waits",
        "",
        "UPDATE orders SET state = 'expired' WHERE state = 'pending'",
    ),
    Damage("an order's key is its own", "orders", "UPDATE orders SET once = 'same'"),
    Damage(
        "an order is the sum of its lines less its discounts",
        "",
        "UPDATE order_lines SET quantity = quantity + 1 WHERE order_id = {issued}",
    ),
    Damage(
        "an order is the sum of its lines less its discounts",
        "",
        "UPDATE order_prices SET discount_minor = discount_minor - 1 WHERE order_id = {reduced}",
    ),
    Damage(
        "a line is at a price of its denomination, storefront and currency",
        "",
        "UPDATE price_tiers SET unit_minor = unit_minor - 1",
    ),
    Damage("a price has tiers exactly when it says so", "price_tiers", "DELETE FROM price_tiers"),
    Damage(
        "what is kept of an order's price is that of its lines",
        "",
        "UPDATE order_prices SET quantity = quantity - 1 WHERE order_id = {reduced}",
    ),
    Damage(
        "a coupon is used as often as its orders say, and no more often than it may be",
        "",
        "UPDATE coupons SET used = used + 1",
    ),
    Damage(
        "a buyer uses a coupon as often as their orders say, and no more often than they may",
        "",
        "UPDATE coupon_counts SET used = 0",
    ),
    Damage(
        "a buyer uses a coupon as often as their orders say, and no more often than they may",
        "",
        "UPDATE coupons SET limit_per_buyer = 0",
    ),
    Damage(
        "a coupon's use is its buyer's order, and took off what the order says",
        "",
        "UPDATE coupon_redemptions SET discount_minor = discount_minor + 1",
    ),
    Damage("a discount has its coupon", "", "DELETE FROM coupon_redemptions"),
    Damage(
        "an order that ended unpaid gave its coupon back, and one that was issued has it",
        "",
        "UPDATE orders SET state = 'cancelled' WHERE id = {reduced}",
    ),
    Damage(
        "a payment in the shop's own currency asks for its worth and the fee",
        "",
        "UPDATE payment_intents SET fee_minor = fee_minor + 1 WHERE id = (SELECT intent_id FROM payment_events WHERE event_key = 'd1')",
    ),
    Damage(
        "a line is at a price of its denomination, storefront and currency",
        "",
        "UPDATE prices SET retail_minor = 1 WHERE sku_id = {sku}",
    ),
    Damage(
        "an issued order has the codes its lines name, and no other order has any",
        "",
        "UPDATE codes SET order_id = NULL, available = id WHERE id = (SELECT min(id) FROM codes WHERE order_id = {issued})",
    ),
    Damage(
        "an issued order has the codes its lines name, and no other order has any",
        "",
        "UPDATE codes SET available = NULL, order_id = {cancelled} WHERE id = (SELECT max(id) FROM codes WHERE available IS NOT NULL)",
    ),
    Damage("an order has an instant of issue exactly when it is issued", "", "UPDATE orders SET issued_at = NULL WHERE id = {issued}"),
    Damage(
        "an issued order was paid for once, and no other was",
        "",
        "UPDATE orders SET state = 'issued', issued_at = 1 WHERE id = {waiting}",
    ),
    Damage(
        "a sale is of an order, under the order's key",
        "",
        "UPDATE transfers SET subject_id = {cancelled} WHERE kind = 'sale' AND subject_id = {issued}",
    ),
    Damage(
        "a sale takes the order's total from its buyer's wallet",
        "",
        "UPDATE postings SET amount_minor = amount_minor - 1 WHERE transfer_id = (SELECT id FROM transfers WHERE key = 'sale:{issued}')",
    ),
    Damage("a buyer's counter says no more than was bought", "", "UPDATE purchase_counts SET bought = bought + 1"),
    Damage("a denomination has one current price in a storefront", "prices", "UPDATE prices SET sku_id = {sku}"),
    Damage("a denomination's sources are offers of it", "sources", "UPDATE sources SET offer_id = 999999 WHERE sku_id = {sku}"),
    Damage(
        "an order is refunded at most what was paid, and is over when all of it is",
        "",
        "UPDATE orders SET refunded_minor = 1 WHERE id = {waiting}",
    ),
    Damage(
        "an order's refunds, and the books, say what it was refunded",
        "",
        "UPDATE refunds SET amount_minor = amount_minor + 1 WHERE order_id = {refunded}",
    ),
    Damage(
        "a refund of codes is in the books under its key",
        "",
        "UPDATE transfers SET key = 'refund:nobody' WHERE key = 'refund:seen'",
    ),
    Damage(
        "what is on its way back to the source is set aside for it",
        "",
        "UPDATE refunds SET source_minor = source_minor - 1 WHERE state = 'wanted'",
    ),
    Damage(
        "a code is void with its order exactly when it was refunded",
        "",
        "UPDATE codes SET refunded_at = NULL WHERE refunded_at IS NOT NULL",
    ),
    Damage(
        "a code that was returned is not its former order's",
        "",
        "UPDATE codes SET available = NULL, order_id = {refunded}"
        " WHERE id = (SELECT min(code_id) FROM refunded_codes WHERE returned AND order_id = {refunded})",
    ),
    Damage("a refund is of codes of its order", "", "DELETE FROM refunded_codes WHERE order_id = {refunded}"),
    Damage(
        "an order is over exactly when all that it had was refunded",
        "",
        "UPDATE orders SET state = 'refunded' WHERE id = {refunded}",
    ),
    Damage("an order that was opened had been sealed", "", "UPDATE orders SET opened_at = 1 WHERE id = {issued}"),
    Damage(
        "a code has one undecided case",
        "cases",
        "UPDATE cases SET state = 'open', outcome = NULL, code_id = (SELECT MIN(code_id) FROM cases)",
    ),
    Damage("a case is decided exactly when it has an outcome", "cases", "UPDATE cases SET outcome = NULL WHERE outcome = 'refunded'"),
    Damage("a case is its order's buyer's", "cases", "UPDATE cases SET buyer_id = 0"),
    Damage(
        "an undecided case is about a code that its order has, or had until it was refunded",
        "",
        "UPDATE cases SET code_id = (SELECT MIN(id) FROM codes WHERE available IS NOT NULL) WHERE outcome IS NULL",
    ),
    Damage(
        "an undecided case freezes what its code's supplier was credited with",
        "",
        "UPDATE cases SET frozen_minor = frozen_minor + 1 WHERE outcome IS NULL",
    ),
    Damage(
        "what was replaced is void, and what came for it was its order's",
        "",
        "UPDATE cases SET code_id = replacement_code_id WHERE outcome = 'replaced'",
    ),
    Damage("what a code that came as a replacement had cost is kept, and that of no other", "", "DELETE FROM exchanged_codes"),
    Damage(
        "the refund of a code that came as a replacement takes back what was booked for it",
        "",
        "INSERT INTO exchanged_codes (order_id, code_id, offer_id, cost_minor, cost_currency)"
        " SELECT order_id, code_id, offer_id, cost_minor + 1, cost_currency FROM refunded_codes",
    ),
    Damage("a code that came as a replacement has its delivery", "", "UPDATE outbox SET once = NULL WHERE once LIKE 'case-parcel:%'"),
    Damage(
        "a case that ended as refunded has the refund",
        "",
        "UPDATE cases SET code_id = (SELECT MIN(id) FROM codes WHERE available IS NOT NULL) WHERE outcome = 'refunded'",
    ),
    Damage(
        "a payment in another currency was asked at a rate of its pair that held then",
        "",
        "UPDATE rates SET valid_until = (SELECT MIN(made_at) FROM payment_intents) WHERE base = 'XTR'",
    ),
    Damage(
        "a payment in another currency was asked at a rate of its pair that held then",
        "",
        "UPDATE payment_intents SET rate_id = NULL WHERE order_id = {waiting}",
    ),
    Damage(
        "a payment in another currency was asked at a rate of its pair that held then",
        "",
        "UPDATE rates SET at = at + 3600000000000 WHERE base = 'XTR'",
    ),
    Damage(ASKED, "", "UPDATE rates SET numerator = numerator + 3 WHERE base = 'XTR'"),
    Damage(ASKED, "", "UPDATE payment_intents SET fee_minor = fee_minor + 1 WHERE order_id = {waiting}"),
    Damage(ASKED, "", "UPDATE payment_intents SET step_minor = 1000 WHERE order_id = {waiting}"),
    Damage(MARKET, "", "UPDATE rates SET market_numerator = numerator - 1, market_denominator = denominator WHERE base = 'XTR'"),
    Damage(
        "money changes its currency over the exchange accounts, in both",
        "",
        "UPDATE accounts SET kind = 'sales', label = 'hidden' WHERE kind = 'exchange' AND currency = 'XTR'",
    ),
    Damage(
        "money changes its currency at a recorded rate",
        "",
        "UPDATE payment_intents SET rate_id = NULL WHERE order_id = {stars}",
    ),
    Damage(
        "money changes its currency at a recorded rate",
        "",
        "UPDATE rates SET at = at + 3600000000000 WHERE base = 'XTR'",
    ),
    Damage("a jump that was taken is the rate it became", "", "UPDATE rate_jumps SET numerator = numerator + 1"),
    Damage("an event of a provider is recorded once", "payment_events", "UPDATE payment_events SET event_key = 'same'"),
    Damage("a payment has a verdict", "", "UPDATE payment_events SET verdict = 'later' WHERE event_key = 'unasked'"),
    Damage(
        "a payment as asked is credited with what it is worth",
        "",
        "UPDATE payment_intents SET worth_minor = worth_minor + 1 WHERE id = (SELECT intent_id FROM payment_events WHERE event_key = 'd1')",
    ),
    Damage(
        "a payment is called by its own number at its provider",
        "",
        "UPDATE payment_intents SET reference = reference || '0' WHERE id = (SELECT intent_id FROM payment_events WHERE event_key = 'd1')",
    ),
    Damage("a deposit is the credit of a reported event", "", "DELETE FROM payment_events WHERE event_key = 'd1'"),
    Damage(
        "an intent was paid exactly when an event says so",
        "",
        "UPDATE payment_intents SET state = 'pending' WHERE order_id = {stars}",
    ),
    Damage(
        "an intent asks for its customer's order, and no more than it costs",
        "",
        "UPDATE payment_intents SET worth_minor = worth_minor + 1 WHERE order_id = {waiting}",
    ),
    Damage("an order that was paid in full does not wait", "", "UPDATE orders SET state = 'pending' WHERE id = {stars}"),
    Damage("what is held for review was never shown", "", "UPDATE reveals SET order_id = {held} WHERE order_id = {disputed}"),
    Damage("what was released had been held, and by somebody", "", "UPDATE orders SET released_by = NULL WHERE id = {disputed}"),
    Damage(
        "what a provider gave back itself left the wallet or is a loss, by the books",
        "",
        "UPDATE payment_returns SET taken_minor = taken_minor - 1, lost_minor = lost_minor + 1 WHERE return_key = 'part'",
    ),
    Damage(
        "no more of a payment goes out than came in",
        "",
        "UPDATE payment_returns SET amount_minor = amount_minor + 2000 WHERE return_key = 'part'",
    ),
    Damage("what left the books as given back is recorded as such", "", "DELETE FROM payment_returns WHERE return_key = 'part'"),
    Damage("a return was reported by its provider, and nothing else was", "", "DELETE FROM payment_events WHERE event_key = 'part'"),
    Damage(
        "what was lost and is there again came by the books",
        "payment_returns",
        "UPDATE payment_returns SET loss_back_minor = loss_back_minor + 1 WHERE return_key = 'taken'",
    ),
    Damage(
        "a dispute is open until it is decided, and about a payment that was made",
        "",
        "UPDATE disputes SET event_key = 'another payment'",
    ),
    Damage("a dispute's money is of its payment", "", "UPDATE payment_returns SET dispute_id = NULL WHERE return_key = 'taken'"),
    Damage("an issued order has a delivery to its buyer", "", "DELETE FROM outbox WHERE order_id = {stars}"),
    Damage(
        "what was sold and is not held is on its way to its buyer, or was brought",
        "",
        "UPDATE outbox SET done_at = 1, lease = NULL, parked_at = NULL, sent_message_id = NULL WHERE order_id = {stars}",
    ),
    Damage(
        "a delivery is of an issued order, to its buyer and nobody else",
        "",
        "UPDATE outbox SET customer_id = customer_id + 1 WHERE order_id = {stars}",
    ),
    Damage("a message is open, parked or done", "", "UPDATE outbox SET parked_at = 1 WHERE done_at IS NOT NULL"),
    Damage("a message that is finished is nobody's", "", "UPDATE outbox SET lease = 'w' WHERE done_at IS NOT NULL"),
    Damage("a message is posted once", "outbox", "UPDATE outbox SET once = 'same'"),
    Damage("a notice says something, a delivery names an order", "", "UPDATE outbox SET order_id = NULL WHERE order_id = {stars}"),
    Damage(
        WORTH,
        "",
        "UPDATE payment_events SET amount_minor = amount_minor + 1 WHERE event_key = 'unasked'",
    ),
    # The mark alone: the roll-up's sums no longer go up to it, and what was posted in between is counted twice.
    Damage(BALANCE, "", "UPDATE rollups SET upto_transfer_id = 0 WHERE credits_minor > 0"),
    # Two codes change places: each still decrypts to something, if the row's identity were not bound into it.
    Damage(
        KEYS_FIT,
        "codes",
        "UPDATE codes SET ciphertext = (SELECT x.ciphertext FROM codes x WHERE x.id = codes.id + 1)"
        " WHERE id IN (SELECT min(id) FROM codes GROUP BY batch_id HAVING count(*) > 1)",
    ),
    *(Damage(*harm) for harm in damages_of_routing.DAMAGES),
]
DAMAGES += [Damage(*facts) for facts in KIND_DAMAGES]


# Shown a shop that breaks them beside the stories of what they are about.
TOLD_ELSEWHERE = {
    name
    for checks in (
        API,
        BRANDS,
        COMMITMENTS,
        CREDIT,
        PACKAGES,
        PURCHASES,
        CONTROL,
        OFFERS,
        PAPERS,
        PROMISES,
        UPSTREAMS,
        JOINING,
        STOCKING,
        SETTLEMENT,
        STOPPED_WORK,
        STOPS,
        SUPPLY_MONEY,
        EARNING,
        RESELLERS,
        RESELLERS_PEOPLE,
    )
    for name in checks
}


async def test_every_damage_is_found_by_name(shop: Shop, storefront: Storefront, clock: Clock, database_url: str) -> None:
    """Each check is shown a shop that breaks it: a check that could not fail would be found here."""
    world = await live(shop, storefront, clock)
    await assert_sound(shop, sample=10)

    named = {"sku": world.goods.sku_id, **vars(world)}
    assert await not_found(shop, database_url, DAMAGES, named=named, sample=10) == []
    assert {harm.check for harm in DAMAGES} == {*audit.CHECKS, WORTH, ASKED, MARKET, BALANCE, KEYS_FIT} - TOLD_ELSEWHERE
    await assert_sound(shop, sample=10)


@pytest.mark.parametrize("small", [queries.SMALL, 0], ids=["asked together", "asked one by one"])
async def test_violations_are_listed_a_few_and_counted_all(
    shop: Shop, goods: Goods, database_url: str, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand of the same do not fill the screen, and are still a thousand."""
    monkeypatch.setattr(queries, "SMALL", small)
    async with aside(database_url) as connection:
        await connection.execute(text("UPDATE codes SET offer_id = 1 + offer_id"))
        await connection.execute(text("UPDATE batches SET accepted = accepted + 1"))
        await connection.execute(text("INSERT INTO parties (kind) VALUES ('customer')"))
        await connection.execute(
            text(
                "INSERT INTO accounts (party_id, kind, label, currency, balance_minor, floor_minor)"
                " SELECT 1, 'wallet', 'w' || id, 'CNY', 5, 0 FROM codes"
            )
        )
        await connection.commit()

    report = await shop.read(audit.audit, most=3)

    name = "a guarded balance is the sum of its postings"
    assert report.violated[name] == 40
    assert len([v for v in report.violations if v.check == name]) == 3
    assert not report.clean


async def test_an_audit_of_an_empty_shop_is_clean_and_says_that_there_is_nothing(shop: Shop) -> None:
    report = await assert_sound(shop, sample=5)
    assert set(report.counts.values()) == {0}


async def test_an_audit_with_the_wrong_keys_says_so_and_shows_nothing(shop: Shop, goods: Goods) -> None:
    codes = await stock(shop, goods.offer_id, goods.sku_id, 2)
    fitting = await assert_sound(shop, sample=5)
    assert fitting.counts["codes opened"] > 0

    shop.tools.keys = Keyring.generate()
    report = await shop.read(audit.audit, sample=5)

    assert report.violated.keys() == {KEYS_FIT}
    assert not any(code in repr(report) for code in codes)


async def test_a_shop_opened_to_read_can_be_audited(shop: Shop, goods: Goods, database_url: str) -> None:
    """`shop audit` beside a running shop: another process, without the writer's lock."""
    buyer = await person(shop, goods.storefront, money_minor=9500)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="a", **goods.terms())

    beside = await Shop.open_to_read(database_url, shop.tools.keys)
    try:
        report = await assert_sound(beside, sample=1)
    finally:
        await beside.close()

    assert report.counts["orders issued"] == 1


@pytest.mark.slow
async def test_two_dozen_audits_beside_a_busy_shop_never_cry_wolf(shop: Shop, storefront: Storefront, database_url: str) -> None:
    """Sales, imports and deposits run all the time; an audit that read two states would find a difference between them."""
    goods = await put_on_sale(shop, storefront, count=500)
    buyers = [await person(shop, storefront, money_minor=10**9) for _ in range(6)]
    stop = asyncio.Event()
    sold = 0

    async def keeps_buying(number: int) -> None:
        nonlocal sold
        turn = 0
        while not stop.is_set():
            turn += 1
            granted, _ = await at_once(
                [
                    shop.write(
                        orders.buy,
                        buyer_id=buyers[number].id,
                        quantity=1 + turn % 3,
                        once=f"{number}:{turn}",
                        **goods.terms(),
                    )
                ]
            )
            sold += len(granted)

    async def keeps_stocking() -> None:
        while not stop.is_set():
            if (await shop.read(inventory.on_shelf, [goods.offer_id]))[goods.offer_id] < 400:
                await stock(shop, goods.offer_id, goods.sku_id, 300)
            await asyncio.sleep(0.01)

    beside = await Shop.open_to_read(database_url, shop.tools.keys)
    busy = [asyncio.create_task(keeps_buying(n)) for n in range(len(buyers))] + [asyncio.create_task(keeps_stocking())]
    try:
        seen = []
        for _ in range(24):
            report = await beside.read(audit.audit)
            assert report.clean, report.violations
            seen.append(report.counts["orders issued"])
    finally:
        stop.set()
        await asyncio.gather(*busy)
        await beside.close()

    assert sold > 200, "the shop was busy"
    assert len(set(seen)) > 6, "the audits looked at a shop that moved"
    await assert_sound(shop)


async def test_money_that_could_not_be_valued_is_sound_until_somebody_credits_it(
    shop: Shop, storefront: Storefront, database_url: str
) -> None:
    """It has a verdict instead of a worth in the books; without that verdict it would be money that was lost."""
    buyer = await person(shop, storefront)
    await shop.write(
        orders.settle,
        provider="bank",
        event_key="strange",
        intent_id=None,
        customer_id=buyer.id,
        amount_minor=500,
        currency="USDT",
    )
    await assert_sound(shop)

    async with aside(database_url) as connection:
        await connection.execute(text("UPDATE payment_events SET verdict = 'credited'"))
        await connection.commit()
    assert (await shop.read(audit.audit)).violated.keys() == {WORTH}
