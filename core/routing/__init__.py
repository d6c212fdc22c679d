"""Routing: from which source the sale draws first, worked out off its path and kept with its reasons."""

from core.routing.ranking import Looked, RankingView, look, rank, ranking, rankings, set_weight, stale, unexplained, weights
from core.routing.rules import MOST_WEIGHT, Inputs, Scored, Weights, magnitude, ranked, why

__all__ = [
    "MOST_WEIGHT",
    "Inputs",
    "Looked",
    "RankingView",
    "Scored",
    "Weights",
    "look",
    "magnitude",
    "rank",
    "ranked",
    "ranking",
    "rankings",
    "set_weight",
    "stale",
    "unexplained",
    "weights",
    "why",
]
