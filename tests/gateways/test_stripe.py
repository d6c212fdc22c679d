"""Stripe, asked by its own library: sessions, idempotency, lists, refunds, and events that the library verifies."""

import base64
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from stripe import AIOHTTPClient, AuthenticationError, IdempotencyError, InvalidRequestError, StripeClient

from sandbox.gateways import NotPayable, State, StripeGateway
from tests.gateways.till import STRIPE_KEY, STRIPE_SECRET, Ear, StripeTill


class Clock:
    """The time, as the test says."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def timed(ear: Ear) -> AsyncIterator[tuple[StripeTill, Clock]]:
    clock = Clock()
    gateway = StripeGateway(STRIPE_KEY, STRIPE_SECRET, webhook_url=ear.url, clock=clock)
    await gateway.start()
    http = AIOHTTPClient(timeout=5)
    library = StripeClient(STRIPE_KEY, base_addresses={"api": gateway.url}, max_network_retries=0, http_client=http)
    yield StripeTill(gateway, library), clock
    await http.close_async()  # type: ignore[no-untyped-call]  # The library leaves this method without types.
    await gateway.stop()


def notes(row: Any) -> dict[str, str]:
    """The metadata of an object of the library, as a plain dictionary."""
    return {name: row.metadata[name] for name in row.metadata.to_dict()}


async def test_a_session_is_created_and_read(stripe: StripeTill) -> None:
    session = await stripe.session(expires_at=int(time.time()) + 3600)

    assert (session.object, session.status, session.payment_status, session.mode) == ("checkout.session", "open", "unpaid", "payment")
    assert (session.amount_total, session.currency, session.client_reference_id) == (1250, "cny", "A1")
    assert notes(session) == {"reference": "A1"} and session.payment_intent is None and session.livemode is False
    assert session.url == f"{stripe.gateway.url}/pay/{session.id}"
    again = await stripe.library.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["line_items"]})
    assert again.line_items is not None and [(item.description, item.quantity) for item in again.line_items.data] == [("Steam 50", 1)]


async def test_a_paid_session_has_an_intent_and_a_charge(stripe: StripeTill) -> None:
    session = await stripe.session()
    await stripe.gateway.pay("A1")

    paid: Any = await stripe.library.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["payment_intent.latest_charge"]})
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert (paid.payment_intent.status, paid.payment_intent.amount_received) == ("succeeded", 1250)
    assert paid.payment_intent.latest_charge.amount_refunded == 0
    (listed,) = (await stripe.library.v1.checkout.sessions.list_async({"expand": ["data.payment_intent.latest_charge"]})).data
    assert listed.payment_intent == paid.payment_intent
    intent = await stripe.library.v1.payment_intents.retrieve_async(paid.payment_intent.id)
    assert notes(intent) == {"reference": "A1"}


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"mode": "subscription"}, "mode", None),
        ({"success_url": "not an address"}, "success_url", "url_invalid"),
        ({"line_items": []}, "line_items", "parameter_missing"),
        ({"unit_amount": "12.50"}, "line_items[0][price_data][unit_amount]", "parameter_invalid_integer"),
        ({"unit_amount": 49, "currency": "usd"}, None, "amount_too_small"),
        ({"unit_amount": 100_000_000}, None, "amount_too_large"),
        ({"currency": "yuan"}, "line_items[0][price_data][currency]", None),
        ({"currency": "kwd", "unit_amount": 1255}, "line_items[0][price_data][unit_amount]", None),
        ({"currency": "isk", "unit_amount": 1255}, "line_items[0][price_data][unit_amount]", None),
        ({"expires_at": 1}, "expires_at", None),
        ({"expires_at": 4102444800}, "expires_at", None),
        ({"colour": "red"}, "colour", "parameter_unknown"),
        ({"metadata": {"x" * 41: "1"}}, "metadata", None),
    ],
)
async def test_a_session_that_is_wrong_is_refused(stripe: StripeTill, changes: dict[str, Any], param: str | None, code: str | None) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        await stripe.session(**changes)

    assert (refused.value.http_status, refused.value.param, refused.value.code) == (400, param, code)
    assert stripe.gateway.payments == {}


@pytest.mark.parametrize(
    ("currency", "minor", "whole"),
    [
        ("jpy", 1500, "1500"),
        ("krw", 1500, "1500"),
        ("kwd", 1250, "1.250"),
        ("usd", 1250, "12.50"),
        ("isk", 150000, "1500.00"),
    ],
)
async def test_amounts_are_in_the_units_that_stripe_uses(stripe: StripeTill, currency: str, minor: int, whole: str) -> None:
    await stripe.session(currency=currency, unit_amount=minor)

    assert stripe.gateway.payments["A1"].amount == Decimal(whole)
    await stripe.gateway.pay("A1")
    (session,) = (await stripe.library.v1.checkout.sessions.list_async()).data
    assert (session.amount_total, session.currency) == (minor, currency)


async def test_an_amount_that_the_currency_cannot_have_is_not_paid(stripe: StripeTill) -> None:
    await stripe.session(currency="jpy", unit_amount=1500)
    with pytest.raises(ValueError):
        await stripe.gateway.pay("A1", "1500.50")

    assert stripe.gateway.payments["A1"].state is State.OPEN


async def test_the_same_key_gives_the_same_answer_and_does_nothing_twice(stripe: StripeTill) -> None:
    first, again = await stripe.session(key="once"), await stripe.session(key="once")

    assert first.id == again.id and len(stripe.gateway.history) == 1
    assert again.last_response is not None and again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(IdempotencyError):
        await stripe.session(key="once", unit_amount=1300)
    assert (await stripe.session(key="twice")).id != first.id


async def test_a_key_is_needed_in_either_way_of_saying_it(stripe: StripeTill) -> None:
    with pytest.raises(AuthenticationError):
        await stripe.library.v1.events.list_async(options={"api_key": "sk_test_another"})

    async with aiohttp.ClientSession() as line:
        basic = base64.b64encode(f"{STRIPE_KEY}:".encode()).decode()
        for header, status in ((f"Basic {basic}", 200), ("Basic %%%", 401), (f"Bearer {STRIPE_KEY}", 200), ("", 401)):
            async with line.get(f"{stripe.gateway.url}/v1/events", headers={"Authorization": header}) as response:
                assert response.status == status
        async with line.get(f"{stripe.gateway.url}/v1/customers", headers={"Authorization": f"Bearer {STRIPE_KEY}"}) as response:
            assert response.status == 404


async def test_lists_are_newest_first_and_are_read_page_by_page(timed: tuple[StripeTill, Clock]) -> None:
    stripe, clock = timed
    for number in range(5):
        clock.now += timedelta(seconds=10)
        await stripe.session(f"A{number}")
    sessions = stripe.library.v1.checkout.sessions
    first = await sessions.list_async({"limit": 2})
    assert [row.client_reference_id for row in first.data] == ["A4", "A3"] and first.has_more
    assert [row.client_reference_id async for row in first.auto_paging_iter()] == ["A4", "A3", "A2", "A1", "A0"]
    since = int(clock.now.timestamp()) - 10
    assert [row.client_reference_id for row in (await sessions.list_async({"created": {"gte": since}})).data] == ["A4", "A3"]
    assert [row.client_reference_id for row in (await sessions.list_async({"created": {"gt": since}})).data] == ["A4"]
    await stripe.gateway.pay("A2")
    assert [row.client_reference_id for row in (await sessions.list_async({"status": "complete"})).data] == ["A2"]
    with pytest.raises(InvalidRequestError):
        await sessions.list_async({"limit": 101})


async def test_the_webhook_is_verified_by_the_library(stripe: StripeTill, ear: Ear) -> None:
    session = await stripe.session()
    await stripe.gateway.pay("A1")
    await stripe.gateway.settled()

    event = stripe.event(ear.heard[0])
    assert (event.type, event.object, event.livemode) == ("checkout.session.completed", "event", False)
    about = event.data.object
    assert (about.id, about.payment_status, about.amount_total, notes(about)) == (session.id, "paid", 1250, {"reference": "A1"})
    assert [row.id for row in (await stripe.library.v1.events.list_async({"type": event.type})).data] == [event.id]


@pytest.mark.parametrize(("end", "kind", "status"), [("pay", "succeeded", "paid"), ("fail", "failed", "unpaid")])
async def test_a_slow_way_to_pay_is_completed_first_and_paid_later(stripe: StripeTill, ear: Ear, end: str, kind: str, status: str) -> None:
    await stripe.session()
    await stripe.gateway.pay("A1", delayed=True)
    await stripe.gateway.settled()
    await getattr(stripe.gateway, end)("A1")
    await stripe.gateway.settled()

    told = [(event.type, event.data.object.payment_status) for event in map(stripe.event, ear.heard)]
    assert told == [("checkout.session.completed", "unpaid"), (f"checkout.session.async_payment_{kind}", status)]


async def test_both_events_of_a_slow_way_may_come_the_wrong_way_round(stripe: StripeTill, ear: Ear) -> None:
    stripe.gateway.faults.out_of_order = True
    await stripe.session()
    await stripe.gateway.pay("A1", delayed=True)
    await stripe.gateway.pay("A1")
    await stripe.gateway.settled()

    told = [heard.json()["type"].removeprefix("checkout.session.") for heard in ear.heard]
    assert told == ["async_payment_succeeded", "completed"]


async def test_a_session_is_expired_by_the_shop_by_the_payer_and_by_time(timed: tuple[StripeTill, Clock], ear: Ear) -> None:
    stripe, clock = timed
    session = await stripe.session("A1")
    assert (await stripe.library.v1.checkout.sessions.expire_async(session.id)).status == "expired"
    with pytest.raises(InvalidRequestError):
        await stripe.library.v1.checkout.sessions.expire_async(session.id)
    await stripe.session("A2")
    await stripe.gateway.fail("A2")
    await stripe.session("A3", expires_at=int(clock.now.timestamp()) + 1800)
    clock.now += timedelta(minutes=30)
    with pytest.raises(NotPayable):
        await stripe.gateway.pay("A3")
    await stripe.gateway.settled()

    assert [(heard.json()["type"], stripe.told(heard)) for heard in ear.heard] == [
        ("checkout.session.expired", name) for name in ("A1", "A2", "A3")
    ]
    assert {row.status for row in (await stripe.library.v1.checkout.sessions.list_async()).data} == {"expired"}


async def test_refunds_in_parts_once_for_each_key_and_never_more_than_was_paid(stripe: StripeTill, ear: Ear) -> None:
    session = await stripe.session()
    await stripe.gateway.pay("A1")
    paid = await stripe.library.v1.checkout.sessions.retrieve_async(session.id)
    refunds, intent = stripe.library.v1.refunds, str(paid.payment_intent)
    part, again = [
        await refunds.create_async({"payment_intent": intent, "amount": 250, "metadata": {"once": "r1"}}, {"idempotency_key": "r1"})
        for _ in range(2)
    ]
    assert part.id == again.id
    assert (part.status, part.amount, part.currency, notes(part)) == ("succeeded", 250, "cny", {"once": "r1"})
    with pytest.raises(InvalidRequestError):
        await refunds.create_async({"payment_intent": intent, "amount": 1001})
    rest = await refunds.create_async({"payment_intent": intent})
    assert rest.amount == 1000
    with pytest.raises(InvalidRequestError) as refused:
        await refunds.create_async({"payment_intent": intent, "amount": 1})
    assert refused.value.code == "charge_already_refunded"
    assert [row.id for row in (await refunds.list_async({"payment_intent": intent})).data] == [rest.id, part.id]
    assert stripe.gateway.payments["A1"].refunded == Decimal("12.50")

    await stripe.gateway.settled()
    told = [heard.json()["data"]["object"] for heard in ear.heard if heard.json()["type"] == "charge.refunded"]
    assert [(charge["amount_refunded"], charge["refunded"]) for charge in told] == [(250, False), (1250, True)]
    assert told[0]["payment_intent"] == intent and told[0]["metadata"] == {"reference": "A1"}


async def test_what_was_not_paid_is_not_given_back(stripe: StripeTill) -> None:
    await stripe.session()
    await stripe.gateway.pay("A1", delayed=True)
    (session,) = (await stripe.library.v1.checkout.sessions.list_async()).data
    wrong: list[Any] = [{"payment_intent": str(session.payment_intent)}, {"payment_intent": "pi_nothing"}, {}]
    for asked in wrong:
        with pytest.raises(InvalidRequestError):
            await stripe.library.v1.refunds.create_async(asked)


async def test_the_console_gives_back_parts_that_the_list_of_refunds_tells_from_the_programs_own(stripe: StripeTill) -> None:
    await stripe.session()
    await stripe.gateway.pay("A1")
    intent = stripe.gateway.payments["A1"].intent
    await stripe.library.v1.refunds.create_async({"payment_intent": intent, "amount": 250, "metadata": {"ours": "1"}})
    await stripe.gateway.give_back("A1", "4.00")

    listed = await stripe.library.v1.refunds.list_async({"created": {"gte": 1}, "expand": ["data.payment_intent"]})
    assert [(row.amount, notes(row)) for row in listed.data] == [(400, {}), (250, {"ours": "1"})]
    assert {getattr(row.payment_intent, "id", None) for row in listed.data} == {intent}
    assert stripe.gateway.payments["A1"].refunded == Decimal("6.50")
    await stripe.gateway.give_back("A1")
    with pytest.raises(NotPayable):
        await stripe.gateway.give_back("A1")


async def test_a_dispute_takes_the_money_at_once_and_gives_it_back_when_it_is_won(stripe: StripeTill) -> None:
    await stripe.session()
    await stripe.gateway.pay("A1")
    await stripe.gateway.dispute("A1")
    intent = stripe.gateway.payments["A1"].intent

    [row] = (await stripe.library.v1.disputes.list_async({"payment_intent": intent})).data
    assert (row.status, row.amount, row.currency, row.is_charge_refundable) == ("needs_response", 1250, "cny", False)
    assert [(moved.amount, moved.fee, moved.net) for moved in row.balance_transactions] == [(-1250, 1500, -2750)]
    assert row.evidence_details.due_by is not None and row.evidence_details.due_by > time.time()
    with pytest.raises(InvalidRequestError):
        await stripe.library.v1.refunds.create_async({"payment_intent": intent})

    await stripe.gateway.decide("A1", won=True)
    after = await stripe.library.v1.disputes.retrieve_async(row.id)
    assert (after.status, [moved.amount for moved in after.balance_transactions]) == ("won", [-1250, 1250])
    with pytest.raises(NotPayable):
        await stripe.gateway.decide("A1", won=False)
    events = await stripe.library.v1.events.list_async({"types": ["charge.dispute.created", "charge.dispute.closed"]})
    assert [event.type for event in events.data] == ["charge.dispute.closed", "charge.dispute.created"]


async def test_an_inquiry_takes_nothing_and_can_be_refunded(stripe: StripeTill) -> None:
    await stripe.session()
    await stripe.gateway.pay("A1")
    await stripe.gateway.dispute("A1", inquiry=True)
    intent = stripe.gateway.payments["A1"].intent
    await stripe.library.v1.refunds.create_async({"payment_intent": intent})
    await stripe.gateway.decide("A1", won=False)
    [row] = (await stripe.library.v1.disputes.list_async({"payment_intent": intent})).data
    assert (row.status, row.balance_transactions) == ("warning_closed", [])
