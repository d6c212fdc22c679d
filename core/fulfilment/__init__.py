"""Fulfilment: how each kind of product reaches its buyer, and what is still on its way."""

from core.fulfilment.tables import TaskState

__all__ = ["TaskState"]
