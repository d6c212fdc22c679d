"""Insight: what the shopkeeper and the suppliers want to know – the figures of the day, the stock, and what runs low."""

from core.insight.figures import Day, day_of, today
from core.insight.restock import LOOKED_DAYS, Advice, Restock, advise, days_left, lead_days
from core.insight.sources import count_sources
from core.insight.stock import COUNTED, StockLine, alert_low_stock, stock
from core.insight.supplier import OfferLine, OfferPage, SupplierHome, offer_page, supplier_home

__all__ = [
    "COUNTED",
    "LOOKED_DAYS",
    "Advice",
    "Day",
    "OfferLine",
    "OfferPage",
    "Restock",
    "StockLine",
    "SupplierHome",
    "advise",
    "alert_low_stock",
    "count_sources",
    "day_of",
    "days_left",
    "lead_days",
    "offer_page",
    "stock",
    "supplier_home",
    "today",
]
