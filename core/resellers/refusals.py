"""Why something about resellers is not done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.errors import N_, Refusal


@dataclass(eq=False)
class NoApplication(Refusal):
    """Another's, or none: the answer is the same."""

    says: ClassVar[str] = N_("There is no such application. /reseller shows where yours stands.")


@dataclass(eq=False)
class ResellerAlready(Refusal):
    says: ClassVar[str] = N_("You are a reseller of this shop already: /reseller opens your page.")


@dataclass(eq=False)
class RefusedLately(Refusal):
    says: ClassVar[str] = N_("Your last application was refused a short time ago. You can apply again from {until} on.")

    until: datetime


@dataclass(eq=False)
class NoReseller(Refusal):
    says: ClassVar[str] = N_("This customer is no reseller.")


@dataclass(eq=False)
class OwnTerms(Refusal):
    says: ClassVar[str] = N_("Nobody decides about their own prices or level. Please leave it to somebody else of the staff.")


@dataclass(eq=False)
class NoLevel(Refusal):
    says: ClassVar[str] = N_("There is no such level any more. Please look at the levels again.")


@dataclass(eq=False)
class RankTaken(Refusal):
    says: ClassVar[str] = N_("There is a level of rank {rank} already: {name}. Please choose another rank.")

    rank: int
    name: str


@dataclass(eq=False)
class TurnoverOutOfOrder(Refusal):
    """A better level for less would never be the right one."""

    says: ClassVar[str] = N_("A level of a higher rank needs a higher turnover: {name} begins at {turnover}. Nothing was changed.")

    name: str
    turnover_minor: int
    currency: str


@dataclass(eq=False)
class TooManyLevels(Refusal):
    says: ClassVar[str] = N_("There can be at most {most} levels.")

    most: int


@dataclass(eq=False)
class TooManyRules(Refusal):
    says: ClassVar[str] = N_("A price list can have at most {most} lines, and at most {quantities} different quantities.")

    most: int
    quantities: int


@dataclass(eq=False)
class RuleWrong(Refusal):
    says: ClassVar[str] = N_("This line of a price list is about nothing that the shop has.")


@dataclass(eq=False)
class BelowCost(Refusal):
    """To be confirmed by the person who sets it: it may be meant."""

    says: ClassVar[str] = N_("{unit} is below the cost of {cost}: each sale would be a loss. Nothing was changed.")

    unit_minor: int
    cost_minor: int
    currency: str


@dataclass(eq=False)
class EndsInThePast(Refusal):
    says: ClassVar[str] = N_("The last day must not be in the past.")


@dataclass(eq=False)
class NoMinimum(Refusal):
    says: ClassVar[str] = N_("There is no minimum resale price for this denomination.")


@dataclass(eq=False)
class NotBelow(Refusal):
    says: ClassVar[str] = N_("{asked} is not below the minimum of {minimum}, so there is nothing to note.")

    asked_minor: int
    minimum_minor: int
    currency: str
