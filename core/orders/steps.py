"""What became of a step of agreed work, told to its order: accepted, and its money is earned; called off, and it goes back."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.database import write
from core.fulfilment import Settleable
from core.inventory import Secret
from core.orders.fulfilling import arrived, task_failed
from core.orders.numbers import number_of


@write
def settle_step(session: Session, step: Settleable) -> None:
    """Issue the order of an accepted step with a receipt, or give back the money of one that was called off. Safe to repeat."""
    if step.accepted:
        receipt = Secret.noted(None, f"{number_of(step.order_id)}-{step.task_id}", [step.title])
        arrived(session, task_id=step.task_id, secrets=[receipt], done=True, cause="accepted")
    else:
        task_failed(session, task_id=step.task_id, cause="called off")
