"""Fulfilment: how each kind of product reaches its buyer, and what is still on its way."""

from core.fulfilment.outcomes import failed_by_offer
from core.fulfilment.tables import TaskState

__all__ = ["TaskState", "failed_by_offer"]
