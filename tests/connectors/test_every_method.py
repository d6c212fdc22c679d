"""One story for every way to be paid that is in the folder, told to its gateway over real HTTP, with the gateway's faults.

A new file in `connectors/payments/` is found by itself, and fails here until `PROVIDERS` says how its gateway is set up.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import logging
import pkgutil
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qsl

import aiohttp
import pytest
from aiohttp import web
from babel import Locale
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from connectors import payments as folder
from connectors.payments import stripe as stripe_connector
from core.money import MOST_MINOR, STARS, decimal_text
from core.ports import (
    Ask,
    Callback,
    Created,
    Declined,
    Event,
    NotGenuine,
    NotSure,
    PaymentMethod,
    PaymentState,
    Refund,
    TelegramCalls,
    Withdraws,
)
from sandbox.gateways import CryptoPayGateway, EpayGateway, Faults, Gateway, NotPayable, Pace, StripeGateway

NO_TELEGRAM = cast(TelegramCalls, None)
AMOUNT = 1999
PATIENCE_SECONDS = 0.8
PACE = Pace(repeat_after_seconds=(0.05, 0.1, 0.2, 0.5, 1.0), answer_seconds=3, hold_seconds=1)
REFERENCES = itertools.count(70_001)

# Whatever was asked, somebody else answers for these, and they have stories of their own.
WITHOUT_GATEWAY = {
    "stars": "Telegram reports by updates to the bot: test_stars.py, with a real bot in the sandbox",
    "transfer": "a person of the shop looks: test_transfer.py",
}
FILES = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))


@dataclass(frozen=True)
class Provider:
    """How a file of the folder meets its gateway, and how a callback of that protocol is forged."""

    names: tuple[str, ...]
    secrets: tuple[str, ...]
    gateway: Callable[[], Gateway[Any]]
    settings: Mapping[str, str]
    url_setting: str
    hurry: Callable[[PaymentMethod, pytest.MonkeyPatch], None]
    # The same words, signed with this secret by the protocol's own rule.
    sign: Callable[[Callback, str], Callback]
    # The secret that callbacks are signed with.
    secret: str
    # What the signature is and covers: two callbacks in which it is equal are the same callback.
    meaning: Callable[[Callback], object]
    # A callback signed rightly, so many seconds ago; None where the protocol has no time in it.
    aged: Callable[[Callback, int], Callback] | None = None
    creates_by_itself: bool = False  # No call is needed to create: the payer's browser does it.
    signed_query: bool = False
    says_refunded: bool = True  # A payment that was given back can be told from one that was not.


# epay.

EPAY_KEY = "epay-merchant-key-81f2"


def epay_sign(callback: Callback, secret: str) -> Callback:
    words = {name: value for name, value in callback.query if name != "sign"}
    text = "&".join(f"{name}={words[name]}" for name in sorted(words) if words[name] and name != "sign_type")
    sign = hashlib.md5((text + secret).encode(), usedforsecurity=False).hexdigest()
    return replace(callback, query=[*((n, v) for n, v in callback.query if n != "sign"), ("sign", sign)])


def epay_meaning(callback: Callback) -> object:
    posted = parse_qsl(callback.body.decode("latin-1"), keep_blank_values=True)
    return sorted((name, value) for name, value in [*callback.query, *posted] if value)


def hurried_line(method: PaymentMethod, monkeypatch: pytest.MonkeyPatch) -> None:
    line: Any = method.__dict__["_line"]
    monkeypatch.setattr(line, "_timeout", aiohttp.ClientTimeout(total=PATIENCE_SECONDS))


def epay(mode: str, status_of_refunded: int) -> Provider:
    return Provider(
        names=("epay-alipay", "epay-wxpay", "epay-qqpay"),
        secrets=(EPAY_KEY,),
        gateway=lambda: EpayGateway("1001", EPAY_KEY, status_of_refunded=status_of_refunded, pace=PACE),
        settings={"SHOP_EPAY_PID": "1001", "SHOP_EPAY_KEY": EPAY_KEY, "SHOP_EPAY_MODE": mode},
        url_setting="SHOP_EPAY_URL",
        hurry=hurried_line,
        sign=epay_sign,
        secret=EPAY_KEY,
        meaning=epay_meaning,
        creates_by_itself=mode == "page",
        signed_query=True,
        # The first version of the protocol has no word for it, and many gateways have.
        says_refunded=status_of_refunded == 2,
    )


# Crypto Pay.

CRYPTO_TOKEN = "12345:AAnotARealTokenAtAllButLongEnough01"
CRYPTO_HEADER = "crypto-pay-api-signature"


def crypto_sign(callback: Callback, secret: str) -> Callback:
    mark = hmac.new(hashlib.sha256(secret.encode()).digest(), callback.body, hashlib.sha256).hexdigest()
    return replace(callback, headers={**callback.headers, CRYPTO_HEADER: mark})


def crypto_aged(callback: Callback, seconds: int) -> Callback:
    then = datetime.now(UTC) - timedelta(seconds=seconds)
    said = json.loads(callback.body) | {"request_date": f"{then:%Y-%m-%dT%H:%M:%S}.000Z"}
    return crypto_sign(replace(callback, body=json.dumps(said).encode()), CRYPTO_TOKEN)


# Stripe.

STRIPE_KEY, STRIPE_SECRET = "sk_test_notARealKeyAtAll", "whsec_notARealSecretAtAll"


def stripe_sign(callback: Callback, secret: str, ago: int = 0) -> Callback:
    at = int(time.time()) - ago
    mark = hmac.new(secret.encode(), f"{at}.".encode() + callback.body, hashlib.sha256).hexdigest()
    return replace(callback, headers={**callback.headers, "stripe-signature": f"t={at},v1={mark}"})


def stripe_meaning(callback: Callback) -> object:
    items = [item.split("=", 2) for item in callback.headers.get("stripe-signature", "").split(",")]
    try:
        at = int(next(item[1] for item in items if item[0] == "t"))
        # Stripe may add further signatures, and signs with two secrets while one is being changed.
        return at, min(item[1] for item in items if item[0] == "v1"), callback.body
    except (StopIteration, ValueError, IndexError):
        return None


def hurried_stripe(method: PaymentMethod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe_connector, "ANSWER_SECONDS", PATIENCE_SECONDS)


PROVIDERS: dict[str, list[Provider]] = {
    "epay": [epay("api", 2), epay("page", 1)],
    "crypto_pay": [
        Provider(
            names=("crypto-pay",),
            secrets=(CRYPTO_TOKEN,),
            gateway=lambda: CryptoPayGateway(CRYPTO_TOKEN, pace=PACE),
            settings={"SHOP_CRYPTO_PAY_TOKEN": CRYPTO_TOKEN, "SHOP_CRYPTO_PAY_CURRENCY": "USD"},
            url_setting="SHOP_CRYPTO_PAY_URL",
            hurry=hurried_line,
            sign=crypto_sign,
            secret=CRYPTO_TOKEN,
            meaning=lambda callback: (callback.headers.get(CRYPTO_HEADER), callback.body),
            aged=crypto_aged,
        )
    ],
    "stripe": [
        Provider(
            names=("stripe",),
            secrets=(STRIPE_KEY, STRIPE_SECRET),
            gateway=lambda: StripeGateway(STRIPE_KEY, STRIPE_SECRET, pace=PACE),
            settings={"SHOP_STRIPE_KEY": STRIPE_KEY, "SHOP_STRIPE_WEBHOOK_SECRET": STRIPE_SECRET, "SHOP_STRIPE_CURRENCY": "USD"},
            url_setting="SHOP_STRIPE_URL",
            hurry=hurried_stripe,
            sign=stripe_sign,
            secret=STRIPE_SECRET,
            meaning=stripe_meaning,
            aged=lambda callback, seconds: stripe_sign(callback, STRIPE_SECRET, seconds),
        )
    ],
}


@dataclass
class Door:
    """The shop's door for callbacks, which hands them to the method and answers as the shop does."""

    method: PaymentMethod | None = None
    callbacks: list[Callback] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    forged: int = 0
    unsure: int = 0
    url: str = ""

    async def open(self, request: web.Request) -> web.Response:
        assert self.method is not None
        if request.match_info["name"] != self.method.name:
            return web.Response(status=404)
        query = list(request.query.items())
        callback = Callback(query, {name.lower(): value for name, value in request.headers.items()}, await request.read())
        self.callbacks.append(callback)
        try:
            heard = await self.method.callback(callback)
        except NotGenuine:
            self.forged += 1
            return web.Response(status=400)
        except NotSure:
            self.unsure += 1
            return web.Response(status=503)
        self.events += heard.events
        return web.Response(text=heard.reply)

    @property
    def money(self) -> list[Event]:
        return [event for event in self.events if event.state is PaymentState.PAID]


