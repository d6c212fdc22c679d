"""What must always be true, each as one question that returns only what breaks it: (about, detail).

Plain SQL over every table, on purpose: an auditor that read through the commands it audits would share their mistakes.
The questions run on SQLite and PostgreSQL alike, each over whole tables at once, never order by order.
"""

from __future__ import annotations

from core.audit.api import API
from core.audit.brands import BRANDS
from core.audit.commitments import COMMITMENTS
from core.audit.control import CONTROL
from core.audit.credit import CREDIT
from core.audit.earning import EARNING
from core.audit.joining import JOINING
from core.audit.kinds import KINDS
from core.audit.offers import OFFERS
from core.audit.packages import PACKAGES
from core.audit.papers import PAPERS
from core.audit.promises import PROMISES
from core.audit.purchases import PURCHASES
from core.audit.resellers import RESELLERS
from core.audit.resellers_people import RESELLERS_PEOPLE
from core.audit.routing import ROUTING
from core.audit.settlement import SETTLEMENT
from core.audit.stocking import STOCKING
from core.audit.stopped_work import STOPPED_WORK
from core.audit.stops import STOPS
from core.audit.supply_money import SUPPLY_MONEY
from core.audit.upstreams import UPSTREAMS

# The sums of what was posted to each account: credits minus debits.
_MOVED = """
    SELECT account_id, SUM(amount) AS total FROM (
        SELECT credit_id AS account_id, SUM(amount_minor) AS amount FROM postings GROUP BY credit_id
        UNION ALL
        SELECT debit_id, -SUM(amount_minor) FROM postings GROUP BY debit_id
    ) AS sides GROUP BY account_id
"""

_PLACES = " + ".join(
    f"(CASE WHEN {place} IS NULL THEN 0 ELSE 1 END)" for place in ("staged", "available", "hold_id", "order_id", "void_at")
)

MONEY = {
    "a guarded balance is the sum of its postings": f"""
        SELECT 'account ' || a.id AS about, 'keeps ' || a.balance_minor || ', its postings sum to ' || COALESCE(m.total, 0) AS detail
        FROM accounts a LEFT JOIN ({_MOVED}) AS m ON m.account_id = a.id
        WHERE a.balance_minor IS NOT NULL AND a.balance_minor <> COALESCE(m.total, 0)""",
    "a guarded balance is not below its floor": """
        SELECT 'account ' || id AS about, 'keeps ' || balance_minor || ', floor ' || floor_minor AS detail
        FROM accounts WHERE balance_minor < floor_minor""",
    "an account keeps a balance exactly when it has a floor": """
        SELECT 'account ' || id AS about, kind || ' in ' || currency AS detail
        FROM accounts WHERE (balance_minor IS NULL) <> (floor_minor IS NULL)""",
    "a wallet is guarded, its customer's, and in the storefront's currency": """
        SELECT 'customer ' || c.id AS about, 'wallet ' || c.wallet_id AS detail
        FROM customers c LEFT JOIN accounts a ON a.id = c.wallet_id LEFT JOIN storefronts f ON f.id = c.storefront_id
        WHERE a.id IS NULL OR f.id IS NULL OR a.kind <> 'wallet' OR a.party_id <> c.id OR a.currency <> f.currency
           OR a.floor_minor IS NULL""",
    "a transfer has postings": """
        SELECT 'transfer ' || t.id AS about, t.kind || ' ' || t.key AS detail
        FROM transfers t WHERE NOT EXISTS (SELECT 1 FROM postings p WHERE p.transfer_id = t.id)""",
    "a transfer's key is its own": """
        SELECT 'key ' || key AS about, COUNT(*) || ' transfers' AS detail FROM transfers GROUP BY key HAVING COUNT(*) > 1""",
    "a posting moves a positive amount between two accounts of its currency": """
        SELECT 'transfer ' || p.transfer_id || ', posting ' || p.seq AS about,
            p.amount_minor || ' ' || p.currency || ' from ' || p.debit_id || ' to ' || p.credit_id AS detail
        FROM postings p LEFT JOIN accounts d ON d.id = p.debit_id LEFT JOIN accounts c ON c.id = p.credit_id
        WHERE p.amount_minor <= 0 OR p.debit_id = p.credit_id OR d.id IS NULL OR c.id IS NULL
           OR d.currency <> p.currency OR c.currency <> p.currency""",
    "a posting belongs to a transfer": """
        SELECT 'transfer ' || p.transfer_id AS about, 'posting ' || p.seq || ' of no transfer' AS detail
        FROM postings p LEFT JOIN transfers t ON t.id = p.transfer_id WHERE t.id IS NULL""",
    "a roll-up is the sum of the postings up to its mark": """
        SELECT 'account ' || r.account_id AS about,
            'rolled up ' || r.debits_minor || ' / ' || r.credits_minor || ', postings ' || COALESCE(d.total, 0) || ' / '
            || COALESCE(c.total, 0) || ' up to transfer ' || r.upto_transfer_id AS detail
        FROM rollups r
        LEFT JOIN (SELECT x.account_id, SUM(p.amount_minor) AS total FROM rollups x
            JOIN postings p ON p.debit_id = x.account_id AND p.transfer_id <= x.upto_transfer_id GROUP BY x.account_id) AS d
            ON d.account_id = r.account_id
        LEFT JOIN (SELECT x.account_id, SUM(p.amount_minor) AS total FROM rollups x
            JOIN postings p ON p.credit_id = x.account_id AND p.transfer_id <= x.upto_transfer_id GROUP BY x.account_id) AS c
            ON c.account_id = r.account_id
        WHERE r.debits_minor <> COALESCE(d.total, 0) OR r.credits_minor <> COALESCE(c.total, 0)""",
}

