"""What settlement says no with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.errors import N_, Refusal


@dataclass(eq=False)
class NotInThePast(Refusal):
    says: ClassVar[str] = N_("A contract begins now or later: what was sold already is shared as it was agreed then.")


@dataclass(eq=False)
class NoSuchSupplier(Refusal):
    says: ClassVar[str] = N_("There is no such supplier any more.")


@dataclass(eq=False)
class NoAddress(Refusal):
    says: ClassVar[str] = N_("Please say first where your money should go.")


@dataclass(eq=False)
class AddressIsFresh(Refusal):
    """So long after a change nothing is paid out: whoever has stolen a chat gets nothing by it."""

    says: ClassVar[str] = N_("Where your money goes was changed a short time ago. You can ask for a payout from {until} on.")

    until: datetime


@dataclass(eq=False)
class NothingToEnd(Refusal):
    says: ClassVar[str] = N_("This offer has no contract of its own that could end. Nothing was changed.")


@dataclass(eq=False)
class NotPositive(Refusal):
    says: ClassVar[str] = N_("The amount must be above zero.")


@dataclass(eq=False)
class TakenBackBefore(Refusal):
    says: ClassVar[str] = N_("This entry was taken back already. Nothing was changed.")


@dataclass(eq=False)
class PayoutsStopped(Refusal):
    says: ClassVar[str] = N_("Your payouts are stopped while you are suspended. Please write to the shop.")


@dataclass(eq=False)
class TheyAreSuspended(PayoutsStopped):
    """The same, as the staff read it."""

    says: ClassVar[str] = N_("This supplier is suspended, so nothing is paid out to them. Lift the suspension first, or refuse the payout.")


@dataclass(eq=False)
class WasTakenSince(Refusal):
    """Between asking and paying, complaints, objections or refunds have taken some of the money."""

    says: ClassVar[str] = N_(
        "{missing} of it is no longer free: complaints, objections or refunds came since. Wait until they are decided, or refuse it."
    )

    missing_minor: int
    currency: str


@dataclass(eq=False)
class NotThatMuch(Refusal):
    says: ClassVar[str] = N_("You can ask for at most {available} now.")

    available_minor: int
    currency: str


@dataclass(eq=False)
class TooSmall(Refusal):
    says: ClassVar[str] = N_("A payout is at least {least}.")

    least_minor: int
    currency: str


@dataclass(eq=False)
class PayoutIsOver(Refusal):
    says: ClassVar[str] = N_("This was decided already. Nothing was changed.")


@dataclass(eq=False)
class NotYours(Refusal):
    says: ClassVar[str] = N_("Somebody else has to decide this: it is your own money, or you have approved it already.")


@dataclass(eq=False)
class NoRate(Refusal):
    says: ClassVar[str] = N_("There is no exchange rate from {currency} to {pay_currency} now. Nothing was changed; please set one first.")

    currency: str
    pay_currency: str


@dataclass(eq=False)
class NotAnAddress(Refusal):
    says: ClassVar[str] = N_("“{text}” does not say where the money should go. {example}")

    text: str
    example: str