@dataclass
class Stage:
    provider: Provider
    method: PaymentMethod
    gateway: Gateway[Any]
    door: Door
    since: datetime

    def ask(self, amount_minor: int = AMOUNT) -> Ask:
        able, now = self.method.capabilities, datetime.now(UTC)
        until = now + timedelta(seconds=able.seconds_to_pay)
        return Ask(str(next(REFERENCES)), amount_minor, able.currency, "Steam 20 充值", "One code & <more>", 7, until, now)

    async def opened(self, ask: Ask) -> Created:
        """Ask, and open the page that the payer is given."""
        created = await self.method.create(ask)
        await self.opens(created)
        return created

    async def opens(self, created: Created) -> None:
        assert created.url, "all of these have a page"
        async with aiohttp.ClientSession() as browser, browser.get(created.url) as page:
            assert page.status == 200

    async def pays(self, ask: Ask, amount: str | None = None) -> None:
        await self.gateway.pay(ask.reference, amount)
        await self.gateway.settled()

    def made(self, ask: Ask) -> int:
        return sum(payment.reference == ask.reference for payment in self.gateway.history)

    async def knows(self, ask: Ask, created: Created) -> Event | None:
        """What the provider knows: the same whether it is asked by its own number or by ours."""
        by_theirs = await self.method.find(ask.reference, created.provider_ref, self.since)
        by_ours = await self.method.find(ask.reference, None, self.since)
        assert by_theirs == by_ours
        return by_ours

    def whole(self, event: Event, once: str = "r:1", amount_minor: int | None = None) -> Refund:
        part = event.amount_minor if amount_minor is None else amount_minor
        return Refund(once, event.key, event.reference, event.provider_ref, 7, part, event.amount_minor, event.currency)


