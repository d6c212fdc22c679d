"""Insight: what the shopkeeper wants to know – the figures of the day, the stock, and what runs low."""

from core.insight.figures import Day, day_of, today
from core.insight.sources import count_sources
from core.insight.stock import COUNTED, StockLine, alert_low_stock, stock

__all__ = ["COUNTED", "Day", "StockLine", "alert_low_stock", "count_sources", "day_of", "stock", "today"]
