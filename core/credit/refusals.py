"""Why something about credit is not done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.errors import N_, Refusal


@dataclass(eq=False)
class NoCredit(Refusal):
    """Another's, or none: the answer is the same."""

    says: ClassVar[str] = N_("There is no credit of this kind. /credit shows how things stand.")


@dataclass(eq=False)
class AskedAlready(Refusal):
    says: ClassVar[str] = N_("Something was asked for already, and waits for the shop. /credit shows it.")


@dataclass(eq=False)
class AskIsOver(Refusal):
    says: ClassVar[str] = N_("This was decided already. Nothing was changed.")


@dataclass(eq=False)
class AnotherAmount(Refusal):
    """Two people have to say yes to the same."""

    says: ClassVar[str] = N_("Somebody else of the staff has approved {amount}: approve the same, or refuse.")

    amount_minor: int
    currency: str


@dataclass(eq=False)
class SecondPerson(Refusal):
    says: ClassVar[str] = N_("A second person of the staff has to decide this, and not the one it is about.")


@dataclass(eq=False)
class NotThatMuchCredit(Refusal):
    says: ClassVar[str] = N_("The amount must be from {least} to {most}.")

    least_minor: int
    most_minor: int
    currency: str


@dataclass(eq=False)
class NotASchedule(Refusal):
    says: ClassVar[str] = N_("An advance comes back in 1 to {most} parts, 1 to 31 days apart.")

    most: int


@dataclass(eq=False)
class TermsWrong(Refusal):
    says: ClassVar[str] = N_(
        "These terms cannot be. Rates are up to 100% and, when late, 200% a year, and not lower when late; "
        "a period has 1 to 31 days, and there are 1 to 90 days to pay."
    )


@dataclass(eq=False)
class OwesStill(Refusal):
    says: ClassVar[str] = N_("Something is late: {amount}. Please pay it first.")

    amount_minor: int
    currency: str


@dataclass(eq=False)
class NothingToPay(Refusal):
    says: ClassVar[str] = N_("There is nothing to pay, or nothing on the balance to pay it from. /deposit adds money.")


@dataclass(eq=False)
class WrittenOff(Refusal):
    says: ClassVar[str] = N_("This credit was written off. Nothing can be changed about it any more.")


@dataclass(eq=False)
class WeightsWrong(Refusal):
    says: ClassVar[str] = N_("The weights are five whole numbers from 0 to 100, and not all zero.")
