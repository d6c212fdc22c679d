"""Orders by sandbox keys: nothing is sold, and the number ordered says what becomes of them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import orders
from core.api.goods import checked_quantity, one_item
from core.api.refusals import CostsMore, OtherOrder, TooLateToCancel
from core.api.shown import ApiOrder
from core.api.tables import ApiKey, ApiTrial
from core.database import insert_new, now
from core.people import Customer

SLOW = timedelta(seconds=30)  # until what comes later has come
REVERSED = timedelta(seconds=60)  # until what is taken back is taken back
ENDINGS: dict[str, str] = {
    "-out-of-stock": "refused with 3001, each time",
    "-no-money": "refused with 4001, each time",
    "-price": "refused with 2002, each time",
    "-slow": "working for 30 seconds, then done",
    "-partly": "partly at once: half of it, rounded up (one: nothing, and failed)",
    "-failed": "working for 30 seconds, then failed",
    "-reversed": "done at once, reversed after 60 seconds",
    "-error": "made, but answered with 9000; the same again is answered as it should be",
}


def _ending(number: str) -> str:
    return next((ending for ending in ENDINGS if number.lower().endswith(ending)), "")


def order(
    session: Session, key: ApiKey, owner: Customer, *, number: str, sku_id: int, quantity: int, most_minor: int | None, wanted: bytes
) -> ApiOrder:
    """An order that moves no money and takes no code, by the same rules of numbers and prices. Raises what a real one would."""
    known = session.scalars(select(ApiTrial).where(ApiTrial.key_id == key.id, ApiTrial.number == number)).one_or_none()
    if known is not None:
        if known.wanted != wanted:
            raise OtherOrder
        return _shown(session, known, repeated=True)
    one = one_item(session, owner, sku_id)
    checked_quantity(one.least, one.most, quantity)
    assert one.price is not None, "it is active"
    unit = one.price.unit_for(quantity)
    ending = _ending(number)
    if ending == "-price" or (most_minor is not None and unit * quantity > most_minor):
        raise CostsMore(total_minor=unit * quantity, currency=one.currency)
    if ending == "-out-of-stock":
        raise orders.SoldOut(left=0, sku_id=sku_id)
    if ending == "-no-money":
        raise orders.TooLittleMoney(balance_minor=0, short_minor=unit * quantity, currency=one.currency)
    made = session.scalars(
        insert_new(session, ApiTrial)
        .values(
            key_id=key.id,
            number=number,
            wanted=wanted,
            sku_id=sku_id,
            quantity=quantity,
            unit_minor=unit,
            currency=one.currency,
            at=now(session),
        )
        .returning(ApiTrial.id)
    ).one_or_none()
    if made is None:  # The same number came twice in the same moment.
        raise OtherOrder
    return _shown(session, session.get_one(ApiTrial, made), repeated=False)


def unanswered(found: ApiOrder) -> bool:
    """Is this the first answer to an order that is to get none? For the doors."""
    return _ending(found.number) == "-error" and not found.repeated


def find(session: Session, key: ApiKey, *, number: str | None, order_id: int | None) -> ApiOrder | None:
    """By either number, or our id."""
    question = select(ApiTrial).where(ApiTrial.key_id == key.id)
    row = None
    if number is not None:
        row = session.scalars(question.where(ApiTrial.number == number)).one_or_none()
        if row is None and number.startswith("TEST") and number[4:].isascii() and number[4:].isdigit() and len(number) < 22:
            order_id = int(number[4:])
    if row is None and order_id is not None:
        row = session.scalars(question.where(ApiTrial.id == order_id)).one_or_none()
    return None if row is None else _shown(session, row, repeated=False)


def cancel(session: Session, key: ApiKey, trial_id: int) -> ApiOrder:
    """What is still working is over. Raises TooLateToCancel."""
    row = session.get_one(ApiTrial, trial_id, with_for_update=True)
    if _state(session, row)[0] != "working":
        raise TooLateToCancel
    row.cancelled_at = now(session)
    session.flush()
    return _shown(session, row, repeated=False)


def codes(session: Session, key: ApiKey, trial_id: int) -> list[str]:
    """What its codes would be: words that nobody takes for real ones."""
    row = session.scalars(select(ApiTrial).where(ApiTrial.key_id == key.id, ApiTrial.id == trial_id)).one_or_none()
    if row is None:
        return []
    state, got = _state(session, row)
    return [f"SANDBOX-{row.id}-{n}" for n in range(1, got + 1)] if state in ("done", "partly") else []


def _state(session: Session, row: ApiTrial) -> tuple[str, int]:
    """The state, and how many units there are."""
    age, ending, half = now(session) - row.at, _ending(row.number), -(-row.quantity // 2)
    if row.cancelled_at is not None:
        return "failed", 0
    if ending in ("-slow", "-failed") and age < SLOW:
        return "working", 0
    if ending == "-failed" or (ending == "-partly" and row.quantity == 1):
        return "failed", 0
    if ending == "-partly":
        return "partly", half
    if ending == "-reversed" and age >= REVERSED:
        return "reversed", row.quantity
    return "done", row.quantity


def _shown(session: Session, row: ApiTrial, *, repeated: bool) -> ApiOrder:
    state, got = _state(session, row)
    return ApiOrder(
        row.id,
        row.number,
        f"TEST{row.id}",
        state,
        row.unit_minor * got if state != "reversed" else 0,
        row.currency,
        got,
        state in ("done", "partly"),
        "a sandbox key: nothing was sold",
        repeated,
        row.sku_id,
        row.quantity,
        row.unit_minor,
        row.at,
    )
