"""Why a complaint or a decision is refused, with what is needed to offer the way on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.aftersale.tables import Outcome
from core.errors import N_, Refusal


@dataclass(eq=False)
class TooLate(Refusal):
    """The warranty is over since `until`."""

    says: ClassVar[str] = N_("We are sorry: complaints about this code were possible until {until}.")

    until: datetime


@dataclass(eq=False)
class NotPromised(Refusal):
    """A complaint about something that nobody promised for what was bought."""

    says: ClassVar[str] = N_("This was not promised for what you bought. Please choose another reason, or “Something else”.")


@dataclass(eq=False)
class CaseOpen(Refusal):
    says: ClassVar[str] = N_("There is an open case about this code already: case {case_id}.")

    case_id: int


@dataclass(eq=False)
class CaseDecided(Refusal):
    """Somebody was faster, or the button is an old one."""

    says: ClassVar[str] = N_("This case is decided already. Nothing was changed.")

    outcome: Outcome


@dataclass(eq=False)
class CodeGone(Refusal):
    says: ClassVar[str] = N_("This code is not in the order any more: it was refunded or replaced.")


@dataclass(eq=False)
class NothingToReplace(Refusal):
    says: ClassVar[str] = N_("There is no code to replace it with: this denomination is sold out. A refund is possible.")

    sku_id: int


@dataclass(eq=False)
class MadeForBuyer(Refusal):
    says: ClassVar[str] = N_("It was made for this buyer, so there is no other one to give instead. A refund is possible.")


@dataclass(eq=False)
class TooManyCases(Refusal):
    says: ClassVar[str] = N_("You have {most} open cases. Please wait until some of them are decided.")

    most: int


@dataclass(eq=False)
class TooMuchSaid(Refusal):
    says: ClassVar[str] = N_("This case has {most} messages of yours already. Please wait for the answer.")

    most: int


@dataclass(eq=False)
class NothingToSay(Refusal):
    """An entry without words and without a picture, or with too many words."""

    says: ClassVar[str] = N_("Please send a text of at most {most} characters, or a picture.")

    most: int
