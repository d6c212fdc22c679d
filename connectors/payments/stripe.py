"""Stripe Checkout: cards, and whatever else the shop's Stripe account has switched on, paid on a page of Stripe's."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

import aiohttp

from connectors.line import address
from connectors.settings import SetUpWrong, amount, fee, needed
from core.money import exponent
from core.ports import (
    Ask,
    Callback,
    Capabilities,
    Created,
    Declined,
    Dispute,
    DisputeState,
    Event,
    Fee,
    GivenBack,
    Heard,
    Movement,
    NotGenuine,
    NotSure,
    PaymentMethod,
    PaymentState,
    Refund,
    TelegramCalls,
)

# The library is an extra that most shops do not install, and slow to load: it is imported when a key is set.
if TYPE_CHECKING:
    import stripe

log = logging.getLogger(__name__)

URL = "https://api.stripe.com"
BACK_TO_TELEGRAM = "https://t.me"
# A page of Stripe's lives from 30 minutes to 24 hours after it was made; ours is made some moments after it was asked for.
SOONEST, LATEST = timedelta(minutes=35), timedelta(hours=24) - timedelta(minutes=5)
# A signature older than this is a callback that somebody kept and sends again.
TOLERANCE_SECONDS = 300
ANSWER_SECONDS = 8.0
LARGEST_ANSWER = 4 << 20
_PAGE, _MOST_PAGES = 100, 200
# The key under which our number stands at Stripe: without it a payment is another program's of the same account.
_REFERENCE, _ONCE = "shop_reference", "shop_refund"
_EXPAND = "payment_intent.latest_charge"
# A dispute goes on for two or three months; for so long the list of disputes is looked through.
_DISPUTED_FOR = timedelta(days=120)
# docs.stripe.com/api/disputes/object. What is not among these is still open, or a word that we do not know yet.
_DECIDED = {
    "won": DisputeState.WON,
    "warning_closed": DisputeState.WON,
    "prevented": DisputeState.WON,
    "charge_refunded": DisputeState.WON,
    "lost": DisputeState.LOST,
}

_KEY = re.compile(r"(?:sk|rk)_(test|live)_\w+", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_]{1,255}")
_WORD = re.compile(r"[a-z0-9_\[\]]{1,80}")
_CURRENCY = re.compile(r"[A-Z]{3}")

# docs.stripe.com/currencies: amounts without decimals (of these MGA has two in ISO 4217); ISK and UGX, which have none in
# ISO 4217, are said to Stripe in hundredths; of three decimals the last has to be 0.
_NO_DECIMALS = frozenset(["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"])
_THREE_DECIMALS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
_NOT_TAKEN = frozenset(["CLF", "IQD", "LYD", "UYI", "UYW", "XTR"])
# The least that Stripe takes where the account is paid out in this very currency, in units of Stripe's.
_LEAST = {
    **dict.fromkeys(
        ["ARS", "AUD", "BRL", "CAD", "CHF", "COP", "EUR", "IDR", "ILS", "INR", "NZD", "PHP", "RUB", "SGD", "USD", "ZAR", "JPY", "KRW"], 50
    ),
    **dict.fromkeys(["AED", "MYR", "PLN", "RON"], 200),
    **{"CZK": 1500, "DKK": 250, "GBP": 30, "HKD": 400, "HUF": 17500, "MXN": 1000, "NOK": 300, "SEK": 300, "THB": 1000},
}
# Eight digits are taken by every way to pay that Stripe has; cards take up to twelve.
_MOST, _MOST_BY_CARD = 10**8 - 1, 10**12 - 1
_END_OF_TIME = 1 << 37  # in the year 6325: Python's ends before Stripe's numbers do


def _decimals(currency: str) -> int:
    return 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2


def to_stripe(minor: int, currency: str) -> int | None:
    """An amount in minor units as Stripe wants it said; None when Stripe cannot take it exactly."""
    exact = Fraction(minor * 10 ** _decimals(currency), 10 ** exponent(currency))
    if exact.denominator != 1 or (currency in _THREE_DECIMALS and exact % 10):
        return None
    return exact.numerator


def step(currency: str) -> int:
    """The smallest coin that Stripe takes, in minor units: of three decimals the last has to be 0, and some currencies are whole to it."""
    return 10 if currency in _THREE_DECIMALS else int(10 ** max(0, exponent(currency) - _decimals(currency)))


def from_stripe(units: int, currency: str) -> int | None:
    """Stripe's amount in minor units; None when it is not a whole number of them."""
    exact = Fraction(units * 10 ** exponent(currency), 10 ** _decimals(currency))
    return exact.numerator if exact.denominator == 1 else None