@dataclass
class Trouble(Faults):
    """The gateway fails at one call out of several: with a 500 before the work, or with silence after it."""

    kind: str = "500"
    at: int = 1
    seen: int = 0

    def take_error(self) -> bool:
        self.seen += 1
        return self.kind == "500" and self.seen == self.at

    def take(self, name: str) -> float:
        if name == "stall_after_work_seconds":
            return 2 * PATIENCE_SECONDS if self.kind == "stall" and self.seen == self.at else 0.0
        return super().take(name)


def cases() -> list[Any]:
    found = []
    for file in FILES:
        if file in WITHOUT_GATEWAY:
            continue
        providers = PROVIDERS.get(file)
        if providers is None:
            found.append(pytest.param((file, None, ""), id=f"{file} has no harness"))
            continue
        for number, provider in enumerate(providers):
            # Ways of one gateway differ in their name alone: the further variants are told for the first.
            names = provider.names if number == 0 else provider.names[:1]
            found += [pytest.param((file, provider, name), id=f"{name} {number + 1}" if number else name) for name in names]
    return found


@pytest.fixture(params=cases())
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    file, provider, name = request.param
    if provider is None:
        pytest.fail(f"connectors/payments/{file}.py has no harness: write one in PROVIDERS, with its gateway in sandbox/gateways/")
    door = Door()
    app = web.Application()
    app.router.add_route("*", "/pay/{name}", door.open)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    door.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    gateway = provider.gateway()
    await gateway.start()
    if hasattr(gateway, "webhook_url"):
        gateway.webhook_url = f"{door.url}/pay/{name}"
    set_up = {**provider.settings, provider.url_setting: gateway.url, "SHOP_PUBLIC_URL": door.url}
    everything = folder.methods(NO_TELEGRAM, set_up)
    assert set(provider.names) <= set(everything), f"{file} gives {sorted(everything)}"
    door.method = everything[name]
    # A second's worth of difference, since some providers write whole seconds.
    yield Stage(provider, door.method, gateway, door, datetime.now(UTC) - timedelta(seconds=2))
    for method in everything.values():
        await method.close()
        await method.close()
    await gateway.stop()
    await runner.cleanup()


