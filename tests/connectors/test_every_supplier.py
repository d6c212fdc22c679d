"""What every upstream's connector promises, each against its own fake over HTTP, with everything that may go wrong."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

import connectors.suppliers
from connectors.settings import SetUpWrong
from connectors.suppliers import acg_faka, dujiao_next, own_shop, protocols, topup, upstream
from core.ports import Callback, Declined, NotGenuine, NotSure, TellsChanges, UpstreamAsk, UpstreamOrder, UpstreamShop, UpstreamState
from sandbox.gateways import OwnShopUpstream, Upstream
from tests.connectors.suppliers import KEY, SECRET, STANDS, Stand, stocked
from tests.stage import numbers

DOOR = "/supply/a-word-that-nobody-knows"
SHORT = 0.3


@pytest.fixture(params=list(STANDS))
def stand(request: pytest.FixtureRequest) -> Stand:
    return STANDS[str(request.param)]


@pytest.fixture
async def fake(stand: Stand) -> AsyncIterator[Upstream]:
    running = stocked(stand)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def shop(stand: Stand, fake: Upstream) -> AsyncIterator[UpstreamShop]:
    made = upstream(_name(stand), stand.settings(fake.url))
    yield made
    await made.close()


def _name(stand: Stand) -> str:
    return next(name for name, each in STANDS.items() if each is stand)


def hasty(stand: Stand, url: str) -> UpstreamShop:
    """The same connector, without patience."""
    makers: dict[str, Callable[[], UpstreamShop]] = {
        "own-shop": lambda: own_shop.OwnShop(url, KEY, SECRET, seconds=SHORT),
        "dujiao-next": lambda: dujiao_next.DujiaoNext(url, KEY, SECRET, seconds=SHORT),
        "acg-faka": lambda: acg_faka.AcgFaka(url, "1001", SECRET, "CNY", "a@example.com", seconds=SHORT),
        "topup": lambda: topup.Topup(url, KEY, SECRET, seconds=SHORT),
    }
    return makers[_name(stand)]()


def ask(stand: Stand, *, quantity: int = 2, most_minor: int = 900, number: str = "") -> UpstreamAsk:
    return UpstreamAsk(number or f"T{next(numbers):08d}", stand.key, quantity, most_minor, "CNY", stand.fields())


async def resolved(shop: UpstreamShop, asked: UpstreamAsk) -> UpstreamOrder | None:
    """What an unknown order is found to be, by the means that this protocol has."""
    if shop.can.finds_by_number:
        return await shop.find(asked.number, None)
    assert shop.can.repeats, "an order that cannot be found can at least be ordered again"
    return await shop.order(asked)


def over(fake: Upstream, order: UpstreamOrder, asked: UpstreamAsk) -> None:
    """Whatever is delivered later is delivered now."""
    if order.state is UpstreamState.WORKING:
        fake.finish(asked.number)


def test_every_file_of_the_folder_has_a_stand_here_and_asks_for_its_settings_with_examples() -> None:
    assert set(protocols()) == set(STANDS)
    for name, protocol in protocols().items():
        assert 0 < len(name) <= 16
        assert [setting.secret for setting in protocol.settings].count(True) == 1
        assert all(setting.example and setting.title and len(setting.name) <= 16 for setting in protocol.settings)
        assert upstream(name, STANDS[name].settings("https://up.example")).name == name


@pytest.mark.parametrize(
    "wrong", ["http://shop.example", "ftp://shop.example", "shop.example", "https://a:b@shop.example", "https://x/?a=1"]
)
def test_an_address_without_https_is_refused_in_a_sentence_that_shows_no_secret(stand: Stand, wrong: str) -> None:
    with pytest.raises(SetUpWrong) as refusal:
        upstream(_name(stand), {**stand.settings("https://up.example"), "url": wrong})
    assert "url" in str(refusal.value) and SECRET not in str(refusal.value)


async def test_balance_and_catalogue_are_exact(stand: Stand, fake: Upstream, shop: UpstreamShop) -> None:
    fake.sells(f"{'9:91' if ':' in stand.key and stand.key[0].isdigit() else 'ZZ99'}", "Another", "0.07", stock=3, kind=stand.kind)

    prepaid = await shop.prepaid()
    page = await shop.catalogue()

    assert (prepaid.amount_minor, prepaid.currency, prepaid.name) == (1_000_000, "CNY", "Upstream")
    items = {item.key: item for item in page.items}
    assert page.after is None and len(items) == 2
    assert items[stand.key].price_minor == 850 and "Steam 50" in items[stand.key].title and "<" not in items[stand.key].title
    assert sorted(item.price_minor for item in items.values()) == [7, 850]
    assert items[stand.key].stock == (None if stand.kind == "topup" else 20)
    one = await shop.item(stand.key)
    assert one is not None and (one.key, one.price_minor, one.stock) == (stand.key, 850, items[stand.key].stock)
    fake.drop(stand.key)
    assert await shop.item(stand.key) is None


async def test_a_long_catalogue_comes_in_parts_without_a_gap(stand: Stand, fake: Upstream, shop: UpstreamShop) -> None:
    for n in range(230):
        fake.sells(f"{100 + n}:{1000 + n}" if _name(stand) == "dujiao-next" else f"K{n:03d}", f"Card {n}", "1.00", stock=1, kind=stand.kind)
    keys: list[str] = []
    after = None
    while True:
        page = await shop.catalogue(after)
        keys += [item.key for item in page.items]
        after = page.after
        if after is None:
            break
    assert len(keys) == len(set(keys)) == 231


async def test_an_order_brings_its_codes_and_is_found_again(stand: Stand, fake: Upstream, shop: UpstreamShop) -> None:
    asked = ask(stand)

    order = await shop.order(asked)
    over(fake, order, asked)
    found = await shop.find(asked.number, order.ref)

    assert found is not None and found.state is UpstreamState.DONE and found.ref == order.ref
    assert (found.amount_minor, found.currency, found.got) == (1700, "CNY", 2)
    assert [code.card_pwd for code in found.codes] == fake.order(asked.number).codes
    assert fake.handed_out[asked.number] == 1
    assert all(code.card_pwd not in repr(found) for code in found.codes if code.card_pwd)


async def test_many_codes_are_fetched_to_the_last_one(stand: Stand, fake: Upstream, shop: UpstreamShop) -> None:
    if stand.kind == "topup":
        pytest.skip("a top-up has no codes")
    fake.restock(stand.key, 300)
    order = await shop.order(ask(stand, quantity=250))
    assert len({code.card_pwd for code in order.codes}) == 250


async def test_work_done_before_a_time_out_is_not_sure_and_is_found_once(stand: Stand, fake: Upstream) -> None:
    shop, asked = hasty(stand, fake.url), ask(stand)
    await shop.prepaid()
    fake.faults.stall_after_work_seconds, fake.faults.next_call_only = 5.0, True

    with pytest.raises(NotSure):
        await shop.order(asked)
    found = await resolved(shop, asked)

    assert found is not None and fake.handed_out[asked.number] == (0 if stand.kind == "topup" else 1)
    assert [bought.number for bought in fake.orders] == [asked.number]
    await shop.close()


@pytest.mark.parametrize("fault", ["nonsense", "says_repeated"])
async def test_work_done_and_said_badly_is_found_once(stand: Stand, fake: Upstream, shop: UpstreamShop, fault: str) -> None:
    asked = ask(stand)
    await shop.prepaid()
    setattr(fake.faults, fault, True)
    fake.faults.next_call_only = True

    try:
        order: UpstreamOrder | None = await shop.order(asked)
    except NotSure:
        order = await resolved(shop, asked)

    assert order is not None and len(fake.orders) == 1
    over(fake, order, asked)
    found = await shop.find(asked.number, order.ref)
    assert found is not None and found.got == 2 and fake.handed_out[asked.number] == 1


async def test_a_broken_server_is_not_sure_whatever_is_asked(stand: Stand, fake: Upstream, shop: UpstreamShop) -> None:
    fake.faults.errors_500 = 100
    calls: list[Callable[[], Any]] = [
        shop.prepaid,
        shop.catalogue,
        lambda: shop.item(stand.key),
        lambda: shop.order(ask(stand)),
        lambda: shop.find("T1", "U1"),
    ]
    for call in calls:
        with pytest.raises(NotSure):
            await call()
    assert fake.orders == []


async def test_a_slow_server_is_not_sure(stand: Stand, fake: Upstream) -> None:
    shop = hasty(stand, fake.url)
    fake.faults.slow_seconds = 1.0
    with pytest.raises(NotSure):
        await shop.prepaid()
    await shop.close()


async def test_the_same_number_is_one_order(stand: Stand, fake: Upstream, shop: UpstreamShop) -> None:
    asked = ask(stand)
    await shop.order(asked)

    if shop.can.repeats:
        await shop.order(asked)
    else:
        # It is an error there: neither a yes nor a no.
        with pytest.raises(NotSure):
            await shop.order(asked)

    assert len(fake.orders) == 1


async def test_many_at_once_under_one_number_are_one_order(stand: Stand, fake: Upstream, shop: UpstreamShop) -> None:
    asked = ask(stand)
    await asyncio.gather(*(shop.order(asked) for _ in range(8)), return_exceptions=True)
    assert len(fake.orders) == 1


async def test_a_no_is_a_no(stand: Stand, fake: Upstream, shop: UpstreamShop) -> None:
    fake.balance -= 9999
    with pytest.raises(Declined):
        await shop.order(ask(stand))
    gone = dataclasses.replace(ask(stand), key="9:99" if _name(stand) == "dujiao-next" else "NONE")
    with pytest.raises(Declined):
        await shop.order(gone)
    if stand.kind == "code":
        with pytest.raises(Declined):
            await shop.order(ask(stand, quantity=0))
    assert fake.orders == []


async def test_a_wrong_secret_is_refused_and_shown_nowhere(stand: Stand, fake: Upstream) -> None:
    wrong = "another-secret-0002"
    settings = {name: wrong if value == SECRET else value for name, value in stand.settings(fake.url).items()}
    shop = upstream(_name(stand), settings)
    with pytest.raises((Declined, NotSure)) as refusal:
        await shop.prepaid()
    assert wrong not in str(refusal.value) and "<" not in str(refusal.value)
    with pytest.raises((Declined, NotSure)):
        await shop.order(ask(stand))
    assert fake.orders == []
    await shop.close()


async def test_less_than_ordered_is_said_with_what_came(stand: Stand, fake: Upstream, shop: UpstreamShop) -> None:
    asked = ask(stand)
    await shop.prepaid()
    fake.faults.partial = True

    order = await shop.order(asked)
    over(fake, order, asked)
    found = await shop.find(asked.number, order.ref)

    assert found is not None and (found.state, found.got) == (UpstreamState.PARTLY, 1)
    assert (found.amount_minor, len(found.codes)) == (850, 0 if stand.kind == "topup" else 1)


async def test_what_is_really_charged_is_told(stand: Stand, fake: Upstream, shop: UpstreamShop) -> None:
    await shop.prepaid()
    fake.faults.charges_more = True
    assert (await shop.order(ask(stand))).amount_minor == 1800


async def test_what_is_taken_back_later_is_seen(stand: Stand, fake: Upstream, shop: UpstreamShop) -> None:
    if _name(stand) == "acg-faka":
        pytest.skip("this protocol never says so")
    asked = ask(stand)
    order = await shop.order(asked)
    over(fake, order, asked)
    fake.reverse(asked.number)
    found = await shop.find(asked.number, order.ref)
    assert found is not None and found.state is UpstreamState.REVERSED


async def test_what_waits_fails_or_is_called_off(stand: Stand, fake: Upstream, shop: UpstreamShop) -> None:
    fake.by_hand = True
    asked, second = ask(stand), ask(stand)
    order = await shop.order(asked)
    assert order.state is UpstreamState.WORKING
    other = await shop.order(second)
    fake.fail(asked.number)
    if _name(stand) == "acg-faka":
        with pytest.raises(Declined):
            await shop.cancel(second.number, other.ref)
        return
    found = await shop.find(asked.number, order.ref)
    assert found is not None and found.state is UpstreamState.FAILED
    assert await shop.cancel(second.number, other.ref) is UpstreamState.FAILED
    delivered = ask(stand)
    fake.by_hand = False
    third = await shop.order(delivered)
    over(fake, third, delivered)
    with pytest.raises(Declined):
        await shop.cancel(delivered.number, third.ref)


async def test_what_it_does_not_know_is_none_and_a_forgetful_one_says_the_same(stand: Stand, fake: Upstream, shop: UpstreamShop) -> None:
    if not shop.can.finds_by_number:
        with pytest.raises(NotSure):
            await shop.find("T-never", None)
        assert await shop.find("T-never", "U-never") is None
        return
    assert await shop.find("T-never", None) is None
    asked = ask(stand)
    await shop.order(asked)
    fake.faults.forgets = True
    assert await shop.find(asked.number, None) is None


async def test_the_price_guard_goes_along_where_the_protocol_has_one(stand: Stand, fake: Upstream, shop: UpstreamShop) -> None:
    if _name(stand) not in ("own-shop", "topup"):
        pytest.skip("this protocol has no price guard: the price is asked before")
    fake.reprice(stand.key, "9.01")
    with pytest.raises(Declined):
        await shop.order(ask(stand, most_minor=900))
    assert fake.orders == []


async def test_accounts_are_checked_where_they_can_be(stand: Stand, fake: Upstream, shop: UpstreamShop) -> None:
    if not shop.can.validates:
        assert (await shop.check_account(stand.key, {})).good
        return
    good = await shop.check_account(stand.key, {"account": "13800001111"})
    bad = await shop.check_account(stand.key, {"account": "0"})
    assert good.good and "***" in good.shown and "13800001111" not in good.shown
    assert (bad.good, bad.why) == (False, "no such account")
    assert fake.orders == []


async def test_changes_are_told_from_where_one_stopped() -> None:
    fake = stocked(STANDS["own-shop"])
    await fake.start()
    shop = upstream("own-shop", STANDS["own-shop"].settings(fake.url))
    assert isinstance(shop, TellsChanges)
    begin = await shop.changes("")
    assert begin.notices == ()
    fake.reprice("steam-50", "8.80")
    fake.restock("steam-50", 5)
    told = await shop.changes(begin.after)
    assert [(notice.price_minor, notice.stock) for notice in told.notices] == [(880, 25), (880, 25)]
    assert (await shop.changes(told.after)).notices == []
    await shop.close()
    await fake.stop()


# What comes in at our door


def _letter(fake: Upstream, number: str) -> Callback:
    bought = fake.order(number)
    letter = fake._callback(bought)
    assert letter is not None
    return Callback((), {name.lower(): value for name, value in letter.headers.items()}, letter.body, DOOR)


async def test_a_genuine_callback_names_the_order_and_nothing_of_it_is_believed(stand: Stand, fake: Upstream, shop: UpstreamShop) -> None:
    if not shop.can.callback:
        with pytest.raises(NotGenuine):
            await shop.callback(Callback((), {}, b"{}", DOOR))
        return
    asked = dataclasses.replace(ask(stand), callback_url="http://127.0.0.1:9/")
    await shop.order(asked)
    heard = await shop.callback(_letter(fake, asked.number))
    assert (list(heard.numbers), list(heard.notices), bool(heard.reply)) == ([asked.number], [], True)


async def test_of_hundreds_of_forged_callbacks_none_is_accepted(stand: Stand, fake: Upstream, shop: UpstreamShop) -> None:
    if not shop.can.callback:
        pytest.skip("this protocol has no callbacks")
    asked = dataclasses.replace(ask(stand), callback_url="http://127.0.0.1:9/")
    await shop.order(asked)
    genuine, chance, refused = _letter(fake, asked.number), random.Random(7), 0
    await shop.callback(genuine)
    signed = next(name for name in genuine.headers if "signature" in name)
    stamped = next(name for name in genuine.headers if "timestamp" in name)
    keyed = next(name for name in genuine.headers if "key" in name)
    for turn in range(520):
        headers, body, query = dict(genuine.headers), genuine.body, ()
        match turn % 8:
            case 0:
                headers[signed] = f"{chance.getrandbits(256):064x}"
            case 1:
                place = chance.randrange(len(body))
                body = body[:place] + bytes([(body[place] + chance.randrange(1, 255)) % 256]) + body[place + 1 :]
            case 2:
                headers[stamped] = str(int(time.time()) - chance.choice((-4000, 61, 400, 10**6)))
            case 3:
                del headers[chance.choice((signed, stamped, keyed))]
            case 4:
                body = json.dumps({"number": asked.number, "reference": asked.number, "status": "success"}).encode()
            case 5:
                headers[keyed] = KEY[:-1]
            case 6:
                body += bytes([chance.randrange(256)])
            case _:
                headers[signed] = chance.choice(("", "ключ", headers[signed][:-1], headers[signed].upper() + "0", "\udcff"))
        with pytest.raises(NotGenuine):
            await shop.callback(Callback(query, headers, body, DOOR))
        refused += 1
    assert refused == 520


async def test_a_wrongly_signed_callback_of_the_fake_is_refused(stand: Stand, fake: Upstream, shop: UpstreamShop) -> None:
    if not shop.can.callback:
        pytest.skip("this protocol has no callbacks")
    asked = dataclasses.replace(ask(stand), callback_url="http://127.0.0.1:9/")
    await shop.order(asked)
    fake.faults.wrong_sign = True
    with pytest.raises(NotGenuine):
        await shop.callback(_letter(fake, asked.number))


async def test_a_change_of_an_item_is_told_with_its_version() -> None:
    fake = stocked(STANDS["own-shop"])
    assert isinstance(fake, OwnShopUpstream)
    shop = upstream("own-shop", STANDS["own-shop"].settings("http://127.0.0.1:9"))
    letter = fake._letter("http://127.0.0.1:9/", {"type": "item", "item": fake._change(fake.wares["steam-50"], "steam-50")})
    heard = await shop.callback(Callback((), {name.lower(): value for name, value in letter.headers.items()}, letter.body, DOOR))
    (notice,) = heard.notices
    assert (notice.key, notice.version, notice.price_minor, notice.stock) == ("steam-50", "1", 850, 20)
    await shop.close()


def test_the_worked_example_of_the_document_is_right() -> None:
    text = (connectors.suppliers.__file__ and "1700000000", "0123456789abcdef0123456789abcdef")
    body = b'{"number":"T00000001","item":"steam-50","quantity":2,"max_cost":"18.00","currency":"CNY","partial":true}'
    made = own_shop.signature("c0ffee", text[0] or "", text[1], "POST", "/api/v1/orders", body)
    from pathlib import Path

    document = (Path(__file__).parents[2] / "docs" / "upstreams.md").read_text(encoding="utf-8")
    assert made in document
    assert acg_faka.sign({"app_id": "1001", "b": "", "a": "甲 乙"}, "K") in document
    assert dujiao_next.signature("c0ffee", "POST", "/api/v1/upstream/ping", "1700000000", b"") in document
    assert topup.signature("c0ffee", "1700000000", "GET", "/v1/account", b"") in document