CODES = {
    "a code is in exactly one place": f"""
        SELECT 'code ' || id AS about, 'in ' || ({_PLACES}) || ' places' AS detail FROM codes WHERE {_PLACES} <> 1""",
    "a code's fingerprint is its own": """
        SELECT 'code ' || MIN(id) AS about, COUNT(*) || ' codes with one fingerprint, the last is ' || MAX(id) AS detail
        FROM codes GROUP BY fingerprint HAVING COUNT(*) > 1""",
    "a code lies with the offer of its batch": """
        SELECT 'batch ' || c.batch_id AS about, c.n || ' codes with offer ' || c.offer_id AS detail
        FROM (SELECT batch_id, offer_id, COUNT(*) AS n FROM codes GROUP BY batch_id, offer_id) AS c
        LEFT JOIN batches b ON b.id = c.batch_id LEFT JOIN offers o ON o.id = b.offer_id
        WHERE b.id IS NULL OR o.id IS NULL OR b.offer_id <> c.offer_id OR o.sku_id <> b.sku_id""",
    "a batch has the codes it accepted": """
        SELECT 'batch ' || b.id AS about, 'accepted ' || b.accepted || ', has ' || COALESCE(c.n, 0) AS detail
        FROM batches b LEFT JOIN (SELECT batch_id, COUNT(*) AS n FROM codes GROUP BY batch_id) AS c ON c.batch_id = b.id
        WHERE b.state <> 'rejected' AND b.accepted <> COALESCE(c.n, 0)""",
    # Nothing is half imported: on sale together, or not at all (a batch under publication has some of both).
    "a batch is on sale whole or not at all": """
        SELECT 'batch ' || b.id AS about, b.state || ' with ' || c.staged || ' of ' || c.n || ' codes staged' AS detail
        FROM batches b
        JOIN (SELECT batch_id, COUNT(*) AS n, COUNT(staged) AS staged FROM codes GROUP BY batch_id) AS c ON c.batch_id = b.id
        WHERE (b.state = 'published' AND c.staged > 0) OR (b.state IN ('staged', 'rejected') AND c.staged < c.n)""",
    "an open hold holds what it promised, of its denomination": """
        SELECT 'hold ' || h.id AS about, 'promised ' || h.quantity || ', holds ' || COUNT(o.id) AS detail
        FROM holds h LEFT JOIN codes c ON c.hold_id = h.id LEFT JOIN offers o ON o.id = c.offer_id AND o.sku_id = h.sku_id
        WHERE h.ended_at IS NULL GROUP BY h.id, h.quantity HAVING COUNT(o.id) <> h.quantity OR COUNT(c.id) <> h.quantity""",
    "a hold that ended holds nothing": """
        SELECT 'hold ' || h.id AS about, COUNT(c.id) || ' codes' AS detail
        FROM codes c JOIN holds h ON h.id = c.hold_id WHERE h.ended_at IS NOT NULL GROUP BY h.id""",
    "a held code has its hold": """
        SELECT 'code ' || c.id AS about, 'hold ' || c.hold_id || ' is not there' AS detail
        FROM codes c LEFT JOIN holds h ON h.id = c.hold_id WHERE c.hold_id IS NOT NULL AND h.id IS NULL""",
    "an open hold is for an order that waits": """
        SELECT 'hold ' || h.id AS about, 'order ' || h.order_id || ' ' || COALESCE(o.state, 'is not there') AS detail
        FROM holds h LEFT JOIN orders o ON o.id = h.order_id AND o.buyer_id = h.customer_id
        WHERE h.ended_at IS NULL AND (o.id IS NULL OR o.state <> 'pending')""",
}

