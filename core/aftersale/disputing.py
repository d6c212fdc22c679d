"""Disputing a delivered step of agreed work: the waiting ends, and a case about its order is opened, both or neither."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core import fulfilment, inventory, orders
from core.aftersale.commands import Opened, open_case
from core.aftersale.refusals import CodeGone
from core.aftersale.tables import Reason
from core.database import write


@write
def dispute_step(
    session: Session,
    *,
    milestone_id: int,
    customer_id: int,
    text: str = "",
    picture: str | None = None,
    picture_kind: str | None = None,
    once: str | None = None,
) -> Opened:
    """The buyer says what is wrong with a delivered step: its order is issued and a case about it opened with these words.

    Raises what `fulfilment.accept_milestone` and `open_case` raise; then nothing is changed.
    """
    step = fulfilment.accept_milestone(session, milestone_id=milestone_id, customer_id=customer_id, dispute=True)
    for one in fulfilment.steps_to_settle(session, job_id=step.job_id):
        orders.settle_step(session, one)
    assert step.order_id is not None, "what was delivered was paid"
    codes = inventory.codes_of(session, step.order_id, limit=1)
    if not codes:
        raise CodeGone
    return open_case(
        session,
        buyer_id=customer_id,
        order_id=step.order_id,
        code_id=codes[0][0],
        reason=Reason.OTHER,
        text=text,
        picture=picture,
        picture_kind=picture_kind,
        once=once,
    )
