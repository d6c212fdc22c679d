"""A commitment at the desk: made by buttons and a typed line, read as a report, called off; and what its supplier is told and sees."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import journal, orders, supply
from core.database import Shop
from core.errors import Refusal
from core.storefronts import Storefront
from core.supply import Precedence, Promise, Standing
from handlers.admin.commitments import NotACommitment, commitment_typed
from handlers.admin.desk import Do, Go
from handlers.notices import notice
from handlers.supply.desk import See
from locales import Speech
from tests.admin.direct import Chatter, at_the_desk
from tests.core.offering import offered
from tests.core.props import assert_sound
from tests.stage import Clock, Goods, person, put_on_sale, stock


@pytest.fixture
async def goods(shop: Shop, storefront: Storefront) -> Goods:
    return await put_on_sale(shop, storefront, count=0)


async def test_the_staff_make_one_by_buttons_and_see_how_it_runs_and_ends(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock
) -> None:
    lin = Chatter(shop, storefront, 4242)
    await lin.says("/start")
    made = await shop.write(supply.new_supplier, name="Bright Cards", standing=Standing.TRUSTED, telegram_id=4242)
    offer = await offered(shop, goods.sku_id, supplier_id=made.id)
    await stock(shop, offer.id, goods.sku_id, 3)
    desk = await at_the_desk(shop, storefront)

    assert "Nothing is promised by anybody" in await desk.presses(Go(to="commits"))
    assert "adm:commits:0:0:" in "\n".join([*desk.keyboard(), *(await keyboard_of(desk, Go(to="supply")))])
    await desk.presses(Go(to="offer", id=offer.id))
    assert "Nothing is promised of this offer" in await desk.presses(next(d for d in desk.keyboard() if d.startswith("adm:commits:")))
    assert "Who has promised" in await desk.presses(next(d for d in desk.keyboard() if d.startswith("adm:commit-who:")))
    assert "How are they sold?" in await desk.presses(next(d for d in desk.keyboard() if d.endswith(":both")))
    assert "until which day" in await desk.presses(next(d for d in desk.keyboard() if d.endswith("both.priority")))
    for wrong in ("500", "0 2199-01-31", "many 2199-01-31", "-5 2199-01-31", "1 2 3 4"):
        assert "is not a quantity and a day" in await desk.says(wrong), wrong
    assert "is not a day" in await desk.says("500 soon")
    assert "must come after its first" in await desk.says("500 2020-01-31")
    report = await desk.says("5 2199-01-31")
    for line in (
        "Bright Cards",
        "5 units until Jan 31, 2199",
        "before those of all other",
        "Brought: 3",
        "still runs",
        "supplier is short of 2",
    ):
        assert line in report, report
    [kept] = await shop.read(supply.commitment_reports)
    assert (kept.precedence, kept.promised_by, kept.quantity) == (Precedence.PRIORITY, Promise.BOTH, 5)
    assert "commit-who" not in "\n".join(await keyboard_of(desk, Go(to="commits", id=offer.id))), "one at a time"

    buyer = await person(shop, storefront, money_minor=100_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="two", **goods.terms())
    assert "Sold so far: 2 of 5" in await desk.presses(Go(to="commit", id=kept.id))
    assert "Sold so far: 2 of 5" in await lin.presses(See(to="promised", id=made.id))
    assert any(data.startswith("spg:promised") for data in await keyboard_of(lin, See(to="home", id=made.id)))

    assert "nobody is short" in await desk.presses(Go(to="commit-end", id=kept.id))
    assert "called off on" in await desk.presses(next(d for d in desk.keyboard() if d.startswith("adm!:commit-off")))
    assert "over already" in await desk.presses(Do(act="commit-off", id=kept.id))
    assert "called off commitment" in await desk.presses(Go(to="log")) and "made commitment" in await desk.presses(Go(to="log"))
    assert [entry.did for entry in await shop.read(journal.latest, about="commitment", about_id=kept.id)] == [
        "call-off-commitment",
        "commit",
    ]
    await assert_sound(shop)


async def keyboard_of(chatter: Chatter, to: Go | See) -> list[str]:
    await chatter.presses(to)
    return chatter.keyboard()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_both_sides_are_told_of_a_breach_in_words(shop: Shop, storefront: Storefront, goods: Goods, clock: Clock) -> None:
    made = await shop.write(supply.new_supplier, name="Bright Cards", standing=Standing.TRUSTED, telegram_id=4242)
    offer = await offered(shop, goods.sku_id, supplier_id=made.id)
    await stock(shop, offer.id, goods.sku_id, 3)
    kept = await shop.write(
        supply.commit,
        offer_id=offer.id,
        precedence=Precedence.EXCLUSIVE,
        promised_by=Promise.BOTH,
        quantity=5,
        until=clock() + timedelta(days=1),
        by="telegram:1",
    )
    clock.passes(days=2)
    await shop.write(supply.judge_commitments)

    for body, way in (({"for": "staff"}, "adm:commit:"), ({}, "spg:promised:")):
        said, keyboard = await notice(
            {"says": "commitment-breach", "commitment": kept, **body}, Speech("en", "Asia/Shanghai"), shop=shop, storefront=storefront
        )
        for line in (
            "not all of it was kept",
            "ended in breach",
            "supplier is short of 2",
            "shop is short of 3",
            "no other source is sold",
        ):
            assert line in said, said
        assert keyboard is not None and str(keyboard.inline_keyboard[0][0].callback_data).startswith(way)
    for says in ("committed", "commitment-off"):
        said, _ = await notice({"says": says, "commitment": kept}, Speech("en", "Asia/Shanghai"), shop=shop, storefront=storefront)
        assert "Bright Cards" in said


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_forged_and_foreign_buttons_change_nothing(shop: Shop, storefront: Storefront, goods: Goods, clock: Clock) -> None:
    made = await shop.write(supply.new_supplier, name="Bright Cards", standing=Standing.TRUSTED, telegram_id=4242)
    offer = await offered(shop, goods.sku_id, supplier_id=made.id)
    desk = await at_the_desk(shop, storefront)
    for data in (
        Go(to="commit", id=999),
        Go(to="commits", id=999),
        Go(to="commit-who", id=999),
        Go(to="commit-how", id=offer.id, arg="nobody"),
        Go(to="commit-end", id=999),
        Do(act="commit-off", id=999),
    ):
        assert await desk.presses(data)
    assert await desk.answers("commit.new", offer.id, "5 2199-01-31", "both.never")
    assert await shop.read(supply.commitment_reports) == []
    stranger = Chatter(shop, storefront, 777)
    await stranger.says("/start")
    assert "not yours" in await stranger.presses(See(to="promised", id=made.id))


@given(st.text(max_size=60) | st.from_regex(r"\d{1,12} \d{4}-\d{1,2}-\d{1,2}( \d{4}-\d{1,2}-\d{1,2})?", fullmatch=True))
def test_whatever_is_typed_is_a_commitment_or_a_clear_refusal(text: str) -> None:
    with suppress(Refusal):
        quantity, begins, until = commitment_typed(text, "Asia/Shanghai")
        assert 0 < quantity <= supply.MOST_PROMISED and until.tzinfo is not None and (begins is None or begins.tzinfo is not None)


def test_two_days_are_from_and_until() -> None:
    quantity, begins, until = commitment_typed("５00  2027-01-01 2027/1/31", "UTC")
    assert (quantity, begins and begins.isoformat()) == (500, "2027-01-01T00:00:00+00:00")
    assert until.isoformat().startswith("2027-01-31T23:59:59")
    with pytest.raises(NotACommitment):
        commitment_typed("500", "UTC")