ORDERS = {
    "an order's key is its own": """
        SELECT 'key ' || once AS about, COUNT(*) || ' orders' AS detail FROM orders GROUP BY once HAVING COUNT(*) > 1""",
    "an order is the sum of its lines less its discounts": """
        SELECT 'order ' || order_id AS about, 'its total less its lines, with its discounts, is ' || SUM(amount) AS detail FROM (
            SELECT id AS order_id, total_minor AS amount FROM orders
            UNION ALL SELECT order_id, -quantity * unit_price_minor FROM order_lines
            UNION ALL SELECT order_id, discount_minor FROM order_prices
        ) AS sides GROUP BY order_id HAVING SUM(amount) <> 0""",
    "a line is at a price of its denomination, storefront and currency": """
        SELECT 'order ' || l.order_id AS about, 'line ' || l.seq || ' at ' || l.unit_price_minor || ', price ' || l.price_id AS detail
        FROM order_lines l JOIN orders o ON o.id = l.order_id LEFT JOIN prices p ON p.id = l.price_id
        LEFT JOIN order_prices k ON k.order_id = l.order_id
        WHERE p.id IS NULL OR p.sku_id <> l.sku_id OR p.storefront_id <> o.storefront_id OR p.currency <> o.currency
           OR l.unit_price_minor <> CASE WHEN p.tiered THEN COALESCE(
                -- The tier that was earned by the quantity that was ordered, also when fewer could be had.
                (SELECT MIN(t.unit_minor) FROM price_tiers t
                 WHERE t.price_id = p.id AND t.from_quantity <= COALESCE(k.quantity, l.quantity)), p.retail_minor)
              ELSE p.retail_minor END
          -- Or a reseller's: wholesale, where it is lower than what anybody else would have paid.
          AND NOT (p.wholesale_minor IS NOT NULL AND l.unit_price_minor = p.wholesale_minor AND p.wholesale_minor < p.retail_minor)""",
    "a price has tiers exactly when it says so": """
        SELECT 'price ' || p.id AS about, COUNT(t.price_id) || ' tiers' AS detail
        FROM prices p LEFT JOIN price_tiers t ON t.price_id = p.id AND t.unit_minor < p.retail_minor
        GROUP BY p.id, p.tiered HAVING (COUNT(t.price_id) > 0) <> p.tiered""",
    "what is kept of an order's price is that of its lines": """
        SELECT 'order ' || k.order_id AS about, 'kept ' || k.unit_minor || ' for each of ' || k.quantity AS detail
        FROM order_prices k LEFT JOIN (SELECT order_id, MIN(unit_price_minor) AS least, MAX(unit_price_minor) AS most,
            SUM(quantity) AS units FROM order_lines GROUP BY order_id) AS l ON l.order_id = k.order_id
        WHERE l.order_id IS NULL OR l.least <> k.unit_minor OR l.most <> k.unit_minor OR l.units > k.quantity
           OR COALESCE(k.tier_from, 1) > k.quantity""",
    # One sum for both: too few codes, and codes that no line of an issued order names. What was refunded unseen is on the shelf again,
    # and what was replaced may have come from another source.
    "an issued order has the codes its lines name, and no other order has any": """
        SELECT 'order ' || order_id AS about, 'offer ' || offer_id || ': bought less given is ' || SUM(n) AS detail FROM (
            SELECT l.order_id, l.offer_id, l.quantity AS n FROM order_lines l JOIN orders o ON o.id = l.order_id
            WHERE o.state IN ('issued', 'refunded')
            UNION ALL SELECT c.order_id, c.offer_id, -1 FROM codes c LEFT JOIN orders o ON o.id = c.order_id
            WHERE c.order_id IS NOT NULL AND COALESCE(o.state, '') <> 'fulfilling'
            UNION ALL SELECT order_id, offer_id, -1 FROM refunded_codes WHERE returned
            UNION ALL SELECT order_id, offer_id, -1 FROM cases WHERE outcome = 'replaced'
            UNION ALL SELECT order_id, replacement_offer_id, 1 FROM cases WHERE outcome = 'replaced'
        ) AS sides GROUP BY order_id, offer_id HAVING SUM(n) <> 0""",
    "an order has an instant of issue exactly when it is issued": """
        SELECT 'order ' || id AS about, state AS detail FROM orders
        WHERE (state IN ('issued', 'refunded')) <> (issued_at IS NOT NULL)""",
    "an issued order was paid for once, and no other was": """
        SELECT 'order ' || COALESCE(order_id, 0) AS about, 'issued less sale transfers is ' || SUM(n) AS detail FROM (
            SELECT id AS order_id, 1 AS n FROM orders WHERE state IN ('issued', 'refunded')
            UNION ALL SELECT subject_id, -1 FROM transfers WHERE kind = 'sale'
        ) AS sides GROUP BY order_id HAVING SUM(n) <> 0""",
    "a sale is of an order, under the order's key": """
        SELECT 'transfer ' || t.id AS about, t.key AS detail
        FROM transfers t LEFT JOIN orders o ON o.id = t.subject_id
        WHERE t.kind = 'sale' AND (o.id IS NULL OR t.key <> 'sale:' || o.id OR COALESCE(t.party_id, o.buyer_id) <> o.buyer_id)""",
    "a sale takes the order's total from its buyer's wallet": """
        SELECT 'order ' || o.id AS about, 'total ' || o.total_minor || ', charged ' || COALESCE(SUM(p.amount_minor), 0) AS detail
        FROM transfers t JOIN orders o ON o.id = t.subject_id JOIN customers c ON c.id = o.buyer_id
        LEFT JOIN postings p ON p.transfer_id = t.id AND p.currency = o.currency
            -- What was on its way had left the wallet before.
            AND p.debit_id = CASE WHEN EXISTS (SELECT 1 FROM transfers x WHERE x.key = 'escrow:' || o.id)
                THEN (SELECT a.id FROM accounts a JOIN storefronts f ON f.party_id = a.party_id
                    WHERE f.id = o.storefront_id AND a.kind = 'escrow' AND a.currency = o.currency)
                ELSE c.wallet_id END
        WHERE t.kind = 'sale' GROUP BY t.id, o.id, o.total_minor HAVING COALESCE(SUM(p.amount_minor), 0) <> o.total_minor""",
    # The counter is the guard of a limit. It counts only while there is a limit, so more may have been bought than it
    # says (before the limit was set, or while it was lifted), but never less.
    "a buyer's counter says no more than was bought": """
        SELECT 'customer ' || n.customer_id AS about,
            'sku ' || n.sku_id || ': counted ' || n.bought || ', bought ' || COALESCE(b.units, 0) AS detail
        FROM purchase_counts n
        LEFT JOIN (SELECT buyer_id, sku_id, SUM(n) AS units FROM (
                SELECT o.buyer_id, l.sku_id, l.quantity AS n FROM order_lines l JOIN orders o ON o.id = l.order_id
                WHERE o.state IN ('fulfilling', 'issued', 'refunded') AND l.sku_id IN (SELECT sku_id FROM purchase_counts)
                UNION ALL SELECT o.buyer_id, f.sku_id, -1 FROM refunded_codes r JOIN orders o ON o.id = r.order_id
                JOIN offers f ON f.id = r.offer_id WHERE f.sku_id IN (SELECT sku_id FROM purchase_counts)
            ) AS sides GROUP BY buyer_id, sku_id) AS b
            ON b.buyer_id = n.customer_id AND b.sku_id = n.sku_id
        WHERE n.bought > COALESCE(b.units, 0)""",
    "a denomination has one current price in a storefront": """
        SELECT 'sku ' || sku_id AS about, COUNT(*) || ' current prices in storefront ' || storefront_id AS detail
        FROM prices WHERE until IS NULL GROUP BY storefront_id, sku_id, level_id, customer_id HAVING COUNT(*) > 1""",
    "a denomination's sources are offers of it": """
        SELECT 'sku ' || s.sku_id AS about, 'rank ' || s.rank || ' is offer ' || s.offer_id AS detail
        FROM sources s LEFT JOIN offers o ON o.id = s.offer_id AND o.sku_id = s.sku_id WHERE o.id IS NULL""",
}

# What went to the wallet or was set aside, in the transfers that refunds of codes made.
_GIVEN_BACK = """
    SELECT t.subject_id AS order_id, SUM(p.amount_minor) AS amount FROM transfers t
    JOIN postings p ON p.transfer_id = t.id JOIN accounts a ON a.id = p.credit_id AND a.kind IN ('wallet', 'refunding')
    WHERE t.kind = 'refund' AND t.key LIKE 'refund:%' GROUP BY t.subject_id
"""

