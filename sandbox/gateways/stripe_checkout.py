"""As much of Stripe as Checkout needs: sessions, events, refunds, and webhooks signed with a time stamp."""

from __future__ import annotations

import base64
import binascii
import copy
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, TypeVar
from urllib.parse import urlsplit

from aiohttp import web

from sandbox.gateways import page
from sandbox.gateways import stripe_forms as forms
from sandbox.gateways.base import Clock, Gateway, Handler, NotPayable, Payment, State, another_amount, another_currency, exact
from sandbox.gateways.courier import Letter, Notice, Pace
from sandbox.gateways.stripe_forms import Params, Wrong

API_VERSION = "2026-10-28.endive"
NO_CENTS = frozenset(["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"])
THOUSANDTHS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
# Amounts of these must be whole although they are written with two digits; thousandths end in a zero.
MUST_END_IN = {"isk": 100, "ugx": 100} | dict.fromkeys(THOUSANDTHS, 10)
LEAST = {"usd": 50, "eur": 50, "gbp": 30, "jpy": 50, "hkd": 400, "sgd": 50, "aud": 50, "cad": 50, "chf": 50}
MOST = 99_999_999
SHORTEST, LONGEST = timedelta(minutes=30), timedelta(hours=24)
LIST_DEFAULT, LIST_MAXIMUM = 10, 100

_SESSION = frozenset({
    "mode", "line_items", "success_url", "cancel_url", "client_reference_id", "metadata", "payment_intent_data", "expires_at", "locale",
    "customer_email", "payment_method_types", "payment_method_options", "submit_type", "expand", "currency", "ui_mode",
    "excluded_payment_method_types", "customer_creation", "allow_promotion_codes", "billing_address_collection", "custom_text",
    "phone_number_collection", "automatic_tax", "adaptive_pricing", "branding_settings", "origin_context",
})  # fmt: skip
_REASONS = ("duplicate", "fraudulent", "requested_by_customer")

T = TypeVar("T", bound=Mapping[str, object])


def digits(currency: str) -> int:
    """How many digits behind the point Stripe's integers of a currency have."""
    return 0 if currency in NO_CENTS else 3 if currency in THOUSANDTHS else 2


@dataclass(kw_only=True)
class Session(Payment):
    """A Checkout Session with its payment intent and charge."""

    metadata: dict[str, str]
    intent_metadata: dict[str, str]
    client_reference_id: str | None
    cancel_url: str | None
    given: Params
    items: list[dict[str, object]]
    intent: str = field(default_factory=lambda: f"pi_{secrets.token_hex(12)}")
    charge: str = field(default_factory=lambda: f"ch_{secrets.token_hex(12)}")
    begun: bool = False  # The payer has paid, or has begun to: now there is an intent.
    last_event: dict[str, object] | None = None
    disputes: list[dict[str, object]] = field(default_factory=list)

    def minor(self, amount: Decimal) -> int:
        """An amount in Stripe's integers; raises ValueError when it has more digits than its currency."""
        scaled = amount.scaleb(digits(self.currency))
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{amount} has more digits than {self.currency}")
        return int(scaled)


