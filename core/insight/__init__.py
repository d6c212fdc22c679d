"""Insight: what the shopkeeper and the suppliers want to know – the figures of the day and of many, the stock, and what runs low."""

from core.insight.courses import (
    DAYS,
    Course,
    DayOfCourse,
    ProductOfCourse,
    TooManyOrders,
    course_of_brand,
    course_of_buyer,
    course_of_storefront,
)
from core.insight.figures import Day, day_of, today
from core.insight.restock import LOOKED_DAYS, Advice, Restock, advise, days_left, lead_days
from core.insight.screens import Opened, count_opened, forget_opened, note_opened, take_opened, visitors
from core.insight.sources import count_sources
from core.insight.stock import COUNTED, StockLine, alert_low_stock, stock
from core.insight.supplier import OfferLine, OfferPage, SupplierHome, offer_page, supplier_home

__all__ = [
    "COUNTED",
    "DAYS",
    "LOOKED_DAYS",
    "Advice",
    "Course",
    "Day",
    "DayOfCourse",
    "OfferLine",
    "OfferPage",
    "Opened",
    "ProductOfCourse",
    "Restock",
    "StockLine",
    "SupplierHome",
    "TooManyOrders",
    "advise",
    "alert_low_stock",
    "count_opened",
    "count_sources",
    "course_of_brand",
    "course_of_buyer",
    "course_of_storefront",
    "day_of",
    "days_left",
    "forget_opened",
    "lead_days",
    "note_opened",
    "offer_page",
    "stock",
    "supplier_home",
    "take_opened",
    "today",
    "visitors",
]