REFUNDS = {
    "an order is refunded at most what was paid, and is over when all of it is": """
        SELECT 'order ' || id AS about, state || ', refunded ' || refunded_minor || ' of ' || total_minor AS detail FROM orders
        WHERE refunded_minor < 0 OR refunded_minor > total_minor OR (state = 'refunded') <> (refunded_minor = total_minor)
           OR (refunded_minor > 0 AND state NOT IN ('issued', 'refunded'))""",
    "an order's refunds, and the books, say what it was refunded": f"""
        SELECT 'order ' || o.id AS about,
            'refunded ' || o.refunded_minor || ', by refunds ' || COALESCE(r.amount, 0) || ', by the books ' || COALESCE(b.amount, 0)
            AS detail
        FROM orders o
        LEFT JOIN (SELECT order_id, SUM(amount_minor) AS amount FROM refunds GROUP BY order_id) AS r ON r.order_id = o.id
        LEFT JOIN ({_GIVEN_BACK}) AS b ON b.order_id = o.id
        WHERE o.refunded_minor <> COALESCE(r.amount, 0) OR o.refunded_minor <> COALESCE(b.amount, 0)""",
    "a refund of codes is in the books under its key": """
        SELECT key AS about, 'no refund says so' AS detail FROM (
            SELECT key FROM transfers WHERE kind = 'refund' AND key LIKE 'refund:%'
            EXCEPT SELECT 'refund:' || once FROM refunds) AS unexplained""",
    "what is on its way back to the source is set aside for it": """
        SELECT 'currency ' || currency AS about, 'set aside less wanted is ' || SUM(amount) AS detail FROM (
            SELECT p.currency, p.amount_minor AS amount FROM postings p JOIN accounts a ON a.id = p.credit_id WHERE a.kind = 'refunding'
            UNION ALL
            SELECT p.currency, -p.amount_minor FROM postings p JOIN accounts a ON a.id = p.debit_id WHERE a.kind = 'refunding'
            UNION ALL SELECT currency, -source_minor FROM refunds WHERE state IN ('wanted', 'refunding')
        ) AS sides GROUP BY currency HAVING SUM(amount) <> 0""",
    "a code is void with its order exactly when it was refunded": """
        SELECT 'order ' || order_id AS about, 'code ' || code_id || ': marked less refunded is ' || SUM(n) AS detail FROM (
            SELECT COALESCE(order_id, 0) AS order_id, id AS code_id, 1 AS n FROM codes WHERE refunded_at IS NOT NULL
            UNION ALL SELECT order_id, code_id, -1 FROM refunded_codes WHERE NOT returned
        ) AS sides GROUP BY order_id, code_id HAVING SUM(n) <> 0""",
    "a code that was returned is not its former order's": """
        SELECT 'code ' || r.code_id AS about, 'order ' || r.order_id AS detail FROM refunded_codes r JOIN codes c ON c.id = r.code_id
        WHERE r.returned AND c.order_id = r.order_id""",
    "a refund is of codes of its order": """
        SELECT 'refund ' || f.id AS about, COUNT(c.code_id) || ' codes' AS detail
        FROM refunds f LEFT JOIN refunded_codes c ON c.refund_id = f.id AND c.order_id = f.order_id
        GROUP BY f.id HAVING COUNT(c.code_id) = 0
        UNION ALL SELECT 'refund ' || c.refund_id, 'code ' || c.code_id || ' of order ' || c.order_id
        FROM refunded_codes c LEFT JOIN refunds f ON f.id = c.refund_id AND f.order_id = c.order_id WHERE f.id IS NULL""",
    "an order is over exactly when all that it had was refunded": """
        SELECT 'order ' || o.id AS about, o.state || ', sold ' || COALESCE(l.n, 0) || ', refunded ' || COALESCE(r.n, 0) AS detail
        FROM orders o
        LEFT JOIN (SELECT order_id, SUM(quantity) AS n FROM order_lines GROUP BY order_id) AS l ON l.order_id = o.id
        LEFT JOIN (SELECT order_id, COUNT(*) AS n FROM refunded_codes GROUP BY order_id) AS r ON r.order_id = o.id
        WHERE (o.state = 'refunded') <> (o.state IN ('issued', 'refunded') AND COALESCE(l.n, 0) = COALESCE(r.n, 0))
           OR COALESCE(r.n, 0) > COALESCE(l.n, 0)""",
    "an order that was opened had been sealed": """
        SELECT 'order ' || id AS about, state AS detail FROM orders WHERE opened_at IS NOT NULL AND return_until IS NULL""",
}

COUPONS = {
    "a coupon is used as often as its orders say, and no more often than it may be": """
        SELECT 'coupon ' || c.id AS about, 'counted ' || c.used || ', orders ' || COALESCE(r.n, 0) AS detail
        FROM coupons c LEFT JOIN (SELECT coupon_id, COUNT(*) AS n FROM coupon_redemptions WHERE released_at IS NULL
            GROUP BY coupon_id) AS r ON r.coupon_id = c.id
        WHERE c.used <> COALESCE(r.n, 0) OR c.used > c.limit_total""",
    "a buyer uses a coupon as often as their orders say, and no more often than they may": """
        SELECT 'coupon ' || coupon_id AS about, 'customer ' || customer_id || ': counted less orders is ' || SUM(n) AS detail FROM (
            SELECT coupon_id, customer_id, used AS n, 0 AS over FROM coupon_counts
            UNION ALL SELECT coupon_id, customer_id, -1, 0 FROM coupon_redemptions WHERE released_at IS NULL
            UNION ALL SELECT x.coupon_id, x.customer_id, 0, 1 FROM coupon_counts x JOIN coupons c ON c.id = x.coupon_id
                WHERE x.used > c.limit_per_buyer
        ) AS sides GROUP BY coupon_id, customer_id HAVING SUM(n) <> 0 OR SUM(over) > 0""",
    "a coupon's use is its buyer's order, and took off what the order says": """
        SELECT 'order ' || r.order_id AS about, 'coupon ' || r.coupon_id || ' took off ' || r.discount_minor AS detail
        FROM coupon_redemptions r LEFT JOIN coupons c ON c.id = r.coupon_id
        LEFT JOIN orders o ON o.id = r.order_id AND o.buyer_id = r.customer_id AND o.storefront_id = c.storefront_id
            AND o.currency = c.currency
        LEFT JOIN order_prices k ON k.order_id = r.order_id
        WHERE o.id IS NULL OR k.order_id IS NULL OR k.discount_minor <> r.discount_minor""",
    "a discount has its coupon": """
        SELECT 'order ' || k.order_id AS about, 'took off ' || k.discount_minor AS detail FROM order_prices k
        WHERE k.discount_minor > 0 AND NOT EXISTS (SELECT 1 FROM coupon_redemptions r WHERE r.order_id = k.order_id)""",
    "an order that ended unpaid gave its coupon back, and one that was issued has it": """
        SELECT 'order ' || o.id AS about, o.state || ' with coupon ' || r.coupon_id AS detail
        FROM coupon_redemptions r JOIN orders o ON o.id = r.order_id
        WHERE (o.state IN ('expired', 'cancelled') AND r.released_at IS NULL)
           OR (o.state IN ('pending', 'fulfilling', 'issued') AND r.released_at IS NOT NULL)""",
}

