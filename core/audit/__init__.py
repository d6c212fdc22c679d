"""The audit: every promise about money, codes, orders and messages, checked against the rows themselves."""

from core.audit.checks import CHECKS
from core.audit.queries import Report, Violation, audit, examine
from core.audit.settlement import SETTLEMENT

__all__ = ["CHECKS", "SETTLEMENT", "Report", "Violation", "audit", "examine"]
