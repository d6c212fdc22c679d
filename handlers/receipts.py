"""Why an order cost what it cost, what it was paid with, and what was given back: from what the order itself has kept."""

from __future__ import annotations

from core.orders import OrderDetail, RefundState, RefundTo, RefundView
from core.payments import IntentState
from handlers import coupons
from handlers.cases import refund_reason
from handlers.means import name_of
from handlers.pieces import bold, lines
from locales import Safe, Speech

WALLET = "wallet"  # how an order says that it was paid from the balance
LAST = 5  # refunds on a screen
_REASON = 100  # characters


def price_told(detail: OrderDetail, speech: Speech, *, always: bool = True) -> Safe | None:
    """How the total came about, then what it was paid with; a line for each step.

    With `always` off, None for one unit at its plain price paid in one piece: the amount says it all.
    """
    card = detail.card
    sum_lines = coupons.sum_told(detail.priced, speech, tier=True) if detail.priced is not None else None
    if sum_lines is None and card.quantity > 1:
        sum_lines = coupons.sum_line(card.quantity, detail.unit_minor, card.total_minor, card.currency, speech)
    short = (
        speech.many(
            "{n} more code was ordered, had sold out when the payment came, and was not charged.",
            "{n} more codes were ordered, had sold out when the payment came, and were not charged.",
            detail.short_by,
        )
        if detail.short_by
        else None
    )
    paid = _paid(detail, speech)
    if not always and sum_lines is None and short is None and len(paid) < 2:
        return None
    if not always and len(paid) == 1 and not (detail.intent is not None and detail.intent.fee_minor):
        paid = []  # It stands right above.
    total = None
    if detail.priced is None or not detail.priced.discounts:  # With a discount the sum ends with the total.
        total = speech.say("Total: {price}", price=bold(speech.price(card.total_minor, card.currency)))
    return lines(sum_lines, total if always or sum_lines is None else None, *paid, short)


def _paid(detail: OrderDetail, speech: Speech) -> list[Safe]:
    """What an issued order was paid with: the balance, a way to pay with its fee, or a part by each."""
    card, intent = detail.card, detail.intent
    if detail.issued_at is None:
        return []
    if card.paid_by == WALLET or intent is None or intent.state not in (IntentState.PAID, IntentState.REFUNDED):
        return [speech.say("Paid from the balance: {amount}", amount=speech.price(card.total_minor, card.currency))]
    amount, name = speech.price(intent.amount_minor, intent.currency), name_of(intent.provider, speech)
    told = [speech.say("Paid by {name}: {amount}", name=name, amount=amount)]
    if intent.fee_minor:
        fee = speech.price(intent.fee_minor, intent.currency)
        told = [speech.say("Paid by {name}: {amount}, {fee} of it the fee", name=name, amount=amount, fee=fee)]
    rest = card.total_minor - intent.worth_minor
    if rest > 0:
        told.append(speech.say("Paid from the balance: {amount}", amount=speech.price(rest, card.currency)))
    return told


def back_told(detail: OrderDetail, speech: Speech) -> Safe | None:
    """What was given back of an order and to where, and how many of its codes were replaced; None when nothing was."""
    replaced = speech.many("🔁 {n} code was replaced.", "🔁 {n} codes were replaced.", detail.replaced) if detail.replaced else None
    made = [line for refund in detail.refunds[-LAST:] for line in _refund(refund, speech)]
    total = None
    if len(detail.refunds) > 1:
        price = bold(speech.price(detail.refunded_minor, detail.card.currency))
        total = speech.say("Given back altogether: {amount}", amount=price)
    return lines(replaced, *made, total) or None


def _refund(refund: RefundView, speech: Speech) -> list[Safe]:
    """One refund: what went where, and why."""
    rest = refund.amount_minor - refund.source_minor
    amount = speech.price(refund.source_minor, refund.currency)
    name = name_of(refund.provider, speech) if refund.provider else ""
    told: list[Safe] = []
    if refund.to is RefundTo.SOURCE:
        match refund.state:
            case RefundState.REFUNDED:
                told.append(speech.say("↩️ Given back by {name}: {amount}", name=name, amount=amount))
            case RefundState.DECLINED:
                told.append(speech.say("↩️ Given back to the balance, as {name} declined it: {amount}", name=name, amount=amount))
            case _:
                told.append(speech.say("⏳ On its way back by {name}: {amount}", name=name, amount=amount))
    if rest or refund.to is RefundTo.WALLET:
        told.append(speech.say("↩️ Given back to the balance: {amount}", amount=speech.price(rest, refund.currency)))
    why = refund_reason(refund.reason, speech, _REASON)
    if why:
        told.append(Safe("<i>") + why + Safe("</i>"))
    return told
