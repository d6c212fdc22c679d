"""What must be true of agreed work that is stopped. Written as `checks` are."""

from __future__ import annotations

STOPPED_WORK = {
    "no step of work was accepted while it must not be sold": """
        SELECT 'milestone ' || m.id AS about, 'accepted by ' || m.accepted_by || ' while stopped: ' || s.why AS detail
        FROM offer_stops s JOIN tasks t ON t.offer_id = s.offer_id JOIN milestones m ON m.task_id = t.id
        WHERE s.why IN ('suspended', 'paper', 'takedown', 'switched-off')
            AND m.accepted_at > s.at AND (s.lifted_at IS NULL OR m.accepted_at < s.lifted_at)""",
}