PAYMENTS = {
    "a payment in the shop's own currency asks for its worth and the fee": """
        SELECT 'intent ' || id AS about, 'asks ' || amount_minor || ' for ' || worth_minor || ' and a fee of ' || fee_minor AS detail
        FROM payment_intents WHERE currency = worth_currency AND (rate_id IS NOT NULL OR step_minor < 1
            -- To the minor unit, or to the smallest coin that its provider takes.
            OR amount_minor - worth_minor - fee_minor NOT BETWEEN 0 AND step_minor - 1
            OR amount_minor / NULLIF(step_minor, 0) * step_minor <> amount_minor)""",
    "an event of a provider is recorded once": """
        SELECT 'event ' || event_key AS about, provider || ', ' || COUNT(*) || ' times' AS detail
        FROM payment_events GROUP BY provider, event_key HAVING COUNT(*) > 1""",
    # What the verdict says was credited is compared with the books by its worth, here and in ODD_PAYMENTS.
    "a payment has a verdict": """
        SELECT 'event ' || id AS about, kind || ' ' || verdict AS detail
        FROM payment_events WHERE verdict = '' OR (kind = 'paid' AND verdict NOT IN ('credited', 'unvalued', 'stray'))""",
    "a payment as asked is credited with what it is worth": """
        SELECT 'event ' || e.id AS about,
            'worth ' || i.worth_minor || ' ' || i.worth_currency || ', credited ' || COALESCE(SUM(p.amount_minor), 0) AS detail
        FROM payment_events e JOIN payment_intents i ON i.id = e.intent_id JOIN customers c ON c.id = i.customer_id
        LEFT JOIN transfers t ON t.key = 'payment:' || e.provider || ':' || e.event_key AND t.kind = 'deposit'
        LEFT JOIN postings p ON p.transfer_id = t.id AND p.credit_id = c.wallet_id AND p.currency = i.worth_currency
        WHERE e.kind = 'paid' AND e.amount_minor = i.amount_minor AND e.currency = i.currency
        GROUP BY e.id, i.worth_minor, i.worth_currency HAVING COALESCE(SUM(p.amount_minor), 0) <> i.worth_minor""",
    "a deposit is the credit of a reported event": """
        SELECT key AS about, 'no event of a provider says so' AS detail FROM (
            SELECT key FROM transfers WHERE kind = 'deposit'
            EXCEPT SELECT 'payment:' || provider || ':' || event_key FROM payment_events WHERE kind = 'paid') AS unexplained""",
    "an intent was paid exactly when an event says so": """
        SELECT 'intent ' || i.id AS about, i.state || ' with ' || COALESCE(e.n, 0) || ' events' AS detail
        FROM payment_intents i
        LEFT JOIN (SELECT intent_id, COUNT(*) AS n FROM payment_events WHERE kind = 'paid' GROUP BY intent_id) AS e
            ON e.intent_id = i.id
        WHERE (i.state IN ('paid', 'refunded')) <> (COALESCE(e.n, 0) > 0)""",
    "a payment is called by its own number at its provider": """
        SELECT 'intent ' || id AS about, 'is called ' || reference AS detail FROM payment_intents
        WHERE reference IS NOT NULL AND reference <> CAST(id AS VARCHAR(20)) AND SUBSTR(reference, 7) <> CAST(id AS VARCHAR(20))""",
    "an intent asks for its customer's order, and no more than it costs": """
        SELECT 'intent ' || i.id AS about, 'worth ' || i.worth_minor || ' for order ' || i.order_id AS detail
        FROM payment_intents i LEFT JOIN orders o ON o.id = i.order_id
        WHERE i.order_id IS NOT NULL
          AND (o.id IS NULL OR (o.total_minor < i.worth_minor AND o.short_by IS NULL)
            OR o.buyer_id <> i.customer_id OR o.currency <> i.worth_currency)""",
    # Paid in full and still waiting: somebody forgot to issue it, or to say why not.
    "an order that was paid in full does not wait": """
        SELECT 'order ' || o.id AS about, 'intent ' || i.id || ' was paid' AS detail
        FROM orders o JOIN payment_intents i ON i.order_id = o.id JOIN payment_events e ON e.intent_id = i.id
        WHERE o.state = 'pending' AND e.kind = 'paid'
        GROUP BY o.id, i.id, i.amount_minor HAVING MIN(e.amount_minor) >= i.amount_minor""",
}

REVERSED = {
    "what is held for review was never shown": """
        SELECT 'order ' || o.id AS about, COUNT(*) || ' times' AS detail
        FROM orders o JOIN reveals r ON r.order_id = o.id
        WHERE o.state = 'issued' AND o.held_until IS NOT NULL AND o.released_at IS NULL GROUP BY o.id""",
    "what was released had been held, and by somebody": """
        SELECT 'order ' || id AS about, 'released by ' || COALESCE(released_by, 'nobody') AS detail FROM orders
        WHERE (released_at IS NULL) <> (released_by IS NULL) OR (released_at IS NOT NULL AND held_until IS NULL)
           OR (held_until IS NOT NULL AND issued_at IS NULL AND state NOT IN ('fulfilling', 'cancelled'))""",
    "what a provider gave back itself left the wallet or is a loss, by the books": """
        SELECT 'return ' || r.id AS about,
            'took ' || r.taken_minor || ' and lost ' || r.lost_minor || ', by the books ' || COALESCE(b.taken, 0) || ' and '
            || COALESCE(b.lost, 0) AS detail
        FROM payment_returns r LEFT JOIN (
            SELECT t.key, SUM(CASE WHEN a.kind = 'wallet' THEN p.amount_minor ELSE 0 END) AS taken,
                SUM(CASE WHEN a.kind = 'adjustment' THEN p.amount_minor ELSE 0 END) AS lost
            FROM transfers t JOIN postings p ON p.transfer_id = t.id JOIN accounts a ON a.id = p.debit_id
            WHERE t.key LIKE 'returned:%' GROUP BY t.key) AS b ON b.key = 'returned:' || r.provider || ':' || r.return_key
        WHERE r.taken_minor <> COALESCE(b.taken, 0) OR r.lost_minor <> COALESCE(b.lost, 0)""",
    "what left the books as given back is recorded as such": """
        SELECT key AS about, 'no return says so' AS detail FROM (
            SELECT key FROM transfers WHERE key LIKE 'returned:%'
            EXCEPT SELECT 'returned:' || provider || ':' || return_key FROM payment_returns) AS unexplained""",
    "a return was reported by its provider, and nothing else was": """
        SELECT provider || ' ' || event_key AS about, 'reported less booked is ' || SUM(n) AS detail FROM (
            SELECT provider, event_key, amount_minor AS n FROM payment_events WHERE kind IN ('part-back', 'disputed')
            UNION ALL SELECT provider, return_key, -amount_minor FROM payment_returns
        ) AS sides GROUP BY provider, event_key HAVING SUM(n) <> 0""",
    "what was lost and is there again came by the books": """
        SELECT 'intent ' || COALESCE(intent_id, 0) AS about, 'noted less booked is ' || SUM(n) AS detail FROM (
            SELECT intent_id, regained_minor + loss_back_minor AS n FROM payment_returns
            UNION ALL SELECT t.subject_id, -p.amount_minor FROM transfers t JOIN postings p ON p.transfer_id = t.id
                JOIN accounts a ON a.id = p.credit_id AND a.kind = 'adjustment'
                WHERE t.key LIKE 'regained:%' OR t.key LIKE 'reinstated:%'
        ) AS sides GROUP BY intent_id HAVING SUM(n) <> 0""",
    # A bank may take more for a dispute than is left of the payment: that is its doing, and told in returns.
    # What was booked whole before parts were noted has an event of its own kind.
    "no more of a payment goes out than came in": """
        SELECT provider || ' ' || event_key AS about, 'paid less gone is ' || SUM(n) AS detail FROM (
            SELECT provider, event_key, CASE WHEN amount_minor > 0 THEN amount_minor ELSE 0 END AS n FROM payment_events WHERE kind = 'paid'
            UNION ALL SELECT provider, event_key, -amount_minor FROM payment_returns WHERE dispute_id IS NULL
            UNION ALL SELECT provider, event_key, -pay_minor FROM refunds WHERE state = 'refunded' AND provider IS NOT NULL
            UNION ALL SELECT p.provider, p.event_key, -g.amount_minor FROM payment_events g
                JOIN payment_events p ON p.provider = g.provider AND p.kind = 'paid'
                    AND g.event_key = SUBSTR(p.event_key, 1, 180) || '\\:given-back'
                WHERE g.kind = 'given-back'
        ) AS sides GROUP BY provider, event_key HAVING SUM(n) < 0""",
    "a dispute is open until it is decided, and about a payment that was made": """
        SELECT 'dispute ' || d.id AS about, d.state AS detail FROM disputes d
        LEFT JOIN payment_events e ON e.provider = d.provider AND e.event_key = d.event_key AND e.kind = 'paid'
        WHERE (d.state = 'open') <> (d.closed_at IS NULL) OR e.id IS NULL OR e.intent_id <> d.intent_id""",
    "a dispute's money is of its payment": """
        SELECT 'return ' || r.id AS about, 'dispute ' || r.dispute_id AS detail FROM payment_returns r
        LEFT JOIN disputes d ON d.id = r.dispute_id AND d.intent_id = r.intent_id
        WHERE (r.dispute_id IS NOT NULL AND d.id IS NULL) OR (r.dispute_id IS NULL AND r.back_minor > 0)""",
}

