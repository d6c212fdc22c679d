"""Why something about an upstream cannot be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.errors import N_, Refusal


@dataclass(eq=False)
class NoSuchUpstream(Refusal):
    says: ClassVar[str] = N_("This upstream is no longer here. Please look at the list again.")


@dataclass(eq=False)
class NotOpen(Refusal):
    says: ClassVar[str] = N_("This upstream has not answered yet, or was removed. Please try it first.")


@dataclass(eq=False)
class AlreadyLinked(Refusal):
    says: ClassVar[str] = N_("This is in the shop already. Nothing was changed.")


@dataclass(eq=False)
class SourceTwice(Refusal):
    says: ClassVar[str] = N_("This denomination is supplied by another item of this upstream already. Please unlink that one first.")


@dataclass(eq=False)
class NotSoldThere(Refusal):
    says: ClassVar[str] = N_("The upstream does not sell this any more. Nothing was changed.")


@dataclass(eq=False)
class NeedsRate(Refusal):
    says: ClassVar[str] = N_("There is no exchange rate of {base}, so no price can be worked out. Please set one under 💱 Rates.")

    base: str


@dataclass(eq=False)
class TaskDecided(Refusal):
    says: ClassVar[str] = N_("This was decided already.")


@dataclass(eq=False)
class NotThisKind(Refusal):
    says: ClassVar[str] = N_("This has to be linked to a product of another kind: what the upstream sells goes straight into an account.")
