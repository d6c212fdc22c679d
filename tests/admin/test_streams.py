"""Revenue by stream at the desk: what is no sale is typed, stands in the books, and is taken back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import settlement
from core.database import Shop
from core.errors import Refusal
from core.settlement import Stream
from core.storefronts import Storefront
from handlers.admin.desk import Go
from handlers.admin.streams import NotRevenue, read_entry
from tests.admin.direct import Chatter, at_the_desk
from tests.core.supplies import earned


@pytest.fixture
async def desk(shop: Shop, storefront: Storefront) -> Chatter:
    return await at_the_desk(shop, storefront)


async def test_what_is_no_sale_is_booked_shown_and_taken_back(shop: Shop, storefront: Storefront, desk: Chatter) -> None:
    await desk.presses(Go(to="books"))
    assert Go(to="revenue").pack() in desk.keyboard()
    assert "Nothing yet" in await desk.presses(Go(to="revenue"))
    for wrong in ("a lot", "1500", "0 nothing", "-5 less"):
        assert "Nothing was booked" in await desk.answers("revenue.advertising", 0, wrong)
    assert await shop.read(settlement.revenue_entries, storefront_id=storefront.id) == []
    said = await desk.says("1500 <b>Banner</b> on the first page")
    assert "¥1,500.00" in said and "&lt;b&gt;Banner" in said and "Person 7001" in said
    await desk.answers("revenue.interest", 0, "12.50 USD Card Trade Ltd.")
    await desk.answers("revenue.data", 0, "300 Report")

    said = await desk.presses(Go(to="revenue"))
    for line in ("Advertising: <b>¥1,500.00</b>", "Interest: <b>$12.50</b>", "Data: <b>¥300.00</b>"):
        assert line in said
    newest = (await shop.read(settlement.revenue_entries, storefront_id=storefront.id))[0]
    assert Go(to="rev-entry", id=newest.id).pack() in desk.keyboard()
    assert "Booked twice" in await desk.answers("revenue.back", newest.id, "Booked twice")
    assert "taken back already" in await desk.presses(Go(to="ask", id=newest.id, arg="revenue.back"))
    assert await shop.read(earned, storefront, "data") == 0
    said = await desk.presses(Go(to="log"))
    assert "booked revenue that is no sale" in said and "took booked revenue back" in said
    # Forged.
    for id in (0, 999_999):
        assert "Booked by" not in await desk.presses(Go(to="rev-entry", id=id))
        await desk.presses(Go(to="ask", id=id, arg="revenue.back"))
    await desk.presses(Go(to="ask", arg="revenue.spread"))
    every = await shop.read(settlement.revenue_entries, storefront_id=storefront.id)
    assert len(every) == 3


def test_an_amount_is_read_with_what_it_was_for() -> None:
    assert read_entry("1500 Banner, May", "CNY") == (150_000, "CNY", "Banner, May")
    assert read_entry("１２．５０ USD  Card Trade", "CNY") == (1250, "USD", "Card Trade")
    # What is written in capitals and stands alone is what it was for.
    assert read_entry("5 ACME", "CNY") == (500, "CNY", "ACME")
    with pytest.raises(NotRevenue):
        read_entry("5", "CNY")


@given(st.text(max_size=60) | st.builds("{} {}".format, st.integers(-5, 10**15), st.text(max_size=20)))
@settings(max_examples=200, deadline=None)
def test_whatever_is_typed_is_an_entry_or_a_sentence(text: str) -> None:
    try:
        amount, currency, note = read_entry(text, "CNY")
    except Refusal:
        return
    assert amount > 0 and 3 <= len(currency) <= 8 and note.strip()
    assert {stream.value for stream in Stream} == {"interest", "advertising", "data"}
