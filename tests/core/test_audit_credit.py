"""The audit finds each kind of damage to credit by name, and nothing in a sound shop."""

from __future__ import annotations

from core import credit
from core.audit.credit import CREDIT
from core.credit import Terms
from core.database import Shop
from core.storefronts import Storefront
from tests.core.harm import Damage, not_found
from tests.core.props import assert_sound
from tests.lending import SECOND, STAFF, a_line, an_advance, spend, work_credit
from tests.stage import Clock, give, person

DAMAGES = [
    Damage(
        "a wallet falls below zero only with a line of credit",
        "",
        "UPDATE accounts SET floor_minor = -5 WHERE kind = 'wallet' AND party_id NOT IN (SELECT customer_id FROM credit_lines)",
    ),
    Damage(
        "nobody can fall further than their limit, or than they have",
        "",
        "UPDATE accounts SET floor_minor = -9999999 WHERE party_id IN (SELECT customer_id FROM credit_lines) AND kind = 'wallet'",
    ),
    Damage(
        "fees, interest and advances that are owed are what is kept of them",
        "credit_invoices",
        "UPDATE credit_invoices SET fee_left_minor = fee_left_minor + 1",
    ),
    Damage(
        "fees, interest and advances that are owed are what is kept of them",
        "credit_invoices",
        "UPDATE credit_invoices SET interest_left_minor = interest_left_minor + 1",
    ),
    Damage(
        "fees, interest and advances that are owed are what is kept of them",
        "credit_instalments",
        "UPDATE credit_instalments SET left_minor = left_minor + 1",
    ),
    Damage("an account of credit is its line's", "", "UPDATE accounts SET label = 'other' || label WHERE kind = 'credit'"),
    Damage(
        "interest and fees of an invoice were charged once, as it says",
        "credit_invoices",
        "UPDATE credit_invoices SET interest_minor = interest_minor + 1",
    ),
    Damage(
        "interest and fees of an invoice were charged once, as it says",
        "",
        "UPDATE transfers SET key = 'credit-fee:x' || id WHERE key LIKE 'credit-interest:%'",
    ),
    Damage("what was repaid went where it is noted", "credit_repayments", "UPDATE credit_repayments SET fees_minor = fees_minor + 1"),
    Damage("what was repaid went where it is noted", "", "UPDATE credit_repayments SET amount_minor = 0"),
    Damage(
        "an advance is the sum of its instalments, and came into the wallet",
        "",
        "UPDATE credit_advances SET amount_minor = amount_minor + 1",
    ),
    Damage("what was granted, or written off, says by whom", "", "UPDATE credit_asks SET approved_by = NULL WHERE state = 'approved'"),
    Damage("what was granted, or written off, says by whom", "", "UPDATE credit_lines SET off_by = NULL WHERE state = 'written_off'"),
]


async def test_every_damage_to_credit_is_found_by_name(shop: Shop, storefront: Storefront, clock: Clock, database_url: str) -> None:
    terms = Terms(late_fee_minor=500, period_days=7, term_days=3)
    late, lost = [await a_line(shop, storefront, terms=terms) for _ in range(2)]
    await person(shop, storefront)
    await an_advance(shop, late, amount_minor=9_000, instalments=3, every_days=20)
    for one in (late, lost):
        await spend(shop, one, 90_000)
    clock.passes(days=12)
    await work_credit(shop)
    await give(shop, late, 5_000)
    await work_credit(shop)
    for by in (STAFF, SECOND):
        await shop.write(credit.write_off, customer_id=lost.id, storefront_id=storefront.id, by=by)
    await assert_sound(shop)
    assert await not_found(shop, database_url, DAMAGES) == []
    assert {harm.check for harm in DAMAGES} == set(CREDIT)
    await assert_sound(shop)
