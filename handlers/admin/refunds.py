"""Giving money of an order back: all of it or a code's, to the balance or to where it was paid from, with a reason."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from aiogram import F, Router
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message

from core import aftersale, brands, inventory, orders
from core.catalog import Gone
from core.errors import N_
from core.orders import OrderDetail, RefundState, RefundTo, SoldCode, Source
from core.ports import PaymentMethod
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Desk, Do, Go, Question, ask, do, go, short_enough
from handlers.cases import refund_reason
from handlers.means import name_of
from handlers.pieces import Row, bold, lines, paragraphs
from locales import Safe, Speech

_REASON = 300
_LAST = 5  # refunds on the screen
_ALL = "all"

STATES = {
    RefundState.WANTED: N_("the provider is asked soon"),
    RefundState.REFUNDING: N_("the provider was asked"),
    RefundState.REFUNDED: N_("done"),
    RefundState.DECLINED: N_("declined by the provider, in the balance instead"),
}


def router() -> Router:
    made = Router(name="admin-refunds")
    made.callback_query.register(refunds, Go.filter(F.to == "refund"))
    made.callback_query.register(refund, Do.filter(F.act == "refund"))
    return made


async def _order(desk: Desk, order_id: int) -> OrderDetail:
    """The order, when it is of this storefront."""
    found = await desk.shop.read(orders.detail, order_id=order_id)
    if found is None or await desk.shop.read(brands.served, storefront_id=desk.storefront.id, customer_id=found.card.buyer_id) is None:
        raise Gone
    return found


async def refunds(press: CallbackQuery, callback_data: Go, desk: Desk, methods: Mapping[str, PaymentMethod]) -> None:
    """What can be refunded of an order, and what was. `arg` is where the money is to go."""
    await _show(press, desk, callback_data.id, methods, callback_data.page, callback_data.arg)


async def _show(
    event: Message | CallbackQuery, desk: Desk, order_id: int, methods: Mapping[str, PaymentMethod], page: int = 0, arg: str = ""
) -> None:
    say, found = desk.speech, await _order(desk, order_id)
    card, left = found.card, found.card.total_minor - found.refunded_minor
    codes = [code for code in await desk.shop.read(orders.codes_sold, order_id) if not code.refunded]
    source = await desk.shop.read(orders.source_of, order_id)
    method = methods.get(source.provider) if source is not None else None
    if source is None or method is None or not (method.capabilities.refund_full or method.capabilities.refund_partial):
        source = method = None
    # A way that gives back whole only does so while all of its payment is still this order's.
    whole = source is not None and left >= source.worth_minor == source.left_minor
    if method is not None and not method.capabilities.refund_partial and not whole:
        source = method = None
    to = RefundTo.SOURCE if arg == RefundTo.SOURCE and source is not None else RefundTo.WALLET
    rows: list[Row] = []
    if codes:
        price = say.price(left, card.currency)
        rows.append([ask(say.label("Everything · {price}", price=price), "refund.reason", order_id, arg=f"{to}.{_ALL}", style="danger")])
    # One code of several: the last one alone is everything.
    if len(codes) > 1 and (to is RefundTo.WALLET or (method is not None and method.capabilities.refund_partial)):
        shown = codes[page * PAGE : (page + 1) * PAGE]
        masks = await desk.shop.read(inventory.masked, [code.code_id for code in shown])
        for code in shown:
            price = say.price(code.worth_minor, card.currency)
            label = say.label("Code {n} · {code} · {price}", n=say.number(code.ordinal), code=masks[code.code_id], price=price)
            rows.append([ask(label, "refund.reason", order_id, arg=f"{to}.{code.code_id}")])
        rows.append(desk.pages("refund", order_id, page, more=len(codes) > (page + 1) * PAGE, arg=to))
    if source is not None and codes:
        rows.append([_other_way(say, order_id, to, source)])
    rows.append(desk.back("order", order_id))
    await desk.show(
        event,
        paragraphs(
            lines(
                bold(say.label("Refund of order {number}", number=card.number)),
                say.say("Paid: {price}", price=say.price(card.total_minor, card.currency)),
                say.say("Refunded: {amount}", amount=say.price(found.refunded_minor, card.currency)),
            ),
            await _before(desk, order_id),
            _where(say, to, source) if codes else say.say("There is nothing left to refund."),
            say.say("Codes that were never sent go back to the shelf, the others become void.") if codes else None,
        ),
        rows,
    )


async def _before(desk: Desk, order_id: int) -> Safe | None:
    """The last refunds."""
    say, made = desk.speech, await desk.shop.read(orders.refunds_of, order_id)
    return lines(
        *(
            say.say(
                "• {amount}, {state}: {reason}",
                amount=say.price(one.amount_minor, one.currency),
                state=say.label(STATES[one.state]),
                reason=refund_reason(one.reason, say, 100) or say.label("returned unopened"),
            )
            for one in made[-_LAST:]
        )
    )


def _where(say: Speech, to: RefundTo, source: Source | None) -> Safe:
    if to is RefundTo.WALLET or source is None:
        return say.say("The money goes to the buyer's balance. What would you like to refund?")
    return say.say("The money goes back by {method}. What would you like to refund?", method=name_of(source.provider, say))


def _other_way(say: Speech, order_id: int, to: RefundTo, source: Source) -> InlineKeyboardButton:
    if to is RefundTo.SOURCE:
        return go(say.label("👛 To the balance instead"), "refund", order_id, arg=RefundTo.WALLET)
    return go(say.label("💳 Back by {method} instead", method=name_of(source.provider, say)), "refund", order_id, arg=RefundTo.SOURCE)


# The reason and the confirmation


def _chosen(asked_arg: str, codes: list[SoldCode]) -> tuple[RefundTo, SoldCode | None]:
    """Where to, and which code (None: everything), from what the button said; raises Gone for what no button says."""
    to, _, which = asked_arg.partition(".")
    if to not in (RefundTo.WALLET, RefundTo.SOURCE):
        raise Gone
    if which == _ALL:
        return RefundTo(to), None
    code = next((code for code in codes if f"{code.code_id}" == which), None)
    if code is None:
        raise Gone
    return RefundTo(to), code


async def _ask_reason(desk: Desk, asked: Asked) -> Safe:
    await _order(desk, asked.id)
    return desk.speech.say("Type the reason of the refund; the buyer reads it too. For example: <i>The code did not work</i>")


async def _take_reason(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    reason = short_enough(text, _REASON)
    say, found = desk.speech, await _order(desk, asked.id)
    to, code = _chosen(asked.arg, await desk.shop.read(orders.codes_sold, asked.id))
    amount = found.card.total_minor - found.refunded_minor if code is None else code.worth_minor
    price = say.price(amount, found.card.currency)
    screen = secrets.token_hex(6)
    await desk.state.set_data({"screen": screen, "order": asked.id, "chosen": asked.arg, "reason": reason})
    to_where = say.say("To the buyer's balance") if to is RefundTo.WALLET else say.say("To where it was paid from")
    await desk.show(
        message,
        lines(
            bold(say.label("Refund of order {number}", number=found.card.number)),
            say.say("Everything that is left: {price}", price=price)
            if code is None
            else say.say("Code {n}: {price}", n=say.number(code.ordinal), price=price),
            to_where,
            say.say("Reason: {reason}", reason=reason),
        ),
        [
            [do(say.label("Refund {price}", price=price), "refund", asked.id, arg=screen, style="danger")],
            [go(say.label("Cancel"), "refund", asked.id, arg=to)],
        ],
    )


QUESTIONS["refund.reason"] = Question(_ask_reason, _take_reason, "refund")


async def refund(press: CallbackQuery, callback_data: Do, desk: Desk, methods: Mapping[str, PaymentMethod]) -> None:
    """What was confirmed, once however often it is pressed."""
    say, data = desk.speech, await desk.state.get_data()
    found = await _order(desk, callback_data.id)
    if data.get("screen") != callback_data.arg or data.get("order") != callback_data.id:
        await press.answer(
            say.label("This confirmation is out of date. Please look at the order and begin again if needed."), show_alert=True
        )
        await _show(press, desk, callback_data.id, methods)
        return
    to, code = _chosen(str(data["chosen"]), await desk.shop.read(orders.codes_sold, callback_data.id))
    method = methods.get(found.intent.provider) if found.intent is not None else None
    made = await desk.shop.write(
        aftersale.refund_codes,  # An open case about one of the codes is decided by it.
        order_id=callback_data.id,
        code_ids=None if code is None else [code.code_id],
        reason=str(data["reason"]),
        by=desk.by,
        once=f"desk:{callback_data.id}:{callback_data.arg}",
        to=to,
        whole_only=method is None or not method.capabilities.refund_partial,
    )
    await desk.state.clear()
    await press.answer(say.label("Done. {price} refunded.", price=say.price(made.amount_minor, made.currency)))
    await _show(press, desk, callback_data.id, methods)