# Every instant is written by the clock of one process; those of two differ by less than this, in microseconds.
_CLOCKS_DIFFER = 60_000_000

# Transfers in which money changed its currency.
_EXCHANGED = """
    SELECT p.transfer_id AS id FROM postings p JOIN accounts a ON a.id = p.credit_id AND a.kind = 'exchange'
    UNION SELECT p.transfer_id FROM postings p JOIN accounts a ON a.id = p.debit_id AND a.kind = 'exchange'
"""

# Payments as they were asked, each with its rate; and those nobody had asked for, with a rate that held when they came.
_ASKED = """FROM payment_events e JOIN payment_intents i ON i.id = e.intent_id
                JOIN rates r ON r.id = i.rate_id AND r.base = e.currency WHERE e.kind = 'paid'"""
_UNASKED = f"""FROM payment_events e JOIN rates r ON r.base = e.currency AND r.at <= e.at + {_CLOCKS_DIFFER}
                AND COALESCE(r.valid_until, e.at + 1) > e.at WHERE e.kind = 'paid' AND e.intent_id IS NULL"""

RATES = {
    "a payment in another currency was asked at a rate of its pair that held then": f"""
        SELECT 'intent ' || i.id AS about, i.currency || ' for ' || i.worth_currency || ' at rate ' || COALESCE(i.rate_id, 0) AS detail
        FROM payment_intents i
        LEFT JOIN rates r ON r.id = i.rate_id AND r.base = i.currency AND r.quote = i.worth_currency
        WHERE i.currency <> i.worth_currency
          AND (r.id IS NULL OR r.at > i.made_at + {_CLOCKS_DIFFER} OR COALESCE(r.valid_until, i.made_at + 1) <= i.made_at)""",
    "money changes its currency over the exchange accounts, in both": f"""
        SELECT 'transfer ' || p.transfer_id AS about,
            COUNT(DISTINCT p.currency) || ' currencies, exchanged '
            || COUNT(DISTINCT CASE WHEN d.kind = 'exchange' OR c.kind = 'exchange' THEN p.currency END) AS detail
        FROM postings p JOIN accounts d ON d.id = p.debit_id JOIN accounts c ON c.id = p.credit_id
        WHERE p.transfer_id IN (SELECT transfer_id FROM postings GROUP BY transfer_id HAVING MIN(currency) <> MAX(currency)
            UNION {_EXCHANGED})
        GROUP BY p.transfer_id
        HAVING COUNT(DISTINCT p.currency) <> 2
            OR COUNT(DISTINCT CASE WHEN d.kind = 'exchange' OR c.kind = 'exchange' THEN p.currency END) <> 2""",
    "money changes its currency at a recorded rate": f"""
        SELECT key AS about, 'no rate says so' AS detail FROM (
            SELECT t.key FROM transfers t WHERE t.id IN ({_EXCHANGED})
            EXCEPT SELECT 'payment:' || e.provider || ':' || e.event_key {_ASKED}
            EXCEPT SELECT 'given-back:' || e.provider || ':' || e.event_key {_ASKED}
            EXCEPT SELECT 'payment:' || e.provider || ':' || e.event_key {_UNASKED}
            EXCEPT SELECT 'given-back:' || e.provider || ':' || e.event_key {_UNASKED}
            EXCEPT SELECT 'returned:' || b.provider || ':' || b.return_key FROM payment_returns b
                JOIN payment_intents i ON i.id = b.intent_id JOIN rates r ON r.id = i.rate_id
            EXCEPT SELECT 'reinstated:' || e.provider || ':' || e.event_key FROM payment_events e
                JOIN payment_intents i ON i.id = e.intent_id JOIN rates r ON r.id = i.rate_id WHERE e.kind = 'reinstated'
            EXCEPT SELECT 'refund-done:' || f.id FROM refunds f JOIN payment_intents i ON i.id = f.intent_id AND i.currency = f.pay_currency
                JOIN rates r ON r.id = i.rate_id
            EXCEPT SELECT 'payout:' || q.id FROM payouts q JOIN rates r ON r.id = q.rate_id AND r.base = q.pay_currency
                AND r.quote = q.currency
        ) AS unexplained""",
    "a jump that was taken is the rate it became": """
        SELECT 'jump ' || j.id AS about, j.base || ' in ' || j.quote || ', rate ' || j.rate_id AS detail
        FROM rate_jumps j LEFT JOIN rates r ON r.id = j.rate_id AND r.base = j.base AND r.quote = j.quote AND r.source = j.source
            AND r.numerator = j.numerator AND r.denominator = j.denominator
        WHERE j.rate_id IS NOT NULL AND (r.id IS NULL OR j.ended_at IS NULL)""",
}