# What every method has, with a gateway or without.


def everything_set_up() -> dict[str, PaymentMethod]:
    set_up = {"SHOP_PUBLIC_URL": "https://shop.example", "SHOP_TRANSFER_WORDS": "To the bank."}
    for first, *_ in PROVIDERS.values():
        set_up |= {**first.settings, first.url_setting: "https://pay.example"}
    return folder.methods(NO_TELEGRAM, set_up)


def test_every_file_has_its_story() -> None:
    assert set(FILES) == set(PROVIDERS) | set(WITHOUT_GATEWAY), "write a harness in PROVIDERS for the file that has none"
    assert set(everything_set_up()) == {name for found in PROVIDERS.values() for name in found[0].names} | set(WITHOUT_GATEWAY)
    # Stars are there always, everything else only when it is set up.
    assert set(folder.methods(NO_TELEGRAM, {})) == {"stars"}


@pytest.mark.parametrize("name", sorted(everything_set_up()))
def test_what_a_method_says_of_itself_is_sane(name: str) -> None:
    method = everything_set_up()[name]
    able = method.capabilities
    assert isinstance(method, PaymentMethod)
    assert re.fullmatch(r"[a-z0-9-]{1,16}", method.name) and method.name == name
    assert able.currency == STARS or able.currency in Locale("en").currencies
    assert 1 <= able.minimum_minor <= able.maximum_minor <= MOST_MINOR
    assert 60 <= able.seconds_to_pay <= 24 * 3600
    assert able.refund_full or not able.refund_partial
    assert able.by_hand != (able.callback or able.poll), "either a machine says that it was paid, or a person does"
    assert 0 <= able.fee.basis_points < 10_000 and able.fee.fixed_minor >= 0
    assert method.capabilities == able


anything = st.builds(
    Callback,
    query=st.lists(st.tuples(st.text(max_size=20), st.text(max_size=40)), max_size=5),
    headers=st.dictionaries(st.sampled_from(["stripe-signature", CRYPTO_HEADER, "content-type", "authorization"]), st.text(max_size=80)),
    body=st.binary(max_size=200),
)


@pytest.mark.parametrize("name", sorted(everything_set_up()))
@settings(max_examples=100, deadline=None)
@given(callback=anything)
async def test_whatever_comes_to_a_door_is_not_genuine(name: str, callback: Callback) -> None:
    with pytest.raises(NotGenuine):
        await everything_set_up()[name].callback(callback)


# The story.


async def test_asking_twice_is_one_payment(stage: Stage) -> None:
    ask = stage.ask()
    first, second = await stage.opened(ask), await stage.opened(ask)
    assert stage.made(ask) == 1
    assert (first.url, first.provider_ref) == (second.url, second.provider_ref)


async def test_what_is_paid_is_reported_once_and_found_as_the_same(stage: Stage) -> None:
    ask = stage.ask()
    created = await stage.opened(ask)
    await stage.pays(ask)

    (event,) = stage.door.events
    assert (event.state, event.reference, event.amount_minor, event.currency) == (PaymentState.PAID, ask.reference, AMOUNT, ask.currency)
    assert 1 <= len(event.key) <= 190
    assert abs(datetime.now(UTC) - event.at) < timedelta(seconds=30)
    assert [sent.heard for sent in stage.gateway.sent] == [True]
    assert await stage.knows(ask, created) == event
    assert [found for found in await stage.method.received(stage.since) if found.reference == ask.reference] == [event]