class _NotThere(Exception):
    """Stripe knows nothing under that id."""


class _Refused(Exception):
    """Stripe understood, and does not do it; the text is Stripe's code word for why."""


class _AskedOtherwise(Exception):
    """The same idempotency key came with other words before."""


class _KeyNotTaken(NotSure):
    """Stripe does not take our key for this; whatever was done before, was done."""


class StripeCheckout:
    """One page of Stripe's for each payment; Stripe reports it, and is asked again before it is believed."""

    name = "stripe"

    def __init__(self, setting: Setting) -> None:
        import stripe

        self._setting = setting
        self._http: aiohttp.ClientSession | None = None
        # The shop's own poller asks again what failed: a second attempt in here would only keep a payer waiting.
        self._client = stripe.StripeClient(
            setting.key, base_addresses={"api": setting.url}, max_network_retries=0, http_client=self._over_aiohttp()
        )

    @property
    def capabilities(self) -> Capabilities:
        of = self._setting
        return Capabilities(
            currency=of.currency,
            callback=bool(of.webhook_secret) and bool(of.public_url),
            poll=True,
            refund_full=True,
            refund_partial=True,
            reversible=True,
            minimum_minor=of.minimum_minor,
            maximum_minor=of.maximum_minor,
            seconds_to_pay=int(SOONEST.total_seconds()),
            fee=of.fee,
            step_minor=step(of.currency),
        )

    async def create(self, ask: Ask) -> Created:
        """A page to pay on. Repeated for the same reference it is the same page; raises Declined and NotSure."""
        units = to_stripe(ask.amount_minor, ask.currency)
        if units is None:
            raise Declined(f"Stripe does not take {ask.amount_minor} minor units of {ask.currency}")
        # All of it depends on the ask alone, never on the clock: Stripe compares a repetition with what came first.
        made = ask.made_at or ask.expires_at - SOONEST
        expires = min(max(ask.expires_at, made + SOONEST), made + LATEST)
        product: dict[str, str] = {"name": ask.title.strip()[:250] or ask.reference}
        if ask.description.strip():
            product["description"] = ask.description.strip()[:500]
        ours = {_REFERENCE: ask.reference}
        back = self._setting.return_url
        try:
            found: dict[str, Any] | None = await self._asked(
                self._client.v1.checkout.sessions.create_async(
                    {
                        "mode": "payment",
                        "line_items": [
                            {
                                "quantity": 1,
                                "price_data": {
                                    "currency": ask.currency.lower(),
                                    "unit_amount": units,
                                    "product_data": cast(Any, product),
                                },
                            }
                        ],
                        "client_reference_id": ask.reference,
                        "metadata": ours,
                        "payment_intent_data": {"metadata": ours},
                        "expires_at": int(expires.timestamp()),
                        "success_url": back,
                        "cancel_url": back,
                    },
                    # With the time it was asked at, so that a shop that begins anew with number 1 does not get yesterday's page.
                    {"idempotency_key": f"shop-pay-{ask.reference}-{int(made.timestamp())}"[:255]},
                )
            )
        except _AskedOtherwise:
            found = await self._find_session(ask.reference, made)
        except (_Refused, _NotThere) as no:
            raise Declined(f"Stripe refuses: {no}") from None
        except _KeyNotTaken as no:
            raise Declined(str(no)) from None
        if found is None or not isinstance(found.get("url"), str) or not found["url"]:
            raise NotSure("Stripe gave no page to pay on")
        return Created(provider_ref=_id(found), url=found["url"])

    async def callback(self, callback: Callback) -> Heard:
        """Check the signature over the body as it came, then ask Stripe itself. Raises NotGenuine and NotSure."""
        said = self._genuine(callback)
        about, kind = said["data"]["object"], said.get("type")
        of_refund = kind in ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated")
        if of_refund or kind == "charge.refunded" or (isinstance(kind, str) and kind.startswith("charge.dispute.")):
            session = await self._session_of_payment(about)
        elif kind in (
            "checkout.session.completed",
            "checkout.session.async_payment_succeeded",
            "checkout.session.async_payment_failed",
            "checkout.session.expired",
        ):
            session = await self._session(_named(about.get("id")))
            if session is None:
                # Signed for us, and Stripe does not know it: it is of another account, or of another mode.
                raise NotGenuine
        else:
            return Heard([])
        event = None if session is None else await self._told(session, refunds=of_refund)
        if event is None or session is None:
            return Heard([])
        if kind == "checkout.session.async_payment_failed" and event.state is PaymentState.PENDING and session.get("status") == "complete":
            event = replace(event, state=PaymentState.FAILED)
        return Heard([] if event.state is PaymentState.PENDING else [event])

    async def find(self, reference: str, provider_ref: str | None, since: datetime) -> Event | None:
        """What Stripe knows of a reference: by its page's id, or by looking through the pages made after `since`."""
        session = await (self._session(provider_ref) if provider_ref else self._find_session(reference, since))
        event = None if session is None else await self._told(session)
        return event if event is not None and event.reference == reference else None

    async def refund(self, refund: Refund) -> PaymentState:
        """Give back the whole or a part, once for each `refund.once`. Raises Declined and NotSure."""
        units = to_stripe(refund.amount_minor, refund.currency)
        if units is None:
            raise Declined(f"Stripe does not give back {refund.amount_minor} minor units of {refund.currency}")
        refunds = self._client.v1.refunds
        try:
            # Stripe forgets idempotency keys after a day, and repeats its first answer until then: the list knows better.
            # It is short: a payment can be given back only in so many parts.
            listed = await self._asked(refunds.list_async({"payment_intent": refund.event_key, "limit": _PAGE}))
            made = next((one for one in _rows(listed) if _words(one, "metadata").get(_ONCE) == refund.once[:500]), None)
            if made is None:
                once = sha256(f"{refund.event_key} {refund.once}".encode()).hexdigest()
                made = await self._asked(
                    refunds.create_async(
                        {
                            "payment_intent": refund.event_key,
                            "amount": units,
                            "metadata": {_ONCE: refund.once[:500], _REFERENCE: refund.reference},
                        },
                        {"idempotency_key": f"shop-refund-{once}"},
                    )
                )
        except (_Refused, _NotThere) as no:
            raise Declined(f"Stripe refuses to give it back: {no}") from None
        except _AskedOtherwise:
            raise NotSure("this refund was asked for with another amount before") from None
        match made.get("status"):
            case "succeeded":
                return PaymentState.REFUNDED
            case "pending" | "requires_action":
                return PaymentState.REFUNDING
            case "failed" | "canceled":
                raise Declined("Stripe could not give it back: the money is in the Stripe account again")
        raise NotSure("Stripe says nothing known of the refund")

    async def withdraw(self, reference: str, provider_ref: str) -> None:
        """Close a page that nobody has paid on. Raises Declined when somebody has, and NotSure."""
        try:
            await self._asked(self._client.v1.checkout.sessions.expire_async(provider_ref))
        except _NotThere:
            return
        except (_Refused, _AskedOtherwise):
            # Only open pages can be closed: whether this one is closed already or paid, it says itself.
            session = await self._session(provider_ref)
            if session is None or session.get("status") == "expired":
                return
            if session.get("status") == "complete":
                raise Declined("it was paid meanwhile") from None
            raise NotSure("Stripe does not close an open page") from None

    async def received(self, since: datetime) -> Sequence[Event]:
        """Pages paid since then, oldest first, and older ones of which something was given back or disputed since. Raises NotSure.

        One that was given back whole is REFUNDED.
        """
        # A page can be paid for a day after it was made.
        sessions = await self._sessions(since - timedelta(days=1), "complete")
        events = [event for event in (self._read(self._event, session) for session in sessions) if event is not None]
        found = {event.key: event for event in events if event.state is PaymentState.PAID and event.at >= since}
        whose = {"expand": ["data.payment_intent"]}
        refunded_since = int((since - timedelta(days=1)).timestamp())
        refunds = await self._listed(self._client.v1.refunds.list_async, {"created": {"gte": refunded_since}, **whose})
        try:
            disputed_since = int((since - _DISPUTED_FOR).timestamp())
            disputes = await self._listed(self._client.v1.disputes.list_async, {"created": {"gte": disputed_since}, **whose})
        except _KeyNotTaken:
            disputes = []  # A restricted key that may not read disputes: payments are compared all the same.
        for row in [*refunds, *disputes]:
            older = self._read(self._older, _words(row, "payment_intent"))
            if older is not None:
                found.setdefault(older.key, older)
        told = (
            self._since(
                event,
                [row for row in refunds if _payment(row) == event.key],
                [row for row in disputes if _payment(row) == event.key],
            )
            for event in found.values()
        )
        return sorted(told, key=lambda event: event.at)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None

    def _genuine(self, callback: Callback) -> dict[str, Any]:
        """The event in a callback that was signed with our secret a moment ago, for our key's mode. Raises NotGenuine."""
        import stripe

        if not self._setting.webhook_secret:
            raise NotGenuine
        try:
            stripe.WebhookSignature.verify_header(
                callback.body, callback.headers.get("stripe-signature"), self._setting.webhook_secret, TOLERANCE_SECONDS
            )
            said = json.loads(callback.body)
        # TypeError: the library compares text, and compares no text that is not ASCII.
        except (stripe.SignatureVerificationError, ValueError, TypeError, RecursionError):
            raise NotGenuine from None
        if not isinstance(said, dict) or said.get("object") != "event" or said.get("livemode") is not self._setting.live:
            raise NotGenuine
        data = said.get("data")
        if not isinstance(data, dict) or not isinstance(data.get("object"), dict):
            raise NotGenuine
        return said

    def _event(self, session: Mapping[str, Any]) -> Event | None:
        """What a page of Stripe's says; None when it is not of this shop. Raises NotSure for nonsense."""
        if session.get("object") != "checkout.session":
            raise NotSure("Stripe answers with something else")
        reference = session.get("client_reference_id")
        if not isinstance(reference, str) or _words(session, "metadata").get(_REFERENCE) != reference:
            return None
        if session.get("livemode") is not self._setting.live:
            raise NotSure("Stripe answers for another mode than the key's")
        currency = str(session.get("currency")).upper()
        minor = from_stripe(_whole(session.get("amount_total")), currency)
        if minor is None:
            raise NotSure(f"Stripe names an amount that {currency} does not have")
        paying = session.get("payment_intent")
        intent = paying if isinstance(paying, dict) else {"id": paying}
        charge = _words(intent, "latest_charge")
        key, at, state = _id(session), _whole(session.get("created")), PaymentState.PENDING
        if session.get("payment_status") == "paid":
            # Only money has the payment's own key: what ended otherwise must not stand in its way.
            # Its refunds are listed one by one: the charge says "refunded" also of those that are only under way.
            key, at, state = _id(intent), _whole(charge.get("created", at)), PaymentState.PAID
        elif session.get("status") == "expired":
            state = PaymentState.EXPIRED
        elif session.get("status") == "complete" and intent.get("status") in ("requires_payment_method", "canceled"):
            state = PaymentState.FAILED
        if at >= _END_OF_TIME:
            raise NotSure("Stripe names a time that is none")
        return Event(key, reference, state, minor, currency, datetime.fromtimestamp(at, UTC), provider_ref=_id(session))

    async def _told(self, session: Mapping[str, Any], *, refunds: bool = False) -> Event | None:
        """What a page says, with every refund of what was paid on it, and every dispute about it.

        `refunds`: they are looked at also when the charge counts none, since one that failed is not counted any more.
        """
        event = self._event(session)
        if event is None or event.state is not PaymentState.PAID:
            return event
        charge = _words(_words(session, "payment_intent"), "latest_charge")
        refunded: list[dict[str, Any]] = []
        disputed: list[dict[str, Any]] = []
        if refunds or charge.get("amount_refunded") not in (None, 0):
            refunded = await self._listed(self._client.v1.refunds.list_async, {"payment_intent": event.key})
        if charge.get("disputed") is True:
            # A restricted key may not read disputes: the payment is one all the same.
            with contextlib.suppress(_KeyNotTaken):
                disputed = await self._listed(self._client.v1.disputes.list_async, {"payment_intent": event.key})
        return self._since(event, refunded, disputed)

    def _since(self, event: Event, refunds: Sequence[Mapping[str, Any]], disputes: Sequence[Mapping[str, Any]]) -> Event:
        """A payment with what has become of it; REFUNDED when all of it has gone back for certain.

        What cannot be read is left out and stands in the log: the payment is one all the same, and so are the others.
        """
        try:
            given, failed = self._given_back(refunds, event), self._given_back(refunds, event, ("failed", "canceled"))
            whole = sum(one.amount_minor for one in given) >= event.amount_minor
            state = PaymentState.REFUNDED if whole else PaymentState.PAID
            event = replace(event, state=state, given_back=given, failed_refunds=failed)
        except NotSure as odd:
            log.warning("the refunds of Stripe's payment %s cannot be read: %s", event.key, odd)
        try:
            return replace(event, disputes=self._disputes(disputes, event))
        except NotSure as odd:
            log.warning("the disputes of Stripe's payment %s cannot be read: %s", event.key, odd)
            return event

    def _read(self, one: Callable[[Mapping[str, Any]], Event | None], row: Mapping[str, Any]) -> Event | None:
        """A payment in a list; one that cannot be read is left out, for the sake of the others."""
        try:
            return one(row)
        except NotSure as odd:
            shown = row.get("id")
            name = shown if isinstance(shown, str) and _ID.fullmatch(shown) else "without a name"
            log.warning("Stripe's payment %s cannot be read: %s", name, odd)
            return None

    def _older(self, intent: Mapping[str, Any]) -> Event | None:
        """A payment as its own record tells it, for one whose page is not at hand; None when it was not paid, or is not of this shop."""
        reference = _words(intent, "metadata").get(_REFERENCE)
        received, currency = intent.get("amount_received"), str(intent.get("currency")).upper()
        if not isinstance(reference, str) or not received or intent.get("livemode") is not self._setting.live:
            return None
        minor = from_stripe(_whole(received), currency)
        if minor is None:
            raise NotSure(f"Stripe names an amount that {currency} does not have")
        return Event(_id(intent), reference, PaymentState.PAID, minor, currency, _moment(intent))

    def _given_back(
        self, rows: Sequence[Mapping[str, Any]], event: Event, states: tuple[str, ...] = ("succeeded",)
    ) -> tuple[GivenBack, ...]:
        """Refunds of a payment that were made, oldest first; one that is under way or failed is none."""
        made = [row for row in rows if row.get("status") in states]
        found = []
        for row in sorted(made, key=lambda row: _whole(row.get("created"))):
            once = _words(row, "metadata").get(_ONCE)
            amount = self._minor(row, event)
            if amount:
                found.append(GivenBack(_id(row), amount, _moment(row), once if isinstance(once, str) else None))
        return tuple(found)

    def _disputes(self, rows: Sequence[Mapping[str, Any]], event: Event) -> tuple[Dispute, ...]:
        found = []
        for row in sorted(rows, key=lambda row: _whole(row.get("created"))):
            due = _words(row, "evidence_details").get("due_by")
            status = row.get("status")
            found.append(
                Dispute(
                    key=_id(row),
                    state=_DECIDED.get(status, DisputeState.OPEN) if isinstance(status, str) else DisputeState.OPEN,
                    amount_minor=self._minor(row, event),
                    reason=str(row.get("reason") or "")[:80],
                    at=_moment(row),
                    due_at=datetime.fromtimestamp(due, UTC) if type(due) is int and 0 < due < _END_OF_TIME else None,
                    movements=self._movements(row, event),
                )
            )
        return tuple(found)

    def _movements(self, row: Mapping[str, Any], event: Event) -> tuple[Movement, ...]:
        """What a dispute has taken and given again. Where the account is kept in another currency, it is the disputed amount."""
        listed = row.get("balance_transactions")
        parts = [part for part in listed if isinstance(part, dict)] if isinstance(listed, list) else []
        found = []
        for part in sorted(parts, key=lambda part: _whole(part.get("created"))):
            amount, fee = part.get("amount"), part.get("fee")
            if type(amount) is not int or not amount:
                continue
            if str(part.get("currency")).upper() == event.currency:
                minor, fee_minor = from_stripe(abs(amount), event.currency), from_stripe(fee, event.currency) if type(fee) is int else 0
            else:
                minor, fee_minor = self._minor(row, event), 0
            if not minor or fee_minor is None:
                raise NotSure(f"Stripe names an amount that {event.currency} does not have")
            found.append(Movement(_id(part), minor if amount > 0 else -minor, _moment(part), fee_minor))
        return tuple(found)

    def _minor(self, row: Mapping[str, Any], event: Event) -> int:
        """An amount of a refund or a dispute, which is in the payment's currency."""
        if str(row.get("currency")).upper() != event.currency:
            raise NotSure("Stripe names another currency than the payment's")
        minor = from_stripe(_whole(row.get("amount")), event.currency)
        if minor is None:
            raise NotSure(f"Stripe names an amount that {event.currency} does not have")
        return minor

    async def _listed(self, ask: Callable[[Any], Awaitable[Any]], params: dict[str, Any]) -> list[dict[str, Any]]:
        """A list of Stripe's to its end, newest first. Raises NotSure."""
        found: list[dict[str, Any]] = []
        params = {**params, "limit": _PAGE}
        for _ in range(_MOST_PAGES):
            try:
                page = await self._asked(ask(params))
            except (_NotThere, _Refused, _AskedOtherwise) as no:
                raise NotSure(f"Stripe does not show its list: {no}") from None
            rows = _rows(page)
            found += rows
            if page.get("has_more") is not True or not rows:
                return found
            params = {**params, "starting_after": _id(rows[-1])}
        raise NotSure("Stripe's list is longer than can be looked through")

    async def _session(self, ref: str) -> dict[str, Any] | None:
        try:
            return await self._asked(self._client.v1.checkout.sessions.retrieve_async(ref, {"expand": [_EXPAND]}))
        except _NotThere:
            return None
        except (_Refused, _AskedOtherwise) as no:
            raise NotSure(f"Stripe does not show a page: {no}") from None

    async def _session_of_payment(self, charge: Mapping[str, Any]) -> dict[str, Any] | None:
        """The page a charge was paid on; None when it was paid without one, so by another program of the account."""
        if not isinstance(charge.get("payment_intent"), str):
            return None
        try:
            listed = await self._asked(
                self._client.v1.checkout.sessions.list_async(
                    {"payment_intent": _named(charge["payment_intent"]), "limit": 1, "expand": [f"data.{_EXPAND}"]}
                )
            )
        except (_NotThere, _Refused, _AskedOtherwise) as no:
            raise NotSure(f"Stripe does not show its list: {no}") from None
        return next(iter(_rows(listed)), None)

    async def _find_session(self, reference: str, since: datetime) -> dict[str, Any] | None:
        """The page of a reference: the one that was paid, else the newest."""
        # Their clock and ours are not the same.
        made = await self._sessions(since - timedelta(minutes=5), None)
        ours = [session for session in made if _words(session, "metadata").get(_REFERENCE) == reference]
        paid = [session for session in ours if session.get("payment_status") == "paid"]
        return next(iter(paid or ours), None)

    async def _sessions(self, since: datetime, status: str | None) -> list[dict[str, Any]]:
        """All pages made since then, newest first. Raises NotSure when there are more than can be looked through."""
        params: dict[str, Any] = {"created": {"gte": int(since.timestamp())}, "expand": [f"data.{_EXPAND}"]}
        if status is not None:
            params["status"] = status
        return await self._listed(self._client.v1.checkout.sessions.list_async, params)

    async def _asked(self, call: Awaitable[Any]) -> dict[str, Any]:
        """Stripe's answer as it came. What the library raises carries whole answers and never leaves here."""
        import stripe

        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await call
            if isinstance(answer, stripe.StripeObject):
                return answer.to_dict()
            raise NotSure("Stripe answers nonsense")
        except stripe.IdempotencyError:
            raise _AskedOtherwise from None
        except (stripe.InvalidRequestError, stripe.CardError) as no:
            # Its words for people may quote what was sent; its words for machines do not.
            said = " ".join(word for word in (no.code, no.param) if isinstance(word, str) and _WORD.fullmatch(word)) or "no reason given"
            raise (_NotThere if no.http_status == 404 or no.code == "resource_missing" else _Refused)(said) from None
        except (stripe.AuthenticationError, stripe.PermissionError) as no:
            raise _KeyNotTaken(f"Stripe does not take SHOP_STRIPE_KEY for this ({no.http_status})") from None
        except (stripe.StripeError, aiohttp.ClientError, OSError, TimeoutError) as trouble:
            raise NotSure(f"no answer of Stripe's: {type(trouble).__name__}") from None
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            # The library reads whatever JSON came as if it were right.
            raise NotSure("Stripe answers nonsense") from None

    def _over_aiohttp(self) -> stripe.HTTPClient:
        """The library's wire on our own client, since the library's reads answers of any size, for as long as they take."""
        import stripe

        owner = self

        class Wire(stripe.HTTPClient):
            name = "aiohttp"

            async def request_async(
                self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
            ) -> tuple[bytes, int, Mapping[str, str]]:
                if owner._http is None:
                    # No cookies; and the time is kept by who asks.
                    owner._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(), cookie_jar=aiohttp.DummyCookieJar())
                # A redirect would carry the key to whoever it names.
                async with owner._http.request(method, url, headers=headers, data=post_data, allow_redirects=False) as answer:
                    body = bytearray()
                    async for piece in answer.content.iter_chunked(1 << 16):
                        body += piece
                        if len(body) > LARGEST_ANSWER:
                            raise NotSure("Stripe's answer is too large")
                    return bytes(body), answer.status, answer.headers

        return Wire()


