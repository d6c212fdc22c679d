"""A reseller makes a key in the chat, sees its secret once, limits and rotates it, and sends again what their program did not hear."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from bot.dispatcher import make_dispatcher
from core import api, journal, people, pricing
from core.api import Scope
from core.database import Shop, read
from core.storefronts import Storefront
from handlers.callbacks import LARGEST_ID
from handlers.reseller.api import ACTIONS, ACTS, KeyPress
from sandbox.phone import labels
from tests.handlers.counter import Buyer, Counter, opened
from tests.handlers.recorder import Person, breakages, recording_bot
from tests.programs import reseller as reseller_of
from tests.stage import Clock, Goods, person, put_on_sale

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running


@pytest.fixture
async def reseller(counter: Counter) -> Buyer:
    buyer = await counter.buyer("reseller")
    await buyer.say("/start")
    mine: dict[str, Any] = {"storefront_id": counter.storefront.id, "customer_id": buyer.customer.id}
    await counter.shop.write(people.set_wholesale, **mine, wholesale=True, by="test")
    return buyer


async def only(counter: Counter, buyer: Buyer) -> api.Key:
    [key] = await counter.shop.read(api.keys_of, buyer.customer.id)
    return key


@on_sqlite
async def test_a_key_is_made_shown_once_limited_rotated_and_disabled(counter: Counter, reseller: Buyer) -> None:
    await reseller.say("/api")
    await reseller.press("New key")
    await reseller.press("statements")  # Not those.
    made = await reseller.press("Make it")
    assert made is not None
    secret = await reseller.sees("🔐")
    key = await only(counter, reseller)
    opened_key = await counter.shop.read(api.find_key, key.name)
    assert opened_key is not None and opened_key.secrets[0] in secret["text"]
    assert key.scopes == frozenset(Scope) - {Scope.STATEMENT} and not key.sandbox
    await reseller.press("I have saved it")
    assert not [m for m in await reseller.phone.messages() if opened_key.secrets[0] in m.get("text", "")]

    for label, bad, good in (
        ("Limit", "much", "500"),
        ("Addresses", "everywhere else", "203.0.113.7, 198.51.100.0/24"),
        ("Reports", "shop.example", "https://shop.example/hook"),
    ):
        await reseller.press(label)
        again = await reseller.say(bad)
        assert "Cancel" in labels(again)
        assert "✅" in (await reseller.say(good))["text"]
    key = await only(counter, reseller)
    assert (key.day_limit_minor, key.addresses, key.callback_url) == (
        50_000,
        ("203.0.113.7/32", "198.51.100.0/24"),
        "https://shop.example/hook",
    )
    await reseller.press("New secret")
    await reseller.press("New secret")
    rotated = await counter.shop.read(api.find_key, key.name)
    assert rotated is not None and rotated.secrets[1:] == opened_key.secrets
    await reseller.press("I have saved it")
    await reseller.press("Disable")
    await reseller.press("Disable")
    assert await counter.shop.read(api.keys_of, reseller.customer.id) == []
    done = {entry.did for entry in await counter.shop.read(journal.latest, about="api-key", limit=50)}
    wanted = {"make-api-key", "rotate-api-key", "disable-api-key", "set-api-limit", "set-api-addresses", "set-api-callback"}
    assert wanted <= done & set(ACTIONS)


@on_sqlite
async def test_who_is_no_reseller_is_told_the_way(counter: Counter) -> None:
    buyer = await counter.buyer("buyer")

    said = await buyer.say("/api")

    assert "/reseller" in said["text"] and labels(said) == []


@on_sqlite
async def test_what_a_program_did_not_hear_is_seen_and_sent_again(
    counter: Counter, reseller: Buyer, shop: Shop, storefront: Storefront
) -> None:
    goods: Goods = await put_on_sale(shop, storefront)
    made = await shop.write(api.make_key, customer_id=reseller.customer.id, by="test", callback_url="https://shop.example/hook")
    await _dead_letter(shop, made, goods)

    await reseller.say("/api")
    await reseller.press(made.key.name[:10])
    await reseller.sees("1 report was not heard")
    await reseller.press("Send them again")

    assert "not heard" not in (await reseller.screen())["text"]
    assert (await shop.read(api.reports_of, made.key.id)).waiting == 1


async def _dead_letter(shop: Shop, made: api.NewKey, goods: Goods) -> None:
    """A report of a changed price that went up the whole ladder."""
    await shop.write(api.note_changes, storefront_id=goods.storefront.id)
    clock: Any = shop.tools.clock
    clock.passes(seconds=10)
    await shop.write(pricing.set_price, storefront_id=goods.storefront.id, sku_id=goods.sku_id, retail_minor=1, currency="CNY")
    await shop.write(api.note_changes, storefront_id=goods.storefront.id)
    while due := await shop.write(api.take_reports):
        await shop.write(api.not_heard, report_id=due[0].id, trouble="no connection")
        clock.passes(hours=7)


@given(act=st.sampled_from(sorted(ACTS)), id=st.integers(0, LARGEST_ID), arg=st.from_regex(r"[a-z0-9.]{0,16}", fullmatch=True))
def test_a_button_fits_and_comes_back_as_it_was(act: str, id: int, arg: str) -> None:
    made = KeyPress(act=act, id=id, arg=arg)

    packed = made.pack()

    assert len(packed.encode()) <= 64 and KeyPress.unpack(packed) == made


@on_sqlite
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
async def test_whatever_is_pressed_or_typed_is_answered_and_touches_nobody_elses_key(
    shop: Shop, storefront: Storefront, data: st.DataObject
) -> None:
    bot, said = recording_bot()
    dispatcher = make_dispatcher(shop, storefront, {})
    broken = breakages(dispatcher)
    if await shop.read(people.find, storefront_id=storefront.id, telegram_id=88) is None:
        owner = await reseller_of(shop, storefront)
        await shop.write(api.make_key, customer_id=owner.id, by="test", day_limit_minor=77)
        mallory = await person(shop, storefront, 88)
        await shop.write(people.set_wholesale, storefront_id=storefront.id, customer_id=mallory.id, wholesale=True, by="test")
    mallory_presses = Person(dispatcher, bot, 88)
    for act in sorted(ACTS):
        arg = data.draw(st.sampled_from(["", "limit", "addr", "url", "label", "rotate", "31.own", "0.own", "99.x.t", "4"]))
        if act == "make":
            arg = "0.own"
        await mallory_presses.presses(KeyPress(act=act, id=data.draw(st.sampled_from([1, 2, 99])), arg=arg).pack())
        assert said.taken(), act
        await mallory_presses.says(data.draw(st.text(min_size=1, max_size=50)))
        said.taken()
        if broken:
            raise broken[0]
    [untouched] = [key for key in [await shop.read(_first_key)] if key]
    assert (untouched.day_limit_minor, untouched.disabled_at, untouched.old_until) == (77, None, None)


@read
def _first_key(session: Session) -> api.Key | None:
    return next(iter(api.keys_of(session, api.owner_of(session, 1).id)), None)


@on_sqlite
async def test_a_key_has_a_last_day_and_its_owner_hears_before_it_ends(counter: Counter, reseller: Buyer, clock: Clock) -> None:
    await reseller.say("/api")
    await reseller.press("New key")
    await reseller.press("Make it")
    await reseller.press("I have saved it")
    await reseller.press("Last day")
    for bad in ("soon", "2020-01-01", "31.02.2027", "2190-01-01"):
        assert "Until which day" in (await reseller.say(bad))["text"]
    assert (await only(counter, reseller)).expires_at is None
    day = (clock() + timedelta(days=20)).date()
    assert "⏳ Works until" in (await reseller.say(f"{day:%d.%m.%Y}"))["text"]
    ends = (await only(counter, reseller)).expires_at
    assert ends is not None and ends > clock() + timedelta(days=19)

    assert await counter.shop.write(api.tell_expiring) == 0
    told = 0
    for until_end, more in ((timedelta(days=6), 1), (timedelta(days=5), 0), (timedelta(hours=20), 1), (-timedelta(minutes=1), 1)):
        clock.passes(seconds=(ends - until_end - clock()).total_seconds())
        assert await counter.shop.write(api.tell_expiring) == more
        told += more
    assert await counter.shop.write(api.tell_expiring) == 0 and told == 3
    await reseller.sees("ended on")

    await reseller.say("/api")
    await reseller.press("🔑")
    await reseller.press("Last day")
    assert "⏳ Works until" not in (await reseller.say("no"))["text"]
    assert (await only(counter, reseller)).expires_at is None
    assert "set-api-expiry" in {entry.did for entry in await counter.shop.read(journal.latest, about="api-key", limit=50)}
