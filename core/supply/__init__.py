"""Supply: who brings goods, at what cost, and in which order the sale draws from them."""

from core.supply.commands import Offer, own_offer, set_cost, tell_who_waits
from core.supply.queries import cost_of, left, offers, ranked

__all__ = ["Offer", "cost_of", "left", "offers", "own_offer", "ranked", "set_cost", "tell_who_waits"]
