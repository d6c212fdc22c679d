"""Promotion: broadcasts to the customers who want them."""

from core.promotion.commands import begin, draft, post_next, stop
from core.promotion.queries import BroadcastView, broadcast, broadcasts

__all__ = ["BroadcastView", "begin", "broadcast", "broadcasts", "draft", "post_next", "stop"]