async def test_what_is_not_paid_is_never_taken_for_paid(stage: Stage) -> None:
    ask = stage.ask()
    created = await stage.opened(ask)
    event = await stage.knows(ask, created)
    assert event is None or event.state is PaymentState.PENDING

    await stage.gateway.fail(ask.reference)
    await stage.gateway.settled()

    event = await stage.knows(ask, created)
    assert event is None or event.state in (PaymentState.PENDING, PaymentState.EXPIRED, PaymentState.FAILED)
    assert stage.door.money == [] and stage.door.forged == stage.door.unsure == 0
    assert await stage.method.received(stage.since) == []


async def test_of_an_unknown_reference_nothing_is_known(stage: Stage) -> None:
    assert await stage.method.find("99999999", None, stage.since) is None


async def test_without_a_callback_the_payment_is_found(stage: Stage) -> None:
    stage.gateway.faults.no_callback = True
    ask = stage.ask()
    created = await stage.opened(ask)
    await stage.pays(ask)

    assert stage.door.callbacks == []
    event = await stage.knows(ask, created)
    assert event is not None and (event.state, event.amount_minor, event.currency) == (PaymentState.PAID, AMOUNT, ask.currency)
    assert await stage.method.received(stage.since) == [event]


async def test_whatever_is_said_again_has_the_same_key(stage: Stage) -> None:
    stage.gateway.faults.callback_twice = True
    ask = stage.ask()
    created = await stage.opened(ask)
    await stage.pays(ask)
    await stage.gateway.resend(ask.reference)
    await stage.gateway.settled()
    # Kept by somebody on the way and sent again: genuine for a while, and no second payment.
    assert [event.key for event in (await stage.method.callback(stage.door.callbacks[0])).events] == [stage.door.events[0].key]

    assert len(stage.door.events) >= 3 and stage.door.events == [stage.door.events[0]] * len(stage.door.events)
    assert await stage.knows(ask, created) == stage.door.events[0]


async def test_reports_that_overtake_each_other_are_each_right(stage: Stage) -> None:
    stage.gateway.faults.out_of_order = True
    asks = [stage.ask(AMOUNT + number) for number in range(3)]
    for ask in asks:
        await stage.opened(ask)
        await stage.gateway.pay(ask.reference)
    await stage.gateway.settled()

    said = [(event.reference, event.amount_minor) for event in stage.door.money]
    assert sorted(said) == [(ask.reference, ask.amount_minor) for ask in asks] != said
    assert len({event.key for event in stage.door.money}) == 3


async def test_a_late_report_says_what_was_found_long_before(stage: Stage) -> None:
    stage.gateway.faults.late_seconds = 0.4
    ask = stage.ask()
    created = await stage.opened(ask)
    await stage.gateway.pay(ask.reference)
    found = await stage.knows(ask, created)
    assert stage.door.callbacks == [] and found is not None and found.state is PaymentState.PAID

    await stage.gateway.settled()
    assert stage.door.events == [found]


@pytest.mark.parametrize("fault", ["wrong_amount", "wrong_currency"])
async def test_what_a_report_claims_is_not_believed(stage: Stage, fault: str) -> None:
    setattr(stage.gateway.faults, fault, True)
    ask = stage.ask()
    created = await stage.opened(ask)
    await stage.pays(ask)

    assert stage.door.callbacks
    # The books of the provider are right, so it is the true amount, or nothing until it is asked for.
    assert {(event.amount_minor, event.currency) for event in stage.door.money} <= {(AMOUNT, ask.currency)}
    event = await stage.knows(ask, created)
    assert event is not None and (event.amount_minor, event.currency) == (AMOUNT, ask.currency)


@pytest.mark.parametrize("amount_minor", [1, AMOUNT - 1, AMOUNT + 1, 5 * AMOUNT])
async def test_another_amount_is_reported_as_what_it_is(stage: Stage, amount_minor: int) -> None:
    ask = stage.ask()
    created = await stage.opened(ask)
    await stage.pays(ask, decimal_text(amount_minor, ask.currency))

    (event,) = stage.door.money
    assert (event.amount_minor, event.reference) == (amount_minor, ask.reference)
    assert await stage.knows(ask, created) == event


