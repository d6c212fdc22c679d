"""Contracts and payouts at the desk, and a supplier's own money in their chat: from typed terms to a payout that has arrived."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from aiogram.methods import DeleteMessage
from aiogram.types import BufferedInputFile
from hypothesis import given, settings
from hypothesis import strategies as st

from core import journal, orders, settlement
from core.database import Shop
from core.errors import Refusal
from core.settlement import Commission, SpreadShare, Surcharge, TakeRate, Tier, Window, from_json, to_json
from core.storefronts import Storefront
from handlers import missed
from handlers.admin.contracts import percent_typed, terms_typed
from handlers.admin.desk import Do, Go
from handlers.supply.earnings import Earn
from tests.admin.direct import Chatter, at_the_desk
from tests.core.ledgers import assert_books
from tests.core.props import assert_sound, scalar
from tests.core.supplies import Supplied, purse, released, settled, supplied
from tests.core.test_parties import paid_for
from tests.core.traders import consigned
from tests.reselling import a_reseller, add_level
from tests.stage import Clock, person, put_on_sale


def content_of(call: object, field: str) -> bytes:
    """The bytes of a file that the bot has sent in a field of a call."""
    file = getattr(call, field)
    assert isinstance(file, BufferedInputFile)
    return file.data


@pytest.fixture
async def desk(shop: Shop, storefront: Storefront) -> Chatter:
    return await at_the_desk(shop, storefront)


@pytest.fixture
async def of(shop: Shop, storefront: Storefront) -> Supplied:
    return await supplied(shop, storefront)


@pytest.fixture
async def member(shop: Shop, storefront: Storefront, of: Supplied) -> Chatter:
    chatter = Chatter(shop, storefront, of.telegram_id)
    await chatter.says("/start")
    return chatter


def desk_by(chatter: Chatter) -> str:
    return f"telegram:{chatter.user.id}"


def button(chatter: Chatter, part: str) -> str:
    [found] = [data for data in chatter.keyboard() if part in data]
    return found


async def sold(shop: Shop, storefront: Storefront, of: Supplied, quantity: int, once: str = "once") -> int:
    buyer = await person(shop, storefront, money_minor=10_000_000)
    return (await shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity, once=once, **of.goods.terms())).order_id


async def test_a_contract_is_typed_looked_at_and_agreed_to(shop: Shop, storefront: Storefront, of: Supplied, desk: Chatter) -> None:
    assert "Contracts" in await desk.presses(Go(to="contracts"))
    assert "no contract" in await desk.presses(Go(to="contract", id=of.supplier_id))
    assert "cannot be read" in await desk.answers("contract.spread", of.supplier_id, "a third")
    said = await desk.says("30; exclusive 2")
    assert "¥88.00" in said and "¥7.00" in said and "30%" in said and "2%" in said
    assert await shop.read(settlement.contracts_of, of.supplier_id) == []
    stale = next(data for data in desk.keyboard() if "now-" in data)

    assert "version 1" in await desk.presses(stale)
    [made] = await shop.read(settlement.contracts_of, of.supplier_id)
    assert made.terms == SpreadShare(3000, Surcharge(exclusive_bp=200))
    assert "out of date" in await desk.presses(stale)
    # Another draft than the one that was shown is not agreed to.
    await desk.answers("contract.take", of.supplier_id, "5")
    assert "out of date" in await desk.presses(stale)
    entries = await shop.read(journal.latest)
    assert [one.did for one in entries if one.did == "agree-contract"] == ["agree-contract"]


async def test_commission_by_volume_is_set_up_by_buttons(shop: Shop, of: Supplied, desk: Chatter) -> None:
    said = await desk.answers("contract.commission", of.supplier_id, "8; 10000: 5; 50000: 3\n#12 6; 2000: 4")
    assert "8%" in said and "¥10,000.00" in said and "#12" in said
    await desk.presses(next(d for d in desk.keyboard() if "week-" in d))
    await desk.presses(next(d for d in desk.keyboard() if "whole-" in d))
    await desk.presses(next(d for d in desk.keyboard() if "month-" in d and "con-yes" in d))

    [made] = await shop.read(settlement.contracts_of, of.supplier_id)
    assert isinstance(made.terms, Commission) and made.from_at > made.at
    assert (made.terms.window, made.terms.marginal) == (Window.WEEK, False)
    assert made.terms.tiers == (Tier(0, 800), Tier(1_000_000, 500), Tier(5_000_000, 300))
    assert made.terms.by_category == {12: (Tier(0, 600), Tier(200_000, 400))}


async def test_who_earns_what_names_the_buyer_their_level_each_source_and_the_provider(
    shop: Shop, storefront: Storefront, desk: Chatter
) -> None:
    level = await add_level(shop, storefront)
    buyer = await a_reseller(shop, storefront, level_id=level.id)
    goods = await put_on_sale(shop, storefront, name="Mixed", count=1)
    bright = await supplied(shop, storefront, name="Bright", count=0)
    await consigned(shop, goods, bright.supplier_id, count=3)
    order_id = await paid_for(shop, buyer, goods, 3, "three")
    said = await desk.presses(Go(to="shares", id=order_id))
    for part in (
        f"{buyer.name}, a reseller at level {level.name}",
        "the shop's own goods",
        "Supplier of Bright",
        "¥170.00</b>, not settled",
    ):
        assert part in said, part
    assert "keeps <b>¥7.61</b>" in said and "The shop has <b>¥114.82</b> of it" in said
    await settled(shop)
    said = await desk.presses(Go(to="shares", id=order_id))
    assert "not settled" not in said and "the shop's own goods" in said and "The shop has <b>¥114.82</b> of it" in said


async def test_a_contract_of_one_offer_is_ended_by_who_looks_at_what_holds_then(shop: Shop, of: Supplied, desk: Chatter) -> None:
    await shop.write(settlement.agree, supplier_id=of.supplier_id, terms=SpreadShare(3000), by="test")
    offer_id = of.goods.offer_id
    ending = Go(to="con-ending", id=offer_id)
    assert ending.pack() not in await at(desk, Go(to="con-offer", id=offer_id))
    assert "no contract of its own" in await desk.presses(ending)
    await desk.answers("con-of.take", offer_id, "10")
    await desk.presses(button(desk, "now-"))
    assert ending.pack() in await at(desk, Go(to="con-offer", id=offer_id))
    said = await desk.presses(ending)
    assert "30%" in said and "nothing sold before changes" in said
    pressed = button(desk, "now-")
    said = await desk.presses(pressed)
    assert "that of the supplier holds, version 1" in said and "It ends" in said
    assert "It ends" in await desk.presses(Go(to="contract", id=of.supplier_id))
    # Outdated, and forged.
    assert "out of date" in await desk.presses(pressed)
    for arg in ("never-2", "now", "", "now-9"):
        assert "out of date" in await desk.presses(Do(act="con-end", id=offer_id, arg=arg))
    assert [(one.version, one.ends) for one in await shop.read(settlement.contracts_of, of.supplier_id) if one.offer_id] == [
        (2, True),
        (1, False),
    ]
    assert "ended a contract of one offer" in await desk.presses(Go(to="log"))


async def test_who_acts_for_a_supplier_is_told_that_others_decide_about_payouts(shop: Shop, storefront: Storefront, of: Supplied) -> None:
    mine = await at_the_desk(shop, storefront, of.telegram_id)
    assert "somebody else of the staff decides" in await mine.answers("payout.two", 0, "900000")
    assert (await shop.read(settlement.rule, "CNY")).two_above_minor == 1_000_000


async def at(desk: Chatter, screen: Go) -> list[str]:
    """The buttons of a screen."""
    await desk.presses(screen)
    return desk.keyboard()


async def test_from_the_sale_to_a_payout_that_has_arrived(
    shop: Shop, storefront: Storefront, clock: Clock, of: Supplied, desk: Chatter, member: Chatter
) -> None:
    since = clock()
    await shop.write(settlement.agree, supplier_id=of.supplier_id, terms=SpreadShare(3000), by="test")
    order_id = await sold(shop, storefront, of, 10)
    await settled(shop)
    said = await member.says("/earnings")
    assert "¥850.00" in said and "¥30.00" in said and "¥880.00" in said
    said = await desk.presses(Go(to="shares", id=order_id))
    assert "¥880.00" in said and "¥70.00" in said and "Supplier of Steam" in said
    await released(shop, clock)

    mine = {"supplier": of.supplier_id, "currency": "CNY"}
    assert "Where should your money go" in await member.presses(Earn(to="ask", **mine))
    await member.presses(Earn(to="type", **mine))
    assert "does not say" in await member.says("x")
    said = await member.says("Bank of China 6217, Li Ming")
    assert "Ban****Ming" in said and "6217" not in said
    assert any(isinstance(call, DeleteMessage) for call in member.session.calls)
    said = await member.presses(Earn(to="ask", **mine))
    assert "¥880.00" in said
    assert "at most ¥880.00" in await member.says("900")
    assert "not an amount" in await member.says("all of it")
    assert "¥500.00" in await member.says("500")
    assert await shop.read(purse, of.supplier_id) == (0, 38_000, 50_000)
    [asked] = await shop.read(settlement.payouts_of, of.supplier_id)

    assert "wait for you" in await desk.presses(Go(to="payouts"))
    assert "Li Ming" in await desk.presses(Go(to="payout", id=asked.id))
    await desk.presses(Do(act="po-yes", id=asked.id))
    assert "decided already" in await desk.presses(Do(act="po-yes", id=asked.id))
    assert "BOC-7781" in await desk.answers("payout.sent", asked.id, "BOC-7781")
    assert "sent" in await member.presses(Earn(to="payouts", **mine))
    assert "arrived" in await member.presses(Earn(to="came", id=asked.id, **mine))
    assert "decided already" in await member.presses(Earn(to="came", id=asked.id, **mine))
    assert await shop.read(purse, of.supplier_id) == (0, 38_000, 0)

    # The rest, by one press, and the desk says no.
    await member.presses(Earn(to="ask", **mine))
    assert "¥380.00" in await member.presses(button(member, "sup$:all"))
    newest = (await shop.read(settlement.payouts_of, of.supplier_id))[0]
    await desk.answers("payout.refuse", newest.id, "Another name on the account")
    assert await shop.read(purse, of.supplier_id) == (0, 38_000, 0)
    assert "¥200.00" in await desk.answers("payout.least", 0, "200")
    assert "¥5,000.00" in await desk.answers("payout.two", 0, "5000")
    await assert_books(shop, since, clock())
    await assert_sound(shop)


async def test_the_statement_is_a_message_a_spreadsheet_and_a_picture_of_the_same(
    shop: Shop, storefront: Storefront, clock: Clock, of: Supplied, member: Chatter
) -> None:
    await shop.write(settlement.agree, supplier_id=of.supplier_id, terms=TakeRate(1000), by="test")
    await sold(shop, storefront, of, 4)
    await settled(shop)
    mine: dict[str, Any] = {"supplier": of.supplier_id, "currency": "CNY", "id": 7}
    said = await member.presses(Earn(to="days", **mine))
    assert "¥380.00" in said and "-¥38.00" in said and "¥342.00" in said
    await member.presses(Earn(to="csv", **mine))
    [sent] = [call for call in member.session.calls if call.__api_method__ == "sendDocument"]
    rows = list(csv.DictReader(io.StringIO(content_of(sent, "document").decode("utf-8-sig"))))
    figures = {(row["day"] == "", row["stream"]): row["amount"] for row in rows}
    assert figures[True, "earned"] == figures[False, "earned"] == "342.00" and figures[True, "now.held"] == "342.00"
    assert figures[True, "commission"] == "-38.00"
    await member.presses(Earn(to="png", **mine))
    [sent] = [call for call in member.session.calls if call.__api_method__ == "sendPhoto"]
    assert content_of(sent, "photo").startswith(b"\x89PNG")


async def test_a_command_or_a_photo_in_the_middle_of_typing_is_answered(shop: Shop, of: Supplied, member: Chatter) -> None:
    mine = {"supplier": of.supplier_id, "currency": "CNY"}
    for command in ("/start", "/help", "/earnings"):
        await member.presses(Earn(to="type", **mine))
        assert await member.says(command)
        assert await member.says("Bank of China 6217, Li Ming"), "it is a search by now"
    await member.presses(Earn(to="type", **mine))
    assert "does not say" in await member.sends_document("account.pdf", 100)
    await member.says("Bank of China 6217, Li Ming")
    await member.presses(Earn(to="ask", **mine))
    assert "not an amount" not in await member.says("/start")
    await member.presses(Earn(to="ask", **mine))
    assert "not an amount" in await member.sends_document("account.pdf", 100)
    assert button(member, "sup$:days")
    await member.says("/earnings")
    assert button(member, "spg:home")


async def test_an_account_stands_in_no_notice_and_in_no_log(
    shop: Shop, storefront: Storefront, of: Supplied, member: Chatter, database_url: str
) -> None:
    mine = {"supplier": of.supplier_id, "currency": "CNY"}
    for account in ("Bank of China 62170001, Li Ming", "Bank of China 62170002, Li Ming"):
        await member.presses(Earn(to="type", **mine))
        await member.says(account)
    for table, column in (("outbox", "body"), ("actions", "after"), ("actions", "before")):
        assert await scalar(database_url, f"SELECT count(*) FROM {table} WHERE CAST({column} AS VARCHAR) LIKE '%6217%'") == 0
    assert await scalar(database_url, "SELECT count(*) FROM outbox WHERE CAST(body AS VARCHAR) LIKE '%Ban****Ming%'") == 1


async def test_what_a_provider_says_is_read_by_the_staff_only(
    shop: Shop, storefront: Storefront, clock: Clock, of: Supplied, member: Chatter, desk: Chatter, database_url: str
) -> None:
    await sold(shop, storefront, of, 4)
    await released(shop, clock)
    ids: dict[str, Any] = {"supplier_id": of.supplier_id, "storefront_id": storefront.id, "by": of.by}
    await shop.write(settlement.set_address, to=settlement.PayTo.CRYPTO_PAY, words="4711000", **ids)
    asked = await shop.write(settlement.ask_payout, currency="CNY", **ids)
    await shop.write(settlement.approve_payout, payout_id=asked.id, by=desk_by(desk))
    taken = await shop.write(settlement.take_payout)
    assert taken is not None
    await shop.write(settlement.payout_declined, payout_id=asked.id, tries=taken.tries, why="INSUFFICIENT_FUNDS of app 4242")

    said = await member.presses(Earn(to="payouts", supplier=of.supplier_id, currency="CNY"))
    assert "look where your money goes" in said and "4242" not in said
    words = "SELECT count(*) FROM outbox WHERE CAST(body AS VARCHAR) LIKE '%4242%' AND CAST(body AS VARCHAR) LIKE '%payout-refused%'"
    assert await scalar(database_url, words) == 0
    assert await scalar(database_url, "SELECT count(*) FROM outbox WHERE CAST(body AS VARCHAR) LIKE '%4242%'") >= 1
    said = await desk.presses(Go(to="payout", id=asked.id))
    assert "telegram:" not in said and "4242" not in said


async def test_another_suppliers_money_is_nobody_elses(shop: Shop, storefront: Storefront, of: Supplied, desk: Chatter) -> None:
    other = await supplied(shop, storefront, name="Other")
    stranger = Chatter(shop, storefront, other.telegram_id)
    await stranger.says("/start")
    for to in ("days", "csv", "png", "ask", "all", "payouts", "came", "where", "type", "wanted"):
        said = await stranger.presses(Earn(to=to, supplier=of.supplier_id, id=1, currency="CNY"))
        assert "Supplier of Steam" not in said and not any("sendPhoto" in c.__api_method__ for c in stranger.session.calls)
    assert await shop.read(settlement.payouts_of, of.supplier_id) == []
    nobody = Chatter(shop, storefront, 123_456)
    await nobody.says("/start")
    assert "for suppliers" in await nobody.says("/earnings")
    for data in ("sup$:days:zz:1:CNY", "sup$:nothing:1:1:", "sup$:all:1:-5:CNY"):
        await nobody.presses(data)


async def test_what_three_people_missed_is_shown_and_what_two_missed_is_not(
    shop: Shop, storefront: Storefront, clock: Clock, of: Supplied, member: Chatter, desk: Chatter
) -> None:
    missed.take(10_000)
    for number in range(3):
        chatter = Chatter(shop, storefront, 880_000 + number)
        await chatter.says("/start")
        for text in ("xyzzy voucher", "my phone 5551234" if number else "xyzzy voucher"):
            await chatter.says(text)
    noted = missed.take()
    assert await shop.write(settlement.count_missed, storefront_id=storefront.id, missed=noted[storefront.id]) == 5
    assert await shop.write(settlement.count_missed, storefront_id=storefront.id, missed=noted[storefront.id]) == 0

    for said in (await member.presses(Earn(to="wanted", supplier=of.supplier_id)), await desk.presses(Go(to="wanted"))):
        assert re.search(r"xyzzy voucher.*3 people", said) and "5551234" not in said
    assert await shop.write(settlement.forget_demand) == 0
    clock.passes(days=70)
    assert await shop.write(settlement.forget_demand) == 5


@given(st.sampled_from(["fixed", "spread", "take", "commission"]), st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_whatever_is_typed_is_terms_or_a_sentence(form: str, text: str) -> None:
    try:
        terms = terms_typed(form, text, "CNY", "Asia/Shanghai")
    except Refusal:
        return
    assert from_json(to_json(terms)) == terms


@given(st.integers(0, 10_000))
@settings(max_examples=100, deadline=None)
def test_a_percentage_is_read_to_the_basis_point(bp: int) -> None:
    assert percent_typed(f"{bp // 100}.{bp % 100:02d} %") == percent_typed(f"{bp // 100},{bp % 100:02d}") == bp
