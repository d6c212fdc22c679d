"""Exchange rates: a conversion always names the recorded rate it used, and a rate that is too old is no rate."""

from core.rates.commands import JumpIsOver, NotByHand, Rules, Taken, fix, hand_back, set_rate, take, take_jump
from core.rates.queries import (
    HANDED_BACK,
    SETTINGS,
    STAFF,
    JumpSeen,
    Pair,
    Quoted,
    bases_after,
    by_id,
    jump,
    latest,
    newest,
    pairs,
    recorded,
)
from core.rates.rules import apart, buffered, in_minor, in_whole

__all__ = [
    "HANDED_BACK",
    "SETTINGS",
    "STAFF",
    "JumpIsOver",
    "JumpSeen",
    "NotByHand",
    "Pair",
    "Quoted",
    "Rules",
    "Taken",
    "apart",
    "bases_after",
    "buffered",
    "by_id",
    "fix",
    "hand_back",
    "in_minor",
    "in_whole",
    "jump",
    "latest",
    "newest",
    "pairs",
    "recorded",
    "set_rate",
    "take",
    "take_jump",
]
