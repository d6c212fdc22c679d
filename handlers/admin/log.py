"""The action log: who of the staff did what, how it was before, and how it is after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

from aiogram import F, Router
from aiogram.types import CallbackQuery

from core import journal, people, rates
from core.errors import N_
from core.journal import Entry
from handlers.admin import log_of_commitments, log_of_control, log_of_credit, log_of_members, log_of_resellers
from handlers.admin.desk import Desk, Go, go
from handlers.pieces import Row, bold, clipped, lines, paragraphs
from handlers.reseller import api as reseller_api
from locales import Safe, Speech, languages, own_name

_LINES = 8
_SHOWN = 80  # characters of a value

ACTIONS = {
    "add-category": N_("added category {id}"),
    "change-category": N_("changed category {id}"),
    "move-category": N_("moved category {id}"),
    "add-product": N_("added product {id}"),
    "change-product": N_("changed product {id}"),
    "move-product": N_("moved product {id}"),
    "add-sku": N_("added denomination {id}"),
    "change-sku": N_("changed denomination {id}"),
    "move-sku": N_("moved denomination {id}"),
    "set-price": N_("set the price of denomination {id}"),
    "set-cost": N_("set the cost of denomination {id}"),
    "import-codes": N_("imported codes of denomination {id}"),
    "set-exposure": N_("set how much may be owed to supplier {id}"),
    "draft-purchase": N_("began purchase order {id}"),
    "order-purchase": N_("ordered purchase order {id}"),
    "end-purchase": N_("ended purchase order {id}"),
    "new-vendor": N_("noted supplier {id}, to buy from"),
    "void-code": N_("made code {id} void"),
    "export-batch": N_("took the list of what became of delivery {id}"),
    "void-batch": N_("made unsold codes of delivery {id} void"),
    "make-upload-link": N_("made an upload link for offer {id}"),
    "take-back-codes": N_("took unsold codes of offer {id} back"),
    "open-taken-back": N_("was sent codes that were taken back from offer {id}"),
    "new-offer": N_("made offer {id}"),
    "approve-offer": N_("approved offer {id}"),
    "pause-offer": N_("paused offer {id}"),
    "resume-offer": N_("let offer {id} sell again"),
    "declare": N_("said how many more there are of offer {id}"),
    "wish-cost": N_("asked for a higher cost of offer {id}"),
    "decide-cost-wish": N_("decided about the cost of offer {id}"),
    "resend": N_("sent order {id} again"),
    "refund": N_("refunded order {id}"),
    "release-order": N_("released order {id}"),
    "ask-task": N_("had the source of order {id} asked"),
    "fail-task": N_("gave up what was on its way for order {id}"),
    "bring-task": N_("brought codes for order {id}"),
    "call-off": N_("called off what was on its way for order {id}"),
    "set-kind": N_("changed the kind or the terms of product {id}"),
    "take-task": N_("took task {id}"),
    "show-answers": N_("looked at what the buyer said for task {id}"),
    "do-task": N_("did task {id} by hand"),
    "leave-task": N_("said that task {id} cannot be done"),
    "quote-service": N_("quoted request {id}"),
    "deliver-step": N_("delivered a step of request {id}"),
    "call-off-service": N_("called off request {id}"),
    "set-weights": N_("set how sources are ranked"),
    "adjust-balance": N_("changed the balance of customer {id}"),
    "confirm-payment": N_("said that the money of payment {id} is there"),
    "refuse-payment": N_("said that the money of payment {id} is not there"),
    "switch-on-coupon": N_("switched coupon {id} on"),
    "switch-off-coupon": N_("switched coupon {id} off"),
    "answer-case": N_("answered in case {id}"),
    "decide-case": N_("decided case {id}"),
    "change-aftersale": N_("changed the deadlines of cases"),
    "send-application": N_("sent application {id}"),
    "withdraw-application": N_("withdrew application {id}"),
    "decide-application": N_("decided about application {id}"),
    "settle-check": N_("answered a check of application {id}"),
    "set-deposit": N_("changed what suppliers deposit"),
    "pay-deposit": N_("deposited for supplier {id}"),
    "return-deposit": N_("gave supplier {id} the deposit back"),
    "waive-deposit": N_("asks supplier {id} for no deposit any more"),
    "add-document": N_("added a paper of supplier {id}"),
    "renew-document": N_("sent a newer paper for paper {id}"),
    "decide-document": N_("decided about a newer paper for paper {id}"),
    "send-paper": N_("sent the shop another paper, no. {id}"),
    "take-paper-back": N_("took paper no. {id} back before it was looked at"),
    "follow-certificate": N_("followed what was said of the certificate of paper no. {id}"),
    "decide-paper": N_("decided about another paper, no. {id}"),
    "begin-broadcast": N_("began broadcast {id}"),
    "stop-broadcast": N_("stopped broadcast {id}"),
    "change-storefront": N_("changed the shop's settings"),
    "set-rate": N_("set an exchange rate"),
    "take-rate": N_("took an exchange rate that had jumped"),
    "hand-back-rate": N_("gave an exchange rate back to its source"),
    "agree-contract": N_("agreed to a contract with supplier {id}"),
    "end-offer-contract": N_("ended a contract of one offer with supplier {id}"),
    "book-revenue": N_("booked revenue that is no sale"),
    "take-back-revenue": N_("took booked revenue back"),
    "settle-order": N_("had the settlement of order {id} tried again"),
    "payout-rule": N_("changed the rules of payouts"),
    "payout-address": N_("changed where the money of supplier {id} goes"),
    "ask-payout": N_("asked for payout {id}"),
    "approve-payout": N_("approved payout {id}"),
    "refuse-payout": N_("refused payout {id}"),
    "send-payout": N_("sent payout {id}"),
    "confirm-payout": N_("said that payout {id} has arrived"),
    "change-offer": N_("changed offer {id}"),
    "withdraw-offer": N_("withdrew offer {id}"),
    "drop-cost": N_("took a later cost of offer {id} back"),
    "new-quota": N_("made quota {id}"),
    "change-quota": N_("changed quota {id}"),
    "set-price-rule": N_("changed what prices must leave"),
    "ignore-price": N_("left the price of denomination {id} as it was"),
    "set-wholesale": N_("changed at which prices customer {id} buys"),
    "rotate-keys": N_("made a new key for the codes"),
    "seed": N_("filled the shelves from a file"),
    **log_of_commitments.ACTIONS,
    **log_of_control.ACTIONS,
    **log_of_credit.ACTIONS,
    **log_of_resellers.ACTIONS,
    **reseller_api.ACTIONS,
    **log_of_members.ACTIONS,
}

FIELDS = {
    **log_of_members.FIELDS,
    "accepted": N_("codes taken in"),
    "owed_minor": N_("may be owed"),
    "ahead_minor": N_("they may have of ours"),
    "quantity": N_("quantity"),
    "received": N_("received"),
    "supplier": N_("supplier"),
    "declared": N_("declared besides the shelf"),
    "document": N_("paper"),
    "granted": N_("agreed"),
    "settled": N_("settled"),
    "stream": N_("stream of revenue"),
    "note": N_("what for"),
    "booking": N_("booking"),
    "link": N_("upload link"),
    "paused": N_("paused"),
    "shelf": N_("on the shelf"),
    "sku": N_("denomination"),
    "take_back": N_("number of the take-back"),
    "void": N_("void"),
    "wish": N_("number of the wish"),
    "cost": N_("low cost"),
    "success": N_("delivers what it has"),
    "aftersale": N_("few complaints"),
    "latency": N_("quick"),
    "stock": N_("much stock"),
    "region": N_("for every region"),
    "task": N_("task"),
    "units": N_("pieces"),
    "got": N_("came"),
    "missing": N_("missing"),
    "taken": N_("codes taken in"),
    "refused": N_("codes that were there already"),
    "late": N_("codes not waited for"),
    "answer_hours": N_("hours in which we answer"),
    "daily_statement": N_("statement every morning"),
    "buyer_days": N_("days for which a case waits for its buyer"),
    "entry": N_("message"),
    "order": N_("order"),
    "outcome": N_("outcome"),
    "state": N_("state"),
    "warranty_hours": N_("hours of warranty"),
    "amount_minor": N_("takes off"),
    "back_on_refund": N_("again after a refund"),
    "balance_minor": N_("balance"),
    "basis_points": N_("takes off"),
    "batch": N_("batch"),
    "cap_minor": N_("at most"),
    "categories": N_("new categories"),
    "category_id": N_("in category"),
    "changed": N_("changed things"),
    "codes": N_("new codes"),
    "codes_elsewhere": N_("codes left to another import"),
    "codes_known": N_("codes that were there already"),
    "cost_minor": N_("cost"),
    "currency": N_("currency"),
    "denominations": N_("new denominations"),
    "check": N_("check"),
    "deposit_minor": N_("security deposit"),
    "description": N_("description"),
    "expires_on": N_("valid until"),
    "renewal": N_("newer paper"),
    "result": N_("result"),
    "scope": N_("scope"),
    "standing": N_("standing"),
    "version": N_("version"),
    "expires_at": N_("ends"),
    "face_currency": N_("currency of the face value"),
    "face_value": N_("face value in minor units"),
    "face_value_minor": N_("face value"),
    "contract_id": N_("contract"),
    "discount_bp": N_("discount"),
    "document_id": N_("document"),
    "ended": N_("ended"),
    "exclusive_until": N_("exclusive until"),
    "face_total_minor": N_("face value in all"),
    "from": N_("from"),
    "least_margin_bp": N_("smallest margin"),
    "never_below_cost": N_("never below cost"),
    "priority": N_("priority"),
    "proposed_minor": N_("proposed"),
    "quota_id": N_("quota"),
    "source_class": N_("what it rests on"),
    "upstream_id": N_("connection"),
    "valid_from": N_("first day"),
    "valid_until": N_("last day"),
    "wholesale": N_("reseller"),
    "wholesale_minor": N_("wholesale"),
    "withdrawn": N_("withdrawn"),
    "file": N_("file"),
    "first_order_only": N_("first order only"),
    "hidden_at": N_("hidden since"),
    "icon": N_("icon"),
    "keywords": N_("keywords"),
    "limit_per_buyer": N_("uses of each buyer"),
    "limit_total": N_("uses in all"),
    "low_stock_at": N_("low-stock alert"),
    "held": N_("held for review"),
    "max_per_buyer": N_("limit per buyer"),
    "max_quantity": N_("largest order"),
    "min_quantity": N_("smallest order"),
    "minimum_minor": N_("smallest purchase"),
    "name": N_("name"),
    "names": N_("names in other languages"),
    "parent_id": N_("in category"),
    "place": N_("place"),
    "posted": N_("sent"),
    "prices": N_("new prices"),
    "product_id": N_("for product"),
    "products": N_("new products"),
    "protect_content": N_("forwarding is off"),
    "rate": N_("rate"),
    "rates": N_("new rates"),
    "reason": N_("reason"),
    "redeem": N_("how to redeem"),
    "redeem_region": N_("redeem region"),
    "refunded_codes": N_("refunded codes"),
    "refunded_minor": N_("refunded"),
    "retail_minor": N_("price"),
    "return_hours": N_("hours to return it unopened"),
    "reversible_days": N_("days in which money may be taken back"),
    "review_hours": N_("hours in which we decide about held orders"),
    "sealed": N_("sold sealed"),
    "sku_id": N_("for denomination"),
    "slug": N_("word in links"),
    "source": N_("source"),
    "starts_at": N_("begins"),
    "support": N_("support contact"),
    "taken_back": N_("taken back"),
    "text": N_("text"),
    "texts": N_("texts in other languages"),
    "tiers": N_("prices by quantity"),
    "to": N_("to"),
    "used": N_("uses"),
    "word": N_("word"),
    "wrapping_key": N_("number of the key"),
    **reseller_api.FIELDS,
    **log_of_commitments.FIELDS,
    **log_of_control.FIELDS,
    **log_of_credit.FIELDS,
    **log_of_resellers.FIELDS,
}
"""What is recorded of an action, as it is called in the log."""

# The currency of an amount is recorded beside it; that of a balance is always the shop's.
_CURRENCY_OF = {
    "retail_minor": "currency",
    "owed_minor": "currency",
    "ahead_minor": "currency",
    "wholesale_minor": "currency",
    "proposed_minor": "currency",
    "cost_minor": "currency",
    "face_value_minor": "face_currency",
    "face_total_minor": "currency",
    "deposit_minor": "currency",
    "balance_minor": "",
    "refunded_minor": "",
    "amount_minor": "currency",
    "cap_minor": "currency",
    "minimum_minor": "currency",
    **log_of_resellers.CURRENCY_OF,
    **log_of_credit.CURRENCY_OF,
}
_VALUES = {
    **log_of_commitments.VALUES,
    ("void-code", "shelf"): N_("on the shelf"),
    ("void-code", "void"): N_("void"),
    ("refund", "wallet"): N_("the balance"),
    ("refund", "source"): N_("where it was paid from"),
    ("import-codes", "pasted"): N_("pasted"),
    ("decide-case", "replaced"): N_("Replaced"),
    ("decide-case", "refunded"): N_("Refunded"),
    ("decide-case", "refused"): N_("Refused"),
    ("answer-case", "open"): N_("waits for our first answer"),
    ("answer-case", "waiting-shop"): N_("waits for our answer"),
    ("answer-case", "waiting-buyer"): N_("waits for the buyer"),
}


def router() -> Router:
    made = Router(name="admin-log")
    made.callback_query.register(log, Go.filter(F.to == "log"))
    return made


async def log(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """The newest first; `id` is the last one seen."""
    say = desk.speech
    entries = await desk.shop.read(journal.latest, before=callback_data.id or None, limit=_LINES + 1)
    names: dict[str, str] = {}
    for entry in entries:
        if entry.by not in names:
            names[entry.by] = await _who(desk, entry.by)
    text = paragraphs(
        bold(say.label("Action log")),
        *[_entry(say, entry, names[entry.by], desk.storefront.currency) for entry in entries[:_LINES]],
        None if entries else say.say("Nothing was done yet."),
    )
    rows: list[Row] = []
    if callback_data.id:
        rows.append([go(say.label("◀ Newest"), "log")])
    if len(entries) > _LINES:
        rows.append([go(say.label("Older ▶"), "log", entries[_LINES - 1].id)])
    rows.append([desk.home()])
    await desk.show(press, text, rows)


async def _who(desk: Desk, by: str) -> str:
    source, _, id = by.partition(":")
    if source == "telegram" and id.isdigit():
        found = await desk.shop.read(people.find, storefront_id=desk.storefront.id, telegram_id=int(id))
        if found is not None:
            return found.name
    return by


def _entry(say: Speech, entry: Entry, who: str, currency: str) -> Safe:
    did = say.label(ACTIONS[entry.did], id=entry.about_id) if entry.did in ACTIONS else f"{entry.did} {entry.about_id}"
    before, after = (_told(say, entry.did, recorded, currency) for recorded in (entry.before, entry.after))
    changes = []
    for name in dict.fromkeys([*before, *after]):
        what = _called(say, name)
        if name in before and name in after:
            changes.append(say.say("{what}: {before} → {after}", what=what, before=before[name], after=after[name]))
        else:
            changes.append(say.say("{what}: {value}", what=what, value=after[name] if name in after else before[name]))
    return lines(say.say("<b>{who}</b> {did}, {when}", who=who, did=did, when=say.when(entry.at)), *changes)


def _told(say: Speech, did: str, recorded: Mapping[str, Any], currency: str) -> dict[str, str]:
    """What was recorded, ready to be read: amounts as prices, which have their currency with them, and a rate between whole units."""
    told = {name: _value(say, did, value) for name, value in recorded.items()}
    for instant in ("hidden_at", "starts_at", "expires_at", "valid_from", "valid_until", "exclusive_until", "from"):
        if isinstance(at := recorded.get(instant), str):
            told[instant] = say.when(datetime.fromisoformat(at))
    for share in ("basis_points", "discount_bp", "least_margin_bp", *log_of_credit.SHARES):
        if isinstance(points := recorded.get(share), int):
            told[share] = say.percent(Decimal(points) / 10_000)
    if isinstance(tiers := recorded.get("tiers"), dict) and tiers:
        told["tiers"] = "; ".join(f"{quantity}: {say.price(unit, str(recorded['currency']))}" for quantity, unit in tiers.items())
    for name, beside in _CURRENCY_OF.items():
        value, of = recorded.get(name), recorded.get(beside) if beside else currency
        if name in told and beside in told and value is None:
            del told[beside]
        elif isinstance(value, int) and isinstance(of, str):
            told[name] = say.price(value, of)
            told.pop(beside, None)
    if "face_value_minor" in told and "face_currency" not in recorded:
        # Only what was changed is recorded: without its currency nobody knows where the point stands.
        told["face_value"] = told.pop("face_value_minor")
    if {"rate", "base", "quote"} <= set(told):
        base, quote = told.pop("base"), told.pop("quote")
        told["rate"] = _rate(told["rate"], base, quote)
    return told


def _rate(recorded: str, base: str, quote: str) -> str:
    """A rate of minor units, said of whole ones."""
    rate = rates.in_whole(Fraction(recorded), base, quote)
    return f"1 {base} = {Context(prec=9).divide(rate.numerator, rate.denominator):f} {quote}"


def _value(say: Speech, did: str, value: Any) -> str:
    if value is None or value in ("", {}, []):
        return "–"
    if isinstance(value, bool):
        return say.label("yes") if value else say.label("no")
    if isinstance(value, str):
        said = say.label(_VALUES[did, value]) if (did, value) in _VALUES else value
    elif isinstance(value, dict):
        said = "; ".join(f"{own_name(key) if key in languages() else _called(say, key)}: {_value(say, did, v)}" for key, v in value.items())
    else:
        said = json.dumps(value, ensure_ascii=False)
    return clipped(said, _SHOWN)


def _called(say: Speech, name: str) -> str:
    return say.label(FIELDS[name]) if name in FIELDS else name