async def test_a_report_signed_by_another_is_refused_and_the_next_one_is_heard(stage: Stage) -> None:
    stage.gateway.faults.wrong_sign = stage.gateway.faults.next_call_only = True
    ask = stage.ask()
    await stage.opened(ask)
    await stage.pays(ask)

    assert stage.door.forged == 1 and len(stage.door.money) == 1
    assert [sent.heard for sent in stage.gateway.sent] == [False, True]


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("kind", ["500", "stall"])
async def test_an_ask_whose_answer_was_lost_is_not_sure_and_asked_again_it_is_one_payment(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, kind: str, at: int
) -> None:
    stage.provider.hurry(stage.method, monkeypatch)
    stage.gateway.faults = Trouble(kind=kind, at=at)
    ask, unsure = stage.ask(), False
    try:
        await stage.method.create(ask)
    except NotSure:
        unsure = True
    assert unsure == (stage.gateway.faults.seen >= at), "what was not answered is not sure, and nothing else is"
    assert unsure or at > 1 or stage.provider.creates_by_itself

    stage.gateway.faults = Faults()
    monkeypatch.undo()
    created = await stage.opened(ask)
    assert stage.made(ask) == 1
    await stage.pays(ask)
    event = await stage.knows(ask, created)
    assert event is not None and event.state is PaymentState.PAID


