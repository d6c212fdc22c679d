"""Exchange rates: a conversion always names the recorded rate it used."""

from core.rates.commands import Quoted, latest, set_rate

__all__ = ["Quoted", "latest", "set_rate"]
