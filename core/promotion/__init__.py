"""Promotion: broadcasts to the customers who want them."""

from core.promotion.commands import begin, begin_branded, draft, post_next, stop, stop_all
from core.promotion.queries import BroadcastView, broadcast, broadcasts

__all__ = ["BroadcastView", "begin", "begin_branded", "broadcast", "broadcasts", "draft", "post_next", "stop", "stop_all"]