OUTBOX = {
    "an issued order has a delivery to its buyer": """
        SELECT 'order ' || o.id AS about, 'customer ' || o.buyer_id AS detail FROM orders o
        WHERE o.state = 'issued' AND (o.held_until IS NULL OR o.released_at IS NOT NULL) AND NOT EXISTS (
            SELECT 1 FROM outbox m WHERE m.order_id = o.id AND m.customer_id = o.buyer_id AND m.topic = 'delivery')
          AND NOT EXISTS (SELECT 1 FROM outside_orders x WHERE x.order_id = o.id)""",
    # A delivery that ended without being sent (called off, or stopped by a review) brings nothing: another has to.
    "what was sold and is not held is on its way to its buyer, or was brought": """
        SELECT 'order ' || o.id AS about, 'customer ' || o.buyer_id || ' waits, and nothing is on its way' AS detail FROM orders o
        WHERE o.state = 'issued' AND (o.held_until IS NULL OR o.released_at IS NOT NULL)
          AND NOT EXISTS (SELECT 1 FROM outbox m WHERE m.order_id = o.id AND m.topic = 'delivery'
            AND (m.done_at IS NULL OR m.sent_message_id IS NOT NULL))
          AND NOT EXISTS (SELECT 1 FROM reveals r WHERE r.order_id = o.id)
          AND NOT EXISTS (SELECT 1 FROM outside_orders x WHERE x.order_id = o.id)""",
    "a delivery is of an issued order, to its buyer and nobody else": """
        SELECT 'message ' || m.id AS about, 'order ' || COALESCE(m.order_id, 0) || ' to customer ' || m.customer_id AS detail
        FROM outbox m LEFT JOIN orders o ON o.id = m.order_id AND o.buyer_id = m.customer_id AND o.state IN ('issued', 'refunded')
        WHERE m.topic = 'delivery' AND o.id IS NULL""",
    "a message is open, parked or done": """
        SELECT 'message ' || id AS about, topic || ' is both done and parked' AS detail
        FROM outbox WHERE done_at IS NOT NULL AND parked_at IS NOT NULL""",
    "a message that is finished is nobody's": """
        SELECT 'message ' || id AS about, topic || ' is still leased to ' || lease AS detail
        FROM outbox WHERE lease IS NOT NULL AND (done_at IS NOT NULL OR parked_at IS NOT NULL)""",
    "a message is posted once": """
        SELECT 'message ' || MIN(id) AS about, COUNT(*) || ' with one key' AS detail
        FROM outbox WHERE once IS NOT NULL GROUP BY once HAVING COUNT(*) > 1""",
    "a notice says something, a delivery names an order": """
        SELECT 'message ' || id AS about, topic AS detail FROM outbox
        WHERE (topic = 'delivery') <> (order_id IS NOT NULL) OR (topic <> 'delivery' AND body IS NULL) OR attempts < 0""",
}

AFTERSALE = {
    "a code has one undecided case": """
        SELECT 'code ' || code_id AS about, COUNT(*) || ' undecided cases' AS detail
        FROM cases WHERE state <> 'decided' GROUP BY code_id HAVING COUNT(*) > 1""",
    "a case is decided exactly when it has an outcome": """
        SELECT 'case ' || id AS about, state || ', outcome ' || COALESCE(outcome, 'none') AS detail FROM cases
        WHERE (state = 'decided') <> (outcome IS NOT NULL) OR (outcome IS NULL) <> (decided_at IS NULL)
           OR (replacement_code_id IS NOT NULL) <> (COALESCE(outcome, '') = 'replaced')""",
    "a case is its order's buyer's": """
        SELECT 'case ' || c.id AS about, 'order ' || c.order_id || ' of customer ' || c.buyer_id AS detail
        FROM cases c LEFT JOIN orders o ON o.id = c.order_id AND o.buyer_id = c.buyer_id
        LEFT JOIN storefronts f ON f.id = o.storefront_id
        WHERE o.id IS NULL OR COALESCE(f.house_id, f.id) <> c.storefront_id""",
    # Until time ends the case, its code may have been refunded elsewhere.
    "an undecided case is about a code that its order has, or had until it was refunded": """
        SELECT 'case ' || c.id AS about, 'code ' || c.code_id || ' is not of order ' || c.order_id AS detail
        FROM cases c JOIN codes k ON k.id = c.code_id
        WHERE c.state <> 'decided' AND COALESCE(k.order_id, 0) <> c.order_id
          AND NOT EXISTS (SELECT 1 FROM refunded_codes r WHERE r.code_id = c.code_id AND r.order_id = c.order_id)""",
    "an undecided case freezes what its code's supplier was credited with": """
        SELECT 'case ' || c.id AS about, 'froze ' || c.frozen_minor || ' ' || c.frozen_currency AS detail
        FROM cases c JOIN offers o ON o.id = c.offer_id
        LEFT JOIN accounts a ON a.id = o.payable_id
        LEFT JOIN exchanged_codes e ON e.order_id = c.order_id AND e.code_id = c.code_id
        WHERE c.state <> 'decided' AND (
            c.frozen_minor <> CASE
                WHEN e.code_id IS NOT NULL THEN CASE WHEN e.payable_id IS NULL THEN 0 ELSE e.cost_minor END
                -- Goods that became a supplier's after they were sold are not theirs to freeze.
                WHEN o.payable_id IS NULL OR NOT EXISTS (SELECT 1 FROM transfers t JOIN postings s ON s.transfer_id = t.id
                    WHERE t.key = 'sale:' || c.order_id AND s.credit_id = o.payable_id) THEN 0
                -- Several lines may be of one offer: it is one of their costs.
                ELSE COALESCE(
                    (SELECT MIN(l.unit_cost_minor) FROM order_lines l
                        WHERE l.order_id = c.order_id AND l.offer_id = c.offer_id AND l.unit_cost_minor = c.frozen_minor),
                    (SELECT MIN(l.unit_cost_minor) FROM order_lines l WHERE l.order_id = c.order_id AND l.offer_id = c.offer_id),
                    c.frozen_minor) END
            OR (c.frozen_minor > 0
                AND (c.frozen_party_id IS NULL OR c.frozen_party_id <> a.party_id OR c.frozen_currency <> a.currency)))""",
    "what was replaced is void, and what came for it was its order's": """
        SELECT 'case ' || c.id AS about, 'code ' || c.code_id || ' for code ' || c.replacement_code_id AS detail
        FROM cases c JOIN codes k ON k.id = c.code_id JOIN codes n ON n.id = c.replacement_code_id
        WHERE c.outcome = 'replaced' AND (k.void_at IS NULL OR (COALESCE(n.order_id, 0) <> c.order_id
            AND NOT EXISTS (SELECT 1 FROM cases x WHERE x.code_id = n.id AND x.outcome = 'replaced')
            AND NOT EXISTS (SELECT 1 FROM refunded_codes r WHERE r.code_id = n.id AND r.order_id = c.order_id)))""",
    "what a code that came as a replacement had cost is kept, and that of no other": """
        SELECT 'order ' || order_id AS about, 'code ' || code_id || ': replaced less kept is ' || SUM(n) AS detail FROM (
            SELECT order_id, replacement_code_id AS code_id, 1 AS n FROM cases WHERE outcome = 'replaced'
            UNION ALL SELECT order_id, code_id, -1 FROM exchanged_codes
        ) AS sides GROUP BY order_id, code_id HAVING SUM(n) <> 0""",
    "the refund of a code that came as a replacement takes back what was booked for it": """
        SELECT 'order ' || r.order_id AS about, 'code ' || r.code_id || ' cost ' || e.cost_minor || ', took back ' || r.cost_minor AS detail
        FROM refunded_codes r JOIN exchanged_codes e ON e.order_id = r.order_id AND e.code_id = r.code_id
        WHERE r.cost_minor <> e.cost_minor OR r.cost_currency <> e.cost_currency OR (e.payable_id IS NOT NULL AND NOT r.cost_back)""",
    "a code that came as a replacement has its delivery": """
        SELECT 'case ' || c.id AS about, 'order ' || c.order_id AS detail FROM cases c
        WHERE c.outcome = 'replaced' AND NOT EXISTS (
            SELECT 1 FROM outbox m WHERE m.once = 'case-parcel:' || c.id AND m.topic = 'delivery' AND m.order_id = c.order_id)
          AND NOT EXISTS (SELECT 1 FROM outside_orders x WHERE x.order_id = c.order_id)""",
    "a case that ended as refunded has the refund": """
        SELECT 'case ' || c.id AS about, 'code ' || c.code_id AS detail FROM cases c
        WHERE c.outcome = 'refunded' AND NOT EXISTS (
            SELECT 1 FROM refunded_codes r WHERE r.code_id = c.code_id AND r.order_id = c.order_id)""",
}

