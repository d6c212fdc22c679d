"""The action log of the staff."""

from core.journal.commands import record
from core.journal.queries import Entry, latest

__all__ = ["Entry", "latest", "record"]
