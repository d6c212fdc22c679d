"""Exposure: how much the shop owes a supplier and has with them, by currency, and the limits at which it stops."""

from core.exposure.commands import TooExposed, draft_purchase, keep_limits, order_purchase, set_limit
from core.exposure.queries import Exposure, exposure_of

__all__ = ["Exposure", "TooExposed", "draft_purchase", "exposure_of", "keep_limits", "order_purchase", "set_limit"]
