"""Why an application, a paper or a decision is not taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.errors import N_, Refusal


@dataclass(eq=False)
class NoApplication(Refusal):
    """Another's, or none: the answer is the same."""

    says: ClassVar[str] = N_("There is no such application. /supply shows where yours stands.")


@dataclass(eq=False)
class Outdated(Refusal):
    """Something has happened since the pressed button was drawn."""

    says: ClassVar[str] = N_("This has moved on since: the button is out of date, and nothing was changed.")


@dataclass(eq=False)
class Waits(Refusal):
    says: ClassVar[str] = N_("Your application is with the shop, so it cannot be changed now. Withdraw it if you want to begin again.")


@dataclass(eq=False)
class SupplierAlready(Refusal):
    says: ClassVar[str] = N_("You act for a supplier of this shop already: /supply opens it.")


@dataclass(eq=False)
class RefusedLately(Refusal):
    says: ClassVar[str] = N_("Your last application was refused a short time ago. You can apply again from {until} on.")

    until: datetime


@dataclass(eq=False)
class TextWrong(Refusal):
    says: ClassVar[str] = N_("Please type a text of {least} to {most} characters.")

    least: int
    most: int


@dataclass(eq=False)
class ContactWrong(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a contact. Please type a @username, an e-mail address, a link or a phone number.")

    text: str


@dataclass(eq=False)
class CountryWrong(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a country. Please type its name, or its two letters, such as CN or DE.")

    text: str


@dataclass(eq=False)
class DateWrong(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a date. Please type year, month and day, for example 2027-12-31.")

    text: str


@dataclass(eq=False)
class TooManyPapers(Refusal):
    says: ClassVar[str] = N_("There are {most} papers already. Please remove one before you send another.")

    most: int


@dataclass(eq=False)
class NotFinished(Refusal):
    """A field or a paper is not answered yet."""

    says: ClassVar[str] = N_("Something is still missing. Please fill it in first.")


@dataclass(eq=False)
class OwnApplication(Refusal):
    says: ClassVar[str] = N_("Nobody decides about their own application. Please leave it to somebody else of the staff.")


@dataclass(eq=False)
class AlreadyApproved(Refusal):
    says: ClassVar[str] = N_("You have approved it already. A second person has to look at this one.")


@dataclass(eq=False)
class OtherStanding(Refusal):
    says: ClassVar[str] = N_("The first reviewer approved it with another standing. Please agree on one, or send it back.")


@dataclass(eq=False)
class StandingWrong(Refusal):
    says: ClassVar[str] = N_("This kind of application cannot be approved so.")


@dataclass(eq=False)
class CertificatePending(Refusal):
    says: ClassVar[str] = N_(
        "The certificate is not confirmed yet, so nobody can be approved as authorised. Approve as new for now, or wait."
    )


@dataclass(eq=False)
class WorksMissing(Refusal):
    says: ClassVar[str] = N_(
        "Nothing here shows what they make, so they could list nothing. Send it back and ask for a proof of their works, or a signed word."
    )


@dataclass(eq=False)
class ReasonMissing(Refusal):
    says: ClassVar[str] = N_("Please give a reason of at most {most} characters.")

    most: int


@dataclass(eq=False)
class NotYours(Refusal):
    says: ClassVar[str] = N_("This belongs to another supplier.")


@dataclass(eq=False)
class NothingDue(Refusal):
    says: ClassVar[str] = N_("There is no deposit to be paid or given back.")


@dataclass(eq=False)
class DepositTooLarge(Refusal):
    says: ClassVar[str] = N_("Please type an amount from 0 to {most}.")

    most_minor: int
    currency: str


@dataclass(eq=False)
class RenewalWaits(Refusal):
    says: ClassVar[str] = N_("A newer paper is with the shop already. You hear from us when it was looked at.")


@dataclass(eq=False)
class NotLater(Refusal):
    says: ClassVar[str] = N_("The newer paper must be valid today, and no shorter than the one it replaces.")


@dataclass(eq=False)
class PapersWait(Refusal):
    says: ClassVar[str] = N_("{most} papers of yours are with the shop already. Wait until one was looked at, or take one back.")

    most: int


@dataclass(eq=False)
class OverAlready(Refusal):
    says: ClassVar[str] = N_("That day has passed. Please type the last day of a paper that is still valid.")