@pytest.mark.parametrize("kind", ["500", "stall"])
async def test_a_question_that_is_not_answered_is_not_sure_and_afterwards_right(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    ask = stage.ask()
    created = await stage.opened(ask)
    stage.provider.hurry(stage.method, monkeypatch)
    for question in (
        lambda: stage.method.find(ask.reference, created.provider_ref, stage.since),
        lambda: stage.method.find(ask.reference, None, stage.since),
        lambda: stage.method.received(stage.since),
    ):
        stage.gateway.faults = Trouble(kind=kind)
        try:
            answer = await question()
        except NotSure:
            continue
        assert isinstance(answer, Event) and answer.state is PaymentState.UNKNOWN

    # The report comes, and the provider cannot be asked: it is not acknowledged, so it comes again.
    stage.gateway.faults = Trouble(kind=kind)
    await stage.pays(ask)
    assert stage.door.unsure == 1 and stage.door.forged == 0
    assert [event.amount_minor for event in stage.door.money] == [AMOUNT]
    assert await stage.knows(ask, created) == stage.door.money[0]


async def test_money_is_given_back_whole_once_or_the_method_says_that_it_cannot(stage: Stage) -> None:
    ask = stage.ask()
    created = await stage.opened(ask)
    await stage.pays(ask)
    (event,) = stage.door.money
    if not stage.method.capabilities.refund_full:
        with pytest.raises(Declined):
            await stage.method.refund(stage.whole(event))
        assert stage.gateway.payments[ask.reference].refunded == 0
        return

    for _ in range(2):
        assert await stage.method.refund(stage.whole(event)) in (PaymentState.REFUNDED, PaymentState.REFUNDING)
    assert stage.gateway.payments[ask.reference].refunded == stage.gateway.payments[ask.reference].sum
    await stage.gateway.settled()
    assert {event.key for event in stage.door.events} == {event.key}, "the end of a payment has the payment's own key"
    after = await stage.knows(ask, created)
    state = PaymentState.REFUNDED if stage.provider.says_refunded else PaymentState.PAID
    assert after is not None and (after.key, after.state, after.amount_minor) == (event.key, state, AMOUNT)
    assert [found.state for found in await stage.method.received(stage.since)] == [state]


async def test_money_is_given_back_in_parts_or_the_method_says_that_it_cannot(stage: Stage) -> None:
    ask = stage.ask()
    created = await stage.opened(ask)
    await stage.pays(ask)
    (event,) = stage.door.money
    payment = stage.gateway.payments[ask.reference]
    if not stage.method.capabilities.refund_partial:
        with pytest.raises(Declined):
            await stage.method.refund(stage.whole(event, amount_minor=500))
        assert payment.refunded == 0
        return

    for once, part in (("r:1", 500), ("r:2", 500), ("r:1", 500), ("r:2", 500)):
        assert await stage.method.refund(stage.whole(event, once, part)) in (PaymentState.REFUNDED, PaymentState.REFUNDING)
    assert decimal_text(1000, ask.currency) == f"{payment.refunded:.2f}" and len(payment.refunds) == 2
    after = await stage.knows(ask, created)
    assert after is not None and (after.key, after.state, after.amount_minor) == (event.key, PaymentState.PAID, AMOUNT)
    with pytest.raises(Declined):
        await stage.method.refund(stage.whole(event, "r:3", 1000))
    await stage.method.refund(stage.whole(event, "r:4", 999))
    assert payment.refunded == payment.sum


async def test_what_is_withdrawn_cannot_be_paid_any_more(stage: Stage) -> None:
    ask = stage.ask()
    created = await stage.opened(ask)
    if not isinstance(stage.method, Withdraws):
        return  # Its payments end by themselves.
    assert created.provider_ref is not None
    for _ in range(2):
        await stage.method.withdraw(ask.reference, created.provider_ref)
        with pytest.raises(NotPayable):
            await stage.gateway.pay(ask.reference)
    event = await stage.method.find(ask.reference, created.provider_ref, stage.since)
    assert event is None or event.state is PaymentState.EXPIRED
    await stage.method.withdraw(ask.reference, "70707070")
    await stage.gateway.settled()


async def test_what_was_paid_meanwhile_is_not_withdrawn_and_found_as_before(stage: Stage) -> None:
    ask = stage.ask()
    created = await stage.opened(ask)
    await stage.pays(ask)
    if not isinstance(stage.method, Withdraws):
        return
    assert created.provider_ref is not None
    with pytest.raises(Declined):
        await stage.method.withdraw(ask.reference, created.provider_ref)
    event = await stage.knows(ask, created)
    assert event is not None and event.state is PaymentState.PAID


@pytest.mark.parametrize("kind", ["500", "stall"])
async def test_a_withdrawal_whose_answer_was_lost_is_repeated(stage: Stage, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    if not isinstance(stage.method, Withdraws):
        return
    ask = stage.ask()
    created = await stage.opened(ask)
    assert created.provider_ref is not None
    stage.provider.hurry(stage.method, monkeypatch)
    stage.gateway.faults = Trouble(kind=kind, at=1)
    with pytest.raises(NotSure):
        await stage.method.withdraw(ask.reference, created.provider_ref)
    stage.gateway.faults = Faults()
    monkeypatch.undo()
    await stage.method.withdraw(ask.reference, created.provider_ref)
    assert stage.gateway.payments[ask.reference].state.value == "expired"
    await stage.gateway.settled()


def test_who_can_withdraw() -> None:
    """So that a mistyped name does not quietly take the ability away."""
    assert {name for name, method in everything_set_up().items() if isinstance(method, Withdraws)} == {"crypto-pay", "stripe"}


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("kind", ["500", "stall"])
async def test_a_refund_whose_answer_was_lost_is_asked_again_and_made_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, kind: str, at: int
) -> None:
    ask = stage.ask()
    await stage.opened(ask)
    await stage.pays(ask)
    (event,) = stage.door.money
    stage.provider.hurry(stage.method, monkeypatch)
    stage.gateway.faults = Trouble(kind=kind, at=at)
    if not stage.method.capabilities.refund_full:
        # A no that depends on nobody's answer.
        with pytest.raises(Declined):
            await stage.method.refund(stage.whole(event))
        assert stage.gateway.faults.seen == 0
        return
    try:
        await stage.method.refund(stage.whole(event))
    except NotSure:
        assert stage.gateway.faults.seen >= at
    else:
        assert stage.gateway.faults.seen < at
    stage.gateway.faults = Faults()
    monkeypatch.undo()
    assert await stage.method.refund(stage.whole(event)) in (PaymentState.REFUNDED, PaymentState.REFUNDING)
    assert len(stage.gateway.payments[ask.reference].refunds) == 1


async def test_no_secret_is_logged_or_shown(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ask = stage.ask()
    created = await stage.opened(ask)
    await stage.pays(ask)
    shown = [repr(stage.method), repr(created), repr(stage.door.events), repr(stage.door.callbacks)]
    stage.gateway.faults.errors_500 = 1
    with pytest.raises(NotSure) as unsure:
        await stage.method.received(stage.since)
    shown += [repr(unsure.value), str(unsure.value), caplog.text]
    assert [secret for secret in stage.provider.secrets for text in shown if secret in text] == []


# What is forged.


@st.composite
def mangled(draw: st.DrawFn, text: str) -> str:
    """The text truncated, repeated, or with something else in it; never as it was."""
    at = draw(st.integers(0, len(text)))
    other = draw(st.text(min_size=1, max_size=12) | st.sampled_from(["0", "\x00", "&", "=", ",", "%", "١", "é", "😀", "\ud800", "'--"]))
    made = draw(
        st.sampled_from([text[:at], text + text, text[:at] + other + text[at:], text[:at] + other + text[at + 1 :], other, text.swapcase()])
    )
    assume(made != text)
    return made


@st.composite
def forgeries(draw: st.DrawFn, genuine: Callback, provider: Provider) -> Callback:
    """A callback that the provider did not send, made from one that it did; never equal to it in what counts."""
    ways = ["another secret", "a body", "made up"]
    ways += ["a query", "a repeated name", "a missing name"] if provider.signed_query else ["a header", "no header"]
    ways += ["old"] if provider.aged else []
    header = "stripe-signature" if "stripe-signature" in genuine.headers else CRYPTO_HEADER
    match draw(st.sampled_from(ways)):
        case "another secret":
            secret = draw(mangled(provider.secret)).encode("utf-8", "replace").decode()
            assume(secret.rstrip("\0") != provider.secret)  # HMAC fills a short key up with NULs: with them it is the same key.
            made = provider.sign(genuine, secret)
        case "a body":
            body = draw(mangled(genuine.body.decode()))
            made = replace(genuine, body=body.encode("utf-8", "surrogatepass"))
        case "a header":
            made = replace(genuine, headers={**genuine.headers, header: draw(mangled(genuine.headers[header]))})
        case "no header":
            made = replace(genuine, headers={name: value for name, value in genuine.headers.items() if name != header})
        case "a query":
            at = draw(st.integers(0, len(genuine.query) - 1))
            name, value = genuine.query[at]
            pair = (name, draw(mangled(value))) if draw(st.booleans()) else (draw(mangled(name)), value)
            made = replace(genuine, query=[*genuine.query[:at], pair, *genuine.query[at + 1 :]])
        case "a repeated name":
            name, value = draw(st.sampled_from(list(genuine.query)))
            made = replace(genuine, query=[*genuine.query, (name, draw(st.sampled_from([value, value + "0", "0.01"])))])
        case "a missing name":
            name, _ = draw(st.sampled_from(list(genuine.query)))
            made = replace(genuine, query=[pair for pair in genuine.query if pair[0] != name])
        case "old":
            assert provider.aged is not None
            made = provider.aged(genuine, draw(st.integers(2 * 86_400, 10**9)))
        case _:
            made = draw(anything)
    assume(provider.meaning(made) != provider.meaning(genuine))
    return made


THOUSAND = settings(
    max_examples=1000,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)


@pytest.fixture
async def genuine(stage: Stage) -> Callback:
    """A callback about money that came, genuine to this moment."""
    ask = stage.ask()
    await stage.opened(ask)
    await stage.pays(ask)
    assert len(stage.door.money) == 1
    return stage.door.callbacks[0]


@THOUSAND
@given(data=st.data())
async def test_a_thousand_forged_callbacks_are_not_genuine_and_nothing_else(stage: Stage, genuine: Callback, data: st.DataObject) -> None:
    forged = data.draw(forgeries(genuine, stage.provider))
    asked = len(stage.gateway.calls)

    with pytest.raises(NotGenuine) as told:
        await stage.method.callback(forged)

    assert len(stage.gateway.calls) == asked, "nobody is asked on behalf of a forger"
    assert not any(secret in str(told.value) for secret in stage.provider.secrets)


async def test_what_was_forged_from_is_genuine_itself(stage: Stage, genuine: Callback) -> None:
    resigned = stage.provider.sign(genuine, stage.provider.secret)
    assert list((await stage.method.callback(resigned)).events) == stage.door.events
    if stage.provider.aged is not None:
        assert list((await stage.method.callback(stage.provider.aged(genuine, 60))).events) == stage.door.events
