"""What has become of tasks, counted by the source that was asked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.database import now, read
from core.fulfilment.tables import Task, TaskState
from core.spans import written_between


@read
def failed_by_offer(session: Session, *, since: datetime) -> dict[int, int]:
    """Of how many orders since then each offer could not make what was ordered."""
    made = written_between(session, Task.id, Task.made_at, since, now(session))
    rows = session.execute(
        select(Task.offer_id, func.count(Task.order_id.distinct())).where(made, Task.state == TaskState.FAILED).group_by(Task.offer_id)
    )
    return {offer_id: int(n) for offer_id, n in rows}
