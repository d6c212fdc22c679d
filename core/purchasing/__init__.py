"""Purchasing: what the shop buys for itself, ordered by quantity tiers, received in parts, with the cost of every batch."""

from core.purchasing.commands import PurchaseOver, draft_purchase, end_purchase, order_purchase, receive_purchases
from core.purchasing.queries import BatchCost, PurchaseView, batch_costs, ordered_ahead, purchase, purchases
from core.purchasing.rules import CostTier, WrongTiers, reached
from core.purchasing.tables import PurchaseState

__all__ = [
    "BatchCost",
    "CostTier",
    "PurchaseOver",
    "PurchaseState",
    "PurchaseView",
    "WrongTiers",
    "batch_costs",
    "draft_purchase",
    "end_purchase",
    "order_purchase",
    "ordered_ahead",
    "purchase",
    "purchases",
    "reached",
    "receive_purchases",
]