CHECKS: dict[str, str] = {
    **MONEY,
    **CODES,
    **ORDERS,
    **COUPONS,
    **REFUNDS,
    **AFTERSALE,
    **PAYMENTS,
    **REVERSED,
    **RATES,
    **OUTBOX,
    **PURCHASES,
    **JOINING,
    **STOCKING,
    **SETTLEMENT,
    **SUPPLY_MONEY,
    **EARNING,
    **BRANDS,
    **PACKAGES,
    **API,
    **CONTROL,
    **OFFERS,
    **PAPERS,
    **ROUTING,
    **COMMITMENTS,
    **UPSTREAMS,
    **CREDIT,
    **RESELLERS,
    **KINDS,
    **PROMISES,
    **STOPPED_WORK,
    **STOPS,
    **RESELLERS_PEOPLE,
}

# What there is, for the reader of a clean report: an audit of nothing is clean too.
COUNTS: tuple[str, ...] = (
    "SELECT COUNT(*) AS customers FROM customers",
    "SELECT COUNT(*) AS accounts FROM accounts",
    "SELECT COUNT(*) AS transfers FROM transfers",
    "SELECT COUNT(*) AS postings FROM postings",
    """SELECT COUNT(*) AS orders, COUNT(issued_at) AS "orders issued",
        COALESCE(SUM(CASE WHEN state = 'pending' THEN 1 ELSE 0 END), 0) AS "orders waiting for payment" FROM orders""",
    """SELECT COUNT(*) AS codes, COUNT(staged) AS "codes staged", COUNT(available) AS "codes on the shelf", COUNT(hold_id) AS "codes held",
        COUNT(order_id) AS "codes sold", COUNT(void_at) AS "codes void" FROM codes""",
    "SELECT COUNT(*) AS payments FROM payment_events",
    """SELECT COUNT(*) AS cases, COALESCE(SUM(CASE WHEN outcome IS NULL THEN 1 ELSE 0 END), 0) AS "cases undecided" FROM cases""",
    """SELECT COUNT(*) AS applications, (SELECT COUNT(*) FROM documents) AS "papers of suppliers" FROM applications""",
    """SELECT COUNT(*) AS messages, COUNT(done_at) AS "messages done", COUNT(parked_at) AS "messages parked" FROM outbox""",
)

# Payments of another amount than asked, or of nothing that was asked: what they are worth is worked out exactly in Python,
# because a product of two amounts may not fit 64 bits.
ODD_PAYMENTS = """
    SELECT e.id, e.amount_minor, e.currency, e.verdict, e.at, i.amount_minor AS asked_minor, i.worth_minor, i.worth_currency,
        t.id AS transfer_id,
        (SELECT SUM(p.amount_minor) FROM postings p JOIN accounts a ON a.id = p.credit_id
         WHERE p.transfer_id = t.id AND a.kind = 'wallet') AS credited_minor,
        (SELECT MIN(p.currency) FROM postings p JOIN accounts a ON a.id = p.credit_id
         WHERE p.transfer_id = t.id AND a.kind = 'wallet') AS wallet_currency,
        (SELECT MIN(currency) FROM storefronts) AS shop_currency
    FROM payment_events e
    LEFT JOIN payment_intents i ON i.id = e.intent_id
    LEFT JOIN transfers t ON t.key = 'payment:' || e.provider || ':' || e.event_key AND t.kind = 'deposit'
    WHERE e.kind = 'paid' AND (i.id IS NULL OR i.amount_minor <> e.amount_minor OR i.currency <> e.currency)
"""
RATES_BEFORE = f"""
    SELECT numerator, denominator FROM rates WHERE base = :base AND quote = CAST(:quote AS VARCHAR)
    AND at <= CAST(:at AS BIGINT) + {_CLOCKS_DIFFER} AND COALESCE(valid_until, CAST(:at AS BIGINT) + 1) > :at ORDER BY id DESC
"""

# What was asked in another currency: worked out exactly in Python, for the same reason.
CONVERTED = """
    SELECT i.id, i.amount_minor, i.fee_minor, i.worth_minor, i.step_minor, i.currency, r.numerator, r.denominator
    FROM payment_intents i JOIN rates r ON r.id = i.rate_id AND r.base = i.currency AND r.quote = i.worth_currency
    WHERE i.currency <> i.worth_currency ORDER BY i.id
"""

# What every rate with a buffer was made of.
BUFFERED = """
    SELECT id, base, quote, numerator, denominator, market_numerator, market_denominator
    FROM rates WHERE market_numerator IS NOT NULL ORDER BY id
"""

# What was posted to each account that keeps no balance.
HOUSE = f"""
    SELECT a.id, COALESCE(m.total, 0) AS total FROM accounts a LEFT JOIN ({_MOVED}) AS m ON m.account_id = a.id
    WHERE a.balance_minor IS NULL ORDER BY a.id
"""

# The first and the last code of each of the newest batches: enough to see that the key file fits every batch's key.
SAMPLE = """
    SELECT MIN(c.id) AS first, MAX(c.id) AS last FROM codes c
    WHERE c.batch_id IN (SELECT id FROM batches ORDER BY id DESC LIMIT :most) GROUP BY c.batch_id
"""