class StripeGateway(Gateway[Session]):
    """Stripe for one account. `webhook_url` is set here, as it is in the dashboard, and may be set while it runs."""

    brand: ClassVar[str] = "stripe"

    def __init__(
        self,
        key: str,
        webhook_secret: str,
        *,
        webhook_url: str | None = None,
        shop: str = "Card Shop",
        pace: Pace | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(shop=shop, pace=pace, clock=clock)
        self._key = key
        self._secret = webhook_secret
        self.webhook_url = webhook_url
        self._events: list[dict[str, object]] = []
        self._refunds: list[dict[str, object]] = []
        self.refunds_wait = False  # A refund is pending until `ends_refund`, as one to a bank account is.
        self._answered: dict[str, tuple[str, int, str]] = {}

    def _routes(self) -> Iterable[web.RouteDef]:
        return [
            web.post("/v1/checkout/sessions", self._door(self._create)),
            web.get("/v1/checkout/sessions", self._door(self._list_sessions)),
            web.get("/v1/checkout/sessions/{id}", self._door(self._get_session)),
            web.post("/v1/checkout/sessions/{id}/expire", self._door(self._expire)),
            web.get("/v1/payment_intents/{id}", self._door(self._get_intent)),
            web.get("/v1/disputes", self._door(self._list_disputes)),
            web.get("/v1/disputes/{id}", self._door(self._get_dispute)),
            web.get("/v1/events", self._door(self._list_events)),
            web.get("/v1/events/{id}", self._door(self._get_event)),
            web.post("/v1/refunds", self._door(self._refund)),
            web.get("/v1/refunds", self._door(self._list_refunds)),
            web.get("/v1/refunds/{id}", self._door(self._get_refund)),
            web.route("*", "/v1/{rest:.*}", self._door(self._unknown)),
        ]

    async def pay(self, reference: str, amount: Decimal | str | None = None, *, delayed: bool = False) -> None:
        """Pays as the payer would. Delayed: with a slow way to pay – completed but unpaid, until paid (or failed) once more."""
        payment = self._found(reference)
        self._settle(payment, exact(amount) if amount is not None else None, delayed=delayed)

    async def give_back(self, reference: str, amount: Decimal | str | None = None) -> None:
        """Give a part of a payment back in the console, by default all that is left. Raises NotPayable when that is not there."""
        self._give_back(self._found(reference), None if amount is None else exact(amount))

    async def dispute(self, reference: str, *, inquiry: bool = False, fee: int = 1500) -> None:
        """The payer's bank disputes a payment whole: its money and a fee are taken at once. An inquiry takes nothing yet."""
        self._dispute(self._found(reference), inquiry=inquiry, fee=fee)

    async def decide(self, reference: str, *, won: bool) -> None:
        """The newest dispute is decided: won, its money comes back, the fee does not. Raises NotPayable when there is none."""
        self._decide(self._found(reference), won=won)

    # The door: who asks, what they ask, and whether they have asked it before.

    def _door(self, work: Callable[[web.Request, Params], object]) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                self._check_key(request)
                pairs = [(name, value) for name, value in request.query.items()]
                pairs += [(name, value) for name, value in (await request.post()).items() if isinstance(value, str)]
                return self._once(request, work, pairs)
            except Wrong as wrong:
                return _json({"error": wrong.row}, wrong.status)

        return self._api(answer)

    def _check_key(self, request: web.Request) -> None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).decode().partition(":")[0]
            except (binascii.Error, UnicodeDecodeError):
                given = ""
        if not given:
            raise Wrong("You did not provide an API key. You need to provide your API key in the Authorization header.", status=401)
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            raise Wrong("Invalid API Key provided.", status=401)

    def _once(self, request: web.Request, work: Callable[[web.Request, Params], object], pairs: list[tuple[str, str]]) -> web.Response:
        key = request.headers.get("Idempotency-Key", "") if request.method == "POST" else ""
        if not key:
            return _json(work(request, forms.nested(pairs)))
        if len(key) > 255:
            raise Wrong("The idempotency key is longer than 255 characters.")
        asked = hashlib.sha256(json.dumps([request.path, sorted(pairs)]).encode()).hexdigest()
        if key in self._answered:
            before, status, body = self._answered[key]
            if before != asked:
                raise Wrong(
                    "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                    kind="idempotency_error",
                )
            return web.Response(text=body, status=status, content_type="application/json", headers={"Idempotent-Replayed": "true"})
        # A mistake in the parameters is not kept: the work has not begun.
        response = _json(work(request, forms.nested(pairs)))
        self._answered[key] = (asked, response.status, response.text or "")
        return response

    def _unknown(self, request: web.Request, params: Params) -> object:
        raise Wrong(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)

    # Sessions.

    def _create(self, request: web.Request, params: Params) -> object:
        forms.only(params, _SESSION)
        if forms.text(params, "mode", needed=True) != "payment":
            raise Wrong("Invalid mode: here only payment.", param="mode")
        if forms.text(params, "ui_mode") not in ("", "hosted", "hosted_page"):
            raise Wrong("Invalid ui_mode: here only the page of Stripe itself.", param="ui_mode")
        for name in ("success_url", "cancel_url"):
            if name in params and urlsplit(forms.text(params, name)).scheme not in ("http", "https"):
                raise Wrong("Not a valid URL", param=name, code="url_invalid")
        forms.text(params, "success_url", needed=True)
        now = self._clock()
        created = int(now.timestamp())
        ends = forms.whole(params, "expires_at")
        ends = created + int(LONGEST.total_seconds()) if ends is None else ends
        if ends < created + SHORTEST.total_seconds():
            raise Wrong("The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.", param="expires_at")
        if ends > created + LONGEST.total_seconds():
            raise Wrong("The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.", param="expires_at")
        currency, items = self._items(forms.inner(params, "line_items"))
        total = sum(int(str(item["amount_total"])) for item in items)
        if total < LEAST.get(currency, 1):
            raise Wrong(
                f"The Checkout Session's total amount due must add up to at least {LEAST[currency]} {currency}", code="amount_too_small"
            )
        if total > MOST:
            raise Wrong("The Checkout Session's total amount due is too large", code="amount_too_large")
        intent_data = forms.inner(params, "payment_intent_data")
        forms.only(intent_data, ("metadata", "description", "statement_descriptor_suffix", "receipt_email"), "payment_intent_data")
        notes = forms.metadata(params)
        number = f"cs_test_{secrets.token_hex(24)}"
        own = forms.text(params, "client_reference_id", longest=200)
        session = Session(
            reference=own or notes.get("reference") or number,
            number=number,
            key=number,
            title=", ".join(str(item["description"]) for item in items),
            amount=Decimal(total).scaleb(-digits(currency)),
            currency=currency,
            made_at=now,
            expires_at=datetime.fromtimestamp(ends, UTC),
            return_url=forms.text(params, "success_url"),
            metadata=notes,
            intent_metadata=forms.metadata(intent_data, "payment_intent_data"),
            client_reference_id=own or None,
            cancel_url=forms.text(params, "cancel_url") or None,
            given=params,
            items=items,
        )
        self._all.append(session)
        return self._session_row(session, forms.strings(params, "expand"))

    @staticmethod
    def _items(given: Params) -> tuple[str, list[dict[str, object]]]:
        if not given:
            raise Wrong("Missing required param: line_items.", param="line_items", code="parameter_missing")
        items: list[dict[str, object]] = []
        currencies = set()
        for place in given:
            at = f"line_items[{place}]"
            item = forms.inner(given, place, "line_items")
            forms.only(item, ("price_data", "quantity", "adjustable_quantity"), at)
            price = forms.inner(item, "price_data", at)
            at_price = f"{at}[price_data]"
            forms.only(price, ("currency", "unit_amount", "product_data", "tax_behavior"), at_price)
            product = forms.inner(price, "product_data", at_price)
            forms.only(product, ("name", "description", "images", "metadata", "tax_code"), f"{at_price}[product_data]")
            currency = forms.text(price, "currency", at_price, needed=True).lower()
            if not re.fullmatch("[a-z]{3}", currency):
                raise Wrong(f"Invalid currency: {currency}", param=f"{at_price}[currency]")
            unit, quantity = forms.whole(price, "unit_amount", at_price), forms.whole(item, "quantity", at)
            if unit is None:
                raise Wrong(f"Missing required param: {at_price}[unit_amount].", param=f"{at_price}[unit_amount]", code="parameter_missing")
            if quantity is None:
                raise Wrong(f"Missing required param: {at}[quantity].", param=f"{at}[quantity]", code="parameter_missing")
            if unit < 0 or quantity < 1:
                raise Wrong("This value must be greater than or equal to 0.", param=at_price, code="parameter_invalid_integer")
            if unit % MUST_END_IN.get(currency, 1):
                raise Wrong(
                    f"Invalid amount: {currency} must be evenly divisible by {MUST_END_IN[currency]}.", param=f"{at_price}[unit_amount]"
                )
            name = forms.text(product, "name", f"{at_price}[product_data]", needed=True)
            currencies.add(currency)
            items.append(
                {
                    "id": f"li_{secrets.token_hex(12)}",
                    "object": "item",
                    "amount_discount": 0,
                    "amount_subtotal": unit * quantity,
                    "amount_tax": 0,
                    "amount_total": unit * quantity,
                    "currency": currency,
                    "description": name,
                    "quantity": quantity,
                }
            )
        if len(currencies) > 1:
            raise Wrong("All line items must have the same currency.", param="line_items")
        return currencies.pop(), items

    def _list_sessions(self, request: web.Request, params: Params) -> object:
        forms.only(params, ("limit", "starting_after", "ending_before", "created", "status", "payment_intent", "expand"))
        status, intent = forms.text(params, "status"), forms.text(params, "payment_intent")
        expand = [path.removeprefix("data.") for path in forms.strings(params, "expand")]
        rows = [self._session_row(session, expand) for session in self._all]
        wanted = [row for row in rows if status in ("", row["status"]) and (not intent or intent == _id(row["payment_intent"]))]
        return _listed(request.path, wanted, params)

    def _get_session(self, request: web.Request, params: Params) -> object:
        forms.only(params, ("expand",))
        return self._session_row(self._session(request.match_info["id"]), forms.strings(params, "expand"))

    def _expire(self, request: web.Request, params: Params) -> object:
        forms.only(params, ("expand",))
        session = self._session(request.match_info["id"])
        if session.state is not State.OPEN:
            raise Wrong(
                'Only Checkout Sessions with a status in ["open"] can be expired. '
                f"This Checkout Session has a status of `{_status(session)}`."
            )
        session.state = State.EXPIRED
        self._expired(session)
        return self._session_row(session, forms.strings(params, "expand"))

    def _session(self, number: str) -> Session:
        for session in self._all:
            if session.number == number:
                return session
        raise Wrong(f"No such checkout.session: {number}", param="session", code="resource_missing", status=404)

    def _session_row(self, session: Session, expand: Sequence[str] = (), truth: bool = False) -> dict[str, object]:
        lies = self.faults.lies_in_answers and not truth
        currency = another_currency(session.currency) if lies and self.faults.wrong_currency else session.currency
        shown = another_amount(session.sum) if lies and self.faults.wrong_amount else session.sum
        total = int(shown.scaleb(digits(session.currency))) or 1
        intent: object = session.intent if session.begun else None
        if session.begun and any(path.split(".")[0] == "payment_intent" for path in expand):
            intent = self._intent_row(session, any(path == "payment_intent.latest_charge" for path in expand))
        row: dict[str, object] = {
            "id": session.number,
            "object": "checkout.session",
            "amount_subtotal": total,
            "amount_total": total,
            "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
            "cancel_url": session.cancel_url,
            "client_reference_id": session.client_reference_id,
            "created": int(session.made_at.timestamp()),
            "currency": currency,
            "custom_fields": [],
            "custom_text": {"after_submit": None, "shipping_address": None, "submit": None, "terms_of_service_acceptance": None},
            "customer": None,
            "customer_details": None,
            "customer_email": forms.text(session.given, "customer_email") or None,
            "expires_at": int(session.expires_at.timestamp()) if session.expires_at else None,
            "livemode": False,
            "locale": forms.text(session.given, "locale") or None,
            "metadata": dict(session.metadata),
            "mode": "payment",
            "payment_intent": intent,
            "payment_method_types": forms.strings(session.given, "payment_method_types") or ["card"],
            "payment_status": "paid" if session.state is State.PAID else "unpaid",
            "shipping_options": [],
            "status": _status(session),
            "success_url": session.return_url,
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
            "ui_mode": "hosted_page",
            "url": f"{self.url}/pay/{session.key}" if session.state is State.OPEN else None,
        }
        if "line_items" in expand:
            at = f"/v1/checkout/sessions/{session.number}/line_items"
            row["line_items"] = {"object": "list", "data": session.items, "has_more": False, "url": at}
        return row

    # The intent and the charge behind a session.

    def _get_intent(self, request: web.Request, params: Params) -> object:
        forms.only(params, ("expand",))
        number = request.match_info["id"]
        for session in self._all:
            if session.begun and session.intent == number:
                return self._intent_row(session, "latest_charge" in forms.strings(params, "expand"))
        raise Wrong(f"No such payment_intent: '{number}'", param="intent", code="resource_missing", status=404)

    def _intent_row(self, session: Session, with_charge: bool) -> dict[str, object]:
        paid = session.state is State.PAID
        total = session.minor(session.sum)
        return {
            "id": session.intent,
            "object": "payment_intent",
            "amount": total,
            "amount_received": total if paid else 0,
            "created": int((session.paid_at or session.made_at).timestamp()),
            "currency": session.currency,
            "latest_charge": (self._charge_row(session) if with_charge else session.charge) if paid else None,
            "livemode": False,
            "metadata": dict(session.intent_metadata),
            "payment_method_types": forms.strings(session.given, "payment_method_types") or ["card"],
            "status": "succeeded" if paid else "processing" if session.state is State.PROCESSING else "requires_payment_method",
        }

    def _charge_row(self, session: Session) -> dict[str, object]:
        total, back = session.minor(session.sum), session.minor(session.refunded)
        return {
            "id": session.charge,
            "object": "charge",
            "amount": total,
            "amount_captured": total,
            "amount_refunded": back,
            "captured": True,
            "created": int((session.paid_at or session.made_at).timestamp()),
            "currency": session.currency,
            "disputed": bool(session.disputes),
            "livemode": False,
            "metadata": dict(session.intent_metadata),
            "paid": True,
            "payment_intent": session.intent,
            "refunded": back == total,
            "status": "succeeded",
        }

    # Refunds.

    def _refund(self, request: web.Request, params: Params) -> object:
        forms.only(params, ("payment_intent", "charge", "amount", "reason", "metadata", "expand"))
        intent, charge = forms.text(params, "payment_intent"), forms.text(params, "charge")
        if not intent and not charge:
            raise Wrong("One of the following params should be provided for this request: payment_intent or charge.")
        reason = forms.text(params, "reason")
        if reason and reason not in _REASONS:
            raise Wrong("Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer", param="reason")
        session = next((known for known in self._all if known.begun and (known.intent == intent or known.charge == charge)), None)
        if session is None:
            name = "payment_intent" if intent else "charge"
            raise Wrong(f"No such {name}: '{intent or charge}'", param=name, code="resource_missing", status=404)
        if session.state is not State.PAID:
            raise Wrong(f"This PaymentIntent ({session.intent}) does not have a successful charge to refund.")
        left = session.minor(session.sum - session.refunded)
        if not left:
            raise Wrong(f"Charge {session.charge} has already been refunded.", code="charge_already_refunded")
        amount = forms.whole(params, "amount")
        amount = left if amount is None else amount
        if amount < 1:
            raise Wrong("Invalid positive integer", param="amount", code="parameter_invalid_integer")
        if amount % MUST_END_IN.get(session.currency, 1):
            raise Wrong(f"Invalid amount: must be evenly divisible by {MUST_END_IN[session.currency]}.", param="amount")
        if amount > left:
            raise Wrong(
                f"Refund amount ({amount} {session.currency}) is greater than unrefunded amount on charge ({left} {session.currency})"
            )
        if any(_is_open(row) and not row["is_charge_refundable"] for row in session.disputes):
            raise Wrong(f"Charge {session.charge} has been charged back; cannot issue a refund.", code="charge_disputed")
        return self._made(session, amount, forms.metadata(params), reason or None)

    def _made(self, session: Session, amount: int, metadata: dict[str, str], reason: str | None) -> dict[str, object]:
        """A refund, asked for by the shop's program or made in the console."""
        session.refunds.append(Decimal(amount).scaleb(-digits(session.currency)))
        row: dict[str, object] = {
            "id": f"re_{secrets.token_hex(12)}",
            "object": "refund",
            "amount": amount,
            "charge": session.charge,
            "created": int(self._clock().timestamp()),
            "currency": session.currency,
            "metadata": metadata,
            "payment_intent": session.intent,
            "reason": reason,
            "status": "pending" if self.refunds_wait else "succeeded",
        }
        self._refunds.append(row)
        # Also of one that is only pending: the charge counts it as given back from the beginning.
        self._tell(session, "charge.refunded", self._charge_row(session))
        return row

    def ends_refund(self, *, made: bool) -> str:
        """The bank says of the newest refund that it reached the payer, or (also later) that it did not; returns its number."""
        row = self._refunds[-1]
        session = next(known for known in self._all if known.intent == row["payment_intent"])
        row["status"] = "succeeded" if made else "failed"
        if not made:
            session.refunds.remove(Decimal(int(str(row["amount"]))).scaleb(-digits(session.currency)))
        self._tell(session, "refund.updated", dict(row))
        if not made:
            self._tell(session, "refund.failed", dict(row))
        return str(row["id"])

    def _list_refunds(self, request: web.Request, params: Params) -> object:
        forms.only(params, ("limit", "starting_after", "ending_before", "created", "payment_intent", "charge", "expand"))
        intent, charge = forms.text(params, "payment_intent"), forms.text(params, "charge")
        wanted = [row for row in self._refunds if intent in ("", row["payment_intent"]) and charge in ("", row["charge"])]
        return _listed(request.path, self._with_intents(wanted, params), params)

    def _with_intents(self, rows: Iterable[Mapping[str, object]], params: Params) -> list[Mapping[str, object]]:
        if "data.payment_intent" not in forms.strings(params, "expand"):
            return list(rows)
        intents = {session.intent: session for session in self._all}
        return [{**row, "payment_intent": self._intent_row(intents[str(row["payment_intent"])], False)} for row in rows]

    def _get_refund(self, request: web.Request, params: Params) -> object:
        return _one(self._refunds, request.match_info["id"], "refund")

    # What is done in the console, and by banks.

    def _give_back(self, session: Session, amount: Decimal | None) -> None:
        left = session.sum - session.refunded
        amount = left if amount is None else amount
        if session.state is not State.PAID or not 0 < amount <= left:
            raise NotPayable(session.state)
        self._made(session, session.minor(amount), {}, None)

    def _dispute(self, session: Session, *, inquiry: bool, fee: int) -> None:
        if session.state is not State.PAID or any(_is_open(row) for row in session.disputes):
            raise NotPayable(session.state)
        now = self._clock()
        row: dict[str, object] = {
            "id": f"du_{secrets.token_hex(12)}",
            "object": "dispute",
            "amount": session.minor(session.sum),
            "balance_transactions": [],
            "charge": session.charge,
            "created": int(now.timestamp()),
            "currency": session.currency,
            "evidence_details": {
                "due_by": int((now + timedelta(days=9)).timestamp()),
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "is_charge_refundable": inquiry,
            "livemode": False,
            "metadata": {},
            "payment_intent": session.intent,
            "reason": "fraudulent",
            "status": "warning_needs_response" if inquiry else "needs_response",
        }
        session.disputes.append(row)
        self._tell(session, "charge.dispute.created", copy.deepcopy(row))
        if not inquiry:
            self._moves(session, row, -session.minor(session.sum), fee)
            self._tell(session, "charge.dispute.funds_withdrawn", copy.deepcopy(row))

    def _decide(self, session: Session, *, won: bool) -> None:
        row = next((row for row in reversed(session.disputes) if _is_open(row)), None)
        if row is None:
            raise NotPayable(session.state)
        inquiry = str(row["status"]).startswith("warning_")
        row["status"] = "warning_closed" if inquiry else "won" if won else "lost"
        row["is_charge_refundable"] = inquiry
        if won and not inquiry:
            self._moves(session, row, session.minor(session.sum), 0)
            self._tell(session, "charge.dispute.funds_reinstated", copy.deepcopy(row))
        self._tell(session, "charge.dispute.closed", copy.deepcopy(row))

    def _moves(self, session: Session, row: dict[str, object], amount: int, fee: int) -> None:
        moved = row["balance_transactions"]
        assert isinstance(moved, list)
        moved.append(
            {
                "id": f"txn_{secrets.token_hex(12)}",
                "object": "balance_transaction",
                "amount": amount,
                "created": int(self._clock().timestamp()),
                "currency": session.currency,
                "fee": fee,
                "fee_details": [{"amount": fee, "currency": session.currency, "type": "stripe_fee"}] if fee else [],
                "net": amount - fee,
                "source": row["id"],
                "type": "adjustment",
            }
        )

    def _list_disputes(self, request: web.Request, params: Params) -> object:
        forms.only(params, ("limit", "starting_after", "ending_before", "created", "payment_intent", "charge", "expand"))
        intent, charge = forms.text(params, "payment_intent"), forms.text(params, "charge")
        rows = [row for session in self._all for row in session.disputes]
        rows.sort(key=lambda row: int(str(row["created"])))
        wanted = [row for row in rows if intent in ("", row["payment_intent"]) and charge in ("", row["charge"])]
        return _listed(request.path, self._with_intents(wanted, params), params)

    def _get_dispute(self, request: web.Request, params: Params) -> object:
        return _one([row for session in self._all for row in session.disputes], request.match_info["id"], "dispute")

    def _desk(self, payment: Session) -> Sequence[tuple[str, str]]:
        if payment.state is not State.PAID:
            return ()
        if any(_is_open(row) for row in payment.disputes):
            return (("won", "dispute-won"), ("lost", "dispute-lost"))
        if payment.disputes or payment.refunded == payment.sum:
            return ()
        return (("give-back", "give-back"), ("give-half", "give-half"), ("dispute", "dispute"))

    def _at_the_desk(self, payment: Session, wish: str) -> None:
        if wish == "dispute":
            self._dispute(payment, inquiry=False, fee=1500)
        elif wish in ("won", "lost"):
            self._decide(payment, won=wish == "won")
        else:
            half = (payment.sum - payment.refunded) / 2
            places = Decimal(1).scaleb(-digits(payment.currency))
            self._give_back(payment, max(places, half.quantize(places)) if wish == "give-half" else None)

    # Events.

    def _list_events(self, request: web.Request, params: Params) -> object:
        forms.only(params, ("limit", "starting_after", "ending_before", "created", "type", "types", "delivery_success"))
        kinds = forms.strings(params, "types") or [kind for kind in [forms.text(params, "type")] if kind]
        return _listed(request.path, [row for row in self._events if not kinds or row["type"] in kinds], params)

    def _get_event(self, request: web.Request, params: Params) -> object:
        return _one(self._events, request.match_info["id"], "event")

    def _tell(self, session: Session, kind: str, about: dict[str, object]) -> None:
        event: dict[str, object] = {
            "id": f"evt_{secrets.token_hex(12)}",
            "object": "event",
            "api_version": API_VERSION,
            "created": int(self._clock().timestamp()),
            "data": {"object": about},
            "livemode": False,
            "pending_webhooks": int(self.webhook_url is not None),
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }
        self._events.append(event)
        session.last_event = event
        notice = self._last_notice(session)
        if notice is not None:
            self._courier.post(notice)

    def _last_notice(self, payment: Session) -> Notice | None:
        event, address = payment.last_event, self.webhook_url
        if event is None or address is None:
            return None

        def write() -> Letter:
            body = json.dumps(self._with_faults(event), ensure_ascii=False, indent=2)
            secret = "another" if self.faults.take("wrong_sign") else self._secret
            # Each sending has a time of its own: the shop may refuse an old one.
            now = int(time.time())
            mark = hmac.new(secret.encode(), f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
            headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": f"t={now},v1={mark}"}
            return Letter("POST", address, headers, body.encode())

        return Notice(payment.reference, str(event["type"]), write, lambda status, _: 200 <= status < 300)

    def _with_faults(self, event: dict[str, object]) -> dict[str, object]:
        wrong_amount, wrong_currency = self.faults.take("wrong_amount"), self.faults.take("wrong_currency")
        if not wrong_amount and not wrong_currency:
            return event
        event = copy.deepcopy(event)
        data = event["data"]
        assert isinstance(data, dict)
        about = data["object"]
        if wrong_amount:
            about |= {name: 2 if about[name] == 1 else 1 for name in ("amount", "amount_total", "amount_subtotal") if name in about}
        if wrong_currency:
            about["currency"] = another_currency(about["currency"])
        return event

    # Paying.

    def _settle(self, payment: Session, amount: Decimal | None, *, delayed: bool = False) -> None:
        second_step = payment.state is State.PROCESSING
        if payment.state is not State.OPEN and not second_step:
            raise NotPayable(payment.state)
        if amount is not None:
            payment.minor(amount)
            payment.paid = amount
        payment.begun = True
        payment.state = State.PROCESSING if delayed and not second_step else State.PAID
        if payment.state is State.PAID:
            payment.paid = payment.sum
            payment.paid_at = self._clock()
        kind = "async_payment_succeeded" if second_step else "completed"
        self._tell(payment, f"checkout.session.{kind}", self._session_row(payment, truth=True))

    def _refuse(self, payment: Session) -> None:
        if payment.state is State.PROCESSING:
            payment.state = State.FAILED
            self._tell(payment, "checkout.session.async_payment_failed", self._session_row(payment, truth=True))
        elif payment.state is State.OPEN:
            payment.state = State.EXPIRED
            self._expired(payment)
        else:
            raise NotPayable(payment.state)

    def _expired(self, payment: Session) -> None:
        self._tell(payment, "checkout.session.expired", self._session_row(payment, truth=True))

    def _onward(self, payment: Session) -> str:
        return payment.return_url.replace("{CHECKOUT_SESSION_ID}", payment.number)

    def _brand(self, payment: Session) -> page.Brand:
        return page.BRANDS["stripe"]

    def _broken(self) -> web.StreamResponse:
        return _json({"error": {"message": "An unknown error occurred.", "type": "api_error"}}, 500)


def _status(session: Session) -> str:
    if session.state is State.OPEN:
        return "open"
    return "expired" if session.state is State.EXPIRED else "complete"


def _is_open(dispute: Mapping[str, object]) -> bool:
    return str(dispute["status"]) in ("needs_response", "under_review", "warning_needs_response", "warning_under_review")


def _id(value: object) -> object:
    return value["id"] if isinstance(value, dict) else value


def _one(rows: Iterable[T], number: str, kind: str) -> T:
    for row in rows:
        if row["id"] == number:
            return row
    raise Wrong(f"No such {kind}: '{number}'", param="id", code="resource_missing", status=404)


def _listed(path: str, rows: Sequence[Mapping[str, object]], params: Params) -> dict[str, object]:
    """One page of a list, newest first."""
    limit = forms.whole(params, "limit")
    limit = LIST_DEFAULT if limit is None else limit
    if not 1 <= limit <= LIST_MAXIMUM:
        raise Wrong(f"Limit must be between 1 and {LIST_MAXIMUM}", param="limit", code="parameter_invalid_integer")
    found = [row for row in reversed(rows) if _in_time(int(str(row["created"])), params)]
    after, before = forms.text(params, "starting_after"), forms.text(params, "ending_before")
    numbers = [row["id"] for row in found]
    for name, number in (("starting_after", after), ("ending_before", before)):
        if number and number not in numbers:
            raise Wrong(f"No such object: '{number}'", param=name, code="resource_missing")
    if after:
        found = found[numbers.index(after) + 1 :]
    elif before:
        head = found[: numbers.index(before)]
        return {"object": "list", "data": head[-limit:], "has_more": len(head) > limit, "url": path}
    return {"object": "list", "data": found[:limit], "has_more": len(found) > limit, "url": path}


def _in_time(created: int, params: Params) -> bool:
    bounds = params.get("created", {})
    if not isinstance(bounds, dict):
        return created == forms.whole(params, "created")
    forms.only(bounds, ("gt", "gte", "lt", "lte"), "created")
    limits = {name: forms.whole(bounds, name, "created") for name in bounds}
    gt, gte, lt, lte = (limits.get(name) for name in ("gt", "gte", "lt", "lte"))
    return (
        (gt is None or created > gt)
        and (gte is None or created >= gte)
        and (lt is None or created < lt)
        and (lte is None or created <= lte)
    )


def _json(row: object, status: int = 200) -> web.Response:
    return web.json_response(row, status=status, headers={"Request-Id": f"req_{secrets.token_hex(7)}"})
