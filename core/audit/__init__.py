"""The audit: every promise about money, codes, orders and messages, checked against the rows themselves."""

from core.audit.checks import CHECKS
from core.audit.queries import Report, Violation, audit, examine

__all__ = ["CHECKS", "Report", "Violation", "audit", "examine"]
