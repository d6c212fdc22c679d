"""An admin strikes, suspends, switches off, takes down, bans and decides in the chat; each change is in the action log."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram.methods import EditMessageText, SendDocument, SendMessage
from aiogram.types import InlineKeyboardMarkup
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import blacklist, inventory, journal, outbox, people, standing, supply
from core.database import Shop
from core.inventory import Secret
from core.ports import CertificateFacts, CertificateState
from core.standing import TakedownState
from core.storefronts import Storefront
from core.supply import SourceClass, Standing
from handlers.admin.desk import Do, Go
from handlers.admin.log import ACTIONS, FIELDS
from handlers.notices import notice
from locales import Speech
from tests.admin import controlled
from tests.admin.direct import Chatter, at_the_desk
from tests.core.traders import consigned, trader
from tests.stage import Goods, stock


@pytest.fixture
async def desk(shop: Shop, storefront: Storefront) -> Chatter:
    return await at_the_desk(shop, storefront)


async def press(desk: Chatter, label: str) -> str:
    """Press the button of the newest screen that says so."""
    for call in reversed(desk.session.calls):
        markup: Any = getattr(call, "reply_markup", None)
        if isinstance(call, SendMessage | EditMessageText) and isinstance(markup, InlineKeyboardMarkup):
            [data] = [button.callback_data for row in markup.inline_keyboard for button in row if label in button.text]
            assert data is not None
            return await desk.presses(data)
    raise AssertionError("no screen")


async def done(shop: Shop) -> list[str]:
    """What the staff did, oldest first, and that the log has a name for all of it."""
    entries = [entry for entry in await shop.read(journal.latest, limit=100) if entry.by == "telegram:7001"]
    for entry in entries:
        assert entry.did in ACTIONS, entry.did
        assert set(entry.before) | set(entry.after) <= set(FIELDS), entry
        assert entry.before != entry.after
    return [entry.did for entry in reversed(entries)]


async def test_a_supplier_is_struck_suspended_let_go_and_trusted_more(shop: Shop, desk: Chatter, goods: Goods) -> None:
    acme = await trader(shop, "Acme Codes")
    theirs = await consigned(shop, goods, acme.id)

    assert "Who brings goods" in await desk.presses(Go(to="supply"))
    await press(desk, "🏭 Suppliers")
    screen = await press(desk, "Acme Codes")
    assert "Standing: 🤝 trusted" in screen and "1 offer" in screen and "held for 7 days" in screen
    await press(desk, "⚠️ Strike")
    assert "Strikes: 1 of 3" in await desk.says("late answers")
    await press(desk, "⏳ Days of hold")
    assert "held for 30 days (agreed)" in await desk.says("30")
    await press(desk, "⏳ Days of hold")
    assert "Please type a whole number from 0 to 365." in await desk.says("soon")
    assert "held for 7 days." in await desk.says("-")
    await press(desk, "⛔ Suspend")
    assert "⛔ Suspended since" in await desk.says("used codes")
    assert await shop.read(supply.stops, [theirs])
    assert "⛔ Suspended" not in await press(desk, "✅ Lift the suspension")
    assert not await shop.read(supply.stops, [theirs])
    assert "Strikes" not in await press(desk, "Take back: late answers")
    await press(desk, "🏅 Standing")
    await press(desk, "authorised")
    assert "Standing: 🏅 authorised" in await desk.says("papers are in order")
    assert "Acme Codes" not in await desk.answers("supplier.find", 0, "nobody")
    await desk.answers("supplier.find", 0, "acme")
    assert await done(shop) == [
        "strike",
        "set-hold-days",
        "set-hold-days",
        "suspend-supplier",
        "unsuspend-supplier",
        "lift-strike",
        "set-standing",
    ]
    assert "suspended supplier" in await desk.presses(Go(to="log"))


async def test_the_shop_itself_can_be_looked_at_and_not_be_suspended(shop: Shop, desk: Chatter, goods: Goods) -> None:
    own = goods.storefront.party_id
    assert "the shop itself" in await desk.presses(Go(to="supplier", id=own))
    assert "This is the shop itself." in await desk.answers("supplier.suspend", own, "x")


async def test_the_rights_of_a_standing_are_changed_line_by_line(shop: Shop, desk: Chatter) -> None:
    await desk.presses(Go(to="sup-rules"))
    await press(desk, "🌱 new")
    for button, answer in (
        ("⏳ Days of hold", "21"),
        ("📦 Codes", "500"),
        ("🏷 Offers", "3"),
        ("⚠️ Strike from %", "4"),
        ("so many sales", "25"),
    ):
        await press(desk, button)
        await desk.says(answer)
    await press(desk, "☑️ New offers wait for us")
    await press(desk, "⬜ from another shop")

    may = await shop.read(standing.rights, Standing.NEW)
    assert (may.hold_days, may.most_on_shelf, may.most_offers, may.approve) == (21, 500, 3, False)
    assert (may.cases_basis_points, may.least_sales) == (400, 25)
    assert may.classes == frozenset({SourceClass.OWN_STOCK, SourceClass.UPSTREAM})
    assert await done(shop) == ["change-standing-rule"] * 7


async def test_a_switch_is_pressed_after_its_reason_and_a_confirmation_and_lifted(shop: Shop, desk: Chatter, goods: Goods) -> None:
    await desk.presses(Go(to="switches"))
    await press(desk, "🛑 The whole shop")
    confirm = await desk.says("an audit")
    assert "Switch <b>The whole shop</b> off?" in confirm and "This stops 1 offer at once." in confirm
    assert await shop.read(standing.switches) == [], "nothing happens before the confirmation"
    old = next(data for data in desk.keyboard() if data.startswith("adm!:switch-off"))
    assert "The whole shop</b> is switched off since" in await press(desk, "🛑 Yes")
    assert "out of date" in await desk.presses(old)
    assert await shop.read(supply.ranked, [goods.sku_id]) == []
    assert "Everything is on." in await press(desk, "🟢 Switch on again")

    await press(desk, "📁 A category")
    await press(desk, "Game cards")
    await desk.says("a letter")
    assert "Game cards</b> is switched off" in await press(desk, "🛑 Yes")
    await press(desk, "🎁 A product")
    await desk.says("steam")
    await press(desk, "Steam")
    await desk.says("another letter")
    await press(desk, "🛑 Yes")
    stops = await shop.read(supply.stops, [goods.offer_id])
    assert len(stops) == 2
    assert await done(shop) == ["switch-off", "switch-on", "switch-off", "switch-off"]


async def test_a_complaint_is_registered_decided_once_and_kept_as_a_file(shop: Shop, desk: Chatter, goods: Goods) -> None:
    await desk.presses(Go(to="takedowns"))
    await press(desk, "⚖️ New complaint")
    await press(desk, "™️ A brand")
    assert "This stops 1 offer at once." in await desk.says("STEAM")
    assert "needs three lines" in await desk.says("Valve")
    screen = await desk.says("Valve\nDMCA-1\nThese are stolen.\nReally.")
    assert "State: 🔴 open" in screen and "the brand STEAM" in screen and "These are stolen.\nReally." in screen
    await press(desk, "📝 Add to it")
    assert "They have a contract." in await desk.says("They have a contract.")
    await press(desk, "💾 As a file")
    [sent] = [call for call in desk.session.calls if isinstance(call, SendDocument)]
    content = getattr(sent.document, "data", b"").decode()
    assert "DMCA-1" in content and "These are stolen." in content and "They have a contract." in content
    await desk.presses(Go(to="takedown", id=1))
    await press(desk, "✅ Reject")
    assert "State: ✅ rejected" in await desk.says("A contract.")
    assert "This was decided already." in await desk.answers("takedown.uphold", 1, "No!")
    assert await shop.read(supply.stops, [goods.offer_id]) == []

    await desk.answers("takedown.goods", 0, "steam")
    await press(desk, "Steam")
    await press(desk, "Steam 50")
    await desk.says("Valve\nDMCA-2\nAgain.")
    await press(desk, "⛔ Uphold")
    assert "State: ⛔ upheld" in await desk.says("Counterfeit.")
    found = await shop.read(standing.takedown, 2)
    assert found is not None and found.state is TakedownState.UPHELD and found.voided == 40
    assert "Nothing was found" in await desk.answers("takedown.offer", 0, "999")
    await desk.answers("takedown.offer", 0, str(goods.offer_id))
    assert await done(shop) == [
        "register-takedown",
        "add-to-takedown",
        "decide-takedown",
        "register-takedown",
        "decide-takedown",
    ]


async def test_words_brands_and_people_are_listed_and_taken_off(shop: Shop, desk: Chatter) -> None:
    await desk.presses(Go(to="words"))
    await press(desk, "➕ Ban a word")
    assert "hacked: stolen goods" in await desk.says("hacked\nstolen goods")
    assert "has no letters" in await desk.answers("word.add", 0, "–––")
    await desk.presses(Go(to="words"))
    assert "There are none yet." in await press(desk, "✖️ Take away: hacked")
    await press(desk, "™️ Brands")
    await press(desk, "➕ Add a brand")
    assert "• Steam" in await desk.says("Steam")
    assert "There are none yet." in await press(desk, "✖️ Take away: Steam")
    await desk.presses(Go(to="bl-people"))
    await press(desk, "➕ By Telegram id")
    assert "…789: used codes" in await desk.says("123456789\nused codes")
    assert await shop.read(blacklist.person_known, "telegram", "123456789") == "used codes"
    assert "The first line has to tell somebody" in await desk.answers("person.ban", 0, "---", "name")
    await desk.presses(Go(to="bl-people"))
    assert "There are none yet." in await press(desk, "✖️ Take away: Telegram id")
    assert await done(shop) == ["ban-word", "allow-word", "guard-brand", "free-brand", "ban-person", "pardon-person"]


async def test_a_list_of_codes_is_pasted_swept_told_of_and_taken_back(shop: Shop, desk: Chatter, goods: Goods) -> None:
    [code] = await stock(shop, goods.offer_id, goods.sku_id, 1)
    await desk.presses(Go(to="blacklist"))
    await press(desk, "📥 Send a list")
    screen = await desk.says(f"{code}\nSTOLEN-0002")
    assert "2 new codes" in screen and "being compared" in screen
    while await standing.sweep(shop):
        pass
    assert "1 unsold code of ours became void" in await desk.presses(Go(to="bl-list", id=1))
    found = await shop.read(inventory.find_code, Secret(None, code))
    assert found is not None and found.place == "void"
    await desk.presses(Go(to="import", id=goods.sku_id))
    await desk.presses(Go(to="bl-list", id=1))
    assert "It was taken back" in await press(desk, "↩️ Take this list back")
    assert await done(shop) == ["add-blacklist", "withdraw-blacklist"]


async def test_a_certificate_is_looked_up_by_a_person(shop: Shop, desk: Chatter) -> None:
    await shop.write(standing.want_check, "paper:1", CertificateFacts("AUTH-1", "Acme", "Steam", None))
    await desk.presses(Go(to="certs"))
    assert "not answered yet" in await press(desk, "AUTH-1")
    await press(desk, "✅ It is valid")
    assert "State: ✅ valid" in await desk.says("on the brand's site")
    assert "State: ⏳ not answered yet" in await press(desk, "🔁 Ask the registers again")
    await press(desk, "⛔ It is not")
    assert "State: ⛔ invalid" in await desk.says("-")
    [check] = await shop.read(standing.checks)
    assert (check.state, check.register) == (CertificateState.INVALID, standing.MANUAL)
    assert await done(shop) == ["decide-certificate"] * 3


async def test_every_notice_of_control_can_be_said_to_the_staff_and_to_suppliers(shop: Shop, desk: Chatter, goods: Goods) -> None:
    acme = await trader(shop, telegram_id=7001)
    offer = await consigned(shop, goods, acme.id)
    for _ in range(3):
        await shop.write(standing.strike, supplier_id=acme.id, reason="late", by="test")
    await shop.write(
        standing.strike, supplier_id=acme.id, reason="", by="clock", why=standing.StrikeWhy.CASES, facts={"units": 10, "cases": 3}
    )
    await shop.write(standing.unsuspend, supplier_id=acme.id, by="test")
    await shop.write(standing.switch_off, of=standing.SwitchOf.SUPPLIER, of_id=acme.id, reason="x", by="test")
    for upheld in (False, True):
        number = await shop.write(
            standing.register_takedown, of=standing.TakedownOf.OFFER, of_id=offer, who="V", reference="1", evidence="-", by="test"
        )
        await shop.write(standing.decide_takedown, takedown_id=number, upheld=upheld, reason="-", by="test")
    check = await shop.write(standing.want_check, "paper:1", CertificateFacts("AUTH-1", "Acme", "Steam", None))
    await shop.write(standing.ask_no_more, check_id=check)
    await blacklist.take_feed(shop, name="list.txt", by="test", lines=["A-1"])
    await standing.sweep(shop)

    customer = await shop.read(people.find, storefront_id=goods.storefront.id, telegram_id=7001)
    assert customer is not None
    bodies = await posted(shop, customer.id)
    said = [(await notice(body, Speech("en"), shop=shop, storefront=goods.storefront))[0] for body in bodies]

    assert {body["says"] for body in bodies} == {
        "struck",
        "suspended",
        "unsuspended",
        "switched-off",
        "takedown",
        "certificate",
        "blacklist-swept",
    }
    assert len(said) == len(bodies) and all(said)
    assert any("3 lost complaints of 10 sold" in one for one in said)


async def posted(shop: Shop, customer_id: int) -> list[dict[str, Any]]:
    """What waits in the outbox for this customer."""
    leased = await shop.write(outbox.lease, worker="test", most=100, seconds=60)
    return [dict(one.body) for one in leased if one.customer_id == customer_id]


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    act=st.sampled_from(sorted(controlled.PRESSED)),
    id_=st.integers(0, 10**15),
    arg=st.text(st.sampled_from("abcnew.trusted-0_"), max_size=24),
)
async def test_a_forged_button_of_control_is_answered_and_changes_nothing(shop: Shop, desk: Chatter, act: str, id_: int, arg: str) -> None:
    await desk.presses(Do(act=act, id=id_, arg=arg))
    for to in ("supplier", "sup-standing", "sup-rule", "takedown", "td-new", "td-skus", "bl-list", "cert", "sw-cats"):
        await desk.presses(Go(to=to, id=id_, arg=arg))
    for key in (
        "supplier.strike",
        "supplier.standing",
        "rule.hold",
        "switch.off",
        "takedown.file",
        "takedown.uphold",
        "person.ban",
        "cert.decide",
    ):
        await desk.answers(key, id_, "anything at all", arg[:8])
    assert await done(shop) == []
