"""What is refused about packages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.errors import N_, Refusal


@dataclass(eq=False)
class NotForSale(Refusal):
    says: ClassVar[str] = N_("This package is not for sale any more. Please look at the list again.")


@dataclass(eq=False)
class HasIt(Refusal):
    says: ClassVar[str] = N_("You have this package already. It is renewed by itself unless you stop it.")


@dataclass(eq=False)
class Over(Refusal):
    says: ClassVar[str] = N_("This package is over. Nothing was changed.")


@dataclass(eq=False)
class Locked(Refusal):
    """A service is sold, and this customer has not paid for it."""

    says: ClassVar[str] = N_("This belongs to a package that you do not have, or that is not paid. /packages shows them.")

    service: str


@dataclass(eq=False)
class NoneLeft(Refusal):
    """All broadcasts of the period are used."""

    says: ClassVar[str] = N_("No broadcasts are left in this period of your package. /packages shows what there is.")


@dataclass(eq=False)
class NotAPlan(Refusal):
    says: ClassVar[str] = N_("A package has a name, a price above nothing, 1 to 366 days, and unlocks something.")
