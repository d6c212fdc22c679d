"""What is short of a promised quantity, and who is short of it: pure arithmetic."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.supply import Promise
from core.supply.commitments.rules import judged

UNITS = st.integers(min_value=0, max_value=10**9)


@given(quantity=UNITS, drawn=UNITS, failed=UNITS, shelf=UNITS, declared=UNITS)
def test_who_is_short_adds_up_to_what_was_not_drawn(quantity: int, drawn: int, failed: int, shelf: int, declared: int) -> None:
    drawn = min(drawn, quantity)
    facts = {"quantity": quantity, "drawn": drawn, "failed": failed, "shelf": shelf, "declared": declared}

    both = judged(**facts, promised_by=Promise.BOTH)
    assert both.supplier_short + both.shop_short == quantity - drawn and drawn <= both.brought <= quantity
    assert both.supplier_short >= 0 and both.shop_short >= 0
    of_supplier, of_shop = judged(**facts, promised_by=Promise.SUPPLIER), judged(**facts, promised_by=Promise.SHOP)
    assert (of_supplier.supplier_short, of_supplier.shop_short) == (both.supplier_short, 0)
    assert (of_shop.supplier_short, of_shop.shop_short) == (0, both.shop_short)
    assert judged(**{**facts, "shelf": shelf + 1}, promised_by=Promise.BOTH).supplier_short <= both.supplier_short
