"""Orders of other programs: by their own numbers, guarded by price and by a limit a day, found again, cancelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.orm import Session

from core import fulfilment, ledger, orders, people
from core.api import deals, rules, trials
from core.api.deals import Deal
from core.api.keys import allowed, works
from core.api.refusals import DayLimitReached, NoSuchOrder, OtherOrder, TooLateToCancel
from core.api.shown import ApiOrder, shown
from core.api.tables import ApiDay, ApiKey, Form, Scope
from core.database import ALONE, Alone, Gathered, Tools, insert_new, now, read, write
from core.errors import Refusal
from core.orders import Outside

# Shops of these forms wait for a report of every delivery, also of one that was in the answer.
TOLD_OF_ALL = frozenset({Form.DUJIAO})
_TRIES = 3  # as many as there are: others may buy while it is looked how many that is


def _order(
    session: Session,
    *,
    key_id: int,
    number: str,
    sku_id: int,
    quantity: int,
    most_minor: int | None,
    partial: bool,
    fields: Mapping[str, str] | None,
    callback_url: str | None,
    request_hash: bytes,
) -> ApiOrder:
    """Order by the program's own number: one number of a reseller is one order for ever, by whatever key.

    The same number with the same `request_hash` is the order there is (`repeated`), whatever it costs now; with another it is refused.
    `most_minor` is the most that all of it may cost; of a `partial` order that has fewer, the share of those. What is not on a shelf
    comes later: then it is working. Raises NoSuchKey, NotAllowed, AsksWrong, OtherOrder, NoSuchItem, CostsMore, DayLimitReached, what the
    fields and countries of a kind refuse, and SoldOut, LimitReached, TooLittleMoney of the sale; after any of them nothing was bought.
    """
    row, owner = allowed(session, key_id, Scope.ORDER)
    rules.number_checked(number)
    if callback_url is not None:
        rules.url_checked(callback_url)
    if row.sandbox:
        return trials.order(
            session, row, owner, number=number, sku_id=sku_id, quantity=quantity, most_minor=most_minor, wanted=request_hash
        )
    if row.day_limit_minor is not None:
        # The same number twice at once takes turns: what is found to be there is not counted against the day a second time.
        ledger.lock(session, owner.wallet_id)
    known = orders.find_outside(session, customer_id=owner.id, number=number)
    if known is not None:
        return _repeated(known, request_hash)
    deal = deals.read_of(session, [(owner, sku_id)])[owner.id, sku_id].deal(owner, quantity)
    units = quantity
    for _ in range(_TRIES):
        try:
            with session.begin_nested():
                outside = Outside(number, row.id, quantity, request_hash, callback_url, counted=row.day_limit_minor is not None)
                receipt = _sell(session, row, deal, units, most_minor, fields, outside)
                break
        except orders.SoldOut as short:
            if not partial or not 0 < short.left < units:
                raise
            units = short.left
        except orders.OnceReused:
            raise OtherOrder from None
    else:
        raise orders.SoldOut(left=0, sku_id=sku_id)
    found = orders.find_outside(session, customer_id=owner.id, number=number)
    assert found is not None, "it was kept with the sale"
    if row.form in TOLD_OF_ALL and not receipt.repeated and found[0].state is orders.OrderState.ISSUED:
        orders.turned(session, receipt.order_id)
    return shown(found[0], repeated=receipt.repeated)


def _repeated(known: tuple[orders.OutsideView, bytes], request_hash: bytes) -> ApiOrder:
    if known[1] != request_hash:
        raise OtherOrder
    return shown(known[0], repeated=True)


def _sell(
    session: Session,
    row: ApiKey,
    deal: Deal,
    units: int,
    most_minor: int | None,
    fields: Mapping[str, str] | None,
    outside: Outside,
) -> orders.Receipt:
    total = deal.within(units, outside.asked, most_minor)
    if row.day_limit_minor is not None:
        _count(session, row, row.day_limit_minor, total, deal.price.currency)
    answers_id = None
    if deal.asks or fields:
        answers_id = fulfilment.answer_at_once(session, customer_id=deal.owner.id, sku_id=deal.sku_id, said=fields or {}).id
    return orders.buy_for(
        session,
        storefront_id=deal.owner.storefront_id,
        buyer_id=deal.owner.id,
        sku_id=deal.sku_id,
        quantity=units,
        price_id=deal.price.id,
        rules_version=deal.rules_version,
        once=orders.once_outside(deal.owner.id, outside.number),
        answers_id=answers_id,
        outside=outside,
    )


def _count(session: Session, row: ApiKey, limit_minor: int, total_minor: int, currency: str) -> None:
    """Count it against the limit of the day, in the sale's transaction: the row is the lock. Raises DayLimitReached."""
    day = rules.day_of(now(session))
    session.execute(insert_new(session, ApiDay).values(key_id=row.id, day=day, spent_minor=0))
    counted = session.execute(
        update(ApiDay)
        .where(ApiDay.key_id == row.id, ApiDay.day == day, ApiDay.spent_minor + total_minor <= limit_minor)
        .values(spent_minor=ApiDay.spent_minor + total_minor)
        .returning(ApiDay.spent_minor),
        execution_options={"synchronize_session": False},
    ).first()
    if counted is None:
        spent = session.scalar(select(ApiDay.spent_minor).where(ApiDay.key_id == row.id, ApiDay.day == day)) or 0
        raise DayLimitReached(limit_minor=limit_minor, left_minor=max(0, limit_minor - spent), currency=currency)