def _words(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of an answer that is an object, or nothing."""
    part = value.get(name)
    return part if isinstance(part, dict) else {}


def _rows(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = page.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NotSure("Stripe's list is none")
    return rows


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _MOST_BY_CARD:
        raise NotSure("Stripe's number is none")
    return value


def _payment(row: Mapping[str, Any]) -> str | None:
    """The payment that a refund or a dispute is of."""
    found = row.get("payment_intent")
    found = found.get("id") if isinstance(found, dict) else found
    return found if isinstance(found, str) else None


def _moment(value: Mapping[str, Any]) -> datetime:
    at = _whole(value.get("created"))
    if at >= _END_OF_TIME:
        raise NotSure("Stripe names a time that is none")
    return datetime.fromtimestamp(at, UTC)


def _id(value: Mapping[str, Any]) -> str:
    found = value.get("id")
    if not isinstance(found, str) or not _ID.fullmatch(found):
        raise NotSure("Stripe's answer has no id")
    return found


def _named(value: Any) -> str:
    """An id out of a callback; raises NotGenuine."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise NotGenuine
    return value


@dataclass(frozen=True, slots=True)
class Setting:
    """What the shop owner has set."""

    key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    live: bool
    url: str
    public_url: str  # empty: the shop cannot be called, and asks by itself
    return_url: str  # where the payer goes from Stripe's page, paid or not
    currency: str
    minimum_minor: int
    maximum_minor: int
    fee: Fee


def methods(calls: TelegramCalls, settings: Mapping[str, str]) -> Sequence[PaymentMethod]:
    """There when SHOP_STRIPE_KEY is set. Raises SetUpWrong, also when the library is not installed."""
    if not settings.get("SHOP_STRIPE_KEY", "").strip():
        return []
    setting = _setting(settings)
    try:
        import stripe
    except ModuleNotFoundError:
        raise SetUpWrong(
            "SHOP_STRIPE_KEY is set, and Stripe's library is not there: install it with `pip install shop[stripe]`, or remove the key."
        ) from None
    # It writes a file into the home folder and tells Stripe about this machine.
    stripe.enable_telemetry = False
    return [StripeCheckout(setting)]


def _setting(settings: Mapping[str, str]) -> Setting:
    key = needed(settings, "SHOP_STRIPE_KEY")
    known = _KEY.fullmatch(key)
    if known is None:
        raise SetUpWrong("SHOP_STRIPE_KEY is not a secret key of Stripe's: it begins with sk_test_, sk_live_, rk_test_ or rk_live_.")
    secret = settings.get("SHOP_STRIPE_WEBHOOK_SECRET", "").strip()
    if secret and not secret.startswith("whsec_"):
        raise SetUpWrong("SHOP_STRIPE_WEBHOOK_SECRET is not a signing secret of Stripe's: it begins with whsec_.")
    currency = (settings.get("SHOP_STRIPE_CURRENCY", "").strip() or settings.get("SHOP_CURRENCY", "").strip() or "CNY").upper()
    if not _CURRENCY.fullmatch(currency) or currency in _NOT_TAKEN:
        raise SetUpWrong("SHOP_STRIPE_CURRENCY has to be the three letters of a currency that Stripe takes, such as USD.")
    least = from_stripe(_LEAST.get(currency, 10 if currency in _THREE_DECIMALS else 1), currency)
    units = 10 ** max(0, _decimals(currency) - exponent(currency))  # so many units of Stripe's are one of ours, or part of one
    most = from_stripe(_MOST - _MOST % units, currency)
    bound = from_stripe(_MOST_BY_CARD - _MOST_BY_CARD % units, currency)
    assert most is not None and bound is not None, "they were made divisible"
    minimum = amount(settings, "SHOP_STRIPE_MINIMUM", currency, least or 1)
    maximum = amount(settings, "SHOP_STRIPE_MAXIMUM", currency, most)
    if not 1 <= minimum <= maximum <= bound:
        raise SetUpWrong("SHOP_STRIPE_MINIMUM has to be more than nothing, and SHOP_STRIPE_MAXIMUM not less than it, nor over 12 digits.")
    back = settings.get("SHOP_STRIPE_RETURN_URL", "").strip() or BACK_TO_TELEGRAM
    if not back.startswith(("https://", "http://")):
        raise SetUpWrong("SHOP_STRIPE_RETURN_URL is not an address: write it like https://t.me/card_shop_bot.")
    return Setting(
        key=key,
        webhook_secret=secret,
        live=known[1] == "live",
        url=address(settings, "SHOP_STRIPE_URL", URL),
        public_url=settings.get("SHOP_PUBLIC_URL", "").strip().rstrip("/"),
        return_url=back,
        currency=currency,
        minimum_minor=minimum,
        maximum_minor=maximum,
        fee=fee(settings, "SHOP_STRIPE", currency),
    )