def _together(connection: Connection, asks: Sequence[dict[str, Any]], tools: Tools) -> list[ApiOrder | Refusal | Alone]:
    """Many waiting orders as one sale: those that need no more than it; whoever has a limit, fields or a sandbox runs alone."""
    answers: list[ApiOrder | Refusal | Alone] = [ALONE] * len(asks)
    ready: list[tuple[int, dict[str, Any], Deal]] = []
    # It only reads, so it needs no savepoint of its own in the batch's transaction.
    with Session(bind=connection, join_transaction_mode="rollback_only", expire_on_commit=False, info={"tools": tools}) as session:
        keys = people.with_customers(select(ApiKey), ApiKey.customer_id).where(ApiKey.id.in_({ask["key_id"] for ask in asks}))
        owners = {row.id: people.view(owner) for row, owner in session.execute(keys) if _plain(session, row) and owner.wholesale}
        asked = [(n, ask, owners[ask["key_id"]]) for n, ask in enumerate(asks) if ask["key_id"] in owners and not ask["fields"]]
        goods = deals.remembered(session, [(owner, ask["sku_id"]) for _, ask, owner in asked])
        for n, ask, owner in asked:
            try:
                rules.number_checked(ask["number"])
                if ask["callback_url"] is not None:
                    rules.url_checked(ask["callback_url"])
                deal = goods[owner.id, ask["sku_id"]].deal(owner, ask["quantity"])
                deal.within(ask["quantity"], ask["quantity"], ask["most_minor"])
            except Refusal:
                continue  # By itself it is first looked for its number: what was ordered before is answered, whatever it costs now.
            if not deal.asks:
                ready.append((n, _bought(ask, deal), deal))
    if not ready:
        return answers
    for (n, bought, deal), receipt in zip(ready, orders.buy.together(connection, [each for _, each, _ in ready], tools), strict=True):
        # A repetition is answered by what has become of it since.
        if isinstance(receipt, orders.Receipt) and not receipt.repeated:
            outside = bought["outside"]
            answers[n] = ApiOrder(
                receipt.order_id,
                outside.number,
                receipt.number,
                "done",
                receipt.paid_minor,
                receipt.currency,
                receipt.quantity,
                True,
                "",
                False,
                deal.sku_id,
                receipt.quantity,
                receipt.paid_minor // receipt.quantity,
                tools.clock(),
            )
        elif receipt is ALONE:
            deals.forget(tools, deal)  # What is remembered of it may be why.
    return answers


def _plain(session: Session, row: ApiKey) -> bool:
    """May this key order, and without more than the sale itself?"""
    ordinary = not row.sandbox and row.day_limit_minor is None and row.form not in TOLD_OF_ALL
    return ordinary and Scope.ORDER.value in row.scopes and works(session, row)


def _bought(ask: dict[str, Any], deal: Deal) -> dict[str, Any]:
    return {
        "storefront_id": deal.owner.storefront_id,
        "buyer_id": deal.owner.id,
        "sku_id": deal.sku_id,
        "quantity": ask["quantity"],
        "price_id": deal.price.id,
        "rules_version": deal.rules_version,
        "once": orders.once_outside(deal.owner.id, ask["number"]),
        "outside": Outside(ask["number"], ask["key_id"], ask["quantity"], ask["request_hash"], ask["callback_url"]),
    }


order = Gathered(_order, _together)


@read
def find_order(session: Session, *, key_id: int, number: str | None = None, order_id: int | None = None) -> ApiOrder | None:
    """The order of their number or ours, or by our id; None when there is none of this key's owner. Raises NoSuchKey and NotAllowed.

    Theirs comes first, also one that was given in the chat: a number of theirs that looks like one of ours is theirs.
    """
    row, owner = allowed(session, key_id, Scope.ORDER)
    if row.sandbox:
        return trials.find(session, row, number=number, order_id=order_id)
    found = None
    if number is not None:
        found = orders.find_outside(session, customer_id=owner.id, number=number)
        if found is None and (told := orders.find_in_chat(session, customer_id=owner.id, number=number)) is not None:
            return shown(told, repeated=False)
        order_id = orders.order_id_of(number) if found is None else None
    if found is None and order_id is not None:
        found = orders.find_outside(session, customer_id=owner.id, order_id=order_id)
    return None if found is None else shown(found[0], repeated=False)


@write
def cancel(session: Session, *, key_id: int, number: str | None = None, order_id: int | None = None) -> ApiOrder:
    """What nobody was asked for yet is not asked for any more, and its money is back. Raises NoSuchOrder, and TooLateToCancel."""
    row, _ = allowed(session, key_id, Scope.ORDER)
    found = find_order(session, key_id=key_id, number=number, order_id=order_id)
    if found is None:
        raise NoSuchOrder
    if found.state == "failed":
        return found
    if row.sandbox:
        return trials.cancel(session, row, found.order_id)
    by = {"by": f"api:{row.name}", "reason": "cancelled by its buyer"}
    if found.state != "working" or not orders.call_off(session, order_id=found.order_id, **by):
        raise TooLateToCancel
    after = find_order(session, key_id=key_id, number=number, order_id=order_id)
    assert after is not None, "it was just found"
    return after
